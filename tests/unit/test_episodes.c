/* Sessions, start-ups and network set-ups, worked out by hand. Times are seconds since the trace's first
 * packet. */
#include "behave/setups.h"
#include "behave/startups.h"
#include "episode_play.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define OWN play_host(2, 2, 35990)

static struct play_flow flows[PLAY_FLOWS];
static uint32_t played;
static struct exchange_table *exchanges;
static struct pair_table *pairs;
static struct measured_client clients[2];
static struct error err;

static int set_up(void **state)
{
	(void)state;
	played = 0;
	exchanges = exchange_table_new(&err);
	pairs = pair_table_new(1000, &err);
	clients[0] = (struct measured_client){ .socket = OWN,
					       .protocol = play_protocol("skype"),
					       .recognised = true };
	return exchanges && pairs ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	exchange_table_free(exchanges);
	pair_table_free(pairs);
	return 0;
}

static uint32_t first_client(const void *self, unsigned protocol, const struct ip *host)
{
	(void)self;
	return protocol == clients[0].protocol && ip_equal(host, &clients[0].socket.ip) ? 1 : 0;
}

/* A question over UDP, and its answer if `after` is positive. */
static void ask(double at, struct endpoint far, uint16_t size, double after, uint16_t answer)
{
	struct play_flow *p = &flows[played++];

	play_begin(p, 1, IPPROTO_UDP, at, OWN, far);
	play_message(p, at, true, size);
	if (after > 0)
		play_message(p, at + after, false, answer);
	assert_true(pair_table_add(pairs, 1, clients[0].protocol, true, true, &p->r, &err));
}

static struct play_flow *connect_to(double at, struct endpoint far, enum flow_role role)
{
	struct play_flow *p = &flows[played++];

	play_begin(p, 1, IPPROTO_TCP, at, (struct endpoint){ OWN.ip, (uint16_t)(1024 + played) }, far);
	p->r.role = (uint8_t)role;
	return p;
}

static uint64_t supernode(double at, struct endpoint far)
{
	struct play_flow *p = connect_to(at, far, ROLE_supernode);

	play_message(p, at + 0.2, true, 14);
	play_message(p, at + 0.3, false, 73);
	play_message(p, at + 0.3, true, 25);
	play_message(p, at + 0.5, false, 587);
	play_message(p, at + 0.5, true, 16);
	return p->r.first_packet;
}

/* The first `count` messages of a login (wire B3), 0.1 s apart; what: of message 4. */
static uint64_t login(double at, unsigned count, enum exchange_outcome outcome)
{
	static const struct {
		bool sent;
		uint16_t size;
		const char *what;
	} message[] = { { true, 5, "hello" },
			{ false, 5, "hello answer" },
			{ true, 412, "login block" },
			{ false, 222, MESSAGE_ANSWER } };
	struct play_flow *p = connect_to(at, play_host(9, 9, 33033), ROLE_login);

	for (unsigned i = 0; i < count; i++) {
		double ts = at + 0.1 * (i + 1);
		play_message(p, ts, message[i].sent, message[i].size);
		struct occurrence o = { .ts_ns = play_ns(ts),
					.packet = i + 1,
					.flow = p->r.first_packet,
					.initiator = p->r.initiator,
					.responder = p->r.responder,
					.dir = message[i].sent ? TO_RESPONDER : TO_INITIATOR,
					.protocol = clients[0].protocol };
		o.event = (struct event){ EVENT_MESSAGE, .of.message = { message[i].size, message[i].what } };
		assert_true(exchange_table_add(exchanges, &o, &err));
		o.event = (struct event){ EVENT_EXCHANGE, .of.exchange = { "login", "2006", outcome } };
		assert_true(exchange_table_add(exchanges, &o, &err));
	}
	return p->r.first_packet;
}

/* Shows the flows in this order; backward: as they may end. */
static struct startups *run(bool backward)
{
	const struct startups_known known = { .client = clients,
					      .clients = 1,
					      .pairs = pairs,
					      .exchanges = exchanges,
					      .first_ns = PLAY_START,
					      .client_of_host = first_client };
	struct startups *s = startups_new(&known, &err);

	assert_non_null(s);
	for (uint32_t i = 0; i < played; i++)
		assert_true(startups_survey(s, &flows[backward ? played - 1 - i : i].f, &err));
	assert_true(startups_decide(s, &err));
	for (uint32_t i = 0; i < played; i++)
		assert_true(startups_flow(s, &flows[backward ? played - 1 - i : i].f, &err));
	return s;
}

#define SECONDS(ns) ((double)(ns) / 1e9)
static void assert_seconds(int64_t ns, double seconds)
{
	assert_true(SECONDS(ns) > seconds - 2e-5 && SECONDS(ns) < seconds + 2e-5);
}

/*
 * A silence of more than 35 s cuts; exactly 35 s does not. A connection is no silence, and neither is what
 * others send to the client.
 */
static void test_sessions(void **state)
{
	(void)state;
	struct session_list l = { 0 };
	struct sessions_kept kept = { 0 };

	ask(10.0, play_host(3, 1, 7), 18, 0, 0);
	ask(45.0, play_host(3, 2, 7), 18, 0, 0); /* 35 s */
	ask(80.00001, play_host(3, 3, 7), 18, 0, 0);
	play_message(&flows[2], 100.0, false, 30); /* an answer, 20 s on */
	ask(130.0, play_host(3, 4, 7), 18, 0, 0);  /* 50 s since it last sent anything */
	struct play_flow *p = connect_to(140.0, play_host(3, 5, 7), ROLE_node);
	play_message(p, 300.0, true, 4);
	ask(335.0, play_host(3, 6, 7), 18, 0, 0);
	for (uint32_t i = played; i-- > 0;)
		assert_true(session_list_flow(&l, &flows[i].f, &kept, &err));
	assert_int_equal(l.count, 3);
	assert_int_equal(l.session[0].from, play_ns(10.0));
	assert_int_equal(l.session[0].to, play_ns(45.0));
	assert_int_equal(l.session[1].from, play_ns(80.00001));
	assert_int_equal(l.session[2].from, play_ns(130.0));
	assert_int_equal(l.session[2].to, play_ns(335.0));
	assert_ptr_equal(session_at(&l, play_ns(200.0)), &l.session[2]);
	assert_null(session_at(&l, play_ns(60.0)));
	/* A session between two others joins them. */
	struct session between = session_from(play_ns(70.0), play_ns(75.0));
	assert_true(session_list_add(&l, &between, &kept, &err));
	assert_int_equal(l.count, 2);
	assert_int_equal(l.session[0].to, play_ns(80.00001));
	assert_int_equal(kept.sessions, 2);
	assert_int_equal(kept.refused, 0);
	session_list_drop(&l);
}

static void test_sessions_bound(void **state)
{
	(void)state;
	struct session_list l = { 0 };
	struct sessions_kept kept = { 0 };

	kept.sessions = SESSIONS_MAX - 3; /* of other clients */
	for (uint32_t i = 0; i < 8; i++) {
		struct session s = session_from(play_ns(i * 100.0), play_ns(i * 100.0));
		assert_true(session_list_add(&l, &s, &kept, &err));
	}
	assert_int_equal(l.count, 3);
	assert_int_equal(kept.sessions, SESSIONS_MAX);
	assert_int_equal(kept.refused, 5);
	session_list_drop(&l);
}

/* Two runs of a client, 58 s apart; the numbers of each are its own, whatever the order of the flows. */
static void test_two_startups(void **state)
{
	(void)state;
	ask(60.0, play_host(3, 1, 7), 18, 0, 0);
	ask(61.0, play_host(3, 2, 7), 18, 0.2, 51);
	ask(61.0, play_host(3, 3, 7), 18, 0.5, 18);
	uint64_t first_node = supernode(61.5004, play_host(3, 3, 7));
	uint64_t first_login = login(62.0, 4, OUTCOME_SUCCESS); /* message 4 at 62.4 */
	ask(62.3, play_host(3, 4, 7), 22, 0.3, 600);            /* asked before, answered after */
	ask(63.0, play_host(3, 5, 7), 30, 0.1, 18);
	ask(122.0, play_host(3, 6, 7), 30, 0.1, 18); /* 59.6 s after the login */
	ask(122.5, play_host(3, 7, 7), 30, 0.1, 18); /* 60.1 s */
	play_message(&flows[6], 122.4, true, 31);    /* known already */
	ask(180.5, play_host(3, 1, 7), 18, 0, 0);
	uint64_t second_login = login(181.0, 4, OUTCOME_SUCCESS);
	for (int backward = 0; backward < 2; backward++) {
		struct startups *s = run(backward);
		startups_finish(s);
		assert_int_equal(startups_count(s), 2);
		assert_int_equal(startups_refused(s), 0);
		const struct startup *at = startups_numbered(s, 1);
		assert_int_equal(at->began_ns, play_ns(60.0));
		assert_true(at->login_seen);
		assert_int_equal(at->outcome, OUTCOME_SUCCESS);
		assert_int_equal(at->login_flow, first_login);
		assert_int_equal(at->supernode_flow, first_node);
		assert_seconds(at->udp_answer_ns, 1.2);
		assert_seconds(at->tcp_first_ns, 1.5004);
		assert_seconds(at->supernode_ns, 1.5004);
		assert_seconds(at->login_ns, 2.4);
		assert_int_equal(at->udp_asked,
				 3); /* the fourth when it had a supernode: no candidate (B2) */
		assert_int_equal(at->udp_answered, 2);
		assert_int_equal(at->tcp_tried, 2);
		assert_int_equal(at->nodes_after, 2);
		assert_int_equal(at->bytes_out, 18 * 3 + (14 + 25 + 16) + (5 + 412) + 22);
		assert_int_equal(at->bytes_in, 51 + 18 + (73 + 587) + (5 + 222));
		at = startups_numbered(s, 2);
		assert_int_equal(at->began_ns, play_ns(180.5));
		assert_int_equal(at->login_flow, second_login);
		assert_int_equal(at->supernode_flow, 0);
		assert_true(at->supernode_ns < 0);
		assert_seconds(at->login_ns, 0.9);
		assert_int_equal(at->udp_asked, 1);
		assert_int_equal(at->udp_answered, 0);
		assert_true(at->udp_answer_ns < 0);
		startups_free(s);
	}
}

/* Refused once (message 4 says so), and then let in: the one that worked counts. Without that the last one.
 */
static void test_login_fails(void **state)
{
	(void)state;
	ask(40.0, play_host(3, 1, 7), 18, 0.1, 18);
	login(41.0, 4, OUTCOME_FAILURE);
	uint64_t last = login(50.0, 4, OUTCOME_FAILURE);
	struct startups *s = run(false);
	const struct startup *at = startups_at(s, 0);
	assert_int_equal(startups_count(s), 1);
	assert_int_equal(at->outcome, OUTCOME_FAILURE);
	assert_int_equal(at->login_flow, last);
	assert_seconds(at->login_ns, 10.4);
	startups_free(s);

	uint64_t worked = login(60.0, 4, OUTCOME_SUCCESS);
	login(70.0, 2, OUTCOME_UNKNOWN);
	s = run(false);
	at = startups_at(s, 0);
	assert_int_equal(at->outcome, OUTCOME_SUCCESS);
	assert_int_equal(at->login_flow, worked);
	assert_seconds(at->login_ns, 20.4);
	startups_free(s);
}

/* No answer to message 3: tried, but nobody knows how it went. */
static void test_login_cut(void **state)
{
	(void)state;
	ask(40.0, play_host(3, 1, 7), 18, 0.1, 18);
	login(41.0, 3, OUTCOME_UNKNOWN);
	struct startups *s = run(false);
	assert_int_equal(startups_count(s), 1);
	assert_true(startups_at(s, 0)->login_seen);
	assert_int_equal(startups_at(s, 0)->outcome, OUTCOME_UNKNOWN);
	assert_true(startups_at(s, 0)->login_ns < 0);
	startups_free(s);
}

/*
 * BS Fig. 3: seven nodes are asked, 5 s later TCP to the same, and to ports 80 and 443; 6 s after that again.
 * Nobody answers. Four questions at once begin a start-up, but only where the silence before it was seen.
 */
static void play_rounds(double began)
{
	for (uint8_t i = 0; i < 7; i++)
		ask(began, play_host(3, i, 33033), 18, 0, 0);
	for (uint8_t i = 0; i < 7; i++)
		ask(began + 11.0, play_host(3, i, 33033), 18, 0, 0);
}

static void test_all_unanswered(void **state)
{
	(void)state;
	const struct endpoint own = { OWN.ip, 2000 };
	static const struct {
		double at;
		uint16_t port;
		uint8_t host;
	} tries[] = {
		{ 41.0, 33033, 1 }, { 41.1, 33033, 2 }, { 41.2, 80, 1 },
		{ 41.3, 443, 3 },   { 41.4, 8080, 4 }, /* neither the node's port nor one to fall back to */
		{ 41.5, 443, 99 },                     /* no node */
		{ 35.9, 443, 5 },   { 47.1, 443, 6 }   /* before it, behind it */
	};
	struct play_flow tcp;

	play_rounds(36.0);
	struct startups *s = run(false);
	for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
		play_begin(&tcp, 0, IPPROTO_TCP, tries[i].at, own,
			   play_host(3, tries[i].host, tries[i].port));
		assert_true(startups_host_flow(s, &tcp.r, &err));
	}
	startups_finish(s);
	assert_int_equal(startups_count(s), 1);
	const struct startup *at = startups_at(s, 0);
	assert_false(at->login_seen);
	assert_int_equal(at->began_ns, play_ns(36.0));
	assert_int_equal(at->udp_asked, 7);
	assert_int_equal(at->udp_answered, 0);
	assert_int_equal(at->tcp_tried, 3); /* hosts 1, 2 and 3 */
	assert_seconds(at->tcp_first_ns, 5.0);
	assert_true(at->supernode_ns < 0);
	startups_free(s);
}

/* The same, but 34 s after the trace began: it may have run before. */
static void test_unseen_silence(void **state)
{
	(void)state;
	play_rounds(34.0);
	struct startups *s = run(false);
	assert_int_equal(startups_count(s), 0);
	startups_free(s);
}

/* A supernode that a filter stops is opened, and so there is a start-up; the one that goes on counts. */
static void test_stalled_supernode(void **state)
{
	(void)state;
	struct play_flow *p = connect_to(1.0, play_host(3, 1, 40002), ROLE_supernode);

	play_message(p, 1.1, true, 57);
	play_message(p, 1.2, false, 98);
	play_message(p, 1.3, true, 8);
	play_message(p, 20.0, false, 29);
	struct startups *s = run(false);
	assert_int_equal(startups_count(s), 1);
	assert_int_equal(startups_at(s, 0)->supernode_flow, 0);
	startups_free(s);
	uint64_t working = supernode(21.0, play_host(3, 2, 40009));
	s = run(false);
	assert_int_equal(startups_at(s, 0)->supernode_flow, working);
	assert_seconds(startups_at(s, 0)->supernode_ns, 20.0);
	startups_free(s);
}

/* What a running client does after a silence is none: notices to 8 nodes, 4 probes 20 s apart, a later login.
 */
static void test_no_startup(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < 8; i++)
		ask(50.0, play_host(3, i, 7), 346, 0.1, 11);
	for (uint8_t i = 0; i < 4; i++)
		ask(100.0 + i * 20.0, play_host(4, i, 7), 18, 0.1, 26);
	struct play_flow *p = connect_to(161.0, play_host(3, 1, 7), ROLE_node);
	play_message(p, 290.0, true, 4);
	login(300.0, 4, OUTCOME_SUCCESS); /* 200 s after the session began: no part of a start-up */
	struct startups *s = run(false);
	assert_int_equal(startups_count(s), 0);
	startups_free(s);
}

/* B5: hosts that were sent echo requests while the client started; other ICMP is none. */
static void test_echoes(void **state)
{
	(void)state;
	struct play_flow p;
	ask(40.0, play_host(3, 1, 7), 18, 0.1, 18);
	login(41.0, 4, OUTCOME_SUCCESS);
	struct startups *s = run(false);
	const struct {
		double at;
		uint8_t host;
		bool echo;
	} sent[] = { { 40.5, 1, true },  { 40.6, 2, true }, { 40.7, 2, true },
		     { 40.8, 3, false }, { 39.0, 4, true }, { 102.0, 5, true } };
	for (size_t i = 0; i < sizeof sent / sizeof sent[0]; i++) {
		play_begin(&p, 0, IPPROTO_ICMP, sent[i].at, (struct endpoint){ OWN.ip, 0 },
			   play_host(8, sent[i].host, 0));
		p.r.echo_asked = sent[i].echo;
		assert_true(startups_host_flow(s, &p.r, &err));
	}
	startups_finish(s);
	assert_int_equal(startups_at(s, 0)->icmp_echoes, 2);
	startups_free(s);
}

/* A protocol without the data has no start-ups, whatever its clients do. */
static void test_other_protocol(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < 8; i++)
		ask(50.0, play_host(3, i, 7), 18, 0.1, 18);
	for (uint32_t i = 0; i < played; i++)
		flows[i].f.protocol = play_protocol("bittorrent");
	struct startups *s = run(false);
	assert_int_equal(startups_count(s), 0);
	startups_free(s);
}

static struct setup_facts facts(void)
{
	const struct endpoint own = play_host(2, 2, 1);

	return (struct setup_facts){ .own = own.ip,
				     .sent = true,
				     .asked = 30,
				     .answered = 20,
				     .tcp_tried = 3,
				     .tcp_answered = 3,
				     .lived_ns = INT64_C(200000000000),
				     .rate_known = true };
}

static void assert_setup(const struct setup_facts *f, const char *setup, const char *reasons)
{
	struct setup_verdict v;

	setup_judge(f, &v);
	assert_string_equal(setup_names[v.setup], setup);
	assert_string_equal(v.reasons, reasons);
}

static void test_setup_public(void **state)
{
	(void)state;
	struct setup_facts f = facts();

	assert_setup(
		&f, "unknown",
		"Its address 192.0.2.2 is not private, but no peer said how it sees it, and none reached it "
		"first.");
	f.callers = f.strangers = 2;
	f.sent = false;
	assert_setup(&f, "unknown",
		     "Nothing that it sent over UDP is in the trace: who spoke first is not known.");
	f.sent = true;
	assert_setup(&f, "public",
		     "2 peers reached it first at its own address 192.0.2.2, which is not private.");
	f.has_public = true;
	f.public_ip = f.own;
	assert_setup(&f, "public", "Its peers see it as 192.0.2.2, its own address.");
}

static void test_setup_nat(void **state)
{
	(void)state;
	struct setup_facts f = facts();
	const struct endpoint seen = play_host(7, 7, 1);

	f.has_public = true;
	f.public_ip = seen.ip;
	assert_setup(&f, "nat",
		     "Its peers see it as 192.0.7.7, it is 192.0.2.2: translated. No peer reached it first "
		     "in 3 min 20 s: "
		     "too little to tell whether strangers get in.");
	f.lived_ns = SETUP_QUIET_NS;
	f.rate_known = false;
	assert_setup(&f, "nat",
		     "Its peers see it as 192.0.7.7, it is 192.0.2.2: translated. No peer reached it first "
		     "in 5 min; how often a client is called that can be reached is not known of this "
		     "protocol.");
	f.rate_known = true;
	assert_setup(
		&f, "port-restricted nat",
		"Its peers see it as 192.0.7.7, it is 192.0.2.2: translated. No peer reached it first in 5 "
		"min, "
		"while 20 of 30 asked answered: strangers do not get in (a client that can be reached is "
		"called about once a minute).");
	f.callers = 3;
	assert_setup(&f, "nat",
		     "Its peers see it as 192.0.7.7, it is 192.0.2.2: translated. 3 peers spoke first, "
		     "perhaps going "
		     "on from before the trace: whether strangers get in is unknown.");
	f.strangers = 1;
	assert_setup(&f, "nat",
		     "Its peers see it as 192.0.7.7, it is 192.0.2.2: translated. 1 peer reached it first "
		     "over UDP or "
		     "TCP: the translator lets strangers in.");
	f.strangers = 0;
	f.callers = SETUP_CALLERS_MANY;
	f.has_public = false;
	f.is_private = true;
	assert_setup(
		&f, "nat",
		"Its address 192.0.2.2 is private: translated on the way out. 16 peers reached it first over "
		"UDP or TCP: the translator lets strangers in.");
}

static void test_setup_restricted(void **state)
{
	(void)state;
	struct setup_facts f = facts();

	f.answered = 0;
	f.is_private = true;
	assert_setup(&f, "udp-restricted",
		     "None of 30 peers asked over UDP answered, while TCP works (3 of 3 connections): UDP is "
		     "blocked. Its address 192.0.2.2 is private: translated on the way out.");
	f.tcp_answered = 0;
	assert_setup(
		&f, "unknown",
		"None of 30 peers asked over UDP answered, but no TCP connection did either (3 tried): the "
		"other direction may be missing in the trace.");
	f.tcp_answered = 1;
	f.asked = SETUP_ASKED_MIN - 1; /* too few to tell */
	assert_setup(&f, "nat",
		     "Its address 192.0.2.2 is private: translated on the way out. No peer reached it first "
		     "in 3 min 20 "
		     "s: too little to tell whether strangers get in.");
	f.asked = SETUP_ASKED_MIN;
	f.callers = 1; /* somebody gets through */
	struct setup_verdict v;
	setup_judge(&f, &v);
	assert_int_equal(v.setup, SETUP_nat);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sessions, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sessions_bound, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_two_startups, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_login_fails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_login_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_all_unanswered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unseen_silence, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stalled_supernode, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_startup, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_echoes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_protocol, set_up, tear_down),
		cmocka_unit_test(test_setup_public),
		cmocka_unit_test(test_setup_nat),
		cmocka_unit_test(test_setup_restricted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
