/* A run of footsteps live: the main loop, the end, and what it says. See cmd_live.h. */
#include "base/clock.h"
#include "base/real_time.h"
#include "cmd.h"
#include "cmd_live.h"
#include "cmd_output.h"
#include "views/escape.h"
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TURN_NS         (250 * NS_PER_MS) /* of the main loop */
#define STATUS_EVERY_NS (10 * NS_PER_S)   /* a line for systemctl status */

void monitor_say(void *live, const char *line)
{
	struct live *l = live;

	if (l->state)
		live_state_say(l->state, line);
	/* One call, so that lines of several threads do not mix; what they quote is anybody's. */
	flockfile(stderr);
	fputs("footsteps: ", stderr);
	plain_put_lines(stderr, line);
	fputc('\n', stderr);
	funlockfile(stderr);
}

/* --- what it says --- */

static void say_start(const struct live *l)
{
	const struct live_given *g = l->given;
	char sandbox[700] = "none";

	if (!g->no_sandbox)
		sandbox_describe(&l->sandbox, sandbox, sizeof sandbox);

	fputs("watching ", stderr);
	for (size_t i = 0; i < g->interfaces.count; i++)
		fprintf(stderr, "%s%s", i ? ", " : "", g->interfaces.items[i]);
	fprintf(stderr, ": %" PRIu64 " worker%s, ring %" PRIu64 " MB, database %s; sandbox: %s\n", g->workers,
		g->workers == 1 ? "" : "s", g->buffer / 1000000, g->output, sandbox);
	if (l->http)
		fprintf(stderr, "the page is at %s\n", http_url(l->http));
}

static void statistics(const struct live *l, char *line, size_t size)
{
	struct stage_counts counts;
	struct live_store_status storage;

	engine_counts(l->engine, &counts);
	engine_storage(l->engine, &storage);
	snprintf(line, size,
		 "%" PRIu64 " packets, %" PRIu64 " dropped, %" PRIu64 " flows (%" PRIu64
		 " in progress), storage %s, %" PRIu64 " records lost",
		 counts.frames, counts.dropped, counts.flows.flows, counts.flows_alive,
		 live_store_state_names[storage.state], storage.records_lost);
}

static void note_interfaces(struct live *l, struct problems *problems)
{
	struct interface_stats s;
	struct live_store_status storage;

	engine_storage(l->engine, &storage);
	for (size_t i = 0; interfaces_stats(l->interfaces, i, &s); i++) {
		if (s.gone)
			problems_add(problems, "%s has vanished", s.name);
		/* Drops of the current file are said with its tables. */
		if (storage.rotations == 0)
			continue;
		if (s.dropped_kernel)
			problems_add(
				problems,
				"%s: the kernel dropped %" PRIu64 " packets of %" PRIu64
				", for want of room in the ring: raise --buffer, or give it more workers (-j)",
				s.name, s.dropped_kernel, s.packets + s.dropped_kernel);
		if (s.dropped_interface)
			problems_add(problems, "%s: the interface dropped %" PRIu64 " packets", s.name,
				     s.dropped_interface);
	}
}

/* --- the main loop --- */

static void add_unless_ignored(sigset_t *set, int signal_number)
{
	struct sigaction now;

	/* Who started us without job control, or with nohup, wants it so. */
	if (sigaction(signal_number, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
		sigaddset(set, signal_number);
}

static void reload_and_say(struct live *l)
{
	struct error err;

	monitor_say(l, monitor_reload(l, &err) ? "read the configuration again" : err.text);
}

/* Until a signal, the end of the time, or of all sources. Returns the signal. */
static int watch(struct live *l, const sigset_t *signals)
{
	const struct timespec turn = { 0, TURN_NS };
	int64_t start = steady_time(), next_status = start, watchdog = sandbox_watchdog_ns();
	int64_t end = l->given->minutes > 0 ? start + (int64_t)(l->given->minutes * 60 * (double)NS_PER_S)
					    : INT64_MAX;
	char line[300] = "STATUS=";

	while (!engine_done(l->engine) && steady_time() < end) {
		int signal_number = sigtimedwait(signals, NULL, &turn);

		if (signal_number == SIGINT || signal_number == SIGTERM)
			return signal_number;
		if (signal_number == SIGHUP)
			reload_and_say(l);
		if (signal_number == SIGUSR1) {
			statistics(l, line, sizeof line);
			fprintf(stderr, "footsteps: %s\n", line);
		}
		if (watchdog > 0 && engine_alive(l->engine, watchdog / 2))
			sandbox_notify("WATCHDOG=1");
		if (steady_time() >= next_status) {
			next_status += STATUS_EVERY_NS;
			memcpy(line, "STATUS=", 8);
			statistics(l, line + 7, sizeof line - 7);
			sandbox_notify(line);
		}
	}
	return 0;
}

static void close_recordings(struct live *l, struct problems *problems)
{
	struct error err;

	for (unsigned i = 0; i < l->given->workers; i++) {
		if (l->record[i] && recording_left_out(l->record[i]))
			problems_add(problems,
				     "%" PRIu64 " packets are not in the recording: another link type",
				     recording_left_out(l->record[i]));
		if (!recording_close(l->record[i], &err))
			problems_add(problems, "%s", err.text);
		l->record[i] = NULL;
	}
}

static enum exit_status finish(struct live *l)
{
	struct problems problems = { 0 };
	struct aggregate_summary s = { 0 };
	struct stage_counts counts;
	struct error err, failure;
	bool ok = engine_stop(l->engine, &problems, &failure);

	if (!ok)
		problems_add(&problems, "%s", failure.text);
	close_recordings(l, &problems);
	note_interfaces(l, &problems);
	engine_counts(l->engine, &counts);
	bool written = live_store_finish(l->store, &problems, &s, &err);
	if (!l->given->quiet) {
		fprintf(stderr,
			"%" PRIu64 " packet%s, %" PRIu64 " flow%s: %" PRIu32 " client%s recognised, %" PRIu32
			" suspected; %" PRIu64 " recognised flow%s,\n%" PRIu32
			" login or contact-list exchange%s, %" PRIu32 " version check%s, %" PRIu32
			" call%s\n",
			counts.frames, plural(counts.frames), s.flows, plural(s.flows), s.clients,
			plural(s.clients), s.suspected, s.recognised_flows, plural(s.recognised_flows),
			s.exchanges, plural(s.exchanges), s.version_checks, plural(s.version_checks), s.calls,
			plural(s.calls));
		output_say_written(l->given->output);
	}
	if (problems.count)
		fprintf(stderr, "footsteps: incomplete: %s\n", problems.text);
	if (!written)
		return command_fail(&err);
	/* It ended of itself, and with links to watch: a service manager is to start it again. */
	if (!ok)
		return failure.status;
	return problems.count ? EXIT_INCOMPLETE : EXIT_COMPLETE;
}

enum exit_status monitor_run(struct live *l)
{
	enum exit_status status;
	sigset_t signals, before, mine;
	struct error err;

	sigemptyset(&signals);
	add_unless_ignored(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGUSR1);
	/* They wait until the main loop asks for them, and come to no other thread. */
	sigprocmask(SIG_BLOCK, &signals, &before);
	if (monitor_open(l, &err)) {
		if (!l->given->quiet)
			say_start(l);
		sandbox_notify("READY=1");
		watch(l, &signals);
		sandbox_notify("STOPPING=1");
		/* The second one ends it at once. */
		sigemptyset(&mine);
		sigaddset(&mine, SIGINT);
		sigaddset(&mine, SIGTERM);
		sigprocmask(SIG_UNBLOCK, &mine, NULL);
		status = finish(l);
	} else
		status = command_fail(&err);
	monitor_close(l);
	/* One of those that came during the end must not kill what has ended well: they wait for ever. */
	sigaddset(&before, SIGHUP);
	sigaddset(&before, SIGUSR1);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return status;
}
