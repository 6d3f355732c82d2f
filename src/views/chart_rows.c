/* Lanes and rows of a chart: which sockets share a lane, which messages an arrow. */
#include "views/chart.h"
#include "base/clock.h"
#include "base/row_index.h"
#include <stdlib.h>
#include <string.h>

/* Messages of a burst; the bursts of wire B1 last at most 0.4 s and are 5 s apart. */
#define BURST_NS NS_PER_S
/* A pause that ends an exchange: the shortest pause between bursts of the captures (wire B1). */
#define PAUSE_NS (5 * NS_PER_S)

const char *const party_part_names[PARTY_PART_COUNT] = {
#define X(name, one, many, head_one, head_many) #name,
	PARTY_PARTS(X)
#undef X
};
const char *const event_kind_names[EVENT_KIND_COUNT] = { "message", "open", "close", "media" };
const char *const transport_names[TRANSPORT_COUNT] = { "udp", "tcp", "other" };

/* --- lanes --- */

/* Sockets without a telling role: by who spoke first, and whether they answered. */
static void tell_parts(struct chart *c)
{
	for (uint32_t i = 0; i < c->events; i++)
		if (!c->event[i].sent && c->event[i].kind != EVENT_CLOSE)
			c->party[c->event[i].party].answered = true;
	for (uint32_t i = 0; i < c->events; i++) {
		const struct chart_event *e = &c->event[i];
		struct chart_party *p = &c->party[e->party];
		if (p->by_role && !(p->part == PARTY_node && p->is_first))
			continue;
		if (e->transport != TRANSPORT_OTHER || p->part == PARTY_node)
			p->part = p->is_first ? PARTY_calling : p->answered ? PARTY_answering : PARTY_silent;
	}
}

static void make_lanes(struct chart *c)
{
	uint32_t count[PARTY_PART_COUNT] = { [PARTY_client] = 1 }, first[PARTY_PART_COUNT] = { 0 };

	/* Only those that are in the scene, not merely in one of its flows. */
	for (uint32_t i = 0; i < c->events; i++)
		c->party[c->event[i].party].in_scene = true;
	for (uint32_t i = 0; i < c->parties; i++)
		if (c->party[i].in_scene && count[c->party[i].part]++ == 0)
			first[c->party[i].part] = i;
	c->lanes = 0;
	for (unsigned part = 0; part < PARTY_PART_COUNT; part++)
		if (count[part]) {
			c->lane_of[part] = c->lanes;
			c->lane[c->lanes++] =
				(struct chart_lane){ (enum party_part)part, count[part], first[part] };
		}
}

/* --- rows --- */

/* The newest row of a lane, direction, kind and transport, + 1; and of the lane. */
struct newest {
	uint32_t of[PARTY_PART_COUNT][2][EVENT_KIND_COUNT][TRANSPORT_COUNT];
	uint32_t last[PARTY_PART_COUNT];
	int64_t last_ns[PARTY_PART_COUNT];
};

static bool same_meaning(const struct chart_row *row, const struct chart_event *e)
{
	return (row->what == e->what || (row->what && e->what && strcmp(row->what, e->what) == 0)) &&
	       e->messages == 1 && row->each == e->bytes && !row->more;
}

/* Whether an event goes into the row; the row is of its lane, direction, kind and transport. */
static bool joins(const struct chart *c, const struct newest *n, uint32_t row1, const struct chart_event *e)
{
	const struct chart_row *row = &c->row[row1 - 1];
	bool is_last = n->last[row->lane] == row1;

	if (e->kind == EVENT_MEDIA)
		return c->level == LEVEL_SCENE;
	switch (c->level) {
	case LEVEL_SAME:
		return is_last && e->ns - row->until_ns <= BURST_NS && same_meaning(row, e);
	case LEVEL_DIRECTION:
		return is_last && e->ns - row->until_ns <= BURST_NS &&
		       (e->kind == EVENT_MESSAGE || same_meaning(row, e));
	default:
		return c->level != LEVEL_EACH;
	}
}

static void merge(struct chart *c, uint32_t row1, const struct chart_event *e)
{
	struct chart_row *row = &c->row[row1 - 1];
	struct chart_party *p = &c->party[e->party];

	if (p->stamp[row->sent][row->kind] != row1) {
		p->stamp[row->sent][row->kind] = row1;
		row->parties++;
	}
	if (e->until_ns > row->until_ns)
		row->until_ns = e->until_ns;
	if (row->what != e->what)
		row->what = NULL;
	if (e->messages != 1 || row->each != e->bytes)
		row->each = 0;
	row->more = row->more || e->messages == 0;
	row->messages += e->messages;
	row->bytes += e->bytes;
}

static bool begin(struct chart *c, uint32_t lane, const struct chart_event *e)
{
	void *rows = c->row;
	bool room = rows_reserve(&rows, c->rows, &c->row_room, sizeof *c->row);

	c->row = rows;
	if (!room)
		return false;
	c->row[c->rows++] = (struct chart_row){
		.ns = e->ns,
		.until_ns = e->until_ns,
		.flow = e->flow,
		.lane = lane,
		.parties = 1,
		.party = e->party,
		.kind = e->kind,
		.transport = e->transport,
		.sent = e->sent,
		.more = e->messages == 0,
		.messages = e->messages,
		.bytes = e->bytes,
		.each = e->messages == 1 ? e->bytes : 0,
		.what = e->what,
	};
	c->party[e->party].stamp[e->sent][e->kind] = c->rows;
	return true;
}

static bool make_rows(struct chart *c, enum chart_level level)
{
	struct newest n = { 0 };

	c->level = level;
	c->rows = 0;
	for (uint32_t i = 0; i < c->parties; i++)
		memset(c->party[i].stamp, 0, sizeof c->party[i].stamp);
	for (uint32_t i = 0; i < c->events; i++) {
		const struct chart_event *e = &c->event[i];
		uint32_t lane = c->lane_of[c->party[e->party].part];
		/* After a pause an exchange begins anew, whoever speaks first. */
		if (level == LEVEL_EXCHANGE && e->ns - n.last_ns[lane] > PAUSE_NS)
			memset(n.of[lane], 0, sizeof n.of[lane]);
		uint32_t *newest = &n.of[lane][e->sent][e->kind][e->transport];
		if (*newest && joins(c, &n, *newest, e)) {
			merge(c, *newest, e);
		} else {
			if (!begin(c, lane, e))
				return false;
			*newest = c->rows;
		}
		n.last[lane] = *newest;
		n.last_ns[lane] = e->ns;
	}
	return true;
}

bool chart_arrange(struct chart *c, uint32_t most_rows, struct error *err)
{
	enum chart_level level = most_rows ? LEVEL_SAME : LEVEL_EACH;

	tell_parts(c);
	make_lanes(c);
	do {
		if (!make_rows(c, level))
			return error_memory(err, "the chart");
		level++;
	} while (most_rows && c->rows > most_rows && level < LEVEL_COUNT);
	c->messages = 0;
	for (uint32_t i = 0; i < c->events; i++)
		if (c->event[i].kind == EVENT_MESSAGE || c->event[i].kind == EVENT_MEDIA)
			c->messages += c->event[i].messages;
	return true;
}
