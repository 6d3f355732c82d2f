/* What the subcommands share: lookup by name, and how an error is shown. */
#include "cmd.h"
#include "views/escape.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUBCOMMANDS_MOST 32
#define WIDTH_OF_FILES   80U /* of tables that do not go to a terminal */

static const struct subcommand *subcommand_find(const char *name)
{
	for (size_t i = 0; subcommands[i]; i++)
		if (strcmp(subcommands[i]->name, name) == 0)
			return subcommands[i];
	return NULL;
}

const struct subcommand *subcommand_named(const char *name, struct error *err)
{
	const struct subcommand *found = subcommand_find(name);
	const char *names[SUBCOMMANDS_MOST + 1] = { NULL };

	if (found)
		return found;
	for (size_t i = 0; subcommands[i] && i < SUBCOMMANDS_MOST; i++)
		names[i] = subcommands[i]->name;
	const char *near = nearest_word(name, names);
	if (near)
		error_set(err, EXIT_USAGE,
			  "unknown command '%.80s'; did you mean '%s'?\nsee '" PROGRAM " --help'", name,
			  near);
	else
		error_set(err, EXIT_USAGE, "unknown command '%.80s'\nsee '" PROGRAM " --help'", name);
	return NULL;
}

bool is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

enum exit_status command_fail(const struct error *err)
{
	/* No text: there is nobody to tell, as when the reader of our output has gone. */
	if (err->text[0]) {
		fputs(PROGRAM ": ", stderr);
		plain_put_lines(stderr, err->text); /* paths, and what a database says, are anybody's */
		fputc('\n', stderr);
	}
	return err->status;
}

unsigned command_width(void)
{
	struct winsize size;

	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return WIDTH_OF_FILES;
}

void command_catch_signals(void (*handler)(int))
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	const struct sigaction once = { .sa_handler = handler, .sa_flags = (int)SA_RESETHAND };
	struct sigaction before;

	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(signals[i], &once, NULL);
}

enum exit_status subcommand_run(const struct subcommand *subcommand, int argc, char **argv)
{
	struct error err;
	const struct command *command = subcommand->command();
	const char **arguments = NULL;
	size_t count = 0;
	enum exit_status status = EXIT_COMPLETE;

	switch (options_parse(command, argc, argv, &arguments, &count, &err)) {
	case OPTIONS_HELP_SHOWN:
		break;
	case OPTIONS_WRONG:
		status = command_fail(&err);
		break;
	case OPTIONS_RUN:
		status = subcommand->run(arguments, count);
		break;
	}
	free(arguments);
	options_free(command);
	return status;
}
