/* When a flow was there, and how many peers a client met in 5 minutes (R2): small cases worked out by hand.
 */
#include "behave/contacts.h"
#include "behave/presence.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define S    NS_PER_S
#define IDLE (200 * S)

static struct error err;

static struct flow_record flow_between(int64_t first_s, int64_t last_s)
{
	return (struct flow_record){ .first_packet = 1,
				     .first_ns = first_s * S,
				     .last_ns = last_s * S,
				     .l4 = IPPROTO_UDP,
				     .side = { { .first_ns = first_s * S,
						 .last_ns = last_s * S,
						 .packets = 1 + (first_s != last_s) } } };
}

/* The intervals as text: "0 0 2". */
static void expect_presence(const struct flow_record *r, const struct logged_message *log, int64_t origin_s,
			    int64_t idle_ns, const char *expected)
{
	const struct labelled_flow f = { .r = r, .log = log };
	struct presence p = presence_of(&f, origin_s * S, 300 * S, idle_ns);
	char text[200] = "";
	int64_t interval;

	while (presence_next(&p, &interval)) {
		size_t used = strlen(text);
		snprintf(text + used, sizeof text - used, "%s%lld", used ? " " : "", (long long)interval);
	}
	assert_string_equal(text, expected);
}

/* No gap inside a flow is as long as an interval: each between first and last has a packet. */
static void test_presence_by_ends(void **state)
{
	struct flow_record r = flow_between(1000, 2000);

	(void)state;
	expect_presence(&r, NULL, 1000, IDLE, "0 1 2 3");
	expect_presence(&r, NULL, 1000, 300 * S, "0 1 2 3");
	expect_presence(&r, NULL, 1001, IDLE, "-1 0 1 2 3"); /* -1 s, 299 s, ... 999 s */
	r = flow_between(1000, 1299);
	expect_presence(&r, NULL, 1000, IDLE, "0");
	r = flow_between(1000, 1300);
	expect_presence(&r, NULL, 1000, IDLE, "0 1");
}

/* With a longer timeout the messages tell: at 0, 10 and 650 s; the last packet, at 1000 s, has no payload. */
static void test_presence_by_log(void **state)
{
	const struct logged_message log[] = { { 0, 1, 0, 0 },
					      { 10 * 100000, 1, 0, 0 },
					      { 640 * 100000, 1, 1, 0 } };
	struct flow_record r = flow_between(1000, 2000);

	(void)state;
	r.sizes = 3;
	expect_presence(&r, log, 1000, 301 * S, "0 0 0 2 3");
	/* So they do where a packet came out of order, as nothing bounds how old that is. */
	r.disordered = 1;
	expect_presence(&r, log, 1000, IDLE, "0 0 0 2 3");
	/* Nothing is logged: first and last packet of each side, in order. */
	r.sizes = 0;
	r.side[1] = (struct flow_side){ .first_ns = 1350 * S, .last_ns = 1700 * S, .packets = 2 };
	expect_presence(&r, NULL, 1000, IDLE, "0 1 2 3");
	r.side[1].first_ns = 1700 * S;
	expect_presence(&r, NULL, 1000, IDLE, "0 2 2 3");
}

static void add(struct contacts *c, uint32_t client, uint32_t pair, int64_t first_s, int64_t last_s)
{
	const struct flow_record r = flow_between(first_s, last_s);

	contacts_add(c, &(struct labelled_flow){ .r = &r, .client = client, .pair_index = pair });
}

static uint64_t times(const struct distributions *d, enum measure_class class, int64_t value)
{
	for (uint32_t i = 0; i < d->values; i++)
		if (d->value[i].class == class && d->value[i].value == value) {
			assert_int_equal(d->value[i].measure, MEASURE_contacts);
			assert_int_equal(d->value[i].protocol, class == CLASS_INTERNAL ? 2 : 3);
			return d->value[i].count;
		}
	return 0;
}

static void test_contacts(void **state)
{
	const struct measured_client clients[] = {
		/* Lives 950 s: intervals 0 to 3. */
		{ .protocol = 2,
		  .recognised = true,
		  .internal = true,
		  .peers = 3,
		  .first_ns = 1000 * S,
		  .last_ns = 1950 * S },
		/* 600 s, exactly two intervals: its last packet opens a third. */
		{ .protocol = 3, .recognised = true, .peers = 1, .first_ns = 5000 * S, .last_ns = 5600 * S },
		{ .protocol = 2,
		  .internal = true,
		  .peers = 9,
		  .first_ns = 0,
		  .last_ns = 5000 * S }, /* suspected */
		{ .protocol = 2,
		  .recognised = true,
		  .internal = true,
		  .first_ns = 0,
		  .last_ns = 5000 * S }, /* TCP only */
	};
	struct contacts *c = contacts_new(clients, 4, 5, IDLE, &err);
	struct distributions d = { .key = { { 1, 2 } } };

	(void)state;
	assert_non_null(c);
	/* Pair 0: twice in interval 0, and at the first nanosecond of interval 1. */
	add(c, 1, 0, 1000, 1010);
	add(c, 1, 0, 1250, 1299);
	add(c, 1, 0, 1300, 1300);
	/* Pair 1: one flow through 0, 1 and 2. Pair 2: the last packet. */
	add(c, 1, 1, 1100, 1700);
	add(c, 1, 2, 1950, 1950);
	/* Pair 3, of the other client: in its intervals 0 and 2. */
	add(c, 2, 3, 5000, 5001);
	add(c, 2, 3, 5600, 5600);
	assert_true(contacts_distribute(c, &d, &err));
	/* C(1, i) is 2, 2, 1, 1; C(2, i) is 1, 0, 1. */
	assert_int_equal(times(&d, CLASS_INTERNAL, 2), 2);
	assert_int_equal(times(&d, CLASS_INTERNAL, 1), 2);
	assert_int_equal(times(&d, CLASS_EXTERNAL, 1), 2);
	assert_int_equal(times(&d, CLASS_EXTERNAL, 0), 1);
	assert_int_equal(d.values, 4);
	assert_int_equal(contacts_refused(c), 0);
	distributions_drop(&d);
	contacts_free(c);
}

/* 366 days are kept, a second more is not; and what does not fit into the whole is left out whole. */
static void test_bounds(void **state)
{
	enum { many = 77 };
	struct measured_client clients[many];
	const int64_t year = INT64_C(366) * 86400 * S;

	(void)state;
	for (unsigned i = 0; i < many; i++)
		clients[i] = (struct measured_client){
			.recognised = true, .internal = true, .peers = 1, .last_ns = year - S
		};
	clients[0].last_ns = year;
	struct contacts *c = contacts_new(clients, many, 1, IDLE, &err);
	assert_non_null(c);
	/* 8,000,000 / 105,408 = 75.9: 75 of the other 76. */
	assert_int_equal(contacts_refused(c), 2);
	add(c, 1, 0, 0, 0); /* of those without intervals: nothing happens */
	add(c, many, 0, 0, 0);
	struct distributions d = { .key = { { 1, 2 } } };
	assert_true(contacts_distribute(c, &d, &err));
	assert_int_equal(d.values, 1);
	assert_int_equal(d.value[0].value, 0);
	assert_int_equal(d.value[0].count, 75 * CONTACTS_CLIENT_MAX);
	distributions_drop(&d);
	contacts_free(c);
	contacts_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_presence_by_ends),
		cmocka_unit_test(test_presence_by_log),
		cmocka_unit_test(test_contacts),
		cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
