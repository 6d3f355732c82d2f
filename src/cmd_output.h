/* A file that a command makes: whole or not at all, in place of an earlier one of its kind. */
#ifndef FS_CMD_OUTPUT_H
#define FS_CMD_OUTPUT_H
#include "store/open.h"
#include <stdint.h>
#include <stdio.h>

/*
 * path: "-" is standard output; devices and pipes are written as they are. replaceable: what may be there
 * already (a kind of file_look()). A signal on the way leaves everything as it was.
 */
bool output_write(const char *path, enum file_kind replaceable, void (*put)(const void *what, FILE *out),
		  const void *what, struct error *err);
/* The closing line of a command that made a database: its name, and the command that shows it. */
void output_say_written(const char *path);
/* The s of "3 flows". */
static inline const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}
#endif
