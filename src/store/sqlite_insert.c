/* Rows into a SQLite database. */
#include "store/sqlite_insert.h"
#include "store/target.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool sqlite_failure(sqlite3 *db, const char *path, struct error *err)
{
	int code = sqlite3_extended_errcode(db), system = sqlite3_system_errno(db);

	switch (code & 0xff) { /* the primary code */
	case SQLITE_FULL:
		return target_error(path, ENOSPC, err);
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return target_error(path, system ? system : EIO, err);
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return target_error(path, EACCES, err);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return error_set(err, EXIT_OUTPUT,
				 "%s is in use by another program; end that one and try again", path);
	case SQLITE_NOMEM:
		return error_memory(err, "the database");
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return error_set(err, EXIT_OUTPUT,
				 "%s is damaged (%s); read the captures again into another file", path,
				 sqlite3_errmsg(db));
	case SQLITE_CONSTRAINT: /* two rows that should be one, above all */
		return error_contradiction(err, "the database %s does not take a row: %s", path,
					   sqlite3_errmsg(db));
	default:
		return error_set(err, EXIT_INTERNAL,
				 "a defect of footsteps: the database %s does not take a row: %s", path,
				 sqlite3_errmsg(db));
	}
}

void inserter_init(struct inserter *in, sqlite3 *db, const char *path)
{
	unsigned most = (unsigned)sqlite3_limit(db, SQLITE_LIMIT_VARIABLE_NUMBER, -1) / ROW_CELLS_MAX;

	*in = (struct inserter){ .db = db, .path = path, .batch = most < INSERT_BATCH ? most : INSERT_BATCH };
}

void inserter_drop(struct inserter *in)
{
	for (int i = 0; i < ROW_KIND_COUNT; i++) {
		sqlite3_finalize(in->one[i]);
		sqlite3_finalize(in->many[i]);
		free(in->bound[i]);
	}
}

/* "INSERT INTO flows(run,flow,...)VALUES(?,?,...),(?,?,...)" */
static sqlite3_stmt *prepare(struct inserter *in, const struct row *row, unsigned rows, struct error *err)
{
	sqlite3_str *text = sqlite3_str_new(in->db);
	sqlite3_stmt *stmt = NULL;

	sqlite3_str_appendf(text, "INSERT INTO %s", row_tables[row->kind]);
	for (unsigned c = 0; c < row->count; c++)
		sqlite3_str_appendf(text, "%s%s", c ? "," : "(", row->column[c]);
	sqlite3_str_appendall(text, ")VALUES");
	for (unsigned r = 0; r < rows; r++) {
		for (unsigned c = 0; c < row->count; c++)
			sqlite3_str_appendall(text, c ? ",?" : r ? ",(?" : "(?");
		sqlite3_str_appendchar(text, 1, ')');
	}
	char *sql = sqlite3_str_finish(text);
	if (!sql)
		error_memory(err, "a statement");
	else if (sqlite3_prepare_v3(in->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
		sqlite_failure(in->db, in->path, err);
	sqlite3_free(sql);
	return stmt;
}

static int bind_cell(sqlite3_stmt *stmt, int place, const struct cell *cell)
{
	switch (cell->type) {
	case CELL_INTEGER:
		return sqlite3_bind_int64(stmt, place, cell->as.integer);
	case CELL_REAL:
		return sqlite3_bind_double(stmt, place, cell->as.real);
	case CELL_TEXT: /* stays where it is until the statement has run */
		return sqlite3_bind_text(stmt, place, cell->as.text, (int)cell->length, SQLITE_STATIC);
	case CELL_NULL:
		break;
	}
	return sqlite3_bind_null(stmt, place);
}

/* Runs the statement, whose parameters are bound unless `bound` says otherwise. */
static bool run_bound(struct inserter *in, sqlite3_stmt *stmt, int bound, struct error *err)
{
	if (bound == SQLITE_OK && sqlite3_step(stmt) == SQLITE_DONE) {
		sqlite3_reset(stmt);
		return true;
	}
	return sqlite_failure(in->db, in->path, err);
}

bool inserter_one(struct inserter *in, const struct row *row, struct error *err)
{
	sqlite3_stmt **stmt = &in->one[row->kind];
	int code = SQLITE_OK;

	if (!*stmt)
		*stmt = prepare(in, row, 1, err);
	if (!*stmt)
		return false;
	for (unsigned c = 0; c < row->count && code == SQLITE_OK; c++)
		code = bind_cell(*stmt, (int)c + 1, &row->cell[c]);
	return run_bound(in, *stmt, code, err);
}

/*
 * Binds what is not bound already: labels, zeros and NULLs repeat from batch to batch. SQLite reads text when
 * the statement runs, so that the same place and length are the same binding, whatever was written there in
 * between.
 */
static int bind_changed(sqlite3_stmt *stmt, int before, struct cell *bound, const struct row *row)
{
	int code = SQLITE_OK;

	for (unsigned c = 0; c < row->count; c++)
		if (memcmp(&bound[c], &row->cell[c], sizeof bound[c]) != 0) {
			bound[c] = row->cell[c];
			code |= bind_cell(stmt, before + (int)c + 1, &row->cell[c]);
		}
	return code;
}

static bool prepare_many(struct inserter *in, const struct row *row, struct error *err)
{
	struct cell **bound = &in->bound[row->kind];

	if (!*bound)
		*bound = calloc((size_t)in->batch * row->count, sizeof **bound); /* CELL_NULL, as in SQLite */
	if (!*bound)
		return error_memory(err, "a statement");
	in->many[row->kind] = prepare(in, row, in->batch, err);
	return in->many[row->kind] != NULL;
}

static bool insert_many(struct inserter *in, const struct row *row, struct error *err)
{
	int code = SQLITE_OK;

	if (!in->many[row->kind] && !prepare_many(in, row, err))
		return false;
	sqlite3_stmt *many = in->many[row->kind];
	for (unsigned r = 0; r < in->batch; r++)
		code |= bind_changed(many, (int)(r * row->count),
				     in->bound[row->kind] + (size_t)r * row->count, &row[r]);
	return run_bound(in, many, code, err);
}

/* How many rows from the first on are of its kind. */
static unsigned alike(const struct row *row, unsigned rows)
{
	unsigned n = 1;

	while (n < rows && row[n].kind == row[0].kind)
		n++;
	return n;
}

bool inserter_rows(struct inserter *in, const struct row *row, unsigned rows, struct error *err)
{
	bool ok = true;

	for (unsigned n; ok && rows > 0; row += n, rows -= n) {
		n = alike(row, rows);
		if (n >= in->batch) {
			n = in->batch;
			ok = insert_many(in, row, err);
		} else {
			for (unsigned i = 0; ok && i < n; i++)
				ok = inserter_one(in, &row[i], err);
		}
	}
	return ok;
}
