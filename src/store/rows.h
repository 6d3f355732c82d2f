/*
 * A row of results as columns and values. rows.c turns each struct of sink.h into one of these, once for all
 * sinks: what a column is called and what it holds cannot drift between the database and JSON. Private to
 * store/.
 */
#ifndef FS_STORE_ROWS_H
#define FS_STORE_ROWS_H
#include "store/sink.h"

enum row_kind {
#define X(name, table) ROW_##name,
	SINK_ROWS(X)
#undef X
		ROW_KIND_COUNT
};
extern const char *const row_names[ROW_KIND_COUNT];  /* of the row, in JSON */
extern const char *const row_tables[ROW_KIND_COUNT]; /* in SQLite */
/*
 * Rows that may wait after the call that made them: all their text is static, interned for the run (struct
 * flow_record holds no other), or in the row's scratch. Those are the kinds that come by the thousand.
 */
extern const bool row_waits[ROW_KIND_COUNT];

enum cell_type { CELL_NULL, CELL_INTEGER, CELL_REAL, CELL_TEXT };
struct cell {
	union {
		int64_t integer;
		double real;
		const char *text; /* borrowed, or in the row's scratch */
	} as;
	uint32_t length; /* of text; else 0 */
	enum cell_type type;
};
_Static_assert(sizeof(struct cell) == 16, "compared as bytes: no padding");

#define ROW_CELLS_MAX 48
struct row {
	enum row_kind kind;
	unsigned count;
	unsigned scratch_used;
	struct cell cell[ROW_CELLS_MAX];
	const char *column[ROW_CELLS_MAX]; /* name of each; static */
	char scratch[4][IP_TEXT];          /* text made for this row: addresses, numbers */
};

/*
 * A sink that takes rows. Every row of a kind has the same columns in the same order.
 *
 * Text lives as long as sink.h promises: during the call; in rows that may wait (row_waits[]), as long as the
 * run, and the row's scratch as long as the row.
 */
struct row_sink {
	struct sink sink;
	int64_t run;
	/* Where the next row is to be put together. */
	struct row *(*row)(struct row_sink *s, enum row_kind kind);
	bool (*write)(struct row_sink *s, const struct row *row, struct error *err);
	uint64_t packets, counted; /* of the run's row, and the sum of the counters of area "packets" */
};

/* The sum of the account against the run's row; error_contradiction() when they differ. For finish(). */
bool rows_check(const struct row_sink *s, struct error *err);

#define X(name, table) bool row_put_##name(struct sink *s, const struct name##_row *row, struct error *err);
SINK_ROWS(X)
#undef X

/* The part of struct sink_ops that all such sinks share. */
#define ROW_SINK_PUT(name, table) .put_##name = row_put_##name,
#define ROW_SINK_PUTS             SINK_ROWS(ROW_SINK_PUT)
#endif
