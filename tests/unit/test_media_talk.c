/* The talk of a flow and its holds, by hand: when somebody talked, on which side, and what went meanwhile. */
#include "base/clock.h"
#include "identify/media_talk.h"
#include "close.h"
#include <stdlib.h>
#include <string.h>

#define T0         INT64_C(1156500000000000000)
#define S(seconds) (T0 + (int64_t)((seconds)*1e9))

static struct talk talk;

/* per_second messages of each side in [from, to); 0: none. */
static void go(double from, double to, double out, double in)
{
	double next[2] = { from, from };
	for (;;) {
		int dir = out <= 0 || (in > 0 && next[1] < next[0]) ? 1 : 0;
		double rate = dir ? in : out;
		if (rate <= 0 || next[dir] >= to - 1e-9)
			return;
		talk_message(&talk, dir ? TO_INITIATOR : TO_RESPONDER, S(next[dir]), dir ? 50 : 40);
		next[dir] += 1 / rate;
	}
}

static void over(void)
{
	talk_finish(&talk);
}

static void expect_talk(double first, double last, uint32_t out, uint32_t in, double within)
{
	assert_close((double)(talk.first_ns - T0) / 1e9, first, within);
	assert_close((double)(talk.busy_until_ns - T0) / 1e9, last, within);
	assert_int_equal(talk.busy_seconds[0], out);
	assert_int_equal(talk.busy_seconds[1], in);
}

static int talk_afresh(void **state)
{
	(void)state;
	memset(&talk, 0, sizeof talk);
	return 0;
}

static void test_talk(void **state)
{
	(void)state;
	go(0, 10, 33, 33);
	over();
	expect_talk(0, 10 - 1 / 33., 10, 10, 0.001);
	assert_true(talk.quiet_seconds[0] == 0 && talk.quiet_seconds[1] == 0 && talk.holds == 0);
	talk_afresh(NULL);
	go(0, 10, 33, 5); /* one side is silent, and its few messages are no talk */
	over();
	expect_talk(0, 10 - 1 / 33., 10, 0, 0.001);
	assert_int_equal(talk.quiet_seconds[1], 10);
	talk_afresh(NULL);
	go(0, 10, 8.9, 8.9); /* never ten in one second */
	over();
	assert_true(talk.busy_seconds[0] == 0 && talk.first_ns == 0 && talk.busy_until_ns == 0);
	talk_afresh(NULL);
	for (int64_t i = 0; i < 100; i++)
		talk_message(&talk, TO_RESPONDER, T0 + i * 100 * NS_PER_MS, 40);
	over();
	assert_int_equal(talk.busy_seconds[0], 10);
	talk_afresh(NULL);
	go(0, 7.4, 1, 0); /* signalling before, at its own second */
	go(7.5, 17.5, 20, 20);
	over();
	expect_talk(7.5, 17.5, 11, 11, 1); /* half seconds at both ends */
	assert_true(talk.outside[0] == 7 && talk.outside[1] == 0 && talk.outside_bytes[0] == 7 * 40);
	talk_afresh(NULL);
	go(0, 10, 33, 33);
	go(10, 40, 3, 2); /* on hold, and hung up: no hold, as nothing ends it */
	over();
	expect_talk(0, 10, 10, 10, 1);
	assert_int_equal(talk.holds, 0);
	assert_true(talk.outside[0] == 90 && talk.outside[1] == 60 && talk.outside_bytes[1] == 60 * 50);
	talk_afresh(NULL);
	go(0, 10, 33, 33);
	go(10, 20, 3, 2); /* a hold, and what goes in it is not what goes at the end */
	go(20, 30, 33, 33);
	go(30, 60, 3, 2);
	over();
	assert_int_equal(talk.holds, 1);
	assert_true(talk.outside[0] == 90 && talk.outside_bytes[0] == 90 * 40);
	assert_true(talk.outside[1] == 60 && talk.outside_bytes[1] == 60 * 50);
}

/* Measurements B12. Times are those of whole seconds. */
static void expect_hold(double from, double to, double out, double in, bool is_hold)
{
	talk_afresh(NULL);
	go(0, from, 33, 33);
	go(from, to, out, in);
	go(to, to + 10, 33, 33);
	over();
	assert_int_equal(talk.holds, is_hold);
	assert_int_equal(talk.quiet_seconds[0] + talk.quiet_seconds[1], 0);
	assert_close((double)(talk.busy_until_ns - T0) / 1e9, to + 10, 1);
	assert_in_range(talk.busy_seconds[0], from + 9, from + 12); /* parts of seconds count, too */
	if (!is_hold)
		return;
	assert_close((double)(talk.hold[0].first_ns - T0) / 1e9, from, 1);
	assert_close((double)(talk.hold[0].last_ns - T0) / 1e9, to, 1);
	/* What went in it: at the ends a part of a second is talk. */
	for (int dir = 0; dir < 2; dir++) {
		double rate = dir ? in : out;
		assert_close(talk.hold[0].messages[dir], rate * (to - from), rate + 1);
		assert_int_equal(talk.hold[0].bytes[dir], talk.hold[0].messages[dir] * (dir ? 50 : 40));
	}
}

static void test_holds(void **state)
{
	(void)state;
	expect_hold(10, 22, 1 / 3., 1 / 3., true); /* 1.4 */
	expect_hold(10, 22, 1 / 3., 0, true);      /* ... of which one side is seen, or heard */
	expect_hold(10, 22, 3, 3, true);           /* 0.97 */
	expect_hold(10.3, 130.6, 1 / 3., 1 / 3., true);
	expect_hold(10, 22, 0, 0, false);       /* nothing: a gap */
	expect_hold(10, 22, 5, 5, false);       /* more than a hold has */
	expect_hold(10, 22, 5, 0, false);       /* ... on either side */
	expect_hold(10, 15, 3, 3, false);       /* too short to tell */
	expect_hold(10, 50, 1 / 10., 0, false); /* less than one in 5 s */
}

/* A lull with comfort noise in it, all of it or one message, is none; the next one is judged by itself. */
static void test_silence_is_no_hold(void **state)
{
	(void)state;
	for (int one = 0; one <= 24; one++) { /* 24: all */
		talk_afresh(NULL);
		go(0, 10, 33, 33);
		for (int i = 0; i < 24; i++) {
			talk_message(&talk, TO_RESPONDER, S(10 + 0.5 * i), 40);
			if (one == 24 || i == one)
				talk_silence(&talk);
		}
		go(22, 32, 33, 33);
		go(32, 44, 2, 2);
		go(44, 54, 33, 33);
		over();
		assert_int_equal(talk.holds, 1);
		assert_close((double)(talk.hold[0].first_ns - T0) / 1e9, 32, 1);
		assert_close((double)(talk.hold[0].last_ns - T0) / 1e9, 44, 1);
	}
}

static void test_gap(void **state)
{
	(void)state;
	go(0, 10, 33, 33);
	go(110, 120, 33, 33);
	over();
	expect_talk(0, 120, 20, 20, 1);
	assert_int_equal(talk.holds, 0);
	talk_afresh(NULL); /* what was said before the talk does not fill its gaps */
	go(0, 20, 2, 2);
	go(20, 21, 33, 33);
	go(33, 41, 33, 33);
	over();
	assert_int_equal(talk.holds, 0);
}

/* It has to come back: what is left when one hangs up is no hold. */
static void test_end_is_no_hold(void **state)
{
	(void)state;
	go(0, 10, 33, 33);
	go(10, 60, 1 / 3., 1 / 3.);
	over();
	expect_talk(0, 10, 10, 10, 1);
	assert_int_equal(talk.holds, 0);
}

static void test_many_holds(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		go(20 * i, 20 * i + 10, 33, 33);
		go(20 * i + 10, 20 * i + 20, 1 / 3., 1 / 3.);
	}
	go(200, 210, 33, 33);
	over();
	assert_int_equal(talk.holds, MEDIA_HOLDS_MAX);
	assert_int_equal(talk.holds_missed, 2);
	assert_int_equal(talk.busy_seconds[0], 110);
}

/* Messages that overtake each other, also across the second: the same seconds. */
static void test_disorder(void **state)
{
	(void)state;
	for (int i = 0; i < 500; i++)
		talk_message(&talk, TO_RESPONDER, S(0.02 * (i % 2 ? i - 1 : i + 1)), 40);
	over();
	expect_talk(0.02, 9.98, 10, 0, 0.001);
}

/* One damaged timestamp, however absurd, costs its own second and no time. */
static void test_absurd_times(void **state)
{
	(void)state;
	static const int64_t absurd[] = { INT64_MAX / 4, -(INT64_MAX / 4), 0, T0 + 86400 * NS_PER_S,
					  T0 - 86400 * NS_PER_S };
	for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
		talk_afresh(NULL);
		go(0, 10, 33, 33);
		talk_message(&talk, TO_RESPONDER, absurd[i], 40);
		go(10, 20, 33, 33);
		over();
		assert_close((double)(talk.first_ns - T0) / 1e9, 0, 0.001);
		assert_close((double)(talk.busy_until_ns - T0) / 1e9, 20, 1);
		assert_in_range(talk.busy_seconds[0], 19, 20);
		assert_int_equal(talk.holds, 0);
	}
	talk_afresh(NULL); /* a million jumps there and back, at once */
	for (int i = 0; i < 1000000; i++)
		talk_message(&talk, TO_RESPONDER, i % 2 ? INT64_MAX / 4 : -(INT64_MAX / 4), 40);
	over();
	assert_int_equal(talk.busy_seconds[0], 0);
}

/* A clock that is set goes on from there; what was talk lies between the least and the greatest time. */
static void test_clock_set_back(void **state)
{
	(void)state;
	go(3600, 3610, 33, 33);
	go(0, 10, 33, 33);
	go(10, 22, 1 / 3., 1 / 3.);
	go(22, 30, 33, 33);
	over();
	expect_talk(0, 3610, 28, 28, 1);
}

/* Traces may begin at 1970, and before. */
static void test_zero_and_before(void **state)
{
	(void)state;
	for (int64_t from = -1; from <= 0; from++) {
		talk_afresh(NULL);
		for (int64_t i = 0; i < 1000; i++)
			talk_message(&talk, TO_RESPONDER, from * 10 * NS_PER_S + i * 20 * NS_PER_MS, 40);
		over();
		assert_int_equal(talk.busy_seconds[0], 20);
		assert_int_equal(talk.first_ns, from * 10 * NS_PER_S);
		assert_int_equal(talk.busy_until_ns, from * 10 * NS_PER_S + 19980 * NS_PER_MS);
	}
}

int main(void)
{
#define TALK(name) cmocka_unit_test_setup(name, talk_afresh)
	const struct CMUnitTest tests[] = {
		TALK(test_talk),
		TALK(test_holds),
		TALK(test_silence_is_no_hold),
		TALK(test_gap),
		TALK(test_end_is_no_hold),
		TALK(test_many_holds),
		TALK(test_disorder),
		TALK(test_absurd_times),
		TALK(test_clock_set_back),
		TALK(test_zero_and_before),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
