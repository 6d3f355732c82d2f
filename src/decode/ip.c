/* IPv4 (RFC 791), IPv6 (RFC 8200) and its extension headers, AH (RFC 4302). */
#include "decode/walk.h"

#define IPV4_HEADER   20
#define IPV6_HEADER   40
#define MORE          0x2000 /* IPv4 flag; the low 13 bits are the offset in units of 8 bytes */
#define OFFSET_MASK   0x1fff
#define PROTOCOL_MH   135 /* RFC 6275; the others are in netinet/in.h */
#define PROTOCOL_HIP  139 /* RFC 7401 */
#define PROTOCOL_SHIM 140 /* RFC 5533 */

enum decode_reason ip_decode(struct walk *w, struct layer *l)
{
	struct reader peek = l->r;
	unsigned version = rd_u8(&peek) >> 4;
	if (peek.failed)
		return layer_short_ip(l);
	if (version == 4)
		return ipv4_decode(w, l);
	return version == 6 ? ipv6_decode(w, l) : REASON_malformed_ip;
}

static struct span layer_bytes(const struct layer *l)
{
	struct reader copy = l->r;
	return rd_rest(&copy);
}

/* RFC 1071: the sum over a header with a right checksum is ffff. */
static bool checksum_right(const struct layer *l, size_t header)
{
	struct reader r = l->r;
	uint32_t sum = 0;
	for (size_t i = 0; i < header; i += 2)
		sum += rd_be16(&r);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return !r.failed && sum == 0xffff;
}

/* RFC 4302 section 2.2: the payload follows in the clear. False: the header is cut or broken. */
static bool ah_skip(struct layer *l, uint8_t *protocol)
{
	*protocol = rd_u8(&l->r);
	rd_skip(&l->r, (rd_u8(&l->r) + 2U) * 4 - 2);
	return !l->r.failed;
}

static enum decode_reason ipv4_upper(struct walk *w, struct layer *l, struct ip_header *ip)
{
	if (ip->protocol == IPPROTO_AH && !ah_skip(l, &ip->protocol))
		return layer_short_ip(l);
	return transport_decode(w, l, ip);
}

static enum decode_reason ipv4_fragment(struct walk *w, struct layer *l, struct ip_header *ip,
					unsigned fragment)
{
	struct fragment_key datagram = {
		.source = ip->source,
		.destination = ip->destination,
		.identification = ip->fingerprint >> 16,
		.protocol = ip->protocol,
	};
	w->fragment = true;
	if ((fragment & OFFSET_MASK) == 0) {
		ip->first_fragment = true;
		ip->datagram = datagram;
		return ipv4_upper(w, l, ip);
	}
	ip->fingerprint |= fragment & OFFSET_MASK;
	return transport_later_fragment(w, l, ip, &datagram);
}

enum decode_reason ipv4_decode(struct walk *w, struct layer *l)
{
	struct reader r = l->r;
	struct span header = rd_take(&r, IPV4_HEADER);
	if (r.failed)
		return layer_short_ip(l);
	size_t header_length = (header.ptr[0] & 0x0fU) * 4;
	uint32_t total = field_be16(header, 2);
	unsigned fragment = field_be16(header, 6);
	struct ip_header ip;

	ip.unsized = total == 0; /* segmentation offload: captured before the card set it */
	if (ip.unsized)
		total = layer_wire(l);
	if (header.ptr[0] >> 4 != 4 || header_length < IPV4_HEADER || total < header_length ||
	    !layer_limit(l, total))
		return REASON_malformed_ip;
	if (!walk_enter(w))
		return REASON_too_deep;
	if (w->guessed && !checksum_right(l, header_length))
		return REASON_malformed_ip;
	ip.source = field_ipv4(header, 12);
	ip.destination = field_ipv4(header, 16);
	ip.l3 = layer_bytes(l);
	ip.l3_wire = total;
	ip.fingerprint = (uint32_t)field_be16(header, 4) << 16;
	ip.protocol = header.ptr[9];
	ip.v6 = false;
	ip.first_fragment = false;
	rd_skip(&l->r, header_length);
	if (l->r.failed)
		return layer_short_ip(l);
	if (fragment & (MORE | OFFSET_MASK))
		return ipv4_fragment(w, l, &ip, fragment);
	return ipv4_upper(w, l, &ip);
}

/* RFC 2675: the length of a jumbogram, from a hop-by-hop options header; 0: none there. */
static uint32_t jumbo_length(const struct layer *l)
{
	struct reader r = l->r;
	rd_skip(&r, 1);
	size_t length = rd_u8(&r) * 8U + 6;
	struct reader options = reader_on(rd_take(&r, length));
	while (rd_left(&options) > 0) {
		unsigned type = rd_u8(&options);
		if (type == 0) /* Pad1 has no length */
			continue;
		size_t size = rd_u8(&options);
		if (type == 0xc2 && size == 4)
			return rd_be32(&options);
		rd_skip(&options, size);
	}
	return 0;
}

/* The fragment header. True: *reason answers the frame; false: the chain of headers goes on. */
static bool ipv6_fragment(struct walk *w, struct layer *l, struct ip_header *ip, enum decode_reason *reason)
{
	struct span header = rd_take(&l->r, 8);
	if (l->r.failed) {
		*reason = layer_short_ip(l);
		return true;
	}
	unsigned offset = field_be16(header, 2);
	ip->protocol = header.ptr[0];
	if (!(offset & 0xfff9)) /* an atomic fragment (RFC 6946) is a whole packet */
		return false;
	ip->datagram = (struct fragment_key){
		.source = ip->source,
		.destination = ip->destination,
		.identification = field_be32(header, 4),
	};
	w->fragment = true;
	if (!(offset & 0xfff8)) {
		ip->first_fragment = true;
		return false;
	}
	ip->fingerprint = ip->datagram.identification << 16 | offset;
	*reason = transport_later_fragment(w, l, ip, &ip->datagram);
	return true;
}

/* RFC 8200 section 4: follows the chain from ip->protocol to the upper layer. */
static enum decode_reason ipv6_extensions(struct walk *w, struct layer *l, struct ip_header *ip)
{
	enum decode_reason reason;
	for (;;) {
		switch (ip->protocol) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
		case PROTOCOL_MH:
		case PROTOCOL_HIP:
		case PROTOCOL_SHIM:
			ip->protocol = rd_u8(&l->r);
			rd_skip(&l->r, rd_u8(&l->r) * 8U + 6);
			break;
		case IPPROTO_AH:
			(void)ah_skip(l, &ip->protocol);
			break;
		case IPPROTO_FRAGMENT:
			if (ipv6_fragment(w, l, ip, &reason))
				return reason;
			break;
		default:
			return transport_decode(w, l, ip);
		}
		if (l->r.failed)
			return layer_short_ip(l);
		if (!walk_enter(w))
			return REASON_too_deep;
	}
}

/* The length of the packet on the wire, its header included. */
static uint32_t ipv6_length(const struct layer *l, struct reader after, struct span header, bool *unsized)
{
	uint32_t length = field_be16(header, 4);
	uint32_t wire = layer_wire(l);
	*unsized = length == 0 && header.ptr[6] != IPPROTO_NONE;
	if (!*unsized)
		return length + IPV6_HEADER;
	struct layer options = { after, 0 };
	uint32_t jumbo = header.ptr[6] == IPPROTO_HOPOPTS ? jumbo_length(&options) : 0;
	/* No option: segmentation offload ("BIG TCP") leaves the length to whoever cuts the packet. */
	return jumbo && jumbo <= UINT32_MAX - IPV6_HEADER ? jumbo + IPV6_HEADER : wire;
}

enum decode_reason ipv6_decode(struct walk *w, struct layer *l)
{
	struct reader r = l->r;
	struct span header = rd_take(&r, IPV6_HEADER);
	if (r.failed)
		return layer_short_ip(l);
	struct ip_header ip;
	uint32_t total = ipv6_length(l, r, header, &ip.unsized);
	if (header.ptr[0] >> 4 != 6 || !layer_limit(l, total))
		return REASON_malformed_ip;
	if (!walk_enter(w))
		return REASON_too_deep;
	if (w->guessed && header.ptr[8] == 0xff) /* a multicast source cannot be: RFC 4291 section 2.7 */
		return REASON_malformed_ip;
	ip.source = field_ipv6(header, 8);
	ip.destination = field_ipv6(header, 24);
	ip.l3 = layer_bytes(l);
	ip.l3_wire = total;
	/* No identification here: the flow label and the length stand in for it. */
	ip.fingerprint = (uint32_t)(field_be16(header, 2) ^ field_be16(header, 4)) << 16;
	ip.protocol = header.ptr[6];
	ip.v6 = true;
	ip.first_fragment = false;
	rd_skip(&l->r, IPV6_HEADER);
	return ipv6_extensions(w, l, &ip);
}
