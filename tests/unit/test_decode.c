/*
 * decode/: every encapsulation as bytes made here, at every length; the conformance captures where they are
 * present.
 *
 * Expectations come from how the packets are built (RFC numbers in src/decode/), never from the decoder's
 * output.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "decode/decode.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A packet under construction: headers are put before what is there. */
struct bytes {
	uint8_t b[4096];
	size_t n;
};

static void prepend(struct bytes *p, const void *data, size_t n)
{
	assert_true(p->n + n <= sizeof p->b);
	memmove(p->b + n, p->b, p->n);
	memcpy(p->b, data, n);
	p->n += n;
}

static void be16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static size_t hex_digit(char c)
{
	return (size_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/*
 * Prepends hex digits (blanks ignored). "@": 16-bit count of what follows; "$": the same less four; "<":
 * little-endian and two more (an NFLOG TLV's length); ">": that, big-endian; "*xx": xx zero bytes.
 */
static void prepend_hex(struct bytes *p, const char *hex)
{
	uint8_t out[256] = { 0 };
	struct {
		size_t at;
		char kind;
	} counts[4];
	size_t n = 0, count = 0;
	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		if (strchr("@$<>", *hex)) {
			counts[count].at = n;
			counts[count++].kind = *hex;
			n += 2;
			continue;
		}
		bool zeros = *hex == '*';
		hex += zeros;
		size_t value = hex_digit(hex[0]) << 4 | hex_digit(hex[1]);
		hex++;
		if (zeros)
			n += value;
		else
			out[n++] = (uint8_t)value;
	}
	for (size_t i = 0; i < count; i++) {
		size_t rest = n - counts[i].at - 2 + p->n;
		char kind = counts[i].kind;
		be16(out + counts[i].at, kind == '@' ? rest : kind == '$' ? rest - 4 : rest + 2);
		if (kind == '<') {
			uint8_t high = out[counts[i].at];
			out[counts[i].at] = out[counts[i].at + 1];
			out[counts[i].at + 1] = high;
		}
	}
	prepend(p, out, n);
}

static void prepend_ipv4(struct bytes *p, const char *source, const char *destination, uint8_t protocol,
			 size_t id, size_t fragment)
{
	uint8_t h[20] = { 0x45, [8] = 64, [9] = protocol };
	struct ip ip;
	uint32_t sum = 0;
	be16(h + 2, 20 + p->n);
	be16(h + 4, id);
	be16(h + 6, fragment);
	assert_true(ip_parse(source, &ip));
	memcpy(h + 12, ip.b + 12, 4);
	assert_true(ip_parse(destination, &ip));
	memcpy(h + 16, ip.b + 12, 4);
	for (size_t i = 0; i < 20; i += 2)
		sum += (uint32_t)(h[i] << 8 | h[i + 1]);
	be16(h + 10, ~(sum % 0xffff) & 0xffff);
	prepend(p, h, 20);
}

static void prepend_ipv6(struct bytes *p, const char *source, const char *destination, uint8_t next)
{
	uint8_t h[40] = { 0x60, [6] = next, [7] = 64 };
	struct ip ip;
	be16(h + 4, p->n);
	assert_true(ip_parse(source, &ip));
	memcpy(h + 8, ip.b, 16);
	assert_true(ip_parse(destination, &ip));
	memcpy(h + 24, ip.b, 16);
	prepend(p, h, 40);
}

static void prepend_udp(struct bytes *p, size_t source, size_t destination)
{
	uint8_t h[8] = { 0 };
	be16(h, source);
	be16(h + 2, destination);
	be16(h + 4, 8 + p->n);
	prepend(p, h, 8);
}

#define MACS    "020000000002 020000000001 "
#define ETHER   MACS "0800 "
#define ETHER6  MACS "86dd "
#define PAYLOAD 29

static struct bytes payload_of(size_t n)
{
	struct bytes p = { .n = n };
	for (size_t i = 0; i < n; i++)
		p.b[i] = (uint8_t)(i * 7 + 3);
	return p;
}

/* The question of the conformance captures: 10.0.0.1:40000 -> 203.0.113.5:53, 29 bytes. */
static struct bytes question(bool v6)
{
	struct bytes p = payload_of(PAYLOAD);
	prepend_udp(&p, 40000, 53);
	if (v6)
		prepend_ipv6(&p, "2001:db8::1", "2001:db8::5", 17);
	else
		prepend_ipv4(&p, "10.0.0.1", "203.0.113.5", 17, 1, 0);
	return p;
}

/* One decoder whose account must add up to the frames it was shown. */
struct fixture {
	struct decoder *d;
	uint64_t frames;
	int64_t now_ns;
	struct packet p;
};

static struct fixture fixture_new(bool tunnels, uint32_t max_fragments)
{
	struct decode_options options = { tunnels, max_fragments };
	struct error err;
	struct fixture f = { .d = decoder_new(&options, &err), .now_ns = INT64_C(1177200000000000000) };
	assert_non_null(f.d);
	return f;
}

static uint64_t count_of(const struct fixture *f, enum decode_reason reason)
{
	return decoder_account(f->d)[reason];
}

static struct decode_extras extras_of(const struct fixture *f)
{
	struct decode_extras x;
	decoder_extras(f->d, &x);
	return x;
}

static void fixture_free(struct fixture *f)
{
	uint64_t sum = 0;
	for (int i = 0; i < DECODE_REASON_COUNT; i++)
		sum += decoder_account(f->d)[i];
	assert_int_equal(sum, f->frames);
	decoder_free(f->d);
}

/* From a heap block of exactly that size, so that the sanitizer sees a read behind it. */
static enum decode_reason show(struct fixture *f, int linktype, const uint8_t *bytes, size_t n, size_t wire)
{
	uint8_t *copy = malloc(n ? n : 1);
	assert_non_null(copy);
	memcpy(copy, bytes, n);
	struct frame frame = { f->now_ns, { n ? copy : NULL, n }, (uint32_t)wire, linktype, 0 };
	memset(&f->p, 0xa5, sizeof f->p); /* what the decoder forgets to set is seen */
	enum decode_reason reason = decode_frame(f->d, &frame, ++f->frames, &f->p);
	if (reason == REASON_used) {
		assert_int_equal(f->p.number, f->frames);
		assert_int_equal(f->p.ts_ns, f->now_ns);
		assert_true(f->p.payload.len <= f->p.payload_wire && f->p.l3.len <= f->p.l3_wire);
		assert_true(f->p.payload.len <= f->p.l3.len && f->p.l3.len <= n);
		assert_true(memcmp(&f->p.key.low.ip, &f->p.key.high.ip, 16) <= 0);
		/* Borrowed bytes lie inside the frame: the payload inside the IP packet, that inside the
		 * block. */
		assert_true(n == 0 || (f->p.l3.ptr >= copy && f->p.l3.ptr + f->p.l3.len <= copy + n));
		assert_true(f->p.payload.ptr >= f->p.l3.ptr);
		assert_true(f->p.payload.ptr + f->p.payload.len <= f->p.l3.ptr + f->p.l3.len);
	}
	free(copy);
	return reason;
}

static enum decode_reason show_whole(struct fixture *f, int linktype, const struct bytes *p)
{
	return show(f, linktype, p->b, p->n, p->n);
}

static void expect_flow(const struct packet *p, const char *source, unsigned source_port,
			const char *destination, unsigned destination_port, unsigned l4)
{
	struct ip from, to;
	assert_true(ip_parse(source, &from) && ip_parse(destination, &to));
	assert_memory_equal(&packet_source(p)->ip, &from, 16);
	assert_memory_equal(&packet_destination(p)->ip, &to, 16);
	assert_int_equal(packet_source(p)->port, source_port);
	assert_int_equal(packet_destination(p)->port, destination_port);
	assert_int_equal(p->key.l4, l4);
}

static void expect_question(const struct packet *p, bool v6)
{
	if (v6)
		expect_flow(p, "2001:db8::1", 40000, "2001:db8::5", 53, 17);
	else
		expect_flow(p, "10.0.0.1", 40000, "203.0.113.5", 53, 17);
	assert_int_equal(p->payload_wire, PAYLOAD);
	assert_int_equal(p->l3_wire, (v6 ? 48 : 28) + PAYLOAD);
	assert_false(p->later_fragment || p->has_quote);
	assert_int_equal(p->early_fragments, 0);
}

#define WLAN_ADDRESSES "0000 020000000002 020000000001 020000000003 0000 "
#define SNAP           "aaaa03 000000 0800 "

struct encapsulation {
	const char *name;
	int linktype;
	bool v6;
	const char *header;
	const char *footer; /* zero bytes behind, as "*xx", or NULL */
};

static const struct encapsulation links[] = {
	{ "ethernet", 1, false, ETHER, NULL },
	{ "ethernet, IPv6", 1, true, ETHER6, NULL },
	{ "ethernet, padded", 1, false, ETHER, "*10" },
	{ "vlan", 1, false, MACS "8100 0064 0800", NULL },
	{ "qinq", 1, false, MACS "88a8 00c8 8100 0064 0800", NULL },
	{ "qinq 8100", 1, false, MACS "8100 00c8 8100 0064 0800", NULL },
	{ "qinq 9100", 1, true, MACS "9100 00c8 8100 0064 86dd", NULL },
	{ "mpls 1", 1, false, MACS "8847 00010140", NULL },
	{ "mpls 2, IPv6", 1, true, MACS "8847 00011040 00010140", NULL },
	{ "pppoe", 1, false, MACS "8864 1100 0001 @ 0021", NULL },
	{ "pppoe, compressed field", 1, true, MACS "8864 1100 0001 @ 57", "*04" },
	{ "llc/snap", 1, false, MACS "@" SNAP, NULL },
	{ "llc in vlan", 1, false, MACS "8100 0001 @" SNAP, "*06" },
	{ "macsec, authenticated only", 1, false, MACS "88e5 20 00 00000001 0200000000010001 0800", "*10" },
	{ "provider backbone", 1, false, MACS "88e7 00000001" ETHER, NULL },
	{ "fabricpath", 1, false, MACS "8903 4020" ETHER, NULL },
	{ "null, little-endian", 0, false, "02000000", NULL },
	{ "null, big-endian", 0, false, "00000002", NULL },
	{ "null, Darwin IPv6", 0, true, "1e000000", NULL },
	{ "loop", 108, false, "00000002", NULL },
	{ "raw 101", 101, false, "", NULL },
	{ "raw 12", 12, true, "", NULL },
	{ "raw 14", 14, false, "", NULL },
	{ "ipv4", 228, false, "", NULL },
	{ "ipv6", 229, true, "", NULL },
	{ "slip", 8, false, "*10", NULL },
	{ "ppp", 9, false, "ff03 0021", NULL },
	{ "ppp without address", 9, true, "0057", NULL },
	{ "ppp serial", 50, false, "ff03 21", NULL },
	{ "ppp serial, cisco", 50, false, "0f00 0800", NULL },
	{ "ppp ether", 51, false, "1100 0001 @ 0021", NULL },
	{ "ppp with direction", 204, false, "01 ff03 0021", NULL },
	{ "pppd", 166, false, "00 03 0021", NULL },
	{ "cisco hdlc", 104, true, "8f00 86dd", NULL },
	{ "fddi", 10, false, "50" MACS SNAP, NULL },
	{ "token ring", 6, false, "1040" MACS SNAP, NULL },
	{ "token ring, routed", 6, false, "1040 020000000002 820000000001 0600 0011 0020" SNAP, NULL },
	{ "atm rfc1483", 100, false, SNAP, NULL },
	{ "frame relay", 107, false, "1841 03 cc", NULL },
	{ "frame relay, snap", 107, true, "1841 03 00 80 000000 86dd", NULL },
	{ "frame relay, cisco", 107, false, "1841 0800", NULL },
	{ "enc", 109, false, "02000000 00000001 00000c00", NULL },
	{ "pflog", 117, false, "3d02 *3e", NULL },
	{ "sll", 113, false, "0000 0001 0006 0200000000010000 0800", NULL },
	{ "sll, 802.2", 113, false, "0000 0001 0006 0200000000010000 0004" SNAP, NULL },
	{ "sll2", 276, true, "86dd 0000 00000001 0001 00 06 0200000000010000", NULL },
	{ "nflog, little-endian", 239, false, "02000000 0800 0100 08000000 < 0900", "*03" },
	{ "nflog, big-endian", 239, true, "0a000000 > 0009", "*03" },
	{ "ip over fibre channel", 122, false, "*10" SNAP, NULL },
	{ "firewire", 138, false, "*10 0800", NULL },
	{ "ipnet", 226, false, "0102 *16", NULL },
	{ "802.11", 105, false, "0801" WLAN_ADDRESSES SNAP, NULL },
	{ "802.11, qos", 105, false, "8802" WLAN_ADDRESSES "0000" SNAP, "*04" },
	{ "802.11, four addresses", 105, false, "0803" WLAN_ADDRESSES "020000000004" SNAP, NULL },
	{ "802.11, qos and order", 105, false, "8882" WLAN_ADDRESSES "0000 00000000" SNAP, NULL },
	{ "802.11, a-msdu", 105, false, "8801" WLAN_ADDRESSES "8000" MACS "@" SNAP, NULL },
	{ "radiotap", 127, false, "0000 0800 00000000 0801" WLAN_ADDRESSES SNAP, NULL },
	{ "radiotap, data pad", 127, false,
	  "0000 1900 03000080 00000000 *04 *08 20 8801" WLAN_ADDRESSES "0000 0000" SNAP, NULL },
	{ "ppi", 192, false, "0000 0c00 69000000 00000000 0801" WLAN_ADDRESSES SNAP, NULL },
	{ "prism", 119, false, "44000000 90000000 *88 0801" WLAN_ADDRESSES SNAP, NULL },
	{ "prism, avs", 119, false, "80211001 00000040 *38 0801" WLAN_ADDRESSES SNAP, NULL },
	{ "avs", 163, false, "80211002 00000040 *38 0801" WLAN_ADDRESSES SNAP, NULL },
	{ "hop-by-hop, destination, routing", 1, true, NULL, NULL },
};

static struct bytes build(const struct encapsulation *e)
{
	struct bytes p = question(e->v6);
	if (!e->header) { /* extension headers: RFC 8200 section 4 */
		p = payload_of(PAYLOAD);
		prepend_udp(&p, 40000, 53);
		prepend_hex(&p, "3c00 010400000000 2b00 010400000000 1101 *0e");
		prepend_ipv6(&p, "2001:db8::1", "2001:db8::5", 0);
		prepend_hex(&p, ETHER6);
		return p;
	}
	prepend_hex(&p, e->header);
	if (e->footer)
		p.n += hex_digit(e->footer[1]) << 4 | hex_digit(e->footer[2]);
	return p;
}

static size_t footer_size(const struct encapsulation *e)
{
	return e->footer ? hex_digit(e->footer[1]) << 4 | hex_digit(e->footer[2]) : 0;
}

static void test_links(void **state)
{
	(void)state;
	struct fixture f = fixture_new(false, 0);
	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		struct bytes p = build(&links[i]);
		if (show_whole(&f, links[i].linktype, &p) != REASON_used)
			fail_msg("%s: not decoded", links[i].name);
		if (!links[i].header) {
			assert_int_equal(f.p.l3_wire, 40 + 32 + 8 + PAYLOAD);
			f.p.l3_wire = 48 + PAYLOAD;
		}
		expect_question(&f.p, links[i].v6);
		assert_int_equal(f.p.payload.len, PAYLOAD);
	}
	assert_int_equal(extras_of(&f).snapped, 0);
	fixture_free(&f);
}

/* Cut by a snap length: truncated, until all headers are there. Cut without being said: malformed, never
 * used. */
static void test_links_every_length(void **state)
{
	(void)state;
	struct fixture f = fixture_new(false, 0);
	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		const struct encapsulation *e = &links[i];
		struct bytes p = build(e);
		size_t end = p.n - footer_size(e);
		for (size_t n = 0; n < p.n; n++) {
			enum decode_reason reason = show(&f, e->linktype, p.b, n, p.n);
			bool headers = n + PAYLOAD >= end;
			if (headers != (reason == REASON_used) ||
			    (!headers && decode_reasons[reason].result != DECODE_TRUNCATED))
				fail_msg("%s, first %zu of %zu: %s", e->name, n, p.n,
					 decode_reasons[reason].name);
			if (headers)
				assert_int_equal(f.p.payload_wire, PAYLOAD);
			if (headers)
				assert_int_equal(f.p.payload.len, n < end ? n + PAYLOAD - end : PAYLOAD);
			reason = show(&f, e->linktype, p.b, n, n);
			if (e->linktype == 239 && reason == REASON_not_ip)
				continue; /* cut between two TLVs: a record without a payload */
			if (n < end && decode_reasons[reason].result != DECODE_MALFORMED)
				fail_msg("%s, only %zu of %zu: %s", e->name, n, p.n,
					 decode_reasons[reason].name);
		}
	}
	assert_true(extras_of(&f).snapped > 0);
	fixture_free(&f);
}

struct tunnel {
	const char *name;
	uint8_t protocol; /* of the outer packet */
	uint16_t port;
	bool v6;
	const char *header;
};

static const struct tunnel tunnels[] = {
	{ "ipip", 4, 0, false, "" },
	{ "6in4", 41, 0, true, "" },
	{ "gre", 47, 0, false, "0000 0800" },
	{ "gre, key, checksum, sequence", 47, 0, true, "b000 86dd 00000000 00000005 00000001" },
	{ "gre, pptp", 47, 0, false, "3081 880b 0000 0001 00000001 00000001 ff03 0021" },
	{ "gre tap", 47, 0, false, "0000 6558" ETHER },
	{ "nvgre, vlan", 47, 0, false, "2000 6558 00000500" MACS "8100 0001 0800" },
	{ "erspan I", 47, 0, false, "0000 88be" ETHER },
	{ "erspan II", 47, 0, false, "1000 88be 00000001 10000000 00000000" ETHER },
	{ "erspan III", 47, 0, false, "1000 22eb 00000001 20000000 00000000 00000000" ETHER },
	{ "erspan III, subheader", 47, 0, false, "1000 22eb 00000001 20000000 00000000 00000001 *08" ETHER },
	{ "wccp 1", 47, 0, false, "0000 883e" },
	{ "wccp 2", 47, 0, false, "0000 883e 00000000" },
	{ "mpls in gre", 47, 0, false, "0000 8847 00010140" },
	{ "etherip", 97, 0, false, "3000" ETHER },
	{ "mpls in ip", 137, 0, true, "00010140" },
	{ "gtp-u", 17, 2152, false, "30ff $ 00000001" },
	{ "gtp-u, extension", 17, 2152, true, "34ff $ 00000001 0001 00 85 01 0001 00" },
	{ "vxlan", 17, 4789, false, "08000000 00000500" ETHER },
	{ "vxlan, old port", 17, 8472, true, "08000000 00000500" ETHER6 },
	{ "geneve", 17, 6081, false, "0000 6558 00000500" ETHER },
	{ "geneve, options", 17, 6081, false, "0100 0800 00000500 00000000" },
	{ "teredo", 17, 3544, true, "" },
	{ "teredo, origin", 17, 3544, true, "0000 63bf 3fffffff" },
	{ "teredo, authentication", 17, 3544, true, "0001 0000 *08 00 0000 63bf 3fffffff" },
	{ "l2tp", 17, 1701, false, "0002 0001 0001 ff03 0021" },
	{ "l2tp, all fields", 17, 1701, false, "4a02 0040 0001 0001 0000 0000 0002 0000 21" },
	{ "capwap, 802.11", 17, 5247, false, "00100300 00000000 0801" WLAN_ADDRESSES SNAP },
	{ "capwap, swapped", 17, 5247, false, "00100300 00000000 0208" WLAN_ADDRESSES SNAP },
	{ "capwap, ethernet", 17, 5247, false, "00100200 00000000" ETHER },
	{ "tzsp", 17, 37008, false, "01 00 0001 01" ETHER },
	{ "tzsp, 802.11, tags", 17, 37008, false, "01 00 0012 0a01d8 00 01 0801" WLAN_ADDRESSES SNAP },
};

static struct bytes build_tunnel(const struct tunnel *t)
{
	struct bytes p = question(t->v6);
	prepend_hex(&p, t->header);
	if (strstr(t->name, "pptp"))
		be16(p.b + 4,
		     p.n - 16); /* the key's upper half is the payload's length, RFC 2637 section 4.1 */
	if (t->port)
		prepend_udp(&p, 50000, t->port);
	prepend_ipv4(&p, "192.0.2.1", "198.51.100.1", t->protocol, 9, 0);
	prepend_hex(&p, ETHER);
	return p;
}

static void test_tunnels(void **state)
{
	(void)state;
	struct fixture closed = fixture_new(false, 0), open = fixture_new(true, 0);
	for (size_t i = 0; i < sizeof tunnels / sizeof *tunnels; i++) {
		const struct tunnel *t = &tunnels[i];
		struct bytes p = build_tunnel(t);
		assert_int_equal(show_whole(&closed, 1, &p), REASON_used);
		expect_flow(&closed.p, "192.0.2.1", t->port ? 50000 : 0, "198.51.100.1", t->port,
			    t->protocol);
		if (show_whole(&open, 1, &p) != REASON_used || open.p.key.l4 != 17 ||
		    open.p.payload_wire != PAYLOAD)
			fail_msg("%s: not opened", t->name);
		expect_question(&open.p, t->v6);
		for (size_t n = 0; n < p.n; n++) {
			(void)show(&open, 1, p.b, n, n);
			(void)show(&closed, 1, p.b, n, p.n);
			enum decode_reason reason = show(&open, 1, p.b, n, p.n);
			/* A port is only a guess: without the inner headers, the outer packet counts. */
			bool used = n + PAYLOAD >= p.n || (t->port && n >= 14 + 20 + 8);
			if (used != (reason == REASON_used))
				fail_msg("%s, first %zu of %zu: %s", t->name, n, p.n,
					 decode_reasons[reason].name);
		}
	}
	assert_int_equal(extras_of(&closed).tunnelled, 0);
	assert_true(extras_of(&open).tunnelled >= sizeof tunnels / sizeof *tunnels);
	fixture_free(&closed);
	fixture_free(&open);
}

static uint64_t random_next(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 33;
}

/* A peer may have drawn a tunnel's port: its packets must not be taken for tunnels. */
static void test_tunnel_ports_by_chance(void **state)
{
	(void)state;
	static const uint16_t ports[] = { 1701, 2152, 3544, 4789, 5247, 6081, 8472, 37008 };
	struct fixture f = fixture_new(true, 0);
	uint64_t seed = 1;
	for (int round = 0; round < 3000; round++) {
		for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
			struct bytes p = { .n = 1 + random_next(&seed) % 200 };
			for (size_t k = 0; k < p.n; k++)
				p.b[k] = (uint8_t)random_next(&seed);
			if (ports[i] == 3544)
				p.b[0] = 0x60; /* as near to Teredo as one byte can be */
			prepend_udp(&p, ports[i], 50000);
			prepend_ipv4(&p, "192.0.2.1", "198.51.100.1", 17, 9, 0);
			prepend_hex(&p, ETHER);
			assert_int_equal(show_whole(&f, 1, &p), REASON_used);
			expect_flow(&f.p, "192.0.2.1", ports[i], "198.51.100.1", 50000, 17);
		}
	}
	/* Everything right but one bit of the inner IP header. */
	struct bytes p = build_tunnel(&tunnels[18]);
	p.b[14 + 28 + 8 + 14 + 8] ^= 1;
	assert_int_equal(show_whole(&f, 1, &p), REASON_used);
	expect_flow(&f.p, "192.0.2.1", 50000, "198.51.100.1", 4789, 17);
	assert_int_equal(extras_of(&f).tunnelled, 0);
	fixture_free(&f);
}

/* GRE without an IP packet inside is still a packet of its own. */
static void test_tunnel_without_ip(void **state)
{
	(void)state;
	static const char *const inside[] = { "0000 0000", "3081 880b 0004 0001 00000001 00000001 c021 0104",
					      "3081 880b 0004 0001 00000001 00000001 00fd 9000",
					      "0000 6558" MACS "0806" };
	struct fixture f = fixture_new(true, 0);
	for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
		struct bytes p = { .n = 0 };
		prepend_hex(&p, inside[i]);
		prepend_ipv4(&p, "192.0.2.1", "198.51.100.1", 47, 9, 0);
		assert_int_equal(show_whole(&f, 101, &p), REASON_used);
		expect_flow(&f.p, "192.0.2.1", 0, "198.51.100.1", 0, 47);
	}
	fixture_free(&f);
}

static void test_tcp(void **state)
{
	(void)state;
	struct fixture f = fixture_new(false, 0);
	struct bytes p = payload_of(5);
	prepend_hex(&p, "afc8 01bb 01020304 0a0b0c0d 6018 ffff beef 0000 02040534");
	prepend_ipv4(&p, "203.0.113.80", "10.0.0.1", 6, 0x1234, 0x4000);
	prepend_hex(&p, ETHER);
	struct bytes segment = p;
	assert_int_equal(show_whole(&f, 1, &p), REASON_used);
	expect_flow(&f.p, "203.0.113.80", 45000, "10.0.0.1", 443, 6);
	assert_false(f.p.from_low);
	assert_int_equal(f.p.tcp_flags, TCP_PSH | TCP_ACK);
	assert_int_equal(f.p.tcp_seq, 0x01020304);
	assert_int_equal(f.p.tcp_ack, 0x0a0b0c0d);
	assert_int_equal(f.p.payload.len, 5);
	assert_int_equal(f.p.fingerprint, 0x1234beef);
	p.b[14 + 20 + 12] = 0x40; /* a header of 16 bytes cannot be */
	assert_int_equal(show_whole(&f, 1, &p), REASON_malformed_transport);
	p.b[14 + 20 + 12] = 0xf0; /* and 60 are not there */
	assert_int_equal(show_whole(&f, 1, &p), REASON_malformed_transport);
	/* Segmentation offload: no total length yet. */
	p = segment;
	be16(p.b + 14 + 2, 0);
	assert_int_equal(show_whole(&f, 1, &p), REASON_used);
	assert_int_equal(f.p.payload_wire, 5);
	assert_int_equal(f.p.l3_wire, 49);
	/* 60-byte frames: Ethernet's padding is no payload. */
	p = segment;
	be16(p.b + 14 + 2, 44);
	assert_int_equal(show_whole(&f, 1, &p), REASON_used);
	assert_int_equal(f.p.payload_wire, 0);
	assert_int_equal(f.p.l3.len, 44);
	fixture_free(&f);
}

static void test_lengths(void **state)
{
	(void)state;
	static const struct {
		size_t at, value;
		enum decode_reason reason;
		uint32_t payload;
	} changes[] = {
		{ 14 + 2, 57, REASON_used, PAYLOAD },
		{ 14 + 2, 58, REASON_malformed_ip, 0 },        /* more than the frame */
		{ 14 + 2, 19, REASON_malformed_ip, 0 },        /* less than the header */
		{ 14 + 2, 27, REASON_malformed_transport, 0 }, /* cuts the UDP header */
		{ 14 + 2, 56, REASON_malformed_transport, 0 }, /* UDP says one more */
		{ 14, 0x5500, REASON_malformed_ip, 0 },
		{ 14, 0x4400, REASON_malformed_ip, 0 },
		{ 14 + 20 + 4, 7, REASON_malformed_transport, 0 },
		{ 14 + 20 + 4, 0, REASON_malformed_transport, 0 },
		{ 14 + 20 + 4, 38, REASON_malformed_transport, 0 },
		{ 14 + 20 + 4, 8, REASON_used, 0 },
		{ 14 + 20 + 4, 20, REASON_used, 12 },
		{ 12, 0x86dd, REASON_malformed_ip, 0 },
		{ 12, 0x88cc, REASON_not_ip, 0 },
		{ 12, 0x05f0, REASON_not_ip, 0 },
		{ 12, 1500, REASON_malformed_link, 0 },
		{ 12, 0x0806, REASON_arp, 0 },
		{ 12, 0x8035, REASON_arp, 0 },
	};
	struct fixture f = fixture_new(false, 0);
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct bytes p = question(false);
		prepend_hex(&p, ETHER);
		be16(p.b + changes[i].at, changes[i].value);
		enum decode_reason reason = show_whole(&f, 1, &p);
		if (reason != changes[i].reason)
			fail_msg("change %zu: %s", i, decode_reasons[reason].name);
		if (reason == REASON_used)
			assert_int_equal(f.p.payload_wire, changes[i].payload);
	}
	fixture_free(&f);
}

static void test_other_transports(void **state)
{
	(void)state;
	static const struct {
		unsigned protocol;
		bool v6;
		const char *header;
		unsigned source, destination;
		uint32_t payload;
	} rows[] = {
		{ 136, false, "9c40 0035 0008 1234", 40000, 53, PAYLOAD },                 /* UDP-Lite */
		{ 132, false, "9c40 0035 00000000 00000000", 40000, 53, PAYLOAD },         /* SCTP */
		{ 33, true, "9c40 0035 0400 1234 00000000 00000000", 40000, 53, PAYLOAD }, /* DCCP: 4 words */
		{ 51, false, "1104 0000 00000001 00000001 *0c 9c40 0035 0025 0000", 40000, 53,
		  PAYLOAD },                                           /* AH */
		{ 50, false, "00000001 00000001", 0, 0, PAYLOAD + 8 }, /* ESP */
		{ 2, false, "1600 0000 e0000001", 0, 0, PAYLOAD + 8 }, /* IGMP */
		{ 4, false, "4500", 0, 0, PAYLOAD + 2 },               /* unopened tunnels */
		{ 41, true, "6000", 0, 0, PAYLOAD + 2 },
		{ 59, true, "", 0, 0, PAYLOAD },
		{ 1, false, "0800 1234 00010001", 0, 0, PAYLOAD },
		{ 58, true, "8000 1234 00010001", 0, 0, PAYLOAD },
		{ 1, true, "0800 1234 00010001", 0, 0, PAYLOAD + 8 }, /* the other family's ICMP is none */
	};
	struct fixture f = fixture_new(false, 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct bytes p = payload_of(PAYLOAD);
		prepend_hex(&p, rows[i].header);
		if (rows[i].v6)
			prepend_ipv6(&p, "2001:db8::1", "2001:db8::5", (uint8_t)rows[i].protocol);
		else
			prepend_ipv4(&p, "10.0.0.1", "203.0.113.5", (uint8_t)rows[i].protocol, 1, 0);
		assert_int_equal(show_whole(&f, 101, &p), REASON_used);
		assert_int_equal(packet_source(&f.p)->port, rows[i].source);
		assert_int_equal(packet_destination(&f.p)->port, rows[i].destination);
		assert_int_equal(f.p.key.l4, rows[i].protocol == 51 ? 17 : rows[i].protocol);
		assert_int_equal(f.p.payload_wire, rows[i].payload);
		assert_false(f.p.has_quote);
		for (size_t n = 0; n < p.n; n++) {
			(void)show(&f, 101, p.b, n, p.n);
			(void)show(&f, 101, p.b, n, n);
		}
	}
	fixture_free(&f);
}

static void test_icmp_quotes(void **state)
{
	(void)state;
	struct fixture f = fixture_new(false, 0);
	for (int v6 = 0; v6 < 2; v6++) {
		struct bytes p = question(v6);
		size_t quoted = (v6 ? 40U : 20U) + 4; /* up to the ports */
		prepend_hex(&p, v6 ? "0104 1234 00000000" : "0303 1234 00000000");
		if (v6)
			prepend_ipv6(&p, "2001:db8::5", "2001:db8::1", 58);
		else
			prepend_ipv4(&p, "203.0.113.5", "10.0.0.1", 1, 1, 0);
		assert_int_equal(show_whole(&f, 101, &p), REASON_used);
		assert_int_equal(f.p.icmp_type, v6 ? 1 : 3);
		assert_int_equal(f.p.icmp_code, v6 ? 4 : 3);
		assert_true(f.p.has_quote);
		/* What the flow itself would have as its key. */
		struct flow_key quote = f.p.quote;
		bool from_low = f.p.quote_from_low;
		struct bytes inner = question(v6);
		assert_int_equal(show_whole(&f, 101, &inner), REASON_used);
		assert_memory_equal(&quote, &f.p.key, sizeof quote);
		assert_int_equal(from_low, f.p.from_low);
		size_t start = (v6 ? 40U : 20U) + 8;
		for (size_t n = start; n < p.n; n++) {
			assert_int_equal(show(&f, 101, p.b, n, p.n), REASON_used);
			assert_int_equal(f.p.has_quote, n - start >= quoted);
		}
	}
	/* A later fragment has no ports to quote. */
	struct bytes p = question(false);
	be16(p.b + 6, 1);
	prepend_hex(&p, "0b00 1234 00000000");
	prepend_ipv4(&p, "203.0.113.5", "10.0.0.1", 1, 1, 0);
	assert_int_equal(show_whole(&f, 101, &p), REASON_used);
	assert_false(f.p.has_quote);
	fixture_free(&f);
}

static void test_keys(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		size_t a_port, b_port;
		bool a_low;
	} rows[] = {
		{ "10.0.0.1", "203.0.113.5", 50000, 1, true }, { "10.0.0.2", "10.0.0.1", 1, 2, false },
		{ "10.0.0.1", "10.0.0.1", 256, 255, false }, /* as numbers, whatever the machine's byte order
							      */
		{ "10.0.0.1", "10.0.0.1", 7, 7, true },        { "1.0.0.200", "1.0.0.100", 7, 7, false },
	};
	struct fixture f = fixture_new(false, 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct bytes p = payload_of(1), reply = payload_of(1);
		prepend_udp(&p, rows[i].a_port, rows[i].b_port);
		prepend_ipv4(&p, rows[i].a, rows[i].b, 17, 1, 0);
		prepend_udp(&reply, rows[i].b_port, rows[i].a_port);
		prepend_ipv4(&reply, rows[i].b, rows[i].a, 17, 1, 0);
		assert_int_equal(show_whole(&f, 101, &p), REASON_used);
		struct flow_key key = f.p.key;
		assert_int_equal(f.p.from_low, rows[i].a_low);
		assert_int_equal(show_whole(&f, 101, &reply), REASON_used);
		assert_memory_equal(&key, &f.p.key, sizeof key);
		assert_true(f.p.from_low != rows[i].a_low || rows[i].a_port == rows[i].b_port);
	}
	fixture_free(&f);
}

static void test_fingerprints(void **state)
{
	(void)state;
	struct fixture f = fixture_new(false, 0);
	uint32_t before = 0;
	for (int v6 = 0; v6 < 2; v6++) {
		for (uint8_t i = 0; i < 10; i++) {
			/* Ten empty segments, as in a run of acknowledgements. */
			struct bytes p = { .n = 0 };
			prepend_hex(&p, "afc8 01bb 01020304 0a0b0c0d 5010 ffff beef 0000");
			p.b[11] = p.b[17] = i; /* acknowledgement and checksum */
			if (v6)
				prepend_ipv6(&p, "2001:db8::1", "2001:db8::5", 6);
			else
				prepend_ipv4(&p, "10.0.0.1", "203.0.113.5", 6, i, 0);
			assert_int_equal(show_whole(&f, 101, &p), REASON_used);
			uint32_t fingerprint = f.p.fingerprint;
			assert_int_not_equal(fingerprint, before);
			p.b[v6 ? 7 : 8]--; /* the copy behind a router has another TTL */
			assert_int_equal(show_whole(&f, 101, &p), REASON_used);
			assert_int_equal(f.p.fingerprint, fingerprint);
			before = fingerprint;
		}
	}
	/* IPv6 has no identification: segments that agree in length and checksum differ in their sequence
	 * numbers. */
	for (uint8_t i = 0; i < 10; i++) {
		struct bytes p = payload_of(100);
		prepend_hex(&p, "afc8 01bb 01020304 0a0b0c0d 5010 ffff beef 0000");
		p.b[7] = i;
		prepend_ipv6(&p, "2001:db8::1", "2001:db8::5", 6);
		assert_int_equal(show_whole(&f, 101, &p), REASON_used);
		assert_int_not_equal(f.p.fingerprint, before);
		before = f.p.fingerprint;
	}
	fixture_free(&f);
}

/* The offset-th byte onward of a datagram of 3008 bytes with a UDP header, as one fragment. */
static struct bytes fragment_of(bool v6, size_t id, size_t offset, size_t n)
{
	struct bytes whole = payload_of(3000), p = { .n = n };
	prepend_udp(&whole, 41000, 41001);
	size_t more = offset + n < whole.n;
	memcpy(p.b, whole.b + offset, n);
	if (v6) {
		uint8_t h[8] = { 17 };
		be16(h + 2, offset | more);
		be16(h + 6, id);
		prepend(&p, h, 8);
		prepend_ipv6(&p, "2001:db8::1", "2001:db8::5", 44);
	} else {
		prepend_ipv4(&p, "10.0.0.1", "203.0.113.5", 17, id, offset / 8 | more << 13);
	}
	return p;
}

static enum decode_reason show_fragment(struct fixture *f, bool v6, size_t id, size_t part)
{
	static const size_t at[] = { 0, 1440, 2880, 3008 };
	struct bytes p = fragment_of(v6, id, at[part], at[part + 1] - at[part]);
	enum decode_reason reason = show_whole(f, 101, &p);
	if (reason == REASON_used) {
		expect_flow(&f->p, v6 ? "2001:db8::1" : "10.0.0.1", 41000, v6 ? "2001:db8::5" : "203.0.113.5",
			    41001, 17);
		assert_int_equal(f->p.later_fragment, part > 0);
		assert_int_equal(f->p.payload_wire, part == 0 ? 1432 : at[part + 1] - at[part]);
		assert_int_equal(f->p.payload.len, f->p.payload_wire);
	}
	return reason;
}

static void test_fragments(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct fixture f = fixture_new(false, 0);
		uint32_t fingerprint = 0;
		for (size_t part = 0; part < 3; part++) {
			assert_int_equal(show_fragment(&f, v6, 77, part), REASON_used);
			assert_int_not_equal(f.p.fingerprint, fingerprint);
			fingerprint = f.p.fingerprint;
		}
		/* Another datagram, backwards: held, then accounted with the first fragment. */
		assert_int_equal(show_fragment(&f, v6, 78, 2), REASON_fragment_alone);
		assert_int_equal(show_fragment(&f, v6, 78, 1), REASON_fragment_alone);
		assert_int_equal(count_of(&f, REASON_fragment_alone), 2);
		assert_int_equal(show_fragment(&f, v6, 78, 0), REASON_used);
		assert_int_equal(f.p.early_fragments, 2);
		assert_int_equal(f.p.early_payload, 1440 + 128);
		assert_int_equal(f.p.early_payload_wire, 1440 + 128);
		assert_int_equal(count_of(&f, REASON_fragment_alone), 0);
		assert_int_equal(count_of(&f, REASON_used), 6);
		/* A copy of the first fragment must not account them again. */
		assert_int_equal(show_fragment(&f, v6, 78, 0), REASON_used);
		assert_int_equal(f.p.early_fragments, 0);
		assert_int_equal(extras_of(&f).fragments, 7);
		fixture_free(&f);
	}
}

static void test_fragments_are_forgotten(void **state)
{
	(void)state;
	struct fixture f = fixture_new(false, 2);
	assert_int_equal(show_fragment(&f, false, 1, 0), REASON_used);
	f.now_ns += INT64_C(30) * 1000000000;
	assert_int_equal(show_fragment(&f, false, 1, 1), REASON_used);
	f.now_ns += 1; /* identifications are used again */
	assert_int_equal(show_fragment(&f, false, 1, 1), REASON_fragment_alone);
	f.now_ns = INT64_MIN; /* a clock that jumps as far as it can */
	assert_int_equal(show_fragment(&f, false, 1, 1), REASON_fragment_alone);
	/* Room for two datagrams: the third puts the oldest out. */
	assert_int_equal(show_fragment(&f, false, 10, 0), REASON_used);
	assert_int_equal(show_fragment(&f, false, 11, 0), REASON_used);
	assert_int_equal(show_fragment(&f, false, 12, 0), REASON_used);
	assert_int_equal(show_fragment(&f, false, 11, 1), REASON_used);
	assert_int_equal(show_fragment(&f, false, 12, 1), REASON_used);
	assert_int_equal(show_fragment(&f, false, 10, 1), REASON_fragment_alone);
	fixture_free(&f);

	f = fixture_new(false, 0);
	uint64_t seed = 3;
	for (int i = 0; i < 50000; i++) { /* many more datagrams than entries, in every order */
		f.now_ns += (int64_t)(random_next(&seed) % 2000000);
		(void)show_fragment(&f, i & 1, random_next(&seed) % 20000, random_next(&seed) % 3);
	}
	assert_int_equal(count_of(&f, REASON_used) + count_of(&f, REASON_fragment_alone), 50000);
	fixture_free(&f);
}

static void test_fragment_headers(void **state)
{
	(void)state;
	struct fixture f = fixture_new(false, 0);
	/* RFC 6946: an atomic fragment is a packet like any other. */
	struct bytes p = payload_of(PAYLOAD);
	prepend_udp(&p, 40000, 53);
	prepend_hex(&p, "1100 0000 00000001");
	prepend_ipv6(&p, "2001:db8::1", "2001:db8::5", 44);
	assert_int_equal(show_whole(&f, 101, &p), REASON_used);
	expect_flow(&f.p, "2001:db8::1", 40000, "2001:db8::5", 53, 17);
	assert_int_equal(extras_of(&f).fragments, 0);
	/* A first fragment without the ports: nothing to remember. */
	p = fragment_of(false, 5, 0, 1440);
	assert_int_equal(show(&f, 101, p.b, 20 + 7, p.n), REASON_truncated_transport);
	assert_int_equal(show_fragment(&f, false, 5, 1), REASON_fragment_alone);
	/* Snapped fragments count with what was on the wire. */
	assert_int_equal(show(&f, 101, p.b, 48, p.n), REASON_used);
	assert_int_equal(f.p.payload.len, 20);
	assert_int_equal(f.p.payload_wire, 1432);
	assert_int_equal(f.p.early_payload_wire, 1440);
	assert_int_equal(extras_of(&f).snapped, 1);
	for (size_t n = 0; n < p.n; n++) {
		(void)show(&f, 101, p.b, n, p.n);
		(void)show(&f, 101, p.b, n, n);
	}
	fixture_free(&f);
}

/* RFC 2675: a jumbogram's length is in an option, and UDP's is zero. */
static void test_jumbogram(void **state)
{
	(void)state;
	struct fixture f = fixture_new(false, 0);
	struct bytes p = payload_of(100);
	prepend_udp(&p, 40000, 53);
	be16(p.b + 4, 0);
	prepend_hex(&p, "1100 c204 00012000");
	prepend_ipv6(&p, "2001:db8::1", "2001:db8::5", 0);
	be16(p.b + 4, 0);
	assert_int_equal(show(&f, 101, p.b, p.n, 40 + 0x12000), REASON_used);
	assert_int_equal(f.p.l3_wire, 40 + 0x12000);
	assert_int_equal(f.p.payload_wire, 0x12000 - 8 - 8);
	assert_int_equal(f.p.payload.len, 100);
	assert_int_equal(show(&f, 101, p.b, p.n, 40 + 0x11fff), REASON_malformed_ip);
	fixture_free(&f);
}

static void test_pseudowires(void **state)
{
	(void)state;
	static const char *const headers[] = {
		"00010140 00000000" ETHER,                 /* control word */
		"00010140" ETHER,                          /* none: a MAC address that starts with 0 */
		"00010140 44a000000001 020000000002 0800", /* ... or that looks like IPv4 */
		"00010140 64a000000001 020000000002 8100 0001 0800", /* ... or IPv6 */
	};
	struct fixture f = fixture_new(false, 0);
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		struct bytes p = question(false);
		prepend_hex(&p, headers[i]);
		prepend_hex(&p, MACS "8847");
		assert_int_equal(show_whole(&f, 1, &p), REASON_used);
		expect_question(&f.p, false);
		for (size_t n = 0; n < p.n; n++) {
			(void)show(&f, 1, p.b, n, p.n);
			(void)show(&f, 1, p.b, n, n);
		}
	}
	/* Plain IPv4 under a label with a wrong header checksum is still IPv4. */
	struct bytes p = question(false);
	p.b[8] ^= 1;
	prepend_hex(&p, MACS "8847 00010140");
	assert_int_equal(show_whole(&f, 1, &p), REASON_used);
	expect_question(&f.p, false);
	assert_int_equal(extras_of(&f).tunnelled, 0);
	fixture_free(&f);
}

static void test_reasons(void **state)
{
	(void)state;
	static const struct {
		int linktype;
		const char *header;
		enum decode_reason reason;
	} rows[] = {
		{ 1, MACS "0806", REASON_arp },
		{ 1, MACS "8100 0001 8035", REASON_arp },
		{ 113, "0000 0001 0006 0200000000010000 0806", REASON_arp },
		{ 1, MACS "88cc", REASON_not_ip },
		{ 1, MACS "0026 424203", REASON_not_ip }, /* spanning tree */
		{ 1, MACS "8863 1109 0000 0000", REASON_not_ip },
		{ 1, MACS "8864 1100 0001 @ c021", REASON_not_ip }, /* LCP */
		{ 1, MACS "8864 2100 0001 @ 0021", REASON_malformed_link },
		{ 1, MACS "88e5 0c 00 00000001", REASON_encrypted_link },
		{ 9, "ff03 00fd", REASON_encrypted_link },
		{ 105, "0841" WLAN_ADDRESSES SNAP, REASON_encrypted_link },
		{ 105, "4801" WLAN_ADDRESSES SNAP, REASON_not_ip }, /* null function */
		{ 105, "8000" WLAN_ADDRESSES SNAP, REASON_not_ip }, /* beacon */
		{ 0, "07000000", REASON_not_ip },
		{ 113, "0000 0338 0000 0000000000000000 0800", REASON_not_ip }, /* netlink */
		{ 101, "50", REASON_malformed_ip },
		{ 147, "", REASON_unsupported_link },
		{ -1, "", REASON_unsupported_link },
		{ 100000, "", REASON_unsupported_link },
		{ 192, "0000 0800 e7030000", REASON_unsupported_link },
	};
	struct fixture f = fixture_new(true, 0);
	assert_int_equal(extras_of(&f).unsupported_linktype, -1);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct bytes p = question(false);
		prepend_hex(&p, rows[i].header);
		uint64_t before = count_of(&f, rows[i].reason);
		enum decode_reason reason = show_whole(&f, rows[i].linktype, &p);
		if (reason != rows[i].reason)
			fail_msg("row %zu: %s", i, decode_reasons[reason].name);
		assert_int_equal(count_of(&f, reason), before + 1);
	}
	assert_int_equal(extras_of(&f).unsupported_linktype, 147);
	fixture_free(&f);
}

static void test_too_deep(void **state)
{
	(void)state;
	struct fixture open = fixture_new(true, 0), closed = fixture_new(false, 0);
	struct bytes p = question(false);
	for (int i = 0; i < 40; i++)
		prepend_ipv4(&p, "192.0.2.1", "198.51.100.1", 4, 1, 0);
	assert_int_equal(show_whole(&open, 101, &p), REASON_too_deep);
	assert_int_equal(show_whole(&closed, 101, &p), REASON_used);
	p = question(false);
	prepend_hex(&p, "0800");
	for (int i = 0; i < 40; i++)
		prepend_hex(&p, "8100 0001");
	prepend_hex(&p, MACS);
	assert_int_equal(show_whole(&closed, 1, &p), REASON_too_deep);
	p = payload_of(0);
	for (int i = 0; i < 40; i++)
		prepend_hex(&p, "3c00 010400000000");
	prepend_ipv6(&p, "2001:db8::1", "2001:db8::5", 60);
	assert_int_equal(show_whole(&closed, 101, &p), REASON_too_deep);
	/* Every level offers three readings: this must end, and soon. */
	p = question(false);
	for (int i = 0; i < 150; i++)
		prepend_hex(&p, "00010140" MACS "8847");
	prepend_hex(&p, "00010140");
	prepend_hex(&p, MACS "8847");
	(void)show_whole(&open, 1, &p);
	fixture_free(&open);
	fixture_free(&closed);
}

/* Valid packets with some bytes changed, cut or moved: nothing to expect but that the account adds up. */
static void test_mutations(void **state)
{
	(void)state;
	struct fixture fixtures[2] = { fixture_new(false, 64), fixture_new(true, 64) };
	size_t link_count = sizeof links / sizeof *links, tunnel_count = sizeof tunnels / sizeof *tunnels;
	uint64_t seed = 20070422;
	for (int round = 0; round < 200000; round++) {
		size_t pick = random_next(&seed) % (link_count + tunnel_count);
		bool is_link = pick < link_count;
		struct bytes p = is_link ? build(&links[pick]) : build_tunnel(&tunnels[pick - link_count]);
		int linktype = is_link ? links[pick].linktype : 1;
		if (random_next(&seed) % 16 == 0)
			linktype = (int)(random_next(&seed) % 280);
		for (uint64_t changes = random_next(&seed) % 5; changes > 0; changes--)
			p.b[random_next(&seed) % p.n] = (uint8_t)random_next(&seed);
		size_t n = random_next(&seed) % 4 ? p.n : random_next(&seed) % (p.n + 1);
		size_t wire = random_next(&seed) % 2 ? p.n : n;
		fixtures[0].now_ns = fixtures[1].now_ns += (int64_t)(random_next(&seed) % 1000000000);
		(void)show(&fixtures[round & 1], linktype, p.b, n, wire);
	}
	fixture_free(&fixtures[0]);
	fixture_free(&fixtures[1]);
}

static uint32_t word_of(const uint8_t *at, bool swapped)
{
	uint32_t word;
	memcpy(&word, at, sizeof word);
	return swapped ? __builtin_bswap32(word) : word;
}

/* The named conformance capture as one block (to be freed), or NULL. */
static uint8_t *capture_read(const char *name, size_t *size)
{
	const char *traces = getenv("FOOTSTEPS_TRACES"), *root = getenv("srcdir");
	char path[4096];
	if (traces)
		snprintf(path, sizeof path, "%s/conformance/%s", traces, name);
	else
		snprintf(path, sizeof path, "%s/../shared/traces/conformance/%s", root ? root : ".", name);
	FILE *file = fopen(path, "rb");
	if (!file)
		return NULL;
	uint8_t *bytes = malloc(1 << 16);
	assert_non_null(bytes);
	*size = fread(bytes, 1, 1 << 16, file);
	fclose(file);
	return bytes;
}

/* Shows every frame of a classic pcap file; the packets that were used are appended to packets. */
static size_t show_capture(struct fixture *f, const uint8_t *bytes, size_t size, struct packet *packets,
			   size_t room)
{
	assert_true(size >= 24);
	bool swapped = word_of(bytes, false) == UINT32_C(0xd4c3b2a1);
	int linktype = (int)word_of(bytes + 20, swapped);
	size_t used = 0;
	for (size_t at = 24; at + 16 <= size;) {
		size_t n = word_of(bytes + at + 8, swapped), wire = word_of(bytes + at + 12, swapped);
		at += 16;
		assert_true(n <= size - at && used < room);
		if (show(f, linktype, bytes + at, n, wire) == REASON_used)
			packets[used++] = f->p;
		at += n;
	}
	return used;
}

static void expect_dialog(const struct packet *packets, size_t count, const char *name, bool v6, bool outer)
{
	if (count != 2)
		fail_msg("%s: %zu packets", name, count);
	if (outer) { /* both packets go the same way in the tunnel captures */
		assert_memory_equal(&packets[0].key, &packets[1].key, sizeof packets[0].key);
		return;
	}
	expect_question(&packets[0], v6);
	if (v6)
		expect_flow(&packets[1], "2001:db8::5", 53, "2001:db8::1", 40000, 17);
	else
		expect_flow(&packets[1], "203.0.113.5", 53, "10.0.0.1", 40000, 17);
	assert_memory_equal(&packets[0].key, &packets[1].key, sizeof packets[0].key);
	assert_int_equal(packets[1].payload_wire, 45);
}

static void test_conformance_dialogs(void **state)
{
	(void)state;
	static const char *const names[] = {
		"base.pcap",        "bigendian.pcap",      "base6.pcap",       "lt_80211_105.pcap",
		"lt_chdlc104.pcap", "lt_fddi10.pcap",      "lt_ipv4_228.pcap", "lt_ipv6_229.pcap",
		"lt_loop108.pcap",  "lt_nflog239.pcap",    "lt_null.pcap",     "lt_ppp9.pcap",
		"lt_pppser50.pcap", "lt_radiotap127.pcap", "lt_raw101.pcap",   "lt_raw12.pcap",
		"lt_sll113.pcap",   "lt_sll2_276.pcap",    "enc_llcsnap.pcap", "enc_mpls1.pcap",
		"enc_mpls2.pcap",   "enc_pppoe.pcap",      "enc_qinq.pcap",    "enc_qinq8100.pcap",
		"enc_vlan.pcap",    "tun_6in4.pcap",       "tun_capwap.pcap",  "tun_erspan2.pcap",
		"tun_geneve.pcap",  "tun_gre.pcap",        "tun_gretap.pcap",  "tun_gtpu.pcap",
		"tun_ipip.pcap",    "tun_l2tp.pcap",       "tun_teredo.pcap",  "tun_tzsp.pcap",
		"tun_vxlan.pcap",   "tun_wccp.pcap",
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t size;
		uint8_t *bytes = capture_read(names[i], &size);
		if (!bytes) {
			print_message("conformance captures are not here: FOOTSTEPS_TRACES\n");
			skip();
		}
		bool tunnel = strncmp(names[i], "tun_", 4) == 0;
		bool v6 = strstr(names[i], "base6") || strstr(names[i], "ipv6") || strstr(names[i], "6in4") ||
			  strstr(names[i], "teredo");
		for (int option = 0; option < 2; option++) {
			struct packet packets[16];
			struct fixture f = fixture_new(option, 0);
			size_t used = show_capture(&f, bytes, size, packets, 16);
			expect_dialog(packets, used, names[i], v6, tunnel && !option);
			if (tunnel && !option)
				assert_memory_equal(packet_source(&packets[0])->ip.b + 12, "\300\0\2\1", 4);
			assert_int_equal(extras_of(&f).tunnelled, tunnel && option ? 2 : 0);
			fixture_free(&f);
		}
		free(bytes);
	}
}

static void test_conformance_others(void **state)
{
	(void)state;
	static const char *const names[] = { "frag4.pcap", "frag6.pcap", "snap68.pcap" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t size, wire = 0;
		struct packet packets[16];
		uint8_t *bytes = capture_read(names[i], &size);
		if (!bytes) {
			print_message("conformance captures are not here: FOOTSTEPS_TRACES\n");
			skip();
		}
		struct fixture f = fixture_new(false, 0);
		size_t used = show_capture(&f, bytes, size, packets, 16);
		for (size_t k = 0; k < used; k++) {
			wire += packets[k].payload_wire;
			assert_memory_equal(&packets[k].key, &packets[0].key, sizeof packets[k].key);
		}
		if (i == 2) { /* a TLS hello of 496 bytes and an alert of 7, cut at 68 */
			assert_int_equal(used, 9);
			assert_int_equal(extras_of(&f).snapped, 1);
			assert_int_equal(packets[0].tcp_flags, TCP_SYN);
			assert_int_equal(packets[0].tcp_seq, 1000);
			assert_int_equal(wire, packets[4].tcp_ack - 1001 + 7);
		} else {
			assert_int_equal(used, 3);
			assert_int_equal(wire, 3000);
			assert_int_equal(packet_source(&packets[2])->port, 41000);
			assert_int_equal(packet_destination(&packets[2])->port, 41001);
		}
		fixture_free(&f);
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_links_every_length),
		cmocka_unit_test(test_tunnels),
		cmocka_unit_test(test_tunnel_ports_by_chance),
		cmocka_unit_test(test_tunnel_without_ip),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_other_transports),
		cmocka_unit_test(test_icmp_quotes),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_fingerprints),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_fragments_are_forgotten),
		cmocka_unit_test(test_fragment_headers),
		cmocka_unit_test(test_jumbogram),
		cmocka_unit_test(test_pseudowires),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_too_deep),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_conformance_dialogs),
		cmocka_unit_test(test_conformance_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
