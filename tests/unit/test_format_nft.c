/* Details of nftables text that the kernel's own tests (rules_nft.py, rules_kernel.py) would be long about.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "rules/rules.h"
#include <netinet/in.h>
#include <stdlib.h>

enum { LONG, BETWEEN, DATAGRAM, ENDLESS };

static const struct packet_pattern patterns[] = {
	[LONG] = { .name = "long",
		   .words = "seventeen bytes, and at least thirty",
		   .l4 = IPPROTO_TCP,
		   .shortest = 30,
		   .test_count = 1,
		   .test = { { .offset = 3,
			       .length = 17,
			       .value = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17 } } } },
	[BETWEEN] = { .name = "between",
		      .words = "four to six",
		      .l4 = IPPROTO_TCP,
		      .shortest = 4,
		      .longest = 6,
		      .test_count = 2,
		      .test = { { .offset = 0, .length = 2, .value = { 0xab, 0xcd } },
				{ .offset = 3, .length = 1, .differs = true, .value = { 0x0e } } } },
	[DATAGRAM] = { .name = "datagram",
		       .words = "two or three",
		       .l4 = IPPROTO_UDP,
		       .shortest = 2,
		       .longest = 3,
		       .test_count = 1,
		       .test = { { .offset = 1, .length = 1, .value = { 0xff } } } },
	[ENDLESS] = { .name = "endless", .words = "any UDP", .l4 = IPPROTO_UDP, .shortest = 1 },
};

static const struct block_strategy some = { .name = "some-of",
					    .summary = "s",
					    .reason = "r",
					    .cost = "c",
					    .weakness = "w",
					    .kind = STRATEGY_PATTERNS,
					    .patterns = 1U << LONG | 1U << BETWEEN | 1U << DATAGRAM };
static const struct block_strategy endless = { .name = "endless",
					       .kind = STRATEGY_PATTERNS,
					       .patterns = 1U << ENDLESS };
static const struct protocol protocol = { .name = "any",
					  .title = "Any",
					  .patterns = patterns,
					  .pattern_count = 4,
					  .strategies = &some,
					  .strategy_count = 1 };
static const struct ruleset plain = {
	.protocol = &protocol, .strategy = &some, .command = "c", .version = "v"
};

static char *written(const struct ruleset *r)
{
	char *text = NULL;
	size_t size;
	struct error err;

	if (!format_nft.can(r, &err))
		fail_msg("%s", err.text);
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	format_nft.write(r, out);
	fclose(out);
	return text;
}

static void expect(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static void says_lengths(void **state)
{
	char *text = written(&plain);

	(void)state;
	/* From byte 3 sixteen bytes, from byte 19 one more; and byte 29, the thirtieth, is there. */
	expect(text,
	       "\t\ttcp doff >= 5 @ih,24,128 0x0102030405060708090a0b0c0d0e0f10 @ih,152,8 0x11 @ih,232,8 0-255"
	       " goto act_long\n");
	/* Byte 3 is tested, so four are there; a seventh must not be. */
	expect(text, "\t\ttcp doff >= 5 @ih,0,16 0xabcd @ih,24,8 != 0x0e jump length_between\n");
	expect(text, "\tchain length_between {\n\t\t@ih,48,8 0-255 return comment \"more than 6 bytes\"\n"
		     "\t\tgoto act_between\n\t}\n");
	/* With the eight bytes of the header, 10 or 11; and its last byte is there. */
	expect(text, "\t\tudp length 10-11 @ih,8,8 0xff jump length_datagram\n");
	expect(text, "\tchain length_datagram {\n\t\tudp length 10 @ih,8,8 0-255 goto act_datagram\n"
		     "\t\tudp length 11 @ih,16,8 0-255 goto act_datagram\n\t}\n");
	expect(text, "\ntable inet footsteps_any_some_of\ndelete table inet footsteps_any_some_of\n"
		     "table inet footsteps_any_some_of {\n");
	free(text);
}

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix p;
	struct error err;

	assert_true(ip_prefix_parse(text, &p, &err));
	return p;
}

/* A set has addresses of one family; rules.h: none of these prefixes lies within another. */
static void parts_prefixes_by_family(void **state)
{
	const struct ip_prefix never[] = { prefix("10.0.0.0/8"), prefix("192.0.2.0/25"),
					   prefix("192.0.2.128/25"), prefix("2001:db8::/32") };
	struct ruleset r = plain;

	(void)state;
	r.never = never;
	r.never_count = sizeof never / sizeof never[0];
	char *text = written(&r);
	expect(text, "elements = {\n\t\t\t10.0.0.0/8,\n\t\t\t192.0.2.0/25,\n\t\t\t192.0.2.128/25\n\t\t}");
	expect(text, "elements = {\n\t\t\t2001:db8::/32\n\t\t}");
	expect(text, "\t\tjump spared\n\t\tcounter name long drop\n");
	free(text);
}

static void looks_where_the_interface_is_known(void **state)
{
	struct ruleset r = plain;

	(void)state;
	r.interface = "eth0";
	r.direction = RULE_OUT;
	char *text = written(&r);
	expect(text, "hook forward priority filter; policy accept;\n\t\toifname \"eth0\" jump judge\n\t}");
	expect(text, "hook output priority filter; policy accept;\n\t\toifname \"eth0\" jump judge\n\t}");
	assert_null(strstr(text, "hook input"));
	assert_null(strstr(text, "iifname"));
	free(text);
	r.direction = RULE_IN;
	text = written(&r);
	expect(text, "hook input priority filter; policy accept;\n\t\tiifname \"eth0\" jump judge\n\t}");
	assert_null(strstr(text, "hook output"));
	free(text);
	/* Where nothing is said of interfaces, only addresses tell the direction: in every hook. */
	const struct ip_prefix inside = prefix("10.0.0.0/8");
	r.interface = NULL;
	r.internal = &inside;
	r.internal_count = 1;
	text = written(&r);
	expect(text, "hook forward priority filter; policy accept;\n"
		     "\t\tip saddr != @internal4 ip daddr @internal4 jump judge\n\t}");
	expect(text, "hook input priority filter; policy accept;\n"
		     "\t\tiifname \"lo\" accept comment \"judged when it was sent\"\n"
		     "\t\tip saddr != @internal4 ip daddr @internal4 jump judge\n\t}");
	expect(text, "hook output");
	assert_null(strstr(text, "ip6"));
	free(text);
}

static void refuses_what_it_cannot_say(void **state)
{
	static const char *const names[] = {
		"", "eth*", "a\"b", "a b", "a\\", "sixteen_bytes_xx", "\xc3\xa4"
	};
	struct ruleset r = plain;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		r.interface = names[i];
		if (format_nft.can(&r, &err))
			fail_msg("interface '%s' is accepted", names[i]);
		assert_int_equal(err.status, EXIT_USAGE);
	}
	r.interface = "wlan0.7";
	assert_true(format_nft.can(&r, &err));
	r.strategy = &endless;
	assert_false(format_nft.can(&r, &err));
	assert_int_equal(err.status, EXIT_USAGE);
	assert_non_null(strstr(err.text, "'endless'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_lengths),
		cmocka_unit_test(parts_prefixes_by_family),
		cmocka_unit_test(looks_where_the_interface_is_known),
		cmocka_unit_test(refuses_what_it_cannot_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
