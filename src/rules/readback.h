/*
 * What rules that only count or log have met: reads what `nft -j list ruleset` (or list table, list counters)
 * prints, finds the tables that footsteps made, and says what they would have stopped.
 */
#ifndef FS_RULES_READBACK_H
#define FS_RULES_READBACK_H
#include "base/error.h"
#include "views/show.h"

/* path: a file, or "-" for standard input. False: EXIT_INPUT when it is no such output, or holds none of
 * ours. */
bool readback(const char *path, enum show_format format, unsigned width, FILE *out, struct error *err);
#endif
