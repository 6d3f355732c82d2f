/* The scenes of a run: the list, and one of them. */
#include "views/chart.h"
#include "views/escape.h"
#include "views/table.h"
#include "views/show_topics.h"
#include <string.h>

const char *const chart_kind_names[CHART_KIND_COUNT + 1] = {
#define X(name) #name,
	CHART_KINDS(X)
#undef X
		NULL,
};

/* The details of a scene are in the table of its kind. A call's client may be a host without a recognised
 * socket. */
#define SCENE_FROM                                                                                           \
	" FROM scenes s LEFT JOIN clients c ON c.run = s.run AND c.client = s.client"                        \
	" LEFT JOIN startups l ON s.kind = 'login' AND l.run = s.run AND l.startup = s.number"               \
	" LEFT JOIN searches q ON s.kind = 'search' AND q.run = s.run AND q.search = s.number"               \
	" LEFT JOIN calls k ON s.kind = 'call' AND k.run = s.run AND k.call = s.number"                      \
	" WHERE s.run = :run"
#define SCENE_IP   "coalesce(k.near_ip, c.ip)"
#define SCENE_PORT "coalesce(k.near_port, c.port)"
#define SCENE_DETAIL                                                                                         \
	"coalesce(l.protocol, q.protocol, k.protocol, c.protocol, '') || CASE s.kind"                        \
	" WHEN 'login' THEN coalesce(', ' || CASE l.outcome WHEN 'none' THEN 'no login seen' ELSE l.outcome" \
	" END, '')"                                                                                          \
	" WHEN 'search' THEN coalesce(', ' || q.nodes || ' nodes asked', '')"                                \
	" WHEN 'call' THEN coalesce(', ' || k.media || coalesce(' ' || k.route, ''), '') ELSE '' END"

static const struct column list_columns[] = {
	{ "scene", COLUMN_TEXT, FIT_KEEP, 0 },   { "client", COLUMN_TEXT, FIT_SOCKET, 0 },
	{ "begins", COLUMN_TIME, FIT_KEEP, 0 },  { "lasts", COLUMN_DURATION, FIT_KEEP, 0 },
	{ "flows", COLUMN_NUMBER, FIT_KEEP, 1 }, { "", COLUMN_TEXT, FIT_WRAP, 0 },
};
#define SCENE_ORDER " ORDER BY CASE s.kind WHEN 'login' THEN 1 WHEN 'search' THEN 2 ELSE 3 END, s.number"
#define SCENE_FLOWS                                                                                          \
	"(SELECT count(*) FROM scene_flows f WHERE f.run = s.run AND f.kind = s.kind AND f.number = "        \
	"s.number)"

bool chart_count(const struct view *v, int64_t *count, struct error *err)
{
	return query_number(v, "SELECT count(*) FROM scenes WHERE run = :run", count, err);
}

#define LIST_TEXT                                                                                            \
	"SELECT s.kind || ' ' || s.number, socket(" SCENE_IP ", " SCENE_PORT                                 \
	"), s.first_ns, s.last_ns - s.first_ns, " SCENE_FLOWS ", " SCENE_DETAIL SCENE_FROM SCENE_ORDER
#define TEXT_OF(number)  TEXT_OF_(number)
#define TEXT_OF_(number) #number

bool chart_list(const struct view *v, const struct chart_list_request *request, FILE *out, struct error *err)
{
	if (!request->json)
		return table_show(v, request->all ? LIST_TEXT : LIST_TEXT " LIMIT " TEXT_OF(CHART_LIST_BRIEF),
				  list_columns, sizeof list_columns / sizeof list_columns[0],
				  "No login, search or call was found in this run.", request->width, 0, out,
				  err);
	sqlite3_stmt *stmt =
		query_open(v,
			   "SELECT s.run, s.kind, s.number, s.client, " SCENE_IP " AS client_ip, " SCENE_PORT
			   " AS client_port, s.first_ns, s.last_ns, " SCENE_FLOWS " AS flows, " SCENE_DETAIL
			   " AS detail" SCENE_FROM SCENE_ORDER,
			   err);
	bool ok = stmt && rows_put_json(v, stmt, out, err);
	sqlite3_finalize(stmt);
	return ok;
}

bool chart_only(const struct view *v, enum chart_kind *kind, int64_t *number, struct error *err)
{
	sqlite3_stmt *stmt = query_open(v, "SELECT kind, number FROM scenes WHERE run = :run", err);
	enum query_result result = stmt ? query_step(v, stmt, err) : QUERY_FAILED;

	for (int i = 0; result == QUERY_ROW && i < CHART_KIND_COUNT; i++)
		if (strcmp(query_text(stmt, 0), chart_kind_names[i]) == 0) {
			*kind = (enum chart_kind)i;
			*number = sqlite3_column_int64(stmt, 1);
		}
	sqlite3_finalize(stmt);
	return result != QUERY_FAILED;
}

/* EXIT_USAGE: "there is no login 3 in x.db; it has login 1 to 2, call 1". */
static bool no_scene(const struct view *v, enum chart_kind kind, int64_t number, struct error *err)
{
	sqlite3_stmt *stmt = query_open(
		v,
		"SELECT group_concat(CASE n WHEN 1 THEN kind || ' ' || low ELSE kind || 's ' || low || ' to "
		"' || high END, ', ') FROM (SELECT kind, count(*) AS n, min(number) AS low, max(number) AS "
		"high FROM scenes WHERE run = :run GROUP BY kind ORDER BY CASE kind WHEN 'login' THEN 1 WHEN "
		"'search' THEN 2 ELSE 3 END)",
		err);
	enum query_result result = stmt ? query_step(v, stmt, err) : QUERY_FAILED;

	if (result == QUERY_ROW) {
		const char *known = query_text(stmt, 0);
		error_set(err, EXIT_USAGE, "%s has no %s %lld; it has %s", v->path, chart_kind_names[kind],
			  (long long)number, *known ? known : "neither a login nor a search nor a call");
	}
	sqlite3_finalize(stmt);
	return false;
}

bool chart_scene(const struct view *v, enum chart_kind kind, int64_t number, struct chart_scene *scene,
		 struct error *err)
{
	sqlite3_stmt *stmt =
		query_open(v,
			   "SELECT s.first_ns, s.last_ns, " SCENE_IP ", " SCENE_PORT ", k.far_ip, k.far_port,"
			   " k.route IS 'relayed', " SCENE_DETAIL SCENE_FROM
			   " AND s.kind = :kind AND s.number = :number",
			   err);

	if (!stmt)
		return false;
	query_bind_text(stmt, ":kind", chart_kind_names[kind]);
	query_bind_int(stmt, ":number", number);
	enum query_result result = query_step(v, stmt, err);
	*scene = (struct chart_scene){ .kind = kind, .number = number };
	if (result == QUERY_ROW) {
		scene->first_ns = query_ns(stmt, 0);
		scene->last_ns = query_ns(stmt, 1);
		snprintf(scene->home_ip, sizeof scene->home_ip, "%s", query_text(stmt, 2));
		scene->home_port = sqlite3_column_int64(stmt, 3);
		snprintf(scene->far_ip, sizeof scene->far_ip, "%s", query_text(stmt, 4));
		scene->far_port = sqlite3_column_int64(stmt, 5);
		scene->relayed = sqlite3_column_int(stmt, 6);
		(void)plain_text(query_text(stmt, 7), scene->detail, sizeof scene->detail);
	}
	sqlite3_finalize(stmt);
	return result == QUERY_ROW || (result == QUERY_END && no_scene(v, kind, number, err));
}
