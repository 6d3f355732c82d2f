/* R2: peers per client in 5 minutes. */
#include "store/measure.h"
#include "behave/contacts.h"
#include <inttypes.h>
#include <stdlib.h>

struct measured_contacts {
	struct distributions *distributions;
	struct contacts *contacts;
};

static void drop(void *self)
{
	struct measured_contacts *m = self;

	contacts_free(m->contacts);
	free(m);
}

static void *begin(const struct measure_setup *setup, struct error *err)
{
	struct measured_contacts *m = calloc(1, sizeof *m);

	if (!m) {
		error_memory(err, "the contacts");
		return NULL;
	}
	m->distributions = setup->distributions;
	m->contacts = contacts_new(setup->client, setup->clients, pair_table_count(setup->pairs),
				   setup->idle_ns, err);
	if (m->contacts)
		return m;
	drop(m);
	return NULL;
}

static bool flow(void *self, const struct labelled_flow *f, struct error *err)
{
	struct measured_contacts *m = self;

	(void)err;
	if (f->pair)
		contacts_add(m->contacts, f);
	return true;
}

static bool put(void *self, struct sink *sink, struct problems *problems, struct error *err)
{
	struct measured_contacts *m = self;
	uint32_t refused = contacts_refused(m->contacts);

	(void)sink;
	if (refused)
		problems_add(problems,
			     "%" PRIu32 " clients lived too long for the peers per 5 minutes (R2), which are"
			     " without them",
			     refused);
	return contacts_distribute(m->contacts, m->distributions, err);
}

const struct measurement measure_contacts = { .begin = begin, .flow = flow, .put = put, .drop = drop };
