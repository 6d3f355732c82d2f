/* Rates and budgets of the null self-test; see null_judge.h. */
#include "store/null_judge.h"
#include <math.h>

static double level_bits(unsigned level)
{
	return (double)level / NULL_BITS_STEPS;
}

struct null_dissector_verdict null_judge_dissector(const struct null_account *account, unsigned dissector)
{
	const struct null_promise *p = &account->promise[dissector];
	struct null_dissector_verdict v = { .flows = p->flows, .promised = 1, .within = true };
	double worst = 1; /* how many times the promise */

	for (unsigned level = NULL_BITS_LEVELS; level-- > 0;) {
		if (p->reached[level] == 0)
			continue;
		v.with_evidence += p->reached[level];
		v.lightest_bits = level_bits(level);
		v.promised = exp2(-v.lightest_bits);
		double above = interval_of_rate(v.with_evidence, v.flows).low / v.promised;
		if (above <= worst)
			continue;
		worst = above;
		v.within = false;
		v.broken_bits = v.lightest_bits;
		v.broken_flows = v.with_evidence;
	}
	v.rate = interval_of_rate(v.with_evidence, v.flows);
	return v;
}

bool null_alarm_counts(const struct null_alarm *alarm)
{
	return alarm->recognised || alarm->flows || alarm->events;
}

struct null_protocol_verdict null_judge_protocol(const struct null_account *account, unsigned protocol)
{
	struct null_protocol_verdict v = { 0 };

	for (unsigned k = 0; k < null_kind_count; k++) {
		const struct null_kind_account *kind = &account->kind[k];
		const struct null_alarm *alarm = &kind->alarm[protocol];
		if (!null_for(&null_kinds[k], protocols[protocol]->name))
			continue;
		v.sockets += kind->sockets;
		v.datagrams += kind->datagrams;
		v.alarm.sockets += alarm->sockets;
		v.alarm.suspected += alarm->suspected;
		v.alarm.recognised += alarm->recognised;
		v.alarm.flows += alarm->flows;
		v.alarm.datagrams += alarm->datagrams;
		v.alarm.events += alarm->events;
		if (alarm->most_bits > v.alarm.most_bits)
			v.alarm.most_bits = alarm->most_bits;
	}
	v.per_socket = interval_of_rate(v.alarm.recognised, v.sockets);
	v.per_datagram = interval_of_rate(v.alarm.datagrams, v.datagrams);
	v.within = !null_alarm_counts(&v.alarm);
	return v;
}

bool null_judge_all(const struct null_account *account)
{
	bool within = true;

	for (unsigned d = 0; d < dissector_count; d++)
		within = null_judge_dissector(account, d).within && within;
	for (unsigned p = 0; p < protocol_count; p++)
		within = null_judge_protocol(account, p).within && within;
	return within;
}
