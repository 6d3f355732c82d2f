/* A rehearsal for machines: one JSON object per line. */
#include "rules/rehearse_parts.h"

/* null: cannot be told (a database of the protocol's own flows alone). */
static const char *const rows[] = {
	"SELECT 'recording' AS row, recording, path, capture, runs, packets, flows, all_flows,"
	" NOT incomplete AS complete, untold, unread, filtered, tunnels FROM recording ORDER BY recording",
	"SELECT 'strategy' AS row, place, name AS strategy, kind, starts AS sign_ins,"
	" starts_stopped AS sign_ins_stopped, logins, logins_stopped, lists AS contact_lists,"
	" lists_stopped AS contact_lists_stopped, own, legitimate, unknown, least AS at_least FROM result ORDER BY place",
	"SELECT 'escape' AS row, name AS strategy, role, way, other AS pattern, words, count, packet, path"
	" FROM (SELECT strategy, role, way, other, count(*) AS count, flow AS packet, recording,"
	" min(printf('%12d%12d%20d', recording, run, flow)) FROM exchange WHERE way <> ''"
	" GROUP BY strategy, role, way, other) JOIN way USING (way) JOIN result USING (strategy)"
	" JOIN recording USING (recording) ORDER BY result.place, way.place, pattern, role",
	"SELECT 'collateral' AS row, name AS strategy, category, master AS protocol, count(*) AS hit,"
	" (SELECT sum(flows) FROM total t WHERE t.master = f.master"
	" AND (source IN ('none', 'guess')) = (category = 'unknown')) AS flows"
	" FROM flow f JOIN result USING (strategy) WHERE category IN ('legitimate', 'unknown')"
	" GROUP BY place, category, master ORDER BY place, category, hit DESC, master",
	"SELECT 'host' AS row, name AS strategy, category, host, count(*) AS hit"
	" FROM flow JOIN result USING (strategy) WHERE category IN ('legitimate', 'unknown') GROUP BY place, category, host"
	" ORDER BY place, category, hit DESC, host",
};
/* Packet numbers are those of the capture, or of the merged trace when inputs are several: then no one file
 * has them. */
static const char flow_rows[] =
	"SELECT 'flow' AS row, name AS strategy, category, packet, flow, recording, path, f.run, inputs,"
	" iif(inputs > 1, NULL, r.capture) AS file, proto, client, server, host, label, source FROM (SELECT *, row_number() OVER"
	" (PARTITION BY strategy, category ORDER BY recording, run, packet, flow) AS nth FROM flow) f"
	" JOIN result USING (strategy) JOIN recording USING (recording) JOIN run r USING (recording, run)"
	" WHERE :all OR (nth <= :most AND category IN ('legitimate', 'unknown'))"
	" ORDER BY place, category, recording, f.run, packet, flow";

static bool rows_put(struct rehearsal *r, const char *sql, FILE *out, struct error *err)
{
	sqlite3_stmt *stmt = query_open(&r->all, sql, err);

	if (stmt) {
		query_bind_int(stmt, ":all", r->request->all);
		query_bind_int(stmt, ":most", REHEARSAL_EXAMPLES);
	}
	bool ok = stmt && rows_put_json(&r->all, stmt, out, err);
	sqlite3_finalize(stmt);
	return ok;
}

bool rehearsal_json(struct rehearsal *r, FILE *out, struct error *err)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (!rows_put(r, rows[i], out, err))
			return false;
	return rows_put(r, flow_rows, out, err);
}
