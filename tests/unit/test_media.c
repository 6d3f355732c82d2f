/*
 * What the media meter measures of one stream. Sequence numbers and jitter are those of
 * RFC 3550, by hand, against its own formulas, and against a sender that knows what it lost.
 */
#include "base/clock.h"
#include "identify/media_stream.h"
#include "chance.h"
#include "close.h"
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

int main(void)
{
#define STREAM(name) cmocka_unit_test_setup(name, afresh)
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
