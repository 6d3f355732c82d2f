/* footsteps report: every table and figure of a database, as an HTML page with the data beside it. */
#include "cmd.h"
#include "store/open.h"
#include "views/report.h"
#include <signal.h>
#include <string.h>
#include <unistd.h>

static struct {
	const char *output;
	const char *protocol;
	uint64_t run;
	bool png, pdf, quiet;
} values;

static const struct option options[] = {
	{ .name = "output",
	  .letter = 'o',
	  .type = OPTION_TEXT,
	  .value = &values.output,
	  .argument = "DIRECTORY",
	  .help = "Where to write. It appears when it is whole; an earlier report there is replaced, "
		  "anything else is left "
		  "alone and is an error." },
	{ .name = "run",
	  .type = OPTION_COUNT,
	  .value = &values.run,
	  .argument = "NUMBER",
	  .help = "Which run of the database.",
	  .shown_default = "the last one" },
	{ .name = "protocol",
	  .type = OPTION_TEXT,
	  .value = &values.protocol,
	  .argument = "NAME",
	  .help = "What the measurements are about: skype, bittorrent, ... The page names those that the "
		  "trace has clients of.",
	  .shown_default = "the one whose clients have most flows" },
	{ .name = "png",
	  .type = OPTION_FLAG,
	  .value = &values.png,
	  .help = "Each figure as PNG too, 1500 dots wide." },
	{ .name = "pdf", .type = OPTION_FLAG, .value = &values.pdf, .help = "Each figure as PDF too." },
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPTION_FLAG,
	  .value = &values.quiet,
	  .help = "No progress line, and no word where the page is." },
};

static const struct command command = {
	.name = "report",
	.summary = "write every table and figure as an HTML page",
	.usage = "[options] -o DIRECTORY DATABASE",
	.details =
		"Writes DIRECTORY/index.html, which needs no network and no script to be read, and beside it "
		"the data of each table and figure as tab-separated values (R4.tsv) and each figure as SVG "
		"(R4.svg).\n\n"
		"The parts of the page: summary, clients, logins, calls and searches, supernodes, traffic, "
		"what it costs the network, over time, and the trace; what the trace does not show is named "
		"at the end. One login, one search and one call are drawn as charts, as SVG alone; "
		"'footsteps chart' draws any. Maps and tables of places need a file that 'footsteps help "
		"read' tells of.\n\n"
		"Figures are drawn by gnuplot. Without it tables and data are written all the same, the page "
		"says what is missing, and the exit status is 3.\n\n"
		"A figure is a pair of files, NAME.sql and NAME.gp, a table a NAME.sql; they are read from "
		"$FOOTSTEPS_DATA/reports if that exists, else from where footsteps was installed.\n\n"
		"The signals INT, TERM and HUP end it early; nothing is left behind then.",
	.examples =
		"footsteps report campus.db -o report/\twrite the page of the last run\n"
		"footsteps report campus.db --protocol bittorrent --pdf -o bt/\tof another protocol, with "
		"figures for a paper\n"
		"footsteps report campus.db --run 1 -o first/\tof an earlier run\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
};

static const struct command *report_command(void)
{
	return &command;
}

static volatile sig_atomic_t stop_requested; /* the signal */

static void on_signal(int signal_number)
{
	stop_requested = signal_number;
}

static enum exit_status database_report(const char *path, struct error *err)
{
	char sources[4096], missing[REPORT_MISSING];
	struct report_request request = {
		.target = values.output,
		.sources = sources,
		.png = values.png,
		.pdf = values.pdf,
		.progress = !values.quiet && isatty(STDERR_FILENO),
		.stop = &stop_requested,
	};
	struct view v;

	if (!report_sources(sources, sizeof sources, err))
		return command_fail(err);
	sqlite3 *db = store_open_read(path, err);
	if (!db)
		return command_fail(err);
	command_catch_signals(on_signal);
	bool ok = view_open(&v, db, path, values.run, err) &&
		  (!values.protocol || view_protocol(&v, values.protocol, err)) &&
		  report_write(&v, &request, missing, err);
	sqlite3_close(db);
	if (!ok)
		return command_fail(err);
	if (missing[0]) {
		fprintf(stderr, "footsteps: %s\n", missing);
		return EXIT_INCOMPLETE;
	}
	if (!values.quiet)
		fprintf(stderr, "footsteps: wrote %s%sindex.html\n", values.output,
			values.output[strlen(values.output) - 1] == '/' ? "" : "/");
	return EXIT_COMPLETE;
}

static enum exit_status report_run(const char *const *arguments, size_t count)
{
	struct error err;

	if (count != 1)
		error_set(&err, EXIT_USAGE,
			  count ? "too many arguments; name one database that 'footsteps read' wrote"
				: "report on what? Name one database that 'footsteps read' wrote");
	else if (!values.output || !*values.output)
		error_set(&err, EXIT_USAGE, "-o DIRECTORY is missing: where shall the report go?");
	else
		return database_report(arguments[0], &err);
	return command_fail(&err);
}

const struct subcommand subcommand_report = {
	.name = "report",
	.summary = "every table and figure, as an HTML page",
	.command = report_command,
	.run = report_run,
};
