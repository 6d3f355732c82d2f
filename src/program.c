/* The command line of a program with subcommands; shared by footsteps and footsteps-peer. */
#include "cmd.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static void program_help(FILE *out)
{
	fprintf(out, "usage: " PROGRAM " %s\n\n", program_command.usage);
	options_wrap(out, program_command.details, 0, 0);
	fputs("\ncommands:\n", out);
	for (size_t i = 0; subcommands[i]; i++)
		if (!subcommands[i]->hidden)
			fprintf(out, "  %-10s  %s\n", subcommands[i]->name, subcommands[i]->summary);
	fprintf(out, "  help        the options of a command: " PROGRAM " help %s\n", subcommands[0]->name);
	options_examples(out, program_command.examples);
	fputc('\n', out);
	options_wrap(out, PROGRAM " --version lists the libraries in use; " PROGRAM "(1) is the manual.", 0,
		     0);
}

static enum exit_status subcommand_run_named(const char *name, int argc, char **argv)
{
	struct error err;
	const struct subcommand *found = subcommand_named(name, &err);

	return found ? subcommand_run(found, argc, argv) : command_fail(&err);
}

static bool asks_for_help(const char *word)
{
	return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static enum exit_status program_run(int argc, char **argv)
{
	char *help[] = { "--help" };

	if (argc < 2) {
		program_help(stdout);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		version_print(stdout);
		return EXIT_COMPLETE;
	}
	bool asks = asks_for_help(argv[1]);
	if (asks && argc > 2 && !asks_for_help(argv[2]))
		return subcommand_run_named(argv[2], 1, help);
	if (asks) {
		program_help(stdout);
		return EXIT_COMPLETE;
	}
	return subcommand_run_named(argv[1], argc - 2, argv + 2);
}

/* Whether the program that read our output has gone, as head does when it has seen enough. */
static bool reader_is_gone(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

int program_main(int argc, char **argv)
{
	/* No database may get the descriptor of a closed standard stream; opened so that its use still fails.
	 */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
	/* A reader that goes away (| head) must not end us in the middle of a change. */
	signal(SIGPIPE, SIG_IGN);

	enum exit_status status = program_run(argc, argv);
	bool gone = reader_is_gone(), failed = ferror(stdout);
	errno = 0;
	failed = fclose(stdout) != 0 || failed;
	/* Who stops reading has what he wants: no error, unlike a full disk. */
	if (failed && !gone && errno != EPIPE && (status == EXIT_COMPLETE || status == EXIT_INCOMPLETE)) {
		fprintf(stderr, PROGRAM ": standard output: %s\n",
			errno ? strerror(errno) : "a write failed");
		status = EXIT_OUTPUT;
	}
	return (int)status;
}
