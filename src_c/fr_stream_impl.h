/* Streams: the stages of a chain, their memory and their weights. See fr_stream.h.
 *
 * A recurrent stage is the plan of a long pass that saves nothing, with its weights packed once for
 * all; its two slots for each row take turns. So its steps are the steps of that pass, with the same
 * bits: a batch of one row sums the input side first, in order, as `project_inputs` does there.
 */

typedef struct {
    fr_rnn rnn;
    FN(fr_plan) plan;
    FN(fr_row) * rows[2]; /* of even and of odd steps */
    int parity;
} FN(fr_recurrence);

typedef struct FN(fr_step_stage) {
    enum fr_stage_kind kind;
    int activation;
    ptrdiff_t inputs, outputs;
    REAL epsilon;
    REAL *packed;                     /* DENSE, EMBED */
    REAL *bias;                       /* DENSE, up to whole vectors; zeros without bias */
    REAL *mean, *rate, *gamma, *beta; /* SCALE, NORMALIZE; or NULL */
    FN(fr_recurrence) * recurrence;
    REAL *result; /* (B, outputs), unless it is the last stage */
} FN(fr_step_stage);

typedef struct {
    ptrdiff_t batch;
    int count;
    fr_crew *crew; /* or NULL */
    FN(fr_step_stage) * stages;
} FN(fr_stream);

/* Rows of numbers, each `stride` after the one before. */
typedef struct {
    const REAL *x;
    ptrdiff_t x_stride;
    REAL *y;
    ptrdiff_t y_stride;
} FN(fr_rows);

/* ---- the memory ---- */

#define LONG_PASS 1000      /* steps of the pass whose plan a stream follows */
#define SHARED_STEP 262144 /* bytes of weights of a layer that helpers take part in */

/* A pass, and its plan, with room for its arrays in `pieces`. */
static void FN(place_recurrence)(FN(fr_recurrence) * q, const fr_stage *stage, ptrdiff_t batch,
                                 FN(fr_pieces) * pieces)
{
    memset(q, 0, sizeof *q);
    q->rnn = (fr_rnn){.cell = stage->cell,
                      .activation = stage->activation,
                      .recurrent_activation = stage->recurrent_activation,
                      .batch = batch,
                      .timesteps = LONG_PASS,
                      .features = stage->inputs,
                      .units = stage->outputs,
                      .return_sequences = 1,
                      .threads = 1};
    FN(fr_plan) *p = &q->plan;
    FN(plan_sizes)(p, &q->rnn);
    p->size = 1;
    FN(place_workspace)(p, pieces);
    p->packed = TAKE(*pieces, FN(packed_numbers)(p), REAL);
    q->rows[0] = TAKE(*pieces, batch, FN(fr_row));
    q->rows[1] = TAKE(*pieces, batch, FN(fr_row));
}

static ptrdiff_t FN(whole_vectors)(ptrdiff_t n)
{
    return (n + LANES - 1) / LANES * LANES;
}

static void FN(place_stage)(FN(fr_step_stage) * s, const fr_stage *stage, ptrdiff_t batch,
                            FN(fr_pieces) * pieces)
{
    memset(s, 0, sizeof *s);
    s->kind = stage->kind, s->activation = stage->activation;
    s->inputs = stage->inputs, s->outputs = stage->outputs;
    s->epsilon = (REAL)stage->epsilon;
    s->result = TAKE(*pieces, batch * s->outputs, REAL);
    if (s->kind == FR_STAGE_RECURRENT) {
        FN(fr_recurrence) local, *q = TAKE(*pieces, 1, FN(fr_recurrence));
        FN(place_recurrence)(q ? q : &local, stage, batch, pieces);
        s->recurrence = q;
    } else if (s->kind == FR_STAGE_DENSE) {
        s->packed = TAKE(*pieces, s->inputs * FN(whole_vectors)(s->outputs), REAL);
        s->bias = TAKE(*pieces, FN(whole_vectors)(s->outputs), REAL);
    } else if (s->kind == FR_STAGE_EMBED) {
        s->packed = TAKE(*pieces, s->inputs * s->outputs, REAL);
    } else {
        s->mean = stage->mean ? TAKE(*pieces, s->outputs, REAL) : NULL;
        s->rate = stage->rate ? TAKE(*pieces, s->outputs, REAL) : NULL;
        s->gamma = stage->gamma ? TAKE(*pieces, s->outputs, REAL) : NULL;
        s->beta = stage->beta ? TAKE(*pieces, s->outputs, REAL) : NULL;
    }
}

/* Whether no product of sizes below can overflow; TAKE checks the bytes. */
static int FN(sizes_fit)(const fr_stage *stage, ptrdiff_t batch)
{
    const ptrdiff_t most = INT32_MAX / 16;
    if (stage->inputs < 1 || stage->inputs > most || stage->outputs < 1 || stage->outputs > most)
        return 0;
    const double row = (double)stage->inputs + (double)stage->outputs + 256;
    const double weights = row * ((double)stage->outputs + 64) * 4 * sizeof(REAL);
    const double rows = row * (double)batch * 16 * sizeof(REAL);
    return weights < (double)(PTRDIFF_MAX / 4) && rows < (double)(PTRDIFF_MAX / 4);
}

static int FN(stages_fit)(const fr_stage *stages, int count, ptrdiff_t batch)
{
    if (count < 1 || batch < 1 || batch > INT32_MAX / 16)
        return 0;
    for (int k = 0; k < count; k++) {
        const fr_stage *stage = &stages[k];
        const enum fr_stage_kind kind = stage->kind;
        if ((int)kind < 0 || kind >= FR_STAGE_KIND_COUNT || (int)stage->cell < 0 ||
            stage->cell >= FR_CELL_COUNT || !FN(sizes_fit)(stage, batch))
            return 0;
        const int resizes = kind == FR_STAGE_RECURRENT || kind == FR_STAGE_DENSE ||
                            kind == FR_STAGE_EMBED;
        if (!resizes && stage->inputs != stage->outputs)
            return 0;
        if (k > 0 && (kind == FR_STAGE_EMBED || stage->inputs != stages[k - 1].outputs))
            return 0;
    }
    return 1;
}

static size_t FN(stream_size)(const fr_stage *stages, int count, ptrdiff_t batch)
{
    FN(fr_pieces) pieces = {0};
    FN(fr_step_stage) stage;
    if (!FN(stages_fit)(stages, count, batch))
        return SIZE_MAX;
    (void)TAKE(pieces, 1, FN(fr_stream));
    (void)TAKE(pieces, count, FN(fr_step_stage));
    for (int k = 0; k < count; k++)
        FN(place_stage)(&stage, &stages[k], batch, &pieces);
    return pieces.overflow ? SIZE_MAX : pieces.used;
}

/* ---- the weights ---- */

static void FN(pack_dense)(FN(fr_step_stage) * s, const REAL *kernel, const REAL *bias)
{
    for (ptrdiff_t v = 0; v * LANES < s->outputs; v++) {
        const ptrdiff_t left = s->outputs - v * LANES;
        for (ptrdiff_t k = 0; k < s->inputs; k++)
            FN(store)(s->packed + (v * s->inputs + k) * LANES,
                      FN(load_part)(kernel + k * s->outputs + v * LANES, left));
        FN(store)(s->bias + v * LANES, bias ? FN(load_part)(bias + v * LANES, left) : SPLAT(0));
    }
}

static void FN(copy_row)(REAL *to, const void *from, ptrdiff_t n)
{
    if (to && from)
        memcpy(to, from, (size_t)n * sizeof(REAL));
}

static void FN(stream_pack)(void *stream, const fr_stage *stages)
{
    const FN(fr_stream) *all = stream;
    for (int k = 0; k < all->count; k++) {
        FN(fr_step_stage) *s = &all->stages[k];
        const fr_stage *stage = &stages[k];
        if (s->kind == FR_STAGE_RECURRENT) {
            fr_rnn *r = &s->recurrence->rnn;
            r->kernel = stage->kernel, r->recurrent_kernel = stage->recurrent_kernel;
            r->bias = stage->bias;
            FN(pack)(&s->recurrence->plan, 0, s->recurrence->plan.vectors);
            r->kernel = r->recurrent_kernel = r->bias = NULL;
        } else if (s->kind == FR_STAGE_DENSE) {
            FN(pack_dense)(s, stage->kernel, stage->bias);
        } else if (s->kind == FR_STAGE_EMBED) {
            FN(copy_row)(s->packed, stage->kernel, s->inputs * s->outputs);
        } else {
            FN(copy_row)(s->mean, stage->mean, s->outputs);
            FN(copy_row)(s->rate, stage->rate, s->outputs);
            FN(copy_row)(s->gamma, stage->gamma, s->outputs);
            FN(copy_row)(s->beta, stage->beta, s->outputs);
        }
    }
}

/* Which slot each row reads and which it writes, and the 1 in each. */
static void FN(start_recurrence)(FN(fr_recurrence) * q, ptrdiff_t batch)
{
    const FN(fr_plan) *p = &q->plan;
    for (int32_t b = 0; b < batch; b++) {
        const int32_t other = (int32_t)batch + b;
        q->rows[0][b] = (FN(fr_row)){.b = b, .slot = b, .next = other};
        q->rows[1][b] = (FN(fr_row)){.b = b, .slot = other, .next = b};
        for (int g = 0; g < p->sub_rows; g++)
            FN(sub_row)(p, b, g)[p->F] = FN(sub_row)(p, other, g)[p->F] = 1;
    }
}

static void FN(stream_make)(void *stream, const fr_stage *stages, int count, ptrdiff_t batch)
{
    FN(fr_pieces) pieces = {.base = stream};
    memset(stream, 0, FN(stream_size)(stages, count, batch));
    FN(fr_stream) *all = TAKE(pieces, 1, FN(fr_stream));
    all->batch = batch, all->count = count;
    all->stages = TAKE(pieces, count, FN(fr_step_stage));
    for (int k = 0; k < count; k++) {
        FN(place_stage)(&all->stages[k], &stages[k], batch, &pieces);
        if (all->stages[k].recurrence)
            FN(start_recurrence)(all->stages[k].recurrence, batch);
    }
    FN(stream_pack)(stream, stages);
}

static void FN(stream_share)(void *stream, fr_crew *crew)
{
    FN(fr_stream) *all = stream;
    all->crew = crew;
}
