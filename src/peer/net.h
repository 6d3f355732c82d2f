/*
 * What a role sees of the world: a clock, datagrams, connections. Two worlds implement it, and a role cannot
 * tell them apart: net_virtual.c computes one in virtual time, and net_live.c uses the sockets of the kernel.
 *
 * Classic Skype speaks IPv4 alone (BS; skype-wire A1: addresses in messages have four bytes), and so do we.
 *
 * Everything happens in one thread: the world calls a role's handlers and timers, one after another, and a
 * handler returns soon. Messages are borrowed during the call.
 */
#ifndef FS_PEER_NET_H
#define FS_PEER_NET_H
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct endpoint { /* a socket address, in host byte order; port 0: the host */
	uint32_t ip;
	uint16_t port;
};

static inline bool endpoint_equal(struct endpoint a, struct endpoint b)
{
	return a.ip == b.ip && a.port == b.port;
}

#define ENDPOINT_TEXT 22                                            /* "255.255.255.255:65535" and its NUL */
size_t endpoint_format(struct endpoint e, char out[ENDPOINT_TEXT]); /* without ":0" */
/* "192.0.2.1:33033", or without a port. */
bool endpoint_parse(const char *text, struct endpoint *out);

/* What traffic is for: its label and role in the truth (truth.h). Of datagrams it is said one by one. */
enum purpose {
	PURPOSE_SIGNALLING, /* UDP between nodes */
	PURPOSE_MEDIA,      /* voice or video, UDP or TCP */
	PURPOSE_NODE,       /* TCP between nodes */
	PURPOSE_SUPERNODE,  /* TCP of a client to its supernode */
	PURPOSE_LOGIN,
	PURPOSE_CONTACT_LIST,
	PURPOSE_VERSION_CHECK,
	PURPOSE_TLS,   /* TLS to the vendor's servers (2015) */
	PURPOSE_OTHER, /* not the overlay's: DNS, echo requests, traceroute, NAT-PMP */
	PURPOSE_COUNT
};

struct net;
struct party; /* scenario.h */
struct fact;  /* fact.h */
struct host;  /* a party's attachment to the net */
struct link;  /* one end of a TCP connection; the net's, until closed() returns or link_close() is called */

enum link_end {
	LINK_CLOSED,  /* the other end closed it, or reset it */
	LINK_REFUSED, /* connect: a RST came back */
	LINK_TIMEOUT, /* connect: nothing came back */
};

/* All but `self` are called by the net; a handler that is NULL is not called. */
struct host_handlers {
	/* To the party's own port, or to another from which it has sent. */
	void (*datagram)(void *self, uint16_t local_port, struct endpoint from, const uint8_t *bytes,
			 size_t size);
	/* Somebody connected to a port of the party; false resets the connection. */
	bool (*accepted)(void *self, struct link *link, uint16_t local_port, struct endpoint from);
	void (*opened)(void *self, struct link *link); /* a connection of ours was accepted */
	/* A message: what one link_send() of the other end sent. Over real sockets it is what comes without a
	 * pause of 10 ms, so ends leave 25 ms at least between two messages of the same direction. */
	void (*message)(void *self, struct link *link, const uint8_t *bytes, size_t size);
	/* The link is gone when this returns. Not called after link_close(). */
	void (*closed)(void *self, struct link *link, enum link_end end);
};

typedef void (*net_timer_fn)(void *self, uint64_t what);

struct net_ops {
	int64_t (*now)(const struct net *net);
	void (*after)(struct net *net, int64_t delay_ns, net_timer_fn fn, void *self, uint64_t what);
	struct host *(*attach)(struct net *net, const struct party *party, const struct host_handlers *h,
			       void *self, struct error *err);
	void (*detach)(
		struct host *host); /* the program ends: its connections close, its ports answer no more */
	void (*send)(struct host *host, uint16_t from_port, struct endpoint to, const uint8_t *bytes,
		     size_t size, enum purpose purpose);
	void (*ping)(struct host *host, uint32_t ip); /* one ICMP echo request */
	struct link *(*connect)(struct host *host, struct endpoint to, enum purpose purpose, void *data);
	void (*link_send)(struct link *link, const uint8_t *bytes, size_t size, enum purpose purpose);
	void (*link_close)(struct link *link); /* FIN; nothing more is heard of it */
	void (*tell)(struct net *net, const struct fact *fact);
};

struct net { /* the first member of both implementations */
	const struct net_ops *ops;
	bool out_of_memory; /* of a role: the run ends, and says so */
};

/* Every link begins with this. */
struct link {
	struct host *host;
	struct endpoint far; /* as this end sees it */
	uint16_t local_port;
	enum purpose purpose; /* as said to connect; PURPOSE_NODE at the accepting end */
	void *data;           /* the role's */
};
struct host { /* likewise */
	struct net *net;
	const struct party *party;
	const struct host_handlers *handlers;
	void *self;
};

/* Zeroed memory for roles, which have nobody to tell that there is none: the run does. To be freed with
 * free(). */
static inline void *net_alloc(struct net *net, size_t count, size_t size)
{
	void *memory = calloc(count, size);

	net->out_of_memory = net->out_of_memory || !memory;
	return memory;
}

/* Nanoseconds since the epoch: virtual, or the clock's. */
static inline int64_t net_now(const struct net *net)
{
	return net->ops->now(net);
}
/* Once. Nothing cancels it: fn looks at the role's state, and `what` tells old timers from new ones. */
static inline void net_after(struct net *net, int64_t delay_ns, net_timer_fn fn, void *self, uint64_t what)
{
	net->ops->after(net, delay_ns, fn, self, what);
}
/* The party's sockets: UDP and TCP on its port (and, if the party says so, TCP on 80 and 443). */
static inline struct host *net_attach(struct net *net, const struct party *party,
				      const struct host_handlers *h, void *self, struct error *err)
{
	return net->ops->attach(net, party, h, self, err);
}
static inline void net_detach(struct host *host)
{
	host->net->ops->detach(host);
}
static inline void net_send(struct host *host, uint16_t from_port, struct endpoint to, const uint8_t *bytes,
			    size_t size, enum purpose purpose)
{
	host->net->ops->send(host, from_port, to, bytes, size, purpose);
}
static inline void net_ping(struct host *host, uint32_t ip)
{
	host->net->ops->ping(host, ip);
}
/* From a port of its own. NULL when no more connections fit; else opened() or closed() follows. */
static inline struct link *net_connect(struct host *host, struct endpoint to, enum purpose purpose,
				       void *data)
{
	return host->net->ops->connect(host, to, purpose, data);
}
static inline void link_send(struct link *link, const uint8_t *bytes, size_t size, enum purpose purpose)
{
	link->host->net->ops->link_send(link, bytes, size, purpose);
}
static inline void link_close(struct link *link)
{
	link->host->net->ops->link_close(link);
}
/* What has happened, for the truth. */
static inline void net_tell(struct net *net, const struct fact *fact)
{
	net->ops->tell(net, fact);
}
#endif
