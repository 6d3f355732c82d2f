/* bzip2 through libbz2, with any number of streams one after the other (pbzip2 writes many). */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "capture/unpack.h"
#include <string.h>

/* "BZh" and the block size in units of 100 kB. */
static bool bzip2_matches(struct span head)
{
	return head.len >= 4 && memcmp(head.ptr, "BZh", 3) == 0 && head.ptr[3] >= '1' && head.ptr[3] <= '9';
}

#ifdef HAVE_BZIP2
#include <bzlib.h>
#include <limits.h>
#include <stdlib.h>

struct bzip2 {
	bz_stream z;
	bool in_stream;    /* bytes of the current stream were seen */
	bool later_stream; /* at least one is complete */
};

static void *bzip2_open(void)
{
	struct bzip2 *b = calloc(1, sizeof *b);

	if (b && BZ2_bzDecompressInit(&b->z, 0, 0) != BZ_OK) {
		free(b);
		return NULL;
	}
	return b;
}

static enum unpack_result bzip2_stream_end(struct bzip2 *b)
{
	b->in_stream = false;
	b->later_stream = true;
	BZ2_bzDecompressEnd(&b->z);
	memset(&b->z, 0, sizeof b->z);
	return BZ2_bzDecompressInit(&b->z, 0, 0) == BZ_OK ? UNPACK_MORE : UNPACK_BAD;
}

static const char *bzip2_reason(const struct bzip2 *b, int status)
{
	switch (status) {
	case BZ_MEM_ERROR:
		return "out of memory";
	case BZ_DATA_ERROR_MAGIC:
		return b->later_stream ? UNPACK_FOLLOWED : "not a bzip2 stream";
	default:
		return "the data is corrupt";
	}
}

static enum unpack_result bzip2_run(void *self, struct unpack_io *io)
{
	struct bzip2 *b = self;

	if (b->later_stream && !b->in_stream) {
		unpack_skip_zeros(io);
		if (!io->in.len)
			return io->last ? UNPACK_DONE : UNPACK_MORE;
	}
	unsigned in = io->in.len < UINT_MAX ? (unsigned)io->in.len : UINT_MAX;
	unsigned out = io->room < UINT_MAX ? (unsigned)io->room : UINT_MAX;

	/* libbz2 only reads through next_in; its interface is older than const. */
	b->z.next_in = (char *)(uintptr_t)io->in.ptr;
	b->z.avail_in = in;
	b->z.next_out = (char *)io->out;
	b->z.avail_out = out;
	b->in_stream = b->in_stream || in;
	int status = BZ2_bzDecompress(&b->z);
	unsigned used = in - b->z.avail_in, made = out - b->z.avail_out;

	io->in = (struct span){ io->in.ptr + used, io->in.len - used };
	io->out += made;
	io->room -= made;
	if (status == BZ_STREAM_END)
		return bzip2_stream_end(b);
	if (status == BZ_OK)
		return io->last && !made ? UNPACK_CUT : UNPACK_MORE;
	io->why = bzip2_reason(b, status);
	return UNPACK_BAD;
}

static void bzip2_close(void *self)
{
	struct bzip2 *b = self;

	BZ2_bzDecompressEnd(&b->z);
	free(b);
}
#endif

const struct unpacker unpacker_bzip2 = {
	.name = "bzip2",
	.library = "libbz2",
	.command = "bzip2 -dk",
	.matches = bzip2_matches,
#ifdef HAVE_BZIP2
	.open = bzip2_open,
	.run = bzip2_run,
	.close = bzip2_close,
#endif
};
