/* Rows of a statement, for the page and for its data files. Everything from the database goes through
 * html_put(). */
#include "views/escape.h"
#include "views/page.h"
#include <stdlib.h>
#include <string.h>

#define WHOLE_MOST         40U
#define COLUMNS_FOR_PHONES 4  /* a table of more does not fit their width */
#define PRINTED_ROWS       40 /* page.css hides those beyond it on paper */
#define DECIMALS_MOST      6U /* a column with more is not rounded for people */

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

static void html_header_put(FILE *html, sqlite3_stmt *stmt, int columns, const bool *numbers)
{
	fprintf(html, "<div class=\"wide\"><table%s>\n<thead><tr>",
		columns > COLUMNS_FOR_PHONES ? " class=\"many\"" : "");
	for (int c = 0; c < columns; c++) {
		fputs(numbers[c] ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">", html);
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

/* Reals of a column have as many decimals as the longest of them, so that 6.0 stands above 5.3 digit below
 * digit. Which that is, is known behind the last row: the zeros are put in then. */
struct reals {
	struct real_cell {
		size_t end; /* in the body, behind the digits */
		int column;
		unsigned decimals;
	} * cell;
	size_t count, room;
	unsigned *most; /* of each column */
	bool failed;
};

static void reals_note(struct reals *r, FILE *body, int column, const char *digits)
{
	const char *point = strchr(digits, '.');
	long end = ftell(body);

	/* What is no plain number is left alone. */
	if (!*digits || strspn(digits, "-.0123456789") != strlen(digits))
		return;
	if (r->count == r->room) {
		size_t room = r->room ? 2 * r->room : 64;
		struct real_cell *larger = realloc(r->cell, room * sizeof *larger);
		r->failed = r->failed || !larger;
		r->cell = larger ? larger : r->cell;
		r->room = larger ? room : r->room;
	}
	r->failed = r->failed || end < 0;
	if (r->failed)
		return;
	unsigned decimals = point ? (unsigned)strlen(point + 1) : 0;
	r->cell[r->count++] = (struct real_cell){ (size_t)end, column, decimals };
	if (decimals > r->most[column])
		r->most[column] = decimals;
}

static void body_put(FILE *html, const char *text, size_t size, const struct reals *r)
{
	size_t at = 0;

	for (size_t i = 0; i < r->count; i++) {
		const struct real_cell *c = &r->cell[i];
		unsigned most = r->most[c->column];

		if (c->decimals == most || most > DECIMALS_MOST)
			continue;
		fwrite(text + at, 1, c->end - at, html);
		at = c->end;
		if (!c->decimals)
			fputc('.', html);
		fprintf(html, "%0*d", (int)(most - c->decimals), 0);
	}
	fwrite(text + at, 1, size - at, html);
}

/* named: the cell carries its column's name, for windows that are too narrow for a table. */
static void html_cell_put(FILE *html, sqlite3_stmt *stmt, int column, bool named, struct reals *reals)
{
	char number[REAL_TEXT];

	fprintf(html, "<td class=\"%s\"", cell_class(stmt, column));
	if (named && *query_text(stmt, column)) {
		fputs(" data-name=\"", html);
		html_put(html, sqlite3_column_name(stmt, column));
		fputc('"', html);
	}
	fputc('>', html);
	if (is_number(stmt, column)) {
		const char *digits = cell_format(stmt, column, number);
		page_number(html, digits);
		if (sqlite3_column_type(stmt, column) == SQLITE_FLOAT)
			reals_note(reals, html, column, digits);
	} else {
		html_put(html, query_text(stmt, column));
	}
	fputs("</td>", html);
}

static void html_row_put(FILE *html, sqlite3_stmt *stmt, int columns, struct reals *reals)
{
	fputs("<tr>", html);
	for (int c = 0; c < columns; c++)
		html_cell_put(html, stmt, c, columns > COLUMNS_FOR_PHONES, reals);
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
	uint64_t shown = rows < limits->rows ? rows : limits->rows;

	if (rows > shown)
		fprintf(html,
			"<p class=\"about\">The first %llu of %llu rows; <a href=\"%s\">%s</a> has "
			"all.</p>\n",
			(unsigned long long)shown, (unsigned long long)rows, limits->data, limits->data);
	if (shown > PRINTED_ROWS)
		fprintf(html, "<p class=\"about paper-only\">On paper the first %d rows of %llu.</p>\n",
			PRINTED_ROWS, (unsigned long long)rows);
	for (int c = columns; c < sqlite3_column_count(stmt); c++) {
		if (c > columns)
			fputs(", ", html);
		else
			fprintf(html,
				"<p class=\"about\">More columns in <a href=\"%s\">%s</a>: ", limits->data,
				limits->data);
		html_put(html, sqlite3_column_name(stmt, c));
	}
	if (columns < sqlite3_column_count(stmt))
		fputs(".</p>\n", html);
}

/* A column of numbers holds nothing else; what is missing speaks neither for nor against. */
struct kinds {
	bool *numbers, *words;
	struct reals reals;
};

static void kinds_note(struct kinds *kinds, sqlite3_stmt *stmt, int columns)
{
	for (int c = 0; c < columns; c++) {
		if (is_number(stmt, c) && !kinds->words[c])
			kinds->numbers[c] = true;
		else if (sqlite3_column_type(stmt, c) != SQLITE_NULL) {
			kinds->words[c] = true;
			kinds->numbers[c] = false;
		}
	}
}

/* The rows to the TSV, and some of them to the body of the page's table. */
static bool rows_pass(FILE *body, FILE *tsv, const struct view *v, sqlite3_stmt *stmt, struct kinds *kinds,
		      int columns, uint64_t most, uint64_t *rows, struct error *err)
{
	enum query_result result;

	*rows = 0;
	tsv_header_put(tsv, stmt);
	while ((result = query_step(v, stmt, err)) == QUERY_ROW && !ferror(tsv)) {
		tsv_row_put(tsv, stmt);
		if (++*rows <= most && body) {
			kinds_note(kinds, stmt, columns);
			html_row_put(body, stmt, columns, &kinds->reals);
		}
	}
	return result != QUERY_FAILED;
}

bool page_rows(FILE *html, FILE *tsv, const struct view *v, sqlite3_stmt *stmt,
	       const struct page_limits *limits, uint64_t *rows, struct error *err)
{
	int columns = sqlite3_column_count(stmt);
	char *text = NULL;
	size_t size;

	if (!html)
		return rows_pass(NULL, tsv, v, stmt, NULL, 0, 0, rows, err);
	if (limits->columns && limits->columns < columns)
		columns = limits->columns;
	struct kinds kinds = { .numbers = calloc((size_t)columns + 1, 1),
			       .words = calloc((size_t)columns + 1, 1),
			       .reals.most = calloc((size_t)columns + 1, sizeof *kinds.reals.most) };
	FILE *body = open_memstream(&text, &size);
	bool ok = body && kinds.numbers && kinds.words && kinds.reals.most;
	if (!ok)
		error_memory(err, "a table");
	ok = ok && rows_pass(body, tsv, v, stmt, &kinds, columns, limits->rows, rows, err);
	if (((body && fclose(body) != 0) || kinds.reals.failed) && ok)
		ok = error_memory(err, "a table");
	if (ok && *rows) {
		html_header_put(html, stmt, columns, kinds.numbers);
		body_put(html, text, size, &kinds.reals);
		fputs("</tbody></table></div>\n", html);
		rest_put(html, stmt, limits, columns, *rows);
	}
	free(text);
	free(kinds.numbers);
	free(kinds.words);
	free(kinds.reals.most);
	free(kinds.reals.cell);
	return ok;
}

bool page_paragraphs(FILE *html, const struct view *v, sqlite3_stmt *stmt, uint64_t *rows, struct error *err)
{
	enum query_result result;

	for (*rows = 0; (result = query_step(v, stmt, err)) == QUERY_ROW;) {
		if (!*query_text(stmt, 0))
			continue;
		fputs("<p>", html);
		html_put(html, query_text(stmt, 0));
		fputs("</p>\n", html);
		++*rows;
	}
	return result != QUERY_FAILED;
}
