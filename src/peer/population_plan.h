/*
 * What is settled before the first packet: the clients and when they are there, their pairs, how many flows
 * of which kind each of these has and from when on, who the peers are, and the calls. When exactly flows come
 * and what is said in them is drawn as it happens (population_run.c).
 */
#ifndef FS_PEER_POPULATION_PLAN_H
#define FS_PEER_POPULATION_PLAN_H
#include "peer/atlas.h"
#include "peer/population_model.h"

/*
 * Between the flows of a pair (D1: more than 200 s), counted from its last packet. Nothing in a flow is later
 * than REPLY_MAX_NS after what it answers, so that a pair of n one-time probes fits into n FLOW_NS.
 */
#define PAUSE_NS     (TRUTH_IDLE_NS + INT64_C(1000000000))
#define REPLY_MAX_NS INT64_C(3000000000)
#define FLOW_NS      (PAUSE_NS + REPLY_MAX_NS)
/* A dialog of five rounds and one sent three times (wire A2), at their quickest. */
#define DIALOG_NS (FLOW_NS + INT64_C(17000000000))

struct plan_client {
	struct endpoint address;
	int64_t from_ns, until_ns;
	uint32_t first_pair, pairs;
	uint32_t truth;          /* its number there */
	uint16_t id;             /* its counter (wire A2) */
	uint8_t reflected;       /* notices of it that were answered: these name its address */
	uint8_t notice_check[4]; /* of the notice that it sends these hours (wire A1) */
	bool supernode;
};
struct plan_peer {
	struct endpoint address;
	uint32_t round_trip_us;
	uint32_t truth; /* 0: not yet */
	uint16_t id;
};
struct plan_pair {
	uint32_t client, peer;
	uint16_t probes, dialogs;  /* flows that are one-time probes, and those that are not; still to come */
	uint8_t class;             /* enum peer_class */
	bool from_outside;         /* the peer speaks first */
	int64_t from_ns, until_ns; /* of its signalling */
	struct conversation *c;    /* NULL: nothing was said yet */
};
struct plan_call {
	uint32_t pair;
	uint8_t codec;
	bool from_near;
	int64_t from_ns, until_ns;
};

struct plan {
	const struct population *model;
	int64_t begins_ns, ends_ns;
	uint32_t clients, pairs, peers, calls;
	struct plan_client *client;
	struct plan_pair *pair; /* those of a client follow one another */
	struct plan_peer *peer;
	struct plan_call *call;
	uint32_t peers_of[ATLAS_CLASSES], addresses_of[ATLAS_CLASSES];
	struct atlas *atlas;
	double flows_of[CLASSES]; /* what came out */
	double mix_dialogs;
};

struct plan *plan_new(const struct population *model, int64_t begins_ns, int64_t lasts_ns, struct rng *rng,
		      struct error *err);
void plan_free(struct plan *plan);

/* The parts of plan_new(), in this order; each a file. */
bool plan_clients(struct plan *plan, struct rng *rng, struct error *err);
bool plan_pairs(struct plan *plan, struct rng *rng, struct error *err);
bool plan_peers(struct plan *plan, struct rng *rng, struct error *err);
bool plan_calls(struct plan *plan, struct rng *rng, struct error *err);

/* The least time that what is left of the pair takes. */
static inline int64_t plan_pair_needs(const struct plan_pair *p)
{
	return p->probes * FLOW_NS + p->dialogs * DIALOG_NS;
}
#endif
