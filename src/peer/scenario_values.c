/* Values of keys: times, shares, addresses, words. */
#include "base/clock.h"
#include "peer/guard.h"
#include "peer/scenario_read.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_NS        (86400 * NS_PER_S)
#define DISTANCE_MOST (10 * NS_PER_S) /* a round trip beyond it is no network */

bool value_duration(const struct reading *r, const struct scenario_line *l, int64_t least, int64_t most,
		    int64_t *out)
{
	struct error why;
	char a[DURATION_TEXT], b[DURATION_TEXT];

	if (!duration_parse(l->value, out, &why))
		return scenario_wrong(r, l->line, "%s: %s", l->key, why.text);
	if (*out >= least && *out <= most)
		return true;
	duration_format(least, a);
	duration_format(most, b);
	return scenario_wrong(r, l->line, "%s: %.40s is not between %s and %s", l->key, l->value, a, b);
}

bool value_durations(const struct reading *r, const struct scenario_line *l, int64_t out[2])
{
	char first[64];
	size_t dash = strcspn(l->value, "-");
	struct scenario_line low = { l->key, first, l->line },
			     high = { l->key, l->value + dash + 1, l->line };

	if (l->value[dash] == '\0') {
		bool ok = value_duration(r, l, 0, DISTANCE_MOST, &out[0]);
		out[1] = out[0];
		return ok;
	}
	snprintf(first, sizeof first, "%.*s", (int)dash, l->value);
	if (!value_duration(r, &low, 0, DISTANCE_MOST, &out[0]) ||
	    !value_duration(r, &high, 0, DISTANCE_MOST, &out[1]))
		return false;
	return out[0] <= out[1] ||
	       scenario_wrong(r, l->line, "%s: %.60s ends before it begins", l->key, l->value);
}

/* Days from 1970-01-01, proleptic Gregorian (H. Hinnant, "chrono-compatible low-level date algorithms",
 * days_from_civil). */
static int64_t day_of_date(int64_t year, int64_t month, int64_t mday)
{
	int64_t y = month <= 2 ? year - 1 : year, era = y / 400, year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + mday - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

/* Moves *at past `digits` digits and the separator. */
static bool number_take(const char **at, int digits, const char *separators, int least, int most, int *out)
{
	*out = 0;
	for (int i = 0; i < digits; i++, ++*at) {
		if (**at < '0' || **at > '9')
			return false;
		*out = *out * 10 + (**at - '0');
	}
	if (*out < least || *out > most || !**at != !*separators || !strchr(separators, **at))
		return false;
	*at += **at != '\0';
	return true;
}

bool value_time(const struct reading *r, const struct scenario_line *l, int64_t *out)
{
	static const int longest[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	const char *at = l->value;
	int year, month, day, hour, minute, second;

	/* What a capture can say: seconds since 1970 in 32 bits. */
	if (!number_take(&at, 4, "-", 1971, 2105, &year) || !number_take(&at, 2, "-", 1, 12, &month) ||
	    !number_take(&at, 2, "T ", 1, 31, &day) || !number_take(&at, 2, ":", 0, 23, &hour) ||
	    !number_take(&at, 2, ":", 0, 59, &minute) || !number_take(&at, 2, "Z", 0, 59, &second) || *at)
		return scenario_wrong(r, l->line,
				      "%s: '%.60s' is no time between 1971 and 2105; write it as "
				      "2006-08-25T10:00:00Z",
				      l->key, l->value);
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	if (day > longest[month - 1] + (month == 2 && leap))
		return scenario_wrong(r, l->line, "%s: '%.60s': that month has no day %d", l->key, l->value,
				      day);
	*out = day_of_date(year, month, day) * DAY_NS + (hour * 3600 + minute * 60 + second) * NS_PER_S;
	return true;
}

bool value_count(const struct reading *r, const struct scenario_line *l, uint64_t most, uint64_t *out)
{
	const char *at = l->value;
	bool huge = false;

	for (*out = 0; *at >= '0' && *at <= '9'; at++)
		huge = huge || __builtin_mul_overflow(*out, 10, out) ||
		       __builtin_add_overflow(*out, (uint64_t)(*at - '0'), out);
	if (*at || at == l->value || huge || *out > most)
		return scenario_wrong(r, l->line, "%s: '%.40s' is no whole number up to %llu", l->key,
				      l->value, (unsigned long long)most);
	return true;
}

bool value_share(const struct reading *r, const struct scenario_line *l, double *out)
{
	size_t length = strspn(l->value, "0123456789.");
	char *end;

	*out = length ? strtod(l->value, &end) : -1;
	if (length && end == l->value + length && strcmp(end, "%") == 0)
		*out /= 100;
	else if (!length || *end)
		*out = -1;
	return (*out >= 0 && *out <= 1) ||
	       scenario_wrong(r, l->line, "%s: '%.40s' is no share; write 0%% to 100%%", l->key, l->value);
}

int value_word(const struct reading *r, const struct scenario_line *l, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], l->value) == 0)
			return i;
	char what[80];
	snprintf(what, sizeof what, "value of '%s'", l->key);
	scenario_unknown(r, l->line, what, l->value, words);
	return -1;
}

bool value_yes(const struct reading *r, const struct scenario_line *l, bool *out)
{
	static const char *const words[] = { "no", "yes", NULL };
	int found = value_word(r, l, words);

	*out = found == 1;
	return found >= 0;
}

bool value_address(const struct reading *r, unsigned line, const char *text, bool wants_port,
		   struct endpoint *out)
{
	if (!endpoint_parse(text, out))
		return scenario_wrong(r, line, "'%.60s' is no IPv4 address%s; write %s", text,
				      wants_port ? " with a port" : "",
				      wants_port ? "192.0.2.1:33033" : "198.51.100.7");
	if (wants_port && out->port == 0)
		return scenario_wrong(r, line, "'%.60s' has no port; write it as %.60s:33033", text, text);
	if (!wants_port && out->port != 0)
		return scenario_wrong(r, line, "'%.60s' has a port; write the address alone", text);
	if (guard_file_address(out->ip))
		return true;
	return scenario_wrong(
		r, line,
		"%.60s could be somebody's; use addresses of documentation (192.0.2.x, "
		"198.51.100.x, 203.0.113.x), benchmarks (198.18.x.x, 198.19.x.x), or private ones",
		text);
}
