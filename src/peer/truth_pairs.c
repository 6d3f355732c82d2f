/* Pairs of a client and a peer (D4), with their classes (D6 to D10); see truth.h. */
#include "base/hash.h"
#include "peer/truth_parts.h"

/* The tables hold what we made ourselves: nobody aims at a bucket, and the same truth is made each time. */
uint64_t truth_hash(uint64_t a, uint64_t b)
{
	static const struct hash_key key = { { UINT64_C(0x2545f4914f6cdd1d), UINT64_C(0x9e3779b97f4a7c15) } };
	uint64_t words[2] = { a, b };

	return hash_words(&key, words, sizeof words);
}

static struct pair_truth *pair_of(struct truth *t, uint32_t client, uint32_t peer)
{
	uint64_t hash = truth_hash(client, peer);
	uint32_t at = 0, row;

	while ((row = row_index_probe(&t->pair_of, hash, &at)) != ROW_NONE)
		if (t->pair[row].client == client && t->pair[row].peer == peer)
			return &t->pair[row];
	if (!truth_grow(t, &t->pair, &t->pairs, &t->pair_room, sizeof *t->pair))
		return NULL;
	t->pair[t->pairs - 1] = (struct pair_truth){ .client = client, .peer = peer };
	if (!row_index_add(&t->pair_of, hash, t->pairs - 1))
		error_memory(&t->failed, "the truth");
	return &t->pair[t->pairs - 1];
}

void truth_pair_flow(struct truth *t, const struct conversation *c, uint32_t client, uint32_t peer,
		     bool client_near)
{
	struct pair_truth *pair = pair_of(t, client, peer);
	struct client_truth *self = truth_client_of(t, client);
	unsigned out = client_near ? 0 : 1, sender = c->near_first ? 0 : 1;

	if (!pair || !self)
		return;
	if ((pair->flows == 0 && pair->media_flows == 0) || c->first_ns < pair->first_ns) {
		pair->first_ns = c->first_ns;
		pair->client_first = c->near_first == client_near;
	}
	if (c->last_ns > pair->last_ns)
		pair->last_ns = c->last_ns;
	if (!self->seen || c->first_ns < self->first_ns)
		self->first_ns = c->first_ns;
	if (!self->seen || c->last_ns > self->last_ns)
		self->last_ns = c->last_ns;
	self->seen = true;
	if (c->media) { /* D11 */
		pair->media_flows++;
		return;
	}
	bool probe = c->packets[sender] == 1 && c->packets[!sender] <= 1; /* D6 */
	pair->flows++;
	pair->probes += probe;
	pair->dialogs += !probe; /* D9 */
	for (unsigned way = 0; way < 2; way++) {
		pair->packets[way] += c->packets[way ^ out];
		pair->payload[way] += c->payload[way ^ out];
	}
}

static const char *pair_class(const struct pair_truth *pair) /* D10 */
{
	if (pair->flows == 0)
		return NULL;
	if (pair->dialogs)
		return pair->probes ? "mix" : "dialog";
	return pair->probes == 1 ? "probe" : "heartbeat";
}

void truth_write_pairs(struct truth *t)
{
	struct truth_file *f = t->file;

	for (uint32_t i = 0; i < t->peers; i++) {
		row_begin(f, TRUTH_peers);
		row_int(f, i + 1);
		row_text(f, TRUTH_PROTOCOL);
		row_socket(f, t->peer[i]);
		row_end(f);
	}
	for (uint32_t i = 0; i < t->pairs; i++) {
		const struct pair_truth *p = &t->pair[i];
		row_begin(f, TRUTH_pairs);
		row_int(f, p->client);
		row_int(f, p->peer);
		row_int(f, p->client_first);
		row_text(f, pair_class(p));
		row_int(f, (int64_t)p->flows);
		row_int(f, (int64_t)p->probes);
		row_int(f, (int64_t)p->dialogs);
		row_int(f, (int64_t)p->packets[0]);
		row_int(f, (int64_t)p->packets[1]);
		row_int(f, (int64_t)p->payload[0]);
		row_int(f, (int64_t)p->payload[1]);
		row_int(f, (int64_t)p->media_flows);
		row_int(f, p->first_ns);
		row_int(f, p->last_ns);
		row_end(f);
	}
}
