/*
 * Rotation of the database of a live run, and the removal of what is too old or too much; see live_store.h.
 *
 * A file is given away only when nobody else has it open: SQLite then takes its WAL in, and it is one plain
 * file that can be renamed. Until then the run goes on in it.
 */
#include "store/live_parts.h"
#include "store/live_files.h"
#include "base/real_time.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Who has the file open for longer than this is told of; and what is for the next file waits no longer,
 * whatever the rotation waits for. */
#define ROTATE_PATIENCE_NS (10 * NS_PER_S)
/*
 * A clock that is set back and forth over the boundary must not make a file each time: so many rotations by
 * the clock or the size at once, and one more each minute.
 */
#define ROTATE_TOKENS   8U
#define ROTATE_TOKEN_NS (60 * NS_PER_S)
#define KEEP_EVERY_NS   (60 * NS_PER_S)
/* A clock that was set ahead by more than this may be wrong, and would make every file old: its word on age
 * counts for nothing for so long, in which somebody can see it and set it right. */
#define CLOCK_STEP_NS  (3600 * NS_PER_S)
#define CLOCK_DOUBT_NS (86400 * NS_PER_S)
#define WHY_TEXT       200

void live_next_rotation(struct live_store *s)
{
	int64_t every = s->options.rotate_ns;

	s->status.next_rotation_ns =
		every && s->capture_ns ? (time_periods(s->capture_ns, every) + 1) * every : 0;
}

void live_first_rotation(struct live_store *s)
{
	int64_t every = s->options.rotate_ns, last_ns;

	live_next_rotation(s);
	if (!s->status.next_rotation_ns || !s->any_facts ||
	    database_integer(s->db, "SELECT last_ns FROM facts WHERE seq > 0 ORDER BY id DESC LIMIT 1",
			     &last_ns) != SQLITE_OK ||
	    last_ns <= 0)
		return;
	s->status.next_rotation_ns = (time_periods(last_ns, every) + 1) * every;
}

/* --- when --- */

static bool by_time(struct live_store *s)
{
	int64_t next = s->status.next_rotation_ns;

	/* Set back by more than a whole period: the boundary is not to be waited for. Less is: the file that
	 * is written now goes on until then. */
	if (next && s->capture_ns < next - 2 * s->options.rotate_ns)
		live_next_rotation(s);
	return s->options.rotate_ns && s->capture_ns >= s->status.next_rotation_ns;
}

static bool by_size(const struct live_store *s)
{
	struct stat st;

	return s->options.rotate_bytes && stat(s->path, &st) == 0 &&
	       (uint64_t)st.st_size >= s->options.rotate_bytes;
}

static bool token_is_there(struct live_store *s)
{
	int64_t now = steady_time();

	if (!s->rotate_token_ns) {
		s->rotate_tokens = ROTATE_TOKENS;
		s->rotate_token_ns = now;
	}
	for (; s->rotate_tokens < ROTATE_TOKENS && now - s->rotate_token_ns >= ROTATE_TOKEN_NS;
	     s->rotate_token_ns += ROTATE_TOKEN_NS)
		s->rotate_tokens++;
	if (s->rotate_tokens == ROTATE_TOKENS)
		s->rotate_token_ns = now;
	return s->rotate_tokens > 0;
}

static void not_due(struct live_store *s)
{
	s->rotate_since_ns = 0;
	s->rotate_said = false;
	s->hold_ns = 0;
}

static bool is_due(struct live_store *s)
{
	bool time = by_time(s), due = time || by_size(s);

	if (!s->db)
		return false;
	if (!due && !s->rotate_wanted) {
		/* Nor is one that was, and waited: the clock was set back, or other bounds came. What was
		 * held for the next file is for this one after all. */
		not_due(s);
		return false;
	}
	if (!s->any_facts && !s->newest) {
		/* An empty file is as good as a new one. */
		s->rotate_wanted = false;
		if (time)
			live_next_rotation(s);
		not_due(s);
		return false;
	}
	if (!s->rotate_wanted && !token_is_there(s))
		return false;
	if (!s->rotate_since_ns) {
		s->rotate_since_ns = steady_time();
		s->hold_ns = time ? s->status.next_rotation_ns : 0;
	}
	return true;
}

/* --- how --- */

/* The WAL is taken in: false while somebody has the file open, or there is no room for it. */
static bool give_up_wal(struct live_store *s, char why[static WHY_TEXT])
{
	sqlite3_stmt *stmt = NULL;
	bool ok = sqlite3_prepare_v2(s->db, "PRAGMA journal_mode = DELETE", -1, &stmt, NULL) == SQLITE_OK &&
		  sqlite3_step(stmt) == SQLITE_ROW &&
		  strcmp((const char *)sqlite3_column_text(stmt, 0), "delete") == 0;

	int code = sqlite3_errcode(s->db);
	snprintf(why, WHY_TEXT, "%s",
		 code == SQLITE_BUSY || code == SQLITE_LOCKED ? "another program has it open"
							      : sqlite3_errmsg(s->db));
	sqlite3_finalize(stmt);
	return ok;
}

static bool waits_long(const struct live_store *s)
{
	return steady_time() - s->rotate_since_ns >= ROTATE_PATIENCE_NS;
}

static void say_blocked(struct live_store *s, const char *why)
{
	if (!waits_long(s))
		return;
	if (!s->rotate_said)
		live_say(s, "%s is to be rotated, but cannot be now: %s; it is written on until that is over",
			 s->path, why);
	s->rotate_said = true;
}

/* The new file under the old name. What fails here is tried again with each commit. */
static void begin_file(struct live_store *s)
{
	struct error err;

	s->run = s->status.run = 1;
	s->any_facts = false;
	s->unsaved = true;
	s->lost_in_files = s->status.records_lost;
	s->commits++;
	if (!live_file_make(s->path, &err) || !live_file_open(s, &err))
		live_say(s, "the next file cannot be begun yet: %s", err.text);
}

/* Gives the file its name, and its last tables to the other thread. */
static bool give_away(struct live_store *s)
{
	char *unfinished, *finished;
	int64_t first_ns = 0;

	database_integer(s->db, "SELECT first_ns FROM facts WHERE seq > 0 ORDER BY id LIMIT 1", &first_ns);
	if (!live_files_name(s->path, first_ns, &unfinished, &finished))
		return false;
	struct waiting_chunk *base = live_base_make(s);
	live_file_close(s);
	if (rename(s->path, unfinished) < 0) {
		struct error err;

		if (!s->rotate_said)
			live_say(s,
				 "%s cannot be rotated: it cannot be renamed to %s: %s; it is written on "
				 "until that is over",
				 s->path, unfinished, strerror(errno));
		s->rotate_said = true;
		s->hold_ns = 0;
		free(unfinished);
		free(finished);
		live_drop_list(base);
		if (!live_file_open(s, &err))
			live_say(s, "%s", err.text);
		return false;
	}
	s->status.rotations++;
	live_add_first(s, base);
	begin_file(s);
	/* Who is killed from now on finds the series in the new file; before, in the unfinished one, which
	 * soon has another name. */
	(void)live_commit(s);
	live_tables_rotated(s, unfinished, finished);
	return true;
}

static void rotation_is_over(struct live_store *s, bool by_itself)
{
	if (by_itself && s->rotate_tokens)
		s->rotate_tokens--;
	not_due(s);
	s->rotate_wanted = false;
	s->next_commit_ns = s->next_keep_ns = steady_time();
	live_next_rotation(s);
}

void live_rotate_tend(struct live_store *s)
{
	bool by_itself = !s->rotate_wanted;
	char why[WHY_TEXT];

	if (!is_due(s))
		return;
	if (waits_long(s))
		s->hold_ns = 0;
	if (!live_tables_idle(s) || !live_commit(s))
		return;
	if (!s->any_facts) {
		/* All that waits is for the file that begins. */
		rotation_is_over(s, false);
		return;
	}
	if (!give_up_wal(s, why)) {
		say_blocked(s, why);
		return;
	}
	if (give_away(s))
		rotation_is_over(s, by_itself);
	else
		s->next_commit_ns = steady_time();
}

/* --- what an earlier start has left --- */

void live_rotate_resume(struct live_store *s)
{
	struct live_files files = live_files_list(s->path);

	for (size_t i = 0; i < files.count; i++) {
		struct live_file *f = &files.file[i];
		struct live_file_inside inside;

		if (f->finished || !live_files_look(f->path, &inside) || inside.origin != s->origin)
			continue;
		char *path = strdup(f->path), *name = live_files_finished_name(f->path);
		if (path && name)
			live_tables_rotated(s, path, name);
	}
	live_files_free(&files);
}

/* --- keep --- */

/* Only a file of this series, which is asked itself; of others there may be any number, when a database was
 * moved away from them. Who is about to finish one is not disturbed. */
static bool may_go(const struct live_store *s, struct live_file *f, size_t *strange)
{
	struct live_file_inside inside;
	bool known = f->finished && live_files_look(f->path, &inside);

	f->ours = known && inside.origin == s->origin;
	f->ended_ns = f->ours ? inside.ended_ns : 0;
	*strange += known && !f->ours;
	return f->ours;
}

static void say_strange(struct live_store *s, size_t count)
{
	if (count && !s->strange_said)
		live_say(s,
			 "files of another series are named as if they were rotated out of %s (%zu): --keep "
			 "neither counts nor removes them",
			 s->path, count);
	s->strange_said = count > 0;
}

static bool remove_file(struct live_store *s, const struct live_file *f, const char *why)
{
	if (unlink(f->path) < 0) {
		live_say(s, "cannot remove %s: %s", f->path, strerror(errno));
		return false;
	}
	s->status.removed++;
	live_say(s, "removed %s: %s", f->path, why);
	return true;
}

static bool clock_is_sure(struct live_store *s, int64_t now)
{
	int64_t ahead = real_time() - now;
	bool jumped = s->clock_ahead_ns && ahead - s->clock_ahead_ns > CLOCK_STEP_NS;

	if (jumped && s->options.keep_ns && now >= s->clock_sure_ns)
		live_say(s, "the clock was set ahead by more than an hour: no file is removed for its age "
			    "within a day");
	if (jumped)
		s->clock_sure_ns = now + CLOCK_DOUBT_NS;
	s->clock_ahead_ns = ahead;
	return now >= s->clock_sure_ns;
}

static void keep(struct live_store *s, struct live_files *files, bool sure)
{
	/* A capture clock that is ahead must not take everything away. */
	int64_t real = real_time(), now = s->capture_ns < real ? s->capture_ns : real;
	struct stat st;
	uint64_t bytes = stat(s->path, &st) == 0 ? (uint64_t)st.st_size : 0;
	size_t strange = 0;

	for (size_t i = 0; i < files->count; i++)
		if (may_go(s, &files->file[i], &strange))
			bytes += files->file[i].bytes;
	say_strange(s, strange);
	for (size_t i = 0; i < files->count; i++) {
		const struct live_file *f = &files->file[i];
		bool much = s->options.keep_bytes && bytes > s->options.keep_bytes;

		if (!f->ours)
			continue;
		bool old = sure && s->options.keep_ns && f->ended_ns < now - s->options.keep_ns;
		if ((old || much) &&
		    remove_file(s, f, old ? "it is older than is kept" : "more than is kept"))
			bytes -= f->bytes;
	}
}

void live_keep_tend(struct live_store *s)
{
	int64_t now = steady_time();
	bool sure = clock_is_sure(s, now);

	if ((!s->options.keep_ns && !s->options.keep_bytes) || now < s->next_keep_ns)
		return;
	s->next_keep_ns = now + KEEP_EVERY_NS;
	struct live_files files = live_files_list(s->path);
	keep(s, &files, sure);
	live_files_free(&files);
}
