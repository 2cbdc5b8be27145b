/* exp, expm1-based tanh, and the logistic sigmoid for one REAL type. Branch-free, so that loops over
 * them vectorise. NaN gives NaN, infinities their limits. Included by fr_activations_impl.h.
 *
 * exp(x) = 2^n · exp(r) with n = round(x / ln 2) and |r| <= ln 2 / 2, where the Taylor series up to
 * r^EXP_TERMS / EXP_TERMS! is exact to rounding.
 */

/* Adding it to a number below 2^(MANTISSA_BITS - 1) rounds that to an integer in the low bits. */
#define ROUNDING_SHIFT ((REAL)1.5 * (REAL)((REAL_BITS)1 << MANTISSA_BITS))

static const REAL FN(inverse_factorial)[] = {
    (REAL)1,           (REAL)1,            (REAL)(1.0 / 2),         (REAL)(1.0 / 6),
    (REAL)(1.0 / 24),  (REAL)(1.0 / 120),  (REAL)(1.0 / 720),       (REAL)(1.0 / 5040),
    (REAL)(1.0 / 40320), (REAL)(1.0 / 362880), (REAL)(1.0 / 3628800), (REAL)(1.0 / 39916800),
    (REAL)(1.0 / 479001600), (REAL)(1.0 / 6227020800.0),
};

static FR_INLINE REAL FN(from_bits)(REAL_BITS bits)
{
    REAL value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static FR_INLINE REAL_BITS FN(to_bits)(REAL value)
{
    REAL_BITS bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* exp(r) - 1 for the reduced argument of x; *exponent is n, as a two's complement number. */
static FR_INLINE REAL FN(reduced_expm1)(REAL x, REAL_BITS *exponent)
{
    REAL shifted = x * (REAL)1.4426950408889634 + ROUNDING_SHIFT;
    REAL n = shifted - ROUNDING_SHIFT;
    REAL r = (x - n * LN2_HIGH) - n * LN2_LOW;
    REAL sum = FN(inverse_factorial)[EXP_TERMS];
    for (int k = EXP_TERMS - 1; k >= 1; k--)
        sum = sum * r + FN(inverse_factorial)[k];
    *exponent = FN(to_bits)(shifted) - FN(to_bits)(ROUNDING_SHIFT);
    return sum * r;
}

static FR_INLINE REAL FN(fr_exp)(REAL x)
{
    REAL_BITS n;
    x = x > EXP_HIGHEST ? EXP_HIGHEST : x;
    x = x < EXP_LOWEST ? EXP_LOWEST : x;
    REAL e = FN(reduced_expm1)(x, &n) + 1;
    /* 2^n in two factors: it may lie beyond the normal numbers where the product does not. */
    REAL_BITS biased = n + 2 * EXPONENT_BIAS;
    REAL_BITS half = biased >> 1;
    return e * FN(from_bits)(half << MANTISSA_BITS) * FN(from_bits)((biased - half) << MANTISSA_BITS);
}

static FR_INLINE REAL FN(fr_sigmoid)(REAL x)
{
    return 1 / (1 + FN(fr_exp)(-x));
}

/* tanh(x) = e / (e + 2) with e = exp(2|x|) - 1, which keeps small x exact. */
static FR_INLINE REAL FN(fr_tanh)(REAL x)
{
    REAL_BITS n;
    REAL twice = 2 * LIBM(fabs)(x);
    twice = twice > 2 * TANH_SATURATION ? 2 * TANH_SATURATION : twice;
    REAL q = FN(reduced_expm1)(twice, &n);
    REAL scale = FN(from_bits)((n + EXPONENT_BIAS) << MANTISSA_BITS);
    REAL e = scale * q + (scale - 1);
    return LIBM(copysign)(e / (e + 2), x);
}

#undef ROUNDING_SHIFT
