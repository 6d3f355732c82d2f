/* footsteps read: analyses saved captures. */
#include "base/clock.h"
#include "base/progress.h"
#include "cmd.h"
#include "cmd_capture.h"
#include "cmd_wishes.h"
#include "identify/ndpi_bridge.h"
#include "store/pipeline.h"
#include "store/places.h"
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDLE_MAX_NS     (366 * 86400 * NS_PER_S) /* leaves room for times up to 2116 in 64 bits */
#define FRAMES_PER_LOOK 16384U /* frames between two looks at signals and the progress line */

static struct {
	const char *output, *filter, *voice_models, *geo, *asn;
	bool json, append, tunnels, no_ndpi, no_hash, self_check, strict, quiet;
	int flows; /* index into flow_choices */
	int64_t idle_ns;
	struct option_list local_nets, activity;
	uint64_t count, ndpi_packets, head_bytes, max_flows, max_sockets, max_pairs;
	double verdict_bits, suspect_bits;
} given = {
	.idle_ns = FLOW_IDLE_DEFAULT_NS,
	.ndpi_packets = NDPI_PACKETS_DEFAULT,
	.head_bytes = FLOW_HEAD_DEFAULT,
	.max_flows = FLOW_MAX_DEFAULT,
	.max_sockets = SOCKETS_MAX_DEFAULT,
	.max_pairs = PAIRS_MAX_DEFAULT,
	.verdict_bits = (double)VERDICT_BITS_DEFAULT,
	.suspect_bits = (double)SUSPECT_BITS_DEFAULT,
};

enum { FLOWS_RECOGNISED, FLOWS_ALL };
static const char *const flow_choices[] = { "recognised", "all", NULL };

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
	{ "flows", 0, OPTION_CHOICE, &given.flows, "WHICH",
	  "Which flows get a row: the recognised ones and those that are like a voice, or all. Totals always "
	  "cover all.",
	  "recognised", flow_choices },
	{ "filter", 'f', OPTION_TEXT, &given.filter, "EXPR",
	  "Read only packets that match this BPF expression, as in tcpdump: 'host 192.168.1.2 and udp'.",
	  NULL, NULL },
	{ "local-net", 0, OPTION_LIST, &given.local_nets, "CIDR",
	  "A prefix of the internal network. Sockets inside it are the clients that are looked for.",
	  "private and link-local addresses", NULL },
	{ "idle", 0, OPTION_DURATION, &given.idle_ns, "TIME",
	  "Inactivity timeout: a flow ends after more than this without a packet (200s, 5m, 1h30m).", "200s",
	  NULL },
	{ "tunnels", 0, OPTION_FLAG, &given.tunnels, NULL,
	  "Look inside tunnels (IP in IP, GRE, GTP-U, VXLAN, Geneve, Teredo, L2TP ...) and count the "
	  "innermost flow.",
	  NULL, NULL },
	{ "no-ndpi", 0, OPTION_FLAG, &given.no_ndpi, NULL,
	  "Do not ask libndpi what the other flows are: twice as fast, but their labels are 'unknown'.", NULL,
	  NULL },
	{ "ndpi-packets", 0, OPTION_COUNT, &given.ndpi_packets, "N",
	  "Packets with payload that libndpi may see of each flow.", "16", NULL },
	{ "voice-models", 0, OPTION_TEXT, &given.voice_models, "FILE",
	  "What the messages of voice codecs look like, for calls whose format cannot be read. The file "
	  "itself says how to add a codec; 'footsteps train' fits one, and its help says where a copy of "
	  "what is built in lies.",
	  "built in", NULL },
	{ "geo", 0, OPTION_TEXT, &given.geo, "FILE",
	  "Where addresses are, for the maps and the tables of places: a MaxMind database (.mmdb) of cities "
	  "or countries, such as DB-IP City Lite or GeoLite2 City (both free). Nothing is asked over a "
	  "network.",
	  NULL, NULL },
	{ "asn", 0, OPTION_TEXT, &given.asn, "FILE",
	  "Whose addresses they are: such a database of autonomous systems, as DB-IP ASN Lite or GeoLite2 "
	  "ASN.",
	  NULL, NULL },
	{ "activity", 0, OPTION_LIST, &given.activity, "N|ADDRESS:PORT",
	  "Of how many clients of each protocol, or of which, every message's time is kept for activity "
	  "plots (R6): the most active one without a call, the most active one with both signalling and a "
	  "call, then further ones; 0: of none. Several may be named, also separated by commas.",
	  "2", NULL },
	{ "verdict-bits", 0, OPTION_NUMBER, &given.verdict_bits, "BITS",
	  "A client socket is recognised from this much evidence on (log2 of a likelihood ratio).", "20",
	  NULL },
	{ "suspect-bits", 0, OPTION_NUMBER, &given.suspect_bits, "BITS",
	  "... and listed as suspected from this much on.", "10", NULL },
	{ "count", 'c', OPTION_COUNT, &given.count, "N", "Stop after this many frames.", NULL, NULL },
	{ "head", 0, OPTION_COUNT, &given.head_bytes, "BYTES",
	  "How much of each TCP direction is put in order for recognition.", "2048", NULL },
	{ "max-flows", 0, OPTION_COUNT, &given.max_flows, "N",
	  "Flows kept at a time; beyond it the oldest are ended.", "1000000", NULL },
	{ "max-sockets", 0, OPTION_COUNT, &given.max_sockets, "N", "Client sockets kept with their evidence.",
	  "262144", NULL },
	{ "max-pairs", 0, OPTION_COUNT, &given.max_pairs, "N", "Client-peer pairs kept.", "1000000", NULL },
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
	struct frame frames[PIPELINE_BATCH];
	uint64_t left = given.count ? given.count : UINT64_MAX, next_look = FRAMES_PER_LOOK;
	enum source_result result;

	do {
		size_t most = left < PIPELINE_BATCH ? (size_t)left : PIPELINE_BATCH;
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

static bool local_nets(struct netset *set, struct error *err)
{
	if (given.local_nets.count == 0)
		netset_add_private(set);
	for (size_t i = 0; i < given.local_nets.count; i++)
		if (!netset_add(set, given.local_nets.items[i], err))
			return false;
	return true;
}

/* Tables are indexed with 32 bits. */
static bool within(const char *option, uint64_t value, uint64_t least, uint64_t most, struct error *err)
{
	return (value >= least && value <= most) ||
	       error_set(err, EXIT_USAGE, "--%s %" PRIu64 ": it must be between %" PRIu64 " and %" PRIu64,
			 option, value, least, most);
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
	if (!given.output && !given.json)
		return error_set(err, EXIT_USAGE,
				 "no output named: -o DATABASE, or --json for standard output");
	if (given.append && given.json)
		return error_set(err, EXIT_USAGE, "--append adds to a database; it does not go with --json");
	if (given.idle_ns <= 0 || given.idle_ns > IDLE_MAX_NS)
		return error_set(err, EXIT_USAGE,
				 "--idle: the timeout must be longer than 0 and at most 366 days");
	if (!(given.suspect_bits > 0) || !(given.verdict_bits >= given.suspect_bits))
		return error_set(err, EXIT_USAGE,
				 "--suspect-bits %g, --verdict-bits %g: more than 0 bits are needed to "
				 "suspect a socket, and as many or more to recognise it",
				 given.suspect_bits, given.verdict_bits);
	return within("max-flows", given.max_flows, 16, 1U << 30, err) &&
	       within("max-sockets", given.max_sockets, 16, 1U << 30, err) &&
	       within("max-pairs", given.max_pairs, 16, 1U << 30, err) &&
	       within("head", given.head_bytes, 512, 65536, err) &&
	       within("ndpi-packets", given.ndpi_packets, 1, 200, err);
}

static struct pipeline_options pipeline_options(const struct netset *internal,
						const struct voice_models *models, struct places *places,
						struct activity_wishes *wishes)
{
	return (struct pipeline_options){
		.decode = { .tunnels = given.tunnels },
		.flows = { .idle_ns = given.idle_ns,
			   .max_flows = (uint32_t)given.max_flows,
			   .head_bytes = (uint32_t)given.head_bytes },
		.aggregate = { .sockets = { .max_sockets = (uint32_t)given.max_sockets,
					    .verdict_bits = (float)given.verdict_bits,
					    .suspect_bits = (float)given.suspect_bits,
					    .internal = internal },
			       .models = models,
			       .max_pairs = (uint32_t)given.max_pairs,
			       .measure = { .activity = wishes->count,
					    .wishes = wishes->used,
					    .wish = wishes->item,
					    .places = places },
			       .all_flows = given.flows == FLOWS_ALL,
			       .strict = given.strict },
		.ndpi = !given.no_ndpi && ndpi_bridge_available(),
		.ndpi_packets = (unsigned)given.ndpi_packets,
	};
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void print_summary(const struct source *source, const struct aggregate_summary *s, const char *output)
{
	struct source_stats stats;

	source_stats(source, &stats);
	fprintf(stderr,
		"%" PRIu64 " frames, %" PRIu64 " flows: %" PRIu32 " client%s recognised, %" PRIu32
		" suspected; %" PRIu64 " recognised flow%s,\n%" PRIu32
		" login or contact-list exchange%s, %" PRIu32 " version check%s, %" PRIu32 " call%s\n",
		stats.frames, s->flows, s->clients, plural(s->clients), s->suspected, s->recognised_flows,
		plural(s->recognised_flows), s->exchanges, plural(s->exchanges), s->version_checks,
		plural(s->version_checks), s->calls, plural(s->calls));
	if (!given.json)
		fprintf(stderr, "written to %s; look at it with: footsteps show %s\n", output, output);
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
	if (!given.quiet)
		print_summary(source, &summary, output);
	if (problems.count)
		fprintf(stderr, "footsteps: incomplete: %s\n", problems.text);
	return problems.count ? EXIT_INCOMPLETE : EXIT_COMPLETE;
}

static enum exit_status open_and_analyse(const char *const *paths, size_t count,
					 const struct netset *internal, struct activity_wishes *wishes)
{
	const struct source_options source_options = { .filter = given.filter,
						       .hash = !given.no_hash,
						       .announce = &interruptible };
	const char *output = given.output ? given.output : "-";
	enum exit_status status = EXIT_COMPLETE;
	struct sink *sink = NULL;
	struct error err;

	struct voice_models *models =
		given.voice_models ? voice_models_load(given.voice_models, &err) : voice_models_builtin(&err);
	struct places *places = NULL;
	if (models && (given.geo || given.asn))
		places = places_open(given.geo, given.asn, &err);
	bool ok = models && (places || (!given.geo && !given.asn));
	const struct pipeline_options wanted = pipeline_options(internal, models, places, wishes);
	struct source *source = ok ? source_open_files(paths, count, &source_options, &err) : NULL;
	struct pipeline *p = source ? pipeline_new(&wanted, &err) : NULL;
	char *effective = p ? options_json_text(&command, &err) : NULL;
	if (effective)
		sink = given.json ? sink_json_open(output, &err)
				  : sink_sqlite_open(output, given.append, &err);
	if (!source && stop_requested)
		error_set(&err, EXIT_INPUT, "stopped before any input could be read");
	if (sink)
		status = analyse(source, p, sink, output, effective);
	else
		status = command_fail(&err);
	interruptible = NULL;
	free(effective);
	pipeline_free(p);
	source_close(source);
	places_close(places);
	voice_models_free(models);
	return status;
}

static enum exit_status run(const char *const *paths, size_t count)
{
	struct error err;
	enum exit_status status = EXIT_COMPLETE;
	struct netset *internal = netset_new();
	struct activity_wishes wishes = { 0 };
	bool ok = internal || error_memory(&err, "the internal networks");

	catch_signals();
	if (ok && check_paths(paths, count, &err) && check_options(&err) && local_nets(internal, &err) &&
	    wishes_parse(&wishes, &given.activity, &err)) {
		status = open_and_analyse(paths, count, internal, &wishes);
		if (status == EXIT_COMPLETE || status == EXIT_INCOMPLETE)
			wishes_warn(&wishes);
	} else
		status = command_fail(&err);
	netset_free(internal);
	return status;
}

static const struct command *describe(void)
{
	return &command;
}

const struct subcommand subcommand_read = {
	.name = "read", .summary = "analyse saved captures", .command = describe, .run = run
};
