/* The forward pass: workspace rows and their inputs, the products of a step, its outputs. */
#ifndef FR_RNN_FORWARD_H
#define FR_RNN_FORWARD_H

#include "base/share.h"
#include "gemm/blocks.h"
#include "rnn/pack.h"
#include "rnn/rows.h"

#include <string.h>

/* List the rows of step t that count among [begin, end). */
static ptrdiff_t list_rows(const fr_plan *p, ptrdiff_t t, ptrdiff_t begin, ptrdiff_t end,
                           uint8_t *parity, fr_sample *rows)
{
    ptrdiff_t n = 0;
    for (ptrdiff_t b = begin; b < end; b++) {
        if (!is_valid_step(p->r, t, b))
            continue;
        fr_sample *sample = &rows[n++];
        sample->b = (int32_t)b;
        if (p->r->save) {
            sample->row = p->row_of[t * p->B + b];
            sample->next = p->next[sample->row];
        } else {
            sample->row = (int32_t)(parity[b] * p->B + b);
            parity[b] ^= 1;
            sample->next = (int32_t)(parity[b] * p->B + b);
        }
    }
    return n;
}

/* The states before the first step of rows [begin, end). */
static void start_rows(const fr_plan *p, ptrdiff_t begin, ptrdiff_t end)
{
    const REAL *h0 = p->r->initial_h, *c0 = p->r->initial_c;
    for (ptrdiff_t b = begin; b < end; b++) {
        int32_t row = (int32_t)b;
        if (p->r->save)
            row = p->first[b] < p->T ? p->row_of[p->first[b] * p->B + b] : (int32_t)(p->steps + b);
        for (ptrdiff_t v = 0; v < p->vectors; v++) {
            const ptrdiff_t at = b * p->H + v * LANES, n = lanes_at(p, v);
            store(h_at(p, row, v), h0 ? load_part(h0 + at, n) : SPLAT(0));
            if (p->c)
                store(c_at(p, row, v), c0 ? load_part(c0 + at, n) : SPLAT(0));
        }
    }
}

static void multiply(REAL *out, const REAL *a, const REAL *factors, ptrdiff_t n)
{
    for (ptrdiff_t j = 0; j < n; j++)
        out[j] = a[j] * factors[j];
}

/* [x | 1] of the rows' input rows, and where each gate has masks of its own, h times them. */
static void fill_inputs(const fr_plan *p, ptrdiff_t t, const fr_sample *rows, ptrdiff_t n)
{
    const REAL *input_factors = p->r->input_dropout, *factors = p->r->recurrent_dropout;
    const ptrdiff_t time = time_of(p->r, t);
    for (ptrdiff_t i = 0; i < n; i++) {
        const fr_sample *sample = &rows[i];
        const REAL *x = (const REAL *)p->r->x + (sample->b * p->T + time) * p->F;
        for (int g = 0; g < p->input_rows; g++) {
            REAL *a = input_row(p, sample->row, g);
            const ptrdiff_t mask = p->r->input_dropout_gates > 1 ? g : 0;
            if (input_factors)
                multiply(a, x, input_factors + (mask * p->B + sample->b) * p->F, p->F);
            else
                memcpy(a, x, (size_t)p->F * sizeof(REAL));
            a[p->F] = 1;
            if (!p->per_gate)
                continue;
            const REAL *h = h_at(p, sample->row, 0);
            if (factors)
                multiply(a + p->F + 1, h, factors + (g * p->B + sample->b) * p->H, p->H);
            else
                memcpy(a + p->F + 1, h, (size_t)p->H * sizeof(REAL));
        }
    }
}

/* One row of a batch of more is multiplied twice over: the kernel for one row sums otherwise. */
static FR_INLINE int rows_to_multiply(const fr_plan *p, int n)
{
    return n == 1 && p->B > 1 ? 2 : n;
}

/* Sums of the input operand, computed before by `project_inputs`, become the first sums. */
static void load_input_part(const fr_step *s, int phase, ptrdiff_t first_row, int n, ptrdiff_t v,
                            int vectors, V *tile)
{
    const fr_plan *p = s->p;
    const int gates = p->cell->phase[phase].gates;
    for (int r = 0; r < n; r++) {
        const ptrdiff_t step = (s->t % p->chunk) * p->B + s->rows[first_row + r].b;
        for (int u = 0; u < vectors; u++) {
            const ptrdiff_t at =
                (step * p->vectors + v + u) * p->G + p->cell->phase[phase].first_gate;
            for (int g = 0; g < gates; g++)
                *tile++ = load(p->input_part + (at + g) * LANES);
        }
    }
}

/* dense[r] holds the sums of all gates of `units` units without gaps -> a vector for each gate. */
static void split_tail(const fr_plan *p, int rows, ptrdiff_t units, const V *dense, V *tile)
{
    REAL sums[FR_MAX_COLUMNS * LANES];
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < p->dense; c++)
            store(sums + c * LANES, dense[r * p->dense + c]);
        for (int g = 0; g < p->G; g++)
            tile[r * p->G + g] = load_part(sums + g * units, units);
    }
}

/* The candidate's recurrent sum is kept apart, since r multiplies it: the sums of the input operand
 * become `inputs`, a vector for each gate, and that of the candidate begins again. */
static void part_candidate(const fr_plan *p, int rows, int dense, ptrdiff_t units, V *tile,
                           V *inputs)
{
    if (!dense) {
        memcpy(inputs, tile, sizeof(V) * (size_t)(rows * p->G));
        for (int r = 0; r < rows; r++)
            tile[r * p->G + 2] = SPLAT(0);
        return;
    }
    split_tail(p, rows, units, tile, inputs);
    REAL sums[FR_MAX_COLUMNS * LANES];
    for (int r = 0; r < rows; r++, tile += p->dense) {
        for (int c = 0; c < p->dense; c++)
            store(sums + c * LANES, tile[c]);
        memset(sums + 2 * units, 0, (size_t)units * sizeof(REAL));
        for (int c = 0; c < p->dense; c++)
            tile[c] = load(sums + c * LANES);
    }
}

/* One phase of a step, for a block of rows and some vectors of units. */
static void step_block(const fr_step *s, int phase, ptrdiff_t first_row, int n, ptrdiff_t v,
                       int vectors)
{
    const fr_plan *p = s->p;
    const int gates = p->cell->phase[phase].gates, dense = is_tail(p, v);
    const int columns = dense ? p->dense : gates * vectors;
    const int kernel_rows = rows_to_multiply(p, n);
    const int gate_row =
        p->per_gate ? p->cell->phase[phase].first_gate : p->cell->phase[phase].input_row;
    fr_segment segments[MAX_SEGMENTS];
    int recurrent;
    const int count = list_segments(p, phase, v, segments, &recurrent);
    V tile[TILE_VECTORS], inputs[TILE_VECTORS];
    fr_operands o = {.a_step = 1, .a_gate = p->per_gate && gates > 1 ? p->gate_stride : 0};
    set_weight_steps(p, phase, v, &o);
    const REAL *a[FR_MAX_ROWS];
    for (int r = 0; r < kernel_rows; r++)
        a[r] = input_row(p, s->rows[first_row + (r < n ? r : 0)].row, gate_row);
    if (p->input_part) {
        load_input_part(s, phase, first_row, n, v, vectors, tile);
        o.add = 1;
    }
    for (int k = p->input_part ? recurrent : 0; k < count; k++) {
        if (k == recurrent && p->r->cell == FR_GRU_RESET_AFTER)
            part_candidate(p, kernel_rows, dense, lanes_at(p, v), tile, inputs);
        for (int r = 0; r < kernel_rows; r++)
            o.a[r] = a[r] + segments[k].a;
        o.b = segments[k].b;
        o.terms = segments[k].terms;
        product(kernel_rows, columns, &o, tile);
        o.add = 1;
    }
    if (dense) {
        V sums[TILE_VECTORS];
        memcpy(sums, tile, sizeof(V) * (size_t)(n * columns));
        split_tail(p, n, lanes_at(p, v), sums, tile);
    }
    for (int u = 0; u < vectors; u++)
        p->cell->forward(s, phase, first_row, n, v + u, tile + u * gates, gates * vectors, inputs);
}

/* All threads of the pass; `wait` where they depend on one another within a step. */
static void barrier(const fr_plan *p)
{
    if (p->size > 1)
        fr_barrier_wait(p->barrier);
}

static void wait(const fr_plan *p)
{
    if (p->by_units)
        fr_barrier_wait(p->barrier);
}

/* All phases of a step, for this thread's share. Where the threads share units and one vector of
 * them is multiplied at a time, a vector that does not come out even is shared by blocks of rows. */
static void compute_step(const fr_step *s)
{
    const fr_plan *p = s->p;
    const int size = p->by_units ? p->size : 1, rank = p->by_units ? s->rank : 0;
    for (int phase = 0; phase < p->cell->phases; phase++) {
        const ptrdiff_t most = p->cell->phase[phase].vectors;
        const ptrdiff_t blocks = most == 1 ? count_blocks(s->count) : 1;
        const ptrdiff_t begin = share(p->vectors * blocks, rank, size);
        const ptrdiff_t end = share(p->vectors * blocks, rank + 1, size);
        if (phase)
            wait(p);
        for (ptrdiff_t v = blocks ? begin / blocks : 0; v * blocks < end; v += most) {
            const ptrdiff_t left = end - v, vectors = left < most ? left : most;
            const ptrdiff_t before = begin - v * blocks, after = end - v * blocks;
            const ptrdiff_t first = before > 0 ? share(s->count, (int)before, (int)blocks) : 0;
            const ptrdiff_t last =
                after < blocks ? share(s->count, (int)after, (int)blocks) : s->count;
            for (ptrdiff_t i = first, n; i < last; i += n) {
                n = block_rows(last - i);
                step_block(s, phase, i, (int)n, v, (int)vectors);
            }
        }
    }
}

/* input_part = [x | 1]·[W; b] of the steps [t, end), for the vectors of units of this thread. */
static void project_inputs(const fr_step *s, ptrdiff_t t, ptrdiff_t end)
{
    const fr_plan *p = s->p;
    const ptrdiff_t rows = (end - t) * p->B;
    V tile[TILE_VECTORS];
    for (int phase = 0; phase < p->cell->phases; phase++) {
        const int first_gate = p->cell->phase[phase].first_gate;
        const int gates = p->cell->phase[phase].gates;
        for (ptrdiff_t v = s->first_vector; v < s->end_vector; v++) {
            for (ptrdiff_t i = 0, n; i < rows; i += n) {
                n = block_rows(rows - i);
                fr_operands o = {.a_step = 1, .b = packed_at(p, phase, v), .terms = p->F + 1};
                set_weight_steps(p, phase, v, &o);
                const int kernel_rows = n == 1 ? 2 : (int)n;
                for (int r = 0; r < kernel_rows; r++)
                    o.a[r] = p->chunk_x + (i + (r < n ? r : 0)) * (p->F + 1);
                product(kernel_rows, gates, &o, tile);
                for (int r = 0; r < n; r++) {
                    const ptrdiff_t at = ((i + r) * p->vectors + v) * p->G + first_gate;
                    for (int g = 0; g < gates; g++)
                        store(p->input_part + (at + g) * LANES, tile[r * gates + g]);
                }
            }
        }
    }
}

/* chunk_x = [x | 1] of the steps [t, end): those of this thread's share. */
static void gather_chunk(const fr_plan *p, ptrdiff_t t, ptrdiff_t end, int rank)
{
    const ptrdiff_t rows = (end - t) * p->B;
    const int size = p->by_units ? p->size : 1;
    const REAL *factors = p->r->input_dropout;
    if (!p->by_units)
        rank = 0;
    for (ptrdiff_t i = share(rows, rank, size); i < share(rows, rank + 1, size); i++) {
        const ptrdiff_t b = i % p->B, time = time_of(p->r, t + i / p->B);
        const REAL *x = (const REAL *)p->r->x + (b * p->T + time) * p->F;
        REAL *out = p->chunk_x + i * (p->F + 1);
        if (factors)
            multiply(out, x, factors + b * p->F, p->F);
        else
            memcpy(out, x, (size_t)p->F * sizeof(REAL));
        out[p->F] = 1;
    }
}

/* What masked steps put out, and the last output and the final states, of rows [begin, end). */
static void finish_rows(const fr_plan *p, ptrdiff_t begin, ptrdiff_t end, const uint8_t *parity)
{
    const fr_rnn *r = p->r;
    const size_t row_bytes = (size_t)p->H * sizeof(REAL);
    for (ptrdiff_t b = begin; b < end; b++) {
        const int32_t row = (int32_t)(r->save ? p->steps + b : parity[b] * p->B + b);
        const REAL *h = h_at(p, row, 0);
        REAL *y = (REAL *)r->outputs + b * (r->return_sequences ? p->T : 1) * p->H;
        int any = 0;
        for (ptrdiff_t t = 0; t < p->T; t++) {
            const int valid = is_valid_step(r, t, b);
            any |= valid;
            if (valid || !r->return_sequences)
                continue;
            if (t == 0 || r->zero_output_for_mask)
                memset(y + t * p->H, 0, row_bytes);
            else
                memcpy(y + t * p->H, y + (t - 1) * p->H, row_bytes);
        }
        if (!r->return_sequences) {
            if (r->zero_output_for_mask ? is_valid_step(r, p->T - 1, b) : any)
                memcpy(y, h, row_bytes);
            else
                memset(y, 0, row_bytes);
        }
        memcpy((REAL *)r->final_h + b * p->H, h, row_bytes);
        if (p->c)
            memcpy((REAL *)r->final_c + b * p->H, c_at(p, row, 0), row_bytes);
    }
}

/* Give the inputs of the listed rows to their workspace rows; threads that share units share the rows. */
static void fill_share(const fr_step *s, int rank)
{
    const fr_plan *p = s->p;
    const int size = p->by_units ? p->size : 1;
    if (!p->by_units)
        rank = 0;
    const ptrdiff_t begin = share(s->count, rank, size);
    fill_inputs(p, s->t, s->rows + begin, share(s->count, rank + 1, size) - begin);
}

static void forward_thread(const fr_plan *p, int rank)
{
    /* Rows and vectors of units that this thread computes. */
    const ptrdiff_t begin = p->by_units ? 0 : share(p->B, rank, p->size);
    const ptrdiff_t end = p->by_units ? p->B : share(p->B, rank + 1, p->size);
    const ptrdiff_t own_begin = share(p->B, rank, p->size);
    const ptrdiff_t own_end = share(p->B, rank + 1, p->size);
    uint8_t *parity = p->parity + rank * p->B;
    fr_sample *lists[2] = {p->lists + (ptrdiff_t)rank * 2 * p->B,
                           p->lists + ((ptrdiff_t)rank * 2 + 1) * p->B};
    fr_step s = {.p = p, .rank = rank, .rows = lists[0], .end_vector = p->vectors};
    if (p->by_units) {
        s.first_vector = share(p->vectors, rank, p->size);
        s.end_vector = share(p->vectors, rank + 1, p->size);
    }
    memset(parity, 0, (size_t)p->B);
    if (!p->in_place) {
        pack(p, share(p->vectors, rank, p->size), share(p->vectors, rank + 1, p->size));
        barrier(p);
    }
    start_rows(p, own_begin, own_end);
    s.count = list_rows(p, 0, begin, end, parity, lists[0]);
    if (p->per_gate)
        wait(p);
    fill_share(&s, rank);
    for (ptrdiff_t t = 0; t < p->T; t++) {
        if (p->input_part && t % p->chunk == 0) {
            const ptrdiff_t chunk_end = t + p->chunk < p->T ? t + p->chunk : p->T;
            gather_chunk(p, t, chunk_end, rank);
            wait(p);
            project_inputs(&s, t, chunk_end);
        }
        wait(p);
        compute_step(&s);
        if (t + 1 == p->T)
            break;
        fr_step next = s;
        next.t = t + 1;
        next.rows = lists[(t + 1) % 2];
        next.count = list_rows(p, t + 1, begin, end, parity, lists[(t + 1) % 2]);
        if (p->per_gate)
            wait(p);
        fill_share(&next, rank);
        s = next;
    }
    wait(p);
    finish_rows(p, own_begin, own_end, parity);
}

#endif
