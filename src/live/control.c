/* The control thread: its sockets, its loop, and the metrics file. See control.h. */
#include "base/clock.h"
#include "live/control_parts.h"
#include "base/real_time.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define METRICS_EVERY_NS (5 * NS_PER_S)
#define BACKLOG          8

struct listener {
	int fd;           /* -1: none */
	const char *path; /* of the copy below */
	dev_t device;     /* of the socket's file, so that nobody else's is removed at the end */
	ino_t inode;
};

struct control {
	struct control_options options;
	char *socket, *metrics_socket, *metrics_file, *metrics_temporary; /* copies */
	struct listener listener[2];                                      /* control, metrics */
	int wake;                                                         /* an eventfd: stop */
	bool running;
	pthread_t thread;
	struct control_client client[CONTROL_CLIENTS_MAX];
	int64_t metrics_next_ns;
	bool metrics_failed; /* said already */
};

/* --- sockets --- */

static bool address_set(struct sockaddr_un *address, const char *path, struct error *err)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof address->sun_path)
		return error_set(err, EXIT_USAGE, "%s: a socket's name has at most %zu bytes", path,
				 sizeof address->sun_path - 1);
	memcpy(address->sun_path, path, strlen(path) + 1);
	return true;
}

/* Removes what a dead process left. */
bool control_make_way(const char *path, struct error *err)
{
	struct sockaddr_un address;
	struct stat st;

	if (!address_set(&address, path, err))
		return false;
	if (lstat(path, &st) < 0)
		return true; /* bind() says what else is wrong */
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, EXIT_OUTPUT, "%s is there already, and is no socket", path);
	/* Not waiting: one whose queue is full is alive, too. */
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool dead = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) < 0 &&
		    errno == ECONNREFUSED;
	if (fd >= 0)
		close(fd);
	if (!dead)
		return error_set(err, EXIT_OUTPUT,
				 "another program answers at %s; stop it, or choose another socket", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return error_set(err, EXIT_OUTPUT, "cannot replace the old socket %s: %s", path,
				 strerror(errno));
	return true;
}

static mode_t mode_for(const char *path)
{
	char directory[sizeof((struct sockaddr_un *)0)->sun_path + 2];
	const char *slash = strrchr(path, '/');
	struct stat st;

	snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - path) + 1 : 1,
		 slash ? path : ".");
	return stat(directory, &st) == 0 && st.st_mode & S_ISGID ? 0660 : 0600;
}

static bool listener_open(struct listener *l, const char *path, struct error *err)
{
	struct sockaddr_un address;
	struct stat st;

	l->fd = -1;
	l->path = path;
	if (!path)
		return true;
	if (!address_set(&address, path, err) || !control_make_way(path, err))
		return false;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Before bind(), so that its file is never open to others, not even for a moment; Linux takes the
	 * mode over, less the umask. Not after it: chmod() takes any path, so the sandbox has none. */
	bool mode = l->fd >= 0 && fchmod(l->fd, mode_for(path)) == 0;
	mode_t before = umask(0);
	bool bound = mode && bind(l->fd, (const struct sockaddr *)&address, sizeof address) == 0;
	umask(before);
	if (bound && listen(l->fd, BACKLOG) == 0 && lstat(path, &st) == 0) {
		l->device = st.st_dev;
		l->inode = st.st_ino;
		return true;
	}
	error_set(err, EXIT_OUTPUT, "cannot make the socket %s: %s", path, strerror(errno));
	if (bound)
		unlink(path);
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	return false;
}

static void listener_close(struct listener *l)
{
	struct stat st;

	if (l->fd < 0)
		return;
	if (lstat(l->path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
		unlink(l->path);
	close(l->fd);
	l->fd = -1;
}

/* --- the metrics file --- */

static bool write_whole(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	size_t length = strlen(text), done = 0;

	if (fd < 0)
		return false;
	while (done < length) {
		ssize_t n = write(fd, text + done, length - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	int failure = done < length ? errno : 0;
	if (close(fd) < 0 && !failure)
		failure = errno;
	errno = failure;
	return !failure;
}

static void metrics_write(struct control *c)
{
	char *text = live_state_metrics(c->options.state);
	char line[256];

	errno = ENOMEM;
	bool ok = text && write_whole(c->metrics_temporary, text) &&
		  rename(c->metrics_temporary, c->metrics_file) == 0;
	if (!ok && !c->metrics_failed)
		snprintf(line, sizeof line, "the metrics cannot be written to %s: %s", c->metrics_file,
			 strerror(errno));
	else if (ok && c->metrics_failed)
		snprintf(line, sizeof line, "the metrics are written to %s again", c->metrics_file);
	if (ok == c->metrics_failed)
		live_state_say(c->options.state, line);
	if (!ok)
		unlink(c->metrics_temporary);
	c->metrics_failed = !ok;
	free(text);
}

/* --- the loop --- */

/* A place for a new client; when all are taken, that of the one who has been silent longest. */
static struct control_client *find_place(struct control *c, int64_t now)
{
	struct control_client *idle = NULL;

	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *x = &c->client[i];
		if (x->fd < 0)
			return x;
		if (control_client_idle(x) && now - x->since_ns >= CONTROL_SEND_NS &&
		    (!idle || x->since_ns < idle->since_ns))
			idle = x;
	}
	if (idle)
		control_client_close(idle);
	return idle;
}

static void accept_clients(struct control *c, const struct listener *l, bool http)
{
	static const char busy[] = "error: too many clients\n";

	for (unsigned turn = 0; turn < 2 * CONTROL_CLIENTS_MAX; turn++) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		struct control_client *place = find_place(c, steady_time());
		if (place) {
			control_client_open(place, fd, http, steady_time());
			continue;
		}
		if (!http)
			(void)!send(fd, busy, sizeof busy - 1, MSG_NOSIGNAL);
		close(fd);
	}
}

/* Until when poll() may wait, ms. */
static int time_to_wait(const struct control *c, int64_t now)
{
	int64_t until = INT64_MAX;

	if (c->metrics_file)
		until = c->metrics_next_ns;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (c->client[i].fd >= 0 && control_client_deadline(&c->client[i]) < until)
			until = control_client_deadline(&c->client[i]);
	if (until == INT64_MAX)
		return -1;
	return until <= now ? 0 : (int)((until - now) / NS_PER_MS) + 1;
}

enum {
	PLACE_WAKE,
	PLACE_CONTROL,
	PLACE_METRICS,
	PLACE_CLIENTS,
	PLACES = PLACE_CLIENTS + CONTROL_CLIENTS_MAX
};

/* poll() passes over places with fd -1. */
static void places_fill(const struct control *c, struct pollfd place[PLACES])
{
	place[PLACE_WAKE] = (struct pollfd){ c->wake, POLLIN, 0 };
	place[PLACE_CONTROL] = (struct pollfd){ c->listener[0].fd, POLLIN, 0 };
	place[PLACE_METRICS] = (struct pollfd){ c->listener[1].fd, POLLIN, 0 };
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		place[PLACE_CLIENTS + i] =
			(struct pollfd){ c->client[i].fd, c->client[i].answer ? POLLOUT : POLLIN, 0 };
}

static void clients_tend(struct control *c, const struct pollfd *place)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *x = &c->client[i];
		int64_t now = steady_time();
		if (x->fd >= 0 && place[i].revents)
			control_client_serve(x, &c->options, now);
		if (x->fd >= 0 && now >= control_client_deadline(x))
			control_client_expire(x, &c->options, now);
	}
}

static void *control_run(void *self)
{
	struct control *c = self;
	struct pollfd place[PLACES];

	for (;;) {
		int64_t now = steady_time();
		if (c->metrics_file && now >= c->metrics_next_ns) {
			metrics_write(c);
			c->metrics_next_ns = now + METRICS_EVERY_NS;
		}
		places_fill(c, place);
		if (poll(place, PLACES, time_to_wait(c, now)) < 0 && errno != EINTR)
			return NULL;
		if (place[PLACE_WAKE].revents)
			return NULL;
		clients_tend(c, place + PLACE_CLIENTS);
		if (place[PLACE_CONTROL].revents)
			accept_clients(c, &c->listener[0], false);
		if (place[PLACE_METRICS].revents)
			accept_clients(c, &c->listener[1], true);
	}
}

/* --- start and stop --- */

static bool copy_text(char **copy, const char *text)
{
	*copy = text ? strdup(text) : NULL;
	return !text || *copy;
}

static bool control_prepare(struct control *c, const struct control_options *options, struct error *err)
{
	bool copied = copy_text(&c->socket, options->socket) &&
		      copy_text(&c->metrics_socket, options->metrics_socket) &&
		      copy_text(&c->metrics_file, options->metrics_file);

	if (!copied || (c->metrics_file && asprintf(&c->metrics_temporary, "%s.new", c->metrics_file) < 0)) {
		c->metrics_temporary = NULL;
		return error_memory(err, "the control socket");
	}
	c->wake = eventfd(0, EFD_CLOEXEC);
	if (c->wake < 0)
		return error_set(err, EXIT_INTERNAL, "the control thread cannot be made: %s",
				 strerror(errno));
	return listener_open(&c->listener[0], c->socket, err) &&
	       listener_open(&c->listener[1], c->metrics_socket, err);
}

struct control *control_start(const struct control_options *options, struct error *err)
{
	struct control *c = calloc(1, sizeof *c);
	sigset_t all, before;

	if (!c) {
		error_memory(err, "the control socket");
		return NULL;
	}
	c->options = *options;
	c->wake = c->listener[0].fd = c->listener[1].fd = -1;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		c->client[i].fd = -1;
	if (!control_prepare(c, options, err)) {
		control_stop(c);
		return NULL;
	}
	sigfillset(&all); /* signals are for the thread that waits for them */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failure = pthread_create(&c->thread, NULL, control_run, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failure) {
		error_set(err, EXIT_INTERNAL, "the control thread cannot be made: %s", strerror(failure));
		control_stop(c);
		return NULL;
	}
	c->running = true;
	return c;
}

void control_stop(struct control *c)
{
	const uint64_t one = 1;

	if (!c)
		return;
	if (c->running) {
		(void)!write(c->wake, &one, sizeof one);
		pthread_join(c->thread, NULL);
	}
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (c->client[i].fd >= 0)
			control_client_close(&c->client[i]);
	listener_close(&c->listener[0]);
	listener_close(&c->listener[1]);
	if (c->wake >= 0)
		close(c->wake);
	free(c->socket);
	free(c->metrics_socket);
	free(c->metrics_file);
	free(c->metrics_temporary);
	free(c);
}
