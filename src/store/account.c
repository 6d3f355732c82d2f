/* The account of a run; see account.h. */
#include "store/account.h"
#include <inttypes.h>

static uint64_t decoded_total(const struct decoder *decoder)
{
	const uint64_t *account = decoder_account(decoder);
	uint64_t sum = 0;

	for (int i = 0; i < DECODE_REASON_COUNT; i++)
		sum += account[i];
	return sum;
}

bool account_check(const struct run_facts *facts, uint64_t flows_handed_out, uint64_t packets_handed_out,
		   struct error *err)
{
	struct source_stats source;
	struct flow_table_stats flows;
	uint64_t used = decoder_account(facts->decoder)[REASON_used], ended = 0;

	source_stats(facts->source, &source);
	flow_table_stats(facts->flows, &flows);
	for (int i = 0; i < FLOW_END_COUNT; i++)
		ended += flows.ended[i];
	if (source.frames != source.filtered + decoded_total(facts->decoder))
		return error_set(err, EXIT_INTERNAL,
				 "the packet account does not add up: %" PRIu64 " frames read, %" PRIu64
				 " filtered and %" PRIu64 " decoded",
				 source.frames, source.filtered, decoded_total(facts->decoder));
	if (used != flows.packets || used != packets_handed_out)
		return error_set(err, EXIT_INTERNAL,
				 "the packet account does not add up: %" PRIu64
				 " packets belong to flows, %" PRIu64 " were counted in them and %" PRIu64
				 " came out of them",
				 used, flows.packets, packets_handed_out);
	if (ended != flows.flows || ended != flows_handed_out)
		return error_set(err, EXIT_INTERNAL,
				 "the flow account does not add up: %" PRIu64 " flows began, %" PRIu64
				 " ended and %" PRIu64 " were handed out",
				 flows.flows, ended, flows_handed_out);
	return true;
}

void account_print(const struct run_facts *facts, uint64_t flows_handed_out, uint64_t packets_handed_out,
		   FILE *out)
{
	const uint64_t *account = decoder_account(facts->decoder);
	struct source_stats source;
	struct flow_table_stats flows;

	source_stats(facts->source, &source);
	flow_table_stats(facts->flows, &flows);
	fprintf(out, "self-check: every frame is in exactly one counter\n");
	for (int i = 0; i < DECODE_REASON_COUNT; i++)
		if (account[i])
			fprintf(out, "%14" PRIu64 "  %s\n", account[i], decode_reasons[i].words);
	if (source.filtered)
		fprintf(out, "%14" PRIu64 "  left out by the filter\n", source.filtered);
	fprintf(out, "  = %10" PRIu64 "  frames; %" PRIu64 " were read\n",
		source.filtered + decoded_total(facts->decoder), source.frames);
	fprintf(out, "self-check: every flow ended for exactly one reason\n");
	for (int i = 0; i < FLOW_END_COUNT; i++)
		if (flows.ended[i])
			fprintf(out, "%14" PRIu64 "  %s\n", flows.ended[i], flow_end_words[i]);
	fprintf(out,
		"  = %10" PRIu64 "  flows; %" PRIu64 " began, and %" PRIu64 " packets came out of them\n",
		flows_handed_out, flows.flows, packets_handed_out);
}

void account_judge(struct judge *judge, const struct run_facts *facts)
{
	struct decode_extras extras;
	struct flow_table_stats flows;
	const struct input_info *input;

	decoder_extras(facts->decoder, &extras);
	flow_table_stats(facts->flows, &flows);
	judge->value[JUDGE_snapped] = extras.snapped;
	judge->value[JUDGE_patterns_untold] = facts->patterns_untold;
	judge->value[JUDGE_fragments] = extras.fragments;
	judge->value[JUDGE_duplicates] = flows.duplicate_packets;
	judge->value[JUDGE_retransmitted] = flows.retransmitted_packets;
	judge->value[JUDGE_heads_lost] = flows.heads_lost;
	for (size_t i = 0; (input = source_input(facts->source, i)); i++)
		judge->value[JUDGE_dropped] += input->dropped;
}

static bool put(struct sink *sink, const char *area, const char *name, const char *words, uint64_t value,
		struct error *err)
{
	const struct counter_row row = { .area = area, .name = name, .words = words, .value = value };
	return sink->ops->put_counter(sink, &row, err);
}

bool account_put(struct sink *sink, const struct run_facts *facts, const struct judge *judge,
		 struct error *err)
{
	const uint64_t *account = decoder_account(facts->decoder);
	struct source_stats source;
	struct flow_table_stats flows;
	bool ok = true;

	source_stats(facts->source, &source);
	flow_table_stats(facts->flows, &flows);
	for (int i = 0; ok && i < DECODE_REASON_COUNT; i++)
		ok = put(sink, "packets", decode_reasons[i].name, decode_reasons[i].words, account[i], err);
	ok = ok && put(sink, "packets", "filtered", "left out by the filter", source.filtered, err);
	for (int i = 0; ok && i < FLOW_END_COUNT; i++)
		ok = put(sink, "flows", flow_end_names[i], flow_end_words[i], flows.ended[i], err);
	for (int i = 0; ok && i < JUDGEMENT_COUNT; i++)
		ok = put(sink, "trace", judgement_names[i], judgement_words[i], judge->value[i], err);
	ok = ok && put(sink, "bounds", "peak_flows", "most flows alive at a time", flows.peak_flows, err);
	return ok && put(sink, "bounds", "icmp_matched", "ICMP errors about a flow of the table",
			 flows.icmp_matched, err);
}
