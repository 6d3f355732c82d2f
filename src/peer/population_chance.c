/* Only additions, multiplications, divisions and roots, which IEEE 754 defines to the last bit; compilers for
 * plain x86-64 leave them so (no fused multiply-add). */
#include "peer/population_model.h"
#include <math.h>

#define LN_2 0.69314718055994530942

double chance_unit(struct rng *rng)
{
	return ((double)(rng_next(rng) >> 11) + 0.5) / 9007199254740992.0; /* 2^53 */
}

/* x = m 2^e with m from 1/sqrt(2) on; ln m = 2 artanh((m - 1) / (m + 1)), of which |z| < 0.172: ten terms. */
double chance_log(double x)
{
	int e;
	double m = frexp(x, &e), sum = 0;

	if (m < 0.70710678118654752440) {
		m *= 2;
		e--;
	}
	double z = (m - 1) / (m + 1), square = z * z, power = z;
	for (int term = 1; term <= 19; term += 2, power *= square)
		sum += power / term;
	return 2 * sum + e * LN_2;
}

/* x = n ln 2 + r with |r| <= ln 2 / 2: sixteen terms of the series. */
double chance_exp(double x)
{
	double n = floor(x / LN_2 + 0.5), r = x - n * LN_2, sum = 1;

	for (int term = 16; term > 0; term--)
		sum = 1 + sum * r / term;
	return ldexp(sum, (int)n);
}

double chance_power(double x, double y)
{
	return chance_exp(y * chance_log(x));
}

/* Marsaglia and Bray 1964: the polar method. */
double chance_normal(struct rng *rng)
{
	double u, v, s;

	do {
		u = 2 * chance_unit(rng) - 1;
		v = 2 * chance_unit(rng) - 1;
		s = u * u + v * v;
	} while (s >= 1);
	return u * sqrt(-2 * chance_log(s) / s);
}
