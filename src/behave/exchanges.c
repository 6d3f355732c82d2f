/* Exchanges and version checks from events; see exchanges.h. */
#include "behave/exchanges.h"
#include "base/hash.h"
#include "base/row_index.h"
#include <stdlib.h>

struct exchange_table {
	struct hash_key key;
	struct row_index index; /* of exchanges, by flow */
	struct exchange *exchange;
	uint32_t exchanges, exchange_room;
	struct version_check *check;
	uint32_t checks, check_room;
	uint64_t refused;
};

struct exchange_table *exchange_table_new(struct error *err)
{
	struct exchange_table *t = calloc(1, sizeof *t);

	if (!t) {
		error_memory(err, "the exchange table");
		return NULL;
	}
	t->key = hash_key_random();
	return t;
}

void exchange_table_free(struct exchange_table *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->exchanges; i++)
		free(t->exchange[i].message);
	free(t->exchange);
	row_index_drop(&t->index);
	free(t->check);
	free(t);
}

/* A row more at the end of a growing array; NULL: no memory. */
static void *add_row(void **rows, uint32_t *used, uint32_t *room, size_t size)
{
	if (!rows_reserve(rows, *used, room, size))
		return NULL;
	return (char *)*rows + size * (*used)++;
}

static struct exchange *find_exchange(struct exchange_table *t, uint64_t flow)
{
	uint64_t hash = hash_words(&t->key, &flow, sizeof flow);
	uint32_t at = 0, row;

	while ((row = row_index_probe(&t->index, hash, &at)) != ROW_NONE)
		if (t->exchange[row].flow == flow)
			return &t->exchange[row];
	return NULL;
}

static struct exchange *get_exchange(struct exchange_table *t, const struct occurrence *o, struct error *err)
{
	struct exchange *x = find_exchange(t, o->flow);

	if (x)
		return x;
	void *rows = t->exchange;
	x = add_row(&rows, &t->exchanges, &t->exchange_room, sizeof *x);
	t->exchange = rows;
	if (!x ||
	    !row_index_add(&t->index, hash_words(&t->key, &o->flow, sizeof o->flow), t->exchanges - 1)) {
		error_memory(err, "an exchange");
		return NULL;
	}
	*x = (struct exchange){
		.flow = o->flow,
		.protocol = o->protocol,
		.client = o->initiator,
		.server = o->responder,
		.first_ns = o->ts_ns,
		.last_ns = o->ts_ns,
	};
	return x;
}

static bool add_message(struct exchange *x, const struct occurrence *o, struct error *err)
{
	if (x->messages >= EXCHANGE_MESSAGES_MAX) {
		x->messages++;
		return true;
	}
	void *rows = x->message;
	struct exchange_message *m = add_row(&rows, &x->messages, &x->room, sizeof *m);
	x->message = rows;
	if (!m)
		return error_memory(err, "a message of an exchange");
	*m = (struct exchange_message){
		.ts_ns = o->ts_ns,
		.packet = o->packet,
		.dir = o->dir,
		.bytes = o->event.of.message.bytes,
		.what = o->event.of.message.what,
	};
	return true;
}

static bool add_check(struct exchange_table *t, const struct occurrence *o, struct error *err)
{
	void *rows = t->check;
	struct version_check *v = add_row(&rows, &t->checks, &t->check_room, sizeof *v);

	t->check = rows;
	if (!v)
		return error_memory(err, "a version check");
	*v = (struct version_check){
		.flow = o->flow,
		.packet = o->packet,
		.ts_ns = o->ts_ns,
		.protocol = o->protocol,
		.client = o->initiator,
		.server = o->responder,
		.event = o->event,
	};
	return true;
}

bool exchange_table_add(struct exchange_table *t, const struct occurrence *o, struct error *err)
{
	if (o->event.type == EVENT_VERSION_CHECK) {
		if (t->checks < EXCHANGES_MAX)
			return add_check(t, o, err);
		t->refused++;
		return true;
	}
	if (o->event.type != EVENT_MESSAGE && o->event.type != EVENT_EXCHANGE)
		return true; /* about media, or a round trip */
	if (t->exchanges >= EXCHANGES_MAX && !find_exchange(t, o->flow)) {
		t->refused++;
		return true;
	}
	struct exchange *x = get_exchange(t, o, err);
	if (!x)
		return false;
	if (o->ts_ns > x->last_ns)
		x->last_ns = o->ts_ns;
	if (o->event.type == EVENT_MESSAGE)
		return add_message(x, o, err);
	x->role = o->event.of.exchange.role;
	x->form = o->event.of.exchange.form;
	x->outcome = o->event.of.exchange.outcome;
	return true;
}

uint32_t exchange_table_count(const struct exchange_table *t)
{
	return t->exchanges;
}

const struct exchange *exchange_table_at(const struct exchange_table *t, uint32_t i)
{
	return &t->exchange[i];
}

uint32_t version_check_count(const struct exchange_table *t)
{
	return t->checks;
}

const struct version_check *version_check_at(const struct exchange_table *t, uint32_t i)
{
	return &t->check[i];
}

uint64_t exchange_table_refused(const struct exchange_table *t)
{
	return t->refused;
}

const char *exchange_outcome_name(enum exchange_outcome outcome)
{
	switch (outcome) {
	case OUTCOME_NO_ANSWER:
		return "no-answer";
	case OUTCOME_SUCCESS:
		return "success";
	case OUTCOME_FAILURE:
		return "failure";
	case OUTCOME_UNKNOWN:
		break;
	}
	return "unknown";
}
