/* Shows payload to the dissectors and to libndpi; see identify.h. */
#include "identify/identify.h"
#include "base/clock.h"
#include "base/slab.h"
#include "identify/expect.h"
#include "identify/hits.h"
#include <stdlib.h>
#include <string.h>

/* Messages as large as this on the average are a transfer; video's are 400 to 1300 bytes between a voice's.
 */
#define BULK_SIZE 1100U

struct identifier {
	struct observer observer;
	struct ndpi_bridge *bridge;    /* borrowed */
	uint32_t all_udp, all_tcp;     /* bits of the dissectors for each transport */
	size_t offset[DISSECTORS_MAX]; /* of each one's slot in flow->id.state */
	size_t state_bytes;
	/*
	 * Most flows are refused by every dissector at the first look. That look works on this scratch state;
	 * only a flow that somebody wants to see more of gets a state of its own.
	 */
	void *scratch;
	struct slab *states;
	struct expectations *expectations;
	uint64_t passed_over;
	struct media_meters *meters;
	struct hits *hits;   /* NULL: nobody wants to know */
	uint32_t samplers;   /* bits of the dissectors that know media */
	uint16_t expecting;  /* bits of the protocols that tell a TCP flow by the flows before it */
	bool unknown_format; /* measure flows whose format no dissector knows, too */
};

/* A flow is UDP or TCP, never both: the slots of the two sets share the same bytes. */
static size_t lay_out_slots(struct identifier *id, uint8_t l4, uint32_t *all)
{
	size_t at = 0;

	for (unsigned i = 0; i < dissector_count; i++) {
		if (dissectors[i]->l4 != l4)
			continue;
		*all |= UINT32_C(1) << i;
		id->offset[i] = at;
		at += (dissectors[i]->state_size + 15U) / 16U * 16U;
	}
	return at;
}

struct identifier *identifier_new(struct observer observer, struct ndpi_bridge *bridge,
				  const struct voice_models *models, struct error *err)
{
	struct identifier *id = calloc(1, sizeof *id);

	if (!id) {
		error_memory(err, "the identifier");
		return NULL;
	}
	id->observer = observer;
	id->bridge = bridge;
	size_t udp = lay_out_slots(id, IPPROTO_UDP, &id->all_udp);
	size_t tcp = lay_out_slots(id, IPPROTO_TCP, &id->all_tcp);
	id->state_bytes = udp > tcp ? udp : tcp;
	id->scratch = calloc(1, id->state_bytes + 1);
	id->states = slab_new(id->state_bytes, 256);
	id->expectations = expectations_new(err);
	if (!id->scratch || !id->states || !id->expectations) {
		identifier_free(id);
		error_memory(err, "the identifier");
		return NULL;
	}
	for (unsigned i = 0; i < dissector_count; i++)
		id->samplers |= (uint32_t)(dissectors[i]->sample != NULL) << i;
	for (unsigned p = 0; p < protocol_count; p++)
		if (protocols[p]->retry_ns || protocols[p]->supernode.first_message)
			id->expecting |= (uint16_t)(1U << p);
	id->unknown_format = models;
	id->meters = media_meters_new(models, err);
	id->hits = id->meters && observer.hit ? hits_new(err) : NULL;
	if (!id->meters || (observer.hit && !id->hits)) {
		identifier_free(id);
		return NULL;
	}
	return id;
}

void identifier_free(struct identifier *id)
{
	if (!id)
		return;
	media_meters_free(id->meters);
	hits_free(id->hits);
	free(id->scratch);
	slab_free(id->states);
	expectations_free(id->expectations);
	free(id);
}

uint64_t identifier_passed_over(const struct identifier *id)
{
	return id->passed_over;
}

bool identifier_train(struct identifier *id, struct error *err)
{
	id->unknown_format = true;
	return media_meters_train(id->meters, err);
}

uint64_t identifier_unmeasured(const struct identifier *id)
{
	return media_meters_passed_over(id->meters);
}

uint64_t identifier_hits_refused(const struct identifier *id)
{
	return id->hits ? hits_refused(id->hits) : 0;
}

uint64_t identifier_hits_untold(const struct identifier *id)
{
	return id->hits ? hits_untold(id->hits) : 0;
}

size_t identifier_calls(const struct identifier *id, int64_t since_ns, struct media_call *out, size_t max)
{
	return media_going_on(id->meters, since_ns, out, max);
}

static unsigned protocol_index(const struct protocol *protocol)
{
	unsigned i = 0;

	while (protocols[i] != protocol)
		i++;
	return i;
}

/*
 * Evidence about a flow adds up within one protocol. The flow belongs to the first that has something to say;
 * another takes it over, and all before is forgotten, with a single piece that weighs more than all before.
 */
static bool claim_flow(struct flow_identity *id, unsigned protocol, float bits)
{
	bool claimed = id->kinds || id->label;

	if (claimed && id->protocol == (int8_t)protocol)
		return true;
	if (claimed && bits <= id->bits)
		return false;
	id->protocol = (int8_t)protocol;
	id->kinds = 0;
	id->bits = 0;
	id->label = NULL;
	id->role = ROLE_none;
	return true;
}

static void add_to_flow(struct flow_identity *id, unsigned protocol, unsigned kind)
{
	const struct evidence_kind *k = &protocols[protocol]->kinds[kind];

	if (!claim_flow(id, protocol, k->bits) || id->kinds & UINT32_C(1) << kind)
		return;
	id->kinds |= UINT32_C(1) << kind;
	id->bits += k->bits;
}

void observe(const struct look *l, unsigned kind, uint32_t value)
{
	const struct protocol *protocol = dissectors[l->dissector]->protocol;
	struct flow *flow = l->flow;
	struct observation o = {
		.ts_ns = l->packet->ts_ns,
		.packet = l->packet->number,
		.flow = flow->first_packet,
		.from = *l->from,
		.to = *l->to,
		.l4 = flow->key.l4,
		.protocol = (uint8_t)protocol_index(protocol),
		.kind = (uint8_t)kind,
		.dissector = l->dissector,
		.value = value,
	};

	if (protocol->kinds[kind].test == TEST_RANDOMNESS && l->data.len >= sizeof o.head) {
		memcpy(o.head, l->data.ptr, sizeof o.head);
		o.has_head = true;
	}
	flow->id.matched |= UINT32_C(1) << l->dissector;
	/* Media has a meter of its own, and far too many messages. */
	flow->wants_sizes = flow->wants_sizes || !dissectors[l->dissector]->sample;
	if (protocol->kinds[kind].about == ABOUT_FLOW)
		add_to_flow(&flow->id, o.protocol, kind);
	l->observer->observed(l->observer->self, &o);
}

void label_flow(const struct look *l, const char *label)
{
	unsigned protocol = protocol_index(dissectors[l->dissector]->protocol);

	if (claim_flow(&l->flow->id, protocol, 0))
		l->flow->id.label = label;
}

void note_role(const struct look *l, enum flow_role role)
{
	unsigned protocol = protocol_index(dissectors[l->dissector]->protocol);

	if (claim_flow(&l->flow->id, protocol, 0))
		l->flow->id.role = (uint8_t)role;
}

void report_event(const struct look *l, const struct event *event)
{
	const struct occurrence o = {
		.ts_ns = l->packet->ts_ns,
		.packet = l->packet->number,
		.flow = l->flow->first_packet,
		.initiator = *flow_initiator(l->flow),
		.responder = *flow_responder(l->flow),
		.dir = l->dir,
		.protocol = (uint8_t)protocol_index(dissectors[l->dissector]->protocol),
		.event = *event,
	};

	l->observer->occurred(l->observer->self, &o);
}

static void drop_state(struct identifier *id, struct flow *flow)
{
	if (flow->id.state)
		slab_put(id->states, flow->id.state);
	flow->id.state = NULL;
}

/* After a look: who is still undecided needs the state that it left. */
static void keep_state(struct identifier *id, struct flow *flow)
{
	if (!flow->id.undecided) {
		drop_state(id, flow);
	} else if (!flow->id.state) {
		flow->id.state = slab_in_use(id->states) < UNDECIDED_FLOWS_MAX ? slab_get(id->states) : NULL;
		if (flow->id.state) {
			memcpy(flow->id.state, id->scratch, id->state_bytes);
		} else {
			flow->id.undecided = 0; /* no room: this flow is not recognised by payload */
			id->passed_over++;
		}
	}
}

/* The first evidence in a flow makes others likely, see expect.h. */
static void expect_others(struct identifier *id, const struct flow *flow)
{
	uint16_t bits = 0;

	for (uint32_t left = flow->id.matched; left; left &= left - 1)
		bits |= (uint16_t)(1U << protocol_index(dissectors[__builtin_ctz(left)]->protocol));
	bits &= id->expecting;
	if (bits)
		expectations_add(id->expectations, flow, bits);
}

/* A TCP flow begins, or says something for the first time: a node that calls over TCP may speak over UDP in
 * between (wire B4: frames 2108, 2110 and 2115). */
static void note_expected(const struct identifier *id, struct flow *flow)
{
	flow->id.expected = expectations_find(id->expectations, flow);
	flow->wants_sizes = flow->id.expected != 0;
}

static bool is_first_message(const struct flow_step *step)
{
	const struct flow_side *side = step->flow->side;

	return step->message && side[0].messages + side[1].messages == 1;
}

static struct look look_of(struct identifier *id, const struct packet *packet, const struct flow_step *step)
{
	return (struct look){
		.packet = packet,
		.from = packet_source(packet),
		.to = packet_destination(packet),
		.dir = step->dir,
		.data = step->head,
		.fresh = step->fresh,
		.wire = packet_message_wire(packet),
		.from_start = step->flow->tcp[step->dir].syn,
		.nth = step->flow->id.looks,
		.observer = &id->observer,
		.flow = step->flow,
	};
}

/* A dissector that knows media has spoken: who says what the flow's messages hold. */
static void note_sampler(struct identifier *id, struct flow *flow, unsigned dissector, enum match match)
{
	bool mine = flow->id.sampler == dissector + 1;

	if (match == MATCH_YES && !flow->id.sampled) {
		if (!mine)
			media_drop(id->meters, flow); /* it was measured by another's reading */
		flow->id.sampler = (uint8_t)(dissector + 1);
		flow->id.sampled = true;
	} else if (match == MATCH_MAYBE && flow->id.sampler == 0) {
		media_drop(id->meters, flow); /* it was measured as one without a format */
		flow->id.sampler = (uint8_t)(dissector + 1);
	} else if (match == MATCH_NO && mine && !flow->id.sampled) {
		media_drop(id->meters, flow);
		flow->id.sampler = 0;
		flow->id.sampler_left = true;
	}
}

static void ask_dissectors(struct identifier *id, const struct packet *packet, const struct flow_step *step)
{
	struct flow *flow = step->flow;
	struct look look = look_of(id, packet, step);

	uint32_t matched = flow->id.matched;
	unsigned char *state = flow->id.state ? flow->id.state : memset(id->scratch, 0, id->state_bytes);
	for (uint32_t left = flow->id.undecided; left; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctz(left);
		const struct dissector *d = dissectors[i];
		look.state = state + id->offset[i];
		look.dissector = (uint8_t)i;
		look.expected = flow->id.expected && flow->id.expected >> protocol_index(d->protocol) & 1;
		enum match match = d->look(&look);
		if (match == MATCH_NO && flow->id.looks == 0)
			flow->id.refused |= UINT32_C(1) << i;
		bool last = match == MATCH_NO || flow->id.looks + 1U >= d->patience;
		if (last)
			flow->id.undecided &= ~(UINT32_C(1) << i);
		if (d->sample)
			note_sampler(id, flow, i, last && match == MATCH_MAYBE ? MATCH_NO : match);
	}
	if (flow->id.looks < UINT8_MAX)
		flow->id.looks++;
	if (!matched && flow->id.matched)
		expect_others(id, flow);
	keep_state(id, flow);
}

static bool starts_with(const char *text, const char *prefix)
{
	return prefix && strncmp(text, prefix, strlen(prefix)) == 0;
}

const char *part_of_protocol(const char *name, const struct protocol *protocol)
{
	const char *dot = strchr(name, '.');

	if (starts_with(name, protocol->ndpi_prefix))
		return name;
	return dot && starts_with(dot + 1, protocol->ndpi_prefix) ? dot : NULL;
}

static bool names_ours(const char *label)
{
	for (unsigned p = 0; p < protocol_count; p++)
		if (part_of_protocol(label, protocols[p]))
			return true;
	return false;
}

/* Whether a flow whose format nobody knows is to be measured from this message on. */
static bool begins_unknown(const struct identifier *id, const struct flow *flow, enum direction dir)
{
	const struct flow_side *side = &flow->side[dir];
	uint32_t messages = side->messages;

	bool doubled = (messages & (messages - 1)) == 0 || flow->id.sampler_left;
	if (messages < MEDIA_BEGINS || !doubled || !id->unknown_format)
		return false;
	bool named = flow->id.label ||
		     (flow->id.ndpi_label && flow->id.ndpi_by_payload && !names_ours(flow->id.ndpi_label));
	bool bulk = side->payload_wire > (uint64_t)messages * BULK_SIZE;
	return !bulk && (flow->id.matched || !named);
}

/* One message: the payload, or a part of it. *rest: the payload behind it. */
static void measure_one(struct identifier *id, const struct packet *packet, const struct flow_step *step,
			struct span data, struct span *rest)
{
	struct flow *flow = step->flow;
	struct media_sample sample = { 0 };

	enum sample_kind kind = SAMPLE_MEDIA;
	if (flow->id.sampler) {
		struct look look = look_of(id, packet, step);
		look.data = data;
		look.fresh = data.len;
		kind = dissectors[flow->id.sampler - 1]->sample(&look, &sample);
		*rest = sample.rest;
	}
	if (!flow->id.media) {
		/* What is said about media begins long before it, and often none comes. */
		if (flow->id.sampler ? kind != SAMPLE_MEDIA : !begins_unknown(id, flow, step->dir))
			return;
		flow->id.sampler_left = false;
		media_begin(id->meters, flow);
		if (!flow->id.media) {
			flow->id.sampler = 0; /* no room: not tried again with every message */
			return;
		}
	}
	media_message(id->meters, flow, step->dir, packet, kind, flow->id.sampler ? &sample : NULL);
}

static void measure(struct identifier *id, const struct packet *packet, const struct flow_step *step)
{
	const struct flow *flow = step->flow;
	struct span data = packet->payload, rest;

	/* Nearly every message ends here. */
	if (!flow->id.media && !flow->id.sampler && !begins_unknown(id, flow, step->dir))
		return;
	do {
		rest = (struct span){ 0 };
		measure_one(id, packet, step, data, &rest);
		bool shorter = rest.len < data.len;
		data = shorter ? rest : (struct span){ 0 };
	} while (data.len > 0);
}

/* Early enough that whoever says no has said so when the flow is measured. */
#define SECOND_LOOK (MEDIA_BEGINS - 4)

/* Media may come behind something else on the same sockets: who knows it is asked again, once. */
static bool deserves_second_look(const struct identifier *id, const struct flow *flow,
				 const struct flow_step *step)
{
	return step->message && flow->side[step->dir].messages == SECOND_LOOK && !flow->id.label &&
	       !(flow->id.undecided & id->samplers);
}

/* With a state as at the flow's start: others may have kept the slots alive. */
static void ask_again(const struct identifier *id, struct flow *flow)
{
	uint32_t again = id->all_udp & id->samplers;

	for (uint32_t left = flow->id.state ? again : 0; left; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctz(left);
		memset((unsigned char *)flow->id.state + id->offset[i], 0, dissectors[i]->state_size);
	}
	flow->id.undecided |= again;
}

enum flow_want identifier_packet(struct identifier *id, const struct packet *packet,
				 const struct flow_step *step)
{
	struct flow *flow = step->flow;
	bool tcp = packet->key.l4 == IPPROTO_TCP;

	if (step->is_new) {
		flow->id.undecided = tcp ? id->all_tcp : packet->key.l4 == IPPROTO_UDP ? id->all_udp : 0;
		flow->id.ndpi_done = !id->bridge;
	}
	if (tcp && (step->is_new || is_first_message(step)))
		note_expected(id, flow);
	if (packet->key.l4 == IPPROTO_UDP && deserves_second_look(id, flow, step))
		ask_again(id, flow);
	if (step->fresh > 0 && flow->id.undecided) {
		/* A TCP dissector reads a stream from its first byte; behind a gap there is nothing for it.
		 */
		if (!tcp || step->in_stream)
			ask_dissectors(id, packet, step);
		else if (flow->tcp[0].lost && flow->tcp[1].lost)
			flow->id.undecided = 0; /* its state goes when the flow ends */
	}
	if (step->message)
		measure(id, packet, step);
	if (id->hits && packet->payload_wire > 0 && !packet->later_fragment &&
	    (tcp || packet->key.l4 == IPPROTO_UDP))
		hits_packet(id->hits, packet, flow, step->dir);
	if (!flow->id.ndpi_done && packet->payload.len > 0 && !packet->later_fragment)
		ndpi_bridge_packet(id->bridge, packet, step);
	return flow->id.undecided ? WANT_STREAM : flow->id.ndpi_done ? WANT_NOTHING : WANT_ORDER;
}

void identifier_ended(struct identifier *id, struct flow *flow)
{
	struct media_report report;

	drop_state(id, flow);
	if (id->hits)
		hits_ended(id->hits, flow, &id->observer);
	if (id->bridge)
		ndpi_bridge_ended(id->bridge, flow);
	if (!flow->id.media)
		return;
	/* Nothing is known of one whose dissector was not sure to the end. */
	bool known = flow->id.sampler && flow->id.sampled, unsure = flow->id.sampler && !known;
	if (!unsure && media_finish(id->meters, flow, known, &report)) {
		if (known) {
			report.protocol = (int8_t)protocol_index(dissectors[flow->id.sampler - 1]->protocol);
			report.sampled = true;
		}
		id->observer.metered(id->observer.self, &report);
		flow->id.measured = true;
	}
	media_drop(id->meters, flow);
}
