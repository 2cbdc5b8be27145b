/* The forward pass: workspace rows and their inputs, the products of a step, its outputs. */
#ifndef FR_RNN_FORWARD_H
#define FR_RNN_FORWARD_H

#include "base/share.h"
#include "gemm/blocks.h"
#include "rnn/pack.h"
#include "rnn/rows.h"

#include <string.h>

/* List the valid samples of step t among [begin, end). */
static ptrdiff_t list_samples(const fr_plan *p, ptrdiff_t t, ptrdiff_t begin, ptrdiff_t end,
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

/* Copy state k of row b of `from` (B, S_k) to `to`, whole vectors; zeros for NULL. */
static void load_state(const fr_plan *p, int k, const REAL *from, ptrdiff_t b, REAL *to)
{
    const ptrdiff_t size = p->state[k].size;
    for (ptrdiff_t j = 0; j < size; j += LANES)
        store(to + j, from ? load_part(from + b * size + j, size - j) : SPLAT(0));
}

/* The states before the first step of rows [begin, end). */
static void start_rows(const fr_plan *p, ptrdiff_t begin, ptrdiff_t end)
{
    for (ptrdiff_t b = begin; b < end; b++) {
        int32_t row = (int32_t)b;
        if (p->r->save)
            row = p->first[b] < p->T ? p->row_of[p->first[b] * p->B + b] : (int32_t)(p->steps + b);
        for (int k = 0; k < p->cell->states; k++)
            load_state(p, k, p->r->initial_states[k], b, state_at(p, k, row, 0));
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
            const REAL *h = state_at(p, H_STATE, sample->row, 0);
            if (factors)
                multiply(a + p->F + 1, h, factors + (g * p->B + sample->b) * p->P, p->P);
            else
                memcpy(a + p->F + 1, h, (size_t)p->P * sizeof(REAL));
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
static void part_sums(const fr_plan *p, const fr_phase *phase, int rows, int tail, ptrdiff_t units,
                      V *tile, V *inputs)
{
    const unsigned apart = p->cell->apart >> phase->first_gate;
    if (!tail) {
        memcpy(inputs, tile, sizeof(V) * (size_t)(rows * phase->gates));
        for (int r = 0; r < rows; r++)
            for (int g = 0; g < phase->gates; g++)
                if (apart >> g & 1)
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

/* A gates phase of a step, for a block of samples and some vectors of units. */
static void step_block(const fr_step *s, int k, ptrdiff_t first, int n, ptrdiff_t v, int vectors)
{
    const fr_plan *p = s->p;
    const fr_phase *phase = &p->cell->phase[k];
    const int gates = phase->gates, tail = is_tail(p, v);
    const int columns = tail ? p->tail : gates * vectors;
    const int rows = rows_to_multiply(p, n);
    const int gate_row = p->per_gate ? phase->first_gate : phase->input_row;
    fr_segment segments[MAX_SEGMENTS];
    int recurrent;
    const int count = list_segments(p, k, v, segments, &recurrent);
    V tile[TILE_VECTORS], inputs[TILE_VECTORS];
    fr_operands o = {.a_step = 1, .a_gate = p->per_gate && gates > 1 ? p->gate_stride : 0};
    set_weight_steps(p, k, v, &o);
    const REAL *a[FR_MAX_ROWS];
    for (int r = 0; r < rows; r++)
        a[r] = input_row(p, s->samples[first + (r < n ? r : 0)].row, gate_row);
    if (p->input_part) {
        load_input_part(s, k, first, n, v, vectors, tile);
        o.add = 1;
    }
    for (int i = p->input_part ? recurrent : 0; i < count; i++) {
        if (i == recurrent && p->cell->apart)
            part_sums(p, phase, rows, tail, lanes_at(p, v), tile, inputs);
        for (int r = 0; r < rows; r++)
            o.a[r] = a[r] + segments[i].a;
        o.b = segments[i].b;
        o.terms = segments[i].terms;
        product(rows, columns, &o, tile);
        o.add = 1;
    }
    if (tail) {
        V sums[TILE_VECTORS];
        memcpy(sums, tile, sizeof(V) * (size_t)(n * columns));
        split_tail(p, n, lanes_at(p, v), sums, tile);
    }
    for (int u = 0; u < vectors; u++)
        phase->units(s, first, n, v + u, tile + u * gates, gates * vectors, inputs);
}

/* A projection phase of a step, for a block of samples and some vectors of P. */
static void project_block(const fr_step *s, int k, ptrdiff_t first, int n, ptrdiff_t v, int vectors)
{
    const fr_plan *p = s->p;
    const fr_phase *phase = &p->cell->phase[k];
    const int rows = rows_to_multiply(p, n);
    V tile[TILE_VECTORS];
    fr_operands o = {.a_step = 1,
                     .b = p->packed_projection + v * p->H * LANES,
                     .b_step = LANES,
                     .b_column = p->H * LANES,
                     .terms = p->H};
    for (int r = 0; r < rows; r++)
        o.a[r] = saved_at(p, s->samples[first + (r < n ? r : 0)].row, phase->value, 0);
    product(rows, vectors, &o, tile);
    for (int u = 0; u < vectors; u++)
        phase->units(s, first, n, v + u, tile + u, vectors, NULL);
}

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
        } else {
            compute_products(s, k, rank, size);
        }
    }
}

/* input_part = [x | 1]·[W; b] of the steps [t, stop), for the vectors of units of this thread. */
static void project_inputs(const fr_step *s, ptrdiff_t t, ptrdiff_t stop)
{
    const fr_plan *p = s->p;
    const ptrdiff_t rows = (stop - t) * p->B;
    const ptrdiff_t begin = p->by_units ? share(p->vectors, s->rank, p->size) : 0;
    const ptrdiff_t end = p->by_units ? share(p->vectors, s->rank + 1, p->size) : p->vectors;
    V tile[TILE_VECTORS];
    for (int phase = 0; phase < p->cell->phases; phase++) {
        const int first_gate = p->cell->phase[phase].first_gate;
        const int gates = p->cell->phase[phase].gates;
        if (p->cell->phase[phase].kind != GATES_PHASE)
            continue;
        for (ptrdiff_t v = begin; v < end; v++) {
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
    const size_t row_bytes = (size_t)p->P * sizeof(REAL);
    for (ptrdiff_t b = begin; b < end; b++) {
        const int32_t row = (int32_t)(r->save ? p->steps + b : parity[b] * p->B + b);
        const REAL *h = state_at(p, H_STATE, row, 0);
        REAL *y = (REAL *)r->outputs + b * (r->return_sequences ? p->T : 1) * p->P;
        int any = 0;
        for (ptrdiff_t t = 0; t < p->T; t++) {
            const int valid = is_valid_step(r, t, b);
            any |= valid;
            if (valid || !r->return_sequences)
                continue;
            if (t == 0 || r->zero_output_for_mask)
                memset(y + t * p->P, 0, row_bytes);
            else
                memcpy(y + t * p->P, y + (t - 1) * p->P, row_bytes);
        }
        if (!r->return_sequences) {
            if (r->zero_output_for_mask ? is_valid_step(r, p->T - 1, b) : any)
                memcpy(y, h, row_bytes);
            else
                memset(y, 0, row_bytes);
        }
        for (int k = 0; k < p->cell->states; k++) {
            const ptrdiff_t size = p->state[k].size;
            memcpy((REAL *)r->final_states[k] + b * size, state_at(p, k, row, 0),
                   (size_t)size * sizeof(REAL));
        }
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
    fill_inputs(p, s->t, s->samples + begin, share(s->count, rank + 1, size) - begin);
}

static void forward_thread(const fr_plan *p, int rank)
{
    /* Rows that this thread computes. */
    const ptrdiff_t begin = p->by_units ? 0 : share(p->B, rank, p->size);
    const ptrdiff_t end = p->by_units ? p->B : share(p->B, rank + 1, p->size);
    const ptrdiff_t own_begin = share(p->B, rank, p->size);
    const ptrdiff_t own_end = share(p->B, rank + 1, p->size);
    uint8_t *parity = p->parity + rank * p->B;
    fr_sample *lists[2] = {p->lists + (ptrdiff_t)rank * 2 * p->B,
                           p->lists + ((ptrdiff_t)rank * 2 + 1) * p->B};
    fr_step s = {.p = p, .rank = rank, .samples = lists[0]};
    memset(parity, 0, (size_t)p->B);
    if (!p->in_place) {
        pack(p, share(p->vectors, rank, p->size), share(p->vectors, rank + 1, p->size));
        if (p->cell->projection)
            pack_projection(p, share(p->output_vectors, rank, p->size),
                            share(p->output_vectors, rank + 1, p->size));
        wait_for_all(p);
    }
    start_rows(p, own_begin, own_end);
    s.count = list_samples(p, 0, begin, end, parity, lists[0]);
    if (p->per_gate)
        wait_for_units(p);
    fill_share(&s, rank);
    for (ptrdiff_t t = 0; t < p->T; t++) {
        if (p->input_part && t % p->chunk == 0) {
            const ptrdiff_t chunk_end = t + p->chunk < p->T ? t + p->chunk : p->T;
            gather_chunk(p, t, chunk_end, rank);
            wait_for_units(p);
            project_inputs(&s, t, chunk_end);
        }
        wait_for_units(p);
        compute_step(&s);
        if (t + 1 == p->T)
            break;
        fr_step next = s;
        next.t = t + 1;
        next.samples = lists[(t + 1) % 2];
        next.count = list_samples(p, t + 1, begin, end, parity, lists[(t + 1) % 2]);
        if (p->per_gate)
            wait_for_units(p);
        fill_share(&next, rank);
        s = next;
    }
    wait_for_units(p);
    finish_rows(p, own_begin, own_end, parity);
}

#endif
