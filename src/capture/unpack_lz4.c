/* LZ4 frames through liblz4, with any number of frames one after the other. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "base/reader.h"
#include "capture/unpack.h"

/* LZ4 Frame Format Description 1.6.4, "Magic Number". */
static bool lz4_matches(struct span head)
{
	struct reader r = reader_on(head);

	return rd_le32(&r) == 0x184d2204U;
}

#ifdef HAVE_LZ4
#include <lz4frame.h>
#include <stdlib.h>

struct lz4 {
	LZ4F_dctx *z;
	bool in_frame;
};

static void *lz4_open(void)
{
	struct lz4 *l = calloc(1, sizeof *l);

	if (l && LZ4F_isError(LZ4F_createDecompressionContext(&l->z, LZ4F_VERSION))) {
		free(l);
		return NULL;
	}
	return l;
}

static enum unpack_result lz4_run(void *self, struct unpack_io *io)
{
	struct lz4 *l = self;
	size_t used = io->in.len, made = io->room;

	if (io->last && !l->in_frame)
		return UNPACK_DONE;
	size_t hint = LZ4F_decompress(l->z, io->out, &made, io->in.ptr, &used, NULL);

	if (LZ4F_isError(hint)) {
		io->why = LZ4F_getErrorName(hint);
		return UNPACK_BAD;
	}
	l->in_frame = hint != 0;
	bool ended = io->last && !made && l->in_frame;

	io->in = (struct span){ io->in.ptr + used, io->in.len - used };
	io->out += made;
	io->room -= made;
	return ended ? UNPACK_CUT : UNPACK_MORE;
}

static void lz4_close(void *self)
{
	struct lz4 *l = self;

	LZ4F_freeDecompressionContext(l->z);
	free(l);
}
#endif

const struct unpacker unpacker_lz4 = {
	.name = "lz4",
	.library = "liblz4",
	.command = "lz4 -dk",
	.matches = lz4_matches,
#ifdef HAVE_LZ4
	.open = lz4_open,
	.run = lz4_run,
	.close = lz4_close,
#endif
};
