/* Captures read into private databases; see cmd_capture.h. */
#include "cmd_capture.h"
#include "base/progress.h"
#include "cmd.h"
#include "store/open.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TWINS_LOOKED_AT 1000U /* arguments that are compared with each other */

#define ARGUMENTS_MAX 12U
#define BATCH         32U /* frames */

static volatile sig_atomic_t stop_requested; /* the signal */

static void on_signal(int signal_number)
{
	stop_requested = signal_number;
}

int capture_stopped(void)
{
	return stop_requested;
}

static enum exit_status run_read(const char *capture, const char *database, const struct capture_reading *how)
{
	char *arguments[ARGUMENTS_MAX] = {
		"--no-hash", "--activity", "0", "-o", (char *)database, "--flows"
	};
	int count = 6;

	arguments[count++] = how->all_flows ? "all" : "recognised";
	read_without_summary();
	if (!how->progress)
		arguments[count++] = "--quiet";
	if (!how->ndpi)
		arguments[count++] = "--no-ndpi";
	arguments[count++] = "--"; /* the capture's name may begin with '-' */
	arguments[count++] = (char *)capture;
	return subcommand_run(&subcommand_read, count, arguments);
}

sqlite3 *capture_read(const char *capture, const struct capture_reading *how, enum exit_status *status)
{
	const char *above = getenv("TMPDIR");
	char directory[4096], database[sizeof directory + 16];
	struct error err;
	sqlite3 *db = NULL;

	command_catch_signals(on_signal); /* until read has its own */
	above = above && *above ? above : "/var/tmp";
	int length = snprintf(directory, sizeof directory, "%s/footsteps-XXXXXX", above);
	if (length >= (int)sizeof directory || !mkdtemp(directory)) {
		error_set(&err, EXIT_OUTPUT, "cannot make a temporary database in %s: %s; TMPDIR says where",
			  above, strerror(length >= (int)sizeof directory ? ENAMETOOLONG : errno));
		*status = command_fail(&err);
		return NULL;
	}
	snprintf(database, sizeof database, "%s/capture.db", directory);
	*status = run_read(capture, database, how);
	if (*status == EXIT_COMPLETE || *status == EXIT_INCOMPLETE) {
		db = store_open_read(database, &err);
		*status = db ? *status : command_fail(&err);
	}
	/* As soon as it is open: then nothing is left, however this program ends. */
	unlink(database);
	rmdir(directory);
	command_catch_signals(SIG_DFL);
	return db;
}

bool capture_frames(struct source *source, bool progress,
		    bool (*take)(void *self, const struct frame *frames, size_t count, struct error *err),
		    void *self, struct error *err)
{
	struct frame frames[BATCH];
	struct source_stats stats;
	enum source_result result;
	bool ok;

	source_stats(source, &stats);
	struct progress *line = progress_new("reading", stats.bytes_total, progress && isatty(STDERR_FILENO));
	do {
		size_t count = source_next_batch(source, frames, BATCH, &result, err);
		ok = take(self, frames, count, err);
		source_stats(source, &stats);
		progress_update(line, stats.bytes_done, stats.frames);
	} while (ok && result == SOURCE_FRAME);
	progress_free(line);
	return ok && result == SOURCE_END;
}

void capture_warn_of_twins(const char *const *paths, size_t count)
{
	for (size_t i = 1; i < count; i++)
		for (size_t j = 0; j < i && i < TWINS_LOOKED_AT; j++)
			if (strcmp(paths[i], paths[j]) == 0 && strcmp(paths[i], "-") != 0)
				fprintf(stderr, "footsteps: warning: %s is named twice, and counts twice\n",
					paths[i]);
}
