/* The client's socket and its life: who sent what to whom, what is asked, answered, and sent again. */
#include "peer/client.h"
#include "base/clock.h"
#include "peer/fact.h"
#include <stdlib.h>
#include <string.h>

#define SENDINGS        3U /* wire A2 */
#define SEARCH_QUESTION 47U
#define SEARCH_MESSAGES 2U /* fragmented ones, to a question of a search (wire A4) */
/* Nobody waits longer for what is sent once; derived: the longest answer of wire B1 took 121 ms. */
#define ONCE_NS (10 * NS_PER_S)

struct question {
	struct question *next;
	uint64_t serial;
	struct endpoint peer;
	size_t size;
	uint16_t id;
	enum asking asking;
	unsigned sendings, messages; /* messages: fragmented ones that are whole */
	bool challenged;
	uint8_t check[4], challenge[4];
	client_answer_fn answered;
	void *self;
};

uint16_t client_take_id(struct client *c, unsigned step)
{
	uint16_t id = c->next_id;

	c->next_id = (uint16_t)(c->next_id + step);
	return id;
}

const struct party *client_learn_node(struct client *c)
{
	const struct scenario *s = c->role.scenario;

	for (size_t i = 0; i < s->parties; i++) {
		const struct party *p = &s->party[c->nodes_learned++ % s->parties];

		if (p->kind == PARTY_NODE)
			return p;
	}
	return NULL;
}

void client_remember_node(struct client *c, struct endpoint node)
{
	for (unsigned i = 0; i < c->known_count; i++)
		if (endpoint_equal(c->known[i], node))
			return;
	if (c->known_count < CLIENT_KNOWN)
		c->known[c->known_count++] = node;
}

/* --- asking --------------------------------------------------------------------------------------------- */

static struct question *question_find(struct client *c, uint64_t serial)
{
	struct question *q = c->questions;

	while (q && q->serial != serial)
		q = q->next;
	return q;
}

/* Takes it off the list before anybody is told, who may ask again. */
static void question_end(struct client *c, struct question *q, size_t size)
{
	struct question **at = &c->questions;

	if (size > 0)
		c->udp_restricted = false;
	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	if (q->answered)
		q->answered(c, q->peer, size, q->self);
	free(q);
}

static void send_datagram(struct client *c, struct endpoint to, const uint8_t *bytes, size_t size)
{
	net_send(c->role.host, c->role.party->address.port, to, bytes, size, PURPOSE_SIGNALLING);
}

static void on_question_due(void *self, uint64_t serial);

static void question_send(struct client *c, struct question *q)
{
	struct addressing a = { c->believed_ip, q->peer.ip };
	uint8_t bytes[MESSAGE_MAX];
	int64_t wait = ONCE_NS;

	/* Wire A2: +2.03..2.09 s, then +4.00..4.04 s, then given up; after as long again (fr 517 and 529). */
	if (q->asking != ASK_ONCE)
		wait = q->sendings == 0 ? (int64_t)rng_between(&c->role.rng, 2030, 2090) * NS_PER_MS
					: (int64_t)rng_between(&c->role.rng, 4000, 4040) * NS_PER_MS;
	q->sendings++;
	send_datagram(c, q->peer, bytes, message_payload(&c->role.rng, q->id, a, q->check, q->size, bytes));
	net_after(c->role.net, wait, on_question_due, c, q->serial);
}

static void on_question_due(void *self, uint64_t serial)
{
	struct client *c = self;
	struct question *q = question_find(c, serial);

	if (!q)
		return;
	if (q->asking == ASK_ONCE || q->sendings == SENDINGS)
		question_end(c, q, 0);
	else
		question_send(c, q);
}

void client_ask(struct client *c, struct endpoint peer, size_t size, enum asking asking,
		const uint8_t check[4], client_answer_fn answered, void *self)
{
	struct question *q = net_alloc(c->role.net, 1, sizeof *q), **at = &c->questions;

	if (!q || c->state == CLIENT_OFF) {
		free(q);
		return;
	}
	q->serial = ++c->question_serial;
	q->peer = peer;
	q->size = size;
	q->asking = asking;
	q->answered = answered;
	q->self = self;
	q->id = client_take_id(c, asking == ASK_NOTICE ? 1 : 2);
	if (check)
		memcpy(q->check, check, 4);
	else
		message_check(&c->role.rng, SENSE_QUESTION, q->check);
	if (check_sense(q->check) != SENSE_WANTS_SUPERNODE || size != 18)
		check_set_sense(q->check, SENSE_QUESTION);
	while (*at) /* answers come in the order of the questions */
		at = &(*at)->next;
	*at = q;
	question_send(c, q);
}

static void on_resend_due(void *self, uint64_t serial)
{
	struct client *c = self;
	struct question *q = question_find(c, serial);
	uint8_t bytes[MESSAGE_MAX];

	if (q)
		send_datagram(c, q->peer, bytes,
			      message_resend(&c->role.rng, q->id, q->challenge, q->peer.ip, q->check, q->size,
					     bytes));
}

/* --- what comes ----------------------------------------------------------------------------------------- */

/* The question that is answered: by its id where the answer shows it (wire A3), else the oldest of that peer.
 */
static struct question *question_of(struct client *c, struct endpoint peer, const uint16_t *id)
{
	for (struct question *q = c->questions; q; q = q->next)
		if (endpoint_equal(q->peer, peer) && (id ? q->id == *id : q->asking != ASK_NOTICE))
			return q;
	return NULL;
}

static void on_nak(struct client *c, struct endpoint from, const struct message_head *head)
{
	struct question *q = question_of(c, from, &head->id);

	if (!q || q->challenged)
		return;
	c->believed_ip = head->public_ip;
	q->challenged = true;
	memcpy(q->challenge, head->challenge, sizeof q->challenge);
	/* Wire A3: 0.13 and 0.18 ms later */
	net_after(c->role.net, (int64_t)rng_between(&c->role.rng, 130, 180) * NS_PER_US, on_resend_due, c,
		  q->serial);
}

static void on_ack(struct client *c, struct endpoint from, const struct message_head *head)
{
	struct question *q = question_of(c, from, &head->id);

	if (!q)
		return;
	c->believed_ip = head->public_ip;
	question_end(c, q, 11);
}

static void on_fragment(struct client *c, struct endpoint from, const struct message_head *head, size_t size)
{
	struct question *q = question_of(c, from, &head->request);

	if (q && head->last && (q->size != SEARCH_QUESTION || ++q->messages == SEARCH_MESSAGES))
		question_end(c, q, size);
}

static void on_question(struct client *c, struct endpoint from, const struct message_head *head, size_t size)
{
	uint16_t port = c->role.party->address.port;

	/* From an unknown peer: wire A3. Others read 21 bytes as a question (wire A5). */
	if (head->readable && size >= 19 && size <= 21 && !question_of(c, from, NULL)) {
		replies_ack(&c->replies, port, from, head->id);
		client_start_notice(c, size);
		return;
	}
	replies_to(&c->replies, port, from, head, size, c->believed_ip);
}

static void on_payload(struct client *c, struct endpoint from, const struct message_head *head, size_t size)
{
	struct question *q = question_of(c, from, NULL);

	if (head->sense != SENSE_ANSWER)
		on_question(c, from, head, size);
	else if (q && head->readable)
		question_end(c, q, size);
}

static void on_datagram(void *self, uint16_t local_port, struct endpoint from, const uint8_t *bytes,
			size_t size)
{
	struct client *c = self;
	struct message_head head;

	if (local_port != c->role.party->address.port) { /* another program's, or a helper's: DNS */
		client_start_datagram(c, local_port, bytes, size);
		return;
	}
	if (!message_parse(bytes, size, (struct addressing){ from.ip, c->believed_ip }, &head))
		return;
	switch (head.function) {
	case FUNCTION_PAYLOAD:
	case FUNCTION_RESEND:
		on_payload(c, from, &head, size);
		break;
	case FUNCTION_ACK:
		on_ack(c, from, &head);
		break;
	case FUNCTION_NAK:
		on_nak(c, from, &head);
		break;
	case FUNCTION_FRAGMENT:
		on_fragment(c, from, &head, size);
		break;
	case FUNCTION_MEDIA:
		client_call_media(c, from, size);
		break;
	}
}

static bool on_accepted(void *self, struct link *link, uint16_t local_port, struct endpoint from)
{
	(void)local_port;
	return client_call_accepted(self, link, from);
}

static void on_opened(void *self, struct link *link)
{
	const struct client_link *l = link->data;

	if (l && l->opened)
		l->opened(self, link);
}

static void on_message(void *self, struct link *link, const uint8_t *bytes, size_t size)
{
	const struct client_link *l = link->data;

	if (l && l->message)
		l->message(self, link, bytes, size);
}

static void on_closed(void *self, struct link *link, enum link_end end)
{
	const struct client_link *l = link->data;

	if (l && l->closed)
		l->closed(self, link, end);
}

static const struct host_handlers handlers = {
	.datagram = on_datagram,
	.accepted = on_accepted,
	.opened = on_opened,
	.message = on_message,
	.closed = on_closed,
};

/* --- its life ------------------------------------------------------------------------------------------- */

static void tell(struct client *c, enum fact_kind kind)
{
	net_tell(c->role.net, &(struct fact){ .kind = kind, .party = c->role.party });
}

static bool start(struct client *c, struct error *err)
{
	const struct party *p = c->role.party;

	c->role.host = net_attach(c->role.net, p, &handlers, c, err);
	if (!c->role.host)
		return false;
	c->session++;
	c->state = CLIENT_PROBING;
	c->next_id = (uint16_t)rng_next(&c->role.rng);
	/* What it knew of its public address it forgets with the program: a NAK at each start (wire A3). */
	c->believed_ip = p->online && c->session == 1 ? p->public_ip : p->address.ip;
	tell(c, FACT_UP);
	if (c->version->form_2015)
		client_2015_begin(c);
	else
		client_start_begin(c);
	return true;
}

static void forget(struct client *c)
{
	client_call_quit(c);
	client_search_quit(c);
	client_online_quit(c);
	client_start_quit(c);
	client_2015_quit(c);
	client_supernode_quit(c);
	while (c->questions) {
		c->questions->answered = NULL;
		question_end(c, c->questions, 0);
	}
	replies_drop(&c->replies);
	c->state = CLIENT_OFF;
}

static void quit(struct client *c)
{
	tell(c, FACT_DOWN);
	forget(c);
	net_detach(c->role.host);
	c->role.host = NULL;
}

void client_is_online(struct client *c)
{
	c->state = CLIENT_ONLINE;
	client_online_begin(c);
}

static bool client_begin(struct role *role, struct error *err)
{
	struct client *c = (struct client *)role;

	c->version = role->party->version;
	c->replies = (struct replies){ .role = role, .next_id = &c->next_id };
	return !role->party->online || start(c, err);
}

static bool client_event(struct role *role, const struct event *event, struct error *err)
{
	struct client *c = (struct client *)role;
	bool does = event->who == role->party, runs = c->state != CLIENT_OFF;

	if (event->verb == VERB_STARTS)
		return !does || runs || start(c, err);
	if (!runs)
		return !does || error_set(err, EXIT_INPUT, "%s:%u: %s does not run at this time",
					  role->scenario->path, event->line, role->party->name);
	if (event->verb == VERB_QUITS) {
		if (does)
			quit(c);
		return true;
	}
	if (event->verb == VERB_SEARCHES)
		return !does || client_search_begin(c, event, err);
	return client_call_event(c, event, err);
}

static void client_free(struct role *role)
{
	struct client *c = (struct client *)role;

	if (c->state != CLIENT_OFF)
		forget(c);
}

extern const struct role_kind role_client;
const struct role_kind role_client = {
	.size = sizeof(struct client),
	.begin = client_begin,
	.event = client_event,
	.free = client_free,
};
