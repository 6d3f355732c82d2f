/* Tables, escaping, heads of the report's SQL, the page's parts, and the report's SQL on a database made by
 * hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "views/artefact.h"
#include "views/escape.h"
#include "views/page.h"
#include "views/show_topics.h"
#include "views/staging.h"
#include "views/table.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *source_root(void)
{
	const char *root = getenv("srcdir");

	return root && *root ? root : ".";
}

/* What a function writes to a FILE. */
struct sheet {
	char *text;
	size_t size;
	FILE *file;
};

static void sheet_open(struct sheet *s)
{
	s->text = NULL;
	s->file = open_memstream(&s->text, &s->size);
	assert_non_null(s->file);
}

static void sheet_expect(struct sheet *s, const char *expected)
{
	assert_int_equal(fclose(s->file), 0);
	assert_string_equal(s->text, expected);
	free(s->text);
}

static void expect_put(void (*put)(FILE *, const char *), const char *text, const char *expected)
{
	struct sheet s;

	sheet_open(&s);
	put(s.file, text);
	sheet_expect(&s, expected);
}

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

static void measures_width(void **state)
{
	(void)state;
	assert_int_equal(utf8_width(""), 0);
	assert_int_equal(utf8_width("caf\xc3\xa9"), 4);
	assert_int_equal(utf8_width("\xff\xff"), 2);
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

static void table_keeps_dates_of_several_days(void **state)
{
	static const char *const cells[] = { "a", "1", "0", "x", "b", "2", "86400000000000", "y" };

	(void)state;
	table_expect(wide_columns, 4, cells, 8, 35, 0,
		     "name  count  when\n"
		     "a         1  1970-01-01T00:00:00Z\n"
		     "b         2  1970-01-02T00:00:00Z\n"
		     "Left out to fit: extra.\n");
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

static void parses_sockets(void **state)
{
	char ip[IP_TEXT];
	int64_t port;
	struct error err;
	static const char *const wrong[] = { "",           "1.2.3.4",        "1.2.3.4:",      "1.2.3.4:65536",
					     "1.2.3.4:-1", "2001:db8::1:80", "[2001:db8::1]", ":80",
					     "[]:80",      "host:80",        "1.2.3.4:80x",   "[1.2.3.4:80" };

	(void)state;
	assert_true(socket_parse("192.168.1.2:35990", ip, &port, &err));
	assert_string_equal(ip, "192.168.1.2");
	assert_int_equal(port, 35990);
	assert_true(socket_parse("[2001:DB8:0::1]:443", ip, &port, &err));
	assert_string_equal(ip, "2001:db8::1");
	assert_int_equal(port, 443);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		assert_false(socket_parse(wrong[i], ip, &port, &err));
		assert_int_equal(err.status, EXIT_USAGE);
	}
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

static void inlines_svg(void **state)
{
	struct sheet s;

	(void)state;
	sheet_open(&s);
	page_svg(s.file,
		 "<?xml version=\"1.0\"?>\n<svg width=\"5\"><circle id='dot'/><use xlink:href='#dot'/><g "
		 "id=\"p\" fill=\"url(#g)\"/>"
		 "<text>hide us</text></svg>",
		 "R4");
	sheet_expect(&s, "<svg width=\"5\"><circle id='R4-dot'/><use xlink:href='#R4-dot'/><g id=\"R4-p\" "
			 "fill=\"url(#R4-g)\"/>"
			 "<text>hide us</text></svg>");
}

static void parses_heads(void **state)
{
	struct artefact a = { .name = "X1" };
	struct error err;

	(void)state;
	assert_true(artefact_parse(
		&a,
		"-- title: A title: with colon\n--kind: figure \n-- order: 7\r\n-- about: "
		"first\n--   second line\n"
		"-- cautions: a b\n-- hides: c\n-- page: 3\n-- section: Network cost\n-- with: coast.tsv\n"
		"SELECT 1; -- note: not of the head\n",
		"X1.sql", &err));
	assert_string_equal(a.title, "A title: with colon");
	assert_int_equal(a.kind, ARTEFACT_FIGURE);
	assert_int_equal(a.order, 7);
	assert_string_equal(a.about, "first second line");
	assert_string_equal(a.cautions, "a b");
	assert_string_equal(a.hides, "c");
	assert_int_equal(a.page_columns, 3);
	assert_string_equal(a.section, "Network cost");
	assert_string_equal(a.with, "coast.tsv");
	assert_null(a.paper);
	assert_null(a.empty);
	artefact_clear(&a);
	/* One that names no section stands behind those that do. */
	assert_true(artefact_parse(&a, "-- title: x\n-- kind: text\n-- order: 1\n", "X1.sql", &err));
	assert_int_equal(a.kind, ARTEFACT_TEXT);
	assert_string_equal(a.section, "More");
	artefact_clear(&a);
}

static void refuses_wrong_heads(void **state)
{
	static const struct {
		const char *sql, *says;
	} wrong[] = {
		{ "SELECT 1", "title" },
		{ "-- title: x\n-- order: 1\nSELECT 1", "kind" },
		{ "-- title: x\n-- kind: picture\n-- order: 1\n", "kind" },
		{ "-- title: x\n-- kind: table\n", "order" },
		{ "-- title: x\n-- kind: table\n-- order: 1x\n", "order" },
		{ "-- titel: x\n", "line 1" },
		{ "-- title: x\n-- just words\n", "line 2" },
		{ "-- title: x\n-- title: y\n", "twice" },
		{ "--   nothing before\n", "line 1" },
		{ "-- title:\n-- kind: table\n-- order: 1\n", "title" },
		{ "-- title: x\n-- kind: table\n-- order: 1\n-- page: 0\n", "page" },
		{ "-- title: x\n-- kind: table\n-- order: 1\n-- page: all\n", "page" },
		{ "-- title: x\n-- kind: table\n-- order: 1\n-- section: Cients\n", "section" },
		{ "-- title: x\n-- kind: figure\n-- order: 1\n-- with: ../coast.tsv\n", "with" },
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct artefact a = { .name = "X1" };
		assert_false(artefact_parse(&a, wrong[i].sql, "X1.sql", &err));
		assert_int_equal(err.status, EXIT_INPUT);
		if (!strstr(err.text, wrong[i].says))
			fail_msg("'%s' lacks '%s'", err.text, wrong[i].says);
		artefact_clear(&a);
	}
}

static struct artefact_list our_artefacts(void)
{
	struct artefact_list list;
	struct error err;
	char directory[4096];

	snprintf(directory, sizeof directory, "%s/reports", source_root());
	if (!artefact_list_read(&list, directory, &err))
		fail_msg("%s", err.text);
	return list;
}

/*
 * Six source flows: packets 1, 1, 1, 2, 3 and 10; 0 s (three), 0.5 s, 1.234 s and 250 s, in three digits.
 * Those of another protocol, and of run 2, do not count.
 */
static const char tiny[] =
	"INSERT INTO runs VALUES (1, '0', '', '{}', 200000000000, 0, 300000000000, 40, 1, ''),"
	" (2, '0', '', '{}', 200000000000, 0, 0, 1, 1, '');"
	"INSERT INTO flows SELECT v.column1, v.column2, 'udp', '10.0.0.1', 1000, '198.51.100.1', 2000, 0, 0, "
	"0, 1, 0, 0, 0,"
	" 0, 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 0, 'idle', NULL, 0, NULL, 'skype-udp', 'skype', 'socket', 30, "
	"1, NULL,"
	" 'signalling', NULL, 0 FROM (VALUES (1, 1), (1, 2), (2, 1)) v;"
	"INSERT INTO distributions SELECT v.column1, v.column2, 'source_flow_packets', v.column3, v.column4, "
	"v.column5"
	" FROM (VALUES (1, 'skype', 'probe', 1, 2), (1, 'skype', 'non-probe', 1, 1), (1, 'skype', "
	"'non-probe', 2, 1),"
	" (1, 'skype', 'non-probe', 3, 1), (1, 'skype', 'non-probe', 10, 1), (1, 'other', 'non-probe', 4, "
	"50),"
	" (2, 'skype', 'probe', 1, 70)) v;"
	"INSERT INTO distributions SELECT v.column1, v.column2, 'source_flow_us', v.column3, v.column4, "
	"v.column5"
	" FROM (VALUES (1, 'skype', 'probe', 0, 2), (1, 'skype', 'non-probe', 0, 1), (1, 'skype', "
	"'non-probe', 500000, 1),"
	" (1, 'skype', 'non-probe', 1230000, 1), (1, 'skype', 'non-probe', 250000000, 1), (1, 'other', "
	"'probe', 9, 50),"
	" (2, 'skype', 'probe', 7, 70)) v;"
	/* Probe sizes 11, 18 x 3 in both directions; non-probe 18, 100 x 2, 300. */
	"INSERT INTO distributions VALUES (1, 'skype', 'payload_out', 'probe', 18, 2),"
	" (1, 'skype', 'payload_in', 'probe', 18, 1), (1, 'skype', 'payload_in', 'probe', 11, 1),"
	" (1, 'skype', 'payload_out', 'non-probe', 18, 1), (1, 'skype', 'payload_in', 'non-probe', 100, 2),"
	" (1, 'skype', 'payload_out', 'non-probe', 300, 1), (2, 'skype', 'payload_out', 'probe', 1, 1000);"
	/* The figures are about the protocol whose clients have most flows; another's do not count, nor does
	   media. */
	"INSERT INTO clients (run, client, protocol, verdict, ip, port, internal, bits, first_packet, peers, "
	"flows,"
	" packets_out, packets_in, payload_out, payload_in, media_out, media_in, tcp_out, tcp_in, callers, "
	"callers_answered, role) SELECT "
	"v.column1, v.column2,"
	" v.column3, v.column3, '10.0.0.1', v.column2, 1, 30, 1, 0, v.column4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "
	"'client' "
	"FROM"
	" (VALUES (1, 1, 'skype', 6), (1, 2, 'other', 5), (2, 1, 'skype', 1)) v;"
	"INSERT INTO distributions VALUES (1, 'other', 'payload_out', 'probe', 7, 1000);";

static sqlite3 *database_make(const char *rows)
{
	struct error err;
	char directory[4096], *message = NULL;
	sqlite3 *db;

	snprintf(directory, sizeof directory, "%s/src/store", source_root());
	char *schema = file_read(directory, "schema.sql", &err),
	     *views = file_read(directory, "views.sql", &err);
	if (!schema || !views)
		fail_msg("%s", err.text);
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	if (sqlite3_exec(db, schema, NULL, NULL, &message) != SQLITE_OK ||
	    sqlite3_exec(db, views, NULL, NULL, &message) != SQLITE_OK ||
	    sqlite3_exec(db, rows, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s", message);
	free(schema);
	free(views);
	return db;
}

/* Runs the data statement of reports/NAME.sql over a database and, where it has one, that of its sentence. */
static void artefact_expect_of(const char *contents, const char *name, const char *rows, const char *says)
{
	struct artefact_list list = our_artefacts();
	struct view v = { .db = database_make(contents), .path = "tiny", .run = 1, .protocol = "skype" };
	const struct page_limits none = { .rows = 0 };
	const struct artefact *a = NULL;
	const char *tail;
	sqlite3_stmt *stmt;
	struct sheet s;
	struct error err;
	uint64_t count;

	for (size_t i = 0; i < list.count; i++)
		if (strcmp(list.items[i].name, name) == 0)
			a = &list.items[i];
	assert_non_null(a);
	assert_int_equal(sqlite3_prepare_v2(v.db, a->sql, -1, &stmt, &tail), SQLITE_OK);
	query_bind_view(&v, stmt);
	sheet_open(&s);
	assert_true(page_rows(NULL, s.file, &v, stmt, &none, &count, &err));
	sheet_expect(&s, rows);
	sqlite3_finalize(stmt);
	if (says) {
		stmt = query_open(&v, tail, &err);
		assert_non_null(stmt);
		assert_int_equal(query_step(&v, stmt, &err), QUERY_ROW);
		assert_string_equal(query_text(stmt, 0), says);
		sqlite3_finalize(stmt);
	}
	sqlite3_close(v.db);
	artefact_list_free(&list);
}

static void artefact_expect(const char *name, const char *rows, const char *says)
{
	artefact_expect_of(tiny, name, rows, says);
}

static void counts_lengths(void **state)
{
	(void)state;
	artefact_expect("R4",
			"packets\tflows\tlonger\tlonger_percent\n"
			"1\t3\t3\t50\n"
			"2\t1\t2\t33.333333333333336\n"
			"3\t1\t1\t16.666666666666668\n"
			"10\t1\t0\t0\n",
			"50.0 % of 6 source flows are a single packet (paper: about 80 %); 99 % are shorter "
			"than 11 packets"
			" (paper: 6); the longest has 10.");
}

static void counts_durations(void **state)
{
	(void)state;
	artefact_expect("R5",
			"seconds\tflows\tlonger\tlonger_percent\n"
			"0\t3\t3\t50\n"
			"0.5\t1\t2\t33.333333333333336\n"
			"1.23\t1\t1\t16.666666666666668\n"
			"250\t1\t0\t0\n",
			"50.0 % of 6 source flows last no time at all (paper: about 80 %); the median of the "
			"others is 1.23 s, "
			"the longest"
			" 250 s.");
}

static void counts_sizes(void **state)
{
	(void)state;
	artefact_expect("R8",
			"payload_bytes\tprobe_messages\tnon_probe_messages\tprobe_upto_percent\tnon_probe_"
			"upto_percent\n"
			"10\t0\t0\t0\t0\n"
			"11\t1\t0\t25\t0\n"
			"18\t3\t1\t100\t25\n"
			"100\t0\t2\t100\t75\n"
			"300\t0\t1\t100\t100\n",
			"Medians: 18 bytes over 4 probe messages, 100 bytes over 4 non-probe messages "
			"(paper: probes are smaller).");
}

/* Run 1: two recognised, one of them outside the local net, and one suspected client. */
static const char three_clients[] =
	"INSERT INTO runs VALUES (1, '0', '', '{}', 1, 0, 1, 0, 1, '');"
	"INSERT INTO clients (run, client, protocol, verdict, ip, port, internal, bits, first_packet, peers, "
	"flows,"
	" packets_out, packets_in, payload_out, payload_in, media_out, media_in, tcp_out, tcp_in, callers, "
	"callers_answered, role) VALUES"
	" (1, 1, 'skype', 'skype', '10.0.0.1', 1000, 1, 30, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'client'),"
	" (1, 2, 'skype', 'skype', '198.51.100.1', 1000, 0, 30, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "
	"'client'),"
	" (1, 3, 'skype', 'skype?', '10.0.0.2', 1000, 1, 12, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "
	"'client');";

static char *shown(const char *contents, const struct show_request *request)
{
	struct view v;
	struct sheet s;
	struct error err;
	sqlite3 *db = database_make(contents);

	assert_true(view_open(&v, db, "tiny", 1, &err));
	sheet_open(&s);
	if (!show(&v, request, s.file, &err))
		fail_msg("%s", err.text);
	fclose(s.file);
	sqlite3_close(db);
	return s.text;
}

static void tells_suspected_from_recognised(void **state)
{
	char *text = shown(three_clients, &(struct show_request){ .width = 80 });

	(void)state;
	assert_non_null(
		strstr(text, "\n      2  client sockets recognised  2 skype (1 outside --local-net)\n"));
	assert_non_null(strstr(text, "\n      1  client sockets suspected   1 skype\n"));
	free(text);
	text = shown(three_clients, &(struct show_request){ .format = SHOW_JSON });
	assert_non_null(strstr(text, "\"clients\":2,\"suspected_clients\":1,"));
	free(text);
	artefact_expect_of(three_clients, "R13",
			   "quantity\tthis trace\tpaper\n"
			   "internal clients, recognised\t1\t1700\n"
			   "internal clients, suspected\t1\t\n"
			   "external peers\t0\t304690\n"
			   "external addresses\t0\t263886\n"
			   "pairs of client and peer\t0\t390126\n"
			   "UDP signalling flows\t0\t2505622\n"
			   "UDP signalling packets\t0\t18274451\n"
			   "UDP signalling payload bytes\t0\t\n"
			   "TCP signalling payload bytes\t0\t\n"
			   "voice and video payload bytes\t0\t\n"
			   "logins\t0\t\n"
			   "contact-list exchanges\t0\t\n"
			   "version checks\t0\t\n"
			   "voice and video calls\t0\t3000\n",
			   NULL);
}

/* The sentence must not deny what the table below it lists. */
static void judges_the_trace(void **state)
{
#define FOUND(values)                                                                                        \
	"INSERT INTO runs VALUES (1, '0', '', '{}', 1, 0, 1, 0, 1, '');"                                     \
	"INSERT INTO counters VALUES " values
	static const char small[] = FOUND("(1, 'trace', 'disordered', 1, 'older'),"
					  " (1, 'trace', 'worst_disorder_us', 6, '... step'),"
					  " (1, 'trace', 'heads_lost', 0, 'lost')");
	static const char large[] = FOUND("(1, 'trace', 'disordered', 2, 'older'),"
					  " (1, 'trace', 'worst_disorder_us', 1000000, '... step')");
	static const char lost[] = FOUND("(1, 'trace', 'heads_lost', 3, 'lost')");
#undef FOUND

	(void)state;
	artefact_expect_of(small, "trace",
			   "count\tfinding\tname\n1\tolder\tdisordered\n6\t... step\tworst_disorder_us\n",
			   "No serious fault; the table says what there is.");
	artefact_expect_of(
		large, "trace",
		"count\tfinding\tname\n2\tolder\tdisordered\n1000000\t... step\tworst_disorder_us\n",
		"Read the figures with this in mind: older: 2.");
	artefact_expect_of(lost, "trace", "count\tfinding\tname\n3\tlost\theads_lost\n",
			   "Read the figures with this in mind: lost: 3.");
}

static void page_expect(const char *select, const struct page_limits *limits, const char *html,
			const char *tsv)
{
	struct view v = { .db = database_make(tiny), .path = "tiny", .run = 1, .protocol = "skype" };
	struct sheet page, data;
	struct error err;
	uint64_t rows;

	sqlite3_stmt *stmt = query_open(&v, select, &err);
	assert_non_null(stmt);
	sheet_open(&page);
	sheet_open(&data);
	assert_true(page_rows(page.file, data.file, &v, stmt, limits, &rows, &err));
	sheet_expect(&data, tsv);
	sheet_expect(&page, html);
	sqlite3_finalize(stmt);
	sqlite3_close(v.db);
}

static void page_shows_some_columns(void **state)
{
	static const struct page_limits limits = { .rows = 1, .columns = 2, .data = "T.tsv" };

	(void)state;
	page_expect("VALUES (1, 'x y', '<3>', 4), (5, 'z', '6', 7)", &limits,
		    "<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\" class=\"n\">column1</th>"
		    "<th scope=\"col\">column2</th></tr></thead>\n<tbody>\n"
		    "<tr><td class=\"n\">1</td><td class=\"w\">x y</td></tr>\n</tbody></table></div>\n"
		    "<p class=\"about\">The first 1 of 2 rows; <a href=\"T.tsv\">T.tsv</a> has all.</p>\n"
		    "<p class=\"about\">More columns in <a href=\"T.tsv\">T.tsv</a>: column3, column4.</p>\n",
		    "column1\tcolumn2\tcolumn3\tcolumn4\n1\tx y\t<3>\t4\n5\tz\t6\t7\n");
}

/* Numbers with gaps, words with a number between, and nothing at all: only the first is a column of numbers.
 */
static void page_tells_numbers(void **state)
{
	static const struct page_limits limits = { .rows = 9, .data = "T.tsv" };

	(void)state;
	page_expect("VALUES (NULL, 7, NULL), (2, 'x', NULL), (NULL, 8, NULL)", &limits,
		    "<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\" class=\"n\">column1</th>"
		    "<th scope=\"col\">column2</th><th scope=\"col\">column3</th></tr></thead>\n<tbody>\n"
		    "<tr><td class=\"t\"></td><td class=\"n\">7</td><td class=\"t\"></td></tr>\n"
		    "<tr><td class=\"n\">2</td><td class=\"t\">x</td><td class=\"t\"></td></tr>\n"
		    "<tr><td class=\"t\"></td><td class=\"n\">8</td><td class=\"t\"></td></tr>\n"
		    "</tbody></table></div>\n",
		    "column1\tcolumn2\tcolumn3\n\t7\t\n2\tx\t\n\t8\t\n");
}

/* What the trace may hide is said also where nothing was found, and says nothing against what was. */
static void says_what_the_trace_hides(void **state)
{
	static const char contents[] =
		"INSERT INTO runs VALUES (1, '0', '', '{}', 1, 0, 1, 0, 1, '');"
		"INSERT INTO counters VALUES (1, 'trace', 'missing_start', 10, 'starts')";
	struct view v = { .db = database_make(contents), .path = "tiny", .run = 1, .protocol = "skype" };
	char hides[] = "missing_start snapped", title[] = "Logins <3";
	const struct artefact a = { .name = "B4", .title = title, .hides = hides };
	const struct page_item item = { .artefact = &a, .body = "<table></table>\n", .says = "", .rows = 1 };
	const struct page_place place = { .manifest = "m", .directory = "." };
	struct sheet s;
	struct error err;

	(void)state;
	sheet_open(&s);
	assert_true(page_nothing_put(s.file, &v, &item, &err));
	sheet_expect(&s,
		     "<li id=\"B4\"><b>Logins &lt;3</b> <span class=\"id\">B4</span> No rows.\n"
		     "<p class=\"warn\"><strong>The trace may hide some:</strong> starts: 10.</p>\n</li>\n");
	sheet_open(&s);
	assert_true(page_item_put(s.file, &v, &item, &place, &err));
	sheet_expect(&s,
		     "<article id=\"B4\" class=\"table\">\n"
		     "<h3>Logins &lt;3 <span class=\"id\">B4</span></h3>\n<table></table>\n"
		     "<p class=\"warn\"><strong>The trace may hide further ones:</strong> starts: 10.</p>\n"
		     "<p class=\"source\"><a href=\"B4.tsv\">B4.tsv</a><span class=\"paper-only\">"
		     " &middot; m</span></p>\n</article>\n");
	sqlite3_close(v.db);
}

static void refuses_what_is_not_there(void **state)
{
	static const struct {
		struct show_request request;
		const char *says;
	} wrong[] = {
		{ { .topic = "flows", .client = "1.1.1.1:1" }, "show tiny clients" },
		{ { .topic = "pairs", .client = "1.1.1.1:1" }, "show tiny clients" },
		{ { .topic = "flows", .client = "1.1.1.1:1", .label = "skype-udp" }, "show tiny clients" },
		{ { .topic = "flows", .label = "nosuch" }, "show tiny labels" },
		{ { .topic = "zzzzzzzzzzzz" }, "why" },
	};
	struct view v;
	struct sheet s;
	struct error err;
	sqlite3 *db = database_make(tiny);

	(void)state;
	assert_true(view_open(&v, db, "tiny", 1, &err));
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		sheet_open(&s);
		assert_false(show(&v, &wrong[i].request, s.file, &err));
		sheet_expect(&s, "");
		assert_int_equal(err.status, EXIT_USAGE);
		assert_non_null(strstr(err.text, wrong[i].says));
		for (const char *line = err.text; *line; line += strspn(line, "\n")) {
			size_t length = strcspn(line, "\n");
			assert_true(length + (line == err.text ? strlen("footsteps: ") : 0) <= 80);
			line += length;
		}
	}
	sqlite3_close(db);
	/* The socket is known, and has no pair: an answer, not a mistake. */
	char *text = shown(tiny, &(struct show_request){ .topic = "pairs", .client = "10.0.0.1:1000" });
	assert_string_equal(text, "No pairs of 10.0.0.1:1000 are stored.\n");
	free(text);
}

static void names_a_lock(void **state)
{
	char path[] = "/tmp/test_views.XXXXXX";
	int fd = mkstemp(path);
	sqlite3 *writer, *reader;
	struct view v;
	struct error err;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(sqlite3_open(path, &writer), SQLITE_OK);
	assert_int_equal(sqlite3_exec(writer, "CREATE TABLE runs (run); BEGIN EXCLUSIVE", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_open(path, &reader), SQLITE_OK);
	assert_false(view_open(&v, reader, "x.db", 0, &err));
	assert_string_equal(err.text, "x.db is in use by another program; end that one and try again");
	sqlite3_close(reader);
	sqlite3_close(writer);
	unlink(path);
}

/* Every artefact that we ship runs, on a database with rows and on one without. */
static void every_artefact_runs(void **state)
{
	static const char empty[] = "INSERT INTO runs VALUES (1, '0', '', '{}', 1, NULL, NULL, 0, 1, '')";
	struct artefact_list list = our_artefacts();
	const char *contents[] = { tiny, empty };
	struct error err;
	uint64_t count;

	(void)state;
	for (size_t d = 0; d < 2; d++) {
		struct view v = {
			.db = database_make(contents[d]), .path = "tiny", .run = 1, .protocol = "skype"
		};
		for (size_t i = 0; i < list.count; i++) {
			const char *sql = list.items[i].sql, *tail = sql;
			for (int n = 0; n < 2 && *tail; n++) {
				sqlite3_stmt *stmt;
				if (sqlite3_prepare_v2(v.db, sql, -1, &stmt, &tail) != SQLITE_OK)
					fail_msg("%s: %s", list.items[i].name, sqlite3_errmsg(v.db));
				sql = tail;
				if (!stmt)
					continue;
				query_bind_view(&v, stmt);
				struct sheet html, tsv;
				sheet_open(&html);
				sheet_open(&tsv);
				const struct page_limits limits = { .rows = 5,
								    .columns = 2,
								    .data = "T.tsv" };
				if (!page_rows(html.file, tsv.file, &v, stmt, &limits, &count, &err))
					fail_msg("%s: %s", list.items[i].name, err.text);
				fclose(html.file);
				fclose(tsv.file);
				free(html.text);
				free(tsv.text);
				sqlite3_finalize(stmt);
			}
			assert_int_equal(strspn(tail, " \n"), strlen(tail));
		}
		sqlite3_close(v.db);
	}
	artefact_list_free(&list);
}

static void shows_flows_as_ground_truth_does(void **state)
{
	struct view v = { .db = NULL };
	struct show_request request = { .topic = "flows", .format = SHOW_CSV, .width = 80 };
	struct sheet s;
	struct error err;
	static const char columns[] = "proto,client_ip,client_port,server_ip,server_port,first_ts,last_ts,"
				      "packets,payload_bytes,label,";

	(void)state;
	sqlite3 *db = database_make(tiny);
	assert_true(view_open(&v, db, "tiny", 1, &err));
	sheet_open(&s);
	assert_true(show(&v, &request, s.file, &err));
	fclose(s.file);
	assert_int_equal(strncmp(s.text, columns, strlen(columns)), 0);
	free(s.text);
	/* The last run is the default, and a run that is not there is an error. */
	assert_true(view_open(&v, db, "tiny", 0, &err));
	assert_int_equal(v.run, 2);
	assert_false(view_open(&v, db, "tiny", 3, &err));
	assert_int_equal(err.status, EXIT_USAGE);
	request = (struct show_request){ .topic = "flowz", .width = 80 };
	assert_false(show(&v, &request, stdout, &err));
	assert_non_null(strstr(err.text, "'flows'"));
	sqlite3_close(db);
}

static void touch(const char *directory, const char *name, const char *text)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/%s", directory, name);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void stages_a_directory(void **state)
{
	char base[] = "/tmp/test_views.XXXXXX", target[128], path[256];
	struct staging s;
	struct error err;

	(void)state;
	assert_non_null(mkdtemp(base));
	snprintf(target, sizeof target, "%s/report", base);
	snprintf(path, sizeof path, "%s/index.html", target);
	for (int round = 0; round < 2; round++) { /* the second replaces the first */
		assert_true(staging_open(&s, target, "index.html", "MARK", &err));
		FILE *out = staging_file(&s, "index.html", &err);
		assert_non_null(out);
		fprintf(out, "MARK %d", round);
		assert_true(staging_file_close(&s, "index.html", out, &err));
		assert_int_equal(access(path, F_OK), round ? 0 : -1);
		assert_true(staging_commit(&s, &err));
		staging_close(&s);
		assert_int_equal(access(path, F_OK), 0);
	}
	/* Given up: the old one stays. */
	assert_true(staging_open(&s, target, "index.html", "MARK", &err));
	staging_close(&s);
	assert_int_equal(access(path, F_OK), 0);
	/* Somebody's file among ours, or no marker: not touched. */
	touch(target, "thesis.tex", "years of work");
	assert_false(staging_open(&s, target, "index.html", "MARK", &err));
	assert_int_equal(err.status, EXIT_OUTPUT);
	assert_non_null(strstr(err.text, "thesis.tex"));
	snprintf(path, sizeof path, "%s/thesis.tex", target);
	assert_int_equal(unlink(path), 0);
	assert_false(staging_open(&s, target, "index.html", "OTHER MARK", &err));
	snprintf(path, sizeof path, "%s/index.html", target);
	assert_int_equal(unlink(path), 0);
	/* An empty directory is nobody's. And nothing else is left beside it. */
	assert_true(staging_open(&s, target, "index.html", "MARK", &err));
	staging_close(&s);
	assert_int_equal(rmdir(target), 0);
	assert_int_equal(rmdir(base), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_html),
		cmocka_unit_test(escapes_json),
		cmocka_unit_test(escapes_csv_and_tsv),
		cmocka_unit_test(shows_plain_text),
		cmocka_unit_test(measures_width),
		cmocka_unit_test(table_in_full_width),
		cmocka_unit_test(table_gives_up_width_in_order),
		cmocka_unit_test(table_keeps_dates_of_several_days),
		cmocka_unit_test(table_wraps),
		cmocka_unit_test(table_brings_columns_back),
		cmocka_unit_test(table_says_once_what_every_row_has),
		cmocka_unit_test(parses_sockets),
		cmocka_unit_test(formats_numbers),
		cmocka_unit_test(inlines_svg),
		cmocka_unit_test(parses_heads),
		cmocka_unit_test(refuses_wrong_heads),
		cmocka_unit_test(counts_lengths),
		cmocka_unit_test(counts_durations),
		cmocka_unit_test(counts_sizes),
		cmocka_unit_test(tells_suspected_from_recognised),
		cmocka_unit_test(judges_the_trace),
		cmocka_unit_test(page_shows_some_columns),
		cmocka_unit_test(page_tells_numbers),
		cmocka_unit_test(says_what_the_trace_hides),
		cmocka_unit_test(refuses_what_is_not_there),
		cmocka_unit_test(names_a_lock),
		cmocka_unit_test(every_artefact_runs),
		cmocka_unit_test(shows_flows_as_ground_truth_does),
		cmocka_unit_test(stages_a_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
