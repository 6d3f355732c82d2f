/*
 * What a process that parses strangers' bytes may still do: no capabilities, no new privileges, no other
 * programs, no network but the sockets that are open, and only the files under a few directories. Each layer
 * where the kernel and the build have it; what is missing is said by `footsteps doctor` and in the log, and
 * is no reason to stop unless asked.
 */
#ifndef FS_LIVE_SANDBOX_H
#define FS_LIVE_SANDBOX_H
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sandbox_options {
	const char *const
		*writable; /* directories, NULL-terminated: of the database, sockets, recording, TMPDIR */
	/* Files and directories; of a file also those beside it, since editors put a new one in its place. */
	const char *const *readable;
	const char *user;  /* to become; NULL: stay */
	bool listens;      /* a TCP listener is open, and accepts */
	bool connects;     /* to Unix sockets: syslog's, again when that was restarted */
	const int *silent; /* sockets that may receive, but never send: rings */
	size_t silents;
};
enum sandbox_layer {
	SANDBOX_CAPABILITIES, /* libcap-ng: none left, none can come back */
	SANDBOX_NO_NEW_PRIVILEGES,
	SANDBOX_LANDLOCK,
	SANDBOX_SECCOMP,
	SANDBOX_LAYERS
};
enum sandbox_force { SANDBOX_IN_FORCE, SANDBOX_NOT_BUILT, SANDBOX_NO_KERNEL, SANDBOX_FAILED };
struct sandbox_report {
	enum sandbox_force layer[SANDBOX_LAYERS];
	char why[SANDBOX_LAYERS][120]; /* in which form, or why not */
};
/*
 * For the whole process, all later threads included: call before any other thread is made, and after the
 * capture, the TCP listener and the porter are there, since none of these can be made any more. All else, the
 * database too, is opened inside: what is made then belongs to the user that the process has become, and
 * nothing has to change its owner. A writable directory that could not be written is an error that says what
 * to do. Temporary files go to TMPDIR, which becomes the first writable directory unless it is set.
 *
 * False: a layer that the kernel has could not be applied, or `user` could not be become.
 */
bool sandbox_enter(const struct sandbox_options *options, struct sandbox_report *report, struct error *err);
/* "capabilities", "no new privileges", "Landlock", "seccomp"; and of the states, for people. */
extern const char *const sandbox_layer_names[SANDBOX_LAYERS];
extern const char *const sandbox_force_names[SANDBOX_FAILED + 1];
/* "capabilities, no new privileges, Landlock, seccomp in force" and what is missing, for the log. */
void sandbox_describe(const struct sandbox_report *report, char *buffer, size_t size);
/* What would be in force here: asks, changes nothing. */
void sandbox_probe(struct sandbox_report *report);
/* systemd, where the environment asks for it: READY=1, WATCHDOG=1, STATUS=..., STOPPING=1. Nothing otherwise.
 */
void sandbox_notify(const char *state);
int64_t sandbox_watchdog_ns(void); /* 0: nobody watches */
#endif
