/*
 * The formats of captures: one struct format each, recognised by content, never by name. A format parses
 * records in the stream's window and hands out frames that point into it.
 */
#ifndef FS_CAPTURE_FORMAT_H
#define FS_CAPTURE_FORMAT_H
#include "capture/source.h"
#include "capture/stream.h"

enum record {
	RECORD_FRAME,   /* *frame is filled, except for input */
	RECORD_END,     /* the stream ends between two records */
	RECORD_CUT,     /* it ends inside one; info->problem says where */
	RECORD_DAMAGED, /* a record makes no sense; likewise */
};

struct format {
	const char *name;
	size_t state_size; /* bytes of state, zeroed before start() */
	/* May peek as far as it needs and advances nothing. It must not ask for more than it needs: a pipe
	 * may be slow. */
	bool (*matches)(struct stream *s);
	/* The file header, if the format has one; RECORD_FRAME means "go on". Fills linktype and snaplen
	 * where it can. */
	enum record (*start)(void *state, struct stream *s, struct input_info *info);
	/* When the stream came up short, it may be called again as if it had not been (stream_hold()): so the
	 * record that it gave up has been neither advanced over nor counted. */
	enum record (*next)(void *state, struct stream *s, struct frame *frame, struct input_info *info);
	void (*stop)(void *state); /* frees what state points to; NULL: nothing */
};

extern const struct format format_pcap, format_pcapng, format_snoop, format_erf;

/* The format of what the stream holds, or NULL. */
const struct format *format_of(struct stream *s);

/* Longer records are damage: jumbo frames, USB transfers and offloaded segments stay far below. */
#define RECORD_LIMIT (UINT32_C(16) << 20)

/* Fills info->problem with "byte N: ..."; returns `what`, for `return record_problem(...)`. */
enum record record_problem(struct input_info *info, enum record what, uint64_t offset, const char *format,
			   ...) __attribute__((format(printf, 4, 5)));
/* The stream came up short of a record that begins at the window's front. */
enum record record_short(const struct stream *s, struct input_info *info, const char *what);

/* Seconds and nanoseconds, held at the ends of what an int64 of nanoseconds can say. */
int64_t time_join(int64_t seconds, int64_t ns);
#endif
