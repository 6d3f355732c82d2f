#include "peer/population_run.h"
#include "base/clock.h"
#include "base/progress.h"
#include <stdio.h>
#include <stdlib.h>

#define LOOK_EVERY 4096U /* events */
/* Of the client: that of the campus in April 2007 is not known. */
#define VERSION "1.4.0.84"

void run_at(struct run *r, int64_t ns, uint64_t what)
{
	if (!queue_push(r->queue, ns, NULL, NULL, what))
		r->failed = true;
}

struct conversation *run_conversation(struct run *r, uint32_t at)
{
	struct plan_pair *pair = &r->plan->pair[at];
	struct plan_peer *peer = &r->plan->peer[pair->peer];
	const struct plan_client *client = &r->plan->client[pair->client];

	if (pair->c)
		return pair->c;
	if (peer->truth == 0)
		peer->truth = truth_add_peer(r->truth, peer->address);
	pair->c = truth_conversation(r->truth, TRUTH_UDP, client->address, peer->address, PURPOSE_SIGNALLING,
				     client->truth, peer->truth);
	r->failed = r->failed || !pair->c;
	return pair->c;
}

static void tell_who(struct run *r)
{
	for (uint32_t i = 0; i < r->plan->clients; i++) {
		struct plan_client *c = &r->plan->client[i];
		char name[32];
		snprintf(name, sizeof name, "%s%u", c->supernode ? "supernode" : "client", i + 1);
		/* Supernodes of a population answer many, but do not do what the role is about. */
		c->truth = truth_add_client(r->truth, &(struct truth_client){ .name = name,
									      .address = c->address,
									      .version = VERSION,
									      .setup = "public" });
	}
	for (unsigned kind = 0; kind < ATLAS_CLASSES; kind++)
		for (uint32_t i = 0; i < r->plan->addresses_of[kind]; i++)
			atlas_tell(r->plan->atlas, kind, i, r->truth);
}

static bool run_events(struct run *r, struct progress *progress, struct error *err)
{
	struct queue_event e;

	for (uint64_t events = 0; queue_pop(r->queue, r->plan->ends_ns - 1, &e); events++) {
		if (e.what & EVENT_CALL)
			voice_event(r, (uint32_t)e.what, e.ns);
		else
			talk_event(r, (uint32_t)e.what, e.ns);
		if (events % LOOK_EVERY != 0)
			continue;
		progress_update(progress, 0, wire_packets(r->wire));
		if (r->failed || queue_failed(r->queue))
			return error_memory(err, "the population");
		if (wire_failed(r->wire))
			return error_set(err, EXIT_OUTPUT, "%s", wire_failed(r->wire));
	}
	return true;
}

static bool run_plan(struct run *r, const char *places, struct progress *progress, struct error *err)
{
	const struct plan *plan = r->plan;

	r->talk = calloc(plan->pairs + 1U, sizeof *r->talk);
	r->voice = calloc(plan->calls + 1U, sizeof *r->voice);
	r->queue = queue_new();
	if (!r->talk || !r->voice || !r->queue)
		return error_memory(err, "the population");
	tell_who(r);
	talk_prepare(r);
	for (uint32_t i = 0; i < plan->calls; i++)
		run_at(r, plan->call[i].from_ns, EVENT_CALL | i);
	/* Last, as the other files: a run that is stopped leaves a file of that name as it was. */
	return run_events(r, progress, err) &&
	       (!places || atlas_write(plan->atlas, places, (uint64_t)(plan->begins_ns / NS_PER_S), err));
}

bool population_run(const struct population *p, int64_t begins_ns, int64_t lasts_ns, uint64_t seed,
		    struct wire *wire, struct truth *truth, const char *places, struct progress *progress,
		    struct error *err)
{
	struct run r = { .model = p, .wire = wire, .truth = truth, .rng = rng_seeded(seed) };

	r.plan = plan_new(p, begins_ns, lasts_ns, &r.rng, err);
	bool ok = r.plan && run_plan(&r, places, progress, err);
	queue_free(r.queue);
	free(r.talk);
	free(r.voice);
	plan_free(r.plan);
	return ok;
}
