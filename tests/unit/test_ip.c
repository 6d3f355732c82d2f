/* Text of IP addresses, and sets of prefixes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/ip.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct ip ip_of(const char *text)
{
	struct ip ip;

	assert_true(ip_parse(text, &ip));
	return ip;
}

/* Formats into a buffer of exactly IP_TEXT bytes, on the heap for the address sanitizer. */
static void ip_prints(const char *in, const char *expected)
{
	char *out = malloc(IP_TEXT);
	struct ip ip = ip_of(in);

	assert_non_null(out);
	assert_int_equal(ip_format(&ip, out), strlen(expected));
	assert_string_equal(out, expected);
	free(out);
}

static void ip_text_is_canonical(void **state)
{
	(void)state;
	ip_prints("0.0.0.0", "0.0.0.0");
	ip_prints("255.255.255.255", "255.255.255.255");
	ip_prints("10.20.30.40", "10.20.30.40");
	ip_prints("1.99.100.9", "1.99.100.9");
	ip_prints("::ffff:192.0.2.1", "192.0.2.1"); /* mapped: IPv4 */
	ip_prints("::", "::");
	ip_prints("::1", "::1");
	/* RFC 5952 section 4: no leading zeros, the longest run of zeros, the first of equals, never one
	 * field, lower case */
	ip_prints("2001:0db8::0001", "2001:db8::1");
	ip_prints("2001:db8:0:0:0:0:2:1", "2001:db8::2:1");
	ip_prints("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1");
	ip_prints("2001:0:0:1:0:0:0:1", "2001:0:0:1::1");
	ip_prints("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");
	ip_prints("2001:DB8::ABCD", "2001:db8::abcd");
	ip_prints("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void ip_every_byte_prints(void **state)
{
	(void)state;
	for (unsigned value = 0; value < 256; value++) {
		uint8_t bytes[4] = { (uint8_t)value, 0, (uint8_t)(255 - value), (uint8_t)value };
		struct ip ip = ip_from_v4(bytes);
		char out[IP_TEXT], expected[IP_TEXT];
		int n = snprintf(expected, sizeof expected, "%u.0.%u.%u", value, 255 - value, value);
		assert_int_equal(ip_format(&ip, out), n);
		assert_string_equal(out, expected);
	}
}

static void ip_v4_is_mapped(void **state)
{
	static const uint8_t bytes[4] = { 192, 0, 2, 7 };
	static const uint8_t expected[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7 };
	struct ip v4 = ip_from_v4(bytes), parsed = ip_of("192.0.2.7");
	struct ip compatible = ip_of("::c000:207"), near = ip_of("::fffe:c000:207");

	(void)state;
	assert_memory_equal(v4.b, expected, 16);
	assert_true(ip_equal(&v4, &parsed));
	assert_true(ip_is_v4(&v4));
	assert_false(ip_is_v4(&compatible));
	assert_false(ip_is_v4(&near));
	assert_false(ip_equal(&v4, &compatible));
}

static void ip_refuses_other_text(void **state)
{
	static const char *const wrong[] = { "",         "1.2.3",    "1.2.3.4.5",    "256.1.1.1",  "1.2.3.4 ",
					     " 1.2.3.4", "01.2.3.4", "a.b.c.d",      ":",          ":::",
					     "1::2::3",  "12345::",  "fe80::1%eth0", "10.0.0.0/8", "g::" };
	struct ip ip;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_false(ip_parse(wrong[i], &ip));
}

static bool in(const struct netset *set, const char *address)
{
	struct ip ip = ip_of(address);

	return netset_has(set, &ip);
}

static void netset_private_is_d5(void **state)
{
	static const char *const inside[] = {
		"10.0.0.0",        "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0",
		"192.168.255.255", "169.254.0.1",    "127.0.0.1",  "fc00::",         "fdff::1",
		"fe80::1",         "febf::1",        "::1"
	};
	static const char *const outside[] = { "9.255.255.255",
					       "11.0.0.0",
					       "172.15.255.255",
					       "172.32.0.0",
					       "192.167.255.255",
					       "192.169.0.0",
					       "169.253.1.1",
					       "128.0.0.1",
					       "fbff::1",
					       "fe00::1",
					       "fec0::1",
					       "::2",
					       "::",
					       "0.0.0.0" };
	struct netset *set = netset_new();

	(void)state;
	assert_non_null(set);
	assert_int_equal(netset_count(set), 0);
	assert_false(in(set, "10.0.0.1"));
	netset_add_private(set);
	netset_add_private(set); /* again: nothing new */
	assert_int_equal(netset_count(set), 8);
	for (size_t i = 0; i < COUNT(inside); i++)
		assert_true(in(set, inside[i]));
	for (size_t i = 0; i < COUNT(outside); i++)
		assert_false(in(set, outside[i]));
	netset_free(set);
	netset_free(NULL);
}

static void netset_every_prefix_length(void **state)
{
	(void)state;
	/* Of 255.255.255.255/n the address with bit n-1 cleared is outside, the one with bit n cleared is
	 * inside. */
	for (unsigned n = 0; n <= 32; n++) {
		struct netset *set = netset_new();
		char text[64];
		uint32_t base = n ? 0xffffffffU << (32 - n) : 0;
		snprintf(text, sizeof text, "%u.%u.%u.%u/%u", base >> 24, base >> 16 & 255, base >> 8 & 255,
			 base & 255, n);
		assert_true(netset_add(set, text, NULL));
		for (unsigned bit = 0; bit < 32; bit++) {
			uint32_t value = 0xffffffffU ^ 0x80000000U >> bit;
			uint8_t bytes[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16),
					     (uint8_t)(value >> 8), (uint8_t)value };
			struct ip ip = ip_from_v4(bytes);
			assert_int_equal(netset_has(set, &ip), bit >= n);
		}
		netset_free(set);
	}
	for (unsigned n = 0; n <= 128; n++) {
		struct netset *set = netset_new();
		char text[64], address[IP_TEXT];
		struct ip base = { { 0 } };
		for (unsigned bit = 0; bit < n; bit++)
			base.b[bit / 8] |= (uint8_t)(0x80U >> bit % 8);
		ip_format(&base, address);
		snprintf(text, sizeof text, "%s/%u", address, n);
		assert_true(netset_add(set, text, NULL));
		for (unsigned bit = 0; bit < 128; bit++) {
			struct ip ip;
			memset(&ip, 0xff, sizeof ip);
			ip.b[bit / 8] ^= (uint8_t)(0x80U >> bit % 8);
			assert_int_equal(netset_has(set, &ip), bit >= n);
		}
		netset_free(set);
	}
}

static void netset_families_are_apart(void **state)
{
	struct netset *set = netset_new();

	(void)state;
	assert_true(netset_add(set, "::/0", NULL));
	assert_true(in(set, "2001:db8::1"));
	assert_false(in(set, "192.0.2.1"));
	assert_true(netset_add(set, "::ffff:10.0.0.0/104", NULL)); /* mapped: the same as 10.0.0.0/8 */
	assert_true(in(set, "10.1.2.3"));
	assert_true(netset_add(set, "10.0.0.0/8", NULL));
	assert_int_equal(netset_count(set), 2);
	assert_true(netset_add(set, "192.0.2.7", NULL));
	assert_true(in(set, "192.0.2.7"));
	assert_false(in(set, "192.0.2.6"));
	netset_free(set);
}

static void netset_grows(void **state)
{
	struct netset *set = netset_new();
	char text[32];

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		snprintf(text, sizeof text, "198.%u.%u.0/24", i / 256, i % 256);
		assert_true(netset_add(set, text, NULL));
	}
	netset_add_private(set);
	assert_int_equal(netset_count(set), 308);
	assert_true(in(set, "198.1.43.9"));
	assert_false(in(set, "198.1.44.9"));
	assert_true(in(set, "10.0.0.1"));
	assert_true(in(set, "fe80::1"));
	netset_free(set);
}

static void netset_errors_teach(void **state)
{
	static const struct {
		const char *text, *says;
	} wrong[] = {
		{ "10.0.0.0/33", "'10.0.0.0/33': an IPv4 prefix is 0 to 32 bits" },
		{ "10.0.0.0/", "0 to 32 bits" },
		{ "10.0.0.0/8x", "0 to 32 bits" },
		{ "10.0.0.0/-1", "0 to 32 bits" },
		{ "10.0.0.0/99999999999999999999", "0 to 32 bits" },
		{ "2001:db8::/129", "an IPv6 prefix is 0 to 128 bits" },
		{ "10.0.0.1/8", "'10.0.0.0/8'" },
		{ "192.168.1.77/26", "'192.168.1.64/26'" },
		{ "2001:db8::1/32", "'2001:db8::/32'" },
		{ "campus", "no IP prefix" },
		{ "", "no IP prefix" },
		{ "/8", "no IP prefix" },
		{ "10/8", "no IP prefix" },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb/8", "no IP prefix" },
	};
	struct netset *set = netset_new();
	struct error err;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		memset(&err, 0, sizeof err);
		assert_false(netset_add(set, wrong[i].text, &err));
		assert_int_equal(err.status, EXIT_USAGE);
		if (!strstr(err.text, wrong[i].says))
			fail_msg("'%s' gave: %s", wrong[i].text, err.text);
	}
	assert_int_equal(netset_count(set), 0);
	netset_free(set);
}

static void prefix_text_is_read_and_written(void **state)
{
	static const struct {
		const char *text, *prints;
		unsigned bits;
		bool v4;
	} cases[] = {
		{ "10.0.0.0/8", "10.0.0.0/8", 8, true },
		{ "0.0.0.0/0", "0.0.0.0/0", 0, true },
		{ "192.0.2.1", "192.0.2.1", 32, true },
		{ "192.0.2.1/32", "192.0.2.1", 32, true },
		{ "192.0.2.0/31", "192.0.2.0/31", 31, true },
		{ "2001:DB8::/32", "2001:db8::/32", 32, false },
		{ "::/0", "::/0", 0, false },
		{ "::1", "::1", 128, false },
		{ "::1/128", "::1", 128, false },
		{ "2001:db8::/127", "2001:db8::/127", 127, false },
		/* Mapped (RFC 4291 2.5.5.2): 104 - 96 = 8. */
		{ "::ffff:10.0.0.0/104", "10.0.0.0/8", 8, true },
		{ "::ffff:0.0.0.0/96", "0.0.0.0/0", 0, true },
		{ "::ffff:192.0.2.1", "192.0.2.1", 32, true },
		/* Its 80 bits of zeros end before what makes an address mapped. */
		{ "::/80", "::/80", 80, false },
	};
	char *out = malloc(IP_PREFIX_TEXT); /* exactly as long, for the address sanitizer */

	(void)state;
	assert_non_null(out);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct ip_prefix p;
		assert_true(ip_prefix_parse(cases[i].text, &p, NULL));
		assert_int_equal(p.bits, cases[i].bits);
		assert_int_equal(p.v4, cases[i].v4);
		assert_int_equal(ip_prefix_format(&p, out), strlen(cases[i].prints));
		assert_string_equal(out, cases[i].prints);
	}
	free(out);
}

/* The longest text of all still fits: 39 characters, "/127" and the NUL. */
static void prefix_longest_text_fits(void **state)
{
	static const char longest[] = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127";
	char out[IP_PREFIX_TEXT];
	struct ip_prefix p;

	(void)state;
	assert_true(ip_prefix_parse(longest, &p, NULL));
	assert_int_equal(ip_prefix_format(&p, out), sizeof longest - 1);
	assert_string_equal(out, longest);
}

static bool prefix_of(const char *text, const char *address)
{
	struct ip ip = ip_of(address);
	struct ip_prefix p;

	assert_true(ip_prefix_parse(text, &p, NULL));
	return ip_prefix_has(&p, &ip);
}

static void prefix_has_its_addresses(void **state)
{
	(void)state;
	assert_true(prefix_of("10.0.0.0/8", "10.255.255.255"));
	assert_false(prefix_of("10.0.0.0/8", "11.0.0.0"));
	assert_true(prefix_of("192.168.1.64/26", "192.168.1.127"));
	assert_false(prefix_of("192.168.1.64/26", "192.168.1.128"));
	assert_false(prefix_of("192.168.1.64/26", "192.168.1.63"));
	assert_true(prefix_of("192.0.2.1", "192.0.2.1"));
	assert_false(prefix_of("192.0.2.1", "192.0.2.0"));
	assert_true(prefix_of("0.0.0.0/0", "255.1.2.3"));
	assert_true(prefix_of("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(prefix_of("2001:db8::/33", "2001:db8:8000::"));
	/* "All of IPv6" is no word about IPv4, nor the other way round. */
	assert_true(prefix_of("::/0", "2001:db8::1"));
	assert_false(prefix_of("::/0", "192.0.2.1"));
	assert_false(prefix_of("0.0.0.0/0", "2001:db8::1"));
	assert_false(prefix_of("0.0.0.0/0", "::1"));
}

/* Both ways to the same question. */
static void prefix_agrees_with_netset(void **state)
{
	static const char *const addresses[] = { "0.0.0.0", "10.0.0.1", "192.168.1.1", "255.255.255.255",
						 "::",      "::1",      "2001:db8::1", "fe80::1",
						 "ff02::1", "ffff::" };
	static const char *const prefixes[] = {
		"0.0.0.0/0", "0.0.0.0/1",     "10.0.0.0/9", "192.168.1.1/32", "::/0",    "::/1", "::/96",
		"fe80::/10", "2001:db8::/32", "::1",        "::ffff:0:0/96",  "8000::/1"
	};

	(void)state;
	for (size_t p = 0; p < COUNT(prefixes); p++) {
		struct netset *set = netset_new();
		assert_true(netset_add(set, prefixes[p], NULL));
		for (size_t a = 0; a < COUNT(addresses); a++)
			assert_int_equal(prefix_of(prefixes[p], addresses[a]), in(set, addresses[a]));
		netset_free(set);
	}
}

struct listing {
	char text[200];
	unsigned left; /* to look at */
};

static bool list_prefix(void *self, const struct ip_prefix *p)
{
	struct listing *l = self;
	char text[IP_PREFIX_TEXT];
	size_t used = strlen(l->text);

	ip_prefix_format(p, text);
	snprintf(l->text + used, sizeof l->text - used, "%s ", text);
	return --l->left > 0;
}

static void netset_each_gives_prefixes_back(void **state)
{
	static const char *const prefixes[] = { "::/0",        "10.0.0.0/8", "2001:db8::/32", "192.0.2.1",
						"2001:db8::5", "0.0.0.0/0",  "fe80::/10",     "10.0.0.0/8" };
	struct netset *set = netset_new();
	struct listing all = { .left = 100 }, two = { .left = 2 };
	struct error err;

	(void)state;
	for (size_t i = 0; i < COUNT(prefixes); i++)
		assert_true(netset_add(set, prefixes[i], &err));
	assert_true(netset_each(set, list_prefix, &all));
	assert_string_equal(all.text,
			    "10.0.0.0/8 192.0.2.1 0.0.0.0/0 ::/0 2001:db8::/32 2001:db8::5 fe80::/10 ");
	assert_false(netset_each(set, list_prefix, &two));
	assert_string_equal(two.text, "10.0.0.0/8 192.0.2.1 ");
	netset_free(set);
}

static void ipv4_of_hosts(void **state)
{
	(void)state;
	assert_true(ipv4_is_of_host(0x01000000) && ipv4_is_of_host(0x7effffff));
	assert_true(ipv4_is_of_host(0x80000000) && ipv4_is_of_host(0xdfffffff));
	assert_true(ipv4_is_of_host(0x0a000001)); /* a private one */
	assert_false(ipv4_is_of_host(0) || ipv4_is_of_host(0x00ffffff));
	assert_false(ipv4_is_of_host(0x7f000001) || ipv4_is_of_host(0x7fffffff));
	assert_false(ipv4_is_of_host(0xe0000001) || ipv4_is_of_host(0xffffffff));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_of_hosts),
		cmocka_unit_test(ip_text_is_canonical),
		cmocka_unit_test(ip_every_byte_prints),
		cmocka_unit_test(ip_v4_is_mapped),
		cmocka_unit_test(ip_refuses_other_text),
		cmocka_unit_test(netset_private_is_d5),
		cmocka_unit_test(netset_every_prefix_length),
		cmocka_unit_test(netset_families_are_apart),
		cmocka_unit_test(netset_grows),
		cmocka_unit_test(netset_each_gives_prefixes_back),
		cmocka_unit_test(netset_errors_teach),
		cmocka_unit_test(prefix_text_is_read_and_written),
		cmocka_unit_test(prefix_longest_text_fits),
		cmocka_unit_test(prefix_has_its_addresses),
		cmocka_unit_test(prefix_agrees_with_netset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
