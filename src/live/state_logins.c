/* Logins of the live state, as they end one way or the other, and the names of servers. */
#include "live/state_parts.h"
#include <stdio.h>
#include <string.h>

/* --- names of addresses --- */

static struct name_set *set_of(const struct live_state *s, const struct ip *ip)
{
	return &s->names[hash_words(&s->clients.key, ip, sizeof *ip) % NAME_SETS];
}

static void name_add(struct live_state *s, const struct ip *ip, const char *name)
{
	struct name_set *set = set_of(s, ip);
	size_t length = strlen(name);
	unsigned way = 0;

	while (way < NAME_WAYS && !(set->way[way].name[0] && ip_equal(&set->way[way].ip, ip)))
		way++;
	if (way == NAME_WAYS) {
		way = set->next;
		set->next = (uint8_t)((set->next + 1) % NAME_WAYS);
	}
	set->way[way].ip = *ip;
	/* Of a long name, the end says more; no label of a name is empty, so that the dots are the cut's. */
	if (length < NAME_KEPT)
		memcpy(set->way[way].name, name, length + 1);
	else
		snprintf(set->way[way].name, NAME_KEPT, "...%s", name + length - (NAME_KEPT - 4));
}

void state_named(struct live_state *s, const struct dns_answer *answer)
{
	for (unsigned i = 0; i < answer->addresses; i++)
		name_add(s, &answer->address[i], answer->name);
}

const char *state_name_of(const struct live_state *s, const struct ip *ip)
{
	const struct name_set *set = set_of(s, ip);

	for (unsigned way = 0; way < NAME_WAYS; way++)
		if (set->way[way].name[0] && ip_equal(&set->way[way].ip, ip))
			return set->way[way].name;
	return NULL;
}

/* --- what is shown --- */

const struct shown_login *state_login(const struct live_state *s, uint32_t i)
{
	if (i >= LOGINS_SHOWN || i >= s->logins_shown)
		return NULL;
	return &s->login[(s->logins_shown - 1 - i) % LOGINS_SHOWN];
}

static struct shown_login *show(struct live_state *s, const struct endpoint *client,
				const struct endpoint *server)
{
	struct shown_login *l = &s->login[s->logins_shown++ % LOGINS_SHOWN];
	const char *name = state_name_of(s, &server->ip);

	*l = (struct shown_login){ .client = *client, .server = *server };
	snprintf(l->server_name, sizeof l->server_name, "%s", name ? name : "");
	return l;
}

void state_version_check(struct live_state *s, const struct occurrence *o)
{
	struct shown_login *l = show(s, &o->initiator, &o->responder);

	l->ts_ns = o->ts_ns;
	l->protocol = o->protocol;
	snprintf(l->role, sizeof l->role, "version-check");
	snprintf(l->version, sizeof l->version, "%.31s", o->event.of.version.version);
}

/* It is known how it went, or as much as will ever be. */
static void login_tell(struct live_state *s, struct open_login *x, int64_t ts_ns)
{
	struct shown_login *l = show(s, &x->client, &x->server);
	char client[ENDPOINT_TEXT], server[ENDPOINT_TEXT];

	x->told = true;
	l->ts_ns = x->ts_ns;
	l->protocol = x->protocol;
	l->has_outcome = true;
	l->outcome = x->outcome;
	memcpy(l->role, x->role, sizeof l->role);
	if (strcmp(x->role, "login") != 0)
		return;
	s->logins_total++;
	s->logins[x->protocol][x->outcome]++;
	struct live_client *c = client_of_login(&s->clients, x->protocol, &x->client.ip);
	if (c)
		c->logins++;
	const struct live_event event = { .type = LIVE_LOGIN,
					  .ts_ns = ts_ns,
					  .protocol = protocols[x->protocol]->name,
					  .client = x->client,
					  .other = x->server,
					  .outcome = exchange_outcome_name(x->outcome) };
	state_happened(s, &event, "%s logs in to %s at %s: %s", endpoint_text(&x->client, client),
		       protocols[x->protocol]->title, endpoint_text(&x->server, server), event.outcome);
}

/* --- exchanges whose flows live --- */

static uint32_t *bucket_of(struct live_state *s, uint64_t flow)
{
	return &s->open_bucket[hash_words(&s->clients.key, &flow, sizeof flow) % LOGIN_BUCKETS];
}

static struct open_login *login_find(struct live_state *s, uint64_t flow, const struct endpoint *client)
{
	if (!s->open_count)
		return NULL;
	for (uint32_t at = *bucket_of(s, flow); at; at = s->open[at - 1].next) {
		struct open_login *x = &s->open[at - 1];
		if (x->flow == flow && endpoint_equal(&x->client, client))
			return x;
	}
	return NULL;
}

static void login_close(struct live_state *s, struct open_login *x, int64_t ts_ns)
{
	uint32_t number = (uint32_t)(x - s->open) + 1;
	uint32_t *link = bucket_of(s, x->flow);

	if (!x->told)
		login_tell(s, x, ts_ns);
	while (*link != number)
		link = &s->open[*link - 1].next;
	*link = x->next;
	x->used = false;
	x->next = s->open_free;
	s->open_free = number;
	s->open_count--;
}

static struct open_login *login_open(struct live_state *s, const struct occurrence *o)
{
	if (!s->open_free && s->open_ever == LOGINS_OPEN_MAX) /* all in use */
		login_close(s, &s->open[s->open_evict++ % LOGINS_OPEN_MAX], o->ts_ns);
	uint32_t number = s->open_free;
	if (number)
		s->open_free = s->open[number - 1].next;
	else
		number = ++s->open_ever;
	struct open_login *x = &s->open[number - 1];
	*x = (struct open_login){ .flow = o->flow,
				  .client = o->initiator,
				  .server = o->responder,
				  .ts_ns = o->ts_ns,
				  .protocol = o->protocol,
				  .used = true };
	uint32_t *link = bucket_of(s, o->flow);
	x->next = *link;
	*link = number;
	s->open_count++;
	return x;
}

void state_exchange(struct live_state *s, const struct occurrence *o)
{
	struct open_login *x = login_find(s, o->flow, &o->initiator);

	if (!x)
		x = login_open(s, o);
	if (x->told)
		return;
	snprintf(x->role, sizeof x->role, "%s", o->event.of.exchange.role ? o->event.of.exchange.role : "");
	x->outcome = o->event.of.exchange.outcome;
	/* The others may still become one of these. */
	if (x->outcome == OUTCOME_SUCCESS || x->outcome == OUTCOME_FAILURE)
		login_tell(s, x, o->ts_ns);
}

void state_login_flow(struct live_state *s, const struct flow_record *r)
{
	struct open_login *x = login_find(s, r->first_packet, &r->initiator);

	if (x)
		login_close(s, x, r->last_ns);
}

void state_logins_end(struct live_state *s)
{
	for (uint32_t i = 0; i < s->open_ever; i++)
		if (s->open[i].used)
			login_close(s, &s->open[i], s->open[i].ts_ns);
}
