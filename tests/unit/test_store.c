/* store/: every kind of row in the SQLite sink, many of them, and the views of the schema. */
#include "store_build.h"

static void test_every_row(void **state)
{
	(void)state;
	struct sink *s = open_database("x.db", false);
	put_everything(s);
	finish(s);
	sqlite3 *db = read_database("x.db");

	assert_rows(db, "SELECT * FROM runs",
		    "1|0.1|libpcap "
		    "1.10|{\"idle\":200}|200000000000|1156534264000000000|1156534264000000060|12|1|");
	assert_rows(db, "SELECT * FROM inputs",
		    "1|1|mon\tday\".pcap|pcap|gzip|EN10MB|999|ab12|12|2|1|96|1156534264000000000|"
		    "1156534264000000060|cut|byte 990: cut"
		    " / 1|2|\xff.pcap|pcap||9999|0|~|0|0|0|~|~|~|complete|");
	assert_rows(db, "SELECT * FROM counters",
		    "1|flows|idle|2|no packet / 1|packets|arp|3|ARP or RARP / 1|packets|used|9|in a flow");
	assert_rows(db, "SELECT * FROM clients",
		    "1|1|skype|skype|10.0.0.1|40000|1|192.0.2.9|1|1.3.0.48|27.3|7|1156534264000000000|"
		    "1156534264000000009|2|4|10|11|500|600|6000|5400|70|80|1156534264000000001|"
		    "1156534264000000008|20|19|supernode"
		    " / 1|2|skype|skype?|fe80::1|1|0|~|~|~|10.0|0|~|~|0|0|0|0|0|0|0|0|0|0|~|~|0|0|client");
	assert_rows(db, "SELECT * FROM peers",
		    "1|1|skype|198.51.100.1|33033|0|1156534264000000000|1156534264000000008|2");
	assert_rows(db, "SELECT * FROM pairs",
		    "1|1|1|1|4|1|3|10|11|500|600|1|190|11400|1156534264000000000|1156534264000000008");
	assert_rows(db, "SELECT * FROM flows",
		    "1|7|tcp|10.0.0.1|40000|2001:db8::1|80|1156534264000000000|1156534264000000005|11|3|2|"
		    "300|200|100|"
		    "60|171|4|3|1500000000|2|1|5|6|3|1|rst|22|0|~|skype-login|skype|payload|30.25|1|~|login|"
		    "60030000000|3"
		    " / "
		    "1|8|253|10.0.0.1|40000|2001:db8::1|80|1156534264000000000|1156534264000000005|11|3|0|"
		    "300|0|100|"
		    "0|110|4|0|~|2|0|5|0|1|1|rst|~|2|3/13|unknown|~|none|0.0|~|DNS|~|~|0");
	assert_rows(db, "SELECT * FROM evidence",
		    "1|client|1|skype|msgid_counter|counts|24.0|24.0|5|1|7|11"
		    " / 1|flow|7|skype|msgid_counter|counts|24.0|24.0|5|1|7|11");
	assert_rows(db, "SELECT * FROM exchanges",
		    "1|7|skype|login||success|10.0.0.1|40000|192.0.2.1|33033|1156534264000000000|"
		    "1156534264000000005|2|1"
		    " / 1|12|skype|login||success|10.0.0.1|40000|192.0.2.1|33033|1156534264000000000|"
		    "1156534264000000005|2|~");
	assert_rows(
		db, "SELECT * FROM exchange_messages",
		"1|7|1|1156534264000000001|8|out|5|0x16 0x03 / 1|7|2|1156534264000000001|8|in|5|0x16 0x03");
	assert_rows(
		db, "SELECT * FROM version_checks",
		"1|9|10|1156534264000000002|skype|10.0.0.1|40001|192.0.2.2|80|getlatestversion|1.3.0.48|0|"
		"ui.skype.com|2"
		" / 1|9|13|1156534264000000002|skype|10.0.0.1|40001|192.0.2.2|80|getlatestversion|1.3.0.48|0|"
		"ui.skype.com|~");
	assert_rows(db, "SELECT * FROM calls",
		    "1|1|skype|socket|audio+video|10.0.0.1|40000|198.51.100.1|33033|1|udp|relayed|203.0.113."
		    "7|4000|198.51.100.9|5000|80.5|"
		    "1156534264000000000|1156534264000000009|2|10|700|60|80|33.5|2345.0|iSAC|1|sent|4.25|0|"
		    "11|800|61|81|33.25|2346.0|PCMU|0|suppressed|3.5|1|1|5|3|1"
		    " / 1|2|skype|none|other|fe80::1|1|2001:db8::1|2|0|udp+tcp|~|~|~|~|~|~|"
		    "1156534264000000001|1156534264000000001|1|0|0|~|~|~|~|~|~|~|~|~|"
		    "0|0|~|~|~|~|~|~|~|~|~|0|0|~|~");
	assert_rows(db, "SELECT * FROM holds", "1|1|1|1156534264000000002|1156534264000000007");
	assert_rows(db, "SELECT * FROM streams",
		    "1|7|1|1|call|format|udp|10.0.0.1|40000|198.51.100.1|33033|in|3735928559|8|PCMA|audio|"
		    "1156534264000000000|1156534264000000009|8|99|9900|90|500|100.0|2.5|20.0|1.5|1|102|4|1|2|"
		    "8000|0.5|0.75|3|96|48|3|-1.5|-2.5|RTP G.711|20|4.25|1"
		    " / 1|7|2|~|voip-like|none|udp|10.0.0.1|40000|198.51.100.1|33033|out|~|~|~|~|"
		    "1156534264000000000|1156534264000000000|7|1|0|0|0|0.0|0.0|~|~|0|~|~|~|~|"
		    "~|~|~|0|0|0|0|~|~|~|~|~|~");
	/* The ends of a stream: the first goes to the initiator. */
	assert_rows(db, "SELECT n, first_ts, from_ip, from_port, to_ip, to_port FROM stream_list ORDER BY n",
		    "1|0.0|198.51.100.1|33033|10.0.0.1|40000 / 2|0.0|10.0.0.1|40000|198.51.100.1|33033");
	assert_rows(db, "SELECT * FROM label_totals", "1|skype-login|payload||1|5|160|500");
	assert_rows(db, "SELECT * FROM distributions", "1|skype|payload_in|probe|11|3");
	/* The sum that the schema promises, and a view over what was stored. */
	assert_rows(db,
		    "SELECT r.packets, (SELECT sum(value) FROM counters c WHERE c.run = r.run AND area = "
		    "'packets')"
		    " FROM runs r",
		    "12|12");
	assert_rows(db, "SELECT flow, sizes FROM logins", "7|>5 <5 / 12|~");
	assert_rows(db, "PRAGMA integrity_check", "ok");
	sqlite3_close(db);
}

static void test_views_can_be_read(void **state)
{
	(void)state;
	struct sink *s = open_database("x.db", false);
	sqlite3_stmt *views, *rows;

	put_everything(s);
	finish(s);
	sqlite3 *db = read_database("x.db");
	unsigned count = 0;
	assert_int_equal(sqlite3_prepare_v2(
				 db, "SELECT 'SELECT * FROM ' || name FROM sqlite_schema WHERE type = 'view'",
				 -1, &views, NULL),
			 SQLITE_OK);
	for (; sqlite3_step(views) == SQLITE_ROW; count++) {
		const char *sql = (const char *)sqlite3_column_text(views, 0);
		if (sqlite3_prepare_v2(db, sql, -1, &rows, NULL) != SQLITE_OK)
			fail_msg("%s: %s", sql, sqlite3_errmsg(db));
		int code;
		while ((code = sqlite3_step(rows)) == SQLITE_ROW)
			;
		assert_int_equal(code, SQLITE_DONE);
		sqlite3_finalize(rows);
	}
	sqlite3_finalize(views);
	sqlite3_close(db);
	assert_true(count >= 15); /* those of the store, and one for each table and figure of the papers */
}

/* More flows than one statement takes, with a remainder, and with every value changing and staying by turns.
 */
static void test_many_flows(void **state)
{
	(void)state;
	static const char *const labels[] = { "DNS", "HTTP", "unknown" };
	struct sink *s = open_database("x.db", false);
	struct flow_record f = flow_record();
	struct flow_row row = { .flow = &f };
	char expected[64];
	struct error err;

	put_account(s);
	for (unsigned i = 0; i < 1003; i++) {
		f.first_packet = i + 1;
		f.label = labels[i % 3];
		f.ndpi_label = i % 2 ? "HTTP" : NULL;
		f.initiator.ip.b[15] = (uint8_t)(i % 256);
		f.initiator.port = (uint16_t)(i / 5);
		f.l4 = i % 7 ? IPPROTO_UDP : 253;
		f.icmp_errors = i % 11 == 0;
		row.bits = i % 4 ? 0 : 0.5F;
		row.client = i % 13 ? 0 : i;
		assert_true(s->ops->put_flow(s, &row, &err));
	}
	finish(s);
	sqlite3 *db = read_database("x.db");
	/* Made by SQL from the row number alone, so that nothing of the loop above is trusted. */
	assert_rows(db,
		    "SELECT count(*), sum(flow = rowid), sum(label = CASE (rowid - 1) % 3 WHEN 0 THEN 'DNS' "
		    "WHEN 1 THEN "
		    "'HTTP' ELSE 'unknown' END), sum(ndpi IS CASE (rowid - 1) % 2 WHEN 1 THEN 'HTTP' END),"
		    " sum(client_ip = '10.0.0.' || ((rowid - 1) % 256)), sum(client_port = (rowid - 1) / 5),"
		    " sum(proto = iif((rowid - 1) % 7, 'udp', '253')), sum(icmp IS iif((rowid - 1) % 11, "
		    "NULL, '0/0')),"
		    " sum(bits = iif((rowid - 1) % 4, 0, 0.5)),"
		    " sum(client IS iif((rowid - 1) % 13 OR rowid = 1, NULL, rowid - 1)) FROM flows",
		    "1003|1003|1003|1003|1003|1003|1003|1003|1003|1003");
	assert_rows(db,
		    "SELECT group_concat(rowid || '=' || client_port) FROM flows WHERE flow IN (1, 33, 1003)",
		    "1=0,33=6,1003=200");
	snprintf(expected, sizeof expected, "%d|%d", STORE_APPLICATION_ID, STORE_SCHEMA_VERSION);
	assert_rows(db, "SELECT * FROM pragma_application_id, pragma_user_version", expected);
	sqlite3_close(db);
}

/* `count` flows numbered from `first`; false when one is refused. */
static bool put_numbered(struct sink *s, unsigned first, unsigned count, struct error *err)
{
	struct flow_record f = flow_record();
	struct flow_row row = { .flow = &f };
	bool ok = true;

	for (unsigned i = 0; ok && i < count; i++) {
		f.first_packet = first + i;
		ok = s->ops->put_flow(s, &row, err);
	}
	return ok;
}

/* Other rows wait for the flows that are being inserted; more flows may follow them. */
static void test_rows_between_flows(void **state)
{
	(void)state;
	struct sink *s = open_database("x.db", false);
	struct error err;

	put_account(s);
	for (unsigned i = 0; i < 20; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%u", i);
		assert_true(put_numbered(s, 100 * i + 1, 100, &err));
		assert_true(s->ops->put_counter(s, &(struct counter_row){ "trace", name, "", i }, &err));
	}
	finish(s);
	sqlite3 *db = read_database("x.db");
	assert_rows(db, "SELECT count(*), sum(flow = rowid) FROM flows", "2000|2000");
	assert_rows(db, "SELECT count(*), sum(value) FROM counters WHERE area = 'trace'", "20|190");
	sqlite3_close(db);
}

/* Kinds of rows that wait may follow each other in any order: streaks that fill several statements, that fill
 * none, and turns. */
static void test_mixed_rows(void **state)
{
	(void)state;
	static const unsigned streaks[] = { 1, 31, 32, 33, 2, 700, 1, 95 };
	struct sink *s = open_database("x.db", false);
	struct message_row message = { .flow = 1, .dir = TO_RESPONDER };
	struct pair_row pair = { .client = 1 };
	struct error err;
	unsigned flows = 0;

	put_account(s);
	for (unsigned i = 0; i < sizeof streaks / sizeof streaks[0]; i++) {
		assert_true(put_numbered(s, flows + 1, streaks[i], &err));
		flows += streaks[i];
		for (unsigned k = 0; k < 2 * streaks[i]; k++) {
			message.n++;
			message.ts_ns = 1000 + message.n;
			assert_true(s->ops->put_message(s, &message, &err));
			pair.peer++;
			if (k % 3 == 0)
				assert_true(s->ops->put_pair(s, &pair, &err));
		}
	}
	finish(s);
	sqlite3 *db = read_database("x.db");
	assert_rows(db, "SELECT count(*), sum(flow = rowid) FROM flows", "895|895");
	assert_rows(db, "SELECT count(*), max(n), sum(ts_ns - 1000 = n AND direction = 'out') FROM messages",
		    "1790|1790|1790");
	/* Of each streak of 2 n rows every third: 1 + 21 + 22 + 22 + 2 + 467 + 1 + 64. */
	assert_rows(db, "SELECT count(*), count(DISTINCT peer), max(client) FROM pairs", "600|600|1");
	sqlite3_close(db);
}

/* A flow that the database does not take, long after it was put: every way on is told so. */
static void test_error_is_kept(void **state)
{
	(void)state;
	for (int way = 0; way < 3; way++) {
		struct error err = { 0 };
		make_database("x.db");
		execute("x.db", "CREATE UNIQUE INDEX one ON flows (run, flow)");
		struct sink *s = open_database("x.db", true);
		put_account(s);
		assert_true(put_numbered(s, 1, 64, &err));
		/* The same again: refused in the background, or when the ring is full. */
		bool ok = put_numbered(s, 1, way == 0 ? 100000 : 40, &err);
		if (way == 0)
			assert_false(ok);
		else if (way == 1 && ok)
			assert_false(
				s->ops->put_counter(s, &(struct counter_row){ "trace", "a", "", 1 }, &err));
		if (way == 2 && ok)
			assert_false(s->ops->finish(s, &err));
		else
			s->ops->abandon(s);
		assert_int_equal(err.status, EXIT_INTERNAL);
		if (!strstr(err.text,
			    "x.db does not take a row: UNIQUE constraint failed: flows.run, flows.flow"))
			fail_msg("%s", err.text);
		sqlite3 *db = read_database("x.db");
		assert_rows(db, "SELECT count(*), (SELECT count(*) FROM flows) FROM runs", "1|0");
		sqlite3_close(db);
	}
}

#define EXIT_NO_LIMIT 78

/* In a child whose user may have no more threads. */
static int many_flows_alone(void)
{
	struct rlimit none = { 0, 0 };
	struct error err = { 0 };
	/* root is exempt: become somebody else, who may write here */
	if (geteuid() == 0 && (chmod(".", 0777) < 0 || setgid(65534) < 0 || setuid(65534) < 0))
		return 1;
	if (setrlimit(RLIMIT_NPROC, &none) < 0)
		return 1;
	pid_t child = fork(); /* what refuses a process refuses a thread */
	if (child == 0)
		_exit(0);
	if (child > 0)
		return waitpid(child, NULL, 0) == child ? EXIT_NO_LIMIT : 1;
	struct sink *s = sink_sqlite_open("x.db", false, &err);
	const struct run_row run = run_row();
	const struct counter_row all = { "packets", "used", "in a flow", run.packets };
	return s && s->ops->put_run(s, &run, &err) && s->ops->put_counter(s, &all, &err) &&
			       put_numbered(s, 1, 1003, &err) && s->ops->finish(s, &err)
		       ? 0
		       : 1;
}

static void test_without_thread(void **state)
{
	(void)state;
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(many_flows_alone());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == EXIT_NO_LIMIT) {
		print_message("# threads cannot be forbidden here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	sqlite3 *db = read_database("x.db");
	assert_rows(db, "SELECT count(*), sum(flow = rowid) FROM flows", "1003|1003");
	sqlite3_close(db);
}

static void test_abandon_amid_flows(void **state)
{
	(void)state;
	struct error err;

	for (unsigned flows = 31; flows < 1000; flows += 97) {
		struct sink *s = open_database("x.db", false);
		put_account(s);
		assert_true(put_numbered(s, 1, flows, &err));
		s->ops->abandon(s);
		assert_int_equal(files(NULL, false), 0);
	}
}

static void test_protocol_names(void **state)
{
	(void)state;
	static const uint8_t numbers[] = { 17, 6, 1, 58, 2, 132, 47, 0, 255 };
	struct sink *s = open_database("x.db", false);
	struct flow_record f = flow_record();
	struct flow_row row = { .flow = &f };
	struct error err;

	put_account(s);
	for (unsigned i = 0; i < sizeof numbers; i++) {
		f.l4 = numbers[i];
		assert_true(s->ops->put_flow(s, &row, &err));
	}
	finish(s);
	sqlite3 *db = read_database("x.db");
	assert_rows(db, "SELECT group_concat(proto) FROM flows", "udp,tcp,icmp,icmp6,igmp,sctp,gre,0,255");
	sqlite3_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_row),          TEST(test_views_can_be_read),  TEST(test_many_flows),
		TEST(test_rows_between_flows), TEST(test_mixed_rows),         TEST(test_error_is_kept),
		TEST(test_without_thread),     TEST(test_abandon_amid_flows), TEST(test_protocol_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
