/* Distributions and the messages that charts keep: small cases worked out by hand, and their bounds. */
#include "behave/distributions.h"
#include "behave/kept_messages.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct error err;

/* Three significant digits, upwards at the half. */
static void test_rounding(void **state)
{
	static const int64_t cases[][2] = {
		{ 0, 0 },
		{ 1, 1 },
		{ 999, 999 },
		{ 1000, 1000 },
		{ 1004, 1000 },
		{ 1005, 1010 },
		{ 9994, 9990 },
		{ 9995, 10000 },
		{ 12349, 12300 },
		{ 12350, 12400 },
		{ 99949, 99900 },
		{ 99950, 100000 },
		{ 604800000000000, 605000000000000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(distribution_round(cases[i][0]), cases[i][1]);
}

static void expect(const struct distribution_value *v, unsigned protocol, enum measure_name measure,
		   enum measure_class class, int64_t value, uint64_t count)
{
	assert_int_equal(v->protocol, protocol);
	assert_int_equal(v->measure, measure);
	assert_int_equal(v->class, class);
	assert_int_equal(v->value, value);
	assert_int_equal(v->count, count);
}

static void test_adding(void **state)
{
	struct distributions d = { .key = { { 1, 2 } } };

	(void)state;
	/* Of one value, what differs in the protocol, the measure or the class is apart. */
	assert_true(distributions_add(&d, 1, MEASURE_payload_out, CLASS_PROBE, 1234, 1, &err));
	assert_true(distributions_add(&d, 1, MEASURE_payload_out, CLASS_NON_PROBE, 1234, 2, &err));
	assert_true(distributions_add(&d, 1, MEASURE_payload_in, CLASS_PROBE, 1234, 3, &err));
	assert_true(distributions_add(&d, 0, MEASURE_payload_out, CLASS_PROBE, 1234, 4, &err));
	assert_true(distributions_add(&d, 1, MEASURE_payload_out, CLASS_PROBE, 1234, 5, &err));
	assert_true(distributions_add(&d, 1, MEASURE_payload_out, CLASS_PROBE, 18, 6, &err));
	/* Times are rounded, so that 1.234 s and 1.233 s are one value; sizes are not. */
	assert_true(distributions_add(&d, 1, MEASURE_source_flow_us, CLASS_PROBE, 1234000, 1, &err));
	assert_true(distributions_add(&d, 1, MEASURE_source_flow_us, CLASS_PROBE, 1233000, 1, &err));
	distributions_sort(&d);
	assert_int_equal(d.values, 6);
	assert_int_equal(d.refused, 0);
	expect(&d.value[0], 0, MEASURE_payload_out, CLASS_PROBE, 1234, 4);
	expect(&d.value[1], 1, MEASURE_source_flow_us, CLASS_PROBE, 1230000, 2);
	expect(&d.value[2], 1, MEASURE_payload_out, CLASS_PROBE, 18, 6);
	expect(&d.value[3], 1, MEASURE_payload_out, CLASS_PROBE, 1234, 1 + 5);
	expect(&d.value[4], 1, MEASURE_payload_out, CLASS_NON_PROBE, 1234, 2);
	expect(&d.value[5], 1, MEASURE_payload_in, CLASS_PROBE, 1234, 3);
	distributions_drop(&d);
	assert_int_equal(d.values, 0);
	distributions_sort(&d); /* of nothing */
}

/* At the bound, new values are counted and old ones go on. */
static void test_bound(void **state)
{
	struct distributions d = { .key = { { 1, 2 } } };

	(void)state;
	for (int64_t i = 0; i < DISTRIBUTION_VALUES_MAX; i++)
		assert_true(distributions_add(&d, 0, MEASURE_contacts, CLASS_INTERNAL, i, 1, &err));
	assert_true(distributions_add(&d, 0, MEASURE_contacts, CLASS_INTERNAL, -1, 7, &err));
	assert_true(distributions_add(&d, 0, MEASURE_contacts, CLASS_INTERNAL, 5, 1, &err));
	assert_int_equal(d.values, DISTRIBUTION_VALUES_MAX);
	assert_int_equal(d.refused, 7);
	distributions_sort(&d);
	expect(&d.value[5], 0, MEASURE_contacts, CLASS_INTERNAL, 5, 2);
	distributions_drop(&d);
}

static void test_kept_messages(void **state)
{
	struct kept_messages k = { .key = { { 3, 4 } } };
	const struct logged_message log[] = { { 0, 18, TO_RESPONDER, 0 }, { 7, 11, TO_INITIATOR, 0 } };
	struct flow_record r = { .first_packet = 9, .first_ns = 900, .log_after_ns = 60, .sizes = 2 };

	(void)state;
	assert_true(kept_messages_add(&k, &r, log, &err));
	assert_true(kept_messages_add(&k, &r, log, &err)); /* asked for twice */
	r = (struct flow_record){ .first_packet = 4, .first_ns = 400, .sizes = 1 };
	assert_true(kept_messages_add(&k, &r, log + 1, &err));
	r = (struct flow_record){ .first_packet = 6, .first_ns = 600 }; /* without a log */
	assert_true(kept_messages_add(&k, &r, NULL, &err));
	kept_messages_sort(&k);
	assert_int_equal(k.flows, 2);
	assert_int_equal(k.messages, 3);
	assert_int_equal(k.flow[0].flow, 4);
	assert_int_equal(k.flow[0].log_from_ns, 400);
	assert_int_equal(k.flow[0].count, 1);
	assert_int_equal(k.message[k.flow[0].start].size, 11);
	assert_int_equal(k.flow[1].flow, 9);
	assert_int_equal(k.flow[1].log_from_ns, 960);
	assert_int_equal(k.flow[1].count, 2);
	assert_int_equal(k.message[k.flow[1].start].size, 18);
	assert_int_equal(k.message[k.flow[1].start + 1].gap, 7);
	kept_messages_drop(&k);
}

/* 3906 x 1024 = 3,999,744 messages; 1024 more are over 4,000,000, 256 are not. */
static void test_kept_messages_bound(void **state)
{
	struct kept_messages k = { .key = { { 3, 4 } } };
	struct logged_message *log = calloc(MESSAGE_LOG_MAX, sizeof *log);
	struct flow_record r = { .sizes = MESSAGE_LOG_MAX };

	(void)state;
	assert_non_null(log);
	for (r.first_packet = 1; r.first_packet <= 3907; r.first_packet++)
		assert_true(kept_messages_add(&k, &r, log, &err));
	assert_int_equal(k.flows, 3906);
	assert_int_equal(k.refused, 1);
	r.sizes = 256;
	assert_true(kept_messages_add(&k, &r, log, &err));
	assert_int_equal(k.flows, 3907);
	assert_int_equal(k.messages, KEPT_MESSAGES_MAX);
	kept_messages_drop(&k);
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rounding),
		cmocka_unit_test(test_adding),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_kept_messages),
		cmocka_unit_test(test_kept_messages_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
