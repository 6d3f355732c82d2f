/* --help from the table of options. */
#include "base/options.h"
#include <ctype.h>
#include <string.h>

#define COLUMNS       80U
#define LABEL_INDENT  2U
#define LABEL_LONGEST 26U /* a longer label has a line of its own */

/* Columns that UTF-8 text takes, all characters being one wide. */
static size_t width_of(const char *text, size_t length)
{
	size_t width = 0;

	for (size_t i = 0; i < length; i++)
		width += ((unsigned char)text[i] & 0xc0) != 0x80;
	return width;
}

static void indent_to(FILE *out, size_t *at, size_t column)
{
	for (; *at < column; ++*at)
		fputc(' ', out);
}

/* Adds the words of one line; *started: the output line has a word already. */
static void words_wrap(FILE *out, const char *line, size_t length, size_t indent, size_t *at, bool *started)
{
	const char *end = line + length;

	while (line < end) {
		size_t n = 0;
		while (line + n < end && line[n] != ' ')
			n++;
		size_t width = width_of(line, n);
		if (n && *started && *at + 1 + width > COLUMNS) {
			fputc('\n', out);
			*at = 0;
			*started = false;
		}
		if (n) {
			if (*started)
				indent_to(out, at, *at + 1);
			else
				indent_to(out, at, indent);
			fwrite(line, 1, n, out);
			*at += width;
			*started = true;
		}
		line += n + (line + n < end);
	}
}

void options_wrap(FILE *out, const char *text, size_t indent, size_t at)
{
	bool started = false;

	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");
		bool verbatim = *line == ' ' || *line == '\t';
		if ((verbatim || length == 0) && started) {
			fputc('\n', out);
			at = 0;
			started = false;
		}
		if (verbatim) {
			indent_to(out, &at, indent);
			fprintf(out, "%.*s\n", (int)length, line);
			at = 0;
		} else if (length == 0) {
			fputc('\n', out);
			at = 0;
		} else {
			words_wrap(out, line, length, indent, &at, &started);
		}
		line += length + (line[length] == '\n');
	}
	if (started || at)
		fputc('\n', out);
}

/* "-o, --output FILE"; without a letter the long name keeps its column. */
static size_t label_format(const struct option *o, char *out, size_t size)
{
	char letter[5] = "    ";

	if (o->letter)
		snprintf(letter, sizeof letter, "-%c, ", o->letter);
	int n = snprintf(out, size, "%s--%s%s%s", letter, o->name, o->argument ? " " : "",
			 o->argument ? o->argument : "");
	return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

/* The help, then "(one of a, b; default: a)". */
static void help_format(const struct option *o, char *out, size_t size)
{
	size_t used = 0;
	bool choices = o->type == OPTION_CHOICE && o->choices && o->choices[0];

#define ADD(...) (used += used < size ? (size_t)snprintf(out + used, size - used, __VA_ARGS__) : 0)
	ADD("%s", o->help);
	if (o->type == OPTION_LIST)
		ADD(" May be given several times.");
	for (size_t i = 0; choices && o->choices[i]; i++)
		ADD("%s%s", i ? ", " : " (one of ", o->choices[i]);
	if (o->shown_default)
		ADD("%sdefault: %s", choices ? "; " : " (", o->shown_default);
	if (choices || o->shown_default)
		ADD(")");
#undef ADD
}

static void option_print(FILE *out, const struct option *o, size_t column)
{
	char label[128], help[2048];
	size_t at = LABEL_INDENT + label_format(o, label, sizeof label);

	fprintf(out, "%*s%s", (int)LABEL_INDENT, "", label);
	if (at + 2 > column) {
		fputc('\n', out);
		at = 0;
	}
	help_format(o, help, sizeof help);
	options_wrap(out, help, column, at);
}

static void options_print(FILE *out, const struct command *command)
{
	static const struct option help = { .name = "help", .letter = 'h', .help = "Show this help." };
	char label[128];
	size_t widest = 0;

	for (size_t i = 0; i < command->option_count; i++) {
		size_t width = label_format(&command->options[i], label, sizeof label);
		if (width > widest && width <= LABEL_LONGEST)
			widest = width;
	}
	size_t own = label_format(&help, label, sizeof label);
	size_t column = LABEL_INDENT + (widest > own ? widest : own) + 2;
	fputs("\noptions:\n", out);
	for (size_t i = 0; i < command->option_count; i++)
		option_print(out, &command->options[i], column);
	option_print(out, &help, column);
}

void options_examples(FILE *out, const char *examples)
{
	if (!examples || !*examples)
		return;
	fputs("\nexamples:\n", out);
	for (const char *line = examples; *line;) {
		size_t length = strcspn(line, "\n"), command = strcspn(line, "\t\n");
		fprintf(out, "  %.*s\n", (int)command, line);
		if (command < length)
			fprintf(out, "      %.*s\n", (int)(length - command - 1), line + command + 1);
		line += length + (line[length] == '\n');
	}
}

/* The summary as a sentence, however it is written for lists. */
static void summary_print(FILE *out, const char *summary)
{
	size_t length = strlen(summary);

	fputc(toupper((unsigned char)*summary), out);
	fprintf(out, "%s%s\n", summary + 1, summary[length - 1] == '.' ? "" : ".");
}

const char *options_program(const struct command *command)
{
	return command->program ? command->program : "footsteps";
}

void options_help(const struct command *command, FILE *out)
{
	fprintf(out, "usage: %s %s %s\n\n", options_program(command), command->name, command->usage);
	summary_print(out, command->summary);
	if (command->details && command->details[0]) {
		fputc('\n', out);
		options_wrap(out, command->details, 0, 0);
	}
	options_print(out, command);
	options_examples(out, command->examples);
	fprintf(out,
		"\nexit status: 0 complete, 1 wrong usage, 2 bad input, 3 incomplete, 4 output\n"
		"cannot be written, 5 internal error; more in %s-%s(1).\n",
		options_program(command), command->name);
}
