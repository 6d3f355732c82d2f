/* Flows and hits of patterns are inserted in the background; see sqlite_writer.h. */
#include "store/sqlite_writer.h"
#include "capture/thread.h"
#include "store/sqlite_insert.h"
#include <stdlib.h>

#define RING 16U /* batches; all of it stays in a processor's second-level cache */

struct writer {
	struct inserter inserter; /* the thread's while it runs */
	pthread_t thread;
	bool running;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* for whoever waits: the ring is not empty and full at once */
	/* Under the lock while the thread runs. Batches so far, around the ring: filled by the caller,
	 * inserted by the thread. */
	unsigned handed, inserted;
	bool ending, failed;
	struct error error; /* when failed */
	/* The caller's. */
	unsigned waiting; /* rows in the batch being filled */
	struct row other; /* of another kind */
	struct row ring[RING][INSERT_BATCH];
};

struct writer *writer_new(sqlite3 *db, const char *path, struct error *err)
{
	struct writer *w = calloc(1, sizeof *w);

	if (!w) {
		error_memory(err, "the database");
		return NULL;
	}
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	inserter_init(&w->inserter, db, path);
	return w;
}

/* --- the thread --- */

/* Waits for a batch; false when there will be none. */
static bool batch_take(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	while (w->handed == w->inserted && !w->ending)
		pthread_cond_wait(&w->changed, &w->lock);
	bool more = w->handed != w->inserted;
	pthread_mutex_unlock(&w->lock);
	return more;
}

/* The caller, when it found the ring full, sleeps until it is half empty: waking it for each batch would cost
 * more than the batch. */
static void batch_done(struct writer *w, bool ok)
{
	pthread_mutex_lock(&w->lock);
	w->inserted++;
	w->failed = !ok;
	if (!ok || w->handed - w->inserted == RING / 2)
		pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

static void *insert_on(void *arg)
{
	struct writer *w = arg;
	bool ok = true;

	while (ok && batch_take(w)) {
		ok = inserter_rows(&w->inserter, w->ring[w->inserted % RING], INSERT_BATCH, &w->error);
		batch_done(w, ok);
	}
	return NULL;
}

/* --- the caller --- */

/* The thread comes to the end of what was handed over, unless it has failed before. */
static bool thread_end(struct writer *w, struct error *err)
{
	if (w->running) {
		pthread_mutex_lock(&w->lock);
		w->ending = true;
		pthread_cond_signal(&w->changed);
		pthread_mutex_unlock(&w->lock);
		pthread_join(w->thread, NULL);
		w->running = w->ending = false;
	}
	if (w->failed && err)
		*err = w->error;
	return !w->failed;
}

/* Waits for room in the ring, so that there is a batch to be filled next. */
static bool batch_hand_over(struct writer *w, struct error *err)
{
	pthread_mutex_lock(&w->lock);
	if (w->handed++ == w->inserted)
		pthread_cond_signal(&w->changed);
	while (w->handed - w->inserted == RING && !w->failed)
		pthread_cond_wait(&w->changed, &w->lock);
	bool failed = w->failed;
	pthread_mutex_unlock(&w->lock);
	return !failed || thread_end(w, err);
}

static bool batch_full(struct writer *w, struct error *err)
{
	w->waiting = 0;
	if (!w->running)
		w->running = thread_start(&w->thread, insert_on, w);
	if (w->running)
		return batch_hand_over(w, err);
	return inserter_rows(&w->inserter, w->ring[w->handed % RING], INSERT_BATCH, err);
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	thread_end(w, NULL);
	inserter_drop(&w->inserter);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* The kinds that come by the million. A batch holds one of them. */
static bool is_batched(const struct writer *w, enum row_kind kind)
{
	return (kind == ROW_flow || kind == ROW_pattern_hit) &&
	       (w->waiting == 0 || w->ring[w->handed % RING][0].kind == kind);
}

struct row *writer_row(struct writer *w, enum row_kind kind)
{
	return is_batched(w, kind) ? &w->ring[w->handed % RING][w->waiting] : &w->other;
}

bool writer_write(struct writer *w, const struct row *row, struct error *err)
{
	if (row == &w->other)
		return writer_settle(w, err) && inserter_one(&w->inserter, row, err);
	return ++w->waiting < INSERT_BATCH || batch_full(w, err);
}

bool writer_settle(struct writer *w, struct error *err)
{
	unsigned rows = w->waiting;

	w->waiting = 0;
	return thread_end(w, err) &&
	       (rows == 0 || inserter_rows(&w->inserter, w->ring[w->handed % RING], rows, err));
}
