/* The files that the user's arguments stand for; see paths.h. */
#include "capture/paths.h"
#include <errno.h>
#include <fts.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool list_add(struct path_list *list, struct found_path found, struct error *err)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 16;
		struct found_path *grown = realloc(list->items, room * sizeof *grown);

		if (!grown)
			return error_memory(err, "the list of inputs");
		list->items = grown;
		list->room = room;
	}
	list->items[list->count++] = found;
	return true;
}

static bool is_regular_target(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool entry_add(struct path_list *list, const FTSENT *entry, size_t argument, struct error *err)
{
	switch (entry->fts_info) {
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return error_set(err, EXIT_INPUT, "%s: cannot be read: %s", entry->fts_path,
				 strerror(entry->fts_errno));
	case FTS_SL:
		if (!is_regular_target(entry->fts_accpath))
			return true;
		break;
	case FTS_F:
		break;
	default:
		return true;
	}
	char *path = strdup(entry->fts_path);

	if (!path)
		return error_memory(err, "the list of inputs");
	if (list_add(list, (struct found_path){ path, argument, true }, err))
		return true;
	free(path);
	return false;
}

static int by_bytes(const void *a, const void *b)
{
	const struct found_path *left = a, *right = b;

	return strcmp(left->path, right->path);
}

static bool directory_add(struct path_list *list, const char *directory, size_t argument, struct error *err)
{
	size_t first = list->count;
	bool ok = true;
	/* fts asks for a writable array of strings that it only reads. */
	char *roots[] = { (char *)(uintptr_t)directory, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);

	if (!walk)
		return error_set(err, EXIT_INPUT, "%s: cannot be read: %s", directory, strerror(errno));
	while (ok) {
		errno = 0;
		FTSENT *entry = fts_read(walk);

		if (!entry) {
			if (errno)
				ok = error_set(err, EXIT_INPUT, "%s: cannot be read: %s", directory,
					       strerror(errno));
			break;
		}
		ok = entry_add(list, entry, argument, err);
	}
	fts_close(walk);
	if (list->count > first)
		qsort(list->items + first, list->count - first, sizeof *list->items, by_bytes);
	return ok;
}

bool paths_expand(const char *const *arguments, size_t count, struct path_list *out, struct error *err)
{
	*out = (struct path_list){ 0 };
	for (size_t i = 0; i < count; i++) {
		const char *path = arguments[i];
		struct stat st;
		bool is_stdin = strcmp(path, "-") == 0;

		if (!is_stdin && stat(path, &st) != 0) {
			error_set(err, EXIT_INPUT, "%s: cannot be opened: %s", *path ? path : "''",
				  strerror(errno));
			goto failed;
		}
		bool added = !is_stdin && S_ISDIR(st.st_mode)
				     ? directory_add(out, path, i, err)
				     : list_add(out, (struct found_path){ path, i, false }, err);

		if (!added)
			goto failed;
	}
	return true;
failed:
	paths_free(out);
	return false;
}

void paths_free(struct path_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].in_directory)
			free((char *)(uintptr_t)list->items[i].path);
	free(list->items);
	*list = (struct path_list){ 0 };
}
