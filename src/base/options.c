/* The parser that the table of options drives. */
#include "base/options.h"
#include "base/clock.h"
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The user's words are quoted up to this length, so that the hint after them is never cut off. */
#define QUOTED "%.80s"

/* A walk over argv. */
struct scan {
	const struct command *command;
	char **argv;
	int argc, at;
	struct error *err;
};

/* Like error_set(), with the place to read on. */
static bool wrong(const struct scan *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(const struct scan *s, const char *format, ...)
{
	char text[sizeof s->err->text - 80];
	va_list values;

	va_start(values, format);
	if (vsnprintf(text, sizeof text, format, values) < 0)
		text[0] = '\0';
	va_end(values);
	return error_set(s->err, EXIT_USAGE, "%s\nsee '%s %s --help'", text, options_program(s->command),
			 s->command->name);
}

static const struct option *option_by_name(const struct command *command, const char *name, size_t length)
{
	for (size_t i = 0; i < command->option_count; i++) {
		const struct option *o = &command->options[i];
		if (strlen(o->name) == length && memcmp(o->name, name, length) == 0)
			return o;
	}
	return NULL;
}

static const struct option *option_by_letter(const struct command *command, char letter)
{
	for (size_t i = 0; letter && i < command->option_count; i++)
		if (command->options[i].letter == letter)
			return &command->options[i];
	return NULL;
}

/* The option that a word such as "--idle=5" or "-i5" names, or NULL. */
static const struct option *option_of_word(const struct command *command, const char *word)
{
	if (word[0] != '-')
		return NULL;
	if (word[1] == '-')
		return option_by_name(command, word + 2, strcspn(word + 2, "="));
	return option_by_letter(command, word[1]);
}

/* The long option most like `name`, or NULL. */
static const char *option_nearest(const struct command *command, const char *name)
{
	const char **names = calloc(command->option_count + 2, sizeof *names);
	const char *found;

	if (!names)
		return NULL;
	for (size_t i = 0; i < command->option_count; i++)
		names[i] = command->options[i].name;
	names[command->option_count] = "help";
	found = nearest_word(name, names);
	free(names);
	return found;
}

static bool count_parse(const char *text, uint64_t *out)
{
	uint64_t value = 0, scale;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
			return false;
	if (at == text)
		return false;
	switch (*at) {
	case 'k':
	case 'K':
		scale = 1000;
		break;
	case 'M':
		scale = 1000000;
		break;
	case 'G':
		scale = 1000000000;
		break;
	case '\0':
		*out = value;
		return true;
	default:
		return false;
	}
	return at[1] == '\0' && !__builtin_mul_overflow(value, scale, out);
}

/* Decimal only: strtod() would also take "inf", "nan" and hexadecimal. */
static bool number_parse(const char *text, double *out)
{
	char *end;

	if (*text == '\0' || strspn(text, "0123456789+-.eE") != strlen(text))
		return false;
	*out = strtod(text, &end);
	return *end == '\0' && end != text && isfinite(*out);
}

static bool choice_set(const struct scan *s, const struct option *o, const char *text)
{
	char list[256];
	size_t used = 0;

	for (int i = 0; o->choices[i]; i++)
		if (strcmp(o->choices[i], text) == 0) {
			*(int *)o->value = i;
			return true;
		}
	list[0] = '\0';
	for (size_t i = 0; o->choices[i] && used < sizeof list; i++)
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "",
					 o->choices[i]);
	const char *near = nearest_word(text, o->choices);
	if (near)
		return wrong(s, "option '--%s': '" QUOTED "' is none of %s; did you mean '%s'?", o->name,
			     text, list, near);
	return wrong(s, "option '--%s': '" QUOTED "' is none of %s", o->name, text, list);
}

static bool list_add(const struct scan *s, struct option_list *list, const char *text)
{
	const char **items = realloc(list->items, (list->count + 1) * sizeof *items);

	if (!items)
		return error_memory(s->err, "the options");
	list->items = items;
	list->items[list->count++] = text;
	return true;
}

static bool value_set(const struct scan *s, const struct option *o, const char *text)
{
	struct error why;

	switch (o->type) {
	case OPTION_FLAG:
		*(bool *)o->value = true;
		return true;
	case OPTION_TEXT:
		*(const char **)o->value = text;
		return true;
	case OPTION_COUNT:
		if (count_parse(text, o->value))
			return true;
		return wrong(s,
			     "option '--%s': '" QUOTED
			     "' is no count; write a whole number up to 18446744073709551615, "
			     "with k, M or G for thousands, millions, billions",
			     o->name, text);
	case OPTION_DURATION:
		if (duration_parse(text, o->value, &why))
			return true;
		return wrong(s, "option '--%s': %s", o->name, why.text);
	case OPTION_NUMBER:
		if (number_parse(text, o->value))
			return true;
		return wrong(s, "option '--%s': '" QUOTED "' is no number; write it as 5, 0.25 or 1e-3",
			     o->name, text);
	case OPTION_CHOICE:
		return choice_set(s, o, text);
	case OPTION_LIST:
		return list_add(s, o->value, text);
	}
	return error_set(s->err, EXIT_INTERNAL, "option '--%s' has no type", o->name);
}

/* The value attached to an option, or else the next word; NULL with the error set. */
static const char *value_take(struct scan *s, const struct option *o, const char *attached)
{
	const char *next = s->at + 1 < s->argc ? s->argv[s->at + 1] : NULL;

	if (attached)
		return attached;
	if (!next) {
		wrong(s, "option '--%s' needs a value: --%s %s", o->name, o->name, o->argument);
		return NULL;
	}
	/* "-o --json" is a forgotten value far more often than a file named "--json". */
	if (option_of_word(s->command, next)) {
		wrong(s,
		      "option '--%s' needs a value, but the option '" QUOTED
		      "' follows; if that is the value, write "
		      "'--%s=" QUOTED "'",
		      o->name, next, o->name, next);
		return NULL;
	}
	s->at++;
	return next;
}

static enum options_result option_take(struct scan *s, const struct option *o, const char *attached)
{
	const char *text = NULL;

	if (o->type == OPTION_FLAG && attached) {
		wrong(s, "option '--%s' takes no value, but '" QUOTED "' is attached to it%s", o->name,
		      attached, s->argv[s->at][1] == '-' ? "" : "; write short options one by one");
		return OPTIONS_WRONG;
	}
	if (o->type != OPTION_FLAG && !(text = value_take(s, o, attached)))
		return OPTIONS_WRONG;
	if (!value_set(s, o, text))
		return OPTIONS_WRONG;
	if (s->command->set)
		s->command->set[o - s->command->options] = true;
	return OPTIONS_RUN;
}

static enum options_result option_unknown(const struct scan *s, const char *word)
{
	char name[64];
	const char *start = word + (word[1] == '-' ? 2 : 1), *near = NULL;

	snprintf(name, sizeof name, "%.*s", (int)strcspn(start, "="), start);
	if (name[0] && name[1])
		near = option_nearest(s->command, name);
	if (near)
		wrong(s, "unknown option '%.*s'; did you mean '--%s'?",
		      (int)(start - word + (int)strlen(name)), word, near);
	else if (word[1] == '-')
		wrong(s, "unknown option '--%s'", name);
	else
		wrong(s, "unknown option '-%c'", word[1]);
	return OPTIONS_WRONG;
}

/* Handles the word at s->at, which starts with a dash, and its value. */
static enum options_result word_take(struct scan *s)
{
	const char *word = s->argv[s->at];
	const struct option *o = option_of_word(s->command, word);
	const char *equals = strchr(word, '=');

	if (o && word[1] == '-')
		return option_take(s, o, equals ? equals + 1 : NULL);
	if (o)
		return option_take(s, o, word[2] ? word + 2 : NULL);
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		options_help(s->command, stdout);
		return OPTIONS_HELP_SHOWN;
	}
	return option_unknown(s, word);
}

enum options_result options_parse(const struct command *command, int argc, char **argv,
				  const char ***arguments, size_t *argument_count, struct error *err)
{
	struct scan s = { .command = command, .argv = argv, .argc = argc, .err = err };
	enum options_result result = OPTIONS_RUN;
	bool only_arguments = false;
	size_t count = 0;
	const char **rest = calloc((size_t)argc + 1, sizeof *rest);

	*arguments = NULL;
	*argument_count = 0;
	if (!rest) {
		error_memory(err, "the arguments");
		return OPTIONS_WRONG;
	}
	for (; s.at < argc && result == OPTIONS_RUN; s.at++) {
		const char *word = argv[s.at];
		if (only_arguments || word[0] != '-' || word[1] == '\0')
			rest[count++] = word;
		else if (strcmp(word, "--") == 0)
			only_arguments = true;
		else
			result = word_take(&s);
	}
	if (result != OPTIONS_RUN) {
		free(rest);
		options_free(command);
		return result;
	}
	*arguments = rest;
	*argument_count = count;
	return OPTIONS_RUN;
}

void options_free(const struct command *command)
{
	for (size_t i = 0; i < command->option_count; i++) {
		if (command->options[i].type != OPTION_LIST)
			continue;
		struct option_list *list = command->options[i].value;
		free(list->items);
		*list = (struct option_list){ NULL, 0 };
	}
}

const struct option *option_find(const struct command *command, const char *name)
{
	return option_by_name(command, name, strlen(name));
}

bool option_set(const struct command *command, const struct option *o, const char *text, struct error *err)
{
	const struct scan s = { .command = command, .err = err };

	return value_set(&s, o, text);
}

bool option_within(const char *option, uint64_t value, uint64_t least, uint64_t most, struct error *err)
{
	return (value >= least && value <= most) ||
	       error_set(err, EXIT_USAGE, "--%s %" PRIu64 ": it must be between %" PRIu64 " and %" PRIu64,
			 option, value, least, most);
}
