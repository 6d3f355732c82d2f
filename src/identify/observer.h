/*
 * Where observations go: from the flow workers to the one aggregator. With one worker these are plain calls;
 * with several, the same calls fill a queue. Observations carry copies, never pointers into packets.
 */
#ifndef FS_IDENTIFY_OBSERVER_H
#define FS_IDENTIFY_OBSERVER_H
#include "identify/dissector.h"

struct observation {
	int64_t ts_ns;
	uint64_t packet; /* number */
	uint64_t flow;   /* first_packet of the flow */
	struct endpoint from, to;
	uint8_t l4;
	uint8_t protocol; /* index into protocols[] */
	uint8_t kind;     /* index into its kinds */
	uint32_t value;
};

struct occurrence { /* an event with its circumstances */
	int64_t ts_ns;
	uint64_t packet, flow;
	struct endpoint initiator, responder;
	enum direction dir;
	uint8_t protocol;
	struct event event;
};

struct observer {
	void (*observed)(void *self, const struct observation *o);
	void (*occurred)(void *self, const struct occurrence *o);
	void *self;
};
#endif
