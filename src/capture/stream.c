/* The ring of buffers between the thread that reads and the consumer that parses, and the window over it. */
#include "capture/stream.h"
#include "capture/producer.h"
#include "capture/thread.h"
#include <stdlib.h>
#include <string.h>

/*
 * A buffer should stay in the cache until it is parsed, and be worth a change of threads. Measured
 * on 774 MB: 256 KiB to 1 MiB are equal, 64 KiB and 4 MiB take half as much time again. Eight keep both sides
 * busy while the reading thread is woken for four at a time only.
 */
#define BUFFER_THREADED ((size_t)256 << 10)
#define RING            8U
#define BUFFER_INLINE   ((size_t)64 << 10)

enum order { ORDER_PRODUCE, ORDER_DRAIN, ORDER_QUIT };

struct slot {
	uint8_t *data;
	size_t len;
};

struct stream_engine {
	struct stream window; /* what the caller holds */
	struct producer *producer;
	size_t buffer_size;
	unsigned slots; /* RING, or 1 without a thread */
	uint8_t *buffers;

	bool threaded;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under the lock, when there is a thread. */
	struct slot ring[RING];
	unsigned head, filled; /* the oldest filled slot, and how many there are */
	bool ended;            /* nothing will be filled any more; how, is in producer */
	enum order order;

	/* The consumer's own. */
	bool holds_slot; /* ring[head] is in use by the window or by rest */
	uint64_t taken;  /* bytes of all slots held so far */
	uint8_t *carry;  /* side buffer for what straddles slots; NULL until needed */
	size_t carry_size;
	bool in_carry; /* the window lies in it, and rest is what follows it in the held slot */
	struct span rest;
	bool out_of_memory, finished;
	bool held, starved; /* by stream_hold(); starved: and something came up short */
};

static void *produce(void *arg)
{
	struct stream_engine *e = arg;
	bool more = true;

	pthread_mutex_lock(&e->lock);
	while (more) {
		while (e->filled == e->slots && e->order == ORDER_PRODUCE)
			pthread_cond_wait(&e->changed, &e->lock);
		if (e->order != ORDER_PRODUCE)
			break;
		struct slot *slot = &e->ring[(e->head + e->filled) % e->slots];

		pthread_mutex_unlock(&e->lock);
		more = producer_fill(e->producer, slot->data, e->buffer_size, &slot->len);
		pthread_mutex_lock(&e->lock);
		e->filled += slot->len > 0;
		e->ended = !more;
		pthread_cond_signal(&e->changed);
	}
	e->ended = true;
	/* The rest of the file is read for its digest, while the consumer is still busy with what it has. */
	bool drain = e->order != ORDER_QUIT;

	pthread_mutex_unlock(&e->lock);
	if (drain)
		producer_drain(e->producer);
	return NULL;
}

static void thread_join(struct stream_engine *e, enum order order)
{
	if (!e->threaded)
		return;
	pthread_mutex_lock(&e->lock);
	e->order = order;
	pthread_cond_signal(&e->changed);
	pthread_mutex_unlock(&e->lock);
	pthread_join(e->thread, NULL);
	e->threaded = false;
}

struct stream *stream_open(const char *path, enum stream_mode mode, bool hash, struct control *control,
			   struct error *err)
{
	struct stream_engine *e = calloc(1, sizeof *e);

	if (!e) {
		error_memory(err, path);
		return NULL;
	}
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->changed, NULL);
	e->window.engine = e;
	e->producer = mode == STREAM_PEEK ? producer_open(path, false, NULL, err)
					  : producer_open(path, hash, control, err);
	if (!e->producer)
		goto failed;
	/* A regular file that fits in one buffer gains nothing from a thread; an empty "file" of /proc may be
	 * large. */
	uint64_t size = producer_stored_size(e->producer);
	bool threaded = mode == STREAM_THREADED && (size == 0 || size > BUFFER_THREADED);

	e->slots = threaded ? RING : 1;
	e->buffer_size = threaded ? BUFFER_THREADED : BUFFER_INLINE;
	e->buffers = malloc(e->slots * e->buffer_size);
	if (!e->buffers) {
		error_memory(err, "read buffers");
		goto failed;
	}
	for (unsigned i = 0; i < e->slots; i++)
		e->ring[i].data = e->buffers + i * e->buffer_size;
	e->window.at = e->window.window_end = e->buffers;
	/* Of a file of /proc, a second reading may find something else. */
	if (threaded && size)
		producer_hash_apart(e->producer);
	e->threaded = threaded && thread_start(&e->thread, produce, e);
	return &e->window;
failed:
	stream_close(&e->window);
	return NULL;
}

/* Gives back the held slot. */
static void slot_release(struct stream_engine *e)
{
	if (!e->holds_slot)
		return;
	e->holds_slot = false;
	if (e->threaded)
		pthread_mutex_lock(&e->lock);
	e->head = (e->head + 1) % e->slots;
	e->filled--;
	if (e->threaded) {
		/* A full ring has put the thread to sleep: waking it for each slot would cost more than half
		 * a ring of advance is worth. */
		if (e->filled <= e->slots / 2)
			pthread_cond_signal(&e->changed);
		pthread_mutex_unlock(&e->lock);
	}
}

/* Whether there is a filled slot at ring[head], after waiting for it; false at the end of the stream. */
static bool slot_wait(struct stream_engine *e)
{
	if (e->threaded) {
		pthread_mutex_lock(&e->lock);
		while (!e->filled && !e->ended)
			pthread_cond_wait(&e->changed, &e->lock);
		bool there = e->filled > 0;

		pthread_mutex_unlock(&e->lock);
		return there;
	}
	while (!e->filled && !e->ended) {
		struct slot *slot = &e->ring[e->head];

		e->ended = !producer_fill(e->producer, slot->data, e->buffer_size, &slot->len);
		e->filled = slot->len > 0;
	}
	return e->filled > 0;
}

/* Exchanges the held slot for the next one; empty at the end of the stream. */
static struct span slot_next(struct stream_engine *e)
{
	slot_release(e);
	if (!slot_wait(e))
		return (struct span){ e->buffers, 0 };
	/* Only this thread takes slots away, so the filled one stays, and is ours without the lock. */
	e->holds_slot = true;
	e->taken += e->ring[e->head].len;
	return (struct span){ e->ring[e->head].data, e->ring[e->head].len };
}

static void window_set(struct stream_engine *e, struct span bytes)
{
	e->window.at = bytes.ptr;
	e->window.window_end = bytes.ptr + bytes.len;
}

/* Room in the carry for `more` bytes behind the window, whose bytes move to its front. */
static bool carry_reserve(struct stream_engine *e, size_t more)
{
	size_t have = (size_t)(e->window.window_end - e->window.at);
	size_t need = have + more;

	if (need > e->carry_size) {
		/* Doubling, and never by what a record claims: only bytes that exist take memory. */
		size_t size = need < 2 * e->carry_size ? 2 * e->carry_size : need;
		uint8_t *carry = malloc(size);

		if (!carry) {
			e->out_of_memory = true;
			return false;
		}
		memcpy(carry, e->window.at, have);
		free(e->carry);
		e->carry = carry;
		e->carry_size = size;
	} else {
		memmove(e->carry, e->window.at, have);
	}
	window_set(e, (struct span){ e->carry, have });
	return true;
}

/* The window is used up and a new one begins: with what remains of the held slot, or with the next one. */
static void window_renew(struct stream_engine *e)
{
	if (e->in_carry && e->rest.len)
		window_set(e, e->rest);
	else
		window_set(e, slot_next(e));
	e->in_carry = false;
	e->rest.len = 0;
}

void stream_fetch(struct stream *s, size_t want)
{
	struct stream_engine *e = s->engine;

	if (e->held) {
		e->starved = true;
		return;
	}
	for (;;) {
		size_t have = (size_t)(s->window_end - s->at);

		if (have >= want || e->out_of_memory)
			return;
		if (!have) {
			window_renew(e);
			if (s->at == s->window_end)
				return;
			continue;
		}
		/* The front of the record goes to the carry before its slot is given back. */
		if (!e->in_carry) {
			if (!carry_reserve(e, 0))
				return;
			e->in_carry = true;
			e->rest.len = 0;
		}
		if (!e->rest.len)
			e->rest = slot_next(e);
		if (!e->rest.len)
			return;
		size_t n = e->rest.len < want - have ? e->rest.len : want - have;

		if (!carry_reserve(e, n))
			return;
		memcpy(e->carry + have, e->rest.ptr, n);
		s->window_end += n;
		e->rest.ptr += n;
		e->rest.len -= n;
	}
}

bool stream_skip(struct stream *s, uint64_t n)
{
	for (;;) {
		size_t have = (size_t)(s->window_end - s->at);

		if (n <= have) {
			s->at += n;
			return true;
		}
		if (s->engine->held) {
			s->engine->starved = true;
			return false;
		}
		s->at = s->window_end;
		n -= have;
		if (!stream_peek(s, 1).len)
			return false;
	}
}

void stream_hold(struct stream *s)
{
	s->engine->held = true;
	s->engine->starved = false;
}

bool stream_release(struct stream *s)
{
	s->engine->held = false;
	return s->engine->starved;
}

uint64_t stream_offset(const struct stream *s)
{
	const struct stream_engine *e = s->engine;

	return e->taken - (e->in_carry ? e->rest.len : 0) - (uint64_t)(s->window_end - s->at);
}

enum stream_end stream_end(const struct stream *s)
{
	struct stream_engine *e = s->engine;

	if (e->out_of_memory)
		return STREAM_UNREADABLE;
	if (e->threaded)
		pthread_mutex_lock(&e->lock);
	bool over = e->ended && !e->filled;

	if (e->threaded)
		pthread_mutex_unlock(&e->lock);
	return over ? producer_end(e->producer) : STREAM_OPEN;
}

const char *stream_problem(const struct stream *s)
{
	return s->engine->out_of_memory ? "out of memory for one record"
					: producer_problem(s->engine->producer);
}

const char *stream_container(const struct stream *s)
{
	return producer_container(s->engine->producer);
}

void stream_finish(struct stream *s, bool read_rest, struct stream_summary *summary)
{
	struct stream_engine *e = s->engine;

	e->finished = true;
	if (!read_rest || !producer_can_drain(e->producer)) {
		producer_interrupt(e->producer);
		thread_join(e, ORDER_QUIT);
	} else if (e->threaded) {
		thread_join(e, ORDER_DRAIN);
	} else {
		producer_drain(e->producer);
	}
	if (summary)
		producer_summary(e->producer, read_rest, summary);
}

void stream_close(struct stream *s)
{
	if (!s)
		return;
	struct stream_engine *e = s->engine;

	if (e->producer && !e->finished)
		stream_finish(s, false, NULL);
	producer_close(e->producer);
	pthread_cond_destroy(&e->changed);
	pthread_mutex_destroy(&e->lock);
	free(e->carry);
	free(e->buffers);
	free(e);
}
