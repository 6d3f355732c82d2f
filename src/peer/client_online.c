/*
 * What a client does by itself while it is online: messages to its supernode, nodes that it asks the
 * supernode for and then asks about contacts, notices that it is there, and the upkeep of the overlay that
 * RMM saw: discovery of new nodes, heartbeats, dialogs, and a refresh every hour.
 *
 * Nodes are the scenario's, in an order of the client's own; each is new but once, in this session or,
 * roughly, in all: a later session begins behind those that the earlier ones can have met.
 */
#include "peer/client_online.h"
#include "base/clock.h"
#include <stdlib.h>

/*
 * Wire B4, reckoned from the login server's answer (frames 361 and 1977 of SkypeIRC.pcap); what comes in
 * the 1.2 s behind it is client_start.c's.
 */
#define SECOND_WAVE   (10950 * NS_PER_MS)  /* frame 529: 21 bytes, instead of a request */
#define FIRST_NOTICE  (11420 * NS_PER_MS)  /* frame 545 */
#define NEXT_NOTICE   (45680 * NS_PER_MS)  /* frame 663 */
#define THIRD_WAVE    (153260 * NS_PER_MS) /* frame 1476: 18 bytes, and 31 */
#define LATER_NOTICE  (810 * NS_PER_MS)    /* frame 2057, when it knows some from before */
#define LATER_REPORT  (2350 * NS_PER_MS)   /* frame 2107: 10 bytes to the supernode */
#define LATER_ONE     (4400 * NS_PER_MS)   /* frame 2133 */
#define LATER_WAVE    (12140 * NS_PER_MS)  /* frame 2182: 31 bytes */
#define CONTACTS      (5 * NS_PER_S)       /* when they are asked is a guess: between the first two waves */
#define REFRESH       (3600 * NS_PER_S)    /* RMM III.B: "at about every hour" */
#define REFRESH_MEETS 5U
#define WAVES_MEET    40U /* new nodes of all that in one session, at most */

/* RMM III.B: heartbeats are farther apart than the timeout of 200 s; the range is a guess. */
#define BEAT_LEAST 240U
#define BEAT_MOST  600U
#define BEAT_APART (210 * NS_PER_S) /* those that a refresh does not ask, so that they stay heartbeats */
/* RMM Table I: flows by peers of the class, 26.3 % of 2505622 by 15.8 % of 390126, and 59.5 by 8.0 %. */
#define BEATS_HEARTBEAT 11U
#define BEATS_MIX       48U
#define DIALOG_ROUNDS   5U /* wire B4: 18 -> 26 back to back */

static const uint16_t fate_permille[] = {
	[FATE_PROBE] = 512, [FATE_HEARTBEAT] = 158, [FATE_DIALOG] = 251, [FATE_MIX] = 79
};

static void deed(void *self, uint64_t what);

void online_plan(struct client *c, int64_t delay_ns, enum deed what, uint32_t detail)
{
	net_after(c->role.net, delay_ns, deed, c,
		  (c->session & 0xffffffU) << 40 | (uint64_t)detail << 8 | (uint64_t)what);
}

int64_t online_about(struct client *c, int64_t ns)
{
	return ns / 10 * 9 + ns / 5 / 1000 * rng_below(&c->role.rng, 1000);
}

/* --- acquaintances ----------------------------------------------------------------------------------- */

struct acquaintance *online_meet(const struct client *c)
{
	struct client_online *o = c->online;

	while (o->met < o->nodes) {
		struct acquaintance *a = &o->all[(o->first + o->met++) % o->nodes];
		if (a->number >= c->nodes_learned)
			return a;
	}
	return NULL;
}

bool client_online_met(const struct client *c, const struct party *node)
{
	const struct client_online *o = c->online;

	for (uint32_t i = 0; o && i < o->met; i++)
		if (o->all[(o->first + i) % o->nodes].number == node->number)
			return true;
	return false;
}

static enum fate draw_fate(struct rng *rng)
{
	uint32_t dice = rng_below(rng, 1000);
	enum fate fate = FATE_PROBE;

	while (fate < FATE_MIX && dice >= fate_permille[fate])
		dice -= fate_permille[fate++];
	return fate;
}

/*
 * Chance of its own for each acquaintance and session: over real sockets answers come in another order than
 * in virtual time, and who gets which fate must not depend on it.
 */
static struct rng chance_of(const struct client *c, const struct acquaintance *a)
{
	uint64_t who = (uint64_t)c->role.party->number << 32 | a->number;

	return rng_seeded(c->role.scenario->seed ^ who << 8 ^ (uint64_t)c->session << 52 ^ a->beats);
}

/* A dialog: the next question leaves with the answer to the last (wire B4). */
static void talk_answered(struct client *c, struct endpoint peer, size_t size, void *self)
{
	struct acquaintance *a = self;

	if (size == 0 || a->rounds == 0)
		return;
	a->rounds--;
	client_ask(c, peer, PROBE, ASK_ONCE, NULL, talk_answered, a);
}

static void plan_beat(struct client *c, struct acquaintance *a)
{
	online_plan(c, online_about(c, a->period_ns), DEED_BEAT,
		    (uint32_t)(a - c->online->all) << 8 | a->beats);
}

static void discovered(struct client *c, struct endpoint peer, size_t size, void *self)
{
	struct acquaintance *a = self;

	if (size == 0)
		return;
	struct rng rng = chance_of(c, a);
	a->fate = draw_fate(&rng);
	if (a->fate == FATE_DIALOG) {
		a->rounds = DIALOG_ROUNDS - 1;
		talk_answered(c, peer, size, a);
	} else if (a->fate != FATE_PROBE) {
		a->period_ns = rng_between(&rng, BEAT_LEAST, BEAT_MOST) * NS_PER_S;
		a->beat_ns = net_now(c->role.net);
		plan_beat(c, a);
	}
}

/* Wire A1: 18 x51, 21 x5, 22 x5, 30 x18, 31 x23 of what clients ask. Those of 18 bytes are never resent. */
static size_t question_size(struct rng *rng)
{
	uint32_t dice = rng_below(rng, 102);

	return dice < 51 ? 18 : dice < 56 ? 21 : dice < 61 ? 22 : dice < 79 ? 30 : 31;
}

/* RMM III.B: "the number of contacted peers exhibits an almost linear growth over time". */
static void discover(struct client *c)
{
	struct acquaintance *a = online_meet(c);

	if (!a)
		return;
	size_t size = question_size(&c->role.rng);
	client_ask(c, a->to, size, size == PROBE ? ASK_ONCE : ASK_RESENT, NULL, discovered, a);
}

static void beat(struct client *c, struct acquaintance *a)
{
	a->beats++;
	struct rng rng = chance_of(c, a);
	a->beat_ns = net_now(c->role.net);
	a->rounds = a->fate == FATE_MIX && rng_one_in(&rng, 2) ? rng_between(&rng, 1, DIALOG_ROUNDS - 1) : 0;
	client_ask(c, a->to, 31, ASK_RESENT, NULL, talk_answered, a); /* 31 -> 18 (wire A5) */
	if (rng_one_in(&rng, a->fate == FATE_MIX ? BEATS_MIX : BEATS_HEARTBEAT))
		a->period_ns = 0;
	else
		plan_beat(c, a);
}

/* --- deeds ------------------------------------------------------------------------------------------- */

static void keep_alive(struct client *c)
{
	/* BS IV.F: 2 bytes each way, every 120 s (1.4); wire B2: 57 -> 21 and 36 -> 4 by turns, every 60 s.
	 */
	size_t size = c->version->keepalive_ns >= 120 * NS_PER_S ? 2 : c->online->keepalives++ % 2 ? 36 : 57;

	/* Without one it looks for another, and goes on there. */
	if (c->supernode_link)
		client_ask_supernode(c, size, NULL, NULL);
	online_plan(c, c->version->keepalive_ns + rng_below(&c->role.rng, 50 * NS_PER_MS), DEED_KEEPALIVE, 0);
}

/* RMM III.B: it "involves both heartbeats toward already known peers, as well as discovery probes toward new
 * peers". */
static void refresh(struct client *c)
{
	struct client_online *o = c->online;

	for (uint32_t i = 0; i < o->nodes; i++)
		if (o->all[i].period_ns > 0 && net_now(c->role.net) - o->all[i].beat_ns > BEAT_APART)
			beat(c, &o->all[i]);
	for (uint32_t i = 0; i < o->contacts; i++)
		contact_ask(c, i);
	wave_begin(c, 31, REFRESH_MEETS);
	online_plan(c, online_about(c, REFRESH), DEED_REFRESH, 0);
}

static void deed(void *self, uint64_t what)
{
	struct client *c = self;
	struct client_online *o = c->online;
	uint32_t detail = (uint32_t)(what >> 8);

	if (!o || (c->session & 0xffffffU) != what >> 40)
		return;
	switch ((enum deed)(what & 0xff)) {
	case DEED_KEEPALIVE:
		keep_alive(c);
		break;
	case DEED_THIRD_WAVE:
		wave_third(c);
		break;
	case DEED_SECOND_WAVE:
		wave_second(c);
		break;
	case DEED_LATER_ONE:
		wave_begin(c, 31, 1); /* frames 2135, 2137 */
		break;
	case DEED_LATER_WAVE:
		wave_of(c, 31, 14);
		wave_ask_first(c); /* frames 2182 to 2184: before the request */
		break;
	case DEED_WAVE_FIRST:
		wave_ask_first(c);
		break;
	case DEED_WAVE_NEXT:
		wave_ask_next(c);
		break;
	case DEED_REPORT:
		if (c->supernode_link)
			client_ask_supernode(c, 10, NULL, NULL); /* wire B2: 10 -> 20 */
		break;
	case DEED_NOTICE:
		notice_all(c, detail > 0);
		break;
	case DEED_STRANGERS:
		notice_strangers(c);
		break;
	case DEED_CONTACT:
		contact_ask(c, detail);
		break;
	case DEED_CONTACT_NOTICE:
		client_ask(c, o->all[detail].to, NOTICE, ASK_NOTICE, NULL, NULL, NULL);
		break;
	case DEED_DISCOVER:
		discover(c);
		online_plan(c, online_about(c, c->role.party->discovery_ns), DEED_DISCOVER, 0);
		break;
	case DEED_BEAT:
		if (o->all[detail >> 8].beats == (detail & 0xff))
			beat(c, &o->all[detail >> 8]);
		break;
	case DEED_REFRESH:
		refresh(c);
		break;
	}
}

/* --- begin and quit ---------------------------------------------------------------------------------- */

/* The order is the same in every session. */
static void shuffle(struct rng rng, struct acquaintance *list, uint32_t count)
{
	for (uint32_t i = count; i > 1; i--) {
		uint32_t j = rng_below(&rng, i);
		struct acquaintance a = list[j];
		list[j] = list[i - 1];
		list[i - 1] = a;
	}
}

static bool find_acquaintances(struct client *c, struct client_online *o)
{
	const struct scenario *s = c->role.scenario;
	const struct party *me = c->role.party;
	int64_t elapsed = net_now(c->role.net) - s->begins_ns;

	o->all = net_alloc(c->role.net, s->parties + me->contact_count + 1, sizeof *o->all);
	if (!o->all)
		return false;
	for (size_t i = 0; i < s->parties; i++) {
		const struct party *p = &s->party[i];
		if (party_is_stranger(me, p))
			o->all[o->nodes++] =
				(struct acquaintance){ .to = party_public(p), .number = p->number };
	}
	shuffle(rng_seeded(s->seed + me->number), o->all, o->nodes);
	for (size_t i = 0; i < me->contact_count; i++)
		o->all[o->nodes + o->contacts++] =
			(struct acquaintance){ .to = party_public(me->contacts[i]), .fate = FATE_CONTACT };
	if (o->nodes > 0) {
		int64_t met = elapsed / REFRESH * REFRESH_MEETS + (int64_t)(c->session - 1) * WAVES_MEET;
		if (me->discovery_ns > 0)
			met += elapsed / me->discovery_ns;
		o->first = (uint32_t)(met % o->nodes);
	}
	return true;
}

static void plan_login(struct client *c)
{
	if (c->session == 1) {
		online_plan(c, SECOND_WAVE, DEED_SECOND_WAVE, 0);
		online_plan(c, FIRST_NOTICE, DEED_NOTICE, 0);
		online_plan(c, NEXT_NOTICE, DEED_NOTICE, 1);
		online_plan(c, THIRD_WAVE, DEED_THIRD_WAVE, 0);
	} else {
		online_plan(c, LATER_NOTICE, DEED_NOTICE, 0);
		online_plan(c, LATER_REPORT, DEED_REPORT, 0);
		online_plan(c, LATER_ONE, DEED_LATER_ONE, 0);
		online_plan(c, LATER_WAVE, DEED_LATER_WAVE, 0);
	}
}

/* Wire B2: 60 s apart already from the first of them on, which came before the login. */
static int64_t first_keepalive(const struct client *c)
{
	int64_t wait = c->upkeep_ns + c->version->keepalive_ns - net_now(c->role.net);

	return c->upkeep_ns && wait > 0 ? wait : c->version->keepalive_ns;
}

void client_online_begin(struct client *c)
{
	struct client_online *o = net_alloc(c->role.net, 1, sizeof *o);

	c->online = o;
	if (!o || !find_acquaintances(c, o)) {
		client_online_quit(c);
		return;
	}
	if (!c->version->form_2015) /* that has its own: client_2015_try.c */
		online_plan(c, first_keepalive(c), DEED_KEEPALIVE, 0);
	if (c->udp_restricted)
		return;
	if (!c->version->form_2015 && !c->role.party->online)
		plan_login(c);
	for (uint32_t i = 0; i < o->contacts; i++)
		online_plan(c, CONTACTS + i * 300 * NS_PER_MS, DEED_CONTACT, i);
	if (c->role.party->discovery_ns > 0) {
		online_plan(c, online_about(c, c->role.party->discovery_ns), DEED_DISCOVER, 0);
		online_plan(c, online_about(c, REFRESH), DEED_REFRESH, 0);
	}
}

void client_online_quit(struct client *c)
{
	if (!c->online)
		return;
	free(c->online->all);
	free(c->online);
	c->online = NULL;
}
