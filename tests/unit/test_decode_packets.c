/* decode/: transports, lengths, keys, fragments, fingerprints, and the reason of what is refused. */
#include "decode_build.h"

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
		/* The first one's UDP header tells of all 3000 bytes, whether the others came or not. */
		assert_int_equal(packet_message_wire(&f->p), part == 0 ? 3000 : f->p.payload_wire);
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
		f.now_ns -= 400; /* the clock is set back: the earliest is not the one that came first */
		assert_int_equal(show_fragment(&f, v6, 78, 1), REASON_fragment_alone);
		f.now_ns += 1000;
		assert_int_equal(count_of(&f, REASON_fragment_alone), 2);
		assert_int_equal(show_fragment(&f, v6, 78, 0), REASON_used);
		assert_int_equal(f.p.early_fragments, 2);
		assert_int_equal(f.p.early_payload, 1440 + 128);
		assert_int_equal(f.p.early_payload_wire, 1440 + 128);
		assert_int_equal(f.p.early_l3_wire, 1440 + 128 + 2 * (v6 ? 48 : 20));
		assert_int_equal(f.p.early_ns, 1000);
		assert_int_equal(count_of(&f, REASON_fragment_alone), 0);
		assert_int_equal(count_of(&f, REASON_used), 6);
		/* A copy of the first fragment must not account them again. */
		assert_int_equal(show_fragment(&f, v6, 78, 0), REASON_used);
		assert_int_equal(f.p.early_fragments, 0);
		assert_int_equal(f.p.early_ns, 0);
		assert_int_equal(extras_of(&f).fragments, 7);
		/* The first fragment is the earliest, though it came last. */
		assert_int_equal(show_fragment(&f, v6, 79, 1), REASON_fragment_alone);
		f.now_ns -= 1;
		assert_int_equal(show_fragment(&f, v6, 79, 0), REASON_used);
		assert_int_equal(f.p.early_fragments, 1);
		assert_int_equal(f.p.early_ns, 0);
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
	/* ... and before they are forgotten, too: the second datagram's time begins with its own first
	 * fragment. */
	assert_int_equal(show_fragment(&f, false, 2, 0), REASON_used);
	f.now_ns += INT64_C(20) * 1000000000;
	assert_int_equal(show_fragment(&f, false, 2, 0), REASON_used);
	assert_int_equal(f.p.early_ns, 0);
	f.now_ns += INT64_C(20) * 1000000000;
	assert_int_equal(show_fragment(&f, false, 2, 1), REASON_used);
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

/* RFC 4302 section 3.3.4: a datagram is put into fragments behind its authentication header, ports and all.
 */
static void test_fragmented_ah(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct fixture f = fixture_new(false, 0);
		struct bytes whole = payload_of(100);
		prepend_udp(&whole, 40000, 53);
		prepend_hex(&whole, "1104 0000 00000001 00000001 *0c");
		for (size_t at = 0; at < whole.n; at += 64) {
			struct bytes p = { .n = whole.n - at < 64 ? whole.n - at : 64 };
			size_t more = at + p.n < whole.n;
			memcpy(p.b, whole.b + at, p.n);
			if (v6) {
				uint8_t h[8] = { 51 };
				be16(h + 2, at | more);
				prepend(&p, h, 8);
				prepend_ipv6(&p, "2001:db8::1", "2001:db8::5", 44);
			} else {
				prepend_ipv4(&p, "10.0.0.1", "203.0.113.5", 51, 9, more << 13 | at / 8);
			}
			assert_int_equal(show_whole(&f, 101, &p), REASON_used);
			expect_flow(&f.p, v6 ? "2001:db8::1" : "10.0.0.1", 40000,
				    v6 ? "2001:db8::5" : "203.0.113.5", 53, 17);
		}
		fixture_free(&f);
	}
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
	assert_int_equal(packet_message_wire(&f.p), 3000);
	assert_int_equal(extras_of(&f).snapped, 1);
	/* The smallest first fragment: the ports, and none of the payload. */
	p = fragment_of(false, 6, 0, 8);
	assert_int_equal(show_whole(&f, 101, &p), REASON_used);
	assert_int_equal(f.p.payload_wire, 0);
	assert_int_equal(packet_message_wire(&f.p), 3000);
	/* Where no header tells the datagram's length, what has come counts. */
	p = payload_of(40);
	prepend_ipv4(&p, "10.0.0.1", "203.0.113.5", 50, 7, 3);
	assert_int_equal(show_whole(&f, 101, &p), REASON_fragment_alone);
	p = payload_of(24);
	prepend_ipv4(&p, "10.0.0.1", "203.0.113.5", 50, 7, 0x2000);
	assert_int_equal(show_whole(&f, 101, &p), REASON_used);
	assert_int_equal(packet_message_wire(&f.p), 64);
	/* ... but not against a header that tells less: nothing of the others is the datagram's. */
	p = payload_of(40);
	prepend_ipv4(&p, "10.0.0.1", "203.0.113.5", 17, 9, 3);
	assert_int_equal(show_whole(&f, 101, &p), REASON_fragment_alone);
	p = payload_of(16);
	prepend_udp(&p, 40000, 53);
	prepend_ipv4(&p, "10.0.0.1", "203.0.113.5", 17, 9, 0x2000);
	assert_int_equal(show_whole(&f, 101, &p), REASON_used);
	assert_int_equal(packet_message_wire(&f.p), 16);
	p = fragment_of(false, 8, 0, 1440);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_other_transports),
		cmocka_unit_test(test_icmp_quotes),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_fingerprints),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_fragments_are_forgotten),
		cmocka_unit_test(test_fragmented_ah),
		cmocka_unit_test(test_fragment_headers),
		cmocka_unit_test(test_jumbogram),
		cmocka_unit_test(test_pseudowires),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_too_deep),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
