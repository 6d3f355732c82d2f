/* Sizes and times of a flow's messages in pooled chunks; see message_log.h. */
#include "flow/message_log.h"
#include "base/slab.h"

#define FROM_RESPONDER 0x8000U
#define CHUNK_ENTRIES  (sizeof((struct message_log *)0)->size / sizeof(uint16_t))
_Static_assert(sizeof(struct message_log) == 64, "one cache line");

/*
 * Ticks since the last entry. Of times that are rounded down first, so that the sum of the gaps is right to a
 * tick however many there are. A message older than the one before it comes right behind that.
 */
static uint32_t gap_before(struct flow *flow, int64_t ts_ns)
{
	int64_t last = flow->sizes_count ? flow->logged_ns : flow->log_from_ns;

	if (ts_ns <= last) {
		flow->logged_ns = last;
		return 0;
	}
	flow->logged_ns = ts_ns;
	int64_t gap = ts_ns / MESSAGE_TICK_NS - last / MESSAGE_TICK_NS;
	return gap < UINT32_MAX ? (uint32_t)gap : UINT32_MAX;
}

/* A flow with a whole log: is this one due? See message_log.h. */
static bool is_due(const struct flow *flow, enum direction dir, int64_t ts_ns)
{
	int64_t step = (flow->logged_ns - flow->log_from_ns) >> MESSAGE_THIN_SHIFT;
	int64_t since = ts_ns - flow->logged_ns;

	if (step < MESSAGE_THIN_NS)
		step = MESSAGE_THIN_NS;
	if (since < step || flow->sizes_count >= MESSAGE_KEPT_MAX)
		return false;
	/* The other side's turn, unless it is silent. */
	bool was_responder = flow->sizes->size[flow->sizes->used - 1] & FROM_RESPONDER;
	return was_responder != (dir == TO_INITIATOR) || since >= 2 * step;
}

void message_log_add(struct slab *pool, struct flow *flow, enum direction dir, uint32_t size, int64_t ts_ns)
{
	struct message_log *chunk = flow->sizes;
	uint32_t kept = size < MESSAGE_SIZE_MAX ? size : MESSAGE_SIZE_MAX;

	if (flow->sizes_count >= MESSAGE_LOG_MAX) {
		if (!is_due(flow, dir, ts_ns))
			return;
		kept = 0;
	}
	if (!chunk || chunk->used == CHUNK_ENTRIES) {
		chunk = slab_get(pool);
		if (!chunk)
			return;
		chunk->older = flow->sizes;
		chunk->used = 0;
		flow->sizes = chunk;
	}
	if (flow->sizes_count == 0)
		flow->log_from_ns = flow->first_ns;
	chunk->gap[chunk->used] = gap_before(flow, ts_ns);
	chunk->size[chunk->used++] = (uint16_t)(kept | (dir == TO_INITIATOR ? FROM_RESPONDER : 0));
	flow->sizes_count++;
}

void message_log_drop(struct slab *pool, struct flow *flow)
{
	for (struct message_log *chunk = flow->sizes; chunk;) {
		struct message_log *older = chunk->older;
		slab_put(pool, chunk);
		chunk = older;
	}
	flow->sizes = NULL;
	flow->sizes_count = 0;
}

uint32_t message_log_copy(const struct flow *flow, struct logged_message *out, uint32_t max)
{
	/* Chunks are newest first: fill from the back. */
	uint32_t total = flow->sizes_count, at = total;

	for (const struct message_log *chunk = flow->sizes; chunk; chunk = chunk->older) {
		at -= chunk->used;
		for (uint32_t i = 0; i < chunk->used && at + i < max; i++)
			out[at + i] = (struct logged_message){
				.gap = chunk->gap[i],
				.size = chunk->size[i] & MESSAGE_SIZE_MAX,
				.dir = chunk->size[i] & FROM_RESPONDER ? TO_INITIATOR : TO_RESPONDER,
			};
	}
	return total < max ? total : max;
}
