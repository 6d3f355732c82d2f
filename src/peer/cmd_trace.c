/* footsteps-peer trace: a scenario in virtual time, to a capture and its truth. */
#include "base/clock.h"
#include "base/progress.h"
#include "base/sha256.h"
#include "peer/background.h"
#include "peer/commands.h"
#include "peer/population.h"
#include "peer/role.h"
#include "peer/world.h"
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEED_OF_SCENARIO  UINT64_MAX
#define LASTS_OF_SCENARIO (-1)
#define SLICES            200 /* of virtual time: between them the progress line is drawn */
#define SNAPLEN_LEAST     64U /* an Ethernet frame; less cuts headers */
#define SNAPLEN_MOST      262144U
#define SCALE_MOST        10.0

static struct {
	const char *output, *truth, *places;
	uint64_t seed, snaplen;
	int64_t lasts_ns;
	double scale;
	struct option_list background;
	bool no_truth, quiet;
} given = { .seed = SEED_OF_SCENARIO, .lasts_ns = LASTS_OF_SCENARIO, .scale = 1 };

static const struct option options[] = {
	{ "output", 'o', OPTION_TEXT, &given.output, "FILE.pcap",
	  "Write the capture to this file; '-' is standard output.", "the scenario's name with .pcap", NULL },
	{ "truth", 0, OPTION_TEXT, &given.truth, "FILE", "Write the truth to this file.",
	  "the capture's name with .truth.db; none for '-', a pipe or a device", NULL },
	{ "no-truth", 0, OPTION_FLAG, &given.no_truth, NULL, "Write no truth.", NULL, NULL },
	{ "seed", 0, OPTION_COUNT, &given.seed, "NUMBER",
	  "Random numbers of another sequence: the same story, with other bytes, sizes and moments.",
	  "the scenario's, or 1", NULL },
	{ "lasts", 0, OPTION_DURATION, &given.lasts_ns, "TIME", "End after this time.", "the scenario's",
	  NULL },
	{ "scale", 0, OPTION_NUMBER, &given.scale, "SHARE",
	  "Of a [population]: this share of its clients, peers, pairs and calls; 0.05 is a twentieth.", "1",
	  NULL },
	{ "background", 'b', OPTION_LIST, &given.background, "FILE",
	  "Mix in the frames of this capture (Ethernet), moved as a whole to a moment within the scenario.",
	  NULL, NULL },
	{ "snaplen", 's', OPTION_COUNT, &given.snaplen, "BYTES", "Cut frames to so many bytes.",
	  "whole frames", NULL },
	{ "geo", 0, OPTION_TEXT, &given.places, "FILE.mmdb",
	  "Of a [population]: write where its addresses lie to this file, for 'footsteps read --geo'.", NULL,
	  NULL },
	{ "quiet", 'q', OPTION_FLAG, &given.quiet, NULL, "No progress bar, and no line at the end.", NULL,
	  NULL },
};

static const struct command command = {
	.program = PROGRAM,
	.name = "trace",
	.summary = "write a scenario as a capture, with its truth",
	.usage = "[options] SCENARIO",
	.details =
		"The scenario's parties run in virtual time, and what the inside ones send and receive is "
		"written as an Ethernet capture (pcap). The same scenario, seed and options give the same bytes "
		"on every machine.\n"
		"\n"
		"The truth is an SQLite file with the tables and columns of a monitor's database: flows, pairs, "
		"clients, logins, searches, calls and what they are. 'footsteps score' compares the two.\n"
		"\n"
		"Both are written under temporary names and renamed when they are whole; INT and TERM leave "
		"nothing behind.\n"
		"\n"
		"SCENARIO is a file, or the bare name of one that comes with the program; 'footsteps-peer check' "
		"lists those.",
	.examples = "footsteps-peer trace first-login\tfirst-login.pcap and first-login.truth.db\n"
		    "footsteps-peer trace campus --scale 0.05 -o small.pcap\ta twentieth of a campus\n"
		    "footsteps-peer trace day -o - | footsteps read -o day.db -\twithout a file\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
};

static volatile sig_atomic_t stop_requested; /* the signal */

static void on_signal(int signal_number)
{
	stop_requested = signal_number;
}

/* Everything that is open while a capture is made. */
struct work {
	struct scenario *scenario;
	uint64_t seed;
	char *capture, *truth_path;
	struct truth *truth;
	struct background *background;
	struct wire *wire;
	uint64_t packets;
};

/* "first-login" and ".pcap"; an ending .pcap that is there already goes away. */
static char *name_with(const char *name, const char *ending)
{
	size_t length = strlen(name), cut = strlen(".pcap"), room;
	char *out;

	if (length > cut && strcmp(name + length - cut, ".pcap") == 0)
		length -= cut;
	room = length + strlen(ending) + 1;
	out = malloc(room);
	if (out)
		snprintf(out, room, "%.*s%s", (int)length, name, ending);
	return out;
}

/* Standard output, a pipe, /dev/null: nothing that could be read again, or have a truth beside it. */
static bool is_stream(const struct work *w)
{
	struct stat status;

	return strcmp(w->capture, "-") == 0 || (stat(w->capture, &status) == 0 && !S_ISREG(status.st_mode));
}

static bool names_choose(struct work *w, struct error *err)
{
	w->capture = given.output ? strdup(given.output) : name_with(w->scenario->name, ".pcap");
	if (w->capture && given.truth)
		w->truth_path = strdup(given.truth);
	else if (w->capture && !given.no_truth && !is_stream(w))
		w->truth_path = name_with(w->capture, ".truth.db");
	else if (w->capture)
		return true;
	return w->truth_path || error_memory(err, "the names");
}

static bool work_open(struct work *w, struct error *err)
{
	const struct scenario *s = w->scenario;
	char generator[64];
	const char *file = strrchr(s->path, '/');
	struct truth_run run = { .scenario = file ? file + 1 : s->path,
				 .title = s->title,
				 .generator = generator,
				 .seed = w->seed,
				 .local_net = s->local_net };

	snprintf(generator, sizeof generator, PROGRAM " %s", version_number());
	char *effective = options_json_text(&command, err);
	if (!effective)
		return false;
	run.options = effective;
	w->truth = truth_open(w->truth_path, &run, err);
	free(effective);
	if (!w->truth)
		return false;
	if (given.background.count > 0) {
		w->background = background_open(given.background.items, given.background.count, s->begins_ns,
						s->begins_ns + s->lasts_ns, w->seed, err);
		if (!w->background)
			return false;
	}
	struct wire_options wire = { .path = w->capture,
				     .truth = w->truth,
				     .background = w->background,
				     .snaplen = (uint32_t)given.snaplen,
				     .hashed = w->truth_path != NULL,
				     .stop = &stop_requested };
	w->wire = wire_open(&wire, err);
	return w->wire != NULL;
}

/* Roles in virtual time, a slice of it after another. */
static bool parties_run(struct work *w, struct progress *progress, struct error *err)
{
	const struct scenario *s = w->scenario;
	struct net *net = net_virtual_new(s, w->wire, w->truth, err);
	struct cast *cast = net ? cast_new(s, NULL, 0, net, w->seed, err) : NULL;
	bool ok = cast != NULL;

	for (int i = 1; ok && i <= SLICES; i++) {
		int64_t at = s->lasts_ns / SLICES * i;
		char text[UTC_TEXT];

		ok = net_virtual_run(net, s->begins_ns + (i < SLICES ? at : s->lasts_ns), err) &&
		     !stop_requested;
		if (ok && cast_failed(cast)) {
			*err = *cast_failed(cast);
			ok = false;
		}
		utc_format(s->begins_ns + at, text);
		progress_step(progress, (uint64_t)i, SLICES, text);
	}
	cast_free(cast);
	net_virtual_free(net);
	return ok;
}

static bool work_run(struct work *w, struct error *err)
{
	const struct scenario *s = w->scenario;
	bool shown = !given.quiet && isatty(STDERR_FILENO);
	struct progress *progress;
	bool ok;

	if (s->population) {
		progress = progress_new_packets("writing", 0, shown);
		ok = population_run(s->population, s->begins_ns, s->lasts_ns, w->seed, w->wire, w->truth,
				    given.places, progress, err);
	} else {
		progress = progress_new("writing", 0, shown);
		ok = parties_run(w, progress, err);
	}
	progress_free(progress);
	if (stop_requested) /* which is what the nets then complain about */
		ok = error_set(err, EXIT_OUTPUT, "stopped by signal %d; %s was not written",
			       (int)stop_requested, w->capture);
	return ok;
}

/* The truth first, which may have no room; the capture that was there before is lost only when all is
 * written. */
static bool work_finish(struct work *w, struct error *err)
{
	const char *file = strrchr(w->capture, '/');
	int64_t ends_ns = w->scenario->begins_ns + w->scenario->lasts_ns;
	struct truth *truth = w->truth;
	struct wire *wire = w->wire;
	char sha256[SHA256_TEXT];

	w->packets = wire_packets(wire);
	if (!wire_finish(wire, ends_ns, sha256, err))
		return false;
	w->truth = NULL;
	if (!truth_close(truth, file ? file + 1 : w->capture, sha256[0] ? sha256 : NULL, err))
		return false;
	w->wire = NULL;
	return wire_close(wire, ends_ns, err);
}

/* A file's name on a command line, quoted if the shell would change it. */
static void word_put(FILE *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,+@%";

	if (*word == '-') /* or it would be an option */
		fputs("./", out);
	if (*word && strspn(word, plain) == strlen(word)) {
		fputs(word, out);
		return;
	}
	fputc('\'', out);
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", out);
		else
			fputc(*word, out);
	fputc('\'', out);
}

/* What was made, and how to go on with it. */
static void summary_print(const struct work *w)
{
	const struct scenario *s = w->scenario;
	char span[DURATION_TEXT], *db = name_with(w->capture, ".db");

	if (given.quiet || is_stream(w) || !db) {
		free(db);
		return;
	}
	duration_format(s->lasts_ns, span);
	word_put(stderr, w->capture);
	fprintf(stderr, ": %" PRIu64 " packets in %s, seed %" PRIu64 "\n  footsteps read ", w->packets, span,
		w->seed);
	if (s->local_net[0])
		fprintf(stderr, "--local-net %s ", s->local_net);
	if (given.places) {
		fputs("--geo ", stderr);
		word_put(stderr, given.places);
		fputc(' ', stderr);
	}
	fputs("-o ", stderr);
	word_put(stderr, db);
	fputc(' ', stderr);
	word_put(stderr, w->capture);
	if (w->truth_path) {
		fputs("\n  footsteps score ", stderr);
		word_put(stderr, db);
		fputc(' ', stderr);
		word_put(stderr, w->truth_path);
	}
	fputc('\n', stderr);
	free(db);
}

static bool options_check(size_t count, struct error *err)
{
	if (count != 1)
		return error_set(err, EXIT_USAGE, "%s\nsee '" PROGRAM " trace --help'",
				 count ? "one scenario at a time" : "name a scenario");
	if (given.output && !*given.output)
		return error_set(err, EXIT_USAGE, "-o names no file");
	if (given.truth && (!*given.truth || strcmp(given.truth, "-") == 0))
		return error_set(err, EXIT_USAGE, "--truth %s",
				 *given.truth ? "is a database, and cannot go to standard output"
					      : "names no file");
	if (given.places && (!*given.places || strcmp(given.places, "-") == 0))
		return error_set(err, EXIT_USAGE, "--geo %s",
				 *given.places ? "is a database, and cannot go to standard output"
					       : "names no file");
	if (given.truth && given.no_truth)
		return error_set(err, EXIT_USAGE, "--truth and --no-truth exclude each other");
	if (given.output && given.truth && strcmp(given.output, given.truth) == 0)
		return error_set(err, EXIT_USAGE, "the capture and the truth cannot be the same file");
	if (given.snaplen && (given.snaplen < SNAPLEN_LEAST || given.snaplen > SNAPLEN_MOST))
		return error_set(err, EXIT_USAGE, "--snaplen: between %u and %u bytes", SNAPLEN_LEAST,
				 SNAPLEN_MOST);
	if (given.lasts_ns != LASTS_OF_SCENARIO &&
	    (given.lasts_ns < NS_PER_S || given.lasts_ns > SCENARIO_LASTS_MOST))
		return error_set(err, EXIT_USAGE, "--lasts: between 1 s and %d days",
				 (int)(SCENARIO_LASTS_MOST / (86400 * NS_PER_S)));
	if (given.scale <= 0 || given.scale > SCALE_MOST)
		return error_set(err, EXIT_USAGE, "--scale: more than 0, and at most %g", SCALE_MOST);
	if (given.output && strcmp(given.output, "-") == 0 && isatty(STDOUT_FILENO))
		return error_set(err, EXIT_USAGE, "a capture is nothing for a terminal; name a file with -o");
	return true;
}

/* Options that change the scenario. */
static bool scenario_adapt(struct work *w, struct error *err)
{
	struct scenario *s = w->scenario;

	if (!s->population && (given.scale != 1 || given.places))
		return error_set(err, EXIT_USAGE, "--%s is for scenarios with a [population]; %s has none",
				 given.places ? "geo" : "scale", s->path);
	if (given.scale != 1)
		population_scale(s->population, given.scale);
	/* What was not said is kept with the truth as it is in effect. */
	if (given.lasts_ns == LASTS_OF_SCENARIO)
		given.lasts_ns = s->lasts_ns;
	if (given.seed == SEED_OF_SCENARIO)
		given.seed = s->seed;
	s->lasts_ns = given.lasts_ns;
	s->seed = w->seed = given.seed;
	return true;
}

/* What is read is not what is written: the capture and the places take the place of a file of their name. */
static bool is_free(const struct work *w, const char *what, const char *path, struct error *err)
{
	bool taken = is_same_file(path, w->scenario->path);

	for (size_t i = 0; !taken && i < given.background.count; i++)
		taken = is_same_file(path, given.background.items[i]);
	return !taken || error_set(err, EXIT_USAGE,
				   "%s is read, so the %s cannot be written there: "
				   "name another file with %s",
				   path, what, path == given.places ? "--geo" : "-o");
}

static bool names_are_free(const struct work *w, struct error *err)
{
	if (!is_free(w, "capture", w->capture, err))
		return false;
	if (!given.places)
		return true;
	if (strcmp(given.places, w->capture) == 0 ||
	    (w->truth_path && strcmp(given.places, w->truth_path) == 0))
		return error_set(err, EXIT_USAGE, "--geo: %s is the name of the %s", given.places,
				 strcmp(given.places, w->capture) == 0 ? "capture" : "truth");
	return is_free(w, "file of places", given.places, err);
}

static enum exit_status trace_run(const char *const *arguments, size_t count)
{
	struct work w = { 0 };
	struct error err = { 0 };

	if (!options_check(count, &err))
		return command_fail(&err);
	command_catch_signals(on_signal);
	w.scenario = scenario_open(arguments[0], &err);
	bool ok = w.scenario && scenario_adapt(&w, &err) && names_choose(&w, &err) &&
		  names_are_free(&w, &err) && work_open(&w, &err) && work_run(&w, &err) &&
		  work_finish(&w, &err);
	wire_abandon(w.wire);
	truth_abandon(w.truth);
	background_close(w.background);
	if (ok)
		summary_print(&w);
	scenario_free(w.scenario);
	free(w.capture);
	free(w.truth_path);
	return ok ? EXIT_COMPLETE : command_fail(&err);
}

static const struct command *describe(void)
{
	return &command;
}

const struct subcommand subcommand_trace = {
	.name = "trace",
	.summary = "a scenario as a capture, with its truth",
	.command = describe,
	.run = trace_run,
};
