/* Signalling over time; see series.h. Rows of the shortest period are filled, those of the others added up at
 * the end. */
#include "behave/series.h"
#include "base/hash.h"
#include "base/row_index.h"
#include "behave/presence.h"
#include <stdlib.h>

const char *const period_names[PERIOD_COUNT] = {
#define X(name, seconds) #name,
	PERIODS(X)
#undef X
};
static const int64_t period_ns[PERIOD_COUNT] = {
#define X(name, seconds) (seconds) * NS_PER_S,
	PERIODS(X)
#undef X
};

struct series {
	const struct measured_client *client;
	uint32_t clients, refused_clients;
	int64_t idle_ns;
	enum period shortest;
	size_t *start;    /* by client: of its periods in `active`; start[i] == start[i + 1]: not kept */
	uint64_t *active; /* a bit for each of the shortest periods in its life */
	struct hash_key key;
	struct row_index index;
	struct period_row *row;
	uint32_t rows, room;
	uint64_t refused;
	uint64_t counted; /* the newest flow in the sums: it may come again, from its other end */
};

static int64_t shortest_of(const struct series *s, int64_t ns)
{
	return time_periods(ns, period_ns[s->shortest]);
}

static size_t periods_of(const struct series *s, const struct measured_client *client)
{
	if (!client->recognised || client->peers == 0)
		return 0;
	return (size_t)(shortest_of(s, client->last_ns) - shortest_of(s, client->first_ns)) + 1;
}

struct series *series_new(const struct measured_client *client, uint32_t clients, int64_t run_ns,
			  int64_t idle_ns, struct error *err)
{
	struct series *s = calloc(1, sizeof *s);

	if (s) {
		*s = (struct series){ .client = client, .clients = clients, .idle_ns = idle_ns };
		s->shortest = run_ns <= SERIES_MINUTES_NS ? PERIOD_minute : PERIOD_hour;
		s->key = hash_key_random();
		s->start = calloc(clients + 1U, sizeof *s->start);
	}
	for (uint32_t i = 0; s && s->start && i < clients; i++) {
		size_t periods = periods_of(s, &client[i]);
		if (periods > SERIES_CLIENT_MAX || s->start[i] + periods > SERIES_ACTIVE_MAX) {
			periods = 0;
			s->refused_clients++;
		}
		s->start[i + 1] = s->start[i] + periods;
	}
	if (s && s->start)
		s->active = calloc(s->start[clients] / 64 + 1, sizeof *s->active);
	if (s && s->active)
		return s;
	series_free(s);
	error_memory(err, "the time series");
	return NULL;
}

void series_free(struct series *s)
{
	if (!s)
		return;
	row_index_drop(&s->index);
	free(s->row);
	free(s->start);
	free(s->active);
	free(s);
}

/* The row that holds a time, new ones empty. NULL: at the bound, or out of memory (*ok is false). */
static struct period_row *row_of(struct series *s, unsigned protocol, enum period period, int64_t ns,
				 bool *ok)
{
	int64_t start = time_periods(ns, period_ns[period]) * period_ns[period];
	const uint64_t key[2] = { (uint64_t)start, (uint64_t)protocol << 8 | period };
	uint64_t hash = hash_words(&s->key, key, sizeof key);
	uint32_t at = 0, i;

	while ((i = row_index_probe(&s->index, hash, &at)) != ROW_NONE)
		if (s->row[i].start_ns == start && s->row[i].protocol == protocol &&
		    s->row[i].period == period)
			return &s->row[i];
	/* Longer periods are never more than the shortest ones: what is in those has a place in these. */
	if (period == s->shortest && s->rows >= SERIES_ROWS_MAX) {
		s->refused++;
		return NULL;
	}
	void *rows = s->row;
	*ok = rows_reserve(&rows, s->rows, &s->room, sizeof *s->row);
	s->row = rows;
	*ok = *ok && row_index_add(&s->index, hash, s->rows);
	if (!*ok)
		return NULL;
	s->row[s->rows] =
		(struct period_row){ (uint8_t)protocol, (uint8_t)period, start, 0, 0, 0, 0, 0, 0, 0 };
	return &s->row[s->rows++];
}

static bool add_traffic(struct series *s, unsigned protocol, int64_t ns, uint64_t packets, uint64_t payload)
{
	bool ok = true;
	struct period_row *row = packets || payload ? row_of(s, protocol, s->shortest, ns, &ok) : NULL;

	if (row) {
		row->packets += packets;
		row->payload += payload;
	}
	return ok;
}

/* What the log does not tell, evenly from one time to the other. */
static bool add_spread(struct series *s, unsigned protocol, int64_t from, int64_t to, uint64_t packets,
		       uint64_t payload)
{
	int64_t width = period_ns[s->shortest], length = to > from ? to - from : 0;
	uint64_t done_packets = 0, done_payload = 0;

	if (packets == 0 && payload == 0)
		return true;
	/* No flow lasts for so long: one packet has an absurd time. */
	if (length / width > SERIES_CLIENT_MAX)
		to = from;
	for (int64_t at = from;;) {
		int64_t end = (shortest_of(s, at) + 1) * width;
		if (end > to)
			return add_traffic(s, protocol, at, packets - done_packets, payload - done_payload);
		/* Up to this end in all, so that nothing is lost to rounding. */
		double share = (double)(end - from) / (double)length;
		uint64_t upto_packets = (uint64_t)((double)packets * share);
		uint64_t upto_payload = (uint64_t)((double)payload * share);
		if (!add_traffic(s, protocol, at, upto_packets - done_packets, upto_payload - done_payload))
			return false;
		done_packets = upto_packets;
		done_payload = upto_payload;
		at = end;
	}
}

static bool add_sums(struct series *s, const struct labelled_flow *f)
{
	const struct flow_record *r = f->r;
	uint64_t packets = r->side[0].packets + r->side[1].packets;
	uint64_t payload = r->side[0].payload_wire + r->side[1].payload_wire;
	struct message_reader log = flow_record_messages(r, f->log);
	struct message m;
	int64_t from = r->first_ns;
	bool ok = true;
	struct period_row *row = row_of(s, f->protocol, s->shortest, r->first_ns, &ok);

	if (row)
		row->flows++;
	if (!ok || shortest_of(s, r->first_ns) == shortest_of(s, r->last_ns))
		return ok && add_traffic(s, f->protocol, from, packets, payload);
	while (ok && packets > 0 && message_next(&log, &m)) {
		uint64_t size = m.size < payload ? m.size : payload;
		/* Times in the log are rounded down to the tick. */
		from = m.ns > r->first_ns ? m.ns : r->first_ns;
		ok = add_traffic(s, f->protocol, from, 1, size);
		packets--;
		payload -= size;
	}
	return ok && add_spread(s, f->protocol, from, r->last_ns, packets, payload);
}

static void add_presence(struct series *s, const struct labelled_flow *f)
{
	const struct measured_client *client = &s->client[f->client - 1];
	size_t start = s->start[f->client - 1];
	int64_t periods = (int64_t)(s->start[f->client] - start), period;
	int64_t origin = shortest_of(s, client->first_ns) * period_ns[s->shortest];
	struct presence p = presence_of(f, origin, period_ns[s->shortest], s->idle_ns);

	while (presence_next(&p, &period))
		if (period >= 0 && period < periods) {
			size_t bit = start + (size_t)period;
			s->active[bit / 64] |= UINT64_C(1) << (bit % 64);
		}
}

bool series_add(struct series *s, const struct labelled_flow *f, struct error *err)
{
	add_presence(s, f);
	if (f->media || f->r->first_packet == s->counted)
		return true;
	s->counted = f->r->first_packet;
	return add_sums(s, f) || error_memory(err, "the time series");
}

bool series_login(struct series *s, unsigned protocol, int64_t ns, struct error *err)
{
	bool ok = true;
	struct period_row *row = row_of(s, protocol, s->shortest, ns, &ok);

	if (row)
		row->logins++;
	return ok || error_memory(err, "the time series");
}

bool series_call(struct series *s, unsigned protocol, int64_t ns, struct error *err)
{
	bool ok = true;
	struct period_row *row = row_of(s, protocol, s->shortest, ns, &ok);

	if (row)
		row->calls++;
	return ok || error_memory(err, "the time series");
}

/* Counts the client in its periods, each once. */
static bool add_client(struct series *s, uint32_t client)
{
	const struct measured_client *c = &s->client[client];
	int64_t width = period_ns[s->shortest], first = shortest_of(s, c->first_ns);
	int64_t last[PERIOD_COUNT] = { INT64_MIN, INT64_MIN, INT64_MIN };
	bool ok = true;

	if (periods_of(s, c) == 0)
		return true;
	struct period_row *row = row_of(s, c->protocol, s->shortest, c->first_ns, &ok);
	if (row)
		row->new_clients++;
	for (size_t k = s->start[client]; ok && k < s->start[client + 1]; k++) {
		if (!(s->active[k / 64] >> (k % 64) & 1))
			continue;
		int64_t ns = (first + (int64_t)(k - s->start[client])) * width;
		for (enum period p = s->shortest; ok && p < PERIOD_COUNT; p++) {
			int64_t at = time_periods(ns, period_ns[p]);
			if (at == last[p])
				continue;
			last[p] = at;
			row = row_of(s, c->protocol, p, ns, &ok);
			if (row)
				row->active_clients++;
		}
	}
	return ok;
}

static int by_place(const void *x, const void *y)
{
	const struct period_row *a = x, *b = y;

	if (a->protocol != b->protocol)
		return a->protocol - b->protocol;
	if (a->period != b->period)
		return a->period - b->period;
	return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

bool series_finish(struct series *s, struct error *err)
{
	bool ok = true;

	for (uint32_t i = 0; ok && i < s->clients; i++)
		ok = add_client(s, i);
	/* New rows go to the end, and are of longer periods. */
	for (uint32_t i = 0, rows = s->rows; ok && i < rows; i++) {
		const struct period_row add = s->row[i];
		if (add.period != s->shortest)
			continue;
		for (enum period p = s->shortest + 1; ok && p < PERIOD_COUNT; p++) {
			struct period_row *row = row_of(s, add.protocol, p, add.start_ns, &ok);
			if (!row)
				continue;
			row->flows += add.flows;
			row->packets += add.packets;
			row->payload += add.payload;
			row->new_clients += add.new_clients;
			row->logins += add.logins;
			row->calls += add.calls;
		}
	}
	if (!ok)
		return error_memory(err, "the time series");
	if (s->rows)
		qsort(s->row, s->rows, sizeof *s->row, by_place);
	return true;
}

uint32_t series_count(const struct series *s)
{
	return s->rows;
}

const struct period_row *series_at(const struct series *s, uint32_t i)
{
	return &s->row[i];
}

uint64_t series_refused(const struct series *s)
{
	return s->refused;
}

uint32_t series_refused_clients(const struct series *s)
{
	return s->refused_clients;
}
