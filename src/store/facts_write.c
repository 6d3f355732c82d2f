/* What workers tell, written into chunks; see facts.h. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "base/clock.h"
#include "store/facts_io.h"
#include <stdlib.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#define COMPRESSION_LEVEL 1 /* zstd's fastest; level 3 takes 1.7 times as long for 5 % less */

struct facts_writer {
	struct facts_io io;
	struct facts_place place;
	void (*full)(void *self, struct facts_chunk *chunk);
	void *self;
	int64_t stamp_ns, first_ns;
	uint32_t records;
	bool failed;
	struct error failure;
	uint8_t *packed; /* room for a chunk after compression */
	size_t packed_room;
#ifdef HAVE_ZSTD
	ZSTD_CCtx *zstd;
#endif
	struct fact fact;
};

static void add_text(uint64_t *sum, const char *text)
{
	*sum = facts_sum(*sum, (struct span){ (const uint8_t *)text, strlen(text) + 1 });
}

uint32_t facts_format(void)
{
	/* Facts hold numbers of protocols, their evidence, dissectors and patterns. */
	const uint32_t sizes[] = { FACTS_VERSION,
				   sizeof(struct observation),
				   sizeof(struct occurrence),
				   sizeof(struct media_report),
				   sizeof(struct flow_record),
				   sizeof(struct logged_message),
				   sizeof(struct pattern_hit),
				   sizeof(struct dns_answer),
				   sizeof(struct stage_counts),
				   DECODE_REASON_COUNT,
				   JUDGEMENT_COUNT,
				   FLOW_END_COUNT,
				   ROLE_COUNT };
	uint64_t sum = facts_sum(FACTS_SUM_SEED, (struct span){ (const uint8_t *)sizes, sizeof sizes });

	for (unsigned p = 0; p < protocol_count; p++) {
		add_text(&sum, protocols[p]->name);
		for (unsigned k = 0; k < protocols[p]->kind_count; k++)
			add_text(&sum, protocols[p]->kinds[k].name);
	}
	for (unsigned d = 0; d < dissector_count; d++)
		add_text(&sum, dissectors[d]->name);
	for (unsigned n = 0; n < pattern_count(); n++) {
		unsigned protocol;
		add_text(&sum, pattern_numbered(n, &protocol)->name);
	}
	return (uint32_t)(sum ^ sum >> 32);
}

void facts_chunk_drop(struct facts_chunk *chunk)
{
	free(chunk->bytes);
	*chunk = (struct facts_chunk){ 0 };
}

struct facts_writer *facts_writer_new(uint32_t session, uint16_t worker,
				      void (*full)(void *self, struct facts_chunk *chunk), void *self,
				      struct error *err)
{
	struct facts_writer *w = calloc(1, sizeof *w);

	if (!w) {
		error_memory(err, "the writer of facts");
		return NULL;
	}
	w->place = (struct facts_place){ .session = session, .worker = worker };
	w->full = full;
	w->self = self;
	w->packed_room = FACTS_PLAIN_MAX;
#ifdef HAVE_ZSTD
	w->packed_room = ZSTD_compressBound(FACTS_PLAIN_MAX);
	w->zstd = ZSTD_createCCtx();
	bool ok = w->zstd;
#else
	bool ok = true;
#endif
	w->io.writing = true;
	w->io.out = malloc(FACTS_PLAIN_MAX);
	w->packed = malloc(FACTS_HEAD + w->packed_room);
	if (!ok || !w->io.out || !w->packed) {
		facts_writer_free(w);
		error_memory(err, "the writer of facts");
		return NULL;
	}
	facts_io_begin(&w->io);
	return w;
}

void facts_writer_free(struct facts_writer *w)
{
	if (!w)
		return;
#ifdef HAVE_ZSTD
	ZSTD_freeCCtx(w->zstd);
#endif
	free(w->io.out);
	free(w->packed);
	free(w);
}

static uint8_t *put_be(uint8_t *at, uint64_t value, unsigned bytes)
{
	while (bytes--)
		*at++ = (uint8_t)(value >> 8 * bytes);
	return at;
}

/* Behind the head; returns the size, and how it was done. */
static size_t pack(struct facts_writer *w, enum facts_codec *codec)
{
#ifdef HAVE_ZSTD
	size_t size = ZSTD_compressCCtx(w->zstd, w->packed + FACTS_HEAD, w->packed_room, w->io.out,
					w->io.used, COMPRESSION_LEVEL);
	if (!ZSTD_isError(size) && size < w->io.used) {
		*codec = FACTS_ZSTD;
		return size;
	}
#endif
	*codec = FACTS_PLAIN;
	memcpy(w->packed + FACTS_HEAD, w->io.out, w->io.used);
	return w->io.used;
}

void facts_writer_flush(struct facts_writer *w)
{
	enum facts_codec codec;

	if (w->records == 0 || w->failed)
		return;
	size_t size = FACTS_HEAD + pack(w, &codec);
	uint8_t *at = put_be(w->packed, FACTS_MAGIC, 4);
	at = put_be(at, facts_format(), 4);
	at += 8; /* the sum, last */
	at = put_be(at, codec, 1);
	at = put_be(at, w->io.used, 4);
	(void)put_be(at, (uint64_t)w->first_ns, 8);
	put_be(w->packed + FACTS_SUM_AT,
	       facts_sum(FACTS_SUM_SEED, (struct span){ w->packed + FACTS_SUMMED, size - FACTS_SUMMED }), 8);
	w->place.seq++;
	struct facts_chunk chunk = { .place = w->place,
				     .first_ns = w->first_ns,
				     .last_ns = w->stamp_ns,
				     .records = w->records,
				     .size = size,
				     .bytes = malloc(size) };
	if (!chunk.bytes) {
		w->failed = true;
		error_memory(&w->failure, "a chunk of facts");
		return;
	}
	memcpy(chunk.bytes, w->packed, size);
	facts_io_begin(&w->io);
	w->records = 0;
	w->full(w->self, &chunk);
}

/* w->fact is filled. */
static void write_fact(struct facts_writer *w, enum fact_kind kind)
{
	w->io.kind = kind;
	if (w->records == 0)
		w->first_ns = w->stamp_ns;
	if (!facts_record_head(&w->io, w->stamp_ns) || !facts_record(&w->io, &w->fact)) {
		w->failed = true;
		error_set(&w->failure, EXIT_INTERNAL,
			  "a defect of footsteps: a fact (kind %d) cannot be written", (int)kind);
		return;
	}
	w->records++;
	if (w->io.used >= FACTS_CHUNK)
		facts_writer_flush(w);
}

static void observed(void *self, const struct observation *o)
{
	struct facts_writer *w = self;

	if (w->failed)
		return;
	w->fact.of.observation = *o;
	write_fact(w, FACT_OBSERVATION);
}

static void occurred(void *self, const struct occurrence *o)
{
	struct facts_writer *w = self;

	if (w->failed)
		return;
	w->fact.of.occurrence = *o;
	write_fact(w, FACT_OCCURRENCE);
}

static void metered(void *self, const struct media_report *r)
{
	struct facts_writer *w = self;

	if (w->failed)
		return;
	w->fact.of.media = *r;
	write_fact(w, FACT_MEDIA);
}

static void flow_closed(void *self, const struct flow_record *r, const struct logged_message *log)
{
	struct facts_writer *w = self;

	if (w->failed)
		return;
	w->fact.of.flow = *r;
	memcpy(w->fact.log, log, intake_log_entries(r) * sizeof log[0]);
	write_fact(w, FACT_FLOW);
}

static void named(void *self, const struct dns_answer *answer, int64_t ts_ns)
{
	struct facts_writer *w = self;

	if (w->failed)
		return;
	w->fact.of.name.answer = *answer;
	w->fact.of.name.ts_ns = ts_ns;
	write_fact(w, FACT_NAME);
}

struct intake facts_writer_intake(struct facts_writer *w)
{
	return (struct intake){ observed, occurred, metered, flow_closed, named, w };
}

void facts_writer_stamp(struct facts_writer *w, int64_t ts_ns)
{
	w->stamp_ns = ts_ns;
}

void facts_writer_counts(struct facts_writer *w, const struct stage_counts *counts, int64_t first_ns,
			 int64_t last_ns)
{
	if (w->failed)
		return;
	w->fact.of.counts.counts = *counts;
	w->fact.of.counts.first_ns = first_ns;
	w->fact.of.counts.last_ns = last_ns;
	write_fact(w, FACT_COUNTS);
}

bool facts_writer_failed(const struct facts_writer *w, struct error *err)
{
	if (w->failed && err)
		*err = w->failure;
	return w->failed;
}
