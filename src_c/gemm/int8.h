/* Products of 8-bit numbers with sums of 32 bits, as each instruction set offers them.
 *
 * A word holds 4 terms k of one column; a row holds its terms as they follow each other. Numbers lie
 * in [-127, 127]. The sums are exact, so every instruction set gives the same.
 */
#ifndef FR_INT8_H
#define FR_INT8_H

#include <stddef.h>
#include <stdint.h>

#define FR_INT8_TERMS 4 /* in a word */
#define FR_INT8_MAX_ROWS 6

typedef struct fr_int8_operands {
    const uint8_t *a[FR_INT8_MAX_ROWS];
    const uint32_t *words;
    ptrdiff_t step, column; /* words between one group of terms, one column vector, and the next */
    ptrdiff_t groups;
    const int32_t *first; /* (columns, LANES), where the sums begin if `zero` is not 0 */
} fr_int8_operands;

/* sums (rows, columns, LANES), aligned to 64 bytes. */
typedef void (*fr_int8_product)(const fr_int8_operands *operands, int32_t *sums);

typedef struct fr_int8_kernels {
    uint8_t zero; /* added to each number of `a`, which is unsigned then */
    fr_int8_product product[FR_INT8_MAX_ROWS][4]; /* by rows - 1 and columns - 1 */
} fr_int8_kernels;

/* Of the capability VNNI. */
extern const fr_int8_kernels fr_int8_vnni;

#endif
