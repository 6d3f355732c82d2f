/* What a score found: tables for people, lines of JSON for machines. */
#include "base/options.h"
#include "views/escape.h"
#include "views/score_parts.h"
#include "views/show_topics.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* "99.99 %" of nearly all: 100 % is said of all alone. */
static void function_share(sqlite3_context *context, int count, sqlite3_value **values)
{
	int64_t part = sqlite3_value_int64(values[0]), whole = sqlite3_value_int64(values[1]);
	double percent = whole > 0 ? 100.0 * (double)part / (double)whole : 0;
	char text[32];

	(void)count;
	if (whole <= 0) /* 0 of 0: nothing to be said */
		return;
	if (part < whole && percent > 99.99)
		percent = 99.99;
	if (part > 0 && percent < 0.01)
		percent = 0.01;
	snprintf(text, sizeof text, part == whole ? "100 %%" : part == 0 ? "0 %%" : "%.2f %%", percent);
	sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

/* --- which differences are shown, and where to look --- */

/* Of each part in turn, so that one with thousands does not hide the others. */
static const char shown[] =
	"CREATE TEMP TABLE score_shown AS SELECT d.* FROM ("
	" SELECT *, row_number() OVER (PARTITION BY part ORDER BY n) AS turn FROM score_difference) d"
	" JOIN (SELECT part, min(place) AS place FROM score_part GROUP BY part) p ON p.part = d.part"
	" ORDER BY turn, place LIMIT ";
/* The flow that goes on between the two ends then: what carries a call and its holds may have begun before
 * it. Else the first flow that the client has from then on. */
static const char starts[] =
	"CREATE TEMP TABLE score_start (side TEXT, client INTEGER, first_ns INTEGER, flow INTEGER, last_ns INTEGER,"
	" a TEXT, b TEXT, PRIMARY KEY (side, client, first_ns, flow)) WITHOUT ROWID;"
	"INSERT INTO score_start SELECT 'truth', client, first_ns, flow, last_ns, socket(client_ip, client_port),"
	" socket(server_ip, server_port) FROM truth.flows WHERE client IN"
	" (SELECT client FROM score_shown WHERE packet IS NULL AND side = 'truth');"
	"INSERT INTO score_start SELECT 'monitor', client, first_ns, flow, last_ns, socket(client_ip, client_port),"
	" socket(server_ip, server_port) FROM main.flows WHERE run = :run"
	" AND client IN (SELECT client FROM score_shown WHERE packet IS NULL AND side = 'monitor');"
	"UPDATE score_shown SET packet = (SELECT flow FROM score_start s WHERE s.side = score_shown.side"
	" AND s.client = score_shown.client AND s.first_ns <= score_shown.at_ns AND s.last_ns >= score_shown.at_ns"
	" AND (instr(what || ' ', a || ' - ' || b || ' ') = 1 OR instr(what || ' ', b || ' - ' || a || ' ') = 1)"
	" ORDER BY s.first_ns, flow LIMIT 1) WHERE packet IS NULL;"
	"UPDATE score_shown SET packet = (SELECT flow FROM score_start s WHERE s.side = score_shown.side"
	" AND s.client = score_shown.client AND s.first_ns >= score_shown.at_ns ORDER BY s.first_ns, flow LIMIT 1)"
	" WHERE packet IS NULL";

static bool differences_choose(struct score *s, uint64_t most, struct error *err)
{
	char sql[sizeof shown + 24];
	int64_t open;

	snprintf(sql, sizeof sql, "%s%" PRId64, shown,
		 most && most <= INT64_MAX ? (int64_t)most : INT64_C(-1));
	return score_run(s, sql, err) &&
	       query_number(s->v,
			    "SELECT count(*) FROM score_shown WHERE packet IS NULL AND client IS NOT NULL",
			    &open, err) &&
	       (open == 0 || score_run(s, starts, err));
}

/* --- for people --- */

static const struct column part_columns[] = {
	{ "", COLUMN_TEXT, FIT_KEEP, 0 },        { "in truth", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "found", COLUMN_NUMBER, FIT_KEEP, 0 }, { "missed", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "wrong", COLUMN_NUMBER, FIT_KEEP, 0 }, { "precision", COLUMN_LINES, FIT_KEEP, 0 },
	{ "recall", COLUMN_LINES, FIT_KEEP, 0 },
};
/* Attributes of a part that is not there say nothing. */
static const char part_text[] =
	"SELECT iif(attribute = '', part, '  ' || attribute), truth, found, missed, wrong,"
	" coalesce(share(found, found + wrong), '-'), coalesce(share(found, truth), '-') FROM score_part"
	" WHERE attribute = '' OR truth > 0 ORDER BY place";
static const struct column class_columns[] = {
	{ "pair class", COLUMN_TEXT, FIT_KEEP, 0 }, { "", COLUMN_LINES, FIT_KEEP, 0 },
	{ "pairs", COLUMN_LINES, FIT_KEEP, 0 },     { "flows", COLUMN_LINES, FIT_KEEP, 0 },
	{ "packets", COLUMN_LINES, FIT_KEEP, 0 },   { "equal", COLUMN_TEXT, FIT_KEEP, 0 },
};
#define BOTH(cell) "truth_" cell " || char(10) || " cell
static const char class_text[] =
	"SELECT class, 'truth' || char(10) || 'monitor', " BOTH("pairs") ", " BOTH("flows") ", " BOTH(
		"packets") ", iif((truth_pairs, truth_flows, truth_packets) = (pairs, flows, packets), 'yes', 'NO')"
			   " FROM (SELECT * FROM score_class UNION ALL SELECT 9, 'total', sum(truth_pairs), sum(pairs),"
			   " sum(truth_flows), sum(flows), sum(truth_packets), sum(packets) FROM score_class) ORDER BY place";
#undef BOTH
static const struct column difference_columns[] = {
	{ "", COLUMN_TEXT, FIT_WRAP, 0 },         { "what", COLUMN_TEXT, FIT_SOCKET, 0 },
	{ "truth", COLUMN_TEXT, FIT_KEEP, 0 },    { "monitor", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "packet", COLUMN_NUMBER, FIT_KEEP, 0 },
};
static const char difference_text[] =
	"SELECT kind, what, truth, monitor, packet FROM score_shown WHERE part = :part ORDER BY n";

static bool sentences_print(struct score *s, const char *sql, const char *title, FILE *out, struct error *err)
{
	sqlite3_stmt *row = query_open(s->v, sql, err);
	enum query_result result = QUERY_FAILED;
	char plain[2048];

	while (row && (result = query_step(s->v, row, err)) == QUERY_ROW) {
		if (title)
			fprintf(out, "\n%s\n", title);
		title = NULL;
		(void)plain_text(query_text(row, 0), plain, sizeof plain);
		fputs("  - ", out);
		options_wrap(out, plain, 4, 4);
	}
	sqlite3_finalize(row);
	return result == QUERY_END;
}

static bool head_print(struct score *s, FILE *out, struct error *err)
{
	static const char sql[] =
		"SELECT printf('%s: %s (%s, seed %d), of %s', t.scenario, t.title, t.version, t.seed,"
		" t.capture), printf('run %d of footsteps %s, %s', m.run, m.version, :protocol)"
		" FROM truth.runs t, main.runs m WHERE m.run = :run";
	sqlite3_stmt *row = query_open(s->v, sql, err);
	char plain[1024];
	bool ok = row && query_row(s->v, row, err);

	if (ok) {
		(void)plain_text(query_text(row, 0), plain, sizeof plain);
		fputs("Truth    ", out);
		options_wrap(out, plain, 9, 9);
		(void)plain_text(s->v->path, plain, sizeof plain);
		fprintf(out, "Monitor  %s, %s\n", plain, query_text(row, 1));
	}
	sqlite3_finalize(row);
	return ok;
}

/* The words of a confusion, of one side, in their order: those of the truth first. */
#define WORDS_MAX (TABLE_COLUMNS_MAX - 1)
struct words {
	char *word[WORDS_MAX];
	size_t count;
};

static bool words_read(struct score *s, const char *sql, const char *part, struct words *w, struct error *err)
{
	sqlite3_stmt *row = query_open(s->v, sql, err);
	enum query_result result = QUERY_FAILED;

	if (row)
		query_bind_text(row, ":part", part);
	while (row && w->count < WORDS_MAX && (result = query_step(s->v, row, err)) == QUERY_ROW)
		if (!(w->word[w->count++] = strdup(query_text(row, 0)))) {
			w->count--;
			sqlite3_finalize(row);
			return error_memory(err, "a table");
		}
	sqlite3_finalize(row);
	return result != QUERY_FAILED;
}

static void words_drop(struct words *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->word[i]);
}

/* Labels without what they have in common. */
static const char *word_short(const struct score *s, const char *word)
{
	size_t length = strlen(s->v->protocol);

	return length && strncmp(word, s->v->protocol, length) == 0 && word[length] == '-' ? word + length + 1
											   : word;
}

static bool confusion_cells(struct score *s, struct table *t, const char *part, const char *truth,
			    const struct words *monitor, struct error *err)
{
	sqlite3_stmt *row = query_open(s->v,
				       "SELECT sum(count) FROM score_confusion WHERE part = :part"
				       " AND truth = :truth AND monitor = :monitor",
				       err);
	bool ok = row != NULL && table_add(t, word_short(s, truth));

	for (size_t i = 0; ok && i < monitor->count; i++) {
		sqlite3_reset(row);
		query_bind_text(row, ":part", part);
		query_bind_text(row, ":truth", truth);
		query_bind_text(row, ":monitor", monitor->word[i]);
		ok = query_row(s->v, row, err) &&
		     (sqlite3_column_type(row, 0) == SQLITE_NULL ? table_add_lines(t, ".")
								 : table_add_lines(t, query_text(row, 0)));
	}
	sqlite3_finalize(row);
	return ok;
}

/* A row for each word of the truth, a column for each of the monitor. */
static bool confusion_print(struct score *s, const char *part, const char *title, unsigned width, FILE *out,
			    struct error *err)
{
	static const char of_truth[] = "SELECT truth FROM score_confusion WHERE part = :part GROUP BY truth"
				       " ORDER BY truth = 'not in truth', sum(count) DESC, truth";
	static const char of_monitor[] =
		"SELECT monitor FROM score_confusion c WHERE part = :part GROUP BY monitor ORDER BY"
		" monitor = 'not found', (SELECT sum(count) FROM score_confusion d WHERE d.part = :part"
		" AND d.truth = c.monitor) DESC, monitor";
	struct column columns[TABLE_COLUMNS_MAX] = { { "in truth", COLUMN_TEXT, FIT_KEEP, 0 } };
	struct words truth = { .count = 0 }, monitor = { .count = 0 };
	bool ok =
		words_read(s, of_truth, part, &truth, err) && words_read(s, of_monitor, part, &monitor, err);

	for (size_t i = 0; i < monitor.count; i++)
		columns[i + 1] = (struct column){ word_short(s, monitor.word[i]), COLUMN_LINES, FIT_KEEP, 0 };
	struct table *t = table_new(columns, monitor.count + 1);
	ok = ok && (t || error_memory(err, "the table"));
	for (size_t i = 0; ok && i < truth.count; i++)
		ok = confusion_cells(s, t, part, truth.word[i], &monitor, err);
	if (ok && truth.count) {
		fprintf(out, "\n%s\n", title);
		table_print(t, out, width, 2);
	}
	table_free(t);
	words_drop(&truth);
	words_drop(&monitor);
	return ok;
}

/* The part is the header of what differs. */
static bool differences_of_part(struct score *s, const char *part, unsigned width, FILE *out,
				struct error *err)
{
	struct column columns[COUNT(difference_columns)];
	sqlite3_stmt *stmt = query_open(s->v, difference_text, err);
	uint64_t rows;

	memcpy(columns, difference_columns, sizeof columns);
	columns[0].header = part;
	struct table *t = table_new(columns, COUNT(columns));
	if (stmt)
		query_bind_text(stmt, ":part", part);
	bool ok = stmt && (t || error_memory(err, "the table")) &&
		  table_fill(t, s->v, stmt, columns, UINT64_MAX, &rows, err);
	if (ok)
		table_print(t, out, width, 2);
	table_free(t);
	sqlite3_finalize(stmt);
	return ok;
}

static bool differences_print(struct score *s, unsigned width, FILE *out, struct error *err)
{
	static const char sql[] = "SELECT part FROM score_part p WHERE part IN (SELECT part FROM score_shown)"
				  " AND attribute = '' ORDER BY place";
	sqlite3_stmt *row = query_open(s->v, sql, err);
	enum query_result result = QUERY_FAILED;
	int64_t rows = 0;
	bool ok = row && query_number(s->v, "SELECT count(*) FROM score_shown", &rows, err);

	if (ok && rows)
		fputs("\nDifferences (packet: the first one of the flow, as in Wireshark)\n", out);
	for (bool first = true; ok && (result = query_step(s->v, row, err)) == QUERY_ROW; first = false) {
		if (!first)
			fputc('\n', out);
		ok = differences_of_part(s, query_text(row, 0), width, out, err);
	}
	sqlite3_finalize(row);
	if (ok && s->differences > (uint64_t)rows)
		fprintf(out, "  %" PRIu64 " more; --differences 0 lists all.\n",
			s->differences - (uint64_t)rows);
	return ok && result == QUERY_END;
}

static bool verdict_print(struct score *s, FILE *out, struct error *err)
{
	int64_t compared;

	if (!query_number(s->v, "SELECT sum(truth + wrong) FROM score_part", &compared, err))
		return false;
	if (s->differences)
		fprintf(out, "\n%" PRIu64 " difference%s.\n", s->differences, s->differences > 1 ? "s" : "");
	else if (compared)
		fputs("\nNo difference: the monitor says what the truth says.\n", out);
	else
		fputs("\nNothing to compare: there is nothing in the truth, and the monitor found nothing.\n",
		      out);
	return true;
}

static bool text_print(struct score *s, unsigned width, FILE *out, struct error *err)
{
	if (!head_print(s, out, err) ||
	    !sentences_print(s, "SELECT words FROM score_caution", "Read with care", out, err))
		return false;
	fputs("\nScores\n", out);
	if (!table_show(s->v, part_text, COLUMNS(part_columns), NULL, width, 2, out, err) ||
	    !confusion_print(s, "clients", "Network set-ups: in the truth, and by the monitor", width, out,
			     err) ||
	    !confusion_print(s, "pairs", "Pairs by class (D10)", width, out, err) ||
	    !confusion_print(s, "flows", "Flows by label", width, out, err))
		return false;
	fputs("\nTable I (R7): signalling of internal clients by class of pair\n", out);
	return table_show(s->v, class_text, COLUMNS(class_columns), NULL, width, 2, out, err) &&
	       sentences_print(s, "SELECT words FROM score_note", "Not compared", out, err) &&
	       differences_print(s, width, out, err) && verdict_print(s, out, err);
}

/* --- for machines --- */

static bool json_print(struct score *s, FILE *out, struct error *err)
{
	static const char *const rows[] = {
		"SELECT 'caution' AS row, words FROM score_caution",
		"SELECT 'score' AS row, part, nullif(attribute, '') AS attribute, truth, found, missed, wrong,"
		" found * 1.0 / nullif(found + wrong, 0) AS precision, found * 1.0 / nullif(truth, 0) AS recall"
		" FROM score_part ORDER BY place",
		"SELECT 'confusion' AS row, * FROM score_confusion ORDER BY part, truth, monitor",
		"SELECT 'class' AS row, class, truth_pairs, pairs, truth_flows, flows, truth_packets, packets"
		" FROM score_class ORDER BY place",
		"SELECT 'note' AS row, words FROM score_note",
		"SELECT 'difference' AS row, part, kind, what, truth, monitor, packet, side AS packet_of"
		" FROM score_shown ORDER BY (SELECT min(place) FROM score_part p WHERE p.part = score_shown.part), n",
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		sqlite3_stmt *stmt = query_open(s->v, rows[i], err);
		bool ok = stmt && rows_put_json(s->v, stmt, out, err);
		sqlite3_finalize(stmt);
		if (!ok)
			return false;
	}
	fprintf(out, "{\"row\":\"verdict\",\"differences\":%" PRIu64 "}\n", s->differences);
	return true;
}

bool score_print(struct score *s, const struct score_request *request, FILE *out, struct error *err)
{
	if (sqlite3_create_function_v2(s->v->db, "share", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
				       function_share, NULL, NULL, NULL) != SQLITE_OK)
		return error_memory(err, "a function");
	return differences_choose(s, request->differences, err) &&
	       (request->format == SHOW_JSON ? json_print(s, out, err)
					     : text_print(s, request->width, out, err));
}
