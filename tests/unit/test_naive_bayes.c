/*
 * The naive Bayes classifier: beliefs by hand, windows, and by simulation what passes. The table that it
 * prints stands in docs/statistics.md.
 */
#include "identify/naive_bayes.h"
#include "chance.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MS INT64_C(1000000)

static struct voice_models *models;

static int models_setup(void **state)
{
	(void)state;
	const char *srcdir = getenv("srcdir");
	char path[4096];
	struct error err;
	snprintf(path, sizeof path, "%s/data/voice-models.ini", srcdir ? srcdir : ".");
	models = voice_models_load(path, &err);
	return models ? 0 : -1;
}

static int models_teardown(void **state)
{
	(void)state;
	voice_models_free(models);
	return 0;
}

/* Messages of one size at an even pace, from ts on; returns the time of the next. */
static int64_t play(struct nbc *n, unsigned count, uint32_t size, int64_t ts, int64_t step)
{
	for (unsigned i = 0; i < count; i++, ts += step)
		nbc_add(n, size, ts);
	return ts;
}

static struct nbc_belief belief(const struct nbc *n)
{
	struct nbc_belief b;
	assert_true(nbc_belief(n, models, &b));
	return b;
}

/* ln N(x; mean, sigma), written down for the second time */
static double ln_normal(double x, double mean, double sigma)
{
	return log(1 / (sigma * sqrt(2 * 3.141592653589793)) * exp(-pow((x - mean) / sigma, 2) / 2));
}

static void test_by_hand(void **state)
{
	(void)state;
	struct nbc n = { 0 };
	play(&n, 60, 53, 5 * MS, 30 * MS);
	struct nbc_belief b = belief(&n);
	assert_int_equal(b.windows, 2);
	assert_int_equal(b.framing_ms, 30);
	assert_string_equal(voice_models_name(models, (unsigned)b.codec_mode), "iLBC 30 ms 13.3 kbit/s");
	assert_true(fabs(b.gap - ln_normal(30, 30, 2)) < 1e-4);
	assert_true(fabs(b.gap - -1.6121) < 1e-4); /* the best that sigma = 2 allows */
	assert_true(fabs(b.size - ln_normal(53, 53, 2)) < 1e-4);
	assert_true(b.belief == fminf(b.size, b.gap));

	memset(&n, 0, sizeof n); /* half 52, half 54: the mean of two logarithms */
	for (unsigned i = 0; i < 30; i++)
		nbc_add(&n, i % 2 ? 52 : 54, i * 30 * MS);
	assert_true(fabs(belief(&n).size - ln_normal(54, 53, 2)) < 1e-4);

	memset(&n, 0, sizeof n); /* two windows of 24 and 36 ms: no mode between, the better is 30 */
	int64_t ts = play(&n, 30, 53, 0, 24 * MS);
	play(&n, 30, 53, ts, 36 * MS);
	assert_true(fabs(belief(&n).gap - ln_normal(36, 30, 2)) < 1e-3);
}

/* What the sizes are of decides who may be named; the belief is the same. */
static void test_who_is_named(void **state)
{
	(void)state;
	static const struct {
		enum nbc_sizes sizes;
		const char *name;
	} rows[] = {
		{ NBC_SIZES_UNKNOWN, "RTP AMR-WB 8.85 kbit/s" }, /* 24 bytes: nearest, and narrowest */
		{ NBC_SIZES_OF_MEDIA, "RTP AMR-WB 8.85 kbit/s" },
		{ NBC_SIZES_OF_MESSAGES, "G.729 20 ms" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct nbc n = { .sizes = (uint8_t)rows[i].sizes };
		play(&n, 60, 24, 0, 20 * MS);
		struct nbc_belief b = belief(&n);
		assert_string_equal(voice_models_name(models, (unsigned)b.codec_mode), rows[i].name);
		assert_true(fabs(b.size - ln_normal(24, 24, 1)) < 1e-4); /* G.723.1 */
	}
}

/* -5 allows 2.6 sigma of framing: 5.2 ms. So 4.8 to 65.2 ms pass, all of it: the modes are 10 ms apart. */
static void test_reach_of_framing(void **state)
{
	(void)state;
	for (int64_t step = 1 * MS; step < 100 * MS; step += MS / 10) {
		struct nbc n = { 0 };
		play(&n, 30, 53, 0, step);
		double ms = (double)step / 1e6;
		assert_int_equal(belief(&n).gap > NBC_ACCEPT, ms > 4.795 && ms < 65.205);
	}
}

static void test_windows(void **state)
{
	(void)state;
	struct nbc n = { 0 };
	struct nbc_belief b;
	assert_false(nbc_belief(&n, models, &b));
	int64_t ts = play(&n, 29, 53, 0, 30 * MS);
	assert_false(nbc_belief(&n, models, &b));
	/* video between does not count, not even for the gaps */
	nbc_add(&n, 401, ts - 10 * MS);
	nbc_add(&n, 1200, ts - 9 * MS);
	nbc_add(&n, 53, ts);
	assert_int_equal(belief(&n).windows, 1);
	assert_true(fabs(belief(&n).gap - ln_normal(30, 30, 2)) < 1e-4);
	assert_int_equal(n.video, 2);
	assert_int_equal(n.messages, 30);

	/* a silence begins a new window: 20, silence, 29 are none */
	memset(&n, 0, sizeof n);
	ts = play(&n, 20, 53, 0, 30 * MS);
	ts = play(&n, 29, 53, ts + 3000 * MS, 30 * MS);
	assert_false(nbc_belief(&n, models, &b));
	play(&n, 1, 53, ts, 0);
	assert_true(fabs(belief(&n).gap - ln_normal(30, 30, 2)) < 1e-4);

	/* a hold, one message in 3 s or three in 1 s (BS), leaves no trace in what was before */
	float before = belief(&n).belief;
	ts = play(&n, 100, 40, ts + 3000 * MS, 3000 * MS);
	play(&n, 100, 40, ts, 333 * MS);
	assert_true(belief(&n).belief == before);

	/* 200 ms are a gap, a nanosecond more is a silence */
	memset(&n, 0, sizeof n);
	play(&n, 30, 53, 0, 200 * MS);
	assert_int_equal(belief(&n).windows, 1);
	memset(&n, 0, sizeof n);
	play(&n, 30, 53, 0, 200 * MS + 1);
	assert_false(nbc_belief(&n, models, &b));
}

static void test_disorder_and_extremes(void **state)
{
	(void)state;
	struct nbc n = { 0 };
	for (int64_t i = 0; i < 30; i++) { /* neighbours swapped: the window is as long as before */
		int64_t place = i == 0 || i == 29 ? i : i % 2 ? i + 1 : i - 1;
		nbc_add(&n, 53, place * 30 * MS);
	}
	assert_true(fabs(belief(&n).gap - ln_normal(30, 30, 2)) < 1e-3);
	memset(&n, 0, sizeof n);
	for (unsigned i = 0; i < 300; i++) {
		static const int64_t times[] = { INT64_MIN, INT64_MAX, 0, -1, INT64_MIN + 5 };
		nbc_add(&n, i % 2 ? 0 : UINT32_MAX, times[i % 5]);
	}
	struct nbc_belief b;
	(void)nbc_belief(&n, models, &b);
	assert_true(sizeof n <= 96);
}

/* A codec is named only if it has the framing that was found. */
static void test_codec_needs_its_framing(void **state)
{
	(void)state;
	struct nbc n = { 0 };
	play(&n, 60, 323, 0, 10 * MS); /* as PCM 40 ms, four times too fast */
	struct nbc_belief b = belief(&n);
	assert_true(b.belief > NBC_ACCEPT);
	assert_int_equal(b.framing_ms, 10);
	assert_int_equal(b.codec_mode, -1);
	memset(&n, 0, sizeof n);
	play(&n, 60, 83, 0, 10 * MS);
	assert_string_equal(voice_models_name(models, (unsigned)belief(&n).codec_mode), "PCM 10 ms");
	memset(&n, 0, sizeof n);
	play(&n, 60, 93, 0, 30 * MS);
	assert_string_equal(voice_models_name(models, (unsigned)belief(&n).codec_mode),
			    "iSAC 30 ms 24 kbit/s");
}

/* --- what passes -------------------------------------------------------------------------------------------
 */

#define FLOWS    400U
#define MESSAGES 300U

static uint32_t size_of(double size)
{
	return size < 1 ? 1 : (uint32_t)lround(size);
}

/* Voice: a clock, 1 % loss, and a network that delays each message by 5 ms on average, exponentially. */
static bool voice_passes(struct chance *c, const struct voice_model *v, bool whole_range)
{
	struct nbc n = { 0 };
	int64_t last = 0;
	for (unsigned i = 0; i < MESSAGES; i++) {
		double size = whole_range         ? chance_between(c, 40.5, 123)
			      : v->size_sigma > 2 ? chance_normal(c, v->size, v->size_sigma)
						  : v->size;
		int64_t ts = (int64_t)((i * (double)v->gap + chance_exponential(c, 5)) * 1e6);
		if (chance_unit(c) < 0.01)
			continue;
		last = ts > last ? ts : last; /* one queue */
		nbc_add(&n, size_of(size), last);
	}
	struct nbc_belief b;
	return nbc_belief(&n, models, &b) && b.belief > NBC_ACCEPT;
}

struct step {
	double size, gap_ms;
};

static struct step uniform(struct chance *c, double pace)
{
	return (struct step){ chance_between(c, 1, 1472), chance_exponential(c, pace) };
}

static struct step small_uniform(struct chance *c, double pace)
{
	return (struct step){ chance_between(c, 1, 400), chance_exponential(c, pace) };
}

/* Requests and acknowledgements of an encrypted web transport: mostly small, in bursts */
static struct step web(struct chance *c, double pace)
{
	double size = chance_unit(c) < 0.8 ? chance_between(c, 28, 45) : chance_between(c, 60, 1350);
	double gap = chance_unit(c) < 0.9 ? chance_exponential(c, pace / 8) : chance_exponential(c, pace * 8);
	return (struct step){ size, gap };
}

static struct step transfer(struct chance *c, double pace)
{
	return (struct step){ chance_unit(c) < 0.95 ? 1400 : chance_between(c, 1, 1400),
			      chance_exponential(c, pace / 4) };
}

static struct step queries(struct chance *c, double pace)
{
	return (struct step){ chance_between(c, 25, 60), chance_exponential(c, pace) };
}

/* J. Färber, Network game traffic modelling, NetGames 2002: Counter-Strike */
static struct step game_client(struct chance *c, double pace)
{
	(void)pace;
	return (struct step){ chance_extreme(c, 80, 5.7), 40 };
}

static struct step game_server(struct chance *c, double pace)
{
	(void)pace;
	return (struct step){ chance_extreme(c, 120, 36), fmax(1, chance_extreme(c, 55, 6)) };
}

static bool other_passes(struct chance *c, struct step (*next)(struct chance *c, double pace))
{
	struct nbc n = { 0 };
	double pace = exp(chance_between(c, 0, log(200))), ms = 0; /* 1 to 200 ms on average */
	for (unsigned i = 0; i < MESSAGES; i++) {
		struct step s = next(c, pace);
		ms += s.gap_ms;
		nbc_add(&n, size_of(s.size), (int64_t)(ms * 1e6));
	}
	struct nbc_belief b;
	return nbc_belief(&n, models, &b) && b.belief > NBC_ACCEPT;
}

static void test_voice_passes(void **state)
{
	(void)state;
	struct chance c = { 2007 };
	double least = 100;
	for (unsigned i = 0; i < voice_models_count(models); i++) {
		const struct voice_model *v = voice_models_get(models, i);
		bool whole_range = strstr(v->name, "changing") != NULL;
		unsigned passed = 0;
		for (unsigned f = 0; f < FLOWS; f++)
			passed += voice_passes(&c, v, whole_range);
		double share = 100.0 * passed / FLOWS;
		if (share < 95)
			fail_msg("%s: %.1f %%", v->name, share);
		least = fmin(least, share);
	}
	print_message("voice, %u modes: the least %.2f %%\n", voice_models_count(models), least);
}

static void test_other_traffic(void **state)
{
	(void)state;
	static const struct {
		const char *words;
		struct step (*next)(struct chance *c, double pace);
		double at_most; /* percent */
	} kinds[] = {
		{ "sizes 1 to 1472, any pace", uniform, 1 },
		{ "sizes 1 to 400, any pace", small_uniform, 1 },
		{ "web, sender of requests", web, 5 },
		{ "file transfer, sender", transfer, 1 },
		{ "queries of 25 to 60 bytes", queries, 60 },
		{ "game, server", game_server, 5 },
		{ "game, client", game_client, 100 },
	};
	struct chance c = { 1984 };
	for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
		unsigned passed = 0;
		for (unsigned f = 0; f < 10 * FLOWS; f++)
			passed += other_passes(&c, kinds[k].next);
		double share = 10.0 * passed / FLOWS;
		print_message("%-32s %5.1f %%\n", kinds[k].words, share);
		assert_true(share <= kinds[k].at_most);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_who_is_named),
		cmocka_unit_test(test_reach_of_framing),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_disorder_and_extremes),
		cmocka_unit_test(test_codec_needs_its_framing),
		cmocka_unit_test(test_voice_passes),
		cmocka_unit_test(test_other_traffic),
	};
	return cmocka_run_group_tests(tests, models_setup, models_teardown);
}
