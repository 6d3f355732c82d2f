/* The SQLite sink: a fresh database beside the final name, or a run appended to one that exists. */
#include "store/open.h"
#include "store/rows.h"
#include "store/schema_sql.h"
#include "store/views_sql.h"
#include "store/sqlite_insert.h"
#include "store/sqlite_writer.h"
#include "store/target.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sqlite_sink {
	struct row_sink rows; /* first: it is what the caller has */
	sqlite3 *db;
	char *path;           /* as given; for messages */
	bool append;          /* or replace */
	int *code;            /* of replace: where a failure is told; else NULL */
	struct target target; /* unless append */
	int fd;               /* of that file; -1: none */
	unsigned rows_written;
	struct writer *writer;
};

/* finish() waits for the disk. So that little is left to wait for then, what was written is sent on its way
 * after so many rows: about 2 MB. */
#define ROWS_PER_PUSH 16384U

/*
 * Nobody else sees the file before it is whole, so that neither a journal nor waiting for the disk is of use;
 * finish() waits once. Larger pages are filled faster; at 32 KiB the empty database alone would have half a
 * megabyte.
 */
static const char fresh_settings[] = "PRAGMA encoding = 'UTF-8';"
				     "PRAGMA auto_vacuum = NONE;"
				     "PRAGMA page_size = 16384;"
				     "PRAGMA journal_mode = OFF;"
				     "PRAGMA synchronous = OFF;"
				     "PRAGMA locking_mode = EXCLUSIVE;"
				     "PRAGMA cache_size = -8192;"; /* KiB */

static bool execute(struct sqlite_sink *s, const char *sql, struct error *err)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK || sqlite_failure(s->db, s->path, err);
}

/* The tables, with the mark of footsteps and version 0: unfinished. Committed, so that a killed run is
 * recognised. */
static bool make_tables(struct sqlite_sink *s, struct error *err)
{
	char mark[64];

	snprintf(mark, sizeof mark, "PRAGMA application_id = %d;", STORE_APPLICATION_ID);
	return execute(s, fresh_settings, err) && execute(s, "BEGIN", err) && execute(s, mark, err) &&
	       execute(s, schema_sql, err) && execute(s, views_sql, err) && execute(s, "COMMIT", err) &&
	       execute(s, "BEGIN", err);
}

static bool open_fresh(struct sqlite_sink *s, struct error *err)
{
	int fd = target_make(&s->target, s->path, FILE_DATABASE, err);

	if (fd < 0)
		return false;
	s->fd = fd; /* until SQLite has closed the file: closing it before would drop SQLite's locks */
	s->rows.run = 1;
	if (database_open(s->target.temporary, SQLITE_OPEN_READWRITE, &s->db) != SQLITE_OK)
		return sqlite_failure(s->db, s->path, err);
	return make_tables(s, err);
}

static bool open_append(struct sqlite_sink *s, struct error *err)
{
	s->append = true;
	if (database_open(s->path, SQLITE_OPEN_READWRITE, &s->db) != SQLITE_OK)
		return sqlite_failure(s->db, s->path, err);
	sqlite3_busy_timeout(s->db, DATABASE_PATIENCE_MS);
	if (!execute(s, "PRAGMA cache_size = -8192; BEGIN IMMEDIATE", err) ||
	    !database_check_version(s->db, s->path, EXIT_OUTPUT, err))
		return false;
	return database_integer(s->db, "SELECT coalesce(max(run), 0) + 1 FROM runs", &s->rows.run) ==
		       SQLITE_OK ||
	       sqlite_failure(s->db, s->path, err);
}

static bool delete_rows(struct sqlite_sink *s, const char *table, struct error *err)
{
	char sql[96];

	snprintf(sql, sizeof sql, "DELETE FROM %s WHERE run = %" PRId64, table, s->rows.run);
	return execute(s, sql, err);
}

static bool open_replace(struct sqlite_sink *s, struct error *err)
{
	bool ok = database_open(s->path, SQLITE_OPEN_READWRITE, &s->db) == SQLITE_OK ||
		  sqlite_failure(s->db, s->path, err);

	s->append = true;
	if (!ok)
		return false;
	sqlite3_busy_timeout(s->db, DATABASE_PATIENCE_MS);
	/* Who gives the WAL back is up to the caller: it may take longer than the lock may be held. */
	ok = execute(s,
		     "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -8192;"
		     "BEGIN IMMEDIATE",
		     err) &&
	     database_check_version(s->db, s->path, EXIT_OUTPUT, err);
	for (int i = 0; ok && i < ROW_KIND_COUNT; i++)
		ok = delete_rows(s, row_tables[i], err);
	return ok;
}

static void sqlite_close(struct sqlite_sink *s)
{
	if (s->code && s->db)
		*s->code = sqlite3_extended_errcode(s->db);
	writer_free(s->writer);
	s->writer = NULL;
	sqlite3_close(s->db); /* an open transaction is rolled back */
	s->db = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static void sqlite_abandon(struct sink *sink)
{
	struct sqlite_sink *s = (struct sqlite_sink *)sink;

	bool undo = s->append && s->db;

	sqlite_close(s);
	/* After a failed write SQLite may leave the undoing to the next program that opens the file. */
	if (undo)
		database_roll_back(s->path);
	target_drop(&s->target);
	free(s->path);
	free(s);
}

static bool complete(struct sqlite_sink *s, struct error *err)
{
	char version[64];

	snprintf(version, sizeof version, "PRAGMA user_version = %d;", STORE_SCHEMA_VERSION);
	return rows_check(&s->rows, err) && writer_settle(s->writer, err) &&
	       (s->append || execute(s, version, err)) && execute(s, "COMMIT", err);
}

static bool sqlite_finish(struct sink *sink, struct error *err)
{
	struct sqlite_sink *s = (struct sqlite_sink *)sink;
	bool ok = complete(s, err);

	if (ok) {
		sqlite_close(s);
		ok = s->append || target_finish(&s->target, err);
	}
	sqlite_abandon(sink);
	return ok;
}

static struct row *sqlite_row(struct row_sink *rows, enum row_kind kind)
{
	return writer_row(((struct sqlite_sink *)rows)->writer, kind);
}

static bool sqlite_write(struct row_sink *rows, const struct row *row, struct error *err)
{
	struct sqlite_sink *s = (struct sqlite_sink *)rows;

#ifdef SYNC_FILE_RANGE_WRITE
	if (s->fd >= 0 && ++s->rows_written % ROWS_PER_PUSH == 0)
		(void)sync_file_range(s->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
#endif
	return writer_write(s->writer, row, err);
}

static const struct sink_ops sqlite_ops = {
	.name = "sqlite",
	ROW_SINK_PUTS.finish = sqlite_finish,
	.abandon = sqlite_abandon,
};

struct sqlite_run sink_sqlite_run(struct sink *sink)
{
	const struct sqlite_sink *s = (const struct sqlite_sink *)sink;

	return (struct sqlite_run){ s->db, s->path, s->rows.run };
}

static struct sqlite_sink *sink_new(const char *path, struct error *err)
{
	struct sqlite_sink *s = calloc(1, sizeof *s);
	char *copy = strdup(path);

	if (!s || !copy) {
		free(s);
		free(copy);
		error_memory(err, "the database");
		return NULL;
	}
	s->path = copy;
	s->fd = -1;
	s->rows = (struct row_sink){ .sink.ops = &sqlite_ops, .row = sqlite_row, .write = sqlite_write };
	return s;
}

/* Ready for rows, if the file was opened. */
static struct sink *ready(struct sqlite_sink *s, bool opened, struct error *err)
{
	if (opened)
		s->writer = writer_new(s->db, s->path, err);
	if (s->writer)
		return &s->rows.sink;
	sqlite_abandon(&s->rows.sink);
	return NULL;
}

struct sink *sink_sqlite_open(const char *path, bool append, struct error *err)
{
	struct sqlite_sink *s = sink_new(path, err);

	if (!s)
		return NULL;
	append = append && file_look(path).kind == FILE_DATABASE;
	return ready(s, append ? open_append(s, err) : open_fresh(s, err), err);
}

struct sink *sink_sqlite_replace(const char *path, int64_t run, int *code, struct error *err)
{
	struct sqlite_sink *s = sink_new(path, err);

	if (!s)
		return NULL;
	s->rows.run = run;
	s->code = code;
	return ready(s, open_replace(s, err), err);
}
