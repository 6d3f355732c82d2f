/*
 * Verdicts about measured flows, and which of them are one call. The registry is the test's own; reports are
 * written by hand, as the meter would.
 */
#include "calls_play.h"

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
	unsigned holds, missed;
	double held;       /* seconds of each hold; 0: one */
	uint32_t quiet_in; /* seconds of 20 */
	uint32_t outside;  /* of 100 bytes, out; twice as many in */
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
				  .quiet_seconds = { 0, m.quiet_in },
				  .outside = { m.outside, 2 * m.outside },
				  .outside_bytes = { 100 * m.outside, 200 * m.outside },
				  .holds_missed = m.missed };
	if (m.out)
		r.stream[r.streams++] = made_stream(&m, TO_RESPONDER, m.out);
	if (m.in)
		r.stream[r.streams++] = made_stream(&m, TO_INITIATOR, m.in);
	for (r.holds = 0; r.holds < m.holds; r.holds++)
		r.hold[r.holds] = (struct hold_period){ S(m.first + 2 + r.holds),
							S(m.first + 2 + r.holds + (m.held > 0 ? m.held : 1)),
							{ 3, 2 },
							{ 300, 200 } };
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
	/* Two holds of a second each are left out of the rates, 18 s, and so is what went in them: 3 messages
	 * of 100 bytes out and 2 in, each. */
	assert_int_equal(c->holds, 2);
	assert_int_equal(c->hold_ns, 2 * NS_PER_S);
	const struct call_side *out = &c->side[TO_RESPONDER], *in = &c->side[TO_INITIATOR];
	assert_true(out->packets == 600 && in->packets == 400);
	assert_true(fabsf(out->rate - 594 / 18.F) < 1e-3F && fabsf(in->rate - 396 / 18.F) < 1e-3F);
	assert_true(fabsf(out->bandwidth - 59400 / 18.F) < 0.01F &&
		    fabsf(in->bandwidth - 39600 / 18.F) < 0.01F);
	assert_true(out->size_min == 90 && out->size_max == 110 && in->size_min == 80 && in->size_max == 120);
	/* Out was never quiet; in was for a quarter of the talk. */
	assert_int_equal(out->silence, SILENCE_SENT);
	assert_int_equal(in->silence, SILENCE_SUPPRESSED);
	assert_string_equal(out->codec, "iSAC");
	assert_false(out->codec_estimated);
}

/* What goes before the first and behind the last second of talk is in no rate; but where the format is known,
 * it is the call's. */
static void test_outside_of_talk(void **state)
{
	(void)state;
	for (int known = 0; known < 2; known++) {
		if (known) {
			finished(NULL);
			afresh(NULL);
		}
		add((struct made){ .from = OUTSIDE(1),
				   .to = ME(5000),
				   .first = 1,
				   .last = 21,
				   .out = 600,
				   .in = 400,
				   .outside = 60,
				   .basis = known ? MEDIA_BASIS_format : MEDIA_BASIS_socket });
		group(NULL);
		const struct call *c = call_table_at(table, 0);
		const struct call_side *near = &c->side[TO_RESPONDER], *far = &c->side[TO_INITIATOR];
		assert_true(near->packets == 400 && far->packets == 600);
		assert_true(fabsf(near->rate - (known ? 400 : 280) / 20.F) < 1e-3F);
		assert_true(fabsf(far->rate - (known ? 600 : 540) / 20.F) < 1e-3F);
		assert_true(fabsf(far->bandwidth - (known ? 60000 : 54000) / 20.F) < 0.01F);
	}
}

/* Voice is held from 3 to 4 s, video, whose flow the far side began half a second later, from 3.5 to 4.5 s:
 * one hold. */
static void test_held_together(void **state)
{
	(void)state;
	add((struct made){ .from = ME(5000),
			   .to = OUTSIDE(1),
			   .first = 1,
			   .last = 21,
			   .out = 600,
			   .in = 400,
			   .holds = 1 });
	add((struct made){ .from = OUTSIDE(1),
			   .to = ME(5002),
			   .first = 1.5,
			   .last = 21,
			   .out = 900,
			   .in = 300,
			   .holds = 1,
			   .kind = MEDIA_VIDEO });
	group(NULL);
	assert_int_equal(call_table_count(table), 1);
	const struct call *c = call_table_at(table, 0);
	assert_int_equal(c->flows, 2);
	assert_int_equal(c->holds, 1);
	assert_int_equal(call_table_hold_count(table), 1);
	const struct call_hold *hold = call_table_hold_at(table, 0);
	assert_int_equal(hold->call, 1);
	assert_true(hold->period.first_ns == S(3) && hold->period.last_ns == S(4.5));
	assert_int_equal(c->hold_ns, S(4.5) - S(3));
	/* Each flow's initiator sent 3 of 100 bytes in it, the other 2: 5 either way. */
	const struct call_side *out = &c->side[TO_RESPONDER], *in = &c->side[TO_INITIATOR];
	assert_true(out->packets == 900 && in->packets == 1300);
	assert_true(fabsf(out->rate - 895 / 18.5F) < 1e-3F && fabsf(in->rate - 1295 / 18.5F) < 1e-3F);
	assert_true(fabsf(out->bandwidth - 89500 / 18.5F) < 0.01F);
}

/* The first call of the two is made last: its far end has the greater address. */
static void test_holds_of_calls(void **state)
{
	(void)state;
	/* Held from 102 to 104 s and, video, from 102.5 to 104.5 s; and each a third time that was not kept.
	 */
	add((struct made){ .from = ME(5000),
			   .to = OUTSIDE(1),
			   .first = 100,
			   .last = 120,
			   .out = 600,
			   .in = 400,
			   .holds = 2,
			   .missed = 1 });
	add((struct made){ .from = ME(5002),
			   .to = OUTSIDE(1),
			   .first = 100.5,
			   .last = 120,
			   .out = 900,
			   .in = 300,
			   .holds = 2,
			   .missed = 1,
			   .kind = MEDIA_VIDEO });
	/* Held from 3 to 7 s, video within that; more went in it than streams are reported of. */
	add((struct made){ .from = ME(5004),
			   .to = OUTSIDE(2),
			   .first = 1,
			   .last = 21,
			   .out = 2,
			   .in = 400,
			   .holds = 1,
			   .held = 4 });
	add((struct made){ .from = ME(5006),
			   .to = OUTSIDE(2),
			   .first = 1.5,
			   .last = 21,
			   .in = 300,
			   .holds = 1,
			   .kind = MEDIA_VIDEO });
	group(NULL);
	assert_int_equal(call_table_count(table), 2);
	assert_int_equal(call_table_hold_count(table), 2);
	const struct call_hold *one = call_table_hold_at(table, 0), *two = call_table_hold_at(table, 1);
	assert_int_equal(one->call, 1);
	assert_true(one->period.first_ns == S(3) && one->period.last_ns == S(7));
	assert_int_equal(two->call, 2);
	assert_true(two->period.first_ns == S(102) && two->period.last_ns == S(104.5));
	const struct call *c = call_table_at(table, 0), *d = call_table_at(table, 1);
	assert_true(c->holds == 1 && c->hold_ns == 4 * NS_PER_S);
	assert_true(c->side[TO_RESPONDER].packets == 2 && c->side[TO_RESPONDER].rate == 0 &&
		    c->side[TO_RESPONDER].bandwidth == 0);
	assert_true(fabsf(c->side[TO_INITIATOR].rate - (700 - 2 * 2) / 16.F) < 1e-3F);
	assert_true(d->holds == 1 + 2 && d->hold_ns == S(104.5) - S(102));
	assert_true(fabsf(d->side[TO_RESPONDER].rate - (1500 - 4 * 3) / 17.5F) < 1e-3F);
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
		CALLS(test_one_call),
		CALLS(test_held_together),
		CALLS(test_holds_of_calls),
		CALLS(test_outside_of_talk),
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
