#if !defined(_WIN32)
#define _GNU_SOURCE /* affinity, clocks */
#endif

#include "base/threads.h"

#include <stddef.h>

#if defined(_WIN32)

void fr_mutex_init(fr_mutex *mutex)
{
    InitializeSRWLock(mutex);
}

void fr_mutex_destroy(fr_mutex *mutex)
{
    (void)mutex;
}

void fr_lock(fr_mutex *mutex)
{
    AcquireSRWLockExclusive(mutex);
}

int fr_try_lock(fr_mutex *mutex)
{
    return TryAcquireSRWLockExclusive(mutex);
}

void fr_unlock(fr_mutex *mutex)
{
    ReleaseSRWLockExclusive(mutex);
}

void fr_condition_init(fr_condition *condition)
{
    InitializeConditionVariable(condition);
}

void fr_condition_destroy(fr_condition *condition)
{
    (void)condition;
}

void fr_wait(fr_condition *condition, fr_mutex *mutex)
{
    SleepConditionVariableSRW(condition, mutex, INFINITE, 0);
}

void fr_wake_one(fr_condition *condition)
{
    WakeConditionVariable(condition);
}

void fr_wake_all(fr_condition *condition)
{
    WakeAllConditionVariable(condition);
}

static DWORD WINAPI thread_body(void *given)
{
    const fr_thread *thread = given;
    thread->work(thread->argument);
    return 0;
}

int fr_start_thread(fr_thread *thread, void (*work)(void *argument), void *argument)
{
    thread->work = work, thread->argument = argument;
    thread->handle = CreateThread(NULL, 0, thread_body, thread, 0, NULL);
    return thread->handle != NULL;
}

void fr_join(fr_thread *thread)
{
    WaitForSingleObject(thread->handle, INFINITE);
    CloseHandle(thread->handle);
}

void fr_yield(void)
{
    SwitchToThread();
}

int64_t fr_nanoseconds(void)
{
    LARGE_INTEGER count, frequency;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    return (int64_t)((double)count.QuadPart * 1e9 / (double)frequency.QuadPart);
}

int64_t fr_process(void)
{
    return GetCurrentProcessId();
}

void fr_at_fork(void (*forget)(void))
{
    (void)forget; /* there are no forks */
}

#else

#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

void fr_mutex_init(fr_mutex *mutex)
{
    pthread_mutex_init(mutex, NULL);
}

void fr_mutex_destroy(fr_mutex *mutex)
{
    pthread_mutex_destroy(mutex);
}

void fr_lock(fr_mutex *mutex)
{
    pthread_mutex_lock(mutex);
}

int fr_try_lock(fr_mutex *mutex)
{
    return !pthread_mutex_trylock(mutex);
}

void fr_unlock(fr_mutex *mutex)
{
    pthread_mutex_unlock(mutex);
}

void fr_condition_init(fr_condition *condition)
{
    pthread_cond_init(condition, NULL);
}

void fr_condition_destroy(fr_condition *condition)
{
    pthread_cond_destroy(condition);
}

void fr_wait(fr_condition *condition, fr_mutex *mutex)
{
    pthread_cond_wait(condition, mutex);
}

void fr_wake_one(fr_condition *condition)
{
    pthread_cond_signal(condition);
}

void fr_wake_all(fr_condition *condition)
{
    pthread_cond_broadcast(condition);
}

static void *thread_body(void *given)
{
    const fr_thread *thread = given;
    thread->work(thread->argument);
    return NULL;
}

int fr_start_thread(fr_thread *thread, void (*work)(void *argument), void *argument)
{
    sigset_t all, before;
    thread->work = work, thread->argument = argument;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&thread->handle, NULL, thread_body, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return !failed;
}

void fr_join(fr_thread *thread)
{
    pthread_join(thread->handle, NULL);
}

void fr_yield(void)
{
    sched_yield();
}

int64_t fr_nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t fr_process(void)
{
    return getpid();
}

void fr_at_fork(void (*forget)(void))
{
    pthread_atfork(NULL, NULL, forget);
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
