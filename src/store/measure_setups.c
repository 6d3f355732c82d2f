/* B7: how each client is connected. */
#include "base/row_index.h"
#include "behave/sessions.h"
#include "behave/setups.h"
#include "store/measure.h"
#include <stdlib.h>

#define CALLER_HOSTS_MAX 400000U /* 24 bytes each */

/* A host that spoke to a client first. */
struct caller_host {
	struct ip ip;
	uint32_t client;
	uint32_t stranger;
};
_Static_assert(sizeof(struct caller_host) == 24, "hashed as bytes: no padding");

struct setup_count {
	uint32_t asked, answered, tcp_tried, tcp_answered, callers, strangers;
	bool sent;
};

struct setups {
	const struct measure_setup *setup;
	struct setup_count *of; /* by client */
	struct hash_key key;
	struct row_index by_host;
	struct caller_host *host;
	uint32_t hosts, room;
	uint64_t refused;
	struct netset *private;
};

static void drop(void *self)
{
	struct setups *s = self;

	if (!s)
		return;
	free(s->of);
	free(s->host);
	row_index_drop(&s->by_host);
	netset_free(s->private);
	free(s);
}

static void *begin(const struct measure_setup *setup, struct error *err)
{
	struct setups *s = calloc(1, sizeof *s);

	if (s) {
		s->setup = setup;
		s->key = hash_key_random();
		s->of = calloc(setup->clients + 1U, sizeof *s->of);
		s->private = netset_new();
	}
	if (!s || !s->of || !s->private) {
		drop(s);
		error_memory(err, "the network set-ups");
		return NULL;
	}
	netset_add_private(s->private);
	return s;
}

static bool add_caller(struct setups *s, uint32_t client, const struct ip *ip, bool stranger,
		       struct error *err)
{
	const struct caller_host host = { *ip, client, 0 };
	uint64_t hash = hash_words(&s->key, &host, sizeof host);
	uint32_t at = 0, row;

	while ((row = row_index_probe(&s->by_host, hash, &at)) != ROW_NONE)
		if (s->host[row].client == client && ip_equal(&s->host[row].ip, ip)) {
			s->host[row].stranger |= stranger;
			return true;
		}
	if (s->hosts >= CALLER_HOSTS_MAX) {
		s->refused++;
		return true;
	}
	void *rows = s->host;
	bool room = rows_reserve(&rows, s->hosts, &s->room, sizeof host);
	s->host = rows;
	if (!room || !row_index_add(&s->by_host, hash, s->hosts))
		return error_memory(err, "the network set-ups");
	s->host[s->hosts] = host;
	s->host[s->hosts++].stranger = stranger;
	return true;
}

static bool add_pair(struct setups *s, const struct labelled_flow *f, struct error *err)
{
	const struct measure_setup *setup = s->setup;
	const struct measured_client *client = &setup->client[f->client - 1];
	const struct pair *pair = f->pair;
	struct setup_count *of = &s->of[f->client - 1];

	if (pair->client_first) {
		of->asked++;
		of->answered += pair->total.packets_in + pair->media.packets_in > 0;
		return true;
	}
	/* It may have been spoken to before the trace, unless the client was silent then. */
	bool stranger = client->first_ns - setup->first_ns >= SESSION_SILENCE_NS ||
			pair->first_ns - setup->first_ns >= SETUP_STRANGER_NS;
	return !pair->called || add_caller(s, f->client, &f->remote->ip, stranger, err);
}

/* Between a client and hosts of its own network there is no translator and no firewall: they say nothing. */
static bool is_neighbour(const struct setups *s, const struct labelled_flow *f)
{
	const struct measure_setup *setup = s->setup;

	return setup->client[f->client - 1].internal && setup->is_internal(setup->self, &f->remote->ip);
}

static bool flow(void *self, const struct labelled_flow *f, struct error *err)
{
	struct setups *s = self;
	const struct flow_record *r = f->r;
	struct setup_count *of = &s->of[f->client - 1];
	const struct endpoint *own = &s->setup->client[f->client - 1].socket;

	of->sent |= r->l4 == IPPROTO_UDP && labelled_out(f)->packets > 0;
	if (is_neighbour(s, f))
		return true;
	if (r->l4 == IPPROTO_UDP)
		return !f->pair_first || add_pair(s, f, err);
	if (f->client_is_initiator) {
		of->tcp_tried++;
		of->tcp_answered += labelled_in(f)->payload_wire > 0;
		return true;
	}
	/* A connection that came in to the client's port was let in. */
	if (r->syn_seen && endpoint_equal(&r->responder, own))
		return add_caller(s, f->client, &r->initiator.ip, true, err);
	return true;
}

static bool put(void *self, struct sink *sink, struct problems *problems, struct error *err)
{
	struct setups *s = self;
	const struct netset *wanted = s->setup->options->private_nets;
	const struct netset *private = wanted ? wanted : s->private;

	for (uint32_t i = 0; i < s->hosts; i++) {
		s->of[s->host[i].client - 1].callers++;
		s->of[s->host[i].client - 1].strangers += s->host[i].stranger;
	}
	for (uint32_t i = 0; i < s->setup->clients; i++) {
		const struct measured_client *client = &s->setup->client[i];
		const struct setup_count *of = &s->of[i];
		if (!client->recognised)
			continue;
		const struct setup_facts facts = {
			.own = client->socket.ip,
			.is_private = netset_has(private, &client->socket.ip),
			.has_public = client->has_public,
			.public_ip = client->public_ip,
			.asked = of->asked,
			.answered = of->answered,
			.tcp_tried = of->tcp_tried,
			.tcp_answered = of->tcp_answered,
			.sent = of->sent,
			.callers = of->callers,
			.strangers = of->strangers,
			.lived_ns = client->last_ns - client->first_ns,
			/* It was measured for the protocol with data about how its clients get in. */
			.rate_known = protocols[client->protocol]->supernode.question != 0,
		};
		struct setup_verdict verdict;
		setup_judge(&facts, &verdict);
		const struct setup_row row = { i + 1,           setup_names[verdict.setup],
					       verdict.reasons, of->asked,
					       of->answered,    of->callers };
		if (!sink->ops->put_setup(sink, &row, err))
			return false;
	}
	if (s->refused)
		problems_add(problems, "%llu callers of clients were beyond the bound of %u hosts",
			     (unsigned long long)s->refused, CALLER_HOSTS_MAX);
	return true;
}

const struct measurement measure_setups = { .begin = begin, .flow = flow, .put = put, .drop = drop };
