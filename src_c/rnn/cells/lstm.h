/* LSTM, gates i f c o: c_t = f·c_{t-1} + i·g with g = act(a_c), h_t = o·act(c_t). */
#ifndef FR_RNN_CELLS_LSTM_H
#define FR_RNN_CELLS_LSTM_H

#include "rnn/rows.h"

static FR_INLINE void lstm_forward_(const int act, const int rec, const fr_step *s,
                                    ptrdiff_t first_row, int n, ptrdiff_t v, const V *tile,
                                    int columns)
{
    const fr_plan *p = s->p;
    for (int r = 0; r < n; r++) {
        const fr_sample *sample = &s->rows[first_row + r];
        const V *a = tile + r * columns;
        const V i = activate(rec, a[0]), f = activate(rec, a[1]);
        const V g = activate(act, a[2]), o = activate(rec, a[3]);
        const V c = fma_(f, load(c_at(p, sample->row, v)), i * g);
        store(c_at(p, sample->next, v), c);
        finish_h(s, sample, v, o * activate(act, c));
        save(p, sample->row, 0, v, i);
        save(p, sample->row, 1, v, f);
        save(p, sample->row, 2, v, g);
        save(p, sample->row, 3, v, o);
    }
}

static void lstm_forward(const fr_step *s, int phase, ptrdiff_t first_row, int n, ptrdiff_t v,
                         const V *tile, int columns, const V *inputs)
{
    (void)phase, (void)inputs;
    FOR_ACTIVATIONS(s->p->r, lstm_forward_, s, first_row, n, v, tile, columns);
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
    const V c_prev = load(c_at(p, sample->row, v));
    const V act_c = activate(act, load(c_at(p, sample->next, v)));
    REAL *dc_row = p->dc + sample->b * p->padded + v * LANES;
    const V dh = output_gradient(s, sample, v);
    const V dc = load(dc_row) + dh * o * derivative(act, act_c);
    store(dc_row, dc * f);
    store(p->dh + sample->b * p->padded + v * LANES, SPLAT(0));
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
