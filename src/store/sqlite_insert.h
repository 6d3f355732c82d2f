/* Rows into a SQLite database. Private to the SQLite sink. */
#ifndef FS_STORE_SQLITE_INSERT_H
#define FS_STORE_SQLITE_INSERT_H
#include "store/rows.h"
#include <sqlite3.h>

/*
 * Rows of a kind go in by this many per statement. One statement has a fixed price; beyond 32
 * rows the gain is lost in noise (221 000 flows: 1 row 0.90, 8 rows 1.07, 32 rows 1.16, 128 rows 1.17 million
 * rows/s, with pages of 4 KiB). A virtual table that SQLite fetches the rows from takes a third longer.
 */
#define INSERT_BATCH 32U

struct inserter {
	sqlite3 *db;                        /* borrowed */
	const char *path;                   /* borrowed; for messages */
	sqlite3_stmt *one[ROW_KIND_COUNT];  /* prepared when needed */
	sqlite3_stmt *many[ROW_KIND_COUNT]; /* `batch` rows at a time */
	unsigned batch;                     /* INSERT_BATCH, or fewer where SQLite takes no more */
	struct cell *bound[ROW_KIND_COUNT]; /* what `many` holds: [batch][columns] */
};

void inserter_init(struct inserter *in, sqlite3 *db, const char *path);
void inserter_drop(struct inserter *in);
bool inserter_one(struct inserter *in, const struct row *row, struct error *err);
/* Any number of rows, in order; fastest are INSERT_BATCH of one kind. They must stay in place until the next
 * call with that kind. */
bool inserter_rows(struct inserter *in, const struct row *row, unsigned rows, struct error *err);

/* Where a sink of sink_sqlite_open() writes; the connection is the caller's until the first row is put. */
struct sqlite_run {
	sqlite3 *db;
	const char *path; /* for messages */
	int64_t run;
};
struct sqlite_run sink_sqlite_run(struct sink *sink);

/* What the last failure of db means for the person who wants the database at `path`. */
bool sqlite_failure(sqlite3 *db, const char *path, struct error *err);
#endif
