/*
 * Where results go: SQLite (default), JSON lines; later other engines behind the same struct.
 *
 * Inputs come last, as their digests take longest. Every struct is borrowed during its call. Times are ns
 * since 1970 UTC; "out" is sent by the client or initiator, "in" the other way; bytes and packets as defined
 * in flow.h. Each put_* returns false with *err filled (EXIT_OUTPUT); after that only abandon() may be
 * called.
 */
#ifndef FS_STORE_SINK_H
#define FS_STORE_SINK_H
#include "behave/calls.h"
#include "behave/keepalive.h"
#include "behave/pairs.h"
#include "capture/source.h"
#include "identify/record.h"
#include "identify/sockets.h"

/* The run as a whole; it says what was left out, and so comes near the end. */
struct run_row {
	const char *version;   /* of footsteps */
	const char *libraries; /* "libpcap 1.10.3, libndpi 4.2.0, ..." */
	const char *options;   /* effective options, one JSON object */
	int64_t idle_ns;
	int64_t first_ns, last_ns; /* of the packets; both 0 when there are none */
	uint64_t packets;          /* frames read, filtered ones included */
	bool complete;             /* false: exit status 3; problems says why */
	const char *problems;      /* lines; "" when complete */
};

/* The manifest's line of one input. */
struct input_row {
	uint32_t n; /* 1.. */
	const struct input_info *input;
};

/* One number of the packet account, the flow account or the judgement of the trace. */
struct counter_row {
	const char *area;  /* "packets" (the account: adds up to runs.packets), "flows", "trace", "bounds" */
	const char *name;  /* stable key */
	const char *words; /* for people */
	uint64_t value;
};

struct client_row {
	uint32_t id; /* 1.. in the run, in order of first_packet */
	const char *protocol;
	const char *verdict; /* "skype" or "skype?" */
	struct endpoint socket;
	bool internal, has_public;
	struct ip public_ip; /* as its peers see it */
	bool behind_nat;     /* has_public, and it differs from the socket's own address */
	float bits;
	uint64_t first_packet;
	int64_t first_ns, last_ns;    /* of its flows (D13) */
	const char *version;          /* from a version check of the same address; "" unknown */
	struct pair_totals total;     /* signalling over UDP */
	uint64_t media_out, media_in; /* payload, UDP and TCP */
	uint64_t tcp_out, tcp_in;     /* payload of its host's TCP flows of the protocol, media left out */
	bool has_tcp;                 /* there is one of them, and when they were: */
	int64_t tcp_first_ns, tcp_last_ns;
	uint32_t peers;
	uint32_t callers, callers_answered; /* peers that spoke first, and how many of them got an answer */
	bool is_supernode;                  /* there are many of them, see behave/callers.h */
};

struct peer_row {
	uint32_t id;
	const char *protocol;
	struct endpoint socket;
	bool internal;
	int64_t first_ns, last_ns;
	uint32_t clients; /* of this trace that it exchanged packets with */
};

struct pair_row {
	uint32_t client, peer;    /* ids */
	struct pair_totals total; /* signalling */
	struct pair_media media;
	int64_t first_ns, last_ns;
	bool client_first; /* the client sent the first packet */
};

/* How a flow got its label. */
#define LABEL_SOURCES(X)                                                                                     \
	X(none, "nothing is known")                                                                          \
	X(payload, "its own payload: a dissector of footsteps")                                              \
	X(socket, "it is a flow of a recognised client socket")                                              \
	X(peer, "it joins a client's host to a known peer, or the client's own port")                        \
	X(opening, "the same address and port were just tried in the protocol's own form")                   \
	X(libndpi, "libndpi, from payload")                                                                  \
	X(guess, "libndpi's guess from port or address")
enum label_source {
#define X(name, words) LABEL_FROM_##name,
	LABEL_SOURCES(X)
#undef X
};

extern const char *const label_source_names[]; /* by enum label_source; in rows.c */

struct flow_row {
	const struct flow_record *flow; /* label final, never NULL */
	const char *protocol;           /* "skype", or NULL */
	enum label_source source;
	float bits;      /* of the verdict or the evidence behind the label; 0 for libndpi */
	uint32_t client; /* id of the client socket at one of its ends; of TCP: of its host; 0 none */
	struct keepalive keepalive; /* of TCP */
};

struct evidence_row {
	bool about_client; /* else about a flow */
	uint64_t subject;  /* client id, or the flow's first_packet */
	const char *protocol;
	const struct evidence_kind *kind;
	struct evidence_sum sum;
};

struct exchange_row {
	uint64_t flow; /* first_packet */
	const char *protocol, *role, *form, *outcome;
	struct endpoint client, server;
	int64_t first_ns, last_ns; /* of its messages */
	uint32_t messages;
	uint32_t client_socket; /* id of the recognised client on the same host; 0 none. Which of several: the
				   first */
};
struct exchange_message_row {
	uint64_t flow;
	uint32_t n; /* 1.. */
	int64_t ts_ns;
	uint64_t packet;
	enum direction dir;
	uint32_t bytes;
	const char *what;
};

struct version_check_row {
	uint64_t flow, packet;
	int64_t ts_ns;
	struct endpoint client, server;
	const char *protocol, *action, *version, *host, *platform;
	uint32_t client_socket; /* as in exchange_row */
};

/* What the strategies of `footsteps rules` look for: every pattern of identify/patterns.h. */
struct pattern_row {
	const char *protocol, *name, *words;
	const char *definition; /* pattern_describe() */
};
/* A flow with a packet that fits one, whether or not the flow has a row of its own. */
struct pattern_hit_row {
	const char *protocol, *pattern; /* the pattern's */
	const struct flow_row *flow;    /* labelled */
	enum direction dir;             /* in which the packet went */
	uint64_t packet;                /* the first that fits */
	int64_t ts_ns;
};

/* All flows by final label (--flows recognised keeps these totals of everything). */
struct label_total_row {
	const char *label, *source; /* source: name of enum label_source */
	const char *ndpi_label;     /* what libndpi says of the same flows; "" nothing */
	uint64_t flows, packets, payload_bytes, ip_bytes;
};

/* How often a measure took a value, see behave/distributions.h. */
struct distribution_row {
	const char *protocol, *measure, *class;
	int64_t value;
	uint64_t count;
};

/* Signalling in a minute, an hour or a day. */
struct series_row {
	const char *protocol, *period; /* "minute", "hour", "day" */
	int64_t start_ns;
	uint64_t flows, packets, payload;
	uint32_t active_clients, new_clients, logins, calls;
};

/* R11: a message id that came back. */
struct round_trip_row {
	uint64_t packet, flow; /* packet: the reply */
	const char *protocol;
	uint32_t client;
	int64_t asked_ns, round_trip_ns;
	uint32_t question, reply; /* payload, bytes */
};

/* N2: a pair class as it would be with another inactivity timeout. */
struct class_share_row {
	const char *protocol, *class;
	int64_t timeout_ns;
	uint64_t pairs, flows, packets;
};

/* N1: entries of a NAT or firewall table in one interval, at their most. */
struct state_entry_row {
	const char *protocol;
	int64_t timeout_ns, start_ns, width_ns;
	uint64_t entries, probes, tcp;
};
struct state_peak_row {
	const char *protocol;
	uint32_t client; /* 0: all together */
	int64_t timeout_ns;
	uint64_t peak, peak_probes, peak_tcp;
	int64_t peak_ns;
	double mean, mean_probes;
	uint64_t opened, opened_probes;
};

/* B2 to B7: from a client's first packet to its login. Flows are first_packet, 0: none; *_ns are since
 * began_ns, negative: never. */
struct startup_row {
	uint32_t id;
	const char *protocol;
	uint32_t client;
	int64_t began_ns;
	const char *outcome;
	uint64_t version_flow, supernode_flow, login_flow, list_flow;
	uint32_t udp_asked, udp_answered, tcp_tried, nodes_after, icmp_echoes;
	int64_t udp_answer_ns, tcp_first_ns, supernode_ns, login_ns;
	uint64_t bytes_out, bytes_in;
};

/* B7: how a client is connected. */
struct setup_row {
	uint32_t client;
	const char *setup, *reasons;
	uint32_t asked, answered, callers;
};

/* B9 */
struct search_row {
	uint32_t id;
	const char *protocol;
	uint32_t client;
	int64_t first_ns, last_ns;
	uint64_t supernode_flow; /* 0: none */
	uint32_t nodes, answered, waves;
	uint64_t bytes_out, bytes_in;
};

/* B17: what a chart can be drawn of, and the flows in it. */
struct scene_row {
	const char *kind; /* "login", "search", "call" */
	uint32_t number;
	uint32_t client; /* 0: none */
	int64_t first_ns, last_ns;
};
struct scene_flow_row {
	const char *kind;
	uint32_t number;
	uint64_t flow;
};

/* R6: a client whose every message is kept. */
struct activity_row {
	uint32_t place; /* 1.. */
	uint32_t client;
	const char *why;
	int64_t first_ns; /* of its flows */
	uint32_t peers, flows;
	uint64_t cut, left_out; /* flows, see behave/activity.h */
};
struct activity_flow_row {
	uint32_t place;
	uint64_t flow;
	uint32_t peer;     /* 1.. in order of first contact */
	bool client_began; /* it is the initiator */
};
struct message_row {
	uint64_t flow;
	uint32_t n; /* 1.. */
	int64_t ts_ns;
	enum direction dir;
	uint32_t bytes; /* 0: of the thinned part of a long flow */
};

/* From DNS answers in the trace. */
struct name_row {
	struct ip ip;
	const char *name, *domain;
	int64_t first_ns;
};
/* By --geo and --asn. NULL, NAN and 0: not said. */
struct place_row {
	struct ip ip;
	const char *continent, *country, *country_name, *city, *organisation;
	double latitude, longitude;
	uint32_t asn;
};
struct place_file_row {
	const char *option, *file, *type;
	int64_t built_ns;
};
/* R9, R10: external addresses of peers in one place. Unknown as in place_row. */
struct peer_place_row {
	const char *protocol, *class;
	uint32_t n; /* 1.. */
	const char *continent, *country, *country_name, *city;
	double latitude, longitude;
	uint64_t addresses;
};

/* B8, B15, B16: a client with a supernode, on one day. */
struct supernode_contact_row {
	uint32_t client;
	const char *protocol;
	struct endpoint node;
	int64_t day_ns, first_ns;
	uint32_t connections, connected;
	bool accepted;
};

struct call_row {
	uint32_t id; /* 1.. in order of first_ns */
	const char *protocol;
	const struct call *call;
};
struct hold_row {
	uint32_t call, n; /* n: 1.. in the call */
	struct hold_period hold;
};

/* One media stream of a flow: of a call, one way only, or voip-like. */
struct stream_row {
	const struct media_flow *flow;
	const struct stream_report *stream;
	uint32_t n;           /* 1.. in the flow */
	const char *estimate; /* codec by the classifier; NULL none */
	float mos;            /* 0: none */
	bool mos_assumed;     /* ... of a usual codec, as the stream's is not told */
};

/*
 * Every kind of row: put_NAME() of the sink takes a struct NAME_row; TABLE is where SQLite keeps them. A new
 * kind is a row here, its struct above, its table in schema.sql and its row_put_NAME() (store/rows.h).
 */
#define SINK_ROWS(X)                                                                                         \
	X(run, runs)                                                                                         \
	X(counter, counters)                                                                                 \
	X(flow, flows)                                                                                       \
	X(client, clients)                                                                                   \
	X(peer, peers)                                                                                       \
	X(pair, pairs)                                                                                       \
	X(evidence, evidence)                                                                                \
	X(exchange, exchanges)                                                                               \
	X(exchange_message, exchange_messages)                                                               \
	X(version_check, version_checks)                                                                     \
	X(call, calls)                                                                                       \
	X(hold, holds)                                                                                       \
	X(stream, streams)                                                                                   \
	X(label_total, label_totals)                                                                         \
	X(distribution, distributions)                                                                       \
	X(series, series)                                                                                    \
	X(round_trip, round_trips)                                                                           \
	X(class_share, class_shares)                                                                         \
	X(state_entry, state_entries)                                                                        \
	X(state_peak, state_peaks)                                                                           \
	X(startup, startups)                                                                                 \
	X(setup, setups)                                                                                     \
	X(search, searches)                                                                                  \
	X(scene, scenes)                                                                                     \
	X(scene_flow, scene_flows)                                                                           \
	X(activity, activity)                                                                                \
	X(activity_flow, activity_flows)                                                                     \
	X(message, messages)                                                                                 \
	X(name, names)                                                                                       \
	X(place, places)                                                                                     \
	X(place_file, place_files)                                                                           \
	X(peer_place, peer_places)                                                                           \
	X(supernode_contact, supernode_contacts)                                                             \
	X(pattern, patterns)                                                                                 \
	X(pattern_hit, pattern_hits)                                                                         \
	X(input, inputs)

struct sink;
struct sink_ops {
	const char *name;
#define X(name, table) bool (*put_##name)(struct sink * s, const struct name##_row *row, struct error *err);
	SINK_ROWS(X)
#undef X
	/* All is written: makes it durable under its final name. Frees s, also on failure. */
	bool (*finish)(struct sink *s, struct error *err);
	/* Leaves nothing behind under the final name. Frees s. */
	void (*abandon)(struct sink *s);
};
struct sink {
	const struct sink_ops *ops;
};

/*
 * SQLite. A fresh database is written beside `path` under a temporary name and renamed when finished; an
 * existing file is replaced only if it is a footsteps database (or empty) and !append. append: adds a run to
 * it in one transaction.
 */
struct sink *sink_sqlite_open(const char *path, bool append, struct error *err);
/*
 * All rows of a run in a database that others read meanwhile (WAL) give way to what is put, in one
 * transaction. *code: what SQLite says of a failure, of this call or a later one: SQLITE_BUSY when somebody
 * holds the database locked. It is written until the sink is finished or abandoned.
 */
struct sink *sink_sqlite_replace(const char *path, int64_t run, int *code, struct error *err);
/* JSON lines, one object per row with its table as "row"; path "-": stdout, else temporary name and rename.
 */
struct sink *sink_json_open(const char *path, struct error *err);
#endif
