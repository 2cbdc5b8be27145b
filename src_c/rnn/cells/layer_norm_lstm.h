/* Layer-normalised LSTM: a = LN(x·W)·gain_x + LN(h·U)·gain_h + b, each LN over all 4·H sums; then as the
 * LSTM, but h_t = o·act(m_t), m_t = LN(c_t)·gain_c + b_c. */
#ifndef FR_RNN_CELLS_LAYER_NORM_LSTM_H
#define FR_RNN_CELLS_LAYER_NORM_LSTM_H

#include "rnn/cells/layer_norm.h"

enum { LNL_BIAS = FR_BIAS, LNL_INPUT_GAIN, LNL_RECURRENT_GAIN, LNL_STATE_GAIN, LNL_STATE_BIAS };
/* Statistics of a row; and what it saves behind the sums, LNL_C with zoneout alone. */
enum { LNL_INPUTS, LNL_RECURRENT, LNL_STATE, LNL_STATISTICS };
enum { LNL_O = 8, LNL_C, LNL_SAVED = LNL_C };
/* Blocks of dz: 4 of h·U, 4 of x·W, 4 of a, and that of m. */
enum { LNL_D_RECURRENT, LNL_D_INPUTS = 4, LNL_DA = 8, LNL_DM = 12, LNL_BLOCKS };

static const fr_norm_group lnl_inputs = {0, 4, 0, LNL_INPUTS, LNL_INPUT_GAIN, LNL_DA, LNL_D_INPUTS};
static const fr_norm_group lnl_recurrent = {
    0, 4, 4, LNL_RECURRENT, LNL_RECURRENT_GAIN, LNL_DA, LNL_D_RECURRENT};

/* c_t before zoneout; the whole row of it begins at v = 0. */
static FR_INLINE REAL *lnl_c_at(const fr_plan *p, int32_t row, int32_t next, ptrdiff_t v)
{
    return p->state[C_STATE].zoneout ? saved_at(p, row, LNL_C, v) : state_at(p, C_STATE, next, v);
}

/* m_t is LN(c_t)·gain_c + b_c. */
static FR_INLINE fr_norm_row lnl_state_row(const fr_plan *p, int32_t row, int32_t next)
{
    return norm_row(p, &statistics_at(p, row)[LNL_STATE], lnl_c_at(p, row, next, 0),
                    p->r->weights[LNL_STATE_GAIN], p->r->weights[LNL_STATE_BIAS]);
}

static FR_INLINE void layer_norm_lstm_row_(const int act, const int rec, const fr_step *s,
                                           const fr_sample *sample)
{
    const fr_plan *p = s->p;
    const int32_t row = sample->row, next = sample->next;
    const ptrdiff_t vectors = p->vectors;
    group_statistics(p, &lnl_inputs, row);
    group_statistics(p, &lnl_recurrent, row);
    const fr_norm_row x = group_row(p, &lnl_inputs, row, p->r->weights[LNL_BIAS]);
    const fr_norm_row h = group_row(p, &lnl_recurrent, row, NULL);
    const REAL *c_prev = state_at(p, C_STATE, row, 0);
    REAL *saved_o = saved_at(p, row, LNL_O, 0);
    for (ptrdiff_t v = 0; v < vectors; v++) {
        const V i = activate(rec, scaled(&x, 0, v) + scaled(&h, 0, v));
        const V f = activate(rec, scaled(&x, 1, v) + scaled(&h, 1, v));
        const V g = activate(act, scaled(&x, 2, v) + scaled(&h, 2, v));
        const V c = fma_(f, load(c_prev + v * LANES), i * g);
        store(saved_o + v * LANES, activate(rec, scaled(&x, 3, v) + scaled(&h, 3, v)));
        if (p->state[C_STATE].zoneout)
            save(p, row, LNL_C, v, c);
        finish_state(s, sample, C_STATE, v, c);
    }
    statistics_at(p, row)[LNL_STATE] = row_statistics(p, lnl_c_at(p, row, next, 0), 1);
    const fr_norm_row m = lnl_state_row(p, row, next);
    for (ptrdiff_t v = 0; v < vectors; v++)
        finish_h(s, sample, v, load(saved_o + v * LANES) * activate(act, scaled(&m, 0, v)));
}

static void layer_norm_lstm_row(const fr_step *s, const fr_sample *sample)
{
    FOR_ACTIVATIONS(s->p->r, layer_norm_lstm_row_, s, sample);
}

/* dm and da_o; the means that LN(c_t) needs. */
static FR_INLINE fr_norm_means lnl_output_back(const int act, const int rec, const fr_step *s,
                                               const fr_sample *sample, REAL *dz)
{
    const fr_plan *p = s->p;
    const fr_norm_row m = lnl_state_row(p, sample->row, sample->next);
    const REAL *saved_o = saved_at(p, sample->row, LNL_O, 0);
    const ptrdiff_t vectors = p->vectors;
    V all_d = SPLAT(0), all_dn = SPLAT(0);
    for (ptrdiff_t v = 0; v < vectors; v++) {
        const V n = normalized(&m, 0, v), gain = part_of_gain(&m, 0, v);
        const V act_m = activate(act, fma_(n, gain, part_of_bias(&m, 0, v)));
        const V o = load(saved_o + v * LANES), dh = state_gradient(s, sample, H_STATE, v);
        const V dm = dh * o * derivative(act, act_m), dn = units_alone(p, v, dm * gain);
        put_state_gradient(s, sample, H_STATE, v, SPLAT(0));
        put_dz(p, dz, LNL_DM, v, dm);
        put_dz(p, dz, LNL_DA + 3, v, dh * act_m * derivative(rec, o));
        all_d += dn;
        all_dn = fma_(dn, n, all_dn);
    }
    return (fr_norm_means){sum_of_lanes(all_d) / (REAL)p->H, sum_of_lanes(all_dn) / (REAL)p->H};
}

/* dc_t gains what comes back through LN(c_t); then da_i, da_f, da_g and dc_{t-1}. */
static FR_INLINE void lnl_state_back(const int act, const int rec, const fr_step *s,
                                     const fr_sample *sample, REAL *dz, fr_norm_means means)
{
    const fr_plan *p = s->p;
    const int32_t row = sample->row;
    const ptrdiff_t vectors = p->vectors;
    const fr_norm_row x = group_row(p, &lnl_inputs, row, p->r->weights[LNL_BIAS]);
    const fr_norm_row h = group_row(p, &lnl_recurrent, row, NULL);
    const fr_norm_row m = lnl_state_row(p, row, sample->next);
    const REAL *before = state_at(p, C_STATE, row, 0);
    for (ptrdiff_t v = 0; v < vectors; v++) {
        const V dn = get_dz(p, dz, LNL_DM, v) * part_of_gain(&m, 0, v);
        const V through = norm_back(&m, means, dn, normalized(&m, 0, v));
        const V dc = units_alone(p, v, state_gradient(s, sample, C_STATE, v) + through);
        const V i = activate(rec, scaled(&x, 0, v) + scaled(&h, 0, v));
        const V f = activate(rec, scaled(&x, 1, v) + scaled(&h, 1, v));
        const V g = activate(act, scaled(&x, 2, v) + scaled(&h, 2, v));
        const V c_prev = load(before + v * LANES);
        put_state_gradient(s, sample, C_STATE, v, dc * f);
        put_dz(p, dz, LNL_DA + 0, v, dc * g * derivative(rec, i));
        put_dz(p, dz, LNL_DA + 1, v, dc * c_prev * derivative(rec, f));
        put_dz(p, dz, LNL_DA + 2, v, dc * i * derivative(act, g));
    }
}

static FR_INLINE void layer_norm_lstm_row_back_(const int act, const int rec, const fr_step *s,
                                                const fr_sample *sample, REAL *dz)
{
    const fr_norm_means means = lnl_output_back(act, rec, s, sample, dz);
    lnl_state_back(act, rec, s, sample, dz, means);
    group_back(s->p, &lnl_inputs, sample->row, dz);
    group_back(s->p, &lnl_recurrent, sample->row, dz);
}

static void layer_norm_lstm_row_back(const fr_step *s, const fr_sample *sample, REAL *dz)
{
    FOR_ACTIVATIONS(s->p->r, layer_norm_lstm_row_back_, s, sample, dz);
}

static void layer_norm_lstm_gradients(const fr_plan *p, ptrdiff_t first, ptrdiff_t last,
                                      const REAL *dz, ptrdiff_t v)
{
    add_bias_gradients(p, LNL_BIAS, 0, 4, LNL_DA, last - first, dz, v);
    add_gain_gradients(p, &lnl_inputs, first, last, dz, v);
    add_gain_gradients(p, &lnl_recurrent, first, last, dz, v);
    add_bias_gradients(p, LNL_STATE_BIAS, 0, 1, LNL_DM, last - first, dz, v);
    V sum;
    load_own_gradients(p, LNL_STATE_GAIN, 0, 1, v, &sum);
    for (ptrdiff_t row = first; row < last; row++, dz += p->d_stride) {
        const fr_norm_row m = lnl_state_row(p, (int32_t)row, p->next[row]);
        sum = fma_(get_dz(p, dz, LNL_DM, v), normalized(&m, 0, v), sum);
    }
    store_own_gradients(p, LNL_STATE_GAIN, 0, 1, v, &sum);
}

#endif
