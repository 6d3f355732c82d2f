/* gzip (RFC 1952) through zlib, with any number of members. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "base/reader.h"
#include "capture/unpack.h"

/* RFC 1952 section 2.3.1: ID1, ID2 and the only compression method. */
static bool gzip_matches(struct span head)
{
	struct reader r = reader_on(head);

	return rd_be16(&r) == 0x1f8b && rd_u8(&r) == 8;
}

#ifdef HAVE_ZLIB
#include <limits.h>
#include <stdlib.h>
#define ZLIB_CONST /* next_in is const */
#include <zlib.h>

struct gzip {
	z_stream z;
	bool in_member;    /* bytes of the current member were seen */
	bool later_member; /* at least one is complete */
};

/* Whether what follows a complete member does not begin as one: inflate() looks at two bytes to tell. */
static bool gzip_followed(const struct gzip *g)
{
	return g->later_member && g->z.total_in <= 2;
}

static void *gzip_open(void)
{
	struct gzip *g = calloc(1, sizeof *g);

	/* 16: a gzip header is required (zlib.h, inflateInit2). */
	if (g && inflateInit2(&g->z, 15 + 16) != Z_OK) {
		free(g);
		return NULL;
	}
	return g;
}

static enum unpack_result gzip_member_end(struct gzip *g)
{
	g->in_member = false;
	g->later_member = true;
	return inflateReset(&g->z) == Z_OK ? UNPACK_MORE : UNPACK_BAD;
}

static enum unpack_result gzip_run(void *self, struct unpack_io *io)
{
	struct gzip *g = self;

	if (g->later_member && !g->in_member) {
		unpack_skip_zeros(io);
		if (!io->in.len)
			return io->last ? UNPACK_DONE : UNPACK_MORE;
	}
	uInt in = io->in.len < UINT_MAX ? (uInt)io->in.len : UINT_MAX;
	uInt out = io->room < UINT_MAX ? (uInt)io->room : UINT_MAX;

	g->z.next_in = io->in.ptr;
	g->z.avail_in = in;
	g->z.next_out = io->out;
	g->z.avail_out = out;
	g->in_member = g->in_member || in;
	int status = inflate(&g->z, Z_NO_FLUSH);
	uInt used = in - g->z.avail_in, made = out - g->z.avail_out;

	io->in = (struct span){ io->in.ptr + used, io->in.len - used };
	io->out += made;
	io->room -= made;
	if (status == Z_STREAM_END)
		return gzip_member_end(g);
	if (status == Z_OK || (status == Z_BUF_ERROR && !(io->last && !made)))
		return UNPACK_MORE;
	if (status == Z_BUF_ERROR)
		return UNPACK_CUT;
	io->why = gzip_followed(g) ? UNPACK_FOLLOWED : g->z.msg ? g->z.msg : "zlib gives no reason";
	return UNPACK_BAD;
}

static void gzip_close(void *self)
{
	struct gzip *g = self;

	inflateEnd(&g->z);
	free(g);
}
#endif

const struct unpacker unpacker_gzip = {
	.name = "gzip",
	.library = "zlib",
	.command = "gzip -dk",
	.matches = gzip_matches,
#ifdef HAVE_ZLIB
	.open = gzip_open,
	.run = gzip_run,
	.close = gzip_close,
#endif
};
