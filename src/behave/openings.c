/* TCP flows whose own payload proves a protocol; see openings.h. */
#include "behave/openings.h"
#include <stdlib.h>
#include <string.h>

void openings_drop(struct openings *o)
{
	free(o->opening);
	row_index_drop(&o->by_place);
	*o = (struct openings){ 0 };
}

static bool is_opening(const struct flow_record *r, float verdict_bits)
{
	if (r->l4 != IPPROTO_TCP || !r->label || r->bits < verdict_bits)
		return false;
	const struct protocol *p = protocols[r->protocol];
	return p->retry_ns > 0 && p->tcp_label && strcmp(r->label, p->tcp_label) == 0;
}

bool openings_add(struct openings *o, const struct flow_record *r, float verdict_bits, struct error *err)
{
	void *rows = o->opening;

	if (!is_opening(r, verdict_bits))
		return true;
	if (o->count >= OPENINGS_MAX) {
		o->refused++;
		return true;
	}
	bool room = rows_reserve(&rows, o->count, &o->room, sizeof *o->opening);
	o->opening = rows;
	if (!room)
		return error_memory(err, "the openings over TCP");
	o->opening[o->count++] = (struct opening){
		.host = r->initiator.ip,
		.to = r->responder,
		.protocol = (uint8_t)r->protocol,
		.role = r->role,
		.first_ns = r->first_ns,
		.first_packet = r->first_packet,
		.bits = r->bits,
	};
	return true;
}

/* By all but the time. */
static int place_order(const struct opening *a, const struct opening *b)
{
	int order = memcmp(&a->host, &b->host, sizeof a->host);

	if (order == 0)
		order = memcmp(&a->to, &b->to, sizeof a->to);
	return order ? order : a->protocol - b->protocol;
}

static int by_place_and_time(const void *x, const void *y)
{
	const struct opening *a = x, *b = y;
	int order = place_order(a, b);

	if (order == 0)
		order = (a->first_ns > b->first_ns) - (a->first_ns < b->first_ns);
	return order ? order : (a->first_packet > b->first_packet) - (a->first_packet < b->first_packet);
}

static uint64_t hash_place(const struct openings *o, const struct opening *x)
{
	struct {
		struct ip host;
		struct endpoint to;
		uint8_t protocol, zero[5];
	} key = { .host = x->host, .to = x->to, .protocol = x->protocol };
	_Static_assert(sizeof key == 40, "hashed as bytes: no padding");
	return hash_words(&o->key, &key, sizeof key);
}

bool openings_sort(struct openings *o, struct error *err)
{
	o->key = hash_key_random();
	if (o->count)
		qsort(o->opening, o->count, sizeof *o->opening, by_place_and_time);
	for (uint32_t i = 0; i < o->count; i++) {
		const struct opening *x = &o->opening[i];
		bool first = i == 0 || place_order(x - 1, x) != 0;
		if (first && !row_index_add(&o->by_place, hash_place(o, x), i))
			return error_memory(err, "the openings over TCP");
	}
	return true;
}

const struct opening *openings_find(const struct openings *o, unsigned protocol, const struct flow_record *r)
{
	const struct opening wanted = { .host = r->initiator.ip,
					.to = r->responder,
					.protocol = (uint8_t)protocol };
	uint32_t at = 0, row;

	if (r->l4 != IPPROTO_TCP || !r->syn_seen || !protocols[protocol]->retry_ns)
		return NULL;
	uint64_t hash = hash_place(o, &wanted);
	while ((row = row_index_probe(&o->by_place, hash, &at)) != ROW_NONE)
		if (place_order(&o->opening[row], &wanted) == 0)
			break;
	if (row == ROW_NONE || o->opening[row].first_ns > r->first_ns)
		return NULL;
	uint32_t low = row, high = o->count; /* the latest of the place that is not after the flow */
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		const struct opening *x = &o->opening[middle];
		if (place_order(x, &wanted) == 0 && x->first_ns <= r->first_ns)
			low = middle;
		else
			high = middle;
	}
	const struct opening *last = &o->opening[low];
	return r->first_ns - last->first_ns <= protocols[protocol]->retry_ns ? last : NULL;
}
