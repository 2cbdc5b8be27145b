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

typedef struct {
    V z, r, g, q_h;
} lng_gates;

/* The pre-activation of z or r, which is gate k. */
static FR_INLINE V lng_a(const fr_plan *p, int32_t row, int k, ptrdiff_t v)
{
    const V bias = own_weight(p, LNG_BIAS, k, v) + own_weight(p, LNG_BIAS, 3 + k, v);
    return scaled_sum(p, &lng_inputs, row, k, v, scaled_sum(p, &lng_recurrent, row, k, v, bias));
}

static FR_INLINE lng_gates lng_activate(const int act, const int rec, const fr_plan *p, int32_t row,
                                        ptrdiff_t v)
{
    const V z = activate(rec, lng_a(p, row, 0, v)), r = activate(rec, lng_a(p, row, 1, v));
    const V u_h = scaled_sum(p, &lng_inputs_h, row, 0, v, own_weight(p, LNG_BIAS, 2, v));
    const V q_h = scaled_sum(p, &lng_recurrent_h, row, 0, v, own_weight(p, LNG_BIAS, 5, v));
    return (lng_gates){z, r, activate(act, fma_(r, q_h, u_h)), q_h};
}

static FR_INLINE void layer_norm_gru_row_(const int act, const int rec, const fr_step *s,
                                          const fr_sample *sample)
{
    const fr_plan *p = s->p;
    const int32_t row = sample->row;
    group_statistics(p, &lng_inputs, row);
    group_statistics(p, &lng_inputs_h, row);
    group_statistics(p, &lng_recurrent, row);
    group_statistics(p, &lng_recurrent_h, row);
    for (ptrdiff_t v = 0; v < p->vectors; v++) {
        const lng_gates a = lng_activate(act, rec, p, row, v);
        finish_h(s, sample, v, gru_mix(a.z, load(state_at(p, H_STATE, row, v)), a.g));
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
    for (ptrdiff_t v = 0; v < p->vectors; v++) {
        const lng_gates a = lng_activate(act, rec, p, row, v);
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
