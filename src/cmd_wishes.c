/* --activity of footsteps read; see cmd_wishes.h. */
#include "cmd_wishes.h"
#include "views/show_topics.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WISH_TEXT 80 /* "[" IPv6 "]:65535", and room to quote what is too long */

static bool wish_add(struct activity_wishes *w, const char *text, bool *counted, struct error *err)
{
	char ip[IP_TEXT];
	int64_t port;

	if (*text && strspn(text, "0123456789") == strlen(text)) {
		unsigned long count = strtoul(text, NULL, 10);
		*counted = true;
		w->count = (uint32_t)count;
		return count <= ACTIVITY_CLIENTS_MAX ||
		       error_set(err, EXIT_USAGE, "--activity %s: it must be between 0 and %u", text,
				 ACTIVITY_CLIENTS_MAX);
	}
	if (!socket_parse(text, ip, &port, err))
		return false;
	if (w->used == ACTIVITY_CLIENTS_MAX)
		return error_set(err, EXIT_USAGE, "--activity: at most %u sockets can be named",
				 ACTIVITY_CLIENTS_MAX);
	w->item[w->used].socket.port = (uint16_t)port;
	return ip_parse(ip, &w->item[w->used++].socket.ip);
}

bool wishes_parse(struct activity_wishes *w, const struct option_list *texts, struct error *err)
{
	bool counted = false;

	for (size_t i = 0; i < texts->count; i++)
		for (const char *at = texts->items[i]; at;
		     at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
			char text[WISH_TEXT];
			size_t length = strcspn(at, ",");
			if (length >= sizeof text)
				return error_set(err, EXIT_USAGE, "--activity: '%.60s...' is no socket", at);
			snprintf(text, sizeof text, "%.*s", (int)length, at);
			if (!wish_add(w, text, &counted, err))
				return false;
		}
	if (!counted && w->used == 0)
		w->count = ACTIVITY_DEFAULT;
	return true;
}

void wishes_warn(const struct activity_wishes *w)
{
	for (uint32_t i = 0; i < w->used; i++) {
		char ip[IP_TEXT];
		if (w->item[i].met)
			continue;
		ip_format(&w->item[i].socket.ip, ip);
		fprintf(stderr,
			"footsteps: warning: --activity: port %u of %s is no recognised client, and has no "
			"plot\n",
			w->item[i].socket.port, ip);
	}
}
