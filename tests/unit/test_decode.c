/*
 * decode/: every encapsulation as bytes made here, at every length; damage; the conformance captures where they
 * are present.
 *
 * Expectations come from how the packets are built (RFC numbers in src/decode/), never from the decoder's
 * output.
 */
#include "decode_build.h"

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
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_conformance_dialogs),
		cmocka_unit_test(test_conformance_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
