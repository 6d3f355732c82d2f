/* UDP, UDP-Lite, TCP, SCTP, DCCP, ICMP; and the one place where a packet is filled. */
#include "decode/key.h"
#include "decode/walk.h"

#define UDP_HEADER  8
#define TCP_HEADER  20
#define ICMP_HEADER 8
#define SCTP_HEADER 12 /* RFC 9260 section 3.1 */
#define DCCP_HEADER 12 /* RFC 4340 section 5.1, the shorter of its two forms */

/* Sets every field of the packet that does not belong to one transport only. l: the payload. */
static inline enum decode_reason packet_fill(struct walk *w, struct layer *l, const struct ip_header *ip,
					     uint16_t source_port, uint16_t destination_port,
					     uint32_t fingerprint)
{
	struct packet *out = w->out;
	out->from_low = flow_key_set(&out->key, &ip->source, source_port, &ip->destination, destination_port,
				     ip->protocol);
	out->later_fragment = false;
	out->has_quote = false;
	out->quote_from_low = false;
	out->tcp_flags = 0;
	out->icmp_type = 0;
	out->icmp_code = 0;
	out->tcp_seq = 0;
	out->tcp_ack = 0;
	out->l3 = ip->l3;
	out->l3_wire = ip->l3_wire;
	out->payload_wire = layer_wire(l);
	out->payload = rd_rest(&l->r);
	out->fingerprint = fingerprint;
	out->rest_wire = 0;
	out->early_fragments = 0;
	out->early_payload = 0;
	out->early_payload_wire = 0;
	out->early_l3_wire = 0;
	out->early_ns = 0;
	if (ip->first_fragment) {
		struct fragment_transport transport = { source_port, destination_port, ip->protocol };
		struct fragment_early early;
		fragments_first(w->fragments, &ip->datagram, w->ts_ns, &transport, &early);
		out->rest_wire = early.sizes.payload_wire;
		out->early_fragments = early.packets;
		out->early_payload = early.sizes.payload;
		out->early_payload_wire = early.sizes.payload_wire;
		out->early_l3_wire = early.sizes.l3_wire;
		out->early_ns = early.ns;
	}
	return REASON_used;
}

enum decode_reason transport_later_fragment(struct walk *w, const struct layer *l, struct ip_header *ip,
					    const struct fragment_key *datagram)
{
	struct fragment_sizes sizes = { (uint32_t)rd_left(&l->r), layer_wire(l), ip->l3_wire };
	struct fragment_transport transport;
	struct layer part = *l;
	if (!fragments_later(w->fragments, datagram, w->ts_ns, &sizes, &transport))
		return REASON_fragment_alone;
	ip->protocol = transport.protocol;
	packet_fill(w, &part, ip, transport.source_port, transport.destination_port, ip->fingerprint);
	w->out->later_fragment = true;
	return REASON_used;
}

/*
 * The length field of UDP cuts the layer. It may be more than there is only where this is not the whole
 * datagram (a first fragment), and zero only where it has no room for the value (RFC 2675 section 4).
 */
static bool udp_limit(struct walk *w, struct layer *l, const struct ip_header *ip, uint32_t length)
{
	uint32_t room = layer_wire(l) + UDP_HEADER;
	if (length == 0 && ip->unsized)
		return true;
	if (length < UDP_HEADER)
		return false;
	if (length > room || (w->guessed && length != room))
		return length > room && ip->first_fragment;
	return layer_limit(l, length - UDP_HEADER);
}

static inline enum decode_reason udp_decode(struct walk *w, struct layer *l, const struct ip_header *ip)
{
	struct span header = rd_take(&l->r, UDP_HEADER);
	if (l->r.failed)
		return layer_short_transport(l);
	uint16_t source = field_be16(header, 0), destination = field_be16(header, 2);
	uint32_t length = field_be16(header, 4), room = layer_wire(l) + UDP_HEADER;
	enum decode_reason reason;
	if (!udp_limit(w, l, ip, length))
		return REASON_malformed_transport;
	if (w->tunnels && !ip->first_fragment && tunnel_by_port(w, l, source, destination, &reason))
		return reason;
	packet_fill(w, l, ip, source, destination, ip->fingerprint | field_be16(header, 6));
	/* RFC 768: the length is the whole datagram's; udp_limit() lets only a first fragment hold less of
	 * it. */
	w->out->rest_wire = length > room ? length - room : 0;
	return REASON_used;
}

static inline enum decode_reason tcp_decode(struct walk *w, struct layer *l, const struct ip_header *ip)
{
	struct span header = rd_take(&l->r, TCP_HEADER);
	if (l->r.failed)
		return layer_short_transport(l);
	size_t header_length = (header.ptr[12] >> 4) * 4U;
	if (header_length < TCP_HEADER)
		return REASON_malformed_transport;
	rd_skip(&l->r, header_length - TCP_HEADER);
	if (l->r.failed)
		return layer_short_transport(l);
	uint32_t seq = field_be32(header, 4);
	uint32_t fingerprint = ip->fingerprint | field_be16(header, 16);
	if (ip->v6)
		fingerprint ^= seq << 16;
	packet_fill(w, l, ip, field_be16(header, 0), field_be16(header, 2), fingerprint);
	w->out->tcp_flags = header.ptr[13];
	w->out->tcp_seq = seq;
	w->out->tcp_ack = field_be32(header, 8);
	return REASON_used;
}

/* RFC 1122 section 3.2.2 and RFC 4443 section 2.1: these quote the packet that caused them. */
static bool icmp_is_error(bool v6, unsigned type)
{
	if (v6)
		return type >= 1 && type <= 4;
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

static enum decode_reason icmp_decode(struct walk *w, struct layer *l, const struct ip_header *ip)
{
	struct span header = rd_take(&l->r, ICMP_HEADER);
	if (l->r.failed)
		return layer_short_transport(l);
	struct layer body = *l;
	packet_fill(w, l, ip, 0, 0, ip->fingerprint | field_be16(header, 2));
	struct packet *out = w->out;
	out->icmp_type = header.ptr[0];
	out->icmp_code = header.ptr[1];
	if (icmp_is_error(ip->v6, out->icmp_type))
		out->has_quote = quote_decode(&body, ip->v6, &out->quote, &out->quote_from_low);
	return REASON_used;
}

/* Transports that start with two ports, like TCP, and whose header's length is not in question. */
static enum decode_reason ports_decode(struct walk *w, struct layer *l, const struct ip_header *ip,
				       size_t header_length, size_t checksum_at)
{
	struct span header = rd_take(&l->r, header_length);
	if (l->r.failed)
		return layer_short_transport(l);
	return packet_fill(w, l, ip, field_be16(header, 0), field_be16(header, 2),
			   ip->fingerprint | field_be16(header, checksum_at));
}

static enum decode_reason dccp_decode(struct walk *w, struct layer *l, const struct ip_header *ip)
{
	struct reader peek = l->r;
	rd_skip(&peek, 4);
	size_t header_length = rd_u8(&peek) * 4U; /* data offset, in words */
	if (!peek.failed && header_length < DCCP_HEADER)
		return REASON_malformed_transport;
	return ports_decode(w, l, ip, header_length > DCCP_HEADER ? header_length : DCCP_HEADER, 6);
}

/* What an IPv6 packet that is only a guess may carry: random bytes hit one of these once in twenty times. */
static bool protocol_is_common(unsigned protocol)
{
	switch (protocol) {
	case 4:   /* IPv4 */
	case 41:  /* IPv6 */
	case 47:  /* GRE */
	case 50:  /* ESP */
	case 59:  /* no next header: Teredo's bubbles */
	case 89:  /* OSPF */
	case 103: /* PIM */
	case 112: /* VRRP */
		return true;
	default:
		return false;
	}
}

/* No ports, and a header of its own that we do not read: all of it is payload. */
static enum decode_reason other_decode(struct walk *w, struct layer *l, const struct ip_header *ip)
{
	enum decode_reason reason;
	if (w->guessed && ip->v6 && !protocol_is_common(ip->protocol))
		return REASON_malformed_transport;
	if (w->tunnels && !ip->first_fragment && tunnel_by_protocol(w, l, ip->protocol, &reason))
		return reason;
	/* IPv6 has no identification, and ESP's checksum is not there; its sequence number ends at byte 8. */
	struct reader peek = l->r;
	rd_skip(&peek, 6);
	return packet_fill(w, l, ip, 0, 0, ip->v6 ? ip->fingerprint | rd_be16(&peek) : ip->fingerprint);
}

enum decode_reason transport_decode(struct walk *w, struct layer *l, const struct ip_header *ip)
{
	switch (ip->protocol) {
	case IPPROTO_UDP:
		return udp_decode(w, l, ip);
	case IPPROTO_TCP:
		return tcp_decode(w, l, ip);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		/* The other family's ICMP is just an unknown protocol. */
		return (ip->protocol == IPPROTO_ICMPV6) == ip->v6 ? icmp_decode(w, l, ip)
								  : other_decode(w, l, ip);
	case IPPROTO_SCTP: /* a 32-bit checksum: its low half */
		return ports_decode(w, l, ip, SCTP_HEADER, 10);
	case IPPROTO_UDPLITE: /* RFC 3828: the length field became the checksum's coverage */
		return ports_decode(w, l, ip, UDP_HEADER, 6);
	case IPPROTO_DCCP:
		return dccp_decode(w, l, ip);
	default:
		return other_decode(w, l, ip);
	}
}
