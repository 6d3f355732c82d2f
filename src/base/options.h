/*
 * One table of options per subcommand; it makes the parser, --help, the man page's OPTIONS and shell
 * completion, so that they cannot drift apart. Long options: "--name VALUE" or "--name=VALUE"; short ones:
 * "-o VALUE" or "-oVALUE"; "--" ends options; arguments and options may mix.
 */
#ifndef FS_BASE_OPTIONS_H
#define FS_BASE_OPTIONS_H
#include "base/error.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum option_type {
	OPTION_FLAG,     /* bool: set true */
	OPTION_TEXT,     /* const char *: borrowed from argv */
	OPTION_COUNT,    /* uint64_t: a whole number, with optional k, M, G (powers of 1000) */
	OPTION_DURATION, /* int64_t ns: clock.h duration_parse() */
	OPTION_NUMBER,   /* double */
	OPTION_CHOICE,   /* int: index into choices */
	OPTION_LIST,     /* struct option_list: each use adds one */
};

struct option_list {
	const char **items;
	size_t count;
};

struct option {
	const char *name; /* without dashes */
	char letter;      /* 0: none */
	enum option_type type;
	void *value;                /* where it goes; holds the default beforehand */
	const char *argument;       /* "FILE", "TIME"; NULL for a flag */
	const char *help;           /* a sentence or two; the default is not repeated here */
	const char *shown_default;  /* for --help; NULL: none */
	const char *const *choices; /* OPTION_CHOICE: NULL-terminated */
};

struct command {
	const char *program; /* that it is a command of; NULL: footsteps */
	const char *name;    /* "read" */
	const char *summary; /* one line of a few words */
	const char *usage;   /* "[options] FILE|DIRECTORY|- ..." */
	/* For --help and the man page: "\n\n" between paragraphs; a line that starts with a blank stays as it
	 * is */
	const char *details;
	const char *examples; /* lines: "command\tcomment\n" */
	const struct option *options;
	size_t option_count;
	const char *const *words; /* what an argument may be besides a file, NULL-terminated; NULL: nothing */
	bool *set;                /* of each option: options_parse() has set it; NULL: nobody wants to know */
};

enum options_result { OPTIONS_RUN, OPTIONS_HELP_SHOWN, OPTIONS_WRONG };
/*
 * Parses argv (after the subcommand's name); *arguments receives the rest, allocated and NULL-terminated, to
 * be freed with free(). A wrong option is OPTIONS_WRONG with the nearest known one in err. --help and -h are
 * known to every command and print to stdout. Lists must be empty beforehand; their items are allocated and
 * freed by options_free(). Unless OPTIONS_RUN is returned, *arguments is NULL and nothing is left to free.
 */
enum options_result options_parse(const struct command *command, int argc, char **argv,
				  const char ***arguments, size_t *argument_count, struct error *err);
void options_free(const struct command *command);
/* The option of that long name, or NULL. */
const struct option *option_find(const struct command *command, const char *name);
/* Sets it as "--name text" does, with the same words when that is wrong; a flag whatever the text is. */
bool option_set(const struct command *command, const struct option *o, const char *text, struct error *err);
/* Whether the option's value is from `least` to `most`; EXIT_USAGE in words. */
bool option_within(const char *option, uint64_t value, uint64_t least, uint64_t most, struct error *err);
const char *options_program(const struct command *command);
void options_help(const struct command *command, FILE *out);
/* Prints text by the rules of `details`. The cursor is in column `at`; lines start at `indent`. */
void options_wrap(FILE *out, const char *text, size_t indent, size_t at);
/* Prints the section of `examples`; nothing when there are none. */
void options_examples(FILE *out, const char *examples);
/*
 * The effective values as one JSON object, to be freed with free(); for the manifest. Durations are seconds,
 * a text or choice that is not set is null.
 */
char *options_json_text(const struct command *command, struct error *err);
/* Of `known` (NULL-terminated), the first one most like `word`, or NULL when none is near. */
const char *nearest_word(const char *word, const char *const *known);
#endif
