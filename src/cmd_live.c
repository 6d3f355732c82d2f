/* footsteps live: watches a link. The command line; the run itself is in cmd_live_run.c. */
#include "base/clock.h"
#include "cmd.h"
#include "cmd_live.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COMMIT_DEFAULT_NS (2 * NS_PER_S)
#define TABLES_DEFAULT_NS (10 * NS_PER_S)
#define REPORT_DEFAULT_NS (300 * NS_PER_S)
#define SNAPLEN_LEAST     96U      /* headers of IPv6 with extensions, and a little */
#define SNAPLEN_MOST      262144U  /* as tcpdump: MAXIMUM_SNAPLEN of libpcap */
#define BUFFER_LEAST      1000000U /* 1M, as the option counts: a block of the ring */
#define BUFFER_MOST       (UINT64_C(1) << 36)
#define MAX_FLOWS_LEAST   16U /* of each worker, as for `read` */
#define ALERT_KINDS       "new-client, login, call, supernode, drops, storage, interface"
#define PERIOD_LEAST_NS   (100 * NS_PER_MS)
#define PERIOD_MOST_NS    (3600 * NS_PER_S) /* what waits is in memory, and lost if the power fails */
#define MINUTES_MOST      (366.0 * 24 * 60)

static struct live_given given = {
	.analysis = ANALYSIS_DEFAULTS,
	.workers = 1,
	.snaplen = INTERFACE_SNAPLEN_DEFAULT,
	.buffer = INTERFACE_BUFFER_DEFAULT,
	.commit_ns = COMMIT_DEFAULT_NS,
	.tables_ns = TABLES_DEFAULT_NS,
	.report_every_ns = REPORT_DEFAULT_NS,
};

/* clang-format off */
#define INTERFACE_OPTION \
	{ "interface", 'i', OPTION_LIST, &given.interfaces, "IF", \
	  "The interface to watch. Several, such as the two directions of a tap, are one link.", NULL, NULL }
#define SNAPLEN_OPTION \
	{ "snaplen", 0, OPTION_COUNT, &given.snaplen, "BYTES", \
	  "How much of each packet is looked at. Longer packets are counted with their whole length; what is " \
	  "recognised by bytes far inside needs more, and costs room in the ring.", "512", NULL }
/* clang-format on */

static const struct option options[] = {
	INTERFACE_OPTION,
	{ "output", 'o', OPTION_TEXT, &given.output, "DATABASE",
	  "Where the results go. A database that an earlier start with the same options made is continued; "
	  "anybody may read it meanwhile.",
	  NULL, NULL },
	{ "workers", 'j', OPTION_COUNT, &given.workers, "N",
	  "Threads that look at packets. The kernel deals the packets out by their two addresses.", "1",
	  NULL },
	SNAPLEN_OPTION,
	{ "buffer", 0, OPTION_COUNT, &given.buffer, "SIZE",
	  "Room in the kernel for packets that wait, of each interface: 64M, 1G. More bridges longer bursts.",
	  "64M", NULL },
	{ "no-promiscuous", 0, OPTION_FLAG, &given.no_promiscuous, NULL,
	  "Only see what is addressed to this machine.", NULL, NULL },
	{ "minutes", 0, OPTION_NUMBER, &given.minutes, "K", "End after so many minutes.", NULL, NULL },
	{ "rotate", 0, OPTION_TEXT, &given.rotate, "TIME|SIZE",
	  "Finish the database and begin a new one, at whole multiples of a time (1d: midnight UTC) or beyond "
	  "a size (500M). The finished one gets the time of its first packet into its name; 'footsteps merge' "
	  "joins them again.",
	  NULL, NULL },
	{ "keep", 0, OPTION_TEXT, &given.keep, "TIME|SIZE",
	  "Remove finished databases of this series that are older (30d), or the oldest when all together are "
	  "larger (20G).",
	  NULL, NULL },
	{ "commit", 0, OPTION_DURATION, &given.commit_ns, "TIME",
	  "How often what was seen is written: so much is lost if the power fails. Earlier when much waits.",
	  "2s", NULL },
	{ "tables", 0, OPTION_DURATION, &given.tables_ns, "TIME",
	  "How often the tables are made anew of what was written, at most.", "10s", NULL },
	{ "record", 0, OPTION_TEXT, &given.record, "FILE",
	  "Keep what was looked at of each packet as a capture, for 'footsteps verify'; with --minutes. "
	  "Further workers write FILE.1, FILE.2 ... Not with --anonymize.",
	  NULL, NULL },
	{ "control", 0, OPTION_TEXT, &given.control, "SOCKET",
	  "A Unix socket for 'footsteps top' and 'footsteps doctor'. As a service of systemd: footsteps.sock "
	  "in the service's own directory.",
	  NULL, NULL },
	{ "metrics", 0, OPTION_TEXT, &given.metrics, "FILE",
	  "Write counters for Prometheus into this file, every 5 seconds.", NULL, NULL },
	{ "metrics-socket", 0, OPTION_TEXT, &given.metrics_socket, "SOCKET",
	  "Serve counters for Prometheus on this Unix socket.", NULL, NULL },
	{ "alerts", 0, OPTION_LIST, &given.alerts, "FILE|syslog||COMMAND",
	  "Where alerts go, as lines of JSON: the end of a file, syslog, or with a bar in front the standard "
	  "input of a command. Several may be named, one of each.",
	  NULL, NULL },
	{ "alert", 0, OPTION_LIST, &given.alert_kinds, "KIND",
	  "Which alerts: " ALERT_KINDS ". Several may be named.", "all", NULL },
	{ "drop-share", 0, OPTION_TEXT, &given.drop_share, "SHARE",
	  "An alert when more than this share of a minute's packets was lost; 0: never.", "1%", NULL },
	{ "http", 0, OPTION_TEXT, &given.http, "ADDRESS:PORT",
	  "Serve a web page with the live state and the report. There is no password: keep it local "
	  "(127.0.0.1:8480), or behind a web server that has one.",
	  NULL, NULL },
	{ "report-every", 0, OPTION_DURATION, &given.report_every_ns, "TIME",
	  "With --http: how often the report is drawn anew; 0: never.", "5m", NULL },
	{ "config", 0, OPTION_TEXT, &given.config, "FILE",
	  "Read options from a file: a section [live], and a line 'key = value' for each, where the key is "
	  "the long name of the option. The command line counts more. HUP reads it again.",
	  NULL, NULL },
	{ "check-config", 0, OPTION_FLAG, &given.check_config, NULL, "Only check the options and the file.",
	  NULL, NULL },
	{ "print-config", 0, OPTION_FLAG, &given.print_config, NULL,
	  "Only print all options, their values, and where those come from, as such a file.", NULL, NULL },
	{ "user", 0, OPTION_TEXT, &given.user, "NAME",
	  "Become this user once the interfaces are open. The database belongs to it.", NULL, NULL },
	{ "no-sandbox", 0, OPTION_FLAG, &given.no_sandbox, NULL,
	  "Keep all rights. For looking for defects only.", NULL, NULL },
	{ "pid", 0, OPTION_TEXT, &given.pid, "FILE", "Write the number of the process there.", NULL, NULL },
	{ "quiet", 'q', OPTION_FLAG, &given.quiet, NULL, "No first line and no closing summary.", NULL,
	  NULL },
	ANALYSIS_OPTIONS(given.analysis),
};

/* Which the command line has set: it counts more than --config. */
static bool set[sizeof options / sizeof options[0]];

static const struct command command = {
	.name = "live",
	.summary = "watch a link",
	.usage = "[options] -i INTERFACE -o DATABASE",
	.details =
		"Looks at the packets of an interface as 'footsteps read' looks at captures, for minutes or for "
		"weeks, and writes the same database. It never sends a packet and keeps no payload.\n\n"
		"'footsteps show DATABASE', 'report' and any other program may read the database at any time: "
		"they see its tables as they were made last. 'footsteps top' shows the moment, and the web page "
		"of --http both. 'footsteps doctor' says what a capture here lacks, which begins with the "
		"right to capture: setcap cap_net_raw+ep, or a service (footsteps@.service).\n\n"
		"Before the first packet is looked at, all rights are given up: no capability, no new program, "
		"no network, no file outside the directories of the outputs.\n\n"
		"Packets that were lost are counted by cause (kernel, interface, database), by the minute, and "
		"named with the figures that they touch. When the disk is full or somebody locks the database, "
		"counting goes on in memory, and writing as soon as it can.\n\n"
		"INT and TERM end it; everything that was seen is written. HUP reads --config again, where "
		"rotate, keep, commit, tables, alerts, alert and drop-share may change, and opens the file of "
		"--alerts anew. USR1 prints statistics to standard error. If it is killed, what was told in the "
		"last moments is lost (--commit, and two seconds on the way there), and the next start goes on in the "
		"same database; flows that were under way end there.",
	.examples =
		"footsteps live -i eth1 -o campus.db\tuntil control-C\n"
		"footsteps live -i eth1 -i eth2 -o campus.db --rotate 1d --keep 30d\tboth directions of a "
		"tap, for good\n"
		"footsteps live -i eth1 -o a.db --record a.pcap --minutes 5\n"
		"footsteps verify a.db a.pcap\tproof that live and read agree\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.set = set,
};

static const struct option manifest_options[] = { INTERFACE_OPTION, SNAPLEN_OPTION,
						  ANALYSIS_OPTIONS(given.analysis) };
static const struct command manifest_command = {
	.name = "live",
	.options = manifest_options,
	.option_count = sizeof manifest_options / sizeof manifest_options[0],
};

const struct command *monitor_manifest_command(void)
{
	return &manifest_command;
}

/* --- what the values mean --- */

/* "30d" is a time, "20G" a size. */
static bool time_or_size(const char *option, const char *text, int64_t *ns, uint64_t *bytes,
			 struct error *err)
{
	char *end;

	*ns = 0;
	*bytes = 0;
	if (!text || strcmp(text, "0") == 0)
		return true;
	if (text[strspn(text, "0123456789")] != '\0' && duration_parse(text, ns, NULL) && *ns > 0)
		return true;
	unsigned long long value = strtoull(text, &end, 10);
	const char *unit = *end ? strchr("kMG", *end) : NULL;
	uint64_t scale = !unit ? 0 : *unit == 'k' ? 1000 : *unit == 'M' ? 1000000 : 1000000000;
	if (text[0] >= '0' && text[0] <= '9' && unit && end[1] == '\0' && value > 0 &&
	    !__builtin_mul_overflow(value, scale, bytes))
		return true;
	return error_set(err, EXIT_USAGE, "--%s %.80s: write a time (1d, 12h, 30m) or a size (500M, 20G)",
			 option, text);
}

static bool share(const char *text, double *value, struct error *err)
{
	char *end;

	*value = 0.01;
	if (!text)
		return true;
	*value = text[strspn(text, "0123456789.%")] == '\0' ? strtod(text, &end) : -1;
	bool percent = *value >= 0 && strcmp(end, "%") == 0;
	if (percent)
		*value /= 100;
	return (*value >= 0 && *value <= 1 && (percent || *end == '\0') && end != text) ||
	       error_set(err, EXIT_USAGE, "--drop-share %.80s: write a share such as 1%% or 0.01", text);
}

static bool one_of_each(const char **place, const char *value, const char *what, struct error *err)
{
	if (*place)
		return error_set(err, EXIT_USAGE,
				 "--alerts: two %ss, %.80s and %.80s; one of each is possible", what, *place,
				 value);
	*place = value;
	return true;
}

static bool understand_alerts(const struct live_given *g, struct live_wishes *wishes, struct error *err)
{
	const size_t most = sizeof wishes->kinds / sizeof wishes->kinds[0] - 1;

	for (size_t i = 0; i < g->alerts.count; i++) {
		const char *to = g->alerts.items[i];

		if (*to == '\0' || strcmp(to, "|") == 0)
			return error_set(err, EXIT_USAGE,
					 "--alerts '%s': write a file, syslog, or '|COMMAND'", to);
		if (strcmp(to, "syslog") == 0)
			wishes->syslog = true;
		else if (!(to[0] == '|' ? one_of_each(&wishes->alert_command, to + 1, "command", err)
					: one_of_each(&wishes->alert_file, to, "file", err)))
			return false;
	}
	if (g->alert_kinds.count > most)
		return error_set(err, EXIT_USAGE, "--alert: named more than %zu times", most);
	for (size_t i = 0; i < g->alert_kinds.count; i++) {
		const char *kind = g->alert_kinds.items[i], *near = nearest_word(kind, alert_kinds);
		bool known = false;

		for (size_t k = 0; alert_kinds[k]; k++)
			known = known || strcmp(alert_kinds[k], kind) == 0;
		if (!known)
			return error_set(err, EXIT_USAGE, "--alert %.80s: no such kind; %s%s%s", kind,
					 near ? "did you mean '" : "there are " ALERT_KINDS, near ? near : "",
					 near ? "'?" : "");
		wishes->kinds[i] = kind;
	}
	return true;
}

static bool check_bounds(const struct live_given *g, struct error *err)
{
	if (!option_within("workers", g->workers, 1, INTERFACE_WORKERS_MAX, err) ||
	    !option_within("snaplen", g->snaplen, SNAPLEN_LEAST, SNAPLEN_MOST, err) ||
	    !option_within("buffer", g->buffer, BUFFER_LEAST, BUFFER_MOST, err))
		return false;
	if (!(g->minutes >= 0 && g->minutes <= MINUTES_MOST))
		return error_set(err, EXIT_USAGE, "--minutes %g: it must be between 0 and %g", g->minutes,
				 MINUTES_MOST);
	if (g->commit_ns < PERIOD_LEAST_NS || g->commit_ns > PERIOD_MOST_NS)
		return error_set(err, EXIT_USAGE, "--commit: at least 100ms and at most 1h");
	if (g->tables_ns < PERIOD_LEAST_NS)
		return error_set(err, EXIT_USAGE, "--tables: at least 100ms");
	if (g->report_every_ns != 0 && g->report_every_ns < 10 * NS_PER_S)
		return error_set(err, EXIT_USAGE, "--report-every: at least 10s, or 0 for never");
	return true;
}

/* What one option says about another. */
static bool check_together(const struct live_given *g, struct error *err)
{
	if (g->workers > 1 && g->analysis.tunnels)
		return error_set(err, EXIT_USAGE,
				 "--tunnels goes with one worker only: packets are dealt out by their outer "
				 "addresses, and a flow inside of two tunnels would be split");
	if (g->analysis.max_flows < MAX_FLOWS_LEAST * g->workers)
		return error_set(err, EXIT_USAGE,
				 "--max-flows %" PRIu64 ": each of %" PRIu64 " workers needs %u at least",
				 g->analysis.max_flows, g->workers, MAX_FLOWS_LEAST);
	if (g->record && !(g->minutes > 0))
		return error_set(err, EXIT_USAGE,
				 "--record fills a disk sooner or later: say how long, with --minutes");
	if (g->record && g->analysis.anonymize)
		return error_set(err, EXIT_USAGE,
				 "--record does not go with --anonymize: it keeps packets as they are, with "
				 "their addresses");
	if (strcmp(g->output, "-") == 0)
		return error_set(err, EXIT_USAGE,
				 "--output -: a database that is written for long needs a file of its own");
	if (g->config && strcmp(g->config, g->output) == 0)
		return error_set(err, EXIT_USAGE, "--config and --output are the same file");
	return true;
}

bool monitor_understand(const struct live_given *g, struct live_wishes *wishes, struct error *err)
{
	*wishes = (struct live_wishes){ .commit_ns = g->commit_ns, .tables_ns = g->tables_ns };
	if (g->interfaces.count == 0)
		return error_set(err, EXIT_USAGE,
				 "no interface named: -i eth1\nsee 'footsteps live --help', and for captures "
				 "'footsteps read --help'");
	if (g->interfaces.count > INTERFACES_MAX)
		return error_set(err, EXIT_USAGE, "more than %u interfaces", INTERFACES_MAX);
	if (!g->output)
		return error_set(err, EXIT_USAGE, "no output named: -o DATABASE");
	return time_or_size("rotate", g->rotate, &wishes->rotate_ns, &wishes->rotate_bytes, err) &&
	       time_or_size("keep", g->keep, &wishes->keep_ns, &wishes->keep_bytes, err) &&
	       share(g->drop_share, &wishes->drop_share, err) && understand_alerts(g, wishes, err) &&
	       check_bounds(g, err) && check_together(g, err) && analysis_check(&g->analysis, err);
}

static enum exit_status read_settings(struct live *l)
{
	struct error err;

	l->settings = settings_new(&command, &err);
	if (!l->settings)
		return command_fail(&err);
	settings_note_command_line(l->settings);
	if (given.config && !settings_read(l->settings, given.config, &err))
		return command_fail(&err);
	if (given.print_config) {
		settings_print(l->settings, stdout);
		return EXIT_COMPLETE;
	}
	if (!monitor_understand(&given, &l->wishes, &err)) {
		settings_blame(l->settings, &err);
		return command_fail(&err);
	}
	if (given.check_config) {
		puts("the options are in order");
		return EXIT_COMPLETE;
	}
	/* What cannot change in a run does not, whatever the configuration says later. */
	const struct live_given started = given;

	l->given = &started;
	return monitor_run(l);
}

static enum exit_status run(const char *const *arguments, size_t count)
{
	struct live *l = calloc(1, sizeof *l);
	struct error err;
	enum exit_status status;

	if (count > 0)
		error_set(&err, EXIT_USAGE,
			  "'%.80s': an interface is named with -i; a capture is for 'footsteps read'",
			  arguments[0]);
	else if (!l)
		error_memory(&err, "the monitor");
	if (count > 0 || !l) {
		free(l);
		return command_fail(&err);
	}
	l->wanted = &given;
	pthread_mutex_init(&l->lock_wishes, NULL);
	status = read_settings(l);
	pthread_mutex_destroy(&l->lock_wishes);
	settings_free(l->settings);
	free(l);
	return status;
}

static const struct command *describe(void)
{
	return &command;
}

const struct subcommand subcommand_live = {
	.name = "live", .summary = "watch a link", .command = describe, .run = run
};
