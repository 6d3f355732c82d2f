/* N2: pair classes by timeout; see class_shares.h. */
#include "behave/class_shares.h"

const int64_t class_timeouts_ns[CLASS_TIMEOUTS] = {
	60 * NS_PER_S,  80 * NS_PER_S,  100 * NS_PER_S, 120 * NS_PER_S, 150 * NS_PER_S, 200 * NS_PER_S,
	250 * NS_PER_S, 300 * NS_PER_S, 400 * NS_PER_S, 500 * NS_PER_S, 600 * NS_PER_S,
};

void class_shares_count(const struct burst_table *bursts, const struct pair_table *pairs,
			const struct measured_client *client, int64_t timeout_ns,
			struct class_share (*share)[PAIR_CLASS_COUNT])
{
	for (uint32_t i = 0; i < pair_table_count(pairs); i++) {
		const struct conversation *c = burst_table_conversation(bursts, i);
		struct sub_flow_reader r = sub_flows_on(bursts, c, SUB_FLOWS_SIGNALLING, timeout_ns);
		struct pair_totals total = { 0 };
		struct sub_flow s;

		while (sub_flow_next(&r, &s)) {
			total.flows++;
			*(s.probe ? &total.one_time_probes : &total.dialogs) += 1;
		}
		if (total.flows == 0)
			continue;
		const struct pair_totals *whole = &pair_table_at(pairs, i)->total;
		struct class_share *to = &share[client[c->client - 1].protocol][pair_class_of(&total)];
		to->pairs++;
		to->flows += total.flows;
		to->packets += whole->packets_out + whole->packets_in;
	}
}
