/* Zstandard (RFC 8878) through libzstd, which reads concatenated and skippable frames by itself. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "base/reader.h"
#include "capture/unpack.h"

/* RFC 8878 sections 3.1.1 and 3.1.2: a frame, or a skippable one (pzstd begins with it). */
static bool zstd_matches(struct span head)
{
	struct reader r = reader_on(head);
	uint32_t magic = rd_le32(&r);

	return magic == 0xfd2fb528U || (magic & 0xfffffff0U) == 0x184d2a50U;
}

#ifdef HAVE_ZSTD
#include <stdlib.h>
#include <zstd.h>

struct zstd {
	ZSTD_DStream *z;
	bool in_frame;
};

static void *zstd_open(void)
{
	struct zstd *s = calloc(1, sizeof *s);

	if (s && !(s->z = ZSTD_createDStream())) {
		free(s);
		return NULL;
	}
	return s;
}

static enum unpack_result zstd_run(void *self, struct unpack_io *io)
{
	struct zstd *s = self;
	ZSTD_inBuffer in = { io->in.ptr, io->in.len, 0 };
	ZSTD_outBuffer out = { io->out, io->room, 0 };

	if (io->last && !s->in_frame)
		return UNPACK_DONE;
	size_t hint = ZSTD_decompressStream(s->z, &out, &in);

	if (ZSTD_isError(hint)) {
		io->why = ZSTD_getErrorName(hint);
		return UNPACK_BAD;
	}
	s->in_frame = hint != 0;
	io->in = (struct span){ io->in.ptr + in.pos, io->in.len - in.pos };
	io->out += out.pos;
	io->room -= out.pos;
	return io->last && !out.pos && s->in_frame ? UNPACK_CUT : UNPACK_MORE;
}

static void zstd_close(void *self)
{
	struct zstd *s = self;

	ZSTD_freeDStream(s->z);
	free(s);
}
#endif

const struct unpacker unpacker_zstd = {
	.name = "zstd",
	.library = "libzstd",
	.command = "zstd -d",
	.matches = zstd_matches,
#ifdef HAVE_ZSTD
	.open = zstd_open,
	.run = zstd_run,
	.close = zstd_close,
#endif
};
