/* What makes a run incomplete (exit status 3), collected on the way: one line each, kept with the run. */
#ifndef FS_BASE_PROBLEMS_H
#define FS_BASE_PROBLEMS_H
#include <stddef.h>

#define PROBLEMS_TEXT 4096
struct problems { /* zeroed: none */
	unsigned count;
	size_t used;
	char text[PROBLEMS_TEXT]; /* lines without the last newline; cut with "..." when full */
};
void problems_add(struct problems *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
#endif
