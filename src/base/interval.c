/* Clopper-Pearson intervals, by the incomplete beta function; see interval.h. */
#include "base/interval.h"
#include <float.h>
#include <math.h>

#define OUTSIDE 0.025 /* on each side: what 95 % leaves */
/* The fraction converges in about sqrt(a + b) steps (DLMF section 8.17(v)): enough for 10^12 trials. */
#define STEPS_MAX 4000000

/* Keeps a denominator of the method of Lentz from being zero. */
static double not_zero(double x)
{
	return fabs(x) < DBL_MIN ? DBL_MIN : x;
}

/* The continued fraction of DLMF 8.17.22, evaluated by the modified method of Lentz (DLMF section 3.10(iii)).
 */
static double beta_fraction(double a, double b, double x)
{
	double c = 1, d = 1 / not_zero(1 - (a + b) * x / (a + 1)), result = d;

	for (int m = 1; m < STEPS_MAX; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		d = 1 / not_zero(1 + even * d);
		c = not_zero(1 + even / c);
		result *= c * d;
		d = 1 / not_zero(1 + odd * d);
		c = not_zero(1 + odd / c);
		result *= c * d;
		if (fabs(c * d - 1) < 4 * DBL_EPSILON)
			break;
	}
	return result;
}

/* I_x(a, b), regularised; DLMF 8.17.4 for the side where the fraction converges fast. */
static double beta_share(double a, double b, double x)
{
	if (x <= 0 || x >= 1)
		return x <= 0 ? 0 : 1;
	double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	if (x <= (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* The x at which I_x(a, b) is `share`; by halves, as far as numbers can be told apart. */
static double beta_quantile(double a, double b, double share)
{
	double low = 0, high = 1;

	for (;;) {
		double middle = low + (high - low) / 2;
		if (middle <= low || middle >= high)
			return middle;
		if (beta_share(a, b, middle) < share)
			low = middle;
		else
			high = middle;
		if (high - low < 1e-12 * high)
			return high;
	}
}

struct interval interval_of_rate(uint64_t hits, uint64_t trials)
{
	double x = (double)hits, n = (double)trials;
	struct interval of = { 0, 1 };

	/* Without or with nothing but hits the beta function is a power; said so, for the accuracy. */
	if (hits > 0)
		of.low = hits == trials ? pow(OUTSIDE, 1 / n) : beta_quantile(x, n - x + 1, OUTSIDE);
	if (hits < trials)
		of.high = hits == 0 ? -expm1(log(OUTSIDE) / n) : beta_quantile(x + 1, n - x, 1 - OUTSIDE);
	return of;
}
