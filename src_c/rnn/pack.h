/* The weights in the order in which the micro-kernel reads them.
 *
 * Forward: for each phase of the step and each vector of units, the terms k of [x | 1 | h] one after
 * the other, LANES numbers for every gate of the phase. Where only one gate is multiplied, several
 * vectors are read at once. The GRU with reset_after has the 1 twice: once for each bias.
 * Where the last vector of units is filled so little that fewer vectors hold all its gates, they stand
 * there without gaps, and are split_tail over vectors of their own after the product.
 * Backward: U^T and W^T, the terms k in the order of a row of dz.
 */
#ifndef FR_RNN_PACK_H
#define FR_RNN_PACK_H

#include "gemm/kernel.h"
#include "rnn/rows.h"

#include <string.h>

static ptrdiff_t packed_terms(const fr_plan *p)
{
    return p->K + (p->cell->biases == 2);
}

/* Whether x·W is taken for many steps at once: with so few rows, a step reads every weight for
 * little work, and half of that can be had for less. */
static int hoists(const fr_plan *p)
{
    return p->B <= 2 && p->T >= 4 && !p->per_gate && !p->in_place;
}

/* A few steps of few rows are done before weights could be packed. Rows of whole vectors can be
 * read where they stand. */
static int reads_in_place(const fr_rnn *r)
{
    return r->units % LANES == 0 && r->batch * r->timesteps <= 4 && !r->projection;
}

/* Column vectors of the last vector of units if its gates stand in them without gaps; else 0. */
static int tail_columns(const fr_plan *p)
{
    const ptrdiff_t units = p->H - (p->vectors - 1) * LANES;
    const ptrdiff_t columns = (p->G * units + LANES - 1) / LANES;
    const int able =
        p->cell->phases == 1 && !p->r->weight_format && !p->per_gate && !p->in_place && !hoists(p);
    return able && columns < p->G ? (int)columns : 0;
}

static FR_INLINE int is_tail(const fr_plan *p, ptrdiff_t v)
{
    return p->tail && v == p->vectors - 1;
}

static size_t packed_numbers(const fr_plan *p)
{
    if (p->in_place)
        return 0;
    return (size_t)(packed_terms(p) * p->vectors) * (size_t)(p->G * LANES);
}

/* Where the packed weights of a phase begin, for vector v of units. */
static FR_INLINE REAL *packed_at(const fr_plan *p, int phase, ptrdiff_t v)
{
    const ptrdiff_t terms = packed_terms(p) * LANES;
    const ptrdiff_t before = p->cell->phase[phase].first_gate * terms * p->vectors;
    return p->packed + before + v * terms * p->cell->phase[phase].gates;
}

/* Row k of [kernel; bias; recurrent_kernel], or NULL for the zeros of a missing bias. */
static const REAL *weight_row(const fr_plan *p, ptrdiff_t k)
{
    const ptrdiff_t width = p->G * p->H, biases = packed_terms(p) - p->F - p->P;
    const REAL *bias = p->cell->biases ? p->r->weights[FR_BIAS] : NULL;
    if (k < p->F)
        return (const REAL *)p->r->weights[FR_KERNEL] + k * width;
    if (k < p->F + biases)
        return bias ? bias + (k - p->F) * width : NULL;
    return (const REAL *)p->r->weights[FR_RECURRENT_KERNEL] + (k - p->F - biases) * width;
}

/* The gates of a phase for vector v of units, of one row of the weights; NULL means zeros. */
static FR_INLINE void pack_row(const fr_plan *p, int phase, ptrdiff_t v, const REAL *row, REAL *out)
{
    const ptrdiff_t n = lanes_at(p, v);
    const ptrdiff_t column = p->cell->phase[phase].first_gate * p->H + v * LANES;
    if (is_tail(p, v)) {
        memset(out, 0, (size_t)(p->tail * LANES) * sizeof(REAL));
        for (ptrdiff_t g = 0; row && g < p->G; g++)
            memcpy(out + g * n, row + column + g * p->H, (size_t)n * sizeof(REAL));
        return;
    }
    for (int g = 0; g < p->cell->phase[phase].gates; g++)
        store(out + g * LANES, row ? load_part(row + column + g * p->H, n) : SPLAT(0));
}

#define PACKED_ROWS 8 /* rows read at once: one after the other, each is a stream for every gate */

/* Pack the weights of the vectors of units [begin, end). */
static void pack(const fr_plan *p, ptrdiff_t begin, ptrdiff_t end)
{
    const ptrdiff_t terms = packed_terms(p);
    for (int phase = 0; phase < p->cell->phases; phase++) {
        const int gates = p->cell->phase[phase].gates;
        if (p->cell->phase[phase].kind != GATES_PHASE)
            continue;
        for (ptrdiff_t first = 0; first < terms; first += PACKED_ROWS) {
            const ptrdiff_t last = first + PACKED_ROWS < terms ? first + PACKED_ROWS : terms;
            for (ptrdiff_t v = begin; v < end; v++) {
                const ptrdiff_t step = (is_tail(p, v) ? p->tail : gates) * LANES;
                REAL *out = packed_at(p, phase, v) + first * step;
                for (ptrdiff_t k = first; k < last; k++, out += step)
                    pack_row(p, phase, v, weight_row(p, k), out);
            }
        }
    }
}

/* Terms of a phase that lie together: a at its place in a input row, b in the weights. */
typedef struct {
    ptrdiff_t a;
    const REAL *b;
    ptrdiff_t terms;
} fr_segment;

#define MAX_SEGMENTS 4

/* The distances between the weights of two terms, and of two columns, of a phase. */
static FR_INLINE void set_weight_steps(const fr_plan *p, int phase, ptrdiff_t v, fr_operands *o)
{
    const int gates = is_tail(p, v) ? p->tail : p->cell->phase[phase].gates;
    if (p->in_place) {
        o->b_step = p->G * p->H;
        o->b_column = gates > 1 ? p->H : LANES;
    } else {
        o->b_step = gates * LANES;
        o->b_column = p->cell->phase[phase].gates > 1 ? LANES : packed_terms(p) * LANES;
    }
}

/* The segments of a phase for vector v of units; those of the recurrent operand begin at *recurrent. */
static FR_INLINE int list_segments(const int quantized, const int in_order, const fr_plan *p,
                                   int phase, ptrdiff_t v, fr_segment *out, int *recurrent)
{
    const int two_biases = p->cell->biases == 2;
    int n = 0;
    if (quantized) { /* see quant/operand.h */
        out[n++] = (fr_segment){0, NULL, p->F};
        *recurrent = n;
        out[n++] = (fr_segment){p->F + 1, NULL, p->P};
        return n;
    }
    if (!in_order && p->in_place) {
        const ptrdiff_t column = p->cell->phase[phase].first_gate * p->H + v * LANES;
        const REAL *bias = p->cell->biases ? p->r->weights[FR_BIAS] : NULL;
        out[n++] = (fr_segment){0, (const REAL *)p->r->weights[FR_KERNEL] + column, p->F};
        if (bias)
            out[n++] = (fr_segment){p->F, bias + column, 1};
        *recurrent = n;
        if (bias && two_biases)
            out[n++] = (fr_segment){p->F, bias + p->G * p->H + column, 1};
        out[n++] =
            (fr_segment){p->F + 1, (const REAL *)p->r->weights[FR_RECURRENT_KERNEL] + column, p->P};
        return n;
    }
    const REAL *b = packed_at(p, phase, v);
    const int columns = is_tail(p, v) ? p->tail : p->cell->phase[phase].gates;
    const ptrdiff_t inputs = (p->F + 1) * columns * LANES;
    *recurrent = 1;
    if (in_order || p->cell->apart || p->input_part) {
        out[n++] = (fr_segment){0, b, p->F + 1};
        out[n++] = (fr_segment){p->F + !two_biases, b + inputs, p->P + two_biases};
    } else {
        out[n++] = (fr_segment){0, b, p->K};
    }
    return n;
}

/* to (n, LANES) = the transpose of `lanes` rows of n numbers, `width` apart; zero beyond them. In square
 * blocks: every line of memory is read once, and written while in the cache. */
static void pack_transposed_block(const REAL *from, ptrdiff_t width, ptrdiff_t lanes, ptrdiff_t n,
                                  REAL *to)
{
    for (ptrdiff_t j = 0; j < n; j += LANES) {
        const ptrdiff_t last = j + LANES < n ? j + LANES : n;
        for (ptrdiff_t l = 0; l < LANES; l++)
            for (ptrdiff_t i = j; i < last; i++)
                to[i * LANES + l] = l < lanes ? from[l * width + i] : 0;
    }
}

/* out (vectors of rows, G·H, LANES) = the transpose of `matrix` (rows, G·H); zero for rows beyond the
 * last. Its columns stand in the order of the G blocks of dz from `block` on. */
static void pack_transposed(const fr_plan *p, const REAL *matrix, ptrdiff_t rows, int block,
                            REAL *out, ptrdiff_t begin, ptrdiff_t end)
{
    const ptrdiff_t width = p->G * p->H;
    for (ptrdiff_t v = begin; v < end; v++) {
        const ptrdiff_t left = rows - v * LANES, lanes = left < LANES ? left : LANES;
        const REAL *top = matrix + v * LANES * width;
        for (int g = 0; g < p->G; g++) {
            REAL *to = out + (v * p->G + g) * p->H * LANES;
            const REAL *from = top + p->cell->gate_of[block + g] * p->H;
            pack_transposed_block(from, width, lanes, p->H, to);
        }
    }
}

/* Pack the projection (H, P) for products with rows of H numbers: the vectors of P [begin, end). */
static void pack_projection(const fr_plan *p, ptrdiff_t begin, ptrdiff_t end)
{
    const REAL *matrix = p->r->weights[FR_OWN_WEIGHTS];
    for (ptrdiff_t v = begin; v < end; v++)
        for (ptrdiff_t k = 0; k < p->H; k++)
            store(p->packed_projection + (v * p->H + k) * LANES,
                  load_part(matrix + k * p->P + v * LANES, p->P - v * LANES));
}

/* And its transpose, for products with rows of P numbers: the vectors of units [begin, end). */
static void pack_projection_transposed(const fr_plan *p, ptrdiff_t begin, ptrdiff_t end)
{
    const REAL *matrix = p->r->weights[FR_OWN_WEIGHTS];
    for (ptrdiff_t v = begin; v < end; v++) {
        const ptrdiff_t left = lanes_at(p, v), lanes = left < LANES ? left : LANES;
        pack_transposed_block(matrix + v * LANES * p->P, p->P, lanes, p->P,
                              p->packed_d_projection + v * p->P * LANES);
    }
}

#endif
