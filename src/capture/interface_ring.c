/* What a worker reads: its ring of each interface, merged by time; see interface.h. */
#include "capture/interface_parts.h"
#include "base/real_time.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ERRORS_MAX       50U            /* in a row, of a ring whose interface is up */
#define STOPPING_MOST_NS (5 * NS_PER_S) /* for frames after a stop, with a clock that was set back */

/* --- from the kernel into a ring's batch ------------------------------------------------------------------
 */

struct taking {
	struct ring *ring;
	const struct interfaces *all;
	uint32_t input;
};

static void take_frame(u_char *self, const struct pcap_pkthdr *header, const u_char *bytes)
{
	struct taking *t = (struct taking *)(void *)self;
	struct ring *ring = t->ring;
	uint32_t snaplen = t->all->options.snaplen;
	/* The field says microseconds and holds nanoseconds (pcap_set_tstamp_precision(3)). */
	int64_t ts_ns = (int64_t)header->ts.tv_sec * NS_PER_S + header->ts.tv_usec;

	if ((!ring->begun && ts_ns < t->all->start_ns) || ring->filled == INTERFACE_BATCH)
		return;
	ring->begun = true;
	size_t captured = header->caplen < snaplen ? header->caplen : snaplen;
	uint8_t *copy = ring->bytes + ring->filled * snaplen;

	memcpy(copy, bytes, captured);
	ring->pending[ring->filled++] = (struct frame){
		.ts_ns = ts_ns,
		.bytes = { copy, captured },
		.wire_len = header->len < captured ? (uint32_t)captured : header->len,
		.linktype = ring->link->linktype,
		.input = t->input,
	};
}

/* An interface that goes down is an error of its socket, once; libpcap may see it first. */
static void ring_failed(struct reader_of_rings *r, struct ring *ring)
{
	char why[PCAP_ERRBUF_SIZE + 16];

	link_look(r->all, ring->link, ring->fd);
	if (atomic_load(&ring->link->state) != LINK_UP || ++ring->errors < ERRORS_MAX)
		return;
	snprintf(why, sizeof why, "is left: %s", pcap_geterr(ring->pcap));
	link_leave(r->all, ring->link, why);
}

/* Nothing of the ring is handed out, or pending. */
static void ring_fill(struct reader_of_rings *r, struct ring *ring)
{
	struct taking t = { ring, r->all, (uint32_t)(ring - r->rings) };

	ring->next = ring->filled = 0;
	int64_t now = steady_time();
	int taken = pcap_dispatch(ring->pcap, (int)INTERFACE_BATCH, take_frame, (u_char *)&t);

	if (taken < 0)
		ring_failed(r, ring);
	else
		ring->errors = 0;
	/* What is from before the start has been seen; what else has such a time came after a clock was set
	 * back. */
	if (taken == 0 && now - r->all->start_monotonic_ns > INTERFACE_LATE_NS)
		ring->begun = true;
	if (ring->filled == 0 &&
	    atomic_load_explicit(&ring->link->state, memory_order_relaxed) == LINK_GONE) {
		/* What came before the end is in a block that is still to be handed out. */
		if (ring->gone_ns == 0)
			ring->gone_ns = now;
		ring->done = now - ring->gone_ns > INTERFACE_LATE_NS;
	}
}

static bool ring_is_empty(const struct ring *ring)
{
	return ring->next == ring->filled;
}

/* --- merging ----------------------------------------------------------------------------------------------
 */

static void input_account(struct input_info *info, int64_t ts_ns)
{
	if (info->frames++ == 0)
		info->first_ns = info->last_ns = ts_ns;
	if (ts_ns < info->first_ns)
		info->first_ns = ts_ns;
	if (ts_ns > info->last_ns)
		info->last_ns = ts_ns;
}

/*
 * The ring whose frame is next; NULL: none has one. A frame from after now is from before the clock was set
 * back; it goes first, for by its time it would wait as long as the clock has to catch up.
 */
static struct ring *next_ring(struct reader_of_rings *r, int64_t now)
{
	struct ring *best = NULL;

	for (size_t i = 0; i < r->count; i++) {
		struct ring *ring = &r->rings[i];

		if (ring_is_empty(ring))
			continue;
		if (ring->pending[ring->next].ts_ns > now + INTERFACE_LATE_NS)
			return ring;
		if (!best || ring->pending[ring->next].ts_ns < best->pending[best->next].ts_ns)
			best = ring;
	}
	return best;
}

/* Whether one that is empty may still show an older frame. */
static bool must_wait(const struct reader_of_rings *r, const struct ring *next, int64_t seen, int64_t now)
{
	int64_t ts_ns = next->pending[next->next].ts_ns;

	if (ts_ns <= seen - INTERFACE_LATE_NS || ts_ns > now + INTERFACE_LATE_NS)
		return false;
	for (size_t i = 0; i < r->count; i++)
		if (ring_is_empty(&r->rings[i]) && !r->rings[i].done)
			return true;
	return false;
}

/* All workers add to these, so not for every frame. */
static void link_count(struct link *link, uint64_t packets, uint64_t bytes)
{
	atomic_fetch_add_explicit(&link->packets, packets, memory_order_relaxed);
	atomic_fetch_add_explicit(&link->bytes, bytes, memory_order_relaxed);
}

/* seen: a time before the rings were looked at. Who is held up between that and now may find frames in one
 * that are much newer, and in the others none as new. */
static size_t frames_merge(struct reader_of_rings *r, struct frame *frames, size_t max, int64_t seen)
{
	int64_t now = capture_now();
	uint64_t packets[INTERFACES_MAX] = { 0 }, bytes[INTERFACES_MAX] = { 0 };
	size_t n = 0;

	while (n < max) {
		struct ring *ring = next_ring(r, now);

		if (!ring || must_wait(r, ring, seen, now))
			break;
		frames[n] = ring->pending[ring->next++];
		input_account(&r->inputs[frames[n].input], frames[n].ts_ns);
		packets[frames[n].input]++;
		bytes[frames[n].input] += frames[n].wire_len;
		n++;
		/* It has not been looked at since, and may have an older one than the others. */
		if (ring_is_empty(ring))
			break;
	}
	for (size_t i = 0; i < r->count; i++)
		if (packets[i])
			link_count(r->rings[i].link, packets[i], bytes[i]);
	r->frames += n;
	return n;
}

/* --- the source -------------------------------------------------------------------------------------------
 */

static void look_after(struct reader_of_rings *r, int64_t monotonic)
{
	r->next_look_ns = monotonic + INTERFACE_TICK_NS;
	for (size_t i = 0; i < r->count; i++) {
		struct ring *ring = &r->rings[i];

		ring_count_drops(ring);
		link_look(r->all, ring->link, ring->fd);
		/* An interface is one, however many workers share it. */
		if (r->worker == 0)
			link_count_drops(ring->link);
		r->inputs[i].dropped = ring->dropped + (r->worker == 0 ? ring->link->dropped_interface : 0);
	}
}

static void inputs_end(struct reader_of_rings *r)
{
	look_after(r, steady_time());
	for (size_t i = 0; i < r->count; i++) {
		struct input_info *info = &r->inputs[i];
		bool gone = atomic_load(&r->rings[i].link->state) == LINK_GONE;

		info->end = gone ? INPUT_CUT : INPUT_STOPPED;
		if (gone)
			snprintf(info->problem, sizeof info->problem,
				 "the interface vanished, or could not be read any more");
	}
	r->ended = true;
}

/*
 * All interfaces are gone; or we were stopped, and have what came until then: when each ring has shown a
 * later frame, or is empty and was given the time to show what it had, however long a slow reader takes for
 * it. A clock that is set back meanwhile must not keep us: frames are never later by it. seen: of the capture
 * clock.
 */
static bool is_over(struct reader_of_rings *r, int64_t now, int64_t seen)
{
	int64_t stopped = atomic_load(&r->stopped_ns);
	bool over = true, gone = true;

	if (stopped && r->stop_seen_ns == 0)
		r->stop_seen_ns = now;
	for (size_t i = 0; i < r->count; i++) {
		const struct ring *ring = &r->rings[i];
		bool is_empty = ring_is_empty(ring);

		gone = gone && ring->done && is_empty;
		over = over && (is_empty ? ring->done || now - r->stop_seen_ns > INTERFACE_LATE_NS
					 : ring->pending[ring->next].ts_ns > stopped);
	}
	bool set_back = seen < stopped && now - r->stop_seen_ns > STOPPING_MOST_NS;
	return gone || (stopped && (over || set_back));
}

static int wait_ms(const struct reader_of_rings *r, int64_t seen, int64_t left)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct ring *ring = &r->rings[i];

		if (!ring_is_empty(ring) && ring->pending[ring->next].ts_ns + INTERFACE_LATE_NS - seen < left)
			left = ring->pending[ring->next].ts_ns + INTERFACE_LATE_NS - seen;
	}
	/* A stop that is under way is over soon, at a time that nobody wakes us for. */
	if (atomic_load(&r->stopped_ns) && left > INTERFACE_LATE_NS / 10)
		left = INTERFACE_LATE_NS / 10;
	return left > 0 ? (int)(left / NS_PER_MS) + 1 : 0;
}

/* Until a ring that is empty has something, or somebody stops us, or `left` is over. */
static void rings_wait(struct reader_of_rings *r, int64_t seen, int64_t left)
{
	struct pollfd fds[INTERFACES_MAX + 1];
	struct ring *of[INTERFACES_MAX + 1];
	nfds_t n = 0;

	for (size_t i = 0; i < r->count; i++) {
		if (!ring_is_empty(&r->rings[i]) || r->rings[i].done)
			continue;
		of[n] = &r->rings[i];
		fds[n++] = (struct pollfd){ .fd = r->rings[i].fd, .events = POLLIN };
	}
	nfds_t rings = n;

	if (!atomic_load(&r->stopped_ns))
		fds[n++] = (struct pollfd){ .fd = r->wake_fd, .events = POLLIN };
	if (poll(fds, n, wait_ms(r, seen, left)) <= 0)
		return;
	for (nfds_t i = 0; i < rings; i++) {
		int problem = 0;
		socklen_t size = sizeof problem;

		if (!(fds[i].revents & (POLLERR | POLLHUP | POLLNVAL)))
			continue;
		/* Asking takes the error away; else the next poll() would come back at once. */
		getsockopt(fds[i].fd, SOL_SOCKET, SO_ERROR, &problem, &size);
		link_look(r->all, of[i]->link, of[i]->fd);
	}
}

static size_t next_batch(void *self, struct frame *frames, size_t max, enum source_result *result,
			 struct error *err)
{
	struct reader_of_rings *r = self;
	int64_t began = steady_time(), now = began;

	(void)err;
	while (!r->ended) {
		/* Before the rings are looked at: what is older than this, less their delay, was in them. */
		int64_t seen = capture_now();

		if (now >= r->next_look_ns)
			look_after(r, now);
		for (size_t i = 0; i < r->count; i++)
			if (ring_is_empty(&r->rings[i]) && !r->rings[i].done)
				ring_fill(r, &r->rings[i]);
		if (is_over(r, now, seen)) {
			inputs_end(r);
			break;
		}
		size_t n = frames_merge(r, frames, max, seen);

		*result = n ? SOURCE_FRAME : SOURCE_IDLE;
		if (n || now - began >= INTERFACE_TICK_NS)
			return n;
		rings_wait(r, seen, began + INTERFACE_TICK_NS - now);
		now = steady_time();
	}
	*result = SOURCE_END;
	return 0;
}

static void reader_stats(const void *self, struct source_stats *out)
{
	const struct reader_of_rings *r = self;

	*out = (struct source_stats){ .frames = r->frames, .inputs = r->count };
}

static const struct input_info *reader_input(const void *self, size_t i)
{
	const struct reader_of_rings *r = self;

	return i < r->count ? &r->inputs[i] : NULL;
}

/* Only what a signal handler may do: clock_gettime() and write() are among it (signal-safety(7)). */
static void reader_stop(void *self)
{
	struct reader_of_rings *r = self;
	uint64_t one = 1;
	int64_t running = 0;
	int saved = errno;

	atomic_compare_exchange_strong(&r->stopped_ns, &running, capture_now());
	/* It fails only when the counter is full, which is as readable as can be. */
	ssize_t written = write(r->wake_fd, &one, sizeof one);

	(void)written;
	errno = saved;
}

static void reader_close(void *self)
{
	struct reader_of_rings *r = self;

	close(r->wake_fd);
	free(r->inputs);
	free(r);
}

const struct source_ops interface_ops = {
	.next_batch = next_batch,
	.stats = reader_stats,
	.input = reader_input,
	.stop = reader_stop,
	.close = reader_close,
};
