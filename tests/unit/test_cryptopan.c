/* Crypto-PAn: published pseudonyms, prefixes, and who may read a key. tests/anonymize.py has a second reading
 * of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/cryptopan.h"
#include "chance.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Of the sample in the Crypto-PAn 1.0 distribution, with the addresses of sample_trace_raw.dat and
 * sample_trace_sanitized.dat. */
static const uint8_t sample_key[CRYPTOPAN_KEY] = { 21,  34, 23,  141, 51, 164, 207, 128, 19,  10,  91,
						   22,  73, 144, 125, 16, 216, 152, 143, 131, 121, 121,
						   101, 39, 98,  87,  76, 45,  42,  132, 34,  2 };
static const struct {
	const char *address, *pseudonym;
} samples[] = {
	{ "128.11.68.132", "135.242.180.132" },
	{ "129.118.74.4", "134.136.186.123" },
	{ "130.132.252.244", "133.68.164.234" },
	{ "141.223.7.43", "141.167.8.160" },
	{ "141.233.145.108", "141.129.237.235" },
	{ "152.163.225.39", "151.140.114.167" },
	{ "156.29.3.236", "147.225.12.42" },
	{ "165.247.96.84", "162.9.99.234" },
	{ "166.107.77.190", "160.132.178.185" },
	{ "192.102.249.13", "252.138.62.131" },
	{ "192.215.32.125", "252.43.47.189" },
	{ "192.41.57.43", "252.222.221.184" },
	{ "193.150.244.223", "253.169.52.216" },
	{ "195.205.63.100", "255.186.223.5" },
	{ "198.200.171.101", "249.199.68.213" },
	{ "198.26.132.101", "249.36.123.202" },
	{ "199.217.79.101", "248.38.184.213" },
	{ "202.49.198.20", "245.206.7.234" },
	{ "203.12.160.252", "244.248.163.4" },
	{ "204.184.162.189", "243.192.77.90" },
	{ "205.188.147.153", "242.96.16.101" },
	{ "207.25.71.27", "241.33.119.156" },
	{ "208.147.89.59", "227.237.98.191" },
	{ "209.12.231.7", "226.243.167.8" },
	{ "212.120.124.31", "228.135.163.231" },
	{ "216.148.237.145", "235.84.194.111" },
	{ "24.0.250.221", "100.15.198.226" },
	{ "24.94.26.44", "100.88.228.35" },
	{ "38.15.67.68", "64.3.66.187" },
	{ "4.3.88.225", "124.60.155.63" },
	{ "63.14.55.111", "95.9.215.7" },
	{ "64.14.118.196", "0.255.183.58" },
	{ "64.39.15.238", "0.219.7.41" },
	{ "10.185.25.118", "117.161.29.118" },
	/* The same over 128 bits: from the tests of Yawning Angel's cryptopan for Go. */
	{ "::1", "78ff:f001:9fc0:20df:8380:b1f1:704:ed" },
	{ "::2", "78ff:f001:9fc0:20df:8380:b1f1:704:ef" },
	{ "::ffff", "78ff:f001:9fc0:20df:8380:b1f1:704:f838" },
	{ "2001:db8::1", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1e" },
	{ "2001:db8::2", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1c" },
};

static char path[] = "/tmp/footsteps-cryptopan-XXXXXX";

static void write_key(const void *bytes, size_t length)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, length, f), length);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static struct cryptopan *open_sample(void)
{
	struct error err;

	if (!cryptopan_available())
		skip();
	write_key(sample_key, sizeof sample_key);
	struct cryptopan *p = cryptopan_open(path, &err);
	if (!p)
		fail_msg("%s", err.text);
	return p;
}

static void is_sample(const struct cryptopan *p, size_t i)
{
	struct ip address, pseudonym;
	char text[IP_TEXT];

	assert_true(ip_parse(samples[i].address, &address));
	pseudonym = cryptopan_ip(p, &address);
	ip_format(&pseudonym, text);
	assert_string_equal(text, samples[i].pseudonym);
}

static void published_pseudonyms_come_out(void **state)
{
	struct cryptopan *p = open_sample();

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++)
		is_sample(p, i);
	cryptopan_close(p);
	cryptopan_close(NULL);
}

static unsigned common_bits(const struct ip *a, const struct ip *b)
{
	for (unsigned bit = 0; bit < 128; bit++)
		if ((a->b[bit / 8] ^ b->b[bit / 8]) & 0x80U >> bit % 8)
			return bit;
	return 128;
}

static unsigned below(struct chance *chance, unsigned bound)
{
	return (unsigned)(chance_u64(chance) % bound);
}

/* Two addresses that have exactly `common` bits in common, of the family that begins at `first`. */
static void draw_pair(struct chance *chance, unsigned first, struct ip *a, struct ip *b)
{
	static const uint8_t none[4];

	*a = ip_from_v4(none);
	for (unsigned i = first / 8; i < 16; i++)
		a->b[i] = (uint8_t)below(chance, 256);
	*b = *a;
	unsigned common = first + below(chance, 129 - first);
	if (common < 128)
		b->b[common / 8] ^= (uint8_t)(0x80U >> common % 8);
	for (unsigned bit = common + 1; bit < 128; bit++)
		if (below(chance, 2))
			b->b[bit / 8] ^= (uint8_t)(0x80U >> bit % 8);
}

static void common_prefixes_stay_exactly_as_long(void **state)
{
	struct cryptopan *p = open_sample();
	struct chance chance = { 11 };

	(void)state;
	for (unsigned round = 0; round < 4000; round++) {
		struct ip a, b;
		draw_pair(&chance, round % 2 ? 96 : 0, &a, &b);
		struct ip x = cryptopan_ip(p, &a), y = cryptopan_ip(p, &b);
		assert_int_equal(common_bits(&a, &b), common_bits(&x, &y));
		assert_int_equal(ip_is_v4(&x), ip_is_v4(&a));
		/* A prefix is what all addresses in it begin with. */
		unsigned first = ip_is_v4(&a) ? 96 : 0, bits = below(&chance, 129 - first);
		struct ip base = a;
		for (unsigned bit = first + bits; bit < 128; bit++)
			base.b[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
		struct ip prefix = cryptopan_prefix(p, &base, bits);
		for (unsigned bit = 0; bit < 128; bit++) {
			unsigned wanted =
				bit < first + bits ? (unsigned)x.b[bit / 8] >> (7 - bit % 8) & 1U : 0;
			assert_int_equal(prefix.b[bit / 8] >> (7 - bit % 8) & 1, wanted);
		}
	}
	cryptopan_close(p);
}

static void unspecified_stays(void **state)
{
	struct cryptopan *p = open_sample();
	struct ip ip;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		assert_true(ip_parse(i ? "::" : "0.0.0.0", &ip));
		struct ip out = cryptopan_ip(p, &ip);
		assert_true(ip_equal(&ip, &out));
	}
	cryptopan_close(p);
}

static void *all_samples(void *p)
{
	for (unsigned round = 0; round < 200; round++)
		for (size_t i = 0; i < COUNT(samples); i++)
			is_sample(p, i);
	return NULL;
}

static void threads_share_it(void **state)
{
	struct cryptopan *p = open_sample();
	pthread_t thread[20]; /* more than it has contexts */

	(void)state;
	for (size_t i = 0; i < COUNT(thread); i++)
		assert_int_equal(pthread_create(&thread[i], NULL, all_samples, p), 0);
	for (size_t i = 0; i < COUNT(thread); i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	cryptopan_close(p);
}

static const char sample_hex[] = "1522178d33a4cf80130a5b1649907d10d8988f83797965276257"
				 "4c2d2a842202";

static void a_key_may_be_hexadecimal(void **state)
{
	static const char *const ends[] = { "\n", "", "\r\n" };
	char text[80];
	struct error err;

	(void)state;
	if (!cryptopan_available())
		skip();
	for (size_t i = 0; i < 2 * COUNT(ends); i++) {
		int length = snprintf(text, sizeof text, "%s%s", sample_hex, ends[i / 2]);
		for (char *at = text; i % 2 && *at; at++)
			if (*at >= 'a' && *at <= 'f')
				*at = (char)(*at - 'a' + 'A');
		write_key(text, (size_t)length);
		struct cryptopan *p = cryptopan_open(path, &err);
		assert_non_null(p);
		is_sample(p, 0);
		cryptopan_close(p);
	}
}

/* Nothing of the key in what is said: neither as it is nor as digits. */
static void is_refused(const char *expected)
{
	struct error err = { 0 };

	assert_null(cryptopan_open(path, &err));
	assert_int_equal(err.status, EXIT_USAGE);
	if (!strstr(err.text, expected))
		fail_msg("%s", err.text);
	assert_null(strstr(err.text, "1522178d"));
	assert_null(strstr(err.text, "15221"));
}

static void other_files_are_no_keys(void **state)
{
	char text[100];

	(void)state;
	if (!cryptopan_available())
		skip();
	for (size_t length = 0; length < sizeof text; length++) {
		memset(text, 'a', sizeof text);
		memcpy(text, sample_hex, sizeof sample_hex - 1);
		if (length == 32 || length == 64)
			continue;
		if (length == 65 || length == 66)
			text[length - 1] = 'x';
		write_key(text, length);
		is_refused("holds no key: that is 32 bytes, or 64 hexadecimal digits on a line");
	}
	memcpy(text, sample_hex, 64);
	text[40] = 'g';
	write_key(text, 64);
	is_refused("openssl rand -hex 32");
}

static void a_key_that_others_may_read_is_refused(void **state)
{
	static const mode_t modes[] = { 0640, 0604, 0620, 0602, 0610, 0644, 0666 };
	char mend[100];
	struct error err;

	(void)state;
	if (!cryptopan_available())
		skip();
	write_key(sample_key, sizeof sample_key);
	snprintf(mend, sizeof mend, "chmod 600 '%s'", path);
	for (size_t i = 0; i < COUNT(modes); i++) {
		assert_int_equal(chmod(path, modes[i]), 0);
		is_refused(mend);
	}
	assert_int_equal(chmod(path, 0400), 0);
	struct cryptopan *p = cryptopan_open(path, &err);
	assert_non_null(p);
	cryptopan_close(p);
	assert_null(cryptopan_open("/tmp", &err));
	assert_non_null(strstr(err.text, "no file that could hold a key"));
	assert_null(cryptopan_open("/dev/zero", &err));
	assert_null(cryptopan_open("/nowhere/key", &err));
	assert_non_null(strstr(err.text, "/nowhere/key: No such file"));
}

static int set_up(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_pseudonyms_come_out),
		cmocka_unit_test(common_prefixes_stay_exactly_as_long),
		cmocka_unit_test(unspecified_stays),
		cmocka_unit_test(threads_share_it),
		cmocka_unit_test(a_key_may_be_hexadecimal),
		cmocka_unit_test(other_files_are_no_keys),
		cmocka_unit_test(a_key_that_others_may_read_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
