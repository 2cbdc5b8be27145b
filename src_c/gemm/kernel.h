/* The micro-kernel: every matrix product of the engine is made of it.
 *
 *     tile[r][c] (+)= sum over k of  a[r][k·a_step + c·a_gate] · vector at b + k·b_step + c·b_column
 *
 * for R rows and C column vectors, whose R·C sums stay in registers. With a_step 1, rows times
 * packed weights; with a_step the length of a row of A, and a[r] = a[0] + r, the transpose of A
 * times a matrix as it stands. a_gate, where each gate has inputs of its own, is not 0.
 * The sum over k runs in one order whatever R is; only a batch of one row sums even and odd k apart.
 */
#ifndef FR_GEMM_KERNEL_H
#define FR_GEMM_KERNEL_H

#include "base/simd.h"

typedef struct {
    const REAL *a[FR_MAX_ROWS];
    ptrdiff_t a_step, a_gate;
    const REAL *b;
    ptrdiff_t b_step, b_column;
    ptrdiff_t terms; /* number of k */
    int add;         /* to what `tile` holds; else the sums begin at 0 */
} fr_operands;

#define TILE_VECTORS (FR_MAX_ROWS * FR_MAX_COLUMNS)

static FR_INLINE void product_body(const int R, const int C, const int per_gate,
                                   const fr_operands *o, V *tile)
{
    V sum[FR_MAX_ROWS][FR_MAX_COLUMNS];
    const REAL *a[FR_MAX_ROWS];
    const REAL *b = o->b;
    const ptrdiff_t a_step = o->a_step, b_step = o->b_step, column = o->b_column;
    const ptrdiff_t a_gate = o->a_gate;
    FR_UNROLL
    for (int r = 0; r < R; r++) {
        a[r] = o->a[r];
        FR_UNROLL
        for (int c = 0; c < C; c++)
            sum[r][c] = SPLAT(0);
    }
    if (o->add) {
        FR_UNROLL
        for (int r = 0; r < R; r++) {
            FR_UNROLL
            for (int c = 0; c < C; c++)
                sum[r][c] = tile[r * C + c];
        }
    }
    ptrdiff_t i = 0;
    for (ptrdiff_t k = o->terms; k > 0; k--) {
        V w[FR_MAX_COLUMNS];
        FR_UNROLL
        for (int c = 0; c < C; c++)
            w[c] = load(b + c * column);
        FR_UNROLL
        for (int r = 0; r < R; r++) {
            if (per_gate) {
                FR_UNROLL
                for (int c = 0; c < C; c++) {
                    const V s = broadcast(a[r][i + c * a_gate]);
                    sum[r][c] = fma_(s, w[c], sum[r][c]);
                }
            } else {
                const V s = broadcast(a[r][i]);
                FR_UNROLL
                for (int c = 0; c < C; c++)
                    sum[r][c] = fma_(s, w[c], sum[r][c]);
            }
        }
        i += a_step;
        b += b_step;
    }
    FR_UNROLL
    for (int r = 0; r < R; r++) {
        FR_UNROLL
        for (int c = 0; c < C; c++)
            tile[r * C + c] = sum[r][c];
    }
}

#define KERNEL(R, C)                                                                               \
    static void product_##R##x##C(const fr_operands *o, V *tile)                                   \
    {                                                                                              \
        product_body(R, C, 0, o, tile);                                                            \
    }                                                                                              \
    static void product_per_gate_##R##x##C(const fr_operands *o, V *tile)                          \
    {                                                                                              \
        product_body(R, C, 1, o, tile);                                                            \
    }
#define KERNELS(R) KERNEL(R, 1) KERNEL(R, 2) KERNEL(R, 3) KERNEL(R, 4)
#define NAMES(R)                                                                                   \
    {                                                                                              \
        {product_##R##x1, product_per_gate_##R##x1},                                               \
        {product_##R##x2, product_per_gate_##R##x2},                                               \
        {product_##R##x3, product_per_gate_##R##x3},                                               \
        {product_##R##x4, product_per_gate_##R##x4},                                               \
    }

KERNELS(2)
KERNELS(3)
#if FR_MAX_ROWS > 3
KERNELS(4)
KERNELS(5)
KERNELS(6)
#endif

/* One row alone waits for its own sums: even and odd k have sums of their own. */
static FR_INLINE void product_one_row_body(const int C, const int per_gate, const fr_operands *o,
                                           V *tile)
{
    V even[FR_MAX_COLUMNS], odd[FR_MAX_COLUMNS];
    const REAL *a = o->a[0], *b = o->b;
    const ptrdiff_t a_step = o->a_step, b_step = o->b_step, column = o->b_column;
    const ptrdiff_t a_gate = per_gate ? o->a_gate : 0;
    FR_UNROLL
    for (int c = 0; c < C; c++)
        even[c] = o->add ? tile[c] : SPLAT(0);
    FR_UNROLL
    for (int c = 0; c < C; c++)
        odd[c] = SPLAT(0);
    ptrdiff_t k = o->terms;
    for (; k > 1; k -= 2) {
        FR_UNROLL
        for (int c = 0; c < C; c++) {
            even[c] = fma_(broadcast(a[c * a_gate]), load(b + c * column), even[c]);
            odd[c] = fma_(broadcast(a[a_step + c * a_gate]), load(b + b_step + c * column), odd[c]);
        }
        a += 2 * a_step;
        b += 2 * b_step;
    }
    if (k) {
        FR_UNROLL
        for (int c = 0; c < C; c++)
            even[c] = fma_(broadcast(a[c * a_gate]), load(b + c * column), even[c]);
    }
    FR_UNROLL
    for (int c = 0; c < C; c++)
        tile[c] = even[c] + odd[c];
}

#define ONE_ROW_KERNEL(C)                                                                          \
    static void product_1x##C(const fr_operands *o, V *tile)                                       \
    {                                                                                              \
        product_one_row_body(C, 0, o, tile);                                                       \
    }                                                                                              \
    static void product_per_gate_1x##C(const fr_operands *o, V *tile)                              \
    {                                                                                              \
        product_one_row_body(C, 1, o, tile);                                                       \
    }
ONE_ROW_KERNEL(1)
ONE_ROW_KERNEL(2)
ONE_ROW_KERNEL(3)
ONE_ROW_KERNEL(4)

typedef void (*fr_product)(const fr_operands *, V *);

static const fr_product products[FR_MAX_ROWS][FR_MAX_COLUMNS][2] = {
    NAMES(1), NAMES(2), NAMES(3),
#if FR_MAX_ROWS > 3
    NAMES(4), NAMES(5), NAMES(6),
#endif
};

static FR_INLINE void product(int rows, int columns, const fr_operands *o, V *tile)
{
    products[rows - 1][columns - 1][o->a_gate != 0](o, tile);
}

/* One row, with one sum for all k in order, as each row of several has. */
static void product_in_order(int columns, const fr_operands *o, V *tile)
{
    switch (columns) {
    case 1:
        product_body(1, 1, 0, o, tile);
        break;
    case 2:
        product_body(1, 2, 0, o, tile);
        break;
    case 3:
        product_body(1, 3, 0, o, tile);
        break;
    default:
        product_body(1, 4, 0, o, tile);
    }
}

#endif
