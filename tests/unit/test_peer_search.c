/* User searches: who is asked what, when, and how many (BS IV.C, Figs. 5-7; wire A4; report on 0.97, 4.3). */
#include "peer/client.h"
#include "peer_play.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { ALICE, BOB, SUPERNODE, LOGIN, FIRST_NODE, NODES = 80, PARTIES = FIRST_NODE + NODES };
static struct play play;
static struct party party[PARTIES];
static const struct party *cache[12];
static struct event event;
static struct scenario scenario;
static struct client client;
static struct error err;

/* --- what the rest of the client does ------------------------------------------------------------------- */

static struct {
	int64_t at;
	uint32_t who;
	size_t size;
	enum asking asking;
} asked[200];
static unsigned asks, requests, request_bytes;
static size_t request_size[40];
static int64_t request_at[40];
static client_answer_fn answered_fn;
static client_supernode_fn supernode_fn;
static bool supernode_gone;
static const struct party *met_online; /* NULL: nobody */
static unsigned silent;                /* every so many-th node does not answer; 0: all do */

uint16_t client_take_id(struct client *c, unsigned step)
{
	(void)step;
	return c->next_id++;
}
const struct party *scenario_party_at(const struct scenario *s, struct endpoint e)
{
	for (size_t i = 0; i < s->parties; i++)
		if (endpoint_equal(party_public(&s->party[i]), e))
			return &s->party[i];
	return NULL;
}
bool client_online_met(const struct client *c, const struct party *node)
{
	(void)c;
	return node == met_online;
}
const struct party *client_learn_node(struct client *c)
{
	return &party[FIRST_NODE + c->nodes_learned++ % NODES];
}
static void node_answers(void *self, uint64_t who)
{
	(void)self;
	answered_fn(&client, party_public(&party[who]), silent && who % silent == 0 ? 0 : 18, NULL);
}
void client_ask(struct client *c, struct endpoint peer, size_t size, enum asking asking,
		const uint8_t check[4], client_answer_fn answered, void *self)
{
	const struct party *p = scenario_party_at(&scenario, peer);

	assert_non_null(p);
	assert_true(!check && !self && asks < 200);
	asked[asks].at = play.now;
	asked[asks].who = p->number;
	asked[asks].size = size;
	asked[asks++].asking = asking;
	answered_fn = answered;
	/* Whoever does not answer is given up after 10 s: an answer of size 0. */
	net_after(c->role.net, silent && p->number % silent == 0 ? 10000000000 : 100000000, node_answers, c,
		  p->number);
}
static void supernode_answers(void *self, uint64_t size)
{
	(void)self;
	supernode_fn(&client, supernode_gone ? 0 : size, NULL);
}
void client_ask_supernode(struct client *c, size_t size, client_supernode_fn answered, void *self)
{
	assert_true(!self && requests < 40);
	request_at[requests] = play.now;
	request_size[requests++] = size;
	request_bytes += (unsigned)size;
	supernode_fn = answered;
	net_after(c->role.net, 150000000, supernode_answers, c, 48);
}

/* --- who there is -----------------------------------------------------------------------------------------
 */

static struct play_link supernode_link;

static int begin(void **state)
{
	(void)state;
	play_begin(&play);
	asks = requests = request_bytes = silent = 0;
	supernode_gone = false;
	for (unsigned i = 0; i < PARTIES; i++)
		party[i] = (struct party){ .number = i,
					   .kind = i >= FIRST_NODE  ? PARTY_NODE
						   : i == LOGIN     ? PARTY_LOGIN_SERVER
						   : i == SUPERNODE ? PARTY_SUPERNODE
								    : PARTY_CLIENT,
					   .address = { 0xc0000201 + i, 30000 },
					   .public_ip = 0xc0000201 + i };
	for (unsigned i = 0; i < 12; i++)
		cache[i] = i == 0 ? &party[SUPERNODE] : &party[FIRST_NODE + 3 * i];
	party[ALICE].cache = cache;
	party[ALICE].cache_count = 12;
	scenario = (struct scenario){
		.path = "a.scenario", .party = party, .parties = PARTIES, .event = &event, .events = 1
	};
	event = (struct event){
		.verb = VERB_SEARCHES, .who = &party[ALICE], .whom = &party[BOB], .found = true, .line = 7
	};
	client = (struct client){ .role = { .party = &party[ALICE],
					    .scenario = &scenario,
					    .net = &play.net,
					    .rng = rng_seeded(5) },
				  .state = CLIENT_ONLINE,
				  .session = 1,
				  .supernode = party_public(&party[SUPERNODE]),
				  .supernode_link = &supernode_link.link };
	return 0;
}

static int finished(void **state)
{
	(void)state;
	client_search_quit(&client);
	play_end(&play);
	return 0;
}

static void search(const char *version, enum network network, double seconds)
{
	client.version = version_find(version);
	party[ALICE].network = network;
	client.udp_restricted = network == NETWORK_UDP_RESTRICTED;
	assert_true(client_search_begin(&client, &event, &err));
	play_until(&play, seconds);
}

static const struct fact *the_fact(void)
{
	assert_int_equal(play.facts, 1);
	assert_int_equal(play.fact[0].kind, FACT_SEARCH);
	assert_ptr_equal(play.fact[0].party, &party[ALICE]);
	assert_int_equal(play.fact[0].first_ns, PLAY_BEGAN);
	return &play.fact[0];
}

static double lasted(void)
{
	return play_seconds(the_fact()->last_ns);
}

/* Nobody twice, and not the client's own supernode. */
static void assert_different(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		assert_int_not_equal(asked[i].who, SUPERNODE);
		for (unsigned j = from; j < i; j++)
			assert_int_not_equal(asked[i].who, asked[j].who);
	}
}

/* --- tests ------------------------------------------------------------------------------------------------
 */

/* Wire A4: 13 bytes to the supernode, then three questions of 47 within 0.2 ms. */
static void test_1_2(void **state)
{
	(void)state;
	search("1.2.0.18", NETWORK_PUBLIC, 20);
	assert_int_equal(requests, 1);
	assert_int_equal(request_size[0], 13);
	assert_int_equal(asks, 3);
	assert_different(0, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(asked[i].size, 47);
	assert_int_equal(asked[0].at, PLAY_BEGAN + 150000000);
	assert_true(asked[2].at - asked[0].at <= 200000 && asked[2].at > asked[0].at);
	assert_int_equal(the_fact()->asked, 3);
	assert_int_equal(the_fact()->answered, 3);
	assert_int_equal(the_fact()->waves, 1);
	assert_true(lasted() > 0.25 && lasted() < 0.26);
	assert_int_equal(play.links, 0); /* found: the login server is not asked */
}

/* BS IV.C, Fig. 5: 8 nodes, then 16, in 3 to 4 s; questions of 171 and of 54 bytes. */
static void test_1_4(void **state)
{
	(void)state;
	silent = 3;
	search("1.4.0.84", NETWORK_PUBLIC, 30);
	assert_int_equal(requests, 2);
	assert_int_equal(asks, 24);
	assert_different(0, 24);
	unsigned other = 0, no = 0;
	for (unsigned i = 0; i < 24; i++) {
		assert_true(asked[i].size == 171 || asked[i].size == 54);
		other += asked[i].size == 54;
		no += asked[i].who % 3 == 0;
		assert_int_equal(asked[i].at > request_at[1], i >= 8);
	}
	assert_int_equal(other, 12);
	assert_int_equal(the_fact()->asked, 24);
	assert_int_equal(the_fact()->answered, 24 - no);
	assert_int_equal(the_fact()->waves, 2);
	assert_true(lasted() > 2.5 && lasted() < 4);
}

/* Report on 0.97, 4.3: 16 bytes; 4 nodes, then 8. */
static void test_beta(void **state)
{
	(void)state;
	search("0.97", NETWORK_PUBLIC, 30);
	assert_int_equal(request_size[0], 16);
	assert_int_equal(asks, 12);
	unsigned size[2] = { 0, 0 };
	for (unsigned i = 0; i < 4; i++)
		size[asked[i].size == 44] += asked[i].size == 44 || asked[i].size == 77;
	assert_int_equal(size[0], 2);
	assert_int_equal(size[1], 2);
}

static void on_opened(void *self, struct link *link)
{
	((struct client_link *)link->data)->opened(self, link);
}
static void on_message(void *self, struct link *link, const uint8_t *bytes, size_t size)
{
	((struct client_link *)link->data)->message(self, link, bytes, size);
}
static void on_closed(void *self, struct link *link, enum link_end end)
{
	((struct client_link *)link->data)->closed(self, link, end);
}
static const struct host_handlers client_handlers = { .opened = on_opened,
						      .message = on_message,
						      .closed = on_closed };

static bool login_accepts(void *self, struct link *link, uint16_t port, struct endpoint from)
{
	(void)self;
	(void)link;
	(void)port;
	(void)from;
	return true;
}
static void login_answers(void *self, struct link *link, const uint8_t *bytes, size_t size)
{
	static const uint8_t answer[232] = { 0x17, 0x03, 0x01 };

	(void)self;
	assert_int_equal(bytes[0], 0x16); /* wire B3 */
	assert_true(size == 5 || size == 412);
	link_send(link, answer, size == 5 ? 5 : 232, PURPOSE_LOGIN);
}
static void login_is_left(void *self, struct link *link, enum link_end end)
{
	(void)self;
	(void)link;
	(void)end;
}
static const struct host_handlers login_handlers = { .accepted = login_accepts,
						     .message = login_answers,
						     .closed = login_is_left };

/* More waves, each twice the last, then the login server: "always", for a name that does not exist. */
static void test_in_vain(void **state)
{
	(void)state;
	event.found = false;
	party[ALICE].login = &party[LOGIN];
	client.role.host = net_attach(&play.net, &party[ALICE], &client_handlers, &client, &err);
	net_attach(&play.net, &party[LOGIN], &login_handlers, NULL, &err);
	search("1.4.0.84", NETWORK_PUBLIC, 4);
	assert_int_equal(asks, 8 + 16 + 32);
	assert_different(0, asks);
	assert_int_equal(play.links, 0);
	play_until(&play, 10);
	assert_int_equal(play.facts, 2);
	assert_int_equal(play.fact[0].kind, FACT_SEARCH);
	assert_int_equal(play.fact[0].waves, 3);
	assert_true(play_seconds(play.fact[0].last_ns) > 2.5 && play_seconds(play.fact[0].last_ns) < 4);
	/* Wire B3: 5, 5, 412 and the answer; closed after 30 s. */
	assert_int_equal(play.link[0]->link.purpose, PURPOSE_LOGIN);
	assert_int_equal(play.sents, 4);
	assert_int_equal(play.sent[0].size, 5);
	assert_int_equal(play.sent[2].size, 412);
	assert_int_equal(play.fact[1].kind, FACT_EXCHANGE);
	assert_ptr_equal(play.fact[1].link, &play.link[0]->link);
	assert_string_equal(play.fact[1].outcome, "success");
	play_until(&play, 34);
	assert_false(play.link[0]->gone);
	play_until(&play, 36);
	assert_true(play.link[0]->gone);
}

/* Those not asked before first. */
static void test_twice(void **state)
{
	(void)state;
	search("1.2.0.18", NETWORK_PUBLIC, 20);
	play.facts = 0;
	assert_true(client_search_begin(&client, &event, &err));
	play_until(&play, 40);
	assert_int_equal(asks, 6);
	assert_different(0, 6);
	assert_int_equal(play.fact[0].asked, 3);
}

/* BS Fig. 6: only nodes that answered at the login; 5 to 6 s. Here 11 of its cache, and one that it met. */
static void test_port_restricted(void **state)
{
	(void)state;
	client.known[client.known_count++] = party_public(&party[FIRST_NODE + 1]);
	search("1.4.0.84", NETWORK_PORT_RESTRICTED, 30);
	assert_int_equal(asks, 12);
	assert_different(0, 12);
	for (unsigned i = 0; i < 12; i++)
		assert_true((asked[i].who - FIRST_NODE) % 3 == 0 || asked[i].who == FIRST_NODE + 1);
	assert_int_equal(the_fact()->waves, 2);
	assert_true(lasted() > 4 && lasted() < 6);
}

/* There, too, those that were asked less often before come first. */
static void test_port_restricted_again(void **state)
{
	unsigned times[PARTIES] = { 0 };

	(void)state;
	search("1.4.0.84", NETWORK_PORT_RESTRICTED, 20);
	assert_int_equal(asks, 11);
	client.known[client.known_count++] = party_public(&party[FIRST_NODE + 1]);
	assert_true(client_search_begin(&client, &event, &err));
	play_until(&play, 40);
	assert_int_equal(asked[11].who, FIRST_NODE + 1);
	for (unsigned i = 0; i < asks; i++)
		times[asked[i].who]++;
	assert_int_equal(asks, 23);
	for (unsigned i = 0; i < 11; i++)
		assert_int_equal(times[asked[i].who], 2);
}

/* BS Fig. 6: "responses were received from them". Those of its cache that are dead are none of them. */
static void test_only_who_responded(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		party[FIRST_NODE + 3 * i].answers = i % 2 ? ANSWERS_NOTHING : ANSWERS_TCP;
	search("1.4.0.84", NETWORK_PORT_RESTRICTED, 30);
	assert_int_equal(asks, 8); /* FIRST_NODE itself is not in the cache */
	for (unsigned i = 0; i < asks; i++)
		assert_true(asked[i].who >= FIRST_NODE + 12);
	for (unsigned i = 0; i < 4; i++)
		party[FIRST_NODE + 3 * i].answers = ANSWERS_ACCEPTS;
}

/* Wire A4: "three new peers", and that client was behind a NAT. */
static void test_1_2_behind_nat(void **state)
{
	(void)state;
	met_online = &party[FIRST_NODE + 1];
	search("1.2.0.18", NETWORK_PORT_RESTRICTED, 20);
	met_online = NULL;
	assert_int_equal(asks, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(asked[i].who, FIRST_NODE + (i > 0 ? i + 1 : 0));
}

/* BS Fig. 7: 6165 bytes to the supernode, nobody else, 10 to 15 s. */
static void test_udp_restricted(void **state)
{
	(void)state;
	search("1.4.0.84", NETWORK_UDP_RESTRICTED, 30);
	assert_int_equal(asks, 0);
	assert_int_equal(request_bytes, 6165);
	assert_int_equal(the_fact()->asked, 0);
	assert_int_equal(the_fact()->waves, 0);
	assert_true(lasted() > 10 && lasted() < 15);
}

static void test_supernode_lost(void **state)
{
	(void)state;
	supernode_gone = true;
	search("1.2.0.18", NETWORK_PUBLIC, 20);
	assert_int_equal(asks, 0);
	assert_int_equal(the_fact()->asked, 0);
}

/* It quits while it searches; nothing of the old search is left in the next start. */
static void test_quit(void **state)
{
	(void)state;
	search("1.4.0.84", NETWORK_PUBLIC, 1);
	client_search_quit(&client);
	assert_int_equal(the_fact()->asked, 8);
	client.session++;
	play_until(&play, 30);
	assert_int_equal(asks, 8);
	assert_int_equal(play.facts, 1);
}

static void refused(const char *words)
{
	err.text[0] = '\0';
	assert_false(client_search_begin(&client, &event, &err));
	assert_string_equal(err.text, words);
}

static void test_refused(void **state)
{
	(void)state;
	memcpy(party[ALICE].name, "alice", 6);
	client.version = version_find("1.2.0.18");
	client.state = CLIENT_CONNECTED;
	refused("a.scenario:7: alice is not online yet, and cannot search");
	client.state = CLIENT_ONLINE;
	assert_true(client_search_begin(&client, &event, &err));
	refused("a.scenario:7: alice is still searching");
	play_until(&play, 10);
	client.supernode_link = NULL;
	refused("a.scenario:7: alice has just lost its supernode, and cannot search");
	client.version = version_find("7.7.0.335");
	refused("a.scenario:7: alice is of a version whose searches are not known");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_1_2, begin, finished),
		cmocka_unit_test_setup_teardown(test_1_4, begin, finished),
		cmocka_unit_test_setup_teardown(test_beta, begin, finished),
		cmocka_unit_test_setup_teardown(test_in_vain, begin, finished),
		cmocka_unit_test_setup_teardown(test_twice, begin, finished),
		cmocka_unit_test_setup_teardown(test_port_restricted, begin, finished),
		cmocka_unit_test_setup_teardown(test_port_restricted_again, begin, finished),
		cmocka_unit_test_setup_teardown(test_only_who_responded, begin, finished),
		cmocka_unit_test_setup_teardown(test_1_2_behind_nat, begin, finished),
		cmocka_unit_test_setup_teardown(test_udp_restricted, begin, finished),
		cmocka_unit_test_setup_teardown(test_supernode_lost, begin, finished),
		cmocka_unit_test_setup_teardown(test_quit, begin, finished),
		cmocka_unit_test_setup_teardown(test_refused, begin, finished),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
