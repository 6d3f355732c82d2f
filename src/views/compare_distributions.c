/* Counts of both runs, and the shift of each distribution: tables of statements, so that a measure is a row.
 */
#include "behave/two_sample.h"
#include "views/compare_parts.h"
#include <math.h>
#include <string.h>

/* --- counts --- */

#define OF_CLIENTS(what)                                                                                     \
	"SELECT " what " FROM clients WHERE run = :run AND protocol = :protocol AND verdict = protocol"
#define OF(table) "SELECT count(*) FROM " table " WHERE run = :run AND protocol = :protocol"
#define OF_CLASS(name)                                                                                       \
	"SELECT count(*) FROM pair_classes WHERE run = :run AND protocol = :protocol AND class = '" name "'"
static const struct quantity {
	const char *name, *unit, *sql;
} quantities[] = {
	{ "duration of the trace", "ns", "SELECT last_ns - first_ns FROM runs WHERE run = :run" },
	{ "packets read, of all protocols", "", "SELECT packets FROM runs WHERE run = :run" },
	{ "flows, of all protocols", "", "SELECT sum(flows) FROM label_totals WHERE run = :run" },
	{ "clients recognised", "", OF_CLIENTS("count(*)") },
	{ "clients suspected", "", OF("clients") " AND verdict <> protocol" },
	{ "supernodes among them", "", OF_CLIENTS("count(*)") " AND role = 'supernode'" },
	{ "peers", "", OF("peers") },
	{ "pairs", "", OF("pair_classes") },
	{ "pairs: probe", "", OF_CLASS("probe") },
	{ "pairs: heartbeat", "", OF_CLASS("heartbeat") },
	{ "pairs: dialog", "", OF_CLASS("dialog") },
	{ "pairs: mix", "", OF_CLASS("mix") },
	{ "signalling flows, UDP", "", OF_CLIENTS("sum(flows)") },
	{ "signalling packets, UDP", "", OF_CLIENTS("sum(packets_out + packets_in)") },
	{ "signalling payload, UDP", "bytes", OF_CLIENTS("sum(payload_out + payload_in)") },
	{ "signalling payload, TCP", "bytes", OF_CLIENTS("sum(tcp_out + tcp_in)") },
	{ "media payload", "bytes", OF_CLIENTS("sum(media_out + media_in)") },
	{ "logins", "", OF("logins") },
	{ "logins that succeeded", "", OF("logins") " AND outcome = 'success'" },
	{ "contact-list exchanges", "", OF("contact_lists") },
	{ "version checks", "", OF("version_checks") },
	{ "searches", "", OF("searches") },
	{ "calls", "", OF("calls") },
	{ "time in calls", "ns",
	  "SELECT sum(last_ns - first_ns) FROM calls WHERE run = :run AND protocol = :protocol" },
	/* 200 s: the timeout that RMM derive from what state in a NAT costs. */
	{ "peak of NAT table entries, 200 s", "",
	  "SELECT max(peak) FROM state_peaks WHERE run = :run AND protocol = :protocol AND client = 0 AND"
	  " timeout_ns = 200000000000" },
};
#undef OF_CLIENTS
#undef OF
#undef OF_CLASS

bool compare_counts(struct comparison *c, struct error *err)
{
	for (size_t i = 0; i < sizeof quantities / sizeof quantities[0]; i++) {
		const struct quantity *q = &quantities[i];
		double value[SIDES];
		for (int side = 0; side < SIDES; side++) {
			int64_t number;
			if (!query_number(c->side[side], q->sql, &number, err))
				return false;
			value[side] = (double)number;
		}
		if (!results_put(c, err, "INSERT INTO counts VALUES (?1, ?2, ?3, ?4)", "ssdd", q->name,
				 q->unit, value[SIDE_A], value[SIDE_B]))
			return false;
	}
	return true;
}

/* --- distributions --- */

/* Words and unit of each measure; one that is not here is shown by its name, as a count. */
static const struct measure_words {
	const char *name, *unit, *words;
} measures[] = {
	{ "bitrate", "", "bit/s of signalling sent by a client (R1)" },
	{ "contacts", "", "peers of a client in 5 minutes (R2)" },
	{ "signalling_share", "%", "share of signalling in a client's bytes (R3)" },
	{ "source_flow_packets", "", "packets of a source flow (R4)" },
	{ "source_flow_us", "us", "duration of a source flow (R5)" },
	{ "payload_out", "bytes", "message sent by a client (R8)" },
	{ "payload_in", "bytes", "message received by a client (R8)" },
	{ "round_trip_echo_us", "us", "round trip by message id (R11)" },
	{ "round_trip_reply_us", "us", "round trip by first reply (R11)" },
	{ "popularity", "", "clients of a peer (R12)" },
	{ "lifetime", "ns", "lifetime of a client (D13)" },
	{ "client_peers", "", "peers of a client (D4)" },
	{ "client_entries", "", "a client's peak of NAT table entries, 200 s (N1)" },
	{ "login_time", "ns", "from a client's first packet to its login (B7)" },
	{ "search_time", "ns", "duration of a search (B9)" },
	{ "search_nodes", "", "nodes asked in a search (B9)" },
	{ "call_time", "ns", "duration of a call (B10)" },
	{ "client_calls", "", "calls of a host that has any" },
	{ "keepalive", "ns", "interval of keep-alives (B13)" },
	{ NULL, "", NULL }, /* any other */
};

/* Statements that yield measure, class, value and count, in order of the first three. NULL values are left
 * out. */
#define OF_INTERNAL                                                                                          \
	" FROM clients WHERE run = :run AND protocol = :protocol AND verdict = protocol AND internal"
#define ORDERED " GROUP BY 3 ORDER BY 3"
static const char *const sources[] = {
	"SELECT 'bitrate', '', bits_per_s, count(*) FROM R1 WHERE run = :run AND protocol = "
	":protocol" ORDERED,
	"SELECT 'signalling_share', '', 100.0 * (payload_out + payload_in + tcp_out + tcp_in) /"
	" nullif(payload_out + payload_in + tcp_out + tcp_in + media_out + media_in, 0), count(*)" OF_INTERNAL
		ORDERED,
	"SELECT measure, class, value, count FROM distributions WHERE run = :run AND protocol = :protocol"
	" ORDER BY measure, class, value",
	"SELECT 'popularity', side || ', ' || class, popularity, peers FROM R12 WHERE run = :run AND"
	" protocol = :protocol ORDER BY 2, 3",
	"SELECT 'lifetime', '', last_ns - first_ns, count(*)" OF_INTERNAL ORDERED,
	"SELECT 'client_peers', '', peers, count(*)" OF_INTERNAL ORDERED,
	"SELECT 'client_entries', '', peak, count(*) FROM state_peaks WHERE run = :run AND protocol = "
	":protocol"
	" AND client <> 0 AND timeout_ns = 200000000000" ORDERED,
	"SELECT 'login_time', '', login_ns, count(*) FROM startups WHERE run = :run AND protocol = "
	":protocol" ORDERED,
	"SELECT 'search_time', '', last_ns - first_ns, count(*) FROM searches WHERE run = :run AND protocol ="
	" :protocol" ORDERED,
	"SELECT 'search_nodes', '', nodes, count(*) FROM searches WHERE run = :run AND protocol = "
	":protocol" ORDERED,
	"SELECT 'call_time', '', last_ns - first_ns, count(*) FROM calls WHERE run = :run AND protocol ="
	" :protocol" ORDERED,
	"SELECT 'client_calls', '', n, count(*) FROM (SELECT count(*) AS n FROM calls WHERE run = :run AND"
	" protocol = :protocol GROUP BY near_ip)" ORDERED,
	"SELECT 'keepalive', '', keepalive_ns, count(*) FROM flows WHERE run = :run AND protocol = :protocol"
	" AND keepalive_ns IS NOT NULL" ORDERED,
};
#undef OF_INTERNAL
#undef ORDERED

#define KEYS         2 /* measure and class */
#define MEASURE_TEXT 64

/* One distribution of both sides. */
struct pair_of_samples {
	char measure[MEASURE_TEXT], class[MEASURE_TEXT];
	struct sample sample[SIDES];
};

static const struct measure_words *words_of(const char *measure)
{
	const struct measure_words *m = measures;

	while (m->name && strcmp(m->name, measure) != 0)
		m++;
	return m;
}

/* "up 12 %": the verdict, and by how much the median moved; "up 12 % at 90 %": the other quantile. */
static void verdict_words(const struct pair_of_samples *p, enum shift shift, char out[128])
{
	static const struct {
		double share;
		const char *name;
	} quantile[] = { { 0.5, "" }, { 0.9, " at 90 %" } };
	bool moved = shift == SHIFT_up || shift == SHIFT_down;

	snprintf(out, 128, "%s", shift_words[shift]);
	for (size_t i = 0; moved && i < 2; i++) {
		double a = sample_quantile(&p->sample[SIDE_A], quantile[i].share);
		double b = sample_quantile(&p->sample[SIDE_B], quantile[i].share);
		/* The curves may be apart where this quantile is not, or moves the other way. */
		if (a <= 0 || (shift == SHIFT_up ? b <= a : b >= a))
			continue;
		if (b <= 0)
			snprintf(out, 128, "%s to %.3g%s", shift_words[shift], b, quantile[i].name);
		else if (b < 10 * a)
			snprintf(out, 128, "%s %.2g %%%s", shift_words[shift], 100 * fabs(b / a - 1),
				 quantile[i].name);
		else
			snprintf(out, 128, "%s x %.3g%s", shift_words[shift], b / a, quantile[i].name);
		return;
	}
}

static bool distribution_put(struct comparison *c, const struct pair_of_samples *p, struct error *err)
{
	const struct measure_words *m = words_of(p->measure);
	const struct sample *a = &p->sample[SIDE_A], *b = &p->sample[SIDE_B];
	struct two_sample t = { NAN, NAN, NAN, NAN, NAN, NAN };
	enum shift shift = SHIFT_few;
	char says[128], words[192];

	if (!a->values && !b->values)
		return true;
	if (a->values && b->values) {
		t = two_sample_test(a, b);
		shift = two_sample_judge(&t);
		verdict_words(p, shift, says);
	} else {
		snprintf(says, sizeof says, "only in %c", a->values ? 'A' : 'B');
	}
	snprintf(words, sizeof words, "%s%s%s", m->words ? m->words : p->measure, *p->class ? ", " : "",
		 p->class);
	return results_put(
		c, err,
		"INSERT INTO distributions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, "
		"?14, ?15, ?16, ?17, ?18, ?19)",
		"ssssiiddddddddddssi", p->measure, p->class, words, m->unit, (int64_t)a->count,
		(int64_t)b->count, a->values ? sample_quantile(a, 0.5) : NAN,
		b->values ? sample_quantile(b, 0.5) : NAN, a->values ? sample_quantile(a, 0.9) : NAN,
		b->values ? sample_quantile(b, 0.9) : NAN, t.d, t.b_larger, t.b_smaller, t.at, t.effective,
		t.p, a->values && b->values ? shift_words[shift] : says, says, (int64_t)(m - measures));
}

static bool is_of(const struct pair_of_samples *p, sqlite3_stmt *row)
{
	return strcmp(query_text(row, 0), p->measure) == 0 && strcmp(query_text(row, 1), p->class) == 0;
}

/* The row's value goes to its sample; a new measure or class first ends the one before. */
static bool row_add(struct comparison *c, struct pair_of_samples *p, sqlite3_stmt *row, int side,
		    struct error *err)
{
	if (!is_of(p, row)) {
		if (!distribution_put(c, p, err))
			return false;
		for (int s = 0; s < SIDES; s++)
			sample_drop(&p->sample[s]);
		snprintf(p->measure, sizeof p->measure, "%s", query_text(row, 0));
		snprintf(p->class, sizeof p->class, "%s", query_text(row, 1));
	}
	return sqlite3_column_type(row, 2) == SQLITE_NULL ||
	       sample_add(&p->sample[side], sqlite3_column_double(row, 2),
			  (uint64_t)sqlite3_column_int64(row, 3), err);
}

/* Both sides in step by measure, class and value, so that both samples of one measure are at hand together.
 */
static bool source_compare(struct comparison *c, const char *sql, struct error *err)
{
	struct pair_of_samples p = { .measure = "" };
	enum query_result result = QUERY_FAILED;
	enum merge_place place = MERGE_BOTH;
	struct merge m;
	bool ok = merge_open(&m, c->side[SIDE_A], c->side[SIDE_B], sql, KEYS + 1, err);

	while (ok && (result = merge_step(&m, &place, err)) == QUERY_ROW)
		ok = (place == MERGE_ONLY_B || row_add(c, &p, m.row[SIDE_A], SIDE_A, err)) &&
		     (place == MERGE_ONLY_A || row_add(c, &p, m.row[SIDE_B], SIDE_B, err));
	ok = ok && result == QUERY_END && distribution_put(c, &p, err);
	for (int side = 0; side < SIDES; side++)
		sample_drop(&p.sample[side]);
	merge_close(&m);
	return ok;
}

bool compare_distributions(struct comparison *c, struct error *err)
{
	for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
		if (!source_compare(c, sources[i], err))
			return false;
	return true;
}
