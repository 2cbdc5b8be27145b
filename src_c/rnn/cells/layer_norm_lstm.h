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

/* LN(c_t) */
static FR_INLINE V lnl_normalized_c(const fr_plan *p, int32_t row, int32_t next, ptrdiff_t v)
{
    return normalized(&statistics_at(p, row)[LNL_STATE], load(lnl_c_at(p, row, next, v)));
}

static FR_INLINE V lnl_m(const fr_plan *p, V n, ptrdiff_t v)
{
    return fma_(n, own_weight(p, LNL_STATE_GAIN, 0, v), own_weight(p, LNL_STATE_BIAS, 0, v));
}

/* The pre-activation of gate g. */
static FR_INLINE V lnl_a(const fr_plan *p, int32_t row, int g, ptrdiff_t v)
{
    const V h = scaled_sum(p, &lnl_recurrent, row, g, v, own_weight(p, LNL_BIAS, g, v));
    return scaled_sum(p, &lnl_inputs, row, g, v, h);
}

static FR_INLINE void layer_norm_lstm_row_(const int act, const int rec, const fr_step *s,
                                           const fr_sample *sample)
{
    const fr_plan *p = s->p;
    const int32_t row = sample->row, next = sample->next;
    group_statistics(p, &lnl_inputs, row);
    group_statistics(p, &lnl_recurrent, row);
    for (ptrdiff_t v = 0; v < p->vectors; v++) {
        const V i = activate(rec, lnl_a(p, row, 0, v)), f = activate(rec, lnl_a(p, row, 1, v));
        const V g = activate(act, lnl_a(p, row, 2, v)), o = activate(rec, lnl_a(p, row, 3, v));
        const V c = fma_(f, load(state_at(p, C_STATE, row, v)), i * g);
        save(p, row, LNL_O, v, o);
        if (p->state[C_STATE].zoneout)
            save(p, row, LNL_C, v, c);
        finish_state(s, sample, C_STATE, v, c);
    }
    statistics_at(p, row)[LNL_STATE] = row_statistics(p, lnl_c_at(p, row, next, 0), 1);
    for (ptrdiff_t v = 0; v < p->vectors; v++) {
        const V m = lnl_m(p, lnl_normalized_c(p, row, next, v), v);
        finish_h(s, sample, v, load(saved_at(p, row, LNL_O, v)) * activate(act, m));
    }
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
    V d_sum = SPLAT(0), dn_sum = SPLAT(0);
    for (ptrdiff_t v = 0; v < p->vectors; v++) {
        const V n = lnl_normalized_c(p, sample->row, sample->next, v);
        const V act_m = activate(act, lnl_m(p, n, v)), o = load(saved_at(p, sample->row, LNL_O, v));
        const V dh = state_gradient(s, sample, H_STATE, v);
        const V dm = dh * o * derivative(act, act_m);
        const V dn = units_alone(p, v, dm * own_weight(p, LNL_STATE_GAIN, 0, v));
        put_state_gradient(s, sample, H_STATE, v, SPLAT(0));
        put_dz(p, dz, LNL_DM, v, dm);
        put_dz(p, dz, LNL_DA + 3, v, dh * act_m * derivative(rec, o));
        d_sum += dn;
        dn_sum = fma_(dn, n, dn_sum);
    }
    return (fr_norm_means){sum_of_lanes(d_sum) / (REAL)p->H, sum_of_lanes(dn_sum) / (REAL)p->H};
}

/* dc_t gains what comes back through LN(c_t); then da_i, da_f, da_g and dc_{t-1}. */
static FR_INLINE void lnl_state_back(const int act, const int rec, const fr_step *s,
                                     const fr_sample *sample, REAL *dz, fr_norm_means means)
{
    const fr_plan *p = s->p;
    const int32_t row = sample->row;
    const fr_statistics *statistics = &statistics_at(p, row)[LNL_STATE];
    for (ptrdiff_t v = 0; v < p->vectors; v++) {
        const V n = lnl_normalized_c(p, row, sample->next, v);
        const V dn = get_dz(p, dz, LNL_DM, v) * own_weight(p, LNL_STATE_GAIN, 0, v);
        const V later = state_gradient(s, sample, C_STATE, v);
        const V dc = units_alone(p, v, later + norm_back(means, statistics, dn, n));
        const V i = activate(rec, lnl_a(p, row, 0, v)), f = activate(rec, lnl_a(p, row, 1, v));
        const V g = activate(act, lnl_a(p, row, 2, v));
        const V c_prev = load(state_at(p, C_STATE, row, v));
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
        const V n = lnl_normalized_c(p, (int32_t)row, p->next[row], v);
        sum = fma_(get_dz(p, dz, LNL_DM, v), n, sum);
    }
    store_own_gradients(p, LNL_STATE_GAIN, 0, 1, v, &sum);
}

#endif
