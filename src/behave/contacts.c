/* Peers per client and 5 minutes; see contacts.h. */
#include "behave/contacts.h"
#include "behave/presence.h"
#include <stdlib.h>

struct contacts {
	const struct measured_client *client;
	uint32_t clients, refused;
	int64_t idle_ns;
	size_t *start;   /* by client: of its intervals in `count`; start[i] == start[i + 1]: left out */
	uint32_t *count; /* C(p, i) */
	uint32_t *met;   /* by pair: the last interval that counts it, + 1; 0: none */
};

static size_t intervals_of(const struct measured_client *client)
{
	if (!client->recognised || client->peers == 0)
		return 0;
	return (size_t)((client->last_ns - client->first_ns) / CONTACTS_INTERVAL_NS) + 1;
}

struct contacts *contacts_new(const struct measured_client *client, uint32_t clients, uint32_t pairs,
			      int64_t idle_ns, struct error *err)
{
	struct contacts *c = calloc(1, sizeof *c);

	if (c) {
		*c = (struct contacts){ .client = client, .clients = clients, .idle_ns = idle_ns };
		c->start = calloc(clients + 1U, sizeof *c->start);
		c->met = calloc(pairs + 1U, sizeof *c->met);
	}
	for (uint32_t i = 0; c && c->start && i < clients; i++) {
		size_t intervals = intervals_of(&client[i]);
		if (intervals > CONTACTS_CLIENT_MAX || c->start[i] + intervals > CONTACTS_MAX) {
			intervals = 0;
			c->refused++;
		}
		c->start[i + 1] = c->start[i] + intervals;
	}
	if (c && c->start)
		c->count = calloc(c->start[clients] + 1U, sizeof *c->count);
	if (c && c->met && c->count)
		return c;
	contacts_free(c);
	error_memory(err, "the contacts");
	return NULL;
}

void contacts_free(struct contacts *c)
{
	if (!c)
		return;
	free(c->start);
	free(c->count);
	free(c->met);
	free(c);
}

void contacts_add(struct contacts *c, const struct labelled_flow *f)
{
	size_t start = c->start[f->client - 1];
	int64_t intervals = (int64_t)(c->start[f->client] - start), interval;
	struct presence p =
		presence_of(f, c->client[f->client - 1].first_ns, CONTACTS_INTERVAL_NS, c->idle_ns);
	uint32_t *met = &c->met[f->pair_index];

	while (presence_next(&p, &interval))
		if (interval >= *met && interval < intervals) {
			c->count[start + (size_t)interval]++;
			*met = (uint32_t)interval + 1;
		}
}

bool contacts_distribute(const struct contacts *c, struct distributions *d, struct error *err)
{
	for (uint32_t i = 0; i < c->clients; i++)
		for (size_t k = c->start[i]; k < c->start[i + 1]; k++)
			if (!distributions_add(d, c->client[i].protocol, MEASURE_contacts,
					       c->client[i].internal ? CLASS_INTERNAL : CLASS_EXTERNAL,
					       c->count[k], 1, err))
				return false;
	return true;
}

uint32_t contacts_refused(const struct contacts *c)
{
	return c->refused;
}
