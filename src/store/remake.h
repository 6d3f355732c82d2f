/*
 * From the facts in a database to its tables: what `live` does again and again, `merge` once, `verify` to
 * compare with. Whoever asks says with which options; facts do not depend on them, tables do.
 */
#ifndef FS_STORE_REMAKE_H
#define FS_STORE_REMAKE_H
#include "base/problems.h"
#include "store/aggregate.h"
#include <sqlite3.h>

/* One run whose facts are wanted, in an open database. */
struct remake_source {
	sqlite3 *db;
	int64_t run;
	int64_t up_to; /* rowid in facts: chunks beyond are left for the next time; 0: all */
	uint64_t number_offset;
	uint32_t series; /* equal: the same live run, in several files; those are next to each other */
};

/* What goes into the manifest, and how. */
struct remake_options {
	const struct aggregate_options *aggregate;
	const struct input_info *input; /* rows of inputs; borrowed */
	size_t inputs;
	/* No more facts come, and accounts are checked to the end; else flows that still live are said to be
	 * (counters flows/alive). */
	bool final;
	/* The facts come from files that somebody named: what is wrong in them, or contradicts, is EXIT_INPUT
	 * and not a defect of ours. */
	bool from_files;
	/* Who looks at what is told before the aggregator does, and passes it on; NULL: nobody. */
	struct intake (*before)(void *self, const struct intake *aggregate);
	/* Opens the sink when the first row is there to be put, so that a database is locked as short as
	 * possible; finished or abandoned by remake(). self: of both calls. */
	struct sink *(*open_sink)(void *self, struct error *err);
	void *self;
};

struct remake_result {
	struct aggregate_summary summary;
	bool gaps; /* of some stream chunks between others are missing; known when the sink is opened */
};

/*
 * Counts of a stream are since its worker was made. A stream that began in another file (rotation) has a
 * chunk of seq 0 here, with what had been counted by then, or else begins with a later seq: its first counts
 * are taken off.
 *
 * A stream in several sources of a series is one: its chunks are told in order of seq, whatever the order of
 * the sources. Chunks that two of them have are EXIT_USAGE.
 *
 * Tells the facts of all sources, merged by stamp, to a new aggregator, and writes its rows into the sink.
 * run: version, libraries, options and idle_ns are the caller's, the rest is filled here.
 */
bool remake(const struct remake_source *source, size_t sources, const struct remake_options *options,
	    struct run_row *run, struct problems *problems, struct remake_result *result, struct error *err);
#endif
