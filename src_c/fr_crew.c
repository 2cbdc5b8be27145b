#if !defined(_WIN32)
#define _GNU_SOURCE /* clocks */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#endif

#include "fr_crew.h"
#include "fr_pool.h"

#include <stdint.h>
#include <string.h>

#define MOST_HELPERS 63
#define AWAKE_NS 1000000 /* a helper without work for so long sleeps */
#define TURNS_PER_LOOK 256 /* turns of a waiting loop, some microseconds, between looks at the clock */

#if defined(_WIN32)

struct fr_crew {
    int helpers;
};

size_t fr_crew_size(void)
{
    return sizeof(fr_crew);
}

int fr_crew_start(fr_crew *crew, int helpers)
{
    (void)helpers;
    crew->helpers = 0;
    return 0;
}

void fr_crew_run(fr_crew *crew, void (*work)(void *context, int chunk), void *context, int chunks)
{
    (void)crew;
    for (int chunk = 0; chunk < chunks; chunk++)
        work(context, chunk);
}

void fr_crew_stop(fr_crew *crew)
{
    (void)crew;
}

#else

/* Chunks that nobody has begun: [front, back). */
static uint64_t range(uint32_t front, uint32_t back)
{
    return (uint64_t)front << 32 | back;
}

static uint32_t front_of(uint64_t chunks)
{
    return (uint32_t)(chunks >> 32);
}

static uint32_t back_of(uint64_t chunks)
{
    return (uint32_t)chunks;
}

struct fr_crew {
    _Alignas(64) atomic_uint_fast64_t open; /* a `range` */
    _Alignas(64) atomic_int done;           /* chunks that helpers have finished */
    /* Of the work that is open; whoever has begun a chunk of it may read them. */
    void (*work)(void *context, int chunk);
    void *context;
    _Alignas(64) atomic_int asleep; /* helpers */
    atomic_int stop;
    int64_t last;   /* when the caller last found one asleep */
    int caller_cpu; /* when it called them, under the lock */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    unsigned calls; /* to wake up, under the lock */
    pid_t process;
    int helpers;
    pthread_t threads[MOST_HELPERS];
};

size_t fr_crew_size(void)
{
    return sizeof(fr_crew);
}

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Begin the last open chunk; -1 if there is none. */
static int take_from_back(fr_crew *crew)
{
    uint_fast64_t open = atomic_load_explicit(&crew->open, memory_order_relaxed);
    while (front_of(open) < back_of(open)) {
        const uint32_t chunk = back_of(open) - 1;
        if (atomic_compare_exchange_weak_explicit(&crew->open, &open, range(front_of(open), chunk),
                                                  memory_order_acquire, memory_order_relaxed))
            return (int)chunk;
    }
    return -1;
}

/* Begin the first open chunk; -1 if there is none. *others is the number that helpers have begun. */
static int take_from_front(fr_crew *crew, int chunks, int *others)
{
    uint_fast64_t open = atomic_load_explicit(&crew->open, memory_order_relaxed);
    while (front_of(open) < back_of(open)) {
        const uint32_t chunk = front_of(open);
        if (atomic_compare_exchange_weak_explicit(&crew->open, &open, range(chunk + 1, back_of(open)),
                                                  memory_order_relaxed, memory_order_relaxed))
            return (int)chunk;
    }
    *others = chunks - (int)back_of(open);
    return -1;
}

static void sleep_until_called(fr_crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    const unsigned calls = crew->calls;
    atomic_fetch_add(&crew->asleep, 1);
    while (crew->calls == calls && !atomic_load(&crew->stop))
        pthread_cond_wait(&crew->wake, &crew->lock);
    atomic_fetch_sub(&crew->asleep, 1);
    const int cpu = crew->caller_cpu;
    pthread_mutex_unlock(&crew->lock);
    fr_leave_cpu(cpu);
}

static void *help(void *argument)
{
    fr_crew *crew = argument;
    int64_t since = now();
    for (int turn = 1; !atomic_load_explicit(&crew->stop, memory_order_relaxed); turn++) {
        const int chunk = take_from_back(crew);
        if (chunk >= 0) {
            crew->work(crew->context, chunk);
            atomic_fetch_add_explicit(&crew->done, 1, memory_order_release);
            turn = 0;
            since = 0;
        } else if (turn % TURNS_PER_LOOK) {
            FR_PAUSE();
        } else if (since == 0) {
            since = now();
        } else if (now() - since > AWAKE_NS) {
            sleep_until_called(crew);
            since = 0;
        } else {
            sched_yield();
        }
    }
    return NULL;
}

int fr_crew_start(fr_crew *crew, int helpers)
{
    sigset_t all, before;
    memset(crew, 0, sizeof *crew);
    crew->process = getpid();
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->wake, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals stay with other threads */
    while (crew->helpers < helpers && crew->helpers < MOST_HELPERS &&
           !pthread_create(&crew->threads[crew->helpers], NULL, help, crew))
        crew->helpers++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return crew->helpers;
}

/* Where steps follow upon each other, sleeping helpers are called; this step does without. */
static void call_helpers(fr_crew *crew)
{
    const int64_t time = now(), since = time - crew->last;
    crew->last = time;
    if (since > AWAKE_NS || pthread_mutex_trylock(&crew->lock))
        return;
    crew->calls++;
    crew->caller_cpu = fr_caller_cpu(1 + crew->helpers);
    pthread_cond_broadcast(&crew->wake);
    pthread_mutex_unlock(&crew->lock);
}

void fr_crew_run(fr_crew *crew, void (*work)(void *context, int chunk), void *context, int chunks)
{
    int chunk, others = 0;
    crew->work = work, crew->context = context;
    atomic_store_explicit(&crew->done, 0, memory_order_relaxed);
    atomic_store_explicit(&crew->open, range(0, (uint32_t)chunks), memory_order_release);
    if (atomic_load_explicit(&crew->asleep, memory_order_relaxed))
        call_helpers(crew);
    while ((chunk = take_from_front(crew, chunks, &others)) >= 0)
        work(context, chunk);
    for (int turn = 1; atomic_load_explicit(&crew->done, memory_order_acquire) < others; turn++) {
        if (turn % TURNS_PER_LOOK)
            FR_PAUSE();
        else
            sched_yield();
    }
}

void fr_crew_stop(fr_crew *crew)
{
    if (crew->process != getpid()) /* a forked child: the helpers are not here */
        return;
    pthread_mutex_lock(&crew->lock);
    atomic_store(&crew->stop, 1);
    pthread_cond_broadcast(&crew->wake);
    pthread_mutex_unlock(&crew->lock);
    for (int k = 0; k < crew->helpers; k++)
        pthread_join(crew->threads[k], NULL);
    pthread_cond_destroy(&crew->wake);
    pthread_mutex_destroy(&crew->lock);
}

#endif
