#if !defined(_WIN32)
#define _GNU_SOURCE /* affinity, on Linux */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#endif

#include "fr_pool.h"

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

#if defined(_WIN32)

/* No threads here: every task runs on its caller. */
void fr_barrier_wait(fr_barrier *barrier)
{
    (void)barrier;
}

int fr_pool_acquire(int threads)
{
    (void)threads;
    return 1;
}

void fr_pool_run(int threads, void (*task)(void *context, int rank), void *context)
{
    (void)threads;
    task(context, 0);
}

void fr_pool_release(int threads)
{
    (void)threads;
}

#else

static void wait_turn(int turn)
{
    if (turn < SPIN_TURNS)
        FR_PAUSE();
    else
        sched_yield();
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
    pthread_mutex_t owner; /* held by the caller whose task runs */
    pthread_mutex_t lock;  /* of everything below but `running` */
    pthread_cond_t task_given, task_done;
    int workers;
    unsigned given; /* number of the task */
    void (*task)(void *context, int rank);
    void *context;
    int threads;
    int caller_cpu; /* or -1 where it does not matter */
    atomic_int running; /* workers that are not done with the task */
} pool = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
          PTHREAD_COND_INITIALIZER,  0, 0, NULL, NULL, 0, -1, 0};

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

static void *work(void *argument)
{
    const worker_start *start = argument;
    const int rank = start->rank;
    unsigned seen = start->seen;
    for (;;) {
        pthread_mutex_lock(&pool.lock);
        while (pool.given == seen)
            pthread_cond_wait(&pool.task_given, &pool.lock);
        seen = pool.given;
        const int mine = rank < pool.threads;
        void (*task)(void *, int) = pool.task;
        void *context = pool.context;
        const int cpu = pool.caller_cpu;
        pthread_mutex_unlock(&pool.lock);
        if (!mine)
            continue;
        fr_leave_cpu(cpu);
        task(context, rank);
        if (atomic_fetch_sub_explicit(&pool.running, 1, memory_order_acq_rel) == 1) {
            pthread_mutex_lock(&pool.lock);
            pthread_cond_signal(&pool.task_done);
            pthread_mutex_unlock(&pool.lock);
        }
    }
    return NULL;
}

/* Make workers until there are `wanted`, or no more can be had. Signals stay with other threads. */
static int make_workers(int wanted)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes))
        return pool.workers;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool.workers < wanted) {
        pthread_t thread;
        worker_start *start = &starts[pool.workers];
        *start = (worker_start){pool.workers + 1, pool.given};
        if (pthread_create(&thread, &attributes, work, start))
            break;
        pool.workers++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return pool.workers;
}

int fr_pool_acquire(int threads)
{
    if (threads < 2)
        return 1;
    pthread_once(&fork_handler, install_fork_handler);
    if (pthread_mutex_trylock(&pool.owner))
        return 1;
    const int wanted = threads - 1 < MAX_WORKERS ? threads - 1 : MAX_WORKERS;
    const int workers = pool.workers < wanted ? make_workers(wanted) : wanted;
    if (workers == 0) {
        pthread_mutex_unlock(&pool.owner);
        return 1;
    }
    return 1 + workers;
}

void fr_pool_run(int threads, void (*task)(void *context, int rank), void *context)
{
    if (threads > 1) {
        pthread_mutex_lock(&pool.lock);
        pool.task = task;
        pool.context = context;
        pool.threads = threads;
        pool.caller_cpu = fr_caller_cpu(threads);
        atomic_store_explicit(&pool.running, threads - 1, memory_order_relaxed);
        pool.given++;
        pthread_cond_broadcast(&pool.task_given);
        pthread_mutex_unlock(&pool.lock);
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
    pthread_mutex_lock(&pool.lock);
    while (atomic_load_explicit(&pool.running, memory_order_acquire) != 0)
        pthread_cond_wait(&pool.task_done, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
}

void fr_pool_release(int threads)
{
    if (threads > 1)
        pthread_mutex_unlock(&pool.owner);
}

#endif
