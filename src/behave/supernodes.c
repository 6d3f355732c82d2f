/* See supernodes.h. */
#include "behave/supernodes.h"
#include "base/clock.h"
#include <stdlib.h>

#define DAY_NS (86400 * NS_PER_S)

void supernode_table_drop(struct supernode_table *t)
{
	row_index_drop(&t->index);
	free(t->row);
	*t = (struct supernode_table){ .key = t->key };
}

static struct supernode_contact *contact_of(struct supernode_table *t, const struct labelled_flow *f,
					    int64_t ns, struct error *err)
{
	const struct {
		struct ip ip;
		int64_t day_ns;
		uint32_t client, port;
	} key = { f->remote->ip, time_periods(ns, DAY_NS) * DAY_NS, f->client, f->remote->port };
	_Static_assert(sizeof key == 32, "hashed as bytes: no padding");
	uint64_t hash = hash_words(&t->key, &key, sizeof key);
	uint32_t at = 0, i;

	while ((i = row_index_probe(&t->index, hash, &at)) != ROW_NONE) {
		struct supernode_contact *c = &t->row[i];
		if (c->client == key.client && c->day_ns == key.day_ns && endpoint_equal(&c->node, f->remote))
			return c;
	}
	if (t->rows >= SUPERNODE_CONTACTS_MAX) {
		t->refused++;
		return NULL;
	}
	void *rows = t->row;
	bool room = rows_reserve(&rows, t->rows, &t->room, sizeof *t->row);
	t->row = rows;
	if (!room || !row_index_add(&t->index, hash, t->rows)) {
		error_memory(err, "the supernodes");
		return NULL;
	}
	t->row[t->rows] = (struct supernode_contact){ .client = f->client,
						      .protocol = f->protocol,
						      .node = *f->remote,
						      .day_ns = key.day_ns,
						      .first_ns = ns };
	return &t->row[t->rows++];
}

bool supernode_table_flow(struct supernode_table *t, const struct labelled_flow *f, struct error *err)
{
	const struct flow_record *r = f->r;
	/* The connection of somebody else to a client that is a supernode itself is none of the client's. */
	bool opened = r->l4 == IPPROTO_TCP && r->role == ROLE_supernode && f->client_is_initiator;
	/* The flows of a pair follow each other: in one of them it was taken in. */
	bool accepted = f->pair && f->pair->accepted && r->first_ns <= f->pair->accepted_ns &&
			f->pair->accepted_ns <= r->last_ns;
	uint64_t refused = t->refused;

	if (!opened && !accepted)
		return true;
	int64_t ns = opened ? r->first_ns : f->pair->accepted_ns;
	struct supernode_contact *c = contact_of(t, f, ns, err);
	if (!c)
		return t->refused > refused;
	c->first_ns = ns < c->first_ns ? ns : c->first_ns;
	c->connections += opened;
	c->connected += supernode_works(f);
	c->accepted |= accepted;
	return true;
}
