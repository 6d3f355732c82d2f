/*
 * Payload in rules of iptables, by xt_u32.
 *
 * What that does (Linux net/netfilter/xt_u32.c, iptables-extensions(8)): "A>>22&0x3C@B" reads the word at A,
 * computes, moves there, and reads the word at B from there; then the result is compared with ranges. A word
 * that is not wholly in the packet fits nothing. So each byte is read by the word that ends with it, and
 * "there is no byte N" is "! --u32" of the word that ends with byte N, and any value.
 */
#include "rules/iptables.h"
#include <netinet/in.h>

#define U32_MAX     10U /* tests in one match: XT_U32_MAXSIZE, linux/netfilter/xt_u32.h */
#define UDP_HEADER  8   /* RFC 768 */
#define IPV6_HEADER 40  /* RFC 8200 section 3 */

/* The tests of one -m u32 after the other, all of which must hold. */
struct u32 {
	const struct half *h;
	uint8_t l4;
	unsigned count;
};

static void u32_next(struct u32 *u)
{
	const char *between = u->count == 0 ? "" : "\"";

	if (u->count++ % U32_MAX == 0)
		fprintf(u->h->out, "%s -m u32 --u32 \"", between);
	else
		fputs(" && ", u->h->out);
}

/* Where the word at a place of the payload is. TCP: `at` >= 0; UDP: it may reach back into the header. */
static void put_word(const struct u32 *u, int at)
{
	FILE *out = u->h->out;

	if (u->l4 == IPPROTO_TCP && u->h->v4)
		fprintf(out, "0>>22&0x3C@12>>26&0x3C@%d", at);
	else if (u->l4 == IPPROTO_TCP)
		fprintf(out, "%d>>26&0x3C@%d", IPV6_HEADER + 12, IPV6_HEADER + at);
	else if (u->h->v4)
		fprintf(out, "0>>22&0x3C@%d", UDP_HEADER + at);
	else
		fprintf(out, "%d", IPV6_HEADER + UDP_HEADER + at);
}

/* "Is there": any value will do. */
#define ANY_WORD "=0:0xFFFFFFFF"

/* Up to four bytes of a test; returns the end of the word that it reads. */
static int put_bytes(struct u32 *u, const struct pattern_test *test, unsigned from, unsigned count)
{
	const int end = (int)(test->offset + from + count);
	const int start = u->l4 == IPPROTO_TCP && end < 4 ? 0 : end - 4;
	uint32_t value = 0;

	for (unsigned i = 0; i < count; i++)
		value = value << 8 | test->value[from + i];
	u32_next(u);
	put_word(u, start);
	if (start + 4 > end)
		fprintf(u->h->out, ">>%d", 8 * (start + 4 - end));
	if (count < 4)
		fprintf(u->h->out, "&0x%X", (1U << 8 * count) - 1);
	if (!test->differs)
		fprintf(u->h->out, "=0x%0*X", 2 * (int)count, (unsigned)value);
	else if (value == 0)
		fputs("=1:255", u->h->out);
	else if (value == 255)
		fputs("=0:254", u->h->out);
	else
		fprintf(u->h->out, "=0:%u,%u:255", (unsigned)value - 1, (unsigned)value + 1);
	return start + 4;
}

/*
 * The header as it must be for the places of put_word() to be right: of IPv6, no extension headers; of TCP,
 * no data offset that points into the header itself (RFC 9293 section 3.1).
 */
static void put_header_tests(struct u32 *u, const struct packet_pattern *p)
{
	FILE *out = u->h->out;
	const unsigned longest = p->longest ? p->longest : UINT16_MAX - UDP_HEADER;

	if (!u->h->v4) {
		u32_next(u);
		fprintf(out, "4>>8&0xFF=%u", (unsigned)p->l4);
	}
	u32_next(u);
	if (p->l4 == IPPROTO_TCP)
		fputs(u->h->v4 ? "0>>22&0x3C@12>>28=5:15" : "52>>28=5:15", out);
	else
		fprintf(out, "%s4>>16=%u:%u", u->h->v4 ? "0>>22&0x3C@" : "4",
			UDP_HEADER + (unsigned)p->shortest, UDP_HEADER + longest);
}

static void put_pattern(const struct half *h, const struct packet_pattern *p, const char *chain)
{
	struct u32 u = { .h = h, .l4 = p->l4 };
	int reach = 0;

	fprintf(h->out, "# %s: %s\n", p->name, p->words);
	fprintf(h->out, "-A %s", chain);
	if (h->v4) /* ip6tables-legacy drops what "-p" cannot read, such as a later fragment of a header */
		fprintf(h->out, " -p %s ! -f", p->l4 == IPPROTO_TCP ? "tcp" : "udp");
	put_header_tests(&u, p);
	for (unsigned i = 0; i < p->test_count; i++)
		for (unsigned from = 0; from < p->test[i].length; from += 4) {
			unsigned left = p->test[i].length - from;
			int end = put_bytes(&u, &p->test[i], from, left < 4 ? left : 4);
			reach = end > reach ? end : reach;
		}
	if (p->l4 == IPPROTO_TCP && reach < (int)p->shortest) {
		u32_next(&u);
		put_word(&u, (int)p->shortest - 4);
		fputs(ANY_WORD, h->out);
	}
	fputc('"', h->out);
	if (p->l4 == IPPROTO_TCP && p->longest) {
		fputs(" -m u32 ! --u32 \"", h->out);
		put_word(&u, (int)p->longest - 3);
		fputs(ANY_WORD "\"", h->out);
	}
	fprintf(h->out, " -m comment --comment %s -g %s-%s\n", p->name, h->own,
		p->l4 == IPPROTO_UDP ? "udp" : "hit");
}

bool iptables_has_udp(const struct ruleset *r)
{
	const struct packet_pattern *p;

	if (r->strategy->kind == STRATEGY_PATTERNS)
		for (unsigned i = 0; (p = ruleset_pattern(r, i)); i++)
			if (p->l4 == IPPROTO_UDP)
				return true;
	return false;
}

/*
 * A UDP header may claim more than the packet holds, as in a first fragment. Nothing can be subtracted, so
 * the last byte is where the length leads from four bytes before the header; a rule for each length of the IP
 * header (RFC 791: 5 to 15 words), since after that has led somewhere there is no way back.
 */
void iptables_udp_write(const struct half *h)
{
	fputs("# as long as its header claims\n", h->out);
	if (!h->v4)
		fprintf(h->out, "-A %s-udp -m u32 --u32 \"44>>16@36" ANY_WORD "\" -g %s-hit\n", h->own,
			h->own);
	for (unsigned words = 5; h->v4 && words <= 15; words++)
		fprintf(h->out,
			"-A %s-udp -m u32 --u32 \"0>>24&0xF=%u && %u>>16@%u" ANY_WORD "\" -g %s-hit\n",
			h->own, words, 4 * words + 4, 4 * words - 4, h->own);
}

void iptables_patterns_write(const struct half *h, const char *chain)
{
	const struct packet_pattern *p;

	for (unsigned i = 0; (p = ruleset_pattern(h->r, i)); i++)
		put_pattern(h, p, chain);
}
