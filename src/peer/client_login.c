/*
 * The login (wire B3, BS Fig. 4), and the nodes that are asked with it and right behind it (wire B4;
 * SkypeIRC.pcap fr 292-420 and 1931-2036).
 */
#include "peer/client_start.h"
#include <string.h>

#define NODES_AT_LOGIN  2U /* 22 bytes to each; wire B4, and likewise the next four */
#define NODES_PINGED    4U /* 18 bytes */
#define ROUNDS_LONG     5U /* of ping-pong with the first two, ... */
#define ROUNDS_SHORT    1U /* ... and with the others */
#define NODES_LONG      2U
#define FIRST_QUESTIONS 3U   /* wire B2: UDP to three nodes after 13 -> 48 */
#define MORE_QUESTIONS  2U   /* after 13 -> 82 (fr 386, 387) */
#define ALL_QUESTIONS   9U   /* fr 372-415 */
#define FAILURE_SIZE    18U  /* BS IV.B.1 */
#define LOGIN_1_SIZE    451U /* wire B3: of message 3; this login has an exchange more */

/* --- nodes ---------------------------------------------------------------------------------------------- */

static void ask_new_node(struct client *c, size_t size, enum asking asking, client_answer_fn answered)
{
	const struct party *node = client_learn_node(c);

	if (node)
		client_ask(c, party_public(node), size, asking, NULL, answered, NULL);
}

static void on_pong(struct client *c, struct endpoint peer, size_t size, void *self);

static void on_ping_due(void *self, uint64_t what)
{
	struct client *c = self;
	unsigned node = what & 3;

	if (start_runs(c, what >> 2))
		client_ask(c, c->start->ponged[node], 18, ASK_ONCE, NULL, on_pong, NULL);
}

static void on_pong(struct client *c, struct endpoint peer, size_t size, void *self)
{
	struct client_start *s = c->start;

	(void)self;
	if (size == 0 || s->refused)
		return;
	for (unsigned i = 0; i < NODES_PINGED; i++)
		if (endpoint_equal(s->ponged[i], peer) &&
		    ++s->rounds[i] <
			    (i < NODES_LONG && c->version->login_record[0] ? ROUNDS_LONG : ROUNDS_SHORT))
			net_after(c->role.net, start_us(c, 200, 700), on_ping_due, c, c->session << 2 | i);
}

static void ping_nodes(struct client *c)
{
	for (unsigned i = 0; i < NODES_PINGED; i++) {
		const struct party *node = client_learn_node(c);

		if (!node)
			return;
		c->start->ponged[i] = party_public(node);
		client_ask(c, c->start->ponged[i], 18, ASK_ONCE, NULL, on_pong, NULL);
	}
}

static void on_ping_pong(void *self, uint64_t session)
{
	if (start_runs(self, session))
		ping_nodes(self);
}

/* 650 to 700 bytes: the first of both answers is enough. */
static void on_login_node(struct client *c, struct endpoint peer, size_t size, void *self)
{
	(void)peer;
	(void)self;
	if (size == 0 || c->start->pinging)
		return;
	c->start->pinging = true;
	start_after(c, start_us(c, 670, 2870), on_ping_pong); /* fr 307, 1940 */
}

static void on_node(struct client *c, struct endpoint peer, size_t size, void *self);

static bool is_known(const struct client *c)
{
	return c->start->opening == OPENING_KNOWN;
}

/* New nodes, 30 bytes to each; with state of an earlier session the nodes of that one, 58 and then 60 bytes.
 */
static void ask_node(struct client *c)
{
	struct client_start *s = c->start;
	unsigned n = s->questions++;

	if (!is_known(c))
		ask_new_node(c, 30, ASK_RESENT, on_node);
	else if (n < c->known_count)
		client_ask(c, c->known[n], s->more_asked ? 60 : 58, ASK_RESENT, NULL, on_node, NULL);
	else
		ask_new_node(c, s->more_asked ? 60 : 58, ASK_RESENT, on_node);
}

static void ask_nodes(struct client *c, unsigned count)
{
	for (; count > 0; count--)
		ask_node(c);
}

static void on_ask_more(void *self, uint64_t session)
{
	if (start_runs(self, session))
		ask_nodes(self, is_known(self) ? FIRST_QUESTIONS : MORE_QUESTIONS);
}

static void on_more_nodes(struct client *c, size_t size, void *self)
{
	(void)self;
	if (size == 0)
		return;
	/* fr 382-386 and 2015-2017 */
	start_after(c, is_known(c) ? start_us(c, 1000, 1100) : start_ms(c, 90, 98), on_ask_more);
}

static void on_request_more(void *self, uint64_t session)
{
	struct client *c = self;

	if (start_runs(c, session))
		client_ask_supernode(c, NODES_REQUEST, on_more_nodes, NULL);
}

static void on_ask_one(void *self, uint64_t session)
{
	if (start_runs(self, session))
		ask_node(self);
}

static void on_node(struct client *c, struct endpoint peer, size_t size, void *self)
{
	struct client_start *s = c->start;

	(void)self;
	if (size == 0)
		return;
	if (size == 18)
		client_remember_node(c, peer);
	if (!s->more_asked) {
		s->more_asked = true;
		start_after(c, start_us(c, 460, 1710), on_request_more); /* fr 380, 2007 */
	} else if (s->questions >= FIRST_QUESTIONS + MORE_QUESTIONS && s->questions < ALL_QUESTIONS &&
		   !is_known(c)) {
		start_after(c, start_us(c, 430, 960), on_ask_one); /* fr 389, 399, 403, 415 */
	}
}

static void on_ask_first(void *self, uint64_t session)
{
	if (start_runs(self, session))
		ask_nodes(self, FIRST_QUESTIONS);
}

static void on_first_nodes(struct client *c, size_t size, void *self)
{
	(void)self;
	if (size > 0)
		start_after(c, start_us(c, 700, 850), on_ask_first); /* fr 372, 1992 */
}

/* TR Fig. 5: what it cannot ask over UDP it asks its supernode, 0.97 twice: 8.5 kilobytes in all (TR 4.2.4);
 * BS Table I: 7. */
static void on_relayed(struct client *c, size_t size, void *self)
{
	(void)self;
	if (size > 0)
		client_ask_supernode(c, 93, NULL, NULL);
}

static void on_nodes_due(void *self, uint64_t session)
{
	struct client *c = self;
	static const uint8_t sizes[] = { 34, 44 };

	if (!start_runs(c, session))
		return;
	if (c->udp_restricted)
		client_ask_supernode(c, 93, c->start->opening == OPENING_BETA ? on_relayed : NULL, NULL);
	if (c->start->opening ==
	    OPENING_BETA) { /* TR Fig. 3: 18 bytes to four nodes, then 34 to 17 and 44 to 5 */
		ping_nodes(c);
		for (unsigned i = 0; i < 22; i++)
			ask_new_node(c, sizes[i >= 17], ASK_NOTICE, NULL);
	} else if (!c->udp_restricted) {
		client_ask_supernode(c, NODES_REQUEST, on_first_nodes, NULL);
	}
}

/* --- the login server ----------------------------------------------------------------------------------- */

static void on_extra(void *self, uint64_t session)
{
	struct client *c = self;
	uint8_t bytes[MESSAGE_MAX];

	if (start_runs(c, session) && c->start->login.link)
		service_send(c, &c->start->login, bytes, login_record(&c->role.rng, 13, bytes));
}

static void login_done(struct client *c, size_t size)
{
	struct client_start *s = c->start;
	bool beta = s->opening == OPENING_BETA;
	enum client_state before = c->state;

	if (size == FAILURE_SIZE) {
		service_tell(c, &s->login, "failure");
		link_close(s->login.link);
		s->login.link = NULL;
		find_stop(c);
		s->refused = true; /* every timer of the start-up looks at it */
		client_supernode_closed(c);
		if (s->link)
			link_close(s->link);
		s->link = NULL;
		return;
	}
	service_tell(c, &s->login, "success");
	s->logged_in = true;
	if (beta) { /* TR Fig. 3: closed at once */
		link_close(s->login.link);
		s->login.link = NULL;
	} else if (!is_known(c) && c->version->login_record[0] + 215 == LOGIN_1_SIZE) {
		start_after(c, start_us(c, 22200, 22300), on_extra); /* fr 362 */
	}
	services_after_login(c);
	start_after(c, start_us(c, 22600, 27900), on_nodes_due); /* fr 364, 1982 */
	client_is_online(c);
	if (!c->supernode_link) /* lost meanwhile; dialogue_over() of the next one brings it back */
		c->state = before;
}

static void on_block_due(void *self, uint64_t session)
{
	struct client *c = self;
	uint8_t bytes[MESSAGE_MAX];

	if (!start_runs(c, session) || !c->start->login.link)
		return;
	if (c->start->opening == OPENING_BETA) {
		rng_fill(&c->role.rng, bytes, 176);
		service_send(c, &c->start->login, bytes, 176);
		return;
	}
	service_send(c, &c->start->login, bytes,
		     login_block_2006(&c->role.rng, c->version->login_record[is_known(c)], bytes));
}

static void on_login_message(struct client *c, struct link *link, const uint8_t *bytes, size_t size)
{
	struct server_link *login = &c->start->login;

	(void)link;
	(void)bytes;
	service_watch(c, login);
	if (++login->messages == 1)
		start_after(c, start_us(c, 1100, 1400), on_block_due); /* fr 316, 1947 */
	else if (login->messages == 2)
		login_done(c, size);
}

static void on_hello_due(void *self, uint64_t session)
{
	struct client *c = self;
	uint8_t bytes[MESSAGE_MAX];

	if (!start_runs(c, session) || !c->start->login.link)
		return;
	for (unsigned i = 0; i < NODES_AT_LOGIN && !c->udp_restricted && c->start->opening != OPENING_BETA;
	     i++)
		ask_new_node(c, 22, ASK_RESENT, on_login_node);
	if (c->start->opening == OPENING_BETA) {
		rng_fill(&c->role.rng, bytes, 14);
		service_send(c, &c->start->login, bytes, 14);
	} else {
		service_send(c, &c->start->login, bytes, login_hello(bytes));
	}
}

static void on_login_opened(struct client *c, struct link *link)
{
	(void)link;
	c->start->login.last_ns = net_now(c->role.net);
	start_after(c, start_us(c, 8300, 11400), on_hello_due); /* fr 295, 1935 */
}

static void on_login_again(void *self, uint64_t session)
{
	struct client *c = self;

	if (start_runs(c, session) && !c->start->logged_in && c->supernode_link)
		login_begin(c);
}

static void on_login_closed(struct client *c, struct link *link, enum link_end end)
{
	struct client_start *s = c->start;

	(void)link;
	if (end == LINK_CLOSED && !s->login.told)
		service_tell(c, &s->login, "no-answer");
	s->login.link = NULL;
	if (!s->logged_in && !s->refused) /* as it does with supernodes: BS Fig. 3 */
		start_after(c, c->version->pause_ns, on_login_again);
}

void login_begin(struct client *c)
{
	struct client_start *s = c->start;
	const struct party *server = c->role.party->login;

	if (s->login.link) /* since before the supernode was lost: it goes on beside the new one */
		return;
	if (!server || c->role.party->online) {
		s->logged_in = true;
		client_is_online(c);
		return;
	}
	s->login = (struct server_link){
		.part = { c, on_login_opened, on_login_message, on_login_closed, NULL },
	};
	service_connect(c, &s->login, party_public(server), PURPOSE_LOGIN);
	if (!s->login.link)
		start_after(c, c->version->pause_ns, on_login_again);
}
