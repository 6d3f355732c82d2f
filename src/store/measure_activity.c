/* R6: the messages of the clients that an activity plot is drawn of. */
#include "behave/activity.h"
#include "store/measure.h"
#include <stdlib.h>

struct plots {
	const struct measure_setup *setup;
	struct activity *activity;
};

static void drop(void *self)
{
	struct plots *p = self;

	activity_free(p->activity);
	free(p);
}

static void *begin(const struct measure_setup *setup, struct error *err)
{
	struct plots *p = calloc(1, sizeof *p);

	if (!p) {
		error_memory(err, "the activity plots");
		return NULL;
	}
	p->setup = setup;
	p->activity = activity_new(setup->client, setup->clients, setup->calls, setup->options->activity,
				   setup->options->wish, setup->options->wishes, err);
	if (!p->activity) {
		free(p);
		return NULL;
	}
	return p;
}

static bool flow(void *self, const struct labelled_flow *f, struct error *err)
{
	struct plots *p = self;

	return activity_add(p->activity, f, p->setup->kept, err);
}

static bool put_client(struct sink *sink, const struct activity_client *c, uint32_t place, struct error *err)
{
	const struct activity_row row = {
		.place = place,
		.client = c->client,
		.why = activity_words[c->why],
		.first_ns = c->first_ns,
		.peers = c->peers,
		.flows = c->flows,
		.cut = c->cut,
		.left_out = c->left_out,
	};

	if (!sink->ops->put_activity(sink, &row, err))
		return false;
	for (uint32_t i = 0; i < c->flows; i++) {
		const struct activity_flow *f = &c->flow[i];
		const struct activity_flow_row flow_row = { place, f->flow, f->peer, f->client_is_initiator };
		if (!sink->ops->put_activity_flow(sink, &flow_row, err))
			return false;
	}
	return true;
}

static bool put(void *self, struct sink *sink, struct problems *problems, struct error *err)
{
	struct activity *a = ((struct plots *)self)->activity;
	uint64_t left_out = 0;

	if (!activity_sort(a, err))
		return false;
	for (uint32_t i = 0; i < a->count; i++) {
		left_out += a->chosen[i].left_out;
		if (!put_client(sink, &a->chosen[i], i + 1, err))
			return false;
	}
	if (left_out)
		problems_add(problems, "%llu flows are beyond the bound of the activity plots (R6)",
			     (unsigned long long)left_out);
	return true;
}

const struct measurement measure_activity = { .begin = begin, .flow = flow, .put = put, .drop = drop };
