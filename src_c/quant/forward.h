/* The forward pass on quantized weights, for float alone and for inference alone.
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
#ifndef FR_QUANT_FORWARD_H
#define FR_QUANT_FORWARD_H

#include "gemm/bf16_kernel.h"
#include "gemm/int8_kernel.h"
#include "rnn/run.h"

#include <math.h>

#define ROW_FLOOR 0x1p-100f

typedef int8_t fr_row_bytes __attribute__((vector_size(FR_VECTOR_BYTES / sizeof(float))));

static const fr_int8_kernels int8_own = {.zero = INT8_ZERO, .product = INT8_PRODUCTS};

/* One thread's view of one operand, of the inputs or of the recurrent one. */
typedef struct {
    const fr_packed_operand *packed;
    ptrdiff_t terms, groups;
    uint8_t *q;     /* quantized rows */
    float *q_scale; /* of each */
} fr_operand;

/* `source[r]` is a row of floats, and also number `index[r]` of the quantized ones. */
typedef struct {
    int n;
    const float *source[FR_MAX_ROWS];
    ptrdiff_t index[FR_MAX_ROWS];
} fr_block;

typedef struct {
    const fr_plan *p;
    const fr_int8_kernels *kernels; /* NULL for weights of 16 bits */
    ptrdiff_t stride;               /* bytes of a quantized row */
    fr_operand inputs, recurrent;
} fr_quantized;

static const fr_int8_kernels *int8_kernels(const fr_rnn *r)
{
    if (r->weight_format != FR_INT8_WEIGHTS)
        return NULL;
    const fr_int8_kernels *faster = fr_faster_int8(FR_ISA_CODE);
    return faster ? faster : &int8_own;
}

/* ---- rows ---- */

static ptrdiff_t quantized_stride(const fr_plan *p)
{
    return ((p->F > p->H ? p->F : p->H) + 63) / 64 * 64;
}

/* Rows of x that are quantized at once: of a step, or of a chunk of steps. */
static ptrdiff_t quantized_inputs(const fr_plan *p)
{
    return hoists(p) ? p->chunk * p->B : p->B;
}

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

static const float *row_of_x(const fr_plan *p, ptrdiff_t t, ptrdiff_t b)
{
    return (const float *)p->r->x + (b * p->T + time_of(p->r, t)) * p->F;
}

/* What the recurrent weights of a phase multiply. */
static const float *state_row(const fr_plan *p, int phase, int32_t row)
{
    return input_row(p, row, p->cell->phase[phase].input_row) + p->F + 1;
}

static void quantize_to(const fr_quantized *z, const fr_operand *operand, ptrdiff_t index,
                        const float *a)
{
    quantize_row(a, operand->terms, z->kernels->zero, operand->q + index * z->stride,
                 &operand->q_scale[index]);
}

/* ---- products ---- */

/* Where the numbers of a phase begin, for vector v of units. */
static ptrdiff_t phase_at(const fr_plan *p, int phase, ptrdiff_t v)
{
    const int gates = p->cell->phase[phase].gates;
    return (p->cell->phase[phase].first_gate * p->vectors + v * gates) * LANES;
}

static void add_int8(const fr_quantized *z, const fr_operand *operand, ptrdiff_t at, ptrdiff_t step,
                     ptrdiff_t column, const fr_block *rows, int columns, V *tile)
{
    int32_t sums[TILE_VECTORS * LANES] __attribute__((aligned(64)));
    fr_int8_operands o = {.words = operand->packed->words + at * operand->groups,
                          .step = step,
                          .column = column,
                          .groups = operand->groups,
                          .first = operand->packed->first + at};
    for (int r = 0; r < rows->n; r++)
        o.a[r] = operand->q + rows->index[r] * z->stride;
    z->kernels->product[rows->n - 1][columns - 1](&o, sums);
    for (int c = 0; c < columns; c++) {
        const V scale = load(operand->packed->scale + at + c * LANES);
        for (int r = 0; r < rows->n; r++) {
            V *total = &tile[r * columns + c];
            const V exact =
                __builtin_convertvector(load_words(sums + (r * columns + c) * LANES), V);
            *total = fma_(exact, scale * SPLAT(operand->q_scale[rows->index[r]]), *total);
        }
    }
}

/* tile += a·weights, for the rows, a phase, and `vectors` vectors of units from v on. */
static void add_product(const fr_quantized *z, const fr_operand *operand, int phase, ptrdiff_t v,
                        const fr_block *rows, int columns, V *tile)
{
    const ptrdiff_t at = phase_at(z->p, phase, v);
    const int gates = z->p->cell->phase[phase].gates;
    const ptrdiff_t step = gates * LANES, column = gates > 1 ? LANES : operand->groups * LANES;
    if (z->kernels) {
        add_int8(z, operand, at, step, column, rows, columns, tile);
        return;
    }
    fr_operands o = {.b = (const float *)operand->packed->words + at * operand->groups,
                     .b_step = step,
                     .b_column = column,
                     .terms = operand->terms};
    memcpy(o.a, rows->source, sizeof o.a);
    bf16_products[rows->n - 1][columns - 1](&o, tile);
}

static void add_bias(const fr_operand *operand, ptrdiff_t at, int rows, int columns, V *tile)
{
    for (int c = 0; c < columns; c++) {
        const V bias = load(operand->packed->bias + at + c * LANES);
        for (int r = 0; r < rows; r++)
            tile[r * columns + c] += bias;
    }
}

/* tile = x·W + b. */
static void input_product(const fr_quantized *z, int phase, ptrdiff_t v, const fr_block *rows,
                          int columns, V *tile)
{
    memset(tile, 0, sizeof(V) * (size_t)(rows->n * columns));
    add_bias(&z->inputs, phase_at(z->p, phase, v), rows->n, columns, tile);
    add_product(z, &z->inputs, phase, v, rows, columns, tile);
}

/* input_part = x·W + b of the steps [t, end), for the vectors of units of this thread. */
static void project_quantized(const fr_quantized *z, const fr_step *s, ptrdiff_t t, ptrdiff_t end)
{
    const fr_plan *p = z->p;
    const ptrdiff_t count = (end - t) * p->B;
    for (ptrdiff_t i = 0; z->kernels && i < count; i++)
        quantize_to(z, &z->inputs, i, row_of_x(p, t + i / p->B, i % p->B));
    ptrdiff_t first_vector, end_vector;
    own_vectors(s, p->vectors, &first_vector, &end_vector);
    V tile[TILE_VECTORS];
    for (int phase = 0; phase < p->cell->phases; phase++) {
        const int first_gate = p->cell->phase[phase].first_gate;
        const int gates = p->cell->phase[phase].gates;
        for (ptrdiff_t v = first_vector; v < end_vector; v++) {
            for (ptrdiff_t i = 0, n; i < count; i += n) {
                n = block_rows(count - i);
                fr_block rows = {.n = n == 1 ? 2 : (int)n};
                for (int r = 0; r < rows.n; r++) {
                    rows.index[r] = i + (r < n ? r : 0);
                    rows.source[r] = row_of_x(p, t + rows.index[r] / p->B, rows.index[r] % p->B);
                }
                input_product(z, phase, v, &rows, gates, tile);
                for (int r = 0; r < n; r++) {
                    const ptrdiff_t at = ((i + r) * p->vectors + v) * p->G + first_gate;
                    for (int g = 0; g < gates; g++)
                        store(p->input_part + (at + g) * LANES, tile[r * gates + g]);
                }
            }
        }
    }
}

/* ---- steps ---- */

/* The rows' states, and their inputs unless they were multiplied before. */
static void quantize_step(const fr_quantized *z, const fr_step *s, int phase)
{
    const fr_plan *p = z->p;
    for (ptrdiff_t i = 0; i < s->count; i++) {
        const fr_sample *sample = &s->samples[i];
        if (phase == 0 && !p->input_part)
            quantize_to(z, &z->inputs, i, row_of_x(p, s->t, sample->b));
        quantize_to(z, &z->recurrent, i, state_row(p, phase, sample->row));
    }
}

/* One phase of a step, for a block of rows and some vectors of units. */
static void quantized_block(const fr_quantized *z, const fr_step *s, int phase, ptrdiff_t first_row,
                            int n, ptrdiff_t v, int vectors)
{
    const fr_plan *p = z->p;
    const int gates = p->cell->phase[phase].gates, columns = gates * vectors;
    const ptrdiff_t at = phase_at(p, phase, v);
    V tile[TILE_VECTORS], inputs[TILE_VECTORS];
    fr_block rows = {.n = rows_to_multiply(p, n)};
    for (int r = 0; r < rows.n; r++) {
        rows.index[r] = first_row + (r < n ? r : 0);
        rows.source[r] = row_of_x(p, s->t, s->samples[rows.index[r]].b);
    }
    if (p->input_part) {
        load_input_part(s, phase, first_row, n, v, vectors, tile);
        for (int r = n; r < rows.n; r++)
            memcpy(tile + r * columns, tile, sizeof(V) * (size_t)columns);
    } else {
        input_product(z, phase, v, &rows, columns, tile);
    }
    if (p->cell->apart)
        part_sums(p, &p->cell->phase[phase], rows.n, 0, LANES, tile, inputs);
    if (p->cell->biases == 2)
        add_bias(&z->recurrent, at, rows.n, columns, tile);
    for (int r = 0; r < rows.n; r++)
        rows.source[r] = state_row(p, phase, s->samples[rows.index[r]].row);
    add_product(z, &z->recurrent, phase, v, &rows, columns, tile);
    for (int u = 0; u < vectors; u++)
        p->cell->phase[phase].units(s, first_row, n, v + u, tile + u * gates, columns, inputs);
}

static void quantized_step(const fr_quantized *z, const fr_step *s)
{
    const fr_plan *p = z->p;
    ptrdiff_t begin, end;
    own_vectors(s, p->vectors, &begin, &end);
    for (int phase = 0; phase < p->cell->phases; phase++) {
        const ptrdiff_t most = p->cell->phase[phase].vectors;
        if (phase)
            wait_for_units(p);
        if (z->kernels)
            quantize_step(z, s, phase);
        for (ptrdiff_t v = begin, vectors; v < end; v += vectors) {
            vectors = end - v < most ? end - v : most;
            for (ptrdiff_t i = 0, n; i < s->count; i += n) {
                n = block_rows(s->count - i);
                quantized_block(z, s, phase, i, (int)n, v, (int)vectors);
            }
        }
    }
}

/* ---- passes ---- */

static fr_operand make_operand(const fr_rnn *r, const fr_packed_operand *packed, ptrdiff_t terms)
{
    const ptrdiff_t group = r->weight_format == FR_INT8_WEIGHTS ? FR_INT8_TERMS : BF16_TERMS;
    return (fr_operand){.packed = packed, .terms = terms, .groups = (terms + group - 1) / group};
}

static fr_quantized make_quantized(const fr_plan *p, int rank)
{
    const ptrdiff_t inputs = quantized_inputs(p), stride = quantized_stride(p);
    fr_quantized z = {.p = p,
                      .kernels = int8_kernels(p->r),
                      .stride = stride,
                      .inputs = make_operand(p->r, &p->r->packed_inputs, p->F),
                      .recurrent = make_operand(p->r, &p->r->packed_recurrent, p->H)};
    if (z.kernels) {
        z.inputs.q = p->quantized + rank * (inputs + p->B) * stride;
        z.inputs.q_scale = p->quantized_scales + rank * (inputs + p->B);
        z.recurrent.q = z.inputs.q + inputs * stride;
        z.recurrent.q_scale = z.inputs.q_scale + inputs;
    }
    return z;
}

static void quantized_thread(const fr_plan *p, int rank)
{
    const ptrdiff_t own_begin = share(p->B, rank, p->size);
    const ptrdiff_t own_end = share(p->B, rank + 1, p->size);
    const fr_quantized z = make_quantized(p, rank);
    uint8_t *parity = p->parity + rank * p->B;
    fr_sample *rows = p->lists + (ptrdiff_t)rank * 2 * p->B;
    fr_step s = {.p = p, .rank = rank, .samples = rows};
    memset(parity, 0, (size_t)p->B);
    start_rows(p, own_begin, own_end);
    for (s.t = 0; s.t < p->T; s.t++) {
        s.count = list_samples(p, s.t, p->by_units ? 0 : own_begin, p->by_units ? p->B : own_end,
                               parity, rows);
        if (p->input_part && s.t % p->chunk == 0)
            project_quantized(&z, &s, s.t, s.t + p->chunk < p->T ? s.t + p->chunk : p->T);
        wait_for_units(p);
        quantized_step(&z, &s);
    }
    wait_for_units(p);
    finish_rows(p, own_begin, own_end, parity);
}

static void place_quantized_scratch(fr_plan *p, fr_arena *s, int threads)
{
    p->tail = 0;
    p->lists = ARENA_TAKE(*s, (ptrdiff_t)threads * 2 * p->B, fr_sample);
    p->parity = ARENA_TAKE(*s, (ptrdiff_t)threads * p->B, uint8_t);
    if (hoists(p))
        p->input_part = ARENA_TAKE(*s, p->chunk * p->B * p->vectors * p->G * LANES, float);
    if (p->r->weight_format == FR_INT8_WEIGHTS) {
        const ptrdiff_t rows = threads * (quantized_inputs(p) + p->B);
        p->quantized = ARENA_TAKE(*s, rows * quantized_stride(p), uint8_t);
        p->quantized_scales = ARENA_TAKE(*s, rows, float);
    }
}

static fr_sizes quantized_sizes(const fr_rnn *r)
{
    fr_plan plan;
    plan_sizes(&plan, r);
    fr_arena workspace = {0}, scratch = {0};
    place_workspace(&plan, &workspace);
    place_quantized_scratch(&plan, &scratch, r->threads);
    if (workspace.overflow | scratch.overflow)
        return (fr_sizes){SIZE_MAX, SIZE_MAX, SIZE_MAX};
    return (fr_sizes){.workspace = workspace.used, .forward_scratch = scratch.used};
}

static void run_quantized(const fr_rnn *rnns, int count)
{
    const fr_kind kind = {0, place_quantized_scratch, quantized_thread};
    run_passes(rnns, count, &kind);
}

#endif
