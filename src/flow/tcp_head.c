/* The in-order start of one TCP direction; see tcp_head.h. */
#include "flow/tcp_head.h"
#include <string.h>

static void forget_run(struct tcp_head *head, unsigned i)
{
	head->runs--;
	memmove(&head->run[i], &head->run[i + 1], (head->runs - i) * sizeof head->run[0]);
}

/* Bytes [from, to) of the stream, where no run holds them yet: the first copy of a byte wins, as in most
 * receivers. */
static void copy_uncovered(struct tcp_head *head, uint32_t from, uint32_t to, uint32_t offset,
			   const uint8_t *bytes)
{
	for (unsigned i = 0; i < head->runs && from < to; i++) {
		if (head->run[i].to <= from)
			continue;
		uint32_t until = head->run[i].from < to ? head->run[i].from : to;
		if (until > from)
			memcpy(head->bytes + from, bytes + (from - offset), until - from);
		from = head->run[i].to;
	}
	if (from < to)
		memcpy(head->bytes + from, bytes + (from - offset), to - from);
}

uint32_t tcp_head_append(struct tcp_head *head, uint32_t limit, uint32_t offset, struct span bytes)
{
	uint32_t before = head->to;

	if (offset > head->to || offset > limit)
		return 0;
	uint32_t end = offset + (bytes.len < limit - offset ? (uint32_t)bytes.len : limit - offset);
	if (end > head->to) {
		copy_uncovered(head, head->to, end, offset, bytes.ptr);
		head->to = end;
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
	copy_uncovered(head, from, to, offset, bytes.ptr);
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

bool tcp_head_holds(const struct tcp_head *head, uint32_t offset, struct span bytes)
{
	for (unsigned i = 0; i < head->runs; i++)
		if (head->run[i].from <= offset && (uint64_t)offset + bytes.len <= head->run[i].to)
			return bytes.len > 0;
	return false;
}
