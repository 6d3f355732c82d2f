/* Start-ups: which sessions begin with one, and what happens in them; see startups.h. */
#include "behave/startups.h"
#include "base/hash.h"
#include "base/row_index.h"
#include <stdlib.h>
#include <string.h>

/* What is counted once for each node of a start-up. */
enum node_kind { NODE_UDP, NODE_TCP, NODE_ECHO };
#define NODE_ASKED    1U /* UDP: as a candidate for a supernode; else before the login was done */
#define NODE_ANSWERED 2U
#define NODE_BEFORE   4U /* the login was done; also behind the supernode */
#define NODE_AFTER    8U
struct node {
	struct endpoint at; /* NODE_TCP and NODE_ECHO: port 0, the host */
	uint8_t kind, what;
	uint32_t startup;
};
_Static_assert(sizeof(struct node) == 24, "a million of them");

struct startups {
	struct startups_known known;
	struct session_list *sessions; /* by client */
	struct sessions_kept sessions_kept;
	struct startup *startup;
	uint32_t count, room;
	uint32_t *by_number; /* by_number[i]: index of number i + 1 */
	struct hash_key key;
	struct row_index by_node; /* over node[] */
	struct node *node;
	uint32_t nodes, node_room;
	struct row_index by_host; /* of the peers of the protocols with start-ups, by address */
	uint64_t refused;
};

struct startups *startups_new(const struct startups_known *known, struct error *err)
{
	struct startups *s = calloc(1, sizeof *s);

	if (s) {
		s->known = *known;
		s->key = hash_key_random();
		s->sessions = calloc(known->clients + 1U, sizeof *s->sessions);
	}
	if (s && s->sessions)
		return s;
	startups_free(s);
	error_memory(err, "the start-ups");
	return NULL;
}

void startups_free(struct startups *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; s->sessions && i < s->known.clients; i++)
		session_list_drop(&s->sessions[i]);
	free(s->sessions);
	free(s->startup);
	free(s->by_number);
	free(s->node);
	row_index_drop(&s->by_node);
	row_index_drop(&s->by_host);
	free(s);
}

/* Without data about how its clients get in, a protocol has no start-ups that could be told. */
static bool has_startups(unsigned protocol)
{
	return protocols[protocol]->supernode.question != 0;
}

bool startups_survey(struct startups *s, const struct labelled_flow *f, struct error *err)
{
	return !has_startups(f->protocol) ||
	       session_list_flow(&s->sessions[f->client - 1], f, &s->sessions_kept, err);
}

static bool has_role(const struct exchange *e, const char *role)
{
	return e->role && strcmp(e->role, role) == 0;
}

static uint32_t client_of(const struct startups *s, unsigned protocol, const struct endpoint *initiator)
{
	return s->known.client_of_host(s->known.self, protocol, &initiator->ip);
}

static void note_logins(struct startups *s)
{
	for (uint32_t i = 0; i < exchange_table_count(s->known.exchanges); i++) {
		const struct exchange *e = exchange_table_at(s->known.exchanges, i);
		uint32_t client = has_role(e, "login") ? client_of(s, e->protocol, &e->client) : 0;
		struct session *session = client ? session_at(&s->sessions[client - 1], e->first_ns) : NULL;
		if (session && e->first_ns < session->login)
			session->login = e->first_ns;
	}
}

static bool begins_with_startup(const struct startups *s, const struct session *session)
{
	int64_t limit = session->from + STARTUP_LOGIN_NS;

	if (session->login <= limit || session->opened <= limit)
		return true;
	return session->asked[SESSION_ASKED - 1] <= session->from + STARTUP_BURST_NS &&
	       session->from - s->known.first_ns >= SESSION_SILENCE_NS;
}

static bool add_startup(struct startups *s, uint32_t client, const struct session *session, struct error *err)
{
	if (s->count >= STARTUPS_MAX) {
		s->refused++;
		return true;
	}
	void *rows = s->startup;
	bool room = rows_reserve(&rows, s->count, &s->room, sizeof *s->startup);
	s->startup = rows;
	if (!room)
		return error_memory(err, "the start-ups");
	int64_t limit = session->from + STARTUP_LOGIN_NS;
	int64_t until = session->to < limit ? session->to : limit;
	s->startup[s->count++] = (struct startup){ .client = client,
						   .protocol = s->known.client[client - 1].protocol,
						   .began_ns = session->from,
						   .until_ns = until,
						   .after_ns = until,
						   .taken_in_ns = session->taken_in,
						   .udp_answer_ns = -1,
						   .tcp_first_ns = -1,
						   .supernode_ns = -1,
						   .login_ns = -1 };
	return true;
}

/* The first start-up of this client or a later one that goes on at this time or later. */
static uint32_t first_reaching(const struct startups *s, uint32_t client, int64_t ns)
{
	uint32_t low = 0, high = s->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct startup *at = &s->startup[middle];
		if (at->client < client || (at->client == client && at->after_ns < ns))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct startup *startup_of(struct startups *s, uint32_t client, int64_t ns)
{
	uint32_t i = first_reaching(s, client, ns);

	return i < s->count && s->startup[i].client == client && s->startup[i].began_ns <= ns ? &s->startup[i]
											      : NULL;
}

/* Message 4 of a login (BS IV.B, wire B3), later where the hellos come twice (wire C4). */
static int64_t answer_of(const struct exchange *e)
{
	if (e->outcome != OUTCOME_SUCCESS && e->outcome != OUTCOME_FAILURE)
		return -1;
	for (uint32_t i = 0; i < e->messages && i < EXCHANGE_MESSAGES_MAX; i++)
		if (strcmp(e->message[i].what, MESSAGE_ANSWER) == 0)
			return e->message[i].ts_ns;
	return -1;
}

/* The first login that worked; without one the last that did not. */
static void take_login(struct startup *at, const struct exchange *e)
{
	if (at->login_seen && at->outcome == OUTCOME_SUCCESS)
		return;
	at->login_seen = true;
	at->outcome = e->outcome;
	at->login_flow = e->flow;
	at->failed_ns = e->last_ns > at->failed_ns ? e->last_ns : at->failed_ns;
	int64_t answer = answer_of(e);
	at->login_ns = answer < at->began_ns ? -1 : answer - at->began_ns;
}

static void take_logins(struct startups *s)
{
	for (uint32_t i = 0; i < exchange_table_count(s->known.exchanges); i++) {
		const struct exchange *e = exchange_table_at(s->known.exchanges, i);
		uint32_t client = has_role(e, "login") ? client_of(s, e->protocol, &e->client) : 0;
		struct startup *at = client ? startup_of(s, client, e->first_ns) : NULL;
		if (at)
			take_login(at, e);
	}
	for (uint32_t i = 0; i < s->count; i++) {
		struct startup *at = &s->startup[i];
		if (at->login_ns < 0)
			continue;
		at->until_ns = at->began_ns + at->login_ns;
		at->after_ns = at->until_ns + STARTUP_AFTER_NS;
		/* The next one may follow soon. */
		if (i + 1 < s->count && at[1].client == at->client && at->after_ns >= at[1].began_ns)
			at->after_ns = at[1].began_ns - 1;
	}
}

static void take_lists(struct startups *s)
{
	for (uint32_t i = 0; i < exchange_table_count(s->known.exchanges); i++) {
		const struct exchange *e = exchange_table_at(s->known.exchanges, i);
		uint32_t client = has_role(e, "contact-list") ? client_of(s, e->protocol, &e->client) : 0;
		struct startup *at = client ? startup_of(s, client, e->first_ns) : NULL;
		if (at && !at->list_flow)
			at->list_flow = e->flow;
	}
	for (uint32_t i = 0; i < version_check_count(s->known.exchanges); i++) {
		const struct version_check *v = version_check_at(s->known.exchanges, i);
		uint32_t client = client_of(s, v->protocol, &v->client);
		struct startup *at = client ? startup_of(s, client, v->ts_ns) : NULL;
		if (at && !at->version_flow)
			at->version_flow = v->flow;
	}
}

struct numbering {
	int64_t ns;
	uint32_t index;
};

static int by_time(const void *x, const void *y)
{
	const struct numbering *a = x, *b = y;

	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

static bool give_numbers(struct startups *s, struct error *err)
{
	struct numbering *order = malloc((s->count + 1U) * sizeof *order);

	s->by_number = malloc((s->count + 1U) * sizeof *s->by_number);
	if (!order || !s->by_number) {
		free(order);
		return error_memory(err, "the start-ups");
	}
	for (uint32_t i = 0; i < s->count; i++)
		order[i] = (struct numbering){ s->startup[i].began_ns, i };
	qsort(order, s->count, sizeof *order, by_time);
	for (uint32_t i = 0; i < s->count; i++) {
		s->startup[order[i].index].number = i + 1;
		s->by_number[i] = order[i].index;
	}
	free(order);
	return true;
}

/* For lookups alone: padded and zeroed. */
struct host_key {
	struct ip ip;
	uint64_t protocol;
};

static uint64_t hash_host(const struct startups *s, unsigned protocol, const struct ip *ip)
{
	const struct host_key key = { *ip, protocol };

	return hash_words(&s->key, &key, sizeof key);
}

static const struct peer *peer_of_host(const struct startups *s, unsigned protocol, const struct ip *ip)
{
	uint32_t at = 0, row;

	while ((row = row_index_probe(&s->by_host, hash_host(s, protocol, ip), &at)) != ROW_NONE) {
		const struct peer *peer = pair_table_peer_at(s->known.pairs, row);
		if (peer->protocol == protocol && ip_equal(&peer->socket.ip, ip))
			return peer;
	}
	return NULL;
}

static bool index_hosts(struct startups *s, struct error *err)
{
	for (uint32_t i = 0; s->count && i < pair_table_peer_count(s->known.pairs); i++) {
		const struct peer *peer = pair_table_peer_at(s->known.pairs, i);
		if (!has_startups(peer->protocol) || peer_of_host(s, peer->protocol, &peer->socket.ip))
			continue;
		if (!row_index_add(&s->by_host, hash_host(s, peer->protocol, &peer->socket.ip), i))
			return error_memory(err, "the nodes' addresses");
	}
	return true;
}

bool startups_decide(struct startups *s, struct error *err)
{
	note_logins(s);
	for (uint32_t i = 0; i < s->known.clients; i++) {
		const struct session_list *l = &s->sessions[i];
		for (uint32_t j = 0; j < l->count; j++)
			if (begins_with_startup(s, &l->session[j]) &&
			    !add_startup(s, i + 1, &l->session[j], err))
				return false;
	}
	take_logins(s);
	take_lists(s);
	return give_numbers(s, err) && index_hosts(s, err);
}

static bool note_node(struct startups *s, uint32_t startup, enum node_kind kind, const struct endpoint *at,
		      unsigned what, struct error *err)
{
	const struct node node = { *at, (uint8_t)kind, (uint8_t)what, startup };
	struct node plain = node;
	uint32_t probe = 0, row;

	plain.what = 0; /* the same for all that is known of a node */
	uint64_t hash = hash_words(&s->key, &plain, sizeof plain);
	while ((row = row_index_probe(&s->by_node, hash, &probe)) != ROW_NONE) {
		struct node *known = &s->node[row];
		if (known->startup == startup && known->kind == kind && endpoint_equal(&known->at, at)) {
			known->what |= (uint8_t)what;
			return true;
		}
	}
	if (s->nodes >= STARTUP_NODES_MAX) {
		s->refused++;
		return true;
	}
	void *rows = s->node;
	bool room = rows_reserve(&rows, s->nodes, &s->node_room, sizeof *s->node);
	s->node = rows;
	if (!room || !row_index_add(&s->by_node, hash, s->nodes))
		return error_memory(err, "the nodes of the start-ups");
	s->node[s->nodes++] = node;
	return true;
}

static void note_first(int64_t *since, int64_t ns, const struct startup *at)
{
	if (*since < 0 || ns - at->began_ns < *since)
		*since = ns > at->began_ns ? ns - at->began_ns : 0;
}

static bool add_tcp(struct startups *s, struct startup *at, const struct flow_record *r, struct error *err)
{
	const struct endpoint host = { r->responder.ip, 0 };

	if (r->first_ns < at->began_ns || r->first_ns > at->until_ns)
		return true;
	note_first(&at->tcp_first_ns, r->first_ns, at);
	return note_node(s, (uint32_t)(at - s->startup), NODE_TCP, &host, NODE_ASKED, err);
}

static void add_supernode(struct startup *at, const struct labelled_flow *f)
{
	const struct flow_record *r = f->r;

	if (!supernode_works(f) || r->first_ns < at->began_ns || r->first_ns > at->after_ns)
		return;
	if (at->supernode_ns < 0 || r->first_ns - at->began_ns < at->supernode_ns) {
		at->supernode_ns = r->first_ns - at->began_ns;
		at->supernode_flow = r->first_packet;
	}
}

/* The messages of one flow in one start-up. */
static bool add_messages(struct startups *s, struct startup *at, const struct labelled_flow *f,
			 struct error *err)
{
	struct episode_reader reader = episode_reader_on(f);
	struct episode_message m;
	int64_t began = at->began_ns - at->began_ns % MESSAGE_TICK_NS;
	unsigned what = 0;

	while (episode_next(&reader, &m)) {
		if (m.ns < began)
			continue;
		if (m.ns > at->after_ns)
			break;
		if (m.ns > at->until_ns) {
			what |= m.out ? NODE_AFTER : 0;
			continue;
		}
		*(m.out ? &at->bytes_out : &at->bytes_in) += m.bytes;
		if (m.out) {
			what |= m.ns < at->taken_in_ns ? NODE_ASKED | NODE_BEFORE : NODE_BEFORE;
		} else if ((what & NODE_ASKED) && f->r->l4 == IPPROTO_UDP) {
			what |= NODE_ANSWERED;
			note_first(&at->udp_answer_ns, m.ns, at);
		}
	}
	if (f->r->l4 == IPPROTO_UDP && what)
		return note_node(s, (uint32_t)(at - s->startup), NODE_UDP, f->remote, what, err);
	return true;
}

bool startups_flow(struct startups *s, const struct labelled_flow *f, struct error *err)
{
	uint32_t i = first_reaching(s, f->client, f->r->first_ns);

	if (f->media)
		return true;
	for (; i < s->count && s->startup[i].client == f->client; i++) {
		struct startup *at = &s->startup[i];
		if (at->began_ns > f->r->last_ns)
			break;
		if (!add_messages(s, at, f, err))
			return false;
		if (f->r->l4 != IPPROTO_TCP)
			continue;
		add_supernode(at, f);
		if (f->client_is_initiator && !add_tcp(s, at, f->r, err))
			return false;
	}
	return true;
}

/* A connection to the port of a node, or to those that clients fall back to. */
static bool is_attempt(const struct startups *s, unsigned protocol, const struct flow_record *r)
{
	const uint16_t *fallback = protocols[protocol]->fallback_ports;

	if (pair_table_peer(s->known.pairs, protocol, &r->responder))
		return true;
	if (r->responder.port == 0 || (r->responder.port != fallback[0] && r->responder.port != fallback[1]))
		return false;
	return peer_of_host(s, protocol, &r->responder.ip);
}

bool startups_host_flow(struct startups *s, const struct flow_record *r, struct error *err)
{
	const struct endpoint host = { r->responder.ip, 0 };

	if (!s->count || (r->l4 != IPPROTO_TCP && !r->echo_asked))
		return true;
	for (unsigned p = 0; p < protocol_count; p++) {
		uint32_t client = has_startups(p) ? client_of(s, p, &r->initiator) : 0;
		struct startup *at = client ? startup_of(s, client, r->first_ns) : NULL;
		if (!at)
			continue;
		if (r->echo_asked &&
		    !note_node(s, (uint32_t)(at - s->startup), NODE_ECHO, &host, NODE_ASKED, err))
			return false;
		if (r->l4 == IPPROTO_TCP && is_attempt(s, p, r) && !add_tcp(s, at, r, err))
			return false;
	}
	return true;
}

void startups_finish(struct startups *s)
{
	for (uint32_t i = 0; i < s->nodes; i++) {
		const struct node *n = &s->node[i];
		struct startup *at = &s->startup[n->startup];
		if (n->kind == NODE_TCP)
			at->tcp_tried++;
		else if (n->kind == NODE_ECHO)
			at->icmp_echoes++;
		else if (n->what & NODE_ASKED)
			at->udp_asked++, at->udp_answered += (n->what & NODE_ANSWERED) != 0;
		else
			at->nodes_after += (n->what & (NODE_AFTER | NODE_BEFORE)) == NODE_AFTER;
	}
}

uint32_t startups_count(const struct startups *s)
{
	return s->count;
}

const struct startup *startups_at(const struct startups *s, uint32_t i)
{
	return &s->startup[i];
}

const struct startup *startups_numbered(const struct startups *s, uint32_t number)
{
	return &s->startup[s->by_number[number - 1]];
}

uint64_t startups_refused(const struct startups *s)
{
	return s->refused + s->sessions_kept.refused;
}
