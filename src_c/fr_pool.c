#if defined(__linux__)
#define _GNU_SOURCE /* affinity */
#endif

#include "fr_pool.h"
#include "fr_threads.h"

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
    if (atomic_fetch_add_explicit(&barrier->waiting, 1, memory_order_acq_rel) + 1 == barrier->size) {
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
    int caller_cpu; /* or -1 where it does not matter */
    atomic_int running; /* workers that are not done with the task */
} pool = {FR_MUTEX_INITIALIZER, FR_MUTEX_INITIALIZER, FR_CONDITION_INITIALIZER,
          FR_CONDITION_INITIALIZER, 0, 0, NULL, NULL, 0, -1, 0};

#if defined(_WIN32)

static void handle_forks(void) {} /* there are none */

#else

static pthread_once_t fork_handler = PTHREAD_ONCE_INIT;

/* The child has none of the threads, and locks in whatever state they were. */
static void forget_threads(void)
{
    pthread_mutex_init(&pool.owner, NULL);
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.task_given, NULL);
    pthread_cond_init(&pool.task_done, NULL);
    pool.workers = 0;
    pool.given = 0;
    atomic_store(&pool.running, 0);
}

static void install_fork_handler(void)
{
    pthread_atfork(NULL, NULL, forget_threads);
}

static void handle_forks(void)
{
    pthread_once(&fork_handler, install_fork_handler);
}

#endif

#if defined(__linux__)

int fr_caller_cpu(int threads)
{
    static _Thread_local int cpus; /* that this caller may use; asked for once */
    cpu_set_t allowed;
    if (!cpus)
        cpus = sched_getaffinity(0, sizeof allowed, &allowed) ? 1 : CPU_COUNT(&allowed);
    return threads <= cpus ? sched_getcpu() : -1;
}

/* A thread is often woken on the CPU of the one that wakes it, and would share it with the caller,
 * other CPUs being idle, until the system's next look. */
void fr_leave_cpu(int cpu)
{
    static _Thread_local int avoided = -1; /* the one that it left before */
    static _Thread_local cpu_set_t allowed;
    if (cpu < 0 || cpu == avoided || sched_getcpu() != cpu)
        return;
    if (avoided < 0 && sched_getaffinity(0, sizeof allowed, &allowed))
        return;
    cpu_set_t others = allowed;
    CPU_CLR(cpu, &others);
    if (CPU_COUNT(&others) && !sched_setaffinity(0, sizeof others, &others))
        avoided = cpu;
}

#else

int fr_caller_cpu(int threads)
{
    (void)threads;
    return -1;
}

void fr_leave_cpu(int cpu)
{
    (void)cpu;
}

#endif

typedef struct {
    int rank;
    unsigned seen;
} worker_start;

static worker_start starts[MAX_WORKERS];

static FR_THREAD_RESULT work(void *argument)
{
    const worker_start *start = argument;
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
    return FR_THREAD_END;
}

/* Make workers until there are `wanted`, or no more can be had. */
static int make_workers(int wanted)
{
    while (pool.workers < wanted) {
        worker_start *start = &starts[pool.workers];
        *start = (worker_start){pool.workers + 1, pool.given};
        if (!fr_start_thread(work, start))
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
