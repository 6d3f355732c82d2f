/* The chi-square test of randomness; why its numbers are what they are: docs/statistics.md. */
#include "identify/chi_square.h"
#include "base/reader.h"

#define PAYLOAD_MIN 8U /* bytes: CSC_GROUPS groups of 4 bits */

/*
 * The least that a group can be other than random and still be caught: one of its four bits is fixed. Then
 * only 8 of its 16 values occur, and however the n messages fall on them, chi-square is at least n.
 */
#define LEAST_PER_MESSAGE 1.0F

void csc_add(struct csc *c, struct span payload)
{
	if (payload.len < PAYLOAD_MIN || c->n == CSC_MESSAGES_MAX)
		return;
	struct reader r = reader_on(payload);
	c->n++;
	for (unsigned word = 0; word < 2; word++) {
		uint32_t bits = rd_be32(&r);
		for (unsigned g = 0; g < 8; g++)
			c->count[word * 8 + g][bits >> (28 - 4 * g) & 0xfU]++;
	}
}

/* sum of (O - n/16)^2 / (n/16) = 16/n * sum of O^2 - n: exact in integers up to the division. */
float csc_statistic(const struct csc *c, unsigned group)
{
	uint64_t squares = 0;

	if (c->n == 0)
		return 0;
	for (unsigned v = 0; v < CSC_VALUES; v++)
		squares += (uint64_t)c->count[group][v] * c->count[group][v];
	uint64_t n = c->n;
	return (float)((double)(CSC_VALUES * squares - n * n) / (double)n);
}

unsigned csc_minimum(const struct csc_rule *rule)
{
	return rule->above | rule->below ? (unsigned)(CSC_THRESHOLD / LEAST_PER_MESSAGE) + 1 : 0;
}

uint16_t csc_groups_above(const struct csc *c)
{
	unsigned above = 0;

	for (unsigned g = 0; g < CSC_GROUPS; g++)
		above |= (unsigned)(csc_statistic(c, g) > CSC_THRESHOLD) << g;
	return (uint16_t)above;
}

enum csc_answer csc_judge(unsigned n, uint16_t above, const struct csc_rule *rule)
{
	if (above & rule->below)
		return CSC_FAILS;
	if (n < csc_minimum(rule))
		return CSC_TOO_FEW;
	return (above & rule->above) == rule->above ? CSC_PASSES : CSC_FAILS;
}

enum csc_answer csc_test(const struct csc *c, const struct csc_rule *rule)
{
	return csc_judge(c->n, csc_groups_above(c), rule);
}
