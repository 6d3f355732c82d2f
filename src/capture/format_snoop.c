/* snoop of Solaris: RFC 1761; records are big-endian whatever the machine was. */
#include "base/clock.h"
#include "base/reader.h"
#include "capture/format.h"
#include <string.h>

#define RECORD_SIZE 24U /* RFC 1761, "Packet Record Format" */

struct snoop {
	int linktype;
	size_t padding; /* behind the record before, not passed yet */
};

static const uint8_t snoop_magic[8] = { 's', 'n', 'o', 'o', 'p', 0, 0, 0 };

static bool snoop_matches(struct stream *s)
{
	struct span head = stream_peek(s, sizeof snoop_magic);

	return head.len >= sizeof snoop_magic && memcmp(head.ptr, snoop_magic, sizeof snoop_magic) == 0;
}

/* Datalink types of RFC 1761 and, above 9, of Solaris' <sys/dlpi.h>; -1: we know no LINKTYPE_ value. */
static int snoop_linktype(uint32_t datalink)
{
	switch (datalink) {
	case 0:  /* IEEE 802.3 */
	case 4:  /* Ethernet */
	case 24: /* ISO 8802-3 */
	case 25: /* 100BASE-T */
		return 1;
	case 2: /* IEEE 802.5 token ring */
		return 6;
	case 8: /* FDDI */
		return 10;
	case 17: /* SunATM */
		return 123;
	case 26: /* IP over InfiniBand */
		return 242;
	default:
		return -1;
	}
}

static enum record snoop_start(void *state, struct stream *s, struct input_info *info)
{
	struct snoop *p = state;
	struct reader r = reader_on(stream_peek(s, sizeof snoop_magic + 8));

	rd_skip(&r, sizeof snoop_magic);
	uint32_t version = rd_be32(&r), datalink = rd_be32(&r);

	if (r.failed)
		return record_short(s, info, "file header");
	if (version != 2)
		return record_problem(info, RECORD_DAMAGED, sizeof snoop_magic,
				      "snoop version %u, only 2 is known", version);
	p->linktype = snoop_linktype(datalink);
	info->linktype = p->linktype;
	stream_advance(s, sizeof snoop_magic + 8);
	return RECORD_FRAME;
}

static enum record snoop_next(void *state, struct stream *s, struct frame *frame, struct input_info *info)
{
	struct snoop *p = state;

	/* The last record may lack its padding; nothing is lost with that. */
	if (!stream_skip(s, p->padding))
		return RECORD_END;
	p->padding = 0;
	struct span window = stream_peek(s, RECORD_SIZE);
	struct reader r = reader_on(window);
	uint32_t wire = rd_be32(&r), captured = rd_be32(&r), length = rd_be32(&r);
	uint32_t drops = rd_be32(&r), seconds = rd_be32(&r), micros = rd_be32(&r);

	if (r.failed)
		return window.len ? record_short(s, info, "packet header") : RECORD_END;
	/* The record's length counts its header and the padding. */
	if (length < RECORD_SIZE || length - RECORD_SIZE < captured || length > RECORD_LIMIT)
		return record_problem(info, RECORD_DAMAGED, stream_offset(s),
				      "a record of %u bytes claims %u captured bytes", length, captured);
	r = reader_on(stream_peek(s, (size_t)RECORD_SIZE + captured));
	rd_skip(&r, RECORD_SIZE);
	frame->bytes = rd_take(&r, captured);
	if (r.failed)
		return record_short(s, info, "packet");
	stream_advance(s, (size_t)RECORD_SIZE + captured);
	p->padding = length - RECORD_SIZE - captured;
	info->dropped = drops; /* cumulative */
	frame->ts_ns = (int64_t)seconds * NS_PER_S + (int64_t)micros * NS_PER_US;
	frame->wire_len = wire < captured ? captured : wire;
	frame->linktype = p->linktype;
	return RECORD_FRAME;
}

const struct format format_snoop = {
	.name = "snoop",
	.state_size = sizeof(struct snoop),
	.matches = snoop_matches,
	.start = snoop_start,
	.next = snoop_next,
};
