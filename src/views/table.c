/* Aligned tables for people. Cells are kept as text in one block; the layout is made when all are known. */
#include "views/table.h"
#include "base/clock.h"
#include "views/escape.h"
#include <stdlib.h>
#include <string.h>

#define GAP         2U  /* blanks between columns */
#define NARROWEST   8U  /* a column of text is never cut below this, nor below its header */
#define SOCKET_IPV4 21U /* 255.255.255.255:65535 */
#define ISO_DATE    10U
#define ISO_SECONDS 19U
#define TIME_TEXT   24U
#define ELLIPSIS    "\xe2\x80\xa6"

struct table {
	const struct column *columns;
	size_t column_count;
	char *text; /* the cells, each with its NUL */
	size_t text_used, text_size;
	size_t *cells; /* offsets into text */
	size_t cell_count, cell_size;
};

struct layout {
	size_t width[TABLE_COLUMNS_MAX];
	bool left_out[TABLE_COLUMNS_MAX];
	bool empty[TABLE_COLUMNS_MAX];
	bool in_every_row[TABLE_COLUMNS_MAX]; /* left out, but its only value is said below */
	bool short_times;
	bool split_times;        /* the time of day below its date */
	char date[ISO_DATE + 1]; /* "" when the times are of several days */
};

struct table *table_new(const struct column *columns, size_t count)
{
	struct table *t = calloc(1, sizeof *t);

	if (t) {
		t->columns = columns;
		t->column_count = count < TABLE_COLUMNS_MAX ? count : TABLE_COLUMNS_MAX;
	}
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	free(t->text);
	free(t->cells);
	free(t);
}

/* Room for `more` items after `used`; doubles, so that adding a cell is cheap. */
static bool grow(void **items, size_t *size, size_t used, size_t more, size_t item)
{
	if (used + more <= *size)
		return true;
	size_t wanted = *size ? *size * 2 : 256;
	while (wanted < used + more)
		wanted *= 2;
	void *moved = realloc(*items, wanted * item);
	if (!moved)
		return false;
	*items = moved;
	*size = wanted;
	return true;
}

/* Room for a cell of that many bytes, its NUL included; NULL when out of memory. */
static char *cell_new(struct table *t, size_t length)
{
	if (!grow((void **)&t->text, &t->text_size, t->text_used, length, 1) ||
	    !grow((void **)&t->cells, &t->cell_size, t->cell_count, 1, sizeof *t->cells))
		return NULL;
	t->cells[t->cell_count++] = t->text_used;
	t->text_used += length;
	return t->text + t->text_used - length;
}

bool table_add(struct table *t, const char *text)
{
	const char *shown = text && *text ? text : "-";
	size_t length = plain_text(shown, NULL, 0) + 1;
	char *place = cell_new(t, length);

	if (place)
		(void)plain_text(shown, place, length);
	return place != NULL;
}

bool table_add_lines(struct table *t, const char *text)
{
	size_t length = strlen(text) + 1;
	char *place = cell_new(t, length);

	if (place)
		memcpy(place, text, length);
	return place != NULL;
}

bool table_add_time(struct table *t, int64_t ns)
{
	char utc[UTC_TEXT];

	utc_format(ns, utc);
	utc[ISO_SECONDS] = 'Z';
	utc[ISO_SECONDS + 1] = '\0';
	return table_add(t, utc);
}

bool table_add_duration(struct table *t, int64_t ns)
{
	char words[DURATION_TEXT];

	duration_format(ns, words);
	return table_add(t, words);
}

bool table_add_number(struct table *t, int64_t value)
{
	char digits[32];

	snprintf(digits, sizeof digits, "%lld", (long long)value);
	return table_add(t, digits);
}

bool table_add_bits(struct table *t, double bits)
{
	char digits[32];

	snprintf(digits, sizeof digits, "%.1f", bits);
	return table_add(t, digits);
}

size_t table_rows(const struct table *t)
{
	return t->column_count ? t->cell_count / t->column_count : 0;
}

/* The cell as shown: a time without its date, or in two words, when the layout says so. */
static const char *cell(const struct table *t, const struct layout *l, size_t row, size_t column,
			char brief[TIME_TEXT])
{
	const char *text = t->text + t->cells[row * t->column_count + column];

	if (!(l->short_times || l->split_times) || t->columns[column].kind != COLUMN_TIME ||
	    strlen(text) < ISO_SECONDS)
		return text;
	if (l->split_times) {
		snprintf(brief, TIME_TEXT, "%.*s %s", (int)ISO_DATE, text, text + ISO_DATE + 1);
		return brief;
	}
	memcpy(brief, text + ISO_DATE + 1, ISO_SECONDS - ISO_DATE - 1);
	brief[ISO_SECONDS - ISO_DATE - 1] = '\0';
	return brief;
}

/* Of the widest line. */
static size_t lines_width(const char *text)
{
	size_t widest = 0;

	for (;; text++) {
		size_t width = 0;
		for (; *text && *text != '\n'; width++)
			(void)utf8_next(&text);
		widest = width > widest ? width : widest;
		if (!*text)
			return widest;
	}
}

static void widths_measure(const struct table *t, struct layout *l)
{
	char brief[TIME_TEXT];

	for (size_t c = 0; c < t->column_count; c++) {
		bool split = l->split_times && t->columns[c].kind == COLUMN_TIME;
		l->width[c] = utf8_width(t->columns[c].header);
		for (size_t r = 0; r < table_rows(t); r++) {
			size_t width = split ? ISO_DATE : lines_width(cell(t, l, r, c, brief));
			l->width[c] = width > l->width[c] ? width : l->width[c];
		}
	}
}

static size_t total_width(const struct table *t, const struct layout *l)
{
	size_t total = 0;

	for (size_t c = 0; c < t->column_count; c++)
		if (!l->left_out[c])
			total += l->width[c] + (total ? GAP : 0);
	return total;
}

/* The one date of all times, or "". */
static void date_find(const struct table *t, struct layout *l)
{
	l->date[0] = '\0';
	for (size_t i = 0; i < t->cell_count; i++) {
		const char *text = t->text + t->cells[i];
		if (t->columns[i % t->column_count].kind != COLUMN_TIME || strlen(text) < ISO_SECONDS)
			continue;
		if (l->date[0] && strncmp(l->date, text, ISO_DATE) != 0) {
			l->date[0] = '\0';
			return;
		}
		memcpy(l->date, text, ISO_DATE);
		l->date[ISO_DATE] = '\0';
	}
}

static bool same_in_every_row(const struct table *t, size_t column)
{
	for (size_t i = column + t->column_count; i < t->cell_count; i += t->column_count)
		if (strcmp(t->text + t->cells[i], t->text + t->cells[column]) != 0)
			return false;
	return table_rows(t) > 1;
}

/* The same socket in every row tells the least for its width. */
static void same_sockets_leave(const struct table *t, struct layout *l, size_t width)
{
	for (size_t c = 0; c < t->column_count && total_width(t, l) > width; c++)
		if (t->columns[c].fit == FIT_SOCKET && same_in_every_row(t, c))
			l->left_out[c] = l->in_every_row[c] = true;
}

static void drop_set(const struct table *t, struct layout *l, unsigned drop, bool left_out)
{
	for (size_t c = 0; c < t->column_count; c++)
		if (t->columns[c].drop == drop && !l->in_every_row[c] && !l->empty[c])
			l->left_out[c] = left_out;
}

/* A column of dashes tells less than any other. */
static void empty_leave(const struct table *t, struct layout *l, size_t width)
{
	for (size_t c = 0; c < t->column_count && total_width(t, l) > width; c++)
		if (t->columns[c].drop && same_in_every_row(t, c) && strcmp(t->text + t->cells[c], "-") == 0)
			l->left_out[c] = l->empty[c] = true;
}

/* Leaves columns out until the rest fits, then brings back what has room after all, the dearest first. */
static void columns_choose(const struct table *t, struct layout *l, size_t width)
{
	unsigned most = 0;

	empty_leave(t, l, width);
	for (size_t c = 0; c < t->column_count; c++)
		most = t->columns[c].drop > most ? t->columns[c].drop : most;
	for (unsigned drop = 1; drop <= most && total_width(t, l) > width; drop++)
		drop_set(t, l, drop, true);
	for (unsigned drop = most; drop >= 1; drop--) {
		struct layout trial = *l;
		drop_set(t, &trial, drop, false);
		if (total_width(t, &trial) <= width)
			*l = trial;
	}
}

static size_t narrowest(const struct column *column)
{
	size_t header = utf8_width(column->header),
	       least = column->fit == FIT_SOCKET ? SOCKET_IPV4 : NARROWEST;

	return header > least ? header : least;
}

/* Takes one from the widest column that can give it. */
static bool column_narrow(const struct table *t, struct layout *l)
{
	size_t widest = t->column_count;

	for (size_t c = 0; c < t->column_count; c++) {
		if (l->left_out[c] || t->columns[c].fit == FIT_KEEP ||
		    l->width[c] <= narrowest(&t->columns[c]))
			continue;
		if (widest == t->column_count || l->width[c] > l->width[widest])
			widest = c;
	}
	if (widest < t->column_count)
		l->width[widest]--;
	return widest < t->column_count;
}

static void layout_fit(const struct table *t, struct layout *l, size_t width)
{
	widths_measure(t, l);
	same_sockets_leave(t, l, width);
	columns_choose(t, l, width);
	while (total_width(t, l) > width && column_narrow(t, l))
		;
}

static void layout_make(const struct table *t, struct layout *l, size_t width)
{
	memset(l, 0, sizeof *l);
	widths_measure(t, l);
	if (total_width(t, l) <= width)
		return;
	date_find(t, l);
	l->short_times = l->date[0];
	layout_fit(t, l, width);
	if (total_width(t, l) > width && !l->short_times) {
		*l = (struct layout){ .split_times = true };
		layout_fit(t, l, width);
	}
}

static void blanks_put(FILE *out, size_t n)
{
	fprintf(out, "%*s", (int)n, "");
}

/* How many bytes of text fill at most width columns, broken at a blank where there is one. */
static size_t line_length(const char *text, size_t width)
{
	const char *at = text, *blank = NULL;

	for (size_t n = 0; n < width && *at; n++) {
		if (*at == ' ')
			blank = at;
		(void)utf8_next(&at);
	}
	if (*at == '\0' || *at == ' ' || !blank)
		return (size_t)(at - text);
	return (size_t)(blank - text);
}

/* Prints the part of *text that fits and moves it on; pending blanks are kept back so that no line ends in
 * any. */
static void cell_put(FILE *out, const struct column *column, const char **text, size_t width, size_t *pending)
{
	const char *from = *text;
	bool cut = column->fit == FIT_CUT && utf8_width(from) > width;
	size_t room = cut ? width - 1 : width, length = 0, shown;

	bool wraps = column->fit == FIT_WRAP || column->fit == FIT_SOCKET || column->kind == COLUMN_TIME;
	if (wraps) {
		length = line_length(from, width);
	} else {
		const char *at = from;
		for (size_t n = 0; *at && *at != '\n' && (n < room || column->fit == FIT_KEEP); n++)
			(void)utf8_next(&at);
		length = (size_t)(at - from);
	}
	*text = from + length + strspn(from + length, " ");
	if (!wraps)
		*text = from + strcspn(from, "\n") + (from[strcspn(from, "\n")] == '\n');
	shown = cut ? 1 : 0;
	for (const char *at = from; at < from + length; shown++)
		(void)utf8_next(&at);
	size_t padding = width > shown ? width - shown : 0;
	bool right = column->kind != COLUMN_TEXT && column->kind != COLUMN_TIME;
	if (shown == 0) {
		*pending += width + GAP;
		return;
	}
	blanks_put(out, *pending + (right ? padding : 0));
	fprintf(out, "%.*s%s", (int)length, from, cut ? ELLIPSIS : "");
	*pending = GAP + (right ? 0 : padding);
}

static void row_print(const struct table *t, const struct layout *l, const char **texts, FILE *out,
		      size_t indent)
{
	for (bool more = true; more;) {
		size_t pending = indent;
		more = false;
		for (size_t c = 0; c < t->column_count; c++) {
			if (l->left_out[c])
				continue;
			cell_put(out, &t->columns[c], &texts[c], l->width[c], &pending);
			more = more || *texts[c];
		}
		fputc('\n', out);
	}
}

/* Times of day that can be seen need their date. */
static bool times_are_short(const struct table *t, const struct layout *l)
{
	for (size_t c = 0; c < t->column_count; c++)
		if (l->short_times && t->columns[c].kind == COLUMN_TIME && !l->left_out[c])
			return true;
	return false;
}

static void notes_print(const struct table *t, const struct layout *l, FILE *out, size_t width, size_t indent)
{
	static const char begin[] = "Left out to fit: ";
	size_t used = 0;

	if (times_are_short(t, l)) {
		blanks_put(out, indent);
		fprintf(out, "Times are UTC on %s.\n", l->date);
	}
	for (size_t c = 0; c < t->column_count; c++)
		if (l->in_every_row[c]) {
			blanks_put(out, indent);
			fprintf(out, "In every row: %s %s.\n", t->columns[c].header, t->text + t->cells[c]);
		}
	for (size_t c = 0; c < t->column_count; c++) {
		size_t length = utf8_width(t->columns[c].header);
		if (!l->left_out[c] || l->in_every_row[c])
			continue;
		if (used == 0) {
			blanks_put(out, indent);
			used = indent + (size_t)fprintf(out, "%s", begin);
		} else if (used + length + 3 > width) { /* with ", " before and "." behind */
			fputs(",\n", out);
			blanks_put(out, indent + 2);
			used = indent + 2;
		} else {
			fputs(", ", out);
			used += 2;
		}
		fputs(t->columns[c].header, out);
		used += length;
	}
	if (used)
		fputs(".\n", out);
}

void table_print(const struct table *t, FILE *out, unsigned width, unsigned indent)
{
	const char *texts[TABLE_COLUMNS_MAX];
	char brief[TABLE_COLUMNS_MAX][TIME_TEXT];
	struct layout l;

	layout_make(t, &l, width > indent ? width - indent : 0);
	for (size_t c = 0; c < t->column_count; c++)
		texts[c] = t->columns[c].header;
	row_print(t, &l, texts, out, indent);
	for (size_t r = 0; r < table_rows(t); r++) {
		for (size_t c = 0; c < t->column_count; c++)
			texts[c] = cell(t, &l, r, c, brief[c]);
		row_print(t, &l, texts, out, indent);
	}
	notes_print(t, &l, out, width, indent);
}
