/*
 * Cisco IOS and IOS XE: named extended access lists, one for each family, and for each way of an interface.
 *
 * The first line that fits decides, and what fits none is denied. So the last line, which permits everything,
 * is entered first, by its number: an access list takes effect line by line while it is being entered, also
 * when it is replaced on a running router. Permitting is all right here, unlike in an anchor of pf, for such
 * a list is all that an interface has for a way.
 */
#include "rules/ways.h"

#define LAST_LINE 2000000000U /* lines are numbered up to 2147483647 */
#define LINE_STEP 10U

/* An access list that is being written. */
struct list {
	const struct ruleset *r;
	struct rule_way way[RULE_WAYS_MAX]; /* that it is about */
	unsigned ways, line;
	bool v4;
	FILE *out;
};

/* "TenGigabitEthernet1/0/24.4094", "Port-channel1", "Serial0/0/0:23" */
static bool is_of_ios(const char *name)
{
	const char *numbers = name + strspn(name, NAME_LETTERS "-");

	return interface_is_plain(name) && numbers > name &&
	       strspn(numbers, NAME_DIGITS "/.:") == strlen(numbers) &&
	       strchr(NAME_DIGITS, name[strlen(name) - 1]);
}

static bool cisco_can(const struct ruleset *r, struct error *err)
{
	if (r->strategy->kind == STRATEGY_PATTERNS)
		return error_set(
			err, EXIT_USAGE,
			"an access list does not look into packets: take --format nft, or a strategy of "
			"addresses");
	if (r->action == RULE_REJECT)
		return error_set(err, EXIT_USAGE,
				 "an access list cannot reset a connection: take --action drop");
	if (r->expire_ns > 0)
		return error_set(
			err, EXIT_USAGE,
			"lines of an access list do not expire: leave out --expire, or take --format nft");
	if (r->interface && !is_of_ios(r->interface))
		return error_set(
			err, EXIT_USAGE,
			"--interface: '%.80s' is no name of an interface of IOS, which is a word and "
			"numbers: GigabitEthernet0/1, Vlan10; 'show ip interface brief' lists those that "
			"there are",
			r->interface);
	return true;
}

static void begin_line(struct list *l, unsigned line, const char *verb, const char *l4)
{
	if (!l4)
		l4 = l->v4 ? "ip" : "ipv6";
	fprintf(l->out, " %s%u %s %s", l->v4 ? "" : "sequence ", line, verb, l4);
}

static void put_address(struct list *l, const struct ip *ip)
{
	char text[IP_TEXT];

	ip_format(ip, text);
	fprintf(l->out, " host %s", text);
}

/* "10.0.0.0 0.255.255.255": ones where the address does not matter. */
static void put_prefix(struct list *l, const struct ip_prefix *p)
{
	const struct ip_prefix masked = prefix_masked(p);
	char text[IP_PREFIX_TEXT];

	if (p->bits == 0) {
		fputs(" any", l->out);
	} else if (p->bits == (p->v4 ? 32 : 128)) {
		put_address(l, &masked.ip);
	} else if (!p->v4) {
		prefix_text(p, text);
		fprintf(l->out, " %s", text);
	} else {
		const uint32_t wild = UINT32_MAX >> p->bits;
		ip_format(&masked.ip, text);
		fprintf(l->out, " %s %u.%u.%u.%u", text, wild >> 24, wild >> 16 & 0xff, wild >> 8 & 0xff,
			wild & 0xff);
	}
}

/* What is spared: `never` both ways, and what stays inside. */
static void put_permits(struct list *l)
{
	const struct ruleset *r = l->r;

	for (size_t i = 0; i < r->never_count; i++) {
		if (r->never[i].v4 != l->v4)
			continue;
		begin_line(l, l->line += LINE_STEP, "permit", NULL);
		put_prefix(l, &r->never[i]);
		fputs(" any\n", l->out);
		begin_line(l, l->line += LINE_STEP, "permit", NULL);
		fputs(" any", l->out);
		put_prefix(l, &r->never[i]);
		fputc('\n', l->out);
	}
	if (l->way[0].from != SIDE_OUTSIDE && l->way[0].to != SIDE_OUTSIDE)
		return;
	for (size_t i = 0; i < r->internal_count; i++)
		for (size_t k = 0; k < r->internal_count; k++) {
			if (r->internal[i].v4 != l->v4 || r->internal[k].v4 != l->v4)
				continue;
			begin_line(l, l->line += LINE_STEP, "permit", NULL);
			put_prefix(l, &r->internal[i]);
			put_prefix(l, &r->internal[k]);
			fputc('\n', l->out);
		}
}

/*
 * A line that denies a port leaves later fragments to the next line; one that permits it takes those of every
 * port, which it cannot see (Cisco IOS IP Configuration Guide, "Filtering IP Packets Using Access Lists").
 * They have to be out of the way of lines that count.
 */
static void put_fragments(struct list *l)
{
	bool ports = false;

	for (size_t i = 0; i < l->r->endpoint_count; i++)
		ports = ports || l->r->endpoint[i].port > 0;
	if (l->r->action == RULE_DROP || !ports)
		return;
	begin_line(l, l->line += LINE_STEP, "permit", NULL);
	fputs(" any any fragments\n", l->out);
}

static void put_side(struct list *l, enum rule_side side, const struct rule_endpoint *e,
		     const struct ip_prefix *inside)
{
	if (side == SIDE_BLOCKED) {
		put_address(l, &e->ip);
		if (e->port > 0)
			fprintf(l->out, " eq %u", e->port);
	} else if (side == SIDE_INSIDE) {
		put_prefix(l, inside);
	} else {
		fputs(" any", l->out);
	}
}

/* One endpoint, one way; inside: the part of SIDE_INSIDE that the line is about, or NULL. */
static void put_way(struct list *l, const struct rule_way *way, const struct rule_endpoint *e,
		    const struct ip_prefix *inside)
{
	static const char *const of_sockets[] = { "tcp", "udp" };

	for (unsigned i = 0; i < (e->port > 0 ? 2U : 1U); i++) {
		begin_line(l, l->line += LINE_STEP, l->r->action == RULE_DROP ? "deny" : "permit",
			   e->port > 0 ? of_sockets[i] : NULL);
		put_side(l, way->from, e, inside);
		put_side(l, way->to, e, inside);
		fputs(l->r->action == RULE_LOG ? " log\n" : "\n", l->out);
	}
}

static void put_endpoint(struct list *l, const struct rule_endpoint *e)
{
	const struct ruleset *r = l->r;

	for (unsigned w = 0; w < l->ways; w++) {
		const struct rule_way *way = &l->way[w];
		if (way->from != SIDE_INSIDE && way->to != SIDE_INSIDE) {
			put_way(l, way, e, NULL);
			continue;
		}
		for (size_t i = 0; i < r->internal_count; i++)
			if (r->internal[i].v4 == l->v4 && internal_stays(r, i))
				put_way(l, way, e, &r->internal[i]);
	}
}

#define LIST_NAME (RULESET_NAME + 8) /* "_out", "_v6" */
static void list_name(const struct list *l, char out[LIST_NAME])
{
	const char *way = l->way[0].out ? "_out" : "_in";
	char name[RULESET_NAME];

	ruleset_name(l->r, name);
	snprintf(out, LIST_NAME, "%s%s%s", name, l->r->interface ? way : "", l->v4 ? "" : "_v6");
}

static void put_list(struct list *l)
{
	const char *words = l->v4 ? "ip access-list extended" : "ipv6 access-list";
	char name[LIST_NAME];

	list_name(l, name);
	fprintf(l->out, "no %s %s\n%s %s\n", words, name, words, name);
	begin_line(l, LAST_LINE, "permit", NULL);
	fputs(" any any\n", l->out);
	put_permits(l);
	put_fragments(l);
	for (size_t i = 0; i < l->r->endpoint_count; i++)
		if (ip_is_v4(&l->r->endpoint[i].ip) == l->v4 && endpoint_stays(l->r, &l->r->endpoint[i]))
			put_endpoint(l, &l->r->endpoint[i]);
	fputs(" exit\n", l->out);
}

static bool has_family(const struct ruleset *r, bool v4)
{
	for (size_t i = 0; i < r->endpoint_count; i++)
		if (ip_is_v4(&r->endpoint[i].ip) == v4 && endpoint_stays(r, &r->endpoint[i]))
			return true;
	return false;
}

/* With an interface each way has a list of its own, which is applied to that way. */
static unsigned make_lists(const struct ruleset *r, struct list list[2 * RULE_WAYS_MAX], FILE *out)
{
	struct rule_way way[RULE_WAYS_MAX];
	const unsigned ways = rule_ways(r, way), step = r->interface ? 1 : ways;
	unsigned count = 0;

	for (unsigned f = 0; f < 2; f++)
		for (unsigned w = 0; has_family(r, f == 0) && w < ways; w += step) {
			struct list *l = &list[count++];
			*l = (struct list){ .r = r, .ways = step, .v4 = f == 0, .out = out };
			memcpy(l->way, &way[w], step * sizeof *way);
		}
	return count;
}

/* For four lists, of each two names and an interface. */
#define COMMANDS_ROOM (4 * (2 * LIST_NAME + INTERFACE_NAME_MAX + 96))
/* The commands that apply the lists, and those that take them away. */
static void put_commands(const struct list *list, unsigned count, char load[COMMANDS_ROOM],
			 char removal[COMMANDS_ROOM])
{
	const struct ruleset *r = list->r;
	const char *interface = r->interface ? r->interface : "NAME";
	size_t at = 0, off = 0;
	char name[LIST_NAME];

	at += (size_t)snprintf(load, COMMANDS_ROOM, "configure terminal\n(the lines below, then%s)",
			       r->interface ? "" : ", for every interface that packets come in by");
	off += (size_t)snprintf(removal, COMMANDS_ROOM, "configure terminal");
	for (unsigned i = 0; i < count; i++) {
		const bool v4 = list[i].v4;
		const char *apply = v4 ? "ip access-group" : "ipv6 traffic-filter";
		const char *way = r->interface && list[i].way[0].out ? "out" : "in";
		list_name(&list[i], name);
		at += (size_t)snprintf(load + at, COMMANDS_ROOM - at, "\ninterface %s\n %s %s %s\n exit",
				       interface, apply, name, way);
		off += (size_t)snprintf(removal + off, COMMANDS_ROOM - off,
					"\ninterface %s\n no %s %s %s\n exit\nno %s %s", interface, apply,
					name, way, v4 ? "ip access-list extended" : "ipv6 access-list", name);
	}
}

#define DIFFERS                                                                                              \
	"An interface has one access list for each way: should it have one already, enter these "            \
	"lines there, before its own. Where it differs: what the router itself sends meets no list "         \
	"that is applied to it, and later fragments pass a line for a port. "
#define COUNTS DIFFERS "'show ip access-lists' and 'show ipv6 access-list' tell what each line has met."

static void cisco_write(const struct ruleset *r, FILE *out)
{
	static const char *const notes[] = {
		[RULE_DROP] =
			DIFFERS "A denied packet is answered by an ICMP message, unless the interface has "
				"'no ip unreachables' and 'no ipv6 unreachables'.",
		[RULE_LOG] = COUNTS " The router says so at the first packet, and then every five minutes.",
		[RULE_COUNT] = COUNTS,
	};
	struct list list[2 * RULE_WAYS_MAX];
	const unsigned count = make_lists(r, list, out);
	char load[COMMANDS_ROOM], removal[COMMANDS_ROOM];

	if (count > 0)
		put_commands(list, count, load, removal);
	rules_head_write(r,
			 &(struct rules_head){ .comment = "! ",
					       .load = count > 0 ? load : NULL,
					       .remove = count > 0 ? removal : NULL,
					       .notes = notes[r->action] },
			 out);
	fputs("!\n", out);
	for (unsigned i = 0; i < count; i++)
		put_list(&list[i]);
	if (count == 0)
		rules_comment("! ", "There is no address to block.", out);
}

const struct rule_format format_cisco = {
	.name = "cisco",
	.summary = "Cisco IOS access lists, for addresses",
	.can = cisco_can,
	.write = cisco_write,
};
