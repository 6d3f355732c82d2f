/*
 * What the streams of a live run had counted when a file began (chunks of seq 0, remake.h): counts go on over
 * a rotation, and each file is to know its own share.
 */
#include "store/live_parts.h"
#include <stdlib.h>

static void observed(void *self, const struct observation *o)
{
	(void)self;
	(void)o;
}

static void occurred(void *self, const struct occurrence *o)
{
	(void)self;
	(void)o;
}

static void metered(void *self, const struct media_report *r)
{
	(void)self;
	(void)r;
}

static void flow(void *self, const struct flow_record *r, const struct logged_message *log)
{
	(void)self;
	(void)r;
	(void)log;
}

static void named(void *self, const struct dns_answer *answer, int64_t ts_ns)
{
	(void)self;
	(void)answer;
	(void)ts_ns;
}

struct base {
	struct stage_counts counts;
	bool any;
	struct facts_chunk chunk;
};

static void counts(void *self, const struct facts_place *place, const struct stage_counts *told,
		   int64_t first_ns, int64_t last_ns)
{
	struct base *b = self;

	(void)place;
	(void)first_ns;
	(void)last_ns;
	b->counts = *told; /* the last ones count */
	b->any = true;
}

static void full(void *self, struct facts_chunk *chunk)
{
	struct base *b = self;

	facts_chunk_drop(&b->chunk);
	b->chunk = *chunk;
}

/* The last counts of a worker's stream: of its newest chunk that has any. */
static void find_counts(struct live_store *s, uint16_t worker, struct base *b, int64_t *stamp)
{
	const struct facts_listener listener = {
		.intake = { .observed = observed,
			    .occurred = occurred,
			    .metered = metered,
			    .flow = flow,
			    .named = named },
		.counts = counts,
		.self = b,
	};
	sqlite3_stmt *stmt;
	struct error err;

	if (sqlite3_prepare_v2(s->db,
			       "SELECT bytes, seq, last_ns FROM facts WHERE run = ?1 AND session = ?2 AND "
			       "worker = ?3 ORDER BY seq DESC",
			       -1, &stmt, NULL) != SQLITE_OK)
		return;
	sqlite3_bind_int64(stmt, 1, s->run);
	sqlite3_bind_int64(stmt, 2, s->session);
	sqlite3_bind_int64(stmt, 3, worker);
	while (!b->any && sqlite3_step(stmt) == SQLITE_ROW) {
		const struct span bytes = { sqlite3_column_blob(stmt, 0),
					    (size_t)sqlite3_column_bytes(stmt, 0) };
		const struct facts_place place = { .session = s->session,
						   .worker = worker,
						   .seq = (uint64_t)sqlite3_column_int64(stmt, 1) };
		struct intern *names = intern_new();

		*stamp = sqlite3_column_int64(stmt, 2);
		bool ok = names && facts_tell(bytes, &place, 0, names, &listener, &err);
		intern_free(names);
		if (!ok)
			break; /* without it, remake() takes the first counts of the new file for it */
	}
	sqlite3_finalize(stmt);
}

static void make_chunk(struct live_store *s, uint16_t worker, struct base *b, int64_t stamp)
{
	struct facts_writer *w = facts_writer_new(s->session, worker, full, b, NULL);

	if (!w)
		return;
	facts_writer_stamp(w, stamp);
	facts_writer_counts(w, &b->counts, 0, 0);
	facts_writer_flush(w);
	facts_writer_free(w);
	b->chunk.place.seq = 0;
}

static void base_of(struct live_store *s, uint16_t worker, struct waiting_chunk **list)
{
	struct base b = { .any = false };
	int64_t stamp = 0;

	find_counts(s, worker, &b, &stamp);
	if (b.any)
		make_chunk(s, worker, &b, stamp);
	struct waiting_chunk *w = b.chunk.bytes ? malloc(sizeof *w) : NULL;
	if (!w) {
		facts_chunk_drop(&b.chunk);
		return;
	}
	*w = (struct waiting_chunk){ .next = *list, .chunk = b.chunk };
	*list = w;
}

struct waiting_chunk *live_base_make(struct live_store *s)
{
	struct waiting_chunk *list = NULL;
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(s->db, "SELECT DISTINCT worker FROM facts WHERE run = ?1 AND session = ?2", -1,
			       &stmt, NULL) != SQLITE_OK)
		return NULL;
	sqlite3_bind_int64(stmt, 1, s->run);
	sqlite3_bind_int64(stmt, 2, s->session);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		base_of(s, (uint16_t)sqlite3_column_int(stmt, 0), &list);
	sqlite3_finalize(stmt);
	return list;
}
