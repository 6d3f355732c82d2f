/*
 * The porter. In the monitor: a socket, on which each line is a message. In the porter: one loop over that
 * socket, the alert command's standard input and SIGCHLD.
 */
#include "live/porter.h"
#include "base/real_time.h"
#include "base/clock.h"
#include "live/sandbox_parts.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define AGAIN_NS          (60 * NS_PER_S)
#define REPORT_FIRST_NS   (15 * NS_PER_S)            /* the tables are made for the first time before that */
#define REPORT_LONGEST_NS (INT64_C(3600) * NS_PER_S) /* from one that failed to the next */
#define END_NS            (10 * NS_PER_S)            /* for the command to read what is left, and to end */
#define BUFFER            (256U << 10)
#define ENVIRONMENT_MOST  6

/* What the loop waits for, by place. */
enum wait_for { WAIT_MONITOR, WAIT_CHILD, WAIT_COMMAND, WAITS };

struct porter {
	int socket;
	pid_t process;
};

struct work {
	const struct porter_options *options;
	char *environment[ENVIRONMENT_MOST + 1];
	int monitor, children; /* socket, signalfd */
	pid_t command, report; /* 0: does not run */
	int command_in;        /* -1: none */
	int64_t command_due, report_due;
	int64_t report_wait_ns; /* to the next report; longer after each that failed, as each says why */
	bool ending;            /* the monitor is gone */
	size_t used, sent;
	char buffer[BUFFER]; /* whole lines; `sent` bytes of the first ones are in the command's pipe */
};

/* --- programs ------------------------------------------------------------------------------------------- */

static void environment_make(struct work *w)
{
	static const char *const kept[ENVIRONMENT_MOST] = { "PATH=", "HOME=",   "LANG=",
							    "TZ=",   "TMPDIR=", "FOOTSTEPS_DATA=" };
	extern char **environ;
	size_t count = 0;

	for (size_t i = 0; i < ENVIRONMENT_MOST; i++)
		for (char **at = environ; *at; at++)
			if (strncmp(*at, kept[i], strlen(kept[i])) == 0) {
				w->environment[count++] = *at;
				break;
			}
	w->environment[count] = NULL;
}

/*
 * Whatever those who started the monitor ignored (nohup, a shell, glibc's own posix_spawn). Not with
 * signal(), which refuses the two signals that glibc keeps for threads and leaves them as they were.
 */
static void signals_default(void)
{
	/* The kernel's struct sigaction on any machine: all of it zero is SIG_DFL, no flags, an empty mask.
	 */
	static const unsigned long as_new[16];

	for (int s = 1; s < NSIG; s++)
		(void)syscall(SYS_rt_sigaction, s, as_new, NULL, (size_t)NSIG / 8);
}

/* In the child, between fork and exec. in, out: descriptors; they become 0 and 1. */
static void program_become(struct work *w, int in, int out, const char *path, char *const arguments[])
{
	sigset_t none;

	signals_default();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0); /* so that all that it starts can be ended with it */
	if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0)
		execve(path, arguments, w->environment);
	_exit(127); /* as sh says */
}

static void command_start(struct work *w)
{
	char *arguments[] = { (char *)"sh", (char *)"-c", (char *)w->options->alert_command, NULL };
	int ends[2];

	w->command_due = steady_time() + (w->options->again_ns ? w->options->again_ns : AGAIN_NS);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	w->command = fork();
	if (w->command == 0)
		program_become(w, ends[0], STDERR_FILENO, "/bin/sh", arguments);
	close(ends[0]);
	if (w->command < 0) {
		close(ends[1]);
		w->command = 0;
		return;
	}
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	w->command_in = ends[1];
}

static void report_start(struct work *w)
{
	char *arguments[] = { (char *)"footsteps",
			      (char *)"report",
			      (char *)"--quiet",
			      (char *)"-o",
			      (char *)w->options->report_into,
			      (char *)w->options->report_from,
			      NULL };
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	w->report_due = steady_time() + w->report_wait_ns;
	if (nothing < 0)
		return;
	w->report = fork();
	if (w->report == 0)
		program_become(w, nothing, nothing, "/proc/self/exe", arguments);
	if (w->report < 0)
		w->report = 0;
	close(nothing);
}

/* --- lines ---------------------------------------------------------------------------------------------- */

/* False: the monitor is gone. */
static bool lines_take(struct work *w)
{
	while (BUFFER - w->used >= PORTER_LINE_MAX) {
		ssize_t n = recv(w->monitor, w->buffer + w->used, PORTER_LINE_MAX, MSG_DONTWAIT);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		w->used += (size_t)n;
	}
	return true;
}

static void command_close(struct work *w)
{
	if (w->command_in >= 0)
		close(w->command_in);
	w->command_in = -1;
	w->sent = 0; /* a line that was not taken whole is for the next one */
}

static void lines_give(struct work *w)
{
	size_t whole;

	while (w->sent < w->used) {
		ssize_t n = write(w->command_in, w->buffer + w->sent, w->used - w->sent);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			command_close(w);
		if (n < 0)
			break;
		w->sent += (size_t)n;
	}
	for (whole = w->sent; whole > 0 && w->buffer[whole - 1] != '\n';)
		whole--;
	memmove(w->buffer, w->buffer + whole, w->used - whole);
	w->used -= whole;
	w->sent -= whole;
}

static void report_ended(struct work *w, bool ok)
{
	int64_t wait = ok ? w->options->report_every_ns : 2 * w->report_wait_ns;

	w->report_wait_ns = wait > REPORT_LONGEST_NS && !ok ? REPORT_LONGEST_NS : wait;
	w->report_due = steady_time() + w->report_wait_ns;
}

/* --- the loop ------------------------------------------------------------------------------------------- */

static void children_reap(struct work *w)
{
	struct signalfd_siginfo ignored;
	pid_t ended;
	int status;

	while (read(w->children, &ignored, sizeof ignored) > 0)
		;
	while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
		if (ended == w->command) {
			command_close(w);
			w->command = 0;
		} else if (ended == w->report) {
			w->report = 0;
			report_ended(w, WIFEXITED(status) && (WEXITSTATUS(status) == EXIT_COMPLETE ||
							      WEXITSTATUS(status) == EXIT_INCOMPLETE));
		}
	}
}

/* Milliseconds until something is due; -1: never. */
static int due_in(const struct work *w)
{
	const int64_t never = INT64_MAX;
	int64_t due = never, now = steady_time();

	if (w->options->alert_command && !w->command)
		due = w->command_due;
	if (w->options->report_from && !w->report && w->report_due < due)
		due = w->report_due;
	if (due == never)
		return -1;
	return due <= now ? 0 : (int)((due - now) / NS_PER_MS % (3600 * 1000)) + 1;
}

static void wait_for_work(struct work *w, int timeout)
{
	const bool room = BUFFER - w->used >= PORTER_LINE_MAX;
	struct pollfd fds[WAITS] = {
		/* Without room, only the end of the monitor is of interest, and is told all the same. */
		[WAIT_MONITOR] = { .fd = room || !w->ending ? w->monitor : -1, .events = room ? POLLIN : 0 },
		[WAIT_CHILD] = { .fd = w->children, .events = POLLIN },
		[WAIT_COMMAND] = { .fd = w->command_in, .events = w->used > w->sent ? POLLOUT : 0 },
	};

	if (poll(fds, WAITS, timeout) <= 0)
		return;
	if (fds[WAIT_CHILD].revents)
		children_reap(w);
	if (fds[WAIT_MONITOR].revents & POLLHUP)
		w->ending = true;
	if (fds[WAIT_MONITOR].revents && !lines_take(w)) {
		close(w->monitor);
		w->monitor = -1;
		w->ending = true;
	}
	if (fds[WAIT_COMMAND].revents && w->command_in >= 0)
		lines_give(w);
}

static void work_loop(struct work *w)
{
	while (!w->ending) {
		int64_t now = steady_time();

		if (w->options->alert_command && !w->command && now >= w->command_due)
			command_start(w);
		if (w->options->report_from && !w->report && now >= w->report_due)
			report_start(w);
		wait_for_work(w, due_in(w));
	}
}

/* The command reads what is left, sees the end of its input, and may end by itself; then it must. */
static void work_end(struct work *w)
{
	const int64_t until = steady_time() + END_NS;

	if (w->report > 0)
		kill(-w->report, SIGTERM);
	/* Once in any case: what waits is passed on also by a porter that was held up. */
	do {
		if (w->used == 0 && w->monitor < 0)
			command_close(w);
		wait_for_work(w, w->command || w->report ? 100 : 0);
	} while (steady_time() < until && (w->command || w->report));
	command_close(w);
	if (w->command > 0)
		kill(-w->command, SIGKILL);
	if (w->report > 0)
		kill(-w->report, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* What the porter is from its fork on. It has no caller to return to. */
static void porter_run(const struct porter_options *options, int monitor)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2 };
	struct sandbox_report report;
	struct error err;
	sigset_t child;
	struct work *w = calloc(1, sizeof *w);

	/* A signal to the whole group ends the monitor, which has last lines for us. */
	for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_NAME, "porter", 0, 0, 0);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_SETMASK, &child, NULL);
	/* Nothing of the monitor's but the socket, which is told to be the first. */
	if (dup3(monitor, STDERR_FILENO + 1, O_CLOEXEC) < 0 && errno != EINVAL)
		_exit(EXIT_INTERNAL);
	/* Unlike close_range(), it does so on old kernels, too. */
	closefrom(STDERR_FILENO + 2);
	if (!w || !sandbox_drop_privileges(options->user, &report, &err) ||
	    !sandbox_no_new_privileges(&report, &err))
		_exit(EXIT_INTERNAL);
	w->options = options;
	w->monitor = STDERR_FILENO + 1;
	w->command_in = -1;
	w->children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	w->report_wait_ns = options->report_every_ns;
	w->report_due = steady_time() + (options->report_every_ns < REPORT_FIRST_NS ? options->report_every_ns
										    : REPORT_FIRST_NS);
	environment_make(w);
	if (w->children >= 0)
		work_loop(w);
	work_end(w);
	_exit(EXIT_COMPLETE);
}

/* --- the monitor's side --------------------------------------------------------------------------------- */

struct porter *porter_start(const struct porter_options *options, struct error *err)
{
	struct porter *p = calloc(1, sizeof *p);
	int ends[2];

	if (!p) {
		error_memory(err, "the porter");
		return NULL;
	}
	/* Messages, so that a line is taken whole or not at all. */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		error_set(err, EXIT_INTERNAL, "the porter's socket: %s", strerror(errno));
		free(p);
		return NULL;
	}
	p->process = fork();
	if (p->process == 0) {
		close(ends[0]);
		porter_run(options, ends[1]);
	}
	close(ends[1]);
	p->socket = ends[0];
	if (p->process < 0) {
		error_set(err, EXIT_INTERNAL, "the porter: %s", strerror(errno));
		close(p->socket);
		free(p);
		return NULL;
	}
	return p;
}

bool porter_alert(struct porter *p, const char *line, size_t length)
{
	return length > 0 && length <= PORTER_LINE_MAX &&
	       send(p->socket, line, length, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)length;
}

void porter_stop(struct porter *p)
{
	if (!p)
		return;
	close(p->socket);
	while (waitpid(p->process, NULL, 0) < 0 && errno == EINTR)
		;
	free(p);
}
