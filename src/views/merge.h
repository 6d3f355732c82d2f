/*
 * Two statements of two databases, read side by side: each row is in one of them, or in both. Both must be
 * ordered by their first `keys` columns, in SQLite's own order (BINARY collation). Of rows with equal keys,
 * the first of one side goes with the first of the other. Nothing is kept in memory but what SQLite sorts
 * with.
 */
#ifndef FS_VIEWS_MERGE_H
#define FS_VIEWS_MERGE_H
#include "views/query.h"

enum { SIDE_A, SIDE_B, SIDES };
enum merge_place { MERGE_ONLY_A, MERGE_ONLY_B, MERGE_BOTH };

struct merge {
	const struct view *view[SIDES]; /* borrowed */
	sqlite3_stmt *row[SIDES];       /* owned; to be read after merge_step() on the sides that it names */
	enum query_result state[SIDES];
	int keys;
	bool read[SIDES]; /* the side's row was given out, the next one is to be fetched */
};

/* Prepares the same statement for both. To be closed also on failure; parameters may be bound in between. */
bool merge_open(struct merge *m, const struct view *a, const struct view *b, const char *sql, int keys,
		struct error *err);
/* QUERY_ROW: *place says where the row is. */
enum query_result merge_step(struct merge *m, enum merge_place *place, struct error *err);
void merge_close(struct merge *m);
#endif
