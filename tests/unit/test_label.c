/*
 * What TCP flows are by the flows before them: retries of an opening (wire C3, form 3), and the memory of
 * what is expected; with the registry's own protocols.
 */
#include "base/clock.h"
#include "identify/expect.h"
#include "store/label.h"
#include "dissectors/bittorrent/bittorrent.h"
#include "dissectors/skype/skype.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MS INT64_C(1000000)

static struct endpoint at(uint8_t a, uint8_t d, uint16_t port)
{
	return (struct endpoint){ ip_from_v4((const uint8_t[4]){ a, 0, 0, d }), port };
}
#define HOST(port) at(10, 1, port)
#define PEER       at(198, 1, 31010)

static int8_t skype(void)
{
	for (unsigned p = 0; p < protocol_count; p++)
		if (protocols[p] == &protocol_skype)
			return (int8_t)p;
	fail();
	return -1;
}

static struct flow_record tcp(struct endpoint from, struct endpoint to, int64_t ns)
{
	return (struct flow_record){ .first_ns = ns,
				     .initiator = from,
				     .responder = to,
				     .l4 = IPPROTO_TCP,
				     .protocol = -1,
				     .syn_seen = true };
}

/* A flow with the padded hello: 22 bits of its own. */
static struct flow_record opening(struct endpoint from, struct endpoint to, int64_t ns)
{
	struct flow_record r = tcp(from, to, ns);
	r.protocol = skype();
	r.label = "skype-tcp";
	r.bits = 22;
	r.role = ROLE_supernode;
	return r;
}

static struct candidates nobody;
static struct netset *internal;
static struct openings openings;

static void remember(struct flow_record r)
{
	struct error err;
	assert_true(openings_add(&openings, &r, VERDICT_BITS_DEFAULT, &err));
}

static struct flow_row label(struct flow_record *r)
{
	struct flow_row row;
	label_record(&nobody, &openings, NULL, r, &row);
	return row;
}

static const char *label_of(struct flow_record r)
{
	return label(&r).protocol ? r.label : NULL;
}

static void test_retry(void **state)
{
	(void)state;
	struct error err;
	remember(opening(HOST(50114), PEER, 74573 * MS));
	remember(opening(HOST(50137), PEER, 130869 * MS));
	remember(opening(HOST(50200), at(198, 2, 31010), 1000 * MS));
	assert_true(openings_sort(&openings, &err));

	struct flow_record r = tcp(HOST(50118), PEER, 75685 * MS); /* 1.112 s after */
	struct flow_row row = label(&r);
	assert_string_equal(row.protocol, "skype");
	assert_string_equal(r.label, "skype-tcp");
	assert_int_equal(row.source, LABEL_FROM_opening);
	assert_true(row.bits == 22);
	assert_int_equal(row.client, 0); /* no client socket is known at all */
	assert_int_equal(r.role, ROLE_supernode);

	/* The window: 5 s, from the latest opening before the flow, and never before it. */
	assert_non_null(label_of(tcp(HOST(1), PEER, 74573 * MS + 5000 * MS)));
	assert_null(label_of(tcp(HOST(1), PEER, 74573 * MS + 5000 * MS + 1)));
	assert_null(label_of(tcp(HOST(1), PEER, 74573 * MS - 1)));
	assert_null(label_of(tcp(HOST(1), PEER, 130869 * MS - 1)));
	assert_non_null(label_of(tcp(HOST(1), PEER, 130869 * MS)));
	/* The same host, address and port; in that direction; from the first packet; over TCP. */
	assert_null(label_of(tcp(at(10, 2, 1), PEER, 75685 * MS)));
	assert_null(label_of(tcp(HOST(1), at(198, 1, 31011), 75685 * MS)));
	assert_null(label_of(tcp(HOST(1), at(198, 2, 31010), 75685 * MS)));
	assert_null(label_of(tcp(PEER, HOST(1), 75685 * MS)));
	r = tcp(HOST(1), PEER, 75685 * MS);
	r.syn_seen = false;
	assert_null(label_of(r));
	r = tcp(HOST(1), PEER, 75685 * MS);
	r.l4 = IPPROTO_UDP;
	assert_null(label_of(r));
	/* libndpi's word against it, if it is from payload. */
	r = tcp(HOST(1), PEER, 75685 * MS);
	r.ndpi_label = "TLS";
	assert_non_null(label_of(r));
	r.ndpi_by_payload = true;
	assert_null(label_of(r));
	r.ndpi_label = "Skype_Teams";
	assert_non_null(label_of(r));
	openings_drop(&openings);
}

/* What is no opening: too few bits, another label, another transport, a retry. */
static void test_no_opening(void **state)
{
	(void)state;
	struct error err;
	struct flow_record r = opening(HOST(1), PEER, 0);
	r.bits = 19;
	remember(r);
	r = opening(HOST(1), PEER, 0);
	r.label = "skype-login";
	remember(r);
	r = opening(HOST(1), PEER, 0);
	r.l4 = IPPROTO_UDP;
	remember(r);
	remember(tcp(HOST(1), PEER, 0));
	assert_int_equal(openings.count, 0);
	assert_true(openings_sort(&openings, &err));
	assert_null(label_of(tcp(HOST(1), PEER, 1)));
}

/* A role is given only to what is recognised. */
static void test_role_without_label(void **state)
{
	(void)state;
	struct flow_record r = opening(HOST(1), PEER, 0);
	assert_string_equal(label(&r).protocol, "skype");
	assert_int_equal(r.role, ROLE_supernode);
	r = opening(HOST(1), PEER, 0);
	r.bits = 5; /* its dissector was not sure enough */
	assert_null(label(&r).protocol);
	assert_string_equal(r.label, "unknown");
	assert_int_equal(r.role, ROLE_none);
}

/* --- two users of one socket ------------------------------------------------------------------------------
 */

static unsigned index_of(const struct protocol *protocol)
{
	for (unsigned p = 0; p < protocol_count; p++)
		if (protocols[p] == protocol)
			return p;
	fail();
	return 0;
}

/* The dissectors of a protocol over UDP, as in flow_record. */
static uint32_t udp_dissectors_of(const struct protocol *protocol)
{
	uint32_t bits = 0;
	for (unsigned i = 0; i < dissector_count; i++)
		if (dissectors[i]->protocol == protocol && dissectors[i]->l4 == IPPROTO_UDP)
			bits |= UINT32_C(1) << i;
	assert_true(bits);
	return bits;
}

/* All that can be said for a socket, by and to a dozen peers. */
static void make_client(struct socket_table *sockets, struct endpoint socket, const struct protocol *protocol)
{
	struct error err;
	for (uint16_t n = 1; n <= 12; n++)
		for (unsigned k = 0; k < protocol->kind_count; k++) {
			const struct evidence_kind *kind = &protocol->kinds[k];
			bool sender = kind->about == ABOUT_SENDER;
			if (kind->about == ABOUT_FLOW || kind->test == TEST_AGAINST ||
			    kind->test == TEST_NONCE || kind->test == TEST_RANDOMNESS)
				continue;
			const struct observation o = {
				.packet = n,
				.from = sender ? socket : at(198, (uint8_t)n, 7000),
				.to = sender ? at(198, (uint8_t)n, 7000) : socket,
				.l4 = IPPROTO_UDP,
				.protocol = (uint8_t)index_of(protocol),
				.kind = (uint8_t)k,
				.value = kind->test == TEST_COUNTER ? n : 0x0a000001, /* its own address */
			};
			assert_true(socket_table_observe(sockets, &o, &err));
		}
}

/* Each of both is recognised at the socket: what the flow itself holds says whose it is. */
static void test_two_protocols_on_a_socket(void **state)
{
	(void)state;
	struct error err;
	const struct protocol *both[] = { &protocol_bittorrent, &protocol_skype };
	const struct socket_options options = { .max_sockets = 16,
						.verdict_bits = VERDICT_BITS_DEFAULT,
						.suspect_bits = SUSPECT_BITS_DEFAULT,
						.internal = internal };
	struct socket_table *sockets = socket_table_new(&options, &err);
	struct candidates c;
	uint32_t recognised;
	make_client(sockets, HOST(40000), both[0]);
	make_client(sockets, HOST(40000), both[1]);
	assert_true(candidates_gather(&c, sockets, 16, &err));
	assert_true(candidates_verdicts(&c, &recognised, &err));
	assert_int_equal(recognised, 2);
	for (unsigned i = 0; i < 4; i++) { /* of either, in either direction */
		const struct protocol *mine = both[i & 1];
		struct flow_row row;
		struct flow_record r = { .initiator = i & 2 ? PEER : HOST(40000),
					 .responder = i & 2 ? HOST(40000) : PEER,
					 .l4 = IPPROTO_UDP,
					 .protocol = -1,
					 .matched = udp_dissectors_of(mine) };
		r.side[0].packets = r.side[1].packets = 1;
		label_record(&c, &openings, NULL, &r, &row);
		assert_string_equal(row.protocol, mine->name);
		assert_string_equal(r.label, mine->udp_label);
		assert_int_equal(r.protocol, index_of(mine));
		assert_int_equal(row.source, LABEL_FROM_socket);
		const struct endpoint socket = HOST(40000);
		assert_int_equal(row.client, client_at(&c, index_of(mine), &socket)->client);
		r.matched = 0; /* nothing of its own: one of them, whichever */
		r.protocol = -1;
		label_record(&c, &openings, NULL, &r, &row);
		assert_non_null(row.protocol);
	}
	candidates_drop(&c);
	socket_table_free(sockets);
}

/* BS IV.B.6: 20 peers asked over UDP, and nothing ever came. */
static bool is_cut_off(uint32_t asked, bool answered, bool called)
{
	struct error err;
	const struct socket_options options = { .max_sockets = 16,
						.verdict_bits = VERDICT_BITS_DEFAULT,
						.suspect_bits = SUSPECT_BITS_DEFAULT,
						.internal = internal };
	struct socket_table *sockets = socket_table_new(&options, &err);
	const struct endpoint own = HOST(40000), other = at(10, 77, 40000);
	const unsigned skype = index_of(&protocol_skype);
	struct candidates c;
	uint32_t recognised;

	make_client(sockets, HOST(40000), &protocol_skype);
	assert_true(candidates_gather(&c, sockets, 64, &err));
	for (uint32_t i = 0; i < asked + called; i++) {
		struct flow_record r = { .initiator =
						 i < asked ? HOST(40000) : at(198, (uint8_t)(i + 1), 7000),
					 .responder =
						 i < asked ? at(198, (uint8_t)(i + 1), 7000) : HOST(40000),
					 .l4 = IPPROTO_UDP,
					 .protocol = -1,
					 .first_packet = i + 1,
					 .matched = udp_dissectors_of(&protocol_skype) };
		r.side[TO_RESPONDER].packets = 1;
		r.side[TO_INITIATOR].packets = answered && i == 0;
		assert_true(candidates_add(&c, &r, NULL, &err));
	}
	assert_true(candidates_judge(&c, &openings, &err));
	assert_true(candidates_verdicts(&c, &recognised, &err));
	assert_int_equal(recognised, 1);
	bool result = candidates_cut_off(&c, skype, &own.ip);
	assert_false(candidates_cut_off(&c, index_of(&protocol_bittorrent), &own.ip));
	assert_false(candidates_cut_off(&c, skype, &other.ip));
	candidates_drop(&c);
	socket_table_free(sockets);
	return result;
}

static void test_cut_off(void **state)
{
	(void)state;
	assert_true(is_cut_off(20, false, false));
	assert_false(is_cut_off(19, false, false));
	assert_false(is_cut_off(20, true, false));
	assert_false(is_cut_off(20, false, true));
}

/* Media over TCP join the signalling of the call at the same node (BS IV.D): not the first connection there,
 * not one long after the other, and not one of another host, to another port, or over UDP. */
static void test_second_connection(void **state)
{
	struct error err;
	const struct socket_options options = { .max_sockets = 16,
						.verdict_bits = VERDICT_BITS_DEFAULT,
						.suspect_bits = SUSPECT_BITS_DEFAULT,
						.internal = internal };
	struct socket_table *sockets = socket_table_new(&options, &err);
	struct candidates c;
	struct flow_record r = { .initiator = HOST(50000),
				 .responder = at(198, 1, 7000),
				 .l4 = IPPROTO_TCP,
				 .protocol = -1,
				 .first_ns = 100 * NS_PER_S,
				 .first_packet = 10 };

	(void)state;
	make_client(sockets, HOST(40000), &protocol_skype);
	assert_true(candidates_gather(&c, sockets, 64, &err));
	assert_true(candidates_add(&c, &r, NULL, &err));
	assert_false(candidates_second_connection(&c, &r));
	r.initiator = HOST(50001);
	r.first_packet = 20;
	r.first_ns += 60 * NS_PER_S;
	assert_true(candidates_second_connection(&c, &r));
	r.first_ns++;
	assert_false(candidates_second_connection(&c, &r));
	r.first_ns -= 2;
	r.responder = at(198, 1, 7001);
	assert_false(candidates_second_connection(&c, &r));
	r.responder = at(198, 1, 7000);
	r.l4 = IPPROTO_UDP;
	assert_false(candidates_second_connection(&c, &r));
	r.l4 = IPPROTO_TCP;
	r.initiator = at(10, 77, 50001);
	assert_false(candidates_second_connection(&c, &r));
	candidates_drop(&c);
	socket_table_free(sockets);
}

static struct flow flow_of(uint8_t l4, struct endpoint from, struct endpoint to)
{
	return (struct flow){ .key = { .low = from, .high = to, .l4 = l4 }, .initiator_is_low = true };
}

static uint16_t expected(const struct expectations *e, struct endpoint from, struct endpoint to)
{
	struct flow flow = flow_of(IPPROTO_TCP, from, to);
	return expectations_find(e, &flow);
}

static void test_expected(void **state)
{
	(void)state;
	struct error err;
	struct expectations *e = expectations_new(&err);
	struct flow udp = flow_of(IPPROTO_UDP, HOST(35990), PEER);
	assert_int_equal(expected(e, HOST(1), PEER), 0);
	expectations_add(e, &udp, 1);
	assert_int_equal(expected(e, HOST(1), PEER), 1);     /* to the peer's port */
	assert_int_equal(expected(e, PEER, HOST(35990)), 1); /* or back, to the client's */
	assert_int_equal(expected(e, PEER, HOST(35991)), 0);
	assert_int_equal(expected(e, HOST(1), at(198, 1, 80)), 0);
	assert_int_equal(expected(e, at(10, 2, 1), PEER), 0);
	struct flow hello = flow_of(IPPROTO_TCP, HOST(50000), at(198, 2, 40001));
	expectations_add(e, &hello, 4);
	assert_int_equal(expected(e, HOST(50001), at(198, 2, 40001)), 4);
	assert_int_equal(expected(e, at(198, 2, 9), HOST(50000)), 0); /* nobody listens there */
	expectations_add(e, &udp, 2);
	assert_int_equal(expected(e, HOST(1), PEER), 3);
	expectations_free(e);
}

/* The newest ones are kept, and every one of these can be found. */
static void test_expected_bound(void **state)
{
	(void)state;
	struct error err;
	struct expectations *e = expectations_new(&err);
	const uint32_t all = 3 * EXPECTATIONS_MAX + 1000, gone = all - EXPECTATIONS_MAX;
	for (uint32_t i = 0; i < all; i++) {
		struct flow hello =
			flow_of(IPPROTO_TCP, at(10, (uint8_t)(i >> 14), 1), at(198, 1, (uint16_t)i));
		hello.key.low.ip.b[13] = (uint8_t)(i >> 16);
		expectations_add(e, &hello, 1);
	}
	for (uint32_t i = 0; i < all; i++) {
		struct endpoint from = at(10, (uint8_t)(i >> 14), 2);
		from.ip.b[13] = (uint8_t)(i >> 16);
		assert_int_equal(expected(e, from, at(198, 1, (uint16_t)i)), i < gone ? 0 : 1);
	}
	expectations_free(e);
}

static int make_nobody(void **state)
{
	(void)state;
	struct error err;
	internal = netset_new();
	if (!internal || !netset_add(internal, "10.0.0.0/8", &err))
		return -1;
	const struct socket_options options = { .max_sockets = 16,
						.verdict_bits = VERDICT_BITS_DEFAULT,
						.suspect_bits = SUSPECT_BITS_DEFAULT,
						.internal = internal };
	struct socket_table *sockets = socket_table_new(&options, &err);
	return sockets && candidates_gather(&nobody, sockets, 16, &err) ? 0 : -1;
}

static int drop_nobody(void **state)
{
	(void)state;
	socket_table_free(nobody.sockets);
	candidates_drop(&nobody);
	netset_free(internal);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retry),          cmocka_unit_test(test_no_opening),
		cmocka_unit_test(test_expected),       cmocka_unit_test(test_role_without_label),
		cmocka_unit_test(test_expected_bound), cmocka_unit_test(test_two_protocols_on_a_socket),
		cmocka_unit_test(test_cut_off),        cmocka_unit_test(test_second_connection),
	};
	return cmocka_run_group_tests(tests, make_nobody, drop_nobody);
}
