/* How many pairs of which class each client has, how many flows each pair, and from when on. */
#include "peer/population_plan.h"
#include "base/clock.h"
#include <math.h>
#include <stdlib.h>

#define HOUR_NS (3600 * (double)NS_PER_S)

/*
 * Who is there longer meets more, if not in proportion: RMM's most active client had 1100 peers (Fig. 3), the
 * mean one 230, and a week is about 19 times the mean stay here: an exponent of 0.5 to 0.6. Flows of a pair
 * make up the rest, so that C(p, i) does not grow with the stay.
 */
#define PAIRS_BY_TIME 0.6
#define FLOWS_BY_TIME 0.45
#define SPREAD        0.5 /* sigma of the logarithm: clients differ in their fancies */
/* What makes even the least client recognisable: it has to exchange notices that name its address (wire A3).
 */
static const uint32_t pairs_least[CLASSES] = { 3, 2, 2, 1 };
static const uint32_t flows_least[CLASSES] = { 1, 2, 1, 2 };

static double hours_of(const struct plan_client *c)
{
	return (double)(c->until_ns - c->from_ns) / HOUR_NS;
}

/* Rounds sums, not numbers: gives out `all` by the weights, to the unit. */
static uint32_t portion(double *upto, double weight, double sum, double all)
{
	double before = floor(all * (*upto / sum) + 0.5);

	*upto += weight;
	double after = floor(all * (*upto / sum) + 0.5);
	return after > before ? (uint32_t)(after - before) : 0;
}

static void class_counts(const struct population *p, uint32_t pairs, uint32_t count[CLASSES])
{
	double upto = 0;

	for (unsigned c = 0; c < CLASSES; c++)
		count[c] = portion(&upto, p->mixture[c], 1, pairs);
}

static bool fill_pairs(struct plan *plan, const uint32_t count[CLASSES], const double *weight, double sum,
		       struct error *err)
{
	double upto[CLASSES] = { 0 };
	uint32_t at = 0;

	for (uint32_t i = 0; i < plan->clients; i++) {
		plan->client[i].first_pair = at;
		for (unsigned kind = 0; kind < CLASSES; kind++) {
			double more = (double)count[kind] - (double)plan->clients * pairs_least[kind];
			if (more < 0)
				return error_set(err, EXIT_USAGE,
						 "pairs: %u clients need more of class %u than %u to be told "
						 "apart from others",
						 plan->clients, kind + 1, count[kind]);
			uint32_t n = pairs_least[kind] + portion(&upto[kind], weight[i], sum, more);
			for (; n > 0 && at < plan->pairs; n--)
				plan->pair[at++] = (struct plan_pair){ .client = i, .class = (uint8_t)kind };
		}
		plan->client[i].pairs = at - plan->client[i].first_pair;
	}
	plan->pairs = at;
	return true;
}

/* Flows that the time of the client has room for: seven tenths of it may be gone before the first one. */
static uint32_t flows_most(const struct plan *plan, const struct plan_pair *p)
{
	const struct plan_client *c = &plan->client[p->client];
	int64_t each = p->class == CLASS_HEARTBEAT ? FLOW_NS : DIALOG_NS;
	int64_t room = (c->until_ns - c->from_ns) * 7 / 10 / each;

	return room > UINT16_MAX / 2 ? UINT16_MAX / 2 : room < 2 ? 2 : (uint32_t)room;
}

/*
 * Gives `all` flows to the pairs of a class: the least number to each, the others by weights, which are
 * exponential: in the mean few, in some many. What does not fit into a pair goes to the others, again by
 * weight.
 */
static bool give_flows(struct plan *plan, unsigned kind, double all, float *weight, struct rng *rng)
{
	double left = all, sum = 1;

	for (uint32_t i = 0; i < plan->pairs; i++) {
		struct plan_pair *p = &plan->pair[i];
		if (p->class != kind)
			continue;
		p->probes = (uint16_t)flows_least[kind];
		left -= flows_least[kind];
		weight[i] = (float)(-chance_log(chance_unit(rng)) *
				    chance_power(hours_of(&plan->client[p->client]), FLOWS_BY_TIME));
	}
	for (unsigned round = 0; left >= 1 && sum > 0 && round < 50; round++) {
		double upto = 0, now = left;
		sum = 0;
		for (uint32_t i = 0; i < plan->pairs; i++)
			if (plan->pair[i].class == kind &&
			    plan->pair[i].probes < flows_most(plan, &plan->pair[i]))
				sum += weight[i];
		for (uint32_t i = 0; sum > 0 && i < plan->pairs; i++) {
			struct plan_pair *p = &plan->pair[i];
			uint32_t most = flows_most(plan, p), more;
			if (p->class != kind || p->probes >= most)
				continue;
			more = portion(&upto, weight[i], sum, now);
			more = more > most - p->probes ? most - p->probes : more;
			p->probes = (uint16_t)(p->probes + more);
			left -= more;
		}
	}
	return left < 1;
}

/* give_flows() counted them all as probes. */
static void split_flows(struct plan *plan)
{
	double upto = 0;

	for (uint32_t i = 0; i < plan->pairs; i++) {
		struct plan_pair *p = &plan->pair[i];
		uint16_t flows = p->probes;
		plan->flows_of[p->class] += flows;
		if (p->class == CLASS_DIALOG) {
			p->probes = 0;
			p->dialogs = flows;
		} else if (p->class == CLASS_MIX) {
			uint32_t dialogs = portion(&upto, flows * (1 - plan->model->mix_probes), 1, 1);
			dialogs = dialogs < 1 ? 1 : dialogs >= flows ? flows - 1U : dialogs;
			p->dialogs = (uint16_t)dialogs;
			p->probes = (uint16_t)(flows - dialogs);
			plan->mix_dialogs += dialogs;
		}
	}
}

static bool plan_flows(struct plan *plan, struct rng *rng, struct error *err)
{
	const struct population *p = plan->model;
	double all = population_count(p, p->flows), wanted[CLASSES], rest = all;
	float *weight = calloc(plan->pairs + 1U, sizeof *weight);

	if (!weight)
		return error_memory(err, "the population");
	for (uint32_t i = 0; i < plan->pairs; i++)
		rest -= plan->pair[i].class == CLASS_PROBE;
	wanted[CLASS_PROBE] = 0; /* the least, which is one each */
	wanted[CLASS_HEARTBEAT] = floor(all * p->flow_mixture[CLASS_HEARTBEAT] + 0.5);
	wanted[CLASS_DIALOG] = floor(all * p->flow_mixture[CLASS_DIALOG] + 0.5);
	wanted[CLASS_MIX] = rest - wanted[CLASS_HEARTBEAT] - wanted[CLASS_DIALOG];
	bool fits = true;
	for (unsigned kind = 0; kind < CLASSES; kind++)
		fits = give_flows(plan, kind, wanted[kind], weight, rng) && fits;
	free(weight);
	split_flows(plan);
	return fits || error_set(err, EXIT_USAGE,
				 "flows: %.0f do not fit into the time in which the clients are there", all);
}

/* The number of seconds that a pair would like: an hour for each flow, as refreshing goes by the hour (RMM
 * Fig. 3). */
static void place_pair(struct plan *plan, struct plan_pair *p, struct rng *rng)
{
	const struct plan_client *c = &plan->client[p->client];
	int64_t stay = c->until_ns - c->from_ns, needs = plan_pair_needs(p);
	double liked = (double)(p->probes + p->dialogs) * (double)plan->model->refresh_ns;
	double room = (double)(stay - needs), late = (double)stay - liked;

	/* Pairs for which the time is short begin in the first tenth of what there is. */
	if (p->class != CLASS_PROBE && late < room / 10)
		room /= 10;
	else if (p->class != CLASS_PROBE)
		room = late;
	p->from_ns = c->from_ns + (int64_t)(room > 0 ? chance_unit(rng) * room : 0);
	p->until_ns = c->until_ns;
}

bool plan_pairs(struct plan *plan, struct rng *rng, struct error *err)
{
	uint32_t count[CLASSES];
	double *weight = calloc(plan->clients + 1U, sizeof *weight), sum = 0;

	if (!weight)
		return error_memory(err, "the population");
	class_counts(plan->model, plan->pairs, count);
	for (uint32_t i = 0; i < plan->clients; i++) {
		weight[i] = chance_power(hours_of(&plan->client[i]), PAIRS_BY_TIME);
		if (!plan->client[i].supernode)
			weight[i] *= chance_exp(SPREAD * chance_normal(rng));
		sum += weight[i];
	}
	bool ok = fill_pairs(plan, count, weight, sum, err);
	free(weight);
	if (!ok || !plan_flows(plan, rng, err))
		return false;
	for (uint32_t i = 0; i < plan->pairs; i++)
		place_pair(plan, &plan->pair[i], rng);
	return true;
}

struct plan *plan_new(const struct population *model, int64_t begins_ns, int64_t lasts_ns, struct rng *rng,
		      struct error *err)
{
	struct plan *plan = calloc(1, sizeof *plan);

	if (!plan) {
		error_memory(err, "the population");
		return NULL;
	}
	plan->model = model;
	plan->begins_ns = begins_ns;
	plan->ends_ns = begins_ns + lasts_ns;
	plan->clients = population_count(model, model->clients);
	plan->pairs = population_count(model, model->pairs);
	plan->client = calloc(plan->clients + 1U, sizeof *plan->client);
	plan->pair = calloc(plan->pairs + 1U, sizeof *plan->pair);
	if (!plan->client || !plan->pair) {
		error_memory(err, "the population");
	} else if (plan_clients(plan, rng, err) && plan_pairs(plan, rng, err) && plan_peers(plan, rng, err) &&
		   plan_calls(plan, rng, err)) {
		return plan;
	}
	plan_free(plan);
	return NULL;
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	atlas_free(plan->atlas);
	free(plan->client);
	free(plan->pair);
	free(plan->peer);
	free(plan->call);
	free(plan);
}
