/* A scenario that was read: who is who, and where. */
#include "peer/scenario_read.h"
#include <stdlib.h>
#include <string.h>

const char *network_name(enum network network)
{
	static const char *const names[NETWORK_COUNT] = { "public", "port-restricted nat", "udp-restricted" };

	return names[network];
}

void scenario_free(struct scenario *s)
{
	struct scenario_file *f = (struct scenario_file *)s; /* its first member */

	if (!f)
		return;
	for (size_t i = 0; i < s->parties; i++) {
		free(s->party[i].cache);
		free(s->party[i].contacts);
	}
	population_free(s->population);
	free(s->party);
	free(s->event);
	free(f->text.bytes);
	free(f->text.section);
	free(f->text.line);
	free(f->path);
	free(f->name);
	free(f->local_net);
	free(f->group);
	free(f->by_name);
	free(f->by_address);
	free(f);
}

uint32_t *scenario_name_slot(const struct scenario_file *f, const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (const char *at = name; *at; at++)
		hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
	for (size_t i = (size_t)(hash ^ hash >> 32) % NAME_SLOTS;; i = (i + 1) % NAME_SLOTS) {
		uint32_t number = f->by_name[i];
		if (number == 0 || strcmp(f->scenario.party[number - 1].name, name) == 0)
			return &f->by_name[i];
	}
}

const struct party *scenario_party(const struct scenario *s, const char *name)
{
	uint32_t number = *scenario_name_slot((const struct scenario_file *)s, name);

	return number ? &s->party[number - 1] : NULL;
}

const struct party *scenario_party_at(const struct scenario *s, struct endpoint e)
{
	const struct scenario_file *f = (const struct scenario_file *)s;
	size_t low = 0, high = f->places;

	/* The first place that is not before e; of a host (port 0) its first. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct endpoint at = f->by_address[middle].at;
		if (at.ip < e.ip || (at.ip == e.ip && at.port < e.port))
			low = middle + 1;
		else
			high = middle;
	}
	if (low == f->places)
		return NULL;
	const struct scenario_place *found = &f->by_address[low];
	return found->at.ip == e.ip && (e.port == 0 || found->at.port == e.port) ? found->party : NULL;
}

static bool is_listed(const struct party *const *list, size_t count, const struct party *p)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == p)
			return true;
	return false;
}

bool party_is_stranger(const struct party *me, const struct party *p)
{
	return p->kind == PARTY_NODE && !is_listed(me->cache, me->cache_count, p) &&
	       !is_listed(me->contacts, me->contact_count, p);
}
