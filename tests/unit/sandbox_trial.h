/*
 * Children that enter the sandbox and try things there; shared by test_sandbox.c (what is refused) and
 * test_sandbox_work.c (what must go on working).
 */
#ifndef FS_TESTS_SANDBOX_TRIAL_H
#define FS_TESTS_SANDBOX_TRIAL_H
#include "live/sandbox.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#if defined __SANITIZE_ADDRESS__
#define SANITIZED 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

static char inside[64], outside[64];
static struct sandbox_report report;

/* In a child: what does not hold ends it, and says where. */
#define MUST(condition)                                                                                      \
	do {                                                                                                 \
		if (!(condition)) {                                                                          \
			dprintf(STDERR_FILENO, "# %s:%d: %s (%s)\n", __FILE__, __LINE__, #condition,         \
				strerror(errno));                                                            \
			_exit(1);                                                                            \
		}                                                                                            \
	} while (0)
#define MUST_FAIL(call, error) MUST((errno = 0, (call) < 0) && errno == (error))

static inline bool in_force(enum sandbox_layer layer)
{
	return report.layer[layer] == SANDBOX_IN_FORCE;
}

static inline void enter_as(const char *user, bool listens)
{
	const char *const writable[] = { inside, NULL };
	const struct sandbox_options options = { .writable = writable, .user = user, .listens = listens };
	struct error err = { 0 };

	if (!sandbox_enter(&options, &report, &err)) {
		dprintf(STDERR_FILENO, "# %s\n", err.text);
		_exit(1);
	}
}

static inline void enter(void)
{
	enter_as(NULL, false);
}

/* Status of a child that runs it, as of waitpid(). */
static inline int status_of(void (*trial)(void))
{
	int status = -1;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		alarm(300);
		trial();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static inline void holds(void (*trial)(void))
{
	assert_int_equal(status_of(trial), 0);
}

/* The tests, with the two directories made and removed around them. */
static inline int run_inside(int (*run)(void))
{
	char file[96];

	/* Not below /tmp/sandbox...: the two must not be in each other. */
	snprintf(inside, sizeof inside, "/tmp/footsteps-in-XXXXXX");
	snprintf(outside, sizeof outside, "/tmp/footsteps-out-XXXXXX");
	if (!mkdtemp(inside) || !mkdtemp(outside))
		return 1;
	setenv("TMPDIR", "", 1); /* as good as none */
	snprintf(file, sizeof file, "%s/there", outside);
	FILE *there = fopen(file, "w");
	if (!there || fputs("there", there) < 0 || fclose(there) != 0)
		return 1;
	int failed = run();
	unlink(file);
	rmdir(outside);
	snprintf(file, sizeof file, "%s/socket", inside);
	unlink(file);
	rmdir(inside);
	return failed;
}
#endif
