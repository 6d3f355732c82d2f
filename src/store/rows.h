/*
 * A row of results as columns and values. rows.c turns each struct of sink.h into one of these, once for all
 * sinks: what a column is called and what it holds cannot drift between the database and JSON. Private to
 * store/.
 */
#ifndef FS_STORE_ROWS_H
#define FS_STORE_ROWS_H
#include "store/sink.h"

/* Name of the row (JSON), table (SQLite). */
#define ROW_KINDS(X)                                                                                         \
	X(run, runs)                                                                                         \
	X(input, inputs)                                                                                     \
	X(counter, counters)                                                                                 \
	X(client, clients)                                                                                   \
	X(peer, peers)                                                                                       \
	X(pair, pairs)                                                                                       \
	X(flow, flows)                                                                                       \
	X(evidence, evidence)                                                                                \
	X(exchange, exchanges)                                                                               \
	X(exchange_message, exchange_messages)                                                               \
	X(version_check, version_checks)                                                                     \
	X(call, calls)                                                                                       \
	X(hold, holds)                                                                                       \
	X(stream, streams)                                                                                   \
	X(label_total, label_totals)                                                                         \
	X(payload_size, payload_sizes)
enum row_kind {
#define X(name, table) ROW_##name,
	ROW_KINDS(X)
#undef X
		ROW_KIND_COUNT
};
extern const char *const row_names[ROW_KIND_COUNT];
extern const char *const row_tables[ROW_KIND_COUNT];

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
 * Text lives as long as sink.h promises: during the call. Only the names in a row of kind flow live as long
 * as the run, because struct flow_record holds nothing but static and interned names; such a row may wait.
 */
struct row_sink {
	struct sink sink;
	int64_t run;
	/* Where the next row is to be put together. */
	struct row *(*row)(struct row_sink *s, enum row_kind kind);
	bool (*write)(struct row_sink *s, const struct row *row, struct error *err);
	uint64_t packets, counted; /* of the run's row, and the sum of the counters of area "packets" */
};

/* The sum of the account against the run's row; EXIT_INTERNAL when they differ. For finish(). */
bool rows_check(const struct row_sink *s, struct error *err);

bool row_put_run(struct sink *s, const struct run_row *row, struct error *err);
bool row_put_input(struct sink *s, uint32_t n, const struct input_info *row, struct error *err);
bool row_put_counter(struct sink *s, const struct counter_row *row, struct error *err);
bool row_put_client(struct sink *s, const struct client_row *row, struct error *err);
bool row_put_peer(struct sink *s, const struct peer_row *row, struct error *err);
bool row_put_pair(struct sink *s, const struct pair_row *row, struct error *err);
bool row_put_flow(struct sink *s, const struct flow_row *row, struct error *err);
bool row_put_evidence(struct sink *s, const struct evidence_row *row, struct error *err);
bool row_put_exchange(struct sink *s, const struct exchange_row *row, struct error *err);
bool row_put_exchange_message(struct sink *s, const struct exchange_message_row *row, struct error *err);
bool row_put_version(struct sink *s, const struct version_row *row, struct error *err);
bool row_put_call(struct sink *s, const struct call_row *row, struct error *err);
bool row_put_hold(struct sink *s, const struct hold_row *row, struct error *err);
bool row_put_stream(struct sink *s, const struct stream_row *row, struct error *err);
bool row_put_label_total(struct sink *s, const struct label_total_row *row, struct error *err);
bool row_put_size(struct sink *s, const struct size_row *row, struct error *err);

/* The part of struct sink_ops that all such sinks share. */
/* clang-format off */
#define ROW_SINK_PUTS \
	.put_run = row_put_run, .put_input = row_put_input, .put_counter = row_put_counter, \
	.put_client = row_put_client, .put_peer = row_put_peer, .put_pair = row_put_pair, \
	.put_flow = row_put_flow, .put_evidence = row_put_evidence, .put_exchange = row_put_exchange, \
	.put_exchange_message = row_put_exchange_message, .put_version = row_put_version, \
	.put_call = row_put_call, .put_hold = row_put_hold, .put_stream = row_put_stream, \
	.put_label_total = row_put_label_total, .put_size = row_put_size
/* clang-format on */
#endif
