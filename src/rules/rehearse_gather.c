/* One recording of a rehearsal: rehearse.sql runs in it, and what it finds is copied into one database of
 * all. */
#include "identify/patterns.h"
#include "identify/record.h"
#include "rules/rehearse_parts.h"
#include "rules/rehearse_sql.h"
#include "rules/ways.h"
#include <string.h>

/* What the functions in rehearse.sql are to know. */
struct scope {
	const struct ruleset *limits;
	const struct netset *local; /* of the recording, for hosts; not for rules */
};

/* rules.h, rule 2, of a packet; *out: it leaves. Interfaces are not recorded: without --internal all go. */
static bool goes(const struct ruleset *limits, const struct ip *from, const struct ip *to, bool *out)
{
	bool source = prefixes_have(limits->internal, limits->internal_count, from);
	bool destination = prefixes_have(limits->internal, limits->internal_count, to);

	*out = source;
	if (limits->internal_count == 0)
		return true;
	return source != destination &&
	       (limits->direction == RULE_BOTH || (limits->direction == RULE_OUT) == source);
}

/* rules.h, rule 3, of a packet with a listed endpoint: "server to" is one that the packet is sent to. */
static bool faces(const struct ruleset *limits, const char *blocked, bool out)
{
	bool to = strstr(blocked, " to") != NULL;

	if (limits->internal_count == 0 || !blocked[0])
		return true;
	return strncmp(blocked, "server", 6) == 0 ? to == out : to != out;
}

/* acts(source, destination, blocked): see rehearse.sql. */
static void function_acts(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct scope *s = sqlite3_user_data(context);
	const struct ruleset *limits = s->limits;
	const char *from = (const char *)sqlite3_value_text(values[0]);
	const char *to = (const char *)sqlite3_value_text(values[1]);
	const char *blocked = (const char *)sqlite3_value_text(values[2]);
	struct ip source, destination;
	bool out;

	(void)count;
	if (!from || !to || !blocked || !ip_parse(from, &source) || !ip_parse(to, &destination))
		return; /* NULL: no rule acts upon that */
	const char *why = "";
	if (prefixes_have(limits->never, limits->never_count, &source) ||
	    prefixes_have(limits->never, limits->never_count, &destination))
		why = "never";
	else if (!goes(limits, &source, &destination, &out) || !faces(limits, blocked, out))
		why = "direction";
	sqlite3_result_text(context, why, -1, SQLITE_STATIC);
}

static bool is_local(const struct scope *s, const char *text)
{
	struct ip ip;

	if (!text || !ip_parse(text, &ip))
		return false;
	return s->limits->internal_count ? prefixes_have(s->limits->internal, s->limits->internal_count, &ip)
					 : netset_has(s->local, &ip);
}

/* host(initiator, responder): the internal one, else the initiator. */
static void function_host(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct scope *s = sqlite3_user_data(context);
	const char *initiator = (const char *)sqlite3_value_text(values[0]);
	const char *responder = (const char *)sqlite3_value_text(values[1]);

	(void)count;
	sqlite3_result_value(context,
			     !is_local(s, initiator) && is_local(s, responder) ? values[1] : values[0]);
}

/* scope NULL takes them away again: it does not outlive the recording. */
static bool functions_set(const struct view *v, struct scope *scope, struct error *err)
{
	if (sqlite3_create_function_v2(v->db, "acts", 3, SQLITE_UTF8, scope, scope ? function_acts : NULL,
				       NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_create_function_v2(v->db, "host", 2, SQLITE_UTF8, scope, scope ? function_host : NULL,
				       NULL, NULL, NULL) != SQLITE_OK)
		return error_memory(err, "a function");
	return true;
}

/* D5 as the runs had it (--local-net), or the default. */
static bool local_nets(const struct view *v, struct netset *set, struct error *err)
{
	sqlite3_stmt *row = query_open(
		v,
		"SELECT DISTINCT value FROM runs, json_each(iif(json_valid(options), options, '{}'),"
		" '$.\"local-net\"') ORDER BY value",
		err);
	enum query_result result = QUERY_FAILED;
	bool ok = row != NULL;

	while (ok && (result = query_step(v, row, err)) == QUERY_ROW)
		if (!netset_add(set, query_text(row, 0), err))
			ok = error_set(
				err, EXIT_INPUT,
				"%s: --local-net in its options is no IP prefix; is the database damaged?",
				v->path);
	sqlite3_finalize(row);
	if (ok && result == QUERY_END && netset_count(set) == 0)
		netset_add_private(set);
	return ok && result == QUERY_END;
}

/* --- what is to be tried --- */

static bool insert(const struct view *v, sqlite3_stmt *put, struct error *err)
{
	bool ok = query_step(v, put, err) == QUERY_END;

	sqlite3_reset(put);
	return ok;
}

static bool roles_put(const struct view *v, int strategy, unsigned roles, struct error *err)
{
	sqlite3_stmt *put = query_open(v, "INSERT INTO rehearse_role VALUES (?1, ?2)", err);
	bool ok = put != NULL;

	for (unsigned role = 0; ok && role < ROLE_COUNT; role++) {
		if (!(roles >> role & 1))
			continue;
		sqlite3_bind_int(put, 1, strategy);
		sqlite3_bind_text(put, 2, flow_role_names[role], -1, SQLITE_STATIC);
		ok = insert(v, put, err);
	}
	sqlite3_finalize(put);
	return ok;
}

/* --seen: known before anything began. */
static bool known_put(const struct view *v, int strategy, const struct rule_endpoint *endpoint, size_t count,
		      struct error *err)
{
	sqlite3_stmt *put = query_open(v, "INSERT INTO rehearse_known VALUES (?1, ?2, ?3, ?4)", err);
	bool ok = put != NULL;

	for (size_t i = 0; ok && i < count; i++) {
		char ip[IP_TEXT];
		ip_format(&endpoint[i].ip, ip);
		sqlite3_bind_int(put, 1, strategy);
		sqlite3_bind_text(put, 2, ip, -1, SQLITE_TRANSIENT);
		sqlite3_bind_int(put, 3, endpoint[i].port);
		sqlite3_bind_int64(put, 4, INT64_MIN);
		ok = insert(v, put, err);
	}
	sqlite3_finalize(put);
	return ok;
}

static bool strategy_put(const struct rehearsal *r, const struct view *v, int strategy, struct error *err)
{
	const struct block_strategy *s = &r->protocol->strategies[strategy];
	const struct rehearsal_request *request = r->request;
	sqlite3_stmt *put = query_open(v, "INSERT INTO rehearse_strategy VALUES (?1, ?2, ?3)", err);

	if (!put)
		return false;
	sqlite3_bind_int(put, 1, strategy);
	sqlite3_bind_text(put, 2, strategy_kind_names[s->kind], -1, SQLITE_STATIC);
	sqlite3_bind_int(put, 3, s->kind == STRATEGY_PATTERNS ? s->patterns : 0);
	bool ok = insert(v, put, err);
	sqlite3_finalize(put);
	if (!ok || s->kind == STRATEGY_PATTERNS)
		return ok;
	if (s->kind == STRATEGY_SERVERS)
		return roles_put(v, strategy, s->roles, err) &&
		       (!request->seen ||
			known_put(v, strategy, request->servers, request->server_count, err));
	return !request->seen || known_put(v, strategy, request->clients, request->client_count, err);
}

static bool patterns_put(const struct rehearsal *r, const struct view *v, struct error *err)
{
	sqlite3_stmt *put = query_open(v, "INSERT INTO rehearse_pattern VALUES (?1, ?2)", err);
	bool ok = put != NULL;

	for (unsigned i = 0; ok && i < r->protocol->pattern_count; i++) {
		sqlite3_bind_text(put, 1, r->protocol->patterns[i].name, -1, SQLITE_STATIC);
		sqlite3_bind_int(put, 2, 1 << i);
		ok = insert(v, put, err);
	}
	sqlite3_finalize(put);
	return ok;
}

static const char setting[] =
	"CREATE TEMP TABLE rehearse_setting (seen INTEGER, relayed TEXT);"
	"CREATE TEMP TABLE rehearse_strategy (strategy INTEGER PRIMARY KEY, kind TEXT, patterns INTEGER);"
	"CREATE TEMP TABLE rehearse_pattern (pattern TEXT PRIMARY KEY, bit INTEGER);"
	"CREATE TEMP TABLE rehearse_role (strategy INTEGER, role TEXT);"
	"CREATE TEMP TABLE rehearse_known (strategy INTEGER, ip TEXT, port INTEGER, since_ns INTEGER);"
	"CREATE INDEX temp.rehearse_known_ip ON rehearse_known (ip)";
static const char clearing[] =
	"DROP TABLE IF EXISTS temp.rehearse_setting;"
	"DROP TABLE IF EXISTS temp.rehearse_strategy; DROP TABLE IF EXISTS temp.rehearse_pattern;"
	"DROP TABLE IF EXISTS temp.rehearse_role; DROP TABLE IF EXISTS temp.rehearse_known;"
	"DROP TABLE IF EXISTS temp.rehearse_exchange; DROP TABLE IF EXISTS temp.rehearse_flow;"
	"DROP TABLE IF EXISTS temp.rehearse_hit; DROP TABLE IF EXISTS temp.rehearse_met;"
	"DROP TABLE IF EXISTS temp.rehearse_verdict";

static bool setting_put(const struct rehearsal *r, const struct view *v, struct error *err)
{
	const struct evidence_kind *relayed = r->protocol->relayed;
	sqlite3_stmt *put = NULL;
	bool ok = rehearsal_run(v, setting, err) &&
		  (put = query_open(v, "INSERT INTO rehearse_setting VALUES (?1, ?2)", err)) != NULL;

	if (ok) {
		sqlite3_bind_int(put, 1, r->request->seen);
		if (relayed)
			sqlite3_bind_text(put, 2, relayed->name, -1, SQLITE_STATIC);
		ok = insert(v, put, err);
	}
	sqlite3_finalize(put);
	if (!ok || !patterns_put(r, v, err))
		return false;
	for (int i = 0; i < r->protocol->strategy_count; i++)
		if (r->tried >> i & 1 && !strategy_put(r, v, i, err))
			return false;
	return true;
}

/* --- whether the recording can tell --- */

/* A pattern that the recording does not know, or knows otherwise, has no hits that mean anything. */
static bool pattern_check(const struct view *v, const struct recording *recording,
			  const struct packet_pattern *pattern, struct error *err)
{
	char definition[PATTERN_TEXT];
	sqlite3_stmt *row = query_open(v,
				       "SELECT count(*) FROM runs WHERE run NOT IN (SELECT run FROM patterns"
				       " WHERE protocol = :protocol AND pattern = :pattern"
				       " AND definition = :definition)",
				       err);

	pattern_describe(pattern, definition);
	if (!row)
		return false;
	query_bind_text(row, ":pattern", pattern->name);
	query_bind_text(row, ":definition", definition);
	bool ok = query_row(v, row, err);
	int64_t without = ok ? sqlite3_column_int64(row, 0) : 0;
	sqlite3_finalize(row);
	if (ok && without > 0)
		return error_set(err, EXIT_INPUT,
				 "%s was made by another version of footsteps: it did not look for the "
				 "pattern '%s' (%s)\nread its captures again with this version, or try them "
				 "themselves",
				 recording->path, pattern->name, pattern->words);
	return ok;
}

static bool patterns_check(const struct rehearsal *r, const struct view *v, const struct recording *recording,
			   struct error *err)
{
	unsigned wanted = 0;

	for (unsigned i = 0; i < r->protocol->strategy_count; i++)
		if (r->tried >> i & 1 && r->protocol->strategies[i].kind == STRATEGY_PATTERNS)
			wanted |= r->protocol->strategies[i].patterns;
	for (unsigned i = 0; i < r->protocol->pattern_count; i++)
		if (wanted >> i & 1 && !pattern_check(v, recording, &r->protocol->patterns[i], err))
			return false;
	return true;
}

/* --- what it shows --- */

/* Rows of a question to the recording, each with its number before it, into a table of all. */
static bool rows_move(const struct rehearsal *r, const struct view *v, int64_t n, const char *question,
		      const char *table, struct error *err)
{
	sqlite3_stmt *row = query_open(v, question, err), *put = NULL;
	enum query_result result = QUERY_FAILED;
	char sql[160];

	if (row) {
		int columns = sqlite3_column_count(row), used;
		used = snprintf(sql, sizeof sql, "INSERT INTO %s VALUES (?1", table);
		for (int c = 0; c < columns && used < (int)sizeof sql - 8; c++)
			used += snprintf(sql + used, sizeof sql - (size_t)used, ", ?%d", c + 2);
		snprintf(sql + used, sizeof sql - (size_t)used, ")");
		put = query_open(&r->all, sql, err);
	}
	while (put && (result = query_step(v, row, err)) == QUERY_ROW) {
		sqlite3_bind_int64(put, 1, n);
		for (int c = 0; c < sqlite3_column_count(row); c++)
			sqlite3_bind_value(put, c + 2, sqlite3_column_value(row, c));
		if (!insert(&r->all, put, err)) {
			result = QUERY_FAILED;
			break;
		}
	}
	sqlite3_finalize(row);
	sqlite3_finalize(put);
	return result == QUERY_END;
}

static bool head_put(const struct rehearsal *r, const struct view *v, const struct recording *recording,
		     int64_t n, struct error *err)
{
	sqlite3_stmt *row = query_open(
		v,
		"SELECT :path, :capture, count(*), coalesce(sum(packets), 0),"
		" (SELECT coalesce(sum(flows), 0) FROM label_totals),"
		" :capture OR coalesce(min(json_extract(iif(json_valid(options), options, '{}'), '$.flows') IS 'all'), 0),"
		" sum(NOT complete),"
		" (SELECT coalesce(sum(value), 0) FROM counters WHERE (area, name) = ('trace', 'patterns_untold')),"
		" (SELECT coalesce(sum(value), 0) FROM counters WHERE area = 'packets'"
		" AND name IN ('truncated_link', 'truncated_ip', 'truncated_transport')),"
		" (SELECT coalesce(sum(value), 0) FROM counters WHERE (area, name) = ('packets', 'filtered')),"
		" coalesce(max(json_extract(iif(json_valid(options), options, '{}'), '$.tunnels') IS 1), 0) FROM runs",
		err);
	sqlite3_stmt *put = query_open(&r->all,
				       "INSERT INTO recording VALUES"
				       " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
				       err);
	bool ok = row && put;

	if (ok) {
		query_bind_text(row, ":path", recording->path);
		query_bind_int(row, ":capture", recording->capture);
		ok = query_row(v, row, err);
	}
	if (ok) {
		sqlite3_bind_int64(put, 1, n);
		for (int c = 0; c < sqlite3_column_count(row); c++)
			sqlite3_bind_value(put, c + 2, sqlite3_column_value(row, c));
		ok = insert(&r->all, put, err);
	}
	sqlite3_finalize(row);
	sqlite3_finalize(put);
	return ok;
}

static bool results_move(const struct rehearsal *r, const struct view *v, int64_t n, struct error *err)
{
	/* A guess of libndpi's, from a port, says nothing of what the flow is. */
	static const char flows[] =
		"SELECT h.strategy, run, flow, min(h.packet), coalesce(x.role, CASE"
		" WHEN f.protocol = :protocol THEN 'own' WHEN source IN ('none', 'guess') THEN 'unknown'"
		" ELSE 'legitimate' END), proto, socket(f.client_ip, client_port),"
		" socket(server_ip, server_port), host(f.client_ip, server_ip), label, source"
		" FROM rehearse_hit h JOIN rehearse_flow f USING (run, flow)"
		" LEFT JOIN rehearse_exchange x USING (run, flow) WHERE why = ''"
		" GROUP BY h.strategy, run, flow";
	static const char starts[] =
		"SELECT strategy, t.run, startup, min(way = '') FROM (SELECT run, startup, client, began_ns,"
		" lead(began_ns) OVER (PARTITION BY run, client ORDER BY began_ns, startup) AS next_ns"
		" FROM main.startups WHERE protocol = :protocol) t"
		" JOIN rehearse_verdict v ON v.run = t.run AND v.client = t.client AND v.first_ns >= began_ns"
		" AND (next_ns IS NULL OR v.first_ns < next_ns) GROUP BY strategy, t.run, startup";

	return rows_move(r, v, n, flows, "flow", err) &&
	       rows_move(r, v, n,
			 "SELECT strategy, run, flow, role, way, iif(way = 'pattern', other, NULL)"
			 " FROM rehearse_verdict",
			 "exchange", err) &&
	       rows_move(r, v, n, starts, "start", err) &&
	       rows_move(r, v, n,
			 "SELECT label, source, sum(flows) FROM main.label_totals GROUP BY label, source",
			 "total", err) &&
	       rows_move(r, v, n, "SELECT run, count(*), max(path) FROM main.inputs GROUP BY run", "run",
			 err);
}

bool rehearsal_gather(struct rehearsal *r, const struct recording *recording, int64_t n, struct error *err)
{
	struct netset *local = netset_new();
	struct scope scope = { .limits = r->request->limits, .local = local };
	struct view v;
	bool ok = local || error_memory(err, "networks");

	if (ok && (ok = view_open(&v, recording->db, recording->path, 0, err))) {
		snprintf(v.protocol, sizeof v.protocol, "%s", r->protocol->name);
		ok = patterns_check(r, &v, recording, err) && local_nets(&v, local, err) &&
		     functions_set(&v, &scope, err) && setting_put(r, &v, err) &&
		     head_put(r, &v, recording, n, err) && rehearsal_run(&v, rehearse_sql, err) &&
		     results_move(r, &v, n, err);
		/* The connection is borrowed: nothing of this stays in it. */
		struct error ignored;
		(void)rehearsal_run(&v, clearing, &ignored);
		(void)functions_set(&v, NULL, &ignored);
	}
	netset_free(local);
	return ok;
}
