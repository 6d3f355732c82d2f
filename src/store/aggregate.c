/* The aggregator while the input lasts; what happens at its end is in resolve.c. See aggregate.h. */
#include "store/resolve.h"
#include "base/intern.h"
#include <stdlib.h>
#include <string.h>

#define SPOOL_MEMORY (16U << 20) /* closed flows that wait in memory; about 60,000 of them */

struct aggregate *aggregate_new(const struct aggregate_options *options, struct error *err)
{
	struct aggregate *a = calloc(1, sizeof *a);

	if (!a) {
		error_memory(err, "the aggregator");
		return NULL;
	}
	a->options = *options;
	a->key = hash_key_random();
	a->last_ns = a->idle_last_ns = INT64_MIN;
	a->sockets = socket_table_new(&options->sockets, err);
	a->exchanges = a->sockets ? exchange_table_new(err) : NULL;
	a->calls = a->exchanges ? call_table_new(err) : NULL;
	a->names_of_addresses = a->calls ? name_table_new(err) : NULL;
	a->spool = a->names_of_addresses ? spool_new(SPOOL_MEMORY, err) : NULL;
	a->names = intern_new();
	if (!a->names && a->spool)
		error_memory(err, "names");
	if (!a->spool || !a->names) {
		aggregate_free(a);
		return NULL;
	}
	return a;
}

void aggregate_free(struct aggregate *a)
{
	if (!a)
		return;
	spool_free(a->spool);
	intern_free(a->names);
	name_table_free(a->names_of_addresses);
	exchange_table_free(a->exchanges);
	call_table_free(a->calls);
	socket_table_free(a->sockets);
	row_index_drop(&a->by_flow);
	free(a->flow_evidence);
	openings_drop(&a->openings);
	round_trips_drop(&a->round_trips);
	free(a->measured_flow);
	free(a);
}

static struct flow_evidence *get_flow_evidence(struct aggregate *a, const struct observation *o)
{
	const uint64_t key[2] = { o->flow, (uint64_t)o->protocol << 8 | o->kind };
	uint64_t hash = hash_words(&a->key, key, sizeof key);
	uint32_t at = 0, row;

	while ((row = row_index_probe(&a->by_flow, hash, &at)) != ROW_NONE) {
		struct flow_evidence *e = &a->flow_evidence[row];
		if (e->flow == o->flow && e->protocol == o->protocol && e->kind == o->kind)
			return e;
	}
	if (a->evidences_of[o->protocol] >= FLOW_EVIDENCE_MAX)
		return NULL;
	void *rows = a->flow_evidence;
	bool room = rows_reserve(&rows, a->flow_evidences, &a->flow_evidence_room, sizeof *a->flow_evidence);
	a->flow_evidence = rows;
	if (!room || !row_index_add(&a->by_flow, hash, a->flow_evidences))
		return NULL;
	a->flow_evidence[a->flow_evidences] = (struct flow_evidence){ .flow = o->flow,
								      .protocol = o->protocol,
								      .kind = o->kind,
								      .sum = { .first_packet = o->packet } };
	a->evidences_of[o->protocol]++;
	return &a->flow_evidence[a->flow_evidences++];
}

static void note_flow_evidence(struct aggregate *a, const struct observation *o)
{
	struct flow_evidence *e = get_flow_evidence(a, o);
	if (!e && a->evidences_of[o->protocol] >= FLOW_EVIDENCE_MAX) {
		a->refused_events++;
		return;
	}
	if (!e) {
		a->failed = true;
		error_memory(&a->failure, "evidence about a flow");
		return;
	}
	e->sum.count++;
	e->sum.last_packet = o->packet;
	/* Counted once per flow, as observe() does. */
	e->sum.bits = protocols[o->protocol]->kinds[o->kind].bits;
}

static void observed(void *self, const struct observation *o)
{
	struct aggregate *a = self;

	if (a->failed)
		return;
	if (protocols[o->protocol]->kinds[o->kind].about == ABOUT_FLOW)
		note_flow_evidence(a, o);
	else if (!socket_table_observe(a->sockets, o, &a->failure))
		a->failed = true;
}

/* Only of those who may be clients: internal sockets (D5), or any where neither end or both ends are. */
static bool note_round_trip(struct aggregate *a, const struct occurrence *o)
{
	bool by_responder = o->dir == TO_RESPONDER; /* the reply goes to who asked */
	const struct endpoint *asker = by_responder ? &o->responder : &o->initiator;
	const struct endpoint *other = by_responder ? &o->initiator : &o->responder;

	if (!socket_table_internal(a->sockets, &asker->ip) && socket_table_internal(a->sockets, &other->ip))
		return true;
	return round_trips_add(&a->round_trips, o, &a->failure);
}

static void occurred(void *self, const struct occurrence *o)
{
	struct aggregate *a = self;

	if (a->failed)
		return;
	if (o->event.type == EVENT_ROUND_TRIP)
		a->failed = !note_round_trip(a, o);
	else if (o->event.type == EVENT_MEDIA_PATH)
		a->failed = !call_table_path(a->calls, o->flow, &o->event.of.path, &a->failure);
	else
		a->failed = !exchange_table_add(a->exchanges, o, &a->failure);
}

static void metered(void *self, const struct media_report *r)
{
	struct aggregate *a = self;

	if (!a->failed && !call_table_report(a->calls, r, &a->failure))
		a->failed = true;
}

static void named(void *self, const struct dns_answer *answer, int64_t ts_ns)
{
	struct aggregate *a = self;

	if (!a->failed)
		a->failed = !name_table_add(a->names_of_addresses, answer, ts_ns, &a->failure);
}

static bool keep_measured(struct aggregate *a, const struct flow_record *r)
{
	void *rows = a->measured_flow;

	/* Beyond that there is no report either. */
	if (a->measured_flows >= MEDIA_REPORTS_MAX)
		return true;
	bool room = rows_reserve(&rows, a->measured_flows, &a->measured_room, sizeof *a->measured_flow);
	a->measured_flow = rows;
	if (!room)
		return error_memory(&a->failure, "the measured flows");
	a->measured_flow[a->measured_flows++] = *r;
	return true;
}

static void flow_closed(void *self, const struct flow_record *r, const struct logged_message *log)
{
	struct aggregate *a = self;

	if (a->failed)
		return;
	judge_flow(&a->judge, r);
	if (!openings_add(&a->openings, r, a->options.sockets.verdict_bits, &a->failure))
		a->failed = true;
	if (r->measured && !keep_measured(a, r))
		a->failed = true;
	a->flows++;
	a->ended[r->end_reason]++;
	if (r->last_ns > a->last_ns)
		a->last_ns = r->last_ns;
	if (r->end_reason == FLOW_END_idle && r->last_ns > a->idle_last_ns)
		a->idle_last_ns = r->last_ns;
	a->packets += r->side[0].packets + r->side[1].packets;
	if (!spool_append(a->spool, (struct span){ (const uint8_t *)r, sizeof *r },
			  (struct span){ (const uint8_t *)log, intake_log_entries(r) * sizeof log[0] },
			  &a->failure))
		a->failed = true;
}

struct intake aggregate_intake(struct aggregate *a)
{
	return (struct intake){ observed, occurred, metered, flow_closed, named, a };
}

bool aggregate_failed(const struct aggregate *a, struct error *err)
{
	if (a->failed && err)
		*err = a->failure;
	return a->failed;
}
