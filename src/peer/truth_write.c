/* The truth file: rows into SQLite, under a temporary name until it is whole. */
#include "base/reader.h"
#include "peer/truth_parts.h"
#include "peer/truth_sql.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRUTH_APPLICATION_ID 0x46537472 /* "FStr" */
#define TRUTH_VERSION        1

struct truth_file {
	char *path, *temporary;
	sqlite3 *db;
	sqlite3_stmt *insert[TRUTH_TABLE_COUNT];
	sqlite3_stmt *row; /* that is being filled; NULL: a failure */
	int cells;
	struct error failed;
};

static const char *const table_names[TRUTH_TABLE_COUNT] = {
#define X(name) #name,
	TRUTH_TABLES(X)
#undef X
};

static bool file_failed(struct truth_file *f, const char *what)
{
	if (f->failed.status == EXIT_COMPLETE)
		error_set(&f->failed, EXIT_OUTPUT, "cannot write %s: %s", f->path, what);
	return false;
}

static bool database_failed(struct truth_file *f)
{
	return file_failed(f, f->db ? sqlite3_errmsg(f->db) : "out of memory");
}

/* SQLite's own words, "unable to open database file", leave out why. */
static bool database_not_made(struct truth_file *f)
{
	int number = f->db ? sqlite3_system_errno(f->db) : 0;

	if (number == ENOENT)
		return file_failed(f, "No such file or directory; make the directory first, or name another "
				      "one with -o");
	return number ? file_failed(f, strerror(number)) : database_failed(f);
}

/* What is there already may be a truth file or empty; nothing else is replaced. */
static bool is_replaceable(const char *path)
{
	uint8_t bytes[72]; /* https://sqlite.org/fileformat.html section 1.3: application id at offset 68 */
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT;
	if (!S_ISREG(st.st_mode))
		return false;
	if (st.st_size == 0)
		return true;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd >= 0 ? read(fd, bytes, sizeof bytes) : -1;
	if (fd >= 0)
		close(fd);
	struct reader r = reader_on((struct span){ bytes, size > 0 ? (size_t)size : 0 });
	struct span head = rd_take(&r, 68);
	uint32_t application = rd_be32(&r);
	return !r.failed && memcmp(head.ptr, "SQLite format 3", 16) == 0 &&
	       application == TRUTH_APPLICATION_ID;
}

char *truth_partial_name(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	uint32_t random;
	char *text;

	if (getrandom(&random, sizeof random, 0) != sizeof random ||
	    asprintf(&text, "%.*s.%.200s.partial-%08" PRIx32, (int)(name - path), path, name, random) < 0)
		return NULL;
	return text;
}

/* Nothing is safe until the file has its name, so that nothing has to be written twice. */
static bool database_make(struct truth_file *f)
{
	char settings[200];

	if (sqlite3_open_v2(f->temporary, &f->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
	    SQLITE_OK)
		return database_not_made(f);
	snprintf(settings, sizeof settings,
		 "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;"
		 "PRAGMA application_id = %d; PRAGMA user_version = %d; BEGIN",
		 TRUTH_APPLICATION_ID, TRUTH_VERSION);
	return (sqlite3_exec(f->db, settings, NULL, NULL, NULL) == SQLITE_OK &&
		sqlite3_exec(f->db, truth_sql, NULL, NULL, NULL) == SQLITE_OK) ||
	       database_failed(f);
}

struct truth_file *truth_file_open(const char *path, struct error *err)
{
	struct truth_file *f = calloc(1, sizeof *f);

	if (!f) {
		error_memory(err, "the truth file");
		return NULL;
	}
	if (!is_replaceable(path)) {
		error_set(err, EXIT_OUTPUT,
			  "%s is there and no truth file, so it is not replaced: name another one", path);
		free(f);
		return NULL;
	}
	f->path = strdup(path);
	f->temporary = truth_partial_name(path);
	if (!f->path || !f->temporary) {
		error_memory(err, "the truth file");
		truth_file_abandon(f);
		return NULL;
	}
	if (!database_make(f)) {
		*err = f->failed;
		truth_file_abandon(f);
		return NULL;
	}
	return f;
}

static void statements_drop(struct truth_file *f)
{
	for (int i = 0; i < TRUTH_TABLE_COUNT; i++)
		sqlite3_finalize(f->insert[i]);
	memset(f->insert, 0, sizeof f->insert);
}

static void file_free(struct truth_file *f)
{
	free(f->path);
	free(f->temporary);
	free(f);
}

void truth_file_abandon(struct truth_file *f)
{
	if (!f)
		return;
	statements_drop(f);
	sqlite3_close(f->db);
	if (f->temporary)
		unlink(f->temporary);
	file_free(f);
}

static bool synced(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

bool truth_file_close(struct truth_file *f, struct error *err)
{
	statements_drop(f);
	if (f->failed.status == EXIT_COMPLETE && sqlite3_exec(f->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		database_failed(f);
	sqlite3_close(f->db);
	f->db = NULL;
	if (f->failed.status == EXIT_COMPLETE && (!synced(f->temporary) || rename(f->temporary, f->path) < 0))
		file_failed(f, strerror(errno));
	if (f->failed.status != EXIT_COMPLETE) {
		*err = f->failed;
		truth_file_abandon(f);
		return false;
	}
	file_free(f);
	return true;
}

/* --- rows --- */

static sqlite3_stmt *insert_prepare(struct truth_file *f, enum truth_table table)
{
	sqlite3_stmt *stmt = NULL;
	char sql[300];
	int columns = 0;

	snprintf(sql, sizeof sql, "SELECT * FROM %s", table_names[table]);
	if (sqlite3_prepare_v2(f->db, sql, -1, &stmt, NULL) == SQLITE_OK)
		columns = sqlite3_column_count(stmt);
	sqlite3_finalize(stmt);
	stmt = NULL;
	/* A place of an address that is said twice is one. */
	int used = snprintf(sql, sizeof sql, "INSERT %s INTO %s VALUES (1",
			    table == TRUTH_places ? "OR IGNORE" : "", table_names[table]);
	for (int i = 1; i < columns && used < (int)sizeof sql - 4; i++)
		used += snprintf(sql + used, sizeof sql - (size_t)used, ",?");
	snprintf(sql + used, sizeof sql - (size_t)used, ")");
	if (sqlite3_prepare_v3(f->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
		database_failed(f);
	return stmt;
}

void row_begin(struct truth_file *f, enum truth_table table)
{
	if (!f)
		return;
	if (!f->insert[table])
		f->insert[table] = insert_prepare(f, table);
	f->row = f->insert[table];
	f->cells = 0;
}

void row_int(struct truth_file *f, int64_t value)
{
	if (f)
		sqlite3_bind_int64(f->row, ++f->cells, value);
}

void row_real(struct truth_file *f, double value)
{
	if (f)
		sqlite3_bind_double(f->row, ++f->cells, value);
}

void row_text(struct truth_file *f, const char *text)
{
	if (f)
		sqlite3_bind_text(f->row, ++f->cells, text, -1, SQLITE_TRANSIENT);
}

void row_null(struct truth_file *f)
{
	if (f)
		sqlite3_bind_null(f->row, ++f->cells);
}

void row_number(struct truth_file *f, uint32_t number)
{
	if (number)
		row_int(f, number);
	else
		row_null(f);
}

void row_ip(struct truth_file *f, uint32_t ip)
{
	char text[ENDPOINT_TEXT];

	snprintf(text, sizeof text, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 0xff, ip >> 8 & 0xff, ip & 0xff);
	row_text(f, text);
}

void row_socket(struct truth_file *f, struct endpoint e)
{
	row_ip(f, e.ip);
	row_int(f, e.port);
}

void row_end(struct truth_file *f)
{
	if (!f || !f->row)
		return;
	if (sqlite3_step(f->row) != SQLITE_DONE)
		database_failed(f);
	sqlite3_reset(f->row);
	f->row = NULL;
}
