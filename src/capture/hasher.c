/* A file's digest in the background; see hasher.h. */
#include "capture/hasher.h"
#include "capture/thread.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * The file is read a second time, which costs a copy of what is in the page cache: hasher and reader begin
 * together and walk the file at about the same pace, so that the one behind finds what the one before has
 * fetched.
 */
#define PIECE ((size_t)256 << 10)

/*
 * Nobody waits for the digest before the end, and everybody else is waited for by somebody: where processors
 * are few, the thread takes what the others leave, which is most of one while rows are written. Measured on
 * two, this makes the whole run shorter by a tenth. 10 is what nice(1) adds: a tenth of a processor against
 * one busy thread.
 */
#define NICENESS 10

struct hasher {
	int fd;
	const struct control *control;
	pthread_t thread;
	bool running;
	atomic_bool interrupted, relieved;
	_Atomic uint64_t limit; /* UINT64_MAX: not known yet */
	/* The thread's, while it runs. */
	uint64_t count;
	struct sha256 *hash;
	uint8_t *buffer;
};

static bool cancelled(const struct hasher *h)
{
	return atomic_load_explicit(&h->interrupted, memory_order_relaxed) ||
	       (h->control && atomic_load_explicit(&h->control->stopped, memory_order_relaxed));
}

/* One piece more, up to the limit, or to what is the end of the file now; false when there is none. */
static bool hash_piece(struct hasher *h)
{
	uint64_t limit = atomic_load_explicit(&h->limit, memory_order_relaxed);
	uint64_t left = limit > h->count ? limit - h->count : 0;
	ssize_t got = pread(h->fd, h->buffer, left < PIECE ? (size_t)left : PIECE, (off_t)h->count);

	if (got <= 0)
		return got < 0 && errno == EINTR;
	sha256_update(h->hash, (struct span){ h->buffer, (size_t)got });
	h->count += (uint64_t)got;
	return true;
}

static void *hash_behind(void *arg)
{
	struct hasher *h = arg;

	thread_step_back(NICENESS);
	while (!cancelled(h) && !atomic_load_explicit(&h->relieved, memory_order_relaxed) && hash_piece(h))
		;
	return NULL;
}

struct hasher *hasher_start(int fd, const struct control *control)
{
	struct hasher *h = sha256_available() ? calloc(1, sizeof *h) : NULL;

	if (!h)
		return NULL;
	h->control = control;
	h->limit = UINT64_MAX;
	/* It shares fd's offset, which pread() does not use, and is the same file for sure, which a second
	 * open() is not. */
	h->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	h->hash = sha256_new();
	h->buffer = malloc(PIECE);
	if (h->fd >= 0 && h->hash && h->buffer)
		h->running = thread_start(&h->thread, hash_behind, h);
	if (h->running)
		return h;
	hasher_stop(h);
	return NULL;
}

void hasher_limit(struct hasher *h, uint64_t size)
{
	if (h)
		atomic_store_explicit(&h->limit, size, memory_order_relaxed);
}

static void thread_join(struct hasher *h)
{
	if (h->running)
		pthread_join(h->thread, NULL);
	h->running = false;
}

void hasher_result(struct hasher *h, char out[SHA256_TEXT])
{
	out[0] = '\0';
	if (!h)
		return;
	/* Now somebody waits, and a thread that has stepped back cannot step forward again: the rest is done
	 * here. Some of it may be there in any case, of a file that grew while it was read. */
	atomic_store_explicit(&h->relieved, true, memory_order_relaxed);
	thread_join(h);
	while (!cancelled(h) && hash_piece(h))
		;
	if (h->count == h->limit)
		sha256_hex(h->hash, out);
}

void hasher_stop(struct hasher *h)
{
	if (!h)
		return;
	atomic_store_explicit(&h->interrupted, true, memory_order_relaxed);
	thread_join(h);
	if (h->fd >= 0)
		close(h->fd);
	sha256_free(h->hash);
	free(h->buffer);
	free(h);
}
