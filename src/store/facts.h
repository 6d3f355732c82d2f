/*
 * Facts: what flow workers tell (intake.h), written down, so that it can be told again. A live run appends
 * them to its database (table facts) every few seconds, and makes all other tables of them, again and again;
 * `footsteps merge` puts those of several databases together. Same facts, same tables, to the last row: there
 * is only one way to the tables, store/aggregate.h.
 *
 * Facts come in chunks, each for itself: texts are spelled out where they first come, structs are those of
 * this machine and version (FACTS_FORMAT, checked), the whole is compressed with zstd where it is built in. A
 * chunk is of one stream: one worker between start and end of the program. A stream is in the order in which
 * the worker told; several are merged by stamp.
 */
#ifndef FS_STORE_FACTS_H
#define FS_STORE_FACTS_H
#include "base/error.h"
#include "base/intern.h"
#include "store/worker.h"

#define FACTS_CHUNK (256U << 10) /* bytes before compression; a chunk ends at the first record beyond */

/* A number that changes with any struct that is written, with the byte order, and with FACTS_VERSION. */
uint32_t facts_format(void);

/* Which stream, and where in it. Chunks of a stream are told in order of seq. */
struct facts_place {
	uint32_t session; /* 1.. in the run: each start of the program */
	uint16_t worker;  /* 0.. */
	uint64_t seq;     /* 1.. in the stream */
	const char *file; /* where it lies, for messages; borrowed, NULL: not said */
};

struct facts_chunk {
	struct facts_place place;
	int64_t first_ns, last_ns; /* stamps of its first and last record */
	uint32_t records;
	size_t size;
	uint8_t *bytes; /* allocated with malloc(), owned by whoever holds the chunk */
};
void facts_chunk_drop(struct facts_chunk *chunk);

/* --- writing --- */
struct facts_writer;
/* full: takes the chunk over (its bytes), in the worker's thread. */
struct facts_writer *facts_writer_new(uint32_t session, uint16_t worker,
				      void (*full)(void *self, struct facts_chunk *chunk), void *self,
				      struct error *err);
void facts_writer_free(struct facts_writer *w);
struct intake facts_writer_intake(struct facts_writer *w);
/* The stamp of what is told from now on: the time of the frame that a worker is given next, or of a tick. */
void facts_writer_stamp(struct facts_writer *w, int64_t ts_ns);
/* Counts of the stream so far; the last ones count, and of maxima the greatest: they may be those since the
 * last call. First and last frame since the last call: both 0: none came. */
void facts_writer_counts(struct facts_writer *w, const struct stage_counts *counts, int64_t first_ns,
			 int64_t last_ns);
/* Hands out what there is, however little; nothing when there is nothing. */
void facts_writer_flush(struct facts_writer *w);
bool facts_writer_failed(const struct facts_writer *w, struct error *err); /* out of memory */

/* --- telling again --- */
/* Where counts come out, beside the intake. */
struct facts_listener {
	struct intake intake;
	void (*counts)(void *self, const struct facts_place *place, const struct stage_counts *counts,
		       int64_t first_ns, int64_t last_ns);
	void *self; /* of counts() */
};
/*
 * Everything in a chunk, in order. names: where its texts are kept. Numbers of packets and flows are told
 * plus number_offset. EXIT_INPUT when the chunk is damaged or of another format.
 */
bool facts_tell(struct span bytes, const struct facts_place *place, uint64_t number_offset,
		struct intern *names, const struct facts_listener *listener, struct error *err);
/* One stream, a chunk at a time; next() fills *bytes (borrowed until the next call) and false at the end or,
 * with *failed, on failure. */
struct facts_stream {
	bool (*next)(void *self, struct span *bytes, struct facts_place *place, bool *failed,
		     struct error *err);
	void *self;
	uint64_t number_offset;
};
/* All streams, merged by stamp (ties: the earlier stream of the array). */
bool facts_tell_all(const struct facts_stream *stream, size_t streams, struct intern *names,
		    const struct facts_listener *listener, struct error *err);
#endif
