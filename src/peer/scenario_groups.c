/* Groups: [nodes n] are n1, n2, ... with what differs between them drawn by the scenario's own seed. */
#include "base/clock.h"
#include "peer/scenario_read.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_LEAST 1024U /* of those that nodes choose by themselves */

struct group {
	uint64_t count, port[2];
	struct endpoint first, last;
	double answering;
	int64_t distance_ns[2], jitter_ns;
	enum answers answers;
};

bool answers_set(const struct reading *r, const struct scenario_line *l, enum party_kind kind,
		 enum answers *out)
{
	static const char *const words[] = { "accepts", "refers", "tcp", "nothing", NULL };
	int found = value_word(r, l, words);

	if (found < 0)
		return false;
	*out = (enum answers)found;
	if (kind == PARTY_NODE && *out == ANSWERS_ACCEPTS)
		return scenario_wrong(r, l->line,
				      "only a supernode accepts clients; make it [supernode], or write "
				      "'refers', 'tcp' or 'nothing'");
	return true;
}

static bool set_count(struct reading *r, struct group *g, enum party_kind kind, const struct scenario_line *l)
{
	(void)kind;
	return value_count(r, l, SCENARIO_PARTIES_MOST, &g->count);
}

static bool set_addresses(struct reading *r, struct group *g, enum party_kind kind,
			  const struct scenario_line *l)
{
	char first[32];
	size_t dash = strcspn(l->value, "-");

	(void)kind;
	if (!l->value[dash])
		return scenario_wrong(
			r, l->line, "addresses: '%.60s' is no range; write 192.0.2.10-192.0.2.60", l->value);
	snprintf(first, sizeof first, "%.*s", (int)dash, l->value);
	first[strcspn(first, " \t")] = '\0';
	const char *last = l->value + dash + 1 + strspn(l->value + dash + 1, " \t");
	if (!value_address(r, l->line, first, false, &g->first) ||
	    !value_address(r, l->line, last, false, &g->last))
		return false;
	return g->first.ip <= g->last.ip ||
	       scenario_wrong(r, l->line, "addresses: %.60s ends before it begins", l->value);
}

static bool set_port(struct reading *r, struct group *g, enum party_kind kind, const struct scenario_line *l)
{
	char first[16];
	size_t dash = strcspn(l->value, "-");
	struct scenario_line low = { l->key, first, l->line },
			     high = { l->key, l->value + dash + 1, l->line };

	(void)kind;
	snprintf(first, sizeof first, "%.*s", (int)dash, l->value);
	if (!l->value[dash])
		high.value = low.value;
	if (!value_count(r, &low, UINT16_MAX, &g->port[0]) || !value_count(r, &high, UINT16_MAX, &g->port[1]))
		return false;
	return (g->port[0] > 0 && g->port[0] <= g->port[1]) ||
	       scenario_wrong(r, l->line,
			      "port: '%.40s' is none; write one of 1 to 65535, or two with '-' between",
			      l->value);
}

static bool set_answering(struct reading *r, struct group *g, enum party_kind kind,
			  const struct scenario_line *l)
{
	(void)kind;
	return value_share(r, l, &g->answering);
}

static bool set_distance(struct reading *r, struct group *g, enum party_kind kind,
			 const struct scenario_line *l)
{
	(void)kind;
	return value_durations(r, l, g->distance_ns);
}

static bool set_jitter(struct reading *r, struct group *g, enum party_kind kind,
		       const struct scenario_line *l)
{
	(void)kind;
	return value_duration(r, l, 0, 10 * NS_PER_S, &g->jitter_ns);
}

static bool set_answers(struct reading *r, struct group *g, enum party_kind kind,
			const struct scenario_line *l)
{
	return answers_set(r, l, kind, &g->answers);
}

static const struct group_key {
	const char *name;
	bool (*set)(struct reading *r, struct group *g, enum party_kind kind, const struct scenario_line *l);
} keys[] = {
	{ "count", set_count },       { "addresses", set_addresses }, { "port", set_port },
	{ "distance", set_distance }, { "answering", set_answering }, { "jitter", set_jitter },
	{ "answers", set_answers },
};
#define KEYS (sizeof keys / sizeof keys[0])

static bool key_set(struct reading *r, struct group *g, enum party_kind kind, const struct scenario_line *l)
{
	const char *names[KEYS + 1] = { NULL };
	char what[64];

	for (size_t i = 0; i < KEYS; i++) {
		if (strcmp(keys[i].name, l->key) == 0)
			return keys[i].set(r, g, kind, l);
		names[i] = keys[i].name;
	}
	snprintf(what, sizeof what, "key of [%ss]", party_kind_name(kind));
	return scenario_unknown(r, l->line, what, l->key, names);
}

static bool group_check(struct reading *r, const struct group *g, const struct scenario_section *s)
{
	size_t length = strlen(s->name);

	/* Else n1 and 1 would be the same as n and 11. */
	if (length && s->name[length - 1] >= '0' && s->name[length - 1] <= '9')
		return scenario_wrong(r, s->line,
				      "the group's name ends in a digit; its nodes are %s1, %s2, ...",
				      s->name, s->name);
	if (g->count == 0)
		return scenario_wrong(r, s->line, "the group is empty; add 'count = 10'");
	if (g->last.ip == 0)
		return scenario_wrong(r, s->line,
				      "the group has no addresses; add 'addresses = 192.0.2.10-192.0.2.60'");
	if (g->count > (uint64_t)g->last.ip - g->first.ip + 1)
		return scenario_wrong(r, s->line, "%llu nodes do not fit in %u addresses",
				      (unsigned long long)g->count, g->last.ip - g->first.ip + 1);
	return true;
}

static struct rng group_rng(const struct reading *r, const char *name)
{
	uint64_t seed = r->scenario->seed;

	for (; *name; name++)
		seed = (seed ^ (unsigned char)*name) * UINT64_C(0x100000001b3); /* FNV-1a */
	return rng_seeded(seed);
}

/* Exactly the share of them answers; which, is drawn. */
static void silence(struct reading *r, const struct group *g, const struct party_group *made, struct rng *rng)
{
	struct party *p = &r->scenario->party[made->first];
	uint64_t silent = g->count - (uint64_t)((double)g->count * g->answering + 0.5);

	for (uint64_t left = g->count; left > 0; left--)
		if (rng_below(rng, (uint32_t)left) < silent) {
			p[left - 1].answers = ANSWERS_NOTHING;
			silent--;
		}
}

bool scenario_group(struct reading *r, const struct scenario_section *s, enum party_kind kind)
{
	struct group g = { .port = { PORT_LEAST, UINT16_MAX },
			   .answering = 1,
			   .distance_ns = { 40 * NS_PER_MS,
					    300 * NS_PER_MS }, /* RMM Fig. 12: most round trips */
			   .jitter_ns = 2 * NS_PER_MS,
			   .answers = kind == PARTY_SUPERNODE ? ANSWERS_ACCEPTS : ANSWERS_REFERS };
	struct party_group *more;

	for (size_t i = 0; i < s->count; i++)
		if (!key_set(r, &g, kind, &r->file->text.line[s->first + i]))
			return false;
	if (!group_check(r, &g, s))
		return false;
	more = realloc(r->file->group, (r->file->groups + 1) * sizeof *more);
	if (!more)
		return error_memory(r->err, "the scenario");
	r->file->group = more;
	more += r->file->groups;
	*more = (struct party_group){ s->name, r->scenario->parties, g.count };
	struct rng rng = group_rng(r, s->name);
	for (uint64_t i = 0; i < g.count; i++) {
		char name[PARTY_NAME_MAX + 24];
		snprintf(name, sizeof name, "%.*s%llu", PARTY_NAME_MAX, s->name, (unsigned long long)i + 1);
		struct party *p = scenario_party_add(r, name, kind, s->line);
		if (!p)
			return false;
		uint32_t port = rng_between(&rng, (uint32_t)g.port[0], (uint32_t)g.port[1]);
		uint32_t spread_us = (uint32_t)((g.distance_ns[1] - g.distance_ns[0]) / NS_PER_US);
		p->address = (struct endpoint){ g.first.ip + (uint32_t)i, (uint16_t)port };
		p->public_ip = p->address.ip;
		p->distance_ns = g.distance_ns[0] + rng_between(&rng, 0, spread_us) * NS_PER_US;
		p->jitter_ns = g.jitter_ns;
		p->answers = g.answers;
	}
	r->file->groups++;
	silence(r, &g, more, &rng);
	return true;
}
