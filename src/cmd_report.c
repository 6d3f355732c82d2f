/* footsteps report: every table and figure of a database, as an HTML page with the data beside it. */
#include "cmd.h"
#include "store/open.h"
#include "views/report.h"
#include <stdlib.h>
#include <string.h>

static struct {
	const char *output;
	uint64_t run;
	bool quiet;
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
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPTION_FLAG,
	  .value = &values.quiet,
	  .help = "Do not say where the page is." },
};

static const struct command command = {
	.name = "report",
	.summary = "write every table and figure as an HTML page",
	.usage = "[options] -o DIRECTORY DATABASE",
	.details =
		"Writes DIRECTORY/index.html, which needs no network and no script to be read, and beside it "
		"the data of each "
		"table and figure as tab-separated values (R4.tsv) and each figure as SVG (R4.svg).\n\n"
		"Figures are drawn by gnuplot. Without it tables and data are written all the same, the page "
		"says what is "
		"missing, and the exit status is 3.\n\n"
		"A figure is a pair of files, NAME.sql and NAME.gp, a table a NAME.sql; they are read from "
		"$FOOTSTEPS_DATA/reports if that exists, else from where footsteps was installed.",
	.examples = "footsteps report campus.db -o report/\twrite the page of the last run\n"
		    "footsteps report campus.db --run 1 -o first/\tof an earlier run\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
};

static const struct command *report_command(void)
{
	return &command;
}

static enum exit_status database_report(const char *path, struct error *err)
{
	char sources[4096], missing[REPORT_MISSING];
	struct report_request request = { .target = values.output, .sources = sources };
	struct view v;

	if (!report_sources(sources, sizeof sources, err))
		return command_fail(err);
	sqlite3 *db = store_open_read(path, err);
	if (!db)
		return command_fail(err);
	bool ok = view_open(&v, db, path, values.run, err) && report_write(&v, &request, missing, err);
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
		error_set(&err, EXIT_USAGE, "%s; name one database that 'footsteps read' wrote",
			  count ? "too many arguments" : "report on what?");
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
