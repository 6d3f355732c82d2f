/* Rows are inserted in the background; see sqlite_writer.h. */
#include "store/sqlite_writer.h"
#include "capture/thread.h"
#include "store/sqlite_insert.h"
#include <stdlib.h>

#define RING 16U /* batches; all of it stays in a processor's second-level cache */

struct batch {
	unsigned rows;
	struct row row[INSERT_BATCH];
};

struct writer {
	struct inserter inserter; /* the thread's while batches are handed to it */
	pthread_t thread;
	bool running;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* for whoever waits: the thread for a batch, or the caller for the thread */
	/* Under the lock while the thread runs. Batches so far, around the ring: filled by the caller,
	 * inserted by the thread. */
	unsigned handed, inserted;
	unsigned awaited; /* the caller sleeps until so many are inserted */
	bool ending, failed;
	struct error error; /* when failed */
	/* The caller's. */
	struct row other; /* of a kind that does not wait */
	struct batch ring[RING];
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

static void batch_done(struct writer *w, bool ok)
{
	pthread_mutex_lock(&w->lock);
	w->inserted++;
	w->failed = !ok;
	if (!ok || w->inserted == w->awaited)
		pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

static void *insert_on(void *arg)
{
	struct writer *w = arg;
	bool ok = true;

	while (ok && batch_take(w)) {
		const struct batch *b = &w->ring[w->inserted % RING];
		ok = inserter_rows(&w->inserter, b->row, b->rows, &w->error);
		batch_done(w, ok);
	}
	return NULL;
}

/* --- the caller --- */

static void thread_end(struct writer *w)
{
	if (!w->running)
		return;
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	w->running = false;
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	thread_end(w);
	inserter_drop(&w->inserter);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static struct batch *filling(struct writer *w)
{
	return &w->ring[w->handed % RING];
}

/* Sleeps until no more than `most` batches are in the ring. */
static bool wait_for(struct writer *w, unsigned most, struct error *err)
{
	pthread_mutex_lock(&w->lock);
	w->awaited = w->handed - most;
	while (w->handed - w->inserted > most && !w->failed)
		pthread_cond_wait(&w->changed, &w->lock);
	bool failed = w->failed;
	pthread_mutex_unlock(&w->lock);
	if (failed && err)
		*err = w->error;
	return !failed;
}

/* Then there is a batch to be filled next. */
static bool hand_over(struct writer *w, struct error *err)
{
	if (!w->running)
		w->running = thread_start(&w->thread, insert_on, w);
	if (!w->running) {
		unsigned rows = filling(w)->rows;
		filling(w)->rows = 0;
		return inserter_rows(&w->inserter, filling(w)->row, rows, err);
	}
	pthread_mutex_lock(&w->lock);
	if (w->handed++ == w->inserted)
		pthread_cond_signal(&w->changed);
	bool full = w->handed - w->inserted == RING, failed = w->failed;
	pthread_mutex_unlock(&w->lock);
	/* Until it is half empty: waking the caller for each batch would cost more than the batch. */
	if ((full || failed) && !wait_for(w, RING / 2, err))
		return false;
	filling(w)->rows = 0;
	return true;
}

struct row *writer_row(struct writer *w, enum row_kind kind)
{
	return row_waits[kind] ? &filling(w)->row[filling(w)->rows] : &w->other;
}

bool writer_write(struct writer *w, const struct row *row, struct error *err)
{
	if (row == &w->other)
		return writer_settle(w, err) && inserter_one(&w->inserter, row, err);
	return ++filling(w)->rows < INSERT_BATCH || hand_over(w, err);
}

bool writer_settle(struct writer *w, struct error *err)
{
	return (filling(w)->rows == 0 || hand_over(w, err)) && (!w->running || wait_for(w, 0, err));
}
