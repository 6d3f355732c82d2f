/*
 * What a live capture needs, and whether it is here: the kernel, the build, permission, interfaces, memory,
 * disk, clock, and a monitor that runs. Asks, and changes nothing.
 */
#ifndef FS_LIVE_DOCTOR_H
#define FS_LIVE_DOCTOR_H
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct doctor_options {
	const char *const *interfaces; /* NULL-terminated; empty: all but the loopback */
	const char *control;           /* socket of a running monitor; or NULL */
	const char *output;            /* database to be, or its directory */
};

enum finding_state { FINDING_OK, FINDING_NOTE, FINDING_MISSING };
struct finding {
	const char *part; /* "kernel", "build" ...; static */
	enum finding_state state;
	char what[48], says[300];
	char advice[600]; /* lines, what to do; "" when there is nothing */
};
struct doctor;
struct doctor *doctor_new(const struct doctor_options *options, struct error *err);
void doctor_free(struct doctor *d);
size_t doctor_missing(const struct doctor *d);
bool doctor_print(const struct doctor *d, FILE *out, unsigned width, struct error *err);
void doctor_json(const struct doctor *d, FILE *out);
#endif
