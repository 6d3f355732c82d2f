/* `footsteps report`: runs each artefact's SQL, draws its figure, and puts the page together. */
#include "views/report.h"
#include "views/artefact.h"
#include "views/escape.h"
#include "views/gnuplot.h"
#include "views/page.h"
#include "views/staging.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef PKGDATADIR
#define PKGDATADIR "/usr/share/footsteps"
#endif

#define INDEX           "index.html"
#define TABLE_ROWS_MOST 200U /* in the page; the TSV has all */
#define GNUPLOT_SECONDS 30U
#define INPUTS_SHOWN    3
#define NOTHING_DRAWN   "No recognised flows in this trace."

struct report {
	const struct view *v;
	const char *sources; /* directory of the artefacts */
	struct staging staging;
	struct artefact_list list;
	char *style, *script, *plot_style; /* page.css, page.js, style.gp */
	char *manifest;
	bool no_gnuplot;
	unsigned failed; /* figures that gnuplot could not draw */
	char failed_names[200];
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
	else if (stmt && query_step(v, stmt, err) == QUERY_ROW) {
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

static void failed_note(struct report *r, const struct artefact *a, const char *problem)
{
	size_t used = strlen(r->failed_names);

	snprintf(r->failed_names + used, sizeof r->failed_names - used, "%s%s", used ? ", " : "", a->name);
	r->failed++;
	fprintf(stderr, "footsteps: figure %s: %s\n", a->name, problem);
}

/* A drawing without data: says so, instead of failing. */
static bool empty_draw(const struct report *r, const char *name, const char *says, struct error *err)
{
	FILE *out = staging_file(&r->staging, name, err);

	if (!out)
		return false;
	fputs("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 520 120\" font-family=\"sans-serif\">"
	      "<rect x=\"1\" y=\"1\" width=\"518\" height=\"118\" fill=\"none\" stroke=\"#808080\" "
	      "stroke-dasharray=\"4 4\"/>"
	      "<text x=\"260\" y=\"65\" text-anchor=\"middle\" font-size=\"16\" fill=\"black\">",
	      out);
	html_put(out, says);
	fputs("</text></svg>\n", out);
	return staging_file_close(&r->staging, name, out, err);
}

/* What a figure is drawn with beside its data: one copy for all figures. */
static bool with_copy(const struct report *r, const char *name, struct error *err)
{
	char path[STAGING_PATH + 64];

	if (snprintf(path, sizeof path, "%s/%s", r->staging.work, name) < (int)sizeof path &&
	    access(path, F_OK) == 0)
		return true;
	char *text = file_read(r->sources, name, err);
	FILE *out = text ? staging_file(&r->staging, name, err) : NULL;
	if (out)
		fputs(text, out);
	free(text);
	return out && staging_file_close(&r->staging, name, out, err);
}

/* Runs gnuplot over NAME.tsv. *drawn: there is a NAME.svg. */
static bool figure_draw(struct report *r, const struct artefact *a, uint64_t rows, bool *drawn,
			struct error *err)
{
	char svg[ARTEFACT_NAME_MAX + 4], path[STAGING_PATH + ARTEFACT_NAME_MAX + 8], problem[1024];
	struct stat status;
	char *script;

	snprintf(svg, sizeof svg, "%s.svg", a->name);
	if (rows == 0) {
		*drawn = empty_draw(r, svg, a->empty ? a->empty : NOTHING_DRAWN, err);
		return *drawn;
	}
	if (r->no_gnuplot)
		return true;
	if (a->with && !with_copy(r, a->with, err))
		return false;
	if (asprintf(&script,
		     "set terminal svg size 500,360 dynamic enhanced font \"sans-serif,13\" name \"%s\"\n"
		     "set output \"%s\"\ndata = \"%s.tsv\"\nrows = %llu\n%s\n%s\nunset output\n",
		     a->name, svg, a->name, (unsigned long long)rows, r->plot_style, a->plot) < 0)
		return error_memory(err, "a figure");
	enum gnuplot_result result =
		gnuplot_run(r->staging.work, script, GNUPLOT_SECONDS, problem, sizeof problem);
	free(script);
	snprintf(path, sizeof path, "%s/%s", r->staging.work, svg);
	*drawn = result == GNUPLOT_DONE && stat(path, &status) == 0 && status.st_size > 0;
	if (result == GNUPLOT_MISSING)
		r->no_gnuplot = true;
	else if (!*drawn)
		failed_note(r, a, problem[0] ? problem : "gnuplot drew nothing");
	if (!*drawn)
		remove(path);
	return true;
}

static bool figure_put(struct report *r, FILE *page, const struct artefact *a, uint64_t rows, bool *drawn,
		       struct error *err)
{
	char name[ARTEFACT_NAME_MAX + 4];

	*drawn = false;
	if (!figure_draw(r, a, rows, drawn, err))
		return false;
	if (!*drawn) {
		fprintf(page,
			"<p class=\"warn\">This figure could not be drawn; its data is in %s.tsv.</p>\n",
			a->name);
		return true;
	}
	snprintf(name, sizeof name, "%s.svg", a->name);
	char *svg = file_read(r->staging.work, name, err);
	if (!svg)
		return false;
	fputs("<figure role=\"img\" aria-label=\"", page);
	html_put(page, a->title);
	fputs("\">\n", page);
	page_svg(page, svg, a->name);
	fputs("</figure>\n", page);
	free(svg);
	return true;
}

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
	snprintf(name, sizeof name, "%s.tsv", a->name);
	FILE *tsv = staging_file(&r->staging, name, err);
	const struct page_limits limits = { .rows = TABLE_ROWS_MOST, .columns = a->page_columns };
	bool ok = tsv && page_rows(html, tsv, r->v, stmt, &limits, rows, err);
	sqlite3_finalize(stmt);
	if (tsv && !staging_file_close(&r->staging, name, tsv, err))
		ok = false;
	return ok;
}

/* One artefact: its data, its sentence, its table or figure, its notes. */
static bool artefact_put(struct report *r, FILE *page, const struct artefact *a, struct error *err)
{
	struct page_notes notes = { .says = "", .manifest = r->manifest };
	const char *tail = "";
	char *table = NULL, *says = NULL;
	size_t size;
	FILE *html = open_memstream(&table, &size);
	bool ok = html && rows_write(r, a, a->is_figure ? NULL : html, &tail, &notes.rows, err);

	if (!html)
		error_memory(err, "a table");
	else if (fclose(html) != 0 && ok)
		ok = error_memory(err, "a table");
	if (ok && notes.rows) {
		says = sentence_read(r->v, tail + strspn(tail, " \t\r\n"), err);
		ok = says != NULL;
	}
	if (ok) {
		notes.says = says ? says : "";
		page_section_begin(page, a, &notes);
		if (a->is_figure)
			ok = figure_put(r, page, a, notes.rows, &notes.drawn, err);
		else if (notes.rows)
			fputs(table, page);
		else {
			fputs("<p>", page);
			html_put(page, a->empty ? a->empty : "No rows.");
			fputs("</p>\n", page);
		}
	}
	ok = ok && page_section_end(page, r->v, a, &notes, err);
	free(says);
	free(table);
	return ok;
}

static void missing_say(const struct report *r, char missing[REPORT_MISSING])
{
	missing[0] = '\0';
	if (r->no_gnuplot)
		snprintf(missing, REPORT_MISSING,
			 "gnuplot is not installed: tables and data are written, figures are not; install it "
			 "('apt install"
			 " gnuplot-nox') and run the report again");
	else if (r->failed)
		snprintf(missing, REPORT_MISSING, "gnuplot could not draw %u of the figures (%s)", r->failed,
			 r->failed_names);
}

static bool page_write(struct report *r, const char *body, char missing[REPORT_MISSING], struct error *err)
{
	missing_say(r, missing);
	const struct page_frame frame = {
		.style = r->style, .script = r->script, .list = &r->list, .incomplete = missing
	};
	FILE *page = staging_file(&r->staging, INDEX, err);
	if (!page)
		return false;
	bool ok = page_begin(page, r->v, &frame, err);
	if (ok) {
		fputs(body, page);
		page_end(page, &frame);
	}
	return staging_file_close(&r->staging, INDEX, page, err) && ok;
}

static bool artefacts_write(struct report *r, char missing[REPORT_MISSING], struct error *err)
{
	char *body = NULL;
	size_t size;
	FILE *out = open_memstream(&body, &size);
	bool ok = out != NULL;

	if (!out)
		error_memory(err, "the page");
	for (size_t i = 0; ok && i < r->list.count; i++)
		ok = artefact_put(r, out, &r->list.items[i], err);
	if (out && fclose(out) != 0 && ok)
		ok = error_memory(err, "the page");
	ok = ok && page_write(r, body, missing, err);
	free(body);
	return ok;
}

bool report_write(const struct view *v, const struct report_request *request, char missing[REPORT_MISSING],
		  struct error *err)
{
	struct report r = { .v = v, .sources = request->sources };

	missing[0] = '\0';
	bool ok = artefact_list_read(&r.list, request->sources, err) &&
		  (r.style = file_read(request->sources, "page.css", err)) &&
		  (r.script = file_read(request->sources, "page.js", err)) &&
		  (r.plot_style = file_read(request->sources, "style.gp", err)) &&
		  (r.manifest = manifest_make(v, err)) &&
		  staging_open(&r.staging, request->target, INDEX, PAGE_MARKER, err) &&
		  artefacts_write(&r, missing, err) && staging_commit(&r.staging, err);
	staging_close(&r.staging);
	artefact_list_free(&r.list);
	free(r.style);
	free(r.script);
	free(r.plot_style);
	free(r.manifest);
	return ok;
}
