/*
 * pf of OpenBSD and FreeBSD, in an anchor of its own: loaded, replaced and removed as a whole.
 *
 * Nothing here passes a packet: "pass quick" in an anchor would overrule the rest of the firewall, for
 * addresses that are only to be spared by this rule set. Tables say it instead: "! <table>", and entries with
 * "!", of which the most specific one counts (pf.conf(5), TABLES).
 */
#include "rules/ways.h"

#define BLOCKED "<footsteps_blocked>"
#define INSIDE  "<footsteps_inside>"
#define SPARED  "<footsteps_spared>"

#define NAME_MAX_OF_BSD 15U /* IFNAMSIZ of net/if.h, with its NUL: 16 */

/*
 * What ends without a number is a group of interfaces, such as all of a driver, or a word of pf's, such as
 * "any": the rules would act upon more than was asked for (ifconfig(8), group; pf.conf(5), on).
 */
static bool is_of_bsd(const char *name)
{
	const size_t length = strlen(name);

	return length > 0 && length <= NAME_MAX_OF_BSD && strspn(name, NAME_LETTERS) > 0 &&
	       strspn(name, NAME_LETTERS NAME_DIGITS "._") == length && strchr(NAME_DIGITS, name[length - 1]);
}

static bool pf_can(const struct ruleset *r, struct error *err)
{
	if (r->strategy->kind == STRATEGY_PATTERNS)
		return error_set(
			err, EXIT_USAGE,
			"pf does not look into packets: take --format nft, or a strategy of addresses");
	/* A rule that passes keeps state, and counts and logs by connections (pf.conf(5), STATEFUL
	 * FILTERING), its first packet in, and once more out; and a log has no limit. */
	if (r->action == RULE_LOG || r->action == RULE_COUNT)
		return error_set(
			err, EXIT_USAGE,
			"pf counts and logs what it lets through by connections, not packets: try it "
			"with 'footsteps rules --try', or take --format nft");
	/* pfctl -T expire has to be run again and again, and knows no ports. */
	if (r->expire_ns > 0)
		return error_set(
			err, EXIT_USAGE,
			"tables of pf do not expire by themselves: leave out --expire, and run 'pfctl -t "
			"footsteps_blocked -T expire SECONDS' in the anchor regularly, or take --format "
			"nft");
	if (r->interface && !is_of_bsd(r->interface))
		return error_set(
			err, EXIT_USAGE,
			"--interface: '%.80s' is no name of an interface that pf would take for one: a word "
			"with its number, em0 or vlan0.10; without a number it is a group of them",
			r->interface);
	return true;
}

static bool has_endpoints(const struct ruleset *r, bool ports)
{
	for (size_t i = 0; i < r->endpoint_count; i++)
		if ((r->endpoint[i].port > 0) == ports && endpoint_stays(r, &r->endpoint[i]))
			return true;
	return false;
}

static bool has_side(const struct ruleset *r, enum rule_side side)
{
	struct rule_way way[RULE_WAYS_MAX];

	rule_ways(r, way);
	return way[0].from == side || way[0].to == side;
}

static void put_prefix(const char *before, const struct ip_prefix *p, FILE *out)
{
	char text[IP_PREFIX_TEXT];

	prefix_text(p, text);
	fprintf(out, "\t%s%s\n", before, text);
}

static void put_tables(const struct ruleset *r, FILE *out)
{
	char text[IP_TEXT];

	if (has_endpoints(r, false)) {
		fputs("table " BLOCKED " {\n", out);
		for (size_t i = 0; i < r->endpoint_count; i++)
			if (r->endpoint[i].port == 0 && endpoint_stays(r, &r->endpoint[i])) {
				ip_format(&r->endpoint[i].ip, text);
				fprintf(out, "\t%s\n", text);
			}
		fputs("}\n", out);
	}
	if (has_side(r, SIDE_INSIDE)) {
		fputs("table " INSIDE " {\n", out);
		for (size_t i = 0; i < r->internal_count; i++)
			if (internal_stays(r, i))
				put_prefix("", &r->internal[i], out);
		for (size_t i = 0; i < r->never_count; i++)
			if (never_cuts(r, i))
				put_prefix("!", &r->never[i], out);
		fputs("}\n", out);
		return;
	}
	if (r->never_count == 0 && r->internal_count == 0)
		return;
	fputs("table " SPARED " {\n", out);
	for (size_t i = 0; i < r->internal_count; i++)
		if (internal_stays(r, i))
			put_prefix("", &r->internal[i], out);
	for (size_t i = 0; i < r->never_count; i++)
		if (never_stays(r, i))
			put_prefix("", &r->never[i], out);
	fputs("}\n", out);
}

static void put_side(const struct ruleset *r, enum rule_side side, const char *blocked, FILE *out)
{
	if (side == SIDE_BLOCKED)
		fputs(blocked, out);
	else if (side == SIDE_INSIDE)
		fputs(INSIDE, out);
	else
		fputs(r->internal_count + r->never_count > 0 ? "! " SPARED : "any", out);
}

/* Every way of one address, or of all. */
static void put_rules(const struct ruleset *r, const char *l4, const char *blocked, FILE *out)
{
	struct rule_way way[RULE_WAYS_MAX];
	const unsigned ways = rule_ways(r, way);

	for (unsigned i = 0; i < ways; i++) {
		fputs(r->action == RULE_DROP ? "block drop " : "block return ", out);
		if (r->interface)
			fprintf(out, "%s quick on %s ", way[i].out ? "out" : "in", r->interface);
		else
			fputs("quick ", out);
		fprintf(out, "%sfrom ", l4);
		put_side(r, way[i].from, blocked, out);
		fputs(" to ", out);
		put_side(r, way[i].to, blocked, out);
		fputc('\n', out);
	}
}

static void put_head(const struct ruleset *r, FILE *out)
{
	static const char before[] =
		"Where it differs: what pf let through before goes on, until its state is gone; to end it at once, "
		"'pfctl -k ADDRESS'. Where pf does not put fragments together, all of them but the first pass a "
		"rule for a port.";
	/* pf.conf(5), STATEFUL FILTERING: what answers a packet that passed is not judged. */
	static const char one_way[] =
		" Of a connection that begins the other way nothing is blocked, for its answers pass with its "
		"state: --direction both stops it.";
	char name[RULESET_NAME], load[300], removal[200], notes[sizeof before + sizeof one_way];

	ruleset_name(r, name);
	snprintf(notes, sizeof notes, "%s%s", before, r->direction == RULE_BOTH ? "" : one_way);
	snprintf(load, sizeof load,
		 "pfctl -a footsteps/%s -n -f FILE    (checks it only)\n"
		 "pfctl -a footsteps/%s -f FILE    (pf.conf has: anchor \"footsteps/*\")",
		 name, name);
	snprintf(removal, sizeof removal, "pfctl -a footsteps/%s -F rules\npfctl -a footsteps/%s -F Tables",
		 name, name);
	rules_head_write(
		r, &(struct rules_head){ .comment = "# ", .load = load, .remove = removal, .notes = notes },
		out);
	fputc('\n', out);
}

static void pf_write(const struct ruleset *r, FILE *out)
{
	char socket[IP_TEXT + 16], text[IP_TEXT];

	put_head(r, out);
	if (!has_endpoints(r, false) && !has_endpoints(r, true)) {
		rules_comment("# ", "There is no address to block.", out);
		return;
	}
	put_tables(r, out);
	if (has_endpoints(r, false))
		put_rules(r, "", BLOCKED, out);
	for (size_t i = 0; i < r->endpoint_count; i++) {
		const struct rule_endpoint *e = &r->endpoint[i];
		if (e->port == 0 || !endpoint_stays(r, e))
			continue;
		ip_format(&e->ip, text);
		snprintf(socket, sizeof socket, "%s port %u", text, e->port);
		put_rules(r, "proto { tcp, udp } ", socket, out);
	}
}

const struct rule_format format_pf = {
	.name = "pf",
	.summary = "pf of OpenBSD and FreeBSD, for an anchor",
	.can = pf_can,
	.write = pf_write,
};
