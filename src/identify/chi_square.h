/*
 * The chi-square test of randomness (CSC) of D. Bonfiglio, M. Mellia, M. Meo, D. Rossi, P. Tofanelli,
 * Revealing Skype Traffic: When Randomness Plays with You, SIGCOMM 2007: which of the first 16 groups of 4
 * bits look random over many messages of one source flow, and which do not (recognition 6). The sample sizes
 * are derived in docs/statistics.md.
 */
#ifndef FS_IDENTIFY_CHI_SQUARE_H
#define FS_IDENTIFY_CHI_SQUARE_H
#include "base/span.h"
#include <stdbool.h>

#define CSC_GROUPS       16U    /* G of the paper, of b = 4 bits each: the first 64 bits of a payload */
#define CSC_VALUES       16U    /* 2^b */
#define CSC_THRESHOLD    150.0F /* T of the paper */
#define CSC_MESSAGES_MAX UINT16_MAX

/* Plain data; all zeros is empty. */
struct csc {
	uint16_t n; /* messages counted; stays at CSC_MESSAGES_MAX, so that no count overflows */
	uint16_t count[CSC_GROUPS][CSC_VALUES];
};

/* Payloads of which fewer than 8 bytes were captured are not counted. */
void csc_add(struct csc *c, struct span payload);

/* Chi-square of one group, 0 to CSC_GROUPS - 1, with 15 degrees of freedom; 0 while empty. */
float csc_statistic(const struct csc *c, unsigned group);

/* What a protocol does with its first 64 bits. Bit g stands for group g, which the paper calls g + 1. */
struct csc_rule {
	const char *name, *words;
	uint16_t above;    /* these must not be random: above the threshold */
	uint16_t below;    /* these must be random: below it. In neither: not looked at */
	bool needs_client; /* others pass as well: it counts where a recognised client is on one of the hosts
			    */
};

/* As many messages make every group of a rule able to fail; fewer never pass. */
unsigned csc_minimum(const struct csc_rule *rule);

enum csc_answer { CSC_TOO_FEW, CSC_FAILS, CSC_PASSES };

/*
 * CSC_FAILS is final for a group in `below`, however few the messages: chance alone takes a random group
 * above the threshold less than once in 10^10 tests. All else waits for csc_minimum().
 */
enum csc_answer csc_test(const struct csc *c, const struct csc_rule *rule);

/* The same from what is left of a struct csc: n, and bit g for each group g above the threshold. */
uint16_t csc_groups_above(const struct csc *c);
enum csc_answer csc_judge(unsigned n, uint16_t above, const struct csc_rule *rule);
#endif
