/*
 * What the media meter measures of one stream and of a flow's talk. Sequence numbers and jitter are those of
 * RFC 3550, by hand, against its own formulas, and against a sender that knows what it lost.
 */
#include "base/clock.h"
#include "identify/media_stream.h"
#include "identify/media_talk.h"
#include "chance.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define T0 INT64_C(1156500000000000000)

static struct media_stream stream;
static uint64_t number;

static int afresh(void **state)
{
	(void)state;
	memset(&stream, 0, sizeof stream);
	number = 0;
	return 0;
}

static void take(double ms, const struct media_sample *sample)
{
	const struct packet packet = { .ts_ns = T0 + (int64_t)(ms * 1e6), .number = ++number };
	media_stream_message(&stream, &packet, sample, true);
}

static const struct stream_report *finish(void)
{
	media_stream_finish(&stream, NULL);
	return &stream.report;
}

static void assert_close(double a, double b, double within)
{
	if (!(fabs(a - b) <= within))
		fail_msg("%.9g is not %.9g +- %g", a, b, within);
}

/* --- sequence numbers -------------------------------------------------------------------------------------
 */

static void take_number(unsigned sequence)
{
	take(20.0 * (double)number, &(struct media_sample){ .sequenced = true,
							    .sequence = (uint16_t)sequence,
							    .timestamp = 160 * sequence,
							    .payload_wire = 160 });
}

static void take_numbers(unsigned from, unsigned to)
{
	for (unsigned i = from; i <= to; i++)
		take_number(i);
}

static void expect(uint64_t expected, uint64_t lost, uint64_t duplicates, uint64_t reordered)
{
	const struct stream_report *r = finish();
	assert_true(r->sequenced);
	assert_int_equal(r->expected, expected);
	assert_int_equal(r->lost, lost);
	assert_int_equal(r->duplicates, duplicates);
	assert_int_equal(r->reordered, reordered);
}

static void test_whole(void **state)
{
	(void)state;
	take_numbers(65530, 65535 + 6); /* across 2^16 */
	expect(12, 0, 0, 0);
}

static void test_wraps_twice(void **state)
{
	(void)state;
	take_numbers(1000, 1000 + 2 * 65536);
	expect(2 * 65536 + 1, 0, 0, 0);
}

static void test_loss(void **state)
{
	(void)state;
	take_numbers(1, 9);
	take_numbers(11, 20);
	take_numbers(65, 100);
	expect(100, 1 + 44, 0, 0);
}

static void test_loss_at_the_wrap(void **state)
{
	(void)state;
	take_numbers(65500, 65530);
	take_numbers(65536 + 10, 65536 + 20);
	expect(57, 15, 0, 0);
}

static void test_duplicates(void **state)
{
	(void)state;
	take_numbers(1, 10);
	take_number(10);
	take_number(5);
	take_number(5);
	take_numbers(11, 70);
	take_number(70 - 63); /* as far as is remembered */
	expect(70, 0, 4, 0);
}

static void test_reordering(void **state)
{
	(void)state;
	take_numbers(1, 10);
	take_number(12);
	take_number(11);
	take_number(11); /* late, and then twice */
	take_number(15);
	take_number(13);
	expect(15, 1, 1, 2);
}

/* The capture begins with the second packet of two that changed places: nothing is lost, nothing is extra. */
static void test_late_before_first(void **state)
{
	(void)state;
	take_number(65535);
	take_number(65533);
	take_numbers(65536, 65540);
	expect(8, 1, 0, 1); /* 65534 never came */
}

/* RFC 3550 A.1: a jump of MAX_DROPOUT = 3000 is a restart if the next number confirms it. */
static void test_restart(void **state)
{
	(void)state;
	take_numbers(1, 50);
	take_numbers(40000, 40049);
	expect(100, 0, 0, 0);
	take_numbers(30000, 30009); /* and again, downward */
	expect(110, 0, 0, 0);
}

/* ... and one alone is a stray, which must not hide a loss. */
static void test_stray(void **state)
{
	(void)state;
	take_numbers(1, 50);
	take_number(40000);
	take_numbers(52, 100);
	expect(100, 1, 0, 0);
	take_number(50000); /* two strays that do not follow each other */
	take_number(20000);
	take_number(101);
	expect(101, 1, 0, 0);
}

static void test_limits_of_a_jump(void **state)
{
	(void)state;
	take_number(1000);
	take_number(1000 + 2999);
	take_number(1000 + 3000);
	expect(3001, 2998, 0, 0);
	afresh(NULL);
	take_numbers(1000, 1001);
	take_number(1001 + 3000);
	take_number(1001 + 3001);
	expect(4, 0, 0, 0);
	afresh(NULL);
	take_number(1000);
	take_number(1000 - 99); /* MAX_MISORDER = 100: late, and 98 between them lost */
	expect(100, 98, 0, 1);
	afresh(NULL);
	take_number(1000);
	take_number(1000 - 101);
	take_number(1000 - 100);
	expect(3, 0, 0, 0);
}

/* A sender who knows what he lost, sent twice, and delayed by up to 40 places. */
static void test_against_the_sender(void **state)
{
	(void)state;
	enum { N = 20000 };
	static struct {
		uint32_t sequence, when;
	} wire[2 * N];
	struct chance c = { 11 };
	size_t sent = 0;
	uint64_t lost = 0, twice = 0, first = N, last = 0;
	for (uint32_t i = 0; i < N; i++) {
		if (chance_unit(&c) < 0.03) {
			lost++;
			continue;
		}
		first = i < first ? i : first;
		last = i;
		uint32_t late = chance_unit(&c) < 0.05 ? (uint32_t)chance_between(&c, 1, 40) : 0;
		wire[sent].sequence = i;
		wire[sent++].when = i + late;
		if (chance_unit(&c) < 0.01) {
			wire[sent].sequence = i;
			wire[sent++].when = i + late + 1;
			twice++;
		}
	}
	lost -= first + (N - 1 - last); /* the ends cannot be known */
	for (uint32_t now = 0; now < N + 50; now++)
		for (size_t i = now < 50 ? 0 : (now - 50) * sent / N * 9 / 10; i < sent; i++) {
			if (wire[i].sequence > now)
				break;
			if (wire[i].when == now)
				take_number(60000 + wire[i].sequence);
		}
	const struct stream_report *r = finish();
	assert_int_equal(r->packets, sent);
	assert_int_equal(r->expected, last - first + 1);
	assert_int_equal(r->duplicates, twice);
	assert_int_equal(r->lost, lost);
	assert_in_range(r->reordered, 500, 1000); /* 5 % of 19400, less those that nothing overtook */
}

/* --- clock and jitter -------------------------------------------------------------------------------------
 */

static void take_at(double ms, uint32_t timestamp, uint32_t clock_hz)
{
	take(ms, &(struct media_sample){ .sequenced = true,
					 .sequence = (uint16_t)number,
					 .timestamp = timestamp,
					 .clock_hz = clock_hz,
					 .payload_wire = 100 });
}

/* RFC 3550 6.4.1, 8 kHz, 20 ms: D = 0, 5, -5 ms; J = 0, 5/16, 5/16 + (5 - 5/16)/16. */
static void test_jitter_by_hand(void **state)
{
	(void)state;
	const double arrival[] = { 0, 20, 45, 60 };
	for (uint32_t i = 0; i < 4; i++)
		take_at(arrival[i], UINT32_MAX - 100 + 160 * i, 8000); /* the timestamps wrap */
	const struct stream_report *r = finish();
	assert_true(r->has_jitter);
	assert_close((double)r->jitter_max_ms, 0.60546875, 1e-6);
	assert_close((double)r->jitter_mean_ms, (0 + 0.3125 + 0.60546875) / 3, 1e-6);
}

/* The same as A.8 has it: in units of the timestamp, by the difference of transit times. */
static void test_jitter_by_formula(void **state)
{
	(void)state;
	struct chance c = { 5 };
	double jitter = 0, sum = 0, most = 0, transit = 0;
	for (uint32_t i = 0; i < 5000; i++) {
		double ms = 30.0 * i + chance_exponential(&c, 4);
		uint32_t timestamp = 1440 * i;
		take_at(ms, timestamp, 48000);
		double arrival = (double)(int64_t)(ms * 1e6) * 48000 / 1e9, now = arrival - timestamp;
		double d = fabs(now - transit);
		transit = now;
		if (i == 0)
			continue;
		jitter += (1. / 16.) * (d - jitter);
		sum += jitter;
		most = fmax(most, jitter);
	}
	const struct stream_report *r = finish();
	assert_close((double)r->jitter_mean_ms, sum / 4999 / 48, 1e-4);
	assert_close((double)r->jitter_max_ms, most / 48, 1e-4);
	assert_close((double)r->jitter_mean_ms, 4, 0.2); /* E|x - y| of two exponentials is their mean */
}

/* RFC 3551's clocks, told by nobody: found within the second or third second. */
static void test_clock_is_estimated(void **state)
{
	(void)state;
	static const uint32_t clocks[] = { 8000, 11025, 16000, 22050, 32000, 44100, 48000, 90000 };
	for (size_t k = 0; k < sizeof clocks / sizeof clocks[0]; k++) {
		struct chance c = { k };
		afresh(NULL);
		for (uint32_t i = 0; i < 150; i++) /* 20 ms, and up to 10 ms late */
			take_at(20.0 * i + chance_between(&c, 0, 10), clocks[k] / 50 * i, 0);
		const struct stream_report *r = finish();
		/* 20 ms of 11025 Hz and 22050 Hz are no whole number of units; within 1 %, the clock is told.
		 */
		assert_int_equal(r->clock_hz, clocks[k]);
		assert_true(r->has_jitter);
		assert_true(r->jitter_max_ms < 10);
	}
	afresh(NULL); /* 10 kHz is nobody's clock */
	for (uint32_t i = 0; i < 500; i++)
		take_at(20 * i, 200 * i, 0);
	assert_int_equal(finish()->clock_hz, 0);
	assert_false(finish()->has_jitter);
}

/* The clock is the one told, whenever it is told; the step between two clocks is no jitter (RFC 7160). */
static void test_clock_changes(void **state)
{
	(void)state;
	uint32_t timestamp = 0;
	for (uint32_t i = 0; i < 100; i++)
		take_at(20 * i, timestamp += 160, 8000);
	for (uint32_t i = 100; i < 200; i++)
		take_at(20 * i, timestamp += 960, 48000);
	const struct stream_report *r = finish();
	assert_int_equal(r->clock_hz, 48000);
	assert_close((double)r->jitter_max_ms, 0, 1e-6);
}

/* RFC 3550 5.1: after silence a source may go on with any timestamp. Hours of silence are no jitter. */
static void test_silence_is_no_jitter(void **state)
{
	(void)state;
	take_at(0, 0, 8000);
	take_at(20, 160, 8000);
	take_at(3600000, 320, 8000);
	take_at(3600020, 480, 8000);
	assert_close((double)finish()->jitter_max_ms, 0, 1e-6);
}

/* --- sizes, gaps, what is told ----------------------------------------------------------------------------
 */

static void take_size(double ms, uint32_t size)
{
	take(ms, &(struct media_sample){ .payload_wire = size });
}

static void test_sizes_and_gaps(void **state)
{
	(void)state;
	take_size(0, 10);
	take_size(20, 20);
	take_size(60, 30);
	take_size(1200, 500); /* after a pause of more than a second */
	const struct stream_report *r = finish();
	assert_int_equal(r->packets, 4);
	assert_int_equal(r->payload, 560);
	assert_int_equal(r->size_min, 10);
	assert_int_equal(r->size_max, 500);
	assert_int_equal(r->large, 1);
	assert_close((double)r->size_mean, 140, 1e-4);
	assert_close((double)r->size_sd, 240.138843, 1e-3); /* sqrt((130^2 + 120^2 + 110^2 + 360^2) / 3) */
	assert_close((double)r->gap_mean_ms, 30, 1e-4);
	assert_close((double)r->gap_sd_ms, 14.142136, 1e-4);
	assert_int_equal(r->first_ns, T0);
	assert_int_equal(r->last_ns, T0 + 1200 * NS_PER_MS);
	assert_int_equal(r->first_packet, 1);
	assert_false(r->sequenced || r->has_jitter);
	assert_int_equal(r->expected, 0);
}

/* Gaps add up to the time that has passed, whoever overtook whom. */
static void test_overtaken(void **state)
{
	(void)state;
	const double ms[] = { 0, 20, 60, 40, 80, 100 };
	for (size_t i = 0; i < 6; i++)
		take_size(ms[i], 50);
	assert_close((double)finish()->gap_mean_ms, 20, 1e-4);
}

/* A clock that is set, or a damaged timestamp, is no gap; after it all goes on. */
static void test_clock_is_set(void **state)
{
	(void)state;
	const double hour = 3600e3;
	for (int i = 0; i < 100; i++)
		take_size(20.0 * i, 50);
	for (int i = 0; i < 100; i++)
		take_size(20.0 * i - hour, 50);
	take_size(1e10, 50);
	for (int i = 0; i < 100; i++)
		take_size(20.0 * i, 50);
	assert_close((double)finish()->gap_mean_ms, 20, 1e-4);
	assert_close((double)finish()->gap_sd_ms, 0, 1e-4);
}

static void test_one_message(void **state)
{
	(void)state;
	take_size(0, 50);
	const struct stream_report *r = finish();
	assert_true(r->size_sd == 0 && r->gap_mean_ms == 0 && r->gap_sd_ms == 0 && r->voice.windows == 0);
}

/* A few telephone events (RFC 4733) at the end do not rename the codec, and silence is none. */
static void test_codec_of_most_messages(void **state)
{
	(void)state;
	const struct media_sample voice = { .codec = "PCMU", .media = MEDIA_AUDIO, .payload_wire = 160 },
				  event = { .payload_type = 101, .payload_wire = 4 },
				  noise = { .payload_type = 13,
					    .codec = "CN",
					    .comfort_noise = true,
					    .payload_wire = 1 };
	double ms = 0;
	take(ms, &event);
	for (int i = 0; i < 60; i++)
		take(ms += 20, &voice);
	for (int i = 0; i < 200; i++)
		take(ms += 20, &noise);
	for (int i = 0; i < 20; i++)
		take(ms += 20, &event);
	const struct stream_report *r = finish();
	assert_int_equal(r->payload_type, 0);
	assert_string_equal(r->codec, "PCMU");
	assert_int_equal(r->media, MEDIA_AUDIO);
	assert_int_equal(r->comfort_noise, 200);
	assert_int_equal(r->packets, 281);
	assert_int_equal(stream.nbc.messages, 81); /* comfort noise is no frame of the codec */
}

/* The chi-square test sees what was captured: eight constant bytes are 16 groups above the threshold. */
static void test_statistics_are_kept(void **state)
{
	(void)state;
	struct error err;
	struct voice_models *models = voice_models_builtin(&err);
	assert_non_null(models);
	for (int i = 0; i < 60; i++)
		take(30.0 * i, &(struct media_sample){ .payload = { (const uint8_t *)"constant", 8 },
						       .payload_wire = 53 });
	media_stream_finish(&stream, models);
	const struct stream_report *r = &stream.report;
	assert_int_equal(r->csc_messages, 60);
	assert_int_equal(r->csc_above, 0xffff);
	assert_int_equal(r->voice.windows, 2);
	assert_string_equal(voice_models_name(models, (unsigned)r->voice.codec_mode),
			    "iLBC 30 ms 13.3 kbit/s");
	assert_true(stream_is_like_voice(r));
	assert_null(r->fit);
	voice_models_free(models);
}

/* Fitted while training: video between is in no gap, and an overtaken message has none. */
static void test_fit_of_a_stream(void **state)
{
	(void)state;
	static struct voice_fit fit;
	memset(&fit, 0, sizeof fit);
	stream.fit = &fit;
	take_size(-5, 1000);
	for (int i = 0; i < 400; i++) {
		take_size(30.0 * i, 50);
		take_size(30.0 * i + 7, 1000);
	}
	take_size(30.0 * 399 - 1, 50);
	struct voice_model model;
	assert_true(voice_fit_finish(finish()->fit, "x", &model, NULL));
	assert_int_equal(fit.messages, 401);
	assert_int_equal(fit.gaps, 400);
	assert_int_equal(fit.gap[0], 1);
	assert_int_equal(fit.video, 401);
	assert_true(model.size == 50 && model.gap == 30);
	take_size(1e10, 50); /* a damaged timestamp is a pause, and so is the way back */
	for (int i = 0; i < 400; i++)
		take_size(30.0 * i, 50);
	assert_int_equal(fit.gaps, 400 + 399);
	assert_int_equal(fit.silences, 2);
	assert_int_equal(fit.gap[0], 1);
}

/* --- talk and holds ---------------------------------------------------------------------------------------
 */

#define S(seconds) (T0 + (int64_t)((seconds)*1e9))

static struct talk talk;

/* per_second messages of each side in [from, to); 0: none. */
static void go(double from, double to, double out, double in)
{
	double next[2] = { from, from };
	for (;;) {
		int dir = out <= 0 || (in > 0 && next[1] < next[0]) ? 1 : 0;
		double rate = dir ? in : out;
		if (rate <= 0 || next[dir] >= to - 1e-9)
			return;
		talk_message(&talk, dir ? TO_INITIATOR : TO_RESPONDER, S(next[dir]), dir ? 50 : 40);
		next[dir] += 1 / rate;
	}
}

static void over(void)
{
	talk_finish(&talk);
}

static void expect_talk(double first, double last, uint32_t out, uint32_t in, double within)
{
	assert_close((double)(talk.first_ns - T0) / 1e9, first, within);
	assert_close((double)(talk.busy_until_ns - T0) / 1e9, last, within);
	assert_int_equal(talk.busy_seconds[0], out);
	assert_int_equal(talk.busy_seconds[1], in);
}

static int talk_afresh(void **state)
{
	(void)state;
	memset(&talk, 0, sizeof talk);
	return 0;
}

static void test_talk(void **state)
{
	(void)state;
	go(0, 10, 33, 33);
	over();
	expect_talk(0, 10 - 1 / 33., 10, 10, 0.001);
	assert_true(talk.quiet_seconds[0] == 0 && talk.quiet_seconds[1] == 0 && talk.holds == 0);
	talk_afresh(NULL);
	go(0, 10, 33, 5); /* one side is silent, and its few messages are no talk */
	over();
	expect_talk(0, 10 - 1 / 33., 10, 0, 0.001);
	assert_int_equal(talk.quiet_seconds[1], 10);
	talk_afresh(NULL);
	go(0, 10, 8.9, 8.9); /* never ten in one second */
	over();
	assert_true(talk.busy_seconds[0] == 0 && talk.first_ns == 0 && talk.busy_until_ns == 0);
	talk_afresh(NULL);
	for (int64_t i = 0; i < 100; i++)
		talk_message(&talk, TO_RESPONDER, T0 + i * 100 * NS_PER_MS, 40);
	over();
	assert_int_equal(talk.busy_seconds[0], 10);
	talk_afresh(NULL);
	go(0, 7.4, 1, 0); /* signalling before, at its own second */
	go(7.5, 17.5, 20, 20);
	over();
	expect_talk(7.5, 17.5, 11, 11, 1); /* half seconds at both ends */
	assert_true(talk.outside[0] == 7 && talk.outside[1] == 0 && talk.outside_bytes[0] == 7 * 40);
	talk_afresh(NULL);
	go(0, 10, 33, 33);
	go(10, 40, 3, 2); /* on hold, and hung up: no hold, as nothing ends it */
	over();
	expect_talk(0, 10, 10, 10, 1);
	assert_int_equal(talk.holds, 0);
	assert_true(talk.outside[0] == 90 && talk.outside[1] == 60 && talk.outside_bytes[1] == 60 * 50);
	talk_afresh(NULL);
	go(0, 10, 33, 33);
	go(10, 20, 3, 2); /* a hold, and what goes in it is not what goes at the end */
	go(20, 30, 33, 33);
	go(30, 60, 3, 2);
	over();
	assert_int_equal(talk.holds, 1);
	assert_true(talk.outside[0] == 90 && talk.outside_bytes[0] == 90 * 40);
	assert_true(talk.outside[1] == 60 && talk.outside_bytes[1] == 60 * 50);
}

/* Measurements B12. Times are those of whole seconds. */
static void expect_hold(double from, double to, double out, double in, bool is_hold)
{
	talk_afresh(NULL);
	go(0, from, 33, 33);
	go(from, to, out, in);
	go(to, to + 10, 33, 33);
	over();
	assert_int_equal(talk.holds, is_hold);
	assert_int_equal(talk.quiet_seconds[0] + talk.quiet_seconds[1], 0);
	assert_close((double)(talk.busy_until_ns - T0) / 1e9, to + 10, 1);
	assert_in_range(talk.busy_seconds[0], from + 9, from + 12); /* parts of seconds count, too */
	if (!is_hold)
		return;
	assert_close((double)(talk.hold[0].first_ns - T0) / 1e9, from, 1);
	assert_close((double)(talk.hold[0].last_ns - T0) / 1e9, to, 1);
	/* What went in it: at the ends a part of a second is talk. */
	for (int dir = 0; dir < 2; dir++) {
		double rate = dir ? in : out;
		assert_close(talk.hold[0].messages[dir], rate * (to - from), rate + 1);
		assert_int_equal(talk.hold[0].bytes[dir], talk.hold[0].messages[dir] * (dir ? 50 : 40));
	}
}

static void test_holds(void **state)
{
	(void)state;
	expect_hold(10, 22, 1 / 3., 1 / 3., true); /* 1.4 */
	expect_hold(10, 22, 1 / 3., 0, true);      /* ... of which one side is seen, or heard */
	expect_hold(10, 22, 3, 3, true);           /* 0.97 */
	expect_hold(10.3, 130.6, 1 / 3., 1 / 3., true);
	expect_hold(10, 22, 0, 0, false);       /* nothing: a gap */
	expect_hold(10, 22, 5, 5, false);       /* more than a hold has */
	expect_hold(10, 22, 5, 0, false);       /* ... on either side */
	expect_hold(10, 15, 3, 3, false);       /* too short to tell */
	expect_hold(10, 50, 1 / 10., 0, false); /* less than one in 5 s */
}

/* A lull with comfort noise in it, all of it or one message, is none; the next one is judged by itself. */
static void test_silence_is_no_hold(void **state)
{
	(void)state;
	for (int one = 0; one <= 24; one++) { /* 24: all */
		talk_afresh(NULL);
		go(0, 10, 33, 33);
		for (int i = 0; i < 24; i++) {
			talk_message(&talk, TO_RESPONDER, S(10 + 0.5 * i), 40);
			if (one == 24 || i == one)
				talk_silence(&talk);
		}
		go(22, 32, 33, 33);
		go(32, 44, 2, 2);
		go(44, 54, 33, 33);
		over();
		assert_int_equal(talk.holds, 1);
		assert_close((double)(talk.hold[0].first_ns - T0) / 1e9, 32, 1);
		assert_close((double)(talk.hold[0].last_ns - T0) / 1e9, 44, 1);
	}
}

static void test_gap(void **state)
{
	(void)state;
	go(0, 10, 33, 33);
	go(110, 120, 33, 33);
	over();
	expect_talk(0, 120, 20, 20, 1);
	assert_int_equal(talk.holds, 0);
	talk_afresh(NULL); /* what was said before the talk does not fill its gaps */
	go(0, 20, 2, 2);
	go(20, 21, 33, 33);
	go(33, 41, 33, 33);
	over();
	assert_int_equal(talk.holds, 0);
}

/* It has to come back: what is left when one hangs up is no hold. */
static void test_end_is_no_hold(void **state)
{
	(void)state;
	go(0, 10, 33, 33);
	go(10, 60, 1 / 3., 1 / 3.);
	over();
	expect_talk(0, 10, 10, 10, 1);
	assert_int_equal(talk.holds, 0);
}

static void test_many_holds(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		go(20 * i, 20 * i + 10, 33, 33);
		go(20 * i + 10, 20 * i + 20, 1 / 3., 1 / 3.);
	}
	go(200, 210, 33, 33);
	over();
	assert_int_equal(talk.holds, MEDIA_HOLDS_MAX);
	assert_int_equal(talk.holds_missed, 2);
	assert_int_equal(talk.busy_seconds[0], 110);
}

/* Messages that overtake each other, also across the second: the same seconds. */
static void test_disorder(void **state)
{
	(void)state;
	for (int i = 0; i < 500; i++)
		talk_message(&talk, TO_RESPONDER, S(0.02 * (i % 2 ? i - 1 : i + 1)), 40);
	over();
	expect_talk(0.02, 9.98, 10, 0, 0.001);
}

/* One damaged timestamp, however absurd, costs its own second and no time. */
static void test_absurd_times(void **state)
{
	(void)state;
	static const int64_t absurd[] = { INT64_MAX / 4, -(INT64_MAX / 4), 0, T0 + 86400 * NS_PER_S,
					  T0 - 86400 * NS_PER_S };
	for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
		talk_afresh(NULL);
		go(0, 10, 33, 33);
		talk_message(&talk, TO_RESPONDER, absurd[i], 40);
		go(10, 20, 33, 33);
		over();
		assert_close((double)(talk.first_ns - T0) / 1e9, 0, 0.001);
		assert_close((double)(talk.busy_until_ns - T0) / 1e9, 20, 1);
		assert_in_range(talk.busy_seconds[0], 19, 20);
		assert_int_equal(talk.holds, 0);
	}
	talk_afresh(NULL); /* a million jumps there and back, at once */
	for (int i = 0; i < 1000000; i++)
		talk_message(&talk, TO_RESPONDER, i % 2 ? INT64_MAX / 4 : -(INT64_MAX / 4), 40);
	over();
	assert_int_equal(talk.busy_seconds[0], 0);
}

/* A clock that is set goes on from there; what was talk lies between the least and the greatest time. */
static void test_clock_set_back(void **state)
{
	(void)state;
	go(3600, 3610, 33, 33);
	go(0, 10, 33, 33);
	go(10, 22, 1 / 3., 1 / 3.);
	go(22, 30, 33, 33);
	over();
	expect_talk(0, 3610, 28, 28, 1);
}

/* Traces may begin at 1970, and before. */
static void test_zero_and_before(void **state)
{
	(void)state;
	for (int64_t from = -1; from <= 0; from++) {
		talk_afresh(NULL);
		for (int64_t i = 0; i < 1000; i++)
			talk_message(&talk, TO_RESPONDER, from * 10 * NS_PER_S + i * 20 * NS_PER_MS, 40);
		over();
		assert_int_equal(talk.busy_seconds[0], 20);
		assert_int_equal(talk.first_ns, from * 10 * NS_PER_S);
		assert_int_equal(talk.busy_until_ns, from * 10 * NS_PER_S + 19980 * NS_PER_MS);
	}
}

int main(void)
{
#define STREAM(name) cmocka_unit_test_setup(name, afresh)
#define TALK(name)   cmocka_unit_test_setup(name, talk_afresh)
	const struct CMUnitTest tests[] = {
		STREAM(test_whole),
		STREAM(test_wraps_twice),
		STREAM(test_loss),
		STREAM(test_loss_at_the_wrap),
		STREAM(test_duplicates),
		STREAM(test_reordering),
		STREAM(test_late_before_first),
		STREAM(test_restart),
		STREAM(test_stray),
		STREAM(test_limits_of_a_jump),
		STREAM(test_against_the_sender),
		STREAM(test_jitter_by_hand),
		STREAM(test_jitter_by_formula),
		STREAM(test_clock_is_estimated),
		STREAM(test_clock_changes),
		STREAM(test_silence_is_no_jitter),
		STREAM(test_sizes_and_gaps),
		STREAM(test_overtaken),
		STREAM(test_clock_is_set),
		STREAM(test_one_message),
		STREAM(test_codec_of_most_messages),
		STREAM(test_statistics_are_kept),
		STREAM(test_fit_of_a_stream),
		TALK(test_talk),
		TALK(test_holds),
		TALK(test_silence_is_no_hold),
		TALK(test_gap),
		TALK(test_end_is_no_hold),
		TALK(test_many_holds),
		TALK(test_disorder),
		TALK(test_absurd_times),
		TALK(test_clock_set_back),
		TALK(test_zero_and_before),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
