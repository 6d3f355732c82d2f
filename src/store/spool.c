/* A queue of records: the first in memory, those beyond a limit in a nameless file; see spool.h. */
#include "store/spool.h"
#include "base/huge.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RECORD_MAX 65536U
#define ALIGN      16U

/* Before each record; the record follows at the next multiple of ALIGN. */
struct head {
	uint32_t size; /* of the record */
	uint32_t step; /* from this head to the next */
	uint32_t zero[2];
};
_Static_assert(sizeof(struct head) == ALIGN, "keeps records aligned");

/* Written to the file at a time: what is still in the processor's cache is copied at half the cost. */
#define PIECE ((size_t)256 << 10)

#define WINDOW ((size_t)4 << 20) /* of the file, mapped at a time while it is read back */

/* Bytes of the stream: those of the first buffer, of the file, and of the piece that is to be written next.
 */
struct buffer {
	uint8_t *bytes;
	size_t room, used;
};

struct spool {
	struct buffer first, piece;
	int fd;              /* -1: no file yet, all is in the first buffer */
	uint64_t file_bytes; /* written to the file */
	bool reading;
	const uint8_t *shown; /* stream bytes [shown_from, shown_from + shown_size): of the first buffer, or
				 else a window of the file */
	size_t shown_size;
	uint64_t shown_from, at, total; /* at: stream offset of the next head */
};

struct spool *spool_new(size_t memory, struct error *err)
{
	struct spool *s = calloc(1, sizeof *s);

	if (!s) {
		error_memory(err, "the flow spool");
		return NULL;
	}
	s->fd = -1;
	s->first.room = memory > 2 * RECORD_MAX ? memory : 2 * RECORD_MAX;
	size_t align = s->first.room < HUGE_PAGE ? 64 : HUGE_PAGE;
	size_t bytes = (s->first.room + align - 1) / align * align;
	s->first.bytes = aligned_alloc(align, bytes);
	if (!s->first.bytes) {
		spool_free(s);
		error_memory(err, "the flow spool");
		return NULL;
	}
	huge_wish(s->first.bytes, bytes);
	return s;
}

static void unmap_window(struct spool *s)
{
	if (s->shown && s->shown != s->first.bytes)
		munmap((void *)(uintptr_t)s->shown, s->shown_size);
	s->shown = NULL;
	s->shown_size = 0;
}

void spool_free(struct spool *s)
{
	if (!s)
		return;
	unmap_window(s);
	if (s->fd >= 0)
		close(s->fd);
	free(s->first.bytes);
	free(s->piece.bytes);
	free(s);
}

static bool open_file(struct spool *s, struct error *err)
{
	const char *folder = getenv("TMPDIR");

	if (!folder || !*folder)
		folder = "/var/tmp"; /* not /tmp: often in memory, which is what the file is to save */
	s->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (s->fd < 0) {
		char name[4096];
		int n = snprintf(name, sizeof name, "%s/footsteps-XXXXXX", folder);
		if (n > 0 && (size_t)n < sizeof name && (s->fd = mkostemp(name, O_CLOEXEC)) >= 0)
			unlink(name);
	}
	if (s->fd < 0)
		return error_set(
			err, EXIT_OUTPUT,
			"cannot make a temporary file in %s for flows that wait for their label: %s\n"
			"set TMPDIR to a directory with space",
			folder, strerror(errno));
	return true;
}

static bool write_out(struct spool *s, struct error *err)
{
	size_t done = 0;

	while (done < s->piece.used) {
		ssize_t n = pwrite(s->fd, s->piece.bytes + done, s->piece.used - done,
				   (off_t)(s->file_bytes + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_set(
				err, EXIT_OUTPUT,
				"cannot write the temporary file of flows that wait for their label: %s\n"
				"set TMPDIR to a directory with more space",
				n < 0 ? strerror(errno) : "no space");
		done += (size_t)n;
	}
	s->file_bytes += s->piece.used;
	s->piece.used = 0;
	return true;
}

/* From now on all goes to the file. */
static bool begin_file(struct spool *s, struct error *err)
{
	if (!s->piece.bytes)
		s->piece = (struct buffer){ .bytes = malloc(PIECE), .room = PIECE };
	return s->piece.bytes ? open_file(s, err) : error_memory(err, "the flow spool");
}

/* The buffer that has room for so many bytes more; NULL: *err says why there is none. */
static struct buffer *room_for(struct spool *s, size_t bytes, struct error *err)
{
	if (s->fd < 0 && s->first.room - s->first.used >= bytes)
		return &s->first;
	if (s->fd < 0 && !begin_file(s, err))
		return NULL;
	return s->piece.room - s->piece.used >= bytes || write_out(s, err) ? &s->piece : NULL;
}

bool spool_append(struct spool *s, struct span first, struct span second, struct error *err)
{
	size_t size = first.len + second.len;
	struct head head = { .size = (uint32_t)size,
			     .step = (uint32_t)((sizeof head + size + ALIGN - 1) / ALIGN * ALIGN) };

	if (size > RECORD_MAX - 2 * ALIGN)
		return error_set(err, EXIT_INTERNAL, "a flow record of %zu bytes does not fit the spool",
				 size);
	struct buffer *buffer = room_for(s, head.step, err);
	if (!buffer)
		return false;
	uint8_t *at = buffer->bytes + buffer->used;
	memcpy(at, &head, sizeof head);
	memcpy(at + sizeof head, first.ptr, first.len);
	if (second.len)
		memcpy(at + sizeof head + first.len, second.ptr, second.len);
	buffer->used += head.step;
	return true;
}

/* Shows what is around stream offset `at`: the first buffer, or else the file, from the page cache: no copy,
 * and never more than a window of memory. */
static bool show(struct spool *s, struct error *err)
{
	unmap_window(s);
	if (s->at < s->first.used) {
		s->shown = s->first.bytes;
		s->shown_size = s->first.used;
		s->shown_from = 0;
		return true;
	}
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), from = (s->at - s->first.used) / page * page;
	uint64_t left = s->file_bytes - from;
	size_t size = left < WINDOW ? (size_t)left : WINDOW;
	void *window = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, s->fd, (off_t)from);
	if (window == MAP_FAILED)
		return error_set(err, EXIT_OUTPUT, "cannot read back the temporary file of flows: %s",
				 strerror(errno));
	s->shown = window;
	s->shown_size = size;
	s->shown_from = s->first.used + from;
	return true;
}

bool spool_rewind(struct spool *s, struct error *err)
{
	if (!s->reading && s->fd >= 0 && !write_out(s, err))
		return false;
	free(s->piece.bytes);
	s->piece = (struct buffer){ 0 };
	s->reading = true;
	s->total = s->first.used + s->file_bytes;
	s->at = 0;
	return s->total == 0 || show(s, err);
}

bool spool_next(struct spool *s, struct span *record, bool *failed, struct error *err)
{
	struct head head;

	*failed = false;
	if (s->at >= s->total)
		return false;
	size_t left = s->shown_size - (size_t)(s->at - s->shown_from);
	if (left >= sizeof head)
		memcpy(&head, s->shown + (s->at - s->shown_from), sizeof head);
	if (left < sizeof head || left < head.step) {
		if (!show(s, err)) {
			*failed = true;
			return false;
		}
		memcpy(&head, s->shown + (s->at - s->shown_from), sizeof head);
	}
	*record = (struct span){ s->shown + (s->at - s->shown_from) + sizeof head, head.size };
	s->at += head.step;
	return true;
}
