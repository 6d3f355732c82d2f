/* Rows of clients, pairs, evidence and exchanges, when all is known; see resolve.h. */
#include "store/resolve.h"
#include <stdlib.h>

static uint64_t hash_check(const struct aggregate *a, unsigned protocol, const struct ip *ip)
{
	struct {
		struct ip ip;
		uint64_t protocol;
	} key = { *ip, protocol };
	_Static_assert(sizeof key == 24, "hashed as bytes: no padding");
	return hash_words(&a->key, &key, sizeof key);
}

static const struct version_check *find_check(const struct aggregate *a, const struct row_index *checks,
					      unsigned protocol, const struct ip *ip)
{
	uint64_t hash = hash_check(a, protocol, ip);
	uint32_t at = 0, i;

	while ((i = row_index_probe(checks, hash, &at)) != ROW_NONE) {
		const struct version_check *v = version_check_at(a->exchanges, i);
		if (v->protocol == protocol && ip_equal(&v->client.ip, ip))
			return v;
	}
	return NULL;
}

/* The newest of each address. */
static bool index_checks(const struct aggregate *a, struct row_index *checks, struct error *err)
{
	for (uint32_t i = version_check_count(a->exchanges); i-- > 0;) {
		const struct version_check *v = version_check_at(a->exchanges, i);
		if (!find_check(a, checks, v->protocol, &v->client.ip) &&
		    !row_index_add(checks, hash_check(a, v->protocol, &v->client.ip), i))
			return error_memory(err, "the version checks");
	}
	return true;
}

static struct client_row client_row_of(const struct resolution *res, const struct row_index *checks,
				       uint32_t i)
{
	const struct aggregate *a = res->a;
	const struct candidates *c = &res->c;
	const struct socket_entry *s = c->client[i];
	const struct measured_client *client = &res->client[i];
	const struct client_sums *sums = &res->sums[i];
	bool recognised = socket_verdict(a->sockets, s) == VERDICT_RECOGNISED;
	const struct version_check *check = find_check(a, checks, s->protocol, &s->socket.ip);
	const struct callers *callers = &c->callers[s->candidate - 1];

	return (struct client_row){
		.id = s->client,
		.protocol = protocols[s->protocol]->name,
		.verdict = recognised ? protocols[s->protocol]->name : protocols[s->protocol]->suspected_name,
		.socket = s->socket,
		.internal = s->internal,
		.has_public = s->has_public && s->public_confirmed,
		.public_ip = s->public_ip,
		.behind_nat = s->has_public && s->public_confirmed && !ip_equal(&s->public_ip, &s->socket.ip),
		.bits = socket_bits(s),
		.first_packet = s->first_packet,
		.first_ns = client->peers ? client->first_ns : s->first_ns,
		.last_ns = client->peers ? client->last_ns : s->last_ns,
		.peers = client->peers,
		.total = sums->pairs,
		.media_out = sums->media_out,
		.media_in = sums->media_in,
		.tcp_out = sums->tcp_out,
		.tcp_in = sums->tcp_in,
		.has_tcp = sums->has_tcp,
		.tcp_first_ns = sums->tcp_first_ns,
		.tcp_last_ns = sums->tcp_last_ns,
		.version = check ? check->event.of.version.version : "",
		.callers = callers->callers,
		.callers_answered = callers->answered,
		.is_supernode = s->is_called,
	};
}

bool resolve_put_clients(const struct resolution *res, struct error *err)
{
	struct row_index checks = { 0 };
	bool ok = index_checks(res->a, &checks, err);

	for (uint32_t i = 0; ok && i < res->c.clients; i++) {
		const struct client_row row = client_row_of(res, &checks, i);
		ok = res->sink->ops->put_client(res->sink, &row, err);
	}
	row_index_drop(&checks);
	return ok;
}

/* Peers and pairs of the clients; peers are numbered in the order of their first packets. */
bool resolve_put_pairs(const struct resolution *res, struct error *err)
{
	const struct aggregate *a = res->a;
	const struct candidates *c = &res->c;
	uint32_t peers = pair_table_peer_count(c->pairs), number = 0;
	struct {
		uint32_t id, clients;
		uint32_t numbered; /* the peer that has this place as its number, less one */
	} *met = calloc(peers + 1U, sizeof *met);
	uint32_t *order = met ? pair_table_in_order(c->pairs, err) : NULL;
	bool ok = order;

	if (!met)
		error_memory(err, "the peer numbers");
	for (uint32_t i = 0; ok && i < pair_table_count(c->pairs); i++) {
		const struct pair *pair = pair_table_at(c->pairs, order[i]);
		if (!c->entry[pair->client - 1]->client)
			continue;
		if (!met[pair->peer_index].id) {
			met[number].numbered = pair->peer_index;
			met[pair->peer_index].id = ++number;
		}
		met[pair->peer_index].clients++;
	}
	for (uint32_t i = 0; ok && i < number; i++) {
		const struct peer *peer = pair_table_peer_at(c->pairs, met[i].numbered);
		const struct peer_row row = {
			.id = i + 1,
			.protocol = protocols[peer->protocol]->name,
			.socket = peer->socket,
			.internal = socket_table_internal(a->sockets, &peer->socket.ip),
			.first_ns = peer->first_ns,
			.last_ns = peer->last_ns,
			.clients = met[met[i].numbered].clients,
		};
		ok = res->sink->ops->put_peer(res->sink, &row, err);
	}
	for (uint32_t i = 0; ok && i < pair_table_count(c->pairs); i++) {
		const struct pair *pair = pair_table_at(c->pairs, order[i]);
		const struct pair_row row = {
			.client = c->entry[pair->client - 1]->client,
			.peer = met[pair->peer_index].id,
			.total = pair->total,
			.media = pair->media,
			.first_ns = pair->first_ns,
			.last_ns = pair->last_ns,
			.client_first = pair->client_first,
		};
		ok = !row.client || res->sink->ops->put_pair(res->sink, &row, err);
	}
	free(met);
	free(order);
	return ok;
}

bool resolve_put_evidence(const struct resolution *res, struct error *err)
{
	const struct aggregate *a = res->a;
	const struct candidates *c = &res->c;
	struct sink *sink = res->sink;
	bool ok = true;

	for (uint32_t i = 0; ok && i < c->clients; i++) {
		const struct socket_entry *s = c->client[i];
		for (unsigned k = 0; ok && k < protocols[s->protocol]->kind_count; k++) {
			const struct evidence_row row = {
				.about_client = true,
				.subject = s->client,
				.protocol = protocols[s->protocol]->name,
				.kind = &protocols[s->protocol]->kinds[k],
				.sum = socket_sum(s, k),
			};
			ok = row.sum.count == 0 || sink->ops->put_evidence(sink, &row, err);
		}
	}
	for (uint32_t i = 0; ok && i < a->flow_evidences; i++) {
		const struct flow_evidence *e = &a->flow_evidence[i];
		const struct evidence_row row = {
			.subject = e->flow,
			.protocol = protocols[e->protocol]->name,
			.kind = &protocols[e->protocol]->kinds[e->kind],
			.sum = e->sum,
		};
		ok = sink->ops->put_evidence(sink, &row, err);
	}
	return ok;
}

static bool put_exchange(const struct candidates *c, const struct exchange *x, struct sink *sink,
			 struct error *err)
{
	const struct exchange_row row = {
		.flow = x->flow,
		.protocol = protocols[x->protocol]->name,
		.role = x->role,
		.form = x->form ? x->form : "",
		.outcome = exchange_outcome_name(x->outcome),
		.client = x->client,
		.server = x->server,
		.first_ns = x->first_ns,
		.last_ns = x->last_ns,
		.messages = x->messages,
		.client_socket = client_of_host(c, x->protocol, &x->client.ip),
	};
	bool ok = sink->ops->put_exchange(sink, &row, err);

	for (uint32_t i = 0; ok && i < x->messages && i < EXCHANGE_MESSAGES_MAX; i++) {
		const struct exchange_message_row message = {
			.flow = x->flow,
			.n = i + 1,
			.ts_ns = x->message[i].ts_ns,
			.packet = x->message[i].packet,
			.dir = x->message[i].dir,
			.bytes = x->message[i].bytes,
			.what = x->message[i].what,
		};
		ok = sink->ops->put_exchange_message(sink, &message, err);
	}
	return ok;
}

bool resolve_put_exchanges(const struct resolution *res, struct error *err)
{
	const struct aggregate *a = res->a;
	const struct candidates *c = &res->c;
	struct sink *sink = res->sink;
	bool ok = true;

	for (uint32_t i = 0; ok && i < exchange_table_count(a->exchanges); i++)
		if (exchange_table_at(a->exchanges, i)->role)
			ok = put_exchange(c, exchange_table_at(a->exchanges, i), sink, err);
	for (uint32_t i = 0; ok && i < version_check_count(a->exchanges); i++) {
		const struct version_check *v = version_check_at(a->exchanges, i);
		const struct version_check_row row = {
			.flow = v->flow,
			.packet = v->packet,
			.ts_ns = v->ts_ns,
			.client = v->client,
			.server = v->server,
			.protocol = protocols[v->protocol]->name,
			.action = v->event.of.version.action,
			.version = v->event.of.version.version,
			.host = v->event.of.version.host,
			.platform = v->event.of.version.platform,
			.client_socket = client_of_host(c, v->protocol, &v->client.ip),
		};
		ok = sink->ops->put_version_check(sink, &row, err);
	}
	return ok;
}
