/* The temporary database that a comparison is kept in: SQLite moves it to a file when it grows. */
#include "views/compare_parts.h"
#include <math.h>
#include <stdarg.h>
#include <string.h>

static const char schema[] =
	"CREATE TABLE runs (side TEXT, path TEXT, run INTEGER, version TEXT, libraries TEXT, protocol TEXT, "
	"inputs TEXT, first_ns INTEGER, last_ns INTEGER, packets INTEGER, complete INTEGER, problems TEXT, "
	"options TEXT, digests TEXT);CREATE TABLE cautions (words TEXT);CREATE TABLE options (name TEXT, a "
	"TEXT, b TEXT, touches TEXT);CREATE TABLE counts (name TEXT, unit TEXT, a REAL, b REAL);CREATE TABLE "
	"distributions (measure TEXT, class TEXT, words TEXT, unit TEXT, samples_a INTEGER, samples_b "
	"INTEGER, median_a REAL, median_b REAL, p90_a REAL, p90_b REAL, d REAL, b_larger REAL, b_smaller "
	"REAL, d_at REAL, effective REAL, p REAL, verdict TEXT, verdict_words TEXT, place INTEGER);CREATE "
	"TABLE sockets (what TEXT, kept INTEGER, moved INTEGER, gone INTEGER, new INTEGER);CREATE TABLE "
	"members (what TEXT, state TEXT, ip TEXT, port_a INTEGER, port_b INTEGER);CREATE TABLE flows "
	"(stored_a INTEGER, stored_b INTEGER, all_a INTEGER, all_b INTEGER, both INTEGER, same INTEGER, "
	"changed INTEGER);CREATE TABLE labels (label_a TEXT, role_a TEXT, label_b TEXT, role_b TEXT, flows "
	"INTEGER, packets INTEGER, flow_a INTEGER, flow_b INTEGER, PRIMARY KEY (label_a, role_a, label_b, "
	"role_b)) WITHOUT ROWID;";

/* Three digits, with a prefix of thousands: "1.23", "12.3k", "123M". */
static void scaled_format(double value, const char *unit, char out[QUANTITY_TEXT])
{
	static const char *const prefix[] = { "", "k", "M", "G", "T", "P" };
	size_t scale = 0;
	double size = fabs(value);

	/* 999.5 is "1.00k", not "1000". */
	while (size >= 999.5 && scale + 1 < sizeof prefix / sizeof prefix[0]) {
		size /= 1000;
		scale++;
	}
	int decimals = size >= 99.95 || (scale == 0 && size == floor(size)) ? 0 : size >= 9.995 ? 1 : 2;
	snprintf(out, QUANTITY_TEXT, "%s%.*f%s%s%s%s", value < 0 ? "-" : "", decimals, size,
		 scale && *unit ? " " : "", prefix[scale], !scale && *unit ? " " : "", unit);
}

static void time_format(double ns, char out[QUANTITY_TEXT])
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "d", 86400e9 }, { "h", 3600e9 }, { "min", 60e9 }, { "s", 1e9 }, { "ms", 1e6 } };

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (fabs(ns) >= units[i].ns) {
			scaled_format(ns / units[i].ns, units[i].unit, out);
			return;
		}
	scaled_format(ns / 1e3, ns == 0 ? "s" : "us", out);
}

void quantity_format(double value, const char *unit, char out[QUANTITY_TEXT])
{
	if (strcmp(unit, "us") == 0)
		time_format(value * 1e3, out);
	else if (strcmp(unit, "ns") == 0)
		time_format(value, out);
	else if (strcmp(unit, "bytes") == 0)
		scaled_format(value, "B", out);
	else if (strcmp(unit, "%") == 0)
		snprintf(out, QUANTITY_TEXT, "%.3g %%", value);
	else
		scaled_format(value, unit, out);
}

static void function_quantity(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *unit = (const char *)sqlite3_value_text(values[1]);
	char text[QUANTITY_TEXT];

	(void)count;
	if (sqlite3_value_type(values[0]) == SQLITE_NULL)
		return;
	quantity_format(sqlite3_value_double(values[0]), unit ? unit : "", text);
	sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

bool results_open(struct comparison *c, struct error *err)
{
	sqlite3 *db = NULL;

	/* "": a database of its own that nobody else sees. */
	c->results = (struct view){ .path = "the comparison" };
	bool ok = sqlite3_open_v2("", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) == SQLITE_OK;
	c->results.db = db;
	ok = ok && view_functions(&c->results, err) &&
	     sqlite3_create_function_v2(db, "quantity", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
					function_quantity, NULL, NULL, NULL) == SQLITE_OK &&
	     sqlite3_exec(db, schema, NULL, NULL, NULL) == SQLITE_OK &&
	     sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
	return ok || error_set(err, EXIT_INTERNAL, "cannot make a temporary database: %s",
			       db ? sqlite3_errmsg(db) : "out of memory");
}

void results_close(struct comparison *c)
{
	sqlite3_close(c->results.db);
}

static void value_bind(sqlite3_stmt *stmt, int place, char type, va_list *values)
{
	if (type == 's') {
		sqlite3_bind_text(stmt, place, va_arg(*values, const char *), -1, SQLITE_TRANSIENT);
	} else if (type == 'i') {
		sqlite3_bind_int64(stmt, place, va_arg(*values, int64_t));
	} else {
		/* NAN becomes NULL. */
		sqlite3_bind_double(stmt, place, va_arg(*values, double));
	}
}

bool results_put(struct comparison *c, struct error *err, const char *sql, const char *types, ...)
{
	sqlite3_stmt *stmt = query_open(&c->results, sql, err);
	va_list values;

	if (!stmt)
		return false;
	va_start(values, types);
	for (int i = 0; types[i]; i++)
		value_bind(stmt, i + 1, types[i], &values);
	va_end(values);
	bool ok = query_step(&c->results, stmt, err) == QUERY_END;
	sqlite3_finalize(stmt);
	return ok;
}

bool caution_add(struct comparison *c, struct error *err, const char *format, ...)
{
	char words[1024];
	va_list values;

	va_start(values, format);
	int length = vsnprintf(words, sizeof words, format, values);
	va_end(values);
	return length >= 0 && results_put(c, err, "INSERT INTO cautions VALUES (?1)", "s", words);
}
