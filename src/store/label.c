/* Which label a closed flow gets; see label.h. */
#include "store/label.h"
#include "base/intern.h"
#include <stdlib.h>
#include <string.h>

/* A socket with this many different peers on high ports behaves like a node of an overlay (recognition 9). */
#define MANY_PEERS 8U
#define HIGH_PORT  1024U /* RFC 6335 section 6: system ports end here */

static bool add_candidate(void *self, struct socket_entry *s)
{
	struct candidates *c = self;

	c->entry[c->count++] = s;
	s->candidate = c->count;
	s->client = 0;
	return row_index_add(&c->by_host, hash_words(&c->key, &s->socket.ip, sizeof s->socket.ip),
			     c->count - 1);
}

bool candidates_gather(struct candidates *c, struct socket_table *sockets, struct intern *names,
		       uint32_t max_pairs, struct error *err)
{
	*c = (struct candidates){ .sockets = sockets, .names = names, .key = hash_key_random() };
	c->pairs = pair_table_new(max_pairs, err);
	c->entry = malloc((socket_table_count(sockets) + 1U) * sizeof(struct socket_entry *));
	if (!c->pairs || !c->entry || !socket_table_each(sockets, add_candidate, c, err))
		return error_memory(err, "the list of client sockets");
	return true;
}

void candidates_drop(struct candidates *c)
{
	pair_table_free(c->pairs);
	free(c->entry);
	free(c->client);
	free(c->tcp);
	row_index_drop(&c->by_host);
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

static bool starts_with(const char *text, const char *prefix)
{
	return prefix && strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Where a name of libndpi, "MASTER.APPLICATION" or "APPLICATION", speaks of this protocol itself; NULL:
 * nowhere. */
static const char *part_of_protocol(const char *name, const struct protocol *protocol)
{
	const char *dot = strchr(name, '.');

	if (starts_with(name, protocol->ndpi_prefix))
		return name;
	return dot && starts_with(dot + 1, protocol->ndpi_prefix) ? dot : NULL;
}

/* libndpi sees, by payload, something that is not this protocol. */
static bool contradicted(const struct flow_record *r, const struct protocol *protocol)
{
	return r->ndpi_label && r->ndpi_by_payload && !part_of_protocol(r->ndpi_label, protocol);
}

static bool add_udp_end(struct candidates *c, unsigned p, const struct flow_record *r, bool initiator,
			struct error *err)
{
	const struct protocol *protocol = protocols[p];
	const struct endpoint *end = initiator ? &r->initiator : &r->responder;
	struct socket_entry *s = socket_table_find(c->sockets, p, IPPROTO_UDP, end);
	uint32_t mine;

	if (!s)
		return true;
	mine = udp_dissectors(p);
	if (protocol->kind_refused >= 0 && (r->refused & mine) && !(r->matched & mine))
		socket_entry_add(s, (unsigned)protocol->kind_refused, r->first_packet);
	if (protocol->kind_other_label >= 0 && !(r->matched & mine) && contradicted(r, protocol))
		socket_entry_add(s, (unsigned)protocol->kind_other_label, r->first_packet);
	return pair_table_add(c->pairs, s->candidate, p, initiator, r, err);
}

/* The next candidate of a host, beginning with *at == 0; NULL: no more. */
static struct socket_entry *next_of_host(const struct candidates *c, const struct ip *host, uint32_t *at)
{
	uint64_t hash = hash_words(&c->key, host, sizeof *host);
	uint32_t row;

	while ((row = row_index_probe(&c->by_host, hash, at)) != ROW_NONE)
		if (ip_equal(&c->entry[row]->socket.ip, host))
			return c->entry[row];
	return NULL;
}

static bool add_tcp(struct candidates *c, const struct flow_record *r, struct error *err)
{
	void *rows = c->tcp;
	uint32_t at = 0;

	if (c->tcps >= TCP_CONTACTS_MAX || !next_of_host(c, &r->initiator.ip, &at))
		return true;
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

bool candidates_add(struct candidates *c, const struct flow_record *r, struct error *err)
{
	if (r->l4 == IPPROTO_TCP)
		return add_tcp(c, r, err);
	if (r->l4 != IPPROTO_UDP)
		return true;
	for (unsigned p = 0; p < protocol_count; p++)
		if (!add_udp_end(c, p, r, true, err) || !add_udp_end(c, p, r, false, err))
			return false;
	return true;
}

static void judge_peers(struct candidates *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		c->entry[i]->high_peers = 0;
	for (uint32_t i = 0; i < pair_table_count(c->pairs); i++) {
		const struct pair *pair = pair_table_at(c->pairs, i);
		struct socket_entry *s = c->entry[pair->client - 1];
		const struct protocol *protocol = protocols[s->protocol];
		if (pair_table_peer_at(c->pairs, pair->peer_index)->socket.port < HIGH_PORT)
			continue;
		if (++s->high_peers == MANY_PEERS && protocol->kind_many_peers >= 0)
			socket_entry_add(s, (unsigned)protocol->kind_many_peers, pair->first_packet);
	}
}

static void judge_tcp(struct candidates *c, const struct tcp_contact *t)
{
	struct socket_entry *s;
	uint32_t at = 0;

	while ((s = next_of_host(c, &t->from, &at))) {
		const struct protocol *protocol = protocols[s->protocol];
		const struct peer *peer = pair_table_peer(c->pairs, s->protocol, &t->to);
		if (protocol->kind_tcp_after_udp >= 0 && peer && peer->answered &&
		    peer->answered_ns <= t->first_ns && !(t->contradicted >> s->protocol & 1) &&
		    pair_table_find(c->pairs, s->candidate, s->protocol, &t->to))
			socket_entry_add(s, (unsigned)protocol->kind_tcp_after_udp, t->first_packet);
	}
}

void candidates_judge(struct candidates *c)
{
	judge_peers(c);
	for (uint32_t i = 0; i < c->tcps; i++)
		judge_tcp(c, &c->tcp[i]);
}

bool candidates_verdicts(struct candidates *c, uint32_t *recognised, struct error *err)
{
	*recognised = 0;
	c->client = malloc((c->count + 1U) * sizeof(struct socket_entry *));
	if (!c->client)
		return error_memory(err, "the list of clients");
	for (uint32_t i = 0; i < c->count; i++) {
		struct socket_entry *s = c->entry[i];
		enum verdict verdict = socket_verdict(c->sockets, s);
		*recognised += verdict == VERDICT_RECOGNISED;
		if (verdict == VERDICT_NONE)
			continue;
		c->client[c->clients++] = s;
		s->client = c->clients;
	}
	return true;
}

static const struct socket_entry *recognised_at(const struct candidates *c, unsigned p,
						const struct endpoint *end)
{
	const struct socket_entry *s = socket_table_find(c->sockets, p, IPPROTO_UDP, end);
	return s && socket_verdict(c->sockets, s) == VERDICT_RECOGNISED ? s : NULL;
}

/* A TCP flow from a recognised client's host to a socket that the client exchanged UDP with; of several
 * clients, the first. */
static const struct socket_entry *client_of_peer(const struct candidates *c, unsigned p,
						 const struct ip *host, const struct endpoint *far)
{
	const struct socket_entry *s, *first = NULL;
	uint32_t at = 0;

	while ((s = next_of_host(c, host, &at)))
		if (s->protocol == p && (!first || s->candidate < first->candidate) &&
		    socket_verdict(c->sockets, s) == VERDICT_RECOGNISED &&
		    pair_table_find(c->pairs, s->candidate, p, far))
			first = s;
	return first;
}

static const struct socket_entry *client_of_tcp(const struct candidates *c, unsigned p,
						const struct flow_record *r)
{
	const struct socket_entry *s;
	bool payload = r->side[0].payload_wire + r->side[1].payload_wire > 0;

	if (contradicted(r, protocols[p]))
		return NULL;
	s = client_of_peer(c, p, &r->initiator.ip, &r->responder);
	/* The client listens for TCP on the port of its UDP socket (D3); a mere SYN to it may be anybody's.
	 */
	if (!s && payload)
		s = recognised_at(c, p, &r->responder);
	/* Begun before the capture: the first packet seen may be the far side's. */
	if (!s && !r->syn_seen)
		s = client_of_peer(c, p, &r->responder.ip, &r->initiator);
	if (!s && !r->syn_seen && payload)
		s = recognised_at(c, p, &r->initiator);
	return s;
}

static bool label_by_client(const struct candidates *c, struct flow_record *r, struct flow_row *row)
{
	for (unsigned p = 0; p < protocol_count; p++) {
		const struct socket_entry *s = NULL;
		if (r->l4 == IPPROTO_UDP) {
			s = recognised_at(c, p, &r->initiator);
			if (!s)
				s = recognised_at(c, p, &r->responder);
		} else if (r->l4 == IPPROTO_TCP) {
			s = client_of_tcp(c, p, r);
		}
		if (!s)
			continue;
		r->label = r->l4 == IPPROTO_UDP ? protocols[p]->udp_label : protocols[p]->tcp_label;
		row->protocol = protocols[p]->name;
		row->source = r->l4 == IPPROTO_UDP ? LABEL_FROM_socket : LABEL_FROM_peer;
		row->bits = socket_bits(s);
		row->client = s->client;
		return true;
	}
	return false;
}

/*
 * libndpi's name, except where it speaks of a protocol of ours: that opinion stands beside the label and is
 * no part of it, so that the two stay independent. "DNS.Skype_Teams" is DNS; "Skype_Teams.SkypeCall" is
 * unknown.
 */
static const char *label_by_ndpi(const struct candidates *c, const char *name)
{
	char master[64];

	for (unsigned p = 0; p < protocol_count; p++) {
		const char *ours = part_of_protocol(name, protocols[p]);
		if (!ours)
			continue;
		size_t length = (size_t)(ours - name);
		if (length == 0 || length >= sizeof master)
			return NULL;
		memcpy(master, name, length);
		master[length] = '\0';
		return intern(c->names, master);
	}
	return name;
}

void label_record(const struct candidates *c, struct flow_record *r, struct flow_row *row)
{
	*row = (struct flow_row){ .flow = r };
	if (r->label && r->bits >= socket_table_verdict_bits(c->sockets)) {
		row->protocol = protocols[r->protocol]->name;
		row->source = LABEL_FROM_payload;
		row->bits = r->bits;
		return;
	}
	if (c->count && label_by_client(c, r, row))
		return;
	r->label = r->ndpi_label ? label_by_ndpi(c, r->ndpi_label) : NULL;
	if (r->label)
		row->source = r->ndpi_by_payload ? LABEL_FROM_libndpi : LABEL_FROM_guess;
	else
		r->label = "unknown";
}
