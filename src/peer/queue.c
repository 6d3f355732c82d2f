#include "peer/queue.h"
#include "base/slab.h"
#include <stdlib.h>

#define TICK_BITS  20U /* about a millisecond: few events at a time in the heap, few buckets to go through */
#define LEVEL_BITS 8U
#define SLOTS      (1U << LEVEL_BITS)
#define LEVELS     6U /* 20 + 6 * 8 >= 64 bits */
#define WORDS      (SLOTS / 64)

struct node {
	struct queue_event event;
	uint64_t number;
	struct node *next;
};
struct heap_entry {
	int64_t ns;
	uint64_t number;
	struct node *node;
};
struct level {
	struct node *slot[SLOTS];
	uint64_t used[WORDS]; /* bit i: slot i is not empty */
};

struct queue {
	struct level level[LEVELS];
	uint64_t now; /* tick of the events in the heap; all of an earlier one are there, too */
	uint64_t pushed;
	size_t size;
	struct heap_entry *heap;
	size_t heap_size, heap_room;
	struct slab *nodes;
	bool failed;
};

/* Negative times sort before positive ones when the sign bit is turned. */
static uint64_t tick_of(int64_t ns)
{
	return ((uint64_t)ns ^ UINT64_C(1) << 63) >> TICK_BITS;
}

struct queue *queue_new(void)
{
	struct queue *q = calloc(1, sizeof *q);

	if (!q)
		return NULL;
	q->nodes = slab_new(sizeof(struct node), 4096);
	if (!q->nodes) {
		free(q);
		return NULL;
	}
	return q;
}

void queue_free(struct queue *q)
{
	if (!q)
		return;
	slab_free(q->nodes);
	free(q->heap);
	free(q);
}

static bool before(const struct heap_entry *a, const struct heap_entry *b)
{
	return a->ns != b->ns ? a->ns < b->ns : a->number < b->number;
}

static bool heap_push(struct queue *q, struct node *node)
{
	struct heap_entry entry = { node->event.ns, node->number, node };
	size_t at = q->heap_size;

	if (at == q->heap_room) {
		size_t room = q->heap_room ? 2 * q->heap_room : 256;
		struct heap_entry *grown = realloc(q->heap, room * sizeof *grown);
		if (!grown)
			return false;
		q->heap = grown;
		q->heap_room = room;
	}
	q->heap_size++;
	for (size_t up; at > 0 && before(&entry, &q->heap[up = (at - 1) / 2]); at = up)
		q->heap[at] = q->heap[up];
	q->heap[at] = entry;
	return true;
}

static struct node *heap_pop(struct queue *q)
{
	struct node *first = q->heap[0].node;
	struct heap_entry last = q->heap[--q->heap_size];
	size_t at = 0;

	for (size_t down; (down = 2 * at + 1) < q->heap_size; at = down) {
		if (down + 1 < q->heap_size && before(&q->heap[down + 1], &q->heap[down]))
			down++;
		if (!before(&q->heap[down], &last))
			break;
		q->heap[at] = q->heap[down];
	}
	q->heap[at] = last;
	return first;
}

/* The level is that of the highest digit in which its tick and the current one differ. */
static bool place(struct queue *q, struct node *node)
{
	uint64_t tick = tick_of(node->event.ns);

	if (tick <= q->now)
		return heap_push(q, node);
	unsigned l = (63 - (unsigned)__builtin_clzll(tick ^ q->now)) / LEVEL_BITS;
	unsigned slot = (unsigned)(tick >> l * LEVEL_BITS) % SLOTS;
	struct level *level = &q->level[l];
	node->next = level->slot[slot];
	level->slot[slot] = node;
	level->used[slot / 64] |= UINT64_C(1) << slot % 64;
	return true;
}

bool queue_push(struct queue *q, int64_t ns, queue_fn fn, void *self, uint64_t what)
{
	struct node *node = slab_get(q->nodes);

	if (!node)
		return false;
	*node = (struct node){ .event = { ns, fn, self, what }, .number = q->pushed };
	if (!place(q, node)) {
		slab_put(q->nodes, node);
		return false;
	}
	q->pushed++;
	q->size++;
	return true;
}

/* The first slot in use; SLOTS: none. Those before the current digit are empty: their time has passed. */
static unsigned first_used(const struct level *level)
{
	for (unsigned w = 0; w < WORDS; w++)
		if (level->used[w])
			return w * 64 + (unsigned)__builtin_ctzll(level->used[w]);
	return SLOTS;
}

/* To the earliest bucket: what is in it goes to the heap, or to lower levels. */
static bool advance(struct queue *q)
{
	unsigned l = 0, slot = SLOTS;

	while (l < LEVELS && (slot = first_used(&q->level[l])) == SLOTS)
		l++;
	if (l == LEVELS)
		return false;
	struct level *level = &q->level[l];
	struct node *node = level->slot[slot];
	unsigned shift = l * LEVEL_BITS;
	q->now = (q->now >> shift >> LEVEL_BITS << LEVEL_BITS | slot) << shift;
	level->slot[slot] = NULL;
	level->used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
	for (struct node *next; node; node = next) {
		next = node->next;
		if (!place(q, node))
			q->failed = true;
	}
	return !q->failed;
}

bool queue_pop(struct queue *q, int64_t until_ns, struct queue_event *out)
{
	while (q->heap_size == 0)
		if (!advance(q))
			return false;
	if (q->heap[0].ns > until_ns)
		return false;
	struct node *node = heap_pop(q);
	*out = node->event;
	slab_put(q->nodes, node);
	q->size--;
	return true;
}

size_t queue_size(const struct queue *q)
{
	return q->size;
}

bool queue_failed(const struct queue *q)
{
	return q->failed;
}
