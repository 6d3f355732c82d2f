/* A rehearsal for people. */
#include "base/options.h"
#include "rules/rehearse_parts.h"
#include "views/escape.h"
#include "views/show_topics.h"
#include <inttypes.h>
#include <stdlib.h>

#define RECORDINGS_NAMED 6 /* more of them are only counted */

/* "1 flow", "2 flows". */
#define N_OF(n) (n), (n) == 1 ? "" : "s"

/* --- what was tried on --- */

static bool recordings_print(struct rehearsal *r, FILE *out, struct error *err)
{
	sqlite3_stmt *row = query_open(&r->all,
				       "SELECT count(*), sum(packets), sum(flows), min(path), sum(capture)"
				       " FROM recording",
				       err);
	char line[1200], plain[800];
	bool ok = row && query_row(&r->all, row, err);

	if (ok) {
		int64_t count = sqlite3_column_int64(row, 0), captures = sqlite3_column_int64(row, 4);
		(void)plain_text(query_text(row, 3), plain, sizeof plain);
		if (count > 1)
			snprintf(plain, sizeof plain, "%" PRId64 " %s", count,
				 captures == count ? "captures"
				 : captures == 0   ? "databases"
						   : "captures and databases");
		const int64_t packets = sqlite3_column_int64(row, 1), flows = sqlite3_column_int64(row, 2);
		snprintf(line, sizeof line, "%s: %" PRId64 " packet%s, %" PRId64 " flow%s", plain,
			 N_OF(packets), N_OF(flows));
		fputs("Tried on  ", out);
		options_wrap(out, line, 10, 10);
	}
	sqlite3_finalize(row);
	return ok;
}

static bool recordings_named(struct rehearsal *r, FILE *out, struct error *err)
{
	sqlite3_stmt *row = query_open(
		&r->all,
		"SELECT path, packets, flows, (SELECT count(*) FROM recording) FROM recording ORDER BY recording",
		err);
	enum query_result result = QUERY_FAILED;
	char line[1200], plain[800];

	while (row && (result = query_step(&r->all, row, err)) == QUERY_ROW) {
		int64_t count = sqlite3_column_int64(row, 3);
		if (count == 1 || count > RECORDINGS_NAMED)
			continue;
		(void)plain_text(query_text(row, 0), plain, sizeof plain);
		const int64_t packets = sqlite3_column_int64(row, 1), flows = sqlite3_column_int64(row, 2);
		snprintf(line, sizeof line, "%s: %" PRId64 " packet%s, %" PRId64 " flow%s", plain,
			 N_OF(packets), N_OF(flows));
		fputs("          ", out);
		options_wrap(out, line, 10, 12);
	}
	sqlite3_finalize(row);
	return result == QUERY_END;
}

static void limits_print(const struct rehearsal_request *request, FILE *out)
{
	const struct ruleset *limits = request->limits;
	char line[256];

	snprintf(line, sizeof line, "%s%s%s",
		 limits->direction == RULE_BOTH  ? "in both directions"
		 : limits->direction == RULE_OUT ? "only for what goes out"
						 : "only for what comes in",
		 limits->internal_count ? ", between --internal and the rest" : "",
		 limits->never_count ? "; never for the addresses of --never" : "");
	fputs("Rules     ", out);
	options_wrap(out, line, 10, 10);
}

static void note_print(const char *words, FILE *out)
{
	fputs("Note      ", out);
	options_wrap(out, words, 10, 10);
}

/* What was not captured, and what no rule sees. */
static bool gaps_print(struct rehearsal *r, FILE *out, struct error *err)
{
	int64_t untold, unread, filtered, tunnels;
	char line[400];

	if (!query_number(&r->all, "SELECT total(untold) FROM recording", &untold, err) ||
	    !query_number(&r->all, "SELECT total(unread) FROM recording", &unread, err) ||
	    !query_number(&r->all, "SELECT total(filtered) FROM recording", &filtered, err) ||
	    !query_number(&r->all, "SELECT count(*) FROM recording WHERE tunnels", &tunnels, err))
		return false;
	if (untold > 0) {
		snprintf(line, sizeof line,
			 "Of %" PRId64 " packet%s too little was captured (snap length) to tell whether a "
			 "pattern fits: what patterns hit may be more, which '+' says, and logins may be "
			 "missing. Capture whole packets (tcpdump -s 0).",
			 N_OF(untold));
		note_print(line, out);
	}
	if (unread > 0) {
		snprintf(line, sizeof line,
			 "Of %" PRId64 " packet%s not even the headers were captured: no rule was tried on "
			 "them.",
			 N_OF(unread));
		note_print(line, out);
	}
	if (filtered > 0) {
		snprintf(line, sizeof line,
			 "A filter (read --filter) left out %" PRId64
			 " packet%s: what rules do to them is not counted.",
			 N_OF(filtered));
		note_print(line, out);
	}
	if (tunnels > 0)
		note_print(
			"A database looks into tunnels (read --tunnels). Rules do not: what was inside one "
			"passes, whatever is said here, but for a firewall behind the tunnel's end.",
			out);
	return true;
}

/* What a reader must know before the numbers. */
static bool cautions_print(struct rehearsal *r, FILE *out, struct error *err)
{
	int64_t few, incomplete, lists, exchanges, merged;

	if (!query_number(&r->all, "SELECT count(*) FROM recording WHERE NOT all_flows", &few, err) ||
	    !query_number(&r->all, "SELECT count(*) FROM recording WHERE incomplete", &incomplete, err) ||
	    !query_number(&r->all, "SELECT count(*) FROM strategy WHERE kind <> 'patterns'", &lists, err) ||
	    !query_number(&r->all, "SELECT count(*) FROM run WHERE inputs > 1", &merged, err) ||
	    !query_number(&r->all, "SELECT sum(logins + lists) FROM result", &exchanges, err))
		return false;
	if (exchanges == 0) {
		char line[256];
		snprintf(line, sizeof line,
			 "There is no login of %s in it: what the strategies cost shows here, but of what "
			 "they stop only the further flows of the protocol that they hit.",
			 r->protocol->title);
		note_print(line, out);
	}
	if (few > 0 && lists > 0)
		note_print("A database holds the protocol's own flows alone (read --flows recognised): what "
			   "lists of addresses would break cannot be counted, and is '?'. Read the captures "
			   "again with --flows all, or try them themselves.",
			   out);
	if (merged > 0)
		note_print("Captures were merged by time: packet numbers count through the merged trace "
			   "(mergecap makes the same).",
			   out);
	if (incomplete > 0)
		note_print("Part of a recording is missing from it: 'footsteps show' tells what.", out);
	return gaps_print(r, out, err);
}

/* --- the ranking --- */

static const struct column result_columns[] = {
	{ "strategy", COLUMN_TEXT, FIT_KEEP, 0 },      { "sign-ins", COLUMN_LINES, FIT_KEEP, 0 },
	{ "logins", COLUMN_LINES, FIT_KEEP, 0 },       { "lists", COLUMN_LINES, FIT_KEEP, 0 },
	{ "others of it", COLUMN_LINES, FIT_KEEP, 0 }, { "legitimate", COLUMN_LINES, FIT_KEEP, 0 },
	{ "unknown", COLUMN_LINES, FIT_KEEP, 0 },
};
static const char result_rows[] =
	"SELECT name, iif(starts, starts_stopped || '/' || starts, '-'),"
	" iif(logins, logins_stopped || '/' || logins, '-'), iif(lists, lists_stopped || '/' || lists, '-'),"
	" own || more, coalesce(legitimate || more, '?'), coalesce(unknown || more, '?')"
	" FROM (SELECT *, iif(least, '+', '') AS more FROM result) ORDER BY place";

static bool results_print(struct rehearsal *r, FILE *out, struct error *err)
{
	int64_t count;

	if (!query_number(&r->all, "SELECT count(*) FROM result", &count, err))
		return false;
	fputs(count > 1 ? "\nStrategies, best first\n" : "\nThe strategy\n", out);
	if (!table_show(&r->all, result_rows, COLUMNS(result_columns), NULL, r->request->width, 2, out, err))
		return false;
	fputc('\n', out);
	fputs("  ", out);
	options_wrap(out,
		     "logins, lists (exchanges with contact-list servers): stopped, of all. sign-ins: starts "
		     "of a client of which every one of these is stopped. others of it: further flows of the "
		     "protocol that are hit. legitimate: flows of other protocols that are hit. unknown: "
		     "flows that are hit and that nothing recognises, so that they may be either.",
		     2, 2);
	if (count == 1)
		return true;
	fputs("  ", out);
	options_wrap(out,
		     "Order: what stops a login or list comes first; of these, what hits fewer legitimate "
		     "flows for each one that it stops; then what stops more; then what hits fewer unknown "
		     "flows. What stops none follows, by legitimate and by unknown flows hit.",
		     2, 2);
	return true;
}

/* --- the closing sentence --- */

/* "290 TLS, 12 TLS.Google and 3 more": the labels of the legitimate flows that a strategy hits. */
static bool labels_name(struct rehearsal *r, int64_t strategy, char *out, size_t size, struct error *err)
{
	static const char sql[] =
		"SELECT master, count(*) FROM flow WHERE strategy = :strategy AND category = 'legitimate'"
		" GROUP BY master ORDER BY count(*) DESC, master";
	sqlite3_stmt *row = query_open(&r->all, sql, err);
	enum query_result result = QUERY_FAILED;
	size_t used = 0;
	int64_t more = 0;

	out[0] = '\0';
	if (row)
		query_bind_int(row, ":strategy", strategy);
	for (int n = 0; row && (result = query_step(&r->all, row, err)) == QUERY_ROW; n++) {
		char plain[64];
		if (n >= 3) {
			more += sqlite3_column_int64(row, 1);
			continue;
		}
		(void)plain_text(query_text(row, 0), plain, sizeof plain);
		int wrote = snprintf(out + used, size - used, "%s%s %s", n ? ", " : "", query_text(row, 1),
				     plain);
		used += wrote > 0 && (size_t)wrote < size - used ? (size_t)wrote : 0;
	}
	if (more > 0)
		snprintf(out + used, size - used, " and %" PRId64 " more", more);
	sqlite3_finalize(row);
	return result == QUERY_END;
}

/* "It hits no legitimate flow." and what else there is to say of a strategy's cost; cost: NULL not known. */
static void cost_words(const char *cost, int64_t unknown, bool least, const char *labels, char *out,
		       size_t size)
{
	int64_t legitimate = cost ? strtoll(cost, NULL, 10) : 0;
	int used;

	if (!cost)
		used = snprintf(out, size, "what it would break cannot be told");
	else if (legitimate == 0)
		used = snprintf(out, size, "hits no legitimate flow%s",
				least ? ", as far as packets were captured" : "");
	else
		used = snprintf(out, size, "hits %s%" PRId64 " legitimate flow%s (%s)",
				least ? "at least " : "", N_OF(legitimate), labels);
	if (cost && unknown > 0 && used > 0 && (size_t)used < size)
		snprintf(out + used, size - (size_t)used, ", and %" PRId64 " unknown one%s", N_OF(unknown));
}

/* Of a row of conclusion_print(). */
static void best_words(sqlite3_stmt *row, bool alone, const char *cost, char *out, size_t size)
{
	char logins[80] = "", lists[80] = "";
	bool both = sqlite3_column_int64(row, 3) > 0 && sqlite3_column_int64(row, 5) > 0;

	if (sqlite3_column_int64(row, 3) > 0)
		snprintf(logins, sizeof logins, "%s of %s logins", query_text(row, 4), query_text(row, 3));
	if (sqlite3_column_int64(row, 5) > 0)
		snprintf(lists, sizeof lists, "%s of %s exchanges with contact-list servers",
			 query_text(row, 6), query_text(row, 5));
	snprintf(out, size, "%s%s%s stops %s%s%s; it %s.", alone ? "" : "Best: ", query_text(row, 2),
		 alone ? "" : ". It", logins, both ? " and " : "", lists, cost);
}

/* A sentence for the best, and one for each of the others that costs something. */
static bool conclusion_print(struct rehearsal *r, FILE *out, struct error *err)
{
	static const char sql[] =
		"SELECT place, strategy, name, logins, logins_stopped, lists, lists_stopped, legitimate, unknown, least"
		" FROM result WHERE place = 1 OR legitimate > 0 OR legitimate IS NULL ORDER BY place";
	sqlite3_stmt *row = query_open(&r->all, sql, err);
	enum query_result result = QUERY_FAILED;
	char labels[300], cost[400], line[700];
	int64_t missed;

	if (!query_number(
		    &r->all,
		    "SELECT sum(logins + lists) > 0 AND sum(logins_stopped + lists_stopped) = 0 FROM result",
		    &missed, err)) {
		sqlite3_finalize(row);
		return false;
	}
	fprintf(out, "\n%s", missed ? "  No login or list is stopped here.\n" : "");
	while (row && (result = query_step(&r->all, row, err)) == QUERY_ROW) {
		int64_t stopped = sqlite3_column_int64(row, 4) + sqlite3_column_int64(row, 6);
		const char *name = query_text(row, 2);
		bool known = sqlite3_column_type(row, 7) != SQLITE_NULL;

		if (!labels_name(r, sqlite3_column_int64(row, 1), labels, sizeof labels, err)) {
			result = QUERY_FAILED;
			break;
		}
		cost_words(known ? query_text(row, 7) : NULL, sqlite3_column_int64(row, 8),
			   sqlite3_column_int64(row, 9) != 0, labels, cost, sizeof cost);
		if (sqlite3_column_int64(row, 0) > 1 || stopped == 0)
			snprintf(line, sizeof line, "%s: %s.", name, cost);
		else
			best_words(row, r->request->strategy, cost, line, sizeof line);
		fputs("  ", out);
		options_wrap(out, line, 2, 2);
	}
	sqlite3_finalize(row);
	return result == QUERY_END;
}

/* --- each strategy --- */

/*
 * A table of one strategy whose rows end with a packet to look at, and the capture that it is in: of several
 * captures alone. select and from: the statement, around the place of that last column.
 */
struct part {
	const char *select, *from, *title;
	const struct column *columns;
	size_t count;
};

static bool part_print(struct rehearsal *r, const struct part *p, int64_t strategy, bool captures, FILE *out,
		       struct error *err)
{
	char sql[1600];
	uint64_t rows = 0;

	snprintf(sql, sizeof sql, "%s%s%s", p->select,
		 captures ? ", iif(inputs > 1, inputs || ' captures merged', file_name(capture))" : "",
		 p->from);
	sqlite3_stmt *stmt = query_open(&r->all, sql, err);
	struct table *t = table_new(p->columns, captures ? p->count : p->count - 1);
	bool ok = stmt && (t || error_memory(err, "the table"));
	if (ok) {
		query_bind_int(stmt, ":strategy", strategy);
		ok = table_fill(t, &r->all, stmt, p->columns,
				r->request->all ? UINT64_MAX : REHEARSAL_EXAMPLES, &rows, err);
	}
	if (ok && rows > 0) {
		fprintf(out, "  %s\n", p->title);
		table_print(t, out, r->request->width, 4);
		if (rows > REHEARSAL_EXAMPLES && !r->request->all)
			fprintf(out, "    %" PRIu64 " more; --all shows them.\n", rows - REHEARSAL_EXAMPLES);
	}
	table_free(t);
	sqlite3_finalize(stmt);
	return ok;
}

/* The first of a group by its place in the recordings: SQLite takes the other columns from the row of min().
 */
#define EARLIEST "min(printf('%12d%12d%20d', f.recording, f.run, f.flow))"

static const struct column escape_columns[] = {
	{ "escapes", COLUMN_TEXT, FIT_WRAP, 0 }, { "logins", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "lists", COLUMN_NUMBER, FIT_KEEP, 0 }, { "packet", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "capture", COLUMN_TEXT, FIT_CUT, 0 },
};
static const char escape_select[] = "SELECT words, sum_login, sum_list, packet";
static const char escape_from[] =
	" FROM (SELECT w.words || CASE f.way WHEN 'pattern' THEN ': ' || p.words || ' (' || f.other || ')'"
	" ELSE '' END AS words, sum(role = 'login') AS sum_login, sum(role <> 'login') AS sum_list, flow AS packet,"
	" recording, run, w.place, " EARLIEST " AS earliest FROM exchange f JOIN way w USING (way)"
	" LEFT JOIN pattern p ON p.pattern = f.other WHERE strategy = :strategy GROUP BY f.way, f.other)"
	" JOIN run USING (recording, run) ORDER BY sum_login + sum_list DESC, place, words";

static const struct column label_columns[] = {
	{ "protocol", COLUMN_TEXT, FIT_CUT, 0 },  { "hit", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "of all", COLUMN_NUMBER, FIT_KEEP, 0 }, { "", COLUMN_LINES, FIT_KEEP, 0 },
	{ "packet", COLUMN_NUMBER, FIT_KEEP, 0 }, { "capture", COLUMN_TEXT, FIT_CUT, 0 },
};
/* "TLS.Google" is TLS: what runs inside is told by the flows themselves. */
static const char label_select[] = "SELECT master, hit, total, percent(hit, total), packet";
static const char label_from[] =
	" FROM (SELECT master, count(*) AS hit, packet, recording, run, " EARLIEST " AS earliest,"
	" (SELECT sum(flows) FROM total t WHERE t.master = f.master AND source NOT IN ('none', 'guess')) AS total"
	" FROM flow f WHERE strategy = :strategy AND category = 'legitimate' GROUP BY master)"
	" JOIN run USING (recording, run) ORDER BY hit DESC, master";

static const struct column host_columns[] = {
	{ "host", COLUMN_TEXT, FIT_CUT, 0 },      { "hit", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "protocols", COLUMN_TEXT, FIT_CUT, 0 }, { "packet", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "capture", COLUMN_TEXT, FIT_CUT, 0 },
};
static const char host_select[] = "SELECT host, hit, labels, packet";
static const char host_from[] =
	" FROM (SELECT host, count(*) AS hit, (SELECT group_concat(label, ', ')"
	" FROM (SELECT DISTINCT master AS label FROM flow l"
	" WHERE l.strategy = f.strategy AND l.category = f.category AND l.host = f.host ORDER BY label)) AS labels,"
	" packet, recording, run, " EARLIEST " AS earliest FROM flow f"
	" WHERE strategy = :strategy AND category = 'legitimate' GROUP BY host)"
	" JOIN run USING (recording, run) ORDER BY hit DESC, earliest";

static const struct column flow_columns[] = {
	{ "packet", COLUMN_NUMBER, FIT_KEEP, 0 }, { "from", COLUMN_TEXT, FIT_SOCKET, 0 },
	{ "to", COLUMN_TEXT, FIT_SOCKET, 0 },     { "protocol", COLUMN_TEXT, FIT_CUT, 0 },
	{ "capture", COLUMN_TEXT, FIT_CUT, 0 },
};
static const char flow_select[] = "SELECT packet, client, server, label";
static const char flow_from[] = " FROM flow f JOIN run USING (recording, run) WHERE strategy = :strategy"
				" AND category = 'legitimate' ORDER BY recording, run, packet, flow";
static const char unknown_select[] =
	"SELECT packet, client, server, iif(source = 'guess', label || ' (a guess)', label)";
static const char unknown_from[] = " FROM flow f JOIN run USING (recording, run) WHERE strategy = :strategy"
				   " AND category = 'unknown' ORDER BY recording, run, packet, flow";
static const char own_from[] =
	" FROM flow f JOIN run USING (recording, run) WHERE strategy = :strategy"
	" AND category NOT IN ('unknown', 'legitimate') ORDER BY recording, run, packet, flow";

static bool strategy_print(struct rehearsal *r, int64_t strategy, FILE *out, struct error *err)
{
	static const struct part parts[] = {
		{ escape_select, escape_from, "Logins and lists that escape (packet: the connection's first)",
		  COLUMNS(escape_columns) },
		{ label_select, label_from, "Legitimate flows hit, by protocol", COLUMNS(label_columns) },
		{ host_select, host_from, "Legitimate flows hit, by host", COLUMNS(host_columns) },
		{ flow_select, flow_from, "Legitimate flows hit", COLUMNS(flow_columns) },
		{ unknown_select, unknown_from, "Unknown flows hit", COLUMNS(flow_columns) },
		{ flow_select, own_from, "The protocol's own flows hit", COLUMNS(flow_columns) },
	};
	int64_t runs;

	if (!query_number(&r->all, "SELECT count(*) FROM run", &runs, err))
		return false;
	/* The protocol's own flows are meant to be hit: they are listed when everything is. */
	for (size_t i = 0; i < COUNT(parts) - !r->request->all; i++)
		if (!part_print(r, &parts[i], strategy, runs > 1, out, err))
			return false;
	return true;
}

static bool strategies_print(struct rehearsal *r, FILE *out, struct error *err)
{
	/* Of a strategy that lets nothing escape and hits nothing else, the ranking has said it all. */
	static const char sql[] =
		"SELECT strategy, name, summary FROM result WHERE strategy IN (SELECT strategy FROM exchange"
		" WHERE way <> '' UNION ALL SELECT strategy FROM flow WHERE :all"
		" OR category IN ('legitimate', 'unknown')) ORDER BY place";
	sqlite3_stmt *row = query_open(&r->all, sql, err);
	enum query_result result = QUERY_FAILED;

	if (row)
		query_bind_int(row, ":all", r->request->all);
	while (row && (result = query_step(&r->all, row, err)) == QUERY_ROW) {
		char line[400];
		snprintf(line, sizeof line, "%s: %s", query_text(row, 1), query_text(row, 2));
		fputc('\n', out);
		options_wrap(out, line, 0, 0);
		if (!strategy_print(r, sqlite3_column_int64(row, 0), out, err)) {
			result = QUERY_FAILED;
			break;
		}
	}
	sqlite3_finalize(row);
	return result == QUERY_END;
}

bool rehearsal_text(struct rehearsal *r, FILE *out, struct error *err)
{
	fprintf(out, "%s, block rules rehearsed\n", r->protocol->title);
	if (!recordings_print(r, out, err) || !recordings_named(r, out, err))
		return false;
	limits_print(r->request, out);
	return cautions_print(r, out, err) && results_print(r, out, err) && conclusion_print(r, out, err) &&
	       strategies_print(r, out, err);
}
