/* Lines of a strict ini file; see settings.h. */
#include "base/reader.h"
#include "base/settings_parts.h"
#include "base/utf8.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUOTED   "%.80s" /* of the file's words, so that what is said after them is never cut off */
#define BLANKS   " \t"
#define KEY_CHAR "abcdefghijklmnopqrstuvwxyz0123456789-_ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* --- the file --- */

static bool check_kind(int fd, const char *path, struct error *err)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return error_set(err, EXIT_USAGE, "%s: %s", path, strerror(errno));
	if (S_ISDIR(status.st_mode))
		return error_set(err, EXIT_USAGE, "%s is a directory; name a file in it", path);
	if (!S_ISREG(status.st_mode))
		return error_set(err, EXIT_USAGE,
				 "%s is no regular file; it has to be one, as HUP reads it again", path);
	return status.st_size <= SETTINGS_FILE_MAX ||
	       error_set(err, EXIT_USAGE,
			 "%s: %lld bytes are too many for a file of settings, which has at most %u", path,
			 (long long)status.st_size, SETTINGS_FILE_MAX);
}

/* One byte more than allowed is asked for: the file may have grown. */
static bool read_all(int fd, const char *path, uint8_t *into, size_t *length, struct error *err)
{
	ssize_t got = 1;

	*length = 0;
	while (got != 0 && *length <= SETTINGS_FILE_MAX) {
		got = read(fd, into + *length, SETTINGS_FILE_MAX + 1 - *length);
		if (got < 0 && errno != EINTR)
			return error_set(err, EXIT_USAGE, "%s: %s", path, strerror(errno));
		*length += got > 0 ? (size_t)got : 0;
	}
	return *length <= SETTINGS_FILE_MAX ||
	       error_set(err, EXIT_USAGE, "%s is too long for a file of settings, which has at most %u bytes",
			 path, SETTINGS_FILE_MAX);
}

static uint8_t *load(const char *path, size_t *length, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	uint8_t *bytes;

	if (fd < 0) {
		error_set(err, EXIT_USAGE, "%s: %s", path, strerror(errno));
		return NULL;
	}
	bytes = malloc(SETTINGS_FILE_MAX + 1);
	bool ok = bytes || error_memory(err, "the settings");
	ok = ok && check_kind(fd, path, err) && read_all(fd, path, bytes, length, err);
	close(fd);
	if (ok)
		return bytes;
	free(bytes);
	return NULL;
}

/* --- a line --- */

/* Where a walk over the file is. */
struct walk {
	const char *section; /* that is wanted */
	setting_taker *take;
	void *self;
	unsigned line, section_line; /* section_line: 0: not yet */
	char text[SETTINGS_LINE_MAX + 1];
};

/* The next line into w->text, as a string. */
static bool line_next(struct walk *w, struct reader *r, struct error *err)
{
	struct reader ahead = *r;
	struct span rest = rd_rest(&ahead);
	const uint8_t *newline = memchr(rest.ptr, '\n', rest.len);
	size_t length = newline ? (size_t)(newline - rest.ptr) : rest.len;
	struct span line = rd_take(r, length);

	rd_skip(r, newline ? 1 : 0);
	w->line++;
	if (length > SETTINGS_LINE_MAX)
		return error_set(err, EXIT_USAGE, "the line has %zu bytes, and at most %u are allowed",
				 length, SETTINGS_LINE_MAX);
	if (memchr(line.ptr, '\0', line.len))
		return error_set(err, EXIT_USAGE, "the line has a NUL byte: is this a file of text?");
	memcpy(w->text, line.ptr, line.len);
	w->text[line.len] = '\0';
	if (line.len && w->text[line.len - 1] == '\r') /* of an editor on Windows */
		w->text[line.len - 1] = '\0';
	for (const char *at = w->text; *at; at += utf8_length(at, SIZE_MAX)) {
		if (utf8_length(at, SIZE_MAX) == 0)
			return error_set(err, EXIT_USAGE,
					 "byte %zu of the line is no UTF-8; save the file as UTF-8, or write "
					 "the byte as \"\\x%02x\" in quotes",
					 (size_t)(at - w->text) + 1, (unsigned)(unsigned char)*at);
		if ((unsigned char)*at < ' ' && *at != '\t')
			return error_set(
				err, EXIT_USAGE,
				"byte %zu of the line is a control character; in quotes, write it as "
				"\"\\x%02x\"",
				(size_t)(at - w->text) + 1, (unsigned)(unsigned char)*at);
	}
	return true;
}

static bool is_end(const char *text)
{
	text += strspn(text, BLANKS);
	return *text == '\0' || *text == '#' || *text == ';';
}

static bool take_section(struct walk *w, char *text, struct error *err)
{
	size_t length = strcspn(text + 1, "]");

	if (text[1 + length] == '\0' || !is_end(text + length + 2))
		return error_set(err, EXIT_USAGE,
				 "'" QUOTED "' is no section; a section is a name in brackets: [%s]", text,
				 w->section);
	text[1 + length] = '\0';
	if (strcmp(text + 1, w->section) != 0)
		return error_set(err, EXIT_USAGE,
				 "unknown section [" QUOTED "]; all settings here belong to [%s]", text + 1,
				 w->section);
	if (w->section_line)
		return error_set(err, EXIT_USAGE,
				 "section [%s] began in line %u already; put all settings there", w->section,
				 w->section_line);
	w->section_line = w->line;
	return true;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One character behind a backslash; *at is moved behind it. */
static bool unescape(const char **at, char *out, struct error *err)
{
	char c = *(*at)++;
	int high, low;

	if (c == '"' || c == '\\') {
		*out = c;
		return true;
	}
	if (c == 'n' || c == 't') {
		*out = c == 'n' ? '\n' : '\t';
		return true;
	}
	if (c == 'x' && (high = hex_value(**at)) >= 0 && (low = hex_value((*at)[1])) >= 0 && high + low > 0) {
		*at += 2;
		*out = (char)(high << 4 | low);
		return true;
	}
	return error_set(
		err, EXIT_USAGE,
		"'\\%.1s' is not understood in quotes; write \\\\ for a backslash, and else \\\", \\n, "
		"\\t or \\x41",
		*at - 1);
}

/* Behind the opening quote; the value is written over itself. */
static bool take_quoted(char *text, struct error *err)
{
	const char *at = text;
	char *out = text;

	while (*at != '"') {
		if (*at == '\0')
			return error_set(err, EXIT_USAGE,
					 "the text in quotes does not end in its line: add a \"");
		if (*at != '\\') {
			*out++ = *at++;
			continue;
		}
		at++;
		if (!unescape(&at, out++, err))
			return false;
	}
	if (!is_end(at + 1))
		return error_set(err, EXIT_USAGE,
				 "'" QUOTED
				 "' follows the closing quote; put it inside, or write \\\" for a quote",
				 at + 1 + strspn(at + 1, BLANKS));
	*out = '\0';
	return true;
}

/* Up to a comment, which has a blank before it, so that "a#b" is a value. */
static void cut_plain(char *text)
{
	size_t end = strlen(text);

	for (size_t i = 0; i < end; i++)
		if ((text[i] == '#' || text[i] == ';') && (i == 0 || strchr(BLANKS, text[i - 1])))
			end = i;
	while (end && strchr(BLANKS, text[end - 1]))
		end--;
	text[end] = '\0';
}

static bool take_setting(struct walk *w, char *key, struct error *err)
{
	size_t length = strspn(key, KEY_CHAR);
	char *equals = key + length + strspn(key + length, BLANKS), *value = equals + 1;

	if (*equals != '=' || length == 0)
		return error_set(err, EXIT_USAGE,
				 "'" QUOTED "' has no '='; a setting is written as: key = value", key);
	key[length] = '\0';
	if (!w->section_line)
		return error_set(err, EXIT_USAGE, "'" QUOTED "' belongs to no section; write [%s] before it",
				 key, w->section);
	value += strspn(value, BLANKS);
	if (*value == '\'')
		return error_set(err, EXIT_USAGE, "'" QUOTED "': text is quoted with \", not with '", key);
	if (*value == '"') {
		if (!take_quoted(++value, err))
			return false;
	} else {
		cut_plain(value);
		if (*value == '\0')
			return error_set(err, EXIT_USAGE,
					 "'" QUOTED "' has no value; write \"\" for a text "
					 "without characters, or remove the line",
					 key);
	}
	return w->take(w->self, key, value, w->line, err);
}

static bool take_line(struct walk *w, struct error *err)
{
	char *text = w->text + strspn(w->text, BLANKS);

	if (is_end(text))
		return true;
	return *text == '[' ? take_section(w, text, err) : take_setting(w, text, err);
}

/* "FILE:LINE: " before what was said. */
static bool placed(struct error *err, const char *path, unsigned line)
{
	struct error inner = *err;

	return error_set(err, inner.status, "%.150s:%u: %s", path, line, inner.text);
}

bool settings_parse(const char *path, const char *section, setting_taker *take, void *self, struct error *err)
{
	size_t length = 0;
	uint8_t *bytes = load(path, &length, err);
	struct walk *w = bytes ? calloc(1, sizeof *w) : NULL;
	bool ok = w;

	if (bytes && !w)
		error_memory(err, "the settings");
	if (w) {
		struct reader r = reader_on((struct span){ bytes, length });
		*w = (struct walk){ .section = section, .take = take, .self = self };
		while (ok && rd_left(&r))
			ok = line_next(w, &r, err) && take_line(w, err);
		if (!ok)
			placed(err, path, w->line);
	}
	free(w);
	free(bytes);
	return ok;
}
