/*
 * Snort 3.
 *
 * "flow:no_stream" keeps a rule to packets as they came (ips_flow.cc): on reassembled data dsize would be the
 * size of something that no packet held, and the packet that is dropped could be another one, which completed
 * it. Snort does not look at packets that wait for reassembly, unless search_engine.detect_raw_tcp is true
 * (skip_raw_tcp() in fp_detect.cc), so that is part of loading. "no_frag" leaves out what was put together of
 * fragments; raw_data is the payload as it is, before any decoding.
 *
 * A list of exceptions alone stands for all other addresses of both families; with 0.0.0.0/0 before it, it
 * would stand for all of IPv6 as well (sfvar_ip_in6() in sf_ipvar.cc).
 */
#include "rules/ids.h"
#include <netinet/in.h>

/* Alerts of a rule in a minute, for each source. */
#define LOG_COUNT   10U
#define LOG_SECONDS 60U
/* Filters of events that the head of the output spells out. */
#define LOG_RULES_MAX 50U

static void put_options(const struct ruleset *r, const struct packet_pattern *pattern, FILE *out)
{
	(void)r;
	if (!pattern) {
		fputs("flow:no_stream; ", out);
		return;
	}
	fputs("flow:no_stream,no_frag; ", out);
	/* Ends are part of the range. */
	if (pattern->longest > 0 && pattern->longest == pattern->shortest)
		fprintf(out, "dsize:%u; ", pattern->longest);
	else if (pattern->longest > 0)
		fprintf(out, "dsize:%u<=>%u; ", pattern->shortest, pattern->longest);
	else
		fprintf(out, "dsize:>=%u; ", pattern->shortest);
	if (pattern->test_count > 0)
		fputs("raw_data; ", out);
	for (unsigned i = 0; i < pattern->test_count; i++) {
		const struct pattern_test *test = &pattern->test[i];
		fprintf(out, "content:%s\"|", test->differs ? "!" : "");
		ids_put_hex(test, out);
		fprintf(out, "|\",offset %u,depth %u; ", test->offset, test->length);
	}
}

static const struct ids_language snort = {
	.engine = "Snort",
	.but = "![",
	.nor = ",",
	.end = "]",
	.put_options = put_options,
};

/* "reject" ends a flow: every packet of it is stopped from then on, whether it fits or not. */
static bool reject_is_wider(const struct ruleset *r)
{
	const struct packet_pattern *pattern;

	if (r->strategy->kind != STRATEGY_PATTERNS)
		return r->direction != RULE_BOTH;
	for (unsigned i = 0; (pattern = ruleset_pattern(r, i)); i++)
		if (pattern->l4 != IPPROTO_TCP)
			return true;
	return false;
}

static bool snort_can(const struct ruleset *r, struct error *err)
{
	if (r->action == RULE_REJECT && reject_is_wider(r))
		return error_set(
			err, EXIT_USAGE,
			"Snort rejects a whole flow from the first packet that fits on, and this rule "
			"set is about single ones: take --action drop");
	if (r->action == RULE_LOG && ids_rule_count(r) > LOG_RULES_MAX)
		return error_set(
			err, EXIT_USAGE,
			"Snort bounds alerts by a filter for each rule, and these are %zu rules: give "
			"fewer databases, or take --format nft",
			ids_rule_count(r));
	return ids_can(r, &snort, err);
}

/* What bounds the alerts is no part of a rule. */
static void put_event_filter(const struct ruleset *r, FILE *out)
{
	const unsigned first = ids_first_number(r);
	const size_t count = ids_rule_count(r);

	rules_comment("# ", "In snort.lua, for ten alerts a minute of each rule and source:", out);
	fputs("#     event_filter =\n#     {\n", out);
	for (size_t i = 0; i < count; i++)
		fprintf(out,
			"#         { gid = 1, sid = %zu, type = 'limit', track = 'by_src', count = %u, seconds = "
			"%u },\n",
			first + i, LOG_COUNT, LOG_SECONDS);
	fputs("#     }\n", out);
}

#define DIFFERS                                                                                              \
	"Numbers (sid) are of the range for local rules, and the same each time. Where it differs: "         \
	"fragments of a datagram pass where a rule looks into it. Snort looks into tunnels, and "            \
	"judges what it finds there. What it does not inspect passes, such as flows that its "               \
	"configuration trusts. "
#define LOAD                                                                                                 \
	"snort -T -c /etc/snort/snort.lua -R FILE \\\n"                                                      \
	"    --lua \"search_engine = search_engine or {}; search_engine.detect_raw_tcp = true"
#define REJECT   "; reject = { reset = 'source', control = 'port' }"
#define LIKEWISE "    (checks it only)\n(start Snort with this -R and --lua, and without -T)"

static void snort_write(const struct ruleset *r, FILE *out)
{
	static const char *const notes[] = {
		[RULE_DROP] = DIFFERS "It drops nothing unless it runs inline (-Q).",
		[RULE_REJECT] = DIFFERS
		"It answers and ends the flow only where it runs inline (-Q), or has a device to answer by.",
		[RULE_LOG] = DIFFERS,
	};
	const bool reject = r->action == RULE_REJECT;

	rules_head_write(
		r,
		&(struct rules_head){ .comment = "# ",
				      .load = reject ? LOAD REJECT "\"" LIKEWISE : LOAD "\"" LIKEWISE,
				      .remove = "(start Snort without them)",
				      .notes = notes[r->action] },
		out);
	if (r->action == RULE_LOG && ids_rule_count(r) > 0)
		put_event_filter(r, out);
	ids_put_rules(r, &snort, out);
}

const struct rule_format format_snort = {
	.name = "snort",
	.summary = "Snort 3, for 'snort -R'",
	.can = snort_can,
	.write = snort_write,
};
