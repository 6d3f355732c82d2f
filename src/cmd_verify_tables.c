/* Two databases, table by table; see cmd_verify.h. */
#include "cmd_verify.h"
#include "base/clock.h"
#include "store/open.h"
#include "views/escape.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MOST   20U /* differences of a table that are written out */
#define COLUMNS_MOST 64  /* of a table */
#define SQL_MOST     16384
#define REAL_SHARE   1e-4 /* bits and the like are sums of floats, in the order of the packets */

/* What a number in a column stands for, and how a row says it without the number. */
#define KEYS                                                                                                 \
	"CREATE TEMP TABLE flow_key AS SELECT flow AS id, proto || ' ' || client_ip || ':' || client_port"   \
	" || ' > ' || server_ip || ':' || server_port || %s AS key FROM flows WHERE run = 1;"                \
	"CREATE UNIQUE INDEX temp.flow_key_id ON flow_key (id);"                                             \
	"CREATE TEMP TABLE client_key AS SELECT client AS id, protocol || ' ' || ip || ':' || port AS key"   \
	" FROM clients WHERE run = 1;"                                                                       \
	"CREATE UNIQUE INDEX temp.client_key_id ON client_key (id);"                                         \
	"CREATE TEMP TABLE peer_key AS SELECT peer AS id, protocol || ' ' || ip || ':' || port AS key"       \
	" FROM peers WHERE run = 1;"                                                                         \
	"CREATE UNIQUE INDEX temp.peer_key_id ON peer_key (id);"                                             \
	"CREATE TEMP TABLE call_key AS SELECT call AS id, protocol || ' ' || near_ip || ' ' || far_ip ||"    \
	" ' #' || row_number() OVER (PARTITION BY protocol, near_ip, far_ip ORDER BY first_ns, call) AS key" \
	" FROM calls WHERE run = 1;"                                                                         \
	"CREATE TEMP TABLE startup_key AS SELECT startup AS id, (SELECT key FROM client_key WHERE id ="      \
	" client) || ' #' || row_number() OVER (PARTITION BY client ORDER BY began_ns, startup) AS key"      \
	" FROM startups WHERE run = 1;"                                                                      \
	"CREATE TEMP TABLE search_key AS SELECT search AS id, (SELECT key FROM client_key WHERE id ="        \
	" client) || ' #' || row_number() OVER (PARTITION BY client ORDER BY first_ns, search) AS key"       \
	" FROM searches WHERE run = 1;"
/* Which of several flows of the same five: by the time of its first packet, or where times may differ by its
 * place among them. */
#define FLOW_BY_TIME "' @' || first_ns"
#define FLOW_BY_PLACE                                                                                        \
	"' #' || row_number() OVER (PARTITION BY proto, client_ip, client_port, server_ip, server_port"      \
	" ORDER BY first_ns, flow)"

/* The manifest (runs, inputs, place_files) says how a run was made, not what it found; sessions, facts and
 * capture_minutes are of live runs alone. */
static const char *const left_out[] = { "runs",  "inputs",          "place_files", "sessions",
					"facts", "capture_minutes", NULL };

/* With a jitter: how many there were at a time, by the second. */
static const char *const by_the_second[] = { "state_entries", NULL };

static bool is_one_of(const char *name, const char *const *list)
{
	for (size_t i = 0; list[i]; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

/* --- columns --- */

enum column_kind { COLUMN_LEFT_OUT, COLUMN_EXACT, COLUMN_TIME, COLUMN_REAL };
struct column {
	char name[48];
	enum column_kind kind;
};
struct table {
	char name[48];
	struct column column[COLUMNS_MOST]; /* those that are compared: exact ones first */
	int columns;
	char select[SQL_MOST];
};

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && strcmp(text + length - tail, end) == 0;
}

static enum column_kind kind_of(const char *table, const char *column, const char *type)
{
	/* Packets are counted by whoever captures. */
	static const char *const packets[] = { "run", "packet", "first_packet", "last_packet", NULL };
	/* What ends in _ns and is no time that was seen. */
	static const char *const settings[] = { "timeout_ns", "width_ns", "day_ns", NULL };

	/* Places that nothing else tells apart are in the order of the peers' numbers. */
	bool is_number = strcmp(table, "peer_places") == 0 && strcmp(column, "n") == 0;
	if (is_one_of(column, packets) || is_number)
		return COLUMN_LEFT_OUT;
	if (strcmp(type, "REAL") == 0)
		return COLUMN_REAL;
	if ((ends_with(column, "_ns") && !is_one_of(column, settings)) ||
	    strcmp(column, "duration_out") == 0 || strcmp(column, "duration_in") == 0)
		return COLUMN_TIME;
	return COLUMN_EXACT;
}

/* SQL of what the column says: for a number that only tells rows apart, the key of what it means. */
static void expression(const char *table, const char *column, char *sql, size_t size)
{
	const char *keys = NULL;

	if (strcmp(column, "flow") == 0 || ends_with(column, "_flow"))
		keys = "flow";
	else if (strcmp(column, "client") == 0)
		keys = "client";
	else if (strcmp(column, "peer") == 0 && strcmp(table, "activity_flows") != 0)
		keys = "peer";
	else if (strcmp(column, "call") == 0 || strcmp(column, "conference") == 0)
		keys = "call";
	else if (strcmp(column, "startup") == 0 || strcmp(column, "search") == 0)
		keys = column;
	if (keys)
		snprintf(sql, size, "coalesce((SELECT key FROM %s_key WHERE id = t.\"%s\"), quote(t.\"%s\"))",
			 keys, column, column);
	else if (strcmp(column, "number") == 0)
		snprintf(sql, size,
			 "(SELECT key FROM (SELECT 'login' AS kind, * FROM startup_key UNION ALL SELECT "
			 "'search', * FROM search_key UNION ALL SELECT 'call', * FROM call_key) AS k WHERE "
			 "k.kind = t.kind AND k.id = t.number)");
	else if (strcmp(column, "subject") == 0)
		snprintf(sql, size,
			 "CASE about WHEN 'client' THEN (SELECT key FROM client_key WHERE id = subject) ELSE "
			 "coalesce((SELECT key FROM flow_key WHERE id = subject), 'a flow') END");
	else
		snprintf(sql, size, "quote(t.\"%s\")", column);
}

static void add(struct table *t, const char *sql)
{
	size_t used = strlen(t->select);

	snprintf(t->select + used, sizeof t->select - used, "%s", sql);
}

/* The columns of one kind, behind those that are there. */
static bool add_columns(sqlite3 *db, struct table *t, enum column_kind wanted)
{
	char sql[400];
	sqlite3_stmt *columns = NULL;

	snprintf(sql, sizeof sql, "SELECT name, type FROM pragma_table_info('%s')", t->name);
	if (sqlite3_prepare_v2(db, sql, -1, &columns, NULL) != SQLITE_OK)
		return false;
	while (sqlite3_step(columns) == SQLITE_ROW && t->columns < COLUMNS_MOST) {
		const char *name = (const char *)sqlite3_column_text(columns, 0);
		const char *type = (const char *)sqlite3_column_text(columns, 1);

		if (kind_of(t->name, name, type) != wanted)
			continue;
		struct column *c = &t->column[t->columns++];
		snprintf(c->name, sizeof c->name, "%s", name);
		c->kind = wanted;
		if (wanted == COLUMN_EXACT)
			expression(t->name, name, sql, sizeof sql);
		else
			snprintf(sql, sizeof sql, "t.\"%s\"", name);
		add(t, t->columns > 1 ? ", " : "SELECT ");
		add(t, sql);
	}
	return sqlite3_finalize(columns) == SQLITE_OK;
}

static bool table_describe(sqlite3 *db, const char *name, int64_t jitter_ns, struct table *t)
{
	char number[16];

	*t = (struct table){ 0 };
	snprintf(t->name, sizeof t->name, "%s", name);
	if (!add_columns(db, t, COLUMN_EXACT) || !add_columns(db, t, COLUMN_TIME) ||
	    !add_columns(db, t, COLUMN_REAL))
		return false;
	add(t, " FROM ");
	add(t, name);
	add(t, " AS t WHERE run = 1");
	/* How much memory flows took at a time: each worker has its own, and an idle link gives it back
	 * sooner. */
	if (strcmp(name, "counters") == 0)
		add(t, " AND name <> 'peak_flows'");
	/* Times in classes: a time at the edge of one may be in the next. */
	if (jitter_ns > 0 && strcmp(name, "distributions") == 0)
		add(t, " AND measure NOT LIKE '%\\_us' ESCAPE '\\'");
	add(t, " ORDER BY ");
	for (int i = 0; i < t->columns; i++) {
		snprintf(number, sizeof number, "%s%d", i ? ", " : "", i + 1);
		add(t, number);
	}
	return true;
}

/* --- rows --- */

struct side {
	sqlite3 *db;
	sqlite3_stmt *rows;
	bool more;
};
struct comparison {
	struct side side[2];
	const char *const *names;
	int64_t jitter_ns;
	FILE *out;
	struct verify_sums *sums;
	uint64_t differences, rows; /* of this table */
};

static const char *text(struct side *s, int column)
{
	const char *found = (const char *)sqlite3_column_text(s->rows, column);

	return found ? found : "NULL";
}

static bool difference(struct comparison *c, const struct table *t)
{
	c->sums->differences++;
	if (++c->differences > SHOWN_MOST)
		return false;
	fprintf(c->out, "%s: ", t->name);
	return true;
}

static void print_keys(struct comparison *c, const struct table *t, unsigned which)
{
	for (int i = 0; i < t->columns && t->column[i].kind == COLUMN_EXACT; i++) {
		fprintf(c->out, " %s=", t->column[i].name);
		plain_put(c->out, text(&c->side[which], i));
	}
}

static void only_in(struct comparison *c, const struct table *t, unsigned which)
{
	if (!difference(c, t))
		return;
	fprintf(c->out, "only in %s:", c->names[which]);
	print_keys(c, t, which);
	for (int i = 0; i < t->columns; i++)
		if (t->column[i].kind != COLUMN_EXACT)
			fprintf(c->out, " %s=%s", t->column[i].name, text(&c->side[which], i));
	fputc('\n', c->out);
}

static int compare_keys(struct comparison *c, const struct table *t)
{
	int order = 0;

	for (int i = 0; order == 0 && i < t->columns && t->column[i].kind == COLUMN_EXACT; i++)
		order = strcmp(text(&c->side[0], i), text(&c->side[1], i));
	return order;
}

static bool is_near(struct comparison *c, const struct column *column, int i)
{
	sqlite3_stmt *a = c->side[0].rows, *b = c->side[1].rows;

	if (sqlite3_column_type(a, i) == SQLITE_NULL || sqlite3_column_type(b, i) == SQLITE_NULL)
		return sqlite3_column_type(a, i) == sqlite3_column_type(b, i);
	if (column->kind == COLUMN_TIME)
		/* Two times that differ by the jitter each make a duration that differs by twice as much. */
		return llabs(sqlite3_column_int64(a, i) - sqlite3_column_int64(b, i)) <= 2 * c->jitter_ns;
	double x = sqlite3_column_double(a, i), y = sqlite3_column_double(b, i);
	/* What is measured in ms, and bits per second, follow the times. */
	double may = REAL_SHARE * fmax(1, fmax(fabs(x), fabs(y))) +
		     (c->jitter_ns ? 0.05 * fmax(fabs(x), fabs(y)) : 0);
	may += 2 * (double)c->jitter_ns / (double)NS_PER_MS;
	return fabs(x - y) <= may;
}

static void compare_values(struct comparison *c, const struct table *t)
{
	bool begun = false;

	for (int i = 0; i < t->columns; i++) {
		const struct column *column = &t->column[i];

		if (column->kind == COLUMN_EXACT || is_near(c, column, i))
			continue;
		if (!begun && !difference(c, t))
			return;
		if (!begun)
			print_keys(c, t, 0);
		begun = true;
		fprintf(c->out, "; %s %s and %s", column->name, text(&c->side[0], i), text(&c->side[1], i));
	}
	if (begun)
		fputc('\n', c->out);
}

static void step(struct comparison *c, unsigned which)
{
	c->side[which].more = sqlite3_step(c->side[which].rows) == SQLITE_ROW;
	c->rows += which == 0 && c->side[0].more;
}

static void compare_rows(struct comparison *c, const struct table *t)
{
	step(c, 0);
	step(c, 1);
	while (c->side[0].more || c->side[1].more) {
		int order = !c->side[0].more ? 1 : !c->side[1].more ? -1 : compare_keys(c, t);

		if (order == 0)
			compare_values(c, t);
		else
			only_in(c, t, order < 0 ? 0 : 1);
		if (order <= 0)
			step(c, 0);
		if (order >= 0)
			step(c, 1);
	}
}

static bool compare_table(struct comparison *c, const char *name, struct error *err)
{
	struct table t;
	bool ok = table_describe(c->side[0].db, name, c->jitter_ns, &t);

	c->differences = c->rows = 0;
	for (unsigned i = 0; i < 2; i++)
		ok = ok &&
		     sqlite3_prepare_v2(c->side[i].db, t.select, -1, &c->side[i].rows, NULL) == SQLITE_OK;
	if (ok)
		compare_rows(c, &t);
	for (unsigned i = 0; i < 2; i++) {
		ok = sqlite3_finalize(c->side[i].rows) == SQLITE_OK && ok;
		c->side[i].rows = NULL;
	}
	if (!ok)
		return error_set(err, EXIT_INTERNAL, "table %s cannot be compared: %s, %s", name,
				 sqlite3_errmsg(c->side[0].db), sqlite3_errmsg(c->side[1].db));
	if (c->differences > SHOWN_MOST)
		fprintf(c->out, "%s: and %" PRIu64 " more\n", name, c->differences - SHOWN_MOST);
	c->sums->tables++;
	c->sums->rows += c->rows;
	return true;
}

static bool make_keys(sqlite3 *db, int64_t jitter_ns, struct error *err)
{
	char sql[sizeof KEYS + sizeof FLOW_BY_PLACE];

	snprintf(sql, sizeof sql, KEYS, jitter_ns > 0 ? FLOW_BY_PLACE : FLOW_BY_TIME);
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ||
	       error_set(err, EXIT_INTERNAL, "the comparison cannot be prepared: %s", sqlite3_errmsg(db));
}

bool verify_tables(const char *const database[2], const char *const names[2], int64_t jitter_ns, FILE *out,
		   struct verify_sums *sums, struct error *err)
{
	struct comparison c = { .names = names, .jitter_ns = jitter_ns, .out = out, .sums = sums };
	sqlite3_stmt *tables = NULL;
	bool ok = true;

	for (unsigned i = 0; ok && i < 2; i++) {
		c.side[i].db = store_open_read(database[i], err);
		ok = c.side[i].db && make_keys(c.side[i].db, jitter_ns, err);
	}
	if (ok && sqlite3_prepare_v2(c.side[0].db,
				     "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE "
				     "'sqlite_%' ORDER BY name",
				     -1, &tables, NULL) != SQLITE_OK)
		ok = error_set(err, EXIT_INTERNAL, "%s", sqlite3_errmsg(c.side[0].db));
	while (ok && sqlite3_step(tables) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(tables, 0);

		if (!is_one_of(name, left_out) && !(jitter_ns > 0 && is_one_of(name, by_the_second)))
			ok = compare_table(&c, name, err);
	}
	sqlite3_finalize(tables);
	sqlite3_close(c.side[0].db);
	sqlite3_close(c.side[1].db);
	return ok;
}
