/*
 * The rows of the measurements and of patterns: each is written once with a value of its own in every column,
 * and once with everything unknown that can be. A column that is left out, or gets another one's value, is
 * seen in both sinks.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "store/open.h"
#include "store/rows.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int directory_enter(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *name;

	if (asprintf(&name, "%s/footsteps-rows-XXXXXX", tmp ? tmp : "/tmp") < 0)
		return -1;
	*state = name;
	return mkdtemp(name) && chdir(name) == 0 ? 0 : -1;
}

static int directory_leave(void **state)
{
	unlink("x.db");
	unlink("x.json");
	int result = chdir("/") | rmdir(*state);
	free(*state);
	return result;
}

static struct ip ip(const char *text)
{
	struct ip address;

	assert_true(ip_parse(text, &address));
	return address;
}

/* What is expected of SELECT *: columns behind '|', NULL as ~, rows behind ' / '. */
static const struct {
	enum row_kind kind;
	const char *rows;
} expected[] = {
	{ ROW_distribution, "1|skype|contacts|internal|11|12" },
	{ ROW_series, "1|skype|hour|11|12|13|14|15|16|17|18" },
	{ ROW_round_trip, "1|12|13|skype|14|15|16|17|18" },
	{ ROW_class_share, "1|skype|60|probe|12|13|14" },
	{ ROW_state_entry, "1|skype|30|12|13|14|15|16" },
	{ ROW_state_peak, "1|skype|11|30|13|14|15|18|16.5|17.5|19|20" },
	{ ROW_startup, "1|1|skype|0|2|none|~|~|~|~|0|0|~|0|~|~|~|0|0|0|0"
		       " / 1|11|skype|12|13|success|14|15|16|17|18|19|20|21|22|23|24|25|26|27|28" },
	{ ROW_setup, "1|11|public|because|12|13|14" },
	{ ROW_search, "1|1|skype|2|3|4|~|0|0|0|0|0 / 1|11|skype|12|13|14|15|16|17|18|19|20" },
	{ ROW_scene, "1|call|1|~|2|3 / 1|login|11|12|13|14" },
	{ ROW_scene_flow, "1|login|11|12" },
	{ ROW_activity, "1|1|12|most active|13|14|15|16|17 / 1|2|13|asked for|~|0|0|0|0" },
	{ ROW_activity_flow, "1|1|11|12|out / 1|1|13|14|in" },
	{ ROW_message, "1|11|1|13|out|14 / 1|11|2|15|in|16" },
	{ ROW_name, "1|192.0.2.1|ui.example.com|example.com|11" },
	{ ROW_place,
	  "1|192.0.2.1|~|~|~|~|~|~|~|~ / 1|2001:db8::1|Europe|IT|Italy|Torino|45.25|7.5|64500|GARR" },
	{ ROW_place_file, "1|geo|a.mmdb|GeoLite2-City|11" },
	{ ROW_peer_place,
	  "1|skype|probe|1|Europe|IT|Italy|Torino|45.25|7.5|11 / 1|skype|non-probe|2|~|~|~|~|~|~|12" },
	{ ROW_supernode_contact, "1|11|skype|192.0.2.1|33033|12|13|14|15|1" },
	{ ROW_pattern, "1|skype|hello|first|tcp, 5 bytes" },
	{ ROW_pattern_hit,
	  "1|11|skype|hello|in|12|13|tcp|192.0.2.1|14|2001:db8::1|15|skype-login|skype|payload|16"
	  " / 1|21|skype|probe|out|22|23|udp|192.0.2.1|24|192.0.2.2|25|unknown|~|none|~" },
};

#define PUT(name, ...) assert_true(s->ops->put_##name(s, &(struct name##_row){ __VA_ARGS__ }, &err))

static void put_behaviour(struct sink *s)
{
	struct error err;

	PUT(startup, .id = 11, .protocol = "skype", .client = 12, .began_ns = 13, .outcome = "success",
	    .version_flow = 14, .supernode_flow = 15, .login_flow = 16, .list_flow = 17, .udp_asked = 18,
	    .udp_answered = 19, .udp_answer_ns = 20, .tcp_tried = 21, .tcp_first_ns = 22, .supernode_ns = 23,
	    .login_ns = 24, .bytes_out = 25, .bytes_in = 26, .nodes_after = 27, .icmp_echoes = 28);
	PUT(startup, .id = 1, .protocol = "skype", .began_ns = 2, .outcome = "none", .udp_answer_ns = -1,
	    .tcp_first_ns = -1, .supernode_ns = -1, .login_ns = -1);
	PUT(setup, 11, "public", "because", 12, 13, 14);
	PUT(search, 11, "skype", 12, 13, 14, 15, 16, 17, 18, 19, 20);
	PUT(search, .id = 1, .protocol = "skype", .client = 2, .first_ns = 3, .last_ns = 4);
	PUT(scene, "login", 11, 12, 13, 14);
	PUT(scene, "call", 1, 0, 2, 3);
	PUT(scene_flow, "login", 11, 12);
	PUT(activity, 1, 12, "most active", 13, 14, 15, 16, 17);
	PUT(activity, .place = 2, .client = 13, .why = "asked for");
	PUT(activity_flow, 1, 11, 12, true);
	PUT(activity_flow, 1, 13, 14, false);
	PUT(message, 11, 1, 13, TO_RESPONDER, 14);
	PUT(message, 11, 2, 15, TO_INITIATOR, 16);
}

static void put_patterns(struct sink *s)
{
	const struct flow_record tcp = {
		.first_packet = 11,
		.l4 = IPPROTO_TCP,
		.initiator = { ip("192.0.2.1"), 14 },
		.responder = { ip("2001:db8::1"), 15 },
		.label = "skype-login",
	};
	const struct flow_record udp = {
		.first_packet = 21,
		.l4 = IPPROTO_UDP,
		.initiator = { ip("192.0.2.1"), 24 },
		.responder = { ip("192.0.2.2"), 25 },
		.label = "unknown",
	};
	const struct flow_row login = { &tcp, "skype", LABEL_FROM_payload, .client = 16 };
	const struct flow_row unknown = { &udp, NULL, LABEL_FROM_none, .client = 0 };
	struct error err;

	PUT(pattern, "skype", "hello", "first", "tcp, 5 bytes");
	PUT(pattern_hit, "skype", "hello", &login, TO_INITIATOR, 12, 13);
	PUT(pattern_hit, "skype", "probe", &unknown, TO_RESPONDER, 22, 23);
}

static void put_everything(struct sink *s)
{
	struct error err;

	PUT(run, .version = "0", .libraries = "", .options = "{}", .complete = true, .problems = "");
	PUT(distribution, "skype", "contacts", "internal", 11, 12);
	PUT(series, "skype", "hour", 11, 12, 13, 14, 15, 16, 17, 18);
	PUT(round_trip, 12, 13, "skype", 14, 15, 16, 17, 18);
	PUT(class_share, "skype", "probe", 60, 12, 13, 14);
	PUT(state_entry, "skype", 30, 12, 13, 14, 15, 16);
	PUT(state_peak, "skype", 11, 30, .peak = 13, .peak_ns = 14, .peak_probes = 15, .peak_tcp = 18,
	    .mean = 16.5, .mean_probes = 17.5, .opened = 19, .opened_probes = 20);
	put_behaviour(s);
	PUT(name, ip("192.0.2.1"), "ui.example.com", "example.com", 11);
	PUT(place, ip("2001:db8::1"), "Europe", "IT", "Italy", "Torino", "GARR", 45.25, 7.5, 64500);
	PUT(place, .ip = ip("192.0.2.1"), .latitude = NAN, .longitude = NAN);
	PUT(place_file, "geo", "a.mmdb", "GeoLite2-City", 11);
	PUT(peer_place, "skype", "probe", 1, "Europe", "IT", "Italy", "Torino", 45.25, 7.5, 11);
	PUT(peer_place, "skype", "non-probe", .n = 2, .latitude = NAN, .longitude = NAN, .addresses = 12);
	PUT(supernode_contact, 11, "skype", { ip("192.0.2.1"), 33033 }, 12, 13, 14, 15, true);
	put_patterns(s);
	if (!s->ops->finish(s, &err))
		fail_msg("%s", err.text);
}

/* One line of text per row, columns joined by '|'. */
static void expect(sqlite3 *db, const char *sql, const char *rows)
{
	char text[2000] = "";
	size_t used = 0;
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	while (sqlite3_step(stmt) == SQLITE_ROW)
		for (int c = 0; c < sqlite3_column_count(stmt); c++) {
			const char *value = (const char *)sqlite3_column_text(stmt, c);
			const char *between = c ? "|" : used ? " / " : "";
			used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", between,
						 value ? value : "~");
			assert_true(used < sizeof text);
		}
	sqlite3_finalize(stmt);
	assert_string_equal(text, rows);
}

static void test_database(void **state)
{
	struct error err = { 0 };
	struct sink *s = sink_sqlite_open("x.db", false, &err);

	(void)state;
	assert_non_null(s);
	put_everything(s);
	sqlite3 *db = store_open_read("x.db", &err);
	assert_non_null(db);
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		char sql[100];
		snprintf(sql, sizeof sql, "SELECT * FROM %s", row_tables[expected[i].kind]);
		expect(db, sql, expected[i].rows);
	}
	sqlite3_close(db);
}

/* Keys are the columns of the table, in their order. */
static void test_json(void **state)
{
	struct error err = { 0 };
	struct sink *s = sink_json_open("x.json", &err);
	bool seen[ROW_KIND_COUNT] = { false };
	char *line = NULL;
	size_t room = 0;
	sqlite3 *db;

	(void)state;
	assert_non_null(s);
	put_everything(s);
	put_everything(sink_sqlite_open("x.db", false, &err));
	db = store_open_read("x.db", &err);
	FILE *in = fopen("x.json", "r");
	assert_non_null(in);
	while (getline(&line, &room, in) > 0) {
		enum row_kind kind = 0;
		char name[40], sql[4000];
		assert_int_equal(sscanf(line, "{\"row\":\"%39[a-z_]\"", name), 1);
		while (kind < ROW_KIND_COUNT && strcmp(row_names[kind], name) != 0)
			kind++;
		assert_true(kind < ROW_KIND_COUNT);
		seen[kind] = true;
		snprintf(sql, sizeof sql,
			 "SELECT (SELECT group_concat(key) FROM json_each('%s')) ="
			 " (SELECT 'row,' || group_concat(name) FROM pragma_table_info('%s'))",
			 line, row_tables[kind]);
		expect(db, sql, "1");
	}
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
		assert_true(seen[expected[i].kind]);
	free(line);
	fclose(in);
	sqlite3_close(db);
}

/* A new kind of row of rows_measured.c or rows_patterns.c belongs into `expected`: those lie together in
 * SINK_ROWS. */
static void test_all_are_here(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
		assert_int_equal(expected[i].kind, ROW_distribution + i);
	assert_int_equal(sizeof expected / sizeof expected[0], ROW_input - ROW_distribution);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_database, directory_enter, directory_leave),
		cmocka_unit_test_setup_teardown(test_json, directory_enter, directory_leave),
		cmocka_unit_test(test_all_are_here),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
