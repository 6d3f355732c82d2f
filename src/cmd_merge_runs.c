/* The runs that `footsteps merge` puts together; see cmd_merge.h. */
#include "cmd_merge.h"
#include "store/facts.h"
#include "store/open.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Those that facts depend on, but for idle, which has a column of its own. private-net: the pseudonyms of
 * these networks, which --anonymize notes, tell keys apart whatever their files are called. */
#define PSEUDONYMS "private-net"
static const char *const fact_keys[] = { "tunnels",      "head",         "no-ndpi",
					 "ndpi-packets", "voice-models", "max-flows",
					 PSEUDONYMS,     "filter",       NULL };
const char *const merge_table_keys[] = { "flows",        "local-net",    "activity",    "geo",       "asn",
					 "verdict-bits", "suspect-bits", "max-sockets", "max-pairs", NULL };

static bool unreadable(const struct merge_run *r, struct error *err)
{
	return error_set(err, EXIT_INPUT, "cannot read %s: %s", r->path, sqlite3_errmsg(r->db));
}

static char *copy_text(sqlite3_stmt *row, int column)
{
	const char *text = (const char *)sqlite3_column_text(row, column);

	return strdup(text ? text : "");
}

/* The first row of what is asked about one run. */
static bool one_row(const struct merge_run *r, const char *sql, sqlite3_stmt **row, struct error *err)
{
	if (sqlite3_prepare_v2(r->db, sql, -1, row, NULL) != SQLITE_OK ||
	    sqlite3_bind_int64(*row, 1, r->run) != SQLITE_OK || sqlite3_step(*row) != SQLITE_ROW) {
		sqlite3_finalize(*row);
		*row = NULL;
		return unreadable(r, err);
	}
	return true;
}

static bool look_at_facts(struct merge_run *r, struct error *err)
{
	sqlite3_stmt *row;

	if (!one_row(r,
		     "SELECT (SELECT count(*) FROM facts WHERE run = ?1), "
		     "(SELECT origin FROM sessions WHERE run = ?1 ORDER BY session LIMIT 1), "
		     "(SELECT max(numbers) FROM sessions WHERE run = ?1), session, worker, seq, "
		     "(SELECT min(first_ns) FROM facts WHERE run = ?1 AND seq > 0) "
		     "FROM (SELECT 1) LEFT JOIN (SELECT session, worker, seq FROM facts WHERE run = ?1 "
		     "AND seq > 0 ORDER BY session, worker, seq LIMIT 1)",
		     &row, err))
		return false;
	int64_t chunks = sqlite3_column_int64(row, 0);
	r->origin = sqlite3_column_int64(row, 1);
	r->numbers = (uint64_t)sqlite3_column_int64(row, 2);
	r->session = sqlite3_column_int64(row, 3);
	r->worker = sqlite3_column_int64(row, 4);
	r->seq = sqlite3_column_int64(row, 5);
	r->chunk_ns = sqlite3_column_int64(row, 6);
	sqlite3_finalize(row);
	return chunks > 0 || error_set(err, EXIT_INPUT,
				       "%s: run %" PRId64 " has not kept its facts, and cannot be merged\n"
				       "read its captures again with: footsteps read --facts -o %s ...",
				       r->path, r->run, r->path);
}

static bool look_at_run(struct merge_run *r, bool has_tables, struct error *err)
{
	sqlite3_stmt *row;

	if (!has_tables)
		return error_set(err, EXIT_INPUT,
				 "%s: run %" PRId64
				 " has no tables yet; a footsteps live that runs makes them "
				 "every few seconds, and one that was killed when it is started again",
				 r->path, r->run);
	if (!one_row(r, "SELECT options, idle_ns, first_ns, last_ns FROM runs WHERE run = ?1", &row, err))
		return false;
	r->options = copy_text(row, 0);
	r->idle_ns = sqlite3_column_int64(row, 1);
	r->first_ns = sqlite3_column_int64(row, 2);
	r->last_ns = sqlite3_column_int64(row, 3);
	sqlite3_finalize(row);
	if (!r->options)
		return error_memory(err, "the runs");
	/* Times are compared and taken from each other, and those of packets lie within this. */
	const int64_t time[] = { r->idle_ns, r->first_ns, r->last_ns };
	for (size_t i = 0; i < sizeof time / sizeof time[0]; i++)
		if (time[i] < -FRAME_TIME_MAX || time[i] > FRAME_TIME_MAX)
			return error_set(err, EXIT_INPUT, "%s: run %" PRId64 " is of an impossible time",
					 r->path, r->run);
	return look_at_facts(r, err);
}

static struct merge_run *add_run(struct merge_runs *m, const struct merge_run *r, struct error *err)
{
	struct merge_run *more = realloc(m->run, (m->count + 1) * sizeof *more);

	if (!more) {
		error_memory(err, "the runs");
		return NULL;
	}
	m->run = more;
	more[m->count] = *r;
	return &more[m->count++];
}

static bool open_file(struct merge_runs *m, const char *path, struct error *err)
{
	struct merge_run r = { .path = path, .db = store_open_read(path, err), .owns_db = true };
	sqlite3_stmt *row = NULL;
	bool ok = r.db;

	if (!ok)
		return false;
	/* A live run may write it meanwhile: everything is of one moment. Also runs of `live` that have only
	 * just begun, and must not be left out unsaid. */
	if (sqlite3_exec(r.db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(r.db,
			       "SELECT run, max(tables) FROM (SELECT run, 1 AS tables FROM runs UNION ALL "
			       "SELECT run, 0 FROM sessions) GROUP BY run ORDER BY run",
			       -1, &row, NULL) != SQLITE_OK)
		ok = unreadable(&r, err);
	while (ok && sqlite3_step(row) == SQLITE_ROW) {
		r.run = sqlite3_column_int64(row, 0);
		struct merge_run *added = add_run(m, &r, err);
		r.owns_db = r.owns_db && !added;
		ok = added && look_at_run(added, sqlite3_column_int(row, 1), err);
	}
	if (sqlite3_finalize(row) != SQLITE_OK && ok)
		ok = unreadable(&r, err);
	if (ok && r.owns_db)
		ok = error_set(err, EXIT_INPUT, "%s has no run", path);
	if (r.owns_db)
		sqlite3_close(r.db);
	return ok;
}

/* Files of one origin in the order in which they were written: the last one may have no frame of its own, but
 * only what became of flows, and its time says nothing. */
static int in_order(const void *a, const void *b)
{
	const struct merge_run *x = a, *y = b;
	/* Of one origin, starts of the program are in order whatever the clock did. */
	const int64_t of[][2] = { { x->origin_first_ns, y->origin_first_ns },
				  { x->origin, y->origin },
				  { x->session, y->session },
				  { x->chunk_ns, y->chunk_ns },
				  { x->worker, y->worker },
				  { x->seq, y->seq } };

	for (size_t i = 0; i < sizeof of / sizeof of[0]; i++)
		if (of[i][0] != of[i][1])
			return of[i][0] < of[i][1] ? -1 : 1;
	return 0;
}

/* In order of time, and where each one's numbers begin. */
static bool put_in_order(struct merge_runs *m, struct error *err)
{
	uint64_t offset = 0, greatest = 0;

	for (size_t i = 0; i < m->count; i++) {
		struct merge_run *r = &m->run[i];
		r->origin_first_ns = r->first_ns;
		for (size_t k = 0; k < m->count; k++)
			if (m->run[k].origin == r->origin && m->run[k].first_ns &&
			    (!r->origin_first_ns || m->run[k].first_ns < r->origin_first_ns))
				r->origin_first_ns = m->run[k].first_ns;
	}
	if (m->count)
		qsort(m->run, m->count, sizeof *m->run, in_order);
	for (size_t i = 0; i < m->count; i++) {
		struct merge_run *r = &m->run[i], *before = r - 1;
		bool same = i > 0 && before->origin == r->origin;
		if (same && r->seq > 0 && before->session == r->session && before->worker == r->worker &&
		    before->seq == r->seq)
			return error_set(err, EXIT_USAGE, "%s and %s hold the same run", before->path,
					 r->path);
		if (!same) {
			offset += greatest;
			greatest = 0;
		}
		r->number_offset = offset;
		r->series = i == 0 ? 0 : before->series + !same;
		greatest = r->numbers > greatest ? r->numbers : greatest;
	}
	return true;
}

/* What row_put_input() made text of. */
static int linktype_of(const char *name)
{
	char *end;
	long number = strtol(name, &end, 10);

	for (int i = LINKTYPE_SEVERAL; i <= UINT16_MAX; i++) {
		const char *known = linktype_name(i);
		if (known && strcmp(known, name) == 0)
			return i;
	}
	/* One without a name is its number, and none is "". */
	return *name && !*end && number >= 0 && number <= UINT16_MAX ? (int)number : -1;
}

/* An interface that an earlier file of the same live run has, too: one input, as of one file. */
static bool add_to_input(struct merge_runs *m, size_t from, const struct input_info *in)
{
	for (size_t i = from; i < m->inputs; i++) {
		struct input_info *known = &m->input[i];

		if (strcmp(known->path, in->path) != 0 || strcmp(known->format, in->format) != 0)
			continue;
		known->bytes += in->bytes;
		known->frames += in->frames;
		known->frames_filtered += in->frames_filtered;
		known->dropped += in->dropped;
		if (known->first_ns == 0 || (in->first_ns && in->first_ns < known->first_ns))
			known->first_ns = in->first_ns;
		if (in->last_ns > known->last_ns)
			known->last_ns = in->last_ns;
		known->end = in->end;
		memcpy(known->problem, in->problem, sizeof known->problem);
		return true;
	}
	return false;
}

static void drop_texts(struct input_info *in)
{
	free((void *)(uintptr_t)in->path);
	free((void *)(uintptr_t)in->format);
	free((void *)(uintptr_t)in->container);
}

/* from: the first input of this origin. */
static bool take_input(struct merge_runs *m, size_t from, sqlite3_stmt *row, struct error *err)
{
	static const struct {
		const char *name;
		enum input_end end;
	} ends[] = { { "complete", INPUT_COMPLETE },
		     { "cut", INPUT_CUT },
		     { "damaged", INPUT_DAMAGED },
		     { "stopped", INPUT_STOPPED } };
	char *path = copy_text(row, 0), *format = copy_text(row, 1), *container = copy_text(row, 2);
	char *link = copy_text(row, 3), *sha256 = copy_text(row, 5), *ended = copy_text(row, 12);
	char *problem = copy_text(row, 13);
	struct input_info *more = realloc(m->input, (m->inputs + 1) * sizeof *more);

	if (more)
		m->input = more;
	bool ok = more && path && format && container && link && sha256 && ended && problem;
	if (ok) {
		struct input_info *in = &m->input[m->inputs];
		*in = (struct input_info){ .path = path,
					   .format = format,
					   .container = container,
					   .bytes = (uint64_t)sqlite3_column_int64(row, 4),
					   .frames = (uint64_t)sqlite3_column_int64(row, 6),
					   .frames_filtered = (uint64_t)sqlite3_column_int64(row, 7),
					   .dropped = (uint64_t)sqlite3_column_int64(row, 8),
					   .snaplen = (uint32_t)sqlite3_column_int64(row, 9),
					   .first_ns = sqlite3_column_int64(row, 10),
					   .last_ns = sqlite3_column_int64(row, 11),
					   .linktype = linktype_of(link),
					   .end = INPUT_OPEN };
		for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
			if (strcmp(ended, ends[i].name) == 0)
				in->end = ends[i].end;
		snprintf(in->problem, sizeof in->problem, "%s", problem);
		snprintf(in->sha256, sizeof in->sha256, "%s", sha256);
		if (add_to_input(m, from, in))
			drop_texts(in);
		else
			m->inputs++;
	} else {
		free(path);
		free(format);
		free(container);
	}
	free(link);
	free(sha256);
	free(ended);
	free(problem);
	return ok || error_memory(err, "the manifest");
}

static bool read_inputs(struct merge_runs *m, size_t from, const struct merge_run *r, struct error *err)
{
	sqlite3_stmt *row;
	bool ok = true;

	if (sqlite3_prepare_v2(
		    r->db,
		    "SELECT path, format, container, link_type, bytes, sha256, frames, filtered, dropped, "
		    "snaplen, first_ns, last_ns, ended, problem FROM inputs WHERE run = ?1 ORDER BY n",
		    -1, &row, NULL) != SQLITE_OK)
		return unreadable(r, err);
	sqlite3_bind_int64(row, 1, r->run);
	while (ok && sqlite3_step(row) == SQLITE_ROW)
		ok = take_input(m, from, row, err);
	return (sqlite3_finalize(row) == SQLITE_OK || unreadable(r, err)) && ok;
}

bool merge_runs_open(struct merge_runs *m, const char *const *paths, size_t count, struct error *err)
{
	bool ok = true;
	size_t from = 0;

	*m = (struct merge_runs){ .run = NULL };
	for (size_t i = 0; ok && i < count; i++)
		ok = open_file(m, paths[i], err);
	ok = ok && put_in_order(m, err);
	for (size_t i = 0; ok && i < m->count; i++) {
		if (i == 0 || m->run[i].series != m->run[i - 1].series)
			from = m->inputs;
		ok = read_inputs(m, from, &m->run[i], err);
	}
	if (!ok)
		merge_runs_close(m);
	return ok;
}

void merge_runs_close(struct merge_runs *m)
{
	for (size_t i = 0; i < m->count; i++) {
		free(m->run[i].options);
		if (m->run[i].owns_db)
			sqlite3_close(m->run[i].db);
	}
	for (size_t i = 0; i < m->inputs; i++)
		drop_texts(&m->input[i]);
	free(m->run);
	free(m->input);
	*m = (struct merge_runs){ .run = NULL };
}

/* --- the facts of one origin --- */

/* Rows of both with the columns in the same places; of a row that is there, what adds up adds up. */
static const struct {
	const char *from, *to;
} kept_tables[] = {
	/* A chunk of seq 0 is for files alone. */
	{ "SELECT session, worker, seq, first_ns, last_ns, records, bytes FROM facts WHERE run = ?1 ORDER BY id",
	  "INSERT INTO facts (run, session, worker, seq, first_ns, last_ns, records, bytes) SELECT 1, ?1, ?2, "
	  "?3, ?4, ?5, ?6, ?7 WHERE ?3 > 0 OR NOT EXISTS (SELECT 1 FROM facts WHERE run = 1 AND session = ?1 "
	  "AND worker = ?2)" },
	{ "SELECT session, started_ns, ended_ns, version, format, interfaces, origin, options, numbers, lost "
	  "FROM sessions WHERE run = ?1",
	  "INSERT INTO sessions (run, session, started_ns, ended_ns, version, format, interfaces, origin, "
	  "options, numbers, lost) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO UPDATE "
	  "SET started_ns = min(started_ns, excluded.started_ns), ended_ns = max(ended_ns, "
	  "excluded.ended_ns), numbers = max(numbers, excluded.numbers), lost = lost + excluded.lost" },
	{ "SELECT session, interface, start_ns, packets, bytes, dropped_kernel, dropped_interface, "
	  "dropped_store FROM capture_minutes WHERE run = ?1",
	  "INSERT INTO capture_minutes (run, session, interface, start_ns, packets, bytes, dropped_kernel, "
	  "dropped_interface, dropped_store) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE "
	  "SET packets = packets + excluded.packets, bytes = bytes + excluded.bytes, dropped_kernel = "
	  "dropped_kernel + excluded.dropped_kernel, dropped_interface = dropped_interface + "
	  "excluded.dropped_interface, dropped_store = dropped_store + excluded.dropped_store" },
};

static bool copy_rows(const struct merge_run *r, sqlite3_stmt *from, sqlite3 *to, sqlite3_stmt *put,
		      const char *path, struct error *err)
{
	int code;

	sqlite3_bind_int64(from, 1, r->run);
	while ((code = sqlite3_step(from)) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(from); i++)
			sqlite3_bind_value(put, i + 1, sqlite3_column_value(from, i));
		if (sqlite3_step(put) != SQLITE_DONE)
			return error_set(err, EXIT_OUTPUT, "cannot write %s: %s", path, sqlite3_errmsg(to));
		sqlite3_reset(put);
	}
	return code == SQLITE_DONE || unreadable(r, err);
}

bool merge_runs_keep(const struct merge_runs *m, sqlite3 *to, const char *path, struct error *err)
{
	bool ok = true;

	for (size_t i = 0; ok && i < m->count; i++)
		for (size_t t = 0; ok && t < sizeof kept_tables / sizeof kept_tables[0]; t++) {
			sqlite3_stmt *from = NULL, *put = NULL;

			if (sqlite3_prepare_v2(m->run[i].db, kept_tables[t].from, -1, &from, NULL) !=
			    SQLITE_OK)
				ok = unreadable(&m->run[i], err);
			else if (sqlite3_prepare_v2(to, kept_tables[t].to, -1, &put, NULL) != SQLITE_OK)
				ok = error_set(err, EXIT_OUTPUT, "cannot write %s: %s", path,
					       sqlite3_errmsg(to));
			else
				ok = copy_rows(&m->run[i], from, to, put, path, err);
			sqlite3_finalize(from);
			sqlite3_finalize(put);
		}
	if (ok && sqlite3_exec(to,
			       "DELETE FROM facts WHERE seq = 0 AND EXISTS (SELECT 1 FROM facts AS f WHERE "
			       "f.run = 1 AND f.session = facts.session AND f.worker = facts.worker AND "
			       "f.seq = 1)",
			       NULL, NULL, NULL) != SQLITE_OK)
		ok = error_set(err, EXIT_OUTPUT, "cannot write %s: %s", path, sqlite3_errmsg(to));
	return ok;
}

/* The option's value in both, where they differ. */
static bool agrees(const struct merge_run *a, const struct merge_run *b, const char *key, bool *same,
		   char values[2][80], struct error *err)
{
	sqlite3_stmt *row;
	bool ok = sqlite3_prepare_v2(
			  a->db,
			  "SELECT a IS b, coalesce(a, 'not set'), coalesce(b, 'not set') FROM (SELECT "
			  "json_extract(?1, '$.\"' || ?3 || '\"') AS a, "
			  "json_extract(?2, '$.\"' || ?3 || '\"') AS b)",
			  -1, &row, NULL) == SQLITE_OK;

	sqlite3_bind_text(row, 1, a->options, -1, SQLITE_STATIC);
	sqlite3_bind_text(row, 2, b->options, -1, SQLITE_STATIC);
	sqlite3_bind_text(row, 3, key, -1, SQLITE_STATIC);
	ok = ok && sqlite3_step(row) == SQLITE_ROW;
	if (ok) {
		*same = sqlite3_column_int(row, 0);
		for (int i = 0; i < 2; i++)
			snprintf(values[i], sizeof values[i], "%s",
				 (const char *)sqlite3_column_text(row, i + 1));
	}
	sqlite3_finalize(row);
	return ok || unreadable(a, err);
}

static bool keys_agree(const struct merge_run *a, const struct merge_run *b, const char *const *keys,
		       bool (*again)(const char *key), struct error *err)
{
	char values[2][80];

	for (size_t i = 0; keys[i]; i++) {
		bool same = false;
		if (again && again(keys[i]))
			continue;
		if (!agrees(a, b, keys[i], &same, values, err))
			return false;
		if (!same && strcmp(keys[i], PSEUDONYMS) == 0)
			return error_set(err, EXIT_INPUT,
					 "%s and %s were not anonymised with the same key (--anonymize): "
					 "what was told then cannot be put together",
					 a->path, b->path);
		if (!same)
			return error_set(err, EXIT_INPUT, "%s was made with --%s %s, %s with %s%s", a->path,
					 keys[i], values[0], b->path, values[1],
					 again ? "\nsay which one is to be: give the option again"
					       : ": what was told then cannot be put together");
	}
	return true;
}

bool merge_runs_agree(const struct merge_runs *m, bool (*again)(const char *key), struct error *err)
{
	for (size_t i = 1; i < m->count; i++) {
		const struct merge_run *a = &m->run[0], *b = &m->run[i];
		if (a->idle_ns != b->idle_ns)
			return error_set(
				err, EXIT_INPUT,
				"%s was made with --idle %gs, %s with %gs: what was told then cannot be "
				"put together",
				a->path, (double)a->idle_ns / 1e9, b->path, (double)b->idle_ns / 1e9);
		if (!keys_agree(a, b, fact_keys, NULL, err) ||
		    !keys_agree(a, b, merge_table_keys, again, err))
			return false;
	}
	return true;
}

void merge_runs_problems(const struct merge_runs *m, struct problems *problems)
{
	for (size_t i = 0; i < m->inputs; i++) {
		const struct input_info *in = &m->input[i];
		if (in->end == INPUT_CUT || in->end == INPUT_DAMAGED)
			problems_add(problems, "%s: %s", in->path, in->problem);
		if (in->end == INPUT_STOPPED)
			problems_add(problems, "%s: reading was stopped after %" PRIu64 " frames", in->path,
				     in->frames);
		if (in->dropped)
			problems_add(problems,
				     "%s: the capturing system dropped %" PRIu64 " packets, as the file says",
				     in->path, in->dropped);
	}
}
