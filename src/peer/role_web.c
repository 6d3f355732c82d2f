/* The version server (wire B4), and a name server that knows it (RFC 1035). */
#include "base/clock.h"
#include "peer/talk.h"
#include <strings.h>

#define VERSION_NAME "ui.skype.com" /* wire B4 */

struct web {
	struct role role;
	struct talks talks;
};

static bool on_accepted(void *self, struct link *link, uint16_t local_port, struct endpoint from)
{
	struct web *w = self;

	(void)local_port;
	(void)from;
	return talks_add(&w->talks, link);
}

static void on_message(void *self, struct link *link, const uint8_t *bytes, size_t size)
{
	struct web *w = self;

	(void)bytes;
	(void)size;
	/* 11.8 and 14 ms beyond the time of the SYN and its answer: SkypeIRC.pcap fr 401-408, 2026-2033 */
	talk_say(&w->talks, link->data, 12 * NS_PER_MS, SAY_VERSION_REPLY, 0);
}

static void on_closed(void *self, struct link *link, enum link_end end)
{
	struct web *w = self;

	(void)end;
	talks_remove(&w->talks, link->data);
}

static const struct host_handlers web_handlers = {
	.accepted = on_accepted,
	.message = on_message,
	.closed = on_closed,
};

static bool web_begin(struct role *role, struct error *err)
{
	struct web *w = (struct web *)role;

	w->talks = (struct talks){ role, PURPOSE_VERSION_CHECK, NULL, 0 };
	role->host = net_attach(role->net, role->party, &web_handlers, w, err);
	return role->host != NULL;
}

static void web_free(struct role *role)
{
	talks_free(&((struct web *)role)->talks);
}

/* --- names ---------------------------------------------------------------------------------------------- */

/* The address of the scenario's version server; 0: the name has none. */
static uint32_t address_of(const struct scenario *s, const char *name)
{
	for (size_t i = 0; i < s->parties && strcasecmp(name, VERSION_NAME) == 0; i++)
		if (s->party[i].kind == PARTY_VERSION_SERVER)
			return s->party[i].public_ip;
	return 0;
}

static void on_question(void *self, uint16_t local_port, struct endpoint from, const uint8_t *bytes,
			size_t size)
{
	struct role *role = self;
	uint8_t answer[MESSAGE_MAX];
	char name[DNS_NAME_MAX];
	size_t answered = 0;

	if (dns_name(bytes, size, name) > 0)
		answered = dns_answer(bytes, size, address_of(role->scenario, name), answer);
	if (answered > 0)
		net_send(role->host, local_port, from, answer, answered, PURPOSE_OTHER);
}

static const struct host_handlers name_handlers = { .datagram = on_question };

static bool name_begin(struct role *role, struct error *err)
{
	role->host = net_attach(role->net, role->party, &name_handlers, role, err);
	return role->host != NULL;
}

extern const struct role_kind role_version_server, role_name_server;
const struct role_kind role_version_server = { .size = sizeof(struct web),
					       .begin = web_begin,
					       .free = web_free };
const struct role_kind role_name_server = { .size = sizeof(struct role), .begin = name_begin };
