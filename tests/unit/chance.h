/* Random numbers for simulations: the same on every machine and run (splitmix64). */
#ifndef FS_TESTS_CHANCE_H
#define FS_TESTS_CHANCE_H
#include <math.h>
#include <stdint.h>

struct chance {
	uint64_t state;
};

static inline uint64_t chance_u64(struct chance *c)
{
	uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0 <= x < 1 */
static inline double chance_unit(struct chance *c)
{
	return (double)(chance_u64(c) >> 11) / 9007199254740992.0;
}

static inline double chance_between(struct chance *c, double low, double high)
{
	return low + (high - low) * chance_unit(c);
}

static inline double chance_exponential(struct chance *c, double mean)
{
	return -mean * log(1 - chance_unit(c));
}

static inline double chance_normal(struct chance *c, double mean, double sigma)
{
	double r = sqrt(-2 * log(1 - chance_unit(c)));
	return mean + sigma * r * cos(6.283185307179586 * chance_unit(c));
}

/* The extreme value (Gumbel) distribution Ext(a, b), in which models of games are given. */
static inline double chance_extreme(struct chance *c, double a, double b)
{
	return a - b * log(-log(1 - chance_unit(c) * 0.999999 - 5e-7));
}
#endif
