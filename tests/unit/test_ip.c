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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ip_text_is_canonical),      cmocka_unit_test(ip_every_byte_prints),
		cmocka_unit_test(ip_v4_is_mapped),           cmocka_unit_test(ip_refuses_other_text),
		cmocka_unit_test(netset_private_is_d5),      cmocka_unit_test(netset_every_prefix_length),
		cmocka_unit_test(netset_families_are_apart), cmocka_unit_test(netset_grows),
		cmocka_unit_test(netset_errors_teach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
