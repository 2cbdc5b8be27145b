/* SimpleRNN: h_t = act(a). */
#ifndef FR_RNN_CELLS_SIMPLE_RNN_H
#define FR_RNN_CELLS_SIMPLE_RNN_H

#include "rnn/rows.h"

static FR_INLINE void simple_rnn_forward_(const int act, const int rec, const fr_step *s,
                                          ptrdiff_t first_row, int n, ptrdiff_t v, const V *tile,
                                          int columns)
{
    (void)rec;
    for (int r = 0; r < n; r++)
        finish_h(s, &s->rows[first_row + r], v, activate(act, tile[r * columns]));
}

static void simple_rnn_forward(const fr_step *s, int phase, ptrdiff_t first_row, int n, ptrdiff_t v,
                               const V *tile, int columns, const V *inputs)
{
    (void)phase, (void)inputs;
    FOR_ACTIVATIONS(s->p->r, simple_rnn_forward_, s, first_row, n, v, tile, columns);
}

/* da = dh·act'(a) */
static void simple_rnn_backward(const fr_step *s, const fr_sample *sample, ptrdiff_t v, REAL *dz)
{
    const fr_plan *p = s->p;
    const V h = load(h_at(p, sample->next, v));
    const V d = output_gradient(s, sample, v) * derivative(p->r->activation, h);
    store(p->dh + sample->b * p->padded + v * LANES, SPLAT(0));
    put_dz(p, dz, 0, v, d);
}

#endif
