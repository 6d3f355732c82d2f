/*
 * The live engine on sources that play a trace from memory: what several workers, a clock that steps, a flood
 * and a source that fails make of it. The judge is the offline pipeline on the same frames.
 */
#include "store_build.h"
#include "base/clock.h"
#include "cmd_verify.h"
#include "live/engine.h"
#include "store/pipeline.h"
#include <malloc.h>

#define WORKERS_MOST 4U
#define HOUR_NS      (3600 * NS_PER_S)
#define FLOWS_MAX    2000U /* in the flood */
#define FLOOD        200000U
#define FLOOD_LONG   10000000U /* with FOOTSTEPS_LONG=1 */

/* --- a trace in memory
 * --------------------------------------------------------------------------------------- */

struct trace {
	struct frame *frame;
	size_t count;
	uint8_t *bytes;
};

static const char *shipped(const char *name, char path[4096])
{
	const char *top = getenv("FOOTSTEPS_DATA");

	snprintf(path, 4096, "%s/traces/peer/%s", top ? top : ".", name);
	return path;
}

static struct trace trace_load(const char *name)
{
	char path[4096];
	const char *paths[] = { shipped(name, path) };
	const struct source_options options = { 0 };
	struct trace t = { 0 };
	struct error err;
	struct frame f;
	size_t room = 0, used = 0, bytes = (size_t)64 << 20;
	struct source *s = source_open_files(paths, 1, &options, &err);

	if (!s)
		return t;
	t.bytes = malloc(bytes);
	assert_non_null(t.bytes);
	while (source_next(s, &f, &err) == SOURCE_FRAME) {
		if (t.count == room) {
			room = 2 * room + 1024;
			t.frame = realloc(t.frame, room * sizeof *t.frame);
			assert_non_null(t.frame);
		}
		assert_true(used + f.bytes.len <= bytes);
		memcpy(t.bytes + used, f.bytes.ptr, f.bytes.len);
		f.bytes.ptr = t.bytes + used;
		used += f.bytes.len;
		/* A scenario sends several packets in one microsecond; a link has one after the other. */
		f.ts_ns += (int64_t)t.count;
		t.frame[t.count++] = f;
	}
	source_close(s);
	return t;
}

static void trace_free(struct trace *t)
{
	free(t->frame);
	free(t->bytes);
	*t = (struct trace){ 0 };
}

/* Whose a frame is: by its two IPv4 addresses, whichever way; what is not Ethernet and IPv4 is the first's.
 */
static unsigned dealt_to(const struct frame *f, unsigned workers)
{
	unsigned sum = 0;

	if (f->bytes.len < 34 || f->bytes.ptr[12] != 8 || f->bytes.ptr[13] != 0)
		return 0;
	for (unsigned i = 26; i < 34; i++)
		sum += f->bytes.ptr[i];
	return sum % workers;
}

/* --- a source that plays its part of a trace
 * ------------------------------------------------------------------ */

static _Atomic int64_t capture_time; /* of the capture */

struct player {
	struct source source; /* first */
	const struct trace *trace;
	size_t at;
	unsigned worker, workers;
	size_t fails_at; /* 0: never */
	unsigned idles;  /* SOURCE_IDLE in between */
	unsigned quiet;  /* seconds after the last frame, each with a tick */
	volatile sig_atomic_t stopped;
	/* The flood makes its frames as it goes. */
	uint32_t flood, flooded;
	uint8_t packet[32][60];
	size_t memory[2]; /* most in use in its first and its second half */
};

static size_t play(void *self, struct frame *frames, size_t max, enum source_result *result,
		   struct error *err)
{
	struct player *p = self;
	size_t count = 0;

	*result = SOURCE_FRAME;
	if (p->stopped) {
		*result = SOURCE_END;
		return 0;
	}
	if (p->idles && p->at % 97 == 0) {
		p->idles--;
		*result = SOURCE_IDLE;
		return 0;
	}
	while (count < max && p->at < p->trace->count) {
		if (p->fails_at && p->at >= p->fails_at) {
			error_set(err, EXIT_INPUT, "the ring is on fire");
			*result = SOURCE_FAILED;
			return 0;
		}
		const struct frame *f = &p->trace->frame[p->at];
		bool ours = dealt_to(f, p->workers) == p->worker;
		/* A ring gives together what came together. */
		if (ours && count > 0 && llabs(f->ts_ns - frames[count - 1].ts_ns) > NS_PER_S)
			break;
		p->at++;
		if (ours)
			frames[count++] = *f;
	}
	if (count == 0 && p->quiet > 0) {
		p->quiet--;
		capture_time += NS_PER_S;
		*result = SOURCE_IDLE;
	} else if (count == 0) {
		*result = SOURCE_END;
	}
	return count;
}

/* One UDP packet of a flow of its own, from anybody to an inside host; 100,000 in a second. */
static void flood_packet(uint8_t *b, uint32_t n)
{
	static const uint8_t head[] = { 2, 0,    0, 0, 0,  2, 2, 0, 0, 0,  0,  1, 8,
					0, 0x45, 0, 0, 46, 0, 1, 0, 0, 64, 17, 0, 0 };

	memset(b, 0, 60);
	memcpy(b, head, sizeof head);
	b[26] = 11;
	b[27] = (uint8_t)(n >> 16);
	b[28] = (uint8_t)(n >> 8);
	b[29] = (uint8_t)n;
	b[30] = 10;
	b[33] = (uint8_t)(1 + n % 200);
	b[34] = (uint8_t)(n >> 24 | 0x80);
	b[35] = (uint8_t)(n * 7);
	b[36] = 0x20;
	b[37] = (uint8_t)(n * 13);
	b[39] = 26;
	for (unsigned i = 42; i < 60; i++)
		b[i] = (uint8_t)(n * 2654435761U >> (i % 24));
}

static size_t play_flood(void *self, struct frame *frames, size_t max, enum source_result *result,
			 struct error *err)
{
	struct player *p = self;
	size_t count = 0;

	(void)err;
	if (p->flooded % 65536 == 0) {
		size_t now = mallinfo2().uordblks, *most = &p->memory[p->flooded >= p->flood / 2];
		*most = now > *most ? now : *most;
	}
	for (; count < max && count < 32 && p->flooded < p->flood && !p->stopped; count++, p->flooded++) {
		flood_packet(p->packet[count], p->flooded);
		frames[count] = (struct frame){ .ts_ns = T0 + p->flooded * INT64_C(10000),
						.bytes = { p->packet[count], 60 },
						.wire_len = 60,
						.linktype = 1 };
	}
	*result = count ? SOURCE_FRAME : SOURCE_END;
	return count;
}

static void stats(const void *self, struct source_stats *out)
{
	const struct player *p = self;

	*out = (struct source_stats){ .frames = p->trace ? p->trace->count : p->flood, .inputs = 1 };
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
	((struct player *)self)->stopped = 1;
}

static void nothing_to_close(void *self)
{
	(void)self;
}

static const struct source_ops player_ops = { play, stats, input, NULL, stop, nothing_to_close };
static const struct source_ops flood_ops = { play_flood, stats, input, NULL, stop, nothing_to_close };

/* --- a run
 * ---------------------------------------------------------------------------------------------------- */

struct run {
	struct player player[WORKERS_MOST];
	struct source *source[WORKERS_MOST];
	unsigned workers;
	struct netset *internal;
	struct voice_models *models;
	struct worker_options worker;
	struct aggregate_options aggregate;
	struct problems problems;
	struct aggregate_summary summary;
	struct stage_counts counts;
	struct error failure;
	bool ok;
};

static struct run run_of(const struct trace *trace, unsigned workers)
{
	struct run r = { .workers = workers, .internal = netset_new() };
	struct error err;

	netset_add_private(r.internal);
	r.models = voice_models_builtin(&err);
	assert_non_null(r.models);
	r.worker = (struct worker_options){
		.flows = { FLOW_IDLE_DEFAULT_NS, FLOW_MAX_DEFAULT, FLOW_HEAD_DEFAULT }, .models = r.models
	};
	r.aggregate = (struct aggregate_options){ .sockets = { .max_sockets = SOCKETS_MAX_DEFAULT,
							       .verdict_bits = (float)VERDICT_BITS_DEFAULT,
							       .suspect_bits = (float)SUSPECT_BITS_DEFAULT,
							       .internal = r.internal },
						  .models = r.models,
						  .max_pairs = PAIRS_MAX_DEFAULT,
						  .measure = { .activity = 2 },
						  .all_flows = true };
	for (unsigned i = 0; i < workers; i++)
		r.player[i] = (struct player){ .trace = trace, .worker = i, .workers = workers };
	return r;
}

static void run_free(struct run *r)
{
	netset_free(r->internal);
	voice_models_free(r->models);
}

static int64_t capture_clock(const void *self)
{
	(void)self;
	return capture_time;
}

static void say(void *self, const char *line)
{
	(void)self;
	(void)line;
}

/* Has received what the first worker has looked at. */
static bool one_interface(void *self, size_t which, struct interface_stats *out)
{
	const struct run *r = self;

	*out = (struct interface_stats){ .name = "memory", .up = true, .packets = r->player[0].at };
	return which == 0;
}

/* Plays it into the database, and finishes that. */
static void run_live(struct run *r, const char *database)
{
	const struct live_store_options store = { .path = database,
						  .aggregate = r->aggregate,
						  .json = "{}",
						  .version = "test",
						  .libraries = "",
						  .input = &the_input,
						  .inputs = 1,
						  .idle_ns = r->worker.flows.idle_ns,
						  .commit_every_ns = NS_PER_S,
						  .tables_every_ns = 3600 * NS_PER_S,
						  .backlog_bytes = (size_t)64 << 20,
						  .say = say };
	const struct live_state_options state = { .sockets = r->aggregate.sockets, .database = database };
	struct engine_options options = { .worker = r->worker,
					  .source = r->source,
					  .workers = r->workers,
					  .now = capture_clock,
					  .interface = one_interface,
					  .self = r };
	struct error err;

	capture_time = T0;
	for (unsigned i = 0; i < r->workers; i++) {
		struct player *p = &r->player[i];
		if (p->quiet)
			capture_time = p->trace->frame[p->trace->count - 1].ts_ns;
		p->source = (struct source){ p->flood ? &flood_ops : &player_ops, p };
		r->source[i] = &p->source;
	}
	options.state = live_state_new(&state, &err);
	assert_non_null(options.state);
	options.store = live_store_open(&store, &err);
	if (!options.store)
		fail_msg("%s", err.text);
	struct engine *e = engine_start(&options, &err);
	assert_non_null(e);
	while (!engine_done(e)) {
		assert_true(engine_alive(e, 120 * NS_PER_S));
		usleep(5000);
	}
	r->ok = engine_stop(e, &r->problems, &r->failure);
	engine_counts(e, &r->counts);
	engine_free(e);
	if (!live_store_finish(options.store, &r->problems, &r->summary, &err))
		fail_msg("%s", err.text);
	live_store_close(options.store);
	live_state_free(options.state);
}

/* The same frames through the pipeline of `read`. */
static void run_offline(struct run *r, const char *database)
{
	const struct pipeline_options options = { .worker = r->worker, .aggregate = r->aggregate };
	struct run_row row = { .version = "test",
			       .libraries = "",
			       .options = "{}",
			       .idle_ns = r->worker.flows.idle_ns,
			       .packets = r->player[0].trace->count };
	struct error err;
	struct player whole = { .trace = r->player[0].trace, .workers = 1 };
	struct source source = { &player_ops, &whole };
	struct frame frames[WORKER_BATCH];
	enum source_result result;
	struct pipeline *p = pipeline_new(&options, &err);
	size_t count;

	assert_non_null(p);
	while ((count = play(&whole, frames, WORKER_BATCH, &result, &err)) > 0)
		assert_true(pipeline_frames(p, frames, count, &err));
	struct sink *sink = sink_sqlite_open(database, false, &err);
	assert_non_null(sink);
	if (!pipeline_finish(p, &source, sink, &row, &r->problems, &r->summary, &err))
		fail_msg("%s", err.text);
	assert_true(sink->ops->finish(sink, &err));
	pipeline_free(p);
}

/* Differences of the two databases, printed. */
static uint64_t differences(const char *live, const char *offline)
{
	const char *const databases[2] = { live, offline }, *const names[2] = { live, offline };
	struct verify_sums sums = { 0 };
	struct error err;

	if (!verify_tables(databases, names, 0, stderr, &sums, &err))
		fail_msg("%s", err.text);
	assert_true(sums.tables > 20 && sums.rows > 100);
	return sums.differences;
}

static int64_t number(const char *database, const char *sql)
{
	struct error err;
	int64_t value = -1;
	sqlite3 *db = store_open_read(database, &err);

	assert_non_null(db);
	assert_int_equal(database_integer(db, sql, &value), SQLITE_OK);
	sqlite3_close(db);
	return value;
}

/* --- tests
 * ---------------------------------------------------------------------------------------------------- */

static const char *const traces[] = { "first-login.pcap.gz", "call-relayed-tcp.pcap.gz",
				      "campus-small.pcap.gz", NULL };

/* One that is in the distribution; without FOOTSTEPS_DATA it may not be found. */
static struct trace trace_wanted(const char *name)
{
	struct trace t = trace_load(name);

	if (t.count == 0) {
		print_message("traces/peer/%s cannot be read here\n", name);
		skip();
	}
	return t;
}

static void compare_workers(void **state)
{
	static const unsigned workers[] = { 1, 2, 4 };
	char database[32], offline_database[32];
	(void)state;

	for (unsigned i = 0; traces[i]; i++) {
		struct trace t = trace_wanted(traces[i]);
		struct run offline = run_of(&t, 1);

		snprintf(offline_database, sizeof offline_database, "offline-%u.db", i);
		run_offline(&offline, offline_database);
		for (unsigned w = 0; w < 3; w++) {
			struct run live = run_of(&t, workers[w]);

			for (unsigned n = 0; n < workers[w]; n++)
				live.player[n].idles = 5 * n;
			snprintf(database, sizeof database, "live-%u-%u.db", i, workers[w]);
			run_live(&live, database);
			assert_true(live.ok);
			assert_int_equal(live.counts.frames, t.count);
			if (live.problems.count)
				fail_msg("%s", live.problems.text);
			assert_int_equal(differences(database, offline_database), 0);
			/* Also what came in the second in which it ended. */
			assert_int_equal(number(database, "SELECT sum(packets) FROM capture_minutes"),
					 t.count);
			run_free(&live);
		}
		run_free(&offline);
		trace_free(&t);
	}
}

/*
 * After the last packet the link is quiet for longer than the timeout, and ticks end all flows. A reader of
 * the same packets says that the input ended; how it came to be known makes no difference.
 */
static void end_quietly(void **state)
{
	static const char idle[] = "SELECT count(*) FROM flows WHERE ended = 'idle'";
	struct trace t = trace_wanted("call-relayed-tcp.pcap.gz");
	struct run offline = run_of(&t, 1);
	char database[32];
	(void)state;

	run_offline(&offline, "offline.db");
	assert_true(number("offline.db", "SELECT count(*) FROM flows WHERE ended = 'eof'") > 10);
	for (unsigned workers = 1; workers <= 2; workers++) {
		struct run live = run_of(&t, workers);

		for (unsigned n = 0; n < workers; n++)
			live.player[n].quiet = 250;
		snprintf(database, sizeof database, "quiet-%u.db", workers);
		run_live(&live, database);
		assert_true(live.ok);
		/* They had ended before the workers did. */
		assert_true(live.counts.flows.ended[FLOW_END_idle] > (uint64_t)number("offline.db", idle));
		assert_int_equal(number(database, idle), number("offline.db", idle));
		assert_int_equal(differences(database, "offline.db"), 0);
		run_free(&live);
	}
	run_free(&offline);
	trace_free(&t);
}

static void number_packets(void **state)
{
	struct trace t = trace_wanted("first-login.pcap.gz");
	struct run live = run_of(&t, 1), offline = run_of(&t, 1);
	(void)state;

	run_live(&live, "live.db");
	run_offline(&offline, "offline.db");
	/* One worker: the numbers are those of `read`, 1 for the first packet. */
	static const char sums[] = "SELECT sum(flow * 31 + last_packet) FROM flows";
	assert_int_equal(number("live.db", sums), number("offline.db", sums));
	assert_int_equal(number("live.db", "SELECT min(flow) FROM flows"), 1);
	run_free(&live);
	run_free(&offline);
	trace_free(&t);
}

/* The middle third of the trace comes from a clock that was set: hours later, then earlier. */
static void step_clock(void **state)
{
	static const int64_t steps[] = { 3 * HOUR_NS, -3 * HOUR_NS };
	(void)state;

	for (unsigned s = 0; s < 2; s++) {
		struct trace t = trace_wanted("campus-small.pcap.gz");
		struct run offline = run_of(&t, 1), one = run_of(&t, 1), two = run_of(&t, 2);

		for (size_t i = t.count / 3; i < 2 * t.count / 3; i++)
			t.frame[i].ts_ns += steps[s];
		run_offline(&offline, "offline.db");
		run_live(&one, "one.db");
		run_live(&two, "two.db");
		assert_true(one.ok && two.ok);
		assert_int_equal(differences("one.db", "offline.db"), 0);
		/* Two workers each see the clock step; nothing is lost. One that is set back, and forward to
		 * where it was, leaves no time of silence. */
		static const char jumps[] = "SELECT value FROM counters WHERE name = 'clock_jumps'";
		assert_int_equal(number("offline.db", jumps), 2);
		assert_int_equal(number("two.db", jumps), steps[s] > 0 ? 2 : 1);
		assert_int_equal(number("two.db", "SELECT packets FROM runs"), (int64_t)t.count);
		assert_int_equal(
			number("two.db",
			       "SELECT value >= 10000000000 FROM counters WHERE name = 'worst_disorder_us'"),
			1);
		run_free(&offline);
		run_free(&one);
		run_free(&two);
		trace_free(&t);
		files(NULL, true);
	}
}

static unsigned times_in(const char *text, const char *word)
{
	unsigned count = 0;

	for (const char *at = text; (at = strstr(at, word)); at++)
		count++;
	return count;
}

static void flood(void **state)
{
	const char *wanted = getenv("FOOTSTEPS_LONG");
	const uint32_t packets = wanted && strcmp(wanted, "1") == 0 ? FLOOD_LONG : FLOOD;
	struct run live = run_of(NULL, 1);
	(void)state;

	live.worker.flows.max_flows = FLOWS_MAX;
	live.aggregate.sockets.max_sockets = FLOWS_MAX;
	live.aggregate.max_pairs = FLOWS_MAX;
	live.aggregate.all_flows = false;
	live.player[0].flood = packets;
	run_live(&live, "flood.db");
	assert_true(live.ok);
	assert_int_equal(live.counts.frames, packets);
	/* Every packet is a flow of its own; all but the last ones made room for others. */
	assert_int_equal(live.counts.flows.flows, packets);
	assert_int_equal(live.counts.flows.ended[FLOW_END_evicted], packets - FLOWS_MAX);
	assert_int_equal(times_in(live.problems.text, "evicted because the flow table was full"), 1);
	assert_int_equal(number("flood.db", "SELECT packets FROM runs"), packets);
	/* The second half needs no more than the first, but for chunks that wait: at most the backlog. */
	print_message("flood of %u: %zu MB in the first half, %zu MB in the second\n", packets,
		      live.player[0].memory[0] >> 20, live.player[0].memory[1] >> 20);
	assert_true(live.player[0].memory[1] < live.player[0].memory[0] + ((size_t)72 << 20));
	run_free(&live);
}

static void fail_one(void **state)
{
	struct trace t = trace_wanted("campus-small.pcap.gz");
	struct run live = run_of(&t, 2);
	(void)state;

	live.player[1].fails_at = t.count / 2;
	/* The other one would go on for ever, and must be ended. */
	live.player[0].idles = 0;
	run_live(&live, "half.db");
	assert_false(live.ok);
	assert_string_equal(live.failure.text, "the ring is on fire");
	/* What there is, is there. */
	assert_true(number("half.db", "SELECT count(*) FROM flows") > 0);
	assert_int_equal(number("half.db", "SELECT packets FROM runs"), (int64_t)live.counts.frames);
	run_free(&live);
	trace_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(compare_workers, directory_enter, directory_leave),
		cmocka_unit_test_setup_teardown(end_quietly, directory_enter, directory_leave),
		cmocka_unit_test_setup_teardown(number_packets, directory_enter, directory_leave),
		cmocka_unit_test_setup_teardown(step_clock, directory_enter, directory_leave),
		cmocka_unit_test_setup_teardown(flood, directory_enter, directory_leave),
		cmocka_unit_test_setup_teardown(fail_one, directory_enter, directory_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
