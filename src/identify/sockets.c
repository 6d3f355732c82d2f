/* Client sockets and the evidence about them; see sockets.h. */
#include "identify/sockets.h"
#include "base/hash.h"
#include "base/huge.h"
#include "base/slab.h"
#include "identify/socket_tests.h"
#include <stdlib.h>
#include <string.h>

#define BUCKETS_AT_FIRST 1024U

struct socket_table {
	struct socket_options options;
	struct hash_key key;
	struct socket_entry **bucket;
	size_t buckets; /* a power of two */
	struct slab *pool;
	struct slab *csc_pool;
	size_t entry_size;
	uint32_t count;
	uint64_t evicted, untested;
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
	t->bucket = huge_calloc(t->buckets, sizeof *t->bucket);
	t->pool = slab_new(t->entry_size, 256);
	t->csc_pool = slab_new(sizeof(struct csc), 64);
	if (!t->bucket || !t->pool || !t->csc_pool) {
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
	slab_free(t->csc_pool);
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
	struct socket_entry **bucket = huge_calloc(wider, sizeof *bucket);

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
	if (s->csc)
		slab_put(t->csc_pool, s->csc);
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

void socket_entry_add(struct socket_entry *s, enum machinery_kind found, uint64_t packet)
{
	const struct protocol *protocol = protocols[s->protocol];
	unsigned kind;

	if (!protocol_kind(protocol, found, &kind))
		return;
	const struct evidence_kind *k = &protocol->kinds[kind];
	socket_add_bits(s, kind, k->test == TEST_AGAINST ? k->against : k->bits, packet);
}

/* The other end's address, hashed: two ports of one host are one peer. */
static uint32_t peer_of(const struct socket_table *t, const struct socket_entry *s,
			const struct observation *o)
{
	const struct endpoint *peer = endpoint_equal(&s->socket, &o->from) ? &o->to : &o->from;
	return (uint32_t)hash_words(&t->key, &peer->ip, sizeof peer->ip);
}

/* Zeroed; NULL: no room, and the socket goes without this test. */
static struct csc *csc_of(struct socket_table *t)
{
	struct csc *csc = slab_in_use(t->csc_pool) < SOCKET_CSC_MAX ? slab_get(t->csc_pool) : NULL;

	return csc ? memset(csc, 0, sizeof *csc) : NULL;
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
	if (k->test == TEST_RANDOMNESS && !s->csc && !s->untested) {
		s->csc = csc_of(t);
		s->untested = !s->csc; /* for good: what came so far is missing */
		t->untested += s->untested;
	}
	socket_test(s, o, peer);
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

enum verdict socket_verdict_of(const struct socket_options *options, const struct socket_entry *s, float bits)
{
	if (bits >= options->verdict_bits)
		return s->after_eviction || s->untested ? VERDICT_SUSPECTED : VERDICT_RECOGNISED;
	return bits >= options->suspect_bits ? VERDICT_SUSPECTED : VERDICT_NONE;
}

enum verdict socket_verdict(const struct socket_table *t, const struct socket_entry *s)
{
	return socket_verdict_of(&t->options, s, socket_bits(s));
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

uint64_t socket_table_untested(const struct socket_table *t)
{
	return t->untested;
}

bool socket_table_internal(const struct socket_table *t, const struct ip *ip)
{
	return netset_has(t->options.internal, ip);
}
