/* A closed flow, copied out of the flow table; see record.h. */
#include "identify/record.h"

const char *const flow_role_names[ROLE_COUNT] = {
#define X(name, words) #name,
	FLOW_ROLES(X)
#undef X
};
const char *const flow_role_words[ROLE_COUNT] = {
#define X(name, words) words,
	FLOW_ROLES(X)
#undef X
};

void flow_record_from(struct flow_record *r, const struct flow *flow, enum flow_end why)
{
	uint16_t sizes = flow->sizes_count < MESSAGE_LOG_MAX ? flow->sizes_count : MESSAGE_LOG_MAX;

	*r = (struct flow_record){
		.first_packet = flow->first_packet,
		.last_packet = flow->last_packet,
		.first_ns = flow->first_ns,
		.last_ns = flow->last_ns,
		.log_after_ns = sizes ? flow->log_from_ns - flow->first_ns : 0,
		.initiator = *flow_initiator(flow),
		.responder = *flow_responder(flow),
		.l4 = flow->key.l4,
		.end_reason = (uint8_t)why,
		.tcp_flags = flow->tcp_flags,
		.icmp_type = flow->icmp_type,
		.icmp_code = flow->icmp_code,
		.protocol = flow->id.protocol,
		.ndpi_by_payload = flow->id.ndpi_by_payload,
		.measured = flow->id.measured,
		.role = flow->id.role,
		.syn_seen = flow->tcp[TO_RESPONDER].syn,
		.echo_asked = flow->echo_asked,
		.icmp_errors = flow->icmp_errors,
		.duplicates = flow->duplicates,
		.disordered = flow->disordered,
		.sizes = sizes,
		.thinned = (uint16_t)(flow->sizes_count - sizes),
		.matched = flow->id.matched,
		.refused = flow->id.refused,
		.bits = flow->id.bits,
		.label = flow->id.label,
		.ndpi_label = flow->id.ndpi_label,
		.side = { flow->side[0], flow->side[1] },
	};
}
