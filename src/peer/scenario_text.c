/* A scenario's file as sections and lines, before anything of it is understood. */
#include "base/utf8.h"
#include "capture/source.h"
#include "peer/scenario_read.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define KEYS_MOST 200U           /* of a section */
#define BOM       "\xef\xbb\xbf" /* U+FEFF, which some editors put before a text in UTF-8 */

bool scenario_wrong(const struct reading *r, unsigned line, const char *format, ...)
{
	char text[sizeof r->err->text];
	va_list values;

	va_start(values, format);
	if (vsnprintf(text, sizeof text, format, values) < 0)
		text[0] = '\0';
	va_end(values);
	return error_set(r->err, EXIT_INPUT, "%.160s:%u: %s", r->file->path, line, text);
}

bool scenario_unknown(const struct reading *r, unsigned line, const char *what, const char *word,
		      const char *const *known)
{
	const char *near = nearest_word(word, known);
	char list[320] = "";
	size_t used = 0;

	if (near)
		return scenario_wrong(r, line, "'%.60s' is no %s; did you mean '%s'?", word, what, near);
	for (size_t i = 0; known[i] && used < sizeof list; i++)
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", known[i]);
	if (used >= sizeof list)
		memcpy(list + sizeof list - 4, "...", 4);
	return scenario_wrong(r, line, "'%.60s' is no %s; write one of: %s", word, what, used ? list : "-");
}

/* What is given in place of a scenario most often: what a scenario makes. */
static bool is_capture(const char *path)
{
	const struct source_options options = { .filter = NULL };
	struct error why;
	struct source *capture = source_open_files(&path, 1, &options, &why);

	source_close(capture);
	return capture != NULL;
}

static bool file_load(struct reading *r, size_t *size)
{
	const char *path = r->file->path;
	FILE *in = fopen(path, "re");
	struct stat status = { .st_mode = 0 };
	int why = errno;

	/* Opening a folder works, reading it does not. */
	if (in && fstat(fileno(in), &status) == 0 && S_ISDIR(status.st_mode)) {
		fclose(in);
		return error_set(r->err, EXIT_INPUT, "%s: is a directory; name a scenario", path);
	}
	if (!in)
		return error_set(r->err, EXIT_INPUT, "%s: %s", path, strerror(why));
	char *bytes = malloc(SCENARIO_BYTES_MOST + 1);
	errno = 0;
	*size = bytes ? fread(bytes, 1, SCENARIO_BYTES_MOST + 1, in) : 0;
	why = errno ? errno : EIO;
	bool failed = ferror(in);
	fclose(in);
	r->file->text.bytes = bytes;
	if (!bytes)
		return error_memory(r->err, "the scenario");
	if (failed)
		return error_set(r->err, EXIT_INPUT, "%s: %s", path, strerror(why));
	/* Not of a pipe, which is empty now: who opens it again waits for another writer. */
	if (S_ISREG(status.st_mode) && memchr(bytes, '\0', *size) && is_capture(path))
		return error_set(r->err, EXIT_INPUT,
				 "%s: is a capture, and no scenario: 'footsteps read' analyses it, and "
				 "'footsteps-peer trace --background' mixes its frames into a scenario",
				 path);
	if (*size > SCENARIO_BYTES_MOST)
		return error_set(r->err, EXIT_INPUT, "%s: larger than 1 MB: this is no scenario", path);
	bytes[*size] = '\0';
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Without blanks at both ends. */
static char *trim(char *text)
{
	size_t length;

	while (is_blank(*text))
		text++;
	length = strlen(text);
	while (length && is_blank(text[length - 1]))
		text[--length] = '\0';
	return text;
}

/* A comment begins with '#' where a word could begin. */
static void comment_cut(char *text)
{
	for (char *at = text; *at; at++)
		if (*at == '#' && (at == text || is_blank(at[-1]))) {
			*at = '\0';
			return;
		}
}

static bool is_text(const struct reading *r, unsigned number, const char *text)
{
	while (*text) {
		uint32_t code = utf8_next(&text);

		if (code == UTF8_NONE)
			return scenario_wrong(r, number, "this is no UTF-8 text");
		if ((code < 0x20 && code != '\t') || code == 0x7f)
			return scenario_wrong(r, number, "a control character (0x%02x) is in the text",
					      (unsigned)code);
	}
	return true;
}

static bool section_add(struct reading *r, unsigned number, char *text)
{
	struct scenario_text *t = &r->file->text;
	size_t length = strlen(text);
	struct scenario_section *more = realloc(t->section, (t->sections + 1) * sizeof *more);

	if (!more)
		return error_memory(r->err, "the scenario");
	t->section = more;
	if (text[length - 1] != ']')
		return scenario_wrong(r, number, "'%.60s' is no section: ']' is missing at its end", text);
	text[length - 1] = '\0';
	char *kind = trim(text + 1), *name = kind + strcspn(kind, " \t");
	if (*name)
		*name++ = '\0';
	t->section[t->sections++] = (struct scenario_section){
		.kind = kind, .name = trim(name), .line = number, .first = t->lines
	};
	return true;
}

static bool line_add(struct reading *r, unsigned number, char *text)
{
	struct scenario_text *t = &r->file->text;
	struct scenario_line l = { .key = "", .value = text, .line = number };

	if (t->sections == 0)
		return scenario_wrong(r, number, "'%.60s' is in no section; begin with [scenario]", text);
	struct scenario_section *s = &t->section[t->sections - 1];
	if (strcmp(s->kind, "events") != 0) {
		char *equals = strchr(text, '=');
		if (!equals)
			return scenario_wrong(r, number, "'%.60s' is no line of [%s]; write KEY = VALUE",
					      text, s->kind);
		*equals = '\0';
		l.key = trim(text);
		l.value = trim(equals + 1);
		if (!*l.key || !*l.value)
			return scenario_wrong(r, number, "%s is missing; write KEY = VALUE",
					      *l.key ? "the value" : "the key");
	}
	if (*l.key && s->count == KEYS_MOST)
		return scenario_wrong(r, number, "[%.40s] has more than %u lines", s->kind, KEYS_MOST);
	for (size_t i = s->first; *l.key && i < t->lines; i++)
		if (strcmp(t->line[i].key, l.key) == 0)
			return scenario_wrong(r, number, "'%.60s' is said twice, first in line %u", l.key,
					      t->line[i].line);
	/* Doubled when full: the count is a power of two then. */
	if ((t->lines & (t->lines - 1)) == 0) {
		struct scenario_line *more = realloc(t->line, (t->lines ? t->lines * 2 : 1) * sizeof *more);
		if (!more)
			return error_memory(r->err, "the scenario");
		t->line = more;
	}
	t->line[t->lines++] = l;
	s->count++;
	return true;
}

bool scenario_text_load(struct reading *r)
{
	size_t size = 0, length;
	unsigned number = 1;

	if (!file_load(r, &size))
		return false;
	char *at = r->file->text.bytes, *end = at + size;
	if (strncmp(at, BOM, strlen(BOM)) == 0)
		at += strlen(BOM);
	for (; at < end; at += length + 1, number++) {
		char *newline = memchr(at, '\n', (size_t)(end - at));
		length = newline ? (size_t)(newline - at) : (size_t)(end - at);
		if (memchr(at, '\0', length))
			return scenario_wrong(r, number, "a control character (0x00) is in the text");
		at[length] = '\0';
		/* Lines of editors that end them with two characters. */
		if (length && at[length - 1] == '\r')
			at[length - 1] = '\0';
		if (!is_text(r, number, at))
			return false;
		comment_cut(at);
		char *text = trim(at);
		if (*text && !(*text == '[' ? section_add(r, number, text) : line_add(r, number, text)))
			return false;
	}
	return true;
}
