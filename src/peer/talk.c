/* What is said on accepted connections. */
#include "peer/talk.h"
#include "base/clock.h"
#include <stdlib.h>

#define SAID_MAX 4096U

struct talk *talks_add(struct talks *t, struct link *link)
{
	struct talk *talk = net_alloc(link->host->net, 1, sizeof *talk);

	if (!talk)
		return NULL;
	talk->serial = ++t->serial;
	talk->link = link;
	talk->next = t->first;
	t->first = talk;
	link->data = talk;
	return talk;
}

void talks_remove(struct talks *t, struct talk *talk)
{
	for (struct talk **at = &t->first; *at; at = &(*at)->next)
		if (*at == talk) {
			*at = talk->next;
			free(talk);
			return;
		}
}

void talks_free(struct talks *t)
{
	while (t->first)
		talks_remove(t, t->first);
}

static void on_closing(void *self, uint64_t serial)
{
	struct talks *t = self;

	for (struct talk *talk = t->first; talk; talk = talk->next)
		if (talk->serial == serial) {
			struct link *link = talk->link;

			talks_remove(t, talk);
			link_close(link);
			return;
		}
}

static size_t saying_write(struct rng *rng, enum saying saying, unsigned size, uint8_t out[SAID_MAX])
{
	switch (saying) {
	case SAY_LOGIN_HELLO:
		return login_hello_answer(out);
	case SAY_RECORD:
		return login_record(rng, size, out);
	case SAY_VERSION_REPLY:
		return version_reply(out);
	case SAY_RANDOM:
		break;
	}
	rng_fill(rng, out, size);
	return size;
}

/* what: serial number, saying and size, as talk_say() packs them. */
static void on_due(void *self, uint64_t what)
{
	struct talks *t = self;
	uint8_t bytes[SAID_MAX];
	enum saying saying = what >> 16 & 0xff;
	unsigned size = what & 0xffff;
	struct talk *talk = t->first;

	while (talk && talk->serial != what >> 24)
		talk = talk->next;
	if (!talk)
		return;
	size = size < SAID_MAX - 5 ? size : SAID_MAX - 5;
	link_send(talk->link, bytes, saying_write(&t->role->rng, saying, size, bytes), t->purpose);
	if (saying == SAY_VERSION_REPLY) /* SkypeIRC.pcap: 0.5 ms later (fr 410, 2035) */
		net_after(t->role->net, NS_PER_MS / 2, on_closing, t, talk->serial);
}

void talk_say(struct talks *t, const struct talk *talk, int64_t delay_ns, enum saying saying, unsigned size)
{
	net_after(t->role->net, delay_ns, on_due, t, talk->serial << 24 | (uint64_t)saying << 16 | size);
}
