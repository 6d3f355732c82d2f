/*
 * The insides of the live state. state.c takes what happens; state_clients.c, state_logins.c, state_calls.c
 * and state_numbers.c keep the lists and the sums; state_json.c and state_metrics.c say them. All of it under
 * one lock, which state.c and those who are called from outside take.
 */
#ifndef FS_LIVE_STATE_PARTS_H
#define FS_LIVE_STATE_PARTS_H
#include "base/hash.h"
#include "base/text.h"
#include "behave/callers.h"
#include "behave/exchanges.h"
#include "live/state.h"
#include <pthread.h>

/* What is shown, as state.h says. */
#define CLIENTS_SHOWN  200U
#define LOGINS_SHOWN   50U
#define MINUTES_SHOWN  60U
#define PROBLEMS_SHOWN 20U
#define CALLS_SHOWN    256U

/* Clients kept at a time, 5 MB: ten times those of a campus of 1,700 (behave/supernodes.h). */
#define LIVE_CLIENTS_MAX    16384U
#define LIVE_CLIENT_BUCKETS 16384U

/*
 * Callers of a client are told apart by one bit each; with 176 of them, the most that the rule below can ask
 * for, one in twelve is taken for another, which can only lose.
 */
#define CALLER_BITS 1024U
/*
 * The rule of behave/callers.h is about the whole life of a socket, which may be weeks. Here it is put to
 * windows of 10 of its periods, and asks for two periods' worth from the start: with 6 expected callers, 32
 * come in one window of 10^13, so that months of windows find no ordinary client.
 */
#define CALLERS_WINDOW_NS (10 * CALLERS_PERIOD_NS)

struct live_client {
	struct endpoint socket;
	uint8_t l4, protocol;
	bool used, recognised, internal, supernode, has_public;
	float bits;
	int64_t first_ns, last_ns;
	uint32_t logins;
	struct ip public_ip;
	struct callers callers; /* of the window that begins at callers.first_ns */
	uint64_t caller[CALLER_BITS / 64];
	uint32_t next_of_socket, next_of_host; /* number + 1; 0: none */
	uint32_t newer, older;                 /* among those of the same verdict */
};

struct client_age { /* a list by the time seen: numbers + 1 */
	uint32_t newest, oldest, count;
};

struct live_clients {
	struct hash_key key;
	struct live_client *client; /* LIVE_CLIENTS_MAX */
	uint32_t of_socket[LIVE_CLIENT_BUCKETS], of_host[LIVE_CLIENT_BUCKETS];
	uint32_t ever, free;      /* rows used so far; number + 1 of the first one free again */
	struct client_age age[2]; /* suspected, recognised */
	uint32_t now[PROTOCOLS_MAX][2];
	uint64_t recognised; /* ever */
};

/* Names of addresses: the newest of each, in sets, the oldest of a set gives way. Nothing is ever full. */
#define NAME_SETS 4096U
#define NAME_WAYS 4U
#define NAME_KEPT 128U
struct name_set {
	struct {
		struct ip ip;
		char name[NAME_KEPT];
	} way[NAME_WAYS];
	uint8_t next;
};

/* An exchange whose flow lives. A connection in a thousand is one; what is beyond ends early, as unknown. */
#define LOGINS_OPEN_MAX 4096U
#define LOGIN_BUCKETS   1024U
#define ROLE_TEXT       16U
struct open_login {
	uint64_t flow;
	struct endpoint client, server;
	int64_t ts_ns;
	uint8_t protocol;
	enum exchange_outcome outcome;
	bool used, told;
	char role[ROLE_TEXT];
	uint32_t next; /* in the bucket, or free: number + 1 */
};
struct shown_login {
	int64_t ts_ns;
	struct endpoint client, server;
	uint8_t protocol;
	bool has_outcome;
	enum exchange_outcome outcome;
	char role[ROLE_TEXT], version[32], server_name[NAME_KEPT];
};

/* What has been going on for so long is a call, not a burst of something. */
#define CALL_TOLD_NS   INT64_C(5000000000)
#define CALLS_TOLD_MAX 4096U /* remembered, so that a call on hold is not told again */

struct live_worker {
	bool known;
	uint64_t packets, flows, flows_alive, queue;
	uint32_t calls;
	struct worker_call *call; /* WORKER_CALLS_MAX; NULL: none yet */
};

/* Last counts of a stream of a former session. More than this are added up. */
#define STREAMS_MAX 1024U
struct former_stream {
	uint32_t session;
	uint16_t worker;
	uint64_t packets, flows;
};

struct live_minute {
	int64_t start_ns;
	uint64_t packets, bytes, flows, logins, kernel, interface, store;
};
struct live_link {
	char name[32];
	struct interface_stats stats;
	struct capture_minute minute; /* the running one */
};
#define MINUTES_WAIT (4U * INTERFACES_MAX)

#define SAMPLES 11U /* ten seconds have eleven ends */
struct live_sample {
	int64_t ns;
	uint64_t packets, bytes, flows, drops;
};

#define EVENTS_WAIT 512U /* of many workers' calls, between two calls in the recorder's thread */
struct live_waiting {
	struct live_event event;
	char words[256];
};

#define PROBLEM_TEXT 512U /* as much as an error says */

struct live_state {
	pthread_mutex_t lock;
	struct live_state_options options;
	char *database;
	bool restoring, failed; /* failed: some socket had no memory, said once */
	int64_t started_ns, started_monotonic_ns, now_ns;

	struct socket_table *sockets;
	struct live_clients clients;
	struct name_set *names; /* NAME_SETS */

	struct open_login *open; /* LOGINS_OPEN_MAX */
	uint32_t open_bucket[LOGIN_BUCKETS], open_ever, open_free, open_count, open_evict;
	struct shown_login login[LOGINS_SHOWN]; /* a ring */
	uint64_t logins_shown;                  /* ever */
	uint64_t logins[PROTOCOLS_MAX][OUTCOME_FAILURE + 1];
	uint64_t logins_total, calls_total, supernodes_total, events_total;

	struct live_worker worker[INTERFACE_WORKERS_MAX];
	uint64_t call_told[CALLS_TOLD_MAX]; /* hashes, a ring */
	uint32_t call_told_next;

	struct former_stream former[STREAMS_MAX];
	uint32_t formers;
	uint64_t former_packets, former_flows, former_bytes, flow_bytes;

	struct live_link link[INTERFACES_MAX];
	uint32_t links;
	struct live_store_status storage;
	bool has_storage;
	struct live_minute minute[MINUTES_SHOWN]; /* a ring; the last is running */
	uint32_t minutes;                         /* ever */
	struct capture_minute over[MINUTES_WAIT];
	uint32_t overs;
	/* Totals at the last second. */
	uint64_t minute_packets, minute_bytes, minute_flows, minute_logins, minute_store;
	struct live_sample sample[SAMPLES];
	uint32_t samples;

	struct live_waiting waiting[EVENTS_WAIT]; /* a ring */
	uint32_t waiting_first, waiting_count;
	char problem[PROBLEMS_SHOWN][PROBLEM_TEXT]; /* a ring */
	uint64_t problems;                          /* ever */
};

/* "192.0.2.1:5060", "[2001:db8::1]:5060". */
#define ENDPOINT_TEXT (IP_TEXT + 8)
const char *endpoint_text(const struct endpoint *e, char out[ENDPOINT_TEXT]);

/* --- state.c --- */
/* An event for the listener, to be told outside the lock; words as printf. False: no room just now. */
bool state_happened(struct live_state *s, const struct live_event *event, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void state_problem(struct live_state *s, const char *line);

/* --- state_clients.c --- */
bool clients_new(struct live_clients *t);
void clients_drop(struct live_clients *t);
/* Clients at a socket, or of a host: the first with after == NULL. */
struct live_client *client_shown_at(const struct live_clients *t, const struct endpoint *socket, unsigned l4,
				    const struct live_client *after);
struct live_client *client_of_login(const struct live_clients *t, unsigned protocol, const struct ip *host);
/* The evidence about this socket has changed. */
void state_client_judge(struct live_state *s, unsigned protocol, unsigned l4, const struct endpoint *socket);
void state_client_flow(struct live_state *s, const struct flow_record *r);

/* --- state_logins.c --- */
void state_named(struct live_state *s, const struct dns_answer *answer);
const char *state_name_of(const struct live_state *s, const struct ip *ip); /* or NULL */
void state_exchange(struct live_state *s, const struct occurrence *o);
void state_version_check(struct live_state *s, const struct occurrence *o);
void state_login_flow(struct live_state *s, const struct flow_record *r);
void state_logins_end(struct live_state *s); /* no more of their flows come */
/* Of the newest, i == 0, and those before; NULL: no more. */
const struct shown_login *state_login(const struct live_state *s, uint32_t i);

/* --- state_numbers.c --- */
void state_end(struct live_state *s);
void state_second(struct live_state *s, int64_t capture_ns, const struct interface_stats *interface,
		  size_t interfaces, const struct live_store_status *storage);
uint64_t state_packets(const struct live_state *s);
uint64_t state_bytes(const struct live_state *s);
uint64_t state_flows(const struct live_state *s);
uint64_t state_flows_alive(const struct live_state *s);
uint32_t state_calls_active(const struct live_state *s);
void state_drops(const struct live_state *s, uint64_t *kernel, uint64_t *interface);
void state_counts(struct live_state *s, const struct facts_place *place, const struct stage_counts *counts);
struct live_rates {
	double packets, bits, flows, drops;
};
struct live_rates state_rates(const struct live_state *s);
int64_t state_uptime_ns(const struct live_state *s);
#endif
