/* What the files of the truth share: truth.c has flows, truth_pairs.c pairs, truth_facts.c
 * what roles say, truth_write.c the file. */
#ifndef FS_PEER_TRUTH_PARTS_H
#define FS_PEER_TRUTH_PARTS_H
#include "base/row_index.h"
#include "peer/truth.h"

#define TRUTH_PROTOCOL "skype"

#define TRUTH_TABLES(X)                                                                                      \
	X(runs)                                                                                              \
	X(inputs)                                                                                            \
	X(clients)                                                                                           \
	X(setups)                                                                                            \
	X(peers)                                                                                             \
	X(pairs)                                                                                             \
	X(flows) X(startups) X(exchanges) X(version_checks) X(calls) X(holds) X(searches) X(places)
enum truth_table {
#define X(name) TRUTH_##name,
	TRUTH_TABLES(X)
#undef X
		TRUTH_TABLE_COUNT
};

/* The file. Rows are written cell by cell, in the order of truth.sql; run, the first, is there already. A
 * failure sticks, and truth_file_close() tells it. NULL takes everything and writes nothing. */
struct truth_file;
struct truth_file *truth_file_open(const char *path, struct error *err);
/* False when something could not be written: nothing is left then. Frees it in any case. */
bool truth_file_close(struct truth_file *file, struct error *err);
void truth_file_abandon(struct truth_file *file);
void row_begin(struct truth_file *file, enum truth_table table);
void row_int(struct truth_file *file, int64_t value);
void row_real(struct truth_file *file, double value);
void row_text(struct truth_file *file, const char *text); /* copied; NULL: NULL */
void row_null(struct truth_file *file);
void row_number(struct truth_file *file, uint32_t number);   /* 0: NULL */
void row_socket(struct truth_file *file, struct endpoint e); /* two cells */
void row_ip(struct truth_file *file, uint32_t ip);
void row_end(struct truth_file *file);

struct client_truth {
	struct endpoint address;
	uint32_t public_ip;
	char *name, *version, *setup, *hidden; /* hidden NULL: the traffic tells */
	bool supernode;
	int64_t first_ns, last_ns; /* of its flows over UDP */
	bool seen;
};

struct pair_truth {
	uint32_t client, peer;
	bool client_first;
	uint64_t flows, probes, dialogs, media_flows; /* flows: of signalling */
	uint64_t packets[2], payload[2];              /* by direction: 0 from the client */
	int64_t first_ns, last_ns;
};

struct startup_truth {
	uint32_t client;
	int64_t began_ns;
	const char *outcome;
};

struct call_truth {
	uint32_t client;
	struct endpoint near, far;
	bool near_began, over_tcp, relayed, open;
	char *codec;
	int64_t first_ns, last_ns; /* of its media */
	uint64_t packets[2], payload[2];
	uint32_t holds, conference;
};

struct hold_truth {
	uint32_t call, n;
	int64_t first_ns, last_ns;
};

#define TRUTH_CHUNK 4096U /* conversations */

struct truth {
	struct truth_file *file;
	char *scenario, *title, *generator, *options, *local_net;
	uint64_t seed;
	struct error failed; /* the first failure, told by truth_close(); status EXIT_COMPLETE: none */

	struct conversation **chunk; /* TRUTH_CHUNK of them each */
	uint32_t conversations, chunk_room;
	struct conversation *oldest, *newest; /* of those with a flow, by its last packet */

	/* Arrays whose row i has number i + 1. */
	struct client_truth *client;
	struct endpoint *peer;
	struct pair_truth *pair;
	struct startup_truth *startup;
	struct call_truth *call;
	struct hold_truth *hold;
	uint32_t clients, client_room, peers, peer_room, pairs, pair_room, startups, startup_room;
	uint32_t calls, call_room, holds, hold_room;
	struct row_index client_at, peer_at, pair_of; /* by address; by address; by client and peer */
	uint32_t calls_changed;                       /* how often a call began or ended */
	uint32_t searches, inputs;

	uint64_t packets;
	int64_t first_ns, last_ns;
	bool extent_set;
};

/* A number is 1.. and that of a row, or NULL comes back. */
static inline struct client_truth *truth_client_of(const struct truth *t, uint32_t client)
{
	return client && client <= t->clients ? &t->client[client - 1] : NULL;
}
bool truth_fail(struct truth *t, enum exit_status status, const char *what);
char *truth_copy(struct truth *t, const char *text); /* NULL of NULL, and when out of memory */
/* Makes room for one more row, zeroed; false when out of memory. rows: address of the array's pointer. */
bool truth_grow(struct truth *t, void *rows, uint32_t *used, uint32_t *room, size_t row_size);

/* truth_pairs.c */
uint64_t truth_hash(uint64_t a, uint64_t b);
/* The flow of c that ends, from the view of the client, which is at its near end or at its far one. */
void truth_pair_flow(struct truth *t, const struct conversation *c, uint32_t client, uint32_t peer,
		     bool client_near);
void truth_write_pairs(struct truth *t);

/* truth_facts.c */
/* The call that a media message of c belongs to; c->call is set. */
void truth_media(struct truth *t, struct conversation *c, int64_t ns, bool from_near, size_t payload);
void truth_write_facts(struct truth *t);
#endif
