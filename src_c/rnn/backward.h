/* The backward pass: step by step dz and dh, then chunk by chunk dx and the weight gradients. */
#ifndef FR_RNN_BACKWARD_H
#define FR_RNN_BACKWARD_H

#include "rnn/cells/gru.h"
#include "rnn/forward.h"
#include "rnn/gradients.h"

static void pack_backward(const fr_plan *p, int rank)
{
    const ptrdiff_t features = vectors_of(p->F);
    pack_transposed(p, p->r->weights[FR_RECURRENT_KERNEL], p->P, 0, p->packed_dh,
                    share(p->output_vectors, rank, p->size),
                    share(p->output_vectors, rank + 1, p->size));
    if (p->r->dx)
        pack_transposed(p, p->r->weights[FR_KERNEL], p->F, p->cell->input_block, p->packed_dx,
                        share(features, rank, p->size), share(features, rank + 1, p->size));
    if (p->cell->projection)
        pack_projection_transposed(p, share(p->vectors, rank, p->size),
                                   share(p->vectors, rank + 1, p->size));
}

/* Gradients of the final states of rows [begin, end), and that of the last output alone. */
static void start_gradients(const fr_plan *p, ptrdiff_t begin, ptrdiff_t end)
{
    const fr_rnn *r = p->r;
    const REAL *d_outputs = r->return_sequences ? NULL : r->d_outputs;
    for (ptrdiff_t b = begin; b < end; b++) {
        const int put_out =
            r->zero_output_for_mask ? is_valid_step(r, p->T - 1, b) : p->first[b] < p->T;
        for (int k = 0; k < p->cell->states; k++) {
            const fr_state *state = &p->state[k];
            REAL *d = state->gradient + b * state->padded;
            load_state(p, k, r->d_final_states[k], b, d);
            for (ptrdiff_t j = 0; k == H_STATE && d_outputs && put_out && j < p->P; j += LANES)
                store(d + j, load(d + j) + load_part(d_outputs + b * p->P + j, p->P - j));
        }
    }
}

/* This thread's share of n vectors, where the threads share units; else all. */
static void own_vectors(const fr_step *s, ptrdiff_t n, ptrdiff_t *begin, ptrdiff_t *end)
{
    const fr_plan *p = s->p;
    *begin = p->by_units ? share(n, s->rank, p->size) : 0;
    *end = p->by_units ? share(n, s->rank + 1, p->size) : n;
}

/* Masked steps that repeat an output hand its gradient to the state that they repeat. */
static void add_repeated_outputs(const fr_step *s, ptrdiff_t begin, ptrdiff_t end)
{
    const fr_plan *p = s->p;
    const fr_rnn *r = p->r;
    if (!r->mask || !r->d_outputs || !r->return_sequences || r->zero_output_for_mask)
        return;
    ptrdiff_t first, last;
    own_vectors(s, p->output_vectors, &first, &last);
    for (ptrdiff_t b = begin; b < end; b++) {
        if (is_valid_step(r, s->t, b) || p->first[b] > s->t)
            continue;
        const REAL *d = (const REAL *)r->d_outputs + (b * p->T + s->t) * p->P;
        REAL *dh = p->state[H_STATE].gradient + b * p->state[H_STATE].padded;
        for (ptrdiff_t j = first * LANES; j < last * LANES; j += LANES)
            store(dh + j, load(dh + j) + load_part(d + j, p->P - j));
    }
}

static FR_INLINE REAL *dz_at(const fr_step *s, const fr_sample *sample)
{
    const ptrdiff_t begin = s->t / s->p->chunk * s->p->chunk;
    return s->p->dz + (sample->row - s->p->offset[begin]) * s->p->d_stride;
}

/* out (B, stride) += some numbers of dz, from `column` on, times the packed vectors [first, last) of
 * weights, `panel` numbers each. With dropout of h each part, a block of dz, meets the mask of its gate:
 * gate_of[part]. */
static void multiply_dz(const fr_step *s, ptrdiff_t column, ptrdiff_t terms, int parts,
                        const int *gate_of, const REAL *packed, ptrdiff_t panel, ptrdiff_t first,
                        ptrdiff_t last, REAL *out, ptrdiff_t stride)
{
    const fr_plan *p = s->p;
    const ptrdiff_t each = terms / parts;
    V tile[TILE_VECTORS];
    for (ptrdiff_t v = first; v < last; v += FR_MAX_COLUMNS) {
        const ptrdiff_t left = last - v;
        const int vectors = (int)(left < FR_MAX_COLUMNS ? left : FR_MAX_COLUMNS);
        for (ptrdiff_t i = 0, n; i < s->count; i += n) {
            n = block_rows(s->count - i);
            const int rows = kernel_rows(n, p->B == 1);
            for (int part = 0; part < parts; part++) {
                fr_operands o = {.a_step = 1,
                                 .b = packed + v * panel + part * each * LANES,
                                 .b_step = LANES,
                                 .b_column = panel,
                                 .terms = each};
                for (int r = 0; r < rows; r++)
                    o.a[r] = dz_at(s, &s->samples[source_row(i, r, n)]) + column + part * each;
                product(rows, vectors, &o, tile);
                for (int r = 0; r < n; r++) {
                    const int32_t b = s->samples[i + r].b;
                    for (int u = 0; u < vectors; u++) {
                        V d = tile[r * vectors + u];
                        if (gate_of)
                            d *= recurrent_factors(p, gate_of[part], b, v + u);
                        REAL *at = out + b * stride + (v + u) * LANES;
                        store(at, load(at) + d);
                    }
                }
            }
        }
    }
}

/* Zero the vectors [first, last) of d_inner, for the samples of a step. */
static void clear_inner(const fr_step *s, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t i = 0; i < s->count; i++)
        memset(s->p->d_inner + s->samples[i].b * s->p->padded + first * LANES, 0,
               (size_t)((last - first) * LANES) * sizeof(REAL));
}

/* Some blocks of dz times those rows of U^T. */
static void product_back(const fr_step *s, const fr_back_phase *phase)
{
    const fr_plan *p = s->p;
    const ptrdiff_t column = phase->block * p->H, panel = p->G * p->H * LANES;
    const int masked = p->r->recurrent_dropout != NULL && !phase->inner;
    const fr_state *h = &p->state[H_STATE];
    ptrdiff_t first, last;
    own_vectors(s, p->output_vectors, &first, &last);
    if (phase->inner)
        clear_inner(s, first, last);
    multiply_dz(s, column, phase->blocks * p->H, masked ? phase->blocks : 1,
                masked ? p->cell->gate_of + phase->block : NULL, p->packed_dh + column * LANES,
                panel, first, last, phase->inner ? p->d_inner : h->gradient,
                phase->inner ? p->padded : h->padded);
}

/* The gradient of h becomes the last numbers of a row of dz; times W_p^T it is d_inner. */
static void projection_back(const fr_step *s)
{
    const fr_plan *p = s->p;
    const ptrdiff_t column = p->cell->blocks * p->H;
    ptrdiff_t first, last;
    own_vectors(s, p->output_vectors, &first, &last);
    for (ptrdiff_t i = 0; i < s->count; i++)
        for (ptrdiff_t v = first; v < last; v++) {
            const V d = state_gradient(s, &s->samples[i], H_STATE, v);
            put_state_gradient(s, &s->samples[i], H_STATE, v, SPLAT(0));
            store_part(dz_at(s, &s->samples[i]) + column + v * LANES, d, p->P - v * LANES);
        }
    wait_for_units(p);
    own_vectors(s, p->vectors, &first, &last);
    clear_inner(s, first, last);
    multiply_dz(s, column, p->P, 1, NULL, p->packed_d_projection, p->P * LANES, first, last,
                p->d_inner, p->padded);
}

static void units_back(const fr_step *s, const fr_back_phase *phase)
{
    ptrdiff_t first, last;
    own_vectors(s, s->p->vectors, &first, &last);
    for (ptrdiff_t i = 0; i < s->count; i++)
        for (ptrdiff_t v = first; v < last; v++)
            phase->units(s, &s->samples[i], v, dz_at(s, &s->samples[i]));
}

static void rows_back(const fr_step *s, const fr_back_phase *phase)
{
    const fr_plan *p = s->p;
    const int size = p->by_units ? p->size : 1, rank = p->by_units ? s->rank : 0;
    for (ptrdiff_t i = share(s->count, rank, size); i < share(s->count, rank + 1, size); i++)
        phase->row(s, &s->samples[i], dz_at(s, &s->samples[i]));
}

/* The states' gradients after step t -> dz of step t, and the gradients before it. Phases that read what
 * other threads computed wait for them: all but those of units, which do after whole rows. */
static void backward_step(const fr_step *s, ptrdiff_t begin, ptrdiff_t end)
{
    const fr_plan *p = s->p;
    add_repeated_outputs(s, begin, end);
    for (int k = 0; k < p->cell->back_phases; k++) {
        const fr_back_phase *phase = &p->cell->back[k];
        if (phase->kind == PRODUCT_BACK || phase->kind == ROW_BACK ||
            (k && p->cell->back[k - 1].kind == ROW_BACK))
            wait_for_units(p);
        switch (phase->kind) {
        case UNITS_BACK:
            units_back(s, phase);
            break;
        case PRODUCT_BACK:
            product_back(s, phase);
            break;
        case PROJECTION_BACK:
            projection_back(s);
            break;
        default:
            rows_back(s, phase);
        }
    }
}

/* dx of the workspace rows [first, last): dz of the input operand times W^T, and the dropout masks of x. */
static void input_gradients(const fr_plan *p, ptrdiff_t base, ptrdiff_t first, ptrdiff_t last)
{
    const fr_rnn *r = p->r;
    const REAL *factors = r->input_dropout;
    const ptrdiff_t panel = p->G * p->H * LANES, vectors_of_x = vectors_of(p->F);
    const int *gate_of = p->cell->gate_of + p->cell->input_block;
    const ptrdiff_t first_column = p->cell->input_block * p->H;
    const int parts = r->input_dropout_gates > 1 ? r->input_dropout_gates : 1;
    V tile[TILE_VECTORS], total[TILE_VECTORS];
    for (ptrdiff_t v = 0; v < vectors_of_x; v += FR_MAX_COLUMNS) {
        const ptrdiff_t left = vectors_of_x - v;
        const int vectors = (int)(left < FR_MAX_COLUMNS ? left : FR_MAX_COLUMNS);
        for (ptrdiff_t i = first, n; i < last; i += n) {
            n = block_rows(last - i);
            const int rows = kernel_rows(n, 0);
            memset(total, 0, sizeof total);
            for (int part = 0; part < parts; part++) {
                const ptrdiff_t term = part * p->H;
                const int mask = parts > 1 ? gate_of[part] : 0;
                fr_operands o = {.a_step = 1,
                                 .b = p->packed_dx + v * panel + term * LANES,
                                 .b_step = LANES,
                                 .b_column = panel,
                                 .terms = p->G / parts * p->H};
                for (int k = 0; k < rows; k++)
                    o.a[k] =
                        p->dz + (source_row(i, k, n) - base) * p->d_stride + first_column + term;
                product(rows, vectors, &o, tile);
                for (int k = 0; k < n; k++) {
                    const ptrdiff_t b = p->source[i + k] / p->T;
                    for (int u = 0; u < vectors; u++) {
                        V d = tile[k * vectors + u];
                        const ptrdiff_t at = (mask * p->B + b) * p->F + (v + u) * LANES;
                        if (factors)
                            d *= load_part(factors + at, p->F - (v + u) * LANES);
                        total[k * vectors + u] += d;
                    }
                }
            }
            for (int k = 0; k < n; k++) {
                REAL *dx = (REAL *)r->dx + p->source[i + k] * p->F;
                for (int u = 0; u < vectors; u++)
                    store_part(dx + (v + u) * LANES, total[k * vectors + u],
                               p->F - (v + u) * LANES);
            }
        }
    }
}

static void backward_thread(const fr_plan *p, int rank)
{
    const ptrdiff_t own_begin = share(p->B, rank, p->size);
    const ptrdiff_t own_end = share(p->B, rank + 1, p->size);
    const ptrdiff_t begin = p->by_units ? 0 : own_begin, end = p->by_units ? p->B : own_end;
    fr_sample *rows = p->lists + (ptrdiff_t)rank * 2 * p->B;
    fr_step s = {.p = p, .rank = rank, .samples = rows};
    pack_backward(p, rank);
    clear_weight_gradients(p, rank);
    clear_own_gradients(p, rank);
    start_gradients(p, own_begin, own_end);
    if (p->r->dx && p->r->mask)
        memset((REAL *)p->r->dx + own_begin * p->T * p->F, 0,
               (size_t)((own_end - own_begin) * p->T * p->F) * sizeof(REAL));
    wait_for_all(p);
    for (ptrdiff_t t = (p->T - 1) / p->chunk * p->chunk; t >= 0; t -= p->chunk) {
        const ptrdiff_t stop = t + p->chunk < p->T ? t + p->chunk : p->T;
        for (s.t = stop - 1; s.t >= t; s.t--) {
            s.count = list_samples(p, s.t, begin, end, NULL, rows);
            backward_step(&s, begin, end);
        }
        wait_for_all(p);
        const ptrdiff_t first = p->offset[t], last = p->offset[stop];
        add_weight_gradients(p, rank, first, last);
        add_own_gradients(p, rank, first, last);
        if (p->r->dx)
            input_gradients(p, first, first + share(last - first, rank, p->size),
                            first + share(last - first, rank + 1, p->size));
        wait_for_all(p);
    }
    write_weight_gradients(p, rank);
    write_own_gradients(p, rank);
    for (ptrdiff_t b = own_begin; b < own_end; b++) {
        for (int k = 0; k < p->cell->states; k++) {
            const fr_state *state = &p->state[k];
            memcpy((REAL *)p->r->d_initial_states[k] + b * state->size,
                   state->gradient + b * state->padded, (size_t)state->size * sizeof(REAL));
        }
    }
}

#endif
