/* The activations of the blas engine for one REAL type, FR_REAL_BITS. One line of FR_ACTIVATIONS per
 * elementwise activation: its name, y as a function of x, and the derivative dy/dx as a function of x
 * and y.
 */
#ifndef FR_BLAS_ACTIVATIONS_IMPL_H
#define FR_BLAS_ACTIVATIONS_IMPL_H

#include "blas/activations.h"
#include "blas/elementary.h"

#include <string.h>

/* Vector code for several x86 levels; the loader picks the best that the CPU has. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__) &&       \
    !defined(FR_NO_CLONES)
#define FR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FR_CLONES
#endif

#if defined(_MSC_VER)
#define FR_RESTRICT __restrict
#else
#define FR_RESTRICT restrict
#endif

#define R(constant) ((REAL)(constant))
#define SELU_ALPHA R(1.6732632423543772848170429916717)
#define SELU_SCALE R(1.0507009873554804934193349852946)
#define SQRT_HALF R(0.70710678118654752440)
#define INVERSE_SQRT_TWO_PI R(0.39894228040143267794)

static FR_INLINE REAL fr_softplus(REAL x)
{
    REAL tail = LIBM(log1p)(fr_exp(-LIBM(fabs)(x)));
    return x > 0 ? x + tail : tail;
}

/* The normal distribution function, exact in its far tail too. */
static FR_INLINE REAL fr_normal_cdf(REAL x)
{
    return LIBM(erfc)(-x * SQRT_HALF) / 2;
}

/* (x + s) / 2 with s = sqrt(x^2 + 4), without its cancellation for x < 0. */
static FR_INLINE REAL fr_squareplus(REAL x)
{
    REAL s = LIBM(sqrt)(x * x + 4);
    return x < 0 ? 2 / (s - x) : (x + s) / 2;
}

static FR_INLINE REAL fr_clip(REAL x, REAL low, REAL high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

static FR_INLINE REAL mish_derivative(REAL x)
{
    REAL t = fr_tanh(fr_softplus(x));
    return t + x * (1 - t * t) * fr_sigmoid(x);
}

/* FROM_OUTPUT: the derivative needs y alone. FROM_INPUT: it needs x (and may use y). */
#define FR_ACTIVATIONS(FROM_OUTPUT, FROM_INPUT)                                                    \
    FROM_OUTPUT(linear, x, 1)                                                                      \
    FROM_OUTPUT(tanh, fr_tanh(x), 1 - y * y)                                                       \
    FROM_OUTPUT(sigmoid, fr_sigmoid(x), y * (1 - y))                                               \
    FROM_OUTPUT(relu, x < 0 ? 0 : x, y > 0 ? R(1) : R(0))                                          \
    FROM_OUTPUT(relu6, fr_clip(x, 0, 6), ((y > 0) & (y < 6)) ? R(1) : R(0))                        \
    FROM_OUTPUT(leaky_relu, x > 0 ? x : R(0.2) * x, y > 0 ? R(1) : R(0.2))                         \
    FROM_INPUT(elu, x > 0 ? x : fr_tanh(x / 2) * (fr_exp(x) + 1), x > 0 ? R(1) : y + 1)            \
    FROM_INPUT(celu, x > 0 ? x : fr_tanh(x / 2) * (fr_exp(x) + 1), x > 0 ? R(1) : y + 1)           \
    FROM_INPUT(selu, SELU_SCALE *(x > 0 ? x : SELU_ALPHA * fr_tanh(x / 2) * (fr_exp(x) + 1)),      \
               x > 0 ? SELU_SCALE : y + SELU_SCALE * SELU_ALPHA)                                   \
    FROM_INPUT(softplus, fr_softplus(x), fr_sigmoid(x))                                            \
    FROM_INPUT(softsign, x / (1 + LIBM(fabs)(x)), 1 / ((1 + LIBM(fabs)(x)) * (1 + LIBM(fabs)(x)))) \
    FROM_INPUT(squareplus, fr_squareplus(x), y / LIBM(sqrt)(x * x + 4))                            \
    FROM_OUTPUT(exponential, fr_exp(x), y)                                                         \
    FROM_INPUT(hard_sigmoid, fr_clip(x / 6 + R(0.5), 0, 1),                                        \
               ((x > -3) & (x < 3)) ? R(1) / 6 : R(0))                                             \
    FROM_INPUT(hard_silu, x *fr_clip(x / 6 + R(0.5), 0, 1),                                        \
               x >= 3 ? R(1) : (x <= -3 ? R(0) : x / 3 + R(0.5)))                                  \
    FROM_OUTPUT(hard_tanh, fr_clip(x, -1, 1), ((y > -1) & (y < 1)) ? R(1) : R(0))                  \
    FROM_INPUT(hard_shrink, (x > R(0.5)) | (x < R(-0.5)) | (x != x) ? x : R(0),                    \
               (x > R(0.5)) | (x < R(-0.5)) ? R(1) : R(0))                                         \
    FROM_INPUT(soft_shrink, x > R(0.5) ? x - R(0.5) : (x < R(-0.5) ? x + R(0.5) : x - x),          \
               (x > R(0.5)) | (x < R(-0.5)) ? R(1) : R(0))                                         \
    FROM_INPUT(tanh_shrink, x - fr_tanh(x), fr_tanh(x) * fr_tanh(x))                               \
    FROM_INPUT(log_sigmoid, -fr_softplus(-x), fr_sigmoid(-x))                                      \
    FROM_INPUT(silu, x *fr_sigmoid(x), fr_sigmoid(x) * (1 + (x - y)))                              \
    FROM_INPUT(gelu, x *fr_normal_cdf(x),                                                          \
               fr_normal_cdf(x) + x * INVERSE_SQRT_TWO_PI * fr_exp(-x * x / 2))                    \
    FROM_INPUT(mish, x *fr_tanh(fr_softplus(x)), mish_derivative(x))                               \
    FROM_INPUT(sparse_sigmoid, fr_clip((x + 1) / 2, 0, 1), ((x > -1) & (x < 1)) ? R(0.5) : R(0))   \
    FROM_INPUT(sparse_plus, x <= -1 ? 0 : (x < 1 ? (x + 1) * (x + 1) / 4 : x),                     \
               x <= -1 ? R(0) : (x < 1 ? (x + 1) / 2 : R(1)))

#define DEFINE_FORWARD(NAME, Y_OF_X)                                                               \
    FR_CLONES static void NAME##_forward(REAL *FR_RESTRICT ys, ptrdiff_t n)                        \
    {                                                                                              \
        for (ptrdiff_t j = 0; j < n; j++) {                                                        \
            const REAL x = ys[j];                                                                  \
            ys[j] = (REAL)(Y_OF_X);                                                                \
        }                                                                                          \
    }
#define DEFINE_FROM_OUTPUT(NAME, Y_OF_X, DERIVATIVE)                                               \
    DEFINE_FORWARD(NAME, Y_OF_X)                                                                   \
    FR_CLONES static void NAME##_gradient(REAL *FR_RESTRICT d, const REAL *FR_RESTRICT xs,         \
                                          const REAL *FR_RESTRICT ys, ptrdiff_t n)                 \
    {                                                                                              \
        (void)xs;                                                                                  \
        for (ptrdiff_t j = 0; j < n; j++) {                                                        \
            const REAL y = ys[j];                                                                  \
            (void)y;                                                                               \
            d[j] *= (REAL)(DERIVATIVE);                                                            \
        }                                                                                          \
    }
#define DEFINE_FROM_INPUT(NAME, Y_OF_X, DERIVATIVE)                                                \
    DEFINE_FORWARD(NAME, Y_OF_X)                                                                   \
    FR_CLONES static void NAME##_gradient(REAL *FR_RESTRICT d, const REAL *FR_RESTRICT xs,         \
                                          const REAL *FR_RESTRICT ys, ptrdiff_t n)                 \
    {                                                                                              \
        for (ptrdiff_t j = 0; j < n; j++) {                                                        \
            const REAL x = xs[j], y = ys[j];                                                       \
            (void)y;                                                                               \
            d[j] *= (REAL)(DERIVATIVE);                                                            \
        }                                                                                          \
    }

FR_ACTIVATIONS(DEFINE_FROM_OUTPUT, DEFINE_FROM_INPUT)

/* ---- over the row as one vector ---- */

static REAL row_max(const REAL *x, ptrdiff_t n)
{
    REAL max = x[0];
    for (ptrdiff_t j = 1; j < n; j++)
        max = x[j] > max ? x[j] : max;
    return max;
}

/* softmax(x)_j = exp(x_j) / sum_k exp(x_k); dx = y · (d - sum_k d_k y_k) */
FR_CLONES static void softmax_forward(REAL *FR_RESTRICT y, ptrdiff_t n)
{
    const REAL max = row_max(y, n);
    REAL sum = 0;
    for (ptrdiff_t j = 0; j < n; j++)
        y[j] = fr_exp(y[j] - max);
    for (ptrdiff_t j = 0; j < n; j++)
        sum += y[j];
    for (ptrdiff_t j = 0; j < n; j++)
        y[j] /= sum;
}

static void softmax_gradient(REAL *FR_RESTRICT d, const REAL *FR_RESTRICT x,
                             const REAL *FR_RESTRICT y, ptrdiff_t n)
{
    (void)x;
    REAL dot = 0;
    for (ptrdiff_t j = 0; j < n; j++)
        dot += d[j] * y[j];
    for (ptrdiff_t j = 0; j < n; j++)
        d[j] = y[j] * (d[j] - dot);
}

/* log_softmax(x)_j = x_j - log sum_k exp(x_k); dx = d - exp(y) · sum_k d_k */
static void log_softmax_forward(REAL *FR_RESTRICT y, ptrdiff_t n)
{
    const REAL max = row_max(y, n);
    REAL sum = 0;
    for (ptrdiff_t j = 0; j < n; j++)
        sum += fr_exp(y[j] - max);
    const REAL log_sum = LIBM(log)(sum);
    for (ptrdiff_t j = 0; j < n; j++)
        y[j] = (y[j] - max) - log_sum;
}

static void log_softmax_gradient(REAL *FR_RESTRICT d, const REAL *FR_RESTRICT x,
                                 const REAL *FR_RESTRICT y, ptrdiff_t n)
{
    (void)x;
    REAL sum = 0;
    for (ptrdiff_t j = 0; j < n; j++)
        sum += d[j];
    for (ptrdiff_t j = 0; j < n; j++)
        d[j] -= fr_exp(y[j]) * sum;
}

/* sparsemax (Martins and Astudillo 2016): y = max(x - tau, 0) with sum y = 1. The threshold tau is
 * found by dropping entries below it until none is (Michelot 1986): each round drops one or stops. */
static void sparsemax_forward(REAL *FR_RESTRICT y, ptrdiff_t n)
{
    ptrdiff_t support = n + 1;
    REAL tau = -(REAL)INFINITY;
    const REAL max = row_max(y, n);
    for (;;) {
        ptrdiff_t count = 0;
        REAL sum = 0;
        for (ptrdiff_t j = 0; j < n; j++) {
            if (!(y[j] - max <= tau)) {
                sum += y[j] - max;
                count++;
            }
        }
        if (count == 0 || count >= support)
            break;
        support = count;
        tau = (sum - 1) / (REAL)count;
    }
    for (ptrdiff_t j = 0; j < n; j++) {
        const REAL above = y[j] - max - tau;
        y[j] = above < 0 ? 0 : above;
    }
}

static void sparsemax_gradient(REAL *FR_RESTRICT d, const REAL *FR_RESTRICT x,
                               const REAL *FR_RESTRICT y, ptrdiff_t n)
{
    (void)x;
    REAL sum = 0;
    ptrdiff_t support = 0;
    for (ptrdiff_t j = 0; j < n; j++) {
        if (y[j] > 0) {
            sum += d[j];
            support++;
        }
    }
    const REAL mean = support ? sum / (REAL)support : 0;
    for (ptrdiff_t j = 0; j < n; j++)
        d[j] = y[j] > 0 ? d[j] - mean : 0;
}

#define ROW(NAME, ELEMENTWISE, NEEDS_INPUT)                                                        \
    {#NAME, ELEMENTWISE, NAME##_forward, NAME##_gradient, NEEDS_INPUT},
#define ROW_FROM_OUTPUT(NAME, Y_OF_X, DERIVATIVE) ROW(NAME, 1, 0)
#define ROW_FROM_INPUT(NAME, Y_OF_X, DERIVATIVE) ROW(NAME, 1, 1)

static const FR_OF_REAL(fr_activation) activations[] = {
    FR_ACTIVATIONS(ROW_FROM_OUTPUT, ROW_FROM_INPUT) ROW(softmax, 0, 0) ROW(log_softmax, 0, 0)
        ROW(sparsemax, 0, 0)};

const FR_OF_REAL(fr_activation) * FR_OF_REAL(fr_find_activation)(const char *name)
{
    const size_t count = sizeof activations / sizeof activations[0];
    for (size_t k = 0; k < count; k++)
        if (strcmp(activations[k].name, name) == 0)
            return &activations[k];
    return NULL;
}

#endif
