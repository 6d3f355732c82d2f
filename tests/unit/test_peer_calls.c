/* Calls, at both ends and through a relay: numbers and sizes of BS IV.D, IV.E and the report on 0.97. */
#include "peer/call_plan.h"
#include "peer/client.h"
#include "peer_play.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* --- what the rest of the client does ------------------------------------------------------------------- */

static struct play play;
static unsigned asked_nodes, asked_others, told_supernode, told_bytes;

uint16_t client_take_id(struct client *c, unsigned step)
{
	uint16_t id = c->next_id;

	c->next_id = (uint16_t)(c->next_id + step);
	return id;
}
void client_ask(struct client *c, struct endpoint peer, size_t size, enum asking asking,
		const uint8_t check[4], client_answer_fn answered, void *self)
{
	struct host *host = play_host_at(&play, peer);

	(void)asking;
	(void)check;
	if (host)
		asked_others++;
	else
		asked_nodes++;
	assert_true(size == 18 || size == 22);
	if (host && answered)
		answered(c, peer, 26, self);
}
void client_ask_supernode(struct client *c, size_t size, client_supernode_fn answered, void *self)
{
	(void)c;
	(void)self;
	assert_null(answered);
	told_supernode++;
	told_bytes += (unsigned)size;
}
const struct party *client_learn_node(struct client *c)
{
	(void)c;
	return NULL;
}
const struct party *scenario_party_at(const struct scenario *s, struct endpoint e)
{
	(void)s;
	(void)e;
	return NULL;
}

static void on_datagram(void *self, uint16_t port, struct endpoint from, const uint8_t *bytes, size_t size)
{
	(void)port;
	if ((bytes[2] & 0x8f) == 0x0d) /* wire A1 */
		client_call_media(self, from, size);
}
static bool on_accepted(void *self, struct link *link, uint16_t port, struct endpoint from)
{
	(void)port;
	return client_call_accepted(self, link, from);
}
static void on_opened(void *self, struct link *link)
{
	const struct client_link *l = link->data;
	if (l->opened)
		l->opened(self, link);
}
static void on_message(void *self, struct link *link, const uint8_t *bytes, size_t size)
{
	const struct client_link *l = link->data;
	if (l->message)
		l->message(self, link, bytes, size);
}
static void on_closed(void *self, struct link *link, enum link_end end)
{
	const struct client_link *l = link->data;
	l->closed(self, link, end);
}
static const struct host_handlers handlers = { on_datagram, on_accepted, on_opened, on_message, on_closed };

/* --- who there is -----------------------------------------------------------------------------------------
 */

enum { ALICE, BOB, CAROL, RELAY, OTHER_RELAY, PARTIES };
static struct party party[PARTIES];
static struct event event[8];
static struct scenario scenario;
static struct client client[3];
static struct role *relay[2];
extern const struct role_kind role_relay;
static struct error err;

static int begin(void **state)
{
	static const char *const names[PARTIES] = { "alice", "bob", "carol", "r1", "r2" };

	(void)state;
	memset(client, 0, sizeof client);
	memset(event, 0, sizeof event);
	asked_nodes = asked_others = told_supernode = told_bytes = 0;
	for (unsigned i = 0; i < PARTIES; i++) {
		party[i] = (struct party){ .number = i,
					   .kind = i < RELAY ? PARTY_CLIENT : PARTY_RELAY,
					   .inside = i == 0,
					   .address = { 0xc6336401 + i, (uint16_t)(20000 + i) },
					   .public_ip = 0xc6336401 + i,
					   .version = version_find("1.4.0.84") };
		memcpy(party[i].name, names[i], strlen(names[i]) + 1);
	}
	scenario = (struct scenario){ .path = "a.scenario",
				      .begins_ns = PLAY_BEGAN,
				      .party = party,
				      .parties = PARTIES,
				      .event = event };
	play_begin(&play);
	return 0;
}

static int finished(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		client_call_quit(&client[i]);
	for (unsigned i = 0; i < 2; i++) {
		if (relay[i])
			role_relay.free(relay[i]);
		free(relay[i]);
		relay[i] = NULL;
	}
	play_end(&play);
	return 0;
}

static void behind_nat(unsigned who, enum network network)
{
	party[who].network = network;
	party[who].address.ip = 0x0a000002 + who;
}

static void version(unsigned who, const char *name)
{
	party[who].version = version_find(name);
}

static void come_online(unsigned who)
{
	struct client *c = &client[who];

	c->role = (struct role){
		.party = &party[who], .scenario = &scenario, .net = &play.net, .rng = rng_seeded(who + 1)
	};
	c->role.host = net_attach(&play.net, &party[who], &handlers, c, &err);
	c->version = party[who].version;
	c->session++;
	c->state = CLIENT_ONLINE;
	c->udp_restricted = party[who].network == NETWORK_UDP_RESTRICTED;
}

static void relay_begins(unsigned n)
{
	relay[n] = calloc(1, role_relay.size);
	assert_non_null(relay[n]);
	*relay[n] = (struct role){ .kind = &role_relay,
				   .party = &party[RELAY + n],
				   .scenario = &scenario,
				   .net = &play.net,
				   .rng = rng_seeded(99 + n) };
	assert_true(role_relay.begin(relay[n], &err));
}

static struct event *add(int64_t second, enum verb verb, unsigned who, const struct party *whom,
			 int64_t seconds)
{
	struct event *e = &event[scenario.events++];

	*e = (struct event){ .at_ns = second * 1000000000,
			     .verb = verb,
			     .who = &party[who],
			     .whom = whom,
			     .for_ns = seconds * 1000000000,
			     .line = 10 + (unsigned)scenario.events };
	return e;
}

/* Plays the events, each to whom it names, and until the end. */
static void run(double until)
{
	for (size_t i = 0; i < scenario.events; i++) {
		play_until(&play, (double)event[i].at_ns / 1e9);
		for (unsigned c = 0; c < 3; c++)
			if (client[c].state == CLIENT_ONLINE &&
			    (event[i].who == &party[c] || event[i].whom == &party[c]))
				assert_true(client_call_event(&client[c], &event[i], &err));
		for (unsigned r = 0; r < 2; r++)
			if (relay[r])
				assert_true(role_relay.event(relay[r], &event[i], &err));
	}
	play_until(&play, until);
}

/* --- what was sent ----------------------------------------------------------------------------------------
 */

struct sum {
	unsigned messages, least, most;
	uint64_t bytes;
	double first, last, gap_least, gap_most;
};

/* Of media, or of signalling over TCP, from one party to one address, between two moments. */
static struct sum sum_of(unsigned from, struct endpoint to, bool media, double begins, double ends)
{
	struct sum s = { .least = 9999, .gap_least = 99 };

	for (size_t i = 0; i < play.sents; i++) {
		const struct play_sent *m = &play.sent[i];
		double at = play_seconds(m->at);
		if (m->from != &party[from] || m->to.ip != to.ip || (m->purpose == PURPOSE_MEDIA) != media ||
		    (!media && !m->tcp) || at < begins || at >= ends)
			continue;
		if (s.messages++ == 0)
			s.first = at;
		else if (at - s.last < s.gap_least)
			s.gap_least = at - s.last;
		if (s.messages > 1 && at - s.last > s.gap_most)
			s.gap_most = at - s.last;
		s.last = at;
		s.bytes += m->size;
		s.least = m->size < s.least ? (unsigned)m->size : s.least;
		s.most = m->size > s.most ? (unsigned)m->size : s.most;
	}
	return s;
}
#define TO(who) party_public(&party[who])

static unsigned facts_of(enum fact_kind kind, unsigned who)
{
	unsigned n = 0;

	for (size_t i = 0; i < play.facts; i++)
		n += play.fact[i].kind == kind && play.fact[i].party == &party[who];
	return n;
}

static const struct fact *fact_of(enum fact_kind kind, unsigned who, double *at)
{
	for (size_t i = 0; i < play.facts; i++)
		if (play.fact[i].kind == kind && play.fact[i].party == &party[who]) {
			*at = play_seconds(play.fact_at[i]);
			return &play.fact[i];
		}
	fail_msg("no such fact");
	return NULL;
}

#define assert_about(is, should, within)                                                                     \
	assert_true((is) >= (should) - (within) && (is) <= (should) + (within))

/* --- tests ------------------------------------------------------------------------------------------------
 */

/* BS Fig. 8 and 11: 1159 bytes in 4 messages and 1536 in 4, then 68 in 4 and 70 in 4. IV.E: 40 to 120 bytes.
 */
static void test_direct(void **state)
{
	(void)state;
	come_online(ALICE);
	come_online(BOB);
	add(10, VERB_CALLS, ALICE, &party[BOB], 9);
	run(60);

	struct sum out = sum_of(ALICE, TO(BOB), false, 10, 13),
		   in = sum_of(BOB, (struct endpoint){ TO(ALICE).ip, 0 }, false, 10, 13);
	assert_int_equal(out.messages, 4);
	assert_int_equal(out.bytes, 1159);
	assert_int_equal(in.messages, 4);
	assert_int_equal(in.bytes, 1536);
	out = sum_of(ALICE, TO(BOB), false, 22, 26);
	in = sum_of(BOB, TO(ALICE), false, 22, 26);
	assert_int_equal(out.messages, 4);
	assert_int_equal(out.bytes, 68);
	assert_int_equal(in.messages, 4);
	assert_int_equal(in.bytes, 70);

	for (unsigned who = ALICE; who <= BOB; who++) {
		struct sum talk = sum_of(who, TO(who == ALICE ? BOB : ALICE), true, 0, 60);
		assert_about(talk.messages, 300U, 1U); /* 9 s in steps of 30 ms */
		assert_about(talk.first, 13.0, 0.031);
		assert_about(talk.last, 22.0, 0.04);
		assert_true(talk.least >= 40 && talk.most <= 120);
		assert_about((double)talk.bytes / talk.messages, 63.0, 1.5); /* 16 kbit/s, 30 ms, 3 bytes */
		assert_true(talk.gap_least >= 0.0269 && talk.gap_most <= 0.0331);
		assert_int_equal(facts_of(FACT_CALL, who), 1);
		assert_int_equal(facts_of(FACT_CALL_END, who), 1);
		assert_int_equal(facts_of(FACT_HOLD, who), 0);
	}
	double at;
	const struct fact *fact = fact_of(FACT_CALL, ALICE, &at);
	assert_about(at, 13.0, 1e-6);
	assert_true(endpoint_equal(fact->far, TO(BOB)));
	assert_true(fact->began && !fact->over_tcp && !fact->relayed);
	assert_string_equal(fact->with, "bob");
	assert_string_equal(fact->codec, "iSAC 30 ms 16 kbit/s");
	assert_false(fact_of(FACT_CALL, BOB, &at)->began);
	fact_of(FACT_CALL_END, BOB, &at);
	assert_true(at > 22.0 && at < 23.1);
	/* Start of message: a counter, and function 0d (wire A1, A2). */
	uint16_t last = 0;
	unsigned seen = 0;
	for (size_t i = 0; i < play.sents; i++) {
		const struct play_sent *m = &play.sent[i];
		if (m->purpose != PURPOSE_MEDIA || m->from != &party[ALICE])
			continue;
		uint16_t id = (uint16_t)(m->head[0] << 8 | m->head[1]);
		assert_int_equal(m->head[2] & 0x8f, 0x0d);
		assert_true(seen++ == 0 || id == (uint16_t)(last + 1));
		last = id;
	}
}

/* The report on 0.97, 4.5: 67 bytes, 140 a second both ways; on hold three a second. */
static void test_beta(void **state)
{
	(void)state;
	version(ALICE, "0.97");
	version(BOB, "0.97");
	come_online(ALICE);
	come_online(BOB);
	add(10, VERB_CALLS, ALICE, &party[BOB], 40);
	add(20, VERB_HOLDS, BOB, NULL, 20);
	run(80);
	struct sum talk = sum_of(ALICE, TO(BOB), true, 13, 19);
	assert_about(talk.messages, 420U, 2U);
	assert_int_equal(talk.least, 67);
	assert_int_equal(talk.most, 67);
	struct sum hold = sum_of(ALICE, TO(BOB), true, 21, 39);
	assert_about(hold.messages, 54U, 1U);
	hold = sum_of(BOB, TO(ALICE), true, 21, 39);
	assert_about(hold.messages, 54U, 1U);
}

/* BS IV.E.2: one datagram every 3 s, and messages over TCP; both ends, whoever holds. */
static void test_hold(void **state)
{
	(void)state;
	come_online(ALICE);
	come_online(BOB);
	add(10, VERB_CALLS, ALICE, &party[BOB], 50);
	add(20, VERB_HOLDS, BOB, NULL, 30);
	run(80);
	for (unsigned who = ALICE; who <= BOB; who++) {
		struct endpoint other = TO(who == ALICE ? BOB : ALICE);
		double at;
		struct sum hold = sum_of(who, other, true, 20.1, 49.9);
		assert_about(hold.messages, 9U, 1U);
		assert_about(hold.gap_least, 3.0, 0.01);
		assert_about(sum_of(who, other, true, 50.1, 60.1).messages, 333U, 1U); /* 10 s */
		struct sum tcp = sum_of(who, other, false, 19, 49);
		assert_int_equal(tcp.messages, 3); /* every 10 s */
		assert_int_equal(facts_of(FACT_HOLD, who), 1);
		const struct fact *fact = fact_of(FACT_HOLD, who, &at);
		assert_about(play_seconds(fact->first_ns), 20.0, 1e-6);
		assert_about(play_seconds(fact->last_ns), 50.0, 1e-6);
	}
	/* It ends in order all the same. */
	assert_int_equal(sum_of(BOB, TO(ALICE), false, 63, 70).bytes, 70);
}

/* BS IV.E: through a relay over UDP; nothing goes directly. */
static void test_relayed_udp(void **state)
{
	(void)state;
	behind_nat(ALICE, NETWORK_PORT_RESTRICTED);
	behind_nat(BOB, NETWORK_PORT_RESTRICTED);
	come_online(ALICE);
	come_online(BOB);
	relay_begins(0);
	add(10, VERB_CALLS, ALICE, &party[BOB], 9)->via = &party[RELAY];
	run(60);
	assert_int_equal(asked_others, 2); /* both ask the relay */
	assert_int_equal(sum_of(ALICE, TO(BOB), true, 0, 60).messages, 0);
	struct sum up = sum_of(ALICE, TO(RELAY), true, 0, 60), down = sum_of(RELAY, TO(BOB), true, 0, 60);
	assert_about(up.messages, 300U, 1U);
	assert_int_equal(down.messages, up.messages);
	assert_int_equal(down.bytes, up.bytes);
	assert_int_equal(sum_of(RELAY, TO(ALICE), true, 0, 60).messages,
			 sum_of(BOB, TO(RELAY), true, 0, 60).messages);
	/* BS Fig. 10: the signalling goes through the relay, too. */
	assert_int_equal(sum_of(ALICE, TO(RELAY), false, 10, 13).bytes, 1159);
	assert_int_equal(sum_of(RELAY, TO(BOB), false, 10, 13).bytes, 1159);
	assert_int_equal(sum_of(RELAY, TO(ALICE), false, 10, 13).bytes, 1536);
	assert_int_equal(sum_of(RELAY, TO(BOB), false, 22, 26).bytes, 68);
	double at;
	const struct fact *fact = fact_of(FACT_CALL, BOB, &at);
	assert_true(fact->relayed && endpoint_equal(fact->far, TO(RELAY)));
	assert_int_equal(facts_of(FACT_CALL_END, BOB), 1);
}

/* BS IV.E: UDP-restricted: over TCP through another node, 30 to 90 bytes; nothing over UDP at all. */
static void test_relayed_tcp(void **state)
{
	(void)state;
	behind_nat(ALICE, NETWORK_UDP_RESTRICTED);
	behind_nat(BOB, NETWORK_UDP_RESTRICTED);
	come_online(ALICE);
	come_online(BOB);
	relay_begins(0);
	struct event *e = add(10, VERB_CALLS, ALICE, &party[BOB], 9);
	e->via = &party[RELAY];
	e->over_tcp = true;
	add(16, VERB_HOLDS, ALICE, NULL, 3);
	run(60);
	assert_int_equal(asked_others + asked_nodes, 0);
	struct sum talk = sum_of(ALICE, TO(RELAY), true, 0, 60);
	assert_about(talk.messages, 202U, 2U); /* 6 s of talk, 3 s on hold */
	assert_true(talk.least >= 18 && talk.most <= 90);
	assert_int_equal(sum_of(RELAY, TO(BOB), true, 0, 60).bytes, talk.bytes);
	for (size_t i = 0; i < play.sents; i++)
		assert_true(play.sent[i].tcp);
	double at;
	const struct fact *fact = fact_of(FACT_CALL, ALICE, &at);
	assert_true(fact->over_tcp && fact->relayed && endpoint_equal(fact->far, TO(RELAY)));
	assert_about(at, 13.0, 1e-6);
	for (size_t i = 0; i < play.links; i++)
		assert_true(play.link[i]->gone);
}

/* Over TCP without a relay: to the end that can be reached, here the caller (BS V, third set-up). */
static void test_direct_tcp(void **state)
{
	(void)state;
	behind_nat(BOB, NETWORK_UDP_RESTRICTED);
	come_online(ALICE);
	come_online(BOB);
	add(10, VERB_CALLS, ALICE, &party[BOB], 9)->over_tcp = true;
	run(60);
	double at;
	assert_true(endpoint_equal(fact_of(FACT_CALL, BOB, &at)->far, TO(ALICE)));
	assert_int_equal(fact_of(FACT_CALL, ALICE, &at)->far.ip, TO(BOB).ip);
	assert_about(sum_of(ALICE, TO(BOB), true, 0, 60).messages, 300U, 1U);
	assert_int_equal(sum_of(ALICE, TO(BOB), false, 0, 13).bytes, 1159);
}

/* Both behind NATs, and no relay: UDP both ways; what they say over TCP goes to their supernodes (BS IV.D).
 */
static void test_by_supernodes(void **state)
{
	(void)state;
	behind_nat(ALICE, NETWORK_PORT_RESTRICTED);
	behind_nat(BOB, NETWORK_PORT_RESTRICTED);
	come_online(ALICE);
	come_online(BOB);
	add(10, VERB_CALLS, ALICE, &party[BOB], 9);
	run(60);
	assert_about(sum_of(ALICE, TO(BOB), true, 0, 60).messages, 300U, 1U);
	assert_int_equal(play.links, 0);
	assert_int_equal(told_supernode, 16);
	assert_int_equal(told_bytes, 1159 + 1536 + 68 + 70);
	assert_int_equal(facts_of(FACT_CALL_END, ALICE), 1);
}

/* BS Fig. 9 and IV.D: a caller behind a NAT and a public callee. "Signaling information did not flow directly
 * between caller and callee"; "the media flowed directly between caller and callee over UDP". */
static void test_one_behind_nat(void **state)
{
	(void)state;
	behind_nat(ALICE, NETWORK_PORT_RESTRICTED);
	come_online(ALICE);
	come_online(BOB);
	add(10, VERB_CALLS, ALICE, &party[BOB], 9);
	run(60);
	assert_int_equal(play.links, 0);
	assert_int_equal(told_supernode, 16);
	assert_about(sum_of(ALICE, TO(BOB), true, 0, 60).messages, 300U, 1U);
	assert_about(sum_of(BOB, TO(ALICE), true, 0, 60).messages, 300U, 1U);
	assert_int_equal(facts_of(FACT_CALL_END, BOB), 1);
}

/* Nobody is there: refused, no media, no fact. */
static void test_not_online(void **state)
{
	(void)state;
	relay_begins(0);
	come_online(ALICE);
	add(10, VERB_CALLS, ALICE, &party[BOB], 9);
	run(60);
	behind_nat(BOB, NETWORK_PORT_RESTRICTED);
	add(70, VERB_CALLS, ALICE, &party[BOB], 9);
	scenario.events = 2;
	behind_nat(ALICE, NETWORK_PORT_RESTRICTED);
	event[0] = event[1];
	event[0].via = &party[RELAY];
	scenario.events = 1;
	run(130);
	assert_int_equal(sum_of(ALICE, TO(RELAY), false, 60, 130).messages, 1);
	for (size_t i = 0; i < play.sents; i++)
		assert_int_not_equal(play.sent[i].purpose, PURPOSE_MEDIA);
	assert_int_equal(play.facts, 0);
	for (size_t i = 0; i < play.links; i++)
		assert_true(play.link[i]->gone);
}

/* BS V: the host has both calls; no mesh. The second lasts as long as the first. */
static void test_conference(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		come_online(i);
	add(10, VERB_CALLS, BOB, &party[ALICE], 20);
	add(20, VERB_INVITES, ALICE, &party[CAROL], 0);
	run(60);
	assert_about(sum_of(ALICE, TO(BOB), true, 0, 60).last, 33.0, 0.04);
	struct sum second = sum_of(ALICE, TO(CAROL), true, 0, 60);
	assert_about(second.first, 23.0, 0.031);
	assert_about(second.last, 33.0, 0.04);
	assert_int_equal(sum_of(BOB, TO(CAROL), true, 0, 60).messages, 0);
	assert_int_equal(sum_of(CAROL, TO(BOB), true, 0, 60).messages, 0);
	assert_int_equal(facts_of(FACT_CALL, ALICE), 2);
	assert_int_equal(facts_of(FACT_CALL_END, ALICE), 2);
}

/* Whoever quits ends the call; the other end notices. */
static void test_quit(void **state)
{
	(void)state;
	come_online(ALICE);
	come_online(BOB);
	add(10, VERB_CALLS, ALICE, &party[BOB], 100);
	run(30);
	client_call_quit(&client[BOB]);
	net_detach(client[BOB].role.host);
	client[BOB].state = CLIENT_OFF;
	play_until(&play, 130);
	for (unsigned who = ALICE; who <= BOB; who++) {
		double at;
		assert_int_equal(facts_of(FACT_CALL_END, who), 1);
		fact_of(FACT_CALL_END, who, &at);
		assert_about(at, 30.0, 0.1);
		assert_true(sum_of(who, TO(who == ALICE ? BOB : ALICE), true, 0, 130).last < 30.1);
	}
}

/* Over UDP alone, when nothing has come for 10 s. */
static void test_lost(void **state)
{
	(void)state;
	behind_nat(ALICE, NETWORK_PORT_RESTRICTED);
	behind_nat(BOB, NETWORK_PORT_RESTRICTED);
	come_online(ALICE);
	come_online(BOB);
	add(10, VERB_CALLS, ALICE, &party[BOB], 100);
	run(30);
	client_call_quit(&client[BOB]);
	net_detach(client[BOB].role.host);
	play_until(&play, 130);
	double at;
	fact_of(FACT_CALL_END, ALICE, &at);
	assert_about(at, 40.0, 0.2);
}

/* Wire B4: a node that tries the port says 29, is answered 14, says 12, is answered 4. */
static void test_visitor(void **state)
{
	(void)state;
	come_online(ALICE);
	come_online(BOB);
	struct client_link visit = { .client = &client[BOB] };
	struct link *link = net_connect(client[BOB].role.host, TO(ALICE), PURPOSE_NODE, &visit);
	const uint8_t bytes[29] = { 1 };
	play_until(&play, 1);
	link_send(link, bytes, 29, PURPOSE_NODE);
	play_until(&play, 2);
	link_send(link, bytes, 12, PURPOSE_NODE);
	play_until(&play, 3);
	assert_int_equal(play.sents, 4);
	assert_int_equal(play.sent[1].size, 14);
	assert_int_equal(play.sent[3].size, 4);
	link_close(link);
	play_until(&play, 4);
}

static void refused(const struct event *e, const char *words)
{
	struct call_plan plan;

	err.text[0] = '\0';
	assert_false(call_plan(&scenario, e, &plan, &err));
	assert_string_equal(err.text, words);
}

static void test_no_call(void **state)
{
	(void)state;
	come_online(ALICE);
	struct event *e = add(10, VERB_CALLS, ALICE, &party[BOB], 9);
	behind_nat(BOB, NETWORK_UDP_RESTRICTED);
	refused(e, "a.scenario:11: bob is behind a firewall that drops UDP: its calls need `over tcp`");
	e->over_tcp = true;
	behind_nat(ALICE, NETWORK_PORT_RESTRICTED);
	refused(e, "a.scenario:11: bob cannot be reached over TCP: the call needs `via` a relay");
	e = add(30, VERB_INVITES, ALICE, &party[CAROL], 0);
	refused(e, "a.scenario:12: alice is in no call that it could invite to");
	e = add(40, VERB_HOLDS, ALICE, NULL, 9);
	assert_false(client_call_event(&client[ALICE], e, &err));
	assert_string_equal(err.text, "a.scenario:13: alice talks to nobody whom it could hold");
	client[ALICE].state = CLIENT_PROBING;
	e = add(50, VERB_CALLS, ALICE, &party[CAROL], 9);
	assert_false(client_call_event(&client[ALICE], e, &err));
	assert_string_equal(err.text, "a.scenario:14: alice is not online yet, and cannot call");
	client[ALICE].state = CLIENT_OFF;
}

/* Holds of both ends that overlap are one; what lies behind the call's end is none. */
static void test_holds_of_a_plan(void **state)
{
	(void)state;
	struct call_plan plan;
	struct event *e = add(10, VERB_CALLS, ALICE, &party[BOB], 60);
	add(20, VERB_HOLDS, ALICE, NULL, 10);
	add(25, VERB_HOLDS, BOB, NULL, 10);
	add(30, VERB_HOLDS, CAROL, NULL, 30);
	add(70, VERB_HOLDS, ALICE, NULL, 10);
	add(80, VERB_HOLDS, ALICE, NULL, 10);
	assert_true(call_plan(&scenario, e, &plan, &err));
	assert_int_equal(plan.ends_ns, 63 * INT64_C(1000000000));
	assert_int_equal(plan.holds, 2);
	assert_int_equal(plan.hold[0].first_ns, 10 * INT64_C(1000000000));
	assert_int_equal(plan.hold[0].last_ns, 25 * INT64_C(1000000000));
	assert_int_equal(plan.hold[1].last_ns, plan.ends_ns);
	assert_null(call_plan_hold(&plan, 25 * INT64_C(1000000000)));
	assert_ptr_equal(call_plan_hold(&plan, 25 * INT64_C(1000000000) - 1), &plan.hold[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_direct, begin, finished),
		cmocka_unit_test_setup_teardown(test_beta, begin, finished),
		cmocka_unit_test_setup_teardown(test_hold, begin, finished),
		cmocka_unit_test_setup_teardown(test_relayed_udp, begin, finished),
		cmocka_unit_test_setup_teardown(test_relayed_tcp, begin, finished),
		cmocka_unit_test_setup_teardown(test_direct_tcp, begin, finished),
		cmocka_unit_test_setup_teardown(test_by_supernodes, begin, finished),
		cmocka_unit_test_setup_teardown(test_one_behind_nat, begin, finished),
		cmocka_unit_test_setup_teardown(test_not_online, begin, finished),
		cmocka_unit_test_setup_teardown(test_conference, begin, finished),
		cmocka_unit_test_setup_teardown(test_quit, begin, finished),
		cmocka_unit_test_setup_teardown(test_lost, begin, finished),
		cmocka_unit_test_setup_teardown(test_visitor, begin, finished),
		cmocka_unit_test_setup_teardown(test_no_call, begin, finished),
		cmocka_unit_test_setup_teardown(test_holds_of_a_plan, begin, finished),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
