/* Clients of the live state: verdicts as they fall, when each was seen last, and who is a supernode. */
#include "live/state_parts.h"
#include <stdlib.h>

#define HOST_STEPS_MAX 64U /* a host with more sockets than that is no client's; nobody may make us walk */

bool clients_new(struct live_clients *t)
{
	t->key = hash_key_random();
	t->client = calloc(LIVE_CLIENTS_MAX, sizeof *t->client);
	return t->client;
}

void clients_drop(struct live_clients *t)
{
	free(t->client);
}

static struct live_client *at_number(const struct live_clients *t, uint32_t number1)
{
	return number1 ? &t->client[number1 - 1] : NULL;
}

static uint32_t number_of(const struct live_clients *t, const struct live_client *c)
{
	return (uint32_t)(c - t->client) + 1;
}

static uint32_t *bucket_of_socket(struct live_clients *t, const struct endpoint *socket, unsigned l4)
{
	return &t->of_socket[endpoint_hash(&t->key, l4, socket) % LIVE_CLIENT_BUCKETS];
}

static uint32_t *bucket_of_host(struct live_clients *t, const struct ip *ip)
{
	return &t->of_host[hash_words(&t->key, ip, sizeof *ip) % LIVE_CLIENT_BUCKETS];
}

struct live_client *client_shown_at(const struct live_clients *t, const struct endpoint *socket, unsigned l4,
				    const struct live_client *after)
{
	struct live_client *c =
		at_number(t, after ? after->next_of_socket
				   : t->of_socket[endpoint_hash(&t->key, l4, socket) % LIVE_CLIENT_BUCKETS]);

	while (c && !(c->l4 == l4 && endpoint_equal(&c->socket, socket)))
		c = at_number(t, c->next_of_socket);
	return c;
}

struct live_client *client_of_login(const struct live_clients *t, unsigned protocol, const struct ip *host)
{
	struct live_client *found = NULL,
			   *c = at_number(
				   t,
				   t->of_host[hash_words(&t->key, host, sizeof *host) % LIVE_CLIENT_BUCKETS]);

	for (unsigned steps = 0; c && steps < HOST_STEPS_MAX; steps++) {
		if (c->recognised && c->protocol == protocol && ip_equal(&c->socket.ip, host) &&
		    (!found || c->last_ns > found->last_ns))
			found = c;
		c = at_number(t, c->next_of_host);
	}
	return found;
}

/* --- lists by the time seen --- */

static void age_link(struct live_clients *t, struct live_client *c)
{
	struct client_age *age = &t->age[c->recognised];

	c->newer = 0;
	c->older = age->newest;
	if (age->newest)
		at_number(t, age->newest)->newer = number_of(t, c);
	else
		age->oldest = number_of(t, c);
	age->newest = number_of(t, c);
	age->count++;
	t->now[c->protocol][c->recognised]++;
}

static void age_unlink(struct live_clients *t, struct live_client *c)
{
	struct client_age *age = &t->age[c->recognised];

	if (c->newer)
		at_number(t, c->newer)->older = c->older;
	else
		age->newest = c->older;
	if (c->older)
		at_number(t, c->older)->newer = c->newer;
	else
		age->oldest = c->newer;
	age->count--;
	t->now[c->protocol][c->recognised]--;
}

static void seen(struct live_clients *t, struct live_client *c, int64_t ns)
{
	if (ns > c->last_ns)
		c->last_ns = ns;
	age_unlink(t, c);
	age_link(t, c);
}

/* --- coming and going --- */

static void unchain(struct live_clients *t, struct live_client *c)
{
	uint32_t number = number_of(t, c);
	uint32_t *link = bucket_of_socket(t, &c->socket, c->l4);

	while (*link != number)
		link = &at_number(t, *link)->next_of_socket;
	*link = c->next_of_socket;
	link = bucket_of_host(t, &c->socket.ip);
	while (*link != number)
		link = &at_number(t, *link)->next_of_host;
	*link = c->next_of_host;
}

static void client_remove(struct live_clients *t, struct live_client *c)
{
	unchain(t, c);
	age_unlink(t, c);
	c->used = false;
	c->next_of_socket = t->free;
	t->free = number_of(t, c);
}

/* A row for a new client. Suspected ones give way, the oldest first, before any recognised one does. */
static struct live_client *row_for(struct live_clients *t, bool recognised)
{
	if (!t->free && t->ever < LIVE_CLIENTS_MAX)
		return &t->client[t->ever++];
	if (!t->free) {
		uint32_t victim = t->age[0].oldest;
		if (!victim && recognised)
			victim = t->age[1].oldest;
		if (!victim)
			return NULL;
		client_remove(t, at_number(t, victim));
	}
	struct live_client *c = at_number(t, t->free);
	t->free = c->next_of_socket;
	return c;
}

static struct live_client *client_add(struct live_clients *t, const struct socket_entry *e, bool recognised)
{
	struct live_client *c = row_for(t, recognised);

	if (!c)
		return NULL;
	*c = (struct live_client){
		.socket = e->socket,
		.l4 = e->l4,
		.protocol = e->protocol,
		.used = true,
		.recognised = recognised,
		.internal = e->internal,
		.first_ns = e->first_ns,
		.last_ns = e->last_ns,
	};
	uint32_t *link = bucket_of_socket(t, &c->socket, c->l4);
	c->next_of_socket = *link;
	*link = number_of(t, c);
	link = bucket_of_host(t, &c->socket.ip);
	c->next_of_host = *link;
	*link = number_of(t, c);
	age_link(t, c);
	return c;
}

/* --- verdicts --- */

/* The sum so far, with what socket_judge_randomness() would add if nothing more came. */
static float bits_by_now(const struct socket_entry *e)
{
	float bits = socket_bits(e), more;

	for (unsigned i = 0; i < protocols[e->protocol]->kind_count; i++)
		if (socket_randomness(e, i, &more))
			bits += more;
	return bits;
}

static uint32_t logins_before(const struct live_state *s, const struct socket_entry *e)
{
	const struct shown_login *login;
	uint32_t count = 0;

	for (uint32_t i = 0; (login = state_login(s, i)); i++)
		count += login->has_outcome && login->protocol == e->protocol &&
			 ip_equal(&login->client.ip, &e->socket.ip) && strcmp(login->role, "login") == 0;
	return count;
}

/* Once for each socket, as long as its evidence is not forgotten: e->client is ours to mark it. */
static void recognise(struct live_state *s, struct socket_entry *e, struct live_client *c)
{
	const struct live_event event = { .type = LIVE_NEW_CLIENT,
					  .ts_ns = e->last_ns,
					  .protocol = protocols[e->protocol]->name,
					  .client = e->socket };
	char socket[ENDPOINT_TEXT];

	if (e->client)
		return;
	e->client = 1;
	s->clients.recognised++;
	c->logins = logins_before(s, e);
	state_happened(s, &event, "%s runs %s (%.0f bits)", endpoint_text(&e->socket, socket),
		       protocols[e->protocol]->title, (double)c->bits);
}

void state_client_judge(struct live_state *s, unsigned protocol, unsigned l4, const struct endpoint *socket)
{
	struct live_clients *t = &s->clients;
	struct socket_entry *e = socket_table_find(s->sockets, protocol, l4, socket);
	struct live_client *c = client_shown_at(t, socket, l4, NULL);

	if (!e)
		return;
	while (c && c->protocol != protocol)
		c = client_shown_at(t, socket, l4, c);
	float bits = bits_by_now(e);
	enum verdict verdict = socket_verdict_of(&s->options.sockets, e, bits);
	/* Evidence that began after a flood had washed the old away says nothing against what was known. */
	if (c && c->recognised && e->after_eviction) {
		seen(t, c, e->last_ns);
		return;
	}
	if (verdict == VERDICT_NONE) {
		if (c)
			client_remove(t, c);
		return;
	}
	bool recognised = verdict == VERDICT_RECOGNISED;
	if (!c)
		c = client_add(t, e, recognised);
	if (!c)
		return;
	if (c->recognised != recognised) {
		age_unlink(t, c);
		c->recognised = recognised;
		age_link(t, c);
	}
	c->bits = bits;
	c->has_public = e->has_public && e->public_confirmed;
	c->public_ip = e->public_ip;
	seen(t, c, e->last_ns);
	if (recognised)
		recognise(s, e, c);
}

/* --- flows --- */

static bool proves(const struct flow_record *r, unsigned protocol)
{
	for (unsigned i = 0; i < dissector_count; i++)
		if (r->matched & UINT32_C(1) << i && dissectors[i]->protocol == protocols[protocol])
			return true;
	return false;
}

/* A flow that a stranger began with the client. */
static void note_caller(struct live_state *s, struct live_client *c, const struct flow_record *r)
{
	uint64_t bit = endpoint_hash(&s->clients.key, 0, &r->initiator) % CALLER_BITS;
	uint64_t *word = &c->caller[bit / 64], mask = UINT64_C(1) << bit % 64;
	char socket[ENDPOINT_TEXT];

	if (c->supernode || !proves(r, c->protocol))
		return;
	if (!c->callers.flows || r->first_ns - c->callers.first_ns > CALLERS_WINDOW_NS) {
		c->callers = (struct callers){ .first_ns = r->first_ns, .flows = true };
		memset(c->caller, 0, sizeof c->caller);
	}
	if (*word & mask || r->first_ns < c->callers.first_ns)
		return;
	*word |= mask;
	c->callers.callers++;
	c->callers.answered += r->side[TO_INITIATOR].packets > 0;
	int64_t least = c->callers.first_ns + CALLERS_PERIOD_NS;
	if (r->first_ns > c->callers.last_ns)
		c->callers.last_ns = r->first_ns;
	if (c->callers.last_ns < least)
		c->callers.last_ns = least;
	if (!c->recognised || !c->internal || !callers_make_supernode(&c->callers))
		return;
	c->supernode = true;
	s->supernodes_total++;
	const struct live_event event = { .type = LIVE_SUPERNODE,
					  .ts_ns = r->last_ns,
					  .protocol = protocols[c->protocol]->name,
					  .client = c->socket,
					  .value = c->callers.callers };
	state_happened(s, &event, "%s is called by many (%u callers, %u answered): it relays for others",
		       endpoint_text(&c->socket, socket), c->callers.callers, c->callers.answered);
}

void state_client_flow(struct live_state *s, const struct flow_record *r)
{
	struct live_clients *t = &s->clients;
	struct live_client *c;

	/* Only what it sent itself: anybody can send to it. */
	if (r->side[TO_RESPONDER].packets > 0)
		for (c = client_shown_at(t, &r->initiator, r->l4, NULL); c;
		     c = client_shown_at(t, &r->initiator, r->l4, c))
			seen(t, c, r->side[TO_RESPONDER].last_ns);
	for (c = client_shown_at(t, &r->responder, r->l4, NULL); c;
	     c = client_shown_at(t, &r->responder, r->l4, c)) {
		if (r->side[TO_INITIATOR].packets > 0)
			seen(t, c, r->side[TO_INITIATOR].last_ns);
		if (r->l4 == IPPROTO_UDP)
			note_caller(s, c, r);
	}
}
