/* footsteps show: what is in a database, as tables for people or rows for machines. */
#include "cmd.h"
#include "store/open.h"
#include "views/show.h"

static struct {
	bool json, csv, all;
	const char *label, *client, *protocol;
	uint64_t run;
} values;

static const struct option options[] = {
	{ .name = "json",
	  .letter = 'j',
	  .type = OPTION_FLAG,
	  .value = &values.json,
	  .help = "One JSON object per row and line, with the column names of the database's views. Always "
		  "every row." },
	{ .name = "csv",
	  .type = OPTION_FLAG,
	  .value = &values.csv,
	  .help = "Comma-separated values with a header (RFC 4180). Always every row." },
	{ .name = "all",
	  .letter = 'a',
	  .type = OPTION_FLAG,
	  .value = &values.all,
	  .help = "Every row. Without it a table ends after 40 rows and says how many were left out." },
	{ .name = "label",
	  .type = OPTION_TEXT,
	  .value = &values.label,
	  .argument = "NAME",
	  .help = "Of flows: only those with this label." },
	{ .name = "client",
	  .type = OPTION_TEXT,
	  .value = &values.client,
	  .argument = "ADDRESS:PORT",
	  .help = "Of flows: only those with this socket at one end. Of pairs, setups, startups, searches, "
		  "supernodes, round-trips and costs: only those of this client socket." },
	{ .name = "protocol",
	  .type = OPTION_TEXT,
	  .value = &values.protocol,
	  .argument = "NAME",
	  .help = "Only what is of this protocol, of topics that have several. In the summary: what the "
		  "measurements are of." },
	{ .name = "run",
	  .type = OPTION_COUNT,
	  .value = &values.run,
	  .argument = "NUMBER",
	  .help = "Which run of the database.",
	  .shown_default = "the last one" },
};

static const struct command command = {
	.name = "show",
	.summary = "show what is in a database",
	.usage = "[options] DATABASE [TOPIC [SUBJECT]]",
	.details =
		"Without a topic: a summary of the run, its inputs, what was found, where every packet went, "
		"and what speaks against the trace.\n\n"
		"Topics: clients, logins, contact-lists, versions, calls, streams, flows, pairs, peers, "
		"labels, inputs, runs, account, and why; and what was measured: setups (how each client is "
		"connected, with the reasons), startups (from its first packet to its login), searches, "
		"supernodes (connections to them, and clients that are one), round-trips, series (by day and "
		"hour), costs (entries that clients hold in a NAT or firewall table), classes (of pairs, by "
		"inactivity timeout), activity and scenes (what the report and charts are drawn from), names "
		"(from DNS answers) and places. 'why ADDRESS:PORT' tells the evidence for a client socket, "
		"'why NUMBER' that for a flow (flows are numbered by their first packet).\n\n"
		"Of calls: 'near' is the internal host, 'began' who sent the first packet of the call's "
		"first flow, 'path' the transport and whether the far end is the other party or a relay, "
		"'packets/s' and the like sent / received by the near host. A codec after ~ is an estimate, "
		"MOS the E-model's (1 to 4.5). 'basis' is what makes it a call: the media format, a "
		"recognised client socket, or the statistics of its payload. Of streams: 'belief' is the "
		"naive Bayes classifier's, a voice from -5 on; verdict voip-like means that nothing else "
		"says so, and it is no call.\n\n"
		"Tables fit the terminal, or 80 columns elsewhere; a column that does not fit is left out "
		"and named below the table. Times are UTC.",
	.examples = "footsteps show campus.db\twhat was found\n"
		    "footsteps show campus.db why 192.168.1.2:35990\twhy a socket was recognised\n"
		    "footsteps show campus.db flows --label skype-login\tthe login flows\n"
		    "footsteps show campus.db flows --json\tevery flow, for a program\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
};

static const struct command *show_command(void)
{
	return &command;
}

/* "show clients campus.db": there is nothing of the first name, and the second is a database. */
static bool swapped(const char *const *arguments, size_t count, struct error *err)
{
	if (count < 2 || file_look(arguments[0]).kind != FILE_ABSENT ||
	    file_look(arguments[1]).kind != FILE_DATABASE)
		return false;
	error_set(err, EXIT_USAGE,
		  "there is no file '%.80s'; the database comes first, as in: footsteps show %s %.80s",
		  arguments[0], arguments[1], arguments[0]);
	return true;
}

static enum exit_status database_show(const char *const *arguments, size_t count, struct error *err)
{
	struct show_request request = {
		.topic = count > 1 ? arguments[1] : NULL,
		.subject = count > 2 ? arguments[2] : NULL,
		.format = values.json  ? SHOW_JSON
			  : values.csv ? SHOW_CSV
				       : SHOW_TABLE,
		.all = values.all,
		.label = values.label,
		.client = values.client,
		.protocol = values.protocol,
		.width = command_width(),
	};
	struct view v;
	if (swapped(arguments, count, err))
		return command_fail(err);
	sqlite3 *db = store_open_read(arguments[0], err);
	if (!db)
		return command_fail(err);
	bool ok = view_open(&v, db, arguments[0], values.run, err) &&
		  (!values.protocol || view_protocol(&v, values.protocol, err)) &&
		  show(&v, &request, stdout, err);
	sqlite3_close(db);
	return ok ? EXIT_COMPLETE : command_fail(err);
}

static enum exit_status show_run(const char *const *arguments, size_t count)
{
	struct error err;

	if (count == 0)
		error_set(&err, EXIT_USAGE, "show what? Name a database that 'footsteps read' wrote");
	else if (count > 3)
		error_set(&err, EXIT_USAGE, "too many arguments after '%.80s'; see 'footsteps show --help'",
			  arguments[2]);
	else if (values.json && values.csv)
		error_set(&err, EXIT_USAGE, "--json and --csv exclude each other");
	else
		return database_show(arguments, count, &err);
	return command_fail(&err);
}

const struct subcommand subcommand_show = {
	.name = "show",
	.summary = "what is in a database: clients, logins, flows, and why",
	.command = show_command,
	.run = show_run,
};
