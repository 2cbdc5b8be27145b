#include "base/team.h"

#include "base/threads.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#define MOST_HELPERS 63
/* A helper without work for so long sleeps. */
#define AWAKE_NS 1000000
/* Turns of a waiting loop, some microseconds, between looks at the clock. */
#define TURNS_PER_LOOK 256

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

struct fr_team {
    _Alignas(64) atomic_uint_fast64_t open; /* a `range` */
    _Alignas(64) atomic_int done;           /* chunks that helpers have finished */
    /* Of the work that is open; whoever has begun a chunk of it may read them. */
    void (*work)(void *context, int chunk);
    void *context;
    _Alignas(64) atomic_int asleep; /* helpers */
    atomic_int stop;
    int64_t last;   /* when the caller last found one asleep */
    int caller_cpu; /* when it called them, under the lock */
    fr_mutex lock;
    fr_condition wake;
    unsigned calls; /* to wake up, under the lock */
    int64_t process;
    int helpers;
    fr_thread threads[MOST_HELPERS];
};

size_t fr_team_size(void)
{
    return sizeof(fr_team);
}

/* Begin the last open chunk; -1 if there is none. */
static int take_from_back(fr_team *team)
{
    uint_fast64_t open = atomic_load_explicit(&team->open, memory_order_relaxed);
    while (front_of(open) < back_of(open)) {
        const uint32_t chunk = back_of(open) - 1;
        if (atomic_compare_exchange_weak_explicit(&team->open, &open, range(front_of(open), chunk),
                                                  memory_order_acquire, memory_order_relaxed))
            return (int)chunk;
    }
    return -1;
}

/* Begin the first open chunk; -1 if there is none. *others is the number that helpers have begun. */
static int take_from_front(fr_team *team, int chunks, int *others)
{
    uint_fast64_t open = atomic_load_explicit(&team->open, memory_order_relaxed);
    while (front_of(open) < back_of(open)) {
        const uint32_t chunk = front_of(open);
        if (atomic_compare_exchange_weak_explicit(&team->open, &open,
                                                  range(chunk + 1, back_of(open)),
                                                  memory_order_relaxed, memory_order_relaxed))
            return (int)chunk;
    }
    *others = chunks - (int)back_of(open);
    return -1;
}

static void sleep_until_called(fr_team *team)
{
    fr_lock(&team->lock);
    const unsigned calls = team->calls;
    atomic_fetch_add(&team->asleep, 1);
    while (team->calls == calls && !atomic_load(&team->stop))
        fr_wait(&team->wake, &team->lock);
    atomic_fetch_sub(&team->asleep, 1);
    const int cpu = team->caller_cpu;
    fr_unlock(&team->lock);
    fr_leave_cpu(cpu);
}

static void help(void *argument)
{
    fr_team *team = argument;
    int64_t since = fr_nanoseconds();
    for (int turn = 1; !atomic_load_explicit(&team->stop, memory_order_relaxed); turn++) {
        const int chunk = take_from_back(team);
        if (chunk >= 0) {
            team->work(team->context, chunk);
            atomic_fetch_add_explicit(&team->done, 1, memory_order_release);
            turn = 0;
            since = 0;
        } else if (turn % TURNS_PER_LOOK) {
            FR_PAUSE();
        } else if (since == 0) {
            since = fr_nanoseconds();
        } else if (fr_nanoseconds() - since > AWAKE_NS) {
            sleep_until_called(team);
            since = 0;
        } else {
            fr_yield();
        }
    }
}

int fr_team_start(fr_team *team, int helpers)
{
    memset(team, 0, sizeof *team);
    team->process = fr_process();
    fr_mutex_init(&team->lock);
    fr_condition_init(&team->wake);
    while (team->helpers < helpers && team->helpers < MOST_HELPERS &&
           fr_start_thread(&team->threads[team->helpers], help, team))
        team->helpers++;
    return team->helpers;
}

/* Where steps follow upon each other, sleeping helpers are called; this step does without. */
static void call_helpers(fr_team *team)
{
    const int64_t time = fr_nanoseconds(), since = time - team->last;
    team->last = time;
    if (since > AWAKE_NS || !fr_try_lock(&team->lock))
        return;
    team->calls++;
    team->caller_cpu = fr_caller_cpu(1 + team->helpers);
    fr_wake_all(&team->wake);
    fr_unlock(&team->lock);
}

void fr_team_run(fr_team *team, void (*work)(void *context, int chunk), void *context, int chunks)
{
    int chunk, others = 0;
    team->work = work, team->context = context;
    atomic_store_explicit(&team->done, 0, memory_order_relaxed);
    atomic_store_explicit(&team->open, range(0, (uint32_t)chunks), memory_order_release);
    if (atomic_load_explicit(&team->asleep, memory_order_relaxed))
        call_helpers(team);
    while ((chunk = take_from_front(team, chunks, &others)) >= 0)
        work(context, chunk);
    for (int turn = 1; atomic_load_explicit(&team->done, memory_order_acquire) < others; turn++) {
        if (turn % TURNS_PER_LOOK)
            FR_PAUSE();
        else
            fr_yield();
    }
}

void fr_team_stop(fr_team *team)
{
    if (team->process != fr_process()) /* a forked child: the helpers are not here */
        return;
    fr_lock(&team->lock);
    atomic_store(&team->stop, 1);
    fr_wake_all(&team->wake);
    fr_unlock(&team->lock);
    for (int k = 0; k < team->helpers; k++)
        fr_join(&team->threads[k]);
    fr_condition_destroy(&team->wake);
    fr_mutex_destroy(&team->lock);
}
