/* footsteps man, footsteps-peer man: manual pages from the tables of options, in man(7) macros as groff and
 * mandoc read them. */
#include "cmd.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_DATE   "2026-11-21" /* of the last change to this file's own text */
#define SOURCE_WIDE 72U          /* mandoc wants source lines below 80 bytes, escapes included */

/* How a character is written so that roff shows it as itself (groff_char(7)). */
static const char *roff_char(char c)
{
	switch (c) {
	case '\\':
		return "\\e";
	case '-':
		return "\\-"; /* else it becomes a hyphen that cannot be pasted into a shell */
	case '\'':
		return "\\(aq";
	case '`':
		return "\\(ga";
	case '^':
		return "\\(ha";
	case '~':
		return "\\(ti";
	case '"':
		return "\\(dq";
	default:
		return NULL;
	}
}

/* Length of the escaped text. With out NULL nothing is written. */
static size_t roff_put(FILE *out, const char *text, size_t length)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		const char *escaped = roff_char(text[i]);
		if (out && escaped)
			fputs(escaped, out);
		else if (out)
			fputc(text[i], out);
		used += escaped ? strlen(escaped) : 1;
	}
	return used;
}

/* A whole line that roff must not fill or take for a macro. */
static void roff_line(FILE *out, const char *text, size_t length)
{
	if (length && *text == '.')
		fputs("\\&", out); /* the other control character, ', is escaped anyway */
	roff_put(out, text, length);
	fputc('\n', out);
}

/* Filled text; a sentence that ends at the end of a source line gets its wide space. */
static void roff_words(FILE *out, const char *text, size_t length)
{
	const char *end = text + length;
	size_t at = 0;

	while (text < end) {
		size_t n = 0;
		while (text + n < end && text[n] != ' ')
			n++;
		if (n) {
			if (at && at + 1 + roff_put(NULL, text, n) > SOURCE_WIDE) {
				fputc('\n', out);
				at = 0;
			}
			if (at)
				at += (size_t)(fputc(' ', out) == ' ');
			else if (*text == '.')
				at += (size_t)(fputs("\\&", out) >= 0) * 2;
			at += roff_put(out, text, n);
			if (strchr(".?!", text[n - 1]) &&
			    !(n > 1 && text[n - 2] == '.')) { /* not after "..." */
				fputc('\n', out);
				at = 0;
			}
		}
		text += n + (text + n < end);
	}
	if (at)
		fputc('\n', out);
}

/* Text by the rules of struct command's details. paragraph: the macro between paragraphs. */
static void roff_text(FILE *out, const char *text, const char *paragraph)
{
	bool verbatim = false, pause = false;

	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");
		bool keep = *line == ' ' || *line == '\t';
		if (verbatim && !keep)
			fputs(".EE\n", out);
		if (pause && length)
			fprintf(out, "%s\n", paragraph);
		if (keep && !verbatim)
			fputs(".EX\n", out);
		if (keep)
			roff_line(out, line, length);
		else if (length)
			roff_words(out, line, length);
		verbatim = keep;
		pause = length == 0;
		line += length + (line[length] == '\n');
	}
	if (verbatim)
		fputs(".EE\n", out);
}

/* A usage such as "[options] FILE|-": words in capitals are placeholders, in italics. */
static void roff_usage(FILE *out, const char *usage)
{
	while (*usage) {
		size_t n = 0;
		while (isupper((unsigned char)usage[n]))
			n++;
		if (n > 1) {
			fprintf(out, "\\fI%.*s\\fR", (int)n, usage);
		} else {
			n = n ? n : 1;
			roff_put(out, usage, n);
		}
		usage += n;
	}
	fputc('\n', out);
}

static void upper_print(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(toupper((unsigned char)*text), out);
}

/* "footsteps\-read", or the program's own. */
static void page_name(FILE *out, const char *command)
{
	roff_put(out, PROGRAM, strlen(PROGRAM));
	fprintf(out, "%s%s", *command ? "\\-" : "", command);
}

/* .TH and NAME. The summary loses its capital and full stop, as whatis(1) wants it. */
static void page_start(FILE *out, const char *name, const char *summary)
{
	size_t length = strlen(summary);
	bool sentence = isupper((unsigned char)summary[0]) && islower((unsigned char)summary[1]);

	fputs(".\\\" Made by '" PROGRAM " man' from the tables of options; change those.\n.TH ", out);
	upper_print(out, PROGRAM);
	if (*name) {
		fputc('-', out);
		upper_print(out, name);
	}
	fprintf(out, " 1 " PAGE_DATE " \"" PROGRAM " %s\" \"User Commands\"\n.SH NAME\n", version_number());
	page_name(out, name);
	fputs(" \\- ", out);
	while (length && summary[length - 1] == '.')
		length--;
	if (sentence)
		fputc(tolower((unsigned char)*summary), out);
	roff_put(out, summary + sentence, length - sentence);
	fputs("\n.SH SYNOPSIS\n", out);
}

static void option_page(FILE *out, const struct option *o)
{
	fputs(".TP\n", out);
	if (o->letter)
		fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
	fputs("\\fB\\-\\-", out);
	roff_put(out, o->name, strlen(o->name));
	fputs("\\fR", out);
	if (o->argument) {
		fputs("=\\fI", out);
		roff_put(out, o->argument, strlen(o->argument));
		fputs("\\fR", out);
	}
	fputc('\n', out);
	roff_text(out, o->help, ".IP");
	if (o->type == OPTION_CHOICE && o->choices) {
		fputs("One of", out);
		for (size_t i = 0; o->choices[i]; i++) {
			fputs(i ? ",\n\\fB" : "\n\\fB", out);
			roff_put(out, o->choices[i], strlen(o->choices[i]));
			fputs("\\fR", out);
		}
		fputs(".\n", out);
	}
	if (o->type == OPTION_LIST)
		fputs("May be given several times.\n", out);
	if (o->shown_default) {
		fputs("Default: ", out);
		roff_put(out, o->shown_default, strlen(o->shown_default));
		fputs(".\n", out);
	}
}

static void examples_page(FILE *out, const char *examples)
{
	if (!examples || !*examples)
		return;
	fputs(".SH EXAMPLES\n", out);
	for (const char *line = examples; *line;) {
		size_t length = strcspn(line, "\n"), command = strcspn(line, "\t\n");
		fputs(".TP\n\\fB", out);
		roff_put(out, line, command);
		fputs("\\fR\n", out);
		if (command < length)
			roff_words(out, line + command + 1, length - command - 1);
		line += length + (line[length] == '\n');
	}
}

static void exit_status_page(FILE *out)
{
	fputs(".SH EXIT STATUS\n"
	      ".TP\n.B 0\nComplete.\n"
	      ".TP\n.B 1\nWrong usage; nothing was done.\n"
	      ".TP\n.B 2\nAn input cannot be opened, or is no capture.\n"
	      ".TP\n.B 3\nDone but incomplete: a file is cut, packets were dropped or flows evicted.\n"
	      "One line on standard error says which; the results are written.\n"
	      ".TP\n.B 4\nThe output cannot be written.\nNothing half\\-written is left under its final "
	      "name.\n"
	      ".TP\n.B 5\nInternal error: a defect of " PROGRAM ", or out of memory.\n",
	      out);
}

/* References to footsteps(1), to the program and to every command but `name`. */
static void see_also_page(FILE *out, const char *name)
{
	fputs(".SH SEE ALSO\n", out);
	if (*name || strcmp(PROGRAM, "footsteps") != 0)
		fputs(".BR footsteps (1),\n", out);
	else
		fputs(".BR footsteps\\-peer (1),\n", out);
	if (*name && strcmp(PROGRAM, "footsteps") != 0) {
		fputs(".BR ", out);
		page_name(out, "");
		fputs(" (1),\n", out);
	}
	for (size_t i = 0; subcommands[i]; i++)
		if (!subcommands[i]->hidden && strcmp(subcommands[i]->name, name) != 0) {
			fputs(".BR ", out);
			page_name(out, subcommands[i]->name);
			fputs(" (1),\n", out);
		}
	fputs(".BR sqlite3 (1),\n.BR tcpdump (1),\n.BR pcap\\-filter (7)\n", out);
}

static void command_page(FILE *out, const struct command *c)
{
	static const struct option help = { .name = "help",
					    .letter = 'h',
					    .help = "Show a summary and stop." };

	page_start(out, c->name, c->summary);
	fputs(".B ", out);
	roff_put(out, PROGRAM, strlen(PROGRAM));
	fprintf(out, " %s\n", c->name);
	roff_usage(out, c->usage);
	fputs(".SH DESCRIPTION\n", out);
	roff_text(out, c->details && *c->details ? c->details : c->summary, ".PP");
	fputs(".SH OPTIONS\nOptions and arguments may mix; \\fB\\-\\-\\fR ends the options.\n", out);
	for (size_t i = 0; i < c->option_count; i++)
		option_page(out, &c->options[i]);
	option_page(out, &help);
	exit_status_page(out);
	examples_page(out, c->examples);
	see_also_page(out, c->name);
}

static void program_page(FILE *out)
{
	page_start(out, "", program_command.summary);
	fputs(".B ", out);
	page_name(out, "");
	fputc('\n', out);
	roff_usage(out, program_command.usage);
	fputs(".SH DESCRIPTION\n", out);
	roff_text(out, program_command.details, ".PP");
	fputs(".SH COMMANDS\nEach command has a page of its own, and \\fB\\-\\-help\\fR.\n", out);
	for (size_t i = 0; subcommands[i]; i++) {
		fprintf(out, ".TP\n\\fB%s\\fR\n", subcommands[i]->name);
		roff_words(out, subcommands[i]->summary, strlen(subcommands[i]->summary));
	}
	fputs(".SH OPTIONS\n"
	      ".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nList the commands.\n"
	      ".TP\n\\fB\\-V\\fR, \\fB\\-\\-version\\fR\n"
	      "Show the version of " PROGRAM " and of the libraries that it uses.\n",
	      out);
	exit_status_page(out);
	fprintf(out, ".SH FILES\n%s", program_files);
	examples_page(out, program_command.examples);
	see_also_page(out, "");
}

static const struct command man_command = {
	.program = PROGRAM,
	.name = "man",
	.summary = "write a manual page to standard output",
	.usage = "[COMMAND]",
	.details =
		"Writes the page of a command, or without one that of " PROGRAM " itself, in the macros of "
		"man(7). The installed pages are made this way, so that they cannot differ from the "
		"program.",
	.examples = PROGRAM " man | man -l -\tread a page without installing it\n" PROGRAM " man > " PROGRAM
			    ".1\tthe page of the whole program\n",
};

static const struct command *man_describe(void)
{
	return &man_command;
}

static enum exit_status man_run(const char *const *arguments, size_t count)
{
	struct error err;

	if (count > 1) {
		error_set(&err, EXIT_USAGE,
			  "one page at a time: '%.80s' is one too many\nsee '" PROGRAM " man --help'",
			  arguments[1]);
		return command_fail(&err);
	}
	const struct subcommand *about = count == 1 ? subcommand_named(arguments[0], &err) : NULL;
	if (count == 1 && !about)
		return command_fail(&err);
	if (about)
		command_page(stdout, about->command());
	else
		program_page(stdout);
	return EXIT_COMPLETE;
}

const struct subcommand subcommand_man = {
	.name = "man",
	.summary = "write a manual page",
	.command = man_describe,
	.run = man_run,
	.hidden = true,
};
