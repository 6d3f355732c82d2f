/* Strings of JSON; see json_string.h. */
#include "base/json_string.h"
#include "base/utf8.h"
#include <inttypes.h>
#include <stdio.h>

/* Bytes of the first of n bytes' characters if it stays as it is, else 0. */
static size_t plain_length(const char *text, size_t n)
{
	if (*text >= ' ' && *text <= '~')
		return *text != '"' && *text != '\\';
	size_t length = utf8_length(text, n);
	if (length < 2)
		return 0;
	uint32_t code = utf8_next(&text);
	return utf8_is_control(code) || utf8_is_layout(code) ? 0 : length;
}

/* One character that does not stay, or one byte that is none. */
static struct span escape_next(const char **text, const char *end, char escape[JSON_ESCAPE])
{
	int length;

	if (utf8_length(*text, (size_t)(end - *text)) == 0) {
		++*text;
		length = snprintf(escape, JSON_ESCAPE, "%s", UTF8_REPLACEMENT);
	} else if (**text == '"' || **text == '\\') {
		length = snprintf(escape, JSON_ESCAPE, "\\%c", *(*text)++);
	} else if (**text == '\n' || **text == '\t') { /* what has lines is to be read by people, too */
		length = snprintf(escape, JSON_ESCAPE, *(*text)++ == '\n' ? "\\n" : "\\t");
	} else {
		/* Of four digits: all of these are in the first plane of Unicode. */
		length = snprintf(escape, JSON_ESCAPE, "\\u%04" PRIx16, (uint16_t)utf8_next(text));
	}
	return (struct span){ (const uint8_t *)escape, (size_t)length };
}

struct span json_string_next(const char **text, const char *end, char escape[JSON_ESCAPE])
{
	const char *from = *text;

	for (size_t n; *text < end && (n = plain_length(*text, (size_t)(end - *text))) > 0;)
		*text += n;
	if (*text == from)
		return escape_next(text, end, escape);
	return (struct span){ (const uint8_t *)from, (size_t)(*text - from) };
}
