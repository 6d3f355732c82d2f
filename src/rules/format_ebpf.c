/*
 * C source of an eBPF classifier for tc, in direct-action mode, with what compiles, loads and removes it.
 *
 * The source is made of the parts that the rule set needs, and has no others: a program without a list of
 * endpoints has no code for one. All bytes are read with bpf_skb_load_bytes(), since those of a packet need
 * not lie in one piece, and in pieces of constant size, which every verifier can follow.
 */
#include "rules/ebpf_parts.h"
#include "rules/ways.h"
#include <netinet/in.h>

/*
 * They become comparisons in a tree. A jump of BPF reaches 32,767 instructions (linux/bpf.h: struct bpf_insn,
 * off), and with clang 14 an IPv6 socket takes 11 of them, an IPv4 address 4.
 */
#define ENDPOINTS_MAX 2000U

/* What the program must know of a packet. */
struct needs {
	bool addresses;
	bool transport; /* protocol and place of the transport header */
	bool ports;
	bool tcp, udp;    /* patterns of either */
	unsigned payload; /* the longest end of a test */
	/* The hook decides the direction, and both hooks have a program: each has its own. */
	bool two_programs;
	bool goes; /* packets of a direction, or of an endpoint */
};

static bool ebpf_can(const struct ruleset *r, struct error *err)
{
	if (r->action == RULE_REJECT || r->action == RULE_LOG)
		return error_set(err, EXIT_USAGE,
				 "a tc classifier cannot %s; take --action drop or count, or --format nft",
				 r->action == RULE_LOG ? "log packets" : "send resets");
	if (r->expire_ns > 0)
		return error_set(
			err, EXIT_USAGE,
			"endpoints compiled into a tc classifier cannot expire; leave --expire out, or "
			"take --format nft");
	if (r->endpoint_count > ENDPOINTS_MAX)
		return error_set(
			err, EXIT_USAGE,
			"a tc classifier takes %u endpoints and not %zu, for they become part of its "
			"code; take --format nft",
			ENDPOINTS_MAX, r->endpoint_count);
	return interface_is_linux(r->interface, err);
}

static struct needs needs_of(const struct ruleset *r)
{
	bool patterns = r->strategy->kind == STRATEGY_PATTERNS;
	struct needs n = { .addresses = !patterns || r->never_count > 0 || r->internal_count > 0 };
	const struct packet_pattern *p;

	n.ports = !patterns && (ebpf_has_endpoints(r, true, true) || ebpf_has_endpoints(r, false, true));
	n.transport = patterns || n.ports;
	n.goes = !patterns || r->internal_count > 0;
	n.two_programs = r->interface && r->direction == RULE_BOTH && (!patterns || r->internal_count > 0);
	for (unsigned i = 0; (p = ruleset_pattern(r, i)); i++) {
		n.tcp |= p->l4 == IPPROTO_TCP;
		n.udp |= p->l4 == IPPROTO_UDP;
		if (n.payload < pattern_tests_end(p))
			n.payload = pattern_tests_end(p);
	}
	return n;
}

/* --- parts that the rule set decides ------------------------------------------------------------------- */

/* "hits_udp_probe" */
#define MAP_NAME 16 /* linux/bpf.h: BPF_OBJ_NAME_LEN */
static void map_name(const struct ruleset *r, char out[MAP_NAME])
{
	snprintf(out, MAP_NAME, "hits_%s", r->strategy->name);
	for (char *c = out; *c; c++)
		if (*c == '-')
			*c = '_';
}

static void put_map(const struct ruleset *r, FILE *out)
{
	const struct packet_pattern *p;
	char name[MAP_NAME];

	map_name(r, name);
	fputs("\n/* Packets acted upon; of patterns, by the first that fits. */\nstruct hits {\n", out);
	for (unsigned i = 0; (p = ruleset_pattern(r, i)); i++)
		fprintf(out, "\t__u64 fits_%s;\n", p->name);
	if (r->strategy->kind != STRATEGY_PATTERNS)
		fputs("\t__u64 endpoints;\n", out);
	fprintf(out,
		"};\n\n"
		"struct {\n"
		"\t__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);\n"
		"\t__uint(max_entries, 1);\n"
		"\t__type(key, __u32);\n"
		"\t__type(value, struct hits);\n"
		"} %s SEC(\".maps\");\n",
		name);
}

static void put_packet(const struct needs *n, FILE *out)
{
	if (n->transport)
		fputs("#define EXTENSIONS_MAX 8 /* of IPv6 */\n", out);
	if (n->addresses)
		fputs("\nstruct address {\n\t__u64 high, low; /* IPv4: the last 32 bits */\n};\n", out);
	fputs("\nstruct packet {\n\t__u32 at; /* of what is read next, in the frame */\n\tbool v6;\n", out);
	if (n->addresses)
		fputs("\tstruct address source, destination;\n", out);
	fputs("\t__u32 end; /* of the IP packet; what follows is padding */\n", out);
	if (n->transport)
		fputs("\t__u8 protocol;\n\tbool fragment; /* the first: its UDP header tells of more than there is */\n",
		      out);
	if (n->ports)
		fputs("\t__u16 source_port, destination_port;\n", out);
	if (n->tcp || n->udp)
		fputs("\t__u32 length; /* of the payload */\n", out);
	if (n->payload > 0)
		fprintf(out, "\t__u8 bytes[%u]; /* its first ones */\n", n->payload);
	fputs("};\n", out);
}

static void put_read_ip(const struct needs *n, FILE *out)
{
	fputs("\n"
	      "static __always_inline bool read_ipv4(struct __sk_buff *skb, struct packet *p)\n"
	      "{\n"
	      "\tstruct iphdr ip;\n"
	      "\n"
	      "\tif (bpf_skb_load_bytes(skb, p->at, &ip, sizeof ip) || ip.version != 4 || ip.ihl < 5)\n"
	      "\t\treturn false;\n",
	      out);
	if (n->addresses)
		fputs("\tp->source.low = bpf_ntohl(ip.saddr);\n"
		      "\tp->destination.low = bpf_ntohl(ip.daddr);\n",
		      out);
	if (n->transport)
		fputs("\t/* Later fragments have no transport header. */\n"
		      "\tp->protocol = ip.frag_off & bpf_htons(0x1fff) ? IPPROTO_NONE : ip.protocol;\n"
		      "\tp->fragment = ip.frag_off & bpf_htons(0x2000);\n",
		      out);
	fputs("\tp->end = p->at + bpf_ntohs(ip.tot_len);\n"
	      "\tp->at += ip.ihl * 4;\n"
	      "\treturn p->at <= p->end && p->end <= skb->len;\n}\n",
	      out);
	if (n->transport)
		fputs(ebpf_skip_extensions, out);
	fputs("\n"
	      "static __always_inline bool read_ipv6(struct __sk_buff *skb, struct packet *p)\n"
	      "{\n"
	      "\tstruct ipv6hdr ip;\n"
	      "\n"
	      "\tif (bpf_skb_load_bytes(skb, p->at, &ip, sizeof ip) || ip.version != 6)\n"
	      "\t\treturn false;\n"
	      "\tp->v6 = true;\n",
	      out);
	if (n->addresses)
		for (int destination = 0; destination < 2; destination++) {
			const char *to = destination ? "destination" : "source",
				   *from = destination ? "daddr" : "saddr";
			for (int low = 0; low < 2; low++)
				fprintf(out,
					"\tp->%s.%s = (__u64)bpf_ntohl(ip.%s.s6_addr32[%d]) << 32 | "
					"bpf_ntohl(ip.%s.s6_addr32[%d]);\n",
					to, low ? "low" : "high", from, 2 * low, from, 2 * low + 1);
		}
	fputs("\tp->at += sizeof ip;\n"
	      "\tp->end = p->at + bpf_ntohs(ip.payload_len);\n",
	      out);
	if (n->transport)
		fputs("\tp->protocol = ip.nexthdr;\n"
		      "\tskip_extensions(skb, p);\n",
		      out);
	fputs("\treturn p->end <= skb->len;\n}\n", out);
}

/* As many bytes as the packet holds and a test may want, by loads of constant size. */
static void put_read_payload(const struct ruleset *r, const struct needs *n, FILE *out)
{
	const struct packet_pattern *p;
	bool untested = false;

	fputs("\nstatic __always_inline bool read_payload(struct __sk_buff *skb, struct packet *p)\n{\n",
	      out);
	fprintf(out, "\tif (%s%s%s)\n\t\treturn false;\n", n->tcp ? "!read_tcp(skb, p)" : "",
		n->tcp && n->udp ? " && " : "", n->udp ? "!read_udp(skb, p)" : "");
	for (unsigned end = n->payload; end > 0; end--)
		for (unsigned i = 0; (p = ruleset_pattern(r, i)); i++)
			if (pattern_tests_end(p) == end) {
				fprintf(out,
					"\tif (p->length >= %u)\n"
					"\t\treturn !bpf_skb_load_bytes(skb, p->at, p->bytes, %u);\n",
					end, end);
				break;
			}
	for (unsigned i = 0; (p = ruleset_pattern(r, i)); i++)
		untested |= p->test_count == 0;
	fprintf(out, "\treturn %s;\n}\n", untested ? "true" : "false");
}

static void put_pattern(const struct packet_pattern *p, FILE *out)
{
	fprintf(out, "\n/* %s */\nstatic __always_inline bool fits_%s(const struct packet *p)\n{\n\treturn ",
		p->words, p->name);
	fprintf(out, "p->protocol == %s", p->l4 == IPPROTO_TCP ? "IPPROTO_TCP" : "IPPROTO_UDP");
	if (p->longest == p->shortest)
		fprintf(out, " && p->length == %u", p->shortest);
	else
		fprintf(out, " && p->length >= %u", p->shortest);
	if (p->longest > p->shortest)
		fprintf(out, " && p->length <= %u", p->longest);
	for (unsigned i = 0; i < p->test_count; i++) {
		const struct pattern_test *t = &p->test[i];
		fputs(" &&\n\t      ", out);
		for (unsigned b = 0; b < t->length; b++)
			fprintf(out, "%s p->bytes[%u] %s 0x%02x",
				b == 0       ? ""
				: b % 3 == 0 ? " &&\n\t      "
					     : " &&",
				t->offset + b, t->differs ? "!=" : "==", t->value[b]);
	}
	fputs(";\n}\n", out);
}

/* One direction: internal addresses, and the end at which a blocked endpoint counts in it. */
static void put_goes(const struct ruleset *r, const struct needs *n, FILE *out)
{
	bool lists = r->strategy->kind != STRATEGY_PATTERNS;

	fputs("\nstatic __always_inline bool goes(const struct packet *p, bool leaving)\n{\n\treturn ", out);
	if (r->internal_count > 0)
		fprintf(out, "inside(p, &p->source) == leaving && inside(p, &p->destination) != leaving%s",
			lists ? " &&\n\t       (" : "");
	if (lists) {
		const char *at[] = { "blocked(p, &p->source, ", "blocked(p, &p->destination, " };
		const char *port[] = { n->ports ? "p->source_port)" : "0)",
				       n->ports ? "p->destination_port)" : "0)" };
		int leaving = r->strategy->kind == STRATEGY_SERVERS;
		fprintf(out, "leaving ? %s%s :\n\t\t\t %s%s%s", at[leaving], port[leaving], at[!leaving],
			port[!leaving], r->internal_count > 0 ? ")" : "");
	}
	fputs(";\n}\n", out);
}

static void put_count(const struct ruleset *r, FILE *out)
{
	const struct packet_pattern *p;
	char map[MAP_NAME];

	map_name(r, map);
	fprintf(out,
		"\n\tstruct hits *hits = bpf_map_lookup_elem(&%s, &first);\n"
		"\tif (!hits)\n\t\treturn PASS;\n",
		map);
	for (unsigned i = 0; (p = ruleset_pattern(r, i)); i++)
		fprintf(out, "\t%sif (fits_%s(&p))\n\t\thits->fits_%s++;\n", i > 0 ? "else " : "", p->name,
			p->name);
	if (r->strategy->kind == STRATEGY_PATTERNS)
		fputs("\telse\n\t\treturn PASS;\n", out);
	else
		fputs("\thits->endpoints++;\n", out);
}

static void put_judge(const struct ruleset *r, const struct needs *n, FILE *out)
{
	fputs("\nstatic __always_inline bool read_packet(struct __sk_buff *skb, struct packet *p)\n"
	      "{\n\t__be16 type;\n\n"
	      "\tif (!find_ip(skb, p, &type))\n\t\treturn false;\n"
	      "\tif (type == bpf_htons(ETH_P_IP))\n\t\treturn read_ipv4(skb, p);\n"
	      "\treturn type == bpf_htons(ETH_P_IPV6) && read_ipv6(skb, p);\n}\n",
	      out);
	fputs(n->two_programs ? "\nstatic __always_inline int judge(struct __sk_buff *skb, bool leaving)\n"
			      : "\nSEC(\"tc\")\nint footsteps(struct __sk_buff *skb)\n",
	      out);
	fputs("{\n\tstruct packet p = {};\n\t__u32 first = 0;\n\n\tif (!read_packet(skb, &p))\n\t\treturn PASS;\n",
	      out);
	if (n->ports)
		fputs("\tread_ports(skb, &p);\n", out);
	if (n->tcp || n->udp)
		fputs("\tif (!read_payload(skb, &p))\n\t\treturn PASS;\n", out);
	if (r->never_count > 0)
		fputs("\tif (never(&p, &p.source) || never(&p, &p.destination))\n\t\treturn PASS;\n", out);
	if (n->goes)
		fprintf(out, "\tif (%s)\n\t\treturn PASS;\n",
			n->two_programs            ? "!goes(&p, leaving)"
			: r->direction == RULE_OUT ? "!goes(&p, true)"
			: r->direction == RULE_IN  ? "!goes(&p, false)"
						   : "!goes(&p, true) && !goes(&p, false)");
	put_count(r, out);
	fprintf(out, "\treturn %s;\n}\n", r->action == RULE_DROP ? "TC_ACT_SHOT" : "PASS");
	if (n->two_programs)
		fputs("\nSEC(\"tc_in\")\nint footsteps_in(struct __sk_buff *skb)\n{\n\treturn judge(skb, false);\n}\n"
		      "\nSEC(\"tc_out\")\nint footsteps_out(struct __sk_buff *skb)\n{\n\treturn judge(skb, true);\n}\n",
		      out);
}

/* --- the head ------------------------------------------------------------------------------------------- */

/* A filter's preference on the interface, from its name: rule sets do not take each other's place. */
static unsigned preference(const char *name)
{
	uint32_t hash = 2166136261U; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619U;
	/* The kernel gives those from 0xc000 on to filters that were loaded without one. */
	return 20000U + hash % 20000U;
}

/* The two hooks of an interface; a rule set without an interface tells the direction by the addresses, which
 * a router sees at either hook. */
static const struct hook {
	const char *name, *section;
	enum rule_direction other;
} hooks[] = { { "ingress", "tc_in", RULE_OUT }, { "egress", "tc_out", RULE_IN } };
#define HOOK_COUNT (sizeof hooks / sizeof hooks[0])

static const char notes_format[] =
	"Wants clang, libbpf-dev, iproute2 with libbpf, and Linux 5.10. 'bpftool map dump name %s' shows the "
	"counters; they begin again when it is loaded again. The qdisc clsact stays; without filters it does "
	"nothing. An interface whose packets have no Ethernet header (tun, wireguard, ppp) wants -DNO_ETHERNET "
	"for clang. Two VLAN tags and 8 headers between IPv6 and its transport are followed; what has more passes. "
	"Segments that the receiver has merged (GRO) are judged as one packet.%s";
/* tc comes before netfilter when a packet comes in, and after it when one leaves. */
static const char note_translated[] =
	" Where addresses are translated (NAT), this is for the interface to the inside: on the other, those of the "
	"inside are not to be seen.";

static void put_head(const struct ruleset *r, const struct needs *n, FILE *out)
{
	char name[RULESET_NAME], map[MAP_NAME], load[1024], remove[256],
		notes[sizeof notes_format + sizeof note_translated + MAP_NAME];
	bool inside = r->internal_count > 0 || r->strategy->kind == STRATEGY_CLIENTS;
	const char *interface = r->interface ? r->interface : "\"$IF\"";
	size_t loaded = 0, removed = 0;

	ruleset_name(r, name);
	map_name(r, map);
	loaded += (size_t)snprintf(
		load, sizeof load,
		"clang -O2 -g -target bpf -I/usr/include/$(uname -m)-linux-gnu -x c -c FILE -o FILE.o\n"
		"tc qdisc replace dev %.15s clsact\n",
		interface);
	for (size_t i = 0; i < HOOK_COUNT; i++) {
		if (r->interface && r->direction == hooks[i].other)
			continue;
		loaded += (size_t)snprintf(
			load + loaded, sizeof load - loaded,
			"tc filter replace dev %.15s %s pref %u handle 1 bpf da obj FILE.o sec %s\n",
			interface, hooks[i].name, preference(name),
			n->two_programs ? hooks[i].section : "tc");
		removed += (size_t)snprintf(remove + removed, sizeof remove - removed,
					    "tc filter del dev %.15s %s pref %u\n", interface, hooks[i].name,
					    preference(name));
	}
	snprintf(notes, sizeof notes, notes_format, map, inside ? note_translated : "");
	rules_head_write(
		r, &(struct rules_head){ .comment = "// ", .load = load, .remove = remove, .notes = notes },
		out);
}

static void ebpf_write(const struct ruleset *r, FILE *out)
{
	const struct needs n = needs_of(r);
	const struct packet_pattern *p;

	put_head(r, &n, out);
	fputs(ebpf_includes, out);
	put_packet(&n, out);
	put_map(r, out);
	fputs(ebpf_find_ip, out);
	put_read_ip(&n, out);
	if (n.ports)
		fputs(ebpf_read_ports, out);
	if (n.tcp)
		fputs(ebpf_read_tcp, out);
	if (n.udp)
		fputs(ebpf_read_udp, out);
	if (n.tcp || n.udp)
		put_read_payload(r, &n, out);
	for (unsigned i = 0; (p = ruleset_pattern(r, i)); i++)
		put_pattern(p, out);
	if (r->never_count > 0)
		ebpf_put_prefixes("never", r->never, r->never_count, out);
	if (r->internal_count > 0)
		ebpf_put_prefixes("inside", r->internal, r->internal_count, out);
	if (r->strategy->kind != STRATEGY_PATTERNS)
		ebpf_put_blocked(r, out);
	if (n.goes)
		put_goes(r, &n, out);
	put_judge(r, &n, out);
	fputs("\nchar _license[] SEC(\"license\") = \"Dual BSD/GPL\";\n", out);
}

const struct rule_format format_ebpf = {
	.name = "ebpf",
	.summary = "C source of an eBPF classifier for tc, and the commands",
	.can = ebpf_can,
	.write = ebpf_write,
};
