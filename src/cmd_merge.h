/* The runs that `footsteps merge` puts together; private to cmd_merge*.c. */
#ifndef FS_CMD_MERGE_H
#define FS_CMD_MERGE_H
#include "base/problems.h"
#include "capture/source.h"
#include <sqlite3.h>

struct merge_run {
	const char *path; /* borrowed */
	sqlite3 *db;      /* shared by the runs of one file, which are next to each other */
	bool owns_db;
	int64_t run, origin, idle_ns;
	int64_t first_ns, last_ns, origin_first_ns;
	int64_t chunk_ns;             /* stamp of its first chunk */
	int64_t session, worker, seq; /* of its first chunk: the same once more is the same run */
	uint64_t numbers;             /* packets that its origin had numbered by then */
	uint64_t number_offset;
	uint32_t series; /* 0..; of one origin: the same */
	char *options;
};
struct merge_runs {
	struct merge_run *run; /* in order of time, those of one origin together */
	size_t count;
	struct input_info *input; /* of all; an interface of one origin once; texts live as long */
	size_t inputs;
};

/* All runs of the databases. What is no database, has no facts, or is named twice, is an error. */
bool merge_runs_open(struct merge_runs *m, const char *const *paths, size_t count, struct error *err);
void merge_runs_close(struct merge_runs *m);
/* That all options agree that facts depend on, and of the others (keys of the options' JSON) those that are
 * not `again`: given on the command line. */
bool merge_runs_agree(const struct merge_runs *m, bool (*again)(const char *key), struct error *err);
/* Keys of options that only tables depend on; NULL-terminated. */
extern const char *const merge_table_keys[];
/* Appends facts, sessions and minutes of all runs to a database that has none: they are of one origin, and
 * become run 1. */
bool merge_runs_keep(const struct merge_runs *m, sqlite3 *to, const char *path, struct error *err);
/* What the inputs say is missing. */
void merge_runs_problems(const struct merge_runs *m, struct problems *problems);
#endif
