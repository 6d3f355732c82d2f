/* Sockets that were kept, are new or are gone; flows that are in both runs, and the labels that changed. */
#include "views/compare_parts.h"
#include <stdlib.h>
#include <string.h>

/* --- sockets --- */

#define ORDERED " ORDER BY 1, 2"
static const struct set {
	const char *what, *sql; /* address and port, in this order, each once */
} sets[] = {
	{ "clients", "SELECT ip, port FROM clients WHERE run = :run AND protocol = :protocol AND verdict ="
		     " protocol" ORDERED },
	{ "peers", "SELECT ip, port FROM peers WHERE run = :run AND protocol = :protocol" ORDERED },
	/* Those that clients connected to, and clients that are one. */
	{ "supernodes",
	  "SELECT server_ip, server_port FROM flows WHERE run = :run AND protocol = :protocol AND role ="
	  " 'supernode' AND proto = 'tcp' UNION SELECT ip, port FROM clients WHERE run = :run AND protocol ="
	  " :protocol AND verdict = protocol AND role = 'supernode'" ORDERED },
};
#undef ORDERED

/* Sockets of one address that only one side has: ports in order. */
struct ports {
	int64_t *port;
	size_t count, room;
};
struct group {
	const struct set *set;
	sqlite3_stmt *put; /* of table members */
	char ip[64];
	struct ports only[SIDES];
	int64_t kept, moved, gone, added;
};

static bool port_add(struct ports *p, int64_t port, struct error *err)
{
	if (p->count == p->room) {
		size_t room = p->room ? p->room * 2 : 16;
		int64_t *moved = realloc(p->port, room * sizeof *moved);
		if (!moved)
			return error_memory(err, "the ports of an address");
		p->port = moved;
		p->room = room;
	}
	p->port[p->count++] = port;
	return true;
}

/* Prepared once: there may be as many as peers. */
static sqlite3_stmt *member_open(struct comparison *c, struct error *err)
{
	return query_open(&c->results, "INSERT INTO members VALUES (?1, ?2, ?3, ?4, ?5)", err);
}

/* A port that is NULL: the socket is not on that side. */
static bool member_put(struct comparison *c, const struct group *g, const char *state, const int64_t *port_a,
		       const int64_t *port_b, struct error *err)
{
	const int64_t *const port[SIDES] = { port_a, port_b };

	if (!c->members)
		return true;
	sqlite3_bind_text(g->put, 1, g->set->what, -1, SQLITE_STATIC);
	sqlite3_bind_text(g->put, 2, state, -1, SQLITE_STATIC);
	sqlite3_bind_text(g->put, 3, g->ip, -1, SQLITE_TRANSIENT);
	for (int side = 0; side < SIDES; side++)
		if (port[side])
			sqlite3_bind_int64(g->put, 4 + side, *port[side]);
		else
			sqlite3_bind_null(g->put, 4 + side);
	bool ok = query_step(&c->results, g->put, err) == QUERY_END;
	sqlite3_reset(g->put);
	return ok;
}

/* The address is done: as many as are on both sides have another port, the rest is gone or new. */
static bool group_end(struct comparison *c, struct group *g, struct error *err)
{
	struct ports *a = &g->only[SIDE_A], *b = &g->only[SIDE_B];
	size_t both = a->count < b->count ? a->count : b->count;
	bool ok = true;

	for (size_t i = 0; ok && i < both; i++)
		ok = member_put(c, g, "other port", &a->port[i], &b->port[i], err);
	for (size_t i = both; ok && i < a->count; i++)
		ok = member_put(c, g, "gone", &a->port[i], NULL, err);
	for (size_t i = both; ok && i < b->count; i++)
		ok = member_put(c, g, "new", NULL, &b->port[i], err);
	g->moved += (int64_t)both;
	g->gone += (int64_t)(a->count - both);
	g->added += (int64_t)(b->count - both);
	a->count = b->count = 0;
	return ok;
}

static bool socket_add(struct comparison *c, struct group *g, sqlite3_stmt *row, enum merge_place place,
		       struct error *err)
{
	int64_t port = sqlite3_column_int64(row, 1);

	if (strcmp(query_text(row, 0), g->ip) != 0) {
		if (!group_end(c, g, err))
			return false;
		snprintf(g->ip, sizeof g->ip, "%s", query_text(row, 0));
	}
	if (place != MERGE_BOTH)
		return port_add(&g->only[place == MERGE_ONLY_A ? SIDE_A : SIDE_B], port, err);
	g->kept++;
	return member_put(c, g, "kept", &port, &port, err);
}

static bool set_compare(struct comparison *c, const struct set *set, struct error *err)
{
	struct group g = { .set = set, .put = member_open(c, err) };
	enum query_result result = QUERY_FAILED;
	enum merge_place place = MERGE_BOTH;
	struct merge m;
	bool ok = merge_open(&m, c->side[SIDE_A], c->side[SIDE_B], set->sql, 2, err) && g.put;

	while (ok && (result = merge_step(&m, &place, err)) == QUERY_ROW)
		ok = socket_add(c, &g, m.row[place == MERGE_ONLY_B ? SIDE_B : SIDE_A], place, err);
	ok = ok && result == QUERY_END && group_end(c, &g, err) &&
	     results_put(c, err, "INSERT INTO sockets VALUES (?1, ?2, ?3, ?4, ?5)", "siiii", set->what,
			 g.kept, g.moved, g.gone, g.added);
	sqlite3_finalize(g.put);
	free(g.only[SIDE_A].port);
	free(g.only[SIDE_B].port);
	merge_close(&m);
	return ok;
}

bool compare_sockets(struct comparison *c, struct error *err)
{
	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
		if (!set_compare(c, &sets[i], err))
			return false;
	return true;
}

/* --- flows --- */

/* In the columns' order; the first six are what makes a flow of one run that of the other. */
enum {
	FIRST_NS,
	PROTO,
	CLIENT_IP,
	CLIENT_PORT,
	SERVER_IP,
	SERVER_PORT,
	FLOW_KEYS,
	FLOW = FLOW_KEYS,
	LABEL,
	ROLE,
	PACKETS
};
static const char flows_data[] =
	"SELECT first_ns, proto, client_ip, client_port, server_ip, server_port, flow, label, role,"
	" packets_out + packets_in FROM flows WHERE run = :run AND first_ns BETWEEN :from AND :to"
	" ORDER BY 1, 2, 3, 4, 5, 6, 7";

/* The same label and role; NULL is a role like any other. */
static bool named_alike(sqlite3_stmt *a, sqlite3_stmt *b)
{
	return strcmp(query_text(a, LABEL), query_text(b, LABEL)) == 0 &&
	       strcmp(query_text(a, ROLE), query_text(b, ROLE)) == 0;
}

static sqlite3_stmt *change_open(struct comparison *c, struct error *err)
{
	return query_open(
		&c->results,
		"INSERT INTO labels VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET"
		" flows = flows + 1, packets = packets + excluded.packets",
		err);
}

static bool change_put(struct comparison *c, sqlite3_stmt *put, sqlite3_stmt *a, sqlite3_stmt *b,
		       struct error *err)
{
	sqlite3_bind_text(put, 1, query_text(a, LABEL), -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(put, 2, query_text(a, ROLE), -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(put, 3, query_text(b, LABEL), -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(put, 4, query_text(b, ROLE), -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(put, 5, sqlite3_column_int64(a, PACKETS));
	sqlite3_bind_int64(put, 6, sqlite3_column_int64(a, FLOW));
	sqlite3_bind_int64(put, 7, sqlite3_column_int64(b, FLOW));
	bool ok = query_step(&c->results, put, err) == QUERY_END;
	sqlite3_reset(put);
	return ok;
}

static bool flows_join(struct comparison *c, int64_t *both, int64_t *same, struct error *err)
{
	enum query_result result = QUERY_FAILED;
	enum merge_place place;
	struct merge m;
	sqlite3_stmt *put = change_open(c, err);
	bool ok = merge_open(&m, c->side[SIDE_A], c->side[SIDE_B], flows_data, FLOW_KEYS, err) && put;

	/* Flows can only be in both where the traces overlap; the others need not be sorted. */
	for (int side = 0; ok && side < SIDES; side++) {
		query_bind_int(m.row[side], ":from", c->from_ns);
		query_bind_int(m.row[side], ":to", c->to_ns);
	}
	while (ok && (result = merge_step(&m, &place, err)) == QUERY_ROW) {
		if (place != MERGE_BOTH)
			continue;
		++*both;
		if (named_alike(m.row[SIDE_A], m.row[SIDE_B]))
			++*same;
		else
			ok = change_put(c, put, m.row[SIDE_A], m.row[SIDE_B], err);
	}
	sqlite3_finalize(put);
	merge_close(&m);
	return ok && result == QUERY_END;
}

bool compare_flows(struct comparison *c, struct error *err)
{
	int64_t stored[SIDES], all[SIDES], both = 0, same = 0;

	for (int side = 0; side < SIDES; side++)
		if (!query_number(c->side[side], "SELECT count(*) FROM flows WHERE run = :run", &stored[side],
				  err) ||
		    !query_number(c->side[side], "SELECT sum(flows) FROM label_totals WHERE run = :run",
				  &all[side], err))
			return false;
	if (c->from_ns <= c->to_ns && !flows_join(c, &both, &same, err))
		return false;
	return results_put(c, err, "INSERT INTO flows VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", "iiiiiii",
			   stored[SIDE_A], stored[SIDE_B], all[SIDE_A], all[SIDE_B], both, same, both - same);
}
