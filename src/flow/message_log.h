/*
 * Sizes of a flow's messages, two bytes each, in pooled chunks: what the payload-size figures (R8) need
 * without keeping packets. At most MESSAGE_LOG_MAX per flow; the rest is counted in the flow's sides and said
 * to be missing.
 */
#ifndef FS_FLOW_MESSAGE_LOG_H
#define FS_FLOW_MESSAGE_LOG_H
#include "flow/flow.h"
#define MESSAGE_LOG_MAX 1024U
struct slab;
struct message_log {
	struct message_log *older;
	uint16_t used;
	uint16_t entry[27]; /* payload size on the wire, at most 0x7fff; 0x8000: to the initiator */
};
/* Does nothing beyond the limit, or when out of memory: the log is then shorter than the flow's message
 * count. */
void message_log_add(struct slab *pool, struct flow *flow, enum direction dir, uint32_t size);
void message_log_drop(struct slab *pool, struct flow *flow);
/* Copies up to max entries, oldest first; returns how many. */
uint32_t message_log_copy(const struct flow *flow, uint16_t *out, uint32_t max);
#endif
