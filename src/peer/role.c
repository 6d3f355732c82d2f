/* The roles of a scenario and its events. */
#include "peer/role.h"
#include <stdlib.h>
#include <string.h>

#define ROLE(kind, name) extern const struct role_kind name;
#include "peer/roles.h"
#undef ROLE

#define ROLE(kind, name) [kind] = &name,
const struct role_kind *const role_kinds[PARTY_KINDS] = {
#include "peer/roles.h"
};
#undef ROLE

struct cast {
	const struct scenario *scenario;
	struct role **role; /* by party.number; NULL: played by somebody else */
	bool failed;
	struct error error;
};

/* FNV-1a, 64 bits (draft-eastlake-fnv-17): a name is a few bytes, and each must count. */
static uint64_t name_hash(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	return hash;
}

static bool add_role(struct cast *cast, const struct party *party, struct net *net, uint64_t seed,
		     struct error *err)
{
	const struct role_kind *kind = role_kinds[party->kind];
	struct role *role = calloc(1, kind->size);

	if (!role)
		return error_memory(err, "a role");
	role->kind = kind;
	role->party = party;
	role->scenario = cast->scenario;
	role->net = net;
	role->rng = rng_seeded(seed ^ name_hash(party->name));
	cast->role[party->number] = role;
	return true;
}

static void on_event(void *self, uint64_t what)
{
	struct cast *cast = self;
	const struct event *event = &cast->scenario->event[what];
	const struct party *const named[] = { event->who, event->whom, event->via };

	for (unsigned i = 0; i < sizeof named / sizeof named[0]; i++) {
		struct role *role = named[i] ? cast->role[named[i]->number] : NULL;

		if (cast->failed || !role || !role->kind->event)
			continue;
		if (!role->kind->event(role, event, &cast->error))
			cast->failed = true;
	}
}

static bool begin_all(struct cast *cast, struct net *net, struct error *err)
{
	const struct scenario *s = cast->scenario;
	int64_t late = net_now(net) - s->begins_ns; /* over real sockets, some time has passed */

	for (size_t i = 0; i < s->parties; i++)
		if (cast->role[i] && !cast->role[i]->kind->begin(cast->role[i], err))
			return false;
	for (size_t i = 0; i < s->events; i++)
		net_after(net, s->event[i].at_ns > late ? s->event[i].at_ns - late : 0, on_event, cast, i);
	return true;
}

struct cast *cast_new(const struct scenario *scenario, const struct party *const *parties, size_t count,
		      struct net *net, uint64_t seed, struct error *err)
{
	struct cast *cast = calloc(1, sizeof *cast);
	bool made = true;

	if (cast)
		cast->role = calloc(scenario->parties + 1, sizeof(struct role *));
	if (!cast || !cast->role) {
		free(cast);
		error_memory(err, "the roles");
		return NULL;
	}
	cast->scenario = scenario;
	for (size_t i = 0; made && i < (parties ? count : scenario->parties); i++)
		made = add_role(cast, parties ? parties[i] : &scenario->party[i], net, seed, err);
	if (made && begin_all(cast, net, err))
		return cast;
	cast_free(cast);
	return NULL;
}

void cast_free(struct cast *cast)
{
	if (!cast)
		return;
	for (size_t i = 0; i < cast->scenario->parties; i++) {
		struct role *role = cast->role[i];

		if (role && role->kind->free)
			role->kind->free(role);
		free(role);
	}
	free(cast->role);
	free(cast);
}

const struct error *cast_failed(const struct cast *cast)
{
	return cast->failed ? &cast->error : NULL;
}
