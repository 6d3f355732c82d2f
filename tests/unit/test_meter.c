/*
 * Which flows are measured for media, and for how long, with a registry of the test's own: one dissector that
 * knows a format, and one that does not.
 */
#include "base/clock.h"
#include "identify/identify.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct evidence_kind kinds[] = { { "told", "", ABOUT_FLOW, TEST_NONE, 10, 10, 0 } };
static const struct protocol format = { .name = "format", .kinds = kinds, .kind_count = 1 };
static const struct protocol secret = {
	.name = "secret", .kinds = kinds, .kind_count = 1, .ndpi_prefix = "Secret"
};

/*
 * The format: byte 0 says what the dissector answers (Y, M; anything else is NO) and what the message is (C:
 * control, S: comfort noise, X: nothing), byte 1 is the stream; media is behind them. A '+' in byte 2: behind
 * it is another message; a '*': the dissector does not move on. It remembers that it has said no, and says so
 * again.
 */
struct format_state {
	bool said_no;
};

static enum match look_format(const struct look *l)
{
	struct reader r = reader_on(l->data);
	uint8_t what = rd_u8(&r);
	struct format_state *state = l->state;

	if (state->said_no)
		return MATCH_NO;
	state->said_no = what != 'Y' && what != 'M';
	return what == 'Y' ? MATCH_YES : what == 'M' ? MATCH_MAYBE : MATCH_NO;
}

static enum sample_kind sample_format(const struct look *l, struct media_sample *out)
{
	struct reader r = reader_on(l->data);
	uint8_t what = rd_u8(&r);

	assert_null(l->state);
	out->stream = rd_u8(&r);
	struct reader fields = r;
	uint8_t last = rd_u8(&fields);
	out->rest = last == '+' ? rd_rest(&fields) : last == '*' ? l->data : (struct span){ 0 };
	fields = r;
	rd_skip(&fields, 1);
	uint8_t quarters = rd_u8(&fields);
	out->comfort_noise = what == 'S';
	out->codec = "codec";
	out->payload = rd_rest(&r);
	out->payload_wire = l->wire - 2;
	if (what == 'K') /* a report: its clock, the last clock that came in, and since when (in 1/4 s) */
		out->control = (struct media_control){
			.has_clock = true,
			.clock = out->stream,
			.receptions = 1,
			.reception = { { .last_clock = last, .delay = quarters * UINT32_C(0x4000) } },
		};
	return what == 'C' || what == 'K' ? SAMPLE_CONTROL : what == 'X' ? SAMPLE_NONE : SAMPLE_MEDIA;
}

/* The other: 'L' labels the flow, 'E' is evidence. */
static enum match look_secret(const struct look *l)
{
	struct reader r = reader_on(l->data);
	uint8_t what = rd_u8(&r);

	if (what == 'E' || what == 'L')
		observe(l, 0, 0);
	if (what == 'L')
		label_flow(l, "secret-login");
	return what == 'L' || what == 'E' ? MATCH_YES : MATCH_NO;
}

/* A third, of the same protocol: undecided as long as messages begin with 'W'. */
static enum match look_slow(const struct look *l)
{
	struct reader r = reader_on(l->data);

	return rd_u8(&r) == 'W' ? MATCH_MAYBE : MATCH_NO;
}

#define PATIENCE 200
static const struct dissector dissector_format = { .name = "format",
						   .protocol = &format,
						   .l4 = IPPROTO_UDP,
						   .patience = PATIENCE,
						   .state_size = sizeof(struct format_state),
						   .look = look_format,
						   .sample = sample_format };
static const struct dissector dissector_secret = {
	.name = "secret", .protocol = &secret, .l4 = IPPROTO_UDP, .patience = 1, .look = look_secret
};
static const struct dissector dissector_slow = {
	.name = "slow", .protocol = &secret, .l4 = IPPROTO_UDP, .patience = 200, .look = look_slow
};
const struct protocol *const protocols[] = { &format, &secret };
const unsigned protocol_count = 2;
const struct dissector *const dissectors[] = { &dissector_format, &dissector_secret, &dissector_slow };
const unsigned dissector_count = 3;

/* --- flows ------------------------------------------------------------------------------------------------
 */

static struct voice_models *models;
static struct identifier *id;
static unsigned reports;
static struct media_report report; /* the last */
static struct voice_fit fit;       /* ... and of its first stream */
static uint64_t packets;

static void metered(void *self, const struct media_report *r)
{
	(void)self;
	reports++;
	report = *r;
	if (r->stream[0].fit)
		fit = *r->stream[0].fit;
}
static void observed(void *self, const struct observation *o)
{
	(void)self, (void)o;
}

static int afresh(void **state)
{
	struct error err;

	(void)state;
	reports = 0;
	id = identifier_new((struct observer){ .observed = observed, .metered = metered }, NULL, models,
			    &err);
	return id ? 0 : -1;
}
static int finished(void **state)
{
	(void)state;
	identifier_free(id);
	return 0;
}
static int models_setup(void **state)
{
	struct error err;

	(void)state;
	models = voice_models_builtin(&err);
	return models ? 0 : -1;
}
static int models_teardown(void **state)
{
	(void)state;
	voice_models_free(models);
	return 0;
}

static struct flow new_flow(void)
{
	return (struct flow){ .key = { .l4 = IPPROTO_UDP }, .first_packet = packets + 1 };
}

static uint32_t rest_wire; /* of the packets that are sent: in their datagram's other fragments */

static void send_bytes(struct flow *flow, enum direction dir, double ms, const char *bytes, size_t len,
		       uint32_t wire)
{
	const struct span payload = { (const uint8_t *)bytes, len };
	const struct packet p = { .key = flow->key,
				  .number = ++packets,
				  .ts_ns = (int64_t)(ms * 1e6),
				  .payload = payload,
				  .payload_wire = wire,
				  .rest_wire = rest_wire };
	const struct flow_step step = { .flow = flow,
					.dir = dir,
					.is_new = flow->side[0].messages + flow->side[1].messages == 0,
					.head = payload,
					.fresh = len,
					.message = true };

	flow->side[dir].messages++; /* as the flow table does before */
	(void)identifier_packet(id, &p, &step);
}

static void send_out(struct flow *flow, double ms, const char *bytes, uint32_t wire)
{
	send_bytes(flow, TO_RESPONDER, ms, bytes, strlen(bytes), wire);
}

/* Messages of nobody's format, each way, like iLBC; from message `from` up to and with `to`. */
static void send_voice(struct flow *flow, unsigned from, unsigned to)
{
	for (unsigned i = from; i <= to; i++) {
		send_out(flow, 30.0 * i, "no", 53);
		send_bytes(flow, TO_INITIATOR, 30.0 * i + 1, "no", 2, 53);
	}
}

static void end(struct flow *flow)
{
	identifier_ended(id, flow);
	assert_null(flow->id.media);
}

/* --- flows whose format nobody knows ----------------------------------------------------------------------
 */

static void test_begins_at_sixteen(void **state)
{
	(void)state;
	struct flow flow = new_flow();
	for (unsigned i = 1; i <= 15; i++) { /* fifteen each way are not sixteen */
		send_out(&flow, 30.0 * i, "no", 53);
		send_bytes(&flow, TO_INITIATOR, 30.0 * i + 1, "no", 2, 53);
	}
	assert_null(flow.id.media);
	send_out(&flow, 480, "no", 53);
	assert_non_null(flow.id.media);
	send_voice(&flow, 17, 200);
	end(&flow);
	assert_int_equal(reports, 1);
	assert_int_equal(report.flow, flow.first_packet);
	assert_int_equal(report.protocol, -1);
	assert_false(report.sampled);
	assert_int_equal(report.streams, 2);
	assert_int_equal(report.stream[0].packets, 185); /* from the 16th on, it included */
	assert_int_equal(report.stream[1].packets, 184);
	assert_int_equal(report.stream[1].dir, TO_INITIATOR);
	assert_int_equal(report.stream[0].size_min, 53);
	assert_in_range(report.busy_seconds[0], 5, 6);
	assert_string_equal(voice_models_name(models, (unsigned)report.stream[0].voice.codec_mode),
			    "iLBC 30 ms 13.3 kbit/s");
}

/* A frame of video in fragments is one message of its whole length, with a format and without one. */
static void test_fragments(void **state)
{
	(void)state;
	struct flow bare = new_flow(), formatted = new_flow();

	send_voice(&bare, 1, 200);
	rest_wire = 1000;
	send_out(&bare, 6030, "no", 53);
	end(&bare);
	assert_int_equal(report.stream[0].packets, 186);
	assert_int_equal(report.stream[0].size_max, 1053);
	assert_int_equal(report.stream[0].payload, 186 * 53 + 1000);

	for (unsigned i = 0; i < 2; i++)
		send_out(&formatted, 20 * i, "Y1", 50);
	rest_wire = 0;
	end(&formatted);
	assert_true(report.sampled);
	assert_int_equal(report.stream[0].payload, 2 * (50 + 1000 - 2)); /* behind the header of two bytes */
}

static void test_needs_models(void **state)
{
	(void)state;
	struct error err;
	identifier_free(id);
	id = identifier_new((struct observer){ .observed = observed, .metered = metered }, NULL, NULL, &err);
	struct flow flow = new_flow();
	send_voice(&flow, 1, 200);
	assert_null(flow.id.media);
	end(&flow);
	assert_int_equal(reports, 0);
}

/* Messages at an even 150 ms are no framing: two windows, 60 messages, tell. Another chance at 128. */
static void test_hopeless_is_dropped(void **state)
{
	(void)state;
	struct flow flow = new_flow();
	for (unsigned i = 1; i <= 16 + 58; i++)
		send_out(&flow, 150.0 * i, "no", 53);
	assert_non_null(flow.id.media);
	send_out(&flow, 150.0 * 75, "no", 53);
	assert_null(flow.id.media);
	for (unsigned i = 76; i <= 127; i++)
		send_out(&flow, 150.0 * i, "no", 53);
	assert_null(flow.id.media);
	for (unsigned i = 128; i <= 528; i++) { /* ... where it has become a voice */
		send_out(&flow, 150.0 * 127 + 30.0 * (i - 127), "no", 53);
		assert_non_null(flow.id.media);
	}
	end(&flow);
	assert_int_equal(reports, 1);
	assert_int_equal(report.stream[0].packets, 401);
}

/* A transfer in large messages makes no window, and is dropped all the same; video beside a voice is not. */
static void test_large_messages(void **state)
{
	(void)state;
	struct flow flow = new_flow();
	for (unsigned i = 1; i <= 15 + 511; i++)
		send_out(&flow, i, "no", 1400);
	assert_non_null(flow.id.media);
	send_out(&flow, 600, "no", 1400);
	assert_null(flow.id.media);
	end(&flow);

	flow = new_flow();
	for (unsigned i = 0; i < 3000; i++) /* 33 a second of voice, 300 of video */
		send_out(&flow, 3.0 * i, "no", i % 10 ? 1000 : 53);
	assert_non_null(flow.id.media);
	end(&flow);
	assert_int_equal(reports, 1);
	assert_int_equal(report.stream[0].large, 2700 - 13); /* two of the first 15 were voice */
}

/* One direction that is like a voice keeps a flow, whatever the other is. */
static void test_one_direction_is_enough(void **state)
{
	(void)state;
	struct flow flow = new_flow();
	for (unsigned i = 0; i < 1000; i++) {
		send_out(&flow, 30.0 * i, "no", 53);
		if (i % 6 == 0)
			send_bytes(&flow, TO_INITIATOR, 30.0 * i + 1, "no", 2, 390);
	}
	assert_non_null(flow.id.media);
	end(&flow);
	assert_int_equal(reports, 1);
}

/* Measured to its end, and nothing like a voice or too short to be one: not worth a report. */
static void test_not_worth_a_report(void **state)
{
	(void)state;
	struct flow slow = new_flow(), brief = new_flow();
	for (unsigned i = 0; i < 200; i++)
		send_out(&slow, 400.0 * i, "no", 53);
	assert_non_null(slow.id.media);
	end(&slow);
	assert_int_equal(reports, 0);
	send_voice(&brief, 1,
		   110); /* talks for 2.8 seconds after its 16th message: less than 3 whole ones each way */
	assert_non_null(brief.id.media);
	end(&brief);
	assert_int_equal(reports, 1); /* both ways together are three seconds and more */
	brief = new_flow();
	send_voice(&brief, 1, 60);
	end(&brief);
	assert_int_equal(reports, 1);
}

static void label_by_ndpi(struct flow *flow, const char *label, bool by_payload)
{
	flow->id.ndpi_label = label;
	flow->id.ndpi_by_payload = by_payload;
}

/* What another program has named is not looked at; what may be ours is. */
static void test_named_flows(void **state)
{
	(void)state;
	static const struct {
		const char *first, *label;
		bool by_payload, measured;
	} rows[] = {
		{ "no", NULL, false, true },
		{ "no", "DNS", true, false },
		{ "no", "DNS", false, true }, /* a guess from the port */
		{ "no", "Secret_Teams", true, true },
		{ "no", "STUN.SecretCall", true, true },
		{ "no", "NotSecret", true, false },
		{ "E", "DNS", true, true }, /* a dissector has seen something */
		{ "L", NULL, false, true },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct flow flow = new_flow();
		send_out(&flow, 1, rows[i].first, 53);
		label_by_ndpi(&flow, rows[i].label, rows[i].by_payload);
		send_voice(&flow, 2, 20);
		if ((flow.id.media != NULL) != rows[i].measured)
			fail_msg("row %zu", i);
		end(&flow);
	}
}

static void test_no_room(void **state)
{
	(void)state;
	struct flow *many = calloc(MEDIA_METERS_MAX, sizeof *many), flow = new_flow();
	assert_non_null(many);
	for (unsigned i = 0; i < MEDIA_METERS_MAX; i++) {
		many[i] = new_flow();
		for (unsigned n = 0; n < 16; n++)
			send_out(&many[i], 30.0 * n, "no", 53);
		assert_non_null(many[i].id.media);
	}
	assert_int_equal(identifier_unmeasured(id), 0);
	send_voice(&flow, 1, 32); /* at 16 and at 32, each way, and one flow */
	assert_null(flow.id.media);
	assert_int_equal(identifier_unmeasured(id), 1);
	struct flow known = new_flow();
	for (unsigned i = 0; i < 10; i++)
		send_out(&known, 30.0 * i, "Y1", 53);
	assert_null(known.id.media);
	assert_int_equal(identifier_unmeasured(id), 2);
	end(&known);
	end(&many[0]);
	send_voice(&flow, 33, 63);
	assert_null(flow.id.media);
	send_voice(&flow, 64, 64);
	assert_non_null(flow.id.media);
	end(&flow);
	for (unsigned i = 1; i < MEDIA_METERS_MAX; i++)
		end(&many[i]);
	free(many);
	assert_int_equal(reports, 0);
}

/* --- flows of a format ------------------------------------------------------------------------------------
 */

static void test_told_from_the_first(void **state)
{
	(void)state;
	struct flow flow = new_flow();
	send_out(&flow, 0, "Y1", 100);
	assert_non_null(flow.id.media);
	send_out(&flow, 20, "Y1", 100);
	send_out(&flow, 40, "Y2", 50); /* another stream of the same direction */
	send_out(&flow, 50, "Y2", 50);
	send_out(&flow, 60, "C2", 50);
	send_out(&flow, 80, "X2", 50);
	send_bytes(&flow, TO_INITIATOR, 90, "Y1", 2, 30);
	send_bytes(&flow, TO_INITIATOR, 95, "Y1", 2, 30);
	send_out(&flow, 99, "Y3", 50); /* one packet makes no source (RFC 3550 A.1) */
	end(&flow);
	assert_int_equal(reports, 1);
	assert_int_equal(report.protocol, 0);
	assert_true(report.sampled);
	assert_int_equal(report.streams, 3);
	assert_int_equal(report.streams_missed, 1);
	assert_int_equal(report.control, 1);
	assert_int_equal(report.stream[0].packets, 2);
	assert_int_equal(report.stream[0].payload, 196); /* behind the header of two bytes */
	assert_int_equal(report.stream[0].first_packet, flow.first_packet);
	assert_string_equal(report.stream[0].codec, "codec");
	assert_int_equal(report.stream[1].stream, '2');
	assert_int_equal(report.stream[2].dir, TO_INITIATOR);
	assert_int_equal(report.stream[2].payload, 56);
}

static void test_maybe_then_yes(void **state)
{
	(void)state;
	struct flow flow = new_flow();
	send_out(&flow, 0, "M1", 100);
	assert_non_null(flow.id.media);
	send_out(&flow, 20, "M1", 100);
	send_out(&flow, 40, "Y1", 100);
	end(&flow);
	assert_true(report.sampled);
	assert_int_equal(report.stream[0].packets, 3); /* nothing of what came before is lost */
}

static void test_maybe_then_no(void **state)
{
	(void)state;
	struct flow flow = new_flow();
	send_out(&flow, 0, "M1", 100);
	send_out(&flow, 20, "no", 53);
	assert_null(flow.id.media);
	assert_int_equal(flow.id.sampler, 0);
	for (unsigned i = 3; i <= 200; i++)
		send_out(&flow, 30.0 * i, "no", 53); /* it is like any other flow */
	end(&flow);
	assert_int_equal(reports, 1);
	assert_int_equal(report.protocol, -1);
	assert_int_equal(report.stream[0].packets, 185);
	assert_int_equal(report.stream[0].size_min, 53);
}

/* Media behind something else on the same sockets: its dissector is asked again at the twelfth message. */
static void test_second_look(void **state)
{
	(void)state;
	struct flow flow = new_flow();
	for (unsigned i = 1; i <= 11; i++)
		send_out(&flow, 30.0 * i, "no", 53);
	for (unsigned i = 12; i <= 96; i++)
		send_out(&flow, 30.0 * i, "Y1", 53);
	end(&flow);
	assert_int_equal(reports, 1);
	assert_true(report.sampled);
	assert_int_equal(report.stream[0].packets, 85);
	assert_int_equal(report.stream[0].size_min, 51);
}

/* ... as if it had seen nothing: another that is undecided keeps the slots of all alive. */
static void test_second_look_is_fresh(void **state)
{
	(void)state;
	struct flow flow = new_flow();
	for (unsigned i = 1; i <= 11; i++)
		send_out(&flow, 30.0 * i, "W", 53);
	assert_non_null(flow.id.state);
	for (unsigned i = 12; i <= 96; i++)
		send_out(&flow, 30.0 * i, "Y1", 53);
	end(&flow);
	assert_int_equal(reports, 1);
	assert_true(report.sampled);
	assert_int_equal(report.stream[0].packets, 85);
}

/* A segment of TCP may hold several messages: each is counted where it belongs. */
static void test_several_in_one(void **state)
{
	(void)state;
	struct flow flow = new_flow();
	for (unsigned i = 0; i < 50; i++)
		send_out(&flow, 30.0 * i, "Y1+Y2+C1+X1+Y1", 100);
	end(&flow);
	assert_int_equal(reports, 1);
	assert_int_equal(report.streams, 2);
	assert_int_equal(report.stream[0].stream, '1');
	assert_int_equal(report.stream[0].packets, 100);
	assert_int_equal(report.stream[1].stream, '2');
	assert_int_equal(report.stream[1].packets, 50);
	assert_int_equal(report.control, 50);

	flow = new_flow(); /* a dissector that leaves all as the rest: once */
	for (unsigned i = 0; i < 50; i++)
		send_out(&flow, 30.0 * i, "Y1*", 100);
	end(&flow);
	assert_int_equal(reports, 2);
	assert_int_equal(report.stream[0].packets, 50);
}

/* RFC 3389: silence may be sent as comfort noise, here twice a second; with as much of anything else: a hold.
 */
static void test_comfort_noise_is_no_hold(void **state)
{
	(void)state;
	for (unsigned turn = 0; turn < 2; turn++) {
		struct flow flow = new_flow();
		for (unsigned round = 0; round < 3; round++) {
			for (unsigned i = 0; i < 150; i++)
				send_out(&flow, 12e3 * round + 20.0 * i, "Y1", 162);
			for (unsigned i = 0; i < 18; i++)
				send_out(&flow, 12e3 * round + 3e3 + 500.0 * i, turn ? "Y1" : "S1", 3);
		}
		end(&flow);
		assert_int_equal(reports, turn + 1);
		assert_int_equal(report.stream[0].comfort_noise, turn ? 0 : 3 * 18);
		assert_int_equal(report.holds, turn ? 2 : 0);
	}
}

/*
 * RFC 3550 6.4.1, A = arrival of the answer, minus the question's time, minus the delay at the far end: from
 * here to the responder 1060 - 10 - 3/4 s = 300 ms, and to the initiator 1320 - 1060 - 1/4 s = 10 ms.
 */
static void test_round_trips(void **state)
{
	(void)state;
	struct flow flow = new_flow();
	send_out(&flow, 0, "Y1", 53);
	send_out(&flow, 1, "Y1", 53);
	assert_non_null(flow.id.media);
	send_bytes(&flow, TO_RESPONDER, 10, "KA\0\0", 4, 53);  /* clock A; nothing came in before */
	send_bytes(&flow, TO_INITIATOR, 1060, "KBA\3", 4, 53); /* clock B; A came in 3/4 s before */
	send_bytes(&flow, TO_RESPONDER, 1320, "KCB\1", 4, 53);
	send_bytes(&flow, TO_INITIATOR, 9000, "KDA\3", 4, 53);   /* the least counts */
	send_bytes(&flow, TO_INITIATOR, 9001, "KEZ\3", 4, 53);   /* a clock that nobody sent */
	send_bytes(&flow, TO_INITIATOR, 9002, "KFC\377", 4, 53); /* an answer before the question */
	end(&flow);
	assert_true(fabsf(report.round_trip_ms[TO_INITIATOR] - 300) < 0.1F);
	assert_true(fabsf(report.round_trip_ms[TO_RESPONDER] - 10) < 0.1F);
	assert_int_equal(report.control, 6);

	flow = new_flow();
	send_out(&flow, 0, "Y1", 53);
	send_out(&flow, 1, "Y1", 53);
	send_bytes(&flow, TO_RESPONDER, 10, "KA\0\0", 4, 53);
	end(&flow);
	assert_true(report.round_trip_ms[0] < 0 && report.round_trip_ms[1] < 0); /* not told */
}

/* What is said about media makes no meter; the media does. */
static void test_control_alone(void **state)
{
	(void)state;
	struct flow flow = new_flow();
	for (unsigned i = 1; i <= 10; i++)
		send_out(&flow, 30.0 * i, "C1", 53);
	assert_null(flow.id.media);
	end(&flow);
	assert_int_equal(reports, 0);
}

static void test_patience_is_over(void **state)
{
	(void)state;
	struct flow flow = new_flow();
	for (unsigned i = 1; i < PATIENCE; i++)
		send_out(&flow, 150.0 * i, "M1", 100);
	assert_non_null(flow.id.media);
	send_out(&flow, 150.0 * PATIENCE, "M1", 100);
	assert_int_equal(flow.id.sampler, 0); /* measured anew, as one whose format nobody knows */
	end(&flow);
	assert_int_equal(reports, 0);
	flow = new_flow(); /* a flow that ends before: nothing is known of it, however like a voice it is */
	for (unsigned i = 1; i < PATIENCE; i++)
		send_out(&flow, 30.0 * i, "M1", 55);
	assert_non_null(flow.id.media);
	end(&flow);
	assert_int_equal(reports, 0);
}

static void test_many_streams(void **state)
{
	(void)state;
	struct flow flow = new_flow();
	for (unsigned i = 0; i < 108; i++) {
		const char bytes[] = { 'Y', (char)(i % 36) };
		send_bytes(&flow, TO_RESPONDER, 10.0 * i, bytes, 2, 60);
	}
	end(&flow);
	assert_int_equal(report.streams, MEDIA_STREAMS_MAX);
	assert_int_equal(report.streams_missed, 3 * 4);
	for (unsigned i = 0; i < MEDIA_STREAMS_MAX; i++)
		assert_int_equal(report.stream[i].packets, 3);
	assert_int_equal(identifier_unmeasured(id), 1); /* in part, and one flow */
}

static void test_as_many_streams_as_there_may_be(void **state)
{
	(void)state;
	struct flow flow = new_flow();
	for (unsigned i = 0; i < 3 * MEDIA_STREAMS_MAX; i++) {
		const char bytes[] = { 'Y', (char)(i % MEDIA_STREAMS_MAX) };
		send_bytes(&flow, TO_RESPONDER, 10.0 * i, bytes, 2, 60);
	}
	end(&flow);
	assert_int_equal(report.streams, MEDIA_STREAMS_MAX);
	assert_int_equal(report.streams_missed, 0);
	assert_int_equal(identifier_unmeasured(id), 0);
}

/* --- training ---------------------------------------------------------------------------------------------
 */

/* Nothing is dropped, all is reported, and each stream has its fit; models have no say. */
static void test_training(void **state)
{
	(void)state;
	struct error err;
	struct voice_model model;
	assert_true(identifier_train(id, &err));
	struct flow flow = new_flow(), known = new_flow();
	for (unsigned i = 1; i <= 400; i++) {
		send_out(&flow, 150.0 * i, "no", 53);
		send_out(&known, 20.0 * i, "Y1", 162);
	}
	end(&flow);
	assert_int_equal(reports, 1);
	assert_true(voice_fit_finish(&fit, "slow", &model, &err));
	assert_int_equal(fit.messages, 385);
	assert_true(model.size == 53 && model.gap == 150);
	end(&known);
	assert_int_equal(reports, 2);
	assert_true(report.sampled);
	assert_true(voice_fit_finish(&fit, "known", &model, &err));
	assert_int_equal(fit.messages, 400);
	assert_true(model.size == 160 && model.gap == 20); /* of the media, without the format's header */
}

/* Fits are large: there is a bound for them. */
static void test_training_bound(void **state)
{
	(void)state;
	struct error err;
	struct flow *many = calloc(MEDIA_FITS_MAX + 1, sizeof *many);
	assert_non_null(many);
	assert_true(identifier_train(id, &err));
	for (unsigned i = 0; i <= MEDIA_FITS_MAX; i++) {
		many[i] = new_flow();
		send_out(&many[i], 1, "Y1", 100);
		send_out(&many[i], 2, "Y1", 100);
	}
	assert_int_equal(identifier_unmeasured(id), 1);
	end(&many[MEDIA_FITS_MAX]);
	assert_null(report.stream[0].fit);
	assert_int_equal(report.stream[0].packets, 2);
	for (unsigned i = 0; i < MEDIA_FITS_MAX; i++)
		end(&many[i]);
	free(many);
}

int main(void)
{
#define METER(name) cmocka_unit_test_setup_teardown(name, afresh, finished)
	const struct CMUnitTest tests[] = {
		METER(test_begins_at_sixteen),
		METER(test_fragments),
		METER(test_needs_models),
		METER(test_hopeless_is_dropped),
		METER(test_large_messages),
		METER(test_one_direction_is_enough),
		METER(test_not_worth_a_report),
		METER(test_named_flows),
		METER(test_no_room),
		METER(test_told_from_the_first),
		METER(test_maybe_then_yes),
		METER(test_maybe_then_no),
		METER(test_second_look),
		METER(test_second_look_is_fresh),
		METER(test_several_in_one),
		METER(test_comfort_noise_is_no_hold),
		METER(test_control_alone),
		METER(test_round_trips),
		METER(test_patience_is_over),
		METER(test_many_streams),
		METER(test_as_many_streams_as_there_may_be),
		METER(test_training),
		METER(test_training_bound),
	};
	return cmocka_run_group_tests(tests, models_setup, models_teardown);
}
