/* LSTM, gates i f c o: c_t = f·c_{t-1} + i·g with g = act(a_c), h_t = o·act(c_t). */
#ifndef FR_RNN_CELLS_LSTM_H
#define FR_RNN_CELLS_LSTM_H

#include "rnn/rows.h"

/* o·act(c_t), of the gates' sums; c_t becomes the next state. Peepholes, a vector each for i, f and o
 * or NULL, let i and f see c_{t-1}, and o c_t. */
static FR_INLINE V lstm_step(const int act, const int rec, const fr_step *s,
                             const fr_sample *sample, ptrdiff_t v, const V *a, const V *peepholes)
{
    const fr_plan *p = s->p;
    const V c_prev = load(state_at(p, C_STATE, sample->row, v));
    V a_i = a[0], a_f = a[1], a_o = a[3];
    if (peepholes) {
        a_i = fma_(peepholes[0], c_prev, a_i);
        a_f = fma_(peepholes[1], c_prev, a_f);
    }
    const V i = activate(rec, a_i), f = activate(rec, a_f), g = activate(act, a[2]);
    const V c = fma_(f, c_prev, i * g);
    if (peepholes)
        a_o = fma_(peepholes[2], c, a_o);
    const V o = activate(rec, a_o);
    finish_state(s, sample, C_STATE, v, c);
    save(p, sample->row, 0, v, i);
    save(p, sample->row, 1, v, f);
    save(p, sample->row, 2, v, g);
    save(p, sample->row, 3, v, o);
    return o * activate(act, c);
}

static FR_INLINE void lstm_forward_(const int act, const int rec, const fr_step *s, ptrdiff_t first,
                                    int n, ptrdiff_t v, const V *tile, int columns)
{
    for (int r = 0; r < n; r++) {
        const fr_sample *sample = &s->samples[first + r];
        finish_h(s, sample, v, lstm_step(act, rec, s, sample, v, tile + r * columns, NULL));
    }
}

static void lstm_forward(const fr_step *s, ptrdiff_t first, int n, ptrdiff_t v, const V *tile,
                         int columns, const V *inputs)
{
    (void)inputs;
    FOR_ACTIVATIONS(s->p->r, lstm_forward_, s, first, n, v, tile, columns);
}

/* c_t of the workspace row, before zoneout; `next` is the row that its state went to. */
static FR_INLINE V lstm_c(const fr_plan *p, int32_t row, int32_t next, ptrdiff_t v)
{
    if (!p->state[C_STATE].zoneout)
        return load(state_at(p, C_STATE, next, v));
    const V i = load(saved_at(p, row, 0, v)), f = load(saved_at(p, row, 1, v));
    const V g = load(saved_at(p, row, 2, v));
    return fma_(f, load(state_at(p, C_STATE, row, v)), i * g);
}

/* dh, of o·act(c_t): dc_t gains dh·o·act'(c_t), and da_o·p_o; then each gate's share, and dc_{t-1} =
 * dc_t·f, and da_i·p_i + da_f·p_f. */
static FR_INLINE void lstm_step_back(const int act, const int rec, const fr_step *s,
                                     const fr_sample *sample, ptrdiff_t v, REAL *dz, V dh,
                                     const V *peepholes)
{
    const fr_plan *p = s->p;
    const V i = load(saved_at(p, sample->row, 0, v));
    const V f = load(saved_at(p, sample->row, 1, v));
    const V g = load(saved_at(p, sample->row, 2, v));
    const V o = load(saved_at(p, sample->row, 3, v));
    const V c_prev = load(state_at(p, C_STATE, sample->row, v));
    const V act_c = activate(act, lstm_c(p, sample->row, sample->next, v));
    const V da_o = dh * act_c * derivative(rec, o);
    V dc = state_gradient(s, sample, C_STATE, v) + dh * o * derivative(act, act_c);
    if (peepholes)
        dc = fma_(da_o, peepholes[2], dc);
    const V da_i = dc * g * derivative(rec, i), da_f = dc * c_prev * derivative(rec, f);
    V dc_prev = dc * f;
    if (peepholes)
        dc_prev = fma_(da_i, peepholes[0], fma_(da_f, peepholes[1], dc_prev));
    put_state_gradient(s, sample, C_STATE, v, dc_prev);
    put_dz(p, dz, 0, v, da_i);
    put_dz(p, dz, 1, v, da_f);
    put_dz(p, dz, 2, v, dc * i * derivative(act, g));
    put_dz(p, dz, 3, v, da_o);
}

static FR_INLINE void lstm_backward_(const int act, const int rec, const fr_step *s,
                                     const fr_sample *sample, ptrdiff_t v, REAL *dz)
{
    const V dh = state_gradient(s, sample, H_STATE, v);
    put_state_gradient(s, sample, H_STATE, v, SPLAT(0));
    lstm_step_back(act, rec, s, sample, v, dz, dh, NULL);
}

static void lstm_backward(const fr_step *s, const fr_sample *sample, ptrdiff_t v, REAL *dz)
{
    FOR_ACTIVATIONS(s->p->r, lstm_backward_, s, sample, v, dz);
}

#endif
