/* Addresses of the web page: where it listens, who asks, and what they think they ask. */
#include "live/http_parts.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <strings.h>

#define PORT_MOST 65535U
#define HOST_MOST 128

/* "" and "8480" and nothing else: digits, no more than a port has. False: it is none. */
static bool port_parse(const char *text, unsigned *port)
{
	*port = 0;
	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		*port = *port * 10 + (unsigned)(*text - '0');
		if (*port > PORT_MOST)
			return false;
	}
	return true;
}

/*
 * Cuts "a:1", "[a]:1", "a" or "[a]" in two; port is "" when there is none. Without brackets a second ':'
 * means an IPv6 address without a port, which nobody could tell from one with: false.
 */
static bool split(char *text, char **host, char **port)
{
	char *colon;

	*host = text;
	if (*text == '[') {
		char *end = strchr(text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		*host = text + 1;
		*port = end[1] ? end + 2 : end + 1;
		*end = '\0';
		return true;
	}
	colon = strchr(text, ':');
	if (colon && strchr(colon + 1, ':'))
		return false;
	*port = colon ? colon + 1 : text + strlen(text);
	if (colon)
		*colon = '\0';
	return true;
}

bool http_address_parse(const char *text, struct http_address *out, struct error *err)
{
	char copy[HOST_MOST], *host, *port;
	bool bracket = text[0] == '[';
	unsigned number;

	*out = (struct http_address){ 0 };
	if (snprintf(copy, sizeof copy, "%s", text) < (int)sizeof copy && split(copy, &host, &port) &&
	    port_parse(port, &number)) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)&out->socket;
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->socket;
		if (!bracket && inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
			v4->sin_family = AF_INET;
			v4->sin_port = htons((uint16_t)number);
			out->length = sizeof *v4;
			return true;
		}
		if (bracket && inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
			v6->sin6_family = AF_INET6;
			v6->sin6_port = htons((uint16_t)number);
			out->length = sizeof *v6;
			return true;
		}
	}
	return error_set(err, EXIT_USAGE,
			 "--http: '%.100s' is no address with a port, such as 127.0.0.1:8480 or [::1]:8480",
			 text);
}

struct ip http_address_ip(const struct sockaddr *socket)
{
	struct ip ip = { { 0 } };

	if (socket->sa_family == AF_INET) {
		uint8_t bytes[4];
		memcpy(bytes, &((const struct sockaddr_in *)(const void *)socket)->sin_addr, sizeof bytes);
		return ip_from_v4(bytes);
	}
	if (socket->sa_family == AF_INET6)
		memcpy(ip.b, &((const struct sockaddr_in6 *)(const void *)socket)->sin6_addr, sizeof ip.b);
	return ip;
}

bool http_address_is_loopback(const struct http_address *a)
{
	struct ip ip = http_address_ip((const struct sockaddr *)&a->socket);
	static const struct ip one = { { [15] = 1 } };

	/* RFC 1122 section 3.2.1.3 (g): all of 127/8; RFC 4291 section 2.5.3: ::1. */
	return ip_is_v4(&ip) ? ip.b[12] == 127 : ip_equal(&ip, &one);
}

void http_address_url(const struct http_address *a, char out[HTTP_URL_TEXT])
{
	struct ip ip = http_address_ip((const struct sockaddr *)&a->socket);
	bool v6 = a->socket.ss_family == AF_INET6;
	uint16_t port = v6 ? ((const struct sockaddr_in6 *)&a->socket)->sin6_port
			   : ((const struct sockaddr_in *)&a->socket)->sin_port;
	char text[IP_TEXT];

	ip_format(&ip, text);
	snprintf(out, HTTP_URL_TEXT, v6 ? "http://[%s]:%u/" : "http://%s:%u/", text, ntohs(port));
}

bool http_host_is_ours(const char *text)
{
	char copy[HOST_MOST], *host, *port;
	bool bracket = text[0] == '[';
	unsigned char bytes[sizeof(struct in6_addr)];
	unsigned number;

	if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy || !split(copy, &host, &port))
		return false;
	if (*port && !port_parse(port, &number))
		return false;
	if (bracket)
		return inet_pton(AF_INET6, host, bytes) == 1;
	return strcasecmp(host, "localhost") == 0 || inet_pton(AF_INET, host, bytes) == 1;
}
