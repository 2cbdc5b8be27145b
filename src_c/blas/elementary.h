/* exp, expm1-based tanh, and the logistic sigmoid of one REAL number. Branch-free, so that loops over
 * them vectorise. NaN gives NaN, infinities their limits.
 *
 * exp(x) = 2^n · exp(r) with n = round(x / ln 2) and |r| <= ln 2 / 2, where the Taylor series up to
 * r^EXP_TERMS / EXP_TERMS! is exact to rounding.
 *
 * They stand beside math/elementary.h because the blas engine is built with compilers that have no
 * vector types, and without fused products: that polynomial, whose error rests on them, would change
 * its results.
 */
#ifndef FR_BLAS_ELEMENTARY_H
#define FR_BLAS_ELEMENTARY_H

#include "base/real.h"

#include <math.h>
#include <string.h>

#if defined(__GNUC__) || defined(__clang__)
#define FR_INLINE inline __attribute__((always_inline))
#else
#define FR_INLINE inline
#endif

/* Names that both REAL types have in one program, and those of the C library. */
#if FR_REAL_BITS == 32
#define FR_OF_REAL(name) name##_float
#define LIBM(name) name##f
#define REAL_UINT uint32_t
#define EXP_HIGHEST 89.0f
#define EXP_TERMS 7
#else
#define FR_OF_REAL(name) name##_double
#define LIBM(name) name
#define REAL_UINT uint64_t
#define EXP_HIGHEST 710.0
#define EXP_TERMS 13
#endif

/* Adding it to a number below 2^(MANTISSA_BITS - 1) rounds that to an integer in the low bits. */
#define ROUNDING_SHIFT ((REAL)1.5 * (REAL)((REAL_UINT)1 << MANTISSA_BITS))

static const REAL inverse_factorial[] = {
    (REAL)1,
    (REAL)1,
    (REAL)(1.0 / 2),
    (REAL)(1.0 / 6),
    (REAL)(1.0 / 24),
    (REAL)(1.0 / 120),
    (REAL)(1.0 / 720),
    (REAL)(1.0 / 5040),
    (REAL)(1.0 / 40320),
    (REAL)(1.0 / 362880),
    (REAL)(1.0 / 3628800),
    (REAL)(1.0 / 39916800),
    (REAL)(1.0 / 479001600),
    (REAL)(1.0 / 6227020800.0),
};

static FR_INLINE REAL from_bits(REAL_UINT bits)
{
    REAL value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static FR_INLINE REAL_UINT to_bits(REAL value)
{
    REAL_UINT bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* exp(r) - 1 for the reduced argument of x; *exponent is n, as a two's complement number. */
static FR_INLINE REAL reduced_expm1(REAL x, REAL_UINT *exponent)
{
    REAL shifted = x * (REAL)1.4426950408889634 + ROUNDING_SHIFT;
    REAL n = shifted - ROUNDING_SHIFT;
    REAL r = (x - n * LN2_HIGH) - n * LN2_LOW;
    REAL sum = inverse_factorial[EXP_TERMS];
    for (int k = EXP_TERMS - 1; k >= 1; k--)
        sum = sum * r + inverse_factorial[k];
    *exponent = to_bits(shifted) - to_bits(ROUNDING_SHIFT);
    return sum * r;
}

static FR_INLINE REAL fr_exp(REAL x)
{
    REAL_UINT n;
    x = x > EXP_HIGHEST ? EXP_HIGHEST : x;
    x = x < EXP_LOWEST ? EXP_LOWEST : x;
    REAL e = reduced_expm1(x, &n) + 1;
    /* 2^n in two factors: it may lie beyond the normal numbers where the product does not. */
    REAL_UINT biased = n + 2 * EXPONENT_BIAS;
    REAL_UINT half = biased >> 1;
    return e * from_bits(half << MANTISSA_BITS) * from_bits((biased - half) << MANTISSA_BITS);
}

static FR_INLINE REAL fr_sigmoid(REAL x)
{
    return 1 / (1 + fr_exp(-x));
}

/* tanh(x) = e / (e + 2) with e = exp(2|x|) - 1, which keeps small x exact. */
static FR_INLINE REAL fr_tanh(REAL x)
{
    REAL_UINT n;
    REAL twice = 2 * LIBM(fabs)(x);
    twice = twice > 2 * TANH_SATURATION ? 2 * TANH_SATURATION : twice;
    REAL q = reduced_expm1(twice, &n);
    REAL scale = from_bits((n + EXPONENT_BIAS) << MANTISSA_BITS);
    REAL e = scale * q + (scale - 1);
    return LIBM(copysign)(e / (e + 2), x);
}

#endif
