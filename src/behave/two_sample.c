/* The two-sample Kolmogorov-Smirnov test; see two_sample.h. */
#include "behave/two_sample.h"
#include <math.h>
#include <stdlib.h>

/* From 4 on (8 and 8 values), the limit is an approximation: P(d >= 6/8) is 0.0186 by counting, and 0.0222 by
 * the limit. Below it, hardly any d could be told from chance (docs/statistics.md). */
#define EFFECTIVE_LEAST 4.0
/* Of the p-value. One comparison makes some twenty tests: at 0.05, one of them would be a false alarm. */
#define CHANCE_MOST 0.01
/* A distance below it is real, perhaps, but cannot be seen in a figure: 5 of 100 percent. */
#define DISTANCE_SEEN 0.05
/* Curves that cross: on the other side of the crossing, the distance is more than this share of d. */
#define CROSSING 0.5

const char *const shift_words[SHIFT_COUNT] = {
#define X(name, words) words,
	SHIFTS(X)
#undef X
};

bool sample_add(struct sample *s, double value, uint64_t count, struct error *err)
{
	if (count == 0)
		return true;
	s->count += count;
	if (s->values && s->value[s->values - 1].value == value) {
		s->value[s->values - 1].count += count;
		return true;
	}
	if (s->values == s->room) {
		size_t room = s->room ? s->room * 2 : 64;
		struct sample_value *moved = realloc(s->value, room * sizeof *moved);
		if (!moved)
			return error_memory(err, "the values of a distribution");
		s->value = moved;
		s->room = room;
	}
	s->value[s->values++] = (struct sample_value){ value, count };
	return true;
}

void sample_drop(struct sample *s)
{
	free(s->value);
	*s = (struct sample){ .value = NULL };
}

double sample_quantile(const struct sample *s, double share)
{
	double wanted = share * (double)s->count;
	uint64_t below = 0;
	size_t i = 0;

	for (; i + 1 < s->values; i++) {
		below += s->value[i].count;
		if ((double)below >= wanted)
			break;
	}
	return s->value[i].value;
}

double kolmogorov_tail(double lambda)
{
	double sum = 0;

	if (!(lambda > 0))
		return 1;
	/* Two series of the same function (Kolmogorov 1933; the second by Jacobi's theta function): each
	 * converges at once where the other is slow. Five terms leave less than 1e-15 on either side of 1. */
	if (lambda < 1) {
		for (int k = 1; k <= 5; k++)
			sum += exp(-(2 * k - 1) * (2 * k - 1) * M_PI * M_PI / (8 * lambda * lambda));
		return 1 - sqrt(2 * M_PI) / lambda * sum;
	}
	for (int k = 1; k <= 5; k++)
		sum += (k % 2 ? 2 : -2) * exp(-2.0 * k * k * lambda * lambda);
	return sum;
}

/* The next value of either sample, and what both curves are behind it: ties step together. */
static double step(const struct sample *a, const struct sample *b, size_t *i, size_t *j, uint64_t *below_a,
		   uint64_t *below_b)
{
	double next = INFINITY;

	if (*i < a->values)
		next = a->value[*i].value;
	if (*j < b->values && b->value[*j].value < next)
		next = b->value[*j].value;
	if (*i < a->values && a->value[*i].value == next)
		*below_a += a->value[(*i)++].count;
	if (*j < b->values && b->value[*j].value == next)
		*below_b += b->value[(*j)++].count;
	return next;
}

struct two_sample two_sample_test(const struct sample *a, const struct sample *b)
{
	double n = (double)a->count, m = (double)b->count;
	struct two_sample t = { .at = a->value[0].value, .effective = n * m / (n + m) };
	uint64_t below_a = 0, below_b = 0;

	for (size_t i = 0, j = 0; i < a->values || j < b->values;) {
		double value = step(a, b, &i, &j, &below_a, &below_b);
		/* A's share less B's, times n m: whole numbers, so that equal distances are equal. */
		double above = (double)below_a * m - (double)below_b * n;
		if (fabs(above) > t.d) {
			t.d = fabs(above);
			t.at = value;
		}
		t.b_larger = fmax(t.b_larger, above);
		t.b_smaller = fmax(t.b_smaller, -above);
	}
	t.d /= n * m;
	t.b_larger /= n * m;
	t.b_smaller /= n * m;
	t.p = kolmogorov_tail(sqrt(t.effective) * t.d);
	return t;
}

enum shift two_sample_judge(const struct two_sample *t)
{
	if (t->d == 0)
		return SHIFT_same; /* also of very few */
	if (t->effective < EFFECTIVE_LEAST)
		return SHIFT_few;
	if (t->p > CHANCE_MOST)
		return SHIFT_same;
	if (t->d < DISTANCE_SEEN)
		return SHIFT_slight;
	if (fmin(t->b_larger, t->b_smaller) > CROSSING * t->d)
		return SHIFT_shape;
	return t->b_larger > t->b_smaller ? SHIFT_up : SHIFT_down;
}
