/* Making the tables of one database of a live run; see live_job.h. */
#include "store/live_job.h"
#include "store/live_parts.h"
#include "base/real_time.h"
#include "store/sink.h"
#include "store/sqlite_insert.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct work {
	struct live_store *store;
	struct live_job *job;
	pthread_mutex_t *writing;
	bool locked; /* we hold it */
	sqlite3 *db; /* what is read from */
	int64_t run;
	char *options, *version;
	struct input_info *input; /* copies, with what the minutes say of them */
};

static bool failed(struct work *w)
{
	w->job->code = sqlite3_extended_errcode(w->db);
	return sqlite_failure(w->db, w->job->path, &w->job->err);
}

static bool execute(struct work *w, const char *sql)
{
	return sqlite3_exec(w->db, sql, NULL, NULL, NULL) == SQLITE_OK || failed(w);
}

/* The last session says which run is to be made, and of which options. *any: there is one. Facts of another
 * format only the program that wrote them can tell: no trying again makes tables of them. */
static bool find_run(struct work *w, bool *any)
{
	sqlite3_stmt *stmt;
	int code = sqlite3_prepare_v2(
		w->db, "SELECT run, options, version, format FROM sessions ORDER BY session DESC LIMIT 1", -1,
		&stmt, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	*any = code == SQLITE_ROW;
	if (*any) {
		w->run = sqlite3_column_int64(stmt, 0);
		w->options = strdup((const char *)sqlite3_column_text(stmt, 1));
		w->version = strdup((const char *)sqlite3_column_text(stmt, 2));
		w->job->foreign = sqlite3_column_int64(stmt, 3) != w->store->format;
		if (!w->options || !w->version)
			code = SQLITE_NOMEM;
	}
	sqlite3_finalize(stmt);
	if (code == SQLITE_NOMEM)
		return error_memory(&w->job->err, "the options of a run");
	return code == SQLITE_ROW || code == SQLITE_DONE || failed(w);
}

/* What the minutes say of each interface, for the manifest: of this file's part of the run, where there are
 * several. What was dropped is no worker's to know, and judges the trace from here. */
static bool fill_inputs(struct work *w)
{
	const struct live_store_options *o = &w->store->options;
	sqlite3_stmt *stmt;

	w->input = calloc(o->inputs + 1, sizeof *w->input);
	if (!w->input)
		return error_memory(&w->job->err, "the manifest");
	if (sqlite3_prepare_v2(w->db,
			       "SELECT total(packets), total(bytes), total(dropped_kernel + "
			       "dropped_interface) FROM capture_minutes WHERE run = ?1 AND interface = ?2",
			       -1, &stmt, NULL) != SQLITE_OK)
		return failed(w);
	for (size_t i = 0; i < o->inputs; i++) {
		struct input_info *input = &w->input[i];

		*input = o->input[i];
		sqlite3_bind_int64(stmt, 1, w->run);
		sqlite3_bind_text(stmt, 2, input->path, -1, SQLITE_STATIC);
		if (sqlite3_step(stmt) == SQLITE_ROW) {
			input->frames = (uint64_t)sqlite3_column_int64(stmt, 0);
			input->bytes = (uint64_t)sqlite3_column_int64(stmt, 1);
			input->dropped = (uint64_t)sqlite3_column_int64(stmt, 2);
		}
		sqlite3_reset(stmt);
	}
	return sqlite3_finalize(stmt) == SQLITE_OK || failed(w);
}

/* What is missing from the tables, and no worker knows of. */
static bool add_problems(struct work *w)
{
	static const struct {
		const char *sql, *words;
	} losses[] = {
		{ "SELECT sum(dropped_kernel) FROM capture_minutes WHERE run = %" PRId64,
		  "packets were dropped by the kernel: no room in the ring; raise --buffer, or share the work "
		  "with -j" },
		{ "SELECT sum(dropped_interface) FROM capture_minutes WHERE run = %" PRId64,
		  "packets were dropped by the interface or its driver" },
	};
	char sql[160];
	int64_t count;

	for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
		snprintf(sql, sizeof sql, losses[i].sql, w->run);
		if (database_integer(w->db, sql, &count) != SQLITE_OK)
			return failed(w);
		if (count > 0)
			problems_add(&w->job->problems, "%" PRId64 " %s", count, losses[i].words);
	}
	return true;
}

/* Gives back what can be given back of the WAL; *held: a reader keeps more than is bearable. */
static bool checkpoint(struct work *w, bool *held)
{
	int frames = 0, done = 0;
	int64_t page;
	int code = sqlite3_wal_checkpoint_v2(w->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, &done);

	*held = false;
	if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY)
		return failed(w);
	if (database_integer(w->db, "PRAGMA page_size", &page) != SQLITE_OK)
		return failed(w);
	*held = (frames - done) * page > w->store->options.wal_bytes;
	return true;
}

static struct sink *open_sink(void *self, struct error *err)
{
	struct work *w = self;

	if (w->writing && !w->locked) {
		pthread_mutex_lock(w->writing);
		w->locked = true;
	}
	return sink_sqlite_replace(w->job->path, w->run, &w->job->code, err);
}

static bool make(struct work *w)
{
	const struct live_store_options *o = &w->store->options;
	/* What is committed meanwhile is for the next time. */
	struct remake_source source = { .db = w->db, .run = w->run };
	const struct remake_options options = {
		.aggregate = &o->aggregate,
		.input = w->input,
		.inputs = o->inputs,
		.final = w->job->final,
		.open_sink = open_sink,
		.self = w,
	};
	struct run_row run = {
		.version = w->version, .libraries = o->libraries, .options = w->options, .idle_ns = o->idle_ns
	};
	struct remake_result result = { 0 };

	if (database_integer(w->db, "SELECT max(id) FROM facts", &source.up_to) != SQLITE_OK)
		return failed(w);
	bool ok = remake(&source, 1, &options, &run, &w->job->problems, &result, &w->job->err);

	if (w->locked)
		pthread_mutex_unlock(w->writing);
	w->locked = false;
	w->job->summary = result.summary;
	return ok;
}

static bool work_do(struct work *w)
{
	bool any, held = false;

	if (database_open(w->job->path, SQLITE_OPEN_READWRITE, &w->db) != SQLITE_OK)
		return failed(w);
	sqlite3_busy_timeout(w->db, LIVE_TABLES_PATIENCE_MS);
	/* In this order: before its first question, a connection knows of no WAL. */
	if (!find_run(w, &any) || !checkpoint(w, &w->job->held))
		return false;
	if (!any || w->job->foreign)
		return true;
	if (w->job->held && !w->job->final)
		return error_set(&w->job->err, EXIT_OUTPUT, "a reader keeps the WAL of %s", w->job->path);
	bool ok = fill_inputs(w) && add_problems(w) && make(w);
	/* Also what a failure has left there, on a full disk above all. */
	return (execute(w, "PRAGMA journal_size_limit = " LIVE_WAL_KEPT) && checkpoint(w, &held) && ok) || ok;
}

void live_job_run(struct live_store *s, struct live_job *job, pthread_mutex_t *writing)
{
	struct work w = { .store = s, .job = job, .writing = writing };
	int64_t began = steady_time();

	job->code = 0;
	job->ok = work_do(&w);
	job->took_ns = steady_time() - began;
	free(w.options);
	free(w.version);
	free(w.input);
	sqlite3_close(w.db);
}

bool live_job_finish_file(struct live_job *job)
{
	sqlite3 *db;
	bool ok = database_open(job->path, SQLITE_OPEN_READWRITE, &db) == SQLITE_OK &&
		  sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) == SQLITE_OK;

	if (!ok)
		sqlite_failure(db, job->path, &job->err);
	sqlite3_close(db);
	if (ok && job->name && rename(job->path, job->name) < 0)
		ok = error_set(&job->err, EXIT_OUTPUT, "cannot name it %s: %s", job->name, strerror(errno));
	return ok;
}
