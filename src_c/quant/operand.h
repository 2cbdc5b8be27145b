/* Quantized weights as operands of a step, for float alone and for inference alone.
 *
 * FR_BF16_WEIGHTS   z = b + x·W + h·U, as ever, with weights of 16 bits, widened as they are read
 * FR_INT8_WEIGHTS   z = b + x_scale·W_scale·(qx·qW) + h_scale·U_scale·(qh·qU)
 * The caller quantizes and packs the weights, once. x_t and h_{t-1} (r·h for the candidate of the
 * GRU) are quantized here, at each step, each row for itself: scale = max|a| / 127, q = a·(127 /
 * max|a|) to the nearest integer, ties to even. A row whose largest number is below 2^-100 counts as
 * zeros; one with a NaN or an infinity gives NaN. The products are exact, so that bits do not depend on who
 * computes what. Every thread quantizes the rows that it multiplies, into scratch of its own:
 * no barriers but those of the steps.
 *
 * Packed, for each phase of the step and each vector of units: the groups of terms (4 bytes, or 2
 * numbers of 16 bits) one after the other, LANES words for every gate of the phase. Scales, biases
 * and `first` stand likewise, without the groups.
 */
#ifndef FR_QUANT_OPERAND_H
#define FR_QUANT_OPERAND_H

#include "base/arena.h"
#include "gemm/blocks.h"
#include "isa/engine.h"
#include "quant/rows.h"
#include "rnn/pack.h"

#if FR_REAL_BITS == 32 /* for floats alone */

#include "gemm/bf16_kernel.h"
#include "gemm/int8_kernel.h"

static const fr_int8_kernels int8_own = {.zero = INT8_ZERO, .product = INT8_PRODUCTS};

/* One thread's view of one operand, of the inputs or of the recurrent one. */
typedef struct {
    const fr_packed_operand *packed;
    ptrdiff_t terms, groups;
    uint8_t *q;     /* quantized rows */
    float *q_scale; /* of each */
} fr_operand;

/* Row r of a block is `source[r]`, of floats, and number `first` + r of the quantized ones; a row beyond
 * the block's n is the first one again. */
typedef struct {
    const float *const *source;
    ptrdiff_t first;
    int n, rows; /* rows: those that are multiplied */
} fr_block;

typedef struct fr_quantized {
    const fr_plan *p;
    const fr_int8_kernels *kernels; /* NULL for weights of 16 bits */
    ptrdiff_t stride;               /* bytes of a quantized row */
    fr_operand operand[2];          /* of the inputs, recurrent */
} fr_quantized;

static const fr_int8_kernels *int8_kernels(const fr_rnn *r)
{
    if (r->weight_format != FR_INT8_WEIGHTS)
        return NULL;
    const fr_int8_kernels *faster = fr_faster_int8(FR_ISA_CODE);
    return faster ? faster : &int8_own;
}

static ptrdiff_t quantized_stride(const fr_plan *p)
{
    return ((p->F > p->H ? p->F : p->H) + 63) / 64 * 64;
}

/* Rows of x that are quantized at once: of a step, or of a chunk of steps. */
static ptrdiff_t quantized_inputs(const fr_plan *p)
{
    return hoists(p) ? p->chunk * p->B : p->B;
}

static void place_quantized(fr_plan *p, fr_arena *s, int threads)
{
    if (p->r->weight_format != FR_INT8_WEIGHTS)
        return;
    const ptrdiff_t rows = threads * (quantized_inputs(p) + p->B);
    p->quantized = ARENA_TAKE(*s, rows * quantized_stride(p), uint8_t);
    p->quantized_scales = ARENA_TAKE(*s, rows, float);
}

static fr_operand make_operand(const fr_rnn *r, const fr_packed_operand *packed, ptrdiff_t terms)
{
    const ptrdiff_t group = r->weight_format == FR_INT8_WEIGHTS ? FR_INT8_TERMS : BF16_TERMS;
    return (fr_operand){.packed = packed, .terms = terms, .groups = (terms + group - 1) / group};
}

/* Make the thread's view, and return it; NULL where the weights are not quantized. */
static const fr_quantized *make_quantized(const fr_plan *p, int rank, fr_quantized *z)
{
    if (!p->r->weight_format)
        return NULL;
    const ptrdiff_t inputs = quantized_inputs(p), stride = quantized_stride(p);
    *z = (fr_quantized){.p = p,
                        .kernels = int8_kernels(p->r),
                        .stride = stride,
                        .operand = {make_operand(p->r, &p->r->packed_inputs, p->F),
                                    make_operand(p->r, &p->r->packed_recurrent, p->P)}};
    if (z->kernels) {
        z->operand[0].q = p->quantized + rank * (inputs + p->B) * stride;
        z->operand[0].q_scale = p->quantized_scales + rank * (inputs + p->B);
        z->operand[1].q = z->operand[0].q + inputs * stride;
        z->operand[1].q_scale = z->operand[0].q_scale + inputs;
    }
    return z;
}

/* ---- rows ---- */

static void quantize_to(const fr_quantized *z, const fr_operand *operand, ptrdiff_t index,
                        const float *a)
{
    quantize_row(a, operand->terms, z->kernels->zero, operand->q + index * z->stride,
                 &operand->q_scale[index]);
}

/* The rows [x | 1] of a chunk of steps. */
static void quantize_chunk(const fr_quantized *z, ptrdiff_t rows)
{
    for (ptrdiff_t i = 0; z->kernels && i < rows; i++)
        quantize_to(z, &z->operand[0], i, z->p->chunk_x + i * (z->p->F + 1));
}

/* What the products of phase k multiply: the samples' states, and their inputs unless they were
 * multiplied before. */
static void quantize_step(const fr_quantized *z, const fr_step *s, int k)
{
    const fr_plan *p = z->p;
    if (!z->kernels)
        return;
    for (ptrdiff_t i = 0; i < s->count; i++) {
        const float *row = input_row(p, s->samples[i].row, p->cell->phase[k].input_row);
        if (k == 0 && !p->input_part)
            quantize_to(z, &z->operand[0], i, row);
        quantize_to(z, &z->operand[1], i, row + p->F + 1);
    }
}

/* ---- products ---- */

/* Where the numbers of a phase begin, for vector v of units. */
static ptrdiff_t phase_at(const fr_plan *p, int phase, ptrdiff_t v)
{
    const int gates = p->cell->phase[phase].gates;
    return (p->cell->phase[phase].first_gate * p->vectors + v * gates) * LANES;
}

static void add_int8(const fr_quantized *z, const fr_operand *operand, ptrdiff_t at, ptrdiff_t step,
                     ptrdiff_t column, const fr_block *block, int columns, V *tile)
{
    int32_t sums[TILE_VECTORS * LANES] __attribute__((aligned(64)));
    fr_int8_operands o = {.words = operand->packed->words + at * operand->groups,
                          .step = step,
                          .column = column,
                          .groups = operand->groups,
                          .first = operand->packed->first + at};
    for (int r = 0; r < block->rows; r++)
        o.a[r] = operand->q + source_row(block->first, r, block->n) * z->stride;
    z->kernels->product[block->rows - 1][columns - 1](&o, sums);
    for (int c = 0; c < columns; c++) {
        const V scale = load(operand->packed->scale + at + c * LANES);
        for (int r = 0; r < block->rows; r++) {
            V *total = &tile[r * columns + c];
            const V exact =
                __builtin_convertvector(load_words(sums + (r * columns + c) * LANES), V);
            *total =
                fma_(exact, scale * SPLAT(operand->q_scale[source_row(block->first, r, block->n)]),
                     *total);
        }
    }
}

/* tile += a·weights, for the rows, a phase, and `vectors` vectors of units from v on. */
static void add_product(const fr_quantized *z, const fr_operand *operand, int phase, ptrdiff_t v,
                        const fr_block *block, int columns, V *tile)
{
    const ptrdiff_t at = phase_at(z->p, phase, v);
    const int gates = z->p->cell->phase[phase].gates;
    const ptrdiff_t step = gates * LANES, column = gates > 1 ? LANES : operand->groups * LANES;
    if (z->kernels) {
        add_int8(z, operand, at, step, column, block, columns, tile);
        return;
    }
    fr_operands o = {.b = (const float *)operand->packed->words + at * operand->groups,
                     .b_step = step,
                     .b_column = column,
                     .terms = operand->terms};
    memcpy(o.a, block->source, sizeof o.a);
    bf16_products[block->rows - 1][columns - 1](&o, tile);
}

static void add_bias(const fr_operand *operand, ptrdiff_t at, int rows, int columns, V *tile)
{
    for (int c = 0; c < columns; c++) {
        const V bias = load(operand->packed->bias + at + c * LANES);
        for (int r = 0; r < rows; r++)
            tile[r * columns + c] += bias;
    }
}

/* tile = a·weights + bias of the inputs, or tile += those of the recurrent operand. */
static void multiply_quantized(const fr_quantized *z, int recurrent, int phase, ptrdiff_t v,
                               const fr_block *block, int columns, V *tile)
{
    const fr_operand *operand = &z->operand[recurrent];
    if (!recurrent)
        memset(tile, 0, sizeof(V) * (size_t)(block->rows * columns));
    if (operand->packed->bias)
        add_bias(operand, phase_at(z->p, phase, v), block->rows, columns, tile);
    add_product(z, operand, phase, v, block, columns, tile);
}

#else /* of double, no weights are quantized */

typedef struct fr_quantized {
    const fr_plan *p;
} fr_quantized;

typedef struct {
    const REAL *const *source;
    ptrdiff_t first;
    int n, rows;
} fr_block;

static FR_INLINE void place_quantized(fr_plan *p, fr_arena *s, int threads)
{
    (void)p, (void)s, (void)threads;
}

static FR_INLINE const fr_quantized *make_quantized(const fr_plan *p, int rank, fr_quantized *z)
{
    (void)p, (void)rank, (void)z;
    return NULL;
}

static FR_INLINE void quantize_chunk(const fr_quantized *z, ptrdiff_t rows)
{
    (void)z, (void)rows;
}

static FR_INLINE void quantize_step(const fr_quantized *z, const fr_step *s, int k)
{
    (void)z, (void)s, (void)k;
}

static FR_INLINE void multiply_quantized(const fr_quantized *z, int recurrent, int phase,
                                         ptrdiff_t v, const fr_block *block, int columns, V *tile)
{
    (void)z, (void)recurrent, (void)phase, (void)v, (void)block, (void)columns, (void)tile;
}

#endif
#endif
