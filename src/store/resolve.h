/* The aggregator's insides, shared by aggregate.c (while the input lasts) and resolve.c (when it ends). */
#ifndef FS_STORE_RESOLVE_H
#define FS_STORE_RESOLVE_H
#include "base/hash.h"
#include "base/row_index.h"
#include "behave/names.h"
#include "identify/patterns.h"
#include "store/aggregate.h"
#include "store/calls.h"
#include "store/label.h"
#include "store/measure.h"
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
	struct name_table *names_of_addresses;
	struct spool *spool;
	struct intern *names; /* of labels */
	struct judge judge;
	struct hash_key key;
	struct flow_evidence *flow_evidence;
	uint32_t flow_evidences, flow_evidence_room;
	uint32_t evidences_of[PROTOCOLS_MAX];
	struct row_index by_flow;
	struct openings openings;
	struct round_trips round_trips;
	struct flow_record
		*measured_flow; /* those whose media was reported, once more: they are judged first */
	uint32_t measured_flows, measured_room;
	uint64_t flows, packets, refused_events;
	uint64_t ended[FLOW_END_COUNT];
	int64_t last_ns, idle_last_ns; /* greatest of all flows' last packets; of those that timed out */
	bool failed;
	struct error failure;
};

/* Sums over the flows of a client, for its row. */
struct client_sums {
	struct pair_totals pairs;
	uint64_t media_out, media_in, tcp_out, tcp_in;
	bool has_tcp; /* signalling over TCP, and when it was */
	int64_t tcp_first_ns, tcp_last_ns;
};

/* The end of the input. */
struct resolution {
	struct aggregate *a;
	struct candidates c;
	struct totals totals;
	struct measured_client *client; /* c.clients of them, and of the next */
	struct client_sums *sums;
	struct distributions distributions;
	struct kept_messages kept;
	struct measure_setup setup;
	struct measure *measure;
	uint8_t *pair_met;  /* a bit for each pair: a flow of it was measured */
	struct spool *hits; /* flows with hits of patterns, labelled; NULL: none yet */
	/* A flow had not timed out when its last packet came at this time or later. */
	int64_t eof_from_ns;
	bool surveying; /* flows are shown to measure_survey() alone */
	struct sink *sink;
	struct aggregate_summary *summary;
};
bool resolve_put_clients(const struct resolution *res, struct error *err);
bool resolve_put_pairs(const struct resolution *res, struct error *err);
bool resolve_put_evidence(const struct resolution *res, struct error *err);
bool resolve_put_exchanges(const struct resolution *res, struct error *err);
/* Keeps the hits of a flow that has any (row->flow->hits of them), for the next. */
bool pattern_hits_keep(struct resolution *res, const struct flow_row *row, const struct pattern_hit *hits,
		       struct error *err);
/* Rows of all patterns, and of all hits. */
bool pattern_hits_put(const struct resolution *res, struct error *err);
#endif
