/* Runs gnuplot: a program of its own, without a shell, told what to do on its standard input. */
#ifndef FS_VIEWS_GNUPLOT_H
#define FS_VIEWS_GNUPLOT_H
#include <stdbool.h>
#include <stddef.h>

enum gnuplot_result {
	GNUPLOT_DONE,
	GNUPLOT_MISSING, /* no such program in PATH */
	GNUPLOT_FAILED,  /* problem says why: its own words, or that it took too long */
};
/* Runs `script` in `directory`, for at most `seconds`. problem: "" or a text of one or more lines. */
enum gnuplot_result gnuplot_run(const char *directory, const char *script, unsigned seconds, char *problem,
				size_t size);
#endif
