/* The web page's server, by sockets: clients that are slow, rude, or both. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/clock.h"
#include "base/real_time.h"
#include "http_house.h"
#include <time.h>

#define LONG 100000U

static void pipelines(void **state)
{
	struct house *h = *state;
	char text[1000];
	int fd = call(h), n = 0;

	n += snprintf(text, sizeof text, "GET /state.json HTTP/1.1\r\nHost: localhost\r\n\r\n");
	n += snprintf(text + n, sizeof text - (size_t)n, "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
	n += snprintf(text + n, sizeof text - (size_t)n,
		      "GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
	say(fd, text, (size_t)n);
	hear(h, fd);
	assert_int_equal(status_of(h->answer), 200);
	const char *second = strstr(h->answer + 1, "HTTP/1.1 200"),
		   *third = strstr(h->answer + 1, "HTTP/1.1 404");
	assert_true(second && third && second < third);
}

/* AddressSanitizer keeps what was freed; gcc and clang say differently that it is there. */
#if defined __SANITIZE_ADDRESS__
#define KEEPS_FREED_MEMORY 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define KEEPS_FREED_MEMORY 1
#endif
#endif
#ifndef KEEPS_FREED_MEMORY
#define KEEPS_FREED_MEMORY 0
#endif

static long resident_pages(void)
{
	long pages = -1;
	FILE *file = fopen("/proc/self/statm", "r");

	if (!file || fscanf(file, "%*d %ld", &pages) != 1)
		pages = -1;
	if (file)
		fclose(file);
	return pages;
}

static void long_requests(void **state)
{
	struct house *h = *state;
	char *text = malloc(LONG + 100);
	long before = 0;

	assert_non_null(text);
	for (int i = 0; i < 300; i++) {
		int fd = call(h),
		    n = i % 3 == 0   ? snprintf(text, 100, "GET /")
			: i % 3 == 1 ? snprintf(text, 100, "GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
				     : 0;
		memset(text + n, i % 3 == 2 ? '\n' : 'x', LONG);
		if (i % 3 == 2)
			memcpy(text, "GET / HTTP/1.1\r\nHost: localhost\r\n", 33);
		for (size_t at = 33; i % 6 == 5 && at + 5 <= LONG; at += 5)
			memcpy(text + at, "a:b\r\n", 5);
		say(fd, text, LONG);
		shutdown(fd, SHUT_WR);
		hear(h, fd);
		int status = status_of(h->answer);
		/* Ended early by an empty line, the third kind is a request like any other. */
		assert_true(status == 0 || (status >= 400 && status < 500) || (i % 6 == 2 && status == 200));
		if (i == 100)
			before = resident_pages();
	}
	free(text);
	assert_int_equal(ask(h, "GET", "/", ""), 200);
	if (!KEEPS_FREED_MEMORY)
		assert_true(resident_pages() - before < 256);
}

static void early_ends(void **state)
{
	struct house *h = *state;
	static const struct linger reset = { 1, 0 };

	for (int i = 0; i < 300; i++) {
		static const char text[] = "GET /report/large.tsv HTTP/1.1\r\nHost: localhost\r\n\r\n";
		int fd = call(h);
		say(fd, text, i % 3 ? sizeof text - 1 : 20);
		if (i % 3 == 2)
			assert_true(recv(fd, h->answer, 1000, 0) > 0);
		if (i % 2)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		close(fd);
	}
	assert_int_equal(ask(h, "GET", "/report/large.tsv", ""), 200);
	assert_true(has(h, "Content-Length: 6291456\r\n"));
}

/* Fifty who never come to the end, from one address, and some who do not listen to what they asked for. */
static void slow_clients(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";
	static const char large[] = "GET /report/large.tsv HTTP/1.1\r\nHost: localhost\r\n\r\n";
	struct house *h = *state;
	int64_t began = steady_time(), best = INT64_MAX;
	int slow[50], kept = 0;
	char byte;

	for (size_t i = 0; i < 50; i++) {
		slow[i] = call(h);
		if (i % 5 == 0)
			say(slow[i], large, sizeof large - 1);
		else
			say(slow[i], request, sizeof request - 1);
	}
	for (int second = 0; second < 3; second++) {
		int64_t from = steady_time();
		for (int i = 0; i < 20; i++)
			assert_int_equal(ask(h, "GET", "/state.json", ""), 200);
		best = steady_time() - from < best ? steady_time() - from : best;
		for (size_t i = 0; i < 50; i++)
			if (i % 5)
				say(slow[i], "x", 1);
		nanosleep(&(struct timespec){ 1, 0 }, NULL);
	}
	for (size_t i = 0; i < 50; i++) {
		if (i % 5 && recv(slow[i], &byte, 1, MSG_DONTWAIT) < 0)
			kept++;
		close(slow[i]);
	}
	/* Else they would have waited for the slow ones, each time. */
	assert_true(best < 9 * NS_PER_S);
	/* No more of one address than may be, less those that came and went meanwhile; none, when this
	 * program was held up for as long as they may be silent. */
	assert_in_range(kept, steady_time() - began < 9 * NS_PER_S, 16);
}

static void silence_ends(void **state)
{
	struct house *h = *state;
	int64_t began = steady_time();
	int fd = call(h);
	struct pollfd ready = { fd, POLLIN, 0 };

	say(fd, "GET / HT", 8);
	assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
	assert_true(steady_time() - began > 3 * NS_PER_S);
	close(fd);
}

static int open_house_with_report(void **state)
{
	int result = open_house(state);

	if (result == 0)
		report_put(*state, "report");
	return result;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pipelines),    cmocka_unit_test(long_requests), cmocka_unit_test(early_ends),
		cmocka_unit_test(slow_clients), cmocka_unit_test(silence_ends),
	};

	if (!http_available()) {
		print_message("1..0 # SKIP built without libmicrohttpd\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, open_house_with_report, close_house);
}
