/*
 * Inside of the live net (world.h): net_live.c has the clock, the loop and the hosts, net_live_udp.c the
 * datagrams, net_live_tcp.c the connections, net_live_tell.c the words for facts. For cmd_live.c: what it
 * prints, and what it counted.
 *
 * Whatever comes from a socket may come from anybody, so everything is bounded: connections, what waits in
 * either direction, reads per turn. What is over a bound is dropped and counted.
 */
#ifndef FS_PEER_NET_LIVE_H
#define FS_PEER_NET_LIVE_H
#include "peer/world.h"
#include <stdio.h>

struct live_counts {
	uint64_t sent;        /* datagrams */
	uint64_t strangers;   /* datagrams and connections from addresses that guard.h does not allow */
	uint64_t oversized;   /* datagrams that no node sends: more than MESSAGE_MAX bytes */
	uint64_t unsent;      /* datagrams and echo requests that the kernel did not take */
	uint64_t turned_away; /* connections beyond the bound, either way */
	uint64_t overflowed;  /* connections closed because the other end did not read */
};
/* Facts and remarks go there, as lines; NULL (the default): nowhere. */
void net_live_print_to(struct net *net, FILE *out);
const struct live_counts *net_live_counts(const struct net *net);
/* Nothing runs any more: FACT_DOWN of the parties that are still up. Then nothing is printed, either. */
void net_live_tell_ends(struct net *net);
int64_t net_live_today(void); /* the real-time clock: nanoseconds since the epoch */

#define LIVE_LINKS_MOST 512U /* connections of a process: half of the usual limit of open files */

/* What epoll wakes. */
struct live_net;
struct live_source {
	void (*ready)(struct live_net *net, struct live_source *source, uint32_t events);
	int fd;      /* -1: none, or closed */
	void *whole; /* what it is a part of, freed when the turn is over: its events may still be in hand */
	struct live_source *next_dead;
};

struct live_timer {
	int64_t at_ns;
	uint64_t order; /* those of the same time run in the order in which they were set */
	net_timer_fn fn;
	void *self;
	uint64_t what;
};

struct live_port { /* a UDP socket */
	struct live_source source;
	struct live_host *host;
	uint16_t number;
	struct live_port *next;
};

struct live_listener { /* a TCP socket */
	struct live_source source;
	struct live_host *host;
	uint16_t number;
	struct live_listener *next;
};

struct live_host {
	struct host host;
	struct live_source grave; /* for live_bury() alone */
	struct live_port *ports;
	struct live_listener *listeners;
	unsigned port_count;
	int echo;            /* the socket of pings; -1: none yet */
	bool echo_forbidden; /* said once */
	bool up;             /* has said FACT_UP, and not yet FACT_DOWN */
	struct live_host *next;
};

struct live_link;

struct live_net {
	struct net net;
	const struct scenario *scenario;
	int epoll;
	struct live_source alarm; /* a timerfd */
	int64_t offset_ns;        /* scenario time less the monotonic clock */
	int64_t now_ns;           /* scenario time; stands still while a handler runs */
	bool own_namespace;
	struct live_timer *timers; /* a heap */
	size_t timer_count, timer_room;
	uint64_t timer_order;
	struct live_host *hosts;
	struct live_link *links[LIVE_LINKS_MOST];
	size_t link_count;
	uint32_t link_generation;
	struct live_source *dead;
	struct live_counts counts;
	FILE *out;
	bool failed;
	struct error err; /* why, when it failed */
};

/* net_live.c */
void live_after(struct live_net *net, int64_t delay_ns, net_timer_fn fn, void *self, uint64_t what);
bool live_watch(struct live_net *net, struct live_source *source, uint32_t events);
void live_rewatch(struct live_net *net, struct live_source *source, uint32_t events);
void live_bury(struct live_net *net, struct live_source *source);
bool live_allowed(const struct live_net *net, uint32_t ip);
bool live_may_go(struct live_net *net, const struct party *party, struct endpoint to);
/* The net has failed: the first reason is kept, and net_live_run() ends with it. */
void live_fail(struct live_net *net, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A socket of the party, bound to its address and the port (0: any). -1, errno set: none. */
int live_socket(const struct party *party, int type, uint16_t port);

/* net_live_udp.c */
bool live_port_open(struct live_host *host, uint16_t number);
void live_send(struct host *host, uint16_t from_port, struct endpoint to, const uint8_t *bytes, size_t size,
	       enum purpose purpose);
void live_ping(struct host *host, uint32_t ip);

/* net_live_tcp.c */
bool live_listen(struct live_host *host, uint16_t number);
struct link *live_connect(struct host *host, struct endpoint to, enum purpose purpose, void *data);
void live_link_send(struct link *link, const uint8_t *bytes, size_t size, enum purpose purpose);
void live_link_close(struct link *link);
void live_links_close(struct live_host *host); /* all of the host's, as link_close() */
void live_links_free(struct live_net *net);

/* net_live_tell.c */
void live_tell(struct net *net, const struct fact *fact);
void live_remark(struct live_net *net, const struct party *party, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
#endif
