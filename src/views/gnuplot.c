/* Running gnuplot. Script and complaints go through files in memory, so that no pipe can fill up and block.
 */
#include "views/gnuplot.h"
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 30000U /* a figure takes a tenth of a second; one of a million points, two */

extern char **environ;

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

static void words_read(struct gnuplot_job *job)
{
	rewind(job->complaints);
	size_t length = fread(job->words, 1, sizeof job->words - 1, job->complaints);
	while (length > 0 && strchr("\n\r\t ", job->words[length - 1]))
		length--;
	job->words[length] = '\0';
	size_t blank = strspn(job->words, "\n\r\t ");
	memmove(job->words, job->words + blank, length - blank + 1);
}

static void job_end(struct gnuplot_job *job)
{
	if (job->complaints)
		fclose(job->complaints);
	job->complaints = NULL;
	job->child = 0;
}

/* A file without a name that needs no directory to be made in; NULL with errno. */
static FILE *memory_file(const char *what)
{
	int fd = memfd_create(what, MFD_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w+");

	if (fd >= 0 && !file)
		close(fd);
	return file;
}

enum gnuplot_result gnuplot_start(struct gnuplot_job *job, const char *directory, const char *script)
{
	FILE *in = memory_file("script");
	enum gnuplot_result result = GNUPLOT_FAILED;
	int failed;

	*job = (struct gnuplot_job){ .complaints = memory_file("complaints") };
	if (!in || !job->complaints || fputs(script, in) < 0 || fflush(in) != 0 ||
	    lseek(fileno(in), 0, SEEK_SET) != 0) {
		snprintf(job->words, sizeof job->words, "no room for the script: %s", strerror(errno));
	} else if ((failed = child_spawn(&job->child, directory, fileno(in), fileno(job->complaints))) != 0) {
		/* EACCES: something of that name in PATH that is no program. */
		result = failed == ENOENT || failed == EACCES ? GNUPLOT_MISSING : GNUPLOT_FAILED;
		snprintf(job->words, sizeof job->words, "gnuplot: %s", strerror(failed));
	} else {
		result = GNUPLOT_RUNS;
	}
	if (in)
		fclose(in);
	if (result != GNUPLOT_RUNS)
		job_end(job);
	return result;
}

enum gnuplot_result gnuplot_look(struct gnuplot_job *job, unsigned waited_ms)
{
	int status = 0;
	pid_t ended = waitpid(job->child, &status, WNOHANG);
	enum gnuplot_result result = GNUPLOT_FAILED;

	if (ended == 0 || (ended < 0 && errno == EINTR)) {
		job->waited_ms += waited_ms;
		if (job->waited_ms < PATIENCE_MS)
			return GNUPLOT_RUNS;
		gnuplot_stop(job);
		snprintf(job->words, sizeof job->words, "gnuplot was stopped after %u s", PATIENCE_MS / 1000);
		return GNUPLOT_HUNG;
	}
	words_read(job);
	if (ended == job->child && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		result = GNUPLOT_DONE;
	else if (!job->words[0])
		snprintf(job->words, sizeof job->words, "gnuplot failed without a word");
	job_end(job);
	return result;
}

void gnuplot_stop(struct gnuplot_job *job)
{
	if (job->child > 0) {
		kill(job->child, SIGKILL);
		while (waitpid(job->child, NULL, 0) < 0 && errno == EINTR)
			;
	}
	job_end(job);
}
