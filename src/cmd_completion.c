/* footsteps completion, footsteps-peer completion: what a shell needs to complete our command lines, from the
 * tables of options. */
#include "cmd.h"
#include <stdlib.h>
#include <string.h>

/* What may follow an option. */
enum value_kind { VALUE_NONE, VALUE_WORDS, VALUE_FILE, VALUE_OTHER };

static enum value_kind value_kind(const struct option *o)
{
	static const char *const paths[] = { "FILE", "PATH", "DIR", "DATABASE" };

	if (o->type == OPTION_FLAG)
		return VALUE_NONE;
	if (o->type == OPTION_CHOICE)
		return VALUE_WORDS;
	for (size_t i = 0; o->argument && i < sizeof paths / sizeof paths[0]; i++)
		if (strstr(o->argument, paths[i]))
			return VALUE_FILE;
	return VALUE_OTHER;
}

static void words_print(FILE *out, const char *const *words)
{
	for (size_t i = 0; words && words[i]; i++)
		fprintf(out, "%s%s", i ? " " : "", words[i]);
}

static void names_print(FILE *out, bool hidden_too)
{
	for (size_t i = 0; subcommands[i]; i++)
		if (hidden_too || !subcommands[i]->hidden)
			fprintf(out, "%s ", subcommands[i]->name);
}

/*
 * The first sentence of a help text, as the inside of a single-quoted word. special: characters that get a
 * backslash within that; quote: how a single quote is written.
 */
static void sentence_print(FILE *out, const char *text, const char *special, const char *quote)
{
	size_t length = 0;

	while (text[length] &&
	       !(text[length] == '.' && strchr(" \n", text[length + 1]))) /* strchr() finds the end too */
		length++;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\'') {
			fputs(quote, out);
			continue;
		}
		if (strchr(special, text[i]))
			fputc('\\', out);
		fputc(text[i] == '\n' ? ' ' : text[i], out);
	}
}

/* --- bash --- */

#define BASH_START                                                                                           \
	"# bash completion of " PROGRAM "; made by '" PROGRAM " completion bash'\n"                          \
	"_" PROGRAM "()\n{\n"                                                                                \
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"                         \
	"\tlocal command=${COMP_WORDS[1]} words=\n"                                                          \
	"\t# bash splits --name=value at the sign\n"                                                         \
	"\tif [[ $cur == = ]]; then\n\t\tcur=\n"                                                             \
	"\telif [[ $prev == = ]]; then\n\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n\tfi\n"                      \
	"\tcase $COMP_CWORD:$command:$prev in\n"
/* An empty COMPREPLY means file names, by -o default. */
#define BASH_END                                                                                             \
	"\tesac\n"                                                                                           \
	"\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"                                    \
	"}\n"                                                                                                \
	"complete -o default -F _" PROGRAM " " PROGRAM "\n"

static void bash_value(const char *command, const struct option *o)
{
	enum value_kind kind = value_kind(o);

	if (kind == VALUE_NONE)
		return;
	printf("\t*:%s:--%s", command, o->name);
	if (o->letter)
		printf(" | *:%s:-%c", command, o->letter);
	fputs(")\n\t\t", stdout);
	if (kind == VALUE_WORDS) {
		fputs("words='", stdout);
		words_print(stdout, o->choices);
		fputs("' ;;\n", stdout);
	} else {
		fputs(kind == VALUE_FILE ? "return ;;\n" : "compopt +o default; return ;;\n", stdout);
	}
}

static void bash_command(const struct command *c)
{
	for (size_t i = 0; i < c->option_count; i++)
		bash_value(c->name, &c->options[i]);
	printf("\t*:%s:*)\n\t\twords='", c->name);
	words_print(stdout, c->words);
	fputs("'\n\t\t[[ $cur == -* ]] && words='", stdout);
	for (size_t i = 0; i < c->option_count; i++)
		printf("--%s ", c->options[i].name);
	fputs("--help' ;;\n", stdout);
}

static void bash_print(void)
{
	fputs(BASH_START "\t1:*)\n\t\twords='", stdout);
	names_print(stdout, false);
	fputs("help --help --version' ;;\n", stdout);
	fputs("\t2:help:* | 2:man:*)\n\t\twords='", stdout);
	names_print(stdout, true);
	fputs("' ;;\n", stdout);
	for (size_t i = 0; subcommands[i]; i++)
		bash_command(subcommands[i]->command());
	fputs(BASH_END, stdout);
}

/* --- zsh --- */

static void zsh_sentence(const char *text)
{
	sentence_print(stdout, text, "[]\\:", "'\\''");
}

/* An _arguments specification: '(-o --output)'{-o+,--output=}'[help]:FILE:_files' */
static void zsh_option(const struct option *o)
{
	enum value_kind kind = value_kind(o);
	const char *sign = kind == VALUE_NONE ? "" : "=";

	fputs("\t\t\t", stdout);
	if (o->letter && o->type == OPTION_LIST)
		printf("'*'{-%c+,--%s%s}'", o->letter, o->name, sign);
	else if (o->letter)
		printf("'(-%c --%s)'{-%c%s,--%s%s}'", o->letter, o->name, o->letter,
		       kind == VALUE_NONE ? "" : "+", o->name, sign);
	else
		printf("'%s--%s%s", o->type == OPTION_LIST ? "*" : "", o->name, sign);
	fputc('[', stdout);
	zsh_sentence(o->help);
	fputc(']', stdout);
	if (kind != VALUE_NONE) {
		fputc(':', stdout);
		zsh_sentence(o->argument ? o->argument : "value");
		fputs(kind == VALUE_FILE ? ":_files" : kind == VALUE_WORDS ? ":(" : ": ", stdout);
	}
	if (kind == VALUE_WORDS) {
		words_print(stdout, o->choices);
		fputc(')', stdout);
	}
	fputs("' \\\n", stdout);
}

static void zsh_command(const struct subcommand *s)
{
	const struct command *c = s->command();

	printf("\t%s)\n\t\t_arguments -S \\\n", c->name);
	for (size_t i = 0; i < c->option_count; i++)
		zsh_option(&c->options[i]);
	fputs("\t\t\t'(-h --help)'{-h,--help}'[Show the help]' \\\n\t\t\t", stdout);
	if (s == &subcommand_man)
		fputs("'1:command:($names)'\n", stdout);
	else if (c->words) {
		fputs("'*:argument:{_alternative \"words:word:(", stdout);
		words_print(stdout, c->words);
		fputs(")\" \"files:file:_files\"}'\n", stdout);
	} else
		fputs("'*:file:_files'\n", stdout);
	fputs("\t\t;;\n", stdout);
}

static void zsh_print(void)
{
	fputs("#compdef " PROGRAM "\n# made by '" PROGRAM " completion zsh'\n\n_" PROGRAM "()\n{\n\tlocal -a "
	      "commands names\n\tnames=(",
	      stdout);
	names_print(stdout, true);
	fputs(")\n\tcommands=(\n", stdout);
	for (size_t i = 0; subcommands[i]; i++) {
		if (subcommands[i]->hidden)
			continue;
		printf("\t\t'%s:", subcommands[i]->name);
		zsh_sentence(subcommands[i]->summary);
		fputs("'\n", stdout);
	}
	fputs("\t\t'help:the options of a command'\n\t)\n"
	      "\tif ((CURRENT == 2)); then\n"
	      "\t\t_describe command commands\n"
	      "\t\t_arguments '--help[List the commands]' '--version[Show the versions]'\n"
	      "\t\treturn\n\tfi\n"
	      "\tshift words\n\t((CURRENT--))\n"
	      "\tcase $words[1] in\n"
	      "\thelp)\n\t\t_arguments \"1:command:($names)\"\n\t\t;;\n",
	      stdout);
	for (size_t i = 0; subcommands[i]; i++)
		zsh_command(subcommands[i]);
	fputs("\tesac\n}\n\n_" PROGRAM " \"$@\"\n", stdout);
}

/* --- fish --- */

static void fish_option(const char *command, const struct option *o)
{
	enum value_kind kind = value_kind(o);

	printf("complete -c " PROGRAM " -n '__fish_seen_subcommand_from %s'", command);
	if (o->letter)
		printf(" -s %c", o->letter);
	printf(" -l %s", o->name);
	if (kind == VALUE_WORDS) {
		fputs(" -x -a '", stdout);
		words_print(stdout, o->choices);
		fputc('\'', stdout);
	} else if (kind != VALUE_NONE) {
		fputs(kind == VALUE_FILE ? " -r -F" : " -x", stdout);
	}
	fputs(" -d '", stdout);
	sentence_print(stdout, o->help, "\\", "\\'");
	fputs("'\n", stdout);
}

static void fish_command(const struct subcommand *s)
{
	static const struct option help = { .name = "help", .letter = 'h', .help = "Show the help" };
	const struct command *c = s->command();

	if (!s->hidden) {
		printf("complete -c " PROGRAM " -n __fish_use_subcommand -f -a %s -d '", s->name);
		sentence_print(stdout, s->summary, "\\", "\\'");
		fputs("'\n", stdout);
	}
	for (size_t i = 0; i < c->option_count; i++)
		fish_option(c->name, &c->options[i]);
	fish_option(c->name, &help);
	if (c->words) {
		printf("complete -c " PROGRAM " -n '__fish_seen_subcommand_from %s' -a '", c->name);
		words_print(stdout, c->words);
		fputs("'\n", stdout);
	}
}

static void fish_print(void)
{
	fputs("# fish completion of " PROGRAM "; made by '" PROGRAM " completion fish'\n"
	      "complete -c " PROGRAM " -n __fish_use_subcommand -f -a help -d 'the options of a command'\n"
	      "complete -c " PROGRAM " -n __fish_use_subcommand -f -l help -d 'List the commands'\n"
	      "complete -c " PROGRAM " -n __fish_use_subcommand -f -l version -d 'Show the versions'\n"
	      "complete -c " PROGRAM " -n '__fish_seen_subcommand_from help man' -f -a '",
	      stdout);
	names_print(stdout, true);
	fputs("'\n", stdout);
	for (size_t i = 0; subcommands[i]; i++)
		fish_command(subcommands[i]);
}

/* --- the subcommand --- */

static const struct shell {
	const char *name;
	void (*print)(void);
} shells[] = {
	{ "bash", bash_print },
	{ "zsh", zsh_print },
	{ "fish", fish_print },
};
static const char *const shell_names[] = { "bash", "zsh", "fish", NULL };
_Static_assert(sizeof shells / sizeof shells[0] + 1 == sizeof shell_names / sizeof shell_names[0],
	       "one name each");

static const struct command completion_command = {
	.program = PROGRAM,
	.name = "completion",
	.summary = "write a shell's completion script to standard output",
	.usage = "bash|zsh|fish",
	.details = "The script completes commands, options and their values. It is made from the same tables "
		   "as --help, so it knows exactly what this version knows.",
	.examples = "source <(" PROGRAM " completion bash)\tcompletion in this bash\n" PROGRAM
		    " completion zsh > ~/.zfunc/_" PROGRAM "\tfor zsh; ~/.zfunc must be in fpath\n" PROGRAM
		    " completion fish > ~/.config/fish/completions/" PROGRAM ".fish\tfor fish\n",
	.words = shell_names,
};

static const struct command *completion_describe(void)
{
	return &completion_command;
}

static enum exit_status completion_run(const char *const *arguments, size_t count)
{
	struct error err;

	for (size_t i = 0; count == 1 && i < sizeof shells / sizeof shells[0]; i++) {
		if (strcmp(arguments[0], shells[i].name) != 0)
			continue;
		shells[i].print();
		return EXIT_COMPLETE;
	}
	error_set(&err, EXIT_USAGE, "name one shell: bash, zsh or fish\nsee '" PROGRAM " completion --help'");
	return command_fail(&err);
}

const struct subcommand subcommand_completion = {
	.name = "completion",
	.summary = "write a shell's completion script",
	.command = completion_describe,
	.run = completion_run,
	.hidden = true,
};
