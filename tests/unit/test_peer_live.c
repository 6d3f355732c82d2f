/* The live net on loopback: two or three parties in one process, and plain sockets that play the stranger. */
#include "peer/fact.h"
#include "peer/guard.h"
#include "peer/net_live.h"
#include "base/clock.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define LOOPBACK 0x7f000001U
#define BEGINS   (INT64_C(1156500000) * NS_PER_S) /* 2006-08-25T10:00:00Z */
#define NOTES    64

/* A party that writes down what it hears. */
struct player {
	struct net *net;
	struct host *host;
	struct link *link;
	bool refuses, answers, closes;
	unsigned datagrams, accepted, opened, closed, messages, timers;
	struct endpoint from;
	uint16_t local_port;
	size_t size[NOTES]; /* of datagrams and messages, in order */
	uint8_t first[NOTES];
	int64_t at[NOTES]; /* of timers and messages */
	uint64_t what[NOTES];
	enum link_end end;
};

static void heard_datagram(void *self, uint16_t local_port, struct endpoint from, const uint8_t *bytes,
			   size_t size)
{
	struct player *p = self;

	assert_true(p->datagrams < NOTES);
	p->size[p->datagrams] = size;
	p->first[p->datagrams++] = size ? bytes[0] : 0;
	p->from = from;
	p->local_port = local_port;
	if (p->answers)
		net_send(p->host, local_port, from, (const uint8_t *)"yes", 3, PURPOSE_SIGNALLING);
}

static bool heard_accepted(void *self, struct link *link, uint16_t local_port, struct endpoint from)
{
	struct player *p = self;

	p->accepted++;
	p->link = link;
	p->local_port = local_port;
	p->from = from;
	return !p->refuses;
}

static void heard_opened(void *self, struct link *link)
{
	struct player *p = self;

	p->opened++;
	assert_ptr_equal(link, p->link);
}

static void heard_message(void *self, struct link *link, const uint8_t *bytes, size_t size)
{
	struct player *p = self;

	if (p->messages < NOTES) {
		p->size[p->messages] = size;
		p->first[p->messages] = bytes[0];
		p->at[p->messages] = net_now(p->net);
	}
	p->messages++;
	if (p->closes)
		link_close(link);
}

static void heard_closed(void *self, struct link *link, enum link_end end)
{
	struct player *p = self;

	assert_ptr_equal(link, p->link);
	p->link = NULL;
	p->closed++;
	p->end = end;
}

static const struct host_handlers handlers = {
	heard_datagram, heard_accepted, heard_opened, heard_message, heard_closed,
};

static void heard_timer(void *self, uint64_t what)
{
	struct player *p = self;

	p->at[p->timers] = net_now(p->net);
	p->what[p->timers++] = what;
}

/* Ports of which one was free a moment ago; the net itself takes no port 0. */
static uint16_t free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(LOOPBACK) };
	socklen_t size = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
	close(fd);
	return ntohs(a.sin_port);
}

struct stage {
	struct party party[2];
	struct scenario scenario;
	struct player alice, bob;
	struct net *net;
};

static void stage_free(struct stage *s)
{
	net_live_free(s->net);
	free(s);
}

static struct stage *stage_try(struct error *err)
{
	struct stage *s = calloc(1, sizeof *s);

	assert_non_null(s);
	s->party[0] = (struct party){ .name = "alice", .inside = true, .public_ip = LOOPBACK };
	s->party[1] = (struct party){ .name = "bob", .inside = true, .public_ip = LOOPBACK };
	s->party[0].address = (struct endpoint){ LOOPBACK, free_port() };
	s->party[1].address = (struct endpoint){ LOOPBACK, free_port() };
	s->scenario =
		(struct scenario){ .path = "test", .begins_ns = BEGINS, .party = s->party, .parties = 2 };
	s->net = net_live_new(&s->scenario, net_live_today(), err);
	if (!s->net)
		fail_msg("%s", err->text);
	s->alice.net = s->bob.net = s->net;
	s->alice.host = net_attach(s->net, &s->party[0], &handlers, &s->alice, err);
	s->bob.host = net_attach(s->net, &s->party[1], &handlers, &s->bob, err);
	if (s->alice.host && s->bob.host)
		return s;
	stage_free(s);
	return NULL;
}

static struct stage *stage_new(void)
{
	struct error err = { 0 };

	/* Somebody else may take a port between our look at it and our use. */
	for (int attempt = 0; attempt < 20; attempt++) {
		struct stage *s = stage_try(&err);

		if (s)
			return s;
	}
	fail_msg("%s", err.text);
	return NULL;
}

/* From now on: a net that is not run does not look at the clock. */
static void run_for(struct stage *s, int64_t ns)
{
	struct error err = { 0 };

	if (!net_live_run(s->net, 0, NULL, &err) || !net_live_run(s->net, net_now(s->net) + ns, NULL, &err))
		fail_msg("%s", err.text);
}

/* Until it is so, 20 s at most: that the machine has other things to do says nothing about the net. */
#define run_until(s, condition)                                                                              \
	do {                                                                                                 \
		for (int turn_ = 0; !(condition) && turn_ < 4000; turn_++)                                   \
			run_for(s, 5 * NS_PER_MS);                                                           \
		assert_true(condition);                                                                      \
	} while (0)

/* Of messages, from this one on. */
static size_t heard_bytes(const struct player *p, unsigned from)
{
	size_t sum = 0;

	for (unsigned i = from; i < p->messages && i < NOTES; i++)
		sum += p->size[i];
	return sum;
}

static void send_text(struct player *p, uint16_t port, struct endpoint to, const char *text)
{
	net_send(p->host, port, to, (const uint8_t *)text, strlen(text), PURPOSE_SIGNALLING);
}

static void link_text(struct link *link, const char *text)
{
	link_send(link, (const uint8_t *)text, strlen(text), PURPOSE_NODE);
}

static void datagrams_go_both_ways(void **state)
{
	struct stage *s = stage_new();
	uint16_t other = free_port();

	(void)state;
	s->bob.answers = true;
	send_text(&s->alice, s->party[0].address.port, s->party[1].address, "question");
	run_until(s, s->bob.datagrams == 1 && s->alice.datagrams == 1);
	assert_int_equal(s->bob.size[0], 8);
	assert_true(endpoint_equal(s->bob.from, s->party[0].address));
	assert_int_equal(s->alice.size[0], 3);
	assert_true(endpoint_equal(s->alice.from, s->party[1].address));
	/* From a port that is opened for it; the answer comes there. */
	send_text(&s->alice, other, s->party[1].address, "another");
	run_until(s, s->alice.datagrams == 2);
	assert_int_equal(s->bob.from.port, other);
	assert_int_equal(s->alice.local_port, other);
	/* A host that is gone answers nothing. */
	net_detach(s->bob.host);
	send_text(&s->alice, other, s->party[1].address, "lost");
	run_for(s, 30 * NS_PER_MS);
	assert_int_equal(s->alice.datagrams, 2);
	assert_int_equal(net_live_counts(s->net)->sent, 5);
	stage_free(s);
}

/* Two writes of 5 bytes 40 ms apart are two messages; with 2 ms between them they are one. */
static void pauses_end_messages(void **state)
{
	struct stage *s = stage_new();
	unsigned first;

	(void)state;
	s->alice.link = net_connect(s->alice.host, s->party[1].address, PURPOSE_SUPERNODE, &s->alice);
	assert_non_null(s->alice.link);
	assert_ptr_equal(s->alice.link->data, &s->alice);
	assert_true(s->alice.link->local_port != 0);
	link_text(s->alice.link, "early"); /* waits until it is open */
	run_until(s, s->alice.opened == 1 && s->bob.messages == 1);
	assert_int_equal(s->bob.accepted, 1);
	assert_int_equal(s->bob.from.port, s->alice.link->local_port);
	assert_int_equal(s->bob.local_port, s->party[1].address.port);
	/* Two that are said at once are kept apart by the sender. Who is held up for as long reads them
	 * together; then once more. */
	do {
		first = s->bob.messages;
		link_text(s->alice.link, "one");
		link_text(s->alice.link, "three");
		run_until(s, heard_bytes(&s->bob, first) == 8);
	} while (s->bob.messages == first + 1 && first < 20);
	assert_int_equal(s->bob.messages, first + 2);
	assert_int_equal(s->bob.size[first], 3);
	assert_int_equal(s->bob.size[first + 1], 5);
	assert_true(s->bob.at[first + 1] - s->bob.at[first] >= 10 * NS_PER_MS);
	/* The other way, and the end: who closes hears no more. */
	s->alice.closes = true;
	link_text(s->bob.link, "bye");
	run_until(s, s->bob.closed == 1);
	assert_int_equal(s->alice.messages, 1);
	assert_int_equal(s->alice.closed, 0);
	assert_int_equal(s->bob.end, LINK_CLOSED);
	stage_free(s);
}

static int stranger_connects(struct endpoint to)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(to.port),
				 .sin_addr.s_addr = htonl(to.ip) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof one);
	return fd;
}

static void pieces_without_a_pause_are_one_message(void **state)
{
	struct stage *s = stage_new();
	int fd = stranger_connects(s->party[1].address);
	unsigned first;

	(void)state;
	/* Where this process is held up for 10 ms, there was a pause; then once more. */
	do {
		first = s->bob.messages;
		for (int i = 0; i < 5; i++) {
			assert_int_equal(send(fd, "xy", 2, 0), 2);
			run_for(s, 2 * NS_PER_MS);
		}
		run_until(s, heard_bytes(&s->bob, first) == 10);
	} while (s->bob.messages > first + 1 && first < 40);
	assert_int_equal(s->bob.messages, first + 1);
	/* What came right before the end is heard before the end. */
	assert_int_equal(send(fd, "last", 4, 0), 4);
	close(fd);
	run_until(s, s->bob.closed == 1);
	assert_int_equal(s->bob.messages, first + 2);
	stage_free(s);
}

static void connections_that_fail(void **state)
{
	struct stage *s = stage_new();
	struct endpoint closed_port = { LOOPBACK, free_port() };
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(LOOPBACK) };
	socklen_t size = sizeof a;
	int full = socket(AF_INET, SOCK_STREAM, 0), others[3];

	(void)state;
	s->alice.link = net_connect(s->alice.host, closed_port, PURPOSE_SUPERNODE, NULL);
	assert_non_null(s->alice.link);
	assert_int_equal(s->alice.closed, 0); /* never before net_connect() has returned */
	run_until(s, s->alice.closed == 1);
	assert_int_equal(s->alice.end, LINK_REFUSED);
	/* Accepted, and sent away by the role. */
	s->bob.refuses = true;
	s->alice.link = net_connect(s->alice.host, s->party[1].address, PURPOSE_SUPERNODE, NULL);
	run_until(s, s->alice.closed == 2);
	assert_int_equal(s->alice.end, LINK_CLOSED);
	assert_int_equal(s->alice.opened, 1);
	/* A listener whose queue is full answers no SYN: as if nobody were there. Linux sends again after 1,
	 * 2 and 4 s, and gives up 7 s after the first. */
	assert_int_equal(bind(full, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(full, 0), 0);
	assert_int_equal(getsockname(full, (struct sockaddr *)&a, &size), 0);
	for (int i = 0; i < 3; i++) {
		others[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(others[i], (struct sockaddr *)&a, sizeof a);
	}
	s->alice.link = net_connect(s->alice.host, (struct endpoint){ LOOPBACK, ntohs(a.sin_port) },
				    PURPOSE_SUPERNODE, NULL);
	int64_t asked = net_now(s->net);

	run_for(s, 4 * NS_PER_S);
	if (net_now(s->net) - asked < 6 * NS_PER_S) /* we were not held up */
		assert_int_equal(s->alice.closed, 2);
	run_until(s, s->alice.closed == 3);
	assert_int_equal(s->alice.end, LINK_TIMEOUT);
	for (int i = 0; i < 3; i++)
		close(others[i]);
	close(full);
	stage_free(s);
}

static void timers_run_in_order_and_do_not_drift(void **state)
{
	struct stage *s = stage_new();

	(void)state;
	run_for(s, 0);
	int64_t began = net_now(s->net);
	assert_true(began >= BEGINS && began < BEGINS + 10 * NS_PER_S);
	net_after(s->net, 300 * NS_PER_MS, heard_timer, &s->alice, 3);
	net_after(s->net, 100 * NS_PER_MS, heard_timer, &s->alice, 1);
	net_after(s->net, 100 * NS_PER_MS, heard_timer, &s->alice, 2);
	net_after(s->net, 60 * NS_PER_S, heard_timer, &s->alice, 4);
	run_for(s, NS_PER_S);
	assert_int_equal(s->alice.timers, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(s->alice.what[i], i + 1);
	/* What the clock says in a timer is the time that was asked for, however late it runs. */
	assert_int_equal(s->alice.at[0] - began, 100 * NS_PER_MS);
	assert_int_equal(s->alice.at[2] - began, 300 * NS_PER_MS);
	stage_free(s);
}

static void refused_destination(uint32_t ip, bool over_tcp)
{
	struct stage *s = stage_new();
	struct error err = { 0 };

	if (over_tcp)
		assert_null(net_connect(s->alice.host, (struct endpoint){ ip, 443 }, PURPOSE_LOGIN, NULL));
	else
		send_text(&s->alice, s->party[0].address.port, (struct endpoint){ ip, 53 }, "no");
	assert_false(net_live_run(s->net, net_now(s->net) + NS_PER_S, NULL, &err));
	assert_non_null(strstr(err.text, "alice would send to"));
	assert_int_equal(net_live_counts(s->net)->sent, 0);
	stage_free(s);
}

static void the_real_network_is_out_of_reach(void **state)
{
	struct party far = { .name = "far", .address = { 0x08080808, 33033 }, .public_ip = 0x08080808 };
	struct party lab = { .name = "lab", .address = { 0x0a000001, 33033 }, .public_ip = 0x0a000001 };
	struct scenario scenario = { .path = "test", .party = &far, .parties = 1 };
	struct stage *s = stage_new();
	struct error err = { 0 };

	(void)state;
	refused_destination(0x08080808, false); /* 8.8.8.8 */
	refused_destination(0x08080808, true);
	if (!guard_own_namespace()) { /* 10.0.0.1 */
		refused_destination(0x0a000001, false);
		refused_destination(0x0a000001, true);
	}
	assert_null(net_attach(s->net, &far, &handlers, &s->bob, &err));
	assert_non_null(strstr(err.text, "8.8.8.8"));
	if (!guard_own_namespace()) {
		assert_null(net_attach(s->net, &lab, &handlers, &s->bob, &err));
		assert_non_null(strstr(err.text, "namespace"));
	}
	assert_null(net_live_new(&scenario, 0, &err));
	assert_non_null(strstr(err.text, "8.8.8.8"));
	if (!guard_own_namespace()) {
		scenario.party = &lab;
		assert_null(net_live_new(&scenario, 0, &err));
		assert_non_null(strstr(err.text, "10.0.0.1"));
	}
	stage_free(s);
}

static void floods_are_bounded(void **state)
{
	struct stage *s = stage_new();
	static const uint8_t big[3000];
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(s->party[1].address.port),
				  .sin_addr.s_addr = htonl(LOOPBACK) };
	int udp = socket(AF_INET, SOCK_DGRAM, 0), fd = stranger_connects(s->party[1].address);
	size_t sent = 0;

	(void)state;
	/* No datagram of a node is that long. */
	assert_int_equal(sendto(udp, big, 1473, 0, (struct sockaddr *)&to, sizeof to), 1473);
	assert_int_equal(sendto(udp, big, 1472, 0, (struct sockaddr *)&to, sizeof to), 1472);
	run_until(s, net_live_counts(s->net)->oversized == 1 && s->bob.datagrams == 1);
	assert_int_equal(s->bob.size[0], 1472);
	/* A stream without pauses comes in pieces that are no longer than the bound. */
	for (int i = 0; i < 40; i++) {
		assert_int_equal(send(fd, big, sizeof big, 0), sizeof big);
		sent += sizeof big;
		run_for(s, NS_PER_MS);
	}
	run_until(s, heard_bytes(&s->bob, 0) == sent);
	assert_in_range(s->bob.messages, 8, 40);
	for (unsigned i = 0; i < s->bob.messages; i++)
		assert_true(s->bob.size[i] <= 16384);
	/* Who does not read is cut off. */
	for (int i = 0; i < 10000 && s->bob.closed == 0; i++) {
		if (s->bob.link)
			link_send(s->bob.link, big, sizeof big, PURPOSE_NODE);
		if (i % 100 == 99)
			run_for(s, 20 * NS_PER_MS);
	}
	assert_int_equal(s->bob.closed, 1);
	assert_int_equal(net_live_counts(s->net)->overflowed, 1);
	close(fd);
	close(udp);
	stage_free(s);
}

static void connections_are_bounded(void **state)
{
	struct stage *s = stage_new();
	int fd[LIVE_LINKS_MOST + 8];

	(void)state;
	for (size_t i = 0; i < sizeof fd / sizeof fd[0]; i++) {
		fd[i] = stranger_connects(s->party[1].address);
		if (i % 8 == 7)
			run_for(s, NS_PER_MS);
	}
	run_until(s, s->bob.accepted == LIVE_LINKS_MOST && net_live_counts(s->net)->turned_away == 8);
	assert_null(net_connect(s->alice.host, s->party[1].address, PURPOSE_NODE, NULL));
	/* A place that is free is taken again. */
	s->bob.link = NULL;
	net_detach(s->bob.host);
	for (size_t i = 0; i < sizeof fd / sizeof fd[0]; i++)
		close(fd[i]);
	for (int turn = 0; !s->alice.link && turn < 4000; turn++) {
		run_for(s, 5 * NS_PER_MS);
		s->alice.link = net_connect(s->alice.host, s->party[1].address, PURPOSE_NODE, NULL);
	}
	assert_non_null(s->alice.link);
	run_until(s, s->alice.closed == 1);
	assert_int_equal(s->alice.end, LINK_REFUSED);
	stage_free(s);
}

static void facts_are_lines(void **state)
{
	struct stage *s = stage_new();
	struct link login = { .purpose = PURPOSE_LOGIN };
	char text[512] = { 0 };
	FILE *out = fmemopen(text, sizeof text, "w");

	(void)state;
	net_live_print_to(s->net, out);
	net_tell(s->net, &(struct fact){ .kind = FACT_UP, .party = &s->party[0] });
	net_tell(s->net, &(struct fact){ .kind = FACT_EXCHANGE,
					 .party = &s->party[0],
					 .link = &login,
					 .outcome = "failure",
					 .form = "2006" });
	net_tell(s->net, &(struct fact){ .kind = FACT_CALL,
					 .party = &s->party[0],
					 .far = { 0xc0000201, 33033 },
					 .began = true,
					 .relayed = true,
					 .codec = "isac",
					 .with = "bob" });
	net_live_tell_ends(s->net);
	fclose(out);
	assert_non_null(strstr(text, " s  alice  starts\n"));
	assert_non_null(strstr(text, " s  alice  login: failure\n"));
	assert_non_null(strstr(text, " s  alice  calls bob over UDP, relayed by 192.0.2.1:33033 (isac)\n"));
	assert_non_null(strstr(text, " s  alice  ends\n"));
	assert_null(strstr(text, "bob  ends"));
	stage_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_go_both_ways),
		cmocka_unit_test(pauses_end_messages),
		cmocka_unit_test(pieces_without_a_pause_are_one_message),
		cmocka_unit_test(connections_that_fail),
		cmocka_unit_test(timers_run_in_order_and_do_not_drift),
		cmocka_unit_test(the_real_network_is_out_of_reach),
		cmocka_unit_test(floods_are_bounded),
		cmocka_unit_test(connections_are_bounded),
		cmocka_unit_test(facts_are_lines),
	};

	return cmocka_run_group_tests_name("peer/net_live", tests, NULL, NULL);
}
