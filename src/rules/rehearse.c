/* Rehearsal: gathers from one recording after the other, and prints. See rehearse.h. */
#include "rules/rehearse.h"
#include "rules/rehearse_all_sql.h"
#include "rules/rehearse_parts.h"
#include <string.h>

const char *const strategy_kind_names[] = {
	[STRATEGY_PATTERNS] = "patterns", [STRATEGY_SERVERS] = "servers", [STRATEGY_CLIENTS] = "clients"
};

bool rehearsal_run(const struct view *v, const char *sql, struct error *err)
{
	while (*sql) {
		sqlite3_stmt *stmt = NULL;
		enum query_result result = QUERY_ROW;

		if (sqlite3_prepare_v2(v->db, sql, -1, &stmt, &sql) != SQLITE_OK)
			return error_set(err, EXIT_INPUT, "%s: %s; is the database damaged?", v->path,
					 sqlite3_errmsg(v->db));
		if (!stmt) /* white space, a comment */
			break;
		query_bind_view(v, stmt);
		while (result == QUERY_ROW)
			result = query_step(v, stmt, err);
		sqlite3_finalize(stmt);
		if (result == QUERY_FAILED)
			return false;
	}
	return true;
}

static bool names_put(struct rehearsal *r, struct error *err)
{
	const struct protocol *p = r->protocol;
	sqlite3_stmt *strategy = query_open(&r->all, "INSERT INTO strategy VALUES (?1, ?2, ?3, ?4)", err);
	sqlite3_stmt *pattern = query_open(&r->all, "INSERT INTO pattern VALUES (?1, ?2)", err);
	bool ok = strategy && pattern;

	for (int i = 0; ok && i < p->strategy_count; i++) {
		const struct block_strategy *s = &p->strategies[i];
		if (r->request->strategy && strcmp(r->request->strategy, s->name) != 0)
			continue;
		r->tried |= 1U << i;
		sqlite3_bind_int(strategy, 1, i);
		sqlite3_bind_text(strategy, 2, s->name, -1, SQLITE_STATIC);
		sqlite3_bind_text(strategy, 3, strategy_kind_names[s->kind], -1, SQLITE_STATIC);
		sqlite3_bind_text(strategy, 4, s->summary, -1, SQLITE_STATIC);
		ok = query_step(&r->all, strategy, err) == QUERY_END;
		sqlite3_reset(strategy);
	}
	for (int i = 0; ok && i < p->pattern_count; i++) {
		sqlite3_bind_text(pattern, 1, p->patterns[i].name, -1, SQLITE_STATIC);
		sqlite3_bind_text(pattern, 2, p->patterns[i].words, -1, SQLITE_STATIC);
		ok = query_step(&r->all, pattern, err) == QUERY_END;
		sqlite3_reset(pattern);
	}
	sqlite3_finalize(strategy);
	sqlite3_finalize(pattern);
	if (ok && r->tried == 0)
		return error_set(err, EXIT_USAGE, "%s has no strategy%s%.40s%s", p->title,
				 r->request->strategy ? " '" : "",
				 r->request->strategy ? r->request->strategy : "",
				 r->request->strategy ? "'" : "");
	return ok;
}

/*
 * Best first. Of those that stop something, the legitimate flows hit for each that is stopped decide.
 */
static const char ranking[] =
	"INSERT INTO result SELECT row_number() OVER (ORDER BY stopped = 0, legitimate IS NULL,"
	" legitimate * 1.0 / max(stopped, 1), stopped DESC, unknown, strategy), strategy, name, kind, summary,"
	" starts, starts_stopped, logins, logins_stopped, lists, lists_stopped, own,"
	" kind = 'patterns' AND EXISTS (SELECT 1 FROM recording WHERE untold > 0), legitimate, unknown FROM (SELECT *, logins_stopped + lists_stopped AS stopped FROM (SELECT s.*,"
	" (SELECT count(*) FROM start t WHERE t.strategy = s.strategy) AS starts,"
	" (SELECT count(*) FROM start t WHERE t.strategy = s.strategy AND stopped) AS starts_stopped,"
	" coalesce(logins, 0) AS logins, coalesce(logins_stopped, 0) AS logins_stopped,"
	" coalesce(lists, 0) AS lists, coalesce(lists_stopped, 0) AS lists_stopped, coalesce(own, 0) AS own,"
	" iif(told, coalesce(legitimate, 0), NULL) AS legitimate, iif(told, coalesce(unknown, 0), NULL) AS unknown"
	" FROM (SELECT *, kind = 'patterns' OR NOT EXISTS (SELECT 1 FROM recording WHERE NOT all_flows) AS told"
	" FROM strategy) s"
	" LEFT JOIN (SELECT strategy, sum(role = 'login') AS logins,"
	" sum(role = 'login' AND way = '') AS logins_stopped,"
	" sum(role <> 'login') AS lists, sum(role <> 'login' AND way = '') AS lists_stopped"
	" FROM exchange GROUP BY strategy) USING (strategy)"
	" LEFT JOIN (SELECT strategy, sum(category = 'own') AS own, sum(category = 'legitimate') AS legitimate,"
	" sum(category = 'unknown') AS unknown FROM flow GROUP BY strategy) USING (strategy)))";

/* file_name(path): what is behind its last slash. */
static void function_file_name(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *path = (const char *)sqlite3_value_text(values[0]);
	const char *slash = path ? strrchr(path, '/') : NULL;

	(void)count;
	if (path)
		sqlite3_result_text(context, slash ? slash + 1 : path, -1, SQLITE_TRANSIENT);
}

bool rehearse(const struct recording *recordings, size_t count, const struct rehearsal_request *request,
	      FILE *out, struct error *err)
{
	struct rehearsal r = { .request = request, .protocol = request->limits->protocol };
	sqlite3 *db = NULL;

	/* Without a name: a temporary file, which is made when memory does not do. */
	if (sqlite3_open("", &db) != SQLITE_OK) {
		sqlite3_close(db);
		return error_memory(err, "the rehearsal");
	}
	r.all = (struct view){ .db = db, .path = "the rehearsal" };
	snprintf(r.all.protocol, sizeof r.all.protocol, "%s", r.protocol->name);
	if (sqlite3_create_function_v2(db, "file_name", 1, SQLITE_UTF8, NULL, function_file_name, NULL, NULL,
				       NULL) != SQLITE_OK) {
		sqlite3_close(db);
		return error_memory(err, "a function");
	}
	bool ok = view_functions(&r.all, err) && rehearsal_run(&r.all, "BEGIN", err) &&
		  rehearsal_run(&r.all, rehearse_all_sql, err) && names_put(&r, err);
	for (size_t i = 0; ok && i < count; i++)
		ok = rehearsal_gather(&r, &recordings[i], (int64_t)i + 1, err);
	ok = ok && rehearsal_run(&r.all, ranking, err) && rehearsal_run(&r.all, "COMMIT", err) &&
	     (request->format == SHOW_JSON ? rehearsal_json(&r, out, err) : rehearsal_text(&r, out, err));
	sqlite3_close(db);
	return ok;
}
