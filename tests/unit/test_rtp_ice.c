/* STUN, TURN and ICE, applications, TCP, and all of it cut everywhere. */
#include "rtp_play.h"

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
	assert_int_equal(s.control.receptions, 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
