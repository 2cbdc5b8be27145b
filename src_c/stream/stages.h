/* Streams: the stages of a chain, their memory and their weights. See fr_stream.h.
 *
 * A recurrent stage is the plan of a long pass that saves nothing, with its weights packed once for
 * all; its two workspace rows for each row take turns. So its steps are the steps of that pass, with the same
 * bits: a batch of one row sums the input operand first, in order, as `project_inputs` does there.
 */
#ifndef FR_STREAM_STAGES_H
#define FR_STREAM_STAGES_H

#include "api/fr_stream.h"
#include "rnn/forward.h"
#include "rnn/layout.h"

typedef struct {
    fr_rnn rnn;
    fr_plan plan;
    fr_sample *rows[2]; /* of even and of odd steps */
    REAL *own;          /* the cell's own weights, one after the other */
    int parity;
} fr_recurrence;

typedef struct fr_step_stage {
    enum fr_stage_kind kind;
    int activation;
    ptrdiff_t inputs, outputs;
    REAL epsilon;
    REAL *packed;                     /* DENSE, EMBED */
    REAL *bias;                       /* DENSE, up to whole vectors; zeros without bias */
    REAL *mean, *rate, *gamma, *beta; /* SCALE, NORMALIZE; or NULL */
    fr_recurrence *recurrence;
    REAL *result; /* (B, outputs), unless it is the last stage */
} fr_step_stage;

typedef struct {
    ptrdiff_t batch;
    int count;
    fr_team *team; /* or NULL */
    fr_step_stage *stages;
} fr_stream;

/* Rows of numbers, each `stride` after the one before. */
typedef struct {
    const REAL *x;
    ptrdiff_t x_stride;
    REAL *y;
    ptrdiff_t y_stride;
} fr_rows;

/* ---- the memory ---- */

#define LONG_PASS 1000     /* steps of the pass whose plan a stream follows */
#define SHARED_STEP 262144 /* bytes of weights of a layer that helpers take part in */

/* A pass, and its plan, with room for its arrays in `arena`. */
static void place_recurrence(fr_recurrence *q, const fr_stage *stage, ptrdiff_t batch,
                             fr_arena *arena)
{
    memset(q, 0, sizeof *q);
    q->rnn = (fr_rnn){.cell = stage->cell,
                      .activation = stage->activation,
                      .recurrent_activation = stage->recurrent_activation,
                      .batch = batch,
                      .epsilon = stage->epsilon,
                      .timesteps = LONG_PASS,
                      .features = stage->inputs,
                      .units = stage->units,
                      .projection = stage->units != stage->outputs ? stage->outputs : 0,
                      .return_sequences = 1,
                      .threads = 1};
    fr_plan *p = &q->plan;
    plan_sizes(p, &q->rnn);
    p->size = 1;
    p->in_order = batch == 1;
    place_workspace(p, arena);
    place_packed(p, arena);
    q->own = ARENA_TAKE(*arena, own_weight_rows(p) * p->H, REAL);
    q->rows[0] = ARENA_TAKE(*arena, batch, fr_sample);
    q->rows[1] = ARENA_TAKE(*arena, batch, fr_sample);
}

static ptrdiff_t whole_vectors(ptrdiff_t n)
{
    return (n + LANES - 1) / LANES * LANES;
}

static void place_stage(fr_step_stage *s, const fr_stage *stage, ptrdiff_t batch, fr_arena *arena)
{
    memset(s, 0, sizeof *s);
    s->kind = stage->kind, s->activation = stage->activation;
    s->inputs = stage->inputs, s->outputs = stage->outputs;
    s->epsilon = (REAL)stage->epsilon;
    s->result = ARENA_TAKE(*arena, batch * s->outputs, REAL);
    if (s->kind == FR_STAGE_RECURRENT) {
        fr_recurrence local, *q = ARENA_TAKE(*arena, 1, fr_recurrence);
        place_recurrence(q ? q : &local, stage, batch, arena);
        s->recurrence = q;
    } else if (s->kind == FR_STAGE_DENSE) {
        s->packed = ARENA_TAKE(*arena, s->inputs * whole_vectors(s->outputs), REAL);
        s->bias = ARENA_TAKE(*arena, whole_vectors(s->outputs), REAL);
    } else if (s->kind == FR_STAGE_EMBED) {
        s->packed = ARENA_TAKE(*arena, s->inputs * s->outputs, REAL);
    } else {
        s->mean = stage->mean ? ARENA_TAKE(*arena, s->outputs, REAL) : NULL;
        s->rate = stage->rate ? ARENA_TAKE(*arena, s->outputs, REAL) : NULL;
        s->gamma = stage->gamma ? ARENA_TAKE(*arena, s->outputs, REAL) : NULL;
        s->beta = stage->beta ? ARENA_TAKE(*arena, s->outputs, REAL) : NULL;
    }
}

/* Whether no product of sizes below can overflow; ARENA_TAKE checks the bytes. */
static int sizes_fit(const fr_stage *stage, ptrdiff_t batch)
{
    const ptrdiff_t most = INT32_MAX / 16;
    if (stage->inputs < 1 || stage->inputs > most || stage->outputs < 1 || stage->outputs > most)
        return 0;
    const double widest = (double)(stage->units > stage->outputs ? stage->units : stage->outputs);
    const double row = (double)stage->inputs + widest + 256;
    const double weights = row * (widest + 64) * 4 * sizeof(REAL);
    const double rows = row * (double)batch * 16 * sizeof(REAL);
    return weights < (double)(PTRDIFF_MAX / 4) && rows < (double)(PTRDIFF_MAX / 4);
}

static int stages_fit(const fr_stage *stages, int count, ptrdiff_t batch)
{
    if (count < 1 || batch < 1 || batch > INT32_MAX / 16)
        return 0;
    for (int k = 0; k < count; k++) {
        const fr_stage *stage = &stages[k];
        const enum fr_stage_kind kind = stage->kind;
        if ((int)kind < 0 || kind >= FR_STAGE_KIND_COUNT || (int)stage->cell < 0 ||
            stage->cell >= FR_CELL_COUNT || !sizes_fit(stage, batch))
            return 0;
        const int resizes =
            kind == FR_STAGE_RECURRENT || kind == FR_STAGE_DENSE || kind == FR_STAGE_EMBED;
        if (!resizes && stage->inputs != stage->outputs)
            return 0;
        if (k > 0 && (kind == FR_STAGE_EMBED || stage->inputs != stages[k - 1].outputs))
            return 0;
    }
    return 1;
}

static size_t stream_size(const fr_stage *stages, int count, ptrdiff_t batch)
{
    fr_arena arena = {0};
    fr_step_stage stage;
    if (!stages_fit(stages, count, batch))
        return SIZE_MAX;
    (void)ARENA_TAKE(arena, 1, fr_stream);
    (void)ARENA_TAKE(arena, count, fr_step_stage);
    for (int k = 0; k < count; k++)
        place_stage(&stage, &stages[k], batch, &arena);
    return arena.overflow ? SIZE_MAX : arena.used;
}

/* ---- the weights ---- */

static void pack_dense(fr_step_stage *s, const REAL *kernel, const REAL *bias)
{
    for (ptrdiff_t v = 0; v * LANES < s->outputs; v++) {
        const ptrdiff_t left = s->outputs - v * LANES;
        for (ptrdiff_t k = 0; k < s->inputs; k++)
            store(s->packed + (v * s->inputs + k) * LANES,
                  load_part(kernel + k * s->outputs + v * LANES, left));
        store(s->bias + v * LANES, bias ? load_part(bias + v * LANES, left) : SPLAT(0));
    }
}

static void copy_row(REAL *to, const void *from, ptrdiff_t n)
{
    if (to && from)
        memcpy(to, from, (size_t)n * sizeof(REAL));
}

/* Pack the weights that products have, and keep copies of the cell's own. */
static void pack_recurrence(fr_recurrence *q, const fr_stage *stage)
{
    const fr_plan *p = &q->plan;
    const fr_cell_spec *cell = p->cell;
    REAL *own = q->own;
    memcpy(q->rnn.weights, stage->weights, sizeof q->rnn.weights);
    pack(p, 0, p->vectors);
    if (cell->projection)
        pack_projection(p, 0, p->output_vectors);
    memset(q->rnn.weights, 0, sizeof q->rnn.weights);
    for (int k = 0; k < cell->own_weights; k++) {
        const ptrdiff_t n = cell->own_rows[k] * p->H;
        const void *from = stage->weights[cell->first_own + k];
        copy_row(own, from, n);
        q->rnn.weights[cell->first_own + k] = from ? own : NULL;
        own += n;
    }
}

static void stream_pack(void *stream, const fr_stage *stages)
{
    const fr_stream *all = stream;
    for (int k = 0; k < all->count; k++) {
        fr_step_stage *s = &all->stages[k];
        const fr_stage *stage = &stages[k];
        if (s->kind == FR_STAGE_RECURRENT) {
            pack_recurrence(s->recurrence, stage);
        } else if (s->kind == FR_STAGE_DENSE) {
            pack_dense(s, stage->weights[FR_KERNEL], stage->weights[FR_BIAS]);
        } else if (s->kind == FR_STAGE_EMBED) {
            copy_row(s->packed, stage->weights[FR_KERNEL], s->inputs * s->outputs);
        } else {
            copy_row(s->mean, stage->mean, s->outputs);
            copy_row(s->rate, stage->rate, s->outputs);
            copy_row(s->gamma, stage->gamma, s->outputs);
            copy_row(s->beta, stage->beta, s->outputs);
        }
    }
}

/* Which workspace row each row of the batch reads and which it writes, and the 1 in each. */
static void start_recurrence(fr_recurrence *q, ptrdiff_t batch)
{
    const fr_plan *p = &q->plan;
    for (int32_t b = 0; b < batch; b++) {
        const int32_t other = (int32_t)batch + b;
        q->rows[0][b] = (fr_sample){.b = b, .row = b, .next = other};
        q->rows[1][b] = (fr_sample){.b = b, .row = other, .next = b};
        for (int g = 0; g < p->input_rows; g++)
            input_row(p, b, g)[p->F] = input_row(p, other, g)[p->F] = 1;
    }
}

static void stream_make(void *stream, const fr_stage *stages, int count, ptrdiff_t batch)
{
    fr_arena arena = {.base = stream};
    memset(stream, 0, stream_size(stages, count, batch));
    fr_stream *all = ARENA_TAKE(arena, 1, fr_stream);
    all->batch = batch, all->count = count;
    all->stages = ARENA_TAKE(arena, count, fr_step_stage);
    for (int k = 0; k < count; k++) {
        place_stage(&all->stages[k], &stages[k], batch, &arena);
        if (all->stages[k].recurrence)
            start_recurrence(all->stages[k].recurrence, batch);
    }
    stream_pack(stream, stages);
}

static void stream_share(void *stream, fr_team *team)
{
    fr_stream *all = stream;
    all->team = team;
}

#endif
