/*
 * A closed flow as the aggregator keeps it until its label is final: plain data (it may be written to a file
 * and read back in the same run), pointers to static or interned names only.
 */
#ifndef FS_IDENTIFY_RECORD_H
#define FS_IDENTIFY_RECORD_H
#include "flow/message_log.h"
#include "identify/dissector.h"

struct flow_record {
	uint64_t first_packet, last_packet;
	int64_t first_ns, last_ns;
	int64_t log_after_ns; /* the log's first gap counts from first_ns + this: see flow.log_from_ns */
	struct endpoint initiator, responder;
	uint8_t l4, end_reason, tcp_flags;
	uint8_t icmp_type, icmp_code;
	int8_t protocol; /* of label; -1 none */
	bool ndpi_by_payload;
	bool measured;   /* its media was reported */
	uint8_t role;    /* enum flow_role, told by its payload; after verdicts: final */
	bool syn_seen;   /* TCP: the start of the connection was captured */
	bool echo_asked; /* ICMP: the initiator sent an echo request */
	uint8_t hits;    /* of patterns, which follow behind the message log */
	uint16_t icmp_errors, duplicates, disordered;
	uint16_t sizes;            /* entries of the message log that follow, each a message */
	uint16_t thinned;          /* ... and behind them those of its thinned part */
	uint32_t matched, refused; /* dissectors, as in flow_identity */
	float bits;                /* evidence about the flow itself */
	const char *label;         /* of a dissector, or NULL; after verdicts: final, never NULL */
	const char *ndpi_label;    /* or NULL */
	struct flow_side side[2];  /* by enum direction */
};
/* Of enum flow_role: the names in the database, and a few words for people. */
extern const char *const flow_role_names[ROLE_COUNT];
extern const char *const flow_role_words[ROLE_COUNT];
/* The messages of a record's log, and the time that its first gap counts from. */
static inline int64_t flow_record_log_from(const struct flow_record *r)
{
	return r->first_ns + r->log_after_ns;
}
static inline struct message_reader flow_record_messages(const struct flow_record *r,
							 const struct logged_message *log)
{
	return message_reader_on(log, r->sizes, flow_record_log_from(r));
}
void flow_record_from(struct flow_record *r, const struct flow *flow, enum flow_end why);
#endif
