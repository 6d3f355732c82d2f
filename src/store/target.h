/*
 * A file that we make: written beside its final name under a temporary one, so that nothing half-written is
 * ever found under the final name.
 */
#ifndef FS_STORE_TARGET_H
#define FS_STORE_TARGET_H
#include "store/open.h"

struct target {
	char *path;      /* final name, symbolic links followed */
	char *temporary; /* in the same directory; NULL: not made */
};

/* A failure to write `path` in words, EXIT_OUTPUT: what happened and what to do about it. */
bool target_error(const char *path, int error_number, struct error *err);

/*
 * Makes the temporary file and returns its descriptor (for the caller to close), or -1. Refuses to begin when
 * something is there that is not `replaceable` (a kind of file_look()) and not empty.
 */
int target_make(struct target *t, const char *path, enum file_kind replaceable, struct error *err);
/* Everything is written: to the disk, then to the final name. Frees what t holds, also on failure. */
bool target_finish(struct target *t, struct error *err);
/* What SQLite may have left beside a database of this name that is no more, or is replaced now (somebody
 * killed an append, or a live run). It would be played back into the next one. */
void target_remove_journals(const char *path);
/* Removes the temporary file, if there is one. Frees what t holds. */
void target_drop(struct target *t);
#endif
