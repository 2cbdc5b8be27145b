/* GRU, gates z r h: h_t = z·h_{t-1} + (1 - z)·g, with g the candidate.
 *
 * Reset before the product: g = act(x·W_h + (r·h_{t-1})·U_h + b_h), a second phase of the step.
 * Reset after it: g = act(x·W_h + b_h + r·q), q = h_{t-1}·U_h + recurrent b_h.
 */

static FR_INLINE V FN(gru_mix)(V z, V h_prev, V g)
{
    return fma_(z, h_prev, (SPLAT(1) - z) * g);
}

static FR_INLINE void FN(gru_forward_)(const int act, const int rec, const FN(fr_step) * s,
                                       int phase, ptrdiff_t first_row, int n, ptrdiff_t v,
                                       const V *tile, int columns)
{
    const FN(fr_plan) *p = s->p;
    for (int i = 0; i < n; i++) {
        const FN(fr_row) *row = &s->rows[first_row + i];
        const V *a = tile + i * columns;
        const V h_prev = FN(load)(FN(h_at)(p, row->slot, v));
        if (phase == 0) {
            const V r = FN(activate)(rec, a[1]);
            V inner = r * h_prev;
            if (p->r->recurrent_dropout)
                inner *= FN(recurrent_factors)(p, 2, row->b, v);
            FN(store)(FN(sub_row)(p, row->slot, p->sub_rows - 1) + p->F + 1 + v * LANES, inner);
            FN(save)(p, row->slot, 0, v, FN(activate)(rec, a[0]));
            FN(save)(p, row->slot, 1, v, r);
        } else {
            const V z = FN(load)(FN(saved_at)(p, row->slot, 0, v));
            const V g = FN(activate)(act, a[0]);
            FN(save)(p, row->slot, 2, v, g);
            FN(finish_h)(s, row, v, FN(gru_mix)(z, h_prev, g));
        }
    }
}

static void FN(gru_forward)(const FN(fr_step) * s, int phase, ptrdiff_t first_row, int n,
                            ptrdiff_t v, const V *tile, int columns, const V *inputs)
{
    (void)inputs;
    FOR_ACTIVATIONS(s->p->r, FN(gru_forward_), s, phase, first_row, n, v, tile, columns);
}

static FR_INLINE void FN(gru_reset_after_forward_)(const int act, const int rec,
                                                   const FN(fr_step) * s, ptrdiff_t first_row,
                                                   int n, ptrdiff_t v, const V *tile, int columns,
                                                   const V *inputs)
{
    const FN(fr_plan) *p = s->p;
    for (int i = 0; i < n; i++) {
        const FN(fr_row) *row = &s->rows[first_row + i];
        const V *a = tile + i * columns;
        const V z = FN(activate)(rec, a[0]), r = FN(activate)(rec, a[1]), q = a[2];
        const V g = FN(activate)(act, fma_(r, q, inputs[i * columns + 2]));
        FN(finish_h)(s, row, v, FN(gru_mix)(z, FN(load)(FN(h_at)(p, row->slot, v)), g));
        FN(save)(p, row->slot, 0, v, z);
        FN(save)(p, row->slot, 1, v, r);
        FN(save)(p, row->slot, 2, v, g);
        FN(save)(p, row->slot, 3, v, q);
    }
}

static void FN(gru_reset_after_forward)(const FN(fr_step) * s, int phase, ptrdiff_t first_row,
                                        int n, ptrdiff_t v, const V *tile, int columns,
                                        const V *inputs)
{
    (void)phase;
    FOR_ACTIVATIONS(s->p->r, FN(gru_reset_after_forward_), s, first_row, n, v, tile, columns,
                    inputs);
}

/* dz and the candidate's dg; dh_{t-1} gains dh·z. r follows when d(r·h) is known: gru_reset. */
static void FN(gru_backward)(const FN(fr_step) * s, const FN(fr_row) * row, ptrdiff_t v, REAL *dz)
{
    const FN(fr_plan) *p = s->p;
    const V z = FN(load)(FN(saved_at)(p, row->slot, 0, v));
    const V g = FN(load)(FN(saved_at)(p, row->slot, 2, v));
    const V h_prev = FN(load)(FN(h_at)(p, row->slot, v));
    const V dh = FN(output_gradient)(s, row, v);
    FN(put_dz)(p, dz, 0, v, dh * (h_prev - g) * FN(slope)(p->r->recurrent_activation, z));
    FN(put_dz)(p, dz, 2, v, dh * (SPLAT(1) - z) * FN(slope)(p->r->activation, g));
    FN(store)(p->dh + row->b * p->padded + v * LANES, dh * z);
}

/* dinner = dLoss/d(r·h_{t-1}·dropout), which the product with U_h^T gave. */
static void FN(gru_reset_backward)(const FN(fr_plan) * p, const FN(fr_row) * row, ptrdiff_t v,
                                   REAL *dz)
{
    const V r = FN(load)(FN(saved_at)(p, row->slot, 1, v));
    const V h_prev = FN(load)(FN(h_at)(p, row->slot, v));
    REAL *dh = p->dh + row->b * p->padded + v * LANES;
    V dinner = FN(load)(p->dinner + row->b * p->padded + v * LANES);
    if (p->r->recurrent_dropout)
        dinner *= FN(recurrent_factors)(p, 2, row->b, v);
    FN(put_dz)(p, dz, 1, v, dinner * h_prev * FN(slope)(p->r->recurrent_activation, r));
    FN(store)(dh, FN(load)(dh) + dinner * r);
}

/* Blocks of dz: of q, then z, r and the candidate, so that both sides' gates stand together. */
static void FN(gru_reset_after_backward)(const FN(fr_step) * s, const FN(fr_row) * row, ptrdiff_t v,
                                         REAL *dz)
{
    const FN(fr_plan) *p = s->p;
    const int rec = p->r->recurrent_activation;
    const V z = FN(load)(FN(saved_at)(p, row->slot, 0, v));
    const V r = FN(load)(FN(saved_at)(p, row->slot, 1, v));
    const V g = FN(load)(FN(saved_at)(p, row->slot, 2, v));
    const V q = FN(load)(FN(saved_at)(p, row->slot, 3, v));
    const V h_prev = FN(load)(FN(h_at)(p, row->slot, v));
    const V dh = FN(output_gradient)(s, row, v);
    const V dg = dh * (SPLAT(1) - z) * FN(slope)(p->r->activation, g);
    FN(put_dz)(p, dz, 0, v, dg * r);
    FN(put_dz)(p, dz, 1, v, dh * (h_prev - g) * FN(slope)(rec, z));
    FN(put_dz)(p, dz, 2, v, dg * q * FN(slope)(rec, r));
    FN(put_dz)(p, dz, 3, v, dg);
    FN(store)(p->dh + row->b * p->padded + v * LANES, dh * z);
}
