/* Text of times and durations, without the C library's time zones and locale. */
#include "base/clock.h"
#include <stdio.h>
#include <string.h>

#define S_PER_DAY INT64_C(86400)

/* n decimal digits of value, with leading zeros; returns the place after them. */
static char *digits_put(char *at, uint64_t value, int n)
{
	for (int i = n - 1; i >= 0; i--) {
		at[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return at + n;
}

/*
 * Proleptic Gregorian date of a day counted from 1970-01-01 (H. Hinnant, "chrono-compatible low-level date
 * algorithms", civil_from_days). Years start in March there, so that the leap day is the last of its year.
 */
static void date_of_day(int64_t day, int64_t *year, int64_t *month, int64_t *mday)
{
	int64_t z = day + 719468; /* from 0000-03-01 */
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t day_of_era = z - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t from_march = (5 * day_of_year + 2) / 153;

	*mday = day_of_year - (153 * from_march + 2) / 5 + 1;
	*month = from_march < 10 ? from_march + 3 : from_march - 9;
	*year = year_of_era + era * 400 + (*month <= 2);
}

size_t utc_format(int64_t ns, char out[UTC_TEXT])
{
	/* Floor, not truncation: before 1970 the fraction still counts forward. */
	int64_t seconds = ns / NS_PER_S - (ns % NS_PER_S < 0);
	int64_t fraction = ns % NS_PER_S + (ns % NS_PER_S < 0 ? NS_PER_S : 0);
	int64_t day = seconds / S_PER_DAY - (seconds % S_PER_DAY < 0);
	int64_t second = seconds - day * S_PER_DAY;
	int64_t year, month, mday;
	char *at = out;

	date_of_day(day, &year, &month, &mday); /* int64 ns reach from 1677 to 2262: four digits */
	at = digits_put(at, (uint64_t)year, 4);
	*at++ = '-';
	at = digits_put(at, (uint64_t)month, 2);
	*at++ = '-';
	at = digits_put(at, (uint64_t)mday, 2);
	*at++ = 'T';
	at = digits_put(at, (uint64_t)(second / 3600), 2);
	*at++ = ':';
	at = digits_put(at, (uint64_t)(second / 60 % 60), 2);
	*at++ = ':';
	at = digits_put(at, (uint64_t)(second % 60), 2);
	*at++ = '.';
	at = digits_put(at, (uint64_t)(fraction / NS_PER_US), 6);
	*at++ = 'Z';
	*at = '\0';
	return (size_t)(at - out);
}

static const struct unit {
	const char *name;
	int64_t ns;
} units[] = {
	{ "ns", 1 },
	{ "us", NS_PER_US },
	{ "ms", NS_PER_MS },
	{ "s", NS_PER_S },
	{ "m", 60 * NS_PER_S },
	{ "min", 60 * NS_PER_S },
	{ "h", 3600 * NS_PER_S },
	{ "d", S_PER_DAY *NS_PER_S },
	{ "w", 7 * S_PER_DAY *NS_PER_S },
};

static const struct unit *unit_find(const char *text, size_t length)
{
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strlen(units[i].name) == length && memcmp(units[i].name, text, length) == 0)
			return &units[i];
	return NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t blanks(const char *at)
{
	return strspn(at, " ");
}

#define DURATION_FORM "a duration is a number with ns, us, ms, s, m, h, d or w, such as 200s, 1h30m or 250ms"

/* Reads one "1.5h" at *at, adds it to *sum and moves *at on. */
static bool duration_part(const char *text, const char **at, bool first, int64_t *sum, struct error *err)
{
	const char *number = *at, *fraction = NULL, *p = *at;
	int64_t whole = 0, ns;
	bool huge = false;

	for (; is_digit(*p); p++)
		huge = huge || __builtin_mul_overflow(whole, 10, &whole) ||
		       __builtin_add_overflow(whole, *p - '0', &whole);
	if (*p == '.')
		for (fraction = ++p; is_digit(*p); p++)
			;
	if (p - number < 1 || (fraction && p - number < 2))
		return error_set(err, EXIT_USAGE, "'%s': " DURATION_FORM, text);
	const char *name = p + blanks(p);
	size_t length = strcspn(name, " .0123456789");
	const struct unit *unit = unit_find(name, length);
	if (length == 0 && first && *name == '\0')
		unit = unit_find("s", 1);
	if (!unit && length == 0)
		return error_set(err, EXIT_USAGE, "'%s': the unit after '%.*s' is missing; " DURATION_FORM,
				 text, (int)(p - number), number);
	if (!unit)
		return error_set(err, EXIT_USAGE, "'%s': '%.*s' is no unit; " DURATION_FORM, text,
				 (int)length, name);
	huge = huge || __builtin_mul_overflow(whole, unit->ns, &ns) || __builtin_add_overflow(*sum, ns, sum);
	/* Digit by digit, since every unit is a multiple of ten down to the nanosecond. */
	int64_t place = unit->ns / 10;
	for (; fraction && is_digit(*fraction); fraction++, place /= 10)
		huge = huge || __builtin_add_overflow(*sum, (*fraction - '0') * place, sum);
	if (huge)
		return error_set(err, EXIT_USAGE, "'%s': a duration is at most 292 years", text);
	*at = name + length;
	*at += blanks(*at);
	return true;
}

bool duration_parse(const char *text, int64_t *ns, struct error *err)
{
	const char *at = text + blanks(text);
	int64_t sum = 0;
	bool first = true;

	if (*at == '-')
		return error_set(err, EXIT_USAGE, "'%s': a duration cannot be negative", text);
	do {
		if (!duration_part(text, &at, first, &sum, err))
			return false;
		first = false;
	} while (*at);
	*ns = sum;
	return true;
}

/* Two units at most: `large` and the remainder in `small`, while the value is below `below` small ones. */
static const struct scale {
	uint64_t below, small, per_large;
	const char *large_name, *small_name;
} scales[] = {
	{ 1000, 1, 0, NULL, "ns" },
	{ 1000, NS_PER_US, 0, NULL, "us" },
	{ 1000, NS_PER_MS, 0, NULL, "ms" },
	{ 600, NS_PER_S / 10, 10, NULL, "s" }, /* tenths */
	{ 3600, NS_PER_S, 60, "min", "s" },
	{ 24 * 60, 60 * NS_PER_S, 60, "h", "min" },
	{ UINT64_MAX, 3600 * NS_PER_S, 24, "d", "h" },
};

size_t duration_format(int64_t ns, char out[DURATION_TEXT])
{
	uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	const char *sign = ns < 0 ? "-" : "";
	const struct scale *scale = scales;
	uint64_t n;
	int length;

	/* Rounded before it is compared: 59.96 s is a minute, not "60.0 s". */
	while ((n = (size + scale->small / 2) / scale->small) >= scale->below)
		scale++;
	if (size == 0)
		length = snprintf(out, DURATION_TEXT, "0 s");
	else if (!scale->per_large)
		length = snprintf(out, DURATION_TEXT, "%s%u %s", sign, (unsigned)n, scale->small_name);
	else if (!scale->large_name && n % 10)
		length = snprintf(out, DURATION_TEXT, "%s%u.%u s", sign, (unsigned)n / 10, (unsigned)n % 10);
	else if (!scale->large_name)
		length = snprintf(out, DURATION_TEXT, "%s%u s", sign, (unsigned)n / 10);
	else if (n % scale->per_large)
		length = snprintf(out, DURATION_TEXT, "%s%u %s %u %s", sign, (unsigned)(n / scale->per_large),
				  scale->large_name, (unsigned)(n % scale->per_large), scale->small_name);
	else
		length = snprintf(out, DURATION_TEXT, "%s%u %s", sign, (unsigned)(n / scale->per_large),
				  scale->large_name);
	return (size_t)length;
}
