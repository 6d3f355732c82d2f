/*
 * Frames as they are on the wire: Ethernet, IPv4 without options, and UDP (RFC 768), TCP (RFC 9293) or ICMP
 * (RFC 792), with checksums.
 */
#ifndef FS_PEER_FRAME_H
#define FS_PEER_FRAME_H
#include "peer/wire.h"

#define FRAME_MAX     1514U /* without FCS */
#define FRAME_MTU     1500U
#define FRAME_MAC     6U
#define FRAME_UDP_MAX (FRAME_MTU - 20 - 8)
#define FRAME_TCP_MAX (FRAME_MTU - 20 - 20)
#define FRAME_ECHO    56U /* data of an echo request, as ping sends by default */

struct frame_head {
	uint8_t from_mac[FRAME_MAC], to_mac[FRAME_MAC];
	struct endpoint from, to;
	uint16_t id;
	uint8_t ttl;
};

/* Locally administered (IEEE 802, second bit of the first byte): 02:00 and the address. */
void frame_mac(uint32_t ip, uint8_t out[FRAME_MAC]);

/* Each writes a whole frame and returns its length. */
size_t frame_udp(uint8_t out[FRAME_MAX], const struct frame_head *head, const uint8_t *payload, size_t size);
/* A SYN says an MSS of 1460. */
size_t frame_tcp(uint8_t out[FRAME_MAX], const struct frame_head *head, const struct segment *segment);
size_t frame_echo(uint8_t out[FRAME_MAX], const struct frame_head *head, bool reply, uint16_t id,
		  uint16_t number);
/* Type 3 code 3, and the head of the UDP datagram of `size` bytes payload that it is about. */
size_t frame_unreachable(uint8_t out[FRAME_MAX], const struct frame_head *head,
			 const struct frame_head *quoted, size_t size);
#define FRAME_UNREACHABLE (20U + 8U) /* what it quotes: the IPv4 header and 64 bits (RFC 792) */
#endif
