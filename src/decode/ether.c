/* Ethernet and what is found between it and IP: VLAN tags, LLC/SNAP, MPLS, PPP and PPPoE. */
#include "decode/walk.h"

#define ETHER_HEADER    14
#define ETHERTYPE_FIRST 0x0600 /* IEEE 802.3 section 3.2.6: smaller values are lengths ... */
#define LENGTH_LAST     1500   /* ... up to this */

enum decode_reason ether_decode(struct walk *w, struct layer *l)
{
	struct span header = rd_take(&l->r, ETHER_HEADER);
	if (l->r.failed)
		return layer_short_link(l);
	return ethertype_decode(w, l, field_be16(header, 12));
}

/* Bytes between a tag's EtherType and the next EtherType; 0: no tag. */
static size_t tag_size(unsigned type)
{
	switch (type) {
	case 0x8100: /* IEEE 802.1Q */
	case 0x88a8: /* IEEE 802.1ad, QinQ */
	case 0x9100: /* QinQ before 802.1ad */
	case 0x9200:
	case 0x9300:
		return 2;
	case 0x8926: /* Cisco VN-tag */
	case 0x892f: /* HSR, IEC 62439-3 */
		return 4;
	case 0x8909: /* Cisco metadata (TrustSec) */
		return 6;
	default:
		return 0;
	}
}

/* IEEE 802.1AE section 9: readable when the frame is only authenticated. */
static enum decode_reason macsec_decode(struct walk *w, struct layer *l)
{
	unsigned tci = rd_u8(&l->r);
	rd_skip(&l->r, tci & 0x20 ? 1 + 4 + 8 : 1 + 4); /* SL, packet number, SCI if present */
	unsigned type = rd_be16(&l->r);
	if (l->r.failed)
		return layer_short_link(l);
	if (tci & 0x0c) /* E, C: encrypted, changed */
		return REASON_encrypted_link;
	return walk_enter(w) ? ethertype_decode(w, l, type) : REASON_too_deep;
}

static enum decode_reason nested_ether_decode(struct walk *w, struct layer *l, size_t skip)
{
	rd_skip(&l->r, skip);
	return walk_enter(w) ? ether_decode(w, l) : REASON_too_deep;
}

enum decode_reason ethertype_decode(struct walk *w, struct layer *l, unsigned type)
{
	size_t tag;
	while ((tag = tag_size(type)) != 0) {
		if (!walk_enter(w))
			return REASON_too_deep;
		rd_skip(&l->r, tag);
		type = rd_be16(&l->r);
		if (l->r.failed)
			return layer_short_link(l);
	}
	switch (type) {
	case 0x0800:
		return ipv4_decode(w, l);
	case 0x86dd:
		return ipv6_decode(w, l);
	case 0x0806: /* ARP */
	case 0x8035: /* RARP */
		return REASON_arp;
	case 0x8847: /* MPLS, RFC 3032 section 5 */
	case 0x8848:
		return mpls_decode(w, l);
	case 0x8864: /* PPPoE session, RFC 2516 section 4 */
		return pppoe_decode(w, l);
	case 0x880b: /* PPP (in GRE), RFC 2637 section 4.1 */
		return ppp_decode(w, l);
	case 0x6558: /* transparent Ethernet bridging */
		return nested_ether_decode(w, l, 0);
	case 0x8903: /* Cisco FabricPath: tree and TTL, then the host's frame */
		return nested_ether_decode(w, l, 2);
	case 0x88e7: /* IEEE 802.1ah: I-TAG, then the customer's frame */
		return nested_ether_decode(w, l, 4);
	case 0x88e5:
		return macsec_decode(w, l);
	default:
		break;
	}
	if (type > LENGTH_LAST)
		return REASON_not_ip; /* an EtherType that holds no IP, or one of the undefined values below
					 0x600 */
	return layer_limit(l, type) ? llc_decode(w, l) : REASON_malformed_link;
}

/* RFC 1042; the bytes after aa aa 03. */
enum decode_reason snap_decode(struct walk *w, struct layer *l)
{
	uint32_t organization = (uint32_t)rd_be16(&l->r) << 8;
	organization |= rd_u8(&l->r);
	unsigned type = rd_be16(&l->r);
	if (l->r.failed)
		return layer_short_link(l);
	if (!walk_enter(w))
		return REASON_too_deep;
	/* 0000f8: IEEE 802.1H, for EtherTypes that a bridge must not turn back into Ethernet. */
	if (organization == 0 || organization == 0x0000f8)
		return type >= ETHERTYPE_FIRST ? ethertype_decode(w, l, type) : REASON_not_ip;
	if (organization == 0x0080c2 &&
	    (type == 0x0001 || type == 0x0007)) /* RFC 2427 section 4.2: bridged */
		return ether_decode(w, l);
	return REASON_not_ip;
}

enum decode_reason llc_decode(struct walk *w, struct layer *l)
{
	struct span header = rd_take(&l->r, 3);
	if (l->r.failed)
		return layer_short_link(l);
	if (header.ptr[2] != 0x03) /* unnumbered information: the only kind that carries datagrams */
		return REASON_not_ip;
	if (header.ptr[0] == 0xaa && header.ptr[1] == 0xaa)
		return snap_decode(w, l);
	if (header.ptr[0] == 0x06 && header.ptr[1] == 0x06) /* IP's own SAP, RFC 1042 */
		return ip_decode(w, l);
	return REASON_not_ip;
}

static enum decode_reason control_word_decode(struct walk *w, struct layer *l)
{
	return nested_ether_decode(w, l, 4);
}

static enum decode_reason pseudowire_decode(struct walk *w, struct layer *l)
{
	return nested_ether_decode(w, l, 0);
}

/*
 * Nothing in an MPLS packet says what the label carries. RFC 4928 section 3: the first nibble of IP is its
 * version, a pseudowire's control word starts with 0 (RFC 4385) - but a pseudowire without one starts with a
 * MAC address.
 */
static enum decode_reason mpls_payload_decode(struct walk *w, struct layer *l)
{
	struct reader peek = l->r;
	unsigned nibble = rd_u8(&peek) >> 4;
	enum decode_reason reason;
	if (peek.failed)
		return layer_short_link(l);
	bool is_ip = nibble == 4 || nibble == 6;
	if (is_ip && walk_guess(w, l, ip_decode, &reason))
		return reason;
	if (nibble == 0 && walk_guess(w, l, control_word_decode, &reason))
		return reason;
	if (walk_guess(w, l, pseudowire_decode, &reason))
		return reason;
	return is_ip ? ip_decode(w, l) : REASON_not_ip;
}

enum decode_reason mpls_decode(struct walk *w, struct layer *l)
{
	uint32_t entry;
	do {
		if (!walk_enter(w))
			return REASON_too_deep;
		entry = rd_be32(&l->r);
		if (l->r.failed)
			return layer_short_link(l);
	} while (!(entry & 0x100)); /* bottom of stack, RFC 3032 section 2.1 */
	return mpls_payload_decode(w, l);
}

enum decode_reason ppp_decode(struct walk *w, struct layer *l)
{
	struct reader peek = l->r;
	if (rd_u8(&peek) ==
	    0xff) /* address, control - unless negotiated away; no protocol starts so (RFC 1661) */
		rd_skip(&l->r, 2);
	unsigned protocol = rd_u8(&l->r);
	if (!(protocol & 1)) /* an odd first byte is the whole field, compressed (RFC 1661 section 6.5) */
		protocol = protocol << 8 | rd_u8(&l->r);
	if (l->r.failed)
		return layer_short_link(l);
	if (!walk_enter(w))
		return REASON_too_deep;
	switch (protocol) {
	case 0x0021:
		return ipv4_decode(w, l);
	case 0x0057:
		return ipv6_decode(w, l);
	case 0x0281: /* MPLS, RFC 3032 section 4.3 */
	case 0x0283:
		return mpls_decode(w, l);
	case 0x002d: /* Van Jacobson's compressed TCP/IP, RFC 1332 */
	case 0x002f:
	case 0x0053: /* encrypted, RFC 1968; per link */
	case 0x0055:
	case 0x00fb: /* compressed per link, RFC 1962; per bundle, with MPPE too (RFC 3078) */
	case 0x00fd:
		return REASON_encrypted_link;
	default:
		return REASON_not_ip;
	}
}

enum decode_reason pppoe_decode(struct walk *w, struct layer *l)
{
	struct span header = rd_take(&l->r, 6);
	if (l->r.failed)
		return layer_short_link(l);
	if (!walk_enter(w))
		return REASON_too_deep;
	if (header.ptr[0] != 0x11) /* version 1, type 1: RFC 2516 section 4 */
		return REASON_malformed_link;
	if (header.ptr[1] != 0) /* a discovery packet */
		return REASON_not_ip;
	return layer_limit(l, field_be16(header, 4)) ? ppp_decode(w, l) : REASON_malformed_link;
}
