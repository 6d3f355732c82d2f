/*
 * How a client is connected (B7), as far as its traffic tells. Each answer comes with its reasons, and what
 * cannot be told is unknown, with why.
 */
#ifndef FS_BEHAVE_SETUPS_H
#define FS_BEHAVE_SETUPS_H
#include "base/ip.h"
#include <stdbool.h>
#include <stdint.h>

#define SETUPS(X)                                                                                            \
	X(unknown, "unknown")                                                                                \
	X(public, "public")                                                                                  \
	X(nat, "nat")                                                                                        \
	X(port_restricted_nat, "port-restricted nat")                                                        \
	X(udp_restricted, "udp-restricted")
enum setup {
#define X(name, words) SETUP_##name,
	SETUPS(X)
#undef X
};
extern const char *const setup_names[];

/* BS IV.B.6: after 20 questions without an answer the client itself takes UDP for blocked. Of nodes that may
 * be gone, 4 in 12 answer (wire B1): none of 20 by chance is 3e-4. */
#define SETUP_ASKED_MIN 20U
/*
 * Strangers reach a client of 2006 three times in 174 s (behave/callers.h). None in this time is a chance of
 * 0.6 % if they come at random.
 */
#define SETUP_QUIET_NS INT64_C(300000000000)
/* A translator lets a peer in for minutes after the client spoke to it (N1: up to 300 s); one that a trace
 * begins with is no stranger for so long. */
#define SETUP_STRANGER_NS INT64_C(300000000000)
/* So many at once are no old acquaintances (CALLERS_MIN). */
#define SETUP_CALLERS_MANY 16U

struct setup_facts {
	struct ip own;
	bool is_private; /* RFC 1918 and the like */
	bool has_public;
	struct ip public_ip; /* as its peers see it */
	uint32_t asked, answered;
	uint32_t tcp_tried, tcp_answered;
	bool sent; /* anything at all: else the trace has one direction only, and nobody knows who began */
	uint32_t callers;   /* hosts that spoke first */
	uint32_t strangers; /* of these, hosts that it cannot have spoken to before */
	int64_t lived_ns;   /* D13 */
	bool rate_known; /* how often clients of this protocol are called if they can be (SETUP_QUIET_NS) */
};

#define SETUP_REASONS 512
struct setup_verdict {
	enum setup setup;
	char reasons[SETUP_REASONS]; /* sentences */
};
void setup_judge(const struct setup_facts *f, struct setup_verdict *out);
#endif
