/*
 * The calls: who has them, with whom and when. A call has a time of its own in its client's life, and its
 * media a flow of their own: the signalling of its pair is over before (D11 makes all of a flow with voice
 * media).
 */
#include "peer/population_plan.h"
#include "base/clock.h"
#include <stdlib.h>

/* Until the other end picks up, too. */
#define RINGING_NS    (15 * NS_PER_S)
#define CALL_LEAST_NS (25 * NS_PER_S)
#define CALL_MOST_NS  (2400 * NS_PER_S)
/* Between calls of a client: two with the same peer are then two flows (D1). */
#define APART_NS     (PAUSE_NS + 20 * NS_PER_S)
#define SETTLING_NS  (900 * NS_PER_S) /* nobody calls in the first minutes, in which contacts are met */
#define CALLER_STAYS (7200 * NS_PER_S)
#define SAME_CONTACT 8U /* calls in a row at most */
/* RMM III.A: in 20 % of the clients signalling is less than 99 %, in 5 % it is only 5 %: one caller in four
 * has most of the calls. */
#define HEAVY_ONE_IN 4U
#define HEAVY_WEIGHT 7.0

struct caller {
	uint32_t client, calls;
	double weight;
};

static bool can_call(const struct plan_client *c)
{
	return !c->supernode && c->until_ns - c->from_ns >= CALLER_STAYS;
}

/* Selection sampling: so many of those who can, each as likely as the others. */
static uint32_t choose_callers(const struct plan *plan, struct caller *caller, struct rng *rng)
{
	uint32_t wanted = (uint32_t)(plan->clients * plan->model->callers + 0.5), count = 0, left = 0;

	for (uint32_t i = 0; i < plan->clients; i++)
		left += can_call(&plan->client[i]);
	for (uint32_t i = 0; i < plan->clients && count < wanted; i++) {
		if (!can_call(&plan->client[i]) || rng_below(rng, left--) >= wanted - count)
			continue;
		double weight = rng_one_in(rng, HEAVY_ONE_IN) ? HEAVY_WEIGHT : 1;
		caller[count++] = (struct caller){ .client = i, .weight = weight };
	}
	return count;
}

/* Who comes last gets what the others had no time for. */
static void longest_last(const struct plan *plan, struct caller *caller, uint32_t callers)
{
	for (uint32_t i = 0; i + 1 < callers; i++) {
		const struct plan_client *c = &plan->client[caller[i].client];
		struct caller last = caller[callers - 1];
		if (c->until_ns - c->from_ns <=
		    plan->client[last.client].until_ns - plan->client[last.client].from_ns)
			continue;
		caller[callers - 1] = caller[i];
		caller[i] = last;
	}
}

static int64_t call_lasts(const struct population *p, struct rng *rng)
{
	double mean_s = p->call_packets / 2 / codec_mean_rate();
	int64_t lasts = RINGING_NS / 2 + (int64_t)(-chance_log(chance_unit(rng)) * mean_s * (double)NS_PER_S);

	return lasts < CALL_LEAST_NS ? CALL_LEAST_NS : lasts > CALL_MOST_NS ? CALL_MOST_NS : lasts;
}

/* A pair of the client whose signalling fits before `until`; NULL: there is none. */
static struct plan_pair *find_contact(struct plan *plan, const struct plan_client *c, int64_t until,
				      struct rng *rng)
{
	uint32_t begin = rng_below(rng, c->pairs);

	for (uint32_t i = 0; i < c->pairs; i++) {
		struct plan_pair *p = &plan->pair[c->first_pair + (begin + i) % c->pairs];
		bool taken = p->until_ns != c->until_ns;
		if (p->class == CLASS_DIALOG && !taken && c->from_ns + plan_pair_needs(p) < until)
			return p;
	}
	return NULL;
}

static void settle_before(struct plan_pair *p, const struct plan_client *c, int64_t until, struct rng *rng)
{
	int64_t latest = until - plan_pair_needs(p);

	p->until_ns = until;
	if (p->from_ns > latest)
		p->from_ns = c->from_ns + (int64_t)(chance_unit(rng) * (double)(latest - c->from_ns));
}

static int by_time(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return (a > b) - (a < b);
}

/* `calls` of them at random times that do not touch: points on what is left when their own times are cut out.
 */
static uint32_t place_calls(struct plan *plan, const struct caller *caller, int64_t *point, struct rng *rng)
{
	const struct plan_client *c = &plan->client[caller->client];
	int64_t begins = c->from_ns + SETTLING_NS, room = c->until_ns - begins - APART_NS, used = 0;
	struct plan_pair *contact = NULL;
	struct plan_call *call = plan->call + plan->calls;
	uint32_t calls = 0, in_a_row = 0;

	for (; calls < caller->calls; calls++) {
		int64_t lasts = call_lasts(plan->model, rng);
		if (lasts + APART_NS > room)
			break;
		room -= lasts + APART_NS;
		call[calls] = (struct plan_call){ .until_ns = lasts, .codec = (uint8_t)codec_draw(rng) };
	}
	for (uint32_t i = 0; i < calls; i++)
		point[i] = (int64_t)(chance_unit(rng) * (double)room);
	qsort(point, calls, sizeof *point, by_time);
	for (uint32_t i = 0; i < calls; i++) {
		int64_t lasts = call[i].until_ns;
		call[i].from_ns = begins + point[i] + used;
		call[i].until_ns = call[i].from_ns + lasts;
		call[i].from_near = rng_below(rng, 100) < 60;
		used += lasts + APART_NS;
		if (!contact || in_a_row == 0) {
			contact = find_contact(plan, c, call[i].from_ns - APART_NS, rng);
			if (!contact)
				return i;
			settle_before(contact, c, call[i].from_ns - APART_NS, rng);
			in_a_row = rng_between(rng, 1, SAME_CONTACT);
		}
		call[i].pair = (uint32_t)(contact - plan->pair);
		in_a_row--;
	}
	return calls;
}

bool plan_calls(struct plan *plan, struct rng *rng, struct error *err)
{
	uint32_t wanted = population_count(plan->model, plan->model->calls), left = wanted;
	struct caller *caller = calloc(plan->clients + 1U, sizeof *caller);
	int64_t *point = calloc(wanted + 1U, sizeof *point);
	double sum = 0;

	plan->call = calloc(wanted + 1U, sizeof *plan->call);
	if (!caller || !point || !plan->call) {
		free(caller);
		free(point);
		return error_memory(err, "the population");
	}
	uint32_t callers = choose_callers(plan, caller, rng);
	longest_last(plan, caller, callers);
	for (uint32_t i = 0; i < callers; i++)
		sum += caller[i].weight;
	/* What somebody has no time for, those after him have. */
	for (uint32_t i = 0; i < callers; i++) {
		double share = left * caller[i].weight / sum;
		caller[i].calls = i + 1 == callers ? left : (uint32_t)(share + chance_unit(rng));
		caller[i].calls = caller[i].calls > left ? left : caller[i].calls;
		sum -= caller[i].weight;
		uint32_t placed = place_calls(plan, &caller[i], point, rng);
		plan->calls += placed;
		left -= placed;
	}
	free(caller);
	free(point);
	return true;
}
