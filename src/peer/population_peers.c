/* Who the external peers are: their addresses and ways, by which clients they are met, and which of them
 * speak first. */
#include "peer/population_plan.h"
#include <math.h>
#include <stdlib.h>

/* Probes go to nodes that are new to everybody: nearly one peer for each (RMM Fig. 7, left), on nearly as
 * many addresses. */
#define PROBE_PEERS     0.98
#define PROBE_ADDRESSES 0.99
#define NOBODY          UINT32_MAX

/*
 * What is added to the way (ms, median; sigma of the logarithm): the peer's access line and program. Probes
 * go to near nodes (RMM IV.B: "latency driven"), others to people. Guesses that put Europe below 100 ms for
 * the most.
 */
static const struct access {
	double ms, sigma;
} access_of[ATLAS_CLASSES] = { { 28, 0.6 }, { 55, 0.8 } };

static enum atlas_class side_of(const struct plan_pair *p)
{
	return p->class == CLASS_PROBE ? ATLAS_PROBE : ATLAS_NON_PROBE;
}

static uint32_t bounded(double x, uint32_t least, uint32_t most)
{
	return x < least ? least : x > most ? most : (uint32_t)x;
}

/* Nobody meets the same one twice: so many a client needs at least. */
static uint32_t most_of_one(const struct plan *plan, enum atlas_class kind)
{
	uint32_t most = 1;

	for (uint32_t i = 0; i < plan->clients; i++) {
		const struct plan_client *c = &plan->client[i];
		uint32_t pairs = 0;
		for (uint32_t j = 0; j < c->pairs; j++)
			pairs += side_of(&plan->pair[c->first_pair + j]) == kind;
		most = pairs > most ? pairs : most;
	}
	return most;
}

static void count_peers(struct plan *plan, const uint32_t pairs[ATLAS_CLASSES])
{
	const struct population *p = plan->model;
	double all = population_count(p, p->peers), addresses = population_count(p, p->addresses);
	uint32_t *peers = plan->peers_of, *places = plan->addresses_of;

	peers[ATLAS_PROBE] = bounded(fmin(pairs[ATLAS_PROBE] * PROBE_PEERS, all * 0.7),
				     most_of_one(plan, ATLAS_PROBE), pairs[ATLAS_PROBE]);
	peers[ATLAS_NON_PROBE] =
		bounded(all - peers[ATLAS_PROBE], most_of_one(plan, ATLAS_NON_PROBE), pairs[ATLAS_NON_PROBE]);
	plan->peers = peers[ATLAS_PROBE] + peers[ATLAS_NON_PROBE];
	places[ATLAS_PROBE] =
		bounded(fmin(peers[ATLAS_PROBE] * PROBE_ADDRESSES, addresses * 0.8), 1, peers[ATLAS_PROBE]);
	places[ATLAS_NON_PROBE] = bounded(addresses - places[ATLAS_PROBE], 1, peers[ATLAS_NON_PROBE]);
}

/* Of a place that is UNKNOWN, that of some other. */
static double way_ms(const struct plan *plan, enum atlas_class kind, uint32_t address, struct rng *rng)
{
	unsigned ms = atlas_round_trip_ms(plan->atlas, kind, address);

	for (unsigned tries = 0; ms == 0 && tries < 50; tries++)
		ms = atlas_round_trip_ms(plan->atlas, kind, rng_below(rng, plan->addresses_of[kind]));
	return ms > 0 ? ms : 50;
}

static void make_peers(struct plan *plan, enum atlas_class kind, struct plan_peer *peer, struct rng *rng)
{
	uint32_t addresses = plan->addresses_of[kind];

	for (uint32_t i = 0; i < plan->peers_of[kind]; i++) {
		uint32_t address = i % addresses, ip = atlas_address(plan->atlas, kind, address);
		/* Several behind one address have ports of their own: a prime step never comes back in time.
		 */
		uint32_t port = (ip * UINT32_C(0x9e3779b1) >> 16) + i / addresses * 7919;
		double ms = way_ms(plan, kind, address, rng);
		/* A statement of its own: compilers differ in which operand of a sum they take first. */
		ms += access_of[kind].ms * chance_exp(access_of[kind].sigma * chance_normal(rng));
		peer[i].address = (struct endpoint){ ip, (uint16_t)(1024 + port % 64512) };
		peer[i].round_trip_us = (uint32_t)(fmin(ms, 1200) * 1000);
		peer[i].id = (uint16_t)rng_next(rng);
	}
}

/*
 * A peer for each pair of the class: all peers once, and some again, the first ones more often; shuffled. In
 * the order of pairs, so that no client meets the same peer twice.
 */
static uint32_t *draw_meetings(uint32_t pairs, uint32_t peers, struct rng *rng)
{
	uint32_t *peer = calloc(pairs + 1U, sizeof *peer);

	for (uint32_t i = 0; peer && i < pairs; i++) {
		double x = chance_unit(rng);
		peer[i] = i < peers ? i : (uint32_t)(peers * (x * sqrt(x)));
	}
	for (uint32_t i = pairs; peer && i > 1; i--) {
		uint32_t j = rng_below(rng, i), swapped = peer[i - 1];
		peer[i - 1] = peer[j];
		peer[j] = swapped;
	}
	return peer;
}

/* One at `at` or behind it that the client has not met, brought to `at`; or any other, if these are few. */
static void find_new(uint32_t *peer, uint32_t at, uint32_t count, uint32_t peers, const uint32_t *met,
		     uint32_t client, struct rng *rng)
{
	for (unsigned tries = 0; tries < 100 && met[peer[at]] == client; tries++) {
		uint32_t other = at + rng_below(rng, count - at), swapped = peer[at];
		peer[at] = peer[other];
		peer[other] = swapped;
	}
	while (met[peer[at]] == client)
		peer[at] = (peer[at] + 1) % peers;
}

static bool meet(struct plan *plan, enum atlas_class kind, uint32_t pairs, struct rng *rng, struct error *err)
{
	uint32_t peers = plan->peers_of[kind], first = kind == ATLAS_PROBE ? 0 : plan->peers_of[ATLAS_PROBE];
	uint32_t *peer = draw_meetings(pairs, peers, rng), *met = calloc(peers + 1U, sizeof *met), at = 0;
	bool ok = (peer && met) || error_memory(err, "the population");

	for (uint32_t i = 0; ok && i < peers; i++)
		met[i] = NOBODY;
	for (uint32_t i = 0; ok && i < plan->pairs; i++) {
		struct plan_pair *p = &plan->pair[i];
		if (side_of(p) != kind)
			continue;
		find_new(peer, at, pairs, peers, met, p->client, rng);
		met[peer[at]] = p->client;
		p->peer = first + peer[at++];
	}
	free(peer);
	free(met);
	return ok;
}

/*
 * RMM Fig. 7, right: of the clients that are contacted from outside, 65 % are by a single peer, the others by
 * up to ten; and supernodes by hundreds. How many are contacted at all is a guess.
 */
static void speak_first(struct plan *plan, const struct plan_client *c, enum atlas_class kind,
			struct rng *rng)
{
	uint32_t callers = rng_below(rng, 100) >= 60  ? 0
			   : rng_below(rng, 100) < 65 ? 1
						      : rng_between(rng, 2, 10);

	for (uint32_t i = 0; i < c->pairs; i++) {
		struct plan_pair *p = &plan->pair[c->first_pair + i];
		if (side_of(p) != kind)
			continue;
		if (c->supernode)
			p->from_outside = rng_one_in(rng, 2);
		else if (callers > 0 && rng_one_in(rng, 3)) /* not always the first ones */
			p->from_outside = callers-- > 0;
	}
}

bool plan_peers(struct plan *plan, struct rng *rng, struct error *err)
{
	uint32_t pairs[ATLAS_CLASSES] = { 0 };

	for (uint32_t i = 0; i < plan->pairs; i++)
		pairs[side_of(&plan->pair[i])]++;
	count_peers(plan, pairs);
	plan->atlas = atlas_new(plan->addresses_of, err);
	plan->peer = calloc(plan->peers + 1U, sizeof *plan->peer);
	if (!plan->atlas)
		return false;
	if (!plan->peer)
		return error_memory(err, "the population");
	make_peers(plan, ATLAS_PROBE, plan->peer, rng);
	make_peers(plan, ATLAS_NON_PROBE, plan->peer + plan->peers_of[ATLAS_PROBE], rng);
	for (unsigned kind = 0; kind < ATLAS_CLASSES; kind++) {
		if (!meet(plan, kind, pairs[kind], rng, err))
			return false;
		for (uint32_t i = 0; i < plan->clients; i++)
			speak_first(plan, &plan->client[i], kind, rng);
	}
	return true;
}
