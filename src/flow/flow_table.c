/* Packets -> flows; see flow_table.h. */
#include "flow/flow_table.h"
#include "base/hash.h"
#include "base/huge.h"
#include "base/slab.h"
#include "flow/message_log.h"
#include "flow/tcp.h"
#include "flow/tcp_head.h"
#include <stddef.h>
#include <stdlib.h>

#define BUCKETS_AT_FIRST 65536U
#define WHEEL_SLOTS      256U
/* A flow is looked at again at most this often; deadlines stay within the wheel. */
#define TICKS_PER_IDLE 200
/* This many packets in a row, and one for 16 flows, before the clock is believed to be wrong. */
#define CLOCK_BACK_PACKETS 64U
/* Live ticks come several times a second; a longer step is a clock that was set, or a program that stood
 * still, and neither is quiet that was listened to. */
#define TICK_STEP_MAX_NS (2 * NS_PER_S)

const char *const flow_end_names[FLOW_END_COUNT] = {
#define X(name, words) #name,
	FLOW_ENDS(X)
#undef X
};
const char *const flow_end_words[FLOW_END_COUNT] = {
#define X(name, words) words,
	FLOW_ENDS(X)
#undef X
};

struct flow_table {
	struct flow_table_options options;
	struct flow_table_listener listener;
	struct hash_key key;
	struct flow **bucket;
	size_t buckets; /* a power of two */
	uint32_t flows;
	struct slab *flow_pool, *log_pool;
	struct tcp_heads heads;
	/*
	 * The wheel returns memory. A flow sits in the slot of the deadline that it had when it was put
	 * there; when the slot comes round, it has ended or moves on to the slot of its present deadline. So
	 * each flow is looked at once per timeout at most, and a packet costs no list work.
	 */
	struct wheel_link wheel[WHEEL_SLOTS];
	int64_t tick_ns, wheel_tick;
	uint32_t behind; /* packets in a row that lie behind the clock by more than the timeout */
	bool wheel_running;
	int64_t last_ts_ns, clock_ns; /* clock: the greatest time that two packets in a row have reached */
	/* Ticks since the packet that was number ticked_packets: the last one's time, how long it has been
	 * quiet, and how far the wheel was looked at beyond wheel_tick. */
	uint64_t ticked_packets;
	int64_t ticked_ns, quiet_ns, ticked_to;
	struct flow_table_stats stats;
};

struct flow_table *flow_table_new(const struct flow_table_options *options,
				  struct flow_table_listener listener, struct error *err)
{
	struct flow_table *t = calloc(1, sizeof *t);

	if (!t) {
		error_memory(err, "the flow table");
		return NULL;
	}
	t->options = *options;
	t->listener = listener;
	t->key = hash_key_random();
	t->buckets = BUCKETS_AT_FIRST;
	t->bucket = huge_calloc(t->buckets, sizeof *t->bucket);
	t->tick_ns = options->idle_ns / TICKS_PER_IDLE + 1;
	t->flow_pool = slab_new((sizeof(struct flow) + 63) / 64 * 64, 5000);
	t->log_pool = slab_new(sizeof(struct message_log), 1024);
	for (size_t i = 0; i < WHEEL_SLOTS; i++)
		t->wheel[i].next = t->wheel[i].previous = &t->wheel[i];
	t->heads.limit = options->head_bytes;
	t->heads.most = FLOW_HEADS_MEMORY / (sizeof(struct tcp_head) + options->head_bytes);
	t->heads.pool = slab_new(sizeof(struct tcp_head) + options->head_bytes, 64);
	if (!t->bucket || !t->flow_pool || !t->log_pool || !t->heads.pool) {
		flow_table_free(t);
		error_memory(err, "the flow table");
		return NULL;
	}
	return t;
}

void flow_table_free(struct flow_table *t)
{
	if (!t)
		return;
	slab_free(t->flow_pool);
	slab_free(t->log_pool);
	slab_free(t->heads.pool);
	free(t->bucket);
	free(t);
}

static struct flow *flow_of(struct wheel_link *link)
{
	return (struct flow *)(void *)((char *)link - offsetof(struct flow, wheel));
}

static struct wheel_link *slot_of(struct flow_table *t, const struct flow *flow)
{
	return &t->wheel[(uint64_t)((flow->last_ns + t->options.idle_ns) / t->tick_ns) % WHEEL_SLOTS];
}

static void wheel_leave(struct flow *flow)
{
	flow->wheel.previous->next = flow->wheel.next;
	flow->wheel.next->previous = flow->wheel.previous;
}

/* At the end of its slot: the oldest are met first. */
static void wheel_add(struct flow_table *t, struct flow *flow)
{
	struct wheel_link *slot = slot_of(t, flow);

	flow->wheel.next = slot;
	flow->wheel.previous = slot->previous;
	slot->previous->next = &flow->wheel;
	slot->previous = &flow->wheel;
}

/* A flow lies on several cache lines and is rarely in the cache: ask for them together, not one after
 * another. */
static void prefetch_flow(const struct flow *flow)
{
	for (size_t at = 0; at < sizeof *flow; at += 64)
		__builtin_prefetch((const char *)flow + at);
}

/* Hands the flow out, and takes it out of the table. */
static void end_flow(struct flow_table *t, struct flow *flow, enum flow_end why)
{
	struct flow **link = &t->bucket[flow->hash & (t->buckets - 1)];

	while (*link != flow)
		link = &(*link)->next_in_bucket;
	*link = flow->next_in_bucket;
	wheel_leave(flow);
	t->flows--;
	t->stats.ended[why]++;
	flow->end_reason = (uint8_t)why;
	t->listener.ended(t->listener.self, flow, why);
	tcp_drop_heads(flow, &t->heads);
	message_log_drop(t->log_pool, flow);
	slab_put(t->flow_pool, flow);
}

static enum flow_end end_of(const struct flow *flow, enum flow_end why)
{
	return flow->closed ? (enum flow_end)flow->end_reason : why;
}

/* All deadlines in this slot are over at now_ns, unless packets have moved them. */
static void wheel_turn(struct flow_table *t, struct wheel_link *slot, int64_t now_ns)
{
	/* Flows may come back to this very slot: only those that are in it now are looked at. */
	struct wheel_link *last = slot->previous, *link = slot->next;

	for (bool more = link != slot; more;) {
		struct flow *flow = flow_of(link);
		more = link != last;
		link = link->next;
		if (more)
			prefetch_flow(flow_of(link));
		if (flow->last_ns + t->options.idle_ns < now_ns) {
			end_flow(t, flow, end_of(flow, FLOW_END_idle));
		} else {
			wheel_leave(flow);
			wheel_add(t, flow);
		}
	}
}

/*
 * The wheel follows packet time, but only as far as two packets in a row have come: one frame with an absurd
 * time must not end every flow. When the clock turns out to have been ahead of the trace (the first frames
 * were absurd, or the clock was set back), it goes back, too; but not for a few packets, as each way costs a
 * look at every flow. Whether a packet continues its flow never depends on the wheel (see
 * flow_table_packet()).
 */
static void advance_clock(struct flow_table *t, int64_t ts_ns)
{
	int64_t reached = ts_ns < t->last_ts_ns ? ts_ns : t->last_ts_ns;
	int64_t later = ts_ns < t->last_ts_ns ? t->last_ts_ns : ts_ns;

	if (!t->wheel_running) {
		t->wheel_running = true;
		t->last_ts_ns = t->clock_ns = ts_ns;
		t->wheel_tick = ts_ns / t->tick_ns;
		return;
	}
	t->last_ts_ns = ts_ns;
	if (later < t->clock_ns - t->options.idle_ns) {
		if (++t->behind < CLOCK_BACK_PACKETS + t->flows / 16)
			return;
		t->clock_ns = reached;
		t->wheel_tick = reached / t->tick_ns;
	}
	t->behind = 0;
	if (reached <= t->clock_ns)
		return;
	t->clock_ns = reached;
	int64_t tick = reached / t->tick_ns;
	int64_t turns = tick - t->wheel_tick;
	if (turns > WHEEL_SLOTS)
		turns = WHEEL_SLOTS;
	for (int64_t i = tick - turns; i < tick; i++)
		wheel_turn(t, &t->wheel[(uint64_t)i % WHEEL_SLOTS], t->clock_ns);
	t->wheel_tick = tick;
}

/*
 * How late it is by what was seen and heard: the last packet's time and the quiet since then, in steps that
 * can be believed, and never later than the clock now. So neither a packet with an absurd time nor a clock
 * that is set ahead, and perhaps back again, ends anything.
 */
static int64_t quiet_time(struct flow_table *t, int64_t now_ns)
{
	if (t->ticked_packets != t->stats.packets) {
		t->ticked_packets = t->stats.packets;
		t->ticked_ns = t->last_ts_ns;
		t->ticked_to = t->wheel_tick;
		t->quiet_ns = 0;
	}
	int64_t step = now_ns - t->ticked_ns;

	if (step > 0 && step <= TICK_STEP_MAX_NS)
		t->quiet_ns += step;
	t->ticked_ns = now_ns;
	int64_t quiet = t->last_ts_ns + t->quiet_ns;

	return quiet < now_ns ? quiet : now_ns;
}

/* The packets' clock and its wheel stay where they are: for them, nothing has happened. */
void flow_table_tick(struct flow_table *t, int64_t now_ns)
{
	if (t->flows == 0 || !t->wheel_running)
		return;
	int64_t late = quiet_time(t, now_ns), tick = late / t->tick_ns;
	int64_t from = t->ticked_to > t->wheel_tick ? t->ticked_to : t->wheel_tick;

	if (tick - from > WHEEL_SLOTS)
		from = tick - WHEEL_SLOTS;
	/* The slot that the time is in as well, in part: else a flow would wait for up to a slot's width. */
	for (int64_t i = from; i <= tick; i++)
		wheel_turn(t, &t->wheel[(uint64_t)i % WHEEL_SLOTS], late);
	if (tick > t->ticked_to)
		t->ticked_to = tick;
}

/*
 * Makes room for one flow and some more: ends those whose deadlines come first. A flow that has had packets
 * since it was put into its slot moves on to its right one, as the turning wheel would have moved it.
 */
static void evict_oldest(struct flow_table *t)
{
	uint32_t enough = t->options.max_flows - 1 - t->options.max_flows / 128;

	for (size_t i = 0; i < WHEEL_SLOTS && t->flows > enough; i++) {
		struct wheel_link *slot = &t->wheel[(uint64_t)(t->wheel_tick + (int64_t)i) % WHEEL_SLOTS];
		struct wheel_link *last = slot->previous, *link = slot->next;
		for (bool more = link != slot; more && t->flows > enough;) {
			struct flow *flow = flow_of(link);
			more = link != last;
			link = link->next;
			if (slot_of(t, flow) == slot) {
				end_flow(t, flow, end_of(flow, FLOW_END_evicted));
			} else {
				wheel_leave(flow);
				wheel_add(t, flow);
			}
		}
	}
}

/* Twice the buckets. Only a failed allocation keeps the old ones: chains grow longer, nothing is lost. */
static void grow_buckets(struct flow_table *t)
{
	size_t wider = t->buckets * 2;
	struct flow **bucket = huge_calloc(wider, sizeof *bucket);

	if (!bucket)
		return;
	for (size_t i = 0; i < t->buckets; i++) {
		for (struct flow *flow = t->bucket[i]; flow;) {
			struct flow *next = flow->next_in_bucket;
			flow->next_in_bucket = bucket[flow->hash & (wider - 1)];
			bucket[flow->hash & (wider - 1)] = flow;
			flow = next;
		}
	}
	free(t->bucket);
	t->bucket = bucket;
	t->buckets = wider;
}

static struct flow *find(const struct flow_table *t, const struct flow_key *key, uint64_t hash)
{
	struct flow *flow = t->bucket[hash & (t->buckets - 1)];

	while (flow && (flow->hash != hash || memcmp(&flow->key, key, sizeof *key) != 0))
		flow = flow->next_in_bucket;
	return flow;
}

static struct flow *begin_flow(struct flow_table *t, const struct packet *packet, uint64_t hash,
			       struct error *err)
{
	if (t->flows >= t->options.max_flows)
		evict_oldest(t);
	if (t->flows >= t->buckets)
		grow_buckets(t);
	struct flow *flow = slab_get(t->flow_pool);
	if (!flow) {
		error_memory(err, "a flow");
		return NULL;
	}
	memset(flow, 0, sizeof *flow);
	flow->key = packet->key;
	flow->hash = hash;
	/* D2: the sender of the first packet seen, also when that is a SYN-ACK. */
	flow->initiator_is_low = packet->from_low;
	flow->first_ns = flow->last_ns = packet->ts_ns;
	flow->first_packet = packet->number;
	flow->id.protocol = -1;
	flow->want = WANT_STREAM;
	flow->next_in_bucket = t->bucket[hash & (t->buckets - 1)];
	t->bucket[hash & (t->buckets - 1)] = flow;
	wheel_add(t, flow);
	t->stats.flows++;
	if (++t->flows > t->stats.peak_flows)
		t->stats.peak_flows = t->flows;
	return flow;
}

static void saturating_increment(uint16_t *n)
{
	if (*n < UINT16_MAX)
		++*n;
}

/* Everything that is counted for any packet, whatever its protocol. */
static void account(struct flow_table *t, struct flow *flow, enum direction dir, const struct packet *packet)
{
	struct flow_side *side = &flow->side[dir];
	int64_t since_ns = packet->ts_ns - packet->early_ns;

	if (packet->ts_ns < flow->last_ns) {
		/* D1, edge case: a packet older than its flow's last one counts in that flow and reopens
		 * nothing. */
		saturating_increment(&flow->disordered);
		t->stats.disordered_packets++;
	} else {
		flow->last_ns = packet->ts_ns;
	}
	if (side->packets == 0) {
		side->first_ns = since_ns;
		side->last_ns = packet->ts_ns;
	} else {
		/* Without an identification the checksum says too little: offloading leaves it alike in all.
		 */
		if (packet->fingerprint >> 16 != 0 && packet->fingerprint == side->fingerprint &&
		    packet->ts_ns - side->last_ns < FLOW_DUPLICATE_NS &&
		    side->last_ns - packet->ts_ns < FLOW_DUPLICATE_NS) {
			saturating_increment(&flow->duplicates);
			t->stats.duplicate_packets++;
		}
		if (packet->ts_ns > side->last_ns)
			side->last_ns = packet->ts_ns;
		if (since_ns < side->first_ns)
			side->first_ns = since_ns;
	}
	if (since_ns < flow->first_ns)
		flow->first_ns = since_ns;
	side->fingerprint = packet->fingerprint;
	side->packets += 1U + packet->early_fragments;
	side->ip_bytes += (uint64_t)packet->l3_wire + packet->early_l3_wire;
	side->payload_bytes += packet->payload.len + packet->early_payload;
	side->payload_wire += packet->payload_wire + packet->early_payload_wire;
	flow->last_packet = packet->number;
}

/* RFC 792; RFC 4443 section 4.1. */
static bool is_echo_request(const struct packet *packet)
{
	return (packet->key.l4 == IPPROTO_ICMP && packet->icmp_type == 8) ||
	       (packet->key.l4 == IPPROTO_ICMPV6 && packet->icmp_type == 128);
}

uint64_t flow_table_hash(const struct flow_table *t, const struct packet *packet)
{
	uint64_t hash = hash_words(&t->key, &packet->key, sizeof packet->key);

	__builtin_prefetch(&t->bucket[hash & (t->buckets - 1)]);
	return hash;
}

void flow_table_touch(const struct flow_table *t, uint64_t hash)
{
	const struct flow *flow = t->bucket[hash & (t->buckets - 1)];

	if (flow)
		prefetch_flow(flow);
}

bool flow_table_packet(struct flow_table *t, const struct packet *packet, uint64_t hash,
		       struct flow_step *step, struct error *err)
{
	struct flow *flow;
	enum flow_end why = FLOW_END_idle;

	*step = (struct flow_step){ 0 };
	advance_clock(t, packet->ts_ns);
	flow = find(t, &packet->key, hash);
	if (flow) {
		step->dir = packet->from_low == flow->initiator_is_low ? TO_RESPONDER : TO_INITIATOR;
		/* D1: exactly the timeout apart is one flow, more is two. */
		bool over = packet->ts_ns - flow->last_ns > t->options.idle_ns;
		if (over)
			why = end_of(flow, FLOW_END_idle);
		if (over ||
		    (packet->key.l4 == IPPROTO_TCP && tcp_begins_anew(flow, step->dir, packet, &why))) {
			end_flow(t, flow, why);
			flow = NULL;
		}
	}
	if (!flow) {
		flow = begin_flow(t, packet, hash, err);
		if (!flow)
			return false;
		step->is_new = true;
		step->dir = TO_RESPONDER;
	}
	step->flow = flow;
	account(t, flow, step->dir, packet);
	t->stats.packets += 1U + packet->early_fragments;

	struct flow_side *side = &flow->side[step->dir];
	bool again = false;
	if (packet->later_fragment) {
		return true; /* counted; its payload is the rest of a message that was looked at already */
	} else if (packet->key.l4 == IPPROTO_TCP) {
		again = tcp_segment(flow, packet, step, &t->heads, &t->stats.heads_lost);
	} else {
		step->head = packet->payload;
		step->fresh = packet->payload.len;
		if (packet->icmp_type && step->dir == TO_RESPONDER && is_echo_request(packet))
			flow->echo_asked = true;
	}
	if (again) {
		side->retransmitted++;
		t->stats.retransmitted_packets++;
	} else if (packet_message_wire(packet) > 0) {
		step->message = true;
		side->messages++;
		if (side->first_size == 0)
			side->first_size = packet_message_wire(packet);
	}
	return true;
}

void flow_table_settle(struct flow_table *t, const struct packet *packet, const struct flow_step *step,
		       enum flow_want want)
{
	struct flow *flow = step->flow;

	if (flow->wants_sizes && step->message)
		message_log_add(t->log_pool, flow, step->dir, packet_message_wire(packet), packet->ts_ns);
	if (flow->key.l4 != IPPROTO_TCP)
		return;
	flow->want = (uint8_t)want;
	if (want == WANT_STREAM)
		tcp_keep(flow, step, &t->heads, &t->stats.heads_lost);
	else if (want == WANT_NOTHING)
		tcp_drop_heads(flow, &t->heads);
}

bool flow_table_quote_key(struct flow_table *t, const struct flow_key *key, int64_t ts_ns, uint8_t icmp_type,
			  uint8_t icmp_code)
{
	struct flow *flow = find(t, key, hash_words(&t->key, key, sizeof *key));

	/* One that is over was perhaps not looked at yet, and no result may depend on that. */
	if (!flow || ts_ns - flow->last_ns > t->options.idle_ns)
		return false;
	saturating_increment(&flow->icmp_errors);
	flow->icmp_type = icmp_type;
	flow->icmp_code = icmp_code;
	t->stats.icmp_matched++;
	return true;
}

bool flow_table_quote(struct flow_table *t, const struct packet *icmp)
{
	return flow_table_quote_key(t, &icmp->quote, icmp->ts_ns, icmp->icmp_type, icmp->icmp_code);
}

void flow_table_finish(struct flow_table *t)
{
	int64_t now = t->last_ts_ns > t->clock_ns ? t->last_ts_ns : t->clock_ns;

	for (size_t i = 0; i < WHEEL_SLOTS; i++) {
		struct wheel_link *slot = &t->wheel[(uint64_t)(t->wheel_tick + (int64_t)i) % WHEEL_SLOTS];
		while (slot->next != slot) {
			struct flow *flow = flow_of(slot->next);
			if (slot->next->next != slot)
				prefetch_flow(flow_of(slot->next->next));
			bool idle = flow->last_ns + t->options.idle_ns < now;
			end_flow(t, flow, end_of(flow, idle ? FLOW_END_idle : FLOW_END_eof));
		}
	}
	/* What comes now needs memory of its own, and there are no more flows. */
	slab_trim(t->flow_pool);
	slab_trim(t->log_pool);
	slab_trim(t->heads.pool);
}

void flow_table_stats(const struct flow_table *t, struct flow_table_stats *out)
{
	*out = t->stats;
}

void flow_table_peak_anew(struct flow_table *t)
{
	t->stats.peak_flows = t->flows;
}
