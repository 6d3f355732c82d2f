/*
 * `footsteps compare`: two runs side by side. What is found is kept in a temporary database, whose tables
 * (compare_results.c) are printed for people or written for machines.
 */
#ifndef FS_VIEWS_COMPARE_H
#define FS_VIEWS_COMPARE_H
#include "views/query.h"
#include "views/show.h"

/* name, title for people */
#define COMPARE_PARTS(X)                                                                                     \
	X(runs, "Runs")                                                                                      \
	X(cautions, "Read with care")                                                                        \
	X(options, "Options that differ")                                                                    \
	X(counts, "Counts")                                                                                  \
	X(distributions, "Distributions")                                                                    \
	X(sockets, "Sockets")                                                                                \
	X(members, "Sockets, one by one")                                                                    \
	X(flows, "Flows that are in both")                                                                   \
	X(labels, "Labels and roles that changed")
enum compare_part {
#define X(name, title) COMPARE_##name,
	COMPARE_PARTS(X)
#undef X
		COMPARE_PART_COUNT, /* all of them */
};
extern const char *const compare_part_names[COMPARE_PART_COUNT + 1]; /* NULL-terminated */

struct compare_request {
	enum compare_part part; /* COMPARE_PART_COUNT: all */
	enum show_format format;
	bool all;       /* every row, and the sockets one by one */
	unsigned width; /* of tables, in columns */
};

/*
 * Settles which protocol both are compared by: the wanted one, which one of them must have; else the main one
 * of A if B has it, that of B if A has it, any that both have. EXIT_USAGE, saying what there is, when they
 * have none in common; "" when neither has a client.
 */
bool compare_protocol(struct view *a, struct view *b, const char *wanted, struct error *err);
bool compare(const struct view *a, const struct view *b, const struct compare_request *request, FILE *out,
	     struct error *err);
#endif
