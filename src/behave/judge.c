/* The judgement of the trace; see judge.h. */
#include "behave/judge.h"

const char *const judgement_names[JUDGEMENT_COUNT] = {
#define X(name, words) #name,
	JUDGEMENTS(X)
#undef X
};
const char *const judgement_words[JUDGEMENT_COUNT] = {
#define X(name, words) words,
	JUDGEMENTS(X)
#undef X
};

void judge_add(struct judge *sum, const struct judge *one)
{
	if (!one->begun)
		return;
	if (!sum->begun || one->first_ns < sum->first_ns)
		sum->first_ns = one->first_ns;
	if (!sum->begun || one->greatest_ns > sum->greatest_ns) {
		sum->greatest_ns = one->greatest_ns;
		sum->last_ns = one->last_ns;
	}
	sum->begun = true;
	sum->steps_back += one->steps_back;
	for (int i = 0; i < JUDGEMENT_COUNT; i++) {
		bool greatest = i == JUDGE_worst_disorder_us || i == JUDGE_longest_gap_s;
		if (!greatest)
			sum->value[i] += one->value[i];
		else if (one->value[i] > sum->value[i])
			sum->value[i] = one->value[i];
	}
}

void judge_flow(struct judge *j, const struct flow_record *r)
{
	const struct flow_side *out = &r->side[TO_RESPONDER], *in = &r->side[TO_INITIATOR];

	if (r->l4 != IPPROTO_TCP)
		return;
	if (out->packets + in->packets > 1 && out->payload_wire + in->payload_wire > 0 &&
	    (out->packets == 0 || in->packets == 0))
		j->value[JUDGE_one_sided_tcp]++;
	if (!(r->tcp_flags & TCP_SYN))
		j->value[JUDGE_missing_start]++;
	if (!(r->tcp_flags & (TCP_FIN | TCP_RST)))
		j->value[JUDGE_missing_end]++;
}
