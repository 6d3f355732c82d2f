/*
 * Media of a call (BS IV.E): an even clock of messages each way, without silence suppression; over UDP
 * messages 0d between the clients' own ports (or their relay), over TCP random bytes without a header
 * (Bonfiglio 2007).
 */
#include "peer/call.h"
#include "peer/fact.h"

/* A sound card's clock is even; what it hands over waits up to this long for the program
 * (traces/make_voice.py uses the same). */
#define LATE_NS 3000000U
/* Size on hold: that of the shortest message with a header and a body (wire A1). */
#define HOLD_SIZE 18U
/* Three messages on hold (BS IV.E.2: one every 3 s) did not come: the other end is gone. */
#define LOST_NS INT64_C(10000000000)

static const struct voice *voice_of(const struct call *call)
{
	const struct version *v = call->client->version;

	return call->plan.over_tcp ? &v->voice_tcp : &v->voice_udp;
}

/* Normal to 1 % within three sigma: twelve uniform numbers (Irwin and Hall), which need no library that
 * rounds differently elsewhere. */
static double near_normal(struct rng *rng)
{
	double sum = 0;

	for (int i = 0; i < 12; i++)
		sum += (double)rng_below(rng, 1U << 30) / (double)(1U << 30);
	return sum - 6;
}

static size_t voice_size(const struct voice *v, struct rng *rng)
{
	double size = v->size + v->sigma * near_normal(rng) + 0.5;

	if (size < (double)v->least)
		return v->least;
	return size > (double)v->most ? v->most : (size_t)size;
}

static void tell(const struct call *call, enum fact_kind kind, const struct call_hold *hold)
{
	struct client *c = call->client;
	struct fact fact = { .kind = kind,
			     .party = c->role.party,
			     .link = call->media.link,
			     .far = call->far,
			     .over_tcp = call->plan.over_tcp,
			     .relayed = call->plan.relay != NULL,
			     .began = call->caller,
			     .codec = voice_of(call)->codec,
			     .with = call->other->name };

	if (hold) {
		int64_t now = net_now(c->role.net);
		fact.first_ns = call->began_ns + hold->first_ns;
		fact.last_ns = call->began_ns + hold->last_ns;
		fact.last_ns = fact.last_ns < now ? fact.last_ns : now;
	}
	net_tell(c->role.net, &fact);
}

static void opened(struct client *c, struct link *link)
{
	struct call *call = ((struct client_link *)link->data)->self;

	(void)c;
	call->far = link->far;
	call_talk(call);
}

static void closed(struct client *c, struct link *link, enum link_end end)
{
	struct call *call = ((struct client_link *)link->data)->self;

	(void)c;
	(void)end;
	call->media.link = NULL;
	if (call->stage == CALL_SETTING_UP || call->stage == CALL_TALKING)
		call_drop(call);
}

static void hook(struct call *call)
{
	call->media.hook = (struct client_link){
		.client = call->client, .opened = opened, .closed = closed, .self = call
	};
}

void call_join(struct call *call)
{
	struct client *c = call->client;

	if (!call->met || (!call->plan.relay && !call_connects(call)))
		return;
	hook(call);
	call->media.link = net_connect(c->role.host,
				       call->plan.relay ? party_public(call->plan.relay)
							: call_reach(c->role.party, call->other),
				       PURPOSE_MEDIA, &call->media.hook);
	if (!call->media.link)
		call_drop(call);
}

void call_take_media(struct call *call, struct link *link)
{
	hook(call);
	call->media.link = link;
	link->data = &call->media.hook;
	opened(call->client, link);
}

void call_talk(struct call *call)
{
	struct client *c = call->client;
	int64_t now = net_now(c->role.net);

	if (call->stage != CALL_SETTING_UP || !call->met || call_since(call) < CALL_TALKS_NS)
		return;
	if (call->plan.over_tcp && !call->far.port)
		return; /* opened() comes back */
	if (!call->plan.over_tcp)
		call->far = call->plan.relay ? party_public(call->plan.relay)
					     : call_reach(c->role.party, call->other);
	call->stage = CALL_TALKING;
	call->said = call->heard = 0;
	call->media_came_ns = now;
	tell(call, FACT_CALL, NULL);
	/* The two sound cards do not beat together. */
	call->due_ns = now + (call->caller ? 0 : rng_below(&c->role.rng, (uint32_t)voice_of(call)->gap_ns));
	call_after(call, call->due_ns - now, STEP_MEDIA);
}

static void send_message(struct call *call, size_t size)
{
	struct client *c = call->client;
	uint8_t message[MESSAGE_MAX];

	if (!call->plan.over_tcp) {
		size = message_media(&c->role.rng, client_take_id(c, 1), size, message);
		net_send(c->role.host, c->role.party->address.port, call->far, message, size, PURPOSE_MEDIA);
	} else if (call->media.link) {
		rng_fill(&c->role.rng, message, size);
		link_send(call->media.link, message, size, PURPOSE_MEDIA);
	}
}

/* Puts the call on hold, or takes it back, if it is time. */
static void change_hold(struct call *call)
{
	const struct call_hold *hold = call_plan_hold(&call->plan, call_since(call));

	if (hold == call->hold)
		return;
	if (call->hold)
		tell(call, FACT_HOLD, call->hold);
	call->hold = hold;
	call->reminded_ns = 0;
	call_remind(call);
}

void call_send_media(struct call *call)
{
	struct client *c = call->client;
	const struct voice *voice = voice_of(call);
	int64_t now = net_now(c->role.net);

	if (call->stage != CALL_TALKING)
		return;
	if (!call->plan.over_tcp && now - call->media_came_ns > LOST_NS) {
		call_drop(call);
		return;
	}
	change_hold(call);
	if (call->hold) {
		int64_t until = call->began_ns + call->hold->last_ns;
		send_message(call, HOLD_SIZE);
		call_remind(call);
		call->due_ns += c->version->hold_gap_ns;
		call->due_ns = call->due_ns < until ? call->due_ns : until;
	} else {
		send_message(call, voice_size(voice, &c->role.rng));
		call->due_ns += voice->gap_ns;
	}
	int64_t late = rng_below(&c->role.rng, LATE_NS);
	call_after(call, call->due_ns > now ? call->due_ns + late - now : 0, STEP_MEDIA);
}

void call_stop_media(struct call *call)
{
	if (call->stage != CALL_TALKING)
		return;
	if (call->hold)
		tell(call, FACT_HOLD, call->hold);
	call->hold = NULL;
	call->stage = CALL_ENDING;
}

void call_end_media(struct call *call)
{
	call_stop_media(call);
	if (call->stage != CALL_ENDING || !call->far.ip)
		return;
	tell(call, FACT_CALL_END, NULL);
	call->far = (struct endpoint){ 0 };
	if (call->media.link)
		link_close(call->media.link);
	call->media.link = NULL;
}
