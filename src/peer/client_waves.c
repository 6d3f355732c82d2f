/* Waves of questions to nodes that the supernode names, and notices; see client_online.h. */
#include "peer/client_online.h"
#include "base/clock.h"

/* What follows an answer (frames 379 to 419, 531 to 541, 1490 to 1538), and how many new nodes a notice goes
 * to (frames 681 to 684) or are asked whether they are there (1476 to 1479). */
#define SOON_LEAST_US 400U
#define SOON_MOST_US  1200U
#define STRANGERS     4U
#define PINGED        4U

static void plan_soon(struct client *c, enum deed what)
{
	online_plan(c, rng_between(&c->role.rng, SOON_LEAST_US, SOON_MOST_US) * NS_PER_US, what, 0);
}

/* --- waves: questions about contacts to nodes that the supernode names ------------------------------- */

static void supernode_named(struct client *c, size_t size, void *self)
{
	(void)size;
	(void)self;
	if (c->online)
		plan_soon(c, DEED_WAVE_FIRST);
}

/* Wire A5, 21 -> 69 or 76: a node names others as well (frames 530, 531). */
static void node_named(struct client *c, struct endpoint peer, size_t size, void *self)
{
	(void)peer;
	if (size > 0)
		supernode_named(c, size, self);
}

static void request_nodes(struct client *c)
{
	if (c->supernode_link)
		client_ask_supernode(c, 13, supernode_named, NULL); /* wire B2: 13 -> 48, 75 or 82 */
	else
		supernode_named(c, 0, NULL); /* it knows some itself */
}

static void answered_in_wave(struct client *c, struct endpoint peer, size_t size, void *self)
{
	struct client_online *o = c->online;

	(void)self;
	if (size == 0)
		return;
	if (o->wave_size == 30) /* wire B4: these get the notices */
		client_remember_node(c, peer);
	plan_soon(c, DEED_WAVE_NEXT);
}

static void ask_in_wave(struct client *c)
{
	struct client_online *o = c->online;
	struct acquaintance *a = o->wave > 0 ? online_meet(c) : NULL;

	if (!a)
		return;
	o->wave--;
	client_ask(c, a->to, o->wave_size, ASK_RESENT, NULL, answered_in_wave, NULL);
}

void wave_ask_first(struct client *c)
{
	for (unsigned first = rng_between(&c->role.rng, 3, 4); first > 0; first--) /* wire B2 */
		ask_in_wave(c);
}

/* Wire B4, frames 379 to 419: with each answer the next node is asked, and once the supernode for more. */
void wave_ask_next(struct client *c)
{
	struct client_online *o = c->online;

	if (!o->wave_asked_again && o->wave > 0) {
		o->wave_asked_again = true;
		request_nodes(c);
	} else {
		ask_in_wave(c);
	}
}

void wave_of(struct client *c, uint16_t size, unsigned count)
{
	struct client_online *o = c->online;

	o->wave = count;
	o->wave_size = size;
	o->wave_asked_again = false;
}

void wave_begin(struct client *c, uint16_t size, unsigned count)
{
	wave_of(c, size, count);
	request_nodes(c);
}

void wave_second(struct client *c)
{
	struct client_online *o = c->online;

	wave_of(c, 30, 7); /* frames 531 to 541 */
	o->wave_asked_again = true;
	if (c->known_count > 0)
		client_ask(c, client_known_node(c, rng_below(&c->role.rng, c->known_count)), 21, ASK_RESENT,
			   NULL, node_named, NULL);
	else
		supernode_named(c, 0, NULL);
}

/* Frames 1476 to 1498: new nodes, one round with each (wire B4), and at once the supernode. */
void wave_third(struct client *c)
{
	struct acquaintance *a;

	for (unsigned i = 0; i < PINGED && (a = online_meet(c)); i++)
		client_ask(c, a->to, PROBE, ASK_ONCE, NULL, NULL, NULL);
	wave_begin(c, 31, 14); /* wire B4: so many were asked */
}

/* --- notices ----------------------------------------------------------------------------------------- */

static void strangers_named(struct client *c, size_t size, void *self)
{
	(void)self;
	if (size > 0 && c->online)
		plan_soon(c, DEED_STRANGERS);
}

/* The same text to all: the same check (wire A1). */
void notice_all(struct client *c, bool strangers)
{
	struct client_online *o = c->online;

	rng_fill(&c->role.rng, o->notice, sizeof o->notice);
	/* Every other one: 8 of the 15 that had answered by frame 545. */
	for (unsigned i = 0; i < c->known_count; i += 2)
		client_ask(c, client_known_node(c, i), NOTICE, ASK_NOTICE, o->notice, NULL, NULL);
	for (uint32_t i = o->nodes; i < o->nodes + o->contacts; i++)
		if (o->all[i].told)
			client_ask(c, o->all[i].to, NOTICE, ASK_NOTICE, o->notice, NULL, NULL);
	/* Frames 671, 679, 681: who else may want it, the supernode says. */
	if (strangers && c->supernode_link)
		client_ask_supernode(c, 13, strangers_named, NULL);
}

void notice_strangers(struct client *c)
{
	struct acquaintance *a;

	for (unsigned i = 0; i < STRANGERS && (a = online_meet(c)); i++)
		client_ask(c, a->to, NOTICE, ASK_NOTICE, c->online->notice, NULL, NULL);
}

static void contact_answered(struct client *c, struct endpoint peer, size_t size, void *self)
{
	struct acquaintance *a = self;

	(void)peer;
	a->told = size > 0;
	if (size > 0)
		online_plan(c, online_about(c, 500 * NS_PER_MS), DEED_CONTACT_NOTICE,
			    (uint32_t)(a - c->online->all));
}

void contact_ask(struct client *c, uint32_t i)
{
	struct acquaintance *a = &c->online->all[c->online->nodes + i];

	client_ask(c, a->to, 30, ASK_RESENT, NULL, contact_answered, a);
}
