/* The report's page; see page.h. Everything from the database goes through html_put(). */
#include "views/page.h"
#include "base/clock.h"
#include "views/escape.h"
#include <string.h>

#define INPUTS_NAMED       3
#define WHOLE_MOST         40U
#define COLUMNS_FOR_PHONES 4 /* a table of more does not fit their width */

void page_number(FILE *out, const char *digits)
{
	size_t sign = *digits == '-', whole = strspn(digits + sign, "0123456789");

	/* Four digits are read at a glance; what is no plain number is left alone. */
	if (whole < 5 || strspn(digits + sign + whole, ".0123456789") != strlen(digits + sign + whole)) {
		html_put(out, digits);
		return;
	}
	size_t first = whole % 3 ? whole % 3 : 3;
	fprintf(out, "%.*s", (int)(sign + first), digits);
	for (const char *at = digits + sign + first; at < digits + sign + whole; at += 3)
		fprintf(out, "<span class=\"g\">%.3s</span>", at);
	fputs(digits + sign + whole, out);
}

static bool is_number(sqlite3_stmt *stmt, int column)
{
	int type = sqlite3_column_type(stmt, column);

	return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

static void tsv_header_put(FILE *tsv, sqlite3_stmt *stmt)
{
	int columns = sqlite3_column_count(stmt);

	for (int c = 0; c < columns; c++) {
		tsv_put(tsv, sqlite3_column_name(stmt, c));
		fputc(c + 1 < columns ? '\t' : '\n', tsv);
	}
}

static void html_header_put(FILE *html, sqlite3_stmt *stmt, int columns)
{
	fprintf(html, "<div class=\"wide\"><table%s>\n<thead><tr>",
		columns > COLUMNS_FOR_PHONES ? " class=\"many\"" : "");
	for (int c = 0; c < columns; c++) {
		/* The first row tells how a column is aligned. */
		fputs(is_number(stmt, c) ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">", html);
		html_put(html, sqlite3_column_name(stmt, c));
		fputs("</th>", html);
	}
	fputs("</tr></thead>\n<tbody>\n", html);
}

static const char *cell_class(sqlite3_stmt *stmt, int column)
{
	const char *text = query_text(stmt, column);

	if (is_number(stmt, column))
		return "n";
	/* Times and addresses stay in one line; what has blanks, or is long, wraps. */
	return strlen(text) <= WHOLE_MOST && !strchr(text, ' ') ? "t" : "w";
}

/* named: the cell carries its column's name, for windows that are too narrow for a table. */
static void html_cell_put(FILE *html, sqlite3_stmt *stmt, int column, bool named)
{
	char number[REAL_TEXT];

	fprintf(html, "<td class=\"%s\"", cell_class(stmt, column));
	if (named && *query_text(stmt, column)) {
		fputs(" data-name=\"", html);
		html_put(html, sqlite3_column_name(stmt, column));
		fputc('"', html);
	}
	fputc('>', html);
	if (is_number(stmt, column))
		page_number(html, cell_format(stmt, column, number));
	else
		html_put(html, query_text(stmt, column));
	fputs("</td>", html);
}

static void html_row_put(FILE *html, sqlite3_stmt *stmt, int columns)
{
	fputs("<tr>", html);
	for (int c = 0; c < columns; c++)
		html_cell_put(html, stmt, c, columns > COLUMNS_FOR_PHONES);
	fputs("</tr>\n", html);
}

static void tsv_row_put(FILE *tsv, sqlite3_stmt *stmt)
{
	char number[REAL_TEXT];
	int columns = sqlite3_column_count(stmt);

	for (int c = 0; c < columns; c++) {
		tsv_put(tsv, cell_format(stmt, c, number));
		fputc(c + 1 < columns ? '\t' : '\n', tsv);
	}
}

/* What the page leaves to the TSV. */
static void rest_put(FILE *html, sqlite3_stmt *stmt, const struct page_limits *limits, int columns,
		     uint64_t rows)
{
	if (rows > limits->rows)
		fprintf(html, "<p class=\"about\">The first %llu of %llu rows; the data file has all.</p>\n",
			(unsigned long long)limits->rows, (unsigned long long)rows);
	for (int c = columns; c < sqlite3_column_count(stmt); c++) {
		fputs(c > columns ? ", " : "<p class=\"about\">More columns in the data file: ", html);
		html_put(html, sqlite3_column_name(stmt, c));
	}
	if (columns < sqlite3_column_count(stmt))
		fputs(".</p>\n", html);
}

bool page_rows(FILE *html, FILE *tsv, const struct view *v, sqlite3_stmt *stmt,
	       const struct page_limits *limits, uint64_t *rows, struct error *err)
{
	enum query_result result;
	int columns = sqlite3_column_count(stmt);

	if (limits->columns && limits->columns < columns)
		columns = limits->columns;
	*rows = 0;
	tsv_header_put(tsv, stmt);
	while ((result = query_step(v, stmt, err)) == QUERY_ROW && !ferror(tsv)) {
		tsv_row_put(tsv, stmt);
		if (html && *rows == 0)
			html_header_put(html, stmt, columns);
		if (++*rows <= limits->rows && html)
			html_row_put(html, stmt, columns);
	}
	if (html && *rows) {
		fputs("</tbody></table></div>\n", html);
		rest_put(html, stmt, limits, columns, *rows);
	}
	return result != QUERY_FAILED;
}

/* Where an id is defined or used: id="x", href="#x", url(#x). */
static size_t id_length(const char *at)
{
	static const char *const marks[] = { " id=\"", " id='", "href=\"#", "href='#", "url(#" };

	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
		if (strncmp(at, marks[i], strlen(marks[i])) == 0)
			return strlen(marks[i]);
	return 0;
}

void page_svg(FILE *out, const char *svg, const char *name)
{
	const char *at = strstr(svg, "<svg");

	while (at && *at) {
		size_t plain = strcspn(at, " hu"), mark;
		fwrite(at, 1, plain, out);
		at += plain;
		mark = *at ? id_length(at) : 0;
		if (mark) {
			fprintf(out, "%.*s%s-", (int)mark, at, name);
			at += mark;
		} else if (*at) {
			fputc(*at++, out);
		}
	}
}

static void contents_put(FILE *out, const struct artefact_list *list)
{
	fputs("<nav aria-label=\"Contents\"><ul>\n", out);
	for (size_t i = 0; i < list->count; i++) {
		fprintf(out, "<li><a href=\"#%s\">", list->items[i].name);
		html_put(out, list->items[i].title);
		fputs("</a></li>\n", out);
	}
	fputs("</ul></nav>\n", out);
}

/* "monday.pcap, tuesday.pcap and 5 more" */
static bool inputs_put(FILE *out, const struct view *v, struct error *err)
{
	sqlite3_stmt *stmt = query_open(v, "SELECT path FROM inputs WHERE run = :run ORDER BY n", err);
	enum query_result result = QUERY_FAILED;
	unsigned n = 0;

	while (stmt && (result = query_step(v, stmt, err)) == QUERY_ROW)
		if (++n <= INPUTS_NAMED) {
			const char *slash = strrchr(query_text(stmt, 0), '/');
			fputs(n > 1 ? ", " : "", out);
			html_put(out, slash && slash[1] ? slash + 1 : query_text(stmt, 0));
		}
	if (n > INPUTS_NAMED)
		fprintf(out, " and %u more", n - INPUTS_NAMED);
	if (n == 0)
		fputs("no input", out);
	sqlite3_finalize(stmt);
	return result == QUERY_END;
}

static void problems_put(FILE *out, const char *problems)
{
	fputs("<div class=\"warn\"><strong>Incomplete:</strong> part of the input is missing from these "
	      "results.<pre>",
	      out);
	html_put(out, problems);
	fputs("</pre></div>\n", out);
}

static bool lead_put(FILE *out, const struct view *v, struct error *err)
{
	sqlite3_stmt *stmt = query_open(
		v,
		"SELECT first_ns, last_ns, packets, version, complete, problems FROM runs WHERE run = :run",
		err);
	enum query_result result = stmt ? query_step(v, stmt, err) : QUERY_FAILED;
	char first[UTC_TEXT], last[UTC_TEXT], lasted[DURATION_TEXT];

	if (result == QUERY_ROW) {
		fputs("<p class=\"lead\">", out);
		page_number(out, query_text(stmt, 2));
		fputs(" packets", out);
		if (sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
			int64_t from = sqlite3_column_int64(stmt, 0), to = sqlite3_column_int64(stmt, 1);
			utc_format(from, first);
			utc_format(to, last);
			duration_format(to - from, lasted);
			fprintf(out, " from <time>%.19sZ</time> to <time>%.19sZ</time> (%s)", first, last,
				lasted);
		}
		fprintf(out, ". Run %lld of ", (long long)v->run);
		html_put(out, v->path);
		fputs(", read by footsteps ", out);
		html_put(out, query_text(stmt, 3));
		fputs(". Times are UTC.</p>\n", out);
		if (!sqlite3_column_int(stmt, 4))
			problems_put(out, query_text(stmt, 5));
	}
	sqlite3_finalize(stmt);
	return result != QUERY_FAILED;
}

bool page_begin(FILE *out, const struct view *v, const struct page_frame *frame, struct error *err)
{
	fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n" PAGE_MARKER "\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
	      "'unsafe-inline';"
	      " script-src 'unsafe-inline'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Footsteps "
	      "in ",
	      out);
	if (!inputs_put(out, v, err))
		return false;
	fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<header>\n<h1>Footsteps in ",
		frame->style);
	if (!inputs_put(out, v, err))
		return false;
	fputs("</h1>\n", out);
	if (!lead_put(out, v, err))
		return false;
	if (frame->incomplete[0]) {
		fputs("<div class=\"warn\"><strong>Figures are missing:</strong> ", out);
		html_put(out, frame->incomplete);
		fputs("</div>\n", out);
	}
	contents_put(out, frame->list);
	fputs("</header>\n<main>\n", out);
	return true;
}

void page_end(FILE *out, const struct page_frame *frame)
{
	fprintf(out,
		"</main>\n<footer>Identifiers such as D1, R4 and B4 are those of footsteps' measurement "
		"definitions. The"
		" data of each table and figure lies beside this page as tab-separated "
		"values.</footer>\n<script>\n%s</script>\n</body>\n</html>\n",
		frame->script);
}

void page_section_begin(FILE *out, const struct artefact *a, const struct page_notes *notes)
{
	fprintf(out, "<section id=\"%s\"%s>\n<h2>", a->name, a->is_figure ? "" : " class=\"long\"");
	html_put(out, a->title);
	fprintf(out, "<span class=\"id\">%s</span></h2>\n", a->name);
	if (notes->says[0]) {
		fputs("<p class=\"says\">", out);
		html_put(out, notes->says);
		fputs("</p>\n", out);
	}
}

static void paragraph_put(FILE *out, const char *class, const char *before, const char *text)
{
	if (!text || !*text)
		return;
	fprintf(out, "<p class=\"%s\">%s", class, before);
	html_put(out, text);
	fputs("</p>\n", out);
}

/* Which findings of the trace's judgement touch the artefact; opening: what they do to it. */
static bool cautions_put(FILE *out, const struct view *v, const char *opening, const char *cautions,
			 struct error *err)
{
	sqlite3_stmt *stmt = query_open(
		v,
		"SELECT value, words FROM counters WHERE run = :run AND area = 'trace' AND value > 0"
		" AND instr(' ' || :names || ' ', ' ' || name || ' ') > 0"
		" ORDER BY instr(' ' || :names || ' ', ' ' || name || ' ')",
		err);
	enum query_result result = QUERY_FAILED;
	bool any = false;

	if (stmt)
		query_bind_text(stmt, ":names", cautions);
	while (stmt && (result = query_step(v, stmt, err)) == QUERY_ROW) {
		const char *words = query_text(stmt, 1);
		/* Words that begin with "... " go on about the finding before. */
		bool aside = any && strncmp(words, "... ", 4) == 0;
		if (any)
			fputs(aside ? " (" : "; ", out);
		else
			fprintf(out, "<p class=\"warn\"><strong>%s:</strong> ", opening);
		html_put(out, aside ? words + 4 : words);
		fputs(": ", out);
		page_number(out, query_text(stmt, 0));
		fputs(aside ? ")" : "", out);
		any = true;
	}
	if (any)
		fputs(".</p>\n", out);
	sqlite3_finalize(stmt);
	return result == QUERY_END;
}

bool page_section_end(FILE *out, const struct view *v, const struct artefact *a,
		      const struct page_notes *notes, struct error *err)
{
	if (a->cautions && notes->rows && !cautions_put(out, v, "Mind the trace", a->cautions, err))
		return false;
	if (a->hides && !cautions_put(out, v, "The trace may hide further ones", a->hides, err))
		return false;
	paragraph_put(out, "about", "", a->about);
	paragraph_put(out, "paper", "<strong>Paper:</strong> ", a->paper);
	fprintf(out, "<p class=\"source\"><a href=\"%s.tsv\">%s.tsv</a>", a->name, a->name);
	if (notes->drawn)
		fprintf(out, " &middot; <a href=\"%s.svg\">%s.svg</a>", a->name, a->name);
	fputs(" &middot; ", out);
	html_put(out, notes->manifest);
	fputs("</p>\n</section>\n", out);
	return true;
}
