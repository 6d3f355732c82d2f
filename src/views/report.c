/* `footsteps report`: runs each artefact's SQL, draws its figure, and puts the page together. */
#include "views/report.h"
#include "base/progress.h"
#include "views/chart.h"
#include "views/escape.h"
#include "views/figures.h"
#include "views/page.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef PKGDATADIR
#define PKGDATADIR "/usr/share/footsteps"
#endif

#define INDEX           "index.html"
#define TABLE_ROWS_MOST 200U /* in the page; the TSV has all */
#define INPUTS_SHOWN    3
#define CHART_ROWS      60U   /* of a chart in the page: two screens, and one sheet of paper */
#define LOOK_EVERY      50000 /* steps of SQLite's machine between two looks at the signals: a few ms */

struct material {
	char *body, *says;
	struct figure figure;
};

struct report {
	const struct view *v;
	const struct report_request *request;
	struct staging staging;
	struct artefact_list list;
	struct page_item *items;           /* as list */
	struct material *materials;        /* as list: what the items borrow */
	char *style, *script, *plot_style; /* page.css, page.js, style.gp */
	char *manifest;
	struct figures *figures;
	struct progress *progress;
};

bool report_sources(char *directory, size_t size, struct error *err)
{
	const char *data = getenv("FOOTSTEPS_DATA");
	struct stat status;

	if (data && *data && snprintf(directory, size, "%s/reports", data) < (int)size &&
	    stat(directory, &status) == 0 && S_ISDIR(status.st_mode))
		return true;
	if (snprintf(directory, size, "%s/reports", PKGDATADIR) < (int)size &&
	    stat(directory, &status) == 0 && S_ISDIR(status.st_mode))
		return true;
	return error_set(
		err, EXIT_INPUT,
		"the report's figures are neither in $FOOTSTEPS_DATA/reports%s%.200s%s nor in %s/reports; is"
		" footsteps installed whole?",
		data ? " (" : "", data ? data : "", data ? ")" : "", PKGDATADIR);
}

/* "footsteps 0.2.0, run 1, inputs bac79a9c, 1f2e3d4c": what a figure needs to be made again. */
static char *manifest_make(const struct view *v, struct error *err)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	sqlite3_stmt *stmt =
		query_open(v,
			   "SELECT version, (SELECT count(*) FROM inputs WHERE run = :run),"
			   " (SELECT group_concat(hash, ', ') FROM (SELECT coalesce(substr(sha256, 1, 8),"
			   " 'not hashed') AS hash FROM inputs WHERE run = :run ORDER BY n LIMIT :shown))"
			   " FROM runs WHERE run = :run",
			   err);
	bool ok = false;

	if (stmt)
		query_bind_int(stmt, ":shown", INPUTS_SHOWN);
	if (!out)
		error_memory(err, "the manifest");
	else if (stmt && query_row(v, stmt, err)) {
		int inputs = sqlite3_column_int(stmt, 1);
		fprintf(out, "footsteps %s, run %lld, %s SHA-256 %s", query_text(stmt, 0), (long long)v->run,
			inputs == 1 ? "input" : "inputs", query_text(stmt, 2));
		if (inputs > INPUTS_SHOWN)
			fprintf(out, " and %d more", inputs - INPUTS_SHOWN);
		ok = true;
	}
	sqlite3_finalize(stmt);
	if (out && (fclose(out) != 0 || !ok)) {
		free(text);
		text = NULL;
	}
	return text;
}

/* The second statement of the SQL: one text. "" when there is none. Allocated; NULL on failure. */
static char *sentence_read(const struct view *v, const char *sql, struct error *err)
{
	sqlite3_stmt *stmt = *sql ? query_open(v, sql, err) : NULL;
	enum query_result result = stmt ? query_step(v, stmt, err) : QUERY_FAILED;
	/* Nothing but blanks and comments prepares to no statement at all. */
	bool none = !stmt && (!*sql || sqlite3_errcode(v->db) == SQLITE_OK);
	char *text = NULL;

	if (none || result != QUERY_FAILED) {
		text = strdup(result == QUERY_ROW ? query_text(stmt, 0) : "");
		if (!text)
			error_memory(err, "a caption");
	}
	sqlite3_finalize(stmt);
	return text;
}

/* What the first statement yields: the TSV, and the HTML of a table or text. *tail: behind that statement. */
static bool rows_write(struct report *r, const struct artefact *a, FILE *html, const char **tail,
		       uint64_t *rows, struct error *err)
{
	char name[ARTEFACT_NAME_MAX + 4];
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(r->v->db, a->sql, -1, &stmt, tail) != SQLITE_OK)
		return error_set(err, EXIT_INPUT, "%s.sql: %s", a->name, sqlite3_errmsg(r->v->db));
	if (!stmt)
		return error_set(err, EXIT_INPUT, "%s.sql holds no statement", a->name);
	query_bind_view(r->v, stmt);
	if (a->kind == ARTEFACT_TEXT) {
		bool read = page_paragraphs(html, r->v, stmt, rows, err);
		sqlite3_finalize(stmt);
		return read;
	}
	snprintf(name, sizeof name, "%s.tsv", a->name);
	FILE *tsv = staging_file(&r->staging, name, err);
	const struct page_limits limits = { .rows = TABLE_ROWS_MOST,
					    .columns = a->page_columns,
					    .data = name };
	bool ok = tsv && page_rows(html, tsv, r->v, stmt, &limits, rows, err);
	sqlite3_finalize(stmt);
	if (tsv && !staging_file_close(&r->staging, name, tsv, err))
		ok = false;
	return ok;
}

/* Which scene a chart is of: kind and number, the first two columns of its first row. */
static bool scene_read(struct report *r, const struct artefact *a, struct chart_scene *scene,
		       struct error *err)
{
	sqlite3_stmt *stmt = query_open(r->v, a->sql, err);
	enum query_result result = stmt ? query_step(r->v, stmt, err) : QUERY_FAILED;
	int kind = 0;

	while (result == QUERY_ROW && kind < CHART_KIND_COUNT &&
	       strcmp(query_text(stmt, 0), chart_kind_names[kind]) != 0)
		kind++;
	int64_t number = result == QUERY_ROW ? sqlite3_column_int64(stmt, 1) : 0;
	sqlite3_finalize(stmt);
	if (result == QUERY_FAILED)
		return false;
	if (result == QUERY_END || kind == CHART_KIND_COUNT)
		return error_set(err, EXIT_INPUT,
				 "%s.sql: its first row begins with no kind and number of a scene", a->name);
	return chart_scene(r->v, (enum chart_kind)kind, number, scene, err);
}

static bool chart_draw(struct report *r, const struct artefact *a, struct error *err)
{
	char name[ARTEFACT_NAME_MAX + 4];
	struct chart c = { 0 };
	bool ok = scene_read(r, a, &c.scene, err) && chart_load(&c, r->v, err) &&
		  chart_arrange(&c, CHART_ROWS, err);
	FILE *out = NULL;

	snprintf(name, sizeof name, "%s.svg", a->name);
	if (ok)
		out = staging_file(&r->staging, name, err);
	if (out)
		chart_put_svg(&c, out);
	chart_free(&c);
	return out && staging_file_close(&r->staging, name, out, err);
}

/* Asks the database for one artefact, and has its figure drawn while the next ones are asked for. */
static bool item_make(struct report *r, size_t i, struct error *err)
{
	const struct artefact *a = &r->list.items[i];
	struct page_item *item = &r->items[i];
	struct material *made = &r->materials[i];
	const char *tail = "";
	size_t size;
	bool drawing = a->kind == ARTEFACT_FIGURE || a->kind == ARTEFACT_CHART;
	FILE *html = drawing ? NULL : open_memstream(&made->body, &size);

	item->artefact = a;
	if (!html && !drawing)
		return error_memory(err, "a table");
	bool ok = rows_write(r, a, html, &tail, &item->rows, err);
	if (html && fclose(html) != 0 && ok)
		ok = error_memory(err, "a table");
	if (ok && item->rows) {
		made->says = sentence_read(r->v, tail + strspn(tail, " \t\r\n"), err);
		ok = made->says != NULL;
	}
	item->body = made->body;
	item->says = made->says;
	if (!ok || !drawing || !item->rows)
		return ok;
	if (a->kind == ARTEFACT_CHART) {
		made->figure.made = FIGURE_SVG;
		return chart_draw(r, a, err);
	}
	made->figure = (struct figure){ .artefact = a, .rows = item->rows };
	return figures_draw(r->figures, &made->figure, err);
}

static bool items_make(struct report *r, struct error *err)
{
	r->items = calloc(r->list.count, sizeof *r->items);
	r->materials = calloc(r->list.count, sizeof *r->materials);
	if (!r->items || !r->materials)
		return error_memory(err, "the page");
	for (size_t i = 0; i < r->list.count; i++) {
		progress_step(r->progress, i + 1, r->list.count, r->list.items[i].name);
		if (!item_make(r, i, err))
			return false;
	}
	progress_step(r->progress, r->list.count, r->list.count, "figures");
	if (!figures_finish(r->figures, err))
		return false;
	for (size_t i = 0; i < r->list.count; i++)
		r->items[i].made = r->materials[i].figure.made;
	return true;
}

static bool index_write(struct report *r, const char *missing, struct error *err)
{
	const struct page_frame frame = { .style = r->style,
					  .script = r->script,
					  .incomplete = missing,
					  .manifest = r->manifest,
					  .directory = r->staging.work };
	FILE *page = staging_file(&r->staging, INDEX, err);

	if (!page)
		return false;
	bool ok = page_write(page, r->v, &frame, r->items, r->list.count, err);
	return staging_file_close(&r->staging, INDEX, page, err) && ok;
}

static bool sources_read(struct report *r, struct error *err)
{
	const char *from = r->request->sources;

	return artefact_list_read(&r->list, from, err) && (r->style = file_read(from, "page.css", err)) &&
	       (r->script = file_read(from, "page.js", err)) &&
	       (r->plot_style = file_read(from, "style.gp", err));
}

static bool figures_begin(struct report *r, struct error *err)
{
	const struct figures_request request = {
		.staging = &r->staging,
		.sources = r->request->sources,
		.style = r->plot_style,
		.formats = FIGURE_SVG | (r->request->png ? FIGURE_PNG : 0U) |
			   (r->request->pdf ? FIGURE_PDF : 0U),
		.stop = r->request->stop,
	};

	r->figures = figures_new(&request, err);
	return r->figures != NULL;
}

static void report_free(struct report *r)
{
	figures_free(r->figures); /* before the directory that it works in goes away */
	staging_close(&r->staging);
	for (size_t i = 0; r->materials && i < r->list.count; i++) {
		free(r->materials[i].body);
		free(r->materials[i].says);
	}
	free(r->items);
	free(r->materials);
	artefact_list_free(&r->list);
	free(r->style);
	free(r->script);
	free(r->plot_style);
	free(r->manifest);
}

static int is_stopped(void *request)
{
	const struct report_request *asked = request;

	return asked->stop && *asked->stop;
}

bool report_write(const struct view *v, const struct report_request *request, char missing[REPORT_MISSING],
		  struct error *err)
{
	struct report r = { .v = v, .request = request };
	struct report_request asked = *request;

	missing[0] = '\0';
	r.progress = progress_new("report", 0, request->progress);
	/* A query may take seconds; a signal does not wait for it. */
	sqlite3_progress_handler(v->db, LOOK_EVERY, is_stopped, &asked);
	bool ok = sources_read(&r, err) && (r.manifest = manifest_make(v, err)) &&
		  staging_open(&r.staging, request->target, INDEX, PAGE_MARKER, err) &&
		  figures_begin(&r, err) && items_make(&r, err);
	if (ok)
		figures_missing(r.figures, missing, REPORT_MISSING);
	ok = ok && index_write(&r, missing, err);
	sqlite3_progress_handler(v->db, 0, NULL, NULL);
	progress_free(r.progress);
	if (r.figures)
		plain_put_lines(stderr, figures_complaints(r.figures)); /* gnuplot quotes the data */
	if (is_stopped(&asked))
		ok = error_set(err, EXIT_OUTPUT, "stopped by signal %d; nothing was written to %s",
			       (int)*asked.stop, request->target);
	ok = ok && staging_commit(&r.staging, err);
	report_free(&r);
	return ok;
}
