/* Objects of one size from large blocks, with a free list that runs through the objects themselves. */
#include "base/slab.h"
#include "base/huge.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* Under AddressSanitizer a freed object is poisoned: its use is caught as it would be after free(). */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_POISONS 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SLAB_POISONS 1
#endif
#ifdef SLAB_POISONS
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size)   ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

#define CACHE_LINE 64U

struct free_object {
	struct free_object *next;
};

/* A block is a header padded to a cache line, then the objects. */
struct block {
	struct block *next;
	size_t bytes;
};

struct slab {
	size_t stride;     /* object size rounded up to its alignment */
	size_t next_bytes; /* of the next block: each is twice the last, up to a huge page */
	size_t in_use;
	struct block *blocks;
	unsigned char *fresh; /* objects of the newest block that were never handed out */
	size_t fresh_count;
	struct free_object *free;
};

/* As aligned_alloc() wants it. */
static size_t block_align(size_t bytes)
{
	return bytes < HUGE_PAGE ? CACHE_LINE : HUGE_PAGE;
}

static size_t block_round(size_t bytes)
{
	size_t align = block_align(bytes);

	return (bytes + align - 1) / align * align;
}

struct slab *slab_new(size_t object_size, size_t objects_at_first)
{
	size_t align = object_size && object_size % CACHE_LINE == 0 ? CACHE_LINE : 16;

	if (object_size < sizeof(struct free_object))
		object_size = sizeof(struct free_object);
	if (objects_at_first == 0)
		objects_at_first = 1;
	/* Half of what a size_t can count leaves room for the header and for rounding up. */
	size_t most = SIZE_MAX / 2 / objects_at_first;
	if (most < align || object_size > most - align)
		return NULL;
	struct slab *slab = calloc(1, sizeof *slab);
	if (!slab)
		return NULL;
	slab->stride = (object_size + align - 1) / align * align;
	slab->next_bytes = block_round(CACHE_LINE + slab->stride * objects_at_first);
	return slab;
}

static void free_blocks(struct slab *slab)
{
	while (slab->blocks) {
		struct block *block = slab->blocks;
		slab->blocks = block->next;
		ASAN_UNPOISON_MEMORY_REGION(block, block->bytes);
		free(block);
	}
}

void slab_free(struct slab *slab)
{
	if (!slab)
		return;
	free_blocks(slab);
	free(slab);
}

void slab_trim(struct slab *slab)
{
	if (slab->in_use > 0)
		return;
	free_blocks(slab);
	slab->free = NULL;
	slab->fresh = NULL;
	slab->fresh_count = 0;
}

static bool block_add(struct slab *slab)
{
	size_t bytes = slab->next_bytes;
	struct block *block = aligned_alloc(block_align(bytes), bytes);

	if (!block)
		return false;
	huge_wish(block, bytes);
	if (bytes < HUGE_PAGE)
		slab->next_bytes = block_round(bytes * 2 < HUGE_PAGE ? bytes * 2 : HUGE_PAGE);
	block->next = slab->blocks;
	block->bytes = bytes;
	slab->blocks = block;
	slab->fresh = (unsigned char *)block + CACHE_LINE;
	slab->fresh_count = (bytes - CACHE_LINE) / slab->stride;
	ASAN_POISON_MEMORY_REGION(slab->fresh, bytes - CACHE_LINE);
	return true;
}

void *slab_get(struct slab *slab)
{
	void *object;

	if (slab->free) {
		struct free_object *first = slab->free;
		ASAN_UNPOISON_MEMORY_REGION(first, slab->stride);
		slab->free = first->next;
		object = first;
	} else {
		if (slab->fresh_count == 0 && !block_add(slab))
			return NULL;
		object = slab->fresh;
		ASAN_UNPOISON_MEMORY_REGION(object, slab->stride);
		slab->fresh += slab->stride;
		slab->fresh_count--;
	}
	slab->in_use++;
	return object;
}

void slab_put(struct slab *slab, void *object)
{
	if (!object)
		return;
	struct free_object *first = object;
	first->next = slab->free;
	slab->free = first;
	slab->in_use--;
	ASAN_POISON_MEMORY_REGION(object, slab->stride);
}

size_t slab_in_use(const struct slab *slab)
{
	return slab->in_use;
}
