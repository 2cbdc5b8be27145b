/* Blocks of rows, of which the micro-kernel takes one at a time. */
#ifndef FR_GEMM_BLOCKS_H
#define FR_GEMM_BLOCKS_H

#include "base/compiler.h"

#include <stddef.h>

static FR_INLINE ptrdiff_t count_blocks(ptrdiff_t rows)
{
    return (rows + FR_MAX_ROWS - 1) / FR_MAX_ROWS;
}

/* How many rows the next block of `left` rows takes: blocks of two rows or more, much alike. */
static FR_INLINE int block_rows(ptrdiff_t left)
{
    const ptrdiff_t blocks = count_blocks(left);
    return (int)((left + blocks - 1) / blocks);
}

#endif
