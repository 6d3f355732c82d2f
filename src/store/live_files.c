/* Names of the files of a live run; see live_files.h. */
#include "store/live_files.h"
#include "base/clock.h"
#include "store/open.h"
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAMP_FORM  "dddd-dd-ddTddddddZ"
#define STAMP       (sizeof STAMP_FORM - 1)
#define UNFINISHED  ".unfinished.db"
#define FINISHED    ".db"
#define SAME_SECOND 1000U /* files of one second that get names */

/* Length of the path without what it ends in. */
static size_t base_length(const char *path)
{
	size_t length = strlen(path), end = sizeof FINISHED - 1;

	return length > end && strcmp(path + length - end, FINISHED) == 0 ? length - end : length;
}

static bool is_stamp(const char *text)
{
	for (size_t i = 0; i < STAMP; i++)
		if (STAMP_FORM[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != STAMP_FORM[i])
			return false;
	return true;
}

/* "2026-11-22T000000Z", "2026-11-22T000000Z-2", and how it goes on. */
static bool parse(const char *text, struct live_file *f)
{
	char *end;

	if (!is_stamp(text))
		return false;
	memcpy(f->stamp, text, STAMP);
	f->stamp[STAMP] = '\0';
	f->n = 1;
	text += STAMP;
	if (*text == '-') {
		if (!isdigit((unsigned char)text[1]) || text[1] == '0')
			return false;
		unsigned long n = strtoul(text + 1, &end, 10);
		if (n < 2 || n > SAME_SECOND)
			return false;
		f->n = (unsigned)n;
		text = end;
	}
	f->finished = strcmp(text, FINISHED) == 0;
	return f->finished || strcmp(text, UNFINISHED) == 0;
}

static int in_order(const void *a, const void *b)
{
	const struct live_file *x = a, *y = b;
	int order = strcmp(x->stamp, y->stamp);

	return order ? order : (x->n > y->n) - (x->n < y->n);
}

static bool add(struct live_files *s, const struct live_file *f)
{
	struct live_file *more = realloc(s->file, (s->count + 1) * sizeof *more);

	if (!more)
		return false;
	s->file = more;
	s->file[s->count++] = *f;
	return true;
}

struct live_files live_files_list(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t base = base_length(name);
	char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("./");
	DIR *dir = directory ? opendir(directory) : NULL;
	struct live_files s = { NULL, 0 };

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		struct live_file f = { 0 };
		struct stat st;

		if (strncmp(entry->d_name, name, base) != 0 || entry->d_name[base] != '.' ||
		    !parse(entry->d_name + base + 1, &f) ||
		    asprintf(&f.path, "%s%s", slash ? directory : "", entry->d_name) < 0)
			continue;
		bool regular = lstat(f.path, &st) == 0 && S_ISREG(st.st_mode);
		f.bytes = regular ? (uint64_t)st.st_size : 0;
		if (!regular || !add(&s, &f))
			free(f.path);
	}
	if (dir)
		closedir(dir);
	free(directory);
	if (s.count)
		qsort(s.file, s.count, sizeof s.file[0], in_order);
	return s;
}

void live_files_free(struct live_files *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->file[i].path);
	free(s->file);
	*s = (struct live_files){ NULL, 0 };
}

bool live_files_look(const char *path, struct live_file_inside *out)
{
	sqlite3 *db = store_open_read(path, NULL);
	sqlite3_stmt *stmt = NULL;
	bool ok = db &&
		  sqlite3_prepare_v2(db,
				     "SELECT origin, session, max(numbers) OVER (), max(ended_ns) OVER () "
				     "FROM sessions ORDER BY session DESC LIMIT 1",
				     -1, &stmt, NULL) == SQLITE_OK;

	ok = ok && sqlite3_step(stmt) == SQLITE_ROW;
	if (ok)
		*out = (struct live_file_inside){ .origin = sqlite3_column_int64(stmt, 0),
						  .session = sqlite3_column_int64(stmt, 1),
						  .numbers = sqlite3_column_int64(stmt, 2),
						  .ended_ns = sqlite3_column_int64(stmt, 3) };
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return ok;
}

static bool is_free(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0;
}

bool live_files_name(const char *path, int64_t first_ns, char **unfinished, char **finished)
{
	int base = (int)base_length(path);
	char utc[UTC_TEXT], stamp[UTC_TEXT], number[16] = "";
	size_t used = 0;

	utc_format(time_periods(first_ns, NS_PER_S) * NS_PER_S, utc);
	/* "2026-11-22T00:00:00.000000Z": no colons, which some file systems refuse, and no fraction. */
	for (size_t i = 0; utc[i] && utc[i] != '.' && utc[i] != 'Z'; i++)
		if (utc[i] != ':')
			stamp[used++] = utc[i];
	stamp[used++] = 'Z';
	stamp[used] = '\0';
	for (unsigned n = 1; n <= SAME_SECOND; n++) {
		if (n > 1)
			snprintf(number, sizeof number, "-%u", n);
		if (asprintf(finished, "%.*s.%s%s" FINISHED, base, path, stamp, number) < 0)
			return false;
		if (asprintf(unfinished, "%.*s.%s%s" UNFINISHED, base, path, stamp, number) < 0) {
			free(*finished);
			return false;
		}
		if (is_free(*finished) && is_free(*unfinished))
			return true;
		free(*finished);
		free(*unfinished);
	}
	return false;
}

char *live_files_finished_name(const char *unfinished)
{
	size_t base = strlen(unfinished) - (sizeof UNFINISHED - 1);
	char *name;

	return asprintf(&name, "%.*s" FINISHED, (int)base, unfinished) < 0 ? NULL : name;
}
