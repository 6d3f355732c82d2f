/* A small play of flows, for tests of what a client does: times in seconds, messages in words. */
#ifndef FS_TESTS_EPISODE_PLAY_H
#define FS_TESTS_EPISODE_PLAY_H
#include "behave/labelled.h"
#include <stdlib.h>
#include <string.h>

#define PLAY_START INT64_C(1156500000000000000)
#define PLAY_FLOWS 2000U

static inline int64_t play_ns(double seconds)
{
	return PLAY_START + (int64_t)(seconds * 1e6 + 0.5) * 1000;
}

static inline struct endpoint play_host(uint8_t c, uint8_t d, uint16_t port)
{
	return (struct endpoint){ ip_from_v4((const uint8_t[4]){ 192, 0, c, d }), port };
}

/* The protocol with start-ups: that of the data. */
static inline uint8_t play_protocol(const char *name)
{
	for (unsigned p = 0; p < protocol_count; p++)
		if (strcmp(protocols[p]->name, name) == 0)
			return (uint8_t)p;
	abort();
}

struct play_flow {
	struct flow_record r;
	struct logged_message log[64];
	struct labelled_flow f;
	int64_t tick;
};

/* A flow that the client of this number began at that time, with its SYN or first datagram. */
static inline void play_begin(struct play_flow *p, uint32_t client, uint8_t l4, double at,
			      struct endpoint own, struct endpoint far)
{
	static uint64_t flows;

	memset(p, 0, sizeof *p);
	p->r = (struct flow_record){ .first_packet = ++flows,
				     .first_ns = play_ns(at),
				     .last_ns = play_ns(at),
				     .initiator = own,
				     .responder = far,
				     .l4 = l4,
				     .syn_seen = true,
				     .role = l4 == IPPROTO_TCP ? ROLE_node : ROLE_signalling };
	p->tick = play_ns(at) / MESSAGE_TICK_NS;
	if (l4 == IPPROTO_TCP)
		p->r.side[TO_RESPONDER] =
			(struct flow_side){ .first_ns = play_ns(at), .last_ns = play_ns(at), .packets = 1 };
	p->f = (struct labelled_flow){ .r = &p->r,
				       .log = p->log,
				       .client = client,
				       .protocol = play_protocol("skype"),
				       .client_is_initiator = true,
				       .class = PAIR_CLASS_COUNT,
				       .remote = &p->r.responder };
}

/* One message; sent: by the initiator. */
static inline void play_message(struct play_flow *p, double at, bool sent, uint16_t size)
{
	struct flow_side *side = &p->r.side[sent ? TO_RESPONDER : TO_INITIATOR];
	int64_t tick = play_ns(at) / MESSAGE_TICK_NS;

	p->log[p->r.sizes++] = (struct logged_message){ .gap = (uint32_t)(tick - p->tick),
							.size = size,
							.dir = sent ? TO_RESPONDER : TO_INITIATOR };
	p->tick = tick;
	if (side->packets++ == 0)
		side->first_ns = play_ns(at);
	side->last_ns = p->r.last_ns = play_ns(at);
	side->messages++;
	side->payload_bytes += size;
	side->payload_wire += size;
}
#endif
