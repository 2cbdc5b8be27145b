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

/* Rows that the kernel gets for a block of n. One row of a batch of more is multiplied twice over: the
 * kernel for one row sums otherwise. `alone`: there never is more than one. */
static FR_INLINE int kernel_rows(ptrdiff_t n, int alone)
{
    return n == 1 && !alone ? 2 : (int)n;
}

/* Which row the kernel gets as its row r, for a block of n from `first` on. */
static FR_INLINE ptrdiff_t source_row(ptrdiff_t first, int r, ptrdiff_t n)
{
    return first + (r < n ? r : 0);
}

#endif
