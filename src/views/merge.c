/* Two sorted statements, side by side; see merge.h. */
#include "views/merge.h"
#include <string.h>

/* The order of types: https://www.sqlite.org/datatype3.html section 4.1. */
static int type_rank(int type)
{
	return type == SQLITE_NULL ? 0 : type == SQLITE_TEXT ? 2 : type == SQLITE_BLOB ? 3 : 1;
}

static int texts_compare(sqlite3_stmt *a, sqlite3_stmt *b, int column)
{
	const void *x = sqlite3_column_blob(a, column), *y = sqlite3_column_blob(b, column);
	size_t n = (size_t)sqlite3_column_bytes(a, column), m = (size_t)sqlite3_column_bytes(b, column);
	size_t common = n < m ? n : m;
	int order = common ? memcmp(x, y, common) : 0;

	return order ? order : (n > m) - (n < m);
}

static int cells_compare(sqlite3_stmt *a, sqlite3_stmt *b, int column)
{
	int type_a = sqlite3_column_type(a, column), type_b = sqlite3_column_type(b, column);
	int rank = type_rank(type_a) - type_rank(type_b);

	if (rank || type_a == SQLITE_NULL)
		return rank;
	if (type_rank(type_a) > 1)
		return texts_compare(a, b, column);
	if (type_a == SQLITE_INTEGER && type_b == SQLITE_INTEGER) {
		int64_t x = sqlite3_column_int64(a, column), y = sqlite3_column_int64(b, column);
		return (x > y) - (x < y);
	}
	double x = sqlite3_column_double(a, column), y = sqlite3_column_double(b, column);
	return (x > y) - (x < y);
}

/* < 0, 0, > 0: the first `keys` columns, as ORDER BY compares them. */
static int rows_compare(sqlite3_stmt *a, sqlite3_stmt *b, int keys)
{
	int order = 0;

	for (int c = 0; c < keys && order == 0; c++)
		order = cells_compare(a, b, c);
	return order;
}

bool merge_open(struct merge *m, const struct view *a, const struct view *b, const char *sql, int keys,
		struct error *err)
{
	*m = (struct merge){ .view = { a, b }, .keys = keys, .read = { true, true } };
	for (int side = 0; side < SIDES; side++) {
		m->state[side] = QUERY_ROW;
		m->row[side] = query_open(m->view[side], sql, err);
		if (!m->row[side])
			return false;
	}
	return true;
}

enum query_result merge_step(struct merge *m, enum merge_place *place, struct error *err)
{
	for (int side = 0; side < SIDES; side++) {
		if (!m->read[side] || m->state[side] != QUERY_ROW)
			continue;
		m->state[side] = query_step(m->view[side], m->row[side], err);
		m->read[side] = false;
		if (m->state[side] == QUERY_FAILED)
			return QUERY_FAILED;
	}
	if (m->state[SIDE_A] != QUERY_ROW && m->state[SIDE_B] != QUERY_ROW)
		return QUERY_END;
	int order = m->state[SIDE_A] != QUERY_ROW   ? 1
		    : m->state[SIDE_B] != QUERY_ROW ? -1
						    : rows_compare(m->row[SIDE_A], m->row[SIDE_B], m->keys);
	*place = order < 0 ? MERGE_ONLY_A : order > 0 ? MERGE_ONLY_B : MERGE_BOTH;
	m->read[SIDE_A] = order <= 0;
	m->read[SIDE_B] = order >= 0;
	return QUERY_ROW;
}

void merge_close(struct merge *m)
{
	for (int side = 0; side < SIDES; side++)
		sqlite3_finalize(m->row[side]);
}
