#include "peer/frame.h"
#include <string.h>

enum { ETHER = 14, IP = 20, UDP = 8, TCP = 20, TCP_MSS = 4, ICMP = 8 };
enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17 };

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

/*
 * RFC 1071: the sum may be taken in the machine's own byte order and in larger words, and turned at the end.
 * Only the last part of a packet may have an odd length.
 */
static uint64_t sum(const uint8_t *bytes, size_t size, uint64_t so_far)
{
	uint32_t word;
	uint16_t half;

	for (; size >= sizeof word; size -= sizeof word, bytes += sizeof word) {
		memcpy(&word, bytes, sizeof word);
		so_far += word;
	}
	if (size >= sizeof half) {
		memcpy(&half, bytes, sizeof half);
		so_far += half;
		bytes += sizeof half;
		size -= sizeof half;
	}
	if (size > 0) {
		uint8_t last[2] = { bytes[0], 0 };
		memcpy(&half, last, sizeof half);
		so_far += half;
	}
	return so_far;
}

/* In the byte order in which it was summed: to be copied, not put. */
static void put_checksum(uint8_t *at, uint64_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	uint16_t checksum = (uint16_t)~total;
	memcpy(at, &checksum, sizeof checksum);
}

void frame_mac(uint32_t ip, uint8_t out[FRAME_MAC])
{
	put16(out, 0x0200);
	put32(out + 2, ip);
}

static void put_ip(uint8_t *at, const struct frame_head *head, uint8_t protocol, size_t size)
{
	at[0] = 0x45;
	at[1] = 0;
	put16(at + 2, (unsigned)(IP + size));
	put16(at + 4, head->id);
	put16(at + 6, 0x4000); /* do not fragment: path MTU discovery (RFC 1191) */
	at[8] = head->ttl;
	at[9] = protocol;
	put16(at + 10, 0);
	put32(at + 12, head->from.ip);
	put32(at + 16, head->to.ip);
	put_checksum(at + 10, sum(at, IP, 0));
}

/* Ethernet and IP; returns where the rest begins. */
static uint8_t *put_heads(uint8_t *out, const struct frame_head *head, uint8_t protocol, size_t size)
{
	memcpy(out, head->to_mac, FRAME_MAC);
	memcpy(out + FRAME_MAC, head->from_mac, FRAME_MAC);
	put16(out + 2 * FRAME_MAC, 0x0800);
	put_ip(out + ETHER, head, protocol, size);
	return out + ETHER + IP;
}

/* Of UDP and TCP: over the addresses, the protocol and the length as well. */
static void put_transport_checksum(uint8_t *field, const uint8_t *begin, size_t size, uint8_t protocol)
{
	uint8_t pseudo[4] = { 0, protocol };

	put16(pseudo + 2, (unsigned)size);
	put_checksum(field, sum(begin, size, sum(pseudo, sizeof pseudo, sum(begin - 8, 8, 0))));
}

static void put_udp_head(uint8_t *at, const struct frame_head *head, size_t size)
{
	put16(at, head->from.port);
	put16(at + 2, head->to.port);
	put16(at + 4, (unsigned)(UDP + size));
	put16(at + 6, 0);
}

size_t frame_udp(uint8_t out[FRAME_MAX], const struct frame_head *head, const uint8_t *payload, size_t size)
{
	uint8_t *at = put_heads(out, head, PROTO_UDP, UDP + size);

	put_udp_head(at, head, size);
	if (size > 0)
		memcpy(at + UDP, payload, size);
	put_transport_checksum(at + 6, at, UDP + size, PROTO_UDP);
	if (at[6] == 0 && at[7] == 0) /* zero says that there is none (RFC 768) */
		put16(at + 6, 0xffff);
	return ETHER + IP + UDP + size;
}

size_t frame_tcp(uint8_t out[FRAME_MAX], const struct frame_head *head, const struct segment *segment)
{
	size_t header = segment->flags & TCP_SYN ? TCP + TCP_MSS : TCP, size = header + segment->size;
	uint8_t *at = put_heads(out, head, PROTO_TCP, size);

	put16(at, head->from.port);
	put16(at + 2, head->to.port);
	put32(at + 4, segment->seq);
	put32(at + 8, segment->ack);
	at[12] = (uint8_t)(header / 4 << 4);
	at[13] = segment->flags;
	put16(at + 14, segment->flags & TCP_RST ? 0 : 0xffff); /* the window: never full */
	put32(at + 16, 0);
	if (segment->flags & TCP_SYN) {
		put16(at + TCP, 0x0204);
		put16(at + TCP + 2, FRAME_TCP_MAX);
	}
	if (segment->size > 0)
		memcpy(at + header, segment->payload, segment->size);
	put_transport_checksum(at + 16, at, size, PROTO_TCP);
	return ETHER + IP + size;
}

static size_t finish_icmp(uint8_t *at, uint8_t type, uint8_t code, size_t size)
{
	at[0] = type;
	at[1] = code;
	put16(at + 2, 0);
	put_checksum(at + 2, sum(at, size, 0));
	return ETHER + IP + size;
}

size_t frame_echo(uint8_t out[FRAME_MAX], const struct frame_head *head, bool reply, uint16_t id,
		  uint16_t number)
{
	uint8_t *at = put_heads(out, head, PROTO_ICMP, ICMP + FRAME_ECHO);

	put16(at + 4, id);
	put16(at + 6, number);
	for (unsigned i = 0; i < FRAME_ECHO; i++)
		at[ICMP + i] = (uint8_t)i;
	return finish_icmp(at, reply ? 0 : 8, 0, ICMP + FRAME_ECHO);
}

size_t frame_unreachable(uint8_t out[FRAME_MAX], const struct frame_head *head,
			 const struct frame_head *quoted, size_t size)
{
	uint8_t *at = put_heads(out, head, PROTO_ICMP, ICMP + FRAME_UNREACHABLE);

	put32(at + 4, 0);
	put_ip(at + ICMP, quoted, PROTO_UDP, UDP + size);
	put_udp_head(at + ICMP + IP, quoted, size); /* the datagram's checksum is not known any more: 0 */
	return finish_icmp(at, 3, 3, ICMP + FRAME_UNREACHABLE);
}
