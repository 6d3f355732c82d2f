/* Pairs and flows: too many for tables of their own, so both sides are read in one order, and merged. */
#include "views/merge.h"
#include "views/score_parts.h"
#include <inttypes.h>
#include <string.h>

#define TRUTH   SIDE_A
#define MONITOR SIDE_B

/* Which truth was called what by the monitor: a few dozen combinations of words. */
#define CELLS_MAX 64
#define WORD_MAX  32
struct confusion {
	struct {
		char truth[WORD_MAX], monitor[WORD_MAX];
		int64_t count;
	} cell[CELLS_MAX];
	int cells;
};

static void confusion_add(struct confusion *c, const char *truth, const char *monitor)
{
	int i = 0;

	while (i < c->cells &&
	       (strcmp(c->cell[i].truth, truth) != 0 || strcmp(c->cell[i].monitor, monitor) != 0))
		i++;
	if (i == CELLS_MAX)
		return;
	if (i == c->cells) {
		c->cells++;
		snprintf(c->cell[i].truth, WORD_MAX, "%s", truth);
		snprintf(c->cell[i].monitor, WORD_MAX, "%s", monitor);
		c->cell[i].count = 0;
	}
	c->cell[i].count++;
}

static bool confusion_put(struct score *s, const struct confusion *c, const char *part, const char *attribute,
			  struct error *err)
{
	for (int i = 0; i < c->cells; i++)
		if (!score_confuse(s, part, attribute, c->cell[i].truth, c->cell[i].monitor, c->cell[i].count,
				   err))
			return false;
	return true;
}

/* As merge_open(), with a statement for each side: columns that mean the same have the same place. */
static bool sides_open(struct score *s, struct merge *m, const char *truth, const char *monitor, int keys,
		       struct error *err)
{
	*m = (struct merge){ .view = { s->v, s->v }, .keys = keys, .read = { true, true } };
	m->state[TRUTH] = m->state[MONITOR] = QUERY_ROW;
	m->row[TRUTH] = query_open(s->v, truth, err);
	m->row[MONITOR] = m->row[TRUTH] ? query_open(s->v, monitor, err) : NULL;
	return m->row[MONITOR] != NULL;
}

static void attribute_count(struct score_count *count, bool equal)
{
	count->truth++;
	count->found += equal;
	count->missed += !equal;
	count->wrong += !equal;
}

/* --- pairs --- */

enum {
	CLIENT,
	PEER,
	PAIR_KEYS,
	CLASS = PAIR_KEYS,
	PAIR_FLOWS,
	PAIR_OUT,
	PAIR_IN,
	PAIR_CLIENT,
	PAIR_FIRST_NS
};
static const char truth_pairs[] =
	"SELECT socket(c.ip, c.port), socket(q.ip, q.port), coalesce(p.class, 'media'), p.flows, p.packets_out,"
	" p.packets_in, p.client, p.first_ns FROM truth.pairs p JOIN truth.clients c USING (run, client)"
	" JOIN truth.peers q USING (run, peer) WHERE c.protocol = :protocol ORDER BY 1, 2";
static const char monitor_pairs[] =
	"SELECT socket(client_ip, client_port), socket(peer_ip, peer_port), class, flows, packets_out,"
	" packets_in, client, first_ns FROM main.pair_classes WHERE run = :run AND protocol = :protocol"
	" AND client IN (SELECT client FROM main.clients WHERE run = :run AND verdict = protocol)"
	" AND client NOT IN (SELECT client FROM score_outside) ORDER BY 1, 2";

struct pairs {
	struct score_count all, class, flows, packets;
	struct confusion classes;
	uint64_t kept;
};

static bool pair_differ(struct score *s, struct pairs *p, sqlite3_stmt *row, bool of_truth, const char *kind,
			const char *truth, const char *monitor, struct error *err)
{
	char what[256];

	snprintf(what, sizeof what, "%s - %s", query_text(row, CLIENT), query_text(row, PEER));
	return score_differ(s,
			    &(struct difference){ .part = "pairs",
						  .kind = kind,
						  .what = what,
						  .truth = truth,
						  .monitor = monitor,
						  .of_truth = of_truth,
						  .client = sqlite3_column_int64(row, PAIR_CLIENT),
						  .at_ns = sqlite3_column_int64(row, PAIR_FIRST_NS) },
			    &p->kept, err);
}

/* An attribute that is a number: a difference when it is not the same. */
static bool pair_numbers(struct score *s, struct pairs *p, struct score_count *count, const char *kind,
			 sqlite3_stmt *t, sqlite3_stmt *m, int column, int columns, struct error *err)
{
	bool equal = true;
	char words[SIDES][64];

	for (int c = column; c < column + columns; c++)
		equal = equal && sqlite3_column_int64(t, c) == sqlite3_column_int64(m, c);
	attribute_count(count, equal);
	if (equal)
		return true;
	for (int side = 0; side < SIDES; side++)
		snprintf(words[side], sizeof words[side], columns > 1 ? "%s out, %s in" : "%s",
			 query_text(side == TRUTH ? t : m, column),
			 query_text(side == TRUTH ? t : m, column + columns - 1));
	return pair_differ(s, p, t, true, kind, words[TRUTH], words[MONITOR], err);
}

static bool pair_both(struct score *s, struct pairs *p, sqlite3_stmt *t, sqlite3_stmt *m, struct error *err)
{
	char truth[WORD_MAX], monitor[WORD_MAX];

	snprintf(truth, sizeof truth, "%s", query_text(t, CLASS));
	snprintf(monitor, sizeof monitor, "%s", query_text(m, CLASS));
	bool equal = strcmp(truth, monitor) == 0;
	p->all.found++;
	attribute_count(&p->class, equal);
	confusion_add(&p->classes, truth, monitor);
	return (equal || pair_differ(s, p, t, true, "class", truth, monitor, err)) &&
	       pair_numbers(s, p, &p->flows, "flows", t, m, PAIR_FLOWS, 1, err) &&
	       pair_numbers(s, p, &p->packets, "packets", t, m, PAIR_OUT, 2, err);
}

static bool pair_add(struct score *s, struct pairs *p, struct merge *m, enum merge_place place,
		     struct error *err)
{
	sqlite3_stmt *t = m->row[TRUTH], *row = m->row[MONITOR];

	p->all.truth += place != MERGE_ONLY_B;
	if (place == MERGE_BOTH)
		return pair_both(s, p, t, row, err);
	if (place == MERGE_ONLY_A) {
		p->all.missed++;
		confusion_add(&p->classes, query_text(t, CLASS), "not found");
		return pair_differ(s, p, t, true, "missed", query_text(t, CLASS), NULL, err);
	}
	p->all.wrong++;
	confusion_add(&p->classes, "not in truth", query_text(row, CLASS));
	return pair_differ(s, p, row, false, "wrong", NULL, query_text(row, CLASS), err);
}

bool score_pairs(struct score *s, struct error *err)
{
	enum query_result result = QUERY_FAILED;
	enum merge_place place = MERGE_BOTH;
	struct pairs p = { .kept = 0 };
	struct merge m;
	bool ok = sides_open(s, &m, truth_pairs, monitor_pairs, PAIR_KEYS, err);

	while (ok && (result = merge_step(&m, &place, err)) == QUERY_ROW)
		ok = pair_add(s, &p, &m, place, err);
	merge_close(&m);
	return ok && result == QUERY_END && score_put(s, "pairs", "", &p.all, err) &&
	       score_put(s, "pairs", "class", &p.class, err) &&
	       score_put(s, "pairs", "flows", &p.flows, err) &&
	       score_put(s, "pairs", "packets", &p.packets, err) &&
	       confusion_put(s, &p.classes, "pairs", "class", err);
}

/* --- flows --- */

/* The 5-tuple either way round: addresses and ports in order, and whether the lower address has the lower
 * port. */
enum {
	FIRST_NS,
	PROTO,
	LOW_IP,
	HIGH_IP,
	LOW_PORT,
	HIGH_PORT,
	ALIGNED,
	FLOW_KEYS,
	CLIENT_IP = FLOW_KEYS, /* the initiator */
	CLIENT_PORT,
	SERVER_IP,
	SERVER_PORT,
	FLOW,
	OURS, /* of the protocol */
	LABEL,
	ROLE,
	PACKETS_OUT,
	PACKETS_IN,
	PAYLOAD_OUT,
	PAYLOAD_IN,
	PAYLOAD_WIRE, /* both ways; what a capture has not cut */
	HIDDEN,       /* of an exchange that nothing tells of */
};
#define FLOW_COLUMNS                                                                                         \
	" first_ns, proto, min(client_ip, server_ip), max(client_ip, server_ip),"                            \
	" min(client_port, server_port), max(client_port, server_port),"                                     \
	" ((client_ip > server_ip) - (client_ip < server_ip)) * (client_port - server_port) > 0,"            \
	" client_ip, client_port, server_ip, server_port, flow, coalesce(protocol = :protocol, 0), label,"   \
	" role, packets_out, packets_in, payload_out, payload_in, "
#define FLOW_ORDER " ORDER BY 1, 2, 3, 4, 5, 6, 7"
static const char truth_flows[] =
	"SELECT" FLOW_COLUMNS "payload_out + payload_in, "
	"flow IN (SELECT flow FROM truth.exchanges WHERE hidden IS NOT NULL) FROM truth.flows" FLOW_ORDER;
static const char monitor_flows[] =
	"SELECT" FLOW_COLUMNS "payload_wire, 0 FROM main.flows WHERE run = :run" FLOW_ORDER;

#define SOCKET_TEXT 80
static void initiator_words(sqlite3_stmt *row, char out[SOCKET_TEXT])
{
	socket_format(query_text(row, CLIENT_IP), sqlite3_column_int64(row, CLIENT_PORT), out, SOCKET_TEXT);
}

struct flows {
	struct score_count all, label, role, initiator, packets, payload;
	struct confusion labels;
	int64_t silent; /* TCP without payload */
	uint64_t kept;
};

static bool flow_differ(struct score *s, struct flows *f, sqlite3_stmt *row, bool of_truth, const char *kind,
			const char *truth, const char *monitor, struct error *err)
{
	char what[256], from[SOCKET_TEXT], to[SOCKET_TEXT];

	initiator_words(row, from);
	socket_format(query_text(row, SERVER_IP), sqlite3_column_int64(row, SERVER_PORT), to, sizeof to);
	snprintf(what, sizeof what, "%s %s > %s", query_text(row, PROTO), from, to);
	return score_differ(s,
			    &(struct difference){ .part = "flows",
						  .kind = kind,
						  .what = what,
						  .truth = truth,
						  .monitor = monitor,
						  .packet = sqlite3_column_int64(row, FLOW),
						  .of_truth = of_truth },
			    &f->kept, err);
}

static bool flow_words(struct score *s, struct flows *f, struct score_count *count, const char *kind,
		       sqlite3_stmt *t, sqlite3_stmt *m, int column, struct error *err)
{
	const char *truth = query_text(t, column), *monitor = query_text(m, column);
	bool equal = strcmp(truth, monitor) == 0;

	if (!*truth || !*monitor) /* one of them leaves it open */
		return true;
	attribute_count(count, equal);
	return equal || flow_differ(s, f, t, true, kind, truth, monitor, err);
}

static bool same_number(sqlite3_stmt *t, sqlite3_stmt *m, int column)
{
	return sqlite3_column_int64(t, column) == sqlite3_column_int64(m, column);
}

static bool flow_numbers(struct score *s, struct flows *f, struct score_count *count, const char *kind,
			 sqlite3_stmt *t, sqlite3_stmt *m, int column, bool equal, struct error *err)
{
	char words[SIDES][64];

	attribute_count(count, equal);
	if (equal)
		return true;
	for (int side = 0; side < SIDES; side++) {
		sqlite3_stmt *row = side == TRUTH ? t : m;
		snprintf(words[side], sizeof words[side], "%s out, %s in", query_text(row, column),
			 query_text(row, column + 1));
	}
	return flow_differ(s, f, t, true, kind, words[TRUTH], words[MONITOR], err);
}

/* Of packets that the capture has cut, only the sum on the wire is known. */
static bool same_payload(sqlite3_stmt *t, sqlite3_stmt *m)
{
	bool cut = sqlite3_column_int64(m, PAYLOAD_OUT) + sqlite3_column_int64(m, PAYLOAD_IN) <
		   sqlite3_column_int64(m, PAYLOAD_WIRE);

	return same_number(t, m, PAYLOAD_WIRE) &&
	       (cut || (same_number(t, m, PAYLOAD_OUT) && same_number(t, m, PAYLOAD_IN)));
}

static bool flow_both(struct score *s, struct flows *f, sqlite3_stmt *t, sqlite3_stmt *m, struct error *err)
{
	bool turned = strcmp(query_text(t, CLIENT_IP), query_text(m, CLIENT_IP)) != 0 ||
		      !same_number(t, m, CLIENT_PORT);
	char from[SIDES][SOCKET_TEXT];

	f->all.found++;
	attribute_count(&f->initiator, !turned);
	confusion_add(&f->labels, query_text(t, LABEL), query_text(m, LABEL));
	if (!flow_words(s, f, &f->label, "label", t, m, LABEL, err) ||
	    !flow_words(s, f, &f->role, "role", t, m, ROLE, err))
		return false;
	if (turned) { /* out and in are then not the same */
		initiator_words(t, from[TRUTH]);
		initiator_words(m, from[MONITOR]);
		return flow_differ(s, f, t, true, "initiator", from[TRUTH], from[MONITOR], err);
	}
	return flow_numbers(s, f, &f->packets, "packets", t, m, PACKETS_OUT,
			    same_number(t, m, PACKETS_OUT) && same_number(t, m, PACKETS_IN), err) &&
	       flow_numbers(s, f, &f->payload, "payload", t, m, PAYLOAD_OUT, same_payload(t, m), err);
}

/* A TCP connection in which nothing was said: nothing in it tells what it is for. */
static bool is_silent(sqlite3_stmt *row)
{
	return strcmp(query_text(row, PROTO), "tcp") == 0 && sqlite3_column_int64(row, PAYLOAD_WIRE) == 0;
}

static bool flow_add(struct score *s, struct flows *f, struct merge *m, enum merge_place place,
		     struct error *err)
{
	sqlite3_stmt *t = place == MERGE_ONLY_B ? NULL : m->row[TRUTH];
	sqlite3_stmt *row = place == MERGE_ONLY_A ? NULL : m->row[MONITOR];
	bool expected = t && sqlite3_column_int64(t, OURS), found = row && sqlite3_column_int64(row, OURS);
	const char *truth = t ? query_text(t, LABEL) : "not in truth";
	const char *monitor = row ? query_text(row, LABEL) : "not found";

	if (expected && sqlite3_column_int64(t, HIDDEN)) /* said with the exchanges */
		return true;
	if (expected && is_silent(t)) {
		f->silent++;
		return true;
	}
	f->all.truth += expected;
	if (expected && found)
		return flow_both(s, f, t, row, err);
	if (expected) {
		f->all.missed++;
		confusion_add(&f->labels, truth, monitor);
		return flow_differ(s, f, t, true, "missed", truth, row ? monitor : NULL, err);
	}
	if (found) {
		f->all.wrong++;
		confusion_add(&f->labels, truth, monitor);
		return flow_differ(s, f, row, false, "wrong", t ? truth : NULL, monitor, err);
	}
	return true;
}

bool score_flows(struct score *s, struct error *err)
{
	enum query_result result = QUERY_FAILED;
	enum merge_place place = MERGE_BOTH;
	struct flows f = { .kept = 0 };
	struct merge m;
	bool ok = sides_open(s, &m, truth_flows, monitor_flows, FLOW_KEYS, err);

	while (ok && (result = merge_step(&m, &place, err)) == QUERY_ROW)
		ok = flow_add(s, &f, &m, place, err);
	merge_close(&m);
	if (ok && f.silent)
		ok = score_note(s, err,
				"%" PRId64 " TCP connection%s of the truth without payload: nothing tells "
				"what %s for.",
				f.silent, f.silent > 1 ? "s" : "", f.silent > 1 ? "they are" : "it is");
	return ok && result == QUERY_END && score_put(s, "flows", "", &f.all, err) &&
	       score_put(s, "flows", "label", &f.label, err) && score_put(s, "flows", "role", &f.role, err) &&
	       score_put(s, "flows", "initiator", &f.initiator, err) &&
	       score_put(s, "flows", "packets", &f.packets, err) &&
	       score_put(s, "flows", "payload", &f.payload, err) &&
	       confusion_put(s, &f.labels, "flows", "label", err);
}
