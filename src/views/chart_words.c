/* What a chart says: titles, names of lanes, labels of arrows. Nothing from the trace passes unescaped. */
#include "views/chart.h"
#include "base/clock.h"
#include "views/escape.h"
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

static const struct {
	const char *one, *many, *head_one, *head_many;
} part_words[PARTY_PART_COUNT] = {
#define X(name, one, many, head_one, head_many) { one, many, head_one, head_many },
	PARTY_PARTS(X)
#undef X
};

/* The client's socket; the database's text is not trusted. */
static void home_socket(const struct chart_scene *s, char text[2 * CHART_SOCKET_TEXT])
{
	char ip[CHART_SOCKET_TEXT];

	(void)plain_text(s->home_ip, ip, sizeof ip);
	socket_format(ip, s->home_port, text, 2 * CHART_SOCKET_TEXT);
}

void chart_title(const struct chart *c, char title[CHART_LINE])
{
	const struct chart_scene *s = &c->scene;
	const char *kind = chart_kind_names[s->kind];
	char home[2 * CHART_SOCKET_TEXT];

	home_socket(s, home);
	snprintf(title, CHART_LINE, "%c%s %" PRId64 " of %s%s%s", kind[0] - 'a' + 'A', kind + 1, s->number,
		 home, s->detail[0] ? ": " : "", s->detail);
}

void chart_subtitle(const struct chart *c, char line[CHART_LINE])
{
	char begin[UTC_TEXT], lasts[DURATION_TEXT];

	utc_format(c->scene.first_ns, begin);
	duration_format(c->scene.last_ns - c->scene.first_ns, lasts);
	snprintf(line, CHART_LINE, "from %s, %s, %" PRIu64 " messages", begin, lasts, c->messages);
}

void lane_name(const struct chart_lane *lane, char text[CHART_LINE])
{
	if (lane->parties == 1)
		snprintf(text, CHART_LINE, "%s", part_words[lane->part].one);
	else
		snprintf(text, CHART_LINE, "%" PRIu32 " %s", lane->parties, part_words[lane->part].many);
}

void lane_heading(const struct chart_lane *lane, char text[CHART_LINE])
{
	if (lane->parties == 1)
		snprintf(text, CHART_LINE, "%s", part_words[lane->part].head_one);
	else
		snprintf(text, CHART_LINE, "%" PRIu32 " %s", lane->parties, part_words[lane->part].head_many);
}

void lane_sockets(const struct chart *c, uint32_t lane, uint32_t most, char text[CHART_LINE])
{
	enum party_part part = c->lane[lane].part;
	uint32_t shown = 0;
	size_t used = 0;

	text[0] = '\0';
	if (part == PARTY_client) {
		home_socket(&c->scene, text);
		return;
	}
	for (uint32_t i = c->lane[lane].party; i < c->parties && shown < most; i++) {
		const struct chart_party *p = &c->party[i];
		char socket[CHART_SOCKET_TEXT], name[100] = "";
		if (p->part != part || !p->in_scene)
			continue;
		(void)plain_text(p->socket, socket, sizeof socket);
		if (p->name && c->lane[lane].parties == 1)
			(void)plain_text(p->name, name, sizeof name);
		int n = snprintf(text + used, CHART_LINE - used, "%s%s%s%s%s", shown ? ", " : "", socket,
				 name[0] ? " (" : "", name, name[0] ? ")" : "");
		if (n < 0 || (size_t)n >= CHART_LINE - used - 20)
			break;
		used += (size_t)n;
		shown++;
	}
	text[used] = '\0';
	if (shown < c->lane[lane].parties)
		snprintf(text + used, CHART_LINE - used, " and %" PRIu32 " more",
			 c->lane[lane].parties - shown);
}

double row_seconds(const struct chart *c, const struct chart_row *row)
{
	return row->ns > c->scene.first_ns ? (double)(row->ns - c->scene.first_ns) / 1e9 : 0;
}

static void append(char text[CHART_LINE], const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(char text[CHART_LINE], const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + used, CHART_LINE - used, format, arguments);
	va_end(arguments);
}

static void put_amount(const struct chart_row *row, const char *times, char text[CHART_LINE])
{
	if (row->messages == 0)
		append(text, " messages");
	else if (row->messages == 1 && !row->more)
		append(text, " %" PRIu64 " B", row->bytes);
	else if (row->each && !row->more)
		append(text, " %" PRIu64 " %s %" PRIu64 " B", row->messages, times, row->each);
	else
		append(text, " %" PRIu64 " B (%" PRIu64 "%s)", row->bytes, row->messages,
		       row->more ? "+" : "");
}

void row_label(const struct chart_row *row, const char *times, char text[CHART_LINE])
{
	static const char *const names[TRANSPORT_COUNT] = { "UDP", "TCP", "IP" };
	char what[100] = "", span[DURATION_TEXT];
	bool connection = row->kind == EVENT_OPEN || row->kind == EVENT_CLOSE;

	if (row->what)
		(void)plain_text(row->what, what, sizeof what);
	snprintf(text, CHART_LINE, "%s", names[row->transport]);
	if (!connection)
		put_amount(row, times, text);
	else if (row->messages > 1)
		append(text, " %" PRIu64 " %s", row->messages, times);
	if (what[0])
		append(text, " %s", what);
	else if (connection)
		append(text, "%s", row->kind == EVENT_OPEN ? " SYN" : " closed");
	if (row->kind != EVENT_CLOSE && row->until_ns - row->ns >= NS_PER_S) {
		duration_format(row->until_ns - row->ns, span);
		append(text, ", %s", span);
	}
}

static void remark(char text[2 * CHART_LINE], const char *format, ...) __attribute__((format(printf, 2, 3)));
static void remark(char text[2 * CHART_LINE], const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	if (used > 0 && used + 2 < 2 * CHART_LINE)
		text[used++] = ' ';
	va_start(arguments, format);
	vsnprintf(text + used, 2 * CHART_LINE - used, format, arguments);
	va_end(arguments);
}

void chart_remarks(const struct chart *c, char text[2 * CHART_LINE])
{
	static const char *const words[LEVEL_COUNT] = {
		[LEVEL_SAME] = "Messages of one size within 1 s of each other are one arrow.",
		[LEVEL_DIRECTION] = "Messages of one direction within 1 s of each other are one arrow.",
		[LEVEL_EXCHANGE] = "Messages without a pause of 5 s are one arrow in either direction.",
		[LEVEL_SCENE] = "All messages of a direction are one arrow.",
	};

	text[0] = '\0';
	for (uint32_t i = 0; i < c->rows && !text[0] && words[c->level]; i++)
		if (c->row[i].messages > 1 && c->row[i].kind == EVENT_MESSAGE)
			remark(text, "%s", words[c->level]);
	if (c->left_out)
		remark(text, "%" PRIu64 " message%s left out: the chart holds %u.", c->left_out,
		       c->left_out == 1 ? " is" : "s are", CHART_EVENTS_MAX);
	if (c->foreign)
		remark(text, "%" PRIu64 " flow%s without the client %s left out.", c->foreign,
		       c->foreign == 1 ? "" : "s", c->foreign == 1 ? "is" : "are");
}
