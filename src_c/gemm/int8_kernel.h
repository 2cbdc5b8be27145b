/* The integer micro-kernel, for one instruction set:
 *
 *     sums[r][c] = sum over k of  a[r][k] · weight[k] of column vector c
 *
 * It needs one operation, `dot`: to each lane of `sum` the 4 products of the lane's bytes.
 */
#ifndef FR_GEMM_INT8_KERNEL_H
#define FR_GEMM_INT8_KERNEL_H

#include "base/compiler.h"
#include "gemm/int8.h"

#include <string.h>

typedef int32_t fr_words __attribute__((vector_size(FR_VECTOR_BYTES)));
typedef int32_t fr_unaligned_words
    __attribute__((vector_size(FR_VECTOR_BYTES), aligned(sizeof(int32_t)), may_alias));

#define INT8_LANES ((ptrdiff_t)(FR_VECTOR_BYTES / sizeof(int32_t)))
#define INT8_ZERO 0

static FR_INLINE fr_words load_words(const void *p)
{
    return *(const fr_unaligned_words *)p;
}

static FR_INLINE fr_words broadcast_word(const uint8_t *p)
{
    int32_t word;
    memcpy(&word, p, sizeof word);
    return word - (fr_words){0};
}

#if defined(__AVX512VNNI__) && FR_VECTOR_BYTES == 64

/* Multiplies unsigned bytes of a with signed ones of w. */
#undef INT8_ZERO
#define INT8_ZERO 0x80

static FR_INLINE fr_words dot(fr_words sum, fr_words a, fr_words w)
{
    return (fr_words)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)w);
}

#elif defined(__AVX512BW__) && FR_VECTOR_BYTES == 64

/* Unsigned times signed again: |w| times a with w's sign. Two products, at most 127² each, fit into
 * 16 bits. */
static FR_INLINE fr_words dot(fr_words sum, fr_words a, fr_words w)
{
    const __m512i zero = _mm512_setzero_si512();
    const __mmask64 negative = _mm512_movepi8_mask((__m512i)w);
    const __m512i factor = _mm512_mask_sub_epi8((__m512i)a, negative, zero, (__m512i)a);
    const __m512i pairs = _mm512_maddubs_epi16(_mm512_abs_epi8((__m512i)w), factor);
    return sum + (fr_words)_mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
}

#elif defined(__AVX2__) && FR_VECTOR_BYTES == 32

static FR_INLINE fr_words dot(fr_words sum, fr_words a, fr_words w)
{
    const __m256i factor = _mm256_sign_epi8((__m256i)a, (__m256i)w);
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8((__m256i)w), factor);
    return sum + (fr_words)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

#else

typedef int16_t fr_halves __attribute__((vector_size(FR_VECTOR_BYTES)));
typedef uint16_t fr_unsigned_halves __attribute__((vector_size(FR_VECTOR_BYTES)));
typedef uint32_t fr_unsigned_words __attribute__((vector_size(FR_VECTOR_BYTES)));

static FR_INLINE fr_halves low_bytes(fr_words w)
{
    return (fr_halves)((fr_unsigned_halves)w << 8) >> 8;
}

/* In each half of a word, the products of the low and the high bytes; they fit into 16 bits. */
static FR_INLINE fr_words dot(fr_words sum, fr_words a, fr_words w)
{
    const fr_halves pairs = low_bytes(a) * low_bytes(w) + ((fr_halves)a >> 8) * ((fr_halves)w >> 8);
    return sum + ((fr_words)((fr_unsigned_words)pairs << 16) >> 16) + ((fr_words)pairs >> 16);
}

#endif

static FR_INLINE fr_words first_sums(const fr_int8_operands *o, int c)
{
    return INT8_ZERO ? load_words(o->first + c * INT8_LANES) : (fr_words){0};
}

static FR_INLINE void int8_body(const int R, const int C, const fr_int8_operands *o, int32_t *sums)
{
    fr_words sum[FR_MAX_ROWS][FR_MAX_COLUMNS];
    const uint8_t *a[FR_MAX_ROWS];
    const uint32_t *w = o->words;
    const ptrdiff_t step = o->step, column = o->column, bytes = o->groups * FR_INT8_TERMS;
    FR_UNROLL
    for (int r = 0; r < R; r++) {
        a[r] = o->a[r];
        FR_UNROLL
        for (int c = 0; c < C; c++)
            sum[r][c] = first_sums(o, c);
    }
    for (ptrdiff_t k = 0; k < bytes; k += FR_INT8_TERMS, w += step) {
        FR_UNROLL
        for (int c = 0; c < C; c++) {
            const fr_words weights = load_words(w + c * column);
            FR_UNROLL
            for (int r = 0; r < R; r++)
                sum[r][c] = dot(sum[r][c], broadcast_word(a[r] + k), weights);
        }
    }
    FR_UNROLL
    for (int r = 0; r < R; r++) {
        FR_UNROLL
        for (int c = 0; c < C; c++)
            memcpy(sums + (r * C + c) * INT8_LANES, &sum[r][c], sizeof(fr_words));
    }
}

/* One row alone waits for its own sums: even and odd groups have sums of their own. */
static FR_INLINE void int8_one_row_body(const int C, const fr_int8_operands *o, int32_t *sums)
{
    fr_words even[FR_MAX_COLUMNS], odd[FR_MAX_COLUMNS];
    const uint8_t *a = o->a[0];
    const uint32_t *w = o->words;
    const ptrdiff_t step = o->step, column = o->column;
    FR_UNROLL
    for (int c = 0; c < C; c++) {
        even[c] = first_sums(o, c);
        odd[c] = (fr_words){0};
    }
    ptrdiff_t k = o->groups;
    for (; k > 1; k -= 2, a += 2 * FR_INT8_TERMS, w += 2 * step) {
        FR_UNROLL
        for (int c = 0; c < C; c++) {
            even[c] = dot(even[c], broadcast_word(a), load_words(w + c * column));
            odd[c] =
                dot(odd[c], broadcast_word(a + FR_INT8_TERMS), load_words(w + step + c * column));
        }
    }
    if (k) {
        FR_UNROLL
        for (int c = 0; c < C; c++)
            even[c] = dot(even[c], broadcast_word(a), load_words(w + c * column));
    }
    FR_UNROLL
    for (int c = 0; c < C; c++) {
        const fr_words sum = even[c] + odd[c];
        memcpy(sums + c * INT8_LANES, &sum, sizeof sum);
    }
}

#define INT8_KERNEL(R, C)                                                                          \
    static void int8_product_##R##x##C(const fr_int8_operands *o, int32_t *sums)                   \
    {                                                                                              \
        if (R == 1)                                                                                \
            int8_one_row_body(C, o, sums);                                                         \
        else                                                                                       \
            int8_body(R, C, o, sums);                                                              \
    }
#define INT8_ROW_KERNELS(R) INT8_KERNEL(R, 1) INT8_KERNEL(R, 2) INT8_KERNEL(R, 3) INT8_KERNEL(R, 4)
#define INT8_NAMES(R)                                                                              \
    {int8_product_##R##x1, int8_product_##R##x2, int8_product_##R##x3, int8_product_##R##x4}

INT8_ROW_KERNELS(1)
INT8_ROW_KERNELS(2)
INT8_ROW_KERNELS(3)
#if FR_MAX_ROWS > 3
INT8_ROW_KERNELS(4)
INT8_ROW_KERNELS(5)
INT8_ROW_KERNELS(6)
#define INT8_PRODUCTS                                                                              \
    {INT8_NAMES(1), INT8_NAMES(2), INT8_NAMES(3), INT8_NAMES(4), INT8_NAMES(5), INT8_NAMES(6)}
#else
#define INT8_PRODUCTS {INT8_NAMES(1), INT8_NAMES(2), INT8_NAMES(3)}
#endif

#endif
