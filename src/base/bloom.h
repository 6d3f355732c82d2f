/*
 * A Bloom filter (Bloom, 1970) over hashes: what was added is always found, and of what was not, one key
 * in a hundred is found, too. It is asked before a table that would mostly answer no: it takes 16 bits for
 * each key and stays in the processor's cache when the table does not.
 */
#ifndef FS_BASE_BLOOM_H
#define FS_BASE_BLOOM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bloom { /* zeroed: empty, without room */
	uint64_t *word;
	size_t mask; /* words - 1 */
};

/* Room for so many keys, none of them there yet; false when out of memory. Call once. */
bool bloom_reserve(struct bloom *b, size_t keys);
void bloom_drop(struct bloom *b);

/* Three bits of one word, so that a question costs one cache line: Putze, Sanders, Singler, "Cache-, Hash-
 * and Space-Efficient Bloom Filters", 2007. */
static inline uint64_t bloom_bits(uint64_t hash)
{
	return UINT64_C(1) << (hash >> 58) | UINT64_C(1) << (hash >> 52 & 63) |
	       UINT64_C(1) << (hash >> 46 & 63);
}

static inline void bloom_add(struct bloom *b, uint64_t hash)
{
	b->word[hash & b->mask] |= bloom_bits(hash);
}

static inline bool bloom_has(const struct bloom *b, uint64_t hash)
{
	return b->word && (b->word[hash & b->mask] & bloom_bits(hash)) == bloom_bits(hash);
}
#endif
