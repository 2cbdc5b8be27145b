/* One vector type of REAL numbers and the few operations that plain C operators do not give.
 *
 * A variant defines FR_VECTOR_BYTES; REAL is float or double. Operators + - * / and comparisons are
 * those of GCC's vector extension, which GCC and Clang share. Products are fused with sums where
 * `fma` says so and nowhere else, so that every instance of the code rounds alike.
 * Included once for each REAL by fr_kernels.h.
 */

#define LANES ((ptrdiff_t)(FR_VECTOR_BYTES / sizeof(REAL)))
#define V FN(fr_vector)
#define VI FN(fr_vector_int)

typedef REAL V __attribute__((vector_size(FR_VECTOR_BYTES)));
typedef REAL_INT VI __attribute__((vector_size(FR_VECTOR_BYTES)));
typedef REAL FN(fr_unaligned) __attribute__((vector_size(FR_VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));

static FR_INLINE V FN(load)(const REAL *p)
{
    return *(const FN(fr_unaligned) *)p;
}

static FR_INLINE void FN(store)(REAL *p, V v)
{
    *(FN(fr_unaligned) *)p = v;
}

/* The first n lanes alone; the others are 0 and left as they are. */
static FR_INLINE V FN(load_part)(const REAL *p, ptrdiff_t n)
{
    if (n >= LANES)
        return FN(load)(p);
    V v = {0};
    for (ptrdiff_t l = 0; l < n; l++)
        v[l] = p[l];
    return v;
}

static FR_INLINE void FN(store_part)(REAL *p, V v, ptrdiff_t n)
{
    if (n >= LANES) {
        FN(store)(p, v);
        return;
    }
    for (ptrdiff_t l = 0; l < n; l++)
        p[l] = v[l];
}

static FR_INLINE V FN(broadcast)(REAL x)
{
    return x - (V){0};
}

static FR_INLINE V FN(select)(VI condition, V yes, V no)
{
    return (V)(((VI)yes & condition) | ((VI)no & ~condition));
}

/* max(bound, x) and min(bound, x), but NaN where x is NaN. */
#if defined(__AVX512F__) && FR_VECTOR_BYTES == 64
#define fma_(a, b, c) INTRINSIC(_mm512_fmadd_)(a, b, c)
#define at_least(bound, x) INTRINSIC(_mm512_max_)(bound, x)
#define at_most(bound, x) INTRINSIC(_mm512_min_)(bound, x)
#elif defined(__AVX2__) && FR_VECTOR_BYTES == 32
#define fma_(a, b, c) INTRINSIC(_mm256_fmadd_)(a, b, c)
#define at_least(bound, x) INTRINSIC(_mm256_max_)(bound, x)
#define at_most(bound, x) INTRINSIC(_mm256_min_)(bound, x)
#elif defined(__ARM_NEON) && defined(__aarch64__) && FR_VECTOR_BYTES == 16
#define fma_(a, b, c) INTRINSIC(vfmaq_)(c, a, b)
#define at_least(bound, x) INTRINSIC(vmaxq_)(bound, x)
#define at_most(bound, x) INTRINSIC(vminq_)(bound, x)
#else
#define fma_(a, b, c) ((a) * (b) + (c))
#define at_least(bound, x) FN(select)((VI)((x) < (bound)), bound, x)
#define at_most(bound, x) FN(select)((VI)((x) > (bound)), bound, x)
#endif
