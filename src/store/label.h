/*
 * Which label a closed flow gets, once the evidence is in: the verdicts of recognition, applied to flows.
 * Private to store/.
 */
#ifndef FS_STORE_LABEL_H
#define FS_STORE_LABEL_H
#include "base/hash.h"
#include "base/row_index.h"
#include "behave/pairs.h"
#include "store/sink.h"

#define TCP_CONTACTS_MAX 1000000U

/* A TCP flow, as far as it can be evidence: to the address and port that had answered over UDP. */
struct tcp_contact {
	struct ip from;
	struct endpoint to;
	int64_t first_ns;
	uint64_t first_packet;
	uint32_t contradicted; /* bit p: libndpi sees, by payload, something that is not protocols[p] */
};

/* Sockets that have any evidence, with the pairs of their UDP flows. Verdicts fall over these. */
struct candidates {
	struct socket_table *sockets; /* borrowed */
	struct pair_table *pairs;
	struct socket_entry **entry; /* entry[i] has candidate number i + 1; in order of first evidence */
	uint32_t count, clients;
	struct socket_entry **client; /* client[i] has client number i + 1; after candidates_verdicts() */
	struct tcp_contact *tcp; /* TCP flows from hosts of candidates: the first TCP_CONTACTS_MAX of them */
	uint32_t tcps, tcp_room;
	struct intern *names; /* borrowed: where labels made here are kept until the sink is finished */
	struct hash_key key;
	struct row_index by_host; /* over entry[], by IP address */
};

bool candidates_gather(struct candidates *c, struct socket_table *sockets, struct intern *names,
		       uint32_t max_pairs, struct error *err);
void candidates_drop(struct candidates *c);
/* First pass over the closed flows: pairs, what speaks against a candidate, and its host's TCP flows. */
bool candidates_add(struct candidates *c, const struct flow_record *r, struct error *err);
/* After the first pass: behaviour over all peers (recognition 9). */
void candidates_judge(struct candidates *c);
/* Numbers the clients (recognised and suspected); *recognised: how many of them are. */
bool candidates_verdicts(struct candidates *c, uint32_t *recognised, struct error *err);

/* Last pass: fills all of row but row->flow, and row->flow->label. */
void label_record(const struct candidates *c, struct flow_record *r, struct flow_row *row);
#endif
