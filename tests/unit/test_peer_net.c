/* The virtual net: who gets which datagram when, and what of it the capture shows. */
#include "peer_world.h"

enum { ALICE, FAR };

/* Alice inside, at 10.0.0.2 behind 198.51.100.7 or public at 198.51.100.7; a node 80 ms away. */
static struct world *alice_and_node(enum network network)
{
	struct world *w = world_new();
	struct party *alice = add_party(w, "alice", PARTY_CLIENT, ip(198, 51, 100, 7), 35990);
	struct party *node = add_party(w, "node", PARTY_NODE, ip(192, 0, 2, 10), 5555);

	alice->inside = true;
	alice->network = network;
	if (network != NETWORK_PUBLIC)
		alice->address.ip = ip(10, 0, 0, 2);
	node->distance_ns = MS(80);
	return w;
}

static void send_at(struct world *w, int from, uint16_t port, struct endpoint to, size_t size)
{
	uint8_t bytes[1472] = { 0x55 };

	net_send(w->program[from].host, port, to, bytes, size, PURPOSE_SIGNALLING);
}

/* Half of both distances lies between two: what alice sends is seen at once, the answer when it is there. */
static void the_place_of_the_capture(void **state)
{
	struct world *w = alice_and_node(NETWORK_PUBLIC);

	(void)state;
	w->party[ALICE].distance_ns = MS(10);
	w->program[FAR].echoes = true;
	world_begin(w);
	send_at(w, ALICE, 35990, w->party[FAR].address, 18);
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 2);
	assert_int_equal(frame_goes(w, 0, 0, w->party[ALICE].address, w->party[FAR].address)->payload, 18);
	assert_int_equal(frame_goes(w, 1, MS(90), w->party[FAR].address, w->party[ALICE].address)->payload,
			 18);
	assert_int_equal(w->seen[0].ttl, 64);
	assert_in_range(w->seen[1].ttl, 64 - 25, 128 - 6);
	note_says(&w->program[FAR], 0, DATAGRAM, MS(45));
	assert_int_equal(note_says(&w->program[ALICE], 0, DATAGRAM, MS(90))->first, 0x55);
	world_free(w);
}

static void between_outside_parties_nothing_is_seen(void **state)
{
	struct world *w = alice_and_node(NETWORK_PUBLIC);

	(void)state;
	w->party[ALICE].inside = false;
	w->program[FAR].echoes = true;
	world_begin(w);
	send_at(w, ALICE, 35990, w->party[FAR].address, 18);
	net_ping(w->program[ALICE].host, w->party[FAR].address.ip);
	net_connect(w->program[ALICE].host, w->party[FAR].address, PURPOSE_NODE, NULL);
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 0);
	note_says(&w->program[ALICE], 0, DATAGRAM, MS(80));
	note_says(&w->program[ALICE], 1, OPENED, MS(80));
	world_free(w);
}

static void later(void *self, uint64_t what)
{
	struct world *w = self;

	send_at(w, ALICE, 35990, w->party[FAR].address, 1 + (size_t)what);
}

/* 1000 datagrams, with so much between two of them: the least and the most that one is under way. */
static void under_way(int64_t apart, int64_t *least, int64_t *most)
{
	struct world *w = alice_and_node(NETWORK_PUBLIC);

	w->party[FAR].jitter_ns = MS(50);
	world_begin(w);
	for (unsigned i = 0; i < 1000; i++)
		net_after(w->net, apart * i, later, w, i);
	world_run(w, 10 * MINUTES);
	assert_int_equal(w->program[FAR].notes, 1000);
	*least = INT64_MAX;
	*most = 0;
	for (size_t i = 0; i < 1000; i++) {
		const struct note *note = &w->program[FAR].note[i];
		int64_t delay = note->ns - apart * (int64_t)i;
		assert_int_equal(note->size, i + 1);
		*least = delay < *least ? delay : *least;
		*most = delay > *most ? delay : *most;
	}
	world_end(w);
	world_free(w);
}

static void jitter_never_reorders(void **state)
{
	int64_t least, most;

	(void)state;
	/* Half of 80 ms, and any part of 50 ms. */
	under_way(MS(100), &least, &most);
	assert_in_range(least, MS(40), MS(41));
	assert_in_range(most, MS(89), MS(90));
	/* What waits behind another waits until that has come. */
	under_way(MS(1), &least, &most);
	assert_in_range(least, MS(40), MS(89));
	assert_in_range(most, MS(89), MS(90));
}

/* Their interfaces show the same packet with the same addresses: the capture has it once. */
static void between_inside_parties_once(void **state)
{
	struct world *w = alice_and_node(NETWORK_PUBLIC);

	(void)state;
	w->party[FAR].inside = true;
	w->program[FAR].echoes = true;
	world_begin(w);
	send_at(w, ALICE, 35990, w->party[FAR].address, 18);
	net_ping(w->program[FAR].host, w->party[ALICE].address.ip);
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 4);
	frame_goes(w, 0, 0, w->party[ALICE].address, w->party[FAR].address);
	assert_int_equal(w->seen[1].proto, 1);
	assert_true(endpoint_equal(w->seen[2].from, w->party[FAR].address) || w->seen[2].proto == 1);
	assert_int_equal(w->seen[2].ns, MS(40));
	assert_int_equal(w->seen[3].ns, MS(40));
	world_free(w);
}

/* A NAT between them changes the addresses: these are two packets, and each interface shows its own. */
static void between_inside_parties_behind_a_nat_twice(void **state)
{
	struct world *w = alice_and_node(NETWORK_PORT_RESTRICTED);
	struct endpoint outer = { ip(198, 51, 100, 7), 35990 };

	(void)state;
	w->party[FAR].inside = true;
	world_begin(w);
	send_at(w, ALICE, 35990, w->party[FAR].address, 18);
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 2);
	frame_goes(w, 0, 0, w->party[ALICE].address, w->party[FAR].address);
	frame_goes(w, 1, MS(40), outer, w->party[FAR].address);
	world_free(w);
}

/* --- NAT and firewall --- */

static void unasked(void *self, uint64_t port)
{
	struct world *w = self;

	send_at(w, FAR, (uint16_t)port, (struct endpoint){ ip(198, 51, 100, 7), 35990 }, 30);
}

/* RFC 4787 section 5, "address and port-dependent filtering", with a memory of 300 s. */
static void nat_lets_in_answers_alone(void **state)
{
	struct world *w = alice_and_node(NETWORK_PORT_RESTRICTED);
	struct endpoint alice = { ip(10, 0, 0, 2), 35990 }, outer = { ip(198, 51, 100, 7), 35990 };

	(void)state;
	world_begin(w);
	unasked(w, 5555); /* before alice has sent anything */
	world_run(w, NS_PER_S);
	later(w, 0);
	net_after(w->net, MS(50), unasked, w, 5555);     /* from where she has sent to */
	net_after(w->net, MS(50), unasked, w, 5556);     /* another port of it */
	net_after(w->net, MS(299960), unasked, w, 5555); /* arrives at 300 s */
	net_after(w->net, MS(299961), unasked, w, 5555); /* too late */
	world_run(w, 10 * MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 3);
	frame_goes(w, 0, NS_PER_S, alice, w->party[FAR].address);
	frame_goes(w, 1, MS(1090), w->party[FAR].address, alice);
	frame_goes(w, 2, MS(301000), w->party[FAR].address, alice);
	assert_int_equal(w->program[ALICE].notes, 2);
	assert_true(endpoint_equal(note_says(&w->program[FAR], 0, DATAGRAM, MS(1040))->from, outer));
	world_free(w);
}

static void a_public_party_gets_all(void **state)
{
	struct world *w = alice_and_node(NETWORK_PUBLIC);

	(void)state;
	world_begin(w);
	unasked(w, 5555);
	unasked(w, 5556);
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 2);
	assert_int_equal(w->program[ALICE].notes, 2);
	world_free(w);
}

/* A private address means nothing to those who are not behind the same NAT. */
static void private_addresses_lead_nowhere(void **state)
{
	struct world *w = alice_and_node(NETWORK_PORT_RESTRICTED);

	(void)state;
	world_begin(w);
	later(w, 0);
	send_at(w, FAR, 5555, w->party[ALICE].address, 18);
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 1);
	assert_int_equal(w->program[ALICE].notes, 0);
	world_free(w);
}

static void behind_the_same_nat(void **state)
{
	struct world *w = alice_and_node(NETWORK_PORT_RESTRICTED);
	struct party *carol = add_party(w, "carol", PARTY_CLIENT, ip(10, 0, 0, 3), 40000);

	(void)state;
	carol->public_ip = w->party[ALICE].public_ip;
	carol->network = NETWORK_PORT_RESTRICTED;
	carol->inside = true;
	world_begin(w);
	send_at(w, ALICE, 35990, carol->address, 18); /* straight */
	send_at(w, FAR, 5555, (struct endpoint){ carol->public_ip, 40000 }, 19);
	world_run(w, MS(100));
	send_at(w, 2, 40000, w->party[FAR].address, 20);
	unasked(w, 5555);
	world_run(w, NS_PER_S);
	send_at(w, FAR, 5555, (struct endpoint){ carol->public_ip, 40000 }, 21);
	world_run(w, MINUTES);
	world_end(w);
	/* Its port tells the NAT for whom it is: carol, who has sent, not alice. */
	assert_int_equal(w->program[ALICE].notes, 0);
	assert_int_equal(w->program[2].notes, 2);
	assert_int_equal(w->program[2].note[0].size, 18);
	assert_true(endpoint_equal(w->program[2].note[0].from, w->party[ALICE].address));
	assert_int_equal(w->program[2].note[1].size, 21);
	assert_int_equal(w->frames, 3);
	world_free(w);
}

/* The firewall lies behind the interface: what it drops on the way out is seen. Name servers get through. */
static void a_firewall_drops_udp_but_names(void **state)
{
	struct world *w = alice_and_node(NETWORK_UDP_RESTRICTED);
	struct party *names = add_party(w, "names", PARTY_NAME_SERVER, ip(192, 0, 2, 53), 53);
	struct endpoint question = { ip(10, 0, 0, 2), 2130 };

	(void)state;
	w->program[2].echoes = true;
	world_begin(w);
	later(w, 0);
	send_at(w, ALICE, 2130, names->address, 31);
	net_after(w->net, MS(50), unasked, w, 5555);
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->program[FAR].notes, 0);
	assert_int_equal(w->frames, 3);
	frame_goes(w, 0, 0, w->party[ALICE].address, w->party[FAR].address);
	frame_goes(w, 1, 0, question, names->address);
	frame_goes(w, 2, 0, names->address, question);
	assert_int_equal(w->program[ALICE].notes, 1);
	assert_int_equal(w->program[ALICE].note[0].port, 2130);
	world_free(w);
}

/* --- who is not there --- */

static void the_dead_say_nothing(void **state)
{
	struct world *w = alice_and_node(NETWORK_PUBLIC);

	(void)state;
	w->party[FAR].answers = ANSWERS_NOTHING;
	w->program[FAR].echoes = true;
	world_begin(w);
	later(w, 0);
	net_ping(w->program[ALICE].host, w->party[FAR].address.ip);
	send_at(w, ALICE, 35990, (struct endpoint){ ip(192, 0, 2, 99), 9 }, 18); /* nobody's address */
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 3);
	assert_int_equal(w->program[FAR].notes, 0);
	assert_int_equal(w->program[ALICE].notes, 0);
	world_free(w);
}

static void quit(void *self, uint64_t who)
{
	struct world *w = self;

	net_detach(w->program[who].host);
}

/* Wire B4, frame 2190: the program has quit with an answer under way. */
static void late_answers_are_unreachable(void **state)
{
	struct world *w = alice_and_node(NETWORK_PORT_RESTRICTED);
	struct endpoint alice = { ip(10, 0, 0, 2), 0 }, node = { ip(192, 0, 2, 10), 0 };

	(void)state;
	w->program[FAR].echoes = true;
	world_begin(w);
	later(w, 17);
	net_after(w->net, MS(60), quit, w, ALICE);
	world_run(w, MINUTES);
	world_attach(w, &w->party[ALICE]);
	later(w, 17);
	world_run(w, 2 * MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 5);
	const struct seen *icmp = frame_goes(w, 2, MS(80), alice, node);
	assert_int_equal(icmp->proto, 1);
	assert_int_equal(icmp->icmp_type, 3);
	assert_int_equal(icmp->icmp_code, 3);
	assert_int_equal(icmp->payload, 28);
	assert_int_equal(w->seen[4].proto, 17); /* started again: it answers */
	assert_int_equal(w->program[ALICE].notes, 1);
	world_free(w);
}

static void a_port_that_was_never_used_is_unreachable(void **state)
{
	struct world *w = alice_and_node(NETWORK_PUBLIC);

	(void)state;
	world_begin(w);
	send_at(w, FAR, 5555, (struct endpoint){ ip(198, 51, 100, 7), 9 }, 18);
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 2);
	assert_int_equal(w->seen[1].icmp_type, 3);
	assert_int_equal(w->program[ALICE].notes, 0);
	world_free(w);
}

/* --- echoes --- */

static void echo_requests(void **state)
{
	struct world *w = alice_and_node(NETWORK_PORT_RESTRICTED);
	struct endpoint alice = { ip(10, 0, 0, 2), 0 }, node = { ip(192, 0, 2, 10), 0 };

	(void)state;
	world_begin(w);
	net_ping(w->program[ALICE].host, node.ip);
	net_ping(w->program[ALICE].host, ip(192, 0, 2, 99));
	net_ping(w->program[FAR].host, ip(198, 51, 100, 7)); /* the NAT takes no echo request in */
	world_run(w, MINUTES);
	world_end(w);
	assert_int_equal(w->frames, 3);
	assert_int_equal(frame_goes(w, 0, 0, alice, node)->icmp_type, 8);
	assert_int_equal(w->seen[0].payload, 56);
	assert_int_equal(w->seen[1].icmp_type, 8);
	assert_int_equal(frame_goes(w, 2, MS(80), node, alice)->icmp_type, 0);
	world_free(w);
}

/* --- the whole --- */

static void failures_end_the_run(void **state)
{
	struct world *w = alice_and_node(NETWORK_PUBLIC);
	uint8_t bytes[1473] = { 0 };
	struct error err = { .text = "" };

	(void)state;
	world_begin(w);
	assert_null(net_attach(w->net, &w->party[ALICE], &world_handlers, NULL, &err));
	net_send(w->program[ALICE].host, 35990, w->party[FAR].address, bytes, sizeof bytes,
		 PURPOSE_SIGNALLING);
	assert_false(net_virtual_run(w->net, BEGINS + MINUTES, &err));
	assert_non_null(strstr(err.text, "fragmented"));
	world_end(w);
	world_free(w);
}

static void out_of_memory(void *self, uint64_t what)
{
	(void)what;
	((struct net *)self)->out_of_memory =
		true; /* as net_alloc() does; sanitizers end what asks for too much */
}

/* A role that has no memory has nobody to tell, but nothing after it is true any more. */
static void want_of_memory_ends_the_run(void **state)
{
	struct world *w = alice_and_node(NETWORK_PUBLIC);
	struct error err = { .text = "" };

	(void)state;
	world_begin(w);
	net_after(w->net, MS(1), out_of_memory, w->net, 0);
	assert_false(net_virtual_run(w->net, BEGINS + MINUTES, &err));
	assert_int_equal(err.status, EXIT_INTERNAL);
	world_end(w);
	world_free(w);
}

static void time_ends_where_it_is_told(void **state)
{
	struct world *w = alice_and_node(NETWORK_PUBLIC);

	(void)state;
	world_begin(w);
	later(w, 0);
	world_run(w, MS(40) - 1);
	assert_int_equal(w->program[FAR].notes, 0);
	world_run(w, MS(40));
	assert_int_equal(w->program[FAR].notes, 1);
	assert_int_equal(net_now(w->net), BEGINS + MS(40));
	world_end(w);
	net_virtual_free(NULL);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_place_of_the_capture),
		cmocka_unit_test(between_outside_parties_nothing_is_seen),
		cmocka_unit_test(jitter_never_reorders),
		cmocka_unit_test(between_inside_parties_once),
		cmocka_unit_test(between_inside_parties_behind_a_nat_twice),
		cmocka_unit_test(nat_lets_in_answers_alone),
		cmocka_unit_test(a_public_party_gets_all),
		cmocka_unit_test(private_addresses_lead_nowhere),
		cmocka_unit_test(behind_the_same_nat),
		cmocka_unit_test(a_firewall_drops_udp_but_names),
		cmocka_unit_test(the_dead_say_nothing),
		cmocka_unit_test(late_answers_are_unreachable),
		cmocka_unit_test(a_port_that_was_never_used_is_unreachable),
		cmocka_unit_test(echo_requests),
		cmocka_unit_test(failures_end_the_run),
		cmocka_unit_test(want_of_memory_ends_the_run),
		cmocka_unit_test(time_ends_where_it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
