/* What Suricata and Snort 3 have in common. See ids.h. */
#include "rules/ids.h"
#include "rules/ways.h"
#include <netinet/in.h>

/*
 * 1000000 to 1999999 are for local rules (Suricata: docs.suricata.io, "SID allocation"; Snort: below 1000000
 * are those of its distribution). Each strategy of each protocol has a share, in the order of the tables, and
 * each pattern of a strategy a number in it: a row that is put before others moves theirs.
 */
#define LOCAL_NUMBERS  1000000U
#define STRATEGIES_MAX 16U
#define SHARE          (1000000U / (PROTOCOLS_MAX * STRATEGIES_MAX))
_Static_assert(SHARE == 3906, "rules that administrators know by their numbers would get others");
/* Suricata reads lines of at most 8192 bytes (DETECT_MAX_RULE_SIZE): these many addresses and prefixes, two
 * times the latter, leave 1500 for the rest. */
#define ADDRESSES_PER_RULE 40U
#define PREFIXES_MAX       50U

static unsigned strategy_index(const struct ruleset *r)
{
	return (unsigned)(r->strategy - r->protocol->strategies);
}

unsigned ids_first_number(const struct ruleset *r)
{
	unsigned protocol = 0;

	while (protocol < protocol_count && protocols[protocol] != r->protocol)
		protocol++;
	return LOCAL_NUMBERS + (protocol * STRATEGIES_MAX + strategy_index(r)) * SHARE;
}

size_t ids_rule_count(const struct ruleset *r)
{
	size_t addresses = 0, sockets = 0;
	unsigned patterns = 0;

	if (r->strategy->kind == STRATEGY_PATTERNS) {
		while (ruleset_pattern(r, patterns))
			patterns++;
		return patterns;
	}
	for (size_t i = 0; i < r->endpoint_count; i++)
		if (endpoint_stays(r, &r->endpoint[i])) {
			addresses += r->endpoint[i].port == 0;
			sockets += r->endpoint[i].port > 0;
		}
	return (addresses + ADDRESSES_PER_RULE - 1) / ADDRESSES_PER_RULE + 2 * sockets;
}

static bool begins_at_zero(const struct ip_prefix *list, size_t count)
{
	static const uint8_t zero[16] = { 0 };

	for (size_t i = 0; i < count; i++) {
		const struct ip_prefix p = prefix_masked(&list[i]);
		if (memcmp(p.v4 ? p.ip.b + 12 : p.ip.b, zero, p.v4 ? 4 : 16) == 0)
			return true;
	}
	return false;
}

static bool can_limits(const struct ruleset *r, const char *engine, struct error *err)
{
	const enum rule_side all = r->internal_count > 0 ? SIDE_OUTSIDE : SIDE_ANY;

	if (r->internal_count + r->never_count > PREFIXES_MAX)
		return error_set(err, EXIT_USAGE,
				 "%s reads no line as long as these lists of prefixes: give at most %u with "
				 "--internal and --never",
				 engine, PREFIXES_MAX);
	/* Snort takes a prefix whose address is zero for all addresses (fast_cont4() of its sf_cidr.h). */
	if (begins_at_zero(r->internal, r->internal_count) || begins_at_zero(r->never, r->never_count))
		return error_set(err, EXIT_USAGE,
				 "%s may take a prefix of the address 0.0.0.0 or :: for all addresses: give "
				 "--internal and --never without it",
				 engine);
	/* Lists that mean no address are errors for Suricata, and all addresses for Snort. */
	if ((r->internal_count > 0 && !side_has_family(r, SIDE_INSIDE, true) &&
	     !side_has_family(r, SIDE_INSIDE, false)) ||
	    !side_has_family(r, all, true) || !side_has_family(r, all, false))
		return error_set(err, EXIT_USAGE,
				 "--internal and --never leave no address to block, and %s has no word for "
				 "that: give less",
				 engine);
	return true;
}

bool ids_can(const struct ruleset *r, const struct ids_language *language, struct error *err)
{
	const char *engine = language->engine;

	if (r->interface)
		return error_set(
			err, EXIT_USAGE,
			"rules of %s cannot name an interface: leave out --interface, run %s on that "
			"interface alone, and say where out is with --internal",
			engine, engine);
	if (r->action == RULE_COUNT)
		return error_set(
			err, EXIT_USAGE,
			"rules of %s count nothing but alerts: take --action log, or --format nft to "
			"count",
			engine);
	if (r->expire_ns > 0 && r->strategy->kind != STRATEGY_PATTERNS)
		return error_set(
			err, EXIT_USAGE,
			"rules of %s do not expire: leave out --expire and load new ones in time, or "
			"take --format nft",
			engine);
	if (strategy_index(r) >= STRATEGIES_MAX || ids_rule_count(r) > SHARE)
		return error_set(err, EXIT_USAGE,
				 "%zu rules are more than the %u numbers that they may have: give fewer "
				 "databases, or take --format nft",
				 ids_rule_count(r), SHARE);
	return can_limits(r, engine, err);
}

/* Quotation marks, semicolons and backslashes are escaped in both languages. */
static void put_escaped(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text == '"' || *text == ';' || *text == '\\')
			fputc('\\', out);
		fputc((unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text, out);
	}
}

void ids_put_hex(const struct pattern_test *test, FILE *out)
{
	for (unsigned i = 0; i < test->length; i++)
		fprintf(out, "%s%02X", i ? " " : "", test->value[i]);
}

static void put_prefix(const char *before, const struct ip_prefix *p, FILE *out)
{
	char text[IP_PREFIX_TEXT];

	prefix_text(p, text);
	fprintf(out, "%s%s", before, text);
}

static void put_inside(const struct ruleset *r, FILE *out)
{
	const char *before = "[";

	for (size_t i = 0; i < r->internal_count; i++)
		if (internal_stays(r, i)) {
			put_prefix(before, &r->internal[i], out);
			before = ",";
		}
	for (size_t i = 0; i < r->never_count; i++)
		if (never_cuts(r, i))
			put_prefix(",!", &r->never[i], out);
	fputc(']', out);
}

static void put_outside(const struct ruleset *r, const struct ids_language *language, FILE *out)
{
	const char *before = language->but;

	if (r->internal_count == 0 && r->never_count == 0) {
		fputs("any", out);
		return;
	}
	for (size_t i = 0; i < r->internal_count; i++)
		if (internal_stays(r, i)) {
			put_prefix(before, &r->internal[i], out);
			before = language->nor;
		}
	for (size_t i = 0; i < r->never_count; i++)
		if (never_stays(r, i)) {
			put_prefix(before, &r->never[i], out);
			before = language->nor;
		}
	fputs(language->end, out);
}

/* blocked: the text of SIDE_BLOCKED, address and port. */
static void put_side(const struct ruleset *r, enum rule_side side, const char *blocked,
		     const struct ids_language *language, FILE *out)
{
	if (side == SIDE_BLOCKED) {
		fputs(blocked, out);
		return;
	}
	if (side == SIDE_INSIDE)
		put_inside(r, out);
	else
		put_outside(r, language, out);
	fputs(" any", out);
}

/* One rule, for one way or both. */
static void put_rule(const struct ruleset *r, const struct ids_language *language, const char *l4,
		     const char *blocked, const struct packet_pattern *pattern, unsigned number, FILE *out)
{
	static const char *const action[] = { "drop", "reject", "alert" };
	struct rule_way way[RULE_WAYS_MAX];
	const unsigned ways = rule_ways(r, way);
	char name[RULESET_NAME];

	ruleset_name(r, name);
	fprintf(out, "%s %s ", action[r->action], l4);
	put_side(r, way[0].from, blocked, language, out);
	fputs(ways > 1 ? " <> " : " -> ", out);
	put_side(r, way[0].to, blocked, language, out);
	fputs(" (msg:\"footsteps: ", out);
	put_escaped(r->protocol->title, out);
	fputs(", ", out);
	put_escaped(pattern ? pattern->words : r->strategy->summary, out);
	fputs("\"; ", out);
	language->put_options(r, pattern, out);
	fprintf(out, "classtype:policy-violation; metadata:footsteps %s%s%s; sid:%u; rev:1;)\n", name,
		pattern ? "_" : "", pattern ? pattern->name : "", number);
}

/* Whole addresses: all of an address's traffic, whatever its protocol, some addresses to a rule. */
static unsigned put_addresses(const struct ruleset *r, const struct ids_language *language, unsigned number,
			      FILE *out)
{
	char list[ADDRESSES_PER_RULE * IP_TEXT + 16], text[IP_TEXT];
	size_t length = 0;
	unsigned count = 0;

	for (size_t i = 0; i <= r->endpoint_count; i++) {
		const bool last = i == r->endpoint_count;
		if (!last && r->endpoint[i].port == 0 && endpoint_stays(r, &r->endpoint[i])) {
			ip_format(&r->endpoint[i].ip, text);
			length += (size_t)snprintf(list + length, sizeof list - length, "%s%s",
						   count > 0 ? "," : "[", text);
			count++;
		}
		if (count == ADDRESSES_PER_RULE || (last && count > 0)) {
			snprintf(list + length, sizeof list - length, "] any");
			put_rule(r, language, "ip", list, NULL, number++, out);
			length = 0;
			count = 0;
		}
	}
	return number;
}

static void put_sockets(const struct ruleset *r, const struct ids_language *language, unsigned number,
			FILE *out)
{
	char socket[IP_TEXT + 16], text[IP_TEXT];

	for (size_t i = 0; i < r->endpoint_count; i++) {
		const struct rule_endpoint *e = &r->endpoint[i];
		if (e->port == 0 || !endpoint_stays(r, e))
			continue;
		ip_format(&e->ip, text);
		snprintf(socket, sizeof socket, "[%s] %u", text, e->port);
		put_rule(r, language, "tcp", socket, NULL, number++, out);
		put_rule(r, language, "udp", socket, NULL, number++, out);
	}
}

void ids_put_rules(const struct ruleset *r, const struct ids_language *language, FILE *out)
{
	const struct packet_pattern *pattern;
	unsigned number = ids_first_number(r);

	fputc('\n', out);
	if (r->strategy->kind == STRATEGY_PATTERNS) {
		for (unsigned i = 0; (pattern = ruleset_pattern(r, i)); i++)
			put_rule(r, language, pattern->l4 == IPPROTO_TCP ? "tcp" : "udp", NULL, pattern,
				 number++, out);
		return;
	}
	number = put_addresses(r, language, number, out);
	put_sockets(r, language, number, out);
	if (ids_rule_count(r) == 0)
		rules_comment("# ", "There is no address to block.", out);
}
