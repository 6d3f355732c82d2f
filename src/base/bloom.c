/* The room of a Bloom filter; see bloom.h. */
#include "base/bloom.h"
#include "base/huge.h"
#include <stdlib.h>

/* At most. The number in one word is Poisson-distributed around 4; with three bits of 64 for each, 0.8 % of
 * all other keys are found. */
#define KEYS_PER_WORD 4U
/* Beyond, the word's number would say something about its bits: bloom_bits() takes the hash from bit 46 on.
 */
#define WORDS_MAX ((size_t)1 << 40)

bool bloom_reserve(struct bloom *b, size_t keys)
{
	size_t words = 1;

	while (words * KEYS_PER_WORD < keys && words < WORDS_MAX)
		words *= 2;
	b->word = huge_calloc(words, sizeof *b->word);
	b->mask = words - 1;
	return b->word;
}

void bloom_drop(struct bloom *b)
{
	free(b->word);
	*b = (struct bloom){ 0 };
}
