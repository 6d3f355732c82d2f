/* Worker threads of the engine: from a source to chunks of facts; see engine.h. */
#include "live/engine_parts.h"
#include "base/real_time.h"
#include <stdlib.h>

/* --- chunks to the recorder --- */

/* Waits while the queue is full. The recorder takes chunks until every worker is done, so it always ends. */
static void chunk_full(void *self, struct facts_chunk *chunk)
{
	struct engine_worker *w = self;
	struct engine *e = w->engine;

	pthread_mutex_lock(&e->lock);
	while (w->chunks == ENGINE_QUEUE)
		pthread_cond_wait(&e->emptied, &e->lock);
	w->chunk[(w->oldest + w->chunks++) % ENGINE_QUEUE] = *chunk;
	pthread_cond_signal(&e->filled);
	pthread_mutex_unlock(&e->lock);
	*chunk = (struct facts_chunk){ 0 };
}

/* --- stamps --- */

/*
 * Frames come by the batch, and what is told carries its own time: the stamp is that, so that observations of
 * several workers about one client come together in their order. What tells of an earlier time than the batch
 * (a flow that ends) was told now all the same.
 */
static void stamp(struct engine_worker *w, int64_t ts_ns)
{
	if (ts_ns <= w->stamp_ns)
		return;
	w->stamp_ns = ts_ns;
	facts_writer_stamp(w->facts, ts_ns);
}

static void stamp_anew(struct engine_worker *w, int64_t ts_ns)
{
	w->stamp_ns = ts_ns;
	facts_writer_stamp(w->facts, ts_ns);
}

static void observed(void *self, const struct observation *o)
{
	struct engine_worker *w = self;

	stamp(w, o->ts_ns);
	w->behind.observed(w->behind.self, o);
}

static void occurred(void *self, const struct occurrence *o)
{
	struct engine_worker *w = self;

	stamp(w, o->ts_ns);
	w->behind.occurred(w->behind.self, o);
}

static void metered(void *self, const struct media_report *r)
{
	struct engine_worker *w = self;

	w->behind.metered(w->behind.self, r);
}

static void flow_ended(void *self, const struct flow_record *r, const struct logged_message *log)
{
	struct engine_worker *w = self;

	w->behind.flow(w->behind.self, r, log);
}

static void named(void *self, const struct dns_answer *answer, int64_t ts_ns)
{
	struct engine_worker *w = self;

	stamp(w, ts_ns);
	w->behind.named(w->behind.self, answer, ts_ns);
}

/* --- quotes between workers --- */

static void quote_missed(void *self, const struct worker_quote *quote)
{
	struct engine_worker *w = self;
	struct engine *e = w->engine;

	pthread_mutex_lock(&e->lock);
	for (unsigned i = 0; i < e->options.workers; i++) {
		struct engine_worker *other = &e->worker[i];

		if (other == w || other->done)
			continue;
		if (other->mails < ENGINE_QUOTES)
			other->mail[other->mails++] = *quote;
		else
			other->quotes_lost++;
	}
	pthread_mutex_unlock(&e->lock);
}

/*
 * A worker that lags behind the sender has not seen the quoted packet yet: a quote waits until the worker has
 * come as far. all: it comes no further.
 */
static void quotes_take(struct engine_worker *w, bool all)
{
	struct worker_quote due[ENGINE_QUOTES];
	unsigned count = 0, kept = 0;

	/* Asked after every batch, and nearly always there is none. */
	if (atomic_load_explicit(&w->mails, memory_order_relaxed) == 0)
		return;
	pthread_mutex_lock(&w->engine->lock);
	for (unsigned i = 0; i < w->mails; i++) {
		if (all || w->mail[i].ts_ns <= w->reached_ns)
			due[count++] = w->mail[i];
		else
			w->mail[kept++] = w->mail[i];
	}
	w->mails = kept;
	pthread_mutex_unlock(&w->engine->lock);
	for (unsigned i = 0; i < count; i++)
		worker_quote(w->worker, &due[i]);
}

/* --- frames --- */

static void record_frames(struct engine_worker *w, const struct frame *frames, size_t count)
{
	struct engine *e = w->engine;
	int64_t until = e->record_until, none = 0;
	struct error err;

	if (until == 0 && e->options.record_ns > 0) {
		/* The first frame of whichever worker begins the time. */
		until = frames[0].ts_ns + e->options.record_ns;
		if (!atomic_compare_exchange_strong(&e->record_until, &none, until))
			until = none;
	}
	if (e->options.record_ns > 0)
		while (count > 0 && frames[count - 1].ts_ns >= until)
			count--;
	if (count == 0 || recording_frames(w->record, frames, count, &err))
		return;
	engine_say(e, err.text);
	w->record = NULL;
}

static void tell_counts(struct engine_worker *w, struct stage_counts *counts);

/*
 * Counts say from when to when frames came: told at every silence, so that where nobody heard anything can be
 * found by putting the workers' counts together.
 */
static void note_silence(struct engine_worker *w, int64_t ts_ns)
{
	struct stage_counts counts;

	if (w->last_ns != 0 && llabs(ts_ns - w->reached_ns) > ENGINE_SILENCE_NS)
		tell_counts(w, &counts);
}

static bool take_frames(struct engine_worker *w, const struct frame *frames, size_t count, struct error *err)
{
	struct engine *e = w->engine;
	/* Numbers are dealt out by the batch, so that those of several workers are nearly in order of time.
	 */
	uint64_t number = atomic_fetch_add(&e->numbers, count) + 1;

	note_silence(w, frames[0].ts_ns);
	for (size_t i = 0; i < count; i++) {
		int64_t ts = frames[i].ts_ns;

		w->first_ns = w->first_ns == 0 || ts < w->first_ns ? ts : w->first_ns;
		w->last_ns = w->last_ns == 0 || ts > w->last_ns ? ts : w->last_ns;
	}
	if (w->record)
		record_frames(w, frames, count);
	stamp_anew(w, frames[0].ts_ns);
	if (!worker_frames(w->worker, frames, count, number, err))
		return false;
	w->reached_ns = frames[count - 1].ts_ns;
	return !facts_writer_failed(w->facts, err);
}

/* now: of before the source was asked. Since then we may have been held up, and frames may wait. */
static void idle(struct engine_worker *w, int64_t now)
{
	/* The clock may have been set back since the last frame. */
	if (now > w->reached_ns)
		w->reached_ns = now;
	stamp_anew(w, now);
	worker_tick(w->worker, now);
}

/* --- once a second --- */

static void tell_counts(struct engine_worker *w, struct stage_counts *counts)
{
	struct engine *e = w->engine;

	worker_counts(w->worker, counts);
	/* What belongs to no worker is told by the first. */
	if (w->number == 0) {
		struct interface_stats link;

		for (size_t i = 0; e->options.interface && e->options.interface(e->options.self, i, &link);
		     i++)
			counts->dropped += link.dropped_kernel + link.dropped_interface;
		counts->lost = e->records_lost;
	}
	facts_writer_counts(w->facts, counts, w->first_ns, w->last_ns);
	worker_maxima_anew(w->worker);
	w->first_ns = w->last_ns = 0;
}

static void count_now(struct engine_worker *w)
{
	struct engine *e = w->engine;
	struct stage_counts counts;

	tell_counts(w, &counts);
	facts_writer_flush(w->facts);
	pthread_mutex_lock(&e->lock);
	w->counts = counts;
	pthread_mutex_unlock(&e->lock);
}

static void show_calls(struct engine_worker *w)
{
	struct engine *e = w->engine;
	struct worker_call call[WORKER_CALLS_MAX];
	int64_t now = e->options.now(e->options.self);
	size_t count = worker_calls(w->worker, now, call);

	/* The anonymiser sees what becomes facts; this goes to the people directly. */
	for (size_t i = 0; i < count && e->options.pan; i++) {
		call[i].initiator.ip = cryptopan_ip(e->options.pan, &call[i].initiator.ip);
		call[i].responder.ip = cryptopan_ip(e->options.pan, &call[i].responder.ip);
	}
	pthread_mutex_lock(&e->lock);
	unsigned queue = w->chunks;
	pthread_mutex_unlock(&e->lock);
	live_state_workers(e->options.state, w->number, now, queue, call, count);
}

static void once_a_second(struct engine_worker *w)
{
	int64_t now = steady_time();

	w->alive_ns = now;
	if (now < w->next_second_ns)
		return;
	w->next_second_ns = now + NS_PER_S;
	count_now(w);
	show_calls(w);
}

/* --- the end --- */

/*
 * Whoever ends has seen the last frame of its own; what is over by the last one of all ends as that, and not
 * because the trace did. So each waits until all have come to their end.
 */
static void come_together(struct engine_worker *w)
{
	struct engine *e = w->engine;

	pthread_mutex_lock(&e->lock);
	if (w->reached_ns > e->reached_ns)
		e->reached_ns = w->reached_ns;
	e->at_end++;
	pthread_cond_broadcast(&e->emptied);
	while (e->at_end < e->working)
		pthread_cond_wait(&e->emptied, &e->lock);
	pthread_mutex_unlock(&e->lock);
	/* In steps as those of an idle link: a longer one is not believed (flow_table_tick()). */
	for (unsigned i = 0; i < ENGINE_STEPS_MAX && w->reached_ns < e->reached_ns; i++) {
		w->reached_ns += INTERFACE_TICK_NS;
		if (w->reached_ns > e->reached_ns)
			w->reached_ns = e->reached_ns;
		stamp_anew(w, w->reached_ns);
		worker_tick(w->worker, w->reached_ns);
	}
}

/* --- the thread --- */

static void work(struct engine_worker *w)
{
	struct engine *e = w->engine;
	struct frame frames[WORKER_BATCH];
	enum source_result result;
	struct error err;
	bool ok = true;

	do {
		int64_t now = e->options.now(e->options.self);
		size_t count = source_next_batch(w->source, frames, WORKER_BATCH, &result, &err);

		if (count > 0)
			ok = take_frames(w, frames, count, &err);
		else if (result == SOURCE_IDLE)
			idle(w, now);
		quotes_take(w, false);
		once_a_second(w);
	} while (ok && (result == SOURCE_FRAME || result == SOURCE_IDLE));
	if (!ok || result == SOURCE_FAILED)
		engine_fail(e, &err);
}

void *engine_worker_run(void *worker)
{
	struct engine_worker *w = worker;
	struct engine *e = w->engine;
	struct error err;

	work(w);
	come_together(w);
	quotes_take(w, true);
	worker_finish(w->worker);
	count_now(w);
	if (facts_writer_failed(w->facts, &err))
		engine_fail(e, &err);
	live_state_workers(e->options.state, w->number, e->options.now(e->options.self), 0, NULL, 0);
	pthread_mutex_lock(&e->lock);
	w->done = true;
	pthread_cond_signal(&e->filled);
	pthread_mutex_unlock(&e->lock);
	return NULL;
}

bool engine_worker_new(struct engine_worker *w, struct error *err)
{
	const struct engine_options *o = &w->engine->options;
	uint32_t session = live_store_session(o->store);

	w->facts = facts_writer_new(session, (uint16_t)w->number, chunk_full, w, err);
	if (!w->facts)
		return false;
	w->behind = facts_writer_intake(w->facts);
	if (o->pan) {
		w->anonymizer = anonymizer_new(o->pan, &w->behind, err);
		if (!w->anonymizer)
			return false;
		w->behind = anonymizer_intake(w->anonymizer);
	}
	const struct intake intake = { observed, occurred, metered, flow_ended, named, w };
	w->worker = worker_new(&o->worker, &intake, err);
	if (!w->worker)
		return false;
	if (o->workers > 1)
		worker_on_quote(w->worker, quote_missed, w);
	return true;
}

void engine_worker_free(struct engine_worker *w)
{
	worker_free(w->worker);
	anonymizer_free(w->anonymizer);
	facts_writer_free(w->facts);
	for (; w->chunks > 0; w->chunks--)
		facts_chunk_drop(&w->chunk[(w->oldest + w->chunks - 1) % ENGINE_QUEUE]);
}
