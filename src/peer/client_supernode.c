/* What a client's parts say to its supernode, over the one connection that it has. */
#include "peer/client.h"
#include "base/clock.h"
#include <stdlib.h>

struct supernode_request {
	struct supernode_request *next;
	size_t size;
	bool sent;
	client_supernode_fn answered;
	void *self;
};

static void send_random(struct client *c, size_t size)
{
	uint8_t random[MESSAGE_MAX];

	size = size < sizeof random ? size : sizeof random;
	rng_fill(&c->role.rng, random, size);
	client_take_id(c, size == NODES_REQUEST ? 2 : 1); /* wire A2: a request for nodes takes exactly two */
	c->supernode_sent_ns = net_now(c->role.net);
	link_send(c->supernode_link, random, size, PURPOSE_SUPERNODE);
}

static void send_next(struct client *c);

static void on_gap_over(void *self, uint64_t session)
{
	struct client *c = self;

	if (session == c->session)
		send_next(c);
}

static void request_end(struct client *c, size_t size)
{
	struct supernode_request *first = c->requests;

	c->requests = first->next;
	if (first->answered)
		first->answered(c, size, first->self);
	free(first);
}

/* One request at a time: the next message that comes is its answer, if it gets one. */
static void send_next(struct client *c)
{
	struct supernode_request *first = c->requests;
	int64_t wait = c->supernode_sent_ns + CLIENT_GAP_NS - net_now(c->role.net);

	if (!first || first->sent || !c->supernode_link)
		return;
	if (wait > 0) {
		net_after(c->role.net, wait, on_gap_over, c, c->session);
		return;
	}
	first->sent = true;
	send_random(c, first->size);
	if (first->size == ACKNOWLEDGEMENT) { /* nothing comes back, and the next one waits no longer */
		request_end(c, 0);
		send_next(c);
	}
}

void client_ask_supernode(struct client *c, size_t size, client_supernode_fn answered, void *self)
{
	struct supernode_request *request = net_alloc(c->role.net, 1, sizeof *request), **at = &c->requests;

	if (!request || !c->supernode_link) {
		free(request);
		return;
	}
	*request = (struct supernode_request){ NULL, size, false, answered, self };
	while (*at)
		at = &(*at)->next;
	*at = request;
	send_next(c);
}

void client_supernode_message(struct client *c, size_t size)
{
	if (!c->requests || !c->requests->sent)
		return;
	request_end(c, size);
	send_next(c);
}

void client_supernode_opened(struct client *c, struct link *link)
{
	c->supernode_link = link;
	c->supernode = link->far;
	c->supernode_sent_ns = 0;
}

void client_supernode_closed(struct client *c)
{
	c->supernode_link = NULL;
	c->supernode = (struct endpoint){ 0 };
	while (c->requests)
		request_end(c, 0);
}

void client_supernode_quit(struct client *c)
{
	for (struct supernode_request *r = c->requests; r; r = r->next)
		r->answered = NULL; /* the parts that waited have quit before */
	client_supernode_closed(c);
}
