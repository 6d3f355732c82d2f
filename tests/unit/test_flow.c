/*
 * The flow table against D1-D4: expectations are worked out by hand from the definitions, packet by packet.
 */
#include "flow_build.h"
#include "base/slab.h"
#include "flow/message_log.h"
#include "identify/record.h"

/* D1: "Two packets exactly 200 s apart belong to one flow; more than 200 s apart, to two." */
static void test_exact_timeout(void **state)
{
	(void)state;
	struct world *w = world_new(1000, 2048);
	udp(w, true, 1000, 0);
	udp(w, true, 1000, 200 * NS_PER_S);
	udp(w, true, 1000, 400 * NS_PER_S + 1);
	assert_stats(w, 2, 3);
	assert_int_equal(w->ended[0].flow.side[TO_RESPONDER].packets, 2);
	assert_int_equal(w->ended[0].why, FLOW_END_idle);
	assert_int_equal(w->ended[1].flow.side[TO_RESPONDER].packets, 1);
	assert_int_equal(w->ended[1].why, FLOW_END_eof);
	world_free(w);
}

/* The same with the wheel turning under other traffic: a packet a second elsewhere. */
static void test_timeout_under_traffic(void **state)
{
	(void)state;
	static const struct {
		int64_t gap_ns;
		uint64_t flows;
	} cases[] = { { 199 * NS_PER_S, 1 },
		      { 200 * NS_PER_S, 1 },
		      { 200 * NS_PER_S + 1, 10 },
		      { 201 * NS_PER_S, 10 },
		      { 1000 * NS_PER_S, 10 } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct world *w = world_new(1000, 2048);
		int64_t next = 0;
		uint64_t ticks = 0;
		for (int64_t n = 0; n < 10; n++) {
			for (; next < n * cases[i].gap_ns; next += NS_PER_S, ticks++)
				udp(w, true, 9, next);
			udp(w, true, 1000, n * cases[i].gap_ns);
		}
		assert_stats(w, cases[i].flows + 1, 10 + ticks);
		world_free(w);
	}
}

/* A reply belongs to the flow, in the other direction; D2: the sender of the first packet is the initiator.
 */
static void test_directions(void **state)
{
	(void)state;
	struct world *w = world_new(1000, 2048);
	udp(w, false, 1000, 10);
	udp(w, true, 1000, 30);
	udp(w, false, 1000, 50);
	assert_stats(w, 1, 3);
	const struct flow *f = &w->ended[0].flow;
	assert_false(f->initiator_is_low);
	assert_int_equal(f->side[TO_RESPONDER].packets, 2);
	assert_int_equal(f->side[TO_INITIATOR].packets, 1);
	assert_int_equal(f->side[TO_RESPONDER].payload_bytes, 6);
	assert_int_equal(f->side[TO_RESPONDER].first_ns, 10);
	assert_int_equal(f->side[TO_RESPONDER].last_ns, 50);
	assert_int_equal(f->side[TO_INITIATOR].first_ns, 30);
	assert_int_equal(f->first_packet, 1);
	assert_int_equal(f->last_packet, 3);
	world_free(w);
}

/* Edge case of D1: an older packet counts in its flow and reopens nothing, however old it is. */
static void test_older_packet(void **state)
{
	(void)state;
	struct world *w = world_new(1000, 2048);
	udp(w, true, 1000, 1000 * NS_PER_S);
	udp(w, true, 1000, 500 * NS_PER_S);
	udp(w, true, 1000, 1200 * NS_PER_S);
	assert_stats(w, 1, 3);
	assert_int_equal(w->ended[0].flow.first_ns, 500 * NS_PER_S);
	assert_int_equal(w->ended[0].flow.last_ns, 1200 * NS_PER_S);
	assert_int_equal(w->ended[0].flow.disordered, 1);
	world_free(w);
}

/* One frame with an absurd time must not end the flows of everybody else. */
static void test_clock_outlier(void **state)
{
	(void)state;
	struct world *w = world_new(1000, 2048);
	udp(w, true, 1000, 0);
	udp(w, true, 2000, INT64_C(4000000000) * NS_PER_S);
	udp(w, true, 1000, NS_PER_S);
	udp(w, true, 1000, 2 * NS_PER_S);
	assert_stats(w, 2, 4);
	world_free(w);
}

static void test_eviction(void **state)
{
	(void)state;
	struct world *w = world_new(16, 2048);
	for (uint16_t i = 0; i < 100; i++)
		udp(w, true, (uint16_t)(1000 + i), i * NS_PER_S);
	struct flow_table_stats stats;
	flow_table_stats(w->table, &stats);
	assert_int_equal(stats.peak_flows, 16);
	assert_int_equal(stats.ended[FLOW_END_evicted], 84);
	/* Oldest first: what is left are the last 16. */
	for (unsigned i = 0; i < w->count; i++)
		assert_true(w->ended[i].flow.first_ns < 84 * NS_PER_S);
	assert_stats(w, 100, 100);
	world_free(w);
}

/* Among full tables, who had a packet last stays: the busy flow is never the one to go. */
static void test_eviction_spares_the_busy(void **state)
{
	(void)state;
	struct world *w = world_new(16, 2048);
	for (uint16_t i = 0; i < 150; i++) {
		udp(w, true, 1, i * NS_PER_S);
		udp(w, true, (uint16_t)(1000 + i), i * NS_PER_S + 1);
	}
	for (unsigned i = 0; i < w->count; i++)
		assert_int_not_equal(w->ended[i].flow.key.low.port, 1);
	assert_stats(w, 151, 300);
	world_free(w);
}

/* A clock that was ahead at first, or that is set back, does not keep flows for ever. */
static void test_clock_set_back(void **state)
{
	(void)state;
	struct world *w = world_new(100, 2048);
	struct flow_table_stats stats;
	udp(w, true, 1, INT64_C(2000000000) * NS_PER_S);
	udp(w, true, 2, INT64_C(2000000000) * NS_PER_S);
	for (uint16_t i = 0; i < 1000; i++)
		udp(w, true, (uint16_t)(1000 + i), i * 300 * NS_PER_S);
	flow_table_stats(w->table, &stats);
	assert_int_equal(stats.ended[FLOW_END_evicted], 0);
	assert_true(stats.ended[FLOW_END_idle] > 900);
	assert_stats(w, 1002, 1002);
	world_free(w);
}

/* Ended by silence before the trace ended: idle, whether the wheel came round or not. */
static void test_idle_at_the_end(void **state)
{
	(void)state;
	struct world *w = world_new(100, 2048);
	udp(w, true, 1, 0);
	udp(w, true, 2, 900 * NS_PER_S);
	assert_stats(w, 2, 2);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(w->ended[i].why,
				 w->ended[i].flow.first_ns == 0 ? FLOW_END_idle : FLOW_END_eof);
	world_free(w);
}

static void test_duplicates(void **state)
{
	(void)state;
	struct world *w = world_new(16, 2048);
	for (int i = 0; i < 4; i++) {
		struct packet p = packet_of(IPPROTO_UDP, true, 1000, i / 2 * NS_PER_S, text("abc"));
		p.fingerprint = 77 << 16; /* the third is a repetition a second later: a resend, no copy */
		feed(w, &p);
		settle(w, &p);
	}
	for (int i = 0; i < 3; i++) { /* no identification: cannot be told */
		struct packet p = packet_of(IPPROTO_UDP, true, 1000, 5 * NS_PER_S, text("abc"));
		p.fingerprint = 77;
		feed(w, &p);
		settle(w, &p);
	}
	assert_stats(w, 1, 7);
	assert_int_equal(w->ended[0].flow.duplicates, 2);
	world_free(w);
}

static void test_icmp_quote(void **state)
{
	(void)state;
	struct world *w = world_new(16, 2048);
	udp(w, true, 1000, 0);
	struct packet icmp = packet_of(IPPROTO_ICMP, false, 0, 5, text("quoted"));
	icmp.has_quote = true;
	icmp.icmp_type = 3;
	icmp.icmp_code = 3;
	icmp.quote = packet_of(IPPROTO_UDP, true, 1000, 0, text("")).key;
	flow_table_quote(w->table, &icmp);
	icmp.quote.low.port = 4; /* about nobody we know */
	flow_table_quote(w->table, &icmp);
	assert_stats(w, 1, 1);
	assert_int_equal(w->ended[0].flow.icmp_errors, 1);
	assert_int_equal(w->ended[0].flow.icmp_type, 3);
	world_free(w);
}

static void test_early_fragments(void **state)
{
	(void)state;
	struct world *w = world_new(16, 2048);
	struct packet p = packet_of(IPPROTO_UDP, true, 1000, 0, text("first"));
	p.early_fragments = 2;
	p.early_payload = p.early_payload_wire = 100;
	p.early_l3_wire = 140;
	p.early_ns = 30;
	p.rest_wire = 105; /* of 110 bytes */
	feed(w, &p)->flow->wants_sizes = true;
	settle(w, &p);
	p = packet_of(IPPROTO_UDP, true, 1000, 1, text("later"));
	p.later_fragment = true;
	assert_int_equal(feed(w, &p)->fresh, 0);
	settle(w, &p);

	/* One log entry: the datagram's size, at the time of its first fragment. */
	struct logged_message log[2];
	assert_int_equal(message_log_copy(w->step.flow, log, 2), 1);
	assert_int_equal(log[0].size, 110);
	assert_int_equal(w->step.flow->log_from_ns, -30);
	assert_int_equal(w->step.flow->logged_ns, 0);

	/* A reply without payload of its own: a first fragment of the header alone. It is a message all the
	 * same. */
	p = packet_of(IPPROTO_UDP, false, 1000, 50, text(""));
	p.rest_wire = 64;
	p.early_fragments = 1;
	p.early_ns = 20;
	p.early_payload = p.early_payload_wire = 64;
	assert_true(feed(w, &p)->message);
	settle(w, &p);
	assert_int_equal(message_log_copy(w->step.flow, log, 2), 2);
	assert_int_equal(log[1].size, 64);

	assert_stats(w, 1, 6);
	const struct flow *flow = &w->ended[0].flow;
	assert_int_equal(flow->side[0].packets, 4);
	assert_int_equal(flow->side[0].payload_bytes, 110);
	assert_int_equal(flow->side[0].ip_bytes, 140 + 28 + 5 + 28 + 5);
	assert_int_equal(flow->side[0].messages, 1);
	assert_int_equal(flow->side[0].first_size, 110);
	/* Fragments are packets of the flow: it begins with the earliest, and so does each side. */
	assert_int_equal(flow->first_ns, -30);
	assert_int_equal(flow->side[0].first_ns, -30);
	assert_int_equal(flow->side[0].last_ns, 1);
	assert_int_equal(flow->side[1].first_ns, 30);
	assert_int_equal(flow->side[1].last_ns, 50);
	assert_int_equal(flow->side[1].first_size, 64);
	assert_int_equal(flow->last_ns, 50);
	assert_int_equal(flow->disordered, 0);
	world_free(w);
}

/* Fragments that came before the question which began their flow, and whose first ones came behind it. */
static void test_fragments_before_their_flow(void **state)
{
	(void)state;
	struct world *w = world_new(16, 64);
	struct packet p = packet_of(IPPROTO_UDP, true, 1000, 100, text("question"));
	feed(w, &p);
	settle(w, &p);
	const struct flow *flow = w->step.flow;
	for (int i = 0; i < 2; i++) {
		p = packet_of(IPPROTO_UDP, false, 1000, 150 + i, text("answer"));
		p.early_fragments = 1;
		p.early_ns = 80 + 20 * i;
		feed(w, &p);
		settle(w, &p);
		assert_int_equal(flow->first_ns, 150 + i - p.early_ns);
		assert_int_equal(flow->side[1].first_ns, 150 + i - p.early_ns);
		assert_int_equal(flow->side[1].last_ns, 150 + i);
	}
	assert_int_equal(flow->side[0].first_ns, 100);
	assert_int_equal(flow->disordered, 0);
	world_free(w);
}

static void test_message_log(void **state)
{
	(void)state;
	struct world *w = world_new(16, 2048);
	struct logged_message log[MESSAGE_LOG_MAX];
	uint8_t bytes[100] = { 0 };
	for (unsigned i = 1; i <= 90; i++) {
		struct packet p = packet_of(IPPROTO_UDP, i % 3 != 0, 1000, i, (struct span){ bytes, i });
		feed(w, &p)->flow->wants_sizes = true;
		settle(w, &p);
	}
	assert_int_equal(message_log_copy(w->step.flow, log, MESSAGE_LOG_MAX), 90);
	for (unsigned i = 1; i <= 90; i++) {
		assert_int_equal(log[i - 1].size, i);
		assert_int_equal(log[i - 1].dir, i % 3 ? TO_RESPONDER : TO_INITIATOR);
	}
	assert_int_equal(message_log_copy(w->step.flow, log, 7), 7);
	assert_int_equal(log[0].size, 1);
	assert_int_equal(log[6].size, 7);
	for (unsigned i = 0; i < 2 * MESSAGE_LOG_MAX; i++)
		udp(w, true, 1000, 100 + i);
	assert_int_equal(message_log_copy(w->step.flow, log, MESSAGE_LOG_MAX), MESSAGE_LOG_MAX);
	assert_stats(w, 1, 90 + 2 * MESSAGE_LOG_MAX);
	world_free(w);
}

/* Times are those of the messages, to 10 us, however many are added up; entries begin when somebody asks. */
static void test_message_times(void **state)
{
	(void)state;
	struct world *w = world_new(16, 2048);
	const int64_t start = INT64_C(1156500000123456789);
	udp(w, true, 1000, start); /* not logged: the first time counts from here */
	const int64_t at[] = { start + 999, start + 33333, start + 60 * NS_PER_S, start + 10 * NS_PER_S,
			       start + 60 * NS_PER_S + 30033 * NS_PER_S / 1000 };
	for (unsigned i = 0; i < 5; i++) {
		w->step.flow->wants_sizes = true;
		udp(w, i % 2, 1000, at[i]);
	}
	struct logged_message log[8];
	assert_int_equal(message_log_copy(w->step.flow, log, 8), 5);
	struct message_reader r = message_reader_on(log, 5, w->step.flow->first_ns);
	struct message m;
	/* The one that is older than the one before it comes right behind that. */
	const int64_t expected[] = { at[0], at[1], at[2], at[2], at[4] };
	for (unsigned i = 0; i < 5; i++) {
		assert_true(message_next(&r, &m));
		assert_int_equal(m.ns, expected[i] / 10000 * 10000);
		assert_int_equal(m.size, 3);
		assert_int_equal(m.dir, i % 2 ? TO_RESPONDER : TO_INITIATOR);
	}
	assert_false(message_next(&r, &m));
	/* 1000 gaps of 10.999 us do not drift. */
	struct world *drift = world_new(16, 2048);
	udp(drift, true, 1000, start);
	for (int i = 1; i <= 1000; i++) {
		drift->step.flow->wants_sizes = true;
		udp(drift, true, 1000, start + i * INT64_C(10999));
	}
	struct logged_message many[MESSAGE_LOG_MAX];
	assert_int_equal(message_log_copy(drift->step.flow, many, MESSAGE_LOG_MAX), 1000);
	r = message_reader_on(many, 1000, start);
	while (message_next(&r, &m))
		;
	assert_int_equal(m.ns, (start + 1000 * INT64_C(10999)) / 10000 * 10000);
	world_free(w);
	world_free(drift);
}

/*
 * A packet that is older than the flow moves its beginning, and no message with it: a packet without payload
 * at 20 s, messages at 21 s and 23 s, then a packet of an hour and of a day before.
 */
static void test_message_times_of_older_packet(void **state)
{
	(void)state;
	struct world *w = world_new(16, 2048);
	const int64_t start = 100000 * NS_PER_S;
	udp(w, true, 1000, start + 20 * NS_PER_S);
	w->step.flow->wants_sizes = true;
	udp(w, true, 1000, start + 21 * NS_PER_S);
	udp(w, false, 1000, start + 23 * NS_PER_S);
	udp(w, true, 1000, start - 3600 * NS_PER_S);
	udp(w, true, 1000, start - 86400 * NS_PER_S);
	udp(w, false, 1000, start + 24 * NS_PER_S);
	assert_int_equal(w->step.flow->first_ns, start - 86400 * NS_PER_S);
	struct flow_record r;
	flow_record_from(&r, w->step.flow, FLOW_END_eof);
	assert_int_equal(r.sizes, 5);
	struct logged_message log[5];
	assert_int_equal(message_log_copy(w->step.flow, log, 5), 5);
	struct message_reader reader = flow_record_messages(&r, log);
	struct message m;
	const int64_t seconds[] = { 21, 23, 23, 23, 24 };
	for (unsigned i = 0; i < 5; i++) {
		assert_true(message_next(&reader, &m));
		assert_int_equal(m.ns, start + seconds[i] * NS_PER_S);
	}
	world_free(w);
}

/* More than 2^32 ticks (12 hours) between two messages: at the limit, not around it. */
static void test_message_gap_saturates(void **state)
{
	(void)state;
	struct slab *pool = slab_new(sizeof(struct message_log), 4);
	struct flow flow = { .first_ns = 0 };
	struct logged_message log[2];
	message_log_add(pool, &flow, TO_RESPONDER, 40000, 20 * NS_PER_S);
	message_log_add(pool, &flow, TO_INITIATOR, 5, 13 * 3600 * NS_PER_S);
	assert_int_equal(message_log_copy(&flow, log, 2), 2);
	assert_int_equal(log[0].gap, 2000000);
	assert_int_equal(log[0].size, MESSAGE_SIZE_MAX);
	assert_int_equal(log[0].dir, TO_RESPONDER);
	assert_int_equal(log[1].gap, UINT32_MAX);
	slab_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact_timeout),
		cmocka_unit_test(test_timeout_under_traffic),
		cmocka_unit_test(test_directions),
		cmocka_unit_test(test_older_packet),
		cmocka_unit_test(test_clock_outlier),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_eviction_spares_the_busy),
		cmocka_unit_test(test_clock_set_back),
		cmocka_unit_test(test_idle_at_the_end),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_icmp_quote),
		cmocka_unit_test(test_early_fragments),
		cmocka_unit_test(test_fragments_before_their_flow),
		cmocka_unit_test(test_message_log),
		cmocka_unit_test(test_message_times_of_older_packet),
		cmocka_unit_test(test_message_times),
		cmocka_unit_test(test_message_gap_saturates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
