/* One client of the control socket or of the metrics socket; see control_parts.h. */
#include "base/text.h"
#include "live/control_parts.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void control_client_open(struct control_client *c, int fd, bool http, int64_t now_ns)
{
	*c = (struct control_client){ .fd = fd, .http = http, .since_ns = now_ns };
}

void control_client_close(struct control_client *c)
{
	close(c->fd);
	free(c->answer);
	*c = (struct control_client){ .fd = -1 };
}

bool control_client_idle(const struct control_client *c)
{
	return !c->answer && !c->used && !c->http;
}

int64_t control_client_deadline(const struct control_client *c)
{
	return c->since_ns + (c->answer                ? CONTROL_TAKE_NS
			      : control_client_idle(c) ? CONTROL_IDLE_NS
						       : CONTROL_SEND_NS);
}

/* Takes the text; without one, there was no memory, and that is the answer. */
static void answer(struct control_client *c, char *text, int64_t now_ns)
{
	if (!text) {
		control_client_close(c);
		return;
	}
	c->answer = text;
	c->length = strlen(text);
	c->sent = 0;
	c->since_ns = now_ns;
}

static char *text_of_error(const char *words)
{
	struct text t = { 0 };

	text_say(&t, "error: %s\n", words);
	/* An answer is one line, whatever the words are. */
	for (size_t i = 0; !t.failed && i + 1 < t.used; i++)
		if (t.bytes[i] == '\n')
			t.bytes[i] = ' ';
	return text_take(&t);
}

static char *text_and(char *text, const char *end)
{
	struct text t = { 0 };

	if (text)
		text_say(&t, "%s%s", text, end);
	else
		t.failed = true;
	free(text);
	return text_take(&t);
}

static char *http_answer(struct live_state *state)
{
	struct text t = { 0 };
	char *metrics = live_state_metrics(state);

	if (!metrics)
		return NULL;
	text_say(&t,
		 "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
		 "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
		 strlen(metrics), metrics);
	free(metrics);
	return text_take(&t);
}

static char *answer_to(const char *line, const struct control_options *o)
{
	struct error err = { 0 };

	if (strcmp(line, "status") == 0)
		return text_and(live_state_json(o->state), "\n");
	if (strcmp(line, "counters") == 0)
		return text_and(live_state_metrics(o->state), "# EOF\n");
	if (strcmp(line, "rotate") == 0 && o->rotate) {
		o->rotate(o->self);
		return strdup("ok\n");
	}
	if (strcmp(line, "reload") == 0 && o->reload)
		return o->reload(o->self, &err) ? strdup("ok\n") : text_of_error(err.text);
	return text_of_error("no such request; there are status, counters, rotate and reload");
}

/* The first whole line of those that are there. False: there is none yet. */
static bool take_line(struct control_client *c, const struct control_options *options, int64_t now_ns)
{
	char line[CONTROL_LINE_MAX];
	const char *end = c->http ? NULL : memchr(c->line, '\n', c->used);

	if (!end)
		return false;
	size_t length = (size_t)(end - c->line), taken = length + 1;
	memcpy(line, c->line, length);
	while (length && line[length - 1] == '\r')
		length--;
	line[length] = '\0'; /* a NUL inside ends the word, which is then none that we know */
	c->used -= taken;
	memmove(c->line, c->line + taken, c->used);
	answer(c, answer_to(line, options), now_ns);
	return true;
}

static void take_http(struct control_client *c, const char *bytes, size_t n,
		      const struct control_options *options, int64_t now_ns)
{
	for (size_t i = 0; i < n && c->newlines < 2; i++)
		c->newlines = bytes[i] == '\n' ? c->newlines + 1 : bytes[i] == '\r' ? c->newlines : 0;
	c->used += n;
	if (c->used > CONTROL_HTTP_MAX) {
		control_client_close(c);
	} else if (c->newlines >= 2) { /* an empty line ends a request without a body */
		c->closing = true;
		answer(c, http_answer(options->state), now_ns);
	}
}

/* False: nothing more to read just now, or the client is gone. */
static bool client_read(struct control_client *c, const struct control_options *options, int64_t now_ns)
{
	char bytes[CONTROL_LINE_MAX];
	size_t room = c->http ? sizeof bytes : sizeof c->line - c->used;
	ssize_t n = recv(c->fd, bytes, room, 0);

	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return false;
	if (n == 0 && c->http && c->newlines < 2) { /* asked without an empty line, and waits */
		take_http(c, "\n\n", 2, options, now_ns);
		return c->fd >= 0;
	}
	if (n <= 0) {
		control_client_close(c);
		return false;
	}
	if (c->http) {
		take_http(c, bytes, (size_t)n, options, now_ns);
		return c->fd >= 0;
	}
	if (c->used == 0)
		c->since_ns = now_ns;
	memcpy(c->line + c->used, bytes, (size_t)n);
	c->used += (size_t)n;
	if (c->used == sizeof c->line && !memchr(c->line, '\n', c->used)) {
		c->closing = true;
		answer(c, text_of_error("the line is too long"), now_ns);
	}
	return c->fd >= 0;
}

/* False: it cannot take more just now, or is gone. */
static bool client_write(struct control_client *c, int64_t now_ns)
{
	ssize_t n = send(c->fd, c->answer + c->sent, c->length - c->sent, MSG_NOSIGNAL);

	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return false;
	if (n < 0) {
		control_client_close(c);
		return false;
	}
	c->sent += (size_t)n;
	if (c->sent < c->length)
		return true;
	free(c->answer);
	c->answer = NULL;
	c->since_ns = now_ns;
	if (c->closing)
		control_client_close(c);
	return c->fd >= 0;
}

void control_client_serve(struct control_client *c, const struct control_options *options, int64_t now_ns)
{
	/* One that asks without end gets its turn, and then the others. */
	for (unsigned turn = 0; c->fd >= 0 && turn < 64; turn++) {
		if (c->answer) {
			if (!client_write(c, now_ns))
				return;
		} else if (!take_line(c, options, now_ns) && !client_read(c, options, now_ns)) {
			return;
		}
	}
}

void control_client_expire(struct control_client *c, const struct control_options *options, int64_t now_ns)
{
	if (c->http && !c->answer) {
		c->closing = true;
		answer(c, http_answer(options->state), now_ns);
		if (c->fd >= 0)
			control_client_serve(c, options, now_ns);
		return;
	}
	control_client_close(c);
}
