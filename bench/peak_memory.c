/*
 * Runs a program, without its output, and prints the most memory that it held, in KiB (getrusage: the largest
 * of its processes). A program of its own, and small: the system counts the memory of what called exec(),
 * too, so that a script would add a floor of its interpreter.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATUS_CANNOT_RUN 127 /* as in sh */

static void run(char **argv)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	execvp(argv[0], argv);
	_exit(STATUS_CANNOT_RUN);
}

int main(int argc, char **argv)
{
	struct rusage used;
	int status;

	if (argc < 2) {
		fprintf(stderr, "usage: peak_memory PROGRAM [ARGUMENT...]\n");
		return 1;
	}
	pid_t child = fork();
	if (child == 0)
		run(argv + 1);
	if (child < 0 || wait4(child, &status, 0, &used) < 0) {
		fprintf(stderr, "peak_memory: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	printf("%ld\n", used.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
