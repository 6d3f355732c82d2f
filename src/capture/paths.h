/* The files that the user's arguments stand for. */
#ifndef FS_CAPTURE_PATHS_H
#define FS_CAPTURE_PATHS_H
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

struct found_path {
	const char *path; /* borrowed from the caller, or, when found in a directory, owned by the list */
	size_t argument;  /* index of the argument that it comes from */
	bool in_directory;
};

struct path_list {
	struct found_path *items;
	size_t count, room;
};

/*
 * Files as they are; for a directory every regular file below it and every symbolic link to one, in byte
 * order of their paths. Links to directories are not followed, so that no loop can catch us.
 */
bool paths_expand(const char *const *arguments, size_t count, struct path_list *out, struct error *err);
void paths_free(struct path_list *list);
#endif
