/*
 * iptables: a POSIX shell script, because iptables has no form of a file that can be loaded twice. Its rules
 * go through iptables-restore --noflush, which replaces all chains of ours in one step; iptables.sh finds out
 * what there is of ours already. Payload is read by xt_u32 (iptables_u32.c), addresses are kept by ipset.
 *
 *     FORWARD, INPUT, OUTPUT -> NAME    the allow-list, interfaces
 *       -> OWN-out, OWN-in              --internal
 *       -> OWN-fit -> OWN-udp           patterns
 *       -> OWN-hit                      the action
 *
 * To OWN-fit and on it is "-g", goto: what comes back from OWN-hit is not tried on the next pattern, so that
 * a packet is counted once.
 */
#include "base/clock.h"
#include "rules/iptables.h"
#include "rules/iptables_sh.h"
#include "rules/ways.h"
#include <netinet/in.h>
#include <string.h>

#define CHAIN_MAX  28U       /* XT_EXTENSION_MAXNAMELEN - 1, linux/netfilter/x_tables.h */
#define LOG_MAX    29        /* --log-prefix, iptables-extensions(8) */
#define LOG_RATE   10U       /* per second: some MB per hour at worst */
#define EXPIRE_MAX 2147483LL /* seconds: IPSET_MAX_TIMEOUT, linux/netfilter/ipset/ip_set.h */
#define MAXELEM    65536U    /* of a set when it does not need more, ipset(8) */

_Static_assert(RULESET_NAME - 1 <= CHAIN_MAX, "the name of the rule set is that of the chain");

static struct half half_new(const struct ruleset *r, bool v4, FILE *out)
{
	struct half h = { .r = r, .v4 = v4, .out = out };

	ruleset_name(r, h.name);
	/* "footsteps_skype_udp_probe" would leave no room for "-hit": "fs_skype_udp_probe" does. */
	snprintf(h.own, sizeof h.own, "fs%.*s", (int)sizeof h.own - 3, strchr(h.name, '_'));
	return h;
}

/* --- endpoints ----------------------------------------------------------------------------------------- */

/* ipset has no element for it, and nobody is there (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.2). */
static bool ip_is_nobody(const struct ip *ip)
{
	static const uint8_t zero[16];

	return memcmp(ip_is_v4(ip) ? ip->b + 12 : ip->b, zero, ip_is_v4(ip) ? 4 : 16) == 0;
}

/* Whether it belongs into the family's set of sockets, or of whole addresses. */
static bool in_set(const struct rule_endpoint *e, bool v4, bool sockets)
{
	return ip_is_v4(&e->ip) == v4 && (e->port != 0) == sockets && !ip_is_nobody(&e->ip);
}

static size_t set_count(const struct half *h, bool sockets)
{
	size_t count = 0;

	for (size_t i = 0; i < h->r->endpoint_count; i++)
		count += in_set(&h->r->endpoint[i], h->v4, sockets);
	return count;
}

/* "footsteps_skype_clients_4p"; at most 31 characters: IPSET_MAXNAMELEN - 1, linux/netfilter/ipset/ip_set.h
 */
static void put_set_name(const struct half *h, bool sockets)
{
	fprintf(h->out, "%s_%c%s", h->name, h->v4 ? '4' : '6', sockets ? "p" : "");
}

static void put_set(const struct half *h, bool sockets)
{
	const size_t count = set_count(h, sockets);
	char text[IP_TEXT];

	if (count == 0)
		return;
	fputs("\tfill ", h->out);
	put_set_name(h, sockets);
	fprintf(h->out, " <<'END' || return\ncreate %s_t hash:ip%s family %s maxelem %zu", h->name,
		sockets ? ",port" : "", h->v4 ? "inet" : "inet6", count > MAXELEM ? count : (size_t)MAXELEM);
	if (h->r->expire_ns > 0)
		fprintf(h->out, " timeout %lld", (long long)((h->r->expire_ns + NS_PER_S - 1) / NS_PER_S));
	fputc('\n', h->out);
	for (size_t i = 0; i < h->r->endpoint_count; i++) {
		const struct rule_endpoint *e = &h->r->endpoint[i];
		if (!in_set(e, h->v4, sockets))
			continue;
		ip_format(&e->ip, text);
		if (sockets)
			fprintf(h->out, "add %s_t %s,tcp:%u\nadd %s_t %s,udp:%u\n", h->name, text,
				(unsigned)e->port, h->name, text, (unsigned)e->port);
		else
			fprintf(h->out, "add %s_t %s\n", h->name, text);
	}
	fputs("END\n", h->out);
}

/* --- from the hooks to the hit ------------------------------------------------------------------------- */

static size_t family_count(const struct ip_prefix *list, size_t count, bool v4)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		found += list[i].v4 == v4;
	return found;
}

/* For each prefix of the family a rule: "-A CHAIN -s PREFIX -j RETURN". */
static void put_returns(const struct half *h, const struct ip_prefix *list, size_t count, const char *chain,
			const char *side)
{
	char text[IP_PREFIX_TEXT];

	for (size_t i = 0; i < count; i++) {
		if (list[i].v4 != h->v4)
			continue;
		ip_prefix_format(&list[i], text);
		fprintf(h->out, "-A %s %s %s -j RETURN\n", chain, side, text);
	}
}

/* `rule` says so far that a packet goes out, or in; this adds whether it fits. */
static void put_fits(const struct half *h, const char *rule, bool out)
{
	static const bool kinds[] = { false, true };

	if (h->r->strategy->kind == STRATEGY_PATTERNS) {
		fprintf(h->out, "%s -g %s-fit\n", rule, h->own);
		return;
	}
	/* Servers are where packets go that go out; clients where they come from. */
	const char *side = out == (h->r->strategy->kind == STRATEGY_SERVERS) ? "dst" : "src";
	for (unsigned i = 0; i < 2; i++) {
		if (set_count(h, kinds[i]) == 0)
			continue;
		fprintf(h->out, "%s -m set --match-set ", rule);
		put_set_name(h, kinds[i]);
		if (kinds[i])
			fprintf(h->out, " %s,%s -g %s-hit\n", side, side, h->own);
		else
			fprintf(h->out, " %s -g %s-hit\n", side, h->own);
	}
}

/* Packets that go out, or that come in, by interface and by addresses. */
static void put_direction(const struct half *h, bool out)
{
	const struct ruleset *r = h->r;
	char rule[CHAIN_MAX + INTERFACE_NAME_MAX + IP_PREFIX_TEXT + 16], text[IP_PREFIX_TEXT],
		chain[CHAIN_MAX + 1];
	int used = snprintf(rule, sizeof rule, "-A %s", h->name);

	if (r->interface)
		snprintf(rule + used, sizeof rule - (size_t)used, " %s %s", out ? "-o" : "-i", r->interface);
	if (r->internal_count == 0) {
		put_fits(h, rule, out);
		return;
	}
	snprintf(chain, sizeof chain, "%s-%s", h->own, out ? "out" : "in");
	fprintf(h->out, "%s -j %s\n", rule, chain);
	put_returns(h, r->internal, r->internal_count, chain, out ? "-d" : "-s");
	for (size_t i = 0; i < r->internal_count; i++) {
		if (r->internal[i].v4 != h->v4)
			continue;
		ip_prefix_format(&r->internal[i], text);
		snprintf(rule, sizeof rule, "-A %s %s %s", chain, out ? "-s" : "-d", text);
		put_fits(h, rule, out);
	}
}

static void put_hit(const struct half *h)
{
	const struct ruleset *r = h->r;
	char prefix[LOG_MAX + 1];

	fputs("# what is done\n", h->out);
	switch (r->action) {
	case RULE_DROP:
		fprintf(h->out, "-A %s-hit -j DROP\n", h->own);
		break;
	case RULE_REJECT:
		fprintf(h->out,
			"-A %s-hit -p tcp -j REJECT --reject-with tcp-reset\n"
			"-A %s-hit -j REJECT --reject-with %s-port-unreachable\n",
			h->own, h->own, h->v4 ? "icmp" : "icmp6");
		break;
	case RULE_LOG:
	case RULE_COUNT:
		if (r->action == RULE_LOG) {
			snprintf(prefix, sizeof prefix, "%.*s: ", LOG_MAX - 2, h->name);
			fprintf(h->out, "-A %s-hit -m limit --limit %u/second -j LOG --log-prefix \"%s\"\n",
				h->own, LOG_RATE, prefix);
		}
		fprintf(h->out, "-A %s-hit -m comment --comment \"counted; the packet passes\"\n", h->own);
		break;
	}
}

/* Whether any packet of the family can be meant. */
static bool half_needed(const struct half *h)
{
	const struct ruleset *r = h->r;

	if (r->internal_count > 0 && family_count(r->internal, r->internal_count, h->v4) == 0)
		return false;
	return r->strategy->kind == STRATEGY_PATTERNS || set_count(h, false) > 0 || set_count(h, true) > 0;
}

/*
 * Packets to this machine itself pass OUTPUT and INPUT. What needs no interface, or lo in both directions,
 * has been judged, and counted, when it was sent. In OUTPUT no packet has come in by anything.
 */
static bool is_seen_twice(const struct ruleset *r)
{
	return !r->interface || (r->direction == RULE_BOTH && strcmp(r->interface, "lo") == 0);
}

static void put_rules(const struct half *h)
{
	const struct ruleset *r = h->r;
	const bool patterns = r->strategy->kind == STRATEGY_PATTERNS;
	const bool directed = ruleset_has_direction(r);
	const bool out = r->direction != RULE_IN, in = r->direction != RULE_OUT;
	char chain[CHAIN_MAX + 1];

	fprintf(h->out, ":%s - [0:0]\n", h->name);
	if (r->internal_count > 0 && out)
		fprintf(h->out, ":%s-out - [0:0]\n", h->own);
	if (r->internal_count > 0 && in)
		fprintf(h->out, ":%s-in - [0:0]\n", h->own);
	if (patterns && directed)
		fprintf(h->out, ":%s-fit - [0:0]\n", h->own);
	if (iptables_has_udp(r))
		fprintf(h->out, ":%s-udp - [0:0]\n", h->own);
	fprintf(h->out, ":%s-hit - [0:0]\n", h->own);
	if (is_seen_twice(r))
		fprintf(h->out, "# judged when it was sent\n-A %s -i lo -j RETURN\n", h->name);
	if (family_count(r->never, r->never_count, h->v4) > 0)
		fputs("# never\n", h->out);
	put_returns(h, r->never, r->never_count, h->name, "-s");
	put_returns(h, r->never, r->never_count, h->name, "-d");
	if (patterns && !directed) {
		iptables_patterns_write(h, h->name);
	} else {
		fputs("# which way, and whether it fits\n", h->out);
		if (out)
			put_direction(h, true);
		if (in)
			put_direction(h, false);
	}
	if (patterns && directed) {
		snprintf(chain, sizeof chain, "%s-fit", h->own);
		iptables_patterns_write(h, chain);
	}
	if (iptables_has_udp(r))
		iptables_udp_write(h);
	put_hit(h);
}

/* --- the script ---------------------------------------------------------------------------------------- */

/* The hooks that such packets pass. Without an interface all: an address may be this machine's. */
static const char *hooks(const struct ruleset *r)
{
	if (!r->interface || r->direction == RULE_BOTH)
		return "FORWARD INPUT OUTPUT";
	return r->direction == RULE_OUT ? "FORWARD OUTPUT" : "FORWARD INPUT";
}

static void put_half(const struct half *h)
{
	const int family = h->v4 ? 4 : 6;
	const char *command = h->v4 ? "iptables" : "ip6tables";

	if (!half_needed(h)) {
		fprintf(h->out, "\nload_%d() { replace \"$%s\" </dev/null; } # no packet of IPv%d can fit\n",
			family, command, family);
		return;
	}
	fprintf(h->out, "\nload_%d() {\n\treplace \"$%s\" %s <<'END'\n", family, command, hooks(h->r));
	put_rules(h);
	fputs("END\n}\n", h->out);
}

/* The sets of both families. */
static void put_sets(const struct half half[2], FILE *out)
{
	fputs("\nfill_sets() {\n\t:\n", out);
	if (half[0].r->strategy->kind != STRATEGY_PATTERNS)
		fputs("\t# Without addresses of zeros: ipset takes none, and nobody has one.\n", out);
	for (unsigned i = 0; i < 4; i++)
		put_set(&half[i / 2], i % 2);
	fputs("}\nsets='", out);
	for (unsigned i = 0; i < 4; i++)
		if (set_count(&half[i / 2], i % 2) > 0) {
			fputc(' ', out);
			put_set_name(&half[i / 2], i % 2);
		}
	fputs("'\n", out);
}

static void put_head(const struct half *h)
{
	struct rules_head head = { .comment = "# ", .load = "sh FILE", .remove = "sh FILE remove" };

	if (iptables_has_udp(h->r))
		head.notes =
			"Narrower: IPv6 packets with extension headers pass, for u32 cannot follow these; and "
			"datagrams in fragments, unless connection tracking has put them together.";
	else if (h->r->strategy->kind == STRATEGY_PATTERNS)
		head.notes =
			"Narrower: IPv6 packets with extension headers pass, for u32 cannot follow these.";
	rules_head_write(h->r, &head, h->out);
	fprintf(h->out,
		"# Which does the same as:\n"
		"#     n=%s o=%s\n"
		"#     for t in iptables ip6tables; do\n"
		"#         for h in FORWARD INPUT OUTPUT; do while $t -w -D $h -j $n; do :; done; done\n"
		"#         for c in $n $o-out $o-in $o-fit $o-udp $o-hit; do $t -w -F $c; done\n"
		"#         for c in $n $o-out $o-in $o-fit $o-udp $o-hit; do $t -w -X $c; done\n"
		"#     done 2>/dev/null\n",
		h->name, h->own);
	if (h->r->strategy->kind != STRATEGY_PATTERNS)
		fputs("#     for s in ${n}_4 ${n}_6 ${n}_4p ${n}_6p; do ipset destroy $s; done 2>/dev/null\n",
		      h->out);
	fprintf(h->out,
		"# What it has met:\n"
		"#     for t in iptables ip6tables; do $t -w -nvxL %s-hit; done\n",
		h->own);
}

static void iptables_write(const struct ruleset *r, FILE *out)
{
	const struct half half[2] = { half_new(r, true, out), half_new(r, false, out) };

	fputs("#!/bin/sh\n", out);
	put_head(&half[0]);
	fprintf(out,
		"set -u\n"
		"name=%s\n"
		"own=%s # what the names of its other chains begin with\n"
		"with_sets=%s\n"
		"# IPTABLES=iptables-legacy IP6TABLES=ip6tables-legacy sh FILE: for another than the usual ones\n"
		"iptables=${IPTABLES:-iptables}\n"
		"ip6tables=${IP6TABLES:-ip6tables}\n"
		"\n"
		"# --- what: rules as iptables-save prints them, and sets ---\n",
		half[0].name, half[0].own, r->strategy->kind == STRATEGY_PATTERNS ? "no" : "yes");
	put_sets(half, out);
	put_half(&half[0]);
	put_half(&half[1]);
	fputs(iptables_sh, out);
}

/* --- what cannot be said ------------------------------------------------------------------------------- */

static bool iptables_can(const struct ruleset *r, struct error *err)
{
	const struct packet_pattern *p;

	if (!interface_is_linux(r->interface, err))
		return false;
	if (r->strategy->kind != STRATEGY_PATTERNS) {
		if (r->expire_ns > EXPIRE_MAX * NS_PER_S)
			return error_set(
				err, EXIT_USAGE,
				"iptables: ipset forgets after 24 days at most; take a shorter --expire, or "
				"none");
		return true;
	}
	for (unsigned i = 0; (p = ruleset_pattern(r, i)); i++)
		if (p->l4 == IPPROTO_TCP && p->shortest < 4)
			return error_set(
				err, EXIT_USAGE,
				"iptables: u32 reads four bytes at a time, and a TCP payload that fits %s "
				"may have less; take --format nft",
				p->name);
	return true;
}

const struct rule_format format_iptables = {
	.name = "iptables",
	.summary = "iptables and ip6tables, with u32 and ipset: a script for sh",
	.can = iptables_can,
	.write = iptables_write,
};
