/* Text on its way out: UTF-8 made safe, then the quoting of each format. */
#include "views/escape.h"
#include <stdbool.h>
#include <string.h>

#define NO_CHARACTER UINT32_MAX
#define REPLACEMENT  "\xef\xbf\xbd" /* U+FFFD */

uint32_t utf8_next(const char **text)
{
	const unsigned char *at = (const unsigned char *)*text;
	/* Smallest code of each length: a longer form than needed is no UTF-8 (RFC 3629 section 3). */
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	unsigned more = at[0] < 0x80   ? 0
			: at[0] < 0xc0 ? 4
			: at[0] < 0xe0 ? 1
			: at[0] < 0xf0 ? 2
			: at[0] < 0xf8 ? 3
				       : 4;

	*text += 1;
	if (more == 0)
		return at[0];
	if (more == 4)
		return NO_CHARACTER;
	uint32_t code = at[0] & (0x3fU >> more);
	for (unsigned i = 1; i <= more; i++) {
		if ((at[i] & 0xc0) != 0x80) /* also stops at the NUL */
			return NO_CHARACTER;
		code = code << 6 | (at[i] & 0x3fU);
	}
	if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return NO_CHARACTER;
	*text += more;
	return code;
}

size_t utf8_width(const char *text)
{
	size_t width = 0;

	for (; *text; width++)
		(void)utf8_next(&text);
	return width;
}

static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

/* Characters that reorder the text around them (UAX 9 section 2), or break a line. */
static bool is_layout(uint32_t code)
{
	return code == 0x61c || code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

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
		else if (code == NO_CHARACTER || is_control(code) || is_layout(code))
			fputs(REPLACEMENT, out);
		else
			fwrite(from, 1, (size_t)(text - from), out);
	}
}

void json_put(FILE *out, const char *text)
{
	fputc('"', out);
	while (*text) {
		const char *from = text;
		uint32_t code = utf8_next(&text);

		if (code == NO_CHARACTER)
			fputs(REPLACEMENT, out);
		else if (code == '"' || code == '\\')
			fprintf(out, "\\%c", (int)code);
		else if (code == '\n')
			fputs("\\n", out);
		else if (code == '\t')
			fputs("\\t", out);
		else if (is_control(code) || is_layout(code))
			fprintf(out, "\\u%04x", (unsigned)code);
		else
			fwrite(from, 1, (size_t)(text - from), out);
	}
	fputc('"', out);
}

/*
 * Text as it is, but no bad UTF-8, which a strict reader would refuse with the whole file, and no control
 * characters, which would act on a terminal that it is printed to.
 */
static void utf8_put(FILE *out, const char *text, const char *doubled)
{
	while (*text) {
		const char *from = text;
		uint32_t code = utf8_next(&text);

		if (code == NO_CHARACTER || (is_control(code) && !strchr("\t\n\r", (int)(code & 0x7f)))) {
			fputs(REPLACEMENT, out);
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

size_t plain_text(const char *text, char *out, size_t size)
{
	size_t needed = 0, used = 0;

	while (*text) {
		const char *from = text;
		uint32_t code = utf8_next(&text);
		char piece[12];
		size_t length = (size_t)(text - from);

		if (code == NO_CHARACTER || is_control(code))
			length = (size_t)snprintf(piece, sizeof piece, "\\x%02x",
						  code == NO_CHARACTER ? (unsigned char)*from
								       : (unsigned)code);
		else if (is_layout(code))
			length = (size_t)snprintf(piece, sizeof piece, "\\u%04x", (unsigned)code);
		else
			memcpy(piece, from, length);
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
