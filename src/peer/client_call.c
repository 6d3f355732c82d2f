/*
 * Calls of a client: the events of the scenario, connections that come in, and the list. A call is planned
 * (call_plan.h), and each end keeps to the times of the plan; what the other end does decides only whether
 * there is a call at all.
 */
#include "peer/call.h"
#include <stdlib.h>

/* A node that found this client over UDP and tries its port over TCP: it says 29 bytes, is answered 14, says
 * 12, is answered 4 (wire B4). */
struct visitor {
	struct visitor *next;
	struct client_link hook;
	unsigned heard;
};

struct client_call {
	struct call *call;
	struct visitor *visitor;
};

/* What a timer carries: which start of the client, which call, which step. */
#define STEP_BITS   8U
#define NUMBER_BITS 32U

static struct call *call_numbered(const struct client *c, uint64_t what)
{
	uint64_t number = what >> STEP_BITS & UINT32_MAX, session = what >> (STEP_BITS + NUMBER_BITS);

	if (!c->calls || session != (c->session & 0xffffff))
		return NULL;
	for (struct call *call = c->calls->call; call; call = call->next)
		if (call->number == number && call->stage != CALL_OVER)
			return call;
	return NULL;
}

static void call_step(void *self, uint64_t what)
{
	struct client *c = self;
	struct call *call = call_numbered(c, what);

	if (!call)
		return;
	switch ((enum call_step)(what & ((1U << STEP_BITS) - 1))) {
	case STEP_ASK:
		call_ask_nodes(call);
		break;
	case STEP_CONNECT:
		call_connect(call);
		break;
	case STEP_SAY:
		call_say(call);
		break;
	case STEP_JOIN:
		call_join(call);
		break;
	case STEP_TALK:
		call_talk(call);
		break;
	case STEP_MEDIA:
		call_send_media(call);
		break;
	case STEP_END:
		call_stop_media(call);
		break;
	case STEP_HANG_UP:
		call_hang_up(call);
		break;
	case STEP_OVER:
		call_end_media(call);
		break;
	}
}

void call_after(struct call *call, int64_t delay_ns, enum call_step step)
{
	struct client *c = call->client;
	uint64_t what =
		(c->session & 0xffffff) << (STEP_BITS + NUMBER_BITS) | call->number << STEP_BITS | step;

	net_after(c->role.net, delay_ns, call_step, c, what);
}

static void close_leg(struct call_leg *leg)
{
	if (leg->link)
		link_close(leg->link);
	leg->link = NULL;
}

void call_drop(struct call *call)
{
	call_end_media(call);
	call->stage = CALL_OVER;
	close_leg(&call->signalling);
	close_leg(&call->media);
}

void call_way_is_open(struct client *c, struct endpoint peer, size_t size, void *self)
{
	(void)self;
	for (struct call *call = c->calls ? c->calls->call : NULL; size && call; call = call->next) {
		if (call->plan.signalling != CALL_BY_SUPERNODES ||
		    !endpoint_equal(peer, call_reach(c->role.party, call->other)))
			continue;
		call->met = true;
		call_talk(call);
	}
}

static bool calls_make(struct client *c, struct error *err)
{
	if (!c->calls)
		c->calls = net_alloc(c->role.net, 1, sizeof *c->calls);
	return c->calls || error_memory(err, "the calls of a client");
}

/* Calls that are over are kept until the next one begins, as handlers of theirs may be at work. */
static void calls_sweep(struct client_call *calls)
{
	for (struct call **at = &calls->call; *at;) {
		struct call *call = *at;
		if (call->stage != CALL_OVER) {
			at = &call->next;
			continue;
		}
		*at = call->next;
		free(call);
	}
}

static bool begin(struct client *c, const struct call_plan *plan, struct error *err)
{
	struct call *call;

	if (!calls_make(c, err))
		return false;
	calls_sweep(c->calls);
	call = calloc(1, sizeof *call);
	if (!call)
		return error_memory(err, "a call");
	call->client = c;
	call->plan = *plan;
	call->caller = plan->caller == c->role.party;
	call->other = call->caller ? plan->callee : plan->caller;
	call->number = (uint64_t)(plan->event - c->role.scenario->event);
	call->began_ns = net_now(c->role.net);
	call->next = c->calls->call;
	c->calls->call = call;
	call_after(call, CALL_ASKS_NS, STEP_ASK);
	call_after(call, CALL_CONNECTS_NS, STEP_CONNECT);
	if (plan->over_tcp)
		call_after(call, CALL_JOINS_NS, STEP_JOIN);
	call_after(call, CALL_TALKS_NS, STEP_TALK);
	call_after(call, plan->ends_ns, STEP_END);
	call_after(call, plan->ends_ns + CALL_HANGS_UP_NS, STEP_HANG_UP);
	call_after(call, plan->ends_ns + CALL_OVER_NS, STEP_OVER);
	return true;
}

static bool is_talking(const struct client *c)
{
	for (const struct call *call = c->calls ? c->calls->call : NULL; call; call = call->next)
		if (call->stage == CALL_TALKING)
			return true;
	return false;
}

bool client_call_event(struct client *c, const struct event *event, struct error *err)
{
	const struct scenario *scenario = c->role.scenario;
	const struct party *self = c->role.party;
	struct call_plan plan;

	if (event->verb == VERB_HOLDS)
		return is_talking(c) ||
		       event_refuse(err, scenario, event, self->name, "talks to nobody whom it could hold");
	if (!call_plan(scenario, event, &plan, err))
		return false;
	/* Whoever is called and not there does not answer. */
	if (c->state != CLIENT_ONLINE && event->who == self)
		return event_refuse(err, scenario, event, self->name, "is not online yet, and cannot call");
	if (c->state != CLIENT_ONLINE)
		return true;
	if (!(plan.over_tcp ? c->version->voice_tcp.codec : c->version->voice_udp.codec))
		return event_refuse(err, scenario, event, self->name,
				    "is of a version whose calls are not known");
	return begin(c, &plan, err);
}

void client_call_media(struct client *c, struct endpoint from, size_t size)
{
	(void)size;
	for (struct call *call = c->calls ? c->calls->call : NULL; call; call = call->next)
		if (call->stage == CALL_TALKING && endpoint_equal(call->far, from))
			call->media_came_ns = net_now(c->role.net);
}

static void visitor_says(struct client *c, struct link *link, const uint8_t *bytes, size_t size)
{
	struct visitor *v = ((struct client_link *)link->data)->self;
	uint8_t answer[14];
	size_t length = v->heard++ == 0 ? 14 : 4;

	(void)bytes;
	(void)size;
	rng_fill(&c->role.rng, answer, length);
	link_send(link, answer, length, PURPOSE_NODE);
}

static void visitor_leaves(struct client *c, struct link *link, enum link_end end)
{
	struct visitor *v = ((struct client_link *)link->data)->self, **at = &c->calls->visitor;

	(void)end;
	while (*at != v)
		at = &(*at)->next;
	*at = v->next;
	free(v);
}

static bool let_in(struct client *c, struct link *link)
{
	struct visitor *v = calls_make(c, NULL) ? net_alloc(c->role.net, 1, sizeof *v) : NULL;

	if (!v)
		return false;
	v->hook = (struct client_link){
		.client = c, .message = visitor_says, .closed = visitor_leaves, .self = v
	};
	v->next = c->calls->visitor;
	c->calls->visitor = v;
	link->data = &v->hook;
	return true;
}

bool client_call_accepted(struct client *c, struct link *link, struct endpoint from)
{
	if (c->state != CLIENT_ONLINE && c->state != CLIENT_CONNECTED)
		return false;
	for (struct call *call = c->calls ? c->calls->call : NULL; call; call = call->next) {
		bool other = from.ip == call_reach(c->role.party, call->other).ip;
		if (!other || call_connects(call) || call->stage != CALL_SETTING_UP)
			continue;
		/* Signalling comes first: its connection is 2 s older than that of the media. */
		if (call->plan.signalling == CALL_DIRECT && !call->signalling.link) {
			call_take_signalling(call, link);
			return true;
		}
		if (call->plan.over_tcp && !call->plan.relay && !call->media.link) {
			call_take_media(call, link);
			return true;
		}
	}
	return let_in(c, link);
}

void client_call_quit(struct client *c)
{
	if (!c->calls)
		return;
	for (struct call *call = c->calls->call, *next; call; call = next) {
		next = call->next;
		/* The net closes connections itself when a program ends. */
		call->signalling.link = call->media.link = NULL;
		if (call->stage != CALL_OVER)
			call_drop(call);
		free(call);
	}
	for (struct visitor *v = c->calls->visitor, *next; v; v = next) {
		next = v->next;
		free(v);
	}
	free(c->calls);
	c->calls = NULL;
}
