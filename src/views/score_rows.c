/* The parts that score.sql matches row by row: counted here, with their attributes and differences. */
#include "views/score_parts.h"
#include <inttypes.h>
#include <string.h>

/* In the order of the output; what the cells are stands in score.sql. */
static const struct attribute {
	const char *part;
	const char *name; /* NULL: the part itself */
	char cell;
	int64_t tolerance_ns; /* of times; 0: the cells have to be equal */
	bool confusion;
} attributes[] = {
	{ "clients", NULL, 0, 0, false },
	{ "clients", "network set-up", 'a', 0, true },
	{ "clients", "public address", 'b', 0, false },
	{ "clients", "version", 'c', 0, false },
	{ "logins", NULL, 0, 0, false },
	{ "logins", "outcome", 'a', 0, false },
	{ "logins", "form", 'b', 0, false },
	{ "contact lists", NULL, 0, 0, false },
	{ "contact lists", "outcome", 'a', 0, false },
	{ "contact lists", "form", 'b', 0, false },
	{ "version checks", NULL, 0, 0, false },
	{ "version checks", "action", 'a', 0, false },
	{ "version checks", "version", 'b', 0, false },
	{ "version checks", "platform", 'c', 0, false },
	{ "start-ups", NULL, 0, 0, false },
	{ "start-ups", "outcome", 'a', 0, false },
	{ "calls", NULL, 0, 0, false },
	{ "calls", "transport", 'a', 0, false },
	{ "calls", "who began", 'b', 0, false },
	{ "calls", "path", 'c', 0, false },
	{ "calls", "start", 'd', INT64_C(1000000000), false },
	{ "calls", "end", 'e', INT64_C(1000000000), false },
	{ "calls", "conference", 'f', 0, false },
	{ "holds", NULL, 0, 0, false },
	{ "searches", NULL, 0, 0, false },
	{ "searches", "nodes", 'a', 0, false },
	{ "searches", "answered", 'b', 0, false },
	{ "searches", "waves", 'c', 0, false },
};

/* A statement with %c for the attribute's cell, and these parameters. */
static sqlite3_stmt *attribute_query(struct score *s, const char *sql, const struct attribute *a,
				     struct error *err)
{
	char text[2048];
	size_t used = 0;

	for (; *sql && used < sizeof text - 1; sql++)
		if (sql[0] == '$' && a->cell)
			text[used++] = a->cell;
		else
			text[used++] = *sql;
	text[used] = '\0';
	sqlite3_stmt *stmt = query_open(s->v, text, err);
	if (stmt) {
		query_bind_text(stmt, ":part", a->part);
		query_bind_text(stmt, ":name", a->name ? a->name : "");
		query_bind_int(stmt, ":tolerance", a->tolerance_ns);
	}
	return stmt;
}

static bool counts_read(struct score *s, const char *sql, const struct attribute *a,
			struct score_count *count, struct error *err)
{
	sqlite3_stmt *row = attribute_query(s, sql, a, err);
	bool ok = row && query_row(s->v, row, err);

	if (ok)
		*count = (struct score_count){ sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1),
					       sqlite3_column_int64(row, 2), sqlite3_column_int64(row, 3) };
	sqlite3_finalize(row);
	return ok;
}

/* Puts rows into score_difference or score_confusion; *rows: how many, unless it is NULL. */
static bool rows_insert(struct score *s, const char *sql, const struct attribute *a, uint64_t *rows,
			struct error *err)
{
	sqlite3_stmt *stmt = attribute_query(s, sql, a, err);
	bool ok = stmt && query_step(s->v, stmt, err) == QUERY_END;

	if (ok && rows)
		*rows += (uint64_t)sqlite3_changes64(s->v->db);
	sqlite3_finalize(stmt);
	return ok;
}

static const char part_counts[] = "SELECT t, x, t - x, m - x FROM (SELECT"
				  " (SELECT count(*) FROM score_truth WHERE part = :part) AS t,"
				  " (SELECT count(*) FROM score_monitor WHERE part = :part) AS m,"
				  " (SELECT count(*) FROM score_match WHERE part = :part) AS x)";
static const char missed[] =
	"INSERT INTO score_difference (part, kind, what, truth, monitor, packet, side, client, at_ns)"
	" SELECT part, 'missed', what, coalesce(a, 'yes'), NULL, packet, 'truth', client, at_ns FROM score_truth"
	" WHERE part = :part AND id NOT IN (SELECT t FROM score_match WHERE part = :part) ORDER BY at_ns, id";
static const char wrong[] =
	"INSERT INTO score_difference (part, kind, what, truth, monitor, packet, side, client, at_ns)"
	" SELECT part, 'wrong', what, NULL, coalesce(a, 'yes'), packet, 'monitor', client, at_ns FROM score_monitor"
	" WHERE part = :part AND id NOT IN (SELECT m FROM score_match WHERE part = :part) ORDER BY at_ns, id";

#define MATCHED                                                                                              \
	" FROM score_match x JOIN score_truth t ON t.part = x.part AND t.id = x.t"                           \
	" JOIN score_monitor m ON m.part = x.part AND m.id = x.m"                                            \
	" WHERE x.part = :part AND t.$ IS NOT NULL AND m.$ IS NOT NULL"
#define EQUAL "iif(:tolerance > 0, abs(t.$ - m.$) <= :tolerance, t.$ = m.$)"
/* Times are seconds of the trace. */
#define WORDS(cell)                                                                                          \
	"iif(:tolerance > 0, printf('%.3f s', (" cell " - (SELECT first_ns FROM truth.runs)) / 1e9), " cell  \
	")"
static const char attribute_counts[] =
	"SELECT count(*), coalesce(sum(e), 0), coalesce(sum(1 - e), 0), coalesce(sum(1 - e), 0)"
	" FROM (SELECT " EQUAL " AS e" MATCHED ")";
static const char differing[] =
	"INSERT INTO score_difference (part, kind, what, truth, monitor, packet, side, client, at_ns)"
	" SELECT x.part, :name, t.what, " WORDS("t.$") ", " WORDS(
		"m.$") ","
		       " t.packet, 'truth', t.client, t.at_ns" MATCHED " AND NOT " EQUAL
		       " ORDER BY t.at_ns, t.id";
static const char confused[] =
	"INSERT INTO score_confusion SELECT x.part, :name, t.$, m.$, count(*)" MATCHED " GROUP BY t.$, m.$";
static const char not_found[] =
	"INSERT INTO score_confusion SELECT part, :name, $, 'not found', count(*) FROM score_truth"
	" WHERE part = :part AND $ IS NOT NULL AND id NOT IN (SELECT t FROM score_match WHERE part = :part)"
	" GROUP BY $";

static bool part_score(struct score *s, const struct attribute *a, struct error *err)
{
	struct score_count count;

	return counts_read(s, part_counts, a, &count, err) && score_put(s, a->part, "", &count, err) &&
	       rows_insert(s, missed, a, &s->differences, err) &&
	       rows_insert(s, wrong, a, &s->differences, err);
}

static bool attribute_score(struct score *s, const struct attribute *a, struct error *err)
{
	struct score_count count;

	return counts_read(s, attribute_counts, a, &count, err) &&
	       score_put(s, a->part, a->name, &count, err) &&
	       rows_insert(s, differing, a, &s->differences, err) &&
	       (!a->confusion ||
		(rows_insert(s, confused, a, NULL, err) && rows_insert(s, not_found, a, NULL, err)));
}

/* Of a missed client that is suspected, and of nothing else, the monitor has said something. */
static const char suspected[] =
	"UPDATE score_difference SET monitor = (SELECT printf('suspected, %.1f bits', bits) FROM main.clients"
	" WHERE run = :run AND protocol = :protocol AND verdict <> protocol AND socket(ip, port) = what)"
	" WHERE part = 'clients' AND kind = 'missed'";
static const char suspected_note[] =
	"INSERT INTO score_note SELECT printf('%d of the missed clients are suspected, not recognised.', count(*))"
	" FROM score_difference WHERE part = 'clients' AND kind = 'missed' AND monitor IS NOT NULL"
	" HAVING count(*) > 0";

bool score_rows(struct score *s, struct error *err)
{
	for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
		if (!(attributes[i].name ? attribute_score(s, &attributes[i], err)
					 : part_score(s, &attributes[i], err)))
			return false;
	return score_run(s, suspected, err) && score_run(s, suspected_note, err);
}

/* --- Table I --- */

static const char class_counts[] =
	"SELECT 3 * count(*), sum(pairs = truth_pairs) + sum(flows = truth_flows) + sum(packets = truth_packets)"
	" FROM score_class";
static const char class_differences[] =
	"INSERT INTO score_difference (part, kind, what, truth, monitor)"
	" SELECT 'Table I', level, class, t, m FROM ("
	" SELECT place, class, 1 AS n, 'pairs' AS level, truth_pairs AS t, pairs AS m FROM score_class"
	" UNION ALL SELECT place, class, 2, 'flows', truth_flows, flows FROM score_class"
	" UNION ALL SELECT place, class, 3, 'packets', truth_packets, packets FROM score_class)"
	" WHERE t <> m ORDER BY place, n";

bool score_classes(struct score *s, struct error *err)
{
	const struct attribute table = { .part = "Table I" };
	struct score_count count;

	if (!counts_read(s, class_counts, &table, &count, err))
		return false;
	count.missed = count.wrong = count.truth - count.found;
	return score_put(s, "Table I", "", &count, err) &&
	       rows_insert(s, class_differences, &table, &s->differences, err);
}
