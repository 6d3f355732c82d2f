/*
 * A hash index over the rows of an array: open addressing, no allocation per row. The caller keeps the rows
 *and compares them:
 *
 *	uint32_t at = 0, row;
 *	while ((row = row_index_probe(&index, hash, &at)) != ROW_NONE)
 *		if (same(&rows[row], key))
 *			break;
 */
#ifndef FS_BASE_ROW_INDEX_H
#define FS_BASE_ROW_INDEX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROW_NONE UINT32_MAX

struct row_index { /* zeroed: empty */
	struct row_slot {
		uint32_t row1; /* row + 1; 0: free */
		uint32_t hash;
	} * slot;
	size_t mask; /* slots - 1 */
	uint32_t used;
};

/* The next candidate row, beginning with *at == 0; ROW_NONE when there is none. */
uint32_t row_index_probe(const struct row_index *index, uint64_t hash, uint32_t *at);
/* False when out of memory; the index is then as before. */
bool row_index_add(struct row_index *index, uint64_t hash, uint32_t row);
void row_index_drop(struct row_index *index);

/* Makes room for row *used in an array that doubles; false when out of memory (the array is then as before).
 */
bool rows_reserve(void **rows, uint32_t used, uint32_t *room, size_t row_size);
#endif
