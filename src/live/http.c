/* The web page: libmicrohttpd answers, one thread for all; see http.h. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "live/http.h"
#include "base/real_time.h"
#include "live/http_parts.h"
#include <stdio.h>

#ifdef HAVE_MICROHTTPD
#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Guests are few: a browser opens up to six connections. Who comes when the house is full takes the place of
 * the one that has been quiet for longest, so slow ones are in nobody's way. */
#define GUESTS_MOST    32U
#define GUESTS_OF_ONE  16U
#define GUESTS_SLACK   16U /* for those that are cut off and not yet gone */
#define TIMEOUT_S      10U
#define REQUEST_MEMORY 16384U /* of a connection: request line, headers, and the headers of the answer */
#define BACKLOG        64

/* However many ask, the state is written out so often: it holds the recorder's lock. */
#define LIVE_NS INT64_C(250000000)

#define POLICY_END "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
#define POLICY_PAGE                                                                                          \
	"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'" POLICY_END
/* The report's page and drawings have their style inside. Its script only sorts: it stays out. */
#define POLICY_REPORT "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'" POLICY_END
#define POLICY_NONE   "default-src 'none'" POLICY_END

#define CONTENT_TOO_LARGE 413U /* RFC 9110 section 15.5.14; it has changed names */
#define TEXT              "text/plain; charset=utf-8"

struct guest {
	bool here, cut;
	int fd;
	struct ip ip;
	uint64_t heard; /* when a whole request came last, or it began; counted, not timed */
};

/* A text of the live state, kept for a moment. */
struct live_text {
	struct MHD_Response *response;
	int64_t made_ns;
};

struct http {
	struct live_state *state;
	struct http_report report;
	int listener; /* or -1: libmicrohttpd's */
	struct MHD_Daemon *daemon;
	struct guest guest[GUESTS_MOST + GUESTS_SLACK];
	uint64_t heard;
	struct live_text json, metrics;
	char url[HTTP_URL_TEXT];
};

/* --- answers --- */

static bool header(struct MHD_Response *r, const char *name, const char *value)
{
	return MHD_add_response_header(r, name, value) == MHD_YES;
}

/* What every answer says. */
static bool headers_put(struct MHD_Response *r, const char *type, const char *policy, const char *cache)
{
	return header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type) &&
	       header(r, "Content-Security-Policy", policy) &&
	       header(r, "X-Content-Type-Options", "nosniff") &&
	       header(r, "Referrer-Policy", "no-referrer") &&
	       header(r, "Cross-Origin-Resource-Policy", "same-origin") &&
	       header(r, MHD_HTTP_HEADER_CACHE_CONTROL, cache);
}

/* Takes the response over. MHD_NO, which ends the connection, when there is none. */
static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, struct MHD_Response *r,
			      bool complete)
{
	enum MHD_Result result = r && complete ? MHD_queue_response(c, status, r) : MHD_NO;

	if (r)
		MHD_destroy_response(r);
	return result;
}

static struct MHD_Response *text_of(const char *body, size_t size)
{
	/* Never written to; the parameter is of a time before const. */
	return MHD_create_response_from_buffer(size, (void *)(uintptr_t)body, MHD_RESPMEM_PERSISTENT);
}

/* body: static. */
static enum MHD_Result say(struct MHD_Connection *c, unsigned status, const char *body)
{
	struct MHD_Response *r = text_of(body, strlen(body));
	bool complete = r && headers_put(r, TEXT, POLICY_NONE, "no-store");

	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		complete = complete && header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED || status == CONTENT_TOO_LARGE)
		complete = complete && header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	return answer(c, status, r, complete);
}

static bool is_known(struct MHD_Connection *c, const char *etag)
{
	const char *known = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);

	return known && strstr(known, etag);
}

/* A thing with a version: asked for again each time, sent again when it is another. Takes the response over.
 */
static enum MHD_Result answer_version(struct MHD_Connection *c, struct MHD_Response *r, const char *etag,
				      const char *type, const char *policy)
{
	bool known = is_known(c, etag);

	if (known) {
		if (r)
			MHD_destroy_response(r);
		r = text_of("", 0);
	}
	return answer(c, known ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, r,
		      r && headers_put(r, type, policy, "no-cache") && header(r, MHD_HTTP_HEADER_ETAG, etag));
}

static enum MHD_Result answer_live(struct http *h, struct MHD_Connection *c, struct live_text *kept,
				   char *(*make)(struct live_state *), const char *type)
{
	int64_t ns = steady_time();

	if (!kept->response || ns - kept->made_ns >= LIVE_NS) {
		char *text = make(h->state);
		struct MHD_Response *r =
			text ? MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE)
			     : NULL;
		if (!r) {
			free(text);
			return say(c, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory\n");
		}
		if (!headers_put(r, type, POLICY_NONE, "no-store")) {
			MHD_destroy_response(r);
			return MHD_NO;
		}
		if (kept->response)
			MHD_destroy_response(kept->response); /* answers that are being sent hold it */
		*kept = (struct live_text){ r, ns };
	}
	return MHD_queue_response(c, MHD_HTTP_OK, kept->response);
}

/* Whether there is a report, and which: the page asks for its figures only then. */
static enum MHD_Result answer_report_state(struct http *h, struct MHD_Connection *c)
{
	char body[HTTP_ETAG_TEXT + 32] = "{\"version\":null}\n", etag[HTTP_ETAG_TEXT];
	struct stat status;
	int file = http_report_file(&h->report, "index.html", &status);

	if (file >= 0) {
		close(file);
		http_report_etag(&status, etag);
		snprintf(body, sizeof body, "{\"version\":%s}\n", etag);
	}
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_MUST_COPY);
	return answer(c, MHD_HTTP_OK, r, r && headers_put(r, "application/json", POLICY_NONE, "no-store"));
}

static enum MHD_Result answer_report(struct http *h, struct MHD_Connection *c, const char *name)
{
	struct stat status;
	char etag[HTTP_ETAG_TEXT];

	if (!*name)
		name = "index.html";
	int file = http_report_file(&h->report, name, &status);
	if (file < 0)
		return say(c, MHD_HTTP_NOT_FOUND,
			   h->report.parent < 0 ? "No report is drawn: see --report-every.\n"
						: "There is no such file in the report, or no report yet.\n");
	struct MHD_Response *r = MHD_create_response_from_fd64((uint64_t)status.st_size, file);
	if (!r)
		close(file);
	http_report_etag(&status, etag);
	return answer_version(c, r, etag, http_report_type(name), POLICY_REPORT);
}

static enum MHD_Result answer_moved(struct MHD_Connection *c, const char *to)
{
	struct MHD_Response *r = text_of("", 0);

	return answer(c, MHD_HTTP_PERMANENT_REDIRECT, r,
		      r && headers_put(r, TEXT, POLICY_NONE, "no-store") &&
			      header(r, MHD_HTTP_HEADER_LOCATION, to));
}

static enum MHD_Result answer_path(struct http *h, struct MHD_Connection *c, const char *path)
{
	static const char report[] = "/report/";
	const struct http_static *part = http_static_find(path);

	if (part) {
		char etag[HTTP_ETAG_TEXT];
		http_static_etag(part, etag);
		return answer_version(c, text_of(part->body, part->size), etag, part->type, POLICY_PAGE);
	}
	if (strcmp(path, "/state.json") == 0)
		return answer_live(h, c, &h->json, live_state_json, "application/json");
	if (strcmp(path, "/metrics") == 0) /* the text format's own type and version */
		return answer_live(h, c, &h->metrics, live_state_metrics,
				   "text/plain; version=0.0.4; charset=utf-8");
	if (strcmp(path, "/report.json") == 0)
		return answer_report_state(h, c);
	if (strcmp(path, "/report") == 0)
		return answer_moved(c, report);
	if (strncmp(path, report, sizeof report - 1) == 0)
		return answer_report(h, c, path + sizeof report - 1);
	return say(c, MHD_HTTP_NOT_FOUND, "There is no such page.\n");
}

static const char *asked(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

/* Called when the headers are there, and again when the request is whole: that one is answered. */
static enum MHD_Result request(void *self, struct MHD_Connection *c, const char *path, const char *method,
			       const char *version, const char *body, size_t *body_size, void **seen)
{
	struct http *h = self;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	const char *host = asked(c, MHD_HTTP_HEADER_HOST), *length = asked(c, MHD_HTTP_HEADER_CONTENT_LENGTH);

	(void)version;
	(void)body;
	(void)body_size;
	if (info && info->socket_context)
		((struct guest *)info->socket_context)->heard = ++h->heard;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return say(c, MHD_HTTP_METHOD_NOT_ALLOWED, "Here one can only look: GET and HEAD.\n");
	if ((length && strcmp(length, "0") != 0) || asked(c, MHD_HTTP_HEADER_TRANSFER_ENCODING))
		return say(c, CONTENT_TOO_LARGE, "Nothing is taken here.\n");
	if (!*seen) {
		*seen = h;
		return MHD_YES;
	}
	if (!host || !http_host_is_ours(host))
		return say(c, MHD_HTTP_MISDIRECTED_REQUEST,
			   "Ask by address or as localhost: other names are not answered, as anybody could "
			   "give us one.\n");
	return answer_path(h, c, path);
}

/* --- guests: all of this is called in libmicrohttpd's one thread --- */

static void make_room(struct http *h, const struct ip *ip)
{
	struct guest *quiet = NULL, *quiet_of_one = NULL;
	unsigned all = 0, of_one = 0;

	for (size_t i = 0; i < sizeof h->guest / sizeof *h->guest; i++) {
		struct guest *g = &h->guest[i];
		if (!g->here || g->cut)
			continue;
		all++;
		if (!quiet || g->heard < quiet->heard)
			quiet = g;
		if (!ip_equal(&g->ip, ip))
			continue;
		of_one++;
		if (!quiet_of_one || g->heard < quiet_of_one->heard)
			quiet_of_one = g;
	}
	struct guest *out = of_one >= GUESTS_OF_ONE ? quiet_of_one : all >= GUESTS_MOST ? quiet : NULL;
	if (out) {
		out->cut = true;
		shutdown(out->fd, SHUT_RDWR); /* seen by libmicrohttpd as an end, at its next look */
	}
}

static void guest_changed(void *self, struct MHD_Connection *c, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct http *h = self;
	const union MHD_ConnectionInfo *fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD),
				       *address =
					       MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*context)
			((struct guest *)*context)->here = false;
		*context = NULL;
		return;
	}
	if (!fd || !address)
		return;
	struct ip ip = http_address_ip(address->client_addr);
	make_room(h, &ip);
	for (size_t i = 0; i < sizeof h->guest / sizeof *h->guest; i++)
		if (!h->guest[i].here) {
			h->guest[i] = (struct guest){ true, false, fd->connect_fd, ip, ++h->heard };
			*context = &h->guest[i];
			return;
		}
}

/* Paths stay as they were sent: none of ours has a '%', and so nobody can write a "/" or a NUL that is not
 * one. */
static size_t unescape_nothing(void *self, struct MHD_Connection *c, char *text)
{
	(void)self;
	(void)c;
	return strlen(text);
}

/* --- start and end --- */

bool http_available(void)
{
	return true;
}

static bool listener_open(struct http *h, const char *text, struct http_address *address, struct error *err)
{
	int on = 1;

	if (!http_address_parse(text, address, err))
		return false;
	h->listener = socket(address->socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* A program that was killed must be able to start again at once. Failing that, bind() says so. */
	if (h->listener >= 0)
		setsockopt(h->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (h->listener < 0 || bind(h->listener, (struct sockaddr *)&address->socket, address->length) != 0 ||
	    listen(h->listener, BACKLOG) != 0 ||
	    getsockname(h->listener, (struct sockaddr *)&address->socket, &address->length) != 0)
		return error_set(err, EXIT_OUTPUT, "--http %.100s: %s", text, strerror(errno));
	http_address_url(address, h->url);
	return true;
}

struct http *http_start(const struct http_options *options, struct error *err)
{
	struct http *h = calloc(1, sizeof *h);
	struct http_address address;

	if (!h) {
		error_memory(err, "the web page");
		return NULL;
	}
	h->state = options->state;
	h->listener = h->report.parent = -1;
	if (!listener_open(h, options->address, &address, err) ||
	    (options->report && !http_report_open(&h->report, options->report, err))) {
		http_stop(h);
		return NULL;
	}
	if (options->say && !http_address_is_loopback(&address)) {
		char line[HTTP_URL_TEXT + 160];
		snprintf(
			line, sizeof line,
			"--http: %s can be read by everybody who reaches it: nothing is encrypted and nobody "
			"is asked for a password",
			h->url);
		options->say(options->say_self, line);
	}
	return h;
}

bool http_serve(struct http *h, struct error *err)
{
	sigset_t all, before;

	/* Signals are for the main thread, and the new one takes its mask from this. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	h->daemon =
		MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, request, h,
				 MHD_OPTION_LISTEN_SOCKET, h->listener, MHD_OPTION_CONNECTION_LIMIT,
				 (unsigned)(GUESTS_MOST + GUESTS_SLACK), MHD_OPTION_CONNECTION_TIMEOUT,
				 TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_MEMORY,
				 MHD_OPTION_NOTIFY_CONNECTION, guest_changed, h, MHD_OPTION_UNESCAPE_CALLBACK,
				 unescape_nothing, h, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!h->daemon)
		return error_set(err, EXIT_INTERNAL, "--http: libmicrohttpd does not start: %s",
				 strerror(errno));
	h->listener = -1;
	return true;
}

const char *http_url(const struct http *h)
{
	return h->url;
}

void http_stop(struct http *h)
{
	if (!h)
		return;
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	if (h->listener >= 0)
		close(h->listener);
	if (h->json.response)
		MHD_destroy_response(h->json.response);
	if (h->metrics.response)
		MHD_destroy_response(h->metrics.response);
	http_report_close(&h->report);
	free(h);
}

#else

bool http_available(void)
{
	return false;
}

struct http *http_start(const struct http_options *options, struct error *err)
{
	(void)options;
	error_set(err, EXIT_USAGE,
		  "--http: this footsteps was built without libmicrohttpd; install it (libmicrohttpd-dev), "
		  "configure and build again");
	return NULL;
}

bool http_serve(struct http *h, struct error *err)
{
	(void)h;
	return error_set(err, EXIT_INTERNAL, "--http: there is no page to serve");
}

const char *http_url(const struct http *h)
{
	(void)h;
	return "";
}

void http_stop(struct http *h)
{
	(void)h;
}
#endif
