/* Which label a closed flow gets; see label.h. */
#include "store/label.h"
#include <string.h>

/* What a TCP flow to a peer is for: the node that took the client in over UDP is its supernode. Where UDP is
 * blocked none can, and every node is asked over TCP to be one. */
static enum flow_role role_of_tcp(const struct flow_record *r, unsigned p, const struct pair *pair)
{
	const struct protocol *protocol = protocols[p];
	bool candidate = pair->accepted ? pair->accepted_ns <= r->first_ns : !pair->spoke;
	bool supernode = protocol->supernode.first_message && candidate &&
			 r->side[TO_RESPONDER].first_size == protocol->supernode.first_message;

	return supernode ? ROLE_supernode : ROLE_node;
}

static const struct socket_entry *client_of_tcp(const struct candidates *c, unsigned p,
						const struct flow_record *r, enum flow_role *role)
{
	const struct socket_entry *s;
	const struct pair *pair = NULL;
	/* The client listens for TCP on the port of its UDP socket (D3). What knocks there may be anybody;
	 * one to whom it answers with payload is taken for a peer. */
	bool talked = r->side[TO_RESPONDER].payload_wire > 0 && r->side[TO_INITIATOR].payload_wire > 0;

	*role = ROLE_node;
	if (contradicted(r, protocols[p]))
		return NULL;
	s = client_of_peer(c, p, &r->initiator.ip, &r->responder, &pair);
	if (s)
		*role = role_of_tcp(r, p, pair);
	if (!s && talked)
		s = client_at(c, p, &r->responder);
	/* Begun before the capture: the first packet seen may be the far side's. */
	if (!s && !r->syn_seen)
		s = client_of_peer(c, p, &r->responder.ip, &r->initiator, &pair);
	if (!s && !r->syn_seen && talked)
		s = client_at(c, p, &r->initiator);
	return s;
}

/* What its own payload told of its role is better. */
static void give_role(struct flow_record *r, unsigned p, enum flow_role role)
{
	if (r->role == ROLE_none || r->protocol != (int8_t)p)
		r->role = (uint8_t)role;
}

/* Whether a dissector of the protocol found something in the flow itself. */
static bool is_matched(const struct flow_record *r, unsigned p)
{
	for (uint32_t left = r->matched; left; left &= left - 1)
		if (dissectors[__builtin_ctz(left)]->protocol == protocols[p])
			return true;
	return false;
}

/* matched: only as a protocol's that has evidence in the flow; a socket may have had two users. */
static bool label_by_client(const struct candidates *c, struct flow_record *r, struct flow_row *row,
			    bool matched)
{
	for (unsigned p = 0; p < protocol_count; p++) {
		const struct socket_entry *s = NULL;
		if (matched && !is_matched(r, p))
			continue;
		enum flow_role role = ROLE_signalling;
		if (r->l4 == IPPROTO_UDP) {
			s = client_at(c, p, &r->initiator);
			if (!s && !is_stray(r, p))
				s = client_at(c, p, &r->responder);
		} else if (r->l4 == IPPROTO_TCP) {
			s = client_of_tcp(c, p, r, &role);
		}
		if (!s)
			continue;
		r->label = r->l4 == IPPROTO_UDP ? protocols[p]->udp_label : protocols[p]->tcp_label;
		give_role(r, p, role);
		r->protocol = (int8_t)p;
		row->protocol = protocols[p]->name;
		row->source = r->l4 == IPPROTO_UDP ? LABEL_FROM_socket : LABEL_FROM_peer;
		row->bits = socket_bits(s);
		row->client = s->client;
		return true;
	}
	return false;
}

/* The next attempt at an address and port that the host has just opened in the protocol. */
static bool label_by_opening(const struct candidates *c, const struct openings *openings,
			     struct flow_record *r, struct flow_row *row)
{
	for (unsigned p = 0; p < protocol_count; p++) {
		const struct opening *before = openings_find(openings, p, r);
		if (!before || contradicted(r, protocols[p]))
			continue;
		r->label = protocols[p]->tcp_label;
		give_role(r, p, (enum flow_role)before->role);
		r->protocol = (int8_t)p;
		row->protocol = protocols[p]->name;
		row->source = LABEL_FROM_opening;
		row->bits = before->bits;
		row->client = client_of_host(c, p, &r->initiator.ip);
		return true;
	}
	return false;
}

/*
 * libndpi's name, except where it speaks of a protocol of ours: that opinion stands beside the label and is
 * no part of it, so that the two stay independent. "DNS.Skype_Teams" is DNS; "Skype_Teams.SkypeCall" is
 * unknown.
 */
static const char *label_by_ndpi(struct intern *names, const char *name)
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
		return intern(names, master);
	}
	return name;
}

void label_record(const struct candidates *c, const struct openings *openings, struct intern *names,
		  struct flow_record *r, struct flow_row *row)
{
	*row = (struct flow_row){ .flow = r };
	if (r->label && r->bits >= socket_table_verdict_bits(c->sockets)) {
		row->protocol = protocols[r->protocol]->name;
		row->source = LABEL_FROM_payload;
		row->bits = r->bits;
		if (r->role == ROLE_none && strcmp(r->label, protocols[r->protocol]->tcp_label) == 0)
			r->role = ROLE_node;
		return;
	}
	if (candidates_concern(c, r) &&
	    ((r->matched && label_by_client(c, r, row, true)) || label_by_client(c, r, row, false)))
		return;
	if (openings->count && label_by_opening(c, openings, r, row))
		return;
	r->role = ROLE_none;
	r->label = r->ndpi_label ? label_by_ndpi(names, r->ndpi_label) : NULL;
	if (r->label)
		row->source = r->ndpi_by_payload ? LABEL_FROM_libndpi : LABEL_FROM_guess;
	else
		r->label = "unknown";
}
