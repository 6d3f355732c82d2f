/* Which addresses may be named and sent to, and what counts as a namespace of one's own. */
#include "peer/guard.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint32_t ip(const char *text)
{
	struct endpoint e = { 0 };

	assert_true(endpoint_parse(text, &e));
	return e.ip;
}

/* First and last address of each block, and the ones before and behind it. */
static void addresses(void **state)
{
	static const char *const files[] = {
		"127.0.0.0",    "127.255.255.255", "192.0.2.0",   "192.0.2.255",
		"198.51.100.0", "198.51.100.255",  "203.0.113.0", "203.0.113.255",
		"198.18.0.0",   "198.19.255.255",  "10.0.0.0",    "10.255.255.255",
		"172.16.0.0",   "172.31.255.255",  "192.168.0.0", "192.168.255.255",
	};
	static const char *const nobody[] = {
		"0.0.0.0",         "1.1.1.1",         "8.8.8.8",         "9.255.255.255",  "11.0.0.0",
		"126.255.255.255", "128.0.0.0",       "172.15.255.255",  "172.32.0.0",     "192.0.1.255",
		"192.0.3.0",       "192.167.255.255", "192.169.0.0",     "198.17.255.255", "198.20.0.0",
		"198.51.99.255",   "198.51.101.0",    "203.0.112.255",   "203.0.114.0",    "212.72.49.141",
		"224.0.0.1",       "239.255.255.255", "255.255.255.255", "100.64.0.1",     "169.254.1.1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		bool loopback = strncmp(files[i], "127.", 4) == 0;
		if (!guard_file_address(ip(files[i])) || !guard_live_address(ip(files[i]), true) ||
		    guard_live_address(ip(files[i]), false) != loopback)
			fail_msg("%s", files[i]);
	}
	for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++)
		if (guard_file_address(ip(nobody[i])) || guard_live_address(ip(nobody[i]), true))
			fail_msg("%s is allowed", nobody[i]);
	/* Reserved for ever: in files alone. */
	assert_true(guard_file_address(ip("240.0.0.0")));
	assert_true(guard_file_address(ip("255.255.255.254")));
	assert_false(guard_live_address(ip("240.0.0.1"), true));
}

static void endpoints(void **state)
{
	static const char *const wrong[] = { "",
					     ":1",
					     "192.0.2.1:",
					     "192.0.2.1:0",
					     "192.0.2.1:65536",
					     "192.0.2.1:01",
					     "192.0.2.1:+1",
					     "192.0.2.1: 1",
					     "192.0.2.256",
					     "192.0.2",
					     "192.0.2.1:1:1",
					     "::1",
					     "example.org:80",
					     "192.0.2.1:99999999999",
					     "1192.0.2.1.1.1.1.1.1.1" };
	struct endpoint e = { 0 };
	char text[ENDPOINT_TEXT];

	(void)state;
	assert_true(endpoint_parse("192.0.2.1:33033", &e));
	assert_int_equal(e.ip, 0xc0000201);
	assert_int_equal(e.port, 33033);
	assert_int_equal(endpoint_format(e, text), strlen("192.0.2.1:33033"));
	assert_string_equal(text, "192.0.2.1:33033");
	assert_true(endpoint_parse("255.255.255.255:65535", &e));
	assert_int_equal(endpoint_format(e, text), ENDPOINT_TEXT - 1);
	assert_string_equal(text, "255.255.255.255:65535");
	assert_true(endpoint_parse("10.0.0.2", &e));
	assert_int_equal(e.port, 0);
	endpoint_format(e, text);
	assert_string_equal(text, "10.0.0.2");
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		if (endpoint_parse(wrong[i], &e))
			fail_msg("'%s' is an address", wrong[i]);
}

struct room {
	char folder[64], own[96], first[96], routes[96];
};

static int enter(void **state)
{
	static struct room room;

	snprintf(room.folder, sizeof room.folder, "/tmp/footsteps-guard-XXXXXX");
	if (!mkdtemp(room.folder))
		return -1;
	snprintf(room.own, sizeof room.own, "%s/own", room.folder);
	snprintf(room.first, sizeof room.first, "%s/first", room.folder);
	snprintf(room.routes, sizeof room.routes, "%s/routes", room.folder);
	*state = &room;
	return 0;
}

static int leave(void **state)
{
	struct room *room = *state;

	unlink(room->own);
	unlink(room->first);
	unlink(room->routes);
	return rmdir(room->folder);
}

static bool own(struct room *room, const char *mine, const char *first, const char *routes)
{
	unlink(room->own);
	unlink(room->first);
	unlink(room->routes);
	if (mine)
		assert_int_equal(symlink(mine, room->own), 0);
	if (first)
		assert_int_equal(symlink(first, room->first), 0);
	if (routes) {
		FILE *out = fopen(room->routes, "w");
		assert_non_null(out);
		fputs(routes, out);
		fclose(out);
	}
	return guard_namespace(room->own, room->first, room->routes);
}

#define HEAD "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
#define A    "net:[4026531840]"
#define B    "net:[4026532281]"

/* Lines as Linux prints them: addresses with their bytes in the order of the (little-endian) machine. */
static void namespaces(void **state)
{
	struct room *room = *state;

	assert_true(own(room, B, A, HEAD));
	assert_false(own(room, A, A, HEAD));
	/* What cannot be found out is no. */
	assert_false(own(room, NULL, A, HEAD));
	assert_false(own(room, B, NULL, HEAD));
	assert_false(own(room, B, A, NULL));
	assert_false(own(room, B, A, ""));
	assert_false(own(room, B, A, HEAD "nonsense\n"));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	/* 192.0.2.0/24 on the link, 198.51.100.7 through 192.0.2.1, 10.0.0.0/8 */
	assert_true(own(room, B, A,
			HEAD "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
			     "eth0\t076433C6\t010200C0\t0007\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n"
			     "eth0\t0000000A\t010200C0\t0003\t0\t0\t0\t000000FF\t0\t0\t0\n"));
	/* A default route. */
	assert_false(own(room, B, A,
			 HEAD "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
			      "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"));
	/* Half of everything; wider than the block; a real network. */
	assert_false(own(room, B, A, HEAD "eth0\t00000080\t010200C0\t0003\t0\t0\t0\t00000080\t0\t0\t0\n"));
	assert_false(own(room, B, A, HEAD "eth0\t000000C0\t010200C0\t0003\t0\t0\t0\t000000FF\t0\t0\t0\n"));
	assert_false(own(room, B, A, HEAD "eth0\t08080808\t010200C0\t0007\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n"));
#endif
}

/* A namespace is known by its inode: here a second link to a file stands for a second name of a namespace. */
static void names(void **state)
{
	struct room *room = *state;
	char second[160], folder[128];
	FILE *out = fopen(room->own, "w");

	assert_non_null(out);
	fclose(out);
	snprintf(folder, sizeof folder, "%s/netns", room->folder);
	snprintf(second, sizeof second, "%s/lab", folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_false(guard_named(room->own, folder));
	out = fopen(second, "w"); /* that of somebody else */
	assert_non_null(out);
	fclose(out);
	assert_false(guard_named(room->own, folder));
	assert_int_equal(unlink(second), 0);
	assert_int_equal(link(room->own, second), 0);
	assert_true(guard_named(room->own, folder));
	assert_false(guard_named(room->first, folder));
	assert_false(guard_named(room->own, room->routes));
	assert_int_equal(unlink(second), 0);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(endpoints),
		cmocka_unit_test_setup_teardown(namespaces, enter, leave),
		cmocka_unit_test_setup_teardown(names, enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
