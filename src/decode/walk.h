/*
 * Inside decode/ only: one frame being taken apart. decode_frame() starts a walk; each header's function
 * reads its header from the layer and hands the rest to the next one, until transport.c fills the packet.
 * Nothing is written to the packet before that, so a guess that fails (tunnel.c) leaves nothing to undo.
 */
#ifndef FS_DECODE_WALK_H
#define FS_DECODE_WALK_H
#include "base/reader.h"
#include "decode/decode.h"
#include "decode/fragment.h"

/* What is left of the frame behind the headers read so far. */
struct layer {
	struct reader r;
	uint32_t missing; /* bytes after the end of r that were on the wire and are not in the capture */
};

/* Headers that may hold another one (tags, labels, extension headers, IP, tunnels) in one frame. */
#define HEADERS_MAX 16
/* Guesses per frame: each may start more of them, and without a bound a crafted frame makes exponentially
 * many. */
#define GUESSES_MAX 8

struct walk {
	int64_t ts_ns;
	struct fragments *fragments;
	struct packet *out;
	int unsupported_linktype; /* -1: none met */
	uint8_t headers, guesses; /* so far */
	bool tunnels;             /* the option */
	bool guessed;             /* nothing announces these bytes: headers must be right in every detail */
	bool tunnelled, fragment; /* met on the way: for the account */
};

/* What the IP header and its extensions said; what transport.c needs. */
struct ip_header {
	struct ip source, destination;
	struct span l3;
	uint32_t l3_wire;
	uint32_t fingerprint; /* the part of packet.fingerprint that IP gives */
	uint8_t protocol;
	bool v6;
	bool unsized;                 /* no length in the header (segmentation offload, jumbogram) */
	bool first_fragment;          /* of several */
	struct fragment_key datagram; /* valid if first_fragment */
};

typedef enum decode_reason layer_decoder(struct walk *w, struct layer *l);

layer_decoder ether_decode, llc_decode, snap_decode, ppp_decode, pppoe_decode, mpls_decode;
layer_decoder ieee80211_decode, ieee80211_swapped_decode, radiotap_decode;
layer_decoder ppi_decode, prism_decode, avs_decode;
layer_decoder ip_decode, ipv4_decode, ipv6_decode; /* ip_decode: by version */
enum decode_reason ethertype_decode(struct walk *w, struct layer *l, unsigned type);
enum decode_reason link_decode(struct walk *w, struct layer *l, int linktype);
enum decode_reason transport_decode(struct walk *w, struct layer *l, const struct ip_header *ip);
/* A fragment without transport header: l is its part of the datagram. */
enum decode_reason transport_later_fragment(struct walk *w, const struct layer *l, struct ip_header *ip,
					    const struct fragment_key *datagram);
/* l: behind an ICMP error's header. True if it quotes a packet whose flow can be told. */
bool quote_decode(const struct layer *l, bool v6, struct flow_key *key, bool *from_low);

/*
 * Tunnels. l is not consumed. True: *reason is the answer for the whole frame. False: no packet of a flow is
 * inside (or it is no tunnel at all), and the outer packet is the one that counts.
 */
bool tunnel_by_protocol(struct walk *w, const struct layer *l, uint8_t protocol, enum decode_reason *reason);
bool tunnel_by_port(struct walk *w, const struct layer *l, uint16_t source, uint16_t destination,
		    enum decode_reason *reason);
/* Decodes a copy of l as a guess. True: it is what was guessed, and *reason answers the frame. */
bool walk_guess(struct walk *w, const struct layer *l, layer_decoder *decode, enum decode_reason *reason);

/* False: one header too many. */
static inline bool walk_enter(struct walk *w)
{
	return w->headers++ < HEADERS_MAX;
}

static inline uint32_t layer_wire(const struct layer *l)
{
	return (uint32_t)rd_left(&l->r) + l->missing;
}

/* The layer's header says how long it is: cuts padding off. False: longer than what was on the wire. */
static inline bool layer_limit(struct layer *l, uint32_t length)
{
	size_t left = rd_left(&l->r);
	if (length > layer_wire(l))
		return false;
	if (length <= left)
		l->r = reader_on(rd_take(&l->r, length));
	l->missing = length <= left ? 0 : length - (uint32_t)left;
	return true;
}

/* Why a header does not fit: the snap length cut it, or it cannot be one. */
static inline enum decode_reason layer_short_link(const struct layer *l)
{
	return l->missing ? REASON_truncated_link : REASON_malformed_link;
}
static inline enum decode_reason layer_short_ip(const struct layer *l)
{
	return l->missing ? REASON_truncated_ip : REASON_malformed_ip;
}
static inline enum decode_reason layer_short_transport(const struct layer *l)
{
	return l->missing ? REASON_truncated_transport : REASON_malformed_transport;
}

/*
 * Fields of a header that rd_take() has handed out whole: one bounds check per header, not one per field. at
 * must be a constant below the length that was taken.
 */
static inline uint16_t field_be16(struct span header, size_t at)
{
	return (uint16_t)(header.ptr[at] << 8 | header.ptr[at + 1]);
}
static inline uint32_t field_be32(struct span header, size_t at)
{
	return (uint32_t)field_be16(header, at) << 16 | field_be16(header, at + 2);
}
static inline struct ip field_ipv4(struct span header, size_t at)
{
	struct ip ip = {
		{ [10] = 0xff, [11] = 0xff }
	}; /* RFC 4291 section 2.5.5.2, inlined: once per packet */
	memcpy(ip.b + 12, header.ptr + at, 4);
	return ip;
}
static inline struct ip field_ipv6(struct span header, size_t at)
{
	struct ip ip;
	memcpy(ip.b, header.ptr + at, 16);
	return ip;
}
#endif
