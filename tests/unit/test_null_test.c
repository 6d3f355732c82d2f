/*
 * The self-test must be able to fail: a registry of dissectors that keep or break their promises in every
 * way, each of which has to be told from the others; and the command's exit status.
 */
#include "cmd.h"
#include "identify/sockets.h"
#include "store/null_judge.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define DATAGRAMS 300000U

/* --- the planted registry. Who is in `awake` looks; the others say no to everything. */

enum planted {
	HONEST,     /* one in 2^6, claims 5 bits */
	GREEDY,     /* one in 2^6, claims 10 bits */
	PATIENT,    /* 6 bits for one in 2^6 of the datagrams, but looks at 16 of them */
	CORRELATED, /* one in 2^5, found twice: 4 bits each, and the sum is 8 */
	SELDOM,     /* 3 bits for one in 2^4, as it should; but 24 more for one in 2^10 */
	REPEATER,   /* 1 bit for every datagram: three make 3 bits in most flows */
	VALUES,     /* a nonce in every datagram: a value, which is no evidence yet */
	STREAM,     /* TCP: 10 bits for one in 2^6 */
	RESOLVER,   /* takes every DNS flow for its own */
	SOCKETS,    /* recognises every WireGuard socket */
	CROWD,      /* 18 bits on every WireGuard socket; the machinery adds 3 for many peers */
	TORRENT,    /* of protocol "bittorrent": recognises every DHT socket */
	REPORTER,   /* reports a login in every QUIC flow, and nothing else */
	PLANTED
};
static unsigned awake; /* bits */

enum {
	FIVE,
	SIX,
	TEN,
	FOUR,
	FOUR_TOO,
	THREE,
	ONE,
	NONCE,
	STRONG,
	EIGHTEEN,
	MANY,
	FLOW_TEN,
	FLOW_TWENTY_FOUR,
	FLOW_FORTY,
	KINDS
};
static const struct evidence_kind kinds[] = {
	[FIVE] = { "five", "", ABOUT_SENDER, TEST_NONE, 5, 5, 0 },
	[SIX] = { "six", "", ABOUT_SENDER, TEST_NONE, 6, 6, 0 },
	[TEN] = { "ten", "", ABOUT_SENDER, TEST_NONE, 10, 10, 0 },
	[FOUR] = { "four", "", ABOUT_SENDER, TEST_NONE, 4, 4, 0 },
	[FOUR_TOO] = { "four_too", "", ABOUT_SENDER, TEST_PEERS, 4, 4, 0 },
	[THREE] = { "three", "", ABOUT_SENDER, TEST_NONE, 3, 3, 0 },
	[ONE] = { "one", "", ABOUT_SENDER, TEST_NONE, 1, 3, 0 },
	[NONCE] = { "nonce", "", ABOUT_SENDER, TEST_NONCE, 0.25F, 1, -1 },
	[STRONG] = { "strong", "", ABOUT_SOCKETS, TEST_NONE, 25, 25, 0 },
	[EIGHTEEN] = { "eighteen", "", ABOUT_SOCKETS, TEST_NONE, 18, 18, 0 },
	[MANY] = { "many", "", ABOUT_SOCKETS, TEST_NONE, 3, 3, 0 },
	[FLOW_TEN] = { "flow_ten", "", ABOUT_FLOW, TEST_NONE, 10, 10, 0 },
	[FLOW_TWENTY_FOUR] = { "flow_twenty_four", "", ABOUT_FLOW, TEST_NONE, 24, 24, 0 },
	[FLOW_FORTY] = { "flow_forty", "", ABOUT_FLOW, TEST_NONE, 40, 40, 0 },
};
static const struct protocol planted = { .name = "planted",
					 .suspected_name = "planted?",
					 .title = "Planted",
					 .udp_label = "planted-udp",
					 .tcp_label = "planted-tcp",
					 .kinds = kinds,
					 .kind_count = KINDS,
					 .machinery = { [MACHINERY_MANY_PEERS] = &kinds[MANY] } };
static const struct protocol torrent = { .name = "bittorrent",
					 .suspected_name = "bittorrent?",
					 .title = "BitTorrent",
					 .udp_label = "bittorrent-udp",
					 .tcp_label = "bittorrent-tcp",
					 .kinds = kinds,
					 .kind_count = KINDS };

/* One in 2^bits of random first bytes. */
static bool chance(const struct look *l, unsigned bits)
{
	struct reader r = reader_on(l->data);
	unsigned first = rd_be16(&r);
	return !r.failed && first >> (16 - bits) == 0;
}

static enum match look_planted(const struct look *l)
{
	struct reader r = reader_on(l->data);

	if (!(awake >> l->dissector & 1))
		return MATCH_NO;
	switch ((enum planted)l->dissector) {
	case HONEST:
		if (chance(l, 6))
			observe(l, FIVE, 0);
		return MATCH_NO;
	case GREEDY:
		if (chance(l, 6))
			observe(l, TEN, 0);
		return MATCH_NO;
	case PATIENT:
		if (chance(l, 6))
			observe(l, SIX, 0);
		return MATCH_MAYBE;
	case CORRELATED:
		if (chance(l, 5)) {
			observe(l, FOUR, 0);
			observe(l, FOUR_TOO, 0);
		}
		return MATCH_NO;
	case SELDOM:
		if (chance(l, 4))
			observe(l, THREE, 0);
		if (chance(l, 10))
			observe(l, FLOW_TWENTY_FOUR, 0);
		return MATCH_NO;
	case REPEATER:
		observe(l, ONE, 0);
		return MATCH_MAYBE;
	case VALUES:
		observe(l, NONCE, rd_be32(&r));
		return MATCH_MAYBE;
	case STREAM:
		if (chance(l, 6))
			observe(l, FLOW_TEN, 0);
		return MATCH_NO;
	case RESOLVER:
		if (look_server_port(l) != 53)
			return MATCH_NO;
		observe(l, FLOW_FORTY, 0);
		label_flow(l, "planted-dns");
		return MATCH_YES;
	case SOCKETS:
	case CROWD:
		if (l->from->port != 51820 && l->to->port != 51820)
			return MATCH_NO;
		observe(l, l->dissector == CROWD ? EIGHTEEN : STRONG, 0);
		return MATCH_YES;
	case TORRENT:
		if (l->data.len < 3 || memcmp(l->data.ptr, "d1:", 3) != 0)
			return MATCH_NO;
		observe(l, STRONG, 0);
		return MATCH_YES;
	case REPORTER:
		if (rd_u8(&r) == 0xc0 && rd_be32(&r) == 1) {
			const struct event login = { .type = EVENT_EXCHANGE,
						     .of.exchange = { .role = "login" } };
			report_event(l, &login);
		}
		return MATCH_NO;
	case PLANTED:
		break;
	}
	return MATCH_NO;
}

#define UDP(n, of)                                                                                           \
	&(const struct dissector)                                                                            \
	{                                                                                                    \
		.name = n, .protocol = of, .l4 = IPPROTO_UDP, .patience = 16, .look = look_planted           \
	}
const struct dissector *const dissectors[] = {
	[HONEST] = UDP("honest", &planted),
	[GREEDY] = UDP("greedy", &planted),
	[PATIENT] = UDP("patient", &planted),
	[CORRELATED] = UDP("correlated", &planted),
	[SELDOM] = UDP("seldom", &planted),
	[REPEATER] = UDP("repeater", &planted),
	[VALUES] = UDP("values", &planted),
	[STREAM] = &(const struct dissector){ .name = "stream",
					      .protocol = &planted,
					      .l4 = IPPROTO_TCP,
					      .patience = 2,
					      .look = look_planted },
	[RESOLVER] = UDP("resolver", &planted),
	[SOCKETS] = UDP("sockets", &planted),
	[CROWD] = UDP("crowd", &planted),
	[TORRENT] = UDP("torrent", &torrent),
	[REPORTER] = UDP("reporter", &planted),
};
const unsigned dissector_count = PLANTED;
const struct protocol *const protocols[] = { &planted, &torrent };
const unsigned protocol_count = 2;

/* --- what cmd_self_test.c needs of cmd.c */

/* Of main.c, which is not linked. */
const struct subcommand *const subcommands[] = { &subcommand_self_test, NULL };

static struct null_account *account;

static void run(unsigned who)
{
	const struct null_test_options options = { .datagrams = DATAGRAMS,
						   .seed = 1,
						   .verdict_bits = VERDICT_BITS_DEFAULT,
						   .suspect_bits = SUSPECT_BITS_DEFAULT };
	struct error err = { 0 };

	awake = who;
	if (!null_test_run(&options, account, &err))
		fail_msg("%s", err.text);
	assert_int_equal(account->datagrams, DATAGRAMS);
}

#define BIT(x) (1U << (x))

static const struct null_kind_account *of_kind(const char *name)
{
	return &account->kind[null_kind_named(name) - null_kinds];
}

static struct null_dissector_verdict verdict_of(enum planted who)
{
	return null_judge_dissector(account, who);
}

/* The rate is within its interval; p: what the rule gives. */
static void assert_rate(struct null_dissector_verdict v, double p)
{
	assert_true(v.flows > 5000);
	assert_true(v.rate.low < p && p < v.rate.high);
}

static void promise_kept(void **state)
{
	(void)state;
	run(BIT(HONEST) | BIT(VALUES));
	struct null_dissector_verdict v = verdict_of(HONEST);
	/* One in 64 of those that have two bytes. */
	assert_true(v.rate.low < 1 / 64.0 && v.rate.high > 1 / 70.0);
	assert_true(v.within && v.lightest_bits == 5 && v.promised == 1 / 32.0);
	v = verdict_of(VALUES);
	assert_true(v.within && v.with_evidence == 0 && v.flows > 5000);
	assert_true(v.rate.low == 0 && v.rate.high < 1e-3);
	assert_true(null_judge_all(account));
}

static void promise_broken(void **state)
{
	(void)state;
	run(BIT(GREEDY) | BIT(PATIENT) | BIT(CORRELATED) | BIT(HONEST) | BIT(STREAM));
	assert_true(verdict_of(HONEST).within);
	struct null_dissector_verdict v = verdict_of(GREEDY);
	assert_true(!v.within && v.broken_bits == 10 && v.promised == 1 / 1024.0);
	assert_int_equal(v.with_evidence, verdict_of(HONEST).with_evidence);
	v = verdict_of(PATIENT);
	assert_true(!v.within && v.broken_bits == 6 && v.rate.low > 3 / 64.0);
	/* Each kind keeps its promise, 2^-5 for 4 bits; only their sum does not. */
	v = verdict_of(CORRELATED);
	assert_true(!v.within && v.broken_bits == 8 && v.lightest_bits == 8);
	assert_rate(v, 1 / 32.5);
	v = verdict_of(STREAM);
	assert_true(!v.within && v.broken_bits == 10);
	assert_false(null_judge_all(account));
}

/* The lightest evidence keeps its promise, the heavier does not. */
static void heavier_is_judged(void **state)
{
	(void)state;
	run(BIT(SELDOM));
	struct null_dissector_verdict v = verdict_of(SELDOM);
	assert_true(v.lightest_bits == 3 && v.rate.high < v.promised);
	assert_true(!v.within && v.broken_bits == 27 && v.broken_flows > 0 &&
		    v.broken_flows < v.with_evidence / 20);
}

/* Of 1000 flows with 5 bits, 31.25 are promised. The intervals are 2.53 to 4.95 % for 36, and 4.61 to 7.65 %
 * for 60: more than promised, but perhaps by chance; and surely more. */
static void chance_is_allowed(void **state)
{
	struct null_promise *p = &account->promise[HONEST];

	(void)state;
	*account = (struct null_account){ 0 };
	p->flows = 1000;
	p->reached[5 * NULL_BITS_STEPS] = 36;
	assert_true(verdict_of(HONEST).within);
	assert_true(null_judge_all(account));
	p->reached[5 * NULL_BITS_STEPS] = 60;
	assert_true(!verdict_of(HONEST).within && verdict_of(HONEST).broken_bits == 5);
	assert_false(null_judge_all(account));
}

/* What adds up at the socket adds up in the flow, as far as its cap. */
static void repetition_adds_up(void **state)
{
	(void)state;
	run(BIT(REPEATER));
	struct null_dissector_verdict v = verdict_of(REPEATER);
	assert_true(!v.within && v.lightest_bits == 1 && v.with_evidence == v.flows);
	assert_true(v.broken_bits == 3);
	assert_true(account->promise[REPEATER].most_bits == 3);
}

/* A flow labelled, a socket recognised, a login reported: each alone is over budget, and its traffic is
 * known. */
static void alarms(void **state)
{
	(void)state;
	run(BIT(RESOLVER));
	struct null_protocol_verdict v = null_judge_protocol(account, 0);
	assert_false(v.within);
	assert_int_equal(v.alarm.flows, of_kind("dns")->flows);
	assert_int_equal(v.alarm.datagrams, of_kind("dns")->datagrams);
	assert_int_equal(v.alarm.recognised, 0);
	assert_int_equal(v.datagrams, DATAGRAMS);
	assert_true(verdict_of(RESOLVER).within); /* dns is no random payload */

	run(BIT(SOCKETS));
	v = null_judge_protocol(account, 0);
	assert_false(v.within);
	assert_int_equal(v.alarm.recognised, of_kind("wireguard")->sockets);
	assert_int_equal(of_kind("wireguard")->alarm[0].recognised, of_kind("wireguard")->sockets);
	assert_true(null_alarm_counts(&of_kind("wireguard")->alarm[0]));
	assert_false(null_alarm_counts(&of_kind("quic")->alarm[0]));
	assert_true(v.per_socket.low > 0);

	/* 8 to 16 peers of 1 to 16, those apart that the last conversation did not come to. */
	run(BIT(CROWD));
	uint64_t crowds = of_kind("wireguard")->alarm[0].recognised, all = of_kind("wireguard")->sockets;
	assert_in_range(crowds, all * 4 / 10, all * 7 / 10);
	assert_int_equal(of_kind("wireguard")->alarm[0].suspected, all - crowds);

	run(BIT(REPORTER));
	v = null_judge_protocol(account, 0);
	assert_false(v.within);
	assert_true(v.alarm.events > 0 && v.alarm.flows == 0 && v.alarm.recognised == 0);
	assert_false(null_judge_all(account));
}

/* What a protocol finds in its own traffic is no alarm. */
static void own_traffic(void **state)
{
	(void)state;
	run(BIT(TORRENT));
	struct null_protocol_verdict v = null_judge_protocol(account, 1);
	assert_true(v.within && v.alarm.recognised == 0);
	assert_int_equal(of_kind("bittorrent-dht")->alarm[1].recognised, of_kind("bittorrent-dht")->sockets);
	assert_int_equal(v.datagrams, DATAGRAMS - of_kind("bittorrent-dht")->datagrams -
					      of_kind("bittorrent-utp")->datagrams);
	assert_true(null_judge_all(account));
}

/* Every flow of random payload is shown to every dissector of its transport, in the same traffic as before.
 */
static void account_adds_up(void **state)
{
	uint64_t sockets = 0, flows = 0, datagrams = 0;

	(void)state;
	run(0);
	for (unsigned k = 0; k < null_kind_count; k++) {
		sockets += account->kind[k].sockets;
		flows += account->kind[k].flows;
		datagrams += account->kind[k].datagrams;
		assert_true(account->kind[k].datagrams > DATAGRAMS / 100);
	}
	assert_true(sockets == account->sockets && flows == account->flows && datagrams == DATAGRAMS);
	assert_int_equal(verdict_of(HONEST).flows, of_kind("random")->flows);
	assert_in_range(verdict_of(STREAM).flows, of_kind("random-tcp")->flows - PLANTED,
			of_kind("random-tcp")->flows);
	assert_true(null_judge_all(account));
}

/* Runs the command; what it printed goes to text. */
static enum exit_status command(unsigned who, const char *option, char *text, size_t size)
{
	char *argv[] = { "-q", "--datagrams", "200k", (char *)(uintptr_t)option, NULL };
	char path[] = "null_test-XXXXXX";
	int file = mkstemp(path), saved = dup(STDOUT_FILENO);

	assert_true(file >= 0 && saved >= 0);
	fflush(stdout);
	dup2(file, STDOUT_FILENO);
	awake = who;
	enum exit_status status = subcommand_run(&subcommand_self_test, option ? 4 : 3, argv);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	ssize_t got = pread(file, text, size - 1, 0);
	close(file);
	unlink(path);
	assert_true(got >= 0);
	text[got] = '\0';
	return status;
}

static void exit_status(void **state)
{
	static char text[65536];

	(void)state;
	assert_int_equal(command(BIT(HONEST), NULL, text, sizeof text), EXIT_COMPLETE);
	assert_non_null(strstr(text, "All dissectors are within their budgets."));
	assert_null(strstr(text, "FAIL"));
	assert_int_equal(command(BIT(GREEDY), NULL, text, sizeof text), EXIT_INTERNAL);
	assert_non_null(strstr(text, "greedy is over its budget"));
	assert_non_null(strstr(text, "random flows have evidence of"));
	assert_non_null(strstr(text, "FAIL: over budget."));
	assert_int_equal(command(BIT(SOCKETS), NULL, text, sizeof text), EXIT_INTERNAL);
	assert_non_null(strstr(text, "planted is over its budget, which is none. It takes wireguard"));
	for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
		if (end - line > 80)
			fail_msg("%.*s", (int)(end - line), line);
	assert_int_equal(command(BIT(SOCKETS), "--json", text, sizeof text), EXIT_INTERNAL);
	assert_non_null(strstr(text, "\"within\":false"));
}

static int setup(void **state)
{
	(void)state;
	account = malloc(sizeof *account);
	return account ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(account);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_kept),       cmocka_unit_test(promise_broken),
		cmocka_unit_test(heavier_is_judged),  cmocka_unit_test(chance_is_allowed),
		cmocka_unit_test(repetition_adds_up), cmocka_unit_test(alarms),
		cmocka_unit_test(own_traffic),        cmocka_unit_test(account_adds_up),
		cmocka_unit_test(exit_status),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
