/*
 * The thread that makes the tables of a live run: those of the current file now and then, and for the last
 * time those of the files that were rotated out. What it has to do with the current file is asked for and
 * collected by the recorder's thread.
 */
#include "store/live_parts.h"
#include "store/live_job.h"
#include "base/real_time.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TABLES_NICE 10 /* half of the way to 19, the least: packets come first, but tables come, too */
/* A rotated file that somebody reads is looked at again after so long. */
#define ROTATED_RETRY_NS (60 * NS_PER_S)
/* The tables take at most this part of the time. */
#define TABLES_SHARE 20
/* Of one whose facts are in another format (facts_format()). */
#define LEFT_AS_IT_IS "%s was written by another version of footsteps: its tables stay as they were made last"

/* The thread may not call say(): it is said when the recorder comes by. */
static void tables_say(struct live_tables *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void tables_say(struct live_tables *t, const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&t->lock);
	if (t->lines < LIVE_LINES) {
		va_start(args, format);
		vsnprintf(t->line[t->lines], sizeof t->line[0], format, args);
		va_end(args);
		t->lines++;
	}
	pthread_mutex_unlock(&t->lock);
}

static void job_free(struct live_job *job)
{
	if (!job)
		return;
	free(job->path);
	free(job->name);
	free(job);
}

/* --- in the thread --- */

/* Each state once, until it is another. */
static void tell_job(struct live_tables *t, const struct live_job *job)
{
	enum live_store_state state =
		job->ok ? LIVE_STORE_OK : (job->code ? live_state_of(job->code, 0) : LIVE_STORE_FAILING);
	const char *line = job->err.text;

	if (job->held != t->wal_held && job->held)
		tables_say(
			t,
			"a reader has kept %s open for long, and its WAL grows: no tables are made until it is gone",
			job->path);
	else if (job->held != t->wal_held)
		tables_say(t, "the reader of %s is gone: tables are made again", job->path);
	t->wal_held = job->held;
	if (state == t->said || job->held)
		return;
	if (state == LIVE_STORE_OK)
		tables_say(t, "the tables of %s are made again", job->path);
	else
		tables_say(t, "the tables of %s could not be made: %s; they are tried again", job->path,
			   line);
	t->said = state;
}

static void do_current(struct live_store *s)
{
	struct live_tables *t = &s->tables;
	struct live_job *job = t->job;

	t->working = true;
	pthread_mutex_unlock(&t->lock);
	live_job_run(s, job, &s->writing);
	tell_job(t, job);
	pthread_mutex_lock(&t->lock);
	t->working = false;
	t->job = NULL;
	job_free(t->done);
	t->done = job;
}

static struct live_job *rotated_due(const struct live_tables *t)
{
	int64_t now = steady_time();

	for (struct live_job *j = t->rotated; j; j = j->next)
		if (t->stop ? !j->last_try : now >= j->next_ns)
			return j;
	return NULL;
}

static void rotated_remove(struct live_tables *t, struct live_job *job)
{
	struct live_job **link = &t->rotated;

	while (*link != job)
		link = &(*link)->next;
	*link = job->next;
	job_free(job);
}

static void do_rotated(struct live_store *s, struct live_job *job)
{
	struct live_tables *t = &s->tables;

	job->last_try = t->stop;
	pthread_mutex_unlock(&t->lock);
	job->problems = (struct problems){ 0 }; /* not those of the last try as well */
	live_job_run(s, job, NULL);
	bool done = job->ok && live_job_finish_file(job);
	if (!done && !job->said)
		tables_say(t, "%s cannot be finished yet: %s; it is tried again every minute", job->path,
			   job->err.text);
	else if (done && job->foreign)
		tables_say(t, LEFT_AS_IT_IS, job->name);
	else if (done && job->said)
		tables_say(t, "%s is finished", job->name);
	job->said = !done;
	pthread_mutex_lock(&t->lock);
	if (done)
		rotated_remove(t, job);
	else
		job->next_ns = steady_time() + ROTATED_RETRY_NS;
}

static void wait_for_work(struct live_tables *t)
{
	struct timespec until;

	if (!t->rotated) {
		pthread_cond_wait(&t->changed, &t->lock);
		return;
	}
	/* The wait may be off when somebody sets the clock: it only looks again. */
	int64_t wake = real_time() + ROTATED_RETRY_NS / 4;
	until = (struct timespec){ .tv_sec = wake / NS_PER_S, .tv_nsec = wake % NS_PER_S };
	pthread_cond_timedwait(&t->changed, &t->lock, &until);
}

static void *tables_run(void *self)
{
	struct live_store *s = self;
	struct live_tables *t = &s->tables;

	/* Of the thread alone, on Linux. */
	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), TABLES_NICE);
	pthread_mutex_lock(&t->lock);
	for (;;) {
		struct live_job *rotated = rotated_due(t);

		if (t->job && !t->stop)
			do_current(s);
		else if (rotated)
			do_rotated(s, rotated);
		else if (t->stop)
			break;
		else
			wait_for_work(t);
		pthread_cond_broadcast(&t->changed);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* --- in the recorder's --- */

bool live_tables_start(struct live_store *s, struct error *err)
{
	sigset_t all, before;

	/* Signals belong to the program's main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int code = pthread_create(&s->tables.thread, NULL, tables_run, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	s->tables.started = code == 0;
	return code == 0 || error_set(err, EXIT_INTERNAL, "the system grants no thread: %s", strerror(code));
}

void live_tables_stop(struct live_store *s)
{
	struct live_tables *t = &s->tables;

	if (t->started) {
		pthread_mutex_lock(&t->lock);
		t->stop = true;
		pthread_cond_broadcast(&t->changed);
		pthread_mutex_unlock(&t->lock);
		pthread_join(t->thread, NULL);
		t->started = false;
	}
	job_free(t->job);
	t->job = NULL;
	while (t->rotated)
		rotated_remove(t, t->rotated);
	job_free(t->done);
	t->done = NULL;
}

void live_tables_ask(struct live_store *s)
{
	struct live_tables *t = &s->tables;
	struct live_job *job = calloc(1, sizeof *job);

	if (job)
		job->path = strdup(s->path);
	if (!job || !job->path) {
		job_free(job);
		return; /* asked again next time */
	}
	pthread_mutex_lock(&t->lock);
	t->job = job;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

static void collect_done(struct live_store *s, struct live_job *job)
{
	int64_t every = s->options.tables_every_ns, share = job->took_ns * TABLES_SHARE;

	if (job->ok) {
		s->status.tables_ns = real_time();
		s->status.tables_took_ns = job->took_ns;
	} else {
		s->tables_up_to = -1; /* tried again also when nothing new comes */
	}
	s->next_tables_ns = steady_time() + (share > every ? share : every);
	job_free(job);
}

void live_tables_collect(struct live_store *s)
{
	struct live_tables *t = &s->tables;
	char line[LIVE_LINES][sizeof t->line[0]];

	pthread_mutex_lock(&t->lock);
	struct live_job *done = t->done;
	unsigned lines = t->lines;
	memcpy(line, t->line, sizeof line);
	t->done = NULL;
	t->lines = 0;
	pthread_mutex_unlock(&t->lock);
	for (unsigned i = 0; i < lines; i++)
		live_say(s, "%s", line[i]);
	if (done)
		collect_done(s, done);
}

bool live_tables_idle(struct live_store *s)
{
	struct live_tables *t = &s->tables;

	pthread_mutex_lock(&t->lock);
	bool idle = !t->job && !t->working;
	pthread_mutex_unlock(&t->lock);
	return idle;
}

bool live_tables_final(struct live_store *s, const char *path, struct problems *problems,
		       struct aggregate_summary *summary, struct error *err)
{
	struct live_job *job = calloc(1, sizeof *job);

	if (!job)
		return error_memory(err, "the tables");
	*job = (struct live_job){ .path = strdup(path), .final = true, .problems = *problems };
	if (job->path)
		live_job_run(s, job, &s->writing);
	else
		error_memory(&job->err, "the tables");
	bool ok = job->ok;
	*problems = job->problems;
	*summary = job->summary;
	if (!ok && err)
		*err = job->err;
	if (job->foreign)
		live_say(s, LEFT_AS_IT_IS ", and a new run begins", path);
	job_free(job);
	return ok;
}

void live_tables_rotated(struct live_store *s, char *path, char *name)
{
	struct live_tables *t = &s->tables;
	struct live_job *job = calloc(1, sizeof *job);

	if (!job) {
		/* It stays under the name by which the next start finds it. */
		free(path);
		free(name);
		return;
	}
	*job = (struct live_job){ .path = path, .name = name, .final = true };
	pthread_mutex_lock(&t->lock);
	job->next = t->rotated;
	t->rotated = job;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
}
