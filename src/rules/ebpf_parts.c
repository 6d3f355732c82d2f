/* See ebpf_parts.h. */
#include "rules/ebpf_parts.h"

const char ebpf_includes[] = "\n"
			     "#include <linux/bpf.h>\n"
			     "#include <linux/if_ether.h>\n"
			     "#include <linux/in.h>\n"
			     "#include <linux/ip.h>\n"
			     "#include <linux/ipv6.h>\n"
			     "#include <linux/pkt_cls.h>\n"
			     "#include <linux/tcp.h>\n"
			     "#include <linux/udp.h>\n"
			     "#include <stdbool.h>\n"
			     "#include <bpf/bpf_endian.h>\n"
			     "#include <bpf/bpf_helpers.h>\n"
			     "\n"
			     "#define PASS TC_ACT_UNSPEC /* on to the next filter, if there is one */\n"
			     "#define VLAN_TAGS_MAX 2\n";

const char ebpf_find_ip[] =
	"\n"
	"/* Where the IP header is. The type of a packet whose tag the driver has taken out is that behind it. */\n"
	"static __always_inline bool find_ip(struct __sk_buff *skb, struct packet *p, __be16 *type)\n"
	"{\n"
	"#ifdef NO_ETHERNET /* for interfaces whose packets begin with the IP header: tun, wireguard, ppp */\n"
	"\t*type = skb->protocol;\n"
	"\tp->at = 0;\n"
	"#else\n"
	"\tp->at = 2 * ETH_ALEN;\n"
	"\tfor (int tags = 0; tags <= VLAN_TAGS_MAX; tags++) {\n"
	"\t\tif (bpf_skb_load_bytes(skb, p->at, type, sizeof *type))\n"
	"\t\t\treturn false;\n"
	"\t\tp->at += 2;\n"
	"\t\tif (*type != bpf_htons(ETH_P_8021Q) && *type != bpf_htons(ETH_P_8021AD))\n"
	"\t\t\tbreak;\n"
	"\t\tp->at += 2;\n"
	"\t}\n"
	"#endif\n"
	"\treturn true;\n"
	"}\n";

const char ebpf_skip_extensions[] =
	"\n"
	"/* To the transport header, behind a few extension headers. */\n"
	"static __always_inline void skip_extensions(struct __sk_buff *skb, struct packet *p)\n"
	"{\n"
	"\tstruct {\n"
	"\t\t__u8 next, length;\n"
	"\t\t__be16 offset; /* of a fragment, and three other bits */\n"
	"\t} h;\n"
	"\n"
	"\tfor (int i = 0; i < EXTENSIONS_MAX; i++) {\n"
	"\t\tif (p->protocol != IPPROTO_HOPOPTS && p->protocol != IPPROTO_ROUTING &&\n"
	"\t\t    p->protocol != IPPROTO_DSTOPTS && p->protocol != IPPROTO_FRAGMENT && p->protocol != IPPROTO_AH)\n"
	"\t\t\treturn;\n"
	"\t\tif (bpf_skb_load_bytes(skb, p->at, &h, sizeof h)) {\n"
	"\t\t\tp->protocol = IPPROTO_NONE;\n"
	"\t\t\treturn;\n"
	"\t\t}\n"
	"\t\tif (p->protocol == IPPROTO_FRAGMENT) {\n"
	"\t\t\t/* Later fragments have no transport header. */\n"
	"\t\t\tif (h.offset & bpf_htons(0xfff8))\n"
	"\t\t\t\th.next = IPPROTO_NONE;\n"
	"\t\t\tp->fragment = h.offset & bpf_htons(0x0001);\n"
	"\t\t\tp->at += 8;\n"
	"\t\t} else if (p->protocol == IPPROTO_AH) {\n"
	"\t\t\tp->at += (h.length + 2) * 4;\n"
	"\t\t} else {\n"
	"\t\t\tp->at += (h.length + 1) * 8;\n"
	"\t\t}\n"
	"\t\tp->protocol = h.next;\n"
	"\t}\n"
	"}\n";

const char ebpf_read_tcp[] =
	"\n"
	"static __always_inline bool read_tcp(struct __sk_buff *skb, struct packet *p)\n"
	"{\n"
	"\tstruct tcphdr tcp;\n"
	"\n"
	"\tif (p->protocol != IPPROTO_TCP || bpf_skb_load_bytes(skb, p->at, &tcp, sizeof tcp) || tcp.doff < 5)\n"
	"\t\treturn false;\n"
	"\tp->at += tcp.doff * 4;\n"
	"\tif (p->at > p->end)\n"
	"\t\treturn false;\n"
	"\tp->length = p->end - p->at;\n"
	"\treturn true;\n"
	"}\n";

const char ebpf_read_udp[] =
	"\n"
	"static __always_inline bool read_udp(struct __sk_buff *skb, struct packet *p)\n"
	"{\n"
	"\tstruct udphdr udp;\n"
	"\n"
	"\tif (p->protocol != IPPROTO_UDP || bpf_skb_load_bytes(skb, p->at, &udp, sizeof udp) ||\n"
	"\t    bpf_ntohs(udp.len) < sizeof udp)\n"
	"\t\treturn false;\n"
	"\tp->at += sizeof udp;\n"
	"\tif (p->at > p->end)\n"
	"\t\treturn false;\n"
	"\tp->length = bpf_ntohs(udp.len) - sizeof udp;\n"
	"\tif (p->length <= p->end - p->at)\n"
	"\t\treturn true;\n"
	"\tp->length = p->end - p->at;\n"
	"\treturn p->fragment;\n"
	"}\n";

const char ebpf_read_ports[] =
	"\n"
	"/* They stay 0 when they cannot be read, and 0 is in no list. */\n"
	"static __always_inline void read_ports(struct __sk_buff *skb, struct packet *p)\n"
	"{\n"
	"\t__be16 ports[2];\n"
	"\n"
	"\tif ((p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP) || p->at + sizeof ports > p->end ||\n"
	"\t    bpf_skb_load_bytes(skb, p->at, ports, sizeof ports))\n"
	"\t\treturn;\n"
	"\tp->source_port = bpf_ntohs(ports[0]);\n"
	"\tp->destination_port = bpf_ntohs(ports[1]);\n"
	"}\n";

bool ebpf_has_endpoints(const struct ruleset *r, bool v4, bool with_port)
{
	for (size_t i = 0; i < r->endpoint_count; i++)
		if (ip_is_v4(&r->endpoint[i].ip) == v4 && (r->endpoint[i].port != 0) == with_port)
			return true;
	return false;
}

static uint64_t word_at(const uint8_t *b)
{
	uint64_t word = 0;

	for (unsigned i = 0; i < 8; i++)
		word = word << 8 | b[i];
	return word;
}

static uint64_t mask_of(unsigned bits)
{
	return bits == 0 ? 0 : UINT64_MAX << (64 - bits);
}

static void put_prefix(const struct ip_prefix *prefix, FILE *out)
{
	char text[IP_PREFIX_TEXT];
	uint64_t high = word_at(prefix->ip.b), low = word_at(prefix->ip.b + 8);

	ip_format(&prefix->ip, text);
	if (prefix->bits == 0)
		fputs("true", out);
	else if (prefix->v4)
		fprintf(out, "(a->low & 0x%08llx) == 0x%08llx",
			(unsigned long long)(mask_of(prefix->bits) >> 32 & UINT32_MAX),
			(unsigned long long)(low & UINT32_MAX));
	else if (prefix->bits <= 64)
		fprintf(out, "(a->high & 0x%llx) == 0x%llx", (unsigned long long)mask_of(prefix->bits),
			(unsigned long long)high);
	else
		fprintf(out, "(a->high == 0x%llx && (a->low & 0x%llx) == 0x%llx)", (unsigned long long)high,
			(unsigned long long)mask_of(prefix->bits - 64U), (unsigned long long)low);
	fprintf(out, " /* %s/%u */", text, prefix->bits);
}

void ebpf_put_prefixes(const char *name, const struct ip_prefix *prefix, size_t count, FILE *out)
{
	fprintf(out,
		"\nstatic __always_inline bool %s(const struct packet *p, const struct address *a)\n{\n"
		"\tif (p->v6)\n",
		name);
	for (int v4 = 0; v4 < 2; v4++) {
		bool any = false;
		fputs(v4 ? "\treturn " : "\t\treturn ", out);
		for (size_t i = 0; i < count; i++) {
			if (prefix[i].v4 != (v4 == 1))
				continue;
			fputs(any ? " ||\n\t\t       " : "", out);
			put_prefix(&prefix[i], out);
			any = true;
		}
		fputs(any ? ";\n" : "false;\n", out);
	}
	fputs("}\n", out);
}

/* A switch becomes a tree of comparisons. Of sockets, the port are the last 16 bits. */
static void put_blocked_v4(const struct ruleset *r, bool with_port, FILE *out)
{
	fprintf(out, "\nstatic __noinline bool %s\n{\n",
		with_port ? "blocked_v4_socket(__u64 socket) /* address, port */"
			  : "blocked_v4(__u32 address)");
	fprintf(out, "\tswitch (%s) {\n", with_port ? "socket" : "address");
	for (size_t i = 0; i < r->endpoint_count; i++) {
		const struct rule_endpoint *e = &r->endpoint[i];
		if (!ip_is_v4(&e->ip) || (e->port != 0) != with_port)
			continue;
		char text[IP_TEXT];
		ip_format(&e->ip, text);
		fprintf(out, "\tcase 0x%08llx", (unsigned long long)(word_at(e->ip.b + 8) & UINT32_MAX));
		if (with_port)
			fprintf(out, "%04x: /* %s port %u */\n", e->port, text, e->port);
		else
			fprintf(out, ": /* %s */\n", text);
	}
	fputs("\t\treturn true;\n\t}\n\treturn false;\n}\n", out);
}

/* The list is in order: endpoints with the same first half of the address are neighbours. */
static void put_blocked_v6(const struct ruleset *r, bool with_port, FILE *out)
{
	const struct rule_endpoint *last = NULL;

	fprintf(out, "\nstatic __noinline bool %s\n{\n\tswitch (high) {\n",
		with_port ? "blocked_v6_socket(__u64 high, __u64 low, __u16 port)"
			  : "blocked_v6(__u64 high, __u64 low)");
	for (size_t i = 0; i < r->endpoint_count; i++) {
		const struct rule_endpoint *e = &r->endpoint[i];
		if (ip_is_v4(&e->ip) || (e->port != 0) != with_port)
			continue;
		char text[IP_TEXT];
		ip_format(&e->ip, text);
		bool same_ip = last && ip_equal(&last->ip, &e->ip);
		if (!last || memcmp(last->ip.b, e->ip.b, 8) != 0)
			fprintf(out, "%s\tcase 0x%llx:\n\t\tswitch (low) {\n",
				!last       ? ""
				: with_port ? ";\n\t\t}\n\t\tbreak;\n"
					    : "\t\t\treturn true;\n\t\t}\n\t\tbreak;\n",
				(unsigned long long)word_at(e->ip.b));
		else if (with_port && !same_ip)
			fputs(";\n", out);
		if (!same_ip)
			fprintf(out, "\t\tcase 0x%llx: /* %s */\n", (unsigned long long)word_at(e->ip.b + 8),
				text);
		if (with_port)
			fprintf(out, "%sport == %u", same_ip ? " || " : "\t\t\treturn ", e->port);
		last = e;
	}
	fputs(with_port ? ";\n\t\t}\n" : "\t\t\treturn true;\n\t\t}\n", out);
	fputs("\t\tbreak;\n\t}\n\treturn false;\n}\n", out);
}

void ebpf_put_blocked(const struct ruleset *r, FILE *out)
{
	bool any[2][2]; /* IPv6, IPv4; without and with ports */

	for (int v4 = 0; v4 < 2; v4++)
		for (int port = 0; port < 2; port++) {
			any[v4][port] = ebpf_has_endpoints(r, v4, port);
			if (any[v4][port])
				(v4 ? put_blocked_v4 : put_blocked_v6)(r, port, out);
		}
	fputs("\nstatic __always_inline bool blocked(const struct packet *p, const struct address *a, __u16 port)\n"
	      "{\n\tif (p->v6)\n",
	      out);
	for (int v4 = 0; v4 < 2; v4++)
		fprintf(out, "%sreturn %s%s%s;\n", v4 ? "\t" : "\t\t",
			!any[v4][0] ? ""
			: v4        ? "blocked_v4((__u32)a->low)"
				    : "blocked_v6(a->high, a->low)",
			any[v4][0] && any[v4][1] ? " || " : "",
			!any[v4][1] ? (any[v4][0] ? "" : "false")
			: v4        ? "blocked_v4_socket(a->low << 16 | port)"
				    : "blocked_v6_socket(a->high, a->low, port)");
	fputs("}\n", out);
}
