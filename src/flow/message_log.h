/*
 * Sizes and times of a flow's messages, six bytes each, in pooled chunks: what the payload-size figures (R8),
 * keep-alive intervals and message charts need without keeping packets. At most MESSAGE_LOG_MAX per flow.
 *
 * Behind those a long flow, such as a call, goes on thinned, so that an activity plot (R6) sees it to its
 * end: a message is kept when MESSAGE_THIN_SHIFT says that the flow has grown older by enough since the last
 * one that was kept, without its size. Directions take turns while both speak. What is between is counted in
 * the flow's sides alone.
 */
#ifndef FS_FLOW_MESSAGE_LOG_H
#define FS_FLOW_MESSAGE_LOG_H
#include "flow/flow.h"
#define MESSAGE_LOG_MAX 1024U
/*
 * Of the thinned part: 1/256 of the flow's age, so that a plot of up to some 256 columns misses none, and at
 * least 100 ms. That makes 256 entries until the flow is 25.6 s old, and ln(T / 25.6 s) / ln(1 + 1/256) to
 * the age T: 2592 for a week. The bound is that of 17 days.
 */
#define MESSAGE_THIN_SHIFT 8
#define MESSAGE_THIN_NS    INT64_C(100000000)
#define MESSAGE_THIN_MAX   3072U
#define MESSAGE_KEPT_MAX   (MESSAGE_LOG_MAX + MESSAGE_THIN_MAX)
#define MESSAGE_TICK_NS    10000 /* unit of time in the log: 2^32 of them are 12 hours */
struct slab;
struct message_log { /* one cache line */
	struct message_log *older;
	uint32_t gap[9]; /* ticks since the message before; of the first one: since flow.log_from_ns */
	uint16_t used;
	uint16_t size[9]; /* packet_message_wire(), at most 0x7fff; 0x8000: to the initiator */
};

/* A message as it is kept with a closed flow. Plain data without padding. */
struct logged_message {
	uint32_t gap;  /* as above; saturates */
	uint16_t size; /* payload on the wire, at most MESSAGE_SIZE_MAX; 0: of the thinned part */
	uint8_t dir;   /* enum direction */
	uint8_t zero;
};
_Static_assert(sizeof(struct logged_message) == 8, "written to the spool as bytes: no padding");
#define MESSAGE_SIZE_MAX 0x7fffU

/* size > 0. Thins beyond the limit; does nothing when out of memory: the log is then shorter than the flow's
 * message count. */
void message_log_add(struct slab *pool, struct flow *flow, enum direction dir, uint32_t size, int64_t ts_ns);
void message_log_drop(struct slab *pool, struct flow *flow);
/* Copies up to max entries, oldest first; returns how many. */
uint32_t message_log_copy(const struct flow *flow, struct logged_message *out, uint32_t max);

/*
 * Reads a log with times that have been added up:
 *
 *	struct message_reader r = message_reader_on(log, count, flow->log_from_ns);
 *	struct message m;
 *	while (message_next(&r, &m))
 *		...
 */
struct message {
	int64_t ns; /* to the tick below */
	uint32_t size;
	enum direction dir;
};
struct message_reader {
	const struct logged_message *at, *end; /* borrowed */
	int64_t tick;
};

static inline struct message_reader message_reader_on(const struct logged_message *log, uint32_t count,
						      int64_t from_ns)
{
	return (struct message_reader){ log, count ? log + count : log, from_ns / MESSAGE_TICK_NS };
}

static inline bool message_next(struct message_reader *r, struct message *m)
{
	if (r->at == r->end)
		return false;
	r->tick += r->at->gap;
	*m = (struct message){ r->tick * MESSAGE_TICK_NS, r->at->size, (enum direction)r->at->dir };
	r->at++;
	return true;
}
#endif
