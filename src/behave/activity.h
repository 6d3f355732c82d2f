/*
 * Activity plots (R6, RMM figure 3): whose messages are kept, which of their flows, and the numbers of their
 * peers in order of first contact.
 *
 * Clients are chosen before the first flow, of each protocol: the most active one without a call, the most
 * active one with both signalling and a call, then further ones by their activity (messages of UDP
 * signalling, both ways); internal ones (D5), if there are any.
 *
 * Bounded: of a client all messages of its logs up to ACTIVITY_WHOLE_MAX; from there on of each flow the
 * first and the last packet of either direction; nothing beyond ACTIVITY_KEPT_MAX, and that is counted. With
 * many clients they share half of KEPT_MESSAGES_MAX, the rest is for charts.
 */
#ifndef FS_BEHAVE_ACTIVITY_H
#define FS_BEHAVE_ACTIVITY_H
#include "behave/calls.h"
#include "behave/kept_messages.h"
#include "behave/labelled.h"

#define ACTIVITY_DEFAULT     2U  /* RMM figure 3 shows two */
#define ACTIVITY_CLIENTS_MAX 64U /* of a protocol; and as many sockets by name */
/* RMM's week has 10,700 packets of signalling a client on the mean (table I: 18,274,451 of 1,700). */
#define ACTIVITY_WHOLE_MAX 200000U
#define ACTIVITY_KEPT_MAX  400000U

#define ACTIVITY_REASONS(X)                                                                                  \
	X(quiet, "the most active without a call")                                                           \
	X(calling, "the most active with signalling and a call")                                             \
	X(further, "one of the most active")                                                                 \
	X(asked, "asked for")
enum activity_why {
#define X(name, words) ACTIVITY_##name,
	ACTIVITY_REASONS(X)
#undef X
};
extern const char *const activity_words[];

/* A socket that somebody wants to see. */
struct activity_wish {
	struct endpoint socket;
	bool met; /* set by activity_new(): it is a recognised client's */
};

struct activity_flow {
	uint64_t flow; /* first_packet */
	int64_t first_ns;
	struct endpoint remote;
	bool client_is_initiator;
	uint32_t peer; /* 1.. in order of first contact; after activity_sort() */
};
struct activity_client {
	uint32_t client; /* number, 1.. */
	enum activity_why why;
	int64_t first_ns; /* of its flows here; valid if flows > 0 */
	struct activity_flow *flow;
	uint32_t flows, flow_room;
	uint32_t peers;    /* after activity_sort() */
	uint64_t messages; /* kept */
	uint64_t cut;      /* flows of which only the ends are kept */
	uint64_t left_out; /* flows of which nothing is */
};
struct activity {
	struct activity_client *chosen; /* in the order of the plots */
	uint32_t count, room;
	uint32_t *place; /* place[client - 1]: index in chosen + 1; 0: not chosen */
	uint32_t clients;
	uint64_t whole_max, kept_max; /* of each client */
	struct hash_key key;
};

/* So many clients of each protocol, and those wished for. */
struct activity *activity_new(const struct measured_client *client, uint32_t clients,
			      const struct call_table *calls, uint32_t count, struct activity_wish *wish,
			      uint32_t wishes, struct error *err);
void activity_free(struct activity *a);
/* One flow of a client; of others nothing is kept. */
bool activity_add(struct activity *a, const struct labelled_flow *f, struct kept_messages *kept,
		  struct error *err);
/* After the last flow: numbers the peers, and puts each client's flows in order of their beginning. */
bool activity_sort(struct activity *a, struct error *err);
#endif
