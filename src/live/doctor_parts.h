/* What doctor*.c share: the list of findings, and who adds to it. */
#ifndef FS_LIVE_DOCTOR_PARTS_H
#define FS_LIVE_DOCTOR_PARTS_H
#include "live/doctor.h"
#include <stdint.h>

struct doctor {
	const struct doctor_options *options;
	const char *part; /* of what is added now */
	struct finding *list;
	size_t count, room;
	bool out_of_memory;
};

/* printf-like: what is there or not. */
void doctor_add(struct doctor *d, enum finding_state state, const char *what, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* ... and what to do about the last one. */
void doctor_advise(struct doctor *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A value of a file of "Name: value" lines such as /proc/self/status; false: no such. */
bool doctor_value(const char *path, const char *name, char *out, size_t size);

void doctor_kernel(struct doctor *d);
void doctor_build(struct doctor *d);
void doctor_permission(struct doctor *d);
void doctor_interfaces(struct doctor *d);
void doctor_machine(struct doctor *d);
void doctor_monitor(struct doctor *d);
#endif
