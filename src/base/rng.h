/*
 * Numbers that look random and are the same everywhere for the same seed: xoshiro256**, seeded by splitmix64
 * (Blackman and Vigna 2018, "Scrambled linear pseudorandom number generators"; reference code in the public
 * domain). For generated traffic, never for secrets.
 */
#ifndef FS_BASE_RNG_H
#define FS_BASE_RNG_H
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rng {
	uint64_t s[4];
};

static inline uint64_t rng_splitmix(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline struct rng rng_seeded(uint64_t seed)
{
	struct rng r;

	for (int i = 0; i < 4; i++)
		r.s[i] = rng_splitmix(&seed);
	return r;
}

static inline uint64_t rng_rotate(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t result = rng_rotate(r->s[1] * 5, 7) * 9, shifted = r->s[1] << 17;

	r->s[2] ^= r->s[0];
	r->s[3] ^= r->s[1];
	r->s[1] ^= r->s[2];
	r->s[0] ^= r->s[3];
	r->s[2] ^= shifted;
	r->s[3] = rng_rotate(r->s[3], 45);
	return result;
}

/* 0 ... n - 1; n > 0. The bias of at most n / 2^32 is far below what any of our tests can see. */
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

/* least ... most */
static inline uint32_t rng_between(struct rng *r, uint32_t least, uint32_t most)
{
	return least + rng_below(r, most - least + 1);
}

static inline bool rng_one_in(struct rng *r, uint32_t n)
{
	return rng_below(r, n) == 0;
}

static inline void rng_fill(struct rng *r, uint8_t *out, size_t n)
{
	uint64_t word;

	for (; n >= sizeof word; n -= sizeof word, out += sizeof word) {
		word = htole64(rng_next(r));
		memcpy(out, &word, sizeof word);
	}
	if (n > 0) {
		word = htole64(rng_next(r));
		memcpy(out, &word, n);
	}
}
#endif
