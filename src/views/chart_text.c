/*
 * A chart for the terminal: time, lanes with their lifelines, and what the arrow is.
 *
 *	 seconds  A           B           C
 *	   0.012  ├──────────>│           │  UDP 18 B
 */
#include "views/chart.h"
#include "views/escape.h"
#include <stdlib.h>
#include <string.h>

#define TIME_WIDTH  10U /* "123456.789" */
#define FIRST_LANE  (TIME_WIDTH + 2U)
#define LANE_LEAST  7U
#define LANE_MOST   14U
#define LABEL_WIDTH 26U /* "UDP 12 x 346 B, 1 min 20 s" */
#define LINE_MOST   512U
#define HEADS_MAX   4 /* lines of a heading */

/* What is drawn of a line; a cell is a character. */
enum glyph { LIFE, START_RIGHT, START_LEFT, HEAD_RIGHT, HEAD_LEFT, GLYPHS };
enum stroke { STROKE_ONE, STROKE_MANY, STROKE_CONNECTION, STROKES };
struct pens {
	const char *glyph[STROKES][GLYPHS];
	const char *line[STROKES], *crossing[STROKES];
	const char *times;
};
static const struct pens utf8_pens = {
	.glyph = { { "│", "├", "┤", "►", "◄" }, { "│", "╞", "╡", "►", "◄" }, { "│", "├", "┤", "►", "◄" } },
	.line = { "─", "═", "┄" },
	.crossing = { "┼", "╪", "┼" },
	.times = "×",
};
static const struct pens ascii_pens = {
	.glyph = { { "|", "|", "|", ">", "<" }, { "|", "|", "|", ">", "<" }, { "|", "|", "|", ">", "<" } },
	.line = { "-", "=", "." },
	.crossing = { "+", "+", "+" },
	.times = "x",
};

struct sheet {
	const struct chart *c;
	const struct pens *pens;
	FILE *out;
	unsigned width, step, lanes_end;
};

static unsigned column_of(const struct sheet *s, uint32_t lane)
{
	return FIRST_LANE + lane * s->step;
}

/* Cuts to the width, with the sign that it was cut. */
static void put_cut(const struct sheet *s, const char *text, unsigned width)
{
	size_t needed = utf8_width(text);
	const char *end = text;
	bool wide = s->pens == &utf8_pens;

	if (needed <= width) {
		fputs(text, s->out);
		return;
	}
	unsigned mark = wide ? 1 : 3;
	for (unsigned i = 0; width > mark && i < width - mark; i++)
		(void)utf8_next(&end);
	fwrite(text, 1, (size_t)(end - text), s->out);
	fputs(wide ? "…" : "...", s->out);
}

static enum stroke stroke_of(const struct chart_row *row)
{
	if (row->kind == EVENT_OPEN || row->kind == EVENT_CLOSE)
		return STROKE_CONNECTION;
	return row->messages == 1 && !row->more ? STROKE_ONE : STROKE_MANY;
}

/* The arrow from the client's lane to the row's, or back; of a closing nobody knows which side began it. */
static const char *cell_of(const struct sheet *s, const struct chart_row *row, unsigned column)
{
	unsigned left = column_of(s, 0), right = row ? column_of(s, row->lane) : left;
	bool is_lane = (column - FIRST_LANE) % s->step == 0;
	enum stroke stroke = row ? stroke_of(row) : STROKE_ONE;
	const struct pens *p = s->pens;

	if (!row || column < left || column > right)
		return is_lane ? p->glyph[stroke][LIFE] : " ";
	bool headless = row->kind == EVENT_CLOSE;
	if (column == left)
		return p->glyph[stroke][row->sent || headless ? START_RIGHT : LIFE];
	if (column == right)
		return p->glyph[stroke][!row->sent || headless ? START_LEFT : LIFE];
	if (row->sent && !headless && column == right - 1)
		return p->glyph[stroke][HEAD_RIGHT];
	if (!row->sent && !headless && column == left + 1)
		return p->glyph[stroke][HEAD_LEFT];
	return is_lane ? p->crossing[stroke] : p->line[stroke];
}

static void put_lanes(const struct sheet *s, const struct chart_row *row)
{
	for (unsigned column = FIRST_LANE; column <= s->lanes_end; column++)
		fputs(cell_of(s, row, column), s->out);
}

static void put_row(const struct sheet *s, const struct chart_row *row)
{
	char label[CHART_LINE];

	row_label(row, s->pens->times, label);
	fprintf(s->out, "%*.3f  ", (int)TIME_WIDTH, row_seconds(s->c, row));
	put_lanes(s, row);
	fputs("  ", s->out);
	put_cut(s, label, s->width - s->lanes_end - 3);
	fputc('\n', s->out);
}

/* The n-th word of a text, cut to the room of a lane. */
static void word_at(const char *text, int n, unsigned room, char word[32])
{
	for (; n > 0 && *text; n--) {
		text += strcspn(text, " ");
		text += *text == ' ';
	}
	size_t length = strcspn(text, " ");
	if (length > room)
		length = room;
	snprintf(word, 32, "%.*s", (int)(length < 31 ? length : 31), text);
}

static int words_in(const char *text)
{
	int words = 1;

	for (; *text; text++)
		words += *text == ' ';
	return words < HEADS_MAX ? words : HEADS_MAX;
}

/* Words below each other, the last ones in one line; a letter each, that the list above explains. */
static void put_headings(const struct sheet *s)
{
	char heading[CHART_LINE], word[32];
	int lines = 1;

	for (uint32_t i = 0; i < s->c->lanes; i++) {
		lane_heading(&s->c->lane[i], heading);
		lines = words_in(heading) > lines ? words_in(heading) : lines;
	}
	for (int line = 0; line <= lines; line++) {
		unsigned at = 0;
		if (line == lines) {
			fprintf(s->out, "%*s", (int)TIME_WIDTH, "seconds");
			at = TIME_WIDTH;
		}
		for (uint32_t i = 0; i < s->c->lanes; i++) {
			lane_heading(&s->c->lane[i], heading);
			int word_number = line - (lines - words_in(heading));
			snprintf(word, sizeof word, "%c", 'A' + (int)i);
			if (line < lines && word_number < 0)
				continue;
			if (line < lines)
				word_at(heading, word_number, s->step - 1, word);
			fprintf(s->out, "%*s%s", (int)(column_of(s, i) - at), "", word);
			at = column_of(s, i) + (unsigned)strlen(word);
		}
		fputc('\n', s->out);
	}
}

static void put_legend(const struct sheet *s)
{
	size_t widest = 0;
	char name[CHART_LINE], sockets[CHART_LINE];

	for (uint32_t i = 0; i < s->c->lanes; i++) {
		lane_name(&s->c->lane[i], name);
		widest = strlen(name) > widest ? strlen(name) : widest;
	}
	for (uint32_t i = 0; i < s->c->lanes; i++) {
		lane_name(&s->c->lane[i], name);
		unsigned room = s->width - (unsigned)widest - 7;
		uint32_t most = 3;
		do
			lane_sockets(s->c, i, most, sockets);
		while (utf8_width(sockets) > room && --most > 0);
		fprintf(s->out, "  %c  %-*s  ", 'A' + (int)i, (int)widest, name);
		put_cut(s, sockets, room);
		fputc('\n', s->out);
	}
}

static void put_remarks(const struct sheet *s)
{
	char remarks[2 * CHART_LINE];
	const char *at = remarks;

	chart_remarks(s->c, remarks);
	if (*at)
		fputc('\n', s->out);
	/* Sentences, wrapped at blanks. */
	while (*at) {
		size_t length = strlen(at);
		if (length > s->width)
			for (length = s->width; length > 1 && at[length] != ' ';)
				length--;
		fprintf(s->out, "%.*s\n", (int)length, at);
		at += length;
		at += strspn(at, " ");
	}
}

void chart_put_text(const struct chart *c, bool utf8, unsigned width, FILE *out)
{
	struct sheet s = { .c = c, .pens = utf8 ? &utf8_pens : &ascii_pens, .out = out };
	char line[CHART_LINE];
	unsigned gaps = c->lanes > 1 ? c->lanes - 1 : 1;
	unsigned fixed = FIRST_LANE + 1 + 2 + LABEL_WIDTH;

	/* Lanes have their least width, whatever was asked for. */
	s.width = width < LINE_MOST ? width : LINE_MOST;
	s.step = s.width > fixed ? (s.width - fixed) / gaps : 0;
	s.step = s.step < LANE_LEAST ? LANE_LEAST : s.step > LANE_MOST ? LANE_MOST : s.step;
	s.lanes_end = FIRST_LANE + (c->lanes - 1) * s.step;
	if (s.width < s.lanes_end + 12)
		s.width = s.lanes_end + 12;
	chart_title(c, line);
	put_cut(&s, line, s.width);
	fputc('\n', out);
	chart_subtitle(c, line);
	put_cut(&s, line, s.width);
	fputs("\n\n", out);
	put_legend(&s);
	fputc('\n', out);
	put_headings(&s);
	for (uint32_t i = 0; i < c->rows; i++)
		put_row(&s, &c->row[i]);
	if (c->rows == 0)
		fputs("No message of the scene is stored.\n", out);
	put_remarks(&s);
}
