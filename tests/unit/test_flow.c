/*
 * The flow table against D1-D4: expectations are worked out by hand from the definitions, packet by packet.
 */
#include "flow/flow_table.h"
#include "base/slab.h"
#include "flow/message_log.h"
#include "flow/tcp_head.h"
#include "identify/record.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MAX_ENDED 5000

struct ended {
	struct flow flow;
	enum flow_end why;
};
struct world {
	struct flow_table *table;
	struct ended ended[MAX_ENDED];
	unsigned count;
	uint64_t number;
	struct flow_step step;
	enum flow_want want;
};

static void on_ended(void *self, struct flow *flow, enum flow_end why)
{
	struct world *w = self;

	assert_true(w->count < MAX_ENDED);
	w->ended[w->count].flow = *flow;
	w->ended[w->count++].why = why;
}

static struct world *world_new(uint32_t max_flows, uint32_t head_bytes)
{
	struct world *w = calloc(1, sizeof *w);
	const struct flow_table_options options = { .idle_ns = 200 * NS_PER_S,
						    .max_flows = max_flows,
						    .head_bytes = head_bytes };
	struct error err;

	assert_non_null(w);
	w->table = flow_table_new(&options, (struct flow_table_listener){ on_ended, w }, &err);
	assert_non_null(w->table);
	w->want = WANT_STREAM;
	return w;
}

static void world_free(struct world *w)
{
	flow_table_free(w->table);
	free(w);
}

static struct endpoint end_of(uint8_t host, uint16_t port)
{
	return (struct endpoint){ ip_from_v4((const uint8_t[4]){ 10, 0, 0, host }), port };
}

/* Host 1 is the low end, host 2 the high one. */
static struct packet packet_of(uint8_t l4, bool from_low, uint16_t port, int64_t ts_ns, struct span payload)
{
	return (struct packet){
		.ts_ns = ts_ns,
		.key = { .low = end_of(1, port), .high = end_of(2, 53), .l4 = l4 },
		.from_low = from_low,
		.payload = payload,
		.payload_wire = (uint32_t)payload.len,
		.l3_wire = (uint32_t)payload.len + 28,
	};
}

static struct flow_step *feed(struct world *w, struct packet *p)
{
	struct error err;

	p->number = ++w->number;
	assert_true(flow_table_packet(w->table, p, flow_table_hash(w->table, p), &w->step, &err));
	/* The dissectors would look now; head is borrowed until the next packet, as settle() may free it. */
	return &w->step;
}

static void settle(struct world *w, const struct packet *p)
{
	flow_table_settle(w->table, p, &w->step, w->want);
}

static struct span text(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

static void udp(struct world *w, bool from_low, uint16_t port, int64_t ts_ns)
{
	struct packet p = packet_of(IPPROTO_UDP, from_low, port, ts_ns, text("xyz"));
	feed(w, &p);
	settle(w, &p);
}

static void assert_stats(struct world *w, uint64_t flows, uint64_t packets)
{
	struct flow_table_stats stats;
	uint64_t ended = 0;

	flow_table_finish(w->table);
	flow_table_stats(w->table, &stats);
	for (int i = 0; i < FLOW_END_COUNT; i++)
		ended += stats.ended[i];
	assert_int_equal(stats.flows, flows);
	assert_int_equal(ended, flows);
	assert_int_equal(w->count, flows);
	assert_int_equal(stats.packets, packets);
}

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

/* --- TCP
 * ---------------------------------------------------------------------------------------------------- */

static struct flow_step *tcp(struct world *w, bool from_low, uint8_t flags, uint32_t seq, uint32_t ack,
			     const char *payload)
{
	struct packet p = packet_of(IPPROTO_TCP, from_low, 1000, (int64_t)w->number * NS_PER_MS,
				    text(payload ? payload : ""));
	p.tcp_flags = flags;
	p.tcp_seq = seq;
	p.tcp_ack = ack;
	feed(w, &p);
	return &w->step;
}

/* tcp() and what a dissector that wants it all would see: the stream so far, or "" when nothing is new. */
static const char *seen(struct world *w, bool from_low, uint8_t flags, uint32_t seq, uint32_t ack,
			const char *payload)
{
	static char out[4096];
	struct packet p = packet_of(IPPROTO_TCP, from_low, 1000, (int64_t)w->number * NS_PER_MS,
				    text(payload ? payload : ""));
	p.tcp_flags = flags;
	p.tcp_seq = seq;
	p.tcp_ack = ack;
	feed(w, &p);
	size_t n = w->step.fresh ? w->step.head.len : 0;
	assert_true(w->step.fresh <= w->step.head.len && n < sizeof out);
	memcpy(out, w->step.head.ptr ? w->step.head.ptr : (const uint8_t *)"", n);
	out[n] = '\0';
	settle(w, &p);
	return out;
}

static void test_tcp_teardown(void **state)
{
	(void)state;
	for (int again = 0; again < 2; again++) {
		struct world *w = world_new(16, 2048);
		tcp(w, true, TCP_SYN, 100, 0, NULL);
		tcp(w, false, TCP_SYN | TCP_ACK, 500, 101, NULL);
		tcp(w, true, TCP_ACK, 101, 501, "hello");
		tcp(w, true, TCP_FIN | TCP_ACK, 106, 501, NULL);
		tcp(w, false, TCP_FIN | TCP_ACK, 501, 107, NULL);
		assert_false(w->step.flow->closed);
		tcp(w, true, TCP_ACK, 107, 502, NULL);
		assert_true(w->step.flow->closed);
		tcp(w, false, TCP_RST, 502, 0, NULL); /* trailing segment: stays in the closed flow */
		if (again) {
			tcp(w, true, TCP_SYN, 9000, 0, NULL); /* a new connection */
			tcp(w, true, TCP_SYN, 9000, 0, NULL); /* its repetition */
		}
		assert_stats(w, again ? 2 : 1, again ? 9 : 7);
		assert_int_equal(w->ended[0].why, FLOW_END_fin);
		assert_int_equal(w->ended[0].flow.side[0].packets + w->ended[0].flow.side[1].packets, 7);
		world_free(w);
	}
}

static void test_tcp_reset_and_reuse(void **state)
{
	(void)state;
	struct world *w = world_new(16, 2048);
	tcp(w, true, TCP_SYN, 100, 0, NULL);
	tcp(w, false, TCP_RST | TCP_ACK, 0, 101, NULL);
	tcp(w, true, TCP_SYN, 100, 0, NULL); /* after a reset any SYN begins anew, even with the old number */
	tcp(w, false, TCP_SYN | TCP_ACK, 700, 101, NULL);
	tcp(w, true, TCP_SYN, 100, 0, NULL);  /* the same SYN late: no new flow */
	tcp(w, true, TCP_SYN, 5000, 0, NULL); /* another initial number in an established connection: reuse */
	assert_stats(w, 3, 6);
	assert_int_equal(w->ended[0].why, FLOW_END_rst);
	assert_int_equal(w->ended[1].why, FLOW_END_reuse);
	assert_int_equal(w->ended[2].why, FLOW_END_eof);
	world_free(w);
}

/* A segment of before the first byte: only what lies behind the stream's start belongs to it, and nothing of
 * what lies behind the segment in memory. */
static void test_tcp_before_start(void **state)
{
	(void)state;
	char early[121] = { 0 };
	for (int i = 0; i < 120; i++)
		early[i] = (char)('A' + i % 26);
	struct world *w = world_new(16, 2048);
	tcp(w, true, TCP_SYN, 1000, 0, NULL);
	assert_string_equal(seen(w, true, TCP_ACK, 1001, 1, "hello"), "hello");
	const char *s =
		seen(w, true, TCP_ACK, 1001U - 100U, 1, early); /* 100 before, then 20 of which 5 are known */
	assert_int_equal(strlen(s), 20);
	assert_memory_equal(s, "hello", 5);
	assert_memory_equal(s + 5, early + 105, 15);
	assert_int_equal(w->step.fresh, 15);
	assert_string_equal(seen(w, true, TCP_ACK, 1001U - 4000U, 1, early),
			    ""); /* far before: a repetition */
	world_free(w);

	w = world_new(16, 2048); /* the same without a head, and without a SYN */
	w->want = WANT_ORDER;
	seen(w, true, TCP_ACK, 1001, 1, "hello");
	assert_string_equal(seen(w, true, TCP_ACK, 1001U - 100U, 1, early), early + 105);
	world_free(w);
}

/* Overlapping copies that differ: the first one counts, also when it lay ahead of a gap. */
static void test_tcp_first_copy_wins(void **state)
{
	(void)state;
	struct world *w = world_new(16, 2048);
	tcp(w, true, TCP_SYN, 100, 0, NULL);
	assert_string_equal(seen(w, true, TCP_ACK, 101, 1, "ab"), "ab");
	assert_string_equal(seen(w, true, TCP_ACK, 106, 1, "FG"), "");
	assert_string_equal(seen(w, true, TCP_ACK, 105, 1, "efgh"), "");
	assert_string_equal(seen(w, true, TCP_ACK, 103, 1, "cdxxxx"), "abcdeFGh");
	world_free(w);
}

/* A tuple that is reset and used again for ever holds one flow, not one for each connection. */
static void test_memory_of_resets(void **state)
{
	(void)state;
	struct world *w = world_new(16, 2048);
	struct flow_table_stats stats;
	for (int i = 0; i < 2000; i++) {
		tcp(w, true, TCP_SYN, (uint32_t)i * 100, 0, NULL);
		tcp(w, false, TCP_RST | TCP_ACK, 0, (uint32_t)i * 100 + 1, NULL);
	}
	flow_table_stats(w->table, &stats);
	assert_int_equal(stats.peak_flows, 1);
	assert_int_equal(stats.ended[FLOW_END_evicted], 0);
	assert_stats(w, 2000, 4000);
	world_free(w);
}

/* Unanswered SYNs with new numbers are one attempt after another of one flow, as nothing was torn down. */
static void test_tcp_unanswered(void **state)
{
	(void)state;
	struct world *w = world_new(16, 2048);
	tcp(w, true, TCP_SYN, 100, 0, NULL);
	tcp(w, true, TCP_SYN, 200, 0, NULL);
	assert_stats(w, 1, 2);
	world_free(w);
}

static void test_tcp_order(void **state)
{
	(void)state;
	struct world *w = world_new(16, 2048);
	tcp(w, true, TCP_SYN, 100, 0, NULL);
	tcp(w, false, TCP_SYN | TCP_ACK, 500, 101, NULL);
	assert_string_equal(seen(w, true, TCP_ACK, 101, 501, "abc"), "abc");
	assert_true(w->step.in_stream);
	assert_string_equal(seen(w, true, TCP_ACK, 101, 501, "abc"), ""); /* retransmission */
	assert_string_equal(seen(w, true, TCP_ACK, 107, 501, "ghi"), ""); /* ahead of a gap */
	assert_true(w->step.held);
	assert_string_equal(seen(w, true, TCP_ACK, 113, 501, "mno"), ""); /* two gaps */
	assert_string_equal(seen(w, true, TCP_ACK, 107, 501, "ghi"), ""); /* sent again before the gap is */
	assert_true(w->step.held);
	assert_false(w->step.message);
	assert_string_equal(seen(w, true, TCP_ACK, 110, 501, "jklm"), ""); /* overlaps the next run */
	assert_string_equal(seen(w, true, TCP_ACK, 103, 501, "cdef"),
			    "abcdefghijklmno"); /* overlap and fill */
	assert_int_equal(w->step.fresh, 12);
	assert_string_equal(seen(w, true, TCP_ACK, 114, 501, "nop"), "abcdefghijklmnop");
	assert_int_equal(w->step.fresh, 1);
	assert_string_equal(seen(w, false, TCP_ACK, 501, 117, "ok"), "ok");
	flow_table_finish(w->table);
	assert_int_equal(w->ended[0].flow.side[TO_RESPONDER].retransmitted, 2);
	assert_int_equal(w->ended[0].flow.side[TO_RESPONDER].messages, 6);
	world_free(w);
}

/* Every way to cut "0123456789" in three, in every order, gives the same stream. */
static void test_tcp_permutations(void **state)
{
	(void)state;
	static const char digits[] = "0123456789";
	static const int order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					 { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	for (unsigned a = 1; a < 9; a++) {
		for (unsigned b = a + 1; b < 10; b++) {
			for (unsigned o = 0; o < 6; o++) {
				struct world *w = world_new(16, 2048);
				const unsigned cut[4] = { 0, a, b, 10 };
				char last[4096] = "";
				tcp(w, true, TCP_SYN, UINT32_MAX - 4, 0, NULL); /* the numbers wrap inside */
				for (unsigned i = 0; i < 3; i++) {
					unsigned from = cut[order[o][i]], to = cut[order[o][i] + 1];
					char part[16] = { 0 };
					memcpy(part, digits + from, to - from);
					const char *s =
						seen(w, true, TCP_ACK, UINT32_MAX - 3 + from, 1, part);
					if (*s)
						strncpy(last, s, sizeof last - 1);
				}
				assert_string_equal(last, digits);
				world_free(w);
			}
		}
	}
}

/* Reordering is put right also where only libndpi listens and nothing is stored on the straight path. */
static void test_tcp_want_order(void **state)
{
	(void)state;
	struct world *w = world_new(16, 2048);
	w->want = WANT_ORDER;
	tcp(w, true, TCP_SYN, 100, 0, NULL);
	settle(w, &(struct packet){ 0 });
	assert_string_equal(seen(w, true, TCP_ACK, 101, 1, "abc"), "abc");
	assert_string_equal(seen(w, true, TCP_ACK, 106, 1, "fg"), "");
	assert_string_equal(seen(w, true, TCP_ACK, 104, 1, "de"), "defg");
	assert_false(w->step.in_stream);
	assert_int_equal(w->step.fresh, 4);
	world_free(w);
}

static void test_tcp_head_is_bounded(void **state)
{
	(void)state;
	struct world *w = world_new(16, 8);
	tcp(w, true, TCP_SYN, 100, 0, NULL);
	assert_string_equal(seen(w, true, TCP_ACK, 101, 1, "abcde"), "abcde");
	assert_string_equal(seen(w, true, TCP_ACK, 106, 1, "fghij"), "abcdefgh"); /* as much as fits */
	assert_string_equal(seen(w, true, TCP_ACK, 111, 1, "kl"), "kl");
	assert_false(w->step.in_stream); /* the stream from its first byte is over */
	world_free(w);
}

static void test_tcp_loss(void **state)
{
	(void)state;
	struct world *w = world_new(16, 64);
	struct flow_table_stats stats;
	tcp(w, true, TCP_SYN, 100, 0, NULL);
	assert_string_equal(seen(w, true, TCP_ACK, 101, 1, "abc"), "abc");
	/* The capture lost bytes 104-199: too far for the head, so it is given up and counting goes on. */
	assert_string_equal(seen(w, true, TCP_ACK, 200, 1, "xyz"), "xyz");
	assert_false(w->step.in_stream);
	/* A late segment out of the hole is no retransmission; one that was seen is. */
	seen(w, true, TCP_ACK, 104, 1, "late");
	seen(w, true, TCP_ACK, 200, 1, "xyz");
	flow_table_stats(w->table, &stats);
	assert_int_equal(stats.heads_lost, 1);
	assert_int_equal(stats.retransmitted_packets, 1);
	world_free(w);
}

/* A snapped segment has fewer bytes than the wire: what follows does not join on. */
static void test_tcp_snapped(void **state)
{
	(void)state;
	struct world *w = world_new(16, 64);
	tcp(w, true, TCP_SYN, 100, 0, NULL);
	struct packet p = packet_of(IPPROTO_TCP, true, 1000, NS_PER_S, text("abc"));
	p.payload_wire = 10;
	p.tcp_seq = 101;
	feed(w, &p);
	assert_int_equal(w->step.fresh, 3);
	settle(w, &p);
	seen(w, true, TCP_ACK, 111, 1, "def");
	assert_false(w->step.in_stream);
	world_free(w);
}

/* Sequence numbers come round after 4 GiB; a segment far into the stream is none of before its start. */
static void test_tcp_long_stream(void **state)
{
	(void)state;
	struct world *w = world_new(16, 64);
	struct packet p = packet_of(IPPROTO_TCP, true, 1000, NS_PER_S, text("abc"));
	const uint32_t step = UINT32_C(1) << 26;
	p.payload_wire = step;
	for (uint32_t i = 0; i < 2 * 64; i++) { /* 8 GiB */
		p.tcp_seq = 101 + i * step;
		feed(w, &p);
		assert_int_equal(w->step.fresh, 3);
		settle(w, &p);
	}
	assert_int_equal(w->step.flow->side[0].messages, 128);
	assert_int_equal(w->step.flow->side[0].retransmitted, 0);
	world_free(w);
}

/* Random segments of a known stream, in random order with repetitions: what is shown is always a prefix of
 * it. */
static void test_tcp_random(void **state)
{
	(void)state;
	uint32_t seed = 12345;
	char stream[300];
	for (size_t i = 0; i < sizeof stream; i++)
		stream[i] = (char)('a' + i % 26);
	for (int round = 0; round < 300; round++) {
		struct world *w = world_new(16, 256);
		tcp(w, true, TCP_SYN, 100, 0, NULL);
		for (int i = 0; i < 80; i++) {
			seed = seed * 1664525U + 1013904223U;
			uint32_t from = seed >> 16 & 0xff, length = 1 + (seed >> 8) % 40;
			char part[64] = { 0 };
			memcpy(part, stream + from, length);
			const char *s = seen(w, true, TCP_ACK, 101 + from, 1, part);
			if (w->step.in_stream)
				assert_memory_equal(s, stream, strlen(s));
		}
		world_free(w);
	}
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
		cmocka_unit_test(test_tcp_before_start),
		cmocka_unit_test(test_tcp_first_copy_wins),
		cmocka_unit_test(test_memory_of_resets),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_icmp_quote),
		cmocka_unit_test(test_early_fragments),
		cmocka_unit_test(test_fragments_before_their_flow),
		cmocka_unit_test(test_message_log),
		cmocka_unit_test(test_message_times_of_older_packet),
		cmocka_unit_test(test_message_times),
		cmocka_unit_test(test_message_gap_saturates),
		cmocka_unit_test(test_tcp_teardown),
		cmocka_unit_test(test_tcp_reset_and_reuse),
		cmocka_unit_test(test_tcp_unanswered),
		cmocka_unit_test(test_tcp_long_stream),
		cmocka_unit_test(test_tcp_order),
		cmocka_unit_test(test_tcp_permutations),
		cmocka_unit_test(test_tcp_want_order),
		cmocka_unit_test(test_tcp_head_is_bounded),
		cmocka_unit_test(test_tcp_loss),
		cmocka_unit_test(test_tcp_snapped),
		cmocka_unit_test(test_tcp_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
