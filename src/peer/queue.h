/*
 * Events in order of time, and of their coming where times are equal. Made for millions of them over weeks of
 * virtual time: what is far away lies in buckets of coarse time (a hierarchical wheel after Varghese and
 * Lauck 1987, scheme 7), and only the events of the current millisecond are sorted, in a small heap. Popped
 * events are used again, so that in the long run nothing is allocated.
 */
#ifndef FS_PEER_QUEUE_H
#define FS_PEER_QUEUE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void (*queue_fn)(void *self, uint64_t what);
struct queue_event { /* fn, self and what are the caller's, fn may be NULL */
	int64_t ns;
	queue_fn fn;
	void *self;
	uint64_t what;
};

struct queue;
struct queue *queue_new(void); /* NULL: out of memory */
void queue_free(struct queue *q);
/* At any time; one that lies before the event that was popped last is the next to be popped. False: out of
 * memory. */
bool queue_push(struct queue *q, int64_t ns, queue_fn fn, void *self, uint64_t what);
/* The next event, if its time is at most until_ns. False: there is none, or out of memory (queue_failed). */
bool queue_pop(struct queue *q, int64_t until_ns, struct queue_event *out);
size_t queue_size(const struct queue *q);
bool queue_failed(const struct queue *q);
#endif
