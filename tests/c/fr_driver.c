/* Holds the fused engine's C core against itself and against plain loops, without Python.
 *
 * For every cell, both REAL types, odd sizes and every option, one forward and backward pass
 *   - of each usable variant agrees with a scalar reference in double: the outputs with those of
 *     the equations, the gradients with the central difference along one direction;
 *   - of each variant agrees with the generic one, number by number;
 *   - has the same bits without saving, and for any threads that share rows or units,
 *     and where it is long enough and has no options, step by step as a stream.
 * Buffers begin as NaN, and nothing may write behind them.
 * Prints a digest of all results of each variant: the same digits, the same bits.
 * Exit code 1 and a message at the first difference; else 0. No arguments.
 */
#include "api/fr_api.h"
#include "api/fr_stream.h"
#include "api/fr_testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a pass is given; the gradients of the first ones are what backward writes. */
#define OWN_WEIGHTS 4
enum { X, KERNEL, RECURRENT, BIAS, OWN, H0 = OWN + OWN_WEIGHTS, C0, GRADIENTS };
enum {
    INPUT_DROPOUT = GRADIENTS,
    RECURRENT_DROPOUT,
    ZONEOUT_H,
    ZONEOUT_C,
    D_OUTPUTS,
    D_H,
    D_C,
    GIVEN
};
/* What it writes: these, then the gradients. */
enum { OUTPUTS, FINAL_H, FINAL_C, STATES_END, RESULTS = STATES_END + GRADIENTS };

static const char *const result_names[RESULTS] = {
    "outputs", "final_h", "final_c", "dx",     "dkernel",    "drecurrent_kernel", "dbias",
    "down_0",  "down_1",  "down_2",  "down_3", "dinitial_h", "dinitial_c",
};

/* Own weights have so many rows of H numbers; a projection has H rows of P. */
static const struct {
    int gates, states, bias_rows, has_projection;
    int own_rows[OWN_WEIGHTS];
} cells[FR_CELL_COUNT] = {
    [FR_SIMPLE_RNN] = {1, 1, 1, 0, {0}},
    [FR_LSTM] = {4, 2, 1, 0, {0}},
    [FR_GRU] = {3, 1, 1, 0, {0}},
    [FR_GRU_RESET_AFTER] = {3, 1, 2, 0, {0}},
    [FR_PEEPHOLE_LSTM] = {4, 2, 1, 0, {3}},
    [FR_PROJECTED_LSTM] = {4, 2, 1, 1, {0}},
    [FR_LAYER_NORM_LSTM] = {4, 2, 1, 0, {4, 4, 1, 1}},
    [FR_LAYER_NORM_GRU] = {3, 1, 2, 0, {3, 3}},
};
enum { INPUT_GAIN = OWN, RECURRENT_GAIN, STATE_GAIN, STATE_BIAS };

enum zoneout { NO_ZONEOUT, ZONEOUT_RATES, ZONEOUT_MASKS };

/* A pass, and the values of its arrays, of which every one is a float. */
typedef struct {
    fr_rnn rnn;
    int gates, has_bias, has_mask, has_recurrent_dropout;
    enum zoneout zoneout;
    ptrdiff_t given_count[GIVEN], result_count[RESULTS];
    double *given[GIVEN];
    uint8_t *mask;
} problem;

/* P, the length of h. */
static ptrdiff_t outputs_of(const problem *p)
{
    return p->rnn.projection ? p->rnn.projection : p->rnn.units;
}

static void *allocate(size_t size)
{
    void *p = aligned_alloc(64, (size + 63) / 64 * 64);
    if (!p)
        abort();
    return p;
}

static double *numbers(ptrdiff_t n)
{
    return allocate((size_t)(n + 1) * sizeof(double));
}

static double draw(void)
{
    static uint64_t state = 1;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(state >> 40) / (1 << 23) - 1; /* from -1 to 1, in 24 bits */
}

static enum fr_sharing sharing;

static void share(enum fr_sharing forced)
{
    sharing = forced;
    fr_force_parallel(forced);
}

static _Noreturn void fail(const problem *p, enum fr_isa isa, const char *what, const char *name,
                           double actual, double expected)
{
    const fr_rnn *r = &p->rnn;
    printf("%s of %s: %s, %s: %.17g, expected %.17g\n", name, fr_isa_name((enum fr_isa)isa),
           fr_cell_name(r->cell), r->real == FR_FLOAT ? "float" : "double", actual, expected);
    printf("  %s; batch %td, timesteps %td, features %td, units %td, threads %d, sharing %d\n",
           what, r->batch, r->timesteps, r->features, r->units, r->threads, sharing);
    printf("  mask %d, go_backwards %d, return_sequences %d, zero_output_for_mask %d, "
           "input dropout %d, recurrent dropout %d, zoneout %d, bias %d, activations %d %d\n",
           p->has_mask, r->go_backwards, r->return_sequences, r->zero_output_for_mask,
           r->input_dropout_gates, p->has_recurrent_dropout, p->zoneout, p->has_bias, r->activation,
           r->recurrent_activation);
    exit(1);
}

/* ---- the scalar reference ---- */

static double activate(enum fr_activation activation, double x)
{
    switch (activation) {
    case FR_TANH:
        return tanh(x);
    case FR_SIGMOID:
        return 1 / (1 + exp(-x));
    case FR_RELU:
        return x > 0 ? x : 0;
    case FR_HARD_SIGMOID:
        return fmin(1, fmax(0, x / 6 + 0.5));
    default:
        return x;
    }
}

/* Sum over k of h[k]·(r[k])·dropout·U[k, gate·H + j]. */
static double recurrent_sum(const problem *p, double *const *given, ptrdiff_t b, int gate,
                            ptrdiff_t j, const double *h, const double *r)
{
    const ptrdiff_t H = p->rnn.units, P = outputs_of(p);
    double sum = 0;
    for (ptrdiff_t k = 0; k < P; k++) {
        double value = r ? r[k] * h[k] : h[k];
        if (p->has_recurrent_dropout)
            value *= given[RECURRENT_DROPOUT][(gate * p->rnn.batch + b) * P + k];
        sum += value * given[RECURRENT][k * p->gates * H + gate * H + j];
    }
    return sum;
}

static double input_sum(const problem *p, double *const *given, ptrdiff_t b, ptrdiff_t time,
                        int gate, ptrdiff_t j)
{
    const ptrdiff_t F = p->rnn.features, H = p->rnn.units;
    double sum = 0;
    for (ptrdiff_t f = 0; f < F; f++) {
        double value = given[X][(b * p->rnn.timesteps + time) * F + f];
        if (p->rnn.input_dropout_gates) {
            const int mask = p->rnn.input_dropout_gates > 1 ? gate : 0;
            value *= given[INPUT_DROPOUT][(mask * p->rnn.batch + b) * F + f];
        }
        sum += value * given[KERNEL][f * p->gates * H + gate * H + j];
    }
    return sum;
}

/* v (n,) -> (v - mean)/sqrt(variance + epsilon)·gain */
static void normalize(const problem *p, double *v, ptrdiff_t n, const double *gain)
{
    double mean = 0, variance = 0;
    for (ptrdiff_t i = 0; i < n; i++)
        mean += v[i] / (double)n;
    for (ptrdiff_t i = 0; i < n; i++)
        variance += (v[i] - mean) * (v[i] - mean) / (double)n;
    for (ptrdiff_t i = 0; i < n; i++)
        v[i] = (v[i] - mean) / sqrt(variance + p->rnn.epsilon) * gain[i];
}

/* The sums a of the input operand and q of the recurrent one, (gates, H) each, as the cell wants them:
 * normalised if it does so, and with their bias. */
static void reference_sums(const problem *p, double *const *given, ptrdiff_t b, ptrdiff_t time,
                           const double *h, double *a, double *q)
{
    const ptrdiff_t H = p->rnn.units, width = p->gates * H;
    for (ptrdiff_t j = 0; j < H; j++)
        for (int g = 0; g < p->gates; g++) {
            a[g * H + j] = input_sum(p, given, b, time, g, j);
            q[g * H + j] = recurrent_sum(p, given, b, g, j, h, NULL);
        }
    const int lstm = p->rnn.cell == FR_LAYER_NORM_LSTM;
    if (lstm || p->rnn.cell == FR_LAYER_NORM_GRU) {
        const ptrdiff_t first = lstm ? 4 * H : 2 * H;
        normalize(p, a, first, given[INPUT_GAIN]);
        normalize(p, q, first, given[RECURRENT_GAIN]);
        if (width > first) {
            normalize(p, a + first, width - first, given[INPUT_GAIN] + first);
            normalize(p, q + first, width - first, given[RECURRENT_GAIN] + first);
        }
    }
    for (ptrdiff_t i = 0; p->has_bias && i < width; i++) {
        a[i] += given[BIAS][i];
        q[i] += cells[p->rnn.cell].bias_rows > 1 ? given[BIAS][width + i] : 0;
    }
}

/* h (H,) of an LSTM before a projection, and its c, from a = a + q. */
static void reference_lstm(const problem *p, double *const *given, const double *a, double *c,
                           double *h)
{
    const ptrdiff_t H = p->rnn.units;
    const enum fr_activation act = p->rnn.activation, rec = p->rnn.recurrent_activation;
    const double *peephole = p->rnn.cell == FR_PEEPHOLE_LSTM ? given[OWN] : NULL;
    double *m = numbers(H);
    for (ptrdiff_t j = 0; j < H; j++) {
        const double i = activate(rec, a[j] + (peephole ? peephole[j] * c[j] : 0));
        const double f = activate(rec, a[H + j] + (peephole ? peephole[H + j] * c[j] : 0));
        m[j] = c[j] = f * c[j] + i * activate(act, a[2 * H + j]);
    }
    if (p->rnn.cell == FR_LAYER_NORM_LSTM)
        normalize(p, m, H, given[STATE_GAIN]);
    for (ptrdiff_t j = 0; j < H; j++) {
        const double o = activate(rec, a[3 * H + j] + (peephole ? peephole[2 * H + j] * c[j] : 0));
        if (p->rnn.cell == FR_LAYER_NORM_LSTM && p->has_bias)
            m[j] += given[STATE_BIAS][j];
        h[j] = o * activate(act, m[j]);
    }
    free(m);
}

/* h (H,) of a GRU. */
static void reference_gru(const problem *p, double *const *given, ptrdiff_t b, const double *a,
                          const double *q, const double *h_prev, double *h)
{
    const ptrdiff_t H = p->rnn.units;
    const enum fr_activation act = p->rnn.activation, rec = p->rnn.recurrent_activation;
    double *r = numbers(H);
    for (ptrdiff_t j = 0; j < H; j++)
        r[j] = activate(rec, a[H + j] + q[H + j]);
    for (ptrdiff_t j = 0; j < H; j++) {
        const double inner = p->rnn.cell == FR_GRU ? recurrent_sum(p, given, b, 2, j, h_prev, r)
                                                   : r[j] * q[2 * H + j];
        const double z = activate(rec, a[j] + q[j]);
        h[j] = z * h_prev[j] + (1 - z) * activate(act, a[2 * H + j] + inner);
    }
    free(r);
}

/* state (n,) of row b after step t, from what the cell gave. */
static void reference_zoneout(const problem *p, double *const *given, int k, ptrdiff_t t,
                              ptrdiff_t b, ptrdiff_t n, const double *next, double *state)
{
    for (ptrdiff_t j = 0; j < n; j++) {
        const double taken = p->zoneout == ZONEOUT_MASKS
                                 ? given[ZONEOUT_H + k][(t * p->rnn.batch + b) * n + j]
                                 : 1 - p->rnn.zoneout_rates[k];
        state[j] = taken * next[j] + (1 - taken) * state[j];
    }
}

/* Step t of row b, at `time` of x: h (P,) and c (H,), before and after. */
static void reference_step(const problem *p, double *const *given, ptrdiff_t b, ptrdiff_t time,
                           ptrdiff_t t, double *h, double *c)
{
    const ptrdiff_t H = p->rnn.units, P = outputs_of(p);
    double *a = numbers(4 * H), *q = numbers(4 * H), *next = numbers(H), *next_c = numbers(H);
    double *projected = numbers(P);
    reference_sums(p, given, b, time, h, a, q);
    if (c) {
        memcpy(next_c, c, (size_t)H * sizeof *c);
        for (ptrdiff_t i = 0; i < 4 * H; i++)
            a[i] += q[i];
        reference_lstm(p, given, a, next_c, next);
        reference_zoneout(p, given, 1, t, b, H, next_c, c);
    } else if (p->gates == 1) {
        for (ptrdiff_t j = 0; j < H; j++)
            next[j] = activate(p->rnn.activation, a[j] + q[j]);
    } else {
        reference_gru(p, given, b, a, q, h, next);
    }
    for (ptrdiff_t k = 0; k < P; k++) {
        projected[k] = p->rnn.projection ? 0 : next[k];
        for (ptrdiff_t j = 0; p->rnn.projection && j < H; j++)
            projected[k] += next[j] * given[OWN][j * P + k];
    }
    reference_zoneout(p, given, 0, t, b, P, projected, h);
    free(a), free(q), free(next), free(next_c), free(projected);
}

/* The forward pass; returns the sum of all results times their gradients. */
static double reference_forward(const problem *p, double *const *given, double *const *results)
{
    const fr_rnn *n = &p->rnn;
    const ptrdiff_t T = n->timesteps, H = n->units, P = outputs_of(p);
    const size_t row = (size_t)P * sizeof(double);
    double *y = numbers(P);
    for (ptrdiff_t b = 0; b < n->batch; b++) {
        double *h = results[FINAL_H] + b * P;
        double *c = cells[n->cell].states > 1 ? results[FINAL_C] + b * H : NULL;
        memcpy(h, given[H0] + b * P, row);
        if (c)
            memcpy(c, given[C0] + b * H, (size_t)H * sizeof(double));
        memset(y, 0, row);
        for (ptrdiff_t t = 0; t < T; t++) {
            const ptrdiff_t time = n->go_backwards ? T - 1 - t : t;
            if (!p->has_mask || p->mask[b * T + time]) {
                reference_step(p, given, b, time, t, h, c);
                memcpy(y, h, row);
            } else if (n->zero_output_for_mask) {
                memset(y, 0, row);
            }
            if (n->return_sequences)
                memcpy(results[OUTPUTS] + (b * T + t) * P, y, row);
        }
        if (!n->return_sequences)
            memcpy(results[OUTPUTS] + b * P, y, row);
    }
    free(y);
    double loss = 0;
    for (int k = 0; k < STATES_END; k++)
        for (ptrdiff_t i = 0; i < p->result_count[k]; i++)
            loss += results[k][i] * given[D_OUTPUTS + k][i];
    return loss;
}

/* ---- one problem ---- */

static void draw_array(problem *p, int k, ptrdiff_t n, double scale)
{
    p->given_count[k] = n;
    p->given[k] = numbers(n);
    for (ptrdiff_t i = 0; i < n; i++)
        p->given[k][i] = (float)(scale * draw());
}

static void draw_factors(problem *p, int k, ptrdiff_t n)
{
    draw_array(p, k, n, 1);
    for (ptrdiff_t i = 0; i < n; i++)
        p->given[k][i] = p->given[k][i] < 0.4 ? (float)(1 / 0.7) : 0;
}

/* The cell's own weights; the last one of the layer-normalised LSTM is a bias. */
static void draw_own_weights(problem *p, double scale)
{
    const ptrdiff_t H = p->rnn.units;
    for (int k = 0; k < OWN_WEIGHTS; k++) {
        const int left_out = OWN + k == STATE_BIAS && !p->has_bias;
        draw_array(p, OWN + k, left_out ? 0 : cells[p->rnn.cell].own_rows[k] * H, 1);
    }
    if (p->rnn.projection) {
        free(p->given[OWN]);
        draw_array(p, OWN, H * p->rnn.projection, scale);
    }
}

static void draw_zoneout(problem *p)
{
    const ptrdiff_t steps = p->rnn.batch * p->rnn.timesteps;
    const ptrdiff_t sizes[FR_MAX_STATES] = {outputs_of(p), p->rnn.units};
    for (int k = 0; k < FR_MAX_STATES; k++) {
        const int wanted = p->zoneout == ZONEOUT_MASKS && k < cells[p->rnn.cell].states;
        draw_array(p, ZONEOUT_H + k, wanted ? steps * sizes[k] : 0, 1);
        for (ptrdiff_t i = 0; i < p->given_count[ZONEOUT_H + k]; i++)
            p->given[ZONEOUT_H + k][i] = p->given[ZONEOUT_H + k][i] < 0.4;
        p->rnn.zoneout_rates[k] = p->zoneout == ZONEOUT_RATES ? 0.125 * (k + 1) : 0;
    }
}

static void make_problem(problem *p)
{
    fr_rnn *r = &p->rnn;
    const ptrdiff_t B = r->batch, T = r->timesteps, F = r->features, H = r->units;
    p->gates = cells[r->cell].gates;
    r->projection = cells[r->cell].has_projection ? H / 2 + 1 : 0;
    r->epsilon = 0.0625;
    const ptrdiff_t width = p->gates * H, P = outputs_of(p);
    const ptrdiff_t c = cells[r->cell].states > 1 ? B * H : 0;
    const double scale = 1.7 / sqrt((double)(F + H));
    if (r->input_dropout_gates > 1)
        r->input_dropout_gates = p->gates;
    draw_array(p, X, B * T * F, 1.5);
    draw_array(p, KERNEL, F * width, scale);
    draw_array(p, RECURRENT, P * width, scale);
    draw_array(p, BIAS, p->has_bias ? cells[r->cell].bias_rows * width : 0, 0.5);
    draw_own_weights(p, scale);
    draw_array(p, H0, B * P, 0.8);
    draw_array(p, C0, c, 0.8);
    draw_factors(p, INPUT_DROPOUT, r->input_dropout_gates * B * F);
    draw_factors(p, RECURRENT_DROPOUT, p->has_recurrent_dropout ? p->gates * B * P : 0);
    draw_zoneout(p);
    draw_array(p, D_OUTPUTS, B * P * (r->return_sequences ? T : 1), 1);
    draw_array(p, D_H, B * P, 1);
    draw_array(p, D_C, c, 1);
    for (int k = 0; k < STATES_END; k++)
        p->result_count[k] = p->given_count[D_OUTPUTS + k];
    for (int k = 0; k < GRADIENTS; k++)
        p->result_count[STATES_END + k] = p->given_count[k];
    p->mask = allocate((size_t)(B * T));
    for (ptrdiff_t i = 0; i < B * T; i++) /* with holes, and the second row wholly masked */
        p->mask[i] = draw() < 0.3 && i / T != 1;
}

static void free_arrays(double **arrays, int n)
{
    for (int k = 0; k < n; k++)
        free(arrays[k]);
}

static void make_results(const problem *p, double **results)
{
    for (int k = 0; k < RESULTS; k++)
        results[k] = numbers(p->result_count[k]);
}

/* ---- one pass of the engine ---- */

#define GUARD 64 /* bytes behind a buffer */

/* `size` bytes of NaN, and a guard; NULL for none. */
static void *buffer(size_t size)
{
    if (!size)
        return NULL;
    unsigned char *p = allocate(size + GUARD);
    memset(p, 0xff, size);
    memset(p + size, 0xa5, GUARD);
    return p;
}

static void release(const problem *p, enum fr_isa isa, const char *name, void *pointer, size_t size)
{
    const unsigned char *behind = (unsigned char *)pointer + size;
    for (int k = 0; pointer && k < GUARD; k++)
        if (behind[k] != 0xa5)
            fail(p, isa, "written behind the end", name, behind[k], 0xa5);
    free(pointer);
}

static size_t real_size(const problem *p, ptrdiff_t n)
{
    return (size_t)n * (p->rnn.real == FR_FLOAT ? sizeof(float) : sizeof(double));
}

static void *to_real(const problem *p, const double *values, ptrdiff_t n)
{
    void *out = buffer(real_size(p, n));
    for (ptrdiff_t i = 0; i < n; i++) {
        if (p->rnn.real == FR_FLOAT)
            ((float *)out)[i] = (float)values[i];
        else
            ((double *)out)[i] = values[i];
    }
    return out;
}

static void from_real(const problem *p, const void *values, ptrdiff_t n, double *out)
{
    for (ptrdiff_t i = 0; i < n; i++)
        out[i] = p->rnn.real == FR_FLOAT ? ((const float *)values)[i] : ((const double *)values)[i];
}

/* Run forward, and backward where `p->rnn.save` is set, and leave all results in `out`. */
static void run(const problem *p, enum fr_isa isa, double **out)
{
    fr_rnn r = p->rnn;
    void *given[GIVEN], *results[RESULTS];
    for (int k = 0; k < GIVEN; k++)
        given[k] = to_real(p, p->given[k], p->given_count[k]);
    for (int k = 0; k < RESULTS; k++)
        results[k] = buffer(real_size(p, p->result_count[k]));
    r.x = given[X];
    for (int k = FR_KERNEL; k < FR_OWN_WEIGHTS + OWN_WEIGHTS; k++) {
        r.weights[k] = given[KERNEL + k];
        r.d_weights[k] = results[STATES_END + KERNEL + k];
    }
    r.mask = p->has_mask ? p->mask : NULL;
    r.input_dropout = given[INPUT_DROPOUT], r.recurrent_dropout = given[RECURRENT_DROPOUT];
    r.d_outputs = given[D_OUTPUTS], r.outputs = results[OUTPUTS], r.dx = results[STATES_END + X];
    for (int k = 0; k < FR_MAX_STATES; k++) {
        r.zoneout[k] = given[ZONEOUT_H + k];
        r.initial_states[k] = given[H0 + k], r.d_final_states[k] = given[D_H + k];
        r.final_states[k] = results[FINAL_H + k],
        r.d_initial_states[k] = results[STATES_END + H0 + k];
    }

    const fr_sizes sizes = fr_sizes_of(isa, &r);
    r.workspace = buffer(sizes.workspace);
    r.scratch = buffer(sizes.forward_scratch);
    fr_forward(isa, &r, 1);
    release(p, isa, "scratch of forward", r.scratch, sizes.forward_scratch);
    if (r.save) {
        r.scratch = buffer(sizes.backward_scratch);
        fr_backward(isa, &r, 1);
        release(p, isa, "scratch of backward", r.scratch, sizes.backward_scratch);
    }
    release(p, isa, "workspace", r.workspace, sizes.workspace);
    for (int k = 0; k < RESULTS; k++) {
        from_real(p, results[k], p->result_count[k], out[k]);
        release(p, isa, result_names[k], results[k], real_size(p, p->result_count[k]));
    }
    for (int k = 0; k < GIVEN; k++)
        free(given[k]);
}

/* The same forward pass as a stream, one step at a time. */
static void run_stream(const problem *p, enum fr_isa isa, double **out)
{
    const fr_rnn *r = &p->rnn;
    const int states = cells[r->cell].states;
    const fr_stream_functions *f = fr_stream_functions_of(isa, r->real);
    void *given[GIVEN], *results[STATES_END];
    for (int k = 0; k < GIVEN; k++)
        given[k] = to_real(p, p->given[k], p->given_count[k]);
    for (int k = 0; k < STATES_END; k++)
        results[k] = buffer(real_size(p, p->result_count[k]));
    fr_stage stage = {.kind = FR_STAGE_RECURRENT,
                      .cell = r->cell,
                      .activation = r->activation,
                      .recurrent_activation = r->recurrent_activation,
                      .inputs = r->features,
                      .outputs = outputs_of(p),
                      .epsilon = r->epsilon,
                      .units = r->units};
    for (int k = FR_KERNEL; k < FR_OWN_WEIGHTS + OWN_WEIGHTS; k++)
        stage.weights[k] = given[KERNEL + k];
    const size_t size = f->size(&stage, 1, r->batch);
    void *stream = buffer(size);
    f->make(stream, &stage, 1, r->batch);
    for (int k = 0; k < states; k++)
        f->write_state(stream, k, given[H0 + k]);
    for (ptrdiff_t t = 0; t < r->timesteps; t++)
        f->step(stream, given[X], results[OUTPUTS], t, r->timesteps);
    for (int k = 0; k < states; k++)
        f->read_state(stream, k, results[FINAL_H + k]);
    release(p, isa, "stream", stream, size);
    for (int k = 0; k < STATES_END; k++) {
        from_real(p, results[k], p->result_count[k], out[k]);
        release(p, isa, result_names[k], results[k], real_size(p, p->result_count[k]));
    }
    for (int k = 0; k < GIVEN; k++)
        free(given[k]);
}

static int can_stream(const problem *p)
{
    const fr_rnn *r = &p->rnn;
    return r->timesteps > 4 && !p->has_mask && !p->has_recurrent_dropout &&
           !r->input_dropout_gates && !p->zoneout && !r->go_backwards && r->return_sequences;
}

/* ---- comparisons ---- */

/* The formula of tests/helpers/tolerance.py. */
static double tolerance(const problem *p, int backward)
{
    const fr_rnn *r = &p->rnn;
    const ptrdiff_t terms = r->features + r->units, most = terms > r->batch ? terms : r->batch;
    const double rounds = ceil(log2((double)(most * p->gates * r->timesteps)));
    const double epsilon = r->real == FR_FLOAT ? 0x1p-23 : 0x1p-52;
    return 8 * (backward ? 2 : 1) * fmax(1, rounds) * epsilon;
}

static double largest(const double *values, ptrdiff_t n)
{
    double most = 0;
    for (ptrdiff_t i = 0; i < n; i++)
        most = fmax(most, fabs(values[i]));
    return most;
}

static void compare(const problem *p, enum fr_isa isa, const char *what, int count,
                    double *const *actual, double *const *expected)
{
    for (int k = 0; k < count; k++) {
        const ptrdiff_t n = p->result_count[k];
        const double allowed = tolerance(p, k >= STATES_END) * fmax(1, largest(expected[k], n));
        for (ptrdiff_t i = 0; i < n; i++)
            if (!(fabs(actual[k][i] - expected[k][i]) <= allowed)) /* NaN is a difference too */
                fail(p, isa, what, result_names[k], actual[k][i], expected[k][i]);
    }
}

static void compare_bits(const problem *p, enum fr_isa isa, const char *what, int count,
                         double *const *actual, double *const *expected)
{
    for (int k = 0; k < count; k++)
        for (ptrdiff_t i = 0; i < p->result_count[k]; i++)
            if (memcmp(&actual[k][i], &expected[k][i], sizeof(double)) != 0)
                fail(p, isa, what, result_names[k], actual[k][i], expected[k][i]);
}

/* The gradients against the change of the reference's loss along a random direction. */
static void check_gradients(const problem *p, enum fr_isa isa, double *const *results)
{
    double *ahead[GIVEN], *behind[GIVEN], *unused[RESULTS];
    double along = 0, allowed = 1e-7;
    ptrdiff_t total = 0;
    make_results(p, unused);
    memcpy(ahead, p->given, sizeof ahead);
    memcpy(behind, p->given, sizeof behind);
    for (int k = 0; k < GRADIENTS; k++)
        total += p->given_count[k];
    const double step = 1e-4 / sqrt((double)total);
    for (int k = 0; k < GRADIENTS; k++) {
        const ptrdiff_t n = p->given_count[k];
        const double *gradient = results[STATES_END + k];
        const double error = tolerance(p, 1) * fmax(1, largest(gradient, n));
        ahead[k] = numbers(n), behind[k] = numbers(n);
        for (ptrdiff_t i = 0; i < n; i++) {
            const double change = step * draw();
            ahead[k][i] = p->given[k][i] + change;
            behind[k][i] = p->given[k][i] - change;
            along += gradient[i] * change / step;
            allowed += fabs(change / step) * error + 1e-6 * fabs(gradient[i] * change / step);
        }
    }
    const double difference =
        (reference_forward(p, ahead, unused) - reference_forward(p, behind, unused)) / (2 * step);
    if (!(fabs(difference - along) <= allowed))
        fail(p, isa, "central difference along a direction", "gradient", along, difference);
    free_arrays(ahead, GRADIENTS);
    free_arrays(behind, GRADIENTS);
    free_arrays(unused, RESULTS);
}

static long passes;

/* Of all results of each variant. */
static uint64_t digests[FR_ISA_COUNT];

static void digest(enum fr_isa isa, const problem *p, double *const *results)
{
    for (int k = 0; k < RESULTS; k++)
        for (ptrdiff_t i = 0; i < p->result_count[k]; i++) {
            uint64_t bits;
            memcpy(&bits, &results[k][i], sizeof bits);
            digests[isa] = (digests[isa] ^ bits) * UINT64_C(0x9e3779b97f4a7c15);
            digests[isa] ^= digests[isa] >> 32;
        }
}

static void check_isa(problem *p, enum fr_isa isa, double *const *reference, double *const *generic)
{
    double *alone[RESULTS], *other[RESULTS];
    make_results(p, alone);
    make_results(p, other);
    p->rnn.save = 1, p->rnn.threads = 1;
    share(FR_SHARE_BY_SIZE);
    run(p, isa, alone);
    digest(isa, p, alone);
    compare(p, isa, "against the scalar reference", STATES_END, alone, reference);
    if (p->rnn.activation != FR_RELU) /* whose slope jumps */
        check_gradients(p, isa, alone);
    if (generic)
        compare(p, isa, "against the generic variant", RESULTS, alone, generic);
    p->rnn.save = 0;
    run(p, isa, other);
    compare_bits(p, isa, "without saving", STATES_END, other, alone);
    passes += 2;
    if (can_stream(p)) {
        run_stream(p, isa, other);
        compare_bits(p, isa, "as a stream", STATES_END, other, alone);
        passes++;
    }
    p->rnn.threads = 3;
    for (int save = 0; save < 2; save++)
        for (int forced = FR_SHARE_ROWS; forced <= FR_SHARE_UNITS; forced++, passes++) {
            p->rnn.save = save;
            share((enum fr_sharing)forced);
            run(p, isa, other);
            compare_bits(p, isa, "bits across threads", save ? RESULTS : STATES_END, other, alone);
        }
    free_arrays(alone, RESULTS);
    free_arrays(other, RESULTS);
}

static void check_problem(problem *p)
{
    double *reference[RESULTS], *generic[RESULTS];
    make_problem(p);
    make_results(p, reference);
    make_results(p, generic);
    reference_forward(p, p->given, reference);
    p->rnn.save = 1, p->rnn.threads = 1;
    share(FR_SHARE_BY_SIZE);
    run(p, FR_GENERIC, generic);
    for (int isa = 0; isa < FR_ISA_COUNT; isa++)
        if (fr_isa_usable((enum fr_isa)isa))
            check_isa(p, (enum fr_isa)isa, reference, isa == FR_GENERIC ? NULL : generic);
    free(p->mask);
    free_arrays(p->given, GIVEN);
    free_arrays(reference, RESULTS);
    free_arrays(generic, RESULTS);
}

int main(void)
{
    static const ptrdiff_t sizes[][4] = {
        /* batch, timesteps, features, units */
        {1, 1, 1, 1},  {1, 6, 33, 31},  {2, 5, 5, 3},   {3, 5, 4, 7},    {1, 200, 2, 5},
        {7, 4, 9, 17}, {13, 3, 17, 65}, {6, 2, 3, 130}, {31, 2, 70, 16}, {31, 9, 6, 11},
    };
    static const struct {
        enum fr_activation activation, recurrent;
        int mask, backwards, sequences, zero, input_dropout, recurrent_dropout, bias;
        enum zoneout zoneout;
    } options[] = {
        {FR_TANH, FR_SIGMOID, 0, 0, 1, 0, 0, 0, 1, NO_ZONEOUT},
        {FR_TANH, FR_SIGMOID, 1, 1, 1, 0, 0, 0, 1, ZONEOUT_MASKS},
        {FR_TANH, FR_SIGMOID, 1, 0, 0, 0, 1, 0, 1, NO_ZONEOUT},
        {FR_LINEAR, FR_SIGMOID, 1, 0, 1, 1, 2, 1, 0, NO_ZONEOUT},
        {FR_TANH, FR_SIGMOID, 0, 1, 0, 0, 0, 1, 1, ZONEOUT_MASKS},
        {FR_TANH, FR_SIGMOID, 1, 1, 0, 1, 2, 0, 1, NO_ZONEOUT},
        {FR_RELU, FR_HARD_SIGMOID, 1, 0, 1, 0, 0, 0, 1, NO_ZONEOUT},
        {FR_SIGMOID, FR_TANH, 0, 0, 1, 0, 1, 1, 1, ZONEOUT_RATES},
    };
    const int size_count = sizeof sizes / sizeof *sizes;
    const int option_count = sizeof options / sizeof *options;
    for (int cell = 0; cell < FR_CELL_COUNT; cell++)
        for (int real = 0; real < 2; real++)
            for (int s = 0; s < size_count; s++)
                for (int o = 0; o < option_count; o++) {
                    /* Over many steps of anything else, errors grow without bound. */
                    const int few_steps = sizes[s][1] <= 20;
                    problem p = {
                        .rnn = {.cell = (enum fr_cell)cell,
                                .real = (enum fr_real)real,
                                .activation = few_steps ? options[o].activation : FR_TANH,
                                .recurrent_activation =
                                    few_steps ? options[o].recurrent : FR_SIGMOID,
                                .batch = sizes[s][0],
                                .timesteps = sizes[s][1],
                                .features = sizes[s][2],
                                .units = sizes[s][3],
                                .go_backwards = options[o].backwards,
                                .return_sequences = options[o].sequences,
                                .zero_output_for_mask = options[o].zero,
                                .input_dropout_gates = options[o].input_dropout},
                        .has_mask = options[o].mask,
                        .has_recurrent_dropout = options[o].recurrent_dropout,
                        .has_bias = options[o].bias,
                        .zoneout = options[o].zoneout,
                    };
                    check_problem(&p);
                }
    printf("fr_driver: %ld passes agree; variants:", passes);
    for (int isa = 0; isa < FR_ISA_COUNT; isa++)
        if (fr_isa_usable((enum fr_isa)isa))
            printf(" %s %016llx", fr_isa_name((enum fr_isa)isa), (unsigned long long)digests[isa]);
    printf("\n");
    return 0;
}
