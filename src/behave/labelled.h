/*
 * What the measurements are made of: the flows of recognised clients, with everything decided. A UDP flow
 * between two clients comes twice, once from either side.
 */
#ifndef FS_BEHAVE_LABELLED_H
#define FS_BEHAVE_LABELLED_H
#include "behave/pairs.h"

/* A recognised client socket, by its number. */
struct measured_client {
	struct endpoint socket;
	uint8_t protocol;
	bool recognised; /* else suspected: no flow of it comes */
	bool internal;   /* D5 */
	bool has_public; /* its peers agree how they see it */
	struct ip public_ip;
	int64_t first_ns, last_ns; /* of its UDP flows (D13); valid if peers > 0 */
	uint32_t peers;
	uint64_t signalling_packets, media_packets; /* over UDP */
};

struct labelled_flow {
	const struct flow_record *r;      /* final: label, protocol, role */
	const struct logged_message *log; /* r->sizes messages; none of a flow in which nothing looked like
					     the protocol. Of longer flows than MESSAGE_LOG_MAX r->thinned
					     entries without a size are behind them, see message_log.h */
	uint32_t client;                  /* number, 1.. */
	uint8_t protocol;
	bool client_is_initiator;
	bool media; /* D11; else signalling */
	/* UDP, and kept (--max-pairs): else NULL. The index tells pairs apart, 0 .. pair_table_count() - 1.
	 */
	const struct pair *pair;
	uint32_t pair_index;
	bool pair_first;               /* no flow of the pair came before, in this pass */
	enum pair_class class;         /* of the pair; without one PAIR_CLASS_COUNT */
	const struct endpoint *remote; /* the other end */
};

static inline const struct flow_side *labelled_out(const struct labelled_flow *f)
{
	return &f->r->side[f->client_is_initiator ? TO_RESPONDER : TO_INITIATOR];
}
static inline const struct flow_side *labelled_in(const struct labelled_flow *f)
{
	return &f->r->side[f->client_is_initiator ? TO_INITIATOR : TO_RESPONDER];
}
/* Whether a message with this direction was sent by the client. */
static inline bool labelled_is_out(const struct labelled_flow *f, enum direction dir)
{
	return (dir == TO_RESPONDER) == f->client_is_initiator;
}
#endif
