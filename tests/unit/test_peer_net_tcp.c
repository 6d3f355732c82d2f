/* Connections of the virtual net: what programs are told, and every segment that the capture shows. */
#include "peer_world.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { ALICE, FAR };

static struct world *alice_and_server(enum network network)
{
	struct world *w = world_new();
	struct party *alice = add_party(w, "alice", PARTY_CLIENT, ip(198, 51, 100, 7), 35990);
	struct party *server = add_party(w, "server", PARTY_LOGIN_SERVER, ip(192, 0, 2, 10), 33033);

	alice->inside = true;
	alice->network = network;
	if (network != NETWORK_PUBLIC)
		alice->address.ip = ip(10, 0, 0, 2);
	server->distance_ns = MS(80);
	return w;
}

static struct link *connect_to(struct world *w, int from, struct endpoint to)
{
	struct link *link = net_connect(w->program[from].host, to, PURPOSE_LOGIN, w);

	assert_non_null(link);
	assert_ptr_equal(link->data, w);
	assert_int_equal(link->purpose, PURPOSE_LOGIN);
	return link;
}

static void send_message(struct link *link, size_t size)
{
	uint8_t bytes[5000] = { 0x16 };

	link_send(link, bytes, size, PURPOSE_LOGIN);
}

static void flags_are(const struct world *w, size_t i, unsigned flags, size_t payload)
{
	assert_true(i < w->frames);
	if (w->seen[i].flags != flags || w->seen[i].payload != payload)
		fail_msg("frame %zu has flags %02x and %zu bytes, not %02x and %zu", i, w->seen[i].flags,
			 w->seen[i].payload, flags, payload);
}

/* RFC 9293 figures 6 and 12: every sequence number and acknowledgement by hand. The way takes 40 ms. */
static void a_whole_connection(void **state)
{
	struct world *w = alice_and_server(NETWORK_PORT_RESTRICTED);
	struct endpoint server = { ip(192, 0, 2, 10), 33033 };

	(void)state;
	world_begin(w);
	struct link *link = connect_to(w, ALICE, server);
	struct endpoint alice = { ip(10, 0, 0, 2), link->local_port };
	assert_true(endpoint_equal(link->far, server));
	world_run(w, MS(200));
	note_says(&w->program[ALICE], 0, OPENED, MS(80));
	struct link *served = note_says(&w->program[FAR], 0, ACCEPTED, MS(120))->link;
	assert_true(endpoint_equal(w->program[FAR].note[0].from,
				   (struct endpoint){ ip(198, 51, 100, 7), alice.port }));
	assert_int_equal(w->program[FAR].note[0].port, 33033);
	assert_int_equal(served->purpose, PURPOSE_NODE);
	send_message(link, 5);
	world_run(w, MS(400));
	send_message(served, 7);
	world_run(w, MS(600));
	link_close(link);
	world_run(w, MINUTES);
	world_end(w);

	assert_int_equal(note_says(&w->program[FAR], 1, MESSAGE, MS(240))->size, 5);
	assert_int_equal(note_says(&w->program[ALICE], 1, MESSAGE, MS(440))->size, 7);
	assert_int_equal(note_says(&w->program[FAR], 2, CLOSED, MS(640))->end, LINK_CLOSED);
	assert_int_equal(w->program[ALICE].notes, 2); /* it has closed it: nothing more is heard of it */

	uint32_t a = w->seen[0].seq, s = w->seen[1].seq;
	const struct {
		int64_t ns;
		bool out;
		unsigned flags;
		uint32_t seq, ack;
		size_t payload;
	} expected[] = {
		{ 0, true, TCP_SYN, a, 0, 0 },
		{ 80, false, TCP_SYN | TCP_ACK, s, a + 1, 0 },
		{ 80, true, TCP_ACK, a + 1, s + 1, 0 },
		{ 200, true, TCP_ACK | TCP_PSH, a + 1, s + 1, 5 },
		{ 320, false, TCP_ACK, s + 1, a + 6, 0 }, /* 40 ms late */
		{ 440, false, TCP_ACK | TCP_PSH, s + 1, a + 6, 7 },
		{ 480, true, TCP_ACK, a + 6, s + 8, 0 },
		{ 600, true, TCP_FIN | TCP_ACK, a + 6, s + 8, 0 },
		{ 680, false, TCP_FIN | TCP_ACK, s + 8, a + 7, 0 },
		{ 680, true, TCP_ACK, a + 7, s + 9, 0 },
	};
	assert_int_equal(w->frames, COUNT(expected));
	for (size_t i = 0; i < w->frames; i++) {
		const struct seen *f = frame_goes(w, i, MS(expected[i].ns), expected[i].out ? alice : server,
						  expected[i].out ? server : alice);
		flags_are(w, i, expected[i].flags, expected[i].payload);
		assert_int_equal(f->seq, expected[i].seq);
		assert_int_equal(f->ack, expected[i].ack);
	}
	world_free(w);
}

/* 4400 bytes are four segments of at most 1460; every other one is acknowledged, and the program hears of the
 * message when all of it is there. */
static void long_messages(void **state)
{
	struct world *w = alice_and_server(NETWORK_PUBLIC);

	(void)state;
	world_begin(w);
	struct link *link = connect_to(w, ALICE, w->party[FAR].address);
	world_run(w, MS(200));
	send_message(link, 4400);
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 9);
	for (size_t i = 3; i < 6; i++)
		flags_are(w, i, TCP_ACK, 1460);
	flags_are(w, 6, TCP_ACK | TCP_PSH, 20);
	assert_int_equal(w->seen[6].seq - w->seen[0].seq, 1 + 4380);
	flags_are(w, 7, TCP_ACK, 0);
	flags_are(w, 8, TCP_ACK, 0);
	assert_int_equal(w->seen[7].ns, MS(280));
	assert_int_equal(w->seen[7].ack - w->seen[0].seq, 1 + 2920);
	assert_int_equal(w->seen[8].ack - w->seen[0].seq, 1 + 4400);
	assert_int_equal(w->program[FAR].notes, 2);
	assert_int_equal(note_says(&w->program[FAR], 1, MESSAGE, MS(240))->size, 4400);
	world_free(w);
}

/* What the program answers at once carries the acknowledgement. */
static void answers_acknowledge(void **state)
{
	struct world *w = alice_and_server(NETWORK_PUBLIC);

	(void)state;
	w->program[FAR].echoes = true;
	world_begin(w);
	struct link *link = connect_to(w, ALICE, w->party[FAR].address);
	world_run(w, MS(200));
	send_message(link, 14);
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 6);
	flags_are(w, 4, TCP_ACK | TCP_PSH, 14);
	assert_int_equal(w->seen[4].ns, MS(280));
	assert_int_equal(w->seen[4].ack - w->seen[0].seq, 15);
	flags_are(w, 5, TCP_ACK, 0);
	assert_int_equal(w->seen[5].ns, MS(320));
	world_free(w);
}

/* --- it does not come about --- */

static void closed_ports_refuse(void **state)
{
	struct world *w = alice_and_server(NETWORK_PUBLIC);

	(void)state;
	world_begin(w);
	connect_to(w, ALICE, (struct endpoint){ ip(192, 0, 2, 10), 80 });
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 2);
	flags_are(w, 1, TCP_RST | TCP_ACK, 0);
	assert_int_equal(w->seen[1].seq, 0);
	assert_int_equal(w->seen[1].ack, w->seen[0].seq + 1);
	assert_int_equal(note_says(&w->program[ALICE], 0, CLOSED, MS(80))->end, LINK_REFUSED);
	assert_int_equal(w->program[FAR].notes, 0);
	world_free(w);
}

/* SYNs at 0, 3 and 9 s (RFC 1122: 3 s, and twice as long each time), and it is over at 21 s. */
static void nobody_answers(struct world *w, struct endpoint to)
{
	world_run(w, MS(1));
	connect_to(w, ALICE, to);
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 3);
	for (size_t i = 0; i < 3; i++) {
		flags_are(w, i, TCP_SYN, 0);
		assert_int_equal(w->seen[i].seq, w->seen[0].seq);
	}
	assert_int_equal(w->seen[1].ns, MS(3001));
	assert_int_equal(w->seen[2].ns, MS(9001));
	assert_int_equal(w->program[ALICE].notes, 1);
	assert_int_equal(note_says(&w->program[ALICE], 0, CLOSED, MS(21001))->end, LINK_TIMEOUT);
	world_free(w);
}

static void nobody_is_there(void **state)
{
	(void)state;
	struct world *w = alice_and_server(NETWORK_PUBLIC);
	world_begin(w);
	nobody_answers(w, (struct endpoint){ ip(192, 0, 2, 99), 33033 });

	w = alice_and_server(NETWORK_PUBLIC);
	w->party[FAR].answers = ANSWERS_NOTHING;
	world_begin(w);
	nobody_answers(w, w->party[FAR].address);

	w = alice_and_server(NETWORK_PUBLIC);
	world_open(w); /* the server never starts */
	world_attach(w, &w->party[ALICE]);
	nobody_answers(w, w->party[FAR].address);
}

static void start_server(void *self, uint64_t what)
{
	struct world *w = self;
	(void)what;

	world_attach(w, &w->party[FAR]);
}

static void a_later_syn_finds_it(void **state)
{
	struct world *w = alice_and_server(NETWORK_PUBLIC);

	(void)state;
	world_open(w);
	world_attach(w, &w->party[ALICE]);
	net_after(w->net, NS_PER_S, start_server, w, 0);
	connect_to(w, ALICE, w->party[FAR].address);
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 4);
	note_says(&w->program[ALICE], 0, OPENED, MS(3080));
	assert_int_equal(w->program[ALICE].notes, 1);
	world_free(w);
}

static void given_up_by_the_program(void **state)
{
	struct world *w = alice_and_server(NETWORK_PUBLIC);

	(void)state;
	world_begin(w);
	link_close(connect_to(w, ALICE, (struct endpoint){ ip(192, 0, 2, 99), 1 })); /* no more SYNs */
	link_close(connect_to(w, ALICE, w->party[FAR].address)); /* the SYN has gone; its answer is reset */
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 4);
	flags_are(w, 2, TCP_SYN | TCP_ACK, 0);
	flags_are(w, 3, TCP_RST, 0);
	assert_int_equal(w->seen[3].seq, w->seen[2].ack);
	assert_int_equal(w->program[ALICE].notes, 0);
	assert_int_equal(w->program[FAR].notes, 0);
	world_free(w);
}

static void the_program_rejects(void **state)
{
	struct world *w = alice_and_server(NETWORK_PUBLIC);

	(void)state;
	w->program[FAR].rejects = true;
	world_begin(w);
	connect_to(w, ALICE, w->party[FAR].address);
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 4);
	flags_are(w, 3, TCP_RST | TCP_ACK, 0);
	note_says(&w->program[ALICE], 0, OPENED, MS(80));
	assert_int_equal(note_says(&w->program[ALICE], 1, CLOSED, MS(160))->end, LINK_CLOSED);
	assert_int_equal(w->program[FAR].notes, 1);
	world_free(w);
}

/* --- who lets connections in --- */

/* BS IV.B.1: such supernodes answer on ports 80 and 443, too. */
static void ports_80_and_443(void **state)
{
	struct world *w = alice_and_server(NETWORK_UDP_RESTRICTED);

	(void)state;
	w->party[FAR].kind = PARTY_SUPERNODE;
	w->party[FAR].answers = ANSWERS_TCP;
	world_begin(w);
	connect_to(w, ALICE, (struct endpoint){ ip(192, 0, 2, 10), 80 });
	connect_to(w, ALICE, (struct endpoint){ ip(192, 0, 2, 10), 443 });
	connect_to(w, ALICE, (struct endpoint){ ip(192, 0, 2, 10), 33033 });
	connect_to(w, ALICE, (struct endpoint){ ip(192, 0, 2, 10), 25 });
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->program[FAR].notes, 3);
	assert_int_equal(w->program[FAR].note[0].port, 80);
	assert_int_equal(w->program[FAR].note[1].port, 443);
	assert_int_equal(w->program[FAR].note[2].port, 33033);
	assert_int_equal(w->program[ALICE].notes, 4);
	world_free(w);
}

static void a_nat_lets_nobody_in(void **state)
{
	struct world *w = alice_and_server(NETWORK_PORT_RESTRICTED);

	(void)state;
	world_begin(w);
	connect_to(w, FAR, (struct endpoint){ ip(198, 51, 100, 7), 35990 });
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 0);
	assert_int_equal(note_says(&w->program[FAR], 0, CLOSED, 21 * NS_PER_S)->end, LINK_TIMEOUT);
	world_free(w);
}

static void quit(void *self, uint64_t who)
{
	struct world *w = self;

	net_detach(w->program[who].host);
}

/* To the port of a public party's client; when that has quit, its machine refuses. */
static void from_outside(void **state)
{
	struct world *w = alice_and_server(NETWORK_PUBLIC);

	(void)state;
	world_begin(w);
	connect_to(w, FAR, w->party[ALICE].address);
	world_run(w, NS_PER_S);
	quit(w, ALICE);
	world_run(w, 2 * NS_PER_S);
	connect_to(w, FAR, w->party[ALICE].address);
	world_run(w, MINUTES);
	world_end(w);
	note_says(&w->program[ALICE], 0, ACCEPTED, MS(120));
	assert_int_equal(w->program[ALICE].notes, 1);
	note_says(&w->program[FAR], 0, OPENED, MS(80));
	assert_int_equal(note_says(&w->program[FAR], 1, CLOSED, MS(1040))->end, LINK_CLOSED);
	assert_int_equal(note_says(&w->program[FAR], 2, CLOSED, MS(2080))->end, LINK_REFUSED);
	assert_int_equal(w->frames, 3 + 3 + 2);
	assert_int_equal(w->seen[0].ns, MS(40)); /* seen when it comes */
	assert_int_equal(w->seen[1].ns, MS(40));
	flags_are(w, 3, TCP_FIN | TCP_ACK, 0); /* of the end of the program */
	flags_are(w, 7, TCP_RST | TCP_ACK, 0);
	world_free(w);
}

/* --- the end --- */

/* Wire B2: FIN, then RST to what was still under way. */
static void data_after_the_close_is_reset(void **state)
{
	struct world *w = alice_and_server(NETWORK_PUBLIC);

	(void)state;
	world_begin(w);
	struct link *link = connect_to(w, ALICE, w->party[FAR].address);
	world_run(w, MS(200));
	send_message(w->program[FAR].note[0].link, 48);
	world_run(w, MS(220));
	link_close(link);
	world_run(w, MINUTES);
	world_end(w);
	flags_are(w, 3, TCP_FIN | TCP_ACK, 0);
	flags_are(w, 4, TCP_ACK | TCP_PSH, 48);
	flags_are(w, 5, TCP_RST, 0);
	assert_int_equal(w->seen[5].seq, w->seen[3].seq + 1);
	flags_are(w, 6, TCP_FIN | TCP_ACK, 0); /* the server's, who has not got the RST yet */
	assert_int_equal(w->frames, 7);
	assert_int_equal(w->program[ALICE].notes, 1);
	assert_int_equal(w->program[FAR].notes, 2);
	note_says(&w->program[FAR], 1, CLOSED, MS(260));
	world_free(w);
}

static void both_close_at_once(void **state)
{
	struct world *w = alice_and_server(NETWORK_PUBLIC);

	(void)state;
	world_begin(w);
	struct link *link = connect_to(w, ALICE, w->party[FAR].address);
	world_run(w, MS(200));
	link_close(w->program[FAR].note[0].link);
	link_close(link);
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 7);
	flags_are(w, 3, TCP_FIN | TCP_ACK, 0);
	flags_are(w, 4, TCP_FIN | TCP_ACK, 0);
	flags_are(w, 5, TCP_ACK, 0);
	flags_are(w, 6, TCP_ACK, 0);
	assert_int_equal(w->program[ALICE].notes, 1);
	assert_int_equal(w->program[FAR].notes, 1);
	world_free(w);
}

/* Between two public parties inside, the capture has each segment once, when it is sent. */
static void between_inside_parties(void **state)
{
	struct world *w = alice_and_server(NETWORK_PUBLIC);

	(void)state;
	w->party[FAR].inside = true;
	world_begin(w);
	struct link *link = connect_to(w, ALICE, w->party[FAR].address);
	world_run(w, MS(200));
	link_close(link);
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 6);
	assert_int_equal(w->seen[1].ns, MS(40));
	assert_true(endpoint_equal(w->seen[1].from, w->party[FAR].address));
	assert_int_equal(w->seen[5].ns, MS(280));
	world_free(w);
}

/* Handlers may do anything, also end the program that they belong to. */
static bool accepts_and_quits(void *self, struct link *link, uint16_t port, struct endpoint from)
{
	struct program *p = self;
	(void)link, (void)port, (void)from;

	net_detach(p->host);
	return true;
}

static void programs_end_within_handlers(void **state)
{
	static const struct host_handlers quits = { .accepted = accepts_and_quits };
	struct world *w = alice_and_server(NETWORK_PUBLIC);
	struct error err;

	(void)state;
	world_open(w);
	world_attach(w, &w->party[ALICE]);
	w->program[FAR].host = net_attach(w->net, &w->party[FAR], &quits, &w->program[FAR], &err);
	connect_to(w, ALICE, w->party[FAR].address);
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->program[ALICE].notes, 2);
	note_says(&w->program[ALICE], 1, CLOSED, MS(160));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_connection),
		cmocka_unit_test(long_messages),
		cmocka_unit_test(answers_acknowledge),
		cmocka_unit_test(closed_ports_refuse),
		cmocka_unit_test(nobody_is_there),
		cmocka_unit_test(a_later_syn_finds_it),
		cmocka_unit_test(given_up_by_the_program),
		cmocka_unit_test(the_program_rejects),
		cmocka_unit_test(ports_80_and_443),
		cmocka_unit_test(a_nat_lets_nobody_in),
		cmocka_unit_test(from_outside),
		cmocka_unit_test(data_after_the_close_is_reset),
		cmocka_unit_test(both_close_at_once),
		cmocka_unit_test(between_inside_parties),
		cmocka_unit_test(programs_end_within_handlers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
