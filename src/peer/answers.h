/*
 * Who answers what: questions are told apart by their size, as a reader of the traces does it (wire A5, B2).
 * Nodes, supernodes and clients that are asked use the same tables.
 */
#ifndef FS_PEER_ANSWERS_H
#define FS_PEER_ANSWERS_H
#include "peer/message.h"
#include "peer/scenario.h"

struct answer { /* 0 bytes: none */
	unsigned bytes;
	unsigned messages; /* fragmented (wire A4): so many messages, each of full fragments and a last one,
			    * the first message's with `bytes` of data; 0: one datagram */
	bool acknowledged; /* by an ACK of 11 bytes instead */
	int64_t delay_ns;  /* of the program, not of the network */
};
/* To a message 02 of `size` bytes, over UDP. */
struct answer answer_over_udp(const struct party *who, size_t size, enum sense sense, struct rng *rng);
unsigned answer_last_fragment(struct rng *rng); /* bytes of data */

/* How a client begins on a connection to a supernode: what it still knows decides (wire B2: logins 1 and 2;
 * technical report Fig. 3). It is the lowest bits of its first message, which is random otherwise: in reality
 * the supernode learns it from what is encrypted. */
enum opening { OPENING_EMPTY, OPENING_KNOWN, OPENING_BETA, OPENINGS };
void opening_write(enum opening opening, uint8_t *first_message);
enum opening opening_read(const uint8_t *first_message, size_t size);
/* To a message of `size` bytes on a connection to a supernode of the form of 2006; nodes_requests: how often
 * the client asked for nodes on it (13 bytes), this message included. */
struct answer answer_over_tcp(enum opening opening, size_t size, unsigned nodes_requests, struct rng *rng);
#define NODES_REQUEST 13U
/* The shortest message (wire B2): it acknowledges, or reminds, and is not answered itself. */
#define ACKNOWLEDGEMENT 4U
#endif
