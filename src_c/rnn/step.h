/* A step forward: the one way from rows of inputs and states to the next states, whatever the weights
 * are, and for a batch of one row as of many. */
#ifndef FR_RNN_STEP_H
#define FR_RNN_STEP_H

#include "base/share.h"
#include "gemm/blocks.h"
#include "quant/operand.h"
#include "rnn/pack.h"
#include "rnn/rows.h"

#include <string.h>

/* Barriers: of all threads of the pass; of those that share units, where they depend on one another within a step. */
static void wait_for_all(const fr_plan *p)
{
    if (p->size > 1)
        fr_barrier_wait(p->barrier);
}

static void wait_for_units(const fr_plan *p)
{
    if (p->by_units)
        fr_barrier_wait(p->barrier);
}

/* Sums of the input operand, computed before by `project_inputs`, become the first sums. */
static void load_input_part(const fr_step *s, int phase, ptrdiff_t first_row, int n, ptrdiff_t v,
                            int vectors, V *tile)
{
    const fr_plan *p = s->p;
    const int gates = p->cell->phase[phase].gates;
    for (int r = 0; r < n; r++) {
        const ptrdiff_t step = (s->t % p->chunk) * p->B + s->samples[first_row + r].b;
        for (int u = 0; u < vectors; u++) {
            const ptrdiff_t at =
                (step * p->vectors + v + u) * p->G + p->cell->phase[phase].first_gate;
            for (int g = 0; g < gates; g++)
                *tile++ = load(p->input_part + (at + g) * LANES);
        }
    }
}

/* tail[r] holds the sums of all gates of `units` units without gaps -> a vector for each gate. */
static void split_tail(const fr_plan *p, int rows, ptrdiff_t units, const V *tail, V *tile)
{
    REAL sums[FR_MAX_COLUMNS * LANES];
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < p->tail; c++)
            store(sums + c * LANES, tail[r * p->tail + c]);
        for (int g = 0; g < p->G; g++)
            tile[r * p->G + g] = load_part(sums + g * units, units);
    }
}

/* Gates whose recurrent sums are kept apart: the sums of the input operand become `inputs`, a vector for
 * each gate, and those of the gates begin again. `tail`: the gates stand without gaps. */
static FR_INLINE void part_sums(const fr_plan *p, const fr_phase *phase, int rows, int tail,
                                ptrdiff_t units, V *tile, V *inputs)
{
    const unsigned apart = p->cell->apart >> phase->first_gate;
    if (!tail) {
        memcpy(inputs, tile, sizeof(V) * (size_t)(rows * phase->gates));
        for (unsigned left = apart; left; left &= left - 1)
            for (int r = 0, g = __builtin_ctz(left); r < rows; r++)
                tile[r * phase->gates + g] = SPLAT(0);
        return;
    }
    split_tail(p, rows, units, tile, inputs);
    REAL sums[FR_MAX_COLUMNS * LANES];
    for (int r = 0; r < rows; r++, tile += p->tail) {
        for (int c = 0; c < p->tail; c++)
            store(sums + c * LANES, tile[c]);
        for (int g = 0; g < phase->gates; g++)
            if (apart >> g & 1)
                memset(sums + g * units, 0, (size_t)units * sizeof(REAL));
        for (int c = 0; c < p->tail; c++)
            tile[c] = load(sums + c * LANES);
    }
}

/* The products of one segment of a phase: real numbers, or quantized ones. `input`: of the inputs. The
 * rows stand at a[r], and are those from `first` on that were quantized. */
static FR_INLINE void multiply_segment(const int quantized, const int in_order, const fr_step *s,
                                       int k, const fr_segment *segment, int input,
                                       const REAL *const *a, ptrdiff_t first, int n, int rows,
                                       ptrdiff_t v, int columns, fr_operands *o, V *tile)
{
    for (int r = 0; r < rows; r++)
        o->a[r] = a[r] + segment->a;
    if (quantized) {
        const fr_block block = {.source = o->a, .first = first, .n = n, .rows = rows};
        multiply_quantized(s->quantized, !input, k, v, &block, columns, tile);
        return;
    }
    o->b = segment->b;
    o->terms = segment->terms;
    if (input && in_order)
        product_in_order(columns, o, tile);
    else
        product(rows, columns, o, tile);
    o->add = 1;
}

/* A gates phase of a step, for a block of samples and some vectors of units. As constants, `quantized`,
 * `alone` (one row in the batch) and `in_order` leave out what does not concern them. */
static FR_INLINE void step_block_(const int quantized, const int alone, const int in_order,
                                  const fr_step *s, int k, ptrdiff_t first, int n, ptrdiff_t v,
                                  int vectors)
{
    const fr_plan *p = s->p;
    const fr_phase *phase = &p->cell->phase[k];
    const int gates = phase->gates, tail = !in_order && is_tail(p, v);
    const int columns = tail ? p->tail : gates * vectors;
    const int rows = alone ? 1 : kernel_rows(n, p->B == 1);
    const int gate_row = p->per_gate ? phase->first_gate : phase->input_row;
    fr_segment segments[MAX_SEGMENTS];
    int recurrent;
    const int count = list_segments(quantized, in_order, p, k, v, segments, &recurrent);
    V tile[TILE_VECTORS], inputs[TILE_VECTORS];
    fr_operands o = {.a_step = 1, .a_gate = p->per_gate && gates > 1 ? p->gate_stride : 0};
    set_weight_steps(p, k, v, &o);
    const REAL *a[FR_MAX_ROWS];
    for (int r = 0; r < rows; r++)
        a[r] = input_row(p, s->samples[source_row(first, r, n)].row, gate_row);
    if (!in_order && p->input_part) {
        load_input_part(s, k, first, n, v, vectors, tile);
        o.add = 1;
    }
    for (int i = !in_order && p->input_part ? recurrent : 0; i < count; i++) {
        if (i == recurrent && p->cell->apart)
            part_sums(p, phase, rows, tail, lanes_at(p, v), tile, inputs);
        multiply_segment(quantized, in_order, s, k, &segments[i], i < recurrent, a, first, n, rows,
                         v, columns, &o, tile);
    }
    if (tail) {
        V sums[TILE_VECTORS];
        memcpy(sums, tile, sizeof(V) * (size_t)(n * columns));
        split_tail(p, n, lanes_at(p, v), sums, tile);
    }
    for (int u = 0; u < vectors; u++)
        phase->units(s, first, n, v + u, tile + u * gates, gates * vectors, inputs);
}

static void step_block(const fr_step *s, int k, ptrdiff_t first, int n, ptrdiff_t v, int vectors)
{
    if (s->quantized)
        step_block_(1, 0, 0, s, k, first, n, v, vectors);
    else if (s->p->in_order)
        step_block_(0, 1, 1, s, k, 0, 1, v, vectors);
    else if (s->p->B == 1)
        step_block_(0, 1, 0, s, k, 0, 1, v, vectors);
    else
        step_block_(0, 0, 0, s, k, first, n, v, vectors);
}

/* A projection phase of a step, for a block of samples and some vectors of P. */
static void project_block(const fr_step *s, int k, ptrdiff_t first, int n, ptrdiff_t v, int vectors)
{
    const fr_plan *p = s->p;
    const fr_phase *phase = &p->cell->phase[k];
    const int rows = kernel_rows(n, p->B == 1);
    V tile[TILE_VECTORS];
    fr_operands o = {.a_step = 1,
                     .b = p->packed_projection + v * p->H * LANES,
                     .b_step = LANES,
                     .b_column = p->H * LANES,
                     .terms = p->H};
    for (int r = 0; r < rows; r++)
        o.a[r] = saved_at(p, s->samples[source_row(first, r, n)].row, phase->value, 0);
    product(rows, vectors, &o, tile);
    for (int u = 0; u < vectors; u++)
        phase->units(s, first, n, v + u, tile + u, vectors, NULL);
}

/* A phase of products, for this thread's share. Where the threads share units and one vector of them
 * is multiplied at a time, a vector that does not come out even is shared by blocks of samples. */
static void compute_products(const fr_step *s, int k, int rank, int size)
{
    const fr_plan *p = s->p;
    const fr_phase *phase = &p->cell->phase[k];
    const ptrdiff_t all = phase->kind == PROJECTION_PHASE ? p->output_vectors : p->vectors;
    const ptrdiff_t most = phase->vectors;
    const ptrdiff_t blocks = most == 1 ? count_blocks(s->count) : 1;
    const ptrdiff_t begin = share(all * blocks, rank, size),
                    end = share(all * blocks, rank + 1, size);
    for (ptrdiff_t v = blocks ? begin / blocks : 0; v * blocks < end; v += most) {
        const ptrdiff_t left = end - v, vectors = left < most ? left : most;
        const ptrdiff_t before = begin - v * blocks, after = end - v * blocks;
        const ptrdiff_t first = before > 0 ? share(s->count, (int)before, (int)blocks) : 0;
        const ptrdiff_t last = after < blocks ? share(s->count, (int)after, (int)blocks) : s->count;
        for (ptrdiff_t i = first, n; i < last; i += n) {
            n = block_rows(last - i);
            if (phase->kind == PROJECTION_PHASE)
                project_block(s, k, i, (int)n, v, (int)vectors);
            else
                step_block(s, k, i, (int)n, v, (int)vectors);
        }
    }
}

/* All phases of a step, for this thread's share. */
static void compute_step(const fr_step *s)
{
    const fr_plan *p = s->p;
    const int size = p->by_units ? p->size : 1, rank = p->by_units ? s->rank : 0;
    for (int k = 0; k < p->cell->phases; k++) {
        if (k)
            wait_for_units(p);
        if (p->cell->phase[k].kind == ROW_PHASE) {
            const ptrdiff_t end = share(s->count, rank + 1, size);
            for (ptrdiff_t i = share(s->count, rank, size); i < end; i++)
                p->cell->phase[k].row(s, &s->samples[i]);
            continue;
        }
        if (s->quantized)
            quantize_step(s->quantized, s, k);
        compute_products(s, k, rank, size);
    }
}

#endif
