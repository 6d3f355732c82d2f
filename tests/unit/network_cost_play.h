/* Runs of a few clients, made flow by flow, for what the network cost (N1, N2) is counted from. */
#ifndef FS_TEST_NETWORK_COST_PLAY_H
#define FS_TEST_NETWORK_COST_PLAY_H
#include "behave/class_shares.h"
#include "behave/state_entries.h"
#include <math.h>
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

static inline struct endpoint at(uint8_t d, uint16_t port)
{
	return (struct endpoint){ ip_from_v4((const uint8_t[4]){ 10, 0, 0, d }), port };
}

static inline struct endpoint client_socket(uint32_t number)
{
	return at((uint8_t)number, 5000);
}

static inline struct scene *scene_new(void)
{
	struct scene *s = calloc(1, sizeof *s);

	assert_non_null(s);
	assert_true(protocol_count >= 2 && protocol_count <= 8);
	s->pairs = pair_table_new(1000, &s->err);
	for (uint32_t i = 0; i < CLIENTS; i++)
		s->client[i] = (struct measured_client){ .socket = client_socket(i + 1), .recognised = true };
	return s;
}

static inline void scene_free(struct scene *s)
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
static inline struct flow_record *add_flow(struct scene *s, uint32_t client, struct endpoint far, unsigned l4,
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

static inline void play(struct scene *s, int64_t last_ns)
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
static inline void assert_class(struct scene *s, int64_t timeout_ns, enum pair_class class, uint64_t flows)
{
	memset(s->share, 0, sizeof s->share);
	class_shares_count(s->bursts, s->pairs, s->client, timeout_ns, s->share);
	for (unsigned c = 0; c < PAIR_CLASS_COUNT; c++) {
		assert_int_equal(s->share[0][c].pairs, c == class);
		assert_int_equal(s->share[0][c].flows, c == class ? flows : 0);
	}
}

static inline struct state_peak peak_of(struct scene *s, int64_t timeout_ns)
{
	assert_true(state_entries_count(s->entries, timeout_ns, &s->err));
	return *state_entries_all(s->entries, 0);
}
#endif
