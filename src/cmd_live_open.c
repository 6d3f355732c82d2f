/* A run of footsteps live: what is opened in which order, and closed again. See cmd_live.h. */
#include "base/clock.h"
#include "cmd.h"
#include "cmd_live.h"
#include "store/target.h"
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORIES_MOST 12U
#define LINKS_MOST       40U /* as the kernel follows, path_resolution(7) */

/* --- the database --- */

/* Where a link leads; NULL: no memory, or no link (*is_link). */
static char *link_target(const char *path, bool *is_link)
{
	const char *slash = strrchr(path, '/');
	char target[4096], *name = NULL;
	ssize_t length = readlink(path, target, sizeof target - 1);

	*is_link = length > 0;
	if (length <= 0)
		return NULL;
	target[length] = '\0';
	/* What is relative is so to the directory of the link. */
	int directory = target[0] != '/' && slash ? (int)(slash - path) + 1 : 0;
	return asprintf(&name, "%.*s%s", directory, path, target) < 0 ? NULL : name;
}

/*
 * Rotation renames the database, and makes files beside it: all that is ours lies with the file itself, and a
 * link stays what it is. The file need not be there yet.
 */
static bool follow_links(struct live *l, struct error *err)
{
	struct stat st;
	bool is_link;

	l->output = strdup(l->given->output);
	for (unsigned i = 0; l->output && i < LINKS_MOST; i++) {
		char *target = link_target(l->output, &is_link);

		if (!is_link)
			return true;
		/* The kernel's word on it: loops, and a stranger's link in a directory for all (proc(5),
		 * protected_symlinks). */
		bool ok = (stat(l->output, &st) == 0 || errno == ENOENT) ||
			  target_error(l->given->output, errno, err);
		free(l->output);
		l->output = target;
		if (!ok)
			return false;
	}
	return l->output ? target_error(l->given->output, ELOOP, err) : error_memory(err, "a file name");
}

/* --- sandbox --- */

/* Directories of what is written, each once as far as that is cheap to see. */
struct directories {
	char *name[DIRECTORIES_MOST + 1];
	size_t count;
};

static bool directory_put(struct directories *d, const char *name)
{
	char *copy = strdup(name);

	if (copy && d->count < DIRECTORIES_MOST)
		d->name[d->count++] = copy;
	else
		free(copy);
	return copy;
}

/* The directory of a file that is there or will be; symbolic links are followed. NULL: no such file. */
static bool directory_of(struct directories *d, const char *file)
{
	char *real = file ? realpath(file, NULL) : NULL;
	char *copy = real ? real : file ? strdup(file) : NULL;
	bool ok = !file || (copy && directory_put(d, dirname(copy)));

	free(copy);
	return ok;
}

static bool writable(const struct live *l, struct directories *d)
{
	const char *tmp = getenv("TMPDIR");

	return directory_of(d, l->output) && directory_of(d, l->given->record) &&
	       directory_of(d, l->socket[0] ? l->socket : NULL) && directory_of(d, l->given->metrics) &&
	       directory_of(d, l->given->metrics_socket) && directory_of(d, l->wishes.alert_file) &&
	       directory_of(d, l->given->pid) && (!tmp || !*tmp || directory_put(d, tmp));
}

static bool enter_sandbox(struct live *l, struct error *err)
{
	struct directories d = { 0 };
	const char *readable[] = { l->given->config, NULL };
	int sockets[INTERFACE_WORKERS_MAX * INTERFACES_MAX];
	const struct sandbox_options options = { .writable = (const char *const *)d.name,
						 .readable = readable,
						 .user = l->given->user,
						 .listens = l->given->http,
						 .connects = l->wishes.syslog,
						 .silent = sockets,
						 .silents = interfaces_sockets(l->interfaces, sockets) };

	l->may_connect = l->wishes.syslog || l->given->no_sandbox;
	if (l->given->no_sandbox) {
		monitor_say(l, "--no-sandbox: all rights are kept");
		return true;
	}
	bool ok = (writable(l, &d) || error_memory(err, "the sandbox")) &&
		  sandbox_enter(&options, &l->sandbox, err);
	for (size_t i = 0; i < d.count; i++)
		free(d.name[i]);
	return ok;
}

/* --- opening: what needs rights --- */

static bool open_interfaces(struct live *l, struct error *err)
{
	const struct live_given *g = l->given;
	const struct interface_options options = { .names = g->interfaces.items,
						   .count = g->interfaces.count,
						   .workers = (unsigned)g->workers,
						   .snaplen = (uint32_t)g->snaplen,
						   .buffer = g->buffer,
						   .filter = g->analysis.filter,
						   .promiscuous = !g->no_promiscuous,
						   .say = monitor_say,
						   .say_self = l };

	l->interfaces = interfaces_open(&options, err);
	for (unsigned i = 0; l->interfaces && i < g->workers; i++) {
		l->source[i] = interfaces_source(l->interfaces, i, err);
		if (!l->source[i])
			return false;
	}
	struct interface_stats link;
	for (size_t i = 0; l->interfaces && interfaces_stats(l->interfaces, i, &link); i++)
		l->input[i] = (struct input_info){ .path = g->interfaces.items[i],
						   .format = "interface",
						   .container = "",
						   .snaplen = (uint32_t)g->snaplen,
						   .linktype = link.linktype,
						   .end = INPUT_COMPLETE };
	return l->interfaces;
}

/* Where the report lies: beside the database, and named as it. */
static bool name_report(struct live *l, struct error *err)
{
	const char *output = l->output, *dot = strrchr(output, '.');
	bool named = dot && strcmp(dot, ".db") == 0 && dot > output;

	return asprintf(&l->report, "%.*s.report", named ? (int)(dot - output) : (int)strlen(output),
			output) >= 0 ||
	       error_memory(err, "a file name");
}

/* A process of its own for what a monitor may not do; only where it is wanted. Before the rings: a fork takes
 * over what is mapped, and so would keep them. */
static bool open_porter(struct live *l, struct error *err)
{
	struct porter_options options = { .alert_command = l->wishes.alert_command, .user = l->given->user };

	if (l->given->http && l->given->report_every_ns > 0) {
		if (!name_report(l, err))
			return false;
		options.report_from = l->output;
		options.report_into = l->report;
		options.report_every_ns = l->given->report_every_ns;
	}
	if (options.alert_command || options.report_from)
		l->porter = porter_start(&options, err);
	l->porter_commands = options.alert_command;
	return l->porter || (!options.alert_command && !options.report_from);
}

static void on_event(void *live, const struct live_event *event)
{
	struct live *l = live;

	if (l->alerts)
		alerts_event(l->alerts, event);
}

static bool name_socket(struct live *l, struct error *err)
{
	const char *runtime = getenv("RUNTIME_DIRECTORY"); /* systemd.exec(5); the first of a list */
	int length = 0;

	if (l->given->control)
		length = snprintf(l->socket, sizeof l->socket, "%s", l->given->control);
	else if (runtime && *runtime)
		length = snprintf(l->socket, sizeof l->socket, "%.*s/footsteps.sock",
				  (int)strcspn(runtime, ":"), runtime);
	return length < (int)sizeof l->socket ||
	       error_set(err, EXIT_USAGE, "--control: the path of a socket has at most %zu bytes",
			 sizeof l->socket - 1);
}

static bool open_doors(struct live *l, struct error *err)
{
	const struct live_given *g = l->given;
	const struct live_state_options state = { .sockets = l->analysis.aggregate.sockets,
						  .drop_share = l->wishes.drop_share,
						  .database = g->output,
						  .event = on_event,
						  .self = l };

	l->state = live_state_new(&state, err);
	if (!l->state || !name_socket(l, err))
		return false;
	if ((l->socket[0] && !control_make_way(l->socket, err)) ||
	    (g->metrics_socket && !control_make_way(g->metrics_socket, err)))
		return false;
	const struct http_options http = {
		.address = g->http, .state = l->state, .report = l->report, .say = monitor_say, .say_self = l
	};
	if (g->http)
		l->http = http_start(&http, err);
	return l->http || !g->http;
}

/* --- opening: what needs none --- */

static bool open_control(struct live *l, struct error *err)
{
	const struct live_given *g = l->given;
	const struct control_options control = { .socket = l->socket[0] ? l->socket : NULL,
						 .metrics_socket = g->metrics_socket,
						 .metrics_file = g->metrics,
						 .state = l->state,
						 .rotate = monitor_rotate,
						 .reload = monitor_reload,
						 .self = l };
	if (control.socket || control.metrics_socket || control.metrics_file) {
		l->control = control_start(&control, err);
		return l->control;
	}
	return true;
}

static bool open_store(struct live *l, struct error *err)
{
	if (!version_libraries(l->libraries, sizeof l->libraries))
		return error_set(err, EXIT_INTERNAL, "the list of libraries is too long for the manifest");
	l->manifest = analysis_manifest(&l->analysis, monitor_manifest_command(), err);
	if (!l->manifest)
		return false;
	l->store_options = (struct live_store_options){ .path = l->output,
							.aggregate = l->analysis.aggregate,
							.json = l->manifest,
							.version = version_number(),
							.libraries = l->libraries,
							.input = l->input,
							.inputs = l->given->interfaces.count,
							.idle_ns = l->given->analysis.idle_ns,
							.say = monitor_say,
							.say_self = l };
	monitor_store_wishes(l);
	l->store = live_store_open(&l->store_options, err);
	return l->store;
}

static bool open_recordings(struct live *l, struct error *err)
{
	const struct live_given *g = l->given;
	char path[4096];

	for (unsigned i = 0; g->record && i < g->workers; i++) {
		int length = i ? snprintf(path, sizeof path, "%s.%u", g->record, i)
			       : snprintf(path, sizeof path, "%s", g->record);
		if (length >= (int)sizeof path)
			return error_set(err, EXIT_USAGE, "--record: the path is too long");
		l->record[i] = recording_open(path, (uint32_t)g->snaplen, err);
		if (!l->record[i])
			return false;
	}
	return true;
}

static bool write_pid(struct live *l, struct error *err)
{
	FILE *out = l->given->pid ? fopen(l->given->pid, "we") : NULL;

	if (!l->given->pid)
		return true;
	bool ok = out && fprintf(out, "%ld\n", (long)getpid()) > 0;
	if (out && fclose(out) != 0)
		ok = false;
	l->has_pid_file = ok;
	return ok || error_set(err, EXIT_OUTPUT, "cannot write %s: %s", l->given->pid, strerror(errno));
}

static int64_t capture_now(const void *live)
{
	return interfaces_now(((const struct live *)live)->interfaces);
}

static bool one_interface(void *live, size_t which, struct interface_stats *out)
{
	return interfaces_stats(((struct live *)live)->interfaces, which, out);
}

static bool start_engine(struct live *l, struct error *err)
{
	const struct engine_options options = { .worker = l->analysis.worker,
						.source = l->source,
						.workers = (unsigned)l->given->workers,
						.pan = l->analysis.pan,
						.record = l->given->record ? l->record : NULL,
						.store = l->store,
						.state = l->state,
						.now = capture_now,
						.interface = one_interface,
						.self = l,
						.every_second = monitor_apply };

	l->engine = engine_start(&options, err);
	return l->engine;
}

bool monitor_open(struct live *l, struct error *err)
{
	if (!analysis_open(&l->analysis, &l->given->analysis, err))
		return false;
	/* max_flows is what the user gives; each worker has its part of it. */
	l->analysis.worker.flows.max_flows /= (uint32_t)l->given->workers;
	l->lock = follow_links(l, err) ? live_lock_take(l->output, err) : NULL;
	if (!l->lock || !open_porter(l, err) || !open_interfaces(l, err) || !open_doors(l, err) ||
	    !enter_sandbox(l, err))
		return false;
	if (!open_store(l, err) || !monitor_restore(l, err) || !open_recordings(l, err) || !write_pid(l, err))
		return false;
	const struct alerts_options alerts = monitor_alerts(l);
	/* Also without one: a reload may bring some. */
	l->alerts = alerts_open(&alerts, err);
	/* The socket gets its mode by the umask of the process: before threads make files. */
	return l->alerts && open_control(l, err) && start_engine(l, err) &&
	       (!l->http || http_serve(l->http, err));
}

void monitor_close(struct live *l)
{
	engine_free(l->engine);
	http_stop(l->http);
	control_stop(l->control);
	alerts_close(l->alerts);
	live_store_close(l->store);
	live_lock_drop(l->lock);
	if (l->has_pid_file)
		unlink(l->given->pid);
	live_state_free(l->state);
	porter_stop(l->porter);
	for (unsigned i = 0; i < l->given->workers && i < INTERFACE_WORKERS_MAX; i++) {
		recording_close(l->record[i], NULL);
		source_close(l->source[i]);
	}
	interfaces_close(l->interfaces);
	analysis_close(&l->analysis);
	free(l->manifest);
	free(l->report);
	free(l->output);
}
