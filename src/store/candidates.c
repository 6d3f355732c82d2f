/* Sockets that have any evidence; see candidates.h. */
#include "store/candidates.h"
#include "behave/setups.h"
#include <stdlib.h>
#include <string.h>

/* A socket with this many different peers on high ports behaves like a node of an overlay (recognition 9). */
#define MANY_PEERS 8U
#define HIGH_PORT  1024U /* RFC 6335 section 6: system ports end here */

static uint64_t hash_host(const struct candidates *c, const struct ip *ip)
{
	return hash_words(&c->key, ip, sizeof *ip);
}

static struct host *find_host(const struct candidates *c, const struct ip *ip)
{
	uint64_t hash = hash_host(c, ip);
	uint32_t at = 0, row;

	if (!bloom_has(&c->hosts_met, hash))
		return NULL;
	while ((row = row_index_probe(&c->by_host, hash, &at)) != ROW_NONE)
		if (ip_equal(&c->host[row].ip, ip))
			return &c->host[row];
	return NULL;
}

static bool add_candidate(void *self, struct socket_entry *s)
{
	struct candidates *c = self;
	struct host *host = find_host(c, &s->socket.ip);

	c->entry[c->count] = s;
	c->next_of_host[c->count++] = 0;
	s->candidate = c->count;
	s->client = 0;
	bloom_add(&c->sockets_met, endpoint_hash(&c->key, 0, &s->socket));
	if (host) {
		c->next_of_host[host->last - 1] = c->count;
		host->last = c->count;
		return true;
	}
	c->host[c->hosts] = (struct host){ s->socket.ip, c->count, c->count, 0 };
	bloom_add(&c->hosts_met, hash_host(c, &s->socket.ip));
	return row_index_add(&c->by_host, hash_host(c, &s->socket.ip), c->hosts++);
}

bool candidates_gather(struct candidates *c, struct socket_table *sockets, uint32_t max_pairs,
		       struct error *err)
{
	size_t room = socket_table_count(sockets) + 1U;

	*c = (struct candidates){ .sockets = sockets, .key = hash_key_random() };
	c->pairs = pair_table_new(max_pairs, err);
	c->entry = malloc(room * sizeof(struct socket_entry *));
	c->next_of_host = malloc(room * sizeof *c->next_of_host);
	c->callers = calloc(room, sizeof *c->callers);
	c->reach = calloc(room, sizeof *c->reach);
	c->host = malloc(room * sizeof *c->host);
	if (!c->pairs || !c->entry || !c->next_of_host || !c->callers || !c->reach || !c->host ||
	    !bloom_reserve(&c->sockets_met, room) || !bloom_reserve(&c->hosts_met, room) ||
	    !socket_table_each(sockets, add_candidate, c, err))
		return error_memory(err, "the list of client sockets");
	return true;
}

void candidates_drop(struct candidates *c)
{
	pair_table_free(c->pairs);
	free(c->entry);
	free(c->next_of_host);
	free(c->callers);
	free(c->reach);
	free(c->host);
	free(c->client);
	free(c->tcp);
	row_index_drop(&c->by_host);
	bloom_drop(&c->sockets_met);
	bloom_drop(&c->hosts_met);
	bloom_drop(&c->peers_met);
	bloom_drop(&c->clients_met);
	*c = (struct candidates){ 0 };
}

/* Bits of the UDP dissectors of a protocol. */
static uint32_t udp_dissectors(unsigned protocol)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < dissector_count; i++)
		if (dissectors[i]->protocol == protocols[protocol] && dissectors[i]->l4 == IPPROTO_UDP)
			bits |= UINT32_C(1) << i;
	return bits;
}

bool contradicted(const struct flow_record *r, const struct protocol *protocol)
{
	return r->ndpi_label && r->ndpi_by_payload && !part_of_protocol(r->ndpi_label, protocol);
}

bool is_stray(const struct flow_record *r, unsigned p)
{
	uint32_t mine = udp_dissectors(p);

	return mine && (r->refused & mine) == mine && !(r->matched & mine) &&
	       r->side[TO_INITIATOR].packets == 0;
}

bool is_to_itself(const struct flow_record *r)
{
	return endpoint_equal(&r->initiator, &r->responder);
}

static bool add_udp_end(struct candidates *c, unsigned p, const struct flow_record *r,
			const struct logged_message *log, bool initiator, struct error *err)
{
	const struct protocol *protocol = protocols[p];
	const struct endpoint *end = initiator ? &r->initiator : &r->responder;
	struct socket_entry *s = socket_table_find(c->sockets, p, IPPROTO_UDP, end);

	if (!s || (!initiator && is_stray(r, p)))
		return true;
	uint32_t mine = udp_dissectors(p);
	bool matched = r->matched & mine;
	/* Only what the socket itself said can speak against it: strangers may send it anything. */
	if (!matched && (r->refused & mine) == mine && initiator)
		socket_entry_add(s, MACHINERY_REFUSED, r->first_packet);
	if (!matched && contradicted(r, protocol))
		socket_entry_add(s, MACHINERY_OTHER_LABEL, r->first_packet);
	if (!pair_table_add(c->pairs, s->candidate, p, initiator, matched, r, err))
		return false;
	int64_t ns;
	if (matched && pair_acceptance(protocol, initiator ? TO_RESPONDER : TO_INITIATOR, log, r, &ns))
		pair_table_accepted(c->pairs, s->candidate, p, initiator ? &r->responder : &r->initiator, ns);
	return true;
}

static bool add_tcp(struct candidates *c, const struct flow_record *r, struct error *err)
{
	void *rows = c->tcp;

	if (!find_host(c, &r->initiator.ip))
		return true;
	if (c->tcps >= TCP_CONTACTS_MAX) {
		c->tcps_refused++;
		return true;
	}
	bool room = rows_reserve(&rows, c->tcps, &c->tcp_room, sizeof *c->tcp);
	c->tcp = rows;
	if (!room)
		return error_memory(err, "the TCP flows of clients");
	struct tcp_contact *t = &c->tcp[c->tcps++];
	*t = (struct tcp_contact){ r->initiator.ip, r->responder, r->first_ns, r->first_packet, 0 };
	for (unsigned p = 0; p < protocol_count; p++)
		t->contradicted |= (uint32_t)contradicted(r, protocols[p]) << p;
	return true;
}

bool candidates_add(struct candidates *c, const struct flow_record *r, const struct logged_message *log,
		    struct error *err)
{
	if (r->l4 == IPPROTO_TCP)
		return add_tcp(c, r, err);
	if (r->l4 != IPPROTO_UDP || is_to_itself(r))
		return true;
	bool initiator = bloom_has(&c->sockets_met, endpoint_hash(&c->key, 0, &r->initiator));
	bool responder = bloom_has(&c->sockets_met, endpoint_hash(&c->key, 0, &r->responder));
	for (unsigned p = 0; p < protocol_count && (initiator || responder); p++)
		if ((initiator && !add_udp_end(c, p, r, log, true, err)) ||
		    (responder && !add_udp_end(c, p, r, log, false, err)))
			return false;
	return true;
}

static bool judge_peers(struct candidates *c, struct error *err)
{
	uint32_t *order = pair_table_in_order(c->pairs, err);

	if (!order)
		return false;
	for (uint32_t i = 0; i < c->count; i++)
		c->entry[i]->high_peers = 0;
	for (uint32_t i = 0; i < pair_table_count(c->pairs); i++) {
		const struct pair *pair = pair_table_at(c->pairs, order[i]);
		struct socket_entry *s = c->entry[pair->client - 1];
		if (pair_table_peer_at(c->pairs, pair->peer_index)->socket.port < HIGH_PORT)
			continue;
		if (++s->high_peers == MANY_PEERS)
			socket_entry_add(s, MACHINERY_MANY_PEERS, pair->first_packet);
	}
	free(order);
	return true;
}

static void add_caller(struct callers *c, const struct pair *pair)
{
	if (!c->flows || pair->first_ns < c->first_ns)
		c->first_ns = pair->first_ns;
	if (!c->flows || pair->last_ns > c->last_ns)
		c->last_ns = pair->last_ns;
	c->flows = true;
	/* Whom the client called first is no caller, though it may call back later. */
	if (!pair->called || pair->client_first)
		return;
	if (c->callers++ == 0 || pair->first_packet < c->first_packet)
		c->first_packet = pair->first_packet;
	c->answered += pair->call_answered;
}

static void judge_callers(struct candidates *c)
{
	for (uint32_t i = 0; i < pair_table_count(c->pairs); i++) {
		const struct pair *pair = pair_table_at(c->pairs, i);
		struct reach *reach = &c->reach[pair->client - 1];
		add_caller(&c->callers[pair->client - 1], pair);
		reach->asked += pair->client_first;
		reach->reached = reach->reached || pair->spoke || !pair->client_first;
	}
	for (uint32_t i = 0; i < c->count; i++) {
		c->entry[i]->is_called = callers_make_supernode(&c->callers[i]);
		if (c->entry[i]->is_called)
			socket_entry_add(c->entry[i], MACHINERY_CALLED, c->callers[i].first_packet);
	}
}

/* Its UDP is blocked: SETUP_ASKED_MIN peers or more were asked, and nothing ever came. */
static bool is_cut_off(const struct candidates *c, uint32_t candidate)
{
	return c->reach[candidate - 1].asked >= SETUP_ASKED_MIN && !c->reach[candidate - 1].reached;
}

/* The pair of this candidate and a peer that has answered it in the protocol; NULL: none. */
static const struct pair *spoken_pair(const struct candidates *c, const struct socket_entry *s,
				      const struct endpoint *far)
{
	const struct pair *pair = pair_table_find(c->pairs, s->candidate, s->protocol, far);

	return pair && pair->spoke ? pair : NULL;
}

static void judge_tcp(struct candidates *c, const struct tcp_contact *t, unsigned p)
{
	const struct peer *peer = pair_table_peer(c->pairs, p, &t->to);
	const struct host *host =
		peer && peer->answered && peer->answered_ns <= t->first_ns ? find_host(c, &t->from) : NULL;
	uint32_t walked = 0;

	if (!host || t->contradicted >> p & 1)
		return;
	for (uint32_t i = host->first; i && walked++ < HOST_CANDIDATES_MAX; i = c->next_of_host[i - 1]) {
		struct socket_entry *s = c->entry[i - 1];
		if (s->protocol == p && spoken_pair(c, s, &t->to))
			socket_entry_add(s, MACHINERY_TCP_AFTER_UDP, t->first_packet);
	}
}

/* Its TCP connections prove that the host runs the protocol: once for each socket. */
static void judge_hosts(struct candidates *c, const struct openings *openings)
{
	for (uint32_t i = 0; i < openings->count; i++) {
		const struct opening *o = &openings->opening[i];
		struct host *host = find_host(c, &o->host);
		uint32_t walked = 0;
		if (!host || host->opened >> o->protocol & 1)
			continue;
		host->opened |= UINT32_C(1) << o->protocol;
		for (uint32_t n = host->first; n && walked++ < HOST_CANDIDATES_MAX;
		     n = c->next_of_host[n - 1])
			if (c->entry[n - 1]->protocol == o->protocol)
				socket_entry_add(c->entry[n - 1], MACHINERY_HOST_TCP, o->first_packet);
	}
}

bool candidates_judge(struct candidates *c, const struct openings *openings, struct error *err)
{
	uint32_t peers = pair_table_peer_count(c->pairs);

	if (!bloom_reserve(&c->peers_met, peers))
		return error_memory(err, "the peers of clients");
	if (!judge_peers(c, err))
		return false;
	judge_callers(c);
	for (uint32_t i = 0; i < peers; i++)
		bloom_add(&c->peers_met, endpoint_hash(&c->key, 0, &pair_table_peer_at(c->pairs, i)->socket));
	judge_hosts(c, openings);
	for (uint32_t i = 0; i < c->count; i++)
		socket_judge_randomness(c->entry[i]);
	for (uint32_t i = 0; i < c->tcps; i++) {
		/* Nearly every TCP flow ends here: its far end is nobody's peer. */
		if (!bloom_has(&c->peers_met, endpoint_hash(&c->key, 0, &c->tcp[i].to)))
			continue;
		for (unsigned p = 0; p < protocol_count; p++)
			judge_tcp(c, &c->tcp[i], p);
	}
	return true;
}

bool candidates_verdicts(struct candidates *c, uint32_t *recognised, struct error *err)
{
	*recognised = 0;
	c->client = malloc((c->count + 1U) * sizeof(struct socket_entry *));
	if (!c->client || !bloom_reserve(&c->clients_met, c->count))
		return error_memory(err, "the list of clients");
	for (uint32_t i = 0; i < c->count; i++) {
		struct socket_entry *s = c->entry[i];
		enum verdict verdict = socket_verdict(c->sockets, s);
		if (verdict == VERDICT_RECOGNISED) {
			++*recognised;
			bloom_add(&c->clients_met, endpoint_hash(&c->key, 0, &s->socket));
		}
		if (verdict == VERDICT_NONE)
			continue;
		c->client[c->clients++] = s;
		s->client = c->clients;
	}
	return true;
}

bool candidates_concern(const struct candidates *c, const struct flow_record *r)
{
	uint64_t initiator = endpoint_hash(&c->key, 0, &r->initiator),
		 responder = endpoint_hash(&c->key, 0, &r->responder);

	return bloom_has(&c->clients_met, initiator) || bloom_has(&c->clients_met, responder) ||
	       (r->l4 == IPPROTO_TCP &&
		(bloom_has(&c->peers_met, initiator) || bloom_has(&c->peers_met, responder)));
}

bool candidates_have_host(const struct candidates *c, const struct ip *ip)
{
	return find_host(c, ip) != NULL;
}

static bool is_recognised(const struct candidates *c, const struct socket_entry *s)
{
	return s && socket_verdict(c->sockets, s) == VERDICT_RECOGNISED;
}

const struct socket_entry *client_at(const struct candidates *c, unsigned p, const struct endpoint *end)
{
	const struct socket_entry *s = socket_table_find(c->sockets, p, IPPROTO_UDP, end);

	return is_recognised(c, s) ? s : NULL;
}

const struct socket_entry *client_of_peer(const struct candidates *c, unsigned p, const struct ip *host_ip,
					  const struct endpoint *far, const struct pair **pair)
{
	const struct host *host = pair_table_peer(c->pairs, p, far) ? find_host(c, host_ip) : NULL;
	uint32_t walked = 0;

	for (uint32_t i = host ? host->first : 0; i && walked++ < HOST_CANDIDATES_MAX;
	     i = c->next_of_host[i - 1]) {
		const struct socket_entry *s = c->entry[i - 1];
		*pair = s->protocol == p ? pair_table_find(c->pairs, s->candidate, p, far) : NULL;
		/* Those that it asked in vain it asks again over TCP (BS Fig. 3, IV.B.6). */
		if (*pair && ((*pair)->spoke || (*pair)->client_first) && is_recognised(c, s))
			return s;
	}
	return NULL;
}

uint32_t client_of_host(const struct candidates *c, unsigned p, const struct ip *host_ip)
{
	const struct host *host = find_host(c, host_ip);
	uint32_t walked = 0;

	for (uint32_t i = host ? host->first : 0; i && walked++ < HOST_CANDIDATES_MAX;
	     i = c->next_of_host[i - 1])
		if (c->entry[i - 1]->protocol == p && is_recognised(c, c->entry[i - 1]))
			return c->entry[i - 1]->client;
	return 0;
}

bool candidates_cut_off(const struct candidates *c, unsigned p, const struct ip *host_ip)
{
	const struct host *host = find_host(c, host_ip);
	uint32_t walked = 0;

	for (uint32_t i = host ? host->first : 0; i && walked++ < HOST_CANDIDATES_MAX;
	     i = c->next_of_host[i - 1])
		if (c->entry[i - 1]->protocol == p && is_cut_off(c, i) && is_recognised(c, c->entry[i - 1]))
			return true;
	return false;
}

bool candidates_second_connection(const struct candidates *c, const struct flow_record *r)
{
	for (uint32_t i = 0; r->l4 == IPPROTO_TCP && i < c->tcps; i++) {
		const struct tcp_contact *t = &c->tcp[i];
		if (t->first_packet < r->first_packet && t->first_ns >= r->first_ns - CALL_SETUP_MAX_NS &&
		    ip_equal(&t->from, &r->initiator.ip) && endpoint_equal(&t->to, &r->responder))
			return true;
	}
	return false;
}
