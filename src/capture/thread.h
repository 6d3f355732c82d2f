/* Threads of this module: signals belong to the program's main thread. */
#ifndef FS_CAPTURE_THREAD_H
#define FS_CAPTURE_THREAD_H
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

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
#endif
