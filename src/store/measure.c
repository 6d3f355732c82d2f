/* Runs the measurements; see measure.h. */
#include "store/measure.h"
#include <stdlib.h>

#define MEASUREMENT(name) extern const struct measurement measure_##name;
#include "store/measures.h"
#undef MEASUREMENT

static const struct measurement *const measurements[] = {
#define MEASUREMENT(name) &measure_##name,
#include "store/measures.h"
#undef MEASUREMENT
};
#define MEASUREMENTS (sizeof measurements / sizeof measurements[0])

struct measure {
	const struct measure_setup *setup;
	void *self[MEASUREMENTS];
};

struct measure *measure_new(const struct measure_setup *setup, struct error *err)
{
	struct measure *m = calloc(1, sizeof *m);

	if (!m) {
		error_memory(err, "the measurements");
		return NULL;
	}
	m->setup = setup;
	for (size_t i = 0; i < MEASUREMENTS; i++) {
		m->self[i] = measurements[i]->begin(setup, err);
		if (!m->self[i]) {
			measure_free(m);
			return NULL;
		}
	}
	return m;
}

void measure_free(struct measure *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < MEASUREMENTS; i++)
		if (m->self[i])
			measurements[i]->drop(m->self[i]);
	free(m);
}

bool measure_survey(struct measure *m, const struct labelled_flow *f, struct error *err)
{
	for (size_t i = 0; i < MEASUREMENTS; i++)
		if (measurements[i]->survey && !measurements[i]->survey(m->self[i], f, err))
			return false;
	return true;
}

bool measure_flow(struct measure *m, const struct labelled_flow *f, struct error *err)
{
	for (size_t i = 0; i < MEASUREMENTS; i++)
		if (measurements[i]->flow && !measurements[i]->flow(m->self[i], f, err))
			return false;
	return true;
}

bool measure_host_flow(struct measure *m, const struct flow_record *r, struct error *err)
{
	for (size_t i = 0; i < MEASUREMENTS; i++)
		if (measurements[i]->host_flow && !measurements[i]->host_flow(m->self[i], r, err))
			return false;
	return true;
}

static bool put_distributions(const struct measure *m, struct sink *sink, struct problems *problems,
			      struct error *err)
{
	struct distributions *d = m->setup->distributions;

	distributions_sort(d);
	for (uint32_t i = 0; i < d->values; i++) {
		const struct distribution_value *v = &d->value[i];
		const struct distribution_row row = { protocols[v->protocol]->name, measure_names[v->measure],
						      measure_class_names[v->class], v->value, v->count };
		if (!sink->ops->put_distribution(sink, &row, err))
			return false;
	}
	if (d->refused)
		problems_add(problems,
			     "the distributions have more than %u different values: %llu more are left out",
			     DISTRIBUTION_VALUES_MAX, (unsigned long long)d->refused);
	return true;
}

static bool put_messages(const struct measure *m, struct sink *sink, struct problems *problems,
			 struct error *err)
{
	struct kept_messages *k = m->setup->kept;

	kept_messages_sort(k);
	for (uint32_t i = 0; i < k->flows; i++) {
		const struct kept_flow *f = &k->flow[i];
		struct message_reader reader =
			message_reader_on(k->message + f->start, f->count, f->log_from_ns);
		struct message at;
		for (uint32_t n = 1; message_next(&reader, &at); n++) {
			const struct message_row row = { f->flow, n, at.ns, at.dir, at.size };
			if (!sink->ops->put_message(sink, &row, err))
				return false;
		}
	}
	if (k->refused)
		problems_add(problems, "%llu flows of charts and activity plots are without their messages",
			     (unsigned long long)k->refused);
	return true;
}

bool measure_put(struct measure *m, struct sink *sink, struct problems *problems, struct error *err)
{
	for (size_t i = 0; i < MEASUREMENTS; i++)
		if (measurements[i]->put && !measurements[i]->put(m->self[i], sink, problems, err))
			return false;
	return put_distributions(m, sink, problems, err) && put_messages(m, sink, problems, err);
}
