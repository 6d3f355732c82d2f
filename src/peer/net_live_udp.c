/* Datagrams of the live net: a socket for the party's own port, and one for each other that it sends from. */
#include "peer/message.h"
#include "peer/net_live.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define READS_PER_TURN 32U  /* of a socket; what is left comes in the next turn */
#define PORTS_MOST     256U /* UDP sockets of a party */
#define PING_DATA      56U  /* bytes behind the header: those of ping(8); no capture shows the real ones */

static void port_ready(struct live_net *net, struct live_source *source, uint32_t events)
{
	struct live_port *port = (struct live_port *)source;
	const struct host *host = &port->host->host;
	uint8_t bytes[MESSAGE_MAX + 1]; /* one more, to see what is too long */

	(void)events;
	/* A handler may detach the host, and its sockets with it. */
	for (unsigned n = 0; n < READS_PER_TURN && source->fd >= 0; n++) {
		struct sockaddr_in from = { 0 };
		socklen_t size = sizeof from;
		ssize_t got = recvfrom(source->fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &size);

		if (got < 0 && errno == EAGAIN)
			return;
		if (got < 0)
			continue; /* an ICMP error of an earlier datagram, say */
		struct endpoint peer = { ntohl(from.sin_addr.s_addr), ntohs(from.sin_port) };
		if ((size_t)got > MESSAGE_MAX)
			net->counts.oversized++;
		else if (!live_allowed(net, peer.ip))
			net->counts.strangers++;
		else if (host->handlers->datagram)
			host->handlers->datagram(host->self, port->number, peer, bytes, (size_t)got);
	}
}

bool live_port_open(struct live_host *host, uint16_t number)
{
	struct live_net *net = (struct live_net *)host->host.net;
	struct live_port *port = calloc(1, sizeof *port);

	if (!port)
		return false;
	port->source = (struct live_source){ .ready = port_ready, .whole = port };
	port->source.fd = live_socket(host->host.party, SOCK_DGRAM, number);
	port->host = host;
	port->number = number;
	if (port->source.fd < 0 || !live_watch(net, &port->source, EPOLLIN)) {
		int why = errno;

		live_bury(net, &port->source);
		errno = why;
		return false;
	}
	port->next = host->ports;
	host->ports = port;
	host->port_count++;
	return true;
}

/* The socket of that port, opened when it is not. NULL, errno set: there is none. */
static struct live_port *port_of(struct live_host *host, uint16_t number)
{
	for (struct live_port *port = host->ports; port; port = port->next)
		if (port->number == number)
			return port;
	if (host->port_count >= PORTS_MOST) {
		errno = EMFILE;
		return NULL;
	}
	return live_port_open(host, number) ? host->ports : NULL;
}

void live_send(struct host *base, uint16_t from_port, struct endpoint to, const uint8_t *bytes, size_t size,
	       enum purpose purpose)
{
	struct live_host *host = (struct live_host *)base;
	struct live_net *net = (struct live_net *)base->net;
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(to.port),
		.sin_addr.s_addr = htonl(to.ip),
	};

	(void)purpose;
	if (!live_may_go(net, base->party, to))
		return;
	struct live_port *port = port_of(host, from_port);
	if (!port) {
		if (net->counts.unsent++ == 0)
			live_remark(net, base->party, "cannot send from UDP port %u: %s", from_port,
				    strerror(errno));
		return;
	}
	/* What the kernel does not take is lost, as datagrams are. */
	if (sendto(port->source.fd, bytes, size, 0, (const struct sockaddr *)&address, sizeof address) < 0)
		net->counts.unsent++;
	else
		net->counts.sent++;
}

/* The kernel fills in identifier and checksum, and keeps the replies from us: they are for the capture. */
void live_ping(struct host *base, uint32_t ip)
{
	struct live_host *host = (struct live_host *)base;
	struct live_net *net = (struct live_net *)base->net;
	const struct sockaddr_in from = { .sin_family = AF_INET,
					  .sin_addr.s_addr = htonl(base->party->address.ip) },
				 to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(ip) };
	const uint8_t request[8 + PING_DATA] = { ICMP_ECHO };

	if (!live_may_go(net, base->party, (struct endpoint){ ip, 0 }) || host->echo_forbidden)
		return;
	if (host->echo < 0) {
		host->echo = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);
		if (host->echo < 0 || bind(host->echo, (const struct sockaddr *)&from, sizeof from) != 0) {
			host->echo_forbidden = true;
			live_remark(net, base->party,
				    "sends no echo requests: %s (net.ipv4.ping_group_range)",
				    strerror(errno));
			return;
		}
	}
	if (sendto(host->echo, request, sizeof request, 0, (const struct sockaddr *)&to, sizeof to) < 0)
		net->counts.unsent++;
}
