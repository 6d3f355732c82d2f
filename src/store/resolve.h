/* The aggregator's insides, shared by aggregate.c (while the input lasts) and resolve.c (when it ends). */
#ifndef FS_STORE_RESOLVE_H
#define FS_STORE_RESOLVE_H
#include "base/hash.h"
#include "base/row_index.h"
#include "store/aggregate.h"
#include "store/label.h"
#include "store/spool.h"
#include "store/totals.h"

#define FLOW_EVIDENCE_MAX 400000U /* kinds of evidence about single flows */

struct flow_evidence {
	uint64_t flow;
	uint8_t protocol, kind;
	struct evidence_sum sum;
};

struct aggregate {
	struct aggregate_options options;
	struct socket_table *sockets;
	struct exchange_table *exchanges;
	struct spool *spool;
	struct intern *names; /* of labels */
	struct judge judge;
	struct hash_key key;
	struct flow_evidence *flow_evidence;
	uint32_t flow_evidences, flow_evidence_room;
	struct row_index by_flow;
	uint64_t flows, packets, refused_events;
	bool failed;
	struct error failure;
};
#endif
