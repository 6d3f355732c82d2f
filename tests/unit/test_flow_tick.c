/*
 * Expiry on an idle link: a table that is ticked against one that is not. What a packet meets must be the
 * same in both; the ticked one only knows earlier.
 */
#include "flow/flow_table.h"
#include "chance.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define IDLE       (200 * NS_PER_S)
#define STEP       (250 * NS_PER_MS) /* as a live source ticks */
#define BEGIN      (INT64_C(1700000000) * NS_PER_S)
#define MAX_ENDED  40000
#define TUPLES     40U
#define OPERATIONS 30000

static unsigned chance_below(struct chance *c, unsigned n)
{
	return (unsigned)(chance_unit(c) * n);
}

struct ended {
	uint64_t first_packet, last_packet, packets;
	int64_t first_ns, last_ns;
	enum flow_end why;
};
struct world {
	struct flow_table *table;
	struct ended *ended;
	size_t count;
	uint64_t number;
};

static void on_ended(void *self, struct flow *flow, enum flow_end why)
{
	struct world *w = self;

	assert_true(w->count < MAX_ENDED);
	w->ended[w->count++] = (struct ended){
		flow->first_packet, flow->last_packet, flow->side[0].packets + flow->side[1].packets,
		flow->first_ns,     flow->last_ns,     why,
	};
}

static void world_open(struct world *w)
{
	const struct flow_table_options options = { .idle_ns = IDLE, .max_flows = 1000, .head_bytes = 0 };
	struct error err;

	*w = (struct world){ .ended = calloc(MAX_ENDED, sizeof *w->ended) };
	assert_non_null(w->ended);
	w->table = flow_table_new(&options, (struct flow_table_listener){ on_ended, w }, &err);
	assert_non_null(w->table);
}

static void world_close(struct world *w)
{
	flow_table_free(w->table);
	free(w->ended);
}

static struct flow_key key_of(unsigned tuple)
{
	return (struct flow_key){
		.low = { ip_from_v4((const uint8_t[4]){ 10, 0, 0, 1 }), (uint16_t)(1000 + tuple) },
		.high = { ip_from_v4((const uint8_t[4]){ 10, 0, 0, 2 }), 53 },
		.l4 = IPPROTO_UDP,
	};
}

static void packet(struct world *w, unsigned tuple, int64_t ts_ns)
{
	static const uint8_t payload[3] = "xyz";
	struct packet p = { .ts_ns = ts_ns,
			    .number = ++w->number,
			    .key = key_of(tuple),
			    .from_low = true,
			    .payload = { payload, sizeof payload },
			    .payload_wire = sizeof payload,
			    .l3_wire = 31 };
	struct flow_step step;
	struct error err;

	assert_true(flow_table_packet(w->table, &p, flow_table_hash(w->table, &p), &step, &err));
	flow_table_settle(w->table, &p, &step, WANT_NOTHING);
}

/* Ticks as a live source gives them: after `from`, the last one at `to`. */
static void quiet(struct world *w, int64_t from, int64_t to)
{
	for (int64_t now = from + STEP; now < to; now += STEP)
		flow_table_tick(w->table, now);
	flow_table_tick(w->table, to);
}

static uint64_t flows_begun(struct world *w)
{
	struct flow_table_stats stats;

	flow_table_stats(w->table, &stats);
	return stats.flows;
}

static void test_before_the_first_packet(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	flow_table_tick(w.table, BEGIN - 3600 * NS_PER_S);
	flow_table_tick(w.table, BEGIN + 3600 * NS_PER_S);
	packet(&w, 1, BEGIN);
	packet(&w, 1, BEGIN + IDLE);
	assert_int_equal(w.count, 0);
	assert_int_equal(flows_begun(&w), 1);
	world_close(&w);
}

static void test_at_exactly_the_timeout(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	packet(&w, 1, BEGIN);
	quiet(&w, BEGIN, BEGIN + IDLE);
	assert_int_equal(w.count, 0);
	/* D1: exactly the timeout apart is one flow. */
	packet(&w, 1, BEGIN + IDLE);
	assert_int_equal(flows_begun(&w), 1);
	/* And its deadline has moved with the packet. */
	quiet(&w, BEGIN + IDLE, BEGIN + 2 * IDLE);
	assert_int_equal(w.count, 0);
	world_close(&w);
}

static void test_one_nanosecond_later(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	packet(&w, 1, BEGIN);
	packet(&w, 2, BEGIN + NS_PER_S);
	quiet(&w, BEGIN + NS_PER_S, BEGIN + IDLE + 1);
	assert_int_equal(w.count, 1);
	assert_int_equal(w.ended[0].first_packet, 1);
	assert_int_equal(w.ended[0].why, FLOW_END_idle);
	packet(&w, 1, BEGIN + IDLE + 1);
	assert_int_equal(flows_begun(&w), 3);
	/* The other one is still there. */
	packet(&w, 2, BEGIN + NS_PER_S + IDLE);
	assert_int_equal(flows_begun(&w), 3);
	assert_int_equal(w.count, 1);
	world_close(&w);
}

/* A flow that had packets since it was put into the wheel, and then the whole link falls silent. */
static void test_deadlines_that_moved(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	for (int64_t i = 0; i <= 10; i++)
		packet(&w, 1, BEGIN + i * 15 * NS_PER_S);
	int64_t last = BEGIN + 150 * NS_PER_S;

	quiet(&w, last, last + IDLE);
	assert_int_equal(w.count, 0);
	quiet(&w, last + IDLE, last + IDLE + STEP);
	assert_int_equal(w.count, 1);
	assert_int_equal(w.ended[0].packets, 11);
	world_close(&w);
}

static void test_clock_set_ahead(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	packet(&w, 1, BEGIN);
	quiet(&w, BEGIN, BEGIN + 10 * NS_PER_S);
	flow_table_tick(w.table, BEGIN + 86400 * NS_PER_S);
	quiet(&w, BEGIN + 86400 * NS_PER_S, BEGIN + 86410 * NS_PER_S);
	assert_int_equal(w.count, 0);
	/* It was a mistake, and somebody sets it back: the flow goes on as in a file. */
	packet(&w, 1, BEGIN + 150 * NS_PER_S);
	assert_int_equal(flows_begun(&w), 1);
	/* And if it stays: the timeout later, less the 10 s that were heard before. */
	quiet(&w, BEGIN + 150 * NS_PER_S, BEGIN + 160 * NS_PER_S);
	quiet(&w, BEGIN + 86400 * NS_PER_S, BEGIN + (86400 + 190) * NS_PER_S);
	assert_int_equal(w.count, 0);
	quiet(&w, BEGIN + (86400 + 190) * NS_PER_S, BEGIN + (86400 + 191) * NS_PER_S);
	assert_int_equal(w.count, 1);
	world_close(&w);
}

static void test_clock_back_and_forth(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	packet(&w, 1, BEGIN);
	for (int i = 0; i < 2000; i++) {
		flow_table_tick(w.table, BEGIN + 3600 * NS_PER_S);
		flow_table_tick(w.table, BEGIN - 3600 * NS_PER_S);
	}
	/* An hour back, and there for long: by the clock it is before the packet. */
	quiet(&w, BEGIN - 3600 * NS_PER_S, BEGIN - 3000 * NS_PER_S);
	assert_int_equal(w.count, 0);
	packet(&w, 1, BEGIN + IDLE);
	assert_int_equal(flows_begun(&w), 1);
	world_close(&w);
}

/* Set back for good, and believed after some packets: what begins then ends in its time. */
static void test_clock_set_back(void **state)
{
	int64_t back = BEGIN - 1000 * NS_PER_S;
	struct world w;

	(void)state;
	world_open(&w);
	packet(&w, 1, BEGIN);
	quiet(&w, BEGIN, BEGIN + 150 * NS_PER_S);
	for (int64_t i = 0; i < 100; i++)
		packet(&w, 2, back + i * NS_PER_S);
	quiet(&w, back + 99 * NS_PER_S, back + 99 * NS_PER_S + IDLE);
	assert_int_equal(w.count, 0);
	quiet(&w, back + 99 * NS_PER_S + IDLE, back + 99 * NS_PER_S + IDLE + STEP);
	assert_int_equal(w.count, 1);
	assert_int_equal(w.ended[0].packets, 100);
	world_close(&w);
}

/* One frame with an absurd time: the flows of the others stay, and so do ticks with the right time. */
static void test_absurd_packet(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	packet(&w, 1, BEGIN);
	packet(&w, 2, BEGIN + 100 * 86400 * NS_PER_S);
	quiet(&w, BEGIN, BEGIN + IDLE);
	packet(&w, 1, BEGIN + IDLE);
	packet(&w, 3, BEGIN - 100 * 86400 * NS_PER_S);
	quiet(&w, BEGIN + IDLE, BEGIN + 2 * IDLE);
	packet(&w, 1, BEGIN + 2 * IDLE);
	assert_int_equal(flows_begun(&w), 3);
	world_close(&w);
}

/* Whether a flow was looked at decides nothing: a quote of one that is over meets none. */
static void test_quotes(void **state)
{
	struct flow_key key = key_of(1), other = key_of(2);
	struct flow_table_stats stats;
	struct world w;

	(void)state;
	world_open(&w);
	packet(&w, 1, BEGIN);
	assert_true(flow_table_quote_key(w.table, &key, BEGIN + IDLE, 3, 1));
	assert_false(flow_table_quote_key(w.table, &key, BEGIN + IDLE + 1, 3, 1));
	assert_false(flow_table_quote_key(w.table, &other, BEGIN, 3, 1));
	flow_table_stats(w.table, &stats);
	assert_int_equal(stats.icmp_matched, 1);
	world_close(&w);
}

static int by_first_packet(const void *a, const void *b)
{
	const struct ended *x = a, *y = b;

	return x->first_packet < y->first_packet ? -1 : x->first_packet > y->first_packet;
}

static void assert_same(struct world *plain, struct world *ticked, int64_t last_ns)
{
	flow_table_finish(plain->table);
	flow_table_finish(ticked->table);
	assert_int_equal(plain->count, ticked->count);
	qsort(plain->ended, plain->count, sizeof *plain->ended, by_first_packet);
	qsort(ticked->ended, ticked->count, sizeof *ticked->ended, by_first_packet);
	for (size_t i = 0; i < plain->count; i++) {
		struct ended *a = &plain->ended[i], *b = &ticked->ended[i];

		assert_int_equal(a->first_packet, b->first_packet);
		assert_int_equal(a->last_packet, b->last_packet);
		assert_int_equal(a->packets, b->packets);
		assert_int_equal(a->first_ns, b->first_ns);
		assert_int_equal(a->last_ns, b->last_ns);
		/* What no packet came after has timed out, or the trace ended: both are so. */
		if (a->last_ns + IDLE >= last_ns)
			assert_int_equal(a->why, FLOW_END_eof);
		else
			assert_int_equal(a->why, b->why);
	}
}

/* A trace of bursts and silences, some of exactly the timeout; the ticks of one table go astray at times. */
static void test_any_trace(void **state)
{
	static const int64_t gaps[] = { 0,        1,    NS_PER_MS, STEP, NS_PER_S, 40 * NS_PER_S,
					IDLE - 1, IDLE, IDLE + 1 };
	struct world plain, ticked;
	struct chance c = { 7 };
	int64_t now = BEGIN;

	(void)state;
	world_open(&plain);
	world_open(&ticked);
	for (int i = 0; i < OPERATIONS; i++) {
		unsigned tuple = chance_below(&c, TUPLES), kind = chance_below(&c, 100);
		int64_t gap = kind < 60 ? (int64_t)chance_below(&c, 3000) * NS_PER_MS
					: gaps[chance_below(&c, (unsigned)(sizeof gaps / sizeof gaps[0]))];

		if (gap > STEP)
			quiet(&ticked, now, now + gap);
		now += gap;
		if (chance_below(&c, 20) == 0) /* a clock that is set, and set right again */
			flow_table_tick(ticked.table,
					now + ((int64_t)chance_below(&c, 2) * 2 - 1) * 400 * NS_PER_S);
		packet(&plain, tuple, now);
		packet(&ticked, tuple, now);
	}
	assert_true(plain.count > 1000);
	assert_same(&plain, &ticked, now);
	world_close(&plain);
	world_close(&ticked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before_the_first_packet),
		cmocka_unit_test(test_at_exactly_the_timeout),
		cmocka_unit_test(test_one_nanosecond_later),
		cmocka_unit_test(test_deadlines_that_moved),
		cmocka_unit_test(test_clock_set_ahead),
		cmocka_unit_test(test_clock_back_and_forth),
		cmocka_unit_test(test_clock_set_back),
		cmocka_unit_test(test_absurd_packet),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_any_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
