/*
 * The answering side of connections in the forms of 2015 (wire C3, C4), for any role that takes connections:
 * nodes and supernodes (forms 1, 2, 3), login and contact-list servers (form 1, and the hello twice).
 *
 * Supernodes that accept (scenario: `answers = accepts`) go on behind the hellos; all others stall, as nearly
 * all did behind the filter of skype.pcap, and the client tries the next form.
 */
#ifndef FS_PEER_NODE_2015_H
#define FS_PEER_NODE_2015_H
#include "peer/role.h"

struct node_2015_link;
struct node_2015 { /* of one role; zeroed */
	struct node_2015_link *links;
};
/*
 * Shown every message of every accepted link. False: it is not of 2015, and the caller's. A server's first
 * hello is the same in 2006 and so the caller's; the second is not.
 */
bool node_2015_message(struct node_2015 *node, struct role *role, struct link *link, const uint8_t *bytes,
		       size_t size);
void node_2015_closed(struct node_2015 *node, const struct link *link);
void node_2015_free(struct node_2015 *node); /* with the role: timers point to its links */
#endif
