/* Runs gnuplot: a program of its own, without a shell, told what to do on its standard input. */
#ifndef FS_VIEWS_GNUPLOT_H
#define FS_VIEWS_GNUPLOT_H
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

enum gnuplot_result {
	GNUPLOT_RUNS,
	GNUPLOT_DONE,
	GNUPLOT_MISSING, /* no such program in PATH */
	GNUPLOT_FAILED,  /* the job's words say why */
	GNUPLOT_HUNG,    /* it took too long and was ended */
};

struct gnuplot_job { /* {0}: none */
	pid_t child;
	FILE *complaints;
	unsigned waited_ms;
	char words[1024]; /* what it printed, "" or one or more lines; complete when it has ended */
};

/* Starts `script` in `directory`. GNUPLOT_RUNS, or why not. */
enum gnuplot_result gnuplot_start(struct gnuplot_job *job, const char *directory, const char *script);
/*
 * Whether it has ended, and how. waited_ms: how long the caller slept for it since he last asked; beyond 30 s
 * in all it is killed. Time that the caller worked meanwhile is not held against it.
 */
enum gnuplot_result gnuplot_look(struct gnuplot_job *job, unsigned waited_ms);
/* Ends it, if it runs. */
void gnuplot_stop(struct gnuplot_job *job);
#endif
