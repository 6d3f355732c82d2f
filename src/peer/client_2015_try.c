/*
 * Connections of a client of 2015: form 1 to anybody; when that stalls, form 2 to supernodes, form 3 to
 * nodes, and the hello twice to servers (wire C3, C4).
 */
#include "base/clock.h"
#include "peer/client_2015.h"
#include "peer/fact.h"

/* Wire C3: the next form, reckoned from the SYN: 1.600-1.614 s, 1.112-1.113 s, 1.612 s; or 0.3 ms behind a
 * RST. */
#define FALLBACK_SUPERNODE (1600 * NS_PER_MS)
#define FALLBACK_SPREAD    (14 * NS_PER_MS)
#define FALLBACK_NODE      (1112 * NS_PER_MS)
#define FALLBACK_SERVER    (1612 * NS_PER_MS)
#define FALLBACK_REFUSED   (300 * NS_PER_US)
/* skype.pcap frames 223/507, 840/1125: both attempts are closed 15.0 to 15.1 s after the first SYN. */
#define GIVE_UP   (15050 * NS_PER_MS)
#define LIST_IDLE (15240 * NS_PER_MS) /* frames 1911, 2037: the client closes */
#define HELLOS    3U                  /* lines of form 1 up to where it stalls */
#define REACHED   9U                  /* lines of form 1 when the client goes on to the servers: frame 1284 */

static const enum purpose purposes[] = {
	[PLACE_SUPERNODE] = PURPOSE_SUPERNODE,
	[PLACE_NODE] = PURPOSE_NODE,
	[PLACE_LIST] = PURPOSE_CONTACT_LIST,
	[PLACE_LOGIN] = PURPOSE_LOGIN,
};

static void tell_exchange(struct client *c, struct try *t, const char *outcome)
{
	if (t->told || !t->link || t->actor.at == 0 ||
	    (t->link->purpose != PURPOSE_LOGIN && t->link->purpose != PURPOSE_CONTACT_LIST))
		return;
	t->told = true;
	net_tell(c->role.net, &(struct fact){ .kind = FACT_EXCHANGE,
					      .party = c->role.party,
					      .link = t->link,
					      .outcome = outcome,
					      .form = "2015" });
}

/*
 * Nobody can tell what the login server's answers mean: all that were seen have the same sizes, and what
 * decides may well have gone over TLS (wire C4). A list that was answered is a list.
 */
static const char *outcome_of(const struct try *t)
{
	if (t->actor.at < 2)
		return "no-answer";
	return t->link->purpose == PURPOSE_CONTACT_LIST && actor_done(&t->actor) ? "success" : "unknown";
}

/* The slot may be used again. */
static void release(struct place *p)
{
	p->used = !p->given_up || p->tries[0].link || p->tries[1].link;
}

static void hang_up(struct client *c, struct try *t)
{
	struct link *link = t->link;

	if (!link)
		return;
	tell_exchange(c, t, outcome_of(t));
	t->link = NULL;
	link_close(link);
	release(t->place);
}

static void opened(struct client *c, struct link *link);
static void message(struct client *c, struct link *link, const uint8_t *bytes, size_t size);
static void closed(struct client *c, struct link *link, enum link_end end);

static void open_try(struct client *c, struct place *p, unsigned which, struct endpoint to,
		     const struct line *script, enum purpose purpose)
{
	struct try *t = &p->tries[which];

	*t = (struct try){ .handlers = { c, opened, message, closed, t },
			   .actor = { script, 0, true },
			   .place = p };
	t->link = net_connect(c->role.host, to, purpose, &t->handlers);
}

void client_2015_try(struct client *c, enum place_kind kind, struct endpoint to)
{
	struct client_2015 *s = c->start_2015;
	struct place *p = s->places;

	while (p < s->places + PLACES && p->used)
		p++;
	if (p == s->places + PLACES)
		return;
	*p = (struct place){
		.used = true, .generation = (uint16_t)(p->generation + 1), .kind = kind, .to = to
	};
	/* Form 1 to a server is not yet the exchange with it. */
	open_try(c, p, 0, to, script_form_1, kind == PLACE_SUPERNODE ? PURPOSE_SUPERNODE : PURPOSE_NODE);
	int64_t wait = kind == PLACE_SUPERNODE ? client_2015_spread(c, FALLBACK_SUPERNODE, FALLBACK_SPREAD)
		       : kind == PLACE_NODE    ? client_2015_spread(c, FALLBACK_NODE, NS_PER_MS)
					       : FALLBACK_SERVER;
	client_2015_plan(c, wait, STEP_FALLBACK, p, 0);
	client_2015_plan(c, GIVE_UP, STEP_GIVE_UP, p, 0);
}

/* Whether it got beyond where connections of its form stall. */
static bool goes_on(const struct try *t)
{
	switch (t->actor.script ? t->actor.script[0].form : LINE_END) {
	case LINE_HELLO:
		return t->actor.at > HELLOS;
	case LINE_OLD_HELLO:
		return t->actor.at > 1;
	default:
		return t->actor.script && actor_done(&t->actor) && t->actor.script != script_form_2;
	}
}

static void fall_back(struct client *c, struct place *p)
{
	struct endpoint to = p->to;
	const struct line *script = NULL;

	if (goes_on(&p->tries[0]) || p->tries[1].actor.script)
		return;
	switch (p->kind) {
	case PLACE_SUPERNODE:
		if (c->start_2015->reached)
			return;
		to.port = 443;
		script = script_form_2;
		break;
	case PLACE_NODE:
		script = scripts_form_3[rng_below(&c->role.rng, SCRIPTS_FORM_3)];
		break;
	case PLACE_LIST:
		script = script_list;
		break;
	case PLACE_LOGIN:
		script = script_login;
		break;
	}
	open_try(c, p, 1, to, script, purposes[p->kind]);
}

static void give_up(struct client *c, struct place *p)
{
	p->given_up = true;
	for (unsigned i = 0; i < 2; i++)
		if (!goes_on(&p->tries[i]))
			hang_up(c, &p->tries[i]);
	release(p);
	if (p->kind == PLACE_LOGIN)
		client_2015_online(c); /* whatever came of it */
}

/* After each line, of either end: says the next one, or what the end of the script means. */
static void go_on(struct client *c, struct try *t)
{
	struct place *p = t->place;
	const struct line *line = actor_turn(&t->actor);
	unsigned which = t == &p->tries[1];

	if (which == 0 && p->kind == PLACE_SUPERNODE && t->actor.at == REACHED)
		client_2015_reached(c, p);
	if (line)
		client_2015_plan(c, line_wait_ns(line, &c->role.rng), STEP_SPEAK, p,
				 which * TRY_SECOND + t->actor.at);
	if (!actor_done(&t->actor))
		return;
	tell_exchange(c, t, outcome_of(t));
	if (t->link->purpose == PURPOSE_CONTACT_LIST)
		client_2015_plan(c, LIST_IDLE, STEP_HANG_UP, p, 1);
	else if (t->link->purpose == PURPOSE_LOGIN)
		client_2015_online(c);
	else if (p->kind == PLACE_NODE &&
		 c->start_2015->kept++ > 0) /* frames 1413/2139, 1452/2125; one lasts */
		client_2015_plan(c, client_2015_spread(c, 35 * NS_PER_S, 4 * NS_PER_S), STEP_HANG_UP, p, 1);
}

static void speak(struct client *c, struct place *p, unsigned detail)
{
	struct try *t = &p->tries[detail / TRY_SECOND];
	const struct line *line =
		t->link && t->actor.at == detail % TRY_SECOND ? actor_turn(&t->actor) : NULL;
	uint8_t bytes[LINE_MAX];

	if (!line)
		return;
	size_t size = line_write(line, &c->role.rng, bytes);
	if (line->form == LINE_RANDOM && goes_on(t))
		(void)client_take_id(c, 1); /* wire A2: messages to nodes over TCP take ids as well */
	t->actor.at++;
	link_send(t->link, bytes, size, t->link->purpose);
	go_on(c, t);
}

static void opened(struct client *c, struct link *link)
{
	struct try *t = ((struct client_link *)link->data)->self;

	if (t->actor.at == 0)
		go_on(c, t);
}

static void message(struct client *c, struct link *link, const uint8_t *bytes, size_t size)
{
	struct try *t = ((struct client_link *)link->data)->self;
	struct place *p = t->place;

	(void)bytes;
	if (t == &p->tries[1] && p->kind != PLACE_SUPERNODE)
		hang_up(c, &p->tries[0]); /* frames 1459/1461, 1862/1865: with the first answer in the next
					     form */
	if (actor_hears(&t->actor)) {
		go_on(c, t);
	} else if (size == 15 && p->kind == PLACE_NODE) { /* wire C3: a keep-alive */
		uint8_t answer[4];
		rng_fill(&c->role.rng, answer, sizeof answer);
		link_send(link, answer, sizeof answer, link->purpose);
	}
}

static void closed(struct client *c, struct link *link, enum link_end end)
{
	struct try *t = ((struct client_link *)link->data)->self;

	tell_exchange(c, t, outcome_of(t));
	if (t == &t->place->tries[0] && end != LINK_TIMEOUT && t->place->kind != PLACE_SUPERNODE)
		client_2015_plan(c, FALLBACK_REFUSED, STEP_FALLBACK, t->place, 0);
	t->link = NULL;
	release(t->place);
}

void client_2015_step_of(struct client *c, struct place *p, enum step what, unsigned detail)
{
	if (what == STEP_FALLBACK)
		fall_back(c, p);
	else if (what == STEP_GIVE_UP)
		give_up(c, p);
	else if (what == STEP_SPEAK)
		speak(c, p, detail);
	else
		hang_up(c, &p->tries[detail]);
}
