/*
 * Evidence about sockets, with a protocol of the test's own: each kind of test, caps, who is kept, eviction.
 */
#include "identify/sockets.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { HEADER, COUNTER, NONCE, REFLECTED, REFUSED, RECEIVER };
static const struct evidence_kind kinds[] = {
	[HEADER] = { "header", "", ABOUT_SOCKETS, TEST_NONE, 3, 6, 0 },
	[COUNTER] = { "counter", "", ABOUT_SENDER, TEST_COUNTER, 4, 12, -2 },
	[NONCE] = { "nonce", "", ABOUT_SENDER, TEST_NONCE, 1, 3, -5 },
	[REFLECTED] = { "reflected", "", ABOUT_RECEIVER, TEST_REFLECTED, 20, 30, 0 },
	[REFUSED] = { "refused", "", ABOUT_SOCKETS, TEST_AGAINST, 0, 0, -6 },
	[RECEIVER] = { "receiver", "", ABOUT_RECEIVER, TEST_NONE, 1, 9, 0 },
};
static const struct protocol test_protocol = { .name = "test",
					       .suspected_name = "test?",
					       .kinds = kinds,
					       .kind_count = 6,
					       .kind_refused = REFUSED,
					       .kind_other_label = -1,
					       .kind_many_peers = -1,
					       .kind_tcp_after_udp = -1 };
const struct protocol *const protocols[] = { &test_protocol };
const unsigned protocol_count = 1;
const struct dissector *const dissectors[] = { NULL };
const unsigned dissector_count = 0;

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
	assert_int_equal(s->sum[HEADER].count, 50);
	assert_int_equal(s->sum[HEADER].first_packet, 1);
	assert_int_equal(s->sum[HEADER].last_packet, 50);
	assert_int_equal(socket_verdict(t, s), VERDICT_NONE);
	for (uint16_t i = 0; i < 10; i++)
		tell(t, ME, PEER((uint8_t)i), COUNTER, i);
	assert_int_equal(socket_verdict(t, s), VERDICT_SUSPECTED); /* 6 + 12 */
	for (uint32_t i = 0; i < 3; i++)
		tell(t, ME, PEER(1), NONCE, 0x11223344U * (i + 1));
	assert_int_equal(socket_verdict(t, s), VERDICT_RECOGNISED); /* + 2 */
	socket_entry_add(s, REFUSED, 99);                           /* - 6 */
	assert_int_equal(socket_verdict(t, s), VERDICT_SUSPECTED);
	for (int i = 0; i < 20; i++)
		socket_entry_add(s, REFUSED, 99);
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
		cmocka_unit_test(test_who_is_kept), cmocka_unit_test(test_caps_and_verdicts),
		cmocka_unit_test(test_counter),     cmocka_unit_test(test_nonce),
		cmocka_unit_test(test_reflected),   cmocka_unit_test(test_eviction_and_order),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
