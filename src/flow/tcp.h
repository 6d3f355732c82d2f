/* TCP inside a flow: tear-down, order, retransmission. Private to flow/. */
#ifndef FS_FLOW_TCP_H
#define FS_FLOW_TCP_H
#include "flow/flow_table.h"

struct slab;
struct tcp_heads { /* where heads come from */
	struct slab *pool;
	uint32_t limit; /* bytes of each */
	size_t most;    /* heads at a time; a direction that finds none left is given up */
};

/*
 * Whether this packet begins a new connection on the tuple of an existing flow; *why is then the old flow's
 * end. A SYN (without ACK) does, when the flow is torn down (RFC 9293 section 3.6.1), when both FINs were
 * seen, or when it carries another initial sequence number than the established connection's.
 */
bool tcp_begins_anew(const struct flow *flow, enum direction dir, const struct packet *packet,
		     enum flow_end *why);

/* Updates sequence state and tear-down, and fills the step's head, fresh, in_stream, held. True: a
 * retransmission. */
bool tcp_segment(struct flow *flow, const struct packet *packet, struct flow_step *step,
		 const struct tcp_heads *heads, uint64_t *heads_lost);
/* Keeps the first bytes of a direction that was shown straight from the packet. */
void tcp_keep(struct flow *flow, const struct flow_step *step, const struct tcp_heads *heads,
	      uint64_t *heads_lost);
void tcp_drop_heads(struct flow *flow, const struct tcp_heads *heads);
#endif
