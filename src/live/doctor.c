/* The list of findings, and how it is shown. What is found is in doctor_*.c. */
#include "live/doctor.h"
#include "live/doctor_parts.h"
#include "views/escape.h"
#include "views/table.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_names[] = {
	[FINDING_OK] = "ok",
	[FINDING_NOTE] = "note",
	[FINDING_MISSING] = "missing",
};

void doctor_add(struct doctor *d, enum finding_state state, const char *what, const char *format, ...)
{
	va_list arguments;

	if (d->count == d->room) {
		size_t room = d->room ? 2 * d->room : 32;
		struct finding *more = realloc(d->list, room * sizeof *more);

		if (!more) {
			d->out_of_memory = true;
			return;
		}
		d->list = more;
		d->room = room;
	}
	struct finding *f = &d->list[d->count++];
	*f = (struct finding){ .part = d->part, .state = state };
	snprintf(f->what, sizeof f->what, "%s", what);
	va_start(arguments, format);
	vsnprintf(f->says, sizeof f->says, format, arguments);
	va_end(arguments);
}

void doctor_advise(struct doctor *d, const char *format, ...)
{
	va_list arguments;

	if (d->count == 0)
		return;
	struct finding *f = &d->list[d->count - 1];
	va_start(arguments, format);
	vsnprintf(f->advice, sizeof f->advice, format, arguments);
	va_end(arguments);
}

bool doctor_value(const char *path, const char *name, char *out, size_t size)
{
	const size_t length = strlen(name);
	FILE *f = fopen(path, "re");
	char line[512];
	bool found = false;

	while (f && !found && fgets(line, sizeof line, f)) {
		if (strncmp(line, name, length) != 0 || line[length] != ':')
			continue;
		const char *value = line + length + 1;
		value += strspn(value, " \t");
		snprintf(out, size, "%.*s", (int)strcspn(value, "\n"), value);
		found = true;
	}
	if (f)
		fclose(f);
	return found;
}

struct doctor *doctor_new(const struct doctor_options *options, struct error *err)
{
	static void (*const parts[])(struct doctor *) = { doctor_kernel,     doctor_build,
							  doctor_permission, doctor_interfaces,
							  doctor_machine,    doctor_monitor };
	struct doctor *d = calloc(1, sizeof *d);

	if (d) {
		d->options = options;
		for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
			parts[i](d);
	}
	if (!d || d->out_of_memory) {
		doctor_free(d);
		error_memory(err, "what was found");
		return NULL;
	}
	return d;
}

void doctor_free(struct doctor *d)
{
	if (!d)
		return;
	free(d->list);
	free(d);
}

size_t doctor_missing(const struct doctor *d)
{
	size_t missing = 0;

	for (size_t i = 0; i < d->count; i++)
		missing += d->list[i].state == FINDING_MISSING;
	return missing;
}

bool doctor_print(const struct doctor *d, FILE *out, unsigned width, struct error *err)
{
	static const struct column columns[] = {
		{ .header = "part" },
		{ .header = "what" },
		{ .header = "state" },
		{ .header = "says", .fit = FIT_WRAP },
	};
	struct table *t = table_new(columns, sizeof columns / sizeof columns[0]);
	bool ok = t != NULL;

	for (size_t i = 0; ok && i < d->count; i++) {
		const struct finding *f = &d->list[i];
		ok = table_add(t, f->part) && table_add(t, f->what) && table_add(t, state_names[f->state]) &&
		     table_add(t, f->says);
	}
	if (ok)
		table_print(t, out, width, 0);
	table_free(t);
	if (!ok)
		return error_memory(err, "the table");
	for (size_t i = 0; i < d->count; i++) {
		if (!d->list[i].advice[0])
			continue;
		fputc('\n', out);
		plain_put(out, d->list[i].what);
		fputs(":\n  ", out);
		for (const char *at = d->list[i].advice; *at; at++) {
			char one[2] = { *at, '\0' };

			/* Names of interfaces and paths are in it. */
			plain_put_lines(out, one);
			if (*at == '\n')
				fputs("  ", out);
		}
		fputc('\n', out);
	}
	fprintf(out, "\n%zu missing\n", doctor_missing(d));
	return true;
}

void doctor_json(const struct doctor *d, FILE *out)
{
	fprintf(out, "{\"missing\":%zu,\"findings\":[", doctor_missing(d));
	for (size_t i = 0; i < d->count; i++) {
		const struct finding *f = &d->list[i];

		fputs(i ? ",\n{\"part\":" : "\n{\"part\":", out);
		json_put(out, f->part);
		fputs(",\"what\":", out);
		json_put(out, f->what);
		fprintf(out, ",\"state\":\"%s\",\"says\":", state_names[f->state]);
		json_put(out, f->says);
		fputs(",\"advice\":", out);
		json_put(out, f->advice);
		fputc('}', out);
	}
	fputs("\n]}\n", out);
}
