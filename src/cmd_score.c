/* footsteps score: what the monitor found beside what a generated capture is. */
#include "cmd.h"
#include "store/open.h"
#include "views/score.h"

static struct {
	bool json, strict;
	uint64_t run, differences;
} values = { .differences = 50 };

static const struct option options[] = {
	{ .name = "run",
	  .type = OPTION_COUNT,
	  .value = &values.run,
	  .argument = "NUMBER",
	  .help = "Which run of the monitor's database.",
	  .shown_default = "its last one" },
	{ .name = "differences",
	  .type = OPTION_COUNT,
	  .value = &values.differences,
	  .argument = "NUMBER",
	  .help = "List so many differences at most, of each part in turn; 0: all.",
	  .shown_default = "50" },
	{ .name = "json",
	  .letter = 'j',
	  .type = OPTION_FLAG,
	  .value = &values.json,
	  .help = "One JSON object per line, whose 'row' says what it is: score, confusion, class (of Table "
		  "I), difference, note (what is not compared), caution, verdict." },
	{ .name = "strict",
	  .type = OPTION_FLAG,
	  .value = &values.strict,
	  .help = "Exit with status 3 when anything differs." },
};

static const struct command command = {
	.name = "score",
	.summary = "compare a database with the truth of a generated capture",
	.usage = "[options] MONITOR.db TRUTH.db",
	.details =
		"MONITOR.db is what 'footsteps read' made of a capture of footsteps-peer, TRUTH.db the file that "
		"footsteps-peer wrote beside that capture: what every client, login, call, search, pair and flow "
		"in it is.\n\n"
		"Of each part: how many are in the truth, how many of these the monitor found and missed, and "
		"how many it found that are not there (wrong). Precision is the share of what it found that is "
		"right, recall the share of the truth that it found. Indented lines are about those that were "
		"found: the same login, say, with another outcome; they count where both sides say something. "
		"Then network set-ups, classes of pairs and labels of flows as confusions, Table I of both "
		"sides, and the differences one by one, with the number of a packet to look at.\n\n"
		"What matches what, and what is not compared and why, stands in docs/definitions.md, Scores.",
	.examples = "footsteps-peer trace first-login\twrites first-login.pcap and first-login.truth.db\n"
		    "footsteps read -o first-login.db first-login.pcap\n"
		    "footsteps score first-login.db first-login.truth.db\twhat the monitor got right\n"
		    "footsteps score --strict first-login.db first-login.truth.db\tfor a test\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
};

static const struct command *score_command(void)
{
	return &command;
}

static enum exit_status databases_score(const char *monitor, const char *truth, struct error *err)
{
	const struct score_request request = { .format = values.json ? SHOW_JSON : SHOW_TABLE,
					       .differences = values.differences,
					       .width = command_width() };
	uint64_t differences = 0;
	struct view v;

	if (score_is_truth(monitor)) {
		error_set(err, EXIT_USAGE,
			  "%s is a truth file: it comes second, behind the monitor's database", monitor);
		return command_fail(err);
	}
	sqlite3 *db = store_open_read(monitor, err);
	bool ok = db && view_open(&v, db, monitor, values.run, err) && score_attach(&v, truth, err) &&
		  score(&v, &request, stdout, &differences, err);
	sqlite3_close(db);
	if (!ok)
		return command_fail(err);
	return values.strict && differences ? EXIT_INCOMPLETE : EXIT_COMPLETE;
}

static enum exit_status score_run_command(const char *const *arguments, size_t count)
{
	struct error err;

	if (count == 2)
		return databases_score(arguments[0], arguments[1], &err);
	if (count < 2)
		error_set(&err, EXIT_USAGE,
			  "score what? Name the database of 'footsteps read', and the truth file");
	else
		error_set(&err, EXIT_USAGE, "'%.80s' is one too many: a database and a truth file",
			  arguments[2]);
	return command_fail(&err);
}

const struct subcommand subcommand_score = {
	.name = "score",
	.summary = "how right a database is, by the truth of a generated capture",
	.command = score_command,
	.run = score_run_command,
};
