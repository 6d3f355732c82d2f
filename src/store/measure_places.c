/* R9, R10, and places and names for all other tables: the addresses that the recognised clients dealt with.
 */
#include "behave/names.h"
#include "store/measure.h"
#include "store/places.h"
#include <stdlib.h>

#define ADDRESSES_MAX 1000000U /* 48 MB */

struct address {
	struct ip ip;
	/* Bit p: it is a peer of clients of protocols[p], of nothing but probe pairs (D7) unless other, too.
	 */
	uint32_t probe, other;
};
_Static_assert(PROTOCOLS_MAX <= 32, "a bit for each");

/* Addresses of peers in one place. Compared as bytes. */
struct peer_place {
	struct place place;
	uint32_t protocol, other;
};
_Static_assert(sizeof(struct peer_place) % 8 == 0, "hashed as bytes");

struct measured_places {
	const struct measure_setup *setup;
	struct hash_key key;
	struct address *address;
	uint32_t addresses, room;
	uint64_t refused;
	struct row_index by_ip;
	struct peer_place *place;
	uint64_t *peers; /* beside place[] */
	uint32_t places, place_room, peers_room;
	struct row_index by_place;
};

static void drop(void *self)
{
	struct measured_places *m = self;

	row_index_drop(&m->by_ip);
	row_index_drop(&m->by_place);
	free(m->address);
	free(m->place);
	free(m->peers);
	free(m);
}

static void *begin(const struct measure_setup *setup, struct error *err)
{
	struct measured_places *m = calloc(1, sizeof *m);

	if (!m) {
		error_memory(err, "the places");
		return NULL;
	}
	m->setup = setup;
	m->key = hash_key_random();
	return m;
}

/* The entry of an address, made if it is new; *out is NULL beyond the bound. */
static bool address_get(struct measured_places *m, const struct ip *ip, struct address **out,
			struct error *err)
{
	uint64_t hash = hash_words(&m->key, ip, sizeof *ip);
	uint32_t at = 0, i;

	while ((i = row_index_probe(&m->by_ip, hash, &at)) != ROW_NONE)
		if (ip_equal(&m->address[i].ip, ip)) {
			*out = &m->address[i];
			return true;
		}
	*out = NULL;
	if (m->addresses >= ADDRESSES_MAX) {
		m->refused++;
		return true;
	}
	void *rows = m->address;
	bool room = rows_reserve(&rows, m->addresses, &m->room, sizeof *m->address);
	m->address = rows;
	if (!room || !row_index_add(&m->by_ip, hash, m->addresses))
		return error_memory(err, "the places");
	m->address[m->addresses] = (struct address){ .ip = *ip };
	*out = &m->address[m->addresses++];
	return true;
}

static bool flow(void *self, const struct labelled_flow *f, struct error *err)
{
	struct measured_places *m = self;
	struct address *a;

	if (f->r->l4 == IPPROTO_TCP)
		return address_get(m, &f->remote->ip, &a, err);
	if (!f->pair_first)
		return true;
	if (!address_get(m, &f->remote->ip, &a, err))
		return false;
	if (a && f->class == PAIR_probe)
		a->probe |= 1U << f->protocol;
	else if (a)
		a->other |= 1U << f->protocol;
	return true;
}

/* Ends of exchanges and version checks, of which some belong to no flow of a client. */
static bool add_servers(struct measured_places *m, struct error *err)
{
	const struct exchange_table *x = m->setup->exchanges;
	struct address *a;
	bool ok = true;

	for (uint32_t i = 0; ok && i < exchange_table_count(x); i++)
		ok = address_get(m, &exchange_table_at(x, i)->client.ip, &a, err) &&
		     address_get(m, &exchange_table_at(x, i)->server.ip, &a, err);
	for (uint32_t i = 0; ok && i < version_check_count(x); i++)
		ok = address_get(m, &version_check_at(x, i)->client.ip, &a, err) &&
		     address_get(m, &version_check_at(x, i)->server.ip, &a, err);
	return ok;
}

static bool put_names(const struct measured_places *m, const struct ip *ip, struct sink *sink,
		      struct error *err)
{
	const struct named_address *n;
	uint32_t at = 0;
	bool ok = true;

	while (ok && (n = name_table_next(m->setup->names, ip, &at))) {
		const struct name_row row = { *ip, n->name, dns_domain(n->name), n->first_ns };
		ok = sink->ops->put_name(sink, &row, err);
	}
	return ok;
}

static bool count_peer(struct measured_places *m, const struct place *place, unsigned protocol, bool other,
		       struct error *err)
{
	const struct peer_place wanted = { *place, protocol, other };
	uint64_t hash = hash_words(&m->key, &wanted, sizeof wanted);
	uint32_t at = 0, i;

	while ((i = row_index_probe(&m->by_place, hash, &at)) != ROW_NONE)
		if (memcmp(&m->place[i], &wanted, sizeof wanted) == 0) {
			m->peers[i]++;
			return true;
		}
	void *rows = m->place, *counts = m->peers;
	bool room = rows_reserve(&rows, m->places, &m->place_room, sizeof *m->place);
	m->place = rows;
	room = rows_reserve(&counts, m->places, &m->peers_room, sizeof *m->peers) && room;
	m->peers = counts;
	if (!room || !row_index_add(&m->by_place, hash, m->places))
		return error_memory(err, "the places");
	m->place[m->places] = wanted;
	m->peers[m->places++] = 1;
	return true;
}

static struct place_row place_row_of(const struct ip *ip, const struct place *p, const struct network *n)
{
	return (struct place_row){ .ip = *ip,
				   .continent = p->continent,
				   .country = p->country,
				   .country_name = p->country_name,
				   .city = p->city,
				   .organisation = n->organisation,
				   .latitude = p->latitude,
				   .longitude = p->longitude,
				   .asn = n->asn };
}

static bool put_address(struct measured_places *m, const struct address *a, struct sink *sink,
			struct error *err)
{
	struct place place;
	struct network network;

	if (!put_names(m, &a->ip, sink, err))
		return false;
	if (m->setup->is_internal(m->setup->self, &a->ip))
		return true;
	bool known = places_find(m->setup->options->places, &a->ip, &place, &network);
	const struct place_row row = place_row_of(&a->ip, &place, &network);
	if (known && !sink->ops->put_place(sink, &row, err))
		return false;
	for (unsigned p = 0; p < PROTOCOLS_MAX; p++)
		if (((a->probe | a->other) >> p & 1) && !count_peer(m, &place, p, a->other >> p & 1, err))
			return false;
	return true;
}

static bool put_peer_places(const struct measured_places *m, struct sink *sink, struct error *err)
{
	bool ok = true;

	for (uint32_t i = 0; ok && i < m->places; i++) {
		const struct place *p = &m->place[i].place;
		const struct peer_place_row row = {
			.protocol = protocols[m->place[i].protocol]->name,
			.class = measure_class_names[m->place[i].other ? CLASS_NON_PROBE : CLASS_PROBE],
			.n = i + 1,
			.continent = p->continent,
			.country = p->country,
			.country_name = p->country_name,
			.city = p->city,
			.latitude = p->latitude,
			.longitude = p->longitude,
			.addresses = m->peers[i],
		};
		ok = sink->ops->put_peer_place(sink, &row, err);
	}
	return ok;
}

static bool put_files(const struct measured_places *m, struct sink *sink, struct error *err)
{
	struct place_file file;
	bool ok = true;

	for (unsigned n = 0; ok && places_file(m->setup->options->places, n, &file); n++) {
		const struct place_file_row row = { file.option, file.path, file.type, file.built_ns };
		ok = sink->ops->put_place_file(sink, &row, err);
	}
	return ok;
}

static void note_bounds(const struct measured_places *m, struct problems *problems)
{
	uint64_t damaged = places_damaged(m->setup->options->places);
	uint64_t names = name_table_refused(m->setup->names);

	if (m->refused)
		problems_add(problems,
			     "more than %u addresses: others, met %llu times, are without place and name",
			     ADDRESSES_MAX, (unsigned long long)m->refused);
	if (names)
		problems_add(problems,
			     "more than %u names in DNS answers: others, seen %llu times, are not kept",
			     NAMES_MAX, (unsigned long long)names);
	if (damaged)
		problems_add(
			problems,
			"the file of --geo or --asn is damaged: %llu times it could not be read; get it anew",
			(unsigned long long)damaged);
}

static bool put(void *self, struct sink *sink, struct problems *problems, struct error *err)
{
	struct measured_places *m = self;
	bool ok = add_servers(m, err) && put_files(m, sink, err);

	for (uint32_t i = 0; ok && i < m->addresses; i++)
		ok = put_address(m, &m->address[i], sink, err);
	note_bounds(m, problems);
	return ok && put_peer_places(m, sink, err);
}

const struct measurement measure_places = { .begin = begin, .flow = flow, .put = put, .drop = drop };
