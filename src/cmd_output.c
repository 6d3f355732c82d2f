/* A file whole or not at all; see cmd_output.h. */
#include "cmd_output.h"
#include "cmd.h"
#include "store/target.h"
#include "views/escape.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stop_requested; /* the signal */

static void on_signal(int signal_number)
{
	stop_requested = signal_number;
}

static bool write_in_place(const char *path, void (*put)(const void *what, FILE *out), const void *what,
			   struct error *err)
{
	FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");

	if (!out)
		return target_error(path, errno, err);
	put(what, out);
	if (out == stdout) /* main() looks whether that could be written */
		return true;
	bool failed = ferror(out);
	errno = 0;
	return (fclose(out) == 0 && !failed) || target_error(path, errno ? errno : EIO, err);
}

bool output_write(const char *path, enum file_kind replaceable, void (*put)(const void *what, FILE *out),
		  const void *what, struct error *err)
{
	struct target target;

	if (strcmp(path, "-") == 0 || file_look(path).kind == FILE_SPECIAL)
		return write_in_place(path, put, what, err);
	command_catch_signals(on_signal);
	int fd = target_make(&target, path, replaceable, err);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out) {
		if (fd >= 0) {
			target_error(path, errno, err);
			close(fd);
			target_drop(&target);
		}
		return false;
	}
	put(what, out);
	bool failed = ferror(out);
	errno = 0;
	failed = fclose(out) != 0 || failed;
	if (!failed && !stop_requested)
		return target_finish(&target, err);
	if (failed)
		target_error(path, errno ? errno : EIO, err);
	else
		error_set(err, EXIT_OUTPUT, "stopped by signal %d; %s was not written", (int)stop_requested,
			  path);
	target_drop(&target);
	return false;
}

void output_say_written(const char *path)
{
	fputs("written to ", stderr);
	plain_put(stderr, path);
	fputs("; look at it with: footsteps show ", stderr);
	if (*path == '-') /* or it would be an option */
		fputs("./", stderr);
	shell_put(stderr, path);
	fputc('\n', stderr);
}
