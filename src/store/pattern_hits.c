/*
 * Flows with packets that fit a pattern: kept while flows get their labels, for their rows come behind those
 * of the flows. See resolve.h.
 */
#include "store/resolve.h"
#include <string.h>

#define HITS_MEMORY (256U << 10) /* about 2000 hits; more wait in a file */

/* What a row of a hit says of its flow; its hits follow. Plain data, names as in struct flow_record. */
struct hit_flow {
	uint64_t first_packet;
	const char *label, *protocol;
	struct endpoint initiator, responder;
	uint32_t client;
	uint8_t l4, source, hits, zero[5];
};
_Static_assert(sizeof(struct hit_flow) == 72, "written to the spool as bytes: no padding");

bool pattern_hits_keep(struct resolution *res, const struct flow_row *row, const struct pattern_hit *hits,
		       struct error *err)
{
	const struct flow_record *r = row->flow;
	const struct hit_flow f = {
		.first_packet = r->first_packet,
		.label = r->label,
		.protocol = row->protocol,
		.initiator = r->initiator,
		.responder = r->responder,
		.client = row->client,
		.l4 = r->l4,
		.source = (uint8_t)row->source,
		.hits = r->hits,
	};

	if (!res->hits && !(res->hits = spool_new(HITS_MEMORY, err)))
		return false;
	return spool_append(res->hits, (struct span){ (const uint8_t *)&f, sizeof f },
			    (struct span){ (const uint8_t *)hits, r->hits * sizeof *hits }, err);
}

static bool put_hits(struct sink *sink, struct span record, struct error *err)
{
	struct hit_flow f;
	bool ok = true;

	memcpy(&f, record.ptr, sizeof f);
	const struct flow_record flow = {
		.first_packet = f.first_packet,
		.initiator = f.initiator,
		.responder = f.responder,
		.l4 = f.l4,
		.label = f.label,
	};
	const struct flow_row labelled = {
		.flow = &flow,
		.protocol = f.protocol,
		.source = (enum label_source)f.source,
		.client = f.client,
	};
	for (unsigned i = 0; ok && i < f.hits; i++) {
		struct pattern_hit hit;
		unsigned protocol;
		memcpy(&hit, record.ptr + sizeof f + i * sizeof hit, sizeof hit);
		const struct packet_pattern *pattern = pattern_numbered(hit.pattern, &protocol);
		const struct pattern_hit_row row = {
			.protocol = protocols[protocol]->name,
			.pattern = pattern->name,
			.flow = &labelled,
			.dir = (enum direction)hit.dir,
			.packet = hit.packet,
			.ts_ns = hit.ts_ns,
		};
		ok = sink->ops->put_pattern_hit(sink, &row, err);
	}
	return ok;
}

static bool put_patterns(struct sink *sink, struct error *err)
{
	const struct packet_pattern *pattern;
	char definition[PATTERN_TEXT];
	unsigned protocol;
	bool ok = true;

	for (unsigned n = 0; ok && (pattern = pattern_numbered(n, &protocol)); n++) {
		pattern_describe(pattern, definition);
		const struct pattern_row row = { protocols[protocol]->name, pattern->name, pattern->words,
						 definition };
		ok = sink->ops->put_pattern(sink, &row, err);
	}
	return ok;
}

bool pattern_hits_put(const struct resolution *res, struct error *err)
{
	struct span record;
	bool failed = false;

	if (!put_patterns(res->sink, err))
		return false;
	if (!res->hits)
		return true;
	if (!spool_rewind(res->hits, err))
		return false;
	while (spool_next(res->hits, &record, &failed, err))
		if (!put_hits(res->sink, record, err))
			return false;
	return !failed;
}
