/* Files under a temporary name; see target.h. */
#include "store/target.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

bool target_error(const char *path, int error_number, struct error *err)
{
	const char *advice;

	switch (error_number) {
	case ENOENT:
	case ENOTDIR:
		advice = "make the directory first, or name another one with -o";
		break;
	case EACCES:
	case EPERM:
	case EROFS:
		advice = "name a place with -o that you may write to";
		break;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		advice = "make room, or name a place with more of it with -o";
		break;
	case EISDIR:
		advice = "name a file with -o";
		break;
	default:
		advice = "name another file with -o";
	}
	return error_set(err, EXIT_OUTPUT, "cannot write %s: %s; %s", path, strerror(error_number), advice);
}

static bool check_replaceable(const char *path, enum file_kind replaceable, struct error *err)
{
	struct file_look look = file_look(path);

	if (look.kind == FILE_DATABASE && replaceable == FILE_DATABASE &&
	    database_schema(path) > STORE_SCHEMA_VERSION)
		return error_set(
			err, EXIT_OUTPUT,
			"%s was made by a newer footsteps, and is not replaced by this one; name another "
			"file with -o, or remove it",
			path);
	if (look.kind == FILE_ABSENT || look.kind == FILE_EMPTY || look.kind == replaceable)
		return true;
	if (look.kind == FILE_UNREADABLE)
		return error_set(
			err, EXIT_OUTPUT,
			"cannot see what %s is, so it is not replaced: %s; name another file with -o", path,
			look.what);
	return error_set(err, EXIT_OUTPUT,
			 "%s is %s, which footsteps does not replace; name another file with -o", path,
			 look.what);
}

/* "DIRECTORY/.NAME.partial-XXXXXXXX", where the name is cut to what a directory takes. */
static char *temporary_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	uint32_t random;
	char *text;

	if (getrandom(&random, sizeof random, 0) != sizeof random)
		return NULL;
	if (asprintf(&text, "%.*s.%.200s.partial-%08" PRIx32, (int)(name - path), path, name, random) < 0)
		return NULL;
	return text;
}

/* Like mkstemp(), but with the mode that a new file of this name would have: 0666 without the umask, or as it
 * has. */
static int make_temporary(struct target *t)
{
	struct stat old;
	int fd;

	do {
		free(t->temporary);
		t->temporary = temporary_name(t->path);
		if (!t->temporary)
			return -1;
		fd = open(t->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	} while (fd < 0 && (errno == EEXIST || errno == EINTR));
	if (fd >= 0 && stat(t->path, &old) == 0 && fchmod(fd, old.st_mode & 0777) < 0) {
		int failure = errno;
		unlink(t->temporary);
		close(fd);
		errno = failure;
		fd = -1;
	}
	return fd;
}

static void target_free(struct target *t)
{
	free(t->path);
	free(t->temporary);
	*t = (struct target){ NULL, NULL };
}

int target_make(struct target *t, const char *path, enum file_kind replaceable, struct error *err)
{
	*t = (struct target){ NULL, NULL };
	if (!check_replaceable(path, replaceable, err))
		return -1;
	t->path = realpath(path, NULL);
	if (!t->path && errno == ENOENT && *path)
		t->path = strdup(path);
	int fd = t->path ? make_temporary(t) : -1;
	if (fd < 0) {
		target_error(path, errno, err);
		target_free(t);
	}
	return fd;
}

/* The directory, too, so that the new name survives a power cut. Not every file system can; the file is safe
 * then. */
static void sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd = directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		(void)!fsync(fd);
		close(fd);
	}
	free(directory);
}

void target_remove_journals(const char *path)
{
	static const char *const suffixes[] = { "-journal", "-wal", "-shm" };
	char *name;

	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
		if (asprintf(&name, "%s%s", path, suffixes[i]) >= 0) {
			unlink(name);
			free(name);
		}
}

bool target_finish(struct target *t, struct error *err)
{
	int fd = open(t->temporary, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (ok) {
		if (file_look(t->path).kind == FILE_DATABASE)
			target_remove_journals(t->path);
		ok = rename(t->temporary, t->path) == 0;
	}
	if (!ok) {
		target_error(t->path, errno, err);
		unlink(t->temporary);
	}
	if (fd >= 0)
		close(fd);
	if (ok)
		sync_directory(t->path);
	target_free(t);
	return ok;
}

void target_drop(struct target *t)
{
	if (t->temporary)
		unlink(t->temporary);
	target_free(t);
}
