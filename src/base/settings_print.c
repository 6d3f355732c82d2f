/* Values as a file of settings has them; see settings.h. */
#include "base/clock.h"
#include "base/settings_parts.h"
#include "base/utf8.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Whether it reads back as it is without quotes. */
static bool is_plain(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || strchr(" \t\"'#;", text[0]) || strchr(" \t", text[length - 1]))
		return false;
	for (const char *at = text; *at; at += utf8_length(at, SIZE_MAX)) {
		if (utf8_length(at, SIZE_MAX) == 0 || (unsigned char)*at < ' ' || *at == 0x7f)
			return false;
		if ((*at == '#' || *at == ';') && (at[-1] == ' ' || at[-1] == '\t'))
			return false;
	}
	return true;
}

/* What does not fit is left out: a line with it could not be read back anyway. */
static void put_quoted(const char *text, char out[SETTINGS_TEXT_MAX])
{
	size_t used = 0;

	out[used++] = '"';
	while (*text && used + 6 < SETTINGS_TEXT_MAX) {
		size_t length = utf8_length(text, SIZE_MAX);
		if (length == 0 || (unsigned char)*text < ' ' || *text == 0x7f) {
			used += (size_t)snprintf(out + used, 5, "\\x%02x", (unsigned)(unsigned char)*text);
			length = 1;
		} else {
			if (*text == '"' || *text == '\\')
				out[used++] = '\\';
			memcpy(out + used, text, length);
			used += length;
		}
		text += length;
	}
	out[used++] = '"';
	out[used] = '\0';
}

static bool put_text(const char *text, char out[SETTINGS_TEXT_MAX])
{
	if (!text)
		return false;
	if (is_plain(text) && strlen(text) < SETTINGS_TEXT_MAX)
		memcpy(out, text, strlen(text) + 1);
	else
		put_quoted(text, out);
	return true;
}

/* Exact, in the largest unit that divides it. */
static void put_duration(int64_t ns, char out[SETTINGS_TEXT_MAX])
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = { { "d", 86400 * NS_PER_S },
		      { "h", 3600 * NS_PER_S },
		      { "m", 60 * NS_PER_S },
		      { "s", NS_PER_S },
		      { "ms", NS_PER_MS },
		      { "us", NS_PER_US },
		      { "ns", 1 } };
	size_t i = 0;

	while (ns % units[i].ns)
		i++;
	if (ns == 0)
		i = 3;
	snprintf(out, SETTINGS_TEXT_MAX, "%" PRId64 "%s", ns / units[i].ns, units[i].name);
}

/* As few digits as are exact: 17 are always enough (C17 5.2.4.2.2, DBL_DECIMAL_DIG). */
static void put_number(double value, char out[SETTINGS_TEXT_MAX])
{
	for (int digits = 6; digits <= 17; digits++) {
		snprintf(out, SETTINGS_TEXT_MAX, "%.*g", digits, value);
		double back = strtod(out, NULL);
		if (!(back < value) && !(back > value))
			return;
	}
}

bool setting_text(const struct option *o, size_t i, char out[SETTINGS_TEXT_MAX])
{
	const struct option_list *list = o->value;
	int chosen;

	if (i > 0 && o->type != OPTION_LIST)
		return false;
	switch (o->type) {
	case OPTION_FLAG:
		snprintf(out, SETTINGS_TEXT_MAX, "%s", *(const bool *)o->value ? "yes" : "no");
		return true;
	case OPTION_TEXT:
		return put_text(*(const char *const *)o->value, out);
	case OPTION_COUNT:
		snprintf(out, SETTINGS_TEXT_MAX, "%" PRIu64, *(const uint64_t *)o->value);
		return true;
	case OPTION_DURATION:
		put_duration(*(const int64_t *)o->value, out);
		return true;
	case OPTION_NUMBER:
		put_number(*(const double *)o->value, out);
		return true;
	case OPTION_CHOICE:
		chosen = *(const int *)o->value;
		/* A default outside of the choices, such as -1, means that nothing was chosen. */
		for (int at = 0; o->choices[at]; at++)
			if (at == chosen)
				return put_text(o->choices[at], out);
		return false;
	case OPTION_LIST:
		return i < list->count && put_text(list->items[i], out);
	}
	return false;
}
