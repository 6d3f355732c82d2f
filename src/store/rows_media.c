/* The rows about media: calls, their holds, and streams. Units and meanings are in schema.sql. */
#include "store/cells.h"

static const char *const ways[] = {
	[MEDIA_WAY_UNKNOWN] = NULL, [MEDIA_WAY_DIRECT] = "direct", [MEDIA_WAY_RELAYED] = "relayed"
};
static const char *const silences[] = {
	[SILENCE_UNKNOWN] = NULL, [SILENCE_SENT] = "sent", [SILENCE_SUPPRESSED] = "suppressed"
};
static const char *const kinds[] = {
	[MEDIA_UNKNOWN] = NULL, [MEDIA_AUDIO] = "audio", [MEDIA_VIDEO] = "video", [MEDIA_OTHER] = "other"
};
static const char *const verdicts[] = {
	[MEDIA_NOT] = "", [MEDIA_VOIP_LIKE] = "voip-like", [MEDIA_ONE_WAY] = "one-way", [MEDIA_CALL] = "call"
};

/* Columns of one side of a call; the names are static, so there is a list of them for each. */
struct side_columns {
	const char *packets, *payload, *size_min, *size_max, *rate, *bandwidth, *codec, *estimated, *silence,
		*mos, *assumed;
};
static const struct side_columns side_out = {
	"packets_out", "payload_out",   "size_min_out",   "size_max_out",
	"rate_out",    "bandwidth_out", "codec_out",      "codec_estimated_out",
	"silence_out", "mos_out",       "mos_assumed_out"
};
static const struct side_columns side_in = {
	"packets_in", "payload_in",         "size_min_in", "size_max_in", "rate_in",       "bandwidth_in",
	"codec_in",   "codec_estimated_in", "silence_in",  "mos_in",      "mos_assumed_in"
};

static void add_side(struct row *r, const struct side_columns *name, const struct call_side *side)
{
	bool any = side->packets > 0;

	add_count(r, name->packets, side->packets);
	add_count(r, name->payload, side->payload);
	add_count_or_null(r, name->size_min, any, side->size_min);
	add_count_or_null(r, name->size_max, any, side->size_max);
	add_real_or_null(r, name->rate, any, (double)side->rate);
	add_real_or_null(r, name->bandwidth, any, (double)side->bandwidth);
	add_text_or_null(r, name->codec, side->codec);
	add_count_or_null(r, name->estimated, side->codec, side->codec_estimated);
	add_text_or_null(r, name->silence, silences[side->silence]);
	add_real_or_null(r, name->mos, side->mos > 0, (double)side->mos);
	add_count_or_null(r, name->assumed, side->mos > 0, side->mos_assumed);
}

static void add_endpoint_or_null(struct row *r, const char *ip, const char *port, const struct endpoint *e)
{
	if (e->port)
		add_ip(r, ip, &e->ip);
	else
		add_null(r, ip);
	add_count_or_null(r, port, e->port, e->port);
}

static const char *transport_of(const struct call *call)
{
	return call->l4 == 0 ? "udp+tcp" : call->l4 == IPPROTO_TCP ? "tcp" : "udp";
}

static const char *media_of(const struct call *call)
{
	if (call->video)
		return call->audio ? "audio+video" : "video";
	return call->audio ? "audio" : "other";
}

bool row_put_call(struct sink *s, const struct call_row *row, struct error *err)
{
	const struct call *call = row->call;
	struct row *r = begin(s, ROW_call);

	add_integer(r, "call", row->id);
	add_text(r, "protocol", row->protocol);
	add_text(r, "basis", media_basis_names[call->basis]);
	add_text(r, "media", media_of(call));
	add_ip(r, "near_ip", &call->near.ip);
	add_integer(r, "near_port", call->near.port);
	add_ip(r, "far_ip", &call->far.ip);
	add_integer(r, "far_port", call->far.port);
	add_integer(r, "near_began", call->near_began);
	add_text(r, "transport", transport_of(call));
	add_text_or_null(r, "route", ways[call->way]);
	add_endpoint_or_null(r, "public_ip", "public_port", &call->near_public);
	add_endpoint_or_null(r, "peer_ip", "peer_port", &call->behind);
	add_real_or_null(r, "round_trip_ms", call->round_trip_ms > 0, (double)call->round_trip_ms);
	add_integer(r, "first_ns", call->first_ns);
	add_integer(r, "last_ns", call->last_ns);
	add_integer(r, "flows", call->flows);
	add_side(r, &side_out, &call->side[TO_RESPONDER]);
	add_side(r, &side_in, &call->side[TO_INITIATOR]);
	add_integer(r, "holds", call->holds);
	add_integer(r, "hold_ns", call->hold_ns);
	add_count_or_null(r, "conference", call->conference > 0, call->conference);
	add_count_or_null(r, "client", call->client > 0, call->client);
	return end(s, r, err);
}

bool row_put_hold(struct sink *s, const struct hold_row *row, struct error *err)
{
	struct row *r = begin(s, ROW_hold);

	add_integer(r, "call", row->call);
	add_integer(r, "n", row->n);
	add_integer(r, "first_ns", row->hold.first_ns);
	add_integer(r, "last_ns", row->hold.last_ns);
	return end(s, r, err);
}

static void add_statistics(struct row *r, const struct stream_row *row)
{
	const struct stream_report *m = row->stream;
	bool voice = m->voice.windows > 0;

	add_integer(r, "csc_messages", m->csc_messages);
	add_integer(r, "csc_above", m->csc_above);
	add_integer(r, "windows", m->voice.windows);
	add_real_or_null(r, "belief_size", voice, (double)m->voice.size);
	add_real_or_null(r, "belief_gap", voice, (double)m->voice.gap);
	add_text_or_null(r, "estimate", row->estimate);
	add_count_or_null(r, "framing_ms", voice && m->voice.framing_ms > 0, (uint64_t)m->voice.framing_ms);
}

bool row_put_stream(struct sink *s, const struct stream_row *row, struct error *err)
{
	const struct stream_report *m = row->stream;
	struct row *r = begin(s, ROW_stream);

	add_count(r, "flow", row->flow->report->flow);
	add_integer(r, "n", row->n);
	add_count_or_null(r, "call", row->flow->call > 0, row->flow->call);
	add_text(r, "verdict", verdicts[row->flow->verdict]);
	add_text(r, "basis", media_basis_names[row->flow->basis]);
	add_proto(r, "proto", row->flow->l4);
	add_ip(r, "initiator_ip", &row->flow->initiator.ip);
	add_integer(r, "initiator_port", row->flow->initiator.port);
	add_ip(r, "responder_ip", &row->flow->responder.ip);
	add_integer(r, "responder_port", row->flow->responder.port);
	add_text(r, "direction", m->dir == TO_RESPONDER ? "out" : "in");
	add_count_or_null(r, "stream", m->sequenced, m->stream);
	add_count_or_null(r, "payload_type", m->sequenced, m->payload_type);
	add_text_or_null(r, "codec", m->codec);
	add_text_or_null(r, "media", kinds[m->media]);
	add_integer(r, "first_ns", m->first_ns);
	add_integer(r, "last_ns", m->last_ns);
	add_count(r, "first_packet", m->first_packet);
	add_count(r, "packets", m->packets);
	add_count(r, "payload", m->payload);
	add_integer(r, "size_min", m->size_min);
	add_integer(r, "size_max", m->size_max);
	add_real_or_null(r, "size_mean", true, (double)m->size_mean);
	add_real_or_null(r, "size_sd", true, (double)m->size_sd);
	add_real_or_null(r, "gap_ms", m->gap_mean_ms > 0, (double)m->gap_mean_ms);
	add_real_or_null(r, "gap_sd_ms", m->gap_mean_ms > 0, (double)m->gap_sd_ms);
	add_count(r, "large", m->large);
	/* Over TCP a message that is not seen whole in one segment is missing here, and nowhere else. */
	bool told = m->sequenced && row->flow->l4 == IPPROTO_UDP;
	add_count_or_null(r, "expected", told, m->expected);
	add_count_or_null(r, "lost", told, m->lost);
	add_count_or_null(r, "duplicates", m->sequenced, m->duplicates);
	add_count_or_null(r, "reordered", m->sequenced, m->reordered);
	add_count_or_null(r, "clock_hz", m->clock_hz > 0, m->clock_hz);
	add_real_or_null(r, "jitter_ms", m->has_jitter, (double)m->jitter_mean_ms);
	add_real_or_null(r, "jitter_max_ms", m->has_jitter, (double)m->jitter_max_ms);
	add_count(r, "comfort_noise", m->comfort_noise);
	add_statistics(r, row);
	add_real_or_null(r, "mos", row->mos > 0, (double)row->mos);
	add_count_or_null(r, "mos_assumed", row->mos > 0, row->mos_assumed);
	return end(s, r, err);
}
