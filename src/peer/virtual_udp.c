#include "peer/virtual.h"
#include "peer/frame.h"

#define DNS_PORT 53 /* of name servers: firewalls let it pass */

enum datagram_kind { DATAGRAM_UDP, DATAGRAM_ECHO, DATAGRAM_REPLY };
struct datagram { /* under way */
	enum datagram_kind kind;
	struct path path;
	struct endpoint to; /* as the sender wrote it */
	uint8_t *bytes;     /* UDP; NULL: it is empty */
	size_t size;
	enum purpose purpose;
	uint16_t id, number; /* echoes */
};

bool virtual_udp_new(struct virtual_net *v)
{
	return (v->datagram_slab = slab_new(sizeof(struct datagram), 512));
}

static enum truth_proto proto_of(const struct datagram *d)
{
	return d->kind == DATAGRAM_UDP ? TRUTH_UDP : TRUTH_ICMP;
}

/* At the interface of one of the ends. */
static void capture(struct station *s, struct way *way, const struct datagram *d, bool sent,
		    const uint8_t *bytes)
{
	struct virtual_net *v = s->net;
	struct conversation *c = way_conversation(s, way, &d->path, d->purpose);

	if (!c)
		return;
	if (d->kind == DATAGRAM_UDP)
		wire_udp(v->wire, v->now, c, way->near == sent, bytes, d->size, d->purpose);
	else
		wire_echo(v->wire, v->now, c, way->near == sent, d->kind == DATAGRAM_REPLY, d->id, d->number);
}

/* The firewall of a UDP-restricted party, on either side. */
static bool firewalled(const struct datagram *d)
{
	const struct path *path = &d->path;

	if (d->kind != DATAGRAM_UDP)
		return false;
	return (path->from->party->network == NETWORK_UDP_RESTRICTED && d->to.port != DNS_PORT) ||
	       (path->to->party->network == NETWORK_UDP_RESTRICTED && path->seen.port != DNS_PORT);
}

static void arrives(void *self, uint64_t what);

/* Takes everything of *d but path and bytes. */
static void dispatch(struct station *s, uint16_t from_port, struct datagram d, const uint8_t *bytes)
{
	struct virtual_net *v = s->net;
	struct way *way = way_get(s, proto_of(&d), from_port, d.to);

	if (!way)
		return;
	d.path = virtual_path(s, from_port, d.to, proto_of(&d));
	way->sent = true;
	way->sent_ns = v->now;
	if (s->party->inside)
		capture(s, way, &d, true, bytes);
	if (!d.path.to || firewalled(&d))
		return;
	struct datagram *copy = virtual_memory(v, slab_get(v->datagram_slab));
	if (!copy)
		return;
	*copy = d;
	if (d.size > 0 && !(copy->bytes = virtual_block(v, bytes, d.size)))
		return;
	virtual_at(v, way_sends(way, &d.path), arrives, copy, 0);
}

void virtual_send(struct host *host, uint16_t from_port, struct endpoint to, const uint8_t *bytes,
		  size_t size, enum purpose purpose)
{
	struct station *s = station_of(host);
	struct datagram d = { .kind = DATAGRAM_UDP, .to = to, .size = size, .purpose = purpose };

	if (size > FRAME_UDP_MAX)
		virtual_fail(s->net, EXIT_INTERNAL,
			     "a role sends a datagram that would have to be fragmented");
	else
		dispatch(s, from_port, d, bytes);
}

void virtual_ping(struct host *host, uint32_t ip)
{
	struct station *s = station_of(host);
	struct datagram d = { .kind = DATAGRAM_ECHO,
			      .to = { .ip = ip },
			      .purpose = PURPOSE_OTHER,
			      .id = s->echo,
			      .number = ++s->echoes };

	dispatch(s, 0, d, NULL);
}

/* Nobody has the port: its program has quit, perhaps with answers under way (wire B4, frame 2190). What an
 * outside party says about it makes no difference to anybody. */
static void answer_unreachable(struct station *s, const struct way *way, const struct datagram *d)
{
	struct way *icmp = way_get(s, TRUTH_ICMP, 0, (struct endpoint){ .ip = d->path.seen.ip });
	struct conversation *c = icmp ? way_conversation(s, icmp, &d->path, PURPOSE_OTHER) : NULL;

	if (c && way->conversation)
		wire_unreachable(s->net->wire, s->net->now, c, icmp->near, way->conversation, d->size);
}

static void deliver_udp(struct station *s, const struct way *way, const struct datagram *d)
{
	const struct host_handlers *handlers = s->host.handlers;

	/* A port other than its own is open to those that it has sent to from there. */
	if (handlers && (d->to.port == s->party->address.port || way->sent)) {
		if (handlers->datagram)
			handlers->datagram(s->host.self, d->to.port, d->path.seen, d->bytes, d->size);
	} else if (s->party->inside) {
		answer_unreachable(s, way, d);
	}
}

/* By the NAT: answers get in, and nobody from outside asks. */
static bool admitted(const struct datagram *d)
{
	return d->kind == DATAGRAM_ECHO ? d->path.direct : path_admitted(&d->path, proto_of(d), d->to.port);
}

static void arrives(void *self, uint64_t what)
{
	struct datagram *d = self;
	struct station *s = d->path.to;
	struct virtual_net *v = s->net;
	(void)what;

	if (admitted(d)) {
		struct way *way = way_get(s, proto_of(d), d->to.port, d->path.seen);
		if (way && s->party->inside && !d->path.once)
			capture(s, way, d, false, d->bytes);
		if (way && d->kind == DATAGRAM_UDP)
			deliver_udp(s, way, d);
		else if (way && d->kind == DATAGRAM_ECHO)
			dispatch(s, 0,
				 (struct datagram){ .kind = DATAGRAM_REPLY,
						    .to = d->path.seen,
						    .purpose = PURPOSE_OTHER,
						    .id = d->id,
						    .number = d->number },
				 NULL);
	}
	if (d->bytes)
		virtual_unblock(v, d->bytes, d->size);
	slab_put(v->datagram_slab, d);
}
