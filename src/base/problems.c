/* What makes a run incomplete; see problems.h. */
#include "base/problems.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void problems_add(struct problems *p, const char *format, ...)
{
	static const char more[] = "\n...";
	char line[512];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	p->count++;
	if (n < 0)
		return;
	size_t length = (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
	if (p->used + 1 + length + sizeof more > sizeof p->text) {
		if (strcmp(p->text + p->used - 3, "...") != 0) {
			memcpy(p->text + p->used, more, sizeof more);
			p->used += sizeof more - 1;
		}
		return;
	}
	if (p->used)
		p->text[p->used++] = '\n';
	memcpy(p->text + p->used, line, length + 1);
	p->used += length;
}
