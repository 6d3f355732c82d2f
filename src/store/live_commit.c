/*
 * What waits to be written, and its way into the file: a transaction for all of it every few seconds. What
 * cannot be written waits on, up to a bound; each trouble is said once when it begins and once when it is
 * over.
 */
#include "store/live_parts.h"
#include "base/real_time.h"
#include "store/facts_rows.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- troubles --- */

enum live_store_state live_state_of(int code, int system_error)
{
	switch (code & 0xff) { /* the primary code */
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return LIVE_STORE_LOCKED;
	case SQLITE_FULL:
		return LIVE_STORE_FULL;
	default:
		return system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG
			       ? LIVE_STORE_FULL
			       : LIVE_STORE_FAILING;
	}
}

static double megabytes(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

static void say_trouble(struct live_store *s)
{
	const char *what = s->status.state == LIVE_STORE_FULL     ? "the disk is full"
			   : s->status.state == LIVE_STORE_LOCKED ? "another program has it locked"
								  : s->status.why;

	live_say(s, "cannot write %s: %s; counting goes on, %.1f MB wait in memory, and up to %.0f MB may",
		 s->path, what, megabytes(s->status.backlog_bytes), megabytes(s->options.backlog_bytes));
}

static void trouble(struct live_store *s, enum live_store_state state, const char *why)
{
	bool news = !s->trouble_since_ns || s->trouble_said != state;

	if (!s->trouble_since_ns) {
		s->trouble_since_ns = steady_time();
		s->lost_before = s->status.records_lost;
		s->loss_said = false;
	}
	s->well_since_ns = 0;
	s->status.state = s->trouble_said = state;
	snprintf(s->status.why, sizeof s->status.why, "%s", why);
	s->next_commit_ns = steady_time() + LIVE_RETRY_NS;
	if (news)
		say_trouble(s);
}

/* The system's word for a failure to read or write; SQLite does not keep that of the WAL with the connection.
 */
static int system_error_of(sqlite3 *db, int code)
{
	sqlite3_file *wal = NULL;
	int last = sqlite3_system_errno(db);

	if ((code & 0xff) != SQLITE_IOERR)
		return 0;
	if (last == 0 && sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal) == SQLITE_OK &&
	    wal && wal->pMethods)
		wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &last);
	return last;
}

/* The store is in this state, from what SQLite says of db. */
static void live_trouble(struct live_store *s, sqlite3 *db, int code)
{
	char why[sizeof s->status.why];
	int system_error = system_error_of(db, code);

	snprintf(why, sizeof why, "%s%s%s", sqlite3_errstr(code), system_error ? ": " : "",
		 system_error ? strerror(system_error) : "");
	trouble(s, live_state_of(code, system_error), why);
}

static void live_no_trouble(struct live_store *s)
{
	if (s->status.state == LIVE_STORE_OK)
		return;
	s->status.state = LIVE_STORE_OK;
	s->status.why[0] = '\0';
	s->well_since_ns = steady_time();
}

void live_say_well(struct live_store *s, bool now)
{
	char lasted[DURATION_TEXT];
	uint64_t lost = s->status.records_lost - s->lost_before;

	if (!s->well_since_ns || (!now && steady_time() - s->well_since_ns < LIVE_SURE_NS))
		return;
	duration_format(s->well_since_ns - s->trouble_since_ns, lasted);
	if (lost)
		live_say(s, "writing %s again after %s; %" PRIu64 " records were lost", s->path, lasted,
			 lost);
	else
		live_say(s, "writing %s again after %s, nothing was lost", s->path, lasted);
	s->well_since_ns = s->trouble_since_ns = 0;
}

/* --- what waits --- */

static void take_oldest(struct live_store *s)
{
	struct waiting_chunk *w = s->oldest;

	s->oldest = w->next;
	if (!s->oldest)
		s->newest = NULL;
	s->status.backlog_bytes -= w->chunk.size;
	facts_chunk_drop(&w->chunk);
	free(w);
}

void live_drop_list(struct waiting_chunk *list)
{
	while (list) {
		struct waiting_chunk *next = list->next;

		facts_chunk_drop(&list->chunk);
		free(list);
		list = next;
	}
}

void live_add_first(struct live_store *s, struct waiting_chunk *list)
{
	while (list) {
		struct waiting_chunk *next = list->next;

		list->next = s->oldest;
		s->oldest = list;
		if (!s->newest)
			s->newest = list;
		s->status.backlog_bytes += list->chunk.size;
		list = next;
	}
}

void live_drop_oldest(struct live_store *s)
{
	s->status.records_lost += s->oldest->chunk.records;
	s->unsaved = true;
	if (!s->loss_said)
		live_say(s,
			 "no room for more than %.0f MB in memory: the oldest records are lost from now on",
			 megabytes(s->options.backlog_bytes));
	s->loss_said = true;
	take_oldest(s);
}

/* --- the transaction --- */

static bool run(sqlite3_stmt *stmt)
{
	int code = sqlite3_step(stmt);

	sqlite3_reset(stmt);
	return code == SQLITE_DONE;
}

static bool put_chunk(struct live_store *s, const struct facts_chunk *c)
{
	facts_chunk_bind(s->put_chunk, s->run, c);
	return run(s->put_chunk);
}

static bool put_minute(struct live_store *s, const struct waiting_minute *w)
{
	const struct capture_minute *m = &w->minute;
	const uint64_t value[] = { m->packets, m->bytes, m->dropped_kernel, m->dropped_interface,
				   m->dropped_store };
	sqlite3_stmt *stmt = s->put_minute;

	sqlite3_bind_int64(stmt, 1, s->run);
	sqlite3_bind_int64(stmt, 2, s->session);
	sqlite3_bind_text(stmt, 3, w->interface, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 4, m->start_ns);
	for (int i = 0; i < 5; i++)
		sqlite3_bind_int64(stmt, 5 + i, (int64_t)value[i]);
	return run(stmt);
}

static bool put_session(struct live_store *s)
{
	sqlite3_stmt *stmt = s->put_session;

	sqlite3_bind_int64(stmt, 1, s->run);
	sqlite3_bind_int64(stmt, 2, s->session);
	sqlite3_bind_int64(stmt, 3, s->started_ns);
	sqlite3_bind_int64(stmt, 4, s->capture_ns);
	sqlite3_bind_text(stmt, 5, s->options.version, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 6, s->format);
	sqlite3_bind_text(stmt, 7, s->interfaces, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 8, s->origin);
	sqlite3_bind_text(stmt, 9, s->options.json, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 10, (int64_t)s->reached);
	sqlite3_bind_int64(stmt, 11, (int64_t)(s->status.records_lost - s->lost_in_files));
	return run(stmt);
}

static bool execute(struct live_store *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* Whether a chunk is for the file that begins with the rotation that is due. */
static bool is_held(const struct live_store *s, const struct facts_chunk *c)
{
	return s->hold_ns && c->place.seq > 0 && c->first_ns >= s->hold_ns;
}

/* Puts chunks until there is enough for one transaction; *put: how many. */
static bool put_chunks(struct live_store *s, size_t *put)
{
	size_t bytes = 0;

	*put = 0;
	for (const struct waiting_chunk *w = s->oldest; w && bytes < LIVE_TRANSACTION; w = w->next) {
		if (is_held(s, &w->chunk))
			break;
		if (!put_chunk(s, &w->chunk))
			return false;
		bytes += w->chunk.size;
		++*put;
	}
	return true;
}

static bool transaction(struct live_store *s, size_t *chunks)
{
	bool ok = execute(s, "BEGIN IMMEDIATE") && put_chunks(s, chunks);

	for (size_t i = 0; ok && i < s->minutes; i++)
		ok = put_minute(s, &s->minute[i]);
	ok = ok && put_session(s) && execute(s, "COMMIT");
	if (ok)
		return true;
	int code = sqlite3_extended_errcode(s->db);
	live_trouble(s, s->db, code);
	if (!sqlite3_get_autocommit(s->db))
		(void)execute(s, "ROLLBACK");
	return false;
}

static bool anything_waits(const struct live_store *s)
{
	return s->minutes > 0 || s->unsaved || (s->oldest && !is_held(s, &s->oldest->chunk));
}

/* The file of a rotation that could not be made, and is missing now. */
static bool file_is_there(struct live_store *s)
{
	struct error err;

	if (s->db)
		return true;
	if ((file_look(s->path).kind == FILE_DATABASE || live_file_make(s->path, &err)) &&
	    live_file_open(s, &err))
		return true;
	trouble(s, live_state_of(SQLITE_CANTOPEN, errno), err.text);
	return false;
}

static bool commit_locked(struct live_store *s)
{
	size_t chunks;

	if (!file_is_there(s))
		return false;
	do {
		if (!transaction(s, &chunks))
			return false;
		for (; chunks > 0; chunks--) {
			s->any_facts = s->any_facts || s->oldest->chunk.place.seq > 0;
			take_oldest(s);
		}
		s->minutes = 0;
		s->unsaved = false;
	} while (anything_waits(s));
	s->commits++;
	s->status.committed_ns = real_time();
	live_no_trouble(s);
	return true;
}

bool live_commit(struct live_store *s)
{
	if (!anything_waits(s))
		return true;
	/* The tables are being replaced: no trouble, it takes as long as it takes. */
	if (pthread_mutex_trylock(&s->writing) != 0)
		return false;
	bool ok = commit_locked(s);
	pthread_mutex_unlock(&s->writing);
	return ok;
}

bool live_commit_all(struct live_store *s)
{
	pthread_mutex_lock(&s->writing);
	if (s->db)
		sqlite3_busy_timeout(s->db, LIVE_TABLES_PATIENCE_MS);
	bool ok = !anything_waits(s) || commit_locked(s);
	pthread_mutex_unlock(&s->writing);
	return ok;
}
