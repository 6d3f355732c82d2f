/* What is wrong only in the whole: addresses that are taken, and networks that a monitor could not tell
 * apart. */
#include "peer/scenario_read.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int place_compare(const void *a, const void *b)
{
	const struct scenario_place *x = a, *y = b;

	if (x->at.ip != y->at.ip)
		return x->at.ip < y->at.ip ? -1 : 1;
	if (x->at.port != y->at.port)
		return x->at.port < y->at.port ? -1 : 1;
	return x->party->number < y->party->number ? -1 : x->party->number > y->party->number;
}

static bool is_own(const struct scenario_place *place) /* not that of the NAT before it */
{
	return place->at.ip == place->party->address.ip;
}

static bool places_sort(struct reading *r)
{
	struct scenario_file *f = r->file;
	const struct scenario *s = r->scenario;

	f->by_address = calloc(2 * s->parties + 1, sizeof *f->by_address);
	if (!f->by_address)
		return error_memory(r->err, "the scenario");
	for (size_t i = 0; i < s->parties; i++) {
		const struct party *p = &s->party[i];
		f->by_address[f->places++] = (struct scenario_place){ p->address, p };
		if (p->public_ip != p->address.ip)
			f->by_address[f->places++] = (struct scenario_place){ party_public(p), p };
	}
	qsort(f->by_address, f->places, sizeof *f->by_address, place_compare);
	for (size_t i = 1; i < f->places; i++) {
		const struct scenario_place *a = &f->by_address[i - 1], *b = &f->by_address[i];
		bool same = endpoint_equal(a->at, b->at);
		char text[ENDPOINT_TEXT];
		/* Several may be behind a NAT, but its address is nobody's own: that would be in it. */
		if (!same && (a->at.ip != b->at.ip || is_own(a) == is_own(b)))
			continue;
		endpoint_format((struct endpoint){ b->at.ip, same ? b->at.port : 0 }, text);
		unsigned line = r->note[b->party->number].line;
		if (same)
			return scenario_wrong(r, line, "%s and %s have the same address %s", a->party->name,
					      b->party->name, text);
		return scenario_wrong(r, line, "the NAT of %s has the address of %s, %s; give it another one",
				      (is_own(a) ? b : a)->party->name, (is_own(a) ? a : b)->party->name,
				      text);
	}
	return true;
}

static bool is_private(uint32_t ip) /* RFC 1918: what a monitor takes for inside by itself */
{
	return ip >> 24 == 10 || ip >> 20 == 0xac1 || ip >> 16 == 0xc0a8;
}

/*
 * Inside parties on private addresses need no option of the monitor, as long as nobody that they talk to
 * outside has one. Else
 * the smallest network that holds them all is named, and nobody outside may be in it.
 */
static bool local_net_find(struct reading *r)
{
	const struct scenario *s = r->scenario;
	uint32_t all = 0, none = UINT32_MAX; /* bits that are set in some, and in all, inside addresses */
	bool plain = true, any = false;
	unsigned length = 32;

	for (size_t i = 0; i < s->parties; i++) {
		const struct party *p = &s->party[i];
		uint32_t ip = p->address.ip;

		if (p->kind == PARTY_NAME_SERVER) /* that of a home is its router */
			continue;
		plain = plain && is_private(ip) == p->inside && ip >> 24 != 127;
		if (!p->inside)
			continue;
		any = true;
		all |= ip;
		none &= ip;
	}
	if (!any || plain)
		return true;
	while (length > 0 && (all ^ none) >> (32 - length) != 0)
		length--;
	uint32_t mask = length ? UINT32_MAX << (32 - length) : 0;
	char net[ENDPOINT_TEXT];
	endpoint_format((struct endpoint){ all & mask, 0 }, net);
	for (size_t i = 0; i < s->parties; i++)
		if (!s->party[i].inside && s->party[i].kind != PARTY_NAME_SERVER &&
		    ((s->party[i].address.ip ^ all) & mask) == 0)
			return scenario_wrong(
				r, r->note[i].line,
				"%s is outside, but in %s/%u, which the inside parties need; give it "
				"an address of another network",
				s->party[i].name, net, length);
	snprintf(r->file->local_net, LOCAL_NET_TEXT, "%s/%u", net, length);
	return true;
}

static bool bootstrap_exists(const struct scenario *s)
{
	for (size_t i = 0; i < s->parties; i++)
		if (s->party[i].kind == PARTY_SUPERNODE && s->party[i].address.port == 33033)
			return true;
	return false;
}

static bool client_check(const struct reading *r, const struct party *p)
{
	unsigned line = r->note[p->number].line;

	if (p->first_run && p->cache_count > 0)
		return scenario_wrong(r, line,
				      "%s runs for the first time, but has a host cache; leave 'cache' out",
				      p->name);
	if (p->inside && p->cache_count == 0 && !bootstrap_exists(r->scenario))
		return scenario_wrong(
			r, line,
			"%s knows no supernode; add 'cache = NAMES', or a [supernode] on port 33033, "
			"which a client knows from the beginning",
			p->name);
	return true;
}

bool scenario_check(struct reading *r)
{
	const struct scenario *s = r->scenario;
	bool inside = s->population != NULL;

	for (size_t i = 0; i < s->parties; i++) {
		inside = inside || s->party[i].inside;
		if (s->party[i].kind == PARTY_CLIENT && !client_check(r, &s->party[i]))
			return false;
	}
	if (s->population && s->parties)
		return scenario_wrong(
			r, r->note[0].line,
			"a scenario is a [population] or parties, not both: a population has its own");
	if (!inside)
		return error_set(r->err, EXIT_INPUT,
				 "%.160s: nobody is inside, so nothing can be seen; add a [client NAME] or a "
				 "[population]",
				 r->file->path);
	if (s->population)
		snprintf(r->file->local_net, LOCAL_NET_TEXT, "%s", POPULATION_NET);
	return places_sort(r) && local_net_find(r);
}
