/* SimpleRNN: h_t = act(a). */
#ifndef FR_RNN_CELLS_SIMPLE_RNN_H
#define FR_RNN_CELLS_SIMPLE_RNN_H

#include "rnn/rows.h"

static FR_INLINE void simple_rnn_forward_(const int act, const int rec, const fr_step *s,
                                          ptrdiff_t first, int n, ptrdiff_t v, const V *tile,
                                          int columns)
{
    (void)rec;
    for (int r = 0; r < n; r++) {
        const fr_sample *sample = &s->samples[first + r];
        const V h = activate(act, tile[r * columns]);
        finish_h(s, sample, v, h);
        if (s->p->state[H_STATE].zoneout)
            save(s->p, sample->row, 0, v, h);
    }
}

static void simple_rnn_forward(const fr_step *s, ptrdiff_t first, int n, ptrdiff_t v, const V *tile,
                               int columns, const V *inputs)
{
    (void)inputs;
    FOR_ACTIVATIONS(s->p->r, simple_rnn_forward_, s, first, n, v, tile, columns);
}

/* da = dh·act'(a) */
static void simple_rnn_backward(const fr_step *s, const fr_sample *sample, ptrdiff_t v, REAL *dz)
{
    const fr_plan *p = s->p;
    const V h = p->state[H_STATE].zoneout ? load(saved_at(p, sample->row, 0, v))
                                          : load(state_at(p, H_STATE, sample->next, v));
    const V d = state_gradient(s, sample, H_STATE, v) * derivative(p->r->activation, h);
    put_state_gradient(s, sample, H_STATE, v, SPLAT(0));
    put_dz(p, dz, 0, v, d);
}

#endif
