/*
 * A role is what a party does: a state machine on a net (net.h) that is driven by messages, timers, and the
 * events of the scenario that name the party. All of them are rows of roles.h.
 *
 * The same role with the same seed says the same over any net: each has random numbers of its own, seeded by
 * the scenario's seed and the party's name, and takes them in the order of its own conversation.
 */
#ifndef FS_PEER_ROLE_H
#define FS_PEER_ROLE_H
#include "base/rng.h"
#include "peer/scenario.h"

struct role_kind;

struct role { /* the first member of every role's state */
	const struct role_kind *kind;
	const struct party *party;
	const struct scenario *scenario;
	struct net *net;
	struct host *host; /* NULL: not attached */
	struct rng rng;
};

struct role_kind {
	size_t size; /* of its state, which is zeroed but for struct role */
	/* At the beginning of the scenario: attaches itself, unless it waits for its event. */
	bool (*begin)(struct role *role, struct error *err);
	/* An event that names the party, as who, whom or via. NULL: events are nothing to it. */
	bool (*event)(struct role *role, const struct event *event, struct error *err);
	void (*free)(struct role *role); /* what the state holds; NULL: nothing */
};
extern const struct role_kind *const role_kinds[PARTY_KINDS]; /* role.c, by enum party_kind */

/* Makes the roles of the given parties (NULL: of all), and plans their events on the net. */
struct cast;
struct cast *cast_new(const struct scenario *scenario, const struct party *const *parties, size_t count,
		      struct net *net, uint64_t seed, struct error *err);
void cast_free(struct cast *cast);
/* A failure in an event: NULL, or what went wrong. */
const struct error *cast_failed(const struct cast *cast);
#endif
