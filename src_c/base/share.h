/* Shares of a work that threads have in common. */
#ifndef FR_BASE_SHARE_H
#define FR_BASE_SHARE_H

#include "base/compiler.h"

#include <stddef.h>

/* Less work than this for each thread is not worth waking one. */
#define THREAD_FLOP 5.0e6

/* The share of `rank` in n things. */
static FR_INLINE ptrdiff_t share(ptrdiff_t n, int rank, int size)
{
    return n * rank / size;
}

#endif
