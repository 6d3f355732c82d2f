/* Filling in struct error. */
#include "base/error.h"
#include <stdarg.h>
#include <stdio.h>

bool error_set(struct error *err, enum exit_status status, const char *format, ...)
{
	va_list values;

	if (!err)
		return false;
	err->status = status;
	va_start(values, format);
	if (vsnprintf(err->text, sizeof err->text, format, values) < 0)
		err->text[0] = '\0';
	va_end(values);
	return false;
}

bool error_memory(struct error *err, const char *what)
{
	return error_set(err, EXIT_INTERNAL,
			 "out of memory for %s; a smaller input or lower limits need less", what);
}
