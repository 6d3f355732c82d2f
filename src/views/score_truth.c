/* The truth file: is it one, and is it that of the capture which the monitor has read? */
#include "store/open.h"
#include "views/score_parts.h"
#include <inttypes.h>

static bool header_read(const char *path, int64_t *application, int64_t *version)
{
	sqlite3 *db = NULL;
	bool ok = database_open(path, SQLITE_OPEN_READONLY, &db) == SQLITE_OK &&
		  database_integer(db, "PRAGMA application_id", application) == SQLITE_OK &&
		  database_integer(db, "PRAGMA user_version", version) == SQLITE_OK;

	sqlite3_close(db);
	return ok;
}

bool score_is_truth(const char *path)
{
	int64_t application = 0, version;

	return file_look(path).kind == FILE_OTHER_SQLITE && header_read(path, &application, &version) &&
	       application == TRUTH_APPLICATION_ID;
}

static bool truth_check(const char *path, struct error *err)
{
	struct file_look look = file_look(path);
	int64_t application = 0, version = 0;

	if (look.kind == FILE_ABSENT)
		return error_set(err, EXIT_INPUT, "there is no %s: footsteps-peer makes it with the capture",
				 path);
	if (look.kind == FILE_UNREADABLE)
		return error_set(err, EXIT_INPUT, "cannot read %s: %s", path, look.what);
	if (look.kind != FILE_OTHER_SQLITE)
		return error_set(err, EXIT_INPUT, "%s is %s, not a truth file of footsteps-peer", path,
				 look.what);
	if (!header_read(path, &application, &version) || application != TRUTH_APPLICATION_ID)
		return error_set(err, EXIT_INPUT,
				 "%s is an SQLite database, but not a truth file of footsteps-peer", path);
	if (version != TRUTH_SCHEMA_VERSION)
		return error_set(err, EXIT_INPUT,
				 "%s is a truth file of version %" PRId64
				 ", and this footsteps knows %d: make it "
				 "again with the footsteps-peer of this release",
				 path, version, TRUTH_SCHEMA_VERSION);
	return true;
}

/* Makes the protocol of the attached truth that of the view. */
static bool score_protocol(struct view *v, struct error *err)
{
	static const char sql[] = "SELECT coalesce((SELECT protocol FROM truth.clients LIMIT 1),"
				  " (SELECT protocol FROM truth.flows WHERE protocol IS NOT NULL LIMIT 1))"
				  " FROM truth.runs";
	sqlite3_stmt *row = query_open(v, sql, err);
	enum query_result result = row ? query_step(v, row, err) : QUERY_FAILED;

	/* A truth of nothing but other programs has none: then what the monitor found most of is all wrong.
	 */
	if (result == QUERY_ROW && *query_text(row, 0))
		snprintf(v->protocol, sizeof v->protocol, "%s", query_text(row, 0));
	else if (result == QUERY_END)
		error_set(err, EXIT_INPUT, "the truth file is empty: footsteps-peer was interrupted");
	sqlite3_finalize(row);
	return result == QUERY_ROW;
}

bool score_attach(struct view *v, const char *path, struct error *err)
{
	if (!truth_check(path, err))
		return false;
	/* Read-only, as the connection is. */
	sqlite3_stmt *stmt = query_open(v, "ATTACH ?1 AS truth", err);
	bool ok = stmt && sqlite3_bind_text(stmt, 1, path, -1, SQLITE_STATIC) == SQLITE_OK;
	if (ok && sqlite3_step(stmt) != SQLITE_DONE)
		ok = error_set(err, EXIT_INPUT, "cannot read %s: %s", path, sqlite3_errmsg(v->db));
	sqlite3_finalize(stmt);
	return ok && score_protocol(v, err);
}

/* --- read with care --- */

/* A sentence for each row. */
static const char cautions[] =
	"CREATE TEMP TABLE score_caution (words TEXT);"
	/* One of the inputs has to be the capture; its hash settles that, whatever its name. */
	"INSERT INTO score_caution SELECT printf(iif(EXISTS (SELECT 1 FROM main.inputs WHERE run = :run AND container"
	" <> ''), 'The truth is of %s, and the monitor has read %s: a SHA-256 is that of a compressed file as it is"
	" stored, so nothing tells whether it is the same capture.',"
	" 'The truth is of %s, and the monitor has read another capture: %s has another SHA-256.'), capture,"
	" (SELECT group_concat(path, ', ') FROM main.inputs WHERE run = :run)) FROM truth.runs"
	" WHERE sha256 IS NOT NULL AND sha256 NOT IN (SELECT sha256 FROM main.inputs WHERE run = :run AND sha256"
	" IS NOT NULL) AND EXISTS (SELECT 1 FROM main.inputs WHERE run = :run AND sha256 IS NOT NULL);"
	"INSERT INTO score_caution SELECT printf('Nothing tells whether the monitor has read %s: %s has no SHA-256.',"
	" capture, iif(sha256 IS NULL, 'the truth', 'the run')) FROM truth.runs WHERE sha256 IS NULL"
	" OR NOT EXISTS (SELECT 1 FROM main.inputs WHERE run = :run AND sha256 IS NOT NULL);"
	"INSERT INTO score_caution SELECT printf('The monitor has read %d captures: its packet numbers count through"
	" all of them, those of the truth through %s alone.', count(*), (SELECT capture FROM truth.runs))"
	" FROM main.inputs WHERE run = :run HAVING count(*) > 1;"
	"INSERT INTO score_caution SELECT printf('Flows are cut after %g s by the monitor, after %g s in the truth'"
	" || ' (--idle).', m.idle_ns / 1e9, t.idle_ns / 1e9) FROM main.runs m, truth.runs t"
	" WHERE m.run = :run AND m.idle_ns <> t.idle_ns;"
	"INSERT INTO score_caution SELECT printf('The truth asks for --local-net %s, which the run does not have: its'"
	" || ' clients may count as external.', local_net) FROM truth.runs WHERE local_net <> '' AND NOT instr("
	"(SELECT options FROM main.runs WHERE run = :run), local_net);"
	"INSERT INTO score_caution SELECT printf('The run is incomplete: %s', replace(problems, char(10), '; '))"
	" FROM main.runs WHERE run = :run AND complete = 0;"
	"INSERT INTO score_caution SELECT printf('The run has read %d packets, and the capture has %d.', m.packets,"
	" t.packets) FROM main.runs m, truth.runs t WHERE m.run = :run AND m.packets <> t.packets"
	" AND (SELECT count(*) FROM main.inputs WHERE run = :run) = 1;";

bool score_cautions(struct score *s, struct error *err)
{
	return score_run(s, cautions, err);
}
