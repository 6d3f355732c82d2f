/*
 * Signalling of a call, over TCP (BS IV.D). The papers give sums and numbers of messages; how the sum divides
 * is after the sizes of 0.97 (technical report, Fig. 10) and of connections between nodes (wire B4).
 */
#include "peer/call.h"

/* BS Fig. 8: 1159 bytes in 4 messages of the caller, 1536 in 4 of the callee. */
#define SETUP_MESSAGES 4U
static const unsigned setup_size[2][SETUP_MESSAGES] = { { 14, 946, 528, 48 }, { 29, 393, 479, 258 } };
/* BS Fig. 11: 68 bytes in 4 messages of the end that hangs up, 70 in 4 of the other. */
static const unsigned tear_down_size[2][SETUP_MESSAGES] = { { 18, 18, 17, 17 }, { 17, 17, 17, 17 } };
#define LONGEST_MESSAGE 946U

/* The program's time for an answer; also what keeps messages apart on real connections (net.h). */
#define ANSWER_NS INT64_C(30000000)
/* Over the supernodes nobody sees the other end's messages: as far apart as with round trips of 0.3 s. */
#define PACE_NS INT64_C(300000000)
/* BS IV.E.2: "periodic messages over TCP" while on hold. The period is a guess; the size is that of the
 * shortest message (wire B2). */
#define REMIND_NS   INT64_C(10000000000)
#define REMIND_SIZE ACKNOWLEDGEMENT

/* "alternate nodes" (BS IV.D): as many as the 0.97 report shows in its Fig. 10. */
#define ALTERNATE_NODES 4U
/* A question that any node answers (wire A5): whether the way is open. */
#define OPEN_QUESTION 18U

static void send_signalling(struct call *call, unsigned size)
{
	struct client *c = call->client;
	uint8_t message[LONGEST_MESSAGE];

	if (call->plan.signalling == CALL_BY_SUPERNODES) {
		client_ask_supernode(c, size, NULL, NULL);
		return;
	}
	if (!call->signalling.link)
		return;
	/* Messages between nodes take ids of the one counter as well (wire A2). */
	client_take_id(c, 2);
	rng_fill(&c->role.rng, message, size);
	link_send(call->signalling.link, message, size, PURPOSE_NODE);
}

/* Those that the client met at its login (report on 0.97, section 4.4), or others that its supernode knows.
 */
static void ask_alternate_nodes(struct client *c)
{
	uint32_t from = c->known_count ? rng_below(&c->role.rng, c->known_count) : 0;

	for (unsigned i = 0; i < ALTERNATE_NODES; i++) {
		const struct party *p = c->known_count ? NULL : client_learn_node(c);
		if (!p && i >= c->known_count)
			return;
		client_ask(c, p ? party_public(p) : client_known_node(c, (from + i) % c->known_count),
			   c->version->call_question, ASK_RESENT, NULL, NULL, NULL);
	}
}

void call_ask_nodes(struct call *call)
{
	struct client *c = call->client;

	if (c->udp_restricted)
		return;
	if (call->caller && c->version->call_question)
		ask_alternate_nodes(c);
	if (call->plan.relay)
		client_ask(c, party_public(call->plan.relay), OPEN_QUESTION, ASK_RESENT, NULL, NULL, NULL);
	/* Both NATs open to the other end: the first question may be lost at one, the next is not. */
	else if (call->plan.signalling == CALL_BY_SUPERNODES || call_connects(call))
		client_ask(c, call_reach(c->role.party, call->other), OPEN_QUESTION, ASK_RESENT, NULL,
			   call_way_is_open, NULL);
}

static void opened(struct client *c, struct link *link)
{
	struct call *call = ((struct client_link *)link->data)->self;

	(void)c;
	if (call->caller)
		call_after(call, ANSWER_NS, STEP_SAY);
}

/* When the next message goes: the callee's last one says that somebody took the call up. */
static int64_t answer_delay(const struct call *call)
{
	int64_t left = CALL_ANSWERS_NS - call_since(call);
	bool takes_up = call->stage == CALL_SETTING_UP && !call->caller && call->heard == SETUP_MESSAGES;

	return takes_up && left > ANSWER_NS ? left : ANSWER_NS;
}

static void message(struct client *c, struct link *link, const uint8_t *bytes, size_t size)
{
	struct call *call = ((struct client_link *)link->data)->self;

	(void)c;
	(void)bytes;
	(void)size;
	call->met = true;
	if (call->stage == CALL_TALKING)
		return; /* on hold, periodically */
	call->heard++;
	if (call->said < SETUP_MESSAGES)
		call_after(call, answer_delay(call), STEP_SAY);
	else if (call->stage == CALL_ENDING && call->caller)
		call_drop(call);
}

static void closed(struct client *c, struct link *link, enum link_end end)
{
	struct call *call = ((struct client_link *)link->data)->self;

	(void)c;
	(void)end;
	call->signalling.link = NULL;
	if (call->stage != CALL_OVER)
		call_drop(call);
}

static const struct client_link signalling_hook = { .opened = opened, .message = message, .closed = closed };

static void hook(struct call *call)
{
	call->signalling.hook = signalling_hook;
	call->signalling.hook.client = call->client;
	call->signalling.hook.self = call;
}

void call_connect(struct call *call)
{
	struct client *c = call->client;

	if (call->plan.signalling == CALL_BY_SUPERNODES) {
		call_say(call);
		return;
	}
	if (call->plan.signalling == CALL_DIRECT && !call_connects(call))
		return;
	hook(call);
	call->signalling.link =
		net_connect(c->role.host,
			    call->plan.signalling == CALL_BY_RELAY ? party_public(call->plan.relay)
								   : call_reach(c->role.party, call->other),
			    PURPOSE_NODE, &call->signalling.hook);
	if (!call->signalling.link)
		call_drop(call);
}

void call_take_signalling(struct call *call, struct link *link)
{
	hook(call);
	call->signalling.link = link;
	link->data = &call->signalling.hook;
	opened(call->client, link);
}

void call_say(struct call *call)
{
	const unsigned *sizes =
		call->stage == CALL_ENDING ? tear_down_size[call->caller] : setup_size[call->caller];

	if (call->stage == CALL_TALKING || call->said >= SETUP_MESSAGES)
		return;
	send_signalling(call, sizes[call->said++]);
	if (call->plan.signalling == CALL_BY_SUPERNODES && call->said < SETUP_MESSAGES)
		call_after(call, PACE_NS, STEP_SAY);
}

void call_remind(struct call *call)
{
	int64_t now = net_now(call->client->role.net);

	if (call->reminded_ns && now - call->reminded_ns < REMIND_NS)
		return;
	call->reminded_ns = now;
	send_signalling(call, REMIND_SIZE);
}

/* The callee answers; over supernodes each says it to its own. */
void call_hang_up(struct call *call)
{
	if (call->stage == CALL_SETTING_UP)
		call_drop(call);
	else if (call->caller || call->plan.signalling == CALL_BY_SUPERNODES)
		call_say(call);
}
