/* The clock, the loop and the hosts of the live net. */
#include "peer/net_live.h"
#include "base/clock.h"
#include "base/real_time.h"
#include "peer/fact.h"
#include "peer/guard.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EVENTS_PER_TURN 64
#define TIMERS_PER_TURN 1024
#define TIMERS_MOST     (1U << 20)
/* A signal that comes between the look at `stop` and the sleep is seen after this time. */
#define SLEEP_MOST_MS 250

/* Scenario time now, also while a handler runs. Nothing jumps when somebody sets the time of the machine. */
static int64_t live_clock(const struct live_net *net)
{
	return steady_time() + net->offset_ns;
}

static int64_t live_now(const struct net *net)
{
	return ((const struct live_net *)net)->now_ns;
}

static void look_at_clock(struct live_net *net)
{
	int64_t now = live_clock(net);

	if (now > net->now_ns)
		net->now_ns = now;
}

void live_fail(struct live_net *net, const char *format, ...)
{
	va_list args;

	if (net->failed)
		return;
	net->failed = true;
	net->err.status = EXIT_INPUT;
	va_start(args, format);
	vsnprintf(net->err.text, sizeof net->err.text, format, args);
	va_end(args);
}

/* --- timers -------------------------------------------------------------------------------------------- */

static bool timer_before(const struct live_timer *a, const struct live_timer *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void timer_swap(struct live_timer *a, struct live_timer *b)
{
	struct live_timer was = *a;

	*a = *b;
	*b = was;
}

static bool timers_grow(struct live_net *net)
{
	size_t room = net->timer_room ? net->timer_room * 2 : 64;
	struct live_timer *more =
		room > TIMERS_MOST ? NULL : reallocarray(net->timers, room, sizeof *net->timers);

	if (!more) {
		live_fail(net, "no memory for more than %zu timers", net->timer_room);
		return false;
	}
	net->timers = more;
	net->timer_room = room;
	return true;
}

void live_after(struct live_net *net, int64_t delay_ns, net_timer_fn fn, void *self, uint64_t what)
{
	size_t at = net->timer_count;

	if (at == net->timer_room && !timers_grow(net))
		return;
	net->timers[at] = (struct live_timer){ .at_ns = net->now_ns + (delay_ns > 0 ? delay_ns : 0),
					       .order = net->timer_order++,
					       .fn = fn,
					       .self = self,
					       .what = what };
	net->timer_count++;
	for (; at > 0 && timer_before(&net->timers[at], &net->timers[(at - 1) / 2]); at = (at - 1) / 2)
		timer_swap(&net->timers[at], &net->timers[(at - 1) / 2]);
}

static void after(struct net *net, int64_t delay_ns, net_timer_fn fn, void *self, uint64_t what)
{
	live_after((struct live_net *)net, delay_ns, fn, self, what);
}

static struct live_timer timer_take(struct live_net *net)
{
	struct live_timer first = net->timers[0];
	size_t at = 0, count = --net->timer_count;

	net->timers[0] = net->timers[count];
	for (;;) {
		size_t least = at, child = 2 * at + 1;

		for (size_t i = child; i < child + 2 && i < count; i++)
			if (timer_before(&net->timers[i], &net->timers[least]))
				least = i;
		if (least == at)
			return first;
		timer_swap(&net->timers[at], &net->timers[least]);
		at = least;
	}
}

/*
 * A timer runs a little after its time. For its handler the clock says the time that was asked for, so that a
 * handler which sets itself again every 20 ms (a call) does not fall behind by what each turn takes.
 */
static void run_timers(struct live_net *net)
{
	int64_t until = live_clock(net);

	for (unsigned n = 0; n < TIMERS_PER_TURN && net->timer_count > 0 && !net->failed; n++) {
		if (net->timers[0].at_ns > until)
			return;
		struct live_timer timer = timer_take(net);
		if (timer.at_ns > net->now_ns)
			net->now_ns = timer.at_ns;
		timer.fn(timer.self, timer.what);
	}
}

/* --- epoll --------------------------------------------------------------------------------------------- */

bool live_watch(struct live_net *net, struct live_source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	return epoll_ctl(net->epoll, EPOLL_CTL_ADD, source->fd, &event) == 0;
}

void live_rewatch(struct live_net *net, struct live_source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (epoll_ctl(net->epoll, EPOLL_CTL_MOD, source->fd, &event) != 0)
		live_fail(net, "epoll: %s", strerror(errno));
}

void live_bury(struct live_net *net, struct live_source *source)
{
	if (source->fd >= 0)
		close(source->fd);
	source->fd = -1;
	source->next_dead = net->dead;
	net->dead = source;
}

static void free_dead(struct live_net *net)
{
	while (net->dead) {
		struct live_source *source = net->dead;

		net->dead = source->next_dead;
		free(source->whole);
	}
}

static void alarm_ready(struct live_net *net, struct live_source *source, uint32_t events)
{
	uint64_t expirations;

	(void)net, (void)events;
	/* Read so that it is quiet again; the turn looks at the timers in any case. */
	if (read(source->fd, &expirations, sizeof expirations) < 0)
		return;
}

/* For the first timer, or the end, whichever is earlier. */
static void alarm_set(struct live_net *net, int64_t ends_ns)
{
	int64_t at = ends_ns;

	if (net->timer_count > 0 && net->timers[0].at_ns < at)
		at = net->timers[0].at_ns;
	at -= net->offset_ns;
	if (at < 1)
		at = 1; /* 0 would mean never */
	struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(at / NS_PER_S), .tv_nsec = (long)(at % NS_PER_S) },
	};
	timerfd_settime(net->alarm.fd, TFD_TIMER_ABSTIME, &when, NULL);
}

bool net_live_run(struct net *base, int64_t ends_ns, const volatile int *stop, struct error *err)
{
	struct live_net *net = (struct live_net *)base;
	struct epoll_event events[EVENTS_PER_TURN];

	look_at_clock(net);
	while (!net->failed && net->now_ns < ends_ns && !(stop && *stop)) {
		free_dead(net);
		alarm_set(net, ends_ns);
		int count = epoll_wait(net->epoll, events, EVENTS_PER_TURN, SLEEP_MOST_MS);
		if (count < 0 && errno != EINTR)
			live_fail(net, "epoll: %s", strerror(errno));
		run_timers(net);
		look_at_clock(net);
		if (base->out_of_memory)
			live_fail(net, "out of memory");
		for (int i = 0; i < count && !net->failed; i++) {
			struct live_source *source = events[i].data.ptr;

			if (source->fd >= 0)
				source->ready(net, source, events[i].events);
		}
	}
	free_dead(net);
	if (net->failed && err)
		*err = net->err;
	return !net->failed;
}

/* --- hosts --------------------------------------------------------------------------------------------- */

bool live_allowed(const struct live_net *net, uint32_t ip)
{
	return guard_live_address(ip, net->own_namespace);
}

/* A role that sends to where nothing may go is a defect, or the scenario is; either way it ends here. */
bool live_may_go(struct live_net *net, const struct party *party, struct endpoint to)
{
	char text[ENDPOINT_TEXT];

	if (live_allowed(net, to.ip))
		return true;
	endpoint_format(to, text);
	live_fail(net, "%s would send to %s, which is not for real sockets%s", party->name, text,
		  net->own_namespace ? "" : " outside of a network namespace of their own");
	return false;
}

int live_socket(const struct party *party, int type, uint16_t port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(party->address.ip),
	};
	const int one = 1;
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	/* Of TCP alone: two UDP sockets of a port would take each other's datagrams. */
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	int why = errno;
	close(fd);
	errno = why;
	return -1;
}

static void host_close(struct live_host *host)
{
	struct live_net *net = (struct live_net *)host->host.net;

	live_links_close(host);
	while (host->ports) {
		struct live_port *port = host->ports;

		host->ports = port->next;
		live_bury(net, &port->source);
	}
	while (host->listeners) {
		struct live_listener *listener = host->listeners;

		host->listeners = listener->next;
		live_bury(net, &listener->source);
	}
	if (host->echo >= 0)
		close(host->echo);
	live_bury(net, &host->grave);
}

/* BS IV.B.1: clients that cannot connect to a supernode's own port try ports 80 and 443. */
static void listen_on_web_ports(struct live_net *net, struct live_host *host)
{
	static const uint16_t web[] = { 80, 443 };
	const struct party *party = host->host.party;

	if (party->answers != ANSWERS_TCP && party->kind != PARTY_SUPERNODE)
		return;
	for (size_t i = 0; i < sizeof web / sizeof web[0]; i++)
		if (web[i] != party->address.port && !live_listen(host, web[i]))
			live_remark(net, party, "does not listen on TCP port %u: %s", web[i],
				    strerror(errno));
}

static struct host *attach(struct net *base, const struct party *party, const struct host_handlers *handlers,
			   void *self, struct error *err)
{
	struct live_net *net = (struct live_net *)base;
	char text[ENDPOINT_TEXT];

	endpoint_format(party->address, text);
	if (!live_allowed(net, party->address.ip)) {
		error_set(err, EXIT_INPUT, "%s: real sockets may not be on %s%s", party->name, text,
			  net->own_namespace ? "" : " outside of a network namespace of their own");
		return NULL;
	}
	struct live_host *host = calloc(1, sizeof *host);
	if (!host) {
		error_memory(err, "a host");
		return NULL;
	}
	host->host = (struct host){ base, party, handlers, self };
	host->grave = (struct live_source){ .fd = -1, .whole = host };
	host->echo = -1;
	if (!live_port_open(host, party->address.port) || !live_listen(host, party->address.port)) {
		error_set(err, EXIT_INPUT, "%s: cannot open its port %s: %s", party->name, text,
			  strerror(errno));
		/* A client attaches in the middle of the run, which is to end now and not when its time is
		 * over. */
		live_fail(net, "%s", err->text);
		host_close(host);
		return NULL;
	}
	listen_on_web_ports(net, host);
	host->next = net->hosts;
	net->hosts = host;
	return &host->host;
}

static void detach(struct host *base)
{
	struct live_host *host = (struct live_host *)base;
	struct live_net *net = (struct live_net *)base->net;

	for (struct live_host **at = &net->hosts; *at; at = &(*at)->next)
		if (*at == host) {
			*at = host->next;
			break;
		}
	host_close(host);
}

/* --- the net ------------------------------------------------------------------------------------------- */

static const struct net_ops live_ops = {
	.now = live_now,
	.after = after,
	.attach = attach,
	.detach = detach,
	.send = live_send,
	.ping = live_ping,
	.connect = live_connect,
	.link_send = live_link_send,
	.link_close = live_link_close,
	.tell = live_tell,
};

void net_live_print_to(struct net *net, FILE *out)
{
	((struct live_net *)net)->out = out;
}

const struct live_counts *net_live_counts(const struct net *net)
{
	return &((const struct live_net *)net)->counts;
}

/* Whether real sockets may be on, or go to, all that the scenario names. */
static bool scenario_allowed(const struct live_net *net, struct error *err)
{
	const struct scenario *scenario = net->scenario;

	for (size_t i = 0; i < scenario->parties; i++) {
		const struct party *party = &scenario->party[i];
		struct endpoint hosts[] = { { party->address.ip, 0 }, { party->public_ip, 0 } };

		for (size_t k = 0; k < 2; k++) {
			char text[ENDPOINT_TEXT];

			if (live_allowed(net, hosts[k].ip))
				continue;
			endpoint_format(hosts[k], text);
			return error_set(
				err, EXIT_INPUT, "%s: the address %s of %s is not for real sockets%s",
				scenario->path, text, party->name,
				net->own_namespace ? ""
						   : " here; in a network namespace of its own it may be "
						     "(tests/lab/run makes them)");
		}
	}
	return true;
}

static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int64_t net_live_today(void)
{
	return real_time();
}

struct net *net_live_new(const struct scenario *scenario, int64_t begins_ns, struct error *err)
{
	struct live_net *net = calloc(1, sizeof *net);

	if (!net) {
		error_memory(err, "the net");
		return NULL;
	}
	net->net.ops = &live_ops;
	net->scenario = scenario;
	net->own_namespace = guard_own_namespace();
	net->offset_ns = scenario->begins_ns + real_time() - begins_ns - steady_time();
	net->now_ns = live_clock(net);
	net->epoll = -1;
	net->alarm = (struct live_source){ .ready = alarm_ready, .fd = -1 };
	if (!scenario_allowed(net, err))
		goto failed;
	raise_file_limit();
	net->epoll = epoll_create1(EPOLL_CLOEXEC);
	net->alarm.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (net->epoll < 0 || net->alarm.fd < 0 || !live_watch(net, &net->alarm, EPOLLIN)) {
		error_set(err, EXIT_INTERNAL, "the net cannot be made: %s", strerror(errno));
		goto failed;
	}
	return &net->net;
failed:
	net_live_free(&net->net);
	return NULL;
}

void net_live_free(struct net *base)
{
	struct live_net *net = (struct live_net *)base;

	if (!net)
		return;
	while (net->hosts)
		detach(&net->hosts->host);
	live_links_free(net);
	free_dead(net);
	if (net->alarm.fd >= 0)
		close(net->alarm.fd);
	if (net->epoll >= 0)
		close(net->epoll);
	free(net->timers);
	free(net);
}
