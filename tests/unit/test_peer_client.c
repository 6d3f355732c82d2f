/* The client of the reference peer: what it sends when, and what it does with what comes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "peer/answers.h"
#include "peer_client_play.h"

/* Entry i is a datagram or connection to that member of the cache, so many ms after entry `behind`. */
static void is_entry(const struct play *p, unsigned i, enum entry_kind kind, unsigned cached, unsigned behind,
		     int least, int most)
{
	int64_t ns;

	assert_true(i < p->entries);
	ns = p->entry[i].ns - p->entry[behind].ns;
	assert_int_equal(p->entry[i].kind, kind);
	assert_true(endpoint_equal(p->entry[i].to, p->party[cached].address));
	assert_in_range(ns, least * NS_PER_MS, most * NS_PER_MS);
}

static void rounds_of_probes(void **state)
{
	struct play *p = play_new("1.2.0.18", 30);

	(void)state;
	pass(p, 13000);
	/* Wire B1: one, 1.05-1.08 s later four, 5.02-5.06 s behind them the next round; no probe is sent
	 * again */
	assert_int_equal(p->entries, 11);
	for (unsigned round = 0; round < 2; round++) {
		is_entry(p, round * 5, DATAGRAM, round * 5 + 1, round * 5 - (round ? 1 : 0), round ? 5020 : 0,
			 5060);
		for (unsigned i = 1; i < 5; i++)
			is_entry(p, round * 5 + i, DATAGRAM, round * 5 + i + 1, round * 5, 1050, 1080);
		for (unsigned i = 0; i < 5; i++)
			assert_int_equal(p->entry[round * 5 + i].size, 18);
	}
	assert_int_equal(p->up, 1);
	play_free(p);
}

static void next_probe_behind_go_on(void **state)
{
	struct play *p = play_new("1.2.0.18", 30);

	(void)state;
	pass(p, 60);
	answer(p, p->party[1].address, OWN, 51, SENSE_ANSWER);
	pass(p, 1);
	assert_int_equal(p->entries, 2);
	is_entry(p, 1, DATAGRAM, 2, 0, 60, 61); /* wire B1: less than 1 ms */
	/* What nobody asked for changes nothing, nor does an answer to somebody else. */
	answer(p, p->party[9].address, OWN, 51, SENSE_ANSWER);
	answer(p, p->party[2].address, OWN + 1, 51, SENSE_ANSWER);
	pass(p, 100);
	assert_int_equal(p->entries, 2);
	play_free(p);
}

static void connects_where_it_is_accepted(void **state)
{
	struct play *p = play_new("1.2.0.18", 30);

	(void)state;
	pass(p, 60);
	answer(p, p->party[1].address, OWN, 18, SENSE_ANSWER);
	pass(p, 8000);
	is_entry(p, 1, CONNECT, 1, 0, 60, 61); /* wire B2: 0.3-0.4 ms behind the answer */
	assert_int_equal(p->entries, 3);       /* one probe more (fr 269, 1888), and no more bursts */
	is_entry(p, 2, DATAGRAM, 2, 1, 0, 60);
	play_free(p);
}

static void nak_is_answered_once(void **state)
{
	static const uint8_t challenge[4] = { 0x24, 0x49, 0x9e, 0xb8 };
	struct play *p = play_new("1.2.0.18", 30);
	struct client *c = (struct client *)p->role;
	struct rng rng = rng_seeded(1);
	uint8_t nak[MESSAGE_MAX];
	uint16_t id;

	(void)state;
	pass(p, 60);
	id = (uint16_t)(p->entry[0].bytes[0] << 8 | p->entry[0].bytes[1]);
	message_nak(&rng, id, PUBLIC, challenge, nak);
	p->host.handlers->datagram(p->role, 31000, p->party[1].address, nak, 11);
	pass(p, 1);
	assert_int_equal(p->entries, 2);
	/* Wire A3: same id, challenge at 4-7, destination at 8-11, bytes 7-10 of the question at 12-15, 5
	 * longer */
	assert_int_equal(p->entry[1].size, 23);
	assert_memory_equal(p->entry[1].bytes, p->entry[0].bytes, 2);
	assert_int_equal(p->entry[1].bytes[2] & 0x8f, 3);
	assert_memory_equal(p->entry[1].bytes + 4, challenge, 4);
	assert_memory_equal(p->entry[1].bytes + 8, "\xc0\x00\x02\x01", 4);
	assert_memory_equal(p->entry[1].bytes + 12, p->entry[0].bytes + 7, 4);
	assert_int_equal(c->believed_ip, PUBLIC);
	p->host.handlers->datagram(p->role, 31000, p->party[1].address, nak, 11);
	pass(p, 1);
	assert_int_equal(p->entries, 2);
	/* From now on it reads what is for its public address. */
	answer(p, p->party[1].address, PUBLIC, 51, SENSE_ANSWER);
	pass(p, 1);
	is_entry(p, 2, DATAGRAM, 2, 0, 60, 64);
	play_free(p);
}

static unsigned given_up;

static void count_given_up(struct client *c, struct endpoint peer, size_t size, void *self)
{
	(void)c;
	(void)peer;
	(void)self;
	assert_int_equal(size, 0);
	given_up++;
}

static void questions_are_sent_three_times(void **state)
{
	struct play *p = play_new("1.2.0.18", 1);
	struct client *c = (struct client *)p->role;
	const struct endpoint to = p->party[20].address;
	const struct entry *sent[3];
	unsigned n = 0;

	(void)state;
	given_up = 0;
	client_ask(c, to, 30, ASK_RESENT, NULL, count_given_up, NULL);
	pass(p, 30000);
	for (unsigned i = 0; i < p->entries; i++)
		if (endpoint_equal(p->entry[i].to, to)) {
			assert_true(n < 3);
			sent[n++] = &p->entry[i];
		}
	assert_int_equal(n, 3);
	/* Wire A1, A2: +2.03-2.09 s, +4.00-4.04 s; same id and bytes 7-10, new IV and data */
	assert_in_range(sent[1]->ns - sent[0]->ns, 2030 * NS_PER_MS, 2090 * NS_PER_MS);
	assert_in_range(sent[2]->ns - sent[1]->ns, 4000 * NS_PER_MS, 4040 * NS_PER_MS);
	assert_memory_equal(sent[0]->bytes, sent[2]->bytes, 3);
	assert_memory_not_equal(sent[0]->bytes + 3, sent[2]->bytes + 3, 4);
	assert_memory_equal(sent[0]->bytes + 7, sent[2]->bytes + 7, 4);
	assert_memory_not_equal(sent[0]->bytes + 11, sent[2]->bytes + 11, 19);
	assert_int_equal(given_up, 1);
	play_free(p);
}

static void strangers_get_an_ack(void **state)
{
	struct play *p = play_new("1.2.0.18", 1);
	const struct endpoint stranger = { 0xcb007105U, 22619 };

	(void)state;
	pass(p, 100);
	answer(p, stranger, OWN, 20, SENSE_QUESTION);
	pass(p, 1);
	/* Wire A3: 11 bytes, 0.2-0.3 ms later, with the id of the message and the address of its sender */
	assert_int_equal(p->entries, 2);
	assert_int_equal(p->entry[1].size, 11);
	assert_in_range(p->entry[1].ns - p->entry[0].ns, 100200000, 100300000);
	assert_int_equal(p->entry[1].bytes[2] & 0x8f, 5);
	assert_memory_equal(p->entry[1].bytes, "\x47\x11", 2);
	assert_memory_equal(p->entry[1].bytes + 3, "\xcb\x00\x71\x05", 4);
	/* Who cannot know its own address gets a NAK instead; who asks as a node asks is answered as by a
	 * node. */
	answer(p, stranger, OWN + 9, 20, SENSE_QUESTION);
	pass(p, 10);
	assert_int_equal(p->entry[2].bytes[2] & 0x8f, 7);
	answer(p, stranger, OWN, 30, SENSE_QUESTION);
	pass(p, 10);
	assert_int_equal(p->entries, 4);
	assert_int_equal(p->entry[3].size, 18); /* wire A5 */
	play_free(p);
}

/* So many connections and the ports of the first three. */
static unsigned connections(const struct play *p, unsigned *first)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->entries; i++)
		if (p->entry[i].kind == CONNECT && n++ == 0)
			*first = i;
	return n;
}

static void tcp_where_udp_is_dead(void **state)
{
	struct play *p = play_new("1.2.0.18", 25);
	unsigned first = 0;

	(void)state;
	/* BS IV.B.6: 20 nodes over UDP, then TCP to the same; login after 35 s */
	pass(p, 34000);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(p->entry[i].kind, DATAGRAM);
	assert_true(connections(p, &first) >= 19);
	assert_int_equal(first, 20);
	for (unsigned i = 0; i < 15; i++)
		is_entry(p, 20 + i, CONNECT, i + 1, 19, 5000, 15000);
	/* A connection opens: the others are given up, and 14 bytes follow (wire B2). */
	p->host.handlers->opened(p->role, &p->link[18]);
	pass(p, 1000);
	assert_int_equal(p->entry[p->entries - 1].kind, SAID);
	assert_int_equal(p->entry[p->entries - 1].size, 14);
	assert_true(endpoint_equal(p->entry[p->entries - 1].to, p->party[19].address));
	play_free(p);
}

/* An answer over UDP that comes when TCP has begun: the client goes on with that supernode alone. */
static void late_answer(void **state)
{
	struct play *p = play_new("1.4.0.84", 2);
	int open = 0;
	unsigned first;

	(void)state;
	pass(p, 7000);
	assert_int_equal(connections(p, &first), 2);
	answer(p, p->party[2].address, OWN, 18, SENSE_ANSWER);
	pass(p, 100);
	assert_int_equal(connections(p, &first), 3);
	for (unsigned i = 0; i < p->entries; i++)
		open += (p->entry[i].kind == CONNECT) - (p->entry[i].kind == CLOSED);
	assert_int_equal(open, 1);
	play_free(p);
}

static void ports_80_and_443_of_0_97(void **state)
{
	struct play *p = play_new("0.97", 1);
	unsigned first = 0;

	(void)state;
	pass(p, 13000);
	/* Technical report 4.2.1: one entry; UDP, five seconds, its port, 80, 443, and all again after six
	 * seconds */
	assert_int_equal(p->entry[0].kind, DATAGRAM);
	assert_int_equal(connections(p, &first), 3);
	assert_int_equal(first, 1);
	assert_in_range(p->entry[1].ns - p->entry[0].ns, 5000 * NS_PER_MS, 6200 * NS_PER_MS);
	assert_int_equal(p->entry[1].to.port, 20000);
	assert_int_equal(p->entry[2].to.port, 80);
	assert_int_equal(p->entry[3].to.port, 443);
	pass(p, 200000);
	assert_int_equal(connections(p, &first), 15); /* five times in all, then it reports a failure */
	play_free(p);
}

static void bootstrap_supernodes(void **state)
{
	struct play *p = play_new("1.4.0.84", 7);
	unsigned first = 0, asked = 0;

	(void)state;
	event(p, VERB_QUITS);
	assert_int_equal(p->down, 1);
	p->party[0].cache_count = 0;
	for (unsigned i = 1; i <= 7; i++)
		p->party[i].address.port = 33033;
	p->entries = 0;
	event(p, VERB_STARTS);
	pass(p, 14000);
	/* BS IV.B.1: 18 bytes to each of the seven; no answer after five seconds: TCP to each */
	for (unsigned i = 0; i < p->entries; i++)
		asked += p->entry[i].kind == DATAGRAM;
	assert_int_equal(asked, 7);
	assert_int_equal(connections(p, &first), 7);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(p->entry[first + i].to.port, 33033);
	play_free(p);
}

/* Plays the supernode that was asked last: it accepts, and answers until the login begins. */
static void let_in(struct play *p)
{
	unsigned link = p->links;

	pass(p, 60);
	answer(p, p->party[1].address, OWN, 18, SENSE_ANSWER);
	pass(p, 100);
	assert_int_equal(p->links, link + 1);
	p->host.handlers->opened(p->role, &p->link[link]);
	for (unsigned i = 0; i < 5; i++) {
		pass(p, 250);
		said(p, &p->link[link], 100);
	}
	pass(p, 300);
}

/* Plays supernode and login server until message 3. */
static void begin_login(struct play *p)
{
	struct link *login = &p->link[1];

	let_in(p);
	assert_int_equal(p->links, 2);
	p->host.handlers->opened(p->role, login);
	pass(p, 100);
	said(p, login, 5);
	pass(p, 300);
}

/* And message 4, of `size` bytes. */
static void log_in(struct play *p, size_t size)
{
	begin_login(p);
	said(p, &p->link[1], size);
}

/* The supernode goes away in the middle of the login: that goes on, and is not begun a second time. */
static void supernode_is_lost(void **state)
{
	struct play *p = play_new("1.2.0.18", 1);
	struct client *c = (struct client *)p->role;
	bool while_probing = *(bool *)*state;

	begin_login(p);
	p->host.handlers->closed(p->role, &p->link[0], LINK_CLOSED);
	if (while_probing) {
		said(p, &p->link[1], 232);
		assert_int_equal(c->state, CLIENT_PROBING);
	}
	let_in(p);
	assert_int_equal(p->links, 3);
	if (!while_probing)
		said(p, &p->link[1], 232);
	assert_int_equal(c->state, CLIENT_ONLINE);
	assert_string_equal(p->fact.outcome, "success");
	assert_ptr_equal(p->fact.link, &p->link[1]);
	play_free(p);
}

static size_t supernode_said;

static void take_answer(struct client *c, size_t size, void *self)
{
	(void)c;
	(void)self;
	supernode_said = size;
}

/* A reminder (BS IV.E.2) is as short as what acknowledges: nobody answers it, so nobody may wait for that. */
static void reminder_blocks_nothing(void **state)
{
	struct play *p = play_new("1.2.0.18", 1);
	struct client *c = (struct client *)p->role;
	unsigned n;

	(void)state;
	log_in(p, 232);
	pass(p, 100);
	said(p, &p->link[0], 48); /* to its first request for nodes */
	pass(p, 100);
	n = p->entries;
	client_ask_supernode(c, ACKNOWLEDGEMENT, NULL, NULL);
	client_ask_supernode(c, NODES_REQUEST, take_answer, NULL);
	pass(p, 100);
	assert_int_equal(p->entries, n + 2);
	assert_int_equal(p->entry[n].size, ACKNOWLEDGEMENT);
	assert_int_equal(p->entry[n + 1].size, NODES_REQUEST);
	assert_true(p->entry[n + 1].ns - p->entry[n].ns >= CLIENT_GAP_NS);
	said(p, &p->link[0], 48);
	assert_int_equal(supernode_said, 48);
	play_free(p);
}

/* BS Fig. 4: 357 bytes to the first supernode, and 4032 back, until the login server is asked. */
static void opening_of_1_4(void **state)
{
	struct play *p = play_new("1.4.0.84", 1);
	struct rng rng = rng_seeded(1);
	size_t out = 0, in = 0;

	(void)state;
	pass(p, 60);
	answer(p, p->party[1].address, OWN, 18, SENSE_ANSWER);
	pass(p, 100);
	p->host.handlers->opened(p->role, &p->link[0]);
	for (unsigned i = p->entries; p->links < 2; i++) {
		pass(p, 250);
		assert_int_equal(p->entries, i + 1);
		assert_int_equal(p->entry[i].kind, SAID);
		out += p->entry[i].size;
		size_t answered = answer_over_tcp(OPENING_EMPTY, p->entry[i].size, 0, &rng).bytes;
		in += answered;
		said(p, &p->link[0], answered);
		if (p->entry[i].size == 45) {
			pass(p, 250);
			assert_int_equal(p->links, 2);
		}
	}
	assert_int_equal(out, 357);
	assert_int_equal(in, 4032);
	play_free(p);
}

static void login_succeeds(void **state)
{
	struct play *p = play_new("1.2.0.18", 1);
	struct client *c = (struct client *)p->role;
	size_t to_login[8] = { 0 };
	unsigned n = 0;

	(void)state;
	log_in(p, 232);
	assert_int_equal(c->state, CLIENT_ONLINE);
	assert_string_equal(p->fact.outcome, "success");
	pass(p, 200);
	for (unsigned i = 0; i < p->entries; i++)
		if (p->entry[i].kind == SAID && endpoint_equal(p->entry[i].to, p->party[NODES + 1].address))
			to_login[n++] = p->entry[i].size;
	/* Wire B3, login 1 */
	assert_int_equal(n, 3);
	assert_int_equal(to_login[0], 5);
	assert_int_equal(to_login[1], 451);
	assert_int_equal(to_login[2], 18);
	/* Idle connections are closed after 30.0-30.05 s (wire B3). */
	said(p, &p->link[1], 67);
	n = p->entries;
	pass(p, 29990);
	for (unsigned i = n; i < p->entries; i++)
		assert_int_not_equal(p->entry[i].kind, CLOSED);
	n = p->entries;
	pass(p, 100);
	assert_int_equal(p->entry[n].kind, CLOSED);
	play_free(p);
}

static void wrong_password(void **state)
{
	struct play *p = play_new("1.2.0.18", 1);
	unsigned n;

	(void)state;
	log_in(p, 18); /* BS IV.B.1 */
	assert_string_equal(p->fact.outcome, "failure");
	assert_int_equal(p->entry[p->entries - 1].kind, CLOSED);
	n = p->entries;
	pass(p, 120000);
	/* What was asked before may be sent again; nothing new is said to anybody. */
	for (; n < p->entries; n++)
		assert_true(p->entry[n].kind == DATAGRAM && p->entry[n].size == 22);
	event(p, VERB_QUITS);
	assert_int_equal(p->down, 1);
	play_free(p);
}

int main(void)
{
	static bool yes = true, no = false;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rounds_of_probes),
		cmocka_unit_test(next_probe_behind_go_on),
		cmocka_unit_test(connects_where_it_is_accepted),
		cmocka_unit_test(nak_is_answered_once),
		cmocka_unit_test(questions_are_sent_three_times),
		cmocka_unit_test(strangers_get_an_ack),
		cmocka_unit_test(tcp_where_udp_is_dead),
		cmocka_unit_test(ports_80_and_443_of_0_97),
		cmocka_unit_test(bootstrap_supernodes),
		cmocka_unit_test(opening_of_1_4),
		cmocka_unit_test(login_succeeds),
		cmocka_unit_test(wrong_password),
		cmocka_unit_test(late_answer),
		cmocka_unit_test_prestate(supernode_is_lost, &no),
		cmocka_unit_test_prestate(supernode_is_lost, &yes),
		cmocka_unit_test(reminder_blocks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
