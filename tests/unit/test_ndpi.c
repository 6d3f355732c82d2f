/*
 * The bridge to libndpi: packets built by hand from RFC 791, 8200, 768, 9293, 1035 and 5246, shown through
 * struct flow_step values as the flow table makes them. What libndpi calls them is the only thing taken from
 * libndpi.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "identify/ndpi_bridge.h"
#include <stdlib.h>
#include <string.h>

#define SEQUENCE                                                                                             \
	UINT32_C(0xfffffff0) /* of the first payload byte: a hello runs over the end of the number space */

struct bytes {
	uint8_t at[2048];
	size_t len;
};

static void put(struct bytes *b, const void *from, size_t n)
{
	assert_true(n <= sizeof b->at - b->len);
	memcpy(b->at + b->len, from, n);
	b->len += n;
}

static void put8(struct bytes *b, unsigned value)
{
	put(b, &(uint8_t){ (uint8_t)value }, 1);
}

static void put16(struct bytes *b, size_t value)
{
	put8(b, (unsigned)(value >> 8) & 255);
	put8(b, (unsigned)value & 255);
}

static void put32(struct bytes *b, uint32_t value)
{
	put16(b, value >> 16);
	put16(b, value & UINT16_MAX);
}

/* A standard query for an A record (RFC 1035 section 4.1). */
static struct bytes dns_query(void)
{
	struct bytes b = { .len = 0 };

	put(&b, "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
	put(&b,
	    "\x07"
	    "example\x03"
	    "org\x00",
	    13);
	put(&b, "\x00\x01\x00\x01", 4);
	return b;
}

/* A ClientHello (RFC 5246 section 7.4.1.2) with the server's name (RFC 6066 section 3), in one record. */
static struct bytes client_hello(const char *name)
{
	size_t n = strlen(name);
	size_t body = 2 + 32 + 1 + 2 + 4 + 2 + 2 + (9 + n);
	struct bytes b = { .len = 0 };

	put8(&b, 22); /* handshake */
	put16(&b, 0x0301);
	put16(&b, 4 + body);
	put8(&b, 1); /* client_hello */
	put8(&b, 0);
	put16(&b, body);
	put16(&b, 0x0303);
	for (unsigned i = 0; i < 32; i++)
		put8(&b, i * 37 + 11); /* random */
	put8(&b, 0);                   /* no session id */
	put16(&b, 4);
	put32(&b, 0xc02f009c); /* two cipher suites */
	put16(&b, 0x0100);     /* compression: none */
	put16(&b, 9 + n);      /* extensions */
	put16(&b, 0);          /* server_name */
	put16(&b, 5 + n);
	put16(&b, 3 + n);
	put8(&b, 0); /* host_name */
	put16(&b, n);
	put(&b, name, n);
	return b;
}

/* One packet in a heap block of exactly its size, so that a read behind its end is seen by the sanitizers. */
struct shown {
	struct packet packet;
	uint8_t *block;
};

static void put_ip(struct bytes *b, bool v6, uint8_t l4, size_t rest, struct packet *p)
{
	if (v6) {
		put32(b, 0x60000000);
		put16(b, rest);
		put8(b, l4);
		put8(b, 64);
		for (unsigned i = 1; i <= 2; i++) {
			struct ip *ip = i == 1 ? &p->key.low.ip : &p->key.high.ip;
			memcpy(ip->b, "\x20\x01\x0d\xb8", 4);
			ip->b[15] = (uint8_t)i;
			put(b, ip->b, 16);
		}
		return;
	}
	put16(b, 0x4500);
	put16(b, 20 + rest);
	put32(b, 0x00014000);
	put8(b, 64);
	put8(b, l4);
	put16(b, 0);
	p->key.low.ip = ip_from_v4((const uint8_t[]){ 192, 0, 2, 1 });
	p->key.high.ip = ip_from_v4((const uint8_t[]){ 198, 51, 100, 7 });
	put(b, "\xc0\x00\x02\x01\xc6\x33\x64\x07", 8);
}

static void seal(struct shown *s, const struct bytes *b, size_t payload)
{
	s->block = malloc(b->len);
	assert_non_null(s->block);
	memcpy(s->block, b->at, b->len);
	s->packet.ts_ns = INT64_C(1156534264) * NS_PER_S;
	s->packet.number = 1;
	s->packet.from_low = true;
	s->packet.l3 = (struct span){ s->block, b->len };
	s->packet.l3_wire = (uint32_t)b->len;
	s->packet.payload = (struct span){ s->block + (b->len - payload), payload };
	s->packet.payload_wire = (uint32_t)payload;
}

static struct shown udp(uint16_t port, struct span payload)
{
	struct shown s = { .packet.key = { .l4 = IPPROTO_UDP } };
	struct bytes b = { .len = 0 };

	s.packet.key.low.port = 40000;
	s.packet.key.high.port = port;
	put_ip(&b, false, IPPROTO_UDP, 8 + payload.len, &s.packet);
	put16(&b, 40000);
	put16(&b, port);
	put16(&b, 8 + payload.len);
	put16(&b, 0);
	put(&b, payload.ptr, payload.len);
	seal(&s, &b, payload.len);
	return s;
}

/* The bytes [from, to) of a stream; with options: the header carries a time stamp (RFC 7323 section 3.2). */
static struct shown tcp(uint16_t port, struct span stream, size_t from, size_t to, bool v6, bool options)
{
	struct shown s = { .packet.key = { .l4 = IPPROTO_TCP } };
	struct bytes b = { .len = 0 };
	size_t header = options ? 32 : 20;

	s.packet.key.low.port = 40000;
	s.packet.key.high.port = port;
	s.packet.tcp_seq = SEQUENCE + (uint32_t)from;
	s.packet.tcp_ack = 77;
	s.packet.tcp_flags = TCP_ACK | TCP_PSH;
	put_ip(&b, v6, IPPROTO_TCP, header + to - from, &s.packet);
	put16(&b, 40000);
	put16(&b, port);
	put32(&b, s.packet.tcp_seq);
	put32(&b, s.packet.tcp_ack);
	put8(&b, (unsigned)header / 4 << 4);
	put8(&b, s.packet.tcp_flags);
	put16(&b, 65535);
	put32(&b, 0);
	if (options)
		put(&b, "\x01\x01\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x02", 12);
	put(&b, stream.ptr + from, to - from);
	seal(&s, &b, to - from);
	return s;
}

struct state {
	struct intern *names;
	struct ndpi_bridge *bridge;
	struct flow *flow;
};

static struct flow *flow_fresh(struct state *st)
{
	if (st->flow)
		ndpi_bridge_ended(st->bridge, st->flow);
	free(st->flow);
	st->flow = calloc(1, sizeof *st->flow);
	assert_non_null(st->flow);
	st->flow->tcp[TO_RESPONDER].start_seq = st->flow->tcp[TO_RESPONDER].next_seq = SEQUENCE;
	return st->flow;
}

static int set_up(void **state)
{
	struct state *st = calloc(1, sizeof *st);
	struct error err;

	assert_non_null(st);
	*state = st;
	st->names = intern_new();
	assert_non_null(st->names);
	if (!ndpi_bridge_available())
		return 0;
	st->bridge = ndpi_bridge_new(NDPI_PACKETS_DEFAULT, st->names, &err);
	assert_non_null(st->bridge);
	flow_fresh(st);
	return 0;
}

static int tear_down(void **state)
{
	struct state *st = *state;

	if (st->flow)
		ndpi_bridge_ended(st->bridge, st->flow);
	free(st->flow);
	ndpi_bridge_free(st->bridge);
	intern_free(st->names);
	free(st);
	return 0;
}

static struct state *needs_libndpi(void **state)
{
	if (!ndpi_bridge_available()) {
		print_message("built without libndpi\n");
		skip();
	}
	return *state;
}

static void show(struct state *st, struct shown s, struct flow_step step)
{
	step.flow = st->flow;
	step.dir = TO_RESPONDER;
	ndpi_bridge_packet(st->bridge, &s.packet, &step);
	free(s.block);
}

static void show_udp(struct state *st, uint16_t port, const void *payload, size_t n)
{
	struct span bytes = { payload, n };

	show(st, udp(port, bytes), (struct flow_step){ .head = bytes, .fresh = n });
}

/* In order, nobody keeps the stream: the flow table hands out the segment's own payload. */
static void show_next(struct state *st, uint16_t port, struct span stream, size_t from, size_t to)
{
	st->flow->tcp[TO_RESPONDER].next_seq = SEQUENCE + (uint32_t)to;
	show(st, tcp(port, stream, from, to, false, false),
	     (struct flow_step){ .head = { stream.ptr + from, to - from }, .fresh = to - from });
}

static void show_held(struct state *st, uint16_t port, struct span stream, size_t from, size_t to, bool v6)
{
	show(st, tcp(port, stream, from, to, v6, true), (struct flow_step){ .held = true });
}

/* The segment [from, to) fills the gap at `known`; the stream is then contiguous up to `end`. */
static void show_filling(struct state *st, uint16_t port, struct span stream, size_t from, size_t to,
			 size_t known, size_t end, bool v6)
{
	st->flow->tcp[TO_RESPONDER].next_seq = SEQUENCE + (uint32_t)end;
	show(st, tcp(port, stream, from, to, v6, true),
	     (struct flow_step){ .head = { stream.ptr, end }, .fresh = end - known, .in_stream = true });
}

static void is_decided(const struct flow *flow, const char *label, bool by_payload)
{
	assert_non_null(flow->id.ndpi_label);
	assert_string_equal(flow->id.ndpi_label, label);
	assert_int_equal(flow->id.ndpi_by_payload, by_payload);
	assert_true(flow->id.ndpi_done);
	assert_null(flow->id.ndpi);
}

static void is_undecided(const struct flow *flow, unsigned packets)
{
	assert_null(flow->id.ndpi_label);
	assert_false(flow->id.ndpi_done);
	assert_int_equal(flow->id.ndpi_packets, packets);
}

static void without_library_says_so(void **state)
{
	struct state *st = *state;
	struct error err = { .text = "" };

	ndpi_bridge_free(NULL);
	if (ndpi_bridge_available()) {
		assert_true(strlen(ndpi_bridge_version()) > 0);
		return;
	}
	assert_string_equal(ndpi_bridge_version(), "");
	assert_null(ndpi_bridge_new(NDPI_PACKETS_DEFAULT, st->names, &err));
	assert_non_null(strstr(err.text, "without libndpi"));
}

static void dns_is_labelled(void **state)
{
	struct state *st = needs_libndpi(state);
	struct bytes query = dns_query();

	show_udp(st, 53, query.at, query.len);
	is_decided(st->flow, "DNS", true);
	assert_int_equal(st->flow->id.ndpi_packets, 1);

	const char *label = st->flow->id.ndpi_label;
	flow_fresh(st);
	show_udp(st, 53, query.at, query.len);
	assert_ptr_equal(st->flow->id.ndpi_label, label);
	assert_ptr_equal(intern(st->names, "DNS"), label);
}

static void decided_flow_is_left_alone(void **state)
{
	struct state *st = needs_libndpi(state);
	struct bytes query = dns_query();

	show_udp(st, 53, query.at, query.len);
	show_udp(st, 53, query.at, query.len);
	assert_int_equal(st->flow->id.ndpi_packets, 1);
	ndpi_bridge_ended(st->bridge, st->flow);
	is_decided(st->flow, "DNS", true);
}

static void hello_whole(void **state)
{
	struct state *st = needs_libndpi(state);
	struct bytes hello = client_hello("www.google.com");
	struct span stream = { hello.at, hello.len };

	show_next(st, 443, stream, 0, hello.len);
	is_decided(st->flow, "TLS.Google", true);
}

static void hello_split(void **state)
{
	struct state *st = needs_libndpi(state);
	struct bytes hello = client_hello("www.google.com");
	struct span stream = { hello.at, hello.len };

	for (size_t cut = 1; cut < hello.len; cut++) {
		flow_fresh(st);
		show_next(st, 443, stream, 0, cut);
		is_undecided(st->flow, 1);
		show_next(st, 443, stream, cut, hello.len);
		is_decided(st->flow, "TLS.Google", true);
	}
}

static void hello_reordered(void **state)
{
	struct state *st = needs_libndpi(state);
	struct bytes hello = client_hello("www.google.com");
	struct span stream = { hello.at, hello.len };

	for (unsigned v6 = 0; v6 < 2; v6++)
		for (size_t cut = 1; cut < hello.len; cut++) {
			flow_fresh(st);
			show_held(st, 443, stream, cut, hello.len, v6);
			is_undecided(st->flow, 0);
			show_filling(st, 443, stream, 0, cut, 0, hello.len, v6);
			is_decided(st->flow, "TLS.Google", true);
			assert_int_equal(st->flow->id.ndpi_packets, 2);
		}
}

/* Three parts, the middle one last and sent again together with the first: known bytes overlap, and so do
 * held ones. */
static void hello_overlapping(void **state)
{
	struct state *st = needs_libndpi(state);
	struct bytes hello = client_hello("www.google.com");
	struct span stream = { hello.at, hello.len };

	show_filling(st, 443, stream, 0, 20, 0, 20, false);
	show_held(st, 443, stream, 50, hello.len, false);
	is_undecided(st->flow, 1);
	show_filling(st, 443, stream, 20, 60, 20, hello.len, false);
	is_decided(st->flow, "TLS.Google", true);
}

/* Where the head and next_seq do not meet, nothing that was shown before is shown again. */
static void head_left_behind_adds_nothing(void **state)
{
	struct state *st = needs_libndpi(state);
	struct bytes hello = client_hello("www.google.com");
	struct span stream = { hello.at, hello.len };

	for (unsigned next = 5; next <= 45; next += 40) {
		flow_fresh(st);
		st->flow->tcp[TO_RESPONDER].next_seq = SEQUENCE + next;
		show(st, tcp(443, stream, 0, 10, false, false),
		     (struct flow_step){ .head = { stream.ptr, 60 }, .fresh = 10, .in_stream = true });
		is_undecided(st->flow, 1);
	}
}

static void retransmission_is_not_shown(void **state)
{
	struct state *st = needs_libndpi(state);
	struct bytes hello = client_hello("www.google.com");
	struct span stream = { hello.at, hello.len };

	show_next(st, 443, stream, 0, 30);
	for (int i = 0; i < 20; i++)
		show(st, tcp(443, stream, 0, 30, false, false), (struct flow_step){ .fresh = 0 });
	is_undecided(st->flow, 1);
	show_next(st, 443, stream, 30, hello.len);
	is_decided(st->flow, "TLS.Google", true);
}

static void damaged_packets_are_not_shown(void **state)
{
	struct state *st = needs_libndpi(state);
	struct bytes query = dns_query();
	struct span bytes = { query.at, query.len };
	struct shown cut = udp(53, bytes), fragment = udp(53, bytes),
		     empty = udp(53, (struct span){ bytes.ptr, 0 });

	cut.packet.l3.len--;
	cut.packet.payload.len--;
	show(st, cut, (struct flow_step){ .head = cut.packet.payload, .fresh = cut.packet.payload.len });
	fragment.packet.later_fragment = true;
	show(st, fragment, (struct flow_step){ .head = bytes, .fresh = bytes.len });
	show(st, empty, (struct flow_step){ .fresh = 0 });
	is_undecided(st->flow, 0);
	assert_null(st->flow->id.ndpi);
	ndpi_bridge_ended(st->bridge, st->flow);
	assert_null(st->flow->id.ndpi_label);
	assert_true(st->flow->id.ndpi_done);
}

/* Every length of a hello and of a query, cut by the sender: no read behind the end, and everything is given
 * back. */
static void short_payloads_are_safe(void **state)
{
	struct state *st = needs_libndpi(state);
	struct bytes hello = client_hello("www.google.com"), query = dns_query();

	for (size_t n = 1; n < hello.len; n++) {
		flow_fresh(st);
		show_next(st, 443, (struct span){ hello.at, n }, 0, n);
	}
	for (size_t n = 1; n < query.len; n++) {
		flow_fresh(st);
		show_udp(st, 53, query.at, n);
	}
	ndpi_bridge_ended(st->bridge, st->flow);
	assert_null(st->flow->id.ndpi);
}

/* Payload that means nothing, on the port of HTTPS (RFC 9110 section 4.2.2): a guess, and said to be one. */
static void port_alone_is_a_guess(void **state)
{
	struct state *st = needs_libndpi(state);
	uint8_t noise[64];

	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (uint8_t)(i * 151 + 0x9d);
	show_next(st, 443, (struct span){ noise, sizeof noise }, 0, sizeof noise);
	is_undecided(st->flow, 1);
	assert_non_null(st->flow->id.ndpi);
	ndpi_bridge_ended(st->bridge, st->flow);
	is_decided(st->flow, "TLS", false);
}

/* The port of STUN (RFC 8489 section 18.6): libndpi 4.2 claims to have dissected what it guesses here. */
static void guess_is_never_by_payload(void **state)
{
	struct state *st = needs_libndpi(state);
	uint8_t noise[33];

	memset(noise, 0xc1, sizeof noise);
	show_udp(st, 3478, noise, sizeof noise);
	is_undecided(st->flow, 1);
	ndpi_bridge_ended(st->bridge, st->flow);
	is_decided(st->flow, "STUN", false);
}

static void budget_ends_the_search(void **state)
{
	struct state *st = needs_libndpi(state);
	uint8_t noise[90];
	struct span stream = { noise, sizeof noise };
	struct error err;

	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (uint8_t)(i * 151 + 0x9d);
	ndpi_bridge_free(st->bridge);
	st->bridge = ndpi_bridge_new(3, st->names, &err);
	assert_non_null(st->bridge);
	show_next(st, 443, stream, 0, 30);
	show_next(st, 443, stream, 30, 60);
	is_undecided(st->flow, 2);
	show_next(st, 443, stream, 60, 90);
	is_decided(st->flow, "TLS", false);
	assert_int_equal(st->flow->id.ndpi_packets, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_library_says_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(dns_is_labelled, set_up, tear_down),
		cmocka_unit_test_setup_teardown(decided_flow_is_left_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(hello_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(hello_split, set_up, tear_down),
		cmocka_unit_test_setup_teardown(hello_reordered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(hello_overlapping, set_up, tear_down),
		cmocka_unit_test_setup_teardown(head_left_behind_adds_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(retransmission_is_not_shown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damaged_packets_are_not_shown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(short_payloads_are_safe, set_up, tear_down),
		cmocka_unit_test_setup_teardown(port_alone_is_a_guess, set_up, tear_down),
		cmocka_unit_test_setup_teardown(guess_is_never_by_payload, set_up, tear_down),
		cmocka_unit_test_setup_teardown(budget_ends_the_search, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
