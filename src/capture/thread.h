/* Threads of this module: signals belong to the program's main thread. */
#ifndef FS_CAPTURE_THREAD_H
#define FS_CAPTURE_THREAD_H
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>

/* False when the system grants no thread: the same work is then done without one. */
static inline bool thread_start(pthread_t *thread, void *(*run)(void *), void *arg)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool started = pthread_create(thread, NULL, run, arg) == 0;

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

/*
 * The calling thread yields to the others from now on, for good: only the privileged may take niceness back.
 * POSIX speaks of the whole process here; on Linux niceness belongs to the thread.
 */
static inline void thread_step_back(int niceness)
{
#ifdef __linux__
	(void)setpriority(PRIO_PROCESS, 0, niceness);
#else
	(void)niceness;
#endif
}
#endif
