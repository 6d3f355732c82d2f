/*
 * Evidence about sockets and flows, with protocols of the test's own: each kind of test, caps, who is kept,
 * eviction, and two protocols that both speak about one flow.
 */
#include "identify/identify.h"
#include "identify/sockets.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { HEADER, COUNTER, NONCE, REFLECTED, REFUSED, RECEIVER, ECHO, REPEATED, AGREED, RANDOM, FLOW };
static const struct evidence_kind kinds[] = {
	[HEADER] = { "header", "", ABOUT_SOCKETS, TEST_NONE, 3, 6, 0 },
	[COUNTER] = { "counter", "", ABOUT_SENDER, TEST_COUNTER, 4, 12, -2 },
	[NONCE] = { "nonce", "", ABOUT_SENDER, TEST_NONCE, 1, 3, -5 },
	[REFLECTED] = { "reflected", "", ABOUT_RECEIVER, TEST_REFLECTED, 20, 30, 0 },
	[REFUSED] = { "refused", "", ABOUT_SOCKETS, TEST_AGAINST, 0, 0, -6 },
	[RECEIVER] = { "receiver", "", ABOUT_RECEIVER, TEST_NONE, 1, 9, 0 },
	[ECHO] = { "echo", "", ABOUT_SOCKETS, TEST_PEERS, 3, 9, 0 },
	[REPEATED] = { "repeated", "", ABOUT_SENDER, TEST_REPEATED, 2, 5, 0 },
	[AGREED] = { "agreed", "", ABOUT_RECEIVER, TEST_AGREED, 4, 11, 0 },
	[RANDOM] = { "random", "", ABOUT_SENDER, TEST_RANDOMNESS, 1, 4, -4 },
	[FLOW] = { "flow", "", ABOUT_FLOW, TEST_NONE, 20, 20, 0 },
};
/* Byte 2 is constant, all behind it is random. */
static const struct csc_rule rule = { "rule", "", 0x0030, 0xffc0, false };
static const struct protocol test_protocol = { .name = "test",
					       .suspected_name = "test?",
					       .kinds = kinds,
					       .kind_count = FLOW + 1,
					       .csc_socket = &rule,
					       .machinery = { [MACHINERY_REFUSED] = &kinds[REFUSED] } };

/* Two that look at UDP: a payload of pairs, protocol '1' or '2' and the kind that it observes or 'L' for a
 * label.
 */
static const struct evidence_kind flow_kinds[] = {
	{ "ten", "", ABOUT_FLOW, TEST_NONE, 10, 10, 0 },
	{ "fifteen", "", ABOUT_FLOW, TEST_NONE, 15, 15, 0 },
	{ "thirty", "", ABOUT_FLOW, TEST_NONE, 30, 30, 0 },
};
static const struct protocol first = { .name = "first", .kinds = flow_kinds, .kind_count = 3 };
static const struct protocol second = { .name = "second", .kinds = flow_kinds, .kind_count = 3 };

static enum match look_for(const struct look *l, uint8_t name, const char *label)
{
	struct reader r = reader_on(l->data);
	while (rd_left(&r)) {
		uint8_t who = rd_u8(&r), what = rd_u8(&r);
		if (who == name && what == 'L')
			label_flow(l, label);
		else if (who == name)
			observe(l, what - '0', 0);
	}
	return MATCH_YES;
}

static enum match look_first(const struct look *l)
{
	return look_for(l, '1', "first-label");
}

static enum match look_second(const struct look *l)
{
	return look_for(l, '2', "second-label");
}

static const struct dissector dissector_first = {
	.name = "first", .protocol = &first, .l4 = IPPROTO_UDP, .patience = 9, .look = look_first
};
static const struct dissector dissector_second = {
	.name = "second", .protocol = &second, .l4 = IPPROTO_UDP, .patience = 9, .look = look_second
};
const struct protocol *const protocols[] = { &test_protocol, &first, &second };
const unsigned protocol_count = 3;
const struct dissector *const dissectors[] = { &dissector_first, &dissector_second };
const unsigned dissector_count = 2;

static struct netset *internal;
static uint64_t packet;

static struct socket_table *table_new(uint32_t max)
{
	struct error err;
	packet = 0;
	const struct socket_options options = {
		.max_sockets = max, .verdict_bits = 20, .suspect_bits = 10, .internal = internal
	};
	struct socket_table *t = socket_table_new(&options, &err);
	assert_non_null(t);
	return t;
}

static struct endpoint at(uint8_t a, uint8_t d, uint16_t port)
{
	return (struct endpoint){ ip_from_v4((const uint8_t[4]){ a, 0, 0, d }), port };
}

static void tell(struct socket_table *t, struct endpoint from, struct endpoint to, unsigned kind,
		 uint32_t value)
{
	struct error err;
	packet++;
	const struct observation o = { .ts_ns = (int64_t)packet,
				       .packet = packet,
				       .from = from,
				       .to = to,
				       .l4 = IPPROTO_UDP,
				       .kind = (uint8_t)kind,
				       .value = value };
	assert_true(socket_table_observe(t, &o, &err));
}

static float bits_of(struct socket_table *t, struct endpoint e)
{
	const struct socket_entry *s = socket_table_find(t, 0, IPPROTO_UDP, &e);
	return s ? socket_bits(s) : -1000;
}

#define ME      at(10, 1, 5000)
#define PEER(n) at(198, n, 7000)

static void test_who_is_kept(void **state)
{
	(void)state;
	struct socket_table *t = table_new(100);
	tell(t, ME, PEER(1), HEADER, 0); /* internal and external: only the internal one */
	assert_int_equal(socket_table_count(t), 1);
	tell(t, PEER(1), ME, HEADER, 0);
	assert_int_equal(socket_table_count(t), 1);
	assert_true(bits_of(t, ME) == 6);
	tell(t, PEER(1), PEER(2), HEADER, 0); /* nobody internal: both */
	assert_int_equal(socket_table_count(t), 3);
	tell(t, ME, at(10, 2, 1), HEADER, 0); /* both internal: both */
	assert_int_equal(socket_table_count(t), 4);
	tell(t, ME, PEER(1), RECEIVER, 0); /* about the external end: not kept */
	assert_true(bits_of(t, ME) == 6);
	const struct endpoint me = ME, peer = PEER(1);
	assert_true(socket_table_internal(t, &me.ip));
	assert_false(socket_table_internal(t, &peer.ip));
	socket_table_free(t);
}

static void test_caps_and_verdicts(void **state)
{
	(void)state;
	struct socket_table *t = table_new(100);
	for (int i = 0; i < 50; i++)
		tell(t, ME, PEER(1), HEADER, 0);
	const struct endpoint me = ME;
	struct socket_entry *s = socket_table_find(t, 0, IPPROTO_UDP, &me);
	assert_true(socket_bits(s) == 6);
	assert_int_equal(socket_sum(s, HEADER).count, 50);
	assert_int_equal(socket_sum(s, HEADER).first_packet, 1);
	assert_int_equal(socket_sum(s, HEADER).last_packet, 50);
	assert_int_equal(socket_sum(s, FLOW).count, 0); /* never kept for a socket */
	assert_int_equal(socket_verdict(t, s), VERDICT_NONE);
	for (uint16_t i = 0; i < 10; i++)
		tell(t, ME, PEER((uint8_t)i), COUNTER, i);
	assert_int_equal(socket_verdict(t, s), VERDICT_SUSPECTED); /* 6 + 12 */
	for (uint32_t i = 0; i < 3; i++)
		tell(t, ME, PEER(1), NONCE, 0x11223344U * (i + 1));
	assert_int_equal(socket_verdict(t, s), VERDICT_RECOGNISED); /* + 2 */
	socket_entry_add(s, MACHINERY_REFUSED, 99);                 /* - 6 */
	assert_int_equal(socket_verdict(t, s), VERDICT_SUSPECTED);
	assert_int_equal(socket_sum(s, REFUSED).against, 1);
	/* What the protocol does not mention has no weight. */
	socket_entry_add(s, MACHINERY_OTHER_LABEL, 99);
	socket_entry_add(s, MACHINERY_MANY_PEERS, 99);
	socket_entry_add(s, MACHINERY_TCP_AFTER_UDP, 99);
	assert_true(socket_bits(s) == 20 - 6);
	for (int i = 0; i < 20; i++)
		socket_entry_add(s, MACHINERY_REFUSED, 99);
	assert_true(socket_bits(s) == 20 - 21 * 6); /* what speaks against is not capped */
	socket_table_free(t);
}

static float counter_bits(const uint16_t *ids, const uint8_t *peers, size_t n)
{
	struct socket_table *t = table_new(100);
	for (size_t i = 0; i < n; i++)
		tell(t, ME, PEER(peers[i]), COUNTER, ids[i]);
	float bits = bits_of(t, ME);
	socket_table_free(t);
	return bits;
}

static void test_counter(void **state)
{
	(void)state;
	/* A step of 1..16 to another peer: for; 17..512: nothing; none, back, or far: against; same peer:
	 * nothing. */
	assert_true(counter_bits((const uint16_t[]){ 10, 12 }, (const uint8_t[]){ 1, 2 }, 2) == 4);
	assert_true(counter_bits((const uint16_t[]){ 10, 26 }, (const uint8_t[]){ 1, 2 }, 2) == 4);
	assert_true(counter_bits((const uint16_t[]){ 10, 27 }, (const uint8_t[]){ 1, 2 }, 2) == 0);
	assert_true(counter_bits((const uint16_t[]){ 10, 522 }, (const uint8_t[]){ 1, 2 }, 2) == 0);
	assert_true(counter_bits((const uint16_t[]){ 10, 523 }, (const uint8_t[]){ 1, 2 }, 2) == -2);
	assert_true(counter_bits((const uint16_t[]){ 10, 10 }, (const uint8_t[]){ 1, 2 }, 2) == -2);
	assert_true(counter_bits((const uint16_t[]){ 10, 9 }, (const uint8_t[]){ 1, 2 }, 2) == -2);
	assert_true(counter_bits((const uint16_t[]){ 10, 12 }, (const uint8_t[]){ 1, 1 }, 2) == 0);
	assert_true(counter_bits((const uint16_t[]){ 0xfffe, 1 }, (const uint8_t[]){ 1, 2 }, 2) ==
		    4); /* wraps */
}

/* One or two servers say once what a hundred would say again and again. */
static void test_counter_with_few_peers(void **state)
{
	(void)state;
	struct socket_table *t = table_new(100);
	for (uint16_t i = 0; i < 100; i++)
		tell(t, ME, PEER((uint8_t)(i % 2)), COUNTER, i);
	assert_true(bits_of(t, ME) == 4);
	tell(t, ME, PEER(3), COUNTER, 100);
	assert_true(bits_of(t, ME) == 8);
	for (int i = 0; i < 4; i++) /* contradictions count every time: 8 - 16, but not below -12 */
		tell(t, ME, PEER((uint8_t)(i % 2)), COUNTER, 7);
	assert_true(bits_of(t, ME) == 0);
	socket_table_free(t);
	t = table_new(100);
	for (uint16_t i = 0; i < 100; i++) /* another port of the same host is no other peer */
		tell(t, ME, at(198, 1, (uint16_t)(7000 + i)), COUNTER, i);
	assert_true(bits_of(t, ME) == 0);
	socket_table_free(t);
}

static void test_peers(void **state)
{
	(void)state;
	struct socket_table *t = table_new(100);
	for (uint16_t i = 0; i < 50; i++)
		tell(t, at(198, 1, (uint16_t)(7000 + i)), ME, ECHO, 0); /* one host */
	assert_true(bits_of(t, ME) == 3);
	for (int i = 0; i < 50; i++)
		tell(t, PEER((uint8_t)(1 + i % 2)), ME, ECHO, 0); /* two, in turn */
	assert_true(bits_of(t, ME) == 6);
	for (uint8_t i = 0; i < 9; i++)
		tell(t, PEER(i), ME, ECHO, 0);
	assert_true(bits_of(t, ME) == 9);
	socket_table_free(t);
}

static void test_nonce(void **state)
{
	(void)state;
	struct socket_table *t = table_new(100);
	tell(t, ME, PEER(1), NONCE, 0x01020304);
	assert_true(bits_of(t, ME) == 0);
	tell(t, ME, PEER(1), NONCE, 0xa1b2c3d4);
	assert_true(bits_of(t, ME) == 1);
	tell(t, ME, PEER(1), NONCE, 0x01020304); /* seen before */
	assert_true(bits_of(t, ME) == -3);       /* at most -cap */
	socket_table_free(t);
	t = table_new(100);
	tell(t, ME, PEER(1), NONCE, 0x01020304);
	tell(t, ME, PEER(1), NONCE, 0x01020999); /* a counter: only two bytes change */
	assert_true(bits_of(t, ME) == -3);
	socket_table_free(t);
}

static void test_reflected(void **state)
{
	(void)state;
	struct socket_table *t = table_new(100);
	const struct endpoint me = ME;
	tell(t, PEER(1), ME, REFLECTED, 0xc6336407); /* 198.51.100.7, once: could be anything */
	assert_true(bits_of(t, ME) == 0);
	tell(t, PEER(1), ME, REFLECTED, 0xc6336407); /* the same peer again proves nothing */
	assert_true(bits_of(t, ME) == 0);
	tell(t, at(198, 1, 7001), ME, REFLECTED, 0xc6336407); /* nor does another port of the same host */
	assert_true(bits_of(t, ME) == 0);
	tell(t, PEER(2), ME, REFLECTED, 0xc6336407); /* another one agrees */
	assert_true(bits_of(t, ME) == 20);
	const struct socket_entry *s = socket_table_find(t, 0, IPPROTO_UDP, &me);
	char text[IP_TEXT];
	ip_format(&s->public_ip, text);
	assert_string_equal(text, "198.51.100.7");
	assert_true(s->public_confirmed);
	tell(t, PEER(3), ME, REFLECTED, 0x01010101); /* one liar does not change it */
	ip_format(&s->public_ip, text);
	assert_string_equal(text, "198.51.100.7");
	socket_table_free(t);
	t = table_new(100);
	tell(t, PEER(1), ME, REFLECTED, 0x0a000001); /* the socket's own address: a public client */
	assert_true(bits_of(t, ME) == 20);
	socket_table_free(t);
}

/* The same value to peers 1, 2, ... n. */
static void fan_out(struct socket_table *t, uint32_t value, uint8_t n)
{
	for (uint8_t i = 1; i <= n; i++)
		tell(t, ME, PEER(i), REPEATED, value);
}

static const uint32_t differing[] = {
	0x2e7af131, 0xc522380a, 0xf01c2220, 0xa57cfdf1, 0x13579bdf, 0xdeadbeef
};

static void test_repeated(void **state)
{
	(void)state;
	struct socket_table *t = table_new(100);
	for (unsigned i = 0; i < 4; i++)
		tell(t, ME, PEER(1), REPEATED, differing[i]);
	tell(t, ME, PEER(1), REPEATED, differing[3]); /* the same peer, as often as you like */
	tell(t, ME, at(198, 1, 7001), REPEATED, differing[3]);
	tell(t, ME, PEER(2), REPEATED, differing[3]); /* a second address */
	tell(t, ME, PEER(2), REPEATED, differing[3]);
	assert_true(bits_of(t, ME) == 0);
	tell(t, ME, PEER(3), REPEATED, differing[3]); /* the third */
	assert_true(bits_of(t, ME) == 2);
	for (uint8_t i = 4; i < 20; i++)
		tell(t, ME, PEER(i), REPEATED, differing[3]);
	assert_true(bits_of(t, ME) == 2); /* once for each value */
	fan_out(t, differing[4], 3);
	assert_true(bits_of(t, ME) == 4);
	fan_out(t, differing[5], 8);
	assert_true(bits_of(t, ME) == 5); /* the cap */
	socket_table_free(t);
}

/* Constants, flags and counters repeat as well, but what is remembered beside them does not look random. */
/* Answers whose questions were not captured: what at least three addresses say alike. */
static void test_agreed(void **state)
{
	(void)state;
	struct socket_table *t = table_new(100);
	tell(t, PEER(1), ME, AGREED, 0x5680f573);
	tell(t, PEER(1), ME, AGREED, 0x5680f573); /* one peer, as often as you like */
	tell(t, PEER(2), ME, AGREED, 0x5680f573); /* two: a vendor's constant */
	assert_true(bits_of(t, ME) == 0);
	tell(t, PEER(3), ME, AGREED, 0x5680f573);
	assert_true(bits_of(t, ME) == 4);
	tell(t, PEER(4), ME, AGREED, 0x5680f573);
	tell(t, PEER(5), ME, AGREED, 0x5680f573);
	assert_true(bits_of(t, ME) == 11); /* the cap */
	socket_table_free(t);

	t = table_new(100);
	for (uint8_t i = 1; i < 40; i++) /* a counter, or anything that differs, never agrees */
		tell(t, PEER(i), ME, AGREED, 0x5680f573U + i % 2);
	assert_true(bits_of(t, ME) == 0);
	socket_table_free(t);
}

static void say_head(struct socket_table *t, const uint8_t head[8])
{
	struct error err;
	struct observation o = { .packet = ++packet,
				 .from = ME,
				 .to = PEER(1),
				 .l4 = IPPROTO_UDP,
				 .kind = RANDOM,
				 .has_head = true };
	memcpy(o.head, head, sizeof o.head);
	assert_true(socket_table_observe(t, &o, &err));
}

static float bits_of_heads(unsigned messages, bool random)
{
	struct socket_table *t = table_new(100);
	uint32_t state = 1;
	for (unsigned i = 0; i < messages; i++) {
		uint8_t head[8] = { 0, (uint8_t)i, 0x02 };
		for (unsigned b = 3; b < sizeof head; b++) {
			state = state * 1664525U +
				1013904223U; /* Numerical Recipes; its high bits are good */
			head[b] = random ? (uint8_t)(state >> 24) : (uint8_t)(i >> 3);
		}
		say_head(t, head);
	}
	const struct endpoint me = ME;
	struct socket_entry *s = socket_table_find(t, 0, IPPROTO_UDP, &me);
	assert_non_null(s);
	socket_judge_randomness(s);
	float bits = socket_bits(s);
	socket_table_free(t);
	return bits;
}

static void test_randomness(void **state)
{
	(void)state;
	assert_true(bits_of_heads(151, true) == 1); /* the least that can fail: docs/statistics.md */
	assert_true(bits_of_heads(150, true) == 0); /* too few: neither for nor against */
	assert_true(bits_of_heads(400, false) == -4);
}

static void test_repeated_by_structure(void **state)
{
	(void)state;
	struct socket_table *t = table_new(100);
	for (unsigned i = 0; i < 5; i++)
		fan_out(t, 0xc522380a, 9); /* a constant: nothing else is remembered */
	assert_true(bits_of(t, ME) == 0);
	socket_table_free(t);
	t = table_new(100);
	for (unsigned i = 0; i < 20; i++)
		fan_out(t, 0x51000000 | i % 6 << 8, 5); /* an enumeration, in one of the bytes */
	assert_true(bits_of(t, ME) == 0);
	socket_table_free(t);
	t = table_new(100);
	for (unsigned i = 0; i < 3; i++) /* too few to tell */
		fan_out(t, differing[i], 5);
	assert_true(bits_of(t, ME) == 0);
	fan_out(t, differing[3], 5);
	assert_true(bits_of(t, ME) == 2);
	socket_table_free(t);
}

static bool collect(void *self, struct socket_entry *s)
{
	uint16_t **next = self;
	*(*next)++ = s->socket.port;
	return true;
}

static void test_eviction_and_order(void **state)
{
	(void)state;
	struct socket_table *t = table_new(16);
	struct error err;
	uint16_t ports[16], *next = ports;
	for (uint16_t i = 0; i < 40; i++) {
		tell(t, at(10, 1, (uint16_t)(100 + i)), PEER(1), HEADER, 0);
		tell(t, at(10, 1, 100), PEER(1), HEADER, 0); /* stays fresh, so it is never the oldest */
	}
	assert_int_equal(socket_table_count(t), 16);
	assert_int_equal(socket_table_evicted(t), 24);
	assert_true(socket_table_each(t, collect, &next, &err));
	assert_int_equal(ports[0], 100); /* by first evidence */
	for (unsigned i = 1; i < 16; i++)
		assert_int_equal(ports[i], 124 + i);
	socket_table_free(t);
}

/* The table grows its buckets: whoever was found before is found after. */
static void test_many_sockets(void **state)
{
	(void)state;
	struct socket_table *t = table_new(20000);
	for (uint16_t i = 0; i < 10000; i++)
		tell(t, at(10, 1, i), PEER(1), HEADER, 0);
	assert_int_equal(socket_table_count(t), 10000);
	for (uint16_t i = 0; i < 10000; i++)
		assert_true(bits_of(t, at(10, 1, i)) == 3);
	assert_true(bits_of(t, at(10, 1, 10000)) < 0);
	socket_table_free(t);
}

/* What spoke against a socket may have been evicted with it: its second entry is suspected at most. */
static void test_eviction_makes_no_verdict(void **state)
{
	(void)state;
	const struct endpoint me = ME, old = at(10, 2, 1);
	struct socket_table *t = table_new(2);
	tell(t, ME, PEER(1), HEADER, 0);
	tell(t, ME, PEER(1), REFUSED, 0);
	tell(t, old, PEER(1), HEADER, 0);
	tell(t, at(10, 3, 1), PEER(1), HEADER, 0);
	assert_null(socket_table_find(t, 0, IPPROTO_UDP, &me));
	tell(t, PEER(1), ME, REFLECTED, 0x0a000001); /* evicts old, gives me 20 */
	struct socket_entry *s = socket_table_find(t, 0, IPPROTO_UDP, &me);
	assert_true(socket_bits(s) == 20);
	assert_int_equal(socket_verdict(t, s), VERDICT_SUSPECTED);
	tell(t, PEER(2), ME, REFLECTED, 0x0a000001);
	assert_int_equal(socket_verdict(t, s), VERDICT_SUSPECTED);
	socket_table_free(t);
	/* One that was there before the first eviction is judged as ever. */
	t = table_new(2);
	tell(t, PEER(1), ME, REFLECTED, 0x0a000001);
	for (uint16_t i = 0; i < 5; i++) {
		tell(t, at(10, 2, i), PEER(1), HEADER, 0);
		tell(t, ME, PEER(1), HEADER, 0);
	}
	assert_int_equal(socket_table_evicted(t), 4);
	assert_int_equal(socket_verdict(t, socket_table_find(t, 0, IPPROTO_UDP, &me)), VERDICT_RECOGNISED);
	socket_table_free(t);
}

static void ignore_observation(void *self, const struct observation *o)
{
	(void)self;
	(void)o;
}

/* What the flow knows after the dissectors have seen these payloads, one datagram each. */
static struct flow_identity identity_after(const char *one, const char *two)
{
	struct error err;
	struct identifier *id =
		identifier_new((struct observer){ .observed = ignore_observation }, NULL, NULL, &err);
	assert_non_null(id);
	struct flow flow = { .key = { .low = ME, .high = PEER(1), .l4 = IPPROTO_UDP }, .first_packet = 1 };
	const char *payloads[] = { one, two };
	for (unsigned i = 0; i < 2 && payloads[i]; i++) {
		const struct span payload = { (const uint8_t *)payloads[i], strlen(payloads[i]) };
		const struct packet p = { .key = flow.key,
					  .payload = payload,
					  .payload_wire = (uint32_t)payload.len };
		const struct flow_step step = {
			.flow = &flow, .is_new = i == 0, .head = payload, .fresh = payload.len
		};
		(void)identifier_packet(id, &p, &step);
	}
	identifier_ended(id, &flow);
	struct flow_identity out = flow.id;
	identifier_free(id);
	return out;
}

/* A message of constants; what matters is that the test wants a table for its socket. */
static void say_random(struct socket_table *t, struct endpoint from)
{
	struct error err;
	packet++;
	const struct observation o = { .ts_ns = (int64_t)packet,
				       .packet = packet,
				       .from = from,
				       .to = PEER(1),
				       .l4 = IPPROTO_UDP,
				       .kind = RANDOM,
				       .has_head = true };
	assert_true(socket_table_observe(t, &o, &err));
}

static enum verdict verdict_of(struct socket_table *t, struct endpoint e)
{
	return socket_verdict(t, socket_table_find(t, 0, IPPROTO_UDP, &e));
}

/* Without room for the test that may speak against it, a socket is suspected at most, for good, and counted.
 */
static void test_untested_makes_no_verdict(void **state)
{
	(void)state;
	const struct endpoint last = at(10, 2, 1), beyond = at(10, 3, 1), another = at(10, 4, 1);
	struct socket_table *t = table_new(SOCKET_CSC_MAX + 2);
	for (unsigned i = 1; i < SOCKET_CSC_MAX; i++)
		say_random(t, at(10, 1, (uint16_t)i));
	say_random(t, last);
	assert_int_equal(socket_table_untested(t), 0);
	for (int i = 0; i < 3; i++) /* counted once */
		say_random(t, beyond);
	assert_int_equal(socket_table_untested(t), 1);
	tell(t, PEER(1), last, REFLECTED, 0x0a000002); /* its own address: 20 bits */
	tell(t, PEER(1), beyond, REFLECTED, 0x0a000003);
	assert_true(bits_of(t, beyond) == 20);
	assert_int_equal(verdict_of(t, last), VERDICT_RECOGNISED);
	assert_int_equal(verdict_of(t, beyond), VERDICT_SUSPECTED);
	tell(t, PEER(1), another, REFLECTED, 0x0a000004); /* whom nobody wants to test */
	assert_int_equal(verdict_of(t, another), VERDICT_RECOGNISED);
	assert_int_equal(socket_table_evicted(t), 0);
	/* A place that becomes free is no help: the test would not see how the socket began. */
	tell(t, at(10, 5, 1), PEER(1), HEADER, 0);
	assert_int_equal(socket_table_evicted(t), 1);
	say_random(t, beyond);
	assert_null(socket_table_find(t, 0, IPPROTO_UDP, &beyond)->csc);
	assert_int_equal(verdict_of(t, beyond), VERDICT_SUSPECTED);
	assert_int_equal(socket_table_untested(t), 1);
	socket_table_free(t);
}

/* Evidence about a flow and its label are of one protocol: bits of two never add up. */
static void test_two_protocols_on_a_flow(void **state)
{
	(void)state;
	struct flow_identity id = identity_after("101L", "11"); /* one alone: 10, then 15 more */
	assert_true(id.bits == 25 && id.protocol == 1 && id.kinds == 3);
	assert_string_equal(id.label, "first-label");
	id = identity_after("10", "10"); /* each kind counts once */
	assert_true(id.bits == 10);
	id = identity_after("111L202L", NULL); /* 15 against 10: the second is not heard, nor its label */
	assert_true(id.bits == 15 && id.protocol == 1 && id.kinds == 2);
	assert_string_equal(id.label, "first-label");
	id = identity_after("101L212L", NULL); /* 10 against 15: the second takes over */
	assert_true(id.bits == 15 && id.protocol == 2 && id.kinds == 2);
	assert_string_equal(id.label, "second-label");
	id = identity_after("101L21", NULL); /* ... and the label of the first goes with its bits */
	assert_true(id.bits == 15 && id.protocol == 2);
	assert_null(id.label);
	id = identity_after("10111L", "21222L"); /* 25 against 15 and 30: single pieces, not their sum */
	assert_true(id.bits == 30 && id.protocol == 2 && id.kinds == 4);
	id = identity_after("10", "20"); /* equal: who was first */
	assert_true(id.bits == 10 && id.protocol == 1);
	assert_null(id.label);
	id = identity_after("1L", "202L"); /* a mere label gives way to evidence */
	assert_true(id.bits == 10 && id.protocol == 2);
	assert_string_equal(id.label, "second-label");
	id = identity_after("1L", "2L");
	assert_string_equal(id.label, "first-label");
}

static int set_up(void **state)
{
	struct error err;
	(void)state;
	internal = netset_new();
	return internal && netset_add(internal, "10.0.0.0/8", &err) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	netset_free(internal);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_is_kept),
		cmocka_unit_test(test_caps_and_verdicts),
		cmocka_unit_test(test_counter),
		cmocka_unit_test(test_counter_with_few_peers),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_nonce),
		cmocka_unit_test(test_reflected),
		cmocka_unit_test(test_agreed),
		cmocka_unit_test(test_randomness),
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_repeated_by_structure),
		cmocka_unit_test(test_eviction_and_order),
		cmocka_unit_test(test_many_sockets),
		cmocka_unit_test(test_eviction_makes_no_verdict),
		cmocka_unit_test(test_untested_makes_no_verdict),
		cmocka_unit_test(test_two_protocols_on_a_flow),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
