/*
 * The files of a series: the database that is being written (campus.db), those that were rotated out of it
 * (campus.2026-11-22T000000Z.db, of two in a second campus.2026-11-22T000000Z-2.db), and those whose last
 * tables are still to be made (campus.2026-11-22T000000Z.unfinished.db). Private to the live store.
 */
#ifndef FS_STORE_LIVE_FILES_H
#define FS_STORE_LIVE_FILES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct live_file {
	char *path;
	char stamp[20]; /* "2026-11-22T000000Z" */
	unsigned n;     /* 1.. */
	bool finished;
	uint64_t bytes;
	/* For keep; live_files_list() does not ask. */
	bool ours; /* finished, and of the series that is written now */
	int64_t ended_ns;
};
struct live_files {
	struct live_file *file; /* oldest first */
	size_t count;
};

/* What the file itself says of its series. */
struct live_file_inside {
	int64_t origin;
	int64_t session; /* the last */
	int64_t numbers; /* packet numbers that were given out */
	int64_t ended_ns;
};

/* The files of the database's name beside it; none when the directory cannot be read. */
struct live_files live_files_list(const char *path);
void live_files_free(struct live_files *s);
/* False: no footsteps database of a live run. */
bool live_files_look(const char *path, struct live_file_inside *out);
/* Names for a file whose first frame was at this time, that nobody has; allocated. False: no memory. */
bool live_files_name(const char *path, int64_t first_ns, char **unfinished, char **finished);
/* The name that an unfinished file gets; allocated, NULL: no memory. */
char *live_files_finished_name(const char *unfinished);
#endif
