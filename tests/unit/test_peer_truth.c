/* The truth of a capture: flows, pairs, classes and calls that are worked out by hand beside their packets.
 */
#include "base/clock.h"
#include "peer/scenario.h"
#include "peer/truth.h"
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOST(last)   (UINT32_C(0x0a000000) + (last))                             /* 10.0.0.x: near */
#define REMOTE(last) ((struct endpoint){ UINT32_C(0xc6336400) + (last), 40000 }) /* 198.51.100.x */
#define T0           INT64_C(1175500800000000000)

static struct {
	char directory[32], path[64];
	struct truth *truth;
	uint32_t client;
	struct endpoint near;
	uint64_t number; /* of the last packet */
	sqlite3 *db;
	struct error err;
	struct party party;
} test;

static int64_t at(double seconds)
{
	return T0 + (int64_t)(seconds * 1e9);
}

static int begin(void **state)
{
	(void)state;
	memset(&test, 0, sizeof test);
	snprintf(test.directory, sizeof test.directory, "/tmp/truth-XXXXXX");
	assert_non_null(mkdtemp(test.directory));
	snprintf(test.path, sizeof test.path, "%s/t.db", test.directory);
	const struct truth_run run = { "login.scenario", "First login", "footsteps-peer 0", 7, "{}", "" };
	test.truth = truth_open(test.path, &run, &test.err);
	assert_non_null(test.truth);
	test.near = (struct endpoint){ HOST(2), 35990 };
	const struct truth_client client = { .name = "alice",
					     .address = test.near,
					     .version = "1.2.0.18",
					     .setup = "port-restricted nat",
					     .public_ip = HOST(0) };
	test.client = truth_add_client(test.truth, &client);
	assert_int_equal(test.client, 1);
	return 0;
}

static int end(void **state)
{
	(void)state;
	sqlite3_close(test.db);
	unlink(test.path);
	/* Nothing else may be left there. */
	assert_int_equal(rmdir(test.directory), 0);
	return 0;
}

static struct conversation *talk(enum truth_proto proto, struct endpoint far, enum purpose purpose)
{
	uint32_t peer = proto == TRUTH_UDP ? truth_add_peer(test.truth, far) : 0;
	struct conversation *c =
		truth_conversation(test.truth, proto, test.near, far, purpose, test.client, peer);

	assert_non_null(c);
	return c;
}

/* out: from the client. */
static void say(struct conversation *c, double seconds, bool out, size_t payload)
{
	truth_packet(test.truth, c, ++test.number, at(seconds), out, payload, PURPOSE_SIGNALLING);
}

static void media(struct conversation *c, double seconds, bool out)
{
	truth_packet(test.truth, c, ++test.number, at(seconds), out, 67, PURPOSE_MEDIA);
}

static void finish(void)
{
	if (!truth_close(test.truth, "/tmp/x/login.pcap", "abcd", &test.err))
		fail_msg("%s", test.err.text);
	assert_int_equal(sqlite3_open_v2(test.path, &test.db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
}

/* The first row, its cells with blanks between them; "-" for NULL. */
static void expect(const char *sql, const char *expected)
{
	sqlite3_stmt *stmt;
	char text[512] = "";

	if (sqlite3_prepare_v2(test.db, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(test.db));
	for (int rows = 0; sqlite3_step(stmt) == SQLITE_ROW; rows++)
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			const char *cell = (const char *)sqlite3_column_text(stmt, i);
			size_t used = strlen(text);
			snprintf(text + used, sizeof text - used, "%s%s",
				 !used ? ""
				 : i   ? " "
				       : "; ",
				 cell ? cell : "-");
		}
	sqlite3_finalize(stmt);
	assert_string_equal(text, expected);
}

static void expect_pair(const char *expected)
{
	expect("SELECT class, client_first, flows, probes, dialogs, packets_out, packets_in, payload_out,"
	       " payload_in, media_flows FROM pairs ORDER BY peer",
	       expected);
}

/* D1: exactly 200 s is one flow, a nanosecond more makes two. */
static void test_gap(void **state)
{
	struct conversation *one, *two;

	(void)state;
	one = talk(TRUTH_UDP, REMOTE(1), PURPOSE_SIGNALLING);
	two = talk(TRUTH_UDP, REMOTE(2), PURPOSE_SIGNALLING);
	say(one, 0, true, 18);
	say(two, 0, true, 18);
	truth_packet(test.truth, one, ++test.number, T0 + TRUTH_IDLE_NS, true, 18, PURPOSE_SIGNALLING);
	truth_packet(test.truth, two, ++test.number, T0 + TRUTH_IDLE_NS + 1, true, 18, PURPOSE_SIGNALLING);
	finish();
	expect("SELECT flow, last_packet, packets_out, packets_in, last_ns - first_ns, label, role, client FROM flows",
	       "1 3 2 0 200000000000 skype-udp signalling 1; 2 2 1 0 0 skype-udp signalling 1;"
	       " 4 4 1 0 0 skype-udp signalling 1");
	expect_pair("dialog 1 1 0 1 2 0 36 0 0; heartbeat 1 2 2 0 2 0 36 0 0");
	expect("SELECT client_ip, client_port, server_ip, server_port FROM flows WHERE flow = 1",
	       "10.0.0.2 35990 198.51.100.1 40000");
	expect("SELECT packets, last_ns - first_ns, capture, sha256, idle_ns FROM runs",
	       "4 200000000001 login.pcap abcd 200000000000");
	expect("SELECT last_ns - first_ns, behind_nat, public_ip, role FROM clients",
	       "200000000001 1 10.0.0.0 client");
}

/* The reply comes after more than 200 s: it is a flow of its own that the peer began, and a probe as well. */
static void test_late_reply(void **state)
{
	struct conversation *c;

	(void)state;
	c = talk(TRUTH_UDP, REMOTE(1), PURPOSE_SIGNALLING);
	say(c, 0, true, 18);
	say(c, 201, false, 26);
	finish();
	expect("SELECT client_ip, server_ip, packets_out, packets_in, payload_out FROM flows ORDER BY flow",
	       "10.0.0.2 198.51.100.1 1 0 18; 198.51.100.1 10.0.0.2 1 0 26");
	expect_pair("heartbeat 1 2 2 0 1 1 18 26 0");
}

/* D6 to D10: a probe with one reply; with two it is a dialog; one of each is a mix. */
static void test_classes(void **state)
{
	struct conversation *c[4];

	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		c[i] = talk(TRUTH_UDP, REMOTE(i + 1), PURPOSE_SIGNALLING);
	say(c[0], 0, true, 18); /* probe */
	say(c[0], 0.1, false, 26);
	say(c[1], 0, true, 18); /* two replies: its initiator sent one packet, but D6 allows one reply */
	say(c[1], 0.1, false, 26);
	say(c[1], 0.2, false, 26);
	say(c[2], 0, false, 30); /* mix, begun by the peer: a dialog, then a probe of the client */
	say(c[2], 1, false, 30);
	say(c[2], 300, true, 18);
	say(c[3], 0, true, 18); /* probed twice */
	say(c[3], 300, true, 18);
	say(c[3], 300.1, false, 26);
	finish();
	expect_pair("probe 1 1 1 0 1 1 18 26 0; dialog 1 1 0 1 1 2 18 52 0; mix 0 2 1 1 1 2 18 60 0;"
		    " heartbeat 1 2 2 0 2 1 36 26 0");
}

/* D11: the flow with media is not in the classes; the next one with the same peer is. */
static void test_media(void **state)
{
	struct conversation *c, *only;

	(void)state;
	c = talk(TRUTH_UDP, REMOTE(1), PURPOSE_SIGNALLING);
	only = talk(TRUTH_UDP, REMOTE(2), PURPOSE_SIGNALLING);
	say(c, 0, true, 18);
	media(c, 1, true);
	media(c, 1.02, false);
	say(c, 300, true, 18);
	media(only, 301, false);
	finish();
	expect("SELECT role, packets_out, packets_in, payload_out FROM flows ORDER BY flow",
	       "media 2 1 85; signalling 1 0 18; media 1 0 67");
	expect_pair("probe 1 1 1 0 1 0 18 0 1; - 0 0 0 0 0 0 0 0 1");
}

/* Between two clients: one flow, and a pair of each. */
static void test_both_ends(void **state)
{
	const struct truth_client bob = { .name = "bob",
					  .address = { HOST(3), 41877 },
					  .version = "1.4.0.84",
					  .setup = "public",
					  .setup_hidden = "nobody calls",
					  .supernode = true };
	struct conversation *c;

	(void)state;
	assert_int_equal(truth_add_client(test.truth, &bob), 2);
	c = talk(TRUTH_UDP, bob.address, PURPOSE_SIGNALLING);
	say(c, 0, true, 18);
	say(c, 1, false, 26);
	finish();
	expect("SELECT count(*), max(client) FROM flows", "1 1");
	expect("SELECT p.client, q.ip, q.port, class, client_first, packets_out, payload_out, payload_in"
	       " FROM pairs p JOIN peers q USING (run, peer) ORDER BY 1",
	       "1 10.0.0.3 41877 probe 1 1 18 26; 2 10.0.0.2 35990 probe 0 1 26 18");
	expect("SELECT role, public_ip, behind_nat, hidden FROM clients JOIN setups USING (run, client) WHERE client = 2",
	       "supernode 10.0.0.3 0 nobody calls");
}

/* Each connection is a conversation, also on the same 5-tuple a moment later. */
static void test_tcp(void **state)
{
	static const enum purpose purposes[] = { PURPOSE_LOGIN,         PURPOSE_CONTACT_LIST,
						 PURPOSE_VERSION_CHECK, PURPOSE_SUPERNODE,
						 PURPOSE_NODE,          PURPOSE_TLS };
	struct conversation *c;

	(void)state;
	for (unsigned i = 0; i < sizeof purposes / sizeof purposes[0]; i++) {
		c = talk(TRUTH_TCP, REMOTE(1), purposes[i]);
		truth_packet(test.truth, c, ++test.number, at(i), true, 0, purposes[i]);
		truth_packet(test.truth, c, ++test.number, at(i + 0.1), false, 0, purposes[i]);
	}
	c = talk(TRUTH_TCP, REMOTE(1), PURPOSE_NODE);
	media(c, 10, false);
	c = talk(TRUTH_ICMP, (struct endpoint){ 0x01020304, 0 }, PURPOSE_OTHER);
	truth_packet(test.truth, c, ++test.number, at(11), true, 56, PURPOSE_OTHER);
	c = truth_conversation(test.truth, TRUTH_UDP, test.near, REMOTE(3), PURPOSE_OTHER, 0, 0);
	truth_packet(test.truth, c, ++test.number, at(12), true, 30, PURPOSE_OTHER);
	finish();
	expect("SELECT flow, label, role, packets_in FROM flows ORDER BY flow",
	       "1 skype-login login 1; 3 skype-contact-list contact_list 1; 5 skype-http version_check 1;"
	       " 7 skype-tcp supernode 1; 9 skype-tcp node 1; 11 skype-tls - 1; 13 skype-tcp media 0;"
	       " 14 other - 0; 15 other - 0");
	expect("SELECT proto, protocol, client FROM flows WHERE flow > 12", "tcp skype 1; icmp - 1; udp - -");
	expect("SELECT count(*) FROM pairs", "0");
}

static void tell(enum fact_kind kind, double seconds, struct fact fact, struct conversation *c)
{
	fact.kind = kind;
	fact.party = &test.party;
	truth_fact(test.truth, &fact, test.client, c, at(seconds));
}

/* Two logins, the second one works: the start-up is a success. Before, a client that was there already. */
static void test_logins(void **state)
{
	struct link login = { .purpose = PURPOSE_LOGIN }, list = { .purpose = PURPOSE_CONTACT_LIST };
	struct conversation *c;

	(void)state;
	test.party.online = true;
	tell(FACT_UP, 0, (struct fact){ 0 }, NULL);
	test.party.online = false;
	tell(FACT_UP, 1, (struct fact){ 0 }, NULL);
	c = talk(TRUTH_TCP, REMOTE(1), PURPOSE_LOGIN);
	say(c, 2, true, 5);
	tell(FACT_EXCHANGE, 3, (struct fact){ .link = &login, .outcome = "no-answer", .form = "2006" }, c);
	c = talk(TRUTH_TCP, REMOTE(1), PURPOSE_LOGIN);
	say(c, 4, true, 5);
	tell(FACT_EXCHANGE, 5, (struct fact){ .link = &login, .outcome = "success", .form = "2006" }, c);
	c = talk(TRUTH_TCP, REMOTE(2), PURPOSE_CONTACT_LIST);
	say(c, 6, true, 5);
	tell(FACT_EXCHANGE, 7, (struct fact){ .link = &list, .outcome = "weird", .form = "2006" }, c);
	tell(FACT_VERSION_CHECK, 7, (struct fact){ .action = "installed", .platform = "2" }, c);
	tell(FACT_DOWN, 8, (struct fact){ 0 }, NULL);
	tell(FACT_UP, 9, (struct fact){ 0 }, NULL);
	tell(FACT_SEARCH, 20,
	     (struct fact){ .first_ns = at(10), .last_ns = at(12), .asked = 4, .answered = 3, .waves = 2 },
	     NULL);
	finish();
	expect("SELECT startup, client, (began_ns - 1175500800000000000) / 1000000000, outcome FROM startups",
	       "1 1 1 success; 2 1 9 none");
	expect("SELECT flow, role, form, outcome, client_ip, server_ip, client FROM exchanges",
	       "1 login 2006 no-answer 10.0.0.2 198.51.100.1 1; 2 login 2006 success 10.0.0.2 198.51.100.1 1;"
	       " 3 contact-list 2006 unknown 10.0.0.2 198.51.100.2 1");
	expect("SELECT flow, action, version, platform FROM version_checks", "3 installed 1.2.0.18 2");
	expect("SELECT nodes, answered, waves, last_ns - first_ns FROM searches", "4 3 2 2000000000");
}

/* Two calls that overlap by 5 s are a conference, one more that overlaps by less is none; media after the end
 * of a call is of no call; a call without media is none. */
static void test_calls(void **state)
{
	struct conversation *c[4];

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		c[i] = talk(i == 1 ? TRUTH_TCP : TRUTH_UDP, REMOTE(i + 1), PURPOSE_NODE);
	c[1]->near.port = 1312;
	tell(FACT_CALL, 0, (struct fact){ .far = REMOTE(1), .began = true, .codec = "iSAC" }, NULL);
	tell(FACT_CALL, 0,
	     (struct fact){ .far = REMOTE(2), .over_tcp = true, .relayed = true, .codec = "iLBC" }, NULL);
	tell(FACT_CALL, 0, (struct fact){ .far = REMOTE(3), .codec = "iSAC" }, NULL);
	tell(FACT_CALL, 0, (struct fact){ .far = REMOTE(9), .codec = "iSAC" }, NULL);
	media(c[0], 1, true);
	media(c[1], 5, false);
	media(c[0], 10, false);
	tell(FACT_HOLD, 10, (struct fact){ .far = REMOTE(1), .first_ns = at(2), .last_ns = at(9) }, NULL);
	tell(FACT_CALL_END, 10, (struct fact){ .far = REMOTE(1) }, NULL);
	media(c[0], 10.5, false);
	media(c[1], 14, true);
	media(c[2], 9.5, true);
	media(c[2], 20, true);
	finish();
	expect("SELECT call, near_port, far_ip, near_began, transport, route, codec, packets_out, packets_in,"
	       " payload_in, (first_ns - 1175500800000000000) / 1000000000, last_ns - first_ns, conference FROM calls",
	       "1 35990 198.51.100.1 1 udp direct iSAC 1 1 67 1 9000000000 1;"
	       " 2 1312 198.51.100.2 0 tcp relayed iLBC 1 1 67 5 9000000000 1;"
	       " 3 35990 198.51.100.3 0 udp direct iSAC 2 0 0 9 10500000000 -");
	expect("SELECT call, n, last_ns - first_ns FROM holds", "1 1 7000000000");
}

/* A campus adds calls that nobody ends: of two with the same other end the newest counts. */
static void test_added_calls(void **state)
{
	struct conversation *c;

	(void)state;
	c = talk(TRUTH_UDP, REMOTE(1), PURPOSE_SIGNALLING);
	assert_int_equal(truth_add_call(test.truth, 1, test.near, REMOTE(1), true, false, true, "iSAC"), 1);
	media(c, 1, true);
	assert_int_equal(truth_add_call(test.truth, 1, test.near, REMOTE(1), false, false, false, "iSAC"), 2);
	media(c, 500, true);
	media(c, 501, true);
	truth_add_place(test.truth, REMOTE(1).ip, "Europe", "IT", "Italy", "Turin", 45.0, 7.5);
	truth_add_place(test.truth, REMOTE(1).ip, "Europe", "IT", "Italy", "Turin", 45.0, 7.5);
	truth_add_input(test.truth, "other.pcap", 12);
	truth_set_extent(test.truth, 99, at(0), at(1000));
	finish();
	expect("SELECT call, route, packets_out FROM calls", "1 relayed 1; 2 direct 2");
	expect("SELECT ip, city, latitude FROM places", "198.51.100.1 Turin 45.0");
	expect("SELECT packets, (last_ns - first_ns) / 1000000000, path, frames FROM runs JOIN inputs USING (run)",
	       "99 1000 other.pcap 12");
}

static void test_abandoned(void **state)
{
	(void)state;
	say(talk(TRUTH_UDP, REMOTE(1), PURPOSE_SIGNALLING), 0, true, 18);
	truth_abandon(test.truth);
	assert_int_not_equal(access(test.path, F_OK), 0);
	truth_abandon(NULL);
}

static void test_not_replaced(void **state)
{
	const struct truth_run run = { "x", "x", "x", 1, "{}", "" };
	FILE *f;

	(void)state;
	truth_abandon(test.truth);
	f = fopen(test.path, "w");
	assert_non_null(f);
	fputs("a diary", f);
	fclose(f);
	assert_null(truth_open(test.path, &run, &test.err));
	assert_non_null(strstr(test.err.text, "no truth file"));
	unlink(test.path);
	/* Nothing is written without a name. */
	struct truth *t = truth_open(NULL, &run, &test.err);
	struct conversation *c =
		truth_conversation(t, TRUTH_UDP, test.near, REMOTE(1), PURPOSE_SIGNALLING, 0, 0);
	truth_packet(t, c, 1, T0, true, 18, PURPOSE_SIGNALLING);
	assert_true(truth_close(t, "x.pcap", NULL, &test.err));
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(gap),         TEST(late_reply), TEST(classes),      TEST(media),
		TEST(both_ends),   TEST(tcp),        TEST(logins),       TEST(calls),
		TEST(added_calls), TEST(abandoned),  TEST(not_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
