/* What nodes say to those that ask them. */
#include "peer/reply.h"
#include "base/clock.h"
#include <stdlib.h>

#define FRAGMENT_DATA   1340U /* of all but the last one; wire A4, and likewise the next two */
#define FRAGMENTS       9U
#define FRAGMENT_GAP_NS (18 * NS_PER_MS) /* 18 of them within 0.65 s */
#define RESEND_MORE     5U               /* wire A3: a resend is that much longer than its question */

struct reply {
	struct reply *next;
	uint64_t serial;
	struct endpoint to;
	uint32_t own_ip;
	uint16_t port, request, id;
	struct answer answer;
	unsigned fragment; /* the next one */
};

static void replies_remove(struct replies *r, struct reply *reply)
{
	for (struct reply **at = &r->first; *at; at = &(*at)->next)
		if (*at == reply) {
			*at = reply->next;
			free(reply);
			return;
		}
}

static void send(struct replies *r, const struct reply *reply, const uint8_t *bytes, size_t size)
{
	net_send(r->role->host, reply->port, reply->to, bytes, size, PURPOSE_SIGNALLING);
}

static void on_due(void *self, uint64_t what);

/* The next fragment; each message has an id of its own, and begins when the one before it is whole (wire A4).
 */
static void send_fragment(struct replies *r, struct reply *reply)
{
	uint8_t bytes[MESSAGE_MAX];
	unsigned index = reply->fragment++ % FRAGMENTS;
	bool last = index == FRAGMENTS - 1;
	int64_t gap = FRAGMENT_GAP_NS / 2 + rng_below(&r->role->rng, FRAGMENT_GAP_NS);

	if (index == 0) {
		reply->id = (*r->next_id)++;
		if (reply->fragment > 1) /* wire A4: all six messages differ in length */
			reply->answer.bytes = answer_last_fragment(&r->role->rng);
	}
	send(r, reply, bytes,
	     message_fragment(&r->role->rng, reply->id, reply->request, index, last,
			      last ? reply->answer.bytes : FRAGMENT_DATA, bytes));
	if (reply->fragment < reply->answer.messages * FRAGMENTS)
		net_after(r->role->net, gap, on_due, r, reply->serial);
	else
		replies_remove(r, reply);
}

static void on_due(void *self, uint64_t what)
{
	struct replies *r = self;
	struct reply *reply = r->first;
	uint8_t bytes[MESSAGE_MAX], check[4];
	struct addressing a;

	while (reply && reply->serial != what)
		reply = reply->next;
	if (!reply)
		return;
	if (reply->answer.messages > 0) {
		send_fragment(r, reply);
		return;
	}
	a = (struct addressing){ reply->own_ip, reply->to.ip };
	if (reply->answer.acknowledged) {
		send(r, reply, bytes, message_ack(&r->role->rng, reply->request, reply->to.ip, bytes));
	} else {
		message_check(&r->role->rng, SENSE_ANSWER, check);
		send(r, reply, bytes,
		     message_payload(&r->role->rng, (*r->next_id)++, a, check, reply->answer.bytes, bytes));
	}
	replies_remove(r, reply);
}

static void plan(struct replies *r, const struct reply *what)
{
	struct reply *reply = net_alloc(r->role->net, 1, sizeof *reply);

	if (!reply)
		return;
	*reply = *what;
	reply->serial = ++r->serial;
	reply->next = r->first;
	r->first = reply;
	net_after(r->role->net, reply->answer.delay_ns, on_due, r, reply->serial);
}

void replies_ack(struct replies *r, uint16_t port, struct endpoint from, uint16_t id)
{
	/* 0.2 to 0.3 ms later (wire A3) */
	int64_t delay = (int64_t)rng_between(&r->role->rng, 200, 300) * NS_PER_US;

	plan(r, &(struct reply){ .to = from,
				 .port = port,
				 .request = id,
				 .answer = { .acknowledged = true, .delay_ns = delay } });
}

static void send_nak(struct replies *r, uint16_t port, struct endpoint from, uint16_t id)
{
	uint8_t challenge[4], bytes[MESSAGE_MAX];

	rng_fill(&r->role->rng, challenge, sizeof challenge);
	net_send(r->role->host, port, from, bytes, message_nak(&r->role->rng, id, from.ip, challenge, bytes),
		 PURPOSE_SIGNALLING);
}

void replies_to(struct replies *r, uint16_t port, struct endpoint from, const struct message_head *head,
		size_t size, uint32_t own_ip)
{
	size_t asked = head->function == FUNCTION_RESEND ? size - RESEND_MORE : size;
	struct answer answer = answer_over_udp(r->role->party, asked, head->sense, &r->role->rng);

	if (answer.bytes == 0 && !answer.acknowledged)
		return;
	if (head->readable)
		plan(r, &(struct reply){ .to = from,
					 .own_ip = own_ip,
					 .port = port,
					 .request = head->id,
					 .answer = answer });
	else if (head->function == FUNCTION_PAYLOAD)
		send_nak(r, port, from, head->id);
}

void replies_drop(struct replies *r)
{
	while (r->first)
		replies_remove(r, r->first);
}
