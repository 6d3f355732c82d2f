/* What counting rules have met; see readback.h. SQLite reads the JSON, and puts tables and counters together.
 */
#include "rules/readback.h"
#include "base/options.h"
#include "rules/rules.h"
#include "views/escape.h"
#include "views/show_topics.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A rule set with sets of a million addresses is half of it. */
#define INPUT_MAX ((size_t)64 << 20)
#define INDENT    2U
#define OUGHT     "'nft -j list ruleset' (as root) prints what is wanted"

/* --- the file --- */

static bool read_all(FILE *in, const char *path, char **text, size_t *length, struct error *err)
{
	size_t room = 1U << 16;

	*text = NULL;
	*length = 0;
	for (;;) {
		char *more = realloc(*text, room);
		if (!more)
			return error_memory(err, "what nft has listed");
		*text = more;
		*length += fread(*text + *length, 1, room - *length, in);
		if (ferror(in))
			return error_set(err, EXIT_INPUT, "cannot read %s: %s", path, strerror(errno));
		if (*length < room)
			return true;
		if (room > INPUT_MAX)
			return error_set(err, EXIT_INPUT,
					 "%s is larger than %zu MiB; 'nft -j list table inet "
					 "NAME' lists one table alone",
					 path, INPUT_MAX >> 20);
		room *= 2;
	}
}

static bool begins(const char *text, size_t length, const char *word)
{
	return length >= strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

/* No JSON: says what it is instead. */
static bool refuse(const char *path, const char *text, size_t length, struct error *err)
{
	size_t blank = 0;

	while (blank < length && strchr(" \t\r\n", text[blank]))
		blank++;
	if (blank == length)
		return error_set(err, EXIT_INPUT, "%s is empty; " OUGHT, path);
	if (begins(text + blank, length - blank, "table ") ||
	    begins(text + blank, length - blank, "counter "))
		return error_set(err, EXIT_INPUT,
				 "%s is what 'nft list' prints for people, without -j; " OUGHT, path);
	if (text[blank] == '#')
		return error_set(err, EXIT_INPUT, "%s looks like rules themselves; " OUGHT, path);
	if (text[blank] == '{')
		return error_set(err, EXIT_INPUT, "%s is no whole JSON; is its end missing? " OUGHT, path);
	return error_set(err, EXIT_INPUT, "%s is no JSON; " OUGHT, path);
}

/* --- into tables --- */

/*
 * Numbers are sums of 64 bits in the kernel; what is beyond those of SQLite is cut to the largest one. The
 * verdict of a rule may be inside another statement, as in a verdict map: hence json_tree().
 */
static const char load[] =
	"CREATE TABLE object AS SELECT k.key AS kind, json_extract(k.value, '$.family') AS family,"
	" json_extract(k.value, iif(k.key = 'table', '$.name', '$.table')) AS tab,"
	" iif(k.key = 'counter', json_extract(k.value, '$.name'), '') AS name,"
	" max(0, CAST(coalesce(json_extract(k.value, '$.packets'), 0) AS INTEGER)) AS packets,"
	" max(0, CAST(coalesce(json_extract(k.value, '$.bytes'), 0) AS INTEGER)) AS bytes,"
	" iif(k.key = 'rule', (SELECT max(CASE e.key WHEN 'drop' THEN 3 WHEN 'reject' THEN 2 WHEN 'log' THEN 1 ELSE 0"
	" END) FROM json_tree(k.value, '$.expr') e), NULL) AS action"
	" FROM json_each(?1, '$.nftables') o, json_each(iif(o.type = 'object', o.value, '{}')) k"
	" WHERE k.key IN ('table', 'counter', 'rule') AND k.type = 'object'";
/*
 * A sum of such numbers, to the last digit: total() is exact up to 2^53, and sum() fails beyond 2^63. So the
 * halves are summed, and what is beyond the largest number is cut to it as well.
 */
#define HALVES(column, which)                                                                                \
	" iif(sum(iif(" which ", " column " >> 32, 0)) + (sum(iif(" which ", " column                        \
	" & 4294967295, 0)) >> 32) > 2147483647, 9223372036854775807,"                                       \
	" (sum(iif(" which ", " column " >> 32, 0)) << 32) + sum(iif(" which ", " column                     \
	" & 4294967295, 0))) AS "
#define MET_PACKETS    HALVES("packets", "name <> 'never'") "packets,"
#define MET_BYTES      HALVES("bytes", "name <> 'never'") "bytes,"
#define SPARED_PACKETS HALVES("packets", "name = 'never'") "spared_packets,"
#define SPARED_BYTES   HALVES("bytes", "name = 'never'") "spared_bytes"
/* known (filled by known_add()): what this program may have made. */
static const char arrange[] =
	"CREATE TABLE met AS SELECT o.family, o.tab, o.name AS counter, o.packets, o.bytes, k.words,"
	" iif(o.name = 'never', 2, iif(k.place IS NULL, 1, 0)) AS part, k.place FROM object o"
	" LEFT JOIN known k ON k.tab = o.tab AND k.counter = o.name"
	" WHERE o.kind = 'counter' AND o.tab GLOB 'footsteps_?*_?*';"
	"CREATE TABLE ours AS SELECT family, tab, (SELECT protocol FROM known k WHERE k.tab = o.tab) AS protocol,"
	" (SELECT title FROM known k WHERE k.tab = o.tab) AS title,"
	" (SELECT strategy FROM known k WHERE k.tab = o.tab) AS strategy,"
	" CASE max(action) WHEN 3 THEN 'drop' WHEN 2 THEN 'reject' WHEN 1 THEN 'log' WHEN 0 THEN 'count' END AS action,"
	" sum(kind = 'counter') AS counters," MET_PACKETS MET_BYTES SPARED_PACKETS SPARED_BYTES
	" FROM object o WHERE tab GLOB 'footsteps_?*_?*' GROUP BY family, tab";

static bool run(const struct view *v, const char *sql, struct error *err)
{
	if (sqlite3_exec(v->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return true;
	return error_set(err, EXIT_INTERNAL, "%s: %s", v->path, sqlite3_errmsg(v->db));
}

static bool known_add(const struct view *v, const struct ruleset *r, unsigned place, const char *counter,
		      const char *words, struct error *err)
{
	sqlite3_stmt *stmt = query_open(
		v, "INSERT INTO known VALUES (:tab, :title, :name, :strategy, :place, :counter, :words)",
		err);
	char name[RULESET_NAME];

	if (!stmt)
		return false;
	ruleset_name(r, name);
	query_bind_text(stmt, ":tab", name);
	query_bind_text(stmt, ":title", r->protocol->title);
	query_bind_text(stmt, ":name", r->protocol->name);
	query_bind_text(stmt, ":strategy", r->strategy->name);
	query_bind_int(stmt, ":place", place);
	query_bind_text(stmt, ":counter", counter);
	query_bind_text(stmt, ":words", words);
	bool ok = query_step(v, stmt, err) == QUERY_END;
	sqlite3_finalize(stmt);
	return ok;
}

/* The counters that format_nft.c writes for a strategy. */
static bool strategy_add(const struct view *v, const struct ruleset *r, struct error *err)
{
	const bool servers = r->strategy->kind == STRATEGY_SERVERS;
	const struct packet_pattern *p;
	unsigned place = 0;

	if (r->strategy->kind == STRATEGY_PATTERNS) {
		for (; (p = ruleset_pattern(r, place)); place++)
			if (!known_add(v, r, place, p->name, p->words, err))
				return false;
	} else if (!known_add(v, r, place++, "endpoints_ipv4",
			      servers ? "packets of the addresses, IPv4" : "packets of the sockets, IPv4",
			      err) ||
		   !known_add(v, r, place++, "endpoints_ipv6",
			      servers ? "packets of the addresses, IPv6" : "packets of the sockets, IPv6",
			      err)) {
		return false;
	}
	return known_add(v, r, place, "never", "spared: it fits, but is in the allow-list (--never)", err);
}

static bool known_fill(const struct view *v, struct error *err)
{
	if (!run(v,
		 "CREATE TABLE known (tab TEXT, title TEXT, protocol TEXT, strategy TEXT, place INTEGER,"
		 " counter TEXT, words TEXT)",
		 err))
		return false;
	for (unsigned p = 0; p < protocol_count; p++)
		for (unsigned s = 0; s < protocols[p]->strategy_count; s++) {
			const struct ruleset r = { .protocol = protocols[p],
						   .strategy = &protocols[p]->strategies[s] };
			if (!strategy_add(v, &r, err))
				return false;
		}
	return true;
}

/* One number of the text: whether it is JSON, and so on. */
static bool text_number(const struct view *v, const char *sql, const char *text, size_t length,
			int64_t *number, struct error *err)
{
	sqlite3_stmt *stmt = query_open(v, sql, err);
	enum query_result result = QUERY_FAILED;

	*number = 0;
	if (stmt && sqlite3_bind_text64(stmt, 1, text, length, SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK) {
		result = query_step(v, stmt, err);
		*number = result == QUERY_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	} else if (stmt) {
		error_memory(err, "what nft has listed");
	}
	sqlite3_finalize(stmt);
	return result != QUERY_FAILED;
}

static bool text_load(const struct view *v, const char *text, size_t length, struct error *err)
{
	int64_t is;

	/* A NUL ends a text for SQLite, which would not see what is behind it. */
	if (length == 0 || memchr(text, '\0', length))
		return refuse(v->path, text, length, err);
	if (!text_number(v, "SELECT json_valid(?1)", text, length, &is, err))
		return false;
	if (!is)
		return refuse(v->path, text, length, err);
	if (!text_number(v, "SELECT json_type(?1, '$.nftables') = 'array'", text, length, &is, err))
		return false;
	if (!is)
		return error_set(err, EXIT_INPUT, "%s is JSON, but not of nft; " OUGHT, v->path);
	return text_number(v, load, text, length, &is, err) && known_fill(v, err) && run(v, arrange, err);
}

/* --- for people --- */

static const struct column columns[] = {
	{ "counter", COLUMN_TEXT, FIT_KEEP, 0 },
	{ "packets", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "bytes", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "what it counts", COLUMN_TEXT, FIT_WRAP, 0 },
};
static const char counters_text[] =
	"SELECT counter, packets, bytes, coalesce(words, 'not known to this version of footsteps') FROM met"
	" WHERE family IS ?1 AND tab = ?2 ORDER BY part, place, counter";
static const char tables_text[] =
	"SELECT family, tab, title, protocol, strategy, action, counters, packets, bytes FROM ours ORDER BY tab, family";
enum { FAMILY, TABLE, TITLE, PROTOCOL, STRATEGY, ACTION, COUNTERS, PACKETS, BYTES };

static const char *action_words(const char *action)
{
	if (strcmp(action, "drop") == 0)
		return "It drops.";
	if (strcmp(action, "reject") == 0)
		return "It rejects.";
	if (strcmp(action, "log") == 0)
		return "It logs and counts, and lets everything pass.";
	if (strcmp(action, "count") == 0)
		return "It counts, and lets everything pass.";
	return "Its rules are not in this output, so what it does is not known.";
}

static void sentence_put(const char *text, FILE *out)
{
	fprintf(out, "%*s", (int)INDENT, "");
	options_wrap(out, text, INDENT, INDENT);
}

static void table_introduce(sqlite3_stmt *row, FILE *out)
{
	const char *action = action_words(query_text(row, ACTION));
	char text[256];

	fputs("table ", out);
	plain_put(out, query_text(row, FAMILY));
	fputc(' ', out);
	plain_put(out, query_text(row, TABLE));
	fputc('\n', out);
	if (query_text(row, STRATEGY)[0])
		snprintf(text, sizeof text, "%s, strategy %s. %s", query_text(row, TITLE),
			 query_text(row, STRATEGY), action);
	else
		snprintf(text, sizeof text, "A strategy that this version of footsteps does not know. %s",
			 action);
	sentence_put(text, out);
}

/* What it has met, in a sentence, and what to do next. */
static void conclude(sqlite3_stmt *row, FILE *out)
{
	const char *action = query_text(row, ACTION);
	const long long packets = sqlite3_column_int64(row, PACKETS),
			bytes = sqlite3_column_int64(row, BYTES);
	const bool passes = strcmp(action, "log") == 0 || strcmp(action, "count") == 0;
	char text[512];

	if (packets == 0)
		snprintf(text, sizeof text, "It has met nothing yet since it was loaded.%s",
			 passes ? " Leave it there until traffic that it is made for has passed." : "");
	else if (!action[0])
		snprintf(
			text, sizeof text,
			"It has met %lld packet%s (%lld bytes). 'nft -j list ruleset' also tells what was done "
			"with them.",
			packets, packets == 1 ? "" : "s", bytes);
	else
		snprintf(
			text, sizeof text, "It %s %lld packet%s (%lld bytes) since it was loaded.%s",
			passes                        ? "would have blocked"
			: strcmp(action, "drop") == 0 ? "has dropped"
						      : "has rejected",
			packets, packets == 1 ? "" : "s", bytes,
			passes ? " If they are what you want to be rid of, make the rules again: by the command at "
				 "the head of their file (Made by), which has your --never and the like, but with "
				 "--action drop."
			       : " A sender repeats what it gets no answer to, and each repetition counts.");
	sentence_put(text, out);
}

static bool counters_show(const struct view *v, sqlite3_stmt *row, unsigned width, FILE *out,
			  struct error *err)
{
	sqlite3_stmt *stmt = query_open(v, counters_text, err);
	struct table *t = table_new(columns, sizeof columns / sizeof columns[0]);
	uint64_t count = 0;

	bool ok = stmt && (t || error_memory(err, "the table"));
	if (ok) {
		sqlite3_bind_value(stmt, 1, sqlite3_column_value(row, FAMILY));
		sqlite3_bind_value(stmt, 2, sqlite3_column_value(row, TABLE));
		ok = table_fill(t, v, stmt, columns, UINT64_MAX, &count, err);
	}
	if (ok)
		table_print(t, out, width, INDENT);
	table_free(t);
	sqlite3_finalize(stmt);
	return ok;
}

static bool tables_show(const struct view *v, unsigned width, FILE *out, struct error *err)
{
	sqlite3_stmt *row = query_open(v, tables_text, err);
	enum query_result result = QUERY_FAILED;
	bool first = true;

	while (row && (result = query_step(v, row, err)) == QUERY_ROW) {
		fputs(first ? "" : "\n", out);
		first = false;
		table_introduce(row, out);
		if (sqlite3_column_int64(row, COUNTERS) == 0) {
			sentence_put("Its counters are not in this output; " OUGHT ".", out);
			continue;
		}
		if (!counters_show(v, row, width, out, err)) {
			result = QUERY_FAILED;
			break;
		}
		conclude(row, out);
	}
	sqlite3_finalize(row);
	return result == QUERY_END;
}

/* --- for programs --- */

/* Without an allow-list nothing is known to be spared, which is not 0. */
#define ALLOWS "EXISTS (SELECT * FROM met m WHERE m.family = o.family AND m.tab = o.tab AND part = 2)"
static const char tables_data[] =
	"SELECT 'table' AS 'row', family, tab AS 'table', protocol, strategy, action, packets, bytes,"
	" iif(" ALLOWS ", spared_packets, NULL) AS spared_packets, iif(" ALLOWS
	", spared_bytes, NULL) AS spared_bytes"
	" FROM ours o ORDER BY tab, family";
static const char counters_data[] =
	"SELECT 'counter' AS 'row', family, tab AS 'table', counter, words, packets, bytes FROM met"
	" ORDER BY tab, family, part, place, counter";

static bool data_put(const struct view *v, const char *sql, enum show_format format, FILE *out,
		     struct error *err)
{
	sqlite3_stmt *stmt = query_open(v, sql, err);
	bool ok = stmt && (format == SHOW_CSV ? rows_put_csv : rows_put_json)(v, stmt, out, err);

	sqlite3_finalize(stmt);
	return ok;
}

static bool result_put(const struct view *v, enum show_format format, unsigned width, FILE *out,
		       struct error *err)
{
	int64_t tables;

	if (!query_number(v, "SELECT count(*) FROM ours", &tables, err))
		return false;
	if (tables == 0)
		return error_set(
			err, EXIT_INPUT,
			"no table in %s is of footsteps; have the rules been loaded, here, and with --format "
			"nft?",
			v->path);
	if (format == SHOW_TABLE)
		return tables_show(v, width, out, err);
	/* CSV has one kind of row. */
	return (format == SHOW_CSV || data_put(v, tables_data, format, out, err)) &&
	       data_put(v, counters_data, format, out, err);
}

bool readback(const char *path, enum show_format format, unsigned width, FILE *out, struct error *err)
{
	const bool standard = strcmp(path, "-") == 0;
	FILE *in = standard ? stdin : fopen(path, "rb");
	struct view v = { .path = standard ? "standard input" : path };
	char *text = NULL;
	size_t length;

	if (!in)
		return error_set(err, EXIT_INPUT, "cannot open %s: %s", path, strerror(errno));
	bool ok = read_all(in, v.path, &text, &length, err);
	if (!standard)
		fclose(in);
	if (ok && sqlite3_open(":memory:", &v.db) != SQLITE_OK)
		ok = error_memory(err, "what nft has listed");
	ok = ok && text_load(&v, text, length, err) && result_put(&v, format, width, out, err);
	sqlite3_close(v.db);
	free(text);
	return ok;
}
