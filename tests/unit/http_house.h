/*
 * A server on loopback with a state and a report that are made up, and a client of it. Included by one
 * program each (tests/unit/test_http*.c) after cmocka's header; not every one uses all.
 */
#ifndef FS_TESTS_HTTP_HOUSE_H
#define FS_TESTS_HTTP_HOUSE_H
#include "live/http.h"
#include "live/http_parts.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* An answer takes a millisecond; who ends his half in the midst of a request can be kept until the server's
 * time is over, 10 s. */
#define PATIENCE_MS 60000
#define ANSWER_MOST (1U << 20)

struct live_state {
	atomic_uint asked;
};

char *live_state_json(struct live_state *s)
{
	atomic_fetch_add(&s->asked, 1);
	return strdup("{\"version\":\"test\"}");
}

char *live_state_metrics(struct live_state *s)
{
	(void)s;
	return strdup("footsteps_up 1\n# EOF\n");
}

struct house {
	struct live_state state;
	struct http *http;
	uint16_t port;
	char top[64], *answer;
};

#define PATH 400
static inline const char *path_of(const struct house *h, char path[PATH], const char *folder,
				  const char *name)
{
	assert_in_range(snprintf(path, PATH, "%s/%s/%s", h->top, folder, name), 1, PATH - 1);
	return path;
}

static inline void file_put(const struct house *h, const char *folder, const char *name, const char *text,
			    off_t size)
{
	char path[PATH];
	FILE *file = fopen(path_of(h, path, folder, name), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	if (size)
		assert_int_equal(truncate(path, size), 0);
}

/* A report, and beside its files what nobody may see. */
static inline void report_put(const struct house *h, const char *folder)
{
	char path[PATH];

	assert_int_equal(mkdir(path_of(h, path, folder, ""), 0755), 0);
	file_put(h, folder, "index.html", folder, 0);
	file_put(h, folder, "R1.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>", 0);
	file_put(h, folder, "R1.tsv", "a\tb\n1\t2\n", 0);
	file_put(h, folder, "large.tsv", "", 6 << 20);
	file_put(h, folder, ".hidden.html", "secret", 0);
	file_put(h, folder, "notes.txt", "secret", 0);
	file_put(h, folder, "huge.tsv", "", (64 << 20) + 1);
	assert_int_equal(symlink("../secret.html", path_of(h, path, folder, "link.html")), 0);
	assert_int_equal(mkdir(path_of(h, path, folder, "folder.html"), 0755), 0);
	assert_int_equal(mkfifo(path_of(h, path, folder, "pipe.tsv"), 0644), 0);
}

static inline int open_house(void **state)
{
	struct house *h = calloc(1, sizeof *h);
	struct error err = { 0 };
	char report[100];

	assert_non_null(h);
	*state = h;
	h->answer = malloc(ANSWER_MOST + 1);
	snprintf(h->top, sizeof h->top, "/tmp/footsteps-test-http-XXXXXX");
	if (!h->answer || !mkdtemp(h->top))
		return -1;
	file_put(h, "", "secret.html", "secret", 0);
	snprintf(report, sizeof report, "%s/report/", h->top);
	struct http_options options = { .address = "127.0.0.1:0", .state = &h->state, .report = report };
	h->http = http_start(&options, &err);
	if (!h->http || !http_serve(h->http, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	h->port = (uint16_t)strtoul(http_url(h->http) + strlen("http://127.0.0.1:"), NULL, 10);
	return h->port ? 0 : -1;
}

static inline int close_house(void **state)
{
	struct house *h = *state;
	char command[100];

	http_stop(h->http);
	snprintf(command, sizeof command, "rm -rf %s", h->top);
	int result = system(command);
	free(h->answer);
	free(h);
	return result;
}

/* --- a client --- */

static inline int call(const struct house *h)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(h->port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

/* As much of it as is taken: a server may close before it has heard all. */
static inline void say(int fd, const char *text, size_t length)
{
	while (length) {
		struct pollfd ready = { fd, POLLOUT, 0 };
		if (poll(&ready, 1, PATIENCE_MS) <= 0)
			return;
		ssize_t n = send(fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n <= 0)
			return;
		text += n;
		length -= (size_t)n;
	}
}

/* All until the server closes, into h->answer; its length. Fails when the server does not. */
static inline size_t hear(struct house *h, int fd)
{
	size_t length = 0;

	for (;;) {
		struct pollfd ready = { fd, POLLIN, 0 };
		assert_true(poll(&ready, 1, PATIENCE_MS) > 0);
		char dropped[4096];
		bool room = length < ANSWER_MOST;
		ssize_t n = room ? recv(fd, h->answer + length, ANSWER_MOST - length, 0)
				 : recv(fd, dropped, sizeof dropped, 0);
		if (n <= 0)
			break;
		length += room ? (size_t)n : 0;
	}
	h->answer[length] = '\0';
	close(fd);
	return length;
}

static inline int status_of(const char *answer)
{
	return strncmp(answer, "HTTP/1.", 7) == 0 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

/* The status of the answer to "METHOD PATH HTTP/1.1", a good Host, and more headers; 0: closed without one.
 */
static inline int ask(struct house *h, const char *method, const char *path, const char *more)
{
	char text[2048];
	int fd = call(h);

	int n = snprintf(text, sizeof text,
			 "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n%s\r\n", method, path,
			 h->port, more);
	assert_in_range(n, 1, sizeof text - 1);
	say(fd, text, (size_t)n);
	hear(h, fd);
	return status_of(h->answer);
}

static inline const char *body_of(const struct house *h)
{
	const char *end = strstr(h->answer, "\r\n\r\n");

	assert_non_null(end);
	return end + 4;
}

static inline bool has(const struct house *h, const char *words)
{
	return strstr(h->answer, words);
}
#endif
