/*
 * Preloaded into a program (LD_PRELOAD), counts its requests for memory from the heap, those of its libraries
 * included, and writes the number into the file that COUNT_ALLOCATIONS_TO names. For tests/allocations.py.
 * Once there is a file that REFUSE_WHEN names, it refuses malloc() to threads that had got blocks before, as
 * slabs take them: to flow workers. For tests/robust.py.
 *
 * The real functions are reached by the names that glibc keeps for such replacements: looking them up with
 * dlsym() would allocate.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static _Atomic uint64_t calls;
static _Thread_local bool has_block;

static void count(void)
{
	atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
}

static bool time_to_refuse(void)
{
	const char *when = getenv("REFUSE_WHEN");

	return when && access(when, F_OK) == 0;
}

void *malloc(size_t size)
{
	count();
	if (has_block && time_to_refuse())
		return NULL;
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	count();
	return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	count();
	return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	count();
	has_block = has_block || !time_to_refuse();
	return __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size)
{
	return aligned_alloc(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
	void *memory = aligned_alloc(alignment, size);

	if (!memory)
		return ENOMEM;
	*out = memory;
	return 0;
}

__attribute__((destructor)) static void report(void)
{
	const char *path = getenv("COUNT_ALLOCATIONS_TO");
	uint64_t so_far = atomic_load(&calls); /* without those of writing it down */
	FILE *out = path ? fopen(path, "w") : NULL;

	if (!out)
		return;
	fprintf(out, "%" PRIu64 "\n", so_far);
	fclose(out);
}
