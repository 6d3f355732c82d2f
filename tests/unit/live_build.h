/* What the tests of the live store share: a store, and a worker that tells of so many frames at a time. */
#ifndef FS_TESTS_LIVE_BUILD_H
#define FS_TESTS_LIVE_BUILD_H
#include "store_build.h"
#include "base/clock.h"
#include "store/live_store.h"
#include <time.h>

#define LIVE_LINES_MAX 64U

/* 2023-11-14T22:13:20Z */
#define LIVE_T0 (INT64_C(1700000000) * NS_PER_S)

struct live {
	struct live_store_options options;
	struct live_store *store;
	struct facts_writer *writer;
	struct input_info input;
	uint64_t frames; /* told of in this session */
	uint64_t numbers;
	unsigned chunks;
	int64_t clock; /* capture clock */
	char line[LIVE_LINES_MAX][512];
	unsigned lines;
};

static inline void live_heard(void *self, const char *line)
{
	struct live *l = self;

	if (l->lines < LIVE_LINES_MAX)
		snprintf(l->line[l->lines], sizeof l->line[0], "%s", line);
	l->lines++;
}

/* How many lines have this in them. */
static inline unsigned live_said(const struct live *l, const char *words)
{
	unsigned count = 0;

	for (unsigned i = 0; i < l->lines && i < LIVE_LINES_MAX; i++)
		count += strstr(l->line[i], words) != NULL;
	return count;
}

static inline void live_show_lines(const struct live *l)
{
	for (unsigned i = 0; i < l->lines && i < LIVE_LINES_MAX; i++)
		print_message("# said: %s\n", l->line[i]);
}

static inline void live_full(void *self, struct facts_chunk *chunk)
{
	struct live *l = self;

	l->chunks++;
	live_store_add(l->store, chunk);
}

/* Defaults of the tests: everything is written at each tend(). */
static inline void live_init(struct live *l)
{
	*l = (struct live){ .clock = LIVE_T0 };
	l->input = (struct input_info){
		.path = "eth1", .format = "interface", .container = "", .linktype = 1, .end = INPUT_STOPPED
	};
	l->options = (struct live_store_options){ .path = "campus.db",
						  .json = "{\"idle\":200}",
						  .version = "0.6",
						  .libraries = "",
						  .input = NULL,
						  .inputs = 1,
						  .idle_ns = 200 * NS_PER_S,
						  .commit_every_ns = 1,
						  .tables_every_ns = 3600 * NS_PER_S,
						  .say = live_heard };
	l->options.aggregate.max_pairs = 1000;
	l->options.aggregate.sockets.max_sockets = 1000;
}

static inline bool live_try(struct live *l, struct error *err)
{
	l->options.input = &l->input;
	l->options.say_self = l;
	l->frames = l->chunks = 0;
	l->store = live_store_open(&l->options, err);
	if (!l->store)
		return false;
	l->numbers = live_store_numbers(l->store);
	l->writer = facts_writer_new(live_store_session(l->store), 0, live_full, l, err);
	return l->writer;
}

static inline void live_open(struct live *l)
{
	struct error err;

	if (!live_try(l, &err))
		fail_msg("%s", err.text);
}

static inline struct live_store_status live_status(const struct live *l)
{
	struct live_store_status status;

	live_store_status(l->store, &status);
	return status;
}

/* One chunk: so many ARP frames, one each millisecond of the capture clock. */
static inline void live_play(struct live *l, unsigned frames)
{
	struct stage_counts counts = { 0 };
	int64_t first = l->clock, last = first + (frames - 1) * NS_PER_MS;

	l->frames += frames;
	l->numbers += frames;
	l->clock = last + NS_PER_MS;
	counts.frames = counts.account[REASON_arp] = l->frames;
	/* The store tells the workers, and they tell it on. */
	counts.lost = live_status(l).records_lost;
	facts_writer_stamp(l->writer, last);
	facts_writer_counts(l->writer, &counts, first, last);
	facts_writer_flush(l->writer);
}

static inline void live_tend(struct live *l)
{
	live_store_reached(l->store, l->numbers);
	live_store_tend(l->store, l->clock);
}

static inline void nap(unsigned ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 }, NULL);
}

/* Tends until it is true: within so many seconds, or as many times as many where a disk is slow. */
#define LIVE_PATIENCE 24U
#define live_until(l, condition, seconds)                                                                    \
	do {                                                                                                 \
		for (unsigned turn_ = 0; !(condition) && turn_ < (seconds)*50U * LIVE_PATIENCE; turn_++) {   \
			nap(20);                                                                             \
			live_tend(l);                                                                        \
		}                                                                                            \
		if (!(condition)) {                                                                          \
			live_show_lines(l);                                                                  \
			fail_msg("%s: not in %u s", #condition, (unsigned)(seconds)*LIVE_PATIENCE);          \
		}                                                                                            \
	} while (0)

static inline enum live_store_state live_state(const struct live *l)
{
	return live_status(l).state;
}

static inline void live_leave(struct live *l)
{
	facts_writer_free(l->writer);
	live_store_close(l->store);
	l->writer = NULL;
	l->store = NULL;
}

/* To the end; problems as they are said with the run. */
static inline void live_end(struct live *l, struct problems *problems)
{
	struct aggregate_summary summary;
	struct error err;

	live_store_reached(l->store, l->numbers);
	if (!live_store_finish(l->store, problems, &summary, &err))
		fail_msg("%s", err.text);
	live_leave(l);
}

/* --- reading --- */

static inline sqlite3 *look_into(const char *path)
{
	sqlite3 *db;

	assert_int_equal(database_open(path, SQLITE_OPEN_READWRITE, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 120000);
	return db;
}

static inline int64_t ask(sqlite3 *db, const char *sql)
{
	int64_t value;
	int code = database_integer(db, sql, &value);

	if (code != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	return value;
}

static inline int64_t ask_file(const char *path, const char *sql)
{
	sqlite3 *db = look_into(path);
	int64_t value = ask(db, sql);

	sqlite3_close(db);
	return value;
}

static inline void run_sql(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

/* As a version of the program with another format has left it (facts_format(), at byte 4 of each chunk). */
static inline void live_make_foreign(const char *path)
{
	sqlite3 *db = look_into(path);

	run_sql(db, "UPDATE sessions SET format = 1; UPDATE facts SET bytes = "
		    "CAST(substr(bytes, 1, 4) || x'00000001' || substr(bytes, 9) AS BLOB)");
	sqlite3_close(db);
}

static inline void assert_whole(const char *path)
{
	sqlite3 *db = look_into(path);
	sqlite3_stmt *stmt;

	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}
#endif
