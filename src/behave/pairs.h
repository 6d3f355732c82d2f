/*
 * Client-peer pairs (D4, D10): what a client socket exchanged with each remote socket, over all its flows.
 * Bounded: beyond the limit new pairs are not made but counted, and their flows keep their labels.
 */
#ifndef FS_BEHAVE_PAIRS_H
#define FS_BEHAVE_PAIRS_H
#include "base/error.h"
#include "flow/message_log.h"
#include "identify/record.h"

#define PAIRS_MAX_DEFAULT 1000000U

struct pair_totals {
	uint64_t flows;
	uint64_t one_time_probes; /* flows of one packet with at most one in reply (D6) */
	uint64_t dialogs;         /* all other flows (D9) */
	uint64_t packets_out, packets_in, payload_out,
		payload_in; /* out: sent by the client; payload as captured */
};

/* Media flows (D11): not in pair_totals once pair_table_media() was told. */
struct pair_media {
	uint64_t flows, packets_out, packets_in, payload_out, payload_in;
};

/* Class of a pair (D10), of its signalling; media: it exchanged nothing else. */
#define PAIR_CLASSES(X) X(probe) X(heartbeat) X(dialog) X(mix) X(media)
enum pair_class {
#define X(name) PAIR_##name,
	PAIR_CLASSES(X)
#undef X
		PAIR_CLASS_COUNT
};
extern const char *const pair_class_names[PAIR_CLASS_COUNT];
enum pair_class pair_class_of(const struct pair_totals *total);

/* One-time probe (D6): one packet from the initiator, at most one back. */
bool flow_is_probe(const struct flow_record *r);

struct pair {
	uint32_t client;     /* 1..: id given by the caller */
	uint32_t peer_index; /* index into pair_table_peer() */
	struct pair_totals total;
	struct pair_media media;
	int64_t first_ns, last_ns;
	uint64_t first_packet;
	bool client_first;
	bool spoke; /* the peer answered in a flow in which a dissector of the protocol found evidence */
	bool called, call_answered; /* the peer began such a flow; ... and the client said something in it */
	bool accepted;              /* the peer took the client in over UDP, see protocol.supernode */
	int64_t accepted_ns;        /* when first */
};

struct peer {
	struct endpoint socket;
	uint8_t protocol;
	uint32_t clients;
	int64_t first_ns, last_ns;
	uint64_t first_packet;
	bool answered;       /* it sent something in such a flow, to any client */
	int64_t answered_ns; /* when first */
};

struct pair_table;
struct pair_table *pair_table_new(uint32_t max_pairs, struct error *err);
void pair_table_free(struct pair_table *t);
/*
 * Adds one flow of client; client_is_initiator says which end the client is, matched that a dissector of the
 * protocol found evidence in it. False only when out of memory.
 */
bool pair_table_add(struct pair_table *t, uint32_t client, unsigned protocol, bool client_is_initiator,
		    bool matched, const struct flow_record *r, struct error *err);
/* A flow that was added turned out to be media: it leaves the totals of its pair, if that is kept. */
void pair_table_media(struct pair_table *t, uint32_t client, unsigned protocol, bool client_is_initiator,
		      const struct flow_record *r);
/*
 * Whether a UDP flow shows how a node takes the client in: the question and behind it the answer, by their
 * sizes (protocol.supernode). question: the direction of the client's messages; *ns: of the answer.
 */
bool pair_acceptance(const struct protocol *p, enum direction question, const struct logged_message *log,
		     const struct flow_record *r, int64_t *ns);
/* Notes it in their pair, if that is kept. */
void pair_table_accepted(struct pair_table *t, uint32_t client, unsigned protocol, const struct endpoint *far,
			 int64_t ns);
const struct pair *pair_table_find(const struct pair_table *t, uint32_t client, unsigned protocol,
				   const struct endpoint *peer);
const struct peer *pair_table_peer(const struct pair_table *t, unsigned protocol,
				   const struct endpoint *peer);
const struct peer *pair_table_peer_at(const struct pair_table *t, uint32_t index);
/* Pairs and peers in order of creation, which is the order of the flows added. */
uint32_t pair_table_count(const struct pair_table *t);
uint32_t pair_table_index(const struct pair_table *t, const struct pair *pair);
const struct pair *pair_table_at(const struct pair_table *t, uint32_t index);
/* Indexes of all pairs in the order of their first packets, whatever the order in which flows ended; to be
 * freed with free(). NULL: no memory. */
uint32_t *pair_table_in_order(const struct pair_table *t, struct error *err);
uint32_t pair_table_peer_count(const struct pair_table *t);
uint64_t pair_table_refused(const struct pair_table *t);
#endif
