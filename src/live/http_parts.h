/* What the files of http.h share. */
#ifndef FS_LIVE_HTTP_PARTS_H
#define FS_LIVE_HTTP_PARTS_H
#include "base/error.h"
#include "base/ip.h"
#include <sys/socket.h>
#include <sys/stat.h>

#define HTTP_URL_TEXT (IP_TEXT + sizeof "http://[]:65535/")

/* Where to listen: an address as a literal, and a port. */
struct http_address {
	struct sockaddr_storage socket;
	socklen_t length;
};
/* EXIT_USAGE in words. */
bool http_address_parse(const char *text, struct http_address *out, struct error *err);
bool http_address_is_loopback(const struct http_address *a);
void http_address_url(const struct http_address *a, char out[HTTP_URL_TEXT]);
/* Of a peer. */
struct ip http_address_ip(const struct sockaddr *socket);
/*
 * Whether a request with this Host (RFC 9110 section 7.2) is meant for us. An address or "localhost" is; a
 * name is not, as whoever owns it can point it at us, and then his page in the user's browser reads ours
 * (DNS rebinding).
 */
bool http_host_is_ours(const char *host);

/* A part of the page, built in. */
struct http_static {
	const char *path, *type, *body;
	size_t size;
};
const struct http_static *http_static_find(const char *path);
/* Not for secrets: it tells one version of a text from another. With its quotes. */
#define HTTP_ETAG_TEXT 64
void http_static_etag(const struct http_static *s, char out[HTTP_ETAG_TEXT]);

/* The directory of the report. It is replaced as a whole (views/staging.h), so it is looked for each time,
 * in the directory that holds it. */
struct http_report {
	int parent; /* or -1 */
	char name[256];
};
bool http_report_open(struct http_report *r, const char *directory, struct error *err);
/* A file of it, by the name in a URL, open for reading; -1: none that may be shown. */
int http_report_file(const struct http_report *r, const char *name, struct stat *status);
void http_report_etag(const struct stat *status, char out[HTTP_ETAG_TEXT]);
/* NULL: not of a kind that a report has. */
const char *http_report_type(const char *name);
void http_report_close(struct http_report *r);
#endif
