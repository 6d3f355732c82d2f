/*
 * Frames in, rows out: labels that fall after the flow ended, TCP known by its peer, what is kept and what is
 * not, and the account. The frames are built here; the sink records.
 */
#include "store/pipeline.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ROWS 4000

struct recorder {
	struct sink sink;
	struct flow_record flow[ROWS];
	struct flow_row row[ROWS];
	unsigned flows, clients, pairs, peers, evidences;
	struct client_row client;
	uint64_t packets; /* sum of the account */
	char problems[500];
	bool complete;
};

static bool put_run(struct sink *s, const struct run_row *row, struct error *err)
{
	struct recorder *r = (struct recorder *)s;
	(void)err;
	r->complete = row->complete;
	snprintf(r->problems, sizeof r->problems, "%s", row->problems);
	return true;
}
static bool put_counter(struct sink *s, const struct counter_row *row, struct error *err)
{
	(void)err;
	if (strcmp(row->area, "packets") == 0)
		((struct recorder *)s)->packets += row->value;
	return true;
}
static bool put_client(struct sink *s, const struct client_row *row, struct error *err)
{
	(void)err;
	((struct recorder *)s)->clients++;
	((struct recorder *)s)->client = *row;
	return true;
}
static bool put_peer(struct sink *s, const struct peer_row *row, struct error *err)
{
	(void)err;
	assert_int_equal(row->id, ++((struct recorder *)s)->peers);
	return true;
}
static bool put_pair(struct sink *s, const struct pair_row *row, struct error *err)
{
	(void)row, (void)err;
	((struct recorder *)s)->pairs++;
	return true;
}
static bool put_flow(struct sink *s, const struct flow_row *row, struct error *err)
{
	struct recorder *r = (struct recorder *)s;
	(void)err;
	assert_true(r->flows < ROWS);
	r->flow[r->flows] = *row->flow;
	r->row[r->flows++] = *row;
	return true;
}
static bool put_evidence(struct sink *s, const struct evidence_row *row, struct error *err)
{
	(void)row, (void)err;
	((struct recorder *)s)->evidences++;
	return true;
}
/* What is not looked at here. */
#define X(name, table)                                                                                       \
	static bool pass_##name(struct sink *s, const struct name##_row *row, struct error *err)             \
	{                                                                                                    \
		(void)s, (void)row, (void)err;                                                               \
		return true;                                                                                 \
	}
SINK_ROWS(X)
#undef X

static struct sink_ops recorder_ops = { .name = "recorder",
#define X(name, table) .put_##name = pass_##name,
					SINK_ROWS(X)
#undef X
};

static int recorder_setup(void **state)
{
	(void)state;
	recorder_ops.put_run = put_run;
	recorder_ops.put_counter = put_counter;
	recorder_ops.put_client = put_client;
	recorder_ops.put_peer = put_peer;
	recorder_ops.put_pair = put_pair;
	recorder_ops.put_flow = put_flow;
	recorder_ops.put_evidence = put_evidence;
	return 0;
}

/* A source that only counts. */
static void count_frames(const void *self, struct source_stats *out)
{
	*out = (struct source_stats){ .frames = *(const uint64_t *)self };
}
static const struct input_info *no_input(const void *self, size_t i)
{
	(void)self, (void)i;
	return NULL;
}
static const struct source_ops counting_ops = { .stats = count_frames, .input = no_input };

struct world {
	struct pipeline *pipeline;
	struct netset *internal;
	uint64_t frames;
	struct recorder recorder;
};

#define MOST (SOCKET_CSC_MAX + 1000U)

static struct world *world_new(bool all_flows, uint32_t max_flows)
{
	struct world *w = calloc(1, sizeof *w);
	struct error err;

	assert_non_null(w);
	w->internal = netset_new();
	netset_add_private(w->internal);
	const struct pipeline_options options = {
		.worker = { .flows = { .idle_ns = FLOW_IDLE_DEFAULT_NS,
				       .max_flows = max_flows,
				       .head_bytes = 2048 } },
		.aggregate = { .sockets = { .max_sockets = MOST,
					    .verdict_bits = 20,
					    .suspect_bits = 10,
					    .internal = w->internal },
			       .max_pairs = MOST,
			       .all_flows = all_flows },
	};
	w->pipeline = pipeline_new(&options, &err);
	assert_non_null(w->pipeline);
	w->recorder.sink.ops = &recorder_ops;
	return w;
}

static void world_finish(struct world *w)
{
	struct source source = { &counting_ops, &w->frames };
	struct run_row run = { .packets = w->frames };
	struct problems problems = { 0 };
	struct aggregate_summary summary;
	struct error err = { 0 };

	if (!pipeline_finish(w->pipeline, &source, &w->recorder.sink, &run, &problems, &summary, &err))
		fail_msg("%s", err.text);
	assert_int_equal(w->recorder.packets, w->frames);
}

static void world_free(struct world *w)
{
	pipeline_free(w->pipeline);
	netset_free(w->internal);
	free(w);
}

/* A raw IPv4 frame; header: transport header and payload. */
static void frame(struct world *w, double seconds, uint8_t protocol, uint32_t from, uint32_t to,
		  const uint8_t *body, size_t length)
{
	uint8_t bytes[2000] = {
		0x45, 0, (uint8_t)((length + 20) >> 8), (uint8_t)(length + 20), 0, 0, 0, 0, 64, protocol
	};
	struct error err;

	for (int i = 0; i < 4; i++) {
		bytes[12 + i] = (uint8_t)(from >> (24 - 8 * i));
		bytes[16 + i] = (uint8_t)(to >> (24 - 8 * i));
	}
	memcpy(bytes + 20, body, length);
	const struct frame f = { .ts_ns = (int64_t)(seconds * 1e9),
				 .bytes = { bytes, length + 20 },
				 .wire_len = (uint32_t)length + 20,
				 .linktype = 101 };
	w->frames++;
	assert_true(pipeline_frames(w->pipeline, &f, 1, &err));
}

static void udp(struct world *w, double seconds, uint32_t from, uint16_t sport, uint32_t to, uint16_t dport,
		const uint8_t *payload, size_t length)
{
	uint8_t body[1000] = { (uint8_t)(sport >> 8),        (uint8_t)sport,
			       (uint8_t)(dport >> 8),        (uint8_t)dport,
			       (uint8_t)((length + 8) >> 8), (uint8_t)(length + 8) };
	memcpy(body + 8, payload, length);
	frame(w, seconds, 17, from, to, body, length + 8);
}

static void tcp(struct world *w, double seconds, uint32_t from, uint16_t sport, uint32_t to, uint16_t dport,
		uint32_t seq, uint8_t flags, const char *payload)
{
	uint8_t body[1000] = { (uint8_t)(sport >> 8), (uint8_t)sport, (uint8_t)(dport >> 8), (uint8_t)dport };
	for (int i = 0; i < 4; i++)
		body[4 + i] = (uint8_t)(seq >> (24 - 8 * i));
	body[12] = 0x50;
	body[13] = flags;
	memcpy(body + 20, payload, strlen(payload));
	frame(w, seconds, 6, from, to, body, 20 + strlen(payload));
}

#define CLIENT  0x0a000002U         /* 10.0.0.2 */
#define PEER(n) (0xc6336400U + (n)) /* 198.51.100.n */
#define PORT    5000

static uint32_t seed;
static uint8_t random_byte(void)
{
	seed = seed * 1664525U + 1013904223U;
	return (uint8_t)(seed >> 24);
}

/* An 18-byte probe, wire A1: id, 02, IV, check, data; ids of one counter, +2 each. */
static void probe(struct world *w, double seconds, uint8_t n)
{
	uint8_t payload[18];
	uint16_t id = (uint16_t)(0x15e8 + 2 * n);
	for (size_t i = 0; i < sizeof payload; i++)
		payload[i] = random_byte();
	payload[0] = (uint8_t)(id >> 8);
	payload[1] = (uint8_t)id;
	payload[2] = 0x02;
	udp(w, seconds, CLIENT, PORT, PEER(n), (uint16_t)(10000 + n), payload, sizeof payload);
}

static const struct flow_row *row_of(const struct world *w, uint16_t responder_port)
{
	for (unsigned i = 0; i < w->recorder.flows; i++)
		if (w->recorder.flow[i].responder.port == responder_port)
			return &w->recorder.row[i];
	return NULL;
}
static const char *label_of(const struct world *w, uint16_t responder_port)
{
	for (unsigned i = 0; i < w->recorder.flows; i++)
		if (w->recorder.flow[i].responder.port == responder_port)
			return w->recorder.flow[i].label;
	return "(no row)";
}

static void play(struct world *w)
{
	static const uint8_t early[18] = { 1, 2, 0x0d, 4 }; /* function 0d: says nothing by itself */
	static const uint8_t dns[12] = { 0x12, 0x34, 1, 0, 0, 1 };
	seed = 1;
	udp(w, 0, CLIENT, PORT, PEER(200), 20000, early, sizeof early); /* over long before any evidence */
	udp(w, 1, CLIENT, 1234, PEER(201), 53, dns, sizeof dns);
	for (uint8_t n = 1; n <= 12; n++)
		probe(w, 500 + n, n);
	udp(w, 514, PEER(12), 10012, CLIENT, PORT, early, sizeof early); /* the last one answers */
	tcp(w, 515, CLIENT, 3000, PEER(12), 10012, 1, 0x02, "");
	tcp(w, 516, CLIENT, 3000, PEER(12), 10012, 2, 0x10, "random bytes");
	tcp(w, 515, CLIENT, 3001, PEER(99), 8888, 1, 0x02, ""); /* nobody that we know */
	tcp(w, 517, PEER(98), 4000, CLIENT, PORT, 1, 0x02, ""); /* a mere SYN to the client's port */
	tcp(w, 518, PEER(97), 4001, CLIENT, PORT, 1, 0x02, "");
	tcp(w, 518, PEER(97), 4001, CLIENT, PORT, 2, 0x10, "hello");
	tcp(w, 519, CLIENT, PORT, PEER(97), 4001, 1, 0x10, "answer");
	world_finish(w);
}

static void test_labels(void **state)
{
	(void)state;
	struct world *w = world_new(true, 1000);
	play(w);
	assert_int_equal(w->recorder.clients, 1);
	assert_string_equal(w->recorder.client.verdict, "skype");
	assert_int_equal(w->recorder.client.peers, 13);
	assert_int_equal(w->recorder.pairs, 13);
	assert_int_equal(w->recorder.client.total.packets_out, 13);
	assert_int_equal(w->recorder.client.total.packets_in, 1);
	assert_false(w->recorder.client.has_public);
	assert_true(w->recorder.complete);
	assert_string_equal(label_of(w, 20000), "skype-udp");
	assert_int_equal(row_of(w, 20000)->source, LABEL_FROM_socket);
	assert_string_equal(label_of(w, 10005), "skype-udp");
	assert_string_equal(label_of(w, 53), "unknown");
	assert_string_equal(label_of(w, 8888), "unknown");
	unsigned tcp_rows = 0;
	for (unsigned i = 0; i < w->recorder.flows; i++) {
		const struct flow_record *f = &w->recorder.flow[i];
		if (f->l4 != IPPROTO_TCP)
			continue;
		bool skype = f->initiator.port == 3000 || f->initiator.port == 4001;
		assert_string_equal(f->label, skype ? "skype-tcp" : "unknown");
		tcp_rows += skype;
	}
	assert_int_equal(tcp_rows, 2);
	world_free(w);
}

static void test_only_recognised(void **state)
{
	(void)state;
	struct world *w = world_new(false, 1000);
	play(w);
	assert_int_equal(w->recorder.flows, 15); /* 13 UDP, 2 TCP */
	assert_null(row_of(w, 53));
	world_free(w);
}

/* Few messages are not enough, and refused flows on the socket speak against it. */
static void test_no_verdict(void **state)
{
	(void)state;
	static const uint8_t other[30] = { 9, 9, 0x55 };
	struct world *w = world_new(true, 1000);
	seed = 2;
	probe(w, 1, 1);
	world_finish(w);
	assert_int_equal(w->recorder.clients, 0);
	assert_string_equal(label_of(w, 10001), "unknown");
	world_free(w);

	w = world_new(true, 1000);
	seed = 2;
	for (uint8_t n = 1; n <= 12; n++)
		probe(w, n, n);
	for (uint8_t n = 1; n <= 60; n++)
		udp(w, 20 + n, CLIENT, PORT, PEER(100 + n), (uint16_t)(30000 + n), other, sizeof other);
	world_finish(w);
	assert_int_equal(w->recorder.clients, 0);
	world_free(w);
}

/* What strangers send to a client says nothing about it, and makes nobody its peer. */
static void test_strangers(void **state)
{
	(void)state;
	static const uint8_t other[30] = { 9, 9, 0x55 };
	struct world *w = world_new(true, 1000);
	seed = 3;
	for (uint8_t n = 1; n <= 12; n++)
		probe(w, n, n);
	for (uint8_t n = 1; n <= 60; n++)
		udp(w, 20 + n, PEER(100 + n), (uint16_t)(30000 + n), CLIENT, PORT, other, sizeof other);
	tcp(w, 90, CLIENT, 3000, PEER(101), 30001, 1, 0x02, ""); /* to one of them */
	tcp(w, 91, CLIENT, 3000, PEER(101), 30001, 2, 0x10, "random bytes");
	tcp(w, 92, CLIENT, 3001, PEER(3), 10003, 1, 0x02, ""); /* to a node that it asked in vain */
	tcp(w, 93, CLIENT, 3001, PEER(3), 10003, 2, 0x10, "random bytes");
	tcp(w, 94, PEER(150), 4000, CLIENT, PORT, 1, 0x02, ""); /* speaks, and is not answered */
	tcp(w, 95, PEER(150), 4000, CLIENT, PORT, 2, 0x10, "random bytes");
	world_finish(w);
	assert_int_equal(w->recorder.clients, 1);
	assert_string_equal(w->recorder.client.verdict, "skype");
	for (unsigned i = 0; i < w->recorder.flows; i++)
		if (w->recorder.flow[i].initiator.port == 3001) /* BS Fig. 3: it tries TCP there next */
			assert_string_equal(w->recorder.flow[i].label, "skype-tcp");
		else if (w->recorder.flow[i].l4 == IPPROTO_TCP || w->recorder.flow[i].initiator.port >= 30000)
			assert_string_equal(w->recorder.flow[i].label, "unknown");
	assert_int_equal(w->recorder.pairs, 12);
	world_free(w);
}

/* Evicted flows are said, and the account still adds up (world_finish() checks it). */
static void test_evicted(void **state)
{
	(void)state;
	struct world *w = world_new(true, 16);
	static const uint8_t payload[4] = { 0 };
	for (uint16_t i = 0; i < 1000; i++)
		udp(w, i * 0.01, CLIENT, PORT, PEER(1), (uint16_t)(1000 + i), payload, sizeof payload);
	world_finish(w);
	assert_int_equal(w->recorder.flows, 1000);
	assert_false(w->recorder.complete);
	assert_non_null(strstr(w->recorder.problems, "984 flows were evicted"));
	world_free(w);
}

/* So is a socket for whose test there was no room. */
static void test_untested(void **state)
{
	(void)state;
	for (uint32_t beyond = 0; beyond < 2; beyond++) {
		struct world *w = world_new(false, MOST);
		static const uint8_t payload[18] = { 0x15, 0xe8, 0x02, 0x5a, 0x91, 0x33, 0xc7, 0x08 };
		for (uint32_t i = 0; i < SOCKET_CSC_MAX + beyond; i++)
			udp(w, i * 1e-3, CLIENT, (uint16_t)(1024 + i), PEER(1), 10000, payload,
			    sizeof payload);
		world_finish(w);
		assert_int_equal(w->recorder.complete, !beyond);
		if (beyond)
			assert_string_equal(
				w->recorder.problems,
				"1 sockets had no room for the chi-square test: suspected at most");
		world_free(w);
	}
}

/* ... and a flow with more streams of media than have room. */
static void test_many_streams(void **state)
{
	(void)state;
	for (uint8_t beyond = 0; beyond < 2; beyond++) {
		struct world *w = world_new(false, 1000);
		for (unsigned n = 0; n < 20 * (MEDIA_STREAMS_MAX + beyond); n++) {
			/* RFC 3550 5.1: PCMU, 20 ms; one source after the other */
			const uint8_t i = (uint8_t)(n % 20), ssrc = (uint8_t)(n / 20);
			const uint8_t rtp[12 + 160] = {
				0x80, 0, 0, i,   0, 0, (uint8_t)(160 * i >> 8), (uint8_t)(160 * i),
				1,    2, 3, ssrc
			};
			udp(w, 0.02 * n, CLIENT, PORT, PEER(1), 6000, rtp, sizeof rtp);
		}
		world_finish(w);
		assert_int_equal(w->recorder.complete, !beyond);
		if (beyond)
			assert_non_null(strstr(w->recorder.problems,
					       "1 flows were not measured for media, or in part"));
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels),       cmocka_unit_test(test_only_recognised),
		cmocka_unit_test(test_no_verdict),   cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_evicted),      cmocka_unit_test(test_untested),
		cmocka_unit_test(test_many_streams),
	};
	return cmocka_run_group_tests(tests, recorder_setup, NULL);
}
