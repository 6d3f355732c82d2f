/*
 * Gnutella2 over UDP: the reliability layer, and the packet in it when it is whole and not deflated.
 *
 *	0-2 "GND" | 3 flags | 4-5 sequence | 6 part | 7 count, 0 in an acknowledgement | 8- fragment
 */
#include "dissectors/gnutella/gnutella.h"

/* G2, UDP transceiver; gtkg udp_reliable.h. */
#define RELIABLE_EXTENDED 12U /* gtkg: an acknowledgement with the bits of more parts */
#define FLAG_DEFLATED     0x01U
#define FLAG_CRITICAL     0x0cU /* not defined: who does not know them must drop the packet */
#define FLAG_EXTENDED     0x20U
#define PACKET_COMPOUND   0x04U
#define PACKET_BIG_ENDIAN 0x02U

struct g2_packet {
	struct span name, payload;
	uint8_t control;
};

/* G2, packet structure: control byte, length of 0 to 3 bytes, name of 1 to 8 bytes, payload. */
static bool rd_g2_packet(struct reader *r, struct g2_packet *p)
{
	p->control = rd_u8(r);
	unsigned bytes = p->control >> 6;
	uint32_t length = 0;
	for (unsigned i = 0; i < bytes; i++) {
		uint32_t byte = rd_u8(r);
		length = p->control & PACKET_BIG_ENDIAN ? length << 8 | byte : length | byte << (8 * i);
	}
	p->name = rd_take(r, (p->control >> 3 & 7U) + 1U);
	p->payload = rd_take(r, length);
	return !r->failed && p->control != 0; /* a zero ends a list of packets */
}

/* The root packets of G2's index. */
static bool is_root_name(struct span name)
{
	static const char *const names[] = { "CRAWLA", "CRAWLR", "HAW", "JCT",   "KHL",  "KHLA", "KHLR",
					     "LNI",    "PI",     "PO",  "PUSH",  "Q2",   "QA",   "QH2",
					     "QHT",    "QKA",    "QKR", "UPROC", "UPROD" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (span_is(name, names[i]))
			return true;
	return false;
}

/* The address for answers, in a query key request and in a query or ping. */
static void look_at_g2_child(const struct look *l, const struct g2_packet *root)
{
	struct g2_packet child;
	struct reader r = reader_on(root->payload);
	if (!(root->control & PACKET_COMPOUND) || !rd_g2_packet(&r, &child) ||
	    !(span_is(child.name, "RNA") || span_is(child.name, "UDP")))
		return;
	struct reader address = reader_on(child.payload);
	rd_skip(&address, 4);
	uint16_t port = child.control & PACKET_BIG_ENDIAN ? rd_be16(&address) : rd_le16(&address);
	if (port != 0 && port == l->from->port)
		observe(l, GNUTELLA_OWN_PORT, port);
}

enum match gnutella2_look(const struct look *l)
{
	struct reader r = reader_on(l->data);
	rd_skip(&r, 3);
	uint8_t flags = rd_u8(&r);
	rd_skip(&r, 2);
	uint8_t part = rd_u8(&r), count = rd_u8(&r);
	uint32_t ack = flags & FLAG_EXTENDED ? RELIABLE_EXTENDED : GNUTELLA2_HEADER;
	if (r.failed)
		return l->wire < GNUTELLA2_HEADER ? MATCH_NO : MATCH_MAYBE;
	if ((flags & FLAG_CRITICAL) || part == 0)
		return MATCH_NO;
	if (count ? part > count || l->wire == GNUTELLA2_HEADER : l->wire != ack)
		return MATCH_NO;
	observe(l, GNUTELLA_RELIABLE, flags);
	struct g2_packet packet;
	if (count == 1 && !(flags & FLAG_DEFLATED) && l->data.len == l->wire && rd_g2_packet(&r, &packet) &&
	    rd_left(&r) == 0 && is_root_name(packet.name)) {
		observe(l, GNUTELLA_G2_PACKET, packet.control);
		look_at_g2_child(l, &packet);
	}
	return MATCH_YES;
}
