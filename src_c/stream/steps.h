/* Streams: a step of each kind of stage, a step of the whole chain, and the states. */
#ifndef FR_STREAM_STEPS_H
#define FR_STREAM_STEPS_H

#include "stream/stages.h"

/* ---- one step of each kind ---- */

/* One phase of a step: chunks of as many vectors as are multiplied at once, or of one row. */
typedef struct {
    fr_step step;
    int phase;
} fr_phase_step;

static void step_chunk(void *context, int chunk)
{
    const fr_phase_step *f = context;
    const fr_step *s = &f->step;
    const fr_plan *p = s->p;
    const fr_phase *phase = &p->cell->phase[f->phase];
    if (phase->kind == ROW_PHASE) {
        phase->row(s, &s->samples[chunk]);
        return;
    }
    const int projects = phase->kind == PROJECTION_PHASE;
    const ptrdiff_t all = projects ? p->output_vectors : p->vectors;
    const ptrdiff_t v = (ptrdiff_t)chunk * phase->vectors, left = all - v;
    const int vectors = (int)(left < phase->vectors ? left : phase->vectors);
    for (ptrdiff_t i = 0, n; i < s->count; i += n) {
        n = block_rows(s->count - i);
        if (projects)
            project_block(s, f->phase, i, (int)n, v, vectors);
        else
            step_block(s, f->phase, i, (int)n, v, vectors);
    }
}

/* How many chunks a phase has. */
static int chunks_of(const fr_step *s, const fr_phase *phase)
{
    const fr_plan *p = s->p;
    if (phase->kind == ROW_PHASE)
        return (int)s->count;
    const ptrdiff_t all = phase->kind == PROJECTION_PHASE ? p->output_vectors : p->vectors;
    return (int)((all + phase->vectors - 1) / phase->vectors);
}

static void step_recurrent(fr_step_stage *stage, ptrdiff_t batch, fr_team *team, const fr_rows *io)
{
    fr_recurrence *q = stage->recurrence;
    fr_plan *p = &q->plan;
    const fr_sample *rows = q->rows[q->parity];
    for (ptrdiff_t b = 0; b < batch; b++)
        for (int g = 0; g < p->input_rows; g++)
            copy_row(input_row(p, rows[b].row, g), io->x + b * io->x_stride, p->F);
    q->rnn.outputs = io->y;
    p->T = io->y_stride / p->P; /* step 0 of as many puts its rows that far apart */
    fr_phase_step f = {.step = {.p = p, .samples = rows, .count = batch}};
    if (packed_numbers(p) * sizeof(REAL) < SHARED_STEP)
        team = NULL;
    for (f.phase = 0; f.phase < p->cell->phases; f.phase++) {
        const int chunks = chunks_of(&f.step, &p->cell->phase[f.phase]);
        if (team) {
            fr_team_run(team, step_chunk, &f, chunks);
            continue;
        }
        for (int chunk = 0; chunk < chunks; chunk++)
            step_chunk(&f, chunk);
    }
    q->parity ^= 1;
}

static void step_dense(const fr_step_stage *s, ptrdiff_t batch, const fr_rows *io)
{
    V tile[TILE_VECTORS];
    const ptrdiff_t vectors = whole_vectors(s->outputs) / LANES;
    for (ptrdiff_t v = 0; v < vectors; v += FR_MAX_COLUMNS) {
        const int columns = (int)(vectors - v < FR_MAX_COLUMNS ? vectors - v : FR_MAX_COLUMNS);
        fr_operands o = {.a_step = 1,
                         .b = s->packed + v * s->inputs * LANES,
                         .b_step = LANES,
                         .b_column = s->inputs * LANES,
                         .terms = s->inputs,
                         .add = 1};
        for (ptrdiff_t i = 0, n; i < batch; i += n) {
            n = block_rows(batch - i);
            for (int r = 0; r < n; r++) {
                o.a[r] = io->x + (i + r) * io->x_stride;
                for (int c = 0; c < columns; c++)
                    tile[r * columns + c] = load(s->bias + (v + c) * LANES);
            }
            product((int)n, columns, &o, tile);
            for (int r = 0; r < n; r++) {
                REAL *y = io->y + (i + r) * io->y_stride;
                for (int c = 0; c < columns; c++)
                    store_part(y + (v + c) * LANES, activate(s->activation, tile[r * columns + c]),
                               s->outputs - (v + c) * LANES);
            }
        }
    }
}

/* Run through the vectors of n numbers: at j, of which `left` count. */
#define FOR_VECTORS(n) for (ptrdiff_t j = 0, left = (n); left > 0; j += LANES, left -= LANES)

static REAL sum_of(V v)
{
    REAL total = 0;
    for (ptrdiff_t l = 0; l < LANES; l++)
        total += v[l];
    return total;
}

/* 1 in the first n lanes. */
static FR_INLINE V ones(ptrdiff_t n)
{
    V v = SPLAT(0);
    for (ptrdiff_t l = 0; l < LANES && l < n; l++)
        v[l] = 1;
    return v;
}

static void step_scale(const fr_step_stage *s, ptrdiff_t batch, const fr_rows *io)
{
    for (ptrdiff_t b = 0; b < batch; b++) {
        const REAL *x = io->x + b * io->x_stride;
        FOR_VECTORS (s->outputs) {
            V y = load_part(x + j, left);
            if (s->mean)
                y -= load_part(s->mean + j, left);
            if (s->rate)
                y *= load_part(s->rate + j, left);
            if (s->gamma)
                y *= load_part(s->gamma + j, left);
            if (s->beta)
                y += load_part(s->beta + j, left);
            store_part(io->y + b * io->y_stride + j, y, left);
        }
    }
}

static void step_normalize(const fr_step_stage *s, ptrdiff_t batch, const fr_rows *io)
{
    const REAL n = (REAL)s->outputs;
    for (ptrdiff_t b = 0; b < batch; b++) {
        const REAL *x = io->x + b * io->x_stride;
        V sum = SPLAT(0), squares = SPLAT(0);
        FOR_VECTORS (s->outputs)
            sum += load_part(x + j, left);
        const V mean = SPLAT(sum_of(sum) / n);
        FOR_VECTORS (s->outputs) {
            V centred = load_part(x + j, left) - mean;
            if (left < LANES)
                centred = choose((VI)(ones(left) > SPLAT(0)), centred, SPLAT(0));
            squares += centred * centred;
        }
        const REAL variance = sum_of(squares) / n + s->epsilon;
        const V rate = SPLAT(1 / SQUARE_ROOT(variance));
        FOR_VECTORS (s->outputs) {
            V y = (load_part(x + j, left) - mean) * rate;
            if (s->gamma)
                y *= load_part(s->gamma + j, left);
            if (s->beta)
                y += load_part(s->beta + j, left);
            store_part(io->y + b * io->y_stride + j, y, left);
        }
    }
}

static void step_activate(const fr_step_stage *s, ptrdiff_t batch, const fr_rows *io)
{
    for (ptrdiff_t b = 0; b < batch; b++)
        FOR_VECTORS (s->outputs)
            store_part(io->y + b * io->y_stride + j,
                       activate(s->activation, load_part(io->x + b * io->x_stride + j, left)),
                       left);
}

static void step_softmax(const fr_step_stage *s, ptrdiff_t batch, const fr_rows *io)
{
    for (ptrdiff_t b = 0; b < batch; b++) {
        const REAL *x = io->x + b * io->x_stride;
        REAL *y = io->y + b * io->y_stride, most = x[0];
        for (ptrdiff_t k = 1; k < s->outputs; k++)
            most = x[k] > most ? x[k] : most;
        V sum = SPLAT(0);
        FOR_VECTORS (s->outputs) {
            V n;
            const V below = at_least(SPLAT(EXP_LOWEST), load_part(x + j, left) - SPLAT(most));
            const V q = reduced_expm1(below, &n);
            const V e = scale_by(q + SPLAT(1), n);
            sum += left < LANES ? choose((VI)(ones(left) > SPLAT(0)), e, SPLAT(0)) : e;
            store_part(y + j, e, left);
        }
        const V rate = SPLAT(sum_of(sum));
        FOR_VECTORS (s->outputs)
            store_part(y + j, load_part(y + j, left) / rate, left);
    }
}

/* ---- the whole chain ---- */

static void step_stage(fr_step_stage *s, ptrdiff_t batch, fr_team *team, const fr_rows *io)
{
    switch (s->kind) {
    case FR_STAGE_RECURRENT:
        step_recurrent(s, batch, team, io);
        break;
    case FR_STAGE_DENSE:
        step_dense(s, batch, io);
        break;
    case FR_STAGE_SCALE:
        step_scale(s, batch, io);
        break;
    case FR_STAGE_NORMALIZE:
        step_normalize(s, batch, io);
        break;
    case FR_STAGE_SOFTMAX:
        step_softmax(s, batch, io);
        break;
    default:
        step_activate(s, batch, io);
    }
}

/* The rows of the table for ids that stand `stride` apart. */
static int step_embed(const fr_step_stage *s, ptrdiff_t batch, const int64_t *ids, ptrdiff_t stride,
                      REAL *y, ptrdiff_t y_stride)
{
    for (ptrdiff_t b = 0; b < batch; b++)
        if (ids[b * stride] < 0 || ids[b * stride] >= s->inputs)
            return FR_STREAM_BAD_ID;
    for (ptrdiff_t b = 0; b < batch; b++)
        copy_row(y + b * y_stride, s->packed + ids[b * stride] * s->outputs, s->outputs);
    return FR_STREAM_DONE;
}

static int stream_step(void *stream, const void *x, void *y, ptrdiff_t step, ptrdiff_t steps)
{
    const fr_stream *all = stream;
    const fr_step_stage *last = &all->stages[all->count - 1];
    fr_rows io = {.y = (REAL *)y + step * last->outputs, .y_stride = steps * last->outputs};
    REAL *const final = io.y;
    const ptrdiff_t final_stride = io.y_stride;
    int k = 0;
    if (all->stages[0].kind == FR_STAGE_EMBED) {
        const fr_step_stage *s = &all->stages[k++];
        io.x = s == last ? final : s->result;
        io.x_stride = s == last ? final_stride : s->outputs;
        if (step_embed(s, all->batch, (const int64_t *)x + step, steps, (REAL *)io.x,
                       io.x_stride) == FR_STREAM_BAD_ID)
            return FR_STREAM_BAD_ID;
    } else {
        io.x = (const REAL *)x + step * all->stages[0].inputs;
        io.x_stride = steps * all->stages[0].inputs;
    }
    for (; k < all->count; k++) {
        fr_step_stage *s = &all->stages[k];
        io.y = s == last ? final : s->result;
        io.y_stride = s == last ? final_stride : s->outputs;
        step_stage(s, all->batch, all->team, &io);
        io.x = io.y, io.x_stride = io.y_stride;
    }
    return FR_STREAM_DONE;
}

/* ---- the states ---- */

/* Where row b of state `index` is; the length of the row in *size. */
static REAL *stream_state(const fr_stream *all, int index, ptrdiff_t b, ptrdiff_t *size)
{
    for (int k = 0; k < all->count; k++) {
        const fr_recurrence *q = all->stages[k].recurrence;
        const int states = q ? q->plan.cell->states : 0;
        if (index < states) {
            const int32_t row = q->rows[q->parity][b].row;
            *size = q->plan.state[index].size;
            return state_at(&q->plan, index, row, 0);
        }
        index -= states;
    }
    return NULL;
}

static void stream_read_state(const void *stream, int index, void *out)
{
    const fr_stream *all = stream;
    ptrdiff_t size;
    for (ptrdiff_t b = 0; b < all->batch; b++) {
        const REAL *state = stream_state(all, index, b, &size);
        if (state)
            copy_row((REAL *)out + b * size, state, size);
    }
}

static void stream_write_state(void *stream, int index, const void *from)
{
    const fr_stream *all = stream;
    ptrdiff_t size;
    for (ptrdiff_t b = 0; b < all->batch; b++) {
        REAL *state = stream_state(all, index, b, &size);
        if (state)
            copy_row(state, (const REAL *)from + b * size, size);
    }
}

static void stream_reset_row(void *stream, ptrdiff_t row)
{
    const fr_stream *all = stream;
    ptrdiff_t size;
    REAL *state;
    if (row < 0 || row >= all->batch)
        return;
    for (int index = 0; (state = stream_state(all, index, row, &size)); index++)
        memset(state, 0, (size_t)size * sizeof(REAL));
}

#endif
