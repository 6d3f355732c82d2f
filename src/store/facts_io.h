/*
 * What facts look like in a chunk. Private to facts_write.c, facts_records.c and facts_tell.c.
 *
 * A chunk is a head of FACTS_HEAD bytes, and its records, compressed or not. A record is its kind, its stamp,
 * and fields as facts_records.c lists them: one list serves writing and reading, so that the two cannot
 * differ. Numbers are LEB128 (7 bits to a byte), signed ones zigzag; times count from the record's stamp, and
 * packet numbers from the last one before, so that most of them take a byte or two.
 *
 * Reading trusts nothing: the head's sum finds damage, and every field is checked all the same, as whoever
 * changes a file can compute a sum.
 */
#ifndef FS_STORE_FACTS_IO_H
#define FS_STORE_FACTS_IO_H
#include "base/reader.h"
#include "identify/patterns.h"
#include "store/facts.h"
#include <string.h>

#define FACTS_VERSION 2U

/* "FStF", format (be32), sum (be32 each: of what follows), codec (u8), bytes before compression (be32), stamp
 * of the first record (be64). */
#define FACTS_HEAD   29U
#define FACTS_SUM_AT 8U
#define FACTS_SUMMED 16U
#define FACTS_MAGIC  0x46537446U
enum facts_codec { FACTS_PLAIN, FACTS_ZSTD };

/* The longest record is a flow with a whole log, of at most 8 bytes an entry. */
#define FACTS_RECORD_MAX (64U << 10)
#define FACTS_PLAIN_MAX  (FACTS_CHUNK + FACTS_RECORD_MAX)
_Static_assert(MESSAGE_KEPT_MAX * 8U + 2U * PATTERNS_MAX * 32U + 4096U < FACTS_RECORD_MAX, "a flow fits");

#define FACTS_HITS_MAX (2U * PATTERNS_MAX)
#define FACTS_LOG_MAX  (MESSAGE_KEPT_MAX + FACTS_HITS_MAX * PATTERN_HIT_ENTRIES)
/* Different texts that a chunk remembers; further ones are spelled out each time. */
#define FACTS_TEXTS_MAX 1024U
#define FACTS_TEXT_MAX  255U /* bytes of one; what is longer is cut */

enum fact_kind {
	FACT_OBSERVATION = 1,
	FACT_OCCURRENCE,
	FACT_MEDIA,
	FACT_FLOW,
	FACT_NAME,
	FACT_COUNTS,
	FACT_KINDS
};

struct fact {
	union {
		struct observation observation;
		struct occurrence occurrence;
		struct media_report media;
		struct flow_record flow;
		struct {
			struct dns_answer answer;
			int64_t ts_ns;
		} name;
		struct {
			struct stage_counts counts;
			int64_t first_ns, last_ns;
		} counts;
	} of;
	struct logged_message log[FACTS_LOG_MAX]; /* of a flow */
};

struct facts_io {
	bool writing, failed; /* failed: no room, or not what can have been written */
	enum fact_kind kind;  /* of the record */
	int64_t stamp_ns;     /* ... and until it is known that of the one before */
	uint64_t number;      /* the last packet number */
	uint32_t texts;
	/* writing */
	uint8_t *out; /* FACTS_PLAIN_MAX */
	size_t used;
	uint32_t text_at[FACTS_TEXTS_MAX];       /* where their bytes are in out, behind the length */
	uint16_t text_slot[2 * FACTS_TEXTS_MAX]; /* number by hash, 0: free */
	/* reading */
	struct reader in;
	uint64_t number_offset;
	struct intern *names;
	const char *text[FACTS_TEXTS_MAX];
};

/* A record's kind and stamp; stamp_ns: while writing. */
bool facts_record_head(struct facts_io *io, int64_t stamp_ns);
/* The rest of it. False: it failed. */
bool facts_record(struct facts_io *io, struct fact *fact);
/* A fresh chunk. */
void facts_io_begin(struct facts_io *io);
/* FNV-1a (Fowler, Noll, Vo), 64 bits: every step is reversible, so that no single changed byte goes unseen.
 */
uint64_t facts_sum(uint64_t sum, struct span bytes);
#define FACTS_SUM_SEED UINT64_C(0xcbf29ce484222325)

/* --- fields --- */
void io_u64_long(struct facts_io *io, uint64_t *value);

/* Most numbers are below 128, and a flow has hundreds of them. */
static inline void io_u64(struct facts_io *io, uint64_t *value)
{
	if (io->writing && *value < 0x80 && io->used < FACTS_PLAIN_MAX)
		io->out[io->used++] = (uint8_t)*value;
	else if (!io->writing && !io->in.failed && io->in.at < io->in.end && *io->in.at < 0x80)
		*value = *io->in.at++;
	else
		io_u64_long(io, value);
}

void io_i64(struct facts_io *io, int64_t *value);
void io_bytes(struct facts_io *io, void *bytes, size_t n);
void io_text(struct facts_io *io, const char **text);
/* A NUL-terminated text in an array; the rest becomes 0. */
void io_chars(struct facts_io *io, char *chars, size_t room);
/* At most `most`, else it fails; of any unsigned type or bool. */
static inline uint64_t io_limited(struct facts_io *io, uint64_t value, uint64_t most)
{
	io_u64(io, &value);
	if (value <= most)
		return value;
	io->failed = true;
	return 0;
}
#define IO_NUMBER(io, field, most) ((field) = (__typeof__(field))io_limited((io), (uint64_t)(field), (most)))
void io_time(struct facts_io *io, int64_t *ts_ns);     /* near the stamp */
void io_packet(struct facts_io *io, uint64_t *number); /* a packet's number; 0 stays 0 */
void io_float(struct facts_io *io, float *value);
void io_endpoint(struct facts_io *io, struct endpoint *e);
#endif
