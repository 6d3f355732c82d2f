/*
 * A node that forwards media, and the signalling of those that cannot be reached (BS IV.D, Figs. 9 and 10;
 * "media proxy" in those of the report on 0.97). It learns of a call from the scenario, where real nodes are
 * told by the caller, nobody knows how. Datagrams go on as they are; over TCP, messages do.
 */
#include "peer/call_plan.h"
#include "peer/message.h"
#include "peer/reply.h"
#include <stdlib.h>
#include <string.h>

#define MESSAGE_LARGEST 1460U

enum leg { LEG_SIGNALLING, LEG_MEDIA, LEGS };

struct relay_end { /* the connection of one end */
	struct relay_end *other;
	struct link *link; /* NULL: not there */
	enum purpose purpose;
	/* What the other end said before this one was there: one message, as each waits for an answer. */
	uint8_t kept[MESSAGE_LARGEST];
	size_t kept_size;
};

struct relayed {
	struct relayed *next;
	struct call_plan plan;
	int64_t began_ns;
	struct relay_end end[LEGS][2]; /* 0: the caller's */
};

struct relay {
	struct role role;
	struct relayed *calls; /* the newest first */
	uint16_t next_id;
	struct replies replies; /* to questions: it is a node */
};

/* --- over UDP ----------------------------------------------------------------------------------------- */

/* The media of a call over UDP go on to its other end. */
static void forward(struct relay *r, struct endpoint from, const uint8_t *bytes, size_t size)
{
	const struct party *self = r->role.party;
	int64_t now = net_now(r->role.net);

	for (const struct relayed *call = r->calls; call; call = call->next) {
		struct endpoint caller = call_reach(self, call->plan.caller),
				callee = call_reach(self, call->plan.callee);
		if (call->plan.over_tcp || now > call->began_ns + call->plan.ends_ns + CALL_OVER_NS)
			continue;
		if (!endpoint_equal(from, caller) && !endpoint_equal(from, callee))
			continue;
		net_send(r->role.host, self->address.port, endpoint_equal(from, caller) ? callee : caller,
			 bytes, size, PURPOSE_MEDIA);
		return;
	}
}

static void on_datagram(void *self, uint16_t local_port, struct endpoint from, const uint8_t *bytes,
			size_t size)
{
	struct relay *r = self;
	struct message_head head;
	struct addressing way = { from.ip, r->role.party->public_ip };

	if (!message_parse(bytes, size, way, &head))
		return;
	if (head.function == FUNCTION_MEDIA)
		forward(r, from, bytes, size);
	else if (head.function == FUNCTION_PAYLOAD || head.function == FUNCTION_RESEND)
		replies_to(&r->replies, local_port, from, &head, size, way.to);
}

/* --- over TCP ----------------------------------------------------------------------------------------- */

/* The place of a connection that came from this address now; NULL: nobody is expected. */
static struct relay_end *place_of(struct relay *r, uint32_t ip)
{
	int64_t now = net_now(r->role.net);

	for (struct relayed *call = r->calls; call; call = call->next) {
		int64_t since = now - call->began_ns;
		enum leg leg = since < CALL_ANSWERS_NS ? LEG_SIGNALLING : LEG_MEDIA;
		bool wanted =
			leg == LEG_SIGNALLING ? call->plan.signalling == CALL_BY_RELAY : call->plan.over_tcp;
		const struct party *party[2] = { call->plan.caller, call->plan.callee };
		for (unsigned i = 0; wanted && since < CALL_TALKS_NS && i < 2; i++)
			if (!call->end[leg][i].link && ip == call_reach(r->role.party, party[i]).ip)
				return &call->end[leg][i];
	}
	return NULL;
}

static bool on_accepted(void *self, struct link *link, uint16_t local_port, struct endpoint from)
{
	struct relay_end *end = place_of(self, from.ip);

	(void)local_port;
	if (!end)
		return false;
	end->link = link;
	link->data = end;
	if (end->kept_size > 0)
		link_send(link, end->kept, end->kept_size, end->purpose);
	end->kept_size = 0;
	return true;
}

static void on_message(void *self, struct link *link, const uint8_t *bytes, size_t size)
{
	struct relay_end *end = link->data, *other = end->other;

	(void)self;
	if (other->link) {
		link_send(other->link, bytes, size, other->purpose);
	} else if (end->purpose == PURPOSE_NODE && size <= MESSAGE_LARGEST) {
		memcpy(other->kept, bytes, size);
		other->kept_size = size;
	}
}

static void end_close(struct relay_end *end)
{
	if (end->link)
		link_close(end->link);
	end->link = NULL;
}

static void on_closed(void *self, struct link *link, enum link_end how)
{
	struct relay_end *end = link->data;

	(void)self;
	(void)how;
	end->link = NULL;
	end_close(end->other);
}

/* Nobody answers: the one that waits is told. */
static void on_missed(void *self, uint64_t number)
{
	struct relay *r = self;
	const struct scenario *s = r->role.scenario;

	for (struct relayed *call = r->calls; call; call = call->next) {
		struct relay_end *end = call->end[LEG_SIGNALLING];
		if (call->plan.event != &s->event[number] || (end[0].link && end[1].link))
			continue;
		end_close(&end[0]);
		end_close(&end[1]);
	}
}

/* --- the role ----------------------------------------------------------------------------------------- */

static const struct host_handlers handlers = {
	.datagram = on_datagram, .accepted = on_accepted, .message = on_message, .closed = on_closed
};

static bool relay_begin(struct role *role, struct error *err)
{
	struct relay *r = (struct relay *)role;

	r->next_id = (uint16_t)rng_next(&role->rng);
	r->replies = (struct replies){ .role = role, .next_id = &r->next_id };
	role->host = net_attach(role->net, role->party, &handlers, r, err);
	return role->host != NULL;
}

/* Two calls of one client over UDP through here: its datagrams do not say which one they are for. */
static bool is_taken(const struct relay *r, const struct call_plan *plan)
{
	for (const struct relayed *call = r->calls; call; call = call->next) {
		const struct call_plan *p = &call->plan;
		bool shared = p->caller == plan->caller || p->caller == plan->callee ||
			      p->callee == plan->caller || p->callee == plan->callee;
		if (shared && !p->over_tcp && !plan->over_tcp &&
		    plan->event->at_ns < p->event->at_ns + p->ends_ns + CALL_OVER_NS)
			return true;
	}
	return false;
}

static bool relay_event(struct role *role, const struct event *event, struct error *err)
{
	struct relay *r = (struct relay *)role;
	struct call_plan plan;
	struct relayed *call;

	if (event->via != role->party)
		return true;
	if (!call_plan(role->scenario, event, &plan, err))
		return false;
	if (is_taken(r, &plan))
		return event_refuse(
			err, role->scenario, event, role->party->name,
			"forwards datagrams of one of them already: the call needs another relay");
	call = calloc(1, sizeof *call);
	if (!call)
		return error_memory(err, "a relayed call");
	call->plan = plan;
	call->began_ns = net_now(role->net);
	for (unsigned leg = 0; leg < LEGS; leg++)
		for (unsigned i = 0; i < 2; i++)
			call->end[leg][i] = (struct relay_end){
				.other = &call->end[leg][1 - i],
				.purpose = leg == LEG_MEDIA ? PURPOSE_MEDIA : PURPOSE_NODE,
			};
	call->next = r->calls;
	r->calls = call;
	if (plan.signalling == CALL_BY_RELAY)
		net_after(role->net, CALL_MISSED_NS, on_missed, r, (uint64_t)(event - role->scenario->event));
	return true;
}

static void relay_free(struct role *role)
{
	struct relay *r = (struct relay *)role;

	for (struct relayed *call = r->calls, *next; call; call = next) {
		next = call->next;
		free(call);
	}
	replies_drop(&r->replies);
}

const struct role_kind role_relay = {
	.size = sizeof(struct relay), .begin = relay_begin, .event = relay_event, .free = relay_free
};
