/* Where the numbers of one sample and one vector of units stand. */
#ifndef FR_RNN_ROWS_H
#define FR_RNN_ROWS_H

#include "math/elementary.h"
#include "rnn/spec.h"

/* Call function(activation, recurrent activation, …), which is inlined, once more for the usual two:
 * as constants, they leave no choice and keep the numbers of their formulas in registers. */
#define FOR_ACTIVATIONS(rnn, function, ...)                                                        \
    do {                                                                                           \
        if ((rnn)->activation == FR_TANH && (rnn)->recurrent_activation == FR_SIGMOID)             \
            function(FR_TANH, FR_SIGMOID, __VA_ARGS__);                                            \
        else                                                                                       \
            function((int)(rnn)->activation, (int)(rnn)->recurrent_activation, __VA_ARGS__);       \
    } while (0)

/* The states of every cell; h is the output. */
enum { H_STATE, C_STATE };

static FR_INLINE ptrdiff_t lanes_at(const fr_plan *p, ptrdiff_t v)
{
    return p->H - v * LANES;
}

/* x, and zeros beyond the last of the H units. */
static FR_INLINE V units_alone(const fr_plan *p, ptrdiff_t v, V x)
{
    const ptrdiff_t n = lanes_at(p, v);
    if (n >= LANES)
        return x;
    REAL numbers[FR_VECTOR_BYTES / sizeof(REAL)];
    store(numbers, x);
    return load_part(numbers, n);
}

static FR_INLINE REAL *state_at(const fr_plan *p, int k, int32_t row, ptrdiff_t v)
{
    return p->state[k].at + row * p->state[k].stride + v * LANES;
}

static FR_INLINE REAL *saved_at(const fr_plan *p, int32_t row, int value, ptrdiff_t v)
{
    return p->saved + ((ptrdiff_t)row * p->values + value) * p->padded + v * LANES;
}

static FR_INLINE void save(const fr_plan *p, int32_t row, int value, ptrdiff_t v, V x)
{
    if (p->saved)
        store(saved_at(p, row, value, v), x);
}

/* Numbers that the cell keeps for the row. */
static FR_INLINE REAL *numbers_at(const fr_plan *p, int32_t row)
{
    return p->numbers + (ptrdiff_t)row * p->cell->numbers;
}

static FR_INLINE REAL *input_row(const fr_plan *p, int32_t row, int gate_row)
{
    return p->A + row * p->a_stride + gate_row * p->gate_stride;
}

/* One vector of row `own_row` of the cell's own weight `weight`, of H numbers each; zeros for NULL. */
static FR_INLINE V own_weight(const fr_plan *p, int weight, int own_row, ptrdiff_t v)
{
    const REAL *w = p->r->weights[weight];
    return w ? load_part(w + own_row * p->H + v * LANES, lanes_at(p, v)) : SPLAT(0);
}

static FR_INLINE REAL *own_gradient_at(const fr_plan *p, int weight, int own_row, ptrdiff_t v)
{
    const int before = own_rows_before(p->cell, weight - p->cell->first_own);
    return p->d_own + (before + own_row) * p->padded + v * LANES;
}

/* The sums so far of the gradients of such numbers, of `rows` rows from `own_row` on. */
static FR_INLINE void load_own_gradients(const fr_plan *p, int weight, int own_row, const int rows,
                                         ptrdiff_t v, V *sums)
{
    FR_UNROLL
    for (int k = 0; k < rows; k++)
        sums[k] = load(own_gradient_at(p, weight, own_row + k, v));
}

static FR_INLINE void store_own_gradients(const fr_plan *p, int weight, int own_row, const int rows,
                                          ptrdiff_t v, const V *sums)
{
    FR_UNROLL
    for (int k = 0; k < rows; k++)
        store(own_gradient_at(p, weight, own_row + k, v), sums[k]);
}

/* The multipliers of h for gate g. */
static FR_INLINE V recurrent_factors(const fr_plan *p, int g, int32_t b, ptrdiff_t v)
{
    const REAL *factors = p->r->recurrent_dropout;
    return load_part(factors + (g * p->B + b) * p->P + v * LANES, p->P - v * LANES);
}

/* ---- zoneout ---- */

/* How much of the cell's new state is taken. */
static FR_INLINE V zoneout_factors(const fr_step *s, int k, int32_t b, ptrdiff_t v)
{
    const fr_plan *p = s->p;
    const REAL *factors = p->r->zoneout[k];
    const ptrdiff_t size = p->state[k].size;
    if (!factors)
        return SPLAT(1 - p->r->zoneout_rates[k]);
    return load_part(factors + (s->t * p->B + b) * size + v * LANES, size - v * LANES);
}

/* ---- states forward ---- */

/* The state that the sequence's next step reads, from what the cell gives. */
static FR_INLINE V finish_state(const fr_step *s, const fr_sample *sample, int k, ptrdiff_t v,
                                V next)
{
    const fr_plan *p = s->p;
    if (p->state[k].zoneout) {
        const V before = load(state_at(p, k, sample->row, v));
        const V taken = zoneout_factors(s, k, sample->b, v);
        next = fma_(taken, next, (SPLAT(1) - taken) * before);
    }
    store(state_at(p, k, sample->next, v), next);
    return next;
}

/* The first state, which is also the output. */
static FR_INLINE void finish_h(const fr_step *s, const fr_sample *sample, ptrdiff_t v, V next)
{
    const fr_plan *p = s->p;
    const V h = finish_state(s, sample, H_STATE, v, next);
    if (p->r->return_sequences) {
        REAL *y = (REAL *)p->r->outputs + (sample->b * p->T + s->t) * p->P + v * LANES;
        store_part(y, h, p->P - v * LANES);
    }
}

/* ---- states' gradients backward ---- */

/* dLoss/d(what the cell gave for state k): what later steps handed back, and for h the gradient of the
 * step's own output. To be asked for once in a step, before it is put. */
static FR_INLINE V state_gradient(const fr_step *s, const fr_sample *sample, int k, ptrdiff_t v)
{
    const fr_plan *p = s->p;
    const ptrdiff_t at = sample->b * p->state[k].padded + v * LANES;
    V d = load(p->state[k].gradient + at);
    if (k == H_STATE && p->r->d_outputs && p->r->return_sequences) {
        const REAL *from = (const REAL *)p->r->d_outputs + (sample->b * p->T + s->t) * p->P;
        d += load_part(from + v * LANES, p->P - v * LANES);
    }
    if (p->state[k].zoneout) {
        const V taken = zoneout_factors(s, k, sample->b, v) * d;
        store(p->state[k].direct + at, d - taken);
        return taken;
    }
    return d;
}

/* The gradient of the state before the step, but for what products add. */
static FR_INLINE void put_state_gradient(const fr_step *s, const fr_sample *sample, int k,
                                         ptrdiff_t v, V d)
{
    const fr_plan *p = s->p;
    const ptrdiff_t at = sample->b * p->state[k].padded + v * LANES;
    if (p->state[k].zoneout)
        d += load(p->state[k].direct + at);
    store(p->state[k].gradient + at, d);
}

static FR_INLINE void put_dz(const fr_plan *p, REAL *dz, int block, ptrdiff_t v, V d)
{
    store_part(dz + block * p->H + v * LANES, d, lanes_at(p, v));
}

/* Lanes beyond H are any numbers. */
static FR_INLINE V get_dz(const fr_plan *p, const REAL *dz, int block, ptrdiff_t v)
{
    return load(dz + block * p->H + v * LANES);
}

#endif
