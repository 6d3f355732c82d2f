/*
 * One input as a stream of unpacked bytes, looked at through a window that formats parse in place.
 *
 * A thread per stream reads and unpacks into a ring of buffers while the consumer parses the one before, so
 * that on two cores the work overlaps; another computes the digest (hasher.h). The window lies in one of
 * these buffers; only a record that straddles two is copied. Bytes that were shown stay valid until the next
 * stream_peek() or stream_skip(), and for longer between stream_hold() and stream_release().
 */
#ifndef FS_CAPTURE_STREAM_H
#define FS_CAPTURE_STREAM_H
#include "base/error.h"
#include "base/sha256.h"
#include "base/span.h"
#include "capture/stored.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stream_mode {
	STREAM_THREADED, /* the fast way, for an input that is read to its end */
	STREAM_INLINE,   /* no threads and a small buffer: the many inputs of one merge, and small files */
	STREAM_PEEK,     /* as inline, only for a look at the beginning: no digest, no progress */
};

/* How the bytes ended. */
enum stream_end {
	STREAM_OPEN, /* not yet */
	STREAM_COMPLETE,
	STREAM_CUT,         /* the compressed data ends early */
	STREAM_DAMAGED,     /* the compressed data is corrupt */
	STREAM_UNREADABLE,  /* the system would not read on */
	STREAM_UNSUPPORTED, /* compressed in a way that this build cannot unpack */
	STREAM_STOPPED,     /* struct control said so */
};

struct stream {
	const uint8_t *at, *window_end; /* the window; moved by stream_advance() */
	struct stream_engine *engine;
};

struct stream *stream_open(const char *path, enum stream_mode mode, bool hash, struct control *control,
			   struct error *err);
/* Makes the window larger; stream_peek() calls it when it must. */
void stream_fetch(struct stream *s, size_t want);

/* The window: at least `want` bytes, or fewer when the stream ends before that. */
static inline struct span stream_peek(struct stream *s, size_t want)
{
	if ((size_t)(s->window_end - s->at) < want)
		stream_fetch(s, want);
	return (struct span){ s->at, (size_t)(s->window_end - s->at) };
}

/* Past n bytes of the window. They stay valid until the next peek or skip. */
static inline void stream_advance(struct stream *s, size_t n)
{
	s->at += n;
}

/* Past n bytes, in the window or not; false when the stream ends before that. */
bool stream_skip(struct stream *s, uint64_t n);

/*
 * Keeps all bytes that are shown from here on: the window does not move on to other buffers. A peek or a skip
 * that would need to comes up short instead, without anything skipped, as if the stream ended there.
 */
void stream_hold(struct stream *s);
/* Back to normal; true if something came up short, which is to be tried again. */
bool stream_release(struct stream *s);

/* Of the unpacked bytes, at the window's front. */
uint64_t stream_offset(const struct stream *s);
/* STREAM_OPEN until a peek came up short. */
enum stream_end stream_end(const struct stream *s);
/* Why it did not end as STREAM_COMPLETE; "" otherwise. */
const char *stream_problem(const struct stream *s);
/* "", "gzip", ...; known after the first peek. */
const char *stream_container(const struct stream *s);

/* What was stored, for the manifest. */
struct stream_summary {
	uint64_t bytes;
	char sha256[SHA256_TEXT];
	struct hasher
		*hasher; /* computes sha256, which is ""; for the caller to stop. NULL: sha256 is final */
};
/*
 * The consumer wants no more bytes. With read_rest, whatever of a regular file was not read yet is read for
 * the digest, if there is to be one; a pipe is left alone. summary may be NULL.
 */
void stream_finish(struct stream *s, bool read_rest, struct stream_summary *summary);
void stream_close(struct stream *s);
#endif
