/* Scenario files: what is read of them, and what is said about those that are wrong. */
#include "base/clock.h"
#include "peer/scenario.h"
#include "peer/version.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static int enter(void **state)
{
	(void)state;
	snprintf(path, sizeof path, "/tmp/footsteps-scenario-XXXXXX");
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int leave(void **state)
{
	(void)state;
	return unlink(path);
}

static struct scenario *read_bytes(const char *bytes, size_t size, struct error *err)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, size, out), size);
	assert_int_equal(fclose(out), 0);
	return scenario_read(path, err);
}

static struct scenario *read_text(const char *text)
{
	struct error err = { 0 };
	struct scenario *s = read_bytes(text, strlen(text), &err);

	if (!s)
		fail_msg("%s", err.text);
	return s;
}

static const struct party *named(const struct scenario *s, const char *name)
{
	const struct party *p = scenario_party(s, name);

	if (!p)
		fail_msg("no party %s", name);
	return p;
}

#define WHOLE                                                                                                \
	"# a comment\n"                                                                                      \
	"[scenario]\n"                                                                                       \
	"title = In a#b is no comment, \xc3\xa4\n"                                                           \
	"begins = 2006-08-25T10:00:00Z   # a comment\n"                                                      \
	"lasts = 5m40s\n"                                                                                    \
	"seed = 42\r\n"                                                                                      \
	"\n"                                                                                                 \
	"[client alice]\n"                                                                                   \
	"version = 1.2.0.18\n"                                                                               \
	"address = 10.0.0.2:35990\n"                                                                         \
	"network = port-restricted 198.51.100.7\n"                                                           \
	"cache = n3-n5 sn, n1\n"                                                                             \
	"contacts = bob n\n"                                                                                 \
	"login = login1\n"                                                                                   \
	"list = list1\n"                                                                                     \
	"web = www\n"                                                                                        \
	"names = none\n"                                                                                     \
	"password = wrong\n"                                                                                 \
	"discovery = 60s\n"                                                                                  \
	"hidden = nobody can know\n"                                                                         \
	"[client bob]\n"                                                                                     \
	"place = outside\n"                                                                                  \
	"online = yes\n"                                                                                     \
	"version = 1.4.0.84\n"                                                                               \
	"address = 203.0.113.80:40001\n"                                                                     \
	"distance = 120ms\n"                                                                                 \
	"jitter = 5ms\n"                                                                                     \
	"[supernode sn]\n"                                                                                   \
	"address = 192.0.2.150:57322\n"                                                                      \
	"answers = tcp\n"                                                                                    \
	"[nodes n]\n"                                                                                        \
	"count = 10\n"                                                                                       \
	"addresses = 192.0.2.10-192.0.2.30\n"                                                                \
	"answering = 70%\n"                                                                                  \
	"distance = 40ms-300ms\n"                                                                            \
	"[login-server login1]\n"                                                                            \
	"address = 192.0.2.1:33033\n"                                                                        \
	"[list-server list1]\n"                                                                              \
	"address = 192.0.2.1:12350\n"                                                                        \
	"[version-server www]\n"                                                                             \
	"address = 192.0.2.2:80\n"                                                                           \
	"[relay r1]\n"                                                                                       \
	"address = 192.0.2.3:4000\n"                                                                         \
	"[events]\n"                                                                                         \
	"120s  alice calls bob for 8s via r1 over tcp\n"                                                     \
	"1s    alice starts\n"                                                                               \
	"90s   alice searches bob\n"                                                                         \
	"95s   alice searches in vain\n"                                                                     \
	"125s  alice holds for 3s\n"                                                                         \
	"5m    alice quits\n"

static void whole(void **state)
{
	struct scenario *s = read_text(WHOLE);
	const struct party *alice = named(s, "alice"), *bob = named(s, "bob"), *sn = named(s, "sn");

	(void)state;
	assert_string_equal(s->title, "In a#b is no comment, \xc3\xa4");
	assert_int_equal(s->begins_ns,
			 INT64_C(1156500000) * NS_PER_S); /* date -u -d 2006-08-25T10:00:00Z +%s */
	assert_int_equal(s->lasts_ns, 340 * NS_PER_S);
	assert_int_equal(s->seed, 42);
	assert_string_equal(s->path, path);
	assert_string_equal(s->name, path + strlen("/tmp/"));
	assert_string_equal(s->local_net, "");
	assert_null(s->population);
	assert_int_equal(s->parties, 7 + 10);

	assert_int_equal(alice->kind, PARTY_CLIENT);
	assert_true(alice->inside);
	assert_int_equal(alice->address.ip, 0x0a000002);
	assert_int_equal(alice->address.port, 35990);
	assert_int_equal(alice->public_ip, 0xc6336407);
	assert_int_equal(alice->network, NETWORK_PORT_RESTRICTED);
	assert_string_equal(alice->setup_hidden, "nobody can know");
	assert_int_equal(alice->distance_ns, 0);
	assert_ptr_equal(alice->version, version_find("1.2.0.18"));
	assert_true(alice->wrong_password);
	assert_false(alice->first_run || alice->online);
	assert_int_equal(alice->discovery_ns, 60 * NS_PER_S);
	assert_ptr_equal(alice->login, named(s, "login1"));
	assert_ptr_equal(alice->list, named(s, "list1"));
	assert_ptr_equal(alice->web, named(s, "www"));
	assert_null(alice->names);

	static const char *const cache[] = { "n3", "n4", "n5", "sn", "n1" };
	assert_int_equal(alice->cache_count, 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(alice->cache[i]->name, cache[i]);
	assert_int_equal(alice->contact_count, 11);
	assert_ptr_equal(alice->contacts[0], bob);
	assert_string_equal(alice->contacts[10]->name, "n10");

	assert_false(bob->inside);
	assert_true(bob->online);
	assert_int_equal(bob->network, NETWORK_PUBLIC);
	assert_int_equal(bob->public_ip, bob->address.ip);
	assert_int_equal(bob->distance_ns, 120 * NS_PER_MS);
	assert_int_equal(bob->jitter_ns, 5 * NS_PER_MS);
	assert_int_equal(sn->kind, PARTY_SUPERNODE);
	assert_int_equal(sn->answers, ANSWERS_TCP);
	assert_false(sn->inside);
	for (size_t i = 0; i < s->parties; i++)
		assert_int_equal(s->party[i].number, i);
	scenario_free(s);
}

static void events(void **state)
{
	struct scenario *s = read_text(WHOLE);
	static const int64_t at[] = { 1, 90, 95, 120, 125, 300 };
	static const enum verb verb[] = { VERB_STARTS, VERB_SEARCHES, VERB_SEARCHES,
					  VERB_CALLS,  VERB_HOLDS,    VERB_QUITS };

	(void)state;
	assert_int_equal(s->events, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(s->event[i].at_ns, at[i] * NS_PER_S);
		assert_int_equal(s->event[i].verb, verb[i]);
		assert_ptr_equal(s->event[i].who, named(s, "alice"));
	}
	assert_true(s->event[1].found);
	assert_ptr_equal(s->event[1].whom, named(s, "bob"));
	assert_false(s->event[2].found);
	assert_null(s->event[2].whom);
	assert_ptr_equal(s->event[3].whom, named(s, "bob"));
	assert_ptr_equal(s->event[3].via, named(s, "r1"));
	assert_true(s->event[3].over_tcp);
	assert_int_equal(s->event[3].for_ns, 8 * NS_PER_S);
	assert_int_equal(s->event[4].for_ns, 3 * NS_PER_S);
	assert_int_equal(s->event[3].line, 45);
	scenario_free(s);
}

static void places(void **state)
{
	struct scenario *s = read_text(WHOLE);
	const struct party *alice = named(s, "alice");

	(void)state;
	for (size_t i = 0; i < s->parties; i++)
		assert_ptr_equal(scenario_party_at(s, s->party[i].address), &s->party[i]);
	assert_ptr_equal(scenario_party_at(s, party_public(alice)), alice);
	assert_int_equal(party_public(alice).ip, 0xc6336407);
	assert_null(scenario_party_at(s, (struct endpoint){ 0xc6336407, 1 }));
	assert_null(scenario_party_at(s, (struct endpoint){ 0x0a000003, 35990 }));
	assert_ptr_equal(scenario_party_at(s, (struct endpoint){ 0x0a000002, 0 }), alice); /* of the host */
	assert_null(scenario_party_at(s, (struct endpoint){ 0x0a000001, 0 }));
	assert_null(scenario_party_at(s, (struct endpoint){ UINT32_MAX, UINT16_MAX }));
	assert_null(scenario_party(s, "nobody"));
	assert_string_equal(network_name(NETWORK_PUBLIC), "public");
	assert_string_equal(network_name(NETWORK_PORT_RESTRICTED), "port-restricted nat");
	assert_string_equal(network_name(NETWORK_UDP_RESTRICTED), "udp-restricted");
	scenario_free(s);
}

#define GROUP(seed, share, port)                                                                             \
	"[scenario]\nseed = " seed "\n[client a]\nversion = 1.4.0.84\naddress = 10.0.0.1:1025\n"             \
	"[supernodes boot]\ncount = 2\naddresses = 192.0.2.1-192.0.2.2\nport = 33033\n"                      \
	"[nodes n]\ncount = 200\naddresses = 198.18.0.1-198.18.0.200\nanswering = " share "\nport = " port   \
	"\ndistance = 40ms-300ms\n"

static size_t silent(const struct scenario *s)
{
	size_t count = 0;

	for (size_t i = 0; i < s->parties; i++)
		count += s->party[i].answers == ANSWERS_NOTHING;
	return count;
}

static void groups(void **state)
{
	struct scenario *a = read_text(GROUP("1", "70%", "4000-5000")), *b;
	const struct party *first = named(a, "n1"), *last = named(a, "n200");
	int64_t least = INT64_MAX, most = 0;
	size_t same = 0;

	(void)state;
	assert_int_equal(last - first, 199);
	assert_int_equal(silent(a), 60); /* exactly 30 % of 200 */
	for (uint32_t i = 0; i < 200; i++) {
		assert_int_equal(first[i].address.ip, 0xc6120001 + i);
		assert_int_equal(first[i].public_ip, first[i].address.ip);
		assert_in_range(first[i].address.port, 4000, 5000);
		assert_in_range(first[i].distance_ns, 40 * NS_PER_MS, 300 * NS_PER_MS);
		least = first[i].distance_ns < least ? first[i].distance_ns : least;
		most = first[i].distance_ns > most ? first[i].distance_ns : most;
		assert_int_equal(first[i].kind, PARTY_NODE);
		assert_false(first[i].inside);
	}
	/* Of 200 from 260 ms, the ends stay away by more than a tenth once in 10^9 draws. */
	assert_true(least < 66 * NS_PER_MS && most > 274 * NS_PER_MS);
	assert_int_equal(named(a, "boot2")->address.port, 33033);
	assert_int_equal(named(a, "boot2")->answers, ANSWERS_ACCEPTS);

	b = read_text(GROUP("1", "70%", "4000-5000"));
	for (size_t i = 0; i < a->parties; i++)
		assert_true(endpoint_equal(a->party[i].address, b->party[i].address) &&
			    a->party[i].answers == b->party[i].answers &&
			    a->party[i].distance_ns == b->party[i].distance_ns);
	scenario_free(b);
	b = read_text(GROUP("2", "70%", "4000-5000"));
	for (size_t i = 0; i < a->parties; i++)
		same += endpoint_equal(a->party[i].address, b->party[i].address);
	assert_true(same < 20);
	scenario_free(b);
	b = read_text(GROUP("1", "0%", "1-65535"));
	assert_int_equal(silent(b), 200);
	scenario_free(b);
	b = read_text(GROUP("1", "0.995", "7"));
	assert_int_equal(silent(b), 1);
	assert_int_equal(named(b, "n17")->address.port, 7);
	scenario_free(b);
	scenario_free(a);
}

static void times(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* date -u -d TEXT +%s */
	} rows[] = { { "1971-01-01T00:00:00Z", 31536000 },
		     { "2000-02-29T23:59:59Z", 951868799 },
		     { "2004-12-31 00:00:00Z", 1104451200 },
		     { "2100-03-01T00:00:00Z", 4107542400 },
		     { "2015-05-18T09:00:01Z", 1431939601 } };
	static const char *const wrong[] = { "2001-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
					     "2006-13-01T00:00:00Z", "2006-8-25T10:00:00Z",
					     "2006-08-25",           "1969-01-01T00:00:00Z",
					     "2006-08-25T24:00:00Z", "2006-08-25T10:00:00Z+1",
					     "2106-08-25T10:00:00Z", "2006-04-31T00:00:00Z" };
	char text[512];
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(text, sizeof text, "[scenario]\nbegins = %s\n[population]\n", rows[i].text);
		struct scenario *s = read_text(text);
		assert_int_equal(s->begins_ns, rows[i].seconds * NS_PER_S);
		assert_non_null(s->population);
		assert_string_equal(s->local_net, "198.18.0.0/15"); /* RFC 2544 */
		scenario_free(s);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		snprintf(text, sizeof text, "[scenario]\nbegins = %s\n[population]\n", wrong[i]);
		if (read_bytes(text, strlen(text), &err))
			fail_msg("%s", wrong[i]);
	}
}

#define CLIENT(name, address) "[client " name "]\nversion = 1.4.0.84\naddress = " address "\ncache = s\n"
#define NODE(name, address)   "[supernode " name "]\naddress = " address "\n"

/* Networks worked out by hand. */
static void local_nets(void **state)
{
	static const struct {
		const char *text, *net;
	} rows[] = {
		{ CLIENT("a", "10.0.0.1:1025") NODE("s", "192.0.2.1:1025"), "" },
		{ CLIENT("a", "198.51.100.20:1025") NODE("s", "192.0.2.1:1025"), "198.51.100.20/32" },
		/* 20 = 0001 0100, 23 = 0001 0111 */
		{ CLIENT("a", "198.51.100.20:1025") CLIENT("b", "198.51.100.23:1025")
			  NODE("s", "192.0.2.1:1025"),
		  "198.51.100.20/30" },
		/* Loopback is no network of anybody's own, and 2 = 10, 3 = 11. */
		{ CLIENT("a", "127.0.0.2:1025") CLIENT("b", "127.0.0.3:1025") NODE("s", "127.0.0.1:1025"),
		  "127.0.0.2/31" },
		/* A private address outside. */
		{ CLIENT("a", "10.0.0.1:1025") NODE("s", "10.1.0.1:1025"), "10.0.0.1/32" },
		/* The router that answers for names is no reason. */
		{ CLIENT("a", "10.0.0.1:1025")
			  NODE("s", "192.0.2.1:1025") "[name-server d]\naddress = 10.0.0.254:53\n",
		  "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct scenario *s = read_text(rows[i].text);
		assert_string_equal(s->local_net, rows[i].net);
		scenario_free(s);
	}
}

#define NET   NODE("s", "192.0.2.1:33033") "[login-server l]\naddress = 192.0.2.2:33033\n"      /* 4 lines */
#define ALICE "[client alice]\nversion = 1.4.0.84\naddress = 10.0.0.2:1025\nlogin = l\n"        /* 4 */
#define BOB   "[client bob]\nversion = 1.4.0.84\naddress = 203.0.113.2:1025\nplace = outside\n" /* 4 */
#define CAROL                                                                                                \
	"[client carol]\nversion = 1.4.0.84\naddress = 203.0.113.3:1025\nplace = outside\nonline = yes\n"
#define TALK NET ALICE BOB "online = yes\n" CAROL "[events]\n1s alice starts\n" /* 20 lines */

struct fault {
	const char *text;
	unsigned line;       /* 0: none is named */
	const char *says[3]; /* what the message must have */
};

static void byte_order_mark(void **state)
{
	(void)state;
	struct scenario *s = read_text("\xef\xbb\xbf[scenario]\nlasts = 3s\n" NET ALICE);
	assert_int_equal(s->lasts_ns, 3 * NS_PER_S);
	scenario_free(s);
}

static const struct fault faults[] = {
	/* The file as text. */
	{ "lasts = 3s\n", 1, { "no section", "[scenario]" } },
	{ "[scenario]\n\nlasts 3s\n", 3, { "lasts 3s", "KEY = VALUE" } },
	{ "[scenario]\nlasts =\n", 2, { "value is missing" } },
	{ "[scenario]\n= 3s\n", 2, { "key is missing" } },
	{ "[scenario\n", 1, { "']'" } },
	{ "[scenario]\nlasts = 3s\nseed = 1\nlasts = 4s\n", 4, { "'lasts' is said twice", "line 2" } },
	{ "[scenario]\ntitle = \x01\n", 2, { "0x01" } },
	{ "[scenario]\ntitle = \xff\n", 2, { "UTF-8" } },
	{ "", 0, { "nobody is inside", "[client NAME]" } },
	/* Sections. */
	{ "[scenaro]\n", 1, { "'scenaro' is no section", "did you mean 'scenario'?" } },
	{ "[xyz]\n", 1, { "'xyz' is no section", "client", "login-server" } },
	{ "[scenario]\n[scenario]\n", 2, { "[scenario] is there twice", "line 1" } },
	{ NET ALICE "[events now]\n", 9, { "[events] has no name" } },
	{ "[scenario]\nlast = 3s\n", 2, { "'last' is no key of [scenario]", "did you mean 'lasts'?" } },
	{ "[scenario]\nlasts = 3 bananas\n", 2, { "lasts", "bananas", "duration" } },
	{ "[scenario]\nlasts = 1ms\n", 2, { "1ms is not between 1 s" } },
	{ "[scenario]\nlasts = 40d\n", 2, { "40d is not between" } },
	{ "[scenario]\nseed = -1\n", 2, { "seed", "-1" } },
	{ "[scenario]\nseed = 99999999999999999999\n", 2, { "seed", "whole number" } },
	{ "[scenario]\nbegins = tomorrow\n", 2, { "tomorrow", "2006-08-25T10:00:00Z" } },
	{ "[scenario]\nbegins = 2006-02-30T10:00:00Z\n", 2, { "no day 30" } },
	/* Parties. */
	{ "[client]\n", 1, { "no name", "[client NAME]" } },
	{ "[client 1a]\n", 1, { "'1a' is no name" } },
	{ "[client a-b]\n", 1, { "'a-b' is no name" } },
	{ "[client a b]\n", 1, { "'a b' is no name" } },
	{ "[client a23456789012345678901234567890ab]\n", 1, { "more than 31" } },
	{ "[client a]\nversion = 1.4.0.84\n", 1, { "a has no address", "address = " } },
	{ "[client a]\naddress = 10.0.0.2:1025\n", 1, { "a has no version" } },
	{ "[client a]\nversion = 1.4.0.48\n", 2, { "'1.4.0.48'", "did you mean '1.4.0.84'?" } },
	{ "[client a]\nadress = 10.0.0.2:1025\n",
	  2,
	  { "'adress' is no key of a client", "did you mean 'address'?" } },
	{ "[supernode s]\nversion = 1.4.0.84\n", 2, { "'version' is no key of a supernode" } },
	{ "[client a]\naddress = 10.0.0.2\n", 2, { "no port", "10.0.0.2:33033" } },
	{ "[client a]\naddress = 10.0.0.256:1\n", 2, { "no IPv4 address" } },
	{ "[client a]\naddress = 8.8.8.8:53\n", 2, { "8.8.8.8:53 could be somebody's", "192.0.2.x" } },
	{ "[client a]\nnetwork = port-restricted\n",
	  2,
	  { "public address is missing", "port-restricted 198.51.100.7" } },
	{ "[client a]\nnetwork = port-restricted 8.8.8.8\n", 2, { "8.8.8.8 could be somebody's" } },
	{ "[client a]\nnetwork = port-restricted 192.0.2.1:5\n", 2, { "has a port" } },
	{ "[client a]\nnetwork = public 192.0.2.1\n", 2, { "public party has no NAT" } },
	{ "[client a]\nnetwork = port-restrcted 192.0.2.1\n", 2, { "did you mean 'port-restricted'?" } },
	{ "[client a]\npassword = worng\n", 2, { "did you mean 'wrong'?" } },
	{ "[client a]\nfirst-run = maybe\n", 2, { "'maybe'", "no, yes" } },
	{ "[client a]\ndistance = 11s\n", 2, { "11s is not between" } },
	{ "[node n]\nanswers = accepts\n", 2, { "only a supernode accepts" } },
	{ NET NODE("s", "192.0.2.9:1"), 5, { "a party 's' already", "line 1" } },
	{ NET NODE("t", "192.0.2.1:33033") ALICE, 5, { "s and t have the same address 192.0.2.1:33033" } },
	{ NET ALICE "network = udp-restricted 192.0.2.7\n" NODE("x", "192.0.2.7:1026"),
	  10,
	  { "the NAT of alice has the address of x, 192.0.2.7;" } },
	{ NET ALICE "cache = s-z\n", 9, { "'z' is no node of a group" } },
	{ NET ALICE "cache = z\n", 9, { "'z' is no client, supernode or node;" } },
	{ NET ALICE "[events]\n1s alice\n", 10, { "what does alice do?", "Write one of: starts" } },
	{ NET ALICE "[events]\n1s alice starts\n2s alice searches alice\n", 11, { "alice searches itself" } },
	{ NET ALICE "network = udp-restricted 192.0.2.7\n" NODE("x", "192.0.2.7:1025"),
	  10,
	  { "same address" } },
	{ NET "[client alice]\nversion = 1.4.0.84\naddress = 192.0.2.3:5\n[client b]\nversion = 1.4.0.84\n"
	      "address = 192.0.2.0:5\n",
	  1,
	  { "s is outside, but in 192.0.2.0/30" } },
	{ NODE("s", "192.0.2.1:1025") "[client a]\nversion = 1.4.0.84\naddress = 10.0.0.2:1025\n",
	  3,
	  { "a knows no supernode", "cache = " } },
	{ NET ALICE "first-run = yes\ncache = s\n", 5, { "first time", "leave 'cache' out" } },
	{ NET BOB, 0, { "nobody is inside" } },
	/* References. */
	{ NET ALICE "cache = q\n", 9, { "'q'", "write one of: s" } },
	{ NET ALICE "cache = l\n", 9, { "l is a login-server (line 3)" } },
	{ NET ALICE "cache = s s\n", 9, { "s is there twice" } },
	{ NET ALICE "contacts = alice\n", 9, { "alice is itself" } },
	{ NET ALICE "web = l\n", 9, { "l is a login-server (line 3), no version-server" } },
	{ NET ALICE "names = dns\n", 9, { "'dns' is no name-server; there is none" } },
	{ NET ALICE "cache = n2-n1\n[nodes n]\ncount = 3\naddresses = 192.0.2.10-192.0.2.12\n",
	  9,
	  { "no range" } },
	{ NET ALICE "cache = n1-m2\n[nodes n]\ncount = 3\naddresses = 192.0.2.10-192.0.2.12\n"
		    "[nodes m]\ncount = 3\naddresses = 192.0.2.20-192.0.2.22\n",
	  9,
	  { "no range" } },
	{ NET ALICE "cache = n1-n4\n[nodes n]\ncount = 3\naddresses = 192.0.2.10-192.0.2.12\n",
	  9,
	  { "'n4'" } },
	/* Groups. */
	{ "[nodes n]\naddresses = 192.0.2.1-192.0.2.2\n", 1, { "the group is empty", "count = 10" } },
	{ "[nodes n]\ncount = 3\n", 1, { "no addresses" } },
	{ "[nodes n]\ncount = 3\naddresses = 192.0.2.1-192.0.2.2\n",
	  1,
	  { "3 nodes do not fit in 2 addresses" } },
	{ "[nodes n1]\ncount = 3\n", 1, { "ends in a digit" } },
	{ "[nodes n]\ncount = 20001\n", 2, { "no whole number up to 20000" } },
	{ "[nodes n]\naddresses = 192.0.2.1\n", 2, { "no range", "192.0.2.10-192.0.2.60" } },
	{ "[nodes n]\naddresses = 192.0.2.9-192.0.2.1\n", 2, { "ends before it begins" } },
	{ "[nodes n]\naddresses = 192.0.2.9-9.9.9.9\n", 2, { "9.9.9.9 could be somebody's" } },
	{ "[nodes n]\nanswering = 101%\n", 2, { "no share" } },
	{ "[nodes n]\nanswering = some\n", 2, { "no share" } },
	{ "[nodes n]\nport = 0\n", 2, { "port" } },
	{ "[nodes n]\nport = 9-8\n", 2, { "port" } },
	{ "[nodes n]\nport = 70000\n", 2, { "65535" } },
	{ "[nodes n]\ndistance = 3s-1s\n", 2, { "ends before it begins" } },
	{ "[nodes n]\ncuont = 3\n", 2, { "'cuont' is no key of [nodes]", "did you mean 'count'?" } },
	/* Populations. */
	{ NET "[population]\n", 1, { "not both" } },
	/* Events by themselves. */
	{ NET ALICE "[events]\nalice starts\n", 10, { "the time", "alice" } },
	{ NET ALICE "[events]\n1s\n", 10, { "who does what?" } },
	{ NET ALICE "[events]\n1s alcie starts\n", 10, { "'alcie' is no client", "did you mean 'alice'?" } },
	{ NET ALICE "[events]\n1s s starts\n", 10, { "s is a supernode (line 1), no client" } },
	{ NET ALICE "[events]\n1s alice satrts\n", 10, { "did you mean 'starts'?" } },
	{ NET ALICE "[events]\n1s alice\n", 10, { "Write one of: starts" } },
	{ NET ALICE "[events]\n1s alice starts now\n", 10, { "'now' is too much" } },
	{ NET ALICE "[events]\n341s alice starts\n", 10, { "after the end", "lasts" } },
	{ NET ALICE "[events]\n1s a b c d e f g h i j k l m\n", 10, { "one word too many" } },
	{ TALK "60s alice calls\n", 21, { "whom?" } },
	{ TALK "60s alice calls bob\n", 21, { "how long?", "bob for 8s" } },
	{ TALK "60s alice calls alice for 8s\n", 21, { "alice calls itself" } },
	{ TALK "60s alice calls bob for 8s via s\n", 21, { "s is a supernode (line 1), no relay" } },
	{ TALK "60s alice calls bob for 8s over ip\n", 21, { "over what?" } },
	{ TALK "60s alice calls bob for 8s for 9s\n", 21, { "'for' is not understood", "each once" } },
	{ TALK "60s alice calls bob for 8s over udp over tcp\n", 21, { "'over' is not understood" } },
	{ TALK "60s alice calls bob for 1ms\n", 21, { "less than a second" } },
	{ TALK "60s alice searches\n", 21, { "for whom?", "searches in vain" } },
	{ TALK "60s alice searches bob in\n", 21, { "'in vain'" } },
	{ TALK "60s alice searches bob today\n", 21, { "'today' is too much" } },
	/* Events against each other. */
	{ NET ALICE "[events]\n1s alice starts\n2s alice starts\n",
	  11,
	  { "running already, since line 10" } },
	{ NET ALICE "online = yes\n[events]\n1s alice starts\n", 11, { "online from the beginning" } },
	{ NET ALICE "[events]\n1s alice quits\n", 10, { "alice is not running then", "alice starts" } },
	{ NODE("s",
	       "192.0.2.1:33033") "[client a]\nversion = 1.4.0.84\naddress = 10.0.0.2:1025\n[events]\n1s a starts\n",
	  7,
	  { "no login server", "login = none" } },
	{ NET ALICE BOB "[events]\n1s alice starts\n60s alice calls bob for 8s\n",
	  15,
	  { "bob is not running then" } },
	{ TALK "60s alice calls bob for 8s\n70s alice calls carol for 8s\n",
	  22,
	  { "alice is in the call of line 21" } },
	{ TALK "60s alice calls bob for 8s\n70s carol calls bob for 8s\n",
	  22,
	  { "bob is in the call of line 21" } },
	{ TALK "60s alice calls bob for 8s\n62s alice quits\n", 22, { "alice is in the call of line 21" } },
	{ TALK "60s alice invites carol\n", 21, { "has called nobody" } },
	{ TALK "60s alice calls bob for 20s\n62s bob invites carol\n", 22, { "bob has called nobody" } },
	{ TALK "60s alice holds for 3s\n", 21, { "in no call" } },
	{ TALK "60s alice calls bob for 8s\n61s alice holds for 3s\n", 22, { "being set up" } },
	{ TALK "60s alice calls bob for 8s\n64s alice holds for 30s\n", 22, { "holds longer than" } },
	{ TALK "60s alice calls bob for 20s\n64s alice holds for 9s\n66s alice holds for 3s\n",
	  23,
	  { "holds its call already" } },
	{ TALK "330s alice calls bob for 8s\n", 21, { "ends after the scenario" } },
	{ NET ALICE "network = udp-restricted 198.51.100.7\n" CAROL
		    "[events]\n1s alice starts\n60s alice calls carol for 8s\n",
	  17,
	  { "drops all UDP of alice", "over tcp" } },
	{ NET ALICE "network = port-restricted 198.51.100.7\n" CAROL "network = port-restricted 203.0.113.7\n"
		    "[events]\n1s alice starts\n60s alice calls carol for 8s over tcp\n",
	  18,
	  { "both behind NATs", "via RELAY" } },
};

static void wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		const struct fault *f = &faults[i];
		struct error err = { 0 };
		char where[128];

		struct scenario *s = read_bytes(f->text, strlen(f->text), &err);
		if (s)
			fail_msg("nothing is said about:\n%s", f->text);
		assert_int_equal(err.status, EXIT_INPUT);
		if (f->line)
			snprintf(where, sizeof where, "%s:%u: ", path, f->line);
		else
			snprintf(where, sizeof where, "%s: ", path);
		if (strncmp(err.text, where, strlen(where)) != 0)
			fail_msg("not %s...: %s\n%s", where, err.text, f->text);
		for (size_t k = 0; k < 3 && f->says[k]; k++)
			if (!strstr(err.text, f->says[k]))
				fail_msg("'%s' is not in: %s\n%s", f->says[k], err.text, f->text);
	}
}

static void files(void **state)
{
	struct error err = { 0 };
	static char large[(1 << 20) + 2];

	(void)state;
	assert_null(scenario_read("/nonexistent/x.scenario", &err));
	assert_int_equal(err.status, EXIT_INPUT);
	assert_non_null(strstr(err.text, "No such file"));
	assert_null(scenario_read("/tmp", &err));
	assert_non_null(strstr(err.text, "directory"));
	memset(large, '\n', sizeof large);
	assert_null(read_bytes(large, sizeof large, &err));
	assert_non_null(strstr(err.text, "larger than 1 MB"));
	assert_null(read_bytes("[scenario]\n\0\n", 13, &err));
	assert_non_null(strstr(err.text, ":2: a control character (0x00)"));
	/* A long line and many keys end in words, too. */
	memset(large, 'x', sizeof large);
	memcpy(large, "[scenario]\n", 11);
	assert_null(read_bytes(large, 1 << 20, &err));
	assert_non_null(strstr(err.text, ":2: "));
	scenario_free(NULL);
}

/* The file cut at every byte, and with every byte changed: an answer, and no access beyond it (sanitizers).
 */
static void damaged(void **state)
{
	static const char bytes[] = "\0\n[]=#- 9\xff";
	struct error err;
	char text[sizeof WHOLE];

	(void)state;
	for (size_t i = 0; i < strlen(WHOLE); i++)
		scenario_free(read_bytes(WHOLE, i, &err));
	for (size_t i = 0; i < strlen(WHOLE); i++) {
		memcpy(text, WHOLE, sizeof text);
		text[i] = bytes[i % (sizeof bytes - 1)];
		scenario_free(read_bytes(text, strlen(WHOLE), &err));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),           cmocka_unit_test(events), cmocka_unit_test(places),
		cmocka_unit_test(groups),          cmocka_unit_test(times),  cmocka_unit_test(local_nets),
		cmocka_unit_test(byte_order_mark), cmocka_unit_test(wrong),  cmocka_unit_test(files),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
