/* Alerts as JSON lines; see alerts.h. */
#include "live/alerts.h"
#include "base/clock.h"
#include "base/options.h"
#include "base/real_time.h"
#include "base/text.h"
#include "live/state_parts.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define PER_MINUTE_DEFAULT 60U
#define MINUTE_NS          (60 * NS_PER_S)
#define FILE_MODE          0640 /* who uses what is the network's business, and of those who look after it */

/* By enum live_event_type; severities of RFC 5424 section 6.2.1: what needs somebody's hand is a warning. */
static const struct {
	const char *name;
	int severity;
} types[] = {
	[LIVE_NEW_CLIENT] = { "new-client", LOG_NOTICE },
	[LIVE_LOGIN] = { "login", LOG_INFO },
	[LIVE_CALL] = { "call", LOG_INFO },
	[LIVE_SUPERNODE] = { "supernode", LOG_NOTICE },
	[LIVE_DROPS] = { "drops", LOG_WARNING },
	[LIVE_STORAGE] = { "storage", LOG_WARNING },
	[LIVE_INTERFACE] = { "interface", LOG_WARNING },
};
#define TYPES (sizeof types / sizeof types[0])
const char *const alert_kinds[] = { "new-client", "login",   "call",      "supernode",
				    "drops",      "storage", "interface", NULL };
_Static_assert(sizeof alert_kinds / sizeof alert_kinds[0] == TYPES + 1, "a name for each type");

struct alert_kind {
	bool wanted, begun;
	int64_t minute_ns; /* its beginning */
	unsigned sent;     /* in this minute */
	uint64_t left_out; /* since the last that went out */
};

struct alerts {
	pthread_mutex_t lock;
	struct porter *porter;
	int file; /* -1: none */
	bool syslog;
	unsigned per_minute;
	struct alert_kind kind[TYPES];
};

/* What the options say, checked and opened, but not in force yet. */
struct alerts_change {
	bool wanted[TYPES];
	int file;
};

static bool choose_kinds(const char *const *kinds, bool wanted[TYPES], struct error *err)
{
	for (size_t type = 0; type < TYPES; type++)
		wanted[type] = !kinds;
	for (; kinds && *kinds; kinds++) {
		size_t type = 0;
		while (type < TYPES && strcmp(types[type].name, *kinds) != 0)
			type++;
		if (type == TYPES) {
			const char *near = nearest_word(*kinds, alert_kinds);
			return error_set(err, EXIT_USAGE, "no kind of alert is called '%.40s'; %s '%s'?",
					 *kinds, near ? "did you mean" : "what about",
					 near ? near : alert_kinds[0]);
		}
		wanted[type] = true;
	}
	return true;
}

static bool change_prepare(const struct alerts_options *options, struct alerts_change *change,
			   struct error *err)
{
	change->file = -1;
	if (!choose_kinds(options->kinds, change->wanted, err))
		return false;
	if (!options->file)
		return true;
	/* Not waiting: a pipe may have no reader. */
	change->file = open(options->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
			    FILE_MODE);
	if (change->file < 0)
		return error_set(err, EXIT_OUTPUT, "cannot write alerts to %s: %s", options->file,
				 errno == ENXIO ? "it is a pipe that nobody reads" : strerror(errno));
	return true;
}

static void change_make(struct alerts *a, const struct alerts_options *options,
			const struct alerts_change *change)
{
	if (a->file >= 0)
		close(a->file);
	a->file = change->file;
	a->porter = options->porter;
	a->per_minute = options->per_minute ? options->per_minute : PER_MINUTE_DEFAULT;
	for (size_t type = 0; type < TYPES; type++)
		a->kind[type].wanted = change->wanted[type];
	/* At once, as the socket cannot be opened any more once the sandbox is closed. */
	if (options->syslog && !a->syslog)
		openlog("footsteps", LOG_NDELAY | LOG_PID, LOG_DAEMON);
	a->syslog = options->syslog;
}

struct alerts *alerts_open(const struct alerts_options *options, struct error *err)
{
	struct alerts *a = calloc(1, sizeof *a);
	struct alerts_change change;

	if (!a) {
		error_memory(err, "alerts");
		return NULL;
	}
	if (!change_prepare(options, &change, err)) {
		free(a);
		return NULL;
	}
	pthread_mutex_init(&a->lock, NULL);
	a->file = -1;
	change_make(a, options, &change);
	return a;
}

bool alerts_reopen(struct alerts *a, const struct alerts_options *options, struct error *err)
{
	struct alerts_change change;

	if (!change_prepare(options, &change, err))
		return false;
	pthread_mutex_lock(&a->lock);
	change_make(a, options, &change);
	pthread_mutex_unlock(&a->lock);
	return true;
}

void alerts_close(struct alerts *a)
{
	if (!a)
		return;
	if (a->file >= 0)
		close(a->file);
	if (a->syslog)
		closelog();
	pthread_mutex_destroy(&a->lock);
	free(a);
}

static bool within_bounds(struct alerts *a, struct alert_kind *kind, int64_t now_ns)
{
	if (!kind->begun || now_ns - kind->minute_ns >= MINUTE_NS) {
		kind->begun = true;
		kind->minute_ns = now_ns;
		kind->sent = 0;
	}
	return kind->sent < a->per_minute;
}

static void put_endpoint(struct text *t, const char *key, const struct endpoint *e)
{
	static const struct endpoint none;
	char text[ENDPOINT_TEXT];

	json_text(t, key, endpoint_equal(e, &none) ? NULL : endpoint_text(e, text));
}

static char *alert_line(const struct live_event *event, uint64_t left_out)
{
	struct text t = { 0 };

	json_begin(&t, NULL, '{');
	json_time(&t, "time", event->ts_ns);
	json_text(&t, "alert", types[event->type].name);
	json_text(&t, "protocol", event->protocol);
	put_endpoint(&t, "client", &event->client);
	put_endpoint(&t, "other", &event->other);
	json_text(&t, "outcome", event->outcome);
	if (event->type == LIVE_DROPS || event->type == LIVE_SUPERNODE)
		json_real(&t, "value", event->value);
	else
		json_text(&t, "value", NULL);
	json_text(&t, "words", event->words);
	if (left_out)
		json_count(&t, "left_out", left_out);
	json_end(&t, '}');
	text_put(&t, "\n", 1);
	return text_take(&t);
}

/* Of a line that found no room for all of it nothing stays: the next one would be appended to its half. */
static bool file_write(int file, const char *line, size_t length)
{
	struct stat is;
	ssize_t n;

	do
		n = write(file, line, length); /* appended whole, also beside another writer */
	while (n < 0 && errno == EINTR);
	if (n > 0 && n < (ssize_t)length && fstat(file, &is) == 0 && S_ISREG(is.st_mode) &&
	    ftruncate(file, is.st_size - n) != 0)
		return false;
	return n == (ssize_t)length;
}

static void send_line(struct alerts *a, struct alert_kind *kind, const struct live_event *event)
{
	char *line = alert_line(event, kind->left_out);
	size_t length = line ? strlen(line) : 0;
	bool ok = line;

	if (line && a->file >= 0)
		ok = file_write(a->file, line, length);
	if (line && a->porter)
		ok = porter_alert(a->porter, line, length) && ok;
	if (line && a->syslog)
		syslog(types[event->type].severity, "%.*s", (int)length - 1, line);
	free(line);
	kind->sent++;
	if (!ok) {
		kind->left_out++;
		return;
	}
	kind->left_out = 0;
}

void alerts_event_at(struct alerts *a, const struct live_event *event, int64_t now_ns)
{
	struct alert_kind *kind = &a->kind[event->type];

	pthread_mutex_lock(&a->lock);
	if (kind->wanted) {
		if (within_bounds(a, kind, now_ns))
			send_line(a, kind, event);
		else
			kind->left_out++;
	}
	pthread_mutex_unlock(&a->lock);
}

void alerts_event(struct alerts *a, const struct live_event *event)
{
	alerts_event_at(a, event, steady_time());
}
