/* UTF-8, one character at a time; see utf8.h. */
#include "base/utf8.h"

size_t utf8_length(const char *text, size_t n)
{
	const unsigned char *b = (const unsigned char *)text;

	if (n == 0)
		return 0;
	if (b[0] < 0x80)
		return 1;
	if (b[0] < 0xc2 || b[0] > 0xf4)
		return 0;
	/* The first byte limits the second one: no overlong forms, no surrogates, nothing above U+10FFFF (RFC
	 * 3629 section 4). */
	unsigned char low = b[0] == 0xe0 ? 0xa0 : b[0] == 0xf0 ? 0x90 : 0x80;
	unsigned char high = b[0] == 0xed ? 0x9f : b[0] == 0xf4 ? 0x8f : 0xbf;
	size_t length = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;

	if (length > n || b[1] < low || b[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((b[i] & 0xc0) != 0x80) /* also a NUL */
			return 0;
	return length;
}

uint32_t utf8_next(const char **text)
{
	const unsigned char *b = (const unsigned char *)*text;
	size_t length = utf8_length(*text, SIZE_MAX);

	*text += length ? length : 1;
	if (length < 2)
		return length ? b[0] : UTF8_NONE;
	uint32_t code = b[0] & (0x7fU >> length);
	for (size_t i = 1; i < length; i++)
		code = code << 6 | (b[i] & 0x3fU);
	return code;
}

bool utf8_is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

bool utf8_is_layout(uint32_t code)
{
	return code == 0x61c || code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

size_t utf8_width(const char *text)
{
	size_t width = 0;

	for (; *text; width++)
		(void)utf8_next(&text);
	return width;
}
