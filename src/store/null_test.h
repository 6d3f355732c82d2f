/*
 * The null self-test: generated traffic that is nobody's, through the calls of the pipeline from the flow
 * table to the labels, and what the dissectors found in it all the same. The account of it is judged in
 * null_judge.h.
 *
 * Left out are the decoder, for the packets are made as decoded, and libndpi, for what it says can only speak
 * against a socket: the test is harder without it.
 */
#ifndef FS_STORE_NULL_TEST_H
#define FS_STORE_NULL_TEST_H
#include "base/progress.h"
#include "identify/dissector.h"
#include "identify/null_traffic.h"

/* Evidence is told apart by quarters of a bit, up to 96 bits: 2^-96 is never, however long one tries. */
#define NULL_BITS_STEPS    4U
#define NULL_BITS_LEVELS   (96U * NULL_BITS_STEPS)
#define NULL_DATAGRAMS_MAX UINT64_C(1000000000000) /* some days of work; packet time goes much further */

struct null_test_options {
	uint64_t datagrams, seed;
	float verdict_bits, suspect_bits;
	struct progress *progress; /* borrowed; NULL: none */
};

/* One dissector and the flows that are random payload over its transport. */
struct null_promise {
	uint64_t flows;                     /* that had payload, so that it was asked */
	uint64_t reached[NULL_BITS_LEVELS]; /* of these, with evidence of this many steps, and less than one
					       more */
	float most_bits;
};

/* One kind of traffic and one protocol. */
struct null_alarm {
	uint64_t sockets; /* about which there is any evidence */
	uint64_t suspected, recognised;
	uint64_t flows, datagrams; /* labelled as the protocol's */
	uint64_t events;           /* logins, version checks and the like that were reported */
	float most_bits;           /* of a socket or flow */
};

struct null_kind_account {
	uint64_t sockets, flows, datagrams;
	uint64_t evidence[DISSECTORS_MAX]; /* flows in which this dissector found some */
	struct null_alarm alarm[PROTOCOLS_MAX];
};

struct null_account {
	uint64_t datagrams, sockets, flows;
	struct null_promise promise[DISSECTORS_MAX];
	struct null_kind_account kind[NULL_KINDS_MAX]; /* in the order of null_kinds[] */
};

/* Zeroes *account and fills it. */
bool null_test_run(const struct null_test_options *options, struct null_account *account, struct error *err);
#endif
