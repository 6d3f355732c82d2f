/* The packet that an ICMP error quotes: enough of it to tell which flow the error is about. */
#include "decode/key.h"
#include "decode/walk.h"

static bool has_ports(unsigned protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
	       protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP;
}

/* Finds the transport header. A later fragment has none, so its flow cannot be told. */
static bool quote_ipv4(struct reader *r, struct ip_header *ip)
{
	struct span header = rd_take(r, 20);
	if (r->failed || header.ptr[0] >> 4 != 4 || field_be16(header, 6) & 0x1fff)
		return false;
	size_t header_length = (header.ptr[0] & 0x0fU) * 4;
	if (header_length < 20)
		return false;
	rd_skip(r, header_length - 20);
	ip->source = field_ipv4(header, 12);
	ip->destination = field_ipv4(header, 16);
	ip->protocol = header.ptr[9];
	return true;
}

static bool quote_ipv6(struct reader *r, struct ip_header *ip)
{
	struct span header = rd_take(r, 40);
	if (r->failed || header.ptr[0] >> 4 != 6)
		return false;
	ip->source = field_ipv6(header, 8);
	ip->destination = field_ipv6(header, 24);
	ip->protocol = header.ptr[6];
	for (int i = 0; i < HEADERS_MAX && !r->failed; i++) {
		unsigned next, length;
		switch (ip->protocol) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			next = rd_u8(r);
			length = rd_u8(r);
			rd_skip(r, length * 8 + 6);
			break;
		case IPPROTO_FRAGMENT:
			next = rd_u8(r);
			rd_skip(r, 1);
			if (rd_be16(r) & 0xfff8)
				return false;
			rd_skip(r, 4);
			break;
		default:
			return true;
		}
		ip->protocol = (uint8_t)next;
	}
	return false;
}

bool quote_decode(const struct layer *l, bool v6, struct flow_key *key, bool *from_low)
{
	struct reader r = l->r;
	struct ip_header ip = { 0 };
	uint16_t source_port = 0, destination_port = 0;
	if (!(v6 ? quote_ipv6(&r, &ip) : quote_ipv4(&r, &ip)))
		return false;
	if (has_ports(ip.protocol)) {
		source_port = rd_be16(&r);
		destination_port = rd_be16(&r);
	}
	if (r.failed)
		return false;
	*from_low =
		flow_key_set(key, &ip.source, source_port, &ip.destination, destination_port, ip.protocol);
	return true;
}
