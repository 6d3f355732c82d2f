/*
 * A node that is asked: messages 02 and 03 from others, and what it says to them. What it cannot read,
 * because the sender does not know its own public address, it answers with a NAK (wire A3). For nodes, and
 * for clients, which are nodes too.
 */
#ifndef FS_PEER_REPLY_H
#define FS_PEER_REPLY_H
#include "peer/answers.h"
#include "peer/role.h"

struct reply;
struct replies { /* zeroed, then the first two */
	struct role *role;
	uint16_t *next_id; /* the node's counter: consecutive answers have consecutive ids (wire A2) */
	struct reply *first;
	uint64_t serial;
};

/* A question came; head: as message_parse() says with own_ip. */
void replies_to(struct replies *r, uint16_t port, struct endpoint from, const struct message_head *head,
		size_t size, uint32_t own_ip);
/* An ACK, whatever it was. */
void replies_ack(struct replies *r, uint16_t port, struct endpoint from, uint16_t id);
void replies_drop(struct replies *r);
#endif
