/*
 * Suricata 6 and later.
 *
 * What keeps a rule to single packets is dsize: a rule with it requires a packet and is not matched against
 * the reassembled stream (SIG_FLAG_REQUIRE_PACKET in detect-dsize.c; SigValidate() in detect-parse.c adds the
 * stream for a rule with offset or depth that requires neither). So every rule has one. In rules for
 * addresses it says nothing, "dsize:<65535", and does two things: without it such a rule is "IP-only", which
 * Suricata looks at once per flow, and drops the flow then, whatever way its packets go.
 *
 * Ranges leave out their ends ("10<>20" is 11 to 19). Addresses without a positive one in a list are
 * completed for each family alone (DetectAddressMergeNot()), so "all but" names both families.
 */
#include "rules/ids.h"

/* Alerts of a rule in a minute. */
#define LOG_COUNT   10U
#define LOG_SECONDS 60U
#define ANY_SIZE    65535U /* more than a packet of 65535 bytes has payload */

static void put_size(const struct packet_pattern *pattern, FILE *out)
{
	const unsigned shortest = pattern ? pattern->shortest : 0, longest = pattern ? pattern->longest : 0;

	if (longest > 0 && longest == shortest)
		fprintf(out, "dsize:%u; ", longest);
	else if (longest > 0 && shortest > 0)
		fprintf(out, "dsize:%u<>%u; ", shortest - 1, longest + 1);
	else if (longest > 0)
		fprintf(out, "dsize:<%u; ", longest + 1);
	else if (shortest > 0)
		fprintf(out, "dsize:>%u; ", shortest - 1);
	else
		fprintf(out, "dsize:<%u; ", ANY_SIZE);
}

static void put_options(const struct ruleset *r, const struct packet_pattern *pattern, FILE *out)
{
	put_size(pattern, out);
	for (unsigned i = 0; pattern && i < pattern->test_count; i++) {
		const struct pattern_test *test = &pattern->test[i];
		fprintf(out, "content:%s\"|", test->differs ? "!" : "");
		ids_put_hex(test, out);
		fprintf(out, "|\"; offset:%u; depth:%u; ", test->offset, test->length);
	}
	if (r->action == RULE_LOG)
		fprintf(out, "threshold:type limit, track by_rule, count %u, seconds %u; ", LOG_COUNT,
			LOG_SECONDS);
}

static const struct ids_language suricata = {
	.engine = "Suricata",
	.but = "[0.0.0.0/0,::/0,!",
	.nor = ",!",
	.end = "]",
	.put_options = put_options,
};

static bool suricata_can(const struct ruleset *r, struct error *err)
{
	return ids_can(r, &suricata, err);
}

#define DIFFERS                                                                                              \
	"Numbers (sid) are of the range for local rules, and the same each time. Where it differs: "         \
	"Suricata puts fragments together and looks into tunnels, and judges what it finds there. "          \
	"What it does not inspect passes: what follows a TLS handshake, and flows that its "                 \
	"configuration bypasses. "
static void suricata_write(const struct ruleset *r, FILE *out)
{
	static const char *const notes[] = {
		[RULE_DROP] = DIFFERS "It drops nothing unless it runs inline (IPS mode).",
		[RULE_REJECT] = DIFFERS
		"It sends a reset for TCP, and for the rest that the host is unreachable, not the port. The "
		"packet itself is stopped only where Suricata runs inline (IPS mode).",
		[RULE_LOG] =
			DIFFERS "Each rule alerts ten times a minute at most, and does not count the rest.",
	};
	rules_head_write(
		r,
		&(struct rules_head){
			.comment = "# ",
			.load = "suricata -T -S FILE    (checks it only)\n"
				"cp FILE /var/lib/suricata/rules/    (and under rule-files in suricata.yaml: - FILE)\n"
				"suricatasc -c ruleset-reload-rules",
			.remove = "rm /var/lib/suricata/rules/FILE    (and its line under rule-files)\n"
				  "suricatasc -c ruleset-reload-rules",
			.notes = notes[r->action] },
		out);
	ids_put_rules(r, &suricata, out);
}

const struct rule_format format_suricata = {
	.name = "suricata",
	.summary = "Suricata 6 and later, for rule-files",
	.can = suricata_can,
	.write = suricata_write,
};
