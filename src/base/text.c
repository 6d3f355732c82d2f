/* Growing text, and JSON in it; see text.h. */
#include "base/text.h"
#include "base/clock.h"
#include "base/json_string.h"
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_AT_FIRST  4096U
#define PIECE_MAX      512U /* longest piece that text_say() makes without asking for its length first */
#define MS_TEXT_LENGTH 23U  /* "2026-11-22T00:59:59.875" */

static bool text_reserve(struct text *t, size_t n)
{
	size_t room = t->room ? t->room : ROOM_AT_FIRST;

	if (t->failed)
		return false;
	while (room - t->used < n + 1) { /* and a NUL */
		if (room > SIZE_MAX / 2) {
			t->failed = true;
			return false;
		}
		room *= 2;
	}
	if (room == t->room)
		return true;
	char *bytes = realloc(t->bytes, room);
	if (!bytes) {
		t->failed = true;
		return false;
	}
	t->bytes = bytes;
	t->room = room;
	return true;
}

void text_put(struct text *t, const char *bytes, size_t n)
{
	if (!text_reserve(t, n))
		return;
	memcpy(t->bytes + t->used, bytes, n);
	t->used += n;
}

void text_say(struct text *t, const char *format, ...)
{
	va_list values;
	char piece[PIECE_MAX];

	va_start(values, format);
	int n = vsnprintf(piece, sizeof piece, format, values);
	va_end(values);
	if (n >= 0 && (size_t)n < sizeof piece) {
		text_put(t, piece, (size_t)n);
		return;
	}
	if (n < 0 || !text_reserve(t, (size_t)n)) {
		t->failed = true;
		return;
	}
	va_start(values, format);
	vsnprintf(t->bytes + t->used, (size_t)n + 1, format, values);
	va_end(values);
	t->used += (size_t)n;
}

char *text_take(struct text *t)
{
	char *bytes = NULL;

	if (text_reserve(t, 0)) {
		bytes = t->bytes;
		bytes[t->used] = '\0';
		t->bytes = NULL;
	}
	text_drop(t);
	return bytes;
}

void text_drop(struct text *t)
{
	free(t->bytes);
	*t = (struct text){ 0 };
}

static void quoted_put(struct text *t, const char *value)
{
	const char *end = value + strlen(value);
	char escape[JSON_ESCAPE];

	text_put(t, "\"", 1);
	while (value < end) {
		const struct span piece = json_string_next(&value, end, escape);
		text_put(t, (const char *)piece.ptr, piece.len);
	}
	text_put(t, "\"", 1);
}

static void json_key(struct text *t, const char *key)
{
	if (t->comma)
		text_put(t, ",", 1);
	t->comma = true;
	if (!key)
		return;
	quoted_put(t, key);
	text_put(t, ":", 1);
}

void json_begin(struct text *t, const char *key, char bracket)
{
	json_key(t, key);
	text_put(t, &bracket, 1);
	t->comma = false;
}

void json_end(struct text *t, char bracket)
{
	text_put(t, &bracket, 1);
	t->comma = true;
}

void json_text(struct text *t, const char *key, const char *value)
{
	json_key(t, key);
	if (value)
		quoted_put(t, value);
	else
		text_put(t, "null", 4);
}

void json_count(struct text *t, const char *key, uint64_t value)
{
	json_key(t, key);
	text_say(t, "%" PRIu64, value);
}

void json_real(struct text *t, const char *key, double value)
{
	json_key(t, key);
	if (isfinite(value))
		text_say(t, "%.15g", value);
	else
		text_put(t, "null", 4);
}

void json_number(struct text *t, const char *key, const char *digits)
{
	json_key(t, key);
	text_put(t, digits, strlen(digits));
}

void json_flag(struct text *t, const char *key, bool value)
{
	json_key(t, key);
	text_say(t, "%s", value ? "true" : "false");
}

void json_time(struct text *t, const char *key, int64_t ns)
{
	char text[UTC_TEXT];

	json_key(t, key);
	if (ns == 0) {
		text_put(t, "null", 4);
		return;
	}
	utc_format(ns, text);
	text_say(t, "\"%.*sZ\"", (int)MS_TEXT_LENGTH, text);
}
