/*
 * When clients are there. RMM say that they run most of the time, and have 16 peers in 5 minutes (Fig. 1)
 * where Table I has 2.5 million flows. A flow makes one contact or, if it is long, one in every 5 minutes:
 * with all of these there are about 3 million contacts, so 185,000 intervals of 16, or 9 hours for each of
 * the 1700 clients, not a week. A client is an address and a port, and addresses of laptops are lent for a
 * day.
 */
#include "peer/population_plan.h"
#include "base/clock.h"

#define HOUR_NS (3600 * NS_PER_S)
#define DAY_NS  (24 * HOUR_NS)

/* 198.18.0.0/15: benchmarking (RFC 2544), a campus whose hosts have public addresses, as that of Torino had.
 */
#define CAMPUS_FIRST UINT32_C(0xc6120000)
#define CAMPUS_HOSTS UINT32_C(0x20000)

enum habit { HABIT_SUPERNODE, HABIT_LAPTOP, HABIT_DESKTOP, HABIT_DAYS };

static int64_t stay_of(enum habit habit, struct rng *rng)
{
	double hours = 0;

	switch (habit) {
	case HABIT_SUPERNODE:
		return INT64_MAX / 2; /* all the time */
	case HABIT_LAPTOP:            /* a few hours of classes */
		hours = 2.5 * chance_exp(0.6 * chance_normal(rng));
		hours = hours < 1 ? 1 + chance_unit(rng) / 2 : hours > 12 ? 12 : hours;
		break;
	case HABIT_DESKTOP: /* a working day */
		hours = chance_between(rng, 5, 9);
		break;
	case HABIT_DAYS: /* never switched off */
		hours = chance_between(rng, 14, 56);
		break;
	}
	return (int64_t)(hours * (double)HOUR_NS);
}

/* By the hours of the day, and the day of the week: 1970-01-01 was a Thursday. */
static int64_t arrival(const struct population *p, int64_t least_ns, int64_t most_ns, struct rng *rng)
{
	double greatest = 0;

	for (unsigned i = 0; i < HOURS; i++)
		greatest = p->hours[i] > greatest ? p->hours[i] : greatest;
	for (unsigned tries = 0;; tries++) {
		int64_t ns = least_ns + (int64_t)(chance_unit(rng) * (double)(most_ns - least_ns));
		int64_t day = time_periods(ns, DAY_NS), hour = (ns - day * DAY_NS) / HOUR_NS;
		unsigned weekday = (unsigned)(((day + 3) % 7 + 7) % 7); /* 0: Monday */
		double chance = p->hours[hour] / greatest * (weekday >= 5 ? p->weekend : 1);
		/* A trace of a Sunday night has clients, too. */
		if (chance_unit(rng) <= chance || tries == 1000)
			return ns;
	}
}

static enum habit habit_of(const struct plan *plan, uint32_t i, uint32_t supernodes)
{
	double others = plan->clients - supernodes, at = i - (double)supernodes + 0.5;

	if (i < supernodes)
		return HABIT_SUPERNODE;
	if (at < others * plan->model->laptops)
		return HABIT_LAPTOP;
	return at < others * (plan->model->laptops + plan->model->desktops) ? HABIT_DESKTOP : HABIT_DAYS;
}

/* Those that were there before the trace begins, or stay after it ends, are cut: but nobody to less than an
 * hour, or the whole trace. */
static void place_in_time(const struct plan *plan, struct plan_client *c, int64_t stay, struct rng *rng)
{
	int64_t all = plan->ends_ns - plan->begins_ns, least = HOUR_NS < all ? HOUR_NS : all;

	if (stay >= all) {
		c->from_ns = plan->begins_ns;
		c->until_ns = plan->ends_ns;
		return;
	}
	do {
		c->from_ns = arrival(plan->model, plan->begins_ns - stay, plan->ends_ns, rng);
		c->until_ns = c->from_ns + stay;
		c->from_ns = c->from_ns > plan->begins_ns ? c->from_ns : plan->begins_ns;
		c->until_ns = c->until_ns < plan->ends_ns ? c->until_ns : plan->ends_ns;
	} while (c->until_ns - c->from_ns < least * 9 / 10);
}

bool plan_clients(struct plan *plan, struct rng *rng, struct error *err)
{
	uint32_t supernodes = population_count(plan->model, plan->model->supernodes);

	if (plan->clients > CAMPUS_HOSTS / 2)
		return error_set(err, EXIT_USAGE, "clients: at most %u fit into 198.18.0.0/15",
				 CAMPUS_HOSTS / 2);
	for (uint32_t i = 0; i < plan->clients; i++) {
		struct plan_client *c = &plan->client[i];
		enum habit habit = habit_of(plan, i, supernodes);
		c->supernode = habit == HABIT_SUPERNODE;
		/* An odd factor: every address once. */
		c->address.ip = CAMPUS_FIRST + ((i * UINT32_C(0x9e37) + 0x100) & (CAMPUS_HOSTS - 1));
		c->address.port =
			(uint16_t)rng_between(rng, 1024, 65535); /* drawn when it was installed (D3) */
		c->id = (uint16_t)rng_next(rng);
		place_in_time(plan, c, stay_of(habit, rng), rng);
	}
	return true;
}
