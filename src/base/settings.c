/*
 * Settings of a command from a file; see settings.h. A reading goes into values of its own first, and into
 * the command's when all of the file is good: a wrong file changes nothing.
 */
#include "base/settings.h"
#include "base/settings_parts.h"
#include <stdlib.h>
#include <string.h>

/* One option's value of any type. */
union setting_value {
	bool flag;
	const char *text;
	uint64_t count;
	int64_t duration;
	double number;
	int choice;
	struct option_list list;
};

struct setting {
	enum setting_origin origin;
	unsigned line;             /* in the file */
	union setting_value unset; /* what it is when nobody sets it */
	char *before;              /* as it was at the last settings_changed(); NULL: was not set */
};

/* Something allocated that the command's options may point to. */
struct kept {
	struct kept *next;
	void *what;
};

struct settings {
	const struct command *command;
	struct setting *of;   /* of each option */
	struct kept *kept;    /* texts and arrays of lists, of all readings */
	const char **changed; /* room for all names and a NULL */
	char *path;           /* of the last reading */
	bool looked;          /* `before` is filled */
};

/* One reading: the options with values of its own. */
struct reading {
	struct settings *s;
	struct option *option;
	union setting_value *value;
	unsigned *line; /* 0: not in the file */
	struct command command;
};

/* Options that say what to do with the file, and so are none of what is in it. */
static const char *const not_in_files[] = { "config", "check-config", "print-config", NULL };

static size_t value_size(enum option_type type)
{
	switch (type) {
	case OPTION_FLAG:
		return sizeof(bool);
	case OPTION_TEXT:
		return sizeof(const char *);
	case OPTION_COUNT:
		return sizeof(uint64_t);
	case OPTION_DURATION:
		return sizeof(int64_t);
	case OPTION_NUMBER:
		return sizeof(double);
	case OPTION_CHOICE:
		return sizeof(int);
	case OPTION_LIST:
		return sizeof(struct option_list);
	}
	return 0;
}

static bool is_in_files(const struct option *o)
{
	for (size_t i = 0; not_in_files[i]; i++)
		if (strcmp(o->name, not_in_files[i]) == 0)
			return false;
	return true;
}

static bool keep(struct settings *s, void *what, struct error *err)
{
	struct kept *k = what ? malloc(sizeof *k) : NULL;

	if (!k) {
		free(what);
		return error_memory(err, "the settings");
	}
	*k = (struct kept){ s->kept, what };
	s->kept = k;
	return true;
}

struct settings *settings_new(const struct command *command, struct error *err)
{
	struct settings *s = calloc(1, sizeof *s);

	if (s) {
		s->command = command;
		s->of = calloc(command->option_count, sizeof *s->of);
		s->changed = calloc(command->option_count + 1, sizeof *s->changed);
	}
	if (s && s->of && s->changed)
		return s;
	settings_free(s);
	error_memory(err, "the settings");
	return NULL;
}

void settings_note_command_line(struct settings *s)
{
	for (size_t i = 0; i < s->command->option_count; i++) {
		const struct option *o = &s->command->options[i];
		s->of[i].origin =
			s->command->set && s->command->set[i] ? ORIGIN_COMMAND_LINE : ORIGIN_DEFAULT;
		memcpy(&s->of[i].unset, o->value, value_size(o->type));
	}
}

/* --- reading --- */

static void reading_drop(struct reading *r)
{
	free(r->option);
	free(r->value);
	free(r->line);
}

static bool reading_begin(struct reading *r, struct settings *s, struct error *err)
{
	size_t count = s->command->option_count;

	*r = (struct reading){ .s = s,
			       .option = calloc(count, sizeof *r->option),
			       .value = calloc(count, sizeof *r->value),
			       .line = calloc(count, sizeof *r->line),
			       .command = *s->command };
	if (!r->option || !r->value || !r->line)
		return error_memory(err, "the settings");
	for (size_t i = 0; i < count; i++) {
		r->option[i] = s->command->options[i];
		r->option[i].value = &r->value[i];
		if (s->of[i].origin != ORIGIN_COMMAND_LINE)
			r->value[i] = s->of[i].unset;
	}
	r->command.options = r->option;
	return true;
}

static bool unknown_key(const struct command *command, const char *key, struct error *err)
{
	const char **names = calloc(command->option_count + 1, sizeof *names);
	const char *near = NULL;
	size_t count = 0;

	for (size_t i = 0; names && i < command->option_count; i++)
		if (is_in_files(&command->options[i]))
			names[count++] = command->options[i].name;
	if (names)
		near = nearest_word(key, names);
	free(names);
	if (near)
		return error_set(err, EXIT_USAGE, "unknown key '%.80s'; did you mean '%s'?", key, near);
	return error_set(err, EXIT_USAGE,
			 "unknown key '%.80s'; keys are the long options of '%s %s --help', without dashes",
			 key, options_program(command), command->name);
}

static bool flag_set(const struct option *o, const char *value, struct error *err)
{
	bool yes = strcmp(value, "yes") == 0;

	if (!yes && strcmp(value, "no") != 0)
		return error_set(err, EXIT_USAGE, "'%s': '%.80s' is neither yes nor no", o->name, value);
	*(bool *)o->value = yes;
	return true;
}

static bool take_setting(void *self, const char *key, const char *value, unsigned line, struct error *err)
{
	struct reading *r = self;
	const struct option *o = option_find(&r->command, key);

	if (!o)
		return unknown_key(&r->command, key, err);
	size_t i = (size_t)(o - r->command.options);
	if (!is_in_files(o))
		return error_set(err, EXIT_USAGE,
				 "'%s' belongs on the command line: it says what to do with this file", key);
	if (r->line[i] && o->type != OPTION_LIST)
		return error_set(err, EXIT_USAGE, "'%s' has a value already, in line %u; remove one of them",
				 key, r->line[i]);
	if (!r->line[i])
		r->line[i] = line;
	if (o->type == OPTION_FLAG)
		return flag_set(o, value, err);
	char *copy = strdup(value);
	return keep(r->s, copy, err) && option_set(&r->command, o, copy, err);
}

/* Arrays of lists are kept as texts are: somebody may still look at those of the reading before. */
static bool keep_lists(struct reading *r, struct error *err)
{
	bool ok = true;

	for (size_t i = 0; i < r->s->command->option_count; i++)
		if (r->option[i].type == OPTION_LIST && r->line[i] && r->value[i].list.items)
			ok = keep(r->s, r->value[i].list.items, err) && ok;
	return ok;
}

/* Into the command's options, but for what its command line has set. */
static void reading_take(struct reading *r)
{
	struct settings *s = r->s;

	for (size_t i = 0; i < s->command->option_count; i++) {
		const struct option *o = &s->command->options[i];
		if (s->of[i].origin == ORIGIN_COMMAND_LINE)
			continue;
		s->of[i].origin = r->line[i] ? ORIGIN_FILE : ORIGIN_DEFAULT;
		s->of[i].line = r->line[i];
		memcpy(o->value, &r->value[i], value_size(o->type));
	}
}

/* Drops what was allocated since. */
static void forget(struct settings *s, const struct kept *since)
{
	while (s->kept != since) {
		struct kept *k = s->kept;
		s->kept = k->next;
		free(k->what);
		free(k);
	}
}

static bool read_into(struct reading *r, const char *path, struct error *err)
{
	struct settings *s = r->s;
	char *copy = strdup(path);

	if (!keep(s, copy, err))
		return false;
	bool good = settings_parse(path, s->command->name, take_setting, r, err);
	/* In any case, so that they have an owner. */
	if (!keep_lists(r, good ? err : NULL) || !good)
		return false;
	reading_take(r);
	s->path = copy;
	return true;
}

bool settings_read(struct settings *s, const char *path, struct error *err)
{
	const struct kept *before = s->kept;
	struct reading r;
	bool ok = reading_begin(&r, s, err) && read_into(&r, path, err);

	if (!ok)
		forget(s, before);
	reading_drop(&r);
	if (ok && !s->looked)
		(void)settings_changed(s);
	return ok;
}

/* --- looking --- */

/* All elements of its value, a line each; NULL: it is not set. */
static char *shown(const struct option *o)
{
	char text[SETTINGS_TEXT_MAX];
	char *all = NULL;
	size_t length = 0;

	for (size_t i = 0; setting_text(o, i, text); i++) {
		size_t more = strlen(text);
		char *moved = realloc(all, length + more + 2);
		if (!moved)
			break;
		all = moved;
		memcpy(all + length, text, more);
		length += more;
		all[length++] = '\n';
		all[length] = '\0';
	}
	return all;
}

const char *const *settings_changed(struct settings *s)
{
	size_t count = 0;

	for (size_t i = 0; i < s->command->option_count; i++) {
		char *now = shown(&s->command->options[i]), *before = s->of[i].before;
		bool same = now && before ? strcmp(now, before) == 0 : now == before;
		if (!same && s->looked)
			s->changed[count++] = s->command->options[i].name;
		free(before);
		s->of[i].before = now;
	}
	s->changed[count] = NULL;
	s->looked = true;
	return s->changed;
}

enum setting_origin settings_origin(const struct settings *s, const char *key, unsigned *line)
{
	const struct option *o = option_find(s->command, key);
	const struct setting *of = o ? &s->of[o - s->command->options] : NULL;

	if (line)
		*line = of ? of->line : 0;
	return of ? of->origin : ORIGIN_DEFAULT;
}

void settings_blame(const struct settings *s, struct error *err)
{
	char key[64], text[sizeof err->text];
	unsigned line;

	if (strncmp(err->text, "--", 2) != 0)
		return;
	size_t length = strcspn(err->text + 2, " :");
	snprintf(key, sizeof key, "%.*s", (int)length, err->text + 2);
	if (settings_origin(s, key, &line) != ORIGIN_FILE)
		return;
	/* As the file has it, without dashes. */
	snprintf(text, sizeof text, "%s", err->text + 2);
	error_set(err, err->status, "%s:%u: %s", s->path, line, text);
}

static void print_origin(const struct settings *s, const struct setting *of, FILE *out)
{
	if (of->origin != ORIGIN_FILE) {
		fputs(of->origin == ORIGIN_COMMAND_LINE ? "  # from the command line\n" : "  # default\n",
		      out);
		return;
	}
	fputs("  # from ", out);
	/* A comment ends with its line, and so must the path. */
	for (const char *at = s->path; *at; at++)
		fputc((unsigned char)*at < ' ' ? '?' : *at, out);
	fprintf(out, ":%u\n", of->line);
}

/* Columns before the comments; longer settings stand out. */
#define VALUE_WIDTH 24

static void print_setting(const struct settings *s, size_t i, int key_width, FILE *out)
{
	const struct option *o = &s->command->options[i];
	char text[SETTINGS_TEXT_MAX];
	size_t n = 0;

	for (; setting_text(o, n, text); n++) {
		fprintf(out, "%-*s = %-*s", key_width, o->name, VALUE_WIDTH, text);
		print_origin(s, &s->of[i], out);
	}
	/* What is not set cannot be written as a setting. */
	if (n == 0) {
		fprintf(out, "# %-*s %-*s", key_width, o->name, VALUE_WIDTH, "  not set");
		print_origin(s, &s->of[i], out);
	}
}

void settings_print(const struct settings *s, FILE *out)
{
	size_t longest = 0;

	for (size_t i = 0; i < s->command->option_count; i++)
		if (is_in_files(&s->command->options[i]) && strlen(s->command->options[i].name) > longest)
			longest = strlen(s->command->options[i].name);
	fprintf(out, "[%s]\n", s->command->name);
	for (size_t i = 0; i < s->command->option_count; i++)
		if (is_in_files(&s->command->options[i]))
			print_setting(s, i, (int)longest, out);
}

void settings_free(struct settings *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->of && i < s->command->option_count; i++) {
		/* It may point to what is freed here. */
		if (s->of[i].origin == ORIGIN_FILE)
			memcpy(s->command->options[i].value, &s->of[i].unset,
			       value_size(s->command->options[i].type));
		free(s->of[i].before);
	}
	forget(s, NULL);
	free(s->of);
	free(s->changed);
	free(s);
}
