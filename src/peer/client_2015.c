/*
 * The start-up of 7.7.0.335 (wire C): datagrams to supernodes in bursts, connections beside them, each in the
 * next older form when it stalls, then nodes and the servers. Times are those of skype.pcap, from its first
 * DNS question (2.12 s) or from the frame that they follow.
 *
 * Left out: sign-in over TLS to the vendor's servers, which is TLS like any other, and the multicast search
 * for routers.
 */
#include "base/clock.h"
#include "peer/client_2015.h"
#include "peer/message.h"
#include <stdio.h>
#include <stdlib.h>

/* Frames 179 to 932: the ticks are 0.96 to 1.06 s apart, 1.003 s on the mean. */
#define FIRST_TRY   (389 * NS_PER_MS)   /* frame 14: a first supernode is tried over TCP */
#define FIRST_TICK  (10419 * NS_PER_MS) /* frame 179 */
#define TICK        (997 * NS_PER_MS)
#define TICK_SPREAD (13 * NS_PER_MS)
#define BURSTS      15U /* wire C2 */
#define BURST       5U
/* Connections begin with ticks, in rounds of 16: frames 222, 257, 360, 394, 428, 516, ... */
#define TRIES_FROM  5U
#define TRIES_ROUND 16U
static const uint8_t try_ticks[] = { 0, 0, 0, 1, 6, 8, 10 };
/* Wire C3: 19 of the 27 supernodes that were tried had not been asked before over UDP. */
#define UNASKED 19U

#define NODES        7U /* ordinary nodes that are tried over TCP: frames 1365 to 1571 */
#define NODES_UDP    4U
#define ROUNDS_AGAIN 4U /* wire C2: two of them four times more, 5.03 s apart */

static void step(void *self, uint64_t what);

/* What a timer is for, and what must not have changed meanwhile: session 24 bits, generation 16, slot 8,
 * detail 8, step 8. */
void client_2015_plan(struct client *c, int64_t delay_ns, enum step what, const struct place *p,
		      unsigned detail)
{
	uint64_t word = (c->session & 0xffffffU) << 40 | detail << 8 | (uint64_t)what;

	if (p)
		word |= (uint64_t)p->generation << 24 | (uint64_t)(p - c->start_2015->places) << 16;
	net_after(c->role.net, delay_ns, step, c, word);
}

int64_t client_2015_spread(struct client *c, int64_t least_ns, int64_t by_ns)
{
	return least_ns + rng_below(&c->role.rng, (uint32_t)by_ns);
}

static void ask(struct client *c, struct endpoint to, size_t size)
{
	client_ask(c, to, size, ASK_ONCE, NULL, NULL, NULL);
}

/* Wire C2: every size from 22 to 37 but 23. */
static size_t probe_size(struct rng *rng)
{
	unsigned size = rng_between(rng, 22, 36);

	return size < 23 ? size : size + 1;
}

/* The supernode that is tried as number `n`: at first such that are not asked over UDP yet, if there are
 * many. */
static const struct party *candidate(const struct client_2015 *s, uint32_t n)
{
	if (s->supernode_count > 2 * UNASKED)
		return s->supernodes[n < UNASKED ? s->supernode_count - 1 - n
						 : (n - UNASKED) % (s->supernode_count - UNASKED)];
	return s->supernodes[n % s->supernode_count];
}

static void try_supernode(struct client *c)
{
	struct client_2015 *s = c->start_2015;

	if (s->supernode_count > 0)
		client_2015_try(c, PLACE_SUPERNODE, party_public(candidate(s, s->tried++)));
}

static void tick(struct client *c)
{
	struct client_2015 *s = c->start_2015;
	/* Frames 179 to 932: one, then 5 each in the bursts, then 2 and 3 in turn. */
	unsigned n = s->tick, probes = n == 0 ? 1 : n <= BURSTS ? BURST : 2 + (n - BURSTS - 1) % 2;
	size_t unasked = s->supernode_count > 2 * UNASKED ? UNASKED : 0;

	if (s->reached)
		return;
	for (unsigned i = 0; n >= TRIES_FROM && i < sizeof try_ticks; i++)
		if ((n - TRIES_FROM) % TRIES_ROUND == try_ticks[i])
			try_supernode(c);
	for (; probes > 0 && s->asked < s->supernode_count - unasked; probes--)
		ask(c, party_public(s->supernodes[s->asked++]), probe_size(&c->role.rng));
	s->tick++;
	client_2015_plan(c, client_2015_spread(c, TICK, TICK_SPREAD), STEP_TICK, NULL, 0);
}

/* Wire C1: NAT-PMP (RFC 6886): map UDP of this port, for an hour. The router is the name server. */
static void map_port(struct client *c)
{
	const struct party *p = c->role.party;
	uint8_t high = (uint8_t)(p->address.port >> 8), low = (uint8_t)p->address.port;
	const uint8_t bytes[12] = { 0, 1, 0, 0, high, low, high, low, 0, 0, 0x0e, 0x10 };

	if (p->names)
		net_send(c->role.host, (uint16_t)rng_between(&c->role.rng, 49152, 65535),
			 (struct endpoint){ p->names->public_ip, 5351 }, bytes, sizeof bytes, PURPOSE_OTHER);
}

/* Frames 1284 to 1916: a supernode is reached. */
void client_2015_reached(struct client *c, struct place *p)
{
	static const uint16_t node_ms[NODES] = { 1485, 1485, 1485, 1485, 1990, 3270, 4265 };
	struct client_2015 *s = c->start_2015;

	if (s->reached)
		return;
	s->reached = true;
	c->state = CLIENT_CONNECTED;
	c->supernode = p->to;
	map_port(c);
	client_2015_plan(c, 19 * NS_PER_MS, STEP_LIST, NULL, 0);
	client_2015_plan(c, 901 * NS_PER_MS, STEP_NODES_UDP, NULL, 0);
	client_2015_plan(c, 1052 * NS_PER_MS, STEP_SUPERNODES_UDP, NULL, 0);
	for (unsigned i = 0; i < NODES; i++)
		client_2015_plan(c, node_ms[i] * NS_PER_MS, STEP_NODE, NULL, i);
	client_2015_plan(c, 10045 * NS_PER_MS, STEP_LOGIN, NULL, 0);
}

/* Wire C2: four at once, two of them again every 5.03 s. */
static void ask_nodes(struct client *c, unsigned round)
{
	const struct client_2015 *s = c->start_2015;

	for (size_t i = 0; i < (round == 0 ? NODES_UDP : 2U) && i < s->node_count; i++)
		ask(c, party_public(s->nodes[i]), 18);
	if (round < ROUNDS_AGAIN)
		client_2015_plan(c, 5030 * NS_PER_MS, STEP_NODES_UDP, NULL, round + 1);
}

#define NAMES 7U
static const uint16_t name_ms[NAMES] = { 0, 139, 297, 389, 451, 1021, 2024 }; /* frames 6 to 93 */

/* Wire C1: names that are asked for; one spells the version, backwards, and the platform. */
static void ask_name(struct client *c, unsigned n)
{
	static const char *const names[NAMES] = {
		"b.config.skype.com",
		"conn.skype.akadns.net",
		"api.skype.com",
		"dsn4.d.skype.net",
		NULL, /* the version */
		"ui.skype.com",
		"pipe.prd.skypedata.akadns.net",
	};
	char name[80];
	unsigned v[4];
	uint8_t bytes[MESSAGE_MAX];

	if (names[n])
		snprintf(name, sizeof name, "%s", names[n]);
	else if (sscanf(c->version->name, "%u.%u.%u.%u", &v[0], &v[1], &v[2], &v[3]) == 4)
		snprintf(name, sizeof name, "%u.%u.%u.%u.%s.rst6.r.skype.net", v[3], v[2], v[1], v[0],
			 c->version->platform);
	else
		return;
	for (int aaaa = 0; aaaa < 2; aaaa++) {
		size_t size = dns_question((uint16_t)rng_next(&c->role.rng), name, aaaa, bytes);
		net_send(c->role.host, (uint16_t)rng_between(&c->role.rng, 49152, 65535),
			 (struct endpoint){ c->role.party->names->public_ip, 53 }, bytes, size,
			 PURPOSE_OTHER);
	}
}

void client_2015_online(struct client *c)
{
	if (c->start_2015->online)
		return;
	c->start_2015->online = true;
	client_is_online(c);
}

static void try_server(struct client *c, enum place_kind kind, const struct party *server)
{
	if (server)
		client_2015_try(c, kind, party_public(server));
	else if (kind == PLACE_LOGIN)
		client_2015_online(c);
}

static void step(void *self, uint64_t what)
{
	struct client *c = self;
	struct client_2015 *s = c->start_2015;
	unsigned detail = what >> 8 & 0xff;
	enum step which = what & 0xff;

	if (!s || (c->session & 0xffffffU) != what >> 40)
		return;
	struct place *p = &s->places[what >> 16 & 0xff];
	switch (which) {
	case STEP_NAME:
		ask_name(c, detail);
		break;
	case STEP_FIRST_TRY:
		try_supernode(c);
		break;
	case STEP_TICK:
		tick(c);
		break;
	case STEP_FALLBACK:
	case STEP_GIVE_UP:
	case STEP_SPEAK:
	case STEP_HANG_UP:
		if (p->generation == (what >> 24 & 0xffff))
			client_2015_step_of(c, p, which, detail);
		break;
	case STEP_LIST:
		try_server(c, PLACE_LIST, c->role.party->list);
		break;
	case STEP_LOGIN:
		try_server(c, PLACE_LOGIN, c->role.party->login);
		break;
	case STEP_NODES_UDP:
		ask_nodes(c, detail);
		break;
	case STEP_SUPERNODES_UDP: /* frames 1349, 1350: two of them, at port 443 */
		for (size_t i = 0; i < 2 && i < s->supernode_count; i++)
			ask(c, (struct endpoint){ s->supernodes[i]->public_ip, 443 }, 18);
		break;
	case STEP_NODE:
		if (NODES_UDP + detail < s->node_count)
			client_2015_try(c, PLACE_NODE, party_public(s->nodes[NODES_UDP + detail]));
		break;
	}
}

/* --- begin and quit ---------------------------------------------------------------------------------- */

static bool is_supernode(const struct party *me, const struct party *p)
{
	if (me->cache_count > 0)
		return false; /* they are taken from there, in its order */
	return p->kind == PARTY_SUPERNODE && p->address.port == 33033; /* BS Table III */
}

static void shuffle(struct rng *rng, const struct party **list, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = rng_below(rng, (uint32_t)i);
		const struct party *p = list[j];
		list[j] = list[i - 1];
		list[i - 1] = p;
	}
}

static bool places_known(struct client *c, struct client_2015 *s)
{
	const struct scenario *all = c->role.scenario;
	const struct party *me = c->role.party;

	s->supernodes = net_alloc(c->role.net, all->parties + me->cache_count + 1, sizeof *s->supernodes);
	s->nodes = net_alloc(c->role.net, all->parties + 1, sizeof *s->nodes);
	if (!s->supernodes || !s->nodes)
		return false;
	for (size_t i = 0; i < me->cache_count; i++)
		s->supernodes[s->supernode_count++] = me->cache[i];
	for (size_t i = 0; i < all->parties; i++) {
		if (is_supernode(me, &all->party[i]))
			s->supernodes[s->supernode_count++] = &all->party[i];
		else if (party_is_stranger(me, &all->party[i]))
			s->nodes[s->node_count++] = &all->party[i];
	}
	shuffle(&c->role.rng, s->nodes, s->node_count);
	return true;
}

void client_2015_begin(struct client *c)
{
	struct client_2015 *s = net_alloc(c->role.net, 1, sizeof *s);

	c->start_2015 = s;
	c->state = CLIENT_PROBING;
	if (!s || !places_known(c, s)) {
		client_2015_quit(c);
		return;
	}
	for (unsigned i = 0; i < NAMES && c->role.party->names; i++)
		client_2015_plan(c, name_ms[i] * NS_PER_MS, STEP_NAME, NULL, i);
	client_2015_plan(c, FIRST_TRY, STEP_FIRST_TRY, NULL, 0);
	client_2015_plan(c, FIRST_TICK, STEP_TICK, NULL, 0);
}

void client_2015_quit(struct client *c)
{
	if (!c->start_2015)
		return;
	free(c->start_2015->supernodes);
	free(c->start_2015->nodes);
	free(c->start_2015);
	c->start_2015 = NULL;
}
