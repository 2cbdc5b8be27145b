/* Holds the passes on quantized weights of every usable variant against plain loops, without Python.
 *
 * For every cell that has a quantized form, weights of 8 and of 16 bits, odd sizes and masks:
 *   - one step agrees with loops over unpacked numbers, which sum integers exactly;
 *   - any threads that share rows or units, and VNNI or not, give the same bits.
 * Buffers begin as NaN, and nothing may write behind them.
 * Exit code 1 and a message at the first difference; else 0. No arguments.
 */
#include "api/fr_api.h"
#include "api/fr_testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The cells that have a quantized form. */
static const enum fr_cell cells[] = {FR_SIMPLE_RNN, FR_LSTM, FR_GRU, FR_GRU_RESET_AFTER};
#define CELLS ((int)(sizeof cells / sizeof *cells))
static const int gate_counts[FR_CELL_COUNT] = {
    [FR_SIMPLE_RNN] = 1, [FR_LSTM] = 4, [FR_GRU] = 3, [FR_GRU_RESET_AFTER] = 3};

/* One side: K rows, G·H columns. Weights are whole numbers from -127 to 127 in both modes; those of
 * 16 bits hold them exactly. */
typedef struct {
    ptrdiff_t terms;
    int *weights;
    float *scale, *bias;
} side;

typedef struct {
    fr_rnn rnn;
    int gates;
    side inputs, recurrent;
    float *x, *h0, *c0;
} problem;

#define GUARD 64

/* `size` bytes of NaN, and a guard behind them. */
static void *buffer(size_t size)
{
    unsigned char *p = aligned_alloc(64, (size + GUARD + 63) / 64 * 64);
    if (!p)
        abort();
    memset(p, 0xff, size);
    memset(p + size, 0xa5, GUARD);
    return p;
}

static enum fr_sharing sharing;
static int has_vnni, used_vnni;

static void use(enum fr_sharing forced, int vnni)
{
    sharing = forced, used_vnni = vnni;
    fr_force_parallel(forced);
    fr_allow_capability(FR_VNNI, vnni);
}

static _Noreturn void fail(const problem *p, enum fr_isa isa, const char *what, double actual,
                           double expected)
{
    const fr_rnn *r = &p->rnn;
    printf("%s, %s, vnni %d: %.9g, expected %.9g\n", what, fr_isa_name(isa), used_vnni, actual,
           expected);
    printf("  cell %d, weights %d, batch %td, timesteps %td, features %td, units %td, threads %d, "
           "sharing %d\n",
           r->cell, r->weight_format, r->batch, r->timesteps, r->features, r->units, r->threads,
           sharing);
    exit(1);
}

static void release(const problem *p, enum fr_isa isa, void *pointer, size_t size)
{
    const unsigned char *behind = (unsigned char *)pointer + size;
    for (int k = 0; k < GUARD; k++)
        if (behind[k] != 0xa5)
            fail(p, isa, "written behind the end", behind[k], 0xa5);
    free(pointer);
}

static double draw(void)
{
    static uint64_t state = 1;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(state >> 40) / (1 << 23) - 1; /* from -1 to 1 */
}

static float *draw_floats(ptrdiff_t n, double scale)
{
    float *out = buffer((size_t)n * sizeof(float));
    for (ptrdiff_t i = 0; i < n; i++)
        out[i] = (float)(scale * draw());
    return out;
}

static side draw_side(const problem *p, ptrdiff_t terms)
{
    const ptrdiff_t width = p->gates * p->rnn.units;
    side s = {.terms = terms,
              .weights = buffer((size_t)(terms * width) * sizeof(int)),
              .scale = draw_floats(width, 0.001),
              .bias = draw_floats(width, 0.5)};
    for (ptrdiff_t i = 0; i < terms * width; i++)
        s.weights[i] = (int)lrint(127 * draw());
    for (ptrdiff_t i = 0; i < width; i++)
        s.scale[i] = p->rnn.weight_format == FR_INT8_WEIGHTS ? fabsf(s.scale[i]) + 1e-4f : 1;
    return s;
}

/* ---- plain loops ---- */

/* a·weights without the bias, (G·H,). */
static void multiply(const problem *p, const side *s, const float *a, double *out)
{
    const ptrdiff_t width = p->gates * p->rnn.units;
    float most = 0;
    for (ptrdiff_t k = 0; k < s->terms; k++)
        most = fmaxf(most, fabsf(a[k]));
    const float inverse = most > 0 ? 127.0f / most : 0;
    for (ptrdiff_t j = 0; j < width; j++) {
        double sum = 0;
        for (ptrdiff_t k = 0; k < s->terms; k++) {
            const int w = s->weights[k * width + j];
            sum += p->rnn.weight_format == FR_INT8_WEIGHTS ? (double)rintf(a[k] * inverse) * w
                                                           : (double)a[k] * w;
        }
        out[j] =
            p->rnn.weight_format == FR_INT8_WEIGHTS ? sum * (most / 127.0f) * s->scale[j] : sum;
    }
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* The first step of row b: h, and c in its place. */
static void reference_step(const problem *p, ptrdiff_t b, double *h, double *c)
{
    const ptrdiff_t H = p->rnn.units, width = p->gates * H;
    const float *h0 = p->h0 + b * H;
    double *a = buffer((size_t)width * sizeof(double)), *q = buffer((size_t)width * sizeof(double));
    float *inner = buffer((size_t)H * sizeof(float));
    multiply(p, &p->inputs, p->x + b * p->rnn.timesteps * p->rnn.features, a);
    multiply(p, &p->recurrent, h0, q);
    for (ptrdiff_t j = 0; j < width; j++) {
        a[j] += p->inputs.bias[j];
        if (p->rnn.cell == FR_GRU_RESET_AFTER)
            q[j] += p->recurrent.bias[j];
    }
    double *reset = buffer((size_t)width * sizeof(double));
    if (p->rnn.cell == FR_GRU) {
        for (ptrdiff_t j = 0; j < H; j++)
            inner[j] = (float)(sigmoid(a[H + j] + q[H + j]) * h0[j]);
        multiply(p, &p->recurrent, inner, reset);
    }
    for (ptrdiff_t j = 0; j < H; j++) {
        if (p->rnn.cell == FR_SIMPLE_RNN) {
            h[j] = tanh(a[j] + q[j]);
        } else if (p->rnn.cell == FR_LSTM) {
            c[j] = sigmoid(a[H + j] + q[H + j]) * p->c0[b * H + j] +
                   sigmoid(a[j] + q[j]) * tanh(a[2 * H + j] + q[2 * H + j]);
            h[j] = sigmoid(a[3 * H + j] + q[3 * H + j]) * tanh(c[j]);
        } else {
            const double z = sigmoid(a[j] + q[j]), r = sigmoid(a[H + j] + q[H + j]);
            const double last = p->rnn.cell == FR_GRU ? reset[2 * H + j] : r * q[2 * H + j];
            h[j] = z * h0[j] + (1 - z) * tanh(a[2 * H + j] + last);
        }
    }
    free(a), free(q), free(inner), free(reset);
}

/* ---- packing ---- */

/* Where column (gate g, unit u) stands in a row of the packed numbers, for `groups` of them. */
static ptrdiff_t packed_index(const problem *p, ptrdiff_t lanes, ptrdiff_t groups, ptrdiff_t group,
                              ptrdiff_t g, ptrdiff_t u)
{
    const ptrdiff_t vectors = (p->rnn.units + lanes - 1) / lanes;
    ptrdiff_t first = 0, gates = p->gates;
    if (p->rnn.cell == FR_GRU) /* z and r, then the candidate */
        first = g < 2 ? 0 : 2, gates = g < 2 ? 2 : 1;
    const ptrdiff_t before = first * vectors * groups;
    return (before + ((u / lanes * groups + group) * gates + g - first)) * lanes + u % lanes;
}

static size_t packed_count(const problem *p, ptrdiff_t lanes, ptrdiff_t groups)
{
    return (size_t)((p->rnn.units + lanes - 1) / lanes * lanes * p->gates * groups);
}

static float *pack_floats(const problem *p, ptrdiff_t lanes, const float *values)
{
    const size_t n = packed_count(p, lanes, 1);
    float *out = buffer(n * sizeof(float));
    memset(out, 0, n * sizeof(float));
    for (ptrdiff_t g = 0; g < p->gates; g++)
        for (ptrdiff_t u = 0; u < p->rnn.units; u++)
            out[packed_index(p, lanes, 1, 0, g, u)] = values[g * p->rnn.units + u];
    return out;
}

static fr_packed_operand pack(const problem *p, ptrdiff_t lanes, const side *s, int with_bias)
{
    const int bytes = p->rnn.weight_format == FR_INT8_WEIGHTS;
    const ptrdiff_t each = bytes ? 4 : 2, groups = (s->terms + each - 1) / each;
    const ptrdiff_t H = p->rnn.units, width = p->gates * H;
    uint32_t *words = buffer(packed_count(p, lanes, groups) * sizeof(uint32_t));
    int32_t *first = buffer(packed_count(p, lanes, 1) * sizeof(int32_t));
    memset(words, 0, packed_count(p, lanes, groups) * sizeof(uint32_t));
    memset(first, 0, packed_count(p, lanes, 1) * sizeof(int32_t));
    for (ptrdiff_t k = 0; k < s->terms; k++)
        for (ptrdiff_t g = 0; g < p->gates; g++)
            for (ptrdiff_t u = 0; u < H; u++) {
                const int w = s->weights[k * width + g * H + u];
                const float value = (float)w;
                uint32_t bits, *word = &words[packed_index(p, lanes, groups, k / each, g, u)];
                memcpy(&bits, &value, sizeof bits);
                if (bytes)
                    ((int8_t *)word)[k % each] = (int8_t)w;
                else
                    *word |= bits >> 16 << 16 * (k % each);
                first[packed_index(p, lanes, 1, 0, g, u)] -= 128 * w;
            }
    return (fr_packed_operand){words, pack_floats(p, lanes, s->scale),
                               with_bias ? pack_floats(p, lanes, s->bias) : NULL, first};
}

static void free_packed(fr_packed_operand *packed)
{
    free((void *)packed->words), free((void *)packed->scale);
    free((void *)packed->bias), free((void *)packed->first);
}

/* ---- passes ---- */

static long passes;
static uint64_t digests[FR_ISA_COUNT]; /* of all results of each variant */

/* outputs, h and c, one after the other, into `out`; c alone of an LSTM. */
static void run(problem *p, enum fr_isa isa, float *out)
{
    fr_rnn *r = &p->rnn;
    const size_t states = (size_t)(r->batch * r->units), size = states * sizeof(float);
    const size_t outputs = size * (size_t)r->timesteps;
    const ptrdiff_t lanes = fr_lanes(isa);
    r->packed_inputs = pack(p, lanes, &p->inputs, 1);
    r->packed_recurrent = pack(p, lanes, &p->recurrent, r->cell == FR_GRU_RESET_AFTER);
    r->outputs = buffer(outputs), r->final_states[0] = buffer(size),
    r->final_states[1] = buffer(size);
    const fr_sizes sizes = fr_sizes_of(isa, r);
    r->workspace = buffer(sizes.workspace), r->scratch = buffer(sizes.forward_scratch);
    fr_forward(isa, r, 1);
    memcpy(out, r->outputs, outputs);
    memcpy(out + states * (size_t)r->timesteps, r->final_states[0], size);
    memcpy(out + states * (size_t)(r->timesteps + 1), r->final_states[1], size);
    release(p, isa, r->workspace, sizes.workspace);
    release(p, isa, r->scratch, sizes.forward_scratch);
    release(p, isa, r->outputs, outputs);
    release(p, isa, r->final_states[0], size), release(p, isa, r->final_states[1], size);
    free_packed(&r->packed_inputs), free_packed(&r->packed_recurrent);
    passes++;
}

static void check_step(problem *p, enum fr_isa isa, const float *actual)
{
    const ptrdiff_t H = p->rnn.units, states = p->rnn.batch * H;
    double *h = buffer((size_t)H * sizeof(double)), *c = buffer((size_t)H * sizeof(double));
    /* Numbers of 16 bits stand for weights up to 127: what is rounded is larger, too. */
    const double size = p->rnn.weight_format == FR_INT8_WEIGHTS ? 1 : 127;
    const double terms = (double)(p->rnn.features + H);
    const double allowed = 8 * ceil(log2(terms * p->gates + 1)) * 0x1p-23 * size * sqrt(terms);
    for (ptrdiff_t b = 0; b < p->rnn.batch; b++) {
        reference_step(p, b, h, c);
        for (ptrdiff_t j = 0; j < H; j++) {
            if (!(fabs(actual[b * H + j] - h[j]) <= allowed))
                fail(p, isa, "h of one step", actual[b * H + j], h[j]);
            if (p->rnn.cell == FR_LSTM && !(fabs(actual[2 * states + b * H + j] - c[j]) <= allowed))
                fail(p, isa, "c of one step", actual[2 * states + b * H + j], c[j]);
        }
    }
    free(h), free(c);
}

static void check_isa(problem *p, enum fr_isa isa)
{
    const size_t count = (size_t)(p->rnn.batch * p->rnn.units * (p->rnn.timesteps + 2));
    float *alone = buffer(count * sizeof(float)), *other = buffer(count * sizeof(float));
    p->rnn.threads = 1;
    use(FR_SHARE_BY_SIZE, 0);
    run(p, isa, alone);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &alone[i], sizeof bits);
        digests[isa] = (digests[isa] ^ bits) * UINT64_C(0x9e3779b97f4a7c15);
        digests[isa] ^= digests[isa] >> 32;
    }
    if (p->rnn.timesteps == 1 && !p->rnn.mask)
        check_step(p, isa, alone);
    for (int vnni = 0; vnni <= (isa == FR_AVX512 && has_vnni); vnni++)
        for (int forced = FR_SHARE_BY_SIZE; forced <= FR_SHARE_UNITS; forced++) {
            p->rnn.threads = 3;
            use((enum fr_sharing)forced, vnni);
            run(p, isa, other);
            for (size_t i = 0; i < count; i++)
                if (memcmp(&alone[i], &other[i], sizeof(float)) != 0)
                    fail(p, isa, "bits across threads, or VNNI", other[i], alone[i]);
        }
    free(alone), free(other);
}

static void check_problem(problem *p, int masked)
{
    fr_rnn *r = &p->rnn;
    uint8_t *mask = buffer((size_t)(r->batch * r->timesteps));
    for (ptrdiff_t i = 0; i < r->batch * r->timesteps; i++)
        mask[i] = draw() < 0.3;
    p->gates = gate_counts[r->cell];
    p->inputs = draw_side(p, r->features), p->recurrent = draw_side(p, r->units);
    p->x = draw_floats(r->batch * r->timesteps * r->features, 1.5);
    p->h0 = draw_floats(r->batch * r->units, 0.8), p->c0 = draw_floats(r->batch * r->units, 0.8);
    r->x = p->x, r->initial_states[0] = p->h0, r->initial_states[1] = p->c0;
    r->mask = masked ? mask : NULL;
    for (int isa = 0; isa < FR_ISA_COUNT; isa++)
        if (fr_isa_usable((enum fr_isa)isa))
            check_isa(p, (enum fr_isa)isa);
    free(mask), free(p->x), free(p->h0), free(p->c0);
    free(p->inputs.weights), free(p->inputs.scale), free(p->inputs.bias);
    free(p->recurrent.weights), free(p->recurrent.scale), free(p->recurrent.bias);
}

int main(void)
{
    static const ptrdiff_t sizes[][4] = {
        /* batch, timesteps, features, units */
        {1, 1, 1, 1},     {2, 1, 3, 2},    {3, 1, 17, 33}, {7, 1, 64, 16},
        {13, 1, 33, 130}, {1, 1, 70, 65},  {1, 6, 33, 31}, {2, 300, 5, 17},
        {9, 4, 7, 65},    {1, 200, 2, 64}, {31, 3, 70, 3},
    };
    has_vnni = fr_isa_capabilities(FR_AVX512) >> FR_VNNI & 1;
    for (int cell = 0; cell < CELLS; cell++)
        for (int format = FR_INT8_WEIGHTS; format <= FR_BF16_WEIGHTS; format++)
            for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
                for (int masked = 0; masked < 2; masked++) {
                    problem p = {.rnn = {.cell = cells[cell],
                                         .real = FR_FLOAT,
                                         .weight_format = (enum fr_weight_format)format,
                                         .activation = FR_TANH,
                                         .recurrent_activation = FR_SIGMOID,
                                         .batch = sizes[s][0],
                                         .timesteps = sizes[s][1],
                                         .features = sizes[s][2],
                                         .units = sizes[s][3],
                                         .return_sequences = 1}};
                    check_problem(&p, masked);
                }
    printf("fr_quantized_driver: %ld passes agree; VNNI %d; variants:", passes, has_vnni);
    for (int isa = 0; isa < FR_ISA_COUNT; isa++)
        if (fr_isa_usable((enum fr_isa)isa))
            printf(" %s %016llx", fr_isa_name((enum fr_isa)isa), (unsigned long long)digests[isa]);
    printf("\n");
    return 0;
}
