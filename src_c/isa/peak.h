/* The peak of one instruction set: products and sums in registers alone. */
#ifndef FR_ISA_PEAK_H
#define FR_ISA_PEAK_H

#include "base/simd.h"

#define CHAINS 12 /* enough to hide the latency, few enough for 16 registers */

static double fma_loop(long turns)
{
    V sum[CHAINS];
    volatile REAL one = 1; /* the compiler must not know that nothing changes */
    const V factor = SPLAT(one);
    FR_UNROLL_ALL
    for (int i = 0; i < CHAINS; i++)
        sum[i] = SPLAT(i);
    for (long k = 0; k < turns; k++) {
        FR_UNROLL_ALL
        for (int i = 0; i < CHAINS; i++)
            sum[i] = fma_(sum[i], factor, factor);
    }
    V total = SPLAT(0);
    FR_UNROLL_ALL
    for (int i = 0; i < CHAINS; i++)
        total += sum[i];
    volatile REAL kept = total[0];
    (void)kept;
    return 2.0 * CHAINS * (double)LANES * (double)turns;
}

#endif
