/*
 * nftables: one table per rule set, which is loaded, replaced and removed as a whole.
 *
 * A load from the payload (@ih) that reaches beyond the end of the packet makes its rule not match. So "this
 * byte may have any value" says that the packet is longer, and nothing else about lengths has to be known: of
 * IP options, extension headers, TCP options or padding.
 */
#include "base/clock.h"
#include "rules/ways.h"
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

/* A register of nftables holds 128 bits (NFT_REG_SIZE in linux/netfilter/nf_tables.h). */
#define LOAD_BYTES      16U
#define UDP_HEADER      8U  /* RFC 768; its length field counts it */
#define TCP_WORDS       5U  /* RFC 9293 section 3.1: a header has at least five words */
#define UDP_LENGTHS_MAX 64U /* one rule each */
/* IFNAMSIZ of linux/if.h, without the NUL. */
/* The kernel takes what is at the place of the ports from later fragments of IPv4, too (offset: RFC 791). */
#define FIRST_FRAGMENT "ip frag-off & 0x1fff 0 "
/* Lines per second and counter: a log of a few MB per hour at worst. */
#define LOG_RATE 10U

enum family { V4, V6, FAMILIES };
static const char *const family_word[FAMILIES] = { "ip", "ip6" };
static const char *const family_type[FAMILIES] = { "ipv4_addr", "ipv6_addr" };
static const char *const family_digit[FAMILIES] = { "4", "6" };

/* A netfilter hook, and what can be seen there of the interfaces that a packet comes in by and leaves by. */
static const struct hook {
	const char *name;
	bool comes, leaves;
} hooks[] = {
	{ "forward", true, true },
	{ "output", false, true },
	{ "input", true, false },
};
#define HOOK_COUNT (sizeof hooks / sizeof hooks[0])

static bool has_sockets(const struct ruleset *r, enum family family, bool ports)
{
	for (size_t i = 0; i < r->endpoint_count; i++)
		if (ip_is_v4(&r->endpoint[i].ip) == (family == V4) && (r->endpoint[i].port > 0) == ports)
			return true;
	return false;
}

static bool has_prefixes(const struct ip_prefix *list, size_t count, enum family family)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].v4 == (family == V4))
			return true;
	return false;
}

static void put_prefix_sets(const char *name, const struct ip_prefix *list, size_t count, FILE *out)
{
	char text[IP_PREFIX_TEXT];

	for (enum family f = V4; f < FAMILIES; f++) {
		const char *between = "";
		if (!has_prefixes(list, count, f))
			continue;
		fprintf(out, "\n\tset %s%s {\n\t\ttype %s\n\t\tflags interval\n\t\telements = {", name,
			family_digit[f], family_type[f]);
		for (size_t i = 0; i < count; i++) {
			if (list[i].v4 != (f == V4))
				continue;
			ip_prefix_format(&list[i], text);
			fprintf(out, "%s\n\t\t\t%s", between, text);
			between = ",";
		}
		fputs("\n\t\t}\n\t}\n", out);
	}
}

/* Whole addresses, or addresses with a port: both of one family. */
static void put_endpoint_set(const struct ruleset *r, enum family family, bool ports, FILE *out)
{
	const char *between = "";
	char text[IP_TEXT];

	if (!has_sockets(r, family, ports))
		return;
	fprintf(out, "\n\tset %s%s {\n\t\ttype %s%s\n", ports ? "sockets" : "addresses", family_digit[family],
		family_type[family], ports ? " . inet_service" : "");
	if (r->expire_ns > 0)
		fprintf(out, "\t\ttimeout %" PRId64 "s\n", (r->expire_ns + NS_PER_S - 1) / NS_PER_S);
	fputs("\t\telements = {", out);
	for (size_t i = 0; i < r->endpoint_count; i++) {
		const struct rule_endpoint *e = &r->endpoint[i];
		if (ip_is_v4(&e->ip) != (family == V4) || (e->port > 0) != ports)
			continue;
		ip_format(&e->ip, text);
		fprintf(out, "%s\n\t\t\t%s", between, text);
		if (ports)
			fprintf(out, " . %u", e->port);
		between = ",";
	}
	fputs("\n\t\t}\n\t}\n", out);
}

static void put_sets(const struct ruleset *r, FILE *out)
{
	put_prefix_sets("never", r->never, r->never_count, out);
	put_prefix_sets("internal", r->internal, r->internal_count, out);
	if (r->strategy->kind == STRATEGY_PATTERNS)
		return;
	for (enum family f = V4; f < FAMILIES; f++) {
		put_endpoint_set(r, f, false, out);
		put_endpoint_set(r, f, true, out);
	}
}

/*
 * A packet that fits comes here: the allow-list, the counter, the action. Every way ends in a verdict, so
 * that no packet is met twice; "accept" is only of this table, others still judge the packet. l4: that of all
 * packets that come here, or 0.
 */
static void put_action(const struct ruleset *r, const char *counter, uint8_t l4, FILE *out)
{
	char name[RULESET_NAME];

	fprintf(out, "\tchain act_%s {\n", counter);
	if (r->never_count > 0)
		fputs("\t\tjump spared\n", out);
	fprintf(out, "\t\tcounter name %s", counter);
	switch (r->action) {
	case RULE_DROP:
		fputs(" drop\n", out);
		break;
	case RULE_REJECT:
		if (l4 != IPPROTO_UDP)
			fprintf(out, "\n\t\tmeta l4proto tcp reject with tcp reset");
		if (l4 != IPPROTO_TCP)
			fprintf(out, "\n\t\treject with icmpx type port-unreachable");
		fputc('\n', out);
		break;
	case RULE_LOG:
		ruleset_name(r, name);
		fprintf(out, "\n\t\tlimit rate %u/second log prefix \"%s %s: \"\n\t\taccept\n", LOG_RATE,
			name, counter);
		break;
	case RULE_COUNT:
		fputs(" accept\n", out);
		break;
	}
	fputs("\t}\n", out);
}

static void put_spared(const struct ruleset *r, FILE *out)
{
	static const char *const sides[] = { "saddr", "daddr" };

	if (r->never_count == 0)
		return;
	fputs("\n\t# The allow-list: it fits, and is let through.\n\tchain spared {\n", out);
	for (enum family f = V4; f < FAMILIES; f++)
		for (int side = 0; side < 2 && has_prefixes(r->never, r->never_count, f); side++)
			fprintf(out, "\t\t%s %s @never%s counter name never accept\n", family_word[f],
				sides[side], family_digit[f]);
	fputs("\t}\n", out);
}

/* " @ih,0,40 0x1603010000": one comparison, or several where the registers are too short. */
static void put_test(const struct pattern_test *t, FILE *out)
{
	for (unsigned at = 0; at < t->length; at += LOAD_BYTES) {
		unsigned length = t->length - at < LOAD_BYTES ? t->length - at : LOAD_BYTES;
		fprintf(out, " @ih,%u,%u %s0x", 8 * (t->offset + at), 8 * length, t->differs ? "!= " : "");
		for (unsigned i = 0; i < length; i++)
			fprintf(out, "%02x", t->value[at + i]);
	}
}

/*
 * What a pattern says of the length beyond the tests, in a chain of its own. Of TCP the packet's end tells
 * it: no byte may follow the longest payload. Of UDP the header does, but it may say more than there is: each
 * length has its last byte.
 */
static bool has_length_chain(const struct packet_pattern *p)
{
	return p->longest > 0 && (p->l4 == IPPROTO_TCP || p->longest > p->shortest);
}

static void put_length_chain(const struct packet_pattern *p, FILE *out)
{
	fprintf(out, "\tchain length_%s {\n", p->name);
	if (p->l4 == IPPROTO_TCP)
		fprintf(out, "\t\t@ih,%u,8 0-255 return comment \"more than %u bytes\"\n\t\tgoto act_%s\n",
			8U * p->longest, p->longest, p->name);
	else
		for (unsigned length = p->shortest; length <= p->longest; length++)
			fprintf(out, "\t\tudp length %u @ih,%u,8 0-255 goto act_%s\n", UDP_HEADER + length,
				8U * (length - 1U), p->name);
	fputs("\t}\n", out);
}

static void put_pattern(const struct packet_pattern *p, FILE *out)
{
	const unsigned tested = pattern_tests_end(p);

	fputs("\t\t", out);
	if (p->l4 == IPPROTO_TCP)
		fprintf(out, "tcp doff >= %u", TCP_WORDS);
	else if (p->longest > p->shortest)
		fprintf(out, "udp length %u-%u", UDP_HEADER + p->shortest, UDP_HEADER + p->longest);
	else
		fprintf(out, "udp length %u", UDP_HEADER + p->shortest);
	for (unsigned i = 0; i < p->test_count; i++)
		put_test(&p->test[i], out);
	if (p->shortest > tested && (p->l4 == IPPROTO_TCP || !has_length_chain(p)))
		fprintf(out, " @ih,%u,8 0-255", 8U * (p->shortest - 1U));
	fprintf(out, has_length_chain(p) ? " jump length_%s\n" : " goto act_%s\n", p->name);
}

static void put_pattern_chains(const struct ruleset *r, FILE *out)
{
	const struct packet_pattern *p;

	for (unsigned i = 0; (p = ruleset_pattern(r, i)); i++) {
		fputc('\n', out);
		put_action(r, p->name, p->l4, out);
		if (has_length_chain(p))
			put_length_chain(p, out);
	}
	fputs("\n\tchain judge {\n", out);
	for (unsigned i = 0; (p = ruleset_pattern(r, i)); i++)
		put_pattern(p, out);
	fputs("\t}\n", out);
}

/* Endpoints that are the packet's destination, or its source. */
static void put_endpoint_rules(const struct ruleset *r, bool destination, FILE *out)
{
	const char *side = destination ? "daddr" : "saddr", *port = destination ? "dport" : "sport";

	for (enum family f = V4; f < FAMILIES; f++) {
		const char *word = family_word[f], *digit = family_digit[f];
		if (has_sockets(r, f, false))
			fprintf(out, "\t\t%s %s @addresses%s goto act_endpoints_ipv%s\n", word, side, digit,
				digit);
		if (has_sockets(r, f, true))
			fprintf(out,
				"\t\tmeta l4proto { tcp, udp } %s%s %s . th %s @sockets%s goto act_endpoints_ipv%s\n",
				f == V4 ? FIRST_FRAGMENT : "", word, side, port, digit, digit);
	}
}

/* Whether packets in the direction have the blocked endpoint as their destination. */
static bool endpoint_is_destination(const struct ruleset *r, enum rule_direction direction)
{
	return (r->strategy->kind == STRATEGY_SERVERS) == (direction == RULE_OUT);
}

static void put_endpoint_chains(const struct ruleset *r, FILE *out)
{
	fputc('\n', out);
	if (ruleset_has_family(r, true))
		put_action(r, "endpoints_ipv4", 0, out);
	if (ruleset_has_family(r, false))
		put_action(r, "endpoints_ipv6", 0, out);
	if (!ruleset_has_direction(r)) {
		fputs("\n\tchain judge {\n", out);
		put_endpoint_rules(r, true, out);
		put_endpoint_rules(r, false, out);
		fputs("\t}\n", out);
		return;
	}
	for (enum rule_direction d = RULE_OUT; d <= RULE_IN; d++) {
		if (r->direction != RULE_BOTH && r->direction != d)
			continue;
		fprintf(out, "\n\tchain judge_%s {\n", rule_direction_names[d]);
		put_endpoint_rules(r, endpoint_is_destination(r, d), out);
		fputs("\t}\n", out);
	}
}

/* One rule: which packets of a hook go in the direction, as far as one family says; FAMILIES: without
 * addresses. */
static void put_direction(const struct ruleset *r, enum rule_direction d, enum family f, FILE *out)
{
	fputs("\t\t", out);
	if (r->interface)
		fprintf(out, "%s \"%s\" ", d == RULE_OUT ? "oifname" : "iifname", r->interface);
	if (f < FAMILIES)
		fprintf(out, "%s saddr %s@internal%s %s daddr %s@internal%s ", family_word[f],
			d == RULE_OUT ? "" : "!= ", family_digit[f], family_word[f],
			d == RULE_OUT ? "!= " : "", family_digit[f]);
	if (r->strategy->kind == STRATEGY_PATTERNS)
		fputs("jump judge\n", out);
	else
		fprintf(out, "jump judge_%s\n", rule_direction_names[d]);
}

/* Whether the hook sees packets of which the rule set can say that they go in the direction. */
static bool hook_sees(const struct ruleset *r, const struct hook *hook, enum rule_direction d)
{
	if (r->direction != RULE_BOTH && r->direction != d)
		return false;
	return !r->interface || (d == RULE_OUT ? hook->leaves : hook->comes);
}

/*
 * Packets to this machine itself pass output and input. What needs no interface, or lo in both directions,
 * has been judged when it was sent.
 */
static bool is_seen_twice(const struct ruleset *r, const struct hook *hook)
{
	if (hook->leaves)
		return false;
	return !r->interface || (r->direction == RULE_BOTH && strcmp(r->interface, "lo") == 0);
}

static void put_hook(const struct ruleset *r, const struct hook *hook, FILE *out)
{
	if (!hook_sees(r, hook, RULE_OUT) && !hook_sees(r, hook, RULE_IN))
		return;
	fprintf(out, "\n\tchain on_%s {\n\t\ttype filter hook %s priority filter; policy accept;\n",
		hook->name, hook->name);
	if (is_seen_twice(r, hook))
		fputs("\t\tiifname \"lo\" accept comment \"judged when it was sent\"\n", out);
	if (!ruleset_has_direction(r))
		fputs("\t\tjump judge\n", out);
	for (enum rule_direction d = RULE_OUT; d <= RULE_IN && ruleset_has_direction(r); d++) {
		if (!hook_sees(r, hook, d))
			continue;
		if (r->internal_count == 0)
			put_direction(r, d, FAMILIES, out);
		/* Nothing is inside in a family of which no prefix is, so no packet of it has a direction. */
		for (enum family f = V4; f < FAMILIES; f++)
			if (has_prefixes(r->internal, r->internal_count, f))
				put_direction(r, d, f, out);
	}
	fputs("\t}\n", out);
}

static void put_counters(const struct ruleset *r, FILE *out)
{
	const struct packet_pattern *p;

	for (unsigned i = 0; r->strategy->kind == STRATEGY_PATTERNS && (p = ruleset_pattern(r, i)); i++) {
		rules_comment("\t# ", p->words, out);
		fprintf(out, "\tcounter %s { }\n", p->name);
	}
	if (r->strategy->kind != STRATEGY_PATTERNS && ruleset_has_family(r, true))
		fputs("\tcounter endpoints_ipv4 { }\n", out);
	if (r->strategy->kind != STRATEGY_PATTERNS && ruleset_has_family(r, false))
		fputs("\tcounter endpoints_ipv6 { }\n", out);
	if (r->never_count > 0)
		fputs("\t# What fits, but is spared by the allow-list.\n\tcounter never { }\n", out);
}

/* Where nftables stops less than the rule set, and what else is to be known. */
static void notes_write(const struct ruleset *r, char *out, size_t size)
{
	const struct packet_pattern *p;
	bool patterns = r->strategy->kind == STRATEGY_PATTERNS, udp = false;

	for (unsigned i = 0; patterns && (p = ruleset_pattern(r, i)); i++)
		udp = udp || p->l4 == IPPROTO_UDP;
	snprintf(
		out, size,
		"%s%s%sLoading the file again replaces the table at once, and sets its counters back to 0%s.",
		patterns
			? "Needs Linux 5.16 and nftables 1.0.1, for loads from the payload (@ih). Segments that the "
			  "network card has joined (GRO) are judged as one. "
			: "",
		udp ? "A UDP datagram in fragments passes, unless connection tracking has put it together. "
		    : "",
		patterns || has_sockets(r, V6, true) ? "What is behind an IPv6 authentication header passes. "
						     : "",
		!patterns && r->expire_ns > 0 ? "; the time that endpoints have left begins anew" : "");
}

static void put_head(const struct ruleset *r, const char *name, FILE *out)
{
	char notes[1024], remove[64 + RULESET_NAME];

	notes_write(r, notes, sizeof notes);
	snprintf(remove, sizeof remove, "nft delete table inet %s", name);
	rules_head_write(r,
			 &(struct rules_head){ .comment = "# ",
					       .load = "nft -c -f FILE    (checks it only)\nnft -f FILE",
					       .remove = remove,
					       .notes = notes },
			 out);
	fprintf(out, "# What it has met:\n#     nft -j list table inet %s | footsteps rules --readback -\n",
		name);
}

static void nft_write(const struct ruleset *r, FILE *out)
{
	char name[RULESET_NAME];

	ruleset_name(r, name);
	put_head(r, name, out);
	fprintf(out, "\ntable inet %s\ndelete table inet %s\ntable inet %s {\n", name, name, name);
	put_counters(r, out);
	put_sets(r, out);
	put_spared(r, out);
	if (r->strategy->kind == STRATEGY_PATTERNS)
		put_pattern_chains(r, out);
	else
		put_endpoint_chains(r, out);
	for (size_t i = 0; i < HOOK_COUNT; i++)
		put_hook(r, &hooks[i], out);
	fputs("}\n", out);
}

static bool nft_can(const struct ruleset *r, struct error *err)
{
	const struct packet_pattern *p;

	if (!interface_is_linux(r->interface, err))
		return false;
	for (unsigned i = 0; r->strategy->kind == STRATEGY_PATTERNS && (p = ruleset_pattern(r, i)); i++)
		if (p->l4 == IPPROTO_UDP &&
		    (p->shortest == 0 || p->longest == 0 || p->longest - p->shortest >= (int)UDP_LENGTHS_MAX))
			return error_set(
				err, EXIT_USAGE,
				"nft can match UDP of 1 to %u different lengths, not all of '%s'; take "
				"another format",
				UDP_LENGTHS_MAX, p->name);
	return true;
}

const struct rule_format format_nft = {
	.name = "nft",
	.summary = "nftables, for 'nft -f'",
	.can = nft_can,
	.write = nft_write,
};
