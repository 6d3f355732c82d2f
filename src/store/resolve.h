/* The aggregator's insides, shared by aggregate.c (while the input lasts) and resolve.c (when it ends). */
#ifndef FS_STORE_RESOLVE_H
#define FS_STORE_RESOLVE_H
#include "base/hash.h"
#include "base/row_index.h"
#include "store/aggregate.h"
#include "store/calls.h"
#include "store/label.h"
#include "store/spool.h"
#include "store/totals.h"

/* Kinds of evidence about single flows, for each protocol: a flood of one must not hide another's. */
#define FLOW_EVIDENCE_MAX 100000U

struct flow_evidence {
	uint64_t flow;
	uint8_t protocol, kind;
	struct evidence_sum sum;
};

struct aggregate {
	struct aggregate_options options;
	struct socket_table *sockets;
	struct exchange_table *exchanges;
	struct call_table *calls;
	struct spool *spool;
	struct intern *names; /* of labels */
	struct judge judge;
	struct hash_key key;
	struct flow_evidence *flow_evidence;
	uint32_t flow_evidences, flow_evidence_room;
	uint32_t evidences_of[PROTOCOLS_MAX];
	struct row_index by_flow;
	struct openings openings;
	uint64_t flows, packets, refused_events;
	bool failed;
	struct error failure;
};
#endif
