/* What calls are made of, shared by call_table.c (what is kept) and calls.c (what goes together). Private to
 * behave/. */
#ifndef FS_BEHAVE_CALL_TABLE_H
#define FS_BEHAVE_CALL_TABLE_H
#include "base/hash.h"
#include "base/row_index.h"
#include "behave/calls.h"

struct flow_path {
	uint64_t flow;
	struct media_path path;
};

struct call_table {
	struct hash_key key;
	struct row_index by_path; /* over path[] */
	struct flow_path *path;
	uint32_t paths, path_room;
	struct row_index by_flow; /* over report[] */
	struct media_report **report;
	uint32_t reports, report_room;
	struct media_flow *flow;
	uint32_t flows, flow_room;
	struct call *call;
	uint32_t calls, call_room;
	struct call_hold *hold; /* each in its call, by call and time; before that by call->made */
	uint32_t holds, hold_room;
	uint64_t refused;
};

/* A row more at the end of a growing array; NULL: no memory. */
static inline void *call_table_row(void **rows, uint32_t *used, uint32_t *room, size_t size)
{
	if (!rows_reserve(rows, *used, room, size))
		return NULL;
	return (char *)*rows + size * (*used)++;
}
#endif
