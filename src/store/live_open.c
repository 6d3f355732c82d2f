/* The file of a live run, and which run in it goes on; see live_store.h. */
#include "store/live_parts.h"
#include "store/facts_rows.h"
#include "store/live_files.h"
#include "store/schema_sql.h"
#include "store/sqlite_insert.h"
#include "store/target.h"
#include "store/views_sql.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/*
 * Made whole beside its name, so that what is there under it is a footsteps database at any moment. No
 * journal, as nobody else sees it; WAL comes when it has its name.
 */
static const char make_settings[] = "PRAGMA encoding = 'UTF-8';"
				    "PRAGMA auto_vacuum = NONE;"
				    "PRAGMA page_size = 16384;"
				    "PRAGMA journal_mode = OFF;"
				    "PRAGMA synchronous = OFF;"
				    "BEGIN;";

/* The tables' thread gives the WAL back (wal_autocheckpoint = 0): it may wait for the disk, the recorder may
 * not. */
static const char live_settings[] = "PRAGMA journal_mode = WAL;"
				    "PRAGMA synchronous = NORMAL;"
				    "PRAGMA wal_autocheckpoint = 0;"
				    "PRAGMA journal_size_limit = " LIVE_WAL_KEPT ";"
				    "PRAGMA cache_size = -4096;"; /* KiB */

static bool execute(sqlite3 *db, const char *path, const char *sql, struct error *err)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || sqlite_failure(db, path, err);
}

static bool fill(const char *temporary, const char *path, struct error *err)
{
	char mark[128];
	sqlite3 *db;
	bool ok = database_open(temporary, SQLITE_OPEN_READWRITE, &db) == SQLITE_OK ||
		  sqlite_failure(db, path, err);

	snprintf(mark, sizeof mark, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;",
		 STORE_APPLICATION_ID, STORE_SCHEMA_VERSION);
	ok = ok && execute(db, path, make_settings, err) && execute(db, path, schema_sql, err) &&
	     execute(db, path, views_sql, err) && execute(db, path, mark, err);
	sqlite3_close(db);
	return ok;
}

bool live_file_make(const char *path, struct error *err)
{
	struct target target;
	int fd = target_make(&target, path, FILE_EMPTY, err);

	if (fd < 0)
		return false;
	bool ok = fill(target.temporary, path, err);
	close(fd);
	if (!ok) {
		target_drop(&target);
		return false;
	}
	target_remove_journals(path);
	return target_finish(&target, err);
}

static const char put_minute[] =
	"INSERT INTO capture_minutes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO UPDATE SET "
	"packets = packets + excluded.packets, bytes = bytes + excluded.bytes, dropped_kernel = "
	"dropped_kernel + excluded.dropped_kernel, dropped_interface = dropped_interface + "
	"excluded.dropped_interface, dropped_store = dropped_store + excluded.dropped_store";
static const char put_session[] =
	"INSERT INTO sessions (run, session, started_ns, ended_ns, version, format, interfaces, origin, "
	"options, numbers, lost) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO UPDATE "
	"SET ended_ns = excluded.ended_ns, numbers = excluded.numbers, lost = excluded.lost";

static bool prepare(struct live_store *s, const char *sql, sqlite3_stmt **stmt, struct error *err)
{
	return sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) == SQLITE_OK ||
	       sqlite_failure(s->db, s->path, err);
}

bool live_file_open(struct live_store *s, struct error *err)
{
	bool ok = database_open(s->path, SQLITE_OPEN_READWRITE, &s->db) == SQLITE_OK ||
		  sqlite_failure(s->db, s->path, err);

	if (ok) {
		sqlite3_busy_timeout(s->db, DATABASE_PATIENCE_MS);
		ok = database_check_version(s->db, s->path, EXIT_OUTPUT, err) &&
		     execute(s->db, s->path, live_settings, err) &&
		     prepare(s, facts_chunk_insert, &s->put_chunk, err) &&
		     prepare(s, put_minute, &s->put_minute, err) &&
		     prepare(s, put_session, &s->put_session, err);
	}
	if (ok)
		sqlite3_busy_timeout(s->db, LIVE_PATIENCE_MS);
	else
		live_file_close(s);
	return ok;
}

void live_file_close(struct live_store *s)
{
	sqlite3_finalize(s->put_chunk);
	sqlite3_finalize(s->put_minute);
	sqlite3_finalize(s->put_session);
	s->put_chunk = s->put_minute = s->put_session = NULL;
	sqlite3_close(s->db);
	s->db = NULL;
}

/* The last session of the file: what it was, and whether its run is ours. */
static bool last_session(struct live_store *s, bool *any, bool *same, int64_t *run, struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	bool ok =
		prepare(s, "SELECT run, options, format, origin FROM sessions ORDER BY session DESC LIMIT 1",
			&stmt, err);
	int code = ok ? sqlite3_step(stmt) : SQLITE_ERROR;

	*any = code == SQLITE_ROW;
	if (*any) {
		const char *options = (const char *)sqlite3_column_text(stmt, 1);
		*run = sqlite3_column_int64(stmt, 0);
		*same = options && strcmp(options, s->options.json) == 0 &&
			sqlite3_column_int64(stmt, 2) == s->format;
		s->origin = sqlite3_column_int64(stmt, 3);
	} else if (ok && code != SQLITE_DONE) {
		ok = sqlite_failure(s->db, s->path, err);
	}
	sqlite3_finalize(stmt);
	return ok;
}

/* Of a new file: that of a rotation after which the program was killed before it had made this file; else
 * one of its own. */
static bool choose_origin(struct live_store *s, int64_t *session, int64_t *numbers, struct error *err)
{
	struct live_files files = live_files_list(s->path);
	struct live_file_inside inside;
	bool found = false;

	for (size_t i = files.count; i-- > 0 && !found;)
		found = !files.file[i].finished && live_files_look(files.file[i].path, &inside);
	live_files_free(&files);
	if (found) {
		s->origin = inside.origin;
		*session = inside.session;
		*numbers = inside.numbers;
		return true;
	}
	if (getrandom(&s->origin, sizeof s->origin, 0) != (ssize_t)sizeof s->origin)
		return error_set(err, EXIT_INTERNAL, "the system gives no random numbers");
	s->origin &= INT64_MAX; /* reads better */
	return true;
}

static bool number(struct live_store *s, const char *sql, int64_t *value, struct error *err)
{
	return database_integer(s->db, sql, value) == SQLITE_OK || sqlite_failure(s->db, s->path, err);
}

bool live_run_choose(struct live_store *s, int64_t *old, struct error *err)
{
	bool any, same = false;
	int64_t run = 0, greatest, session, numbers, facts;

	*old = 0;
	if (!last_session(s, &any, &same, &run, err) ||
	    !number(s,
		    "SELECT max((SELECT coalesce(max(run), 0) FROM runs), (SELECT coalesce(max(run), 0) FROM "
		    "sessions))",
		    &greatest, err) ||
	    !number(s, "SELECT coalesce(max(session), 0) FROM sessions", &session, err) ||
	    !number(s, "SELECT coalesce(max(numbers), 0) FROM sessions", &numbers, err) ||
	    !number(s, "SELECT count(*) FROM (SELECT 1 FROM facts WHERE seq > 0 LIMIT 1)", &facts, err))
		return false;
	s->any_facts = facts > 0;
	if (!any && !choose_origin(s, &session, &numbers, err))
		return false;
	s->run = same ? run : greatest + 1;
	s->session = (uint32_t)session + 1;
	s->numbers = s->reached = (uint64_t)numbers;
	if (any && !same)
		*old = run;
	return true;
}
