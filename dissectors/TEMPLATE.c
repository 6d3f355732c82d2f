/*
 * STUN, as an example of a whole protocol in one file: copy it, rename it, and follow README.md. It is
 * compiled and run by tests/unit/test_dissectors.c but not registered in list.h: there STUN is a part of
 * dissectors/rtp/, which reads it together with the media that it is for.
 *
 *	0-1 type, top bits 00 | 2-3 length of what follows the header | 4-7 magic cookie | 8-19 transaction id
 *
 * RFC 8489 section 5.
 */
#include "identify/dissector.h"

#define STUN_HEADER      20U
#define STUN_COOKIE      0x2112a442U
#define CLASS_MASK       0x0110U /* section 5, figure 3: C1 and C0 */
#define CLASS_REQUEST    0x0000U
#define CLASS_INDICATION 0x0010U

enum stun_kind { STUN_HEADER_SEEN, STUN_ANSWERED, STUN_REFUSED, STUN_KIND_COUNT };

static const struct evidence_kind kinds[] = {
	/* Cookie 2^-32, two zero bits 2^-2, a length that fits 2^-16; capped, for the next message says
	   nothing new. */
	[STUN_HEADER_SEEN] = { .name = "stun_header",
			       .words = "magic cookie, and a length that agrees with the datagram",
			       .about = ABOUT_FLOW,
			       .bits = 24.0F,
			       .cap = 24.0F },
	/* 96 random bits returned; 16 because another protocol that borrowed the header would return them
	   too. */
	[STUN_ANSWERED] = { .name = "stun_answered",
			    .words = "an answer repeats the transaction id of a request",
			    .about = ABOUT_SOCKETS,
			    .bits = 16.0F,
			    .cap = 16.0F },
	/* STUN shares its socket with media by design (section 7), so other payload speaks only weakly
	   against it. */
	[STUN_REFUSED] = { .name = "stun_refused",
			   .words = "a UDP flow that the socket began does not begin with STUN",
			   .about = ABOUT_SOCKETS,
			   .test = TEST_AGAINST,
			   .against = -0.5F },
};
_Static_assert(sizeof kinds / sizeof kinds[0] == STUN_KIND_COUNT, "one entry per enum stun_kind");

const struct protocol protocol_template = {
	.name = "template",
	.suspected_name = "template?",
	.title = "STUN (template)",
	.udp_label = "stun",
	.tcp_label = "stun",
	.kinds = kinds,
	.kind_count = STUN_KIND_COUNT,
	.machinery = { [MACHINERY_REFUSED] = &kinds[STUN_REFUSED] },
	.ndpi_prefix = "STUN",
};

/* What a flow must remember between two looks: plain data, zeroed at its start, no pointers. */
struct stun_state {
	uint32_t request[3]; /* transaction id of the last request */
	uint8_t asked;       /* 1 + enum direction of that request; 0: none yet */
};

static enum match stun_look(const struct look *l)
{
	struct stun_state *st = l->state;
	struct reader r = reader_on(l->data);
	uint16_t type = rd_be16(&r), length = rd_be16(&r);
	uint32_t cookie = rd_be32(&r), id[3];
	for (unsigned i = 0; i < 3; i++)
		id[i] = rd_be32(&r);

	/* A failed reader gives zeros. On the wire too short is a no; cut by the snap length is no answer at
	 * all. */
	if (r.failed)
		return l->wire < STUN_HEADER ? MATCH_NO : MATCH_MAYBE;
	if (type & 0xc000U || cookie != STUN_COOKIE || length % 4 || length + STUN_HEADER != l->wire)
		return MATCH_NO;

	observe(l, STUN_HEADER_SEEN, type);
	label_flow(l, protocol_template.udp_label);
	unsigned class = type & CLASS_MASK;
	if (class == CLASS_REQUEST) {
		for (unsigned i = 0; i < 3; i++)
			st->request[i] = id[i];
		st->asked = (uint8_t)(1U + l->dir);
		return MATCH_MAYBE; /* the answer is still to come */
	}
	bool other_way = st->asked && st->asked != 1U + l->dir;
	bool same = id[0] == st->request[0] && id[1] == st->request[1] && id[2] == st->request[2];
	if (class != CLASS_INDICATION && other_way && same)
		observe(l, STUN_ANSWERED, type);
	return MATCH_YES;
}

const struct dissector dissector_template = {
	.name = "template",
	.summary = "NAT traversal, RFC 8489",
	.protocol = &protocol_template,
	.l4 = IPPROTO_UDP,
	.patience = 4, /* a request is sent up to 7 times, but nobody waits for that */
	.state_size = sizeof(struct stun_state),
	.look = stun_look,
};
