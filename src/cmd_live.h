/* footsteps live, in parts: the command line (cmd_live.c), what a run opens (cmd_live_open.c), the run
 * (cmd_live_run.c), what a running one may change (cmd_live_reload.c), what former ones knew
 * (cmd_live_restore.c), and the lock on the database (cmd_live_lock.c). */
#ifndef FS_CMD_LIVE_H
#define FS_CMD_LIVE_H
#include "base/settings.h"
#include "capture/interface.h"
#include "cmd_analysis.h"
#include "cmd_live_lock.h"
#include "live/alerts.h"
#include "live/control.h"
#include "live/engine.h"
#include "live/http.h"
#include "live/sandbox.h"
#include <pthread.h>
#include <stdatomic.h>

/* Values of the options. */
struct live_given {
	struct analysis_given analysis;
	struct option_list interfaces, alerts, alert_kinds;
	const char *output, *rotate, *keep, *record, *control, *metrics, *metrics_socket, *http, *config,
		*user, *pid;
	bool no_promiscuous, check_config, print_config, no_sandbox, quiet;
	uint64_t workers, snaplen, buffer;
	double minutes;
	int64_t commit_ns, tables_ns, report_every_ns;
	const char *drop_share;
};

/* The same, understood. Texts are borrowed. */
struct live_wishes {
	int64_t rotate_ns, keep_ns, commit_ns, tables_ns;
	uint64_t rotate_bytes, keep_bytes;
	double drop_share; /* 0..1 */
	bool syslog;
	const char *alert_file, *alert_command;
	const char *kinds[16]; /* NULL-terminated; none: all */
};
/* Checks what the options say, and understands it. EXIT_USAGE. */
bool monitor_understand(const struct live_given *given, struct live_wishes *wishes, struct error *err);
/* What results depend on; the manifest's options are its. */
const struct command *monitor_manifest_command(void);

/* --- a run --- */
struct live {
	const struct live_given *given;  /* as it started: the same to the end */
	const struct live_given *wanted; /* as the configuration was read last */
	struct live_wishes wishes;
	struct settings *settings;
	struct analysis analysis;
	struct live_lock *lock;
	struct interfaces *interfaces;
	struct source *source[INTERFACE_WORKERS_MAX];
	struct recording *record[INTERFACE_WORKERS_MAX];
	struct input_info input[INTERFACES_MAX];
	struct live_state *state;
	struct live_store *store;
	struct live_store_options store_options;
	struct alerts *alerts;
	struct porter *porter;
	bool porter_commands; /* it has a command for alerts */
	struct control *control;
	struct http *http;
	struct engine *engine;
	struct sandbox_report sandbox;
	char *output;            /* the database, without links that lead to it */
	char *manifest, *report; /* options as JSON; directory of the report */
	char libraries[512];
	char socket[108]; /* of the control socket; sun_path of unix(7) */
	bool has_pid_file;
	bool may_connect; /* to syslog: the sandbox lets it */

	pthread_mutex_t lock_wishes; /* wishes and what follows: the control socket's thread may ask, too */
	bool rotate_wanted, reload_wanted;
};
enum exit_status monitor_run(struct live *l);
/* First what needs rights: rings and listeners; then the sandbox; only then files, threads, and the first
 * packet. After a failure, too, monitor_close() is called. */
bool monitor_open(struct live *l, struct error *err);
void monitor_close(struct live *l);
/* A line for the log and for people who look. Any thread. */
void monitor_say(void *live, const char *line);
/* Reads the configuration again; what can change changes within a second, of the rest the names are said. Any
 * thread. */
bool monitor_reload(void *live, struct error *err);
void monitor_rotate(void *live);
/* In the recorder's thread, once a second: what was asked for. */
void monitor_apply(void *live);
/* Tells the state what former starts had seen, where the store goes on with their run. */
bool monitor_restore(struct live *l, struct error *err);
struct alerts_options monitor_alerts(const struct live *l);
void monitor_store_wishes(struct live *l);
#endif
