/*
 * Tunnels, opened only when the user asks for it. What announces itself (an IP protocol number, GRE's
 * EtherType) is believed; a UDP port is not: a peer may use 4789 or 3544 as its random port, so these are
 * opened only if everything inside agrees, down to the transport header. Fragments of an outer packet are not
 * opened.
 */
#include "decode/walk.h"

#define PROTOCOL_IPIP  4   /* RFC 2003 */
#define PROTOCOL_MPLS  137 /* RFC 4023 */
#define PROTOCOL_ETHER 97  /* EtherIP, RFC 3378 */

bool walk_guess(struct walk *w, const struct layer *l, layer_decoder *decode, enum decode_reason *reason)
{
	struct walk before = *w;
	struct layer copy = *l;
	if (w->guesses >= GUESSES_MAX)
		return false;
	w->guesses++;
	w->guessed = true;
	*reason = decode(w, &copy);
	if (*reason == REASON_used || *reason == REASON_fragment_alone || *reason == REASON_arp) {
		w->guessed = before.guessed;
		return true;
	}
	before.guesses = w->guesses;
	*w = before;
	return false;
}

static bool gre_version1(struct walk *w, struct layer *l, unsigned flags, enum decode_reason *reason)
{
	unsigned length = rd_be16(&l->r); /* RFC 2637 section 4.1: the key is length and call id */
	rd_skip(&l->r, 2);
	if (flags & 0x1000)
		rd_skip(&l->r, 4); /* sequence number */
	if (flags & 0x0080)
		rd_skip(&l->r, 4); /* acknowledgement */
	if (!l->r.failed && (!(flags & 0x1000) || length == 0))
		return false; /* an acknowledgement alone */
	*reason = l->r.failed ? layer_short_link(l) : ppp_decode(w, l);
	return true;
}

/* RFC 2784, RFC 2890; draft-foschiano-erspan-03; draft-wilson-wrec-wccp-v2-01 section 4.12.1. */
static bool gre_decode(struct walk *w, struct layer *l, enum decode_reason *reason)
{
	unsigned flags = rd_be16(&l->r), type = rd_be16(&l->r);
	if (l->r.failed) {
		*reason = layer_short_link(l);
		return true;
	}
	if ((flags & 7) == 1)
		return gre_version1(w, l, flags, reason);
	if (flags & 0x4007) /* source routes (RFC 1701), which nobody sends; another version */
		return false;
	rd_skip(&l->r, (flags & 0x8000 ? 4U : 0U) + (flags & 0x2000 ? 4U : 0U) + (flags & 0x1000 ? 4U : 0U));
	struct reader peek = l->r;
	unsigned start = rd_u8(&peek);
	switch (type) {
	case 0x88be: /* ERSPAN: type I has no header and no sequence number, type II has eight bytes */
		rd_skip(&l->r, flags & 0x1000 ? 8 : 0);
		type = 0x6558;
		break;
	case 0x22eb: { /* ERSPAN type III; its last bit announces a subheader */
		rd_skip(&l->r, 11);
		unsigned last = rd_u8(&l->r);
		rd_skip(&l->r, last & 1 ? 8 : 0);
		type = 0x6558;
		break;
	}
	case 0x883e: /* WCCP: version 2 puts four bytes before the packet */
		rd_skip(&l->r, start >> 4 == 4 ? 0 : 4);
		type = 0x0800;
		break;
	default:
		if (type < 0x0600)
			return false;
	}
	*reason = l->r.failed ? layer_short_link(l) : ethertype_decode(w, l, type);
	return true;
}

static enum decode_reason etherip_decode(struct walk *w, struct layer *l)
{
	rd_skip(&l->r, 2);
	return ether_decode(w, l);
}

bool tunnel_by_protocol(struct walk *w, const struct layer *l, uint8_t protocol, enum decode_reason *reason)
{
	struct layer inner = *l;
	if (protocol != PROTOCOL_IPIP && protocol != IPPROTO_IPV6 && protocol != IPPROTO_GRE &&
	    protocol != PROTOCOL_ETHER && protocol != PROTOCOL_MPLS)
		return false;
	if (!walk_enter(w)) {
		*reason = REASON_too_deep;
		return true;
	}
	switch (protocol) {
	case PROTOCOL_IPIP:
		*reason = ipv4_decode(w, &inner);
		break;
	case IPPROTO_IPV6:
		*reason = ipv6_decode(w, &inner);
		break;
	case PROTOCOL_ETHER:
		*reason = etherip_decode(w, &inner);
		break;
	case PROTOCOL_MPLS:
		*reason = mpls_decode(w, &inner);
		break;
	default:
		if (!gre_decode(w, &inner, reason))
			return false;
	}
	/* Something that is no IP packet, or cannot be read: then the tunnel's own packet is the one to
	 * count. */
	if (*reason == REASON_arp || decode_reasons[*reason].result == DECODE_NOT_IP ||
	    *reason == REASON_unsupported_link || *reason == REASON_encrypted_link)
		return false;
	w->tunnelled |= *reason == REASON_used || *reason == REASON_fragment_alone;
	return true;
}
