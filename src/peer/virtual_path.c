#include "peer/virtual.h"
#include "base/hash.h"
#include <stdlib.h>
#include <string.h>

#define NAT_MEMORY_NS (300 * NS_PER_S) /* world.h */

struct place {
	uint32_t ip;
	struct station *station;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->ip != y->ip)
		return x->ip < y->ip ? -1 : 1;
	return (x->station->party->number > y->station->party->number) -
	       (x->station->party->number < y->station->party->number);
}

/* Every station by its address, and by its public one if that is another. */
bool virtual_places_new(struct virtual_net *v, struct error *err)
{
	v->places = calloc(2 * v->scenario->parties + 1, sizeof *v->places);
	if (!v->places)
		return error_memory(err, "the parties' addresses");
	for (size_t i = 0; i < v->scenario->parties; i++) {
		struct station *s = &v->stations[i];
		v->places[v->place_count++] = (struct place){ s->party->address.ip, s };
		if (s->party->public_ip != s->party->address.ip)
			v->places[v->place_count++] = (struct place){ s->party->public_ip, s };
	}
	qsort(v->places, v->place_count, sizeof *v->places, compare_places);
	return true;
}

static size_t first_place(const struct virtual_net *v, uint32_t ip)
{
	size_t low = 0, high = v->place_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (v->places[middle].ip < ip)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* An address behind a NAT is known behind the same NAT alone. */
static bool reaches(const struct station *from, const struct party *to, uint32_t ip)
{
	return ip == to->public_ip || from->party->public_ip == to->public_ip;
}

static struct endpoint seen_by(const struct station *from, uint16_t port, const struct party *to, uint32_t ip)
{
	bool translated = ip == to->public_ip;

	return (struct endpoint){ translated ? from->party->public_ip : from->party->address.ip, port };
}

static unsigned fits(const struct station *from, uint16_t from_port, const struct station *s,
		     struct endpoint to, enum truth_proto proto)
{
	if (!reaches(from, s->party, to.ip) || s->party->answers == ANSWERS_NOTHING)
		return 0;
	if (s->party->address.port == to.port)
		return 3;
	return way_find(s, proto, to.port, seen_by(from, from_port, s->party, to.ip)) ? 2 : 1;
}

struct path virtual_path(struct station *from, uint16_t from_port, struct endpoint to, enum truth_proto proto)
{
	struct virtual_net *v = from->net;
	struct path path = { .from = from };
	unsigned best = 0;

	for (size_t i = first_place(v, to.ip); i < v->place_count && v->places[i].ip == to.ip; i++) {
		struct station *s = v->places[i].station;
		unsigned fit = fits(from, from_port, s, to, proto);
		if (fit > best) {
			best = fit;
			path.to = s;
		}
	}
	if (!path.to)
		return path;
	const struct party *party = path.to->party;
	path.seen = seen_by(from, from_port, party, to.ip);
	path.direct = party->network == NETWORK_PUBLIC || to.ip != party->public_ip;
	path.once = from->party->inside && party->inside && to.ip == party->address.ip &&
		    path.seen.ip == from->party->address.ip;
	return path;
}

static int64_t jitter(struct rng *rng, int64_t most)
{
	return most > 0 ? (int64_t)(rng_next(rng) % ((uint64_t)most + 1)) : 0;
}

int64_t virtual_delay(const struct station *from, const struct station *to)
{
	const struct party *a = from->party, *b = to->party;
	struct rng *rng = &from->net->rng;

	/* One after the other: compilers differ in which operand of a sum they take first. */
	int64_t delay = (a->distance_ns + b->distance_ns) / 2 + jitter(rng, a->jitter_ns);

	return delay + jitter(rng, b->jitter_ns);
}

bool path_admitted(const struct path *path, enum truth_proto proto, uint16_t to_port)
{
	if (path->direct)
		return true;
	const struct way *way = way_find(path->to, proto, to_port, path->seen);
	return way && way->sent && path->to->net->now - way->sent_ns <= NAT_MEMORY_NS;
}

static struct way_key key_of(const struct station *s, enum truth_proto proto, uint16_t port,
			     struct endpoint far)
{
	return (struct way_key){ s->party->number, far.ip, far.port, port, proto };
}

/* Made by ourselves: nobody aims at one bucket, so the key is no secret. */
static size_t bucket_of(const struct virtual_net *v, const struct way_key *key)
{
	static const struct hash_key fixed = { { UINT64_C(0x243f6a8885a308d3),
						 UINT64_C(0x13198a2e03707344) } };

	_Static_assert(sizeof *key == 16, "hashed and compared as bytes");
	return hash_words(&fixed, key, sizeof *key) & (v->way_buckets - 1);
}

struct way *way_find(const struct station *s, enum truth_proto proto, uint16_t port, struct endpoint far)
{
	const struct virtual_net *v = s->net;
	struct way_key key = key_of(s, proto, port, far);

	if (v->way_buckets == 0)
		return NULL;
	struct way *way = v->ways[bucket_of(v, &key)];
	while (way && memcmp(&way->key, &key, sizeof key) != 0)
		way = way->next;
	return way;
}

static bool grow(struct virtual_net *v)
{
	size_t old = v->way_buckets, buckets = old ? 2 * old : 1024;
	struct way **ways = calloc(buckets, sizeof(struct way *)), **before = v->ways;

	if (!ways)
		return false;
	v->ways = ways;
	v->way_buckets = buckets;
	for (size_t i = 0; i < old; i++)
		for (struct way *way = before[i], *next; way; way = next) {
			next = way->next;
			size_t bucket = bucket_of(v, &way->key);
			way->next = ways[bucket];
			ways[bucket] = way;
		}
	free(before);
	return true;
}

struct way *way_get(struct station *s, enum truth_proto proto, uint16_t port, struct endpoint far)
{
	struct virtual_net *v = s->net;
	struct way *way = way_find(s, proto, port, far);

	if (way)
		return way;
	if (v->way_count < v->way_buckets || grow(v))
		way = slab_get(v->way_slab);
	if (!virtual_memory(v, way))
		return NULL;
	*way = (struct way){ .key = key_of(s, proto, port, far) };
	size_t bucket = bucket_of(v, &way->key);
	way->next = v->ways[bucket];
	v->ways[bucket] = way;
	v->way_count++;
	return way;
}

struct conversation *way_conversation(struct station *s, struct way *way, const struct path *path,
				      enum purpose purpose)
{
	struct virtual_net *v = s->net;
	struct endpoint near = { s->party->address.ip, way->key.local_port };
	struct endpoint far = { way->key.far_ip, way->key.far_port };
	enum truth_proto proto = (enum truth_proto)way->key.proto;

	if (way->conversation)
		return way->conversation;
	const struct way *back =
		path->once ? way_find(path->from == s ? path->to : path->from, proto, far.port, near) : NULL;
	if (back && back->conversation) {
		way->conversation = back->conversation;
		way->near = !back->near;
		return way->conversation;
	}
	bool overlay = s->client > 0 && proto == TRUTH_UDP && near.port == s->party->address.port;
	uint32_t peer = overlay ? truth_add_peer(v->truth, far) : 0;
	way->near = true;
	way->conversation =
		truth_conversation(v->truth, proto, near, far, purpose, overlay ? s->client : 0, peer);
	return virtual_memory(v, way->conversation);
}

int64_t way_sends(struct way *way, const struct path *path)
{
	int64_t now = path->from->net->now, arrives = now + virtual_delay(path->from, path->to);

	way->arrives_ns = arrives > way->arrives_ns ? arrives : way->arrives_ns;
	return way->arrives_ns;
}
