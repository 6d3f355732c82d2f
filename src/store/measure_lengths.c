/* R4, R5, R8: lengths and durations of source flows, and payload sizes, of signalling over UDP. */
#include "store/measure.h"
#include <stdlib.h>

struct lengths {
	const struct measure_setup *setup;
	uint64_t sizes_missing; /* messages beyond the log of their flow */
};

static void *begin(const struct measure_setup *setup, struct error *err)
{
	struct lengths *l = calloc(1, sizeof *l);

	if (!l)
		error_memory(err, "the flow lengths");
	else
		l->setup = setup;
	return l;
}

static bool add(struct lengths *l, const struct labelled_flow *f, enum measure_name measure, int64_t value,
		struct error *err)
{
	return distributions_add(l->setup->distributions, f->protocol, measure, measure_class_of(f), value, 1,
				 err);
}

static bool add_side(struct lengths *l, const struct labelled_flow *f, const struct flow_side *side,
		     struct error *err)
{
	return side->packets == 0 ||
	       (add(l, f, MEASURE_source_flow_packets, (int64_t)side->packets, err) &&
		add(l, f, MEASURE_source_flow_us, (side->last_ns - side->first_ns + 500) / 1000, err));
}

static bool add_sizes(struct lengths *l, const struct labelled_flow *f, struct error *err)
{
	const struct flow_record *r = f->r;
	uint64_t messages = (uint64_t)r->side[0].messages + r->side[1].messages, known = r->sizes;
	bool ok = true;

	for (uint32_t i = 0; ok && i < r->sizes; i++) {
		bool out = labelled_is_out(f, (enum direction)f->log[i].dir);
		ok = add(l, f, out ? MEASURE_payload_out : MEASURE_payload_in, f->log[i].size, err);
	}
	/* No log: nothing in the flow looked like the protocol. Its first sizes are known all the same. */
	for (int dir = 0; ok && r->sizes == 0 && dir < 2; dir++) {
		if (r->side[dir].messages == 0)
			continue;
		bool out = labelled_is_out(f, (enum direction)dir);
		ok = add(l, f, out ? MEASURE_payload_out : MEASURE_payload_in, r->side[dir].first_size, err);
		known++;
	}
	l->sizes_missing += messages > known ? messages - known : 0;
	return ok;
}

static bool flow(void *self, const struct labelled_flow *f, struct error *err)
{
	struct lengths *l = self;

	if (f->media || f->r->l4 != IPPROTO_UDP)
		return true;
	return add_side(l, f, labelled_out(f), err) && add_side(l, f, labelled_in(f), err) &&
	       add_sizes(l, f, err);
}

static bool put(void *self, struct sink *sink, struct problems *problems, struct error *err)
{
	const struct lengths *l = self;
	const struct counter_row row = { "bounds", "sizes_missing",
					 "messages whose size is missing from the payload-size figure (R8)",
					 l->sizes_missing };

	(void)problems;
	return sink->ops->put_counter(sink, &row, err);
}

const struct measurement measure_lengths = { .begin = begin, .flow = flow, .put = put, .drop = free };
