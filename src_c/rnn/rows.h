/* Where the numbers of one row and one vector of units stand. */
#ifndef FR_RNN_ROWS_H
#define FR_RNN_ROWS_H

#include "math/elementary.h"
#include "rnn/plan.h"

/* Call function(activation, recurrent activation, …), which is inlined, once more for the usual two:
 * as constants, they leave no choice and keep the numbers of their formulas in registers. */
#define FOR_ACTIVATIONS(rnn, function, ...)                                                        \
    do {                                                                                           \
        if ((rnn)->activation == FR_TANH && (rnn)->recurrent_activation == FR_SIGMOID)             \
            function(FR_TANH, FR_SIGMOID, __VA_ARGS__);                                            \
        else                                                                                       \
            function((int)(rnn)->activation, (int)(rnn)->recurrent_activation, __VA_ARGS__);       \
    } while (0)

static FR_INLINE ptrdiff_t lanes_at(const fr_plan *p, ptrdiff_t v)
{
    return p->H - v * LANES;
}

static FR_INLINE REAL *h_at(const fr_plan *p, int32_t row, ptrdiff_t v)
{
    return p->h + row * p->h_stride + v * LANES;
}

static FR_INLINE REAL *c_at(const fr_plan *p, int32_t row, ptrdiff_t v)
{
    return p->c + row * p->padded + v * LANES;
}

static FR_INLINE REAL *saved_at(const fr_plan *p, int32_t row, int value, ptrdiff_t v)
{
    return p->saved + ((ptrdiff_t)row * p->cell->saved + value) * p->padded + v * LANES;
}

static FR_INLINE void save(const fr_plan *p, int32_t row, int value, ptrdiff_t v, V x)
{
    if (p->saved)
        store(saved_at(p, row, value, v), x);
}

static FR_INLINE REAL *input_row(const fr_plan *p, int32_t row, int gate_row)
{
    return p->A + row * p->a_stride + gate_row * p->gate_stride;
}

/* The multipliers of h for gate g. */
static FR_INLINE V recurrent_factors(const fr_plan *p, int g, int32_t b, ptrdiff_t v)
{
    const REAL *factors = p->r->recurrent_dropout;
    return load_part(factors + (g * p->B + b) * p->H + v * LANES, lanes_at(p, v));
}

/* h_t becomes the state that the row's next step reads, and the output. */
static FR_INLINE void finish_h(const fr_step *s, const fr_sample *sample, ptrdiff_t v, V h)
{
    const fr_plan *p = s->p;
    store(h_at(p, sample->next, v), h);
    if (p->r->return_sequences) {
        REAL *y = (REAL *)p->r->outputs + (sample->b * p->T + s->t) * p->H + v * LANES;
        store_part(y, h, lanes_at(p, v));
    }
}

/* dLoss/dh_t: what later steps handed back, and the gradient of the step's own output. */
static FR_INLINE V output_gradient(const fr_step *s, const fr_sample *sample, ptrdiff_t v)
{
    const fr_plan *p = s->p;
    const V dh = load(p->dh + sample->b * p->padded + v * LANES);
    if (!p->r->d_outputs || !p->r->return_sequences)
        return dh;
    const REAL *d = (const REAL *)p->r->d_outputs + (sample->b * p->T + s->t) * p->H + v * LANES;
    return dh + load_part(d, lanes_at(p, v));
}

static FR_INLINE void put_dz(const fr_plan *p, REAL *dz, int block, ptrdiff_t v, V d)
{
    store_part(dz + block * p->H + v * LANES, d, lanes_at(p, v));
}

#endif
