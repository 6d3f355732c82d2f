/* footsteps verify, in parts: the command and the two ways to the tables (cmd_verify.c), and their comparison
 * (cmd_verify_tables.c). */
#ifndef FS_CMD_VERIFY_H
#define FS_CMD_VERIFY_H
#include "base/error.h"
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct verify_sums {
	uint64_t tables, rows, differences;
};
/*
 * Compares the first runs of two databases, table by table, and writes every difference (of each table the
 * first few). names: how the two are called in it. Numbers that only tell rows apart are no difference:
 * flows, clients and the like are compared by what they are. jitter_ns: times may differ by so much.
 */
bool verify_tables(const char *const database[2], const char *const names[2], int64_t jitter_ns, FILE *out,
		   struct verify_sums *sums, struct error *err);
#endif
