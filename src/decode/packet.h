/*
 * A decoded packet. Everything in it is borrowed from the frame and valid only during the call it is passed
 * to.
 */
#ifndef FS_DECODE_PACKET_H
#define FS_DECODE_PACKET_H
#include "base/hash.h"
#include "base/ip.h"
#include "base/span.h"
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct endpoint {
	struct ip ip;
	uint16_t port; /* host order; 0 for protocols without ports */
};

static inline bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && ip_equal(&a->ip, &b->ip);
}

/* kind: for tables that have an endpoint several times, as of several protocols. */
static inline uint64_t endpoint_hash(const struct hash_key *key, unsigned kind, const struct endpoint *e)
{
	const struct {
		struct endpoint e;
		uint16_t zero;
		uint32_t kind;
	} words = { *e, 0, kind };
	_Static_assert(sizeof words == 24, "hashed as bytes: no padding");
	return hash_words(key, &words, sizeof words);
}

/* The 5-tuple of D1, ordered so that both directions give the same key: low <= high bytewise (address, then
 * port). */
struct flow_key {
	struct endpoint low, high;
	uint8_t l4; /* IP protocol number of the upper layer, extension headers skipped */
	uint8_t zero[3];
};
_Static_assert(sizeof(struct flow_key) == 40, "hashed and compared as bytes: no padding");

enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_PSH = 0x08, TCP_ACK = 0x10 };

struct packet {
	int64_t ts_ns;
	uint64_t number; /* 1 for the first frame of the trace: Wireshark's frame number for a single file */
	struct flow_key key;
	bool from_low;       /* sent by key.low; flow/ turns this into a direction */
	bool later_fragment; /* no transport header of its own: ports come from the datagram's first fragment
			      */
	bool has_quote;      /* ICMP or ICMPv6 error with a readable quoted packet */
	uint8_t tcp_flags;
	uint8_t icmp_type, icmp_code;
	uint32_t tcp_seq, tcp_ack;
	struct span l3;      /* innermost IP header onward, as captured, padding cut off */
	uint32_t l3_wire;    /* IP total length on the wire */
	struct span payload; /* transport payload as captured; ICMP: after its 8-byte header; other IP: after
				the IP header */
	uint32_t payload_wire; /* on the wire; at least payload.len */
	/* IPv4 identification (IPv6: what is like it) above the transport checksum: equal in a copy made by a
	 * span port. Upper half zero: the sender does not number its packets. */
	uint32_t fingerprint;
	/* A first fragment: what its datagram's other ones hold, on the wire. UDP's header tells it; of other
	 * protocols only what came before this one is known. */
	uint32_t rest_wire;
	/* Fragments of this datagram that came before its first one; their packets are accounted with this
	 * one. early_ns: how long before it the earliest of them came. */
	uint32_t early_fragments, early_payload, early_payload_wire, early_l3_wire;
	int64_t early_ns;
	struct flow_key quote; /* has_quote: the flow that the ICMP error is about */
	bool quote_from_low;   /* the quoted packet was sent by quote.low */
};

/* Of the message that the packet is, or begins: a datagram is one message, in however many fragments. */
static inline uint32_t packet_message_wire(const struct packet *p)
{
	return p->payload_wire + p->rest_wire;
}

static inline const struct endpoint *packet_source(const struct packet *p)
{
	return p->from_low ? &p->key.low : &p->key.high;
}
static inline const struct endpoint *packet_destination(const struct packet *p)
{
	return p->from_low ? &p->key.high : &p->key.low;
}
#endif
