/*
 * Sockets that have any evidence, over the closed flows: their pairs, what speaks for and against them, and
 * the verdicts. Private to store/.
 */
#ifndef FS_STORE_CANDIDATES_H
#define FS_STORE_CANDIDATES_H
#include "base/bloom.h"
#include "base/hash.h"
#include "base/row_index.h"
#include "behave/callers.h"
#include "behave/openings.h"
#include "behave/pairs.h"
#include "identify/identify.h"
#include "identify/sockets.h"

#define TCP_CONTACTS_MAX 1000000U
/* Candidates of one host that are looked through for a TCP flow: more sockets than that on one address are a
 * NAT or a flood, and the first ones have to do. */
#define HOST_CANDIDATES_MAX 1024U

/* A TCP flow, as far as it can be evidence: to the address and port that had answered over UDP. */
struct tcp_contact {
	struct ip from;
	struct endpoint to;
	int64_t first_ns;
	uint64_t first_packet;
	uint32_t contradicted; /* bit p: libndpi sees, by payload, something that is not protocols[p] */
};

struct host { /* an address with candidates */
	struct ip ip;
	uint32_t first, last; /* candidate numbers; chained by candidates.next_of_host */
	uint32_t opened;      /* bit p: its openings of protocol p have counted */
};

/* Whether anything comes to a candidate over UDP. */
struct reach {
	uint32_t asked; /* peers that it spoke to first */
	bool reached;   /* somebody answered, or came by himself */
};

struct candidates {
	struct socket_table *sockets; /* borrowed */
	struct pair_table *pairs;
	struct socket_entry **entry; /* entry[i] has candidate number i + 1; in order of first evidence */
	struct callers *callers;     /* beside entry[]; after candidates_judge() */
	struct reach *reach;         /* likewise */
	uint32_t *next_of_host;      /* beside entry[]: the next candidate number of the same host; 0: none */
	uint32_t count, clients;
	struct socket_entry **client; /* client[i] has client number i + 1; after candidates_verdicts() */
	struct tcp_contact *tcp; /* TCP flows from hosts of candidates: the first TCP_CONTACTS_MAX of them */
	uint32_t tcps, tcp_room;
	uint64_t tcps_refused; /* beyond TCP_CONTACTS_MAX: their evidence is missing, their labels are not */
	struct host *host;
	uint32_t hosts;
	struct hash_key key;
	struct row_index by_host; /* over host[] */
	/*
	 * Most flows have nothing to do with any candidate: these tell so without a look at the tables, for
	 * all protocols together. By endpoint_hash() and hash_host() with `key`.
	 */
	struct bloom sockets_met, hosts_met;
	struct bloom peers_met;   /* all peers; from candidates_judge() on */
	struct bloom clients_met; /* sockets of recognised clients; from candidates_verdicts() on */
};

bool candidates_gather(struct candidates *c, struct socket_table *sockets, uint32_t max_pairs,
		       struct error *err);
void candidates_drop(struct candidates *c);
/* First pass over the closed flows: pairs, what speaks against a candidate, and its host's TCP flows. log:
 * the r->sizes messages of the flow. */
bool candidates_add(struct candidates *c, const struct flow_record *r, const struct logged_message *log,
		    struct error *err);
/* After the first pass: behaviour over all peers (recognition 9). */
bool candidates_judge(struct candidates *c, const struct openings *openings, struct error *err);
/* Numbers the clients (recognised and suspected); *recognised: how many of them are. */
bool candidates_verdicts(struct candidates *c, uint32_t *recognised, struct error *err);

/* Whether any candidate has this address. */
bool candidates_have_host(const struct candidates *c, const struct ip *ip);
/* False: neither end of the flow is a recognised client's socket or a peer of one. True says little. */
bool candidates_concern(const struct candidates *c, const struct flow_record *r);
/* A UDP flow that is not the protocol's, and that the responder never answered: what a scan or a former user
 * of the port leaves at a client's socket. It is no flow of the client. */
bool is_stray(const struct flow_record *r, unsigned p);
/* From a socket to itself, as forged packets are: there is no peer (D4), and nothing is exchanged. */
bool is_to_itself(const struct flow_record *r);
/* The recognised client at this socket, or NULL. */
const struct socket_entry *client_at(const struct candidates *c, unsigned p, const struct endpoint *end);
/* The first recognised client of this host that asked a peer at `far` over UDP, or was answered by it, and
 * their pair; or NULL. */
const struct socket_entry *client_of_peer(const struct candidates *c, unsigned p, const struct ip *host,
					  const struct endpoint *far, const struct pair **pair);
/* Number of the first recognised client of this host; 0: none. */
uint32_t client_of_host(const struct candidates *c, unsigned p, const struct ip *host);
/* A recognised client of this host asked SETUP_ASKED_MIN peers or more over UDP, and nothing ever came to it:
 * its UDP is blocked, and all that it does goes over TCP. */
bool candidates_cut_off(const struct candidates *c, unsigned p, const struct ip *host);
/* r, TCP: its initiator opened another connection to the same address and port at most CALL_SETUP_MAX_NS
 * before. A call is signalled over TCP before its media join it at the same node (BS IV.D, Fig. 10; report on
 * 0.97, Fig. 11); programs that speak over one connection do not. */
#define CALL_SETUP_MAX_NS INT64_C(60000000000) /* nobody rings for longer */
bool candidates_second_connection(const struct candidates *c, const struct flow_record *r);
/* libndpi sees, by payload, something that is not this protocol. */
bool contradicted(const struct flow_record *r, const struct protocol *protocol);
#endif
