/* The account of a run; see account.h. */
#include "store/account.h"
#include <inttypes.h>

static uint64_t decoded_total(const struct stage_counts *counts)
{
	uint64_t sum = 0;

	for (int i = 0; i < DECODE_REASON_COUNT; i++)
		sum += counts->account[i];
	return sum;
}

static uint64_t ended_total(const uint64_t ended[FLOW_END_COUNT])
{
	uint64_t sum = 0;

	for (int i = 0; i < FLOW_END_COUNT; i++)
		sum += ended[i];
	return sum;
}

void account_settle(struct run_facts *facts, const uint64_t ended[FLOW_END_COUNT])
{
	struct flow_table_stats *flows = &facts->counts.flows;
	uint64_t told = ended_total(ended);

	for (int i = 0; i < FLOW_END_COUNT; i++)
		flows->ended[i] = ended[i];
	if (!facts->partial)
		return;
	if (flows->flows < told)
		flows->flows = told;
	facts->counts.flows_alive = flows->flows - told;
}

bool account_check(const struct run_facts *facts, uint64_t flows_handed_out, uint64_t packets_handed_out,
		   struct error *err)
{
	const struct stage_counts *counts = &facts->counts;
	uint64_t used = counts->account[REASON_used], ended = ended_total(counts->flows.ended);

	if (facts->read != counts->filtered + decoded_total(counts))
		return error_contradiction(err,
					   "the packet account does not add up: %" PRIu64
					   " frames read, %" PRIu64 " filtered and %" PRIu64 " decoded",
					   facts->read, counts->filtered, decoded_total(counts));
	if (facts->partial)
		return true;
	if (used != counts->flows.packets || used != packets_handed_out)
		return error_contradiction(err,
					   "the packet account does not add up: %" PRIu64
					   " packets belong to flows, %" PRIu64
					   " were counted in them and %" PRIu64 " came out of them",
					   used, counts->flows.packets, packets_handed_out);
	if (ended != counts->flows.flows || ended != flows_handed_out)
		return error_contradiction(err,
					   "the flow account does not add up: %" PRIu64
					   " flows began, %" PRIu64 " ended and %" PRIu64 " were handed out",
					   counts->flows.flows, ended, flows_handed_out);
	return true;
}

void account_print(const struct run_facts *facts, uint64_t flows_handed_out, uint64_t packets_handed_out,
		   FILE *out)
{
	const struct stage_counts *counts = &facts->counts;

	fprintf(out, "self-check: every frame is in exactly one counter\n");
	for (int i = 0; i < DECODE_REASON_COUNT; i++)
		if (counts->account[i])
			fprintf(out, "%14" PRIu64 "  %s\n", counts->account[i], decode_reasons[i].words);
	if (counts->filtered)
		fprintf(out, "%14" PRIu64 "  left out by the filter\n", counts->filtered);
	fprintf(out, "  = %10" PRIu64 "  frames; %" PRIu64 " were read\n",
		counts->filtered + decoded_total(counts), facts->read);
	fprintf(out, "self-check: every flow ended for exactly one reason\n");
	for (int i = 0; i < FLOW_END_COUNT; i++)
		if (counts->flows.ended[i])
			fprintf(out, "%14" PRIu64 "  %s\n", counts->flows.ended[i], flow_end_words[i]);
	fprintf(out,
		"  = %10" PRIu64 "  flows; %" PRIu64 " began, and %" PRIu64 " packets came out of them\n",
		flows_handed_out, counts->flows.flows, packets_handed_out);
}

static const char *link_name(int linktype)
{
	const char *name = linktype_name(linktype);

	return name ? name : "unknown";
}

void account_problems(const struct stage_counts *counts, struct problems *problems)
{
	if (counts->flows.ended[FLOW_END_evicted])
		problems_add(problems,
			     "%" PRIu64
			     " flows were evicted because the flow table was full: raise --max-flows",
			     counts->flows.ended[FLOW_END_evicted]);
	if (counts->passed_over)
		problems_add(problems,
			     "%" PRIu64
			     " flows were not looked at to the end: too many were undecided at a time",
			     counts->passed_over);
	if (counts->unmeasured)
		problems_add(problems,
			     "%" PRIu64 " flows were not measured for media, or in part: too many at a time, "
			     "or too many streams in one",
			     counts->unmeasured);
	if (counts->hits_refused)
		problems_add(problems,
			     "%" PRIu64
			     " packets that fit a pattern of a block rule were not noted: too many "
			     "at a time",
			     counts->hits_refused);
	if (counts->account[REASON_unsupported_link])
		problems_add(
			problems, "%" PRIu64 " frames have a link type that footsteps cannot read: %s (%d)",
			counts->account[REASON_unsupported_link],
			link_name(counts->decode.unsupported_linktype), counts->decode.unsupported_linktype);
	if (counts->lost)
		problems_add(problems,
			     "%" PRIu64
			     " records of flows and events were lost: the database had no room for "
			     "them, or was locked, for too long",
			     counts->lost);
}

void account_judge(struct judge *judge, const struct run_facts *facts)
{
	const struct stage_counts *counts = &facts->counts;
	const struct input_info *input;

	judge_add(judge, &counts->judge);
	judge->value[JUDGE_snapped] = counts->decode.snapped;
	judge->value[JUDGE_patterns_untold] = counts->patterns_untold;
	judge->value[JUDGE_fragments] = counts->decode.fragments;
	judge->value[JUDGE_duplicates] = counts->flows.duplicate_packets;
	judge->value[JUDGE_retransmitted] = counts->flows.retransmitted_packets;
	judge->value[JUDGE_heads_lost] = counts->flows.heads_lost;
	judge->value[JUDGE_dropped] = counts->dropped;
	for (size_t i = 0; (input = source_input(facts->inputs, i)); i++) {
		judge->value[JUDGE_dropped] += input->dropped;
		judge->value[JUDGE_untimed] += input->untimed;
	}
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
	const struct stage_counts *counts = &facts->counts;
	bool ok = true;

	for (int i = 0; ok && i < DECODE_REASON_COUNT; i++)
		ok = put(sink, "packets", decode_reasons[i].name, decode_reasons[i].words, counts->account[i],
			 err);
	ok = ok && put(sink, "packets", "filtered", "left out by the filter", counts->filtered, err);
	for (int i = 0; ok && i < FLOW_END_COUNT; i++)
		ok = put(sink, "flows", flow_end_names[i], flow_end_words[i], counts->flows.ended[i], err);
	if (facts->partial)
		ok = ok && put(sink, "flows", "alive", "not over yet, or lost when footsteps was killed",
			       counts->flows_alive, err);
	for (int i = 0; ok && i < JUDGEMENT_COUNT; i++)
		ok = put(sink, "trace", judgement_names[i], judgement_words[i], judge->value[i], err);
	ok = ok &&
	     put(sink, "bounds", "peak_flows", "most flows alive at a time", counts->flows.peak_flows, err);
	return ok && put(sink, "bounds", "icmp_matched", "ICMP errors about a flow of the table",
			 counts->flows.icmp_matched, err);
}
