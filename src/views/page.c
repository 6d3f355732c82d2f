/* The frame of the report's page; see page.h. Everything from the database goes through html_put(). */
#include "views/page.h"
#include "base/clock.h"
#include "views/escape.h"
#include <string.h>

#define INPUTS_NAMED 3
#define NOTHING      "Not in this trace"

/* "monday.pcap, tuesday.pcap and 5 more" */
static bool inputs_put(FILE *out, const struct view *v, struct error *err)
{
	sqlite3_stmt *stmt = query_open(v, "SELECT path FROM inputs WHERE run = :run ORDER BY n", err);
	enum query_result result = QUERY_FAILED;
	unsigned n = 0;

	while (stmt && (result = query_step(v, stmt, err)) == QUERY_ROW)
		if (++n <= INPUTS_NAMED) {
			const char *slash = strrchr(query_text(stmt, 0), '/');
			fputs(n > 1 ? ", " : "", out);
			html_put(out, slash && slash[1] ? slash + 1 : query_text(stmt, 0));
		}
	if (n > INPUTS_NAMED)
		fprintf(out, " and %u more", n - INPUTS_NAMED);
	if (n == 0)
		fputs("no input", out);
	sqlite3_finalize(stmt);
	return result == QUERY_END;
}

static void problems_put(FILE *out, const char *problems)
{
	fputs("<div class=\"warn\"><strong>Incomplete:</strong> part of the input is missing from these "
	      "results.<pre>",
	      out);
	html_put(out, problems);
	fputs("</pre></div>\n", out);
}

/* What the page is about, and what it could be about. */
static bool protocol_put(FILE *out, const struct view *v, struct error *err)
{
	sqlite3_stmt *stmt = query_open(v,
					"SELECT protocol, CASE WHEN sum(verdict = protocol) > 0 THEN "
					"printf('%d', sum(verdict = protocol)) ELSE printf('%d suspected', "
					"count(*)) END FROM clients WHERE run = :run AND protocol IS NOT "
					":protocol GROUP BY protocol ORDER BY sum(flows) DESC, protocol",
					err);
	enum query_result result = QUERY_FAILED;
	unsigned n = 0;

	if (v->protocol[0]) {
		fputs("<p class=\"lead\">Measured here: <strong>", out);
		html_put(out, v->protocol);
		fputs("</strong>. ", out);
	}
	while (stmt && (result = query_step(v, stmt, err)) == QUERY_ROW) {
		if (n++ == 0)
			fprintf(out, "%sClients of other protocols are in this trace too: ",
				v->protocol[0] ? "" : "<p class=\"lead\">");
		else
			fputs(", ", out);
		html_put(out, query_text(stmt, 0));
		fputs(" (", out);
		html_put(out, query_text(stmt, 1));
		fputc(')', out);
	}
	if (n)
		fputs("; <code>footsteps report --protocol NAME</code> makes the page about one of them.",
		      out);
	fputs(n || v->protocol[0] ? "</p>\n" : "", out);
	sqlite3_finalize(stmt);
	return result == QUERY_END;
}

static bool lead_put(FILE *out, const struct view *v, struct error *err)
{
	sqlite3_stmt *stmt = query_open(
		v,
		"SELECT first_ns, last_ns, packets, version, complete, problems FROM runs WHERE run = :run",
		err);
	enum query_result result = stmt ? query_step(v, stmt, err) : QUERY_FAILED;
	char first[UTC_TEXT], last[UTC_TEXT], lasted[DURATION_TEXT];

	if (result == QUERY_ROW) {
		fputs("<p class=\"lead\">", out);
		page_number(out, query_text(stmt, 2));
		fputs(" packets", out);
		if (sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
			int64_t from = query_ns(stmt, 0), to = query_ns(stmt, 1);
			utc_format(from, first);
			utc_format(to, last);
			duration_format(to - from, lasted);
			fprintf(out, " from <time>%.19sZ</time> to <time>%.19sZ</time> (%s)", first, last,
				lasted);
		}
		fprintf(out, ". Run %lld of ", (long long)v->run);
		html_put(out, v->path);
		fputs(", read by footsteps ", out);
		html_put(out, query_text(stmt, 3));
		fputs(". Times are UTC.</p>\n", out);
		if (!sqlite3_column_int(stmt, 4))
			problems_put(out, query_text(stmt, 5));
	}
	sqlite3_finalize(stmt);
	return result != QUERY_FAILED;
}

/* Links in the page and ids: lower-case letters and '-'. */
static void section_id_put(FILE *out, const char *section)
{
	fputs("section-", out);
	for (; *section; section++)
		fputc(*section == ' ' ? '-' : *section | 0x20, out);
}

static bool is_shown(const struct page_item *item)
{
	return item->rows > 0;
}

/* The items of the section that begins at `from`. */
static size_t section_length(const struct page_item *items, size_t count)
{
	size_t length = 0;

	while (length < count && items[length].artefact->section == items[0].artefact->section)
		length++;
	return length;
}

/* A section of nothing but empty items is none: they are named together at the end of the page. */
static bool is_barren(const struct page_item *items, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (is_shown(&items[i]) || items[i].artefact->kind == ARTEFACT_TEXT)
			return false;
	return length > 0;
}

static bool any_barren(const struct page_item *items, size_t count)
{
	for (size_t length; count; items += length, count -= length) {
		length = section_length(items, count);
		if (is_barren(items, length))
			return true;
	}
	return false;
}

static void contents_put(FILE *out, const struct page_item *items, size_t count)
{
	bool barren = any_barren(items, count);

	fputs("<nav aria-label=\"Contents\"><ul>\n", out);
	for (size_t length; count; items += length, count -= length) {
		const char *section = items[0].artefact->section;
		unsigned named = 0;
		length = section_length(items, count);
		if (is_barren(items, length))
			continue;
		fputs("<li><a href=\"#", out);
		section_id_put(out, section);
		fprintf(out, "\">%s</a>", section);
		for (size_t i = 0; i < length; i++)
			if (is_shown(&items[i]) && items[i].artefact->kind != ARTEFACT_TEXT) {
				fprintf(out, "%s<li><a href=\"#%s\">", named++ ? "" : "<ul>\n",
					items[i].artefact->name);
				html_put(out, items[i].artefact->title);
				fputs("</a></li>\n", out);
			}
		fputs(named ? "</ul></li>\n" : "</li>\n", out);
	}
	if (barren)
		fputs("<li><a href=\"#section-nothing\">" NOTHING "</a></li>\n", out);
	fputs("</ul></nav>\n", out);
}

/* Two figures stand side by side; one that has no neighbour has its words beside it. */
static bool shown_put(FILE *out, const struct view *v, const struct page_frame *frame,
		      const struct page_item *items, size_t count, struct error *err)
{
	struct page_place place = { .manifest = frame->manifest, .directory = frame->directory };
	bool left_taken = false, any = false, ok = true;

	for (size_t i = 0; ok && i < count; i++) {
		if (!is_shown(&items[i]))
			continue;
		fputs(any ? "" : "<div class=\"items\">\n", out);
		any = true;
		size_t next = i + 1;
		while (next < count && !is_shown(&items[next]))
			next++;
		bool figure = items[i].artefact->kind == ARTEFACT_FIGURE;
		bool figure_follows = next < count && items[next].artefact->kind == ARTEFACT_FIGURE;
		place.alone = figure && !left_taken && !figure_follows;
		left_taken = figure && !left_taken && figure_follows;
		ok = page_item_put(out, v, &items[i], &place, err);
	}
	fputs(any ? "</div>\n" : "", out);
	return ok;
}

static bool nothing_put(FILE *out, const struct view *v, const struct page_item *items, size_t count,
			struct error *err)
{
	bool any = false, ok = true;

	for (size_t i = 0; ok && i < count; i++)
		if (!is_shown(&items[i]) && items[i].artefact->kind != ARTEFACT_TEXT) {
			fputs(any ? "" : "<ul class=\"nothing\">\n", out);
			any = true;
			ok = page_nothing_put(out, v, &items[i], err);
		}
	fputs(any ? "</ul>\n" : "", out);
	return ok;
}

/* The items of the sections that have no other. */
static bool barren_put(FILE *out, const struct view *v, const struct page_item *items, size_t count,
		       struct error *err)
{
	bool ok = true;

	if (!any_barren(items, count))
		return true;
	fputs("<section id=\"section-nothing\">\n<h2>" NOTHING "</h2>\n", out);
	for (size_t length; ok && count; items += length, count -= length) {
		length = section_length(items, count);
		if (is_barren(items, length))
			ok = nothing_put(out, v, items, length, err);
	}
	fputs("</section>\n", out);
	return ok;
}

static bool section_put(FILE *out, const struct view *v, const struct page_frame *frame,
			const struct page_item *items, size_t count, struct error *err)
{
	fputs("<section id=\"", out);
	section_id_put(out, items[0].artefact->section);
	fprintf(out, "\">\n<h2>%s</h2>\n", items[0].artefact->section);
	bool ok = shown_put(out, v, frame, items, count, err) && nothing_put(out, v, items, count, err);
	fputs("</section>\n", out);
	return ok;
}

static bool header_put(FILE *out, const struct view *v, const struct page_frame *frame, struct error *err)
{
	fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n" PAGE_MARKER "\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
	      "'unsafe-inline'; script-src 'unsafe-inline'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Footsteps "
	      "in ",
	      out);
	if (!inputs_put(out, v, err))
		return false;
	fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<header>\n<h1>Footsteps in ",
		frame->style);
	if (!inputs_put(out, v, err))
		return false;
	fputs("</h1>\n", out);
	if (!lead_put(out, v, err) || !protocol_put(out, v, err))
		return false;
	if (frame->incomplete[0]) {
		fputs("<div class=\"warn\"><strong>Figures are missing:</strong> ", out);
		html_put(out, frame->incomplete);
		fputs("</div>\n", out);
	}
	fputs("</header>\n", out);
	return true;
}

bool page_write(FILE *out, const struct view *v, const struct page_frame *frame,
		const struct page_item *items, size_t count, struct error *err)
{
	bool ok = header_put(out, v, frame, err);

	fputs("<div class=\"layout\">\n", out);
	contents_put(out, items, count);
	fputs("<main>\n", out);
	for (size_t length, at = 0; ok && at < count; at += length) {
		length = section_length(items + at, count - at);
		if (!is_barren(items + at, length))
			ok = section_put(out, v, frame, items + at, length, err);
	}
	ok = ok && barren_put(out, v, items, count, err);
	fputs("</main>\n</div>\n<footer>", out);
	html_put(out, frame->manifest);
	fprintf(out,
		". Identifiers such as D1, R4 and B4 are those of footsteps' measurement definitions. The "
		"data of each table and figure lies beside this page as tab-separated values.</footer>\n"
		"<script>\n%s</script>\n</body>\n</html>\n",
		frame->script);
	return ok;
}
