/* live/: what the state makes of facts: clients, logins, calls, supernodes, minutes, and which events it
 * tells. */
#include "live_play.h"

/* --- clients --- */

static void test_client_once(void **unused)
{
	struct play *p = play_new(1000, 0);
	const struct endpoint client = at("10.0.0.9", 5060);

	(void)unused;
	observe_at(p, client, FOR, NOON_NS);
	assert_state(p, "$.clients[#-1].verdict", "~"); /* 8 bits */
	observe_at(p, client, FOR, NOON_NS + 1);
	assert_state(p, "$.clients[0].verdict", "test?"); /* 16 */
	assert_state(p, "$.totals.suspected", "1");
	assert_int_equal(p->events, 0);
	observe_at(p, client, FOR, NOON_NS + SECOND_NS);
	assert_state(p, "$.clients[0].verdict", "test"); /* 24 */
	assert_state(p, "$.totals.suspected", "0");
	assert_state(p, "$.totals.clients", "1");
	assert_state(p, "$.clients[0].socket", "10.0.0.9:5060");
	assert_state(p, "$.clients[0].first", "2006-11-22T12:00:00.000Z");
	assert_state(p, "$.clients[0].last", "2006-11-22T12:00:01.000Z");
	assert_int_equal(p->events, 1);
	assert_int_equal(p->event[0].type, LIVE_NEW_CLIENT);
	assert_string_equal(p->event[0].words, "10.0.0.9:5060 runs Test (24 bits)");
	/* Contradicted: suspected, then nothing. */
	observe_at(p, client, AGAINST, NOON_NS + 2 * SECOND_NS);
	assert_state(p, "$.clients[0].verdict", "test?"); /* 14 */
	observe_at(p, client, AGAINST, NOON_NS + 3 * SECOND_NS);
	assert_state(p, "$.clients", "[]"); /* 4 */
	assert_state(p, "$.totals.clients", "1");
	assert_int_equal(p->events, 1);
	play_free(p);
}

/* 20,000 spoofed sockets, each of them suspected, in a socket table of 100: nobody is pushed out of sight. */
static void test_flood(void **unused)
{
	struct play *p = play_new(100, 0);
	const struct endpoint client = at("10.0.0.9", 5060);

	(void)unused;
	recognise(p, client, NOON_NS);
	for (uint32_t i = 0; i < 20000; i++) {
		struct endpoint from = stranger(i);
		from.ip.b[12] = 10;
		from.ip.b[13] |= 0x80;
		observe_at(p, from, FOR, NOON_NS + SECOND_NS);
		observe_at(p, from, FOR, NOON_NS + SECOND_NS);
	}
	assert_state(p, "$.totals.clients", "1");
	assert_string_equal(ask(p, "SELECT count(*) FROM json_each(?1, '$.clients')"), "200");
	assert_string_equal(ask(p, "SELECT json_extract(value, '$.socket') FROM json_each(?1, '$.clients') "
				   "WHERE json_extract(value, '$.verdict') = 'test'"),
			    "10.0.0.9:5060");
	assert_state(p, "$.totals.suspected", "16383"); /* LIVE_CLIENTS_MAX less the one */
	/* Its evidence is gone from the table; what comes now is new, and says nothing against it. */
	observe_at(p, client, FOR, NOON_NS + 2 * SECOND_NS);
	assert_state(p, "$.clients[0].socket", "10.0.0.9:5060");
	assert_state(p, "$.clients[0].verdict", "test");
	assert_int_equal(p->events, 1);
	play_free(p);
}

/* --- logins --- */

static struct occurrence exchange(uint64_t flow, const char *role, enum exchange_outcome outcome, int64_t ns)
{
	return (struct occurrence){ .ts_ns = ns,
				    .flow = flow,
				    .initiator = at("10.0.0.9", 50000 + (unsigned)flow),
				    .responder = at("11.1.1.1", 33033),
				    .event = { .type = EVENT_EXCHANGE,
					       .of.exchange = { .role = role, .outcome = outcome } } };
}

static void tell(struct play *p, struct occurrence o)
{
	p->to.intake.occurred(p->to.intake.self, &o);
}

static void end_flow(struct play *p, uint64_t flow, int64_t ns)
{
	const struct flow_record r = { .first_packet = flow,
				       .initiator = at("10.0.0.9", 50000 + (unsigned)flow),
				       .responder = at("11.1.1.1", 33033),
				       .l4 = IPPROTO_TCP,
				       .first_ns = ns,
				       .last_ns = ns,
				       .side = { { .packets = 1, .ip_bytes = 60, .last_ns = ns } } };

	p->to.intake.flow(p->to.intake.self, &r, NULL);
}

static void test_logins(void **unused)
{
	struct play *p = play_new(1000, 0);
	struct dns_answer answer = { .name = "login.example.com", .addresses = 1 };

	(void)unused;
	answer.address[0] = at("11.1.1.1", 0).ip;
	p->to.intake.named(p->to.intake.self, &answer, NOON_NS);
	recognise(p, at("10.0.0.9", 5060), NOON_NS);
	p->events = 0;
	/* Success is told at once, and only once. */
	tell(p, exchange(1, "login", OUTCOME_NO_ANSWER, NOON_NS));
	assert_int_equal(p->events, 0);
	tell(p, exchange(1, "login", OUTCOME_SUCCESS, NOON_NS + SECOND_NS));
	assert_int_equal(p->events, 1);
	assert_string_equal(p->event[0].words, "10.0.0.9:50001 logs in to Test at 11.1.1.1:33033: success");
	tell(p, exchange(1, "login", OUTCOME_SUCCESS, NOON_NS + SECOND_NS));
	end_flow(p, 1, NOON_NS + 2 * SECOND_NS);
	assert_int_equal(p->events, 1);
	/* Without an outcome, the end of the flow tells. */
	tell(p, exchange(2, "login", OUTCOME_UNKNOWN, NOON_NS));
	end_flow(p, 3, NOON_NS); /* another flow */
	assert_int_equal(p->events, 1);
	end_flow(p, 2, NOON_NS + 2 * SECOND_NS);
	assert_int_equal(p->events, 2);
	assert_string_equal(p->event[1].outcome, "unknown");
	/* A contact list is shown and is no login. */
	tell(p, exchange(4, "contact-list", OUTCOME_SUCCESS, NOON_NS));
	assert_int_equal(p->events, 2);
	struct occurrence check = { .ts_ns = NOON_NS,
				    .flow = 5,
				    .initiator = at("10.0.0.9", 50005),
				    .responder = at("11.1.1.2", 80),
				    .event = { .type = EVENT_VERSION_CHECK } };
	snprintf(check.event.of.version.version, sizeof check.event.of.version.version, "2.5.0.126");
	tell(p, check);
	assert_state(p, "$.totals.logins", "2");
	assert_state(p, "$.clients[0].logins", "2");
	assert_string_equal(
		ask(p, "SELECT group_concat(json_extract(value, '$.role') || ' ' || "
		       "coalesce(json_extract(value, '$.outcome'), json_extract(value, '$.version')) "
		       "|| ' ' || coalesce(json_extract(value, '$.server_name'), '-'), ', ') "
		       "FROM json_each(?1, '$.logins')"),
		"version-check 2.5.0.126 -, contact-list success login.example.com, "
		"login unknown login.example.com, login success login.example.com");
	/* What is left of a long name says that it is not all. */
	memset(answer.name, 'x', 200);
	memcpy(answer.name + 200, ".example.org", sizeof ".example.org");
	p->to.intake.named(p->to.intake.self, &answer, NOON_NS);
	tell(p, exchange(6, "login", OUTCOME_SUCCESS, NOON_NS));
	assert_string_equal(ask(p, "SELECT substr(value, 1, 4) || length(value) || substr(value, -12) "
				   "FROM (SELECT json_extract(?1, '$.logins[0].server_name') AS value)"),
			    "...x127.example.org");
	play_free(p);
}

/* As in the database: of no client while nobody on the host is recognised, and in the total all the same. */
static void test_logins_of_suspected(void **unused)
{
	struct play *p = play_new(1000, 0);
	const struct endpoint client = at("10.0.0.9", 5060);

	(void)unused;
	observe_at(p, client, FOR, NOON_NS);
	observe_at(p, client, FOR, NOON_NS);
	tell(p, exchange(1, "login", OUTCOME_SUCCESS, NOON_NS));
	assert_state(p, "$.clients[0].verdict", "test?");
	assert_state(p, "$.clients[0].logins", "0");
	assert_state(p, "$.totals.logins", "1");
	assert_state(p, "$.logins[0].role", "login");
	observe_at(p, client, FOR, NOON_NS + SECOND_NS);
	assert_state(p, "$.clients[0].verdict", "test");
	assert_state(p, "$.clients[0].logins", "1");
	play_free(p);
}

/* More logins at once than can be followed: the oldest end as they are, none is lost or told twice. */
static void test_logins_bounded(void **unused)
{
	struct play *p = play_new(1000, 0);

	(void)unused;
	for (uint64_t flow = 1; flow <= 5000; flow++)
		tell(p, exchange(flow, "login", OUTCOME_UNKNOWN, NOON_NS));
	assert_state(p, "$.totals.logins", "904"); /* 5000 less LOGINS_OPEN_MAX */
	for (uint64_t flow = 1; flow <= 5000; flow++)
		end_flow(p, flow, NOON_NS);
	assert_state(p, "$.totals.logins", "5000");
	assert_string_equal(ask(p, "SELECT count(*) FROM json_each(?1, '$.logins')"), "50");
	play_free(p);
}

/* --- restart --- */

static void count(struct play *p, uint32_t session, unsigned worker, uint64_t frames, uint64_t flows)
{
	const struct facts_place place = { .session = session, .worker = (uint16_t)worker, .seq = 1 };
	const struct stage_counts counts = { .frames = frames, .flows = { .flows = flows } };

	p->to.counts(p->to.self, &place, &counts, NOON_NS, NOON_NS);
}

static void test_restore(void **unused)
{
	struct play *p = play_new(1000, 0);
	const struct endpoint client = at("10.0.0.9", 5060);

	(void)unused;
	live_state_restore(p->state, true);
	recognise(p, client, NOON_NS);
	tell(p, exchange(1, "login", OUTCOME_SUCCESS, NOON_NS));
	tell(p, exchange(2, "login", OUTCOME_UNKNOWN, NOON_NS)); /* killed before it ended */
	end_flow(p, 1, NOON_NS);
	count(p, 1, 0, 60, 6);
	count(p, 1, 0, 100, 10); /* the last ones count */
	count(p, 1, 1, 50, 5);
	count(p, 2, 0, 1000, 100);
	live_state_restore(p->state, false);
	assert_int_equal(p->events, 0);
	assert_state(p, "$.totals.packets", "1150");
	assert_state(p, "$.totals.flows", "115");
	assert_state(p, "$.totals.bytes", "60");
	assert_state(p, "$.totals.logins", "2");
	assert_state(p, "$.totals.clients", "1");
	assert_state(p, "$.workers", "[]");
	live_state_second(p->state, NOON_NS, NULL, 0, NULL);
	/* The new session adds to it; who is known is not told again. */
	count(p, 3, 0, 7, 1);
	observe_at(p, client, FOR, NOON_NS);
	live_state_second(p->state, NOON_NS + SECOND_NS, NULL, 0, NULL);
	assert_state(p, "$.totals.packets", "1157");
	assert_state(p, "$.totals.flows", "116");
	assert_state(p, "$.minutes[0].flows", "1");
	assert_state(p, "$.minutes[0].logins", "0");
	assert_state(p, "$.rates.packets", "7");
	assert_int_equal(p->events, 0);
	play_free(p);
}

/* --- interfaces, minutes, drops --- */

/* Hand computation: 100 packets and 6400 bytes a second; in the second minute, 3 lost of 103. */
static void test_minutes(void **unused)
{
	struct play *p = play_new(1000, 0.02);
	struct interface_stats link[2] = { { .name = "eth1", .up = true }, { .name = "eth2", .up = true } };
	struct live_store_status storage = { .state = LIVE_STORE_OK, .run = 4, .session = 2 };
	struct capture_minute minute[8];

	(void)unused;
	for (int s = 0; s <= 120; s++) {
		link[0].packets += 60;
		link[1].packets += 40;
		link[0].bytes += 6400;
		if (s >= 60 && s < 120) {
			link[0].dropped_kernel += 2;
			link[1].dropped_interface += 1;
		}
		storage.records_lost = s >= 90 ? 5 : 0;
		live_state_second(p->state, NOON_NS + s * SECOND_NS, link, 2, &storage);
	}
	assert_state(p, "$.rates.packets", "100");
	assert_state(p, "$.rates.bits", "51200");
	/* Of the last ten seconds: nine lost three each, the last one nothing. */
	assert_state(p, "$.rates.drops", "2.75"); /* 27 in 10 s, in eighths */
	assert_string_equal(ask(p, "SELECT json_array_length(?1, '$.minutes')"), "3");
	assert_state(p, "$.minutes[0].start", "2006-11-22T12:00:00.000Z");
	assert_state(p, "$.minutes[0].packets", "6000");
	assert_state(p, "$.minutes[1].packets", "6000");
	assert_state(p, "$.minutes[1].bytes", "384000");
	assert_state(p, "$.minutes[1].kernel", "120");
	assert_state(p, "$.minutes[1].interface", "60");
	assert_state(p, "$.minutes[1].store", "5");
	assert_state(p, "$.minutes[2].packets", "100");
	assert_state(p, "$.drops.kernel", "120");
	assert_string_equal(ask(p, "SELECT round(json_extract(?1, '$.drops.share') * 12280)"), "180.0");
	/* 180 of 6180 is 2.9 %: more than 2. */
	assert_int_equal(p->events, 1);
	assert_int_equal(p->event[0].type, LIVE_DROPS);
	assert_true(p->event[0].value > 0.0291 && p->event[0].value < 0.0292);
	assert_state(p, "$.problems[0]",
		     "12:01: 180 of 6180 packets (2.91%) were lost: kernel 120, interface 60");
	/* Two that are over, and what the running one has by now. */
	assert_int_equal(live_state_minutes(p->state, minute, 8), 6);
	assert_string_equal(minute[0].interface, "eth1");
	assert_int_equal(minute[0].packets, 3600);
	assert_int_equal(minute[1].packets, 2400);
	assert_int_equal(minute[2].dropped_kernel, 120);
	assert_int_equal(minute[2].dropped_store, 5);
	assert_int_equal(minute[3].dropped_interface, 60);
	assert_int_equal(minute[3].dropped_store, 0);
	assert_int_equal(minute[3].start_ns, NOON_NS + MINUTE_NS);
	assert_int_equal(minute[4].packets, 60);
	assert_int_equal(minute[5].packets, 40);
	assert_int_equal(live_state_minutes(p->state, minute, 8), 0);
	/* What comes after that is told, but nothing twice. */
	link[0].packets += 7;
	live_state_second(p->state, NOON_NS + 121 * SECOND_NS, link, 2, &storage);
	live_state_end(p->state);
	assert_int_equal(live_state_minutes(p->state, minute, 8), 2);
	assert_int_equal(minute[0].packets, 7);
	assert_int_equal(minute[0].dropped_store, 0);
	assert_int_equal(minute[1].packets, 0);
	assert_int_equal(minute[1].start_ns, NOON_NS + 2 * MINUTE_NS);
	play_free(p);
}

static void test_clock_steps(void **unused)
{
	struct play *p = play_new(1000, 0);
	struct interface_stats link = { .name = "eth1", .up = true };
	const int64_t steps[] = { 0, SECOND_NS, -3600 * SECOND_NS, -3599 * SECOND_NS, 86400 * SECOND_NS };

	(void)unused;
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		link.packets += 10;
		live_state_second(p->state, NOON_NS + steps[i], &link, 1, NULL);
		/* A step is no rate. */
		assert_state(p, "$.rates.packets", i % 2 ? "10" : "0");
	}
	for (int s = 1; s < 100 * 60; s += 60)
		live_state_second(p->state, NOON_NS + (90000 + s) * SECOND_NS, &link, 1, NULL);
	assert_string_equal(ask(p, "SELECT json_array_length(?1, '$.minutes')"), "60");
	play_free(p);
}

static void test_states(void **unused)
{
	struct play *p = play_new(1000, 0);
	struct interface_stats link = { .name = "eth1", .up = true };
	struct live_store_status storage = { .state = LIVE_STORE_OK };
	static const char *const words[] = { "eth1 is down", "eth1 is up again", "eth1 has vanished",
					     "the database is not written: no space left",
					     "the database is written again" };
	int64_t ns = NOON_NS;

	(void)unused;
	live_state_second(p->state, ns, &link, 1, &storage);
	link.up = false;
	live_state_second(p->state, ns, &link, 1, &storage);
	live_state_second(p->state, ns, &link, 1, &storage);
	link.up = true;
	live_state_second(p->state, ns, &link, 1, &storage);
	link.up = false;
	link.gone = true;
	live_state_second(p->state, ns, &link, 1, &storage);
	storage.state = LIVE_STORE_FULL;
	snprintf(storage.why, sizeof storage.why, "no space left");
	live_state_second(p->state, ns, &link, 1, &storage);
	live_state_second(p->state, ns, &link, 1, &storage);
	assert_state(p, "$.storage.state", "full");
	storage.state = LIVE_STORE_OK;
	live_state_second(p->state, ns, &link, 1, &storage);
	assert_state(p, "$.storage.why", "~");
	assert_int_equal(p->events, 5);
	for (unsigned i = 0; i < 5; i++)
		assert_string_equal(p->event[i].words, words[i]);
	assert_int_equal(p->event[4].type, LIVE_STORAGE);
	assert_state(p, "$.totals.alerts", "5");
	play_free(p);
}

/* --- calls --- */

static void second_with_call(struct play *p, int s, const struct worker_call *call)
{
	live_state_second(p->state, NOON_NS + s * SECOND_NS, NULL, 0, NULL);
	live_state_workers(p->state, 0, NOON_NS + s * SECOND_NS, 0, call, call ? 1 : 0);
}

static void test_calls(void **unused)
{
	struct play *p = play_new(1000, 0);
	const struct worker_call call = { NOON_NS - SECOND_NS, NOON_NS, at("11.0.0.7", 4000),
					  at("10.0.0.9", 5060), 300 };

	(void)unused;
	for (int s = 0; s < 5; s++)
		second_with_call(p, s, &call);
	live_state_second(p->state, NOON_NS + 4 * SECOND_NS, NULL, 0, NULL);
	assert_int_equal(p->events, 0); /* not yet 5 s */
	assert_state(p, "$.calls[0].responder", "10.0.0.9:5060");
	for (int s = 5; s < 8; s++)
		second_with_call(p, s, &call);
	second_with_call(p, 8, NULL); /* on hold */
	assert_state(p, "$.calls", "[]");
	for (int s = 9; s < 20; s++)
		second_with_call(p, s, &call);
	assert_int_equal(p->events, 1);
	assert_int_equal(p->event[0].type, LIVE_CALL);
	assert_true(p->event[0].client.port == 5060); /* the one inside */
	assert_state(p, "$.totals.calls", "1");
	assert_state(p, "$.workers[0].calls", "1");
	play_free(p);
}

/* --- supernodes --- */

static void call_by(struct play *p, uint32_t caller, struct endpoint client, bool answered, int64_t ns)
{
	const struct flow_record r = { .first_packet = 1000 + caller,
				       .initiator = stranger(caller),
				       .responder = client,
				       .l4 = IPPROTO_UDP,
				       .first_ns = ns,
				       .last_ns = ns,
				       .matched = 1,
				       .side = { { .packets = 1, .last_ns = ns },
						 { .packets = answered, .last_ns = ns } } };

	p->to.intake.flow(p->to.intake.self, &r, NULL);
}

/* 32 callers are asked for in the first two periods of 174 s, see behave/callers.h. */
static void test_supernode(void **unused)
{
	struct play *p = play_new(1000, 0);
	const struct endpoint node = at("10.0.0.9", 5060), scanned = at("10.0.0.8", 5060),
			      slow = at("10.0.0.7", 5060);

	(void)unused;
	recognise(p, node, NOON_NS);
	recognise(p, scanned, NOON_NS);
	recognise(p, slow, NOON_NS);
	for (uint32_t i = 0; i < 200; i++) {
		call_by(p, i, scanned, false, NOON_NS + i * SECOND_NS / 2);
		call_by(p, i, slow, true, NOON_NS + i * 30 * SECOND_NS);    /* 6 in a period */
		call_by(p, i % 8, node, true, NOON_NS + i * SECOND_NS / 4); /* the same few */
	}
	assert_int_equal(events_of(p, LIVE_SUPERNODE), 0);
	for (uint32_t i = 0; i < 60; i++)
		call_by(p, i, node, true, NOON_NS + 51 * SECOND_NS + i * SECOND_NS);
	assert_int_equal(events_of(p, LIVE_SUPERNODE), 1);
	assert_true(p->event[3].client.ip.b[15] == 9);
	assert_true(p->event[3].value >= 32 && p->event[3].value <= 34); /* a bit may be shared */
	assert_state(p, "$.totals.supernodes", "1");
	assert_string_equal(ask(p, "SELECT json_extract(value, '$.socket') FROM json_each(?1, '$.clients') "
				   "WHERE json_extract(value, '$.supernode')"),
			    "10.0.0.9:5060");
	play_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client_once),    cmocka_unit_test(test_flood),
		cmocka_unit_test(test_logins),         cmocka_unit_test(test_logins_of_suspected),
		cmocka_unit_test(test_logins_bounded), cmocka_unit_test(test_restore),
		cmocka_unit_test(test_minutes),        cmocka_unit_test(test_clock_steps),
		cmocka_unit_test(test_states),         cmocka_unit_test(test_calls),
		cmocka_unit_test(test_supernode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
