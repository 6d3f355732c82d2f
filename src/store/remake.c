/* From facts in databases to tables; see remake.h. */
#include "store/remake.h"
#include "base/intern.h"
#include "store/facts.h"
#include "store/facts_counts.h"
#include "store/open.h"
#include "store/sqlite_insert.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A stream as it lies in databases: of a series, a part in each file. */
struct stored_part {
	const struct remake_source *source;
	uint32_t session;    /* as the database has it */
	int64_t first, last; /* seq; without that of 0. None: INT64_MAX */
};
struct stored_stream {
	struct facts_place place; /* seq: of its first chunk, then of the present one */
	struct stored_part *part;
	size_t parts, at;
	sqlite3_stmt *chunks; /* of the part at `at`; NULL: not asked for yet */
	uint64_t last;        /* seq that was told last; 0: none */
	struct remaking *of;
};

struct remaking {
	const struct remake_source *source;
	size_t sources;
	const struct remake_options *options;
	struct stored_stream *stored;
	struct facts_stream *stream;
	size_t streams;
	struct intern *names;
	struct aggregate *aggregate;
	struct facts_counts *counts;
	struct sink *sink;
	bool gaps;
};

static const char *name_of(sqlite3 *db)
{
	const char *name = sqlite3_db_filename(db, "main");

	return name ? name : "the database";
}

static bool unreadable(const struct remake_options *options, sqlite3 *db, struct error *err)
{
	if (!options->from_files)
		return sqlite_failure(db, name_of(db), err);
	return error_set(err, sqlite3_errcode(db) == SQLITE_NOMEM ? EXIT_INTERNAL : EXIT_INPUT,
			 "cannot read the facts in %s: %s", name_of(db), sqlite3_errmsg(db));
}

static bool open_part(struct stored_stream *s, struct error *err)
{
	const struct stored_part *p = &s->part[s->at];
	sqlite3 *db = p->source->db;

	if (sqlite3_prepare_v2(
		    db,
		    "SELECT seq, bytes FROM facts WHERE run = ?1 AND session = ?2 AND worker = ?3 AND "
		    "(?4 = 0 OR id <= ?4) ORDER BY seq",
		    -1, &s->chunks, NULL) != SQLITE_OK)
		return unreadable(s->of->options, db, err);
	sqlite3_bind_int64(s->chunks, 1, p->source->run);
	sqlite3_bind_int64(s->chunks, 2, p->session);
	sqlite3_bind_int64(s->chunks, 3, s->place.worker);
	sqlite3_bind_int64(s->chunks, 4, p->source->up_to);
	if (s->last && (uint64_t)p->first != s->last + 1) {
		s->of->gaps = true;
		facts_counts_gap(s->of->counts, &s->place, true);
	}
	return true;
}

static void note_seq(struct stored_stream *s, uint64_t seq)
{
	s->place.seq = seq;
	if (seq == 0)
		return;
	/* Between two files it is seen when the second one is opened. */
	if (s->last && seq != s->last + 1 && (int64_t)seq != s->part[s->at].first) {
		s->of->gaps = true;
		facts_counts_gap(s->of->counts, &s->place, false);
	}
	s->last = seq;
}

static bool next_chunk(void *self, struct span *bytes, struct facts_place *place, bool *failed,
		       struct error *err)
{
	struct stored_stream *s = self;

	for (; s->at < s->parts; s->at++) {
		sqlite3 *db = s->part[s->at].source->db;

		*failed = !s->chunks && !open_part(s, err);
		if (*failed)
			return false;
		int code = sqlite3_step(s->chunks);
		if (code == SQLITE_ROW) {
			note_seq(s, (uint64_t)sqlite3_column_int64(s->chunks, 0));
			*place = s->place;
			place->file = name_of(db);
			bytes->ptr = sqlite3_column_blob(s->chunks, 1);
			bytes->len = (size_t)sqlite3_column_bytes(s->chunks, 1);
			return true;
		}
		if (code != SQLITE_DONE) {
			*failed = true;
			return unreadable(s->of->options, db, err);
		}
		sqlite3_finalize(s->chunks);
		s->chunks = NULL;
	}
	return false;
}

static struct stored_stream *stream_of(struct remaking *m, const struct facts_place *place, struct error *err)
{
	/* Those of the last start are asked for. */
	for (size_t i = m->streams; i-- > 0;)
		if (m->stored[i].place.session == place->session &&
		    m->stored[i].place.worker == place->worker)
			return &m->stored[i];
	struct stored_stream *more = realloc(m->stored, (m->streams + 1) * sizeof *more);
	if (!more) {
		error_memory(err, "the streams of facts");
		return NULL;
	}
	m->stored = more;
	more[m->streams] = (struct stored_stream){ .place = *place, .of = m };
	return &more[m->streams++];
}

static bool add_part(struct remaking *m, const struct facts_place *place, const struct stored_part *part,
		     struct error *err)
{
	struct stored_stream *s = stream_of(m, place, err);
	struct stored_part *more = s ? realloc(s->part, (s->parts + 1) * sizeof *more) : NULL;

	if (!more)
		return error_memory(err, "the streams of facts");
	s->part = more;
	more[s->parts++] = *part;
	return true;
}

/* Sessions of different live runs get numbers of their own: from `base` on. *greatest: of those that there
 * are. */
static bool find_streams(struct remaking *m, const struct remake_source *source, uint32_t base,
			 uint32_t *greatest, struct error *err)
{
	sqlite3_stmt *stmt;
	bool ok = true;

	if (sqlite3_prepare_v2(source->db,
			       "SELECT session, worker, min(nullif(seq, 0)), max(nullif(seq, 0)) FROM facts "
			       "WHERE run = ?1 AND (?2 = 0 OR id <= ?2) GROUP BY session, worker "
			       "ORDER BY session, worker",
			       -1, &stmt, NULL) != SQLITE_OK)
		return unreadable(m->options, source->db, err);
	sqlite3_bind_int64(stmt, 1, source->run);
	sqlite3_bind_int64(stmt, 2, source->up_to);
	while (ok && sqlite3_step(stmt) == SQLITE_ROW) {
		const bool any = sqlite3_column_type(stmt, 2) != SQLITE_NULL;
		const struct stored_part part = { .source = source,
						  .session = (uint32_t)sqlite3_column_int64(stmt, 0),
						  .first = any ? sqlite3_column_int64(stmt, 2) : INT64_MAX,
						  .last = any ? sqlite3_column_int64(stmt, 3) : INT64_MAX };
		const struct facts_place place = { .session = base + part.session,
						   .worker = (uint16_t)sqlite3_column_int64(stmt, 1) };
		*greatest = place.session > *greatest ? place.session : *greatest;
		ok = add_part(m, &place, &part, err);
	}
	if (sqlite3_finalize(stmt) != SQLITE_OK && ok)
		ok = unreadable(m->options, source->db, err);
	return ok;
}

static int by_first_seq(const void *a, const void *b)
{
	const struct stored_part *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* Ties of time are told in this order, that of a run in one file. */
static int by_place(const void *a, const void *b)
{
	const struct facts_place *x = &((const struct stored_stream *)a)->place;
	const struct facts_place *y = &((const struct stored_stream *)b)->place;

	if (x->session != y->session)
		return x->session < y->session ? -1 : 1;
	return (x->worker > y->worker) - (x->worker < y->worker);
}

/* Its parts in order; the place of its first chunk. */
static bool settle_stream(struct stored_stream *s, struct error *err)
{
	qsort(s->part, s->parts, sizeof *s->part, by_first_seq);
	/* A file in which it only had a chunk of seq 0 tells nothing that the others do not. */
	while (s->parts > 1 && s->part[s->parts - 1].first == INT64_MAX)
		s->parts--;
	for (size_t i = 1; i < s->parts; i++)
		if (s->part[i].first <= s->part[i - 1].last)
			return error_set(err, EXIT_USAGE, "%s and %s hold the same run",
					 name_of(s->part[i - 1].source->db), name_of(s->part[i].source->db));
	/* Whether a chunk of seq 0 comes before, the first seq tells just as well. */
	s->place.seq = s->part[0].first == INT64_MAX ? 0 : (uint64_t)s->part[0].first;
	return true;
}

static bool prepare(struct remaking *m, struct error *err)
{
	uint32_t base = 0, greatest = 0;

	for (size_t i = 0; i < m->sources; i++) {
		if (i > 0 && m->source[i].series != m->source[i - 1].series)
			base = greatest;
		if (!find_streams(m, &m->source[i], base, &greatest, err))
			return false;
	}
	m->stream = calloc(m->streams + 1, sizeof *m->stream);
	m->names = intern_new();
	m->counts = facts_counts_new(err);
	m->aggregate = m->counts ? aggregate_new(m->options->aggregate, err) : NULL;
	if (!m->aggregate)
		return false;
	if (!m->stream || !m->names)
		return error_memory(err, "the streams of facts");
	if (m->streams)
		qsort(m->stored, m->streams, sizeof *m->stored, by_place);
	for (size_t i = 0; i < m->streams; i++) {
		struct stored_stream *s = &m->stored[i];
		m->stream[i] = (struct facts_stream){ next_chunk, s, s->part->source->number_offset };
		if (!settle_stream(s, err) || !facts_counts_begin(m->counts, &s->place, err))
			return false;
	}
	return true;
}

/* Nothing is read from the databases after that. */
static void close_streams(struct remaking *m)
{
	for (size_t i = 0; i < m->streams; i++) {
		sqlite3_finalize(m->stored[i].chunks);
		free(m->stored[i].part);
	}
	free(m->stored);
	free(m->stream);
	m->stored = NULL;
	m->stream = NULL;
	m->streams = 0;
}

static bool tell(struct remaking *m, struct error *err)
{
	const struct remake_options *o = m->options;
	struct intake intake = aggregate_intake(m->aggregate);

	if (o->before)
		intake = o->before(o->self, &intake);
	const struct facts_listener listener = { intake, facts_counts_note, m->counts };
	return facts_tell_all(m->stream, m->streams, m->names, &listener, err) &&
	       !aggregate_failed(m->aggregate, err);
}

/* The manifest as a source; all of it is there. */
static const struct input_info *input_at(const void *self, size_t i)
{
	const struct remake_options *o = self;

	return i < o->inputs ? &o->input[i] : NULL;
}

static void settled(void *self)
{
	(void)self;
}

static const struct source_ops manifest_ops = { .input = input_at, .settle = settled };

static struct sink *open_sink(void *self, struct error *err)
{
	struct remaking *m = self;

	m->sink = m->options->open_sink(m->options->self, err);
	return m->sink;
}

static bool conclude(struct remaking *m, struct run_row *run, struct problems *problems,
		     struct aggregate_summary *summary, struct error *err)
{
	union { /* source_input() and source_settle() do not write */
		const struct remake_options *given;
		void *self;
	} manifest = { m->options };
	struct source inputs = { &manifest_ops, manifest.self };
	struct run_facts facts = { .inputs = &inputs, .open_sink = open_sink, .self = m };
	bool whole;

	if (!facts_counts_sum(m->counts, &facts.counts, &whole, err))
		return false;
	facts.partial = !whole || !m->options->final;
	facts.read = facts.counts.frames + facts.counts.filtered;
	/* What the manifest says of drops is in the inputs. */
	facts.counts.dropped = 0;
	run->packets = facts.read;
	account_problems(&facts.counts, problems);
	return aggregate_finish(m->aggregate, NULL, run, &facts, problems, summary, err);
}

static bool last_chunk(const struct remake_source *source, const struct remake_options *options, int64_t *id,
		       struct error *err)
{
	char sql[96];

	if (source->up_to) {
		*id = source->up_to;
		return true;
	}
	snprintf(sql, sizeof sql, "SELECT coalesce(max(id), 0) FROM facts WHERE run = %" PRId64, source->run);
	return database_integer(source->db, sql, id) == SQLITE_OK || unreadable(options, source->db, err);
}

/* What contradicts was told by these, or one of them. */
static void blame_files(const struct remake_source *source, size_t sources, struct error *err)
{
	char whose[300];

	snprintf(whose, sizeof whose, "the facts in %.200s%s", name_of(source->db),
		 sources > 1 ? " and the others (merge each alone to see which)" : "");
	error_blame(err, whose);
}

bool remake(const struct remake_source *source, size_t sources, const struct remake_options *options,
	    struct run_row *run, struct problems *problems, struct remake_result *result, struct error *err)
{
	struct remaking m = { .options = options, .sources = sources };
	struct remake_source *bounded = calloc(sources + 1, sizeof *bounded);
	bool ok = bounded || error_memory(err, "the sources of facts");

	*result = (struct remake_result){ 0 };
	/* What is appended meanwhile waits for the next time. */
	for (size_t i = 0; ok && i < sources; i++) {
		bounded[i] = source[i];
		ok = last_chunk(&source[i], options, &bounded[i].up_to, err);
	}
	m.source = bounded;
	ok = ok && prepare(&m, err) && tell(&m, err);
	close_streams(&m);
	result->gaps = m.gaps;
	ok = ok && conclude(&m, run, problems, &result->summary, err);
	if (m.sink && !ok)
		m.sink->ops->abandon(m.sink);
	else if (ok)
		ok = m.sink->ops->finish(m.sink, err);
	if (!ok && options->from_files && sources)
		blame_files(source, sources, err);
	facts_counts_free(m.counts);
	aggregate_free(m.aggregate);
	intern_free(m.names);
	free(bounded);
	return ok;
}
