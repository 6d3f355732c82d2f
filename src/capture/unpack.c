/* Which decompressor a file needs. */
#include "capture/unpack.h"

static const struct unpacker *const unpackers[] = {
	&unpacker_gzip, &unpacker_zstd, &unpacker_xz, &unpacker_bzip2, &unpacker_lz4,
};

const struct unpacker *unpacker_for(struct span head)
{
	for (size_t i = 0; i < sizeof unpackers / sizeof unpackers[0]; i++)
		if (unpackers[i]->matches(head))
			return unpackers[i];
	return NULL;
}

void unpack_skip_zeros(struct unpack_io *io)
{
	while (io->in.len && !*io->in.ptr)
		io->in = (struct span){ io->in.ptr + 1, io->in.len - 1 };
}
