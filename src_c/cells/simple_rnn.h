/* SimpleRNN: h_t = act(a). */

static void FN(simple_rnn_forward)(const FN(fr_step) * s, int phase, ptrdiff_t first_row, int n,
                                   ptrdiff_t v, const V *tile, int columns, const V *inputs)
{
    (void)phase, (void)inputs;
    for (int r = 0; r < n; r++) {
        const V h = FN(activate)(s->p->r->activation, tile[r * columns]);
        FN(finish_h)(s, &s->rows[first_row + r], v, h);
    }
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
