/* The forward pass: workspace rows and their inputs, the products of a step, its outputs. */
#ifndef FR_RNN_FORWARD_H
#define FR_RNN_FORWARD_H

#include "rnn/step.h"

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

/* input_part = [x | 1]·[W; b] of the steps [t, stop), for the vectors of units of this thread. */
static void project_inputs(const fr_step *s, ptrdiff_t t, ptrdiff_t stop)
{
    const fr_plan *p = s->p;
    const ptrdiff_t rows = (stop - t) * p->B;
    const ptrdiff_t begin = p->by_units ? share(p->vectors, s->rank, p->size) : 0;
    const ptrdiff_t end = p->by_units ? share(p->vectors, s->rank + 1, p->size) : p->vectors;
    V tile[TILE_VECTORS];
    if (s->quantized)
        quantize_chunk(s->quantized, rows);
    for (int k = 0; k < p->cell->phases; k++) {
        const fr_phase *phase = &p->cell->phase[k];
        if (phase->kind != GATES_PHASE)
            continue;
        for (ptrdiff_t v = begin; v < end; v++) {
            fr_segment segments[MAX_SEGMENTS];
            int recurrent;
            list_segments(s->quantized != NULL, 0, p, k, v, segments, &recurrent);
            for (ptrdiff_t i = 0, n; i < rows; i += n) {
                n = block_rows(rows - i);
                const int given = kernel_rows(n, 0);
                const REAL *a[FR_MAX_ROWS];
                for (int r = 0; r < given; r++)
                    a[r] = p->chunk_x + source_row(i, r, n) * (p->F + 1);
                fr_operands o = {.a_step = 1};
                set_weight_steps(p, k, v, &o);
                multiply_segment(s->quantized != NULL, 0, s, k, segments, 1, a, i, (int)n, given, v,
                                 phase->gates, &o, tile);
                for (int r = 0; r < n; r++) {
                    const ptrdiff_t at = ((i + r) * p->vectors + v) * p->G + phase->first_gate;
                    for (int g = 0; g < phase->gates; g++)
                        store(p->input_part + (at + g) * LANES, tile[r * phase->gates + g]);
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
    fr_quantized quantized;
    s.quantized = make_quantized(p, rank, &quantized);
    memset(parity, 0, (size_t)p->B);
    if (!p->in_place && !p->r->weight_format) {
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
