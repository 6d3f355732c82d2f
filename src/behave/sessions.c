/* When a client was up; see sessions.h. */
#include "behave/sessions.h"
#include "base/row_index.h"
#include <stdlib.h>
#include <string.h>

struct episode_reader episode_reader_on(const struct labelled_flow *f)
{
	return (struct episode_reader){ f, flow_record_messages(f->r, f->log), 0 };
}

bool episode_next(struct episode_reader *r, struct episode_message *m)
{
	struct message logged;

	if (message_next(&r->log, &logged)) {
		*m = (struct episode_message){ logged.ns, logged.size, labelled_is_out(r->f, logged.dir) };
		return true;
	}
	while (r->f->r->sizes == 0 && r->without < 2) {
		enum direction dir = (enum direction)r->without++;
		const struct flow_side *side = &r->f->r->side[dir];
		if (side->messages == 0)
			continue;
		*m = (struct episode_message){ side->first_ns, side->payload_wire,
					       labelled_is_out(r->f, dir) };
		return true;
	}
	return false;
}

struct session session_from(int64_t from, int64_t to)
{
	struct session s = { .from = from,
			     .to = to,
			     .opened = SESSION_NEVER,
			     .taken_in = SESSION_NEVER,
			     .login = SESSION_NEVER };

	for (unsigned i = 0; i < SESSION_ASKED; i++)
		s.asked[i] = SESSION_NEVER;
	return s;
}

void session_list_drop(struct session_list *l)
{
	free(l->session);
	*l = (struct session_list){ 0 };
}

static void note_asked(struct session *s, int64_t ns)
{
	for (unsigned i = 0; i < SESSION_ASKED; i++)
		if (ns < s->asked[i]) {
			int64_t later = s->asked[i];
			s->asked[i] = ns;
			ns = later;
		}
}

static void merge(struct session *into, const struct session *s)
{
	into->from = s->from < into->from ? s->from : into->from;
	into->to = s->to > into->to ? s->to : into->to;
	into->opened = s->opened < into->opened ? s->opened : into->opened;
	into->taken_in = s->taken_in < into->taken_in ? s->taken_in : into->taken_in;
	into->login = s->login < into->login ? s->login : into->login;
	for (unsigned i = 0; i < SESSION_ASKED; i++)
		note_asked(into, s->asked[i]);
}

/* The first session that ends no more than a silence before this time, or later. */
static uint32_t first_reaching(const struct session_list *l, int64_t ns)
{
	uint32_t low = 0, high = l->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (l->session[middle].to < ns - SESSION_SILENCE_NS)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool session_list_add(struct session_list *l, const struct session *s, struct sessions_kept *kept,
		      struct error *err)
{
	uint32_t at = first_reaching(l, s->from), after = at;

	while (after < l->count && l->session[after].from <= s->to + SESSION_SILENCE_NS)
		after++;
	if (after > at) {
		merge(&l->session[at], s);
		for (uint32_t i = at + 1; i < after; i++)
			merge(&l->session[at], &l->session[i]);
		memmove(l->session + at + 1, l->session + after, (l->count - after) * sizeof *s);
		l->count -= after - at - 1;
		kept->sessions -= after - at - 1;
		return true;
	}
	if (kept->sessions >= SESSIONS_MAX) {
		kept->refused++;
		return true;
	}
	void *rows = l->session;
	bool room = rows_reserve(&rows, l->count, &l->room, sizeof *s);
	l->session = rows;
	if (!room)
		return error_memory(err, "the sessions of a client");
	memmove(l->session + at + 1, l->session + at, (l->count - at) * sizeof *s);
	l->session[at] = *s;
	l->count++;
	kept->sessions++;
	return true;
}

/* Datagrams may be far apart in one flow. */
static bool add_datagrams(struct session_list *l, const struct labelled_flow *f, struct sessions_kept *kept,
			  struct error *err)
{
	const struct flow_side *out = labelled_out(f);
	struct session part = session_from(out->first_ns, out->first_ns);
	struct episode_reader reader = episode_reader_on(f);
	struct episode_message m;
	uint16_t question = protocols[f->protocol]->supernode.question;
	bool first = true;

	while (episode_next(&reader, &m)) {
		if (!m.out)
			continue;
		/* The log has lost the last digits of the times; that of the first packet is known. */
		int64_t ns = first ? out->first_ns : m.ns;
		if (ns > part.to + SESSION_SILENCE_NS) {
			if (!session_list_add(l, &part, kept, err))
				return false;
			part = session_from(ns, ns);
		}
		if (first && question && m.bytes == question)
			note_asked(&part, ns);
		part.to = ns > part.to ? ns : part.to;
		first = false;
	}
	/* Where the log is full or missing, nobody knows of pauses. */
	if (f->r->sizes == 0 || f->r->sizes == MESSAGE_LOG_MAX)
		part.to = out->last_ns > part.to ? out->last_ns : part.to;
	return session_list_add(l, &part, kept, err);
}

bool supernode_works(const struct labelled_flow *f)
{
	return f->r->l4 == IPPROTO_TCP && f->r->role == ROLE_supernode && f->client_is_initiator &&
	       labelled_out(f)->messages >= SUPERNODE_SENT && labelled_in(f)->messages >= SUPERNODE_RECEIVED;
}

static int64_t first_sent(const struct labelled_flow *f)
{
	struct episode_reader reader = episode_reader_on(f);
	struct episode_message m;

	while (episode_next(&reader, &m))
		if (m.out)
			return m.ns;
	return SESSION_NEVER;
}

bool session_list_flow(struct session_list *l, const struct labelled_flow *f, struct sessions_kept *kept,
		       struct error *err)
{
	const struct flow_side *out = labelled_out(f);

	if (out->packets == 0)
		return true;
	if (f->r->l4 == IPPROTO_UDP)
		return add_datagrams(l, f, kept, err);
	struct session part = session_from(out->first_ns, out->last_ns);
	if (f->r->role == ROLE_supernode && f->client_is_initiator)
		part.opened = f->r->first_ns;
	if (supernode_works(f))
		part.taken_in = first_sent(f);
	return session_list_add(l, &part, kept, err);
}

struct session *session_at(const struct session_list *l, int64_t ns)
{
	uint32_t low = 0, high = l->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (l->session[middle].to < ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low < l->count && l->session[low].from <= ns ? &l->session[low] : NULL;
}
