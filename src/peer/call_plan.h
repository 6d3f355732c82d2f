/*
 * How one call goes: what the scenario says of it, worked out. Both ends and the relay read the same plan, so
 * that they agree on times without a clock of their own in the messages. Times are since the event.
 */
#ifndef FS_PEER_CALL_PLAN_H
#define FS_PEER_CALL_PLAN_H
#include "peer/scenario.h"

/*
 * No paper times the steps of a set-up. These leave a round trip of 400 ms (RMM Fig. 6: nearly all are
 * shorter) for each message, and 0.1 s at least between steps of different programs, whose clocks differ.
 */
#define CALL_ASKS_NS     INT64_C(100000000)  /* questions to other nodes */
#define CALL_CONNECTS_NS INT64_C(600000000)  /* signalling: those asked have answered */
#define CALL_MISSED_NS   INT64_C(1600000000) /* at the relay: who is not there now does not come */
#define CALL_ANSWERS_NS  INT64_C(2500000000) /* somebody takes it up */
#define CALL_JOINS_NS    INT64_C(2600000000) /* connections for media */
#define CALL_TALKS_NS    INT64_C(3000000000) /* media */
/* Behind the media: what is under way arrives, then the tear-down. */
#define CALL_HANGS_UP_NS INT64_C(300000000)
#define CALL_OVER_NS     INT64_C(1000000000)

enum call_signalling {
	CALL_DIRECT,        /* both can be reached: BS Fig. 8 */
	CALL_BY_RELAY,      /* through the node that forwards the media, too: BS Fig. 10 */
	CALL_BY_SUPERNODES, /* each over the connection that it has: BS Fig. 9, IV.D */
};

#define CALL_HOLDS_MAX 8U
struct call_hold {
	int64_t first_ns, last_ns;
};

struct call_plan {
	const struct event *event;
	const struct party *caller, *callee;
	const struct party *relay; /* of the media; NULL: direct */
	bool over_tcp;
	enum call_signalling signalling;
	/* Direct connections go to the end that can be reached; that is the callee, or else the caller, and
	 * the callee learns of the call through its supernode. */
	bool callee_connects;
	int64_t ends_ns;                       /* of the media */
	struct call_hold hold[CALL_HOLDS_MAX]; /* in order, apart */
	unsigned holds;
};

/* event: CALLS or INVITES. False: no call can be made of it; err says why, with file and line. */
bool call_plan(const struct scenario *scenario, const struct event *event, struct call_plan *out,
	       struct error *err);
/* The hold that this moment is in; NULL: they talk. */
const struct call_hold *call_plan_hold(const struct call_plan *plan, int64_t since_event_ns);
/* Where `from` reaches `to`: its public endpoint, or the one behind the NAT that both share (BS VI). */
struct endpoint call_reach(const struct party *from, const struct party *to);
/* "FILE:LINE: ", and what is wrong. */
bool event_refuse(struct error *err, const struct scenario *scenario, const struct event *event,
		  const char *who, const char *why);
#endif
