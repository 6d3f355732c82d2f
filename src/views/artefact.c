/* Reading reports/: the head of each NAME.sql, and the NAME.gp beside it. */
#include "views/artefact.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MOST (1L << 20) /* nobody writes a megabyte of SQL */
#define BLANKS    " \t\r"

#define SECTION_DEFAULT "More"

const char *const artefact_sections[] = {
	"Summary",      "Clients",   "Logins",        "Calls",     "Supernodes", "Traffic",
	"Network cost", "Over time", SECTION_DEFAULT, "The trace", NULL,
};

char *file_read(const char *directory, const char *name, struct error *err)
{
	char path[4096];
	FILE *in = NULL;
	char *text = NULL;
	long size = -1;

	if (snprintf(path, sizeof path, "%s/%s", directory, name) < (int)sizeof path)
		in = fopen(path, "re");
	if (in && fseek(in, 0, SEEK_END) == 0 && (size = ftell(in)) >= 0 && size <= FILE_MOST) {
		rewind(in);
		text = malloc((size_t)size + 1);
		if (text && fread(text, 1, (size_t)size, in) != (size_t)size) {
			free(text);
			text = NULL;
		}
	}
	if (text)
		text[size] = '\0';
	else
		error_set(err, EXIT_INPUT, "%s/%s: %s", directory, name,
			  size > FILE_MOST ? "too large"
			  : errno          ? strerror(errno)
					   : "cannot be read");
	if (in)
		fclose(in);
	return text;
}

/* Appends `length` bytes of text to *to, with a blank between. */
static bool text_append(char **to, const char *text, size_t length)
{
	size_t before = *to ? strlen(*to) : 0;
	char *joined = realloc(*to, before + length + 2);

	if (!joined)
		return false;
	if (before)
		joined[before++] = ' ';
	memcpy(joined + before, text, length);
	joined[before + length] = '\0';
	*to = joined;
	return true;
}

struct head { /* values of the head that are not kept as text */
	char *kind, *order, *page, *section;
};

static char **head_slot(struct artefact *a, struct head *h, const char *key, size_t length)
{
	const struct {
		const char *key;
		char **slot;
	} slots[] = {
		{ "title", &a->title },       { "about", &a->about }, { "paper", &a->paper },
		{ "cautions", &a->cautions }, { "empty", &a->empty }, { "kind", &h->kind },
		{ "order", &h->order },       { "hides", &a->hides }, { "page", &h->page },
		{ "section", &h->section },   { "with", &a->with },
	};

	for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++)
		if (strlen(slots[i].key) == length && memcmp(slots[i].key, key, length) == 0)
			return slots[i].slot;
	return NULL;
}

static bool head_read(struct artefact *a, struct head *h, const char *sql, const char *where,
		      struct error *err)
{
	char **slot = NULL;
	unsigned number = 1;

	for (const char *line = sql; strncmp(line, "--", 2) == 0; number++) {
		size_t length = strcspn(line, "\n");
		const char *next = line + length + (line[length] == '\n');
		const char *text = line + 2, *end = line + length;
		size_t indent = strspn(text, BLANKS);
		while (end > text && strchr(BLANKS, end[-1]))
			end--;
		text = text + indent < end ? text + indent : end;
		const char *colon = memchr(text, ':', (size_t)(end - text));
		/* A line set in by two blanks or more continues the one before. */
		if (indent < 2) {
			slot = colon ? head_slot(a, h, text, (size_t)(colon - text)) : NULL;
			if (!slot)
				return error_set(
					err, EXIT_INPUT,
					"%s, line %u: '%.*s' is not 'KEY: TEXT' with a known key (title, "
					"kind, order, about, paper, cautions, hides, page, empty, section, "
					"with)",
					where, number, (int)(end - text < 60 ? end - text : 60), text);
			if (*slot)
				return error_set(err, EXIT_INPUT, "%s, line %u: '%.*s' comes twice", where,
						 number, (int)(colon - text), text);
			text = colon + 1 + strspn(colon + 1, BLANKS);
		}
		if (!slot)
			return error_set(err, EXIT_INPUT, "%s, line %u: continues nothing", where, number);
		if (!text_append(slot, text, text < end ? (size_t)(end - text) : 0))
			return error_memory(err, where);
		line = next;
	}
	return true;
}

static bool number_read(const char *text, long least, long most, long *value)
{
	char *end = NULL;

	*value = text ? strtol(text, &end, 10) : 0;
	return end && end != text && !*end && *value >= least && *value <= most;
}

static bool kind_read(const char *text, enum artefact_kind *kind)
{
	static const char *const names[] = {
		[ARTEFACT_TABLE] = "table",
		[ARTEFACT_FIGURE] = "figure",
		[ARTEFACT_TEXT] = "text",
		[ARTEFACT_CHART] = "chart",
	};

	for (size_t i = 0; text && i < sizeof names / sizeof names[0]; i++)
		if (strcmp(names[i], text) == 0) {
			*kind = (enum artefact_kind)i;
			return true;
		}
	return false;
}

/* The place of a section in the page; the number of sections when there is no such one. */
static size_t section_place(const char *name)
{
	size_t place = 0;

	while (artefact_sections[place] && strcmp(artefact_sections[place], name) != 0)
		place++;
	return place;
}

static bool head_take(struct artefact *a, const struct head *h, const char *where, struct error *err)
{
	long order = 0, columns = 0;
	size_t section = section_place(h->section ? h->section : SECTION_DEFAULT);

	if (!a->title || !*a->title)
		return error_set(err, EXIT_INPUT, "%s: its first comment lacks 'title: ...'", where);
	if (!kind_read(h->kind, &a->kind))
		return error_set(err, EXIT_INPUT,
				 "%s: its first comment lacks 'kind: figure', 'table', 'chart' or 'text'",
				 where);
	if (!number_read(h->order, 0, 1000000, &order))
		return error_set(err, EXIT_INPUT,
				 "%s: its first comment lacks 'order: NUMBER', its place in the page", where);
	if (h->page && !number_read(h->page, 1, 100, &columns))
		return error_set(err, EXIT_INPUT, "%s: 'page: %.40s' is no number of columns", where,
				 h->page);
	if (!artefact_sections[section])
		return error_set(err, EXIT_INPUT,
				 "%s: 'section: %.40s' is no section of the page; reports/README.md has them",
				 where, h->section);
	if (a->with && strchr(a->with, '/'))
		return error_set(err, EXIT_INPUT, "%s: 'with: %.40s' is no file of the same directory", where,
				 a->with);
	a->order = (int)order;
	a->page_columns = (int)columns;
	a->section = artefact_sections[section];
	return true;
}

bool artefact_parse(struct artefact *a, const char *sql, const char *where, struct error *err)
{
	struct head h = { NULL, NULL, NULL, NULL };
	bool ok = head_read(a, &h, sql, where, err) && head_take(a, &h, where, err);

	free(h.kind);
	free(h.order);
	free(h.page);
	free(h.section);
	if (ok) {
		a->sql = strdup(sql);
		ok = a->sql || error_memory(err, where);
	}
	return ok;
}

void artefact_clear(struct artefact *a)
{
	free(a->title);
	free(a->about);
	free(a->paper);
	free(a->cautions);
	free(a->hides);
	free(a->with);
	free(a->empty);
	free(a->sql);
	free(a->plot);
	*a = (struct artefact){ .order = 0 };
}

/* length: of the file's name without ".sql" */
static bool artefact_read(struct artefact *a, const char *directory, const char *file, size_t length,
			  struct error *err)
{
	char where[4096], plot[ARTEFACT_NAME_MAX + 4];

	snprintf(where, sizeof where, "%s/%s", directory, file);
	if (length >= sizeof a->name ||
	    strspn(file, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != length)
		return error_set(err, EXIT_INPUT,
				 "%s: a name here is at most %d letters, digits, '-' and '_', then '.sql'",
				 where, ARTEFACT_NAME_MAX - 1);
	memcpy(a->name, file, length);
	a->name[length] = '\0';
	char *sql = file_read(directory, file, err);
	bool ok = sql && artefact_parse(a, sql, where, err);
	free(sql);
	if (!ok || a->kind != ARTEFACT_FIGURE)
		return ok;
	snprintf(plot, sizeof plot, "%s.gp", a->name);
	a->plot = file_read(directory, plot, err);
	return a->plot != NULL;
}

static int artefact_compare(const void *left, const void *right)
{
	const struct artefact *a = left, *b = right;

	size_t x = section_place(a->section), y = section_place(b->section);

	if (x != y)
		return (x > y) - (x < y);
	return a->order != b->order ? (a->order > b->order) - (a->order < b->order)
				    : strcmp(a->name, b->name);
}

bool artefact_list_read(struct artefact_list *list, const char *directory, struct error *err)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	bool ok = true;

	*list = (struct artefact_list){ NULL, 0 };
	if (!dir)
		return error_set(err, EXIT_INPUT, "%s: %s", directory, strerror(errno));
	while (ok && (entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');
		if (!dot || strcmp(dot, ".sql") != 0 || entry->d_name[0] == '.')
			continue;
		struct artefact *more = realloc(list->items, (list->count + 1) * sizeof *more);
		if (!more) {
			ok = error_memory(err, directory);
			break;
		}
		list->items = more;
		more[list->count] = (struct artefact){ .order = 0 };
		ok = artefact_read(&more[list->count++], directory, entry->d_name,
				   (size_t)(dot - entry->d_name), err);
	}
	closedir(dir);
	if (ok && list->count == 0)
		ok = error_set(err, EXIT_INPUT, "%s holds no figure or table (NAME.sql)", directory);
	if (ok)
		qsort(list->items, list->count, sizeof *list->items, artefact_compare);
	else
		artefact_list_free(list);
	return ok;
}

void artefact_list_free(struct artefact_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		artefact_clear(&list->items[i]);
	free(list->items);
	*list = (struct artefact_list){ NULL, 0 };
}
