/* Client sockets and the evidence about them; see sockets.h. */
#include "identify/sockets.h"
#include "base/hash.h"
#include "base/slab.h"
#include <stdlib.h>
#include <string.h>

/*
 * TEST_COUNTER. A step of 1..16 to another peer is what one counter shared by all peers does: at most 9 in
 * the 2006 capture, +1 or +2 in 99 % (wire A2). Random 16-bit values do so with probability 16/65536 = 2^-12.
 * Steps up to 512 happen while the client talks over TCP (at most 351 in 2015): no evidence either way.
 */
#define COUNTER_SMALL_STEP 16U
#define COUNTER_FAR_STEP   512U
#define BUCKETS_AT_FIRST   1024U
#define NONCE_FRESH_BYTES  3 /* two random 32-bit values share two or more bytes with probability 9e-5 */

struct socket_table {
	struct socket_options options;
	struct hash_key key;
	struct socket_entry **bucket;
	size_t buckets; /* a power of two */
	struct slab *pool;
	size_t entry_size;
	uint32_t count;
	uint64_t evicted;
	struct socket_entry *newest, *oldest; /* by last evidence */
};

struct socket_key {
	struct endpoint socket;
	uint8_t l4, protocol;
	uint8_t zero[4];
};
_Static_assert(sizeof(struct socket_key) == 24, "hashed as bytes: no padding");

/* How many kinds of a protocol may have evidence about a socket: up to the last that is not ABOUT_FLOW. */
static unsigned socket_kinds(const struct protocol *p)
{
	unsigned n = p->kind_count;

	while (n > 0 && p->kinds[n - 1].about == ABOUT_FLOW)
		n--;
	return n;
}

static size_t entry_size(void)
{
	unsigned most = 0;

	for (unsigned i = 0; i < protocol_count; i++)
		if (socket_kinds(protocols[i]) > most)
			most = socket_kinds(protocols[i]);
	return sizeof(struct socket_entry) + most * sizeof(struct evidence_sum);
}

struct socket_table *socket_table_new(const struct socket_options *options, struct error *err)
{
	struct socket_table *t = calloc(1, sizeof *t);

	if (!t) {
		error_memory(err, "the socket table");
		return NULL;
	}
	t->options = *options;
	t->key = hash_key_random();
	t->entry_size = entry_size();
	t->buckets = BUCKETS_AT_FIRST;
	t->bucket = calloc(t->buckets, sizeof *t->bucket);
	t->pool = slab_new(t->entry_size, 256);
	if (!t->bucket || !t->pool) {
		socket_table_free(t);
		error_memory(err, "the socket table");
		return NULL;
	}
	return t;
}

void socket_table_free(struct socket_table *t)
{
	if (!t)
		return;
	slab_free(t->pool);
	free(t->bucket);
	free(t);
}

static struct socket_entry **bucket_of(const struct socket_table *t, unsigned protocol, unsigned l4,
				       const struct endpoint *socket)
{
	const struct socket_key key = { .socket = *socket, .l4 = (uint8_t)l4, .protocol = (uint8_t)protocol };
	return &t->bucket[hash_words(&t->key, &key, sizeof key) & (t->buckets - 1)];
}

/* Twice the buckets. Only a failed allocation keeps the old ones: chains grow longer, nothing is lost. */
static void grow_buckets(struct socket_table *t)
{
	size_t wider = t->buckets * 2;
	struct socket_entry **bucket = calloc(wider, sizeof *bucket);

	if (!bucket)
		return;
	free(t->bucket);
	t->bucket = bucket;
	t->buckets = wider;
	for (struct socket_entry *s = t->oldest; s; s = s->newer) {
		struct socket_entry **head = bucket_of(t, s->protocol, s->l4, &s->socket);
		s->next_in_bucket = *head;
		*head = s;
	}
}

static bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && ip_equal(&a->ip, &b->ip);
}

static bool is_entry(const struct socket_entry *s, unsigned protocol, unsigned l4,
		     const struct endpoint *socket)
{
	return s->l4 == l4 && s->protocol == protocol && endpoint_equal(&s->socket, socket);
}

struct socket_entry *socket_table_find(const struct socket_table *t, unsigned protocol, unsigned l4,
				       const struct endpoint *socket)
{
	struct socket_entry *s = t->count ? *bucket_of(t, protocol, l4, socket) : NULL;

	while (s && !is_entry(s, protocol, l4, socket))
		s = s->next_in_bucket;
	return s;
}

static void unlink_age(struct socket_table *t, struct socket_entry *s)
{
	if (s->newer)
		s->newer->older = s->older;
	else
		t->newest = s->older;
	if (s->older)
		s->older->newer = s->newer;
	else
		t->oldest = s->newer;
}

static void link_newest(struct socket_table *t, struct socket_entry *s)
{
	s->newer = NULL;
	s->older = t->newest;
	if (t->newest)
		t->newest->newer = s;
	else
		t->oldest = s;
	t->newest = s;
}

static void evict_oldest(struct socket_table *t)
{
	struct socket_entry *s = t->oldest;
	struct socket_entry **link = bucket_of(t, s->protocol, s->l4, &s->socket);

	while (*link != s)
		link = &(*link)->next_in_bucket;
	*link = s->next_in_bucket;
	unlink_age(t, s);
	slab_put(t->pool, s);
	t->count--;
	t->evicted++;
}

static struct socket_entry *get_entry(struct socket_table *t, const struct observation *o,
				      const struct endpoint *socket, struct error *err)
{
	struct socket_entry *s = socket_table_find(t, o->protocol, o->l4, socket);

	if (s) {
		unlink_age(t, s);
		link_newest(t, s);
		return s;
	}
	if (t->count >= t->options.max_sockets)
		evict_oldest(t);
	if (t->count >= t->buckets)
		grow_buckets(t);
	s = slab_get(t->pool);
	if (!s) {
		error_memory(err, "a client socket");
		return NULL;
	}
	memset(s, 0, t->entry_size);
	*s = (struct socket_entry){
		.socket = *socket,
		.l4 = o->l4,
		.protocol = o->protocol,
		.internal = netset_has(t->options.internal, &socket->ip),
		.first_ns = o->ts_ns,
		.last_ns = o->ts_ns,
		.first_packet = o->packet,
		.after_eviction = t->evicted > 0,
	};
	struct socket_entry **head = bucket_of(t, o->protocol, o->l4, socket);
	s->next_in_bucket = *head;
	*head = s;
	link_newest(t, s);
	t->count++;
	return s;
}

static void add_bits(struct socket_entry *s, unsigned kind, float bits, uint64_t packet)
{
	const struct evidence_kind *k = &protocols[s->protocol]->kinds[kind];
	struct evidence_sum *sum = &s->sums[kind];

	sum->count++;
	sum->against += bits < 0;
	if (sum->first_packet == 0)
		sum->first_packet = packet;
	sum->last_packet = packet;
	sum->bits += bits;
	if (sum->bits > k->cap)
		sum->bits = k->cap;
	if (k->test != TEST_AGAINST && sum->bits < -k->cap)
		sum->bits = -k->cap;
}

void socket_entry_add(struct socket_entry *s, enum machinery_kind found, uint64_t packet)
{
	const struct protocol *protocol = protocols[s->protocol];
	unsigned kind;

	if (!protocol_kind(protocol, found, &kind))
		return;
	const struct evidence_kind *k = &protocol->kinds[kind];
	add_bits(s, kind, k->test == TEST_AGAINST ? k->against : k->bits, packet);
}

/* The other end's address, hashed: two ports of one host are one peer. */
static uint32_t peer_of(const struct socket_table *t, const struct socket_entry *s,
			const struct observation *o)
{
	const struct endpoint *peer = endpoint_equal(&s->socket, &o->from) ? &o->to : &o->from;
	return (uint32_t)hash_words(&t->key, &peer->ip, sizeof peer->ip);
}

/* Whether this address has not counted yet. */
static bool is_new_witness(struct witnesses *w, uint32_t address)
{
	const unsigned kept = sizeof w->address / sizeof w->address[0];

	for (unsigned i = 0; i < w->used; i++)
		if (w->address[i] == address)
			return false;
	w->address[w->next] = address;
	w->next = (uint8_t)((w->next + 1) % kept);
	if (w->used < kept)
		w->used++;
	return true;
}

static void test_counter(struct socket_entry *s, const struct evidence_kind *k, const struct observation *o,
			 uint32_t peer)
{
	uint16_t value = (uint16_t)o->value;
	uint16_t step = (uint16_t)(value - s->counter_last);

	/* Only across peers does it tell: within one flow, counters are common. */
	if (!s->has_counter) {
		(void)is_new_witness(&s->steps, peer); /* so that a way back to it is no step to another */
	} else if (peer != s->counter_peer) {
		if (step >= 1 && step <= COUNTER_SMALL_STEP) {
			if (is_new_witness(&s->steps, peer))
				add_bits(s, o->kind, k->bits, o->packet);
		} else if (step == 0 || step > COUNTER_FAR_STEP) {
			add_bits(s, o->kind, k->against, o->packet);
		}
	}
	s->has_counter = true;
	s->counter_last = value;
	s->counter_peer = peer;
}

static int bytes_changed(uint32_t a, uint32_t b)
{
	uint32_t difference = a ^ b;
	int changed = 0;

	for (int i = 0; i < 4; i++)
		changed += (difference >> (8 * i) & 0xff) != 0;
	return changed;
}

static void test_nonce(struct socket_entry *s, const struct evidence_kind *k, const struct observation *o)
{
	const unsigned kept = sizeof s->nonce / sizeof s->nonce[0];
	bool fresh = true;

	for (unsigned i = 0; i < s->nonce_used; i++)
		fresh = fresh && s->nonce[i] != o->value;
	if (s->nonce_used)
		fresh = fresh && bytes_changed(s->nonce[(s->nonce_next + kept - 1) % kept], o->value) >=
					 NONCE_FRESH_BYTES;
	if (s->nonce_used)
		add_bits(s, o->kind, fresh ? k->bits : k->against, o->packet);
	s->nonce[s->nonce_next] = o->value;
	s->nonce_next = (uint8_t)((s->nonce_next + 1) % kept);
	if (s->nonce_used < kept)
		s->nonce_used++;
}

static void test_reflected(struct socket_entry *s, const struct evidence_kind *k, const struct observation *o,
			   uint32_t peer)
{
	const uint8_t bytes[4] = { (uint8_t)(o->value >> 24), (uint8_t)(o->value >> 16),
				   (uint8_t)(o->value >> 8), (uint8_t)o->value };
	struct ip seen = ip_from_v4(bytes);
	bool same = s->has_public && ip_equal(&seen, &s->public_ip);

	if (ip_equal(&seen, &s->socket.ip) || (same && peer != s->public_peer)) {
		s->public_confirmed = true;
		add_bits(s, o->kind, k->bits, o->packet);
	}
	if (!s->has_public || (!same && !s->public_confirmed)) {
		s->has_public = true;
		s->public_ip = seen;
		s->public_peer = peer;
	}
}

static bool observe_at(struct socket_table *t, const struct observation *o, const struct endpoint *socket,
		       struct error *err)
{
	const struct evidence_kind *k = &protocols[o->protocol]->kinds[o->kind];
	struct socket_entry *s = get_entry(t, o, socket, err);

	if (!s)
		return false;
	uint32_t peer = peer_of(t, s, o);
	if (o->ts_ns > s->last_ns)
		s->last_ns = o->ts_ns;
	switch (k->test) {
	case TEST_NONE:
		add_bits(s, o->kind, k->bits, o->packet);
		break;
	case TEST_PEERS:
		if (is_new_witness(&s->echoes, peer))
			add_bits(s, o->kind, k->bits, o->packet);
		break;
	case TEST_COUNTER:
		test_counter(s, k, o, peer);
		break;
	case TEST_NONCE:
		test_nonce(s, k, o);
		break;
	case TEST_REFLECTED:
		test_reflected(s, k, o, peer);
		break;
	case TEST_AGAINST:
		add_bits(s, o->kind, k->against, o->packet);
		break;
	}
	return true;
}

bool socket_table_observe(struct socket_table *t, const struct observation *o, struct error *err)
{
	const struct evidence_kind *k = &protocols[o->protocol]->kinds[o->kind];
	bool from = k->about == ABOUT_SENDER || k->about == ABOUT_SOCKETS;
	bool to = k->about == ABOUT_RECEIVER || k->about == ABOUT_SOCKETS;

	/* Internal sockets are the ones that we want to know about; external ones only where no side is
	 * internal. */
	bool from_internal = netset_has(t->options.internal, &o->from.ip);
	bool to_internal = netset_has(t->options.internal, &o->to.ip);
	if (from_internal != to_internal) {
		from = from && from_internal;
		to = to && to_internal;
	}
	return (!from || observe_at(t, o, &o->from, err)) && (!to || observe_at(t, o, &o->to, err));
}

float socket_table_verdict_bits(const struct socket_table *t)
{
	return t->options.verdict_bits;
}

float socket_bits(const struct socket_entry *s)
{
	float bits = 0;

	for (unsigned i = 0; i < socket_kinds(protocols[s->protocol]); i++)
		bits += s->sums[i].bits;
	return bits;
}

struct evidence_sum socket_sum(const struct socket_entry *s, unsigned kind)
{
	return kind < socket_kinds(protocols[s->protocol]) ? s->sums[kind] : (struct evidence_sum){ 0 };
}

enum verdict socket_verdict(const struct socket_table *t, const struct socket_entry *s)
{
	float bits = socket_bits(s);

	if (bits >= t->options.verdict_bits)
		return s->after_eviction ? VERDICT_SUSPECTED : VERDICT_RECOGNISED;
	return bits >= t->options.suspect_bits ? VERDICT_SUSPECTED : VERDICT_NONE;
}

static int by_first_packet(const void *a, const void *b)
{
	const struct socket_entry *x = *(struct socket_entry *const *)a,
				  *y = *(struct socket_entry *const *)b;

	if (x->first_packet != y->first_packet)
		return x->first_packet < y->first_packet ? -1 : 1;
	int order = memcmp(&x->socket, &y->socket, sizeof x->socket);
	return order ? order : x->protocol - y->protocol;
}

bool socket_table_each(const struct socket_table *t, bool (*visit)(void *self, struct socket_entry *s),
		       void *self, struct error *err)
{
	struct socket_entry **all = malloc((t->count + 1U) * sizeof(struct socket_entry *));
	size_t n = 0;
	bool going = true;

	if (!all)
		return error_memory(err, "the list of client sockets");
	for (struct socket_entry *s = t->newest; s; s = s->older)
		all[n++] = s;
	qsort(all, n, sizeof(struct socket_entry *), by_first_packet);
	for (size_t i = 0; going && i < n; i++)
		going = visit(self, all[i]);
	free(all);
	return going;
}

uint32_t socket_table_count(const struct socket_table *t)
{
	return t->count;
}

uint64_t socket_table_evicted(const struct socket_table *t)
{
	return t->evicted;
}

bool socket_table_internal(const struct socket_table *t, const struct ip *ip)
{
	return netset_has(t->options.internal, ip);
}
