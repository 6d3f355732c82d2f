/*
 * How a Skype client of 2015 opens a TCP connection to a supernode, a server or a peer (wire C3).
 *
 * Form 1: 48 random bytes and 0-63 bytes of padding, each way; the padding comes from a generator that is
 * visible: every byte is 0xcd * previous + 0x71. Form 2, on port 443: an SSLv2 hello whose 16 bytes of
 * challenge come from the same generator. Form 3, and all of 2006, are random throughout: only the flows
 * before them tell them.
 *
 * A node may relay a login inside such a connection (relay.c). That is looked for behind a hello, and in
 * streams that are expected to be the protocol's; all others end here at their first bytes.
 */
#include "dissectors/skype/skype.h"
#include <string.h>

#define RANDOM_PART 48U
#define PADDED_MAX  111U
#define STEPS_MIN   3U /* 24 bits: one in 16 million random messages */

/*
 * Form 2 up to the challenge. Windows sends these very bytes (SSLv2 hello, TLS 1.0, its list of ciphers), so
 * that they say nothing; the challenge does.
 */
static const uint8_t false_hello[56] = {
	0x80, 0x46, 0x01, 0x03, 0x01, 0x00, 0x2d, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x05,
	0x00, 0x00, 0x04, 0x00, 0x00, 0x0a, 0x00, 0x00, 0x09, 0x00, 0x00, 0x64, 0x00, 0x00,
	0x62, 0x00, 0x00, 0x08, 0x00, 0x00, 0x03, 0x00, 0x00, 0x06, 0x01, 0x00, 0x80, 0x07,
	0x00, 0xc0, 0x03, 0x00, 0x80, 0x06, 0x00, 0x40, 0x02, 0x00, 0x80, 0x04, 0x00, 0x80,
};
#define CHALLENGE 16U

/* Wire C2, C3: supernodes listen on 40001-40034 and 33033, and are tried in form 2 on 443 (44/44). */
#define SUPERNODE_FIRST 40001U
#define SUPERNODE_LAST  40034U
#define SUPERNODE_OLD   33033U

struct node_state {
	uint8_t steps; /* of the generator, found in the client's padding */
	bool padded;   /* the client's first message has the size of form 1 */
	bool done;     /* the opening is told, or is no hello; what is left is to look for a relayed login */
	struct skype_relay relay;
};

/* Steps of the generator in the rest of r; false if a byte contradicts. */
static bool generator_steps(struct reader r, unsigned *steps)
{
	unsigned previous = rd_u8(&r);
	*steps = 0;
	while (rd_left(&r)) {
		unsigned byte = rd_u8(&r);
		if (byte != ((0xcdU * previous + 0x71U) & 0xffU))
			return false;
		previous = byte;
		++*steps;
	}
	return true;
}

static bool padding_steps(struct span message, unsigned *steps)
{
	struct reader r = reader_on(message);
	rd_skip(&r, RANDOM_PART);
	return message.len >= RANDOM_PART && message.len <= PADDED_MAX && generator_steps(r, steps);
}

static enum flow_role role_of(const struct look *l)
{
	uint16_t port = look_server_port(l);
	bool supernode = (port >= SUPERNODE_FIRST && port <= SUPERNODE_LAST) || port == SUPERNODE_OLD;
	return supernode ? ROLE_supernode : ROLE_node;
}

static enum match matched(const struct look *l, struct node_state *st, unsigned steps, enum flow_role role)
{
	st->done = true;
	observe(l, SKYPE_NODE_HELLO, steps);
	label_flow(l, protocol_skype.tcp_label);
	note_role(l, role);
	skype_relay_look(l, &st->relay);
	return MATCH_YES;
}

static bool begins_false_hello(struct span s)
{
	size_t n = s.len < sizeof false_hello ? s.len : sizeof false_hello;
	return n > 0 && memcmp(s.ptr, false_hello, n) == 0;
}

static enum match look_at_false_hello(const struct look *l, struct node_state *st)
{
	unsigned steps;
	struct reader r = reader_on(l->data);
	rd_skip(&r, sizeof false_hello);
	struct reader challenge = reader_on(rd_take(&r, CHALLENGE));
	if (r.failed)
		return MATCH_MAYBE;
	return generator_steps(challenge, &steps) ? matched(l, st, steps, ROLE_supernode) : MATCH_NO;
}

static enum match look_at_opening(const struct look *l, struct node_state *st)
{
	unsigned steps;
	if (l->dir == TO_RESPONDER) {
		if (!st->padded && begins_false_hello(l->data))
			return look_at_false_hello(l, st);
		/* Form 1 has no length field: its first message is what came in one segment. */
		if (st->padded || l->fresh != l->data.len || !padding_steps(l->data, &steps))
			return MATCH_NO;
		if (steps >= STEPS_MIN)
			return matched(l, st, steps, role_of(l));
		st->padded = true;
		st->steps = (uint8_t)steps;
		return MATCH_MAYBE;
	}
	/* Too little padding to tell; the server's answer has padding of its own. */
	if (!st->padded || !padding_steps(l->data, &steps) || steps + st->steps < STEPS_MIN)
		return MATCH_NO;
	return matched(l, st, steps + st->steps, role_of(l));
}

/* The exchange with a server, which skype_login reads, begins with a record: nothing is relayed there. */
static bool begins_record(struct span s)
{
	struct reader r = reader_on(s);
	return rd_u8(&r) == 0x16 && (rd_left(&r) < 2 || rd_be16(&r) == 0x0301);
}

static enum match node_look(const struct look *l)
{
	struct node_state *st = l->state;
	if (!l->from_start)
		return MATCH_NO;
	if (!st->done) {
		enum match match = look_at_opening(l, st);
		if (match != MATCH_NO)
			return match;
		if (!l->expected || begins_record(l->data))
			return MATCH_NO;
		st->done = true;
	}
	skype_relay_look(l, &st->relay);
	return st->relay.found ? MATCH_NO : MATCH_MAYBE;
}

const struct dissector dissector_skype_node = {
	.name = "skype_node",
	.summary = "Skype connections to nodes and servers, forms of 2015, wire C3",
	.protocol = &protocol_skype,
	.l4 = IPPROTO_TCP,
	.patience = 64, /* behind a hello, or where it is expected: segments of 2 kB in each direction */
	.state_size = sizeof(struct node_state),
	.look = node_look,
};
