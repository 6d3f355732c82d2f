/* From stored bytes to unpacked ones; see producer.h. */
#include "capture/producer.h"
#include "capture/hasher.h"
#include "capture/unpack.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKED_SIZE ((size_t)64 << 10) /* compressed bytes read at a time */

struct producer {
	const char *path;
	struct stored *stored;
	bool begun;
	const struct unpacker *unpacker; /* NULL: the bytes are as they are */
	void *unpacker_self;
	uint8_t *packed; /* PACKED_SIZE, when there is an unpacker or a rest to read */
	struct unpack_io io;
	enum stream_end end;
	char problem[160];
};

struct producer *producer_open(const char *path, bool hash, struct control *control, struct error *err)
{
	struct producer *p = calloc(1, sizeof *p);

	if (!p) {
		error_memory(err, path);
		return NULL;
	}
	p->path = path;
	p->stored = stored_open(path, hash, control, err);
	if (!p->stored) {
		free(p);
		return NULL;
	}
	return p;
}

/* Ends the stream; always false, for producer_fill(). */
static bool end_with(struct producer *p, enum stream_end end, const char *problem)
{
	p->end = end;
	snprintf(p->problem, sizeof p->problem, "%s", problem);
	return false;
}

static bool end_of_reading(struct producer *p)
{
	char text[sizeof p->problem];

	if (errno == ECANCELED)
		return end_with(p, STREAM_STOPPED, "stopped");
	snprintf(text, sizeof text, "byte %llu of the file cannot be read: %s",
		 (unsigned long long)stored_count(p->stored), strerror(errno));
	return end_with(p, STREAM_UNREADABLE, text);
}

static bool unpacker_begin(struct producer *p, struct span head)
{
	const struct unpacker *u = p->unpacker;
	char text[sizeof p->problem];

	if (!u->open) {
		snprintf(text, sizeof text,
			 "compressed with %s; this footsteps was built without %s: decompress it first: %s "
			 "FILE",
			 u->name, u->library, u->command);
		return end_with(p, STREAM_UNSUPPORTED, text);
	}
	p->packed = malloc(PACKED_SIZE);
	p->unpacker_self = p->packed ? u->open() : NULL;
	if (!p->unpacker_self)
		return end_with(p, STREAM_UNREADABLE, "out of memory for unpacking");
	memcpy(p->packed, head.ptr, head.len);
	p->io.in = (struct span){ p->packed, head.len };
	return true;
}

/* The first bytes tell how the rest is compressed; those of an uncompressed file are already where they
 * belong. */
static bool begin(struct producer *p, uint8_t *buffer, size_t size, size_t *made)
{
	size_t have = 0, limit = size < PACKED_SIZE ? size : PACKED_SIZE;
	ssize_t got = 1;

	p->begun = true;
	while (have < UNPACK_HEAD && (got = stored_read(p->stored, buffer + have, limit - have)) > 0)
		have += (size_t)got;
	if (got < 0)
		return end_of_reading(p);
	p->unpacker = unpacker_for((struct span){ buffer, have });
	if (p->unpacker)
		return unpacker_begin(p, (struct span){ buffer, have });
	*made = have;
	return got > 0 || end_with(p, STREAM_COMPLETE, "");
}

static bool fill_plain(struct producer *p, uint8_t *buffer, size_t size, size_t *made)
{
	ssize_t got = stored_read(p->stored, buffer, size);

	if (got < 0)
		return end_of_reading(p);
	*made = (size_t)got;
	return got > 0 || end_with(p, STREAM_COMPLETE, "");
}

/* One step of unpacking, after making sure that there is something to unpack. */
static bool unpack_step(struct producer *p)
{
	char text[sizeof p->problem];

	if (!p->io.in.len && !p->io.last) {
		ssize_t got = stored_read(p->stored, p->packed, PACKED_SIZE);

		if (got < 0)
			return end_of_reading(p);
		p->io.in = (struct span){ p->packed, (size_t)got };
		p->io.last = got == 0;
	}
	switch (p->unpacker->run(p->unpacker_self, &p->io)) {
	case UNPACK_MORE:
		return true;
	case UNPACK_DONE:
		return end_with(p, STREAM_COMPLETE, "");
	case UNPACK_CUT:
		snprintf(text, sizeof text, "the %s data ends early, at byte %llu of the file",
			 p->unpacker->name, (unsigned long long)stored_count(p->stored));
		return end_with(p, STREAM_CUT, text);
	case UNPACK_BAD:
		break;
	}
	snprintf(text, sizeof text, "the %s data cannot be unpacked at about byte %llu of the file: %s",
		 p->unpacker->name, (unsigned long long)(stored_count(p->stored) - p->io.in.len),
		 p->io.why ? p->io.why : "unknown reason");
	return end_with(p, STREAM_DAMAGED, text);
}

bool producer_fill(struct producer *p, uint8_t *buffer, size_t size, size_t *made)
{
	*made = 0;
	if (!p->begun && (!begin(p, buffer, size, made) || *made))
		return p->end == STREAM_OPEN;
	if (!p->unpacker)
		return fill_plain(p, buffer, size, made);
	p->io.out = buffer;
	p->io.room = size;
	bool more = true;

	/* What came out of one piece of input is passed on before the next read, which may wait for a slow
	 * pipe. */
	do
		more = unpack_step(p);
	while (more && p->io.room && (p->io.in.len || p->io.last || p->io.room == size));
	*made = size - p->io.room;
	return more;
}

enum stream_end producer_end(const struct producer *p)
{
	return p->end;
}

const char *producer_problem(const struct producer *p)
{
	return p->problem;
}

const char *producer_container(const struct producer *p)
{
	return p->unpacker ? p->unpacker->name : "";
}

void producer_hash_apart(struct producer *p)
{
	stored_hash_apart(p->stored);
}

bool producer_can_drain(const struct producer *p)
{
	return stored_hashes_inline(p->stored) && stored_is_regular(p->stored);
}

void producer_drain(struct producer *p)
{
	if (!producer_can_drain(p))
		return;
	if (!p->packed && !(p->packed = malloc(PACKED_SIZE)))
		return;
	while (stored_read(p->stored, p->packed, PACKED_SIZE) > 0)
		;
}

void producer_interrupt(struct producer *p)
{
	stored_interrupt(p->stored);
}

void producer_summary(struct producer *p, bool whole, struct stream_summary *out)
{
	/* A file that was left early is as long as the system says; one that grew, as long as what was read.
	 */
	uint64_t size = stored_size(p->stored), count = stored_count(p->stored);

	out->bytes = count > size ? count : size;
	stored_digest(p->stored, out->sha256);
	out->hasher = whole ? stored_take_hasher(p->stored) : NULL;
	hasher_limit(out->hasher, out->bytes);
}

uint64_t producer_stored_size(const struct producer *p)
{
	return stored_size(p->stored);
}

void producer_close(struct producer *p)
{
	if (!p)
		return;
	if (p->unpacker_self)
		p->unpacker->close(p->unpacker_self);
	stored_close(p->stored);
	free(p->packed);
	free(p);
}
