/*
 * pcapng: the IETF's draft-ietf-opsawg-pcapng, cited by the names of its blocks and options. A file is a
 * chain of sections, each with its own byte order and interfaces; each interface has its own link type and
 * clock.
 */
#include "base/clock.h"
#include "base/reader.h"
#include "capture/format.h"
#include <stdlib.h>

#define BLOCK_SECTION    0x0a0d0d0aU /* the same in both byte orders */
#define BLOCK_INTERFACE  1U
#define BLOCK_PACKET     2U /* obsolete */
#define BLOCK_SIMPLE     3U
#define BLOCK_STATISTICS 5U
#define BLOCK_ENHANCED   6U

#define BLOCK_OVERHEAD   12U /* type, length, and the length again */
#define SECTION_SIZE_MIN 28U
#define BYTE_ORDER_MAGIC 0x1a2b3c4dU

#define OPTION_END           0U
#define OPTION_IF_TSRESOL    9U
#define OPTION_IF_TSOFFSET   14U
#define OPTION_ISB_IFDROP    5U
#define OPTION_ISB_OSDROP    7U
#define TSRESOL_DEFAULT      6U    /* microseconds */
#define TSRESOL_POWER_OF_TWO 0x80U /* else of ten */

struct interface {
	int linktype;
	uint32_t snaplen;
	uint8_t resolution; /* if_tsresol */
	uint64_t ns_per_unit, units_per_ns;
	int64_t offset; /* if_tsoffset: seconds to add to each timestamp */
	uint64_t ifdrop, osdrop;
};

struct pcapng {
	bool big_endian;
	struct interface *interfaces;
	size_t interface_count, interface_room;
	int64_t last_ns; /* simple packet blocks have no time of their own */
};

/* One block's body; offset and info are for complaints. */
struct block {
	uint32_t type, length;
	uint64_t offset;
	struct reader body;
	struct input_info *info;
};

static inline uint16_t rd_16(const struct pcapng *p, struct reader *r)
{
	return p->big_endian ? rd_be16(r) : rd_le16(r);
}

static inline uint32_t rd_32(const struct pcapng *p, struct reader *r)
{
	return p->big_endian ? rd_be32(r) : rd_le32(r);
}

static uint64_t rd_64(const struct pcapng *p, struct reader *r)
{
	uint64_t first = rd_32(p, r), second = rd_32(p, r);

	return p->big_endian ? first << 32 | second : second << 32 | first;
}

static bool byte_order(struct reader *r, bool *big_endian)
{
	struct reader little = *r;

	*big_endian = rd_be32(r) == BYTE_ORDER_MAGIC;
	return *big_endian || rd_le32(&little) == BYTE_ORDER_MAGIC;
}

static bool pcapng_matches(struct stream *s)
{
	struct reader r = reader_on(stream_peek(s, 12));
	bool big_endian, section = rd_be32(&r) == BLOCK_SECTION;

	rd_skip(&r, 4);
	return section && byte_order(&r, &big_endian);
}

/* Of a clock that counts in powers of two: units of 2^-exponent seconds. */
static int64_t time_of_binary(const struct interface *in, uint64_t units)
{
	unsigned exponent = in->resolution & ~TSRESOL_POWER_OF_TWO;
	uint64_t seconds = exponent < 64 ? units >> exponent : 0;
	uint64_t fraction = exponent < 64 ? units & ((UINT64_C(1) << exponent) - 1) : units;
	int64_t sum;

	/* 32 bits of fraction are finer than a nanosecond. */
	for (; exponent > 32; exponent--)
		fraction >>= 1;
	if (seconds > INT64_MAX || __builtin_add_overflow((int64_t)seconds, in->offset, &sum))
		return INT64_MAX;
	return time_join(sum, (int64_t)((fraction * (uint64_t)NS_PER_S) >> exponent));
}

/* Units of the interface's clock -> ns since 1970. */
static int64_t time_of(const struct interface *in, uint64_t units)
{
	uint64_t ns;
	int64_t sum;

	if (in->resolution & TSRESOL_POWER_OF_TWO)
		return time_of_binary(in, units);
	/* Clocks finer than a nanosecond lose digits; one of the two factors is 1. */
	if (__builtin_mul_overflow(units / in->units_per_ns, in->ns_per_unit, &ns) || ns > INT64_MAX)
		return INT64_MAX;
	if (!in->offset)
		return (int64_t)ns;
	if (__builtin_add_overflow((int64_t)(ns / (uint64_t)NS_PER_S), in->offset, &sum))
		return INT64_MAX;
	return time_join(sum, (int64_t)(ns % (uint64_t)NS_PER_S));
}

/* Units of 10^-exponent seconds, as factors of a nanosecond; held at what 64 bits can say. */
static void resolution_set(struct interface *in, uint8_t resolution)
{
	in->resolution = resolution;
	in->ns_per_unit = in->units_per_ns = 1;
	for (unsigned exponent = resolution; exponent < 9; exponent++)
		in->ns_per_unit *= 10;
	for (unsigned exponent = 9; exponent < resolution && exponent < 9 + 19; exponent++)
		in->units_per_ns *= 10;
}

/* The next option, until the last; false after it. */
static bool option_next(const struct pcapng *p, struct reader *r, unsigned *code, struct reader *value)
{
	if (rd_left(r) < 4)
		return false;
	*code = rd_16(p, r);
	size_t length = rd_16(p, r);

	*value = reader_on(rd_take(r, length));
	size_t padding = (4 - length % 4) % 4;

	rd_skip(r, rd_left(r) < padding ? rd_left(r) : padding);
	return !r->failed && *code != OPTION_END;
}

static enum record interface_add(struct pcapng *p, struct block *b)
{
	struct reader *r = &b->body, value;
	unsigned code;

	if (p->interface_count == p->interface_room) {
		size_t room = p->interface_room ? 2 * p->interface_room : 8;
		struct interface *grown = realloc(p->interfaces, room * sizeof *grown);

		if (!grown)
			return record_problem(b->info, RECORD_CUT, b->offset, "out of memory for interfaces");
		p->interfaces = grown;
		p->interface_room = room;
	}
	struct interface *in = &p->interfaces[p->interface_count];

	*in = (struct interface){ .linktype = rd_16(p, r) };
	resolution_set(in, TSRESOL_DEFAULT);
	rd_skip(r, 2);
	in->snaplen = rd_32(p, r);
	if (r->failed)
		return record_problem(b->info, RECORD_DAMAGED, b->offset, "an interface block is too short");
	while (option_next(p, r, &code, &value)) {
		struct reader eight = value;
		uint8_t resolution = rd_u8(&value);
		uint64_t offset = rd_64(p, &eight);

		if (code == OPTION_IF_TSRESOL && !value.failed)
			resolution_set(in, resolution);
		else if (code == OPTION_IF_TSOFFSET && !eight.failed)
			in->offset = (int64_t)offset;
	}
	p->interface_count++;
	if (b->info->snaplen < in->snaplen)
		b->info->snaplen = in->snaplen;
	return RECORD_FRAME;
}

/* Counters since the interface was opened: the last block of an interface holds them all. */
static enum record statistics_read(struct pcapng *p, struct block *b)
{
	struct reader *r = &b->body, value;
	uint32_t id = rd_32(p, r);
	unsigned code;

	rd_skip(r, 8);
	if (r->failed)
		return record_problem(b->info, RECORD_DAMAGED, b->offset, "a statistics block is too short");
	if (id >= p->interface_count) /* nobody's counters; the packets behind it are as good as any */
		return RECORD_FRAME;
	struct interface *in = &p->interfaces[id];

	while (option_next(p, r, &code, &value)) {
		uint64_t *counter = code == OPTION_ISB_IFDROP   ? &in->ifdrop
				    : code == OPTION_ISB_OSDROP ? &in->osdrop
								: NULL;
		uint64_t count = rd_64(p, &value);

		if (!counter || value.failed)
			continue;
		b->info->dropped += count - *counter;
		*counter = count;
	}
	return RECORD_FRAME;
}

static enum record packet_fill(struct pcapng *p, struct block *b, struct frame *frame,
			       const struct interface *in, uint32_t captured, uint32_t wire)
{
	if (captured > rd_left(&b->body))
		return record_problem(b->info, RECORD_DAMAGED, b->offset,
				      "a packet of %u captured bytes in a block with room for %zu", captured,
				      rd_left(&b->body));
	frame->bytes = rd_take(&b->body, captured);
	frame->wire_len = wire < captured ? captured : wire;
	frame->linktype = in->linktype;
	frame->ts_ns = p->last_ns;
	return RECORD_FRAME;
}

/* Enhanced packet block, and the obsolete packet block, which has a drop counter in the interface's upper
 * half. */
static enum record packet_read(struct pcapng *p, struct block *b, struct frame *frame)
{
	struct reader *r = &b->body;
	uint32_t id;

	if (b->type == BLOCK_PACKET) {
		id = rd_16(p, r);
		rd_skip(r, 2);
	} else {
		id = rd_32(p, r);
	}
	uint64_t high = rd_32(p, r), low = rd_32(p, r);
	uint32_t captured = rd_32(p, r), wire = rd_32(p, r);

	if (r->failed)
		return record_problem(b->info, RECORD_DAMAGED, b->offset, "a packet block is too short");
	if (id >= p->interface_count)
		return record_problem(b->info, RECORD_DAMAGED, b->offset,
				      "a packet of interface %u, but the section describes %zu", id,
				      p->interface_count);
	p->last_ns = time_of(&p->interfaces[id], high << 32 | low);
	return packet_fill(p, b, frame, &p->interfaces[id], captured, wire);
}

/* Simple packet block: of the first interface, without a time (the packet before lends its own). */
static enum record simple_read(struct pcapng *p, struct block *b, struct frame *frame)
{
	uint32_t wire = rd_32(p, &b->body);

	if (b->body.failed || !p->interface_count)
		return record_problem(b->info, RECORD_DAMAGED, b->offset,
				      "a simple packet block without interface");
	const struct interface *in = &p->interfaces[0];
	uint32_t captured = in->snaplen && in->snaplen < wire ? in->snaplen : wire;

	b->info->untimed++;
	return packet_fill(p, b, frame, in, captured, wire);
}

static enum record section_begin(struct pcapng *p, struct stream *s, struct input_info *info)
{
	struct reader r = reader_on(stream_peek(s, BLOCK_OVERHEAD));

	rd_skip(&r, 8);
	if (!byte_order(&r, &p->big_endian) && !r.failed)
		return record_problem(info, RECORD_DAMAGED, stream_offset(s), "a section without byte order");
	p->interface_count = 0;
	return RECORD_FRAME;
}

static bool is_read(uint32_t type)
{
	return type == BLOCK_ENHANCED || type == BLOCK_PACKET || type == BLOCK_SIMPLE ||
	       type == BLOCK_INTERFACE || type == BLOCK_STATISTICS;
}

/* The body of the block at the window's front; the stream moves behind it. */
static enum record body_take(const struct pcapng *p, struct stream *s, struct block *b)
{
	uint32_t length = b->length;
	struct span window = stream_peek(s, length);
	struct reader r = reader_on(window);

	rd_skip(&r, 8);
	b->body = reader_on(rd_take(&r, length - BLOCK_OVERHEAD));
	uint32_t again = rd_32(p, &r);

	if (r.failed)
		return record_short(s, b->info, "block");
	if (again != length)
		return record_problem(b->info, RECORD_DAMAGED, b->offset,
				      "a block of %u bytes says %u at its end", length, again);
	stream_advance(s, length);
	return RECORD_FRAME;
}

/* The next block's header: its type and its length, which made sense. */
static enum record header_read(struct pcapng *p, struct stream *s, struct block *b)
{
	struct span window = stream_peek(s, BLOCK_OVERHEAD);
	struct reader r = reader_on(window);

	b->offset = stream_offset(s);
	if (window.len < BLOCK_OVERHEAD)
		return window.len ? record_short(s, b->info, "block") : RECORD_END;
	b->type = rd_32(p, &r);
	if (b->type == BLOCK_SECTION && section_begin(p, s, b->info) != RECORD_FRAME)
		return RECORD_DAMAGED;
	b->length = rd_32(p, &r);
	if (b->length < (b->type == BLOCK_SECTION ? SECTION_SIZE_MIN : BLOCK_OVERHEAD) || b->length % 4)
		return record_problem(b->info, RECORD_DAMAGED, b->offset, "a block of type %u and %u bytes",
				      b->type, b->length);
	if (is_read(b->type) && b->length > RECORD_LIMIT)
		return record_problem(b->info, RECORD_DAMAGED, b->offset, "a packet block of %u bytes",
				      b->length);
	return RECORD_FRAME;
}

static enum record pcapng_start(void *state, struct stream *s, struct input_info *info)
{
	(void)state;
	(void)s;
	(void)info;
	return RECORD_FRAME;
}

static enum record pcapng_next(void *state, struct stream *s, struct frame *frame, struct input_info *info)
{
	struct pcapng *p = state;
	struct block b = { .info = info };

	for (;;) {
		enum record result = header_read(p, s, &b);

		if (result != RECORD_FRAME)
			return result;
		if (!is_read(b.type)) {
			if (!stream_skip(s, b.length))
				return record_problem(info, RECORD_CUT, b.offset,
						      "the file ends inside the block that begins here");
			continue;
		}
		result = body_take(p, s, &b);
		if (result != RECORD_FRAME)
			return result;
		if (b.type == BLOCK_ENHANCED || b.type == BLOCK_PACKET)
			return packet_read(p, &b, frame);
		if (b.type == BLOCK_SIMPLE)
			return simple_read(p, &b, frame);
		result = b.type == BLOCK_INTERFACE ? interface_add(p, &b) : statistics_read(p, &b);
		if (result != RECORD_FRAME)
			return result;
	}
}

static void pcapng_stop(void *state)
{
	struct pcapng *p = state;

	free(p->interfaces);
}

const struct format format_pcapng = {
	.name = "pcapng",
	.state_size = sizeof(struct pcapng),
	.matches = pcapng_matches,
	.start = pcapng_start,
	.next = pcapng_next,
	.stop = pcapng_stop,
};
