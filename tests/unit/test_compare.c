/* `footsteps compare` on databases made by hand: every expected number is worked out beside its rows. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "views/compare.h"
#include "views/compare_parts.h"
#include "views_build.h"
#include <string.h>

/* Two runs of a campus: an --idle of 200 s and of 100 s, of the same time, the second with one input more. */
#define RUN(idle, last, options)                                                                             \
	"INSERT INTO runs VALUES (1, '0.2.0', 'lib 1', '" options "', " idle ", 1000000000, " last           \
	", 10, 1, '');"
#define CLIENTS                                                                                              \
	"INSERT INTO clients (run, client, protocol, verdict, ip, port, internal, bits, first_packet, "      \
	"first_ns,"                                                                                          \
	" last_ns, peers, flows, packets_out, packets_in, payload_out, payload_in, media_out, media_in, "    \
	"tcp_out,"                                                                                           \
	" tcp_in, callers, callers_answered, role) SELECT 1, column1, column2, column3, column4, column5, "  \
	"1, 30,"                                                                                             \
	" 1, 0, 8000000000, column6, column7, 5, 5, 100, 50, 0, 0, 20, 0, 0, 0, 'client' FROM (VALUES "
#define FLOWS                                                                                                \
	"INSERT INTO flows SELECT 1, column1, column2, '10.0.0.1', 1000, column3, column4, column5, 0, 0,"   \
	" column6, 1, 0, 0, 0, 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 0, 'idle', NULL, 0, NULL, column7, 'skype'," \
	" 'socket', 30, 1, NULL, column8, NULL, 0 FROM (VALUES "

static const char side_a[] = RUN(
	"200000000000", "9000000000",
	"{\"idle\":200,\"output\":\"a.db\",\"filter\":null}") "INSERT INTO inputs VALUES (1, 1, "
							      "'/data/mon.pcap', 'pcap', '', 'EN10MB', 100, "
							      "'aabbccddee', 10, 0, 0, NULL,"
							      " 0, 1, 'complete', '');"
	/* Sockets: .1:1000 kept, .2:1000 moves to :2000, .3:1000 gone, .4 is only suspected. */
	CLIENTS "(1, 'skype', 'skype', '10.0.0.1', 1000, 4, 10), (2, 'skype', 'skype', '10.0.0.2', 1000, 5, "
		"10),"
							      " (3, 'skype', 'skype', '10.0.0.3', 1000, 6, "
							      "10), (4, 'skype', 'skype?', '10.0.0.4', 1000, "
							      "7, 1),"
							      " (5, 'other', 'other', '10.0.0.9', 1, 1, 1));"
							      /* Source flows of 1, 1, 2 packets. */
							      "INSERT INTO distributions VALUES (1, 'skype', "
							      "'source_flow_packets', 'probe', 1, 2),"
							      " (1, 'skype', 'source_flow_packets', 'probe', "
							      "2, 1), (1, 'skype', 'strange_measure', 'x', "
							      "7, 3),"
							      " (1, 'other', 'source_flow_packets', 'probe', "
							      "9, 900);"
	/* Flow 5 has another role in B, 6 another label; 7 starts a nanosecond later there; 8 is only here.
	 */
	FLOWS "(5, 'tcp', '198.51.100.1', 443, 2000000000, 3, 'skype-tcp', 'node'),"
							      " (6, 'udp', '198.51.100.2', 53, 3000000000, "
							      "4, 'DNS', NULL),"
							      " (7, 'udp', '198.51.100.3', 9, 4000000000, 5, "
							      "'skype-udp', 'signalling'),"
							      " (8, 'udp', '198.51.100.4', 9, 500000000, 1, "
							      "'skype-udp', 'signalling'),"
							      " (9, 'tcp', '198.51.100.5', 9, 5000000000, 2, "
							      "'skype-tcp', 'supernode'),"
							      " (10, 'udp', '198.51.100.2', 53, 3500000000, "
							      "6, 'DNS', NULL));"
							      "INSERT INTO label_totals VALUES (1, "
							      "'skype-udp', 'socket', '', 100, 1, 1, 1);";

static const char side_b[] =
	RUN("100000000000", "25000000000", "{\"idle\":100,\"output\":\"b.db\",\"filter\":\"udp\"}") CLIENTS
	"(1, 'skype', 'skype', '10.0.0.1', 1000, 4, 20), (2, 'skype', 'skype', '10.0.0.2', 2000, 5, 20),"
	" (3, 'skype', 'skype', '10.0.0.2', 3000, 6, 20), (4, 'skype', 'skype', '10.0.0.7', 1000, 7, 1));"
	/* 1, 2, 2, 9: behind 1, A is at 2/3 and B at 1/4: D = 5/12, and B is the larger. */
	"INSERT INTO distributions VALUES (1, 'skype', 'source_flow_packets', 'probe', 1, 1),"
	" (1, 'skype', 'source_flow_packets', 'probe', 2, 2), (1, 'skype', 'source_flow_packets', 'probe', "
	"9, 1);" FLOWS "(50, 'tcp', '198.51.100.1', 443, 2000000000, 3, 'skype-tcp', 'supernode'),"
	" (60, 'udp', '198.51.100.2', 53, 3000000000, 4, 'unknown', NULL),"
	" (70, 'udp', '198.51.100.3', 9, 4000000001, 5, 'skype-udp', 'signalling'),"
	" (90, 'tcp', '198.51.100.5', 9, 5000000000, 2, 'skype-tcp', 'supernode'),"
	" (100, 'udp', '198.51.100.2', 53, 3500000000, 6, 'unknown', NULL));";

static void view_make(struct view *v, const char *contents, const char *path)
{
	struct error err;

	if (!view_open(v, database_make(contents), path, 0, &err))
		fail_msg("%s", err.text);
}

static char *compared(const char *a, const char *b, const struct compare_request *request)
{
	struct view of_a, of_b;
	struct sheet s;
	struct error err;

	view_make(&of_a, a, "a.db");
	view_make(&of_b, b, "b.db");
	if (!compare_protocol(&of_a, &of_b, NULL, &err))
		fail_msg("%s", err.text);
	sheet_open(&s);
	if (!compare(&of_a, &of_b, request, s.file, &err))
		fail_msg("%s", err.text);
	fclose(s.file);
	sqlite3_close(of_a.db);
	sqlite3_close(of_b.db);
	return s.text;
}

static void expect_part(enum compare_part part, enum show_format format, const char *expected)
{
	char *text = compared(side_a, side_b,
			      &(struct compare_request){ .part = part, .format = format, .width = 80 });

	assert_string_equal(text, expected);
	free(text);
}

static void expect_in(const char *text, const char *line)
{
	if (!strstr(text, line))
		fail_msg("'%s' is not in:\n%s", line, text);
}

static void merges_two_orders(void **state)
{
	static const char *const rows[] = {
		"CREATE TABLE t (a, b); INSERT INTO t VALUES ('x', 1), ('x', 3), ('xy', 1), (NULL, 5), (2.5, "
		"0)",
		"CREATE TABLE t (a, b); INSERT INTO t VALUES ('x', 1), ('x', 2), ('x', 2), (2, 0), ('y', 0)",
	};
	/* NULL, then numbers by value, then texts byte by byte; rows that are there twice are two rows. */
	static const char expected[] = "A(null),5 B2,0 A2.5,0 =x,1 Bx,2 Bx,2 Ax,3 Axy,1 By,0 ";
	struct view v[SIDES] = { { .path = "a" }, { .path = "b" } };
	enum merge_place place = MERGE_BOTH;
	struct merge m;
	struct sheet s;
	struct error err;
	enum query_result result;

	(void)state;
	for (int side = 0; side < SIDES; side++) {
		assert_int_equal(sqlite3_open(":memory:", &v[side].db), SQLITE_OK);
		assert_int_equal(sqlite3_exec(v[side].db, rows[side], NULL, NULL, NULL), SQLITE_OK);
	}
	assert_true(merge_open(&m, &v[0], &v[1], "SELECT a, b FROM t ORDER BY 1, 2", 2, &err));
	sheet_open(&s);
	while ((result = merge_step(&m, &place, &err)) == QUERY_ROW) {
		sqlite3_stmt *row = m.row[place == MERGE_ONLY_B ? SIDE_B : SIDE_A];
		const char *a = (const char *)sqlite3_column_text(row, 0);
		fprintf(s.file, "%c%s,%s ", "AB="[place], a ? a : "(null)", query_text(row, 1));
	}
	assert_int_equal(result, QUERY_END);
	sheet_expect(&s, expected);
	merge_close(&m);
	sqlite3_close(v[0].db);
	sqlite3_close(v[1].db);
}

static void formats_quantities(void **state)
{
	static const struct {
		double value;
		const char *unit, *words;
	} known[] = {
		{ 0, "", "0" },
		{ 7, "", "7" },
		{ 999, "", "999" },
		{ 999.6, "", "1.00k" },
		{ 1234, "", "1.23k" },
		{ 99960, "", "100k" },
		{ 18274451, "", "18.3M" },
		{ 0.25, "", "0.25" },
		{ 1350, "bytes", "1.35 kB" },
		{ 18, "bytes", "18 B" },
		{ 65300, "us", "65.3 ms" },
		{ 0, "us", "0 s" },
		{ 220e9, "ns", "3.67 min" },
		{ 7200e9, "ns", "2 h" },
		{ 604800e9, "ns", "7 d" },
		{ 12.345, "%", "12.3 %" },
		{ -5, "", "-5" },
	};
	char text[QUANTITY_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		quantity_format(known[i].value, known[i].unit, text);
		assert_string_equal(text, known[i].words);
	}
}

static void warns(void **state)
{
	(void)state;
	/* 24 s against 8 s. */
	expect_part(
		COMPARE_cautions, SHOW_CSV,
		"words\n"
		"The numbers are not comparable: --filter differs (not set and udp). It changes which packets"
		" are seen.\n"
		"\"The numbers are not comparable: --idle differs (200 and 100). It changes flows, and all "
		"that"
		" is counted by flow: probes, pair classes, durations.\"\n"
		"\"B lasts 3 times as long as A: its counts are larger for that alone, and it sees longer"
		" silences.\"\n");
	/* Where the output goes changes no number. */
	expect_part(COMPARE_options, SHOW_CSV,
		    "name,a,b,touches\nfilter,not set,udp,which packets are seen\nidle,200,100,\"flows, and "
		    "all that"
		    " is counted by flow: probes, pair classes, durations\"\n");
	char *text =
		compared(side_a, side_a, &(struct compare_request){ .part = COMPARE_cautions, .width = 80 });
	assert_string_equal(text,
			    "Read with care\n  - Both were read from the same captures (by SHA-256): what"
			    " differs comes of\n    the program and its options.\n");
	free(text);
	text = compared(side_b, side_b, &(struct compare_request){ .part = COMPARE_cautions, .width = 80 });
	assert_string_equal(text, "Read with care\n  Nothing speaks against comparing them.\n");
	free(text);
}

static void counts(void **state)
{
	char *text = compared(side_a, side_b,
			      &(struct compare_request){ .part = COMPARE_counts, .format = SHOW_CSV });

	(void)state;
	expect_in(text, "\nclients recognised,,3,4,1.3333333333333333\n");
	expect_in(text, "\nclients suspected,,1,0,0\n");
	/* Of the recognised ones: 3 x 10; 3 x 20 + 1. */
	expect_in(text, "\n\"signalling flows, UDP\",,30,61,2.033333333333333\n");
	expect_in(text, "\ncalls,,0,0,\n");
	free(text);
}

static void shifts(void **state)
{
	char *text = compared(side_a, side_b,
			      &(struct compare_request){ .part = COMPARE_distributions, .format = SHOW_CSV });

	(void)state;
	/* Effective: 3 * 4 / 7. lambda = sqrt(12 / 7) * 5 / 12 = 0.5455; its tail, summed by hand, 0.9272. */
	expect_in(text, "\nsource_flow_packets,probe,\"packets of a source flow (R4), probe\",,3,4,1,2,2,9,"
			"0.4166666666666667,0.4166666666666667,0,1,1.7142857142857142");
	expect_in(text, ",1.7142857142857142,0.92722");
	expect_in(text, ",too few,too few\n");
	/* 120 bytes in 8 s are 120 bit/s, of 3 and of 4 clients. */
	expect_in(text, "\nbitrate,,bit/s of signalling sent by a client (R1),,3,4,120,120,120,120,0,0,0,120,"
			"1.7142857142857142,1,same,same\n");
	/* What nobody has given words to is shown all the same, also when only one side has it. */
	expect_in(text, "\nstrange_measure,x,\"strange_measure, x\",,3,0,7,,7,,,,,,,,only in A,only in A\n");
	free(text);
}

static void sockets(void **state)
{
	(void)state;
	/* Supernodes: .5:9 in both, .1:443 in B alone. */
	expect_part(COMPARE_sockets, SHOW_CSV,
		    "what,kept,moved,gone,new\nclients,1,1,1,2\npeers,0,0,0,0\nsupernodes,1,0,0,1\n");
	expect_part(COMPARE_members, SHOW_CSV,
		    "what,state,ip,port_a,port_b\n"
		    "clients,kept,10.0.0.1,1000,1000\n"
		    "clients,other port,10.0.0.2,1000,2000\n"
		    "clients,new,10.0.0.2,,3000\n"
		    "clients,gone,10.0.0.3,1000,\n"
		    "clients,new,10.0.0.7,,1000\n"
		    "supernodes,new,198.51.100.1,,443\n"
		    "supernodes,kept,198.51.100.5,9,9\n");
	expect_part(COMPARE_members, SHOW_TABLE,
		    "Sockets, one by one (skype)\n"
		    "              is          in A           in B\n"
		    "  clients     other port  10.0.0.2:1000  10.0.0.2:2000\n"
		    "  clients     new         -              10.0.0.2:3000\n"
		    "  clients     gone        10.0.0.3:1000  -\n"
		    "  clients     new         -              10.0.0.7:1000\n"
		    "  supernodes  new         -              198.51.100.1:443\n");
}

static void labels(void **state)
{
	(void)state;
	/* In both: 5, 6, 9 and 10; of these, 9 is called the same. 8 is before B's time. */
	expect_part(COMPARE_flows, SHOW_CSV,
		    "stored_a,stored_b,all_a,all_b,both,same,changed\n6,5,100,0,4,1,3\n");
	/* 4 + 1 and 6 + 1 packets; the first of them is the example. */
	expect_part(COMPARE_labels, SHOW_CSV,
		    "label_a,role_a,label_b,role_b,flows,packets,flow_a,flow_b\n"
		    "DNS,,unknown,,2,12,6,60\n"
		    "skype-tcp,node,skype-tcp,supernode,1,4,5,50\n");
}

/* A later trace has no flow in common, and the table says so. */
static void nothing_in_common(void **state)
{
	char *later = NULL;
	size_t size;
	FILE *f = open_memstream(&later, &size);

	(void)state;
	assert_non_null(f);
	fprintf(f, "%s%s", side_b,
		"UPDATE runs SET first_ns = 9000000001; UPDATE flows SET first_ns = first_ns + 9e9;");
	fclose(f);
	char *text = compared(side_a, later, &(struct compare_request){ .part = COMPARE_flows, .width = 80 });
	expect_in(text, "in both: same start and 5-tuple      0\n");
	expect_in(text, "The runs have no flow in common");
	free(text);
	free(later);
}

static void settles_the_protocol(void **state)
{
	static const char other[] =
		RUN("1", "2", "{}") CLIENTS "(1, 'other', 'other', '10.0.0.9', 1, 1, 1));";
	static const char third[] =
		RUN("1", "2", "{}") CLIENTS "(1, 'third', 'third', '10.0.0.9', 1, 1, 1));";
	static const char none[] = RUN("1", "2", "{}");
	static const struct {
		const char *a, *b, *wanted, *protocol, *says;
	} known[] = {
		{ side_a, side_b, NULL, "skype", NULL },   { side_a, other, NULL, "other", NULL },
		{ other, side_a, NULL, "other", NULL },    { none, none, NULL, "", NULL },
		{ third, side_a, NULL, NULL, "third" },    { side_a, third, "third", "third", NULL },
		{ side_a, none, NULL, NULL, "no client" }, { side_a, side_b, "third", NULL, "'third'" },
	};
	struct view a, b;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		view_make(&a, known[i].a, "a.db");
		view_make(&b, known[i].b, "b.db");
		bool ok = compare_protocol(&a, &b, known[i].wanted, &err);
		assert_int_equal(ok, known[i].says == NULL);
		if (ok) {
			assert_string_equal(a.protocol, known[i].protocol);
			assert_string_equal(b.protocol, known[i].protocol);
		} else {
			assert_int_equal(err.status, EXIT_USAGE);
			expect_in(err.text, known[i].says);
		}
		sqlite3_close(a.db);
		sqlite3_close(b.db);
	}
}

static void fits_the_terminal(void **state)
{
	char *text =
		compared(side_a, side_b,
			 &(struct compare_request){ .part = COMPARE_PART_COUNT, .all = true, .width = 80 });

	(void)state;
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		if (strcspn(line, "\n") > 80)
			fail_msg("too wide: %.*s", (int)strcspn(line, "\n"), line);
	free(text);
	text = compared(side_a, side_b,
			&(struct compare_request){ .part = COMPARE_distributions, .width = 80 });
	expect_in(text, "\n  packets of a source flow        A       3       1      2  0.42  0.9  too few\n"
			"  (R4), probe                     B       4       2      9\n");
	free(text);
	text = compared(side_a, side_b,
			&(struct compare_request){ .part = COMPARE_PART_COUNT, .format = SHOW_JSON });
	expect_in(text,
		  "{\"row\":\"sockets\",\"what\":\"clients\",\"kept\":1,\"moved\":1,\"gone\":1,\"new\":2}\n");
	assert_null(strstr(text, "\"members\"")); /* only with .all */
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merges_two_orders),
		cmocka_unit_test(formats_quantities),
		cmocka_unit_test(warns),
		cmocka_unit_test(counts),
		cmocka_unit_test(shifts),
		cmocka_unit_test(sockets),
		cmocka_unit_test(labels),
		cmocka_unit_test(nothing_in_common),
		cmocka_unit_test(settles_the_protocol),
		cmocka_unit_test(fits_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
