/*
 * Two workers that share the packets by address pair tell the flows of one worker that has all of them; ICMP
 * errors, which come from another address than the flow they are about, are passed on. And calls in progress.
 */
#include "store/worker.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define FLOWS   200
#define NS      INT64_C(1000000000)
#define CLIENT  0x0a000002U         /* 10.0.0.2 */
#define PEER(n) (0xc6336400U + (n)) /* 198.51.100.n */
#define ROUTER  0x0a000001U

struct world {
	struct worker *worker[2];
	unsigned workers;
	struct flow_record flow[FLOWS];
	unsigned flows, asked;
	uint64_t number;
};

static void observed(void *self, const struct observation *o)
{
	(void)self, (void)o;
}
static void occurred(void *self, const struct occurrence *o)
{
	(void)self, (void)o;
}
static void metered(void *self, const struct media_report *r)
{
	(void)self, (void)r;
}
static void named(void *self, const struct dns_answer *answer, int64_t ts_ns)
{
	(void)self, (void)answer, (void)ts_ns;
}
static void flow_closed(void *self, const struct flow_record *r, const struct logged_message *log)
{
	struct world *w = self;
	(void)log;
	assert_true(w->flows < FLOWS);
	w->flow[w->flows++] = *r;
}

static void quote_missed(void *self, const struct worker_quote *q)
{
	struct world *w = self;
	w->asked++;
	for (unsigned i = 0; i < w->workers; i++)
		worker_quote(w->worker[i], q);
}

static struct world *world_new(unsigned workers)
{
	struct world *w = calloc(1, sizeof *w);
	const struct worker_options options = {
		.flows = { .idle_ns = FLOW_IDLE_DEFAULT_NS, .max_flows = 1000, .head_bytes = 2048 }
	};
	struct error err;

	assert_non_null(w);
	const struct intake intake = { observed, occurred, metered, flow_closed, named, w };
	w->workers = workers;
	for (unsigned i = 0; i < workers; i++) {
		w->worker[i] = worker_new(&options, &intake, &err);
		assert_non_null(w->worker[i]);
		if (workers > 1)
			worker_on_quote(w->worker[i], quote_missed, w);
	}
	return w;
}

static void put_address(uint8_t *at, uint32_t address)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(address >> (24 - 8 * i));
}

static size_t packet(uint8_t *out, uint8_t l4, uint32_t from, uint32_t to, const uint8_t *body, size_t n)
{
	memset(out, 0, 20);
	out[0] = 0x45;
	out[3] = (uint8_t)(n + 20);
	out[8] = 64;
	out[9] = l4;
	put_address(out + 12, from);
	put_address(out + 16, to);
	memcpy(out + 20, body, n);
	return n + 20;
}

static void send_on(struct world *w, int64_t ts_ns, uint8_t l4, uint32_t from, uint32_t to,
		    const uint8_t *body, size_t n)
{
	uint8_t bytes[200];
	struct error err;
	size_t length = packet(bytes, l4, from, to, body, n);
	const struct frame f = {
		.ts_ns = ts_ns, .bytes = { bytes, length }, .wire_len = (uint32_t)length, .linktype = 101
	};

	assert_true(worker_frames(w->worker[(from ^ to) % w->workers], &f, 1, ++w->number, &err));
}

static void udp(struct world *w, int64_t ts_ns, uint32_t from, uint16_t sport, uint32_t to, uint16_t dport)
{
	const uint8_t body[20] = {
		(uint8_t)(sport >> 8), (uint8_t)sport, (uint8_t)(dport >> 8), (uint8_t)dport, 0, 20
	};
	send_on(w, ts_ns, 17, from, to, body, sizeof body);
}

/* Port unreachable (RFC 792), from a router about a datagram of the client's. */
static void unreachable(struct world *w, int64_t ts_ns, uint32_t to, uint16_t dport)
{
	const uint8_t udp_head[8] = { 5000 >> 8, 5000 & 0xff, (uint8_t)(dport >> 8), (uint8_t)dport, 0, 20 };
	uint8_t body[36] = { 3, 3 };
	uint8_t quoted[28];

	packet(quoted, 17, CLIENT, to, udp_head, sizeof udp_head);
	quoted[3] = 40;
	memcpy(body + 8, quoted, sizeof quoted);
	send_on(w, ts_ns, 1, ROUTER, CLIENT, body, sizeof body);
}

static int by_first_packet(const void *a, const void *b)
{
	const struct flow_record *x = a, *y = b;
	return (x->first_packet > y->first_packet) - (x->first_packet < y->first_packet);
}

static void play(struct world *w, struct stage_counts *sum)
{
	*sum = (struct stage_counts){ .decode.unsupported_linktype = -1 };
	for (unsigned round = 0; round < 6; round++)
		for (unsigned n = 1; n <= 20; n++) {
			int64_t ts = (round * 100 + n) * NS;
			udp(w, ts, CLIENT, 5000, PEER(n), (uint16_t)(9000 + n));
			if (n % 3 == 0)
				udp(w, ts + NS / 2, PEER(n), (uint16_t)(9000 + n), CLIENT, 5000);
			if (n % 5 == 0)
				unreachable(w, ts + NS / 4, PEER(n), (uint16_t)(9000 + n));
		}
	/* Of another worker, which has not looked yet: its flow is over by the time of the error. */
	unreachable(w, 1000 * NS, PEER(10), 9010);
	udp(w, 2000 * NS, CLIENT, 5000, PEER(1), 9001); /* all others are over */
	for (unsigned i = 0; i < w->workers; i++) {
		struct stage_counts one;
		/* The other has no packet, but the time comes for it, too; small steps are believed. */
		for (int64_t second = 520; second <= 2000; second++)
			worker_tick(w->worker[i], second * NS);
		worker_finish(w->worker[i]);
		worker_counts(w->worker[i], &one);
		assert_int_equal(one.flows_alive, 0);
		assert_int_equal(one.packets_alive, 0);
		stage_counts_add(sum, &one);
	}
	qsort(w->flow, w->flows, sizeof w->flow[0], by_first_packet);
}

static void world_free(struct world *w)
{
	for (unsigned i = 0; i < w->workers; i++)
		worker_free(w->worker[i]);
	free(w);
}

static void test_two_are_one(void **state)
{
	(void)state;
	struct world *one = world_new(1), *two = world_new(2);
	struct stage_counts a, b;

	play(one, &a);
	play(two, &b);
	assert_int_equal(one->flows, 20 + 2 + 1); /* to 20 peers, of the router, and one that begins anew */
	assert_int_equal(two->flows, one->flows);
	unsigned told = 0;
	for (unsigned i = 0; i < one->flows; i++) {
		const struct flow_record *x = &one->flow[i], *y = &two->flow[i];
		assert_int_equal(x->first_packet, y->first_packet);
		assert_int_equal(x->last_packet, y->last_packet);
		assert_true(endpoint_equal(&x->initiator, &y->initiator));
		assert_true(endpoint_equal(&x->responder, &y->responder));
		assert_int_equal(x->end_reason, y->end_reason);
		assert_int_equal(x->icmp_errors, y->icmp_errors);
		assert_int_equal(x->icmp_code, y->icmp_code);
		for (int dir = 0; dir < 2; dir++) {
			assert_int_equal(x->side[dir].packets, y->side[dir].packets);
			assert_int_equal(x->side[dir].payload_wire, y->side[dir].payload_wire);
		}
		told += x->icmp_errors;
	}
	assert_int_equal(told, 6 * 4); /* in each round about the peers 5, 10, 15 and 20 */
	assert_true(two->asked > 0);
	assert_int_equal(a.frames, b.frames);
	assert_memory_equal(a.account, b.account, sizeof a.account);
	assert_int_equal(a.flows.flows, b.flows.flows);
	assert_int_equal(a.flows.packets, b.flows.packets);
	assert_int_equal(a.flows.icmp_matched, b.flows.icmp_matched);
	assert_int_equal(a.judge.first_ns, b.judge.first_ns);
	assert_int_equal(a.judge.greatest_ns, b.judge.greatest_ns);
	world_free(one);
	world_free(two);
}

/* 50 messages of RTP a second each way (RFC 3550; PCMU, 20 ms). */
static void talk(struct world *w, int64_t from_ns, unsigned messages)
{
	for (unsigned i = 0; i < messages; i++)
		for (unsigned way = 0; way < 2; way++) {
			uint8_t body[8 + 12 + 160] = { 20, (uint8_t)way, 20, (uint8_t)!way, 0, sizeof body };
			uint8_t *rtp = body + 8;

			rtp[0] = 0x80;
			rtp[3] = (uint8_t)i;
			rtp[6] = (uint8_t)(160 * i >> 8);
			rtp[7] = (uint8_t)(160 * i);
			rtp[11] = (uint8_t)(7 + way);
			memset(rtp + 12, 0xd5, 160);
			send_on(w, from_ns + i * NS / 50, 17, way ? PEER(1) : CLIENT, way ? CLIENT : PEER(1),
				body, sizeof body);
		}
}

/* Whoever looks late, as a monitor whose machine was busy, misses no call. */
static void test_calls_looked_at_late(void **unused)
{
	struct world *w = world_new(1);
	struct worker_call call[WORKER_CALLS_MAX];
	struct worker *worker = w->worker[0];

	(void)unused;
	assert_int_equal(worker_calls(worker, 100 * NS, call), 0);
	talk(w, 102 * NS, 100);
	assert_int_equal(worker_calls(worker, 130 * NS, call), 1);
	assert_true(call[0].began_ns == 102 * NS && call[0].packets == 200);
	assert_true(call[0].initiator.port == 20 << 8 && call[0].responder.port == (20 << 8) + 1);
	assert_int_equal(worker_calls(worker, 131 * NS, call), 0);
	/* In time: until 5 s after its last message, and once more. */
	talk(w, 140 * NS, 100);
	assert_int_equal(worker_calls(worker, 146 * NS, call), 1);
	assert_int_equal(worker_calls(worker, 147 * NS, call), 1);
	assert_int_equal(worker_calls(worker, 148 * NS, call), 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_two_are_one),
					    cmocka_unit_test(test_calls_looked_at_late) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
