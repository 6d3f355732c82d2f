/* Signalling over time (N3): small cases worked out by hand. */
#include "behave/series.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define S    NS_PER_S
#define H    (3600 * S)
#define DAY  (24 * H)
#define T0   (INT64_C(1156464000) * S) /* 2006-08-25T00:00:00Z */
#define IDLE (200 * S)

static struct error err;

static struct flow_record flow_at(uint64_t number, int64_t first_ns, int64_t last_ns, uint64_t packets,
				  uint64_t payload)
{
	return (struct flow_record){ .first_packet = number,
				     .first_ns = T0 + first_ns,
				     .last_ns = T0 + last_ns,
				     .l4 = IPPROTO_UDP,
				     .side = { { .first_ns = T0 + first_ns,
						 .last_ns = T0 + last_ns,
						 .packets = packets - packets / 2,
						 .payload_wire = payload - payload / 2 },
					       { .first_ns = T0 + first_ns,
						 .last_ns = T0 + last_ns,
						 .packets = packets / 2,
						 .payload_wire = payload / 2 } } };
}

static void add(struct series *s, uint32_t client, const struct flow_record *r,
		const struct logged_message *log, bool media)
{
	assert_true(series_add(s,
			       &(struct labelled_flow){
				       .r = r, .log = log, .client = client, .protocol = 2, .media = media },
			       &err));
}

/* The rows as text, a line each: period, hours since T0, flows packets payload, clients active new, logins
 * calls. */
static void expect_rows(const struct series *s, const char *expected)
{
	char text[2000] = "";

	for (uint32_t i = 0; i < series_count(s); i++) {
		const struct period_row *row = series_at(s, i);
		size_t used = strlen(text);
		assert_int_equal(row->protocol, 2);
		snprintf(text + used, sizeof text - used, "%s %g: %llu %llu %llu, %u %u, %u %u\n",
			 period_names[row->period], (double)(row->start_ns - T0) / 3600e9,
			 (unsigned long long)row->flows, (unsigned long long)row->packets,
			 (unsigned long long)row->payload, row->active_clients, row->new_clients, row->logins,
			 row->calls);
	}
	assert_string_equal(text, expected);
}

static void test_hours(void **state)
{
	const struct measured_client clients[] = {
		{ .protocol = 2,
		  .recognised = true,
		  .peers = 2,
		  .first_ns = T0 + 3500 * S,
		  .last_ns = T0 + 30 * H + 9 * S },
		{ .protocol = 2,
		  .recognised = true,
		  .peers = 1,
		  .first_ns = T0 + 3500 * S,
		  .last_ns = T0 + 3700 * S },
		{ .protocol = 2,
		  .peers = 1,
		  .first_ns = T0,
		  .last_ns = T0 + DAY }, /* suspected: not counted */
	};
	struct series *s = series_new(clients, 3, 2 * DAY, IDLE, &err);

	(void)state;
	assert_non_null(s);
	/* Between the two clients, so from both ends. 3500 s: 100 bytes, 3599.99 s: 50, 3700 s: 30; a fourth
	 * packet of 10 bytes is not logged, and comes after these. */
	const struct logged_message log[] = { { 0, 100, TO_RESPONDER, 0 },
					      { 9999000, 50, TO_INITIATOR, 0 },
					      { 10001000, 30, TO_RESPONDER, 0 } };
	struct flow_record r = flow_at(1, 3500 * S, 3700 * S, 4, 190);
	r.sizes = 3;
	add(s, 1, &r, log, false);
	add(s, 2, &r, log, false);
	/* Nothing is logged, and a quarter of its time is before 02:00: 1 of 4 packets, 100 of 403 bytes. */
	r = flow_at(2, 7100 * S, 7500 * S, 4, 403);
	add(s, 1, &r, NULL, false);
	/* Media is no signalling, but the client was there. */
	r = flow_at(3, 30 * H, 30 * H + 9 * S, 1000, 50000);
	add(s, 1, &r, NULL, true);
	assert_true(series_login(s, 2, T0 + 6 * H - 1, &err));
	assert_true(series_call(s, 2, T0 + 30 * H, &err));
	assert_true(series_finish(s, &err));
	expect_rows(s, "hour 0: 1 2 150, 2 2, 0 0\n"
		       "hour 1: 1 3 140, 2 0, 0 0\n"
		       "hour 2: 0 3 303, 1 0, 0 0\n"
		       "hour 5: 0 0 0, 0 0, 1 0\n"
		       "hour 30: 0 0 0, 1 0, 0 1\n"
		       "day 0: 2 8 593, 2 2, 1 0\n"
		       "day 24: 0 0 0, 1 0, 0 1\n");
	assert_int_equal(series_refused(s), 0);
	assert_int_equal(series_refused_clients(s), 0);
	series_free(s);
}

/* Up to 6 hours there are minutes as well; one of 30 s before noon is in one hour and two minutes. */
static void test_minutes(void **state)
{
	const struct measured_client client = { .protocol = 2,
						.recognised = true,
						.peers = 1,
						.first_ns = T0 + 12 * H - 90 * S,
						.last_ns = T0 + 12 * H - 30 * S };
	const struct logged_message log[] = { { 0, 7, TO_RESPONDER, 0 }, { 6000000, 8, TO_RESPONDER, 0 } };
	struct flow_record r = flow_at(1, 12 * H - 90 * S, 12 * H - 30 * S, 2, 15);

	(void)state;
	r.sizes = 2;
	struct series *s = series_new(&client, 1, 6 * H, IDLE, &err);
	add(s, 1, &r, log, false);
	assert_true(series_finish(s, &err));
	assert_int_equal(series_count(s), 4);
	assert_int_equal(series_at(s, 0)->start_ns, T0 + 12 * H - 120 * S);
	assert_int_equal(series_at(s, 0)->payload, 7);
	assert_int_equal(series_at(s, 0)->active_clients, 1);
	assert_int_equal(series_at(s, 0)->new_clients, 1);
	assert_int_equal(series_at(s, 1)->start_ns, T0 + 12 * H - 60 * S);
	assert_int_equal(series_at(s, 1)->payload, 8);
	assert_int_equal(series_at(s, 1)->active_clients, 1);
	assert_int_equal(series_at(s, 1)->new_clients, 0);
	assert_int_equal(series_at(s, 2)->period, PERIOD_hour);
	assert_int_equal(series_at(s, 2)->active_clients, 1);
	assert_int_equal(series_at(s, 3)->period, PERIOD_day);
	assert_int_equal(series_at(s, 3)->packets, 2);
	series_free(s);
	s = series_new(&client, 1, 6 * H + 1, IDLE, &err);
	add(s, 1, &r, log, false);
	assert_true(series_finish(s, &err));
	expect_rows(s, "hour 11: 1 2 15, 1 1, 0 0\nday 0: 1 2 15, 1 1, 0 0\n");
	series_free(s);
}

/* Sizes in the log are those on the wire, up to 32767: they never make more of a flow than it has. */
static void test_sums_are_exact(void **state)
{
	const struct measured_client client = { .protocol = 2,
						.recognised = true,
						.peers = 1,
						.first_ns = T0 + H - S,
						.last_ns = T0 + 3 * H + S };
	const struct logged_message log[] = { { 0, 900, TO_RESPONDER, 0 }, { 200000, 900, TO_RESPONDER, 0 } };
	struct flow_record r = flow_at(1, H - S, 3 * H + S, 1001, 1000);

	(void)state;
	r.sizes = 2;
	struct series *s = series_new(&client, 1, DAY, IDLE, &err);
	add(s, 1, &r, log, false);
	assert_true(series_finish(s, &err));
	/* 900 and the 100 that are left; 999 packets over the 7200 s from 01:00:01 to 03:00:01, of which 3599
	 * s are in the first hour: 499.36 of them, 998.86 with the second. */
	expect_rows(s, "hour 0: 1 1 900, 1 1, 0 0\n"
		       "hour 1: 0 500 100, 1 0, 0 0\n"
		       "hour 2: 0 499 0, 1 0, 0 0\n"
		       "hour 3: 0 1 0, 1 0, 0 0\n"
		       "day 0: 1 1001 1000, 1 1, 0 0\n");
	series_free(s);
}

static void test_bounds(void **state)
{
	const struct measured_client clients[] = {
		{ .recognised = true, .peers = 1, .last_ns = 366 * DAY - 1 },
		{ .recognised = true, .peers = 1, .last_ns = 366 * DAY },
	};
	struct series *s = series_new(clients, 2, 400 * DAY, IDLE, &err);

	(void)state;
	assert_int_equal(series_refused_clients(s), 1);
	/* A frame of 1970 in a flow of 2006: nothing is spread over the years between. */
	struct flow_record r = flow_at(1, 0, S, 3, 30);
	r.first_ns = 0;
	r.disordered = 1;
	add(s, 1, &r, NULL, false);
	assert_true(series_finish(s, &err));
	uint64_t packets = 0;
	for (uint32_t i = 0; i < series_count(s); i++)
		packets += series_at(s, i)->period == PERIOD_day ? series_at(s, i)->packets : 0;
	assert_int_equal(packets, 3);
	assert_true(series_count(s) < 10);
	series_free(s);
	/* One row too many. */
	s = series_new(clients, 0, 400 * DAY, IDLE, &err);
	for (int64_t i = 0; i <= SERIES_ROWS_MAX; i++)
		assert_true(series_login(s, 2, i * H, &err));
	assert_true(series_login(s, 2, 0, &err));
	assert_int_equal(series_refused(s), 1);
	assert_int_equal(series_count(s), SERIES_ROWS_MAX);
	series_free(s);
	series_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hours),
		cmocka_unit_test(test_minutes),
		cmocka_unit_test(test_sums_are_exact),
		cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
