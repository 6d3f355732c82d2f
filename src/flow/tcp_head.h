/*
 * The in-order start of one TCP direction: retransmission, overlap, segmentation and reordering are put right
 * here, in one buffer whose index is the offset from the first payload byte. Private to flow/.
 */
#ifndef FS_FLOW_TCP_HEAD_H
#define FS_FLOW_TCP_HEAD_H
#include "base/span.h"
#include <stdbool.h>
#include <stdint.h>

#define TCP_HEAD_HOLES 4U /* runs of bytes held ahead of gaps; more means loss, not reordering */

struct tcp_head {
	uint32_t from, to; /* bytes[from, to) are there, in order; to is the next offset expected */
	uint8_t runs;
	struct {
		uint32_t from, to;
	} run[TCP_HEAD_HOLES]; /* beyond `to`, sorted, apart from each other */
	uint8_t bytes[];
};

/* A segment that begins at `to` or before it. Appends (up to limit) and swallows runs that became contiguous;
 * returns the number of new bytes in order. offset is that of the segment's first byte. */
uint32_t tcp_head_append(struct tcp_head *head, uint32_t limit, uint32_t offset, struct span bytes);
/* A segment ahead of a gap. False: it does not fit, and the direction should be given up. */
bool tcp_head_hold(struct tcp_head *head, uint32_t limit, uint32_t offset, struct span bytes);
/* Whether every byte of such a segment is held already. */
bool tcp_head_holds(const struct tcp_head *head, uint32_t offset, struct span bytes);
#endif
