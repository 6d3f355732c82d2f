/*
 * The web page (libmicrohttpd): read-only, off unless --http is given. GET and HEAD of "/", "/state.json",
 * "/metrics", "/report/..." (the files of the last report, made by porter.h), "/report.json" (its version, or
 * null when there is none yet) and the page's own style, script and icon; no external resource, and a
 * Content-Security-Policy that says so. Everything else is 404 or 405. Connections, requests and their time
 * are bounded.
 */
#ifndef FS_LIVE_HTTP_H
#define FS_LIVE_HTTP_H
#include "live/state.h"

struct http_options {
	const char *address; /* "127.0.0.1:8480", "[::1]:8480"; port 0: any that is free */
	struct live_state *state;
	const char *report;                        /* directory that the report is drawn into; NULL: none */
	void (*say)(void *self, const char *line); /* what the user should know at the start; or NULL */
	void *say_self;
};
struct http;
bool http_available(void);
/* Opens the listener; nobody is answered yet. Before the sandbox, which has no sockets for anybody. */
struct http *http_start(const struct http_options *options, struct error *err);
/* Answers, in a thread of its own: inside the sandbox, which holds for threads that come later. */
bool http_serve(struct http *h, struct error *err);
/* "http://127.0.0.1:8480/" */
const char *http_url(const struct http *h);
void http_stop(struct http *h);
#endif
