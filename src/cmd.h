/*
 * What a subcommand is, and what subcommands share. Each is a cmd_*.c of its own, and a row in main.c. Both
 * programs, footsteps and footsteps-peer, are made this way, and compile the shared files each for itself.
 */
#ifndef FS_CMD_H
#define FS_CMD_H
#include "base/error.h"
#include "base/options.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#ifndef PROGRAM /* the makefile says it for the other one */
#define PROGRAM "footsteps"
#endif

struct subcommand {
	const char *name, *summary;             /* summary: a few words for the list of commands */
	const struct command *(*command)(void); /* its options, for --help, man page and completion */
	/* After the options are parsed; the arguments are what is left, borrowed. */
	enum exit_status (*run)(const char *const *arguments, size_t count);
	bool hidden; /* for packagers: not in the list of --help */
};

/* All of them, NULL-terminated; in main.c. */
extern const struct subcommand *const subcommands[];
/* NULL when there is none; *err says which name is near. */
const struct subcommand *subcommand_named(const char *name, struct error *err);

/* Parses its options and runs it. argv: after the subcommand's name. */
enum exit_status subcommand_run(const struct subcommand *subcommand, int argc, char **argv);

extern const struct subcommand subcommand_read, subcommand_live, subcommand_top, subcommand_doctor;
extern const struct subcommand subcommand_show, subcommand_report, subcommand_chart;
extern const struct subcommand subcommand_compare, subcommand_merge, subcommand_verify;
extern const struct subcommand subcommand_score, subcommand_rules, subcommand_self_test, subcommand_train;
extern const struct subcommand subcommand_man, subcommand_completion;

/* Of `read` on behalf of another command: there is no closing summary. */
void read_without_summary(void);
/* The signal that ended the reading of the last `read`, or 0. */
int read_stopped(void);

/* The program as a whole: the text of `footsteps --help` and footsteps(1); in main.c. Its name is "". */
extern const struct command program_command;
/* What is special in the program's manual page: lines of man(7). */
extern const char program_files[];
/* main() of both: looks for the subcommand, runs it, and sees whether standard output took everything. */
int program_main(int argc, char **argv);

/* Prints "footsteps: TEXT" to stderr, escaped for a terminal, and returns the status: `return
 * command_fail(&err)`. */
enum exit_status command_fail(const struct error *err);

/* Whether both names are of one file that there is. */
bool is_same_file(const char *a, const char *b);

/* Columns for tables on standard output: those of the terminal, or 80 elsewhere. */
unsigned command_width(void);
/* INT, TERM and HUP call the handler; the second one of a kind ends the program at once, and one that is
 * ignored (nohup) stays so. SIG_DFL: nobody calls it any more. */
void command_catch_signals(void (*handler)(int));

/* Of the program itself: "0.2.0". */
const char *version_number(void);
/* "libpcap 1.10.3, libndpi 4.2.0, ...": what is built in, for the manifest. False: buffer too small. */
bool version_libraries(char *buffer, size_t size);
/* For --version: one line each, what is not built in included. */
void version_print(FILE *out);
#endif
