/* Message sizes of a flow in pooled chunks; see message_log.h. */
#include "flow/message_log.h"
#include "base/slab.h"

#define SIZE_MASK      0x7fffU
#define FROM_RESPONDER 0x8000U
#define CHUNK_ENTRIES  (sizeof((struct message_log *)0)->entry / sizeof(uint16_t))

void message_log_add(struct slab *pool, struct flow *flow, enum direction dir, uint32_t size)
{
	struct message_log *chunk = flow->sizes;

	if (flow->sizes_count >= MESSAGE_LOG_MAX)
		return;
	if (!chunk || chunk->used == CHUNK_ENTRIES) {
		chunk = slab_get(pool);
		if (!chunk)
			return;
		chunk->older = flow->sizes;
		chunk->used = 0;
		flow->sizes = chunk;
	}
	uint32_t kept = size < SIZE_MASK ? size : SIZE_MASK;
	chunk->entry[chunk->used++] = (uint16_t)(kept | (dir == TO_INITIATOR ? FROM_RESPONDER : 0));
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

uint32_t message_log_copy(const struct flow *flow, uint16_t *out, uint32_t max)
{
	/* Chunks are newest first: fill from the back. */
	uint32_t total = flow->sizes_count, at = total;

	for (const struct message_log *chunk = flow->sizes; chunk; chunk = chunk->older) {
		at -= chunk->used;
		for (uint32_t i = 0; i < chunk->used; i++)
			if (at + i < max)
				out[at + i] = chunk->entry[i];
	}
	return total < max ? total : max;
}
