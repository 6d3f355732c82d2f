/*
 * Large tables ask for huge pages: one of 20 MB is then 10 of them instead of 5,000, a row is one cache miss
 * away instead of one and a walk through the page tables, and new memory comes in 10 faults. Only wishes:
 * without huge pages, small ones do.
 */
#ifndef FS_BASE_HUGE_H
#define FS_BASE_HUGE_H
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20) /* on most machines; elsewhere it is only a coarse alignment */

/* For memory of malloc(), calloc() or realloc(), before it is used: the whole huge pages in it, if any. */
static inline void huge_wish(void *memory, size_t bytes)
{
	uintptr_t from = ((uintptr_t)memory + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	uintptr_t to = ((uintptr_t)memory + bytes) / HUGE_PAGE * HUGE_PAGE;

	if (memory && from < to)
		(void)madvise((void *)from, to - from, MADV_HUGEPAGE);
}

/* As calloc(), for free(), and in whole huge pages from half of one on. */
static inline void *huge_calloc(size_t count, size_t size)
{
	if (count > SIZE_MAX / 2 / size || count * size < HUGE_PAGE / 2)
		return calloc(count, size);
	size_t bytes = (count * size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	void *memory = aligned_alloc(HUGE_PAGE, bytes);
	if (!memory)
		return NULL;
	huge_wish(memory, bytes);
	return memset(memory, 0, count * size);
}
#endif
