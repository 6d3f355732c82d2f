/*
 * An output directory that appears whole or not at all: files are written under a temporary name beside it,
 * then it is renamed. What stands there before is replaced only if it is empty or was made by the same kind
 * of program: nobody loses a directory by a mistyped -o.
 */
#ifndef FS_VIEWS_STAGING_H
#define FS_VIEWS_STAGING_H
#include "base/error.h"
#include <stdbool.h>
#include <stdio.h>

#define STAGING_PATH 4096
struct staging {
	char target[STAGING_PATH]; /* where it will be */
	char work[STAGING_PATH];   /* where it is written; "" none */
	bool replaces;
};

/*
 * index: a file that a directory of ours holds, and marker: a text near its beginning. Fails (EXIT_OUTPUT) if
 * the target holds anything else, or cannot be written.
 */
bool staging_open(struct staging *s, const char *target, const char *index, const char *marker,
		  struct error *err);
/* A new file in it. NULL with *err on failure. */
FILE *staging_file(const struct staging *s, const char *name, struct error *err);
/* Closes a file of it; false when something could not be written. */
bool staging_file_close(const struct staging *s, const char *name, FILE *file, struct error *err);
/* Puts it in place. */
bool staging_commit(struct staging *s, struct error *err);
/* Removes what was written and not put in place. Does nothing after staging_commit(). */
void staging_close(struct staging *s);
#endif
