/*
 * Connections of the live net. TCP keeps no messages apart, pauses do: what is read without a pause of 10 ms
 * is one message (net.h). So what this end sends is spaced too, also when the machine was busy and two timers
 * ran one right after the other.
 */
#include "base/clock.h"
#include "peer/net_live.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_NS        (10 * NS_PER_MS) /* ends a message: net.h */
#define SPACING_NS      (15 * NS_PER_MS) /* longer than that, shorter than the 20 ms of voice (RMM Table I) */
#define LINGER_NS       (2 * NS_PER_S)   /* for the other end's FIN */
#define IN_MOST         16384U           /* a message; no node sends one that is near it */
#define OUT_MOST        262144U          /* unsent bytes of a connection */
#define READ_SIZE       4096U
#define READS_PER_TURN  8U
#define ACCEPT_PER_TURN 16U
#define BACKLOG         128 /* a full one costs a SYN, and who connects a second */
#define SYN_RETRIES     2   /* three SYNs, as over the other net (world.h): given up after 7 s */

enum link_state {
	LINK_CONNECTING,
	LINK_FAILED, /* connect() failed at once; its role hears of it as of others, in a moment */
	LINK_OPEN,
	LINK_LINGERS, /* closed by its role: sends what is left, and waits for the other end's FIN */
	LINK_GONE,
};

struct waiting { /* a message to be sent */
	struct waiting *next;
	size_t size, done;
	uint8_t bytes[];
};

struct live_link {
	struct link link;
	struct live_source source;
	enum link_state state;
	enum link_end end; /* LINK_FAILED: how */
	size_t slot;
	uint32_t generation;
	int64_t wakes_ns; /* 0: no timer is set */
	int64_t read_ns;  /* of the last bytes in `in` */
	int64_t wrote_ns;
	int64_t lingers_ns; /* until then */
	bool watches_out;
	size_t in_size;
	struct waiting *out, **out_last;
	size_t out_size;
	uint8_t in[IN_MOST]; /* borrowed by its role, also while that closes the link */
};

static struct live_link *link_of_source(struct live_source *source)
{
	return source->whole;
}

/* --- beginning and end --------------------------------------------------------------------------------- */

static void link_ready(struct live_net *net, struct live_source *source, uint32_t events);

/* fd: its socket, -1: none. NULL: no more connections fit. */
static struct live_link *link_new(struct live_host *host, int fd, struct endpoint far, enum purpose purpose)
{
	struct live_net *net = (struct live_net *)host->host.net;
	struct live_link *l = net->link_count < LIVE_LINKS_MOST ? calloc(1, sizeof *l) : NULL;

	if (!l) {
		net->counts.turned_away++;
		return NULL;
	}
	while (net->links[l->slot])
		l->slot++;
	net->links[l->slot] = l;
	net->link_count++;
	l->generation = ++net->link_generation;
	l->link = (struct link){ .host = &host->host, .far = far, .purpose = purpose };
	l->source = (struct live_source){ .ready = link_ready, .fd = fd, .whole = l };
	l->out_last = &l->out;
	return l;
}

static void link_drop_out(struct live_link *l)
{
	while (l->out) {
		struct waiting *first = l->out;

		l->out = first->next;
		free(first);
	}
	l->out_last = &l->out;
	l->out_size = 0;
}

static void link_gone(struct live_net *net, struct live_link *l)
{
	l->state = LINK_GONE;
	net->links[l->slot] = NULL;
	net->link_count--;
	link_drop_out(l);
	live_bury(net, &l->source);
}

static void link_reset(struct live_net *net, struct live_link *l)
{
	const struct linger now = { .l_onoff = 1 };

	setsockopt(l->source.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	link_gone(net, l);
}

/* Its role hears of it, unless it has closed the link itself. */
static void link_ended(struct live_net *net, struct live_link *l, enum link_end end)
{
	const struct host *host = l->link.host;
	bool heard = l->state != LINK_LINGERS && l->state != LINK_GONE;

	/* In there it may call link_close(), or detach its host: that must find nothing left to do. */
	l->state = l->state == LINK_GONE ? LINK_GONE : LINK_LINGERS;
	if (heard && host->handlers->closed)
		host->handlers->closed(host->self, &l->link, end);
	if (l->state != LINK_GONE)
		link_gone(net, l);
}

/* --- its one timer ------------------------------------------------------------------------------------- */

static void link_wakes(void *self, uint64_t what);

static void link_wake_at(struct live_net *net, struct live_link *l, int64_t at_ns)
{
	if (l->wakes_ns != 0 && l->wakes_ns <= at_ns)
		return;
	l->wakes_ns = at_ns;
	live_after(net, at_ns - net->now_ns, link_wakes, net, (uint64_t)l->generation << 32 | l->slot);
}

static void link_deliver(struct live_link *l)
{
	const struct host *host = l->link.host;
	size_t size = l->in_size;

	l->in_size = 0;
	if (size > 0 && l->state == LINK_OPEN && host->handlers->message)
		host->handlers->message(host->self, &l->link, l->in, size);
}

static void link_flush(struct live_net *net, struct live_link *l);

static void link_wakes(void *self, uint64_t what)
{
	struct live_net *net = self;
	struct live_link *l = net->links[what & UINT32_MAX];

	/* The link may be another one by now, or have set an earlier timer since. */
	if (!l || l->generation != what >> 32 || l->wakes_ns == 0 || net->now_ns < l->wakes_ns)
		return;
	l->wakes_ns = 0;
	if (l->state == LINK_FAILED) {
		link_ended(net, l, l->end);
		return;
	}
	if (l->in_size > 0 && l->read_ns + PAUSE_NS <= net->now_ns)
		link_deliver(l);
	else if (l->in_size > 0)
		link_wake_at(net, l, l->read_ns + PAUSE_NS);
	if (l->state != LINK_GONE && l->out)
		link_flush(net, l);
	if (l->state == LINK_LINGERS && l->lingers_ns <= net->now_ns)
		link_gone(net, l);
	else if (l->state == LINK_LINGERS)
		link_wake_at(net, l, l->lingers_ns);
}

/* --- sending ------------------------------------------------------------------------------------------- */

/* The other end hears that nothing more comes, once all is sent. */
static void link_finish(struct live_net *net, struct live_link *l)
{
	if (l->state == LINK_LINGERS && !l->out && shutdown(l->source.fd, SHUT_WR) != 0)
		link_gone(net, l);
}

static void link_watch_out(struct live_net *net, struct live_link *l, bool watch)
{
	if (l->watches_out == watch)
		return;
	l->watches_out = watch;
	live_rewatch(net, &l->source, EPOLLIN | (watch ? EPOLLOUT : 0));
}

/* One message, if its time has come. */
static void link_flush(struct live_net *net, struct live_link *l)
{
	struct waiting *first = l->out;

	if (l->state != LINK_OPEN && l->state != LINK_LINGERS)
		return;
	if (first->done == 0 && l->wrote_ns + SPACING_NS > net->now_ns) {
		link_wake_at(net, l, l->wrote_ns + SPACING_NS);
		return;
	}
	ssize_t sent =
		send(l->source.fd, first->bytes + first->done, first->size - first->done, MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		/* Reading says how it ended, in its turn. */
		link_drop_out(l);
		link_watch_out(net, l, false);
		return;
	}
	if (sent > 0) {
		first->done += (size_t)sent;
		l->wrote_ns = net->now_ns;
	}
	link_watch_out(net, l, first->done < first->size);
	if (first->done < first->size)
		return;
	l->out = first->next;
	l->out_size -= first->size;
	if (!l->out)
		l->out_last = &l->out;
	else
		link_wake_at(net, l, l->wrote_ns + SPACING_NS);
	free(first);
	link_finish(net, l);
}

void live_link_send(struct link *link, const uint8_t *bytes, size_t size, enum purpose purpose)
{
	struct live_link *l = (struct live_link *)link;
	struct live_net *net = (struct live_net *)link->host->net;
	struct waiting *message;

	(void)purpose;
	if (size == 0 || l->state == LINK_LINGERS || l->state == LINK_GONE)
		return;
	message = size <= OUT_MOST - l->out_size ? malloc(sizeof *message + size) : NULL;
	if (!message) {
		/* The other end has not read for long. It looks as if it had gone. */
		net->counts.overflowed++;
		link_drop_out(l);
		l->state = LINK_FAILED;
		l->end = LINK_CLOSED;
		link_wake_at(net, l, net->now_ns);
		return;
	}
	*message = (struct waiting){ .size = size };
	memcpy(message->bytes, bytes, size);
	*l->out_last = message;
	l->out_last = &message->next;
	l->out_size += size;
	if (l->state == LINK_OPEN && l->out == message)
		link_flush(net, l);
}

void live_link_close(struct link *link)
{
	struct live_link *l = (struct live_link *)link;
	struct live_net *net = (struct live_net *)link->host->net;

	if (l->state == LINK_LINGERS || l->state == LINK_GONE)
		return;
	if (l->state != LINK_OPEN) {
		link_gone(net, l);
		return;
	}
	l->state = LINK_LINGERS;
	l->in_size = 0;
	l->lingers_ns = net->now_ns + LINGER_NS;
	link_wake_at(net, l, l->lingers_ns);
	link_finish(net, l);
}

void live_links_close(struct live_host *host)
{
	struct live_net *net = (struct live_net *)host->host.net;

	for (size_t i = 0; i < LIVE_LINKS_MOST; i++)
		if (net->links[i] && net->links[i]->link.host == &host->host)
			live_link_close(&net->links[i]->link);
}

void live_links_free(struct live_net *net)
{
	for (size_t i = 0; i < LIVE_LINKS_MOST; i++)
		if (net->links[i])
			link_gone(net, net->links[i]);
}

/* --- receiving ----------------------------------------------------------------------------------------- */

/* The answer to our SYN. */
static void link_connected(struct live_net *net, struct live_link *l)
{
	const struct host *host = l->link.host;
	int why = 0;
	socklen_t size = sizeof why;

	if (getsockopt(l->source.fd, SOL_SOCKET, SO_ERROR, &why, &size) != 0)
		why = errno;
	/* Reset is who was accepted and then sent away, refused is who was not accepted. */
	if (why != 0 && why != ECONNRESET) {
		link_ended(net, l, why == ECONNREFUSED ? LINK_REFUSED : LINK_TIMEOUT);
		return;
	}
	l->state = LINK_OPEN;
	link_watch_out(net, l, false);
	if (l->out && why == 0)
		link_flush(net, l);
	if (host->handlers->opened)
		host->handlers->opened(host->self, &l->link);
	if (why != 0 && l->state != LINK_GONE)
		link_ended(net, l, LINK_CLOSED);
}

/* False: nothing more can be read now. */
static bool link_read(struct live_net *net, struct live_link *l)
{
	uint8_t nobody_reads[READ_SIZE];

	if (l->in_size == IN_MOST)
		link_deliver(l);
	bool open = l->state == LINK_OPEN;
	if (l->state == LINK_GONE)
		return false;
	size_t room = open ? IN_MOST - l->in_size : sizeof nobody_reads;
	ssize_t got = recv(l->source.fd, open ? l->in + l->in_size : nobody_reads,
			   room < READ_SIZE ? room : READ_SIZE, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got <= 0) {
		link_deliver(l);
		if (l->state != LINK_GONE)
			link_ended(net, l, LINK_CLOSED);
		return false;
	}
	if (open) {
		l->in_size += (size_t)got;
		l->read_ns = net->now_ns;
		link_wake_at(net, l, l->read_ns + PAUSE_NS);
	}
	return true;
}

static void link_ready(struct live_net *net, struct live_source *source, uint32_t events)
{
	struct live_link *l = link_of_source(source);

	if (l->state == LINK_CONNECTING) {
		link_connected(net, l);
		return;
	}
	if (l->state == LINK_FAILED)
		return;
	if ((events & EPOLLOUT) && l->out)
		link_flush(net, l);
	for (unsigned n = 0; n < READS_PER_TURN && l->state != LINK_GONE; n++)
		if (!link_read(net, l))
			return;
}

/* --- who begins ---------------------------------------------------------------------------------------- */

static void accept_one(struct live_net *net, struct live_listener *listener, int fd,
		       const struct sockaddr_in *from)
{
	struct host *host = &listener->host->host;
	struct endpoint far = { ntohl(from->sin_addr.s_addr), ntohs(from->sin_port) };
	const int one = 1;
	struct live_link *l = NULL;

	if (!live_allowed(net, far.ip))
		net->counts.strangers++;
	else
		l = link_new(listener->host, fd, far, PURPOSE_NODE);
	if (!l) {
		close(fd);
		return;
	}
	l->state = LINK_OPEN;
	l->link.local_port = listener->number;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	bool taken = live_watch(net, &l->source, EPOLLIN) && host->handlers->accepted &&
		     host->handlers->accepted(host->self, &l->link, listener->number, far);
	if (!taken && l->state != LINK_GONE)
		link_reset(net, l);
}

static void listener_ready(struct live_net *net, struct live_source *source, uint32_t events)
{
	struct live_listener *listener = (struct live_listener *)source;

	(void)events;
	for (unsigned n = 0; n < ACCEPT_PER_TURN && source->fd >= 0; n++) {
		struct sockaddr_in from = { 0 };
		socklen_t size = sizeof from;
		int fd = accept4(source->fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			accept_one(net, listener, fd, &from);
		else if (errno == EMFILE || errno == ENFILE)
			live_fail(net, "too many open files (ulimit -n)");
		else if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

bool live_listen(struct live_host *host, uint16_t number)
{
	struct live_net *net = (struct live_net *)host->host.net;
	struct live_listener *listener = calloc(1, sizeof *listener);

	if (!listener)
		return false;
	listener->source = (struct live_source){ .ready = listener_ready, .whole = listener };
	listener->source.fd = live_socket(host->host.party, SOCK_STREAM, number);
	listener->host = host;
	listener->number = number;
	if (listener->source.fd < 0 || listen(listener->source.fd, BACKLOG) != 0 ||
	    !live_watch(net, &listener->source, EPOLLIN)) {
		int why = errno;

		live_bury(net, &listener->source);
		errno = why;
		return false;
	}
	listener->next = host->listeners;
	host->listeners = listener;
	return true;
}

static bool connect_begins(struct live_net *net, struct live_link *l)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(l->link.far.port),
		.sin_addr.s_addr = htonl(l->link.far.ip),
	};
	struct sockaddr_in own = { 0 };
	socklen_t size = sizeof own;
	const int one = 1, retries = SYN_RETRIES;
	int fd = l->source.fd = live_socket(l->link.host->party, SOCK_STREAM, 0);

	if (fd < 0)
		return false;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &retries, sizeof retries);
	if (connect(fd, (const struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)
		return false;
	if (getsockname(fd, (struct sockaddr *)&own, &size) == 0)
		l->link.local_port = ntohs(own.sin_port);
	l->watches_out = true;
	return live_watch(net, &l->source, EPOLLIN | EPOLLOUT);
}

struct link *live_connect(struct host *base, struct endpoint to, enum purpose purpose, void *data)
{
	struct live_host *host = (struct live_host *)base;
	struct live_net *net = (struct live_net *)base->net;
	struct live_link *l = live_may_go(net, base->party, to) ? link_new(host, -1, to, purpose) : NULL;

	if (!l)
		return NULL;
	l->link.data = data;
	l->state = LINK_CONNECTING;
	if (!connect_begins(net, l)) {
		l->state = LINK_FAILED;
		l->end = errno == ECONNREFUSED ? LINK_REFUSED : LINK_TIMEOUT;
		link_wake_at(net, l, net->now_ns);
	}
	return &l->link;
}
