/*
 * Calls over TCP, where UDP is filtered. Two ways to find the messages in the stream:
 *
 *	TURN     STUN and channel data, as they are; channel data is padded to 4 bytes (RFC 8656 section 12.5)
 *	framed   2 bytes of length, and a message: RTP (RFC 4571), STUN and DTLS beside it (RFC 6544, 7983)
 */
#include "dissectors/rtp/rtp.h"

#define CHANNEL_HEADER 4U
#define FRAME_HEADER   2U
#define FRAME_MIN      12U   /* RTP's header */
#define FRAME_MAX      2046U /* what fits into the head of a stream that is kept */

enum framing { FRAMING_UNKNOWN, FRAMING_TURN, FRAMING_LENGTHS };
struct tcp_state {
	struct rtp_flow flow;
	uint16_t read[2]; /* bytes of each direction that are done */
	uint8_t framing;  /* enum framing, of both directions */
};

enum cutting { CUT_NOTHING, CUT_MORE, CUT_ONE };

/* The first message of a TURN stream, and the bytes that it takes. */
static enum cutting cut_turn(struct span stream, struct span *message, size_t *taken)
{
	struct reader r = reader_on(stream);
	uint16_t type = rd_be16(&r);
	size_t length = rd_be16(&r), head = type < 0x4000U ? STUN_HEADER : CHANNEL_HEADER;

	if (r.failed)
		return CUT_MORE;
	if (type >= 0x5000U)
		return CUT_NOTHING;
	*taken = (head + length + 3U) & ~(size_t)3U;
	struct reader whole = reader_on(stream);
	*message = rd_take(&whole, head + length);
	return whole.failed || stream.len < *taken ? CUT_MORE : CUT_ONE;
}

static enum cutting cut_frame(struct span stream, struct span *message, size_t *taken)
{
	struct reader r = reader_on(stream);
	size_t length = rd_be16(&r);

	*taken = FRAME_HEADER + length;
	*message = rd_take(&r, length);
	return r.failed ? CUT_MORE : CUT_ONE;
}

static enum cutting cut(enum framing framing, struct span stream, struct span *message, size_t *taken)
{
	return framing == FRAMING_TURN ? cut_turn(stream, message, taken) : cut_frame(stream, message, taken);
}

static bool is_stun(struct span bytes)
{
	struct reader r = reader_on(bytes);
	struct stun_message s;

	rd_skip(&r, 2);
	uint32_t length = STUN_HEADER + rd_be16(&r);
	struct part message = part_first((struct part){ bytes, length }, length);
	return !r.failed && stun_read(message, &s) == READ_OK && !s.classic;
}

/* By the first bytes of the connection. Nearly all connections end here. */
static enum framing framing_of(struct span stream)
{
	struct span message;
	size_t taken;
	struct rtp_message m;

	if (is_stun(stream))
		return FRAMING_TURN;
	if (cut_frame(stream, &message, &taken) != CUT_ONE)
		return FRAMING_UNKNOWN;
	message_read((struct part){ message, (uint32_t)message.len }, false, &m);
	bool stun = m.kind == MESSAGE_STUN && !m.stun.classic && !m.relayed;
	bool rtp = m.kind == MESSAGE_RTP && payload_type_is_usual(m.rtp.payload_type) && m.rtp.ssrc != 0;
	return stun || rtp || (m.kind == MESSAGE_RTCP && m.rtcp.compound) ? FRAMING_LENGTHS : FRAMING_UNKNOWN;
}

/*
 * Whether more bytes could make a first message of what is there. In the text of HTTP and in the records of
 * TLS the first two bytes are a length that no media has.
 */
static bool may_become_message(struct span stream)
{
	struct reader r = reader_on(stream);
	uint16_t first = rd_be16(&r), second = rd_be16(&r);
	uint32_t cookie = rd_be32(&r);

	if (stream.len < 4)
		return stream.len == 0 || stream.ptr[0] <= FRAME_MAX >> 8;
	if (first >> 8 < 2U && stream.len < STUN_HEADER && (r.failed || cookie == STUN_COOKIE))
		return true;
	bool whole = stream.len >= FRAME_HEADER + (size_t)first;
	return first >= FRAME_MIN && first <= FRAME_MAX && !whole && (second >> 14 == 2U || second >> 8 < 2U);
}

static enum match tcp_look(const struct look *l)
{
	struct tcp_state *st = l->state;
	struct reader r = reader_on(l->data);
	enum match match = st->flow.media ? MATCH_YES : MATCH_MAYBE;

	if (st->framing == FRAMING_UNKNOWN)
		st->framing = (uint8_t)framing_of(l->data);
	if (st->framing == FRAMING_UNKNOWN)
		return may_become_message(l->data) ? MATCH_MAYBE : MATCH_NO;
	rd_skip(&r, st->read[l->dir]);
	for (;;) {
		struct span message, rest = { r.at, rd_left(&r) };
		struct rtp_message m;
		size_t taken;
		enum cutting cutting = cut((enum framing)st->framing, rest, &message, &taken);
		if (cutting != CUT_ONE)
			return cutting == CUT_MORE ? match : MATCH_NO;
		message_read((struct part){ message, (uint32_t)message.len }, false, &m);
		match = flow_note(l, &st->flow, &m);
		if (match == MATCH_NO)
			return match;
		rd_skip(&r, taken);
		st->read[l->dir] = (uint16_t)(st->read[l->dir] + taken);
	}
}

/* Whether the frames of a segment end where it ends; without state that is all there is to go by. */
static bool frames_fill(enum framing framing, struct span segment)
{
	struct reader r = reader_on(segment);
	struct span message;
	size_t taken;

	while (rd_left(&r) > 0) {
		struct span rest = { r.at, rd_left(&r) };
		if (cut(framing, rest, &message, &taken) != CUT_ONE || message.len == 0)
			return false;
		rd_skip(&r, taken);
	}
	return true;
}

/* Of the first message of the segment; those behind it are the rest. */
static enum sample_kind tcp_sample(const struct look *l, struct media_sample *out)
{
	struct rtp_message m = { .kind = MESSAGE_STRANGE };
	struct reader behind = reader_on(l->data);
	struct span message;
	size_t taken = 0;

	for (enum framing f = FRAMING_TURN; f <= FRAMING_LENGTHS && m.kind == MESSAGE_STRANGE; f++)
		if (l->data.len > 0 && frames_fill(f, l->data) &&
		    cut(f, l->data, &message, &taken) == CUT_ONE)
			message_read((struct part){ message, (uint32_t)message.len }, false, &m);
	enum sample_kind kind = message_sample(&m, out);
	if (m.kind != MESSAGE_STRANGE) {
		rd_skip(&behind, taken);
		out->rest = rd_rest(&behind);
	}
	return kind;
}

const struct dissector dissector_rtp_tcp = {
	.name = "rtp_tcp",
	.summary = "voice and video over TCP: TURN, and RTP in frames (RFC 8656, 4571)",
	.protocol = &protocol_rtp,
	.l4 = IPPROTO_TCP,
	.patience = 64, /* segments; the first 2048 bytes of each direction are soon over */
	.state_size = sizeof(struct tcp_state),
	.look = tcp_look,
	.sample = tcp_sample,
};
