/*
 * Round trips (R11), by two methods: a message id that comes back in the reply pairs the two exactly; else
 * the first packet sent and the first received after it, as in Rossi, Mellia and Meo.
 *
 * The first are events of dissectors, kept until it is known who is a client. Bounded by ROUND_TRIPS_MAX for
 * each protocol, so that a flood of one does not hide another's; what is beyond is counted.
 */
#ifndef FS_BEHAVE_ROUND_TRIPS_H
#define FS_BEHAVE_ROUND_TRIPS_H
#include "base/error.h"
#include "behave/labelled.h"
#include "identify/observer.h"

#define ROUND_TRIPS_MAX                                                                                      \
	1000000U /* 48 bytes each. RMM's week has 2.5 million flows, 80 % of single packets                  \
		  */

struct round_trip {
	uint64_t flow, packet; /* packet: the reply */
	int64_t asked_ns, ns;
	uint32_t question, reply; /* payload on the wire */
	uint32_t client;          /* who asked; 0: not (yet) known to be one */
	uint8_t protocol;
	uint8_t dir; /* enum direction of the question */
};

struct round_trips { /* zeroed: empty */
	struct round_trip *trip;
	uint32_t trips, room;
	uint32_t of[PROTOCOLS_MAX];
	uint64_t refused;
};

void round_trips_drop(struct round_trips *t);
/*
 * EVENT_ROUND_TRIP. Left out: a question that was sent more than once, for nobody knows which sending is
 * answered (RFC 6298 section 3), and a reply that is older than its question. False only when out of memory.
 */
bool round_trips_add(struct round_trips *t, const struct occurrence *o, struct error *err);
/* By flow, and then by packet; before round_trips_of(). */
void round_trips_sort(struct round_trips *t);
/* Those of one flow, in order of their replies; NULL: none. */
struct round_trip *round_trips_of(const struct round_trips *t, uint64_t flow, uint32_t *count);

/* What a flow gives to R11: each flow exactly one of these. */
#define ROUND_TRIP_SAMPLES(X)                                                                                \
	X(echo, "flows with a round trip by a message id that came back")                                    \
	X(reply, "flows with a round trip by the first packet sent and the first received after it")         \
	X(no_reply, "flows in which the client's first packet has no reply")                                 \
	X(ambiguous, "flows in which the client sent more than one packet before the first reply")           \
	X(disordered, "flows without a round trip as their packets are out of order")
enum round_trip_sample {
#define X(name, words) ROUND_TRIP_##name,
	ROUND_TRIP_SAMPLES(X)
#undef X
		ROUND_TRIP_SAMPLE_COUNT
};
extern const char *const round_trip_sample_names[ROUND_TRIP_SAMPLE_COUNT];
extern const char *const round_trip_sample_words[ROUND_TRIP_SAMPLE_COUNT];

/*
 * One flow of a client, with its round_trips_of(). Notes the client in those that it asked for; *ns: the
 * flow's sample.
 */
enum round_trip_sample round_trip_of_flow(const struct labelled_flow *f, struct round_trip *trip,
					  uint32_t trips, int64_t *ns);
#endif
