/*
 * Where observations go: from the flow workers to the one aggregator. With one worker these are plain calls;
 * with several, the same calls fill a queue. Observations carry copies, never pointers into packets.
 */
#ifndef FS_IDENTIFY_OBSERVER_H
#define FS_IDENTIFY_OBSERVER_H
#include "identify/dissector.h"
#include "identify/media.h"

struct observation {
	int64_t ts_ns;
	uint64_t packet; /* number */
	uint64_t flow;   /* first_packet of the flow */
	struct endpoint from, to;
	uint8_t l4;
	uint8_t protocol;  /* index into protocols[] */
	uint8_t kind;      /* index into its kinds */
	uint8_t dissector; /* index into dissectors[] */
	uint32_t value;
	bool has_head;   /* TEST_RANDOMNESS: */
	uint8_t head[8]; /* ... the first 64 bits of the payload */
};

struct occurrence { /* an event with its circumstances */
	int64_t ts_ns;
	uint64_t packet, flow;
	struct endpoint initiator, responder;
	enum direction dir;
	uint8_t protocol;
	struct event event;
};

/* The first packet of a flow, in this direction, that fits a pattern (identify/patterns.h). Plain data
 * without padding. */
struct pattern_hit {
	int64_t ts_ns;
	uint64_t packet, flow;
	uint8_t pattern; /* its number */
	uint8_t dir;     /* enum direction */
	uint8_t zero[6];
};
_Static_assert(sizeof(struct pattern_hit) == 32, "written to the spool as bytes: no padding");

struct observer {
	void (*observed)(void *self, const struct observation *o);
	void (*occurred)(void *self, const struct occurrence *o);
	void (*metered)(void *self,
			const struct media_report *r); /* the media of a flow that ends; before the flow */
	/* Of a flow that ends, in the order of the packets; before the flow. NULL: nobody wants to know. */
	void (*hit)(void *self, const struct pattern_hit *hit);
	void *self;
};
#endif
