/* RTP and RTCP: streams, samples, reports; all is built field by field from the RFCs. */
#include "rtp_play.h"

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

static void test_rtcp(void **state)
{
	(void)state;
	struct made m = make_report(0x5151);
	struct media_sample s;
	assert_int_equal(sample_made(&m, &s), SAMPLE_CONTROL);
	assert_int_equal(s.stream, 0x5151);
	assert_true(s.control.has_clock);
	assert_int_equal(s.control.clock, 0xb7052000);
	assert_int_equal(s.control.receptions, 1);
	const struct media_reception *r = &s.control.reception[0];
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
	assert_int_equal(s.control.reception[3].last_clock, 22); /* 3 * 6 + 4 */
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
	assert_int_equal(s.stream, 0x77);
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

/* --- damage */

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
		cmocka_unit_test(test_snaplen),
		cmocka_unit_test(test_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
