/* LSTM with peepholes (3, H): a_i += p_i·c_{t-1}, a_f += p_f·c_{t-1}, a_o += p_o·c_t. */
#ifndef FR_RNN_CELLS_PEEPHOLE_LSTM_H
#define FR_RNN_CELLS_PEEPHOLE_LSTM_H

#include "rnn/cells/lstm.h"

enum { PEEPHOLES = 3 };

static FR_INLINE void load_peepholes(const fr_plan *p, ptrdiff_t v, V *peepholes)
{
    for (int k = 0; k < PEEPHOLES; k++)
        peepholes[k] = own_weight(p, FR_OWN_WEIGHTS, k, v);
}

static FR_INLINE void peephole_lstm_forward_(const int act, const int rec, const fr_step *s,
                                             ptrdiff_t first, int n, ptrdiff_t v, const V *tile,
                                             int columns)
{
    V peepholes[PEEPHOLES];
    load_peepholes(s->p, v, peepholes);
    for (int r = 0; r < n; r++) {
        const fr_sample *sample = &s->samples[first + r];
        finish_h(s, sample, v, lstm_step(act, rec, s, sample, v, tile + r * columns, peepholes));
    }
}

static void peephole_lstm_forward(const fr_step *s, ptrdiff_t first, int n, ptrdiff_t v,
                                  const V *tile, int columns, const V *inputs)
{
    (void)inputs;
    FOR_ACTIVATIONS(s->p->r, peephole_lstm_forward_, s, first, n, v, tile, columns);
}

static FR_INLINE void peephole_lstm_backward_(const int act, const int rec, const fr_step *s,
                                              const fr_sample *sample, ptrdiff_t v, REAL *dz)
{
    V peepholes[PEEPHOLES];
    load_peepholes(s->p, v, peepholes);
    const V dh = state_gradient(s, sample, H_STATE, v);
    put_state_gradient(s, sample, H_STATE, v, SPLAT(0));
    lstm_step_back(act, rec, s, sample, v, dz, dh, peepholes);
}

static void peephole_lstm_backward(const fr_step *s, const fr_sample *sample, ptrdiff_t v, REAL *dz)
{
    FOR_ACTIVATIONS(s->p->r, peephole_lstm_backward_, s, sample, v, dz);
}

/* dp_i += da_i·c_{t-1}, dp_f += da_f·c_{t-1}, dp_o += da_o·c_t */
static void peephole_gradients(const fr_plan *p, ptrdiff_t first, ptrdiff_t last, const REAL *dz,
                               ptrdiff_t v)
{
    V sums[PEEPHOLES];
    load_own_gradients(p, FR_OWN_WEIGHTS, 0, PEEPHOLES, v, sums);
    for (ptrdiff_t row = first; row < last; row++, dz += p->d_stride) {
        const V c_prev = load(state_at(p, C_STATE, (int32_t)row, v));
        const V c = lstm_c(p, (int32_t)row, p->next[row], v);
        sums[0] = fma_(get_dz(p, dz, 0, v), c_prev, sums[0]);
        sums[1] = fma_(get_dz(p, dz, 1, v), c_prev, sums[1]);
        sums[2] = fma_(get_dz(p, dz, 3, v), c, sums[2]);
    }
    store_own_gradients(p, FR_OWN_WEIGHTS, 0, PEEPHOLES, v, sums);
}

#endif
