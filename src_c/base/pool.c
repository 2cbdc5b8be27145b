#include "base/pool.h"

#include "base/threads.h"

#include <stddef.h>

/* Turns of a waiting loop, a few microseconds, before a thread lets others run: where more threads
 * than cores are at work, the one waited for may need this one's. */
#define SPIN_TURNS 250
/* Turns in which it then lets others run, before it sleeps: some hundred microseconds. */
#define YIELD_TURNS 500

void fr_barrier_init(fr_barrier *barrier, int size)
{
    atomic_init(&barrier->waiting, 0);
    atomic_init(&barrier->phase, 0);
    barrier->size = size;
}

static void wait_turn(int turn)
{
    if (turn < SPIN_TURNS)
        FR_PAUSE();
    else
        fr_yield();
}

void fr_barrier_wait(fr_barrier *barrier)
{
    const int phase = atomic_load_explicit(&barrier->phase, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&barrier->waiting, 1, memory_order_acq_rel) + 1 ==
        barrier->size) {
        atomic_store_explicit(&barrier->waiting, 0, memory_order_relaxed);
        atomic_store_explicit(&barrier->phase, phase + 1, memory_order_release);
        return;
    }
    for (int turn = 0; atomic_load_explicit(&barrier->phase, memory_order_acquire) == phase; turn++)
        wait_turn(turn < SPIN_TURNS ? turn : SPIN_TURNS);
}

#define MAX_WORKERS 255

static struct {
    fr_mutex owner; /* held by the caller whose task runs */
    fr_mutex lock;  /* of everything below but `running` */
    fr_condition task_given, task_done;
    int workers;
    unsigned given; /* number of the task */
    void (*task)(void *context, int rank);
    void *context;
    int threads;
    int caller_cpu;     /* or -1 where it does not matter */
    atomic_int running; /* workers that are not done with the task */
} pool = {
    .owner = FR_MUTEX_INITIALIZER,
    .lock = FR_MUTEX_INITIALIZER,
    .task_given = FR_CONDITION_INITIALIZER,
    .task_done = FR_CONDITION_INITIALIZER,
    .caller_cpu = -1,
};

/* The child has none of the threads, and locks in whatever state they were. */
static void forget_threads(void)
{
    fr_mutex_init(&pool.owner);
    fr_mutex_init(&pool.lock);
    fr_condition_init(&pool.task_given);
    fr_condition_init(&pool.task_done);
    pool.workers = 0;
    pool.given = 0;
    atomic_store(&pool.running, 0);
}

static void handle_forks(void)
{
    static atomic_flag done = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&done))
        fr_at_fork(forget_threads);
}

typedef struct {
    int rank;
    unsigned seen; /* the task that was given before */
    fr_thread thread;
} worker;

static worker workers[MAX_WORKERS];

static void work(void *argument)
{
    const worker *start = argument;
    const int rank = start->rank;
    unsigned seen = start->seen;
    for (;;) {
        fr_lock(&pool.lock);
        while (pool.given == seen)
            fr_wait(&pool.task_given, &pool.lock);
        seen = pool.given;
        const int mine = rank < pool.threads;
        void (*task)(void *, int) = pool.task;
        void *context = pool.context;
        const int cpu = pool.caller_cpu;
        fr_unlock(&pool.lock);
        if (!mine)
            continue;
        fr_leave_cpu(cpu);
        task(context, rank);
        if (atomic_fetch_sub_explicit(&pool.running, 1, memory_order_acq_rel) == 1) {
            fr_lock(&pool.lock);
            fr_wake_one(&pool.task_done);
            fr_unlock(&pool.lock);
        }
    }
}

/* Make workers until there are `wanted`, or no more can be had. */
static int make_workers(int wanted)
{
    while (pool.workers < wanted) {
        worker *start = &workers[pool.workers];
        start->rank = pool.workers + 1, start->seen = pool.given;
        if (!fr_start_thread(&start->thread, work, start))
            break;
        pool.workers++;
    }
    return pool.workers;
}

int fr_pool_acquire(int threads)
{
    if (threads < 2)
        return 1;
    handle_forks();
    if (!fr_try_lock(&pool.owner))
        return 1;
    const int wanted = threads - 1 < MAX_WORKERS ? threads - 1 : MAX_WORKERS;
    const int workers = pool.workers < wanted ? make_workers(wanted) : wanted;
    if (workers == 0) {
        fr_unlock(&pool.owner);
        return 1;
    }
    return 1 + workers;
}

void fr_pool_run(int threads, void (*task)(void *context, int rank), void *context)
{
    if (threads > 1) {
        fr_lock(&pool.lock);
        pool.task = task;
        pool.context = context;
        pool.threads = threads;
        pool.caller_cpu = fr_caller_cpu(threads);
        atomic_store_explicit(&pool.running, threads - 1, memory_order_relaxed);
        pool.given++;
        fr_wake_all(&pool.task_given);
        fr_unlock(&pool.lock);
    }
    task(context, 0);
    if (threads < 2)
        return;
    /* A worker that slept begins later, and so ends later: to sleep now would cost as much again. */
    for (int turn = 0; turn < SPIN_TURNS + YIELD_TURNS; turn++) {
        if (atomic_load_explicit(&pool.running, memory_order_acquire) == 0)
            return;
        wait_turn(turn);
    }
    fr_lock(&pool.lock);
    while (atomic_load_explicit(&pool.running, memory_order_acquire) != 0)
        fr_wait(&pool.task_done, &pool.lock);
    fr_unlock(&pool.lock);
}

void fr_pool_release(int threads)
{
    if (threads > 1)
        fr_unlock(&pool.owner);
}
