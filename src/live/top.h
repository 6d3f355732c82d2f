/*
 * What `footsteps top` draws: a state (JSON of state.h, read by SQLite) becomes a frame, lines of styled
 * text that fit a screen. Whoever has a terminal puts them on it; nothing here knows one. Text from the wire
 * is made harmless, and measured in columns.
 */
#ifndef FS_LIVE_TOP_H
#define FS_LIVE_TOP_H
#include "base/error.h"
#include "base/text.h"
#include <stdbool.h>
#include <stddef.h>

enum top_style { TOP_PLAIN, TOP_STRONG, TOP_DIM, TOP_WARNING, TOP_BAR, TOP_STYLES };
enum top_pane { TOP_CLIENTS, TOP_LOGINS, TOP_CALLS, TOP_PANES };
enum top_sort { TOP_BY_LAST, TOP_BY_BITS, TOP_BY_LOGINS, TOP_SORTS };

#define TOP_COLUMNS_LEAST 40U /* less is drawn as if it were so many, and cut */
#define TOP_ROWS_MOST     200U
#define TOP_PIECES        16U /* of a line */

struct top_line {
	struct {
		enum top_style style;
		size_t at, length; /* in the frame's text */
	} piece[TOP_PIECES];
	unsigned pieces, columns; /* columns: so far */
};
struct top_frame {
	struct text text;
	unsigned rows, columns; /* of the screen */
	unsigned used;          /* lines */
	struct top_line line[TOP_ROWS_MOST];
};

/* What the user has chosen. */
struct top_choice {
	unsigned columns, rows;
	bool unicode; /* the terminal takes UTF-8; else all but ASCII is escaped */
	enum top_pane focus;
	enum top_sort sort;
	unsigned scroll[TOP_PANES]; /* first row shown; drawing brings it back into the list */
	bool help, paused;
	const char *lost; /* why nothing new comes; NULL: it does */
	bool all;         /* no screen: every pane, as many lines as there are, at most 20 of a pane */
};

struct top;
struct top *top_new(struct error *err);
void top_free(struct top *t);
/* The state from now on; a copy is kept. EXIT_INPUT: it is none, and the last one stays. */
bool top_load(struct top *t, const char *json, struct error *err);
/* False only when out of memory, or when the state is not what it should be. */
bool top_draw(struct top *t, struct top_choice *choice, struct top_frame *frame, struct error *err);
void top_frame_drop(struct top_frame *frame);
#endif
