/*
 * A net for tests of the reference peer's client: beside clock and timers (peer_clock.h) it has a diary of
 * what the client did. Nobody answers but the test.
 */
#ifndef FS_TEST_PEER_CLIENT_PLAY_H
#define FS_TEST_PEER_CLIENT_PLAY_H
#include "base/clock.h"
#include "peer/client.h"
#include "peer/fact.h"
#include "peer_clock.h"
#include <stdlib.h>
#include <string.h>

#define OWN     0x0a000002U /* 10.0.0.2 */
#define PUBLIC  0xc6336407U /* 198.51.100.7 */
#define NODES   40U
#define ENTRIES 1024U

enum entry_kind { DATAGRAM, CONNECT, SAID, CLOSED };
struct entry { /* what the client did */
	enum entry_kind kind;
	int64_t ns;
	struct endpoint to;
	size_t size;
	uint8_t bytes[64];
};
struct play {
	struct clock_net clock; /* first */
	struct host host;
	unsigned entries, up, down;
	struct entry entry[ENTRIES];
	struct link link[64];
	unsigned links;
	struct fact fact; /* the last one with an outcome */
	struct scenario scenario;
	struct party party[NODES + 2]; /* the client, supernodes or nodes, the login server */
	const struct party *cache[NODES];
	struct role *role;
};

static struct play *play_of(const struct net *net)
{
	return (struct play *)net;
}

static void note(struct play *p, enum entry_kind kind, struct endpoint to, const uint8_t *bytes, size_t size)
{
	struct entry *e = &p->entry[p->entries++];

	assert_true(p->entries < ENTRIES);
	*e = (struct entry){ .kind = kind, .ns = p->clock.now, .to = to, .size = size };
	if (bytes)
		memcpy(e->bytes, bytes, size < sizeof e->bytes ? size : sizeof e->bytes);
}

static struct host *play_attach(struct net *net, const struct party *party, const struct host_handlers *h,
				void *self, struct error *err)
{
	struct play *p = play_of(net);

	(void)err;
	p->host = (struct host){ net, party, h, self };
	return &p->host;
}

static void play_detach(struct host *host)
{
	play_of(host->net)->host.handlers = NULL;
}

static void play_send(struct host *host, uint16_t from_port, struct endpoint to, const uint8_t *bytes,
		      size_t size, enum purpose purpose)
{
	(void)purpose;
	assert_true(from_port == host->party->address.port);
	note(play_of(host->net), DATAGRAM, to, bytes, size);
}

static void play_ping(struct host *host, uint32_t ip)
{
	(void)host;
	(void)ip;
}

static struct link *play_connect(struct host *host, struct endpoint to, enum purpose purpose, void *data)
{
	struct play *p = play_of(host->net);
	struct link *link = &p->link[p->links++];

	assert_true(p->links < 64);
	*link = (struct link){ host, to, 1024, purpose, data };
	note(p, CONNECT, to, NULL, 0);
	return link;
}

static void play_link_send(struct link *link, const uint8_t *bytes, size_t size, enum purpose purpose)
{
	(void)purpose;
	note(play_of(link->host->net), SAID, link->far, bytes, size);
}

static void play_link_close(struct link *link)
{
	note(play_of(link->host->net), CLOSED, link->far, NULL, 0);
}

static void play_tell(struct net *net, const struct fact *fact)
{
	struct play *p = play_of(net);

	p->up += fact->kind == FACT_UP;
	p->down += fact->kind == FACT_DOWN;
	if (fact->outcome)
		p->fact = *fact;
}

static const struct net_ops ops = {
	.now = clock_now,
	.after = clock_after,
	.attach = play_attach,
	.detach = play_detach,
	.send = play_send,
	.ping = play_ping,
	.connect = play_connect,
	.link_send = play_link_send,
	.link_close = play_link_close,
	.tell = play_tell,
};

/* Runs the timers of so many milliseconds. */
static void pass(struct play *p, int64_t ms)
{
	clock_run(&p->clock, p->clock.now + ms * NS_PER_MS);
}

extern const struct role_kind role_client;

static void event(struct play *p, enum verb verb)
{
	struct event e = { .verb = verb, .who = &p->party[0] };
	struct error err;

	assert_true(role_client.event(p->role, &e, &err));
}

/* A client with a host cache of so many supernodes, the first of them at 192.0.2.1:20000; it starts. */
static struct play *play_new(const char *version, unsigned cached)
{
	struct play *p = calloc(1, sizeof *p);
	struct error err;

	assert_non_null(p);
	p->clock.net.ops = &ops;
	p->scenario = (struct scenario){ .path = "test", .party = p->party, .parties = NODES + 2 };
	for (unsigned i = 0; i < NODES + 2; i++) {
		struct party *party = &p->party[i];

		party->number = i;
		party->kind = i == 0 ? PARTY_CLIENT : i <= cached ? PARTY_SUPERNODE : PARTY_NODE;
		party->address = (struct endpoint){ 0xc0000200U + i, (uint16_t)(19999 + i) };
		party->public_ip = party->address.ip;
	}
	p->party[0].address = (struct endpoint){ OWN, 31000 };
	p->party[0].public_ip = PUBLIC;
	p->party[0].version = version_find(version);
	p->party[NODES + 1].kind = PARTY_LOGIN_SERVER;
	p->party[0].login = &p->party[NODES + 1];
	for (unsigned i = 0; i < cached; i++)
		p->cache[i] = &p->party[i + 1];
	p->party[0].cache = p->cache;
	p->party[0].cache_count = cached;
	p->role = calloc(1, role_client.size);
	assert_non_null(p->role);
	*p->role =
		(struct role){ &role_client, &p->party[0], &p->scenario, &p->clock.net, NULL, rng_seeded(7) };
	assert_true(role_client.begin(p->role, &err));
	event(p, VERB_STARTS);
	return p;
}

static void play_free(struct play *p)
{
	role_client.free(p->role);
	free(p->role);
	free(p);
}

/* A message 02 of a node to the client, which it knows under `to`. */
static void answer(struct play *p, struct endpoint from, uint32_t to, size_t size, enum sense sense)
{
	static struct rng rng = { { 1, 2, 3, 4 } };
	uint8_t bytes[MESSAGE_MAX], check[4];

	message_check(&rng, sense, check);
	message_payload(&rng, 0x4711, (struct addressing){ from.ip, to }, check, size, bytes);
	p->host.handlers->datagram(p->role, 31000, from, bytes, size);
}

static void said(struct play *p, struct link *link, size_t size)
{
	static const uint8_t bytes[1024];

	p->host.handlers->message(p->role, link, bytes, size);
}
#endif
