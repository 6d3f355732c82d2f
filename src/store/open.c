/* Databases that exist; see open.h. */
#include "store/open.h"
#include "base/reader.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How files begin that people mistake for a database. */
struct magic {
	enum file_kind kind;
	const char *what, *bytes;
	size_t length;
};
/* clang-format off */
static const struct magic magics[] = {
#define MAGIC(kind, what, bytes) { kind, what, bytes, sizeof bytes - 1 }
	/* draft-ietf-opsawg-pcap section 4, both byte orders, microseconds and nanoseconds */
	MAGIC(FILE_CAPTURE, "a pcap capture", "\xa1\xb2\xc3\xd4"),
	MAGIC(FILE_CAPTURE, "a pcap capture", "\xd4\xc3\xb2\xa1"),
	MAGIC(FILE_CAPTURE, "a pcap capture", "\xa1\xb2\x3c\x4d"),
	MAGIC(FILE_CAPTURE, "a pcap capture", "\x4d\x3c\xb2\xa1"),
	MAGIC(FILE_CAPTURE, "a pcapng capture", "\n\r\r\n"), /* draft-ietf-opsawg-pcapng section 4.1 */
	MAGIC(FILE_CAPTURE, "a snoop capture", "snoop\0\0\0"), /* RFC 1761 section 2 */
	MAGIC(FILE_CAPTURE, "a file compressed by gzip", "\x1f\x8b"), /* RFC 1952 section 2.3.1 */
	MAGIC(FILE_CAPTURE, "a file compressed by zstd", "\x28\xb5\x2f\xfd"), /* RFC 8878 section 3.1.1 */
	MAGIC(FILE_CAPTURE, "a file compressed by xz", "\xfd" "7zXZ\0"), /* .xz file format 1.0.4, 2.1.1.1 */
	MAGIC(FILE_CAPTURE, "a file compressed by bzip2", "BZh"),
	MAGIC(FILE_CAPTURE, "a file compressed by lz4", "\x04\x22\x4d\x18"), /* LZ4 frame format 1.6.1 */
	MAGIC(FILE_JSON_ROWS, "JSON rows of footsteps", "{\"row\":\""),
	MAGIC(FILE_SVG, "an SVG drawing", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg "),
#undef MAGIC
};
/* clang-format on */

/* The database header: https://sqlite.org/fileformat.html section 1.3. */
#define SQLITE_MAGIC        "SQLite format 3"
#define SQLITE_HEADER       100
#define SQLITE_HEADER_APPID 68

/* The first line of block rules, behind whatever makes a line a comment (rules_head_write()). */
static bool begins_as_rules(struct span bytes)
{
	static const char program[] = "footsteps ", strategy[] = ", strategy ";

	return memmem(bytes.ptr, bytes.len, program, sizeof program - 1) &&
	       memmem(bytes.ptr, bytes.len, strategy, sizeof strategy - 1);
}

static struct file_look look_at_bytes(struct span bytes)
{
	struct reader r = reader_on(bytes);

	if (bytes.len == 0)
		return (struct file_look){ FILE_EMPTY, "an empty file" };
	for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++)
		if (bytes.len >= magics[i].length &&
		    memcmp(bytes.ptr, magics[i].bytes, magics[i].length) == 0)
			return (struct file_look){ magics[i].kind, magics[i].what };
	if (begins_as_rules(bytes))
		return (struct file_look){ FILE_RULES, "block rules of footsteps" };
	struct span head = rd_take(&r, SQLITE_HEADER_APPID);
	uint32_t application = rd_be32(&r);
	if (r.failed || memcmp(head.ptr, SQLITE_MAGIC, sizeof SQLITE_MAGIC) != 0)
		return (struct file_look){ FILE_OTHER, "a file of another kind" };
	if (application != STORE_APPLICATION_ID)
		return (struct file_look){ FILE_OTHER_SQLITE, "an SQLite database of another program" };
	return (struct file_look){ FILE_DATABASE, "a footsteps database" };
}

struct file_look file_look(const char *path)
{
	uint8_t bytes[SQLITE_HEADER];
	struct stat st;
	size_t used = 0;
	ssize_t n = 1;

	if (stat(path, &st) < 0)
		return errno == ENOENT ? (struct file_look){ FILE_ABSENT, "no file" }
				       : (struct file_look){ FILE_UNREADABLE, strerror(errno) };
	if (!S_ISREG(st.st_mode))
		return (struct file_look){ FILE_SPECIAL,
					   S_ISDIR(st.st_mode) ? "a directory" : "a device or a pipe" };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return (struct file_look){ FILE_UNREADABLE, strerror(errno) };
	while (n != 0 && used < sizeof bytes) {
		n = read(fd, bytes + used, sizeof bytes - used);
		if (n < 0 && errno != EINTR)
			break;
		if (n > 0)
			used += (size_t)n;
	}
	int failure = errno;
	close(fd);
	if (n < 0)
		return (struct file_look){ FILE_UNREADABLE, strerror(failure) };
	return look_at_bytes((struct span){ bytes, used });
}

int database_open(const char *path, int flags, sqlite3 **db)
{
	/* Else ":memory:" and "file:..." would not be names of files. */
	char *name = sqlite3_mprintf("%s%s", path[0] == '/' ? "" : "./", path);
	int code = SQLITE_NOMEM;

	*db = NULL;
	if (name)
		code = sqlite3_open_v2(name, db, flags | SQLITE_OPEN_NOMUTEX, NULL);
	sqlite3_free(name);
	if (code == SQLITE_OK) {
		/* The file may come from anybody: its views may call nothing that has an effect. */
		sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		sqlite3_extended_result_codes(*db, 1);
	}
	return code;
}

int database_integer(sqlite3 *db, const char *sql, int64_t *value)
{
	sqlite3_stmt *stmt;
	int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	*value = 0;
	if (code != SQLITE_OK)
		return code;
	code = sqlite3_step(stmt);
	if (code == SQLITE_ROW) {
		*value = sqlite3_column_int64(stmt, 0);
		code = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	return code;
}

uint32_t database_schema(const char *path)
{
	uint8_t header[64]; /* https://www.sqlite.org/fileformat.html: user_version is at byte 60 */
	FILE *f = fopen(path, "rbe");
	size_t n = f ? fread(header, 1, sizeof header, f) : 0;
	struct reader r = reader_on((struct span){ header, n });

	if (f)
		fclose(f);
	rd_skip(&r, 60);
	return rd_be32(&r);
}

bool database_check_version(sqlite3 *db, const char *path, enum exit_status status, struct error *err)
{
	int64_t version;

	if (database_integer(db, "PRAGMA user_version", &version) != SQLITE_OK)
		return error_set(err, status, "cannot read %s: %s", path, sqlite3_errmsg(db));
	if (version == 0)
		return error_set(
			err, status,
			"%s is unfinished: the 'footsteps read' that made it still runs or was killed\n"
			"wait for it, or read the captures again",
			path);
	if (version > STORE_SCHEMA_VERSION)
		return error_set(err, status,
				 "%s was made by a newer footsteps (schema %" PRId64
				 "; this one knows %d): upgrade "
				 "footsteps%s",
				 path, version, STORE_SCHEMA_VERSION,
				 status == EXIT_OUTPUT ? " or write to another file" : "");
	if (version < STORE_SCHEMA_OLDEST)
		return error_set(
			err, status,
			"%s was made by an older footsteps (schema %" PRId64 "; this one knows %d to %d): "
			"%s",
			path, version, STORE_SCHEMA_OLDEST, STORE_SCHEMA_VERSION,
			status == EXIT_OUTPUT ? "name another file with -o" : "read the captures again");
	return true;
}

static bool look_is_database(const char *path, struct error *err)
{
	struct file_look look = file_look(path);

	switch (look.kind) {
	case FILE_DATABASE:
		return true;
	case FILE_ABSENT:
		return error_set(err, EXIT_INPUT,
				 "there is no %s: make it with 'footsteps read -o %s CAPTURE'", path, path);
	case FILE_UNREADABLE:
		return error_set(err, EXIT_INPUT, "cannot read %s: %s", path, look.what);
	case FILE_CAPTURE:
		return error_set(err, EXIT_INPUT,
				 "%s is %s, not a footsteps database: run 'footsteps read -o x.db %s' first",
				 path, look.what, path);
	case FILE_JSON_ROWS:
		return error_set(
			err, EXIT_INPUT,
			"%s is JSON: 'footsteps read' without --json makes the database that is needed here",
			path);
	default:
		return error_set(err, EXIT_INPUT, "%s is %s, not a footsteps database", path, look.what);
	}
}

int database_roll_back(const char *path)
{
	sqlite3 *db;
	int64_t ignored;
	int code = database_open(path, SQLITE_OPEN_READWRITE, &db);

	if (code == SQLITE_OK)
		code = database_integer(db, "SELECT count(*) FROM sqlite_schema", &ignored);
	sqlite3_close(db);
	return code;
}

/* Who reads what a killed monitor has left makes a -shm beside it, and so must be allowed to. */
static bool has_wal(const char *path)
{
	char *wal;
	bool has = asprintf(&wal, "%s-wal", path) >= 0;

	if (has) {
		has = access(wal, F_OK) == 0;
		free(wal);
	}
	return has;
}

sqlite3 *store_open_read(const char *path, struct error *err)
{
	sqlite3 *db = NULL;
	int64_t ignored;

	if (!look_is_database(path, err))
		return NULL;
	int code = database_open(path, SQLITE_OPEN_READONLY, &db);
	if (code == SQLITE_OK)
		code = database_integer(db, "SELECT count(*) FROM sqlite_schema", &ignored);
	if (code == SQLITE_READONLY_ROLLBACK || code == SQLITE_READONLY_RECOVERY ||
	    code == SQLITE_READONLY_CANTINIT) {
		code = database_roll_back(path);
		if (code != SQLITE_OK)
			error_set(err, EXIT_INPUT,
				  "an interrupted 'footsteps read --append' or 'footsteps live' left %s in "
				  "the middle of a change, and it "
				  "cannot be undone: %s\nlet a user who may write the file open it once",
				  path, sqlite3_errstr(code));
	} else if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED) {
		error_set(err, EXIT_INPUT, "%s is in use by another program; end that one and try again",
			  path);
	} else if ((code & 0xff) == SQLITE_CANTOPEN && has_wal(path)) {
		error_set(
			err, EXIT_INPUT,
			"a 'footsteps live' left %s in the middle of a run, and who reads it must be able to write "
			"beside it\ncopy it together with %s-wal to a place of yours, and read it there",
			path, path);
	} else if (code != SQLITE_OK) {
		error_set(err, EXIT_INPUT, "cannot read %s: %s", path, sqlite3_errstr(code));
	}
	if (code == SQLITE_OK && database_check_version(db, path, EXIT_INPUT, err)) {
		sqlite3_busy_timeout(db, DATABASE_PATIENCE_MS);
		return db;
	}
	sqlite3_close(db);
	return NULL;
}
