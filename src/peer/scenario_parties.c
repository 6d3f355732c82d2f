/* The sections of parties: one row for each kind, and one for each key. */
#include "base/clock.h"
#include "peer/scenario_read.h"
#include "peer/version.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Guesses of ours: where nothing is said, a party is as far as another continent (RMM Fig. 12 has most round
 * trips between 50 and 300 ms), and the network wavers a little. */
#define DISTANCE_DEFAULT (100 * NS_PER_MS)
#define JITTER_DEFAULT   (2 * NS_PER_MS)
#define CONTACTS_MOST    10000U

#define CLIENTS KIND(PARTY_CLIENT)
#define ASKED   (KIND(PARTY_SUPERNODE) | KIND(PARTY_NODE))
#define PEERS   (CLIENTS | ASKED)
#define ALL     (KIND(PARTY_KINDS) - 1)

static const struct kind {
	const char *section;
	enum party_kind kind;
	bool group;
} kinds[] = {
	{ "client", PARTY_CLIENT, false },
	{ "supernode", PARTY_SUPERNODE, false },
	{ "node", PARTY_NODE, false },
	{ "login-server", PARTY_LOGIN_SERVER, false },
	{ "list-server", PARTY_LIST_SERVER, false },
	{ "version-server", PARTY_VERSION_SERVER, false },
	{ "name-server", PARTY_NAME_SERVER, false },
	{ "relay", PARTY_RELAY, false },
	{ "supernodes", PARTY_SUPERNODE, true },
	{ "nodes", PARTY_NODE, true },
};

static const struct kind *kind_of(const char *section)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i].section, section) == 0)
			return &kinds[i];
	return NULL;
}

const char *party_kind_name(enum party_kind kind)
{
	return kinds[kind].section;
}
_Static_assert(PARTY_RELAY == 7, "kinds[] begins with one row for each, in their order");

/* --- keys --- */

static bool set_address(struct reading *r, struct party *p, const struct scenario_line *l)
{
	return value_address(r, l->line, l->value, true, &p->address);
}

static bool set_network(struct reading *r, struct party *p, const struct scenario_line *l)
{
	static const char *const names[] = { "public", "port-restricted", "udp-restricted", NULL };
	char word[64];
	size_t length = strcspn(l->value, " \t");
	struct scenario_line first = { l->key, word, l->line };
	const char *rest = l->value + length + strspn(l->value + length, " \t");
	struct endpoint nat = { 0 };

	if (length >= sizeof word)
		length = sizeof word - 1;
	memcpy(word, l->value, length);
	word[length] = '\0';
	int found = value_word(r, &first, names);
	if (found < 0)
		return false;
	p->network = (enum network)found;
	if (found == NETWORK_PUBLIC)
		return !*rest ||
		       scenario_wrong(r, l->line, "a public party has no NAT: '%.60s' is too much", rest);
	if (!*rest)
		return scenario_wrong(r, l->line,
				      "the NAT's public address is missing; write '%s 198.51.100.7'", word);
	if (!value_address(r, l->line, rest, false, &nat))
		return false;
	p->public_ip = nat.ip;
	return true;
}

static bool set_place(struct reading *r, struct party *p, const struct scenario_line *l)
{
	static const char *const names[] = { "outside", "inside", NULL };
	int found = value_word(r, l, names);

	p->inside = found == 1;
	return found >= 0;
}

static bool set_distance(struct reading *r, struct party *p, const struct scenario_line *l)
{
	return value_duration(r, l, 0, 10 * NS_PER_S, &p->distance_ns);
}

static bool set_jitter(struct reading *r, struct party *p, const struct scenario_line *l)
{
	return value_duration(r, l, 0, 10 * NS_PER_S, &p->jitter_ns);
}

static bool set_answers(struct reading *r, struct party *p, const struct scenario_line *l)
{
	return answers_set(r, l, p->kind, &p->answers);
}

static bool set_version(struct reading *r, struct party *p, const struct scenario_line *l)
{
	const char *names[64] = { NULL };

	p->version = version_find(l->value);
	for (size_t i = 0; versions[i] && i + 1 < sizeof names / sizeof names[0]; i++)
		names[i] = versions[i]->name;
	return p->version || scenario_unknown(r, l->line, "version of the client", l->value, names);
}

static bool set_password(struct reading *r, struct party *p, const struct scenario_line *l)
{
	static const char *const words[] = { "right", "wrong", NULL };
	int found = value_word(r, l, words);

	p->wrong_password = found == 1;
	return found >= 0;
}

static bool set_first_run(struct reading *r, struct party *p, const struct scenario_line *l)
{
	return value_yes(r, l, &p->first_run);
}

static bool set_online(struct reading *r, struct party *p, const struct scenario_line *l)
{
	return value_yes(r, l, &p->online);
}

static bool set_discovery(struct reading *r, struct party *p, const struct scenario_line *l)
{
	return value_duration(r, l, 0, SCENARIO_LASTS_MOST, &p->discovery_ns);
}

static bool set_hidden(struct reading *r, struct party *p, const struct scenario_line *l)
{
	(void)r;
	p->setup_hidden = l->value;
	return true;
}

/* --- keys that refer to others --- */

/* One word of a list: a party, a group, or a range "n1-n12". Returns how many, their first in *first. */
static size_t word_refer(struct reading *r, unsigned line, const char *word, size_t *first)
{
	const struct scenario_file *f = r->file;
	char from[PARTY_NAME_MAX];
	size_t dash = strcspn(word, "-");
	const struct party *low, *high;

	for (size_t i = 0; i < f->groups; i++)
		if (strcmp(f->group[i].name, word) == 0) {
			*first = f->group[i].first;
			return f->group[i].count;
		}
	if (!word[dash] || dash >= sizeof from) {
		low = scenario_refer(r, line, word, PEERS, "client, supernode or node");
		*first = low ? low->number : 0;
		return low ? 1 : 0;
	}
	memcpy(from, word, dash);
	from[dash] = '\0';
	low = scenario_refer(r, line, from, ASKED, "node of a group");
	high = low ? scenario_refer(r, line, word + dash + 1, ASKED, "node of a group") : NULL;
	if (!high)
		return 0;
	for (size_t i = 0; i < f->groups; i++) {
		const struct party_group *g = &f->group[i];
		if (low->number >= g->first && high->number < g->first + g->count &&
		    low->number <= high->number) {
			*first = low->number;
			return high->number - low->number + 1;
		}
	}
	scenario_wrong(r, line,
		       "'%.60s' is no range; write the first and the last of one group, such as n1-n12",
		       word);
	return 0;
}

/* "n1-n12 sn": parties and groups between blanks or commas. */
static bool list_set(struct reading *r, const struct party *self, const struct scenario_line *l,
		     const struct party ***out, size_t *count)
{
	char word[2 * PARTY_NAME_MAX + 2];

	for (const char *at = l->value; *at;) {
		size_t length = strcspn(at, " \t,"), first = 0;
		if (length >= sizeof word)
			return scenario_wrong(r, l->line, "'%.*s' is too long for a name", (int)sizeof word,
					      at);
		memcpy(word, at, length);
		word[length] = '\0';
		at += length + strspn(at + length, " \t,");
		size_t found = length ? word_refer(r, l->line, word, &first) : 0;
		if (length && !found)
			return false;
		const struct party **more = realloc(*out, (*count + found + 1) * sizeof *more);
		if (!more)
			return error_memory(r->err, "the scenario");
		*out = more;
		for (size_t i = 0; i < found; i++) {
			const struct party *p = &r->scenario->party[first + i];
			if (p == self)
				return scenario_wrong(r, l->line, "%s: %s is itself", l->key, p->name);
			for (size_t k = 0; k < *count; k++)
				if (more[k] == p)
					return scenario_wrong(r, l->line, "%s: %s is there twice", l->key,
							      p->name);
			more[(*count)++] = p;
		}
		if (*count > CONTACTS_MOST)
			return scenario_wrong(r, l->line, "%s: more than %u", l->key, CONTACTS_MOST);
	}
	return true;
}

static bool set_cache(struct reading *r, struct party *p, const struct scenario_line *l)
{
	if (strcmp(l->value, "empty") == 0)
		return true;
	return list_set(r, p, l, &p->cache, &p->cache_count);
}

static bool set_contacts(struct reading *r, struct party *p, const struct scenario_line *l)
{
	return list_set(r, p, l, &p->contacts, &p->contact_count);
}

static bool server_set(struct reading *r, const struct scenario_line *l, enum party_kind kind,
		       const struct party **out)
{
	if (strcmp(l->value, "none") == 0)
		return true;
	*out = scenario_refer(r, l->line, l->value, KIND(kind), party_kind_name(kind));
	return *out != NULL;
}

static bool set_login(struct reading *r, struct party *p, const struct scenario_line *l)
{
	r->note[p->number].login_said = true;
	return server_set(r, l, PARTY_LOGIN_SERVER, &p->login);
}

static bool set_list(struct reading *r, struct party *p, const struct scenario_line *l)
{
	return server_set(r, l, PARTY_LIST_SERVER, &p->list);
}

static bool set_web(struct reading *r, struct party *p, const struct scenario_line *l)
{
	return server_set(r, l, PARTY_VERSION_SERVER, &p->web);
}

static bool set_names(struct reading *r, struct party *p, const struct scenario_line *l)
{
	return server_set(r, l, PARTY_NAME_SERVER, &p->names);
}

static const struct key {
	const char *name;
	unsigned kinds;
	bool refers;
	bool (*set)(struct reading *r, struct party *p, const struct scenario_line *l);
} keys[] = {
	{ "address", ALL, false, set_address },
	{ "network", PEERS, false, set_network },
	{ "place", PEERS, false, set_place },
	{ "distance", ALL, false, set_distance },
	{ "jitter", ALL, false, set_jitter },
	{ "answers", ASKED, false, set_answers },
	{ "version", CLIENTS, false, set_version },
	{ "password", CLIENTS, false, set_password },
	{ "first-run", CLIENTS, false, set_first_run },
	{ "online", CLIENTS, false, set_online },
	{ "discovery", CLIENTS, false, set_discovery },
	{ "hidden", CLIENTS, false, set_hidden },
	{ "cache", CLIENTS, true, set_cache },
	{ "contacts", CLIENTS, true, set_contacts },
	{ "login", CLIENTS, true, set_login },
	{ "list", CLIENTS, true, set_list },
	{ "web", CLIENTS, true, set_web },
	{ "names", CLIENTS, true, set_names },
};
#define KEYS (sizeof keys / sizeof keys[0])

static const struct key *key_of(struct reading *r, const struct scenario_line *l, enum party_kind kind)
{
	const char *names[KEYS + 1] = { NULL };
	size_t count = 0;

	for (size_t i = 0; i < KEYS; i++) {
		if (!(keys[i].kinds & KIND(kind)))
			continue;
		if (strcmp(keys[i].name, l->key) == 0)
			return &keys[i];
		names[count++] = keys[i].name;
	}
	char what[64];
	snprintf(what, sizeof what, "key of a %s", party_kind_name(kind));
	scenario_unknown(r, l->line, what, l->key, names);
	return NULL;
}

static bool keys_set(struct reading *r, const struct scenario_section *s, struct party *p, bool refer)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct scenario_line *l = &r->file->text.line[s->first + i];
		const struct key *key = key_of(r, l, p->kind);

		if (!key || (key->refers == refer && !key->set(r, p, l)))
			return false;
	}
	return true;
}

/* What is not said. */
static bool party_finish(struct reading *r, const struct scenario_section *s, struct party *p)
{
	if (p->address.port == 0)
		return scenario_wrong(r, s->line, "%s has no address; add 'address = 192.0.2.1:33033'",
				      p->name);
	if (p->kind == PARTY_CLIENT && !p->version)
		return scenario_wrong(r, s->line, "%s has no version; add 'version = 1.2.0.18'", p->name);
	if (p->public_ip == 0)
		p->public_ip = p->address.ip;
	if (p->distance_ns < 0)
		p->distance_ns = p->inside ? 0 : DISTANCE_DEFAULT;
	if (p->jitter_ns < 0)
		p->jitter_ns = p->inside ? 0 : JITTER_DEFAULT;
	return true;
}

static bool party_read(struct reading *r, const struct scenario_section *s, enum party_kind kind)
{
	struct party *p = scenario_party_add(r, s->name, kind, s->line);

	if (!p)
		return false;
	p->inside = kind == PARTY_CLIENT;
	p->answers = kind == PARTY_SUPERNODE ? ANSWERS_ACCEPTS : ANSWERS_REFERS;
	p->distance_ns = -1;
	p->jitter_ns = -1;
	return keys_set(r, s, p, false) && party_finish(r, s, p);
}

static bool section_unknown(struct reading *r, const struct scenario_section *s)
{
	const char *names[sizeof kinds / sizeof kinds[0] + 4] = { "scenario", "events", "population" };

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		names[i + 3] = kinds[i].section;
	return scenario_unknown(r, s->line, "section", s->kind, names);
}

bool scenario_parties(struct reading *r)
{
	const struct scenario_text *t = &r->file->text;

	for (size_t i = 0; i < t->sections; i++) {
		const struct scenario_section *s = &t->section[i];
		const struct kind *kind = kind_of(s->kind);
		bool other = strcmp(s->kind, "scenario") == 0 || strcmp(s->kind, "events") == 0 ||
			     strcmp(s->kind, "population") == 0;

		if (!kind && !other)
			return section_unknown(r, s);
		if (kind && !(kind->group ? scenario_group(r, s, kind->kind) : party_read(r, s, kind->kind)))
			return false;
	}
	return true;
}

bool scenario_references(struct reading *r)
{
	const struct scenario_text *t = &r->file->text;

	for (size_t i = 0; i < t->sections; i++) {
		const struct kind *kind = kind_of(t->section[i].kind);
		if (!kind || kind->group || kind->kind != PARTY_CLIENT)
			continue;
		/* Found, since it was made of this section. */
		const struct party *p = scenario_party(r->scenario, t->section[i].name);
		if (!keys_set(r, &t->section[i], &r->scenario->party[p->number], true))
			return false;
	}
	return true;
}
