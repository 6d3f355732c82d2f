/* `footsteps show` on databases made by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "views/show_topics.h"
#include "views_build.h"
#include <string.h>
#include <unistd.h>

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
}

/* One client with everything that is measured of it, and what is measured of another protocol. */
static const char measured[] =
	"INSERT INTO runs VALUES (1, '0', '', '{}', 1, 0, 4000000000, 0, 1, '');"
	"INSERT INTO clients (run, client, protocol, verdict, ip, port, internal, bits, first_packet, "
	"first_ns, "
	"last_ns, peers,"
	" flows, packets_out, packets_in, payload_out, payload_in, media_out, media_in, tcp_out, tcp_in, "
	"callers,"
	" callers_answered, role) VALUES"
	" (1, 1, 'skype', 'skype', '10.0.0.1', 1000, 1, 30, 1, 0, 4000000000, 4, 9, 0, 0, 80, 0, 0, 0, 20, "
	"0, 0, 0,"
	" 'client'),"
	" (1, 2, 'skype', 'skype', '10.0.0.2', 1000, 1, 30, 1, 1, 4000000001, 0, 9, 0, 0, 30, 0, 0, 0, 0, 0, "
	"17, 9,"
	" 'supernode'),"
	" (1, 3, 'other', 'other', '10.0.0.3', 1000, 1, 30, 1, 0, 1, 0, 1, 0, 0, 80, 0, 0, 0, 20, 0, 0, 0, "
	"'client');"
	"INSERT INTO peers SELECT 1, column1, 'skype', '198.51.100.' || column1, 5, 0, 0, 1, 1 FROM"
	" (VALUES (1), (2), (3), (4));"
	"INSERT INTO pairs VALUES (1, 1, 1, 1, 1, 1, 0, 1, 0, 18, 0, 0, 0, 0, 0, 1),"
	" (1, 1, 2, 1, 2, 2, 0, 2, 0, 36, 0, 0, 0, 0, 2, 1), (1, 1, 3, 1, 1, 0, 1, 2, 2, 36, 9, 0, 0, 0, 3, "
	"1),"
	" (1, 1, 4, 1, 0, 0, 0, 0, 0, 0, 0, 1, 250, 999, 4, 1);"
	"INSERT INTO setups VALUES (1, 1, 'udp-restricted', 'Nobody answered.', 9, 0, 0), (1, 3, 'public', "
	"'x', 1, 1, "
	"1);"
	"INSERT INTO startups VALUES (1, 1, 'skype', 1, 0, 'success', NULL, 5, 6, NULL, 7, 0, NULL, 3, "
	"800000000, "
	"1200000000,"
	" 3400000000, 10240, 11000, 22, 6), (1, 2, 'skype', 1, 3500000000, 'none', NULL, NULL, NULL, NULL, "
	"0, 0, NULL, "
	"0,"
	" NULL, NULL, NULL, 0, 0, 0, 0);"
	"INSERT INTO searches VALUES (1, 1, 'skype', 1, 1000000000, 4400000000, 5, 8, 6, 2, 300, 600),"
	" (1, 2, 'skype', 1, 1, 2, NULL, 16, 0, 1, 1, 0);"
	"INSERT INTO flows SELECT 1, column1, 'tcp', '10.0.0.1', 3000, column2, 443, 0, 2000000000, 9, 1, 1, "
	"0, 0, 10, "
	"20,"
	" 30, 0, 0, NULL, 0, 0, 0, 0, 0, 0, 'rst', NULL, 0, NULL, 'skype-tcp', 'skype', 'peer', 30, 1, NULL, "
	"column3,"
	" column4, 3 FROM (VALUES (5, '198.51.100.1', 'supernode', 60000000000), (6, '198.51.100.2', 'node', "
	"NULL));"
	"INSERT INTO supernode_contacts VALUES (1, 1, 'skype', '198.51.100.1', 443, 0, 0, 3, 2, 0),"
	" (1, 1, 'skype', '198.51.100.9', 443, 0, 0, 1, 0, 0);"
	"INSERT INTO names VALUES (1, '198.51.100.1', 'sn.example.net', 'example.net', 0);"
	"INSERT INTO places VALUES (1, '198.51.100.1', 'Europe', 'GB', 'United Kingdom', NULL, 52, 1, 64496, "
	"'Example');"
	"INSERT INTO round_trips VALUES (1, 7, 6, 'skype', 1, 0, 65000000, 23, 11);"
	"INSERT INTO series VALUES (1, 'skype', 'hour', 0, 9, 10, 11, 1, 1, 2, 3), (1, 'other', 'hour', 0, "
	"1, 1, 1, 1, "
	"1, 0, 0);"
	"INSERT INTO class_shares VALUES (1, 'skype', 60000000000, 'probe', 3, 3, 4), (1, 'skype', "
	"60000000000, 'mix', 1, 7, "
	"6);"
	"INSERT INTO state_peaks VALUES (1, 'skype', 0, 200000000000, 61, 5000000000, 40, 0, 31.25, 20.5, "
	"70, 45), (1, 'skype', "
	"1, 200000000000, 9,"
	" 5000000000, 4, 0, 3, 2, 12, 5);"
	"INSERT INTO activity VALUES (1, 1, 1, 'the most active', NULL, 0, 0, 0, 0);"
	"INSERT INTO scenes VALUES (1, 'login', 1, 1, 0, 3400000000);"
	"INSERT INTO scene_flows VALUES (1, 'login', 1, 5), (1, 'login', 1, 6);";

static void shows_what_was_measured(void **state)
{
	/* The table for people, 80 columns wide, and the same for a program, by columns that are an
	 * interface. */
	static const struct {
		const char *topic, *table, *csv;
	} known[] = {
		{ "setups",
		  "client         set-up          asked  answered  callers  because\n"
		  "10.0.0.1:1000  udp-restricted      9         0        0  Nobody answered.\n"
		  "10.0.0.3:1000  public              1         1        1  x\n"
		  "Left out to fit: protocol.\n",
		  "client_ip,client_port,protocol,run,client,setup,reasons,asked,answered,callers\n"
		  "10.0.0.1,1000,skype,1,1,udp-restricted,Nobody answered.,9,0,0\n"
		  "10.0.0.3,1000,other,1,3,public,x,1,1,1\n" },
		{ "supernodes", NULL,
		  "run,kind,protocol,flow,client,client_ip,client_port,ip,port,first_ns,last_ns,ended,"
		  "keepalive_s,"
		  "keepalives,payload,name,client_udp_port,callers\n"
		  "1,connection,skype,5,1,10.0.0.1,3000,198.51.100.1,443,0,2000000000,rst,60,3,30,sn.example."
		  "net,"
		  "1000,\n"
		  "1,inside,skype,,2,10.0.0.2,1000,10.0.0.2,1000,1,4000000001,,,,,,1000,17\n" },
		{ "costs",
		  "protocol  client         timeout s  peak  of probes  at        mean\n"
		  "skype     all together         200    61         40  00:00:05  31.2\n"
		  "skype     10.0.0.1:1000        200     9          4  00:00:05   3.0\n"
		  "Times are UTC on 1970-01-01.\n"
		  "Left out to fit: mean of probes.\n",
		  NULL },
		/* 3 of 4 pairs, 3 of 10 flows, 4 of 10 packets. */
		{ "classes",
		  "protocol  timeout s  class  pairs  % pairs  flows  % flows  packets  % packets\n"
		  "skype            60  probe      3     75.0      3     30.0        4       40.0\n"
		  "skype            60  mix        1     25.0      7     70.0        6       60.0\n",
		  NULL },
		{ "scenes",
		  "kind   number  start                 lasted  client         flows\n"
		  "login       1  1970-01-01T00:00:00Z   3.4 s  10.0.0.1:1000      2\n",
		  NULL },
		{ "round-trips", NULL,
		  "client_ip,client_port,run,packet,flow,protocol,client,asked_ns,round_trip_ns,question,"
		  "reply\n"
		  "10.0.0.1,1000,1,7,6,skype,1,0,65000000,23,11\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		struct show_request request = { .topic = known[i].topic, .width = 80 };
		char *text = shown(measured, &request);
		if (known[i].table)
			assert_string_equal(text, known[i].table);
		free(text);
		request.format = SHOW_CSV;
		text = shown(measured, &request);
		if (known[i].csv)
			assert_string_equal(text, known[i].csv);
		free(text);
	}
}

static void assert_fits(const char *topic, const char *text)
{
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		if (strcspn(line, "\n") > 80)
			fail_msg("%s: %s", topic, line);
}

/* Every topic runs, with rows and without, fits the terminal, and can be had as CSV of the same number of
 * rows. */
static void every_topic_runs(void **state)
{
	static const char none[] = "INSERT INTO runs VALUES (1, '0', '', '{}', 1, NULL, NULL, 0, 1, '')";
	const struct topic *const tables[] = { show_topic_table, show_measured_table };

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (const struct topic *topic = tables[i]; topic->name; topic++) {
			char *text =
				shown(measured, &(struct show_request){ .topic = topic->name, .width = 80 });
			assert_fits(topic->name, text);
			assert_non_null(strstr(show_topics(), topic->name));
			if (i == 1)
				assert_null(strstr(text, topic->none));
			free(text);
			text = shown(none, &(struct show_request){ .topic = topic->name, .width = 80 });
			if (i == 1)
				assert_int_equal(strncmp(text, topic->none, strlen(topic->none)), 0);
			assert_fits(topic->name, text);
			free(text);
			free(shown(measured,
				   &(struct show_request){ .topic = topic->name, .format = SHOW_JSON }));
		}
}

/* What does not fit is left out or wrapped, also where the numbers are large and the sentences long. */
static void long_lines_are_wrapped(void **state)
{
	static const char long_ones[] =
		"INSERT INTO runs VALUES (1, '0', '', '{}', 1, 0, 1000000000, 9, 0,"
		" '/var/captures/monday.pcap: byte 498: the file ends inside the packet header that begins"
		" here');"
		"INSERT INTO inputs VALUES (1, 1, '/var/captures/monday.pcap', 'pcap', 'gzip', 'EN10MB',"
		" 500, '', 9, 0, 0, 65535, 0, 1000000000, 'cut', 'byte 498: the file ends inside the"
		" packet header that begins here');"
		"INSERT INTO series VALUES (1, 'bittorrent', 'day', 0, 1000000, 20000000, 3000000000, 12,"
		" 12, 100, 3);"
		"INSERT INTO clients (run, client, protocol, verdict, ip, port, internal, bits,"
		" first_packet, first_ns, last_ns, peers, flows, packets_out, packets_in, payload_out,"
		" payload_in, media_out, media_in, tcp_out, tcp_in, callers, callers_answered, role)"
		" VALUES (1, 1, 'skype', 'skype', '10.0.0.1', 1000, 1, 30, 1, 0, 1, 4, 9, 0, 0, 80, 0, 0,"
		" 0, 20, 0, 1700, 1600, 'supernode');"
		"INSERT INTO flows SELECT 1, 5, 'tcp', '2001:db8:1234:5678:9abc:def0:1234:5678', 30000,"
		" '2001:db8:1234:5678:9abc:def0:1234:5679', 44300, 0, 2000000000, 9, 1000, 1000, 0, 0, 10,"
		" 20, 30, 0, 0, NULL, 0, 0, 0, 0, 0, 0, 'evicted', NULL, 0, NULL, 'skype-tcp', 'skype',"
		" 'peer', 30, 1, NULL, NULL, NULL, 0;";
	static const struct show_request requests[] = {
		{ .width = 80 },
		{ .topic = "series", .width = 80 },
		{ .topic = "why", .subject = "10.0.0.1:1000", .width = 80 },
		{ .topic = "why", .subject = "5", .width = 80 }
	};

	(void)state;
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		char *text = shown(long_ones, &requests[i]);

		assert_fits(requests[i].topic ? requests[i].topic : "summary", text);
		free(text);
	}
}

static void filters_by_protocol_and_client(void **state)
{
	static const struct show_request of_other = { .topic = "setups",
						      .format = SHOW_CSV,
						      .protocol = "other" };
	static const struct show_request of_one = { .topic = "costs",
						    .format = SHOW_CSV,
						    .client = "10.0.0.1:1000" };
	char *text = shown(measured, &of_other);

	(void)state;
	assert_null(strstr(text, "skype"));
	assert_non_null(strstr(text, "10.0.0.3"));
	free(text);
	text = shown(measured, &of_one);
	assert_null(strstr(text, "61")); /* that of all together */
	assert_non_null(strstr(text, ",10.0.0.1,1000\n"));
	free(text);
}

/* Pairs: one of each class but mix. Bit rates: 100 and 30 bytes in 4 s, the lower of both medians. */
static void summarises_what_was_measured(void **state)
{
	char *text = shown(measured, &(struct show_request){ .width = 80 });

	(void)state;
	if (!strstr(text,
		    "\nMeasured of skype (row by row: footsteps show tiny ...)\n"
		    "  what         in this trace                                         row by row\n"
		    "  pairs        1 dialog, 1 heartbeat, 1 media, 1 probe               pairs\n"
		    "  signalling   median 60.0 bit/s of 2 internal clients               clients\n"
		    "  NAT entries  at most 61 at a time, 40 of them of probes (timeout   costs\n"
		    "               200 s)\n"
		    "  set-ups      1 udp-restricted                                      setups\n"
		    "  starts       1 without a login, 1 login success                    startups\n"
		    "  searches     2, of 12 nodes on average, 25 % of which answered     searches\n"
		    "  supernodes   connected to 1 of 2 contacted                         supernodes\n"
		    "  round trips  median 65 ms of 1 by message id                       round-trips\n"))
		fail_msg("%s", text);
	free(text);
	text = shown(measured, &(struct show_request){ .format = SHOW_JSON });
	assert_non_null(strstr(
		text, "\"measured_protocol\":\"skype\",\"median_bitrate\":60,\"probe_pairs\":1,"
		      "\"heartbeat_pairs\":1,\"dialog_pairs\":1,\"mix_pairs\":0,\"peak_entries_200s\":61,"
		      "\"peak_probe_entries_200s\":40,\"startups\":2,\"searches\":2,"));
	free(text);
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
		{ { .topic = "names", .client = "10.0.0.1:1000" }, "--client" },
		{ { .topic = "streams", .protocol = "skype" }, "--protocol" },
		{ { .topic = "account", .protocol = "skype" }, "--protocol" },
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_sockets),
		cmocka_unit_test(tells_suspected_from_recognised),
		cmocka_unit_test(shows_what_was_measured),
		cmocka_unit_test(every_topic_runs),
		cmocka_unit_test(long_lines_are_wrapped),
		cmocka_unit_test(filters_by_protocol_and_client),
		cmocka_unit_test(summarises_what_was_measured),
		cmocka_unit_test(refuses_what_is_not_there),
		cmocka_unit_test(names_a_lock),
		cmocka_unit_test(shows_flows_as_ground_truth_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
