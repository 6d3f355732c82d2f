/* The sandbox as a whole, and its first two layers: capabilities, and no new privileges. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "live/sandbox.h"
#include "live/sandbox_parts.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef HAVE_LIBCAP_NG
#include <cap-ng.h>
#endif

const char *const sandbox_layer_names[SANDBOX_LAYERS] = {
	[SANDBOX_CAPABILITIES] = "capabilities",
	[SANDBOX_NO_NEW_PRIVILEGES] = "no new privileges",
	[SANDBOX_LANDLOCK] = "Landlock",
	[SANDBOX_SECCOMP] = "seccomp",
};
const char *const sandbox_force_names[SANDBOX_FAILED + 1] = {
	[SANDBOX_IN_FORCE] = "in force",
	[SANDBOX_NOT_BUILT] = "not built in",
	[SANDBOX_NO_KERNEL] = "not in this kernel",
	[SANDBOX_FAILED] = "failed",
};

void sandbox_note(struct sandbox_report *report, enum sandbox_layer layer, enum sandbox_force force,
		  const char *format, ...)
{
	va_list arguments;

	report->layer[layer] = force;
	va_start(arguments, format);
	vsnprintf(report->why[layer], sizeof report->why[layer], format, arguments);
	va_end(arguments);
}

/* --- the user ------------------------------------------------------------------------------------------- */

static bool user_become(const char *name, struct error *err)
{
	struct passwd entry, *found = NULL;
	char buffer[4096];

	int problem = getpwnam_r(name, &entry, buffer, sizeof buffer, &found);
	if (!found)
		return error_set(err, EXIT_USAGE, "--user %s: %s", name,
				 problem ? strerror(problem) : "there is no such user");
	if (entry.pw_uid == geteuid() && entry.pw_gid == getegid())
		return true;
#ifdef HAVE_LIBCAP_NG
	/* Capabilities stay permitted, so that the bounding set can still be emptied; they go right after. */
	prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
#endif
	if (initgroups(name, entry.pw_gid) < 0 || setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid) < 0 ||
	    setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid) < 0)
		return error_set(err, EXIT_USAGE,
				 "cannot become user %s: %s; start as root, or without --user", name,
				 strerror(errno));
#ifdef HAVE_LIBCAP_NG
	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
#endif
	return true;
}

/* --- capabilities --------------------------------------------------------------------------------------- */

#ifdef HAVE_LIBCAP_NG
static bool bounds_drop(void)
{
	capng_get_caps_process();
	if (!capng_have_capability(CAPNG_PERMITTED, CAP_SETPCAP))
		return false;
	capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, CAP_SETPCAP);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return false;
	capng_clear(CAPNG_SELECT_BOUNDS);
	bool dropped = capng_apply(CAPNG_SELECT_BOUNDS) == 0;
	/* Securebits: being root brings no capabilities, and none of this can be undone. */
	return capng_lock() == 0 && dropped;
}

static bool capabilities_drop(struct sandbox_report *report, struct error *err)
{
	bool bounds = bounds_drop();

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	capng_clear(CAPNG_SELECT_CAPS);
	int result = capng_apply(CAPNG_SELECT_CAPS);
	/* Not what we asked for: what the kernel says. */
	if (result != 0 || capng_get_caps_process() != 0 ||
	    capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE) {
		sandbox_note(report, SANDBOX_CAPABILITIES, SANDBOX_FAILED, "the kernel left some");
		return error_set(err, EXIT_INTERNAL, "capabilities could not be dropped");
	}
	sandbox_note(report, SANDBOX_CAPABILITIES, SANDBOX_IN_FORCE, "%s",
		     bounds ? "none left in any set, securebits locked"
			    : "none left; bounding set as it was, since that takes CAP_SETPCAP");
	return true;
}
#else
static bool capabilities_drop(struct sandbox_report *report, struct error *err)
{
	(void)err;
	sandbox_note(report, SANDBOX_CAPABILITIES, SANDBOX_NOT_BUILT, "built without libcap-ng");
	return true;
}
#endif

bool sandbox_drop_privileges(const char *user, struct sandbox_report *report, struct error *err)
{
	if (user && !user_become(user, err)) {
		sandbox_note(report, SANDBOX_CAPABILITIES, SANDBOX_FAILED, "user %s", user);
		return false;
	}
	return capabilities_drop(report, err);
}

bool sandbox_no_new_privileges(struct sandbox_report *report, struct error *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
		sandbox_note(report, SANDBOX_NO_NEW_PRIVILEGES, SANDBOX_IN_FORCE,
			     "no program can give any back");
		return true;
	}
	sandbox_note(report, SANDBOX_NO_NEW_PRIVILEGES, SANDBOX_FAILED, "%s", strerror(errno));
	return error_set(err, EXIT_INTERNAL, "no_new_privs: %s", strerror(errno));
}

/* --- all of it ------------------------------------------------------------------------------------------ */

/* Root without capabilities is a user like any other: found out here, not at the first rotation. And what
 * holds for the root directory holds for everything: no sandbox at all. */
static bool writable_check(const char *directory, struct error *err)
{
	struct stat is, root;

	if (stat(directory, &is) == 0 && stat("/", &root) == 0 && is.st_dev == root.st_dev &&
	    is.st_ino == root.st_ino)
		return error_set(err, EXIT_USAGE,
				 "%s: to write there, all files would have to be writable\n"
				 "outputs belong into a directory of their own",
				 directory);
	if (faccessat(AT_FDCWD, directory, R_OK | W_OK | X_OK, AT_EACCESS) == 0)
		return true;
	int problem = errno;
	if (stat(directory, &is) != 0)
		return error_set(err, EXIT_OUTPUT, "%s: %s", directory, strerror(problem));
	return error_set(
		err, EXIT_OUTPUT,
		"%s: %s, once privileges are dropped (it belongs to user %u, mode %03o, and we are user "
		"%u)\nlet --user name its owner, or give it to that user: chown",
		directory, strerror(problem), is.st_uid, is.st_mode & 0777U, geteuid());
}

bool sandbox_enter(const struct sandbox_options *options, struct sandbox_report *report, struct error *err)
{
	*report = (struct sandbox_report){ 0 };
	for (int i = 0; i < SANDBOX_LAYERS; i++)
		sandbox_note(report, (enum sandbox_layer)i, SANDBOX_FAILED, "not tried");
	const char *temporary = getenv("TMPDIR");
	if (options->writable && options->writable[0] && (!temporary || !*temporary))
		setenv("TMPDIR", options->writable[0], 1);
	if (!sandbox_drop_privileges(options->user, report, err))
		return false;
	for (size_t i = 0; options->writable && options->writable[i]; i++)
		if (!writable_check(options->writable[i], err))
			return false;
	temporary = getenv("TMPDIR");
	if (temporary && *temporary && !writable_check(temporary, err))
		return false;
	/* In this order: Landlock and seccomp ask for no new privileges, and seccomp refuses Landlock's
	 * calls. */
	return sandbox_no_new_privileges(report, err) && sandbox_landlock(options, report, err) &&
	       sandbox_seccomp(options, report, err);
}

void sandbox_probe(struct sandbox_report *report)
{
	unsigned abi = landlock_abi();

	*report = (struct sandbox_report){ 0 };
#ifdef HAVE_LIBCAP_NG
	sandbox_note(report, SANDBOX_CAPABILITIES, SANDBOX_IN_FORCE, "all dropped before the first packet");
#else
	sandbox_note(report, SANDBOX_CAPABILITIES, SANDBOX_NOT_BUILT, "built without libcap-ng");
#endif
	sandbox_note(report, SANDBOX_NO_NEW_PRIVILEGES, SANDBOX_IN_FORCE, "no program can give any back");
	if (abi > 0)
		sandbox_note(report, SANDBOX_LANDLOCK, SANDBOX_IN_FORCE, "ABI %u: %s", abi,
			     landlock_covers(abi));
	else
		sandbox_note(report, SANDBOX_LANDLOCK, SANDBOX_NO_KERNEL,
			     "since Linux 5.13, and not switched off");
#ifdef HAVE_SECCOMP
	if (seccomp_in_kernel())
		sandbox_note(report, SANDBOX_SECCOMP, SANDBOX_IN_FORCE,
			     "a list of what it may ask the kernel");
	else
		sandbox_note(report, SANDBOX_SECCOMP, SANDBOX_NO_KERNEL, "no CONFIG_SECCOMP_FILTER");
#else
	sandbox_note(report, SANDBOX_SECCOMP, SANDBOX_NOT_BUILT, "built without libseccomp");
#endif
}

void sandbox_describe(const struct sandbox_report *report, char *buffer, size_t size)
{
	size_t used = 0;

	buffer[0] = '\0';
	for (int force = SANDBOX_IN_FORCE; force <= SANDBOX_FAILED; force++) {
		const char *between = used ? "; " : "";
		bool any = false;

		for (int i = 0; i < SANDBOX_LAYERS && used < size; i++) {
			if ((int)report->layer[i] != force)
				continue;
			used += (size_t)snprintf(buffer + used, size - used, "%s%s", any ? ", " : between,
						 sandbox_layer_names[i]);
			any = true;
		}
		if (any && used < size)
			used += (size_t)snprintf(buffer + used, size - used, " %s",
						 sandbox_force_names[force]);
	}
}
