/* Choosing a format, and what formats share. */
#include "capture/format.h"
#include "base/clock.h"
#include <stdarg.h>
#include <stdio.h>

/* ERF comes last: it has no magic, so its test is the weakest. */
static const struct format *const formats[] = { &format_pcap, &format_pcapng, &format_snoop, &format_erf };

const struct format *format_of(struct stream *s)
{
	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
		if (formats[i]->matches(s))
			return formats[i];
	return NULL;
}

enum record record_problem(struct input_info *info, enum record what, uint64_t offset, const char *format,
			   ...)
{
	char text[sizeof info->problem / 2 + 50];
	va_list values;

	va_start(values, format);
	if (vsnprintf(text, sizeof text, format, values) < 0)
		text[0] = '\0';
	va_end(values);
	snprintf(info->problem, sizeof info->problem, "byte %llu%s: %s", (unsigned long long)offset,
		 info->container[0] ? " of the unpacked data" : "", text);
	return what;
}

enum record record_short(const struct stream *s, struct input_info *info, const char *what)
{
	return record_problem(info, RECORD_CUT, stream_offset(s),
			      "the file ends inside the %s that begins here", what);
}

int64_t time_join(int64_t seconds, int64_t ns)
{
	int64_t out;

	if (__builtin_mul_overflow(seconds, NS_PER_S, &out) || __builtin_add_overflow(out, ns, &out))
		return seconds < 0 ? INT64_MIN : INT64_MAX;
	return out;
}
