/* footsteps compare: two runs side by side: counts, shifted distributions, sockets and labels that changed.
 */
#include "cmd.h"
#include "store/open.h"
#include "views/compare.h"
#include <inttypes.h>

static struct {
	bool json, csv, all;
	const char *protocol;
	int part;
	uint64_t run_a, run_b;
} values = { .part = COMPARE_PART_COUNT };

static const struct option options[] = {
	{ .name = "run-a",
	  .type = OPTION_COUNT,
	  .value = &values.run_a,
	  .argument = "NUMBER",
	  .help = "Which run of A.",
	  .shown_default = "its last one; the one before B's, if it is the same file" },
	{ .name = "run-b",
	  .type = OPTION_COUNT,
	  .value = &values.run_b,
	  .argument = "NUMBER",
	  .help = "Which run of B.",
	  .shown_default = "its last one" },
	{ .name = "protocol",
	  .type = OPTION_TEXT,
	  .value = &values.protocol,
	  .argument = "NAME",
	  .help = "Of which protocol. Labels of flows are compared for all protocols.",
	  .shown_default = "the one whose clients have most flows in A, if B has it, too" },
	{ .name = "part",
	  .type = OPTION_CHOICE,
	  .value = &values.part,
	  .argument = "NAME",
	  .help = "Only this part.",
	  .shown_default = "all parts; members only with --all",
	  .choices = compare_part_names },
	{ .name = "json",
	  .letter = 'j',
	  .type = OPTION_FLAG,
	  .value = &values.json,
	  .help = "One JSON object per row and line, whose 'row' names the part. Always every row." },
	{ .name = "csv",
	  .type = OPTION_FLAG,
	  .value = &values.csv,
	  .help = "Comma-separated values with a header (RFC 4180), of one --part. Always every row." },
	{ .name = "all",
	  .letter = 'a',
	  .type = OPTION_FLAG,
	  .value = &values.all,
	  .help = "Every row, and the sockets one by one: kept, gone, new, or with another port." },
};

static const struct command command = {
	.name = "compare",
	.summary = "compare two runs: what shifted, what is new, what is gone",
	.usage = "[options] A.db [B.db]",
	.details =
		"Compares the last run of A with the last run of B: the same link in another week, before "
		"and after a change, or the same capture read with other options or by another version of "
		"footsteps. With one database, its last run (B) is compared with the one before it (A).\n\n"
		"Parts: runs, cautions (what makes the numbers incomparable), options (those that differ), "
		"counts, distributions, sockets (clients, peers and supernodes: kept, at the same address "
		"with another port, gone, new), members (those sockets one by one), flows (that are in both: "
		"same 5-tuple and same start), and labels (what changed in them).\n\n"
		"Of distributions, D is the statistic of the two-sample Kolmogorov-Smirnov test: the "
		"greatest distance of the two cumulative curves, from 0 (same) to 1 (nothing in common). p "
		"is its asymptotic probability if nothing had changed and all values were independent; those "
		"of one client are not, and times are rounded to three digits, so that a small p proves "
		"little, and a large one is good news. The verdict: 'same' (p above 0.01), 'slight' (D below "
		"0.05), 'up' or 'down' with the shift of the median (else of the 90 % quantile), 'other "
		"shape' (the curves cross), 'too few'.\n\n"
		"The exit status says nothing about differences; --json does.",
	.examples = "footsteps compare april.db may.db\twhat changed on the link\n"
		    "footsteps compare campus.db --run-a 1 --run-b 3\ttwo runs of one database\n"
		    "footsteps compare old.db new.db --part labels\twhat another version calls otherwise\n"
		    "footsteps compare a.db b.db --part distributions --csv\tfor a spreadsheet\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
};

static const struct command *compare_command(void)
{
	return &command;
}

/* Of one file, A is the run before B's, unless it is said. */
static bool runs_settle(struct view *a, const struct view *b, bool same, struct error *err)
{
	int64_t before;

	if (same && values.run_a && a->run == b->run)
		return error_set(err, EXIT_USAGE, "both are run %" PRId64 " of %s", a->run, a->path);
	if (!same || values.run_a)
		return true;
	if (!query_number(b, "SELECT max(run) FROM runs WHERE run < :run", &before, err))
		return false;
	if (before == 0)
		return error_set(err, EXIT_USAGE,
				 "%s has no run before %" PRId64 " to compare it with\n"
				 "name a second database, or add a run with 'footsteps read --append'",
				 a->path, b->run);
	return view_open(a, a->db, a->path, (uint64_t)before, err);
}

static enum exit_status databases_compare(const char *path_a, const char *path_b, struct error *err)
{
	const struct compare_request request = {
		.part = (enum compare_part)values.part,
		.format = values.json  ? SHOW_JSON
			  : values.csv ? SHOW_CSV
				       : SHOW_TABLE,
		.all = values.all,
		.width = command_width(),
	};
	struct view a, b;
	sqlite3 *db_a = store_open_read(path_a, err), *db_b = db_a ? store_open_read(path_b, err) : NULL;
	bool ok = db_b && view_open(&a, db_a, path_a, values.run_a, err) &&
		  view_open(&b, db_b, path_b, values.run_b, err) &&
		  runs_settle(&a, &b, is_same_file(path_a, path_b), err) &&
		  compare_protocol(&a, &b, values.protocol, err) && compare(&a, &b, &request, stdout, err);

	sqlite3_close(db_a);
	sqlite3_close(db_b);
	return ok ? EXIT_COMPLETE : command_fail(err);
}

static enum exit_status compare_run(const char *const *arguments, size_t count)
{
	struct error err;

	if (count == 0)
		error_set(&err, EXIT_USAGE, "compare what? Name two databases that 'footsteps read' wrote");
	else if (count > 2)
		error_set(&err, EXIT_USAGE, "'%.80s' is one too many: two databases are compared",
			  arguments[2]);
	else if (values.json && values.csv)
		error_set(&err, EXIT_USAGE, "--json and --csv exclude each other");
	else if (values.csv && values.part == COMPARE_PART_COUNT)
		error_set(&err, EXIT_USAGE,
			  "--csv is one table: name it with --part, as in --part distributions");
	else
		return databases_compare(arguments[0], arguments[count - 1], &err);
	return command_fail(&err);
}

const struct subcommand subcommand_compare = {
	.name = "compare",
	.summary = "two runs side by side: what shifted, what is new, what is gone",
	.command = compare_command,
	.run = compare_run,
};
