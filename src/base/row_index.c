/* A hash index over the rows of an array; see row_index.h. */
#include "base/row_index.h"
#include "base/huge.h"
#include <stdlib.h>

#define SLOTS_AT_FIRST 256U

uint32_t row_index_probe(const struct row_index *index, uint64_t hash, uint32_t *at)
{
	if (!index->slot)
		return ROW_NONE;
	for (;;) {
		const struct row_slot *s = &index->slot[((uint32_t)hash + (*at)++) & index->mask];
		if (s->row1 == 0)
			return ROW_NONE;
		if (s->hash == (uint32_t)hash)
			return s->row1 - 1;
	}
}

static void put(struct row_slot *slot, size_t mask, struct row_slot row)
{
	size_t at = row.hash & mask;

	while (slot[at].row1)
		at = (at + 1) & mask;
	slot[at] = row;
}

static bool grow(struct row_index *index)
{
	size_t slots = index->slot ? (index->mask + 1) * 2 : SLOTS_AT_FIRST;
	struct row_slot *slot = huge_calloc(slots, sizeof *slot);

	if (!slot)
		return false;
	for (size_t i = 0; index->slot && i <= index->mask; i++)
		if (index->slot[i].row1)
			put(slot, slots - 1, index->slot[i]);
	free(index->slot);
	index->slot = slot;
	index->mask = slots - 1;
	return true;
}

bool row_index_add(struct row_index *index, uint64_t hash, uint32_t row)
{
	/* At most half full, so that a probe ends soon. */
	if ((!index->slot || index->used >= (index->mask + 1) / 2) && !grow(index))
		return false;
	put(index->slot, index->mask, (struct row_slot){ row + 1, (uint32_t)hash });
	index->used++;
	return true;
}

void row_index_drop(struct row_index *index)
{
	free(index->slot);
	*index = (struct row_index){ 0 };
}

bool rows_reserve(void **rows, uint32_t used, uint32_t *room, size_t row_size)
{
	if (used < *room)
		return true;
	uint32_t wider = *room ? *room * 2 : 8;
	void *grown = realloc(*rows, wider * row_size);
	if (!grown)
		return false;
	huge_wish(grown, wider * row_size);
	*rows = grown;
	*room = wider;
	return true;
}
