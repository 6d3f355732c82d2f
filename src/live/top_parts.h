/* The insides of top: the frame as it grows (top.c), the lists (top_panes.c). */
#ifndef FS_LIVE_TOP_PARTS_H
#define FS_LIVE_TOP_PARTS_H
#include "live/top.h"
#include <sqlite3.h>

struct top {
	sqlite3 *db; /* in memory, holds nothing: it reads the JSON */
	char *json;
	size_t length;
};

struct top_draw {
	struct top *top;
	struct top_choice *choice;
	struct top_frame *frame;
	struct error *err;
};

/* --- top.c --- */
/* The next line; false: the screen is full. */
bool frame_line(struct top_draw *d);
/* At the end of the line, harmless and cut at the screen's edge. */
void frame_put(struct top_draw *d, enum top_style style, const char *text);
void frame_say(struct top_draw *d, enum top_style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* In exactly so many columns: cut with "~", or filled with blanks. */
void frame_cell(struct top_draw *d, enum top_style style, const char *text, unsigned width, bool right);
unsigned text_columns(const struct top_draw *d, const char *text);
/* ?1 is the state. NULL: *d->err says why. */
sqlite3_stmt *top_query(struct top_draw *d, const char *sql);
/* The next row; false at the end, or with *ok false on failure. The statement is finalized then. */
bool top_row(struct top_draw *d, sqlite3_stmt *stmt, bool *ok);
const char *top_text(sqlite3_stmt *stmt, int column); /* "" for null */

/* --- top_panes.c --- */
/* A list with its title and headings, on at most so many lines. */
bool pane_draw(struct top_draw *d, enum top_pane which, unsigned lines);
unsigned pane_rows(struct top_draw *d, enum top_pane which); /* in the list */
#endif
