/*
 * The live pipeline without a link, to be counted and profiled: an Ethernet capture, played from memory as
 * fast as the engine takes it, becomes facts in a database.
 *
 *   live_engine [-n] [-j WORKERS] [-t TIMES] CAPTURE DATABASE
 *
 * -n: without libndpi. -t: the capture again and again, an hour later each time. Frames are dealt out to
 * workers by their two IPv4 addresses. The tables are not made: that is no work per packet. Prints frames,
 * flows, bytes of facts, and the CPU time of the engine per packet; the capture's own reading is not in it.
 */
#include "base/clock.h"
#include "identify/voice_models.h"
#include "live/engine.h"
#include "store/aggregate.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define WORKERS_MOST 8U
#define AGAIN_NS     (3600 * NS_PER_S)

struct trace {
	struct frame *frame;
	size_t count, room;
	uint8_t *bytes;
	size_t used, bytes_room;
};

struct player {
	struct source source; /* first */
	const struct trace *trace;
	size_t at;
	unsigned worker, workers, times, turn;
};

static bool trace_put(struct trace *t, const struct frame *f)
{
	if (t->count == t->room) {
		size_t room = 2 * t->room + 65536;
		struct frame *frame = realloc(t->frame, room * sizeof *frame);

		if (!frame)
			return false;
		t->frame = frame;
		t->room = room;
	}
	if (t->bytes_room - t->used < f->bytes.len)
		return false;
	memcpy(t->bytes + t->used, f->bytes.ptr, f->bytes.len);
	t->frame[t->count] = *f;
	t->frame[t->count++].bytes.ptr = t->bytes + t->used;
	t->used += f->bytes.len;
	return true;
}

static bool trace_load(struct trace *t, const char *path, struct error *err)
{
	const struct source_options options = { 0 };
	struct source *s = source_open_files(&path, 1, &options, err);
	enum source_result result = SOURCE_FRAME;
	struct frame f;

	if (!s)
		return false;
	t->bytes_room = (size_t)2 << 30; /* of address space */
	t->bytes = malloc(t->bytes_room);
	while (t->bytes && (result = source_next(s, &f, err)) == SOURCE_FRAME)
		if (!trace_put(t, &f))
			break;
	source_close(s);
	return (t->bytes && result != SOURCE_FRAME) || error_memory(err, "a capture");
}

static unsigned dealt_to(const struct frame *f, unsigned workers)
{
	unsigned sum = 0;

	if (workers == 1 || f->bytes.len < 34 || f->bytes.ptr[12] != 8 || f->bytes.ptr[13] != 0)
		return 0;
	for (unsigned i = 26; i < 34; i++)
		sum += f->bytes.ptr[i];
	return sum % workers;
}

static size_t play(void *self, struct frame *frames, size_t max, enum source_result *result,
		   struct error *err)
{
	struct player *p = self;
	size_t count = 0;

	(void)err;
	while (count < max && p->turn < p->times) {
		const struct frame *f = &p->trace->frame[p->at];

		if (dealt_to(f, p->workers) == p->worker) {
			frames[count] = *f;
			frames[count++].ts_ns += p->turn * AGAIN_NS;
		}
		if (++p->at == p->trace->count) {
			p->at = 0;
			p->turn++;
		}
	}
	*result = count ? SOURCE_FRAME : SOURCE_END;
	return count;
}

static void stats(const void *self, struct source_stats *out)
{
	const struct player *p = self;

	*out = (struct source_stats){ .frames = p->trace->count * p->times, .inputs = 1 };
}

static const struct input_info the_input = {
	.path = "memory", .format = "interface", .container = "", .linktype = 1, .end = INPUT_COMPLETE
};

static const struct input_info *input(const void *self, size_t i)
{
	(void)self;
	return i == 0 ? &the_input : NULL;
}

static void stop(void *self)
{
	(void)self; /* it ends by itself */
}

static const struct source_ops player_ops = { play, stats, input, NULL, stop, stop };

static int64_t capture_clock(const void *self)
{
	(void)self;
	return 0;
}

static void say(void *self, const char *line)
{
	(void)self;
	fprintf(stderr, "live_engine: %s\n", line);
}

static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

struct given {
	bool ndpi;
	unsigned workers, times;
	const char *database;
};

static bool run(const struct given *g, const struct trace *trace, struct error *err)
{
	struct player player[WORKERS_MOST];
	struct source *source[WORKERS_MOST];
	struct netset *internal = netset_new();
	struct voice_models *models = voice_models_builtin(err);
	struct problems *problems = calloc(1, sizeof *problems);

	if (!internal || !models || !problems)
		return false;
	netset_add_private(internal);
	const struct worker_options worker = {
		.flows = { FLOW_IDLE_DEFAULT_NS, FLOW_MAX_DEFAULT / g->workers, FLOW_HEAD_DEFAULT },
		.models = models,
		.ndpi = g->ndpi,
		.ndpi_packets = 16,
	};
	const struct aggregate_options aggregate = { .sockets = { .max_sockets = SOCKETS_MAX_DEFAULT,
								  .verdict_bits = VERDICT_BITS_DEFAULT,
								  .suspect_bits = SUSPECT_BITS_DEFAULT,
								  .internal = internal },
						     .models = models,
						     .max_pairs = PAIRS_MAX_DEFAULT,
						     .all_flows = true };
	/* The tables are made after ten years, which is never. */
	const struct live_store_options store = { .path = g->database,
						  .aggregate = aggregate,
						  .json = "{}",
						  .version = "bench",
						  .libraries = "",
						  .input = &the_input,
						  .inputs = 1,
						  .idle_ns = worker.flows.idle_ns,
						  .tables_every_ns = 3650 * 24 * AGAIN_NS,
						  .say = say };
	const struct live_state_options state = { .sockets = aggregate.sockets, .database = g->database };
	struct engine_options options = {
		.worker = worker, .source = source, .workers = g->workers, .now = capture_clock
	};
	struct stage_counts counts;
	struct live_store_status storage;

	for (unsigned i = 0; i < g->workers; i++) {
		player[i] = (struct player){ .source = { &player_ops, &player[i] },
					     .trace = trace,
					     .worker = i,
					     .workers = g->workers,
					     .times = g->times };
		source[i] = &player[i].source;
	}
	options.state = live_state_new(&state, err);
	options.store = options.state ? live_store_open(&store, err) : NULL;
	if (!options.store)
		return false;
	double began = cpu_seconds();
	struct engine *e = engine_start(&options, err);

	while (e && !engine_done(e))
		usleep(20000);
	bool ok = e && engine_stop(e, problems, err);

	if (ok) {
		double took = cpu_seconds() - began;

		engine_counts(e, &counts);
		engine_storage(e, &storage);
		printf("%" PRIu64 " frames, %" PRIu64 " flows, %" PRIu64 " records lost, %.0f ns each\n%s",
		       counts.frames, counts.flows.flows, storage.records_lost,
		       took * 1e9 / (double)counts.frames, problems->text);
	}
	engine_free(e);
	live_store_close(options.store);
	live_state_free(options.state);
	netset_free(internal);
	voice_models_free(models);
	free(problems);
	return ok;
}

int main(int argc, char **argv)
{
	struct given g = { .ndpi = true, .workers = 1, .times = 1 };
	struct trace trace = { 0 };
	struct error err = { 0 };
	int option;

	while ((option = getopt(argc, argv, "nj:t:")) != -1) {
		if (option == 'n')
			g.ndpi = false;
		else if (option == 'j')
			g.workers = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 't')
			g.times = (unsigned)strtoul(optarg, NULL, 10);
		else
			argc = 0;
	}
	if (argc - optind != 2 || g.workers < 1 || g.workers > WORKERS_MOST || g.times < 1) {
		fprintf(stderr, "usage: live_engine [-n] [-j WORKERS] [-t TIMES] CAPTURE DATABASE\n");
		return 1;
	}
	g.database = argv[optind + 1];
	bool ok = trace_load(&trace, argv[optind], &err) && run(&g, &trace, &err);

	if (!ok)
		fprintf(stderr, "live_engine: %s\n", err.text);
	free(trace.frame);
	free(trace.bytes);
	return ok ? 0 : 2;
}
