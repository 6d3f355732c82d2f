/*
 * Databases that exist: what a file is, and opening it for reading.
 */
#ifndef FS_STORE_OPEN_H
#define FS_STORE_OPEN_H
#include "base/error.h"
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#define STORE_APPLICATION_ID 0x46537470 /* "FStp": PRAGMA application_id */
/* PRAGMA user_version. 0 marks a database that is being written. */
#define STORE_SCHEMA_VERSION 5
#define STORE_SCHEMA_OLDEST  5 /* that this program can read and append to */

/* How long to wait for another program that has the database locked. */
#define DATABASE_PATIENCE_MS 3000

/*
 * Opens a finished footsteps database for reading only. Fails with EXIT_INPUT, saying what the file is and
 * what to do when it is anything else. Close with sqlite3_close().
 */
sqlite3 *store_open_read(const char *path, struct error *err);

/* Schema of the footsteps database at path, from its header; 0 when it cannot be read or is unfinished. */
uint32_t database_schema(const char *path);

/* What lies at a path, by its first bytes. */
enum file_kind {
	FILE_ABSENT,
	FILE_EMPTY,
	FILE_DATABASE,     /* of footsteps */
	FILE_OTHER_SQLITE, /* of another program */
	FILE_CAPTURE,
	FILE_JSON_ROWS, /* of footsteps read --json */
	FILE_SVG,       /* a drawing that begins as those of footsteps chart */
	FILE_RULES,     /* what footsteps rules printed */
	FILE_OTHER,
	FILE_SPECIAL, /* a directory, a device, a pipe */
	FILE_UNREADABLE,
};
struct file_look {
	enum file_kind kind;
	const char
		*what; /* "a pcap capture", "a directory", why it is unreadable; static or from strerror() */
};
struct file_look file_look(const char *path);

/* sqlite3_open_v2() of a file, whatever its name looks like. *db is to be closed also on failure; returns an
 * SQLite code. */
int database_open(const char *path, int flags, sqlite3 **db);
/* Undoes what an append left behind that was killed or ran out of space; else only looks. Returns an SQLite
 * code. */
int database_roll_back(const char *path);
/* An integer PRAGMA or SELECT; *value is 0 unless the result is SQLITE_OK. */
int database_integer(sqlite3 *db, const char *sql, int64_t *value);
/* Whether this program knows the schema of the footsteps database; status: of the failure. */
bool database_check_version(sqlite3 *db, const char *path, enum exit_status status, struct error *err);
#endif
