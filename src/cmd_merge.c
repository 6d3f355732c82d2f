/* footsteps merge: one database of several. */
#include "cmd.h"
#include "cmd_analysis.h"
#include "cmd_live_lock.h"
#include "cmd_merge.h"
#include "cmd_output.h"
#include "store/joins.h"
#include "store/open.h"
#include "store/remake.h"
#include "store/sqlite_insert.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FLOWS_AS_BEFORE };
static const char *const flow_choices[] = { "as-before", "recognised", "all", NULL };

static struct {
	const char *output, *geo, *asn;
	bool quiet;
	int flows;
	struct option_list local_nets, activity;
	double verdict_bits, suspect_bits;
	uint64_t max_sockets, max_pairs;
} given;

#define AS_BEFORE "as the runs say"
static const struct option options[] = {
	{ "output", 'o', OPTION_TEXT, &given.output, "FILE",
	  "The database that is made. It is written under a temporary name and renamed when it is whole. An "
	  "older footsteps database of that name is replaced; any other file is not touched.",
	  NULL, NULL },
	{ "flows", 0, OPTION_CHOICE, &given.flows, "WHICH",
	  "Which flows get a row: the recognised ones and those that are like a voice, or all.", "as-before",
	  flow_choices },
	{ "local-net", 0, OPTION_LIST, &given.local_nets, "CIDR", "A prefix of the internal network.",
	  AS_BEFORE, NULL },
	{ "geo", 0, OPTION_TEXT, &given.geo, "FILE", "Where addresses are: a MaxMind database (.mmdb).",
	  AS_BEFORE, NULL },
	{ "asn", 0, OPTION_TEXT, &given.asn, "FILE", "Whose addresses they are: such a database.", AS_BEFORE,
	  NULL },
	{ "activity", 0, OPTION_LIST, &given.activity, "N|ADDRESS:PORT",
	  "Of which clients every message's time is kept, as in footsteps-read(1).", AS_BEFORE, NULL },
	{ "verdict-bits", 0, OPTION_NUMBER, &given.verdict_bits, "BITS",
	  "A client socket is recognised from this much evidence on.", AS_BEFORE, NULL },
	{ "suspect-bits", 0, OPTION_NUMBER, &given.suspect_bits, "BITS",
	  "... and listed as suspected from this much on.", AS_BEFORE, NULL },
	{ "max-sockets", 0, OPTION_COUNT, &given.max_sockets, "N", "Client sockets kept with their evidence.",
	  AS_BEFORE, NULL },
	{ "max-pairs", 0, OPTION_COUNT, &given.max_pairs, "N", "Client-peer pairs kept.", AS_BEFORE, NULL },
	{ "quiet", 'q', OPTION_FLAG, &given.quiet, NULL, "No closing summary.", NULL, NULL },
};

static const struct command command = {
	.name = "merge",
	.summary = "make one database of several",
	.usage = "[options] -o ALL.db A.db B.db ...",
	.details =
		"Puts runs together that kept their facts (what the flow workers told: closed flows, evidence, "
		"messages), exactly as if their captures had been one trace: evidence from one capture recognises "
		"a client in another, calls and logins are counted once, and the tables are those that 'footsteps "
		"read' of all captures would have written. 'footsteps live' always keeps its facts, 'footsteps "
		"read' with --facts. Adding up finished tables cannot do this, as a client that no capture alone "
		"proves would be missing.\n\n"
		"The runs are taken in order of time, and packet numbers go on from one to the next. Files that "
		"one 'footsteps live' has rotated go on with each other's numbers. Runs that overlap in time are "
		"merged by time; packets that both have seen count twice.\n\n"
		"The runs must have been made with the same options, and by the same version of footsteps. "
		"Options that only tables depend on can be given again here, and count for all.\n\n"
		"A flow that went on when its capture ended, and goes on in another one within the inactivity "
		"timeout, stays cut in two: this is counted and said, and the exit status is 3. Captures that were "
		"cut apart are better read together; runs with more than the timeout between them have no such "
		"flows. Files of one live run are one run again: it keeps its facts, and can be merged with "
		"further ones, and verified. A database of other runs has none: to add another run, merge all "
		"again.",
	.examples = "footsteps read --facts -o mon.db monday.pcap.gz\tkeeps the facts\n"
		    "footsteps merge -o week.db mon.db tue.db wed.db\tone trace of three days\n"
		    "footsteps merge -o all.db campus.*.db campus.db\tthe rotated files of a live run\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
};

/* Whether the option was given again. */
static bool is_given(const char *key)
{
	const struct {
		const char *key;
		bool given;
	} all[] = { { "flows", given.flows != FLOWS_AS_BEFORE },
		    { "local-net", given.local_nets.count > 0 },
		    { "activity", given.activity.count > 0 },
		    { "geo", given.geo != NULL },
		    { "asn", given.asn != NULL },
		    { "verdict-bits", given.verdict_bits > 0 },
		    { "suspect-bits", given.suspect_bits > 0 },
		    { "max-sockets", given.max_sockets > 0 },
		    { "max-pairs", given.max_pairs > 0 } };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (strcmp(all[i].key, key) == 0)
			return all[i].given;
	return false;
}

/* *effective is the first run's, *own what of it belongs to that. */
static void apply_given(struct analysis_given *effective, const struct analysis_given *own)
{
	*effective = *own;
	if (given.flows != FLOWS_AS_BEFORE)
		effective->flows = given.flows - 1;
	if (given.local_nets.count)
		effective->local_nets = given.local_nets;
	if (given.activity.count)
		effective->activity = given.activity;
	if (given.geo)
		effective->geo = given.geo;
	if (given.asn)
		effective->asn = given.asn;
	if (given.verdict_bits > 0)
		effective->verdict_bits = given.verdict_bits;
	if (given.suspect_bits > 0)
		effective->suspect_bits = given.suspect_bits;
	if (given.max_sockets)
		effective->max_sockets = given.max_sockets;
	if (given.max_pairs)
		effective->max_pairs = given.max_pairs;
}

/* The first run's options with those that were given again; allocated. */
static char *manifest_options(const struct merge_runs *m, struct error *err)
{
	char *mine = options_json_text(&command, err), *text = mine ? strdup(m->run[0].options) : NULL;
	sqlite3_stmt *row = NULL;
	bool ok = text && sqlite3_prepare_v2(m->run[0].db,
					     "SELECT json_set(?1, '$.\"' || ?3 || '\"', "
					     "json_extract(?2, '$.\"' || ?3 || '\"'))",
					     -1, &row, NULL) == SQLITE_OK;

	for (size_t i = 0; ok && (i == 0 || merge_table_keys[i - 1]); i++) {
		const char *key = i == 0 ? "output" : merge_table_keys[i - 1];
		if (i > 0 && !is_given(key))
			continue;
		sqlite3_reset(row);
		sqlite3_bind_text(row, 1, text, -1, SQLITE_TRANSIENT);
		sqlite3_bind_text(row, 2, mine, -1, SQLITE_STATIC);
		sqlite3_bind_text(row, 3, key, -1, SQLITE_STATIC);
		free(text);
		text = NULL;
		ok = sqlite3_step(row) == SQLITE_ROW &&
		     (text = strdup((const char *)sqlite3_column_text(row, 0)));
	}
	sqlite3_finalize(row);
	if (mine && !ok)
		error_set(err, EXIT_INPUT, "%s: the options of run %" PRId64 " cannot be read",
			  m->run[0].path, m->run[0].run);
	free(mine);
	if (!ok) {
		free(text);
		return NULL;
	}
	return text;
}

struct merging {
	const struct merge_runs *runs;
	struct joins *joins; /* NULL: all runs are of one origin, which is one run already */
	struct problems *problems;
	struct remake_result result;
};

static bool of_one_origin(const struct merge_runs *m)
{
	return m->run[m->count - 1].series == 0;
}

static struct intake look_at_ends(void *self, const struct intake *aggregate)
{
	struct joins *joins = ((struct merging *)self)->joins;

	return joins ? joins_intake(joins, aggregate) : *aggregate;
}

static void say_cut(const struct merging *work)
{
	uint64_t cut = joins_cut(work->joins);

	if (cut)
		problems_add(work->problems,
			     "%" PRIu64
			     " flows went on from one input into another, and count twice: read the "
			     "captures together to have them whole",
			     cut);
	if (joins_failed(work->joins))
		problems_add(work->problems,
			     "not enough memory to find all flows that were cut between inputs");
}

/* When all flows were told. */
static struct sink *open_output(void *self, struct error *err)
{
	const struct merging *work = self;

	if (work->joins)
		say_cut(work);
	if (work->result.gaps)
		problems_add(work->problems, "facts are missing between those that were merged: not all "
					     "files of a live run were named, or it has lost some");
	struct sink *sink = sink_sqlite_open(given.output, false, err);
	if (!sink || !of_one_origin(work->runs) || work->result.gaps)
		return sink;
	struct sqlite_run to = sink_sqlite_run(sink);
	if (merge_runs_keep(work->runs, to.db, to.path, err))
		return sink;
	sink->ops->abandon(sink);
	return NULL;
}

static bool make_joins(struct merging *work, const struct merge_runs *m, struct error *err)
{
	struct join_span *span = calloc(m->count + 1, sizeof *span);

	if (of_one_origin(m)) {
		free(span);
		return true;
	}
	if (!span)
		return error_memory(err, "the ends of inputs");
	for (size_t i = 0; i < m->count; i++)
		span[i] = (struct join_span){ m->run[i].first_ns, m->run[i].last_ns };
	work->joins = joins_new(span, m->count, m->run[0].idle_ns, err);
	free(span);
	return work->joins;
}

static bool merge_with(const struct merge_runs *m, struct merging *work, const struct analysis *a,
		       const char *effective, struct problems *problems, struct error *err)
{
	struct remake_source *source = calloc(m->count + 1, sizeof *source);
	char libraries[512];
	struct run_row run = { .version = version_number(),
			       .libraries = libraries,
			       .options = effective,
			       .idle_ns = m->run[0].idle_ns };
	const struct remake_options wanted = { .aggregate = &a->aggregate,
					       .input = m->input,
					       .inputs = m->inputs,
					       .final = true,
					       .from_files = true,
					       .before = look_at_ends,
					       .open_sink = open_output,
					       .self = work };
	bool ok = source || error_memory(err, "the runs");

	for (size_t i = 0; ok && i < m->count; i++)
		source[i] = (struct remake_source){ .db = m->run[i].db,
						    .run = m->run[i].run,
						    .number_offset = m->run[i].number_offset,
						    .series = m->run[i].series };
	if (ok && !version_libraries(libraries, sizeof libraries))
		ok = error_set(err, EXIT_INTERNAL, "the list of libraries is too long for the manifest");
	ok = ok && remake(source, m->count, &wanted, &run, problems, &work->result, err);
	free(source);
	return ok;
}

static void print_summary(const struct merge_runs *m, const struct aggregate_summary *s)
{
	fprintf(stderr,
		"%zu run%s, %" PRIu64 " flow%s: %" PRIu32 " client%s recognised, %" PRIu32
		" suspected; %" PRIu64 " recognised flow%s,\n%" PRIu32
		" login or contact-list exchange%s, %" PRIu32 " call%s\n",
		m->count, plural(m->count), s->flows, plural(s->flows), s->clients, plural(s->clients),
		s->suspected, s->recognised_flows, plural(s->recognised_flows), s->exchanges,
		plural(s->exchanges), s->calls, plural(s->calls));
	output_say_written(given.output);
}

/* The runs are open, and agree. */
static bool merge_runs(const struct merge_runs *m, struct problems *problems, struct error *err)
{
	struct analysis_given own, effective;
	struct analysis analysis;
	struct merging work = { .runs = m, .problems = problems };
	bool anonymized;

	if (!analysis_given_from(&own, m->run[0].db, m->run[0].run, &anonymized, err))
		return false;
	if (anonymized && (given.geo || given.asn || given.local_nets.count || given.activity.count)) {
		analysis_given_free(&own);
		return error_set(err, EXIT_USAGE,
				 "--local-net, --activity, --geo and --asn mean real addresses, and these "
				 "databases have pseudonyms (--anonymize)");
	}
	apply_given(&effective, &own);
	bool opened = analysis_open(&analysis, &effective, err);
	char *text = opened ? manifest_options(m, err) : NULL;
	merge_runs_problems(m, problems);
	bool ok = text && make_joins(&work, m, err) && merge_with(m, &work, &analysis, text, problems, err);
	if (ok && !given.quiet)
		print_summary(m, &work.result.summary);
	free(text);
	joins_free(work.joins);
	if (opened)
		analysis_close(&analysis);
	analysis_given_free(&own);
	return ok;
}

static bool check(const char *const *paths, size_t count, struct error *err)
{
	if (!given.output)
		return error_set(err, EXIT_USAGE, "no output named: -o ALL.db");
	if (count == 0)
		return error_set(err, EXIT_USAGE, "no database named\nsee 'footsteps merge --help'");
	for (size_t i = 0; i < count; i++)
		if (strcmp(paths[i], given.output) == 0 || is_same_file(paths[i], given.output))
			return error_set(err, EXIT_USAGE, "%s would be written over while it is read",
					 given.output);
	return live_lock_is_free(given.output, err);
}

static enum exit_status run(const char *const *paths, size_t count)
{
	struct merge_runs m;
	struct problems problems = { 0 };
	struct error err;

	if (!check(paths, count, &err) || !merge_runs_open(&m, paths, count, &err))
		return command_fail(&err);
	bool ok = merge_runs_agree(&m, is_given, &err) && merge_runs(&m, &problems, &err);
	merge_runs_close(&m);
	if (!ok)
		return command_fail(&err);
	if (problems.count)
		fprintf(stderr, "footsteps: incomplete: %s\n", problems.text);
	return problems.count ? EXIT_INCOMPLETE : EXIT_COMPLETE;
}

static const struct command *describe(void)
{
	return &command;
}

const struct subcommand subcommand_merge = {
	.name = "merge", .summary = "make one database of several", .command = describe, .run = run
};
