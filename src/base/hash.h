/* A fast keyed hash for tables. The key is drawn once per run, so that nobody can aim packets at one bucket.
 */
#ifndef FS_BASE_HASH_H
#define FS_BASE_HASH_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct hash_key {
	uint64_t k[2];
};

struct hash_key hash_key_random(void);

static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128
		wide; /* 64 x 64 -> 128 folds every input bit into every output bit */
	wide product = (wide)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* n must be a multiple of 8: our keys are padded and checked by _Static_assert. */
static inline uint64_t hash_words(const struct hash_key *key, const void *data, size_t n)
{
	const uint8_t *p = data;
	uint64_t h = key->k[0] ^ n, second = key->k[1] ^ UINT64_C(0x9e3779b97f4a7c15), word[2];

	/* Two words for each multiplication, as wyhash does: the chain of these is what a hash costs. */
	for (; n >= 16; n -= 16, p += 16) {
		memcpy(word, p, 16);
		h = hash_mix(h ^ word[0], second ^ word[1]);
	}
	if (n) {
		memcpy(word, p, 8);
		h = hash_mix(h ^ word[0], second);
	}
	return hash_mix(h, key->k[1] | 1);
}
#endif
