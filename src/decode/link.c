/* Link types other than Ethernet: the tcpdump group's registry (tcpdump.org/linktypes.html) says what each
 * holds. */
#include "decode/walk.h"

/* The AF_ number of the system that captured: AF_INET is 2 everywhere, AF_INET6 is not. */
static enum decode_reason family_decode(struct walk *w, struct layer *l, uint32_t family)
{
	switch (family) {
	case 2:
		return ipv4_decode(w, l);
	case 10: /* Linux */
	case 23: /* Windows */
	case 24: /* NetBSD, OpenBSD */
	case 26: /* Solaris */
	case 28: /* FreeBSD */
	case 30: /* Darwin */
		return ipv6_decode(w, l);
	default:
		return REASON_not_ip;
	}
}

/* A 4-byte family in the byte order of the capturing machine, or (LOOP) of the network; extra bytes; the
 * packet. */
static enum decode_reason family_first_decode(struct walk *w, struct layer *l, size_t extra)
{
	uint32_t family = rd_le32(&l->r);
	rd_skip(&l->r, extra);
	if (l->r.failed)
		return layer_short_link(l);
	return family_decode(w, l, family > UINT16_MAX ? __builtin_bswap32(family) : family);
}

static enum decode_reason null_decode(struct walk *w, struct layer *l)
{
	return family_first_decode(w, l, 0);
}

/* OpenBSD's IPsec device: then SPI and flags; the packet is what was (or will be) protected. */
static enum decode_reason enc_decode(struct walk *w, struct layer *l)
{
	return family_first_decode(w, l, 8);
}

static enum decode_reason fddi_decode(struct walk *w, struct layer *l)
{
	struct span header = rd_take(&l->r, 13);
	if (l->r.failed)
		return layer_short_link(l);
	return (header.ptr[0] & 0xf0) == 0x50 ? llc_decode(w, l) : REASON_not_ip; /* asynchronous LLC */
}

static enum decode_reason token_ring_decode(struct walk *w, struct layer *l)
{
	struct span header = rd_take(&l->r, 14);
	if (l->r.failed)
		return layer_short_link(l);
	if ((header.ptr[1] & 0xc0) != 0x40) /* no LLC frame */
		return REASON_not_ip;
	if (header.ptr[8] & 0x80) { /* source routed: length of the routing field in its first byte */
		struct reader peek = l->r;
		rd_skip(&l->r, rd_u8(&peek) & 0x1f);
	}
	return llc_decode(w, l);
}

/* Cisco HDLC: address, control, EtherType. */
static enum decode_reason chdlc_decode(struct walk *w, struct layer *l)
{
	rd_skip(&l->r, 2);
	unsigned type = rd_be16(&l->r);
	if (l->r.failed)
		return layer_short_link(l);
	return type >= 0x0600 ? ethertype_decode(w, l, type) : REASON_not_ip;
}

/* PPP links whose files may hold Cisco HDLC as well: its address byte is 0f or 8f. */
static enum decode_reason serial_decode(struct walk *w, struct layer *l)
{
	struct reader peek = l->r;
	unsigned address = rd_u8(&peek);
	return address == 0x0f || address == 0x8f ? chdlc_decode(w, l) : ppp_decode(w, l);
}

/* A direction instead of (166), or before (204), the address byte. */
static enum decode_reason ppp_direction_decode(struct walk *w, struct layer *l)
{
	rd_skip(&l->r, 1);
	struct reader peek = l->r;
	if (rd_u8(&peek) == 0x03 && !peek.failed)
		l->r = peek;
	return ppp_decode(w, l);
}

/* RFC 2427; or Cisco's older form, an EtherType right after the address. */
static enum decode_reason frame_relay_decode(struct walk *w, struct layer *l)
{
	bool last = false;
	for (int i = 0; i < 4 && !last; i++) /* Q.922 address: two to four bytes, the last one is odd */
		last = rd_u8(&l->r) & 1;
	unsigned control = rd_u8(&l->r), next = rd_u8(&l->r);
	if (control == 0x03 && next == 0) /* alignment */
		next = rd_u8(&l->r);
	if (l->r.failed)
		return layer_short_link(l);
	if (control != 0x03)
		return control >= 0x06 ? ethertype_decode(w, l, control << 8 | next) : REASON_not_ip;
	switch (next) { /* NLPID */
	case 0xcc:
		return ipv4_decode(w, l);
	case 0x8e:
		return ipv6_decode(w, l);
	case 0x80:
		return snap_decode(w, l);
	case 0xcf:
		return ppp_decode(w, l);
	default:
		return REASON_not_ip;
	}
}

/* Linux "cooked": the protocol is an EtherType, except for devices whose frames are something else. */
static enum decode_reason cooked_decode(struct walk *w, struct layer *l, unsigned hardware, unsigned protocol)
{
	if (l->r.failed)
		return layer_short_link(l);
	if (!walk_enter(w))
		return REASON_too_deep;
	if (hardware == 803) /* ARPHRD_IEEE80211_RADIOTAP */
		return radiotap_decode(w, l);
	if (hardware == 770) /* ARPHRD_FRAD */
		return frame_relay_decode(w, l);
	if (hardware == 824) /* ARPHRD_NETLINK: protocol is a netlink family */
		return REASON_not_ip;
	if (protocol == 0x0004) /* LINUX_SLL_P_802_2 */
		return llc_decode(w, l);
	return protocol >= 0x0600 ? ethertype_decode(w, l, protocol) : REASON_not_ip;
}

static enum decode_reason sll_decode(struct walk *w, struct layer *l)
{
	rd_skip(&l->r, 2);
	unsigned hardware = rd_be16(&l->r);
	rd_skip(&l->r, 10);
	unsigned protocol = rd_be16(&l->r);
	return cooked_decode(w, l, hardware, protocol);
}

static enum decode_reason sll2_decode(struct walk *w, struct layer *l)
{
	unsigned protocol = rd_be16(&l->r);
	rd_skip(&l->r, 6);
	unsigned hardware = rd_be16(&l->r);
	rd_skip(&l->r, 10);
	return cooked_decode(w, l, hardware, protocol);
}

/* OpenBSD's and FreeBSD's packet filter log: header length, family, ..., padded to four bytes. */
static enum decode_reason pflog_decode(struct walk *w, struct layer *l)
{
	size_t length = rd_u8(&l->r);
	unsigned family = rd_u8(&l->r);
	if (!l->r.failed && length < 4)
		return REASON_malformed_link;
	rd_skip(&l->r, (length + 3) / 4 * 4 - 2);
	return l->r.failed ? layer_short_link(l) : family_decode(w, l, family);
}

/*
 * Linux netfilter log: family, version, resource id, then TLVs whose length and type are in the byte order of
 * the capturing machine. Types are small, so a zero first byte tells big-endian.
 */
static enum decode_reason nflog_decode(struct walk *w, struct layer *l)
{
	unsigned family = rd_u8(&l->r), ethertype = 0;
	rd_skip(&l->r, 3);
	while (rd_left(&l->r) > 0) {
		struct span head = rd_take(&l->r, 4);
		if (l->r.failed)
			break;
		bool big = head.ptr[2] == 0;
		unsigned type = big ? head.ptr[3] : head.ptr[2];
		unsigned length = big ? field_be16(head, 0) : (unsigned)(head.ptr[1] << 8 | head.ptr[0]);
		if (length < 4)
			return REASON_malformed_link;
		if (type == 9) { /* NFULA_PAYLOAD */
			if (!layer_limit(l, length - 4))
				return REASON_malformed_link;
			if (ethertype >= 0x0600) /* logged by a bridge */
				return ethertype_decode(w, l, ethertype);
			return family_decode(w, l, family);
		}
		struct layer body = { reader_on(rd_take(&l->r, length - 4)), 0 };
		if (type == 1) /* NFULA_PACKET_HDR: the EtherType comes first */
			ethertype = rd_be16(&body.r);
		size_t padding = (4 - length % 4) % 4;
		rd_skip(&l->r, padding < rd_left(&l->r) ? padding : rd_left(&l->r));
	}
	return l->r.failed || l->missing ? layer_short_link(l) : REASON_not_ip;
}

/* The direction and the compressed header, in 16 bytes, as BSD kernels hand them out. */
static enum decode_reason slip_decode(struct walk *w, struct layer *l)
{
	rd_skip(&l->r, 16);
	return l->r.failed ? layer_short_link(l) : ip_decode(w, l);
}

/* RFC 2625 section 3: two 8-byte addresses. */
static enum decode_reason fibre_channel_decode(struct walk *w, struct layer *l)
{
	rd_skip(&l->r, 16);
	return l->r.failed ? layer_short_link(l) : llc_decode(w, l);
}

/* Two 8-byte addresses, then an EtherType. */
static enum decode_reason firewire_decode(struct walk *w, struct layer *l)
{
	rd_skip(&l->r, 16);
	unsigned type = rd_be16(&l->r);
	return l->r.failed ? layer_short_link(l) : ethertype_decode(w, l, type);
}

/* Solaris: zones and interfaces, in 24 bytes. */
static enum decode_reason ipnet_decode(struct walk *w, struct layer *l)
{
	rd_skip(&l->r, 24);
	return l->r.failed ? layer_short_link(l) : ip_decode(w, l);
}

static layer_decoder *const link_decoders[] = {
	[0] = null_decode,            /* NULL */
	[1] = ether_decode,           /* ETHERNET */
	[6] = token_ring_decode,      /* IEEE802_5 */
	[8] = slip_decode,            /* SLIP */
	[9] = serial_decode,          /* PPP */
	[10] = fddi_decode,           /* FDDI */
	[12] = ip_decode,             /* DLT_RAW as most systems number it; LINKTYPE_RAW is 101 */
	[14] = ip_decode,             /* DLT_RAW of OpenBSD */
	[50] = serial_decode,         /* PPP_HDLC */
	[51] = pppoe_decode,          /* PPP_ETHER */
	[100] = llc_decode,           /* ATM_RFC1483 */
	[101] = ip_decode,            /* RAW */
	[104] = chdlc_decode,         /* C_HDLC */
	[105] = ieee80211_decode,     /* IEEE802_11 */
	[107] = frame_relay_decode,   /* FRELAY */
	[108] = null_decode,          /* LOOP */
	[109] = enc_decode,           /* ENC */
	[113] = sll_decode,           /* LINUX_SLL */
	[117] = pflog_decode,         /* PFLOG */
	[119] = prism_decode,         /* IEEE802_11_PRISM */
	[122] = fibre_channel_decode, /* IP_OVER_FC */
	[127] = radiotap_decode,      /* IEEE802_11_RADIOTAP */
	[138] = firewire_decode,      /* APPLE_IP_OVER_IEEE1394 */
	[163] = avs_decode,           /* IEEE802_11_AVS */
	[166] = ppp_direction_decode, /* PPP_PPPD */
	[192] = ppi_decode,           /* PPI */
	[204] = ppp_direction_decode, /* PPP_WITH_DIR */
	[226] = ipnet_decode,         /* IPNET */
	[228] = ipv4_decode,          /* IPV4 */
	[229] = ipv6_decode,          /* IPV6 */
	[239] = nflog_decode,         /* NFLOG */
	[276] = sll2_decode,          /* LINUX_SLL2 */
};

enum decode_reason link_decode(struct walk *w, struct layer *l, int linktype)
{
	size_t known = sizeof link_decoders / sizeof *link_decoders;
	if (linktype >= 0 && (size_t)linktype < known && link_decoders[linktype])
		return link_decoders[linktype](w, l);
	w->unsupported_linktype = linktype;
	return REASON_unsupported_link;
}
