/* What a comparison found: tables for people, rows for machines. */
#include "base/options.h"
#include "views/compare_parts.h"
#include "views/escape.h"
#include "views/show_topics.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_DEFAULT 40U

const char *const compare_part_names[COMPARE_PART_COUNT + 1] = {
#define X(name, title) #name,
	COMPARE_PARTS(X)
#undef X
};
static const char *const titles[COMPARE_PART_COUNT] = {
#define X(name, title) title,
	COMPARE_PARTS(X)
#undef X
};

static const struct column run_columns[] = {
	{ "", COLUMN_TEXT, FIT_KEEP, 0 },          { "database", COLUMN_TEXT, FIT_WRAP, 0 },
	{ "run", COLUMN_NUMBER, FIT_KEEP, 0 },     { "first packet", COLUMN_TIME, FIT_KEEP, 0 },
	{ "lasts", COLUMN_DURATION, FIT_KEEP, 0 }, { "footsteps", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "inputs", COLUMN_TEXT, FIT_WRAP, 0 },
};
static const struct column option_columns[] = {
	{ "option", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "A", COLUMN_TEXT, FIT_WRAP, 0 },
	{ "B", COLUMN_TEXT, FIT_WRAP, 0 },
	{ "it changes", COLUMN_TEXT, FIT_WRAP, 0 },
};
static const struct column count_columns[] = {
	{ "", COLUMN_TEXT, FIT_WRAP, 0 },
	{ "A", COLUMN_LINES, FIT_KEEP, 0 },
	{ "B", COLUMN_LINES, FIT_KEEP, 0 },
	{ "B / A", COLUMN_LINES, FIT_KEEP, 0 },
};
static const struct column distribution_columns[] = {
	{ "", COLUMN_TEXT, FIT_WRAP, 0 },        { "of", COLUMN_LINES, FIT_KEEP, 0 },
	{ "values", COLUMN_LINES, FIT_KEEP, 0 }, { "median", COLUMN_LINES, FIT_KEEP, 0 },
	{ "90 %", COLUMN_LINES, FIT_KEEP, 0 },   { "D", COLUMN_LINES, FIT_KEEP, 0 },
	{ "p", COLUMN_LINES, FIT_KEEP, 0 },      { "B is", COLUMN_TEXT, FIT_WRAP, 0 },
};
static const struct column socket_columns[] = {
	{ "", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "kept", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "same address, other port", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "gone", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "new", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "kept of A", COLUMN_LINES, FIT_KEEP, 0 },
};
static const struct column member_columns[] = {
	{ "", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "is", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "in A", COLUMN_TEXT, FIT_SOCKET, 0 },
	{ "in B", COLUMN_TEXT, FIT_SOCKET, 0 },
};
static const struct column caution_columns[] = { { "", COLUMN_TEXT, FIT_WRAP, 0 } };
static const struct column flow_columns[] = {
	{ "", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "flows", COLUMN_NUMBER, FIT_KEEP, 0 },
};
static const struct column label_columns[] = {
	{ "in A", COLUMN_TEXT, FIT_WRAP, 0 },        { "in B", COLUMN_TEXT, FIT_WRAP, 0 },
	{ "flows", COLUMN_NUMBER, FIT_KEEP, 0 },     { "packets", COLUMN_NUMBER, FIT_KEEP, 1 },
	{ "flow of A", COLUMN_NUMBER, FIT_KEEP, 0 }, { "of B", COLUMN_NUMBER, FIT_KEEP, 0 },
};

/* clang-format off */
#define BOTH(a, b) "coalesce(" a ", '-') || char(10) || coalesce(" b ", '-')"
static const char distributions_text[] =
	"SELECT words, 'A' || char(10) || 'B', "
	BOTH("quantity(samples_a, '')", "quantity(samples_b, '')") ", "
	BOTH("quantity(median_a, unit)", "quantity(median_b, unit)") ", "
	BOTH("quantity(p90_a, unit)", "quantity(p90_b, unit)") ","
	" CASE WHEN d IS NULL THEN '-' ELSE printf('%.2f', d) END, CASE WHEN p IS NULL THEN '-' WHEN p < "
	"1e-9 THEN '<1e-9' ELSE printf('%.1g', p) END, verdict_words FROM distributions ORDER BY place, class";
#undef BOTH
#define NAMED(side) "label_" side " || coalesce(' (' || nullif(role_" side ", '') || ')', '')"
static const char labels_text[] =
	"SELECT " NAMED("a") ", " NAMED("b") ", flows, packets, flow_a, flow_b FROM labels"
	" ORDER BY flows DESC, label_a, label_b, role_a, role_b";
#undef NAMED
/* clang-format on */

static const struct part {
	const char *data, *text;
	const char *none; /* said when there are no rows and it was asked for */
	const struct column *columns;
	size_t column_count;
} parts[COMPARE_PART_COUNT] = {
	[COMPARE_runs] = { "SELECT * FROM runs",
			   "SELECT side, path, run, first_ns, last_ns - first_ns, version, inputs FROM runs",
			   "", COLUMNS(run_columns) },
	[COMPARE_cautions] = { "SELECT words FROM cautions", "SELECT words FROM cautions",
			       "Nothing speaks against comparing them.", COLUMNS(caution_columns) },
	[COMPARE_options] = { "SELECT * FROM options", "SELECT '--' || name, a, b, touches FROM options",
			      "No option that changes a number differs.", COLUMNS(option_columns) },
	[COMPARE_counts] = { "SELECT *, b / nullif(a, 0) AS ratio FROM counts",
			     "SELECT name, quantity(a, unit), quantity(b, unit),"
			     " coalesce(printf('%.3g', b / nullif(a, 0)), '-') FROM counts WHERE a <> 0 OR b "
			     "<> 0",
			     "Nothing was counted.", COLUMNS(count_columns) },
	[COMPARE_distributions] = { "SELECT measure, class, words, unit, samples_a, samples_b, median_a, "
				    "median_b, p90_a, p90_b, d, b_larger, b_smaller, d_at, effective, p, "
				    "verdict, verdict_words FROM distributions ORDER BY place, class",
				    distributions_text, "There is no distribution in either run.",
				    COLUMNS(distribution_columns) },
	[COMPARE_sockets] = { "SELECT * FROM sockets",
			      "SELECT what, kept, moved, gone, new, coalesce(percent(kept, kept + moved + "
			      "gone), '-') FROM sockets",
			      "", COLUMNS(socket_columns) },
	[COMPARE_members] = { "SELECT * FROM members",
			      "SELECT what, state, CASE WHEN port_a IS NOT NULL THEN socket(ip, port_a) END,"
			      " CASE WHEN port_b IS NOT NULL THEN socket(ip, port_b) END FROM members"
			      " WHERE state <> 'kept'",
			      "Every socket was kept.", COLUMNS(member_columns) },
	[COMPARE_flows] = { "SELECT * FROM flows",
			    "SELECT 'stored in A, of ' || all_a, stored_a FROM flows UNION ALL SELECT "
			    "'stored in B, of ' || all_b, stored_b FROM flows UNION ALL SELECT 'in both: "
			    "same start and 5-tuple', both FROM flows UNION ALL SELECT 'with the same label "
			    "and role', same FROM flows WHERE both > 0 UNION ALL SELECT 'with another one', "
			    "changed FROM flows WHERE both > 0",
			    "", COLUMNS(flow_columns) },
	[COMPARE_labels] = { "SELECT * FROM labels ORDER BY flows DESC, label_a, label_b, role_a, role_b",
			     labels_text, "No flow that is in both has another label or role.",
			     COLUMNS(label_columns) },
};

static void words_print(FILE *out, const char *text, const char *lead)
{
	char plain[2048];

	(void)plain_text(text, plain, sizeof plain);
	fprintf(out, "%s", lead);
	options_wrap(out, plain, strlen(lead), strlen(lead));
}

static bool cautions_print(struct comparison *c, FILE *out, struct error *err)
{
	sqlite3_stmt *row = query_open(&c->results, parts[COMPARE_cautions].text, err);
	enum query_result result = QUERY_FAILED;

	while (row && (result = query_step(&c->results, row, err)) == QUERY_ROW)
		words_print(out, query_text(row, 0), "  - ");
	sqlite3_finalize(row);
	return result == QUERY_END;
}

/* What the tables alone would not say. */
static bool remark_print(struct comparison *c, enum compare_part part, FILE *out, struct error *err)
{
	int64_t number = 0;

	switch (part) {
	case COMPARE_distributions:
		fputs("  D: greatest distance of the two cumulative curves. p: chance of it if nothing\n"
		      "  had changed and values were independent. They are not (those of one client\n"
		      "  go together): believe D, and p only when it is large.\n",
		      out);
		return true;
	case COMPARE_flows:
		if (!query_number(&c->results, "SELECT both FROM flows", &number, err))
			return false;
		if (number == 0)
			fputs("  The runs have no flow in common: they are of other packets, so that no "
			      "label\n"
			      "  can have changed.\n",
			      out);
		return true;
	default:
		return true;
	}
}

/* A database may hold clients of several protocols, of which one is compared. */
static void title_print(const struct comparison *c, enum compare_part which, bool asked, FILE *out)
{
	bool of_one = which >= COMPARE_counts && which <= COMPARE_members && *c->side[0]->protocol;

	fprintf(out, "%s%s", which && !asked ? "\n" : "", titles[which]);
	if (of_one)
		fprintf(out, " (%s)", c->side[0]->protocol);
	fputc('\n', out);
}

static bool part_table(struct comparison *c, enum compare_part which, const struct compare_request *request,
		       FILE *out, struct error *err)
{
	const struct part *part = &parts[which];
	sqlite3_stmt *stmt = query_open(&c->results, part->text, err);
	struct table *t = table_new(part->columns, part->column_count);
	uint64_t rows = 0, most = request->all ? UINT64_MAX : ROWS_DEFAULT;
	bool ok = stmt && (t || error_memory(err, "the table")) &&
		  table_fill(t, &c->results, stmt, part->columns, most, &rows, err);

	bool asked = request->part != COMPARE_PART_COUNT;
	if (ok && (rows || asked)) {
		title_print(c, which, asked, out);
		if (!rows)
			fprintf(out, "  %s\n", part->none);
		else if (which == COMPARE_cautions)
			ok = cautions_print(c, out, err);
		else
			table_print(t, out, request->width, 2);
		if (rows > most)
			fprintf(out, "  %llu of %llu rows; the others with --all.\n",
				(unsigned long long)most, (unsigned long long)rows);
		ok = ok && remark_print(c, which, out, err);
	}
	table_free(t);
	sqlite3_finalize(stmt);
	return ok;
}

/* A row says what it is of: "count", "distribution" ... the part's name, as in `read --json` the table's. */
static bool part_json(struct comparison *c, enum compare_part which, FILE *out, struct error *err)
{
	char sql[1024];

	const char *columns = parts[which].data + strlen("SELECT ");
	snprintf(sql, sizeof sql, "SELECT '%s' AS row, %s", compare_part_names[which], columns);
	sqlite3_stmt *stmt = query_open(&c->results, sql, err);
	bool ok = stmt && rows_put_json(&c->results, stmt, out, err);
	sqlite3_finalize(stmt);
	return ok;
}

static bool part_csv(struct comparison *c, enum compare_part which, FILE *out, struct error *err)
{
	sqlite3_stmt *stmt = query_open(&c->results, parts[which].data, err);
	bool ok = stmt && rows_put_csv(&c->results, stmt, out, err);

	sqlite3_finalize(stmt);
	return ok;
}

static bool part_print(struct comparison *c, enum compare_part which, const struct compare_request *request,
		       FILE *out, struct error *err)
{
	switch (request->format) {
	case SHOW_JSON:
		return part_json(c, which, out, err);
	case SHOW_CSV:
		return part_csv(c, which, out, err);
	default:
		return part_table(c, which, request, out, err);
	}
}

bool compare_print(struct comparison *c, const struct compare_request *request, FILE *out, struct error *err)
{
	if (request->part != COMPARE_PART_COUNT)
		return part_print(c, request->part, request, out, err);
	for (int which = 0; which < COMPARE_PART_COUNT; which++)
		if ((which != COMPARE_members || c->members) &&
		    !part_print(c, (enum compare_part)which, request, out, err))
			return false;
	return true;
}
