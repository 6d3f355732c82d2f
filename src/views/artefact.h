/*
 * A table or figure of the report: reports/NAME.sql, and NAME.gp when it is a figure. What the page says
 * about it stands in comments at the head of the SQL; reports/README.md explains them. Adding one needs no
 * change of the program.
 */
#ifndef FS_VIEWS_ARTEFACT_H
#define FS_VIEWS_ARTEFACT_H
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

#define ARTEFACT_NAME_MAX 32

enum artefact_kind {
	ARTEFACT_TABLE,
	ARTEFACT_FIGURE,
	ARTEFACT_TEXT,  /* each row is a paragraph */
	ARTEFACT_CHART, /* the message-sequence chart of the scene that its first row names */
};

struct artefact {
	char name[ARTEFACT_NAME_MAX]; /* letters, digits, '-' and '_': used in file names, links and gnuplot
					 scripts */
	enum artefact_kind kind;
	int order; /* place in the section */
	char *title;
	char *about;    /* a sentence: what is counted, by which definition; or NULL */
	char *paper;    /* what the paper found; or NULL */
	char *cautions; /* names of counters of area 'trace' that touch it, separated by blanks; or NULL */
	char *hides;    /* as cautions: what may make rows go unseen; or NULL */
	const char *section; /* of the page that it stands in: one of artefact_sections */
	char *with;          /* a file of the same directory that the figure is drawn with; or NULL */
	int page_columns;    /* of the table in the page, from the left; 0: all */
	char *empty;         /* said instead, when there are no rows; or NULL */
	char *sql;  /* the file: the data, then optionally a statement that yields the sentence of the caption
		     */
	char *plot; /* NAME.gp, of a figure; else NULL */
};

/* The parts of the page, in order; NULL-terminated. */
extern const char *const artefact_sections[];

struct artefact_list {
	struct artefact *items; /* by section, order and name */
	size_t count;
};

/* Reads the head of an SQL text into a (zeroed, except for its name). where: for messages. */
bool artefact_parse(struct artefact *a, const char *sql, const char *where, struct error *err);
void artefact_clear(struct artefact *a);
/* All of a directory. Every fault is an error: a report without one of its figures would not show it. */
bool artefact_list_read(struct artefact_list *list, const char *directory, struct error *err);
void artefact_list_free(struct artefact_list *list);

/* A text file as a string, allocated; NULL on failure. */
char *file_read(const char *directory, const char *name, struct error *err);
#endif
