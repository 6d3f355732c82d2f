/* Frames into a capture file; see record.h. */
#include "capture/record.h"
#include "base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file format: draft-ietf-opsawg-pcap, sections 4 and 5. */
#define MAGIC_NANOSECONDS 0xa1b23c4dU
#define HEADER_SIZE       24U
#define RECORD_SIZE       16U
#define LINKTYPE_ETHERNET 1
#define BUFFER_SIZE       (256U << 10)

struct recording {
	char *path;
	int fd;
	uint32_t snaplen;
	int linktype; /* -1: no frame yet */
	bool failed;
	size_t used;
	int64_t flushed_ns; /* of the first frame since the file was written to */
	uint64_t left_out;
	off_t whole;      /* bytes of the file */
	uint8_t buffer[]; /* BUFFER_SIZE, and room for a record that begins before its end */
};

/* An empty file may have been made for us (mktemp(1)); anything else is somebody's. */
static int open_new(const char *path, struct error *err)
{
	struct stat st;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

	if (fd >= 0)
		return fd;
	if (errno == EEXIST)
		fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno != ENXIO) {
		error_set(err, EXIT_OUTPUT, "%s: cannot be written: %s", path, strerror(errno));
		return -1;
	}
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	error_set(err, EXIT_OUTPUT,
		  "%s is there already, and no recording replaces anything: move it, or name another file",
		  path);
	return -1;
}

struct recording *recording_open(const char *path, uint32_t snaplen, struct error *err)
{
	size_t size = BUFFER_SIZE + HEADER_SIZE + RECORD_SIZE + snaplen;
	struct recording *r = calloc(1, sizeof *r + size);

	if (!r) {
		error_memory(err, "the recording");
		return NULL;
	}
	r->path = strdup(path);
	r->snaplen = snaplen;
	r->linktype = -1;
	r->fd = r->path ? open_new(path, err) : -1;
	if (r->fd >= 0)
		return r;
	if (!r->path)
		error_memory(err, "the recording");
	free(r->path);
	free(r);
	return NULL;
}

static bool flush(struct recording *r, struct error *err)
{
	size_t done = 0;

	while (done < r->used) {
		ssize_t written = write(r->fd, r->buffer + done, r->used - done);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0) {
			int why = written < 0 ? errno : ENOSPC;
			/* Part of the records may have been written; whether it can be undone or not, the
			 * rest is lost. */
			int undone = ftruncate(r->fd, r->whole);

			(void)undone;
			r->failed = true;
			return error_set(err, EXIT_OUTPUT,
					 "%s: cannot be written, and the recording ends here: %s", r->path,
					 strerror(why));
		}
		done += (size_t)written;
	}
	r->whole += (off_t)r->used;
	r->used = 0;
	return true;
}

static void put_32(struct recording *r, uint32_t value)
{
	for (unsigned shift = 0; shift < 32; shift += 8)
		r->buffer[r->used++] = (uint8_t)(value >> shift);
}

static void put_header(struct recording *r, int linktype)
{
	r->linktype = linktype;
	put_32(r, MAGIC_NANOSECONDS);
	put_32(r, 2 | 4U << 16); /* version 2.4, two numbers of 16 bits */
	put_32(r, 0);
	put_32(r, 0);
	put_32(r, r->snaplen);
	put_32(r, (uint32_t)linktype);
}

static void put_frame(struct recording *r, const struct frame *f)
{
	size_t captured = f->bytes.len < r->snaplen ? f->bytes.len : r->snaplen;

	put_32(r, (uint32_t)(f->ts_ns / NS_PER_S));
	put_32(r, (uint32_t)(f->ts_ns % NS_PER_S));
	put_32(r, (uint32_t)captured);
	put_32(r, f->wire_len);
	if (captured)
		memcpy(r->buffer + r->used, f->bytes.ptr, captured);
	r->used += captured;
}

bool recording_frames(struct recording *r, const struct frame *frames, size_t count, struct error *err)
{
	if (r->failed)
		return true;
	if (count == 0)
		return flush(r, err);
	for (size_t i = 0; i < count; i++) {
		const struct frame *f = &frames[i];

		if (f->ts_ns < 0 || (r->linktype >= 0 && f->linktype != r->linktype)) {
			r->left_out++;
			continue;
		}
		if (r->linktype < 0)
			put_header(r, f->linktype);
		/* A clock that was set back is no reason to hold frames for as long. */
		if (r->used && (r->used > BUFFER_SIZE || f->ts_ns - r->flushed_ns >= NS_PER_S ||
				f->ts_ns < r->flushed_ns)) {
			if (!flush(r, err))
				return false;
		}
		if (r->used == 0)
			r->flushed_ns = f->ts_ns;
		put_frame(r, f);
	}
	return true;
}

uint64_t recording_left_out(const struct recording *r)
{
	return r->left_out;
}

bool recording_close(struct recording *r, struct error *err)
{
	if (!r)
		return true;
	if (r->linktype < 0)
		put_header(r, LINKTYPE_ETHERNET);
	bool ok = r->failed || flush(r, err);

	if (close(r->fd) != 0 && ok && !r->failed)
		ok = error_set(err, EXIT_OUTPUT, "%s: cannot be written: %s", r->path, strerror(errno));
	free(r->path);
	free(r);
	return ok;
}
