/*
 * Where results go: SQLite (default), JSON lines; later other engines behind the same struct.
 *
 * A run is written in the order of the calls below, but for its inputs, which come last. Every struct is
 * borrowed during its call. Times are ns since 1970 UTC; "out" is sent by the client or initiator, "in" the
 * other way; bytes and packets as defined in flow.h. Each put_* returns false with *err filled (EXIT_OUTPUT);
 * after that only abandon() may be called.
 */
#ifndef FS_STORE_SINK_H
#define FS_STORE_SINK_H
#include "behave/calls.h"
#include "behave/keepalive.h"
#include "behave/pairs.h"
#include "capture/source.h"
#include "identify/record.h"
#include "identify/sockets.h"

/* The run as a whole; first call. */
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
	int64_t first_ns, last_ns; /* of its flows (D13) */
	const char *version;       /* from a version check of the same address; "" unknown */
	struct pair_totals total;
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
	uint32_t client, peer; /* ids */
	struct pair_totals total;
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

struct version_row {
	uint64_t flow, packet;
	int64_t ts_ns;
	struct endpoint client, server;
	const char *protocol, *action, *version, *host, *platform;
	uint32_t client_socket; /* as in exchange_row */
};

/* All flows by final label (--flows recognised keeps these totals of everything). */
struct label_total_row {
	const char *label, *source; /* source: name of enum label_source */
	const char *ndpi_label;     /* what libndpi says of the same flows; "" nothing */
	uint64_t flows, packets, payload_bytes, ip_bytes;
};

/* Payload sizes of signalling messages over UDP (R8). */
struct size_row {
	const char *protocol;
	bool probe; /* D6/D7; else non-probe (D12) */
	bool from_client;
	uint32_t size;
	uint64_t messages;
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

struct sink;
struct sink_ops {
	const char *name;
	bool (*put_run)(struct sink *s, const struct run_row *row, struct error *err);
	bool (*put_input)(struct sink *s, uint32_t n, const struct input_info *row, struct error *err);
	bool (*put_counter)(struct sink *s, const struct counter_row *row, struct error *err);
	bool (*put_client)(struct sink *s, const struct client_row *row, struct error *err);
	bool (*put_peer)(struct sink *s, const struct peer_row *row, struct error *err);
	bool (*put_pair)(struct sink *s, const struct pair_row *row, struct error *err);
	bool (*put_flow)(struct sink *s, const struct flow_row *row, struct error *err);
	bool (*put_evidence)(struct sink *s, const struct evidence_row *row, struct error *err);
	bool (*put_exchange)(struct sink *s, const struct exchange_row *row, struct error *err);
	bool (*put_exchange_message)(struct sink *s, const struct exchange_message_row *row,
				     struct error *err);
	bool (*put_version)(struct sink *s, const struct version_row *row, struct error *err);
	bool (*put_call)(struct sink *s, const struct call_row *row, struct error *err);
	bool (*put_hold)(struct sink *s, const struct hold_row *row, struct error *err);
	bool (*put_stream)(struct sink *s, const struct stream_row *row, struct error *err);
	bool (*put_label_total)(struct sink *s, const struct label_total_row *row, struct error *err);
	bool (*put_size)(struct sink *s, const struct size_row *row, struct error *err);
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
/* JSON lines, one object per row with its table as "row"; path "-": stdout, else temporary name and rename.
 */
struct sink *sink_json_open(const char *path, struct error *err);
#endif
