/*
 * Saved captures as one source, merged by time: a heap of inputs, ordered by each one's next frame.
 *
 * Inputs are opened when their time comes and closed when they end. To know when that is, each is opened at
 * the start for a look at its first frame; so ten thousand files of a ring buffer take one descriptor at a
 * time.
 */
#include "capture/filter.h"
#include "capture/input.h"
#include "capture/paths.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* More files than this at the same time are read without threads and in small buffers. */
#define THREADS_MAX 4U
/* So many inputs may wait for their digests after their end; then the reading waits for the first of them. */
#define UNSETTLED_MAX 4U

struct turn {
	int64_t ts_ns; /* of the input's next frame; INT64_MIN: look at once */
	uint32_t input;
};

struct merge {
	struct control control;
	struct filter *filter; /* NULL: all frames pass */
	bool hash;
	struct path_list paths;
	struct input *inputs;
	size_t count;
	struct turn *heap; /* heap[0] is next */
	size_t heap_count;
	size_t threads; /* inputs open as STREAM_THREADED */
	/* Inputs that have ended, but for their digests; the oldest first. */
	uint32_t unsettled[UNSETTLED_MAX];
	size_t unsettled_count;
	bool failed; /* with this error, once the frames before it were taken */
	struct error failure;
	uint64_t frames, filtered, bytes_total;
};

static bool comes_before(const struct turn *a, const struct turn *b)
{
	return a->ts_ns != b->ts_ns ? a->ts_ns < b->ts_ns : a->input < b->input;
}

static void heap_sift_down(struct merge *m, size_t at)
{
	struct turn moving = m->heap[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= m->heap_count)
			break;
		if (child + 1 < m->heap_count && comes_before(&m->heap[child + 1], &m->heap[child]))
			child++;
		if (!comes_before(&m->heap[child], &moving))
			break;
		m->heap[at] = m->heap[child];
		at = child;
	}
	m->heap[at] = moving;
}

static void input_account(struct merge *m, struct input *in)
{
	struct input_info *info = &in->info;
	int64_t ts_ns = in->head.ts_ns;

	if (info->frames == 0) {
		info->first_ns = info->last_ns = ts_ns;
		info->linktype = in->head.linktype;
	} else if (in->head.linktype != info->linktype) {
		info->linktype = LINKTYPE_SEVERAL;
	}
	if (ts_ns < info->first_ns)
		info->first_ns = ts_ns;
	if (ts_ns > info->last_ns)
		info->last_ns = ts_ns;
	info->frames++;
	m->frames++;
}

static bool is_stopped(struct merge *m)
{
	return atomic_load_explicit(&m->control.stopped, memory_order_relaxed);
}

/* Whether a digest was ready when we were stopped is chance, and no result should be. */
static void settle_oldest(struct merge *m)
{
	input_settle(&m->inputs[m->unsettled[0]], is_stopped(m));
	m->unsettled_count--;
	memmove(m->unsettled, m->unsettled + 1, m->unsettled_count * sizeof m->unsettled[0]);
}

static void merge_settle(void *self)
{
	struct merge *m = self;

	while (m->unsettled_count)
		settle_oldest(m);
}

/* The input at the top has ended, or is given up. */
static void top_remove(struct merge *m, bool read_rest)
{
	struct input *in = &m->inputs[m->heap[0].input];

	m->threads -= in->stream && in->mode == STREAM_THREADED;
	input_finish(in, read_rest);
	if (in->hasher) {
		if (m->unsettled_count == UNSETTLED_MAX)
			settle_oldest(m);
		m->unsettled[m->unsettled_count++] = m->heap[0].input;
	}
	m->heap[0] = m->heap[--m->heap_count];
	if (m->heap_count)
		heap_sift_down(m, 0);
}

static void give_up(struct merge *m)
{
	while (m->heap_count)
		top_remove(m, false);
}

enum advance {
	ADVANCED, /* the heap has changed, or we were stopped */
	HELD,     /* not without moving what is handed out */
	BROKEN    /* *err is filled */
};

/*
 * The next frame that passes the filter becomes the top's head, or the top is removed. With held, frames of
 * the top are handed out and must stay where they are.
 */
static enum advance top_advance(struct merge *m, bool held, struct error *err)
{
	uint32_t index = m->heap[0].input;
	struct input *in = &m->inputs[index];
	bool passes = true;

	do {
		if (is_stopped(m))
			return ADVANCED;
		if (held ? !input_next_held(in) : !input_next(in)) {
			if (held)
				return HELD;
			top_remove(m, true);
			return ADVANCED;
		}
		if (m->filter) {
			if (!filter_frame(m->filter, &in->head, &passes, err))
				return BROKEN;
			if (!passes) {
				input_account(m, in);
				in->info.frames_filtered++;
				m->filtered++;
			}
		}
	} while (!passes);
	in->head.input = index;
	m->heap[0].ts_ns = in->head.ts_ns;
	heap_sift_down(m, 0);
	return ADVANCED;
}

static bool top_open(struct merge *m, struct error *err)
{
	enum stream_mode mode = m->threads < THREADS_MAX ? STREAM_THREADED : STREAM_INLINE;

	if (input_open(&m->inputs[m->heap[0].input], mode, m->hash, &m->control, err) != OPENING_DONE)
		return false;
	m->threads += mode == STREAM_THREADED;
	return true;
}

/* Frames of one input, until the turn passes to another or its buffer has to change. */
static size_t batch_fill(struct merge *m, struct frame *frames, size_t max)
{
	size_t n = 0;

	while (n < max && m->heap_count && !m->failed && !is_stopped(m)) {
		struct input *in = &m->inputs[m->heap[0].input];

		if (n && m->heap[0].input != frames[0].input)
			break;
		if (in->has_head) {
			input_account(m, in);
			frames[n++] = in->head;
			in->has_head = false;
			continue;
		}
		enum advance advance = BROKEN;

		if (in->stream || top_open(m, &m->failure))
			advance = top_advance(m, n > 0, &m->failure);
		m->failed = advance == BROKEN;
		if (advance == HELD)
			break;
	}
	return n;
}

static size_t merge_next_batch(void *self, struct frame *frames, size_t max, enum source_result *result,
			       struct error *err)
{
	struct merge *m = self;
	size_t n = batch_fill(m, frames, max);

	*result = SOURCE_FRAME;
	if (n)
		return n;
	give_up(m);
	*result = m->failed ? SOURCE_FAILED : SOURCE_END;
	if (m->failed && err)
		*err = m->failure;
	return 0;
}

static void merge_stats(const void *self, struct source_stats *out)
{
	const struct merge *m = self;

	*out = (struct source_stats){
		.frames = m->frames,
		.filtered = m->filtered,
		.bytes_done = atomic_load_explicit(&m->control.bytes_done, memory_order_relaxed),
		.bytes_total = m->bytes_total,
		.inputs = m->count,
	};
}

static const struct input_info *merge_input(const void *self, size_t i)
{
	const struct merge *m = self;

	return i < m->count ? &m->inputs[i].info : NULL;
}

/* Only what a signal handler may do: the next merge_next() does the rest, and the eventfd ends its waiting.
 */
static void merge_stop(void *self)
{
	struct merge *m = self;
	uint64_t one = 1;
	int saved = errno;

	atomic_store_explicit(&m->control.stopped, true, memory_order_relaxed);
	/* It fails only when the counter is full, which is as readable as can be. */
	ssize_t written = write(m->control.wake_fd, &one, sizeof one);

	(void)written;
	errno = saved;
}

static void merge_close(void *self)
{
	struct merge *m = self;

	for (size_t i = 0; i < m->count; i++) {
		input_close(&m->inputs[i]);
		input_settle(&m->inputs[i], true);
	}
	filter_free(m->filter);
	paths_free(&m->paths);
	if (m->control.wake_fd >= 0)
		close(m->control.wake_fd);
	free(m->inputs);
	free(m->heap);
	free(m);
}

static const struct source_ops merge_ops = {
	.next_batch = merge_next_batch,
	.stats = merge_stats,
	.input = merge_input,
	.settle = merge_settle,
	.stop = merge_stop,
	.close = merge_close,
};

/*
 * Looks at one file: is it a capture, and when does it begin? The only input, and one that cannot be read
 * twice, stays open.
 */
static enum opening input_add(struct merge *m, const struct found_path *found, struct error *err)
{
	struct input *in = &m->inputs[m->count];
	struct stat st;
	bool regular = strcmp(found->path, "-") != 0 && stat(found->path, &st) == 0 && S_ISREG(st.st_mode);
	bool stays = !regular || m->paths.count == 1;
	enum stream_mode mode = !stays                     ? STREAM_PEEK
				: m->threads < THREADS_MAX ? STREAM_THREADED
							   : STREAM_INLINE;

	*in = (struct input){ .info.path = found->path, .in_directory = found->in_directory };
	in->size = regular ? (uint64_t)st.st_size : 0;
	enum opening result = input_open(in, mode, m->hash, &m->control, err);

	if (result != OPENING_DONE)
		return result;
	struct turn turn = { INT64_MIN, (uint32_t)m->count };

	if (!stays) {
		/* A file without a single frame has its turn at once, so that what is wrong with it is found
		 * out. */
		if (input_next(in)) {
			turn.ts_ns = in->head.ts_ns;
			in->info.linktype = in->head.linktype;
		}
		in->info.end = INPUT_OPEN;
		in->info.problem[0] = '\0';
		input_close(in);
	}
	m->threads += stays && mode == STREAM_THREADED;
	m->heap[m->heap_count++] = turn;
	m->count++;
	return OPENING_DONE;
}

static bool filter_fits(struct merge *m, const struct input *in, struct error *err)
{
	struct error why;

	if (!m->filter || in->info.linktype < 0 || filter_check(m->filter, in->info.linktype, &why))
		return true;
	return error_set(err, why.status, "%s: %s", in->info.path, why.text);
}

/* All inputs, in the order of the arguments. */
static bool inputs_add(struct merge *m, const char *const *arguments, size_t argument_count,
		       struct error *err)
{
	bool regular_only = true;
	size_t *captures = calloc(argument_count, sizeof *captures);
	bool ok = captures || error_memory(err, "the list of inputs");

	for (size_t i = 0; ok && i < m->paths.count; i++) {
		const struct found_path *found = &m->paths.items[i];
		enum opening result = input_add(m, found, err);

		if (result == OPENING_DONE) {
			const struct input *in = &m->inputs[m->count - 1];

			captures[found->argument]++;
			m->bytes_total += in->size;
			regular_only = regular_only && in->size;
			ok = filter_fits(m, in, err);
		} else {
			ok = result == OPENING_NO_CAPTURE && found->in_directory;
		}
	}
	/* Of a file that was named, we know by now. */
	for (size_t i = 0; ok && i < argument_count; i++)
		if (!captures[i])
			ok = error_set(err, EXIT_INPUT,
				       "%s: there is no pcap, pcapng, snoop or ERF capture in this directory",
				       arguments[i]);
	if (!regular_only)
		m->bytes_total = 0;
	free(captures);
	return ok;
}

static bool names_are_sane(const char *const *paths, size_t count, struct error *err)
{
	size_t stdins = 0;

	for (size_t i = 0; i < count; i++)
		stdins += strcmp(paths[i], "-") == 0;
	if (stdins > 1)
		return error_set(err, EXIT_USAGE,
				 "'-' (standard input) is named %zu times; it can be read once", stdins);
	/* The next descriptor that is opened would take its place. */
	if (stdins && fcntl(STDIN_FILENO, F_GETFD) < 0)
		return error_set(err, EXIT_INPUT, "-: standard input is closed");
	return count || error_set(err, EXIT_USAGE, "no input is named: give files, directories, or '-'");
}

static bool merge_open(struct merge *m, const char *const *paths, size_t count,
		       const struct source_options *options, struct error *err)
{
	if (!names_are_sane(paths, count, err) || !paths_expand(paths, count, &m->paths, err))
		return false;
	m->control.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->control.wake_fd < 0)
		return error_set(err, EXIT_INTERNAL, "no eventfd: %s", strerror(errno));
	m->hash = options->hash;
	if (options->filter && !(m->filter = filter_new(options->filter, err)))
		return false;
	m->inputs = calloc(m->paths.count + 1, sizeof *m->inputs);
	m->heap = calloc(m->paths.count + 1, sizeof *m->heap);
	if (!m->inputs || !m->heap)
		return error_memory(err, "the list of inputs");
	if (!inputs_add(m, paths, count, err))
		return false;
	for (size_t i = m->heap_count / 2; i-- > 0;)
		heap_sift_down(m, i);
	return true;
}

struct source *source_open_files(const char *const *paths, size_t count, const struct source_options *options,
				 struct error *err)
{
	struct source *s = calloc(1, sizeof *s);
	struct merge *m = s ? calloc(1, sizeof *m) : NULL;

	if (!m) {
		error_memory(err, "a source");
		free(s);
		return NULL;
	}
	*s = (struct source){ &merge_ops, m };
	m->control.wake_fd = -1;
	if (options->announce)
		*options->announce = s;
	if (merge_open(m, paths, count, options, err))
		return s;
	if (options->announce)
		*options->announce = NULL;
	source_close(s);
	return NULL;
}
