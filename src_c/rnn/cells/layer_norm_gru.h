/* Layer-normalised GRU: u = LN(x·W)·gain_x + b and q = LN(h·U)·gain_h + recurrent b, where z and r are one
 * row of LN and the candidate another; z = rec(u_z + q_z), r = rec(u_r + q_r), g = act(u_h + r·q_h). */
#ifndef FR_RNN_CELLS_LAYER_NORM_GRU_H
#define FR_RNN_CELLS_LAYER_NORM_GRU_H

#include "rnn/cells/gru.h"
#include "rnn/cells/layer_norm.h"

enum { LNG_BIAS = FR_BIAS, LNG_INPUT_GAIN, LNG_RECURRENT_GAIN };
/* Statistics of a row: of the sums of z and r, and of the candidate's. */
enum { LNG_INPUTS, LNG_INPUTS_H, LNG_RECURRENT, LNG_RECURRENT_H, LNG_STATISTICS };
enum { LNG_SAVED = 6 };
/* Blocks of dz: 3 of h·U, 3 of x·W, 3 of u, and that of q_h; those of q_z and q_r are those of u. */
enum { LNG_D_RECURRENT, LNG_D_INPUTS = 3, LNG_DU = 6, LNG_DU_H = 8, LNG_DQ_H, LNG_BLOCKS };

static const fr_norm_group lng_inputs = {0, 2, 0, LNG_INPUTS, LNG_INPUT_GAIN, LNG_DU, LNG_D_INPUTS};
static const fr_norm_group lng_inputs_h = {
    2, 1, 2, LNG_INPUTS_H, LNG_INPUT_GAIN, LNG_DU_H, LNG_D_INPUTS + 2};
static const fr_norm_group lng_recurrent = {
    0, 2, 3, LNG_RECURRENT, LNG_RECURRENT_GAIN, LNG_DU, LNG_D_RECURRENT};
static const fr_norm_group lng_recurrent_h = {
    2, 1, 5, LNG_RECURRENT_H, LNG_RECURRENT_GAIN, LNG_DQ_H, LNG_D_RECURRENT + 2};

/* The rows of a step, and its gates. */
typedef struct {
    fr_norm_row inputs, inputs_h, recurrent, recurrent_h;
} lng_rows;

typedef struct {
    V z, r, g, q_h;
} lng_gates;

static FR_INLINE lng_rows lng_rows_of(const fr_plan *p, int32_t row)
{
    const REAL *bias = p->r->weights[LNG_BIAS];
    const ptrdiff_t H = p->H;
    return (lng_rows){
        group_row(p, &lng_inputs, row, bias),
        group_row(p, &lng_inputs_h, row, bias ? bias + 2 * H : NULL),
        group_row(p, &lng_recurrent, row, bias ? bias + 3 * H : NULL),
        group_row(p, &lng_recurrent_h, row, bias ? bias + 5 * H : NULL),
    };
}

static FR_INLINE lng_gates lng_activate(const int act, const int rec, const lng_rows *n,
                                        ptrdiff_t v)
{
    const V z = activate(rec, scaled(&n->inputs, 0, v) + scaled(&n->recurrent, 0, v));
    const V r = activate(rec, scaled(&n->inputs, 1, v) + scaled(&n->recurrent, 1, v));
    const V q_h = scaled(&n->recurrent_h, 0, v);
    return (lng_gates){z, r, activate(act, fma_(r, q_h, scaled(&n->inputs_h, 0, v))), q_h};
}

static FR_INLINE void layer_norm_gru_row_(const int act, const int rec, const fr_step *s,
                                          const fr_sample *sample)
{
    const fr_plan *p = s->p;
    const int32_t row = sample->row;
    const ptrdiff_t vectors = p->vectors;
    group_statistics(p, &lng_inputs, row);
    group_statistics(p, &lng_inputs_h, row);
    group_statistics(p, &lng_recurrent, row);
    group_statistics(p, &lng_recurrent_h, row);
    const lng_rows rows = lng_rows_of(p, row);
    const REAL *h_prev = state_at(p, H_STATE, row, 0);
    for (ptrdiff_t v = 0; v < vectors; v++) {
        const lng_gates a = lng_activate(act, rec, &rows, v);
        finish_h(s, sample, v, gru_mix(a.z, load(h_prev + v * LANES), a.g));
    }
}

static void layer_norm_gru_row(const fr_step *s, const fr_sample *sample)
{
    FOR_ACTIVATIONS(s->p->r, layer_norm_gru_row_, s, sample);
}

static FR_INLINE void layer_norm_gru_row_back_(const int act, const int rec, const fr_step *s,
                                               const fr_sample *sample, REAL *dz)
{
    const fr_plan *p = s->p;
    const int32_t row = sample->row;
    const ptrdiff_t vectors = p->vectors;
    const lng_rows rows = lng_rows_of(p, row);
    for (ptrdiff_t v = 0; v < vectors; v++) {
        const lng_gates a = lng_activate(act, rec, &rows, v);
        const V h_prev = load(state_at(p, H_STATE, row, v));
        const V dh = state_gradient(s, sample, H_STATE, v);
        const V du_h = dh * (SPLAT(1) - a.z) * derivative(act, a.g);
        put_state_gradient(s, sample, H_STATE, v, dh * a.z);
        put_dz(p, dz, LNG_DU + 0, v, dh * (h_prev - a.g) * derivative(rec, a.z));
        put_dz(p, dz, LNG_DU + 1, v, du_h * a.q_h * derivative(rec, a.r));
        put_dz(p, dz, LNG_DU_H, v, du_h);
        put_dz(p, dz, LNG_DQ_H, v, du_h * a.r);
    }
    group_back(p, &lng_inputs, row, dz);
    group_back(p, &lng_inputs_h, row, dz);
    group_back(p, &lng_recurrent, row, dz);
    group_back(p, &lng_recurrent_h, row, dz);
}

static void layer_norm_gru_row_back(const fr_step *s, const fr_sample *sample, REAL *dz)
{
    FOR_ACTIVATIONS(s->p->r, layer_norm_gru_row_back_, s, sample, dz);
}

static void layer_norm_gru_gradients(const fr_plan *p, ptrdiff_t first, ptrdiff_t last,
                                     const REAL *dz, ptrdiff_t v)
{
    add_bias_gradients(p, LNG_BIAS, 0, 3, LNG_DU, last - first, dz, v);
    add_bias_gradients(p, LNG_BIAS, 3, 2, LNG_DU, last - first, dz, v);
    add_bias_gradients(p, LNG_BIAS, 5, 1, LNG_DQ_H, last - first, dz, v);
    add_gain_gradients(p, &lng_inputs, first, last, dz, v);
    add_gain_gradients(p, &lng_inputs_h, first, last, dz, v);
    add_gain_gradients(p, &lng_recurrent, first, last, dz, v);
    add_gain_gradients(p, &lng_recurrent_h, first, last, dz, v);
}

#endif
