/*
 * N1 and N2: bursts, pair classes by timeout and entries in a NAT or firewall. Small cases worked out by
 * hand, then chance against a simulation that looks at every packet, and at every moment anew.
 */
#include "behave/class_shares.h"
#include "behave/state_entries.h"
#include "chance.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define S       NS_PER_S
#define TICK    BURST_TICK_NS
#define BEGIN   (1000000 * S) /* of all traces here */
#define IDLE    (200 * S)
#define CLIENTS 4
#define FLOWS   4096
#define PACKETS 16384

/* A run: its flows are shown to the pair table first, then to the bursts, as the aggregator does. */
struct scene {
	struct error err;
	struct pair_table *pairs;
	struct burst_table *bursts;
	struct measured_client client[CLIENTS];
	struct flow_record record[FLOWS];
	struct {
		uint32_t client, log;
		bool initiator, media;
	} flow[FLOWS];
	uint32_t flows;
	struct logged_message message[PACKETS];
	uint32_t messages;
	struct class_share share[8][PAIR_CLASS_COUNT];
	struct state_entries *entries;
};

static struct endpoint at(uint8_t d, uint16_t port)
{
	return (struct endpoint){ ip_from_v4((const uint8_t[4]){ 10, 0, 0, d }), port };
}

static struct endpoint client_socket(uint32_t number)
{
	return at((uint8_t)number, 5000);
}

static struct scene *scene_new(void)
{
	struct scene *s = calloc(1, sizeof *s);

	assert_non_null(s);
	assert_true(protocol_count >= 2 && protocol_count <= 8);
	s->pairs = pair_table_new(1000, &s->err);
	for (uint32_t i = 0; i < CLIENTS; i++)
		s->client[i] = (struct measured_client){ .socket = client_socket(i + 1), .recognised = true };
	return s;
}

static void scene_free(struct scene *s)
{
	pair_table_free(s->pairs);
	burst_table_free(s->bursts);
	state_entries_free(s->entries);
	free(s);
}

struct step {
	int64_t ns; /* since BEGIN */
	bool out;   /* sent by the client */
};

/* One flow of a client, each packet with its message. */
static struct flow_record *add_flow(struct scene *s, uint32_t client, struct endpoint far, unsigned l4,
				    const struct step *step, unsigned steps)
{
	struct flow_record *r = &s->record[s->flows];
	bool began = step[0].out;
	int64_t tick = (BEGIN + step[0].ns) / TICK;

	assert_true(s->flows < FLOWS && s->messages + steps <= PACKETS);
	*r = (struct flow_record){
		.first_packet = s->flows + 1,
		.first_ns = BEGIN + step[0].ns,
		.last_ns = BEGIN + step[steps - 1].ns,
		.initiator = began ? client_socket(client) : far,
		.responder = began ? far : client_socket(client),
		.l4 = (uint8_t)l4,
		.end_reason = FLOW_END_idle,
		.sizes = l4 == IPPROTO_UDP ? (uint16_t)steps : 0,
	};
	s->flow[s->flows].client = client;
	s->flow[s->flows].log = s->messages;
	s->flow[s->flows].initiator = began;
	s->flows++;
	for (unsigned i = 0; i < steps; i++) {
		enum direction dir = step[i].out == began ? TO_RESPONDER : TO_INITIATOR;
		int64_t now = (BEGIN + step[i].ns) / TICK;
		r->side[dir].packets++;
		s->message[s->messages++] = (struct logged_message){ .gap = (uint32_t)(now - tick),
								     .size = 18,
								     .dir = (uint8_t)dir };
		tick = now;
	}
	return r;
}

#define FLOW(s, client, far, ...)                                                                            \
	add_flow(s, client, far, IPPROTO_UDP, (const struct step[]){ __VA_ARGS__ },                          \
		 sizeof((const struct step[]){ __VA_ARGS__ }) / sizeof(struct step))
#define TCP(s, client, far, ...)                                                                             \
	add_flow(s, client, far, IPPROTO_TCP, (const struct step[]){ __VA_ARGS__ },                          \
		 sizeof((const struct step[]){ __VA_ARGS__ }) / sizeof(struct step))

static void play(struct scene *s, int64_t last_ns)
{
	for (uint32_t i = 0; i < s->flows; i++) {
		const struct flow_record *r = &s->record[i];
		uint32_t client = s->flow[i].client;
		bool initiator = s->flow[i].initiator;
		if (r->l4 != IPPROTO_UDP)
			continue;
		unsigned protocol = s->client[client - 1].protocol;
		/* The pair table has names of its own for the clients. */
		assert_true(pair_table_add(s->pairs, client + 70, protocol, initiator, true, r, &s->err));
		if (s->flow[i].media)
			pair_table_media(s->pairs, client + 70, protocol, initiator, r);
	}
	for (uint32_t i = 0; i < pair_table_count(s->pairs); i++) {
		const struct pair *pair = pair_table_at(s->pairs, i);
		struct measured_client *c = &s->client[pair->client - 71];
		c->first_ns = c->peers == 0 || pair->first_ns < c->first_ns ? pair->first_ns : c->first_ns;
		c->last_ns = c->peers++ == 0 || pair->last_ns > c->last_ns ? pair->last_ns : c->last_ns;
	}
	s->bursts = burst_table_new(pair_table_count(s->pairs), BEGIN, IDLE, &s->err);
	assert_non_null(s->bursts);
	for (uint32_t i = 0; i < s->flows; i++) {
		uint32_t client = s->flow[i].client;
		bool initiator = s->flow[i].initiator;
		struct labelled_flow f = {
			.r = &s->record[i],
			.log = &s->message[s->flow[i].log],
			.client = client,
			.protocol = s->client[client - 1].protocol,
			.client_is_initiator = initiator,
			.media = s->flow[i].media,
			.remote = initiator ? &s->record[i].responder : &s->record[i].initiator,
		};
		if (f.r->l4 == IPPROTO_UDP) {
			f.pair = pair_table_find(s->pairs, client + 70, f.protocol, f.remote);
			f.pair_index = pair_table_index(s->pairs, f.pair);
		}
		assert_true(burst_table_add(s->bursts, &f, &s->err));
	}
	burst_table_arrange(s->bursts);
	const struct state_question q = { s->bursts, s->pairs, s->client, CLIENTS, BEGIN, BEGIN + last_ns };
	s->entries = state_entries_new(&q, &s->err);
	assert_non_null(s->entries);
}

/* The class of the only pair of client 1, and its flows. */
static void assert_class(struct scene *s, int64_t timeout_ns, enum pair_class class, uint64_t flows)
{
	memset(s->share, 0, sizeof s->share);
	class_shares_count(s->bursts, s->pairs, s->client, timeout_ns, s->share);
	for (unsigned c = 0; c < PAIR_CLASS_COUNT; c++) {
		assert_int_equal(s->share[0][c].pairs, c == class);
		assert_int_equal(s->share[0][c].flows, c == class ? flows : 0);
	}
}

static struct state_peak peak_of(struct scene *s, int64_t timeout_ns)
{
	assert_true(state_entries_count(s->entries, timeout_ns, &s->err));
	return *state_entries_all(s->entries, 0);
}

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

/* --- against a simulation --- */

#define TALKS 60
struct talk {                    /* all packets between a client and a peer */
	uint32_t client, mirror; /* mirror: the same conversation as that client has it; 0: not a client's */
	bool tcp;
	unsigned packets;
	struct step packet[64];
	bool torn_down[64]; /* TCP: behind this packet */
};
struct entry {
	int64_t first, last;
	uint32_t client;
	bool probe, tcp, counted;
};
struct simulation {
	struct talk talk[TALKS];
	struct entry entry[TALKS * 64];
	unsigned entries;
};

static int64_t some_gap(struct chance *c)
{
	static const int64_t near[] = { 30, 60, 80, 100, 120, 150, 200, 250, 300, 400, 600 };

	switch (chance_u64(c) % 4) {
	case 0: /* a timeout, a little less, or a little more */
		return near[chance_u64(c) % (sizeof near / sizeof near[0])] * S +
		       ((int64_t)(chance_u64(c) % 3) - 1) * TICK;
	case 1:
		return (int64_t)(chance_u64(c) % 700) * S;
	default:
		return (int64_t)(chance_u64(c) % 3000000) * TICK;
	}
}

static void make_talk(struct talk *k, struct chance *c, unsigned i)
{
	k->client = 1 + i % 3;
	k->tcp = i % 5 == 4;
	k->packets = 1 + (unsigned)(chance_u64(c) % 64);
	int64_t ns = (int64_t)(chance_u64(c) % 200) * S;
	bool ends = false;
	for (unsigned n = 0; n < k->packets; n++) {
		/* A torn-down connection comes back later, not at the same moment. */
		ns += n == 0 ? 0 : some_gap(c) + (ends ? TICK : 0);
		k->packet[n] = (struct step){ ns, chance_u64(c) % 2 == 0 };
		k->torn_down[n] = ends = k->tcp && chance_u64(c) % 4 == 0;
	}
}

/* Packets n .. end - 1 belong together. */
static unsigned piece(const struct talk *k, unsigned n, int64_t timeout_ns)
{
	unsigned end = n + 1;

	/* Of a TCP flow the first and the last packet are known, and no gap in it. */
	if (k->tcp && timeout_ns < IDLE)
		timeout_ns = IDLE;
	while (end < k->packets && !k->torn_down[end - 1] &&
	       k->packet[end].ns - k->packet[end - 1].ns <= timeout_ns)
		end++;
	return end;
}

static bool is_probe(const struct talk *k, unsigned n, unsigned end)
{
	unsigned forth = 0, back = 0;

	for (unsigned i = n; i < end; i++)
		*(k->packet[i].out == k->packet[n].out ? &forth : &back) += 1;
	return !k->tcp && forth == 1 && back <= 1;
}

static void check_classes(struct scene *s, const struct simulation *m, int64_t timeout_ns)
{
	struct class_share expected[PAIR_CLASS_COUNT] = { 0 };

	for (unsigned i = 0; i < TALKS; i++) {
		const struct talk *k = &m->talk[i];
		unsigned probes = 0, dialogs = 0;
		for (unsigned n = 0, end; !k->tcp && n < k->packets; n = end) {
			end = piece(k, n, timeout_ns);
			*(is_probe(k, n, end) ? &probes : &dialogs) += 1;
		}
		if (k->tcp)
			continue;
		enum pair_class class = dialogs == 0  ? (probes == 1 ? PAIR_probe : PAIR_heartbeat)
					: probes == 0 ? PAIR_dialog
						      : PAIR_mix;
		expected[class].pairs++;
		expected[class].flows += probes + dialogs;
		expected[class].packets += k->packets;
	}
	memset(s->share, 0, sizeof s->share);
	class_shares_count(s->bursts, s->pairs, s->client, timeout_ns, s->share);
	assert_memory_equal(s->share[0], expected, sizeof expected);
}

static void make_entries(struct simulation *m, int64_t timeout_ns)
{
	m->entries = 0;
	for (unsigned i = 0; i < TALKS; i++) {
		const struct talk *k = &m->talk[i];
		for (unsigned n = 0, end; n < k->packets; n = end) {
			end = piece(k, n, timeout_ns);
			int64_t last = k->packet[end - 1].ns;
			m->entry[m->entries++] = (struct entry){
				k->packet[n].ns, k->torn_down[end - 1] ? last : last + timeout_ns,
				k->client,       is_probe(k, n, end),
				k->tcp,          k->client > k->mirror
			};
		}
	}
}

/* What exists at a moment. client 0: all. */
static struct state_interval entries_at(const struct simulation *m, uint32_t client, int64_t ns)
{
	struct state_interval sum = { 0 };

	for (unsigned i = 0; i < m->entries; i++) {
		const struct entry *e = &m->entry[i];
		if (e->first > ns || e->last < ns || (client ? e->client != client : !e->counted))
			continue;
		sum.entries++;
		sum.probes += e->probe;
		sum.tcp += e->tcp;
	}
	return sum;
}

static void check_peak(struct scene *s, const struct simulation *m, uint32_t client, int64_t first,
		       int64_t last)
{
	struct state_interval most = { 0 };
	int64_t when = INT64_MAX;
	uint64_t opened = 0, probes = 0;
	double sum = 0, probe_sum = 0;

	for (unsigned i = 0; i < m->entries; i++) {
		const struct entry *e = &m->entry[i];
		if (client ? e->client != client : !e->counted)
			continue;
		struct state_interval here = entries_at(m, client, e->first);
		if (here.entries > most.entries || (here.entries == most.entries && e->first < when)) {
			most = here;
			when = e->first;
		}
		opened++;
		probes += e->probe;
		int64_t from = e->first > first ? e->first : first, to = e->last < last ? e->last : last;
		sum += to > from ? (double)(to - from) : 0;
		probe_sum += to > from && e->probe ? (double)(to - from) : 0;
	}
	const struct state_peak *p =
		client ? state_entries_client(s->entries, client) : state_entries_all(s->entries, 0);
	assert_non_null(p);
	assert_int_equal(p->peak, most.entries);
	assert_int_equal(p->peak_probes, most.probes);
	assert_int_equal(p->peak_tcp, most.tcp);
	assert_int_equal(p->peak_ns, BEGIN + when);
	assert_int_equal(p->opened, opened);
	assert_int_equal(p->opened_probes, probes);
	assert_true(fabs(p->mean - sum / (double)(last - first)) < 1e-6);
	assert_true(fabs(p->mean_probes - probe_sum / (double)(last - first)) < 1e-6);
}

/* In each interval the most, of its first moment and of each beginning in it. */
static void check_intervals(struct scene *s, const struct simulation *m)
{
	int64_t first, width;
	uint32_t count = state_entries_intervals(s->entries, &first, &width);

	assert_true(count <= STATE_INTERVALS_MAX + 1);
	for (uint32_t i = 0; i < count; i++) {
		int64_t from = first - BEGIN + i * width;
		uint32_t most = entries_at(m, 0, from).entries;
		for (unsigned k = 0; k < m->entries; k++) {
			int64_t ns = m->entry[k].first;
			if (!m->entry[k].counted || ns < from || ns >= from + width)
				continue;
			uint32_t here = entries_at(m, 0, ns).entries;
			most = here > most ? here : most;
		}
		assert_int_equal(state_entries_interval(s->entries, 0, i)->entries, most);
	}
}

/* The flows of a talk, as the flow table would cut it. */
static void add_talk(struct scene *s, const struct talk *k, uint32_t client, struct endpoint far)
{
	struct step step[64];

	for (unsigned n = 0, end; n < k->packets; n = end) {
		end = piece(k, n, IDLE);
		for (unsigned i = n; i < end; i++)
			step[i - n] = (struct step){ k->packet[i].ns, k->packet[i].out };
		struct flow_record *r =
			add_flow(s, client, far, k->tcp ? IPPROTO_TCP : IPPROTO_UDP, step, end - n);
		if (k->torn_down[end - 1])
			r->end_reason = FLOW_END_rst;
	}
}

static void simulate(uint64_t seed)
{
	struct chance chance = { seed };
	struct simulation *m = calloc(1, sizeof *m);
	struct scene *s = scene_new();
	int64_t last = 0;

	for (unsigned i = 0; i < TALKS - 1; i++)
		make_talk(&m->talk[i], &chance, i);
	/* Clients 1 and 4 talk to each other: the last two talks are one, seen from either end. */
	struct talk *mine = &m->talk[TALKS - 2], *theirs = &m->talk[TALKS - 1];
	mine->tcp = false;
	memset(mine->torn_down, 0, sizeof mine->torn_down);
	mine->client = 1;
	*theirs = *mine;
	theirs->client = theirs->mirror = 4; /* the other one counts */
	for (unsigned n = 0; n < theirs->packets; n++)
		theirs->packet[n].out = !theirs->packet[n].out;
	for (unsigned i = 0; i < TALKS - 2; i++)
		add_talk(s, &m->talk[i], m->talk[i].client, at(9, (uint16_t)(100 + i)));
	add_talk(s, mine, 1, client_socket(4));
	add_talk(s, theirs, 4, client_socket(1));
	for (unsigned i = 0; i < TALKS; i++)
		if (m->talk[i].packet[m->talk[i].packets - 1].ns > last)
			last = m->talk[i].packet[m->talk[i].packets - 1].ns;
	play(s, last);
	for (unsigned t = 0; t < CLASS_TIMEOUTS; t++)
		check_classes(s, m, class_timeouts_ns[t]);
	for (unsigned t = 0; t < STATE_TIMEOUTS; t++) {
		assert_true(state_entries_count(s->entries, state_timeouts_ns[t], &s->err));
		make_entries(m, state_timeouts_ns[t]);
		check_peak(s, m, 0, 0, last);
		for (uint32_t client = 1; client <= CLIENTS; client++)
			check_peak(s, m, client, s->client[client - 1].first_ns - BEGIN,
				   s->client[client - 1].last_ns - BEGIN);
		if (t == seed % STATE_TIMEOUTS) /* the slow one */
			check_intervals(s, m);
	}
	scene_free(s);
	free(m);
}

static void test_simulation(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++)
		simulate(seed);
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
		cmocka_unit_test(test_simulation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
