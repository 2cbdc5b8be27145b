/* The thread pool, and barriers between the threads of one task.
 *
 * Threads are made when a task first needs them and sleep between tasks. A process that was forked
 * starts with no threads and makes its own. One task runs at a time: a caller that finds the pool at
 * work gets no threads and runs alone, which changes no result.
 */
#ifndef FR_POOL_H
#define FR_POOL_H

#include <stdatomic.h>

typedef struct fr_barrier {
    atomic_int waiting, phase;
    int size;
} fr_barrier;

void fr_barrier_init(fr_barrier *barrier, int size);
void fr_barrier_wait(fr_barrier *barrier);

/* Take hold of up to `threads` threads, the caller among them; returns how many, at least 1. */
int fr_pool_acquire(int threads);
/* Run task(context, rank) for every rank below `threads`; the caller is rank 0. */
void fr_pool_run(int threads, void (*task)(void *context, int rank), void *context);
/* Let go of what fr_pool_acquire returned. */
void fr_pool_release(int threads);

#endif
