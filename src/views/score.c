/* `footsteps score`: runs its parts, and keeps what they find in temporary tables. */
#include "views/score.h"
#include "views/score_parts.h"
#include "views/score_sql.h"
#include <stdarg.h>
#include <string.h>

bool score_run(struct score *s, const char *sql, struct error *err)
{
	while (*sql) {
		sqlite3_stmt *stmt = NULL;
		enum query_result result = QUERY_ROW;

		if (sqlite3_prepare_v2(s->v->db, sql, -1, &stmt, &sql) != SQLITE_OK)
			return error_set(err, EXIT_INPUT, "%s and the truth cannot be compared: %s",
					 s->v->path, sqlite3_errmsg(s->v->db));
		if (!stmt) /* white space, a comment */
			break;
		query_bind_view(s->v, stmt);
		while (result == QUERY_ROW)
			result = query_step(s->v, stmt, err);
		sqlite3_finalize(stmt);
		if (result == QUERY_FAILED)
			return false;
	}
	return true;
}

bool score_put(struct score *s, const char *part, const char *attribute, const struct score_count *count,
	       struct error *err)
{
	sqlite3_stmt *stmt =
		query_open(s->v, "INSERT INTO score_part VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", err);

	if (!stmt)
		return false;
	sqlite3_bind_int(stmt, 1, ++s->places);
	sqlite3_bind_text(stmt, 2, part, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 3, attribute, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 4, count->truth);
	sqlite3_bind_int64(stmt, 5, count->found);
	sqlite3_bind_int64(stmt, 6, count->missed);
	sqlite3_bind_int64(stmt, 7, count->wrong);
	bool ok = query_step(s->v, stmt, err) == QUERY_END;
	sqlite3_finalize(stmt);
	return ok;
}

bool score_confuse(struct score *s, const char *part, const char *attribute, const char *truth,
		   const char *monitor, int64_t count, struct error *err)
{
	sqlite3_stmt *stmt = query_open(s->v, "INSERT INTO score_confusion VALUES (?1, ?2, ?3, ?4, ?5)", err);

	if (!stmt)
		return false;
	sqlite3_bind_text(stmt, 1, part, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, attribute, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 3, truth, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 4, monitor, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 5, count);
	bool ok = query_step(s->v, stmt, err) == QUERY_END;
	sqlite3_finalize(stmt);
	return ok;
}

bool score_note(struct score *s, struct error *err, const char *format, ...)
{
	char words[1024];
	va_list values;
	sqlite3_stmt *stmt = query_open(s->v, "INSERT INTO score_note VALUES (?1)", err);

	if (!stmt)
		return false;
	va_start(values, format);
	vsnprintf(words, sizeof words, format, values);
	va_end(values);
	sqlite3_bind_text(stmt, 1, words, -1, SQLITE_STATIC);
	bool ok = query_step(s->v, stmt, err) == QUERY_END;
	sqlite3_finalize(stmt);
	return ok;
}

bool score_differ(struct score *s, const struct difference *d, uint64_t *kept, struct error *err)
{
	static const char sql[] =
		"INSERT INTO score_difference (part, kind, what, truth, monitor, packet, side, client, at_ns)"
		" VALUES (?1, ?2, ?3, ?4, ?5, nullif(?6, 0), ?7, ?8, ?9)";

	s->differences++;
	if (s->limit && *kept >= s->limit)
		return true;
	++*kept;
	/* Prepared once: there may be millions. */
	if (!s->difference && !(s->difference = query_open(s->v, sql, err)))
		return false;
	sqlite3_stmt *put = s->difference;
	sqlite3_bind_text(put, 1, d->part, -1, SQLITE_STATIC);
	sqlite3_bind_text(put, 2, d->kind, -1, SQLITE_STATIC);
	sqlite3_bind_text(put, 3, d->what, -1, SQLITE_STATIC);
	sqlite3_bind_text(put, 4, d->truth, -1, SQLITE_STATIC);
	sqlite3_bind_text(put, 5, d->monitor, -1, SQLITE_STATIC);
	sqlite3_bind_int64(put, 6, d->packet);
	sqlite3_bind_text(put, 7, d->of_truth ? "truth" : "monitor", -1, SQLITE_STATIC);
	sqlite3_bind_int64(put, 8, d->client);
	sqlite3_bind_int64(put, 9, d->at_ns);
	bool ok = query_step(s->v, put, err) == QUERY_END;
	sqlite3_reset(put);
	return ok;
}

bool score(const struct view *v, const struct score_request *request, FILE *out, uint64_t *differences,
	   struct error *err)
{
	struct score s = { .v = v, .limit = request->differences };
	bool ok = score_run(&s, score_sql, err) && score_cautions(&s, err) && score_rows(&s, err) &&
		  score_pairs(&s, err) && score_flows(&s, err) && score_classes(&s, err) &&
		  score_print(&s, request, out, err);

	sqlite3_finalize(s.difference);
	*differences = s.differences;
	return ok;
}
