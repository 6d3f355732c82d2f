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
