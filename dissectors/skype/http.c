/*
 * The version check over HTTP (wire B4; keywords "installed" at the first run, BS section IV.A, then
 * "getlatestversion", IV.B.5). It tells the host and the client's version, not the socket.
 *
 *	GET http://ui.skype.com/ui/2/1.2.0.18/en/getlatestversion?ver=1.2.0.18&uhash=... HTTP/1.1
 *	host: ui.skype.com
 *
 * Path: /ui/<platform>/<version>/<language>/<action>. The host is in the request line or in its header.
 */
#include "dissectors/skype/skype.h"
#include <string.h>

#define REQUEST_LINE_MAX 1024U /* the real ones have 130 bytes */

static const char *const actions[] = { "installed", "getlatestversion" };

struct http_state {
	bool done;
};

struct request {
	const char *action;
	struct span platform, version, host;
};

/* The bytes before `stop`, which is skipped; all that is left, and *found false, if it does not come. */
static struct span rd_until(struct reader *r, uint8_t stop, bool *found)
{
	struct reader ahead = *r;
	size_t n = 0;
	*found = false;
	while (rd_left(&ahead) && !*found) {
		*found = rd_u8(&ahead) == stop;
		n += !*found;
	}
	struct span out = rd_take(r, n);
	if (*found)
		rd_skip(r, 1);
	return out;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

static bool equals_nocase(struct span s, const char *text)
{
	if (s.len != strlen(text))
		return false;
	struct reader r = reader_on(s);
	for (; *text; text++)
		if (lower(rd_u8(&r)) != lower((uint8_t)*text))
			return false;
	return true;
}

/* Takes text off the front of r, if it is there. */
static bool rd_prefix(struct reader *r, const char *text)
{
	struct reader ahead = *r;
	struct span front = rd_take(&ahead, strlen(text));
	if (ahead.failed || !equals_nocase(front, text))
		return false;
	*r = ahead;
	return true;
}

static struct span trim(struct span s)
{
	while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t' || s.ptr[s.len - 1] == '\r'))
		s.len--;
	struct reader r = reader_on(s);
	while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
		rd_skip(&r, 1);
		s = (struct span){ r.at, s.len - 1 };
	}
	return s;
}

static struct span without_port(struct span host)
{
	struct reader r = reader_on(host);
	bool found;
	return rd_until(&r, ':', &found);
}

/* skype.com, or a name below it. */
static bool is_vendor(struct span host)
{
	static const char domain[] = "skype.com";
	size_t n = sizeof domain - 1;
	struct reader r = reader_on(host);
	if (host.len < n)
		return false;
	struct span below = rd_take(&r, host.len - n);
	return equals_nocase(rd_rest(&r), domain) && (below.len == 0 || below.ptr[below.len - 1] == '.');
}

/* The value of ver= in the query, or what is there already. */
static void read_query(struct span query, struct request *q)
{
	struct reader r = reader_on(query);
	bool found = true;
	while (found) {
		struct reader parameter = reader_on(rd_until(&r, '&', &found));
		if (rd_prefix(&parameter, "ver=") && rd_left(&parameter))
			q->version = rd_rest(&parameter);
	}
}

/* The request line without its end; false: not a version check. */
static bool read_request_line(struct span line, struct request *q)
{
	struct reader r = reader_on(line);
	bool found;
	*q = (struct request){ 0 };
	if (!rd_prefix(&r, "GET "))
		return false;
	struct reader target = reader_on(rd_until(&r, ' ', &found));
	if (!found || !rd_prefix(&r, "HTTP/1."))
		return false;
	if (rd_prefix(&target, "http://")) {
		q->host = without_port(rd_until(&target, '/', &found));
		if (!found || !is_vendor(q->host))
			return false;
	} else if (!rd_prefix(&target, "/")) {
		return false;
	}
	if (!rd_prefix(&target, "ui/"))
		return false;
	q->platform = rd_until(&target, '/', &found);
	q->version = rd_until(&target, '/', &found);
	(void)rd_until(&target, '/', &found); /* the language */
	if (!found)
		return false;
	struct span action = rd_until(&target, '?', &found);
	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
		if (span_is(action, actions[i]))
			q->action = actions[i];
	if (found)
		read_query(rd_rest(&target), q);
	return q->action != NULL;
}

/* Looks for the Host header. MATCH_MAYBE: the headers are not all there yet. */
static enum match read_host(struct reader *r, struct request *q)
{
	for (;;) {
		bool found;
		struct span line = rd_until(r, '\n', &found);
		if (!found)
			return MATCH_MAYBE;
		line = trim(line);
		if (line.len == 0)
			return MATCH_NO;
		struct reader header = reader_on(line);
		struct span name = rd_until(&header, ':', &found);
		if (found && equals_nocase(name, "host")) {
			q->host = without_port(trim(rd_rest(&header)));
			return is_vendor(q->host) ? MATCH_YES : MATCH_NO;
		}
	}
}

/* Text for people and for the database: printable ASCII, always ended. */
static void copy_printable(char *out, size_t size, struct span from)
{
	struct reader r = reader_on(from);
	size_t n = 0;
	while (rd_left(&r) && n + 1 < size) {
		uint8_t c = rd_u8(&r);
		out[n++] = c > ' ' && c < 0x7f ? (char)c : '?';
	}
	out[n] = '\0';
}

static void report_check(const struct look *l, const struct request *q)
{
	struct event e = { .type = EVENT_VERSION_CHECK, .of.version.action = q->action };
	copy_printable(e.of.version.version, sizeof e.of.version.version, q->version);
	copy_printable(e.of.version.host, sizeof e.of.version.host, q->host);
	copy_printable(e.of.version.platform, sizeof e.of.version.platform, q->platform);
	observe(l, SKYPE_VERSION_CHECK, 0);
	label_flow(l, "skype-http");
	note_role(l, ROLE_version_check);
	report_event(l, &e);
}

/* Whether the bytes so far can be the start of "GET ". */
static bool may_be_get(struct span s)
{
	return memcmp(s.ptr, "GET ", s.len < 4 ? s.len : 4) == 0;
}

static enum match http_look(const struct look *l)
{
	struct http_state *st = l->state;
	if (l->data.len == 0)
		return MATCH_MAYBE;
	if (st->done || l->dir != TO_RESPONDER || !may_be_get(l->data))
		return MATCH_NO;
	struct reader r = reader_on(l->data);
	struct request q;
	bool found;
	struct span line = rd_until(&r, '\n', &found);
	if (line.len > REQUEST_LINE_MAX)
		return MATCH_NO;
	if (!found)
		return MATCH_MAYBE;
	if (!read_request_line(trim(line), &q))
		return MATCH_NO;
	enum match match = q.host.len ? MATCH_YES : read_host(&r, &q);
	if (match == MATCH_YES) {
		st->done = true;
		report_check(l, &q);
	}
	return match;
}

const struct dissector dissector_skype_http = {
	.name = "skype_http",
	.summary = "Skype's version check over HTTP, wire B4",
	.protocol = &protocol_skype,
	.l4 = IPPROTO_TCP,
	.patience = 8, /* a request in more segments than this is not one of Skype's */
	.state_size = sizeof(struct http_state),
	.look = http_look,
};
