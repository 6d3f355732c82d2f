/*
 * The form of 2015: bytes against skype-wire C3 and C4, and a client, its nodes and servers on a small net
 * with a clock of its own.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/clock.h"
#include "peer/client_2015.h"
#include "peer/fact.h"
#include "peer/message.h"
#include "peer/message_2015.h"
#include "peer/node_2015.h"
#include "peer_clock.h"
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* --- bytes --------------------------------------------------------------------------------------------- */

static void equals_hex(const uint8_t *bytes, const char *hex)
{
	for (size_t i = 0; hex[2 * i]; i++) {
		char two[3] = { hex[2 * i], hex[2 * i + 1], 0 };
		assert_int_equal(bytes[i], strtoul(two, NULL, 16));
	}
}

/* Wire C3: every pad byte = (0xcd * previous + 0x71) mod 256. */
static void is_padding(const uint8_t *bytes, size_t size)
{
	for (size_t i = 1; i < size; i++)
		assert_int_equal(bytes[i], (bytes[i - 1] * 205 + 113) % 256);
}

static void hello_has_padding(void **state)
{
	struct rng rng = rng_seeded(1);
	uint8_t bytes[111], before[48] = { 0 };
	bool first[256] = { false };
	unsigned firsts = 0;

	(void)state;
	for (unsigned size = 48; size <= 111; size++)
		for (int i = 0; i < 20; i++) {
			assert_int_equal(node_hello(&rng, size, bytes), size);
			is_padding(bytes + 48, size - 48);
			assert_memory_not_equal(bytes, before, 48);
			memcpy(before, bytes, 48);
			if (size > 48 && !first[bytes[48]])
				firsts++;
			if (size > 48)
				first[bytes[48]] = true;
		}
	assert_true(firsts > 240); /* 1260 draws of 256 values miss less than two on the mean */
}

static void hello_tells_its_form(void **state)
{
	struct rng rng = rng_seeded(2);
	uint8_t bytes[111];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		unsigned size = rng_between(&rng, 48, 111);
		node_hello(&rng, size, bytes);
		assert_int_equal(node_hello_form(bytes, size), 1);
		assert_int_equal(node_hello_form(bytes, 47), 0);
		size = rng_between(&rng, 29, 73);
		assert_int_equal(node_hello_old(&rng, size, bytes), size);
		assert_int_equal(node_hello_form(bytes, size), 3);
		for (size_t cut = 0; cut < 12; cut++)
			assert_int_equal(node_hello_form(bytes, cut), 0);
		rng_fill(&rng, bytes, sizeof bytes);
		assert_int_equal(node_hello_form(bytes, sizeof bytes), 0);
	}
}

static void tls_hellos(void **state)
{
	struct rng rng = rng_seeded(3);
	uint8_t bytes[79], challenge[16];

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(tls_hello(&rng, bytes), 72);
		equals_hex(bytes, "804601030100"
				  "2d00000010"
				  "000005"
				  "000004"
				  "00000a"
				  "000009"
				  "000064"
				  "000062"
				  "000008"
				  "000003"
				  "000006"
				  "010080"
				  "0700c0"
				  "030080"
				  "060040"
				  "020080"
				  "040080");
		is_padding(bytes + 56, 16);
		assert_memory_not_equal(bytes + 56, challenge, 16);
		memcpy(challenge, bytes + 56, 16);
	}
	assert_int_equal(tls_hello_answer(bytes), 79);
	equals_hex(bytes, "160301004a020000460301401be48602ade029e17774e544b9c99cb431315e02dd779d154a9609ba"
			  "5da870201ca0e4f64c6351ae2f8e4ee1e6766a0a88d5d8c55cae98c5e481f22a69bf9058000500");
}

static void login_block(void **state)
{
	static const unsigned first[] = { 0xdf, 0xeb, 0xed, 0xe9, 0xf0, 0xfd, 0xe7 }; /* wire C4 */
	struct rng rng = rng_seeded(4);
	uint8_t bytes[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(first); i++) {
		assert_int_equal(login_block_2015(&rng, first[i], 300, bytes), 5 + first[i] + 5 + 300);
		equals_hex(bytes, "16030100");
		assert_int_equal(bytes[4], first[i]);
		equals_hex(bytes + 5, "42cdefe740d72f1d");
		equals_hex(bytes + 5 + first[i], "170301012c");
	}
}

/* --- a net --------------------------------------------------------------------------------------------- */

#define ROUND_TRIP (130 * NS_PER_MS) /* as of most supernodes of skype.pcap */
#define ENDS       512

struct end { /* of a connection */
	struct link link;
	struct end *other;
	bool client, open, closed;
	int64_t began_ns, closed_ns;
	int64_t first_ns;       /* its first message left */
	size_t first_sizes[40]; /* of what this end said */
	uint8_t first[111];
	unsigned said;
};

struct packet { /* of a connection, under way */
	struct end *to;
	size_t size; /* 0: SYN, or SYN and ACK */
	bool end;
	uint8_t bytes[LINE_MAX];
};

struct asked {
	int64_t ns;
	struct endpoint to;
	size_t size;
	uint16_t id;
};

struct world {
	struct clock_net clock;
	struct host host;
	struct end end[ENDS];
	size_t ends;
	struct packet *packet[8192];
	size_t packets;
	struct asked asked[512];
	size_t asks;
	struct fact fact[8];
	size_t facts;
	unsigned online, datagrams;
	uint16_t port_5351;
	struct scenario scenario;
	struct party party[256];
	struct role roles[256];
	struct node_2015 nodes[256];
	const struct party *cache[200];
	struct client client;
	bool silent; /* nobody is there */
};
static struct world *world;

static const struct party *party_of(struct world *w, uint32_t ip, size_t *i)
{
	for (*i = 0; *i < w->scenario.parties; (*i)++)
		if (w->party[*i].public_ip == ip)
			return &w->party[*i];
	return NULL;
}

static void arrive(void *self, uint64_t what);

static void post(struct world *w, struct end *to, const uint8_t *bytes, size_t size, bool end)
{
	struct packet *p = calloc(1, sizeof *p);

	assert_non_null(p);
	*p = (struct packet){ .to = to, .size = size, .end = end };
	if (size > 0)
		memcpy(p->bytes, bytes, size);
	w->packet[w->packets++] = p;
	clock_after(&w->clock.net, ROUND_TRIP / 2, arrive, p, 0);
}

static void fake_send(struct host *host, uint16_t from_port, struct endpoint to, const uint8_t *bytes,
		      size_t size, enum purpose purpose)
{
	(void)from_port;
	assert_int_equal(purpose, PURPOSE_OTHER);
	if (to.port == 5351) { /* wire C1 */
		assert_int_equal(size, 12);
		equals_hex(bytes, "0001000032dd32dd00000e10");
		((struct world *)host->net)->port_5351++;
	}
	((struct world *)host->net)->datagrams++;
}

static struct link *fake_connect(struct host *host, struct endpoint to, enum purpose purpose, void *data)
{
	struct world *w = (struct world *)host->net;
	struct end *near = &w->end[w->ends++], *far = &w->end[w->ends++];

	assert_true(w->ends < ENDS);
	*near = (struct end){ .link = { host, to, (uint16_t)w->ends, purpose, data },
			      .other = far,
			      .client = true,
			      .began_ns = w->clock.now };
	*far = (struct end){ .link = { host, { 0x0a000002, 50000 }, to.port, PURPOSE_NODE, NULL },
			     .other = near };
	if (!w->silent)
		post(w, far, NULL, 0, false);
	return &near->link;
}

static void fake_link_send(struct link *link, const uint8_t *bytes, size_t size, enum purpose purpose)
{
	struct end *e = (struct end *)link;

	assert_int_equal(purpose, link->purpose);
	assert_false(e->closed);
	if (e->said == 0)
		e->first_ns = clock_now(link->host->net);
	if (e->said == 0)
		memcpy(e->first, bytes, size < sizeof e->first ? size : sizeof e->first);
	if (e->said < COUNT(e->first_sizes))
		e->first_sizes[e->said] = size;
	e->said++;
	post((struct world *)link->host->net, e->other, bytes, size, false);
}

static void fake_link_close(struct link *link)
{
	struct end *e = (struct end *)link;

	assert_false(e->closed);
	e->closed = true;
	e->closed_ns = clock_now(link->host->net);
	post((struct world *)link->host->net, e->other, NULL, 0, true);
}

static void fake_tell(struct net *net, const struct fact *fact)
{
	struct world *w = (struct world *)net;

	assert_true(w->facts < COUNT(w->fact));
	w->fact[w->facts++] = *fact;
}

static void at_server(struct world *w, struct end *e, const struct packet *p)
{
	size_t i;
	static const uint8_t hello_answer[5] = { 0x17, 3, 1, 0, 0 };

	assert_non_null(party_of(w, e->other->link.far.ip, &i));
	if (p->end) {
		node_2015_closed(&w->nodes[i], &e->link);
		e->closed = true;
	} else if (p->size == 0) {
		post(w, e->other, NULL, 0, false);
	} else if (!node_2015_message(&w->nodes[i], &w->roles[i], &e->link, p->bytes, p->size)) {
		equals_hex(p->bytes, "1603010000");
		fake_link_send(&e->link, hello_answer, 5, e->link.purpose);
	}
}

static void arrive(void *self, uint64_t what)
{
	struct packet *p = self;
	struct end *e = p->to;
	struct client_link *handlers = e->link.data;

	(void)what;
	if (e->closed)
		return;
	if (!e->client) {
		at_server(world, e, p);
	} else if (p->end) {
		handlers->closed(handlers->client, &e->link, LINK_CLOSED);
		e->closed = true;
	} else if (p->size == 0) {
		e->open = true;
		handlers->opened(handlers->client, &e->link);
	} else {
		handlers->message(handlers->client, &e->link, p->bytes, p->size);
	}
}

/* What client.c has; this program has one of its own. */
uint16_t client_take_id(struct client *c, unsigned step)
{
	c->next_id = (uint16_t)(c->next_id + step);
	return (uint16_t)(c->next_id - step);
}

void client_ask(struct client *c, struct endpoint peer, size_t size, enum asking asking,
		const uint8_t check[4], client_answer_fn answered, void *self)
{
	(void)check;
	(void)self;
	assert_int_equal(asking, ASK_ONCE); /* wire C2: each with a new id */
	assert_null(answered);
	assert_true(world->asks < COUNT(world->asked));
	world->asked[world->asks++] = (struct asked){ world->clock.now, peer, size, client_take_id(c, 2) };
}

void client_is_online(struct client *c)
{
	c->state = CLIENT_ONLINE;
	world->online++;
}

static struct party *add_party(struct world *w, enum party_kind kind, enum answers answers, uint16_t port)
{
	size_t i = w->scenario.parties++;
	struct party *p = &w->party[i];

	*p = (struct party){ .kind = kind, .number = (uint32_t)i, .answers = answers };
	p->address = (struct endpoint){ (uint32_t)(0xc6120000 + i), port };
	p->public_ip = p->address.ip;
	w->roles[i] = (struct role){
		.party = p, .scenario = &w->scenario, .net = &w->clock.net, .rng = rng_seeded(i)
	};
	return p;
}

#define SUPERNODES 156U /* wire C2, C3: 137 were asked, and 19 of the 27 that were tried were others */
#define SURVIVOR   7U   /* of those asked first: frame 1258 is the 27th try */

static void setup(struct world *w, enum answers survivor)
{
	static const struct net_ops ops = { .now = clock_now,
					    .after = clock_after,
					    .send = fake_send,
					    .connect = fake_connect,
					    .link_send = fake_link_send,
					    .link_close = fake_link_close,
					    .tell = fake_tell };

	world = w;
	w->clock.net.ops = &ops;
	w->scenario.party = w->party;
	struct party *me = add_party(w, PARTY_CLIENT, ANSWERS_NOTHING, 13021);
	me->version = version_find("7.7.0.335");
	assert_non_null(me->version);
	for (unsigned i = 0; i < SUPERNODES; i++)
		w->cache[i] = add_party(w, PARTY_SUPERNODE, i == SURVIVOR ? survivor : ANSWERS_TCP,
					(uint16_t)(40001 + i % 34));
	me->cache = w->cache;
	me->cache_count = SUPERNODES;
	for (unsigned i = 0; i < 12; i++)
		(void)add_party(w, PARTY_NODE, ANSWERS_ACCEPTS, (uint16_t)(20000 + i));
	me->login = add_party(w, PARTY_LOGIN_SERVER, ANSWERS_ACCEPTS, 13392);
	me->list = add_party(w, PARTY_LIST_SERVER, ANSWERS_ACCEPTS, 12350);
	me->names = add_party(w, PARTY_NAME_SERVER, ANSWERS_ACCEPTS, 53);
	w->host = (struct host){ .net = &w->clock.net, .party = me };
	w->client = (struct client){ .role = { .party = me,
					       .scenario = &w->scenario,
					       .net = &w->clock.net,
					       .host = &w->host,
					       .rng = rng_seeded(99) },
				     .version = me->version,
				     .session = 1,
				     .next_id = 0x9b90 };
	client_2015_begin(&w->client);
}

static struct world *world_new(enum answers survivor)
{
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	setup(w, survivor);
	return w;
}

static void world_free(struct world *w)
{
	client_2015_quit(&w->client);
	for (size_t i = 0; i < COUNT(w->nodes); i++)
		node_2015_free(&w->nodes[i]);
	for (size_t i = 0; i < w->packets; i++)
		free(w->packet[i]);
	free(w);
}

static void between(int64_t ns, double least_s, double most_s)
{
	assert_true((double)ns >= least_s * 1e9 - 1);
	assert_true((double)ns <= most_s * 1e9 + 1);
}

/* The first connection to this address and port from here on. */
static struct end *connection(struct world *w, uint32_t ip, uint16_t port, size_t *from)
{
	for (; *from < w->ends; ++*from) {
		struct end *e = &w->end[*from];
		if (e->client && e->link.far.ip == ip && e->link.far.port == port) {
			++*from;
			return e;
		}
	}
	return NULL;
}

/* --- the start-up --------------------------------------------------------------------------------------- */

/* Wire C2: one, then 5 per 1.0 s in 15 bursts, then 2 or 3 per second; one per peer; 22 to 37 bytes,
 * never 23. */
static void probes(void **state)
{
	struct world *w = world_new(ANSWERS_ACCEPTS);
	unsigned bursts = 0, after = 0;
	bool size_seen[38] = { false };

	(void)state;
	clock_run(&w->clock, 65 * NS_PER_S);
	assert_int_equal(w->asks, SUPERNODES - 19);
	for (size_t i = 0; i < w->asks;) {
		size_t n = 1;
		while (i + n < w->asks && w->asked[i + n].ns == w->asked[i].ns)
			n++;
		if (i == 0)
			assert_int_equal(n, 1);
		else if (bursts < 15)
			assert_int_equal((bursts++, n), 5);
		else if (i + n < w->asks)
			assert_true((after++, n == 2 || n == 3));
		if (i > 0)
			between(w->asked[i].ns - w->asked[i - 1].ns, 0.95, 1.06); /* frames 179 to 932 */
		i += n;
	}
	assert_int_equal(bursts, 15);
	assert_true(after > 20);
	for (size_t i = 0; i < w->asks; i++) {
		assert_in_range(w->asked[i].size, 22, 37);
		assert_int_not_equal(w->asked[i].size, 23);
		size_seen[w->asked[i].size] = true;
		assert_int_equal(w->asked[i].id, 0x9b90 + 2 * i);
		assert_in_range(w->asked[i].to.port, 40001, 40034);
		for (size_t k = 0; k < i; k++)
			assert_false(endpoint_equal(w->asked[i].to, w->asked[k].to));
	}
	assert_true(size_seen[22] && size_seen[24] && size_seen[37]);
	world_free(w);
}

/* Wire C3: form 2 on 443 of the same address, 1.600-1.614 s after the SYN; both stall behind the hellos. */
static void supernodes_that_stall(void **state)
{
	struct world *w = world_new(ANSWERS_ACCEPTS);
	unsigned stalled = 0;

	(void)state;
	clock_run(&w->clock, 67 * NS_PER_S);
	for (size_t i = 0; i < w->ends; i += 2) {
		struct end *e = &w->end[i];
		size_t from = i;
		if (e->link.far.port == 443)
			continue;
		assert_int_equal(e->link.purpose, PURPOSE_SUPERNODE);
		assert_in_range(e->first_sizes[0], 48, 111);
		assert_int_equal(e->first_sizes[1], 8);
		assert_int_equal(e->said, 2);
		assert_int_equal(e->other->said, 1);
		assert_in_range(e->other->first_sizes[0], 48, 111);
		struct end *second = connection(w, e->link.far.ip, 443, &from);
		if (!second) { /* the last ones have not waited long enough */
			assert_true(w->clock.now - e->began_ns < 1614 * NS_PER_MS);
			continue;
		}
		between(second->began_ns - e->began_ns, 1.600, 1.614);
		assert_int_equal(second->first_sizes[0], 72);
		assert_in_range(second->first_sizes[1], 24, 70);
		assert_int_equal(second->said, 2);
		assert_int_equal(second->other->said, 1);
		assert_int_equal(second->other->first_sizes[0], 79);
		if (w->clock.now - e->began_ns > 16 * NS_PER_S)
			assert_true(e->closed && second->closed);
		stalled++;
	}
	assert_int_equal(stalled, 26); /* as in skype.pcap, frames 14 to 1161 */
	world_free(w);
}

/* Nobody answers a SYN: the next form is tried all the same, and slots are used again. */
static void nobody_there(void **state)
{
	struct world *w = world_new(ANSWERS_ACCEPTS);

	(void)state;
	w->silent = true;
	clock_run(&w->clock, 300 * NS_PER_S);
	assert_true(w->ends / 2 >= 200); /* 7 places each 16 s, twice */
	assert_int_equal(w->facts, 0);
	assert_int_equal(w->online, 0);
	world_free(w);
}

static void is_exchange(const struct world *w, const struct fact *f, enum purpose purpose,
			const char *outcome)
{
	assert_int_equal(f->kind, FACT_EXCHANGE);
	assert_ptr_equal(f->party, w->client.role.party);
	assert_int_equal(f->link->purpose, purpose);
	assert_string_equal(f->outcome, outcome);
	assert_string_equal(f->form, "2015");
}

/* Wire C3: the survivor, with its fixed sizes; C2: 18 bytes then; C4: the servers. */
static void survivor(void **state)
{
	static const size_t client[] = { 8, 36, 39, 4, 609, 54 }, server[] = { 8, 68, 3, 144, 4, 1440 };
	struct world *w = world_new(ANSWERS_ACCEPTS);
	size_t at = 0;

	(void)state;
	clock_run(&w->clock, 120 * NS_PER_S);
	struct end *e = connection(w, w->cache[SURVIVOR]->public_ip, w->cache[SURVIVOR]->address.port, &at);
	assert_non_null(e);
	assert_memory_equal(e->first_sizes + 1, client, sizeof client);
	assert_memory_equal(e->other->first_sizes + 1, server, sizeof server);
	assert_false(e->closed);
	assert_null(connection(w, w->cache[SURVIVOR]->public_ip, 443, &at));
	assert_int_equal(w->port_5351, 1);
	assert_int_equal(w->online, 1);

	/* four nodes, two supernodes at 443, then four times two of the nodes */
	const struct asked *a = w->asked + SUPERNODES - 19;
	assert_int_equal(w->asks, SUPERNODES - 19 + 4 + 2 + 4 * 2);
	for (unsigned i = 0; i < 4 + 2 + 4 * 2; i++)
		assert_int_equal(a[i].size, 18);
	assert_int_equal(a[4].to.port, 443);
	for (unsigned i = 0; i < 4; i++) {
		between(a[6 + 2 * i].ns - a[0].ns, 5.02 * (i + 1), 5.06 * (i + 1));
		assert_true(endpoint_equal(a[6 + 2 * i].to, a[0].to));
		assert_true(endpoint_equal(a[7 + 2 * i].to, a[1].to));
	}

	assert_int_equal(w->facts, 2);
	is_exchange(w, &w->fact[0], PURPOSE_CONTACT_LIST, "success");
	is_exchange(w, &w->fact[1], PURPOSE_LOGIN, "unknown");
	world_free(w);
}

/* Wire C4: the server gets form 1 first; 16 03 01 00 00 1.612 s after that SYN, twice. */
static void servers(void **state)
{
	struct world *w = world_new(ANSWERS_ACCEPTS);
	const struct party *all[] = { w->client.role.party->list, w->client.role.party->login };

	(void)state;
	clock_run(&w->clock, 120 * NS_PER_S);
	for (size_t i = 0; i < COUNT(all); i++) {
		size_t from = 0;
		struct end *first = connection(w, all[i]->public_ip, all[i]->address.port, &from);
		struct end *second = connection(w, all[i]->public_ip, all[i]->address.port, &from);
		assert_non_null(first);
		assert_non_null(second);
		assert_int_equal(first->link.purpose, PURPOSE_NODE);
		assert_in_range(first->first_sizes[0], 48, 111);
		assert_true(first->closed_ns ==
			    second->other->first_ns + ROUND_TRIP / 2); /* frames 1862, 1865 */
		between(second->began_ns - first->began_ns, 1.612, 1.612);
		equals_hex(second->first, "1603010000");
		assert_int_equal(second->first_sizes[1], 5);
		assert_int_equal(second->said, 3);
		assert_int_equal(second->other->first_sizes[0], 5);
		assert_int_equal(second->other->first_sizes[1], 5);
		assert_int_equal(second->other->first_sizes[2], i == 0 ? 21 : 19);
		if (i == 1)
			assert_int_equal(second->other->first_sizes[3], 7 * 19);
		assert_true(second->closed);
	}
	world_free(w);
}

/* Wire C3, form 3: 1.112-1.113 s after form 1; 17, 16 or 14 bytes behind the hellos; keep-alives 15 -> 4. */
static void nodes_in_the_old_form(void **state)
{
	struct world *w = world_new(ANSWERS_ACCEPTS);
	unsigned tried = 0, lasting = 0;

	(void)state;
	clock_run(&w->clock, 240 * NS_PER_S);
	for (size_t i = 0; i < w->scenario.parties; i++) {
		size_t from = 0;
		if (w->party[i].kind != PARTY_NODE)
			continue;
		struct end *first = connection(w, w->party[i].public_ip, w->party[i].address.port, &from);
		struct end *second = connection(w, w->party[i].public_ip, w->party[i].address.port, &from);
		if (!first)
			continue;
		tried++;
		assert_non_null(second);
		between(second->began_ns - first->began_ns, 1.112, 1.113);
		assert_true(first->closed_ns ==
			    second->other->first_ns + ROUND_TRIP / 2); /* frames 1459, 1461 */
		assert_int_equal(second->link.purpose, PURPOSE_NODE);
		assert_in_range(second->first_sizes[0], 29, 73);
		assert_in_range(second->other->first_sizes[0], 26, 73);
		assert_true(second->first_sizes[1] == 17 || second->first_sizes[1] == 16 ||
			    second->first_sizes[1] == 14);
		assert_int_equal(second->other->first_sizes[1], second->first_sizes[1] == 14 ? 18 : 14);
		if (second->closed)
			continue;
		lasting++;
		assert_true(second->other->said > 7);
		size_t last = (second->other->said < 40 ? second->other->said : 40) - 1;
		assert_int_equal(second->other->first_sizes[last], 15);
		assert_int_equal(second->first_sizes[second->said - 1], 4);
	}
	assert_int_equal(tried, 7);
	assert_int_equal(lasting, 1);
	world_free(w);
}

/* Every supernode stalls: nothing is told, and the client goes on trying. */
static void nobody_survives(void **state)
{
	struct world *w = world_new(ANSWERS_TCP);

	(void)state;
	clock_run(&w->clock, 200 * NS_PER_S);
	assert_int_equal(w->facts, 0);
	assert_int_equal(w->online, 0);
	assert_true(w->ends / 2 > 140);
	world_free(w);
}

/* It quits while all of this is under way: the timers that are left do nothing. */
static void quits(void **state)
{
	(void)state;
	for (int s = 1; s < 100; s += 7) {
		struct world *w = world_new(ANSWERS_ACCEPTS);
		clock_run(&w->clock, s * NS_PER_S);
		size_t asks = w->asks;
		client_2015_quit(&w->client);
		for (size_t i = 0; i < w->ends; i += 2) { /* net_detach() */
			w->end[i].closed = true;
			if (!w->end[i + 1].closed)
				post(w, &w->end[i + 1], NULL, 0, true);
		}
		w->client.session++;
		clock_run(&w->clock, 150 * NS_PER_S);
		assert_int_equal(w->asks, asks);
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hello_has_padding),
		cmocka_unit_test(hello_tells_its_form),
		cmocka_unit_test(tls_hellos),
		cmocka_unit_test(login_block),
		cmocka_unit_test(probes),
		cmocka_unit_test(supernodes_that_stall),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(survivor),
		cmocka_unit_test(servers),
		cmocka_unit_test(nodes_in_the_old_form),
		cmocka_unit_test(nobody_survives),
		cmocka_unit_test(quits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
