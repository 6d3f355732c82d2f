/* User searches; see searches.h. */
#include "behave/searches.h"
#include "base/row_index.h"
#include "behave/sessions.h"
#include <stdlib.h>

/* The client asked its supernode, and got an answer. */
struct request {
	uint32_t client;
	uint32_t bytes_out, bytes_in;
	int64_t ns, answer_ns;
	uint64_t flow;
};
/* It asked a node. */
struct question {
	uint32_t client;
	uint32_t bytes_out, bytes_in;
	bool answered;
	int64_t ns, last_ns;
	uint64_t flow;
};

struct searches {
	struct request *request;
	struct question *question;
	struct search *search;
	uint32_t requests, request_room, questions, question_room, count, room;
	uint64_t refused;
};

struct searches *searches_new(struct error *err)
{
	struct searches *s = calloc(1, sizeof *s);

	if (!s)
		error_memory(err, "the searches");
	return s;
}

void searches_free(struct searches *s)
{
	if (!s)
		return;
	free(s->request);
	free(s->question);
	free(s->search);
	free(s);
}

/* A row more; *row is NULL where the bound is reached. */
static bool row_more(struct searches *s, void **rows, uint32_t *used, uint32_t *room, size_t size, void **row,
		     struct error *err)
{
	*row = NULL;
	if (*used >= SEARCH_EVENTS_MAX) {
		s->refused++;
		return true;
	}
	if (!rows_reserve(rows, *used, room, size))
		return error_memory(err, "the searches");
	*row = (char *)*rows + size * (*used)++;
	return true;
}

static bool add_request(struct searches *s, const struct request *request, struct error *err)
{
	void *rows = s->request, *row;
	bool ok = row_more(s, &rows, &s->requests, &s->request_room, sizeof *request, &row, err);

	s->request = rows;
	if (ok && row)
		*(struct request *)row = *request;
	return ok;
}

static bool add_question(struct searches *s, const struct question *question, struct error *err)
{
	void *rows = s->question, *row;
	bool ok = row_more(s, &rows, &s->questions, &s->question_room, sizeof *question, &row, err);

	s->question = rows;
	if (ok && row)
		*(struct question *)row = *question;
	return ok;
}

static bool survey_supernode(struct searches *s, const struct labelled_flow *f, uint16_t size,
			     struct error *err)
{
	struct episode_reader reader = episode_reader_on(f);
	struct episode_message m;
	struct request open = { 0 };

	while (episode_next(&reader, &m)) {
		if (m.out) {
			open = (struct request){ .client = m.bytes == size ? f->client : 0,
						 .bytes_out = (uint32_t)m.bytes,
						 .ns = m.ns,
						 .flow = f->r->first_packet };
		} else if (open.client) {
			open.bytes_in = (uint32_t)m.bytes;
			open.answer_ns = m.ns;
			if (!add_request(s, &open, err))
				return false;
			open.client = 0;
		}
	}
	return true;
}

static bool is_question(const struct protocol *p, uint64_t bytes)
{
	for (unsigned i = 0; i < SEARCH_QUESTIONS_MAX && p->search.question[i]; i++)
		if (bytes == p->search.question[i])
			return true;
	return false;
}

/* A node is asked once in a search: sent again, a question is the same one. */
static bool survey_node(struct searches *s, const struct labelled_flow *f, struct error *err)
{
	const struct protocol *p = protocols[f->protocol];
	struct episode_reader reader = episode_reader_on(f);
	struct episode_message m;
	struct question open = { 0 };

	while (episode_next(&reader, &m)) {
		bool late = m.ns > open.ns + SEARCH_LONGEST_NS;
		/* What comes after something else was said answers that: a notice and its ACK, for instance.
		 */
		bool other = m.out && open.answered && !is_question(p, m.bytes);
		if (open.client && (late || other)) {
			if (!add_question(s, &open, err))
				return false;
			open.client = 0;
		}
		if (m.out && !open.client && is_question(p, m.bytes)) {
			open = (struct question){
				.client = f->client, .ns = m.ns, .last_ns = m.ns, .flow = f->r->first_packet
			};
		} else if (!m.out && open.client) {
			open.answered = true;
			open.last_ns = m.ns;
		}
		if (open.client)
			*(m.out ? &open.bytes_out : &open.bytes_in) += (uint32_t)m.bytes;
	}
	return !open.client || add_question(s, &open, err);
}

bool searches_survey(struct searches *s, const struct labelled_flow *f, struct error *err)
{
	const struct protocol *p = protocols[f->protocol];

	if (!p->search.question[0] || f->media || f->r->sizes == 0)
		return true;
	if (f->r->l4 == IPPROTO_UDP)
		return survey_node(s, f, err);
	if (f->r->role == ROLE_supernode && f->client_is_initiator)
		return survey_supernode(s, f, p->search.request, err);
	return true;
}

static int by_answer(const void *x, const void *y)
{
	const struct request *a = x, *b = y;

	if (a->client != b->client)
		return a->client < b->client ? -1 : 1;
	if (a->answer_ns != b->answer_ns)
		return a->answer_ns < b->answer_ns ? -1 : 1;
	return (a->flow > b->flow) - (a->flow < b->flow);
}

static int by_question(const void *x, const void *y)
{
	const struct question *a = x, *b = y;

	if (a->client != b->client)
		return a->client < b->client ? -1 : 1;
	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	return (a->flow > b->flow) - (a->flow < b->flow);
}

static int by_first(const void *x, const void *y)
{
	const struct search *a = x, *b = y;

	if (a->first_ns != b->first_ns)
		return a->first_ns < b->first_ns ? -1 : 1;
	return (a->client > b->client) - (a->client < b->client);
}

/* The last request of the client that was answered within a second before this time; NULL: none. */
static const struct request *request_before(const struct searches *s, uint32_t client, int64_t ns)
{
	uint32_t low = 0, high = s->requests;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct request *at = &s->request[middle];
		if (at->client < client || (at->client == client && at->answer_ns <= ns))
			low = middle + 1;
		else
			high = middle;
	}
	const struct request *found = low > 0 ? &s->request[low - 1] : NULL;
	return found && found->client == client && ns - found->answer_ns <= SEARCH_AFTER_NS ? found : NULL;
}

/* question[from .. to - 1] follow each other: a search, if a request came before and several were asked at
 * once. */
static bool add_search(struct searches *s, const struct measured_client *client, uint32_t from, uint32_t to,
		       struct error *err)
{
	const struct question *q = &s->question[from];
	const struct request *request = request_before(s, q->client, q->ns);

	if (!request || to - from < SEARCH_NODES_MIN ||
	    q[SEARCH_NODES_MIN - 1].ns - request->answer_ns > SEARCH_AFTER_NS)
		return true;
	struct search found = { .client = q->client,
				.protocol = client[q->client - 1].protocol,
				.first_ns = request->ns,
				.supernode_flow = request->flow,
				.nodes = to - from,
				.bytes_out = request->bytes_out,
				.bytes_in = request->bytes_in };
	for (uint32_t i = from; i < to; i++) {
		q = &s->question[i];
		found.waves += i == from || q->ns - q[-1].ns > SEARCH_WAVE_NS;
		found.answered += q->answered;
		found.bytes_out += q->bytes_out;
		found.bytes_in += q->bytes_in;
		found.last_ns = q->last_ns > found.last_ns ? q->last_ns : found.last_ns;
	}
	void *rows = s->search;
	bool room = rows_reserve(&rows, s->count, &s->room, sizeof found);
	s->search = rows;
	if (!room)
		return error_memory(err, "the searches");
	s->search[s->count++] = found;
	return true;
}

bool searches_group(struct searches *s, const struct measured_client *client, struct error *err)
{
	if (s->requests)
		qsort(s->request, s->requests, sizeof *s->request, by_answer);
	if (s->questions)
		qsort(s->question, s->questions, sizeof *s->question, by_question);
	for (uint32_t from = 0, to; from < s->questions; from = to) {
		for (to = from + 1; to < s->questions; to++)
			if (s->question[to].client != s->question[from].client ||
			    s->question[to].ns - s->question[to - 1].ns > SEARCH_PAUSE_NS)
				break;
		if (!add_search(s, client, from, to, err))
			return false;
	}
	if (s->count)
		qsort(s->search, s->count, sizeof *s->search, by_first);
	for (uint32_t i = 0; i < s->count; i++)
		s->search[i].number = i + 1;
	return true;
}

uint32_t searches_count(const struct searches *s)
{
	return s->count;
}

const struct search *searches_at(const struct searches *s, uint32_t i)
{
	return &s->search[i];
}

uint64_t searches_refused(const struct searches *s)
{
	return s->refused;
}
