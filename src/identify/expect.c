/* Which new TCP flows are likely to be a protocol's; see expect.h. */
#include "identify/expect.h"
#include "base/hash.h"
#include <stdlib.h>

#define BUCKETS (2 * EXPECTATIONS_MAX) /* a power of two */
#define NOBODY  UINT16_MAX
_Static_assert(EXPECTATIONS_MAX < NOBODY, "entries are numbered in 16 bits");

struct expectation_key {
	struct ip near, far;
	uint16_t port; /* of far */
	uint16_t zero[3];
};
_Static_assert(sizeof(struct expectation_key) == 40, "hashed and compared as bytes: no padding");

struct expectation {
	struct expectation_key key;
	uint16_t protocols;
	uint16_t next; /* in its bucket */
	uint32_t bucket;
};

/* A ring in order of age: the entry that has to go does not depend on the hash. */
struct expectations {
	struct hash_key key;
	uint32_t used, oldest;
	uint16_t bucket[BUCKETS];
	struct expectation ring[EXPECTATIONS_MAX];
};

struct expectations *expectations_new(struct error *err)
{
	struct expectations *e = malloc(sizeof *e);

	if (!e) {
		error_memory(err, "the expected flows");
		return NULL;
	}
	e->key = hash_key_random();
	e->used = e->oldest = 0;
	memset(e->bucket, 0xff, sizeof e->bucket); /* NOBODY */
	return e;
}

void expectations_free(struct expectations *e)
{
	free(e);
}

static uint32_t bucket_of(const struct expectations *e, const struct expectation_key *key)
{
	return (uint32_t)hash_words(&e->key, key, sizeof *key) & (BUCKETS - 1);
}

static uint16_t find(const struct expectations *e, const struct expectation_key *key, uint32_t bucket)
{
	uint16_t at = e->bucket[bucket];

	while (at != NOBODY && memcmp(&e->ring[at].key, key, sizeof *key) != 0)
		at = e->ring[at].next;
	return at;
}

/* The place of the oldest entry, taken out of its bucket; or one that is still free. */
static uint16_t make_room(struct expectations *e)
{
	if (e->used < EXPECTATIONS_MAX)
		return (uint16_t)e->used++;
	uint16_t at = (uint16_t)e->oldest;
	uint16_t *link = &e->bucket[e->ring[at].bucket];
	while (*link != at)
		link = &e->ring[*link].next;
	*link = e->ring[at].next;
	e->oldest = (e->oldest + 1) % EXPECTATIONS_MAX;
	return at;
}

static void add(struct expectations *e, const struct ip *near, const struct endpoint *far, uint16_t protocols)
{
	const struct expectation_key key = { .near = *near, .far = far->ip, .port = far->port };
	uint32_t bucket = bucket_of(e, &key);
	uint16_t at = find(e, &key, bucket);

	if (at != NOBODY) {
		e->ring[at].protocols |= protocols;
		return;
	}
	at = make_room(e);
	e->ring[at] = (struct expectation){
		.key = key, .protocols = protocols, .next = e->bucket[bucket], .bucket = bucket
	};
	e->bucket[bucket] = at;
}

void expectations_add(struct expectations *e, const struct flow *flow, uint16_t protocols)
{
	const struct endpoint *initiator = flow_initiator(flow), *responder = flow_responder(flow);

	add(e, &initiator->ip, responder, protocols);
	if (flow->key.l4 != IPPROTO_TCP)
		add(e, &responder->ip, initiator, protocols);
}

uint16_t expectations_find(const struct expectations *e, const struct flow *flow)
{
	const struct endpoint *far = flow_responder(flow);
	const struct expectation_key key = { flow_initiator(flow)->ip, far->ip, far->port, { 0 } };

	if (e->used == 0)
		return 0;
	uint16_t at = find(e, &key, bucket_of(e, &key));
	return at == NOBODY ? 0 : e->ring[at].protocols;
}
