/* base/utf8: every character of Unicode, and what RFC 3629 section 4 excludes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/utf8.h"
#include <stdbool.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_every_character),
		cmocka_unit_test(accepts_nothing_else),
		cmocka_unit_test(counts_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
