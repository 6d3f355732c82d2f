/* B8, B15, B16: which supernodes the clients contacted, day by day. */
#include "behave/supernodes.h"
#include "store/measure.h"
#include <stdlib.h>

static void *begin(const struct measure_setup *setup, struct error *err)
{
	struct supernode_table *t = calloc(1, sizeof *t);

	(void)setup;
	if (!t)
		error_memory(err, "the supernodes");
	else
		t->key = hash_key_random();
	return t;
}

static bool flow(void *self, const struct labelled_flow *f, struct error *err)
{
	return supernode_table_flow(self, f, err);
}

static bool put(void *self, struct sink *sink, struct problems *problems, struct error *err)
{
	const struct supernode_table *t = self;
	bool ok = true;

	for (uint32_t i = 0; ok && i < t->rows; i++) {
		const struct supernode_contact *c = &t->row[i];
		const struct supernode_contact_row row = {
			.client = c->client,
			.protocol = protocols[c->protocol]->name,
			.node = c->node,
			.day_ns = c->day_ns,
			.first_ns = c->first_ns,
			.connections = c->connections,
			.connected = c->connected,
			.accepted = c->accepted,
		};
		ok = sink->ops->put_supernode_contact(sink, &row, err);
	}
	if (t->refused)
		problems_add(problems,
			     "there were more than %u contacts of clients with supernodes: %llu connections "
			     "are not counted in B8, B15 and B16",
			     SUPERNODE_CONTACTS_MAX, (unsigned long long)t->refused);
	return ok;
}

static void drop(void *self)
{
	supernode_table_drop(self);
	free(self);
}

const struct measurement measure_supernodes = { .begin = begin, .flow = flow, .put = put, .drop = drop };
