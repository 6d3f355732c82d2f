/* `footsteps report`: every table and figure of reports/ as one HTML page, with data and drawings beside it.
 */
#ifndef FS_VIEWS_REPORT_H
#define FS_VIEWS_REPORT_H
#include "views/query.h"
#include <signal.h>

struct report_request {
	const char *target;  /* directory to write */
	const char *sources; /* directory with NAME.sql, NAME.gp, style.gp, page.css and page.js */
	bool png, pdf;       /* each figure in that format too */
	bool progress;       /* a line on stderr while it works */
	/* Not 0: the number of a signal; the report is given up without a trace. Or NULL. */
	const volatile sig_atomic_t *stop;
};

/*
 * Writes it. True also when figures are missing: then *missing is a line that says which and what to do, and
 * details, if any, were printed to stderr.
 */
#define REPORT_MISSING 512
bool report_write(const struct view *v, const struct report_request *request, char missing[REPORT_MISSING],
		  struct error *err);
/* Where reports/ is: $FOOTSTEPS_DATA/reports, else where it was installed. False with *err when it is
 * nowhere. */
bool report_sources(char *directory, size_t size, struct error *err);
#endif
