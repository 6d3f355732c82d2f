/* Text of times and durations. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void utc_prints(int64_t ns, const char *expected)
{
	char *out = malloc(UTC_TEXT);

	assert_non_null(out);
	assert_int_equal(utc_format(ns, out), strlen(expected));
	assert_string_equal(out, expected);
	free(out);
}

static void utc_text(void **state)
{
	(void)state;
	utc_prints(0, "1970-01-01T00:00:00.000000Z");
	utc_prints(-1, "1969-12-31T23:59:59.999999Z");
	utc_prints(-NS_PER_S, "1969-12-31T23:59:59.000000Z");
	utc_prints(-86400 * NS_PER_S, "1969-12-31T00:00:00.000000Z");
	utc_prints(999, "1970-01-01T00:00:00.000000Z");
	utc_prints(1000, "1970-01-01T00:00:00.000001Z");
	utc_prints(1156534264 * NS_PER_S + 123456789,
		   "2006-08-25T19:31:04.123456Z"); /* date -u -d @1156534264 */
	utc_prints(951782400 * NS_PER_S, "2000-02-29T00:00:00.000000Z");
	utc_prints(951868799 * NS_PER_S, "2000-02-29T23:59:59.000000Z");
	utc_prints(951868800 * NS_PER_S, "2000-03-01T00:00:00.000000Z");
	utc_prints(4107542400 * NS_PER_S, "2100-03-01T00:00:00.000000Z"); /* 2100 is no leap year */
	utc_prints(4107542399 * NS_PER_S, "2100-02-28T23:59:59.000000Z");
	/* the ends of int64: 2^63 ns = 9223372036.854775808 s */
	utc_prints(INT64_MAX, "2262-04-11T23:47:16.854775Z");
	utc_prints(INT64_MIN, "1677-09-21T00:12:43.145224Z");
}

static unsigned days_in(unsigned year, unsigned month)
{
	static const unsigned days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* A calendar counted by hand, day after day, through the whole range after 1970. */
static void utc_every_day(void **state)
{
	unsigned year = 1970, month = 1, mday = 1;

	(void)state;
	for (int64_t day = 0; day <= 106751; day++) {
		char expected[64], out[UTC_TEXT];
		snprintf(expected, sizeof expected, "%04u-%02u-%02uT12:00:00.000000Z", year, month, mday);
		utc_format((day * 86400 + (day < 106751 ? 43200 : 0)) * NS_PER_S, out);
		if (day < 106751)
			assert_string_equal(out, expected);
		else
			assert_memory_equal(out, expected, 10);
		if (++mday > days_in(year, month)) {
			mday = 1;
			if (++month > 12) {
				month = 1;
				year++;
			}
		}
	}
}

static void duration_is_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} good[] = {
		{ "200s", 200 * NS_PER_S },
		{ "200", 200 * NS_PER_S },
		{ "0", 0 },
		{ "1h30m", 5400 * NS_PER_S },
		{ "250ms", 250 * NS_PER_MS },
		{ "2d", 172800 * NS_PER_S },
		{ "1.5s", 1500 * NS_PER_MS },
		{ "1.5", 1500 * NS_PER_MS },
		{ ".5s", 500 * NS_PER_MS },
		{ "0.000000001s", 1 },
		{ "0.0000000019s", 1 },
		{ "1.25h", 4500 * NS_PER_S },
		{ "0.5d", 43200 * NS_PER_S },
		{ "7us", 7000 },
		{ "7ns", 7 },
		{ "1w", 604800 * NS_PER_S },
		{ "1m1m", 120 * NS_PER_S },
		{ "3 min 20 s", 200 * NS_PER_S },
		{ " 5 ", 5 * NS_PER_S },
		{ "9223372036s", INT64_C(9223372036) * NS_PER_S },
		{ "9223372036.854775807", INT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		int64_t ns = -1;
		struct error err = { 0 };
		if (!duration_parse(good[i].text, &ns, &err))
			fail_msg("'%s': %s", good[i].text, err.text);
		assert_int_equal(ns, good[i].ns);
	}
}

static void duration_errors_teach(void **state)
{
	static const struct {
		const char *text, *says;
	} wrong[] = {
		{ "", "such as 200s" },
		{ " ", "such as 200s" },
		{ "s", "such as 200s" },
		{ ".", "such as 200s" },
		{ "soon", "such as 200s" },
		{ "5x", "'x' is no unit" },
		{ "5S", "'S' is no unit" },
		{ "5sec", "'sec' is no unit" },
		{ "1h30", "the unit after '30' is missing" },
		{ "1 2", "the unit after '1' is missing" },
		{ "1.2.3s", "the unit after '1.2' is missing" },
		{ "-5s", "cannot be negative" },
		{ "9223372037s", "at most 292 years" },
		{ "9223372036.854775808", "at most 292 years" },
		{ "99999999999999999999ns", "at most 292 years" },
		{ "106751d1d", "at most 292 years" },
		{ "5s!", "'s!' is no unit" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		int64_t ns = 42;
		struct error err = { 0 };
		assert_false(duration_parse(wrong[i].text, &ns, &err));
		assert_int_equal(ns, 42);
		assert_int_equal(err.status, EXIT_USAGE);
		if (!strstr(err.text, wrong[i].says))
			fail_msg("'%s' gave: %s", wrong[i].text, err.text);
	}
}

static void duration_prints(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
		{ 0, "0 s" },
		{ 999, "999 ns" },
		{ 1000, "1 us" },
		{ 999499, "999 us" },
		{ 999500, "1 ms" }, /* rounded first */
		{ 250 * NS_PER_MS, "250 ms" },
		{ 999 * NS_PER_MS, "999 ms" },
		{ NS_PER_S, "1 s" },
		{ 1500 * NS_PER_MS, "1.5 s" },
		{ 1449 * NS_PER_MS, "1.4 s" },
		{ 59949 * NS_PER_MS, "59.9 s" },
		{ 59950 * NS_PER_MS, "1 min" },
		{ 200 * NS_PER_S, "3 min 20 s" },
		{ 3599 * NS_PER_S, "59 min 59 s" },
		{ 3600 * NS_PER_S, "1 h" },
		{ 7500 * NS_PER_S, "2 h 5 min" },
		{ 86399 * NS_PER_S, "1 d" },
		{ 93600 * NS_PER_S, "1 d 2 h" },
		{ -200 * NS_PER_S, "-3 min 20 s" },
		{ INT64_MAX, "106752 d" }, /* 106751.99 days */
		{ INT64_MIN, "-106752 d" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *out = malloc(DURATION_TEXT);
		assert_non_null(out);
		assert_int_equal(duration_format(rows[i].ns, out), strlen(rows[i].text));
		assert_string_equal(out, rows[i].text);
		free(out);
	}
}

static void whole_periods(void **state)
{
	(void)state;
	assert_int_equal(time_periods(0, 10), 0);
	assert_int_equal(time_periods(9, 10), 0);
	assert_int_equal(time_periods(10, 10), 1);
	/* Before 1970: -1 is in the period from -10 to -1, and -10 begins it. */
	assert_int_equal(time_periods(-1, 10), -1);
	assert_int_equal(time_periods(-10, 10), -1);
	assert_int_equal(time_periods(-11, 10), -2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_periods),         cmocka_unit_test(utc_text),
		cmocka_unit_test(utc_every_day),         cmocka_unit_test(duration_is_read),
		cmocka_unit_test(duration_errors_teach), cmocka_unit_test(duration_prints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
