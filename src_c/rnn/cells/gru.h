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

static FR_INLINE void gru_forward_(const int act, const int rec, const fr_step *s, int phase,
                                   ptrdiff_t first_row, int n, ptrdiff_t v, const V *tile,
                                   int columns)
{
    const fr_plan *p = s->p;
    for (int i = 0; i < n; i++) {
        const fr_sample *sample = &s->rows[first_row + i];
        const V *a = tile + i * columns;
        const V h_prev = load(h_at(p, sample->row, v));
        if (phase == 0) {
            const V r = activate(rec, a[1]);
            V inner = r * h_prev;
            if (p->r->recurrent_dropout)
                inner *= recurrent_factors(p, 2, sample->b, v);
            store(input_row(p, sample->row, p->input_rows - 1) + p->F + 1 + v * LANES, inner);
            save(p, sample->row, 0, v, activate(rec, a[0]));
            save(p, sample->row, 1, v, r);
        } else {
            const V z = load(saved_at(p, sample->row, 0, v));
            const V g = activate(act, a[0]);
            save(p, sample->row, 2, v, g);
            finish_h(s, sample, v, gru_mix(z, h_prev, g));
        }
    }
}

static void gru_forward(const fr_step *s, int phase, ptrdiff_t first_row, int n, ptrdiff_t v,
                        const V *tile, int columns, const V *inputs)
{
    (void)inputs;
    FOR_ACTIVATIONS(s->p->r, gru_forward_, s, phase, first_row, n, v, tile, columns);
}

static FR_INLINE void gru_reset_after_forward_(const int act, const int rec, const fr_step *s,
                                               ptrdiff_t first_row, int n, ptrdiff_t v,
                                               const V *tile, int columns, const V *inputs)
{
    const fr_plan *p = s->p;
    for (int i = 0; i < n; i++) {
        const fr_sample *sample = &s->rows[first_row + i];
        const V *a = tile + i * columns;
        const V z = activate(rec, a[0]), r = activate(rec, a[1]), q = a[2];
        const V g = activate(act, fma_(r, q, inputs[i * columns + 2]));
        finish_h(s, sample, v, gru_mix(z, load(h_at(p, sample->row, v)), g));
        save(p, sample->row, 0, v, z);
        save(p, sample->row, 1, v, r);
        save(p, sample->row, 2, v, g);
        save(p, sample->row, 3, v, q);
    }
}

static void gru_reset_after_forward(const fr_step *s, int phase, ptrdiff_t first_row, int n,
                                    ptrdiff_t v, const V *tile, int columns, const V *inputs)
{
    (void)phase;
    FOR_ACTIVATIONS(s->p->r, gru_reset_after_forward_, s, first_row, n, v, tile, columns, inputs);
}

/* dz and the candidate's dg; dh_{t-1} gains dh·z. r follows when d(r·h) is known: gru_reset. */
static void gru_backward(const fr_step *s, const fr_sample *sample, ptrdiff_t v, REAL *dz)
{
    const fr_plan *p = s->p;
    const V z = load(saved_at(p, sample->row, 0, v));
    const V g = load(saved_at(p, sample->row, 2, v));
    const V h_prev = load(h_at(p, sample->row, v));
    const V dh = output_gradient(s, sample, v);
    put_dz(p, dz, 0, v, dh * (h_prev - g) * derivative(p->r->recurrent_activation, z));
    put_dz(p, dz, 2, v, dh * (SPLAT(1) - z) * derivative(p->r->activation, g));
    store(p->dh + sample->b * p->padded + v * LANES, dh * z);
}

/* dinner = dLoss/d(r·h_{t-1}·dropout), which the product with U_h^T gave. */
static void gru_reset_backward(const fr_plan *p, const fr_sample *sample, ptrdiff_t v, REAL *dz)
{
    const V r = load(saved_at(p, sample->row, 1, v));
    const V h_prev = load(h_at(p, sample->row, v));
    REAL *dh = p->dh + sample->b * p->padded + v * LANES;
    V dinner = load(p->dinner + sample->b * p->padded + v * LANES);
    if (p->r->recurrent_dropout)
        dinner *= recurrent_factors(p, 2, sample->b, v);
    put_dz(p, dz, 1, v, dinner * h_prev * derivative(p->r->recurrent_activation, r));
    store(dh, load(dh) + dinner * r);
}

/* Blocks of dz: of q, then z, r and the candidate, so that both sides' gates stand together. */
static void gru_reset_after_backward(const fr_step *s, const fr_sample *sample, ptrdiff_t v,
                                     REAL *dz)
{
    const fr_plan *p = s->p;
    const int rec = p->r->recurrent_activation;
    const V z = load(saved_at(p, sample->row, 0, v));
    const V r = load(saved_at(p, sample->row, 1, v));
    const V g = load(saved_at(p, sample->row, 2, v));
    const V q = load(saved_at(p, sample->row, 3, v));
    const V h_prev = load(h_at(p, sample->row, v));
    const V dh = output_gradient(s, sample, v);
    const V dg = dh * (SPLAT(1) - z) * derivative(p->r->activation, g);
    put_dz(p, dz, 0, v, dg * r);
    put_dz(p, dz, 1, v, dh * (h_prev - g) * derivative(rec, z));
    put_dz(p, dz, 2, v, dg * q * derivative(rec, r));
    put_dz(p, dz, 3, v, dg);
    store(p->dh + sample->b * p->padded + v * LANES, dh * z);
}

#endif
