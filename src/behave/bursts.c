/* When each client and peer exchanged packets; see bursts.h. */
#include "behave/bursts.h"
#include "base/hash.h"
#include "base/row_index.h"
#include <stdlib.h>

#define BURST_GAP_TICKS  (BURST_GAP_NS / BURST_TICK_NS)
#define BURST_START_MAX  ((INT64_C(1) << 48) - 1)
#define BURST_LENGTH_MAX ((INT64_C(1) << 40) - 1)

/* Packets of each direction count up to 2: more say nothing further about a probe (D6). */
#define BURST_OUT    0x03U
#define BURST_IN     0x0cU
#define BURST_IN_ONE 0x04U
enum {
	BURST_CLIENT_BEGAN = 0x10,
	BURST_BEGINS_FLOW = 0x20,
	BURST_MEDIA = 0x40,
	BURST_TORN_DOWN = 0x80,
};

struct tcp_ends {
	struct endpoint initiator, responder; /* of its first flow */
	uint32_t client;
};
_Static_assert(sizeof(struct tcp_ends) == 40, "hashed as bytes: no padding");

struct burst_table {
	struct hash_key key;
	int64_t first_tick, idle_ns;
	struct burst *burst;
	uint32_t bursts, burst_room;
	uint32_t pairs;
	struct conversation *conversation; /* of the pairs, then beside tcp[] */
	uint32_t conversations, conversation_room;
	struct tcp_ends *tcp;
	uint32_t tcps, tcp_room;
	struct row_index by_ends;
	uint64_t refused, coarse, untimed;
};

struct burst_table *burst_table_new(uint32_t pairs, int64_t first_ns, int64_t idle_ns, struct error *err)
{
	struct burst_table *t = calloc(1, sizeof *t);

	if (t) {
		t->key = hash_key_random();
		t->first_tick = first_ns / BURST_TICK_NS;
		t->idle_ns = idle_ns;
		t->pairs = t->conversations = pairs;
		t->conversation_room = pairs + 1;
		t->conversation = calloc(t->conversation_room, sizeof *t->conversation);
	}
	if (!t || !t->conversation) {
		burst_table_free(t);
		error_memory(err, "the bursts");
		return NULL;
	}
	return t;
}

void burst_table_free(struct burst_table *t)
{
	if (!t)
		return;
	free(t->burst);
	free(t->conversation);
	free(t->tcp);
	row_index_drop(&t->by_ends);
	free(t);
}

static int64_t start_of(const struct burst *b)
{
	return (int64_t)((uint64_t)b->start_high << 32 | b->start_low);
}

static int64_t last_of(const struct burst *b)
{
	return start_of(b) + (int64_t)((uint64_t)b->length_high << 32 | b->length_low);
}

/* The burst that is being put together, in ticks since the run's first packet. */
struct open_burst {
	int64_t start, last;
	uint64_t out, in;
	unsigned bits;
};

static bool put_burst(struct burst_table *t, struct conversation *c, const struct open_burst *open)
{
	void *rows = t->burst;
	bool room = rows_reserve(&rows, t->bursts, &t->burst_room, sizeof *t->burst);
	int64_t start = open->start < BURST_START_MAX ? open->start : BURST_START_MAX;
	int64_t length = open->last > start ? open->last - start : 0;
	unsigned out = open->out < 2 ? (unsigned)open->out : 2, in = open->in < 2 ? (unsigned)open->in : 2;

	t->burst = rows;
	if (!room)
		return false;
	if (length > BURST_LENGTH_MAX)
		length = BURST_LENGTH_MAX;
	t->burst[t->bursts] = (struct burst){
		.link = c->first,
		.start_low = (uint32_t)start,
		.start_high = (uint16_t)(start >> 32),
		.length_low = (uint32_t)length,
		.length_high = (uint8_t)(length >> 32),
		.bits = (uint8_t)(open->bits | out | in * BURST_IN_ONE),
	};
	c->first = ++t->bursts;
	c->bursts++;
	return true;
}

static bool same_ends(const struct tcp_ends *a, const struct tcp_ends *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

/* Either end may have begun a later flow of the connection. ROW_NONE: there is none. */
static uint32_t find_tcp(const struct burst_table *t, const struct tcp_ends *ends, uint64_t *hash)
{
	uint32_t at = 0, i;

	*hash = hash_words(&t->key, ends, sizeof *ends);
	while ((i = row_index_probe(&t->by_ends, *hash, &at)) != ROW_NONE)
		if (same_ends(&t->tcp[i], ends))
			break;
	return i;
}

static uint32_t get_tcp(struct burst_table *t, const struct labelled_flow *f, struct error *err)
{
	const struct tcp_ends ends = { f->r->initiator, f->r->responder, f->client };
	const struct tcp_ends turned = { f->r->responder, f->r->initiator, f->client };
	uint64_t hash;
	uint32_t i = find_tcp(t, &turned, &hash);

	if (i == ROW_NONE)
		i = find_tcp(t, &ends, &hash);
	if (i != ROW_NONE)
		return t->pairs + i;
	void *rows = t->tcp, *conversations = t->conversation;
	bool room = rows_reserve(&rows, t->tcps, &t->tcp_room, sizeof *t->tcp);
	t->tcp = rows;
	room = room &&
	       rows_reserve(&conversations, t->conversations, &t->conversation_room, sizeof *t->conversation);
	t->conversation = conversations;
	if (!room || !row_index_add(&t->by_ends, hash, t->tcps)) {
		error_memory(err, "the TCP connections of clients");
		return ROW_NONE;
	}
	t->tcp[t->tcps++] = ends;
	t->conversation[t->conversations] = (struct conversation){ .client = f->client };
	return t->conversations++;
}

static void count_packets(struct open_burst *open, const struct labelled_flow *f, enum direction dir,
			  uint64_t packets)
{
	*(labelled_is_out(f, dir) ? &open->out : &open->in) += packets;
}

/* The packets of a flow that have no entry in its log. */
static void count_unlogged(struct open_burst *open, const struct labelled_flow *f, const uint64_t logged[2])
{
	for (unsigned dir = 0; dir < 2; dir++)
		if (f->r->side[dir].packets > logged[dir])
			count_packets(open, f, (enum direction)dir, f->r->side[dir].packets - logged[dir]);
}

/* Cuts a UDP flow into its bursts, by so many messages of its log. */
static bool add_udp(struct burst_table *t, struct conversation *c, const struct labelled_flow *f,
		    uint32_t sizes)
{
	const struct flow_record *r = f->r;
	bool full = sizes >= MESSAGE_LOG_MAX;
	unsigned media = f->media ? BURST_MEDIA : 0;
	/* D2: whatever the log begins with, the flow's first packet is its initiator's. */
	struct open_burst open = { .bits = media | BURST_BEGINS_FLOW |
					   (f->client_is_initiator ? BURST_CLIENT_BEGAN : 0U) };
	struct message_reader reader = message_reader_on(f->log, sizes, flow_record_log_from(r));
	struct message m;
	uint64_t logged[2] = { 0, 0 };

	for (uint32_t i = 0; i < sizes; i++)
		logged[f->log[i].dir]++;
	bool all = r->side[0].packets + r->side[1].packets <= logged[0] + logged[1];
	if (!all && r->last_ns - r->first_ns > BURST_GAP_NS)
		t->untimed += r->side[0].packets + r->side[1].packets - logged[0] - logged[1];
	open.start = open.last = burst_table_tick(t, r->first_ns);
	if (!all && !full)
		count_unlogged(&open, f, logged);
	for (bool first = !all; message_next(&reader, &m); first = false) {
		int64_t tick = burst_table_tick(t, m.ns);
		if (tick - open.last > BURST_GAP_TICKS && !(first && !full)) {
			if (!put_burst(t, c, &open))
				return false;
			open = (struct open_burst){
				.start = tick,
				.bits = media | (labelled_is_out(f, m.dir) ? BURST_CLIENT_BEGAN : 0U),
			};
		}
		open.last = tick;
		count_packets(&open, f, m.dir, 1);
	}
	if (!all && full)
		count_unlogged(&open, f, logged);
	if (!all || sizes == 0)
		open.last = burst_table_tick(t, r->last_ns);
	return put_burst(t, c, &open);
}

static bool add_tcp(struct burst_table *t, struct conversation *c, const struct labelled_flow *f)
{
	bool torn_down = f->r->end_reason == FLOW_END_fin || f->r->end_reason == FLOW_END_rst;
	const struct open_burst open = {
		.start = burst_table_tick(t, f->r->first_ns),
		.last = burst_table_tick(t, f->r->last_ns),
		.bits = BURST_BEGINS_FLOW | (torn_down ? BURST_TORN_DOWN : 0U),
	};

	return put_burst(t, c, &open);
}

bool burst_table_add(struct burst_table *t, const struct labelled_flow *f, struct error *err)
{
	bool udp = f->r->l4 == IPPROTO_UDP;

	if (udp ? !f->pair : f->r->l4 != IPPROTO_TCP)
		return true;
	if (t->bursts >= BURSTS_MAX) {
		t->refused++;
		return true;
	}
	uint32_t sizes = f->r->sizes;
	if (udp && sizes > 1 && t->bursts + sizes > BURSTS_TIMED_MAX) {
		t->coarse++;
		sizes = 0;
	}
	uint32_t i = udp ? f->pair_index : get_tcp(t, f, err);
	if (i == ROW_NONE)
		return false;
	struct conversation *c = &t->conversation[i];
	c->client = f->client;
	return (udp ? add_udp(t, c, f, sizes) : add_tcp(t, c, f)) || error_memory(err, "the bursts");
}

/* In place: each burst is told where it belongs, then each place gets its own. */
void burst_table_arrange(struct burst_table *t)
{
	uint32_t place = 0;

	for (uint32_t i = 0; i < t->conversations; i++) {
		struct conversation *c = &t->conversation[i];
		uint32_t newest = c->first;
		c->first = place;
		place += c->bursts;
		for (uint32_t to = place; newest; to--) {
			struct burst *b = &t->burst[newest - 1];
			newest = b->link;
			b->link = to - 1;
		}
	}
	for (uint32_t i = 0; i < t->bursts; i++) {
		while (t->burst[i].link != i) {
			struct burst moved = t->burst[i], *to = &t->burst[moved.link];
			t->burst[i] = *to;
			*to = moved;
		}
	}
}

uint32_t burst_table_count(const struct burst_table *t)
{
	return t->bursts;
}

uint32_t burst_table_conversations(const struct burst_table *t)
{
	return t->conversations;
}

const struct conversation *burst_table_conversation(const struct burst_table *t, uint32_t index)
{
	return &t->conversation[index];
}

int64_t burst_table_tick(const struct burst_table *t, int64_t ns)
{
	int64_t tick = ns / BURST_TICK_NS - t->first_tick;

	return tick > 0 ? tick : 0;
}

int64_t burst_table_ns(const struct burst_table *t, int64_t tick)
{
	return (t->first_tick + tick) * BURST_TICK_NS;
}

uint64_t burst_table_refused(const struct burst_table *t)
{
	return t->refused;
}

uint64_t burst_table_coarse(const struct burst_table *t)
{
	return t->coarse;
}

uint64_t burst_table_untimed(const struct burst_table *t)
{
	return t->untimed;
}

struct sub_flow_reader sub_flows_on(const struct burst_table *t, const struct conversation *c,
				    enum sub_flow_rule rule, int64_t timeout_ns)
{
	const struct burst *at = c->bursts ? t->burst + c->first : NULL;

	return (struct sub_flow_reader){
		.at = at,
		.end = at ? at + c->bursts : NULL,
		.rule = rule,
		.timeout = timeout_ns / BURST_TICK_NS,
		.above_idle = timeout_ns > t->idle_ns,
		.below_idle = timeout_ns < t->idle_ns,
	};
}

/* Whether b goes on with what ended at `last`. */
static bool goes_on(const struct sub_flow_reader *r, const struct burst *b, int64_t last)
{
	bool near = start_of(b) - last <= r->timeout;

	if (r->rule == SUB_FLOWS_ENTRIES)
		return near;
	return b->bits & BURST_BEGINS_FLOW ? r->above_idle && near : !r->below_idle || near;
}

static bool is_left_out(const struct sub_flow_reader *r, const struct burst *b)
{
	return r->rule == SUB_FLOWS_SIGNALLING && b->bits & BURST_MEDIA;
}

bool sub_flow_next(struct sub_flow_reader *r, struct sub_flow *s)
{
	unsigned out = 0, in = 0;
	bool client_began;

	while (r->at != r->end && is_left_out(r, r->at))
		r->at++;
	if (r->at == r->end)
		return false;
	client_began = r->at->bits & BURST_CLIENT_BEGAN;
	*s = (struct sub_flow){ .first = start_of(r->at), .last = start_of(r->at) };
	do {
		out += r->at->bits & BURST_OUT;
		in += (r->at->bits & BURST_IN) / BURST_IN_ONE;
		s->torn_down = r->at->bits & BURST_TORN_DOWN;
		if (last_of(r->at) > s->last)
			s->last = last_of(r->at);
		do
			r->at++;
		while (r->at != r->end && is_left_out(r, r->at));
	} while (r->at != r->end && !s->torn_down && goes_on(r, r->at, s->last));
	s->probe = client_began ? out == 1 && in <= 1 : in == 1 && out <= 1;
	return true;
}
