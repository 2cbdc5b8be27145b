/* Rows of 8-bit numbers, from rows of floats. */
#ifndef FR_QUANT_ROWS_H
#define FR_QUANT_ROWS_H

#include "base/simd.h"
#include "math/elementary.h"

#include <math.h>
#include <string.h>

#if FR_REAL_BITS == 32 /* for floats alone */

#define ROW_FLOOR 0x1p-100f

typedef int8_t fr_row_bytes __attribute__((vector_size(FR_VECTOR_BYTES / sizeof(float))));

static int32_t largest_magnitude(const float *a, ptrdiff_t n)
{
    VI most = {0};
    for (ptrdiff_t i = 0; i < n; i += LANES) {
        /* As integers, magnitudes are in order, and NaN comes after infinity. */
        const VI size = (VI)load_part(a + i, n - i) & INT32_MAX, larger = size > most;
        most = (size & larger) | (most & ~larger);
    }
    int32_t largest = 0;
    for (ptrdiff_t l = 0; l < LANES; l++)
        largest = most[l] > largest ? most[l] : largest;
    return largest;
}

/* q = a / scale + zero, up to whole vectors. */
static void quantize_row(const float *a, ptrdiff_t n, uint8_t zero, uint8_t *q, float *scale)
{
    const int32_t bits = largest_magnitude(a, n);
    float most;
    memcpy(&most, &bits, sizeof most);
    if (!isfinite(most) || most < ROW_FLOOR) {
        *scale = isfinite(most) ? 0.0f : NAN;
        memset(q, zero, (size_t)((n + LANES - 1) / LANES * LANES));
        return;
    }
    *scale = most / 127.0f;
    const float inverse = 127.0f / most;
    for (ptrdiff_t i = 0; i < n; i += LANES) {
        /* The low byte of the rounded number. */
        const VI rounded = (VI)(load_part(a + i, n - i) * SPLAT(inverse) + ROUNDING_SHIFT);
        const fr_row_bytes bytes = __builtin_convertvector(rounded ^ (int32_t)zero, fr_row_bytes);
        memcpy(q + i, &bytes, sizeof bytes);
    }
}

#endif
#endif
