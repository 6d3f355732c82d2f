/*
 * The way it looks from a supernode: others call it first, many of them, and it answers. Callers are remote
 * sockets that spoke to a client socket before it spoke to them, in flows in which a dissector found its
 * protocol.
 */
#ifndef FS_BEHAVE_CALLERS_H
#define FS_BEHAVE_CALLERS_H
#include <stdbool.h>
#include <stdint.h>

/*
 * An ordinary client is called, too: 3 times in 174 s, by 3 sockets (wire A, A3; SkypeIRC, session 1). With
 * that mean, 16 callers in 174 s have a probability of 1e-7 (Poisson). So 16 are asked for, and as many again
 * for each further 174 s that the socket lives, which is five times the rate of that client.
 */
#define CALLERS_MIN       16U
#define CALLERS_PERIOD_NS INT64_C(174000000000)

struct callers {
	uint32_t callers, answered;
	int64_t first_ns, last_ns; /* of all flows of the socket (D13); valid if flows */
	uint64_t first_packet;     /* of the first caller */
	bool flows;
};

/* What a scan leaves behind is not answered; who is open to all answers most. */
static inline bool callers_make_supernode(const struct callers *c)
{
	int64_t periods = c->flows ? 1 + (c->last_ns - c->first_ns) / CALLERS_PERIOD_NS : 1;

	return c->callers / CALLERS_MIN >= (uint64_t)periods && c->answered >= c->callers - c->callers / 2;
}
#endif
