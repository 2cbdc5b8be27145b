/* SimpleRNN: h_t = act(a). */

static FR_INLINE void FN(simple_rnn_forward_)(const int act, const int rec, const FN(fr_step) * s,
                                              ptrdiff_t first_row, int n, ptrdiff_t v,
                                              const V *tile, int columns)
{
    (void)rec;
    for (int r = 0; r < n; r++)
        FN(finish_h)(s, &s->rows[first_row + r], v, FN(activate)(act, tile[r * columns]));
}

static void FN(simple_rnn_forward)(const FN(fr_step) * s, int phase, ptrdiff_t first_row, int n,
                                   ptrdiff_t v, const V *tile, int columns, const V *inputs)
{
    (void)phase, (void)inputs;
    FOR_ACTIVATIONS(s->p->r, FN(simple_rnn_forward_), s, first_row, n, v, tile, columns);
}

/* da = dh·act'(a) */
static void FN(simple_rnn_backward)(const FN(fr_step) * s, const FN(fr_row) * row, ptrdiff_t v,
                                    REAL *dz)
{
    const FN(fr_plan) *p = s->p;
    const V h = FN(load)(FN(h_at)(p, row->next, v));
    const V d = FN(output_gradient)(s, row, v) * FN(slope)(p->r->activation, h);
    FN(store)(p->dh + row->b * p->padded + v * LANES, SPLAT(0));
    FN(put_dz)(p, dz, 0, v, d);
}
