/* `footsteps show DB`: one screen with the run, its inputs, what was found, and what the trace is worth. */
#include "views/show_topics.h"
#include "base/clock.h"
#include "base/options.h"
#include "behave/judge.h"
#include "views/escape.h"
#include <stdlib.h>
#include <string.h>

#define LABELS_SHOWN "10"

/* R1: of the internal clients that lived for a while. */
#define BITRATE_MEDIAN                                                                                       \
	"SELECT min(bits_per_s) FROM R1 WHERE run = :run AND protocol = :protocol AND upto_percent >= 50"
/* N1: 200 s is the timeout of D1. */
#define PEAK_AT_200                                                                                          \
	"FROM state_peaks WHERE run = :run AND protocol = :protocol AND client = 0 AND timeout_ns = "        \
	"200000000000"

/* One row for machines: what the summary says in words. */
static const char summary_data[] =
	"SELECT run, version, libraries, options, idle_ns, first_ns, last_ns, packets, complete, problems, "
	"(SELECT count(*) FROM inputs WHERE run = :run) AS inputs, (SELECT count(*) FROM clients WHERE run = "
	":run AND verdict = protocol) AS clients, (SELECT count(*) FROM clients WHERE run = :run AND verdict "
	"<> protocol) AS suspected_clients, (SELECT count(*) FROM peers WHERE run = :run) AS peers, (SELECT "
	"count(*) FROM pairs WHERE run = :run) AS pairs, (SELECT count(*) FROM logins WHERE run = :run) AS "
	"logins, (SELECT count(*) FROM contact_lists WHERE run = :run) AS contact_lists, (SELECT count(*) "
	"FROM version_checks WHERE run = :run) AS version_checks, (SELECT count(*) FROM calls WHERE run = "
	":run) AS calls, (SELECT sum(flows) FROM label_totals WHERE run = :run) AS flows,"
	" :protocol AS measured_protocol, (" BITRATE_MEDIAN ") AS median_bitrate,"
	" (SELECT count(*) FROM pair_classes WHERE run = :run AND protocol = :protocol AND class = 'probe') "
	"AS probe_pairs, (SELECT count(*) FROM pair_classes WHERE run = :run AND protocol = :protocol AND "
	"class = 'heartbeat') AS heartbeat_pairs, (SELECT count(*) FROM pair_classes WHERE run = :run AND "
	"protocol = :protocol AND class = 'dialog') AS dialog_pairs, (SELECT count(*) FROM pair_classes "
	"WHERE run = :run AND protocol = :protocol AND class = 'mix') AS mix_pairs,"
	" (SELECT peak " PEAK_AT_200 ") AS peak_entries_200s, (SELECT peak_probes " PEAK_AT_200 ")"
	" AS peak_probe_entries_200s, (SELECT count(*) FROM startups WHERE run = :run AND protocol = "
	":protocol) AS startups, (SELECT count(*) FROM searches WHERE run = :run AND protocol = :protocol) "
	"AS searches, (SELECT coalesce(sum(value), 0) FROM counters WHERE run = :run AND area = 'packets') "
	"AS packets_accounted FROM runs WHERE run = :run";

#define COUNT_CLIENTS(verdict, words)                                                                        \
	"SELECT coalesce(sum(n), 0), '" words "', group_concat(n || ' ' || protocol ||"                      \
	" CASE WHEN away THEN printf(' (%d outside --local-net)', away) ELSE '' END, ', ')"                  \
	" FROM (SELECT count(*) AS n, protocol, sum(NOT internal) AS away FROM clients"                      \
	" WHERE run = :run AND " verdict " GROUP BY protocol ORDER BY n DESC, protocol) UNION ALL "

static const char found_text[] =
	COUNT_CLIENTS("verdict = protocol", "client sockets recognised") COUNT_CLIENTS(
		"verdict <> protocol",
		"client sockets suspected") "SELECT count(*), 'peers of theirs', printf('%d pairs', (SELECT "
					    "count(*) FROM pairs WHERE run = :run)) FROM peers WHERE run = "
					    ":run UNION ALL SELECT count(*), 'logins', (SELECT "
					    "group_concat(n || ' ' || outcome, ', ') FROM (SELECT count(*) "
					    "AS n, outcome FROM logins WHERE run = :run GROUP BY outcome "
					    "ORDER BY n DESC, outcome)) FROM logins WHERE run = :run UNION "
					    "ALL SELECT count(*), 'contact-list exchanges', (SELECT "
					    "group_concat(n || ' ' || outcome, ', ') FROM (SELECT count(*) "
					    "AS n, outcome FROM contact_lists WHERE run = :run GROUP BY "
					    "outcome ORDER BY n DESC, outcome)) FROM contact_lists WHERE run "
					    "= :run UNION ALL SELECT count(*), 'version checks', (SELECT "
					    "group_concat(version, ', ') FROM (SELECT DISTINCT version FROM "
					    "version_checks WHERE run = :run ORDER BY version)) FROM "
					    "version_checks WHERE run = :run UNION ALL SELECT count(*), "
					    "'calls', (SELECT group_concat(n || ' ' || protocol || ' ' || "
					    "media, ', ') FROM (SELECT count(*) AS n, protocol, media FROM "
					    "calls WHERE run = :run GROUP BY 2, 3 ORDER BY n DESC, 2, 3)) "
					    "FROM calls WHERE run = :run";
static const struct column found_columns[] = {
	{ "count", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "what", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "of these", COLUMN_TEXT, FIT_WRAP, 0 },
};

/* What was measured of the main protocol, and the topic that has it row by row. */
static const char measured_text[] =
	"SELECT 'pairs', group_concat(n || ' ' || class, ', '), 'pairs' FROM (SELECT count(*) AS n, class "
	"FROM pair_classes WHERE run = :run AND protocol = :protocol GROUP BY class ORDER BY n DESC, class) "
	"HAVING count(*) UNION ALL "
	"SELECT 'signalling', printf('median %.1f bit/s of %d internal client%s', (" BITRATE_MEDIAN "), n,"
	" substr('s', 1, n > 1)), 'clients' FROM (SELECT count(*) AS n FROM R1 WHERE run = :run AND protocol "
	"= :protocol) WHERE n > 0 UNION ALL SELECT 'NAT entries', printf('at most %d at a time, %d of them "
	"of probes (timeout 200 s)', peak,"
	" peak_probes), 'costs' " PEAK_AT_200 " UNION ALL "
	"SELECT 'set-ups', group_concat(n || ' ' || setup, ', '), 'setups' FROM (SELECT count(*) AS n, setup "
	"FROM"
	" setups JOIN clients USING (run, client) WHERE run = :run AND protocol = :protocol GROUP BY setup"
	" ORDER BY n DESC, setup) HAVING count(*) UNION ALL "
	"SELECT 'starts', group_concat(n || CASE outcome WHEN 'none' THEN ' without a login' ELSE"
	" ' login ' || outcome END, ', '), 'startups' FROM (SELECT count(*) AS n,"
	" outcome FROM startups WHERE run = :run AND protocol = :protocol GROUP BY outcome ORDER BY n DESC,"
	" outcome) HAVING count(*) UNION ALL "
	"SELECT 'searches', printf('%d, of %.3g nodes on average, %.0f %% of which answered', count(*), "
	"avg(nodes),"
	" 100.0 * sum(answered) / nullif(sum(nodes), 0)), 'searches' FROM searches WHERE run = :run AND "
	"protocol ="
	" :protocol HAVING count(*) UNION ALL "
	/* As B15: openings that came to nothing are no connections. */
	"SELECT 'supernodes', printf('connected to %d of %d contacted', sum(connected > 0), count(*)), 'supernodes'"
	" FROM supernodes WHERE run = :run AND protocol = :protocol HAVING count(*) UNION ALL "
	"SELECT 'round trips', printf('median %.0f ms of %d by message id', value / 1e6, n), 'round-trips' "
	"FROM"
	" (SELECT round_trip_ns AS value, row_number() OVER (ORDER BY round_trip_ns) AS place, count(*) OVER "
	"()"
	" AS n FROM round_trips WHERE run = :run AND protocol = :protocol) WHERE place = (n + 1) / 2";
static const struct column measured_columns[] = {
	{ "what", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "in this trace", COLUMN_TEXT, FIT_WRAP, 0 },
	{ "row by row", COLUMN_TEXT, FIT_KEEP, 0 },
};

static const struct column counter_columns[] = {
	{ "count", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "name", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "meaning", COLUMN_TEXT, FIT_WRAP, 0 },
};

static const struct column label_columns[] = {
	{ "label", COLUMN_TEXT, FIT_CUT, 0 },      { "label from", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "flows", COLUMN_NUMBER, FIT_KEEP, 0 },   { "packets", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "payload", COLUMN_NUMBER, FIT_KEEP, 0 }, { "% of bytes", COLUMN_BITS, FIT_KEEP, 0 },
};
static const char label_text[] =
	"SELECT label, source, sum(flows), sum(packets), sum(payload), sum(bytes) * 100.0 / nullif((SELECT "
	"sum(bytes) FROM label_totals WHERE run = :run), 0) FROM label_totals WHERE run = :run GROUP BY "
	"label, source ORDER BY sum(bytes) DESC, label, source"
	" LIMIT " LABELS_SHOWN;

#define X(name, words)      " " #name
#define JUDGEMENTS_IN_ORDER JUDGEMENTS(X)

/* The areas of the counters, in the order of the story. */
static const struct area {
	const char *title, *rows, *none;
} areas[] = {
	{ "Packet account",
	  "SELECT value, name, words FROM counters WHERE run = :run AND area = 'packets' AND (value > 0 OR "
	  ":all) ORDER BY value DESC, name",
	  "No packet was read." },
	{ "Judgement of the trace",
	  /* In the order of the list: some lines continue the one before. */
	  "SELECT value, name, words FROM counters WHERE run = :run AND area = 'trace' AND (value > 0 OR "
	  ":all)"
	  " ORDER BY instr('" JUDGEMENTS_IN_ORDER " ', ' ' || name || ' '), name",
	  "Nothing was found against this trace." },
	{ "How flows ended",
	  "SELECT value, name, words FROM counters WHERE run = :run AND area = 'flows' AND (value > 0 OR "
	  ":all) ORDER BY value DESC, name",
	  "No flow." },
	{ "Memory and matching",
	  "SELECT value, name, words FROM counters WHERE run = :run AND area = 'bounds' AND (value > 0 OR "
	  ":all) ORDER BY value DESC, name",
	  "Nothing was counted." },
};
#undef X

static bool account_sum(const struct view *v, FILE *out, struct error *err)
{
	int64_t sum, read;

	if (!query_number(v, "SELECT sum(value) FROM counters WHERE run = :run AND area = 'packets'", &sum,
			  err) ||
	    !query_number(v, "SELECT packets FROM runs WHERE run = :run", &read, err))
		return false;
	if (sum == read)
		fprintf(out, "  The sum is %lld: every packet read is accounted for.\n", (long long)sum);
	else
		fprintf(out,
			"  The sum is %lld but %lld packets were read: this is a defect, please report it.\n",
			(long long)sum, (long long)read);
	return true;
}

static bool area_show(const struct view *v, const struct area *area, bool all, unsigned width, FILE *out,
		      struct error *err)
{
	sqlite3_stmt *stmt = query_open(v, area->rows, err);
	struct table *t = table_new(counter_columns, sizeof counter_columns / sizeof counter_columns[0]);
	uint64_t rows = 0;

	if (stmt)
		query_bind_int(stmt, ":all", all);
	bool ok = stmt && (t || error_memory(err, "the table")) &&
		  table_fill(t, v, stmt, counter_columns, UINT64_MAX, &rows, err);
	if (ok) {
		fprintf(out, "%s\n", area->title);
		if (rows)
			table_print(t, out, width, 2);
		else
			fprintf(out, "  %s\n", area->none);
	}
	table_free(t);
	sqlite3_finalize(stmt);
	return ok;
}

static bool areas_show(const struct view *v, bool all, unsigned width, FILE *out, struct error *err)
{
	for (size_t i = 0; i < sizeof areas / sizeof areas[0]; i++) {
		if (!area_show(v, &areas[i], all, width, out, err) || (i == 0 && !account_sum(v, out, err)))
			return false;
		fputc('\n', out);
	}
	return true;
}

static bool data_show(const struct view *v, const char *sql, enum show_format format, FILE *out,
		      struct error *err)
{
	sqlite3_stmt *stmt = query_open(v, sql, err);
	bool ok = stmt &&
		  (format == SHOW_JSON ? rows_put_json(v, stmt, out, err) : rows_put_csv(v, stmt, out, err));

	sqlite3_finalize(stmt);
	return ok;
}

/* Of a live run: what was lost, by cause, and when most. */
static const struct column loss_columns[] = {
	{ "count", COLUMN_NUMBER, FIT_KEEP, 0 },   { "% of packets", COLUMN_BITS, FIT_KEEP, 0 },
	{ "minutes", COLUMN_NUMBER, FIT_KEEP, 0 }, { "most in that of", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "lost", COLUMN_TEXT, FIT_WRAP, 0 },
};
#define LOSS(cause, share, words)                                                                            \
	"SELECT sum(" cause "), " share ", sum(" cause " > 0), (SELECT strftime('%Y-%m-%dT%H:%MZ', "         \
	"start_ns / 1000000000, 'unixepoch') FROM drops WHERE run = :run ORDER BY " cause                    \
	" DESC, start_ns LIMIT 1), '" words "' FROM drops WHERE run = :run HAVING sum(" cause ") > 0"
#define LOSS_PERCENT(cause) "100.0 * sum(" cause ") / sum(packets + kernel + interface)"
static const char loss_text[] =
	LOSS("kernel", LOSS_PERCENT("kernel"), "packets, by the kernel: no room in the ring") " UNION ALL " LOSS(
		"interface", LOSS_PERCENT("interface"),
		"packets, by the interface or its "
		"driver") " UNION ALL " LOSS("store", "NULL",
					     "records of flows and events: the database could not be written");

static bool losses_show(const struct view *v, unsigned width, FILE *out, struct error *err)
{
	int64_t minutes;

	if (!query_number(v, "SELECT count(*) FROM drops WHERE run = :run", &minutes, err))
		return false;
	if (minutes == 0)
		return true;
	fprintf(out, "Lost in %lld minutes of capture\n", (long long)minutes);
	bool ok = table_show(v, loss_text, loss_columns, sizeof loss_columns / sizeof loss_columns[0],
			     "Nothing.", width, 2, out, err);
	fputc('\n', out);
	return ok;
}

bool show_account(const struct view *v, const struct show_request *request, FILE *out, struct error *err)
{
	if (request->format != SHOW_TABLE)
		return data_show(v, "SELECT * FROM counters WHERE run = :run ORDER BY area, name",
				 request->format, out, err);
	return areas_show(v, true, request->width, out, err) && losses_show(v, request->width, out, err);
}

static bool run_show(const struct view *v, FILE *out, struct error *err)
{
	sqlite3_stmt *stmt = query_open(v,
					"SELECT version, first_ns, last_ns, packets, complete, problems,"
					" (SELECT count(*) FROM runs) FROM runs WHERE run = :run",
					err);
	char first[UTC_TEXT], last[UTC_TEXT], lasted[DURATION_TEXT];

	if (!stmt || !query_row(v, stmt, err)) {
		sqlite3_finalize(stmt);
		return false;
	}
	fprintf(out, "Run %lld of %d, by footsteps ", (long long)v->run, sqlite3_column_int(stmt, 6));
	plain_put(out, query_text(stmt, 0));
	fprintf(out, ": %lld packets\n", (long long)sqlite3_column_int64(stmt, 3));
	if (sqlite3_column_type(stmt, 1) != SQLITE_NULL) {
		int64_t from = query_ns(stmt, 1), to = query_ns(stmt, 2);
		utc_format(from, first);
		utc_format(to, last);
		duration_format(to - from, lasted);
		fprintf(out, "  from %s\n    to %s, %s\n", first, last, lasted);
	}
	if (!sqlite3_column_int(stmt, 4)) {
		fputs("  INCOMPLETE, part of the input is missing from the results:\n", out);
		for (const char *line = query_text(stmt, 5); *line;) {
			char problem[512], plain[4 * sizeof problem];
			int length = (int)strcspn(line, "\n");
			snprintf(problem, sizeof problem, "%.*s", length, line);
			plain_text(problem, plain, sizeof plain);
			fputs("  - ", out);
			options_wrap(out, plain, 4, 4);
			line += length + (line[length] == '\n');
		}
	}
	sqlite3_finalize(stmt);
	return true;
}

#define INPUTS_SHOWN 5

/* One input: its name, and what it was, in a line of its own if both are too long for one. */
static void input_print(sqlite3_stmt *stmt, FILE *out)
{
	char what[512], plain[4 * sizeof what];
	const char *path = query_text(stmt, 0), *format = query_text(stmt, 1), *problem = query_text(stmt, 5);
	/* A live interface has frames of any type, and nobody keeps them all. */
	bool live = strcmp(format, "interface") == 0;
	long long frames = sqlite3_column_int64(stmt, 3);

	snprintf(what, sizeof what, "(%s%s%s, %lld frame%s, %s%s%s)", format, live ? "" : ", ",
		 live ? "" : query_text(stmt, 2), frames, frames == 1 ? "" : "s", query_text(stmt, 4),
		 *problem ? ": " : "", problem);
	size_t at = 3 + plain_text(path, plain, sizeof plain);
	at += plain_text(what, plain, sizeof plain);
	fputs("  ", out);
	plain_put(out, path);
	fputs(at > TABLE_WIDTH ? "\n    " : " ", out);
	if (at > TABLE_WIDTH)
		options_wrap(out, plain, 4, 4);
	else
		fprintf(out, "%s\n", plain);
	if (live)
		return;
	fputs("    SHA-256 ", out);
	plain_put(out, query_text(stmt, 6));
	fputc('\n', out);
}

static bool inputs_show(const struct view *v, FILE *out, struct error *err)
{
	sqlite3_stmt *stmt = query_open(
		v,
		"SELECT path, trim(format || ' ' || container), CASE link_type WHEN 'several' THEN"
		" 'several link types' WHEN '' THEN 'no link type' ELSE link_type END, frames, ended, problem,"
		" coalesce(sha256, 'not computed') FROM inputs WHERE run = :run ORDER BY n",
		err);
	enum query_result result = QUERY_FAILED;
	unsigned n = 0;

	while (stmt && (result = query_step(v, stmt, err)) == QUERY_ROW) {
		if (++n <= INPUTS_SHOWN)
			input_print(stmt, out);
	}
	if (n > INPUTS_SHOWN) {
		fprintf(out, "  and %u more ('footsteps show ", n - INPUTS_SHOWN);
		plain_put(out, v->path);
		fputs(" inputs --all')\n", out);
	}
	sqlite3_finalize(stmt);
	return result == QUERY_END;
}

/* Nothing to say without a client. */
static bool measured_show(const struct view *v, unsigned width, FILE *out, struct error *err)
{
	if (!v->protocol[0])
		return true;
	fputs("\nMeasured of ", out);
	plain_put(out, v->protocol);
	fputs(" (row by row: footsteps show ", out);
	plain_put(out, v->path);
	fputs(" ...)\n", out);
	return table_show(v, measured_text, measured_columns,
			  sizeof measured_columns / sizeof measured_columns[0], "No pair.", width, 2, out,
			  err);
}

bool show_summary(const struct view *v, const struct show_request *request, FILE *out, struct error *err)
{
	int64_t labels;

	if (request->format != SHOW_TABLE)
		return data_show(v, summary_data, request->format, out, err);
	if (!run_show(v, out, err) || !inputs_show(v, out, err))
		return false;
	fputs("\nFound\n", out);
	if (!table_show(v, found_text, found_columns, sizeof found_columns / sizeof found_columns[0], NULL,
			request->width, 2, out, err) ||
	    !measured_show(v, request->width, out, err))
		return false;
	fputc('\n', out);
	if (!areas_show(v, false, request->width, out, err) || !losses_show(v, request->width, out, err))
		return false;
	fputs("Labels of flows, by bytes\n", out);
	if (!table_show(v, label_text, label_columns, sizeof label_columns / sizeof label_columns[0],
			"No flow.", request->width, 2, out, err) ||
	    !query_number(v,
			  "SELECT count(*) FROM (SELECT 1 FROM label_totals WHERE run = :run GROUP BY label, "
			  "source)",
			  &labels, err))
		return false;
	if (labels > strtoll(LABELS_SHOWN, NULL, 10)) {
		fprintf(out, "  %s of %lld; the rest with 'footsteps show ", LABELS_SHOWN, (long long)labels);
		plain_put(out, v->path);
		fputs(" labels'.\n", out);
	}
	return true;
}
