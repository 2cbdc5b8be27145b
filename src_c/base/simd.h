/* One vector type of REAL numbers and the few operations that plain C operators do not give.
 *
 * The instruction set defines FR_VECTOR_BYTES; REAL is float or double. Operators + - * / and comparisons are
 * those of GCC's vector extension, which GCC and Clang share. Products are fused with sums where
 * `fma_` says so and nowhere else, so that every instance of the code rounds alike.
 */
#ifndef FR_BASE_SIMD_H
#define FR_BASE_SIMD_H

#include "base/compiler.h"
#include "base/real.h"

/* The intrinsic of REAL numbers. */
#if defined(__aarch64__) && FR_REAL_BITS == 32
#define INTRINSIC(name) name##f32
#elif defined(__aarch64__)
#define INTRINSIC(name) name##f64
#elif FR_REAL_BITS == 32
#define INTRINSIC(name) name##ps
#else
#define INTRINSIC(name) name##pd
#endif

#define LANES ((ptrdiff_t)(FR_VECTOR_BYTES / sizeof(REAL)))
typedef REAL V __attribute__((vector_size(FR_VECTOR_BYTES)));
typedef REAL_INT VI __attribute__((vector_size(FR_VECTOR_BYTES)));
typedef REAL unaligned_vector
    __attribute__((vector_size(FR_VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));

static FR_INLINE V load(const REAL *p)
{
    return *(const unaligned_vector *)p;
}

static FR_INLINE void store(REAL *p, V v)
{
    *(unaligned_vector *)p = v;
}

/* The first n lanes alone; the others are 0 and left as they are. */
#define FIRST_LANES(n) ((n) > 0 ? ((1u << (n)) - 1) : 0)

static FR_INLINE V load_part(const REAL *p, ptrdiff_t n)
{
    if (n >= LANES)
        return load(p);
#if defined(__AVX512F__) && FR_VECTOR_BYTES == 64
    return INTRINSIC(_mm512_maskz_loadu_)(FIRST_LANES(n), p);
#else
    V v = {0};
    for (ptrdiff_t l = 0; l < n; l++)
        v[l] = p[l];
    return v;
#endif
}

static FR_INLINE void store_part(REAL *p, V v, ptrdiff_t n)
{
    if (n >= LANES) {
        store(p, v);
        return;
    }
#if defined(__AVX512F__) && FR_VECTOR_BYTES == 64
    INTRINSIC(_mm512_mask_storeu_)(p, FIRST_LANES(n), v);
#else
    for (ptrdiff_t l = 0; l < n; l++)
        p[l] = v[l];
#endif
}

static FR_INLINE V broadcast(REAL x)
{
    return x - (V){0};
}

#define SPLAT(x) broadcast((REAL)(x))

static FR_INLINE V choose(VI condition, V yes, V no)
{
    return (V)(((VI)yes & condition) | ((VI)no & ~condition));
}

/*   fma_(a, b, c)         a·b + c
 *   at_least, at_most     max(bound, x) and min(bound, x), but NaN where x is NaN
 *   if_negative(x, a, b)  a where x is below zero, else b
 *   scale_by(x, n)        x·2^n for whole n; the result may be subnormal
 *   divide(a, b)          a / b, for b from 1 to 2, to within 1 ULP
 */
#if defined(__AVX512F__) && FR_VECTOR_BYTES == 64

#define fma_(a, b, c) INTRINSIC(_mm512_fmadd_)(a, b, c)
#define at_least(bound, x) INTRINSIC(_mm512_max_)(bound, x)
#define at_most(bound, x) INTRINSIC(_mm512_min_)(bound, x)
#define scale_by(x, n) INTRINSIC(_mm512_scalef_)(x, n)

static FR_INLINE V if_negative_(V x, V a, V b)
{
#if FR_REAL_BITS == 32
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, SPLAT(0), _CMP_LT_OQ), b, a);
#else
    return _mm512_mask_blend_pd(_mm512_cmp_pd_mask(x, SPLAT(0), _CMP_LT_OQ), b, a);
#endif
}
#define if_negative(x, a, b) if_negative_(x, a, b)

#if FR_REAL_BITS == 32
/* An estimate of 14 bits and one step of Newton's: the divider takes longer. */
static FR_INLINE V divide_(V a, V b)
{
    const V y = _mm512_rcp14_ps(b);
    return a * fma_(y, fma_(-b, y, SPLAT(1)), y);
}
#define divide(a, b) divide_(a, b)
#endif

#elif defined(__AVX2__) && FR_VECTOR_BYTES == 32

#define fma_(a, b, c) INTRINSIC(_mm256_fmadd_)(a, b, c)
#define at_least(bound, x) INTRINSIC(_mm256_max_)(bound, x)
#define at_most(bound, x) INTRINSIC(_mm256_min_)(bound, x)

#elif defined(__aarch64__) && FR_VECTOR_BYTES == 16 && !defined(FR_GENERIC_VECTORS)

#define fma_(a, b, c) INTRINSIC(vfmaq_)(c, a, b)
#define at_least(bound, x) INTRINSIC(vmaxq_)(bound, x)
#define at_most(bound, x) INTRINSIC(vminq_)(bound, x)

#else

#define fma_(a, b, c) ((a) * (b) + (c))
#define at_least(bound, x) choose((VI)((x) < (bound)), bound, x)
#define at_most(bound, x) choose((VI)((x) > (bound)), bound, x)

#endif

#ifndef if_negative
#define if_negative(x, a, b) choose((VI)((x) < SPLAT(0)), a, b)
#endif
#ifndef divide
#define divide(a, b) ((a) / (b))
#endif
#ifndef scale_by
/* 2^n in two factors: it may be subnormal where neither half is. */
static FR_INLINE V scale_in_halves(V x, V n)
{
    const V shift = SPLAT((REAL)1.5 * (REAL)((REAL_INT)1 << MANTISSA_BITS));
    const VI whole = (VI)(n + shift) - (VI)shift, half = whole >> 1;
    const V low = (V)((half + EXPONENT_BIAS) << MANTISSA_BITS);
    return x * low * (V)((whole - half + EXPONENT_BIAS) << MANTISSA_BITS);
}
#define scale_by(x, n) scale_in_halves(x, n)
#endif

#endif
