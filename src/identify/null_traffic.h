/*
 * Generated traffic for the self-test: conversations of one internal socket with several peers, of a named
 * kind, as decoded packets in packet time. The same seed gives the same packets. What a kind looks like is
 * written from its specification (null_payload.c), never from what a dissector expects.
 */
#ifndef FS_IDENTIFY_NULL_TRAFFIC_H
#define FS_IDENTIFY_NULL_TRAFFIC_H
#include "base/rng.h"
#include "decode/packet.h"
#include "flow/flow.h"

#define NULL_PAYLOAD_MAX  1400U /* bytes of a datagram: below every usual MTU, tunnels included */
#define NULL_PEERS_MAX    16U   /* twice the peers from which on a socket is like a node of an overlay */
#define NULL_MESSAGES_MAX 24U   /* of one flow, both directions */
#define NULL_KINDS_MAX    32U
#define NULL_OWN_MAX      3U
#define NULL_ID_MAX       32U

struct null_flow;
/* Writes the next payload of this direction; returns its length, 1 ... NULL_PAYLOAD_MAX. */
typedef size_t null_payload(struct null_flow *f, enum direction dir, struct rng *rng, uint8_t *out);

/* A kind of traffic. Static. */
struct null_kind {
	const char *name;  /* key in options and --json; never renamed */
	const char *words; /* for people, with its source */
	uint8_t l4;
	uint8_t share;        /* of the conversations, beside the others' */
	bool random;          /* nothing but random payload: here a dissector's bits are a promise */
	bool turns;           /* questions and answers; else both talk when they like */
	uint16_t server_port; /* of the peers; 0: any port from 1024 on */
	uint32_t gap_ms;      /* between messages, on average */
	uint32_t again_ms;    /* turns: an unanswered question is repeated after this, then twice this, ... */
	null_payload *payload;
	/* Protocols to which this traffic belongs, by the names in the registry, whether they exist or not:
	 * for them it is not null, and what they find in it is no false alarm. */
	const char *own[NULL_OWN_MAX];
};
extern const struct null_kind null_kinds[];
extern const unsigned null_kind_count;
const struct null_kind *null_kind_named(const char *name);
/* Whether this kind must not be taken for the protocol. */
bool null_for(const struct null_kind *kind, const char *protocol);

/* One flow of a conversation. Fields that a kind has no use for are random, too. */
struct null_flow {
	const struct null_kind *kind;
	struct endpoint peer;
	bool peer_began;
	enum direction next; /* who speaks next */
	bool repeated;       /* the next message is the last question again */
	uint8_t repeats;     /* of that question, so far */
	uint8_t handshake;   /* TCP: packets of it that are still to come */
	unsigned left;       /* messages */
	unsigned sent[2];    /* messages, by enum direction; repetitions not counted */
	unsigned packets[2]; /* ... and counted */
	int64_t due_ns;
	uint32_t tcp_seq[2];
	/* for the payload */
	uint8_t variant;            /* which of a protocol's forms this flow uses */
	uint16_t size, size_most;   /* of random payload: all of one size, or of 1 ... size_most */
	uint8_t id[2][NULL_ID_MAX]; /* identifiers that each side keeps: connection ids, keys, node ids */
	uint8_t asked[16];          /* identifier of the open question */
	uint32_t timestamp[2];
	uint16_t sequence[2];
	uint16_t *shared_counter; /* of the internal socket, over all its peers */
};

struct null_socket {
	const struct null_kind *kind;
	struct endpoint local;
	unsigned flows;
	uint16_t counter;
	uint16_t ip_ident;
	struct null_flow flow[NULL_PEERS_MAX];
};

/* Begins a conversation at now_ns. number, below 2^24, makes the address, 10.x.y.z. */
void null_socket_start(struct null_socket *s, const struct null_kind *kind, uint32_t number, int64_t now_ns,
		       struct rng *rng);
/* The number in the address of an internal socket; false if it is a peer's. */
bool null_socket_number(const struct ip *ip, uint32_t *number);
/*
 * The next packet of the conversation in time, its number excepted; its payload is in buffer. False when all
 * is said.
 */
bool null_socket_next(struct null_socket *s, struct rng *rng, uint8_t buffer[NULL_PAYLOAD_MAX],
		      struct packet *out);
#endif
