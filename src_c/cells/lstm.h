/* LSTM, gates i f c o: c_t = f·c_{t-1} + i·g with g = act(a_c), h_t = o·act(c_t). */

static FR_INLINE void FN(lstm_forward_)(const int act, const int rec, const FN(fr_step) * s,
                                        ptrdiff_t first_row, int n, ptrdiff_t v, const V *tile,
                                        int columns)
{
    const FN(fr_plan) *p = s->p;
    for (int r = 0; r < n; r++) {
        const FN(fr_row) *row = &s->rows[first_row + r];
        const V *a = tile + r * columns;
        const V i = FN(activate)(rec, a[0]), f = FN(activate)(rec, a[1]);
        const V g = FN(activate)(act, a[2]), o = FN(activate)(rec, a[3]);
        const V c = fma_(f, FN(load)(FN(c_at)(p, row->slot, v)), i * g);
        FN(store)(FN(c_at)(p, row->next, v), c);
        FN(finish_h)(s, row, v, o * FN(activate)(act, c));
        FN(save)(p, row->slot, 0, v, i);
        FN(save)(p, row->slot, 1, v, f);
        FN(save)(p, row->slot, 2, v, g);
        FN(save)(p, row->slot, 3, v, o);
    }
}

static void FN(lstm_forward)(const FN(fr_step) * s, int phase, ptrdiff_t first_row, int n,
                             ptrdiff_t v, const V *tile, int columns, const V *inputs)
{
    (void)phase, (void)inputs;
    FOR_ACTIVATIONS(s->p->r, FN(lstm_forward_), s, first_row, n, v, tile, columns);
}

/* dc_t gains dh·o·act'(c_t); then each gate's share, and dc_{t-1} = dc_t·f. */
static FR_INLINE void FN(lstm_backward_)(const int act, const int rec, const FN(fr_step) * s,
                                         const FN(fr_row) * row, ptrdiff_t v, REAL *dz)
{
    const FN(fr_plan) *p = s->p;
    const V i = FN(load)(FN(saved_at)(p, row->slot, 0, v));
    const V f = FN(load)(FN(saved_at)(p, row->slot, 1, v));
    const V g = FN(load)(FN(saved_at)(p, row->slot, 2, v));
    const V o = FN(load)(FN(saved_at)(p, row->slot, 3, v));
    const V c_prev = FN(load)(FN(c_at)(p, row->slot, v));
    const V act_c = FN(activate)(act, FN(load)(FN(c_at)(p, row->next, v)));
    REAL *dc_row = p->dc + row->b * p->padded + v * LANES;
    const V dh = FN(output_gradient)(s, row, v);
    const V dc = FN(load)(dc_row) + dh * o * FN(slope)(act, act_c);
    FN(store)(dc_row, dc * f);
    FN(store)(p->dh + row->b * p->padded + v * LANES, SPLAT(0));
    FN(put_dz)(p, dz, 0, v, dc * g * FN(slope)(rec, i));
    FN(put_dz)(p, dz, 1, v, dc * c_prev * FN(slope)(rec, f));
    FN(put_dz)(p, dz, 2, v, dc * i * FN(slope)(act, g));
    FN(put_dz)(p, dz, 3, v, dh * act_c * FN(slope)(rec, o));
}

static void FN(lstm_backward)(const FN(fr_step) * s, const FN(fr_row) * row, ptrdiff_t v, REAL *dz)
{
    FOR_ACTIVATIONS(s->p->r, FN(lstm_backward_), s, row, v, dz);
}
