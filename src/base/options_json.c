/* The effective options as JSON, for the manifest of a run. */
#include "base/clock.h"
#include "base/options.h"
#include "base/utf8.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A text that grows into a buffer; full: something did not fit. */
struct text {
	char *buffer;
	size_t size, used;
	bool full;
};

static void put(struct text *t, const char *bytes, size_t n)
{
	if (t->full || n >= t->size - t->used) {
		t->full = true;
		return;
	}
	memcpy(t->buffer + t->used, bytes, n);
	t->used += n;
}

static void put_text(struct text *t, const char *text)
{
	put(t, text, strlen(text));
}

/* A JSON string (RFC 8259 section 7), or null. */
static void put_string(struct text *t, const char *string)
{
	char escape[8];

	if (!string) {
		put_text(t, "null");
		return;
	}
	put_text(t, "\"");
	for (const char *s = string; *s;) {
		size_t length = utf8_length(s, SIZE_MAX);
		if (length == 0) {
			put_text(t, "\xef\xbf\xbd"); /* U+FFFD: the command line is bytes, JSON is text */
			length = 1;
		} else if (*s == '"' || *s == '\\') {
			escape[0] = '\\';
			escape[1] = *s;
			put(t, escape, 2);
		} else if ((unsigned char)*s < 0x20) {
			snprintf(escape, sizeof escape, "\\u%04x", (unsigned)(unsigned char)*s);
			put_text(t, escape);
		} else {
			put(t, s, length);
		}
		s += length;
	}
	put_text(t, "\"");
}

/* Exact: 0.25, 200, 1.000000001. */
static void put_seconds(struct text *t, int64_t ns)
{
	char number[40];
	uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	uint64_t fraction = size % (uint64_t)NS_PER_S;
	int length =
		snprintf(number, sizeof number, "%s%" PRIu64, ns < 0 ? "-" : "", size / (uint64_t)NS_PER_S);

	if (fraction) {
		length += snprintf(number + length, sizeof number - (size_t)length, ".%09" PRIu64, fraction);
		while (number[length - 1] == '0')
			length--;
	}
	put(t, number, (size_t)length);
}

static void put_number(struct text *t, double value)
{
	char number[40];

	if (!isfinite(value)) {
		put_text(t, "null");
		return;
	}
	/* 15 digits read well, 17 are exact (C17 5.2.4.2.2, DBL_DECIMAL_DIG). */
	snprintf(number, sizeof number, "%.15g", value);
	double back = 0;
	if (sscanf(number, "%lf", &back) != 1 || back < value || back > value)
		snprintf(number, sizeof number, "%.17g", value);
	put_text(t, number);
}

static void put_list(struct text *t, const struct option_list *list)
{
	put_text(t, "[");
	for (size_t i = 0; i < list->count; i++) {
		if (i)
			put_text(t, ",");
		put_string(t, list->items[i]);
	}
	put_text(t, "]");
}

static void put_choice(struct text *t, const struct option *o)
{
	int chosen = *(const int *)o->value, count = 0;

	while (o->choices[count])
		count++;
	/* A default outside of the choices, such as -1, means that nothing was chosen. */
	put_string(t, chosen >= 0 && chosen < count ? o->choices[chosen] : NULL);
}

static void put_value(struct text *t, const struct option *o)
{
	char number[24];

	switch (o->type) {
	case OPTION_FLAG:
		put_text(t, *(const bool *)o->value ? "true" : "false");
		break;
	case OPTION_TEXT:
		put_string(t, *(const char *const *)o->value);
		break;
	case OPTION_COUNT:
		snprintf(number, sizeof number, "%" PRIu64, *(const uint64_t *)o->value);
		put_text(t, number);
		break;
	case OPTION_DURATION:
		put_seconds(t, *(const int64_t *)o->value);
		break;
	case OPTION_NUMBER:
		put_number(t, *(const double *)o->value);
		break;
	case OPTION_CHOICE:
		put_choice(t, o);
		break;
	case OPTION_LIST:
		put_list(t, o->value);
		break;
	}
}

bool options_json(const struct command *command, char *buffer, size_t size)
{
	struct text t = { .buffer = buffer, .size = size };

	if (size == 0)
		return false;
	put_text(&t, "{");
	for (size_t i = 0; i < command->option_count; i++) {
		if (i)
			put_text(&t, ",");
		put_string(&t, command->options[i].name);
		put_text(&t, ":");
		put_value(&t, &command->options[i]);
	}
	put_text(&t, "}");
	buffer[t.full ? 0 : t.used] = '\0';
	return !t.full;
}

char *options_json_text(const struct command *command, struct error *err)
{
	char *text = NULL;

	for (size_t size = 4096;; size *= 2) {
		char *moved = realloc(text, size);
		if (!moved) {
			free(text);
			error_memory(err, "the list of options");
			return NULL;
		}
		text = moved;
		if (options_json(command, text, size))
			return text;
	}
}
