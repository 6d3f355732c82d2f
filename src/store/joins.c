/* Flows at the ends of inputs; see joins.h. */
#include "store/joins.h"
#include "base/hash.h"
#include "base/row_index.h"
#include <stdlib.h>

/* A flow that its input's end has ended, and that another input may go on with. */
struct open_end {
	struct flow_key key;
	int64_t last_ns;
};

struct joins {
	struct intake behind;
	struct join_span *span;
	size_t spans;
	int64_t idle_ns, end_ns; /* end: of all inputs */
	struct hash_key key;
	struct row_index index;
	struct open_end *open;
	uint32_t opens, room;
	uint64_t cut;
	bool failed;
};

struct joins *joins_new(const struct join_span *span, size_t spans, int64_t idle_ns, struct error *err)
{
	struct joins *j = calloc(1, sizeof *j);

	if (j)
		j->span = calloc(spans + 1, sizeof *span);
	if (!j || !j->span) {
		joins_free(j);
		error_memory(err, "the ends of inputs");
		return NULL;
	}
	memcpy(j->span, span, spans * sizeof *span);
	j->spans = spans;
	j->idle_ns = idle_ns;
	j->key = hash_key_random();
	j->end_ns = INT64_MIN;
	for (size_t i = 0; i < spans; i++)
		if (span[i].last_ns > j->end_ns)
			j->end_ns = span[i].last_ns;
	return j;
}

void joins_free(struct joins *j)
{
	if (!j)
		return;
	row_index_drop(&j->index);
	free(j->open);
	free(j->span);
	free(j);
}

static struct flow_key tuple_of(const struct flow_record *r)
{
	bool turn = memcmp(&r->initiator, &r->responder, sizeof r->initiator) > 0;

	return (struct flow_key){ .low = turn ? r->responder : r->initiator,
				  .high = turn ? r->initiator : r->responder,
				  .l4 = r->l4 };
}

/* Whether some input begins soon enough behind it, or lies over it. */
static bool may_go_on(const struct joins *j, const struct flow_record *r)
{
	unsigned near = 0;

	for (size_t i = 0; i < j->spans; i++)
		near += j->span[i].first_ns <= r->last_ns + j->idle_ns && j->span[i].last_ns >= r->last_ns;
	return near > 1; /* its own is one */
}

static bool remember(struct joins *j, const struct flow_key *key, int64_t last_ns)
{
	void *rows = j->open;
	bool room = rows_reserve(&rows, j->opens, &j->room, sizeof *j->open);

	j->open = rows;
	if (!room || !row_index_add(&j->index, hash_words(&j->key, key, sizeof *key), j->opens))
		return false;
	j->open[j->opens++] = (struct open_end){ *key, last_ns };
	return true;
}

/* Counts those that this flow goes on with; each once. */
static void find_cut(struct joins *j, const struct flow_key *key, const struct flow_record *r)
{
	uint64_t hash = hash_words(&j->key, key, sizeof *key);
	uint32_t at = 0, row;

	while ((row = row_index_probe(&j->index, hash, &at)) != ROW_NONE) {
		struct open_end *end = &j->open[row];
		if (memcmp(&end->key, key, sizeof *key) != 0 || r->first_ns < end->last_ns ||
		    r->first_ns - end->last_ns > j->idle_ns)
			continue;
		j->cut++;
		end->last_ns = INT64_MAX; /* found */
	}
}

static void flow_closed(void *self, const struct flow_record *r, const struct logged_message *log)
{
	struct joins *j = self;
	struct flow_record known = *r;
	const struct flow_key key = tuple_of(r);

	find_cut(j, &key, r);
	if (r->end_reason == FLOW_END_eof) {
		if (r->last_ns + j->idle_ns < j->end_ns)
			known.end_reason = FLOW_END_idle;
		if (may_go_on(j, r) && !remember(j, &key, r->last_ns))
			j->failed = true;
	}
	j->behind.flow(j->behind.self, &known, log);
}

static void observed(void *self, const struct observation *o)
{
	const struct intake *behind = &((const struct joins *)self)->behind;
	behind->observed(behind->self, o);
}

static void occurred(void *self, const struct occurrence *o)
{
	const struct intake *behind = &((const struct joins *)self)->behind;
	behind->occurred(behind->self, o);
}

static void metered(void *self, const struct media_report *r)
{
	const struct intake *behind = &((const struct joins *)self)->behind;
	behind->metered(behind->self, r);
}

static void named(void *self, const struct dns_answer *answer, int64_t ts_ns)
{
	const struct intake *behind = &((const struct joins *)self)->behind;
	behind->named(behind->self, answer, ts_ns);
}

struct intake joins_intake(struct joins *j, const struct intake *behind)
{
	j->behind = *behind;
	return (struct intake){ observed, occurred, metered, flow_closed, named, j };
}

uint64_t joins_cut(const struct joins *j)
{
	return j->cut;
}

bool joins_failed(const struct joins *j)
{
	return j->failed;
}
