/* exp, tanh and the logistic sigmoid of a vector, and the activations made of them.
 *
 * exp(x) = 2^n · exp(r), n = round(x / ln 2), |r| <= ln 2 / 2, with exp(r) - 1 = r + r² · p(r).
 * p interpolates at Chebyshev nodes; its share of the error is 0.2 ULP. Bounds of the functions
 * against exact values, as the tests hold them: 3 ULP. NaN gives NaN and infinities their limits.
 */
#ifndef FR_MATH_ELEMENTARY_H
#define FR_MATH_ELEMENTARY_H

#include "api/fr_api.h"
#include "base/simd.h"

/* p, from the lowest power of r on. */
#if FR_REAL_BITS == 32
#define EXP_TERMS 5
static const REAL exp_coefficients[EXP_TERMS] = {
    0.5f,
    0.16666573381900846f,
    0.041666550110305124f,
    0.0083637738744055735f,
    0.0013926926614021906f,
};
#else
#define EXP_TERMS 10
static const REAL exp_coefficients[EXP_TERMS] = {
    0.5000000000000001128,      0.16666666666666667534,   0.041666666666620638584,
    0.0083333333333297934996,   0.0013888888918939167785, 0.00019841269864380513295,
    0.000024801518641395993583, 2.7557266418612303703e-6, 2.76213386691429238e-7,
    2.5101346928350340198e-8,
};
#endif

#define SIGN_BIT ((REAL_INT)(UINT64_C(1) << (sizeof(REAL) * 8 - 1)))
/* Adding it rounds a small number to an integer, in the low bits. */
#define ROUNDING_SHIFT SPLAT((REAL)1.5 * (REAL)((REAL_INT)1 << MANTISSA_BITS))

/* exp(r) - 1 of the reduced argument; *n is the exponent, a whole number. */
static FR_INLINE V reduced_expm1(V x, V *n)
{
    *n = fma_(x, SPLAT(1.4426950408889634), ROUNDING_SHIFT) - ROUNDING_SHIFT;
    const V r = fma_(*n, SPLAT(-LN2_LOW), fma_(*n, SPLAT(-LN2_HIGH), x));
    V p = SPLAT(exp_coefficients[EXP_TERMS - 1]);
    FR_UNROLL
    for (int k = EXP_TERMS - 2; k >= 0; k--)
        p = fma_(p, r, SPLAT(exp_coefficients[k]));
    return fma_(p, r * r, r);
}

static FR_INLINE V negative_magnitude(V x)
{
    return (V)((VI)x | SIGN_BIT);
}

/* 1 / (1 + e^-x), as e^x / (1 + e^x) below zero, where the first form would lose digits. */
static FR_INLINE V vsigmoid(V x)
{
    V n;
    const V q = reduced_expm1(at_least(SPLAT(EXP_LOWEST), negative_magnitude(x)), &n);
    const V e = scale_by(q + SPLAT(1), n); /* of -|x| */
    return divide(if_negative(x, e, SPLAT(1)), e + SPLAT(1));
}

/* tanh|x| = -d / (d + 2) with d = exp(-2|x|) - 1, which keeps small x exact. */
static FR_INLINE V vtanh(V x)
{
    V n;
    const V twice = at_least(SPLAT(-2 * TANH_SATURATION), negative_magnitude(x) * SPLAT(2));
    const V q = reduced_expm1(twice, &n);
    const V scale = scale_by(SPLAT(1), n);
    const V d = fma_(scale, q, scale - SPLAT(1));
    const V y = divide(d, d + SPLAT(2));
    return (V)(((VI)y & ~SIGN_BIT) | ((VI)x & SIGN_BIT));
}

static FR_INLINE V activate(int activation, V x)
{
    switch (activation) {
    case FR_TANH:
        return vtanh(x);
    case FR_SIGMOID:
        return vsigmoid(x);
    case FR_RELU:
        return at_least(SPLAT(0), x);
    case FR_HARD_SIGMOID:
        return at_most(SPLAT(1), at_least(SPLAT(0), x / SPLAT(6) + SPLAT(0.5)));
    default:
        return x;
    }
}

/* The activation's derivative where its value is y. */
static FR_INLINE V derivative(int activation, V y)
{
    switch (activation) {
    case FR_TANH:
        return SPLAT(1) - y * y;
    case FR_SIGMOID:
        return y * (SPLAT(1) - y);
    case FR_RELU:
        return choose((VI)(y > SPLAT(0)), SPLAT(1), SPLAT(0));
    case FR_HARD_SIGMOID:
        return choose((VI)(y > SPLAT(0)) & (VI)(y < SPLAT(1)), SPLAT((REAL)1 / 6), SPLAT(0));
    default:
        return SPLAT(1);
    }
}

#endif
