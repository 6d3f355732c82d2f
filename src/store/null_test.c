/*
 * Generated traffic through the pipeline's own calls; see null_test.h. It goes in batches, each a trace of
 * its own with verdicts at its end, so that memory does not grow with the number of datagrams.
 */
#include "store/null_test.h"
#include "identify/identify.h"
#include "store/label.h"
#include <inttypes.h>
#include <stdlib.h>

#define BATCH_DATAGRAMS    65536U
#define DATAGRAMS_PER_LOOK 4096U                            /* at the progress line */
#define EPOCH_NS           (INT64_C(1199145600) * NS_PER_S) /* 2008-01-01; any time would do */
#define PAUSE_NS           NS_PER_S                         /* between two conversations */
#define MAX_FLOWS          65536U                           /* alive at a time: a few hundred are */
#define SHARES_MOST        64U

/* Evidence of one kind that one dissector found in one flow. */
struct report {
	uint32_t flow; /* first_packet */
	uint8_t dissector, kind;
	uint32_t times;
};

struct null_test {
	const struct null_test_options *options;
	struct null_account *account;
	struct rng rng;
	uint8_t lot[SHARES_MOST]; /* indices of kinds, each as often as its share */
	unsigned lots;
	struct netset *internal;
	struct flow_table *flows;
	struct identifier *identifier;
	struct intern *names;
	struct hash_key key;
	struct error *err;
	bool failed;
	int64_t now_ns;
	/* of the batch: */
	struct socket_table *sockets;
	uint64_t packets, datagrams;
	uint32_t numbers;                 /* internal sockets so far: their addresses */
	uint8_t kind_of[BATCH_DATAGRAMS]; /* by that number */
	struct flow_record *record;
	uint32_t records, record_room;
	struct report *report;
	uint32_t reports, report_room;
	struct row_index by_flow; /* over report[] */
};

/* The kind of traffic that made this flow or socket. */
static unsigned kind_of(const struct null_test *t, const struct endpoint *a, const struct endpoint *b)
{
	uint32_t number = 0;

	if (!null_socket_number(&a->ip, &number))
		(void)null_socket_number(&b->ip, &number);
	return t->kind_of[number];
}

static void fail_memory(struct null_test *t)
{
	t->failed = true;
	error_memory(t->err, "the self-test");
}

static void note_report(struct null_test *t, const struct observation *o)
{
	const uint64_t key = o->flow << 16 | (uint64_t)o->dissector << 8 | o->kind;
	uint64_t hash = hash_words(&t->key, &key, sizeof key);
	uint32_t at = 0, row;

	while ((row = row_index_probe(&t->by_flow, hash, &at)) != ROW_NONE) {
		struct report *r = &t->report[row];
		if (r->flow == o->flow && r->dissector == o->dissector && r->kind == o->kind) {
			r->times++;
			return;
		}
	}
	void *rows = t->report;
	bool room = rows_reserve(&rows, t->reports, &t->report_room, sizeof *t->report);
	t->report = rows;
	if (!room || !row_index_add(&t->by_flow, hash, t->reports)) {
		fail_memory(t);
		return;
	}
	t->report[t->reports++] = (struct report){ (uint32_t)o->flow, o->dissector, o->kind, 1 };
}

static void observed(void *self, const struct observation *o)
{
	struct null_test *t = self;
	const struct evidence_kind *k = &protocols[o->protocol]->kinds[o->kind];

	if (t->failed)
		return;
	/* The other tests are given values, not evidence: what it is worth shows at the socket. */
	if (k->bits > 0 && (k->test == TEST_NONE || k->test == TEST_PEERS))
		note_report(t, o);
	if (k->about != ABOUT_FLOW && !t->failed && !socket_table_observe(t->sockets, o, t->err))
		t->failed = true;
}

static void occurred(void *self, const struct occurrence *o)
{
	struct null_test *t = self;
	unsigned kind = kind_of(t, &o->initiator, &o->responder);

	/* A message is part of an exchange, which is reported as well; a round trip claims nothing, and
	 * counts in a client's flows only. */
	if (o->event.type != EVENT_MESSAGE && o->event.type != EVENT_ROUND_TRIP)
		t->account->kind[kind].alarm[o->protocol].events++;
}

/* What the media of a flow are worth is no question of whose it is. */
static void metered(void *self, const struct media_report *r)
{
	(void)self, (void)r;
}

static void flow_ended(void *self, struct flow *flow, enum flow_end why)
{
	struct null_test *t = self;
	void *rows = t->record;

	identifier_ended(t->identifier, flow);
	bool room = rows_reserve(&rows, t->records, &t->record_room, sizeof *t->record);
	t->record = rows;
	if (!room) {
		fail_memory(t);
		return;
	}
	flow_record_from(&t->record[t->records], flow, why);
	t->record[t->records].thinned = 0;
	t->record[t->records++].sizes = 0; /* the message log is not kept */
}

static bool build(struct null_test *t)
{
	const struct flow_table_options flows = { .idle_ns = FLOW_IDLE_DEFAULT_NS,
						  .max_flows = MAX_FLOWS,
						  .head_bytes = FLOW_HEAD_DEFAULT };

	t->rng = rng_seeded(t->options->seed);
	t->now_ns = EPOCH_NS;
	t->key = hash_key_random();
	for (unsigned k = 0; k < null_kind_count; k++)
		for (unsigned i = 0; i < null_kinds[k].share && t->lots < SHARES_MOST; i++)
			t->lot[t->lots++] = (uint8_t)k;
	t->internal = netset_new();
	t->names = intern_new();
	if (!t->internal || !t->names)
		return error_memory(t->err, "the self-test");
	netset_add_private(t->internal);
	t->identifier = identifier_new(
		(struct observer){
			.observed = observed, .occurred = occurred, .metered = metered, .self = t },
		NULL, NULL, t->err);
	if (!t->identifier)
		return false;
	t->flows = flow_table_new(&flows, (struct flow_table_listener){ flow_ended, t }, t->err);
	return t->flows;
}

static void tear_down(struct null_test *t)
{
	flow_table_free(t->flows);
	identifier_free(t->identifier);
	socket_table_free(t->sockets);
	row_index_drop(&t->by_flow);
	intern_free(t->names);
	netset_free(t->internal);
	free(t->record);
	free(t->report);
}

static bool one_packet(struct null_test *t, struct packet *packet)
{
	struct flow_step step;

	packet->number = ++t->packets;
	uint64_t hash = flow_table_hash(t->flows, packet);
	if (!flow_table_packet(t->flows, packet, hash, &step, t->err))
		return false;
	enum flow_want want = identifier_packet(t->identifier, packet, &step);
	flow_table_settle(t->flows, packet, &step, want);
	return !t->failed;
}

/* At most `most` datagrams of one internal socket. */
static bool one_conversation(struct null_test *t, uint64_t most)
{
	unsigned kind = t->lot[rng_below(&t->rng, t->lots)];
	uint8_t buffer[NULL_PAYLOAD_MAX];
	struct null_socket s;
	struct packet packet;

	t->kind_of[t->numbers] = (uint8_t)kind;
	t->account->kind[kind].sockets++;
	null_socket_start(&s, &null_kinds[kind], t->numbers++, t->now_ns, &t->rng);
	while (most > 0 && null_socket_next(&s, &t->rng, buffer, &packet)) {
		if (!one_packet(t, &packet))
			return false;
		t->now_ns = packet.ts_ns + PAUSE_NS;
		if (packet.payload_wire == 0)
			continue;
		most--;
		t->datagrams++;
		t->account->kind[kind].datagrams++;
		if (t->datagrams % DATAGRAMS_PER_LOOK == 0)
			progress_update(t->options->progress, 0, t->account->datagrams + t->datagrams);
	}
	return true;
}

static int by_flow_and_dissector(const void *a, const void *b)
{
	const struct report *x = a, *y = b;

	if (x->flow != y->flow)
		return x->flow < y->flow ? -1 : 1;
	return x->dissector - y->dissector;
}

/* In one order, so that sums of bits come out the same. */
static int by_flow_dissector_kind(const void *a, const void *b)
{
	const struct report *x = a, *y = b;
	int order = by_flow_and_dissector(a, b);

	return order ? order : x->kind - y->kind;
}

/* What the reports of this kind are worth within one flow, as sockets.c and identify.c count them. */
static float report_bits(const struct report *r)
{
	const struct evidence_kind *k = &dissectors[r->dissector]->protocol->kinds[r->kind];
	bool once = k->about == ABOUT_FLOW || k->test == TEST_PEERS;
	float bits = once ? k->bits : k->bits * (float)r->times;

	return bits < k->cap || once ? bits : k->cap;
}

static void note_evidence(struct null_test *t, unsigned kind, unsigned dissector, float bits)
{
	struct null_promise *promise = &t->account->promise[dissector];
	unsigned level = (unsigned)(bits * NULL_BITS_STEPS);

	t->account->kind[kind].evidence[dissector]++;
	if (!null_kinds[kind].random)
		return;
	promise->reached[level < NULL_BITS_LEVELS ? level : NULL_BITS_LEVELS - 1]++;
	if (bits > promise->most_bits)
		promise->most_bits = bits;
}

/* Finds the flow of a report: records come in the order in which flows ended. */
static int by_first_packet(const void *a, const void *b)
{
	const struct flow_record *x = a, *y = b;

	return x->first_packet < y->first_packet ? -1 : x->first_packet > y->first_packet;
}

static void count_reports(struct null_test *t)
{
	if (t->reports > 1)
		qsort(t->report, t->reports, sizeof *t->report, by_flow_dissector_kind);
	for (uint32_t i = 0; i < t->reports;) {
		const struct report *first = &t->report[i];
		const struct flow_record wanted = { .first_packet = first->flow };
		const struct flow_record *r =
			bsearch(&wanted, t->record, t->records, sizeof *t->record, by_first_packet);
		float bits = 0;
		for (; i < t->reports && by_flow_and_dissector(first, &t->report[i]) == 0; i++)
			bits += report_bits(&t->report[i]);
		if (r)
			note_evidence(t, kind_of(t, &r->initiator, &r->responder), first->dissector, bits);
	}
}

static void count_flow(struct null_test *t, const struct flow_record *r)
{
	unsigned kind = kind_of(t, &r->initiator, &r->responder);

	t->account->flows++;
	t->account->kind[kind].flows++;
	if (!null_kinds[kind].random || r->side[0].messages + r->side[1].messages == 0)
		return;
	for (unsigned d = 0; d < dissector_count; d++)
		t->account->promise[d].flows += dissectors[d]->l4 == r->l4;
}

static void count_entry(struct null_test *t, const struct socket_entry *s)
{
	struct null_alarm *alarm = &t->account->kind[kind_of(t, &s->socket, &s->socket)].alarm[s->protocol];
	enum verdict verdict = socket_verdict(t->sockets, s);
	float bits = socket_bits(s);

	alarm->sockets++;
	alarm->suspected += verdict == VERDICT_SUSPECTED;
	alarm->recognised += verdict == VERDICT_RECOGNISED;
	if (bits > alarm->most_bits)
		alarm->most_bits = bits;
}

static void count_label(struct null_test *t, const struct candidates *c, const struct openings *openings,
			struct flow_record *r)
{
	struct flow_row row;

	label_record(c, openings, t->names, r, &row);
	for (unsigned p = 0; row.protocol && p < protocol_count; p++) {
		if (protocols[p]->name != row.protocol)
			continue;
		struct null_alarm *alarm =
			&t->account->kind[kind_of(t, &r->initiator, &r->responder)].alarm[p];
		alarm->flows++;
		alarm->datagrams += r->side[0].messages + r->side[1].messages;
		if (row.bits > alarm->most_bits)
			alarm->most_bits = row.bits;
	}
}

/* The trace has ended: verdicts and labels, in the order of aggregate_finish(). */
static bool judge_batch(struct null_test *t)
{
	struct candidates c;
	struct openings openings = { 0 };
	uint32_t recognised;
	float verdict_bits = socket_table_verdict_bits(t->sockets);
	bool ok = candidates_gather(&c, t->sockets, BATCH_DATAGRAMS, t->err);

	for (uint32_t i = 0; ok && i < t->records; i++)
		ok = candidates_add(&c, &t->record[i], NULL, t->err) &&
		     openings_add(&openings, &t->record[i], verdict_bits, t->err);
	ok = ok && candidates_judge(&c, &openings, t->err) && candidates_verdicts(&c, &recognised, t->err) &&
	     openings_sort(&openings, t->err);
	for (uint32_t i = 0; ok && i < c.count; i++)
		count_entry(t, c.entry[i]);
	for (uint32_t i = 0; ok && i < t->records; i++)
		count_label(t, &c, &openings, &t->record[i]);
	openings_drop(&openings);
	candidates_drop(&c);
	return ok;
}

static bool one_batch(struct null_test *t, uint64_t most)
{
	const struct socket_options sockets = { .max_sockets = BATCH_DATAGRAMS,
						.verdict_bits = t->options->verdict_bits,
						.suspect_bits = t->options->suspect_bits,
						.internal = t->internal };

	t->sockets = socket_table_new(&sockets, t->err);
	if (!t->sockets)
		return false;
	t->packets = t->datagrams = 0;
	t->numbers = t->records = t->reports = 0;
	while (t->datagrams < most)
		if (!one_conversation(t, most - t->datagrams))
			return false;
	flow_table_finish(t->flows);
	if (t->failed)
		return false;
	qsort(t->record, t->records, sizeof *t->record, by_first_packet);
	for (uint32_t i = 0; i < t->records; i++)
		count_flow(t, &t->record[i]);
	count_reports(t);
	bool ok = judge_batch(t);
	t->account->datagrams += t->datagrams;
	t->account->sockets += t->numbers;
	row_index_drop(&t->by_flow);
	t->by_flow = (struct row_index){ 0 };
	socket_table_free(t->sockets);
	t->sockets = NULL;
	return ok;
}

bool null_test_run(const struct null_test_options *options, struct null_account *account, struct error *err)
{
	struct null_test *t = calloc(1, sizeof *t);
	uint64_t left = options->datagrams;

	*account = (struct null_account){ 0 };
	if (!t)
		return error_memory(err, "the self-test");
	t->options = options;
	t->account = account;
	t->err = err;
	bool ok = build(t);
	while (ok && left > 0) {
		ok = one_batch(t, left < BATCH_DATAGRAMS ? left : BATCH_DATAGRAMS);
		left -= t->datagrams;
	}
	if (ok && identifier_passed_over(t->identifier))
		ok = error_set(err, EXIT_INTERNAL,
			       "the self-test is not valid: %" PRIu64
			       " of its flows were not looked at to the end",
			       identifier_passed_over(t->identifier));
	tear_down(t);
	free(t);
	return ok;
}
