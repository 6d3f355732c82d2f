/* The bytes of one input as they are stored; see stored.h. */
#include "capture/stored.h"
#include "capture/hasher.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

struct stored {
	int fd;
	bool is_stdin, regular, at_end;
	atomic_bool interrupted;
	int interrupt_fd; /* eventfd; -1 for a regular file, which needs none */
	uint64_t size, count;
	struct sha256 *hash;   /* fed by stored_read(); NULL: no digest, or hasher's */
	struct hasher *hasher; /* computes it in the background */
	struct control *control;
};

static bool open_failed(struct error *err, const char *path, int why)
{
	const char *advice =
		why == EMFILE ? ": too many inputs overlap in time; allow more with \"ulimit -n\"" : "";

	return error_set(err, EXIT_INPUT, "%s: cannot be opened: %s%s", path, strerror(why), advice);
}

/* Pipes and terminals can be silent for ever: an eventfd beside them lets a wait for their bytes be ended. */
static bool interruptible(struct stored *f, const char *path, struct error *err)
{
	if (f->regular)
		return true;
	f->interrupt_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return f->interrupt_fd >= 0 || open_failed(err, path, errno);
}

struct stored *stored_open(const char *path, bool hash, struct control *control, struct error *err)
{
	struct stored *f = calloc(1, sizeof *f);
	struct stat st;

	if (!f) {
		error_memory(err, path);
		return NULL;
	}
	f->is_stdin = strcmp(path, "-") == 0;
	f->interrupt_fd = -1;
	f->control = control;
	f->fd = f->is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (f->fd < 0 || fstat(f->fd, &st) != 0) {
		open_failed(err, path, errno);
		goto failed;
	}
	f->regular = S_ISREG(st.st_mode);
	f->size = f->regular ? (uint64_t)st.st_size : 0;
	if (!interruptible(f, path, err))
		goto failed;
	if (f->regular)
		(void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (hash && sha256_available() && !(f->hash = sha256_new())) {
		error_memory(err, "a SHA-256 context");
		goto failed;
	}
	return f;
failed:
	stored_close(f);
	return NULL;
}

static bool cancelled(struct stored *f)
{
	return atomic_load_explicit(&f->interrupted, memory_order_relaxed) ||
	       (f->control && atomic_load_explicit(&f->control->stopped, memory_order_relaxed));
}

/* Until there are bytes (or an end) to read, or somebody wants us to give up. */
static void wait_for_bytes(struct stored *f)
{
	struct pollfd fds[] = {
		{ .fd = f->fd, .events = POLLIN },
		{ .fd = f->interrupt_fd, .events = POLLIN },
		{ .fd = f->control ? f->control->wake_fd : -1, .events = POLLIN },
	};

	while (poll(fds, 3, -1) < 0 && errno == EINTR && !cancelled(f))
		;
}

ssize_t stored_read(struct stored *f, uint8_t *to, size_t n)
{
	ssize_t got;

	/* Reading a terminal or a pipe again after its end would wait for more. */
	if (f->at_end)
		return 0;
	do {
		if (!f->regular && !cancelled(f))
			wait_for_bytes(f);
		if (cancelled(f)) {
			errno = ECANCELED;
			return -1;
		}
		got = read(f->fd, to, n);
	} while (got < 0 && (errno == EINTR || errno == EAGAIN));
	if (got < 0)
		return -1;
	f->at_end = got == 0;
	f->count += (uint64_t)got;
	if (f->control)
		atomic_fetch_add_explicit(&f->control->bytes_done, (uint64_t)got, memory_order_relaxed);
	sha256_update(f->hash, (struct span){ to, (size_t)got });
	return got;
}

void stored_interrupt(struct stored *f)
{
	uint64_t one = 1;

	atomic_store_explicit(&f->interrupted, true, memory_order_relaxed);
	if (f->interrupt_fd < 0)
		return;
	/* It fails only when the counter is full, which is as readable as can be. */
	ssize_t written = write(f->interrupt_fd, &one, sizeof one);

	(void)written;
}

bool stored_is_regular(const struct stored *f)
{
	return f->regular;
}

uint64_t stored_size(const struct stored *f)
{
	return f->size;
}

uint64_t stored_count(const struct stored *f)
{
	return f->count;
}

void stored_hash_apart(struct stored *f)
{
	/* Standard input begins where somebody else left it. */
	if (!f->hash || !f->regular || f->is_stdin)
		return;
	f->hasher = hasher_start(f->fd, f->control);
	if (!f->hasher)
		return;
	sha256_free(f->hash);
	f->hash = NULL;
}

struct hasher *stored_take_hasher(struct stored *f)
{
	struct hasher *h = f->hasher;

	f->hasher = NULL;
	return h;
}

bool stored_hashes_inline(const struct stored *f)
{
	return f->hash;
}

void stored_digest(struct stored *f, char out[SHA256_TEXT])
{
	out[0] = '\0';
	if (f->hash && f->at_end)
		sha256_hex(f->hash, out);
}

void stored_close(struct stored *f)
{
	if (!f)
		return;
	if (f->fd >= 0 && !f->is_stdin)
		close(f->fd);
	if (f->interrupt_fd >= 0)
		close(f->interrupt_fd);
	hasher_stop(f->hasher);
	sha256_free(f->hash);
	free(f);
}
