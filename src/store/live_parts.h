/*
 * The insides of the live store, private to its files: live_store.c (the calls), live_open.c (the file and
 * the run in it), live_commit.c (what waits, and its way into the file), live_tables.c (the thread that makes
 * the tables), live_job.c (making them once), live_base.c
 * (what was counted before a file) and live_rotate.c (rotation and keep).
 */
#ifndef FS_STORE_LIVE_PARTS_H
#define FS_STORE_LIVE_PARTS_H
#include "base/clock.h"
#include "store/live_job.h"
#include "store/live_store.h"
#include "store/open.h"
#include <pthread.h>
#include <stdatomic.h>

/* A lock is waited for so long before what is to be written waits in memory: the recorder must not stand. */
#define LIVE_PATIENCE_MS 50
/* The tables' thread has time. */
#define LIVE_TABLES_PATIENCE_MS 5000
/* Of facts in one transaction: after a full disk, much has come together. */
#define LIVE_TRANSACTION (16U << 20)
/* A failed commit is tried again after so long. */
#define LIVE_RETRY_NS (NS_PER_S / 2)
/* A disk with room for a little more now and then is full and not full by turns: it is over, and said to be,
 * when writing went well for so long. */
#define LIVE_SURE_NS (5 * NS_PER_S)
/* What is left of the WAL's file when no reader keeps it from being given back. */
#define LIVE_WAL_KEPT "16777216"
/* Minutes of interfaces that wait: three days of one. */
#define LIVE_MINUTES_MAX 4320U

struct waiting_chunk {
	struct waiting_chunk *next;
	struct facts_chunk chunk;
};

struct waiting_minute {
	struct capture_minute minute;
	char interface[32]; /* IFNAMSIZ of <net/if.h> is 16 */
};

#define LIVE_LINES 8U /* that the thread wants to say; more are not kept */

/* The thread that makes the tables. Under `lock`, but for what is said to be otherwise. */
struct live_tables {
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a job came, a job is done, or it is over */
	bool stop;
	struct live_job *job; /* asked for, of the current file; NULL: none */
	bool working;         /* on the job or on a rotated file */
	struct live_job *rotated;
	struct live_job *done; /* the last job, until it is collected */
	char line[LIVE_LINES][400];
	unsigned lines;
	/* The thread's own. */
	bool wal_held;
	enum live_store_state said;
};

struct live_store {
	struct live_store_options options; /* texts are copies */
	char *path;
	sqlite3 *db; /* NULL: the file could not be made anew after a rotation; tried again */
	sqlite3_stmt *put_chunk, *put_minute, *put_session;
	int64_t run, origin;
	uint32_t session;
	char *interfaces; /* for sessions.interfaces */
	int64_t format;
	uint64_t numbers;               /* given out before this start */
	uint64_t reached;               /* given out by now */
	int64_t capture_ns, started_ns; /* capture clock; 0: not known yet */

	struct waiting_chunk *oldest, *newest;
	struct waiting_minute *minute; /* of LIVE_MINUTES_MAX */
	size_t minutes;
	bool unsaved; /* the session's row is to be written, though there may be no chunk */

	struct live_store_status status;
	int64_t trouble_since_ns; /* steady time; 0: none that is not said to be over */
	int64_t well_since_ns;    /* ... but writing goes well since then; 0: it does not */
	enum live_store_state trouble_said;
	uint64_t lost_before; /* records, when the trouble began */
	bool loss_said;
	int64_t next_commit_ns, next_tables_ns; /* steady time */
	int64_t tables_up_to;                   /* commits so far, when the tables were made last */
	int64_t commits;

	/* Rotation. */
	_Atomic bool rotate_wanted;
	bool any_facts;          /* in the current file, but for what live_base.c puts there */
	int64_t hold_ns;         /* chunks that begin here or later wait for the next file; 0: none */
	int64_t rotate_since_ns; /* steady time since when it is due; 0: it is not */
	bool rotate_said;
	uint64_t lost_in_files; /* records that were lost in the files before the current one */
	unsigned rotate_tokens; /* see live_rotate.c */
	int64_t rotate_token_ns;
	int64_t next_keep_ns; /* steady time */
	bool strange_said;
	int64_t clock_ahead_ns; /* of the real clock, to the steady one; 0: not known yet */
	int64_t clock_sure_ns;  /* steady time; before, nothing is removed for its age */

	/* Held while something is written, so that the two threads never meet as strangers in a lock of
	 * SQLite's. */
	pthread_mutex_t writing;
	struct live_tables tables;
};

/* --- live_store.c --- */
void live_say(const struct live_store *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- live_open.c --- */
/* A new database of this name; nothing under it may be in use. */
bool live_file_make(const char *path, struct error *err);
/* Opens the file and prepares the statements. */
bool live_file_open(struct live_store *s, struct error *err);
void live_file_close(struct live_store *s);
/* Which run goes on, or begins. *old: one that has to be finished first, as far as this program can tell its
 * facts; 0: none. */
bool live_run_choose(struct live_store *s, int64_t *old, struct error *err);

/* --- live_commit.c --- */
/* What waits, as far as it can be written. False: something is left that should not be. */
bool live_commit(struct live_store *s);
/* Tries the patience of the others, too: for the end. */
bool live_commit_all(struct live_store *s);
void live_drop_oldest(struct live_store *s);
enum live_store_state live_state_of(int code, int system_error);
/* That a trouble is over, when it is sure. now: the run ends. */
void live_say_well(struct live_store *s, bool now);

void live_drop_list(struct waiting_chunk *list);
/* Before everything else that waits; takes the list over. */
void live_add_first(struct live_store *s, struct waiting_chunk *list);

/* --- live_base.c --- */
/* Chunks for the file that begins: what was counted before it. */
struct waiting_chunk *live_base_make(struct live_store *s);

/* --- live_tables.c --- */
bool live_tables_start(struct live_store *s, struct error *err);
/* Ends the thread after what it does now, and what is rotated. */
void live_tables_stop(struct live_store *s);
/* Asks for the tables, unless that is so already. */
void live_tables_ask(struct live_store *s);
/* What the thread had to say, and what it has done. */
void live_tables_collect(struct live_store *s);
bool live_tables_idle(struct live_store *s);
/* In the caller's thread, for the end. */
bool live_tables_final(struct live_store *s, const char *path, struct problems *problems,
		       struct aggregate_summary *summary, struct error *err);
/* Takes over path and name. */
void live_tables_rotated(struct live_store *s, char *path, char *name);

/* --- live_rotate.c --- */
void live_rotate_tend(struct live_store *s);
void live_keep_tend(struct live_store *s);
void live_next_rotation(struct live_store *s);
/* After a start: a boundary that was passed while nobody ran, behind what is in the file, is due at once. */
void live_first_rotation(struct live_store *s);
/* Finishes what an earlier start had rotated out, and was killed. */
void live_rotate_resume(struct live_store *s);
#endif
