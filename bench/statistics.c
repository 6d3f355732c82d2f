/*
 * What the two statistics cost per message (docs/statistics.md): in a flow whose state is in the cache, and
 * spread over so many flows that it never is. Prints nanoseconds; the least of several runs, for the rest is
 * other programs.
 */
#include "base/hash.h"
#include "identify/chi_square.h"
#include "identify/naive_bayes.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ADDS     4000000U
#define RUNS     7U
#define FLOWS    131072U /* 64 MiB of struct csc */
#define PAYLOADS 4096U
#define AFRESH   1024U /* messages after which a flow begins again, so that csc_add() never rests */

struct flow_state {
	struct csc csc;
	struct nbc nbc;
};

static uint64_t payloads[PAYLOADS];

enum what { NOTHING, CSC, NBC };

static double once(struct flow_state *flows, uint32_t mask, enum what what, uint64_t *sum)
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (uint32_t i = 0; i < ADDS; i++) {
		struct flow_state *f = &flows[hash_mix(i, UINT64_C(0x9e3779b97f4a7c15)) & mask];
		const uint64_t *payload = &payloads[i % PAYLOADS];

		if (what == CSC) {
			if (f->csc.n == AFRESH)
				f->csc = (struct csc){ 0 };
			csc_add(&f->csc, (struct span){ (const uint8_t *)payload, sizeof *payload });
		} else if (what == NBC) {
			nbc_add(&f->nbc, *payload & 0x7fU, (int64_t)i * 20000);
		} else {
			*sum += *payload ^ (uintptr_t)f;
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / ADDS;
}

static double least(struct flow_state *flows, uint32_t mask, enum what what, uint64_t *sum)
{
	double best = once(flows, mask, what, sum);

	for (unsigned run = 1; run < RUNS; run++) {
		double ns = once(flows, mask, what, sum);
		best = ns < best ? ns : best;
	}
	return best;
}

int main(void)
{
	static const struct {
		const char *words;
		uint32_t mask;
	} spreads[] = { { "one flow", 0 }, { "131072 flows", FLOWS - 1 } };
	struct flow_state *flows = calloc(FLOWS, sizeof *flows);
	uint64_t sum = 0;

	if (!flows)
		return 1;
	uint64_t state = 88172645463325252U;
	for (uint32_t i = 0; i < PAYLOADS; i++) { /* xorshift64 */
		state ^= state << 13;
		state ^= state >> 7;
		payloads[i] = state ^= state << 17;
	}
	printf("struct csc %zu bytes, struct nbc %zu bytes\n", sizeof(struct csc), sizeof(struct nbc));
	for (unsigned i = 0; i < 2; i++) {
		uint32_t mask = spreads[i].mask;
		printf("%-13s csc_add %5.1f ns, nbc_add %5.1f ns, the loop alone %3.1f ns\n",
		       spreads[i].words, least(flows, mask, CSC, &sum), least(flows, mask, NBC, &sum),
		       least(flows, mask, NOTHING, &sum));
	}
	free(flows);
	return sum == 1; /* so that no compiler drops the loop that does nothing */
}
