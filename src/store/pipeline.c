/* The whole pipeline behind the source; see pipeline.h. */
#include "store/pipeline.h"
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
	p->identifier = identifier_new(aggregate_observer(p->aggregate), p->bridge, err);
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

bool pipeline_frame(struct pipeline *p, const struct frame *frame, struct error *err)
{
	struct packet packet;
	struct flow_step step;

	aggregate_frame(p->aggregate, frame->ts_ns);
	if (decode_frame(p->decoder, frame, ++p->frames, &packet) != REASON_used)
		return true;
	if (!flow_table_packet(p->flows, &packet, &step, err))
		return false;
	enum flow_want want = identifier_packet(p->identifier, &packet, &step);
	flow_table_settle(p->flows, &packet, &step, want);
	if (packet.has_quote)
		flow_table_quote(p->flows, &packet);
	return true;
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
	if (account[REASON_unsupported_link]) {
		const char *name = linktype_name(extras.unsupported_linktype);
		problems_add(problems,
			     "%" PRIu64 " frames have a link type that footsteps cannot read: %s (%d)",
			     account[REASON_unsupported_link], name ? name : "unknown",
			     extras.unsupported_linktype);
	}
}

bool pipeline_finish(struct pipeline *p, struct source *source, struct sink *sink, struct run_row *run,
		     struct problems *problems, struct aggregate_summary *summary, struct error *err)
{
	const struct run_facts facts = { .source = source, .decoder = p->decoder, .flows = p->flows };

	flow_table_finish(p->flows);
	note_problems(p, problems);
	run->idle_ns = p->options.flows.idle_ns;
	return aggregate_finish(p->aggregate, sink, run, &facts, problems, summary, err);
}

void pipeline_print_account(const struct pipeline *p, const struct source *source,
			    const struct aggregate_summary *summary, FILE *out)
{
	const struct run_facts facts = { .source = source, .decoder = p->decoder, .flows = p->flows };

	account_print(&facts, summary->flows, summary->packets_in_flows, out);
}

void pipeline_flow_stats(const struct pipeline *p, struct flow_table_stats *out)
{
	flow_table_stats(p->flows, out);
}
