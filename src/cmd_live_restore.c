/* What a monitor that goes on in its database knew before: told to the live state. See cmd_live.h. */
#include "cmd_live.h"
#include "store/open.h"

static const char sql[] =
	"SELECT session, worker, seq, bytes FROM facts WHERE run = ?1 AND session < ?2 ORDER BY id";

/* Damaged chunks are passed over: people see a little less, and remaking the tables says so. */
static void tell(struct live *l, sqlite3_stmt *rows)
{
	const struct facts_listener listener = live_state_listener(l->state);
	const struct facts_place place = { .session = (uint32_t)sqlite3_column_int64(rows, 0),
					   .worker = (uint16_t)sqlite3_column_int(rows, 1),
					   .seq = (uint64_t)sqlite3_column_int64(rows, 2) };
	const struct span bytes = { sqlite3_column_blob(rows, 3), (size_t)sqlite3_column_bytes(rows, 3) };
	struct intern *names = intern_new();
	struct error err;

	if (names && bytes.ptr && !facts_tell(bytes, &place, 0, names, &listener, &err))
		monitor_say(l, err.text);
	intern_free(names);
}

bool monitor_restore(struct live *l, struct error *err)
{
	struct live_store_status status;
	sqlite3_stmt *rows = NULL;

	live_store_status(l->store, &status);
	if (status.session < 2)
		return true;
	sqlite3 *db = store_open_read(l->output, err);
	if (!db)
		return false;
	if (sqlite3_prepare_v2(db, sql, -1, &rows, NULL) == SQLITE_OK) {
		live_state_restore(l->state, true);
		sqlite3_bind_int64(rows, 1, status.run);
		sqlite3_bind_int64(rows, 2, status.session);
		while (sqlite3_step(rows) == SQLITE_ROW)
			tell(l, rows);
		live_state_restore(l->state, false);
	}
	bool ok = sqlite3_finalize(rows) == SQLITE_OK ||
		  error_set(err, EXIT_OUTPUT, "%s cannot be read back: %s", l->given->output,
			    sqlite3_errmsg(db));
	sqlite3_close(db);
	return ok;
}
