/* Whose messages an activity plot shows; see activity.h. */
#include "behave/activity.h"
#include <stdlib.h>
#include <string.h>

const char *const activity_words[] = {
#define X(name, words) words,
	ACTIVITY_REASONS(X)
#undef X
};

/* What the choice looks at, beside the clients. */
struct field {
	const struct measured_client *client;
	uint32_t clients;
	bool *calls; /* calls[client - 1]: it had one */
};

static bool had_call(const struct field *f, uint32_t i)
{
	return f->calls[i] || f->client[i].media_packets > 0;
}

/* Whether client i may stand in a plot that is for `why`. */
static bool fits(const struct field *f, uint32_t i, enum activity_why why)
{
	if (why == ACTIVITY_quiet)
		return !had_call(f, i);
	return why != ACTIVITY_calling || (had_call(f, i) && f->client[i].signalling_packets > 0);
}

static bool take(struct activity *a, uint32_t i, enum activity_why why, struct error *err)
{
	void *rows = a->chosen;
	bool room = rows_reserve(&rows, a->count, &a->room, sizeof *a->chosen);

	a->chosen = rows;
	if (!room)
		return error_memory(err, "the activity plots");
	a->chosen[a->count++] = (struct activity_client){ .client = i + 1, .why = why };
	a->place[i] = a->count;
	return true;
}

/* The most active one of the protocol that fits and is not taken; clients: none. Of equal ones the first. */
static uint32_t best(const struct activity *a, const struct field *f, uint8_t protocol, enum activity_why why)
{
	uint32_t found = f->clients;

	for (uint32_t i = 0; i < f->clients; i++) {
		const struct measured_client *c = &f->client[i];
		if (!c->recognised || c->protocol != protocol || a->place[i] || !fits(f, i, why))
			continue;
		if (found == f->clients || (c->internal && !f->client[found].internal) ||
		    (c->internal == f->client[found].internal &&
		     c->signalling_packets > f->client[found].signalling_packets))
			found = i;
	}
	return found;
}

static bool choose(struct activity *a, const struct field *f, uint8_t protocol, uint32_t count,
		   struct error *err)
{
	uint32_t end = a->count + count;

	for (enum activity_why why = ACTIVITY_quiet; a->count < end && why <= ACTIVITY_calling; why++) {
		uint32_t i = best(a, f, protocol, why);
		if (i < f->clients && !take(a, i, why, err))
			return false;
	}
	while (a->count < end) {
		uint32_t i = best(a, f, protocol, ACTIVITY_further);
		if (i == f->clients)
			break;
		if (!take(a, i, ACTIVITY_further, err))
			return false;
	}
	return true;
}

static bool grant(struct activity *a, const struct field *f, struct activity_wish *wish, struct error *err)
{
	for (uint32_t i = 0; i < f->clients; i++) {
		const struct measured_client *c = &f->client[i];
		/* A socket may run several protocols. */
		if (!c->recognised || !endpoint_equal(&c->socket, &wish->socket))
			continue;
		wish->met = true;
		if (!a->place[i] && !take(a, i, ACTIVITY_asked, err))
			return false;
	}
	return true;
}

static bool choose_all(struct activity *a, const struct field *f, uint32_t count, struct activity_wish *wish,
		       uint32_t wishes, struct error *err)
{
	bool seen[UINT8_MAX + 1] = { false };

	for (uint32_t i = 0; count > 0 && i < f->clients; i++) {
		uint8_t protocol = f->client[i].protocol;
		if (f->client[i].recognised && !seen[protocol] && !choose(a, f, protocol, count, err))
			return false;
		seen[protocol] = seen[protocol] || f->client[i].recognised;
	}
	for (uint32_t i = 0; i < wishes; i++)
		if (!grant(a, f, &wish[i], err))
			return false;
	return true;
}

static void share(struct activity *a)
{
	uint64_t each = KEPT_MESSAGES_MAX / 2 / (a->count ? a->count : 1);

	a->kept_max = each < ACTIVITY_KEPT_MAX ? each : ACTIVITY_KEPT_MAX;
	a->whole_max = a->kept_max < ACTIVITY_WHOLE_MAX ? a->kept_max / 2 : ACTIVITY_WHOLE_MAX;
}

struct activity *activity_new(const struct measured_client *client, uint32_t clients,
			      const struct call_table *calls, uint32_t count, struct activity_wish *wish,
			      uint32_t wishes, struct error *err)
{
	struct activity *a = calloc(1, sizeof *a);
	struct field f = { client, clients, calloc(clients + 1U, sizeof(bool)) };

	if (a) {
		a->key = hash_key_random();
		a->clients = clients;
		a->place = calloc(clients + 1U, sizeof *a->place);
	}
	bool ok = a && a->place && f.calls;
	if (!ok)
		error_memory(err, "the activity plots");
	for (uint32_t i = 0; ok && calls && i < call_table_count(calls); i++) {
		uint32_t number = call_table_at(calls, i)->client;
		if (number)
			f.calls[number - 1] = true;
	}
	ok = ok && choose_all(a, &f, count, wish, wishes, err);
	free(f.calls);
	if (!ok) {
		activity_free(a);
		return NULL;
	}
	share(a);
	return a;
}

void activity_free(struct activity *a)
{
	if (!a)
		return;
	for (uint32_t i = 0; i < a->count; i++)
		free(a->chosen[i].flow);
	free(a->chosen);
	free(a->place);
	free(a);
}

#define ENDS_MAX 4U

struct end {
	int64_t ns;
	uint32_t size; /* 0: not known */
	enum direction dir;
};

static int by_time(const void *x, const void *y)
{
	const struct end *a = x, *b = y;

	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	/* The first packet of all is the initiator's (D2); of a direction, the one whose size is known. */
	if (a->dir != b->dir)
		return a->dir == TO_RESPONDER ? -1 : 1;
	return (a->size < b->size) - (a->size > b->size);
}

/* First and last packet of either direction, as a log. Of UDP the first packet is the first that has a size.
 */
static uint32_t log_of_ends(const struct flow_record *r, struct logged_message log[ENDS_MAX])
{
	struct end end[ENDS_MAX] = { { 0 } };
	uint32_t count = 0;

	for (int dir = TO_RESPONDER; dir <= TO_INITIATOR; dir++) {
		const struct flow_side *side = &r->side[dir];
		uint32_t size = r->l4 == IPPROTO_UDP && side->messages > 0 ? side->first_size : 0;
		if (side->packets > 0)
			end[count++] = (struct end){ side->first_ns, size, (enum direction)dir };
		if (side->packets > 1)
			end[count++] = (struct end){ side->last_ns, 0, (enum direction)dir };
	}
	qsort(end, count, sizeof *end, by_time);
	int64_t before = r->first_ns / MESSAGE_TICK_NS;
	for (uint32_t i = 0; i < count; i++) {
		int64_t tick = end[i].ns / MESSAGE_TICK_NS, gap = tick > before ? tick - before : 0;
		log[i] = (struct logged_message){
			.gap = gap < UINT32_MAX ? (uint32_t)gap : UINT32_MAX,
			.size = (uint16_t)(end[i].size < MESSAGE_SIZE_MAX ? end[i].size : MESSAGE_SIZE_MAX),
			.dir = (uint8_t)end[i].dir,
		};
		before += gap;
	}
	return count;
}

static bool keep(struct activity_client *c, const struct labelled_flow *f, struct kept_messages *kept,
		 const struct activity *a, struct error *err)
{
	uint32_t count = (uint32_t)f->r->sizes + f->r->thinned;
	struct logged_message ends[ENDS_MAX];

	if (f->r->sizes > 0 && c->messages + count <= a->whole_max) {
		c->messages += count;
		return kept_messages_add(kept, f->r, f->log, err);
	}
	struct flow_record r = *f->r;
	r.sizes = (uint16_t)log_of_ends(f->r, ends);
	r.thinned = 0;
	r.log_after_ns = 0;
	c->cut += f->r->sizes > 0;
	c->messages += r.sizes;
	return kept_messages_add(kept, &r, ends, err);
}

bool activity_add(struct activity *a, const struct labelled_flow *f, struct kept_messages *kept,
		  struct error *err)
{
	uint32_t place = f->client <= a->clients ? a->place[f->client - 1] : 0;

	if (!place)
		return true;
	struct activity_client *c = &a->chosen[place - 1];
	if (c->messages + ENDS_MAX > a->kept_max) {
		c->left_out++;
		return true;
	}
	void *rows = c->flow;
	bool room = rows_reserve(&rows, c->flows, &c->flow_room, sizeof *c->flow);
	c->flow = rows;
	if (!room)
		return error_memory(err, "the activity plots");
	c->flow[c->flows++] = (struct activity_flow){ .flow = f->r->first_packet,
						      .first_ns = f->r->first_ns,
						      .remote = *f->remote,
						      .client_is_initiator = f->client_is_initiator };
	return keep(c, f, kept, a, err);
}

static int by_beginning(const void *x, const void *y)
{
	const struct activity_flow *a = x, *b = y;

	if (a->first_ns != b->first_ns)
		return a->first_ns < b->first_ns ? -1 : 1;
	return (a->flow > b->flow) - (a->flow < b->flow);
}

/* Whose number a flow's remote end bears: a row of the first flow with it. */
static bool number_peers(struct activity_client *c, const struct hash_key *key)
{
	struct row_index by_remote = { 0 };
	bool ok = true;

	for (uint32_t i = 0; ok && i < c->flows; i++) {
		struct activity_flow *f = &c->flow[i];
		uint64_t hash = endpoint_hash(key, 0, &f->remote);
		uint32_t at = 0, row;
		while ((row = row_index_probe(&by_remote, hash, &at)) != ROW_NONE)
			if (endpoint_equal(&c->flow[row].remote, &f->remote))
				break;
		f->peer = row == ROW_NONE ? ++c->peers : c->flow[row].peer;
		if (row == ROW_NONE)
			ok = row_index_add(&by_remote, hash, i);
	}
	row_index_drop(&by_remote);
	return ok;
}

bool activity_sort(struct activity *a, struct error *err)
{
	for (uint32_t i = 0; i < a->count; i++) {
		struct activity_client *c = &a->chosen[i];
		if (c->flows == 0)
			continue;
		qsort(c->flow, c->flows, sizeof *c->flow, by_beginning);
		c->first_ns = c->flow[0].first_ns;
		if (!number_peers(c, &a->key))
			return error_memory(err, "the activity plots");
	}
	return true;
}
