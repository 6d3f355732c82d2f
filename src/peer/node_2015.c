#include "peer/node_2015.h"
#include "base/clock.h"
#include "base/reader.h"
#include "peer/message_2015.h"
#include "peer/message.h"
#include "peer/script_2015.h"
#include <stdlib.h>

struct node_2015_link {
	struct node_2015_link *next;
	struct role *role;
	struct link *link; /* NULL: closed; free to be used again once no timer is left */
	struct actor actor;
	bool stalls;
	unsigned timers;
	int64_t keepalive_ns; /* form 3; 0: none */
};

/* The first bytes of form 2 and of a server's hello; of the rest there is no need. */
#define TLS_BEGINS   0x80460103U
#define HELLO_BEGINS 0x16030100U

static struct node_2015_link *find(struct node_2015 *node, const struct link *link)
{
	for (struct node_2015_link *l = node->links; l; l = l->next)
		if (l->link == link)
			return l;
	return NULL;
}

static struct node_2015_link *add(struct node_2015 *node, struct role *role, struct link *link,
				  const struct line *script)
{
	struct node_2015_link *l = node->links;

	while (l && (l->link || l->timers > 0))
		l = l->next;
	if (!l) {
		l = net_alloc(role->net, 1, sizeof *l);
		if (!l)
			return NULL;
		l->next = node->links;
		node->links = l;
	}
	*l = (struct node_2015_link){
		.next = l->next, .role = role, .link = link, .actor = { script, 0, false }
	};
	return l;
}

/* What the first message opens; NULL: nothing of 2015. */
static const struct line *opening(const struct role *role, const uint8_t *bytes, size_t size)
{
	struct reader r = reader_on((struct span){ bytes, size });
	uint32_t begins = rd_be32(&r);
	unsigned form = node_hello_form(bytes, size);

	if (form == 1)
		return script_form_1;
	if (form == 3)
		return scripts_form_3[0];       /* the client's second message tells which */
	if (begins == TLS_BEGINS && size == 72) /* wire C3 */
		return script_form_2;
	if (begins != HELLO_BEGINS || size != 5)
		return NULL;
	switch (role->party->kind) {
	case PARTY_LOGIN_SERVER:
		return script_login;
	case PARTY_LIST_SERVER:
		return script_list;
	default:
		return NULL;
	}
}

static bool is_server_script(const struct line *script)
{
	return script == script_login || script == script_list;
}

static bool accepts(const struct party *p)
{
	return p->kind == PARTY_SUPERNODE && p->answers == ANSWERS_ACCEPTS;
}

static void go_on(struct node_2015_link *l);

static void speak(void *self, uint64_t at)
{
	struct node_2015_link *l = self;
	uint8_t bytes[LINE_MAX];

	l->timers--;
	const struct line *line = l->link && at == l->actor.at ? actor_turn(&l->actor) : NULL;
	if (!line)
		return;
	size_t size = line_write(line, &l->role->rng, bytes);
	l->actor.at++;
	link_send(l->link, bytes, size, l->link->purpose);
	go_on(l);
}

/* Wire C3: in form 3, after 24.8 to 30 s of silence the node says 15 bytes, which the client answers by 4. */
static void keep_alive(void *self, uint64_t what)
{
	struct node_2015_link *l = self;
	uint8_t bytes[15];

	(void)what;
	l->timers--;
	if (!l->link)
		return;
	rng_fill(&l->role->rng, bytes, sizeof bytes);
	link_send(l->link, bytes, sizeof bytes, l->link->purpose);
	l->timers++;
	net_after(l->role->net, l->keepalive_ns, keep_alive, l, 0);
}

static bool is_form_3(const struct actor *a)
{
	return a->script[0].form == LINE_OLD_HELLO;
}

static void finish(struct node_2015_link *l)
{
	if (l->actor.script == script_login) { /* wire C4: closed by the server behind its last record */
		struct link *link = l->link;

		l->link = NULL;
		link_close(link);
	} else if (is_form_3(&l->actor) && l->keepalive_ns == 0) {
		l->keepalive_ns = 24800 * NS_PER_MS + rng_below(&l->role->rng, 5200) * NS_PER_MS;
		l->timers++;
		net_after(l->role->net, l->keepalive_ns, keep_alive, l, 0);
	}
}

static void go_on(struct node_2015_link *l)
{
	const struct line *line = actor_turn(&l->actor);

	if (actor_done(&l->actor)) {
		finish(l);
	} else if (line && !(l->stalls && l->actor.at > 1)) {
		l->timers++;
		net_after(l->role->net, line_wait_ns(line, &l->role->rng), speak, l, l->actor.at);
	}
}

bool node_2015_message(struct node_2015 *node, struct role *role, struct link *link, const uint8_t *bytes,
		       size_t size)
{
	struct node_2015_link *l = find(node, link);

	if (!l) {
		const struct line *script = opening(role, bytes, size);
		l = script ? add(node, role, link, script) : NULL;
		if (!l)
			return false;
		l->stalls = !accepts(role->party) && (script == script_form_1 || script == script_form_2);
		l->actor.at = 1;
		if (is_server_script(script)) {
			l->actor.at = 2; /* the caller says the answer */
			return false;
		}
		go_on(l);
		return true;
	}
	if (is_server_script(l->actor.script) && l->actor.at == 2 && !(size == 5 && bytes[0] == 0x16)) {
		l->link = NULL; /* a block at once: it is a client of 2006 */
		return false;
	}
	if (is_form_3(&l->actor) && l->actor.at == 2) {
		const struct line *script = script_form_3_of(size);
		l->actor.script = script ? script : l->actor.script;
	}
	if (actor_hears(&l->actor))
		go_on(l);
	return true;
}

void node_2015_closed(struct node_2015 *node, const struct link *link)
{
	struct node_2015_link *l = find(node, link);

	if (l)
		l->link = NULL;
}

void node_2015_free(struct node_2015 *node)
{
	while (node->links) {
		struct node_2015_link *l = node->links;

		node->links = l->next;
		free(l);
	}
}
