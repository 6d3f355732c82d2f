/*
 * The porter: a small process of its own, made before any privilege is dropped or packet read, that runs
 * other programs for a monitor that may not (sandbox.h): the command that takes alerts on its standard input,
 * and `footsteps report`, which needs gnuplot. It gets nothing but a socket to the monitor, drops all
 * capabilities itself, and ends with the monitor, however that ends. Its programs get an environment of PATH,
 * HOME, LANG, TZ, TMPDIR and FOOTSTEPS_DATA alone; lines that the command has not read yet wait for its next
 * start.
 */
#ifndef FS_LIVE_PORTER_H
#define FS_LIVE_PORTER_H
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct porter_options {
	const char
		*alert_command; /* by /bin/sh -c; started again at most once a minute when it ends; or NULL */
	const char *report_from, *report_into; /* database and directory; NULL: no report */
	int64_t report_every_ns;
	const char *user; /* to become, as the monitor does; NULL: stay */
	int64_t again_ns; /* from one start of the alert command to the next, at least; 0: a minute */
};
struct porter;
struct porter *porter_start(const struct porter_options *options, struct error *err);
/* A line (with its newline, at most PORTER_LINE_MAX bytes) for the alert command. Never waits: false when too
 * many lines wait already, or the porter is gone. Raises no SIGPIPE. */
#define PORTER_LINE_MAX 8192U
bool porter_alert(struct porter *p, const char *line, size_t length);
void porter_stop(struct porter *p);
#endif
