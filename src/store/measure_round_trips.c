/* R11: round trips of signalling over UDP, and the rows of those that an echoed id gives. */
#include "store/measure.h"
#include <stdlib.h>

struct measured_trips {
	const struct measure_setup *setup;
	uint64_t flows[ROUND_TRIP_SAMPLE_COUNT];
	uint64_t unlooked; /* messages behind the last look of the dissector that would see an echo */
};

static void *begin(const struct measure_setup *setup, struct error *err)
{
	struct measured_trips *t = calloc(1, sizeof *t);

	if (!t)
		error_memory(err, "the round trips");
	else
		t->setup = setup;
	return t;
}

/* Dissectors look at the first messages of a flow only. */
static uint64_t messages_unlooked(const struct labelled_flow *f)
{
	uint64_t messages = (uint64_t)f->r->side[0].messages + f->r->side[1].messages, looks = 0;

	for (uint32_t left = f->r->matched; left; left &= left - 1) {
		const struct dissector *d = dissectors[__builtin_ctz(left)];
		if (d->protocol == protocols[f->protocol] && d->patience > looks)
			looks = d->patience;
	}
	return looks && messages > looks ? messages - looks : 0;
}

static bool flow(void *self, const struct labelled_flow *f, struct error *err)
{
	struct measured_trips *t = self;
	uint32_t trips;
	int64_t ns;

	if (f->media || f->r->l4 != IPPROTO_UDP)
		return true;
	struct round_trip *trip = round_trips_of(t->setup->round_trips, f->r->first_packet, &trips);
	enum round_trip_sample sample = round_trip_of_flow(f, trip, trips, &ns);
	t->flows[sample]++;
	t->unlooked += messages_unlooked(f);
	if (sample != ROUND_TRIP_echo && sample != ROUND_TRIP_reply)
		return true;
	enum measure_name measure =
		sample == ROUND_TRIP_echo ? MEASURE_round_trip_echo_us : MEASURE_round_trip_reply_us;
	return distributions_add(t->setup->distributions, f->protocol, measure, measure_class_of(f),
				 (ns + 500) / 1000, 1, err);
}

static bool put_rows(const struct round_trips *known, struct sink *sink, struct error *err)
{
	for (uint32_t i = 0; i < known->trips; i++) {
		const struct round_trip *trip = &known->trip[i];
		const struct round_trip_row row = {
			.packet = trip->packet,
			.flow = trip->flow,
			.protocol = protocols[trip->protocol]->name,
			.client = trip->client,
			.asked_ns = trip->asked_ns,
			.round_trip_ns = trip->ns,
			.question = trip->question,
			.reply = trip->reply,
		};
		if (trip->client && !sink->ops->put_round_trip(sink, &row, err))
			return false;
	}
	return true;
}

static bool put(void *self, struct sink *sink, struct problems *problems, struct error *err)
{
	const struct measured_trips *t = self;
	const struct round_trips *known = t->setup->round_trips;
	const struct counter_row bounds[] = {
		{ "bounds", "refused_round_trips", "message ids that came back, beyond the bound (R11)",
		  known->refused },
		{ "bounds", "round_trips_unlooked",
		  "late messages of long signalling flows, in which echoed ids are not looked for (R11)",
		  t->unlooked },
	};

	for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++)
		if (!sink->ops->put_counter(sink, &bounds[i], err))
			return false;
	for (unsigned i = 0; i < ROUND_TRIP_SAMPLE_COUNT; i++) {
		const struct counter_row row = { "round_trips", round_trip_sample_names[i],
						 round_trip_sample_words[i], t->flows[i] };
		if (!sink->ops->put_counter(sink, &row, err))
			return false;
	}
	if (known->refused)
		problems_add(problems,
			     "%llu message ids that came back are beyond the bound: their flows' round trips "
			     "are those of the first reply",
			     (unsigned long long)known->refused);
	return put_rows(known, sink, err);
}

const struct measurement measure_round_trips = { .begin = begin, .flow = flow, .put = put, .drop = free };
