/*
 * Gnutella over UDP: descriptors, as over TCP, one in each datagram (draft 2.2.1).
 *
 *	0-15 GUID | 16 type | 17 TTL | 18 hops | 19-22 length of what follows, little endian
 *
 * A flow is never called Gnutella here: its sockets are judged. Fields that the snap length cut off are
 *neither for nor against.
 */
#include "dissectors/gnutella/gnutella.h"
#include <string.h>

#define HEADER   23U
#define TTL_MAX  15U /* usual are 7; capture: 1. Room for those who want more */
#define GGEP     0xc3U
#define ASKED    4U    /* questions remembered for each direction */
#define MODERN   0xffU /* draft 2.2.1: byte 8 of the GUID */
#define DHT_PORT 32U   /* 27 bytes before it: opcode, vendor, version, id; then 04 and an IPv4 address */

enum type {
	T_PING = 0x00,
	T_PONG = 0x01,
	T_VENDOR = 0x31,
	T_STANDARD = 0x32,
	T_PUSH = 0x40,
	T_RUDP = 0x41, /* gtkg: a connection over UDP between firewalled hosts */
	T_DHT = 0x44,  /* gtkg: Kademlia, its version where TTL and hops are */
	T_QUERY = 0x80,
	T_HIT = 0x81,
};

struct guid {
	uint32_t word[4];
};

struct descriptor {
	struct guid guid;
	uint8_t type, sub; /* sub: the opcode of T_DHT, else 0 */
	struct span body;  /* as captured */
	uint32_t length;   /* of the body, on the wire */
};

struct question {
	struct guid guid;
	uint8_t type, sub;
	bool open;
};

struct udp_state {
	struct question asked[2][ASKED]; /* by enum direction */
	uint8_t next[2];
};

static struct reader body_at(const struct descriptor *d, size_t at)
{
	struct reader r = reader_on(d->body);
	rd_skip(&r, at);
	return r;
}

/* Zero where nothing was captured: no rule below wants a zero that was not there. */
static uint8_t body_u8(const struct descriptor *d, size_t at)
{
	struct reader r = body_at(d, at);
	return rd_u8(&r);
}

/* Four capitals or digits (gtkg: BEAR, GTKG, LIME, ...), or the four zeros of the standard messages. */
static bool is_vendor(struct reader r)
{
	unsigned zeros = 0, letters = 0;
	for (unsigned i = 0; i < 4; i++) {
		uint8_t c = rd_u8(&r);
		zeros += c == 0;
		letters += (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
	}
	return !r.failed && (zeros == 4 || letters == 4);
}

static bool has_zero(struct reader r)
{
	while (rd_left(&r))
		if (rd_u8(&r) == 0)
			return true;
	return false;
}

/* Whether the body has the layout of its type (draft 2.2.2 ... 2.2.8, gtkg gnutella.h). */
static bool fits_type(const struct descriptor *d)
{
	switch (d->type) {
	case T_PING: /* 23 bytes that end in zeros are not rare, so an empty one must be marked as modern */
		return d->length ? body_u8(d, 0) == GGEP : (d->guid.word[2] >> 24) == MODERN;
	case T_PONG:
		return d->length == 14 || (d->length > 14 && body_u8(d, 14) == GGEP);
	case T_VENDOR:
	case T_STANDARD:
		return d->length >= 8 && is_vendor(body_at(d, 0));
	case T_PUSH:
		return d->length >= 26;
	case T_RUDP:
		return true;
	case T_DHT:
		return d->length >= 27 && d->sub >= 1 && d->sub <= 10 && is_vendor(body_at(d, 1));
	case T_QUERY: /* flags, text and its zero */
		return d->length >= 3 && has_zero(body_at(d, 2));
	case T_HIT: /* number of hits, port, address, speed ... GUID */
		return d->length >= 11 + 16 && body_u8(d, 0) > 0;
	default:
		return false;
	}
}

/* An extension block from its magic byte to the end of r (draft 2.3.1). */
static bool is_ggep(struct reader r)
{
	bool last = false;
	if (rd_u8(&r) != GGEP)
		return false;
	while (!r.failed && !last) {
		uint8_t flags = rd_u8(&r), byte;
		uint32_t length = 0;
		last = flags & 0x80U;
		if ((flags & 0x10U) || !(flags & 0x0fU)) /* reserved; an id has 1 to 15 bytes */
			return false;
		rd_skip(&r, flags & 0x0fU);
		unsigned bytes = 0;
		do { /* 10xxxxxx: more follows, 01xxxxxx: the last one; three at most */
			byte = rd_u8(&r);
			length = length << 6 | (byte & 0x3fU);
		} while ((byte & 0xc0U) == 0x80U && ++bytes < 3);
		if ((byte & 0xc0U) != 0x40U)
			return false;
		rd_skip(&r, length);
	}
	return !r.failed && rd_left(&r) == 0;
}

/* Where the type has the port of its sender. */
static bool names_own_port(const struct look *l, const struct descriptor *d)
{
	struct reader r;
	uint32_t port;
	switch (d->type) {
	case T_PONG:
		r = body_at(d, 0);
		port = rd_le16(&r);
		break;
	case T_HIT:
		r = body_at(d, 1);
		port = rd_le16(&r);
		break;
	case T_DHT:
		r = body_at(d, DHT_PORT);
		port = rd_be16(&r);
		break;
	case T_QUERY: /* gtkg guid.c: byte 13 and 14 of the GUID, for answers past the path of the query */
		r = body_at(d, 0);
		port = (d->guid.word[3] >> 16 & 0xffU) | (d->guid.word[3] & 0xff00U);
		break;
	default:
		return false;
	}
	return !r.failed && port != 0 && port == l->from->port;
}

static bool answers(const struct descriptor *d, const struct question *q)
{
	if (!q->open || memcmp(&d->guid, &q->guid, sizeof q->guid) != 0)
		return false;
	switch (d->type) {
	case T_PONG: /* also the acknowledgement of a query over UDP (gtkg guess.c) */
		return q->type == T_PING || q->type == T_QUERY;
	case T_HIT:
		return q->type == T_QUERY;
	case T_VENDOR:
	case T_STANDARD:
		return q->type == d->type;
	case T_DHT: /* questions are odd, their answers one more */
		return q->type == T_DHT && d->sub == q->sub + 1;
	default:
		return false;
	}
}

static bool is_question(const struct descriptor *d)
{
	return d->type == T_PING || d->type == T_QUERY || d->type == T_VENDOR || d->type == T_STANDARD ||
	       (d->type == T_DHT && d->sub % 2 == 1);
}

static void look_at_echo(const struct look *l, struct udp_state *st, const struct descriptor *d)
{
	enum direction other = l->dir == TO_RESPONDER ? TO_INITIATOR : TO_RESPONDER;
	for (unsigned i = 0; i < ASKED; i++) {
		struct question *q = &st->asked[other][i];
		if (answers(d, q)) {
			observe(l, GNUTELLA_ECHO, d->type);
			q->open = false;
			return;
		}
	}
	if (is_question(d)) {
		st->asked[l->dir][st->next[l->dir]] =
			(struct question){ .guid = d->guid, .type = d->type, .sub = d->sub, .open = true };
		st->next[l->dir] = (uint8_t)((st->next[l->dir] + 1) % ASKED);
	}
}

static enum match look_at_descriptor(const struct look *l)
{
	struct descriptor d;
	struct reader id = reader_on(l->data), r = id;
	if (l->wire < HEADER)
		return MATCH_NO;
	rd_skip(&r, 16);
	d.type = rd_u8(&r);
	uint8_t ttl = rd_u8(&r), hops = rd_u8(&r);
	d.length = rd_le32(&r);
	if (r.failed)
		return MATCH_MAYBE;
	if (d.length != l->wire - HEADER || ttl > TTL_MAX || hops > TTL_MAX)
		return MATCH_NO;
	for (unsigned i = 0; i < 4; i++)
		d.guid.word[i] = rd_be32(&id);
	d.body = rd_rest(&r);
	bool whole = d.body.len == d.length;
	d.sub = d.type == T_DHT ? body_u8(&d, 0) : 0;
	if (!fits_type(&d))
		return whole ? MATCH_NO : MATCH_MAYBE;

	observe(l, GNUTELLA_DESCRIPTOR, d.type);
	if (whole && ((d.type == T_PING && d.length) || (d.type == T_PONG && d.length > 14)) &&
	    is_ggep(body_at(&d, d.type == T_PING ? 0 : 14)))
		observe(l, GNUTELLA_EXTENSIONS, d.type);
	if (names_own_port(l, &d))
		observe(l, GNUTELLA_OWN_PORT, d.type);
	look_at_echo(l, l->state, &d);
	return MATCH_YES;
}

static enum match udp_look(const struct look *l)
{
	struct reader r = reader_on(l->data);
	struct span tag = rd_take(&r, 3);
	if (r.failed)
		return l->wire < GNUTELLA2_HEADER ? MATCH_NO : MATCH_MAYBE;
	if (memcmp(tag.ptr, "GND", 3) == 0)
		return gnutella2_look(l);
	return look_at_descriptor(l);
}

const struct dissector dissector_gnutella_udp = {
	.name = "gnutella_udp",
	.summary = "Gnutella 0.6 descriptors and Gnutella2's reliability layer over UDP",
	.protocol = &protocol_gnutella,
	.l4 = IPPROTO_UDP,
	.patience = 20, /* capture: the longest flow has 21 datagrams */
	.state_size = sizeof(struct udp_state),
	.look = udp_look,
};
