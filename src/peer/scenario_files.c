/* Where scenarios are: by path, or by the bare name of one that comes with the program. */
#include "peer/commands.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef PKGDATADIR
#define PKGDATADIR "/usr/share/footsteps"
#endif
#define ENDING     ".scenario"
#define NAMES_MOST 256
#define PATH_TEXT  4096

/* The folder of shipped scenarios into path. */
static bool folder_find(char path[PATH_TEXT])
{
	const char *data = getenv("FOOTSTEPS_DATA");
	const char *below[] = { "/scenarios", "/traces/scenarios" };

	for (size_t i = 0; data && i < 2; i++)
		if (snprintf(path, PATH_TEXT, "%s%s", data, below[i]) < PATH_TEXT && access(path, R_OK) == 0)
			return true;
	snprintf(path, PATH_TEXT, "%s/scenarios", PKGDATADIR);
	return access(path, R_OK) == 0;
}

static int is_scenario(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > strlen(ENDING) && strcmp(entry->d_name + length - strlen(ENDING), ENDING) == 0;
}

bool scenario_shipped(void (*each)(const char *name, void *self), void *self)
{
	char path[PATH_TEXT];
	struct dirent **found = NULL;
	int count = folder_find(path) ? scandir(path, &found, is_scenario, alphasort) : -1;

	for (int i = 0; i < count; i++) {
		found[i]->d_name[strlen(found[i]->d_name) - strlen(ENDING)] = '\0';
		each(found[i]->d_name, self);
		free(found[i]);
	}
	free(found);
	return count >= 0;
}

struct names {
	const char *name[NAMES_MOST + 1];
	size_t count;
};

static void name_add(const char *name, void *self)
{
	struct names *names = self;
	char *copy = names->count < NAMES_MOST ? strdup(name) : NULL;

	if (copy)
		names->name[names->count++] = copy;
}

static void not_found(const char *argument, struct error *err)
{
	struct names names = { .count = 0 };

	scenario_shipped(name_add, &names);
	const char *near = nearest_word(argument, names.name);
	if (near)
		error_set(err, EXIT_INPUT, "there is no scenario '%.80s'; did you mean '%s'?", argument,
			  near);
	else
		error_set(err, EXIT_INPUT,
			  "there is no scenario '%.80s'; '" PROGRAM " check' lists those that come with it",
			  argument);
	for (size_t i = 0; i < names.count; i++)
		free((char *)names.name[i]);
}

struct scenario *scenario_open(const char *argument, struct error *err)
{
	char folder[PATH_TEXT], path[PATH_TEXT + 300];

	if (access(argument, F_OK) == 0 || errno != ENOENT || strchr(argument, '/') || strlen(argument) > 255)
		return scenario_read(argument, err);
	if (folder_find(folder)) {
		snprintf(path, sizeof path, "%s/%s%s", folder, argument,
			 strstr(argument, ENDING) ? "" : ENDING);
		if (access(path, F_OK) == 0)
			return scenario_read(path, err);
	}
	not_found(argument, err);
	return NULL;
}
