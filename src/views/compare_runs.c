/* What is compared: the two runs, the options that differ, and what makes their numbers incomparable. */
#include "base/options.h"
#include "views/compare_parts.h"
#include <math.h>
#include <string.h>

#define SIDE_NAMES "AB"
/* A trace that lasts this much longer than the other one: counts grow with time. */
#define LASTS_LONGER 1.1

/* Options of `footsteps read` that change what is counted. All others change only where and how it is
 * written, or add tables that are not compared. */
static const struct touch {
	const char *option, *touches;
	bool breaks; /* the numbers of A and B count different things */
} touches[] = {
	{ "idle", "flows, and all that is counted by flow: probes, pair classes, durations", true },
	{ "local-net", "which sockets are internal (D5): clients, peers, directions", true },
	{ "tunnels", "which packets are seen", true },
	{ "filter", "which packets are seen", true },
	{ "count", "how many packets are read", true },
	{ "verdict-bits", "which sockets are recognised", true },
	{ "suspect-bits", "which sockets are suspected", false },
	{ "no-ndpi", "labels of other protocols, and what speaks against a socket", false },
	{ "ndpi-packets", "labels of other protocols", false },
	{ "voice-models", "calls, codecs", false },
	{ "head", "what is seen of TCP connections", false },
	{ "flows", "which flows are stored, and so which can be found in both", false },
	{ "max-flows", "only what was evicted", false },
	{ "max-sockets", "only what was evicted", false },
	{ "max-pairs", "only what was evicted", false },
};

static const char run_data[] =
	"SELECT version, libraries, (SELECT group_concat(words, ', ') FROM (SELECT substr(path, 1 + "
	"length(rtrim(path, replace(path, '/', '')))) || ' ' || coalesce(substr(sha256, 1, 8), '(not "
	"hashed)') AS words FROM inputs WHERE run = :run ORDER BY n)), first_ns, last_ns, packets, complete, "
	"problems, options, (SELECT CASE WHEN count(*) = count(sha256) THEN group_concat(sha256) END FROM "
	"(SELECT sha256 FROM inputs WHERE run = :run ORDER BY sha256)) FROM runs WHERE run = :run";

static bool run_put(struct comparison *c, int side, struct error *err)
{
	const struct view *v = c->side[side];
	const char name[] = { SIDE_NAMES[side], '\0' };
	sqlite3_stmt *row = query_open(v, run_data, err), *put;

	if (!row)
		return false;
	put = query_open(&c->results,
			 "INSERT INTO runs (version, libraries, inputs, first_ns, last_ns, packets, complete,"
			 " problems, options, digests, side, path, run, protocol) VALUES (?1, ?2, ?3, ?4, ?5,"
			 " ?6, ?7, ?8, ?9, ?10, :side, :path, :of, :name)",
			 err);
	bool ok = put && query_row(v, row, err);
	for (int i = 0; ok && i < sqlite3_column_count(row); i++)
		sqlite3_bind_value(put, i + 1, sqlite3_column_value(row, i));
	if (ok) {
		query_bind_text(put, ":side", name);
		query_bind_text(put, ":path", v->path);
		query_bind_int(put, ":of", v->run);
		query_bind_text(put, ":name", v->protocol);
		ok = query_step(&c->results, put, err) == QUERY_END;
	}
	sqlite3_finalize(put);
	sqlite3_finalize(row);
	return ok;
}

static const struct touch *touch_find(const char *option)
{
	for (size_t i = 0; i < sizeof touches / sizeof touches[0]; i++)
		if (strcmp(touches[i].option, option) == 0)
			return &touches[i];
	return NULL;
}

static const char options_data[] =
	"SELECT key, max(CASE side WHEN 'A' THEN words END) AS a, max(CASE side WHEN 'B' THEN words END) AS "
	"b FROM (SELECT side, key, CASE type WHEN 'true' THEN 'yes' WHEN 'false' THEN 'no' WHEN 'null' THEN "
	"'not set' ELSE CAST(value AS TEXT) END AS words FROM runs, json_each(options) WHERE "
	"json_valid(options)) GROUP BY key HAVING a IS NOT b ORDER BY key";

/* Options that differ and matter; one sentence for those that make the numbers incomparable. */
static bool options_put(struct comparison *c, struct error *err)
{
	sqlite3_stmt *row = query_open(&c->results, options_data, err);
	enum query_result result = QUERY_FAILED;
	bool ok = row != NULL;

	while (ok && (result = query_step(&c->results, row, err)) == QUERY_ROW) {
		const char *name = query_text(row, 0), *a = query_text(row, 1), *b = query_text(row, 2);
		const struct touch *t = touch_find(name);
		if (!t)
			continue;
		ok = results_put(c, err, "INSERT INTO options VALUES (?1, ?2, ?3, ?4)", "ssss", name, a, b,
				 t->touches) &&
		     (!t->breaks || caution_add(c, err,
						"The numbers are not comparable: --%s differs (%.100s and "
						"%.100s). It changes %s.",
						name, a, b, t->touches));
	}
	sqlite3_finalize(row);
	return ok && result == QUERY_END;
}

/* Sentences about what both runs have, or have not, in common: those whose condition holds. */
static const char runs_sentences[] =
	"SELECT words FROM (SELECT a.version <> b.version AS holds, 'A was made by footsteps ' || a.version "
	"|| ', B by ' || b.version || ': a difference may be the program''s.' AS words FROM runs a, runs b "
	"WHERE a.side = 'A' AND b.side = 'B' UNION ALL SELECT a.libraries <> b.libraries, 'The libraries "
	"differ: ' || a.libraries || ' in A, ' || b.libraries || ' in B.' FROM runs a, runs b WHERE a.side = "
	"'A' AND b.side = 'B' UNION ALL SELECT a.digests = b.digests, 'Both were read from the same captures "
	"(by SHA-256): what differs comes of the program and its options.' FROM runs a, runs b WHERE a.side "
	"= 'A' AND b.side = 'B' UNION ALL SELECT NOT complete, 'Part of the input of ' || side || ' is "
	"missing from its results: ' || replace(problems, char(10), '; ') || '.' FROM runs) WHERE holds";

static bool sentences_put(struct comparison *c, struct error *err)
{
	sqlite3_stmt *row = query_open(&c->results, runs_sentences, err);
	enum query_result result = QUERY_FAILED;
	bool ok = row != NULL;

	while (ok && (result = query_step(&c->results, row, err)) == QUERY_ROW)
		ok = caution_add(c, err, "%s", query_text(row, 0));
	sqlite3_finalize(row);
	return ok && result == QUERY_END;
}

static bool times_compare(struct comparison *c, struct error *err)
{
	static const char sql[] = "SELECT first_ns, last_ns FROM runs WHERE run = :run";
	int64_t first[SIDES] = { 0 }, last[SIDES] = { 0 };
	bool known = true;

	for (int side = 0; side < SIDES; side++) {
		sqlite3_stmt *row = query_open(c->side[side], sql, err);
		if (!row || !query_row(c->side[side], row, err)) {
			sqlite3_finalize(row);
			return false;
		}
		known = known && sqlite3_column_type(row, 0) != SQLITE_NULL;
		first[side] = query_ns(row, 0);
		last[side] = query_ns(row, 1);
		sqlite3_finalize(row);
	}
	c->from_ns = known ? (first[SIDE_A] > first[SIDE_B] ? first[SIDE_A] : first[SIDE_B]) : 1;
	c->to_ns = known ? (last[SIDE_A] < last[SIDE_B] ? last[SIDE_A] : last[SIDE_B]) : 0;
	double a = (double)(last[SIDE_A] - first[SIDE_A]), b = (double)(last[SIDE_B] - first[SIDE_B]);
	if (known && fmax(a, b) > LASTS_LONGER * fmin(a, b))
		return caution_add(
			c, err,
			"%c lasts %.3g times as long as %c: its counts are larger for that alone, and "
			"it sees longer silences.",
			SIDE_NAMES[b > a], fmax(a, b) / fmax(fmin(a, b), 1), SIDE_NAMES[a >= b]);
	return true;
}

static bool protocol_said(struct comparison *c, struct error *err)
{
	static const char sql[] = "SELECT count(*) FROM clients WHERE run = :run AND protocol = :protocol";
	int64_t clients[SIDES];

	for (int side = 0; side < SIDES; side++)
		if (!query_number(c->side[side], sql, &clients[side], err))
			return false;
	if (!clients[SIDE_A] && !clients[SIDE_B])
		return caution_add(c, err,
				   "Neither run has a client of any protocol: only labels are compared.");
	for (int side = 0; side < SIDES; side++)
		if (!clients[side])
			return caution_add(c, err, "%c has no client of %s.", SIDE_NAMES[side],
					   c->side[side]->protocol);
	return true;
}

bool compare_runs(struct comparison *c, struct error *err)
{
	return run_put(c, SIDE_A, err) && run_put(c, SIDE_B, err) && options_put(c, err) &&
	       sentences_put(c, err) && times_compare(c, err) && protocol_said(c, err);
}

/* --- the protocol --- */

/* The protocols of a run's clients, those with most flows first; text: comma separated. */
static const char protocols_data[] =
	"SELECT group_concat(protocol, ', ') FROM (SELECT protocol FROM clients WHERE run = :run"
	" GROUP BY protocol ORDER BY sum(flows) DESC, protocol)";

static bool protocols_read(const struct view *v, char text[200], struct error *err)
{
	sqlite3_stmt *row = query_open(v, protocols_data, err);
	bool ok = row && query_step(v, row, err) == QUERY_ROW;

	snprintf(text, 200, "%s", ok ? query_text(row, 0) : "");
	sqlite3_finalize(row);
	return ok;
}

static bool protocol_has(const struct view *v, const char *name, struct error *err)
{
	int64_t clients = 0;
	struct view of = *v;

	snprintf(of.protocol, sizeof of.protocol, "%s", name);
	return query_number(&of, "SELECT count(*) FROM clients WHERE run = :run AND protocol = :protocol",
			    &clients, err) &&
	       clients > 0;
}

static void protocol_set(struct view *a, struct view *b, const char *name)
{
	char copy[sizeof a->protocol]; /* name may be that of one of them */

	snprintf(copy, sizeof copy, "%s", name);
	memcpy(a->protocol, copy, sizeof copy);
	memcpy(b->protocol, copy, sizeof copy);
}

/* The first of A's list that B has, too. */
static bool protocol_common(const struct view *b, const char *list, char name[32], struct error *err)
{
	for (const char *at = list; *at; at += strspn(at, ", ")) {
		size_t length = strcspn(at, ",");
		snprintf(name, 32, "%.*s", (int)length, at);
		at += length;
		if (protocol_has(b, name, err))
			return true;
	}
	return false;
}

bool compare_protocol(struct view *a, struct view *b, const char *wanted, struct error *err)
{
	char list_a[200], list_b[200], name[32];

	if (!protocols_read(a, list_a, err) || !protocols_read(b, list_b, err))
		return false;
	if (wanted) {
		/* One side is enough: that there is none of it in the other is a finding. */
		if (!protocol_has(a, wanted, err) && !protocol_has(b, wanted, err))
			return error_set(err, EXIT_USAGE,
					 "neither run has a client of protocol '%.40s'\nA has %s; B has %s",
					 wanted, *list_a ? list_a : "no client",
					 *list_b ? list_b : "no client");
		protocol_set(a, b, wanted);
		return true;
	}
	if (a->protocol[0] && protocol_has(b, a->protocol, err))
		protocol_set(a, b, a->protocol);
	else if (b->protocol[0] && protocol_has(a, b->protocol, err))
		protocol_set(a, b, b->protocol);
	else if (protocol_common(b, list_a, name, err))
		protocol_set(a, b, name);
	else if (!*list_a && !*list_b)
		protocol_set(a, b, "");
	else
		return error_set(err, EXIT_USAGE,
				 "the runs have no protocol in common: A has %s; B has %s\n"
				 "name one with --protocol to compare with nothing",
				 *list_a ? list_a : "no client", *list_b ? list_b : "no client");
	return true;
}
