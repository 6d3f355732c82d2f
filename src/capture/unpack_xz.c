/* xz through liblzma, which reads concatenated streams and their padding by itself. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "capture/unpack.h"
#include <string.h>

/* The .xz File Format 1.1.0, section 2.1.1.1: header magic bytes. */
static bool xz_matches(struct span head)
{
	static const uint8_t magic[6] = { 0xfd, '7', 'z', 'X', 'Z', 0 };

	return head.len >= sizeof magic && memcmp(head.ptr, magic, sizeof magic) == 0;
}

#ifdef HAVE_LZMA
#include <lzma.h>
#include <stdlib.h>

/* xz -9 needs 65 MiB (xz(1)); a file that claims to need ten times that is no capture that anybody packed. */
#define XZ_MEMORY_LIMIT (UINT64_C(640) << 20)

static void *xz_open(void)
{
	lzma_stream *z = malloc(sizeof *z);

	if (!z)
		return NULL;
	*z = (lzma_stream)LZMA_STREAM_INIT;
	if (lzma_stream_decoder(z, XZ_MEMORY_LIMIT, LZMA_CONCATENATED) != LZMA_OK) {
		free(z);
		return NULL;
	}
	return z;
}

static const char *xz_reason(lzma_ret status)
{
	switch (status) {
	case LZMA_MEM_ERROR:
		return "out of memory";
	case LZMA_MEMLIMIT_ERROR:
		return "its dictionary is absurdly large";
	case LZMA_FORMAT_ERROR:
		return "not an xz stream";
	case LZMA_OPTIONS_ERROR:
		return "unsupported options";
	default:
		return "the data is corrupt";
	}
}

static enum unpack_result xz_run(void *self, struct unpack_io *io)
{
	lzma_stream *z = self;

	z->next_in = io->in.ptr;
	z->avail_in = io->in.len;
	z->next_out = io->out;
	z->avail_out = io->room;
	/* Only LZMA_FINISH tells a complete last stream from one that another would follow. */
	lzma_ret status = lzma_code(z, io->last ? LZMA_FINISH : LZMA_RUN);

	io->in = (struct span){ z->next_in, z->avail_in };
	io->out = z->next_out;
	io->room = z->avail_out;
	switch (status) {
	case LZMA_OK:
		return UNPACK_MORE;
	case LZMA_STREAM_END:
		return UNPACK_DONE;
	case LZMA_BUF_ERROR:
		return io->last && z->avail_out ? UNPACK_CUT : UNPACK_MORE;
	default:
		io->why = xz_reason(status);
		return UNPACK_BAD;
	}
}

static void xz_close(void *self)
{
	lzma_end(self);
	free(self);
}
#endif

const struct unpacker unpacker_xz = {
	.name = "xz",
	.library = "liblzma",
	.command = "xz -dk",
	.matches = xz_matches,
#ifdef HAVE_LZMA
	.open = xz_open,
	.run = xz_run,
	.close = xz_close,
#endif
};
