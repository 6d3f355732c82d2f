/* A few gnuplots at a time: each draws one figure in one format. */
#include "views/figures.h"
#include "views/gnuplot.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define AT_A_TIME 2 /* beside the queries: the processors of a small machine */
#define NAP_MS    5U
#define NAMES_MAX 200
#define HUNG_MOST                                                                                            \
	2 /* drawings; a gnuplot that hangs so often does so for all, which would take half an hour */

/* As large on paper as on the page; PNG for a screen of three times the density. */
static const struct format {
	unsigned bit;
	const char *extension, *terminal, *details;
} formats[] = {
	{ FIGURE_SVG, "svg", "svg", "size 500,360 dynamic enhanced font \"sans-serif,13\"" },
	{ FIGURE_PNG, "png", "pngcairo",
	  "size 1500,1080 enhanced font \"sans-serif,10\" fontscale 3 linewidth 3 pointscale 3" },
	{ FIGURE_PDF, "pdf", "pdfcairo",
	  "size 13.2cm,9.5cm enhanced font \"sans-serif,10\" fontscale 0.7 linewidth 1.5" },
};
#define FORMATS (sizeof formats / sizeof formats[0])

struct slot {
	struct gnuplot_job job;
	struct figure *figure; /* NULL: the slot is free */
	const struct format *format;
};

struct figures {
	struct figures_request request;
	struct slot slots[AT_A_TIME];
	bool no_gnuplot;
	unsigned lacking; /* formats that this gnuplot cannot write */
	unsigned failed;  /* drawings */
	unsigned hung;    /* of them */
	char failed_names[NAMES_MAX];
	char with_names[NAMES_MAX]; /* copied files, each with a '/' behind it */
	char *complaints;
	size_t complaints_size;
	FILE *complaints_out;
};

/* "R4.svg" */
struct file_name {
	char text[ARTEFACT_NAME_MAX + 4];
};

static struct file_name drawing_name(const struct artefact *a, const struct format *format)
{
	struct file_name name;

	snprintf(name.text, sizeof name.text, "%s.%s", a->name, format->extension);
	return name;
}

static bool work_path(const struct figures *f, const char *name, char path[STAGING_PATH + 64])
{
	return snprintf(path, STAGING_PATH + 64, "%s/%s", f->request.staging->work, name) < STAGING_PATH + 64;
}

static bool stopped(const struct figures *f)
{
	return f->request.stop && *f->request.stop;
}

static void failure_note(struct figures *f, const struct file_name *name, const char *why)
{
	size_t used = strlen(f->failed_names);

	snprintf(f->failed_names + used, sizeof f->failed_names - used, "%s%s", used ? ", " : "", name->text);
	f->failed++;
	fprintf(f->complaints_out, "footsteps: figure %s: %s\n", name->text, why);
}

static void slot_end(struct figures *f, struct slot *slot, enum gnuplot_result result)
{
	const struct artefact *a = slot->figure->artefact;
	const struct file_name name = drawing_name(a, slot->format);
	char path[STAGING_PATH + 64];
	struct stat status;
	bool named = work_path(f, name.text, path);
	bool there = named && stat(path, &status) == 0 && status.st_size > 0;

	f->hung += result == GNUPLOT_HUNG;
	if (result == GNUPLOT_DONE && there) {
		slot->figure->made |= slot->format->bit;
	} else if (result == GNUPLOT_MISSING) {
		f->no_gnuplot = true;
	} else if (!stopped(f)) {
		failure_note(f, &name, slot->job.words[0] ? slot->job.words : "gnuplot drew nothing");
	}
	if (named && !(slot->figure->made & slot->format->bit))
		unlink(path);
	slot->figure = NULL;
}

/* A free slot; waits for one. NULL when stopped. all: waits until every slot is free. */
static struct slot *slot_wait(struct figures *f, bool all)
{
	const struct timespec nap = { 0, NAP_MS * 1000000L };

	for (unsigned waited = 0; !stopped(f); waited = NAP_MS) {
		struct slot *free_one = NULL;
		bool busy = false;
		for (size_t i = 0; i < AT_A_TIME; i++) {
			struct slot *slot = &f->slots[i];
			enum gnuplot_result result =
				slot->figure ? gnuplot_look(&slot->job, waited) : GNUPLOT_DONE;
			if (slot->figure && result != GNUPLOT_RUNS)
				slot_end(f, slot, result);
			if (slot->figure)
				busy = true;
			else
				free_one = slot;
		}
		if (free_one && !(all && busy))
			return free_one;
		nanosleep(&nap, NULL);
	}
	return NULL;
}

/* Not every gnuplot was built with cairo: one that was not says so once, not for every figure. */
static void lacking_find(struct figures *f)
{
	struct gnuplot_job job;
	const struct timespec nap = { 0, NAP_MS * 1000000L };
	enum gnuplot_result result = gnuplot_start(
		&job, f->request.staging->work,
		"do for [t in \"pngcairo pdfcairo\"] {\n"
		"	if (strstrt(\" \".GPVAL_TERMINALS.\" \", \" \".t.\" \") == 0) { print t }\n}\n");

	while (result == GNUPLOT_RUNS && !stopped(f)) {
		nanosleep(&nap, NULL);
		result = gnuplot_look(&job, NAP_MS);
	}
	if (result == GNUPLOT_RUNS)
		gnuplot_stop(&job);
	f->no_gnuplot = result == GNUPLOT_MISSING;
	for (size_t i = 0; result == GNUPLOT_DONE && i < FORMATS; i++)
		if (strstr(job.words, formats[i].terminal))
			f->lacking |= formats[i].bit & f->request.formats;
}

struct figures *figures_new(const struct figures_request *request, struct error *err)
{
	struct figures *f = calloc(1, sizeof *f);

	if (f) {
		f->request = *request;
		f->complaints_out = open_memstream(&f->complaints, &f->complaints_size);
	}
	if (!f || !f->complaints_out) {
		free(f);
		error_memory(err, "the figures");
		return NULL;
	}
	if (request->formats & ~(unsigned)FIGURE_SVG)
		lacking_find(f);
	return f;
}

/* What a figure is drawn with beside its data: one copy for all figures, and none in the report. */
static bool with_copy(struct figures *f, const char *name, struct error *err)
{
	char marked[NAMES_MAX];
	size_t used = strlen(f->with_names);

	if (snprintf(marked, sizeof marked, "%s/", name) >= (int)(sizeof marked - used))
		return error_set(err, EXIT_INPUT, "%s/%s: too many files to draw with", f->request.sources,
				 name);
	if (strstr(f->with_names, marked))
		return true;
	char *text = file_read(f->request.sources, name, err);
	FILE *out = text ? staging_file(f->request.staging, name, err) : NULL;
	if (out) {
		fputs(text, out);
		memcpy(f->with_names + used, marked, strlen(marked) + 1);
	}
	free(text);
	return out && staging_file_close(f->request.staging, name, out, err);
}

static void with_remove(struct figures *f)
{
	char path[STAGING_PATH + 64];

	for (char *name = f->with_names, *end; (end = strchr(name, '/')); name = end + 1) {
		*end = '\0';
		if (work_path(f, name, path))
			unlink(path);
	}
	f->with_names[0] = '\0';
}

static bool drawing_start(struct figures *f, struct slot *slot, struct figure *figure,
			  const struct format *format, struct error *err)
{
	const struct artefact *a = figure->artefact;
	char *script;

	if (asprintf(&script,
		     "set terminal %s %s%s%s%s\nset output \"%s\"\ndata = \"%s.tsv\"\nrows = %llu\n%s\n%s\n"
		     "unset output\n",
		     format->terminal, format->details, format->bit == FIGURE_SVG ? " name \"" : "",
		     format->bit == FIGURE_SVG ? a->name : "", format->bit == FIGURE_SVG ? "\"" : "",
		     drawing_name(a, format).text, a->name, (unsigned long long)figure->rows,
		     f->request.style, a->plot) < 0)
		return error_memory(err, "a figure");
	slot->figure = figure;
	slot->format = format;
	enum gnuplot_result result = gnuplot_start(&slot->job, f->request.staging->work, script);
	free(script);
	if (result != GNUPLOT_RUNS)
		slot_end(f, slot, result);
	return true;
}

bool figures_draw(struct figures *f, struct figure *figure, struct error *err)
{
	bool ok = !figure->artefact->with || with_copy(f, figure->artefact->with, err);

	for (size_t i = 0; ok && i < FORMATS && !f->no_gnuplot; i++) {
		if (!(formats[i].bit & f->request.formats & ~f->lacking))
			continue;
		struct slot *slot = slot_wait(f, false);
		if (slot && f->hung >= HUNG_MOST) {
			const struct file_name name = drawing_name(figure->artefact, &formats[i]);
			failure_note(f, &name, "not tried, for gnuplot hangs");
			continue;
		}
		ok = slot ? drawing_start(f, slot, figure, &formats[i], err)
			  : error_set(err, EXIT_OUTPUT, "stopped");
	}
	return ok;
}

bool figures_finish(struct figures *f, struct error *err)
{
	bool ok = slot_wait(f, true) || error_set(err, EXIT_OUTPUT, "stopped");

	with_remove(f);
	return fflush(f->complaints_out) == 0 ? ok : error_memory(err, "the figures");
}

void figures_missing(const struct figures *f, char *text, size_t size)
{
	text[0] = '\0';
	if (f->no_gnuplot)
		snprintf(text, size,
			 "gnuplot is not installed: tables and data are written, figures are not; install it "
			 "('apt install gnuplot-nox') and run the report again");
	else if (f->failed)
		snprintf(text, size, "gnuplot could not draw %u of the figures (%s)", f->failed,
			 f->failed_names);
	else if (f->lacking)
		snprintf(text, size,
			 "this gnuplot has no terminal %s%s%s: the figures are written without %s; the "
			 "gnuplot of the package gnuplot-nox has both",
			 f->lacking & FIGURE_PNG ? "pngcairo" : "",
			 f->lacking == (FIGURE_PNG | FIGURE_PDF) ? " and no " : "",
			 f->lacking & FIGURE_PDF ? "pdfcairo" : "",
			 f->lacking == FIGURE_PNG   ? "PNG"
			 : f->lacking == FIGURE_PDF ? "PDF"
						    : "PNG and PDF");
}

const char *figures_complaints(const struct figures *f)
{
	return f->complaints ? f->complaints : "";
}

void figures_free(struct figures *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < AT_A_TIME; i++)
		if (f->slots[i].figure)
			gnuplot_stop(&f->slots[i].job);
	fclose(f->complaints_out);
	free(f->complaints);
	free(f);
}
