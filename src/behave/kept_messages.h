/*
 * Messages of flows that a chart or an activity plot is drawn of (R6, B17): a copy of the message logs of
 * those flows that a measurement asked for. Bounded by KEPT_MESSAGES_MAX messages in all; flows beyond it are
 * counted.
 */
#ifndef FS_BEHAVE_KEPT_MESSAGES_H
#define FS_BEHAVE_KEPT_MESSAGES_H
#include "base/error.h"
#include "base/hash.h"
#include "base/row_index.h"
#include "flow/message_log.h"
#include "identify/record.h"

#define KEPT_MESSAGES_MAX 4000000U /* 8 bytes each */

struct kept_flow {
	uint64_t flow;       /* first_packet */
	int64_t log_from_ns; /* what the first gap counts from */
	uint64_t start;      /* its first message in `message` */
	uint32_t count;
};
struct kept_messages { /* zeroed but for the key: empty */
	struct hash_key key;
	struct row_index by_flow;
	struct kept_flow *flow;
	uint32_t flows, flow_room;
	struct logged_message *message;
	uint64_t messages, message_room;
	uint64_t refused; /* flows */
};

void kept_messages_drop(struct kept_messages *k);
/*
 * Keeps the messages of a flow, those of the thinned part too (size 0): once, however often it is asked for;
 * of different logs the longest. False only when out of memory.
 */
bool kept_messages_add(struct kept_messages *k, const struct flow_record *r, const struct logged_message *log,
		       struct error *err);
/* In order of flow numbers. The index is not to be used after it. */
void kept_messages_sort(struct kept_messages *k);
#endif
