/*
 * Writes a capture as large as the one that Rossi, Mellia and Meo describe, for measuring memory and time: a
 *week, 1,700 clients, 300,000 peers, 390,126 pairs, 2.5 million flows in the shares of their Table I, 18
 *million packets. A load and no model: sizes, gaps and peers are drawn evenly, and message bodies are random.
 *
 *	make_week [SHARE] > week.pcap        SHARE: of the pairs and clients, 0 to 1; 1 needs 2 GB of disk
 *
 * Messages have the header that lets a client be recognised (docs/definitions.md): a counter, the function, a
 *nonce.
 */
#include "base/rng.h"
#include <stdio.h>
#include <stdlib.h>

#define WEEK_MS  INT64_C(604800000)
#define START_S  UINT32_C(1175472000) /* 2007-04-02 00:00 UTC, the Monday of that week */
#define CLIENTS  1700U
#define PEERS    300000U
#define PAIRS    390126U
#define QUIET_MS 300000 /* between the flows of a pair: more than the 200 s that end one */

/* Table I: pairs, flows of a pair, packets of a flow that is a dialog (10.2 and 14.8, both ways). */
struct class
{
	double share, flows;
	unsigned packets;
	int probes; /* of 2 flows of the pair, how many are one-time probes */
};
static const struct class classes[] = {
	{ 0.512, 1, 0, 2 },     /* probe */
	{ 0.158, 10.7, 0, 2 },  /* heartbeat */
	{ 0.251, 1.59, 15, 0 }, /* dialog */
	{ 0.079, 47.8, 19, 1 }, /* mix */
};

struct event {
	uint32_t ms; /* since the start: 2^32 ms are 49 days */
	uint32_t pair;
};
#define FROM_PEER UINT32_C(0x80000000) /* in event.pair */

struct week {
	struct rng rng;
	struct event *event;
	size_t events, room;
	uint32_t *client, *peer; /* of each pair */
	uint16_t *counter;       /* of clients, then of peers */
	uint32_t clients, peers, pairs;
};

static void add(struct week *w, int64_t ms, uint32_t pair)
{
	if (w->events == w->room) {
		w->room = w->room ? 2 * w->room : 1 << 20;
		w->event = realloc(w->event, w->room * sizeof *w->event);
		if (!w->event) {
			fprintf(stderr, "make_week: out of memory\n");
			exit(EXIT_FAILURE);
		}
	}
	w->event[w->events++] = (struct event){ (uint32_t)ms, pair };
}

static void add_flow(struct week *w, uint32_t pair, int64_t ms, unsigned packets)
{
	if (packets == 0) { /* a one-time probe; seven of ten are answered */
		add(w, ms, pair);
		if (rng_below(&w->rng, 10) < 7)
			add(w, ms + 20 + rng_below(&w->rng, 400), pair | FROM_PEER);
		return;
	}
	for (unsigned i = 0; i < packets; i++, ms += 20 + rng_below(&w->rng, 4000))
		add(w, ms, i % 2 ? pair | FROM_PEER : pair);
}

static void add_pair(struct week *w, uint32_t pair, const struct class *c)
{
	/* The mean number, as one more or one less. */
	uint32_t flows = (uint32_t)c->flows +
			 (rng_below(&w->rng, 1000) < (uint32_t)((c->flows - (int)c->flows) * 1000));
	int64_t period = WEEK_MS / flows, free_ms = period - QUIET_MS - 80000;

	w->client[pair] = rng_below(&w->rng, w->clients);
	w->peer[pair] = pair % w->peers;
	for (uint32_t i = 0; i < flows; i++) {
		bool probe = c->probes == 2 || (c->probes == 1 && i % 2);
		add_flow(w, pair, i * period + rng_below(&w->rng, (uint32_t)free_ms), probe ? 0 : c->packets);
	}
}

static int by_time(const void *x, const void *y)
{
	const struct event *a = x, *b = y;

	return a->ms != b->ms ? (a->ms > b->ms) - (a->ms < b->ms) : (a->pair > b->pair) - (a->pair < b->pair);
}

static size_t put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return 2;
}

static size_t put32(uint8_t *at, uint32_t value)
{
	return put16(at, value >> 16) + put16(at + 2, value & 0xffff);
}

/* Raw IPv4 (LINKTYPE_RAW, 101), UDP, one message. */
static void write_event(struct week *w, const struct event *e)
{
	uint32_t pair = e->pair & ~FROM_PEER;
	bool reply = e->pair & FROM_PEER;
	uint32_t client = w->client[pair], peer = w->peer[pair];
	uint32_t near = UINT32_C(0x0a000000) + client + 256;
	/* 80.0.0.0 and up: not internal. */
	uint32_t far = UINT32_C(0x50000000) + peer * 37;
	unsigned near_port = 20000 + client % 40000, far_port = 1024 + peer * 7 % 60000;
	unsigned size = 18 + rng_below(&w->rng, 48);
	uint32_t head[4] = { START_S + e->ms / 1000, e->ms % 1000 * 1000, 28 + size, 28 + size };
	uint16_t *counter = reply ? &w->counter[w->clients + peer] : &w->counter[client];
	uint8_t packet[28 + 66] = { 0x45, 0 };

	*counter = (uint16_t)(*counter + 2);
	put16(packet + 2, 28 + size);
	packet[8] = 64;
	packet[9] = 17;
	put32(packet + 12, reply ? far : near);
	put32(packet + 16, reply ? near : far);
	put16(packet + 20, reply ? far_port : near_port);
	put16(packet + 22, reply ? near_port : far_port);
	put16(packet + 24, 8 + size);
	rng_fill(&w->rng, packet + 28, size);
	put16(packet + 28, *counter);
	packet[30] = 2;
	fwrite(head, sizeof head, 1, stdout);
	fwrite(packet, 28 + size, 1, stdout);
}

int main(int count, char **arguments)
{
	static const uint32_t header[6] = { 0xa1b2c3d4, 0x00040002, 0, 0, 65535, 101 };
	double share = count > 1 ? atof(arguments[1]) : 1;
	struct week w = { .rng = rng_seeded(1) };
	uint32_t pair = 0;

	if (count > 2 || !(share > 0) || share > 1) {
		fprintf(stderr, "usage: make_week [SHARE, 0 to 1] > week.pcap\n");
		return EXIT_FAILURE;
	}
	w.clients = (uint32_t)(CLIENTS * share) + 1;
	w.peers = (uint32_t)(PEERS * share) + 1;
	w.pairs = (uint32_t)(PAIRS * share);
	w.client = calloc(w.pairs, sizeof *w.client);
	w.peer = calloc(w.pairs, sizeof *w.peer);
	w.counter = calloc(w.clients + w.peers, sizeof *w.counter);
	if (!w.client || !w.peer || !w.counter)
		return EXIT_FAILURE;
	for (uint32_t i = 0; i < w.clients + w.peers; i++)
		w.counter[i] = (uint16_t)rng_next(&w.rng);
	for (unsigned c = 0; c < sizeof classes / sizeof classes[0]; c++)
		for (uint32_t n = (uint32_t)(classes[c].share * w.pairs); n > 0; n--)
			add_pair(&w, pair++, &classes[c]);
	qsort(w.event, w.events, sizeof *w.event, by_time);
	fwrite(header, sizeof header, 1, stdout);
	for (size_t i = 0; i < w.events; i++)
		write_event(&w, &w.event[i]);
	free(w.event);
	free(w.client);
	free(w.peer);
	free(w.counter);
	return fclose(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
