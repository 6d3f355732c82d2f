/* The in-order start of one TCP direction; see tcp_head.h. */
#include "flow/tcp_head.h"
#include <string.h>

static void forget_run(struct tcp_head *head, unsigned i)
{
	head->runs--;
	memmove(&head->run[i], &head->run[i + 1], (head->runs - i) * sizeof head->run[0]);
}

uint32_t tcp_head_append(struct tcp_head *head, uint32_t limit, uint32_t offset, struct span bytes)
{
	uint32_t before = head->to;
	uint64_t end = (uint64_t)offset + bytes.len;

	if (end > limit)
		end = limit;
	if (end > head->to) {
		/* The first copy of a byte wins, as in most receivers: only what lies beyond `to` is new. */
		memcpy(head->bytes + head->to, bytes.ptr + (head->to - offset), end - head->to);
		head->to = (uint32_t)end;
	}
	while (head->runs && head->run[0].from <= head->to) {
		if (head->run[0].to > head->to)
			head->to = head->run[0].to;
		forget_run(head, 0);
	}
	return head->to - before;
}

bool tcp_head_hold(struct tcp_head *head, uint32_t limit, uint32_t offset, struct span bytes)
{
	unsigned at = 0;
	uint32_t from = offset, to;

	if ((uint64_t)offset + bytes.len > limit)
		return false;
	to = offset + (uint32_t)bytes.len;
	memcpy(head->bytes + from, bytes.ptr, bytes.len);
	while (at < head->runs && head->run[at].to < from)
		at++;
	/* Merge with every run that it touches. */
	while (at < head->runs && head->run[at].from <= to) {
		if (head->run[at].from < from)
			from = head->run[at].from;
		if (head->run[at].to > to)
			to = head->run[at].to;
		forget_run(head, at);
	}
	if (head->runs == TCP_HEAD_HOLES)
		return false;
	memmove(&head->run[at + 1], &head->run[at], (head->runs - at) * sizeof head->run[0]);
	head->run[at].from = from;
	head->run[at].to = to;
	head->runs++;
	return true;
}
