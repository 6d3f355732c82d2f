/*
 * The one reader for untrusted bytes. Every access is checked in rd_take(); a failure sticks, so a parser
 * reads on and tests `failed` once. After a failure every read returns zero or an empty span.
 */
#ifndef FS_BASE_READER_H
#define FS_BASE_READER_H
#include "base/span.h"
#include <stdbool.h>

struct reader {
	const uint8_t *at, *end;
	bool failed;
};

static inline struct reader reader_on(struct span bytes)
{
	/* An empty span may carry NULL; NULL + 0 is undefined in C17, so borrow an address. */
	static const uint8_t nothing[1];
	const uint8_t *at = bytes.ptr ? bytes.ptr : nothing;
	return (struct reader){ at, bytes.ptr ? at + bytes.len : at, false };
}

static inline size_t rd_left(const struct reader *r)
{
	return r->failed ? 0 : (size_t)(r->end - r->at);
}

/* The next n bytes, borrowed; the only comparison against the end. */
static inline struct span rd_take(struct reader *r, size_t n)
{
	if (r->failed || (size_t)(r->end - r->at) < n) {
		r->failed = true;
		return (struct span){ r->at, 0 };
	}
	struct span out = { r->at, n };
	r->at += n;
	return out;
}

static inline void rd_skip(struct reader *r, size_t n)
{
	(void)rd_take(r, n);
}

/* Everything that is left; never fails. */
static inline struct span rd_rest(struct reader *r)
{
	return rd_take(r, rd_left(r));
}

static inline uint8_t rd_u8(struct reader *r)
{
	struct span s = rd_take(r, 1);
	return s.len ? s.ptr[0] : 0;
}

static inline uint16_t rd_be16(struct reader *r)
{
	struct span s = rd_take(r, 2);
	return (uint16_t)(s.len ? s.ptr[0] << 8 | s.ptr[1] : 0);
}

static inline uint16_t rd_le16(struct reader *r)
{
	struct span s = rd_take(r, 2);
	return (uint16_t)(s.len ? s.ptr[1] << 8 | s.ptr[0] : 0);
}

static inline uint32_t rd_be32(struct reader *r)
{
	struct span s = rd_take(r, 4);
	return s.len ? (uint32_t)s.ptr[0] << 24 | (uint32_t)s.ptr[1] << 16 | (uint32_t)s.ptr[2] << 8 |
			       s.ptr[3]
		     : 0;
}

static inline uint32_t rd_le32(struct reader *r)
{
	struct span s = rd_take(r, 4);
	return s.len ? (uint32_t)s.ptr[3] << 24 | (uint32_t)s.ptr[2] << 16 | (uint32_t)s.ptr[1] << 8 |
			       s.ptr[0]
		     : 0;
}
#endif
