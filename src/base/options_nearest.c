/* What the user probably meant: the known word at the smallest edit distance. */
#include "base/options.h"
#include <string.h>

#define LONGEST 40U /* longer words are no typing mistakes of ours */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * Damerau-Levenshtein distance in its "optimal string alignment" form: insertions, deletions, substitutions
 * and swaps of neighbours cost one each; case is free.
 */
static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][LONGEST + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];
	unsigned width = (unsigned)strlen(b);

	for (unsigned j = 0; j <= width; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1]; i++) {
		unsigned *oldest = before;
		before = above;
		above = row;
		row = oldest;
		row[0] = i;
		for (unsigned j = 1; j <= width; j++) {
			char x = lower(a[i - 1]), y = lower(b[j - 1]);
			row[j] = min(min(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == lower(b[j - 2]) && y == lower(a[i - 2]))
				row[j] = min(row[j], before[j - 2] + 1);
		}
	}
	return row[width];
}

const char *nearest_word(const char *word, const char *const *known)
{
	size_t length = strlen(word);
	const char *best = NULL;
	unsigned best_distance = LONGEST;

	if (length == 0 || length > LONGEST)
		return NULL;
	for (; *known; known++) {
		size_t longer = strlen(*known) > length ? strlen(*known) : length;
		if (longer > LONGEST)
			continue;
		unsigned d = distance(word, *known);
		/* One mistake in three letters; more would find something for every word. */
		bool near = d * 3 <= longer + 1 && d < length;
		/* The beginning of a word is a good guess however much is missing, but not better than one
		 * mistake. */
		if (length >= 2 && strncmp(*known, word, length) == 0) {
			near = true;
			d = min(d, 1);
		}
		/* So is a word that goes on: "nftables" is nft, and not iptables. */
		size_t known_length = strlen(*known);
		if (known_length >= 3 && strncmp(word, *known, known_length) == 0) {
			near = true;
			d = min(d, 1);
		}
		if (near && d < best_distance) {
			best = *known;
			best_distance = d;
		}
	}
	return best;
}
