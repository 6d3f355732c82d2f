/*
 * Where frames come from. One interface for saved captures (file.c and the merge over it) and, later, live links.
 *
 * A frame is borrowed: it points into the source's buffer and is valid until the next source_next().
 */
#ifndef FS_CAPTURE_SOURCE_H
#define FS_CAPTURE_SOURCE_H
#include "base/error.h"
#include "base/sha256.h"
#include "base/span.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame {
	int64_t ts_ns;     /* capture clock, ns since 1970 UTC; what the file says, jumps and all */
	struct span bytes; /* as captured */
	uint32_t wire_len; /* length on the wire; at least bytes.len (an absurd smaller value is raised to it) */
	int linktype;      /* LINKTYPE_ value of the tcpdump group's registry (equal to DLT_ where they agree) */
	uint32_t input;    /* index of the input it came from */
};

enum source_result {
	SOURCE_FRAME, /* *frame is filled */
	SOURCE_END,   /* the end of all inputs, or of what could be read of them; see source_input() */
	SOURCE_FAILED /* *err is filled: an input cannot be read at all */
};

/* How an input ended. */
enum input_end {
	INPUT_OPEN,    /* not yet */
	INPUT_COMPLETE,
	INPUT_CUT,     /* the file ends inside a record: everything before it was read */
	INPUT_DAMAGED, /* a record makes no sense; everything before it was read */
	INPUT_STOPPED  /* we stopped (a signal, --count) */
};

/* What is known of one input; for the manifest. Owned by the source. */
struct input_info {
	const char *path;      /* as given, or found in a directory; "-" is stdin */
	const char *format;    /* "pcap", "pcapng", "snoop", "erf" */
	const char *container; /* "", "gzip", "zstd", "xz", "bzip2", "lz4" */
	uint64_t bytes;        /* of the file as stored */
	uint64_t frames;       /* read */
	uint64_t frames_filtered; /* of these, dropped by the BPF filter */
	uint64_t dropped;      /* by the capturing system, where the file says so (pcapng ISB, ERF loss counter) */
	int64_t first_ns, last_ns;
	uint32_t snaplen;      /* 0: not said */
	int linktype;          /* of the first frame */
	enum input_end end;
	char problem[200];     /* why CUT or DAMAGED, with the byte offset; else "" */
	char sha256[SHA256_TEXT]; /* of the file as stored; "" when not computed */
};

struct source_options {
	const char *filter; /* BPF expression or NULL */
	bool hash;          /* compute SHA-256 of each input */
};

struct source;
struct source_stats {
	uint64_t frames;   /* delivered and filtered together */
	uint64_t filtered;
	uint64_t bytes_done, bytes_total; /* of the files as stored; total 0 when unknown */
	size_t inputs;
};

/*
 * Opens files and directories (every regular file below them, in byte order of their paths) as one trace merged by
 * time; ties go to the input that was named first. paths are borrowed for the source's life. Fails (EXIT_INPUT) if
 * any cannot be opened or is no capture; the text says what its bytes look like. Files found inside a directory that
 * are no captures are passed over, and an empty capture is a capture.
 */
struct source *source_open_files(const char *const *paths, size_t count, const struct source_options *options,
				 struct error *err);
enum source_result source_next(struct source *s, struct frame *frame, struct error *err);
void source_stats(const struct source *s, struct source_stats *out);
/* The i-th input, or NULL. Final (frames, sha256, end) once source_next() has returned SOURCE_END. */
const struct input_info *source_input(const struct source *s, size_t i);
/* Ends early: what was not read yet is left; inputs end as INPUT_STOPPED. */
void source_stop(struct source *s);
void source_close(struct source *s);

/* "EN10MB", "LINUX_SLL2"; NULL when unknown. */
const char *linktype_name(int linktype);

/* Behind the interface: what a kind of source provides. self is owned by the source. */
struct source_ops {
	enum source_result (*next)(void *self, struct frame *frame, struct error *err);
	void (*stats)(const void *self, struct source_stats *out);
	const struct input_info *(*input)(const void *self, size_t i);
	void (*stop)(void *self);
	void (*close)(void *self);
};
struct source {
	const struct source_ops *ops;
	void *self;
};
#endif
