/* LSTM with a projection (H, P): h_t = q·W_p, q = o·act(c_t). */
#ifndef FR_RNN_CELLS_PROJECTED_LSTM_H
#define FR_RNN_CELLS_PROJECTED_LSTM_H

#include "rnn/cells/lstm.h"

enum { PROJECTED_Q = 4 }; /* in `saved`, behind the gates */

static FR_INLINE void projected_lstm_forward_(const int act, const int rec, const fr_step *s,
                                              ptrdiff_t first, int n, ptrdiff_t v, const V *tile,
                                              int columns)
{
    for (int r = 0; r < n; r++) {
        const fr_sample *sample = &s->samples[first + r];
        const V q = lstm_step(act, rec, s, sample, v, tile + r * columns, NULL);
        save(s->p, sample->row, PROJECTED_Q, v, q);
    }
}

static void projected_lstm_forward(const fr_step *s, ptrdiff_t first, int n, ptrdiff_t v,
                                   const V *tile, int columns, const V *inputs)
{
    (void)inputs;
    FOR_ACTIVATIONS(s->p->r, projected_lstm_forward_, s, first, n, v, tile, columns);
}

static void projected_lstm_output(const fr_step *s, ptrdiff_t first, int n, ptrdiff_t v,
                                  const V *tile, int columns, const V *inputs)
{
    (void)inputs;
    for (int r = 0; r < n; r++)
        finish_h(s, &s->samples[first + r], v, tile[r * columns]);
}

/* d_inner is dq = dh·W_p^T. */
static FR_INLINE void projected_lstm_backward_(const int act, const int rec, const fr_step *s,
                                               const fr_sample *sample, ptrdiff_t v, REAL *dz)
{
    const fr_plan *p = s->p;
    const V dq = load(p->d_inner + sample->b * p->padded + v * LANES);
    lstm_step_back(act, rec, s, sample, v, dz, dq, NULL);
}

static void projected_lstm_backward(const fr_step *s, const fr_sample *sample, ptrdiff_t v,
                                    REAL *dz)
{
    FOR_ACTIVATIONS(s->p->r, projected_lstm_backward_, s, sample, v, dz);
}

#endif
