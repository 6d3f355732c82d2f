/*
 * Client sockets (D3) and the evidence about them. One table, owned by the aggregator; bounded: beyond the
 * limit the socket with the oldest evidence is evicted and counted. What is evicted may have spoken against
 * its socket, and the socket may come back. So that eviction can lose a verdict but never make one, a socket
 * whose entry was made after the first eviction is suspected at most, whatever its bits; the run says anyway
 * that it is incomplete.
 */
#ifndef FS_IDENTIFY_SOCKETS_H
#define FS_IDENTIFY_SOCKETS_H
#include "base/ip.h"
#include "identify/observer.h"

#define SOCKETS_MAX_DEFAULT  262144U
#define SOCKET_CSC_MAX       32768U /* chi-square tables, 514 bytes each; a socket beyond is suspected at most */
#define VERDICT_BITS_DEFAULT 20.0F /* spec of recognition: a client socket is recognised at >= 20 bits */
#define SUSPECT_BITS_DEFAULT 10.0F /* ... and suspected at >= 10 */

struct evidence_sum {
	uint32_t count;        /* reports, for and against */
	uint32_t against;      /* of these, against */
	float bits;            /* capped sum, both together */
	uint64_t first_packet; /* 0: none */
	uint64_t last_packet;
};

/* The addresses that counted last, as hashes: that two share one can only lose evidence. */
struct witnesses {
	uint32_t address[4];
	uint8_t next, used;
};

/* A value and who has got it. peers beyond 2 have counted. */
struct repeated {
	uint32_t value;
	uint32_t peer[2]; /* hashed addresses */
	uint8_t peers;    /* 0: free */
};

enum verdict { VERDICT_NONE, VERDICT_SUSPECTED, VERDICT_RECOGNISED };

struct socket_entry {
	struct endpoint socket;
	uint8_t l4;
	uint8_t protocol;             /* index into protocols[] */
	bool internal;                /* D5 */
	bool has_counter, has_public; /* ... below are valid */
	bool public_confirmed;        /* by the socket's own address or by peers at two addresses */
	bool after_eviction;          /* suspected at most, see above */
	bool untested;                /* no room for csc below, which may have spoken against it: likewise */
	int64_t first_ns, last_ns;    /* of its evidence */
	uint64_t first_packet;
	struct ip public_ip;        /* the address by which others see it (TEST_REFLECTED) */
	uint32_t candidate, client; /* numbers that the aggregator gives when verdicts fall; 0: none */
	uint32_t high_peers;        /* counted then, too */
	bool is_called;             /* many call it and it answers, see behave/callers.h; told then, too */
	/* the tests' memory; peers are hashed addresses */
	struct witnesses echoes, steps; /* of TEST_PEERS, of TEST_COUNTER */
	uint32_t counter_peer, public_peer;
	uint16_t counter_last;
	uint8_t nonce_next, nonce_used;
	uint32_t nonce[8];
	struct witnesses agreed_by; /* of TEST_AGREED, and how many addresses agree on the value */
	uint32_t agreed;
	uint8_t agreeing;
	uint64_t csc_packet;         /* the first that csc has counted */
	struct csc *csc;             /* of TEST_RANDOMNESS; NULL: nothing was reported, or no room */
	struct repeated repeated[4]; /* of TEST_REPEATED, in order of age from repeated_next */
	uint8_t repeated_next;
	struct socket_entry *next_in_bucket, *newer, *older;
	/*
	 * By kind; only as many as some protocol needs for its sockets, and so none for kinds ABOUT_FLOW at
	 * the end of its table. Read with socket_sum().
	 */
	struct evidence_sum sums[];
};

struct socket_options {
	uint32_t max_sockets;
	float verdict_bits, suspect_bits;
	const struct netset *internal; /* borrowed */
};

struct socket_table;
struct socket_table *socket_table_new(const struct socket_options *options, struct error *err);
void socket_table_free(struct socket_table *t);
/* Evidence about sockets; ABOUT_FLOW observations are ignored here. False only when out of memory. */
bool socket_table_observe(struct socket_table *t, const struct observation *o, struct error *err);
/* Evidence that the machinery itself found about an existing entry, if its protocol gives it weight. */
void socket_entry_add(struct socket_entry *s, enum machinery_kind found, uint64_t packet);
/* The chi-square test of what the socket sent so far, if the kind's is TEST_RANDOMNESS; false: no answer. */
bool socket_randomness(const struct socket_entry *s, unsigned kind, float *bits);
/* Adds what it says when no more is coming; once. */
void socket_judge_randomness(struct socket_entry *s);
/* All zeros for a kind without evidence, and for one that is not about sockets. */
struct evidence_sum socket_sum(const struct socket_entry *s, unsigned kind);
struct socket_entry *socket_table_find(const struct socket_table *t, unsigned protocol, unsigned l4,
				       const struct endpoint *socket);
float socket_table_verdict_bits(const struct socket_table *t);
float socket_bits(const struct socket_entry *s); /* sum over the kinds */
/* By the bits, except that an entry made after an eviction is suspected at most. */
enum verdict socket_verdict(const struct socket_table *t, const struct socket_entry *s);
/* The same, of these bits. */
enum verdict socket_verdict_of(const struct socket_options *options, const struct socket_entry *s,
			       float bits);
/*
 * In order of first_packet. visit() returns false to stop, which makes the whole false; so does want of
 * memory, the only case that fills *err.
 */
bool socket_table_each(const struct socket_table *t, bool (*visit)(void *self, struct socket_entry *s),
		       void *self, struct error *err);
uint32_t socket_table_count(const struct socket_table *t);
uint64_t socket_table_evicted(const struct socket_table *t);
uint64_t
socket_table_untested(const struct socket_table *t); /* sockets without room for the chi-square test */
bool socket_table_internal(const struct socket_table *t, const struct ip *ip);
#endif
