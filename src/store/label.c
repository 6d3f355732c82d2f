/* Which label a closed flow gets; see label.h. */
#include "store/label.h"
#include <string.h>

static const struct socket_entry *client_of_tcp(const struct candidates *c, unsigned p,
						const struct flow_record *r)
{
	const struct socket_entry *s;
	/* The client listens for TCP on the port of its UDP socket (D3). What knocks there may be anybody;
	 * one to whom it answers with payload is taken for a peer. */
	bool talked = r->side[TO_RESPONDER].payload_wire > 0 && r->side[TO_INITIATOR].payload_wire > 0;

	if (contradicted(r, protocols[p]))
		return NULL;
	s = client_of_peer(c, p, &r->initiator.ip, &r->responder);
	if (!s && talked)
		s = client_at(c, p, &r->responder);
	/* Begun before the capture: the first packet seen may be the far side's. */
	if (!s && !r->syn_seen)
		s = client_of_peer(c, p, &r->responder.ip, &r->initiator);
	if (!s && !r->syn_seen && talked)
		s = client_at(c, p, &r->initiator);
	return s;
}

static bool label_by_client(const struct candidates *c, struct flow_record *r, struct flow_row *row)
{
	for (unsigned p = 0; p < protocol_count; p++) {
		const struct socket_entry *s = NULL;
		if (r->l4 == IPPROTO_UDP) {
			s = client_at(c, p, &r->initiator);
			if (!s && !is_stray(r, p))
				s = client_at(c, p, &r->responder);
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

void label_record(const struct candidates *c, struct intern *names, struct flow_record *r,
		  struct flow_row *row)
{
	*row = (struct flow_row){ .flow = r };
	if (r->label && r->bits >= socket_table_verdict_bits(c->sockets)) {
		row->protocol = protocols[r->protocol]->name;
		row->source = LABEL_FROM_payload;
		row->bits = r->bits;
		return;
	}
	if (candidates_concern(c, r) && label_by_client(c, r, row))
		return;
	r->label = r->ndpi_label ? label_by_ndpi(names, r->ndpi_label) : NULL;
	if (r->label)
		row->source = r->ndpi_by_payload ? LABEL_FROM_libndpi : LABEL_FROM_guess;
	else
		r->label = "unknown";
}
