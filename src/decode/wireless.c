/* IEEE 802.11 data frames, and the capture headers that come before them. */
#include "decode/walk.h"

/* IEEE 802.11-2020 section 9.2.4.1; the frame control field as read little-endian. */
#define FC_TYPE       0x000c
#define FC_TYPE_DATA  0x0008
#define FC_NULL       0x0040 /* subtype bit: no frame body */
#define FC_QOS        0x0080 /* subtype bit */
#define FC_TO_DS      0x0100
#define FC_FROM_DS    0x0200
#define FC_PROTECTED  0x4000
#define FC_ORDER      0x8000
#define QOS_AMSDU     0x0080
#define FRAGMENT_MASK 0x000f

static enum decode_reason data_body_decode(struct walk *w, struct layer *l, bool aggregate)
{
	if (aggregate) {
		/* The first of the frames in an A-MSDU: one frame is one packet here, so the others are not
		 * seen. */
		rd_skip(&l->r, 12);
		unsigned length = rd_be16(&l->r);
		if (l->r.failed)
			return layer_short_link(l);
		if (!layer_limit(l, length))
			return REASON_malformed_link;
	}
	return walk_enter(w) ? llc_decode(w, l) : REASON_too_deep;
}

/* What the capture's or the tunnel's header says of the frame. */
struct quirks {
	bool padded;  /* the body is aligned to four bytes (radiotap's data-pad flag) */
	bool swapped; /* some controllers send the frame control field in CAPWAP in network order */
};

static enum decode_reason data_frame_decode(struct walk *w, struct layer *l, struct quirks quirks)
{
	size_t before = rd_left(&l->r);
	unsigned control = quirks.swapped ? rd_be16(&l->r) : rd_le16(&l->r), qos = 0;
	rd_skip(&l->r, 2 + 3 * 6); /* duration, three addresses */
	unsigned sequence = rd_le16(&l->r);
	if (l->r.failed)
		return layer_short_link(l);
	if ((control & FC_TYPE) != FC_TYPE_DATA || control & FC_NULL || control & 3)
		return REASON_not_ip; /* bits 0 and 1: protocol version */
	if (control & FC_TO_DS && control & FC_FROM_DS)
		rd_skip(&l->r, 6);
	if (control & FC_QOS)
		qos = rd_le16(&l->r);
	if (control & FC_QOS && control & FC_ORDER)
		rd_skip(&l->r, 4); /* HT control */
	if (l->r.failed)
		return layer_short_link(l);
	if (control & FC_PROTECTED)
		return REASON_encrypted_link;
	if (sequence & FRAGMENT_MASK) /* the LLC header was in the first fragment */
		return REASON_not_ip;
	if (quirks.padded)
		rd_skip(&l->r, (4 - (before - rd_left(&l->r)) % 4) % 4);
	return data_body_decode(w, l, (qos & QOS_AMSDU) != 0);
}

enum decode_reason ieee80211_decode(struct walk *w, struct layer *l)
{
	return data_frame_decode(w, l, (struct quirks){ 0 });
}

enum decode_reason ieee80211_swapped_decode(struct walk *w, struct layer *l)
{
	return data_frame_decode(w, l, (struct quirks){ .swapped = true });
}

/* radiotap.org: fields in order of the present bits, aligned; only Flags (bit 1) matters, and TSFT (bit 0) is
 * before. */
enum decode_reason radiotap_decode(struct walk *w, struct layer *l)
{
	struct layer frame = *l;
	unsigned version = rd_u8(&l->r), length, flags = 0;
	rd_skip(&l->r, 1);
	length = rd_le16(&l->r);
	uint32_t present = rd_le32(&l->r), more = present;
	size_t offset = 8;
	for (; more & UINT32_C(0x80000000); offset += 4)
		more = rd_le32(&l->r);
	if (present & 1) {
		size_t pad = (8 - offset % 8) % 8;
		rd_skip(&l->r, pad + 8);
	}
	if (present & 2)
		flags = rd_u8(&l->r);
	rd_skip(&frame.r, length);
	if (l->r.failed || frame.r.failed)
		return layer_short_link(l);
	if (version != 0 || length < 8)
		return REASON_malformed_link;
	*l = frame;
	return data_frame_decode(w, l, (struct quirks){ .padded = (flags & 0x20) != 0 });
}

/* Per-packet information (CACE PPI 1.0): its header, fields that we do not need, then a frame of the link
 * type given. */
enum decode_reason ppi_decode(struct walk *w, struct layer *l)
{
	rd_skip(&l->r, 2);
	unsigned length = rd_le16(&l->r);
	uint32_t linktype = rd_le32(&l->r);
	if (!l->r.failed && length < 8)
		return REASON_malformed_link;
	rd_skip(&l->r, length - 8U);
	if (l->r.failed)
		return layer_short_link(l);
	if (!walk_enter(w))
		return REASON_too_deep;
	return link_decode(w, l, linktype <= UINT16_MAX ? (int)linktype : -1);
}

/* The AVS capture header: magic 0x8021100x, then its length. */
enum decode_reason avs_decode(struct walk *w, struct layer *l)
{
	uint32_t magic = rd_be32(&l->r), length = rd_be32(&l->r);
	if (!l->r.failed && (magic >> 12 != 0x80211 || length < 8))
		return REASON_malformed_link;
	rd_skip(&l->r, length - 8U);
	return l->r.failed ? layer_short_link(l) : ieee80211_decode(w, l);
}

/* The Prism header has a fixed size; the same link type is used for AVS. */
enum decode_reason prism_decode(struct walk *w, struct layer *l)
{
	struct reader peek = l->r;
	if (rd_be32(&peek) >> 12 == 0x80211)
		return avs_decode(w, l);
	rd_skip(&l->r, 144);
	return l->r.failed ? layer_short_link(l) : ieee80211_decode(w, l);
}
