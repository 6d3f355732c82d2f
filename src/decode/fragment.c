/*
 * The fragment table: a ring of datagrams in order of arrival (the oldest is overwritten) with hash chains
 * through it. Old entries are not hunted for; they are found to be old when somebody asks for them.
 */
#include "decode/fragment.h"
#include "base/clock.h"
#include "base/hash.h"
#include <stdlib.h>

/* RFC 791 section 3.2 suggests 15 s, RFC 8200 section 4.5 says 60 s; identifications wrap within minutes. */
#define FRAGMENT_AGE (30 * NS_PER_S)
#define NO_ENTRY     UINT32_MAX

struct entry {
	struct fragment_key key;
	int64_t since_ns; /* known: of the first fragment; else of the earliest one that came ahead of it */
	uint32_t bucket;  /* NO_ENTRY: free */
	uint32_t next;    /* in the bucket */
	bool known;       /* the first fragment came: transport is valid */
	struct fragment_transport transport;
	struct fragment_early early;
};

struct fragments {
	struct hash_key hash;
	uint32_t *buckets; /* heads of chains */
	struct entry *ring;
	uint32_t bucket_count; /* a power of two */
	uint32_t size, oldest; /* of the ring; the place to be overwritten next */
};

struct fragments *fragments_new(uint32_t max_datagrams, struct error *err)
{
	struct fragments *table = calloc(1, sizeof *table);
	if (!table) {
		error_memory(err, "the fragment table");
		return NULL;
	}
	table->hash = hash_key_random();
	table->size = max_datagrams;
	table->bucket_count = 1;
	while (table->bucket_count < max_datagrams && table->bucket_count < UINT32_C(1) << 31)
		table->bucket_count *= 2;
	table->buckets = malloc(table->bucket_count * sizeof *table->buckets);
	table->ring = malloc(table->size * sizeof *table->ring);
	if (!table->buckets || !table->ring) {
		fragments_free(table);
		error_memory(err, "the fragment table");
		return NULL;
	}
	for (uint32_t i = 0; i < table->bucket_count; i++)
		table->buckets[i] = NO_ENTRY;
	for (uint32_t i = 0; i < table->size; i++)
		table->ring[i].bucket = NO_ENTRY;
	return table;
}

void fragments_free(struct fragments *table)
{
	if (!table)
		return;
	free(table->buckets);
	free(table->ring);
	free(table);
}

static void entry_unlink(struct fragments *table, uint32_t index)
{
	struct entry *e = &table->ring[index];
	if (e->bucket == NO_ENTRY)
		return;
	uint32_t *link = &table->buckets[e->bucket];
	while (*link != index)
		link = &table->ring[*link].next;
	*link = e->next;
	e->bucket = NO_ENTRY;
}

static bool entry_is_old(const struct entry *e, int64_t ts_ns)
{
	/* The trace's clock may jump either way, and by more than int64 can hold. */
	int64_t age;
	if (__builtin_sub_overflow(ts_ns, e->since_ns, &age))
		return true;
	return age > FRAGMENT_AGE || age < -FRAGMENT_AGE;
}

/* The datagram's entry; a fresh one, not known and without early fragments, if there is none that is young
 * enough. */
static struct entry *entry_for(struct fragments *table, const struct fragment_key *key, int64_t ts_ns)
{
	uint64_t hash = hash_words(&table->hash, key, sizeof *key);
	uint32_t bucket = (uint32_t)hash & (table->bucket_count - 1);
	for (uint32_t i = table->buckets[bucket]; i != NO_ENTRY; i = table->ring[i].next) {
		struct entry *e = &table->ring[i];
		if (memcmp(&e->key, key, sizeof *key) != 0)
			continue;
		if (!entry_is_old(e, ts_ns))
			return e;
		entry_unlink(table, i);
		break;
	}
	uint32_t index = table->oldest;
	table->oldest = index + 1 < table->size ? index + 1 : 0;
	entry_unlink(table, index);
	table->ring[index] = (struct entry){
		.key = *key, .since_ns = ts_ns, .bucket = bucket, .next = table->buckets[bucket]
	};
	table->buckets[bucket] = index;
	return &table->ring[index];
}

void fragments_first(struct fragments *table, const struct fragment_key *key, int64_t ts_ns,
		     const struct fragment_transport *transport, struct fragment_early *early)
{
	struct entry *e = entry_for(table, key, ts_ns);
	*early = e->early;
	if (early->packets && e->since_ns < ts_ns)
		early->ns = ts_ns - e->since_ns;
	e->early = (struct fragment_early){ 0 };
	e->transport = *transport;
	e->known = true;
	e->since_ns = ts_ns; /* perhaps of the next datagram with this identification: its time begins anew */
}

bool fragments_later(struct fragments *table, const struct fragment_key *key, int64_t ts_ns,
		     const struct fragment_sizes *sizes, struct fragment_transport *transport)
{
	struct entry *e = entry_for(table, key, ts_ns);
	if (!e->known) {
		e->early.packets++;
		e->early.sizes.payload += sizes->payload;
		e->early.sizes.payload_wire += sizes->payload_wire;
		e->early.sizes.l3_wire += sizes->l3_wire;
		if (ts_ns < e->since_ns)
			e->since_ns = ts_ns;
		return false;
	}
	*transport = e->transport;
	return true;
}
