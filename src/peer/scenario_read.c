/* Reads a scenario: its sections one after another, then what refers to others, then the events. */
#include "peer/scenario_read.h"
#include "base/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LASTS_DEFAULT (340 * NS_PER_S)
/* The login that the shipped versions are measured by (wire, SkypeIRC.pcap). */
#define BEGINS_DEFAULT (INT64_C(1156500000) * NS_PER_S)
_Static_assert(SCENARIO_PARTIES_MOST * 3 < NAME_SLOTS, "a free slot is always near");

static bool name_check(const struct reading *r, const char *name, enum party_kind kind, unsigned line)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	size_t length = strlen(name);

	if (length == 0)
		return scenario_wrong(r, line, "the party has no name; write [%s NAME]",
				      party_kind_name(kind));
	if (length >= PARTY_NAME_MAX)
		return scenario_wrong(r, line, "the name '%.40s' has more than %d letters", name,
				      PARTY_NAME_MAX - 1);
	if (strspn(name, letters) == 0 || strspn(name, others) != length)
		return scenario_wrong(
			r, line, "'%.40s' is no name: letters, digits and '_', the first a letter", name);
	return true;
}

struct party *scenario_party_add(struct reading *r, const char *name, enum party_kind kind, unsigned line)
{
	struct scenario *s = r->scenario;

	if (!name_check(r, name, kind, line))
		return NULL;
	uint32_t *slot = scenario_name_slot(r->file, name);
	if (*slot) {
		scenario_wrong(r, line, "there is a party '%s' already, in line %u", name,
			       r->note[*slot - 1].line);
		return NULL;
	}
	if (s->parties == SCENARIO_PARTIES_MOST) {
		scenario_wrong(r, line, "more than %u parties", SCENARIO_PARTIES_MOST);
		return NULL;
	}
	/* Doubled when full: the count is a power of two then. */
	if ((s->parties & (s->parties - 1)) == 0) {
		size_t room = s->parties ? s->parties * 2 : 1;
		struct party *party = realloc(s->party, room * sizeof *party);
		s->party = party ? party : s->party;
		struct party_note *note = party ? realloc(r->note, room * sizeof *note) : NULL;
		r->note = note ? note : r->note;
		if (!note) {
			error_memory(r->err, "the scenario");
			return NULL;
		}
	}
	struct party *p = &s->party[s->parties];
	*p = (struct party){ .kind = kind, .number = (uint32_t)s->parties };
	memcpy(p->name, name, strlen(name) + 1);
	r->note[s->parties++] = (struct party_note){ .line = line };
	*slot = (uint32_t)s->parties;
	return p;
}

const struct party *scenario_refer(const struct reading *r, unsigned line, const char *name, unsigned kinds,
				   const char *what)
{
	const struct scenario *s = r->scenario;
	const struct party *found = scenario_party(s, name);
	size_t count = 0;

	if (found && kinds & KIND(found->kind))
		return found;
	if (found) {
		scenario_wrong(r, line, "%s is a %s (line %u), no %s", name, party_kind_name(found->kind),
			       r->note[found->number].line, what);
		return NULL;
	}
	const char **names = calloc(s->parties + 1, sizeof *names);
	if (!names) {
		error_memory(r->err, "the scenario");
		return NULL;
	}
	for (size_t i = 0; i < s->parties; i++)
		if (kinds & KIND(s->party[i].kind))
			names[count++] = s->party[i].name;
	if (count)
		scenario_unknown(r, line, what, name, names);
	else
		scenario_wrong(r, line, "'%.60s' is no %s; there is none in this scenario", name, what);
	free(names);
	return NULL;
}

/* --- [scenario] --- */

static bool set_title(struct reading *r, const struct scenario_line *l)
{
	r->scenario->title = l->value;
	return true;
}

static bool set_begins(struct reading *r, const struct scenario_line *l)
{
	return value_time(r, l, &r->scenario->begins_ns);
}

static bool set_lasts(struct reading *r, const struct scenario_line *l)
{
	return value_duration(r, l, NS_PER_S, SCENARIO_LASTS_MOST, &r->scenario->lasts_ns);
}

static bool set_seed(struct reading *r, const struct scenario_line *l)
{
	return value_count(r, l, INT64_MAX, &r->scenario->seed);
}

static const struct scenario_key {
	const char *name;
	bool (*set)(struct reading *r, const struct scenario_line *l);
} keys[] = {
	{ "title", set_title },
	{ "begins", set_begins },
	{ "lasts", set_lasts },
	{ "seed", set_seed },
};
#define KEYS (sizeof keys / sizeof keys[0])

static bool key_set(struct reading *r, const struct scenario_line *l)
{
	const char *names[KEYS + 1] = { NULL };

	for (size_t i = 0; i < KEYS; i++) {
		if (strcmp(keys[i].name, l->key) == 0)
			return keys[i].set(r, l);
		names[i] = keys[i].name;
	}
	return scenario_unknown(r, l->line, "key of [scenario]", l->key, names);
}

/* The sections that are there once: scenario, events, population. */
static bool section_once(struct reading *r, const char *kind, const struct scenario_section **out)
{
	const struct scenario_text *t = &r->file->text;

	*out = NULL;
	for (size_t i = 0; i < t->sections; i++) {
		const struct scenario_section *s = &t->section[i];
		if (strcmp(s->kind, kind) != 0)
			continue;
		if (*out)
			return scenario_wrong(r, s->line, "[%s] is there twice, first in line %u", kind,
					      (*out)->line);
		if (*s->name)
			return scenario_wrong(r, s->line, "[%s] has no name; write [%s]", kind, kind);
		*out = s;
	}
	return true;
}

static bool scenario_section(struct reading *r)
{
	const struct scenario_section *s;

	if (!section_once(r, "scenario", &s))
		return false;
	for (size_t i = 0; s && i < s->count; i++)
		if (!key_set(r, &r->file->text.line[s->first + i]))
			return false;
	return true;
}

static bool population_section(struct reading *r)
{
	const struct scenario_section *s;
	struct error why;

	if (!section_once(r, "population", &s))
		return false;
	if (!s)
		return true;
	r->scenario->population = population_new(r->err);
	if (!r->scenario->population)
		return false;
	for (size_t i = 0; i < s->count; i++) {
		const struct scenario_line *l = &r->file->text.line[s->first + i];
		if (!population_set(r->scenario->population, l->key, l->value, &why))
			return scenario_wrong(r, l->line, "%s", why.text);
	}
	return true;
}

static bool events_section(struct reading *r)
{
	const struct scenario_section *s;

	return section_once(r, "events", &s) && (!s || scenario_events(r, s));
}

/* --- the whole --- */

/* "sub/first-login.scenario" -> "first-login" */
static char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *from = slash ? slash + 1 : path, *dot = strrchr(from, '.');

	return strndup(from, dot && dot > from ? (size_t)(dot - from) : strlen(from));
}

static struct scenario_file *file_new(const char *path)
{
	struct scenario_file *f = calloc(1, sizeof *f);

	if (!f)
		return NULL;
	f->path = strdup(path);
	f->name = name_of(path);
	f->local_net = calloc(1, LOCAL_NET_TEXT);
	f->by_name = calloc(NAME_SLOTS, sizeof *f->by_name);
	f->scenario = (struct scenario){ .path = f->path,
					 .name = f->name,
					 .title = "",
					 .begins_ns = BEGINS_DEFAULT,
					 .lasts_ns = LASTS_DEFAULT,
					 .seed = 1,
					 .local_net = f->local_net };
	if (f->path && f->name && f->local_net && f->by_name)
		return f;
	scenario_free(&f->scenario);
	return NULL;
}

struct scenario *scenario_read(const char *path, struct error *err)
{
	struct scenario_file *f = file_new(path);
	struct reading r = { .file = f, .err = err };

	if (!f) {
		error_memory(err, "the scenario");
		return NULL;
	}
	r.scenario = &f->scenario;
	bool ok = scenario_text_load(&r) && scenario_section(&r) && scenario_parties(&r) &&
		  scenario_references(&r) && population_section(&r) && scenario_check(&r) &&
		  events_section(&r);
	free(r.note);
	if (ok)
		return r.scenario;
	scenario_free(r.scenario);
	return NULL;
}
