/* Pairs, exchanges, the judgement, the spool, row indexes and problems: small tables, worked out by hand. */
#include "base/problems.h"
#include "base/row_index.h"
#include "behave/callers.h"
#include "behave/exchanges.h"
#include "behave/judge.h"
#include "behave/pairs.h"
#include "store/spool.h"
#include "dissectors/skype/skype.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct endpoint at(uint8_t d, uint16_t port)
{
	return (struct endpoint){ ip_from_v4((const uint8_t[4]){ 10, 0, 0, d }), port };
}

static struct flow_record udp_flow(uint64_t id, struct endpoint from, struct endpoint to, uint64_t out,
				   uint64_t in)
{
	return (struct flow_record){
		.first_packet = id,
		.first_ns = (int64_t)id * 1000,
		.last_ns = (int64_t)id * 1000 + 10,
		.initiator = from,
		.responder = to,
		.l4 = IPPROTO_UDP,
		.side = { { .packets = out, .payload_wire = out * 10 },
			  { .packets = in, .payload_wire = in * 20, .first_ns = (int64_t)id * 1000 + 5 } },
	};
}

/* D6: one packet from the initiator and at most one back; anything else is a dialog (D9). */
static void test_probe(void **state)
{
	(void)state;
	struct flow_record r = udp_flow(1, at(1, 1), at(2, 2), 1, 0);
	assert_true(flow_is_probe(&r));
	r.side[1].packets = 1;
	assert_true(flow_is_probe(&r));
	r.side[1].packets = 2;
	assert_false(flow_is_probe(&r));
	r.side[1].packets = 0;
	r.side[0].packets = 2; /* a probe resent for lack of an answer: two packets, so no probe */
	assert_false(flow_is_probe(&r));
}

static void test_pairs(void **state)
{
	(void)state;
	struct error err;
	struct pair_table *t = pair_table_new(2, &err);
	const struct endpoint me = at(1, 5000), a = at(2, 7), b = at(3, 7), c = at(4, 7);
	struct flow_record r = udp_flow(10, me, a, 1, 1);
	assert_true(pair_table_add(t, 1, 0, true, true, &r, &err));
	r = udp_flow(5, a, me, 3, 1); /* closed later, began earlier, and the peer began it */
	assert_true(pair_table_add(t, 1, 0, false, true, &r, &err));
	r = udp_flow(20, me, b, 1, 0);
	assert_true(pair_table_add(t, 1, 0, true, true, &r, &err));
	r = udp_flow(30, me, c, 1, 0); /* beyond the bound: counted, not kept */
	assert_true(pair_table_add(t, 1, 0, true, true, &r, &err));
	r = udp_flow(40, me, b, 1, 0); /* an old pair is kept on */
	assert_true(pair_table_add(t, 1, 0, true, true, &r, &err));

	assert_int_equal(pair_table_count(t), 2);
	assert_int_equal(pair_table_refused(t), 1);
	const struct pair *p = pair_table_find(t, 1, 0, &a);
	assert_non_null(p);
	assert_int_equal(p->total.flows, 2);
	assert_int_equal(p->total.one_time_probes, 1);
	assert_int_equal(p->total.dialogs, 1);
	assert_int_equal(p->total.packets_out, 1 + 1); /* second flow: the client answered once */
	assert_int_equal(p->total.packets_in, 1 + 3);
	assert_int_equal(p->total.payload_in, 20 + 30);
	assert_false(p->client_first);
	assert_int_equal(p->first_ns, 5000);
	assert_int_equal(p->last_ns, 10010);
	p = pair_table_find(t, 1, 0, &b);
	assert_int_equal(p->total.one_time_probes, 2); /* two probes: a heartbeat (D8) */
	const struct peer *peer = pair_table_peer(t, 0, &a);
	assert_true(peer->answered);
	assert_false(pair_table_peer(t, 0, &b)->answered);
	assert_null(pair_table_find(t, 2, 0, &a));
	assert_true(pair_table_find(t, 1, 0, &a)->spoke);
	assert_false(pair_table_find(t, 1, 0, &b)->spoke); /* it never answered */
	assert_null(pair_table_find(t, 1, 0, &c));
	pair_table_free(t);
}

static void test_many_pairs(void **state)
{
	(void)state;
	struct error err;
	struct pair_table *t = pair_table_new(100000, &err);
	for (uint32_t i = 0; i < 20000; i++) {
		struct flow_record r = udp_flow(i + 1, at(1, 5000), at((uint8_t)(i >> 8), (uint16_t)i), 1, 0);
		assert_true(pair_table_add(t, i % 3 + 1, 0, true, true, &r, &err));
	}
	assert_int_equal(pair_table_count(t), 20000);
	for (uint32_t i = 0; i < 20000; i++) {
		const struct endpoint peer = at((uint8_t)(i >> 8), (uint16_t)i);
		const struct pair *p = pair_table_find(t, i % 3 + 1, 0, &peer);
		assert_non_null(p);
		assert_int_equal(p->first_packet, i + 1);
		assert_null(pair_table_find(t, (i + 1) % 3 + 1, 0, &peer));
	}
	pair_table_free(t);
}

/* Who spoke first, and whether the client said anything to it in a flow that is the protocol's. */
static void test_calls(void **state)
{
	(void)state;
	struct error err;
	struct pair_table *t = pair_table_new(20, &err);
	const struct endpoint me = at(1, 5000), answered = at(2, 7), ignored = at(3, 7), stray = at(4, 7);
	struct flow_record r = udp_flow(1, answered, me, 1, 1);
	assert_true(pair_table_add(t, 1, 0, false, true, &r, &err));
	r = udp_flow(2, ignored, me, 3, 0);
	assert_true(pair_table_add(t, 1, 0, false, true, &r, &err));
	r = udp_flow(3, me, ignored, 1, 0); /* another flow: no answer to its call */
	assert_true(pair_table_add(t, 1, 0, true, true, &r, &err));
	r = udp_flow(4, stray, me, 1, 1);
	assert_true(pair_table_add(t, 1, 0, false, false, &r, &err));
	assert_true(pair_table_find(t, 1, 0, &answered)->called);
	assert_true(pair_table_find(t, 1, 0, &answered)->call_answered);
	assert_true(pair_table_find(t, 1, 0, &ignored)->called);
	assert_false(pair_table_find(t, 1, 0, &ignored)->call_answered);
	assert_false(pair_table_find(t, 1, 0, &stray)->called);
	pair_table_free(t);
}

static bool is_supernode(uint32_t callers, uint32_t answered, int64_t seconds)
{
	const struct callers c = { .callers = callers,
				   .answered = answered,
				   .first_ns = 5,
				   .last_ns = 5 + seconds * 1000000000,
				   .flows = true };
	return callers_make_supernode(&c);
}

/* 16 callers, and 16 for each 174 s; at least half of them answered. The client of 2006 has 3 in 174 s. */
static void test_supernode(void **state)
{
	(void)state;
	assert_false(is_supernode(3, 3, 174));
	assert_false(is_supernode(15, 15, 1));
	assert_true(is_supernode(16, 16, 1));
	assert_true(is_supernode(16, 16, 173));
	assert_false(is_supernode(16, 16, 174));
	assert_true(is_supernode(32, 32, 174));
	assert_false(is_supernode(31, 31, 174));
	assert_false(is_supernode(3 * 21, 3 * 21, 3600)); /* that client, for an hour */
	assert_true(is_supernode(16, 8, 1));
	assert_false(is_supernode(16, 7, 1));
	assert_true(is_supernode(17, 9, 1));
	assert_false(is_supernode(17, 8, 1));
	assert_false(is_supernode(1000000, 0, 60)); /* a scan */
	assert_false(callers_make_supernode(&(struct callers){ 0 }));
}

/* Wire B1, B2: 18 bytes answered by 18 accept the client; 51 do not, nor does an answer to something else. */
static void test_acceptance(void **state)
{
	(void)state;
	const struct protocol *p = &protocol_skype;
	struct logged_message log[] = { { 0, 31, TO_RESPONDER, 0 },  { 10, 18, TO_INITIATOR, 0 },
					{ 10, 18, TO_RESPONDER, 0 }, { 10, 51, TO_INITIATOR, 0 },
					{ 10, 18, TO_RESPONDER, 0 }, { 13, 18, TO_INITIATOR, 0 } };
	struct flow_record r = udp_flow(1, at(1, 5000), at(2, 7), 3, 3);
	int64_t ns = 0;
	r.first_ns = 0;
	r.sizes = 5;
	assert_false(pair_acceptance(p, TO_RESPONDER, log, &r, &ns));
	r.sizes = 6;
	assert_true(pair_acceptance(p, TO_RESPONDER, log, &r, &ns));
	assert_int_equal(ns, 53 * MESSAGE_TICK_NS);
	/* 12.345 us, rounded down in the log, and an answer at once: not before its flow. */
	log[5].gap = log[4].gap = log[3].gap = log[2].gap = log[1].gap = 0;
	r.first_ns = 12345;
	assert_true(pair_acceptance(p, TO_RESPONDER, log, &r, &ns));
	assert_int_equal(ns, 12345);
	log[5].dir = TO_RESPONDER; /* not an answer: the client asks again */
	assert_false(pair_acceptance(p, TO_RESPONDER, log, &r, &ns));
	/* The other side's question (here: 18 after 18) is not the client's. */
	assert_true(pair_acceptance(p, TO_INITIATOR, log, &r, &ns));

	/* Wire A3: 18 bytes, a NAK of 11, the question again in 23; here 18 come back (there 51). */
	struct logged_message again[] = { { 0, 18, TO_RESPONDER, 0 },
					  { 10, 11, TO_INITIATOR, 0 },
					  { 10, 23, TO_RESPONDER, 0 },
					  { 10, 18, TO_INITIATOR, 0 } };
	r.first_ns = 0;
	r.sizes = 4;
	assert_true(pair_acceptance(p, TO_RESPONDER, again, &r, &ns));
	assert_int_equal(ns, 30 * MESSAGE_TICK_NS);
	again[3].size = 51;
	assert_false(pair_acceptance(p, TO_RESPONDER, again, &r, &ns));

	struct error err;
	struct pair_table *t = pair_table_new(4, &err);
	const struct endpoint far = at(2, 7), other = at(3, 7);
	assert_true(pair_table_add(t, 1, 0, true, true, &r, &err));
	pair_table_accepted(t, 1, 0, &far, 500);
	pair_table_accepted(t, 1, 0, &far, 900);
	pair_table_accepted(t, 1, 0, &other, 900); /* no pair: nothing happens */
	assert_true(pair_table_find(t, 1, 0, &far)->accepted);
	assert_int_equal(pair_table_find(t, 1, 0, &far)->accepted_ns, 500);
	pair_table_free(t);
}

static struct occurrence about(uint64_t flow, int64_t ts_ns, struct event event)
{
	return (struct occurrence){ .ts_ns = ts_ns, .packet = (uint64_t)ts_ns, .flow = flow, .event = event };
}

static void test_exchanges(void **state)
{
	(void)state;
	struct error err;
	struct exchange_table *t = exchange_table_new(&err);
	for (uint32_t i = 0; i < EXCHANGE_MESSAGES_MAX + 10; i++) {
		for (uint64_t flow = 1; flow <= 2; flow++) {
			struct occurrence o =
				about(flow, (int64_t)i + 1,
				      (struct event){ EVENT_MESSAGE, .of.message = { i + 5, "x" } });
			assert_true(exchange_table_add(t, &o, &err));
		}
	}
	struct occurrence o =
		about(2, 500,
		      (struct event){ EVENT_EXCHANGE, .of.exchange = { "login", "2006", OUTCOME_FAILURE } });
	assert_true(exchange_table_add(t, &o, &err));
	o.event.of.exchange.outcome = OUTCOME_SUCCESS; /* the last report counts */
	assert_true(exchange_table_add(t, &o, &err));
	o = about(3, 600,
		  (struct event){ EVENT_VERSION_CHECK, .of.version = { "installed", "1.0", "h", "2" } });
	assert_true(exchange_table_add(t, &o, &err));

	assert_int_equal(exchange_table_count(t), 2);
	assert_null(exchange_table_at(t, 0)->role);
	const struct exchange *x = exchange_table_at(t, 1);
	assert_string_equal(x->role, "login");
	assert_string_equal(exchange_outcome_name(x->outcome), "success");
	assert_int_equal(x->messages, EXCHANGE_MESSAGES_MAX + 10);
	assert_int_equal(x->message[0].bytes, 5);
	assert_int_equal(x->message[EXCHANGE_MESSAGES_MAX - 1].bytes, EXCHANGE_MESSAGES_MAX + 4);
	assert_int_equal(x->first_ns, 1);
	assert_int_equal(x->last_ns, 500);
	assert_int_equal(version_check_count(t), 1);
	assert_string_equal(version_check_at(t, 0)->event.of.version.version, "1.0");
	exchange_table_free(t);
}

static void test_judge(void **state)
{
	(void)state;
	static const int64_t times[] = { 100,
					 90,
					 200,
					 200 + 61 * INT64_C(1000000000),
					 201 + 61 * INT64_C(1000000000) + 2 * JUDGE_JUMP_NS,
					 300 };
	struct judge j = { 0 };
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
		judge_frame(&j, times[i]);
	assert_int_equal(j.value[JUDGE_disordered], 2);
	assert_int_equal(j.value[JUDGE_gaps], 2);
	assert_int_equal(j.value[JUDGE_longest_gap_s], 7200);
	assert_int_equal(j.value[JUDGE_clock_jumps], 2);
	assert_int_equal(j.first_ns, 90);
	assert_int_equal(j.greatest_ns, times[4]);

	struct flow_record r = { .l4 = IPPROTO_TCP, .side = { { .packets = 3, .payload_wire = 9 } } };
	judge_flow(&j, &r); /* nobody answered, no SYN, no FIN */
	r.side[1].packets = 1;
	r.tcp_flags = TCP_SYN | TCP_FIN;
	judge_flow(&j, &r);
	r.l4 = IPPROTO_UDP;
	judge_flow(&j, &r);
	assert_int_equal(j.value[JUDGE_one_sided_tcp], 1);
	assert_int_equal(j.value[JUDGE_missing_start], 1);
	assert_int_equal(j.value[JUDGE_missing_end], 1);
}

/* Records of many sizes come back whole and in order, twice, from memory and from the file. */
static void test_spool(void **state)
{
	(void)state;
	static uint8_t bytes[60000];
	struct error err;
	struct span record;
	bool failed;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7);
	for (unsigned records = 0; records <= 3000; records = records * 3 + 1) {
		/* The largest number, 3.8 MB, outgrows 3 MB, and after that a smaller piece several times. */
		struct spool *s = spool_new(records > 1000 ? (size_t)3 << 20 : 0, &err);
		assert_non_null(s);
		for (unsigned i = 0; i < records; i++)
			assert_true(spool_append(s, (struct span){ bytes + i % 50, i * 37 % 5000 },
						 (struct span){ bytes, i % 3 * 1000 }, &err));
		for (int pass = 0; pass < 2; pass++) {
			assert_true(spool_rewind(s, &err));
			for (unsigned i = 0; i < records; i++) {
				size_t first = i * 37 % 5000;
				assert_true(spool_next(s, &record, &failed, &err));
				assert_int_equal(record.len, first + i % 3 * 1000);
				assert_memory_equal(record.ptr, bytes + i % 50, first);
				assert_memory_equal(record.ptr + first, bytes, i % 3 * 1000);
				assert_int_equal((uintptr_t)record.ptr % 16, 0);
			}
			assert_false(spool_next(s, &record, &failed, &err));
			assert_false(failed);
		}
		spool_free(s);
	}
	struct spool *s = spool_new(0, &err);
	assert_false(spool_append(s, (struct span){ bytes, 60000 }, (struct span){ bytes, 10000 }, &err));
	spool_free(s);
}

static void test_spool_without_space(void **state)
{
	(void)state;
	static uint8_t bytes[60000];
	struct error err = { 0 };
	char *before = getenv("TMPDIR"), *kept = before ? strdup(before) : NULL;
	bool ok = true;

	setenv("TMPDIR", "/nonexistent/folder", 1);
	struct spool *s = spool_new(0, &err);
	for (int i = 0; ok && i < 100; i++)
		ok = spool_append(s, (struct span){ bytes, sizeof bytes }, (struct span){ bytes, 0 }, &err);
	assert_false(ok);
	assert_int_equal(err.status, EXIT_OUTPUT);
	assert_non_null(strstr(err.text, "/nonexistent/folder"));
	spool_free(s);
	if (kept)
		setenv("TMPDIR", kept, 1);
	else
		unsetenv("TMPDIR");
	free(kept);
}

static void test_row_index(void **state)
{
	(void)state;
	struct row_index index = { 0 };
	uint32_t at_slot = 0;
	assert_int_equal(row_index_probe(&index, 5, &at_slot), ROW_NONE);
	/* All hashes collide in pairs: every row must still be found, and no other row under another hash. */
	for (uint32_t row = 0; row < 5000; row++)
		assert_true(row_index_add(&index, row / 2, row));
	for (uint32_t row = 0; row < 5000; row++) {
		uint32_t found, hits = 0;
		at_slot = 0;
		while ((found = row_index_probe(&index, row / 2, &at_slot)) != ROW_NONE) {
			assert_int_equal(found / 2, row / 2);
			hits++;
		}
		assert_int_equal(hits, 2);
	}
	row_index_drop(&index);
}

static void test_problems(void **state)
{
	(void)state;
	struct problems p = { 0 };
	problems_add(&p, "first %d", 1);
	problems_add(&p, "second");
	assert_string_equal(p.text, "first 1\nsecond");
	for (int i = 0; i < 10000; i++)
		problems_add(&p, "a line of some length, number %d", i);
	assert_int_equal(p.count, 10002);
	assert_true(strlen(p.text) < PROBLEMS_TEXT);
	assert_string_equal(p.text + strlen(p.text) - 4, "\n...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe),      cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_many_pairs), cmocka_unit_test(test_calls),
		cmocka_unit_test(test_supernode),  cmocka_unit_test(test_acceptance),
		cmocka_unit_test(test_exchanges),  cmocka_unit_test(test_judge),
		cmocka_unit_test(test_spool),      cmocka_unit_test(test_spool_without_space),
		cmocka_unit_test(test_row_index),  cmocka_unit_test(test_problems),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
