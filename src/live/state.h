/*
 * What a live run knows at this moment, for people and for other programs: fed by the recorder, read by
 * anybody (control socket, web page, metrics) under its lock. Bounded lists; the database has everything.
 *
 * state_json() is the one form in which it goes out. Times are ISO 8601 UTC text with milliseconds, addresses
 * text ("192.0.2.1:5060", "[2001:db8::1]:5060"), what is not known is null, counts are since this start
 * unless said otherwise:
 *
 * {"version","now","started","uptime_s","database","run","session",           now: of the capture clock
 *  "interfaces":[{"name","up","gone","packets","bytes","dropped_kernel","dropped_interface"}],
 *  "workers":[{"packets","flows","flows_alive","queue","calls"}],             queue: chunks that wait for the
 *                                                                             recorder
 *  "rates":{"packets","bits","flows","drops"},                                a second, over the last 10 s;
 *                                                                             flows: begun
 *  "totals":{"packets","bytes","flows","clients","suspected","logins","calls","supernodes","alerts"},
 *  "drops":{"kernel","interface","store","share"},                            share: of all packets, 0..1
 *  "minutes":[{"start","packets","bytes","flows","logins","kernel","interface","store"}],   the last 60,
 *                                                                  oldest first, with the one that is running
 *  "clients":[{"socket","protocol","verdict","bits","first","last","logins","supernode","public","name"}],
 *                                       name: of a long one "..." and its end;
 *                                       the 200 last seen, newest first; verdict "skype", "skype?". Suspected
 *                                       ones have the room that recognised ones leave, and no logins: as in
 *                                       the database (exchanges.client), a login is of a recognised client
 *                                       of its host, or of none; "logins" and the total have all
 *  "logins":[{"time","client","server","server_name","protocol","role","outcome","version"}],
 *                                       the last 50, newest first; role "login", "contact-list",
 *                                       "version-check" (no outcome, but a version)
 *  "calls":[{"began","initiator","responder","packets"}],                     in progress
 *  "storage":{"state","why","committed","tables","tables_took_s","file_bytes","wal_bytes","backlog_bytes",
 *             "records_lost","rotations","next_rotation"},
 *  "problems":["..."]}                                                        the last 20, oldest first
 *
 * A client is what the evidence about its socket says by now; the tables of the database, which also know the
 * flows, have the last word. "suspected" is how many there are now, "calls" how many have been told of.
 *
 * Totals survive a restart where the store continues a run (live_state_restore()); bytes of former sessions
 * are those of their flows.
 */
#ifndef FS_LIVE_STATE_H
#define FS_LIVE_STATE_H
#include "capture/interface.h"
#include "store/facts.h"
#include "store/live_store.h"

/* What just happened; for alerts.h. Texts and endpoints are borrowed. */
enum live_event_type {
	LIVE_NEW_CLIENT, /* a socket was recognised */
	LIVE_LOGIN,      /* an exchange with a login server has an outcome, or ended without */
	LIVE_CALL,       /* a flow that talks began to do so some seconds ago */
	LIVE_SUPERNODE,  /* an internal client is called by many: it relays for others */
	LIVE_DROPS,      /* more than a share of the last minute's packets were lost */
	LIVE_STORAGE,    /* the store's state changed */
	LIVE_INTERFACE,  /* an interface went down, came back or vanished */
};
struct live_event {
	enum live_event_type type;
	int64_t ts_ns;
	const char *protocol;          /* or NULL */
	struct endpoint client, other; /* port 0: none */
	const char *words;             /* one line for people */
	const char *outcome;           /* of a login, or NULL */
	double value;                  /* share of drops */
};

struct live_state_options {
	struct socket_options sockets;
	double drop_share; /* for LIVE_DROPS; 0: never */
	const char *database;
	void (*event)(void *self,
		      const struct live_event *event); /* outside the lock, in the recorder's thread */
	void *self;
};

struct live_state;
struct live_state *live_state_new(const struct live_state_options *options, struct error *err);
void live_state_free(struct live_state *s);
/* For facts_tell() of every chunk. */
struct facts_listener live_state_listener(struct live_state *s);
/* While the facts of former sessions are told: no events, no rates. */
void live_state_restore(struct live_state *s, bool begin);
void live_state_second(struct live_state *s, int64_t capture_ns, const struct interface_stats *interface,
		       size_t interfaces, const struct live_store_status *storage);
/* In any thread, now: of the capture clock; what it finds is told with the next call in the recorder's
 * thread. */
void live_state_workers(struct live_state *s, unsigned worker, int64_t now_ns, uint64_t queue,
			const struct worker_call *calls, size_t count);
/* From now on (HUP). */
void live_state_drop_share(struct live_state *s, double share);
/* A line for "problems". */
void live_state_say(struct live_state *s, const char *line);
/* What the minutes have got since the last call, the running one included, for the store, which adds it up;
 * how many. */
size_t live_state_minutes(struct live_state *s, struct capture_minute *out, size_t max);
/* The running minute is over, too: before the last live_state_minutes(). */
void live_state_end(struct live_state *s);
/* Allocated, to be freed with free(); NULL: no memory. Any thread. */
char *live_state_json(struct live_state *s);
/* Prometheus text exposition format, likewise. */
char *live_state_metrics(struct live_state *s);
#endif
