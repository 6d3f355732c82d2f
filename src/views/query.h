/*
 * Questions to the database: prepared statements with the run bound to :run and the protocol to :protocol,
 * errors in words, and the few functions that our own statements use: socket(ip, port) writes "10.0.0.1:80"
 * or "[2001:db8::1]:80", percent(part, whole) "12.5 %". Statements of reports/ do without them, so that they
 * run in the stock sqlite3 shell.
 */
#ifndef FS_VIEWS_QUERY_H
#define FS_VIEWS_QUERY_H
#include "base/error.h"
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct view {
	sqlite3 *db;      /* borrowed */
	const char *path; /* borrowed; for messages */
	int64_t run;
	/* That the measurements are shown of: the one whose clients have most flows, unless view_protocol()
	 * says another; "" there is none. */
	char protocol[32];
};

/* Adds the functions and settles the run: wanted 0 is the last one. EXIT_USAGE when there is no such run. */
bool view_open(struct view *v, sqlite3 *db, const char *path, uint64_t wanted, struct error *err);

/* Adds socket() and percent(); view_open() has done so. */
bool view_functions(const struct view *v, struct error *err);

/* Another protocol; EXIT_USAGE, with those that there are, when the run has no client of it. */
bool view_protocol(struct view *v, const char *name, struct error *err);

/* Binds :run and :protocol (NULL without one). */
void query_bind_view(const struct view *v, sqlite3_stmt *stmt);
/* NULL on failure. Parameters that the statement does not have are left alone. Free with sqlite3_finalize().
 */
sqlite3_stmt *query_open(const struct view *v, const char *sql, struct error *err);
void query_bind_text(sqlite3_stmt *stmt, const char *name, const char *text);
void query_bind_int(sqlite3_stmt *stmt, const char *name, int64_t value);

enum query_result { QUERY_ROW, QUERY_END, QUERY_FAILED };
enum query_result query_step(const struct view *v, sqlite3_stmt *stmt, struct error *err);
/* Steps to a row that must be there, as that of the run in table runs. */
bool query_row(const struct view *v, sqlite3_stmt *stmt, struct error *err);

/* One number: the first column of the first row, or 0. False with *err on failure. */
bool query_number(const struct view *v, const char *sql, int64_t *value, struct error *err);
/* Text of a column, "" for NULL; valid until the next step. */
const char *query_text(sqlite3_stmt *stmt, int column);
/*
 * A time or duration of a column, 0 for NULL, within 146 years: whatever a database made by somebody else
 * holds, the sum and the difference of two of them do not overflow.
 */
int64_t query_ns(sqlite3_stmt *stmt, int column);
/* "10.0.0.1:80", "[2001:db8::1]:80". */
void socket_format(const char *ip, int64_t port, char *out, size_t size);

/*
 * The rest of the statement's rows for machines: one JSON object per line, or CSV with a header. They stop
 * early when out fails, which its owner sees in ferror().
 */
bool rows_put_json(const struct view *v, sqlite3_stmt *stmt, FILE *out, struct error *err);
bool rows_put_csv(const struct view *v, sqlite3_stmt *stmt, FILE *out, struct error *err);
/* A floating-point number with as few digits as read back as itself; false when it is not finite. */
#define REAL_TEXT 32
bool real_format(double value, char out[REAL_TEXT]);
/* The n-th cell as text for machines: numbers in full, NULL as "". */
const char *cell_format(sqlite3_stmt *stmt, int column, char number[REAL_TEXT]);
#endif
