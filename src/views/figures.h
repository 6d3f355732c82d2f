/* Drawing the figures of a report: gnuplot runs beside the queries of the figures that follow, two at most.
 */
#ifndef FS_VIEWS_FIGURES_H
#define FS_VIEWS_FIGURES_H
#include "views/artefact.h"
#include "views/staging.h"
#include <signal.h>
#include <stdint.h>

enum { FIGURE_SVG = 1, FIGURE_PNG = 2, FIGURE_PDF = 4 };

struct figure {
	const struct artefact *artefact;
	uint64_t rows; /* of its NAME.tsv, which is written; not 0 */
	unsigned made; /* files that are there: FIGURE_SVG ... */
};

struct figures_request {
	const struct staging *staging;     /* where NAME.tsv is, and the drawings go */
	const char *sources;               /* where files are that a figure is drawn `with` */
	const char *style;                 /* text of style.gp */
	unsigned formats;                  /* FIGURE_SVG ... */
	const volatile sig_atomic_t *stop; /* not 0: give up; or NULL */
};

/* NULL when out of memory. The request's parts are borrowed. */
struct figures *figures_new(const struct figures_request *request, struct error *err);
/*
 * Queues a figure, which must stay where it is until figures_finish(): its files are made by then, or are
 * missing. False only on errors that end the report.
 */
bool figures_draw(struct figures *f, struct figure *figure, struct error *err);
/* Waits for all of them. False with *err when it was stopped, or wrote to a full disk. */
bool figures_finish(struct figures *f, struct error *err);
/* Which drawings are missing, and what to do; "" none is. */
void figures_missing(const struct figures *f, char *text, size_t size);
/* What gnuplot said about the missing ones, a line each; borrowed. */
const char *figures_complaints(const struct figures *f);
/* Ends what still runs. Accepts NULL. */
void figures_free(struct figures *f);
#endif
