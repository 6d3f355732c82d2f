/* What the tests of store/ share: a directory for each test, one of every kind of row, and reading them back.
 */
#ifndef FS_TESTS_STORE_BUILD_H
#define FS_TESTS_STORE_BUILD_H
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

static inline int directory_enter(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *name;

	if (asprintf(&name, "%s/footsteps-store-XXXXXX", tmp ? tmp : "/tmp") < 0)
		return -1;
	*state = name;
	return mkdtemp(name) && chdir(name) == 0 ? 0 : -1;
}

static inline unsigned files(const char *wanted, bool remove)
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

static inline int directory_leave(void **state)
{
	files(NULL, true);
	int result = chdir("/") | rmdir(*state);
	free(*state);
	return result;
}

static inline void file_write(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static inline char *file_read(const char *path, size_t *size)
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

static inline struct endpoint endpoint(const char *ip, uint16_t port)
{
	struct endpoint e = { .port = port };

	assert_true(ip_parse(ip, &e.ip));
	return e;
}

static const struct evidence_kind kind = { .name = "msgid_counter", .words = "counts", .cap = 24 };

/* 2006-08-25T19:31:04Z */
#define T0 INT64_C(1156534264000000000)

static inline struct run_row run_row(void)
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
static inline struct flow_record flow_record(void)
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

static inline void put_account(struct sink *s)
{
	const struct run_row run = run_row();
	struct error err;

	assert_true(s->ops->put_run(s, &run, &err));
	assert_true(s->ops->put_counter(s, &(struct counter_row){ "packets", "used", "in a flow", 9 }, &err));
	assert_true(
		s->ops->put_counter(s, &(struct counter_row){ "packets", "arp", "ARP or RARP", 3 }, &err));
	assert_true(s->ops->put_counter(s, &(struct counter_row){ "flows", "idle", "no packet", 2 }, &err));
}

static inline void put_inputs(struct sink *s)
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

static inline void put_sockets(struct sink *s)
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

static inline void put_flows(struct sink *s)
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

static inline void put_meaning(struct sink *s)
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
static inline void put_media(struct sink *s)
{
	const struct call full = { .near = endpoint("10.0.0.1", 40000),
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
				   .side = { { 10, 700, 60, 80, 33.5F, 2345, "iSAC", true, SILENCE_SENT,
					       4.25F, false, 0, 0 },
					     { 11, 800, 61, 81, 33.25F, 2346, "PCMU", false,
					       SILENCE_SUPPRESSED, 3.5F, true, 0, 0 } },
				   .holds = 1,
				   .hold_ns = 5,
				   .conference = 3,
				   .flows = 2 };
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
	const struct hold_row hold = { .call = 1, .n = 1, .hold = { .first_ns = T0 + 2, .last_ns = T0 + 7 } };
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

static inline void put_everything(struct sink *s)
{
	put_account(s);
	put_inputs(s);
	put_sockets(s);
	put_flows(s);
	put_meaning(s);
	put_media(s);
}

static inline struct sink *open_database(const char *path, bool append)
{
	struct error err = { 0 };
	struct sink *s = sink_sqlite_open(path, append, &err);

	if (!s)
		fail_msg("%s", err.text);
	return s;
}

static inline void finish(struct sink *s)
{
	struct error err = { 0 };

	if (!s->ops->finish(s, &err))
		fail_msg("%s", err.text);
}

/* A small finished database with one run. */
static inline void make_database(const char *path)
{
	struct sink *s = open_database(path, false);

	put_account(s);
	finish(s);
}

static inline void execute(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* --- reading back --- */

/* All rows of a statement as the sqlite3 shell prints them: '|' between columns, ' / ' between rows, NULL as
 * ~. */
static inline void assert_rows(sqlite3 *db, const char *sql, const char *expected)
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

static inline sqlite3 *read_database(const char *path)
{
	struct error err = { 0 };
	sqlite3 *db = store_open_read(path, &err);

	if (!db)
		fail_msg("%s", err.text);
	return db;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, directory_enter, directory_leave)
#endif
