/*
 * Objects of one size from large blocks: no malloc per flow, freed objects are reused first (their cache
 * lines are warm). Memory goes back only in slab_free() and slab_trim(). Objects are aligned to 64 bytes when
 * size is a multiple of 64, else to 16.
 */
#ifndef FS_BASE_SLAB_H
#define FS_BASE_SLAB_H
#include <stddef.h>
struct slab;
/* The first block has so many, each further one twice as many, up to a huge page (huge.h). */
struct slab *slab_new(size_t object_size, size_t objects_at_first);
void slab_free(struct slab *slab);
/* Not zeroed. NULL when out of memory. */
void *slab_get(struct slab *slab);
void slab_put(struct slab *slab, void *object);
/* When nothing is in use, gives all memory back; the slab goes on as a new one. */
void slab_trim(struct slab *slab);
size_t slab_in_use(const struct slab *slab);
#endif
