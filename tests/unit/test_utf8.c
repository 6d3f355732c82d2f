/* base/utf8: every character of Unicode, and what RFC 3629 section 4 excludes; base/json_string, on it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/json_string.h"
#include "base/utf8.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 3629 section 3, the table. */
static size_t encode(uint32_t code, char out[5])
{
	unsigned char b[5] = { 0 };
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	if (n == 1)
		b[0] = (unsigned char)code;
	for (size_t i = n; n > 1 && i-- > 1; code >>= 6)
		b[i] = (unsigned char)(0x80 | (code & 0x3f));
	if (n > 1)
		b[0] = (unsigned char)((0xf0U << (4 - n) & 0xff) | code);
	memcpy(out, b, 5);
	return n;
}

static void knows_every_character(void **state)
{
	(void)state;
	for (uint32_t code = 1; code < 0x110000; code++) {
		char text[5];
		const char *at = text;
		size_t n = encode(code, text);
		bool surrogate = code >= 0xd800 && code < 0xe000;
		if (utf8_length(text, n) != (surrogate ? 0 : n))
			fail_msg("U+%04X: length %zu", code, utf8_length(text, n));
		if (utf8_length(text, n - 1) != 0)
			fail_msg("U+%04X: cut, yet whole", code);
		if (utf8_next(&at) != (surrogate ? UTF8_NONE : code) || at != text + (surrogate ? 1 : n))
			fail_msg("U+%04X: read as something else", code);
	}
}

/*
 * As many sequences of each length are well-formed as there are characters that need that length: so nothing
 * else is accepted. Third and fourth bytes are tried at the ends of what they may be, and beyond.
 */
static void accepts_nothing_else(void **state)
{
	static const unsigned char ends[] = { 0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff };
	size_t two = 0, three = 0, four = 0;

	(void)state;
	for (unsigned a = 0x80; a < 0x100; a++)
		for (unsigned b = 0; b < 0x100; b++)
			for (size_t i = 0; i < sizeof ends; i++)
				for (size_t j = 0; j < sizeof ends; j++) {
					const unsigned char bytes[] = { (unsigned char)a, (unsigned char)b,
									ends[i], ends[j] };
					size_t n = utf8_length((const char *)bytes, sizeof bytes);
					two += n == 2;
					three += n == 3;
					four += n == 4;
					assert_int_not_equal(n, 1);
				}
	/* U+0080 to U+07FF; whatever follows them. */
	assert_int_equal(two, (0x800 - 0x80) * 36);
	/* U+0800 to U+FFFF without surrogates: 64 of a second byte; 2 of the third's ends are good. */
	assert_int_equal(three, (0x10000 - 0x800 - 0x800) / 64 * 2 * 6);
	/* U+10000 to U+10FFFF: 4096 of a second byte, 2 of each end. */
	assert_int_equal(four, 0x100000 / 4096 * 2 * 2);
}

static void counts_columns(void **state)
{
	(void)state;
	assert_int_equal(utf8_width(""), 0);
	assert_int_equal(utf8_width("caf\xc3\xa9"), 4);
	assert_int_equal(utf8_width("\xff\xff"), 2);
	assert_int_equal(utf8_length("", 0), 0);
	/* Ended by the NUL in the middle of a character. */
	assert_int_equal(utf8_width("\xf0\x9f\x91"), 3);
}

/* The n bytes as JSON, on the heap with exactly their length: the sanitizer sees a look beyond the end. */
static void assert_json(const char *bytes, size_t n, const char *expected)
{
	char *copy = malloc(n + (n == 0)), escape[JSON_ESCAPE], out[100] = "";
	size_t used = 0;

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	for (const char *at = copy; at < copy + n;) {
		struct span piece = json_string_next(&at, copy + n, escape);
		assert_in_range(piece.len, 1, sizeof out - 1 - used);
		memcpy(out + used, piece.ptr, piece.len);
		used += piece.len;
	}
	assert_string_equal(out, expected);
	free(copy);
}

static void json_strings(void **state)
{
#define BAD "\xef\xbf\xbd"
	static const struct {
		const char *text, *json;
	} rows[] = {
		{ "", "" },
		{ "a\"b\\c/d", "a\\\"b\\\\c/d" },
		{ "\x01\t\n\x1f ~\x7f", "\\u0001\\t\\n\\u001f ~\\u007f" },
		{ "h\xc3\xbc", "h\xc3\xbc" },                                       /* ü */
		{ "\xe2\x82\xac\xf0\x9f\x91\xa3", "\xe2\x82\xac\xf0\x9f\x91\xa3" }, /* three and four bytes */
		{ "\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80" },         /* U+D7FF, U+E000 */
		{ "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" }, /* U+10FFFF, the last one */
		/* C1 controls (CSI is U+009B) and what turns text around, with their neighbours */
		{ "\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "\\u0080\\u009b\\u009f\xc2\xa0" },
		{ "\xe2\x80\x8e\xe2\x80\xae\xe2\x80\xaf", "\\u200e\\u202e\xe2\x80\xaf" },
		{ "\xd8\x9c\xe2\x81\xa6\xef\xbb\xbf", "\\u061c\\u2066\\ufeff" },
		/* RFC 3629: none of these is UTF-8 */
		{ "\xff", BAD },
		{ "\x80x", BAD "x" },
		{ "\xc3", BAD },
		{ "\xc3\"", BAD "\\\"" },
		{ "\xc0\xaf", BAD BAD },                 /* overlong */
		{ "\xe0\x9f\xbf", BAD BAD BAD },         /* overlong */
		{ "\xf0\x8f\xbf\xbf", BAD BAD BAD BAD }, /* overlong */
		{ "\xed\xa0\x80", BAD BAD BAD },         /* surrogate */
		{ "\xf4\x90\x80\x80", BAD BAD BAD BAD }, /* above U+10FFFF */
		{ "\xe2\x82", BAD BAD },                 /* cut */
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_json(rows[i].text, strlen(rows[i].text), rows[i].json);
	/* Ended by the length alone: a NUL is a character, and one cut by the end is none. */
	assert_json("a\0b", 3, "a\\u0000b");
	assert_json("\xe2\x82\xac", 2, BAD BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_every_character),
		cmocka_unit_test(accepts_nothing_else),
		cmocka_unit_test(counts_columns),
		cmocka_unit_test(json_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
