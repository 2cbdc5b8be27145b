/* GRU, gates z r h: h_t = z·h_{t-1} + (1 - z)·g, with g the candidate.
 *
 * Reset before the product: g = act(x·W_h + (r·h_{t-1})·U_h + b_h), a second phase of the step.
 * Reset after it: g = act(x·W_h + b_h + r·q), q = h_{t-1}·U_h + recurrent b_h.
 */
#ifndef FR_RNN_CELLS_GRU_H
#define FR_RNN_CELLS_GRU_H

#include "rnn/rows.h"

static FR_INLINE V gru_mix(V z, V h_prev, V g)
{
    return fma_(z, h_prev, (SPLAT(1) - z) * g);
}

/* z and r, and what the candidate multiplies: r·h_{t-1}. */
static FR_INLINE void gru_gates_(const int act, const int rec, const fr_step *s, ptrdiff_t first,
                                 int n, ptrdiff_t v, const V *tile, int columns)
{
    (void)act;
    const fr_plan *p = s->p;
    for (int i = 0; i < n; i++) {
        const fr_sample *sample = &s->samples[first + i];
        const V *a = tile + i * columns;
        const V r = activate(rec, a[1]);
        V inner = r * load(state_at(p, H_STATE, sample->row, v));
        if (p->r->recurrent_dropout)
            inner *= recurrent_factors(p, 2, sample->b, v);
        store(input_row(p, sample->row, p->input_rows - 1) + p->F + 1 + v * LANES, inner);
        save(p, sample->row, 0, v, activate(rec, a[0]));
        save(p, sample->row, 1, v, r);
    }
}

static void gru_gates(const fr_step *s, ptrdiff_t first, int n, ptrdiff_t v, const V *tile,
                      int columns, const V *inputs)
{
    (void)inputs;
    FOR_ACTIVATIONS(s->p->r, gru_gates_, s, first, n, v, tile, columns);
}

static FR_INLINE void gru_candidate_(const int act, const int rec, const fr_step *s,
                                     ptrdiff_t first, int n, ptrdiff_t v, const V *tile,
                                     int columns)
{
    (void)rec;
    const fr_plan *p = s->p;
    for (int i = 0; i < n; i++) {
        const fr_sample *sample = &s->samples[first + i];
        const V z = load(saved_at(p, sample->row, 0, v));
        const V g = activate(act, tile[i * columns]);
        save(p, sample->row, 2, v, g);
        finish_h(s, sample, v, gru_mix(z, load(state_at(p, H_STATE, sample->row, v)), g));
    }
}

static void gru_candidate(const fr_step *s, ptrdiff_t first, int n, ptrdiff_t v, const V *tile,
                          int columns, const V *inputs)
{
    (void)inputs;
    FOR_ACTIVATIONS(s->p->r, gru_candidate_, s, first, n, v, tile, columns);
}

static FR_INLINE void gru_reset_after_forward_(const int act, const int rec, const fr_step *s,
                                               ptrdiff_t first, int n, ptrdiff_t v, const V *tile,
                                               int columns, const V *inputs)
{
    const fr_plan *p = s->p;
    for (int i = 0; i < n; i++) {
        const fr_sample *sample = &s->samples[first + i];
        const V *a = tile + i * columns;
        const V z = activate(rec, a[0]), r = activate(rec, a[1]), q = a[2];
        const V g = activate(act, fma_(r, q, inputs[i * columns + 2]));
        finish_h(s, sample, v, gru_mix(z, load(state_at(p, H_STATE, sample->row, v)), g));
        save(p, sample->row, 0, v, z);
        save(p, sample->row, 1, v, r);
        save(p, sample->row, 2, v, g);
        save(p, sample->row, 3, v, q);
    }
}

static void gru_reset_after_forward(const fr_step *s, ptrdiff_t first, int n, ptrdiff_t v,
                                    const V *tile, int columns, const V *inputs)
{
    FOR_ACTIVATIONS(s->p->r, gru_reset_after_forward_, s, first, n, v, tile, columns, inputs);
}

/* dz and the candidate's dg; dh_{t-1} gains dh·z. r follows when d(r·h) is known: gru_reset_backward. */
static void gru_backward(const fr_step *s, const fr_sample *sample, ptrdiff_t v, REAL *dz)
{
    const fr_plan *p = s->p;
    const V z = load(saved_at(p, sample->row, 0, v));
    const V g = load(saved_at(p, sample->row, 2, v));
    const V h_prev = load(state_at(p, H_STATE, sample->row, v));
    const V dh = state_gradient(s, sample, H_STATE, v);
    put_dz(p, dz, 0, v, dh * (h_prev - g) * derivative(p->r->recurrent_activation, z));
    put_dz(p, dz, 2, v, dh * (SPLAT(1) - z) * derivative(p->r->activation, g));
    put_state_gradient(s, sample, H_STATE, v, dh * z);
}

/* d_inner is dLoss/d(r·h_{t-1}·dropout), which the product with U_h^T gave. */
static void gru_reset_backward(const fr_step *s, const fr_sample *sample, ptrdiff_t v, REAL *dz)
{
    const fr_plan *p = s->p;
    const V r = load(saved_at(p, sample->row, 1, v));
    const V h_prev = load(state_at(p, H_STATE, sample->row, v));
    REAL *dh = p->state[H_STATE].gradient + sample->b * p->padded + v * LANES;
    V d_inner = load(p->d_inner + sample->b * p->padded + v * LANES);
    if (p->r->recurrent_dropout)
        d_inner *= recurrent_factors(p, 2, sample->b, v);
    put_dz(p, dz, 1, v, d_inner * h_prev * derivative(p->r->recurrent_activation, r));
    store(dh, load(dh) + d_inner * r);
}

/* Blocks of dz: of q, then z, r and the candidate, so that the gates of either operand stand together. */
static void gru_reset_after_backward(const fr_step *s, const fr_sample *sample, ptrdiff_t v,
                                     REAL *dz)
{
    const fr_plan *p = s->p;
    const int rec = p->r->recurrent_activation;
    const V z = load(saved_at(p, sample->row, 0, v));
    const V r = load(saved_at(p, sample->row, 1, v));
    const V g = load(saved_at(p, sample->row, 2, v));
    const V q = load(saved_at(p, sample->row, 3, v));
    const V h_prev = load(state_at(p, H_STATE, sample->row, v));
    const V dh = state_gradient(s, sample, H_STATE, v);
    const V dg = dh * (SPLAT(1) - z) * derivative(p->r->activation, g);
    put_dz(p, dz, 0, v, dg * r);
    put_dz(p, dz, 1, v, dh * (h_prev - g) * derivative(rec, z));
    put_dz(p, dz, 2, v, dg * q * derivative(rec, r));
    put_dz(p, dz, 3, v, dg);
    put_state_gradient(s, sample, H_STATE, v, dh * z);
}

#endif
