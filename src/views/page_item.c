/* One figure, table or text of the page. Everything from the database goes through html_put(). */
#include "views/escape.h"
#include "views/figures.h"
#include "views/page.h"
#include <stdlib.h>
#include <string.h>

#define NOTHING_DRAWN  "Nothing of the kind is in this trace."
#define NOTHING_LISTED "No rows."

/* Where an id is defined or used: id="x", href="#x", url(#x). */
static size_t id_length(const char *at)
{
	static const char *const marks[] = { " id=\"", " id='", "href=\"#", "href='#", "url(#" };

	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
		if (strncmp(at, marks[i], strlen(marks[i])) == 0)
			return strlen(marks[i]);
	return 0;
}

void page_svg(FILE *out, const char *svg, const char *name)
{
	const char *at = strstr(svg, "<svg");

	while (at && *at) {
		size_t plain = strcspn(at, " hu"), mark;
		fwrite(at, 1, plain, out);
		at += plain;
		mark = *at ? id_length(at) : 0;
		if (mark) {
			fprintf(out, "%.*s%s-", (int)mark, at, name);
			at += mark;
		} else if (*at) {
			fputc(*at++, out);
		}
	}
}

static void paragraph_put(FILE *out, const char *class, const char *before, const char *text)
{
	if (!text || !*text)
		return;
	fprintf(out, "<p class=\"%s\">%s", class, before);
	html_put(out, text);
	fputs("</p>\n", out);
}

/* Which findings of the trace's judgement touch the artefact; opening: what they do to it. */
static bool cautions_put(FILE *out, const struct view *v, const char *opening, const char *cautions,
			 struct error *err)
{
	sqlite3_stmt *stmt = query_open(
		v,
		"SELECT value, words, CASE name WHEN 'dropped' THEN (SELECT words FROM drops_in_words WHERE run "
		"= :run) END FROM counters WHERE run = :run AND area = 'trace' AND value > 0 AND "
		"instr(' ' || :names || ' ', ' ' || name || ' ') > 0 ORDER BY instr(' ' || :names || ' ', ' "
		"' || name || ' ')",
		err);
	enum query_result result = QUERY_FAILED;
	bool any = false;

	if (stmt)
		query_bind_text(stmt, ":names", cautions);
	while (stmt && (result = query_step(v, stmt, err)) == QUERY_ROW) {
		const char *words = query_text(stmt, 1);
		/* Words that begin with "... " go on about the finding before. */
		bool aside = any && strncmp(words, "... ", 4) == 0;
		if (any)
			fputs(aside ? " (" : "; ", out);
		else
			fprintf(out, "<p class=\"warn\"><strong>%s:</strong> ", opening);
		html_put(out, aside ? words + 4 : words);
		fputs(": ", out);
		page_number(out, query_text(stmt, 0));
		/* Of a live run: how much of this figure, and when. */
		if (*query_text(stmt, 2)) {
			fputs(" (", out);
			html_put(out, query_text(stmt, 2));
			fputs(")", out);
		}
		fputs(aside ? ")" : "", out);
		any = true;
	}
	if (any)
		fputs(".</p>\n", out);
	sqlite3_finalize(stmt);
	return result == QUERY_END;
}

/* The drawing inside the page, or a link to it where it would outweigh the page. */
static void figure_put(FILE *out, const struct page_item *item, const char *directory)
{
	const struct artefact *a = item->artefact;
	char name[ARTEFACT_NAME_MAX + 4];
	struct error unread;

	if (!(item->made & FIGURE_SVG)) {
		fprintf(out, "<p class=\"warn\">This figure could not be drawn; its data is in %s.tsv.</p>\n",
			a->name);
		return;
	}
	snprintf(name, sizeof name, "%s.svg", a->name);
	char *svg = file_read(directory, name, &unread);
	if (!svg) {
		fprintf(out,
			"<p class=\"warn\">This drawing is too large for the page: <a "
			"href=\"%s\">%s</a>.</p>\n",
			name, name);
		return;
	}
	fputs("<figure role=\"img\" aria-label=\"", out);
	html_put(out, a->title);
	fputs("\">\n", out);
	page_svg(out, svg, a->name);
	fputs("</figure>\n", out);
	free(svg);
}

static void link_put(FILE *out, const char *name, const char *extension)
{
	fprintf(out, " &middot; <a href=\"%s.%s\">%s</a>", name, extension, extension);
}

/* What belongs to it, below: warnings, its definition, the paper, its files. */
static bool notes_put(FILE *out, const struct view *v, const struct page_item *item, const char *manifest,
		      struct error *err)
{
	const struct artefact *a = item->artefact;

	if (a->cautions && !cautions_put(out, v, "Mind the trace", a->cautions, err))
		return false;
	if (a->hides && !cautions_put(out, v, "The trace may hide further ones", a->hides, err))
		return false;
	paragraph_put(out, "about", "", a->about);
	paragraph_put(out, "paper", "<strong>Paper:</strong> ", a->paper);
	fprintf(out, "<p class=\"source\"><a href=\"%s.tsv\">%s.tsv</a>", a->name, a->name);
	if (item->made & FIGURE_SVG)
		link_put(out, a->name, "svg");
	if (item->made & FIGURE_PNG)
		link_put(out, a->name, "png");
	if (item->made & FIGURE_PDF)
		link_put(out, a->name, "pdf");
	fputs("<span class=\"paper-only\"> &middot; ", out);
	html_put(out, manifest);
	fputs("</span></p>\n", out);
	return true;
}

static void heading_put(FILE *out, const struct artefact *a)
{
	fputs("<h3>", out);
	html_put(out, a->title);
	fprintf(out, " <span class=\"id\">%s</span></h3>\n", a->name);
}

bool page_item_put(FILE *out, const struct view *v, const struct page_item *item,
		   const struct page_place *place, struct error *err)
{
	static const char *const classes[] = {
		[ARTEFACT_TABLE] = "table",
		[ARTEFACT_FIGURE] = "drawn",
		[ARTEFACT_TEXT] = "text",
		[ARTEFACT_CHART] = "chart",
	};
	const struct artefact *a = item->artefact;

	fprintf(out, "<article id=\"%s\" class=\"%s%s\">\n", a->name, classes[a->kind],
		place->alone ? " alone" : "");
	if (a->kind == ARTEFACT_TEXT) {
		fprintf(out, "%s</article>\n", item->body);
		return true;
	}
	heading_put(out, a);
	paragraph_put(out, "says", "", item->says);
	if (a->kind == ARTEFACT_FIGURE || a->kind == ARTEFACT_CHART)
		figure_put(out, item, place->directory);
	else
		fputs(item->body, out);
	bool ok = notes_put(out, v, item, place->manifest, err);
	fputs("</article>\n", out);
	return ok;
}

bool page_nothing_put(FILE *out, const struct view *v, const struct page_item *item, struct error *err)
{
	const struct artefact *a = item->artefact;

	fprintf(out, "<li id=\"%s\"><b>", a->name);
	html_put(out, a->title);
	fprintf(out, "</b> <span class=\"id\">%s</span> ", a->name);
	html_put(out, a->empty ? a->empty : a->kind == ARTEFACT_FIGURE ? NOTHING_DRAWN : NOTHING_LISTED);
	fputc('\n', out);
	bool ok = !a->hides || cautions_put(out, v, "The trace may hide some", a->hides, err);
	fputs("</li>\n", out);
	return ok;
}
