/*
 * RTP and RTCP (RFC 3550). Of SRTP and SRTCP (RFC 3711) the same headers are in clear: all of RTP's, with the
 *header extension, and the first 8 bytes of RTCP.
 *
 *	RTP   0 V=2, P, X, CC | 1 M, PT | 2-3 sequence | 4-7 timestamp | 8-11 SSRC | CSRC list | extension |
 *payload RTCP  0 V=2, P, count | 1 type | 2-3 length in words - 1 | 4-7 SSRC of the sender | ...
 */
#include "dissectors/rtp/rtp.h"

#define VERSION(byte) ((byte) >> 6)
#define RTP_VERSION   2U
#define HAS_PADDING   0x20U
#define HAS_EXTENSION 0x10U
#define COUNT_MASK    0x0fU
#define MARKER        0x80U
#define FIXED_HEADER  12U

/* RFC 5761 section 4: with the marker set these would be RTCP's types 192-223, so no RTP on a shared port has
 * them. */
#define CLASH_FIRST 64U
#define CLASH_LAST  95U

/* RFC 3550 section 12.1, RFC 2032, RFC 4585, RFC 3611 and the IANA registry: FIR 192 ... IJ 195, SR 200 ...
 * SNM 213. */
#define RTCP_OLD_FIRST 192U
#define RTCP_OLD_LAST  195U
#define RTCP_FIRST     200U
#define RTCP_LAST      213U
#define RTCP_SR        200U
#define RTCP_RR        201U
#define RTCP_COUNT     0x1fU
#define PACKETS_MAX    32U /* in one message; five are usual, and a loop needs an end */

/* Cuts the padding off; its length is in the last byte, and counts itself. */
static void cut_padding(struct rtp_header *h)
{
	struct reader r = reader_on(h->payload.data);

	h->fits = false;
	if (h->payload.data.len != h->payload.wire || h->payload.wire == 0)
		return;
	rd_skip(&r, h->payload.wire - 1U);
	uint8_t padding = rd_u8(&r);
	h->fits = padding > 0 && padding <= h->payload.wire;
	if (h->fits)
		h->payload = part_first(h->payload, h->payload.wire - padding);
}

enum reading rtp_read(struct part message, struct rtp_header *out)
{
	struct reader r = reader_on(message.data);
	uint8_t first = rd_u8(&r), second = rd_u8(&r);
	uint16_t sequence = rd_be16(&r);
	uint32_t timestamp = rd_be32(&r), ssrc = rd_be32(&r);
	uint32_t header = FIXED_HEADER + 4U * (first & COUNT_MASK);

	if (r.failed)
		return message.wire < FIXED_HEADER ? READ_NOT : READ_CUT;
	uint8_t payload_type = (uint8_t)(second & ~MARKER);
	if (VERSION(first) != RTP_VERSION || (payload_type >= CLASH_FIRST && payload_type <= CLASH_LAST))
		return READ_NOT;
	if (header > message.wire)
		return READ_NOT;
	uint32_t extension = 0;
	if (first & HAS_EXTENSION) {
		rd_skip(&r, header - FIXED_HEADER + 2U);
		extension = 4U + 4U * rd_be16(&r);
		if (r.failed && header + 4U <= message.wire)
			return READ_CUT;
	}
	/* Discord has encrypted the extension, too (discord.pcap): then there is no telling where it ends. */
	bool fits = header + extension <= message.wire;
	*out = (struct rtp_header){
		.payload_type = payload_type,
		.fits = fits,
		.sequence = sequence,
		.timestamp = timestamp,
		.ssrc = ssrc,
		.payload = part_behind(message, fits ? header + extension : header),
	};
	if (fits && first & HAS_PADDING)
		cut_padding(out);
	return READ_OK;
}

/* Section 6.4.1: what the sender of a report says of one stream that it receives. */
static void read_reception(struct reader *r, struct media_control *c)
{
	struct media_reception report;

	rd_skip(r, 16); /* the stream's SSRC, losses, highest sequence number, jitter */
	report.last_clock = rd_be32(r);
	report.delay = rd_be32(r);
	if (!r->failed && c->receptions < MEDIA_RECEPTIONS_MAX)
		c->reception[c->receptions++] = report;
}

/* body: of a sender or receiver report, behind the SSRC. */
static void read_report(struct span body, unsigned type, unsigned blocks, struct media_control *c)
{
	struct reader r = reader_on(body);

	if (type == RTCP_SR) {
		uint32_t seconds = rd_be32(&r), fraction = rd_be32(&r);
		rd_skip(&r, 12); /* RTP timestamp, packets and bytes sent */
		if (!r.failed) {
			c->has_clock = true;
			c->clock = seconds << 16 | fraction >> 16;
		}
	}
	while (blocks-- > 0 && !r.failed)
		read_reception(&r, c);
}

static bool is_rtcp_type(uint8_t type)
{
	return (type >= RTCP_FIRST && type <= RTCP_LAST) || (type >= RTCP_OLD_FIRST && type <= RTCP_OLD_LAST);
}

/*
 * Reads the packets of a message, one behind the other. In SRTCP all but the first 8 bytes is noise, and an
 * index and a tag follow: the lengths do not add up, and nothing of it is believed.
 */
static bool read_compound(struct span data, struct media_control *c)
{
	struct reader r = reader_on(data);

	for (unsigned i = 0; i < PACKETS_MAX && rd_left(&r) > 0; i++) {
		uint8_t first = rd_u8(&r), type = rd_u8(&r);
		struct span body = rd_take(&r, 4U * rd_be16(&r));
		if (r.failed || VERSION(first) != RTP_VERSION || !is_rtcp_type(type))
			return false;
		if (i == 0 && type != RTCP_SR && type != RTCP_RR)
			return false; /* section 6.1 */
		struct reader behind = reader_on(body);
		rd_skip(&behind, 4);
		if (type == RTCP_SR || type == RTCP_RR)
			read_report(rd_rest(&behind), type, first & RTCP_COUNT, c);
	}
	return !r.failed && rd_left(&r) == 0;
}

/*
 * RFC 3711 section 3.4: behind the encrypted part a word with the E flag and a counter that begins at 0 or 1,
 * then the authentication tag, of 80 bits by default (section 5.2). RFC 7714 section 9.2: with AES-GCM the
 * tag of 128 bits comes before the word.
 */
#define SRTCP_TAIL      14U
#define SRTCP_GCM_TAIL  4U
#define SRTCP_GCM_TAG   16U
#define SRTCP_E         0x80000000U
#define SRTCP_INDEX_MAX 0xfffffU /* a million reports: with one every 100 ms, a day */

static bool has_index_at(struct part message, uint32_t from_end)
{
	struct reader r = reader_on(message.data);

	rd_skip(&r, message.wire - from_end);
	uint32_t word = rd_be32(&r);
	return !r.failed && (word & SRTCP_E) && (word & ~SRTCP_E) <= SRTCP_INDEX_MAX;
}

/* rest: behind the first packet, whose length is in clear. */
static bool has_srtcp_index(struct part message, uint32_t rest)
{
	return (rest >= SRTCP_TAIL && has_index_at(message, SRTCP_TAIL)) ||
	       (rest >= SRTCP_GCM_TAG + SRTCP_GCM_TAIL && has_index_at(message, SRTCP_GCM_TAIL));
}

enum reading rtcp_read(struct part message, struct rtcp_message *out)
{
	struct reader r = reader_on(message.data);
	uint8_t first = rd_u8(&r), type = rd_u8(&r);
	uint32_t length = 4U + 4U * rd_be16(&r), ssrc = rd_be32(&r);

	if (r.failed)
		return message.wire < 8U ? READ_NOT : READ_CUT;
	if (VERSION(first) != RTP_VERSION || !is_rtcp_type(type) || length < 8U || length > message.wire)
		return READ_NOT;
	*out = (struct rtcp_message){ .ssrc = ssrc };
	out->compound = message.data.len == message.wire && read_compound(message.data, &out->control);
	if (!out->compound) {
		out->control = (struct media_control){ 0 };
		out->encrypted = has_srtcp_index(message, message.wire - length);
	}
	return READ_OK;
}
