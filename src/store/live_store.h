/*
 * The database of a live run, for weeks. SQLite in WAL mode: facts (facts.h) are appended in a transaction
 * every few seconds; readers are never in the way, and see the tables as they were made last (remake.h),
 * whole.
 *
 * Whatever happens, the run goes on: what cannot be written now (full disk, a database that somebody has
 * locked) waits in memory up to backlog_bytes; beyond that the oldest chunks are dropped and their records
 * counted as lost. Each such state is said once when it begins and once when it is over.
 *
 * Rotation: the file is finished (tables made for the last time, no WAL any more) and gets a name with the
 * time of its first frame (campus.db -> campus.2026-11-22T000000Z.db); a new one begins under the old name.
 * Flows go on: a flow is in the file in whose time it ended, to the second that chunks are handed over in. A
 * file that another program has open is not given away before that has closed it: it is written on meanwhile,
 * which is said; likewise while its tables are being made. A boundary that passed while nobody ran is made up
 * for by the next start. keep_*: what is older, or too much, of the finished files of this series is removed,
 * oldest first; never anything else, never the one that is being written. A clock that was set ahead makes
 * nothing old for a day.
 *
 * Restart: the last run, if it has the same options (by their JSON text), is continued: session + 1, and its
 * counts add up. Otherwise it is finished first, and a new one begins. Facts that another version wrote in a
 * format of its own cannot be told: that run's tables are left as they are, which is said.
 *
 * All calls come from one thread, the recorder's; the tables are made in a thread of the store's own, with a
 * connection of its own. Times are of the capture clock, but for `every`, which are real seconds.
 */
#ifndef FS_STORE_LIVE_STORE_H
#define FS_STORE_LIVE_STORE_H
#include "store/facts.h"
#include "store/remake.h"

struct live_store_options {
	const char *path;
	struct aggregate_options aggregate; /* for the tables */
	const char *json;                   /* effective options */
	const char *version, *libraries;
	const struct input_info *input; /* interfaces; for the manifest */
	size_t inputs;
	int64_t idle_ns;
	int64_t commit_every_ns; /* default 2 s; earlier when a quarter of backlog_bytes waits */
	int64_t tables_every_ns; /* at least so long from one making of the tables to the next, and 20 times
				    as long as the last took; default 10 s */
	int64_t rotate_ns;       /* 0: never; at whole multiples since 1970 UTC: 1d is midnight */
	uint64_t rotate_bytes;   /* 0: never */
	int64_t keep_ns;         /* 0: for ever */
	uint64_t keep_bytes;     /* 0: no bound */
	size_t backlog_bytes;    /* default 64 MB */
	int64_t wal_bytes;       /* that a reader may keep from being given back; beyond, no tables are made;
				    default 256 MB */
	void (*say)(void *self, const char *line); /* one line for the log; "" never */
	void *say_self;
};

enum live_store_state { LIVE_STORE_OK, LIVE_STORE_LOCKED, LIVE_STORE_FULL, LIVE_STORE_FAILING };
extern const char *const live_store_state_names[]; /* "ok", "locked", "full", "failing" */

struct live_store_status {
	enum live_store_state state;
	char why[200]; /* unless OK: SQLite's or the system's words */
	int64_t run;
	uint32_t session;
	int64_t committed_ns; /* real time of the last commit; 0: none yet */
	int64_t tables_ns;    /* real time at which the tables were made last; 0: never */
	int64_t tables_took_ns;
	uint64_t file_bytes, wal_bytes, backlog_bytes;
	uint64_t records_lost; /* in this session */
	uint32_t rotations, removed;
	int64_t next_rotation_ns; /* capture clock; 0: none */
};

/* One minute of one interface, or a part of it: rows of table capture_minutes are their sums. */
struct capture_minute {
	int64_t start_ns; /* capture clock, a whole minute */
	const char *interface;
	uint64_t packets, bytes;
	uint64_t dropped_kernel;    /* by the kernel: no room in the ring that we read from */
	uint64_t dropped_interface; /* by the interface or its driver */
	uint64_t dropped_store;     /* records of flows and events that the store had no room for */
};

struct live_store;
/* Opens or makes the database; EXIT_OUTPUT as sink_sqlite_open(). */
struct live_store *live_store_open(const struct live_store_options *options, struct error *err);
/* The session that the streams of this start get, and the number that the first frame gets less one. */
uint32_t live_store_session(const struct live_store *s);
uint64_t live_store_numbers(const struct live_store *s);
/* Numbers up to this one are given out; call it before tend() and finish(), so that the next start goes on
 * behind them. */
void live_store_reached(struct live_store *s, uint64_t number);
/* Takes the chunk over. Never waits, never fails: see above. */
void live_store_add(struct live_store *s, struct facts_chunk *chunk);
void live_store_minute(struct live_store *s, const struct capture_minute *minute);
/* Now and then, at least once a second: commits, makes tables, rotates, removes, as it is time. capture_ns:
 * the capture clock. */
void live_store_tend(struct live_store *s, int64_t capture_ns);
/* At the next tend(): rotates; other bounds from now on (HUP). */
void live_store_rotate(struct live_store *s);
void live_store_reload(struct live_store *s, const struct live_store_options *options);
void live_store_status(const struct live_store *s, struct live_store_status *out);
/* The last transaction and the last tables (final: no more facts come to this run). False: not all could be
 * written, *err says what is missing; the database is whole anyway, as of the last commit. */
bool live_store_finish(struct live_store *s, struct problems *problems, struct aggregate_summary *summary,
		       struct error *err);
void live_store_close(struct live_store *s);
#endif
