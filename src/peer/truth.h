/*
 * What the traffic is, counted where it is made: independent of the monitor's code. Flows are cut here by D1
 * (a gap of more than 200 s; every TCP connection is a conversation of its own) from the generator's own
 * conversations, so that no table of 5-tuples and no clock is shared with the monitor.
 *
 * The file is SQLite with the tables of truth.sql: names and meanings of columns are those of the monitor's
 * database (store/schema.sql).
 */
#ifndef FS_PEER_TRUTH_H
#define FS_PEER_TRUTH_H
#include "peer/fact.h"

#define TRUTH_IDLE_NS INT64_C(200000000000) /* D1; RMM section III.B */

enum truth_proto { TRUTH_UDP, TRUTH_TCP, TRUTH_ICMP };

/* All packets of one 5-tuple; of TCP, of one connection. The truth's; members are for truth.c and wire.c. */
struct conversation {
	struct endpoint near, far;
	uint32_t client,
		peer;  /* clients.client, 0: the near end is none; peers.peer, 0: TCP, or not the overlay's */
	uint32_t call; /* of its media; 0: none */
	uint8_t proto; /* enum truth_proto */
	uint8_t purpose; /* enum purpose: of TCP the connection's */
	bool near_first; /* of the flow: the near end sent its first packet; likewise what follows */
	bool media;
	uint32_t packets[2]; /* by direction: 0 near to far */
	uint64_t payload[2];
	uint64_t first_packet, last_packet; /* first_packet 0: no packet yet */
	int64_t first_ns, last_ns;
	uint32_t calls_seen;                /* truth.calls_changed when `call` was looked up */
	struct conversation *older, *newer; /* that have a flow, in order of their last packets */
	uint32_t ip_id;                     /* wire.c's */
};

struct truth_run {
	const char *scenario, *title, *generator; /* file name, title, "footsteps-peer 0.4.0" */
	uint64_t seed;
	const char *options;   /* one JSON object */
	const char *local_net; /* for `footsteps read --local-net` */
};

struct truth;
/* path NULL: everything is counted, nothing is written. */
/* ".NAME.partial-XXXXXXXX" beside the file, for the truth and the capture alike; free() it. NULL: none could
 * be made. */
char *truth_partial_name(const char *path);

struct truth *truth_open(const char *path, const struct truth_run *run, struct error *err);
/* Ends the flows, derives pairs and their classes, and renames the file when it is whole. capture: as
 * written; sha256 of it, or NULL. */
bool truth_close(struct truth *truth, const char *capture, const char *sha256, struct error *err);
void truth_abandon(struct truth *truth); /* instead: removes what was written; accepts NULL */

/* The capture as a whole, background included. Without it, what truth_packet() has seen. */
void truth_set_extent(struct truth *truth, uint64_t packets, int64_t first_ns, int64_t last_ns);
/* A background capture, and how many of its frames were written. */
void truth_add_input(struct truth *truth, const char *path, uint64_t frames);

struct truth_client {
	const char *name; /* of the party */
	struct endpoint address;
	uint32_t public_ip; /* 0: as address.ip */
	const char *version;
	const char *setup; /* public, port-restricted nat, udp-restricted */
	bool supernode;
	/* What no traffic tells, the monitor must leave open: nobody ever answers it, say. NULL, or why. */
	const char *setup_hidden;
};
/* Returns its number, 1.. in order of calls. */
uint32_t truth_add_client(struct truth *truth, const struct truth_client *client);
/* Returns its number; peers are told apart by their address and port, those of campus by the caller. */
uint32_t truth_add_peer(struct truth *truth, struct endpoint address);
/* Lives until truth_close(). NULL: out of memory (kept for truth_close()). client, peer: as in struct
 * conversation. */
struct conversation *truth_conversation(struct truth *truth, enum truth_proto proto, struct endpoint near,
					struct endpoint far, enum purpose purpose, uint32_t client,
					uint32_t peer);
/* Packets are numbered from 1 through the file, in order. */
void truth_packet(struct truth *truth, struct conversation *c, uint64_t number, int64_t ns, bool from_near,
		  size_t payload, enum purpose purpose);
/* c: of fact->link, or NULL; client: number of fact->party. */
void truth_fact(struct truth *truth, const struct fact *fact, uint32_t client, struct conversation *c,
		int64_t now_ns);
/* A call of the campus, whose media messages then come over c. Scenarios say FACT_CALL instead. Returns its
 * number. */
uint32_t truth_add_call(struct truth *truth, uint32_t client, struct endpoint near, struct endpoint far,
			bool near_began, bool over_tcp, bool relayed, const char *codec);
/* The external address and where it lies, for table places; words as in the monitor's table. */
void truth_add_place(struct truth *truth, uint32_t ip, const char *continent, const char *country,
		     const char *country_name, const char *city, double latitude, double longitude);
#endif
