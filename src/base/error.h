/*
 * The code that fails describes what happened; the command prints it; only main() exits.
 * Functions that can fail return bool (or NULL) and take `struct error *err` as their last parameter.
 */
#ifndef FS_BASE_ERROR_H
#define FS_BASE_ERROR_H
#include <stdbool.h>

/* The exit status is an interface: footsteps(1), section EXIT STATUS. */
enum exit_status {
	EXIT_COMPLETE = 0,
	EXIT_USAGE = 1,      /* wrong usage */
	EXIT_INPUT = 2,      /* an input cannot be opened or is no capture */
	EXIT_INCOMPLETE = 3, /* done, but part of the input is missing from the results */
	EXIT_OUTPUT = 4,     /* the output cannot be written */
	EXIT_INTERNAL = 5,   /* a defect of footsteps, or out of memory */
};

struct error {
	enum exit_status status;
	char text[512];     /* one line or a few: what was wrong, where, what to do; no trailing newline */
	bool contradiction; /* of error_contradiction() */
};

/* Fills *err (truncating) and returns false, so that `return error_set(...)` reads well. err may be NULL. */
bool error_set(struct error *err, enum exit_status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What always goes together does not, which is a defect of footsteps: EXIT_INTERNAL. */
bool error_contradiction(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* ... unless a file told it so: EXIT_INPUT then, and whose facts they are in place of the defect. */
bool error_blame(struct error *err, const char *whose);

/* error_set for a failed allocation of `what`. */
bool error_memory(struct error *err, const char *what);
#endif
