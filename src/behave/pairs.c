/* Client-peer pairs; see pairs.h. Rows lie in growing arrays, in their order of creation, under a hash index
 * each. */
#include "behave/pairs.h"
#include "base/hash.h"
#include "base/row_index.h"
#include <stdlib.h>

struct pair_table {
	struct hash_key key;
	uint32_t max_pairs;
	struct pair *pair;
	struct peer *peer;
	uint32_t pairs, pair_room, peers, peer_room;
	struct row_index pair_index, peer_index;
	uint64_t refused;
};

struct pair_table *pair_table_new(uint32_t max_pairs, struct error *err)
{
	struct pair_table *t = calloc(1, sizeof *t);

	if (!t) {
		error_memory(err, "the pair table");
		return NULL;
	}
	t->key = hash_key_random();
	t->max_pairs = max_pairs;
	return t;
}

void pair_table_free(struct pair_table *t)
{
	if (!t)
		return;
	free(t->pair);
	free(t->peer);
	row_index_drop(&t->pair_index);
	row_index_drop(&t->peer_index);
	free(t);
}

static uint64_t hash_pair(const struct pair_table *t, uint32_t client, uint32_t peer)
{
	const uint32_t key[2] = { client, peer };
	return hash_words(&t->key, key, sizeof key);
}

static uint32_t peer_row(const struct pair_table *t, unsigned protocol, const struct endpoint *socket)
{
	uint64_t hash = endpoint_hash(&t->key, protocol, socket);
	uint32_t at = 0, row;

	while ((row = row_index_probe(&t->peer_index, hash, &at)) != ROW_NONE) {
		const struct peer *p = &t->peer[row];
		if (p->protocol == protocol && endpoint_equal(&p->socket, socket))
			break;
	}
	return row;
}

static uint32_t pair_row(const struct pair_table *t, uint32_t client, uint32_t peer)
{
	uint64_t hash = hash_pair(t, client, peer);
	uint32_t at = 0, row;

	while ((row = row_index_probe(&t->pair_index, hash, &at)) != ROW_NONE)
		if (t->pair[row].client == client && t->pair[row].peer_index == peer)
			break;
	return row;
}

bool flow_is_probe(const struct flow_record *r)
{
	return r->side[TO_RESPONDER].packets == 1 && r->side[TO_INITIATOR].packets <= 1;
}

const char *const pair_class_names[PAIR_CLASS_COUNT] = {
#define X(name) #name,
	PAIR_CLASSES(X)
#undef X
};

enum pair_class pair_class_of(const struct pair_totals *total)
{
	if (total->flows == 0)
		return PAIR_media;
	if (total->dialogs == 0)
		return total->one_time_probes == 1 ? PAIR_probe : PAIR_heartbeat;
	return total->one_time_probes == 0 ? PAIR_dialog : PAIR_mix;
}

static void widen(int64_t *first, int64_t *last, const struct flow_record *r)
{
	if (r->first_ns < *first)
		*first = r->first_ns;
	if (r->last_ns > *last)
		*last = r->last_ns;
}

static struct peer *get_peer(struct pair_table *t, unsigned protocol, const struct endpoint *socket,
			     const struct flow_record *r)
{
	uint32_t row = peer_row(t, protocol, socket);
	void *rows = t->peer;

	if (row != ROW_NONE)
		return &t->peer[row];
	bool room = rows_reserve(&rows, t->peers, &t->peer_room, sizeof *t->peer);
	t->peer = rows;
	if (!room || !row_index_add(&t->peer_index, endpoint_hash(&t->key, protocol, socket), t->peers))
		return NULL;
	t->peer[t->peers] = (struct peer){
		.socket = *socket,
		.protocol = (uint8_t)protocol,
		.first_ns = r->first_ns,
		.last_ns = r->last_ns,
		.first_packet = r->first_packet,
	};
	return &t->peer[t->peers++];
}

/* NULL: no memory. A new pair has no flows. */
static struct pair *get_pair(struct pair_table *t, uint32_t client, struct peer *peer,
			     const struct flow_record *r)
{
	uint32_t peer_index = (uint32_t)(peer - t->peer);
	uint32_t row = pair_row(t, client, peer_index);
	void *rows = t->pair;

	if (row != ROW_NONE)
		return &t->pair[row];
	bool room = rows_reserve(&rows, t->pairs, &t->pair_room, sizeof *t->pair);
	t->pair = rows;
	if (!room || !row_index_add(&t->pair_index, hash_pair(t, client, peer_index), t->pairs))
		return NULL;
	t->pair[t->pairs] = (struct pair){
		.client = client,
		.peer_index = peer_index,
		.first_ns = r->first_ns,
		.last_ns = r->last_ns,
		.first_packet = UINT64_MAX,
	};
	peer->clients++;
	return &t->pair[t->pairs++];
}

bool pair_table_add(struct pair_table *t, uint32_t client, unsigned protocol, bool client_is_initiator,
		    bool matched, const struct flow_record *r, struct error *err)
{
	const struct endpoint *far = client_is_initiator ? &r->responder : &r->initiator;
	const struct flow_side *out = &r->side[client_is_initiator ? TO_RESPONDER : TO_INITIATOR];
	const struct flow_side *in = &r->side[client_is_initiator ? TO_INITIATOR : TO_RESPONDER];

	if (t->pairs >= t->max_pairs && !pair_table_find(t, client, protocol, far)) {
		t->refused++;
		return true;
	}
	struct peer *peer = get_peer(t, protocol, far, r);
	struct pair *pair = peer ? get_pair(t, client, peer, r) : NULL;
	if (!pair)
		return error_memory(err, "a client-peer pair");
	if (r->first_packet < pair->first_packet) {
		pair->first_packet = r->first_packet;
		pair->client_first = client_is_initiator;
	}
	if (r->first_packet < peer->first_packet)
		peer->first_packet = r->first_packet;
	pair->total.flows++;
	if (flow_is_probe(r))
		pair->total.one_time_probes++;
	else
		pair->total.dialogs++;
	pair->total.packets_out += out->packets;
	pair->total.packets_in += in->packets;
	pair->total.payload_out += out->payload_wire;
	pair->total.payload_in += in->payload_wire;
	widen(&pair->first_ns, &pair->last_ns, r);
	widen(&peer->first_ns, &peer->last_ns, r);
	pair->spoke = pair->spoke || (matched && in->packets > 0);
	pair->called = pair->called || (matched && !client_is_initiator);
	pair->call_answered = pair->call_answered || (matched && !client_is_initiator && out->packets > 0);
	if (matched && in->packets && (!peer->answered || in->first_ns < peer->answered_ns)) {
		peer->answered = true;
		peer->answered_ns = in->first_ns;
	}
	return true;
}

void pair_table_media(struct pair_table *t, uint32_t client, unsigned protocol, bool client_is_initiator,
		      const struct flow_record *r)
{
	const struct flow_side *out = &r->side[client_is_initiator ? TO_RESPONDER : TO_INITIATOR];
	const struct flow_side *in = &r->side[client_is_initiator ? TO_INITIATOR : TO_RESPONDER];
	uint32_t row = peer_row(t, protocol, client_is_initiator ? &r->responder : &r->initiator);

	if (row != ROW_NONE)
		row = pair_row(t, client, row);
	/* A pair beyond the bound may have been made by a later flow than this one. */
	if (row == ROW_NONE || t->pair[row].total.flows == 0)
		return;
	struct pair *pair = &t->pair[row];
	uint64_t *kind = flow_is_probe(r) ? &pair->total.one_time_probes : &pair->total.dialogs;
	if (*kind == 0)
		return;
	--*kind;
	pair->total.flows--;
	pair->total.packets_out -= out->packets;
	pair->total.packets_in -= in->packets;
	pair->total.payload_out -= out->payload_wire;
	pair->total.payload_in -= in->payload_wire;
	pair->media.flows++;
	pair->media.packets_out += out->packets;
	pair->media.packets_in += in->packets;
	pair->media.payload_out += out->payload_wire;
	pair->media.payload_in += in->payload_wire;
}

bool pair_acceptance(const struct protocol *p, enum direction question, const struct logged_message *log,
		     const struct flow_record *r, int64_t *ns)
{
	struct message_reader reader = flow_record_messages(r, log);
	struct message m;
	bool asked = false;

	while (p->supernode.question && message_next(&reader, &m)) {
		if (asked && m.dir != question && m.size == p->supernode.answer) {
			/* Times in the log are rounded down to the tick. */
			*ns = m.ns > r->first_ns ? m.ns : r->first_ns;
			return true;
		}
		asked = m.dir == question &&
			(m.size == p->supernode.question || (m.size == p->supernode.resent && m.size > 0));
	}
	return false;
}

void pair_table_accepted(struct pair_table *t, uint32_t client, unsigned protocol, const struct endpoint *far,
			 int64_t ns)
{
	uint32_t peer = peer_row(t, protocol, far);
	uint32_t row = peer == ROW_NONE ? ROW_NONE : pair_row(t, client, peer);

	if (row == ROW_NONE || (t->pair[row].accepted && t->pair[row].accepted_ns <= ns))
		return;
	t->pair[row].accepted = true;
	t->pair[row].accepted_ns = ns;
}

const struct peer *pair_table_peer(const struct pair_table *t, unsigned protocol, const struct endpoint *peer)
{
	uint32_t row = peer_row(t, protocol, peer);
	return row == ROW_NONE ? NULL : &t->peer[row];
}

const struct pair *pair_table_find(const struct pair_table *t, uint32_t client, unsigned protocol,
				   const struct endpoint *peer)
{
	uint32_t row = peer_row(t, protocol, peer);

	if (row != ROW_NONE)
		row = pair_row(t, client, row);
	return row == ROW_NONE ? NULL : &t->pair[row];
}

const struct peer *pair_table_peer_at(const struct pair_table *t, uint32_t index)
{
	return &t->peer[index];
}

uint32_t pair_table_index(const struct pair_table *t, const struct pair *pair)
{
	return (uint32_t)(pair - t->pair);
}

uint32_t pair_table_count(const struct pair_table *t)
{
	return t->pairs;
}

const struct pair *pair_table_at(const struct pair_table *t, uint32_t index)
{
	return &t->pair[index];
}

uint32_t pair_table_peer_count(const struct pair_table *t)
{
	return t->peers;
}

uint64_t pair_table_refused(const struct pair_table *t)
{
	return t->refused;
}

/* qsort() hands nothing through, and the indexes alone do not tell the pairs. */
struct pair_place {
	int64_t first_ns;
	uint64_t first_packet;
	uint32_t client, index;
};

static int by_first_packet(const void *a, const void *b)
{
	const struct pair_place *x = a, *y = b;

	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	if (x->first_packet != y->first_packet)
		return x->first_packet < y->first_packet ? -1 : 1;
	return (x->client > y->client) - (x->client < y->client);
}

uint32_t *pair_table_in_order(const struct pair_table *t, struct error *err)
{
	struct pair_place *place = calloc(t->pairs + 1U, sizeof *place);
	uint32_t *order = calloc(t->pairs + 1U, sizeof *order);

	if (!place || !order) {
		free(place);
		free(order);
		error_memory(err, "the order of pairs");
		return NULL;
	}
	for (uint32_t i = 0; i < t->pairs; i++)
		place[i] = (struct pair_place){ t->pair[i].first_ns, t->pair[i].first_packet,
						t->pair[i].client, i };
	if (t->pairs)
		qsort(place, t->pairs, sizeof *place, by_first_packet);
	for (uint32_t i = 0; i < t->pairs; i++)
		order[i] = place[i].index;
	free(place);
	return order;
}
