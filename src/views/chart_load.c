/* The events of a scene, from the database. */
#include "views/chart.h"
#include "base/row_index.h"
#include <stdlib.h>
#include <string.h>

/* Messages are timed to 10 us, rounded down (table messages): the first of a scene may seem older than it. */
#define TICK_NS  10000
#define TCP_SYN_ 0x02 /* RFC 9293 section 3.1 */

/* What is needed of a row of table flows. Index 0: out, sent by the initiator. */
struct scene_flow {
	int64_t flow, first_ns, last_ns;
	int64_t payload[2], messages[2], packets_in, reply_ns, tcp_flags;
	bool has_reply, has_flags, home_began;
	enum transport transport;
	uint32_t party;
	char ended[16];
};

static uint64_t text_hash(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return h;
}

uint32_t chart_party_of(struct chart *c, const char *socket)
{
	uint64_t key = text_hash(socket);
	uint32_t at = 0, row;

	while ((row = row_index_probe(&c->by_socket, key, &at)) != ROW_NONE)
		if (strcmp(c->party[row].socket, socket) == 0)
			return row;
	void *rows = c->party;
	bool room = rows_reserve(&rows, c->parties, &c->party_room, sizeof *c->party);
	c->party = rows;
	if (!room || !row_index_add(&c->by_socket, key, c->parties))
		return UINT32_MAX;
	struct chart_party *p = &c->party[c->parties];
	*p = (struct chart_party){ .part = PARTY_other };
	snprintf(p->socket, sizeof p->socket, "%s", socket);
	return c->parties++;
}

bool chart_event_add(struct chart *c, const struct chart_event *event, struct error *err)
{
	if (c->events >= CHART_EVENTS_MAX) {
		c->left_out++;
		return true;
	}
	void *rows = c->event;
	bool room = rows_reserve(&rows, c->events, &c->event_room, sizeof *c->event);
	c->event = rows;
	if (!room)
		return error_memory(err, "the messages of the chart");
	c->event[c->events] = *event;
	c->event[c->events].order = c->events;
	c->events++;
	return true;
}

static bool is_inside(const struct chart *c, int64_t ns)
{
	return ns > c->scene.first_ns - TICK_NS && ns <= c->scene.last_ns;
}

/* Sent by the client, of a direction of the flow: 0 out, 1 in. */
static struct chart_event event_of(const struct scene_flow *f, int direction, int64_t ns)
{
	return (struct chart_event){ .ns = ns,
				     .until_ns = ns,
				     .flow = f->flow,
				     .party = f->party,
				     .kind = EVENT_MESSAGE,
				     .transport = (uint8_t)f->transport,
				     .sent = (direction == 0) == f->home_began,
				     .messages = 1 };
}

static int direction_of(sqlite3_stmt *stmt, int column)
{
	return strcmp(query_text(stmt, column), "out") != 0;
}

/* The rest of a direction, whose messages are not known one by one: from first to last. known: those that
 * are. */
static bool add_rest(struct chart *c, const struct scene_flow *f, int direction, int64_t first, int64_t last,
		     int64_t known, uint64_t known_bytes, struct error *err)
{
	struct chart_event e = event_of(f, direction, first);
	/* What the flow did beyond the scene is in its sums, too. */
	bool whole = f->last_ns <= c->scene.last_ns + TICK_NS && f->first_ns > c->scene.first_ns - TICK_NS;

	if (f->messages[direction] <= known)
		return true;
	e.until_ns = last < c->scene.last_ns ? last : c->scene.last_ns;
	e.messages = whole ? (uint64_t)(f->messages[direction] - known) : 0;
	e.bytes = whole && f->payload[direction] > 0 && (uint64_t)f->payload[direction] > known_bytes
			  ? (uint64_t)f->payload[direction] - known_bytes
			  : 0;
	return chart_event_add(c, &e, err);
}

/* Table messages; the exact ones one by one, the others of either direction together. */
static bool load_messages(struct chart *c, const struct view *v, sqlite3_stmt *stmt,
			  const struct scene_flow *f, bool *any, struct error *err)
{
	struct rest {
		int64_t first, last, known;
		uint64_t known_bytes;
		bool seen;
	} rest[2] = { { 0 } };
	enum query_result result;
	bool ok = true;

	*any = false;
	while (ok && (result = query_step(v, stmt, err)) == QUERY_ROW) {
		int64_t ns = query_ns(stmt, 0), bytes = sqlite3_column_int64(stmt, 2);
		int direction = direction_of(stmt, 1);
		struct rest *r = &rest[direction];
		struct chart_event e = event_of(f, direction, ns);
		*any = true;
		e.bytes = bytes > 0 ? (uint64_t)bytes : 0;
		r->known += bytes > 0;
		r->known_bytes += e.bytes;
		if (bytes == 0 && is_inside(c, ns)) {
			r->first = r->seen ? r->first : ns;
			r->last = ns;
			r->seen = true;
		} else if (bytes > 0 && is_inside(c, ns)) {
			ok = chart_event_add(c, &e, err);
		}
	}
	for (int d = 0; ok && d < 2; d++)
		if (rest[d].seen)
			ok = add_rest(c, f, d, rest[d].first, rest[d].last, rest[d].known,
				      rest[d].known_bytes, err);
	return ok && result != QUERY_FAILED;
}

/* Messages that were put together from the stream, with their meaning. */
static bool load_exchange(struct chart *c, const struct view *v, sqlite3_stmt *stmt,
			  const struct scene_flow *f, bool *any, struct error *err)
{
	enum query_result result;

	*any = false;
	while ((result = query_step(v, stmt, err)) == QUERY_ROW) {
		struct chart_event e = event_of(f, direction_of(stmt, 1), query_ns(stmt, 0));
		e.bytes = (uint64_t)sqlite3_column_int64(stmt, 2);
		e.what = intern(c->words, query_text(stmt, 3));
		if (!e.what)
			return error_memory(err, "the chart");
		*any = true;
		if (is_inside(c, e.ns) && !chart_event_add(c, &e, err))
			return false;
	}
	return result == QUERY_END;
}

/* Voice and video: a stream is one event. */
static bool load_media(struct chart *c, const struct view *v, sqlite3_stmt *stmt, const struct scene_flow *f,
		       bool *any, struct error *err)
{
	enum query_result result;

	*any = false;
	while ((result = query_step(v, stmt, err)) == QUERY_ROW) {
		int64_t first = query_ns(stmt, 0);
		struct chart_event e = event_of(f, direction_of(stmt, 2),
						first > c->scene.first_ns ? first : c->scene.first_ns);
		e.kind = EVENT_MEDIA;
		e.until_ns = query_ns(stmt, 1);
		e.messages = (uint64_t)sqlite3_column_int64(stmt, 3);
		e.bytes = (uint64_t)sqlite3_column_int64(stmt, 4);
		e.what = intern(c->words, query_text(stmt, 5));
		if (!e.what)
			return error_memory(err, "the chart");
		*any = true;
		if (!chart_event_add(c, &e, err))
			return false;
	}
	return result == QUERY_END;
}

enum { STATEMENT_MEDIA, STATEMENT_EXCHANGE, STATEMENT_MESSAGES, STATEMENT_COUNT };
static const struct {
	const char *sql;
	bool (*load)(struct chart *c, const struct view *v, sqlite3_stmt *stmt, const struct scene_flow *f,
		     bool *any, struct error *err);
} sources[STATEMENT_COUNT] = {
	/* The first that knows a flow tells it. */
	{ "SELECT first_ns, last_ns, direction, packets, payload, coalesce(codec, '~' || estimate, media, "
	  "'media') FROM streams WHERE run = :run AND flow = :flow AND :kind = 'call' AND call = :number "
	  "ORDER BY n",
	  load_media },
	{ "SELECT ts_ns, direction, bytes, what FROM exchange_messages WHERE run = :run AND flow = :flow "
	  "ORDER BY n",
	  load_exchange },
	{ "SELECT ts_ns, direction, bytes FROM messages WHERE run = :run AND flow = :flow ORDER BY n",
	  load_messages },
};

static bool load_flow(struct chart *c, const struct view *v, sqlite3_stmt *stmt[STATEMENT_COUNT],
		      const struct scene_flow *f, struct error *err)
{
	bool any = false, tcp = f->transport == TRANSPORT_TCP;

	if (tcp && is_inside(c, f->first_ns)) {
		struct chart_event open = event_of(f, 0, f->first_ns);
		open.kind = EVENT_OPEN;
		open.what = intern(c->words, f->has_flags && !(f->tcp_flags & TCP_SYN_) ? "open before"
					     : f->packets_in == 0                       ? "SYN, no answer"
											: "SYN");
		if (!open.what || !chart_event_add(c, &open, err))
			return error_memory(err, "the chart");
	}
	for (int i = 0; i < STATEMENT_COUNT && !any; i++) {
		sqlite3_reset(stmt[i]);
		query_bind_int(stmt[i], ":flow", f->flow);
		if (!sources[i].load(c, v, stmt[i], f, &any, err))
			return false;
	}
	/* Nothing was kept of it: its sums are known. */
	if (!any) {
		int64_t after = f->has_reply && f->reply_ns > 0 ? f->reply_ns : 0;
		int64_t reply = after <= f->last_ns - f->first_ns ? f->first_ns + after : f->last_ns;
		int64_t end[2] = { f->messages[0] > 1 ? f->last_ns : f->first_ns,
				   f->messages[1] > 1 ? f->last_ns : reply };
		if ((is_inside(c, f->first_ns) && !add_rest(c, f, 0, f->first_ns, end[0], 0, 0, err)) ||
		    (is_inside(c, reply) && !add_rest(c, f, 1, reply, end[1], 0, 0, err)))
			return false;
	}
	bool closed = strcmp(f->ended, "fin") == 0 || strcmp(f->ended, "rst") == 0;
	if (!tcp || !closed || !is_inside(c, f->last_ns))
		return true;
	struct chart_event shut = event_of(f, 0, f->last_ns);
	shut.kind = EVENT_CLOSE;
	shut.what = intern(c->words, strcmp(f->ended, "fin") == 0 ? "FIN" : "RST");
	return shut.what ? chart_event_add(c, &shut, err) : error_memory(err, "the chart");
}

/* The part that a flow's role gives its remote end; PARTY_other: none. */
static enum party_part part_of_role(const char *role)
{
	static const struct {
		const char *role;
		enum party_part part;
	} parts[] = { { "supernode", PARTY_supernode }, { "login", PARTY_login },
		      { "contact_list", PARTY_list },   { "version_check", PARTY_version },
		      { "media", PARTY_far },           { "node", PARTY_node } };

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (strcmp(role, parts[i].role) == 0)
			return parts[i].part;
	return PARTY_other;
}

/* Of several roles of a socket the one that says most: a supernode's UDP is a supernode's. */
static void note_part(struct chart *c, const struct scene_flow *f, const char *role, const char *ip,
		      int64_t port)
{
	struct chart_party *p = &c->party[f->party];
	enum party_part part = part_of_role(role);

	if (c->scene.far_ip[0] && strcmp(ip, c->scene.far_ip) == 0 && port == c->scene.far_port)
		part = c->scene.relayed ? PARTY_relay : PARTY_far;
	if (part == PARTY_other || (p->by_role && (part == PARTY_node || p->part != PARTY_node)))
		return;
	p->part = part;
	p->by_role = true;
}

static uint32_t party_of_flow(struct chart *c, struct scene_flow *f, sqlite3_stmt *stmt)
{
	const char *ip[2] = { query_text(stmt, 2), query_text(stmt, 4) };
	int home = strcmp(ip[0], c->scene.home_ip) == 0 ? 0 : strcmp(ip[1], c->scene.home_ip) == 0 ? 1 : -1;
	char socket[CHART_SOCKET_TEXT];

	if (home < 0)
		return UINT32_MAX;
	int far = 1 - home;
	int64_t port = sqlite3_column_int64(stmt, 3 + 2 * far);
	f->home_began = home == 0;
	socket_format(ip[far], port, socket, sizeof socket);
	uint32_t known = c->parties;
	f->party = chart_party_of(c, socket);
	if (f->party == UINT32_MAX)
		return f->party;
	if (f->party == known)
		c->party[known].is_first = !f->home_began;
	note_part(c, f, query_text(stmt, 16), ip[far], port);
	return f->party;
}

/* One row of the statement below. *foreign: the client has no part in it. */
static bool flow_from(struct chart *c, sqlite3_stmt *stmt, struct scene_flow *f, bool *foreign,
		      struct error *err)
{
	const char *proto = query_text(stmt, 1);

	*f = (struct scene_flow){
		.flow = sqlite3_column_int64(stmt, 0),
		.first_ns = query_ns(stmt, 6),
		.last_ns = query_ns(stmt, 7),
		.payload = { sqlite3_column_int64(stmt, 8), sqlite3_column_int64(stmt, 9) },
		.messages = { sqlite3_column_int64(stmt, 10), sqlite3_column_int64(stmt, 11) },
		.packets_in = sqlite3_column_int64(stmt, 12),
		.has_reply = sqlite3_column_type(stmt, 13) != SQLITE_NULL,
		.reply_ns = query_ns(stmt, 13),
		.has_flags = sqlite3_column_type(stmt, 15) != SQLITE_NULL,
		.tcp_flags = sqlite3_column_int64(stmt, 15),
		.transport = strcmp(proto, "udp") == 0   ? TRANSPORT_UDP
			     : strcmp(proto, "tcp") == 0 ? TRANSPORT_TCP
							 : TRANSPORT_OTHER,
	};
	snprintf(f->ended, sizeof f->ended, "%s", query_text(stmt, 14));
	uint32_t party = party_of_flow(c, f, stmt);
	*foreign = party == UINT32_MAX;
	if (!*foreign && !c->party[party].name && sqlite3_column_type(stmt, 17) != SQLITE_NULL) {
		c->party[party].name = intern(c->words, query_text(stmt, 17));
		if (!c->party[party].name)
			return error_memory(err, "the chart");
	}
	return true;
}

/*
 * Flows have no index: a scan over them with a look into scene_flows for each is the fast way, which CROSS
 * JOIN asks for. In order of time, so that the first flow of a socket says who spoke first.
 */
static const char flows_sql[] =
	"SELECT f.flow, f.proto, f.client_ip, f.client_port, f.server_ip, f.server_port, f.first_ns, "
	"f.last_ns, f.payload_out, f.payload_in, f.messages_out, f.messages_in, f.packets_in, f.reply_ns, "
	"f.ended, f.tcp_flags, coalesce(f.role, ''), (SELECT min(n.name) FROM names n WHERE n.run = f.run "
	"AND n.ip =  CASE f.client_ip WHEN :home THEN f.server_ip ELSE f.client_ip END) FROM flows f CROSS "
	"JOIN scene_flows s ON s.run = f.run AND s.kind = :kind AND s.number = :number AND s.flow = f.flow "
	"WHERE f.run = :run ORDER BY f.first_ns, f.flow";

static int by_time(const void *x, const void *y)
{
	const struct chart_event *a = x, *b = y;
	/* To the tick of table messages: else an opening, which is exact, would come behind its first
	 * message. */
	int64_t at = a->ns / TICK_NS, bt = b->ns / TICK_NS;

	if (at != bt)
		return at < bt ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

static bool load_flows(struct chart *c, const struct view *v, sqlite3_stmt *flows,
		       sqlite3_stmt *stmt[STATEMENT_COUNT], struct error *err)
{
	enum query_result result;

	while ((result = query_step(v, flows, err)) == QUERY_ROW) {
		struct scene_flow f;
		bool foreign;
		if (!flow_from(c, flows, &f, &foreign, err) || (!foreign && !load_flow(c, v, stmt, &f, err)))
			return false;
		c->foreign += foreign;
	}
	return result == QUERY_END;
}

bool chart_load(struct chart *c, const struct view *v, struct error *err)
{
	sqlite3_stmt *stmt[STATEMENT_COUNT] = { NULL }, *flows = query_open(v, flows_sql, err);
	bool ok = flows;

	c->words = intern_new();
	if (!c->words)
		ok = error_memory(err, "the chart");
	for (int i = 0; ok && i < STATEMENT_COUNT; i++) {
		stmt[i] = query_open(v, sources[i].sql, err);
		ok = stmt[i];
		if (ok) {
			query_bind_text(stmt[i], ":kind", chart_kind_names[c->scene.kind]);
			query_bind_int(stmt[i], ":number", c->scene.number);
		}
	}
	if (ok) {
		query_bind_text(flows, ":home", c->scene.home_ip);
		query_bind_text(flows, ":kind", chart_kind_names[c->scene.kind]);
		query_bind_int(flows, ":number", c->scene.number);
		ok = load_flows(c, v, flows, stmt, err);
	}
	sqlite3_finalize(flows);
	for (int i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(stmt[i]);
	if (ok && c->events)
		qsort(c->event, c->events, sizeof *c->event, by_time);
	return ok;
}

void chart_free(struct chart *c)
{
	row_index_drop(&c->by_socket);
	intern_free(c->words);
	free(c->party);
	free(c->event);
	free(c->row);
}
