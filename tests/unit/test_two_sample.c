/* The two-sample Kolmogorov-Smirnov test: by hand, by brute force, by published values, by simulation. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "behave/two_sample.h"
#include "chance.h"
#include <stdbool.h>
#include <stdlib.h>

/* Values of a list, each once. */
static struct sample sample_of(const double *values, size_t count)
{
	struct sample s = { .value = NULL };
	struct error err;

	for (size_t i = 0; i < count; i++)
		assert_true(sample_add(&s, values[i], 1, &err));
	return s;
}
#define SAMPLE(...)                                                                                          \
	sample_of((const double[]){ __VA_ARGS__ }, sizeof(double[]){ __VA_ARGS__ } / sizeof(double))

static void near(double got, double expected, double tolerance)
{
	if (!(fabs(got - expected) <= tolerance))
		fail_msg("%.17g, expected %.17g", got, expected);
}

static void expect(struct sample a, struct sample b, double b_larger, double b_smaller, double at)
{
	struct two_sample t = two_sample_test(&a, &b);

	near(t.b_larger, b_larger, 1e-15);
	near(t.b_smaller, b_smaller, 1e-15);
	near(t.d, fmax(b_larger, b_smaller), 1e-15);
	near(t.at, at, 0);
	/* The other way round, the two sides change places. */
	t = two_sample_test(&b, &a);
	near(t.b_larger, b_smaller, 1e-15);
	near(t.b_smaller, b_larger, 1e-15);
	sample_drop(&a);
	sample_drop(&b);
}

static void worked_by_hand(void **state)
{
	(void)state;
	/* Behind 1, 2, 3: 1/3 - 0, 2/3 - 1/3, 3/3 - 2/3; behind 4 both are whole. First at 1. */
	expect(SAMPLE(1, 2, 3), SAMPLE(2, 3, 4), 1.0 / 3, 0, 1);
	expect(SAMPLE(1, 2), SAMPLE(3, 4, 5), 1, 0, 2);
	/* Ties: the curves step together. One after the other, they would be 1 apart in between. */
	expect(SAMPLE(7, 7, 7), SAMPLE(7, 7), 0, 0, 7);
	/* Behind 1: 2/4 - 1/2 = 0; behind 2: 3/4 - 2/2 = -1/4; behind 9: 0. */
	expect(SAMPLE(1, 1, 2, 9), SAMPLE(1, 2), 0, 0.25, 2);
	/* Crossing: 1/4, 1/4, then 3/4 - 4/4. Behind 0: 1/4 - 0; 5: 1/4 - 4/4 = -3/4; 6: 2/4 - 1; 9: 1 - 1.
	 */
	expect(SAMPLE(0, 6, 9, 9), SAMPLE(5, 5, 5, 5), 0.25, 0.75, 5);
	expect(SAMPLE(-3, -1), SAMPLE(-2, 0.5), 0.5, 0, -3);
}

static void counts_are_repetitions(void **state)
{
	struct sample once = { .value = NULL }, weighted = { .value = NULL };
	struct error err;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_true(sample_add(&once, 3, 1, &err));
	assert_true(sample_add(&once, 8, 1, &err));
	assert_true(sample_add(&weighted, 1, 0, &err)); /* never seen */
	assert_true(sample_add(&weighted, 3, 5, &err));
	assert_true(sample_add(&weighted, 8, 1, &err));
	assert_int_equal(weighted.values, 2);
	assert_int_equal(weighted.count, 6);
	assert_int_equal(once.values, 2);
	assert_memory_equal(once.value, weighted.value, 2 * sizeof once.value[0]);
	sample_drop(&once);
	sample_drop(&weighted);
	assert_int_equal(weighted.count, 0);
}

/* The least value that at least the share does not exceed: of 10 values, the 5th and the 9th. */
static void quantiles(void **state)
{
	struct sample ten = SAMPLE(10, 20, 30, 40, 50, 60, 70, 80, 90, 100), one = SAMPLE(4);
	struct sample skewed = { .value = NULL };
	struct error err;

	(void)state;
	near(sample_quantile(&ten, 0.5), 50, 0);
	near(sample_quantile(&ten, 0.51), 60, 0);
	near(sample_quantile(&ten, 0.9), 90, 0);
	near(sample_quantile(&ten, 1), 100, 0);
	near(sample_quantile(&one, 0.5), 4, 0);
	/* 89, 1 and 10 of 100. */
	assert_true(sample_add(&skewed, 1, 89, &err) && sample_add(&skewed, 2, 1, &err) &&
		    sample_add(&skewed, 3, 10, &err));
	near(sample_quantile(&skewed, 0.89), 1, 0);
	near(sample_quantile(&skewed, 0.9), 2, 0);
	near(sample_quantile(&skewed, 0.901), 3, 0);
	sample_drop(&ten);
	sample_drop(&one);
	sample_drop(&skewed);
}

/* N. Smirnov, Table for estimating the goodness of fit of empirical distributions, Ann. Math. Stat. 19
 * (1948), has the complement to six digits; the critical values are those of every table since. */
static void kolmogorov_published(void **state)
{
	static const struct {
		double lambda, tail, tolerance;
	} known[] = {
		{ 0.30, 1 - 0.000009, 5e-7 }, { 0.50, 1 - 0.036055, 5e-7 }, { 1.00, 1 - 0.730000, 5e-7 },
		{ 1.50, 1 - 0.977782, 5e-7 }, { 2.00, 1 - 0.999329, 5e-7 }, { 1.2238, 0.10, 1e-4 },
		{ 1.3581, 0.05, 1e-5 },       { 1.6276, 0.01, 1e-5 },       { 1.9495, 0.001, 1e-6 },
	};
	double sum;

	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		near(kolmogorov_tail(known[i].lambda), known[i].tail, known[i].tolerance);
	near(kolmogorov_tail(0), 1, 0);
	near(kolmogorov_tail(1e-9), 1, 0);
	near(kolmogorov_tail(40), 0, 0);
	/* Both series are the same function: on either side of where they meet, 200 terms of the alternating
	 * one. */
	for (double lambda = 0.5; lambda < 2; lambda += 0.01) {
		sum = 0;
		for (int k = 200; k >= 1; k--)
			sum += (k % 2 ? 2 : -2) * exp(-2.0 * k * k * lambda * lambda);
		near(kolmogorov_tail(lambda), sum, 1e-13);
	}
}

/*
 * Exact, by counting the paths from (0, 0) to (8, 8) that come nowhere as far as d from the diagonal (Hodges
 * 1958) of all C(16, 8) = 12870: 11750 for 5/8, so p = 1120 / 12870 = 0.0870; 12630 for 6/8, p = 0.0186. The
 * limit must be near it where it is first used.
 */
static void limit_is_near_the_exact_value(void **state)
{
	static const struct {
		unsigned eighths;
		double paths, tolerance;
	} known[] = { { 5, 11750, 0.002 }, { 6, 12630, 0.004 } };

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		double paths[9][9] = { { 0 } };
		for (int i = 0; i <= 8; i++)
			for (int j = 0; j <= 8; j++) {
				if (i == 0 && j == 0)
					paths[i][j] = 1;
				else if (abs(i - j) < (int)known[k].eighths)
					paths[i][j] = (i ? paths[i - 1][j] : 0) + (j ? paths[i][j - 1] : 0);
			}
		near(paths[8][8], known[k].paths, 0);
		near(kolmogorov_tail(sqrt(4) * known[k].eighths / 8.0), 1 - paths[8][8] / 12870,
		     known[k].tolerance);
	}
	struct sample a = SAMPLE(1, 2, 3, 4, 5, 16, 17, 18), b = SAMPLE(6, 7, 8, 9, 10, 11, 12, 13);
	struct two_sample t = two_sample_test(&a, &b);
	near(t.effective, 4, 0);
	near(t.d, 5.0 / 8, 1e-15);
	near(t.p, kolmogorov_tail(1.25), 1e-15);
	sample_drop(&a);
	sample_drop(&b);
}

/* The share of a list, value by value, that is at most x. */
static double share_upto(const double *values, size_t count, double x)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += values[i] <= x;
	return (double)n / (double)count;
}

/* A list of few different values, in order, and the same as a sample. */
static struct sample list_make(struct chance *c, double *list, size_t *count, unsigned different)
{
	struct sample s = { .value = NULL };
	struct error err;

	*count = 0;
	for (unsigned v = 0; v < different; v++) {
		unsigned times = (unsigned)chance_between(c, 0, 6);
		double value = v * 1.5 - 4;
		for (unsigned i = 0; i < times; i++)
			list[(*count)++] = value;
		assert_true(sample_add(&s, value, times, &err));
	}
	if (*count == 0) {
		list[(*count)++] = 100;
		assert_true(sample_add(&s, 100, 1, &err));
	}
	return s;
}

static void brute_force(void **state)
{
	struct chance c = { 20061 };
	double a[128], b[128];
	size_t n, m;

	(void)state;
	for (int round = 0; round < 500; round++) {
		struct sample sa = list_make(&c, a, &n, 1 + (unsigned)chance_between(&c, 0, 20));
		struct sample sb = list_make(&c, b, &m, 1 + (unsigned)chance_between(&c, 0, 20));
		double larger = 0, smaller = 0;
		for (size_t i = 0; i < n + m; i++) {
			double x = i < n ? a[i] : b[i - n];
			double above = share_upto(a, n, x) - share_upto(b, m, x);
			larger = fmax(larger, above);
			smaller = fmax(smaller, -above);
		}
		struct two_sample t = two_sample_test(&sa, &sb);
		near(t.b_larger, larger, 1e-12);
		near(t.b_smaller, smaller, 1e-12);
		near(t.d, fmax(larger, smaller), 1e-12);
		near(fabs(share_upto(a, n, t.at) - share_upto(b, m, t.at)), t.d, 1e-12);
		sample_drop(&sa);
		sample_drop(&sb);
	}
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Values of 1 ... levels, or with none of 0 ... 1. */
static struct sample sample_random(struct chance *c, unsigned levels)
{
	double values[200];

	for (size_t i = 0; i < 200; i++)
		values[i] = levels ? floor(chance_between(c, 0, levels)) : chance_unit(c);
	qsort(values, 200, sizeof values[0], ascending);
	return sample_of(values, 200);
}

/* One distribution: p is below 0.05 in 5 % of 2000 trials (standard error 0.5 %), and less often with ties.
 */
static void false_alarms(void **state)
{
	struct chance c = { 7 };
	unsigned alarms[2] = { 0, 0 };

	(void)state;
	for (unsigned round = 0; round < 4000; round++) {
		struct sample a = sample_random(&c, round % 2 ? 4 : 0),
			      b = sample_random(&c, round % 2 ? 4 : 0);
		alarms[round % 2] += two_sample_test(&a, &b).p < 0.05;
		sample_drop(&a);
		sample_drop(&b);
	}
	/* d moves in steps of 1/200, so that p is a little too large without ties, too. */
	assert_in_range(alarms[0], 60, 130);
	assert_true(alarms[1] < alarms[0]);
}

static void judges(void **state)
{
	static const struct {
		struct two_sample t;
		enum shift shift;
	} known[] = {
		{ { .d = 0, .effective = 0.5, .p = 1 }, SHIFT_same },
		{ { .d = 0.9, .b_larger = 0.9, .effective = 3.9, .p = 0.001 }, SHIFT_few },
		{ { .d = 0.9, .b_larger = 0.9, .effective = 4, .p = 0.001 }, SHIFT_up },
		{ { .d = 0.2, .b_larger = 0.2, .effective = 50, .p = 0.011 }, SHIFT_same },
		{ { .d = 0.049, .b_larger = 0.049, .effective = 1e6, .p = 0 }, SHIFT_slight },
		{ { .d = 0.05, .b_smaller = 0.05, .effective = 1e6, .p = 0 }, SHIFT_down },
		{ { .d = 0.4, .b_larger = 0.19, .b_smaller = 0.4, .effective = 100, .p = 0 }, SHIFT_down },
		{ { .d = 0.4, .b_larger = 0.21, .b_smaller = 0.4, .effective = 100, .p = 0 }, SHIFT_shape },
	};

	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		assert_int_equal(two_sample_judge(&known[i].t), known[i].shift);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worked_by_hand),
		cmocka_unit_test(counts_are_repetitions),
		cmocka_unit_test(quantiles),
		cmocka_unit_test(kolmogorov_published),
		cmocka_unit_test(limit_is_near_the_exact_value),
		cmocka_unit_test(brute_force),
		cmocka_unit_test(false_alarms),
		cmocka_unit_test(judges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
