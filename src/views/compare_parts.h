/* The parts of a comparison, and the temporary database that they write to. */
#ifndef FS_VIEWS_COMPARE_PARTS_H
#define FS_VIEWS_COMPARE_PARTS_H
#include "views/compare.h"
#include "views/merge.h"

struct comparison {
	const struct view *side[SIDES]; /* borrowed */
	struct view results;
	bool members;           /* the sockets one by one are wanted */
	int64_t from_ns, to_ns; /* where the traces overlap: only there they may have flows in common */
};

bool results_open(struct comparison *c, struct error *err);
void results_close(struct comparison *c);
/*
 * Runs a statement of the results once: its ?1, ?2 ... are what follows, by the letters of `types`: 's' a
 * text (NULL: NULL), 'i' an int64_t, 'd' a double (NAN: NULL).
 */
bool results_put(struct comparison *c, struct error *err, const char *sql, const char *types, ...);
/* A sentence that the reader must know. */
bool caution_add(struct comparison *c, struct error *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What is compared, and what makes it incomparable. */
bool compare_runs(struct comparison *c, struct error *err);
bool compare_counts(struct comparison *c, struct error *err);
bool compare_distributions(struct comparison *c, struct error *err);
bool compare_sockets(struct comparison *c, struct error *err);
bool compare_flows(struct comparison *c, struct error *err);

/* For people, three digits. Units: "", "bytes", "%", "us", "ns". */
#define QUANTITY_TEXT 48
void quantity_format(double value, const char *unit, char out[QUANTITY_TEXT]);

bool compare_print(struct comparison *c, const struct compare_request *request, FILE *out, struct error *err);
#endif
