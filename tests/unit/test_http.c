/* The web page's server, by sockets: what it answers, and what it does not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "live/http_parts.h"
#include "http_house.h"
#include <sched.h>
#include <sys/wait.h>
#include <time.h>

/* --- what is served --- */

static void routes(void **state)
{
	static const struct {
		const char *path, *type, *within, *policy;
	} rows[] = {
		{ "/", "text/html", "<!doctype html>", "script-src 'self'" },
		{ "/?x=1", "text/html", "<!doctype html>", "script-src 'self'" },
		{ "/style.css", "text/css", "--ink", "script-src 'self'" },
		{ "/page.js", "text/javascript", "use strict", "script-src 'self'" },
		{ "/icon.svg", "image/svg+xml", "<svg", "script-src 'self'" },
		{ "/favicon.ico", "image/svg+xml", "<svg", "script-src 'self'" },
		{ "/state.json", "application/json", "{\"version\":\"test\"}", "default-src 'none'" },
		{ "/metrics", "text/plain; version=0.0.4", "footsteps_up 1", "default-src 'none'" },
		{ "/report.json", "application/json", "{\"version\":\"", "default-src 'none'" },
		{ "/report/", "text/html", "report", "style-src 'unsafe-inline'" },
		{ "/report/index.html", "text/html", "report", "style-src 'unsafe-inline'" },
		{ "/report/R1.svg", "image/svg+xml", "<svg", "style-src 'unsafe-inline'" },
		{ "/report/R1.tsv", "text/tab-separated-values", "1\t2", "style-src 'unsafe-inline'" },
	};
	struct house *h = *state;

	report_put(h, "report");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char type[100], length[100];
		assert_int_equal(ask(h, "GET", rows[i].path, ""), 200);
		snprintf(type, sizeof type, "Content-Type: %s", rows[i].type);
		snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body_of(h)));
		assert_true(has(h, type));
		assert_true(has(h, length));
		assert_true(has(h, rows[i].policy));
		assert_true(has(h, "frame-ancestors 'none'"));
		assert_true(has(h, "X-Content-Type-Options: nosniff"));
		assert_true(has(h, "Referrer-Policy: no-referrer"));
		assert_non_null(strstr(body_of(h), rows[i].within));
		/* RFC 9110 section 9.3.2: the same headers, and no content. */
		assert_int_equal(ask(h, "HEAD", rows[i].path, ""), 200);
		assert_true(has(h, type));
		assert_true(has(h, length));
		assert_string_equal(body_of(h), "");
	}
	assert_int_equal(ask(h, "GET", "/state.json", ""), 200);
	assert_true(has(h, "Cache-Control: no-store"));
	assert_int_equal(ask(h, "GET", "/report", ""), 308);
	assert_true(has(h, "Location: /report/\r\n"));
	assert_false(has(h, "unsafe-eval"));
}

static void versions(void **state)
{
	static const char *const paths[] = { "/", "/page.js", "/report/R1.svg" };
	struct house *h = *state;

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		char header[200], *etag, *end;
		assert_int_equal(ask(h, "GET", paths[i], ""), 200);
		etag = strstr(h->answer, "ETag: ");
		assert_non_null(etag);
		end = strstr(etag, "\r\n");
		snprintf(header, sizeof header, "If-None-Match: %.*s\r\n", (int)(end - etag - 6), etag + 6);
		assert_int_equal(ask(h, "GET", paths[i], header), 304);
		assert_string_equal(body_of(h), "");
		assert_int_equal(ask(h, "GET", paths[i], "If-None-Match: \"other\"\r\n"), 200);
	}
	/* Ranges are not offered, so they are not heard (RFC 9110 section 14.2). */
	assert_int_equal(ask(h, "GET", "/report/R1.tsv", "Range: bytes=0-1\r\n"), 200);
	assert_string_equal(body_of(h), "a\tb\n1\t2\n");
}

static void the_state_is_not_written_for_each(void **state)
{
	struct house *h = *state;
	unsigned before = atomic_load(&h->state.asked);
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < 100; i++)
		assert_int_equal(ask(h, "GET", "/state.json", ""), 200);
	clock_gettime(CLOCK_MONOTONIC, &to);
	/* Four times a second, and once for each end. */
	assert_in_range(atomic_load(&h->state.asked) - before, 0, (to.tv_sec - from.tv_sec + 1) * 4 + 2);
}

static void reports_come_and_change(void **state)
{
	struct house *h = *state;
	char one[100], two[100], three[100];

	snprintf(one, sizeof one, "%s/report", h->top);
	snprintf(two, sizeof two, "%s/second", h->top);
	snprintf(three, sizeof three, "%s/first", h->top);
	assert_int_equal(rename(one, three), 0);
	assert_int_equal(ask(h, "GET", "/report/", ""), 404);
	assert_int_equal(ask(h, "GET", "/report.json", ""), 200);
	assert_string_equal(body_of(h), "{\"version\":null}\n");
	report_put(h, "second");
	assert_int_equal(rename(two, one), 0);
	assert_int_equal(ask(h, "GET", "/report/", ""), 200);
	assert_string_equal(body_of(h), "second");
	/* A link in place of the directory is somebody else's. */
	assert_int_equal(rename(one, two), 0);
	assert_int_equal(symlink("second", one), 0);
	assert_int_equal(ask(h, "GET", "/report/", ""), 404);
	assert_int_equal(unlink(one), 0);
	assert_int_equal(rename(two, one), 0);
}

/* --- what is not --- */

static void methods(void **state)
{
	static const char *const others[] = { "POST",  "PUT",     "DELETE", "OPTIONS", "PATCH",
					      "TRACE", "CONNECT", "get",    "GARBAGE" };
	struct house *h = *state;

	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		assert_int_equal(ask(h, others[i], "/", ""), 405);
		assert_true(has(h, "Allow: GET, HEAD\r\n"));
	}
	assert_int_equal(ask(h, "POST", "/state.json", "Content-Length: 3\r\n\r\nabc"), 405);
	assert_int_equal(ask(h, "GET", "/", "Content-Length: 3\r\n\r\nabc"), 413);
	assert_int_equal(ask(h, "GET", "/", "Content-Length: 99999999999\r\n"), 413);
	assert_int_equal(ask(h, "GET", "/", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"), 413);
	assert_int_equal(ask(h, "POST", "/", "Expect: 100-continue\r\nContent-Length: 3\r\n"), 405);
	assert_int_equal(ask(h, "GET", "/", ""), 200);
}

static void garbage(void **state)
{
	static const struct {
		const char *text;
		size_t size;
	} rows[] = {
#define ROW(text) { text, sizeof(text) - 1 }
		ROW("\r\n\r\n\r\n\r\n"),
		ROW("GET\r\n\r\n"),
		ROW("GET /\r\n\r\n"),
		ROW("GET / HTTP/9.9\r\nHost: localhost\r\n\r\n"),
		ROW("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"),
		ROW("GET / HTTP/1.1\r\n: x\r\n\r\n"),
		ROW("GET / HTTP/1.1\r\nno colon\r\n\r\n"),
		ROW("GET /\0/secret HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
		ROW("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n"),
		ROW("\xff\xfe\x00\x00\x80\r\n\r\n"),
	};
	struct house *h = *state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int fd = call(h);
		say(fd, rows[i].text, rows[i].size);
		shutdown(fd, SHUT_WR);
		hear(h, fd);
		assert_false(has(h, "secret"));
		assert_false(status_of(h->answer) >= 500 && status_of(h->answer) != 505);
		assert_int_equal(ask(h, "GET", "/", ""), 200);
	}
}

static void paths(void **state)
{
	static const char *const none[] = { "/nothing",
					    "//",
					    "/index.html/",
					    "*",
					    "http://localhost/",
					    "/..",
					    "/../secret.html",
					    "/report/../secret.html",
					    "/report/..%2fsecret.html",
					    "/report/%2e%2e/secret.html",
					    "/report/%2e%2e%2fsecret.html",
					    "/report/..\\secret.html",
					    "/report//etc/passwd",
					    "/report//R1.svg",
					    "/report/./R1.svg",
					    "/report/..",
					    "/report/.",
					    "/report/.hidden.html",
					    "/report/link.html",
					    "/report/folder.html",
					    "/report/pipe.tsv",
					    "/report/huge.tsv",
					    "/report/notes.txt",
					    "/report/R1.svg/",
					    "/report/R1.svg%00.html",
					    "/report/%52%31.svg",
					    "/report/\xc0\xaf.svg",
					    "/report/R1",
					    "/report/.svg",
					    "/state.json/",
					    "/STATE.JSON",
					    "/metrics/x",
					    "/report.json/",
					    "/reports/" };
	struct house *h = *state;

	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		int status = ask(h, "GET", none[i], "");
		if (status != 404 && status != 400)
			print_message("%s: %d\n", none[i], status);
		assert_true(status == 404 || status == 400);
		assert_false(has(h, "secret"));
		assert_false(has(h, "root:"));
	}
}

static void hosts(void **state)
{
	static const struct {
		const char *host;
		bool ours;
	} rows[] = {
		{ "127.0.0.1:8480", true },
		{ "127.0.0.1", true },
		{ "localhost", true },
		{ "LocalHost:80", true },
		{ "[::1]:8480", true },
		{ "[2001:db8::1]", true },
		{ "192.0.2.1", true },
		{ "evil.example", false },
		{ "evil.example:8480", false },
		{ "127.0.0.1.evil.example", false },
		{ "localhost.evil.example", false },
		{ "", false },
		{ "::1", false },
		{ "[::1", false },
		{ "[::1]x", false },
		{ "127.0.0.1:", true },
		{ "127.0.0.1:x", false },
		{ "127.0.0.1:99999", false },
		{ "[localhost]", false },
		{ "127.1", false },
		{ "2130706433", false },
		{ "0x7f.0.0.1", false },
		{ "localhost ", false },
	};
	struct house *h = *state;
	char text[200];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(http_host_is_ours(rows[i].host), rows[i].ours);
	for (size_t i = 0; i < 9; i++) {
		int fd = call(h);
		int n = snprintf(text, sizeof text,
				 "GET /state.json HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
				 rows[i].host);
		say(fd, text, (size_t)n);
		hear(h, fd);
		assert_int_equal(status_of(h->answer), rows[i].ours ? 200 : 421);
		assert_int_equal(has(h, "\"test\""), rows[i].ours);
	}
	int fd = call(h);
	say(fd, "GET /state.json HTTP/1.0\r\n\r\n", 28);
	hear(h, fd);
	assert_true(status_of(h->answer) == 421 || status_of(h->answer) == 400);
}

static void addresses(void **state)
{
	static const struct {
		const char *text, *url; /* NULL: none */
		bool loopback;
	} rows[] = {
		{ "127.0.0.1:8480", "http://127.0.0.1:8480/", true },
		{ "127.9.9.9:1", "http://127.9.9.9:1/", true },
		{ "[::1]:8480", "http://[::1]:8480/", true },
		{ "0.0.0.0:80", "http://0.0.0.0:80/", false },
		{ "[::]:80", "http://[::]:80/", false },
		{ "192.0.2.1:65535", "http://192.0.2.1:65535/", false },
		{ "127.0.0.1", NULL, false },
		{ "127.0.0.1:", NULL, false },
		{ "127.0.0.1:65536", NULL, false },
		{ "127.0.0.1:-1", NULL, false },
		{ "127.0.0.1:8480x", NULL, false },
		{ "localhost:8480", NULL, false },
		{ ":8480", NULL, false },
		{ "8480", NULL, false },
		{ "::1:8480", NULL, false },
		{ "[::1]", NULL, false },
		{ "[127.0.0.1]:80", NULL, false },
		{ "", NULL, false },
	};
	struct house *h = *state;
	struct error err;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct http_address a;
		char url[HTTP_URL_TEXT];
		err = (struct error){ 0 };
		assert_int_equal(http_address_parse(rows[i].text, &a, &err), rows[i].url != NULL);
		if (!rows[i].url) {
			assert_int_equal(err.status, EXIT_USAGE);
			continue;
		}
		http_address_url(&a, url);
		assert_string_equal(url, rows[i].url);
		assert_int_equal(http_address_is_loopback(&a), rows[i].loopback);
	}
	/* A port that is taken. */
	char taken[40];
	snprintf(taken, sizeof taken, "127.0.0.1:%u", h->port);
	struct http_options options = { .address = taken, .state = &h->state };
	assert_null(http_start(&options, &err));
	assert_int_equal(err.status, EXIT_OUTPUT);
	assert_non_null(strstr(err.text, "in use"));
}

static void count_line(void *self, const char *line)
{
	if (strstr(line, "nobody is asked for a password"))
		++*(int *)self;
}

/* In a network of its own, where "everybody" is nobody. */
static void says_who_can_read(void **state)
{
	int said, status;

	(void)state;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct live_state none = { 0 };
		struct error err;
		if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
			_exit(77);
		said = 0;
		struct http_options options = {
			.address = "0.0.0.0:0", .state = &none, .say = count_line, .say_self = &said
		};
		struct http *h = http_start(&options, &err);
		int opened = h != NULL;
		http_stop(h);
		_exit(opened && said == 1 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes),
		cmocka_unit_test(versions),
		cmocka_unit_test(the_state_is_not_written_for_each),
		cmocka_unit_test(reports_come_and_change),
		cmocka_unit_test(methods),
		cmocka_unit_test(garbage),
		cmocka_unit_test(paths),
		cmocka_unit_test(hosts),
		cmocka_unit_test(addresses),
		cmocka_unit_test(says_who_can_read),
	};

	if (!http_available()) {
		print_message("1..0 # SKIP built without libmicrohttpd\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, open_house, close_house);
}
