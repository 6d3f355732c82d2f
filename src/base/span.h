/* A borrowed run of bytes. Never owns; valid as long as the buffer that it points into. */
#ifndef FS_BASE_SPAN_H
#define FS_BASE_SPAN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *ptr;
	size_t len;
};

static inline bool span_begins(struct span s, const void *with, size_t n)
{
	return s.len >= n && (n == 0 || memcmp(s.ptr, with, n) == 0);
}

static inline bool span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && span_begins(s, text, s.len);
}
#endif
