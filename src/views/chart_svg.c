/*
 * A chart as SVG: legible in print and in black and white (arrows differ by dash and width, not by colour),
 * with the colours of a dark page where it is embedded in one or opened by itself.
 */
#include "views/chart.h"
#include "views/escape.h"
#include <string.h>

/* In pixels, for a text of 12. */
#define LEFT       92.0 /* times */
#define LANE_STEP  164.0
#define RIGHT      190.0 /* labels at the last lane reach beyond it */
#define ROW_HEIGHT 26.0
#define TOP        64.0 /* title */
#define BOX_HEIGHT 58.0
#define BOX_WIDTH  154.0
#define FOOT_LINE  17.0
#define CHARACTER  6.6 /* width of a letter of the sockets, about */

/*
 * Colours twice and no variables, which few programs besides browsers know. On paper they are the light ones.
 * All of it under a class of its own: a style inside a drawing that stands in a page holds for the whole
 * page.
 */
static const char style[] =
	".msc text{font:12px sans-serif;fill:#000}.msc .t{font-weight:bold;font-size:16px}"
	".msc .n{text-anchor:end}.msc .h{text-anchor:middle;font-weight:bold}"
	".msc .s{text-anchor:middle;font-size:11px}.msc .m{font-size:11px}"
	".msc .l{paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}"
	".msc .p{fill:#fff}.msc .b{fill:none;stroke:#000}.msc .v{stroke:#777;stroke-dasharray:2 3}"
	".msc .a,.msc .c,.msc .g{fill:none;stroke:#000;stroke-width:1.2}"
	".msc .g{stroke-width:2.8}.msc .c{stroke-dasharray:5 3}.msc .x{fill:#000}"
	"@media screen and (prefers-color-scheme:dark){"
	".msc text,.msc .x{fill:#e6e6e6}.msc .p{fill:#15181c}.msc .l{stroke:#15181c}"
	".msc .a,.msc .b,.msc .c,.msc .g{stroke:#e6e6e6}.msc .v{stroke:#999}}";

static double lane_x(uint32_t lane)
{
	return LEFT + BOX_WIDTH / 2 + 10 + LANE_STEP * lane;
}

/* Text content; html_put() writes the five entities, which XML has, too. */
static void put_text(FILE *out, const char *class, double x, double y, const char *text)
{
	fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
	html_put(out, text);
	fputs("</text>\n", out);
}

static void put_boxes(const struct chart *c, FILE *out, double bottom)
{
	char text[CHART_LINE];

	for (uint32_t i = 0; i < c->lanes; i++) {
		double x = lane_x(i);
		fprintf(out, "<path class=\"v\" d=\"M%.1f %.1fV%.1f\"/>\n", x, TOP + BOX_HEIGHT, bottom);
		fprintf(out,
			"<rect class=\"b\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"4\"/>\n",
			x - BOX_WIDTH / 2, TOP, BOX_WIDTH, BOX_HEIGHT - 8);
		lane_name(&c->lane[i], text);
		put_text(out, "h", x, TOP + 20, text);
		/* Of several: the list below the chart. A longer one (IPv6) as well. */
		lane_sockets(c, i, 1, text);
		char *name = strstr(text, " (");
		if (name)
			*name = '\0';
		if (c->lane[i].parties == 1 && (double)strlen(text) * CHARACTER < BOX_WIDTH)
			put_text(out, "s", x, TOP + 38, text);
	}
}

static void put_arrow(const struct chart_row *row, FILE *out, double y)
{
	double left = lane_x(0), right = lane_x(row->lane), tip = row->sent ? right : left;
	double back = row->sent ? tip - 9 : tip + 9;
	bool connection = row->kind == EVENT_OPEN || row->kind == EVENT_CLOSE;
	const char *class = connection ? "c" : row->messages == 1 && !row->more ? "a" : "g";

	fprintf(out, "<path class=\"%s\" d=\"M%.1f %.1fH%.1f\"/>", class,
		row->kind == EVENT_CLOSE || row->sent ? left : back, y,
		row->kind == EVENT_CLOSE || !row->sent ? right : back);
	if (row->kind != EVENT_CLOSE)
		fprintf(out, "<path class=\"x\" d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1fz\"/>", tip, y, back, y - 4,
			back, y + 4);
	fputc('\n', out);
}

static void put_rows(const struct chart *c, FILE *out)
{
	char label[CHART_LINE], time[32];
	double y = TOP + BOX_HEIGHT + ROW_HEIGHT;

	for (uint32_t i = 0; i < c->rows; i++, y += ROW_HEIGHT) {
		const struct chart_row *row = &c->row[i];
		snprintf(time, sizeof time, "%.3f s", row_seconds(c, row));
		put_text(out, "n", LEFT - 14, y + 4, time);
		put_arrow(row, out, y);
		row_label(row, "\xc3\x97", label);
		put_text(out, "l", lane_x(0) + 14, y - 5, label);
	}
	if (c->rows == 0)
		put_text(out, "l", LEFT, y, "No message of the scene is stored.");
}

static void put_foot(const struct chart *c, FILE *out, double y)
{
	char name[CHART_LINE], sockets[CHART_LINE], line[2 * CHART_LINE + 4];

	for (uint32_t i = 0; i < c->lanes; i++, y += FOOT_LINE) {
		lane_name(&c->lane[i], name);
		lane_sockets(c, i, 4, sockets);
		snprintf(line, sizeof line, "%s: %s", name, sockets);
		put_text(out, "m", 14, y, line);
	}
	chart_remarks(c, line);
	put_text(out, "m", 14, y + 4,
		 "Thin arrow: one message. Thick: several; \"4 \xc3\x97 18 B\" of one size, \"1159 B (4)\" "
		 "of 1159 bytes in all. Dashed: a connection opens or closes.");
	put_text(out, "m", 14, y + 4 + FOOT_LINE, line);
}

void chart_put_svg(const struct chart *c, FILE *out)
{
	char title[CHART_LINE], subtitle[CHART_LINE];
	double bottom = TOP + BOX_HEIGHT + ROW_HEIGHT * (c->rows + 1.0);
	double height = bottom + 30 + FOOT_LINE * (c->lanes + 2), width = lane_x(c->lanes - 1) + RIGHT;

	/* The sentence in the foot. */
	if (width < 840)
		width = 840;
	chart_title(c, title);
	chart_subtitle(c, subtitle);
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
		"class=\"msc\" "
		"width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" role=\"img\">\n<title>",
		width, height, width, height);
	html_put(out, title);
	fprintf(out, "</title>\n<style>%s</style>\n<rect class=\"p\" width=\"100%%\" height=\"100%%\"/>\n",
		style);
	put_text(out, "t", 14, 26, title);
	put_text(out, "m", 14, 46, subtitle);
	put_boxes(c, out, bottom);
	put_rows(c, out);
	put_foot(c, out, bottom + 24);
	fputs("</svg>\n", out);
}
