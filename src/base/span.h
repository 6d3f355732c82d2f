/* A borrowed run of bytes. Never owns; valid as long as the buffer that it points into. */
#ifndef FS_BASE_SPAN_H
#define FS_BASE_SPAN_H
#include <stddef.h>
#include <stdint.h>

struct span {
	const uint8_t *ptr;
	size_t len;
};
#endif
