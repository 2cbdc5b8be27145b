/* The sizes of a pass, and the places of its arrays in the caller's buffers. */
#ifndef FR_RNN_LAYOUT_H
#define FR_RNN_LAYOUT_H

#include "base/arena.h"
#include "quant/operand.h"
#include "rnn/cells/table.h"
#include "rnn/gradients.h"
#include "rnn/pack.h"

#include <string.h>

static ptrdiff_t count_steps(const fr_rnn *r)
{
    if (!r->mask)
        return r->batch * r->timesteps;
    ptrdiff_t count = 0;
    for (ptrdiff_t k = 0; k < r->batch * r->timesteps; k++)
        count += r->mask[k] != 0;
    return count;
}

static void plan_states(fr_plan *p, const fr_rnn *r)
{
    for (int k = 0; k < p->cell->states; k++) {
        fr_state *state = &p->state[k];
        state->size = k == H_STATE ? p->P : p->H;
        state->padded = vectors_of(state->size) * LANES;
        state->zoneout = r->zoneout[k] != NULL || r->zoneout_rates[k] != 0;
        if (state->zoneout)
            p->values = p->cell->saved + p->cell->saved_with_zoneout;
    }
}

static void plan_sizes(fr_plan *p, const fr_rnn *r)
{
    memset(p, 0, sizeof *p);
    p->r = r;
    p->cell = &cell_specs[r->cell];
    p->B = r->batch, p->T = r->timesteps, p->F = r->features, p->H = r->units;
    p->P = r->projection ? r->projection : r->units;
    p->G = p->cell->gates;
    p->K = p->F + 1 + p->P;
    p->vectors = vectors_of(p->H);
    p->padded = p->vectors * LANES;
    p->output_vectors = vectors_of(p->P);
    p->values = p->cell->saved;
    plan_states(p, r);
    p->in_place = reads_in_place(r);
    p->per_gate = r->recurrent_dropout != NULL || r->input_dropout_gates > 1;
    p->tail = tail_columns(p);
    p->input_rows = p->per_gate ? p->G : p->cell->input_rows;
    p->gate_stride = row_stride(p->F + 1 + p->state[H_STATE].padded + FR_MAX_ROWS);
    p->a_stride = p->input_rows * p->gate_stride;
    p->steps = r->save ? count_steps(r) : 2 * p->B;
    const ptrdiff_t blocks = p->cell->blocks * p->H + (p->cell->projection ? p->P : 0);
    p->d_stride = row_stride(blocks + FR_MAX_COLUMNS * LANES);
    const ptrdiff_t rows = 192;
    p->chunk = rows / p->B > 1 ? rows / p->B : 1;
    if (p->chunk > p->T)
        p->chunk = p->T;
}

static void place_states(fr_plan *p, fr_arena *w, ptrdiff_t rows)
{
    fr_state *h = &p->state[H_STATE];
    h->at = p->A ? p->A + p->F + 1 : NULL;
    h->stride = p->a_stride;
    for (int k = p->per_gate ? H_STATE : C_STATE; k < p->cell->states; k++) {
        p->state[k].at = ARENA_TAKE(*w, rows * p->state[k].padded, REAL);
        p->state[k].stride = p->state[k].padded;
    }
}

static void place_workspace(fr_plan *p, fr_arena *w)
{
    const ptrdiff_t rows = p->steps + (p->r->save ? p->B : 0);
    p->A = ARENA_TAKE(*w, rows * p->a_stride, REAL);
    place_states(p, w, rows);
    if (p->r->save || p->cell->phases > 1) { /* a later phase reads what the first one saved */
        /* The micro-kernel may read a few numbers behind a row. */
        p->saved = ARENA_TAKE(*w, p->steps * p->values * p->padded + FR_MAX_ROWS, REAL);
        p->numbers = ARENA_TAKE(*w, p->steps * p->cell->numbers, REAL);
    }
    if (!p->r->save)
        return;
    p->row_of = ARENA_TAKE(*w, p->T * p->B, int32_t);
    p->next = ARENA_TAKE(*w, p->steps, int32_t);
    p->source = ARENA_TAKE(*w, p->steps, int32_t);
    p->first = ARENA_TAKE(*w, p->B, int32_t);
    p->offset = ARENA_TAKE(*w, p->T + 1, int32_t);
}

/* The packed weights of a pass that are not quantized. */
static void place_packed(fr_plan *p, fr_arena *s)
{
    p->packed = ARENA_TAKE(*s, packed_numbers(p), REAL);
    if (p->cell->projection)
        p->packed_projection = ARENA_TAKE(*s, p->output_vectors * p->H * LANES, REAL);
}

static void place_forward_scratch(fr_plan *p, fr_arena *s, int threads)
{
    p->lists = ARENA_TAKE(*s, (ptrdiff_t)threads * 2 * p->B, fr_sample);
    p->parity = ARENA_TAKE(*s, (ptrdiff_t)threads * p->B, uint8_t);
    if (!p->r->weight_format)
        place_packed(p, s);
    place_quantized(p, s, threads);
    if (hoists(p)) {
        p->input_part = ARENA_TAKE(*s, p->chunk * p->B * p->vectors * p->G * LANES, REAL);
        p->chunk_x = ARENA_TAKE(*s, p->chunk * p->B * (p->F + 1), REAL);
    }
}

static void place_backward_scratch(fr_plan *p, fr_arena *s, int threads)
{
    p->lists = ARENA_TAKE(*s, (ptrdiff_t)threads * 2 * p->B, fr_sample);
    for (int k = 0; k < p->cell->states; k++) {
        fr_state *state = &p->state[k];
        state->gradient = ARENA_TAKE(*s, p->B * state->padded, REAL);
        if (state->zoneout)
            state->direct = ARENA_TAKE(*s, p->B * state->padded, REAL);
    }
    p->d_inner = ARENA_TAKE(*s, p->B * p->padded, REAL);
    p->dz = ARENA_TAKE(*s, p->chunk * p->B * p->d_stride, REAL);
    p->d_weights = ARENA_TAKE(*s, weight_gradient_numbers(p), REAL);
    p->d_own = ARENA_TAKE(*s, own_weight_rows(p) * p->padded, REAL);
    p->packed_dh = ARENA_TAKE(*s, p->output_vectors * p->G * p->H * LANES, REAL);
    p->packed_dx = ARENA_TAKE(*s, vectors_of(p->F) * p->G * p->H * LANES, REAL);
    if (p->cell->projection)
        p->packed_d_projection = ARENA_TAKE(*s, p->vectors * p->P * LANES, REAL);
}

/* Which steps count: workspace rows, the next row of each, and the rows of x. */
static void index_steps(fr_plan *p)
{
    int32_t row = 0;
    for (ptrdiff_t t = 0; t < p->T; t++) {
        p->offset[t] = row;
        for (ptrdiff_t b = 0; b < p->B; b++) {
            const int valid = is_valid_step(p->r, t, b);
            if (valid)
                p->source[row] = (int32_t)(b * p->T + time_of(p->r, t));
            p->row_of[t * p->B + b] = valid ? row++ : -1;
        }
    }
    p->offset[p->T] = row;
    for (ptrdiff_t b = 0; b < p->B; b++) {
        int32_t next = (int32_t)(p->steps + b);
        p->first[b] = (int32_t)p->T;
        for (ptrdiff_t t = p->T - 1; t >= 0; t--) {
            const int32_t own = p->row_of[t * p->B + b];
            if (own < 0)
                continue;
            p->next[own] = next;
            p->first[b] = (int32_t)t;
            next = own;
        }
    }
}

#endif
