/*
 * Which of the protocols of a call a message belongs to. They share one 5-tuple and are told apart by the
 *first byte (RFC 7983 section 7):
 *
 *	0-3 STUN | 16-19 ZRTP | 20-63 DTLS | 64-79 TURN channel data | 128-191 RTP and RTCP
 *
 * What TURN wraps is unwrapped. The rest is of applications. Discord asks its server for the client's own
 *address before it speaks RTP (Discord's documentation of voice connections, "IP Discovery"; rtp.pcapng,
 *i3d.pcap and discord.pcap show it). Zoom has two headers of its own (O. Michel et al., Enabling Passive
 *Measurement of Zoom Performance in Production Networks, IMC 2022, section 4; zoom2.pcap agrees): the first
 *only between client and server,
 *
 *	0 type, 5: the second follows | 1-2 sequence | 3-6 | 7 direction, 0 or 4
 *
 * and the second, whose type tells where RTP or RTCP begins.
 */
#include "dissectors/rtp/rtp.h"

/* RFC 8656 section 12: channel numbers are 0x4000-0x4fff; 4 bytes of header, and over UDP padding is allowed.
 */
#define CHANNEL_HEADER 4U
#define CHANNEL_FIRST  0x40U
#define CHANNEL_LAST   0x4fU

/* RFC 6347 section 4.1: content type, version, epoch, sequence number, length. */
#define DTLS_HEADER 13U
#define DTLS_FIRST  20U /* change_cipher_spec */
#define DTLS_LAST   26U /* ACK, RFC 9147 section 5.9 */
#define DTLS_MAJOR  0xfeU

#define ZRTP_FIRST 0x10U
#define ZRTP_MAGIC 0x5a525450U /* RFC 6189 section 5 */

/* Discord: type 1 asks, 2 answers; 70 bytes follow: SSRC, 64 of address, port. */
#define DISCOVERY_ASKS    1U
#define DISCOVERY_ANSWERS 2U
#define DISCOVERY_LENGTH  70U
#define DISCOVERY_WIRE    74U

#define ZOOM_SERVER_HEADER 8U
#define ZOOM_MEDIA         5U /* 1, 2 and 3 in zoom2.pcap come before and beside the media */

#define DEPTH_MAX 2U /* an indication, and what it carries */

static void read_at(struct part message, bool zoom, unsigned depth, struct rtp_message *out);

static enum message_kind kind_of(enum reading reading, enum message_kind kind)
{
	return reading == READ_OK ? kind : reading == READ_CUT ? MESSAGE_CUT : MESSAGE_STRANGE;
}

static void read_rtp(struct part message, uint8_t type, struct rtp_message *out)
{
	/* RFC 5761 section 4; the same numbers are no payload types, see rtp_read(). */
	if (type >= 192 && type <= 223)
		out->kind = kind_of(rtcp_read(message, &out->rtcp), MESSAGE_RTCP);
	else
		out->kind = kind_of(rtp_read(message, &out->rtp), MESSAGE_RTP);
}

static void read_channel_data(struct part message, unsigned depth, struct rtp_message *out)
{
	struct reader r = reader_on(message.data);
	rd_skip(&r, 2);
	uint32_t length = rd_be16(&r), whole = CHANNEL_HEADER + length;

	if (r.failed || depth >= DEPTH_MAX || whole > message.wire || message.wire - whole >= 4)
		return;
	read_at(part_first(part_behind(message, CHANNEL_HEADER), length), false, depth + 1, out);
	out->relayed = true;
}

/* Send and Data indications carry a whole message. Media inside counts as such, all else is STUN. */
static void read_stun(struct part message, unsigned depth, struct rtp_message *out)
{
	struct stun_message stun;
	enum reading reading = stun_read(message, &stun);

	if (reading != READ_OK) {
		out->kind = kind_of(reading, MESSAGE_STUN);
		return;
	}
	bool carries =
		stun.class == STUN_INDICATION && (stun.method == STUN_SEND || stun.method == STUN_DATA);
	if (carries && depth < DEPTH_MAX) {
		read_at(stun.payload, false, depth + 1, out);
		out->relayed = true;
	}
	if (out->kind != MESSAGE_RTP && out->kind != MESSAGE_RTCP)
		out->kind = MESSAGE_STUN;
	out->has_stun = true;
	out->stun = stun;
}

static bool is_dtls(struct part message)
{
	struct reader r = reader_on(message.data);
	uint8_t type = rd_u8(&r), major = rd_u8(&r);

	rd_skip(&r, 9);
	uint32_t length = rd_be16(&r);
	return !r.failed && type >= DTLS_FIRST && type <= DTLS_LAST && major == DTLS_MAJOR &&
	       DTLS_HEADER + length <= message.wire;
}

static bool is_zrtp(struct part message)
{
	struct reader r = reader_on(message.data);
	uint8_t first = rd_u8(&r);

	rd_skip(&r, 3);
	return first == ZRTP_FIRST && rd_be32(&r) == ZRTP_MAGIC;
}

static bool is_discovery(struct part message)
{
	struct reader r = reader_on(message.data);
	uint16_t type = rd_be16(&r), length = rd_be16(&r);

	return message.wire == DISCOVERY_WIRE && length == DISCOVERY_LENGTH &&
	       (type == DISCOVERY_ASKS || type == DISCOVERY_ANSWERS);
}

/* Zoom's second header: table 2 of the paper. */
static const struct zoom_type {
	uint8_t type, offset;
	bool rtcp;
	enum media_kind media;
} zoom_types[] = {
	{ 13, 27, false, MEDIA_VIDEO }, /* a shared screen */
	{ 15, 19, false, MEDIA_AUDIO },  { 16, 24, false, MEDIA_VIDEO },
	{ 33, 16, true, MEDIA_UNKNOWN }, { 34, 16, true, MEDIA_UNKNOWN },
};
#define ZOOM_TYPES (sizeof zoom_types / sizeof zoom_types[0])

static void read_zoom_media(struct part message, struct rtp_message *out)
{
	struct reader first = reader_on(message.data);
	uint8_t type = rd_u8(&first);

	for (unsigned i = 0; i < ZOOM_TYPES; i++) {
		const struct zoom_type *z = &zoom_types[i];
		if (z->type != type || message.wire <= z->offset)
			continue;
		struct part inner = part_behind(message, z->offset);
		if (z->rtcp) {
			out->kind = kind_of(rtcp_read(inner, &out->rtcp), MESSAGE_RTCP);
		} else {
			out->kind = kind_of(rtp_read(inner, &out->rtp), MESSAGE_RTP);
			out->media = z->media;
		}
	}
}

static void read_zoom(struct part message, struct rtp_message *out)
{
	struct reader r = reader_on(message.data);
	uint8_t type = rd_u8(&r);

	if (type == ZOOM_MEDIA && message.wire > ZOOM_SERVER_HEADER)
		read_zoom_media(part_behind(message, ZOOM_SERVER_HEADER), out);
	if (out->kind == MESSAGE_STRANGE && type > 0 && type <= ZOOM_MEDIA)
		out->kind = MESSAGE_SETUP;
}

static void read_at(struct part message, bool zoom, unsigned depth, struct rtp_message *out)
{
	struct reader r = reader_on(message.data);
	uint8_t first = rd_u8(&r), second = rd_u8(&r);

	if (r.failed) {
		out->kind = message.wire > message.data.len ? MESSAGE_CUT : MESSAGE_STRANGE;
	} else if (first >= 0x80U && first <= 0xbfU) {
		read_rtp(message, second, out);
	} else if (first >= CHANNEL_FIRST && first <= CHANNEL_LAST) {
		read_channel_data(message, depth, out);
	} else if (first < CHANNEL_FIRST) {
		/* STUN has methods beyond RFC 7983's 0-3; WhatsApp uses them (wa_voice.pcap). */
		read_stun(message, depth, out);
		if (out->kind != MESSAGE_STRANGE)
			return;
		if (is_dtls(message))
			out->kind = MESSAGE_DTLS;
		else if (is_discovery(message))
			out->kind = MESSAGE_DISCOVERY;
		else if (is_zrtp(message))
			out->kind = MESSAGE_SETUP;
		else if (zoom)
			read_zoom(message, out);
		else
			read_zoom_media(message, out);
	}
}

void message_read(struct part message, bool zoom, struct rtp_message *out)
{
	/* Only what says what is valid: the rest is large, and nearly every first message is nobody's. */
	out->kind = MESSAGE_STRANGE;
	out->relayed = out->has_stun = false;
	out->media = MEDIA_UNKNOWN;
	read_at(message, zoom, 0, out);
}

static void sample_rtp(const struct rtp_message *m, struct media_sample *out)
{
	const struct rtp_header *h = &m->rtp;
	const struct codec *codec = static_codec(h->payload_type);

	*out = (struct media_sample){
		.stream = h->ssrc,
		.sequenced = true,
		.sequence = h->sequence,
		.timestamp = h->timestamp,
		.clock_hz = codec ? codec->clock_hz : 0,
		.payload_type = h->payload_type,
		.codec = codec ? codec->name : NULL,
		.media = codec ? codec->media : m->media,
		.comfort_noise = is_comfort_noise(h->payload_type),
		.payload = h->payload.data,
		.payload_wire = h->payload.wire,
	};
}

enum sample_kind message_sample(const struct rtp_message *m, struct media_sample *out)
{
	switch (m->kind) {
	case MESSAGE_RTP:
		sample_rtp(m, out);
		return SAMPLE_MEDIA;
	case MESSAGE_RTCP:
		*out = (struct media_sample){ .stream = m->rtcp.ssrc, .control = m->rtcp.control };
		return SAMPLE_CONTROL;
	case MESSAGE_STRANGE:
	case MESSAGE_CUT:
		*out = (struct media_sample){ 0 };
		return SAMPLE_NONE;
	default:
		*out = (struct media_sample){ 0 };
		return SAMPLE_CONTROL;
	}
}
