/* Supernodes and nodes: what they say to those that ask them, over UDP (reply.c) and TCP (answers.c). */
#include "peer/node_2015.h"
#include "peer/reply.h"
#include "peer/talk.h"

struct node {
	struct role role;
	struct replies replies;
	struct talks talks;
	struct node_2015 node_2015;
	uint16_t next_id;
};

static void on_datagram(void *self, uint16_t local_port, struct endpoint from, const uint8_t *bytes,
			size_t size)
{
	struct node *n = self;
	uint32_t own = n->role.party->public_ip;
	struct message_head head;

	if (!message_parse(bytes, size, (struct addressing){ from.ip, own }, &head))
		return;
	if ((head.function == FUNCTION_PAYLOAD || head.function == FUNCTION_RESEND) &&
	    head.sense != SENSE_ANSWER)
		replies_to(&n->replies, local_port, from, &head, size, own);
}

static bool on_accepted(void *self, struct link *link, uint16_t local_port, struct endpoint from)
{
	struct node *n = self;

	(void)local_port;
	(void)from;
	return n->role.party->answers != ANSWERS_REFERS && talks_add(&n->talks, link);
}

static void on_message(void *self, struct link *link, const uint8_t *bytes, size_t size)
{
	struct node *n = self;
	struct talk *talk = link->data;
	struct answer answer;

	if (talk->messages++ == 0 || talk->form_2015) {
		talk->form_2015 = node_2015_message(&n->node_2015, &n->role, link, bytes, size);
		if (talk->form_2015)
			return;
		talk->opening = opening_read(bytes, size);
	}
	if (size == NODES_REQUEST)
		talk->nodes_requests++;
	answer = answer_over_tcp(talk->opening, size, talk->nodes_requests, &n->role.rng);
	if (answer.bytes > 0)
		talk_say(&n->talks, talk, answer.delay_ns, SAY_RANDOM, answer.bytes);
}

static void on_closed(void *self, struct link *link, enum link_end end)
{
	struct node *n = self;

	(void)end;
	node_2015_closed(&n->node_2015, link);
	talks_remove(&n->talks, link->data);
}

static const struct host_handlers handlers = {
	.datagram = on_datagram,
	.accepted = on_accepted,
	.message = on_message,
	.closed = on_closed,
};

static bool node_begin(struct role *role, struct error *err)
{
	struct node *n = (struct node *)role;

	n->replies = (struct replies){ .role = role, .next_id = &n->next_id };
	n->talks = (struct talks){ .role = role, .purpose = PURPOSE_SUPERNODE };
	n->next_id = (uint16_t)rng_next(&role->rng);
	if (role->party->answers == ANSWERS_NOTHING) /* nobody is there */
		return true;
	role->host = net_attach(role->net, role->party, &handlers, n, err);
	return role->host != NULL;
}

static void node_free(struct role *role)
{
	struct node *n = (struct node *)role;

	replies_drop(&n->replies);
	talks_free(&n->talks);
	node_2015_free(&n->node_2015);
}

extern const struct role_kind role_node;
const struct role_kind role_node = { .size = sizeof(struct node), .begin = node_begin, .free = node_free };
