/* Shows payload to the dissectors and to libndpi; see identify.h. */
#include "identify/identify.h"
#include "base/slab.h"
#include <stdlib.h>
#include <string.h>

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
	uint64_t passed_over;
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

struct identifier *identifier_new(struct observer observer, struct ndpi_bridge *bridge, struct error *err)
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
	if (!id->scratch || !id->states) {
		identifier_free(id);
		error_memory(err, "the identifier");
		return NULL;
	}
	return id;
}

void identifier_free(struct identifier *id)
{
	if (!id)
		return;
	free(id->scratch);
	slab_free(id->states);
	free(id);
}

uint64_t identifier_passed_over(const struct identifier *id)
{
	return id->passed_over;
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
	const struct observation o = {
		.ts_ns = l->packet->ts_ns,
		.packet = l->packet->number,
		.flow = flow->first_packet,
		.from = *l->from,
		.to = *l->to,
		.l4 = flow->key.l4,
		.protocol = (uint8_t)protocol_index(protocol),
		.kind = (uint8_t)kind,
		.value = value,
	};

	flow->id.matched |= UINT32_C(1) << l->dissector;
	if (flow->key.l4 != IPPROTO_TCP)
		flow->wants_sizes = true;
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

static void ask_dissectors(struct identifier *id, const struct packet *packet, const struct flow_step *step)
{
	struct flow *flow = step->flow;
	struct look look = {
		.packet = packet,
		.from = packet_source(packet),
		.to = packet_destination(packet),
		.dir = step->dir,
		.data = step->head,
		.fresh = step->fresh,
		.wire = packet->payload_wire,
		.from_start = flow->tcp[step->dir].syn,
		.nth = flow->id.looks,
		.observer = &id->observer,
		.flow = flow,
	};

	unsigned char *state = flow->id.state ? flow->id.state : memset(id->scratch, 0, id->state_bytes);
	for (uint32_t left = flow->id.undecided; left; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctz(left);
		const struct dissector *d = dissectors[i];
		look.state = state + id->offset[i];
		look.dissector = (uint8_t)i;
		enum match match = d->look(&look);
		if (match == MATCH_NO && flow->id.looks == 0)
			flow->id.refused |= UINT32_C(1) << i;
		if (match == MATCH_NO || flow->id.looks + 1U >= d->patience)
			flow->id.undecided &= ~(UINT32_C(1) << i);
	}
	if (flow->id.looks < UINT8_MAX)
		flow->id.looks++;
	keep_state(id, flow);
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
	if (step->fresh > 0 && flow->id.undecided) {
		/* A TCP dissector reads a stream from its first byte; behind a gap there is nothing for it.
		 */
		if (!tcp || step->in_stream)
			ask_dissectors(id, packet, step);
		else if (flow->tcp[0].lost && flow->tcp[1].lost)
			flow->id.undecided = 0; /* its state goes when the flow ends */
	}
	if (!flow->id.ndpi_done && packet->payload.len > 0 && !packet->later_fragment)
		ndpi_bridge_packet(id->bridge, packet, step);
	return flow->id.undecided ? WANT_STREAM : flow->id.ndpi_done ? WANT_NOTHING : WANT_ORDER;
}

void identifier_ended(struct identifier *id, struct flow *flow)
{
	drop_state(id, flow);
	if (id->bridge)
		ndpi_bridge_ended(id->bridge, flow);
}
