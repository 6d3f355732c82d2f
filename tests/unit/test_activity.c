/* Activity plots (R6): the thinned part of a message log, whose messages are kept, and the numbers of peers.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/clock.h"
#include "base/slab.h"
#include "behave/activity.h"
#include "views/query.h"
#include "views_build.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define T0 INT64_C(1156500000123456789)

/* --- the thinned part of a log --- */

struct log {
	struct slab *pool;
	struct flow flow;
	struct logged_message entry[MESSAGE_KEPT_MAX];
	uint32_t entries;
};

static struct log *log_new(void)
{
	struct log *l = calloc(1, sizeof *l);

	assert_non_null(l);
	l->pool = slab_new(sizeof(struct message_log), 64);
	l->flow.first_ns = T0;
	return l;
}

/* count messages, every `gap`, of the directions in turn as `pattern` says: > to the responder. Returns the
 * next time. */
static int64_t speak(struct log *l, int64_t from, uint32_t count, int64_t gap, const char *pattern)
{
	for (uint32_t i = 0; i < count; i++, from += gap)
		message_log_add(l->pool, &l->flow,
				pattern[i % strlen(pattern)] == '>' ? TO_RESPONDER : TO_INITIATOR, 67, from);
	l->entries = message_log_copy(&l->flow, l->entry, MESSAGE_KEPT_MAX);
	return from;
}

static void log_free(struct log *l)
{
	message_log_drop(l->pool, &l->flow);
	assert_int_equal(slab_in_use(l->pool), 0);
	slab_free(l->pool);
	free(l);
}

/* The first 1024 are whole. A second later than those the flow is 34 s old: 1/256 of that is 0.13 s. */
static void thins_behind_the_limit(void **state)
{
	(void)state;
	struct log *l = log_new();
	int64_t at = speak(l, T0, MESSAGE_LOG_MAX, NS_PER_S / 30, "><");
	assert_int_equal(l->entries, MESSAGE_LOG_MAX);
	speak(l, at, 30, NS_PER_S / 30, "><");
	/* The last whole one came at 34.1 s; 4 gaps of 33.3 ms make 0.1333 s, and 34.1 s / 256 = 0.1332 s:
	 * then every 4th message is due, but for the turn of the other side every 5th. */
	assert_int_equal(l->entries, MESSAGE_LOG_MAX + 6);
	struct message_reader r = message_reader_on(l->entry, l->entries, T0);
	struct message m;
	for (uint32_t i = 0; message_next(&r, &m); i++) {
		assert_int_equal(m.size, i < MESSAGE_LOG_MAX ? 67 : 0);
		assert_int_equal(m.dir, i % 2 ? TO_INITIATOR : TO_RESPONDER);
	}
	log_free(l);
}

/* One side that is silent does not stop the other; each gets half as many. */
static void thins_one_direction(void **state)
{
	(void)state;
	struct log *one = log_new(), *both = log_new();
	speak(one, speak(one, T0, MESSAGE_LOG_MAX, NS_PER_MS, ">"), 100000, 10 * NS_PER_MS, ">");
	speak(both, speak(both, T0, MESSAGE_LOG_MAX, NS_PER_MS, ">"), 100000, 10 * NS_PER_MS, "><");
	uint32_t single = one->entries - MESSAGE_LOG_MAX, twice = both->entries - MESSAGE_LOG_MAX;
	assert_in_range(twice, 2 * single * 95 / 100, 2 * single);
	/* 1000 s: 256 until 25.6 s, then ln(1000 / 25.6) / ln(1 + 1/256) = 940; less for waiting for the
	 * turn. */
	assert_in_range(twice, (256 + 940) * 9 / 10, 256 + 940);
	log_free(one);
	log_free(both);
}

/* A week of 4 messages a second: each of them until 1/256 of the age is 0.25 s, at 64 s. Then the bound. */
static void thinned_part_is_bounded(void **state)
{
	(void)state;
	struct log *l = log_new();
	int64_t at = speak(l, T0, MESSAGE_LOG_MAX, NS_PER_MS, "><");
	at = speak(l, at, 7 * 86400 * 4, NS_PER_S / 4, "><");
	double formula = 256 + log(7 * 86400 / 64.0) / log1p(1.0 / 256);
	assert_in_range(l->entries - MESSAGE_LOG_MAX, (uint32_t)(formula * 0.9), (uint32_t)formula);
	/* The last entry is at most 2/256 of the age from the end. */
	struct message_reader r = message_reader_on(l->entry, l->entries, T0);
	struct message m = { 0 };
	while (message_next(&r, &m))
		;
	assert_true(at - m.ns <= (at - T0) / 128 + NS_PER_S);
	speak(l, at, 3000000, 100 * NS_PER_S, "><");
	assert_int_equal(l->flow.sizes_count, MESSAGE_KEPT_MAX); /* not what the copy is cut to */
	log_free(l);
}

/* --- whose messages --- */

static struct endpoint socket_of(unsigned last, uint16_t port)
{
	struct endpoint e = { .port = port };
	uint8_t bytes[4] = { 10, 0, 0, (uint8_t)last };

	e.ip = ip_from_v4(bytes);
	return e;
}

static struct measured_client client_of(unsigned last, uint8_t protocol, uint64_t signalling, uint64_t media)
{
	return (struct measured_client){ .socket = socket_of(last, 5000),
					 .protocol = protocol,
					 .recognised = true,
					 .internal = true,
					 .signalling_packets = signalling,
					 .media_packets = media };
}

static struct activity *choose(const struct measured_client *clients, uint32_t count, uint32_t most,
			       struct activity_wish *wish, uint32_t wishes)
{
	struct error err;
	struct activity *a = activity_new(clients, count, NULL, most, wish, wishes, &err);

	assert_non_null(a);
	return a;
}

static void expect_choice(const struct activity *a, const char *expected)
{
	static const char letters[] = "qcfa";
	char text[200] = "";

	for (uint32_t i = 0; i < a->count; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%u%c", i ? " " : "",
			 a->chosen[i].client, letters[a->chosen[i].why]);
	assert_string_equal(text, expected);
}

static void chooses_as_the_paper(void **state)
{
	(void)state;
	struct measured_client c[] = {
		client_of(1, 0, 100, 0),  client_of(2, 0, 900, 50), client_of(3, 0, 700, 0),
		client_of(4, 0, 5000, 0), client_of(5, 1, 3, 0),    client_of(6, 0, 600, 9),
		client_of(7, 0, 0, 999),
	};
	c[3].internal = false; /* busier, but somebody else's */
	struct activity *a = choose(c, 7, 2, NULL, 0);
	expect_choice(a, "3q 2c 5q"); /* of either protocol */
	activity_free(a);
	a = choose(c, 7, 1, NULL, 0);
	expect_choice(a, "3q 5q");
	activity_free(a);
	a = choose(c, 7, 0, NULL, 0);
	expect_choice(a, "");
	activity_free(a);
	a = choose(c, 7, 64, NULL, 0);
	expect_choice(a, "3q 2c 6f 1f 7f 4f 5q");
	activity_free(a);
	c[2].recognised = false; /* suspected */
	a = choose(c, 7, 1, NULL, 0);
	expect_choice(a, "1q 5q");
	activity_free(a);
	/* None with a call: the next one instead. */
	a = choose(c + 3, 2, 2, NULL, 0);
	expect_choice(a, "1q 2q");
	activity_free(a);
}

static void grants_wishes(void **state)
{
	(void)state;
	const struct measured_client c[] = { client_of(1, 0, 9, 0), client_of(2, 0, 5, 0) };
	struct activity_wish wish[] = { { socket_of(2, 5000), false },
					{ socket_of(2, 5001), false },
					{ socket_of(1, 5000), false } };
	struct activity *a = choose(c, 2, 1, wish, 3);

	expect_choice(a, "1q 2a"); /* the first is there already */
	assert_true(wish[0].met);
	assert_false(wish[1].met);
	assert_true(wish[2].met);
	activity_free(a);
}

/* --- what is kept --- */

static struct flow_record record_of(uint64_t flow, int64_t first_ns, uint16_t sizes)
{
	return (struct flow_record){ .first_packet = flow,
				     .first_ns = first_ns,
				     .last_ns = first_ns + 3 * NS_PER_S,
				     .l4 = IPPROTO_UDP,
				     .sizes = sizes,
				     .side = { { .first_ns = first_ns,
						 .last_ns = first_ns + 2 * NS_PER_S,
						 .packets = 9,
						 .messages = 9,
						 .first_size = 18 },
					       { .first_ns = first_ns + NS_PER_S,
						 .last_ns = first_ns + NS_PER_S,
						 .packets = 1,
						 .messages = 1,
						 .first_size = 51 } } };
}

static void add(struct activity *a, struct kept_messages *k, const struct flow_record *r,
		const struct logged_message *log, struct endpoint remote, bool initiator)
{
	const struct labelled_flow f = {
		.r = r, .log = log, .client = 1, .remote = &remote, .client_is_initiator = initiator
	};
	struct error err;

	assert_true(activity_add(a, &f, k, &err));
}

/* Flows come in the order of their ends; peers are numbered in that of their beginnings. */
static void numbers_peers(void **state)
{
	(void)state;
	const struct measured_client c = client_of(1, 0, 9, 0);
	struct activity *a = choose(&c, 1, 1, NULL, 0);
	struct kept_messages k = { .key = hash_key_random() };
	struct logged_message log[2] = { { 0, 18, TO_RESPONDER, 0 }, { 5, 51, TO_INITIATOR, 0 } };
	struct error err;
	const struct flow_record late = record_of(40, T0 + 50, 2), early = record_of(10, T0, 2),
				 again = record_of(20, T0 + 20, 2), middle = record_of(11, T0, 2);
	add(a, &k, &late, log, socket_of(77, 1), true);
	add(a, &k, &again, log, socket_of(99, 1), false);
	add(a, &k, &early, log, socket_of(99, 1), true);
	add(a, &k, &middle, log, socket_of(99, 2), true); /* another port is another peer (D4) */
	assert_true(activity_sort(a, &err));
	const struct activity_client *chosen = &a->chosen[0];
	const struct {
		uint64_t flow;
		uint32_t peer;
		bool began;
	} expected[] = { { 10, 1, true }, { 11, 2, true }, { 20, 1, false }, { 40, 3, true } };
	assert_int_equal(chosen->flows, 4);
	assert_int_equal(chosen->peers, 3);
	assert_int_equal(chosen->first_ns, T0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(chosen->flow[i].flow, expected[i].flow);
		assert_int_equal(chosen->flow[i].peer, expected[i].peer);
		assert_int_equal(chosen->flow[i].client_is_initiator, expected[i].began);
	}
	assert_int_equal(k.messages, 8);
	kept_messages_drop(&k);
	activity_free(a);
}

/* A flow without a log, and one for which there is no room: first and last packet of each direction. */
static void keeps_ends(void **state)
{
	(void)state;
	const struct measured_client c = client_of(1, 0, 9, 0);
	struct activity *a = choose(&c, 1, 1, NULL, 0);
	struct kept_messages k = { .key = hash_key_random() };
	struct flow_record r = record_of(1, T0, 0);
	add(a, &k, &r, NULL, socket_of(7, 7), true);
	struct message_reader reader = message_reader_on(k.message, (uint32_t)k.messages, T0);
	const struct message expected[] = { { T0, 18, TO_RESPONDER },
					    { T0 + NS_PER_S, 51, TO_INITIATOR },
					    { T0 + 2 * NS_PER_S, 0, TO_RESPONDER } };
	struct message m;
	assert_int_equal(k.messages, 3);
	for (int i = 0; i < 3; i++) {
		assert_true(message_next(&reader, &m));
		assert_int_equal(m.ns, expected[i].ns / MESSAGE_TICK_NS * MESSAGE_TICK_NS);
		assert_int_equal(m.size, expected[i].size);
		assert_int_equal(m.dir, expected[i].dir);
	}
	assert_int_equal(a->chosen[0].cut, 0);
	static struct logged_message log[1000];
	a->whole_max = 1003; /* 3 + 1000, and nothing more */
	r = record_of(2, T0, 1000);
	add(a, &k, &r, log, socket_of(7, 7), true);
	r = record_of(3, T0, 1000);
	add(a, &k, &r, log, socket_of(7, 7), true);
	assert_int_equal(k.messages, 1003 + 3);
	assert_int_equal(a->chosen[0].cut, 1);
	a->kept_max = 1006 + 3;
	r = record_of(4, T0, 1000);
	add(a, &k, &r, log, socket_of(7, 7), true);
	assert_int_equal(k.messages, 1003 + 3);
	assert_int_equal(a->chosen[0].left_out, 1);
	assert_int_equal(a->chosen[0].flows, 3);
	kept_messages_drop(&k);
	activity_free(a);
}

/* A chart wants all of a flow, of which a plot has kept the ends. */
static void longest_log_is_kept(void **state)
{
	(void)state;
	struct kept_messages k = { .key = hash_key_random() };
	struct logged_message ends[2] = { { 0, 1, 0, 0 } }, whole[5] = { { 0, 9, 0, 0 } };
	struct flow_record r = record_of(1, T0, 2);
	struct error err;
	assert_true(kept_messages_add(&k, &r, ends, &err));
	r.sizes = 3;
	r.thinned = 2;
	assert_true(kept_messages_add(&k, &r, whole, &err));
	r.sizes = 2;
	r.thinned = 0;
	assert_true(kept_messages_add(&k, &r, ends, &err));
	assert_int_equal(k.flows, 1);
	assert_int_equal(k.flow[0].count, 5);
	assert_int_equal(k.message[k.flow[0].start].size, 9);
	kept_messages_drop(&k);
}

/* --- the figure --- */

/* A client that talks for 400 s, so that a column is 1 s; place 2 is another protocol's. */
static const char plot[] =
	"INSERT INTO clients(run,client,protocol,verdict,ip,port,internal,bits,first_packet,peers,flows,"
	"packets_out,packets_in,payload_out,payload_in,media_out,media_in,tcp_out,tcp_in,callers,"
	"callers_answered,role) "
	"VALUES(1,1,'skype','skype','10.0.0.1',4000,1,30,1,0,0,0,0,0,0,0,0,0,0,0,0,'client'),"
	"(1,2,'gnutella','gnutella','10.0.0.1',6346,1,30,1,0,0,0,0,0,0,0,0,0,0,0,0,'client');"
	"INSERT INTO activity VALUES(1,1,1,'the most active without a call',1000000000,2,3,1,0),"
	"(1,2,2,'the most active without a call',1000000000,1,1,0,0);"
	/* Flow 30 was begun by the peer: its 'out' is what the client received. */
	"INSERT INTO activity_flows VALUES(1,1,10,1,'out'),(1,1,20,2,'out'),(1,1,30,2,'in'),(1,2,40,1,'out');"
	"INSERT INTO messages VALUES(1,10,1,1000000000,'out',18),(1,10,2,1200000000,'in',11),"
	/* Columns 2, 3, 3 and 4 are one stroke; 6 another. */
	"(1,20,1,3500000000,'out',18),(1,20,2,4500000000,'out',18),(1,20,3,4600000000,'out',18),"
	"(1,20,4,5500000000,'out',0),(1,20,5,7500000000,'out',0),"
	"(1,30,1,100500000000,'out',21),(1,30,2,400999990000,'in',11),(1,40,1,2000000000,'out',5);";

static void plots_strokes(void **state)
{
	(void)state;
	static const struct {
		double from, until;
		int peer;
	} expected[] = {
		{ 0, 0.6, -1 }, { 99, 99.6, -2 }, { 0, 0.6, 1 },
		{ 2, 4.6, 2 },  { 6, 6.6, 2 },    { 399, 399.6, 2 },
	};
	sqlite3 *db = database_make(plot);
	struct view v = { .path = "x.db", .run = 1, .protocol = "skype" };
	char directory[4096];
	const char *tail;
	struct error err;
	v.db = db;
	snprintf(directory, sizeof directory, "%s/reports", source_root());
	char *sql = file_read(directory, "R6.sql", &err);
	assert_non_null(sql);
	sqlite3_stmt *stmt;
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, &tail), SQLITE_OK);
	query_bind_view(&v, stmt);
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		assert_int_equal(query_step(&v, stmt, &err), QUERY_ROW);
		assert_int_equal(sqlite3_column_int(stmt, 0), 1);
		assert_string_equal(query_text(stmt, 1), "10.0.0.1:4000");
		assert_true(fabs(sqlite3_column_double(stmt, 3) - expected[i].from) < 1e-4);
		assert_true(fabs(sqlite3_column_double(stmt, 4) - expected[i].until) < 1e-4);
		assert_int_equal(sqlite3_column_int(stmt, 5), expected[i].peer);
	}
	assert_int_equal(query_step(&v, stmt, &err), QUERY_END);
	sqlite3_finalize(stmt);
	stmt = query_open(&v, tail, &err);
	assert_non_null(stmt);
	assert_int_equal(query_step(&v, stmt, &err), QUERY_ROW);
	assert_string_equal(query_text(stmt, 0), "10.0.0.1:4000, the most active without a call: 2 peers "
						 "over UDP and TCP in 7 minutes; 2 of them sent "
						 "something. Of 1 flow only the ends were kept.");
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	free(sql);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thins_behind_the_limit),
		cmocka_unit_test(thins_one_direction),
		cmocka_unit_test(thinned_part_is_bounded),
		cmocka_unit_test(chooses_as_the_paper),
		cmocka_unit_test(grants_wishes),
		cmocka_unit_test(numbers_peers),
		cmocka_unit_test(keeps_ends),
		cmocka_unit_test(longest_log_is_kept),
		cmocka_unit_test(plots_strokes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
