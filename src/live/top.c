/* The frame that `footsteps top` shows: its head, and how text gets into it. See top.h. */
#include "live/top_parts.h"
#include "base/utf8.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define PANE_LEAST  4U  /* lines of a list that is worth showing: title, headings, two rows */
#define PANE_ALL    20U /* rows of a list where there is no screen */
#define ALL_PANES   15U /* lines below the head that are enough for all three lists */
#define PIECE_CELLS 16U /* longest form of one character */

struct top *top_new(struct error *err)
{
	struct top *t = calloc(1, sizeof *t);

	if (t && sqlite3_open(":memory:", &t->db) == SQLITE_OK)
		return t;
	top_free(t);
	error_memory(err, "the view");
	return NULL;
}

void top_free(struct top *t)
{
	if (!t)
		return;
	sqlite3_close(t->db);
	free(t->json);
	free(t);
}

bool top_load(struct top *t, const char *json, struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	bool valid = false;

	if (sqlite3_prepare_v2(t->db, "SELECT json_valid(?1) AND json_type(?1, '$.totals') = 'object'", -1,
			       &stmt, NULL) == SQLITE_OK &&
	    sqlite3_bind_text(stmt, 1, json, -1, SQLITE_STATIC) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		valid = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	if (!valid)
		return error_set(err, EXIT_INPUT, "what answers there is no footsteps live");
	char *copy = strdup(json);
	if (!copy)
		return error_memory(err, "the view");
	free(t->json);
	t->json = copy;
	t->length = strlen(copy);
	return true;
}

/* --- questions to the state --- */

sqlite3_stmt *top_query(struct top_draw *d, const char *sql)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(d->top->db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_bind_text64(stmt, 1, d->top->json, d->top->length, SQLITE_STATIC, SQLITE_UTF8) ==
		    SQLITE_OK)
		return stmt;
	error_set(d->err, EXIT_INTERNAL, "%s", sqlite3_errmsg(d->top->db));
	sqlite3_finalize(stmt);
	return NULL;
}

bool top_row(struct top_draw *d, sqlite3_stmt *stmt, bool *ok)
{
	int code = sqlite3_step(stmt);

	*ok = code == SQLITE_ROW || code == SQLITE_DONE;
	if (code == SQLITE_ROW)
		return true;
	if (!*ok)
		error_set(d->err, EXIT_INPUT, "the state cannot be read: %s", sqlite3_errmsg(d->top->db));
	sqlite3_finalize(stmt);
	return false;
}

const char *top_text(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text ? text : "";
}

/* --- the frame --- */

void top_frame_drop(struct top_frame *frame)
{
	text_drop(&frame->text);
	frame->used = 0;
}

bool frame_line(struct top_draw *d)
{
	struct top_frame *f = d->frame;

	if (f->used >= f->rows || f->used >= TOP_ROWS_MOST)
		return false;
	f->line[f->used++] = (struct top_line){ 0 };
	return true;
}

/*
 * One character as it is shown; returns its columns. Control characters, marks that reorder text or stand on
 * top of others, and what the terminal cannot show are spelled out.
 */
static unsigned glyph_next(const struct top_draw *d, const char **text, char piece[PIECE_CELLS])
{
	const char *from = *text;
	uint32_t code = utf8_next(text);
	size_t length = (size_t)(*text - from);
	int columns = code == UTF8_NONE || code < 0x20 || code == 0x7f ? -1
		      : code < 0x7f                                    ? 1
		      : d->choice->unicode                             ? wcwidth((wchar_t)code)
								       : -1;

	/* Nothing that wcwidth() takes for one column reorders text; those are 0 or -1. */
	if (columns > 0) {
		memcpy(piece, from, length);
		piece[length] = '\0';
		return (unsigned)columns;
	}
	if (code == UTF8_NONE)
		return (unsigned)snprintf(piece, PIECE_CELLS, "\\x%02x", (unsigned char)*from);
	return (unsigned)snprintf(piece, PIECE_CELLS, code < 0x100 ? "\\x%02" PRIx32 : "\\u%04" PRIx32, code);
}

unsigned text_columns(const struct top_draw *d, const char *text)
{
	char piece[PIECE_CELLS];
	unsigned columns = 0;

	while (*text)
		columns += glyph_next(d, &text, piece);
	return columns;
}

/* At most `most` columns of text into the line; "~" at the end when more would come. */
static void put_cut(struct top_draw *d, enum top_style style, const char *text, unsigned most)
{
	struct top_frame *f = d->frame;
	struct top_line *l = &f->line[f->used - 1];
	char piece[PIECE_CELLS];
	unsigned used = 0, whole = text_columns(d, text);

	if (most > f->columns - l->columns)
		most = f->columns - l->columns;
	bool goes_on = l->pieces && l->piece[l->pieces - 1].style == style;
	if (!most || !*text || (l->pieces == TOP_PIECES && !goes_on))
		return;
	size_t at = f->text.used;
	while (*text) {
		unsigned columns = glyph_next(d, &text, piece);
		if (whole > most && used + columns > most - 1) {
			text_put(&f->text, "~", 1);
			used++;
			break;
		}
		text_put(&f->text, piece, strlen(piece));
		used += columns;
	}
	l->columns += used;
	if (goes_on) {
		l->piece[l->pieces - 1].length += f->text.used - at;
		return;
	}
	l->piece[l->pieces].style = style;
	l->piece[l->pieces].at = at;
	l->piece[l->pieces++].length = f->text.used - at;
}

void frame_put(struct top_draw *d, enum top_style style, const char *text)
{
	put_cut(d, style, text, d->frame->columns);
}

void frame_say(struct top_draw *d, enum top_style style, const char *format, ...)
{
	char text[512];
	va_list values;

	va_start(values, format);
	if (vsnprintf(text, sizeof text, format, values) >= 0)
		frame_put(d, style, text);
	va_end(values);
}

static void put_blanks(struct top_draw *d, enum top_style style, unsigned count)
{
	char blanks[256];

	memset(blanks, ' ', sizeof blanks - 1);
	blanks[count < sizeof blanks - 1 ? count : sizeof blanks - 1] = '\0';
	put_cut(d, style, blanks, count);
}

void frame_cell(struct top_draw *d, enum top_style style, const char *text, unsigned width, bool right)
{
	struct top_line *l = &d->frame->line[d->frame->used - 1];
	unsigned columns = text_columns(d, text), before = l->columns;

	if (right && columns < width)
		put_blanks(d, style, width - columns);
	put_cut(d, style, text, width - (l->columns - before));
	if (l->columns - before < width)
		put_blanks(d, style, width - (l->columns - before));
}

/* --- the head --- */

static const char *si(double value, char out[32], const char *unit)
{
	static const char *const prefix[] = { "", "k", "M", "G", "T" };
	unsigned step = 0;

	for (; value >= 999.5 && step < 4; step++)
		value /= 1000;
	/* "1.1k packets" beside "5.6 Mbit" */
	snprintf(out, 32, step == 0 || value >= 99.95 ? "%.0f%s%s%s" : "%.1f%s%s%s", value, *unit ? " " : "",
		 prefix[step], unit);
	return out;
}

static void put_interfaces(struct top_draw *d, bool *ok)
{
	sqlite3_stmt *stmt =
		top_query(d, "SELECT json_extract(value, '$.name'), json_extract(value, '$.up'), "
			     "json_extract(value, '$.gone') FROM json_each(?1, '$.interfaces')");

	*ok = stmt;
	frame_put(d, TOP_PLAIN, "watching ");
	for (unsigned i = 0; stmt && top_row(d, stmt, ok); i++) {
		bool up = sqlite3_column_int(stmt, 1), gone = sqlite3_column_int(stmt, 2);
		frame_say(d, gone || !up ? TOP_WARNING : TOP_STRONG, "%s%s%s", i ? ", " : "",
			  top_text(stmt, 0),
			  gone ? " (gone)"
			  : up ? ""
			       : " (down)");
	}
}

static void put_drops(struct top_draw *d, sqlite3_stmt *stmt)
{
	static const char *const cause[] = { "kernel", "interface", "store" };

	frame_put(d, TOP_PLAIN, "lost ");
	for (int i = 0; i < 3; i++)
		frame_say(d, sqlite3_column_int64(stmt, 12 + i) ? TOP_WARNING : TOP_PLAIN, " %s %s", cause[i],
			  top_text(stmt, 12 + i));
	double share = sqlite3_column_double(stmt, 15);
	if (share > 0)
		frame_say(d, TOP_WARNING, "  (%.2g %% of all packets)", 100 * share);
	double now = sqlite3_column_double(stmt, 16);
	if (now > 0)
		frame_say(d, TOP_WARNING, "  %.0f/s now", now);
}

static void put_storage(struct top_draw *d, sqlite3_stmt *stmt)
{
	bool well = strcmp(top_text(stmt, 17), "ok") == 0;
	char file[32], waiting[32];

	frame_put(d, TOP_PLAIN, "stored ");
	frame_put(d, well ? TOP_PLAIN : TOP_WARNING, top_text(stmt, 17));
	if (!well)
		frame_say(d, TOP_WARNING, ": %s", top_text(stmt, 18));
	frame_say(d, TOP_PLAIN, "  written %.8s  file %s  waiting %s",
		  *top_text(stmt, 19) ? top_text(stmt, 19) : "never",
		  si(sqlite3_column_double(stmt, 20), file, "B"),
		  si(sqlite3_column_double(stmt, 21), waiting, "B"));
}

static void put_rates(struct top_draw *d, sqlite3_stmt *stmt)
{
	char packets[32], bits[32], flows[32], all[32];

	frame_say(d, TOP_PLAIN, "%s packets/s  %s/s  %s flows/s",
		  si(sqlite3_column_double(stmt, 6), packets, ""),
		  si(sqlite3_column_double(stmt, 7), bits, "bit"),
		  si(sqlite3_column_double(stmt, 8), flows, ""));
	frame_say(d, TOP_DIM, "   %s packets and %s flows in all",
		  si(sqlite3_column_double(stmt, 9), all, ""), top_text(stmt, 10));
}

static const char head_sql[] =
	"SELECT json_extract(?1, '$.version'), json_extract(?1, '$.database'), json_extract(?1, '$.run'),"
	" json_extract(?1, '$.session'), replace(substr(json_extract(?1, '$.now'), 1, 19), 'T', ' '),"
	" json_extract(?1, '$.uptime_s'), json_extract(?1, '$.rates.packets'), json_extract(?1, '$.rates.bits'),"
	" json_extract(?1, '$.rates.flows'), json_extract(?1, '$.totals.packets'),"
	" json_extract(?1, '$.totals.flows'), json_extract(?1, '$.rates.drops'),"
	" json_extract(?1, '$.drops.kernel'), json_extract(?1, '$.drops.interface'),"
	" json_extract(?1, '$.drops.store'), json_extract(?1, '$.drops.share'), json_extract(?1, '$.rates.drops'),"
	" json_extract(?1, '$.storage.state'), json_extract(?1, '$.storage.why'),"
	" substr(json_extract(?1, '$.storage.committed'), 12, 8), json_extract(?1, '$.storage.file_bytes'),"
	" json_extract(?1, '$.storage.backlog_bytes'), json_extract(?1, '$.problems[#-1]')";

static bool draw_head(struct top_draw *d)
{
	sqlite3_stmt *stmt = top_query(d, head_sql);
	bool ok = stmt;

	if (!stmt || !top_row(d, stmt, &ok))
		return false;
	int64_t up = sqlite3_column_int64(stmt, 5);
	frame_line(d);
	frame_say(d, TOP_STRONG, "footsteps %s", top_text(stmt, 0));
	frame_say(d, TOP_PLAIN, "  %s UTC  up ", top_text(stmt, 4));
	if (up >= 86400)
		frame_say(d, TOP_PLAIN, "%" PRId64 " d ", up / 86400);
	frame_say(d, TOP_PLAIN, "%" PRId64 ":%02" PRId64 "  ", up / 3600 % 24, up / 60 % 60);
	if (d->choice->lost)
		frame_put(d, TOP_WARNING, "NO ANSWER, trying again");
	else if (d->choice->paused)
		frame_put(d, TOP_WARNING, "PAUSED");
	else
		frame_say(d, TOP_DIM, "%s run %s.%s", top_text(stmt, 1), top_text(stmt, 2),
			  top_text(stmt, 3));
	if (frame_line(d) && d->choice->lost)
		frame_put(d, TOP_WARNING, d->choice->lost);
	else
		put_interfaces(d, &ok);
	if (frame_line(d))
		put_rates(d, stmt);
	if (frame_line(d))
		put_drops(d, stmt);
	if (frame_line(d))
		put_storage(d, stmt);
	if (*top_text(stmt, 22) && frame_line(d))
		frame_say(d, TOP_DIM, "last: %s", top_text(stmt, 22));
	sqlite3_finalize(stmt);
	return ok;
}

/* --- the rest --- */

static void draw_help(struct top_draw *d)
{
	static const char *const lines[] = {
		"q        quit",
		"Tab      next list (also left, right)",
		"up down  move in the list (also Page Up, Page Down, Home)",
		"l b n    sort clients by: last seen, bits of evidence, number of logins",
		"p        pause, and go on",
		"?        this help, and back",
		"",
		"S beside a client: it relays for others (supernode). A protocol with",
		"a question mark: suspected only. Times are UTC, of the packets.",
	};

	if (frame_line(d))
		frame_cell(d, TOP_BAR, "KEYS", d->frame->columns, false);
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		if (frame_line(d))
			frame_put(d, TOP_PLAIN, lines[i]);
}

/* The lists share what is below the head: clients half of it, the others what they need of the rest. */
static bool draw_panes(struct top_draw *d, unsigned room)
{
	unsigned share[TOP_PANES];

	if (room < ALL_PANES)
		return pane_draw(d, d->choice->focus, room);
	share[TOP_LOGINS] = pane_rows(d, TOP_LOGINS) + 2;
	share[TOP_CALLS] = pane_rows(d, TOP_CALLS) + 2;
	for (int which = TOP_LOGINS; which <= TOP_CALLS; which++) {
		if (share[which] < PANE_LEAST)
			share[which] = PANE_LEAST;
		if (share[which] > room / 3)
			share[which] = room / 3;
	}
	share[TOP_CLIENTS] = room - share[TOP_LOGINS] - share[TOP_CALLS];
	for (int which = 0; which < TOP_PANES; which++)
		if (!pane_draw(d, (enum top_pane)which, share[which]))
			return false;
	return true;
}

static bool draw_all(struct top_draw *d)
{
	for (int which = 0; which < TOP_PANES; which++) {
		unsigned rows = pane_rows(d, (enum top_pane)which);
		if (rows > PANE_ALL)
			rows = PANE_ALL;
		if (!pane_draw(d, (enum top_pane)which, rows ? rows + 2 : 1))
			return false;
	}
	return true;
}

static bool draw_below(struct top_draw *d)
{
	struct top_frame *f = d->frame;

	if (d->choice->all)
		return draw_all(d);
	unsigned foot = f->rows - 1;
	if (d->choice->help)
		draw_help(d);
	else if (f->used < foot && !draw_panes(d, foot - f->used))
		return false;
	while (f->used < foot)
		frame_line(d);
	if (frame_line(d))
		frame_put(d, TOP_DIM, "q quit  Tab list  l/b/n sort  p pause  ? help");
	return true;
}

bool top_draw(struct top *t, struct top_choice *choice, struct top_frame *frame, struct error *err)
{
	struct top_draw d = { t, choice, frame, err };

	top_frame_drop(frame);
	frame->columns = choice->columns < TOP_COLUMNS_LEAST ? TOP_COLUMNS_LEAST : choice->columns;
	frame->rows = choice->all || choice->rows > TOP_ROWS_MOST ? TOP_ROWS_MOST : choice->rows;
	if (!frame->rows)
		return true;
	if (!draw_head(&d) || !draw_below(&d))
		return false;
	return !frame->text.failed || error_memory(err, "the view");
}
