/* LSTM, gates i f c o: c_t = f·c_{t-1} + i·g with g = act(a_c), h_t = o·act(c_t). */
#ifndef FR_RNN_CELLS_LSTM_H
#define FR_RNN_CELLS_LSTM_H

#include "rnn/rows.h"

static FR_INLINE void lstm_forward_(const int act, const int rec, const fr_step *s, ptrdiff_t first,
                                    int n, ptrdiff_t v, const V *tile, int columns)
{
    const fr_plan *p = s->p;
    for (int r = 0; r < n; r++) {
        const fr_sample *sample = &s->samples[first + r];
        const V *a = tile + r * columns;
        const V i = activate(rec, a[0]), f = activate(rec, a[1]);
        const V g = activate(act, a[2]), o = activate(rec, a[3]);
        const V c = fma_(f, load(state_at(p, C_STATE, sample->row, v)), i * g);
        finish_state(s, sample, C_STATE, v, c);
        finish_h(s, sample, v, o * activate(act, c));
        save(p, sample->row, 0, v, i);
        save(p, sample->row, 1, v, f);
        save(p, sample->row, 2, v, g);
        save(p, sample->row, 3, v, o);
    }
}

static void lstm_forward(const fr_step *s, ptrdiff_t first, int n, ptrdiff_t v, const V *tile,
                         int columns, const V *inputs)
{
    (void)inputs;
    FOR_ACTIVATIONS(s->p->r, lstm_forward_, s, first, n, v, tile, columns);
}

/* dc_t gains dh·o·act'(c_t); then each gate's share, and dc_{t-1} = dc_t·f. */
static FR_INLINE void lstm_backward_(const int act, const int rec, const fr_step *s,
                                     const fr_sample *sample, ptrdiff_t v, REAL *dz)
{
    const fr_plan *p = s->p;
    const V i = load(saved_at(p, sample->row, 0, v));
    const V f = load(saved_at(p, sample->row, 1, v));
    const V g = load(saved_at(p, sample->row, 2, v));
    const V o = load(saved_at(p, sample->row, 3, v));
    const V c_prev = load(state_at(p, C_STATE, sample->row, v));
    V c = load(state_at(p, C_STATE, sample->next, v));
    if (p->state[C_STATE].zoneout) /* that is another one */
        c = fma_(f, c_prev, i * g);
    const V act_c = activate(act, c);
    const V dh = state_gradient(s, sample, H_STATE, v);
    const V dc = state_gradient(s, sample, C_STATE, v) + dh * o * derivative(act, act_c);
    put_state_gradient(s, sample, C_STATE, v, dc * f);
    put_state_gradient(s, sample, H_STATE, v, SPLAT(0));
    put_dz(p, dz, 0, v, dc * g * derivative(rec, i));
    put_dz(p, dz, 1, v, dc * c_prev * derivative(rec, f));
    put_dz(p, dz, 2, v, dc * i * derivative(act, g));
    put_dz(p, dz, 3, v, dh * act_c * derivative(rec, o));
}

static void lstm_backward(const fr_step *s, const fr_sample *sample, ptrdiff_t v, REAL *dz)
{
    FOR_ACTIVATIONS(s->p->r, lstm_backward_, s, sample, v, dz);
}

#endif
