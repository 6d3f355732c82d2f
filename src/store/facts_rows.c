/* Rows of tables facts and sessions; see facts_rows.h. */
#include "store/facts_rows.h"
#include "base/hash.h"
#include "store/sqlite_insert.h"

int64_t facts_origin(void)
{
	return (int64_t)(hash_key_random().k[0] >> 1); /* a number that every tool can print */
}

static bool step(sqlite3 *db, const char *path, sqlite3_stmt *stmt, struct error *err)
{
	bool ok = stmt && sqlite3_step(stmt) == SQLITE_DONE;

	sqlite3_finalize(stmt);
	return ok || sqlite_failure(db, path, err);
}

const char facts_chunk_insert[] =
	"INSERT INTO facts (run, session, worker, seq, first_ns, last_ns, records, bytes) "
	"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

void facts_chunk_bind(sqlite3_stmt *stmt, int64_t run, const struct facts_chunk *chunk)
{
	sqlite3_bind_int64(stmt, 1, run);
	sqlite3_bind_int64(stmt, 2, chunk->place.session);
	sqlite3_bind_int64(stmt, 3, chunk->place.worker);
	sqlite3_bind_int64(stmt, 4, (int64_t)chunk->place.seq);
	sqlite3_bind_int64(stmt, 5, chunk->first_ns);
	sqlite3_bind_int64(stmt, 6, chunk->last_ns);
	sqlite3_bind_int64(stmt, 7, chunk->records);
	sqlite3_bind_blob64(stmt, 8, chunk->bytes, chunk->size, SQLITE_STATIC);
}

bool sink_sqlite_put_facts(struct sink *sink, const struct facts_chunk *chunk, struct error *err)
{
	struct sqlite_run r = sink_sqlite_run(sink);
	sqlite3_stmt *stmt = NULL;

	sqlite3_prepare_v2(r.db, facts_chunk_insert, -1, &stmt, NULL);
	facts_chunk_bind(stmt, r.run, chunk);
	return step(r.db, r.path, stmt, err);
}

bool sink_sqlite_put_session(struct sink *sink, const struct session_row *row, struct error *err)
{
	struct sqlite_run r = sink_sqlite_run(sink);
	sqlite3_stmt *stmt = NULL;

	sqlite3_prepare_v2(
		r.db,
		"INSERT INTO sessions (run, session, started_ns, ended_ns, version, format, interfaces, "
		"origin, options, numbers, lost) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0) "
		"ON CONFLICT DO UPDATE SET ended_ns = excluded.ended_ns, numbers = excluded.numbers",
		-1, &stmt, NULL);
	sqlite3_bind_int64(stmt, 1, r.run);
	sqlite3_bind_int64(stmt, 2, row->session);
	sqlite3_bind_int64(stmt, 3, row->started_ns);
	sqlite3_bind_int64(stmt, 4, row->ended_ns);
	sqlite3_bind_text(stmt, 5, row->version, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 6, facts_format());
	sqlite3_bind_text(stmt, 7, row->interfaces, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 8, row->origin);
	sqlite3_bind_text(stmt, 9, row->options, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 10, (int64_t)row->numbers);
	return step(r.db, r.path, stmt, err);
}
