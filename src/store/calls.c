/* Calls on their way into the sink; see calls.h. */
#include "store/calls.h"
#include <stdlib.h>

bool calls_note(struct call_table *calls, const struct candidates *c, struct flow_record *r,
		const struct flow_row *row, struct error *err)
{
	const struct media_report *report = r->measured ? call_table_find(calls, r->first_packet) : NULL;

	if (!report)
		return true;
	struct media_flow flow = {
		.report = report,
		.initiator = r->initiator,
		.responder = r->responder,
		.initiator_internal = socket_table_internal(c->sockets, &r->initiator.ip),
		.responder_internal = socket_table_internal(c->sockets, &r->responder.ip),
		.l4 = r->l4,
		.protocol = row->protocol ? r->protocol : -1,
		.client = row->client,
		.path = call_table_find_path(calls, r->first_packet),
	};
	for (unsigned p = 0; p < protocol_count; p++) {
		if (client_of_host(c, p, &r->initiator.ip) || client_of_host(c, p, &r->responder.ip))
			flow.hosts_with_client |= UINT32_C(1) << p;
		if (!contradicted(r, protocols[p]) && candidates_cut_off(c, p, &r->initiator.ip) &&
		    candidates_second_connection(c, r))
			flow.hosts_cut_off |= UINT32_C(1) << p;
	}
	media_judge(&flow);
	if (flow.verdict == MEDIA_NOT)
		return true;
	if (flow.verdict == MEDIA_CALL && row->protocol)
		r->role = ROLE_media;
	/* The flow of a client whose UDP is blocked has no label, but the call is the client's. */
	if (flow.verdict == MEDIA_CALL && r->l4 == IPPROTO_TCP && !flow.client && flow.protocol >= 0) {
		flow.client = client_of_host(c, (unsigned)flow.protocol, &r->initiator.ip);
		if (!flow.client)
			flow.client = client_of_host(c, (unsigned)flow.protocol, &r->responder.ip);
	}
	return call_table_add(calls, &flow, err);
}

static bool put_stream(const struct media_flow *flow, uint32_t n, const struct voice_models *models,
		       struct sink *sink, struct error *err)
{
	const struct stream_report *s = &flow->report->stream[n];
	bool accepted = models && s->voice.windows > 0 && s->voice.codec_mode >= 0;
	bool assumed;
	float mos = stream_mos(s, flow->l4, report_round_trip(flow->report), &assumed);
	const struct stream_row row = {
		.flow = flow,
		.stream = s,
		.n = n + 1,
		.estimate = accepted ? voice_models_name(models, (unsigned)s->voice.codec_mode) : NULL,
		.mos = mos,
		.mos_assumed = assumed,
	};

	return sink->ops->put_stream(sink, &row, err);
}

/* Numbered within each call. */
static bool put_holds(const struct call_table *calls, struct sink *sink, struct error *err)
{
	uint32_t call = 0, n = 0;

	for (uint32_t i = 0; i < call_table_hold_count(calls); i++) {
		const struct call_hold *hold = call_table_hold_at(calls, i);
		n = hold->call == call ? n + 1 : 1;
		call = hold->call;
		const struct hold_row row = { call, n, hold->period };
		if (!sink->ops->put_hold(sink, &row, err))
			return false;
	}
	return true;
}

bool calls_put(const struct call_table *calls, const struct voice_models *models, struct sink *sink,
	       struct error *err)
{
	for (uint32_t i = 0; i < call_table_count(calls); i++) {
		const struct call *call = call_table_at(calls, i);
		const struct call_row row = { .id = i + 1,
					      .protocol = protocols[call->protocol]->name,
					      .call = call };
		if (!sink->ops->put_call(sink, &row, err))
			return false;
	}
	if (!put_holds(calls, sink, err))
		return false;
	for (uint32_t i = 0; i < call_table_flow_count(calls); i++) {
		const struct media_flow *flow = call_table_flow_at(calls, i);
		for (uint32_t n = 0; n < flow->report->streams; n++)
			if (!put_stream(flow, n, models, sink, err))
				return false;
	}
	return true;
}
