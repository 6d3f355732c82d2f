/*
 * N1 and N2: bursts, pair classes by timeout and entries in a NAT or firewall. Small cases worked out by
 * hand; test_network_cost_chance.c has chance.
 */
#include "network_cost_play.h"

/* D1 for another timeout: exactly T apart is one flow. Inside a flow times are known to 10 us. */
static void test_gap_inside_a_flow(void **state)
{
	(void)state;
	const struct {
		int64_t gap;
		bool one;
	} cases[] = {
		{ 60 * S - TICK, true }, { 60 * S, true }, { 60 * S + 1, true }, { 60 * S + TICK, false }
	};
	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct scene *s = scene_new();
		FLOW(s, 1, at(9, 9), { 0, true }, { cases[i].gap, true });
		play(s, 500 * S);
		if (cases[i].one)
			assert_class(s, 60 * S, PAIR_dialog, 1);
		else
			assert_class(s, 60 * S, PAIR_heartbeat, 2);
		assert_class(s, 80 * S, PAIR_dialog, 1);
		assert_class(s, IDLE, PAIR_dialog, 1);
		scene_free(s);
	}
}

/* Flows are what the run's own timeout made of them, to the nanosecond; a longer one puts them together. */
static void test_gap_between_flows(void **state)
{
	(void)state;
	struct scene *s = scene_new();
	FLOW(s, 1, at(9, 9), { 0, true });
	FLOW(s, 1, at(9, 9), { IDLE + 1, true });
	play(s, 1000 * S);
	assert_class(s, 60 * S, PAIR_heartbeat, 2);
	assert_class(s, IDLE, PAIR_heartbeat, 2);
	assert_class(s, IDLE + TICK, PAIR_dialog, 1);
	assert_class(s, 250 * S, PAIR_dialog, 1);
	scene_free(s);
}

/* Two probes 250 s apart: a heartbeat up to 249 s, and two packets of one flow from 250 s on. */
static void test_probe_resent(void **state)
{
	(void)state;
	struct scene *s = scene_new();
	FLOW(s, 1, at(9, 9), { 0, true });
	FLOW(s, 1, at(9, 9), { 250 * S, true });
	play(s, 1000 * S);
	assert_class(s, 250 * S - TICK, PAIR_heartbeat, 2);
	assert_class(s, 250 * S, PAIR_dialog, 1);
	struct state_peak p = peak_of(s, 200 * S);
	assert_int_equal(p.opened, 2);
	assert_int_equal(p.opened_probes, 2);
	assert_int_equal(p.peak, 1);
	p = peak_of(s, 300 * S);
	assert_int_equal(p.opened, 1);
	assert_int_equal(p.opened_probes, 0);
	scene_free(s);

	s = scene_new(); /* after 2 s: a dialog (D9), with every timeout */
	FLOW(s, 1, at(9, 9), { 0, true }, { 2 * S, true });
	play(s, 1000 * S);
	assert_class(s, 60 * S, PAIR_dialog, 1);
	assert_class(s, 600 * S, PAIR_dialog, 1);
	p = peak_of(s, 30 * S);
	assert_int_equal(p.peak, 1);
	assert_int_equal(p.peak_probes, 0);
	scene_free(s);
}

/* The answer is a flow of its own where the timeout is shorter: then the peer asks, and that is a probe, too.
 */
static void test_late_reply(void **state)
{
	(void)state;
	struct scene *s = scene_new();
	FLOW(s, 1, at(9, 9), { 0, true }, { 70 * S, false });
	play(s, 500 * S);
	assert_class(s, 60 * S, PAIR_heartbeat, 2);
	assert_class(s, 80 * S, PAIR_probe, 1);
	struct state_peak p = peak_of(s, 30 * S);
	assert_int_equal(p.opened, 2);
	assert_int_equal(p.opened_probes, 2);
	p = peak_of(s, 120 * S);
	assert_int_equal(p.opened, 1);
	assert_int_equal(p.opened_probes, 1);
	/* 0 to 70 + 120 s, of 500 s; of the client's 70 s all. */
	assert_true(fabs(p.mean - 190 / 500.0) < 1e-9);
	assert_true(fabs(p.mean_probes - 190 / 500.0) < 1e-9);
	assert_true(fabs(state_entries_client(s->entries, 1)->mean - 1) < 1e-9);
	assert_null(state_entries_client(s->entries, 2));
	scene_free(s);
}

/* A dialog and a probe: mixed at 60 s, where one packet is alone; one dialog at 100 s. */
static void test_mix(void **state)
{
	(void)state;
	struct scene *s = scene_new();
	FLOW(s, 1, at(9, 9), { 0, true }, { S, false }, { 2 * S, true }, { 100 * S, true });
	play(s, 500 * S);
	assert_class(s, 60 * S, PAIR_mix, 2);
	assert_class(s, 100 * S, PAIR_dialog, 1);
	assert_int_equal(s->share[0][PAIR_dialog].packets, 4);
	scene_free(s);
}

/* Packets at 0, 20 and 50 s: with 30 s one entry, from 0 to 80 s. One tick later it is gone. */
static void test_refreshed(void **state)
{
	(void)state;
	struct scene *s = scene_new();
	FLOW(s, 1, at(9, 9), { 0, true }, { 20 * S, true }, { 50 * S, false });
	FLOW(s, 1, at(8, 9), { 80 * S, true });
	FLOW(s, 1, at(7, 9), { 80 * S + TICK, true }, { 81 * S, true });
	play(s, 100 * S);
	struct state_peak p = peak_of(s, 30 * S);
	assert_int_equal(p.opened, 3);
	assert_int_equal(p.opened_probes, 1);
	assert_int_equal(p.peak, 2); /* at 80 s the first is still there */
	assert_int_equal(p.peak_ns, BEGIN + 80 * S);
	assert_int_equal(p.peak_probes, 1);
	assert_true(fabs(p.mean - (80 + 20 + 19.99999) / 100) < 1e-9);
	/* Intervals of a second. */
	int64_t first, width;
	assert_int_equal(state_entries_intervals(s->entries, &first, &width), 101);
	assert_int_equal(first, BEGIN);
	assert_int_equal(width, S);
	assert_int_equal(state_entries_interval(s->entries, 0, 0)->entries, 1);
	assert_int_equal(state_entries_interval(s->entries, 0, 79)->entries, 1);
	assert_int_equal(state_entries_interval(s->entries, 0, 79)->probes, 0);
	assert_int_equal(state_entries_interval(s->entries, 0, 80)->entries, 2);
	assert_int_equal(state_entries_interval(s->entries, 0, 100)->entries, 2);
	assert_int_equal(state_entries_interval(s->entries, 1, 80)->entries, 0);
	assert_null(state_entries_all(s->entries, 1));
	scene_free(s);
}

/* Of two equal peaks the first; what they are made of is of that moment. */
static void test_peak(void **state)
{
	(void)state;
	struct scene *s = scene_new();
	FLOW(s, 1, at(9, 1), { 10 * S, true });
	FLOW(s, 1, at(9, 2), { 20 * S, true }, { 21 * S, true });
	FLOW(s, 2, at(9, 3), { 35 * S, true });
	FLOW(s, 2, at(9, 4), { 300 * S, true }, { 301 * S, false }, { 302 * S, true });
	FLOW(s, 2, at(9, 5), { 310 * S, true }, { 311 * S, true });
	FLOW(s, 2, at(9, 6), { 320 * S, true }, { 321 * S, true });
	play(s, 500 * S);
	struct state_peak p = peak_of(s, 30 * S);
	assert_int_equal(p.peak, 3);
	assert_int_equal(p.peak_ns, BEGIN + 35 * S);
	assert_int_equal(p.peak_probes, 2);
	assert_int_equal(p.peak_tcp, 0);
	assert_int_equal(state_entries_client(s->entries, 1)->peak, 2);
	assert_int_equal(state_entries_client(s->entries, 1)->peak_ns, BEGIN + 20 * S);
	assert_int_equal(state_entries_client(s->entries, 2)->peak, 3);
	assert_int_equal(state_entries_client(s->entries, 2)->peak_ns, BEGIN + 320 * S);
	scene_free(s);
}

/* A connection goes when it is torn down, or its timeout after the last packet; either end may call again. */
static void test_tcp(void **state)
{
	(void)state;
	struct scene *s = scene_new();
	TCP(s, 1, at(9, 1), { 0, true }, { 10 * S, false })->end_reason = FLOW_END_fin;
	TCP(s, 1, at(9, 2), { 0, true }, { 10 * S, true });
	TCP(s, 1, at(9, 3), { 0, true })->end_reason = FLOW_END_rst;
	TCP(s, 1, at(9, 2), { 30 * S, false }, { 35 * S, true }); /* the same entry */
	TCP(s, 1, at(9, 1), { 30 * S, true }, { 40 * S, true })->end_reason = FLOW_END_eof; /* a new one */
	FLOW(s, 1, at(9, 1), { 0, true });
	play(s, 100 * S);
	struct state_peak p = peak_of(s, 30 * S);
	assert_int_equal(p.opened, 5);
	assert_int_equal(p.opened_probes, 1);
	assert_int_equal(p.peak, 4); /* at 0 */
	assert_int_equal(p.peak_ns, BEGIN);
	assert_int_equal(p.peak_tcp, 3);
	/* 10 + (35 + 30) + 0 + (40 + 30 - 30) + 30 of 100 s */
	assert_true(fabs(p.mean - 1.45) < 1e-9);
	const struct state_interval *i = state_entries_interval(s->entries, 0, 20);
	assert_int_equal(i->entries, 2);
	assert_int_equal(i->tcp, 1);
	assert_int_equal(state_entries_interval(s->entries, 0, 66)->entries, 1);
	assert_int_equal(state_entries_interval(s->entries, 0, 71)->entries, 0);
	scene_free(s);
}

/* A conversation of two clients is an entry of each, and one of all together; other protocols do not mix. */
static void test_both_sides(void **state)
{
	(void)state;
	struct scene *s = scene_new();
	s->client[2].protocol = s->client[3].protocol = 1;
	FLOW(s, 1, client_socket(2), { 0, true }, { S, false });
	FLOW(s, 2, client_socket(1), { 0, false }, { S, true });
	FLOW(s, 1, client_socket(3), { 0, true }); /* a client, but of something else */
	FLOW(s, 3, client_socket(2), { 0, true });
	FLOW(s, 4, client_socket(3), { 0, true }, { S, true });
	FLOW(s, 3, client_socket(4), { 0, false }, { S, false });
	FLOW(s, 4, client_socket(3),
	     { 300 * S, false }); /* a stray: at the other end it is no flow of the client */
	play(s, 600 * S);
	struct state_peak p = peak_of(s, 30 * S);
	assert_int_equal(p.opened, 2);
	assert_int_equal(p.peak, 2);
	assert_int_equal(p.opened_probes, 2);
	assert_int_equal(state_entries_client(s->entries, 1)->peak, 2);
	assert_int_equal(state_entries_client(s->entries, 2)->peak, 1);
	assert_int_equal(state_entries_all(s->entries, 1)->opened, 3);
	assert_int_equal(state_entries_all(s->entries, 1)->opened_probes, 2);
	assert_int_equal(state_entries_client(s->entries, 3)->opened, 2);
	assert_int_equal(state_entries_client(s->entries, 4)->opened, 2);
	memset(s->share, 0, sizeof s->share);
	class_shares_count(s->bursts, s->pairs, s->client, IDLE, s->share);
	assert_int_equal(s->share[0][PAIR_probe].pairs, 3); /* each end has its pair */
	scene_free(s);
}

/* Media holds an entry but has no part in the classes, and does not bridge a gap in the signalling. */
static void test_media(void **state)
{
	(void)state;
	struct scene *s = scene_new();
	FLOW(s, 1, at(9, 9), { 0, true });
	FLOW(s, 1, at(9, 9), { 201 * S, true }, { 202 * S, true }, { 300 * S, false });
	s->flow[1].media = true;
	FLOW(s, 1, at(9, 9), { 501 * S, true });
	FLOW(s, 1, at(9, 8), { 0, true }, { 10 * S, true });
	s->flow[3].media = true;
	play(s, 1000 * S);
	assert_class(s, 400 * S, PAIR_heartbeat, 2);
	assert_class(s, 600 * S, PAIR_dialog, 1);
	assert_int_equal(s->share[0][PAIR_dialog].packets, 2);
	struct state_peak p = peak_of(s, 120 * S);
	assert_int_equal(p.opened, 4);
	assert_int_equal(p.opened_probes, 2);
	assert_int_equal(p.peak, 2);
	scene_free(s);
}

/* What a flow's log does not have is taken to come without a gap. */
static void test_without_log(void **state)
{
	(void)state;
	struct scene *s = scene_new();
	FLOW(s, 1, at(9, 9), { 0, true }, { 100 * S, true })->sizes = 0; /* no log */
	play(s, 500 * S);
	assert_class(s, 60 * S, PAIR_dialog, 1);
	assert_int_equal(burst_table_untimed(s->bursts), 2);
	assert_true(fabs(peak_of(s, 30 * S).mean - 130 / 500.0) < 1e-9);
	scene_free(s);

	s = scene_new(); /* the log begins with the answer; the question is the initiator's all the same */
	struct flow_record *r = FLOW(s, 1, at(9, 9), { 0, true }, { 100 * S, false }, { 180 * S, true });
	s->message[0] = s->message[1];
	s->message[1] = s->message[2];
	r->sizes = 2;
	play(s, 500 * S);
	assert_class(s, 60 * S, PAIR_heartbeat, 2); /* 0 to 100 s: one packet each way; 180 s */
	assert_int_equal(burst_table_untimed(s->bursts), 1);
	assert_true(fabs(peak_of(s, 30 * S).mean - (130 + 30) / 500.0) < 1e-9);
	scene_free(s);

	s = scene_new(); /* the log is full: 1,024 messages, 40 s apart; then 500 packets more until 50,000 s
			  */
	struct step step[MESSAGE_LOG_MAX];
	for (unsigned i = 0; i < MESSAGE_LOG_MAX; i++)
		step[i] = (struct step){ i * 40 * S, i % 2 == 0 };
	r = add_flow(s, 1, at(9, 9), IPPROTO_UDP, step, MESSAGE_LOG_MAX);
	r->side[TO_INITIATOR].packets += 500;
	r->last_ns = BEGIN + 50000 * S;
	play(s, 100000 * S);
	assert_class(s, IDLE, PAIR_dialog, 1);
	struct state_peak p = peak_of(s, 30 * S);
	assert_int_equal(p.opened, 1024);
	assert_int_equal(p.opened_probes, 1023); /* all but the last, which has the rest */
	assert_true(fabs(p.mean - (1023 * 30 + (50000 - 1023 * 40) + 30) / 100000.0) < 1e-9);
	assert_int_equal(burst_table_untimed(s->bursts), 500);
	scene_free(s);
}

/* A run of no time at all: the mean is what there is. Nothing at all: nothing. */
static void test_no_time(void **state)
{
	(void)state;
	struct scene *s = scene_new();
	FLOW(s, 1, at(9, 9), { 0, true });
	FLOW(s, 1, at(9, 8), { 0, true });
	play(s, 0);
	struct state_peak p = peak_of(s, 30 * S);
	assert_int_equal(p.peak, 2);
	assert_true(p.mean == 2 && p.mean_probes == 2);
	scene_free(s);

	s = scene_new();
	play(s, 10 * S);
	assert_true(state_entries_count(s->entries, 30 * S, &s->err));
	assert_null(state_entries_all(s->entries, 0));
	assert_int_equal(burst_table_count(s->bursts), 0);
	scene_free(s);
}

/* More events than are held at once: of seven peers a probe each every 201 s, 10 s after one another. */
static void test_many(void **state)
{
	(void)state;
	enum { PEERS = 7, ROUNDS = 100000 };
	struct scene *s = scene_new();
	for (uint16_t i = 0; i < PEERS; i++)
		FLOW(s, 1, at(9, i), { i * 10 * S, true });
	int64_t last = (ROUNDS - 1) * 201 * S + 90 * S;
	play(s, last);
	state_entries_free(s->entries);
	burst_table_free(s->bursts);
	s->bursts = burst_table_new(PEERS, BEGIN, IDLE, &s->err);
	for (int64_t round = 0; round < ROUNDS; round++) {
		for (uint32_t i = 0; i < PEERS; i++) {
			struct flow_record r = s->record[i];
			r.first_ns = r.last_ns = BEGIN + round * 201 * S + i * 10 * S;
			const struct labelled_flow f = { .r = &r,
							 .log = &s->message[i],
							 .client = 1,
							 .client_is_initiator = true,
							 .pair = pair_table_at(s->pairs, i),
							 .pair_index = i };
			assert_true(burst_table_add(s->bursts, &f, &s->err));
		}
	}
	burst_table_arrange(s->bursts);
	const struct state_question q = { s->bursts, s->pairs, s->client, CLIENTS, BEGIN, BEGIN + last };
	s->entries = state_entries_new(&q, &s->err);
	struct state_peak p = peak_of(s, 30 * S);
	assert_int_equal(p.opened, PEERS * ROUNDS);
	assert_int_equal(p.peak, 4); /* exactly 30 s after the first the fourth comes */
	assert_int_equal(p.peak_ns, BEGIN + 30 * S);
	assert_true(fabs(p.mean - PEERS * 30.0 * ROUNDS / ((double)last / (double)S)) < 1e-6);
	p = peak_of(s, 300 * S);
	assert_int_equal(p.opened, PEERS);
	assert_int_equal(p.peak, PEERS);
	assert_int_equal(p.opened_probes, 0);
	/* 20,099,889 s, in intervals of 3 hours: 1,861 and a bit. They begin at full hours, the first at 92 x
	 * 3 h. */
	int64_t first, width;
	uint32_t count = state_entries_intervals(s->entries, &first, &width);
	assert_int_equal(width, 10800 * S);
	assert_int_equal(first, 92 * 10800 * S);
	assert_int_equal(count, 1862);
	assert_int_equal(state_entries_interval(s->entries, 0, count - 1)->entries, PEERS);
	scene_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gap_inside_a_flow),
		cmocka_unit_test(test_gap_between_flows),
		cmocka_unit_test(test_probe_resent),
		cmocka_unit_test(test_late_reply),
		cmocka_unit_test(test_mix),
		cmocka_unit_test(test_refreshed),
		cmocka_unit_test(test_peak),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_both_sides),
		cmocka_unit_test(test_media),
		cmocka_unit_test(test_without_log),
		cmocka_unit_test(test_no_time),
		cmocka_unit_test(test_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
