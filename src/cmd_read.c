/* footsteps read: analyses saved captures. */
#include "base/progress.h"
#include "cmd.h"
#include "cmd_analysis.h"
#include "cmd_capture.h"
#include "cmd_live_lock.h"
#include "cmd_output.h"
#include "store/facts_rows.h"
#include "store/pipeline.h"
#include "views/escape.h"
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES_PER_LOOK 16384U /* frames between two looks at signals and the progress line */

static struct {
	const char *output;
	bool json, append, facts, no_hash, self_check, strict, quiet;
	bool no_summary;
	uint64_t count;
	struct analysis_given analysis;
} given = { .analysis = ANALYSIS_DEFAULTS };

static const struct option options[] = {
	{ "output", 'o', OPTION_TEXT, &given.output, "FILE",
	  "Where the results go: a SQLite database, or with --json a text file. It is written under a "
	  "temporary name and renamed when it is whole. An older footsteps database of that name is "
	  "replaced; any other file is not touched.",
	  NULL, NULL },
	{ "append", 0, OPTION_FLAG, &given.append, NULL,
	  "Add this run to the database instead of replacing it.", NULL, NULL },
	{ "json", 0, OPTION_FLAG, &given.json, NULL,
	  "Write JSON, one object per line, to --output or standard output.", NULL, NULL },
	{ "facts", 0, OPTION_FLAG, &given.facts, NULL,
	  "Keep in the database also what its tables are made of, about as much again: 'footsteps merge' makes "
	  "one database of several, as if their captures had been read together.",
	  NULL, NULL },
	ANALYSIS_OPTIONS_WHAT(given.analysis),
	{ "count", 'c', OPTION_COUNT, &given.count, "N",
	  "Stop after this many frames (0: after the last one).", NULL, NULL },
	ANALYSIS_OPTIONS_BOUNDS(given.analysis),
	{ "no-hash", 0, OPTION_FLAG, &given.no_hash, NULL, "Do not compute the SHA-256 of the inputs.", NULL,
	  NULL },
	{ "self-check", 0, OPTION_FLAG, &given.self_check, NULL,
	  "Print the account of packets and flows and prove that it adds up.", NULL, NULL },
	{ "strict", 0, OPTION_FLAG, &given.strict, NULL,
	  "If anything is missing from the results (cut file, evicted flows), write none and exit with 3.",
	  NULL, NULL },
	{ "quiet", 'q', OPTION_FLAG, &given.quiet, NULL, "No progress line and no closing summary.", NULL,
	  NULL },
};

static const struct command command = {
	.name = "read",
	.summary = "analyse saved captures",
	.usage = "[options] -o DATABASE FILE|DIRECTORY|- ...",
	.details = "Reads captures, rebuilds the flows, recognises who runs the overlay, and writes a "
		   "database that 'footsteps show' and 'footsteps report' present.\n\n"
		   "Several files, and all captures below a directory, are one trace, merged by time; '-' is "
		   "standard input. Read directly: pcap, pcapng, snoop and ERF, plain or compressed (gzip, "
		   "zstd, xz, bzip2, lz4), told apart by their content.\n\n"
		   "A flow (bidirectional, 5-tuple) ends after more than --idle without a packet, at a TCP "
		   "tear-down, or at the end of the trace. A client socket is recognised when the evidence "
		   "about it adds up to --verdict-bits; all its flows are then labelled, also those that "
		   "ended before. 'footsteps show DATABASE why SOCKET' lists the evidence.\n\n"
		   "The database is written as '.NAME.partial-*' beside its final name. Such a file is left "
		   "behind only when footsteps is killed; it can be removed.\n\n"
		   "TERM and INT end the reading; what was read by then is written. USR1 prints statistics "
		   "to standard error.",
	.examples = "footsteps read -o campus.db monday.pcap.gz tuesday.pcapng\ttwo files as one trace\n"
		    "tcpdump -w - udp | footsteps read -o now.db -\tfrom another program\n"
		    "footsteps read --json --flows all - < a.pcap\tJSON lines on standard output\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
};

static volatile sig_atomic_t stop_requested, statistics_requested;

static struct source *volatile interruptible; /* source_stop() may be called from a signal handler */

static void on_signal(int signal_number)
{
	if (signal_number == SIGUSR1) {
		statistics_requested = 1;
		return;
	}
	stop_requested = signal_number;
	if (interruptible)
		source_stop(interruptible);
}

static void catch_signals(void)
{
	struct sigaction always = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	/* Once: finish cleanly. A second one aborts. */
	command_catch_signals(on_signal);
	sigaction(SIGUSR1, &always, NULL);
}

void read_without_summary(void)
{
	given.no_summary = true;
}

int read_stopped(void)
{
	return stop_requested;
}

static void print_statistics(const struct pipeline *p, const struct source *source)
{
	struct flow_table_stats flows;
	struct source_stats input;

	pipeline_flow_stats(p, &flows);
	source_stats(source, &input);
	fprintf(stderr,
		"footsteps: %" PRIu64 " frames, %" PRIu64 " of %" PRIu64 " bytes, %" PRIu64 " flows\n",
		input.frames, input.bytes_done, input.bytes_total, flows.flows);
}

/* The source ends early, and says of each input how far it was read. */
static enum source_result stop_source(struct source *source, struct error *err)
{
	struct frame frame;
	enum source_result result;

	source_stop(source);
	while ((result = source_next(source, &frame, err)) == SOURCE_FRAME)
		;
	return result;
}

/* What has to happen now and then; false to stop. */
static bool look_around(struct source *source, struct pipeline *p, struct progress *progress,
			struct problems *problems)
{
	struct source_stats stats;

	source_stats(source, &stats);
	progress_update(progress, stats.bytes_done, stats.frames);
	if (statistics_requested) {
		statistics_requested = 0;
		print_statistics(p, source);
	}
	if (stop_requested)
		problems_add(problems, "stopped by signal %d after %" PRIu64 " frames", (int)stop_requested,
			     stats.frames);
	return !stop_requested;
}

/* Reads to the end, a signal, or --count. */
static bool read_frames(struct source *source, struct pipeline *p, struct progress *progress,
			struct problems *problems, struct error *err)
{
	struct frame frames[WORKER_BATCH];
	uint64_t left = given.count ? given.count : UINT64_MAX, next_look = FRAMES_PER_LOOK;
	enum source_result result;

	do {
		size_t most = left < WORKER_BATCH ? (size_t)left : WORKER_BATCH;
		size_t count = source_next_batch(source, frames, most, &result, err);
		if (!pipeline_frames(p, frames, count, err))
			return false;
		left -= count;
		if (left == 0 && result == SOURCE_FRAME)
			result = stop_source(source, err);
		if (pipeline_frame_count(p) < next_look)
			continue;
		next_look += FRAMES_PER_LOOK;
		if (!look_around(source, p, progress, problems) && result == SOURCE_FRAME)
			result = stop_source(source, err);
	} while (result == SOURCE_FRAME);
	/* A signal also wakes a source that waits for a silent pipe. */
	if (stop_requested && problems->count == 0)
		look_around(source, p, progress, problems);
	return result != SOURCE_FAILED;
}

static void note_inputs(const struct source *source, struct problems *problems)
{
	const struct input_info *input;

	for (size_t i = 0; (input = source_input(source, i)); i++) {
		if (input->end == INPUT_CUT || input->end == INPUT_DAMAGED)
			problems_add(problems, "%s: %s", input->path, input->problem);
		if (input->dropped)
			problems_add(problems,
				     "%s: the capturing system dropped %" PRIu64 " packets, as the file says",
				     input->path, input->dropped);
	}
}

static bool check_paths(const char *const *paths, size_t count, struct error *err)
{
	if (count == 0)
		return error_set(err, EXIT_USAGE, "no capture named\nsee 'footsteps read --help'");
	for (size_t i = 0; i < count; i++)
		if (strcmp(paths[i], "-") == 0 && isatty(STDIN_FILENO))
			return error_set(err, EXIT_USAGE,
					 "standard input is a terminal; give it a capture: footsteps read -o "
					 "x.db - < FILE");
	capture_warn_of_twins(paths, count);
	return true;
}

static bool check_options(struct error *err)
{
	if (given.output ? !*given.output : !given.json)
		return error_set(err, EXIT_USAGE,
				 "no output named: -o DATABASE, or --json for standard output");
	if (given.facts && given.json)
		return error_set(err, EXIT_USAGE,
				 "--facts are kept in a database; they do not go with --json");
	if (given.append && given.json)
		return error_set(err, EXIT_USAGE, "--append adds to a database; it does not go with --json");
	return given.json || live_lock_is_free(given.output, err);
}

static void print_summary(const struct source *source, const struct aggregate_summary *s, const char *output)
{
	struct source_stats stats;

	source_stats(source, &stats);
	fprintf(stderr,
		"%" PRIu64 " frame%s, %" PRIu64 " flow%s: %" PRIu32 " client%s recognised, %" PRIu32
		" suspected; %" PRIu64 " recognised flow%s,\n%" PRIu32
		" login or contact-list exchange%s, %" PRIu32 " version check%s, %" PRIu32 " call%s\n",
		stats.frames, plural(stats.frames), s->flows, plural(s->flows), s->clients,
		plural(s->clients), s->suspected, s->recognised_flows, plural(s->recognised_flows),
		s->exchanges, plural(s->exchanges), s->version_checks, plural(s->version_checks), s->calls,
		plural(s->calls));
	if (!given.json)
		output_say_written(output);
}

/* From the open source to the finished sink. */
static enum exit_status analyse(struct source *source, struct pipeline *p, struct sink *sink,
				const char *output, const char *effective)
{
	struct progress *progress;
	struct problems problems = { 0 };
	struct aggregate_summary summary;
	struct source_stats stats;
	struct error err;
	char libraries[512];
	struct run_row run = { .version = version_number(), .libraries = libraries, .options = effective };

	source_stats(source, &stats);
	progress = progress_new("reading", stats.bytes_total, !given.quiet && isatty(STDERR_FILENO));
	bool ok = read_frames(source, p, progress, &problems, &err);
	progress_free(progress);
	if (ok) {
		note_inputs(source, &problems);
		source_stats(source, &stats);
		run.packets = stats.frames;
		if (!version_libraries(libraries, sizeof libraries))
			ok = error_set(&err, EXIT_INTERNAL,
				       "the list of libraries is too long for the manifest");
	}
	if (ok && stats.frames == 0 && problems.count && !stop_requested)
		ok = error_set(&err, EXIT_INPUT, "nothing could be read: %.400s", problems.text);
	ok = ok && pipeline_finish(p, source, sink, &run, &problems, &summary, &err);
	if (!ok || (given.strict && problems.count)) {
		sink->ops->abandon(sink);
		if (!ok)
			return command_fail(&err);
		fprintf(stderr, "footsteps: incomplete, and --strict: nothing is written\n%s\n",
			problems.text);
		return EXIT_INCOMPLETE;
	}
	if (!sink->ops->finish(sink, &err))
		return command_fail(&err);
	if (given.self_check)
		pipeline_print_account(p, source, &summary, stderr);
	if (!given.quiet && !given.no_summary)
		print_summary(source, &summary, output);
	if (problems.count)
		fprintf(stderr, "footsteps: incomplete: %s\n", problems.text);
	return problems.count ? EXIT_INCOMPLETE : EXIT_COMPLETE;
}

/* Where the facts of the run go. */
struct keeper {
	struct sink *sink;
	const struct pipeline *pipeline;
	struct session_row session;
};

static bool keep_facts(void *self, const struct facts_chunk *chunk, struct error *err)
{
	struct keeper *k = self;

	if (chunk->place.seq == 1)
		k->session.started_ns = chunk->first_ns;
	k->session.ended_ns = chunk->last_ns;
	k->session.numbers = pipeline_frame_count(k->pipeline);
	return sink_sqlite_put_facts(k->sink, chunk, err) &&
	       sink_sqlite_put_session(k->sink, &k->session, err);
}

static enum exit_status open_and_analyse(const char *const *paths, size_t count, const struct analysis *a)
{
	const struct source_options source_options = { .filter = given.analysis.filter,
						       .hash = !given.no_hash,
						       .announce = &interruptible };
	const char *output = given.output ? given.output : "-";
	struct pipeline_options wanted = { .worker = a->worker, .aggregate = a->aggregate, .pan = a->pan };
	enum exit_status status = EXIT_COMPLETE;
	struct sink *sink = NULL;
	struct keeper keeper = { .session = { .session = 1, .version = version_number(), .interfaces = "" } };
	struct error err;

	wanted.aggregate.strict = given.strict;
	if (given.facts) {
		wanted.keep = keep_facts;
		wanted.keep_self = &keeper;
		keeper.session.origin = facts_origin();
	}
	struct source *source = source_open_files(paths, count, &source_options, &err);
	struct pipeline *p = source ? pipeline_new(&wanted, &err) : NULL;
	char *effective = p ? analysis_manifest(a, &command, &err) : NULL;
	if (effective)
		sink = given.json ? sink_json_open(output, &err)
				  : sink_sqlite_open(output, given.append, &err);
	if (!source && stop_requested)
		error_set(&err, EXIT_INPUT, "stopped before any input could be read");
	keeper.sink = sink;
	keeper.pipeline = p;
	keeper.session.options = effective;
	if (sink)
		status = analyse(source, p, sink, output, effective);
	else
		status = command_fail(&err);
	interruptible = NULL;
	free(effective);
	pipeline_free(p);
	source_close(source);
	return status;
}

static enum exit_status run(const char *const *paths, size_t count)
{
	struct error err;
	enum exit_status status = EXIT_COMPLETE;
	struct analysis analysis;

	catch_signals();
	if (!check_paths(paths, count, &err) || !check_options(&err) ||
	    !analysis_open(&analysis, &given.analysis, &err))
		return command_fail(&err);
	status = open_and_analyse(paths, count, &analysis);
	if (status == EXIT_COMPLETE || status == EXIT_INCOMPLETE)
		wishes_warn(&analysis.wishes);
	analysis_close(&analysis);
	return status;
}

static const struct command *describe(void)
{
	return &command;
}

const struct subcommand subcommand_read = {
	.name = "read", .summary = "analyse saved captures", .command = describe, .run = run
};
