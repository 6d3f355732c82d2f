/* The live pipeline: start, the recorder's thread, and the end; see engine.h. */
#include "live/engine_parts.h"
#include "base/real_time.h"
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define RECORDER_TURN_NS (200 * NS_PER_MS) /* the recorder looks up at least so often */
#define RECORDER_TAKE_NS NS_PER_S          /* ... also from chunks that come and come */
#define MINUTES_AT_ONCE  16U               /* of all interfaces, fetched together */

void engine_say(struct engine *e, const char *line)
{
	live_state_say(e->options.state, line);
	pthread_mutex_lock(&e->lock);
	problems_add(&e->problems, "%s", line);
	pthread_mutex_unlock(&e->lock);
}

static void end_sources(struct engine *e)
{
	for (unsigned i = 0; i < e->options.workers; i++)
		source_stop(e->options.source[i]);
}

void engine_fail(struct engine *e, const struct error *err)
{
	pthread_mutex_lock(&e->lock);
	bool first = !e->failed;
	if (first)
		e->failure = *err;
	e->failed = true;
	pthread_mutex_unlock(&e->lock);
	if (first)
		live_state_say(e->options.state, err->text);
	/* One worker less would be traffic left out in silence. */
	end_sources(e);
}

/* --- the recorder --- */

static void take_chunk(struct engine *e, struct facts_chunk *chunk)
{
	const struct facts_listener listener = live_state_listener(e->options.state);
	/* Names from the wire are without end: those of a chunk live as long as it is told. */
	struct intern *names = intern_new();
	struct error err;

	/* What the state misses people do not see; the database has it all the same. */
	if (!names || !facts_tell((struct span){ chunk->bytes, chunk->size }, &chunk->place, 0, names,
				  &listener, names ? &err : NULL))
		live_state_say(e->options.state, names ? err.text : "out of memory for what is shown");
	intern_free(names);
	live_store_add(e->options.store, chunk);
}

/* The next chunk of each worker. False: none waits. */
static bool take_round(struct engine *e)
{
	bool any = false;

	for (unsigned i = 0; i < e->options.workers; i++) {
		struct engine_worker *w = &e->worker[i];
		struct facts_chunk chunk = { 0 };

		pthread_mutex_lock(&e->lock);
		bool waits = w->chunks > 0;
		if (waits) {
			chunk = w->chunk[w->oldest];
			w->oldest = (w->oldest + 1) % ENGINE_QUEUE;
			w->chunks--;
			pthread_cond_broadcast(&e->emptied);
		}
		pthread_mutex_unlock(&e->lock);
		if (waits)
			take_chunk(e, &chunk);
		any = any || waits;
	}
	return any;
}

/*
 * What waits, each worker's in its order. Workers that are together faster than this would have it go on for
 * ever: after a while, it is the turn of the commit, of the clock and of the watchdog. False: nothing comes
 * any more.
 */
static bool take_chunks(struct engine *e)
{
	int64_t until = steady_time() + RECORDER_TAKE_NS;
	bool more = false;

	while (take_round(e) && steady_time() < until)
		;
	pthread_mutex_lock(&e->lock);
	for (unsigned i = 0; i < e->options.workers; i++)
		more = more || !e->worker[i].done || e->worker[i].chunks > 0;
	pthread_mutex_unlock(&e->lock);
	return more;
}

static void pass_minutes(struct engine *e)
{
	struct capture_minute minute[MINUTES_AT_ONCE];
	size_t count;

	do {
		count = live_state_minutes(e->options.state, minute, MINUTES_AT_ONCE);
		for (size_t i = 0; i < count; i++)
			live_store_minute(e->options.store, &minute[i]);
	} while (count == MINUTES_AT_ONCE);
}

static void recorder_second(struct engine *e, bool last)
{
	const struct engine_options *o = &e->options;
	struct interface_stats link[INTERFACES_MAX];
	struct live_store_status storage;
	size_t links = 0;
	int64_t now = o->now(o->self);

	while (links < INTERFACES_MAX && o->interface && o->interface(o->self, links, &link[links]))
		links++;
	live_store_reached(o->store, e->numbers);
	live_store_tend(o->store, now);
	live_store_status(o->store, &storage);
	e->records_lost = storage.records_lost;
	pthread_mutex_lock(&e->lock);
	e->storage = storage;
	pthread_mutex_unlock(&e->lock);
	live_state_second(o->state, now, link, links, &storage);
	/* What came since the last second belongs to the running minute. */
	if (last)
		live_state_end(o->state);
	pass_minutes(e);
	if (o->every_second)
		o->every_second(o->self);
}

static bool nothing_waits(const struct engine *e)
{
	bool all_done = true;

	for (unsigned i = 0; i < e->options.workers; i++) {
		if (e->worker[i].chunks > 0)
			return false;
		all_done = all_done && e->worker[i].done;
	}
	return !all_done;
}

/* Until a chunk comes, the last worker is done, or it is time to look up. */
static void wait_for_chunks(struct engine *e)
{
	int64_t wake = steady_time() + RECORDER_TURN_NS;
	const struct timespec until = { wake / NS_PER_S, wake % NS_PER_S };

	pthread_mutex_lock(&e->lock);
	if (nothing_waits(e))
		pthread_cond_timedwait(&e->filled, &e->lock, &until);
	pthread_mutex_unlock(&e->lock);
}

static void *recorder_run(void *engine)
{
	struct engine *e = engine;
	int64_t next_second_ns = 0;

	for (bool more = true; more;) {
		wait_for_chunks(e);
		more = take_chunks(e);
		int64_t now = steady_time();
		e->recorder_alive_ns = now;
		if (now >= next_second_ns || !more) {
			recorder_second(e, !more);
			next_second_ns = now + NS_PER_S;
		}
	}
	return NULL;
}

/* --- start and end --- */

/* Signals belong to the program's main thread. */
static bool thread_start(pthread_t *thread, void *(*run)(void *), void *arg, struct error *err)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int code = pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code == 0 || error_set(err, EXIT_INTERNAL, "the system grants no thread: %s", strerror(code));
}

static bool make_lock(struct engine *e, struct error *err)
{
	pthread_condattr_t steady; /* a wait must not depend on somebody who sets the clock */

	if (pthread_condattr_init(&steady) != 0 || pthread_mutex_init(&e->lock, NULL) != 0)
		return error_memory(err, "a lock");
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&e->filled, &steady);
	pthread_cond_init(&e->emptied, &steady);
	pthread_condattr_destroy(&steady);
	e->has_lock = true;
	return true;
}

static bool start(struct engine *e, struct error *err)
{
	int64_t now = steady_time();

	if (!make_lock(e, err))
		return false;
	for (unsigned i = 0; i < e->options.workers; i++) {
		struct engine_worker *w = &e->worker[i];

		*w = (struct engine_worker){ .engine = e, .number = i, .source = e->options.source[i] };
		w->record = e->options.record ? e->options.record[i] : NULL;
		w->alive_ns = now;
		w->next_second_ns = now + NS_PER_S;
		if (!engine_worker_new(w, err))
			return false;
	}
	e->numbers = live_store_numbers(e->options.store);
	e->recorder_alive_ns = now;
	e->working = e->options.workers;
	/* First, so that a worker never waits for one that is not there. */
	e->has_recorder = thread_start(&e->recorder, recorder_run, e, err);
	for (unsigned i = 0; e->has_recorder && i < e->options.workers; i++) {
		struct engine_worker *w = &e->worker[i];

		w->started = thread_start(&w->thread, engine_worker_run, w, err);
		if (!w->started)
			return false;
	}
	return e->has_recorder;
}

struct engine *engine_start(const struct engine_options *options, struct error *err)
{
	struct engine *e = calloc(1, sizeof *e);

	if (e) {
		e->options = *options;
		e->worker = calloc(options->workers, sizeof *e->worker);
	}
	if (!e || !e->worker) {
		error_memory(err, "the workers");
		free(e);
		return NULL;
	}
	if (start(e, err))
		return e;
	engine_free(e);
	return NULL;
}

bool engine_done(const struct engine *e)
{
	struct engine *locked = (struct engine *)e;
	bool done = true;

	pthread_mutex_lock(&locked->lock);
	for (unsigned i = 0; i < e->options.workers; i++)
		done = done && e->worker[i].done;
	pthread_mutex_unlock(&locked->lock);
	return done;
}

bool engine_alive(const struct engine *e, int64_t within_ns)
{
	int64_t since = steady_time() - within_ns;
	bool alive = e->recorder_alive_ns >= since;

	for (unsigned i = 0; i < e->options.workers; i++)
		alive = alive && e->worker[i].alive_ns >= since;
	return alive || engine_done(e);
}

void engine_counts(const struct engine *e, struct stage_counts *sum)
{
	struct engine *locked = (struct engine *)e;

	*sum = (struct stage_counts){ 0 };
	pthread_mutex_lock(&locked->lock);
	for (unsigned i = 0; i < e->options.workers; i++)
		stage_counts_add(sum, &e->worker[i].counts);
	pthread_mutex_unlock(&locked->lock);
}

void engine_storage(const struct engine *e, struct live_store_status *out)
{
	struct engine *locked = (struct engine *)e;

	pthread_mutex_lock(&locked->lock);
	*out = e->storage;
	pthread_mutex_unlock(&locked->lock);
}

/* All threads end, each after what it has. */
static void halt(struct engine *e)
{
	end_sources(e);
	pthread_mutex_lock(&e->lock);
	for (unsigned i = 0; i < e->options.workers; i++)
		if (!e->worker[i].started && !e->worker[i].done) {
			e->worker[i].done = true;
			e->working--;
		}
	pthread_cond_broadcast(&e->emptied);
	pthread_mutex_unlock(&e->lock);
	for (unsigned i = 0; i < e->options.workers; i++) {
		if (e->worker[i].started)
			pthread_join(e->worker[i].thread, NULL);
		e->worker[i].started = false;
	}
	if (e->has_recorder)
		pthread_join(e->recorder, NULL);
	e->has_recorder = false;
}

bool engine_stop(struct engine *e, struct problems *problems, struct error *err)
{
	uint64_t quotes_lost = 0;

	halt(e);
	for (unsigned i = 0; i < e->options.workers; i++)
		quotes_lost += e->worker[i].quotes_lost;
	if (e->problems.count)
		problems_add(problems, "%s", e->problems.text);
	if (quotes_lost)
		problems_add(problems,
			     "%" PRIu64 " ICMP errors were not noted with the flow they are about: too many "
			     "at a time",
			     quotes_lost);
	if (e->failed && err)
		*err = e->failure;
	return !e->failed;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	if (e->has_lock) {
		halt(e);
		for (unsigned i = 0; i < e->options.workers; i++)
			engine_worker_free(&e->worker[i]);
		pthread_cond_destroy(&e->filled);
		pthread_cond_destroy(&e->emptied);
		pthread_mutex_destroy(&e->lock);
	}
	free(e->worker);
	free(e);
}
