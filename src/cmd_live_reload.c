/* What a running monitor may change: on HUP and over the control socket. See cmd_live.h. */
#include "cmd_live.h"
#include <stdio.h>
#include <string.h>

/* Options whose new value counts at once. */
static const char *const reloadable[] = { "rotate", "keep",  "commit",     "tables",
					  "alerts", "alert", "drop-share", NULL };

static bool is_reloadable(const char *key)
{
	for (size_t i = 0; reloadable[i]; i++)
		if (strcmp(reloadable[i], key) == 0)
			return true;
	return false;
}

struct alerts_options monitor_alerts(const struct live *l)
{
	return (struct alerts_options){
		.file = l->wishes.alert_file,
		.syslog = l->wishes.syslog,
		/* Of one that began without a command nobody reads. */
		.porter = l->wishes.alert_command && l->porter_commands ? l->porter : NULL,
		.kinds = l->wishes.kinds[0] ? l->wishes.kinds : NULL,
		.per_minute = 60,
	};
}

void monitor_store_wishes(struct live *l)
{
	l->store_options.rotate_ns = l->wishes.rotate_ns;
	l->store_options.rotate_bytes = l->wishes.rotate_bytes;
	l->store_options.keep_ns = l->wishes.keep_ns;
	l->store_options.keep_bytes = l->wishes.keep_bytes;
	l->store_options.commit_every_ns = l->wishes.commit_ns;
	l->store_options.tables_every_ns = l->wishes.tables_ns;
}

static void say_what_waits(struct live *l)
{
	const char *const *changed = settings_changed(l->settings);
	char line[200];

	for (size_t i = 0; changed && changed[i]; i++)
		if (!is_reloadable(changed[i])) {
			snprintf(line, sizeof line, "%s has changed in %.100s: it counts after a restart",
				 changed[i], l->given->config);
			monitor_say(l, line);
		}
}

static bool understand_again(struct live *l, struct error *err)
{
	struct live_wishes wishes;

	if (l->given->config && !settings_read(l->settings, l->given->config, err))
		return false;
	if (!monitor_understand(l->wanted, &wishes, err)) {
		settings_blame(l->settings, err);
		return false;
	}
	/* The porter was made with the command that it runs, before all rights were given up. */
	const char *now = wishes.alert_command, *then = l->wishes.alert_command;
	if (now && (!then || strcmp(now, then) != 0))
		monitor_say(l, "the command for alerts has changed: it counts after a restart");
	if (wishes.syslog && !l->may_connect) {
		monitor_say(l, "alerts to syslog: they begin after a restart");
		wishes.syslog = false;
	}
	l->wishes = wishes;
	if (l->given->config)
		say_what_waits(l);
	return true;
}

bool monitor_reload(void *live, struct error *err)
{
	struct live *l = live;

	pthread_mutex_lock(&l->lock_wishes);
	bool ok = understand_again(l, err);
	l->reload_wanted = l->reload_wanted || ok;
	pthread_mutex_unlock(&l->lock_wishes);
	return ok;
}

void monitor_rotate(void *live)
{
	struct live *l = live;

	pthread_mutex_lock(&l->lock_wishes);
	l->rotate_wanted = true;
	pthread_mutex_unlock(&l->lock_wishes);
}

void monitor_apply(void *live)
{
	struct live *l = live;
	struct error err;

	pthread_mutex_lock(&l->lock_wishes);
	if (l->rotate_wanted)
		live_store_rotate(l->store);
	if (l->reload_wanted) {
		const struct alerts_options alerts = monitor_alerts(l);

		monitor_store_wishes(l);
		live_store_reload(l->store, &l->store_options);
		live_state_drop_share(l->state, l->wishes.drop_share);
		if (!alerts_reopen(l->alerts, &alerts, &err))
			monitor_say(l, err.text);
	}
	l->rotate_wanted = l->reload_wanted = false;
	pthread_mutex_unlock(&l->lock_wishes);
}
