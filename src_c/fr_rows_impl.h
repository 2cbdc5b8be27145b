/* Where the numbers of one row and one vector of units stand. */

/* Call function(activation, recurrent activation, …), which is inlined, once more for the usual two:
 * as constants, they leave no choice and keep the numbers of their formulas in registers. */
#define FOR_ACTIVATIONS(rnn, function, ...)                                                        \
    do {                                                                                           \
        if ((rnn)->activation == FR_TANH && (rnn)->recurrent_activation == FR_SIGMOID)             \
            function(FR_TANH, FR_SIGMOID, __VA_ARGS__);                                            \
        else                                                                                       \
            function((int)(rnn)->activation, (int)(rnn)->recurrent_activation, __VA_ARGS__);       \
    } while (0)

static FR_INLINE ptrdiff_t FN(lanes_at)(const FN(fr_plan) * p, ptrdiff_t v)
{
    return p->H - v * LANES;
}

static FR_INLINE REAL *FN(h_at)(const FN(fr_plan) * p, int32_t slot, ptrdiff_t v)
{
    return p->h + slot * p->h_stride + v * LANES;
}

static FR_INLINE REAL *FN(c_at)(const FN(fr_plan) * p, int32_t slot, ptrdiff_t v)
{
    return p->c + slot * p->padded + v * LANES;
}

static FR_INLINE REAL *FN(saved_at)(const FN(fr_plan) * p, int32_t slot, int value, ptrdiff_t v)
{
    return p->saved + ((ptrdiff_t)slot * p->cell->saved + value) * p->padded + v * LANES;
}

static FR_INLINE void FN(save)(const FN(fr_plan) * p, int32_t slot, int value, ptrdiff_t v, V x)
{
    if (p->saved)
        FN(store)(FN(saved_at)(p, slot, value, v), x);
}

static FR_INLINE REAL *FN(sub_row)(const FN(fr_plan) * p, int32_t slot, int sub_row)
{
    return p->A + slot * p->a_stride + sub_row * p->gate_stride;
}

/* The multipliers of h for gate g. */
static FR_INLINE V FN(recurrent_factors)(const FN(fr_plan) * p, int g, int32_t b, ptrdiff_t v)
{
    const REAL *factors = p->r->recurrent_dropout;
    return FN(load_part)(factors + (g * p->B + b) * p->H + v * LANES, FN(lanes_at)(p, v));
}

/* h_t becomes the state that the row's next step reads, and the output. */
static FR_INLINE void FN(finish_h)(const FN(fr_step) * s, const FN(fr_row) * row, ptrdiff_t v, V h)
{
    const FN(fr_plan) *p = s->p;
    FN(store)(FN(h_at)(p, row->next, v), h);
    if (p->r->return_sequences) {
        REAL *y = (REAL *)p->r->outputs + (row->b * p->T + s->t) * p->H + v * LANES;
        FN(store_part)(y, h, FN(lanes_at)(p, v));
    }
}

/* dLoss/dh_t: what later steps handed back, and the gradient of the step's own output. */
static FR_INLINE V FN(output_gradient)(const FN(fr_step) * s, const FN(fr_row) * row, ptrdiff_t v)
{
    const FN(fr_plan) *p = s->p;
    const V dh = FN(load)(p->dh + row->b * p->padded + v * LANES);
    if (!p->r->d_outputs || !p->r->return_sequences)
        return dh;
    const REAL *d = (const REAL *)p->r->d_outputs + (row->b * p->T + s->t) * p->H + v * LANES;
    return dh + FN(load_part)(d, FN(lanes_at)(p, v));
}

static FR_INLINE void FN(put_dz)(const FN(fr_plan) * p, REAL *dz, int block, ptrdiff_t v, V d)
{
    FN(store_part)(dz + block * p->H + v * LANES, d, FN(lanes_at)(p, v));
}
