/*
 * What rule sets of protocols to come would need of iptables, beyond those that there are: that the kernel
 * does what the rules say is for tests/rules_iptables.py.
 */
#include "rules/rules.h"
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

/* One strategy with one pattern. */
struct made {
	struct packet_pattern pattern;
	struct block_strategy strategy;
	struct protocol protocol;
	struct ruleset r;
};

static void make(struct made *m, enum strategy_kind kind)
{
	*m = (struct made){ 0 };
	m->pattern = (struct packet_pattern){
		.name = "one", .words = "it's one", .l4 = IPPROTO_TCP, .shortest = 4
	};
	m->strategy = (struct block_strategy){ .name = "some",
					       .summary = "s",
					       .reason = "r",
					       .cost = "c",
					       .weakness = "w",
					       .kind = kind,
					       .patterns = 1 };
	m->protocol = (struct protocol){ .name = "proto",
					 .title = "Proto",
					 .patterns = &m->pattern,
					 .strategies = &m->strategy,
					 .pattern_count = 1,
					 .strategy_count = 1 };
	m->r = (struct ruleset){
		.protocol = &m->protocol, .strategy = &m->strategy, .command = "x", .version = "1"
	};
}

/* To be freed. */
static char *written(const struct made *m)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	format_iptables.write(&m->r, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* The line that begins so, cut off and to be freed; fails without one. */
static char *line_of(const char *text, const char *begin)
{
	const char *at = text;

	while (strncmp(at, begin, strlen(begin)) != 0) {
		at = strchr(at, '\n');
		if (!at || !*++at)
			fail_msg("no line begins with: %s", begin);
	}
	return strndup(at, strcspn(at, "\n"));
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
		n++;
	return n;
}

static void refused(const struct made *m, const char *words)
{
	struct error err = { 0 };

	assert_false(format_iptables.can(&m->r, &err));
	assert_int_equal(err.status, EXIT_USAGE);
	if (!strstr(err.text, words))
		fail_msg("'%s' does not say '%s'", err.text, words);
}

static void accepted(const struct made *m)
{
	struct error err = { 0 };

	if (!format_iptables.can(&m->r, &err))
		fail_msg("%s", err.text);
}

/* Three tests of 20 bytes are 15 words; u32 takes ten (iptables-extensions(8)), and all must hold. */
static void many_words(void **state)
{
	struct made m;

	(void)state;
	make(&m, STRATEGY_PATTERNS);
	m.pattern.shortest = 61;
	m.pattern.longest = 61;
	m.pattern.test_count = 3;
	for (uint8_t i = 0; i < 3; i++)
		m.pattern.test[i] =
			(struct pattern_test){ .offset = (uint8_t)(i * 20), .length = 20, .value = { i } };
	accepted(&m);
	char *text = written(&m), *line = line_of(text, "-A footsteps_proto_some -p tcp ! -f ");
	/* Data offset, 15 words, the 61st byte: 17 tests in two matches; no 62nd byte: the third. */
	assert_int_equal(count(line, " -m u32 --u32 \""), 2);
	assert_int_equal(count(line, " && "), 15);
	const char *second = strstr(strstr(line, "--u32") + 1, "--u32");
	char *first = strndup(line, (size_t)(second - line));
	assert_int_equal(count(first, " && "), 9);
	assert_non_null(strstr(second, "&& 0>>22&0x3C@12>>26&0x3C@57=0:0xFFFFFFFF\""));
	assert_non_null(strstr(line, " -m u32 ! --u32 \"0>>22&0x3C@12>>26&0x3C@58=0:0xFFFFFFFF\""));
	free(first);
	free(line);
	free(text);
}

/* A byte is read by the word that ends with it; before the fourth by the first word, which is there. */
static void differing_bytes(void **state)
{
	static const struct {
		uint8_t offset, value;
		const char *test;
	} cases[] = {
		{ 0, 0x01, "12>>26&0x3C@0>>24&0xFF=0:0,2:255" },
		{ 2, 0x00, "12>>26&0x3C@0>>8&0xFF=1:255" },
		{ 3, 0xff, "12>>26&0x3C@0&0xFF=0:254" },
		{ 4, 0xfe, "12>>26&0x3C@1&0xFF=0:253,255:255" },
	};
	struct made m;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		make(&m, STRATEGY_PATTERNS);
		m.pattern.shortest = 5;
		m.pattern.test_count = 1;
		m.pattern.test[0] = (struct pattern_test){
			.offset = cases[i].offset, .length = 1, .differs = true, .value = { cases[i].value }
		};
		char *text = written(&m);
		if (!strstr(text, cases[i].test))
			fail_msg("no %s in %s", cases[i].test, text);
		free(text);
	}
}

static void refusals(void **state)
{
	static const char *const interfaces[] = { "", "eth+", "a b", "x\ny", "'", "-i", "0123456789abcdef" };
	struct made m;

	(void)state;
	make(&m, STRATEGY_PATTERNS);
	accepted(&m);
	m.pattern.shortest = 3;
	refused(&m, "four bytes at a time");
	m.pattern.l4 = IPPROTO_UDP; /* there the header is before it */
	accepted(&m);
	m.r.interface = "eth0.5";
	accepted(&m);
	for (size_t i = 0; i < sizeof interfaces / sizeof interfaces[0]; i++) {
		m.r.interface = interfaces[i];
		refused(&m, "interface");
	}
	make(&m, STRATEGY_SERVERS);
	m.r.expire_ns = 2147483 * INT64_C(1000000000); /* ipset(8): the maximum timeout */
	accepted(&m);
	m.r.expire_ns++;
	refused(&m, "24 days");
}

/* More than ipset takes by itself (ipset(8): maxelem 65536); 0.0.0.0 it does not take at all. */
static void many_endpoints(void **state)
{
	const size_t n = 65538;
	struct rule_endpoint *list = calloc(n, sizeof *list);
	struct made m;

	(void)state;
	assert_non_null(list);
	for (size_t i = 0; i < n; i++)
		list[i].ip = ip_from_v4((uint8_t[4]){ 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i });
	make(&m, STRATEGY_SERVERS);
	m.r.endpoint = list;
	m.r.endpoint_count = n;
	m.r.expire_ns = 1500000000;
	char *text = written(&m);
	assert_non_null(strstr(
		text, "\ncreate footsteps_proto_some_t hash:ip family inet maxelem 65537 timeout 2\n"));
	assert_int_equal(count(text, "\nadd footsteps_proto_some_t "), 65537);
	assert_null(strstr(text, " 0.0.0.0\n"));
	assert_null(strstr(text, "family inet6"));
	free(text);
	free(list);
}

/* Chains have 28 characters at most, prefixes of the log 29, sets 31 (iptables-extensions(8), ipset(8)). */
static void long_names(void **state)
{
	struct rule_endpoint one = { .ip = ip_from_v4((uint8_t[4]){ 192, 0, 2, 1 }), .port = 53 };
	struct made m;

	(void)state;
	make(&m, STRATEGY_CLIENTS);
	m.protocol.name = "bittorrent";
	m.strategy.name = "handshake-and-more";
	m.r.endpoint = &one;
	m.r.endpoint_count = 1;
	m.r.action = RULE_LOG;
	char *text = written(&m);
	free(line_of(text, ":footsteps_bittorrent_handsha - "));
	free(line_of(text, ":fs_bittorrent_handsha-hit - "));
	free(line_of(text, "create footsteps_bittorrent_handsha_t "));
	assert_non_null(strstr(text, " --match-set footsteps_bittorrent_handsha_4p dst,dst "));
	assert_non_null(strstr(text, " --log-prefix \"footsteps_bittorrent_handsh: \"\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_words), cmocka_unit_test(differing_bytes),
		cmocka_unit_test(refusals),   cmocka_unit_test(many_endpoints),
		cmocka_unit_test(long_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
