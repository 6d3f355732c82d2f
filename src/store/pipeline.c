/* The whole pipeline behind the source; see pipeline.h. */
#include "store/pipeline.h"
#include "behave/dns.h"
#include "identify/identify.h"
#include <inttypes.h>
#include <stdlib.h>

struct pipeline {
	struct pipeline_options options;
	struct decoder *decoder;
	struct intern *names;
	struct ndpi_bridge *bridge;
	struct aggregate *aggregate;
	struct identifier *identifier;
	struct flow_table *flows;
	uint64_t frames;
};

static void flow_ended(void *self, struct flow *flow, enum flow_end why)
{
	struct pipeline *p = self;

	identifier_ended(p->identifier, flow);
	aggregate_flow(p->aggregate, flow, why);
}

static bool build(struct pipeline *p, struct error *err)
{
	p->decoder = decoder_new(&p->options.decode, err);
	if (!p->decoder)
		return false;
	if (p->options.ndpi) {
		p->names = intern_new();
		if (!p->names)
			return error_memory(err, "names");
		p->bridge = ndpi_bridge_new(p->options.ndpi_packets, p->names, err);
		if (!p->bridge)
			return false;
	}
	p->aggregate = aggregate_new(&p->options.aggregate, err);
	if (!p->aggregate)
		return false;
	p->identifier =
		identifier_new(aggregate_observer(p->aggregate), p->bridge, p->options.aggregate.models, err);
	if (!p->identifier)
		return false;
	p->flows = flow_table_new(&p->options.flows, (struct flow_table_listener){ flow_ended, p }, err);
	return p->flows;
}

struct pipeline *pipeline_new(const struct pipeline_options *options, struct error *err)
{
	struct pipeline *p = calloc(1, sizeof *p);

	if (!p) {
		error_memory(err, "the pipeline");
		return NULL;
	}
	p->options = *options;
	if (!build(p, err)) {
		pipeline_free(p);
		return NULL;
	}
	return p;
}

void pipeline_free(struct pipeline *p)
{
	if (!p)
		return;
	flow_table_free(p->flows);
	identifier_free(p->identifier);
	aggregate_free(p->aggregate);
	ndpi_bridge_free(p->bridge);
	intern_free(p->names);
	decoder_free(p->decoder);
	free(p);
}

/*
 * Answers to nobody are not believed: whoever wants to plant a name has to guess the port of a question, and
 * to send from the address that it went to.
 */
static bool is_asked(const struct flow_step *step, const struct packet *packet)
{
	return packet->key.l4 == IPPROTO_UDP && step->flow->side[!step->dir].packets > 0;
}

static bool one_packet(struct pipeline *p, const struct packet *packet, uint64_t hash, struct error *err)
{
	struct flow_step step;

	if (!flow_table_packet(p->flows, packet, hash, &step, err))
		return false;
	if (packet_source(packet)->port == DNS_PORT && is_asked(&step, packet))
		aggregate_dns(p->aggregate, packet);
	enum flow_want want = identifier_packet(p->identifier, packet, &step);
	flow_table_settle(p->flows, packet, &step, want);
	if (packet->has_quote)
		flow_table_quote(p->flows, packet);
	return true;
}

bool pipeline_frames(struct pipeline *p, const struct frame *frames, size_t count, struct error *err)
{
	struct packet packet[PIPELINE_BATCH];
	uint64_t hash[PIPELINE_BATCH];
	size_t packets = 0;

	/* Stage by stage over the batch: while one packet's flow comes from memory, others are worked on. */
	for (size_t i = 0; i < count; i++) {
		aggregate_frame(p->aggregate, frames[i].ts_ns);
		packets += decode_frame(p->decoder, &frames[i], ++p->frames, &packet[packets]) == REASON_used;
	}
	for (size_t i = 0; i < packets; i++)
		hash[i] = flow_table_hash(p->flows, &packet[i]);
	for (size_t i = 0; i < packets; i++)
		flow_table_touch(p->flows, hash[i]);
	for (size_t i = 0; i < packets; i++)
		if (!one_packet(p, &packet[i], hash[i], err))
			return false;
	return !aggregate_failed(p->aggregate, err);
}

static const char *link_name(int linktype)
{
	const char *name = linktype_name(linktype);

	return name ? name : "unknown";
}

static void note_problems(const struct pipeline *p, struct problems *problems)
{
	struct flow_table_stats flows;
	const uint64_t *account = decoder_account(p->decoder);
	struct decode_extras extras;

	flow_table_stats(p->flows, &flows);
	decoder_extras(p->decoder, &extras);
	if (flows.ended[FLOW_END_evicted])
		problems_add(problems,
			     "%" PRIu64
			     " flows were evicted because the flow table was full: raise --max-flows",
			     flows.ended[FLOW_END_evicted]);
	uint64_t passed_over = identifier_passed_over(p->identifier) + ndpi_bridge_passed_over(p->bridge);
	if (passed_over)
		problems_add(problems,
			     "%" PRIu64
			     " flows were not looked at to the end: too many were undecided at a time",
			     passed_over);
	if (identifier_unmeasured(p->identifier))
		problems_add(problems,
			     "%" PRIu64 " flows were not measured for media, or in part: too many at a time, "
			     "or too many streams in one",
			     identifier_unmeasured(p->identifier));
	if (identifier_hits_refused(p->identifier))
		problems_add(problems,
			     "%" PRIu64
			     " packets that fit a pattern of a block rule were not noted: too many "
			     "at a time",
			     identifier_hits_refused(p->identifier));
	if (account[REASON_unsupported_link])
		problems_add(problems,
			     "%" PRIu64 " frames have a link type that footsteps cannot read: %s (%d)",
			     account[REASON_unsupported_link], link_name(extras.unsupported_linktype),
			     extras.unsupported_linktype);
}

bool pipeline_finish(struct pipeline *p, struct source *source, struct sink *sink, struct run_row *run,
		     struct problems *problems, struct aggregate_summary *summary, struct error *err)
{
	const struct run_facts facts = { .source = source,
					 .decoder = p->decoder,
					 .flows = p->flows,
					 .patterns_untold = identifier_hits_untold(p->identifier) };
	const uint64_t *account = decoder_account(p->decoder);
	struct decode_extras extras;

	decoder_extras(p->decoder, &extras);
	if (p->frames && account[REASON_unsupported_link] == p->frames)
		return error_set(
			err, EXIT_INPUT,
			"no frame can be read: the link type is %s (%d), which footsteps does not know",
			link_name(extras.unsupported_linktype), extras.unsupported_linktype);
	flow_table_finish(p->flows);
	note_problems(p, problems);
	/* The verdicts and the measurements need memory, and no flow is left to be looked at. */
	identifier_free(p->identifier);
	ndpi_bridge_free(p->bridge);
	p->identifier = NULL;
	p->bridge = NULL;
	run->idle_ns = p->options.flows.idle_ns;
	return aggregate_finish(p->aggregate, sink, run, &facts, problems, summary, err);
}

void pipeline_print_account(const struct pipeline *p, struct source *source,
			    const struct aggregate_summary *summary, FILE *out)
{
	const struct run_facts facts = { .source = source, .decoder = p->decoder, .flows = p->flows };

	account_print(&facts, summary->flows, summary->packets_in_flows, out);
}

uint64_t pipeline_frame_count(const struct pipeline *p)
{
	return p->frames;
}

void pipeline_flow_stats(const struct pipeline *p, struct flow_table_stats *out)
{
	flow_table_stats(p->flows, out);
}
