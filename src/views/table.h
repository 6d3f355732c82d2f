/*
 * Aligned tables for people, in a given width. A table that is too wide first gives up the date of its times
 * (when they are all of one day), then columns of sockets that are the same in every row, then the columns
 * that may be left out, then cuts or wraps long text, and at last puts times of several days below their
 * dates; what it gave up is said below it.
 */
#ifndef FS_VIEWS_TABLE_H
#define FS_VIEWS_TABLE_H
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum column_kind {
	COLUMN_TEXT,
	COLUMN_NUMBER,   /* right-aligned */
	COLUMN_TIME,     /* ns since 1970, shown as UTC ISO 8601 to the second */
	COLUMN_DURATION, /* ns, in words */
	COLUMN_BITS,     /* one decimal */
	COLUMN_LINES,    /* as it is, right-aligned; '\n' begins a further line of the cell (FIT_KEEP only) */
};

enum column_fit {
	FIT_KEEP,
	FIT_CUT,    /* may lose its end */
	FIT_WRAP,   /* may go on in the next line */
	FIT_SOCKET, /* as FIT_WRAP, but an IPv4 address with its port stays whole */
};

struct column {
	const char *header;
	enum column_kind kind;
	enum column_fit fit;
	unsigned drop; /* 0: always shown; else left out when there is no room, lowest first; equal ones
			  together */
};
#define TABLE_COLUMNS_MAX 24
#define TABLE_WIDTH       80 /* of a terminal, where nobody says otherwise */

struct table;
/* columns: borrowed; at most TABLE_COLUMNS_MAX. NULL when out of memory. */
struct table *table_new(const struct column *columns, size_t count);
void table_free(struct table *t);

/* The next cell, row by row, left to right. NULL is shown as "-". False only when out of memory. */
bool table_add(struct table *t, const char *text);
bool table_add_time(struct table *t, int64_t ns);
/* Of COLUMN_LINES: text that is known to be harmless. */
bool table_add_lines(struct table *t, const char *text);
bool table_add_duration(struct table *t, int64_t ns);
bool table_add_number(struct table *t, int64_t value);
bool table_add_bits(struct table *t, double bits);

size_t table_rows(const struct table *t);
/* Prints header, rows and what was given up; indent counts into width. */
void table_print(const struct table *t, FILE *out, unsigned width, unsigned indent);
#endif
