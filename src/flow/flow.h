/*
 * A flow (D1 of the measurement definitions; bidirectional flow of RFC 5103). Owned by the flow table; names
 * no protocol. The sender direction (D2) is that of the first packet seen: its sender is the initiator.
 */
#ifndef FS_FLOW_FLOW_H
#define FS_FLOW_FLOW_H
#include "decode/packet.h"

/* A span port's copies come within a few ms; TCP resends after 200 ms at the earliest (RFC 6298). */
#define FLOW_DUPLICATE_NS INT64_C(10000000)

enum direction { TO_RESPONDER, TO_INITIATOR };

/* Why a flow ended (RFC 5102 flowEndReason, finer). */
#define FLOW_ENDS(X)                                                                                         \
	X(idle, "no packet for longer than the inactivity timeout")                                          \
	X(fin, "TCP closed by both sides")                                                                   \
	X(rst, "TCP reset")                                                                                  \
	X(reuse, "a new TCP connection on the same 5-tuple")                                                 \
	X(eof, "the trace ended")                                                                            \
	X(evicted, "the flow table was full")
enum flow_end {
#define X(name, words) FLOW_END_##name,
	FLOW_ENDS(X)
#undef X
		FLOW_END_COUNT
};
extern const char *const flow_end_names[FLOW_END_COUNT];
extern const char *const flow_end_words[FLOW_END_COUNT];

/* One direction: a source flow (D2). Retransmissions and later fragments are packets like any other here. */
struct flow_side {
	int64_t first_ns, last_ns; /* valid if packets > 0 */
	uint64_t packets;
	uint64_t ip_bytes;      /* IP header onward, on the wire */
	uint64_t payload_bytes; /* transport payload as captured */
	uint64_t payload_wire;  /* on the wire */
	uint32_t messages;      /* packets with payload, TCP retransmissions left out */
	uint32_t retransmitted; /* TCP segments that carry only bytes seen before */
	uint32_t first_size;    /* payload on the wire of the first message, see packet_message_wire() */
	uint32_t fingerprint;   /* of the last packet, to see duplicates */
};

struct tcp_head;    /* flow/tcp_head.h: the in-order start of a TCP direction, while somebody wants it */
struct flow_hit;    /* identify/hits.c */
struct message_log; /* flow/message_log.h: sizes and times of a flow's messages, while somebody wants them */

/* TCP state per direction; plain numbers, no stream is kept here. */
struct tcp_side {
	uint32_t next_seq;         /* the next byte in order */
	uint32_t start_seq;        /* of the first payload byte */
	uint32_t fin_seq;          /* sequence number of the FIN, if fin */
	uint32_t gap_seq, gap_end; /* one hole below next_seq that was not seen yet: a late segment there is
				      no retransmission */
	bool synced : 1;           /* next_seq and start_seq are known */
	bool syn : 1;              /* the SYN was seen: the stream is known from its first byte */
	bool fin : 1, fin_acked : 1;
	bool lost : 1; /* a gap was given up: no in-order bytes after this */
};

/* What identify/ knows of a flow; the flow table only zeroes it. */
struct flow_identity {
	uint32_t undecided;     /* bit i: dissectors[i] may still match */
	uint32_t matched;       /* bit i: dissectors[i] has reported evidence */
	uint32_t refused;       /* bit i: dissectors[i] said no to the flow's first payload */
	uint32_t kinds;         /* bit i: kind i of `protocol`, about this flow, is counted in bits */
	float bits;             /* sum of that evidence, log2 of a likelihood ratio */
	const char *label;      /* static: what a dissector says it is; NULL: nothing */
	const char *ndpi_label; /* interned: what libndpi says it is; NULL: nothing (yet) */
	bool ndpi_by_payload;   /* ... and it was the payload that told it, not a port or an address */
	bool ndpi_done;
	uint8_t ndpi_packets;
	uint8_t looks; /* payload packets shown to dissectors so far, saturating */
	uint8_t role;  /* enum flow_role of identify/: what the flow is for, told by its payload */
	/* Index into the protocols of the registry; label, kinds and bits are of this one alone, and without
	 * them it means nothing. The one that speaks first, until a heavier single piece of another. */
	int8_t protocol;
	uint16_t expected; /* bit p: what went before makes protocols[p] likely; before any payload */
	/* Media: the dissector that says what its messages hold, as index + 1 (0: none), and whether it has
	 * said yes to the flow. */
	uint8_t sampler;
	bool sampled;
	bool measured;     /* its media was reported */
	bool sampler_left; /* it was not its flow, and whoever measures it has to begin anew */
	bool unmeasured;   /* there was no room for its meter */
	void *media;       /* its meter, owned by media.c; NULL: not measured */
	void *ndpi;        /* libndpi's flow, owned by ndpi_bridge.c; NULL once decided */
	void *state; /* dissectors' slots, owned by identify.c; NULL before the first look and once decided */
	/* Its first packets that fit patterns, owned by hits.c; NULL: none does. */
	struct flow_hit *hits;
};

/* A flow's place in the timer wheel: a ring with the slot as its head. */
struct wheel_link {
	struct wheel_link *next, *previous;
};

struct flow {
	struct flow_key key; /* constant after creation */
	uint64_t hash;       /* of the key */
	struct flow *next_in_bucket;
	struct wheel_link wheel;
	int64_t first_ns, last_ns; /* last_ns never goes back */
	uint64_t first_packet,
		last_packet;      /* packet numbers; first_packet identifies the flow in the whole program */
	struct flow_side side[2]; /* by enum direction */
	struct tcp_side tcp[2];
	bool initiator_is_low; /* constant after creation */
	bool closed;           /* TCP: torn down; lives on for trailing segments until SYN or timeout */
	bool wants_sizes;      /* identify/: keep the message log */
	uint8_t want;          /* enum flow_want, set by flow_table_settle() */
	uint8_t end_reason;    /* enum flow_end, meaningful when closed or handed out */
	uint8_t tcp_flags;     /* of all packets, or-ed */
	uint8_t icmp_type, icmp_code; /* of the last ICMP error that quoted this flow */
	bool echo_asked;              /* ICMP: the initiator sent an echo request */
	uint16_t icmp_errors;         /* saturating */
	uint16_t duplicates;          /* packets that look like copies made by a span port, saturating */
	uint16_t disordered;          /* packets older than one before them, saturating */
	uint16_t sizes_count;         /* entries of `sizes` */
	struct tcp_head *head[2];     /* NULL: nothing kept */
	struct message_log *sizes;    /* NULL: nothing kept; newest chunk first */
	/* Valid if sizes_count > 0: what the first gap counts from (first_ns of then; an older packet may
	 * come later), and the time of the newest entry. */
	int64_t log_from_ns, logged_ns;
	struct flow_identity id;
};

static inline const struct endpoint *flow_initiator(const struct flow *f)
{
	return f->initiator_is_low ? &f->key.low : &f->key.high;
}
static inline const struct endpoint *flow_responder(const struct flow *f)
{
	return f->initiator_is_low ? &f->key.high : &f->key.low;
}
#endif
