/* A flow worker; see worker.h. */
#include "store/worker.h"
#include "base/intern.h"
#include "flow/message_log.h"
#include "identify/identify.h"
#include "identify/patterns.h"
#include <stdlib.h>
#include <string.h>

/* A flow's media are going on with a message this long ago: hold music sends one a second (measurements B12).
 */
#define CALL_QUIET_NS (5 * NS_PER_S)
/* Each pattern is told once for each direction of a flow. */
#define FLOW_HITS_MAX (2 * PATTERNS_MAX)

struct worker {
	struct worker_options options;
	struct intake intake;
	struct decoder *decoder;
	struct intern *names; /* of libndpi's labels; live as long as the worker */
	struct ndpi_bridge *bridge;
	struct identifier *identifier;
	struct flow_table *flows;
	struct stage_counts counts; /* what no stage keeps: frames, the judge, and what identifier and bridge
				       had counted before they were freed */
	uint64_t packets_ended;
	int64_t calls_looked_ns;               /* by worker_calls(), last; 0: never */
	struct pattern_hit hit[FLOW_HITS_MAX]; /* of the flow that ends */
	uint8_t hits;
	void (*quote_listener)(void *self, const struct worker_quote *q);
	void *quote_self;
};

static void observed(void *self, const struct observation *o)
{
	const struct intake *intake = &((const struct worker *)self)->intake;
	intake->observed(intake->self, o);
}

static void occurred(void *self, const struct occurrence *o)
{
	const struct intake *intake = &((const struct worker *)self)->intake;
	intake->occurred(intake->self, o);
}

static void metered(void *self, const struct media_report *r)
{
	const struct intake *intake = &((const struct worker *)self)->intake;
	intake->metered(intake->self, r);
}

static void hit(void *self, const struct pattern_hit *hit)
{
	struct worker *w = self;

	w->hit[w->hits++] = *hit;
}

static void flow_ended(void *self, struct flow *flow, enum flow_end why)
{
	struct worker *w = self;
	struct flow_record r;
	struct logged_message log[MESSAGE_KEPT_MAX + FLOW_HITS_MAX * PATTERN_HIT_ENTRIES];

	identifier_ended(w->identifier, flow);
	flow_record_from(&r, flow, why);
	r.hits = w->hits;
	size_t kept = message_log_copy(flow, log, MESSAGE_KEPT_MAX);
	memcpy(log + kept, w->hit, w->hits * sizeof w->hit[0]);
	w->hits = 0;
	w->packets_ended += r.side[0].packets + r.side[1].packets;
	w->intake.flow(w->intake.self, &r, log);
}

static bool build(struct worker *w, struct error *err)
{
	const struct observer observer = { observed, occurred, metered, hit, w };

	w->decoder = decoder_new(&w->options.decode, err);
	if (!w->decoder)
		return false;
	if (w->options.ndpi) {
		w->names = intern_new();
		if (!w->names)
			return error_memory(err, "names");
		w->bridge = ndpi_bridge_new(w->options.ndpi_packets, w->names, err);
		if (!w->bridge)
			return false;
	}
	w->identifier = identifier_new(observer, w->bridge, w->options.models, err);
	if (!w->identifier)
		return false;
	w->flows = flow_table_new(&w->options.flows, (struct flow_table_listener){ flow_ended, w }, err);
	return w->flows;
}

struct worker *worker_new(const struct worker_options *options, const struct intake *intake,
			  struct error *err)
{
	struct worker *w = calloc(1, sizeof *w);

	if (!w) {
		error_memory(err, "a flow worker");
		return NULL;
	}
	w->options = *options;
	w->intake = *intake;
	if (!build(w, err)) {
		worker_free(w);
		return NULL;
	}
	return w;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	flow_table_free(w->flows);
	identifier_free(w->identifier);
	ndpi_bridge_free(w->bridge);
	intern_free(w->names);
	decoder_free(w->decoder);
	free(w);
}

/*
 * Answers to nobody are not believed: whoever wants to plant a name has to guess the port of a question, and
 * to send from the address that it went to. Half a message cannot be parsed.
 */
static void tell_name(struct worker *w, const struct flow_step *step, const struct packet *packet)
{
	struct dns_answer answer;

	if (packet->key.l4 != IPPROTO_UDP || step->flow->side[!step->dir].packets == 0 ||
	    packet->later_fragment || packet->payload.len != packet->payload_wire)
		return;
	if (dns_answer_read(packet->payload, &answer))
		w->intake.named(w->intake.self, &answer, packet->ts_ns);
}

static void tell_quote(struct worker *w, const struct packet *packet)
{
	if (flow_table_quote(w->flows, packet) || !w->quote_listener)
		return;
	const struct worker_quote quote = { packet->quote, packet->ts_ns, packet->icmp_type,
					    packet->icmp_code };
	w->quote_listener(w->quote_self, &quote);
}

static bool one_packet(struct worker *w, const struct packet *packet, uint64_t hash, struct error *err)
{
	struct flow_step step;

	if (!flow_table_packet(w->flows, packet, hash, &step, err))
		return false;
	if (packet_source(packet)->port == DNS_PORT)
		tell_name(w, &step, packet);
	enum flow_want want = identifier_packet(w->identifier, packet, &step);
	flow_table_settle(w->flows, packet, &step, want);
	if (packet->has_quote)
		tell_quote(w, packet);
	return true;
}

bool worker_frames(struct worker *w, const struct frame *frames, size_t count, uint64_t number,
		   struct error *err)
{
	struct packet packet[WORKER_BATCH];
	uint64_t hash[WORKER_BATCH];
	size_t packets = 0;

	/* Stage by stage over the batch: while one packet's flow comes from memory, others are worked on. */
	for (size_t i = 0; i < count; i++) {
		judge_frame(&w->counts.judge, frames[i].ts_ns);
		packets += decode_frame(w->decoder, &frames[i], number + i, &packet[packets]) == REASON_used;
	}
	w->counts.frames += count;
	for (size_t i = 0; i < packets; i++)
		hash[i] = flow_table_hash(w->flows, &packet[i]);
	for (size_t i = 0; i < packets; i++)
		flow_table_touch(w->flows, hash[i]);
	for (size_t i = 0; i < packets; i++)
		if (!one_packet(w, &packet[i], hash[i], err))
			return false;
	return true;
}

void worker_tick(struct worker *w, int64_t now_ns)
{
	flow_table_tick(w->flows, now_ns);
}

void worker_on_quote(struct worker *w, void (*listener)(void *self, const struct worker_quote *q), void *self)
{
	w->quote_listener = listener;
	w->quote_self = self;
}

void worker_quote(struct worker *w, const struct worker_quote *q)
{
	flow_table_quote_key(w->flows, &q->key, q->ts_ns, q->icmp_type, q->icmp_code);
}

static void note_identified(const struct worker *w, struct stage_counts *out)
{
	out->passed_over += identifier_passed_over(w->identifier) + ndpi_bridge_passed_over(w->bridge);
	out->unmeasured += identifier_unmeasured(w->identifier);
	out->hits_refused += identifier_hits_refused(w->identifier);
	out->patterns_untold += identifier_hits_untold(w->identifier);
}

void worker_finish(struct worker *w)
{
	flow_table_finish(w->flows);
	note_identified(w, &w->counts);
	/* The verdicts and the measurements need memory, and no flow is left to be looked at. */
	identifier_free(w->identifier);
	ndpi_bridge_free(w->bridge);
	w->identifier = NULL;
	w->bridge = NULL;
}

void worker_counts(const struct worker *w, struct stage_counts *out)
{
	*out = w->counts;
	memcpy(out->account, decoder_account(w->decoder), sizeof out->account);
	decoder_extras(w->decoder, &out->decode);
	flow_table_stats(w->flows, &out->flows);
	out->flows_alive = out->flows.flows;
	for (int i = 0; i < FLOW_END_COUNT; i++)
		out->flows_alive -= out->flows.ended[i];
	out->packets_alive = out->flows.packets - w->packets_ended;
	if (w->identifier)
		note_identified(w, out);
}

void worker_maxima_anew(struct worker *w)
{
	w->counts.judge.value[JUDGE_worst_disorder_us] = 0;
	w->counts.judge.value[JUDGE_longest_gap_s] = 0;
	flow_table_peak_anew(w->flows);
}

void stage_counts_add(struct stage_counts *sum, const struct stage_counts *one)
{
#define X(field) sum->field += one->field;
	STAGE_SUMS(X)
	STAGE_STATES(X)
#undef X
	for (int i = 0; i < FLOW_END_COUNT; i++)
		sum->flows.ended[i] += one->flows.ended[i];
	if (one->flows.peak_flows > sum->flows.peak_flows)
		sum->flows.peak_flows = one->flows.peak_flows;
	for (int i = 0; i < DECODE_REASON_COUNT; i++)
		sum->account[i] += one->account[i];
	if (sum->account[REASON_unsupported_link] == one->account[REASON_unsupported_link])
		sum->decode.unsupported_linktype = one->decode.unsupported_linktype;
	judge_add(&sum->judge, &one->judge);
}

size_t worker_calls(struct worker *w, int64_t now_ns, struct worker_call out[WORKER_CALLS_MAX])
{
	struct media_call call[WORKER_CALLS_MAX];
	int64_t from_ns = w->calls_looked_ns && w->calls_looked_ns < now_ns ? w->calls_looked_ns : now_ns;
	size_t calls = w->identifier ? identifier_calls(w->identifier, from_ns - CALL_QUIET_NS, call,
							WORKER_CALLS_MAX)
				     : 0;

	w->calls_looked_ns = now_ns;
	for (size_t i = 0; i < calls; i++) {
		const struct flow *flow = call[i].flow;
		out[i] = (struct worker_call){ .first_ns = flow->first_ns,
					       .began_ns = call[i].began_ns,
					       .initiator = *flow_initiator(flow),
					       .responder = *flow_responder(flow),
					       .packets = flow->side[0].packets + flow->side[1].packets };
	}
	return calls;
}
