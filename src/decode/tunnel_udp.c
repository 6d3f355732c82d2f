/*
 * Tunnels over UDP. The port only says what to try: the tunnel's header must make sense, and what it holds is
 * decoded as a guess, in which every length and checksum of the inner headers must be right.
 */
#include "decode/walk.h"

/*
 * An IP packet right behind the tunnel's header. IPv6 has no checksum (IPv4's is verified), so it must fill
 * the layer to the last byte.
 */
static enum decode_reason inner_ip_decode(struct walk *w, struct layer *l)
{
	struct reader peek = l->r;
	struct span start = rd_take(&peek, 6);
	if (peek.failed)
		return layer_short_ip(l);
	if (start.ptr[0] >> 4 == 6 && field_be16(start, 4) + 40U != layer_wire(l))
		return REASON_malformed_ip;
	return ip_decode(w, l);
}

/* 3GPP TS 29.281 section 5: flags, message type, length behind the first eight bytes, tunnel. */
static enum decode_reason gtp_decode(struct walk *w, struct layer *l)
{
	unsigned flags = rd_u8(&l->r), type = rd_u8(&l->r), length = rd_be16(&l->r);
	rd_skip(&l->r, 4);
	if (l->r.failed || flags >> 4 != 3 || type != 255 ||
	    length != layer_wire(l)) /* version 1, not GTP' */
		return REASON_malformed_link;
	if (flags & 7) { /* any of the three: all of sequence number, N-PDU number, next extension */
		rd_skip(&l->r, 3);
		unsigned next = rd_u8(&l->r);
		while (flags & 4 && next != 0 && !l->r.failed) {
			size_t size = rd_u8(&l->r) * 4U;
			if (size == 0)
				return REASON_malformed_link;
			rd_skip(&l->r, size - 2);
			next = rd_u8(&l->r);
		}
	}
	return inner_ip_decode(w, l);
}

/* RFC 7348 section 5; the group policy extension sets more of the bits that should be zero. */
static enum decode_reason vxlan_decode(struct walk *w, struct layer *l)
{
	struct span header = rd_take(&l->r, 8);
	if (l->r.failed || !(header.ptr[0] & 0x08) || header.ptr[7] != 0)
		return REASON_malformed_link;
	return ether_decode(w, l);
}

/* RFC 8926 section 3.4 */
static enum decode_reason geneve_decode(struct walk *w, struct layer *l)
{
	struct span header = rd_take(&l->r, 8);
	if (l->r.failed || header.ptr[0] >> 6 != 0 || header.ptr[7] != 0)
		return REASON_malformed_link;
	rd_skip(&l->r, (header.ptr[0] & 0x3f) * 4U);
	unsigned type = field_be16(header, 2);
	return type >= 0x0600 ? ethertype_decode(w, l, type) : REASON_not_ip;
}

/* RFC 4380 section 5.1.1: authentication (1), then origin (0), may come first; IPv6 starts with 6. */
static enum decode_reason teredo_decode(struct walk *w, struct layer *l)
{
	struct reader peek = l->r;
	unsigned start = rd_be16(&peek);
	if (start == 1) {
		rd_skip(&l->r, 2);
		size_t client = rd_u8(&l->r), authentication = rd_u8(&l->r);
		rd_skip(&l->r, client + authentication + 8 + 1); /* nonce, confirmation */
		peek = l->r;
		start = rd_be16(&peek);
	}
	if (start == 0)
		rd_skip(&l->r, 8);
	peek = l->r;
	return rd_u8(&peek) >> 4 == 6 ? inner_ip_decode(w, l) : REASON_malformed_link;
}

/* RFC 2661 section 3.1: a data message of version 2, with PPP inside. */
static enum decode_reason l2tp_decode(struct walk *w, struct layer *l)
{
	unsigned flags = rd_be16(&l->r);
	if (flags & 0x8000 || (flags & 0x000f) != 2)
		return REASON_malformed_link;
	if (flags & 0x4000)
		rd_skip(&l->r, 2); /* length */
	rd_skip(&l->r, 4);         /* tunnel, session */
	if (flags & 0x0800)
		rd_skip(&l->r, 4); /* sequence numbers */
	if (flags & 0x0200)
		rd_skip(&l->r, rd_be16(&l->r)); /* offset */
	return ppp_decode(w, l);
}

/* RFC 5415 section 4.3: an unencrypted data packet, with an Ethernet or an 802.11 frame. */
static enum decode_reason capwap_decode(struct walk *w, struct layer *l)
{
	struct span header = rd_take(&l->r, 8);
	enum decode_reason reason;
	if (l->r.failed || header.ptr[0] != 0)
		return REASON_malformed_link;
	size_t length = (header.ptr[1] >> 3) * 4U;
	if (length < 8 || field_be16(header, 6) & 0xfff8) /* a later fragment */
		return REASON_malformed_link;
	rd_skip(&l->r, length - 8);
	if (walk_guess(w, l, ieee80211_decode, &reason) ||
	    walk_guess(w, l, ieee80211_swapped_decode, &reason))
		return reason;
	return ether_decode(w, l);
}

/* TaZmen Sniffer Protocol: version 1, type, encapsulation, tags up to an end tag. */
static enum decode_reason tzsp_decode(struct walk *w, struct layer *l)
{
	struct span header = rd_take(&l->r, 4);
	if (l->r.failed || header.ptr[0] != 1 || header.ptr[1] > 1) /* a received packet, or one to send */
		return REASON_malformed_link;
	unsigned tag;
	while ((tag = rd_u8(&l->r)) != 1 && !l->r.failed) {
		if (tag != 0) /* padding has no length */
			rd_skip(&l->r, rd_u8(&l->r));
	}
	switch (field_be16(header, 2)) {
	case 1:
		return ether_decode(w, l);
	case 18:
		return ieee80211_decode(w, l);
	case 119:
		return prism_decode(w, l);
	default:
		return REASON_not_ip;
	}
}

static layer_decoder *decoder_of_port(uint16_t port)
{
	switch (port) {
	case 1701:
		return l2tp_decode;
	case 2152:
		return gtp_decode;
	case 3544:
		return teredo_decode;
	case 4789:
	case 8472: /* Linux's default before the port was assigned */
		return vxlan_decode;
	case 5247:
		return capwap_decode;
	case 6081:
		return geneve_decode;
	case 37008:
		return tzsp_decode;
	default:
		return NULL;
	}
}

static bool try_port(struct walk *w, const struct layer *l, uint16_t port, enum decode_reason *reason)
{
	layer_decoder *decode = decoder_of_port(port);
	if (!decode || !walk_guess(w, l, decode, reason) || *reason == REASON_arp)
		return false;
	w->tunnelled = true;
	return true;
}

bool tunnel_by_port(struct walk *w, const struct layer *l, uint16_t source, uint16_t destination,
		    enum decode_reason *reason)
{
	return walk_enter(w) && (try_port(w, l, destination, reason) ||
				 (source != destination && try_port(w, l, source, reason)));
}
