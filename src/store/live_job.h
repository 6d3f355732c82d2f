/* Making the tables of one database of a live run, once. Private to the live store. */
#ifndef FS_STORE_LIVE_JOB_H
#define FS_STORE_LIVE_JOB_H
#include "store/live_store.h"
#include <pthread.h>
#include <sqlite3.h>

struct live_job {
	struct live_job *next; /* of those that are rotated out */
	char *path;
	char *name;               /* under which it is to be when it is finished; NULL: as it is called now */
	bool final;               /* no more facts come */
	struct problems problems; /* that the caller knows; gets the rest */
	/* Results. */
	bool ok;
	bool held;    /* a reader keeps the WAL from being given back; not tried */
	bool foreign; /* its facts are of another format: the tables are left as they were made last */
	int code;     /* of SQLite, when it was it that failed; else 0 */
	struct error err;
	struct aggregate_summary summary;
	int64_t took_ns;
	/* Of the thread. */
	int64_t next_ns; /* steady time; not tried before */
	bool last_try, said;
};

struct live_store;
/* The tables of the last run in the file. writing: held while the file is written; NULL: nobody else writes
 * it. */
void live_job_run(struct live_store *s, struct live_job *job, pthread_mutex_t *writing);
/* No WAL any more, and under its name. False: somebody reads it; job->err says so. */
bool live_job_finish_file(struct live_job *job);
#endif
