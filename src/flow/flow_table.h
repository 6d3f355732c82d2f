/*
 * Packets -> flows: D1-D4 of the measurement definitions, exactly.
 *
 * The inactivity timeout is tested on every packet of a tuple, in packet time (a gap of exactly the timeout
 * stays in the flow); the timer wheel only returns memory, in constant time per packet.
 */
#ifndef FS_FLOW_FLOW_TABLE_H
#define FS_FLOW_FLOW_TABLE_H
#include "base/clock.h"
#include "base/error.h"
#include "flow/flow.h"

#define FLOW_IDLE_DEFAULT_NS (200 * NS_PER_S) /* RMM section II: inactivity timeout of 200 s */
#define FLOW_HEAD_DEFAULT    2048U            /* bytes of each TCP direction rebuilt for dissectors */
#define FLOW_MAX_DEFAULT     1000000U
#define FLOW_HEADS_MEMORY    (64U << 20) /* for all heads together: 32,000 directions of 2 KiB */

struct flow_table_options {
	int64_t idle_ns;
	uint32_t max_flows;  /* at this many the oldest are evicted */
	uint32_t head_bytes; /* of each TCP direction */
};

/* Called once per flow, when it ends; the flow is valid during the call only. */
struct flow_table_listener {
	void (*ended)(void *self, struct flow *flow, enum flow_end why);
	void *self;
};

struct flow_table_stats {
	uint64_t flows, packets;
	uint64_t ended[FLOW_END_COUNT];
	uint64_t disordered_packets, duplicate_packets, retransmitted_packets;
	uint32_t peak_flows;
	uint64_t heads_lost;   /* TCP directions whose rebuilding was given up at a gap */
	uint64_t icmp_matched; /* ICMP errors that were about a flow of the table */
};

/* What a packet did to its flow, besides being counted. */
struct flow_step {
	struct flow *flow;
	enum direction dir;
	bool is_new;
	/*
	 * New payload for dissectors. UDP and other datagrams: the payload. TCP: the bytes that this segment
	 * made contiguous; head is the direction's stream from its first byte up to and including them, while
	 * the head is kept; fresh counts the new bytes at the end of head. fresh 0: nothing new.
	 */
	struct span head;
	size_t fresh;
	bool message;   /* it brought new payload: no retransmission, no later fragment */
	bool in_stream; /* TCP: head begins at the direction's first byte */
	bool held;      /* TCP: payload ahead of a gap; it comes again, in order, with a later step */
};

/* What somebody still wants of a flow's TCP payload; costs rise in this order. */
enum flow_want {
	WANT_NOTHING,
	WANT_ORDER,  /* bytes ahead of a gap are held until it is filled */
	WANT_STREAM, /* ... and the head of each direction is kept whole */
};

struct flow_table;
struct flow_table *flow_table_new(const struct flow_table_options *options,
				  struct flow_table_listener listener, struct error *err);
void flow_table_free(struct flow_table *t);

/*
 * A flow is rarely in the cache. Packets that are known ahead are announced in two steps: hash() asks for the
 * bucket, touch() for the flow in it; by the time of flow_table_packet() both are there.
 */
uint64_t flow_table_hash(const struct flow_table *t, const struct packet *packet);
void flow_table_touch(const struct flow_table *t, uint64_t hash);

/* Accounts one packet; hash: of flow_table_hash(). False only when out of memory. */
bool flow_table_packet(struct flow_table *t, const struct packet *packet, uint64_t hash,
		       struct flow_step *step, struct error *err);

/*
 * Call after the dissectors have seen the step, with what is wanted of the flow from now on. A flow that
 * nobody wants any more costs nothing beyond its counters. Also keeps the message log, while
 * flow->wants_sizes.
 */
void flow_table_settle(struct flow_table *t, const struct packet *packet, const struct flow_step *step,
		       enum flow_want want);

/*
 * Live: no packet came for a moment, and none older than now_ns (capture clock) is to come. Flows whose
 * timeout is over end now, not when the next packet comes, which would find them over as well: what a later
 * packet meets is the same with ticks and without. Two things do depend on them: a flow that no packet came
 * after at all has timed out, where a trace that ends there would say FLOW_END_eof (the aggregator settles
 * that at the end: resolve.c); and a full table has less to evict. A clock that is set may only make it
 * later: time counts as far as it went by in small steps.
 */
void flow_table_tick(struct flow_table *t, int64_t now_ns);

/*
 * An ICMP error quoted this tuple: noted in the flow that the quoted packet belongs to. False if there is
 * none: another table may have it, to be told by flow_table_quote_key(), at the ICMP error's time.
 */
bool flow_table_quote(struct flow_table *t, const struct packet *icmp);
bool flow_table_quote_key(struct flow_table *t, const struct flow_key *key, int64_t ts_ns, uint8_t icmp_type,
			  uint8_t icmp_code);

/* Ends all flows: FLOW_END_eof, or the reason that a torn-down flow already has; gives their memory back. */
void flow_table_finish(struct flow_table *t);
void flow_table_stats(const struct flow_table *t, struct flow_table_stats *out);
/* The peak is from now on that of what comes. */
void flow_table_peak_anew(struct flow_table *t);
#endif
