/*
 * [events]: one line each, "TIME WHO VERB ...":
 *
 *	1s    alice starts
 *	300s  alice quits
 *	90s   alice searches bob            or: searches bob in vain, searches in vain
 *	120s  alice calls bob for 8s via r1 over udp
 *	122s  alice invites carol via r2
 *	124s  alice holds for 3s
 *
 * They are checked against each other in the order of time: nobody calls before he is there.
 */
#include "base/clock.h"
#include "peer/scenario_read.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MOST 12

static const char *const verbs[] = { "starts", "quits", "searches", "calls", "invites", "holds", NULL };

/* A line as words, cut in a copy. */
struct words {
	char text[256];
	const char *word[WORDS_MOST + 1]; /* NULL-terminated */
	unsigned at, line;
};

static bool words_cut(const struct reading *r, const struct scenario_line *l, struct words *w)
{
	size_t count = 0;
	char *save = w->text;

	w->at = 0;
	w->line = l->line;
	if (strlen(l->value) >= sizeof w->text)
		return scenario_wrong(r, l->line, "the line is too long for an event");
	memcpy(w->text, l->value, strlen(l->value) + 1);
	for (char *word = strsep(&save, " \t"); word; word = strsep(&save, " \t")) {
		if (!*word)
			continue;
		if (count == WORDS_MOST)
			return scenario_wrong(r, l->line, "'%.60s' is one word too many", word);
		w->word[count++] = word;
	}
	w->word[count] = NULL;
	return true;
}

/* If the next word is this one, it is passed. */
static bool word_is(struct words *w, const char *expected)
{
	if (!w->word[w->at] || strcmp(w->word[w->at], expected) != 0)
		return false;
	w->at++;
	return true;
}

static bool duration_take(const struct reading *r, struct words *w, const char *what, int64_t *out)
{
	struct error why;

	if (!w->word[w->at])
		return scenario_wrong(r, w->line, "%s is missing", what);
	if (!duration_parse(w->word[w->at], out, &why))
		return scenario_wrong(r, w->line, "%s: %s", what, why.text);
	w->at++;
	return true;
}

static bool client_take(const struct reading *r, struct words *w, const struct party **out)
{
	if (!w->word[w->at])
		return scenario_wrong(r, w->line, "whom? The name of a client is missing");
	*out = scenario_refer(r, w->line, w->word[w->at], KIND(PARTY_CLIENT), "client");
	w->at++;
	return *out != NULL;
}

/* "for 8s", "via r1", "over tcp", in any order, each once. */
static bool options_take(const struct reading *r, struct words *w, struct event *e)
{
	bool over = false;

	while (w->word[w->at]) {
		if (e->verb != VERB_INVITES && e->for_ns == 0 && word_is(w, "for")) {
			if (!duration_take(r, w, "the time behind 'for'", &e->for_ns))
				return false;
			if (e->for_ns < NS_PER_S)
				return scenario_wrong(r, w->line,
						      "for less than a second: too short to be seen");
		} else if (e->verb != VERB_HOLDS && !e->via && word_is(w, "via")) {
			const char *name = w->word[w->at] ? w->word[w->at] : "";
			e->via = scenario_refer(r, w->line, name, KIND(PARTY_RELAY), "relay");
			if (!e->via)
				return false;
			w->at++;
		} else if (e->verb != VERB_HOLDS && !over && word_is(w, "over")) {
			over = true;
			e->over_tcp = word_is(w, "tcp");
			if (!e->over_tcp && !word_is(w, "udp"))
				return scenario_wrong(r, w->line,
						      "over what? Write 'over udp' or 'over tcp'");
		} else {
			return scenario_wrong(
				r, w->line, "'%.60s' is not understood here; behind '%s' may be %s",
				w->word[w->at], verbs[e->verb],
				e->verb == VERB_HOLDS ? "'for TIME'"
				: e->verb == VERB_INVITES
					? "'via RELAY', 'over udp' or 'over tcp', each once"
					: "'for TIME', 'via RELAY', 'over udp' or 'over tcp', each once");
		}
	}
	if (e->verb != VERB_INVITES && e->for_ns == 0)
		return scenario_wrong(r, w->line, "how long? Write '%s for 8s'",
				      e->verb == VERB_CALLS ? e->whom->name : "holds");
	return true;
}

static bool search_take(const struct reading *r, struct words *w, struct event *e)
{
	e->found = true;
	if (w->word[w->at] && strcmp(w->word[w->at], "in") != 0 && !client_take(r, w, &e->whom))
		return false;
	if (word_is(w, "in")) {
		e->found = false;
		if (!word_is(w, "vain"))
			return scenario_wrong(r, w->line,
					      "'in' what? Write 'in vain' for a search that finds nobody");
	}
	if (w->word[w->at])
		return scenario_wrong(r, w->line, "'%.60s' is too much; behind the name may be 'in vain'",
				      w->word[w->at]);
	return e->whom || !e->found ||
	       scenario_wrong(r, w->line, "for whom? Write 'searches NAME', or 'searches in vain'");
}

static bool event_read(const struct reading *r, const struct scenario_line *l, struct event *e)
{
	struct words w;

	*e = (struct event){ .line = l->line };
	if (!words_cut(r, l, &w) || !duration_take(r, &w, "the time", &e->at_ns))
		return false;
	if (e->at_ns > r->scenario->lasts_ns)
		return scenario_wrong(r, l->line, "%.40s is after the end of the scenario; change 'lasts'",
				      w.word[0]);
	if (!w.word[w.at])
		return scenario_wrong(r, l->line, "who does what? Write '%.40s NAME starts'", w.word[0]);
	if (!client_take(r, &w, &e->who))
		return false;
	const char *verb = w.word[w.at];
	int found = 0;
	if (!verb)
		return scenario_wrong(r, l->line,
				      "what does %s do? Write one of: starts, quits, searches, calls, "
				      "invites, holds",
				      e->who->name);
	while (verbs[found] && strcmp(verbs[found], verb) != 0)
		found++;
	if (!verbs[found])
		return scenario_unknown(r, l->line, "thing that a client does", verb, verbs);
	e->verb = (enum verb)found;
	w.at++;
	if (e->verb == VERB_STARTS || e->verb == VERB_QUITS)
		return !w.word[w.at] ||
		       scenario_wrong(r, l->line, "'%.60s' is too much behind '%s'", w.word[w.at], verb);
	if (e->verb == VERB_SEARCHES ? !search_take(r, &w, e)
				     : e->verb != VERB_HOLDS && !client_take(r, &w, &e->whom))
		return false;
	if (e->whom == e->who)
		return scenario_wrong(r, l->line, "%s %s itself", e->who->name, verb);
	return e->verb == VERB_SEARCHES || options_take(r, &w, e);
}

static int event_compare(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

bool scenario_events(struct reading *r, const struct scenario_section *s)
{
	struct scenario *scenario = r->scenario;

	scenario->event = calloc(s->count + 1, sizeof *scenario->event);
	if (!scenario->event)
		return error_memory(r->err, "the scenario");
	for (size_t i = 0; i < s->count; i++)
		if (!event_read(r, &r->file->text.line[s->first + i], &scenario->event[i]))
			return false;
	scenario->events = s->count;
	qsort(scenario->event, scenario->events, sizeof *scenario->event, event_compare);
	return scenario_order(r);
}
