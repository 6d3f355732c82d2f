/* Escaping, numbers, and tables for people. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "views/escape.h"
#include "views/page.h"
#include "views/table.h"
#include "views_build.h"
#include <string.h>

static void escapes_html(void **state)
{
	(void)state;
	expect_put(html_put, "<a href=\"x\">'&'</a>",
		   "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
	expect_put(html_put, "caf\xc3\xa9\n", "caf\xc3\xa9\n");
	/* An escape sequence, a lone continuation byte, an overlong '/', a surrogate, right-to-left override.
	 */
	expect_put(html_put, "\x1b[1m", "\xef\xbf\xbd[1m");
	expect_put(html_put, "a\x80z", "a\xef\xbf\xbdz");
	expect_put(html_put, "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd");
	expect_put(html_put, "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	expect_put(html_put, "\xe2\x80\xae", "\xef\xbf\xbd");
	/* A character that the end cuts short. */
	expect_put(html_put, "x\xe2\x80", "x\xef\xbf\xbd\xef\xbf\xbd");
}

static void escapes_json(void **state)
{
	(void)state;
	expect_put(json_put, "", "\"\"");
	expect_put(json_put, "a\"b\\c/\n\t", "\"a\\\"b\\\\c/\\n\\t\"");
	expect_put(json_put, "\x01\x7f", "\"\\u0001\\u007f\"");
	expect_put(json_put, "\xff", "\"\xef\xbf\xbd\"");
	expect_put(json_put, "\xf0\x9f\x91\xa3", "\"\xf0\x9f\x91\xa3\"");
	expect_put(json_put, "\xe2\x80\xa8", "\"\\u2028\"");
}

static void escapes_csv_and_tsv(void **state)
{
	char longer[601], shifted[602];

	(void)state;
	expect_put(csv_put, "plain", "plain");
	expect_put(csv_put, "a,b", "\"a,b\"");
	expect_put(csv_put, "say \"x\"", "\"say \"\"x\"\"\"");
	expect_put(csv_put, "two\nlines", "\"two\nlines\"");
	expect_put(csv_put, "\x1b", "\xef\xbf\xbd");
	/* C1 controls (CSI is U+009B) and what turns text around: in neither. */
	for (unsigned code = 0x80; code < 0xa0; code++) {
		const char control[] = { '\xc2', (char)code, '\0' };
		expect_put(csv_put, control, "\xef\xbf\xbd");
		expect_put(tsv_put, control, "\xef\xbf\xbd");
	}
	expect_put(csv_put, "\xe2\x80\xae", "\xef\xbf\xbd");
	expect_put(tsv_put, "\xe2\x80\xae", "\xef\xbf\xbd");
	expect_put(tsv_put, "a\tb\nc\\d\r", "a\\tb\\nc\\\\d\\r");
	/* Longer than the writer's parts: no character is cut in two, whichever way the parts fall. */
	for (size_t i = 0; i + 3 <= sizeof longer; i += 2)
		memcpy(longer + i, "\xc3\xa9", 3);
	snprintf(shifted, sizeof shifted, "x%s", longer);
	expect_put(tsv_put, longer, longer);
	expect_put(tsv_put, shifted, shifted);
}

static void shows_plain_text(void **state)
{
	char out[64];

	(void)state;
	assert_int_equal(plain_text("ok", out, sizeof out), 2);
	assert_string_equal(out, "ok");
	assert_int_equal(plain_text("\x1b[31m\xff", out, sizeof out), 12);
	assert_string_equal(out, "\\x1b[31m\\xff");
	assert_int_equal(plain_text("\xe2\x80\xae", out, sizeof out), 6);
	assert_string_equal(out, "\\u202e");
	/* Too little room: whole characters only, always ended, and the length that was needed. */
	for (size_t size = 0; size <= 12; size++) {
		memset(out, 'Z', sizeof out);
		assert_int_equal(plain_text("ab\x1b"
					    "cd",
					    out, size),
				 8);
		assert_int_equal(out[size], 'Z');
		if (size) {
			assert_true(strlen(out) < size);
			assert_int_equal(strncmp("ab\\x1bcd", out, strlen(out)), 0);
		}
	}
}

static void puts_plain_text(void **state)
{
	(void)state;
	expect_put(plain_put, "caf\xc3\xa9\x1b]0;x\x07", "caf\xc3\xa9\\x1b]0;x\\x07");
	expect_put(plain_put, "\xc2\x9b\n", "\\x9b\\x0a");
}

/* A shell reads the word as it was; tests/rules.py asks one. */
static void quotes_for_a_shell(void **state)
{
	(void)state;
	expect_put(shell_put, "campus.db", "campus.db");
	expect_put(shell_put, "/a/b-c_d.e:f,g@h%i+j=k", "/a/b-c_d.e:f,g@h%i+j=k");
	expect_put(shell_put, "", "''");
	expect_put(shell_put, "~", "'~'");
	expect_put(shell_put, "a b", "'a b'");
	expect_put(shell_put, "it's", "'it'\\''s'");
	expect_put(shell_put, "$(id)`id`;*?[]{}<>|&!#\"", "'$(id)`id`;*?[]{}<>|&!#\"'");
	/* In a comment of C this would join the next line to it, were it the last character. */
	expect_put(shell_put, "a\\", "'a\\'");
	/* 012, 033, 177 and 303 251 are octal for LF, ESC, DEL and e-acute in UTF-8. */
	expect_put(shell_put, "a\nb", "$'a\\012b'");
	expect_put(shell_put, "\x1b[31m\x7f'\\", "$'\\033[31m\\177\\047\\134'");
	expect_put(shell_put, "caf\xc3\xa9", "$'caf\\303\\251'");
}

static void table_expect(const struct column *columns, size_t count, const char *const *cells,
			 size_t cell_count, unsigned width, unsigned indent, const char *expected)
{
	struct table *t = table_new(columns, count);
	struct sheet s;

	assert_non_null(t);
	for (size_t i = 0; i < cell_count; i++)
		assert_true(columns[i % count].kind == COLUMN_TIME
				    ? table_add_time(t, strtoll(cells[i], NULL, 10))
				    : table_add(t, cells[i]));
	assert_int_equal(table_rows(t), cell_count / count);
	sheet_open(&s);
	table_print(t, s.file, width, indent);
	sheet_expect(&s, expected);
	table_free(t);
}

static const struct column wide_columns[] = {
	{ "name", COLUMN_TEXT, FIT_CUT, 0 },
	{ "count", COLUMN_NUMBER, FIT_KEEP, 0 },
	{ "when", COLUMN_TIME, FIT_KEEP, 0 },
	{ "extra", COLUMN_TEXT, FIT_KEEP, 1 },
};
static const char *const wide_cells[] = {
	"a",
	"5",
	"0",
	"x", /* 1970-01-01T00:00:00Z */
	"a name that is long",
	"12345",
	"3661000000000",
	NULL, /* 01:01:01 */
};

static void table_in_full_width(void **state)
{
	(void)state;
	table_expect(wide_columns, 4, wide_cells, 8, 80, 0,
		     "name                 count  when                  extra\n"
		     "a                        5  1970-01-01T00:00:00Z  x\n"
		     "a name that is long  12345  1970-01-01T01:01:01Z  -\n");
	table_expect(wide_columns, 4, wide_cells, 4, 80, 2,
		     "  name  count  when                  extra\n"
		     "  a         5  1970-01-01T00:00:00Z  x\n");
}

static void table_gives_up_width_in_order(void **state)
{
	(void)state;
	/* 54 columns in full; without the date 43. */
	table_expect(wide_columns, 4, wide_cells, 8, 43, 0,
		     "name                 count  when      extra\n"
		     "a                        5  00:00:00  x\n"
		     "a name that is long  12345  01:01:01  -\n"
		     "Times are UTC on 1970-01-01.\n");
	/* Then the column that may go; then the name is cut, to no less than 8. */
	table_expect(wide_columns, 4, wide_cells, 8, 30, 0,
		     "name           count  when\n"
		     "a                  5  00:00:00\n"
		     "a name that \xe2\x80\xa6  12345  01:01:01\n"
		     "Times are UTC on 1970-01-01.\n"
		     "Left out to fit: extra.\n");
	table_expect(wide_columns, 4, wide_cells, 8, 10, 0,
		     "name      count  when\n"
		     "a             5  00:00:00\n"
		     "a name \xe2\x80\xa6  12345  01:01:01\n"
		     "Times are UTC on 1970-01-01.\n"
		     "Left out to fit: extra.\n");
}

/* What may be left out is, and what may be narrowed is; only then a time takes two lines. */
static void table_times_of_several_days(void **state)
{
	static const char *const cells[] = { "a", "1", "0", "x", "b", "2", "86400000000000", "y" };

	(void)state;
	table_expect(wide_columns, 4, cells, 8, 33, 0,
		     "name  count  when\n"
		     "a         1  1970-01-01T00:00:00Z\n"
		     "b         2  1970-01-02T00:00:00Z\n"
		     "Left out to fit: extra.\n");
	table_expect(wide_columns, 4, cells, 8, 32, 0,
		     "name  count  when        extra\n"
		     "a         1  1970-01-01  x\n"
		     "             00:00:00Z\n"
		     "b         2  1970-01-02  y\n"
		     "             00:00:00Z\n");
}

static void table_wraps(void **state)
{
	static const struct column columns[] = {
		{ "n", COLUMN_NUMBER, FIT_KEEP, 0 },
		{ "words", COLUMN_TEXT, FIT_WRAP, 0 },
		{ "end", COLUMN_TEXT, FIT_KEEP, 0 },
	};
	static const char *const cells[] = { "1", "one two three four", "z", "2", "abcdefghijklmno", "y" };

	(void)state;
	table_expect(columns, 3, cells, 6, 18, 0,
		     "n  words       end\n"
		     "1  one two     z\n"
		     "   three four\n"
		     "2  abcdefghij  y\n"
		     "   klmno\n");
}

static void table_puts_lines_in_a_cell(void **state)
{
	static const struct column columns[] = {
		{ "name", COLUMN_TEXT, FIT_WRAP, 0 },
		{ "both", COLUMN_LINES, FIT_KEEP, 0 },
		{ "end", COLUMN_TEXT, FIT_KEEP, 0 },
	};
	struct table *t = table_new(columns, 3);
	struct sheet s;

	(void)state;
	assert_non_null(t);
	assert_true(table_add(t, "one two three") && table_add_lines(t, "1\n12345") && table_add(t, "z"));
	assert_true(table_add(t, "a\nb") && table_add_lines(t, "7") && table_add(t, "y"));
	sheet_open(&s);
	table_print(t, s.file, 20, 0);
	/* Only what is known to be harmless may begin a line: other text is shown escaped. */
	sheet_expect(&s, "name       both  end\n"
			 "one two       1  z\n"
			 "three     12345\n"
			 "a\\x0ab        7  y\n");
	table_free(t);
}

static void table_brings_columns_back(void **state)
{
	/* Dropping "long" alone would do; "b" goes first by its rank and comes back, since there is room. */
	static const struct column columns[] = {
		{ "a", COLUMN_TEXT, FIT_KEEP, 0 },
		{ "b", COLUMN_TEXT, FIT_KEEP, 1 },
		{ "long", COLUMN_TEXT, FIT_KEEP, 2 },
	};
	static const char *const cells[] = { "1", "2", "0123456789" };

	(void)state;
	table_expect(columns, 3, cells, 3, 10, 0, "a  b\n1  2\nLeft out to fit: long.\n");
}

static void table_says_once_what_every_row_has(void **state)
{
	static const struct column columns[] = {
		{ "n", COLUMN_NUMBER, FIT_KEEP, 0 },
		{ "proto", COLUMN_TEXT, FIT_KEEP, 1 },
		{ "client", COLUMN_TEXT, FIT_SOCKET, 0 },
		{ "server", COLUMN_TEXT, FIT_SOCKET, 0 },
	};
	static const char *const cells[] = { "1", "udp", "10.0.0.1:5", "10.0.0.2:6",
					     "2", "tcp", "10.0.0.1:5", "10.0.0.3:7" };

	(void)state;
	table_expect(columns, 4, cells, 8, 32, 0,
		     "n  proto  client      server\n"
		     "1  udp    10.0.0.1:5  10.0.0.2:6\n"
		     "2  tcp    10.0.0.1:5  10.0.0.3:7\n");
	table_expect(columns, 4, cells, 8, 31, 0,
		     "n  proto  server\n"
		     "1  udp    10.0.0.2:6\n"
		     "2  tcp    10.0.0.3:7\n"
		     "In every row: client 10.0.0.1:5.\n");
	/* One row has nothing in common with others. */
	table_expect(columns, 4, cells, 4, 25, 0,
		     "n  client      server\n"
		     "1  10.0.0.1:5  10.0.0.2:6\n"
		     "Left out to fit: proto.\n");
}

static void formats_numbers(void **state)
{
	char text[REAL_TEXT];

	(void)state;
	assert_true(real_format(0.1, text));
	assert_string_equal(text, "0.1");
	assert_true(real_format(1.0 / 3, text));
	assert_true(strtod(text, NULL) == 1.0 / 3);
	assert_false(real_format(strtod("inf", NULL), text));
	expect_put(page_number, "1234", "1234");
	expect_put(page_number, "12345", "12<span class=\"g\">345</span>");
	expect_put(page_number, "-1234567.5", "-1<span class=\"g\">234</span><span class=\"g\">567</span>.5");
	expect_put(page_number, "100000<b>", "100000&lt;b&gt;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_html),
		cmocka_unit_test(escapes_json),
		cmocka_unit_test(escapes_csv_and_tsv),
		cmocka_unit_test(shows_plain_text),
		cmocka_unit_test(puts_plain_text),
		cmocka_unit_test(quotes_for_a_shell),
		cmocka_unit_test(table_in_full_width),
		cmocka_unit_test(table_gives_up_width_in_order),
		cmocka_unit_test(table_times_of_several_days),
		cmocka_unit_test(table_wraps),
		cmocka_unit_test(table_puts_lines_in_a_cell),
		cmocka_unit_test(table_brings_columns_back),
		cmocka_unit_test(table_says_once_what_every_row_has),
		cmocka_unit_test(formats_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
