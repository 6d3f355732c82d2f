/*
 * Verdicts about measured flows, and which of them are one call. The registry is the test's own; reports are
 * written by hand, as the meter would.
 */
#include "base/clock.h"
#include "behave/calls.h"
#include "behave/emodel.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Two protocols; the second tells its media by payload, over UDP by either of two rules. */
static const struct csc_rule rules[] = {
	{ "first", "group 1 is fixed", 0x0001, 0xfffe, false },
	{ "second", "groups 1-8 are fixed", 0x00ff, 0xff00, true },
};
static const struct csc_rule over_tcp = { "tcp", "everything is random", 0, 0xffff, false };
static const struct protocol open_one = { .name = "open" };
static const struct protocol secret = {
	.name = "secret", .csc_rules = rules, .csc_rule_count = 2, .csc_tcp = &over_tcp
};
enum { OPEN, SECRET };
const struct protocol *const protocols[] = { &open_one, &secret };
const unsigned protocol_count = 2;
const struct dissector *const dissectors[] = { NULL };
const unsigned dissector_count = 0;

#define T0         INT64_C(1156500000000000000)
#define S(seconds) (T0 + (int64_t)((seconds)*1e9))

static struct call_table *table;
static uint64_t flows;

static int afresh(void **state)
{
	struct error err;

	(void)state;
	flows = 0;
	table = call_table_new(&err);
	return table ? 0 : -1;
}
static int finished(void **state)
{
	(void)state;
	call_table_free(table);
	return 0;
}

static struct endpoint at(uint8_t net, uint8_t host, uint16_t port)
{
	return (struct endpoint){ ip_from_v4((const uint8_t[4]){ net, 0, 0, host }), port };
}
#define ME(port)      at(10, 1, port)
#define INSIDE(n)     at(10, n, 6000)
#define OUTSIDE(n)    at(198, n, 7000)
#define INTERNAL(end) ((end).ip.b[12] == 10)

/* --- verdicts ---------------------------------------------------------------------------------------------
 */

/* A voice of 20 seconds in one direction, 33 messages a second, without a format. */
static struct stream_report voice(enum direction dir)
{
	return (struct stream_report){
		.dir = dir,
		.first_ns = S(0),
		.last_ns = S(20),
		.packets = 660,
		.payload = 660 * 60,
		.size_min = 40,
		.size_max = 120,
		.gap_mean_ms = 30,
		.csc_messages = 660,
		.csc_above = 0x0fff, /* nothing that a rule would pass */
		.voice = { .size = -3, .gap = -2, .belief = -3, .codec_mode = -1, .windows = 20 },
	};
}

static struct media_report talk(void)
{
	return (struct media_report){
		.protocol = -1,
		.talk_first_ns = S(0),
		.talk_last_ns = S(20),
		.busy_seconds = { 20, 20 },
		.streams = 2,
		.stream = { voice(TO_RESPONDER), voice(TO_INITIATOR) },
	};
}

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

#define UDP IPPROTO_UDP
#define TCP IPPROTO_TCP

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

/* --- calls ------------------------------------------------------------------------------------------------
 */

/* A flow of one protocol, judged to be a call; the report is kept by the table. */
struct made {
	struct endpoint from, to;
	double first, last;
	uint8_t l4;
	int8_t protocol;
	enum media_verdict verdict;
	enum media_basis basis;
	enum media_kind kind; /* of both streams */
	unsigned out, in;     /* messages; 0: no such stream */
	const char *codec;
	unsigned holds;
	uint32_t quiet_in; /* seconds of 20 */
	enum media_way way;
};

static struct stream_report made_stream(const struct made *m, enum direction dir, unsigned packets)
{
	return (struct stream_report){ .dir = dir,
				       .first_ns = S(m->first),
				       .last_ns = S(m->last),
				       .packets = packets,
				       .payload = packets * 100,
				       .size_min = dir == TO_RESPONDER ? 90 : 80,
				       .size_max = dir == TO_RESPONDER ? 110 : 120,
				       .media = m->kind,
				       .codec = m->codec,
				       .voice = { .windows = 9, .codec_mode = 0 } };
}

static uint64_t add(struct made m)
{
	struct error err;
	struct media_report r = { .flow = ++flows,
				  .protocol = -1,
				  .talk_first_ns = S(m.first),
				  .talk_last_ns = S(m.last),
				  .busy_seconds = { 20, 20 - m.quiet_in },
				  .quiet_seconds = { 0, m.quiet_in } };
	if (m.out)
		r.stream[r.streams++] = made_stream(&m, TO_RESPONDER, m.out);
	if (m.in)
		r.stream[r.streams++] = made_stream(&m, TO_INITIATOR, m.in);
	for (r.holds = 0; r.holds < m.holds; r.holds++)
		r.hold[r.holds] = (struct hold_period){ S(m.first + 2 + r.holds), S(m.first + 3 + r.holds) };
	assert_true(call_table_report(table, &r, &err));
	const struct media_flow f = {
		.report = call_table_find(table, r.flow),
		.initiator = m.from,
		.responder = m.to,
		.initiator_internal = INTERNAL(m.from),
		.responder_internal = INTERNAL(m.to),
		.l4 = m.l4 ? m.l4 : UDP,
		.protocol = m.protocol,
		.path = { .way = m.way },
		.verdict = m.verdict ? m.verdict : MEDIA_CALL,
		.basis = m.basis ? m.basis : MEDIA_BASIS_socket,
		.call = 99, /* is not the caller's */
	};
	assert_ptr_equal(f.report->stream[0].codec, m.out || m.in ? m.codec : NULL);
	assert_true(call_table_add(table, &f, &err));
	return r.flow;
}

static void group(const struct voice_models *models)
{
	struct error err;
	assert_true(call_table_group(table, models, &err));
	for (uint32_t i = 1; i < call_table_flow_count(table); i++)
		assert_true(call_table_flow_at(table, i - 1)->report->flow <
			    call_table_flow_at(table, i)->report->flow);
}

static const struct media_flow *flow_of(uint64_t flow)
{
	for (uint32_t i = 0; i < call_table_flow_count(table); i++)
		if (call_table_flow_at(table, i)->report->flow == flow)
			return call_table_flow_at(table, i);
	fail_msg("flow %u is not there", (unsigned)flow);
	return NULL;
}

static void test_one_call(void **state)
{
	(void)state;
	uint64_t flow = add((struct made){ .from = ME(5000),
					   .to = OUTSIDE(1),
					   .first = 1,
					   .last = 21,
					   .out = 600,
					   .in = 400,
					   .holds = 2,
					   .quiet_in = 5,
					   .codec = "iSAC",
					   .way = MEDIA_WAY_DIRECT });
	group(NULL);
	assert_int_equal(call_table_count(table), 1);
	assert_int_equal(flow_of(flow)->call, 1);
	const struct call *c = call_table_at(table, 0);
	assert_int_equal(c->near.ip.b[12], 10);
	assert_int_equal(c->near.port, 5000);
	assert_int_equal(c->far.port, 7000);
	assert_true(c->near_began && c->audio && !c->video && c->l4 == UDP && c->flows == 1);
	assert_true(c->first_ns == S(1) && c->last_ns == S(21));
	assert_int_equal(c->way, MEDIA_WAY_DIRECT);
	assert_int_equal(c->conference, 0);
	/* Two holds of a second each are left out of the rates: 18 s. */
	assert_int_equal(c->holds, 2);
	assert_int_equal(c->hold_ns, 2 * NS_PER_S);
	const struct call_side *out = &c->side[TO_RESPONDER], *in = &c->side[TO_INITIATOR];
	assert_true(out->packets == 600 && in->packets == 400);
	assert_true(fabsf(out->rate - 600 / 18.F) < 1e-3F && fabsf(in->rate - 400 / 18.F) < 1e-3F);
	assert_true(fabsf(out->bandwidth - 60000 / 18.F) < 0.01F);
	assert_true(out->size_min == 90 && out->size_max == 110 && in->size_min == 80 && in->size_max == 120);
	/* Out was never quiet; in was for a quarter of the talk. */
	assert_int_equal(out->silence, SILENCE_SENT);
	assert_int_equal(in->silence, SILENCE_SUPPRESSED);
	assert_string_equal(out->codec, "iSAC");
	assert_false(out->codec_estimated);
}

/* The near side is the internal one, whoever began; out is what it sends. */
static void test_far_begins(void **state)
{
	(void)state;
	add((struct made){ .from = OUTSIDE(1), .to = ME(5000), .last = 20, .out = 600, .in = 400 });
	group(NULL);
	const struct call *c = call_table_at(table, 0);
	assert_int_equal(c->near.port, 5000);
	assert_int_equal(c->far.port, 7000);
	assert_false(c->near_began);
	assert_int_equal(c->side[TO_RESPONDER].packets, 400);
	assert_int_equal(c->side[TO_INITIATOR].packets, 600);
	assert_int_equal(c->side[TO_RESPONDER].size_min, 80);
}

/* Two internal hosts: near is who began the first flow, and a flow that the other began is the same call. */
static void test_both_inside(void **state)
{
	(void)state;
	for (int turn = 0; turn < 2; turn++) { /* whichever address is the lesser */
		struct endpoint a = turn ? INSIDE(9) : INSIDE(2), b = turn ? INSIDE(2) : INSIDE(9);
		uint64_t one = add((struct made){
			.from = a, .to = b, .first = 100 * turn, .last = 100 * turn + 20, .out = 600 });
		uint64_t other = add((struct made){
			.from = b, .to = a, .first = 100 * turn + 1, .last = 100 * turn + 21, .out = 500 });
		(void)one;
		(void)other;
	}
	group(NULL);
	assert_int_equal(call_table_count(table), 2);
	for (uint32_t i = 0; i < 2; i++) {
		const struct call *c = call_table_at(table, i);
		assert_int_equal(c->near.ip.b[15], i ? 9 : 2);
		assert_int_equal(c->far.ip.b[15], i ? 2 : 9);
		assert_int_equal(c->flows, 2);
		assert_int_equal(c->side[TO_RESPONDER].packets, 600);
		assert_int_equal(c->side[TO_INITIATOR].packets, 500);
	}
}

/* Voice and video begin together; a changed path goes on where the last one ended; else it is another call.
 */
static void test_what_goes_together(void **state)
{
	(void)state;
	const struct {
		double first, last;
		bool same;
	} rows[] = {
		{ 9, 20, true },       /* within 10 s of the start */
		{ 11, 100, false },    /* later, and beside it */
		{ 60 + 4, 80, true },  /* within 5 s of the end */
		{ 60 - 4, 80, true },  /* ... on both sides */
		{ 60 + 6, 80, false }, /* called again */
		{ 600, 610, false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct error err;
		call_table_free(table);
		table = call_table_new(&err);
		add((struct made){ .from = ME(5000), .to = OUTSIDE(1), .last = 60, .out = 9, .in = 9 });
		add((struct made){ .from = ME(5002),
				   .to = OUTSIDE(1),
				   .first = rows[i].first,
				   .last = rows[i].last,
				   .l4 = TCP,
				   .out = 1,
				   .in = 1 });
		group(NULL);
		if (call_table_count(table) != (rows[i].same ? 1 : 2))
			fail_msg("row %zu", i);
		const struct call *c = call_table_at(table, 0);
		assert_int_equal(c->side[0].packets, rows[i].same ? 10 : 9);
		assert_int_equal(c->l4, rows[i].same ? 0 : UDP); /* 0: both transports */
		assert_int_equal(c->last_ns, S(rows[i].same && rows[i].last > 60 ? rows[i].last : 60));
		assert_int_equal(c->near.port, 5000);
	}
}

static void test_what_does_not(void **state)
{
	(void)state;
	struct made m = { .from = ME(5000), .to = OUTSIDE(1), .last = 20, .out = 9, .in = 9 };
	add(m);
	m.protocol = SECRET; /* another protocol between the same hosts */
	add(m);
	m.protocol = OPEN;
	m.to = OUTSIDE(2);
	add(m);
	group(NULL);
	assert_int_equal(call_table_count(table), 3);
}

static void test_voip_like_is_no_call(void **state)
{
	(void)state;
	uint64_t flow = add((struct made){ .from = ME(1),
					   .to = OUTSIDE(1),
					   .last = 20,
					   .verdict = MEDIA_VOIP_LIKE,
					   .out = 600,
					   .in = 600 });
	add((struct made){ .from = ME(2), .to = OUTSIDE(1), .last = 20, .out = 9, .in = 9 });
	group(NULL);
	assert_int_equal(call_table_count(table), 1);
	assert_int_equal(call_table_at(table, 0)->side[0].packets, 9);
	assert_int_equal(flow_of(flow)->call, 0);
}

/* In a known format, one way: a broadcast, unless the ends have found a path to each other. */
static void test_one_way(void **state)
{
	(void)state;
	struct made m = {
		.from = OUTSIDE(1), .to = ME(1), .last = 20, .out = 600, .basis = MEDIA_BASIS_format
	};
	uint64_t alone = add(m);
	m.from = OUTSIDE(2);
	m.way = MEDIA_WAY_DIRECT;
	uint64_t ice = add(m);
	m.from = OUTSIDE(3);
	m.way = MEDIA_WAY_UNKNOWN;
	m.basis = MEDIA_BASIS_socket; /* a recognised client: seen on one side only */
	uint64_t client = add(m);
	m.basis = MEDIA_BASIS_format; /* each direction on ports of its own */
	m.from = OUTSIDE(4);
	uint64_t here = add(m);
	m.from = ME(1);
	m.to = OUTSIDE(4);
	uint64_t back = add(m);
	group(NULL);
	assert_int_equal(flow_of(alone)->verdict, MEDIA_ONE_WAY);
	assert_int_equal(flow_of(alone)->call, 0);
	assert_int_not_equal(flow_of(ice)->call, 0);
	assert_int_not_equal(flow_of(client)->call, 0);
	assert_int_not_equal(flow_of(here)->call, 0);
	assert_int_equal(flow_of(here)->call, flow_of(back)->call);
	assert_int_equal(call_table_count(table), 3);
	assert_true(call_table_at(table, flow_of(here)->call - 1)->side[0].packets == 600);
}

static void test_media_and_codecs(void **state)
{
	(void)state;
	struct error err;
	struct voice_models *models = voice_models_builtin(&err);
	assert_non_null(models);
	struct made m = { .from = ME(1),
			  .to = OUTSIDE(1),
			  .last = 20,
			  .out = 600,
			  .in = 600,
			  .basis = MEDIA_BASIS_format,
			  .kind = MEDIA_VIDEO,
			  .codec = "H264",
			  .way = MEDIA_WAY_DIRECT };
	add(m);
	m.kind = MEDIA_AUDIO;
	m.codec = "PCMU";
	m.from = ME(2);
	m.way = MEDIA_WAY_RELAYED;
	add(m);
	m.to = OUTSIDE(2); /* video alone */
	m.kind = MEDIA_VIDEO;
	m.codec = NULL;
	add(m);
	m.to = OUTSIDE(3); /* neither */
	m.kind = MEDIA_OTHER;
	add(m);
	m.to = OUTSIDE(4); /* no format: the classifier's first mode */
	m.kind = MEDIA_UNKNOWN;
	m.basis = MEDIA_BASIS_socket;
	add(m);
	group(models);
	assert_int_equal(call_table_count(table), 4);
	const struct call *c = call_table_at(table, 0);
	assert_true(c->audio && c->video && c->flows == 2);
	assert_string_equal(c->side[0].codec, "PCMU"); /* of the voice */
	assert_int_equal(c->way, MEDIA_WAY_RELAYED);   /* on some part of its way */
	c = call_table_at(table, 1);
	assert_true(!c->audio && c->video && !c->side[0].codec);
	c = call_table_at(table, 2);
	assert_true(!c->audio && !c->video);
	c = call_table_at(table, 3);
	assert_true(c->audio && !c->video && c->side[0].codec_estimated);
	assert_string_equal(c->side[0].codec, voice_models_name(models, 0));
	voice_models_free(models);
}

/* Without a format, large messages are video beside the voice. */
static void test_video_by_size(void **state)
{
	(void)state;
	struct error err;
	struct media_report r = talk();
	for (unsigned large = 20; large <= 40; large += 20) { /* percent; a fifth is the bound */
		r.flow++;
		r.stream[0].large = r.stream[0].packets * large / 100;
		assert_true(call_table_report(table, &r, &err));
		struct media_flow f = { .report = call_table_find(table, r.flow),
					.initiator = ME(1),
					.responder = OUTSIDE((uint8_t)large),
					.initiator_internal = true,
					.l4 = UDP,
					.verdict = MEDIA_CALL,
					.basis = MEDIA_BASIS_socket };
		assert_true(call_table_add(table, &f, &err));
	}
	group(NULL);
	assert_true(call_table_at(table, 0)->audio && !call_table_at(table, 0)->video);
	assert_true(call_table_at(table, 1)->audio && call_table_at(table, 1)->video);
}

/* Measurements B14: one near host, several far ones, at the same time. */
static void test_conference(void **state)
{
	(void)state;
	struct made m = { .from = ME(1), .out = 9, .in = 9 };
	const struct {
		struct endpoint from, to;
		double first, last;
		unsigned conference;
	} rows[] = {
		{ ME(1), OUTSIDE(1), 0, 60, 1 },
		{ ME(1), OUTSIDE(2), 20, 60, 1 },
		{ ME(1), OUTSIDE(3), 55, 80, 1 },    /* with either of them by five seconds */
		{ INSIDE(7), OUTSIDE(1), 0, 60, 0 }, /* another host with one of the same */
		{ ME(1), OUTSIDE(4), 76, 90, 0 },    /* four seconds: one call after the other */
		{ ME(1), OUTSIDE(5), 200, 210, 0 },
		{ INSIDE(8), OUTSIDE(8), 300, 330, 2 },
		{ OUTSIDE(9), INSIDE(8), 301, 330, 2 }, /* the far side began */
		{ INSIDE(6), OUTSIDE(6), 400, 430, 0 },
		{ INSIDE(6), OUTSIDE(6), 415, 445, 0 },  /* the same two hosts: no conference */
		{ INSIDE(20), INSIDE(19), 500, 530, 3 }, /* the mixer is an internal host that is called */
		{ INSIDE(21), INSIDE(19), 501, 530, 3 },
		{ INSIDE(22), INSIDE(19), 502, 530, 3 },
		{ OUTSIDE(30), OUTSIDE(29), 600, 630, 4 }, /* nobody is internal: either may be it */
		{ OUTSIDE(31), OUTSIDE(29), 601, 630, 4 },
		{ INSIDE(23), OUTSIDE(28), 700, 730, 0 }, /* two of ours call one server: no mixer of ours */
		{ INSIDE(24), OUTSIDE(28), 701, 730, 0 },
		{ INSIDE(25), INSIDE(26), 800, 830, 0 }, /* the same two, either of them calling */
		{ INSIDE(26), INSIDE(25), 815, 845, 0 },
	};
	enum { N = sizeof rows / sizeof rows[0] };
	uint64_t flow[N];
	for (size_t i = 0; i < N; i++) {
		m.from = rows[i].from;
		m.to = rows[i].to;
		m.first = rows[i].first;
		m.last = rows[i].last;
		flow[i] = add(m);
	}
	group(NULL);
	assert_int_equal(call_table_count(table), N);
	for (size_t i = 0; i < N; i++)
		if (call_table_at(table, flow_of(flow[i])->call - 1)->conference != rows[i].conference)
			fail_msg("row %zu", i);
}

/* However many calls of others begin between. */
static void test_conference_on_a_busy_link(void **state)
{
	(void)state;
	struct made m = { .from = ME(1), .to = OUTSIDE(1), .last = 100, .out = 9, .in = 9 };
	uint64_t first = add(m);
	for (unsigned i = 0; i < 200; i++) {
		m.from = INSIDE((uint8_t)(2 + i));
		m.to = at(198, (uint8_t)i, 1);
		m.first = 1 + i / 10.;
		add(m);
	}
	m.from = ME(1);
	m.to = OUTSIDE(250);
	m.first = 50;
	uint64_t last = add(m);
	group(NULL);
	assert_int_equal(call_table_at(table, flow_of(first)->call - 1)->conference, 1);
	assert_int_equal(call_table_at(table, flow_of(last)->call - 1)->conference, 1);
}

/* Calls are numbered by time, and the order in which flows ended changes nothing. */
static void test_order(void **state)
{
	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		struct error err;
		call_table_free(table);
		table = call_table_new(&err);
		for (unsigned i = 0; i < 50; i++) {
			unsigned n = turn ? 49 - i : i;
			flows = n; /* its number is that of its first packet */
			add((struct made){ .from = ME((uint16_t)(1 + n)),
					   .to = OUTSIDE((uint8_t)(n * 7 % 50)),
					   .first = n / 10, /* several at once */
					   .last = 100,
					   .out = 1 + n,
					   .in = 1 });
		}
		group(NULL);
		assert_int_equal(call_table_count(table), 50);
		for (uint32_t i = 0; i < 50; i++) {
			const struct call *c = call_table_at(table, i);
			assert_true(i == 0 || call_table_at(table, i - 1)->first_ns <= c->first_ns);
			assert_int_equal(c->first_ns, S(i / 10));
			/* Of equal times: by the number of the flow, which grows with n. */
			assert_int_equal(c->side[0].packets, 1 + i);
		}
	}
}

/* --- bounds -----------------------------------------------------------------------------------------------
 */

static void test_bound(void **state)
{
	(void)state;
	struct error err;
	struct media_report r = { .streams = 0 };
	for (uint64_t i = 1; i <= MEDIA_REPORTS_MAX + 3; i++) {
		r.flow = i;
		assert_true(call_table_report(table, &r, &err));
	}
	assert_int_equal(call_table_refused(table), 3);
	assert_non_null(call_table_find(table, 1));
	assert_non_null(call_table_find(table, MEDIA_REPORTS_MAX));
	assert_null(call_table_find(table, MEDIA_REPORTS_MAX + 1));
	group(NULL);
	assert_int_equal(call_table_count(table), 0);
}

static void test_empty(void **state)
{
	(void)state;
	assert_null(call_table_find(table, 1));
	group(NULL);
	assert_int_equal(call_table_count(table), 0);
	assert_int_equal(call_table_flow_count(table), 0);
	call_table_free(NULL);
}

int main(void)
{
#define CALLS(name) cmocka_unit_test_setup_teardown(name, afresh, finished)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_likeness_alone),
		cmocka_unit_test(test_socket),
		cmocka_unit_test(test_socket_without_media),
		cmocka_unit_test(test_statistics),
		cmocka_unit_test(test_tcp_rule_refutes),
		cmocka_unit_test(test_blocked_client),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_score),
		cmocka_unit_test(test_assumed_score),
		CALLS(test_one_call),
		CALLS(test_far_begins),
		CALLS(test_both_inside),
		CALLS(test_what_goes_together),
		CALLS(test_what_does_not),
		CALLS(test_voip_like_is_no_call),
		CALLS(test_one_way),
		CALLS(test_media_and_codecs),
		CALLS(test_video_by_size),
		CALLS(test_conference),
		CALLS(test_conference_on_a_busy_link),
		CALLS(test_order),
		CALLS(test_bound),
		CALLS(test_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
