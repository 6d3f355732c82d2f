/*
 * Names from DNS answers: messages put together by RFC 1035 section 4.1, cut and changed everywhere; the
 * table of names; the part of a name that somebody can register. Supernodes that clients contacted, by day.
 */
#include "base/clock.h"
#include "behave/names.h"
#include "behave/supernodes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* "www.Example.ORG" is an alias of "a.example.net", which has two addresses. Offsets beside each line. */
/* clang-format off */
#define HEAD     "\x12\x34\x81\x80\x00\x01\x00\x03\x00\x00\x00\x00" /* 0: an answer, no error; 1 and 3 records */
#define QUESTION "\x03www\x07" "Example\x03ORG\x00\x00\x01\x00\x01"          /* 12 */
#define ALIAS    "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x0f\x01" "a\x07" "example\x03net\x00" /* 33 */
#define ADDRESS  "\xc0\x2d\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x07" /* 60: 192.0.2.7 */
#define ADDRESS6 "\xc0\x2d\x00\x1c\x00\x01\x00\x00\x00\x3c\x00\x10" /* 76: 2001:db8::9 */ \
	"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09"
/* The record of 192.0.2.7, for the name at 12. */
#define ADDRESS_OF_QUESTION "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x07"
/* clang-format on */
static const char whole[] = HEAD QUESTION ALIAS ADDRESS ADDRESS6;
#define WHOLE (sizeof whole - 1)

/* In a heap block of its own size, so that a sanitizer sees any byte beyond it. */
static bool answer_of(const void *bytes, size_t n, struct dns_answer *out)
{
	uint8_t *exact = malloc(n ? n : 1);

	assert_non_null(exact);
	if (n)
		memcpy(exact, bytes, n);
	bool ok = dns_answer_read((struct span){ exact, n }, out);
	free(exact);
	return ok;
}

static struct ip ip_of(const char *text)
{
	struct ip ip;

	assert_true(ip_parse(text, &ip));
	return ip;
}

static void alias_is_followed(void **state)
{
	struct dns_answer a;
	struct ip v4 = ip_of("192.0.2.7"), v6 = ip_of("2001:db8::9");

	(void)state;
	assert_true(answer_of(whole, WHOLE, &a));
	assert_string_equal(a.name, "www.example.org");
	assert_int_equal(a.addresses, 2);
	assert_true(ip_equal(&a.address[0], &v4));
	assert_true(ip_equal(&a.address[1], &v6));
}

static void cut_everywhere(void **state)
{
	struct dns_answer a;

	(void)state;
	for (size_t n = 0; n < WHOLE; n++)
		assert_false(answer_of(whole, n, &a));
}

static void changed_everywhere(void **state)
{
	char bytes[sizeof whole];
	struct dns_answer a;

	(void)state;
	for (size_t i = 0; i < WHOLE; i++)
		for (unsigned value = 0; value < 256; value++) {
			memcpy(bytes, whole, sizeof whole);
			bytes[i] = (char)value;
			if (!answer_of(bytes, WHOLE, &a))
				continue;
			assert_in_range(a.addresses, 1, DNS_ADDRESSES_MAX);
			assert_in_range(strlen(a.name), 1, DNS_NAME_MAX - 1);
			for (const char *c = a.name; *c; c++)
				assert_true(*c > ' ' && *c < 127 && !(*c >= 'A' && *c <= 'Z'));
		}
}

/* One byte of the whole answer is another: is it still one? */
static void only_good_answers(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		bool good;
	} changes[] = {
		{ 2, 0x01, false },  /* a question */
		{ 2, 0xa1, false },  /* opcode 4: a notification */
		{ 2, 0x85, true },   /* from an authority */
		{ 3, 0x83, false },  /* no such name */
		{ 5, 0, false },     /* no question */
		{ 5, 2, false },     /* two questions */
		{ 7, 1, false },     /* the alias alone is no address, and the rest is not in the message */
		{ 32, 3, false },    /* class CHAOS */
		{ 34, 0x21, false }, /* a name that points to itself */
	};

	(void)state;
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		char bytes[sizeof whole];
		struct dns_answer a;
		memcpy(bytes, whole, sizeof whole);
		bytes[changes[i].at] = (char)changes[i].value;
		if (answer_of(bytes, WHOLE, &a) != changes[i].good)
			fail_msg("byte %zu as %u: not %d", changes[i].at, changes[i].value, changes[i].good);
	}
}

/* What cannot be printed comes as \DDD; a name of dots alone, and one that needs more than 255 bytes, is
 * none. */
static void odd_names(void **state)
{
	static const char odd[] = "\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"
				  "\x05"
				  "A\x00\xff .\x03"
				  "net\x00\x00\x01\x00\x01" ADDRESS_OF_QUESTION;
	static const char root[] = "\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"
				   "\x00\x00\x01\x00\x01" ADDRESS_OF_QUESTION;
	struct dns_answer a;

	(void)state;
	assert_true(answer_of(odd, sizeof odd - 1, &a));
	assert_string_equal(a.name, "a\\000\\255\\032\\..net");
	assert_false(answer_of(root, sizeof root - 1, &a));
}

static void registered_part(void **state)
{
	static const char *const parts[][2] = {
		{ "www.example.org", "example.org" },
		{ "example.org", "example.org" },
		{ "localhost", "localhost" },
		{ "pc.leeds.ac.uk", "leeds.ac.uk" },
		{ "a.b.leeds.ac.uk", "leeds.ac.uk" },
		{ "ac.uk", "ac.uk" },
		{ "leeds.ac.uk", "leeds.ac.uk" },
		{ "x.cpe.net.cable.rogers.com", "rogers.com" },
		{ "p.neoplus.adsl.tpnet.pl", "tpnet.pl" },
		{ "h.co.com", "co.com" },
		{ "not\\.skype.com", "not\\.skype.com" }, /* one label with a dot in it */
		{ "www.not\\\\.skype.com", "skype.com" }, /* a label that ends in a backslash */
	};

	(void)state;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		assert_string_equal(dns_domain(parts[i][0]), parts[i][1]);
}

static void give_name(struct name_table *t, const char *ip, const char *name, int64_t ns)
{
	struct dns_answer a = { .addresses = 1, .address = { ip_of(ip) } };
	struct error err;

	snprintf(a.name, sizeof a.name, "%s", name);
	assert_true(name_table_add(t, &a, ns, &err));
}

static unsigned count_names(const struct name_table *t, const char *text)
{
	struct ip ip = ip_of(text);
	uint32_t at = 0;
	unsigned n = 0;

	while (name_table_next(t, &ip, &at))
		n++;
	return n;
}

static void first_time_counts(void **state)
{
	struct error err;
	struct name_table *t = name_table_new(&err);
	struct ip ip = ip_of("192.0.2.7");
	uint32_t at = 0;

	(void)state;
	assert_non_null(t);
	give_name(t, "192.0.2.7", "a.example", 5);
	give_name(t, "192.0.2.7", "a.example", 9);
	give_name(t, "192.0.2.8", "a.example", 9);
	assert_int_equal(name_table_count(t), 2);
	const struct named_address *n = name_table_next(t, &ip, &at);
	assert_non_null(n);
	assert_string_equal(n->name, "a.example");
	assert_int_equal(n->first_ns, 5);
	assert_null(name_table_next(t, &ip, &at));
	assert_int_equal(count_names(t, "192.0.2.9"), 0);
	name_table_free(t);
}

static void names_are_bounded(void **state)
{
	struct error err;
	struct name_table *t = name_table_new(&err);
	char text[32];

	(void)state;
	assert_non_null(t);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(text, sizeof text, "n%u.example", i);
		give_name(t, "192.0.2.7", text, 1);
	}
	assert_int_equal(count_names(t, "192.0.2.7"), NAMES_OF_ADDRESS);
	assert_int_equal(name_table_refused(t), 0);
	for (unsigned i = NAMES_OF_ADDRESS; i < NAMES_MAX + 3; i++) {
		snprintf(text, sizeof text, "2001:db8::%x:%x", i >> 16, i & 0xffff);
		give_name(t, text, "many.example", 1);
	}
	assert_int_equal(name_table_count(t), NAMES_MAX);
	assert_int_equal(name_table_refused(t), 3);
	name_table_free(t);
}

/* A flow of client 1 with 192.0.2.1:33033. */
static void contact(struct supernode_table *t, struct flow_record r, const struct pair *pair, bool initiator)
{
	const struct endpoint remote = { ip_of("192.0.2.1"), 33033 };
	const struct labelled_flow f = {
		.r = &r, .client = 1, .client_is_initiator = initiator, .pair = pair, .remote = &remote
	};
	struct error err;

	assert_true(supernode_table_flow(t, &f, &err));
}

static void contacts_by_day(void **state)
{
	const int64_t day = 86400 * NS_PER_S, from = 13000 * day;
	struct supernode_table t = { 0 };
	struct pair pair = { .accepted = true, .accepted_ns = from + day - 1 };
	const struct flow_record tcp = { .l4 = IPPROTO_TCP,
					 .role = ROLE_supernode,
					 .first_ns = from + day - 1,
					 .last_ns = from + 3 * day };
	struct flow_record next = tcp, before = tcp, node = tcp, udp = { .l4 = IPPROTO_UDP };

	(void)state;
	contact(&t, tcp, NULL, true);
	contact(&t, tcp, NULL, false); /* somebody else's supernode is the client */
	node.role = ROLE_node;
	contact(&t, node, NULL, true);
	assert_int_equal(t.rows, 1);
	assert_int_equal(t.row[0].connections, 1);
	assert_int_equal(t.row[0].day_ns, from);

	/* The next nanosecond is another day; so is the one before 1970. */
	next.first_ns++;
	contact(&t, next, NULL, true);
	before.first_ns = -1;
	contact(&t, before, NULL, true);
	assert_int_equal(t.rows, 3);
	assert_int_equal(t.row[1].day_ns, from + day);
	assert_int_equal(t.row[2].day_ns, -day);

	/* Taken in over UDP: in the one flow in which it happened. */
	udp.first_ns = from + day - 5;
	udp.last_ns = from + day - 2;
	contact(&t, udp, &pair, true);
	assert_false(t.row[0].accepted);
	udp.last_ns = from + day + 7;
	contact(&t, udp, &pair, true);
	assert_int_equal(t.rows, 3);
	assert_true(t.row[0].accepted);
	assert_int_equal(t.row[0].connections, 1);
	assert_false(t.row[1].accepted);
	supernode_table_drop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alias_is_followed),  cmocka_unit_test(cut_everywhere),
		cmocka_unit_test(changed_everywhere), cmocka_unit_test(only_good_answers),
		cmocka_unit_test(odd_names),          cmocka_unit_test(registered_part),
		cmocka_unit_test(first_time_counts),  cmocka_unit_test(names_are_bounded),
		cmocka_unit_test(contacts_by_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
