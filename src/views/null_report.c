/* Tables and JSON of the null self-test; see null_report.h. */
#include "views/null_report.h"
#include "base/options.h"
#include "store/null_judge.h"
#include "views/escape.h"
#include "views/table.h"
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#define INDENT    2U
#define RATE_TEXT 24

/* "0.39 %", or "3.7e-07" where that would be a row of zeros. */
static void rate_format(double rate, char out[RATE_TEXT])
{
	if (rate <= 0 || rate >= 1)
		snprintf(out, RATE_TEXT, "%s", rate <= 0 ? "0" : "100 %");
	else if (rate >= 0.0005)
		snprintf(out, RATE_TEXT, "%.2f %%", rate * 100);
	else
		snprintf(out, RATE_TEXT, "%.1e", rate);
}

static bool add_rate(struct table *t, double rate)
{
	char text[RATE_TEXT];

	rate_format(rate, text);
	return table_add(t, text);
}

static bool add_interval(struct table *t, const struct interval *i)
{
	char low[RATE_TEXT], high[RATE_TEXT], text[2 * RATE_TEXT + 8];

	rate_format(i->low, low);
	rate_format(i->high, high);
	/* One sign is enough: "0.34 to 0.38 %". */
	if (strchr(low, '%') && strchr(high, '%'))
		low[strlen(low) - 2] = '\0';
	if (i->low <= 0)
		snprintf(text, sizeof text, "below %s", high);
	else
		snprintf(text, sizeof text, "%s to %s", low, high);
	return table_add(t, text);
}

static bool add_count(struct table *t, uint64_t n)
{
	return table_add_number(t, (int64_t)n);
}

static bool add_result(struct table *t, bool within)
{
	return table_add(t, within ? "pass" : "FAIL");
}

static double share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static bool finish_table(struct table *t, bool ok, FILE *out, unsigned width, struct error *err)
{
	if (!t || !ok) {
		table_free(t);
		return error_memory(err, "the tables of the self-test");
	}
	table_print(t, out, width, INDENT);
	table_free(t);
	return true;
}

static bool dissectors_print(const struct null_account *account, FILE *out, unsigned width, struct error *err)
{
	static const struct column columns[] = {
		{ "dissector", COLUMN_TEXT, FIT_KEEP, 0 },
		{ "flows", COLUMN_NUMBER, FIT_KEEP, 1 },
		{ "evidence", COLUMN_NUMBER, FIT_KEEP, 0 },
		{ "rate", COLUMN_NUMBER, FIT_KEEP, 0 },
		{ "95 % interval", COLUMN_NUMBER, FIT_KEEP, 0 },
		{ "promised", COLUMN_NUMBER, FIT_KEEP, 0 },
		{ "", COLUMN_TEXT, FIT_KEEP, 0 },
	};
	struct table *t = table_new(columns, sizeof columns / sizeof columns[0]);
	bool ok = t;

	fputs("\nDissectors, on random payload: flows with evidence, by chance\n", out);
	for (unsigned d = 0; ok && d < dissector_count; d++) {
		const struct null_dissector_verdict v = null_judge_dissector(account, d);
		ok = table_add(t, dissectors[d]->name) && add_count(t, v.flows) &&
		     add_count(t, v.with_evidence) && add_rate(t, share(v.with_evidence, v.flows)) &&
		     add_interval(t, &v.rate) &&
		     (v.with_evidence ? add_rate(t, v.promised) : table_add(t, NULL)) &&
		     add_result(t, v.within);
	}
	return finish_table(t, ok, out, width, err);
}

static bool protocols_print(const struct null_account *account, FILE *out, unsigned width, struct error *err)
{
	static const struct column columns[] = {
		{ "protocol", COLUMN_TEXT, FIT_KEEP, 0 },
		{ "sockets", COLUMN_NUMBER, FIT_KEEP, 0 },
		{ "evidence", COLUMN_NUMBER, FIT_KEEP, 1 },
		{ "suspected", COLUMN_NUMBER, FIT_KEEP, 0 },
		{ "recognised", COLUMN_NUMBER, FIT_KEEP, 0 },
		{ "95 % interval", COLUMN_NUMBER, FIT_KEEP, 0 },
		{ "", COLUMN_TEXT, FIT_KEEP, 0 },
	};
	struct table *t = table_new(columns, sizeof columns / sizeof columns[0]);
	bool ok = t;

	fputs("\nProtocols, on all traffic that is not their own: sockets with evidence\n", out);
	for (unsigned p = 0; ok && p < protocol_count; p++) {
		const struct null_protocol_verdict v = null_judge_protocol(account, p);
		ok = table_add(t, protocols[p]->name) && add_count(t, v.sockets) &&
		     add_count(t, v.alarm.sockets) && add_count(t, v.alarm.suspected) &&
		     add_count(t, v.alarm.recognised) && add_interval(t, &v.per_socket) &&
		     add_result(t, v.within);
	}
	return finish_table(t, ok, out, width, err);
}

/* What the protocols that it does not belong to found in this kind of traffic; *most: who found most. */
static struct null_alarm alarm_of_kind(const struct null_account *account, unsigned kind, const char **most)
{
	struct null_alarm sum = { 0 };

	*most = NULL;
	for (unsigned p = 0; p < protocol_count; p++) {
		const struct null_alarm *alarm = &account->kind[kind].alarm[p];
		if (!null_for(&null_kinds[kind], protocols[p]->name))
			continue;
		sum.sockets += alarm->sockets;
		sum.suspected += alarm->suspected;
		sum.recognised += alarm->recognised;
		if (alarm->most_bits > sum.most_bits) {
			sum.most_bits = alarm->most_bits;
			*most = protocols[p]->name;
		}
	}
	return sum;
}

static bool kinds_print(const struct null_account *account, FILE *out, unsigned width, struct error *err)
{
	static const struct column columns[] = {
		{ "traffic", COLUMN_TEXT, FIT_KEEP, 0 },      { "datagrams", COLUMN_NUMBER, FIT_KEEP, 0 },
		{ "sockets", COLUMN_NUMBER, FIT_KEEP, 0 },    { "suspected", COLUMN_NUMBER, FIT_KEEP, 0 },
		{ "recognised", COLUMN_NUMBER, FIT_KEEP, 0 }, { "most bits", COLUMN_BITS, FIT_KEEP, 0 },
		{ "by", COLUMN_TEXT, FIT_KEEP, 0 },
	};
	struct table *t = table_new(columns, sizeof columns / sizeof columns[0]);
	bool ok = t;

	fputs("\nTraffic, and what protocols that it does not belong to made of it\n", out);
	for (unsigned k = 0; ok && k < null_kind_count; k++) {
		const struct null_kind_account *kind = &account->kind[k];
		const char *most;
		const struct null_alarm alarm = alarm_of_kind(account, k, &most);
		ok = table_add(t, null_kinds[k].name) && add_count(t, kind->datagrams) &&
		     add_count(t, kind->sockets) && add_count(t, alarm.suspected) &&
		     add_count(t, alarm.recognised) && table_add_bits(t, (double)alarm.most_bits) &&
		     table_add(t, most);
	}
	return finish_table(t, ok, out, width, err);
}

/* A sentence, wrapped. */
__attribute__((format(printf, 2, 3))) static void say(FILE *out, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	options_wrap(out, text, 0, 0);
}

static void dissector_failure(const struct null_account *account, unsigned d, FILE *out)
{
	const struct null_dissector_verdict v = null_judge_dissector(account, d);

	if (!v.within)
		say(out,
		    "%s is over its budget: %" PRIu64 " of %" PRIu64
		    " random flows have evidence of %.2f bits or more, which promises at most one in %.0f.",
		    dissectors[d]->name, v.broken_flows, v.flows, v.broken_bits, exp2(v.broken_bits));
}

static void protocol_failure(const struct null_account *account, unsigned p, unsigned k, FILE *out)
{
	const struct null_alarm *alarm = &account->kind[k].alarm[p];

	if (null_for(&null_kinds[k], protocols[p]->name) && null_alarm_counts(alarm))
		say(out,
		    "%s is over its budget, which is none. It takes %s for its own: %" PRIu64
		    " sockets recognised, %" PRIu64 " flows labelled, %" PRIu64 " events reported.",
		    protocols[p]->name, null_kinds[k].name, alarm->recognised, alarm->flows, alarm->events);
}

static void sentences_print(const struct null_account *account, FILE *out)
{
	char high[RATE_TEXT];

	fputc('\n', out);
	for (unsigned p = 0; p < protocol_count; p++) {
		const struct null_protocol_verdict v = null_judge_protocol(account, p);
		rate_format(v.per_datagram.high, high);
		say(out, "%" PRIu64 " of %" PRIu64 " datagrams called %s (as if each were alone: below %s).",
		    v.alarm.datagrams, v.datagrams, protocols[p]->name, high);
	}
	fputc('\n', out);
	for (unsigned d = 0; d < dissector_count; d++)
		dissector_failure(account, d, out);
	for (unsigned p = 0; p < protocol_count; p++)
		for (unsigned k = 0; k < null_kind_count; k++)
			protocol_failure(account, p, k, out);
	fprintf(out, "%s\n",
		null_judge_all(account)
			? "All dissectors are within their budgets."
			: "FAIL: over budget. 'footsteps help self-test' says what that means.");
}

bool null_report_tables(const struct null_account *account, uint64_t seed, FILE *out, unsigned width,
			struct error *err)
{
	fprintf(out,
		"%" PRIu64 " datagrams of generated traffic, seed %" PRIu64 ": %" PRIu64 " sockets, %" PRIu64
		" flows.\n",
		account->datagrams, seed, account->sockets, account->flows);
	if (!dissectors_print(account, out, width, err) || !protocols_print(account, out, width, err) ||
	    !kinds_print(account, out, width, err))
		return false;
	sentences_print(account, out);
	return true;
}

static void dissector_json(const struct null_account *account, unsigned d, FILE *out)
{
	const struct null_dissector_verdict v = null_judge_dissector(account, d);

	fputs("{\"row\":\"dissector\",\"name\":", out);
	json_put(out, dissectors[d]->name);
	fprintf(out,
		",\"flows\":%" PRIu64 ",\"with_evidence\":%" PRIu64
		",\"rate\":%.9g,\"rate_low\":%.9g,\"rate_high\":%.9g,\"promised\":",
		v.flows, v.with_evidence, share(v.with_evidence, v.flows), v.rate.low, v.rate.high);
	if (v.with_evidence)
		fprintf(out, "%.9g,\"least_bits\":%.2f", v.promised, v.lightest_bits);
	else
		fputs("null,\"least_bits\":null", out);
	fprintf(out, ",\"most_bits\":%.2f,\"within\":%s}\n", (double)account->promise[d].most_bits,
		v.within ? "true" : "false");
}

static void alarm_json(const struct null_alarm *alarm, FILE *out)
{
	fprintf(out,
		",\"with_evidence\":%" PRIu64 ",\"suspected\":%" PRIu64 ",\"recognised\":%" PRIu64
		",\"labelled_flows\":%" PRIu64 ",\"labelled_datagrams\":%" PRIu64 ",\"events\":%" PRIu64
		",\"most_bits\":%.2f",
		alarm->sockets, alarm->suspected, alarm->recognised, alarm->flows, alarm->datagrams,
		alarm->events, (double)alarm->most_bits);
}

static void protocol_json(const struct null_account *account, unsigned p, FILE *out)
{
	const struct null_protocol_verdict v = null_judge_protocol(account, p);

	fputs("{\"row\":\"protocol\",\"name\":", out);
	json_put(out, protocols[p]->name);
	fprintf(out, ",\"sockets\":%" PRIu64 ",\"datagrams\":%" PRIu64, v.sockets, v.datagrams);
	alarm_json(&v.alarm, out);
	fprintf(out,
		",\"per_socket_high\":%.9g,\"per_socket_low\":%.9g,\"per_datagram_high\":%.9g,\"within\":%s}"
		"\n",
		v.per_socket.high, v.per_socket.low, v.per_datagram.high, v.within ? "true" : "false");
}

static void kind_json(const struct null_account *account, unsigned k, FILE *out)
{
	const struct null_kind_account *kind = &account->kind[k];

	fputs("{\"row\":\"traffic\",\"name\":", out);
	json_put(out, null_kinds[k].name);
	fputs(",\"words\":", out);
	json_put(out, null_kinds[k].words);
	fprintf(out, ",\"sockets\":%" PRIu64 ",\"flows\":%" PRIu64 ",\"datagrams\":%" PRIu64 "}\n",
		kind->sockets, kind->flows, kind->datagrams);
	for (unsigned d = 0; d < dissector_count; d++) {
		if (kind->evidence[d] == 0)
			continue;
		fprintf(out,
			"{\"row\":\"evidence\",\"traffic\":\"%s\",\"dissector\":\"%s\",\"flows\":%" PRIu64
			"}\n",
			null_kinds[k].name, dissectors[d]->name, kind->evidence[d]);
	}
	for (unsigned p = 0; p < protocol_count; p++) {
		const struct null_alarm *alarm = &kind->alarm[p];
		if (alarm->sockets == 0 && !null_alarm_counts(alarm))
			continue;
		fprintf(out, "{\"row\":\"alarm\",\"traffic\":\"%s\",\"protocol\":\"%s\",\"own\":%s",
			null_kinds[k].name, protocols[p]->name,
			null_for(&null_kinds[k], protocols[p]->name) ? "false" : "true");
		alarm_json(alarm, out);
		fputs("}\n", out);
	}
}

void null_report_json(const struct null_account *account, uint64_t seed, FILE *out)
{
	fprintf(out,
		"{\"row\":\"run\",\"seed\":%" PRIu64 ",\"datagrams\":%" PRIu64 ",\"sockets\":%" PRIu64
		",\"flows\":%" PRIu64 ",\"within\":%s}\n",
		seed, account->datagrams, account->sockets, account->flows,
		null_judge_all(account) ? "true" : "false");
	for (unsigned d = 0; d < dissector_count; d++)
		dissector_json(account, d, out);
	for (unsigned p = 0; p < protocol_count; p++)
		protocol_json(account, p, out);
	for (unsigned k = 0; k < null_kind_count; k++)
		kind_json(account, k, out);
}
