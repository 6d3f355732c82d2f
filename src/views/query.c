/* Questions to the database, and their rows for machines. */
#include "views/query.h"
#include "views/escape.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void socket_format(const char *ip, int64_t port, char *out, size_t size)
{
	snprintf(out, size, strchr(ip, ':') ? "[%s]:%" PRId64 : "%s:%" PRId64, ip, port);
}

static void function_socket(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *ip = (const char *)sqlite3_value_text(values[0]);
	char text[128];

	(void)count;
	if (!ip)
		return; /* NULL in, NULL out */
	socket_format(ip, sqlite3_value_int64(values[1]), text, sizeof text);
	sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static void function_percent(sqlite3_context *context, int count, sqlite3_value **values)
{
	double whole = sqlite3_value_double(values[1]);
	char text[32];

	(void)count;
	if (whole <= 0)
		return;
	snprintf(text, sizeof text, "%.1f %%", 100 * sqlite3_value_double(values[0]) / whole);
	sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static bool query_error(const struct view *v, struct error *err)
{
	int code = sqlite3_errcode(v->db) & 0xff;

	if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
		return error_set(err, EXIT_INPUT,
				 "%s is in use by another program; end that one and try again", v->path);
	return error_set(err, code == SQLITE_NOMEM ? EXIT_INTERNAL : EXIT_INPUT,
			 "%s: %s; is the database damaged, or of another version of footsteps?", v->path,
			 sqlite3_errmsg(v->db));
}

/* Text of the first column of the first row, or "". */
static bool query_line(const struct view *v, const char *sql, char *text, size_t size, struct error *err)
{
	sqlite3_stmt *stmt = query_open(v, sql, err);
	enum query_result result = stmt ? query_step(v, stmt, err) : QUERY_FAILED;

	snprintf(text, size, "%s", result == QUERY_ROW ? query_text(stmt, 0) : "");
	sqlite3_finalize(stmt);
	return result != QUERY_FAILED;
}

bool view_functions(const struct view *v, struct error *err)
{
	const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;

	if (sqlite3_create_function_v2(v->db, "socket", 2, flags, NULL, function_socket, NULL, NULL, NULL) !=
		    SQLITE_OK ||
	    sqlite3_create_function_v2(v->db, "percent", 2, flags, NULL, function_percent, NULL, NULL,
				       NULL) != SQLITE_OK)
		return query_error(v, err);
	return true;
}

bool view_open(struct view *v, sqlite3 *db, const char *path, uint64_t wanted, struct error *err)
{
	int64_t runs, last, sessions;

	*v = (struct view){ .db = db, .path = path };
	if (!view_functions(v, err))
		return false;
	if (!query_number(v, "SELECT max(run) FROM runs", &last, err))
		return false;
	if (last == 0 && !query_number(v, "SELECT count(*) FROM sessions", &sessions, err))
		return false;
	if (last == 0 && sessions > 0)
		return error_set(
			err, EXIT_INPUT,
			"%s has no tables yet: 'footsteps live' makes the first ones some seconds after "
			"its start; try again",
			path);
	if (last == 0)
		return error_set(err, EXIT_INPUT,
				 "%s holds no run; fill it with 'footsteps read -o %s CAPTURE', or wait for "
				 "the first tables of 'footsteps live', some seconds after its start",
				 path, path);
	v->run = wanted && wanted <= INT64_MAX ? (int64_t)wanted : last;
	if (!query_number(v, "SELECT count(*) FROM runs WHERE run = :run", &runs, err))
		return false;
	if (runs == 0 || wanted > INT64_MAX)
		return error_set(err, EXIT_USAGE,
				 "%s has no run %llu; its last one is %lld ('footsteps show %s runs')", path,
				 (unsigned long long)wanted, (long long)last, path);
	return query_line(v, "SELECT protocol FROM main_protocol WHERE run = :run", v->protocol,
			  sizeof v->protocol, err);
}

bool view_protocol(struct view *v, const char *name, struct error *err)
{
	int64_t clients;
	char names[200];

	snprintf(v->protocol, sizeof v->protocol, "%s", name);
	if (!query_number(v, "SELECT count(*) FROM clients WHERE run = :run AND protocol = :protocol",
			  &clients, err))
		return false;
	if (clients > 0)
		return true;
	if (!query_line(v,
			"SELECT group_concat(protocol, ', ') FROM (SELECT DISTINCT protocol FROM clients"
			" WHERE run = :run ORDER BY protocol)",
			names, sizeof names, err))
		return false;
	return error_set(err, EXIT_USAGE, "run %lld has no client of protocol '%.40s'; it has %s",
			 (long long)v->run, name, names[0] ? names : "no client at all");
}

void query_bind_text(sqlite3_stmt *stmt, const char *name, const char *text)
{
	int place = sqlite3_bind_parameter_index(stmt, name);

	if (place)
		sqlite3_bind_text(stmt, place, text, -1, SQLITE_TRANSIENT);
}

void query_bind_int(sqlite3_stmt *stmt, const char *name, int64_t value)
{
	int place = sqlite3_bind_parameter_index(stmt, name);

	if (place)
		sqlite3_bind_int64(stmt, place, value);
}

void query_bind_view(const struct view *v, sqlite3_stmt *stmt)
{
	query_bind_int(stmt, ":run", v->run);
	if (v->protocol[0])
		query_bind_text(stmt, ":protocol", v->protocol);
}

sqlite3_stmt *query_open(const struct view *v, const char *sql, struct error *err)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(v->db, sql, -1, &stmt, NULL) != SQLITE_OK) {
		query_error(v, err);
		return NULL;
	}
	query_bind_view(v, stmt);
	return stmt;
}

enum query_result query_step(const struct view *v, sqlite3_stmt *stmt, struct error *err)
{
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		return QUERY_ROW;
	case SQLITE_DONE:
		return QUERY_END;
	default:
		query_error(v, err);
		return QUERY_FAILED;
	}
}

bool query_row(const struct view *v, sqlite3_stmt *stmt, struct error *err)
{
	enum query_result result = query_step(v, stmt, err);

	if (result == QUERY_END)
		error_set(err, EXIT_INPUT, "%s: run %lld has vanished", v->path, (long long)v->run);
	return result == QUERY_ROW;
}

bool query_number(const struct view *v, const char *sql, int64_t *value, struct error *err)
{
	sqlite3_stmt *stmt = query_open(v, sql, err);
	enum query_result result = stmt ? query_step(v, stmt, err) : QUERY_FAILED;

	*value = result == QUERY_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_finalize(stmt);
	return result != QUERY_FAILED;
}

const char *query_text(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text ? text : "";
}

int64_t query_ns(sqlite3_stmt *stmt, int column)
{
	const int64_t most = INT64_MAX / 2;
	int64_t ns = sqlite3_column_int64(stmt, column);

	return ns > most ? most : ns < -most ? -most : ns;
}

bool real_format(double value, char out[REAL_TEXT])
{
	if (!isfinite(value)) {
		out[0] = '\0';
		return false;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(out, REAL_TEXT, "%.*g", digits, value);
		if (strtod(out, NULL) == value)
			break;
	}
	return true;
}

const char *cell_format(sqlite3_stmt *stmt, int column, char number[REAL_TEXT])
{
	if (sqlite3_column_type(stmt, column) != SQLITE_FLOAT)
		return query_text(stmt, column);
	(void)real_format(sqlite3_column_double(stmt, column), number);
	return number;
}

static void json_value_put(FILE *out, sqlite3_stmt *stmt, int column)
{
	char number[REAL_TEXT];

	switch (sqlite3_column_type(stmt, column)) {
	case SQLITE_NULL:
		fputs("null", out);
		break;
	case SQLITE_INTEGER:
		fprintf(out, "%lld", (long long)sqlite3_column_int64(stmt, column));
		break;
	case SQLITE_FLOAT:
		fputs(real_format(sqlite3_column_double(stmt, column), number) ? number : "null", out);
		break;
	default:
		json_put(out, query_text(stmt, column));
	}
}

bool rows_put_json(const struct view *v, sqlite3_stmt *stmt, FILE *out, struct error *err)
{
	enum query_result result;

	while ((result = query_step(v, stmt, err)) == QUERY_ROW && !ferror(out)) {
		for (int c = 0; c < sqlite3_column_count(stmt); c++) {
			fputs(c ? "," : "{", out);
			json_put(out, sqlite3_column_name(stmt, c));
			fputc(':', out);
			json_value_put(out, stmt, c);
		}
		fputs("}\n", out);
	}
	return result != QUERY_FAILED;
}

bool rows_put_csv(const struct view *v, sqlite3_stmt *stmt, FILE *out, struct error *err)
{
	enum query_result result;
	char number[REAL_TEXT];
	int columns = sqlite3_column_count(stmt);

	for (int c = 0; c < columns; c++) {
		csv_put(out, sqlite3_column_name(stmt, c));
		fputc(c + 1 < columns ? ',' : '\n', out);
	}
	while ((result = query_step(v, stmt, err)) == QUERY_ROW && !ferror(out))
		for (int c = 0; c < columns; c++) {
			csv_put(out, cell_format(stmt, c, number));
			fputc(c + 1 < columns ? ',' : '\n', out);
		}
	return result != QUERY_FAILED;
}
