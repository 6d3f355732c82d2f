/* The interval of a rate against published tables, and the generator against its published sequences. */
#include "base/interval.h"
#include "base/rng.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void assert_interval(uint64_t hits, uint64_t trials, double low, double high, double within)
{
	struct interval i = interval_of_rate(hits, trials);

	if (fabs(i.low - low) > within || fabs(i.high - high) > within)
		fail_msg("%d of %d: %.10g ... %.10g, expected %.10g ... %.10g", (int)hits, (int)trials, i.low,
			 i.high, low, high);
}

/* Exact 95 % limits, as tabulated in Diem and Lentner, Documenta Geigy: Scientific Tables, 7th edition. */
static void tables(void **state)
{
	(void)state;
	assert_interval(0, 10, 0, 0.3085, 5e-5);
	assert_interval(1, 10, 0.0025, 0.4450, 5e-5);
	assert_interval(2, 10, 0.0252, 0.5561, 5e-5);
	assert_interval(5, 10, 0.1871, 0.8129, 5e-5);
	assert_interval(10, 10, 0.6915, 1, 5e-5);
	assert_interval(1, 20, 0.0013, 0.2487, 5e-5);
	assert_interval(10, 100, 0.0490, 0.1762, 5e-5);
	assert_interval(50, 100, 0.3983, 0.6017, 5e-5);
	assert_interval(100, 100, 0.9638, 1, 5e-5);
}

/* None of n: 1 - 0.025^(1/n), in closed form; about 3.69 / n. */
static void none(void **state)
{
	(void)state;
	assert_interval(0, 1, 0, 0.975, 1e-12);
	assert_interval(0, 0, 0, 1, 0);
	assert_interval(0, 10000000, 0, 3.6888788e-7, 1e-13);
	assert_interval(1000000, 1000000, 1 - 3.6888727e-6, 1, 1e-11);
}

/* The log of the chance of exactly k of n. */
static double log_chance(double k, double n, double p)
{
	return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log1p(-p);
}

/* What the limits mean, summed term by term: `hits` or more, at the lower limit, have a chance of 2.5 %; so
 * have `hits` or fewer at the upper one. */
static void tails(void **state)
{
	static const struct {
		uint64_t hits, trials;
	} cases[] = { { 3, 17 },      { 131, 33279 },   { 1231, 343733 },
		      { 1, 1000000 }, { 40000, 60000 }, { 3900000, 1000000000 } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		double n = (double)cases[i].trials, hits = (double)cases[i].hits, above = 0, below = 0;
		struct interval of = interval_of_rate(cases[i].hits, cases[i].trials);
		for (double k = hits; k <= n && k < hits + 1e6; k++)
			above += exp(log_chance(k, n, of.low));
		for (double k = hits; k >= 0 && k > hits - 1e6; k--)
			below += exp(log_chance(k, n, of.high));
		/* lgamma of 10^9 is good for 5 digits. */
		assert_true(fabs(above - 0.025) < 1e-5);
		assert_true(fabs(below - 0.025) < 1e-5);
	}
}

/* splitmix64.c of its authors, from state 1234567; xoshiro256** from state 1, 2, 3, 4 (as in rand_xoshiro's
 * tests). */
static void sequences(void **state)
{
	static const uint64_t split[] = { UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
					  UINT64_C(9817491932198370423), UINT64_C(4593380528125082431) };
	static const uint64_t xoshiro[] = { 11520,
					    0,
					    1509978240,
					    UINT64_C(1215971899390074240),
					    UINT64_C(1216172134540287360),
					    UINT64_C(607988272756665600) };
	uint64_t seed = 1234567;
	struct rng r = { { 1, 2, 3, 4 } };

	(void)state;
	for (size_t i = 0; i < sizeof split / sizeof split[0]; i++)
		assert_true(rng_splitmix(&seed) == split[i]);
	for (size_t i = 0; i < sizeof xoshiro / sizeof xoshiro[0]; i++)
		assert_true(rng_next(&r) == xoshiro[i]);
}

static void ranges(void **state)
{
	struct rng r = rng_seeded(7);
	unsigned count[6] = { 0 }, bits = 0;
	uint8_t bytes[1001];

	(void)state;
	for (int i = 0; i < 60000; i++)
		count[rng_between(&r, 3, 8) - 3]++;
	for (int i = 0; i < 6; i++)
		assert_in_range(count[i], 9600, 10400); /* 4 standard deviations are 365 */
	for (size_t n = 0; n <= 9; n++) {
		memset(bytes, 0, sizeof bytes);
		rng_fill(&r, bytes, n);
		assert_int_equal(bytes[n], 0);
	}
	rng_fill(&r, bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		bits += (unsigned)__builtin_popcount(bytes[i]);
	assert_in_range(bits, 4004 - 180, 4004 + 180); /* 4 standard deviations */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables),    cmocka_unit_test(none),   cmocka_unit_test(tails),
		cmocka_unit_test(sequences), cmocka_unit_test(ranges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
