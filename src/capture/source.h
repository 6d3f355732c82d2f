/*
 * Where frames come from. One interface for saved captures (input.c and the merge over it) and live links
 * (interface.h).
 *
 * A frame is borrowed: it points into the source's buffer and is valid until the next source_next() or
 * source_next_batch().
 */
#ifndef FS_CAPTURE_SOURCE_H
#define FS_CAPTURE_SOURCE_H
#include "base/error.h"
#include "base/sha256.h"
#include "base/span.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Times lie within FRAME_TIME_MAX of 1970: from December 1896 to January 2043. Whatever a file says beyond is
 * held at that end, so that sums and differences of a few times and timeouts cannot overflow.
 */
#define FRAME_TIME_MAX (INT64_MAX / 4)

struct frame {
	int64_t ts_ns; /* capture clock, ns since 1970 UTC; what the file says, jumps and all, but see above
			*/
	struct span bytes; /* as captured */
	uint32_t wire_len; /* length on the wire; at least bytes.len (an absurd smaller value is raised to it)
			    */
	int linktype;   /* LINKTYPE_ value of the tcpdump group's registry (equal to DLT_ where they agree) */
	uint32_t input; /* index of the input it came from */
};

enum source_result {
	SOURCE_FRAME, /* *frame is filled */
	SOURCE_IDLE,  /* live: nothing came for a moment; ask again */
	SOURCE_END,   /* the end of all inputs, or of what could be read of them; see source_input() */
	SOURCE_FAILED /* *err is filled: an input cannot be read at all */
};

/* How an input ended. */
enum input_end {
	INPUT_OPEN, /* not yet */
	INPUT_COMPLETE,
	INPUT_CUT,     /* the file ends inside a record: everything before it was read */
	INPUT_DAMAGED, /* a record makes no sense; everything before it was read */
	INPUT_STOPPED  /* we stopped (a signal, --count) */
};

/* What is known of one input; for the manifest. Owned by the source. */
struct input_info {
	const char *path;         /* as given, or found in a directory; "-" is stdin */
	const char *format;       /* "pcap", "pcapng", "snoop", "erf" */
	const char *container;    /* "", "gzip", "zstd", "xz", "bzip2", "lz4" */
	uint64_t bytes;           /* of the file as stored */
	uint64_t frames;          /* read */
	uint64_t frames_filtered; /* of these, dropped by the BPF filter */
	uint64_t dropped; /* by the capturing system, where the file says so (pcapng ISB, ERF loss counter) */
	uint64_t untimed; /* frames without a time (simple packet blocks), or held at FRAME_TIME_MAX */
	int64_t first_ns, last_ns;
	uint32_t snaplen; /* 0: not said */
	int linktype;     /* of its frames, or LINKTYPE_SEVERAL; -1: no frame, and the file does not say */
	enum input_end end;
	char problem[200]; /* why CUT or DAMAGED, with the byte offset; else "" */
	/* Of the file as stored, its first `bytes` bytes; "" when not computed: not asked for, not settled,
	 * stopped, or the file has changed meanwhile. */
	char sha256[SHA256_TEXT];
};

struct source;
struct source_options {
	const char *filter; /* BPF expression or NULL */
	bool hash;          /* compute SHA-256 of each input */
	/* Opening may wait for a silent pipe: *announce is the source as soon as source_stop() may be called
	 * on it (from a signal handler, say), and NULL again if opening fails. NULL: not wanted. */
	struct source *volatile *announce;
};

struct source_stats {
	uint64_t frames; /* delivered and filtered together */
	uint64_t filtered;
	uint64_t bytes_done, bytes_total; /* of the files as stored; total 0 when unknown */
	size_t inputs;
};

/*
 * Opens files and directories (every regular file below them, in byte order of their paths) as one trace
 * merged by time; ties go to the input that was named first. paths are borrowed for the source's life. Fails
 * (EXIT_INPUT) if any cannot be opened or is no capture; the text says what its bytes look like. Files found
 * inside a directory that are no captures are passed over, and an empty capture is a capture.
 */
struct source *source_open_files(const char *const *paths, size_t count, const struct source_options *options,
				 struct error *err);
enum source_result source_next(struct source *s, struct frame *frame, struct error *err);
/*
 * As many of the next frames as are at hand together, at most max (at least 1), and returns how many: all of
 * them stay valid until the next call. Batches end early, and may be of one frame, where another buffer or
 * another input comes next. 0: *result says why; else it is SOURCE_FRAME. Counts in stats and inputs run
 * ahead to the batch's end.
 */
size_t source_next_batch(struct source *s, struct frame *frames, size_t max, enum source_result *result,
			 struct error *err);
void source_stats(const struct source *s, struct source_stats *out);
/* The i-th input, or NULL. Final once source_next() has returned SOURCE_END, but for sha256: see
 * source_settle(). */
const struct input_info *source_input(const struct source *s, size_t i);
/*
 * Waits for what goes on in the background (digests of inputs). Call once after SOURCE_END, as late as
 * possible; sha256 of source_input() is final only then, and may be "" before, or for good without this call.
 */
void source_settle(struct source *s);
/*
 * Ends early: what was not read yet is left; inputs end as INPUT_STOPPED. Digests that were left to the
 * background are given up, of inputs that have ended before as well. May be called from a signal handler,
 * also while source_settle() waits.
 */
void source_stop(struct source *s);
void source_close(struct source *s);

/* Not all frames of an input have the same link type. */
#define LINKTYPE_SEVERAL (-2)
/* "EN10MB", "LINUX_SLL2", "several"; NULL when unknown. */
const char *linktype_name(int linktype);

/* Behind the interface: what a kind of source provides. self is owned by the source. */
struct source_ops {
	size_t (*next_batch)(void *self, struct frame *frames, size_t max, enum source_result *result,
			     struct error *err);
	void (*stats)(const void *self, struct source_stats *out);
	const struct input_info *(*input)(const void *self, size_t i);
	void (*settle)(void *self); /* NULL: nothing goes on in the background */
	void (*stop)(void *self);
	void (*close)(void *self);
};
struct source {
	const struct source_ops *ops;
	void *self;
};
#endif
