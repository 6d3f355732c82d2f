/*
 * A net for tests of roles: virtual time, one way always takes WAY_NS, no capture. Everything that was sent,
 * and every fact, is kept in a list. Not more than a few parties, connections and messages.
 */
#ifndef FS_TESTS_PEER_PLAY_H
#define FS_TESTS_PEER_PLAY_H
#include "peer/fact.h"
#include "peer/scenario.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define WAY_NS     INT64_C(40000000)
#define PLAY_BEGAN INT64_C(1130835600000000000)
#define PLAY_HOSTS 8U

struct play_link {
	struct link link; /* first */
	struct play_link *other;
	struct endpoint to;
	bool gone; /* closed at this end */
};
enum play_what {
	PLAY_TIMER,
	PLAY_DATAGRAM,
	PLAY_CONNECT,
	PLAY_OPENED,
	PLAY_MESSAGE,
	PLAY_CLOSED,
	PLAY_REFUSED
};
struct play_action {
	enum play_what what;
	int64_t at;
	uint64_t serial, argument;
	net_timer_fn fn;
	void *self;
	struct play_link *link; /* at the end where it happens; CONNECT: that connects */
	struct endpoint from, to;
	uint8_t bytes[1472];
	size_t size;
};
struct play_sent {
	int64_t at;
	const struct party *from;
	struct endpoint to;
	size_t size;
	uint8_t head[3];
	bool tcp;
	enum purpose purpose;
};
struct play {
	struct net net; /* first */
	int64_t now;
	uint64_t serial;
	struct host host[PLAY_HOSTS];
	bool attached[PLAY_HOSTS];
	struct play_action **action;
	size_t actions, action_room;
	struct play_link *link[64];
	size_t links;
	struct play_sent *sent;
	size_t sents, sent_room;
	struct fact fact[64];
	int64_t fact_at[64];
	size_t facts;
};

static inline struct play *play_of(const struct net *net)
{
	return (struct play *)net;
}

static struct play_action *play_add(struct play *p, enum play_what what, int64_t delay)
{
	if (p->actions == p->action_room) {
		p->action_room = p->action_room ? 2 * p->action_room : 64;
		p->action = realloc(p->action, p->action_room * sizeof(struct play_action *));
		assert(p->action);
	}
	struct play_action *a = calloc(1, sizeof *a);
	assert(a);
	a->what = what;
	a->at = p->now + delay;
	a->serial = p->serial++;
	return p->action[p->actions++] = a;
}

static void play_note(struct play *p, const struct host *from, struct endpoint to, const uint8_t *bytes,
		      size_t size, bool tcp, enum purpose purpose)
{
	if (p->sents == p->sent_room) {
		p->sent_room = p->sent_room ? 2 * p->sent_room : 1024;
		p->sent = realloc(p->sent, p->sent_room * sizeof *p->sent);
		assert(p->sent);
	}
	struct play_sent *s = &p->sent[p->sents++];
	*s = (struct play_sent){
		.at = p->now, .from = from->party, .to = to, .size = size, .tcp = tcp, .purpose = purpose
	};
	memcpy(s->head, bytes, size < 3 ? size : 3);
}

static struct host *play_host_at(struct play *p, struct endpoint e)
{
	for (unsigned i = 0; i < PLAY_HOSTS; i++)
		if (p->attached[i] && endpoint_equal(party_public(p->host[i].party), e))
			return &p->host[i];
	return NULL;
}

static int64_t play_now(const struct net *net)
{
	return play_of(net)->now;
}
static void play_after(struct net *net, int64_t delay, net_timer_fn fn, void *self, uint64_t what)
{
	struct play_action *a = play_add(play_of(net), PLAY_TIMER, delay);

	a->fn = fn;
	a->self = self;
	a->argument = what;
}
static struct host *play_attach(struct net *net, const struct party *party, const struct host_handlers *h,
				void *self, struct error *err)
{
	struct play *p = play_of(net);
	unsigned i = 0;

	(void)err;
	while (p->attached[i])
		assert(++i < PLAY_HOSTS);
	p->attached[i] = true;
	p->host[i] = (struct host){ net, party, h, self };
	return &p->host[i];
}
static void play_send(struct host *host, uint16_t port, struct endpoint to, const uint8_t *bytes, size_t size,
		      enum purpose purpose)
{
	struct play *p = play_of(host->net);
	struct play_action *a = play_add(p, PLAY_DATAGRAM, WAY_NS);

	play_note(p, host, to, bytes, size, false, purpose);
	a->from = (struct endpoint){ host->party->public_ip, port };
	a->to = to;
	memcpy(a->bytes, bytes, size);
	a->size = size;
}
static struct play_link *play_link_new(struct play *p, struct host *host, enum purpose purpose)
{
	struct play_link *l = calloc(1, sizeof *l);

	assert(l && p->links < sizeof p->link / sizeof p->link[0]);
	l->link.host = host;
	l->link.purpose = purpose;
	p->link[p->links++] = l;
	return l;
}
static struct link *play_connect(struct host *host, struct endpoint to, enum purpose purpose, void *data)
{
	struct play *p = play_of(host->net);
	struct play_link *l = play_link_new(p, host, purpose);

	l->link.data = data;
	l->link.far = to;
	l->link.local_port = (uint16_t)(1024 + p->links);
	play_add(p, PLAY_CONNECT, WAY_NS)->link = l;
	return &l->link;
}
static void play_link_send(struct link *link, const uint8_t *bytes, size_t size, enum purpose purpose)
{
	struct play_link *l = (struct play_link *)link;
	struct play *p = play_of(link->host->net);
	struct play_action *a = play_add(p, PLAY_MESSAGE, WAY_NS);

	assert(l->other && !l->gone && size > 0);
	play_note(p, link->host, link->far, bytes, size, true, purpose);
	a->link = l->other;
	memcpy(a->bytes, bytes, size);
	a->size = size;
}
static void play_link_close(struct link *link)
{
	struct play_link *l = (struct play_link *)link;

	assert(!l->gone);
	l->gone = true;
	if (l->other)
		play_add(play_of(link->host->net), PLAY_CLOSED, WAY_NS)->link = l->other;
}
static void play_detach(struct host *host)
{
	struct play *p = play_of(host->net);

	for (size_t i = 0; i < p->links; i++)
		if (p->link[i]->link.host == host && !p->link[i]->gone)
			play_link_close(&p->link[i]->link);
	p->attached[host - p->host] = false;
}
static void play_tell(struct net *net, const struct fact *fact)
{
	struct play *p = play_of(net);

	assert(p->facts < sizeof p->fact / sizeof p->fact[0]);
	p->fact_at[p->facts] = p->now;
	p->fact[p->facts++] = *fact;
}
static const struct net_ops play_ops = { .now = play_now,
					 .after = play_after,
					 .attach = play_attach,
					 .detach = play_detach,
					 .send = play_send,
					 .connect = play_connect,
					 .link_send = play_link_send,
					 .link_close = play_link_close,
					 .tell = play_tell };

static void play_happens_connect(struct play *p, struct play_link *l)
{
	struct host *host = play_host_at(p, l->link.far);
	struct endpoint from = { l->link.host->party->public_ip, l->link.local_port };

	if (l->gone)
		return;
	struct play_link *other = host ? play_link_new(p, host, PURPOSE_NODE) : NULL;
	if (other) {
		other->link.far = from;
		other->other = l;
	}
	/* As over real sockets, the connection is there before the accepting end has decided. */
	l->other = other;
	if (!other || !host->handlers->accepted(host->self, &other->link, l->link.far.port, from)) {
		l->other = NULL;
		play_add(p, PLAY_REFUSED, WAY_NS)->link = l;
		return;
	}
	play_add(p, PLAY_OPENED, WAY_NS)->link = l;
}

static void play_happens(struct play *p, struct play_action *a)
{
	struct host *host = a->what == PLAY_DATAGRAM ? play_host_at(p, a->to) : NULL;

	if (a->what == PLAY_TIMER)
		a->fn(a->self, a->argument);
	else if (host)
		host->handlers->datagram(host->self, a->to.port, a->from, a->bytes, a->size);
	else if (a->what == PLAY_CONNECT)
		play_happens_connect(p, a->link);
	if (!a->link || a->link->gone || a->what == PLAY_CONNECT)
		return;
	struct link *link = &a->link->link;
	host = link->host;
	if (a->what == PLAY_OPENED && host->handlers->opened) {
		host->handlers->opened(host->self, link);
	} else if (a->what == PLAY_MESSAGE && host->handlers->message) {
		host->handlers->message(host->self, link, a->bytes, a->size);
	} else if (a->what == PLAY_CLOSED || a->what == PLAY_REFUSED) {
		host->handlers->closed(host->self, link, a->what == PLAY_CLOSED ? LINK_CLOSED : LINK_REFUSED);
		a->link->gone = true;
	}
}

/* Until this many seconds since PLAY_BEGAN. */
static void play_until(struct play *p, double seconds)
{
	int64_t end = PLAY_BEGAN + (int64_t)(seconds * 1e9);

	for (;;) {
		size_t first = 0;
		for (size_t i = 1; i < p->actions; i++)
			if (p->action[i]->at < p->action[first]->at ||
			    (p->action[i]->at == p->action[first]->at &&
			     p->action[i]->serial < p->action[first]->serial))
				first = i;
		if (p->actions == 0 || p->action[first]->at > end)
			break;
		struct play_action *a = p->action[first];
		p->action[first] = p->action[--p->actions];
		p->now = a->at;
		play_happens(p, a);
		free(a);
	}
	p->now = end;
}

static void play_begin(struct play *p)
{
	*p = (struct play){ .net = { .ops = &play_ops }, .now = PLAY_BEGAN };
}

static void play_end(struct play *p)
{
	while (p->actions > 0)
		free(p->action[--p->actions]);
	for (size_t i = 0; i < p->links; i++)
		free(p->link[i]);
	free(p->action);
	free(p->sent);
}

static inline double play_seconds(int64_t ns)
{
	return (double)(ns - PLAY_BEGAN) / 1e9;
}
#endif
