/* Start-ups, exchanges, version checks, searches, calls and holds, as the roles say them; see fact.h. */
#include "peer/scenario.h"
#include "peer/truth_parts.h"
#include <string.h>

/* docs/definitions.md, Media: calls of a conference overlap by 5 s or more. */
#define CONFERENCE_NS INT64_C(5000000000)

/* --- start-ups, exchanges, version checks, searches --- */

static const char *outcome_word(const char *outcome)
{
	static const char *const words[] = { "success", "failure", "no-answer" };

	for (size_t i = 0; outcome && i < sizeof words / sizeof words[0]; i++)
		if (strcmp(outcome, words[i]) == 0)
			return words[i];
	return "unknown";
}

static void startup_began(struct truth *t, const struct party *party, uint32_t client, int64_t now_ns)
{
	if (party->online) /* since before the beginning: nobody sees it start */
		return;
	if (truth_grow(t, &t->startup, &t->startups, &t->startup_room, sizeof *t->startup))
		t->startup[t->startups - 1] =
			(struct startup_truth){ .client = client, .began_ns = now_ns, .outcome = "none" };
}

/* Of its exchanges with login servers the first that worked counts, else the last. */
static void startup_login(struct truth *t, uint32_t client, const char *outcome)
{
	for (uint32_t i = t->startups; i-- > 0;)
		if (t->startup[i].client == client) {
			if (strcmp(t->startup[i].outcome, "success") != 0)
				t->startup[i].outcome = outcome;
			return;
		}
}

static void exchange_write(struct truth *t, const struct fact *fact, uint32_t client,
			   const struct conversation *c)
{
	bool login = fact->link->purpose == PURPOSE_LOGIN;
	const char *outcome = outcome_word(fact->outcome);

	row_begin(t->file, TRUTH_exchanges);
	row_int(t->file, (int64_t)c->first_packet);
	row_text(t->file, TRUTH_PROTOCOL);
	row_text(t->file, login ? "login" : "contact-list");
	row_text(t->file, fact->form);
	row_text(t->file, fact->hidden);
	row_text(t->file, outcome);
	row_socket(t->file, c->near_first ? c->near : c->far);
	row_socket(t->file, c->near_first ? c->far : c->near);
	row_int(t->file, c->first_ns);
	row_int(t->file, client);
	row_end(t->file);
	if (login)
		startup_login(t, client, outcome);
}

static void version_check_write(struct truth *t, const struct fact *fact, uint32_t client,
				const struct conversation *c)
{
	row_begin(t->file, TRUTH_version_checks);
	row_int(t->file, (int64_t)c->first_packet);
	row_text(t->file, TRUTH_PROTOCOL);
	row_text(t->file, fact->action);
	row_text(t->file, truth_client_of(t, client)->version);
	row_text(t->file, fact->platform);
	row_int(t->file, client);
	row_end(t->file);
}

static void search_write(struct truth *t, const struct fact *fact, uint32_t client)
{
	row_begin(t->file, TRUTH_searches);
	row_int(t->file, ++t->searches);
	row_int(t->file, client);
	row_int(t->file, fact->first_ns);
	row_int(t->file, fact->last_ns);
	row_int(t->file, fact->asked);
	row_int(t->file, fact->answered);
	row_int(t->file, fact->waves);
	row_end(t->file);
}

/* --- calls and holds --- */

static uint32_t call_begin(struct truth *t, const struct call_truth *call, const char *codec)
{
	if (!truth_grow(t, &t->call, &t->calls, &t->call_room, sizeof *t->call))
		return 0;
	t->call[t->calls - 1] = *call;
	t->call[t->calls - 1].open = true;
	t->call[t->calls - 1].codec = truth_copy(t, codec);
	t->calls_changed++;
	return t->calls;
}

uint32_t truth_add_call(struct truth *t, uint32_t client, struct endpoint near, struct endpoint far,
			bool near_began, bool over_tcp, bool relayed, const char *codec)
{
	const struct call_truth call = { .client = client,
					 .near = near,
					 .far = far,
					 .near_began = near_began,
					 .over_tcp = over_tcp,
					 .relayed = relayed };

	return call_begin(t, &call, codec);
}

/* The newest call of the client with that other end, also if it is over; NULL: there was none. */
static struct call_truth *call_with(struct truth *t, uint32_t client, struct endpoint far)
{
	for (uint32_t i = t->calls; i-- > 0;)
		if (t->call[i].client == client && endpoint_equal(t->call[i].far, far))
			return &t->call[i];
	return NULL;
}

/* Over TCP the near port is any. */
static uint32_t call_of_media(const struct truth *t, const struct conversation *c)
{
	bool tcp = c->proto == TRUTH_TCP;

	for (uint32_t i = t->calls; i-- > 0;) {
		const struct call_truth *call = &t->call[i];
		if (call->open && call->over_tcp == tcp && endpoint_equal(call->far, c->far) &&
		    call->near.ip == c->near.ip && (tcp || call->near.port == c->near.port))
			return i + 1;
	}
	return 0;
}

void truth_media(struct truth *t, struct conversation *c, int64_t ns, bool from_near, size_t payload)
{
	unsigned way = from_near ? 0 : 1;

	if (c->calls_seen != t->calls_changed) {
		c->call = call_of_media(t, c);
		c->calls_seen = t->calls_changed;
	}
	if (!c->call)
		return;
	struct call_truth *call = &t->call[c->call - 1];
	if (call->packets[0] + call->packets[1] == 0) {
		call->first_ns = ns;
		call->near.port = c->near.port;
	}
	call->last_ns = ns;
	call->packets[way]++;
	call->payload[way] += payload;
}

static void call_end(struct truth *t, uint32_t client, struct endpoint far)
{
	struct call_truth *call = call_with(t, client, far);

	if (!call)
		return;
	call->open = false;
	t->calls_changed++;
}

static void hold_add(struct truth *t, const struct fact *fact, uint32_t client)
{
	struct call_truth *call = call_with(t, client, fact->far);

	if (!call || !truth_grow(t, &t->hold, &t->holds, &t->hold_room, sizeof *t->hold))
		return;
	t->hold[t->holds - 1] = (struct hold_truth){ .call = (uint32_t)(call - t->call) + 1,
						     .n = ++call->holds,
						     .first_ns = fact->first_ns,
						     .last_ns = fact->last_ns };
}

static bool of_conference(const struct call_truth *a, const struct call_truth *b)
{
	int64_t from = a->first_ns > b->first_ns ? a->first_ns : b->first_ns;
	int64_t to = a->last_ns < b->last_ns ? a->last_ns : b->last_ns;

	return a->client == b->client && a->far.ip != b->far.ip && to - from >= CONFERENCE_NS;
}

static bool has_media(const struct call_truth *call)
{
	return call->packets[0] + call->packets[1] > 0;
}

static void conference_rename(struct truth *t, uint32_t from, uint32_t to)
{
	for (uint32_t i = 0; i < t->calls; i++)
		if (t->call[i].conference == from)
			t->call[i].conference = to;
}

static void conferences_find(struct truth *t)
{
	uint32_t conferences = 0;

	for (uint32_t i = 1; i < t->calls; i++)
		for (uint32_t j = 0; j < i; j++) {
			struct call_truth *a = &t->call[j], *b = &t->call[i];
			if (!has_media(a) || !has_media(b) || !of_conference(a, b))
				continue;
			if (!a->conference)
				a->conference = ++conferences;
			if (b->conference && b->conference != a->conference)
				conference_rename(t, b->conference, a->conference);
			b->conference = a->conference;
		}
}

/* --- all --- */

void truth_fact(struct truth *t, const struct fact *fact, uint32_t client, struct conversation *c,
		int64_t now_ns)
{
	const struct client_truth *self = truth_client_of(t, client);

	if (!self) /* servers, relays: nothing is asked about them */
		return;
	if ((fact->kind == FACT_EXCHANGE || fact->kind == FACT_VERSION_CHECK) && (!c || !c->first_packet)) {
		truth_fail(t, EXIT_INTERNAL, "a defect of footsteps-peer: an exchange without a packet");
		return;
	}
	switch (fact->kind) {
	case FACT_UP:
		startup_began(t, fact->party, client, now_ns);
		break;
	case FACT_DOWN:
		break;
	case FACT_EXCHANGE:
		exchange_write(t, fact, client, c);
		break;
	case FACT_VERSION_CHECK:
		version_check_write(t, fact, client, c);
		break;
	case FACT_SEARCH:
		search_write(t, fact, client);
		break;
	case FACT_CALL:
		(void)truth_add_call(t, client, self->address, fact->far, fact->began, fact->over_tcp,
				     fact->relayed, fact->codec);
		break;
	case FACT_CALL_END:
		call_end(t, client, fact->far);
		break;
	case FACT_HOLD:
		hold_add(t, fact, client);
		break;
	}
}

static void call_write(struct truth *t, uint32_t number, const struct call_truth *call)
{
	struct truth_file *f = t->file;

	row_begin(f, TRUTH_calls);
	row_int(f, number);
	row_text(f, TRUTH_PROTOCOL);
	row_socket(f, call->near);
	row_socket(f, call->far);
	row_int(f, call->near_began);
	row_text(f, call->over_tcp ? "tcp" : "udp");
	row_text(f, call->relayed ? "relayed" : "direct");
	row_text(f, call->codec);
	row_int(f, call->first_ns);
	row_int(f, call->last_ns);
	for (unsigned way = 0; way < 2; way++)
		row_int(f, (int64_t)call->packets[way]);
	for (unsigned way = 0; way < 2; way++)
		row_int(f, (int64_t)call->payload[way]);
	row_number(f, call->conference);
	row_int(f, call->client);
	row_end(f);
}

void truth_write_facts(struct truth *t)
{
	conferences_find(t);
	for (uint32_t i = 0; i < t->startups; i++) {
		row_begin(t->file, TRUTH_startups);
		row_int(t->file, i + 1);
		row_int(t->file, t->startup[i].client);
		row_int(t->file, t->startup[i].began_ns);
		row_text(t->file, t->startup[i].outcome);
		row_end(t->file);
	}
	for (uint32_t i = 0; i < t->calls; i++)
		if (has_media(&t->call[i])) /* the others nobody can see */
			call_write(t, i + 1, &t->call[i]);
	for (uint32_t i = 0; i < t->holds; i++) {
		const struct hold_truth *h = &t->hold[i];
		if (!has_media(&t->call[h->call - 1]))
			continue;
		row_begin(t->file, TRUTH_holds);
		row_int(t->file, h->call);
		row_int(t->file, h->n);
		row_int(t->file, h->first_ns);
		row_int(t->file, h->last_ns);
		row_end(t->file);
	}
}
