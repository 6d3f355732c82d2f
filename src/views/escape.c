/* Text on its way out: UTF-8 made safe, then the quoting of each format. */
#include "views/escape.h"
#include "base/json_string.h"
#include <stdbool.h>
#include <string.h>

void html_put(FILE *out, const char *text)
{
	while (*text) {
		const char *from = text;
		uint32_t code = utf8_next(&text);

		if (code == '&')
			fputs("&amp;", out);
		else if (code == '<')
			fputs("&lt;", out);
		else if (code == '>')
			fputs("&gt;", out);
		else if (code == '"')
			fputs("&quot;", out);
		else if (code == '\'')
			fputs("&#39;", out);
		else if (code == '\n' || code == '\t')
			fputc((int)code, out);
		else if (code == UTF8_NONE || utf8_is_control(code) || utf8_is_layout(code))
			fputs(UTF8_REPLACEMENT, out);
		else
			fwrite(from, 1, (size_t)(text - from), out);
	}
}

void json_put(FILE *out, const char *text)
{
	const char *end = text + strlen(text);
	char escape[JSON_ESCAPE];

	fputc('"', out);
	while (text < end) {
		const struct span piece = json_string_next(&text, end, escape);
		fwrite(piece.ptr, 1, piece.len, out);
	}
	fputc('"', out);
}

/*
 * Text as it is, but no bad UTF-8, which a strict reader would refuse with the whole file, and nothing that
 * would act on a terminal that it is printed to, except for ends of lines and tabs.
 */
static void utf8_put(FILE *out, const char *text, const char *doubled)
{
	while (*text) {
		const char *from = text;
		uint32_t code = utf8_next(&text);

		bool blank = code == '\t' || code == '\n' || code == '\r';
		if (code == UTF8_NONE || utf8_is_layout(code) || (utf8_is_control(code) && !blank)) {
			fputs(UTF8_REPLACEMENT, out);
			continue;
		}
		if (code < 0x80 && strchr(doubled, (int)code))
			fputc((int)code, out);
		fwrite(from, 1, (size_t)(text - from), out);
	}
}

void csv_put(FILE *out, const char *text)
{
	bool quoted = text[strcspn(text, ",\"\r\n")] != '\0';

	if (quoted)
		fputc('"', out);
	utf8_put(out, text, "\"");
	if (quoted)
		fputc('"', out);
}

void tsv_put(FILE *out, const char *text)
{
	while (*text) {
		const char *special = text + strcspn(text, "\t\n\r\\");
		size_t length = (size_t)(special - text);
		char part[256];

		if (length == 0) {
			fprintf(out, "\\%c",
				*text == '\t'   ? 't'
				: *text == '\n' ? 'n'
				: *text == '\r' ? 'r'
						: '\\');
			text++;
			continue;
		}
		/* In parts, without cutting a character in two. */
		if (length >= sizeof part) {
			length = sizeof part - 1;
			while (length > sizeof part - 4 && (text[length] & 0xc0) == 0x80)
				length--;
		}
		memcpy(part, text, length);
		part[length] = '\0';
		utf8_put(out, part, "");
		text += length;
	}
}

/* One character for a terminal; returns how many bytes of `piece` it takes. */
static size_t plain_next(const char **text, char piece[12])
{
	const char *from = *text;
	uint32_t code = utf8_next(text);
	size_t length = (size_t)(*text - from);

	if (code == UTF8_NONE || utf8_is_control(code))
		return (size_t)snprintf(piece, 12, "\\x%02x",
					code == UTF8_NONE ? (unsigned char)*from : (unsigned)code);
	if (utf8_is_layout(code))
		return (size_t)snprintf(piece, 12, "\\u%04x", (unsigned)code);
	memcpy(piece, from, length);
	return length;
}

size_t plain_text(const char *text, char *out, size_t size)
{
	size_t needed = 0, used = 0;
	char piece[12];

	while (*text) {
		size_t length = plain_next(&text, piece);
		if (used == needed && used + length < size) {
			memcpy(out + used, piece, length);
			used += length;
		}
		needed += length;
	}
	if (size)
		out[used] = '\0';
	return needed;
}

void plain_put(FILE *out, const char *text)
{
	char piece[12];

	while (*text)
		fwrite(piece, 1, plain_next(&text, piece), out);
}

void plain_put_lines(FILE *out, const char *text)
{
	char piece[12];

	while (*text)
		if (*text == '\n')
			fputc(*text++, out);
		else
			fwrite(piece, 1, plain_next(&text, piece), out);
}

void shell_put(FILE *out, const char *word)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,@%+=";
	bool printable = true;

	for (const char *c = word; *c; c++)
		printable = printable && *c >= ' ' && *c <= '~';
	if (*word && strspn(word, safe) == strlen(word)) {
		fputs(word, out);
		return;
	}
	fputs(printable ? "'" : "$'", out);
	for (const char *c = word; *c; c++)
		if (printable && *c == '\'')
			fputs("'\\''", out);
		else if (printable || (*c >= ' ' && *c <= '~' && *c != '\'' && *c != '\\'))
			fputc(*c, out);
		else
			fprintf(out, "\\%03o", (unsigned)(unsigned char)*c);
	fputc('\'', out);
}
