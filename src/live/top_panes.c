/* The lists of `footsteps top`: clients, logins, calls. */
#include "live/top_parts.h"
#include <stdio.h>
#include <string.h>

#define COLUMNS_MAX    8U
#define ENDPOINT_LEAST 21U /* "255.255.255.255:65535" */

struct pane_column {
	const char *heading;
	unsigned width; /* 0: set by layout() */
	bool right;
};

/* A time of the state: the hour today, else the day. */
#define MOMENT(path)                                                                                         \
	"CASE WHEN substr(json_extract(value, '" path                                                        \
	"'), 1, 10) = substr(json_extract(?1, '$.now'), 1, 10) "                                             \
	"THEN substr(json_extract(value, '" path "'), 12, 8) "                                               \
	"ELSE substr(json_extract(value, '" path "'), 1, 10) END"

static const struct pane {
	const char *list, *title;
	const char *sql[TOP_SORTS]; /* all columns are text; NULL: as the first */
	struct pane_column column[COLUMNS_MAX];
	unsigned columns, endpoints; /* of these, that many share what is left, from `from` */
	unsigned from, rest;         /* rest: a column that is left out where it has no room; 0: none */
} panes[TOP_PANES] = {
	[TOP_CLIENTS] = {
		.list = "$.clients",
#define CLIENTS_SQL(order)                                                                                   \
	"SELECT json_extract(value, '$.socket'), json_extract(value, '$.verdict'), "                         \
	"iif(json_extract(value, '$.supernode'), 'S', ''), "                                                 \
	"printf('%.1f', json_extract(value, '$.bits')), " MOMENT(                                            \
		"$.last") ", "                                                                               \
			  "json_extract(value, '$.logins'), coalesce(json_extract(value, '$.name'), "        \
			  "'seen as ' || json_extract(value, '$.public'), '') "                              \
			  "FROM json_each(?1, '$.clients') ORDER BY " order " DESC, key"
		.sql = { CLIENTS_SQL("json_extract(value, '$.last')"), CLIENTS_SQL("json_extract(value, '$.bits')"),
			 CLIENTS_SQL("json_extract(value, '$.logins')") },
		.column = { { "client", 0, false }, { "runs", 12, false }, { "S", 1, false }, { "bits", 6, true },
			    { "last seen", 10, false }, { "logins", 6, true }, { "name", 0, false } },
		.columns = 7, .endpoints = 1, .from = 0, .rest = 6,
	},
	[TOP_LOGINS] = {
		.list = "$.logins",
		.sql = { "SELECT " MOMENT("$.time") ", json_extract(value, '$.client'), "
			 "coalesce(json_extract(value, '$.server_name'), json_extract(value, '$.server')), "
			 "json_extract(value, '$.role'), "
			 "coalesce(json_extract(value, '$.outcome'), json_extract(value, '$.version'), '') "
			 "FROM json_each(?1, '$.logins') ORDER BY key" },
		.column = { { "time", 10, false }, { "client", 0, false }, { "server", 0, false },
			    { "what", 14, false }, { "outcome", 9, false } },
		.columns = 5, .endpoints = 2, .from = 1,
	},
	[TOP_CALLS] = {
		.list = "$.calls",
		.sql = { "SELECT " MOMENT("$.began") ", json_extract(value, '$.initiator'), "
			 "json_extract(value, '$.responder'), json_extract(value, '$.packets') "
			 "FROM json_each(?1, '$.calls') ORDER BY key" },
		.column = { { "since", 10, false }, { "caller", 0, false }, { "called", 0, false },
			    { "packets", 9, true } },
		.columns = 4, .endpoints = 2, .from = 1,
	},
};

unsigned pane_rows(struct top_draw *d, enum top_pane which)
{
	char sql[80];
	bool ok;

	snprintf(sql, sizeof sql, "SELECT json_array_length(?1, '%s')", panes[which].list);
	sqlite3_stmt *stmt = top_query(d, sql);
	if (!stmt || !top_row(d, stmt, &ok))
		return 0;
	int rows = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return rows > 0 ? (unsigned)rows : 0;
}

/* Widths: what is fixed, then the endpoints, then what is left over for the rest. */
static void layout(const struct top_draw *d, const struct pane *p, struct pane_column column[COLUMNS_MAX],
		   unsigned longest)
{
	unsigned fixed = 0, room = d->frame->columns;

	memcpy(column, p->column, sizeof p->column);
	for (unsigned i = 0; i < p->columns; i++)
		fixed += column[i].width + 1; /* and a blank behind it */
	room = room > fixed ? room - fixed + 1 : 1;
	unsigned each = room / p->endpoints;
	if (p->rest && each > longest)
		each = longest;
	if (each < ENDPOINT_LEAST && !p->rest && p->columns == 5) { /* narrow: what it was can be guessed */
		each = (room + column[3].width + 1) / p->endpoints;
		column[3].width = 0;
	}
	for (unsigned i = p->from; i < p->from + p->endpoints; i++)
		column[i].width = each;
	if (p->rest)
		column[p->rest].width = room > each + 6 ? room - each : 0; /* less says nothing */
}

static void title(struct top_draw *d, enum top_pane which, unsigned rows, unsigned shown)
{
	static const char *const sorts[] = { "last seen", "bits", "logins" };
	const enum top_style style = d->choice->focus == which || d->choice->all ? TOP_BAR : TOP_STRONG;
	unsigned from = d->choice->scroll[which];
	char text[160], part[48] = "";
	bool ok;

	if (shown < rows)
		snprintf(part, sizeof part, ", %u-%u of %u", from + 1, from + shown, rows);
	if (which == TOP_CLIENTS) {
		sqlite3_stmt *stmt = top_query(d, "SELECT json_extract(?1, '$.totals.clients'), "
						  "json_extract(?1, '$.totals.suspected'), "
						  "json_extract(?1, '$.totals.supernodes')");
		if (!stmt || !top_row(d, stmt, &ok))
			return;
		snprintf(text, sizeof text, "CLIENTS %s, suspected %s, supernodes %s%s, by %s",
			 top_text(stmt, 0), top_text(stmt, 1), top_text(stmt, 2), part,
			 sorts[d->choice->sort]);
		sqlite3_finalize(stmt);
	} else if (which == TOP_LOGINS) {
		sqlite3_stmt *stmt = top_query(d, "SELECT json_extract(?1, '$.totals.logins')");
		if (!stmt || !top_row(d, stmt, &ok))
			return;
		snprintf(text, sizeof text, "LOGINS %s%s, newest first", top_text(stmt, 0), part);
		sqlite3_finalize(stmt);
	} else {
		snprintf(text, sizeof text, "CALLS IN PROGRESS %u%s", rows, part);
	}
	frame_cell(d, style, text, d->frame->columns, false);
}

static void row(struct top_draw *d, const struct pane_column *column, unsigned columns, sqlite3_stmt *stmt)
{
	for (unsigned i = 0; i < columns; i++) {
		const char *text = stmt ? top_text(stmt, (int)i) : column[i].heading;
		if (!column[i].width)
			continue;
		frame_cell(d, stmt ? TOP_PLAIN : TOP_DIM, text, column[i].width, column[i].right);
		frame_put(d, TOP_PLAIN, " ");
	}
}

static unsigned longest_endpoint(struct top_draw *d, const struct pane *p, bool *ok)
{
	sqlite3_stmt *stmt = top_query(d, p->sql[0]);
	unsigned longest = 0;

	*ok = stmt;
	while (stmt && top_row(d, stmt, ok)) {
		unsigned columns = text_columns(d, top_text(stmt, (int)p->from));
		longest = columns > longest ? columns : longest;
	}
	return longest < ENDPOINT_LEAST ? ENDPOINT_LEAST : longest;
}

bool pane_draw(struct top_draw *d, enum top_pane which, unsigned lines)
{
	const struct pane *p = &panes[which];
	struct pane_column column[COLUMNS_MAX];
	unsigned rows = pane_rows(d, which), room = lines > 2 ? lines - 2 : 0,
		 *scroll = &d->choice->scroll[which];
	bool ok;

	if (*scroll + room > rows)
		*scroll = rows > room ? rows - room : 0;
	unsigned shown = rows - *scroll < room ? rows - *scroll : room;
	if (lines-- == 0 || !frame_line(d))
		return true;
	title(d, which, rows, shown);
	layout(d, p, column, longest_endpoint(d, p, &ok));
	if (!ok)
		return false;
	if (lines && frame_line(d)) {
		row(d, column, p->columns, NULL);
		lines--;
	}
	const char *sql = which == TOP_CLIENTS ? p->sql[d->choice->sort] : p->sql[0];
	sqlite3_stmt *stmt = top_query(d, sql);
	ok = stmt;
	for (unsigned i = 0; stmt && top_row(d, stmt, &ok); i++)
		if (i >= *scroll && i < *scroll + shown && frame_line(d)) {
			row(d, column, p->columns, stmt);
			lines--;
		}
	while (ok && !d->choice->all && lines-- > 0)
		frame_line(d);
	return ok;
}
