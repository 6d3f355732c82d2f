/*
 * RTP, RTCP, STUN, TURN and their neighbours. STUN's bytes are the test vectors of RFC 5769 (their HMAC and
 * CRC were computed again to see that they are copied right); all else is built here, field by field, from
 * the RFCs.
 */
#include "dissector_recorder.h"
#include "dissectors/rtp/rtp.h"

extern const struct dissector dissector_rtp_udp, dissector_rtp_tcp;

#define CALLER "192.168.1.2"
#define CALLEE "198.51.100.7"

/* RFC 5769 sections 2.1, 2.2, 2.3 and 2.4. */
static const uint8_t request[108] = {
	0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
	0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73,
	0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff,
	0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09,
	0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14,
	0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49,
	0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf
};
static const uint8_t answer_ipv4[80] = {
	0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
	0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
	0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
	0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9,
	0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96
};
static const uint8_t answer_ipv6[92] = {
	0x01, 0x01, 0x00, 0x48, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
	0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
	0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa,
	0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9, 0x00, 0x08, 0x00, 0x14,
	0xa3, 0x82, 0x95, 0x4e, 0x4b, 0xe6, 0x7b, 0xf1, 0x17, 0x84, 0xc9, 0x7c, 0x82, 0x92, 0xc2, 0x75,
	0xbf, 0xe3, 0xed, 0x41, 0x80, 0x28, 0x00, 0x04, 0xc8, 0xfb, 0x0b, 0x4c
};
static const uint8_t request_long_term[116] = {
	0x00, 0x01, 0x00, 0x60, 0x21, 0x12, 0xa4, 0x42, 0x78, 0xad, 0x34, 0x33, 0xc6, 0xad, 0x72, 0xc0, 0x29,
	0xda, 0x41, 0x2e, 0x00, 0x06, 0x00, 0x12, 0xe3, 0x83, 0x9e, 0xe3, 0x83, 0x88, 0xe3, 0x83, 0xaa, 0xe3,
	0x83, 0x83, 0xe3, 0x82, 0xaf, 0xe3, 0x82, 0xb9, 0x00, 0x00, 0x00, 0x15, 0x00, 0x1c, 0x66, 0x2f, 0x2f,
	0x34, 0x39, 0x39, 0x6b, 0x39, 0x35, 0x34, 0x64, 0x36, 0x4f, 0x4c, 0x33, 0x34, 0x6f, 0x4c, 0x39, 0x46,
	0x53, 0x54, 0x76, 0x79, 0x36, 0x34, 0x73, 0x41, 0x00, 0x14, 0x00, 0x0b, 0x65, 0x78, 0x61, 0x6d, 0x70,
	0x6c, 0x65, 0x2e, 0x6f, 0x72, 0x67, 0x00, 0x00, 0x08, 0x00, 0x14, 0xf6, 0x70, 0x24, 0x65, 0x6d, 0xd6,
	0x4a, 0x3e, 0x02, 0xb8, 0xe0, 0x71, 0x2e, 0x85, 0xc9, 0xa2, 0x8c, 0xa8, 0x96, 0x66
};

/* A message under construction. */
struct made {
	uint8_t bytes[2048];
	size_t len;
};

static void put_bytes(struct made *m, const void *bytes, size_t n)
{
	assert_in_range(m->len + n, 0, sizeof m->bytes);
	memcpy(m->bytes + m->len, bytes, n);
	m->len += n;
}

static void put(struct made *m, unsigned size, uint32_t value)
{
	for (unsigned i = size; i-- > 0;) {
		uint8_t byte = (uint8_t)(value >> 8 * i);
		put_bytes(m, &byte, 1);
	}
}

static void put_filler(struct made *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put(m, 1, 0xd5);
}

static void put_rtp(struct made *m, unsigned type, unsigned sequence, uint32_t timestamp, uint32_t ssrc,
		    size_t payload)
{
	put(m, 1, 0x80);
	put(m, 1, type);
	put(m, 2, sequence & 0xffffU);
	put(m, 4, timestamp);
	put(m, 4, ssrc);
	put_filler(m, payload);
}

static void put_stun_header(struct made *m, unsigned type, unsigned length, uint32_t id)
{
	put(m, 2, type);
	put(m, 2, length);
	put(m, 4, 0x2112a442);
	put(m, 4, 0);
	put(m, 4, 0);
	put(m, 4, id);
}

/* One with XOR-ed address: 192.0.2.9, port 5000. */
static void put_xor_address(struct made *m, unsigned attribute)
{
	put(m, 2, attribute);
	put(m, 2, 8);
	put(m, 2, 1);
	put(m, 2, 5000 ^ 0x2112);
	put(m, 4, 0xc0000209 ^ 0x2112a442);
}

static void start(struct play *p)
{
	play_start(p, &dissector_rtp_udp, at(CALLER, 40000), at(CALLEE, 50000));
}

static enum match play_made(struct play *p, enum direction dir, double seconds, const struct made *m)
{
	return play_datagram(p, dir, seconds, m->bytes, m->len);
}

/* `captured` bytes in a heap block of exactly that size. */
static enum sample_kind sample(const struct dissector *d, const void *bytes, size_t captured, size_t wire,
			       struct media_sample *out)
{
	uint8_t *exact = malloc(captured ? captured : 1);
	assert_non_null(exact);
	memcpy(exact, bytes, captured);
	struct packet packet = { .number = 1 };
	struct endpoint from = at(CALLER, 40000), to = at(CALLEE, 50000);
	struct look l = { .packet = &packet,
			  .from = &from,
			  .to = &to,
			  .data = { exact, captured },
			  .fresh = captured,
			  .wire = (uint32_t)wire };
	enum sample_kind kind = d->sample(&l, out);
	if (kind == SAMPLE_MEDIA && out->payload.len) /* it must be inside */
		assert_true(out->payload.ptr >= exact &&
			    out->payload.ptr + out->payload.len <= exact + captured);
	if (out->rest.len) /* it is the end, and shorter than all */
		assert_true(out->rest.len < captured && out->rest.ptr + out->rest.len == exact + captured);
	free(exact);
	out->payload.ptr = out->rest.ptr = NULL;
	return kind;
}

static enum sample_kind sample_made(const struct made *m, struct media_sample *out)
{
	return sample(&dissector_rtp_udp, m->bytes, m->len, m->len, out);
}

/* Plays n messages of one stream, 20 ms apart. */
static enum match play_stream(struct play *p, enum direction dir, unsigned n, uint32_t step, uint32_t ssrc)
{
	enum match match = MATCH_NO;
	for (unsigned i = 0; i < n; i++) {
		struct made m = { .len = 0 };
		put_rtp(&m, 0, 65534 + i, 4294967000U + i * step, ssrc, 160); /* both go round */
		match = play_made(p, dir, i * 0.02, &m);
	}
	return match;
}

static void assert_label(const char *label)
{
	if (!label)
		assert_null(rec.label);
	else if (!rec.label)
		fail_msg("no label, expected %s", label);
	else
		assert_string_equal(rec.label, label);
}

static float bits_seen(void)
{
	float sum = 0;
	for (unsigned k = 0; k < RTP_KIND_COUNT; k++)
		sum += times_seen(k) ? protocol_rtp.kinds[k].bits : 0;
	return sum;
}

/* --- streams */

static void test_stream(void **state)
{
	(void)state;
	struct play p;
	start(&p);
	assert_int_equal(play_stream(&p, TO_RESPONDER, 3, 160, 0xcafe), MATCH_MAYBE);
	assert_int_equal(rec.seen_count, 0); /* nothing is said before it is worth something */
	start(&p);
	assert_int_equal(play_stream(&p, TO_RESPONDER, 4, 160, 0xcafe), MATCH_YES);
	assert_int_equal(rec.seen_count, 2);
	assert_int_equal(last_value(RTP_SEQUENCE), 0xcafe);
	assert_int_equal(last_value(RTP_TIMESTAMP), 0xcafe);
	assert_label("rtp");
	assert_int_equal(rec.role, ROLE_media);
	assert_true(bits_seen() >= 20.0F);
	assert_int_equal(rec.event_count, 0);
}

/* Lost, late and repeated messages do not break a run, and a new start begins another. */
static void test_disorder(void **state)
{
	(void)state;
	static const unsigned kind[] = { 100, 101, 101, 100, 104, 103, 105, 106 };
	struct play p;
	start(&p);
	for (unsigned i = 0; i < sizeof kind / sizeof kind[0]; i++) {
		struct made m = { .len = 0 };
		put_rtp(&m, 8, kind[i], kind[i] * 160U, 5, 160);
		assert_int_equal(play_made(&p, TO_RESPONDER, i * 0.02, &m), i < 7 ? MATCH_MAYBE : MATCH_YES);
	}
	start(&p);
	for (unsigned i = 0; i < 6; i++) { /* far jumps */
		struct made m = { .len = 0 };
		put_rtp(&m, 8, 1000U * (i / 2) + i, i * 160U, 5, 160);
		play_made(&p, TO_RESPONDER, i * 0.02, &m);
	}
	assert_int_equal(rec.seen_count, 0);
}

/* Each trap: a header that repeats for 40 messages, 20 ms apart, with what would be sequence and timestamp.
 */
static void play_trap(uint16_t port, uint32_t sequence_step, uint32_t timestamp_step, uint32_t ssrc_step)
{
	struct play p;
	play_start(&p, &dissector_rtp_udp, at(CALLER, 40000), at(CALLEE, port));
	for (unsigned i = 0; i < 40; i++) {
		struct made m = { .len = 0 };
		put_rtp(&m, 0, 700 + i * sequence_step, 9000 + i * timestamp_step, 2 + i * ssrc_step, 40);
		if (play_made(&p, TO_RESPONDER, i * 0.02, &m) == MATCH_NO)
			break;
	}
}

static void test_traps(void **state)
{
	(void)state;
	play_trap(2049, 1, 0, 0); /* SUN RPC (RFC 5531): xid 8000xxxx, CALL = 0, version 2 */
	assert_label(NULL);
	assert_true(bits_seen() < 20.0F);
	play_trap(40001, 1, 1, 0); /* a second counter */
	assert_label(NULL);
	play_trap(40001, 1, 20000000, 0); /* a clock of nanoseconds */
	assert_label(NULL);
	play_trap(40001, 0, 160, 0); /* a constant where the sequence should be: IAX2 (RFC 5456) */
	assert_label(NULL);
	play_trap(40001, 256, 160, 0); /* a little-endian counter */
	assert_label(NULL);
	play_trap(40001, 1, 160, 1); /* no SSRC */
	assert_label(NULL);
	play_trap(53, 1, 160, 0);
	assert_label(NULL);
	play_trap(40001, 1, 160, 0); /* and this is none */
	assert_label("rtp");
}

/* What a flow cannot begin with, and must be refused at once. */
static void test_first_look(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		uint8_t bytes[24];
	} first[] = {
		{ "QUIC, long header (RFC 9000)", { 0xc3, 0, 0, 0, 1, 8 } },
		{ "QUIC, short header", { 0x44, 0x84, 0x10, 0xae } },
		{ "TFTP read request (RFC 1350)", { 0, 1, 'r', 'f', 'c', '1', '3', '5', '0', 0, 'o', 'c' } },
		{ "SIP", { 'I', 'N', 'V', 'I', 'T', 'E', ' ', 's', 'i', 'p' } },
		{ "BitTorrent DHT", { 'd', '1', ':', 'a', 'd', '2', ':', 'i', 'd', '2', '0', ':' } },
		{ "NTP (RFC 5905)", { 0x23, 2, 6, 0xec } },
		{ "WireGuard", { 1, 0, 0, 0, 7, 7, 7, 7, 7 } },
		{ "SRT handshake: SSRC zero", { 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 } },
		{ "RTP version 1", { 0x40, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 } },
		{ "RTP type 77, which clashes with RTCP", { 0x80, 77, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 } },
		{ "RTP type 2, reserved", { 0x80, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 } },
		{ "RTP with a CSRC list that does not fit", { 0x84, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 } },
		{ "RTP with an extension that does not fit",
		  { 0x90, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 9 } },
		{ "RTP with padding longer than the payload",
		  { 0xa0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13 } },
		{ "RTCP longer than the datagram", { 0x80, 200, 0, 6 } },
		{ "DTLS longer than the datagram", { 22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12 } },
		{ "channel data longer than the datagram", { 0x40, 1, 0, 21, 0x80, 0 } },
		{ "channel data that holds nothing known", { 0x40, 1, 0, 20, 0xff } },
	};
	for (unsigned i = 0; i < sizeof first / sizeof first[0]; i++) {
		struct play p;
		start(&p);
		if (play_datagram(&p, TO_RESPONDER, 0, first[i].bytes, 24) != MATCH_NO)
			fail_msg("%s is not refused", first[i].what);
	}
}

/* Of a flow that began like a call and goes on as something else nothing is wanted after a while. */
static void test_gives_up(void **state)
{
	(void)state;
	struct play p;
	unsigned looks = 0;
	enum match match;
	uint64_t seed = 11;
	start(&p);
	match = play_datagram(&p, TO_RESPONDER, 0, request, sizeof request);
	while (match == MATCH_MAYBE && looks < 100) {
		uint8_t noise[60];
		random_bytes(&seed, noise, sizeof noise);
		match = play_datagram(&p, TO_RESPONDER, 0.1, noise, sizeof noise);
		looks++;
	}
	assert_int_equal(match, MATCH_NO);
	assert_in_range(looks, 2, 10);
	assert_label("stun"); /* what was said stays said */
	assert_int_equal(rec.role, ROLE_none);
}

/* --- samples */

static void test_sample_rtp(void **state)
{
	(void)state;
	struct media_sample s;
	struct made m = { .len = 0 };
	/* Version 2, padding, extension, two CSRC; marker and type 8; 16 bytes of payload and 4 of padding.
	 */
	put(&m, 1, 0xb2);
	put(&m, 1, 0x88);
	put(&m, 2, 0xfffe);
	put(&m, 4, 0x01020304);
	put(&m, 4, 0xdeadbeef);
	put(&m, 4, 1);
	put(&m, 4, 2);
	put(&m, 4, 0xbede0001);
	put(&m, 4, 0x51000100);
	put_filler(&m, 16);
	put(&m, 4, 4);
	assert_int_equal(sample_made(&m, &s), SAMPLE_MEDIA);
	assert_int_equal(s.stream, 0xdeadbeef);
	assert_true(s.sequenced);
	assert_int_equal(s.sequence, 0xfffe);
	assert_int_equal(s.timestamp, 0x01020304);
	assert_int_equal(s.payload_type, 8);
	assert_string_equal(s.codec, "PCMA");
	assert_int_equal(s.clock_hz, 8000);
	assert_int_equal(s.media, MEDIA_AUDIO);
	assert_false(s.comfort_noise);
	assert_int_equal(s.payload_wire, 16);
	assert_int_equal(s.payload.len, 16);
	/* Cut before the padding count: it cannot be taken off. */
	assert_int_equal(sample(&dissector_rtp_udp, m.bytes, 40, m.len, &s), SAMPLE_MEDIA);
	assert_int_equal(s.payload_wire, 20);
	assert_int_equal(s.payload.len, 40 - 28);
	/* A list of CSRC that does not fit is no RTP. */
	assert_int_equal(sample(&dissector_rtp_udp, m.bytes, 19, 19, &s), SAMPLE_NONE);
	/* A count that cannot be (SRTP encrypts it): the same. */
	m.bytes[m.len - 1] = 21;
	assert_int_equal(sample_made(&m, &s), SAMPLE_MEDIA);
	assert_int_equal(s.payload_wire, 20);
}

/* Frame 23 of discord.pcap, shortened: the X bit is in clear, the extension is encrypted. */
static void test_encrypted_extension(void **state)
{
	(void)state;
	struct play p;
	enum match match = MATCH_NO;
	start(&p);
	play_datagram(&p, TO_RESPONDER, 0, request, sizeof request);
	for (unsigned i = 0; i < 4; i++) {
		struct made m = { .len = 0 };
		struct media_sample s;
		put_rtp(&m, 0x78, i, i * 960, 0xace3, 0);
		m.bytes[0] = 0x90;
		put(&m, 4, 0xb8cda07a);
		put(&m, 4, 0x473da54f);
		assert_int_equal(sample_made(&m, &s), SAMPLE_MEDIA);
		assert_int_equal(s.payload_wire, 8);
		match = play_made(&p, TO_RESPONDER, i * 0.02, &m);
	}
	assert_int_equal(match, MATCH_YES);
}

/* RFC 3551 tables 4 and 5: the rows that are easily got wrong, and what has none. */
static void test_codecs(void **state)
{
	(void)state;
	static const struct {
		uint8_t type;
		const char *name;
		uint32_t clock;
		enum media_kind media;
	} rows[] = {
		{ 0, "PCMU", 8000, MEDIA_AUDIO },   { 4, "G723", 8000, MEDIA_AUDIO },
		{ 6, "DVI4", 16000, MEDIA_AUDIO },  { 9, "G722", 8000, MEDIA_AUDIO },
		{ 10, "L16", 44100, MEDIA_AUDIO },  { 14, "MPA", 90000, MEDIA_AUDIO },
		{ 18, "G729", 8000, MEDIA_AUDIO },  { 26, "JPEG", 90000, MEDIA_VIDEO },
		{ 34, "H263", 90000, MEDIA_VIDEO }, { 35, NULL, 0, MEDIA_UNKNOWN },
		{ 111, NULL, 0, MEDIA_UNKNOWN },    { 2, NULL, 0, MEDIA_UNKNOWN },
	};
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct made m = { .len = 0 };
		struct media_sample s;
		put_rtp(&m, rows[i].type, 1, 1, 1, 20);
		assert_int_equal(sample_made(&m, &s), SAMPLE_MEDIA);
		assert_int_equal(s.clock_hz, rows[i].clock);
		assert_int_equal(s.media, rows[i].media);
		if (rows[i].name)
			assert_string_equal(s.codec, rows[i].name);
		else
			assert_null(s.codec);
	}
	for (unsigned type = 0; type < 128; type++) {
		struct made m = { .len = 0 };
		struct media_sample s;
		put_rtp(&m, type, 1, 1, 1, 20);
		bool clash = type >= 64 && type <= 95;
		assert_int_equal(sample_made(&m, &s), clash ? SAMPLE_NONE : SAMPLE_MEDIA);
		assert_int_equal(s.comfort_noise, type == 13 || type == 19);
	}
}

/* Sender report with one block, then SDES with a name of 5 bytes. */
static struct made make_report(uint32_t ssrc)
{
	struct made m = { .len = 0 };
	put(&m, 4, 0x81c8000c); /* 13 words */
	put(&m, 4, ssrc);
	put(&m, 4, 0xb44db705); /* NTP */
	put(&m, 4, 0x20000000);
	put(&m, 4, 160000);
	put(&m, 4, 1000);
	put(&m, 4, 160000);
	put(&m, 4, 0x1111);     /* of this stream */
	put(&m, 4, 0x40fffffe); /* a quarter; minus two: duplicates */
	put(&m, 4, 0x00015d33);
	put(&m, 4, 42);
	put(&m, 4, 0xb7052000);
	put(&m, 4, 0x00054000); /* 5.25 s: the example of section 6.4.1 */
	put(&m, 4, 0x81ca0003);
	put(&m, 4, ssrc);
	put(&m, 1, 1);
	put(&m, 1, 5);
	put_bytes(&m, "a@b.c", 5);
	put(&m, 1, 0);
	return m;
}

static void test_rtcp(void **state)
{
	(void)state;
	struct made m = make_report(0x5151);
	struct media_sample s;
	assert_int_equal(sample_made(&m, &s), SAMPLE_CONTROL);
	assert_int_equal(s.stream, 0x5151);
	assert_int_equal(s.control.from, 0x5151);
	assert_true(s.control.has_clock);
	assert_int_equal(s.control.clock, 0xb7052000);
	assert_int_equal(s.control.timestamp, 160000);
	assert_int_equal(s.control.receptions, 1);
	const struct media_reception *r = &s.control.reception[0];
	assert_int_equal(r->stream, 0x1111);
	assert_int_equal(r->lost_share, 0x40);
	assert_int_equal(r->lost, -2);
	assert_int_equal(r->highest, 0x15d33);
	assert_int_equal(r->jitter, 42);
	assert_int_equal(r->last_clock, 0xb7052000);
	assert_int_equal(r->delay, 0x54000);

	struct play p;
	start(&p);
	assert_int_equal(play_made(&p, TO_RESPONDER, 0, &m), MATCH_MAYBE);
	assert_int_equal(times_seen(RTP_RTCP), 1);
	assert_label(NULL);
	play_made(&p, TO_RESPONDER, 5, &m);
	assert_label("rtcp");
	assert_true(bits_seen() >= 20.0F);
	assert_int_equal(rec.role, ROLE_none);
	m.len -= 4; /* the parts no longer fill it */
	start(&p);
	play_made(&p, TO_RESPONDER, 0, &m);
	assert_int_equal(rec.seen_count, 0);
}

/* 31 blocks, of which four are kept. */
static void test_rtcp_many_blocks(void **state)
{
	(void)state;
	struct made m = { .len = 0 };
	struct media_sample s;
	put(&m, 2, 0x9fc9);
	put(&m, 2, 1 + 31 * 6);
	put(&m, 4, 7);
	for (unsigned i = 0; i < 31 * 6; i++)
		put(&m, 4, i);
	assert_int_equal(sample_made(&m, &s), SAMPLE_CONTROL);
	assert_int_equal(s.control.receptions, MEDIA_RECEPTIONS_MAX);
	assert_int_equal(s.control.reception[3].stream, 18);
	assert_false(s.control.has_clock);
}

/* What is encrypted must not be believed. */
static void test_srtcp(void **state)
{
	(void)state;
	struct made m = { .len = 0 };
	struct media_sample s;
	struct play p;
	put(&m, 4, 0x81c90007);
	put(&m, 4, 0x77);
	put_filler(&m, 24 + 20);
	put(&m, 4, 0x80000003);
	put_filler(&m, 10);
	assert_int_equal(sample_made(&m, &s), SAMPLE_CONTROL);
	assert_int_equal(s.control.from, 0x77);
	assert_int_equal(s.control.receptions, 0);
	start(&p);
	play_made(&p, TO_RESPONDER, 0, &m);
	assert_int_equal(times_seen(RTP_SRTCP), 1);
	play_made(&p, TO_RESPONDER, 5, &m);
	assert_label("rtcp");
	m.bytes[m.len - 14] = 0; /* no E flag */
	start(&p);
	play_made(&p, TO_RESPONDER, 0, &m);
	assert_int_equal(rec.seen_count, 0);
}

/* --- STUN, TURN, ICE */

static const struct media_path *last_path(void)
{
	assert_in_range(rec.event_count, 1, RECORDED_MAX);
	assert_int_equal(rec.events[rec.event_count - 1].type, EVENT_MEDIA_PATH);
	return &rec.events[rec.event_count - 1].of.path;
}

static void assert_endpoint(const struct endpoint *e, const char *ip, uint16_t port)
{
	struct endpoint expected = at(ip, port);
	assert_int_equal(e->port, port);
	assert_memory_equal(&e->ip, &expected.ip, sizeof e->ip);
}

static void test_ice(void **state)
{
	(void)state;
	static const struct {
		const uint8_t *bytes;
		size_t len;
		const char *ip;
	} answers[] = {
		{ answer_ipv4, sizeof answer_ipv4, "192.0.2.1" },
		{ answer_ipv6, sizeof answer_ipv6, "2001:db8:1234:5678:11:2233:4455:6677" },
	};
	for (unsigned i = 0; i < 2; i++) {
		struct play p;
		start(&p);
		assert_int_equal(play_datagram(&p, TO_RESPONDER, 0, request, sizeof request), MATCH_MAYBE);
		assert_label("stun");
		assert_int_equal(rec.event_count, 0);
		assert_int_equal(play_datagram(&p, TO_INITIATOR, 0.1, answers[i].bytes, answers[i].len),
				 MATCH_MAYBE);
		assert_int_equal(times_seen(RTP_STUN), 1);
		assert_int_equal(times_seen(RTP_STUN_ANSWERED), 1);
		assert_int_equal(rec.event_count, 0); /* a path without media is nobody's business */
		assert_int_equal(rec.role, ROLE_none);
		/* The same again says nothing new; the stream does. */
		play_datagram(&p, TO_RESPONDER, 1, request, sizeof request);
		play_datagram(&p, TO_INITIATOR, 1.1, answers[i].bytes, answers[i].len);
		assert_int_equal(times_seen(RTP_STUN_ANSWERED), 1);
		assert_int_equal(play_stream(&p, TO_INITIATOR, 4, 0, 5),
				 MATCH_YES); /* timestamps may stand still */
		assert_label("rtp");
		assert_int_equal(rec.event_count, 1);
		assert_int_equal(last_path()->way, MEDIA_WAY_DIRECT); /* the request has a PRIORITY */
		assert_endpoint(&last_path()->reflexive[TO_RESPONDER], answers[i].ip, 32853);
		assert_int_equal(last_path()->reflexive[TO_INITIATOR].port, 0);
		play_datagram(&p, TO_RESPONDER, 2, request, sizeof request);
		assert_label("rtp");
	}
}

static void test_long_term(void **state)
{
	(void)state;
	struct play p;
	struct media_sample s;
	start(&p);
	play_datagram(&p, TO_RESPONDER, 0, request_long_term, sizeof request_long_term);
	assert_label("stun");
	play_datagram(&p, TO_INITIATOR, 0.1, answer_ipv4, sizeof answer_ipv4); /* to another question */
	assert_int_equal(times_seen(RTP_STUN_ANSWERED), 0);
	assert_int_equal(rec.event_count, 0);
	assert_int_equal(sample(&dissector_rtp_udp, request_long_term, sizeof request_long_term,
				sizeof request_long_term, &s),
			 SAMPLE_CONTROL);
	assert_int_equal(s.control.from, 0);
}

/* RFC 3489: no cookie, MAPPED-ADDRESS in clear. */
static void test_classic(void **state)
{
	(void)state;
	struct play p;
	struct made ask = { .len = 0 }, answer = { .len = 0 };
	put(&ask, 4, 0x00010008);
	put_bytes(&ask, "0123456789abcdef", 16);
	put(&ask, 4, 0x00030004); /* CHANGE-REQUEST */
	put(&ask, 4, 0);
	put(&answer, 4, 0x0101000c);
	put_bytes(&answer, "0123456789abcdef", 16);
	put(&answer, 4, 0x00010008);
	put(&answer, 4, 0x00011388);
	put(&answer, 4, 0xc0000209);
	start(&p);
	play_made(&p, TO_RESPONDER, 0, &ask);
	assert_label(NULL); /* not enough */
	play_made(&p, TO_INITIATOR, 0, &answer);
	assert_label("stun");
	assert_true(bits_seen() >= 20.0F);
	assert_int_equal(rec.event_count, 0);
	play_stream(&p, TO_INITIATOR, 4, 160, 5);
	assert_int_equal(last_path()->way, MEDIA_WAY_UNKNOWN);
	assert_endpoint(&last_path()->reflexive[TO_RESPONDER], "192.0.2.9", 5000);
	ask.bytes[23] = 5; /* attributes do not fill it */
	start(&p);
	assert_int_equal(play_made(&p, TO_RESPONDER, 0, &ask), MATCH_NO);
}

static void put_channel(struct made *m, const struct made *inner)
{
	put(m, 2, 0x4001);
	put(m, 2, (uint32_t)inner->len);
	put_bytes(m, inner->bytes, inner->len);
}

static void put_indication(struct made *m, unsigned type, const struct made *inner)
{
	unsigned padding = -(unsigned)inner->len & 3U;
	put_stun_header(m, type, 12U + 4U + (unsigned)inner->len + padding, 99);
	put_xor_address(m, 0x0012);
	put(m, 2, 0x0013);
	put(m, 2, (uint32_t)inner->len);
	put_bytes(m, inner->bytes, inner->len);
	for (unsigned i = 0; i < padding; i++)
		put(m, 1, 0);
}

static void play_allocation(struct play *p)
{
	struct made ask = { .len = 0 }, answer = { .len = 0 };
	put_stun_header(&ask, 0x0003, 0, 1);
	put_stun_header(&answer, 0x0103, 12, 1);
	put_xor_address(&answer, 0x0016);
	play_made(p, TO_RESPONDER, 0, &ask);
	play_made(p, TO_INITIATOR, 0.02, &answer);
}

static void test_turn(void **state)
{
	(void)state;
	struct play p;
	start(&p);
	play_allocation(&p);
	assert_int_equal(rec.event_count, 0);
	assert_label("stun");
	for (unsigned i = 0; i < 4; i++) {
		struct made inner = { .len = 0 }, outer = { .len = 0 };
		struct media_sample s;
		put_rtp(&inner, 111, i, i * 960, 3, 61);
		put_channel(&outer, &inner);
		put(&outer, 3, 0); /* padding is allowed */
		assert_int_equal(play_made(&p, TO_RESPONDER, i * 0.02, &outer),
				 i < 3 ? MATCH_MAYBE : MATCH_YES);
		assert_int_equal(sample_made(&outer, &s), SAMPLE_MEDIA);
		assert_int_equal(s.stream, 3);
		assert_int_equal(s.payload_wire, 61);
	}
	assert_label("rtp");
	assert_int_equal(last_path()->way, MEDIA_WAY_RELAYED);
	assert_endpoint(&last_path()->relayed, "192.0.2.9", 5000);
	for (unsigned type = 0x0016; type <= 0x0017; type++) { /* Send and Data indication */
		start(&p);
		for (unsigned i = 0; i < 4; i++) {
			struct made inner = { .len = 0 }, outer = { .len = 0 };
			struct media_sample s;
			put_rtp(&inner, 111, i, i * 960, 3, 61);
			put_indication(&outer, type, &inner);
			play_made(&p, TO_RESPONDER, i * 0.02, &outer);
			assert_int_equal(sample_made(&outer, &s), SAMPLE_MEDIA);
			assert_int_equal(s.payload_wire, 61);
		}
		assert_label("rtp");
		assert_int_equal(last_path()->way, MEDIA_WAY_RELAYED);
		assert_endpoint(&last_path()->peer, "192.0.2.9", 5000);
	}
}

/* A connectivity check inside says nothing about the sockets outside. */
static void test_wrapped_check(void **state)
{
	(void)state;
	struct play p;
	struct made check = { .len = 0 }, answer = { .len = 0 }, out = { .len = 0 }, back = { .len = 0 };
	start(&p);
	play_allocation(&p);
	put_bytes(&check, request, sizeof request);
	put_bytes(&answer, answer_ipv4, sizeof answer_ipv4);
	put_channel(&out, &check);
	put_channel(&back, &answer);
	play_made(&p, TO_RESPONDER, 0.1, &out);
	play_made(&p, TO_INITIATOR, 0.2, &back);
	assert_int_equal(rec.event_count, 0);
	play_stream(&p, TO_INITIATOR, 4, 160, 5);
	assert_int_equal(last_path()->way, MEDIA_WAY_RELAYED);
}

/* --- applications */

static void test_discord(void **state)
{
	(void)state;
	struct play p;
	struct made m = { .len = 0 };
	put(&m, 4, 0x00010046);
	put(&m, 4, 0xace3);
	for (unsigned i = 0; i < 66; i++)
		put(&m, 1, 0);
	start(&p);
	assert_int_equal(play_made(&p, TO_RESPONDER, 0, &m), MATCH_MAYBE);
	assert_int_equal(rec.seen_count, 0);
	assert_int_equal(play_stream(&p, TO_RESPONDER, 4, 0, 0xace3), MATCH_YES);
	assert_int_equal(times_seen(RTP_DISCOVERY), 1);
	assert_true(bits_seen() >= 20.0F);
}

static void test_dtls(void **state)
{
	(void)state;
	struct play p;
	struct media_sample s;
	struct made m = { .len = 0 };
	put(&m, 3, 0x16feff);
	for (unsigned i = 0; i < 8; i++)
		put(&m, 1, 0);
	put(&m, 2, 30);
	put_filler(&m, 30);
	start(&p);
	assert_int_equal(play_made(&p, TO_RESPONDER, 0, &m), MATCH_MAYBE);
	assert_int_equal(rec.seen_count, 0); /* it may be anything */
	assert_int_equal(sample_made(&m, &s), SAMPLE_CONTROL);
	play_stream(&p, TO_INITIATOR, 4, 0, 1);
	assert_int_equal(times_seen(RTP_DTLS), 1);
	assert_true(bits_seen() >= 20.0F);
}

/* The layout of the paper: 8 bytes between client and server, then a header whose type gives the place of
 * RTP. */
static void test_zoom(void **state)
{
	(void)state;
	static const struct {
		unsigned type, offset;
		enum media_kind media;
	} types[] = { { 15, 19, MEDIA_AUDIO }, { 16, 24, MEDIA_VIDEO }, { 13, 27, MEDIA_VIDEO } };
	for (unsigned t = 0; t < 3; t++)
		for (unsigned server = 0; server < 2; server++) {
			struct play p;
			play_start(&p, &dissector_rtp_udp, at(CALLER, 40000),
				   at(CALLEE, server ? 8801 : 50000));
			for (unsigned i = 0; i < 4; i++) {
				struct made m = { .len = 0 };
				if (server) {
					put(&m, 4, 0x05000000);
					put(&m, 4, 0);
				}
				put(&m, 1, types[t].type);
				put_filler(&m, types[t].offset - 1);
				put_rtp(&m, 98, i, i * 640, 0x01000402, 50);
				play_made(&p, TO_RESPONDER, i * 0.02, &m);
			}
			assert_label("rtp");
		}
	struct made m = { .len = 0 };
	struct media_sample s;
	put(&m, 1, 15);
	put_filler(&m, 18);
	put_rtp(&m, 112, 1, 640, 0x01000402, 50);
	assert_int_equal(sample_made(&m, &s), SAMPLE_MEDIA);
	assert_int_equal(s.media, MEDIA_AUDIO);
	assert_int_equal(s.payload_wire, 50);
}

/* --- TCP */

/* Four frames of RFC 4571 with a STUN request before them. */
static struct made make_frames(void)
{
	struct made m = { .len = 0 };
	put(&m, 2, sizeof request);
	put_bytes(&m, request, sizeof request);
	for (unsigned i = 0; i < 4; i++) {
		put(&m, 2, 12 + 80);
		put_rtp(&m, 0, i, i * 80, 77, 80);
	}
	return m;
}

static struct made make_turn_stream(void)
{
	struct made m = { .len = 0 }, inner;
	put_bytes(&m, request_long_term, sizeof request_long_term);
	for (unsigned i = 0; i < 4; i++) {
		inner.len = 0;
		put_rtp(&inner, 0, i, i * 80, 77, 81);
		put_channel(&m, &inner);
		put(&m, 3, 0);
	}
	return m;
}

static void test_tcp(void **state)
{
	(void)state;
	const struct made streams[] = { make_frames(), make_turn_stream() };
	for (unsigned s = 0; s < 2; s++)
		for (size_t cut = 1; cut < streams[s].len; cut++) {
			struct play p;
			play_start(&p, &dissector_rtp_tcp, at(CALLER, 40000), at(CALLEE, 443));
			assert_int_equal(play_segment(&p, TO_RESPONDER, streams[s].bytes, cut), MATCH_MAYBE);
			assert_int_equal(
				play_segment(&p, TO_RESPONDER, streams[s].bytes + cut, streams[s].len - cut),
				MATCH_YES);
			assert_label("rtp");
			assert_int_equal(rec.role, ROLE_media);
			assert_int_equal(rec.seen_count, 3);  /* STUN, sequence, timestamp */
			assert_int_equal(rec.event_count, s); /* the relay */
		}
}

static void test_tcp_sample(void **state)
{
	(void)state;
	struct made m = make_frames();
	struct media_sample s;
	const struct dissector *d = &dissector_rtp_tcp;
	size_t first = 2 + sizeof request, frame = 2 + 92;
	assert_int_equal(sample(d, m.bytes, first, 0, &s), SAMPLE_CONTROL);
	assert_int_equal(sample(d, m.bytes + first, frame, 0, &s), SAMPLE_MEDIA);
	assert_int_equal(s.stream, 77);
	assert_int_equal(s.payload_wire, 80);
	assert_int_equal(s.rest.len, 0);
	assert_int_equal(sample(d, m.bytes + first, 2 * frame, 0, &s), SAMPLE_MEDIA); /* the first of two */
	assert_int_equal(s.sequence, 0);
	assert_int_equal(s.rest.len, frame);
	assert_int_equal(sample(d, m.bytes + first + 1, frame, 0, &s), SAMPLE_NONE); /* from its middle */
	assert_int_equal(s.rest.len, 0);
	assert_int_equal(sample(d, m.bytes + first, 0, 0, &s), SAMPLE_NONE);
}

/* All that is in one segment, read one by one: a STUN request and four messages of RTP, in either framing. */
static void test_tcp_sample_of_several(void **state)
{
	(void)state;
	const struct made streams[] = { make_frames(), make_turn_stream() };
	for (unsigned i = 0; i < 2; i++) {
		const struct made *m = &streams[i];
		unsigned control = 0, media = 0;
		size_t left = m->len;
		while (left > 0) {
			struct media_sample s = { 0 };
			enum sample_kind kind =
				sample(&dissector_rtp_tcp, m->bytes + m->len - left, left, 0, &s);
			assert_int_not_equal(kind, SAMPLE_NONE);
			if (kind == SAMPLE_MEDIA)
				assert_int_equal(s.sequence, media++);
			else
				control++;
			left = s.rest.len;
		}
		assert_int_equal(media, 4);
		assert_int_equal(control, 1);
	}
}

static void test_tcp_refused(void **state)
{
	(void)state;
	/* RFC 7766: one whole question. */
	static const char dns[] = "\000\035\276\005\001 \000\001\000\000\000\000\000\001"
				  "\001a\000\000\001\000\001\000\000)\020\000\000\000\000\000\000\000";
	static const char *const first[] = {
		"\026\003\001\000\310\001\000\000\304\003\003", /* TLS */
		"GET / HTTP/1.1\r\n",
		"SSH-2.0-x\r\n",
		dns,
		"\000\000\000/\377SMB",
		"\023BitTorrent protocol",
	};
	static const size_t length[] = { 11, 16, 11, 31, 8, 20 };
	for (unsigned i = 0; i < sizeof first / sizeof first[0]; i++) {
		struct play p;
		play_start(&p, &dissector_rtp_tcp, at(CALLER, 40000), at(CALLEE, 443));
		if (i == 3) { /* may be a frame; but no second one follows */
			play_segment(&p, TO_RESPONDER, first[i], length[i]);
			assert_label(NULL);
			continue;
		}
		if (play_segment(&p, TO_RESPONDER, first[i], length[i]) != MATCH_NO)
			fail_msg("stream %u is not refused", i);
	}
}

/* --- damage */

static void cut_everywhere(const void *bytes, size_t len)
{
	struct media_sample s;
	for (size_t cut = 0; cut <= len; cut++) {
		struct play p;
		(void)sample(&dissector_rtp_udp, bytes, cut, cut, &s);
		(void)sample(&dissector_rtp_udp, bytes, cut, len, &s);
		(void)sample(&dissector_rtp_tcp, bytes, cut, 0, &s);
		start(&p);
		(void)play_cut(&p, TO_RESPONDER, 0, bytes, cut, len);
		(void)play_datagram(&p, TO_INITIATOR, 0.1, bytes, cut);
		play_start(&p, &dissector_rtp_tcp, at(CALLER, 40000), at(CALLEE, 443));
		(void)play_segment(&p, TO_RESPONDER, bytes, cut);
		(void)play_segment(&p, TO_INITIATOR, bytes, cut);
	}
}

static void test_cut(void **state)
{
	(void)state;
	struct made report = make_report(1), frames = make_frames(), turn = make_turn_stream(),
		    rtp = { .len = 0 };
	struct made data = { .len = 0 }, channel = { .len = 0 }, zoom = { .len = 0 };
	put(&rtp, 4, 0xb2880001);
	for (unsigned i = 0; i < 4; i++)
		put(&rtp, 4, 1 + i);
	put(&rtp, 4, 0xbede0001);
	put(&rtp, 4, 0x51000100);
	put_filler(&rtp, 20);
	put(&rtp, 4, 4);
	put_indication(&data, 0x0017, &rtp);
	put_channel(&channel, &data);
	put(&zoom, 1, 16);
	put_filler(&zoom, 23);
	put_bytes(&zoom, rtp.bytes, rtp.len);
	cut_everywhere(request, sizeof request);
	cut_everywhere(answer_ipv4, sizeof answer_ipv4);
	cut_everywhere(answer_ipv6, sizeof answer_ipv6);
	cut_everywhere(request_long_term, sizeof request_long_term);
	const struct made *all[] = { &report, &frames, &turn, &rtp, &data, &channel, &zoom };
	for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
		cut_everywhere(all[i]->bytes, all[i]->len);
}

/* A message cut by the snap length is neither for nor against. */
static void test_snaplen(void **state)
{
	(void)state;
	struct play p;
	struct made m = { .len = 0 };
	put_rtp(&m, 0, 1, 160, 9, 160);
	start(&p);
	assert_int_equal(play_cut(&p, TO_RESPONDER, 0, m.bytes, 8, m.len), MATCH_MAYBE);
	assert_int_equal(play_cut(&p, TO_RESPONDER, 0, m.bytes, 12, m.len), MATCH_MAYBE);
	start(&p);
	assert_int_equal(play_cut(&p, TO_RESPONDER, 0, request, 8, sizeof request), MATCH_MAYBE);
	assert_int_equal(rec.seen_count, 0);
	assert_int_equal(play_cut(&p, TO_RESPONDER, 0, request, 20, sizeof request), MATCH_MAYBE);
	assert_label("stun");
}

/*
 * Random dialogs. The first message passes as RTP or RTCP with a usual header: a quarter for the version; 54
 * of 128 payload types; half without extension (with one, hardly ever), half without padding and a fifth of
 * those with; so about 3.3 %. None ever becomes anything.
 */
static void test_random(void **state)
{
	(void)state;
	uint64_t seed = 20260101;
	unsigned passed = 0, dialogs = 20000;
	for (unsigned i = 0; i < dialogs; i++) {
		struct play p;
		start(&p);
		for (unsigned n = 0; n < 20; n++) {
			uint8_t bytes[100];
			random_bytes(&seed, bytes, sizeof bytes);
			if (play_datagram(&p, n % 2 ? TO_INITIATOR : TO_RESPONDER, n * 0.1, bytes,
					  sizeof bytes) == MATCH_NO)
				break;
			passed += n == 0;
			assert_in_range(n, 0, 8); /* and is soon let go */
		}
		assert_int_equal(rec.seen_count, 0);
		assert_null(rec.label);
	}
	assert_in_range(passed, dialogs * 20 / 1000, dialogs * 45 / 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_disorder),
		cmocka_unit_test(test_traps),
		cmocka_unit_test(test_first_look),
		cmocka_unit_test(test_gives_up),
		cmocka_unit_test(test_sample_rtp),
		cmocka_unit_test(test_encrypted_extension),
		cmocka_unit_test(test_codecs),
		cmocka_unit_test(test_rtcp),
		cmocka_unit_test(test_rtcp_many_blocks),
		cmocka_unit_test(test_srtcp),
		cmocka_unit_test(test_ice),
		cmocka_unit_test(test_long_term),
		cmocka_unit_test(test_classic),
		cmocka_unit_test(test_turn),
		cmocka_unit_test(test_wrapped_check),
		cmocka_unit_test(test_discord),
		cmocka_unit_test(test_dtls),
		cmocka_unit_test(test_zoom),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_tcp_sample),
		cmocka_unit_test(test_tcp_sample_of_several),
		cmocka_unit_test(test_tcp_refused),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_snaplen),
		cmocka_unit_test(test_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
