/*
 * User searches (BS IV.C; wire A4). The client asks its supernode for nodes and then asks these over UDP, in
 * waves; one whose UDP is blocked asks the supernode alone. Who the nodes are only the supernode knows: here
 * they are drawn from those of the scenario, new ones first.
 */
#include "base/clock.h"
#include "peer/call_plan.h"
#include "peer/client.h"
#include "peer/fact.h"
#include <stdlib.h>

/* BS IV.C: 3-4 s; 5-6 s behind a port-restricted NAT. The last wave is answered within the last 0.7 s (wire
 * A4: 0.65 s); the others come before it, evenly. */
#define LASTS_NS         (3200 * NS_PER_MS)
#define LASTS_BEHIND_NAT (5000 * NS_PER_MS)
#define LAST_WAVE_NS     (700 * NS_PER_MS)
/* That nobody is found is clear after as many: on average more than 24 nodes are asked (BS IV.C). */
#define WAVES_IN_VAIN 3U
/* Wire A4: three questions within 0.2 ms. */
#define QUESTION_GAP_NS (60 * NS_PER_US)

/* BS Fig. 7: 6165 bytes to the supernode and 1130 back, in 10-15 s. How they divide is not told: here the
 * request of all searches (13 and 48 bytes), and what 24 nodes would be asked: 8 * 257 + 16 * 256 = 6165
 * - 13. */
#define RELAYED_QUESTIONS 24U
#define RELAYED_LONGER    8U
#define RELAYED_SIZE      256U
#define RELAYED_GAP_NS    (500 * NS_PER_MS)

#define SERVER_IDLE_NS  (30 * NS_PER_S) /* wire B3: 3/3 */
#define SERVER_QUESTION 197U            /* the second record of message 3: wire B3, login 2 */

struct search_server { /* the login server, which is asked in the end */
	struct client_link hook;
	struct link *link; /* NULL: none */
	unsigned heard;    /* messages of it */
	int64_t last_ns;
};

struct search_node {
	uint8_t searches; /* that asked it; stops at 255 */
	bool asked, answered;
};

struct client_search {
	const struct event *event; /* NULL: none is going on */
	uint16_t number;
	unsigned wave;
	unsigned asked, answered;
	int64_t first_ns, last_ns;
	struct search_server server;
	struct search_node node[]; /* by party.number */
};

/* --- timers carry the start of the client, the search, and an argument --------------------------------- */

#define ARGUMENT_BITS 20U
#define NUMBER_BITS   12U

static uint64_t tag_of(const struct client *c)
{
	uint64_t number = c->search->number & ((1U << NUMBER_BITS) - 1);

	return (c->session << NUMBER_BITS | number) & (UINT64_MAX >> ARGUMENT_BITS);
}

static void search_after(struct client *c, int64_t delay_ns, net_timer_fn fn, uint32_t argument)
{
	net_after(c->role.net, delay_ns, fn, c, tag_of(c) << ARGUMENT_BITS | argument);
}

static struct client_search *search_of(const struct client *c, uint64_t what, uint32_t *argument)
{
	*argument = (uint32_t)(what & ((1U << ARGUMENT_BITS) - 1));
	return c->search && c->search->event && what >> ARGUMENT_BITS == tag_of(c) ? c->search : NULL;
}

/* --- the login server ---------------------------------------------------------------------------------- */

static void server_say(struct client *c, const uint8_t *bytes, size_t size)
{
	c->search->server.last_ns = net_now(c->role.net);
	link_send(c->search->server.link, bytes, size, PURPOSE_LOGIN);
}

static void server_opened(struct client *c, struct link *link)
{
	uint8_t hello[MESSAGE_MAX];

	(void)link;
	server_say(c, hello, login_hello(hello));
}

static void server_closed(struct client *c, struct link *link, enum link_end end)
{
	(void)link;
	(void)end;
	c->search->server.link = NULL;
}

static void server_idle(void *self, uint64_t session)
{
	struct client *c = self;
	struct search_server *server = c->search && session == c->session ? &c->search->server : NULL;

	if (!server || !server->link || net_now(c->role.net) - server->last_ns < SERVER_IDLE_NS)
		return;
	link_close(server->link);
	server->link = NULL;
}

static void server_message(struct client *c, struct link *link, const uint8_t *bytes, size_t size)
{
	struct search_server *server = &c->search->server;
	uint8_t block[MESSAGE_MAX];

	(void)bytes;
	(void)size;
	server->last_ns = net_now(c->role.net);
	if (++server->heard == 1)
		server_say(c, block, login_block_2006(&c->role.rng, SERVER_QUESTION, block));
	else if (server->heard == 2)
		net_tell(c->role.net, &(struct fact){ .kind = FACT_EXCHANGE,
						      .party = c->role.party,
						      .link = link,
						      .outcome = "success",
						      .form = "2006" });
	net_after(c->role.net, SERVER_IDLE_NS, server_idle, c, c->session);
}

/* "For a non-existent Skype name, a SC always contacted the login server" (BS IV.C): what they say is not
 * told; here it is what they say at a login. */
static void ask_login_server(struct client *c)
{
	struct search_server *server = &c->search->server;
	const struct party *login = c->role.party->login;

	if (!login || server->link)
		return;
	*server = (struct search_server){ .hook = { .client = c,
						    .opened = server_opened,
						    .message = server_message,
						    .closed = server_closed } };
	server->link = net_connect(c->role.host, party_public(login), PURPOSE_LOGIN, &server->hook);
}

/* --- the end ------------------------------------------------------------------------------------------- */

static void search_tell(struct client *c)
{
	struct client_search *s = c->search;
	struct fact fact = { .kind = FACT_SEARCH,
			     .party = c->role.party,
			     .first_ns = s->first_ns,
			     .last_ns = s->last_ns,
			     .asked = s->asked,
			     .answered = s->answered,
			     .waves = s->asked > 0 ? s->wave : 0 };

	s->event = NULL;
	net_tell(c->role.net, &fact);
}

static void search_end(struct client *c)
{
	bool found = c->search->event->found;

	search_tell(c);
	if (!found)
		ask_login_server(c);
}

/* --- over UDP ------------------------------------------------------------------------------------------ */

static unsigned waves_of(const struct client *c)
{
	return c->search->event->found ? c->version->search_waves : WAVES_IN_VAIN;
}

/* first, next, twice next ...: "sixteen different nodes" after eight (BS IV.C). */
static unsigned wave_size(const struct client *c)
{
	unsigned wave = c->search->wave;

	return wave == 1 ? c->version->search_first : c->version->search_next << (wave - 2);
}

static int64_t wave_lasts(const struct client *c)
{
	bool public = c->role.party->network == NETWORK_PUBLIC;
	int64_t lasts = (public ? LASTS_NS : LASTS_BEHIND_NAT) - LAST_WAVE_NS;
	unsigned before_last = waves_of(c) - 1;

	return before_last > 0 ? lasts / before_last : lasts;
}

static bool has_met(const struct client *c, const struct party *p)
{
	const struct party *self = c->role.party;

	if (p->answers == ANSWERS_NOTHING || p->answers == ANSWERS_TCP) /* no response ever came */
		return false;
	for (unsigned i = 0; i < c->known_count; i++)
		if (endpoint_equal(c->known[i], party_public(p)))
			return true;
	for (size_t i = 0; i < self->cache_count; i++)
		if (self->cache[i] == p)
			return true;
	return false;
}

/* New to the client (wire A4); once there is none left, to this search. */
static const struct party *new_node(struct client *c)
{
	size_t parties = c->role.scenario->parties;

	for (size_t i = 0; i < 2 * parties; i++) {
		const struct party *p = client_learn_node(c);
		if (p && !c->search->node[p->number].asked && (i >= parties || !client_online_met(c, p)))
			return p;
	}
	return NULL;
}

/* Behind a port-restricted NAT: one of those that answered at the login (BS Fig. 6; 1.2 asked new ones there
 * as well, wire A4). */
static const struct party *known_node(struct client *c)
{
	const struct scenario *scenario = c->role.scenario;
	const struct search_node *node = c->search->node;
	const struct party *found = NULL;
	uint32_t as_good = 0;

	for (size_t i = 0; i < scenario->parties; i++) {
		const struct party *p = &scenario->party[i];
		if ((p->kind != PARTY_NODE && p->kind != PARTY_SUPERNODE) || node[i].asked ||
		    !has_met(c, p) || endpoint_equal(party_public(p), c->supernode) ||
		    (found && node[i].searches > node[found->number].searches))
			continue;
		if (found && node[i].searches < node[found->number].searches)
			as_good = 0;
		/* Of those asked least often each is as likely as the next. */
		if (rng_one_in(&c->role.rng, ++as_good))
			found = p;
	}
	return found;
}

static void answered(struct client *c, struct endpoint peer, size_t size, void *self)
{
	struct client_search *s = c->search;
	const struct party *p = scenario_party_at(c->role.scenario, peer);

	(void)self;
	if (size == 0 || !s || !s->event || !p || !s->node[p->number].asked || s->node[p->number].answered)
		return;
	s->node[p->number].answered = true;
	s->answered++;
	s->last_ns = net_now(c->role.net);
}

static void ask_node(void *self, uint64_t what)
{
	struct client *c = self;
	const struct version *v = c->version;
	uint32_t number;
	struct client_search *s = search_of(c, what, &number);
	bool other = s && s->asked % 2 == 1 && v->search_other_question;

	if (!s)
		return;
	s->asked++;
	s->last_ns = net_now(c->role.net);
	client_ask(c, party_public(&c->role.scenario->party[number]),
		   other ? v->search_other_question : v->search_question, ASK_RESENT, NULL, answered, NULL);
}

static void wave_begin(struct client *c);

static void wave_end(void *self, uint64_t what)
{
	struct client *c = self;
	uint32_t wave;
	const struct client_search *s = search_of(c, what, &wave);

	if (!s || wave != s->wave)
		return;
	if (s->wave < waves_of(c))
		wave_begin(c);
	else
		search_end(c);
}

/* The supernode has told which nodes to ask. */
static void ask_wave(struct client *c, size_t size, void *self)
{
	struct client_search *s = c->search;
	bool new = c->role.party->network == NETWORK_PUBLIC || !c->version->search_met;
	const struct party *p;
	unsigned count = 0;

	(void)self;
	if (!s || !s->event)
		return;
	if (size == 0) { /* the connection to the supernode is gone */
		s->wave--;
		search_tell(c);
		return;
	}
	while (count < wave_size(c) && (p = new ? new_node(c) : known_node(c))) {
		struct search_node *node = &s->node[p->number];
		node->asked = true;
		if (node->searches < UINT8_MAX)
			node->searches++;
		search_after(c, count++ * QUESTION_GAP_NS, ask_node, p->number);
	}
	if (count == 0) { /* there are no more */
		s->wave--;
		search_end(c);
		return;
	}
	search_after(c, wave_lasts(c), wave_end, s->wave);
}

static void wave_begin(struct client *c)
{
	c->search->wave++;
	client_ask_supernode(c, c->version->search_request, ask_wave, NULL);
}

/* --- over the supernode alone -------------------------------------------------------------------------- */

static void supernode_answered(struct client *c, size_t size, void *self)
{
	(void)self;
	if (size > 0 && c->search && c->search->event)
		c->search->last_ns = net_now(c->role.net);
}

static void ask_through_supernode(void *self, uint64_t what)
{
	struct client *c = self;
	uint32_t nth;
	struct client_search *s = search_of(c, what, &nth);

	if (!s)
		return;
	if (nth > RELAYED_QUESTIONS) {
		search_end(c);
		return;
	}
	s->last_ns = net_now(c->role.net);
	client_ask_supernode(c,
			     nth == 0 ? c->version->search_request : RELAYED_SIZE + (nth <= RELAYED_LONGER),
			     supernode_answered, NULL);
	search_after(c, RELAYED_GAP_NS, ask_through_supernode, nth + 1);
}

/* --- the event ----------------------------------------------------------------------------------------- */

static bool search_make(struct client *c, struct error *err)
{
	size_t parties = c->role.scenario->parties;

	if (!c->search)
		c->search = calloc(1, sizeof *c->search + parties * sizeof c->search->node[0]);
	if (!c->search)
		return error_memory(err, "a search");
	for (size_t i = 0; i < parties; i++)
		c->search->node[i].asked = c->search->node[i].answered = false;
	return true;
}

bool client_search_begin(struct client *c, const struct event *event, struct error *err)
{
	const char *self = c->role.party->name;
	struct client_search *s;

	if (!c->version->search_request)
		return event_refuse(err, c->role.scenario, event, self,
				    "is of a version whose searches are not known");
	if (c->state != CLIENT_ONLINE)
		return event_refuse(err, c->role.scenario, event, self,
				    "is not online yet, and cannot search");
	if (c->search && c->search->event)
		return event_refuse(err, c->role.scenario, event, self, "is still searching");
	if (!c->supernode_link)
		return event_refuse(err, c->role.scenario, event, self,
				    "has just lost its supernode, and cannot search");
	if (!search_make(c, err))
		return false;
	s = c->search;
	s->event = event;
	s->number++;
	s->wave = s->asked = s->answered = 0;
	s->first_ns = s->last_ns = net_now(c->role.net);
	if (c->udp_restricted)
		search_after(c, 0, ask_through_supernode, 0);
	else
		wave_begin(c);
	return true;
}

void client_search_quit(struct client *c)
{
	if (c->search && c->search->event)
		search_tell(c);
	free(c->search);
	c->search = NULL;
}
