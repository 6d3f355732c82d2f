/* Events against each other, in order of time: who is there, and who is in which call. */
#include "base/clock.h"
#include "peer/scenario_read.h"
#include <stdlib.h>

/* Of the event, as the client does it: the media begin this late, and signalling ends this late behind them.
 */
#define SETUP_NS    (3 * NS_PER_S)
#define TEARDOWN_NS (5 * NS_PER_S)

struct standing {      /* of a party, at the time of the event that is looked at */
	bool there;    /* started, or online from the beginning */
	unsigned line; /* of what made it so */
	int64_t talks_from, talks_until, held_until; /* the media; from 0: no call yet */
	unsigned call_line;
	bool host; /* it called, so it may invite */
};

static bool starts(const struct reading *r, const struct event *e, struct standing *who)
{
	if (who->there)
		return who->line ? scenario_wrong(r, e->line, "%s is running already, since line %u",
						  e->who->name, who->line)
				 : scenario_wrong(r, e->line,
						  "%s is running already: it is online from the beginning",
						  e->who->name);
	if (e->who->inside && !r->note[e->who->number].login_said)
		return scenario_wrong(
			r, e->line,
			"%s starts, but has no login server; add 'login = NAME' to its section, or "
			"'login = none'",
			e->who->name);
	*who = (struct standing){ .there = true, .line = e->line };
	return true;
}

static bool is_there(const struct reading *r, const struct event *e, const struct party *p,
		     const struct standing *standing)
{
	if (standing[p->number].there)
		return true;
	return scenario_wrong(r, e->line,
			      "%s is not running then; add 'TIME %s starts' before, or 'online = yes' to its "
			      "section",
			      p->name, p->name);
}

static bool is_free(const struct reading *r, const struct event *e, const struct party *p,
		    const struct standing *standing)
{
	const struct standing *s = &standing[p->number];

	if (s->talks_from == 0 || s->talks_until + TEARDOWN_NS <= e->at_ns)
		return true;
	char until[DURATION_TEXT];
	duration_format(s->talks_until + TEARDOWN_NS, until);
	return scenario_wrong(r, e->line, "%s is in the call of line %u until %s", p->name, s->call_line,
			      until);
}

/* What no network of these lets through. */
static bool can_talk(const struct reading *r, const struct event *e)
{
	const struct party *p = e->who->network == NETWORK_UDP_RESTRICTED ? e->who : e->whom;

	if (p->network == NETWORK_UDP_RESTRICTED && !e->over_tcp)
		return scenario_wrong(r, e->line, "a firewall drops all UDP of %s; add 'over tcp'", p->name);
	/* Over UDP both send, which opens both NATs (BS IV.E); over TCP nobody gets in. */
	if (e->over_tcp && !e->via && e->who->network != NETWORK_PUBLIC && e->whom->network != NETWORK_PUBLIC)
		return scenario_wrong(
			r, e->line,
			"%s and %s are both behind NATs, which TCP does not pass; add 'via RELAY'",
			e->who->name, e->whom->name);
	return true;
}

static bool calls(const struct reading *r, const struct event *e, struct standing *standing)
{
	struct standing *who = &standing[e->who->number], *whom = &standing[e->whom->number];

	if (!is_there(r, e, e->whom, standing) || !is_free(r, e, e->whom, standing))
		return false;
	if (e->verb == VERB_CALLS) {
		if (!is_free(r, e, e->who, standing))
			return false;
		int64_t from = e->at_ns + SETUP_NS, until = from + e->for_ns;
		if (until + TEARDOWN_NS > r->scenario->lasts_ns)
			return scenario_wrong(
				r, e->line,
				"the call needs 8 s more than it lasts, and ends after the scenario; "
				"change 'lasts'");
		*who = (struct standing){ who->there, who->line, from, until, 0, e->line, true };
	} else if (who->talks_until <= e->at_ns + SETUP_NS || !who->host) {
		return scenario_wrong(r, e->line,
				      "%s has called nobody at that time; 'invites' adds somebody to "
				      "a call of its own",
				      e->who->name);
	}
	*whom = (struct standing){ whom->there, whom->line, e->at_ns + SETUP_NS, who->talks_until, 0,
				   e->line,     false };
	return can_talk(r, e);
}

static bool holds(const struct reading *r, const struct event *e, struct standing *who)
{
	if (who->talks_until <= e->at_ns)
		return scenario_wrong(r, e->line, "%s is in no call at that time", e->who->name);
	if (who->talks_from > e->at_ns)
		return scenario_wrong(r, e->line,
				      "the call of line %u is being set up; a hold begins 3 s after it",
				      who->call_line);
	if (who->held_until > e->at_ns)
		return scenario_wrong(r, e->line, "%s holds its call already", e->who->name);
	if (e->at_ns + e->for_ns > who->talks_until)
		return scenario_wrong(r, e->line, "%s holds longer than the voice of line %u lasts",
				      e->who->name, who->call_line);
	who->held_until = e->at_ns + e->for_ns;
	return true;
}

static bool quits(const struct reading *r, const struct event *e, struct standing *standing)
{
	if (!is_free(r, e, e->who, standing))
		return false;
	standing[e->who->number] = (struct standing){ 0 };
	return true;
}

static bool event_check(const struct reading *r, const struct event *e, struct standing *standing)
{
	struct standing *who = &standing[e->who->number];

	if (e->verb == VERB_STARTS)
		return starts(r, e, who);
	if (!is_there(r, e, e->who, standing))
		return false;
	switch (e->verb) {
	case VERB_QUITS:
		return quits(r, e, standing);
	case VERB_CALLS:
	case VERB_INVITES:
		return calls(r, e, standing);
	case VERB_HOLDS:
		return holds(r, e, who);
	case VERB_STARTS:
	case VERB_SEARCHES:
		break;
	}
	return true;
}

bool scenario_order(const struct reading *r)
{
	const struct scenario *s = r->scenario;
	struct standing *standing = calloc(s->parties + 1, sizeof *standing);
	bool ok = true;

	if (!standing)
		return error_memory(r->err, "the scenario");
	for (size_t i = 0; i < s->parties; i++)
		standing[i].there = s->party[i].online;
	for (size_t i = 0; ok && i < s->events; i++)
		ok = event_check(r, &s->event[i], standing);
	free(standing);
	return ok;
}
