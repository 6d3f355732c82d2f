/*
 * uTP, BitTorrent's transport over UDP (BEP 29, header format).
 *
 *	0 type, version 1 | 1 first extension | 2-3 connection id | 4-7 time in microseconds
 *	8-11 time difference | 12-15 window | 16-17 packet number | 18-19 acknowledged | extensions | data
 *
 * Every number in it is one that other protocols have too, so a header alone is evidence only where it opens
 * a connection; what counts is how the packets of both directions fit together. Numbers of a SYN are not
 * tested: BEP 29 says 1 and a window, implementations send random numbers and windows of zero.
 */
#include "dissectors/bittorrent/bittorrent.h"

#define UTP_HEADER     20U
#define EXTENSIONS_MAX 3U   /* types 1 ... 3, each at most once */
#define NUMBERS_NEAR   1024 /* packets on their way: the reference implementation keeps as many */

/*
 * The clock is compared between MIN and MAX: on a shorter time a constant would fit, on a longer one clocks
 * drift. SLACK is for the way of what comes from outside.
 */
#define MS        1000000LL
#define CLOCK_MIN (200 * MS)
#define CLOCK_MAX (60000 * MS)
#define SLACK_US  50000

enum utp_type { ST_DATA, ST_FIN, ST_STATE, ST_RESET, ST_SYN };
enum extension {
	EXTENSION_NONE,
	EXTENSION_SACK,  /* BEP 29: 4 bytes or a multiple */
	EXTENSION_BITS,  /* of the reference implementation, in a SYN and its answer: 8 bytes */
	EXTENSION_CLOSE, /* of another: why it closes, 4 bytes */
};

struct utp_header {
	uint8_t type;
	uint16_t id, sequence, acknowledged;
	uint32_t stamp, difference, size; /* size: with extensions */
};

static bool extension_fits(uint8_t type, uint8_t length)
{
	switch (type) {
	case EXTENSION_SACK:
		return length >= 4 && length % 4 == 0;
	case EXTENSION_BITS:
		return length == 8;
	case EXTENSION_CLOSE:
		return length == 4;
	default:
		return false;
	}
}

/* Steps over the extensions and adds up their size; false: no such extensions. */
static bool rd_extensions(struct reader *r, uint8_t type, uint32_t *size)
{
	for (unsigned i = 0; type != EXTENSION_NONE; i++) {
		uint8_t next = rd_u8(r), length = rd_u8(r);
		if (r->failed)
			return true;
		if (i == EXTENSIONS_MAX || !extension_fits(type, length))
			return false;
		rd_skip(r, length);
		*size += 2U + length;
		type = next;
	}
	return true;
}

/* BEP 29, type: data always carries some, an acknowledgement, a reset and a SYN never do. */
static bool length_fits(const struct utp_header *h, uint32_t wire)
{
	if (h->type == ST_DATA)
		return wire > h->size;
	return h->type == ST_FIN ? wire >= h->size : wire == h->size;
}

/* MAYBE: the snap length cut the header. */
static enum match rd_header(const struct look *l, struct utp_header *h)
{
	struct reader r = reader_on(l->data);
	h->type = rd_u8(&r) >> 4;
	uint8_t extension = rd_u8(&r);
	h->id = rd_be16(&r);
	h->stamp = rd_be32(&r);
	h->difference = rd_be32(&r);
	rd_skip(&r, 4);
	h->sequence = rd_be16(&r);
	h->acknowledged = rd_be16(&r);
	h->size = UTP_HEADER;
	if (l->wire < UTP_HEADER || extension > EXTENSION_CLOSE)
		return MATCH_NO;
	if (!r.failed && !rd_extensions(&r, extension, &h->size))
		return MATCH_NO;
	if (r.failed)
		return l->data.len < l->wire ? MATCH_MAYBE : MATCH_NO;
	/* A connection that opens has measured no delay. */
	if (h->type == ST_SYN && h->difference != 0)
		return MATCH_NO;
	return length_fits(h, l->wire) ? MATCH_YES : MATCH_NO;
}

static bool is_near(uint16_t a, uint16_t b)
{
	int16_t distance = (int16_t)(a - b);
	return distance >= -NUMBERS_NEAR && distance <= NUMBERS_NEAR;
}

/* Whether a packet and the last one of the other direction belong to one connection. */
static bool fits(const struct utp_side *other, const struct utp_header *h)
{
	if (!other->seen || h->type == ST_SYN)
		return false;
	if (other->type == ST_SYN)
		return h->type == ST_STATE && h->id == other->id && h->acknowledged == other->sequence;
	uint16_t ahead = (uint16_t)(h->id - other->id), behind = (uint16_t)(other->id - h->id);
	return (ahead == 1 || behind == 1) && is_near(h->acknowledged, other->sequence) &&
	       is_near(other->acknowledged, h->sequence);
}

static void look_at_clock(const struct look *l, struct utp_side *side, uint32_t stamp)
{
	int64_t passed = l->packet->ts_ns - side->first_ns;
	if (!side->seen || passed > CLOCK_MAX) {
		side->first_ns = l->packet->ts_ns;
		side->first_stamp = stamp;
		return;
	}
	int64_t moved = (int64_t)(uint32_t)(stamp - side->first_stamp) - passed / 1000;
	if (!side->clock_reported && passed >= CLOCK_MIN && moved >= -SLACK_US && moved <= SLACK_US) {
		observe(l, BITTORRENT_UTP_CLOCK, stamp);
		side->clock_reported = true;
	}
}

static bool has_handshake(const struct look *l, const struct utp_header *h)
{
	struct reader r = reader_on(l->data);
	rd_skip(&r, h->size);
	return h->type == ST_DATA && handshake_match(rd_rest(&r)) == MATCH_YES;
}

enum match utp_look(const struct look *l, struct utp_state *st)
{
	struct utp_header h;
	enum match match = rd_header(l, &h);
	if (match != MATCH_YES)
		return match;
	struct utp_side *side = &st->side[l->dir];
	if (h.type == ST_SYN && !st->syn_reported) {
		observe(l, BITTORRENT_UTP_SYN, h.id);
		st->syn_reported = true;
	}
	if (!st->connected_reported && fits(&st->side[bittorrent_reverse(l->dir)], &h)) {
		observe(l, BITTORRENT_UTP_CONNECTED, h.id);
		st->connected_reported = true;
	}
	if (!st->handshake_reported && has_handshake(l, &h)) {
		observe(l, BITTORRENT_UTP_HANDSHAKE, h.id);
		st->handshake_reported = true;
	}
	look_at_clock(l, side, h.stamp);
	side->seen = true;
	side->type = h.type;
	side->id = h.id;
	side->sequence = h.sequence;
	side->acknowledged = h.acknowledged;
	return MATCH_MAYBE;
}
