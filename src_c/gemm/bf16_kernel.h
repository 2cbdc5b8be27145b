/* The micro-kernel of gemm/kernel.h for words of two weights of 16 bits, the upper halves of
 * floats. */
#ifndef FR_GEMM_BF16_KERNEL_H
#define FR_GEMM_BF16_KERNEL_H

#include "gemm/kernel.h"

#if FR_REAL_BITS == 32 /* for floats alone */

#define BF16_TERMS 2

static FR_INLINE void bf16_body(const int R, const int C, const fr_operands *o, V *tile)
{
    V sum[FR_MAX_ROWS][FR_MAX_COLUMNS], odd[FR_MAX_COLUMNS];
    const float *b = o->b;
    FR_UNROLL
    for (int r = 0; r < R; r++) {
        FR_UNROLL
        for (int c = 0; c < C; c++)
            sum[r][c] = tile[r * C + c];
    }
    FR_UNROLL
    for (int c = 0; c < C; c++)
        odd[c] = SPLAT(0);
    ptrdiff_t k = 0;
    for (; k + 1 < o->terms; k += BF16_TERMS, b += o->b_step) {
        FR_UNROLL
        for (int c = 0; c < C; c++) {
            const VI words = (VI)load(b + c * o->b_column);
            const V first = (V)(words << 16), second = (V)(words & -65536);
            FR_UNROLL
            for (int r = 0; r < R; r++) {
                V *second_sum = R == 1 ? &odd[c] : &sum[r][c];
                sum[r][c] = fma_(broadcast(o->a[r][k]), first, sum[r][c]);
                *second_sum = fma_(broadcast(o->a[r][k + 1]), second, *second_sum);
            }
        }
    }
    if (k < o->terms) {
        FR_UNROLL
        for (int c = 0; c < C; c++) {
            const V first = (V)((VI)load(b + c * o->b_column) << 16);
            FR_UNROLL
            for (int r = 0; r < R; r++)
                sum[r][c] = fma_(broadcast(o->a[r][k]), first, sum[r][c]);
        }
    }
    FR_UNROLL
    for (int r = 0; r < R; r++) {
        FR_UNROLL
        for (int c = 0; c < C; c++)
            tile[r * C + c] = R == 1 ? sum[r][c] + odd[c] : sum[r][c];
    }
}

#define BF16_KERNEL(R, C)                                                                          \
    static void bf16_product_##R##x##C(const fr_operands *o, V *tile)                              \
    {                                                                                              \
        bf16_body(R, C, o, tile);                                                                  \
    }
#define BF16_KERNELS(R) BF16_KERNEL(R, 1) BF16_KERNEL(R, 2) BF16_KERNEL(R, 3) BF16_KERNEL(R, 4)
#define BF16_NAMES(R)                                                                              \
    {bf16_product_##R##x1, bf16_product_##R##x2, bf16_product_##R##x3, bf16_product_##R##x4}
BF16_KERNELS(1)
BF16_KERNELS(2)
BF16_KERNELS(3)
#if FR_MAX_ROWS > 3
BF16_KERNELS(4)
BF16_KERNELS(5)
BF16_KERNELS(6)
#endif

static const fr_product bf16_products[FR_MAX_ROWS][FR_MAX_COLUMNS] = {
    BF16_NAMES(1), BF16_NAMES(2), BF16_NAMES(3),
#if FR_MAX_ROWS > 3
    BF16_NAMES(4), BF16_NAMES(5), BF16_NAMES(6),
#endif
};

#endif
#endif
