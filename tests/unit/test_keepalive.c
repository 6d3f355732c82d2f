/* Keep-alive intervals, from sequences made by hand: those of the captures (wire B2, C3), and what is none.
 */
#include "behave/keepalive.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define START INT64_C(1156500000000000000)
#define S     INT64_C(1000000000)

struct told {
	double at; /* seconds since the flow's first packet */
	char from; /* '>' the initiator, '<' the responder */
	uint16_t size;
};

static struct logged_message log_of[MESSAGE_LOG_MAX];

static struct keepalive find(const struct told *told, uint32_t n)
{
	int64_t before = 0;
	assert_in_range(n, 0, MESSAGE_LOG_MAX);
	for (uint32_t i = 0; i < n; i++) {
		int64_t tick = (int64_t)(told[i].at * 1e5 + 0.5);
		log_of[i] =
			(struct logged_message){ .gap = (uint32_t)(tick - before),
						 .size = told[i].size,
						 .dir = told[i].from == '>' ? TO_RESPONDER : TO_INITIATOR };
		before = tick;
	}
	return keepalive_of(log_of, n, START);
}
#define FIND(told) find(told, sizeof(told) / sizeof((told)[0]))

static void assert_near(int64_t ns, double seconds)
{
	assert_true(ns > (int64_t)((seconds - 0.001) * 1e9) && ns < (int64_t)((seconds + 0.001) * 1e9));
}

/* Wire B2, login 1, since its SYN: 11, 57 and 36 bytes every 60.0 s, and requests of 13 bytes beside them. */
static void test_supernode_2006(void **state)
{
	(void)state;
	static const struct told told[] = {
		{ 0.15, '>', 14 },    { 0.30, '<', 73 },    { 0.30, '>', 25 },    { 0.45, '<', 587 },
		{ 0.45, '>', 16 },    { 0.60, '<', 274 },   { 0.803, '>', 11 },   { 0.953, '<', 659 },
		{ 0.953, '>', 45 },   { 1.104, '<', 4 },    { 1.918, '>', 13 },   { 2.071, '<', 48 },
		{ 2.227, '>', 13 },   { 2.372, '<', 82 },   { 47.572, '>', 13 },  { 47.814, '<', 48 },
		{ 60.854, '>', 57 },  { 61.275, '<', 21 },  { 120.877, '>', 36 }, { 121.023, '<', 4 },
		{ 123.012, '>', 13 }, { 123.158, '<', 48 }, { 155.154, '>', 13 }, { 155.312, '<', 48 },
	};
	struct keepalive k = FIND(told);
	assert_int_equal(k.count, 3);
	assert_int_equal(k.from, TO_RESPONDER);
	assert_near(k.interval_ns, 60.037);
	assert_near(k.spread_ns, 0.028);
	/* Without the last of them, two messages of different sizes are left: nothing periodic. */
	assert_int_equal(find(told, 18).count, 0);
}

/* Wire C3, form 3: the server's 15 bytes, answered by 4, 30.03 s apart. */
static void test_server_2015(void **state)
{
	(void)state;
	static const struct told told[] = {
		{ 0.1, '>', 60 },   { 1.3, '<', 26 },    { 2.26, '>', 17 },   { 30.134, '<', 15 },
		{ 30.134, '>', 4 }, { 60.167, '<', 15 }, { 60.1672, '>', 4 },
	};
	struct keepalive k = FIND(told);
	assert_int_equal(k.count, 2);
	assert_int_equal(k.from, TO_INITIATOR);
	assert_near(k.interval_ns, 30.033);
	assert_int_equal(k.spread_ns, 0);
	/* One alone has no interval. */
	assert_int_equal(find(told, 5).count, 0);
}

static void test_two_are_not_enough(void **state)
{
	(void)state;
	static const struct told sizes[] = { { 1, '>', 9 }, { 31, '>', 15 }, { 61, '>', 16 + 1 } };
	static const struct told busy[] = {
		{ 1, '>', 9 }, { 31.5, '>', 15 }, { 50, '<', 300 }, { 73, '>', 15 }
	};
	static const struct told sides[] = { { 1, '>', 9 }, { 31, '<', 15 }, { 62, '>', 15 } };
	assert_int_equal(FIND(busy).count, 0);  /* something else happened between the two */
	assert_int_equal(FIND(sides).count, 0); /* not of one side */
	assert_int_equal(FIND(sizes).count, 3); /* three are, whatever their sizes */
	assert_int_equal(find(sizes, 2).count, 0);
}

static void test_tolerance(void **state)
{
	(void)state;
	struct told told[] = { { 0, '>', 5 }, { 60, '>', 6 }, { 120.6, '>', 7 } };
	assert_int_equal(FIND(told).count, 3); /* 1 % */
	told[2].at = 120.61;
	assert_int_equal(FIND(told).count, 0);
	told[2].at = 119.39;
	assert_int_equal(FIND(told).count, 0);
	/* Messages less than 10 s apart are talk; each must end a silence of 5 s. */
	struct told fast[] = { { 0, '>', 5 }, { 9.9, '>', 5 }, { 19.8, '>', 5 }, { 29.7, '>', 5 } };
	assert_int_equal(FIND(fast).count, 0);
	struct told late[] = { { 0, '>', 5 }, { 20, '>', 6 }, { 38, '<', 9 }, { 40, '>', 7 } };
	assert_int_equal(FIND(late).count, 0);
	struct told talk[] = { { 0, '>', 5 },  { 26, '<', 900 }, { 30, '>', 6 }, { 56, '<', 8 },
			       { 60, '>', 7 }, { 86, '<', 9 },   { 90, '>', 8 } };
	struct keepalive k = FIND(talk);
	assert_int_equal(k.from, TO_INITIATOR); /* the server's messages do end one, the client's do not */
	assert_int_equal(k.count, 3);
}

/* The longest run wins over every second one of it; a long log is read as far as its bound. */
static void test_long(void **state)
{
	(void)state;
	struct told told[400];
	for (unsigned i = 0; i < 200; i++) {
		told[2 * i] = (struct told){ 30.0 * i, '>', 4 };
		told[2 * i + 1] = (struct told){ 30.0 * i + 0.1, '<', 4 };
	}
	struct keepalive k = find(told, 20);
	assert_int_equal(k.count, 10);
	assert_near(k.interval_ns, 30.0);
	k = FIND(told);
	assert_int_equal(k.count, KEEPALIVE_BEATS_MAX + 1); /* the first one ends no silence */
	assert_near(k.interval_ns, 30.0);
	assert_int_equal(find(told, 0).count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_supernode_2006),
		cmocka_unit_test(test_server_2015),
		cmocka_unit_test(test_two_are_not_enough),
		cmocka_unit_test(test_tolerance),
		cmocka_unit_test(test_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
