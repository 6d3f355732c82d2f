/*
 * Decompression of captures: one struct unpacker per format, chosen by the file's first bytes. A format whose
 * library is not built in is still recognised, so that the user learns what is missing instead of "not a
 * capture".
 */
#ifndef FS_CAPTURE_UNPACK_H
#define FS_CAPTURE_UNPACK_H
#include "base/span.h"
#include <stdbool.h>

enum unpack_result {
	UNPACK_MORE, /* go on with more input, or more room */
	UNPACK_DONE, /* the packed data is over */
	UNPACK_CUT,  /* it ends early */
	UNPACK_BAD,  /* it is corrupt */
};

/* What run() works on; it moves the fronts. */
struct unpack_io {
	struct span in;
	uint8_t *out;
	size_t room;
	bool last;       /* the input is over, and `in` is empty */
	const char *why; /* for UNPACK_BAD: static text */
};

struct unpacker {
	const char *name;    /* "gzip": the container of struct input_info */
	const char *library; /* "zlib" */
	const char *command; /* what unpacks such a file by hand */
	bool (*matches)(struct span head);
	/* NULL when the library is not built in. */
	void *(*open)(void);
	/*
	 * Moves bytes from in to out. Called with some room, and with an empty input only when io->last is
	 * set: then again and again until it has made its last output and answers something else than
	 * UNPACK_MORE.
	 */
	enum unpack_result (*run)(void *self, struct unpack_io *io);
	void (*close)(void *self);
};

#define UNPACK_HEAD 6 /* bytes that matches() needs: xz has the longest magic */

/* NULL: not compressed, as far as we know. */
const struct unpacker *unpacker_for(struct span head);

/* Between streams, for formats whose programs take zeros there (from tapes, say) for padding. */
void unpack_skip_zeros(struct unpack_io *io);
/* Why is UNPACK_BAD where another stream could begin: perhaps a stream was there, and packets with it. */
#define UNPACK_FOLLOWED "what follows the data is neither padding nor more of it"

extern const struct unpacker unpacker_gzip, unpacker_zstd, unpacker_xz, unpacker_bzip2, unpacker_lz4;
#endif
