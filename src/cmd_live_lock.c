/* One monitor per database; see cmd_live_lock.h. */
#include "cmd_live_lock.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Not on the database itself: closing any descriptor of that would drop SQLite's own locks (fcntl(2)). */
struct live_lock {
	char *path;
	int fd;
};

static bool held(const char *database, int fd, struct error *err)
{
	char who[24] = "";
	ssize_t length = read(fd, who, sizeof who - 1);

	if (length > 0)
		who[strcspn(who, "\n")] = '\0';
	return error_set(err, EXIT_OUTPUT,
			 "%s: a footsteps live that runs (process %s) writes into it; name another database "
			 "with -o",
			 database, length > 0 ? who : "unknown");
}

/* Whether the file that was locked still has its name: its last owner may have removed it meanwhile. */
static bool is_named(int fd, const char *path)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_dev == named.st_dev &&
	       ours.st_ino == named.st_ino;
}

/* Of the file itself, whatever links lead to it; NULL: no memory. */
static char *lock_name(const char *database)
{
	char *real = realpath(database, NULL), *name;
	int length = asprintf(&name, "%s-live", real ? real : database);

	free(real);
	return length < 0 ? NULL : name;
}

/* Root may take it in a directory of somebody else, who must not choose by a link which file is emptied. */
static bool is_plain(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink <= 1;
}

static bool take(struct live_lock *lock, const char *database, struct error *err)
{
	char text[24];

	do {
		if (lock->fd >= 0)
			close(lock->fd);
		lock->fd = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
		if (lock->fd < 0)
			return error_set(
				err, EXIT_OUTPUT,
				"cannot make %s, which keeps two monitors from one database: %s; name a "
				"place with -o that you may write to",
				lock->path, strerror(errno));
		if (!is_plain(lock->fd))
			return error_set(err, EXIT_OUTPUT,
					 "%s is no plain file, or has another name as well: it is not ours; "
					 "remove it",
					 lock->path);
		if (flock(lock->fd, LOCK_EX | LOCK_NB) < 0)
			return held(database, lock->fd, err);
	} while (!is_named(lock->fd, lock->path));
	int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	/* For people; the lock holds without. */
	(void)!ftruncate(lock->fd, 0);
	(void)!pwrite(lock->fd, text, (size_t)length, 0);
	return true;
}

struct live_lock *live_lock_take(const char *database, struct error *err)
{
	struct live_lock *lock = calloc(1, sizeof *lock);

	if (!lock || !(lock->path = lock_name(database))) {
		free(lock);
		error_memory(err, "a file name");
		return NULL;
	}
	lock->fd = -1;
	if (take(lock, database, err))
		return lock;
	if (lock->fd >= 0)
		close(lock->fd);
	free(lock->path);
	free(lock);
	return NULL;
}

void live_lock_drop(struct live_lock *lock)
{
	if (!lock)
		return;
	unlink(lock->path);
	close(lock->fd);
	free(lock->path);
	free(lock);
}

bool live_lock_is_free(const char *database, struct error *err)
{
	char *name = lock_name(database);
	int fd = name ? open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	/* Shared, so that several may ask at a time. */
	bool is_free = fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK ||
		       held(database, fd, err);

	if (fd >= 0)
		close(fd);
	free(name);
	return is_free;
}
