/* Running gnuplot. Script and complaints go through unlinked files, so that no pipe can fill up and block. */
#include "views/gnuplot.h"
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS 5

extern char **environ;

/* Waits for the child, at most so long; kills it then. False: it took too long. */
static bool child_wait(pid_t child, unsigned seconds, int *status)
{
	const struct timespec pause = { 0, POLL_MS * 1000000L };

	for (unsigned long waited = 0; waited < seconds * 1000UL; waited += POLL_MS) {
		pid_t ended = waitpid(child, status, WNOHANG);
		if (ended == child || (ended < 0 && errno != EINTR))
			return true;
		nanosleep(&pause, NULL);
	}
	kill(child, SIGKILL);
	while (waitpid(child, status, 0) < 0 && errno == EINTR)
		;
	return false;
}

static int child_spawn(pid_t *child, const char *directory, int script, int complaints)
{
	static char program[] = "gnuplot",
		    defaults[] = "-d"; /* -d: nobody's ~/.gnuplot changes our figures */
	char *arguments[] = { program, defaults, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t usual;
	int result = posix_spawn_file_actions_init(&files);

	if (result)
		return result;
	result = posix_spawnattr_init(&attributes);
	if (result) {
		posix_spawn_file_actions_destroy(&files);
		return result;
	}
	/* We ignore SIGPIPE; a child that inherits that may run on for nobody. */
	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	if ((result = posix_spawn_file_actions_adddup2(&files, script, STDIN_FILENO)) == 0 &&
	    (result = posix_spawn_file_actions_adddup2(&files, complaints, STDOUT_FILENO)) == 0 &&
	    (result = posix_spawn_file_actions_adddup2(&files, complaints, STDERR_FILENO)) == 0 &&
	    (result = posix_spawn_file_actions_addchdir_np(&files, directory)) == 0 &&
	    (result = posix_spawnattr_setsigdefault(&attributes, &usual)) == 0 &&
	    (result = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF)) == 0)
		result = posix_spawnp(child, program, &files, &attributes, arguments, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return result;
}

static void complaints_read(FILE *complaints, char *problem, size_t size)
{
	rewind(complaints);
	size_t length = fread(problem, 1, size - 1, complaints);
	while (length > 0 && strchr("\n\r\t ", problem[length - 1]))
		length--;
	problem[length] = '\0';
	size_t blank = strspn(problem, "\n\r\t ");
	memmove(problem, problem + blank, length - blank + 1);
}

enum gnuplot_result gnuplot_run(const char *directory, const char *script, unsigned seconds, char *problem,
				size_t size)
{
	FILE *in = tmpfile(), *complaints = tmpfile();
	enum gnuplot_result result = GNUPLOT_FAILED;
	pid_t child;
	int status = 0, failed = 0;

	problem[0] = '\0';
	if (!in || !complaints || fputs(script, in) < 0 || fflush(in) != 0 ||
	    lseek(fileno(in), 0, SEEK_SET) != 0) {
		snprintf(problem, size, "no temporary file: %s", strerror(errno));
	} else if ((failed = child_spawn(&child, directory, fileno(in), fileno(complaints))) != 0) {
		/* EACCES: something of that name in PATH that is no program. */
		result = failed == ENOENT || failed == EACCES ? GNUPLOT_MISSING : GNUPLOT_FAILED;
		snprintf(problem, size, "gnuplot: %s", strerror(failed));
	} else if (!child_wait(child, seconds, &status)) {
		snprintf(problem, size, "gnuplot was stopped after %u s", seconds);
	} else {
		complaints_read(complaints, problem, size);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			result = GNUPLOT_DONE;
		else if (!problem[0])
			snprintf(problem, size, "gnuplot failed without a word");
	}
	if (in)
		fclose(in);
	if (complaints)
		fclose(complaints);
	return result;
}
