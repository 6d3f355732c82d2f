/* An output directory that appears whole or not at all; see staging.h. */
#include "views/staging.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARKER_WITHIN 4096 /* bytes of the index file that are searched */

static bool is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Removes a flat directory: ours hold files only. */
static void directory_remove(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (!is_dot(entry->d_name))
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(path);
}

static bool has_marker(const char *directory, const char *index, const char *marker)
{
	char path[STAGING_PATH + 64], head[MARKER_WITHIN + 1];
	FILE *in = NULL;

	if (snprintf(path, sizeof path, "%s/%s", directory, index) < (int)sizeof path)
		in = fopen(path, "re");
	if (!in)
		return false;
	size_t length = fread(head, 1, MARKER_WITHIN, in);
	fclose(in);
	head[length] = '\0';
	return strstr(head, marker) != NULL;
}

/* A file that a report writes, by its name. */
static bool is_ours(const char *name, const char *index)
{
	static const char *const endings[] = { ".tsv", ".svg", ".png", ".pdf" };
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof endings / sizeof endings[0]; i++)
		if (strcmp(dot, endings[i]) == 0)
			return true;
	return strcmp(name, index) == 0;
}

/* Whether the existing target may be replaced. */
static bool target_check(const char *target, const char *index, const char *marker, struct error *err)
{
	DIR *dir = opendir(target);
	struct dirent *entry;
	bool any = false, ok = true;

	if (!dir)
		return error_set(err, EXIT_OUTPUT, "%s: %s; name another output directory with -o", target,
				 strerror(errno));
	while (ok && (entry = readdir(dir))) {
		if (is_dot(entry->d_name))
			continue;
		any = true;
		if (!is_ours(entry->d_name, index))
			ok = error_set(err, EXIT_OUTPUT,
				       "%s holds '%s', which is no part of a report; name another output "
				       "directory with -o",
				       target, entry->d_name);
	}
	closedir(dir);
	if (ok && any && !has_marker(target, index, marker))
		ok = error_set(
			err, EXIT_OUTPUT,
			"%s exists and holds no report of footsteps; name another output directory with -o",
			target);
	return ok;
}

bool staging_open(struct staging *s, const char *target, const char *index, const char *marker,
		  struct error *err)
{
	size_t length = strlen(target);
	struct stat status;
	char *real = NULL;

	*s = (struct staging){ .replaces = false };
	while (length > 1 && target[length - 1] == '/')
		length--;
	if (length == 0 || length >= STAGING_PATH - 16)
		return error_set(err, EXIT_OUTPUT, "'%.80s' cannot be an output directory", target);
	snprintf(s->target, sizeof s->target, "%.*s", (int)length, target);
	if (stat(s->target, &status) == 0) {
		if (!target_check(s->target, index, marker, err))
			return false;
		s->replaces = true;
		/* Through a link, and "." too: the directory itself is replaced. */
		real = realpath(s->target, NULL);
		if (!real || strlen(real) >= STAGING_PATH - 16) {
			free(real);
			return error_set(err, EXIT_OUTPUT, "%s: %s", s->target, strerror(errno));
		}
		snprintf(s->target, sizeof s->target, "%s", real);
		free(real);
	}
	snprintf(s->work, sizeof s->work, "%.4080s.XXXXXX", s->target);
	if (!mkdtemp(s->work)) {
		s->work[0] = '\0';
		return error_set(err, EXIT_OUTPUT, "%s: cannot be made: %s", s->target, strerror(errno));
	}
	/* mkdtemp() makes it private; a report is as open as any other new directory. */
	mode_t mask = umask(0);
	umask(mask);
	if (chmod(s->work, 0777 & ~mask) != 0)
		return error_set(err, EXIT_OUTPUT, "%s: %s", s->work, strerror(errno));
	return true;
}

FILE *staging_file(const struct staging *s, const char *name, struct error *err)
{
	char path[STAGING_PATH + 64];
	FILE *out = NULL;

	if (snprintf(path, sizeof path, "%s/%s", s->work, name) < (int)sizeof path)
		out = fopen(path, "wxe");
	if (!out)
		error_set(err, EXIT_OUTPUT, "%s/%s: %s", s->target, name, strerror(errno));
	return out;
}

bool staging_file_close(const struct staging *s, const char *name, FILE *file, struct error *err)
{
	bool failed = ferror(file);

	if (fclose(file) != 0 || failed)
		return error_set(err, EXIT_OUTPUT, "%s/%s: %s", s->target, name,
				 errno ? strerror(errno) : "cannot be written");
	return true;
}

bool staging_commit(struct staging *s, struct error *err)
{
	char old[STAGING_PATH];
	bool ok;

	if (s->replaces) {
		/* Exchanged in one step where the file system can; else there is a moment without either. */
		if (renameat2(AT_FDCWD, s->work, AT_FDCWD, s->target, RENAME_EXCHANGE) == 0) {
			directory_remove(s->work);
			s->work[0] = '\0';
			return true;
		}
		snprintf(old, sizeof old, "%.4080s-old", s->work);
		if (rename(s->target, old) != 0)
			return error_set(err, EXIT_OUTPUT, "%s: %s", s->target, strerror(errno));
		ok = rename(s->work, s->target) == 0;
		if (ok)
			directory_remove(old);
		else if (rename(old, s->target) != 0)
			return error_set(err, EXIT_OUTPUT, "%s: %s; the report before is now %s", s->target,
					 strerror(errno), old);
	} else {
		ok = rename(s->work, s->target) == 0;
	}
	if (!ok)
		return error_set(err, EXIT_OUTPUT, "%s: %s", s->target, strerror(errno));
	s->work[0] = '\0';
	return true;
}

void staging_close(struct staging *s)
{
	if (s->work[0])
		directory_remove(s->work);
	s->work[0] = '\0';
}
