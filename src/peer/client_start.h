/* The start-up of versions of 2006: what client_start.c, client_find.c, client_login.c and client_services.c
 * share. */
#ifndef FS_PEER_CLIENT_START_H
#define FS_PEER_CLIENT_START_H
#include "base/clock.h"
#include "peer/client.h"
#include "peer/fact.h"

struct server_link { /* a connection to one of the vendor's servers */
	struct client_link part;
	struct link *link; /* NULL: there is none */
	unsigned messages; /* that came */
	int64_t last_ns;   /* of either direction */
	bool told;         /* its outcome */
};

#define START_TRYING                                                                                         \
	64U /* connections at a time: 0.97 begins nine each second, and waits 5 s for the last one */

struct client_start {
	/* client_find.c */
	uint64_t step;       /* of the search for a supernode: timers of an earlier one do nothing */
	unsigned cycles;     /* all of Fig. 3, in vain */
	bool bootstrap;      /* asks the supernodes that it was made with, not its cache */
	bool answered;       /* anybody, over UDP, in this cycle */
	size_t in_vain;      /* asked in earlier cycles */
	size_t first, asked; /* candidates: from `first` on, so many of them */
	size_t tried;        /* over TCP, as the candidates and their ports are counted */
	struct link *trying[START_TRYING];
	unsigned trying_count;
	/* client_start.c */
	enum opening opening;
	unsigned line;
	struct client_link supernode_part;
	struct link *link; /* to a supernode, or to one that may become it */
	/* client_login.c */
	struct server_link login, list, web;
	bool logged_in, refused, pinging;
	unsigned questions; /* of the first fan-out behind the login */
	bool more_asked;    /* the second request for nodes */
	unsigned rounds[4]; /* of ping-pong, by node */
	struct endpoint ponged[4];
	unsigned list_exchanges;
	uint16_t name_port; /* of its questions to the name server; 0: none is asked */
};

static inline int64_t start_us(struct client *c, uint32_t least, uint32_t most)
{
	return (int64_t)rng_between(&c->role.rng, least, most) * NS_PER_US;
}
static inline int64_t start_ms(struct client *c, uint32_t least, uint32_t most)
{
	return start_us(c, least * 1000, most * 1000);
}
/* Timers of the start-up: fn(client, session), which asks start_runs() first. */
static inline void start_after(struct client *c, int64_t ns, net_timer_fn fn)
{
	net_after(c->role.net, ns, fn, c, c->session);
}
static inline bool start_runs(const struct client *c, uint64_t session)
{
	return c->start && c->session == session && !c->start->refused;
}

/* client_find.c: looks for a supernode until start_connected(). */
void find_begin(struct client *c);
void find_stop(struct client *c);
void find_stop_trying(struct client *c);
/* client_start.c. Connects to the supernode that it has; to one of many that it tries. */
void start_connect(struct client *c, struct endpoint to);
void start_try(struct client *c, struct endpoint to);
/* client_find.c: the connection failed. */
void find_failed(struct client *c);
/* client_login.c: the supernode has said what it says first. */
void login_begin(struct client *c);
/* client_services.c */
void services_after_login(struct client *c);
void service_connect(struct client *c, struct server_link *s, struct endpoint to, enum purpose purpose);
/* The link is there, and nothing was said on it for 30 s (wire B3): closes it then. */
void service_watch(struct client *c, struct server_link *s);
void service_send(struct client *c, struct server_link *s, const uint8_t *bytes, size_t size);
/* An exchange with a login or contact-list server has an outcome. */
void service_tell(struct client *c, struct server_link *s, const char *outcome);
#endif
