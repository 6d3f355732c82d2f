/* N1: entries in a NAT or firewall table; see state_entries.h. */
#include "behave/state_entries.h"
#include "base/hash.h"
#include "base/row_index.h"
#include "identify/dissector.h"
#include <stdlib.h>
#include <string.h>

const int64_t state_timeouts_ns[STATE_TIMEOUTS] = { 30 * NS_PER_S, 120 * NS_PER_S, 200 * NS_PER_S,
						    300 * NS_PER_S };

/*
 * An entry begins or ends. All clients' events are gone through in their order, so that one pass tells about
 * each client and about all of them; but so many are not held in memory at once: time is cut into slices of
 * at most EVENTS_AT_ONCE events, and each is gathered from the bursts anew.
 */
struct entry_event {
	uint64_t when; /* tick, and EVENT_* below it: at one tick beginnings come first */
	uint32_t client;
};
#define EVENTS_AT_ONCE (UINT32_C(1) << 20) /* of 16 bytes */
#define EVENT_BUCKETS  65536U              /* of time: few events in each, to be sorted */
enum { EVENT_TICK = 16, EVENT_ENDS = 8, EVENT_PROBE = 4, EVENT_TCP = 2, EVENT_COUNTED = 1 };

/* Entries of one client, or of all, as time goes on. */
struct tally {
	uint64_t entries, probes, tcp; /* now */
	int64_t since;                 /* tick of the last change */
	int64_t first, last;           /* ticks: the time of the mean */
	double sum, probe_sum;         /* entry x tick in it */
	struct state_peak peak;
};

struct state_entries {
	struct state_question q;
	uint8_t *counted; /* by conversation: it is in the entries of all clients */
	struct tally *client, *all;
	struct state_interval *interval; /* by protocol, `intervals` each */
	uint32_t *at;                    /* by protocol: the interval of now */
	uint32_t intervals;
	int64_t width_ns, origin; /* origin: number of the first interval since 1970 */
	uint32_t *bucket;         /* events in each, then where they go */
	struct entry_event *event;
	uint64_t event_room;
	int64_t timeout_ns, last_tick, bucket_ticks;
};

/* --- which conversations are whose --- */

struct sockets { /* of the clients */
	struct hash_key key;
	struct row_index index;
	uint32_t *id; /* by number - 1: what the pair table calls the client; 0: it has no pair */
};

static bool index_sockets(const struct state_question *q, struct sockets *sockets, struct error *err)
{
	sockets->key = hash_key_random();
	sockets->id = calloc(q->clients + 1U, sizeof *sockets->id);
	if (!sockets->id)
		return error_memory(err, "the clients' sockets");
	for (uint32_t i = 0; i < pair_table_count(q->pairs); i++) {
		uint32_t client = burst_table_conversation(q->bursts, i)->client;
		if (!client || sockets->id[client - 1])
			continue;
		const struct measured_client *c = &q->client[client - 1];
		sockets->id[client - 1] = pair_table_at(q->pairs, i)->client;
		if (!row_index_add(&sockets->index, endpoint_hash(&sockets->key, c->protocol, &c->socket),
				   client - 1))
			return error_memory(err, "the clients' sockets");
	}
	return true;
}

/* The same conversation as its other end has it, if that is a client, too; ROW_NONE: it is not. */
static uint32_t twin_of(const struct state_question *q, const struct sockets *sockets, uint32_t i)
{
	const struct pair *pair = pair_table_at(q->pairs, i);
	const struct measured_client *mine = &q->client[burst_table_conversation(q->bursts, i)->client - 1];
	const struct endpoint *far = &pair_table_peer_at(q->pairs, pair->peer_index)->socket;
	uint64_t hash = endpoint_hash(&sockets->key, mine->protocol, far);
	uint32_t at = 0, other;

	while ((other = row_index_probe(&sockets->index, hash, &at)) != ROW_NONE) {
		const struct measured_client *c = &q->client[other];
		if (c->protocol != mine->protocol || !endpoint_equal(&c->socket, far))
			continue;
		const struct pair *twin =
			pair_table_find(q->pairs, sockets->id[other], mine->protocol, &mine->socket);
		return twin ? pair_table_index(q->pairs, twin) : ROW_NONE;
	}
	return ROW_NONE;
}

/*
 * A conversation between two clients is in both their pairs: the one with more bursts counts (what a stray
 * flow left is in one of them only), or else the first.
 */
static bool find_counted(struct state_entries *s, struct error *err)
{
	const struct state_question *q = &s->q;
	struct sockets sockets = { 0 };
	uint32_t conversations = burst_table_conversations(q->bursts);
	bool ok = index_sockets(q, &sockets, err);

	for (uint32_t i = 0; ok && i < conversations; i++) {
		const struct conversation *mine = burst_table_conversation(q->bursts, i);
		if (!mine->client)
			continue;
		uint32_t twin = i < pair_table_count(q->pairs) ? twin_of(q, &sockets, i) : ROW_NONE;
		uint32_t other = twin == ROW_NONE ? 0 : burst_table_conversation(q->bursts, twin)->bursts;
		s->counted[i] = other == 0 || mine->bursts > other || (mine->bursts == other && i <= twin);
	}
	row_index_drop(&sockets.index);
	free(sockets.id);
	return ok;
}

/* --- intervals --- */

/* The narrowest of these that needs no more than STATE_INTERVALS_MAX of them; beyond, whole weeks. */
static int64_t choose_width(int64_t span_ns)
{
	static const int32_t seconds[] = {
		1,   2,    5,    10,   15,    30,    60,    120,   300,    600,
		900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800
	};
	enum { WIDTHS = sizeof seconds / sizeof seconds[0] };

	for (unsigned i = 0; i < WIDTHS; i++)
		if (span_ns / STATE_INTERVALS_MAX <= seconds[i] * NS_PER_S)
			return seconds[i] * NS_PER_S;
	int64_t week = seconds[WIDTHS - 1] * NS_PER_S;
	return (span_ns / STATE_INTERVALS_MAX / week + 1) * week;
}

struct state_entries *state_entries_new(const struct state_question *question, struct error *err)
{
	struct state_entries *s = calloc(1, sizeof *s);

	if (s) {
		s->q = *question;
		s->last_tick = burst_table_tick(question->bursts, question->last_ns);
		s->bucket_ticks = s->last_tick / EVENT_BUCKETS + 1;
		s->width_ns = choose_width(question->last_ns - question->first_ns);
		s->origin = time_periods(question->first_ns, s->width_ns);
		s->intervals = (uint32_t)(time_periods(question->last_ns, s->width_ns) - s->origin + 1);
		s->counted = calloc(burst_table_conversations(question->bursts) + 1U, 1);
		s->client = calloc(question->clients + 1U, sizeof *s->client);
		s->all = calloc(protocol_count + 1U, sizeof *s->all);
		s->at = calloc(protocol_count + 1U, sizeof *s->at);
		s->interval = calloc((size_t)(protocol_count + 1U) * s->intervals, sizeof *s->interval);
		s->bucket = calloc(EVENT_BUCKETS + 1U, sizeof *s->bucket);
	}
	if (!s || !s->counted || !s->client || !s->all || !s->at || !s->interval || !s->bucket) {
		error_memory(err, "the state entries");
	} else if (find_counted(s, err)) {
		return s;
	}
	state_entries_free(s);
	return NULL;
}

void state_entries_free(struct state_entries *s)
{
	if (!s)
		return;
	free(s->counted);
	free(s->client);
	free(s->all);
	free(s->at);
	free(s->interval);
	free(s->bucket);
	free(s->event);
	free(s);
}

/* --- events --- */

typedef void event_taker(struct state_entries *s, uint64_t when, uint32_t client);

/* Every beginning and end of an entry; ends behind the run are none. */
static void each_event(struct state_entries *s, event_taker *take)
{
	int64_t timeout = s->timeout_ns / BURST_TICK_NS;
	uint32_t pairs = pair_table_count(s->q.pairs), count = burst_table_conversations(s->q.bursts);

	for (uint32_t i = 0; i < count; i++) {
		const struct conversation *c = burst_table_conversation(s->q.bursts, i);
		struct sub_flow_reader r = sub_flows_on(s->q.bursts, c, SUB_FLOWS_ENTRIES, s->timeout_ns);
		struct sub_flow f;
		while (sub_flow_next(&r, &f)) {
			unsigned kind = (f.probe ? EVENT_PROBE : 0U) | (i >= pairs ? EVENT_TCP : 0U) |
					(s->counted[i] ? EVENT_COUNTED : 0U);
			int64_t end = f.torn_down ? f.last : f.last + timeout;
			int64_t begin = f.first < s->last_tick ? f.first : s->last_tick;
			take(s, (uint64_t)begin * EVENT_TICK | kind, c->client);
			if (end <= s->last_tick)
				take(s, (uint64_t)end * EVENT_TICK | EVENT_ENDS | kind, c->client);
		}
	}
}

static uint32_t bucket_of(const struct state_entries *s, uint64_t when)
{
	return (uint32_t)((int64_t)(when / EVENT_TICK) / s->bucket_ticks);
}

static void count_event(struct state_entries *s, uint64_t when, uint32_t client)
{
	(void)client;
	s->bucket[bucket_of(s, when)]++;
}

/* bucket[] says where the next event of a bucket goes; those that are not of this slice say nowhere. */
static void place_event(struct state_entries *s, uint64_t when, uint32_t client)
{
	uint32_t *to = &s->bucket[bucket_of(s, when)];

	if (*to != ROW_NONE)
		s->event[(*to)++] = (struct entry_event){ when, client };
}

static int by_when(const void *x, const void *y)
{
	const struct entry_event *a = x, *b = y;

	return (a->when > b->when) - (a->when < b->when);
}

/* --- tallies --- */

static int64_t clamp(int64_t tick, int64_t first, int64_t last)
{
	return tick < first ? first : tick > last ? last : tick;
}

static void pass_time(struct tally *t, int64_t tick)
{
	int64_t ticks = clamp(tick, t->first, t->last) - clamp(t->since, t->first, t->last);

	t->sum += (double)t->entries * (double)ticks;
	t->probe_sum += (double)t->probes * (double)ticks;
	t->since = tick;
}

/* True: there were never so many. */
static bool tally_event(struct tally *t, uint64_t when)
{
	pass_time(t, (int64_t)(when / EVENT_TICK));
	if (when & EVENT_ENDS) {
		t->entries--;
		t->probes -= (when & EVENT_PROBE) != 0;
		t->tcp -= (when & EVENT_TCP) != 0;
		return false;
	}
	t->entries++;
	t->probes += (when & EVENT_PROBE) != 0;
	t->tcp += (when & EVENT_TCP) != 0;
	t->peak.opened++;
	t->peak.opened_probes += (when & EVENT_PROBE) != 0;
	if (t->entries <= t->peak.peak)
		return false;
	t->peak.peak = t->entries;
	t->peak.peak_probes = t->probes;
	t->peak.peak_tcp = t->tcp;
	return true;
}

static void note_interval(struct state_interval *i, const struct tally *t)
{
	if (t->entries > i->entries)
		*i = (struct state_interval){ (uint32_t)t->entries, (uint32_t)t->probes, (uint32_t)t->tcp };
}

/* What there is when an interval begins is in it, too. */
static void reach_interval(struct state_entries *s, unsigned protocol, uint32_t to)
{
	struct state_interval *interval = s->interval + (size_t)protocol * s->intervals;

	while (s->at[protocol] < to)
		note_interval(&interval[++s->at[protocol]], &s->all[protocol]);
}

static void take_event(struct state_entries *s, const struct entry_event *e)
{
	int64_t ns = burst_table_ns(s->q.bursts, (int64_t)(e->when / EVENT_TICK));
	unsigned protocol = s->q.client[e->client - 1].protocol;
	struct tally *client = &s->client[e->client - 1], *all = &s->all[protocol];

	if (tally_event(client, e->when))
		client->peak.peak_ns = ns;
	if (!(e->when & EVENT_COUNTED))
		return;
	int64_t at = clamp(time_periods(ns, s->width_ns) - s->origin, 0, s->intervals - 1);
	reach_interval(s, protocol, (uint32_t)at);
	if (tally_event(all, e->when))
		all->peak.peak_ns = ns;
	note_interval(&s->interval[(size_t)protocol * s->intervals + (size_t)at], all);
}

/* The events of buckets from ... to - 1, whose counts bucket[] has; they are all gone then. */
static bool take_slice(struct state_entries *s, const uint32_t *count, uint32_t from, uint32_t to,
		       struct error *err)
{
	uint64_t events = 0;

	for (uint32_t b = 0; b < EVENT_BUCKETS; b++)
		s->bucket[b] = ROW_NONE;
	for (uint32_t b = from; b < to; b++) {
		s->bucket[b] = (uint32_t)events;
		events += count[b];
	}
	if (events > s->event_room) {
		free(s->event);
		s->event = malloc(events * sizeof *s->event);
		s->event_room = s->event ? events : 0;
		if (!s->event)
			return error_memory(err, "the state entries");
	}
	each_event(s, place_event);
	for (uint32_t b = from, place = 0; b < to; place += count[b++])
		if (count[b] > 1)
			qsort(s->event + place, count[b], sizeof *s->event, by_when);
	for (uint64_t i = 0; i < events; i++)
		take_event(s, &s->event[i]);
	return true;
}

static void begin_tallies(struct state_entries *s)
{
	const struct state_question *q = &s->q;

	for (uint32_t i = 0; i < q->clients; i++) {
		const struct measured_client *c = &q->client[i];
		/* One without UDP flows has no lifetime (D13): then the run's. */
		s->client[i] = (struct tally){
			.first = c->peers ? burst_table_tick(q->bursts, c->first_ns) : 0,
			.last = c->peers ? burst_table_tick(q->bursts, c->last_ns) : s->last_tick,
		};
	}
	for (unsigned p = 0; p < protocol_count; p++) {
		s->all[p] = (struct tally){ .last = s->last_tick };
		s->at[p] = 0;
	}
	memset(s->interval, 0, (size_t)(protocol_count + 1U) * s->intervals * sizeof *s->interval);
}

static void end_tally(struct tally *t, int64_t last_tick)
{
	double ticks = (double)(t->last - t->first);

	pass_time(t, last_tick);
	t->peak.mean = ticks > 0 ? t->sum / ticks : (double)t->peak.peak;
	t->peak.mean_probes = ticks > 0 ? t->probe_sum / ticks : (double)t->peak.peak_probes;
}

bool state_entries_count(struct state_entries *s, int64_t timeout_ns, struct error *err)
{
	uint32_t *count = malloc(EVENT_BUCKETS * sizeof *count);
	bool ok = count || error_memory(err, "the state entries");

	s->timeout_ns = timeout_ns;
	begin_tallies(s);
	memset(s->bucket, 0, EVENT_BUCKETS * sizeof *s->bucket);
	if (ok) {
		each_event(s, count_event);
		memcpy(count, s->bucket, EVENT_BUCKETS * sizeof *count);
	}
	for (uint32_t from = 0, to; ok && from < EVENT_BUCKETS; from = to) {
		uint64_t events = count[from];
		for (to = from + 1; to < EVENT_BUCKETS && events + count[to] <= EVENTS_AT_ONCE; to++)
			events += count[to];
		ok = events == 0 || take_slice(s, count, from, to, err);
	}
	for (uint32_t i = 0; ok && i < s->q.clients; i++)
		end_tally(&s->client[i], s->last_tick);
	for (unsigned p = 0; ok && p < protocol_count; p++) {
		reach_interval(s, p, s->intervals - 1);
		end_tally(&s->all[p], s->last_tick);
	}
	free(count);
	return ok;
}

/* --- answers --- */

const struct state_peak *state_entries_client(const struct state_entries *s, uint32_t number)
{
	const struct state_peak *peak = &s->client[number - 1].peak;

	return peak->opened ? peak : NULL;
}

const struct state_peak *state_entries_all(const struct state_entries *s, unsigned protocol)
{
	const struct state_peak *peak = &s->all[protocol].peak;

	return peak->opened ? peak : NULL;
}

uint32_t state_entries_intervals(const struct state_entries *s, int64_t *first_ns, int64_t *width_ns)
{
	*first_ns = s->origin * s->width_ns;
	*width_ns = s->width_ns;
	return s->intervals;
}

const struct state_interval *state_entries_interval(const struct state_entries *s, unsigned protocol,
						    uint32_t i)
{
	return &s->interval[(size_t)protocol * s->intervals + i];
}
