/* Whole passes: the sizes of their buffers, and their threads. */

#define MAX_PASSES 8
#define THREAD_FLOP 5.0e6      /* less work than this for each thread is not worth waking one */
#define BARRIER_FLOP 2.0e5     /* and of one step, not worth the barriers that sharing units needs */
#define SHARED_WEIGHTS 786432  /* bytes of weights that stay in a second-level cache */

/* A kind of pass: its scratch, and what each of its threads does. */
typedef struct {
    int backward;
    void (*place_scratch)(FN(fr_plan) * p, FN(fr_pieces) * scratch, int threads);
    void (*thread)(const FN(fr_plan) * p, int rank);
} FN(fr_kind);

typedef struct {
    FN(fr_plan) plans[MAX_PASSES];
    fr_barrier barriers[MAX_PASSES];
    int count, threads;
    const FN(fr_kind) * kind;
} FN(fr_run);

static fr_sizes FN(sizes)(const fr_rnn *r)
{
    FN(fr_plan) plan;
    FN(plan_sizes)(&plan, r);
    FN(fr_pieces) workspace = {0}, forward = {0}, backward = {0};
    FN(place_workspace)(&plan, &workspace);
    FN(place_forward_scratch)(&plan, &forward, r->threads);
    FN(place_backward_scratch)(&plan, &backward, r->threads);
    fr_sizes sizes = {workspace.used, forward.used, backward.used};
    if (workspace.overflow | forward.overflow | backward.overflow)
        sizes.workspace = sizes.forward_scratch = sizes.backward_scratch = SIZE_MAX;
    return sizes;
}

/* Bytes of a weight. */
static size_t FN(weight_size)(const fr_rnn *r)
{
    return r->weights == FR_INT8_WEIGHTS ? 1 : r->weights == FR_BF16_WEIGHTS ? 2 : sizeof(REAL);
}

/* Operations on weights of 8 bits take about a quarter of the time, and count so. */
static double FN(flop_of_step)(const FN(fr_plan) * p, int backward)
{
    const ptrdiff_t terms = backward ? p->H : p->terms;
    const double each = p->r->weights == FR_INT8_WEIGHTS ? 0.5 : 2.0;
    return each * (double)p->B * (double)(p->G * p->H) * (double)terms;
}

/* How many threads the work of a pass is worth. */
static double FN(useful_threads)(const FN(fr_plan) * p, int backward)
{
    const double every = backward ? 2.0 : 1.0; /* dx and the weight gradients are taken afterwards */
    const double terms = (double)p->terms / (double)(backward ? p->H : p->terms);
    return FN(flop_of_step)(p, backward) * terms * every * (double)p->T / THREAD_FLOP;
}

/* Threads of a pass, at most `threads`, and what they share. Rows, as long as every thread's weights
 * stay in its cache: no barrier. Else the units, with a barrier at each step. */
static void FN(share_work)(FN(fr_plan) * p, int threads, int backward)
{
    const ptrdiff_t weights = (p->vectors * LANES) * p->G * (backward ? p->H : p->terms);
    const double useful = FN(useful_threads)(p, backward);
    ptrdiff_t size = useful < (double)threads ? (ptrdiff_t)useful : threads;
    const int rows = weights * (ptrdiff_t)FN(weight_size)(p->r) <= SHARED_WEIGHTS && p->B >= 2 * size &&
                     !p->input_part;
    const int units = FN(flop_of_step)(p, backward) >= BARRIER_FLOP * (double)size;
    p->by_units = !rows && units;
    if (p->r->eager) {
        size = threads;
        p->by_units = p->r->eager > 1;
    }
    const ptrdiff_t most = p->by_units ? p->vectors : p->input_part ? 1 : p->B / 2;
    size = size < most ? size : most;
    p->size = size > 1 ? (int)size : 1;
    p->by_units &= p->size > 1;
}

/* Each pass has threads of its own where there are enough; else each thread has some passes. */
static void FN(run_thread)(void *context, int rank)
{
    FN(fr_run) *run = context;
    const int each = run->threads / run->count;
    for (int k = 0; k < run->count; k++) {
        FN(fr_plan) *p = &run->plans[k];
        const int own = each ? rank - k * each : (k % run->threads == rank ? 0 : -1);
        if (own < 0 || own >= p->size)
            continue;
        run->kind->thread(p, own);
    }
}

static void FN(run_passes)(const fr_rnn *rnns, int count, const FN(fr_kind) * kind)
{
    const int backward = kind->backward;
    FN(fr_run) run = {.count = count, .kind = kind};
    double useful = 0;
    for (int k = 0; k < count; k++) {
        FN(fr_plan) *p = &run.plans[k];
        FN(plan_sizes)(p, &rnns[k]);
        FN(fr_pieces) workspace = {.base = rnns[k].workspace}, scratch = {.base = rnns[k].scratch};
        FN(place_workspace)(p, &workspace);
        kind->place_scratch(p, &scratch, rnns[k].threads);
        if (!backward && p->r->save)
            FN(index_steps)(p);
        useful += FN(useful_threads)(p, backward);
    }
    const int wanted = useful < rnns[0].threads && !rnns[0].eager ? (int)useful : rnns[0].threads;
    const int acquired = fr_pool_acquire(wanted);
    run.threads = acquired;
    const int each = run.threads / count;
    for (int k = 0; k < count; k++) {
        FN(share_work)(&run.plans[k], each > 1 ? each : 1, backward);
        fr_barrier_init(&run.barriers[k], run.plans[k].size);
        run.plans[k].barrier = &run.barriers[k];
    }
    fr_pool_run(run.threads, FN(run_thread), &run);
    fr_pool_release(acquired);
}

static void FN(run_forward)(const fr_rnn *rnns, int count)
{
    const FN(fr_kind) kind = {0, FN(place_forward_scratch), FN(forward_thread)};
    FN(run_passes)(rnns, count, &kind);
}

static void FN(run_backward)(const fr_rnn *rnns, int count)
{
    const FN(fr_kind) kind = {1, FN(place_backward_scratch), FN(backward_thread)};
    FN(run_passes)(rnns, count, &kind);
}

#define CHAINS 12 /* enough to hide the latency, few enough for 16 registers */

static double FN(fma_loop)(long turns)
{
    V sum[CHAINS];
    volatile REAL one = 1; /* the compiler must not know that nothing changes */
    const V factor = SPLAT(one);
    FR_UNROLL_ALL for (int i = 0; i < CHAINS; i++) sum[i] = SPLAT(i);
    for (long k = 0; k < turns; k++) {
        FR_UNROLL_ALL for (int i = 0; i < CHAINS; i++) sum[i] = fma_(sum[i], factor, factor);
    }
    V total = SPLAT(0);
    FR_UNROLL_ALL for (int i = 0; i < CHAINS; i++) total += sum[i];
    volatile REAL kept = total[0];
    (void)kept;
    return 2.0 * CHAINS * (double)LANES * (double)turns;
}

#undef CHAINS
