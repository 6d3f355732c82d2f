/* Which media flows are a call, by whose word, and how well it sounds: verdicts and scores of single flows.
 */
#include "calls_play.h"

/* --- verdicts ---------------------------------------------------------------------------------------------
 */

/* What is concluded of a flow: of a host without verdict over UDP, but for what the test changes. */
static struct media_flow judged(const struct media_report *r, uint8_t l4, int8_t protocol, uint32_t client)
{
	struct media_flow f = { .report = r, .l4 = l4, .protocol = protocol, .client = client };

	media_judge(&f);
	return f;
}

static void expect(const struct media_report *r, uint8_t l4, uint32_t client, enum media_verdict verdict,
		   enum media_basis basis)
{
	struct media_flow f = judged(r, l4, client ? SECRET : -1, client);

	assert_int_equal(f.verdict, verdict);
	assert_int_equal(f.basis, basis);
	assert_int_equal(f.protocol, basis == MEDIA_BASIS_none && !client ? -1 : SECRET);
}

static void test_likeness_alone(void **state)
{
	(void)state;
	struct media_report r = talk();
	expect(&r, UDP, 0, MEDIA_VOIP_LIKE, MEDIA_BASIS_none);
	expect(&r, TCP, 0, MEDIA_VOIP_LIKE, MEDIA_BASIS_none);
	r.stream[0].voice.belief = NBC_ACCEPT - 0.01F; /* the other side still is */
	expect(&r, UDP, 0, MEDIA_VOIP_LIKE, MEDIA_BASIS_none);
	r.stream[1].voice.windows = 1; /* no: one window is too few */
	expect(&r, UDP, 0, MEDIA_NOT, MEDIA_BASIS_none);
	expect(&r, UDP, 7, MEDIA_NOT, MEDIA_BASIS_none); /* not even of a recognised client: signalling */
}

static void test_socket(void **state)
{
	(void)state;
	struct media_report r = talk();
	expect(&r, UDP, 7, MEDIA_CALL, MEDIA_BASIS_socket);
	r.stream[1].voice.windows = 0; /* one side is enough */
	expect(&r, UDP, 7, MEDIA_CALL, MEDIA_BASIS_socket);
	r.busy_seconds[0] = 2; /* less than three seconds of talk */
	r.busy_seconds[1] = 0;
	expect(&r, UDP, 7, MEDIA_NOT, MEDIA_BASIS_none);
	r.busy_seconds[1] = 1;
	expect(&r, UDP, 7, MEDIA_CALL, MEDIA_BASIS_socket);
}

/* What a client sends evenly in small messages is a call only of a protocol that has media: uTP's acks are
 * not. */
static void test_socket_without_media(void **state)
{
	(void)state;
	struct media_report r = talk();
	struct media_flow f = judged(&r, UDP, OPEN, 7);
	assert_int_equal(f.verdict, MEDIA_VOIP_LIKE); /* as of a host without a client */
	assert_int_equal(f.basis, MEDIA_BASIS_none);
	assert_int_equal(f.protocol, OPEN);
	f = judged(&r, TCP, OPEN, 7);
	assert_int_equal(f.verdict, MEDIA_VOIP_LIKE);
	assert_int_equal(f.basis, MEDIA_BASIS_none);
	r.stream[1].csc_above = 0x0001; /* the payload of the other protocol's media is still told */
	f = judged(&r, UDP, OPEN, 7);
	assert_int_equal(f.verdict, MEDIA_CALL);
	assert_int_equal(f.basis, MEDIA_BASIS_statistics);
}

static void test_statistics(void **state)
{
	(void)state;
	struct media_report r = talk();
	r.stream[1].csc_above = 0x0001;
	expect(&r, UDP, 0, MEDIA_CALL, MEDIA_BASIS_statistics);
	expect(&r, TCP, 0, MEDIA_VOIP_LIKE, MEDIA_BASIS_none); /* over TCP it says nothing */
	expect(&r, UDP, 7, MEDIA_CALL, MEDIA_BASIS_socket);    /* the socket is the better reason */
	r.stream[1].csc_above = 0x00ff;                        /* the other rule, which needs a client */
	expect(&r, UDP, 0, MEDIA_VOIP_LIKE, MEDIA_BASIS_none);
	struct media_flow f = { .report = &r, .l4 = UDP, .protocol = -1, .hosts_with_client = 1U << SECRET };
	media_judge(&f);
	assert_int_equal(f.verdict, MEDIA_CALL);
	assert_int_equal(f.basis, MEDIA_BASIS_statistics);
	assert_int_equal(f.protocol, SECRET);
	f.hosts_with_client = 1U << OPEN;
	media_judge(&f);
	assert_int_equal(f.verdict, MEDIA_VOIP_LIKE);
	r.stream[1].csc_above = 0x007f;
	expect(&r, UDP, 0, MEDIA_VOIP_LIKE, MEDIA_BASIS_none);
	r.stream[1].csc_above = 0x0001;
	r.stream[1].csc_messages = 150; /* one less than makes every group able to fail: docs/statistics.md */
	expect(&r, UDP, 0, MEDIA_VOIP_LIKE, MEDIA_BASIS_none);
	r.stream[1].csc_messages = 151;
	expect(&r, UDP, 0, MEDIA_CALL, MEDIA_BASIS_statistics);
	r.stream[1].voice.belief = -6; /* the payload alone is no voice */
	expect(&r, UDP, 0, MEDIA_VOIP_LIKE, MEDIA_BASIS_none);
	r.stream[0].voice.belief = -6;
	expect(&r, UDP, 0, MEDIA_NOT, MEDIA_BASIS_none);
}

/* Over TCP, payload that is not random is not the client's media, however like a voice. */
static void test_tcp_rule_refutes(void **state)
{
	(void)state;
	struct media_report r = talk();
	expect(&r, TCP, 7, MEDIA_NOT, MEDIA_BASIS_none);
	r.stream[1].csc_above = 0; /* one direction passes: it is a call by that one */
	expect(&r, TCP, 7, MEDIA_CALL, MEDIA_BASIS_socket);
	r.stream[1].csc_messages = 0; /* cut by the snap length: neither for nor against */
	expect(&r, TCP, 7, MEDIA_CALL, MEDIA_BASIS_socket);
	r.stream[0].csc_above = r.stream[1].csc_above = 0x8000;
	r.stream[1].csc_messages = 660;
	expect(&r, TCP, 7, MEDIA_NOT, MEDIA_BASIS_none);
	expect(&r, UDP, 7, MEDIA_CALL, MEDIA_BASIS_socket); /* the rule is for TCP alone */
}

/* The host's client gets no UDP: a voice in random bytes both ways, over TCP, is its call. */
static void test_blocked_client(void **state)
{
	(void)state;
	struct media_report r = talk();
	r.stream[0].csc_above = r.stream[1].csc_above = 0;
	struct media_flow f = { .report = &r, .l4 = TCP, .protocol = -1, .hosts_with_client = 1U << SECRET };
	media_judge(&f);
	assert_int_equal(f.verdict, MEDIA_VOIP_LIKE); /* others' calls have nodes that they asked over UDP */
	f.hosts_cut_off = 1U << OPEN;                 /* of a protocol without media */
	media_judge(&f);
	assert_int_equal(f.verdict, MEDIA_VOIP_LIKE);
	f.hosts_cut_off = 1U << SECRET;
	media_judge(&f);
	assert_int_equal(f.verdict, MEDIA_CALL);
	assert_int_equal(f.basis, MEDIA_BASIS_statistics);
	assert_int_equal(f.protocol, SECRET);
	f.protocol = -1;
	f.l4 = UDP;
	media_judge(&f);
	assert_int_equal(f.verdict, MEDIA_VOIP_LIKE);
	f.l4 = TCP;
	r.stream[0].csc_above = 0x0001; /* a header: TLS, say */
	media_judge(&f);
	assert_int_equal(f.verdict, MEDIA_VOIP_LIKE);
	r.stream[0].csc_above = 0;
	r.stream[0].csc_messages = 150; /* too few to tell */
	media_judge(&f);
	assert_int_equal(f.verdict, MEDIA_VOIP_LIKE);
	r.stream[0].csc_messages = 660;
	r.stream[0].voice.belief = NBC_ACCEPT - 0.01F; /* a voice one way only */
	media_judge(&f);
	assert_int_equal(f.verdict, MEDIA_VOIP_LIKE);
	r = talk();
	r.streams = 1;
	r.stream[0].csc_above = 0;
	media_judge(&f);
	assert_int_equal(f.verdict, MEDIA_VOIP_LIKE);
	assert_int_equal(f.protocol, -1);
}

static void test_format(void **state)
{
	(void)state;
	struct media_report r = { .protocol = OPEN, .sampled = true, .streams = 1 };
	struct media_flow f = judged(&r, UDP, -1, 0);
	assert_int_equal(f.verdict, MEDIA_CALL); /* of one second, and without a window */
	assert_int_equal(f.basis, MEDIA_BASIS_format);
	assert_int_equal(f.protocol, OPEN);
	r = talk(); /* its dissector was never sure: nothing */
	r.protocol = OPEN;
	f = judged(&r, UDP, SECRET, 7);
	assert_int_equal(f.verdict, MEDIA_NOT);
}

/* --- the score --------------------------------------------------------------------------------------------
 */

static float score(const struct stream_report *s, float round_trip_ms)
{
	bool assumed;
	return stream_mos(s, UDP, round_trip_ms, &assumed);
}

/* Dynamic payload types have no name: a usual codec of that clock, and it says so. */
static void test_assumed_score(void **state)
{
	(void)state;
	bool assumed = false;
	struct stream_report s = {
		.sequenced = true, .packets = 500, .expected = 500, .gap_mean_ms = 20, .clock_hz = 48000
	};
	float opus = stream_mos(&s, UDP, 0, &assumed);
	assert_true(opus > 4 && assumed);
	s.codec = "opus";
	assert_true(stream_mos(&s, UDP, 0, &assumed) == opus && !assumed);
	s.codec = NULL;
	s.clock_hz = 8000;
	float narrow = stream_mos(&s, UDP, 0, &assumed);
	s.codec = "PCMU";
	assert_true(narrow > 0 && stream_mos(&s, UDP, 0, &assumed) == narrow);
	assert_true(stream_mos(&s, IPPROTO_TCP, 0, &assumed) == 0); /* nothing is lost there but time */
	s.lost = 101;                                               /* more than the 20 % that G.107 knows */
	assert_true(stream_mos(&s, UDP, 0, &assumed) == 0);
	s.lost = 0;
	s.codec = NULL;
	s.clock_hz = 90000; /* pictures */
	assert_true(stream_mos(&s, UDP, 0, &assumed) == 0);
	s.clock_hz = 0;
	assert_true(stream_mos(&s, UDP, 0, &assumed) == 0);
}

/* The column is the E-model of what the stream says: its codec, loss, packet time, and twice the jitter. */
static void test_score(void **state)
{
	(void)state;
	struct stream_report s = { .codec = "PCMU",
				   .sequenced = true,
				   .packets = 500,
				   .expected = 500,
				   .gap_mean_ms = 20,
				   .has_jitter = true,
				   .jitter_mean_ms = 5 };
	assert_true(fabsf(score(&s, 0) - 4.4F) < 0.05F); /* G.107: R = 93 less 80 ms of delay */
	float clean = score(&s, 0);
	s.lost = 5; /* 1 % of G.711 without concealment: R - 17.9 (docs/statistics.md), MOS 3.8 */
	assert_true(fabsf(score(&s, 0) - 3.8F) < 0.1F);
	s.lost = 100; /* 20 %, the most that the model knows */
	assert_true(score(&s, 0) < 1.1F);
	s.lost = 0;
	s.jitter_mean_ms = 150; /* a buffer of 300 ms: R = 68 or so */
	assert_true(score(&s, 0) < clean - 0.7F);
	s.jitter_mean_ms = 5;
	assert_true(score(&s, 100) == clean);       /* a round trip of 100 ms is what is assumed */
	assert_true(score(&s, 600) < clean - 0.5F); /* 300 ms one way: R = 70 or so (G.107, figure of Ta) */
	s.codec = "pcmu";
	assert_true(score(&s, 0) == clean);
	s.codec = "H264";
	assert_true(score(&s, 0) == 0);
	s.codec = NULL;
	assert_true(score(&s, 0) == 0);
	s.codec = "PCMU";
	s.sequenced = false;
	assert_true(score(&s, 0) == 0);
	s.sequenced = true;
	s.expected = 0;
	assert_true(score(&s, 0) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_likeness_alone),
		cmocka_unit_test(test_socket),
		cmocka_unit_test(test_socket_without_media),
		cmocka_unit_test(test_statistics),
		cmocka_unit_test(test_tcp_rule_refutes),
		cmocka_unit_test(test_blocked_client),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_assumed_score),
		cmocka_unit_test(test_score),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
