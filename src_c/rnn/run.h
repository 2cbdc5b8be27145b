/* Whole passes: the sizes of their buffers, and their threads. */
#ifndef FR_RNN_RUN_H
#define FR_RNN_RUN_H

#include "api/fr_testing.h"
#include "isa/engine.h"
#include "rnn/backward.h"
#include "rnn/forward.h"
#include "rnn/layout.h"

#define MAX_PASSES 8
#define BARRIER_FLOP 2.0e5    /* and of one step, not worth the barriers that sharing units needs */
#define SHARED_WEIGHTS 786432 /* bytes of weights that stay in a second-level cache */

/* A kind of pass: its scratch, and what each of its threads does. */
typedef struct {
    int backward;
    void (*place_scratch)(fr_plan *p, fr_arena *scratch, int threads);
    void (*thread)(const fr_plan *p, int rank);
} fr_kind;

typedef struct {
    fr_plan plans[MAX_PASSES];
    fr_barrier barriers[MAX_PASSES];
    int count, threads;
    const fr_kind *kind;
} fr_run;

static fr_sizes sizes_of_pass(const fr_rnn *r)
{
    fr_plan plan;
    plan_sizes(&plan, r);
    fr_arena workspace = {0}, forward = {0}, backward = {0};
    place_workspace(&plan, &workspace);
    place_forward_scratch(&plan, &forward, r->threads);
    if (!r->weight_format) /* which are for inference */
        place_backward_scratch(&plan, &backward, r->threads);
    fr_sizes sizes = {workspace.used, forward.used, backward.used};
    if (workspace.overflow | forward.overflow | backward.overflow)
        sizes.workspace = sizes.forward_scratch = sizes.backward_scratch = SIZE_MAX;
    return sizes;
}

/* Bytes of a weight. */
static size_t weight_size(const fr_rnn *r)
{
    return r->weight_format == FR_INT8_WEIGHTS   ? 1
           : r->weight_format == FR_BF16_WEIGHTS ? 2
                                                 : sizeof(REAL);
}

/* Operations on weights of 8 bits take about a quarter of the time, and count so. */
static double flop_of_step(const fr_plan *p, int backward)
{
    const ptrdiff_t terms = backward ? p->P : p->K;
    const double each = p->r->weight_format == FR_INT8_WEIGHTS ? 0.5 : 2.0;
    return each * (double)p->B * (double)(p->G * p->H) * (double)terms;
}

/* How many threads the work of a pass is worth. */
static double useful_threads(const fr_plan *p, int backward)
{
    const double every =
        backward ? 2.0 : 1.0; /* dx and the weight gradients are taken afterwards */
    const double terms = (double)p->K / (double)(backward ? p->P : p->K);
    return flop_of_step(p, backward) * terms * every * (double)p->T / THREAD_FLOP;
}

/* Threads of a pass, at most `threads`, and what they share. Rows, as long as every thread's weights
 * stay in its cache: no barrier. Else the units, with a barrier at each step. */
static void share_work(fr_plan *p, int threads, int backward)
{
    const ptrdiff_t weights = (p->vectors * LANES) * p->G * (backward ? p->P : p->K);
    const double useful = useful_threads(p, backward);
    ptrdiff_t size = useful < (double)threads ? (ptrdiff_t)useful : threads;
    const int rows = weights * (ptrdiff_t)weight_size(p->r) <= SHARED_WEIGHTS && p->B >= 2 * size &&
                     !p->input_part;
    const int units = flop_of_step(p, backward) >= BARRIER_FLOP * (double)size;
    p->by_units = !rows && units;
    const int forced = fr_forced_sharing();
    if (forced) {
        size = threads;
        p->by_units = forced == FR_SHARE_UNITS;
    }
    const ptrdiff_t most = p->by_units ? p->vectors : p->input_part ? 1 : p->B / 2;
    size = size < most ? size : most;
    p->size = size > 1 ? (int)size : 1;
    p->by_units &= p->size > 1;
}

/* Each pass has threads of its own where there are enough; else each thread has some passes. */
static void run_thread(void *context, int rank)
{
    fr_run *run = context;
    const int each = run->threads / run->count;
    for (int k = 0; k < run->count; k++) {
        fr_plan *p = &run->plans[k];
        const int own = each ? rank - k * each : (k % run->threads == rank ? 0 : -1);
        if (own < 0 || own >= p->size)
            continue;
        run->kind->thread(p, own);
    }
}

static void run_passes(const fr_rnn *rnns, int count, const fr_kind *kind)
{
    const int backward = kind->backward;
    fr_run run; /* plans beyond `count` are never read, and to clear them takes time */
    run.count = count, run.kind = kind;
    double useful = 0;
    for (int k = 0; k < count; k++) {
        fr_plan *p = &run.plans[k];
        plan_sizes(p, &rnns[k]);
        fr_arena workspace = {.base = rnns[k].workspace}, scratch = {.base = rnns[k].scratch};
        place_workspace(p, &workspace);
        kind->place_scratch(p, &scratch, rnns[k].threads);
        if (!backward && p->r->save)
            index_steps(p);
        useful += useful_threads(p, backward);
    }
    const int wanted =
        useful < rnns[0].threads && !fr_forced_sharing() ? (int)useful : rnns[0].threads;
    const int acquired = fr_pool_acquire(wanted);
    run.threads = acquired;
    const int each = run.threads / count;
    for (int k = 0; k < count; k++) {
        share_work(&run.plans[k], each > 1 ? each : 1, backward);
        fr_barrier_init(&run.barriers[k], run.plans[k].size);
        run.plans[k].barrier = &run.barriers[k];
    }
    fr_pool_run(run.threads, run_thread, &run);
    fr_pool_release(acquired);
}

static void run_forward(const fr_rnn *rnns, int count)
{
    const fr_kind kind = {0, place_forward_scratch, forward_thread};
    run_passes(rnns, count, &kind);
}

static void run_backward(const fr_rnn *rnns, int count)
{
    const fr_kind kind = {1, place_backward_scratch, backward_thread};
    run_passes(rnns, count, &kind);
}

#endif
