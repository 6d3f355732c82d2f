/*
 * A small TCP of its own (world.h). Nothing is lost on the way but SYNs that nobody takes, so there are no
 * windows, and only these are sent again.
 */
#include "peer/virtual.h"
#include "peer/frame.h"

#define ACK_DELAY_NS (40 * NS_PER_MS) /* Linux: TCP_DELACK_MIN */
#define SYN_WAIT_NS  (3 * NS_PER_S)   /* RFC 1122 section 4.2.3.1, and twice as long every time */
#define SYNS         3U               /* at 0, 3 and 9 s */
#define PORTS_FIRST  32768U           /* of outgoing connections: Linux, ip_local_port_range */
#define PORTS        (61000U - PORTS_FIRST)

enum half_state {
	HALF_NONE, /* no SYN has come */
	HALF_SYN_SENT,
	HALF_SYN_RECEIVED,
	HALF_OPEN,
	HALF_CLOSED, /* by its program */
	HALF_GONE,   /* reset or given up: it says nothing any more */
};

struct half {
	struct link link; /* first: roles know it by this */
	struct connection *connection;
	struct station *station;           /* NULL: nobody has the address */
	struct half *next, **prev;         /* of its program's; prev NULL: its program does not hear of it */
	struct conversation *conversation; /* NULL: it is not captured at this end */
	bool near;                         /* this end, of that conversation */
	enum half_state state;
	uint32_t seq, expected;        /* next byte to send, and to come */
	unsigned unacknowledged, sent; /* segments that came; that went, by which late ACKs know */
	int64_t arrives_ns;            /* what was sent last: nothing overtakes it */
};

struct connection {
	struct half half[2]; /* 0 began it */
	enum purpose purpose;
	bool direct, once; /* of the path from 0 to 1 */
	unsigned pending;  /* events that know it */
};

struct flight { /* a segment under way */
	struct half *from;
	struct segment segment; /* its payload lies in the message */
	enum purpose purpose;
	uint8_t *message; /* whole, when this is its last segment; else NULL */
	size_t message_size;
};

bool virtual_tcp_new(struct virtual_net *v)
{
	v->connection_slab = slab_new(sizeof(struct connection), 128);
	v->flight_slab = slab_new(sizeof(struct flight), 512);
	return v->connection_slab && v->flight_slab;
}

static struct half *other(const struct half *half)
{
	struct connection *c = half->connection;

	return &c->half[half == &c->half[0]];
}

static struct virtual_net *net_of(const struct half *half)
{
	return half->connection->half[0].station->net;
}

static bool owned(const struct half *half)
{
	return half->prev;
}

static void give_to_program(struct half *half)
{
	struct station *s = half->station;

	half->next = s->links;
	half->prev = &s->links;
	if (half->next)
		half->next->prev = &half->next;
	s->links = half;
}

static void take_from_program(struct half *half)
{
	*half->prev = half->next;
	if (half->next)
		half->next->prev = half->prev;
	half->prev = NULL;
}

/* The program hears of it for the last time. */
static void tell_closed(struct half *half, enum link_end end)
{
	struct host *host = half->link.host;

	if (!owned(half))
		return;
	take_from_program(half);
	if (host->handlers->closed)
		host->handlers->closed(host->self, &half->link, end);
}

static void after(struct half *half, int64_t delay, queue_fn fn, uint64_t what)
{
	half->connection->pending++;
	virtual_at(net_of(half), net_of(half)->now + delay, fn, half, what);
}

/* At the end of every event: a connection that no event knows and no program has is over. */
static void event_done(struct connection *c)
{
	if (--c->pending == 0 && !owned(&c->half[0]) && !owned(&c->half[1]))
		slab_put(net_of(&c->half[0])->connection_slab, c);
}

static void begin_conversation(struct half *half)
{
	struct connection *c = half->connection;
	struct station *s = half->station;
	struct endpoint near = { s->party->address.ip, half->link.local_port };

	if (half == &c->half[1] && c->once) {
		half->conversation = c->half[0].conversation;
		half->near = !c->half[0].near;
	} else if (s->party->inside) {
		uint32_t client = c->purpose == PURPOSE_OTHER ? 0 : s->client;
		half->conversation = truth_conversation(s->net->truth, TRUTH_TCP, near, half->link.far,
							c->purpose, client, 0);
		half->near = true;
		virtual_memory(s->net, half->conversation);
	}
}

static void arrives(void *self, uint64_t what);

static void send_segment(struct half *half, struct flight flight)
{
	struct virtual_net *v = net_of(half);
	const struct half *to = other(half);
	struct segment *segment = &flight.segment;

	segment->seq = half->seq;
	segment->ack = segment->flags & TCP_ACK ? half->expected : 0;
	if (half->conversation)
		wire_tcp(v->wire, v->now, half->conversation, half->near, segment, flight.purpose);
	half->seq += (uint32_t)segment->size + ((segment->flags & (TCP_SYN | TCP_FIN)) != 0);
	half->unacknowledged = 0;
	half->sent++;
	if (!to->station)
		return;
	struct flight *copy = virtual_memory(v, slab_get(v->flight_slab));
	if (!copy)
		return;
	flight.from = half;
	*copy = flight;
	int64_t at = v->now + virtual_delay(half->station, to->station);
	half->arrives_ns = at > half->arrives_ns ? at : half->arrives_ns;
	half->connection->pending++;
	virtual_at(v, half->arrives_ns, arrives, copy, 0);
}

static void send_flags(struct half *half, uint8_t flags)
{
	send_segment(half,
		     (struct flight){ .segment = { .flags = flags }, .purpose = half->connection->purpose });
}

static void reset(struct half *half, uint8_t flags)
{
	half->state = HALF_GONE;
	send_flags(half, flags);
}

static void syn_unanswered(void *self, uint64_t sent)
{
	struct half *half = self;

	if (half->state == HALF_SYN_SENT && sent < SYNS) {
		half->seq--;
		send_flags(half, TCP_SYN);
		after(half, SYN_WAIT_NS << sent, syn_unanswered, sent + 1);
	} else if (half->state == HALF_SYN_SENT) {
		half->state = HALF_GONE;
		tell_closed(half, LINK_TIMEOUT);
	}
	event_done(half->connection);
}

static uint16_t next_port(struct station *s)
{
	do
		s->port = (uint16_t)((s->port + 1) % PORTS);
	while (s->port + PORTS_FIRST == s->party->address.port);
	return (uint16_t)(s->port + PORTS_FIRST);
}

struct link *virtual_connect(struct host *host, struct endpoint to, enum purpose purpose, void *data)
{
	struct station *s = station_of(host);
	struct virtual_net *v = s->net;
	uint16_t port = next_port(s);
	struct path path = virtual_path(s, port, to, TRUTH_TCP);
	struct connection *c = virtual_memory(v, slab_get(v->connection_slab));

	if (!c)
		return NULL;
	*c = (struct connection){ .purpose = purpose, .direct = path.direct, .once = path.once };
	c->half[0] = (struct half){
		.link = { .host = host, .far = to, .local_port = port, .purpose = purpose, .data = data },
		.connection = c,
		.station = s,
		.state = HALF_SYN_SENT,
		.seq = (uint32_t)rng_next(&v->rng)
	};
	c->half[1] = (struct half){ .link = { .host = path.to ? &path.to->host : NULL,
					      .far = path.seen,
					      .local_port = to.port,
					      .purpose = PURPOSE_NODE },
				    .connection = c,
				    .station = path.to };
	give_to_program(&c->half[0]);
	begin_conversation(&c->half[0]);
	send_flags(&c->half[0], TCP_SYN);
	after(&c->half[0], SYN_WAIT_NS, syn_unanswered, 1);
	return &c->half[0].link;
}

void virtual_link_send(struct link *link, const uint8_t *bytes, size_t size, enum purpose purpose)
{
	struct half *half = (struct half *)link;
	uint8_t *message = NULL;

	if (!owned(half) || half->state != HALF_OPEN || size == 0 ||
	    !(message = virtual_block(net_of(half), bytes, size)))
		return;
	for (size_t at = 0; at < size; at += FRAME_TCP_MAX) {
		bool last = size - at <= FRAME_TCP_MAX;
		struct flight flight = {
			.segment = { .flags = last ? TCP_ACK | TCP_PSH : TCP_ACK,
				     .payload = message + at,
				     .size = last ? size - at : FRAME_TCP_MAX },
			.purpose = purpose,
			.message = last ? message : NULL,
			.message_size = size,
		};
		send_segment(half, flight);
	}
}

void virtual_link_close(struct link *link)
{
	struct half *half = (struct half *)link;

	if (!owned(half))
		return;
	take_from_program(half);
	bool open = half->state == HALF_OPEN;
	half->state = HALF_CLOSED;
	if (open)
		send_flags(half, TCP_FIN | TCP_ACK);
}

void virtual_links_close(struct station *s)
{
	while (s->links)
		virtual_link_close(&s->links->link);
}

struct conversation *virtual_link_conversation(const struct link *link)
{
	return ((const struct half *)link)->conversation;
}

static bool listens(const struct station *s, uint16_t port)
{
	return station_attached(s) &&
	       (port == s->party->address.port ||
		(s->party->answers == ANSWERS_TCP && (port == 80 || port == 443))); /* BS IV.B.1 */
}

static void receive_syn(struct half *half, const struct segment *segment)
{
	struct station *s = half->station;

	half->expected = segment->seq + 1;
	if (listens(s, half->link.local_port)) {
		half->state = HALF_SYN_RECEIVED;
		half->seq = (uint32_t)rng_next(&s->net->rng);
		send_flags(half, TCP_SYN | TCP_ACK);
	} else {
		reset(half, TCP_RST | TCP_ACK);
	}
}

/* The third segment of the handshake. */
static void accept_link(struct half *half)
{
	struct host *host = &half->station->host;

	half->state = HALF_OPEN;
	if (!host->handlers || !host->handlers->accepted) {
		reset(half, TCP_RST | TCP_ACK);
		return;
	}
	give_to_program(half);
	if (host->handlers->accepted(host->self, &half->link, half->link.local_port, half->link.far) ||
	    !owned(half))
		return;
	take_from_program(half);
	reset(half, TCP_RST | TCP_ACK);
}

static void open_link(struct half *half, const struct segment *segment)
{
	struct host *host = half->link.host;

	half->state = HALF_OPEN;
	half->expected = segment->seq + 1;
	send_flags(half, TCP_ACK);
	if (host->handlers->opened)
		host->handlers->opened(host->self, &half->link);
}

static void acknowledge_late(void *self, uint64_t sent)
{
	struct half *half = self;

	if (half->sent == sent && half->state == HALF_OPEN)
		send_flags(half, TCP_ACK);
	event_done(half->connection);
}

/* An answer of the program carries the acknowledgement. */
static void receive_data(struct half *half, const struct flight *flight)
{
	struct host *host = half->link.host;

	half->expected += (uint32_t)flight->segment.size;
	half->unacknowledged++;
	if (flight->message && host->handlers->message)
		host->handlers->message(host->self, &half->link, flight->message, flight->message_size);
	if (half->unacknowledged >= 2)
		send_flags(half, TCP_ACK);
	else if (half->unacknowledged == 1)
		after(half, ACK_DELAY_NS, acknowledge_late, half->sent);
}

/* Its program closes as well: nobody here goes on talking to one who has gone. */
static void receive_fin(struct half *half)
{
	half->expected++;
	tell_closed(half, LINK_CLOSED);
	half->state = HALF_CLOSED;
	send_flags(half, TCP_FIN | TCP_ACK);
}

/* Whatever still comes to an end that was closed is answered as kernels do. */
static void receive_closed(struct half *half, const struct segment *segment)
{
	if (segment->size > 0 || segment->flags & TCP_SYN) {
		reset(half, TCP_RST);
	} else if (segment->flags & TCP_FIN) {
		half->expected++;
		send_flags(half, TCP_ACK);
	}
}

static void receive_reset(struct half *half)
{
	enum link_end end = half->state == HALF_SYN_SENT ? LINK_REFUSED : LINK_CLOSED;

	half->state = HALF_GONE;
	tell_closed(half, end);
}

static void receive(struct half *half, const struct flight *flight)
{
	const struct segment *segment = &flight->segment;

	if (segment->flags & TCP_RST)
		receive_reset(half);
	else if (half->state == HALF_NONE)
		receive_syn(half, segment);
	else if (half->state == HALF_SYN_SENT)
		open_link(half, segment);
	else if (half->state == HALF_SYN_RECEIVED && !(segment->flags & TCP_SYN))
		accept_link(half);
	else if (half->state == HALF_OPEN && segment->size > 0)
		receive_data(half, flight);
	else if (half->state == HALF_OPEN && segment->flags & TCP_FIN)
		receive_fin(half);
	else if (half->state == HALF_CLOSED)
		receive_closed(half, segment);
}

/* A first SYN is lost where a NAT lies before the receiver, and where nobody is; but the machine of an inside
 * party is there, and says that its program is not. */
static bool lost(const struct half *half)
{
	return half->state == HALF_NONE && (!half->connection->direct || !(half->station->party->inside ||
									   station_attached(half->station)));
}

static void arrives(void *self, uint64_t what)
{
	struct flight *flight = self;
	struct half *half = other(flight->from);
	struct virtual_net *v = half->station->net;
	(void)what;

	if (!lost(half)) {
		if (half->state == HALF_NONE && !half->conversation)
			begin_conversation(half);
		if (half->conversation && !half->connection->once)
			wire_tcp(v->wire, v->now, half->conversation, !half->near, &flight->segment,
				 flight->purpose);
		receive(half, flight);
	}
	if (flight->message)
		virtual_unblock(v, flight->message, flight->message_size);
	event_done(half->connection);
	slab_put(v->flight_slab, flight);
}
