/* The report: heads of its SQL, the page's parts, the SQL on databases made by hand, and where the files go.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "views/artefact.h"
#include "views/page.h"
#include "views/staging.h"
#include "views_build.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void counts_clients(void **state)
{
	(void)state;
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

/* Zeros for the page alone: the data file has the numbers as they are. Integers beside reals are counts. */
static void page_aligns_decimals(void **state)
{
	static const struct page_limits limits = { .rows = 9, .data = "T.tsv" };

	(void)state;
	page_expect(
		"VALUES (12000.0, 1.0 / 3, 1), (5.25, 2.0, 2), (1e-7, 3.5, 0.5), (7, NULL, 10), (-6.5, 0.0, 3)",
		&limits,
		"<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\" class=\"n\">column1</th>"
		"<th scope=\"col\" class=\"n\">column2</th><th scope=\"col\" class=\"n\">column3</th>"
		"</tr></thead>\n<tbody>\n<tr><td class=\"n\">12<span class=\"g\">000</span>.00</td>"
		"<td class=\"n\">0.3333333333333333</td><td class=\"n\">1</td></tr>\n"
		"<tr><td class=\"n\">5.25</td><td class=\"n\">2</td><td class=\"n\">2</td></tr>\n"
		"<tr><td class=\"n\">1e-07</td><td class=\"n\">3.5</td><td class=\"n\">0.5</td></tr>\n"
		"<tr><td class=\"n\">7</td><td class=\"t\"></td><td class=\"n\">10</td></tr>\n"
		"<tr><td class=\"n\">-6.50</td><td class=\"n\">0</td><td class=\"n\">3</td></tr>\n"
		"</tbody></table></div>\n",
		"column1\tcolumn2\tcolumn3\n12000\t0.3333333333333333\t1\n5.25\t2\t2\n1e-07\t3.5\t0.5\n7\t\t10\n"
		"-6.5\t0\t3\n");
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
		cmocka_unit_test(inlines_svg),
		cmocka_unit_test(parses_heads),
		cmocka_unit_test(refuses_wrong_heads),
		cmocka_unit_test(counts_lengths),
		cmocka_unit_test(counts_durations),
		cmocka_unit_test(counts_sizes),
		cmocka_unit_test(counts_clients),
		cmocka_unit_test(judges_the_trace),
		cmocka_unit_test(page_shows_some_columns),
		cmocka_unit_test(page_tells_numbers),
		cmocka_unit_test(page_aligns_decimals),
		cmocka_unit_test(says_what_the_trace_hides),
		cmocka_unit_test(every_artefact_runs),
		cmocka_unit_test(stages_a_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
