/* store/: the SQLite and JSON sinks, and opening what they made. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "store/open.h"
#include "store/sink.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Every test runs in an empty directory of its own. */

static int directory_enter(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *name;

	if (asprintf(&name, "%s/footsteps-store-XXXXXX", tmp ? tmp : "/tmp") < 0)
		return -1;
	*state = name;
	return mkdtemp(name) && chdir(name) == 0 ? 0 : -1;
}

static unsigned files(const char *wanted, bool remove)
{
	DIR *dir = opendir(".");
	unsigned count = 0;

	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		count += !wanted || strstr(entry->d_name, wanted);
		if (remove && unlink(entry->d_name) < 0)
			rmdir(entry->d_name);
	}
	closedir(dir);
	return count;
}

static int directory_leave(void **state)
{
	files(NULL, true);
	int result = chdir("/") | rmdir(*state);
	free(*state);
	return result;
}

static void file_write(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static char *file_read(const char *path, size_t *size)
{
	FILE *f = fopen(path, "r");
	char *text = malloc(1 << 20);

	assert_non_null(f);
	assert_non_null(text);
	size_t n = fread(text, 1, (1 << 20) - 1, f);
	text[n] = '\0';
	fclose(f);
	if (size)
		*size = n;
	return text;
}

/* --- one of every row --- */

static struct endpoint endpoint(const char *ip, uint16_t port)
{
	struct endpoint e = { .port = port };

	assert_true(ip_parse(ip, &e.ip));
	return e;
}

static const struct evidence_kind kind = { .name = "msgid_counter", .words = "counts", .cap = 24 };

/* 2006-08-25T19:31:04Z */
#define T0 INT64_C(1156534264000000000)

static struct run_row run_row(void)
{
	return (struct run_row){ .version = "0.1",
				 .libraries = "libpcap 1.10",
				 .options = "{\"idle\":200}",
				 .idle_ns = 200 * INT64_C(1000000000),
				 .first_ns = T0,
				 .last_ns = T0 + 60,
				 .packets = 12,
				 .complete = true,
				 .problems = "" };
}

/* A flow of 3 + 2 packets; 1.5 s from the first packet out to the first in. */
static struct flow_record flow_record(void)
{
	return (struct flow_record){
		.first_packet = 7,
		.last_packet = 11,
		.first_ns = T0,
		.last_ns = T0 + 5,
		.initiator = endpoint("10.0.0.1", 40000),
		.responder = endpoint("2001:db8::1", 80),
		.l4 = IPPROTO_TCP,
		.end_reason = FLOW_END_rst,
		.tcp_flags = TCP_SYN | TCP_ACK | TCP_RST,
		.duplicates = 1,
		.label = "skype-login",
		.side = { { .first_ns = T0,
			    .last_ns = T0 + 4,
			    .packets = 3,
			    .ip_bytes = 300,
			    .payload_bytes = 100,
			    .payload_wire = 110,
			    .messages = 2,
			    .retransmitted = 1,
			    .first_size = 5 },
			  { .first_ns = T0 + 1500000000,
			    .last_ns = T0 + 1500000003,
			    .packets = 2,
			    .ip_bytes = 200,
			    .payload_bytes = 60,
			    .payload_wire = 61,
			    .messages = 1,
			    .retransmitted = 2,
			    .first_size = 6 } },
	};
}

static void put_account(struct sink *s)
{
	const struct run_row run = run_row();
	struct error err;

	assert_true(s->ops->put_run(s, &run, &err));
	assert_true(s->ops->put_counter(s, &(struct counter_row){ "packets", "used", "in a flow", 9 }, &err));
	assert_true(
		s->ops->put_counter(s, &(struct counter_row){ "packets", "arp", "ARP or RARP", 3 }, &err));
	assert_true(s->ops->put_counter(s, &(struct counter_row){ "flows", "idle", "no packet", 2 }, &err));
}

static void put_inputs(struct sink *s)
{
	struct input_info full = { .path = "mon\tday\".pcap",
				   .format = "pcap",
				   .container = "gzip",
				   .bytes = 999,
				   .frames = 12,
				   .frames_filtered = 2,
				   .dropped = 1,
				   .first_ns = T0,
				   .last_ns = T0 + 60,
				   .snaplen = 96,
				   .linktype = 1,
				   .end = INPUT_CUT,
				   .problem = "byte 990: cut",
				   .sha256 = "ab12" };
	struct input_info empty = { .path = "\xff.pcap",
				    .format = "pcap",
				    .container = "",
				    .linktype = 9999,
				    .end = INPUT_COMPLETE };
	struct error err;

	assert_true(s->ops->put_input(s, &(struct input_row){ 1, &full }, &err));
	assert_true(s->ops->put_input(s, &(struct input_row){ 2, &empty }, &err));
}

static void put_sockets(struct sink *s)
{
	struct pair_totals total = { .flows = 4,
				     .one_time_probes = 1,
				     .dialogs = 3,
				     .packets_out = 10,
				     .packets_in = 11,
				     .payload_out = 500,
				     .payload_in = 600 };
	struct client_row client = { .id = 1,
				     .protocol = "skype",
				     .verdict = "skype",
				     .socket = endpoint("10.0.0.1", 40000),
				     .internal = true,
				     .has_public = true,
				     .public_ip = endpoint("192.0.2.9", 0).ip,
				     .behind_nat = true,
				     .bits = 27.3F,
				     .first_packet = 7,
				     .first_ns = T0,
				     .last_ns = T0 + 9,
				     .version = "1.3.0.48",
				     .total = total,
				     .media_out = 6000,
				     .media_in = 5400,
				     .tcp_out = 70,
				     .tcp_in = 80,
				     .has_tcp = true,
				     .tcp_first_ns = T0 + 1,
				     .tcp_last_ns = T0 + 8,
				     .peers = 2,
				     .callers = 20,
				     .callers_answered = 19,
				     .is_supernode = true };
	struct client_row bare = { .id = 2,
				   .protocol = "skype",
				   .verdict = "skype?",
				   .socket = endpoint("fe80::1", 1),
				   .version = "",
				   .bits = 10 };
	struct peer_row peer = { 1, "skype", endpoint("198.51.100.1", 33033), false, T0, T0 + 8, 2 };
	struct pair_row pair = { .client = 1,
				 .peer = 1,
				 .total = total,
				 .media = { 1, 100, 90, 6000, 5400 },
				 .first_ns = T0,
				 .last_ns = T0 + 8,
				 .client_first = true };
	struct error err;

	assert_true(s->ops->put_client(s, &client, &err));
	assert_true(s->ops->put_client(s, &bare, &err));
	assert_true(s->ops->put_peer(s, &peer, &err));
	assert_true(s->ops->put_pair(s, &pair, &err));
}

static void put_flows(struct sink *s)
{
	struct flow_record tcp = flow_record(), other = flow_record();
	struct flow_row row = { .flow = &tcp,
				.protocol = "skype",
				.source = LABEL_FROM_payload,
				.bits = 30.25F,
				.client = 1,
				.keepalive = { .count = 3, .interval_ns = INT64_C(60030000000) } };
	struct error err;

	tcp.role = ROLE_login;

	assert_true(s->ops->put_flow(s, &row, &err));
	/* The other of everything that can be NULL, and a protocol without a name. */
	other.first_packet = 8;
	other.l4 = 253; /* RFC 3692: for experiments */
	other.icmp_errors = 2;
	other.icmp_type = 3;
	other.icmp_code = 13;
	other.label = "unknown";
	other.ndpi_label = "DNS";
	memset(&other.side[TO_INITIATOR], 0, sizeof other.side[TO_INITIATOR]);
	row = (struct flow_row){ .flow = &other };
	assert_true(s->ops->put_flow(s, &row, &err));
}

static void put_meaning(struct sink *s)
{
	struct evidence_row evidence = { true, 1, "skype", &kind, { 5, 1, 24, 7, 11 } };
	struct exchange_row exchange = { 7,
					 "skype",
					 "login",
					 NULL,
					 "success",
					 endpoint("10.0.0.1", 40000),
					 endpoint("192.0.2.1", 33033),
					 T0,
					 T0 + 5,
					 2,
					 1 };
	struct exchange_message_row message = { 7, 1, T0 + 1, 8, TO_RESPONDER, 5, "0x16 0x03" };
	struct version_check_row version = { 9,
					     10,
					     T0 + 2,
					     endpoint("10.0.0.1", 40001),
					     endpoint("192.0.2.2", 80),
					     "skype",
					     "getlatestversion",
					     "1.3.0.48",
					     "ui.skype.com",
					     "0",
					     2 };
	struct label_total_row label = { "skype-login", "payload", "", 1, 5, 160, 500 };
	struct distribution_row size = { "skype", "payload_in", "probe", 11, 3 };
	struct error err;

	assert_true(s->ops->put_evidence(s, &evidence, &err));
	evidence.about_client = false;
	evidence.subject = 7;
	assert_true(s->ops->put_evidence(s, &evidence, &err));
	assert_true(s->ops->put_exchange(s, &exchange, &err));
	exchange.flow = 12; /* of a host where no client socket is recognised */
	exchange.client_socket = 0;
	assert_true(s->ops->put_exchange(s, &exchange, &err));
	assert_true(s->ops->put_exchange_message(s, &message, &err));
	message.n = 2;
	message.dir = TO_INITIATOR;
	assert_true(s->ops->put_exchange_message(s, &message, &err));
	assert_true(s->ops->put_version_check(s, &version, &err));
	version.packet = 13;
	version.client_socket = 0;
	assert_true(s->ops->put_version_check(s, &version, &err));
	assert_true(s->ops->put_label_total(s, &label, &err));
	assert_true(s->ops->put_distribution(s, &size, &err));
}

/* A call with all that can be known of one, and one with nothing; the streams likewise. */
static void put_media(struct sink *s)
{
	const struct call full = {
		.near = endpoint("10.0.0.1", 40000),
		.far = endpoint("198.51.100.1", 33033),
		.l4 = IPPROTO_UDP,
		.near_began = true,
		.audio = true,
		.video = true,
		.basis = MEDIA_BASIS_socket,
		.way = MEDIA_WAY_RELAYED,
		.near_public = endpoint("203.0.113.7", 4000),
		.behind = endpoint("198.51.100.9", 5000),
		.round_trip_ms = 80.5F,
		.client = 1,
		.first_ns = T0,
		.last_ns = T0 + 9,
		.side = { { 10, 700, 60, 80, 33.5F, 2345, "iSAC", true, SILENCE_SENT, 4.25F, false },
			  { 11, 800, 61, 81, 33.25F, 2346, "PCMU", false, SILENCE_SUPPRESSED, 3.5F, true } },
		.holds = 1,
		.hold_ns = 5,
		.conference = 3,
		.flows = 2
	};
	const struct call bare = { .near = endpoint("fe80::1", 1),
				   .far = endpoint("2001:db8::1", 2),
				   .first_ns = T0 + 1,
				   .last_ns = T0 + 1,
				   .flows = 1 };
	const struct stream_report told = { .stream = 0xdeadbeef,
					    .dir = TO_INITIATOR,
					    .first_packet = 8,
					    .first_ns = T0,
					    .last_ns = T0 + 9,
					    .packets = 99,
					    .payload = 9900,
					    .size_min = 90,
					    .size_max = 500,
					    .size_mean = 100,
					    .size_sd = 2.5F,
					    .gap_mean_ms = 20,
					    .gap_sd_ms = 1.5F,
					    .large = 1,
					    .sequenced = true,
					    .expected = 102,
					    .lost = 4,
					    .duplicates = 1,
					    .reordered = 2,
					    .has_jitter = true,
					    .jitter_mean_ms = 0.5F,
					    .jitter_max_ms = 0.75F,
					    .clock_hz = 8000,
					    .payload_type = 8,
					    .codec = "PCMA",
					    .media = MEDIA_AUDIO,
					    .comfort_noise = 3,
					    .csc_messages = 96,
					    .csc_above = 48,
					    .voice = { -1.5F, -2.5F, -2.5F, 0, 20, 3 } },
				   plain = { .first_packet = 7, .first_ns = T0, .last_ns = T0, .packets = 1 };
	const struct media_report report = { .flow = 7 };
	struct media_flow flow = { .report = &report,
				   .initiator = endpoint("10.0.0.1", 40000),
				   .responder = endpoint("198.51.100.1", 33033),
				   .l4 = IPPROTO_UDP,
				   .verdict = MEDIA_CALL,
				   .basis = MEDIA_BASIS_format,
				   .call = 1 };
	const struct hold_row hold = { 1, 1, { T0 + 2, T0 + 7 } };
	struct error err;

	assert_true(s->ops->put_call(s, &(struct call_row){ 1, "skype", &full }, &err));
	assert_true(s->ops->put_call(s, &(struct call_row){ 2, "skype", &bare }, &err));
	assert_true(s->ops->put_hold(s, &hold, &err));
	assert_true(s->ops->put_stream(s, &(struct stream_row){ &flow, &told, 1, "RTP G.711", 4.25F, true },
				       &err));
	flow.verdict = MEDIA_VOIP_LIKE;
	flow.basis = MEDIA_BASIS_none;
	flow.call = 0;
	assert_true(s->ops->put_stream(s, &(struct stream_row){ &flow, &plain, 2, NULL, 0, false }, &err));
}

static void put_everything(struct sink *s)
{
	put_account(s);
	put_inputs(s);
	put_sockets(s);
	put_flows(s);
	put_meaning(s);
	put_media(s);
}

static struct sink *open_database(const char *path, bool append)
{
	struct error err = { 0 };
	struct sink *s = sink_sqlite_open(path, append, &err);

	if (!s)
		fail_msg("%s", err.text);
	return s;
}

static void finish(struct sink *s)
{
	struct error err = { 0 };

	if (!s->ops->finish(s, &err))
		fail_msg("%s", err.text);
}

/* A small finished database with one run. */
static void make_database(const char *path)
{
	struct sink *s = open_database(path, false);

	put_account(s);
	finish(s);
}

static void execute(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* --- reading back --- */

/* All rows of a statement as the sqlite3 shell prints them: '|' between columns, ' / ' between rows, NULL as
 * ~. */
static void assert_rows(sqlite3 *db, const char *sql, const char *expected)
{
	char text[4096] = "";
	size_t used = 0;
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	while (sqlite3_step(stmt) == SQLITE_ROW)
		for (int c = 0; c < sqlite3_column_count(stmt); c++) {
			const char *value = (const char *)sqlite3_column_text(stmt, c);
			int n = snprintf(text + used, sizeof text - used, "%s%s",
					 c      ? "|"
					 : used ? " / "
						: "",
					 value ? value : "~");
			assert_true(n > 0 && (size_t)n < sizeof text - used);
			used += (size_t)n;
		}
	sqlite3_finalize(stmt);
	assert_string_equal(text, expected);
}

static sqlite3 *read_database(const char *path)
{
	struct error err = { 0 };
	sqlite3 *db = store_open_read(path, &err);

	if (!db)
		fail_msg("%s", err.text);
	return db;
}

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

/* A flow is counted once, for the client of its own or of its exchange or its version checks. */
static void test_client_traffic(void **state)
{
	(void)state;
	/* flow, label, recognised, client: of the flow, of its exchange, of its two version checks */
	static const struct {
		uint64_t flow;
		const char *label;
		bool recognised;
		uint32_t client, exchange, version;
	} cases[] = {
		{ 1, "skype-udp", true, 1, 0, 0 },   { 2, "skype-udp", true, 1, 0, 0 },
		{ 3, "skype-login", true, 0, 1, 0 }, { 4, "skype-version", true, 0, 0, 2 },
		{ 5, "skype-login", true, 2, 1, 0 }, { 6, "skype-login", true, 0, 0, 0 },
		{ 7, "DNS", false, 1, 0, 0 },
	};
	struct sink *s = open_database("x.db", false);
	struct error err;

	put_account(s);
	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct flow_record f = flow_record();
		struct flow_row row = { .flow = &f,
					.protocol = cases[i].recognised ? "skype" : NULL,
					.client = cases[i].client };
		f.first_packet = cases[i].flow;
		f.label = cases[i].label;
		assert_true(s->ops->put_flow(s, &row, &err));
	}
	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct exchange_row exchange = { .flow = cases[i].flow,
						 .protocol = "skype",
						 .role = "login",
						 .form = "",
						 .outcome = "success",
						 .client_socket = cases[i].exchange };
		struct version_check_row version = { .flow = cases[i].flow,
						     .packet = 10 * cases[i].flow,
						     .protocol = "skype",
						     .action = "installed",
						     .version = "1",
						     .platform = "0",
						     .host = "",
						     .client_socket = cases[i].version };
		if (cases[i].exchange)
			assert_true(s->ops->put_exchange(s, &exchange, &err));
		for (; cases[i].version && version.packet <= 10 * cases[i].flow + 1; version.packet++)
			assert_true(s->ops->put_version_check(s, &version, &err));
	}
	finish(s);
	sqlite3 *db = read_database("x.db");
	/* flow_record() has 3 + 2 packets, 100 + 60 bytes of payload, 300 + 200 bytes. */
	assert_rows(db, "SELECT * FROM client_traffic ORDER BY client, label",
		    "1|1|skype-login|1|5|160|500 / 1|1|skype-udp|2|10|320|1000"
		    " / 1|2|skype-login|1|5|160|500 / 1|2|skype-version|1|5|160|500");
	sqlite3_close(db);
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

/* --- files --- */

static void test_temporary_name(void **state)
{
	(void)state;
	struct stat st;
	mode_t mask = umask(027);
	struct sink *s = open_database("x.db", false);

	put_everything(s);
	assert_int_equal(access("x.db", F_OK), -1);
	assert_int_equal(files(".x.db.partial-", false), 1);
	finish(s);
	umask(mask);
	assert_int_equal(files(NULL, false), 1);
	assert_int_equal(stat("x.db", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);

	/* A file that is replaced keeps who may read it; the one before stays until the end. */
	assert_int_equal(chmod("x.db", 0600), 0);
	s = open_database("x.db", false);
	put_account(s);
	sqlite3 *db = read_database("x.db");
	assert_rows(db, "SELECT count(*) FROM flows", "2");
	sqlite3_close(db);
	finish(s);
	db = read_database("x.db");
	assert_rows(db, "SELECT count(*) FROM flows", "0");
	sqlite3_close(db);
	assert_int_equal(stat("x.db", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_abandon(void **state)
{
	(void)state;
	struct error err;
	struct sink *s = open_database("x.db", false);

	put_everything(s);
	s->ops->abandon(s);
	assert_int_equal(files(NULL, false), 0);
	s = sink_json_open("x.json", &err);
	assert_non_null(s);
	put_everything(s);
	assert_int_equal(access("x.json", F_OK), -1);
	assert_int_equal(files(".x.json.partial-", false), 1);
	s->ops->abandon(s);
	assert_int_equal(files(NULL, false), 0);
}

static void test_account_is_checked(void **state)
{
	(void)state;
	for (int json = 0; json <= 1; json++) {
		struct error err = { 0 };
		struct sink *s = json ? sink_json_open("x", &err) : open_database("x", false);
		put_account(s);
		/* 9 + 3 is all that was read */
		assert_true(
			s->ops->put_counter(s, &(struct counter_row){ "packets", "not_ip", "", 1 }, &err));
		assert_false(s->ops->finish(s, &err));
		assert_int_equal(err.status, EXIT_INTERNAL);
		assert_non_null(strstr(err.text, "13"));
		assert_int_equal(files(NULL, false), 0);
	}
}

static void test_row_twice(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct sink *s = open_database("x.db", false);
	struct counter_row row = { "trace", "cut", "", 1 };

	assert_true(s->ops->put_counter(s, &row, &err));
	assert_false(s->ops->put_counter(s, &row, &err));
	assert_int_equal(err.status, EXIT_INTERNAL);
	assert_non_null(strstr(err.text, "UNIQUE"));
	s->ops->abandon(s);
	assert_int_equal(files(NULL, false), 0);
}

/* Neither sink, nor append, may touch the file; the message names it and what it is. */
static void assert_kept(const char *path, const char *what)
{
	size_t before, after;
	char *old = file_read(path, &before);

	for (int way = 0; way < 3; way++) {
		struct error err = { 0 };
		struct sink *s =
			way == 2 ? sink_json_open(path, &err) : sink_sqlite_open(path, way == 1, &err);
		assert_null(s);
		assert_int_equal(err.status, EXIT_OUTPUT);
		if (!strstr(err.text, path) || !strstr(err.text, what))
			fail_msg("'%s' says nothing of %s, %s", err.text, path, what);
		char *new = file_read(path, &after);
		assert_int_equal(before, after);
		assert_memory_equal(old, new, before);
		free(new);
	}
	free(old);
	assert_int_equal(files(".partial-", false), 0);
}

static void test_foreign_files(void **state)
{
	(void)state;
	file_write("monday.pcap", "\xd4\xc3\xb2\xa1\x02\x00\x04\x00", 8);
	assert_kept("monday.pcap", "pcap capture");
	file_write("thesis.txt", "Chapter 1", 9);
	assert_kept("thesis.txt", "something else");
	execute("places.db", "CREATE TABLE a(b)");
	assert_kept("places.db", "another program");
}

static void test_own_files_are_replaced(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct sink *s;

	file_write("x.db", "", 0);
	make_database("x.db");
	make_database("x.db");
	/* All but a database of a newer footsteps, which may hold what this one cannot make. */
	execute("x.db", "PRAGMA user_version = 7");
	assert_null(sink_sqlite_open("x.db", false, &err));
	assert_int_equal(err.status, EXIT_OUTPUT);
	assert_non_null(strstr(err.text, "x.db was made by a newer footsteps"));
	execute("x.db", "PRAGMA user_version = 0");
	make_database("x.db");
	/* What SQLite left beside the old one must not be played back into the new one. */
	file_write("x.db-journal", "old", 3);
	make_database("x.db");
	assert_int_equal(files(NULL, false), 1);

	for (int i = 0; i < 2; i++) {
		s = sink_json_open("x.json", &err);
		assert_non_null(s);
		put_account(s);
		finish(s);
	}
	assert_null(sink_json_open("x.db", &err));
	assert_non_null(strstr(err.text, "a footsteps database"));
	assert_null(sink_sqlite_open("x.json", false, &err));
	assert_non_null(strstr(err.text, "JSON rows"));
	assert_int_equal(files(NULL, false), 2);
}

static void test_symbolic_link(void **state)
{
	(void)state;
	struct stat st;

	make_database("real.db");
	assert_int_equal(symlink("real.db", "link.db"), 0);
	struct sink *s = open_database("link.db", false);
	put_everything(s);
	finish(s);
	assert_int_equal(lstat("link.db", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	sqlite3 *db = read_database("real.db");
	assert_rows(db, "SELECT count(*) FROM flows", "2");
	sqlite3_close(db);
}

/* Names that mean something else to SQLite. */
static void test_odd_names(void **state)
{
	(void)state;
	static const char *const names[] = { ":memory:", "file:x?mode=memory", "a b'\"%.db", "-x" };

	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		make_database(names[i]);
		assert_int_equal(access(names[i], F_OK), 0);
		struct sink *s = open_database(names[i], true);
		put_account(s);
		finish(s);
		sqlite3 *db = read_database(names[i]);
		assert_rows(db, "SELECT count(*) FROM runs", "2");
		sqlite3_close(db);
	}
	assert_int_equal(files(NULL, false), 4);

	char longest[256] = "";
	memset(longest, 'n', 255);
	make_database(longest);
	assert_int_equal(access(longest, F_OK), 0);
}

static void assert_cannot_open(const char *path, const char *first, const char *second)
{
	for (int way = 0; way < 3; way++) {
		struct error err = { 0 };
		assert_null(way == 2 ? sink_json_open(path, &err) : sink_sqlite_open(path, way == 1, &err));
		assert_int_equal(err.status, EXIT_OUTPUT);
		if (!strstr(err.text, first) || !strstr(err.text, second))
			fail_msg("'%s' has no '%s' or '%s'", err.text, first, second);
	}
}

static void test_impossible_places(void **state)
{
	(void)state;
	assert_cannot_open("nowhere/x.db", "No such file or directory", "make the directory");
	assert_int_equal(mkdir("dir", 0777), 0);
	assert_cannot_open("dir", "dir is a directory", "-o");
	assert_cannot_open("", "No such file", "-o");
	file_write("plain", "", 0);
	assert_cannot_open("plain/x.db", "Not a directory", "plain/x.db");
	if (geteuid() != 0) {
		assert_int_equal(chmod("dir", 0555), 0);
		assert_cannot_open("dir/x.db", "Permission denied", "that you may write to");
	}
	assert_int_equal(files(NULL, false), 2);
}

/* --- no space --- */

/* Flows until it fails, at a put or at the end. */
static void fill(struct sink *s, struct error *err)
{
	struct flow_record f = flow_record();
	struct flow_row row = { .flow = &f };
	bool ok = true;

	put_account(s);
	for (unsigned i = 0; ok && i < 200000; i++) {
		f.first_packet = i + 1;
		ok = s->ops->put_flow(s, &row, err);
	}
	if (!ok)
		s->ops->abandon(s);
	else
		ok = s->ops->finish(s, err);
	assert_false(ok);
}

static void test_file_size_limit(void **state)
{
	(void)state;
	struct rlimit old, small;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){ 1000000, old.rlim_max };
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	for (int json = 0; json <= 1; json++) {
		struct error err = { 0 };
		struct sink *s = json ? sink_json_open("x", &err) : open_database("x", false);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		fill(s, &err);
		setrlimit(RLIMIT_FSIZE, &old);
		assert_int_equal(err.status, EXIT_OUTPUT);
		if (!strstr(err.text, "cannot write x: File too large; make room"))
			fail_msg("%s", err.text);
		assert_int_equal(files(NULL, false), 0);
	}
	/* An append that fails leaves what was there. */
	struct error err = { 0 };
	make_database("x");
	struct sink *s = open_database("x", true);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	fill(s, &err);
	setrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, handler);
	assert_int_equal(files(NULL, false), 1);
	sqlite3 *db = read_database("x");
	assert_rows(db, "SELECT count(*), (SELECT count(*) FROM flows) FROM runs", "1|0");
	assert_rows(db, "PRAGMA integrity_check", "ok");
	sqlite3_close(db);
}

#define EXIT_NO_MOUNT 77

/* In a child process, whose mounts nobody else sees. */
static int fill_small_disk(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mkdir("disk", 0777) < 0 || mount("none", "disk", "tmpfs", 0, "size=2m") < 0 || chdir("disk") < 0)
		return EXIT_NO_MOUNT;
	for (int json = 0; json <= 1; json++) {
		struct error err = { 0 };
		struct sink *s = json ? sink_json_open("x", &err) : open_database("x", false);
		fill(s, &err);
		if (err.status != EXIT_OUTPUT ||
		    !strstr(err.text, "cannot write x: No space left on device; make room") ||
		    files(NULL, false) != 0) {
			fprintf(stderr, "# %s; %u files\n", err.text, files(NULL, false));
			return 1;
		}
	}
	return 0;
}

static void test_full_disk(void **state)
{
	(void)state;
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(fill_small_disk());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == EXIT_NO_MOUNT) {
		print_message("# may not mount a small file system here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- append --- */

static void test_append(void **state)
{
	(void)state;
	struct error err;
	struct sink *s = open_database("x.db", true); /* nothing there yet: as without append */

	assert_int_equal(access("x.db", F_OK), -1);
	put_everything(s);
	finish(s);
	for (int i = 0; i < 2; i++) {
		s = open_database("x.db", true);
		put_everything(s);
		finish(s);
	}
	s = open_database("x.db", true);
	put_everything(s);
	s->ops->abandon(s);
	assert_int_equal(files(NULL, false), 1);

	sqlite3 *db = read_database("x.db");
	assert_rows(db, "SELECT group_concat(run) FROM runs", "1,2,3");
	assert_rows(db, "SELECT run, count(*) FROM flows GROUP BY run", "1|2 / 2|2 / 3|2");
	assert_rows(db, "SELECT run, count(*) FROM distributions GROUP BY run", "1|1 / 2|1 / 3|1");
	assert_rows(db, "SELECT run, sizes FROM logins WHERE flow = 7", "1|>5 <5 / 2|>5 <5 / 3|>5 <5");
	sqlite3_close(db);

	/* Two at a time: the second is told, and the first goes on. */
	s = open_database("x.db", true);
	assert_null(sink_sqlite_open("x.db", true, &err));
	assert_int_equal(err.status, EXIT_OUTPUT);
	assert_non_null(strstr(err.text, "in use"));
	put_account(s);
	finish(s);
	db = read_database("x.db");
	assert_rows(db, "SELECT max(run) FROM runs", "4");
	sqlite3_close(db);
}

/* A process that appends, writes much, and dies before the end. */
static void append_and_die(const char *path)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		struct sink *s = open_database(path, true);
		struct flow_record f = flow_record();
		struct flow_row row = { .flow = &f };
		struct error err;
		put_account(s);
		/* More than its cache, so that the file itself is changed. */
		for (unsigned i = 0; i < 100000; i++)
			s->ops->put_flow(s, &row, &err);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
}

static void test_killed_append(void **state)
{
	(void)state;
	make_database("x.db");
	append_and_die("x.db");
	assert_int_equal(access("x.db-journal", F_OK), 0); /* else this test tests nothing */
	sqlite3 *db = read_database("x.db");
	assert_rows(db, "SELECT count(*), (SELECT count(*) FROM flows) FROM runs", "1|0");
	assert_rows(db, "PRAGMA integrity_check", "ok");
	sqlite3_close(db);

	append_and_die("x.db");
	struct sink *s = open_database("x.db", true);
	put_everything(s);
	finish(s);
	db = read_database("x.db");
	assert_rows(db, "SELECT max(run), (SELECT count(*) FROM flows) FROM runs", "2|2");
	sqlite3_close(db);

	append_and_die("x.db");
	make_database("x.db");
	assert_int_equal(files(NULL, false), 1);
	db = read_database("x.db");
	assert_rows(db, "SELECT count(*) FROM runs", "1");
	assert_rows(db, "PRAGMA integrity_check", "ok");
	sqlite3_close(db);
}

/* --- versions, and opening --- */

static void assert_not_read(const char *path, const char *first, const char *second)
{
	struct error err = { 0 };

	assert_null(store_open_read(path, &err));
	assert_int_equal(err.status, EXIT_INPUT);
	if (!strstr(err.text, first) || !strstr(err.text, second))
		fail_msg("'%s' has no '%s' or '%s'", err.text, first, second);
}

static void test_versions(void **state)
{
	(void)state;
	static const struct {
		const char *sql, *append, *read;
	} cases[] = {
		{ "PRAGMA user_version = 7",
		  "x.db was made by a newer footsteps (schema 7; this one knows 3): upgrade footsteps or "
		  "write to another "
		  "file",
		  "newer footsteps (schema 7; this one knows 3): upgrade footsteps" },
		{ "PRAGMA user_version = 0", "x.db is unfinished", "x.db is unfinished" },
		{ "PRAGMA user_version = -1", "older footsteps (schema -1", "read the captures again" },
	};

	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct error err = { 0 };
		unlink("x.db"); /* a newer one is not replaced */
		make_database("x.db");
		execute("x.db", cases[i].sql);
		assert_null(sink_sqlite_open("x.db", true, &err));
		assert_int_equal(err.status, EXIT_OUTPUT);
		if (!strstr(err.text, cases[i].append))
			fail_msg("%s", err.text);
		assert_not_read("x.db", cases[i].read, "x.db");
		/* Nothing was added, and nothing is left beside it. */
		assert_int_equal(files(NULL, false), 1);
		sqlite3 *db;
		assert_int_equal(sqlite3_open("x.db", &db), SQLITE_OK);
		assert_rows(db, "SELECT count(*) FROM runs", "1");
		sqlite3_close(db);
	}
}

static void test_open_read_refuses(void **state)
{
	(void)state;
	size_t size;

	assert_not_read("x.db", "there is no x.db", "footsteps read -o x.db");
	file_write("monday.pcap", "\xa1\xb2\xc3\xd4", 4);
	assert_not_read("monday.pcap", "monday.pcap is a pcap capture, not a footsteps database: run",
			"'footsteps read -o x.db monday.pcap' first");
	file_write("a.pcapng", "\n\r\r\n", 4);
	assert_not_read("a.pcapng", "a pcapng capture", "first");
	file_write("a.gz", "\x1f\x8b\x08", 3);
	assert_not_read("a.gz", "gzip", "first");
	file_write("empty", "", 0);
	assert_not_read("empty", "an empty file", "not a footsteps database");
	assert_int_equal(mkdir("dir", 0777), 0);
	assert_not_read("dir", "a directory", "not a footsteps database");
	execute("places.db", "CREATE TABLE a(b)");
	assert_not_read("places.db", "another program", "not a footsteps database");

	make_database("x.db");
	char *bytes = file_read("x.db", &size);
	file_write("cut.db", bytes, size / 2 / 4096 * 4096);
	assert_not_read("cut.db", "cannot read cut.db", "malformed");
	free(bytes);
}

/* What a killed `read` leaves is known as such, also when somebody gives it a proper name. */
static void test_killed_read(void **state)
{
	(void)state;
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		put_everything(open_database("x.db", false));
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(access("x.db", F_OK), -1);
	DIR *dir = opendir(".");
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		if (strncmp(entry->d_name, ".x.db.partial-", 14) == 0)
			assert_int_equal(rename(entry->d_name, "y.db"), 0);
	closedir(dir);
	assert_not_read("y.db", "y.db is unfinished", "read the captures again");
}

static void test_read_only(void **state)
{
	(void)state;
	make_database("x.db");
	sqlite3 *db = read_database("x.db");
	assert_int_equal(sqlite3_exec(db, "DELETE FROM runs", NULL, NULL, NULL) & 0xff, SQLITE_READONLY);
	sqlite3_close(db);
	sqlite3_close(NULL);
}

/* --- JSON --- */

/* Bound to ?1: the line, and ?2 where a name is needed. */
static char *ask_json(sqlite3 *db, const char *sql, const char *line, const char *name)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_bind_text(stmt, 1, line, -1, SQLITE_STATIC);
	if (name)
		sqlite3_bind_text(stmt, 2, name, -1, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	const char *value = (const char *)sqlite3_column_text(stmt, 0);
	char *copy = strdup(value ? value : "~");
	sqlite3_finalize(stmt);
	return copy;
}

static void assert_json(sqlite3 *db, const char *sql, const char *line, const char *name,
			const char *expected)
{
	char *value = ask_json(db, sql, line, name);

	if (strcmp(value, expected) != 0)
		fail_msg("%s\n%s\n gives %s, not %s", line, sql, value, expected);
	free(value);
}

/*
 * The same rows into both: every line is JSON, its keys are the columns of the table in their order, and its
 * values are those of the database.
 */
static void test_json_like_database(void **state)
{
	(void)state;
	static const char *const tables[][2] = {
		{ "run", "runs" },
		{ "counter", "counters" },
		{ "input", "inputs" },
		{ "client", "clients" },
		{ "peer", "peers" },
		{ "pair", "pairs" },
		{ "flow", "flows" },
		{ "evidence", "evidence" },
		{ "exchange", "exchanges" },
		{ "exchange_message", "exchange_messages" },
		{ "version_check", "version_checks" },
		{ "call", "calls" },
		{ "hold", "holds" },
		{ "stream", "streams" },
		{ "label_total", "label_totals" },
		{ "distribution", "distributions" },
	};
	struct error err = { 0 };
	struct sink *s = sink_json_open("x.json", &err);
	unsigned lines = 0;
	bool seen[sizeof tables / sizeof tables[0]] = { false };

	assert_non_null(s);
	put_everything(s);
	finish(s);
	make_database("x.db");
	sqlite3 *db = read_database("x.db");
	char *text = file_read("x.json", NULL), *rest = text;
	for (char *line; (line = strsep(&rest, "\n")) && *line; lines++) {
		unsigned t = 0;
		assert_json(db, "SELECT json_valid(?1)", line, NULL, "1");
		char *row = ask_json(db, "SELECT ?1 ->> 'row'", line, NULL);
		while (t < sizeof tables / sizeof tables[0] && strcmp(tables[t][0], row) != 0)
			t++;
		if (t == sizeof tables / sizeof tables[0])
			fail_msg("an unknown row: %s", line);
		free(row);
		seen[t] = true;
		char *columns = ask_json(db, "SELECT ?1 || group_concat(name) FROM pragma_table_info(?2)",
					 "row,", tables[t][1]);
		assert_json(db, "SELECT group_concat(key) FROM json_each(?1)", line, NULL, columns);
		free(columns);
	}
	free(text);
	sqlite3_close(db);
	for (unsigned t = 0; t < sizeof tables / sizeof tables[0]; t++)
		assert_true(seen[t]);
	/* 1 run, 3 counters, 2 inputs, 2 clients, 1 peer, 1 pair, 2 flows, 2 evidence, 2 + 2, 2, 1, 1; media:
	 * 2, 1, 2
	 */
	assert_int_equal(lines, 27);
}

static void test_json_values(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct sink *s = sink_json_open("x.json", &err);
	/* RFC 8259 section 7, RFC 3629 section 3: quote, backslash, controls; overlong, surrogate, cut short,
	 * beyond. */
	struct counter_row row = { .area = "trace",
				   .name = "a\"b\\c\n\x01\x7f",
				   .value = UINT64_MAX,
				   .words = "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x91\xa3 "
					    "\xc0\xaf \xed\xa0\x80 \xe2\x82 \xf4\x90\x80\x80 \xff" };

	assert_non_null(s);
	put_account(s);
	put_flows(s);
	assert_true(s->ops->put_counter(s, &row, &err));
	finish(s);
	char *text = file_read("x.json", NULL);
#define BAD "\xef\xbf\xbd"
	static const char expected[] =
		"{\"row\":\"counter\",\"run\":1,\"area\":\"trace\",\"name\":"
		"\"a\\\"b\\\\c\\u000a\\u0001\\u007f\","
		"\"value\":9223372036854775807,\"words\":\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x91\xa3 " BAD BAD
		" " BAD BAD BAD " " BAD BAD " " BAD BAD BAD BAD " " BAD "\"}\n";
	const char *last = strstr(text, "{\"row\":\"counter\",\"run\":1,\"area\":\"trace\"");
	assert_non_null(last);
	assert_string_equal(last, expected);
	assert_non_null(strstr(text, "\"reply_ns\":1500000000,"));
	assert_non_null(strstr(text, "\"reply_ns\":null,"));
	assert_non_null(strstr(text, "\"bits\":30.25,\"client\":1,\"ndpi\":null,\"role\":\"login\","
				     "\"keepalive_ns\":60030000000,\"keepalives\":3}\n"));
	assert_non_null(strstr(text, "\"bits\":0,\"client\":null,\"ndpi\":\"DNS\",\"role\":null,"
				     "\"keepalive_ns\":null,\"keepalives\":0}\n"));
	free(text);
}

/* More than one buffer, so that rows straddle its end. */
static void test_json_long(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct sink *s = sink_json_open("x.json", &err);
	struct flow_record f = flow_record();
	struct flow_row row = { .flow = &f };
	unsigned lines = 0;
	char line[2048], expected[32];

	assert_non_null(s);
	put_account(s);
	for (unsigned i = 0; i < 2000; i++) {
		f.first_packet = i;
		assert_true(s->ops->put_flow(s, &row, &err));
	}
	finish(s);
	FILE *in = fopen("x.json", "r");
	assert_non_null(in);
	while (fgets(line, sizeof line, in)) {
		if (!strstr(line, "\"row\":\"flow\""))
			continue;
		snprintf(expected, sizeof expected, "\"run\":1,\"flow\":%u,", lines++);
		assert_non_null(strstr(line, expected));
		assert_string_equal(line + strlen(line) - 2, "}\n");
	}
	fclose(in);
	assert_int_equal(lines, 2000);
}

/* In a child with its standard output on a pipe: "-" writes there, and a reader that goes away is an error.
 */
static void test_json_standard_output(void **state)
{
	(void)state;
	for (int gone = 0; gone <= 1; gone++) {
		int ends[2], status;
		char begin[16] = "";
		assert_int_equal(pipe(ends), 0);
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			struct error err = { 0 };
			signal(SIGPIPE, SIG_IGN);
			dup2(ends[1], STDOUT_FILENO);
			close(ends[0]);
			close(ends[1]);
			struct sink *s = sink_json_open("-", &err);
			put_everything(s);
			if (gone)
				usleep(100000);
			bool ok = s->ops->finish(s, &err);
			_exit(ok                                                                 ? 0
			      : err.status == EXIT_OUTPUT && strstr(err.text, "standard output") ? 4
												 : 1);
		}
		close(ends[1]);
		if (!gone)
			assert_int_equal(read(ends[0], begin, 14), 14);
		close(ends[0]);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), gone ? 4 : 0);
		assert_string_equal(begin, gone ? "" : "{\"row\":\"run\",\"");
	}
	assert_int_equal(files(NULL, false), 0);
}

/* Devices are written in place, never renamed over. */
static void test_json_device(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct stat st;
	struct sink *s = sink_json_open("/dev/null", &err);

	assert_non_null(s);
	put_everything(s);
	finish(s);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	if (access("/dev/full", W_OK) != 0)
		skip();
	s = sink_json_open("/dev/full", &err);
	assert_non_null(s);
	put_everything(s);
	assert_false(s->ops->finish(s, &err));
	assert_int_equal(err.status, EXIT_OUTPUT);
	assert_non_null(strstr(err.text, "No space left on device"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, directory_enter, directory_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_row),
		TEST(test_views_can_be_read),
		TEST(test_client_traffic),
		TEST(test_many_flows),
		TEST(test_rows_between_flows),
		TEST(test_error_is_kept),
		TEST(test_without_thread),
		TEST(test_abandon_amid_flows),
		TEST(test_protocol_names),
		TEST(test_temporary_name),
		TEST(test_abandon),
		TEST(test_account_is_checked),
		TEST(test_row_twice),
		TEST(test_foreign_files),
		TEST(test_own_files_are_replaced),
		TEST(test_symbolic_link),
		TEST(test_odd_names),
		TEST(test_impossible_places),
		TEST(test_file_size_limit),
		TEST(test_full_disk),
		TEST(test_append),
		TEST(test_killed_append),
		TEST(test_versions),
		TEST(test_open_read_refuses),
		TEST(test_killed_read),
		TEST(test_read_only),
		TEST(test_json_like_database),
		TEST(test_json_values),
		TEST(test_json_long),
		TEST(test_json_standard_output),
		TEST(test_json_device),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
