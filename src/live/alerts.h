/*
 * Alerts: each event of the live state (state.h) that is asked for, as one JSON object on a line, to a file
 * (opened again on HUP), syslog (RFC 5424 severities), or the standard input of a command (run by porter.h).
 * Keys: "time", "alert" ("new-client", "login", "call", "supernode", "drops", "storage", "interface"),
 * "protocol", "client", "other", "outcome", "value" (share of drops; callers of a supernode), "words".
 * Rate-limited per kind, by the time at which they are told: events are of different ages. What is left out,
 * or could not be written, is counted, and said with the next of its kind as "left_out".
 *
 * Nothing here ever waits. Whoever gives a file that may be a pipe ignores SIGPIPE. Any thread.
 */
#ifndef FS_LIVE_ALERTS_H
#define FS_LIVE_ALERTS_H
#include "live/porter.h"
#include "live/state.h"

struct alerts_options {
	const char *file; /* or NULL */
	bool syslog;
	struct porter *porter;    /* with a command; or NULL */
	const char *const *kinds; /* NULL-terminated; NULL: all */
	unsigned per_minute;      /* of one kind; default 60 */
};
struct alerts;
struct alerts *alerts_open(const struct alerts_options *options, struct error *err);
void alerts_event(struct alerts *a, const struct live_event *event);
/* The same, told at now_ns (monotonic). */
void alerts_event_at(struct alerts *a, const struct live_event *event, int64_t now_ns);
bool alerts_reopen(struct alerts *a, const struct alerts_options *options, struct error *err);
void alerts_close(struct alerts *a);
extern const char *const alert_kinds[]; /* NULL-terminated, by enum live_event_type */
#endif
