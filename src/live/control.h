/*
 * The control socket (Unix, mode 0600; 0660 in a directory with the set-group-ID bit, whose group the socket
 * gets): a line in, an answer out, as many as the client likes. "status" (the state's JSON, one line),
 * "counters" (Prometheus text, ended by "# EOF"), "rotate", "reload" ("ok", or "error: ..."). A thread of its
 * own; slow and rude clients are cut off. The same thread serves the metrics socket (any connection gets an
 * HTTP/1.0 answer with the metrics, so that Prometheus and curl can ask) and writes the metrics file (every
 * 5 s, whole or not at all, for the node exporter's textfile collector).
 */
#ifndef FS_LIVE_CONTROL_H
#define FS_LIVE_CONTROL_H
#include "live/state.h"

struct control_options {
	const char *socket, *metrics_socket, *metrics_file; /* each may be NULL */
	struct live_state *state;
	void (*rotate)(void *self);                    /* in the thread of control; or NULL */
	bool (*reload)(void *self, struct error *err); /* likewise */
	void *self;
};
struct control;
/* Removes the socket that a dead process left; EXIT_OUTPUT when a living one answers there. By itself for who
 * enters a sandbox first, in which nobody can be asked any more. */
bool control_make_way(const char *socket, struct error *err);
/* Makes way as well. */
struct control *control_start(const struct control_options *options, struct error *err);
void control_stop(struct control *c); /* removes the sockets */
/* The other end, for `top` and `doctor`: connects; asks; the answer without its end, allocated. */
int control_connect(const char *socket, struct error *err);
char *control_ask(int fd, const char *line, struct error *err);
#endif
