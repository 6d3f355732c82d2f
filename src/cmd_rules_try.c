/* footsteps rules --try: recordings are gathered, then rehearsed on. */
#include "base/progress.h"
#include "capture/format.h"
#include "capture/paths.h"
#include "cmd.h"
#include "cmd_capture.h"
#include "cmd_rules.h"
#include "rules/rehearse.h"
#include "store/open.h"
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define OTHER_FILES 64U /* that may be open beside one for each recording */

struct gathered {
	struct recording *item;
	size_t count;
	size_t failed; /* could not be read, and this has been said */
	bool incomplete;
};

/* Every database stays open. */
static void raise_file_limit(size_t recordings)
{
	struct rlimit limit;
	rlim_t wanted = (rlim_t)recordings + OTHER_FILES;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* else the one that is too many fails, and says so */
}

/* Of a file found in a directory. What cannot be opened passes: reading it will say why. */
static bool is_capture(const char *path)
{
	struct stream *s = stream_open(path, STREAM_PEEK, false, NULL, NULL);
	bool found = !s || format_of(s);

	stream_close(s);
	return found;
}

/* Only captures of what lies in directories; every directory must hold one. */
static bool paths_choose(struct path_list *paths, const char *const *arguments, size_t count,
			 struct error *err)
{
	size_t kept = 0, at = 0;

	for (size_t argument = 0; argument < count; argument++) {
		size_t before = kept;
		for (; at < paths->count && paths->items[at].argument == argument; at++) {
			struct found_path found = paths->items[at];
			if (found.in_directory && !is_capture(found.path)) {
				free((char *)(uintptr_t)found.path);
				continue;
			}
			paths->items[kept++] = found;
		}
		if (kept == before) {
			/* What is left behind it is still the list's. */
			memmove(paths->items + kept, paths->items + at,
				(paths->count - at) * sizeof *paths->items);
			paths->count = kept + paths->count - at;
			return error_set(
				err, EXIT_INPUT,
				"%s: there is no pcap, pcapng, snoop or ERF capture in this directory",
				arguments[argument]);
		}
	}
	paths->count = kept;
	return true;
}

/* False: it cannot go on. What is wrong has been said, here and where the recording alone is bad. */
static bool gather_one(struct gathered *g, const char *path, bool alone, struct error *err)
{
	const struct capture_reading how = { .all_flows = true, .ndpi = true, .progress = alone };
	enum exit_status status = EXIT_COMPLETE;
	bool capture = file_look(path).kind != FILE_DATABASE;
	sqlite3 *db = capture ? capture_read(path, &how, &status) : store_open_read(path, err);

	if (!db && !capture)
		status = command_fail(err);
	if (!db && status != EXIT_INPUT && status != EXIT_INCOMPLETE)
		return error_set(err, status, "%s", "");
	g->failed += !db;
	g->incomplete = g->incomplete || status == EXIT_INCOMPLETE;
	if (db)
		g->item[g->count++] = (struct recording){ .db = db, .path = path, .capture = capture };
	return true;
}

/* What cannot be read is said, and the rest goes on. */
static bool gather(struct gathered *g, const struct path_list *paths, struct error *err)
{
	/* Of one recording `read` itself says how far it is. */
	bool alone = paths->count == 1, terminal = !alone && isatty(STDERR_FILENO);
	struct progress *progress = progress_new("reading", paths->count, terminal);

	g->item = calloc(paths->count, sizeof *g->item);
	bool ok = g->item || error_memory(err, "the recordings");
	raise_file_limit(paths->count);
	for (size_t i = 0; ok && i < paths->count; i++) {
		progress_step(progress, i + 1, paths->count, paths->items[i].path);
		if (terminal)
			fputc('\r', stderr); /* a message takes the line's place, and is longer */
		ok = gather_one(g, paths->items[i].path, alone, err);
		int stopped = capture_stopped() ? capture_stopped() : read_stopped();
		if (ok && stopped)
			ok = error_set(err, EXIT_INCOMPLETE,
				       "stopped by signal %d after %zu of %zu recordings; "
				       "nothing was tried",
				       stopped, i, paths->count);
	}
	progress_free(progress);
	if (ok && g->count == 0)
		ok = error_set(err, EXIT_INPUT, "nothing could be read, so there is nothing to try rules on");
	return ok;
}

/* What was known beforehand: by each kind of endpoint, for the strategies that are tried. */
static bool seen_make(struct endpoint_list *servers, struct endpoint_list *clients,
		      const struct rules_options *given, const struct ruleset *limits, struct error *err)
{
	struct ruleset r = *limits;

	for (unsigned i = 0; i < r.protocol->strategy_count; i++) {
		r.strategy = &r.protocol->strategies[i];
		bool wanted = !given->strategy || strcmp(given->strategy, r.strategy->name) == 0;
		if (!wanted || r.strategy->kind == STRATEGY_PATTERNS)
			continue;
		if (!rules_endpoints(r.strategy->kind == STRATEGY_CLIENTS ? clients : servers, &r,
				     given->seen.items, given->seen.count, err))
			return false;
	}
	if (servers->count == 0 && clients->count == 0)
		return error_set(err, EXIT_INPUT, "--seen: %s%s shows no server and no client of %s",
				 given->seen.items[0], given->seen.count > 1 ? " (and the others)" : "",
				 r.protocol->title);
	return true;
}

static bool check(const struct rules_options *given, const struct ruleset *limits,
		  const char *const *arguments, size_t count, struct error *err)
{
	if (count == 0)
		return error_set(
			err, EXIT_USAGE,
			"--try on what? Name captures, directories of them, or databases of 'footsteps "
			"read'");
	if (given->interface)
		return error_set(err, EXIT_USAGE,
				 "--interface does not go with --try: a recording does not tell "
				 "by which one a packet went; name the network with --internal");
	if (given->seen.count > 0 && given->strategy && limits->strategy->kind == STRATEGY_PATTERNS)
		return error_set(err, EXIT_USAGE,
				 "--seen: strategy '%s' looks into packets; it needs to know no address",
				 given->strategy);
	capture_warn_of_twins(arguments, count);
	return true;
}

static bool try_all(const struct rules_options *given, const struct ruleset *limits, struct gathered *g,
		    const struct path_list *paths, struct error *err)
{
	struct endpoint_list servers = { 0 }, clients = { 0 };
	/* Lists first: an error in them should not come after an hour of reading. */
	bool ok = (given->seen.count == 0 || seen_make(&servers, &clients, given, limits, err)) &&
		  gather(g, paths, err);
	const struct rehearsal_request request = { .limits = limits,
						   .strategy = given->strategy,
						   .servers = servers.item,
						   .clients = clients.item,
						   .server_count = servers.count,
						   .client_count = clients.count,
						   .seen = given->seen.count > 0,
						   .format = given->json ? SHOW_JSON : SHOW_TABLE,
						   .all = given->all,
						   .width = command_width() };

	ok = ok && rehearse(g->item, g->count, &request, stdout, err);
	for (size_t i = 0; i < g->count; i++)
		sqlite3_close(g->item[i].db);
	free(g->item);
	endpoint_list_drop(&servers);
	endpoint_list_drop(&clients);
	return ok;
}

enum exit_status rules_try(const struct rules_options *given, const char *const *arguments, size_t count)
{
	struct path_list paths = { 0 };
	struct gathered g = { 0 };
	struct rules_wanted wanted;
	struct error err;

	bool ok = rules_wanted_make(&wanted, given, &err) &&
		  check(given, &wanted.set, arguments, count, &err) &&
		  paths_expand(arguments, count, &paths, &err) &&
		  paths_choose(&paths, arguments, count, &err) &&
		  try_all(given, &wanted.set, &g, &paths, &err);
	if (ok && g.failed > 0)
		fprintf(stderr, "footsteps: incomplete: %zu of %zu recordings could not be read\n", g.failed,
			paths.count);
	paths_free(&paths);
	rules_wanted_drop(&wanted);
	if (!ok)
		return command_fail(&err);
	return g.failed > 0 || g.incomplete ? EXIT_INCOMPLETE : EXIT_COMPLETE;
}
