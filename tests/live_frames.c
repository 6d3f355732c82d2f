/*
 * What a live source gives, as lines: for tests/capture_live.py.
 *
 *   live_frames [-w WORKERS] [-s SNAPLEN] [-b BUFFER] [-f FILTER] [-q] [-p MS] [-t MS] INTERFACE...
 *
 * frame WORKER INPUT TIME WIRE CAPTURED HEX; idle WORKER; say LINE; end WORKER INPUT END PROBLEM;
 * stats NAME up|down|gone PACKETS BYTES KERNEL INTERFACE. -q: no frames, only a count of each worker. -p:
 * nobody reads for so long behind each batch of frames. -t: after so long, another thread stops the sources;
 * then, and at TERM, `over MS` says how long that took.
 */
#include "base/clock.h"
#include "capture/interface.h"
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH 32

struct worker {
	pthread_t thread;
	struct source *source;
	unsigned number;
};

static struct worker workers[INTERFACE_WORKERS_MAX];
static unsigned worker_count = 1;
static bool quiet;
static long pause_ms;
static volatile int64_t stopped_ns;

static int64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void stop_all(int signal_number)
{
	(void)signal_number;
	stopped_ns = monotonic_ns();
	for (unsigned i = 0; i < worker_count; i++)
		source_stop(workers[i].source);
}

static void sleep_ms(long ms)
{
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) != 0)
		;
}

static void say(void *self, const char *line)
{
	(void)self;
	printf("say %s\n", line);
}

static void print_frame(unsigned worker, const struct frame *f)
{
	flockfile(stdout);
	printf("frame %u %u %" PRId64 " %u %zu ", worker, f->input, f->ts_ns, f->wire_len, f->bytes.len);
	for (size_t i = 0; i < f->bytes.len; i++)
		printf("%02x", f->bytes.ptr[i]);
	putchar('\n');
	funlockfile(stdout);
}

static void *work(void *self)
{
	struct worker *w = self;
	struct frame frames[BATCH];
	enum source_result result;
	struct source_stats stats;
	const struct input_info *in;

	do {
		size_t n = source_next_batch(w->source, frames, BATCH, &result, NULL);
		for (size_t i = 0; i < n && !quiet; i++)
			print_frame(w->number, &frames[i]);
		if (n > 0)
			sleep_ms(pause_ms);
		if (result == SOURCE_IDLE && !quiet)
			printf("idle %u\n", w->number);
	} while (result == SOURCE_FRAME || result == SOURCE_IDLE);
	source_stats(w->source, &stats);
	printf("count %u %" PRIu64 "\n", w->number, stats.frames);
	for (size_t i = 0; (in = source_input(w->source, i)); i++)
		printf("end %u %s %d %s\n", w->number, in->path, (int)in->end, in->problem);
	return NULL;
}

static int fail(const struct error *err)
{
	printf("error %d %s\n", (int)err->status, err->text);
	return 2;
}

int main(int argc, char **argv)
{
	struct interface_options options = { .workers = 1,
					     .snaplen = INTERFACE_SNAPLEN_DEFAULT,
					     .buffer = INTERFACE_BUFFER_DEFAULT,
					     .promiscuous = true,
					     .say = say };
	struct interface_stats stats;
	struct error err;
	long stop_ms = 0;
	int option;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((option = getopt(argc, argv, "w:s:b:f:qp:t:")) != -1) {
		switch (option) {
		case 'w':
			worker_count = options.workers = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 's':
			options.snaplen = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'b':
			options.buffer = strtoull(optarg, NULL, 10);
			break;
		case 'f':
			options.filter = optarg;
			break;
		case 'q':
			quiet = true;
			break;
		case 'p':
			pause_ms = strtol(optarg, NULL, 10);
			break;
		case 't':
			stop_ms = strtol(optarg, NULL, 10);
			break;
		default:
			return 1;
		}
	}
	options.names = (const char *const *)argv + optind;
	options.count = (size_t)(argc - optind);
	struct interfaces *all = interfaces_open(&options, &err);

	if (!all)
		return fail(&err);
	for (unsigned i = 0; i < worker_count; i++) {
		workers[i].number = i;
		workers[i].source = interfaces_source(all, i, &err);
		if (!workers[i].source)
			return fail(&err);
	}
	signal(SIGTERM, stop_all);
	puts("ready");
	for (unsigned i = 0; i < worker_count; i++)
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			return 5;
	if (stop_ms) {
		sleep_ms(stop_ms);
		stop_all(0);
	}
	for (unsigned i = 0; i < worker_count; i++)
		pthread_join(workers[i].thread, NULL);
	if (stopped_ns)
		printf("over %" PRId64 "\n", (monotonic_ns() - stopped_ns) / NS_PER_MS);
	for (size_t i = 0; interfaces_stats(all, i, &stats); i++)
		printf("stats %s %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", stats.name,
		       stats.gone ? "gone"
		       : stats.up ? "up"
				  : "down",
		       stats.packets, stats.bytes, stats.dropped_kernel, stats.dropped_interface);
	for (unsigned i = 0; i < worker_count; i++)
		source_close(workers[i].source);
	interfaces_close(all);
	return 0;
}
