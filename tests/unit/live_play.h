/* What the tests of live/ share: a protocol of their own, a state that is fed by hand, and its JSON read
 * back. */
#ifndef FS_TESTS_LIVE_PLAY_H
#define FS_TESTS_LIVE_PLAY_H
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "live/state.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS   INT64_C(1000000000)
#define MINUTE_NS   (60 * SECOND_NS)
#define NOON_NS     (INT64_C(1164196800) * SECOND_NS) /* 2006-11-22T12:00:00Z */
#define EVENTS_KEPT 64

/* Three of FOR make 24 bits, AGAINST takes 10 away: above and below the 20 and 10 of a verdict. */
enum { FOR, AGAINST };
static const struct evidence_kind play_kinds[] = {
	[FOR] = { "for", "", ABOUT_SENDER, TEST_NONE, 8, 24, 0 },
	[AGAINST] = { "against", "", ABOUT_SENDER, TEST_AGAINST, 0, 0, -10 },
};
static const struct protocol play_protocol = {
	.name = "test", .suspected_name = "test?", .title = "Test", .kinds = play_kinds, .kind_count = 2
};
static const struct dissector play_dissector = { .name = "test_udp",
						 .protocol = &play_protocol,
						 .l4 = IPPROTO_UDP };
const struct protocol *const protocols[] = { &play_protocol };
const unsigned protocol_count = 1;
const struct dissector *const dissectors[] = { &play_dissector };
const unsigned dissector_count = 1;

struct play {
	struct live_state *state;
	struct facts_listener to;
	struct netset *internal;
	sqlite3 *db;
	unsigned events;
	struct {
		enum live_event_type type;
		struct endpoint client, other;
		double value;
		char words[256], outcome[16];
	} event[EVENTS_KEPT];
};

static inline void play_event(void *self, const struct live_event *event)
{
	struct play *p = self;
	unsigned i = p->events++;

	if (i >= EVENTS_KEPT)
		return;
	p->event[i].type = event->type;
	p->event[i].client = event->client;
	p->event[i].other = event->other;
	p->event[i].value = event->value;
	snprintf(p->event[i].words, sizeof p->event[i].words, "%s", event->words);
	snprintf(p->event[i].outcome, sizeof p->event[i].outcome, "%s",
		 event->outcome ? event->outcome : "-");
}

static inline unsigned events_of(const struct play *p, enum live_event_type type)
{
	unsigned count = 0;

	for (unsigned i = 0; i < p->events && i < EVENTS_KEPT; i++)
		count += p->event[i].type == type;
	return count;
}

static inline struct play *play_new(uint32_t max_sockets, double drop_share)
{
	struct play *p = calloc(1, sizeof *p);
	struct error err;

	assert_non_null(p);
	p->internal = netset_new();
	assert_true(netset_add(p->internal, "10.0.0.0/8", &err));
	const struct live_state_options options = {
		.sockets = { max_sockets, VERDICT_BITS_DEFAULT, SUSPECT_BITS_DEFAULT, p->internal },
		.drop_share = drop_share,
		.database = "/data/\"campus\".db",
		.event = play_event,
		.self = p,
	};
	p->state = live_state_new(&options, &err);
	assert_non_null(p->state);
	p->to = live_state_listener(p->state);
	assert_int_equal(sqlite3_open(":memory:", &p->db), SQLITE_OK);
	return p;
}

static inline void play_free(struct play *p)
{
	live_state_free(p->state);
	netset_free(p->internal);
	sqlite3_close(p->db);
	free(p);
}

static inline struct endpoint at(const char *ip, unsigned port)
{
	struct endpoint e = { .port = (uint16_t)port };

	assert_true(ip_parse(ip, &e.ip));
	return e;
}

/* 11.a.b.c, outside. */
static inline struct endpoint stranger(uint32_t i)
{
	const uint8_t bytes[4] = { 11, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };

	return (struct endpoint){ ip_from_v4(bytes), 4000 };
}

static inline void observe_at(struct play *p, struct endpoint from, unsigned kind, int64_t ns)
{
	const struct observation o = {
		.ts_ns = ns,
		.packet = 1,
		.flow = 1,
		.from = from,
		.to = at("11.0.0.1", 9),
		.l4 = IPPROTO_UDP,
		.kind = (uint8_t)kind,
	};

	p->to.intake.observed(p->to.intake.self, &o);
}

static inline void recognise(struct play *p, struct endpoint client, int64_t ns)
{
	for (int i = 0; i < 3; i++)
		observe_at(p, client, FOR, ns);
}

/* A value of the state, as text; "~" for null. Freed with the play's next. */
static inline const char *ask(struct play *p, const char *sql)
{
	static char value[4096];
	char *json = live_state_json(p->state);
	sqlite3_stmt *stmt;

	assert_non_null(json);
	if (sqlite3_prepare_v2(p->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(p->db));
	sqlite3_bind_text(stmt, 1, json, -1, SQLITE_STATIC);
	if (sqlite3_step(stmt) != SQLITE_ROW)
		fail_msg("%s: %s\n%s", sql, sqlite3_errmsg(p->db), json);
	const char *text = (const char *)sqlite3_column_text(stmt, 0);
	snprintf(value, sizeof value, "%s", text ? text : "~");
	sqlite3_finalize(stmt);
	free(json);
	return value;
}

#define assert_state(p, path, expected)                                                                      \
	assert_string_equal(ask(p, "SELECT json_extract(?1, '" path "')"), expected)
#endif
