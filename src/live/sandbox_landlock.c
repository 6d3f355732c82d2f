/*
 * Landlock: which files can be opened at all, and no TCP. By system calls of our own, with the constants
 * written out, so that headers older than the running kernel do not make it weaker. Values:
 * include/uapi/linux/landlock.h of Linux 6.12.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "live/sandbox_parts.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same on every architecture but alpha: arch/.../syscall.tbl */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

#define CREATE_RULESET_VERSION 1U
#define RULE_PATH_BENEATH      1

#define FS_EXECUTE     (UINT64_C(1) << 0)
#define FS_WRITE_FILE  (UINT64_C(1) << 1)
#define FS_READ_FILE   (UINT64_C(1) << 2)
#define FS_READ_DIR    (UINT64_C(1) << 3)
#define FS_REMOVE_DIR  (UINT64_C(1) << 4)
#define FS_REMOVE_FILE (UINT64_C(1) << 5)
#define FS_MAKE_DIR    (UINT64_C(1) << 7)
#define FS_MAKE_REG    (UINT64_C(1) << 8)
#define FS_MAKE_SOCK   (UINT64_C(1) << 9)
#define FS_ABI_1       ((UINT64_C(1) << 13) - 1) /* all from EXECUTE to MAKE_SYM */
#define FS_REFER       (UINT64_C(1) << 13)       /* ABI 2: rename from one directory to another */
#define FS_TRUNCATE    (UINT64_C(1) << 14)       /* ABI 3 */
#define FS_IOCTL_DEV   (UINT64_C(1) << 15)       /* ABI 5 */
#define NET_TCP        UINT64_C(3)               /* ABI 4: bind and connect */
#define SCOPE_SOCKET   (UINT64_C(1) << 0)        /* ABI 6: abstract Unix sockets outside */
#define SCOPE_SIGNAL   (UINT64_C(1) << 1)        /* ABI 6: signals to processes outside */

#define FS_READ (FS_READ_FILE | FS_READ_DIR)
#define FS_WRITE                                                                                             \
	(FS_READ | FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG |              \
	 FS_MAKE_SOCK | FS_REFER | FS_TRUNCATE)
#define FS_OF_A_FILE (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

struct ruleset {
	uint64_t fs, net, scoped;
};
struct path_beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

/*
 * Read by libraries in the course of a run. libpcap: the drops of an interface (/sys/class/net is made of
 * links into /sys/devices). SQLite: /dev/urandom. OpenSSL: its configuration, with the first digest (not the
 * private keys beside it). glibc: the zone, and what it says of our own memory.
 */
static const char *const readable[] = {
	"/sys/class/net",       "/sys/devices", "/proc/self",
	"/etc/ssl/openssl.cnf", "/dev/urandom", "/etc/localtime",
	"/usr/share/zoneinfo",  "/proc/sys/vm", NULL,
};

unsigned landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, CREATE_RULESET_VERSION);

	return abi > 0 ? (unsigned)abi : 0;
}

const char *landlock_covers(unsigned abi)
{
	return abi >= 6 ? "files, TCP, signals, abstract sockets" : abi >= 4 ? "files, TCP" : "files";
}

static struct ruleset handled(unsigned abi)
{
	const char *notify = getenv("NOTIFY_SOCKET");
	struct ruleset r = { .fs = FS_ABI_1 };

	if (abi >= 2)
		r.fs |= FS_REFER;
	if (abi >= 3)
		r.fs |= FS_TRUNCATE;
	if (abi >= 4)
		r.net = NET_TCP;
	if (abi >= 5)
		r.fs |= FS_IOCTL_DEV;
	if (abi >= 6)
		r.scoped = SCOPE_SIGNAL | SCOPE_SOCKET;
	/* Old managers of services listen on an abstract socket. */
	if (notify && notify[0] == '@')
		r.scoped &= ~SCOPE_SOCKET;
	return r;
}

/* What is not there needs no rule. */
static bool rule_add(int rules, const struct ruleset *r, const char *path, uint64_t allowed,
		     struct error *err)
{
	struct stat is;
	int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
		return true;
	if (fd < 0 || fstat(fd, &is) != 0)
		goto failed;
	if (!S_ISDIR(is.st_mode))
		allowed &= FS_OF_A_FILE;
	const struct path_beneath rule = { .allowed = allowed & r->fs, .parent = fd };
	if (syscall(SYS_landlock_add_rule, rules, RULE_PATH_BENEATH, &rule, 0U) != 0)
		goto failed;
	close(fd);
	return true;
failed:
	error_set(err, EXIT_INTERNAL, "Landlock: %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return false;
}

/* A directory; of a file, the one that it is in; of a link, also that of the file to which it leads, which is
 * the one that the kernel asks about. */
static bool rule_add_beside(int rules, const struct ruleset *r, const char *path, struct error *err)
{
	struct stat is;
	const char *slash = strrchr(path, '/');

	if (stat(path, &is) != 0 || S_ISDIR(is.st_mode))
		return rule_add(rules, r, path, FS_READ, err);
	char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	bool ok = folder ? rule_add(rules, r, folder, FS_READ, err) : error_memory(err, path);
	free(folder);
	char *real = realpath(path, NULL), *end = real ? strrchr(real, '/') : NULL;
	if (ok && end) {
		end[end == real] = '\0';
		ok = rule_add(rules, r, real, FS_READ, err);
	}
	free(real);
	return ok;
}

static bool rules_add(int rules, const struct ruleset *r, const struct sandbox_options *o, struct error *err)
{
	const char *temporary = getenv("TMPDIR");
	bool ok = rule_add(rules, r, "/dev/null", FS_READ_FILE | FS_WRITE_FILE, err) &&
		  (!temporary || rule_add(rules, r, temporary, FS_WRITE, err));

	for (size_t i = 0; ok && readable[i]; i++)
		ok = rule_add(rules, r, readable[i], FS_READ, err);
	for (size_t i = 0; ok && o->readable && o->readable[i]; i++)
		ok = rule_add_beside(rules, r, o->readable[i], err);
	for (size_t i = 0; ok && o->writable && o->writable[i]; i++)
		ok = rule_add(rules, r, o->writable[i], FS_WRITE, err);
	return ok;
}

bool sandbox_landlock(const struct sandbox_options *options, struct sandbox_report *report, struct error *err)
{
	unsigned abi = landlock_abi();
	const struct ruleset r = handled(abi);

	if (abi == 0) {
		sandbox_note(report, SANDBOX_LANDLOCK, SANDBOX_NO_KERNEL,
			     "since Linux 5.13, and not switched off");
		return true;
	}
	/* A kernel that knows fewer members takes the longer struct, as long as the rest is zero. */
	int rules = (int)syscall(SYS_landlock_create_ruleset, &r, sizeof r, 0U);
	bool ok = rules >= 0;
	if (!ok)
		error_set(err, EXIT_INTERNAL, "Landlock: %s", strerror(errno));
	ok = ok && rules_add(rules, &r, options, err);
	if (ok && syscall(SYS_landlock_restrict_self, rules, 0U) != 0)
		ok = error_set(err, EXIT_INTERNAL, "Landlock: %s", strerror(errno));
	if (rules >= 0)
		close(rules);
	if (ok)
		sandbox_note(report, SANDBOX_LANDLOCK, SANDBOX_IN_FORCE, "ABI %u: %s", abi,
			     landlock_covers(abi));
	else
		sandbox_note(report, SANDBOX_LANDLOCK, SANDBOX_FAILED, "%.100s", err ? err->text : "");
	return ok;
}
