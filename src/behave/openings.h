/*
 * TCP flows whose own payload proves a protocol, by who opened them to where and when: a host tries the same
 * address and port again in a form in which nothing can be seen (protocol.retry_ns). Bounded: what is beyond
 * OPENINGS_MAX is counted, and its retries are not recognised.
 */
#ifndef FS_BEHAVE_OPENINGS_H
#define FS_BEHAVE_OPENINGS_H
#include "base/error.h"
#include "base/hash.h"
#include "base/row_index.h"
#include "identify/record.h"

#define OPENINGS_MAX 400000U

struct opening {
	struct ip host;
	struct endpoint to;
	uint8_t protocol, role; /* index; enum flow_role */
	int64_t first_ns;
	uint64_t first_packet;
	float bits;
};

struct openings { /* zeroed: empty */
	struct opening *opening;
	uint32_t count, room;
	uint64_t refused;
	struct hash_key key;
	struct row_index by_place; /* of the first opening of each place; after openings_sort() */
};

void openings_drop(struct openings *o);
/* A closed flow: kept if it is an opening, which needs that many bits of its own. False: no memory. */
bool openings_add(struct openings *o, const struct flow_record *r, float verdict_bits, struct error *err);
/* After the last add, before the first find; once. False: no memory. */
bool openings_sort(struct openings *o, struct error *err);
/* The latest opening that r, a TCP flow from its first packet, is the next attempt of; NULL: none. */
const struct opening *openings_find(const struct openings *o, unsigned protocol, const struct flow_record *r);
#endif
