/*
 * A pcap filter expression, pcap-filter(7): selects, in a capture or on an interface, the packets upon which
 * the rule set acts. `tcpdump -F` reads it with its comments.
 *
 * Where a filter reads beyond what was captured, all of it is false, and not only the term that reads. So the
 * lengths in the headers are compared before bytes are, and patterns whose tests end early come first: what
 * was captured of a cut packet decides the same in any order of the strategy's patterns.
 */
#include "rules/rules.h"
#include <netinet/in.h>

/*
 * libpcap 1.10 compiles 500 sockets in 3 s, and 1,000 in 17 s; 500 addresses in less than 1 s. More than
 * 4,096 instructions (linux/bpf_common.h: BPF_MAXINSNS), as from 120 sockets on, are run by the program that
 * captures instead of the kernel.
 */
#define ENDPOINTS_MAX 500U

/* A family's headers in the filter's language. There is none for IPv6 with extension headers. */
struct family {
	const char *name;
	const char *ip_valid; /* version, and length of the fixed header */
	const char *tcp_valid, *udp_valid;
	const char *ip_length; /* what stands in the header, and how much of that are headers: IP's ... */
	const char *ip_header;
	const char *tcp_header; /* ... and TCP's */
	const char *udp_length;
	const char *tcp_byte, *udp_byte; /* what opens "[offset:size]" of the payload */
};

/* tcp[..] and udp[..] imply IPv4, the protocol and that it is no later fragment. */
#define TCP_HEADER_V4 "((tcp[12] & 0xf0) >> 2)"
#define TCP_HEADER_V6 "((ip6[52] & 0xf0) >> 2)"
static const struct family families[] = {
	{ .name = "IPv4",
	  .ip_valid = "ip[0] >= 0x45 and ip[0] <= 0x4f",
	  .tcp_valid = "tcp[12] >= 0x50",
	  .udp_valid = "udp[4:2] >= 8",
	  .ip_length = "ip[2:2]",
	  .ip_header = "((ip[0] & 0xf) << 2) + ",
	  .tcp_header = TCP_HEADER_V4,
	  .udp_length = "udp[4:2]",
	  .tcp_byte = "tcp[" TCP_HEADER_V4 " + ",
	  .udp_byte = "udp[8 + " },
	{ .name = "IPv6",
	  .ip_valid = "ip6[0] & 0xf0 = 0x60",
	  .tcp_valid = "ip6[6] = 6 and ip6[52] >= 0x50",
	  .udp_valid = "ip6[6] = 17 and ip6[44:2] >= 8",
	  .ip_length = "ip6[4:2]",
	  .ip_header = "",
	  .tcp_header = TCP_HEADER_V6,
	  .udp_length = "ip6[44:2]",
	  .tcp_byte = "ip6[40 + " TCP_HEADER_V6 " + ",
	  .udp_byte = "ip6[48 + " },
};
#define FAMILY_COUNT (sizeof families / sizeof families[0])

static bool bpf_can(const struct ruleset *r, struct error *err)
{
	if (r->interface)
		return error_set(
			err, EXIT_USAGE,
			"a filter expression cannot name an interface; leave --interface out, and give "
			"it to tcpdump as -i, with -Q in or -Q out");
	if (r->action == RULE_REJECT || r->action == RULE_LOG)
		return error_set(
			err, EXIT_USAGE,
			"a filter expression selects packets and does nothing to them; take --action "
			"drop or count, which select the same, or --format nft");
	if (r->expire_ns > 0)
		return error_set(err, EXIT_USAGE,
				 "a filter expression cannot forget endpoints; leave --expire out, or take "
				 "--format nft");
	if (r->endpoint_count > ENDPOINTS_MAX)
		return error_set(
			err, EXIT_USAGE,
			"a filter expression takes %u endpoints and not %zu, for libpcap would compile "
			"it for minutes; take --format nft",
			ENDPOINTS_MAX, r->endpoint_count);
	return true;
}

/* "src net 10.0.0.0/8 or src net ..."; side: "src ", "dst ", or "" for either. */
static void put_prefixes(const struct ip_prefix *prefix, size_t count, const char *side, FILE *out)
{
	for (size_t i = 0; i < count; i++) {
		char text[IP_TEXT];
		ip_format(&prefix[i].ip, text);
		fprintf(out, "%s%snet %s/%u", i > 0 ? " or " : "", side, text, prefix[i].bits);
	}
}

/* Those endpoints that are whole addresses, or those with a port, one line each. Returns whether there are.
 */
static bool put_endpoints(const struct ruleset *r, bool with_port, const char *before, const char *side,
			  FILE *out)
{
	bool any = false;

	for (size_t i = 0; i < r->endpoint_count; i++) {
		const struct rule_endpoint *e = &r->endpoint[i];
		if ((e->port != 0) != with_port)
			continue;
		char text[IP_TEXT];
		ip_format(&e->ip, text);
		fprintf(out, any ? " or\n" : "%s\n", before);
		if (with_port) /* "and" and "or" have the same precedence */
			fprintf(out, "(%shost %s and %sport %u)", side, text, side, e->port);
		else
			fprintf(out, "%shost %s", side, text);
		any = true;
	}
	return any;
}

/* The blocked endpoint is at this side. */
static void put_blocked(const struct ruleset *r, const char *side, FILE *out)
{
	bool whole = put_endpoints(r, false, "(", side, out);

	/* `port` alone would take SCTP's, too. */
	if (put_endpoints(r, true, whole ? " or ((tcp or udp) and (" : "((tcp or udp) and (", side, out))
		fputs("))", out);
	if (whole)
		fputs(")", out);
	if (r->endpoint_count == 0)
		fputs("1 = 0", out);
}

/* One direction, and of endpoints the side at which a blocked one is then. */
static void put_way(const struct ruleset *r, bool leaving, FILE *out)
{
	const char *from = leaving ? "src " : "dst ", *to = leaving ? "dst " : "src ";

	fputs("(", out);
	if (r->internal_count > 0) {
		fputs("(", out);
		put_prefixes(r->internal, r->internal_count, from, out);
		fputs(") and not (", out);
		put_prefixes(r->internal, r->internal_count, to, out);
		fputs(")", out);
	}
	if (r->strategy->kind != STRATEGY_PATTERNS) {
		fputs(r->internal_count > 0 ? " and " : "", out);
		put_blocked(r, r->strategy->kind == STRATEGY_SERVERS ? to : from, out);
	}
	fputs(")", out);
}

/* A load has 4, 2 or 1 bytes. */
static void put_test(const struct pattern_test *t, const char *byte, FILE *out)
{
	for (unsigned at = 0; at < t->length;) {
		unsigned left = t->length - at, size = left >= 4 ? 4 : left >= 2 ? 2 : 1;
		fprintf(out, " and %s%u:%u] %s 0x", byte, t->offset + at, size, t->differs ? "!=" : "=");
		for (unsigned i = 0; i < size; i++)
			fprintf(out, "%02x", t->value[at + i]);
		at += size;
	}
}

/*
 * Sums, and no differences: arithmetic is without sign, and a length that is less than the headers would
 * become a large one.
 */
static void put_pattern(const struct packet_pattern *p, const struct family *f, FILE *out)
{
	if (p->l4 == IPPROTO_TCP) {
		const char *compare = p->longest == p->shortest ? "=" : ">=";
		fprintf(out, "%s %s %s%s + %u", f->ip_length, compare, f->ip_header, f->tcp_header,
			p->shortest);
		if (p->longest > p->shortest)
			fprintf(out, " and %s <= %s%s + %u", f->ip_length, f->ip_header, f->tcp_header,
				p->longest);
	} else {
		fprintf(out, "%s >= %u", f->udp_length, 8U + p->shortest);
		if (p->longest > 0)
			fprintf(out, " and %s <= %u", f->udp_length, 8U + p->longest);
		/* The packet holds what its UDP header says. */
		fprintf(out, " and %s >= %s%s", f->ip_length, f->ip_header, f->udp_length);
	}
	for (unsigned i = 0; i < p->test_count; i++)
		put_test(&p->test[i], p->l4 == IPPROTO_TCP ? f->tcp_byte : f->udp_byte, out);
}

/* The patterns of one protocol over one family, behind what they share; `any`: not the first of all. */
static void put_group(const struct ruleset *r, const struct family *f, uint8_t l4, bool *any, FILE *out)
{
	const struct packet_pattern *p;
	bool first = true;

	for (unsigned end = 0; end <= UINT8_MAX + PATTERN_BYTES_MAX; end++)
		for (unsigned i = 0; (p = ruleset_pattern(r, i)); i++) {
			if (p->l4 != l4 || pattern_tests_end(p) != end)
				continue;
			if (first)
				fprintf(out, "%s# %s over %s\n(%s and %s and (\n", *any ? "or\n" : "",
					l4 == IPPROTO_TCP ? "TCP" : "UDP", f->name, f->ip_valid,
					l4 == IPPROTO_TCP ? f->tcp_valid : f->udp_valid);
			else
				fputs("or\n", out);
			char title[256];
			snprintf(title, sizeof title, "%s: %s", p->name, p->words);
			rules_comment("# ", title, out);
			fputs("(", out);
			put_pattern(p, f, out);
			fputs(")\n", out);
			first = false;
		}
	if (!first)
		fputs("))\n", out);
	*any |= !first;
}

static void put_expression(const struct ruleset *r, FILE *out)
{
	bool patterns = r->strategy->kind == STRATEGY_PATTERNS, any = false;

	fputs("(ip[0] & 0xf0 = 0x40 or ip6[0] & 0xf0 = 0x60)\n", out);
	if (r->never_count > 0) {
		fputs("# the allow-list\nand not (", out);
		put_prefixes(r->never, r->never_count, "", out);
		fputs(")\n", out);
	}
	if (r->internal_count > 0 || !patterns) {
		fputs(!patterns ? "# from or to an endpoint of the list\nand ("
				: "# between inside and outside\nand (",
		      out);
		if (r->direction != RULE_IN)
			put_way(r, true, out);
		if (r->direction == RULE_BOTH)
			fputs(" or\n", out);
		if (r->direction != RULE_OUT)
			put_way(r, false, out);
		fputs(")\n", out);
	}
	if (!patterns)
		return;
	fputs("and (\n", out);
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		put_group(r, &families[i], IPPROTO_TCP, &any, out);
		put_group(r, &families[i], IPPROTO_UDP, &any, out);
	}
	fputs(")\n", out);
}

static void bpf_write(const struct ruleset *r, FILE *out)
{
	rules_head_write(
		r,
		&(struct rules_head){
			.comment = "# ",
			.load = "tcpdump -n -r CAPTURE -F FILE\n"
				"tcpdump -n -i \"$IF\" -F FILE\n"
				"tshark -n -i \"$IF\" -f \"$(grep -v '^#' FILE)\"",
			.notes =
				"The filter selects the packets upon which the rule would act, whatever the "
				"action. It is narrower than the rule: it does not see behind VLAN tags, nor "
				"ports and payload behind IPv6 extension headers, nor those of a UDP datagram "
				"that comes in fragments.",
		},
		out);
	put_expression(r, out);
}

const struct rule_format format_bpf = {
	.name = "bpf",
	.summary = "pcap filter expression, for 'tcpdump -F'",
	.can = bpf_can,
	.write = bpf_write,
};
