/* exp, tanh and the logistic sigmoid of a vector, and the activations made of them.
 *
 * exp(x) = 2^n · exp(r), n = round(x / ln 2), |r| <= ln 2 / 2, with exp(r) - 1 = r + r² · p(r).
 * p interpolates at Chebyshev nodes; its share of the error is 0.2 ULP. Bounds of the functions
 * against exact values, as the tests hold them: 3 ULP. NaN gives NaN and infinities their limits.
 */

#define SPLAT(x) FN(broadcast)((REAL)(x))
#define SIGN_BIT ((REAL_INT)1 << (sizeof(REAL) * 8 - 1))
/* Adding it rounds a small number to an integer that stands in the low bits. */
#define ROUNDING_SHIFT SPLAT((REAL)1.5 * (REAL)((REAL_INT)1 << MANTISSA_BITS))

/* exp(r) - 1 of the reduced argument; *n is the exponent. */
static FR_INLINE V FN(reduced_expm1)(V x, VI *n)
{
    const V shifted = fma_(x, SPLAT(1.4426950408889634), ROUNDING_SHIFT);
    const V whole = shifted - ROUNDING_SHIFT;
    const V r = fma_(whole, SPLAT(-LN2_LOW), fma_(whole, SPLAT(-LN2_HIGH), x));
    V p = SPLAT(EXP_COEFFICIENTS[EXP_TERMS - 1]);
    for (int k = EXP_TERMS - 2; k >= 0; k--)
        p = fma_(p, r, SPLAT(EXP_COEFFICIENTS[k]));
    *n = (VI)shifted - (VI)ROUNDING_SHIFT;
    return fma_(p, r * r, r);
}

static FR_INLINE V FN(power_of_two)(VI n)
{
    return (V)((n + EXPONENT_BIAS) << MANTISSA_BITS);
}

/* exp(x) for x <= 0. 2^n in two factors: it may be subnormal. */
static FR_INLINE V FN(exp_of_negative)(V x)
{
    VI n;
    const V e = FN(reduced_expm1)(at_least(SPLAT(EXP_LOWEST), x), &n) + SPLAT(1);
    const VI half = n >> 1;
    return e * FN(power_of_two)(half) * FN(power_of_two)(n - half);
}

static FR_INLINE V FN(negative_magnitude)(V x)
{
    return (V)((VI)x | SIGN_BIT);
}

/* 1 / (1 + e^-x), as e^x / (1 + e^x) below zero, where the first form would lose digits. */
static FR_INLINE V FN(vsigmoid)(V x)
{
    const V e = FN(exp_of_negative)(FN(negative_magnitude)(x));
    return FN(select)((VI)(x < SPLAT(0)), e, SPLAT(1)) / (e + SPLAT(1));
}

/* tanh|x| = -d / (d + 2) with d = exp(-2|x|) - 1, which keeps small x exact. */
static FR_INLINE V FN(vtanh)(V x)
{
    VI n;
    const V twice = at_least(SPLAT(-2 * TANH_SATURATION), FN(negative_magnitude)(x) * SPLAT(2));
    const V q = FN(reduced_expm1)(twice, &n);
    const V scale = FN(power_of_two)(n);
    const V d = fma_(scale, q, scale - SPLAT(1));
    const V y = d / (d + SPLAT(2));
    return (V)(((VI)y & ~SIGN_BIT) | ((VI)x & SIGN_BIT));
}

static FR_INLINE V FN(activate)(int activation, V x)
{
    switch (activation) {
    case FR_TANH:
        return FN(vtanh)(x);
    case FR_SIGMOID:
        return FN(vsigmoid)(x);
    case FR_RELU:
        return at_least(SPLAT(0), x);
    case FR_HARD_SIGMOID:
        return at_most(SPLAT(1), at_least(SPLAT(0), x / SPLAT(6) + SPLAT(0.5)));
    default:
        return x;
    }
}

/* The activation's slope where its value is y. */
static FR_INLINE V FN(slope)(int activation, V y)
{
    switch (activation) {
    case FR_TANH:
        return SPLAT(1) - y * y;
    case FR_SIGMOID:
        return y * (SPLAT(1) - y);
    case FR_RELU:
        return FN(select)((VI)(y > SPLAT(0)), SPLAT(1), SPLAT(0));
    case FR_HARD_SIGMOID:
        return FN(select)((VI)(y > SPLAT(0)) & (VI)(y < SPLAT(1)), SPLAT((REAL)1 / 6), SPLAT(0));
    default:
        return SPLAT(1);
    }
}
