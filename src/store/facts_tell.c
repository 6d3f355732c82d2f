/* Facts told again, of one chunk or of all streams merged; see facts.h. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "store/facts_io.h"
#include <stdlib.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

/* A chunk being told. */
struct teller {
	struct facts_io io;
	uint8_t *plain; /* FACTS_PLAIN_MAX; NULL: nothing is open */
	struct facts_place place;
};

static bool damaged(const struct facts_place *place, const char *what, struct error *err)
{
	return error_set(err, EXIT_INPUT, "%s%sfacts of session %u, worker %u, chunk %llu: %s",
			 place->file ? place->file : "", place->file ? ": " : "", (unsigned)place->session,
			 (unsigned)place->worker, (unsigned long long)place->seq, what);
}

static uint64_t rd_be64(struct reader *r)
{
	uint64_t high = rd_be32(r);

	return high << 32 | rd_be32(r);
}

struct chunk_head {
	uint8_t codec;
	uint32_t size;
	int64_t first_ns;
	struct span body;
};

static bool read_head(struct span bytes, const struct facts_place *place, struct chunk_head *head,
		      struct error *err)
{
	struct reader r = reader_on(bytes);
	uint32_t magic = rd_be32(&r), format = rd_be32(&r);
	uint64_t sum = rd_be64(&r);

	if (r.failed || magic != FACTS_MAGIC)
		return damaged(place, "these are no facts", err);
	if (format != facts_format())
		return damaged(
			place,
			"written by another version of footsteps, or on another kind of machine: only that "
			"one can tell them",
			err);
	struct reader all = r;
	if (sum != facts_sum(FACTS_SUM_SEED, rd_rest(&all)))
		return damaged(place, "damaged", err);
	head->codec = rd_u8(&r);
	head->size = rd_be32(&r);
	head->first_ns = (int64_t)rd_be64(&r);
	head->body = rd_rest(&r);
	if (r.failed || head->size > FACTS_PLAIN_MAX || head->first_ns > FRAME_TIME_MAX ||
	    head->first_ns < -FRAME_TIME_MAX)
		return damaged(place, "damaged", err);
	return true;
}

static bool unpack(uint8_t *plain, const struct chunk_head *head, const struct facts_place *place,
		   struct error *err)
{
	if (head->codec == FACTS_PLAIN) {
		if (head->body.len != head->size)
			return damaged(place, "damaged", err);
		memcpy(plain, head->body.ptr, head->size);
		return true;
	}
#ifdef HAVE_ZSTD
	if (head->codec == FACTS_ZSTD)
		return ZSTD_decompress(plain, FACTS_PLAIN_MAX, head->body.ptr, head->body.len) ==
			       head->size ||
		       damaged(place, "damaged", err);
#endif
	return damaged(place, "compressed with zstd, which this footsteps was built without", err);
}

static bool teller_open(struct teller *t, struct span bytes, const struct facts_place *place,
			uint64_t number_offset, struct intern *names, struct error *err)
{
	struct chunk_head head;

	if (!read_head(bytes, place, &head, err))
		return false;
	t->plain = malloc(FACTS_PLAIN_MAX);
	if (!t->plain)
		return error_memory(err, "a chunk of facts");
	if (!unpack(t->plain, &head, place, err))
		return false;
	t->place = *place;
	facts_io_begin(&t->io);
	t->io.in = reader_on((struct span){ t->plain, head.size });
	t->io.number_offset = number_offset;
	t->io.names = names;
	return true;
}

static void teller_close(struct teller *t)
{
	free(t->plain);
	t->plain = NULL;
}

/* The next record's kind and stamp; *more false: the chunk is over. */
static bool teller_next(struct teller *t, bool *more, struct error *err)
{
	*more = rd_left(&t->io.in) > 0;
	return !*more || facts_record_head(&t->io, 0) || damaged(&t->place, "damaged", err);
}

static bool teller_tell(struct teller *t, struct fact *fact, const struct facts_listener *l,
			struct error *err)
{
	const struct intake *to = &l->intake;

	if (!facts_record(&t->io, fact))
		return damaged(&t->place, "damaged", err);
	switch (t->io.kind) {
	case FACT_OBSERVATION:
		to->observed(to->self, &fact->of.observation);
		break;
	case FACT_OCCURRENCE:
		to->occurred(to->self, &fact->of.occurrence);
		break;
	case FACT_MEDIA:
		to->metered(to->self, &fact->of.media);
		break;
	case FACT_FLOW:
		to->flow(to->self, &fact->of.flow, fact->log);
		break;
	case FACT_NAME:
		to->named(to->self, &fact->of.name.answer, fact->of.name.ts_ns);
		break;
	default:
		if (l->counts)
			l->counts(l->self, &t->place, &fact->of.counts.counts, fact->of.counts.first_ns,
				  fact->of.counts.last_ns);
	}
	return true;
}

bool facts_tell(struct span bytes, const struct facts_place *place, uint64_t number_offset,
		struct intern *names, const struct facts_listener *listener, struct error *err)
{
	struct teller *t = calloc(1, sizeof *t);
	struct fact *fact = calloc(1, sizeof *fact);
	bool more = true;

	bool ok = (t && fact) || error_memory(err, "a chunk of facts");
	ok = ok && teller_open(t, bytes, place, number_offset, names, err);
	while (ok && (ok = teller_next(t, &more, err)) && more)
		ok = teller_tell(t, fact, listener, err);
	if (t)
		teller_close(t);
	free(t);
	free(fact);
	return ok;
}

/* --- all streams --- */

/* A chunk is opened when it is its turn, so that streams which begin later, or are over, take no memory. */
struct strand {
	const struct facts_stream *stream;
	struct teller *teller; /* NULL: the chunk at hand waits */
	struct span bytes;
	struct facts_place place;
	int64_t stamp_ns; /* of the next record */
};

struct telling {
	struct strand *strand;
	uint32_t *heap; /* strands with something to tell, the next one first */
	uint32_t waiting;
	struct intern *names;
	struct fact *fact;
};

static bool comes_first(const struct telling *t, uint32_t a, uint32_t b)
{
	int64_t x = t->strand[a].stamp_ns, y = t->strand[b].stamp_ns;

	return x != y ? x < y : a < b;
}

/* The strand at `at` may have to go down. */
static void heap_settle(struct telling *t, uint32_t at)
{
	for (;;) {
		uint32_t least = at;
		for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < t->waiting; child++)
			if (comes_first(t, t->heap[child], t->heap[least]))
				least = child;
		if (least == at)
			return;
		uint32_t one = t->heap[at];
		t->heap[at] = t->heap[least];
		t->heap[least] = one;
		at = least;
	}
}

/* The strand's next chunk; *more false: it is over. */
static bool next_chunk(struct strand *s, bool *more, struct error *err)
{
	struct chunk_head head;
	bool failed = false;

	*more = s->stream->next(s->stream->self, &s->bytes, &s->place, &failed, err);
	if (!*more)
		return !failed;
	if (!read_head(s->bytes, &s->place, &head, err))
		return false;
	s->stamp_ns = head.first_ns;
	return true;
}

static bool open_strand(struct telling *t, struct strand *s, struct error *err)
{
	bool more;

	s->teller = calloc(1, sizeof *s->teller);
	if (!s->teller)
		return error_memory(err, "a chunk of facts");
	if (!teller_open(s->teller, s->bytes, &s->place, s->stream->number_offset, t->names, err) ||
	    !teller_next(s->teller, &more, err))
		return false;
	return more || damaged(&s->place, "damaged", err);
}

static void close_strand(struct strand *s)
{
	if (s->teller)
		teller_close(s->teller);
	free(s->teller);
	s->teller = NULL;
}

/* Tells the next record of the strand; *more false: it was its last. */
static bool tell_one(struct telling *t, struct strand *s, const struct facts_listener *l, bool *more,
		     struct error *err)
{
	if (!s->teller && !open_strand(t, s, err))
		return false;
	if (!teller_tell(s->teller, t->fact, l, err) || !teller_next(s->teller, more, err))
		return false;
	if (*more) {
		s->stamp_ns = s->teller->io.stamp_ns;
		return true;
	}
	close_strand(s);
	return next_chunk(s, more, err);
}

static bool tell_strands(struct telling *t, const struct facts_listener *l, struct error *err)
{
	bool more;

	for (uint32_t i = t->waiting / 2; i-- > 0;)
		heap_settle(t, i);
	while (t->waiting > 0) {
		if (!tell_one(t, &t->strand[t->heap[0]], l, &more, err))
			return false;
		if (!more)
			t->heap[0] = t->heap[--t->waiting];
		heap_settle(t, 0);
	}
	return true;
}

bool facts_tell_all(const struct facts_stream *stream, size_t streams, struct intern *names,
		    const struct facts_listener *listener, struct error *err)
{
	struct telling t = { .strand = calloc(streams + 1, sizeof *t.strand),
			     .heap = calloc(streams + 1, sizeof *t.heap),
			     .names = names,
			     .fact = calloc(1, sizeof *t.fact) };
	bool ok = (t.strand && t.heap && t.fact) || error_memory(err, "the streams of facts");

	for (size_t i = 0; ok && i < streams; i++) {
		bool more = false;
		t.strand[i].stream = &stream[i];
		ok = next_chunk(&t.strand[i], &more, err);
		if (more)
			t.heap[t.waiting++] = (uint32_t)i;
	}
	ok = ok && tell_strands(&t, listener, err);
	for (size_t i = 0; t.strand && i < streams; i++)
		close_strand(&t.strand[i]);
	free(t.strand);
	free(t.heap);
	free(t.fact);
	return ok;
}
