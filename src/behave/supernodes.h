/*
 * Supernodes that the clients contacted, day by day (B8, B15, B16): remote ends of the TCP connections whose
 * role is supernode, and peers that took the client in over UDP. Bounded; what is beyond is counted.
 */
#ifndef FS_BEHAVE_SUPERNODES_H
#define FS_BEHAVE_SUPERNODES_H
#include "base/hash.h"
#include "base/row_index.h"
#include "behave/sessions.h"

#define SUPERNODE_CONTACTS_MAX                                                                               \
	500000U /* 40 MB; 1,700 clients with 40 supernodes a day make 476,000 in a week */

struct supernode_contact { /* of a client with a node on a day */
	uint32_t client;
	uint8_t protocol;
	struct endpoint node;
	int64_t day_ns;       /* its beginning, UTC */
	int64_t first_ns;     /* of the first of these: */
	uint32_t connections; /* over TCP, begun on that day, also in vain */
	uint32_t connected;   /* of these, that went on after the openings (supernode_works()) */
	bool accepted;        /* the node took the client in over UDP, for the first time in the trace */
};

struct supernode_table { /* zeroed but for the key: empty */
	struct hash_key key;
	struct supernode_contact *row; /* in order of the flows' ends */
	uint32_t rows, room;
	uint64_t refused;
	struct row_index index;
};

void supernode_table_drop(struct supernode_table *t);
/* A flow of a client, whatever it is. False only when out of memory. */
bool supernode_table_flow(struct supernode_table *t, const struct labelled_flow *f, struct error *err);
#endif
