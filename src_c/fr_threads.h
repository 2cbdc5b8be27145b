/* What the pool needs of threads, on POSIX systems and on Windows: locks, conditions, a new thread. */
#ifndef FR_THREADS_H
#define FR_THREADS_H

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

typedef SRWLOCK fr_mutex;
typedef CONDITION_VARIABLE fr_condition;
#define FR_MUTEX_INITIALIZER SRWLOCK_INIT
#define FR_CONDITION_INITIALIZER CONDITION_VARIABLE_INIT

static inline void fr_lock(fr_mutex *mutex)
{
    AcquireSRWLockExclusive(mutex);
}

static inline int fr_try_lock(fr_mutex *mutex)
{
    return TryAcquireSRWLockExclusive(mutex);
}

static inline void fr_unlock(fr_mutex *mutex)
{
    ReleaseSRWLockExclusive(mutex);
}

static inline void fr_wait(fr_condition *condition, fr_mutex *mutex)
{
    SleepConditionVariableSRW(condition, mutex, INFINITE, 0);
}

static inline void fr_wake_one(fr_condition *condition)
{
    WakeConditionVariable(condition);
}

static inline void fr_wake_all(fr_condition *condition)
{
    WakeAllConditionVariable(condition);
}

static inline void fr_yield(void)
{
    SwitchToThread();
}

#define FR_THREAD_RESULT DWORD WINAPI
#define FR_THREAD_END 0

/* Start a thread that nobody waits for; whether there is one. */
static inline int fr_start_thread(LPTHREAD_START_ROUTINE work, void *argument)
{
    HANDLE thread = CreateThread(NULL, 0, work, argument, 0, NULL);
    if (!thread)
        return 0;
    CloseHandle(thread);
    return 1;
}

#else
#include <pthread.h>
#include <sched.h>
#include <signal.h>

typedef pthread_mutex_t fr_mutex;
typedef pthread_cond_t fr_condition;
#define FR_MUTEX_INITIALIZER PTHREAD_MUTEX_INITIALIZER
#define FR_CONDITION_INITIALIZER PTHREAD_COND_INITIALIZER

static inline void fr_lock(fr_mutex *mutex)
{
    pthread_mutex_lock(mutex);
}

static inline int fr_try_lock(fr_mutex *mutex)
{
    return !pthread_mutex_trylock(mutex);
}

static inline void fr_unlock(fr_mutex *mutex)
{
    pthread_mutex_unlock(mutex);
}

static inline void fr_wait(fr_condition *condition, fr_mutex *mutex)
{
    pthread_cond_wait(condition, mutex);
}

static inline void fr_wake_one(fr_condition *condition)
{
    pthread_cond_signal(condition);
}

static inline void fr_wake_all(fr_condition *condition)
{
    pthread_cond_broadcast(condition);
}

static inline void fr_yield(void)
{
    sched_yield();
}

#define FR_THREAD_RESULT void *
#define FR_THREAD_END NULL

/* Start a thread that nobody waits for; whether there is one. Signals stay with other threads. */
static inline int fr_start_thread(void *(*work)(void *), void *argument)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t thread;
    if (pthread_attr_init(&attributes))
        return 0;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&thread, &attributes, work, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return !failed;
}

#endif
#endif
