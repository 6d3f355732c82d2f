/* Filling in struct error. */
#include "base/error.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DEFECT "a defect of footsteps: "

__attribute__((format(printf, 4, 0))) static void fill(struct error *err, enum exit_status status,
						       const char *prefix, const char *format, va_list values)
{
	size_t used = strlen(prefix);

	if (!err)
		return;
	err->status = status;
	err->contradiction = *prefix;
	memcpy(err->text, prefix, used + 1);
	if (vsnprintf(err->text + used, sizeof err->text - used, format, values) < 0)
		err->text[0] = '\0';
}

bool error_set(struct error *err, enum exit_status status, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	fill(err, status, "", format, values);
	va_end(values);
	return false;
}

bool error_contradiction(struct error *err, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	fill(err, EXIT_INTERNAL, DEFECT, format, values);
	va_end(values);
	return false;
}

bool error_blame(struct error *err, const char *whose)
{
	if (!err || !err->contradiction)
		return false;
	const struct error why = *err;
	return error_set(err, EXIT_INPUT, "%s contradict each other: %s", whose, why.text + strlen(DEFECT));
}

bool error_memory(struct error *err, const char *what)
{
	return error_set(err, EXIT_INTERNAL,
			 "out of memory for %s; a smaller input or lower limits need less", what);
}
