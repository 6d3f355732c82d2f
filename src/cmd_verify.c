/*
 * footsteps verify: a recording of a live run, analysed offline, against what the live run knew. Both end in
 * tables by the same aggregator; what is proved is everything before it: the capture, the workers, the facts
 * and their way through the database.
 */
#include "base/clock.h"
#include "cmd.h"
#include "cmd_analysis.h"
#include "cmd_capture.h"
#include "cmd_live_lock.h"
#include "cmd_verify.h"
#include "store/open.h"
#include "store/pipeline.h"
#include "store/remake.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	const char *anonymize;
	uint64_t run;
	int64_t jitter_ns;
} given;

static const struct option options[] = {
	{ "run", 0, OPTION_COUNT, &given.run, "N", "Which run of the database.", "the last", NULL },
	{ "jitter", 0, OPTION_DURATION, &given.jitter_ns, "TIME",
	  "Times may differ by so much, for a capture by another program, which has clocks of its own "
	  "(tcpdump: 1ms). What is computed from times may then differ accordingly; distributions of times "
	  "and state_entries are not compared.",
	  "0", NULL },
	{ "anonymize", 0, OPTION_TEXT, &given.anonymize, "KEYFILE",
	  "The key, of a run that was made with --anonymize.", NULL, NULL },
};

static const struct command command = {
	.name = "verify",
	.summary = "compare a live run with its recording",
	.usage = "[options] DATABASE FILE ...",
	.details =
		"Analyses what 'footsteps live --record' kept, as 'footsteps read' does and with the live run's "
		"own options, makes the live run's tables anew from what it wrote down, and compares the two. Of "
		"a run with several workers all recordings are named: FILE FILE.1 FILE.2 ... Of a run that was "
		"rotated, 'footsteps merge' makes one database first.\n\n"
		"Every difference is a line; of each table the first 20 are shown. Numbers that only tell rows "
		"apart (of packets, flows, clients ...) are not compared: a flow is its addresses and the time of "
		"its first packet. Times are exact but for --jitter, other numbers to 4 digits where they are "
		"sums of floating point.\n\n"
		"Left out is what says how a run was made and not what it found: tables runs, inputs and "
		"place_files, and the most flows at a time; and what only a live run has: sessions, facts, "
		"capture_minutes. Packets that the "
		"kernel dropped are in neither.\n\n"
		"The exit status is 0 when all is equal, and 3 when anything differs.",
	.examples = "footsteps verify campus.db campus.pcap\ta run of one worker\n"
		    "footsteps verify campus.db campus.pcap campus.pcap.1\tof two\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
};

/* A verification: a directory of its own, with a database of each way. */
struct verify {
	char directory[4096];
	char database[2][sizeof(char[4096]) + 16];
	sqlite3 *db;
	int64_t run;
	struct analysis_given how;
	struct analysis analysis;
	char libraries[512];
};
enum { LIVE, OFFLINE };

static volatile sig_atomic_t stop_requested;

static void on_signal(int signal_number)
{
	stop_requested = signal_number;
}

static bool make_directory(struct verify *v, struct error *err)
{
	const char *above = getenv("TMPDIR");

	above = above && *above ? above : "/var/tmp";
	int length = snprintf(v->directory, sizeof v->directory, "%s/footsteps-XXXXXX", above);
	if (length >= (int)sizeof v->directory || !mkdtemp(v->directory)) {
		v->directory[0] = '\0';
		return error_set(err, EXIT_OUTPUT,
				 "cannot make a temporary database in %s: %s; TMPDIR says where", above,
				 strerror(length >= (int)sizeof v->directory ? ENAMETOOLONG : errno));
	}
	snprintf(v->database[LIVE], sizeof v->database[LIVE], "%s/live.db", v->directory);
	snprintf(v->database[OFFLINE], sizeof v->database[OFFLINE], "%s/offline.db", v->directory);
	return true;
}

static bool find_run(struct verify *v, const char *path, struct error *err)
{
	char sql[160];
	int64_t facts = 0;

	if (given.run)
		v->run = (int64_t)given.run;
	else if (database_integer(v->db, "SELECT coalesce(max(run), 0) FROM facts", &v->run) != SQLITE_OK)
		v->run = 0;
	snprintf(sql, sizeof sql, "SELECT count(*) FROM facts WHERE run = %" PRId64, v->run);
	if (v->run == 0 || database_integer(v->db, sql, &facts) != SQLITE_OK || facts == 0)
		return error_set(
			err, EXIT_INPUT,
			"%s: there is no run of footsteps live in it%s, or its facts were not kept (of "
			"merged databases, those of one live run keep them)",
			path, given.run ? " with this number" : "");
	snprintf(sql, sizeof sql, "SELECT count(*) FROM facts WHERE run = %" PRId64 " AND seq = 0", v->run);
	if (database_integer(v->db, sql, &facts) == SQLITE_OK && facts > 0)
		fprintf(stderr,
			"footsteps: warning: this run was rotated, and this is one of its files; 'footsteps "
			"merge' makes one run of them, which can agree with the recording\n");
	snprintf(sql, sizeof sql, "SELECT count(*) FROM sessions WHERE run = %" PRId64, v->run);
	if (database_integer(v->db, sql, &facts) == SQLITE_OK && facts > 1)
		fprintf(stderr,
			"footsteps: warning: this run was started %" PRId64
			" times; it can only agree with recordings of all of them\n",
			facts);
	return true;
}

/* The run's own options, and what they open. */
static bool open_analysis(struct verify *v, struct error *err)
{
	bool anonymized = false;

	if (!analysis_given_from(&v->how, v->db, v->run, &anonymized, err))
		return false;
	if (anonymized && !given.anonymize)
		return error_set(err, EXIT_USAGE,
				 "the run was made with --anonymize: its key is needed, --anonymize KEYFILE");
	if (!anonymized && given.anonymize)
		return error_set(err, EXIT_USAGE, "the run was made without --anonymize");
	v->how.anonymize = given.anonymize;
	/* What the kernel filtered is not in the recording, and the text may have been withheld. */
	v->how.filter = NULL;
	if (!analysis_open(&v->analysis, &v->how, err))
		return false;
	/* Rows of all flows: what would not be listed is compared, too. */
	v->analysis.aggregate.all_flows = true;
	return true;
}

static struct run_row run_row(struct verify *v)
{
	return (struct run_row){ .version = version_number(),
				 .libraries = v->libraries,
				 .options = "{}",
				 .idle_ns = v->how.idle_ns };
}

static struct sink *open_live_sink(void *self, struct error *err)
{
	struct verify *v = self;

	return sink_sqlite_open(v->database[LIVE], false, err);
}

static bool remake_live(struct verify *v, struct error *err)
{
	const struct remake_source source = { .db = v->db, .run = v->run };
	const struct remake_options how = { .aggregate = &v->analysis.aggregate,
					    .final = true,
					    .from_files = true,
					    .open_sink = open_live_sink,
					    .self = v };
	struct run_row run = run_row(v);
	struct problems problems = { 0 };
	struct remake_result result;

	return remake(&source, 1, &how, &run, &problems, &result, err);
}

static bool take_frames(void *self, const struct frame *frames, size_t count, struct error *err)
{
	if (!pipeline_frames(self, frames, count, err))
		return false;
	return !stop_requested || error_set(err, EXIT_INPUT, "stopped by signal %d", (int)stop_requested);
}

static bool read_recording(struct verify *v, const char *const *files, size_t count, struct error *err)
{
	const struct source_options how = { 0 };
	const struct pipeline_options wanted = { .worker = v->analysis.worker,
						 .aggregate = v->analysis.aggregate,
						 .pan = v->analysis.pan };
	struct run_row run = run_row(v);
	struct problems problems = { 0 };
	struct aggregate_summary summary;
	struct source_stats stats;
	struct source *source = source_open_files(files, count, &how, err);
	struct pipeline *p = source ? pipeline_new(&wanted, err) : NULL;
	bool ok = p && capture_frames(source, true, take_frames, p, err);
	struct sink *sink = ok ? sink_sqlite_open(v->database[OFFLINE], false, err) : NULL;

	if (sink) {
		source_stats(source, &stats);
		run.packets = stats.frames;
		ok = pipeline_finish(p, source, sink, &run, &problems, &summary, err);
		if (ok)
			ok = sink->ops->finish(sink, err);
		else
			sink->ops->abandon(sink);
	}
	pipeline_free(p);
	source_close(source);
	return ok && sink;
}

static enum exit_status compare(struct verify *v, const char *database, const char *recording)
{
	const char *const databases[2] = { v->database[LIVE], v->database[OFFLINE] };
	const char *const names[2] = { database, recording };
	struct verify_sums sums = { 0 };
	struct error err;

	if (!verify_tables(databases, names, given.jitter_ns, stdout, &sums, &err))
		return command_fail(&err);
	if (sums.differences == 0)
		printf("equal: %" PRIu64 " tables, %" PRIu64 " rows\n", sums.tables, sums.rows);
	else
		printf("%" PRIu64 " difference%s in %" PRIu64 " tables\n", sums.differences,
		       sums.differences == 1 ? "" : "s", sums.tables);
	return sums.differences ? EXIT_INCOMPLETE : EXIT_COMPLETE;
}

static void close_all(struct verify *v)
{
	analysis_close(&v->analysis);
	analysis_given_free(&v->how);
	sqlite3_close(v->db);
	for (int i = 0; v->directory[0] && i < 2; i++)
		unlink(v->database[i]);
	if (v->directory[0])
		rmdir(v->directory);
	free(v);
}

static enum exit_status run(const char *const *arguments, size_t count)
{
	struct verify *v = calloc(1, sizeof *v);
	struct error err;
	enum exit_status status;

	command_catch_signals(on_signal);
	bool ok = v || error_memory(&err, "the comparison");
	if (ok && count < 2)
		ok = error_set(&err, EXIT_USAGE,
			       "verify needs a database and its recording\nsee 'footsteps verify --help'");
	if (ok && !version_libraries(v->libraries, sizeof v->libraries))
		ok = error_set(&err, EXIT_INTERNAL, "the list of libraries is too long for the manifest");
	if (ok)
		capture_warn_of_twins(arguments + 1, count - 1);
	if (ok && file_look(arguments[0]).kind == FILE_CAPTURE &&
	    file_look(arguments[1]).kind == FILE_DATABASE)
		ok = error_set(&err, EXIT_USAGE, "%s is a capture: it comes second, behind the database",
			       arguments[0]);
	/* What it has not written yet would be told as differences. */
	if (ok && !live_lock_is_free(arguments[0], &err))
		ok = error_set(&err, EXIT_INPUT,
			       "%s: a footsteps live that runs writes into it; end it first, then compare",
			       arguments[0]);
	ok = ok && (v->db = store_open_read(arguments[0], &err));
	ok = ok && find_run(v, arguments[0], &err) && open_analysis(v, &err) && make_directory(v, &err) &&
	     read_recording(v, arguments + 1, count - 1, &err) && remake_live(v, &err);
	status = ok ? compare(v, arguments[0], arguments[1]) : command_fail(&err);
	if (v)
		close_all(v);
	command_catch_signals(SIG_DFL);
	return status;
}

static const struct command *describe(void)
{
	return &command;
}

const struct subcommand subcommand_verify = {
	.name = "verify", .summary = "compare a live run with its recording", .command = describe, .run = run
};
