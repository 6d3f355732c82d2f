/* Round trips by echoed ids and by first replies; see round_trips.h. */
#include "behave/round_trips.h"
#include "base/row_index.h"
#include <stdlib.h>

#define COPY_TICKS (FLOW_DUPLICATE_NS / MESSAGE_TICK_NS)

const char *const round_trip_sample_names[ROUND_TRIP_SAMPLE_COUNT] = {
#define X(name, words) #name,
	ROUND_TRIP_SAMPLES(X)
#undef X
};
const char *const round_trip_sample_words[ROUND_TRIP_SAMPLE_COUNT] = {
#define X(name, words) words,
	ROUND_TRIP_SAMPLES(X)
#undef X
};

void round_trips_drop(struct round_trips *t)
{
	free(t->trip);
	*t = (struct round_trips){ 0 };
}

bool round_trips_add(struct round_trips *t, const struct occurrence *o, struct error *err)
{
	int64_t asked_ns = o->event.of.round_trip.asked_ns;

	if (o->event.of.round_trip.repeated || o->ts_ns < asked_ns)
		return true;
	if (t->of[o->protocol] >= ROUND_TRIPS_MAX) {
		t->refused++;
		return true;
	}
	void *rows = t->trip;
	bool room = rows_reserve(&rows, t->trips, &t->room, sizeof *t->trip);
	t->trip = rows;
	if (!room)
		return error_memory(err, "a round trip");
	t->of[o->protocol]++;
	t->trip[t->trips++] = (struct round_trip){
		.flow = o->flow,
		.packet = o->packet,
		.asked_ns = asked_ns,
		.ns = o->ts_ns - asked_ns,
		.question = o->event.of.round_trip.question,
		.reply = o->event.of.round_trip.reply,
		.protocol = o->protocol,
		.dir = o->dir == TO_RESPONDER ? TO_INITIATOR : TO_RESPONDER,
	};
	return true;
}

static int by_flow(const void *x, const void *y)
{
	const struct round_trip *a = x, *b = y;

	if (a->flow != b->flow)
		return a->flow < b->flow ? -1 : 1;
	if (a->packet != b->packet)
		return a->packet < b->packet ? -1 : 1;
	return a->protocol - b->protocol;
}

void round_trips_sort(struct round_trips *t)
{
	if (t->trips)
		qsort(t->trip, t->trips, sizeof *t->trip, by_flow);
}

struct round_trip *round_trips_of(const struct round_trips *t, uint64_t flow, uint32_t *count)
{
	uint32_t low = 0, high = t->trips;

	*count = 0;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (t->trip[middle].flow < flow)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + *count < t->trips && t->trip[low + *count].flow == flow)
		++*count;
	return *count ? &t->trip[low] : NULL;
}

/* Steps over what the span port has copied; they are the same message to a client and its peer. */
static bool next_message(const struct labelled_flow *f, uint32_t *at)
{
	const struct logged_message *last = &f->log[*at];

	while (++*at < f->r->sizes) {
		const struct logged_message *m = &f->log[*at];
		bool copy = f->r->duplicates && m->dir == last->dir && m->size == last->size &&
			    m->gap <= COPY_TICKS;
		if (!copy)
			return true;
	}
	return false;
}

/* The client asked first: the times are those of the sides, to the nanosecond. */
static enum round_trip_sample sample_of_own(const struct labelled_flow *f, bool logged, int64_t *ns)
{
	const struct flow_side *out = labelled_out(f), *in = labelled_in(f);
	uint32_t at = 0;

	if (in->packets == 0)
		return ROUND_TRIP_no_reply;
	bool alone = logged ? next_message(f, &at) && !labelled_is_out(f, (enum direction)f->log[at].dir)
			    : out->packets == 1;
	if (!alone)
		return ROUND_TRIP_ambiguous;
	/* A fragment of that datagram was there before the question (packet.early_ns). */
	if (in->first_ns < out->first_ns)
		return ROUND_TRIP_disordered;
	*ns = in->first_ns - out->first_ns;
	return ROUND_TRIP_reply;
}

/* The peer began: the client's first message, and the one behind it. Times are those of the log. */
static enum round_trip_sample sample_of_peers(const struct labelled_flow *f, bool logged, int64_t *ns)
{
	uint32_t at = 0;
	int64_t ticks = 0;

	if (labelled_out(f)->packets == 0 || (!logged && labelled_in(f)->packets == 1))
		return ROUND_TRIP_no_reply;
	if (!logged)
		return ROUND_TRIP_ambiguous;
	while (!labelled_is_out(f, (enum direction)f->log[at].dir))
		if (!next_message(f, &at))
			return ROUND_TRIP_no_reply;
	uint32_t asked = at;
	if (!next_message(f, &at))
		return ROUND_TRIP_no_reply;
	if (labelled_is_out(f, (enum direction)f->log[at].dir))
		return labelled_in(f)->last_ns > labelled_out(f)->first_ns ? ROUND_TRIP_ambiguous
									   : ROUND_TRIP_no_reply;
	for (uint32_t i = asked + 1; i <= at; i++)
		ticks += f->log[i].gap;
	*ns = ticks * MESSAGE_TICK_NS;
	return ROUND_TRIP_reply;
}

enum round_trip_sample round_trip_of_flow(const struct labelled_flow *f, struct round_trip *trip,
					  uint32_t trips, int64_t *ns)
{
	bool echoed = false;

	for (uint32_t i = 0; i < trips; i++) {
		if (trip[i].protocol != f->protocol || !labelled_is_out(f, (enum direction)trip[i].dir))
			continue;
		if (!echoed)
			*ns = trip[i].ns;
		echoed = true;
		trip[i].client = f->client;
	}
	if (echoed)
		return ROUND_TRIP_echo;
	/* A log that does not begin with the flow's first packet tells nothing of what came before the first
	 * reply: there the protocol was seen late, or never. */
	bool logged = f->r->sizes > 0 && f->log[0].gap == 0 && f->log[0].dir == TO_RESPONDER;
	if (f->r->disordered)
		return ROUND_TRIP_disordered;
	return f->client_is_initiator ? sample_of_own(f, logged, ns) : sample_of_peers(f, logged, ns);
}
