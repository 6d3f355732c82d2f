/* The database of a live run: the calls; see live_store.h. */
#include "store/live_parts.h"
#include "base/real_time.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *const live_store_state_names[] = { "ok", "locked", "full", "failing" };

#define COMMIT_EVERY_NS (2 * NS_PER_S)
#define TABLES_EVERY_NS (10 * NS_PER_S)
#define BACKLOG_BYTES   ((size_t)64 << 20)
#define WAL_BYTES       (INT64_C(256) << 20)
#define MUCH_WAITS      4U /* a commit comes early when this part of the backlog waits */

void live_say(const struct live_store *s, const char *format, ...)
{
	char line[512];
	va_list args;

	if (!s->options.say)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	s->options.say(s->options.say_self, line);
}

/* --- open and close --- */

static char *interface_names(const struct live_store_options *o)
{
	size_t size = 1;

	for (size_t i = 0; i < o->inputs; i++)
		size += strlen(o->input[i].path) + 1;
	char *text = calloc(1, size), *end = text;
	for (size_t i = 0; text && i < o->inputs; i++) {
		size_t length = strlen(o->input[i].path);

		if (i > 0)
			*end++ = ',';
		memcpy(end, o->input[i].path, length);
		end += length;
	}
	return text;
}

static void take_bounds(struct live_store *s, const struct live_store_options *o)
{
	s->options.commit_every_ns = o->commit_every_ns ? o->commit_every_ns : COMMIT_EVERY_NS;
	s->options.tables_every_ns = o->tables_every_ns ? o->tables_every_ns : TABLES_EVERY_NS;
	s->options.backlog_bytes = o->backlog_bytes ? o->backlog_bytes : BACKLOG_BYTES;
	s->options.rotate_ns = o->rotate_ns;
	s->options.rotate_bytes = o->rotate_bytes;
	s->options.keep_ns = o->keep_ns;
	s->options.keep_bytes = o->keep_bytes;
}

static bool copy_options(struct live_store *s, const struct live_store_options *o, struct error *err)
{
	s->options = *o;
	take_bounds(s, o);
	s->options.wal_bytes =
		o->wal_bytes ? o->wal_bytes : WAL_BYTES; /* read by the thread: no bound to reload */
	s->path = strdup(o->path);
	s->options.path = s->path;
	s->options.json = strdup(o->json);
	s->options.version = strdup(o->version);
	s->options.libraries = strdup(o->libraries);
	s->interfaces = interface_names(o);
	s->minute = calloc(LIVE_MINUTES_MAX, sizeof *s->minute);
	s->format = facts_format();
	return (s->path && s->options.json && s->options.version && s->options.libraries && s->interfaces &&
		s->minute) ||
	       error_memory(err, "the store");
}

/* An older run of other options is finished before the new one begins: its facts may be newer than its
 * tables. Of another format, they are left to the program that wrote them: an update must not end a
 * monitoring of weeks. */
static bool finish_old(struct live_store *s, struct error *err)
{
	struct problems *problems = calloc(1, sizeof *problems);
	struct aggregate_summary summary;

	if (!problems)
		return error_memory(err, "the problems of a run");
	bool ok = live_tables_final(s, s->path, problems, &summary, err);
	free(problems);
	return ok;
}

static bool open_file(struct live_store *s, struct error *err)
{
	struct file_look look = file_look(s->path);
	int64_t old;

	if (look.kind != FILE_DATABASE && !live_file_make(s->path, err))
		return false;
	if (!live_file_open(s, err) || !live_run_choose(s, &old, err))
		return false;
	return !old || finish_old(s, err);
}

struct live_store *live_store_open(const struct live_store_options *options, struct error *err)
{
	struct live_store *s = calloc(1, sizeof *s);

	if (!s) {
		error_memory(err, "the store");
		return NULL;
	}
	pthread_mutex_init(&s->writing, NULL);
	pthread_mutex_init(&s->tables.lock, NULL);
	pthread_cond_init(&s->tables.changed, NULL);
	if (!copy_options(s, options, err) || !open_file(s, err) || !live_tables_start(s, err)) {
		live_store_close(s);
		return NULL;
	}
	s->status.run = s->run;
	s->status.session = s->session;
	s->next_keep_ns = steady_time();
	s->next_tables_ns = s->next_keep_ns + s->options.tables_every_ns;
	live_rotate_resume(s);
	return s;
}

void live_store_close(struct live_store *s)
{
	if (!s)
		return;
	live_tables_stop(s);
	live_file_close(s);
	live_drop_list(s->oldest);
	pthread_cond_destroy(&s->tables.changed);
	pthread_mutex_destroy(&s->tables.lock);
	pthread_mutex_destroy(&s->writing);
	free((char *)s->options.json);
	free((char *)s->options.version);
	free((char *)s->options.libraries);
	free(s->interfaces);
	free(s->minute);
	free(s->path);
	free(s);
}

uint32_t live_store_session(const struct live_store *s)
{
	return s->session;
}

uint64_t live_store_numbers(const struct live_store *s)
{
	return s->numbers;
}

void live_store_reached(struct live_store *s, uint64_t number)
{
	if (number > s->reached)
		s->reached = number;
}

/* --- what comes --- */

void live_store_add(struct live_store *s, struct facts_chunk *chunk)
{
	struct waiting_chunk *w = malloc(sizeof *w);

	if (!w) {
		s->status.records_lost += chunk->records;
		facts_chunk_drop(chunk);
		return;
	}
	*w = (struct waiting_chunk){ .chunk = *chunk };
	chunk->bytes = NULL;
	chunk->size = 0;
	if (s->newest)
		s->newest->next = w;
	else
		s->oldest = w;
	s->newest = w;
	s->status.backlog_bytes += w->chunk.size;
	while (s->status.backlog_bytes > s->options.backlog_bytes)
		live_drop_oldest(s);
}

static bool minute_add(struct live_store *s, const struct capture_minute *more)
{
	for (size_t i = s->minutes; i-- > 0 && s->minute[i].minute.start_ns == more->start_ns;) {
		struct capture_minute *m = &s->minute[i].minute;

		if (strcmp(s->minute[i].interface, more->interface) != 0)
			continue;
		m->packets += more->packets;
		m->bytes += more->bytes;
		m->dropped_kernel += more->dropped_kernel;
		m->dropped_interface += more->dropped_interface;
		m->dropped_store += more->dropped_store;
		return true;
	}
	return false;
}

void live_store_minute(struct live_store *s, const struct capture_minute *minute)
{
	if (minute_add(s, minute))
		return;
	/* Full for three days: the oldest is the least of the losses, which are counted elsewhere. */
	if (s->minutes == LIVE_MINUTES_MAX)
		memmove(&s->minute[0], &s->minute[1], --s->minutes * sizeof s->minute[0]);
	struct waiting_minute *w = &s->minute[s->minutes++];
	*w = (struct waiting_minute){ .minute = *minute };
	snprintf(w->interface, sizeof w->interface, "%s", minute->interface);
}

/* --- now and then --- */

static void tables_tend(struct live_store *s, int64_t now)
{
	live_tables_collect(s);
	if (now < s->next_tables_ns || s->commits == s->tables_up_to || !s->db || !live_tables_idle(s))
		return;
	s->tables_up_to = s->commits;
	live_tables_ask(s);
}

/* Nothing may be lost for want of memory while the disk is fine, however rare commits are wanted. What cannot
 * be written now is tried again at its own time. */
static bool much_waits(const struct live_store *s)
{
	return s->status.state == LIVE_STORE_OK &&
	       s->status.backlog_bytes > s->options.backlog_bytes / MUCH_WAITS;
}

void live_store_tend(struct live_store *s, int64_t capture_ns)
{
	int64_t now = steady_time();

	s->capture_ns = capture_ns;
	if (!s->started_ns) {
		s->started_ns = capture_ns;
		live_first_rotation(s);
	}
	live_rotate_tend(s);
	if ((now >= s->next_commit_ns || much_waits(s)) && live_commit(s))
		s->next_commit_ns = now + s->options.commit_every_ns;
	tables_tend(s, now);
	live_say_well(s, false);
	live_keep_tend(s);
}

void live_store_rotate(struct live_store *s)
{
	s->rotate_wanted = true;
}

void live_store_reload(struct live_store *s, const struct live_store_options *options)
{
	int64_t every = s->options.rotate_ns, next = s->status.next_rotation_ns;

	take_bounds(s, options);
	/* A boundary that is passed, but could not be acted on yet, is not forgotten. */
	bool passed = next && s->capture_ns >= next && s->options.rotate_ns;
	if (s->options.rotate_ns != every && !passed)
		live_next_rotation(s);
	s->next_keep_ns = s->next_commit_ns = steady_time();
	if (s->next_tables_ns > s->next_commit_ns + s->options.tables_every_ns)
		s->next_tables_ns = s->next_commit_ns + s->options.tables_every_ns;
}

static uint64_t file_size(const char *path, const char *suffix)
{
	char *name;
	struct stat st;
	uint64_t size = 0;

	if (asprintf(&name, "%s%s", path, suffix) < 0)
		return 0;
	if (stat(name, &st) == 0)
		size = (uint64_t)st.st_size;
	free(name);
	return size;
}

void live_store_status(const struct live_store *s, struct live_store_status *out)
{
	*out = s->status;
	out->file_bytes = file_size(s->path, "");
	out->wal_bytes = file_size(s->path, "-wal");
}

bool live_store_finish(struct live_store *s, struct problems *problems, struct aggregate_summary *summary,
		       struct error *err)
{
	*summary = (struct aggregate_summary){ 0 };
	s->hold_ns = 0;
	s->unsaved = true;
	live_tables_stop(s);
	live_tables_collect(s);
	bool all = live_commit_all(s);
	live_say_well(s, true);
	if (!all) {
		uint64_t lost_before = s->status.records_lost;

		s->loss_said = true; /* not for want of memory */
		while (s->oldest)
			live_drop_oldest(s);
		return error_set(err, EXIT_OUTPUT,
				 "cannot write the end of %s: %s; %" PRIu64 " records were lost", s->path,
				 s->status.why, s->status.records_lost - lost_before);
	}
	bool ok = live_tables_final(s, s->path, problems, summary, err);
	/* As the last one that has the file open; a reader keeps the WAL, which does no harm. */
	if (s->db)
		sqlite3_exec(s->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
	live_file_close(s);
	return ok;
}
