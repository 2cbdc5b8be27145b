/* The system's threads: all that the pool and the thread teams know of POSIX and of Windows.
 *
 * Locks, conditions, threads, the clock, what becomes of them in a fork, and the CPU that a thread
 * runs on. Locks and conditions of a process that was forked are in whatever state they were.
 */
#ifndef FR_BASE_THREADS_H
#define FR_BASE_THREADS_H

#include <stdint.h>

#if defined(_WIN32)
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

typedef SRWLOCK fr_mutex;
typedef CONDITION_VARIABLE fr_condition;
typedef HANDLE fr_thread_handle;
#define FR_MUTEX_INITIALIZER SRWLOCK_INIT
#define FR_CONDITION_INITIALIZER CONDITION_VARIABLE_INIT
#else
#include <pthread.h>

typedef pthread_mutex_t fr_mutex;
typedef pthread_cond_t fr_condition;
typedef pthread_t fr_thread_handle;
#define FR_MUTEX_INITIALIZER PTHREAD_MUTEX_INITIALIZER
#define FR_CONDITION_INITIALIZER PTHREAD_COND_INITIALIZER
#endif

/* A turn of a loop that waits for another thread. */
#if defined(__x86_64__) || defined(__i386__)
#define FR_PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define FR_PAUSE() __asm__ volatile("yield")
#else
#define FR_PAUSE() ((void)0)
#endif

void fr_mutex_init(fr_mutex *mutex);
void fr_mutex_destroy(fr_mutex *mutex);
void fr_lock(fr_mutex *mutex);
int fr_try_lock(fr_mutex *mutex);
void fr_unlock(fr_mutex *mutex);

void fr_condition_init(fr_condition *condition);
void fr_condition_destroy(fr_condition *condition);
void fr_wait(fr_condition *condition, fr_mutex *mutex);
void fr_wake_one(fr_condition *condition);
void fr_wake_all(fr_condition *condition);

typedef struct fr_thread {
    void (*work)(void *argument);
    void *argument;
    fr_thread_handle handle;
} fr_thread;

/* Start work(argument) in a thread, in which no signal is handled; whether there is one. `thread` is
 * in use as long as it runs. */
int fr_start_thread(fr_thread *thread, void (*work)(void *argument), void *argument);
/* Wait for its end. */
void fr_join(fr_thread *thread);
/* Let another thread run. */
void fr_yield(void);

int64_t fr_nanoseconds(void);
/* A number that a forked child does not share with its parent. */
int64_t fr_process(void);
/* Have `forget` called in every child that this process forks from now on. */
void fr_at_fork(void (*forget)(void));

/* The CPU that the caller of `threads` threads runs on; -1 where they are more than the CPUs, or the
 * system does not say. */
int fr_caller_cpu(int threads);
/* Leave the CPU of that caller, if this thread has been woken on it. */
void fr_leave_cpu(int cpu);

#endif
