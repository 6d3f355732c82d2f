/* What each kind of fact holds, field by field, for writing and for reading; see facts_io.h. */
#include "store/facts_io.h"

static void io_protocol(struct facts_io *io, uint8_t *protocol)
{
	IO_NUMBER(io, *protocol, protocol_count - 1);
}

static void io_protocol_or_none(struct facts_io *io, int8_t *protocol)
{
	unsigned above = (unsigned)(*protocol + 1);

	IO_NUMBER(io, above, protocol_count);
	*protocol = (int8_t)((int)above - 1);
}

static void io_observation(struct facts_io *io, struct observation *o)
{
	io_time(io, &o->ts_ns);
	io_packet(io, &o->packet);
	io_packet(io, &o->flow);
	io_endpoint(io, &o->from);
	io_endpoint(io, &o->to);
	IO_NUMBER(io, o->l4, UINT8_MAX);
	io_protocol(io, &o->protocol);
	IO_NUMBER(io, o->kind, UINT8_MAX);
	io->failed |= o->kind >= protocols[o->protocol]->kind_count;
	IO_NUMBER(io, o->dissector, dissector_count - 1U);
	IO_NUMBER(io, o->value, UINT32_MAX);
	IO_NUMBER(io, o->has_head, 1);
	if (o->has_head)
		io_bytes(io, o->head, sizeof o->head);
}

static void io_event(struct facts_io *io, struct event *e)
{
	IO_NUMBER(io, e->type, EVENT_ROUND_TRIP);
	switch (e->type) {
	case EVENT_MESSAGE:
		IO_NUMBER(io, e->of.message.bytes, UINT32_MAX);
		io_text(io, &e->of.message.what);
		io->failed |= !e->of.message.what;
		break;
	case EVENT_EXCHANGE:
		io_text(io, &e->of.exchange.role);
		io_text(io, &e->of.exchange.form);
		IO_NUMBER(io, e->of.exchange.outcome, OUTCOME_FAILURE);
		break;
	case EVENT_VERSION_CHECK:
		io_text(io, &e->of.version.action);
		io->failed |= !e->of.version.action;
		io_chars(io, e->of.version.version, sizeof e->of.version.version);
		io_chars(io, e->of.version.host, sizeof e->of.version.host);
		io_chars(io, e->of.version.platform, sizeof e->of.version.platform);
		break;
	case EVENT_MEDIA_PATH:
		IO_NUMBER(io, e->of.path.way, MEDIA_WAY_RELAYED);
		io_endpoint(io, &e->of.path.reflexive[0]);
		io_endpoint(io, &e->of.path.reflexive[1]);
		io_endpoint(io, &e->of.path.relayed);
		io_endpoint(io, &e->of.path.peer);
		break;
	case EVENT_ROUND_TRIP:
		io_time(io, &e->of.round_trip.asked_ns);
		IO_NUMBER(io, e->of.round_trip.question, UINT32_MAX);
		IO_NUMBER(io, e->of.round_trip.reply, UINT32_MAX);
		IO_NUMBER(io, e->of.round_trip.repeated, 1);
		break;
	}
}

static void io_occurrence(struct facts_io *io, struct occurrence *o)
{
	io_time(io, &o->ts_ns);
	io_packet(io, &o->packet);
	io_packet(io, &o->flow);
	io_endpoint(io, &o->initiator);
	io_endpoint(io, &o->responder);
	IO_NUMBER(io, o->dir, TO_INITIATOR);
	io_protocol(io, &o->protocol);
	io_event(io, &o->event);
}

static void io_voice(struct facts_io *io, struct nbc_belief *b)
{
	int64_t mode = b->codec_mode, framing = b->framing_ms;

	IO_NUMBER(io, b->windows, UINT32_MAX);
	if (b->windows == 0)
		return;
	io_float(io, &b->size);
	io_float(io, &b->gap);
	io_float(io, &b->belief);
	io_i64(io, &mode);
	io_i64(io, &framing);
	io->failed |= mode < -1 || mode > INT16_MAX || framing < 0 || framing > INT16_MAX;
	b->codec_mode = io->failed ? -1 : (int)mode;
	b->framing_ms = io->failed ? 0 : (int)framing;
}

static void io_stream(struct facts_io *io, struct stream_report *s)
{
	IO_NUMBER(io, s->stream, UINT32_MAX);
	IO_NUMBER(io, s->dir, TO_INITIATOR);
	io_packet(io, &s->first_packet);
	io_time(io, &s->first_ns);
	io_time(io, &s->last_ns);
	io_u64(io, &s->packets);
	io_u64(io, &s->payload);
	IO_NUMBER(io, s->size_min, UINT32_MAX);
	IO_NUMBER(io, s->size_max, UINT32_MAX);
	io_float(io, &s->size_mean);
	io_float(io, &s->size_sd);
	io_float(io, &s->gap_mean_ms);
	io_float(io, &s->gap_sd_ms);
	io_u64(io, &s->large);
	IO_NUMBER(io, s->sequenced, 1);
	io_u64(io, &s->expected);
	io_u64(io, &s->lost);
	io_u64(io, &s->duplicates);
	io_u64(io, &s->reordered);
	IO_NUMBER(io, s->has_jitter, 1);
	io_float(io, &s->jitter_mean_ms);
	io_float(io, &s->jitter_max_ms);
	IO_NUMBER(io, s->clock_hz, UINT32_MAX);
	IO_NUMBER(io, s->payload_type, UINT8_MAX);
	io_text(io, &s->codec);
	IO_NUMBER(io, s->media, MEDIA_OTHER);
	io_u64(io, &s->comfort_noise);
	IO_NUMBER(io, s->csc_messages, UINT16_MAX);
	IO_NUMBER(io, s->csc_above, UINT16_MAX);
	io_voice(io, &s->voice);
}

static void io_media(struct facts_io *io, struct media_report *r)
{
	io_packet(io, &r->flow);
	io_protocol_or_none(io, &r->protocol);
	IO_NUMBER(io, r->sampled, 1);
	io->failed |= r->sampled && r->protocol < 0; /* a dissector's word, and so its protocol's */
	bool talked = r->talk_first_ns || r->talk_last_ns;
	IO_NUMBER(io, talked, 1);
	if (talked) {
		io_time(io, &r->talk_first_ns);
		io_time(io, &r->talk_last_ns);
	}
	for (int dir = 0; dir < 2; dir++) {
		IO_NUMBER(io, r->busy_seconds[dir], UINT32_MAX);
		IO_NUMBER(io, r->quiet_seconds[dir], UINT32_MAX);
		IO_NUMBER(io, r->outside[dir], UINT32_MAX);
		io_u64(io, &r->outside_bytes[dir]);
		io_float(io, &r->round_trip_ms[dir]);
	}
	IO_NUMBER(io, r->control, UINT32_MAX);
	IO_NUMBER(io, r->holds_missed, UINT32_MAX);
	IO_NUMBER(io, r->streams_missed, UINT32_MAX);
	IO_NUMBER(io, r->holds, MEDIA_HOLDS_MAX);
	for (uint32_t i = 0; i < r->holds; i++) {
		io_time(io, &r->hold[i].first_ns);
		io_time(io, &r->hold[i].last_ns);
		for (int dir = 0; dir < 2; dir++) {
			IO_NUMBER(io, r->hold[i].messages[dir], UINT32_MAX);
			io_u64(io, &r->hold[i].bytes[dir]);
		}
	}
	IO_NUMBER(io, r->streams, MEDIA_STREAMS_MAX);
	for (uint32_t i = 0; i < r->streams; i++)
		io_stream(io, &r->stream[i]);
}

static void io_side(struct facts_io *io, struct flow_side *s)
{
	io_u64(io, &s->packets);
	if (s->packets == 0)
		return;
	io_time(io, &s->first_ns);
	io_time(io, &s->last_ns);
	io_u64(io, &s->ip_bytes);
	io_u64(io, &s->payload_bytes);
	io_u64(io, &s->payload_wire);
	IO_NUMBER(io, s->messages, UINT32_MAX);
	IO_NUMBER(io, s->retransmitted, UINT32_MAX);
	IO_NUMBER(io, s->first_size, UINT32_MAX);
}

static void io_log(struct facts_io *io, struct flow_record *r, struct logged_message *log)
{
	const unsigned messages = (unsigned)r->sizes + r->thinned;

	for (unsigned i = 0; i < messages; i++) {
		uint64_t gap = (uint64_t)log[i].gap << 1 | log[i].dir;
		gap = io_limited(io, gap, (uint64_t)UINT32_MAX << 1 | TO_INITIATOR);
		log[i].gap = (uint32_t)(gap >> 1);
		log[i].dir = (uint8_t)(gap & 1);
		if (i < r->sizes) /* the thinned part has none */
			IO_NUMBER(io, log[i].size, MESSAGE_SIZE_MAX);
		else
			log[i].size = 0;
		log[i].zero = 0;
	}
	for (unsigned i = 0; i < r->hits; i++) {
		struct pattern_hit hit;
		void *at = log + messages + i * PATTERN_HIT_ENTRIES;
		memcpy(&hit, at, sizeof hit);
		io_time(io, &hit.ts_ns);
		io_packet(io, &hit.packet);
		io_packet(io, &hit.flow);
		IO_NUMBER(io, hit.pattern, pattern_count() - 1U);
		IO_NUMBER(io, hit.dir, TO_INITIATOR);
		memset(hit.zero, 0, sizeof hit.zero);
		memcpy(at, &hit, sizeof hit);
	}
}

static void io_flow(struct facts_io *io, struct flow_record *r, struct logged_message *log)
{
	const uint32_t all = (uint32_t)((UINT64_C(1) << dissector_count) - 1);

	io_packet(io, &r->first_packet);
	io_packet(io, &r->last_packet);
	io_time(io, &r->first_ns);
	io_time(io, &r->last_ns);
	io_i64(io, &r->log_after_ns);
	io->failed |= r->log_after_ns < -FRAME_TIME_MAX || r->log_after_ns > FRAME_TIME_MAX;
	io_endpoint(io, &r->initiator);
	io_endpoint(io, &r->responder);
	IO_NUMBER(io, r->l4, UINT8_MAX);
	IO_NUMBER(io, r->end_reason, FLOW_END_COUNT - 1);
	IO_NUMBER(io, r->tcp_flags, UINT8_MAX);
	IO_NUMBER(io, r->icmp_type, UINT8_MAX);
	IO_NUMBER(io, r->icmp_code, UINT8_MAX);
	io_protocol_or_none(io, &r->protocol);
	IO_NUMBER(io, r->ndpi_by_payload, 1);
	IO_NUMBER(io, r->measured, 1);
	IO_NUMBER(io, r->role, ROLE_COUNT - 1);
	IO_NUMBER(io, r->syn_seen, 1);
	IO_NUMBER(io, r->echo_asked, 1);
	IO_NUMBER(io, r->icmp_errors, UINT16_MAX);
	IO_NUMBER(io, r->duplicates, UINT16_MAX);
	IO_NUMBER(io, r->disordered, UINT16_MAX);
	IO_NUMBER(io, r->matched, all);
	IO_NUMBER(io, r->refused, all);
	io_float(io, &r->bits);
	io_text(io, &r->label);
	io_text(io, &r->ndpi_label);
	/* A label is a dissector's, and so its protocol's. */
	io->failed |= r->label && r->protocol < 0;
	io_side(io, &r->side[0]);
	io_side(io, &r->side[1]);
	IO_NUMBER(io, r->hits, pattern_count() ? FACTS_HITS_MAX : 0);
	IO_NUMBER(io, r->sizes, MESSAGE_LOG_MAX);
	IO_NUMBER(io, r->thinned, MESSAGE_THIN_MAX);
	io_log(io, r, log);
}

static void io_name(struct facts_io *io, struct dns_answer *a, int64_t *ts_ns)
{
	struct endpoint e = { .port = 0 };

	io_time(io, ts_ns);
	io_chars(io, a->name, sizeof a->name);
	for (const char *c = a->name; *c; c++)
		io->failed |= *c < ' ' || *c > '~';
	IO_NUMBER(io, a->addresses, DNS_ADDRESSES_MAX);
	for (unsigned i = 0; i < a->addresses; i++) {
		e.ip = a->address[i];
		io_endpoint(io, &e);
		a->address[i] = e.ip;
	}
}

static void io_judge(struct facts_io *io, struct judge *j)
{
	IO_NUMBER(io, j->begun, 1);
	if (j->begun) {
		io_time(io, &j->first_ns);
		io_time(io, &j->greatest_ns);
		io_time(io, &j->last_ns);
		io->failed |= j->first_ns > j->last_ns || j->last_ns > j->greatest_ns;
	}
	for (int i = 0; i < JUDGEMENT_COUNT; i++)
		io_u64(io, &j->value[i]);
	io_u64(io, &j->steps_back);
}

static void io_counts(struct facts_io *io, struct stage_counts *c)
{
	int64_t link = c->decode.unsupported_linktype;

#define X(field) io_u64(io, &c->field);
	STAGE_SUMS(X)
	STAGE_STATES(X)
#undef X
	for (int i = 0; i < DECODE_REASON_COUNT; i++)
		io_u64(io, &c->account[i]);
	for (int i = 0; i < FLOW_END_COUNT; i++)
		io_u64(io, &c->flows.ended[i]);
	IO_NUMBER(io, c->flows.peak_flows, UINT32_MAX);
	io_i64(io, &link);
	c->decode.unsupported_linktype = link >= -1 && link <= INT32_MAX ? (int)link : -1;
	io_judge(io, &c->judge);
}

bool facts_record_head(struct facts_io *io, int64_t stamp_ns)
{
	IO_NUMBER(io, io->kind, FACT_KINDS - 1);
	io_time(io, &stamp_ns);
	io->stamp_ns = stamp_ns;
	return !io->failed && !io->in.failed;
}

/* Of one kind alone: the report on media is larger than all others by far. */
static void forget(struct fact *fact, enum fact_kind kind)
{
	static const size_t size[FACT_KINDS] = {
		[FACT_OBSERVATION] = sizeof fact->of.observation,
		[FACT_OCCURRENCE] = sizeof fact->of.occurrence,
		[FACT_MEDIA] = sizeof fact->of.media,
		[FACT_FLOW] = sizeof fact->of.flow,
		[FACT_NAME] = sizeof fact->of.name,
		[FACT_COUNTS] = sizeof fact->of.counts,
	};

	memset(&fact->of, 0, size[kind]);
}

bool facts_record(struct facts_io *io, struct fact *fact)
{
	if (!io->writing)
		forget(fact, io->kind);
	switch (io->kind) {
	case FACT_OBSERVATION:
		io_observation(io, &fact->of.observation);
		break;
	case FACT_OCCURRENCE:
		io_occurrence(io, &fact->of.occurrence);
		break;
	case FACT_MEDIA:
		io_media(io, &fact->of.media);
		break;
	case FACT_FLOW:
		io_flow(io, &fact->of.flow, fact->log);
		break;
	case FACT_NAME:
		io_name(io, &fact->of.name.answer, &fact->of.name.ts_ns);
		break;
	case FACT_COUNTS:
		io_counts(io, &fact->of.counts.counts);
		io_time(io, &fact->of.counts.first_ns);
		io_time(io, &fact->of.counts.last_ns);
		io->failed |= fact->of.counts.first_ns > fact->of.counts.last_ns;
		break;
	default:
		io->failed = true;
	}
	return !io->failed && !io->in.failed;
}
